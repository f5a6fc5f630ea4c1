"""Decode the file of the next job while the model works on the job before it.

A WAV is read as fast as the disk gives it. What has to be decoded first (MP3, FLAC, Ogg, all that PyAV reads) lies
decoded in the folder of its job when the turn comes. Nothing depends on it: whatever goes wrong here is met again, and
told, by the job itself.
"""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import cast

from engine.audio.disk_array import DiskArray, DiskArrayFloat64
from engine.audio.reader import AudioInfo, Samples, blocks
from engine.errors import Cancelled, EngineError
from engine.events import Check, Report
from engine.media.intake import STAGE, OpenAudio, open_audio
from engine.request import Request

CODED = ("FLAC", "OGG", "MP3", "MPEG")  # containers whose samples libsndfile has to decode
DECODED_LIMIT_BYTES = 1 << 30  # more is decoded while it is read: half an hour of stereo at 44.1 kHz is 635 MB
FILE_LIMIT_BYTES = 256 << 20  # the length of a file for PyAV is known only when it is decoded
LOOK_S = 0.1

Held = tuple[AudioInfo, contextlib.ExitStack]
Signature = tuple[int, int]


@dataclass(eq=False)
class _Opening:
    """A file that is being decoded, or is decoded and waits."""

    signature: Signature | None
    stop: threading.Event = field(default_factory=threading.Event)
    future: Future[Held | None] = field(default_factory=Future)

    def drop(self) -> None:
        """Nobody needs it any more."""
        self.stop.set()
        self.future.add_done_callback(_close)


class ReadAhead:
    """Files of jobs that wait.

    Args:
        open_file: opens the sound of a file.
    """

    def __init__(self, open_file: OpenAudio = open_audio) -> None:
        self._open_file = open_file
        self._lock = threading.Lock()
        self._openings: dict[tuple[str, str], _Opening] = {}
        self._pool = ThreadPoolExecutor(1, "fluxstem-ahead")

    def begin(self, request: Request) -> None:
        """Decode the input of a request, where that takes time; a job with regions reads those alone."""
        if request.input is None or request.regions:
            return
        with self._lock:
            key = _key(request.input, request.out)
            if key not in self._openings:
                opening = self._openings[key] = _Opening(_signature(request.input))
                opening.future = self._pool.submit(self._decoded, *key, opening.stop)

    def forget(self, request: Request) -> None:
        """Free what was decoded for a job that has ended without asking for it."""
        if request.input is not None and (opening := self._taken(request.input, request.out)) is not None:
            opening.drop()

    def close(self) -> None:
        """Stop and free everything."""
        with self._lock:
            openings, self._openings = list(self._openings.values()), {}
        for opening in openings:
            opening.drop()
        self._pool.shutdown()

    @contextlib.contextmanager
    def open_audio(self, path: str, folder: Path, report: Report, check: Check) -> Iterator[AudioInfo]:
        """As ``engine.media.intake.open_audio``; at once where the file is decoded already."""
        opening = self._taken(path, str(folder))
        held = None if opening is None else _waited(opening, path, report, check)
        if held is None:
            with self._open_file(path, folder, report, check) as info:
                yield info
            return
        info, files = held
        with files:
            yield info

    def _taken(self, path: str, folder: str) -> _Opening | None:
        with self._lock:
            return self._openings.pop(_key(path, folder), None)

    def _decoded(self, path: str, folder: str, stop: threading.Event) -> Held | None:
        """The file with its samples on disk; None where it is better read when its turn comes."""

        def check() -> None:
            if stop.is_set():
                raise Cancelled("the job is gone")

        with contextlib.ExitStack() as files:
            if os.path.getsize(path) > FILE_LIMIT_BYTES:
                return None
            check()
            info = files.enter_context(self._open_file(path, Path(folder), _untold, check))
            if info.decoded is None:
                info = _on_disk(info, Path(folder), check, files)
            return None if info.decoded is None else (info, files.pop_all())


def _on_disk(info: AudioInfo, folder: Path, check: Check, files: contextlib.ExitStack) -> AudioInfo:
    wide = info.subtype == "PCM_32"  # beyond what float32 holds
    if info.container not in CODED or info.samples * info.channels * (8 if wide else 4) > DECODED_LIMIT_BYTES:
        return info
    rows: DiskArray | DiskArrayFloat64 = (DiskArrayFloat64 if wide else DiskArray)(folder, info.channels)
    files.callback(rows.close)
    append = cast(Callable[[Samples], None], rows.append)  # both take what fits into their own numbers
    for block_CN in blocks(info):
        check()
        append(block_CN.T)
    return replace(info, decoded=rows)


def _waited(opening: _Opening, path: str, report: Report, check: Check) -> Held | None:
    """What came of it; None where that is of no use."""
    try:
        while not wait([opening.future], LOOK_S).done:
            check()
            report(0.0, STAGE)
    except BaseException:
        opening.drop()
        raise
    if opening.signature is None or opening.signature != _signature(path):  # it was written to meanwhile
        opening.drop()
        return None
    try:
        return opening.future.result()
    except (EngineError, OSError):
        return None


def _key(path: str, folder: str) -> tuple[str, str]:
    return path, str(Path(folder))


def _signature(path: str) -> Signature | None:
    try:
        status = os.stat(path)
    except OSError:
        return None
    return status.st_size, status.st_mtime_ns


def _close(future: Future[Held | None]) -> None:
    if not future.cancelled() and future.exception() is None and (held := future.result()) is not None:
        held[1].close()


def _untold(done: float, stage: str) -> None:
    """Nobody looks at the progress of a job that waits."""
