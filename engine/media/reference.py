"""How a request names an example: a path, what to take it as, and which part of it.

``trumpet.wav``, ``audio:concert.mp4``, ``video:duet.mp4#t=12.5``, ``riff.flac#t=3,8``. The part is written as in W3C
Media Fragments URI 1.0, section 4.2.1, in seconds. ``same`` is the input itself, whose picture goes with its own
sound; a file of that name is ``./same``. Nothing is decoded here.
"""

from __future__ import annotations

import math
import os
import re
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO, cast, get_args

from engine.errors import ExampleError, RequestError
from engine.media.sniff import HEAD_BYTES, Guess, Kind, guess_kind
from engine.request import Request

FILE_LIMIT_BYTES, PICTURE_LIMIT_BYTES = 4 << 30, 512 << 20
SHORTEST_PART_S = 0.01
SAME = "same"
KINDS: tuple[Kind, ...] = get_args(Kind)

_PREFIX = re.compile(f"({'|'.join(KINDS)}):(.+)", re.DOTALL)
_PART = re.compile(r"(.+)#t=(\d+(?:\.\d*)?)?(?:,(\d+(?:\.\d*)?))?", re.DOTALL)


@dataclass(frozen=True, slots=True)
class MediaExample:
    """One example of a request.

    Attributes:
        path: of the file.
        kind: what to take it as; None means what it is.
        part_s: start and end in seconds; None for the end means to the end of the file.
    """

    path: str
    kind: Kind | None = None
    part_s: tuple[float, float | None] = (0.0, None)

    @property
    def name(self) -> str:
        """Name of the file, for messages and for the names of results."""
        return Path(self.path).name

    @classmethod
    def of(cls, text: str) -> MediaExample:
        """Parse an example as users write it.

        Raises:
            RequestError: no path, or a part that ends before it begins.
        """
        kind: Kind | None = None
        path, start_s, end_s = text, 0.0, None
        if prefixed := _PREFIX.fullmatch(path):
            kind, path = cast(Kind, prefixed[1]), prefixed[2]
        if (parted := _PART.fullmatch(path)) and (parted[2] or parted[3]):
            path, start_s = parted[1], float(parted[2] or 0.0)
            end_s = float(parted[3]) if parted[3] else None
        if not path or "\0" in path or path.removesuffix(":") in KINDS:
            raise RequestError("{text!r} is not a file name; give the path of a picture, a video or a sound", text=text)
        if end_s is not None and not end_s - start_s >= SHORTEST_PART_S:
            raise RequestError(
                "the part {start_s:g}-{end_s:g} s of {path} is empty; give its start, then its end",
                start_s=start_s,
                end_s=end_s,
                path=path,
            )
        if not math.isfinite(start_s):
            raise RequestError("the part of {path} begins nowhere; give its start in seconds", path=path)
        return cls(path, kind, (start_s, end_s))

    def text(self) -> str:
        """The example as users write it; the inverse of ``of``."""
        start_s, end_s = self.part_s
        part = f"#t={_plainly(start_s)}" if start_s or end_s is not None else ""
        part += "" if end_s is None else f",{_plainly(end_s)}"
        return (f"{self.kind}:" if self.kind else "") + self.path + part

    def open(self) -> BinaryIO:
        """Open the file; it must be a plain, readable file that is not empty.

        Raises:
            ExampleError: it is not, or it is too large.
        """
        try:
            # Not to wait for whoever writes into a pipe; what was opened is looked at, so it cannot be swapped.
            number = os.open(self.path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
        except FileNotFoundError:
            raise ExampleError("there is no file {path}; check the path of the example", path=self.path) from None
        except (OSError, ValueError) as error:
            why = getattr(error, "strerror", None) or error
            raise ExampleError(
                "the example {path} cannot be opened ({reason}); check its path", path=self.path, reason=why
            ) from error
        try:
            self._check(os.fstat(number))
        except ExampleError:
            os.close(number)
            raise
        return cast(BinaryIO, os.fdopen(number, "rb", buffering=0))

    def _check(self, found: os.stat_result) -> None:
        if not stat.S_ISREG(found.st_mode):
            raise ExampleError("the example {path} is not a file; give a picture, a video or a sound", path=self.path)
        if found.st_size == 0:
            raise ExampleError(
                "the example {path} is empty (0 bytes); give a picture, a video or a sound", path=self.path
            )
        if found.st_size > FILE_LIMIT_BYTES:
            raise ExampleError(
                "the example {path} has {size_mb} MiB; at most {limit_mb} are read, so cut out the part that matters",
                path=self.path,
                size_mb=found.st_size >> 20,
                limit_mb=FILE_LIMIT_BYTES >> 20,
            )

    def guess_kind(self) -> Guess:
        """Guess the kind of the file.

        Raises:
            ExampleError: it cannot be an example.
        """
        with self.open() as file:
            found = guess_kind(file.read(HEAD_BYTES), self.path)
            size = os.fstat(file.fileno()).st_size
        if found == "image" and size > PICTURE_LIMIT_BYTES:
            raise ExampleError(
                "the picture {path} has {size_mb} MiB; at most {limit_mb} are read, "
                "so save it smaller, for example as a JPEG",
                path=self.path,
                size_mb=size >> 20,
                limit_mb=PICTURE_LIMIT_BYTES >> 20,
            )
        return found


def _plainly(seconds: float) -> str:
    """A number without an exponent, as ``MediaExample.of`` reads it."""
    return f"{seconds:.9f}".rstrip("0").rstrip(".")


def examples_of(request: Request) -> Iterator[MediaExample]:
    """The examples of a request; none where their weight is 0.

    Raises:
        RequestError: one of them names no file.
    """
    if not beside_words(request) or request.example_weight > 0:
        yield from map(MediaExample.of, request.examples)


def beside_words(request: Request) -> bool:
    """True where words describe the same sound as the examples: the prompt, or what replace puts in."""
    return bool(request.replacement if request.task == "replace" else request.prompts)


def with_input_as_example(request: Request) -> Request:
    """The request with the path of its input where an example is the input itself.

    Raises:
        RequestError: there is no input.
    """
    if not any(example_path(example) == SAME for example in request.examples):
        return request
    if request.input is None:
        raise RequestError("the example same is the input, and {task} was given none; give a path", task=request.task)
    source = request.input
    examples = tuple(
        replace(example, path=source).text() if (example := MediaExample.of(text)).path == SAME else text
        for text in request.examples
    )
    return replace(request, examples=examples)


def check_example_files(examples: tuple[str, ...]) -> None:
    """Check that the files exist and could be examples, without decoding them.

    Raises:
        ExampleError: one of them cannot be used.
    """
    for text in examples:
        MediaExample.of(text).guess_kind()


def example_path(text: str) -> str:
    """The path in the name of an example."""
    return MediaExample.of(text).path


def with_path(text: str, change: Callable[[str], str]) -> str:
    """The same example at another path; the input itself stays what it is."""
    example = MediaExample.of(text)
    if example.path == SAME:
        return text
    return MediaExample(change(example.path), example.kind, example.part_s).text()
