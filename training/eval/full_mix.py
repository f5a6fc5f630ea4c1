"""Generating the whole band: the mix or the rest instead of a stem, from words or to fit a given part.

    generate mix       from the names of all instruments
    generate rest      from the names of all but one
    regenerate rest    a band to go with a given stem
    regenerate mix     a mix that holds a given rest

Beside a bundle stand the true one, the true one of another example, and the true one through the codec.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from training.eval import fit as fits
from training.eval import musicality
from training.eval.baselines import through_codec
from training.eval.bundle_system import BundleSystem, EngineError
from training.eval.classifier import InstrumentClassifier
from training.eval.embeddings import AudioEmbedding, StemEmbedding, embed_stem
from training.eval.example import EvalExample
from training.eval.generation import SET, distance, distance_text, generate_all, is_pitched, own, recogniser_of
from training.eval.sets import kept_set
from training.eval.study import StudyContext
from training.eval.tables import interval, share, table
from training.metrics import Figures, log_mel_l1, median_interval, mono
from training.text.lexicon import Lexicon
from training.typing import Audio

TRUE, OTHER = "true one", "another's"


@dataclass(frozen=True, slots=True)
class MixVariant:
    """One task that generates more than a stem.

    Attributes:
        task: a row of ``engine.TASKS``.
        slot: what is made.
        given: what it is made for; None where there are words alone.
    """

    task: str
    slot: str
    given: Callable[[EvalExample], Audio] | None

    def truth(self, example: EvalExample) -> Audio:
        """A reference answer, ``(C, N)``."""
        return example.mix_CN if self.slot == "mix" else example.rest

    def names(self, example: EvalExample) -> tuple[str, ...]:
        """The families that are asked for."""
        left = list(example.inside)
        if self.slot == "rest":
            left.remove(example.family)
        return tuple(left)


WAYS = {
    "generate mix": MixVariant("generate", "mix", None),
    "generate rest": MixVariant("generate", "rest", None),
    "regenerate rest": MixVariant("regenerate", "rest", lambda example: example.stem_CN),
    "regenerate mix": MixVariant("regenerate", "mix", lambda example: example.rest),
}


def words(lexicon: Lexicon, names: Sequence[str]) -> str:
    """Families as a list in plain words."""
    said = [(lexicon.pools[name, "held"].bare or lexicon.pools[name, "train"].bare or (name,))[0] for name in names]
    return " and ".join([", ".join(said[:-1]), said[-1]] if len(said) > 1 else said)


def measure(context: StudyContext) -> dict[str, Any]:
    """Figures of every way, by system; ``refused`` holds the engine's sentence for a bundle that cannot do it."""
    examples = kept_set(context.resources, SET, context.stems, context.seed, context.seconds)
    recogniser = recogniser_of(context)
    found = {}
    for name, way in WAYS.items():
        made = {TRUE: [way.truth(e) for e in examples], OTHER: [way.truth(e) for e in [*examples[1:], examples[0]]]}
        refused = {}
        for bundle, folder in context.folders.items():
            tracks = [mono(way.truth(example)) for example in examples]
            made[f"{bundle}, codec alone"] = through_codec(folder, examples, tracks)
            making = _making(own(bundle, folder, context), way, context)
            try:
                made[bundle] = generate_all(making, f"{name}, {bundle}", examples, context)
            except EngineError as error:
                refused[bundle] = str(error)
        judged = {row: _judged(way, audio, examples, context.embedders, recogniser) for row, audio in made.items()}
        found[name] = {"refused": refused, "rows": judged}
    return {"examples": len(examples), "ways": found}


def _making(system: BundleSystem, way: MixVariant, context: StudyContext) -> Callable[[EvalExample], Audio]:
    def make(example: EvalExample) -> Audio:
        prompt = words(context.resources.lexicon, way.names(example))
        if way.given is None:
            return system.make(way.task, example, {}, prompt, slot=way.slot, seconds=example.seconds)
        return system.make(way.task, example, {"input": way.given(example)}, prompt, slot=way.slot)

    return make


def _judged(
    way: MixVariant,
    made: Sequence[Audio],
    examples: Sequence[EvalExample],
    embedders: Sequence[AudioEmbedding],
    recogniser: InstrumentClassifier,
) -> dict[str, Any]:
    rows = []
    for k, (audio_CN, example) in enumerate(zip(made, examples, strict=True)):
        audio, rate_hz = mono(audio_CN), example.rate_hz
        row: Figures = {
            "level": musicality.loudness_gap_db(audio, mono(way.truth(example))),
            "log-mel": log_mel_l1(audio_CN, way.truth(example), rate_hz),
            "agreement": float(recogniser.name(audio, rate_hz) in way.names(example)),
        }
        if way.given is not None:
            foreign = examples[(k + 1) % len(examples)]
            given, other = (mono(way.given(one)) for one in (example, foreign))
            row |= fits.fit(audio, given, other, rate_hz, is_pitched(example) or way.slot == "mix")
        rows.append(row)
    sums = {one.name: _distance(way, one, made, examples) for one in embedders}
    return {"values": {name: [row[name] for row in rows] for name in rows[0]}, "collections": sums}


def _distance(
    way: MixVariant, one: AudioEmbedding, made: Sequence[Audio], examples: Sequence[EvalExample]
) -> dict[str, Any]:
    def heard(audio: Sequence[Audio]) -> list[StemEmbedding]:
        return [embed_stem(one, part, example.rate_hz) for part, example in zip(audio, examples, strict=True)]

    return distance("FAD", heard(made), heard([way.truth(example) for example in examples]))


def lines(found: dict[str, Any]) -> list[str]:
    """A section for each task."""
    text = [
        "## whole-band", "",
        f"The whole band at once, over {found['examples']} examples of `{SET}`. Instrument: of all families the "
        "classifier hears most one that was asked for. Medians with 95 % intervals.", "",
    ]  # fmt: skip
    for name, way in found["ways"].items():
        text += [f"### {name}", "", *_tables(way["rows"], WAYS[name].given is not None)]
        text += [f"* {row}: refused. “{why}”" for row, why in way["refused"].items()]
        text.append("")
    return text


def _tables(rows: dict[str, Any], fit: bool) -> list[str]:
    embedders = list(next(iter(rows.values()))["collections"])
    heads = ["made", "instrument", "level against the true one, dB", "log-mel distance"]
    heads += [f"FAD, {one}" for one in embedders]
    body = []
    for name, row in rows.items():
        values = row["values"]
        cells = [name, share(int(sum(values["agreement"])), len(values["agreement"]))]
        cells += [interval(median_interval(values[key])) for key in ("level", "log-mel")]
        body.append([*cells, *(distance_text(row["collections"][one], "FAD") for one in embedders)])
    text = [*table(heads, body), ""]
    if fit:
        fitted = [[name, *fits.cells(row["values"])] for name, row in rows.items()]
        text += [fits.HOW.format(own="what it was made for"), ""]
        text += [*table(["made", *fits.heads("own given", "other given")], fitted), ""]
    return text
