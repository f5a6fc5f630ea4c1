"""A tiny MUSIC folder whose films are real video files: tones, and a picture that tells the second it is shown at."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np
import soundfile as sf
from tinysets import tone

SOLOS = (("violin", "v1", 660.0), ("accordion", "a1", 330.0), ("tuba", "t1", 110.0))
SECONDS, FILM_FPS = 9.0, 25
WIDTH, HEIGHT = 48, 36


def colour_at(number: int, second: float, tint: int = 0) -> tuple[int, int, int]:
    """What the film of a solo shows: red tells the solo, green the second, blue which of two films."""
    return 60 + 60 * number, 30 + 20 * int(second), 40 + tint


def write_film(path: Path, number: int, tint: int = 0) -> None:
    """A film of one colour a second, MPEG-4."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=FILM_FPS)
        stream.width, stream.height, stream.pix_fmt, stream.bit_rate = WIDTH, HEIGHT, "yuv420p", 2_000_000
        for k in range(round(SECONDS * FILM_FPS)):
            picture = np.full((HEIGHT, WIDTH, 3), colour_at(number, k / FILM_FPS, tint), dtype=np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode())


def music(root: Path, tint: int = 0, filmed: bool = True) -> Path:
    """``audio/CLASS/ID.mp3`` and, where filmed, ``frames/CLASS/ID.mp4``."""
    for number, (kind, name, hertz) in enumerate(SOLOS):
        (root / "audio" / kind).mkdir(parents=True, exist_ok=True)
        sf.write(root / "audio" / kind / f"{name}.mp3", tone(hertz, SECONDS, 11_025, 1), 11_025, format="MP3")
        if filmed:
            write_film(root / "frames" / kind / f"{name}.mp4", number, tint)
    return root
