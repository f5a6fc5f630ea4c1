"""Replacing a stem in a mix: does anything else change, and is the new stem the instrument that was asked for?

Untouched means bit for bit, so it is counted in samples: outside the region, and inside it what is not the new stem.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from training.eval import fit, musicality
from training.eval.bundle_system import BundleSystem, EngineError, read
from training.eval.classifier import InstrumentClassifier
from training.eval.example import EvalExample
from training.eval.generation import OTHER, SET, TRUE, others, own, recogniser_of, through_codec
from training.eval.recast_queries import RecastTarget, pitched, recast_targets
from training.eval.restyle import REAL, difference_db
from training.eval.run import ProgressPrinter
from training.eval.study import StudyContext
from training.eval.tables import count, difference_text, interval, share, table
from training.metrics import Figures, median_interval, mono
from training.typing import Audio

REGION = (0.3, 0.7)  # shares of the clip
EXACT = {
    "outside": "samples changed outside the region",
    "sum": "samples that are not rest + new stem",
    "rest": "rest against that of `isolate` in the region, dB",
}
ISOLATE_EDGE_S = 0.02  # inside the region, where the edges are cross-faded


def measure(context: StudyContext) -> dict[str, Any]:
    """Figures of every example by system; ``refused`` holds the engine's sentence for a bundle that cannot do it."""
    examples = pitched(context)
    asked = recast_targets(context, examples)
    made = {TRUE: [e.stem_CN for e in examples], OTHER: others(examples), REAL: [wish.real_CN for wish in asked]}
    exact: dict[str, list[Figures]] = {}
    refused: dict[str, str] = {}
    for bundle, folder in context.folders.items():
        made[f"{bundle}, codec alone"] = through_codec(folder, examples, [e.truth[0] for e in examples])
        try:
            made[bundle], exact[bundle] = _edited(own(bundle, folder, context), examples, asked, context)
        except EngineError as error:
            refused[bundle] = str(error)
    recogniser = recogniser_of(context)
    values = {name: _columns(stems, examples, asked, recogniser) for name, stems in made.items()}
    for name, rows in exact.items():
        values[name] |= {key: [row[key] for row in rows] for key in EXACT}
    return {"examples": len(examples), "refused": refused, "values": values}


def _edited(
    system: BundleSystem, examples: Sequence[EvalExample], asked: Sequence[RecastTarget], context: StudyContext
) -> tuple[list[Audio], list[Figures]]:
    progress, stems, rows = ProgressPrinter(len(examples), context.say), [], []
    for example, wish in zip(examples, asked, strict=True):
        stem_CN, row = _replaced(system, example, wish)
        stems.append(stem_CN)
        rows.append(row)
        progress.step(f"replace, {system.name}")
    return stems, rows


def region_of(example: EvalExample) -> tuple[float, float]:
    """The region that may change, in seconds."""
    return REGION[0] * example.seconds, REGION[1] * example.seconds


def _replaced(system: BundleSystem, example: EvalExample, wish: RecastTarget) -> tuple[Audio, Figures]:
    """The new stem, and how much changed that should not have."""
    region_s, given = region_of(example), {"input": example.mix_CN}
    asked: dict[str, Any] = {"prompts": (example.prompt,), "given": given, "rate_hz": example.rate_hz}
    with tempfile.TemporaryDirectory() as name:
        wanted: dict[str, Any] = {"replacement": wish.prompt, "region_s": region_s, "anyway": True}  # it is there
        done = system.ask("replace", folder=Path(name), **wanted, **asked)
        mix_CN, stem_CN, rest_CN = (read(getattr(done.results[0], what)) for what in ("mix", "stem", "rest"))
    with tempfile.TemporaryDirectory() as name:
        done = system.ask("isolate", folder=Path(name), region_s=region_s, **asked)
        left_CN = read(done.results[0].rest)
    return stem_CN, unwanted_changes(example, mix_CN, stem_CN, rest_CN, left_CN)


def unwanted_changes(example: EvalExample, mix_CN: Audio, stem_CN: Audio, rest_CN: Audio, left_CN: Audio) -> Figures:
    """Changes outside what was to be replaced.

    Args:
        mix_CN, stem_CN, rest_CN: the new mix, the new stem, and what is left of the old one.
        left_CN: what ``isolate`` leaves of the region.

    Returns:
        ``outside``: samples of the mix outside the region that are not as they were; ``sum``: samples in which the mix
        is not rest and stem; ``rest``: level of the difference of both rests inside the region against the mix, dB.
    """
    first, last = (round(at * example.rate_hz) for at in region_of(example))
    edge = round(ISOLATE_EDGE_S * example.rate_hz)
    outside = np.ones(mix_CN.shape[1], dtype=bool)
    outside[first:last] = False
    inner = slice(first + edge, last - edge)
    gone_CN = rest_CN[:, inner] - left_CN[:, edge : last - first - edge]
    return {
        "outside": float((mix_CN[:, outside] != example.mix_CN[:, outside]).sum()),
        "sum": float((mix_CN != rest_CN + stem_CN).sum()),
        "rest": difference_db(gone_CN, example.mix_CN[:, inner]),
    }


def _columns(
    stems: Sequence[Audio],
    examples: Sequence[EvalExample],
    asked: Sequence[RecastTarget],
    recogniser: InstrumentClassifier,
) -> dict[str, list[float]]:
    rows = []
    for k, (stem_CN, example, wish) in enumerate(zip(stems, examples, asked, strict=True)):
        rate_hz, region_s = example.rate_hz, region_of(example)
        inner = slice(*(round(at * rate_hz) for at in region_s))
        made, foreign = mono(stem_CN), examples[(k + 1) % len(examples)].truth[1]
        name = recogniser.name(made[inner], rate_hz)
        row: Figures = {
            "level": musicality.loudness_gap_db(made[inner], example.truth[0][inner]),
            "asked": float(name == wish.family),
            "old": float(name == example.family),
        }
        rows.append(row | fit.fit(made, example.truth[1], foreign, rate_hz, True, region_s))
    return {name: [row[name] for row in rows] for name in rows[0]}


def lines(found: dict[str, Any]) -> list[str]:
    """Two tables: what changed that should not, and the new stems."""
    text = [
        "## replace", "",
        f"{found['examples']} pitched stems of `{SET}`, taken out of their mix from {REGION[0]:.0%} to {REGION[1]:.0%} "
        "of its length and replaced by an instrument that is not in it. The old stem is what the bundle finds by "
        "itself. Hears: the classifier of instruments, in the region. Medians with 95 % intervals.", "",
    ]  # fmt: skip
    heads = ["new stem", *EXACT.values(), "level against the old stem, dB", "hears the asked", "hears the old"]
    body = []
    for name, row in found["values"].items():
        cells = [count(row[key]) if key in row else "-" for key in ("outside", "sum")]
        cells.append(difference_text(row["rest"]) if "rest" in row else "-")
        cells.append(interval(median_interval(row["level"])))
        body.append([name, *cells, *(share(int(sum(row[key])), len(row[key])) for key in ("asked", "old"))])
    text += [*table(heads, body), ""]
    rows = [[name, *fit.cells(row)] for name, row in found["values"].items()]
    text += [fit.HOW.format(own="the true rest in the region"), "", *table(["new stem", *fit.heads()], rows), ""]
    return [*text, *(f"* {name}: refused. “{why}”" for name, why in found["refused"].items()), ""]
