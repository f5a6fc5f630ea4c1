"""Media prompts as files: a drawn player as a video or an image, and a reference sound.

Everything depends on the example and the seed alone.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import soundfile as sf
from PIL import Image

from training.eval.example import EvalExample
from training.eval.sets import TRIES, SetResources, number_of, play
from training.synthesis.video.clip import FPS, DrawnClip, draw_clip
from training.typing import Audio, Frames

VIDEO_BITS_PER_S = 4_000_000  # enough that a frame of this size loses next to nothing


def clip_of(example: EvalExample, seed: int, salt: str = "") -> DrawnClip:
    """The player of the example's stem, drawn alone.

    Raises:
        ValueError: the notes of the stem are not known.
    """
    if example.part is None:
        raise ValueError(f"{example.set} {example.number} has no notes, so its player cannot be drawn")
    return draw_clip([example.part], example.seconds, [seed, number_of(example.set + salt), example.number])


def write_video(frames_FHWC: Frames, path: Path) -> Path:
    """Write uint8 frames as a video of 8 frames a second with PyAV (MPEG-4, the codec every FFmpeg has)."""
    import av

    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=FPS)
        stream.height, stream.width = frames_FHWC.shape[1:3]
        stream.pix_fmt = "yuv420p"
        stream.bit_rate = VIDEO_BITS_PER_S
        for frame in frames_FHWC:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(np.ascontiguousarray(frame), format="rgb24")))
        container.mux(stream.encode())
    return path


def write_still(clip: DrawnClip, path: Path) -> Path:
    """Write a frame from the middle of a clip as a picture."""
    Image.fromarray(clip.frames(clip.count // 2, 1)[0]).save(path)
    return path


def write_pictures(clip: DrawnClip, stem: Path) -> dict[str, Path]:
    """A clip as ``video`` and as ``still``, in files called ``stem`` with endings of their own."""
    return {
        "video": write_video(clip.frames(), stem.with_suffix(".mp4")),
        "still": write_still(clip, stem.with_suffix(".png")),
    }


def write_sound(resources: SetResources, example: EvalExample, seed: int, path: Path) -> Path:
    """Write the example's instrument playing something else: another piece, by a reserved recording."""
    sf.write(path, other_phrase(resources, example, seed).T, example.rate_hz, subtype="FLOAT")
    return path


def other_phrase(resources: SetResources, example: EvalExample, seed: int) -> Audio:
    """The example's instrument in another piece, float32 ``(2, N)``.

    Raises:
        ValueError: no reserved recording plays it.
    """
    for attempt in range(TRIES):
        rng = np.random.default_rng([seed, number_of("sound" + example.set), example.number, attempt])
        made = play(resources, rng, [example.family], example.mix_CN.shape[1], example.rate_hz)
        if made is not None:
            return made.stems[0]
    raise ValueError(f"no reserved recording plays {example.family}, so there is no sound to be like")
