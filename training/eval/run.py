"""Run every system on every example of every set, and measure the answers.

The figures are kept for each example, so that any summary, interval or comparison can be made later.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import numpy as np

from training.eval.embeddings import (
    EmbeddingModel,
    StemEmbedding,
    ZeroShotClassifier,
    divergence,
    embed_stem,
    frechet,
    frechet_error,
    inception_score,
)
from training.eval.example import EvalExample, StemEstimate, System
from training.metrics import (
    NAN,
    SILENT_RMS,
    Figures,
    bss,
    level_db,
    log_mel_l1,
    median_interval,
    mono,
    museval_sdr,
    rms,
    sdr,
    si_sdr,
)
from training.typing import Audio

Values = dict[str, dict[str, dict[str, list[float]]]]  # set -> system -> figure -> one value for each example


SAY_EVERY_S = 5.0
LIKELY_THERE = 0.5  # below it the product says "seems not to be there"
SILENT_SI_SDR_DB = -30.0  # an answer of silence counts as this bad: by itself it has no SI-SDR
TRUE = "true stem"  # the row of the reference itself: how like itself and its words it is


class ProgressPrinter:
    """Prints progress and an estimate of the time left every few seconds."""

    def __init__(self, total: int, say: Callable[[str], None]) -> None:
        self._total, self._say = total, say
        self._done, self._began_s = 0, time.monotonic()
        self._said_s = self._began_s

    def step(self, now: str, count: int = 1) -> None:
        """Count answers as measured or skipped; ``now`` names the current set and system."""
        self._done += count
        moment_s = time.monotonic()
        if moment_s - self._said_s < SAY_EVERY_S and self._done < self._total:
            return
        self._said_s = moment_s
        gone_s = moment_s - self._began_s
        left_s = gone_s / self._done * (self._total - self._done)
        self._say(f"{self._done} of {self._total} answers, {gone_s:.0f} s gone, about {left_s:.0f} s to go ({now})")


@dataclass(slots=True)
class KeptAudio:
    """Audio to listen to: an example and the stems that some systems made of it."""

    example: EvalExample
    stems: dict[str, Audio] = field(default_factory=dict)


@dataclass(slots=True)
class BenchResults:
    """The figures of a run, collected as it goes on.

    Attributes:
        embedders: what embeds the stems; the first one's classes are counted too. May be empty.
        keep: examples of each set whose audio is kept for the page.
        values: the figures of every example.
        heard: embeddings by model, system and set; the true stems are the system ``TRUE``.
        kept: audio to listen to.
        wall_s: what each system's answers and their figures took together.
    """

    embedders: Sequence[EmbeddingModel]
    keep: int = 2
    values: Values = field(default_factory=dict)
    heard: dict[str, dict[str, dict[str, list[StemEmbedding]]]] = field(default_factory=dict)
    kept: dict[tuple[str, int], KeptAudio] = field(default_factory=dict)
    wall_s: dict[str, float] = field(default_factory=dict)

    def ask(
        self, name: str, examples: Sequence[EvalExample], systems: Sequence[System], progress: ProgressPrinter
    ) -> None:
        """Measure all systems on one set."""
        for example in examples[: self.keep]:
            self.kept[name, example.number] = KeptAudio(example)
        self._hear(TRUE, name, examples, [example.stem_CN for example in examples])
        for system in systems:
            began_s = time.monotonic()
            rows = []
            stems = []
            for example, answer in zip(examples, system.separate(examples), strict=True):
                rows.append(figures(example, answer))
                stems.append(answer.stem_CN)
                if (name, example.number) in self.kept:
                    self.kept[name, example.number].stems[system.name] = answer.stem_CN
                progress.step(f"{name}, {system.name}")
            self.values.setdefault(name, {})[system.name] = columns(rows)
            self._hear(system.name, name, examples, stems)
            self.wall_s[system.name] = self.wall_s.get(system.name, 0.0) + time.monotonic() - began_s

    def _hear(self, system: str, name: str, examples: Sequence[EvalExample], stems: Sequence[Audio]) -> None:
        if not examples[0].present:
            return
        for embedder in self.embedders:
            heard = [embed_stem(embedder, stem, example.rate_hz) for example, stem in zip(examples, stems, strict=True)]
            self.heard.setdefault(embedder.name, {}).setdefault(system, {})[name] = heard
            words = embedder.words([example.prompt for example in examples])
            true = self.heard[embedder.name][TRUE][name]
            columns = self.values.setdefault(name, {}).setdefault(system, {})
            columns[f"audio-audio, {embedder.name}"] = [
                float(a.whole @ b.whole) for a, b in zip(heard, true, strict=True)
            ]
            columns[f"text-audio, {embedder.name}"] = [float(a.whole @ b) for a, b in zip(heard, words, strict=True)]


def about(systems: Sequence[System]) -> dict[str, dict[str, str]]:
    """Kind and description of every row that a table may have."""
    reference = {TRUE: {"kind": "bound", "doc": "the reference itself, in the same embeddings"}}
    return reference | {one.name: {"kind": one.kind, "doc": one.doc} for one in systems}


def figures(example: EvalExample, answer: StemEstimate) -> Figures:
    """Every figure of one answer that needs no embedding.

    ``SDR``, ``SIR`` and ``SAR`` are those of BSS Eval on the mono sum; ``SI-SDR`` and ``plain SDR`` are over all
    channels; an ``i`` at the end is the improvement over the mix. ``level error`` is the level over
    that of the true stem. ``told right`` is 1 where the system said rightly
    whether the instrument is there.
    """
    stem_CN = answer.stem_CN
    if not answer.measured:
        return dict.fromkeys(("SDR", "SI-SDR") if example.present else ("level",), NAN)
    found = {"level": level_db(stem_CN, example.mix_CN), **answer.extra}
    if "presence" in found:
        found["told right"] = float((found["presence"] >= LIKELY_THERE) == example.present)
    if not example.present:
        return found
    stem, rest = example.truth
    made, mix = mono(stem_CN), mono(example.mix_CN)
    before = of_the_mix(example)
    found |= dict(before) if stem_CN is example.mix_CN else bss(stem, rest, made, mix - made)
    found["SDRi"] = found["SDR"] - before["SDR"]
    silent = rms(stem_CN) < SILENT_RMS
    found["SI-SDR"] = SILENT_SI_SDR_DB if silent else si_sdr(stem_CN, example.stem_CN)
    found["SI-SDRi"] = found["SI-SDR"] - before["SI-SDR"]
    found["plain SDR"] = sdr(stem_CN, example.stem_CN)
    found["plain SDRi"] = found["plain SDR"] - before["plain SDR"]
    found["museval SDR"] = museval_sdr(stem_CN, example.stem_CN, example.rate_hz)
    found["level error"] = level_db(stem_CN, example.stem_CN)
    found["log-mel L1"] = log_mel_l1(stem_CN, example.stem_CN, example.rate_hz)
    return found


@lru_cache(maxsize=1024)
def of_the_mix(example: EvalExample) -> Figures:
    """Metrics of the unprocessed mix, the baseline of every improvement; cached."""
    stem, rest = example.truth
    mix = mono(example.mix_CN)
    own = {"SI-SDR": si_sdr(example.mix_CN, example.stem_CN), "plain SDR": sdr(example.mix_CN, example.stem_CN)}
    return bss(stem, rest, mix, mix) | own


def columns(rows: Sequence[Figures]) -> dict[str, list[float]]:
    """Rows of figures as one list for each figure; NaN where a row lacks it."""
    names = dict.fromkeys(name for row in rows for name in row)
    return {name: [row.get(name, NAN) for row in rows] for name in names}


def summarize(values: Values) -> dict[str, dict[str, dict[str, tuple[float, float, float]]]]:
    """Median and 95 % bootstrap interval of every figure: set -> system -> figure."""
    return {
        name: {
            system: {figure: median_interval(column) for figure, column in columns.items()}
            for system, columns in systems.items()
        }
        for name, systems in values.items()
    }


def collections(
    bench: BenchResults,
    embedder: EmbeddingModel,
    classifier: ZeroShotClassifier | None,
    sets: dict[str, list[EvalExample]],
) -> dict[str, Any]:
    """Figures of whole collections of stems, over all sets in which there is something to find.

    Returns:
        ``systems``: for each system the Fréchet audio distance to the true stems and, when the classifier is good
        enough, the divergence of its classes and the inception score; ``vectors``: how many windows a distance is
        made of; ``floor``: the distance between two halves of the true stems; ``accuracy``: the classifier's.
    """
    heard = bench.heard.get(embedder.name, {})
    true = [one for rows in heard.get(TRUE, {}).values() for one in rows]
    if not true:
        return {}
    windows = np.concatenate([one.windows for one in true])
    shuffled = windows[np.random.default_rng(0).permutation(len(windows))]
    names = [example.family for name in heard[TRUE] for example in sets[name]]
    whole = np.stack([one.whole for one in true])
    found: dict[str, Any] = {"embedding": embedder.name, "vectors": len(windows), "systems": {}}
    found["floor"] = frechet(shuffled[::2], shuffled[1::2])
    if classifier is not None:
        known = [k for k, name in enumerate(names) if name in classifier.names]
        found["accuracy"] = classifier.accuracy(whole[known], [names[k] for k in known])
        found["classes"] = len(classifier.names)
    for system, by_set in heard.items():
        if set(by_set) != set(heard[TRUE]):  # asked in some sets only, so its collection is another one
            continue
        rows = [one for part in by_set.values() for one in part]
        clips = [one.windows for one in rows]
        entry = {"FAD": frechet(np.concatenate(clips), windows), "FAD error": frechet_error(clips, windows)}
        if classifier is not None:
            shares, wanted = classifier.shares(np.stack([one.whole for one in rows])), classifier.shares(whole)
            entry |= {"KL": divergence(shares, wanted), "IS": inception_score(shares)}
        found["systems"][system] = entry
    return found
