"""Inpainting and extending: does the generated span join smoothly, fit the rest, and resemble the truth?

The truth is known, so three cheap ways to fill the gap stand beside the bundle: silence, the sound before again, and a
linear cross-fade from the sound before to the sound after.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from training.eval import fit
from training.eval.bundle_system import BundleSystem, EngineError
from training.eval.classifier import InstrumentClassifier
from training.eval.example import EvalExample
from training.eval.generation import (
    OTHER,
    SET,
    TRUE,
    generate_all,
    is_pitched,
    others,
    own,
    recogniser_of,
    through_codec,
)
from training.eval.sets import kept_set
from training.eval.study import StudyContext
from training.eval.tables import count, interval, share, table
from training.metrics import NAN, Figures, log_mel_l1, median_interval, mono, rms
from training.typing import Audio

SPANS = {"inpaint": (0.3, 0.7), "extend": (0.6, 1.0)}  # shares of the clip that are filled
SEAM_S = 0.1  # this near to an edge the level must be right
STEP_S = 0.001  # and this near a click would be
SILENT_RMS = 1e-4
GIVEN = (
    "The bundle is given the file as it is and the region to redo, of which it fades the first and last 10 ms; from a "
    "silent gap: the region holds nothing to fade from."
)
FIGURES = {
    "seam": "level at the seam, dB off",
    "step": "step at the seam, dB",
    "level": "level of the span, dB",
    "log-mel": "log-mel distance to the truth",
}


@dataclass(frozen=True, slots=True)
class InpaintGap:
    """The part of an example's stem that is to be filled, in samples.

    Attributes:
        first, last: where it begins, and ends.
        open: True means that nothing follows.
        rate_hz: of the samples.
    """

    first: int
    last: int
    open: bool
    rate_hz: int

    @classmethod
    def of(cls, task: str, example: EvalExample) -> InpaintGap:
        """The gap of a task."""
        samples, (first, last) = example.mix_CN.shape[1], SPANS[task]
        return cls(round(first * samples), round(last * samples), last == 1.0, example.rate_hz)

    @property
    def span_s(self) -> tuple[float, float]:
        """The gap in seconds."""
        return self.first / self.rate_hz, self.last / self.rate_hz

    def inside(self, audio: Audio) -> Audio:
        """What lies in the gap, of audio ``(N,)`` or ``(C, N)``."""
        return audio[..., self.first : self.last]

    def put(self, stem_CN: Audio, made_CN: Audio) -> Audio:
        """The stem with something else in the gap, cut hard at its edges."""
        filled_CN = stem_CN.copy()
        filled_CN[:, self.first : self.last] = made_CN
        return filled_CN

    def before(self, stem_CN: Audio) -> Audio:
        """The sound before the gap, as long as the gap, repeated where it is shorter."""
        return self._long(stem_CN[:, max(0, 2 * self.first - self.last) : self.first])

    def after(self, stem_CN: Audio) -> Audio:
        """The sound after the gap, as long as the gap, repeated where it is shorter."""
        return self._long(stem_CN[:, self.last : 2 * self.last - self.first])

    def _long(self, part_CN: Audio) -> Audio:
        return np.stack([np.resize(row, self.last - self.first) for row in part_CN])


def silence(stem_CN: Audio, gap: InpaintGap) -> Audio:
    """Baseline: silence in the gap."""
    return gap.put(stem_CN, np.zeros_like(gap.inside(stem_CN)))


def repetition(stem_CN: Audio, gap: InpaintGap) -> Audio:
    """Baseline: repeat the sound before the gap."""
    return gap.put(stem_CN, gap.before(stem_CN))


def crossfade(stem_CN: Audio, gap: InpaintGap) -> Audio:
    """Baseline: cross-fade from the sound before the gap to the sound after it."""
    weight_N = np.linspace(0, 1, gap.last - gap.first, dtype=np.float32)
    return gap.put(stem_CN, gap.before(stem_CN) * (1 - weight_N) + gap.after(stem_CN) * weight_N)


CHEAP: dict[str, Callable[[Audio, InpaintGap], Audio]] = {
    "silence": silence,
    "the sound before again": repetition,
    "cross-fade before to after": crossfade,
}


def measure(task: str, context: StudyContext) -> dict[str, Any]:
    """Figures of every example by system; ``refused`` holds the engine's sentence for a bundle that cannot do it."""
    examples = kept_set(context.resources, SET, context.stems, context.seed, context.seconds)
    gaps = [InpaintGap.of(task, example) for example in examples]
    filled = _known(examples, gaps)
    refused = {}
    for bundle, folder in context.folders.items():
        codec = through_codec(folder, examples, [e.truth[0] for e in examples])
        filled[f"{bundle}, codec alone"] = [
            gap.put(e.stem_CN, gap.inside(made)) for gap, e, made in zip(gaps, examples, codec, strict=True)
        ]
        for name, making in _makings(task, own(bundle, folder, context)).items():
            try:
                filled[name] = generate_all(making, f"{task}, {name}", examples, context)
            except EngineError as error:
                refused[name] = str(error)
    recogniser = recogniser_of(context)
    values = {name: _columns(stems, examples, gaps, recogniser) for name, stems in filled.items()}
    return {"task": task, "examples": len(examples), "refused": refused, "values": values}


def _known(examples: Sequence[EvalExample], gaps: Sequence[InpaintGap]) -> dict[str, list[Audio]]:
    """What needs no bundle: the truth, another example's stem in the gap, and the cheap ways."""
    found = {TRUE: [e.stem_CN for e in examples]}
    found[OTHER] = [
        gap.put(e.stem_CN, gap.inside(other))
        for gap, e, other in zip(gaps, examples, others(examples), strict=True)
    ]  # fmt: skip
    for name, way in CHEAP.items():
        if not (gaps[0].open and way is crossfade):  # there is nothing to fade to
            found[name] = [way(e.stem_CN, gap) for e, gap in zip(examples, gaps, strict=True)]
    return found


def _makings(task: str, system: BundleSystem) -> dict[str, Callable[[EvalExample], Audio]]:
    """The bundle with a rest to fit and without one, and where the gap holds silence, not what is to be redone."""
    ways = {
        system.name: partial(_fill, system, task, True, False),
        f"{system.name}, without the rest": partial(_fill, system, task, False, False),
    }
    return ways | (
        {} if task == "extend" else {f"{system.name}, from a silent gap": partial(_fill, system, task, True, True)}
    )


def _fill(system: BundleSystem, task: str, with_rest: bool, silent: bool, example: EvalExample) -> Audio:
    """The stem ``(C, N)`` with its gap filled by a bundle."""
    gap = InpaintGap.of(task, example)
    rest = {"rest": example.rest} if with_rest else {}
    if gap.open:
        given = {"input": example.stem_CN[:, : gap.first], **rest}
        return system.make(task, example, given, seconds=gap.span_s[1] - gap.span_s[0])
    given = {"input": silence(example.stem_CN, gap) if silent else example.stem_CN, **rest}
    return system.make(task, example, given, region_s=gap.span_s)


def _columns(
    stems: Sequence[Audio],
    examples: Sequence[EvalExample],
    gaps: Sequence[InpaintGap],
    recogniser: InstrumentClassifier,
) -> dict[str, list[float]]:
    rows = []
    for k, (stem_CN, example, gap) in enumerate(zip(stems, examples, gaps, strict=True)):
        foreign = examples[(k + 1) % len(examples)].truth[1]
        made, pitched = mono(stem_CN), is_pitched(example)
        row = join(stem_CN, example.stem_CN, gap)
        row["agreement"] = float(recogniser.name(gap.inside(made), gap.rate_hz) == example.family)
        rows.append(row | fit.fit(made, example.truth[1], foreign, gap.rate_hz, pitched, gap.span_s))
    return {name: [row[name] for row in rows] for name in rows[0]}


def join(made_CN: Audio, true_CN: Audio, gap: InpaintGap) -> Figures:
    """Smoothness of the joints of a filled stem, and similarity to the truth.

    Returns:
        ``changed``: samples outside the gap that are not as they were; ``seam``: how far the level is off within
        100 ms inside the edges, dB; ``step``: the largest step from sample to sample at the edges above the largest of
        the true stem near them, dB (a click is above 0); ``level``: of the span against the truth, dB; ``log-mel``:
        distance of the span to the truth. NaN where the truth is silent, but for ``changed`` and ``log-mel``; of two
        edges those count at which it is not.
    """
    made, true = mono(made_CN), mono(true_CN)
    outside = np.ones(len(true), dtype=bool)
    outside[gap.first : gap.last] = False
    seam, step = round(SEAM_S * gap.rate_hz), max(2, round(STEP_S * gap.rate_hz))
    edges = [(gap.first, slice(gap.first, gap.first + seam))]
    edges += [] if gap.open else [(gap.last, slice(gap.last - seam, gap.last))]
    near = [slice(max(0, at - seam), at + seam) for at, _ in edges]
    at_edge = [slice(max(0, at - step), at + step) for at, _ in edges]
    levels = [off for _, part in edges if np.isfinite(off := abs(_against(made[part], true[part])))]
    steps = [
        _db(_jump(made[a]), _jump(true[n])) for a, n in zip(at_edge, near, strict=True) if rms(true[n]) >= SILENT_RMS
    ]
    return {
        "changed": float((made_CN[:, outside] != true_CN[:, outside]).sum()),
        "seam": float(np.mean(levels)) if levels else NAN,
        "step": max(steps, default=NAN),
        "level": _against(gap.inside(made), gap.inside(true)),
        "log-mel": log_mel_l1(gap.inside(made_CN), gap.inside(true_CN), gap.rate_hz),
    }


def _against(made: Audio, true: Audio) -> float:
    """Level over level in dB; NaN where the true part is silent."""
    return NAN if rms(true) < SILENT_RMS else _db(rms(made), rms(true))


def _jump(part: Audio) -> float:
    """The largest step from sample to sample."""
    return float(np.abs(np.diff(part)).max())


def _db(size: float, other: float) -> float:
    return float(20 * np.log10(max(size, 1e-6) / max(other, 1e-6)))


def lines(found: dict[str, Any]) -> list[str]:
    """The tables of one task."""
    task, (first, last) = found["task"], SPANS[found["task"]]
    text = [
        f"## {task}", "",
        f"{found['examples']} stems of `{SET}`, made anew from {first:.0%} to {last:.0%} of their length, the rest of "
        "the mix given. Level at the seam: how far the 100 ms inside the edges are from the truth. Step: the largest "
        "jump from sample to sample at the edges above the largest of the true stem near them; above 0 it may click. "
        "Instrument: the classifier hears what was asked for in the span alone. Medians with 95 % intervals.", "",
    ]  # fmt: skip
    heads = ["filled with", "samples changed outside", *FIGURES.values(), "instrument"]
    body = [
        [name, count(row["changed"]), *(interval(median_interval(row[key])) for key in FIGURES),
         share(int(sum(row["agreement"])), len(row["agreement"]))]
        for name, row in found["values"].items()
    ]  # fmt: skip
    text += [*table(heads, body), ""]
    rows = [[name, *fit.cells(row)] for name, row in found["values"].items()]
    text += [GIVEN, ""] if task == "inpaint" else []
    text += [fit.HOW.format(own="the rest at that time"), "", *table(["filled with", *fit.heads()], rows), ""]
    return [*text, *(f"* {name}: refused. “{why}”" for name, why in found["refused"].items()), ""]
