"""Render the demo mix that ships: a band of recordings kept out of training, 44.1 kHz stereo, with its true stems.

``python -m training demo DIR`` writes ``mix.flac``, one FLAC per prompted stem and ``demo.json``. The mix is the exact
sum of its stems. Knows nothing of models.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
import soundfile as sf

from training.data.compose import compose
from training.data.instruments import families
from training.data.render import Renderer
from training.data.sources import RATE, Audio, Sounds, Voice

SECONDS = 24.0
FULL_SCALE = 32768
# family, bank, prompt, gain in dB, place from -1 (left) to 1 (right)
BAND = (
    ("drums", "gogodze-phu-drums", "drum kit", 0.0, 0.0),
    ("electric-bass", "electric-bass-yr", "bass guitar", -1.0, 0.0),
    ("electric-piano", "wurlitzer-ep200", "electric piano", -3.0, -0.5),
    ("saxophone", "weresax-alto", "alto sax", -1.0, 0.35),
)


def render_band(seed: int) -> dict[str, Audio]:
    """Stems by prompt, int16-valued float32 ``(2, N)`` whose sum does not clip."""
    rng = np.random.default_rng(seed)
    renderer = Renderer(Sounds.find())
    score = compose(rng, SECONDS, [families()[family] for family, *_ in BAND])
    stems = {}
    for (_, bank, prompt, gain_db, place), part in zip(BAND, score.parts, strict=True):
        audio_CN = renderer.wet(rng, part, Voice("bank", bank), SECONDS)
        rms = float(np.sqrt((audio_CN**2).mean()))
        angle = (place + 1) * np.pi / 4
        sides = np.array([[np.cos(angle)], [np.sin(angle)]], dtype=np.float32) * np.sqrt(2)
        stems[prompt] = audio_CN * sides * np.float32(10 ** (gain_db / 20) * 0.07 / max(rms, 1e-6))
    peak = float(np.abs(sum(stems.values())).max())
    scale = 0.9 * FULL_SCALE / peak
    return {prompt: np.round(stem * scale).astype(np.float32) for prompt, stem in stems.items()}


def main(argv: list[str]) -> int:
    """``python -m training demo``."""
    parser = argparse.ArgumentParser(prog="python -m training demo", description="render the demo mix and its stems")
    parser.add_argument("folder", type=Path, nargs="?", default=Path("resources/demo"))
    parser.add_argument("--seed", type=int, default=4)
    parser.add_argument("--prompts", nargs="+", default=["drum kit", "bass guitar"], choices=[row[2] for row in BAND])
    args = parser.parse_args(argv)
    stems = render_band(args.seed)
    args.folder.mkdir(parents=True, exist_ok=True)
    rows = []
    _write(args.folder / "mix.flac", np.sum(list(stems.values()), axis=0))
    for prompt in args.prompts:
        name = f"{prompt.replace(' ', '-')}.flac"
        _write(args.folder / name, stems[prompt])
        rows.append({"prompt": prompt, "reference": name})
    (args.folder / "demo.json").write_text(json.dumps(rows, indent=1) + "\n", "utf-8")
    print(f"{args.folder}: {SECONDS:g} s at {RATE} Hz stereo, {', '.join(stems)}")
    return 0


def _write(path: Path, audio_CN: Audio) -> None:
    sf.write(path, audio_CN.T.astype(np.int16), RATE, subtype="PCM_16")
