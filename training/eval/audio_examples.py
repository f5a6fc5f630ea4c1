"""Examples to hear and see beside the report: a FLAC file for each sound, a PNG of their spectrograms."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import soundfile as sf

from training.eval.run import KeptAudio
from training.eval.tables import number, table
from training.metrics import mono
from training.typing import Audio

FOLDER = "examples"  # beside report.md
KINDS = ("bundle", "adapter", "blind")  # systems that are worth listening to; bounds are not
LOWEST_HZ, ROWS, SPAN_DB = 40.0, 128, 72.0
FFT_WINDOW_S = 0.064


def write_examples(run: dict[str, Any], kept: Sequence[KeptAudio], folder: Path) -> list[str]:
    """Write audio and pictures into ``folder/examples``.

    Returns:
        the lines of Markdown that show them in a report in ``folder``.
    """
    lines = [f"## {len(kept)} examples to hear", ""] if kept else []
    (folder / FOLDER).mkdir(parents=True, exist_ok=True)
    for one in kept:
        example, name = one.example, f"{one.example.set}-{one.example.number + 1}"
        sounds = _sounds(run, one)
        _draw(sounds, example.rate_hz, folder / FOLDER / f"{name}.png")
        rows = []
        for k, (system, audio_CN) in enumerate(sounds.items()):
            file = f"{FOLDER}/{name}-{k}-{_slug(system)}.flac"
            sf.write(folder / file, np.clip(audio_CN.T, -1, 1), example.rate_hz, format="FLAC", subtype="PCM_16")
            rows.append([f"[{system}]({file})", _figures(run, one, system) or "-"])
        lines += [f"### {example.set} {example.number + 1}: “{example.prompt}”", ""]
        lines += [f"Asked for: {example.family}. In the mix: {', '.join(example.inside)}.", ""]
        lines += [f"![spectrograms of {name}]({FOLDER}/{name}.png)", "", *table(["sound", "figures"], rows), ""]
    return lines


def _sounds(run: dict[str, Any], one: KeptAudio) -> dict[str, Audio]:
    """The mix, the true stem, and what the systems made of it, ``(C, N)`` each."""
    made = {name: stem for name, stem in one.stems.items() if run["systems"][name]["kind"] in KINDS}
    return {"mix": one.example.mix_CN, "true stem": one.example.stem_CN, **made}


def _figures(run: dict[str, Any], one: KeptAudio, system: str) -> str:
    """SDR and its improvement, or the level where the instrument is absent."""
    rows = run["sets"][one.example.set]["examples"]
    place = next(k for k, row in enumerate(rows) if row["number"] == one.example.number)
    columns = run["values"][one.example.set].get(system, {})
    names = [name for name in ("SDR", "SDRi") if name in columns] or [name for name in ("level",) if name in columns]
    return ", ".join(f"{name} {number(columns[name][place])} dB" for name in names)


def _draw(sounds: Mapping[str, Audio], rate_hz: int, path: Path) -> None:
    """One spectrogram below the other, all on the scale of the loudest sample of the first."""
    from matplotlib.figure import Figure  # without pyplot: no window, nothing global

    top = max(float(np.abs(next(iter(sounds.values()))).max()), 1e-6)
    figure = Figure(figsize=(7, 1.1 * len(sounds)), dpi=110, layout="constrained")
    for axes, (name, audio_CN) in zip(np.ravel(figure.subplots(len(sounds), 1)), sounds.items(), strict=True):
        level_RT = _spectrogram(mono(audio_CN) / top, rate_hz)
        axes.imshow(level_RT, vmin=-SPAN_DB - 20, vmax=-20, cmap="magma", aspect="auto", origin="lower")
        axes.set_ylabel(name, fontsize=7, rotation=0, ha="right", va="center")
        axes.set_xticks([])
        axes.set_yticks([])
    figure.savefig(path, format="png")


def _spectrogram(audio: Audio, rate_hz: int) -> npt.NDArray[Any]:
    """Levels in dB, ``(ROWS, frames)``, on a logarithmic axis of frequency."""
    from scipy.signal import stft

    size = 1 << round(np.log2(FFT_WINDOW_S * rate_hz))
    bins_hz, _, spectrum = stft(audio, rate_hz, nperseg=size, noverlap=size * 3 // 4)
    rows = np.searchsorted(bins_hz, np.geomspace(LOWEST_HZ, rate_hz / 2, ROWS)).clip(0, len(bins_hz) - 1)
    level_RT: npt.NDArray[Any] = 20 * np.log10(np.abs(spectrum[rows]) + 1e-9)
    return level_RT


def _slug(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")
