"""One ablation, and all that were run, as Markdown. Nothing on the page is written by hand."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from training.eval.report import replace_text, write_json
from training.eval.tables import interval, number, table
from training.metrics import median_interval
from training.papers.ablations.judge import difference, order
from training.papers.ablations.tables import TABLES, AblationTable

FIGURES = ("SDR", "SIR", "SAR", "log-mel L1", "latent error")
HEAD = """# Ablations

The papers' ablation tables, repeated at a small budget. Each table is one command: its variants are trained for equal
steps from one seed on one pool of mixes (a training that two tables share is done once), then asked for the same
held-out stems. Medians with 95 % bootstrap intervals stand beside the numbers of the paper.

The networks are small and the budgets are minutes where the papers train for days, so compare the order of the rows,
not their values; below each table it says where the order differs. An SDR far below 0 means that networks trained from
scratch have hardly begun to learn. Two rows are told apart by the interval of their paired difference. Intervals are
over the held-out examples; another training seed would move the rows too, which one training of each cannot show.

Printed by `python -m training ablate --docs FILE`.
"""
ABSENT = "Not run yet: "


def save(name: str, found: dict[str, Any], folder: Path) -> Path:
    """Keep a table's figures; whole or not at all."""
    path = folder / f"{name}.json"
    write_json(found, path)
    return path


def markdown(name: str, found: dict[str, Any]) -> str:
    """One table."""
    row = TABLES[name]
    lines = [f"## {name}: {row.doc}", "", f"{row.source}. {row.note}", "", _budget(name, found), ""]
    lines += [*table(_heads(row), [_cells(row, found, variant.name) for variant in row.variants]), ""]
    lines += [f"* {sentence}" for sentence in order(row, found["rows"])]
    return "\n".join(lines)


def _budget(name: str, found: dict[str, Any]) -> str:
    minutes = f"--minutes {found['minutes']:g}" if found["minutes"] else f"--steps {found['steps']}"
    size = f"--pool {found['pool']} --examples {found['examples']}"
    start = f" --start {found['start']}" if found["start"] else ""
    command = f"`python -m training ablate --table {name} --preset {found['preset']} {minutes} {size}{start}`"
    begun = "begun with the weights of that flow but for those that see, " if found["start"] else ""
    return (
        f"{command}: {begun}{found['steps']} steps of {found['batch']} for each variant, {found['pool']} mixes, "
        f"measured on {found['examples']} held-out ones."
    )


def _heads(row: AblationTable) -> list[str]:
    paper = [f"paper: {figure}" for figure in row.variants[0].paper]
    return ["variant", *paper, *FIGURES, f"{row.figure} against {row.reference}", "weights"]


def _cells(row: AblationTable, found: dict[str, Any], name: str) -> list[str]:
    variant = next(variant for variant in row.variants if variant.name == name)
    values = found["rows"][name]["values"]
    gap = difference(values[row.figure], found["rows"][row.reference]["values"][row.figure])
    cells = [name, *(number(value) for value in variant.paper.values())]
    cells += [interval(median_interval(_numbers(values[figure]))) for figure in FIGURES]
    return [*cells, "-" if name == row.reference else interval(gap), f"{found['rows'][name]['weights'] / 1e6:.2f} M"]


def _numbers(values: list[float | None]) -> list[float]:
    return [float("nan") if value is None else value for value in values]


def write_page(folder: Path, path: Path) -> list[str]:
    """Write the page of all tables whose figures lie in a folder.

    Returns:
        the names of the tables on it.

    Raises:
        ValueError: there are none.
    """
    kept = {name: folder / f"{name}.json" for name in TABLES if (folder / f"{name}.json").is_file()}
    if not kept:
        raise ValueError(f"no table was run into {folder}; run one with --table NAME --minutes M")
    parts = [HEAD, *(markdown(name, json.loads(file.read_text("utf-8"))) + "\n" for name, file in kept.items())]
    if missing := [name for name in TABLES if name not in kept]:
        parts.append(f"{ABSENT}{', '.join(missing)}.\n")
    replace_text(path, "\n".join(parts))
    return list(kept)
