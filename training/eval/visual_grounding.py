"""Visual grounding: two identical instruments, two players, the video of one. Whose stem comes out?

Both stems are played by one recording without effects, so nothing but the notes tells them apart, and words cannot
choose. Each pair is asked both ways, once with each player's video. An answer is right when it is nearer (SI-SDR) to
the stem of the player who is seen than to the other's. Asked in words alone a pair gets one answer for both, so that is
right for exactly one of them: chance. The unit of every test is the pair, for its two answers depend on each other.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from training.data.instruments import families
from training.data.sources import RATE
from training.eval import media_prompts
from training.eval.bundle_system import BundleSystem, EngineError
from training.eval.conditions import QueryVariant
from training.eval.example import EvalExample
from training.eval.run import ProgressPrinter
from training.eval.sets import PEAK, TRIES, SetResources, number_of, play, refuse_unreserved
from training.eval.study import StudyContext
from training.eval.tables import interval, table
from training.metrics import NAN, median_interval, mono, rms, si_sdr

PAIRS_PER_EXAMPLE = 8  # a sign test needs many
SECONDS = 5.0
SURE = 0.05  # a p-value below it is called better than chance
ROWS = (
    QueryVariant("text alone", True, ()),
    QueryVariant("text + video", True, ("video",)),
    QueryVariant("video alone", False, ("video",)),
    QueryVariant("text + still picture", True, ("still",)),
)
JUDGED = ("text + video", "video alone")


@dataclass(frozen=True, slots=True)
class TwinExample:
    """One mix of two identical instruments, as two questions: the stem of the one player, and of the other."""

    first: EvalExample
    second: EvalExample

    @property
    def asked(self) -> tuple[tuple[EvalExample, EvalExample], ...]:
        """Each question with the example it must not be taken for."""
        return (self.first, self.second), (self.second, self.first)


def make_pairs(resources: SetResources, count: int, seed: int, seconds: float | None = None) -> list[TwinExample]:
    """Pairs by seed; the families take turns."""
    melodic = [name for name in resources.reserved if not families()[name].drums]
    samples = round((seconds or SECONDS) * RATE)
    return [_first_good(resources, melodic[number % len(melodic)], number, samples, seed) for number in range(count)]


def _first_good(resources: SetResources, family: str, number: int, samples: int, seed: int) -> TwinExample:
    for attempt in range(TRIES):
        rng = np.random.default_rng([seed, number_of("seen"), number, attempt])
        made = play(resources, rng, [family, family], samples, RATE, twins=True)
        if made is None or made.parts[0].notes == made.parts[1].notes:
            continue
        refuse_unreserved(made.sources)
        stems = [mono(stem_CN)[None] for stem_CN in made.stems]
        stems = [stem * np.float32(rms(stems[0]) / rms(stem)) for stem in stems]  # equally loud
        gain = np.float32(min(1.0, PEAK / float(np.abs(stems[0] + stems[1]).max())))
        stems = [stem * gain for stem in stems]
        first = EvalExample(
            set="seen", number=2 * number, rate_hz=RATE, family=family,
            prompt=resources.lexicon.phrases(family, "held", rng), inside=(family, family), sources=made.sources,
            mix_CN=stems[0] + stems[1], stem_CN=stems[0], part=made.parts[0],
        )  # fmt: skip
        return TwinExample(first, replace(first, number=2 * number + 1, stem_CN=stems[1], part=made.parts[1]))
    raise ValueError(f"no pair {number} of {family} whose stems both sound; choose longer --seconds")


def measure(context: StudyContext) -> dict[str, Any]:
    """Margins of every row, two for each pair, and the tests over them."""
    pairs = make_pairs(context.resources, context.examples * PAIRS_PER_EXAMPLE, context.seed, context.seconds)
    progress = ProgressPrinter(len(pairs) * len(ROWS) * len(context.folders), context.say)
    found: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as name:
        given = {one.number: _files(context, one, Path(name)) for pair in pairs for one in (pair.first, pair.second)}
        for bundle, folder in context.folders.items():
            system = BundleSystem(name=bundle, bundle=folder, engine=context.engine)
            rows = {row.name: ask(row, system, pairs, given, progress) for row in ROWS}
            found[bundle] = {name: row | judge(row, rows["text alone"]) for name, row in rows.items()}
    names = list(dict.fromkeys(pair.first.family for pair in pairs))
    return {"pairs": len(pairs), "families": names, "bundles": found}


def _files(context: StudyContext, example: EvalExample, folder: Path) -> dict[str, Path]:
    return media_prompts.write_pictures(media_prompts.clip_of(example, context.seed), folder / f"{example.number:04d}")


def ask(
    row: QueryVariant,
    system: BundleSystem,
    pairs: Sequence[TwinExample],
    given: dict[int, dict[str, Path]],
    progress: ProgressPrinter,
) -> dict[str, Any]:
    """Ask for both stems of every pair.

    Returns:
        ``margin``: how much nearer the answer is to the right stem than to the other, dB, ``[[first, second], ...]`` by
        pair; ``refused``: the engine's sentence where it takes no such thing.
    """
    margins = []
    for pair in pairs:
        margin = []
        for right, wrong in pair.asked:
            try:
                answer = system.isolate(right, row.words, [given[right.number][kind] for kind in row.files])
            except EngineError as error:
                progress.step(f"{row.name}, refused", len(pairs) - len(margins))
                return {"margin": [], "refused": str(error)}
            made = mono(answer.stem_CN)
            margin.append(si_sdr(made, mono(right.stem_CN)) - si_sdr(made, mono(wrong.stem_CN)))
        margins.append(margin)
        progress.step(f"{row.name}, {system.name}")
    return {"margin": margins, "refused": ""}


def judge(row: dict[str, Any], text: dict[str, Any]) -> dict[str, Any]:
    """Shares and p-values of a row.

    How near an answer is to a stem says nothing by itself: a milder mask is nearer to both. So only margins count, and
    those of a pair together: an answer that ignores the picture has one margin and its opposite.

    Returns:
        ``right``: share of the answers that are nearer to the seen player's stem; ``chosen``: pairs whose two margins
        add up in favour of the seen, with ``p_chance`` of a one-sided sign test; ``swapped``: pairs in which both are
        right, so that swapping the picture swapped the stem, ``against``: pairs in which both are wrong, with
        ``p_swapped`` of a sign test between the two; ``better``: pairs whose margins are larger than in words alone,
        with ``p_text`` and ``gain_db``, by how much.
    """
    if not row["margin"]:
        return {}
    margin = np.asarray(row["margin"])
    total = margin.sum(axis=1)
    chosen, moved, p_chance = _signs(total)
    both, neither = int((margin > 0).all(axis=1).sum()), int((margin < 0).all(axis=1).sum())
    found = {
        "right": float((margin > 0).mean()),
        "chosen": chosen,
        "moved": moved,
        "p_chance": p_chance,
        "swapped": both,
        "against": neither,
        "p_swapped": _signs(np.repeat([1.0, -1.0], [both, neither]))[2],
    }
    if text["margin"] and text is not row:
        gain = total - np.asarray(text["margin"]).sum(axis=1)
        better, differs, p_text = _signs(gain)
        found |= {"better": better, "differs": differs, "p_text": p_text, "gain_db": list(gain / 2)}
    return found


def _signs(values: np.ndarray) -> tuple[int, int, float]:
    """How many of the values are positive, how many are not zero, and p of a one-sided sign test."""
    from scipy.stats import binomtest

    moved = np.abs(values) > 1e-6
    above, count = int((values[moved] > 0).sum()), int(moved.sum())
    return above, count, float(binomtest(above, count, alternative="greater").pvalue) if count else 1.0


def lines(found: dict[str, Any]) -> list[str]:
    """The table of every bundle, with what it means."""
    text = [
        "## seen", "",
        f"{found['pairs']} pairs of identical instruments ({', '.join(found['families'])}), each asked for both of its "
        "players. Right: the answer is nearer to the stem of the player who is seen. Swapped: both answers of a pair "
        "are right, against pairs in which both are wrong. More than in words alone: by how much nearer the answers "
        "are to the seen player's stem than to the other's. p: one-sided sign tests over pairs.", "",
    ]  # fmt: skip
    heads = [
        "given",
        "right",
        "pairs for the seen",
        "p",
        "swapped : against",
        "p",
        "more than in words alone",
        "p",
        "by, dB",
    ]
    for bundle, rows in found["bundles"].items():
        text += [f"### {bundle}", ""]
        body = [_cells(name, row) for name, row in rows.items() if not row["refused"]]
        if body:
            text += [*table(heads, body), "", _verdict(rows), ""]
        text += [f"* {name}: refused. “{row['refused']}”" for name, row in rows.items() if row["refused"]]
        text.append("")
    return text


def _cells(name: str, row: dict[str, Any]) -> list[str]:
    cells = [name, f"{row['right']:.0%}", f"{row['chosen']} of {row['moved']}", p_text(row["p_chance"])]
    cells += [f"{row['swapped']} : {row['against']}", p_text(row["p_swapped"])]
    if "better" not in row:
        return [*cells, "-", "-", "-"]
    gain = interval(median_interval(row["gain_db"]))
    return [*cells, f"{row['better']} of {row['differs']}", p_text(row["p_text"]), gain]


def _verdict(rows: dict[str, Any]) -> str:
    shown = [name for name in JUDGED if name in rows and not rows[name]["refused"]]
    return " ".join(_said(name, rows[name]) for name in shown) or "This bundle cannot see."


def _said(name: str, row: dict[str, Any]) -> str:
    """What a row shows, in a sentence."""
    tests = {
        "that the seen player's stem is taken": row["p_chance"],
        "that another picture brings the other stem": row["p_swapped"],
        "that it is taken more than in words alone": row.get("p_text", NAN),
    }
    parts = {wanted: [what for what, p in tests.items() if (p < SURE) == wanted] for wanted in (True, False)}
    said = {wanted: ", ".join(parts[wanted]) or "nothing" for wanted in parts}
    return f"{name.capitalize()} shows (p < {SURE:g}): {said[True]}; does not show: {said[False]}."


def p_text(value: float) -> str:
    """A p-value in as few characters as say it."""
    return f"{value:.1e}" if value < 1e-3 else f"{value:.3f}"
