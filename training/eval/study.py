"""What a study is, and the bundles, engine, embeddings and recordings that it may use."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from training.eval.bundle_system import Engine
from training.eval.embeddings import AudioEmbedding
from training.eval.sets import SetResources


@dataclass(frozen=True, slots=True)
class StudyContext:
    """What all studies of one run share.

    Attributes:
        resources: what examples are made with.
        embedders: what embeds sound; may be empty.
        folders: bundles by the names of their rows.
        engine: a running engine.
        examples: how many a set has; a study may need more.
        seed: decides everything.
        seconds: length of the mixes; None means each set's own.
        stems: how many made sounds a study of them judges.
        tries: settings that made sounds are also asked for with, each fields of ``engine.Request``.
        cache: training stems, at ``cache_hz``; may be missing.
        cache_hz: of the cache.
        say: takes a line for the user.
    """

    resources: SetResources
    embedders: Sequence[AudioEmbedding]
    folders: dict[str, Path]
    engine: Engine
    examples: int
    seed: int
    seconds: float | None
    cache: Path
    cache_hz: int
    say: Callable[[str], None]
    stems: int = 16
    tries: tuple[dict[str, Any], ...] = ()


@dataclass(frozen=True, slots=True)
class Study:
    """A way to measure one thing and write it down.

    Attributes:
        doc: one line.
        measure: finds everything, as plain values for JSON.
        lines: the same as lines of Markdown, heading included.
    """

    doc: str
    measure: Callable[[StudyContext], dict[str, Any]]
    lines: Callable[[dict[str, Any]], list[str]]
