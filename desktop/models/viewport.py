"""The visible part of the timeline and its zoom."""

from __future__ import annotations

import math

from PySide6.QtCore import QObject, Signal

CLOSEST = 0.05  # samples per pixel: twenty pixels a sample
ROOM = 1.02  # a little air after the end
GAIN_LIMITS = (1.0, 64.0)


class Viewport(QObject):
    """Maps samples to pixels.

    Signals:
        changed: start or scale changed.
        gain_changed: how much waveforms are enlarged upwards changed.
    """

    changed = Signal()
    gain_changed = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.length = 1
        self.width = 800
        self.start = 0.0
        self.samples_per_pixel = 1.0
        self.gain = 1.0  # waveforms are drawn so many times as tall; what is heard stays
        self.grain = 1.0  # pixels of the device per pixel; scrolling moves by whole ones, so pictures can be kept

    @property
    def farthest(self) -> float:
        """Samples per pixel that show the whole length."""
        return max(self.length * ROOM / max(self.width, 1), CLOSEST)

    @property
    def span(self) -> float:
        """Number of visible samples."""
        return self.samples_per_pixel * self.width

    @property
    def shows_all(self) -> bool:
        """True while the whole length is in view."""
        return self.samples_per_pixel >= self.farthest * 0.999

    def x(self, sample: float) -> float:
        """Pixel of a sample."""
        return (sample - self.start) / self.samples_per_pixel

    def sample(self, x: float) -> int:
        """Sample at a pixel, clamped to the length."""
        return min(max(round(self.start + x * self.samples_per_pixel), 0), self.length)

    def set_length(self, length: int) -> None:
        """Set the length; keep the visible part if possible."""
        whole = self.samples_per_pixel >= self.farthest * 0.999
        self.length = max(length, 1)
        self._show(0.0 if whole else self.start, self.farthest if whole else self.samples_per_pixel)

    def set_width(self, width: int) -> None:
        """Set the width in pixels."""
        if width != self.width and width > 0:
            whole = self.samples_per_pixel >= self.farthest * 0.999
            self.width = width
            self._show(self.start, self.farthest if whole else self.samples_per_pixel)

    def zoom(self, factor: float, x: float) -> None:
        """Zoom out (above 1) or in; the sample at ``x`` stays where it is."""
        at = self.start + x * self.samples_per_pixel
        scale = min(max(self.samples_per_pixel * factor, CLOSEST), self.farthest)
        self._show(at - x * scale, scale)

    def scroll(self, pixels: float) -> None:
        """Scroll to the right."""
        self.scroll_to(self.start + pixels * self.samples_per_pixel)

    def scroll_to(self, start: float) -> None:
        """Scroll to a sample, rounded to whole pixels."""
        grain_samples = self.samples_per_pixel / self.grain
        start = min(max(start, 0.0), self._last(self.samples_per_pixel))
        steps = (start - self.start) / grain_samples
        whole = math.floor(steps) if self.start + round(steps) * grain_samples > start else round(steps)
        self._show(self.start + whole * grain_samples if start > 0 else 0.0, self.samples_per_pixel)

    def fit(self, first: float = 0.0, last: float | None = None) -> None:
        """Show a region with a small margin, or everything."""
        if last is None or last <= first:
            self._show(0.0, self.farthest)
            return
        scale = max((last - first) * 1.1 / self.width, CLOSEST)
        self._show(first - (last - first) * 0.05, min(scale, self.farthest))

    def show_span(self, first: float, last: float) -> None:
        """Show exactly from one sample to another, as far as the zoom goes."""
        scale = min(max((last - first) / max(self.width, 1), CLOSEST), self.farthest)
        self._show(first, scale)

    def follow(self, sample: int, mode: str = "page") -> None:
        """Keep a moving sample in view: ``page`` by page, in the ``center``, or ``off``."""
        if mode == "center":
            self.scroll_to(sample - self.span / 2)
        elif mode == "page" and not self.start <= sample < self.start + self.span:
            self.scroll_to(sample - self.span * 0.05)

    def set_gain(self, gain: float) -> None:
        """Draw waveforms taller or flatter."""
        gain = min(max(gain, GAIN_LIMITS[0]), GAIN_LIMITS[1])
        if gain != self.gain:
            self.gain = gain
            self.gain_changed.emit()

    def _show(self, start: float, scale: float) -> None:
        start = min(max(start, 0.0), self._last(scale))
        if (start, scale) != (self.start, self.samples_per_pixel):
            self.start, self.samples_per_pixel = start, scale
            self.changed.emit()

    def _last(self, scale: float) -> float:
        """The last sample a view may start at."""
        return max(self.length * ROOM - scale * self.width, 0.0)
