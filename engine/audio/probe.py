"""Rate and length of a sound file, for those who do not open strangers' files themselves: bridge, server, commands.

The headers that DAWs write are read here, in Python. Any other file is opened by libsndfile in a process that is
confined as the engine's.
"""

from __future__ import annotations

import contextlib
import json
import struct
import subprocess
import sys
import tempfile
from pathlib import Path

from engine.audio.riff import riff_chunks
from engine.confinement import confined_command
from engine.errors import AudioError

LIMIT_S = 60.0  # for the other process
ANSWER_LIMIT_BYTES = 1 << 10
_PLAIN_WAVE = (1, 3, 0xFFFE)  # whole numbers, floats, and either with loudspeakers
RateAndLength = tuple[int, int]  # Hz, samples per channel


def rate_and_length(path: Path) -> RateAndLength | None:
    """Rate in Hz and length in samples, as the header says; None for what libsndfile does not read.

    Raises:
        OSError: it cannot be read.
    """
    return _in_wave(path) or _in_flac(path) or _asked_apart(path)


def main() -> None:
    """Print rate and length of the file that the command line names as JSON, ``null`` where there are none."""
    from engine.audio.reader import probe

    found: RateAndLength | None = None
    with contextlib.suppress(AudioError):
        info = probe(Path(json.loads(sys.argv[-1])))
        found = info.rate_hz, info.samples
    print(json.dumps(found))


def _in_wave(path: Path) -> RateAndLength | None:
    rate_hz = frame_bytes = 0
    with path.open("rb") as stream:
        size = stream.seek(0, 2)
        stream.seek(0)
        for name, said in riff_chunks(stream):
            if name == b"fmt " and said >= 16:
                kind, _, rate_hz, _, frame_bytes, _ = struct.unpack("<HHIIHH", stream.read(16).ljust(16, b"\0"))
                if kind not in _PLAIN_WAVE:
                    return None
            elif name == b"data":
                there = size - stream.tell()
                samples = said // frame_bytes if frame_bytes else 0
                return (rate_hz, samples) if rate_hz and 0 < said <= there else None
    return None


def _in_flac(path: Path) -> RateAndLength | None:
    with path.open("rb") as stream:
        head = stream.read(26)
    if len(head) < 26 or head[:4] != b"fLaC" or head[4] & 0x7F != 0:
        return None
    bits = int.from_bytes(head[18:26], "big")  # 20 of the rate, 8 of channels and depth, 36 of the length
    rate_hz, samples = bits >> 44, bits & ((1 << 36) - 1)
    return (rate_hz, samples) if rate_hz and samples else None


def _asked_apart(path: Path) -> RateAndLength | None:
    try:
        with tempfile.TemporaryFile() as said:  # a hijacked process may say anything, without an end
            subprocess.run(
                [*confined_command(__name__, []), json.dumps(str(path))], stdin=subprocess.DEVNULL, stdout=said,
                stderr=subprocess.DEVNULL, timeout=LIMIT_S, check=True,
            )  # fmt: skip
            said.seek(0)
            rate_hz, samples = map(int, json.loads(said.read(ANSWER_LIMIT_BYTES)))
    except (subprocess.SubprocessError, ValueError, TypeError, RecursionError):
        return None
    return rate_hz, samples
