"""The short tables of ``resources/docs/BENCHMARKS.md``, from the same run of the bench as the report."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from training.eval.report import TOLD, by_family, presence_text, replace_between
from training.eval.run import summarize
from training.eval.tables import interval, table

MARKS = ("<!-- bench:begin -->", "<!-- bench:end -->")
BOUNDS, BLIND = ("oracle mask",), ("NMF-MFCC", "HPSS")
BY_SET = {"SI-SDR improvement": "SI-SDRi", "level over the true stem's": "level error"}  # heading -> figure
PLACES = ("--out", "--held", "--models", "--readme")  # where things lie decides no figure


def write(run: dict[str, Any], arguments: Sequence[str], path: Path) -> None:
    """Put the tables between the two marks of a file.

    Raises:
        ValueError: it has no such marks.
    """
    replace_between(path, MARKS, markdown(run, arguments))


def markdown(run: dict[str, Any], arguments: Sequence[str]) -> str:
    """SI-SDR improvement and level by set, voices, what is said of absent instruments, and improvement by family."""
    found = summarize(run["values"])
    systems = [
        name for name, row in run["systems"].items()
        if row["kind"] in ("bundle", "adapter") or name in (*BOUNDS, *BLIND)
    ]  # fmt: skip
    names = [name for name in found if any("SI-SDRi" in row for row in found[name].values())]
    count = run["asked"]["examples"]
    lines = [f"`{_command(arguments)}` printed (medians in dB over {count} examples of each set, 95 % bootstrap "
             "interval):", ""]  # fmt: skip
    for head, figure in BY_SET.items():
        body = [[_named(system, run), *(interval(found[name].get(system, {}).get(figure)) for name in names)]
                for system in systems]  # fmt: skip
        body = [row for row in body if any(cell != "-" for cell in row[1:])]
        lines += [*table([head, *names], body), ""] if body else []
    lines.pop()
    if "song-vocals" in found:
        figures = ("SDR", "SIR", "SAR", "plain SDRi")
        rows = [[_named(s, run), *(interval(found["song-vocals"][s].get(name)) for name in figures)]
                for s in ("mixture", *systems) if s in found["song-vocals"]]  # fmt: skip
        rows = [row for row in rows if any(cell != "-" for cell in row[1:])]
        lines += ["", *table(["voices of a real song", "BSS SDR", "SIR", "SAR", "plain SDR improvement"], rows)]
    families = by_family(run)
    return "\n".join([*lines, *_presence(run, found, systems), *(["", *families] if families else [])])


def _presence(run: dict[str, Any], found: dict[str, Any], systems: list[str]) -> list[str]:
    """Level of the answers to absent instruments, and how often presence is reported correctly."""
    rows = []
    for system in systems:
        there = [value for name, values in run["values"].items() if name != "absent"
                 for value in values.get(system, {}).get(TOLD, [])]  # fmt: skip
        away = run["values"].get("absent", {}).get(system, {})
        if "level" in away and TOLD in away:
            level = interval(found["absent"][system]["level"])
            rows.append([_named(system, run), level, presence_text(away[TOLD]), presence_text(there)])
    heads = ["", "asked for in vain: level against the mix", 'told "not there"', "asked for what is there: told so"]
    return ["", *table(heads, rows)] if rows else []


def _named(system: str, run: dict[str, Any]) -> str:
    return f"`{system}`" if run["systems"][system]["kind"] == "bundle" else system


def _command(arguments: Sequence[str]) -> str:
    said = [
        word for k, word in enumerate(arguments) if word not in PLACES and (not k or arguments[k - 1] not in PLACES)
    ]
    return " ".join(["python -m training bench", *map(shlex.quote, said)])
