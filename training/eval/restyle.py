"""Restyling: a stem played by another instrument, closer to the original or further from it by ``strength``.

Strength 0 must hand the stem back and strength 1 must be what ``regenerate`` makes; pitches and onsets of the old stem
should stay the more the smaller it is, and the asked instrument should be heard the more the greater it is.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial
from typing import Any

from training.eval import musicality
from training.eval.bundle_system import BundleSystem, EngineError
from training.eval.classifier import InstrumentClassifier
from training.eval.example import EvalExample
from training.eval.generation import OTHER, SET, TRUE, generate_all, others, own, recogniser_of, through_codec
from training.eval.recast_queries import RecastTarget, pitched, recast_targets
from training.eval.study import StudyContext
from training.eval.tables import difference_text, interval, number, share, table
from training.metrics import level_db, median_interval, mono, si_sdr
from training.typing import Audio

STRENGTHS = (0.0, 0.3, 0.6, 1.0)
REAL = "a real one of the asked, another piece"
FIGURES = {
    "difference": "difference to the stem, dB",
    "chroma": "pitch likeness",
    "onsets": "onset likeness",
    "level": "level against the stem, dB",
}


def measure(context: StudyContext) -> dict[str, Any]:
    """Figures of every example by system; ``same`` says how near strength 1 is to ``regenerate``, in dB."""
    examples = pitched(context)
    asked = recast_targets(context, examples)
    made = {TRUE: [e.stem_CN for e in examples], OTHER: others(examples), REAL: [wish.real_CN for wish in asked]}
    refused: dict[str, str] = {}
    same: dict[str, list[float]] = {}
    for bundle, folder in context.folders.items():
        made[f"{bundle}, codec alone"] = through_codec(folder, examples, [e.truth[0] for e in examples])
        found = _answers(own(bundle, folder, context), examples, asked, context, refused)
        made |= found
        ends = [found.get(f"{bundle}, {way}") for way in (f"strength {STRENGTHS[-1]:g}", "regenerate")]
        if ends[0] and ends[1]:
            same[bundle] = [si_sdr(mono(a), mono(b)) for a, b in zip(ends[0], ends[1], strict=True)]
    recogniser = recogniser_of(context)
    values = {name: _columns(stems, examples, asked, recogniser) for name, stems in made.items()}
    return {"examples": len(examples), "same": same, "refused": refused, "values": values}


def _answers(
    system: BundleSystem,
    examples: Sequence[EvalExample],
    asked: Sequence[RecastTarget],
    context: StudyContext,
    refused: dict[str, str],
) -> dict[str, list[Audio]]:
    """What a bundle makes at every strength, and by ``regenerate``."""
    wish_of = {example.number: wish for example, wish in zip(examples, asked, strict=True)}

    def restyled(strength: float, example: EvalExample) -> Audio:
        given, prompt = {"input": example.stem_CN, "rest": example.rest}, wish_of[example.number].prompt
        return system.make("restyle", example, given, prompt, strength=strength)

    def regenerated(example: EvalExample) -> Audio:
        return system.make("regenerate", example, {"input": example.rest}, wish_of[example.number].prompt)

    ways = {f"strength {strength:g}": partial(restyled, strength) for strength in STRENGTHS}
    found: dict[str, list[Audio]] = {}
    for way, making in [*ways.items(), ("regenerate", regenerated)]:
        name = f"{system.name}, {way}"
        try:
            found[name] = generate_all(making, f"restyle, {name}", examples, context)
        except EngineError as error:
            refused[name] = str(error)
    return found


def _columns(
    stems: Sequence[Audio],
    examples: Sequence[EvalExample],
    asked: Sequence[RecastTarget],
    recogniser: InstrumentClassifier,
) -> dict[str, list[float]]:
    rows = []
    for stem_CN, example, wish in zip(stems, examples, asked, strict=True):
        made, true, rate_hz = mono(stem_CN), mono(example.stem_CN), example.rate_hz
        name = recogniser.name(made, rate_hz)
        rows.append(
            {
                "difference": difference_db(stem_CN - example.stem_CN, example.stem_CN),
                "chroma": musicality.chroma_correlation(made, true, rate_hz),
                "onsets": musicality.onset_correlation(made, true, rate_hz),
                "level": musicality.loudness_gap_db(made, true),
                "asked": float(name == wish.family),
                "old": float(name == example.family),
            }
        )
    return {name: [row[name] for row in rows] for name in rows[0]}


def difference_db(left_CN: Audio, whole_CN: Audio) -> float:
    """Level of what is left against the whole in dB; minus infinity where nothing at all is left."""
    return level_db(left_CN, whole_CN) if left_CN.any() else -math.inf


def lines(found: dict[str, Any]) -> list[str]:
    """The table, and how close both ends of the strength scale are to their targets."""
    text = [
        "## restyle", "",
        f"{found['examples']} pitched stems of `{SET}`, played anew by an instrument that is not in the mix. Likeness: "
        "correlation of pitch classes and of onset strengths with the old stem. Hears: the classifier of instruments. "
        "Medians with 95 % intervals.", "",
    ]  # fmt: skip
    heads = ["stem", *FIGURES.values(), "hears the asked", "hears the old"]
    body = []
    for name, row in found["values"].items():
        middles = {key: interval(median_interval(row[key])) for key in FIGURES}
        middles["difference"] = difference_text(row["difference"])
        body.append([name, *middles.values(), *(share(int(sum(row[key])), len(row[key])) for key in ("asked", "old"))])
    text += [*table(heads, body), ""]
    for bundle, values in found["same"].items():
        middle = number(median_interval(values)[0])
        text.append(f"* {bundle}: strength 1 against `regenerate` with the same seed: SI-SDR {middle} dB.")
    return [*text, *(f"* {name}: refused. “{why}”" for name, why in found["refused"].items()), ""]
