"""A bundle as one of the bench's systems, used as a user would: files through the engine's front door."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import soundfile as sf
import soxr

from engine import Done, Engine, EngineError, Request, StemResult, find_bundle
from engine.bundle.bundle import load_bundle
from training.eval.example import EvalExample, StemEstimate
from training.metrics import null_db
from training.typing import Audio

__all__ = ["BundleSystem", "Engine", "EngineError", "locate", "read"]


@dataclass(frozen=True, slots=True, kw_only=True)
class BundleSystem:
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
    kind: str = "bundle"
    doc: str = "the bundle with its own defaults"

    def separate(self, examples: Sequence[EvalExample]) -> Iterator[StemEstimate]:
        """Isolate the stem of every example, in order."""
        for example in examples:
            yield self.isolate(example)

    def isolate(self, example: EvalExample, words: bool = True, files: Sequence[Path] = ()) -> StemEstimate:
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
            given = {"input": example.mix_CN}
            done = self.ask("isolate", prompts, given, example.rate_hz, Path(name), examples=tuple(map(str, files)))
            result = done.results[0]
            stem_CN = read(result.stem)
            extra = {"seconds": done.seconds, "presence": result.presence}
            extra["null_db"] = null_db(stem_CN, read(result.rest), example.mix_CN)
        return StemEstimate(stem_CN, extra)

    def decoded(self, example: EvalExample) -> tuple[StemEstimate, Audio]:
        """One stem and the rest ``(C, N)`` that goes with it, as the files hold them but without their clip guard."""
        with tempfile.TemporaryDirectory() as name:
            done = self.ask("isolate", (example.prompt,), {"input": example.mix_CN}, example.rate_hz, Path(name))
            result = done.results[0]
            back = np.float32(10 ** (-result.gain_db / 20))
            stem_CN, rest_CN = read(result.stem) * back, read(result.rest) * back
        return StemEstimate(stem_CN, {"seconds": done.seconds, "presence": result.presence}), rest_CN

    def regenerate(self, example: EvalExample) -> Audio:
        """A new stem ``(C, N)`` for the example's rest."""
        return self.make("regenerate", example, {"input": example.rest})

    def generate(self, example: EvalExample) -> Audio:
        """A stem ``(C, N)`` from the example's words alone, as long as its mix, at its rate."""
        return self.make("generate", example, {}, seconds=example.seconds)

    def make(
        self, task: str, example: EvalExample, given: Mapping[str, Audio], prompt: str = "", **fields: Any
    ) -> Audio:
        """One made sound ``(C, N)``, as long as the example's mix and at its rate.

        Args:
            task: a row of ``engine.TASKS`` that hands back one sound.
            example: gives prompt, rate and length.
            given: audio ``(C, N)`` by the field of ``Request`` that names its file.
            prompt: instead of the example's name.
            fields: more of ``Request``.

        Raises:
            EngineError: the bundle cannot do it.
        """
        with tempfile.TemporaryDirectory() as name:
            done = self.ask(task, (prompt or example.name,), given, example.rate_hz, Path(name), **fields)
            return self.heard(done.results[0], fields.get("slot") or "stem", example)

    def heard(self, result: StemResult, what: str, example: EvalExample) -> Audio:
        """One output of a result (``stem``, ``rest`` or ``mix``) at the length and rate of the example's mix."""
        made = read(getattr(result, what))
        if result.rate_hz != example.rate_hz:
            made = soxr.resample(made.T, result.rate_hz, example.rate_hz).T
        samples = example.mix_CN.shape[1]
        audio_CN: Audio = np.pad(made, ((0, 0), (0, max(0, samples - made.shape[1]))))[:, :samples].astype(np.float32)
        return audio_CN

    def ask(
        self, task: str, prompts: tuple[str, ...], given: Mapping[str, Audio], rate_hz: int, folder: Path, **fields: Any
    ) -> Done:
        """Write the given audio as files, run a request and wait.

        Args:
            task, prompts: of the request.
            given: audio ``(C, N)`` by the field that names its file, ``input`` or ``rest``.
            fields: more of ``Request``; they come before ``settings``.
        """
        for field, audio_CN in given.items():
            sf.write(folder / f"{field}.wav", audio_CN.T, rate_hz, subtype="FLOAT")
        paths = {field: str(folder / f"{field}.wav") for field in given}
        asked: dict[str, Any] = {**dict(self.settings), **paths, **fields}
        request = Request(task=task, prompts=prompts, out=str(folder / "out"), bundle=str(self.bundle), **asked)
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
