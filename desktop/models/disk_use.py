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
    """

    audio_bytes: int
    project_bytes: int
    total_bytes: int


def measure_disk(store: AudioStore, refs: Iterable[AudioRef]) -> DiskUse:
    """Measure the files of some stored audio. Slow: for a worker."""
    hashes = {ref.sha256: store.path(ref) for ref in refs}
    audio = sum(path.stat().st_size for path in hashes.values() if path.is_file())
    made = sum(
        file.stat().st_size
        for file in (store.cache.iterdir() if store.cache.is_dir() else ())
        if file.is_file() and file.name.split(".")[0] in hashes
    )
    return DiskUse(audio, audio + made, store.cache_bytes())
