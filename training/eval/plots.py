"""The report's pictures: bars with intervals, and SDR improvement against steps, guidance and number of stems."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from training.eval.run import summarize
from training.metrics import Interval, median_interval

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLOURS = {"bundle": "#1f6feb", "bound": "#9aa4b2", "blind": "#d9a441", "adapter": "#8f5bd6"}
LEFT_OUT = ("mixture", "silence")  # 0 dB by definition, or undefined
LABEL = "SDR improvement, dB (median, 95 %)"


def draw_all(run: dict[str, Any], folder: Path) -> list[Path]:
    """Draw what the run has figures for; returns the files."""
    rows = summarize(run["values"])
    drawn = [bars(run, rows, folder / "bars.png")]
    drawn += [sweep(run, rows, setting, folder / f"{setting}.png") for setting in ("steps", "guidance")]
    drawn.append(by_stems(run, folder / "stems.png"))
    return [path for path in drawn if path is not None]


def bars(run: dict[str, Any], rows: dict[str, Any], path: Path) -> Path | None:
    """One panel for each set, one bar for each system."""
    names = [name for name in rows if any("SDRi" in row for row in rows[name].values())]
    if not names:
        return None
    figure = _figure(4.2 * min(3, len(names)), 3.2 * -(-len(names) // 3) + 0.6)
    for k, name in enumerate(names):
        axes = figure.add_subplot(-(-len(names) // 3), min(3, len(names)), k + 1)
        shown = [
            (system, row["SDRi"], run["systems"][system]["kind"])
            for system, row in rows[name].items()
            if system not in LEFT_OUT and "SDRi" in row and run["systems"][system]["kind"] != "sweep"
        ]
        _bars(axes, shown[::-1])
        axes.set_title(name, fontsize=10)
    return _save(figure, path)


def _bars(axes: Axes, shown: list[tuple[str, Interval, str]]) -> None:
    for place, (_, (middle, low, high), kind) in enumerate(shown):
        if np.isfinite(middle):
            axes.barh(place, middle, color=COLOURS[kind], height=0.7)
            axes.plot([low, high], [place, place], color="black", linewidth=1.2)
    axes.set_yticks(range(len(shown)), [system for system, _, _ in shown], fontsize=7)
    axes.axvline(0, color="black", linewidth=0.6)
    axes.set_xlabel(LABEL, fontsize=7)
    axes.tick_params(axis="x", labelsize=7)


def sweep(run: dict[str, Any], rows: dict[str, Any], setting: str, path: Path) -> Path | None:
    """SDR improvement against one setting, a line for each bundle."""
    figure = _figure(4.6, 3.2)
    axes = figure.add_subplot()
    drawn = False
    for bundle, settings in run["sweeps"].items():
        points = [
            (float(values[setting]), rows[name][system]["SDRi"])
            for system, values in settings.items()
            for name in rows
            if setting in values and system in rows[name]
        ]
        drawn |= _line(axes, points, bundle)
    if not drawn:
        return None
    axes.set_xlabel(setting)
    return _finish(figure, axes, path)


def by_stems(run: dict[str, Any], path: Path) -> Path | None:
    """SDR improvement against the number of stems in the mix, over all sets; a line for each system but bounds."""
    figure = _figure(5.2, 3.4)
    axes = figure.add_subplot()
    drawn = False
    for system, facts in run["systems"].items():
        if facts["kind"] in ("bound", "sweep"):
            continue
        found: dict[int, list[float]] = {}
        for name, systems in run["values"].items():
            for example, value in zip(
                run["sets"][name]["examples"], systems.get(system, {}).get("SDRi", []), strict=False
            ):
                found.setdefault(len(example["inside"]), []).append(value)
        drawn |= _line(axes, [(float(k), median_interval(v)) for k, v in sorted(found.items())], system)
    if not drawn:
        return None
    axes.set_xlabel("stems in the mix")
    axes.xaxis.get_major_locator().set_params(integer=True)
    return _finish(figure, axes, path)


def _line(axes: Axes, points: list[tuple[float, Interval]], label: str) -> bool:
    points = [(x, found) for x, found in points if np.isfinite(found[0])]
    if not points:
        return False
    x, middle = [p[0] for p in points], np.array([p[1][0] for p in points])
    reach = [middle - [p[1][1] for p in points], [p[1][2] for p in points] - middle]
    axes.errorbar(x, middle, np.maximum(reach, 0), marker="o", capsize=3, linewidth=1.2, label=label)
    return True


def _finish(figure: Figure, axes: Axes, path: Path) -> Path:
    axes.set_ylabel(LABEL, fontsize=8)
    axes.axhline(0, color="black", linewidth=0.6)
    axes.legend(fontsize=7)
    return _save(figure, path)


def _figure(width: float, height: float) -> Figure:
    from matplotlib.figure import Figure  # without pyplot: no window, nothing global

    return Figure(figsize=(width, height), dpi=110, layout="constrained")


def _save(figure: Figure, path: Path) -> Path:
    figure.savefig(path, format="png")
    return path
