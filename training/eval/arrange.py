"""Arranging: a band from a list of prompts. Does every stem fit those before it?

Beside the bundle stands the band that was really composed and played. Every stem is compared with the sum of the stems
before it, and with that sum of another example.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from training.data.instruments import families
from training.eval import fit, musicality
from training.eval.bundle_system import BundleSystem, EngineError
from training.eval.classifier import InstrumentClassifier
from training.eval.example import EvalExample
from training.eval.generation import SET, own, recogniser_of, through_codec
from training.eval.run import ProgressPrinter
from training.eval.sets import SETS, TRIES, SetResources, band_of, number_of, play, refuse_unreserved
from training.eval.study import StudyContext
from training.eval.tables import interval, share, table
from training.metrics import NAN, Figures, median_interval, mono
from training.typing import Audio

PARTS = SETS[SET].stems
TRUE_BAND = "true band"


@dataclass(frozen=True, slots=True)
class ComposedBand:
    """One composed band.

    Attributes:
        chosen: families, in the order in which they are made: drums, a bass, then the others.
        prompts: how they are asked for.
        stems: float32 ``(C, N)`` each, as played.
        rate_hz: of the stems.
    """

    chosen: tuple[str, ...]
    prompts: tuple[str, ...]
    stems: tuple[Audio, ...]
    rate_hz: int

    @property
    def seconds(self) -> float:
        """Length."""
        return self.stems[0].shape[1] / self.rate_hz

    def as_example(self, k: int) -> EvalExample:
        """One of its stems as an example."""
        mix_CN = np.sum(self.stems, axis=0, dtype=np.float32)
        return EvalExample(
            set=SET, number=k, rate_hz=self.rate_hz, family=self.chosen[k], prompt=self.prompts[k], inside=self.chosen,
            sources=(), mix_CN=mix_CN, stem_CN=self.stems[k],
        )  # fmt: skip


@lru_cache(maxsize=1)
def make_pieces(resources: SetResources, count: int, seed: int, seconds: float | None) -> tuple[ComposedBand, ...]:
    """Pieces by seed."""
    samples = round((seconds or SETS[SET].seconds) * SETS[SET].rate_hz)
    return tuple(_piece(resources, number, samples, seed) for number in range(count))


def _piece(resources: SetResources, number: int, samples: int, seed: int) -> ComposedBand:
    for attempt in range(TRIES):
        rng = np.random.default_rng([seed, number_of("arrange"), number, attempt])
        chosen = band_of(PARTS, resources, rng)
        made = play(resources, rng, chosen, samples, SETS[SET].rate_hz)
        if made is not None:
            refuse_unreserved(made.sources)
            prompts = tuple(resources.lexicon.phrases(family, "held", rng) for family in chosen)
            return ComposedBand(tuple(chosen), prompts, tuple(made.stems), SETS[SET].rate_hz)
    raise ValueError(f"no piece {number} has stems that all sound; choose longer --seconds")


def measure(context: StudyContext) -> dict[str, Any]:
    """Metrics of every stem by system; a band's first stem has none that compare it with earlier stems.

    ``refused`` holds the sentence of a bundle that cannot do it.
    """
    pieces = make_pieces(context.resources, max(1, -(-context.stems // PARTS)), context.seed, context.seconds)
    made: dict[str, list[Sequence[Audio]]] = {TRUE_BAND: [piece.stems for piece in pieces]}
    refused = {}
    for bundle, folder in context.folders.items():
        examples = [piece.as_example(k) for piece in pieces for k in range(PARTS)]
        codec = through_codec(folder, examples, [mono(example.stem_CN) for example in examples])
        made[f"{bundle}, codec alone"] = [codec[at : at + PARTS] for at in range(0, len(codec), PARTS)]
        try:
            made[bundle] = _arranged(own(bundle, folder, context), pieces, context)
        except EngineError as error:
            refused[bundle] = str(error)
    recogniser = recogniser_of(context)
    values = {name: _columns(bands, pieces, recogniser) for name, bands in made.items()}
    return {"pieces": len(pieces), "refused": refused, "values": values}


def _arranged(system: BundleSystem, pieces: Sequence[ComposedBand], context: StudyContext) -> list[Sequence[Audio]]:
    progress, bands = ProgressPrinter(len(pieces), context.say), []
    for piece in pieces:
        with tempfile.TemporaryDirectory() as name:
            done = system.ask(
                "arrange", piece.prompts, {}, piece.rate_hz, Path(name), seconds=piece.seconds, keep_order=True
            )
            bands.append([system.heard(one, "stem", piece.as_example(k)) for k, one in enumerate(done.results)])
        progress.step(f"arrange, {system.name}")
    return bands


def _columns(
    bands: Sequence[Sequence[Audio]], pieces: Sequence[ComposedBand], recogniser: InstrumentClassifier
) -> dict[str, list[float]]:
    rows = []
    for number, (band, piece) in enumerate(zip(bands, pieces, strict=True)):
        foreign = bands[(number + 1) % len(bands)]
        for k, stem_CN in enumerate(band):
            rows.append(judge(stem_CN, band[:k], foreign[:k], piece, k, recogniser))
    return {name: [row[name] for row in rows] for name in rows[0]}


def judge(
    stem_CN: Audio,
    before: Sequence[Audio],
    foreign: Sequence[Audio],
    piece: ComposedBand,
    k: int,
    recogniser: InstrumentClassifier,
) -> Figures:
    """How a stem fits the stems before it, and those of another piece; NaN for the first stem."""
    made, rate_hz = mono(stem_CN), piece.rate_hz
    row: Figures = {"agreement": float(recogniser.name(made, rate_hz) == piece.chosen[k]), "level": NAN}
    if not before:
        return row | {f"{kind}, {whose}": NAN for kind in fit.KINDS for whose in ("own", "other")}
    own, other = (_sum(part) for part in (before, foreign))
    row["level"] = musicality.loudness_gap_db(made, own)
    # drums have no key, so the second stem has nothing to be in key with
    pitched = not families()[piece.chosen[k]].drums and any(not families()[name].drums for name in piece.chosen[:k])
    return row | fit.fit(made, own, other, rate_hz, pitched)


def _sum(stems: Sequence[Audio]) -> Audio:
    total: Audio = np.sum([mono(stem) for stem in stems], axis=0)
    return total


def lines(found: dict[str, Any]) -> list[str]:
    """Two tables."""
    text = [
        "## arrange", "",
        f"{found['pieces']} bands of {PARTS} from as many prompts: drums, a bass, then the others, each held against "
        "the sum of those before it. Instrument: the classifier hears what was asked for, in every stem; all "
        "else is of every stem but the first. Medians with 95 % intervals.", "",
    ]  # fmt: skip
    body = [
        [name, share(int(sum(row["agreement"])), len(row["agreement"])), interval(median_interval(row["level"]))]
        for name, row in found["values"].items()
    ]
    text += [*table(["band", "instrument", "level against those before, dB"], body), ""]
    rows = [[name, *fit.cells(row)] for name, row in found["values"].items()]
    heads = fit.heads("own band", "other band")
    text += [fit.HOW.format(own="the sum of those before it"), "", *table(["band", *heads], rows), ""]
    return [*text, *(f"* {name}: refused. “{why}”" for name, why in found["refused"].items()), ""]
