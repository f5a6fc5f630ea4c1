"""The decoder process of a mix: the sound of any file that FFmpeg knows, whole and exact, block by block.

As ``engine.media.decoder``: the open file is standard input, samples go to standard output, the answer is the last line
of standard error. What encoders added at the start is left out, as FFmpeg does; packets that cannot be decoded are
left out too, and counted.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO

import av
import numpy as np
import numpy.typing as npt
from av.codec.context import Flags2

from engine.confinement import confine_decoder
from engine.media.decoder import limit_ourselves, serve
from engine.media.limits import MIX_LIMIT_S, MIX_RESULT_BYTES, UnusableFile
from engine.media.video import NotAContainer, open_container

# Containers by the first of FFmpeg's names. Only in those of the second table does a length stand in the header.
CONTAINERS = {"mov": "MP4", "matroska": "MATROSKA", "asf": "ASF", "aac": "ADTS", "wv": "WAVPACK"}
SAYS_LENGTH = ("mov", "matroska", "asf", "wv", "tta", "ape", "flac", "wav", "w64", "caf", "aiff", "avi", "mxf", "dsf")
INT_BITS = {"u8": 8, "s16": 16, "s32": 32, "s64": 64}
LOWEST_24_BITS = 0xFF  # of 32: what 24-bit sound leaves empty

Rows = npt.NDArray[np.float32] | npt.NDArray[np.float64]


@dataclass(slots=True)
class _Sound:
    """What has been found out of a sound so far."""

    rate_hz: int = 0
    channels: int = 0
    sample_format: str = ""
    samples: int = 0
    bad_packets: int = 0
    bad_at_end: int = 0
    low_bits: int = 0

    @property
    def is_wide(self) -> bool:
        """True where float32 cannot hold the samples."""
        return INT_BITS.get(self.sample_format, 0) > 24


def main() -> None:
    """Decode standard input, and print the answer."""
    json.loads(sys.argv[1])
    limit_ourselves(MIX_LIMIT_S, MIX_RESULT_BYTES)
    confine_decoder()
    serve(write_mix)


def write_mix(file: BinaryIO, result: BinaryIO) -> dict[str, Any]:
    """Decode the first sound of a file.

    Args:
        file: open and seekable.
        result: receives float32 (samples, channels), or float64 where the sound has 32-bit integers.

    Returns:
        ``rate_hz``, ``channels``, ``samples``, ``wide`` (float64), ``subtype`` and ``container`` in the words of
        libsndfile, ``said_s`` (length in the header, 0 where there is none), ``cut`` (the end could not be decoded) and
        ``bad_packets`` before that.

    Raises:
        UnusableFile: there is no sound in it, or none that can be decoded.
    """
    try:
        with open_container(file) as container:
            if not container.streams.audio:
                raise UnusableFile("holds no sound; give a file with an audio track")
            stream = container.streams.audio[0]
            if stream.codec_context is None:
                raise UnusableFile("holds no sound that can be decoded; save it again")  # of a codec that FFmpeg lacks
            if (container.format.name, stream.codec_context.name) == ("caf", "alac"):
                # The last packet says how long it is, and FFmpeg takes away once more what the file says it lacks.
                stream.codec_context.flags2 |= Flags2.skip_manual
            sound = _Sound()
            for rows_NC in _rows(container, stream, sound):
                result.write(np.ascontiguousarray(rows_NC).data)
            if not sound.samples:
                raise UnusableFile("holds no sound that can be decoded; save it again")
            return _described(container, stream, sound)
    except NotAContainer:
        raise UnusableFile(
            "is not an audio or video file that can be read; use WAV, FLAC, AIFF, OGG, MP3 or M4A"
        ) from None


def _rows(container: Any, stream: Any, sound: _Sound) -> Iterator[Rows]:
    for frame in _frames(container, stream, sound):
        if not frame.samples:
            continue
        if not sound.samples:
            sound.rate_hz, sound.channels = frame.sample_rate, frame.layout.nb_channels
            sound.sample_format = frame.format.packed.name
        elif (frame.sample_rate, frame.layout.nb_channels) != (sound.rate_hz, sound.channels):
            raise UnusableFile(
                "changes its rate or channels at {seconds:g} s; convert it first", seconds=sound.samples / sound.rate_hz
            )
        sound.samples += frame.samples
        yield _as_rows(frame, sound)


def _frames(container: Any, stream: Any, sound: _Sound) -> Iterator[Any]:
    """Frames in order; a damaged end is left out, and so are packets that cannot be decoded."""
    packets = container.demux(stream)
    while True:
        try:
            packet = next(packets)
        except StopIteration:
            return
        except (av.FFmpegError, OSError):  # OSError: a damaged index that points before the beginning
            sound.bad_at_end += 1
            return
        try:
            frames = packet.decode()
        except av.FFmpegError:
            sound.bad_at_end += 1
            continue
        if frames and packet.size:
            sound.bad_packets, sound.bad_at_end = sound.bad_packets + sound.bad_at_end, 0
        yield from frames


def _as_rows(frame: Any, sound: _Sound) -> Rows:
    block = frame.to_ndarray()
    rows_NC: npt.NDArray[Any] = block.T if frame.format.is_planar else block.reshape(-1, sound.channels)
    bits = INT_BITS.get(sound.sample_format)
    if bits is None:
        return rows_NC.astype(np.float32)
    if bits == 8:
        return (rows_NC.astype(np.float32) - 128) / 128
    if bits == 32:
        sound.low_bits |= int(np.bitwise_or.reduce(rows_NC, axis=None)) & LOWEST_24_BITS
    whole_NC: npt.NDArray[np.float64] = rows_NC / 2.0 ** (bits - 1)
    return whole_NC if sound.is_wide else whole_NC.astype(np.float32)


def _described(container: Any, stream: Any, sound: _Sound) -> dict[str, Any]:
    name = container.format.name.split(",")[0]
    said_s = 0.0
    if name in SAYS_LENGTH:
        if stream.duration:
            said_s = float(stream.duration * stream.time_base)
        elif container.duration and len(container.streams) == 1:  # else it may be that of the picture
            said_s = container.duration / av.time_base
    return {
        "rate_hz": sound.rate_hz, "channels": sound.channels, "samples": sound.samples, "wide": sound.is_wide,
        "subtype": _subtype(stream.codec_context.codec, sound),
        "container": CONTAINERS.get(name, name.upper()), "said_s": said_s, "cut": sound.bad_at_end > 0,
        "bad_packets": sound.bad_packets,
    }  # fmt: skip


def _subtype(codec: Any, sound: _Sound) -> str:
    """How a sample is stored: the bits of a lossless sound, the name of the codec of any other."""
    bits = INT_BITS.get(sound.sample_format)
    if not codec.lossless or (codec.lossy and bits is None and codec.canonical_name != "wavpack"):
        return str(codec.canonical_name).upper()
    if bits is None:
        return "FLOAT"
    if bits == 32:
        return "PCM_32" if sound.low_bits else "PCM_24"
    return {8: "PCM_U8", 16: "PCM_16"}.get(bits, "PCM_32")
