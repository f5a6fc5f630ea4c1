"""What each kind of prompt is worth: the same stems asked for in words, by image, by sound, and in combination.

Every condition is a file through the engine's front door, as a user gives it. What a bundle cannot take is refused by
the engine in one sentence, which then stands in the row. Source of the rows: MAGE (arXiv 2604.09803), table 2.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from training.eval import media_prompts
from training.eval.bundle_system import BundleSystem, EngineError
from training.eval.embeddings import AudioEmbedding, embed_stem, likeness_to_words
from training.eval.example import EvalExample, StemEstimate
from training.eval.run import ProgressPrinter, columns, figures
from training.eval.sets import make_set
from training.eval.study import StudyContext
from training.eval.tables import interval, number, table
from training.metrics import median_interval

SET = "mage-duet"


@dataclass(frozen=True, slots=True)
class QueryVariant:
    """One combination of prompts.

    Attributes:
        name: of the row.
        words: True gives the prompt.
        files: which of video, still and sound are given.
    """

    name: str
    words: bool
    files: tuple[str, ...]


ROWS = (
    QueryVariant("text", True, ()),
    QueryVariant("video", False, ("video",)),
    QueryVariant("still picture", False, ("still",)),
    QueryVariant("sound", False, ("sound",)),
    QueryVariant("text + video", True, ("video",)),
    QueryVariant("text + still picture", True, ("still",)),
    QueryVariant("text + sound", True, ("sound",)),
    QueryVariant("video + sound", False, ("video", "sound")),
    QueryVariant("text + video + sound", True, ("video", "sound")),
    QueryVariant("nothing", False, ()),
)


def measure(context: StudyContext) -> dict[str, Any]:
    """Figures of every row for every bundle; ``refused`` holds the engine's sentence where it takes no such thing."""
    examples = make_set(context.resources, SET, context.examples, context.seed)
    progress = ProgressPrinter(len(examples) * len(ROWS) * len(context.folders), context.say)
    found: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as name:
        given = [write_files(context, example, Path(name)) for example in examples]
        for bundle, folder in context.folders.items():
            system = BundleSystem(name=bundle, bundle=folder, engine=context.engine)
            found[bundle] = {row.name: _row(row, system, examples, given, context.embedders, progress) for row in ROWS}
    return {"examples": len(examples), "set": SET, "bundles": found}


def write_files(context: StudyContext, example: EvalExample, folder: Path) -> dict[str, Path]:
    """The example's player as a video and a still picture, and its instrument playing something else."""
    clip = media_prompts.clip_of(example, context.seed)
    stem = folder / f"{example.number:04d}"
    return {
        **media_prompts.write_pictures(clip, stem),
        "sound": media_prompts.write_sound(context.resources, example, context.seed, stem.with_suffix(".wav")),
    }


def _row(
    row: QueryVariant,
    system: BundleSystem,
    examples: Sequence[EvalExample],
    given: Sequence[dict[str, Path]],
    embedders: Sequence[AudioEmbedding],
    progress: ProgressPrinter,
) -> dict[str, Any]:
    rows = []
    for example, files in zip(examples, given, strict=True):
        try:
            answer = system.isolate(example, row.words, [files[kind] for kind in row.files])
        except EngineError as error:
            progress.step(f"{row.name}, refused", len(examples) - len(rows))
            return {"refused": str(error), "values": {}}
        rows.append(figures(example, answer) | likeness(example, answer, embedders))
        progress.step(f"{row.name}, {system.name}")
    return {"refused": "", "values": columns(rows)}


def likeness(example: EvalExample, answer: StemEstimate, embedders: Sequence[AudioEmbedding]) -> dict[str, float]:
    """Similarity of an estimate to the true stem and to the words, by every embedding model."""
    found = {}
    for one in embedders:
        made, true = (embed_stem(one, audio, example.rate_hz).whole for audio in (answer.stem_CN, example.stem_CN))
        found[f"audio-audio, {one.name}"] = float(made @ true)
        found |= likeness_to_words(one, example.prompt, made)
    return found


def lines(found: dict[str, Any]) -> list[str]:
    """A table for each bundle, and below it what was refused."""
    text = [
        "## conditions", "",
        f"{found['examples']} examples of `{found['set']}`, each asked for in every way: in words, by a drawn video or "
        "still picture of its player, by its instrument playing something else. Medians in dB; in brackets the 95 % "
        "bootstrap interval. Against text: difference of the SDR, example by example.", "",
    ]  # fmt: skip
    for bundle, rows in found["bundles"].items():
        measured = {name: row["values"] for name, row in rows.items() if row["values"]}
        likes = list(dict.fromkeys(key for row in measured.values() for key in row if "-audio, " in key))
        base = measured.get("text", {}).get("SDR")
        body = []
        for name, row in measured.items():
            gain = _paired(row["SDR"], base) if base and name != "text" else None
            middles = [number(median_interval(row[key])[0]) for key in ("SIR", "SAR", *likes)]
            body.append([name, interval(median_interval(row["SDRi"])), interval(gain), *middles])
        text += [f"### {bundle}", ""]
        if body:
            text += [*table(["given", "SDR improvement", "SDR against text", "SIR", "SAR", *likes], body), ""]
        text += [f"* {name}: refused. “{row['refused']}”" for name, row in rows.items() if row["refused"]]
        text.append("")
    return text


def _paired(values: Sequence[float], base: Sequence[float]) -> tuple[float, float, float]:
    return median_interval(list(np.asarray(values, dtype=float) - np.asarray(base, dtype=float)))
