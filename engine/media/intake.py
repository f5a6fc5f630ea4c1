"""Open what a request names as its mix, stem or rest, whatever kind of file it is.

libsndfile reads what it knows, straight from the file. The sound of all else, of videos too, is decoded once by PyAV in
a process of its own, into an array on disk.
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any

from engine.audio.disk_array import DiskArray, DiskArrayFloat64, scratch_file
from engine.audio.reader import AudioInfo, UnknownAudio, check_usable, probe, with_cut_noted, with_note
from engine.audio.riff import RiffExtras
from engine.errors import AudioError, ExampleError
from engine.events import Check, Report
from engine.media.limits import MIX_STALL_S, UnusableFile
from engine.media.sandbox import run_decoder
from engine.media.sniff import HEAD_BYTES, TextFileError, guess_kind
from engine.request import Request

STAGE = "decode the file"
OPENING_SHARE = 0.2  # of the progress, where something has to be decoded

Decode = Callable[[str, dict[str, Any], IO[bytes], IO[bytes], Callable[[], None]], dict[str, Any]]
OpenAudio = Callable[[str, Path, Report, Check], contextlib.AbstractContextManager[AudioInfo]]


@contextlib.contextmanager
def open_inputs(
    request: Request, report: Report, check: Check, open_file: OpenAudio
) -> Iterator[tuple[AudioInfo | None, AudioInfo | None, Report]]:
    """Open input and rest of a request.

    Args:
        request: its folder exists, and takes what has to be decoded.
        check: raises to stop.
        open_file: opens one of them, as ``open_audio`` does.

    Yields:
        The input, the rest, None where there is none, and who takes the progress of what comes then.

    Raises:
        AudioError: a file cannot be used.
        OutputError: there is no room in the folder.
    """
    begin = 0.0

    def opening(done: float, stage: str) -> None:
        nonlocal begin
        begin = max(begin, OPENING_SHARE * done)
        report(begin, stage)

    with contextlib.ExitStack() as opened:
        info, rest = (
            None if path is None else opened.enter_context(open_file(path, Path(request.out), opening, check))
            for path in (request.input, request.rest)
        )
        yield info, rest, lambda done, stage: report(begin + (1 - begin) * done, stage)


@contextlib.contextmanager
def open_audio(
    path: str, folder: Path, report: Report, check: Check, decode: Decode = run_decoder
) -> Iterator[AudioInfo]:
    """Open the sound of a file.

    Args:
        path: an audio or video file.
        folder: where decoded samples are kept while this is open.
        report: takes the progress of decoding, 0 to 1; not called where nothing has to be decoded.
        check: raises to stop.
        decode: runs a decoder, as ``run_decoder`` does.

    Raises:
        AudioError: the file cannot be used.
        OutputError: there is no room in the folder.
    """
    try:
        info = probe(path)
    except UnknownAudio as unknown:
        _check_kind(path)
        if importlib.util.find_spec("av") is None:
            raise AudioError(
                "{path} is of a kind that needs PyAV, which is not installed; install it with pip install av, or "
                "convert the file to WAV", path=path,
            ) from unknown  # fmt: skip
        with _decoded(Path(path), folder, report, check, decode) as decoded:
            yield decoded
        return
    yield info


def _check_kind(path: str) -> None:
    """Refuse what is certainly no sound, and what would make a decoder open other files.

    Raises:
        AudioError: it is.
    """
    with open(path, "rb") as file:
        head = file.read(HEAD_BYTES)
    try:
        kind = guess_kind(head, path)
    except TextFileError as error:
        raise AudioError("{path} holds text and no sound; give an audio or video file", path=path) from error
    except ExampleError as error:
        raise AudioError(error.template, **error.values) from error
    if kind == "image":
        raise AudioError("{path} is a picture; give a file with sound in it", path=path)


@contextlib.contextmanager
def _decoded(path: Path, folder: Path, report: Report, check: Check, decode: Decode) -> Iterator[AudioInfo]:
    with path.open("rb", buffering=0) as file, scratch_file(folder) as result:
        watch = _Watch(path, file, result, report, check)
        try:
            said = decode("engine.media.mix_decoder", {}, file, result, watch)
        except UnusableFile as error:
            raise AudioError("{path} " + error.template, **{**error.values, "path": path}) from error
        yield _info_of(path, said, result)


class _Watch:
    """Looks while a decoder works: should it stop, how far is it, does it still move?"""

    def __init__(self, path: Path, file: IO[bytes], result: IO[bytes], report: Report, check: Check) -> None:
        self._path, self._file, self._result = path, file, result
        self._report, self._check = report, check
        self._size = max(1, os.fstat(file.fileno()).st_size)
        self._seen: tuple[int, int] = (-1, -1)
        self._moved_s = time.monotonic()

    def __call__(self) -> None:
        self._check()
        at = self._file.tell()  # the decoder's own place: both share one open file
        seen = at, os.fstat(self._result.fileno()).st_size
        now_s = time.monotonic()
        if seen != self._seen:
            self._seen, self._moved_s = seen, now_s
            self._report(min(at / self._size, 1.0), STAGE)
        elif now_s - self._moved_s > MIX_STALL_S:
            raise AudioError(
                "{path} was given up: its decoder did not move for {limit_s:g} s; convert the file to WAV",
                path=self._path, limit_s=MIX_STALL_S,
            )  # fmt: skip


def _info_of(path: Path, said: dict[str, Any], result: IO[bytes]) -> AudioInfo:
    rows = (DiskArrayFloat64 if said["wide"] else DiskArray).of_file(result, said["channels"])
    if rows.rows != said["samples"]:
        raise AudioError("{path} broke its decoder (too little came out); convert it to WAV", path=path)
    info = AudioInfo(
        path, said["rate_hz"], said["channels"], said["samples"], said["container"], said["subtype"], RiffExtras(),
        decoded=rows,
    )  # fmt: skip
    bad = said["bad_packets"]
    if bad:
        note = f"{path.name} is damaged: {bad} of the packets of its sound could not be decoded and are left out"
        info = with_note(info, note)
    times = said["said_s"] / info.seconds if said["said_s"] else None
    return check_usable(with_cut_noted(info, times, said["cut"]))
