"""Decode a file in a process of its own: start it, wait, kill it at its limit, read the result.

A crash, a decompression bomb or an endless loop ends one short-lived process and becomes one error message.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any, Self

import numpy as np
import numpy.typing as npt

from engine.audio.disk_array import scratch_file
from engine.errors import ExampleError
from engine.media.decoder import DecodeSpec
from engine.media.limits import RESULT_LIMIT_BYTES, UnusableFile
from engine.media.reference import MediaExample
from engine.media.sniff import Kind

LOOK_S = 0.05  # how often the clock and the caller's wish to stop are looked at
LAST_WORDS_BYTES = 1 << 16
# What a decoder is told of the environment; it has no business with keys and passwords that stand there.
KEPT_VARIABLES = re.compile(
    r"PATH|HOME|USERPROFILE|TZ|TMPDIR|TEMP|TMP|LANG|LC_\w+|SYSTEMROOT|WINDIR|COMSPEC|VIRTUAL_ENV|"
    r"(PYTHON|LD_|DYLD_|FLUXSTEM_|_PYI|_MEIPASS)\w*",
    re.IGNORECASE,
)

# As of engine/host/process.py: the caller's main module and current folder must not reach the new process.
_BOOT = "import sys; r = sys.argv.pop(1); r in sys.path or sys.path.insert(0, r); "
_BOOT += "from {main} import main; main()"


@dataclass(frozen=True, slots=True)
class DecodedMedia:
    """Decoded arrays of a file, in a nameless file on disk until ``close``.

    Attributes:
        kind: what it was decoded as.
        frames, ticks: number of frames, and of ticks at which they are shown.
        windows: of audio.
        loops: True for an animation that starts again at its end.
        size_px: of a frame.
        samples: of a window.
        file: the arrays, one after the other.
    """

    kind: Kind
    frames: int
    ticks: int
    windows: int
    loops: bool
    size_px: int
    samples: int
    file: IO[bytes]

    def shown(self) -> npt.NDArray[np.int32]:
        """Index of the frame shown at each tick, int32 (ticks)."""
        return np.frombuffer(self._read(self.frames * self.size_px**2 * 3, self.ticks * 4), np.int32)

    def frame(self, number: int) -> npt.NDArray[np.uint8]:
        """One frame, uint8 (size, size, 3)."""
        length = self.size_px**2 * 3
        shape = (self.size_px, self.size_px, 3)
        return np.frombuffer(self._read(number * length, length), np.uint8).reshape(shape)

    def sound(self) -> npt.NDArray[np.float32]:
        """The audio windows, float32 (windows, samples)."""
        raw = self._read(0, self.windows * self.samples * 4)
        return np.frombuffer(raw, np.float32).reshape(self.windows, self.samples)

    def close(self) -> None:
        """Free the disk space."""
        self.file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def _read(self, at: int, length: int) -> bytes:
        self.file.seek(at)
        return self.file.read(length)


class DecoderFailed(UnusableFile):
    """What a decoder says of a file, or how it ended, as words that follow the name of the file."""


def decode_apart(example: MediaExample, wanted: DecodeSpec, folder: Path, check: Callable[[], None]) -> DecodedMedia:
    """Decode one example in a process of its own.

    Args:
        wanted: what to decode, and how long that may take.
        folder: where the arrays are kept.
        check: called while waiting; raises to stop, which ends the process.

    Raises:
        ExampleError: the file cannot be used, or its decoder crashed or took too long.
        OutputError: there is no room in the folder.
    """
    with contextlib.ExitStack() as stack:
        file = stack.enter_context(example.open())
        result = scratch_file(folder)
        on_failure = stack.enter_context(contextlib.ExitStack())
        on_failure.callback(result.close)
        said = _run(example, wanted, file, result, check)
        found = DecodedMedia(
            said["kind"], said.get("frames", 0), said.get("ticks", 0), said.get("windows", 0),
            bool(said.get("loops")), wanted.size_px, wanted.samples, result,
        )  # fmt: skip
        _check_size(found, example)
        on_failure.pop_all()
    return found


def _run(
    example: MediaExample, wanted: DecodeSpec, file: IO[bytes], result: IO[bytes], check: Callable[[], None]
) -> dict[str, Any]:
    end_s = time.monotonic() + wanted.limit_s

    def watch() -> None:
        check()
        if time.monotonic() >= end_s:
            raise ExampleError(
                "the example {path} was not decoded within {limit_s:g} s and was given up; "
                "give a shorter part of it or save it smaller",
                path=example.path,
                limit_s=wanted.limit_s,
            )

    try:
        return run_decoder("engine.media.decoder", asdict(wanted), file, result, watch)
    except DecoderFailed as error:
        raise ExampleError("the example {path} " + error.template, **{**error.values, "path": example.path}) from error


def run_decoder(
    main: str, wanted: dict[str, Any], file: IO[bytes], result: IO[bytes], watch: Callable[[], None]
) -> dict[str, Any]:
    """Run a decoder in a process of its own.

    Args:
        main: module whose ``main`` it is.
        watch: called while waiting; raises to stop, which ends the process.

    Returns:
        Its answer.

    Raises:
        DecoderFailed: it says that the file cannot be used, or it crashed.
    """
    with tempfile.TemporaryFile() as words:
        with process_apart(main, wanted, file, result, words) as process:
            while True:
                watch()
                with contextlib.suppress(subprocess.TimeoutExpired):
                    code = process.wait(LOOK_S)
                    break
        words.seek(max(0, words.seek(0, os.SEEK_END) - LAST_WORDS_BYTES))
        said = _last_line(words.read())
    if code != 0 or said is None:
        raise _broken(code)
    if "error" in said:
        template, values = said["error"], said.get("values", {})
        if not _is_plain(template, values):
            raise _broken(code)
        raise DecoderFailed(template, **values)
    return said


def _is_plain(template: object, values: object) -> bool:
    """True for words whose braces hold names of values and nothing that reaches into them: decoders may be hijacked."""
    if not isinstance(template, str) or not isinstance(values, dict):
        return False
    fields = re.findall(r"\{(\w+)(:g)?\}", template)
    if not len(fields) == template.count("{") == template.count("}"):
        return False
    return all(isinstance(values.get(name), (int, float) if number else (str, int, float)) for name, number in fields)


def _broken(code: int) -> DecoderFailed:
    if code < 0:
        return DecoderFailed(
            "broke its decoder (it was ended by {signal}); save it in another format", signal=signal_name(-code)
        )
    return DecoderFailed("broke its decoder (it ended with code {code}); save it in another format", code=code)


def signal_name(number: int) -> str:
    """What a signal is called, ``SIGSEGV``."""
    names = {known.value: known.name for known in signal.Signals}
    return names.get(number, f"signal {number}")


@contextlib.contextmanager
def process_apart(
    main: str,
    wanted: dict[str, Any],
    file: IO[bytes],
    result: IO[bytes],
    words: IO[bytes],
    variables: Sequence[str] = (),
) -> Iterator[subprocess.Popen[bytes]]:
    """Run the ``main`` of a module in a process of its own, which is killed at the end of the block.

    Args:
        wanted: its one argument, as JSON.
        file, result, words: its standard input, output and error.
        variables: names of further variables of the environment that it is told.
    """
    root = str(Path(__file__).resolve().parents[2])
    one_thread = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    further = {name: os.environ[name] for name in variables if name in os.environ}
    process = subprocess.Popen(
        [sys.executable, "-P", "-c", _BOOT.format(main=main), root, json.dumps(wanted)],
        stdin=file,
        stdout=result,
        stderr=words,
        env={**decoder_environment(), **further, **one_thread},
        start_new_session=True,  # a Ctrl-C in the terminal is for the client, which then cancels
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()


def decoder_environment() -> dict[str, str]:
    """The variables that a decoder is given."""
    return {name: value for name, value in os.environ.items() if KEPT_VARIABLES.fullmatch(name)}


def _last_line(words: bytes) -> dict[str, Any] | None:
    lines = words.strip().splitlines()
    try:
        said = json.loads(lines[-1]) if lines else None
    except (ValueError, RecursionError):
        return None
    return said if isinstance(said, dict) else None


def _check_size(found: DecodedMedia, example: MediaExample) -> None:
    """Check that the output has the announced size."""
    pictures = found.frames * found.size_px**2 * 3 + found.ticks * 4
    expected = pictures + found.windows * found.samples * 4
    if found.file.seek(0, os.SEEK_END) != expected or expected > RESULT_LIMIT_BYTES:
        raise ExampleError(
            "the example {path} broke its decoder (too little came out); save it again", path=example.path
        )
