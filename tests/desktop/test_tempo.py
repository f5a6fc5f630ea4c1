"""Tempo, bars and key: what is heard in real files by the real process, what users change, and snapping to it."""

from dataclasses import replace

import numpy as np
import pytest
import soundfile

from desktop.models.project_file import load_project, save_project
from engine import TempoEstimate, TimeMap
from engine.notes.beats import KEY_NAMES, bars_of, even_beats, key_of

RATE_HZ = 22_050
WAIT_MS = 300_000
CHORDS = {"A minor": ((57, 60, 64), (62, 65, 69), (64, 68, 71), (57, 60, 64)), "C major": ((60, 64, 67),) * 4}


def song(path, bpm, meter=4, bars=10, start_s=0.3, key="A minor", drift=0.0):
    """Drums and chords: the kick on every first beat, a hat on all, a chord for each bar."""
    rng = np.random.default_rng(5)
    beats = [start_s]
    while len(beats) <= bars * meter:
        beats.append(beats[-1] + 60 / (bpm * (1 + drift * len(beats) / (bars * meter))))
    out_N = np.zeros(round((beats[-1] + 0.5) * RATE_HZ))
    time_N = np.arange(round(0.25 * RATE_HZ)) / RATE_HZ

    def add(at_s, sound_N):
        first = round(at_s * RATE_HZ)
        sound_N = sound_N[: len(out_N) - first]
        out_N[first : first + len(sound_N)] += sound_N

    for number, at_s in enumerate(beats[:-1]):
        add(at_s, 0.08 * rng.standard_normal(len(time_N)) * np.exp(-60 * time_N))
        if number % meter:
            continue
        add(at_s, 0.8 * np.sin(2 * np.pi * 60 * time_N) * np.exp(-12 * time_N))
        bar_N = np.arange(round((beats[number + meter] - at_s) * RATE_HZ)) / RATE_HZ
        for note in CHORDS[key][number // meter % 4]:
            add(at_s, 0.1 * np.sin(2 * np.pi * 440 * 2 ** ((note - 69) / 12) * bar_N))
    soundfile.write(path, np.clip(out_N, -1, 1), RATE_HZ)
    return path


@pytest.fixture
def listening(workspace):
    """A workspace that estimates."""
    workspace.settings.set("find_tempo", True)
    return workspace


def heard(workspace, qtbot, path):
    with qtbot.waitSignal(workspace.opened, timeout=WAIT_MS):
        workspace.open(path)
    qtbot.waitUntil(lambda: workspace.tempo.state == "done", timeout=WAIT_MS)
    return workspace.tempo.estimate


def test_tempo_bars_and_key_of_a_file_are_heard_with_a_confidence_and_kept(listening, qtbot, tmp_path, monkeypatch):
    estimate = heard(listening, qtbot, song(tmp_path / "song.wav", bpm=100))
    assert estimate.bpm == pytest.approx(100, abs=0.5)
    assert estimate.beats_per_bar == 4
    off_s = (estimate.first_s - 0.3) / 2.4
    assert off_s == pytest.approx(round(off_s), abs=0.03), "the first beats of the bars"
    assert estimate.key == "A minor"
    assert min(estimate.bpm_confidence, estimate.downbeat_confidence, estimate.key_confidence) > 0.2
    assert listening.tempo.time_map.bpm == estimate.bpm
    monkeypatch.setattr("desktop.models.tempo.QProcess", None)  # the second time nobody listens
    listening.document.replace_all(replace(listening.document.project, source=None))
    assert listening.tempo.state == "none"
    assert heard(listening, qtbot, tmp_path / "song.wav") == estimate


def test_without_the_package_or_when_it_fails_everything_else_works(listening, qtbot, tmp_path, monkeypatch):
    monkeypatch.setattr("desktop.models.tempo.can_estimate", lambda: False)
    path = song(tmp_path / "song.wav", bpm=100, bars=1)
    with qtbot.waitSignal(listening.opened, timeout=WAIT_MS):
        listening.open(path)
    assert listening.tempo.state == "missing"
    listening.tempo.set_tempo(93.0)
    assert listening.tempo.words(round(listening.document.project.rate_hz * 60 / 93)) == "1|2"
    assert not listening.troubles


def test_three_beats_in_a_bar_are_told_from_four():
    accents = np.tile([1.0, 0.1, 0.1], 12)
    assert bars_of(accents, accents)[:2] == (3, 0)
    accents = np.roll(np.tile([1.0, 0.1, 0.3, 0.1], 12), 2)
    assert bars_of(accents, accents)[:2] == (4, 2)
    flat = np.ones(24)
    assert bars_of(flat, flat) == (4, bars_of(flat, flat)[1], 0.0), "nothing stands out"


def test_a_steady_tempo_is_an_even_grid_and_a_drifting_one_is_not():
    rng = np.random.default_rng(1)
    even_s = 0.2 + np.arange(64) * 60 / 97.3
    bpm, _, steady = even_beats(even_s + rng.normal(0, 0.008, 64))
    assert steady
    assert bpm == pytest.approx(97.3, abs=0.1)
    drifting_s = 0.2 + np.cumsum(np.linspace(0.62, 0.55, 64))
    _, beats_s, steady = even_beats(drifting_s)
    assert not steady
    assert np.array_equal(beats_s, drifting_s)


@pytest.mark.parametrize("place", [0, 5, 15, 23])
def test_scales_have_their_key(place):
    key = KEY_NAMES[place]
    scale = (0, 2, 4, 5, 7, 9, 11) if "major" in key else (0, 2, 3, 5, 7, 8, 10)
    chroma_P = np.full(12, 0.1)
    for weight, step in zip((3, 1, 2, 1, 2, 1, 1), scale, strict=True):
        chroma_P[(place % 12 + step) % 12] = weight
    assert key_of(chroma_P)[0] == key
    assert key_of(np.ones(12)) == ("", 0.0)


def test_what_is_settled_wins_over_the_estimate_and_can_be_undone(opened):
    tempo = opened.tempo
    tempo.estimate = TempoEstimate(bpm=100.0, key="A minor")
    tempo.set_tempo(120.0)
    tempo.set_meter(3)
    tempo.set_key("C major")
    tempo.set_first_beat(1600)
    assert tempo.time_map == TimeMap(bpm=120.0, beats_per_bar=3, first_s=0.1, key="C major")
    for _ in range(4):
        opened.document.undo.undo()
    assert tempo.time_map.bpm == 100.0
    tempo.double()
    assert tempo.time_map.bpm == 200.0
    tempo.back_to_estimate()
    assert not tempo.settled


def test_the_key_that_is_heard_stays_where_the_tempo_is_settled(opened):
    opened.tempo.estimate = TempoEstimate(key="A minor")  # a sound without a beat
    opened.tempo.set_tempo(90.0)
    assert (opened.tempo.time_map.bpm, opened.tempo.time_map.key) == (90.0, "A minor")
    opened.tempo.set_key("C major")
    assert opened.tempo.time_map.key == "C major"


def test_a_key_that_is_said_to_be_unknown_stays_so_whatever_is_heard_later(opened, tmp_path):
    tempo, document = opened.tempo, opened.document
    tempo.estimate = TempoEstimate(bpm=100.0, key="A minor")
    tempo.set_key("")
    assert (tempo.key, tempo.time_map.key, tempo.time_map.bpm) == ("", "", 100.0)
    tempo.set_tempo(90.0)
    tempo.estimate = TempoEstimate(bpm=100.0, key="F major")
    assert (tempo.key, tempo.time_map.key) == ("", "")

    save_project(document.project, tmp_path / "song.fluxstem", opened.store)
    document.replace_all(replace(document.project, time_map=None, key_is_unknown=False))
    assert tempo.key == "F major"
    document.replace_all(load_project(tmp_path / "song.fluxstem", opened.store))
    assert (tempo.key, tempo.time_map.key, tempo.time_map.bpm) == ("", "", 90.0)

    tempo.set_key("C major")
    assert tempo.time_map.key == "C major"
    document.undo.undo()
    assert tempo.key == ""
    tempo.back_to_estimate()
    assert (tempo.key, tempo.time_map.bpm, tempo.settled) == ("F major", 100.0, False)


def test_a_key_that_comes_late_can_be_taken_away_where_the_tempo_is_settled(opened, qtbot):
    opened.tempo.set_tempo(90.0)
    opened.tempo.estimate = TempoEstimate(key="A minor")
    with qtbot.waitSignal(opened.tempo.changed):
        opened.tempo.set_key("")
    assert opened.tempo.time_map == TimeMap(bpm=90.0)


def test_tapping_along_gives_the_tempo(opened):
    for number in range(6):
        opened.tempo.tap(10 + number * 0.5)
    assert opened.tempo.time_map.bpm == pytest.approx(120)
    for number in range(3):
        opened.tempo.tap(60 + number * 0.6)
    assert opened.tempo.time_map.bpm == pytest.approx(100), "after a pause it begins again"


def test_regions_snap_to_beats_bars_or_zero_crossings(opened):
    opened.tempo.set_tempo(240.0)  # a beat is 4000 samples
    settings = opened.settings
    settings.set("snap_to", "beat")
    assert [opened.snapped(at) for at in (0, 1900, 2100, 15_999)] == [0, 0, 4000, 16_000]
    settings.set("snap_to", "bar")
    assert opened.snapped(7000) == 0
    settings.set("snap_to", "zero")
    assert abs(opened.snapped(7000) - 7000) <= 160
    settings.set("snap", False)
    assert opened.snapped(7001) == 7001
