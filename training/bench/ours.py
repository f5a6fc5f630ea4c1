"""A bundle as one of the bench's systems, used as a user would: files through the engine's front door."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import soundfile as sf

from engine import Done, Engine, EngineError, Request, StemResult, find_bundle
from engine.bundle import load_bundle
from training.bench.example import Answer, Example
from training.data.sources import Audio
from training.measure import null_db

__all__ = ["Engine", "EngineError", "Ours", "locate", "read"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ours:
    """One bundle with one choice of settings.

    Attributes:
        name: heads its rows.
        bundle: folder of the bundle.
        engine: a running engine, shared.
        settings: fields of ``engine.Request`` that differ from the bundle's defaults, for example ``steps``.
        kind, doc: for the report.
    """

    name: str
    bundle: Path
    engine: Engine
    settings: tuple[tuple[str, Any], ...] = ()
    kind: str = "ours"
    doc: str = "the bundle with its own defaults"

    def separate(self, examples: Sequence[Example]) -> Iterator[Answer]:
        """Isolate the stem of every example, in order."""
        for example in examples:
            with tempfile.TemporaryDirectory() as name:
                done, result = self.ask("isolate", example.prompt, example.mix_CN, example.rate_hz, Path(name))
                stem_CN = read(result.stem)
                extra = {"seconds": done.seconds, "presence": result.presence}
                if ("render", "decoded") not in self.settings:
                    extra["null_db"] = null_db(stem_CN, read(result.rest), example.mix_CN)
            yield Answer(stem_CN, extra)

    def regenerate(self, example: Example) -> Audio:
        """A new stem ``(C, N)`` for the example's rest."""
        with tempfile.TemporaryDirectory() as name:
            result = self.ask("regenerate", example.prompt, example.rest, example.rate_hz, Path(name))[1]
            return read(result.stem)

    def ask(self, task: str, prompt: str, audio_CN: Audio, rate_hz: int, folder: Path) -> tuple[Done, StemResult]:
        """Write a file, run a request on it and wait."""
        path = folder / "in.wav"
        sf.write(path, audio_CN.T, rate_hz, subtype="FLOAT")
        request = Request(
            task=task, prompts=(prompt,), input=str(path), out=str(folder), bundle=str(self.bundle),
            **dict(self.settings),
        )  # fmt: skip
        done = self.engine.wait(self.engine.submit(request))
        return done, done.results[0]


def read(path: str | None) -> Audio:
    """Samples of a result, float32 ``(C, N)``.

    Raises:
        ValueError: the task gives no such file.
    """
    if path is None:
        raise ValueError("the engine gave no file for this task")
    audio_CN: Audio = np.ascontiguousarray(sf.read(path, dtype="float32", always_2d=True)[0].T)
    return audio_CN


def locate(bundle: str) -> Path:
    """Folder of a bundle given by path or by the name of an installed one.

    Raises:
        engine.BundleError: there is no such bundle, or it is damaged.
    """
    return load_bundle(find_bundle(bundle)).folder
