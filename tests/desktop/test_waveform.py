"""What is seen of a sound: scrolling shows what painting anew would show, and the prompt's places are shaded."""

import gc
import weakref
from itertools import pairwise

import numpy as np
import pytest
from PySide6.QtGui import QImage, QPainter

from desktop.audio.peaks import PeakBuilder
from desktop.audio.spectrogram import make_spectrogram, with_zooms
from desktop.models.viewport import Viewport
from desktop.views.theme import DARK
from desktop.views.timeline import waveform_view as wave_module
from desktop.views.timeline.overview import OverviewContent, OverviewStrip, OverviewThread
from desktop.views.timeline.spans import covered_columns
from desktop.views.timeline.waveform_painter import VisibleSpan, WavePicture, WaveStyle, paint
from desktop.views.timeline.waveform_view import WaveformView

RATE_HZ, SAMPLES = 8_000, 400_000
WIDTH, HEIGHT = 300, 60


@pytest.fixture(scope="module")
def music():
    rng = np.random.default_rng(0)
    beat_N1 = np.exp(-(np.arange(SAMPLES) % 3000) / 500)[:, None]
    return (0.5 * beat_N1 * rng.standard_normal((SAMPLES, 2))).astype(np.float32)


def picture_of(music, look, **values):
    builder = PeakBuilder()
    builder.add(music)
    spectrum = with_zooms(make_spectrogram(music, RATE_HZ)) if look == "spectrogram" else None
    return WavePicture(builder.finish(), music, 5_000, spectrum, **values)


def view_of(qtbot, picture, samples_per_pixel, start):
    viewport = Viewport()
    viewport.set_width(WIDTH)
    viewport.set_length(SAMPLES + 5_000)
    viewport.zoom(samples_per_pixel / viewport.samples_per_pixel, 0)
    viewport.scroll_to(start)
    wave = WaveformView(viewport, DARK, DARK.lanes[0], lambda sample: sample)
    qtbot.addWidget(wave)
    wave.resize(WIDTH, HEIGHT)
    wave.show_picture(picture)
    wave._cursor = -10 * SAMPLES  # out of sight
    return viewport, wave


def pixels(wave):
    image = wave.grab().toImage().convertToFormat(QImage.Format.Format_RGB32)
    return np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), image.width(), 4)[:, :, :3].astype(int)


@pytest.mark.parametrize("look", ["waveform", "spectrogram"])
@pytest.mark.parametrize("samples_per_pixel", [500.3, 150.7, 40.0, 0.4, 0.1])
def test_scrolling_shows_what_painting_anew_would_show(qtbot, music, look, samples_per_pixel, monkeypatch):
    picture = picture_of(music, look, heard=((6_000, 90_000, 0.8), (90_000, 200_000, 0.3)))
    viewport, wave = view_of(qtbot, picture, samples_per_pixel, 60_000.0)
    wave.grab()
    painted = []
    monkeypatch.setattr(wave_module, "paint", lambda *args: (painted.append(args[-2:]), paint(*args)))
    for step in (37, -11, 120, -1):
        viewport.scroll(step)
        wave.grab()
    assert [last - first for first, last in painted] == [37, 11, 120, 1]
    scrolled = pixels(wave)
    wave._kept_as = None
    fresh = pixels(wave)
    assert fresh.std() > 5, "there is something to see"
    assert np.abs(scrolled - fresh).max() <= (2 if look == "spectrogram" else 0)


def test_a_lane_is_shaded_where_the_model_heard_the_prompt(qtbot, music):
    shown = picture_of(music, "waveform", heard=((5_000, 150_000, 0.9), (150_000, 300_000, 0.0)))
    _, wave = view_of(qtbot, shown, (SAMPLES + 5_000) / WIDTH, 0.0)
    bar = pixels(wave)[-2]
    base = np.array([int(DARK.base[place : place + 2], 16) for place in (5, 3, 1)])  # blue, green, red
    strength = np.abs(bar - base).sum(axis=1)
    at = [int(sample * WIDTH / (SAMPLES + 5_000)) for sample in (2_000, 80_000, 220_000, 350_000)]
    assert strength[at[1]] > 100
    assert [strength[at[0]], strength[at[2]], strength[at[3]]] == [0, 0, 0]


@pytest.mark.parametrize(("first", "last"), [(0, 40), (7, 12), (-5, 3), (30, 30)])
def test_columns_of_all_spans_at_once_are_those_of_each_alone(first, last):
    rng = np.random.default_rng(3)
    left = rng.uniform(-20, 50, 60)
    right = left + rng.uniform(0, 9, 60)
    found = list(zip(*covered_columns(left, right, first, last), strict=True))
    alone = [
        (number, column)
        for number, (low, high) in enumerate(zip(left, right, strict=True))
        for column in range(first, last)
        if column + 1 > low and column < high
    ]
    assert found == alone


def test_spans_that_follow_each_other_look_like_one(qtbot, music):
    edges = range(5_000, 155_001, 15_000)
    bars = []
    for heard in (tuple((low, high, 0.9) for low, high in pairwise(edges)), ((edges[0], edges[-1], 0.9),)):
        _, wave = view_of(qtbot, picture_of(music, "waveform", heard=heard), (SAMPLES + 5_000) / WIDTH, 0.0)
        bars.append(pixels(wave)[-2])
    assert bars[0].std() > 5
    assert np.abs(bars[0] - bars[1]).max() <= 2


def test_the_overview_shows_where_each_stem_is_heard_and_what_is_too_short_for_a_pixel(qtbot):
    strip = OverviewStrip(Viewport(), DARK)
    qtbot.addWidget(strip)
    strip.resize(WIDTH, strip.sizeHint().height())
    colour = DARK.lanes[0]
    heard = ((0, 100_000, 0.9), (100_000, 200_000, 0.1), (300_000, 300_010, 0.9))
    strip.show_content(OverviewContent(length=SAMPLES, threads=(OverviewThread(colour, heard),)))
    row = pixels(strip)[-2]
    base = row[round(strip.pixel_of(200_000)) - 20]  # not heard surely enough
    strength = np.abs(row - base).sum(axis=1)
    at = [round(strip.pixel_of(sample)) for sample in (50_000, 150_000, 300_005, 350_000)]
    seen = [int(strength[x - 1 : x + 2].max()) for x in at]
    assert min(seen[0], seen[2]) > 100
    assert max(seen[1], seen[3]) == 0


def test_without_a_word_from_the_model_its_share_of_the_mix_is_shaded(qtbot, music):
    mix = PeakBuilder()
    quiet = np.vstack([music[:5_000], music[:200_000] * 8, music[200_000:]])
    mix.add(quiet)
    _, wave = view_of(qtbot, picture_of(music, "waveform", mix=mix.finish()), (SAMPLES + 5_000) / WIDTH, 0.0)
    bar = np.abs(pixels(wave)[-2] - pixels(wave)[-2, 0]).sum(axis=1)
    assert np.median(bar[20:140]) == 0
    assert np.median(bar[170:290]) > 100


def test_a_mix_that_is_not_shown_any_more_is_let_go(music):
    mix = picture_of(music, "waveform").peaks
    picture = picture_of(music, "waveform", mix=mix)
    gone = weakref.ref(mix.levels[0])
    image = QImage(WIDTH, HEIGHT, QImage.Format.Format_RGB32)
    painter = QPainter(image)
    paint(painter, picture, WaveStyle(DARK, DARK.lanes[0], False, HEIGHT, 1.0), VisibleSpan(0.0, 500.0), 0, WIDTH)
    painter.end()
    del picture, mix
    gc.collect()
    assert gone() is None
