"""What a project takes on the disk."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from desktop.audio.store import AudioRef, AudioStore


@dataclass(frozen=True, slots=True)
class DiskUse:
    """Bytes on the disk.

    Attributes:
        audio_bytes: of the sounds that a project and its history hold, as uncompressed files of their own depth.
        project_bytes: of its files, and all that was made from them to play and draw them.
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
    kept = {ref.sha256: ref for ref in refs if store.path(ref).is_file()}
    files = {name: store.path(ref).stat().st_size for name, ref in kept.items()}
    audio = sum(max(files[name], plain_bytes(ref, store.bits(ref))) for name, ref in kept.items())
    made = sum(
        file.stat().st_size
        for file in (store.cache.iterdir() if store.cache.is_dir() else ())
        if file.is_file() and file.name.split(".")[0] in kept
    )
    out = store.folder.parent / "out"
    dragged = sum(file.stat().st_size for file in out.rglob("*") if file.is_file() and file.stat().st_nlink == 1)
    return DiskUse(audio, sum(files.values()) + made, store.cache_bytes(), dragged)


def plain_bytes(ref: AudioRef, bits: int | None) -> int:
    """Bytes of a sound without compression; of floats and lossy files, as float32."""
    return ref.samples * ref.channels * (bits or 32) // 8
