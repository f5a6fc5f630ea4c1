"""Generated stems, judged as music: ``regenerate`` for a given rest, ``generate`` from words alone.

Beside a bundle stand the true stem, which bounds every figure from above, the true stem through the bundle's codec, and
the true stem of another example, which is what chance would give: good music, but not the one asked for. Other settings
than the bundle's own are rows too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from training.data.instruments import families
from training.eval import fit as fits
from training.eval import musicality, pairs
from training.eval.baselines import through_codec
from training.eval.bundle_system import BundleSystem, EngineError
from training.eval.classifier import InstrumentClassifier, of_bench
from training.eval.embeddings import (
    AudioEmbedding,
    StemEmbedding,
    Vectors,
    embed_stem,
    frechet,
    frechet_draws,
    likeness_to_words,
)
from training.eval.example import EvalExample, digest
from training.eval.run import ProgressPrinter
from training.eval.sets import kept_set
from training.eval.settings import name_of
from training.eval.study import StudyContext
from training.eval.tables import interval, number, share, table
from training.metrics import NAN, Figures, level_db, median_interval, mono
from training.typing import Audio

SET = "composed-band"
TRUE, OTHER = "true stem", "another's stem"
Making = Callable[[EvalExample], Audio]


@dataclass(frozen=True, slots=True)
class GenerationMetrics:
    """Metrics of generated stems against their references.

    Attributes:
        examples: what was asked.
        embedders: what embeds sound; may be empty.
        recogniser: names instruments.
        fits: True means that the stems were made for the rest.
        true, mixes: the true stems, and the true mixes where stems fit, by the name of the embedding model.
    """

    examples: Sequence[EvalExample]
    embedders: Sequence[AudioEmbedding]
    recogniser: InstrumentClassifier
    fits: bool
    true: dict[str, list[StemEmbedding]] = field(default_factory=dict)
    mixes: dict[str, list[StemEmbedding]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for one in self.embedders:
            self.true[one.name] = [embed_stem(one, e.stem_CN, e.rate_hz) for e in self.examples]
            if self.fits:
                self.mixes[one.name] = [embed_stem(one, e.mix_CN, e.rate_hz) for e in self.examples]

    def judge(self, stems: Sequence[Audio]) -> dict[str, Any]:
        """``values`` of every stem by figure, and ``collections``: distances of all of them, by embedding model."""
        heard = {
            one.name: [embed_stem(one, mono(stem), e.rate_hz) for stem, e in zip(stems, self.examples, strict=True)]
            for one in self.embedders
        }
        rows = [self._figures(k, mono(stem)) | self._likeness(k, heard) for k, stem in enumerate(stems)]
        values = {name: [row[name] for row in rows] for name in rows[0]}
        return {
            "values": values,
            "collections": {one.name: self._distances(one, stems, heard) for one in self.embedders},
        }

    def _figures(self, k: int, stem: Audio) -> Figures:
        example = self.examples[k]
        true, pitched = mono(example.stem_CN), is_pitched(example)
        row: Figures = {
            "level": musicality.loudness_gap_db(stem, true) if self.fits else level_db(stem, mono(example.mix_CN)),
            "harmonicity": musicality.harmonicity(stem, example.rate_hz) if pitched else NAN,
            "agreement": float(self.recogniser.name(stem, example.rate_hz) == example.family),
        }
        if self.fits:
            foreign = self.examples[(k + 1) % len(self.examples)].truth[1]
            row |= fits.fit(stem, example.truth[1], foreign, example.rate_hz, pitched)
        return row

    def _likeness(self, k: int, heard: dict[str, list[StemEmbedding]]) -> Figures:
        row: Figures = {}
        for one in self.embedders:
            made = heard[one.name][k].whole
            row |= likeness_to_words(one, self.examples[k].prompt, made)
            row[f"audio-audio, {one.name}"] = float(made @ self.true[one.name][k].whole)
        return row

    def _distances(
        self, one: AudioEmbedding, stems: Sequence[Audio], heard: dict[str, list[StemEmbedding]]
    ) -> dict[str, Any]:
        """Fréchet distances of stems to true stems, and of rest plus stem to true mixes."""
        found = distance("FAD", heard[one.name], self.true[one.name])
        if self.fits:
            sums = [embed_stem(one, mono(s) + e.truth[1], e.rate_hz) for s, e in zip(stems, self.examples, strict=True)]
            found |= distance("sub-FAD", sums, self.mixes[one.name])
        return found


def distance(kind: str, made: Sequence[StemEmbedding], true: Sequence[StemEmbedding]) -> dict[str, Any]:
    """A Fréchet distance between two collections of clips, its error, and the draws that the error is made of."""
    clips, truth = [one.windows for one in made], windows_of(true)
    draws = frechet_draws(clips, truth)
    found = {kind: frechet(np.concatenate(clips), truth), f"{kind} error": float(np.std(draws)), f"{kind} draws": draws}
    return {**found, "vectors": float(len(truth)), "clips": float(len(clips))}


def windows_of(heard: Sequence[StemEmbedding]) -> Vectors:
    """All windows of all clips, ``(n, E)``."""
    return np.concatenate([one.windows for one in heard])


def is_pitched(example: EvalExample) -> bool:
    """True means that the asked instrument plays notes."""
    return not families()[example.family].drums


def measure(task: str, context: StudyContext) -> dict[str, Any]:
    """Figures of every example by system; ``refused`` holds the engine's sentence for a bundle that cannot do it."""
    examples = kept_set(context.resources, SET, context.stems, context.seed, context.seconds)
    metrics = GenerationMetrics(examples, context.embedders, recogniser_of(context), task == "regenerate")
    made: dict[str, list[Audio]] = {TRUE: [e.stem_CN for e in examples], OTHER: others(examples)}
    refused, tried = {}, {}
    for bundle, folder in context.folders.items():
        made[f"{bundle}, codec alone"] = through_codec(folder, examples, [e.truth[0] for e in examples])
        for system in systems(bundle, folder, context):
            making = system.regenerate if metrics.fits else system.generate
            try:
                made[system.name] = generate_all(making, f"{task}, {system.name}", examples, context)
            except EngineError as error:
                refused[system.name] = str(error)
        tried[bundle] = [one.name for one in systems(bundle, folder, context)[1:] if one.name in made]
    judged = {name: metrics.judge(stems) for name, stems in made.items()}
    return {
        "task": task,
        "examples": len(examples),
        "digest": digest(examples),
        "classes": list(metrics.recogniser.names),
        "classifier_stems": metrics.recogniser.stems,
        "refused": refused,
        "tried": tried,
        "values": {name: one["values"] for name, one in judged.items()},
        "collections": {name: one["collections"] for name, one in judged.items()},
    }


def systems(bundle: str, folder: Path, context: StudyContext) -> list[BundleSystem]:
    """A bundle with its own sampler settings, and with each that is tried."""
    return [own(bundle, folder, context)] + [
        BundleSystem(
            name=f"{bundle}, {name_of(one)}", bundle=folder, engine=context.engine, settings=tuple(one.items())
        )
        for one in context.tries
    ]


def own(bundle: str, folder: Path, context: StudyContext) -> BundleSystem:
    """A bundle with its own settings."""
    return BundleSystem(name=bundle, bundle=folder, engine=context.engine)


def generate_all(making: Making, what: str, examples: Sequence[EvalExample], context: StudyContext) -> list[Audio]:
    """Generate the stem of every example."""
    progress = ProgressPrinter(len(examples), context.say)
    stems = []
    for example in examples:
        stems.append(making(example))
        progress.step(what)
    return stems


def recogniser_of(context: StudyContext) -> InstrumentClassifier:
    """The bench's instrument classifier, trained at first use."""
    context.say("the instrument classifier learns, once a run")
    return of_bench(context.resources, context.cache, context.cache_hz)


def others(examples: Sequence[EvalExample]) -> list[Audio]:
    """For each example the true stem of another, of another family where possible."""
    found = []
    for k, example in enumerate(examples):
        rolled = [*examples[k + 1 :], *examples[:k]] or [example]
        found.append(next((e for e in rolled if e.family != example.family), rolled[0]).stem_CN)
    return found


def lines(found: dict[str, Any]) -> list[str]:
    """The tables of one task."""
    fit = found["task"] == "regenerate"
    counted = {name: sum(row["agreement"]) for name, row in found["values"].items()}
    text = [
        f"## {found['task']}", "",
        f"{found['examples']} stems of `{SET}`. Instrument: a classifier of the bench's own ({len(found['classes'])} "
        f"families, mel cepstra, learnt from {found['classifier_stems']} stems) hears the family that was asked for; "
        f"of the true stems it names {counted[TRUE] / found['examples']:.0%} right. Harmonicity: share of the energy "
        "that repeats with a pitch, pitched families only. Medians with 95 % intervals.", "",
    ]  # fmt: skip
    text += [*table(*_first_table(found, counted, fit)), ""]
    if fit:
        rows = [[name, *fits.cells(row)] for name, row in found["values"].items()]
        text += [fits.HOW.format(own="the rest it was made for"), "", *table(["stem", *fits.heads()], rows), ""]
    text += _tried(found)
    text += [f"* {name}: refused. “{why}”" for name, why in found["refused"].items()]
    return [*text, ""]


def _tried(found: dict[str, Any]) -> list[str]:
    """Every other setting against the bundle's own, example by example."""
    text = []
    for bundle, names in found["tried"].items():
        for name in names:
            if bundle not in found["values"]:
                continue
            both = [{key: found[key][which] for key in ("values", "collections")} for which in (bundle, name)]
            setting = name.removeprefix(f"{bundle}, ")
            text += [f"`{name}` against `{bundle}` with its own settings, on the same stems and seeds:", ""]
            text += [*pairs.lines(pairs.differences(*both), "own settings", setting), ""]
    return text


def _first_table(found: dict[str, Any], counted: dict[str, float], fit: bool) -> tuple[list[str], Iterator[list[str]]]:
    embedders = list(next(iter(found["collections"].values())))
    distances = [(one, kind) for one in embedders for kind in (("FAD", "sub-FAD") if fit else ("FAD",))]
    named = [f"{kind}, {one}" for one in embedders for kind in ("text-audio", "audio-audio")]
    likes = [name for name in named if name in next(iter(found["values"].values()))]
    level = "level against the true stem, dB" if fit else "level against the true mix, dB"
    heads = ["stem", "instrument", level, "harmonicity", *(f"{kind}, {one}" for one, kind in distances), *likes]

    def rows() -> Iterator[list[str]]:
        for name, row in found["values"].items():
            sums = found["collections"][name]
            cells = [name, share(int(counted[name]), found["examples"])]
            cells += [interval(median_interval(row[key])) for key in ("level", "harmonicity")]
            cells += [distance_text(sums[one], kind) for one, kind in distances]
            yield [*cells, *(interval(median_interval(row[key])) for key in likes)]

    return heads, rows()


def distance_text(sums: dict[str, Any], kind: str) -> str:
    """A distance with its standard error."""
    return f"{number(sums[kind])} ± {number(sums[f'{kind} error'])}"
