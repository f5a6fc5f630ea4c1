"""What a project takes on the disk."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from desktop.audio.store import AudioRef, AudioStore


@dataclass(frozen=True, slots=True)
class DiskUse:
    """Bytes on the disk.

    Attributes:
        audio_bytes: of the audio files themselves that a project and its history hold.
        project_bytes: those, and all that was made from them to play and draw them.
        total_bytes: of everything that the window keeps.
        dragged_bytes: of files that were written to be dragged out; DAWs may need them, so they stay.
    """

    audio_bytes: int
    project_bytes: int
    total_bytes: int
    dragged_bytes: int = 0

    @property
    def ratio(self) -> float:
        """How many times its audio a project takes."""
        return self.project_bytes / max(self.audio_bytes, 1)


def measure_disk(store: AudioStore, refs: Iterable[AudioRef]) -> DiskUse:
    """Measure the files of some stored audio. Slow: for a worker."""
    hashes = {ref.sha256: store.path(ref) for ref in refs}
    audio = sum(path.stat().st_size for path in hashes.values() if path.is_file())
    made = sum(
        file.stat().st_size
        for file in (store.cache.iterdir() if store.cache.is_dir() else ())
        if file.is_file() and file.name.split(".")[0] in hashes
    )
    out = store.folder.parent / "out"
    dragged = sum(file.stat().st_size for file in out.rglob("*") if file.is_file() and file.stat().st_nlink == 1)
    return DiskUse(audio, audio + made, store.cache_bytes(), dragged)
