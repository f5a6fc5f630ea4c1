"""Made sound, judged as music: ``regenerate`` makes a stem for a given rest, ``generate`` one from words alone.

Beside a bundle stand the true stem, which bounds every figure from above, the true stem through the bundle's codec, and
the true stem of another example, which is what chance would give: good music, but not the one asked for.
Knows nothing of how a bundle makes it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import chain
from typing import Any

import numpy as np
import soxr

from engine.bundle import load_bundle
from training.bench import music
from training.bench.baselines import codec_round
from training.bench.classifier import Recogniser, from_cache, from_phrases, train
from training.bench.ears import Ears, frechet, frechet_error, hear
from training.bench.example import Example
from training.bench.ground import Ground
from training.bench.ours import EngineError, Ours
from training.bench.run import Progress
from training.bench.sets import make_set
from training.bench.tables import interval, number, share, table
from training.data.cache import StemCache
from training.data.instruments import families
from training.data.sources import Audio
from training.measure import NAN, Figures, level_db, median_interval, mono

SET = "band"
PER_EXAMPLE = 2  # a Fréchet distance needs many
FEWER_STEPS = 2  # what a generative task should do with (MAGE takes 2 Euler steps)
TRUE, OTHER = "true stem", "another's stem"
Making = Callable[[Example], Audio]


def measure(task: str, ground: Ground) -> dict[str, Any]:
    """Figures of every example by system; ``refused`` holds the engine's sentence for a bundle that cannot do it."""
    examples = make_set(ground.studio, SET, ground.examples * PER_EXAMPLE, ground.seed, ground.seconds)
    recogniser = _recogniser(ground)
    made: dict[str, list[Audio]] = {TRUE: [e.stem_CN for e in examples], OTHER: _others(examples)}
    refused = {}
    for bundle, folder in ground.folders.items():
        made[f"{bundle}, codec alone"] = _through_codec(folder, examples)
        for name, making in _makings(task, bundle, folder, ground).items():
            try:
                made[name] = _all(making, name, task, examples, ground)
            except EngineError as error:
                refused[name] = str(error)
    fits = task == "regenerate"
    rows = {name: _figures(stems, examples, ground.ears, recogniser, fits) for name, stems in made.items()}
    sums = {name: _collections(stems, examples, ground.ears, fits) for name, stems in made.items()}
    return {
        "task": task,
        "examples": len(examples),
        "classes": list(recogniser.names),
        "classifier_stems": recogniser.stems,
        "refused": refused,
        "values": rows,
        "collections": sums,
    }


def _makings(task: str, bundle: str, folder: Any, ground: Ground) -> dict[str, Making]:
    systems = {
        bundle: Ours(name=bundle, bundle=folder, engine=ground.engine),
        f"{bundle}, {FEWER_STEPS} steps": Ours(
            name=bundle, bundle=folder, engine=ground.engine, settings=(("steps", FEWER_STEPS),)
        ),
    }
    return {name: system.regenerate if task == "regenerate" else system.generate for name, system in systems.items()}


def _all(making: Making, name: str, task: str, examples: Sequence[Example], ground: Ground) -> list[Audio]:
    progress = Progress(len(examples), ground.say)
    stems = []
    for example in examples:
        stems.append(making(example))
        progress.step(f"{task}, {name}")
    return stems


def _recogniser(ground: Ground) -> Recogniser:
    ground.say("training the instrument classifier")
    stems = from_phrases(ground.studio)
    cache = StemCache(ground.cache)
    if cache.count:
        stems = chain(stems, from_cache(cache, ground.cache_hz, ground.studio.reserved))
    return train(stems)


def _others(examples: Sequence[Example]) -> list[Audio]:
    """For each example the true stem of another one that asks for another family, where there is one."""
    found = []
    for k, example in enumerate(examples):
        rolled = [*examples[k + 1 :], *examples[:k]] or [example]
        found.append(next((e for e in rolled if e.family != example.family), rolled[0]).stem_CN)
    return found


def _through_codec(folder: Any, examples: Sequence[Example]) -> list[Audio]:
    rate_hz = load_bundle(folder).manifest.sample_rate_hz
    rows = [soxr.resample(example.truth[0], example.rate_hz, rate_hz) for example in examples]
    return [
        soxr.resample(row, rate_hz, example.rate_hz)[None].astype(np.float32)
        for row, example in zip(codec_round(folder, rows), examples, strict=True)
    ]


def _figures(
    stems: Sequence[Audio], examples: Sequence[Example], ears: Sequence[Ears], recogniser: Recogniser, fits: bool
) -> dict[str, list[float]]:
    rows = []
    for k, (stem_CN, example) in enumerate(zip(stems, examples, strict=True)):
        stem, true = mono(stem_CN), mono(example.stem_CN)
        pitched = not families()[example.family].drums
        row: Figures = {
            "level": music.loudness_gap_db(stem, true) if fits else level_db(stem, mono(example.mix_CN)),
            "harmonicity": music.harmonicity(stem, example.rate_hz) if pitched else NAN,
            "agreement": float(recogniser.name(stem, example.rate_hz) == example.family),
        }
        if fits:
            for what, rest in (("own", example.truth[1]), ("other", examples[(k + 1) % len(examples)].truth[1])):
                row[f"chroma, {what} rest"] = music.chroma_correlation(stem, rest, example.rate_hz) if pitched else NAN
                row[f"onsets, {what} rest"] = music.onset_correlation(stem, rest, example.rate_hz)
                row[f"beat, {what} rest"] = music.beat_alignment(stem, rest, example.rate_hz)
        for one in ears:
            heard = hear(one, stem, example.rate_hz).whole
            row[f"text-audio, {one.name}"] = float(heard @ one.words([example.prompt])[0])
            row[f"audio-audio, {one.name}"] = float(heard @ hear(one, true, example.rate_hz).whole)
        rows.append(row)
    return {name: [row[name] for row in rows] for name in rows[0]}


def _collections(
    stems: Sequence[Audio], examples: Sequence[Example], ears: Sequence[Ears], fits: bool
) -> dict[str, dict[str, float]]:
    """Fréchet distances of stems to true stems, and of rest plus stem to true mixes, by ears."""
    found = {}
    for one in ears:
        clips = [hear(one, mono(s), e.rate_hz).windows for s, e in zip(stems, examples, strict=True)]
        truth = np.concatenate([hear(one, e.stem_CN, e.rate_hz).windows for e in examples])
        row = {"FAD": frechet(np.concatenate(clips), truth), "FAD error": frechet_error(clips, truth)}
        row["vectors"] = float(len(truth))
        if fits:
            sums = [hear(one, mono(s) + e.truth[1], e.rate_hz).windows for s, e in zip(stems, examples, strict=True)]
            mixes = np.concatenate([hear(one, e.mix_CN, e.rate_hz).windows for e in examples])
            row |= {"sub-FAD": frechet(np.concatenate(sums), mixes), "sub-FAD error": frechet_error(sums, mixes)}
        found[one.name] = row
    return found


def lines(found: dict[str, Any]) -> list[str]:
    """The tables of one task."""
    fits = found["task"] == "regenerate"
    counted = {name: sum(row["agreement"]) for name, row in found["values"].items()}
    text = [
        f"## {found['task']}", "",
        f"{found['examples']} stems of `{SET}`. Instrument: a classifier of the bench's own ({len(found['classes'])} "
        f"families, mel cepstra, learnt from {found['classifier_stems']} stems) hears the family that was asked for; "
        f"of the true stems it names {counted[TRUE] / found['examples']:.0%} right. Harmonicity: share of the energy "
        "that repeats with a pitch, pitched families only. Medians with 95 % bootstrap intervals.", "",
    ]  # fmt: skip
    text += [*table(*_first_table(found, counted, fits)), ""]
    if fits:
        text += [
            "Does it fit: chroma (key), onset strength and beats of the new stem against the rest it was made for, and "
            "against the rest of another example. Only the difference between the two columns says something.", "",
            *table(*_fit_table(found)), "",
        ]  # fmt: skip
    text += [f"* {name}: refused. “{why}”" for name, why in found["refused"].items()]
    return [*text, ""]


def _first_table(found: dict[str, Any], counted: dict[str, float], fits: bool) -> tuple[list[str], Iterator[list[str]]]:
    ears = list(next(iter(found["collections"].values())))
    distances = [(one, kind) for one in ears for kind in (("FAD", "sub-FAD") if fits else ("FAD",))]
    likes = [f"{kind}, {one}" for one in ears for kind in ("text-audio", "audio-audio")]
    level = "level against the true stem, dB" if fits else "level against the true mix, dB"
    heads = ["stem", "instrument", level, "harmonicity", *(f"{kind}, {one}" for one, kind in distances), *likes]

    def rows() -> Iterator[list[str]]:
        for name, row in found["values"].items():
            sums = found["collections"][name]
            cells = [name, share(int(counted[name]), found["examples"])]
            cells += [interval(median_interval(row[key])) for key in ("level", "harmonicity")]
            cells += [f"{number(sums[one][kind])} ± {number(sums[one][f'{kind} error'])}" for one, kind in distances]
            yield [*cells, *(interval(median_interval(row[key])) for key in likes)]

    return heads, rows()


def _fit_table(found: dict[str, Any]) -> tuple[list[str], Iterator[list[str]]]:
    kinds = [f"{kind}, {what} rest" for kind in ("chroma", "onsets", "beat") for what in ("own", "other")]
    rows = ([name, *(interval(median_interval(row[kind])) for kind in kinds)] for name, row in found["values"].items())
    return ["stem", *kinds], rows
