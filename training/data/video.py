"""Films of players at 8 frames a second, read a span at a time: numbered pictures, or a video file.

A frame is turned upright and fitted into a square with black bars, its pixels taken as square. What the engine shows to
a bundle is the same for whole films of square pixels, but for how it makes frames smaller; it also reads others: it
mirrors, applies a pixel aspect ratio and keeps what comes before damage.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from training.scene.config import FPS
from training.typing import Frames

if TYPE_CHECKING:
    from PIL.Image import Image


class FilmSource(Protocol):
    """A film of a piece; frame ``k`` shows the middle of its 1/8 s."""

    @property
    def count(self) -> int:
        """Number of frames."""

    def read(self, first: int, count: int, size_px: int) -> Frames:
        """Frames as uint8 ``(F, size_px, size_px, 3)``; the last one goes on where there are no more.

        Raises:
            ValueError: it cannot be read.
        """


@dataclass(frozen=True, slots=True)
class FrameFolder:
    """A film as numbered pictures, 8 for a second."""

    files: tuple[Path, ...]

    @property
    def count(self) -> int:
        return len(self.files)

    def read(self, first: int, count: int, size_px: int) -> Frames:
        from PIL import Image

        shown = []
        for k in range(first, first + count):
            path = self.files[min(max(k, 0), len(self.files) - 1)]
            try:
                with Image.open(path) as picture:
                    shown.append(_square(picture, size_px))
            except OSError as error:
                raise ValueError(f"the picture {path.name} cannot be read: {error}") from error
        return np.stack(shown)


@dataclass(frozen=True, slots=True)
class VideoFile:
    """A file that FFmpeg reads, of any rate. Its time 0 is that of the sound.

    Attributes:
        path: of the file.
        seconds: length.
    """

    path: Path
    seconds: float

    @classmethod
    def open(cls, path: Path) -> VideoFile:
        """Read the header.

        Raises:
            ValueError: FFmpeg cannot read it, or it says no length.
        """
        import av

        try:
            with av.open(str(path)) as container:
                if container.streams.video and container.duration:
                    return cls(path, container.duration / av.time_base)
        except av.FFmpegError as error:
            raise ValueError(f"the film {path.name} cannot be read: {error}") from error
        raise ValueError(f"the film {path.name} shows nothing, or does not say how long it is")

    @property
    def count(self) -> int:
        return round(self.seconds * FPS)

    def read(self, first: int, count: int, size_px: int) -> Frames:
        import av

        moments_s = [(k + 0.5) / FPS for k in range(first, first + count)]
        shown: list[Frames] = []
        held: Any = None
        try:
            with av.open(str(self.path)) as container:
                for at_s, frame in _from(container, moments_s[0]):
                    while held is not None and len(shown) < count and moments_s[len(shown)] < at_s:
                        shown.append(_upright(held, size_px))
                    if len(shown) == count:
                        break
                    held = frame
        except av.FFmpegError as error:
            raise ValueError(f"the film {self.path.name} cannot be read: {error}") from error
        if held is None:
            raise ValueError(f"the film {self.path.name} shows nothing at {moments_s[0]:.1f} s")
        last = [_upright(held, size_px)] if len(shown) < count else []
        return np.stack([*shown, *last * (count - len(shown))])


def _from(container: Any, start_s: float) -> Iterator[tuple[float, Any]]:
    """Frames from shortly before a moment on, with the seconds at which each begins to be shown."""
    import av

    begins_s = (container.start_time or 0) / av.time_base
    container.seek(int((start_s + begins_s) * av.time_base), backward=True)
    for frame in container.decode(video=0):
        if frame.pts is not None:  # else its time is unknown
            yield float(frame.pts * frame.time_base) - begins_s, frame


def _upright(frame: Any, size_px: int) -> Frames:
    return _square(frame.to_image().rotate(frame.rotation, expand=True), size_px)


def _square(picture: Image, size_px: int) -> Frames:
    from PIL import Image, ImageOps

    return np.asarray(ImageOps.pad(picture.convert("RGB"), (size_px, size_px), Image.Resampling.BOX))


def frames_from(film: FilmSource, start_s: float, count: int, size_px: int) -> Frames:
    """``count`` frames from a moment on; black, which is no picture, where the film is over.

    Raises:
        ValueError: the film cannot be read.
    """
    first = round(start_s * FPS)
    there = max(0, min(count, film.count - first))
    frames = np.zeros((count, size_px, size_px, 3), dtype=np.uint8)
    if there:
        frames[:there] = film.read(first, there, size_px)
    return frames
