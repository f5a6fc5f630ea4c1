"""What a sound looks like: waveform, single samples or spectrogram, and where the prompt was heard in it.

Every strip can be painted alone and comes out as it would in the whole, so that scrolling paints only what comes into
sight. All sizes are pixels of the device.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import lru_cache
from weakref import WeakKeyDictionary

import numpy as np
import numpy.typing as npt
from PySide6.QtCore import QPointF, QRectF
from PySide6.QtGui import QColor, QImage, QPainter, QPen, QPolygonF

from desktop.audio.peaks import BASE_SAMPLES, Peaks, raw_columns, spans
from desktop.audio.read import FloatArray
from desktop.audio.sounds import SoundSamples
from desktop.audio.spectrogram import BANDS, Spectrogram
from desktop.views.theme import Palette, blended, faded
from desktop.views.timeline.spans import covered_columns

ByteArray = npt.NDArray[np.uint8]

SHADE_PIXELS = 3  # height of the strip that says where the prompt was heard; of the screen, not of the device
SHADE_FADE = 2.0  # pixels on each side of an edge over which the strip goes from one strength to the next
HEARD_SHARE = 0.12  # of the mix's power; above this the prompt counts as present if there is no estimate
GAMMA = 1.7  # of the spectrogram: quiet bands stay in the background
LINES_BELOW = 1.0  # samples per pixel: below this single samples are joined by lines
DOTS_BELOW = 0.25  # and below this they are dots
COVER_STEPS = 15  # of a pixel at the edge of a wave; two such numbers make one index into 256 colours
OUTER_SHARE, INNER_SHARE = 0.45, 0.95  # how strong the extremes and the mean power are drawn
DIMMED_SHARE = 0.45  # of a lane that is not heard, however it is drawn
FAINTEST_SHARE = 0.35  # of the presence of what is hardly there


@dataclass(frozen=True, slots=True, eq=False)
class WavePicture:
    """What is drawn.

    Attributes:
        peaks: of the sound.
        samples_NC: the sound itself.
        start: sample of the timeline at which it begins.
        spectrum: of the sound, or None for a waveform.
        heard: ``(first, past the last sample, presence 0 to 1)`` on the timeline, where the model heard the prompt.
        mix: peaks of the mix, for an estimate of that where the model gave none; None for no shading.
    """

    peaks: Peaks
    samples_NC: SoundSamples
    start: int = 0
    spectrum: Spectrogram | None = None
    heard: tuple[tuple[int, int, float], ...] = ()
    mix: Peaks | None = None

    def is_like(self, other: WavePicture | None) -> bool:
        """True if it would be drawn the same: all parts are the same objects, or equal numbers."""
        if other is None:
            return False
        pairs = ((getattr(self, one.name), getattr(other, one.name)) for one in fields(self))
        return all(a is b or (isinstance(a, (int, tuple)) and a == b) for a, b in pairs)


@dataclass(frozen=True, slots=True)
class VisibleSpan:
    """The part of the timeline that is seen.

    Attributes:
        start: sample at the left edge.
        samples_per_pixel: of the device.
    """

    start: float
    samples_per_pixel: float

    def x(self, sample: float) -> float:
        """Pixel of a sample."""
        return (sample - self.start) / self.samples_per_pixel

    def sample(self, x: float) -> float:
        """Sample at a pixel."""
        return self.start + x * self.samples_per_pixel


@dataclass(frozen=True, slots=True)
class WaveStyle:
    """How it is drawn.

    Attributes:
        palette, colour: of the theme and the lane.
        dimmed: True means it is not heard.
        height: pixels of the device.
        ratio: pixels of the device per pixel of the screen.
        gain: the wave is drawn so many times as tall.
    """

    palette: Palette
    colour: str
    dimmed: bool
    height: int
    ratio: float
    gain: float = 1.0

    @property
    def shade_height(self) -> int:
        """Pixels of the presence strip at the bottom."""
        return round(SHADE_PIXELS * self.ratio)


def paint(
    painter: QPainter, picture: WavePicture | None, look: WaveStyle, view: VisibleSpan, first: int, last: int
) -> None:
    """Paint the pixel columns from ``first`` to ``last``, not counting the last."""
    strip = QRectF(first, 0, last - first, look.height)
    painter.setClipRect(strip)
    is_wave = picture is not None and picture.spectrum is None and view.samples_per_pixel >= LINES_BELOW
    columns = _columns(picture, view, first, last) if picture is not None and is_wave else None
    presence = _presence(picture, view, first, last, columns) if picture is not None else None
    if presence is not None and look.dimmed:
        presence = presence * np.float32(DIMMED_SHARE)
    painter.fillRect(strip, QColor(look.palette.base))
    if picture is None:
        return
    if picture.spectrum is not None:
        _paint_spectrum(painter, picture, picture.spectrum, look, view, first, last)
    elif columns is None:
        _paint_samples(painter, picture, look, view, first, last)
    else:
        _paint_wave(painter, columns, look, first, last)
    if presence is not None:
        bar = QRectF(first, look.height - look.shade_height, last - first, look.shade_height)
        paint_row(painter, presence, look.colour, bar)


# The waveform.


def _columns(picture: WavePicture, view: VisibleSpan, first: int, last: int) -> FloatArray:
    left = view.sample(first) - picture.start
    if view.samples_per_pixel < BASE_SAMPLES:
        return raw_columns(picture.samples_NC, left, view.samples_per_pixel, last - first)
    return picture.peaks.columns(left, view.samples_per_pixel, last - first)


def _middle_and_half(look: WaveStyle) -> tuple[float, float]:
    middle = look.height / 2
    return middle, middle - (SHADE_PIXELS + 2) * look.ratio


def _paint_middle(painter: QPainter, look: WaveStyle, first: int, last: int) -> None:
    thick = max(round(look.ratio), 1)
    line = QRectF(first, look.height // 2 - thick // 2, last - first, thick)
    painter.fillRect(line, faded(look.palette.line, 0.9))


def _paint_wave(painter: QPainter, columns: FloatArray, look: WaveStyle, first: int, last: int) -> None:
    """Extremes and mean power as one image of 256 colours; polygons with thousands of edges are slow."""
    _paint_middle(painter, look, first, last)
    low, high, power = columns
    rms = np.sqrt(power)
    curves = np.stack([high, np.minimum(rms, high), low, np.maximum(-rms, low)])
    pixels = _covered(curves * np.float32(look.gain), look)
    image = QImage(pixels.data, last - first, look.height, last - first, QImage.Format.Format_Indexed8)
    image.setColorTable(_wave_colours(look.colour, look.dimmed))
    painter.drawImage(QPointF(first, 0), image.convertToFormat(QImage.Format.Format_ARGB32_Premultiplied))


def _covered(curves: FloatArray, look: WaveStyle) -> ByteArray:
    """How much of each pixel lies between two pairs of curves, as an index into 256 colours.

    Whole pixels are told by where a column begins and ends; only the pixels at the four edges are weighed.

    Args:
        curves: top of the outer pair, of the inner, bottom of the outer, of the inner; (4, columns), 1 is full scale.
        look: for the height.

    Returns:
        ``(COVER_STEPS + 1)`` times the cover of the outer pair, and that of the inner one; uint8 (height, columns).
    """
    middle, half = _middle_and_half(look)
    thin = np.float32(0.4 * look.ratio) * np.array([[-1], [-1], [1], [1]], np.float32)  # silence is a line
    heights = middle - np.minimum(np.maximum(curves, -1), 1) * half + thin
    edges = np.rint(heights * COVER_STEPS).astype(np.int32)
    past = edges // COVER_STEPS  # the row that an edge lies in
    first = np.minimum(np.maximum(-(-edges[:2] // COVER_STEPS), 0), look.height)
    counts = np.maximum(np.minimum(past[2:], look.height) - first, 0).astype(np.uint16)
    rows = np.arange(look.height, dtype=np.uint16)[:, None]
    # What lies above the first row becomes a large number, so that one comparison is enough.
    inside = [((rows - top) < count).view(np.uint8) for top, count in zip(first.astype(np.uint16), counts, strict=True)]
    pixels: ByteArray = inside[0] * np.uint8(COVER_STEPS * (COVER_STEPS + 1)) + inside[1] * np.uint8(COVER_STEPS)
    weighed = np.minimum(np.maximum(past, 0), look.height - 1)
    tops = weighed * COVER_STEPS
    outer, inner = (
        np.minimum(np.maximum(np.minimum(tops + COVER_STEPS, bottom) - np.maximum(tops, top), 0), COVER_STEPS)
        for top, bottom in zip(edges[:2], edges[2:], strict=True)
    )
    pixels[weighed, np.arange(edges.shape[1])] = outer * (COVER_STEPS + 1) + inner
    return pixels


@lru_cache(maxsize=64)
def _wave_colours(colour: str, dimmed: bool) -> list[int]:
    strength = DIMMED_SHARE if dimmed else 1.0
    levels = np.arange(COVER_STEPS + 1) / COVER_STEPS
    outer, inner = levels[:, None] * OUTER_SHARE, levels[None, :] * INNER_SHARE
    alphas = strength * (1 - (1 - outer) * (1 - inner))
    return _with_alphas(colour, alphas.ravel())


def _with_alphas(colour: str, alphas: npt.NDArray[np.float64]) -> list[int]:
    """``faded(colour, alpha).rgba()`` of many alphas, without a QColor of each."""
    opaque = np.uint32(QColor(colour).rgb() & 0xFFFFFF)
    table: list[int] = (((np.rint(alphas * 65535).astype(np.uint32) >> 8) << 24) | opaque).tolist()
    return table


def _paint_samples(
    painter: QPainter, picture: WavePicture, look: WaveStyle, view: VisibleSpan, first: int, last: int
) -> None:
    _paint_middle(painter, look, first, last)
    begin = max(int(view.sample(first - 8)) - picture.start - 1, 0)
    end = min(int(view.sample(last + 8)) - picture.start + 2, len(picture.samples_NC))
    if end <= begin:
        return
    middle, half = _middle_and_half(look)
    values = np.clip(np.asarray(picture.samples_NC[begin:end]).mean(axis=1) * look.gain, -1, 1)
    points = [
        QPointF(view.x(begin + picture.start + place), middle - value * half)
        for place, value in enumerate(values.tolist())
    ]
    colour = faded(look.colour, DIMMED_SHARE if look.dimmed else 1.0)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(QPen(colour, 1.6 * look.ratio))
    painter.drawPolyline(QPolygonF(points))
    if view.samples_per_pixel * look.ratio < DOTS_BELOW:
        painter.setBrush(colour)
        for point in points:
            painter.drawEllipse(point, 2.4 * look.ratio, 2.4 * look.ratio)


# The spectrogram.


def _paint_spectrum(
    painter: QPainter,
    picture: WavePicture,
    spectrum: Spectrogram,
    look: WaveStyle,
    view: VisibleSpan,
    first: int,
    last: int,
) -> None:
    column_samples, level_BT = spectrum.level_for(view.samples_per_pixel)
    cut = _thinned if column_samples <= view.samples_per_pixel else _widened
    part_BT, left, width = cut(level_BT, column_samples, picture.start, view, first, last)
    if not part_BT.size:
        return
    pixels = np.ascontiguousarray(part_BT[::-1])
    image = QImage(pixels.data, pixels.shape[1], BANDS, pixels.shape[1], QImage.Format.Format_Indexed8)
    image.setColorTable(_spectrum_colours(look.palette, look.colour))
    painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
    painter.setOpacity(DIMMED_SHARE if look.dimmed else 1.0)
    rgb = image.convertToFormat(QImage.Format.Format_RGB32)
    painter.drawImage(QRectF(left, 0, width, look.height - look.shade_height), rgb)
    painter.setOpacity(1.0)
    painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, False)


def _thinned(
    level_BT: ByteArray, column_samples: int, start: int, view: VisibleSpan, first: int, last: int
) -> tuple[ByteArray, float, float]:
    """One column per pixel, the loudest of those that fall on it; with its left edge and its width in pixels."""
    first = max(first, int(view.x(start)))
    last = min(last, int(np.ceil(view.x(start + level_BT.shape[1] * column_samples))))
    if last <= first:
        return level_BT[:, :0], 0.0, 0.0
    edges = (view.sample(0) - start + view.samples_per_pixel * np.arange(first, last + 1)) / column_samples
    begin, end, _ = spans(edges, level_BT.shape[1])
    part_BT = np.asarray(level_BT[:, begin[0] : end[-1]])
    begin, final = begin - begin[0], end - begin[0] - 1
    loudest_BT = part_BT[:, begin]
    for further in range(1, int((final - begin).max()) + 1):  # a level has few columns for a pixel
        np.maximum(loudest_BT, part_BT[:, np.minimum(begin + further, final)], out=loudest_BT)
    return loudest_BT, float(first), float(last - first)


def _widened(
    level_BT: ByteArray, column_samples: int, start: int, view: VisibleSpan, first: int, last: int
) -> tuple[ByteArray, float, float]:
    """The columns behind a strip and a few beside it to blend with, for stretching; otherwise as ``_thinned``."""
    reach = 2 * column_samples / view.samples_per_pixel + 1
    begin = max(int((view.sample(first - reach) - start) / column_samples), 0)
    end = min(int((view.sample(last + reach) - start) / column_samples) + 2, level_BT.shape[1])
    if end <= begin:
        return level_BT[:, :0], 0.0, 0.0
    width = (end - begin) * column_samples / view.samples_per_pixel
    return np.asarray(level_BT[:, begin:end]), view.x(begin * column_samples + start), width


@lru_cache(maxsize=64)
def _spectrum_colours(palette: Palette, colour: str) -> list[int]:
    """Colour table from the background through the lane's colour to the brightest."""
    stops = [QColor(palette.base), blended(palette.base, colour, 0.35), QColor(colour)]
    stops.append(QColor("#fff6e0") if palette.name == "dark" else QColor("#101018"))
    share = 3 * np.linspace(0, 1, 256) ** GAMMA
    channels = (QColor.red, QColor.green, QColor.blue)
    rows = [np.interp(share, range(4), [channel(stop) for stop in stops]) for channel in channels]
    return [QColor(*row).rgb() for row in np.stack(rows, axis=1).astype(int).tolist()]


# Where the prompt was heard.


def _presence(
    picture: WavePicture, view: VisibleSpan, first: int, last: int, columns: FloatArray | None
) -> FloatArray | None:
    """How present the prompt is in each column, 0 to 1; None where nothing is to be said of it.

    Args:
        picture, view, first, last: see ``paint``.
        columns: of the wave, where it is drawn: their power need not be gathered again.
    """
    if picture.heard:
        begin, end, value = np.array(picture.heard, np.float64).T
        left, right = ((edge - view.start) / view.samples_per_pixel for edge in (begin, end))
        which, column = covered_columns(left - SHADE_FADE, right + SHADE_FADE, first, last)
        rise = (column + 0.5 - left[which]) / (2 * SHADE_FADE) + 0.5
        fall = (right[which] - (column + 0.5)) / (2 * SHADE_FADE) + 0.5
        presence = np.bincount(column - first, value[which] * np.clip(rise, 0, 1) * np.clip(fall, 0, 1), last - first)
        return np.minimum(presence, 1.0).astype(np.float32)
    if picture.mix is None:
        return None
    scale, width = view.samples_per_pixel, last - first
    whole = _power(picture.mix, view.sample(first), scale, width)
    if columns is not None and scale >= BASE_SAMPLES:
        own = columns[2]
    else:
        own = picture.peaks.power(view.sample(first) - picture.start, scale, width)
    share = np.where(whole > 1e-9, own / np.maximum(whole, 1e-9), 0.0)
    return np.where(share >= HEARD_SHARE, np.clip(share, FAINTEST_SHARE, 1.0), 0.0).astype(np.float32)


_POWERS: WeakKeyDictionary[Peaks, tuple[object, FloatArray]] = WeakKeyDictionary()  # a mix that is closed is let go


def _power(peaks: Peaks, start: float, samples_per_pixel: float, width: int) -> FloatArray:
    """``Peaks.power`` with a cache of one: every lane asks the same of the mix."""
    asked = (start, samples_per_pixel, width)
    found = _POWERS.get(peaks)
    if found is None or found[0] != asked:
        found = _POWERS[peaks] = (asked, peaks.power(*asked))
    return found[1]


def paint_row(painter: QPainter, strength: FloatArray, colour: str, where: QRectF) -> None:
    """One colour over a rectangle, with its own opacity in each column."""
    levels = np.ascontiguousarray(np.rint(np.clip(strength, 0, 1) * 255).astype(np.uint8))
    row = QImage(levels.data, len(levels), 1, len(levels), QImage.Format.Format_Indexed8)
    row.setColorTable(_strengths(colour))
    painter.drawImage(where, row.convertToFormat(QImage.Format.Format_ARGB32_Premultiplied))


@lru_cache(maxsize=64)
def _strengths(colour: str) -> list[int]:
    return _with_alphas(colour, np.arange(256) / 255)
