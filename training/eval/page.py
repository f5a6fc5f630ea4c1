"""The report as one HTML file that needs nothing beside it: tables, plots, and ten examples to see and hear.

Audio is FLAC, pictures are PNG, both inside the file. Knows nothing of how the figures were made.
"""

from __future__ import annotations

import base64
import html
import io
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import soundfile as sf

from training.data.sources import Audio
from training.eval import report
from training.eval.run import Kept
from training.eval.tables import number
from training.metrics import mono

FILE = "report.html"
LOWEST_HZ, ROWS, COLUMNS, SPAN_DB = 40.0, 96, 320, 72.0
STYLE = """
body{font:15px/1.45 system-ui,sans-serif;max-width:1180px;margin:2rem auto;padding:0 1rem;color:#1c2330;background:#fff}
table{border-collapse:collapse;margin:.6rem 0 1.4rem;font-size:13px;display:block;overflow-x:auto}
td,th{border:1px solid #d5dbe5;padding:.25rem .55rem;text-align:left}th{background:#eef2f8}
img{max-width:100%}section.example{border-top:2px solid #d5dbe5;margin-top:1.6rem;padding-top:.4rem}
.voices{display:grid;grid-template-columns:repeat(auto-fill,minmax(330px,1fr));gap:.8rem}
figure{margin:0}figcaption{font-weight:600;font-size:13px}svg,.spectrum{width:100%;height:60px;display:block}
.spectrum{height:96px;image-rendering:pixelated}audio{width:100%;height:34px}
"""


def write(run: dict[str, Any], kept: Sequence[Kept], pictures: Sequence[Path], folder: Path) -> Path:
    """Write ``report.html`` with the pictures inside it."""
    parts = ["<!doctype html><html lang=en><head><meta charset=utf-8><meta name=viewport content='width=device-width'>"]
    parts.append(f"<title>Bench of {html.escape(', '.join(run['bundles']))}</title><style>{STYLE}</style></head><body>")
    parts.append(_tables(report.markdown(run)))
    for picture in pictures:
        parts.append(f"<p><img class=plot alt='{picture.stem}' src='{_data(picture.read_bytes(), 'image/png')}'></p>")
    parts.append(f"<h2>{len(kept)} examples to hear</h2>")
    parts += [_example(run, one) for one in kept]
    parts.append("</body></html>")
    path = folder / FILE
    partial = path.with_name(f".{FILE}.partial")
    partial.write_text("\n".join(parts), "utf-8")
    os.replace(partial, path)
    return path


def _tables(markdown: str) -> str:
    """The few things our own Markdown uses: headings, tables, paragraphs."""
    out: list[str] = []
    rows: list[list[str]] = []
    for line in [*markdown.splitlines(), ""]:
        if line.startswith("|"):
            if not line.startswith("|---"):
                rows.append([html.escape(cell.strip()) for cell in line.strip("|").split("|")])
            continue
        if rows:
            head, *body = rows
            out.append("<table><tr>" + "".join(f"<th>{cell}</th>" for cell in head) + "</tr>")
            out += ["<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in body]
            out.append("</table>")
            rows = []
        text = line.lstrip("#")
        if level := len(line) - len(text):
            out.append(f"<h{level}>{html.escape(text.strip())}</h{level}>")
        elif line:
            out.append(f"<p>{html.escape(line)}</p>")
    return "\n".join(out)


def _example(run: dict[str, Any], one: Kept) -> str:
    example = one.example
    voices: dict[str, Audio] = {"mix": example.mix_CN, "true stem": example.stem_CN}
    kinds = ("ours", "trained", "adapter", "blind")
    voices |= {name: stem for name, stem in one.stems.items() if run["systems"][name]["kind"] in kinds}
    top = max(float(np.abs(example.mix_CN).max()), 1e-6)
    place = next(k for k, row in enumerate(run["sets"][example.set]["examples"]) if row["number"] == example.number)
    figures = run["values"][example.set]
    shown = "".join(
        _voice(name, stem, example.rate_hz, top, _caption(figures, name, place)) for name, stem in voices.items()
    )
    inside = ", ".join(example.inside)
    return (
        f"<section class=example><h3>{html.escape(example.set)} {example.number + 1}: “{html.escape(example.prompt)}”"
        f"</h3><p>asked: {html.escape(example.family)}; in the mix: {html.escape(inside)}</p>"
        f"<div class=voices>{shown}</div></section>"
    )


def _caption(figures: dict[str, dict[str, list[float]]], name: str, place: int) -> str:
    row = figures.get(name, {})
    found = [f"{key} {number(row[key][place])} dB" for key in ("SDR", "SDRi") if key in row]
    if not found and "level" in row:
        found = [f"level {number(row['level'][place])} dB"]
    return ", ".join(found)


def _voice(name: str, audio_CN: Audio, rate_hz: int, top: float, caption: str) -> str:
    sound = io.BytesIO()
    sf.write(sound, np.clip(audio_CN.T, -1, 1), rate_hz, format="FLAC", subtype="PCM_16")
    picture = _data(_spectrogram(mono(audio_CN), rate_hz, top), "image/png")
    return (
        f"<figure><figcaption>{html.escape(name)} <small>{html.escape(caption)}</small></figcaption>"
        f"{_waveform(mono(audio_CN), top)}<img class=spectrum alt='spectrogram of {html.escape(name)}' src='{picture}'>"
        f"<audio controls preload=auto src='{_data(sound.getvalue(), 'audio/flac')}'></audio></figure>"
    )


def _waveform(audio: Audio, top: float) -> str:
    """Smallest and largest sample of each column, as one filled shape."""
    columns = np.array_split(audio / top, COLUMNS)
    high = [f"{k},{50 - 48 * float(c.max()):.1f}" for k, c in enumerate(columns)]
    low = [f"{k},{50 - 48 * float(c.min()):.1f}" for k, c in enumerate(columns)]
    points = " ".join([*high, *reversed(low)])
    return f"<svg viewBox='0 0 {COLUMNS} 100' preserveAspectRatio=none><polygon fill=#1f6feb points='{points}'/></svg>"


def _spectrogram(audio: Audio, rate_hz: int, top: float) -> bytes:
    """PNG of levels on a logarithmic axis of frequency, low at the bottom."""
    from matplotlib.image import imsave
    from scipy.signal import stft

    size = 1 << round(np.log2(0.064 * rate_hz))
    bins_hz, _, spectrum = stft(audio / top, rate_hz, nperseg=size, noverlap=size * 3 // 4)
    wanted_hz = np.geomspace(LOWEST_HZ, rate_hz / 2, ROWS)
    rows = np.clip(np.searchsorted(bins_hz, wanted_hz), 0, len(bins_hz) - 1)
    level_RT: npt.NDArray[Any] = 20 * np.log10(np.abs(spectrum[rows]) + 1e-9)
    columns = np.linspace(0, level_RT.shape[1] - 1, COLUMNS).round().astype(int)
    picture = io.BytesIO()
    imsave(picture, level_RT[::-1, columns], vmin=-SPAN_DB - 20, vmax=-20, cmap="magma", format="png")
    return picture.getvalue()


def _data(content: bytes, kind: str) -> str:
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"
