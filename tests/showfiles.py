"""Pictures, videos and sounds on disk for the tests of examples, written by Pillow, PyAV and soundfile."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from PIL import Image

RED, GREEN, BLUE = (255, 0, 0), (0, 255, 0), (0, 0, 255)
Colour = tuple[int, int, int]


def plain(colour: Colour, width: int = 32, height: int = 32) -> np.ndarray:
    """One colour, uint8 (height, width, 3)."""
    return np.full((height, width, 3), colour, np.uint8)


def halves(top: Colour, bottom: Colour, width: int = 32, height: int = 32) -> np.ndarray:
    """Two colours, one above the other."""
    return np.concatenate([plain(top, width, height // 2), plain(bottom, width, height - height // 2)])


def write_video(
    path: Path,
    frames: Sequence[np.ndarray],
    fps: int = 25,
    codec: str = "libx264",
    times: Sequence[int] | None = None,
    turn_degrees: float = 0.0,
    sound_hz: int = 0,
) -> Path:
    """A video.

    Args:
        path: its ending chooses the container.
        frames: uint8 (height, width, 3) each.
        fps: one tick of its clock is one frame.
        codec: of the pictures.
        times: ticks at which the frames are shown; None means one after the other.
        turn_degrees: counter-clockwise, for the player to turn.
        sound_hz: rate of a second of noise beside it; 0 for none.
    """
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=fps)
        stream.height, stream.width = frames[0].shape[:2]
        stream.pix_fmt = "yuv420p"
        stream.time_base = stream.codec_context.time_base = Fraction(1, fps)
        if turn_degrees:
            stream.set_display_rotation(turn_degrees)
        noise = container.add_stream("aac", rate=sound_hz, layout="mono") if sound_hz else None
        for number, picture in enumerate(frames):
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            frame.pts = times[number] if times else number
            frame.time_base = Fraction(1, fps)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
        if noise is not None:
            _add_noise(container, noise, sound_hz)
    return path


def write_sound(path: Path, codec: str, rate_hz: int, seconds: float = 1.0) -> Path:
    """Noise in a container that libsndfile does not read."""
    with av.open(str(path), "w") as container:
        _add_noise(container, container.add_stream(codec, rate=rate_hz, layout="mono"), rate_hz, seconds)
    return path


def write_animation(path: Path, frames: Sequence[np.ndarray], shown_ms: int, loop: int | None = None) -> Path:
    """An animated picture; loop 0 repeats it for ever."""
    first, *others = [Image.fromarray(frame) for frame in frames]
    asked: dict[str, Any] = {} if loop is None else {"loop": loop}
    first.save(path, save_all=True, append_images=others, duration=shown_ms, **asked)
    return path


def png_that_claims(width: int, height: int) -> bytes:
    """A PNG whose head promises more pixels than its body has."""
    import struct
    import zlib

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    body = zlib.compress(bytes(1000))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", body) + chunk(b"IEND", b"")


def _add_noise(container: Any, stream: Any, rate_hz: int, seconds: float = 1.0) -> None:
    samples = np.random.default_rng(0).uniform(-0.3, 0.3, (1, round(rate_hz * seconds))).astype(np.float32)
    for at in range(0, samples.shape[1], 1024):
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(samples[:, at : at + 1024]), "fltp", "mono")
        frame.sample_rate, frame.pts = rate_hz, at
        container.mux(stream.encode(frame))
    container.mux(stream.encode(None))
