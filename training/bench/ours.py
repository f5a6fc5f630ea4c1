"""A bundle as one of the bench's systems, used as a user would: files through the engine's front door."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import soundfile as sf
import soxr

from engine import Done, Engine, EngineError, Request, find_bundle
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
            yield self.isolate(example)

    def isolate(self, example: Example, words: bool = True, files: Sequence[Path] = ()) -> Answer:
        """Isolate one stem.

        Args:
            example: the mix, and what is asked of it.
            words: False leaves the words out.
            files: pictures, videos and sounds that say what to look for.

        Raises:
            EngineError: the bundle cannot be asked this way.
        """
        prompts = (example.prompt,) if words else ()
        with tempfile.TemporaryDirectory() as name:
            done = self.ask("isolate", prompts, example.mix_CN, example.rate_hz, Path(name), files)
            result = done.results[0]
            stem_CN = read(result.stem)
            extra = {"seconds": done.seconds, "presence": result.presence}
            if ("render", "decoded") not in self.settings:
                extra["null_db"] = null_db(stem_CN, read(result.rest), example.mix_CN)
        return Answer(stem_CN, extra)

    def regenerate(self, example: Example) -> Audio:
        """A new stem ``(C, N)`` for the example's rest."""
        with tempfile.TemporaryDirectory() as name:
            done = self.ask("regenerate", (example.prompt,), example.rest, example.rate_hz, Path(name))
            return read(done.results[0].stem)

    def generate(self, example: Example) -> Audio:
        """A stem ``(C, N)`` from the example's words alone, as long as its mix, at its rate."""
        with tempfile.TemporaryDirectory() as name:
            done = self.ask("generate", (example.prompt,), None, 0, Path(name), seconds=example.seconds)
            result = done.results[0]
            made = soxr.resample(read(result.stem).T, result.rate_hz, example.rate_hz).T
        samples = example.mix_CN.shape[1]
        stem_CN: Audio = np.pad(made, ((0, 0), (0, max(0, samples - made.shape[1]))))[:, :samples].astype(np.float32)
        return stem_CN

    def ask(
        self, task: str, prompts: tuple[str, ...], audio_CN: Audio | None, rate_hz: int, folder: Path,
        files: Sequence[Path] = (), seconds: float | None = None,
    ) -> Done:  # fmt: skip
        """Write a file where the task takes one, run a request and wait."""
        path = folder / "in.wav"
        if audio_CN is not None:
            sf.write(path, audio_CN.T, rate_hz, subtype="FLOAT")
        request = Request(
            task=task, prompts=prompts, input=None if audio_CN is None else str(path), out=str(folder / "out"),
            bundle=str(self.bundle), examples=tuple(map(str, files)), seconds=seconds, **dict(self.settings),
        )  # fmt: skip
        return self.engine.wait(self.engine.submit(request))


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
