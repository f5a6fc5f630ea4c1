"""A run of the bench as ``report.json`` (every figure of every example) and ``report.md`` (medians with intervals)."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from training.atomic import write_text
from training.eval.embeddings import ENOUGH_ACCURACY
from training.eval.example import EvalExample
from training.eval.recordings import MIX_RECIPES
from training.eval.run import SILENT_SI_SDR_DB, KeptAudio, summarize
from training.eval.sets import SETS
from training.eval.studies import STUDIES
from training.eval.tables import interval, number, share, table
from training.metrics import NAN, SILENT_RMS, Interval, against_mir_eval, bss, median_interval, mono, rms

FORMAT = 1
CHECKED_SAR_DB = 60.0  # answers without a real artefact have a SAR of rounding errors
# heading of a column, figure, whether its interval is shown
COLUMNS = (
    ("SDR", "SDR", True), ("SIR", "SIR", True), ("SAR", "SAR", True), ("SDR improvement", "SDRi", True),
    ("SI-SDR", "SI-SDR", False), ("SI-SDR improvement", "SI-SDRi", True), ("plain SDR", "plain SDR", False),
    ("plain SDR improvement", "plain SDRi", True), ("museval SDR", "museval SDR", False),
    ("level error", "level error", True), ("log-mel L1", "log-mel L1", False),
)  # fmt: skip
TOLD = "told right"
NOTES = (
    "Medians over examples, in dB but for log-mel L1. In brackets: 95 % bootstrap interval of the median. `-`: not "
    "defined, as for silence.",
    "SDR, SIR, SAR: BSS Eval 3, 512 taps, on the mono sum of channels, the rest being one interferer. SI-SDR and plain "
    f"SDR: over all channels together, no filter; an answer of silence counts as {SILENT_SI_SDR_DB:g} dB SI-SDR. "
    "museval SDR: plain SDR per second. Improvement: over the mix. log-mel L1: 64 bands, natural logarithm; smaller is "
    "better. level error: RMS over that of the true stem, to which SI-SDR is blind; best at 0. additivity: level of "
    "decoded mix - stem - rest against the mix, before any mask; lower is better. told right: how often the "
    "system said rightly whether the instrument is there.",
)  # fmt: skip


def set_facts(examples: Sequence[EvalExample], digest: str) -> dict[str, Any]:
    """Description of a set for the report."""
    first = examples[0]
    return {
        "doc": SETS[first.set].doc,
        "digest": digest,
        "rate_hz": first.rate_hz,
        "channels": first.mix_CN.shape[0],
        "samples": first.mix_CN.shape[1],
        "examples": [
            {"number": e.number, "family": e.family, "prompt": e.prompt, "inside": e.inside, "sources": e.sources}
            for e in examples
        ],
    }


def checked_by_mir_eval(kept: Iterable[KeptAudio]) -> dict[str, Any]:
    """Largest difference between our SDR, SIR, SAR and ``mir_eval``'s, over one answer of every set; {} without it."""
    try:
        import mir_eval.separation  # noqa: F401
    except ImportError:
        return {}
    found: dict[str, float] = {}
    for one in kept:
        example = one.example
        if example.set in found or not example.present:
            continue
        mix = mono(example.mix_CN)
        for stem_CN in one.stems.values():
            made = mono(stem_CN)
            sounds = min(rms(made), rms(mix - made)) > SILENT_RMS
            if sounds and bss(*example.truth, made, mix - made)["SAR"] < CHECKED_SAR_DB:
                found[example.set] = against_mir_eval(*example.truth, made, mix - made)
                break
    return {"largest_db": max(found.values()), "answers": len(found)} if found else {}


def write(run: dict[str, Any], pictures: Sequence[Path], examples: Sequence[str], folder: Path) -> None:
    """Write ``report.json`` and ``report.md``.

    Args:
        pictures: files beside the report that it shows.
        examples: lines of Markdown that go last.
    """
    write_json({**run, "summary": summarize(run["values"])}, folder / "report.json")
    shown = "".join(f"\n\n![{path.stem}]({path.name})" for path in pictures)
    replace_text(folder / "report.md", "\n".join([markdown(run) + shown, "", *examples]).rstrip() + "\n")


def write_json(values: dict[str, Any], path: Path) -> None:
    """Write JSON, whole or not at all; what is no number becomes null."""
    replace_text(path, json.dumps(_plain(values), indent=1, ensure_ascii=False) + "\n")


def read(path: Path) -> dict[str, Any]:
    """Read a ``report.json``, of earlier versions too; null becomes NaN.

    Raises:
        ValueError: not a report of this format.
    """
    try:
        run = json.loads(path.read_text("utf-8"))
    except json.JSONDecodeError as error:
        raise ValueError(f"{path} is not JSON: {error}") from error
    if not isinstance(run, dict) or run.get("format") != FORMAT or "values" not in run:
        raise ValueError(f"{path} is not a report of this bench; give the report.json that `training bench` wrote")
    for systems in run["values"].values():
        for columns in systems.values():
            for name, column in columns.items():
                columns[name] = [NAN if value is None else value for value in column]
    return _in_todays_words(run)


def _in_todays_words(run: dict[str, Any]) -> dict[str, Any]:
    """Earlier versions called a bundle ``ours`` and an embedding ``ears``."""
    for row in run.get("systems", {}).values():
        row["kind"] = "bundle" if row["kind"] == "ours" else row["kind"]
    for found in run.get("collections", []):
        if "ears" in found:
            found["embedding"] = found.pop("ears")
    return run


def markdown(run: dict[str, Any]) -> str:
    """The report as Markdown."""
    names = ", ".join(f"`{name}` ({b['name']} {b['version']})" for name, b in run["bundles"].items())
    lines = [f"# Bench of {names}", "", *NOTES, ""]
    if check := run["mir_eval"]:
        lines += [
            f"Checked against mir_eval on {check['answers']} answers: at most {check['largest_db']:.1e} dB apart.",
            "",
        ]
    rows = summarize(run["values"])
    for name, systems in rows.items():
        facts = run["sets"][name]
        lines += [f"## {name}", "", f"{len(facts['examples'])} examples: {facts['doc']}.", ""]
        shown = {system: row for system, row in systems.items() if run["systems"][system]["kind"] != "sweep"}
        shown_as = _set_table if any("SDR" in row for row in shown.values()) else _level_table
        lines += [*shown_as(shown, run["values"][name]), ""]
    if families := by_family(run):
        lines += ["## By family", "", *families, ""]
    for part in (_sweeps(run, rows), _collections(run), studies(run), _systems(run)):
        lines += part
    lines += [*run["notes"]]
    return "\n".join(lines).rstrip()


def studies(run: dict[str, Any]) -> list[str]:
    """The tables of all studies that were run."""
    return [line for name, found in run["studies"].items() for line in STUDIES[name].lines(found)]


def _set_table(systems: dict[str, dict[str, Interval]], values: dict[str, dict[str, list[float]]]) -> list[str]:
    likes = list(
        dict.fromkeys(name for row in systems.values() for name in row if name.startswith(("audio-", "text-")))
    )
    told, nulls, adds = (any(name in row for row in systems.values()) for name in (TOLD, "null_db", "additivity"))
    heads = ["system", *(head for head, *_ in COLUMNS), *([TOLD] if told else []), *(["null"] if nulls else [])]
    heads += [*(["additivity"] if adds else []), *likes]
    body = []
    for system, row in systems.items():
        cells = [system, *(_figure(row.get(figure), whole) for _, figure, whole in COLUMNS)]
        if told:
            cells.append(presence_text(values[system].get(TOLD)))
        if nulls:
            cells.append(null_text(row.get("null_db")))
        if adds:
            cells.append(interval(row.get("additivity")))
        cells += [_figure(row.get(name), False) for name in likes]
        body.append(cells)
    return table(heads, body)


def _figure(found: Interval | None, whole: bool) -> str:
    return interval(found) if whole else number(None if found is None else found[0])


def _level_table(systems: dict[str, dict[str, Interval]], values: dict[str, dict[str, list[float]]]) -> list[str]:
    body = [[name, interval(row.get("level")), presence_text(values[name].get(TOLD))] for name, row in systems.items()]
    return table(["system", "level against the mix, dB", TOLD], body)


def presence_text(values: Sequence[float] | None) -> str:
    """How often a system reported presence correctly, with the interval of the share."""
    known = [value for value in values or () if not math.isnan(value)]
    return share(round(sum(known)), len(known)) if known else "-"


def by_family(run: dict[str, Any]) -> list[str]:
    """Median SI-SDR improvement by what was asked for, over all sets of recordings in which it is there."""
    systems = [name for name, row in run["systems"].items() if row["kind"] in ("bundle", "adapter")]
    systems += [name for name in ("NMF-MFCC", "oracle mask") if name in run["systems"]]
    found: dict[str, dict[str, list[float]]] = {}
    for name, values in run["values"].items():
        if name not in MIX_RECIPES:
            continue
        for k, example in enumerate(run["sets"][name]["examples"]):
            if example["family"] not in example["inside"]:
                continue
            row = found.setdefault(example["family"], {})
            for system in systems:
                column = values.get(system, {}).get("SI-SDRi")
                row.setdefault(system, []).append(NAN if column is None else column[k])
    systems = [name for name in systems if any(np.isfinite(row[name]).any() for row in found.values())]
    if not systems:
        return []
    body = [
        [family, str(len(row[systems[0]])), *(number(median_interval(row[name])[0]) for name in systems)]
        for family, row in sorted(found.items())
    ]
    return ["SI-SDR improvement in dB by what was asked for, median over all sets of recordings.", "",
            *table(["asked for", "examples", *systems], body)]  # fmt: skip


def _sweeps(run: dict[str, Any], rows: dict[str, Any]) -> list[str]:
    body = [
        [name, system.split(",")[0], ", ".join(f"{key} {value:g}" for key, value in setting.items()),
         interval(rows[name][system].get("SDRi"))]
        for settings in run["sweeps"].values()
        for system, setting in settings.items()
        for name in rows
        if system in rows[name]
    ]  # fmt: skip
    heads = ["set", "bundle", "setting", "SDR improvement"]
    return ["## Steps and guidance", "", *table(heads, body), ""] if body else []


def _collections(run: dict[str, Any]) -> list[str]:
    lines: list[str] = []
    for found in run["collections"]:
        if not found:
            continue
        lines += [
            f"## Collections, in the embedding {found['embedding']}", "",
            f"Fréchet audio distance (FAD) to the true stems, over {found['vectors']} windows of all sets with "
            f"something to find. Between two halves of the true stems it is {number(found['floor'])}: smaller "
            "differences mean nothing. After ±: its bootstrap standard error over clips.",
        ]  # fmt: skip
        good = found.get("accuracy", 0.0) >= ENOUGH_ACCURACY
        if "accuracy" in found:
            verdict = (
                "KL and IS are by its classes" if good else "too little for KL or an inception score to mean anything"
            )
            lines += ["", f"Its own classifier names {found['accuracy']:.0%} of the true stems right among "
                      f"{found['classes']} families: {verdict}."]  # fmt: skip
        heads = ["system", "FAD", *(["KL (own classifier)", "IS (own classifier)"] if good else [])]
        body = [
            [system, f"{number(row['FAD'])} ± {number(row['FAD error'])}",
             *([number(row["KL"]), number(row["IS"])] if good else [])]
            for system, row in found["systems"].items()
        ]  # fmt: skip
        lines += ["", *table(heads, body), ""]
    return lines


def _systems(run: dict[str, Any]) -> list[str]:
    body = [[name, row["kind"], row["doc"]] for name, row in run["systems"].items() if row["kind"] != "sweep"]
    return ["## Systems", "", *table(["system", "kind", "what it is"], body), ""]


def null_text(found: Sequence[float] | None) -> str:
    """The null figure as text."""
    if found is None or not math.isfinite(found[0]):
        return "-"
    return "bit for bit" if found[2] <= -300 else f"{found[0]:.0f} dB"


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def replace_text(path: Path, text: str) -> None:
    """Write a text file, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_text(path, text)


def replace_between(path: Path, marks: tuple[str, str], text: str) -> None:
    """Put generated text between two marks of a file that is otherwise written by hand.

    Raises:
        ValueError: the file has no such marks.
    """
    page = path.read_text("utf-8")
    begin, end = (page.find(mark) for mark in marks)
    if begin < 0 or end < begin:
        raise ValueError(f"{path} needs the lines {marks[0]} and {marks[1]}; the tables are written between them")
    replace_text(path, page[: begin + len(marks[0])] + f"\n{text}\n" + page[end:])
