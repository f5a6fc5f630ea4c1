"""What the JSON beside a stem says of it: what it is called, and which mix it came from."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.errors import RequestError
from engine.provenance import SIDECAR_LIMIT_BYTES, read_sidecar
from engine.sidecar_values import beside, file_of, text_of, whole_of

_PARTS = ("stem", "rest", "mix")  # as a sidecar names a result's files


@dataclass(frozen=True, slots=True)
class StemSource:
    """Where a file comes from.

    Attributes:
        prompt: what it is a stem of; the file's name where no JSON speaks of it.
        mix: the mix it was taken from; where that is gone, as a clip that a bridge kept for a job, what the stem left
            of it; None where neither is known.
        start_s: where the stem begins in that.
    """

    prompt: str
    mix: Path | None = None
    start_s: float = 0.0


def stem_source(path: Path) -> StemSource:
    """The source of a file, from the JSON beside it."""
    record = next(iter(_records(path)), None)
    if record is None:
        return StemSource(path.stem.replace("_", " ").replace("-", " "))
    rate_hz = whole_of(record, "rate_hz")
    start_s = whole_of(record, "start_samples") / rate_hz if rate_hz else 0.0
    prompt = text_of(record, "prompt") if record.get("stem") == path.name else ""
    if (mix := file_of(record, "input")) is not None:
        return StemSource(prompt or path.stem, mix, start_s)
    rest = beside(path, record.get("rest"))
    left = rest if rest is not None and rest != path and rest.is_file() else None
    return StemSource(prompt or path.stem, left)


def _records(path: Path) -> Iterator[dict[str, Any]]:
    """JSONs beside a file that speak of it, that of its own name first."""
    for sidecar in sorted(path.parent.glob("*.json"), key=lambda one: (one.stem != path.stem, one.name)):
        try:
            if sidecar.stat().st_size > SIDECAR_LIMIT_BYTES:
                continue
            record = read_sidecar(sidecar)
        except (RequestError, OSError):  # any other JSON
            continue
        if any(record.get(part) == path.name for part in _PARTS):
            yield record
