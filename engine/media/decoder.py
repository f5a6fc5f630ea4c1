"""The decoder process: one file in, raw arrays out, then one line that describes them or says what is wrong.

The open file is standard input, the task is one JSON argument, arrays go to standard output (a plain file), and the
last line of standard error is the answer. The process limits itself; whatever goes wrong ends it and nothing else.
"""

from __future__ import annotations

import contextlib
import json
import math
import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt

from engine.confinement import confine_decoder
from engine.media.limits import LENGTH_LIMIT_S, MEMORY_LIMIT_BYTES, RESULT_LIMIT_BYTES, TOO_LONG, UnusableFile
from engine.media.sniff import HEAD_BYTES, Kind, guess_kind

Frame = npt.NDArray[np.uint8]
Timed = Iterator[tuple[float, float, Frame]]
_NOTHING_SEEN = {"kind": "video", "frames": 0, "ticks": 0, "loops": False}


@dataclass(frozen=True, slots=True, kw_only=True)
class DecodeSpec:
    """What to decode of a file.

    Attributes:
        kind: what to decode it as; None means what it is.
        part_s: start and end in the file.
        length_s: how much of a video is needed from the start of the part; None means all.
        size_px: of the frames; 0 where the bundle has no video encoder.
        ticks_hz: rate of the grid on which frames are kept.
        rate_hz, samples: of the audio windows; 0 where the bundle has no audio encoder.
        limit_s: processor time.
    """

    kind: Kind | None
    part_s: tuple[float, float | None]
    length_s: float | None
    size_px: int
    ticks_hz: float
    rate_hz: int
    samples: int
    limit_s: float


def main() -> None:
    """Decode as the argument says, and print the answer."""
    wanted = DecodeSpec(**json.loads(sys.argv[1]))
    limit_ourselves(wanted.limit_s)
    confine_decoder()
    serve(lambda file, result: decode(file, wanted, result))


def serve(work: Callable[[BinaryIO, BinaryIO], dict[str, Any]]) -> None:
    """Let a decoder read standard input and write standard output, and print its answer or what is wrong.

    Args:
        work: takes the file and where the arrays go.
    """
    with os.fdopen(os.dup(0), "rb") as file, os.fdopen(os.dup(1), "wb") as result:
        os.dup2(2, 1)  # whatever a library prints must not get into the arrays
        try:
            said = work(file, result)
            result.flush()
        except Exception as error:  # a decoder's own fault is the file's fault to whoever gave it
            why = why_unusable(error)
            said = {"error": why.template, "values": why.values}
    sys.stderr.write("\n" + json.dumps(said) + "\n")
    sys.stderr.flush()


def why_unusable(error: Exception) -> UnusableFile:
    """What went wrong in a decoder, as words that follow the name of the file."""
    if isinstance(error, UnusableFile):
        return error
    if isinstance(error, ImportError):
        return _lacking(str(error.name).split(".")[0])
    if isinstance(error, MemoryError):
        return UnusableFile("needs more memory than a decoder gets; save it smaller")
    words = (str(error).strip().splitlines() or [""])[0]
    return UnusableFile("cannot be decoded ({reason}); save it again", reason=f"{type(error).__name__}: {words}")


def _lacking(package: str) -> UnusableFile:
    if package == "PIL":
        return UnusableFile(
            "needs Pillow, which is not installed; install the extra examples: pip install 'fluxstem[examples]'"
        )
    return UnusableFile("needs {package}, which is not installed; install it with pip", package=package)


def decode(file: BinaryIO, wanted: DecodeSpec, result: BinaryIO) -> dict[str, Any]:
    """Decode one file.

    Args:
        file: open and seekable.
        result: receives the arrays, in C order: uint8 (frames, size, size, 3) then int32 (ticks) of an image or a
            video, float32 (windows, samples) of audio.

    Returns:
        ``kind``, and ``frames``, ``ticks`` and ``loops``, or ``windows``; all 0, and nothing decoded, where the bundle
        has no encoder for it.

    Raises:
        UnusableFile: the file cannot be used; says why.
    """
    if wanted.kind == "audio":
        return _write_audio(file, wanted, result)
    return _write_image(file, wanted, result) or _video(file, wanted, result) or _write_audio(file, wanted, result)


def _write_image(file: BinaryIO, wanted: DecodeSpec, result: BinaryIO) -> dict[str, Any] | None:
    """Write the frame of an image; None where the file is not an image."""
    try:
        from engine.media.image import animation_frames, first_frame, is_animated, loops, open_image
    except ImportError:  # without Pillow, videos and sounds are read all the same
        file.seek(0)
        if guess_kind(file.read(HEAD_BYTES), "") == "image":
            raise
        return None

    image = open_image(file)
    if image is None:
        return None
    if wanted.kind != "image" and is_animated(image):
        return _write_video(animation_frames(image, wanted.size_px), wanted, result) | {"loops": loops(image)}
    if not wanted.size_px:
        return dict(_NOTHING_SEEN, kind="image")
    result.write(first_frame(image, wanted.size_px).data)
    result.write(np.zeros(1, np.int32).data)
    return {"kind": "image", "frames": 1, "ticks": 1, "loops": False}


def _video(file: BinaryIO, wanted: DecodeSpec, result: BinaryIO) -> dict[str, Any] | None:
    """Write the frames of a video; None where it has none and audio will do."""
    from engine.media.video import NotAContainer, open_container, video_frames, video_stream

    try:
        with open_container(file) as container:
            stream = video_stream(container)
            if stream is not None:
                timed = video_frames(container, stream, wanted.size_px, wanted.part_s[0])
                if wanted.kind == "image":
                    at_once = replace(wanted, length_s=1 / wanted.ticks_hz if wanted.ticks_hz else None)
                    return _write_video(timed, at_once, result) | {"kind": "image"}
                return _write_video(timed, wanted, result)
    except NotAContainer:
        if wanted.kind is not None:
            raise
    if wanted.kind is not None:
        raise UnusableFile("holds no picture; give it as a sound")
    return None


def _write_video(timed: Timed, wanted: DecodeSpec, result: BinaryIO) -> dict[str, Any]:
    """Write each frame that is shown at a tick once, then its index for every tick."""
    if not wanted.size_px:
        return dict(_NOTHING_SEEN)
    start_s, end_s = wanted.part_s
    needed_s = min(_or_forever(wanted.length_s), _or_forever(end_s) - start_s)
    needed = math.ceil(min(needed_s, 2 * LENGTH_LIMIT_S) * wanted.ticks_hz)
    ticks: list[int] = []
    written = 0

    def show(frame: Frame, until_s: float) -> None:
        nonlocal written
        last = min(needed, math.ceil((until_s - start_s) * wanted.ticks_hz - 0.5))  # to the nearest tick
        if last > len(ticks):
            if last > LENGTH_LIMIT_S * wanted.ticks_hz:
                raise UnusableFile(TOO_LONG, limit_s=LENGTH_LIMIT_S)
            result.write(np.ascontiguousarray(frame).data)
            ticks.extend([written] * (last - len(ticks)))
            written += 1

    held: Frame | None = None
    end = start_s
    for at_s, shown_s, frame in timed:
        if held is not None:
            show(held, at_s)
        if len(ticks) >= needed:
            break
        held, end = frame, at_s + shown_s
    if held is not None:
        show(held, end)
    if not ticks:
        raise UnusableFile("ends before {start_s:g} s; give a part that is in it", start_s=start_s)
    result.write(np.array(ticks, np.int32).data)
    return {"kind": "video", "frames": written, "ticks": len(ticks), "loops": False}


def _write_audio(file: BinaryIO, wanted: DecodeSpec, result: BinaryIO) -> dict[str, Any]:
    from engine.media.audio import cut, loudest_windows, read_audio

    if not wanted.samples:
        return {"kind": "audio", "windows": 0}
    blocks = read_audio(file, wanted.rate_hz, wanted.part_s)
    if blocks is not None:
        windows_KN = loudest_windows(blocks, wanted.samples, wanted.rate_hz)
    else:
        from engine.media.video import NOTHING_KNOWN, NoAudioStream, NotAContainer, audio_blocks, open_container

        try:
            with open_container(file) as container:
                blocks = cut(audio_blocks(container, wanted.rate_hz), wanted.rate_hz, wanted.part_s)
                windows_KN = loudest_windows(blocks, wanted.samples, wanted.rate_hz)
        except (NotAContainer, NoAudioStream):
            unheard = "holds no sound that can be read; use WAV, FLAC, MP3, OGG or M4A"
            raise UnusableFile(NOTHING_KNOWN if wanted.kind is None else unheard) from None
    result.write(np.ascontiguousarray(windows_KN, np.float32).data)
    return {"kind": "audio", "windows": len(windows_KN)}


def _or_forever(seconds: float | None) -> float:
    return math.inf if seconds is None else seconds


def limit_ourselves(limit_s: float, result_bytes: int = RESULT_LIMIT_BYTES) -> None:
    """Limit memory and processor time of this process, so that it ends even when its parent is gone.

    Args:
        limit_s: half of the processor time it gets.
        result_bytes: largest file it may write.
    """
    try:
        import resource
    except ImportError:  # Windows; there the caller's clock alone ends it
        return
    for what, limit in (
        (resource.RLIMIT_AS, MEMORY_LIMIT_BYTES),
        (resource.RLIMIT_CPU, math.ceil(2 * limit_s)),
        (resource.RLIMIT_FSIZE, result_bytes),
        (resource.RLIMIT_CORE, 0),
    ):
        with contextlib.suppress(ValueError, OSError):  # a lower limit is there already
            resource.setrlimit(what, (limit, limit))
