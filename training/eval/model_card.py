"""The tables of ``resources/docs/MODELS.md``: what each bundle is and what it can do, from one run of the bench."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from engine.bundle.bundle import Manifest, load_bundle
from training.eval.report import by_family, replace_between, replace_text, studies
from training.eval.run import SILENT_SI_SDR_DB, summarize
from training.eval.sets import SETS
from training.eval.tables import interval, table

KINDS = ("bundle", "bound", "blind", "adapter")
MARKS = ("<!-- models:begin -->", "<!-- models:end -->")
HEAD = """Measured on recordings that training never heard. Printed by `python -m training bench BUNDLE... --models
FILE`; the report of that command explains the sets and figures. Fréchet distances and similarities come from the
embeddings named in the column; none of them is a CLAP score.
"""


def write(run: dict[str, Any], folders: dict[str, Path], path: Path) -> None:
    """Write the tables between the marks of a page, or make a page of them where there is none.

    Raises:
        ValueError: there is a page, and it has no such marks.
    """
    if not path.exists():
        replace_text(path, "\n".join(["# Models", "", *MARKS, ""]))
    replace_between(path, MARKS, markdown(run, folders))


def markdown(run: dict[str, Any], folders: dict[str, Path]) -> str:
    """The tables as Markdown."""
    lines = [HEAD, "## Bundles", "", *table(*_facts(folders)), "", "## Separation", ""]
    lines += [f"{run['asked']['examples']} examples of each set. SDR improvement in dB: median and 95 % bootstrap "
              "interval; for `absent` the level of the answer against the mix: quieter is better.", ""]  # fmt: skip
    lines += [*table(*_by_set(run, lambda name: "level" if name == "absent" else "SDRi")), ""]
    lines += [f"* `{name}`: {SETS[name].doc}" for name in run["sets"]]
    heads, rows = _by_set(run, lambda name: "SI-SDRi")
    lines += ["", "SI-SDR improvement in dB over all channels; an answer of silence counts as "
              f"{SILENT_SI_SDR_DB:g} dB SI-SDR.", "", *table(heads, rows), "", *by_family(run)]  # fmt: skip
    heads, rows = _by_set(run, lambda name: "additivity")
    if rows:
        lines += ["", "Additivity: level of decoded mix - stem - rest against the mix in dB, before any mask; lower is "
                  "better. What the codec alone leaves stands beside it.", "", *table(heads, rows)]  # fmt: skip
    lines += ["", *studies(run)]
    lines += [*run["notes"]]
    return "\n".join(lines).rstrip()


def _facts(folders: dict[str, Path]) -> tuple[list[str], list[list[str]]]:
    heads = ["bundle", "version", "rate", "window", "listens to", "size", "licence", "steps: isolate, generate"]
    return heads, [_row(name, load_bundle(folder).manifest, folder) for name, folder in folders.items()]


def _row(name: str, manifest: Manifest, folder: Path) -> list[str]:
    size = sum(path.stat().st_size for path in folder.iterdir() if path.is_file()) / 1e6
    window_s = manifest.grid.window_samples / manifest.sample_rate_hz
    steps = ", ".join(str(manifest.defaults[task].steps) for task in ("isolate", "generate"))
    encoders = ", ".join(sorted(manifest.encoders))
    cells = [name, manifest.version, f"{manifest.sample_rate_hz:,} Hz", f"{window_s:.2f} s", encoders]
    return [*cells, f"{size:.0f} MB", manifest.licence, steps]


def _by_set(run: dict[str, Any], figure: Callable[[str], str]) -> tuple[list[str], list[list[str]]]:
    """One figure, chosen by the set: a row for each system that has it, a column for each set."""
    found = summarize(run["values"])
    names = [name for name in run["systems"] if run["systems"][name]["kind"] in KINDS]
    rows = []
    for system in names:
        cells = []
        for name in found:
            row = found[name].get(system, {})
            cells.append(interval(row.get(figure(name))))
        if any(cell != "-" for cell in cells):
            rows.append([system, *cells])
    return ["system", *found], rows
