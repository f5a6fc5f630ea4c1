"""Clips that clients send over TCP: whole files, written to the spool as they come, then named as ``clip:ID``.

A clip is announced with its size, its bytes follow in order, and nothing of it is held in memory. It belongs to the
connection that sends it until it is complete; after that every client may use it.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from engine.osc.home import Home
from engine.osc.paths import mark_of
from engine.osc.protocol.specs import CLIPS_LIMIT_BYTES

CLIPS_LIMIT = 64
IDLE_LIMIT_S = 3600.0
SPARE_BYTES = 64 << 20  # of the disk, left to others
NAME_LIMIT_CHARACTERS = 100


class ClipError(Exception):
    """A clip that cannot be taken or given; the message is for the user."""


@dataclass(slots=True, eq=False)
class IncomingClip:
    """One clip on its way in, or complete.

    Attributes:
        path: the file in the spool.
        size_bytes: as announced.
        sender: whoever announced it; nobody else may add to it.
        last_s: when it was last added to.
        stream: the open file; closed once the clip is complete.
        received_bytes: how much has come.
    """

    path: Path
    size_bytes: int
    sender: object
    last_s: float
    stream: BinaryIO
    received_bytes: int = 0

    @property
    def complete(self) -> bool:
        """True once all bytes and the end message have arrived."""
        return self.stream.closed


class ClipStore:
    """All clips; used on the loop's thread but for ``pin`` and ``mark``.

    Args:
        remove: removes a folder; to remove a long file takes its time, which the clients should not wait for.
    """

    def __init__(self, home: Home, remove: Callable[[Path], object]) -> None:
        self._home = home
        self._remove = remove
        self._clips: dict[str, IncomingClip] = {}

    def begin(self, id: str, size_bytes: int, name: str, sender: object, now_s: float) -> None:
        """Announce a clip.

        Args:
            id: the client's own name for it.
            size_bytes: of the whole file.
            name: file name; results are called after it; "" means the id.
            sender: see ``IncomingClip``.

        Raises:
            ClipError: too many, too large, or there is one of that id.
            OSError: the disk is full or gone.
        """
        if id in self._clips:
            raise ClipError(f"there is a clip {id} already; drop it or choose another id")
        total = size_bytes + sum(clip.size_bytes for clip in self._clips.values())
        if len(self._clips) >= CLIPS_LIMIT or total > CLIPS_LIMIT_BYTES:
            raise ClipError(f"at most {CLIPS_LIMIT} clips of together {CLIPS_LIMIT_BYTES >> 30} GB are kept; drop some")
        if size_bytes + SPARE_BYTES > shutil.disk_usage(self._home.spool).free:
            raise ClipError("there is no room on the bridge's disk; send a shorter clip")
        folder = self._home.new_spool()
        folder.mkdir(mode=0o700)
        path = folder / safe_file_name(name or f"{id}.wav")
        self._clips[id] = IncomingClip(path, size_bytes, sender, now_s, path.open("xb"))

    def append(self, id: str, blob: bytes, sender: object, now_s: float) -> None:
        """Add the next bytes of a clip.

        Raises:
            ClipError: it was not announced here, or is longer than announced; then it is dropped.
            OSError: the disk is full or gone; the clip is dropped.
        """
        clip = self._unfinished(id, sender, now_s)
        clip.received_bytes += len(blob)
        if clip.received_bytes > clip.size_bytes:
            self.drop(id)
            raise ClipError(f"the clip {id} is longer than the {clip.size_bytes} bytes announced; send it again")
        try:
            clip.stream.write(blob)
        except OSError:
            self.drop(id)
            raise

    def end(self, id: str, sender: object, now_s: float) -> int:
        """Close a clip; from now on it may be used.

        Returns:
            Its size in bytes.

        Raises:
            ClipError: it was not announced here, or is shorter than announced; then it is dropped.
            OSError: the disk is full or gone; the clip is dropped.
        """
        clip = self._unfinished(id, sender, now_s)
        if clip.received_bytes < clip.size_bytes:
            self.drop(id)
            raise ClipError(
                f"the clip {id} ended after {clip.received_bytes} of {clip.size_bytes} bytes; send it again"
            )
        try:
            clip.stream.close()
        except OSError:
            self.drop(id)
            raise
        return clip.size_bytes

    def pin(self, id: str, folder: Path) -> Path:
        """Put a complete clip under a private name.

        Raises:
            ClipError: it is not there, or not complete.
        """
        clip = self._whole(id)
        folder.mkdir(mode=0o700, parents=True)
        private = folder / clip.path.name
        try:
            os.link(clip.path, private)
        except OSError:
            shutil.copyfile(clip.path, private)
        return private

    def mark(self, id: str) -> str:
        """What a complete clip looks like; see ``Roots.mark``.

        Raises:
            ClipError: it is not there, or not complete.
        """
        return mark_of(self._whole(id).path.stat())

    def drop(self, id: str) -> None:
        """Delete a clip; jobs that pinned it keep their copy."""
        clip = self._clips.pop(id, None)
        if clip is not None:
            with contextlib.suppress(OSError):
                clip.stream.close()
            self._remove(clip.path.parent)

    def forget(self, sender: object) -> None:
        """Drop the unfinished clips of a closed connection."""
        for id in [id for id, clip in self._clips.items() if clip.sender is sender and not clip.complete]:
            self.drop(id)

    def expire(self, now_s: float) -> None:
        """Drop clips that have been idle for long."""
        for id in [id for id, clip in self._clips.items() if now_s - clip.last_s > IDLE_LIMIT_S]:
            self.drop(id)

    def close(self) -> None:
        """Drop all, and wait for it."""
        self._remove = lambda folder: shutil.rmtree(folder, ignore_errors=True)
        for id in list(self._clips):
            self.drop(id)

    def busy(self, sender: object) -> bool:
        """Whether a connection is about to send a clip."""
        return any(clip.sender is sender and not clip.complete for clip in self._clips.values())

    def _whole(self, id: str) -> IncomingClip:
        clip = self._clips.get(id)
        if clip is None or not clip.complete:
            raise ClipError(f"there is no whole clip {id}; send it with clip/begin, clip/data and clip/end")
        return clip

    def _unfinished(self, id: str, sender: object, now_s: float) -> IncomingClip:
        clip = self._clips.get(id)
        if clip is None or clip.complete or clip.sender is not sender:
            raise ClipError(f"no clip {id} was announced on this connection; announce it with clip/begin")
        clip.last_s = now_s
        return clip


def safe_file_name(text: str) -> str:
    """A text as a file name that is valid everywhere; its suffix is kept."""
    stem, dot, suffix = text.rpartition(".")
    safe = re.sub(r"[^A-Za-z0-9 _-]", "_", stem if dot else suffix).strip()[:NAME_LIMIT_CHARACTERS] or "clip"
    return f"{safe}.{re.sub(r'[^A-Za-z0-9]', '', suffix)[:8] or 'wav'}" if dot else f"{safe}.wav"
