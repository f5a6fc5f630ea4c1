"""Write one composed piece with its audio, video and texts: ``python -m training piece DIR``.

Writes the mix and its stems as FLAC, the drawn clip as a GIF, and ``piece.json`` with facts, caption, story and
requests.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import soundfile as sf
from PIL import Image

from training.data.sources import RATE, SoundLibrary
from training.synthesis.band import Band, render_band
from training.synthesis.render import PartRenderer
from training.synthesis.video.clip import FPS, DrawnClip, DrawnClipConfig, draw_clip
from training.text.captions import CaptionWriter, PieceFacts
from training.text.requests import LANGUAGES, RequestWriter, StemFacts

REQUESTS = 6
SPLIT = "train"


def describe(band: Band, clip: DrawnClip, seed: int) -> dict[str, Any]:
    """Facts, caption, story and requests of a piece, as plain values."""
    rng = np.random.default_rng([seed, 1])
    asker = RequestWriter()
    stems = [StemFacts.of(label, level) for label, level in zip(band.labels, band.levels_lufs, strict=True)]
    piece = PieceFacts.of(band.labels, list(band.levels_lufs))
    asks = [asker.draw(rng, stems, SPLIT) for _ in range(REQUESTS)] + [asker.contrast(rng, stems, SPLIT)]
    asks += [asker.abroad(rng, stems, SPLIT, language) for language in LANGUAGES]
    teller = CaptionWriter(asker)
    return {
        "seed": seed,
        "tempo_bpm": round(band.score.tempo_bpm, 1),
        "end_bpm": round(band.score.end_bpm, 1),
        "metre": band.score.metre,
        "key": piece.key,
        "harmony": band.score.harmony,
        "shape": band.score.shape,
        "caption": teller.caption(rng, piece, SPLIT),
        "story": teller.story(rng, piece, SPLIT),
        "requests": [asdict(ask) for ask in asks if ask is not None],
        "stems": [
            {**label, "lufs": round(level, 1), "seen": clip.side(k, 0)}
            for k, (label, level) in enumerate(zip(band.labels, band.levels_lufs, strict=True))
        ],
    }


def main(argv: list[str]) -> int:
    """``python -m training piece``."""
    parser = argparse.ArgumentParser(prog="python -m training piece", description="compose, play, draw and describe")
    parser.add_argument("folder", type=Path, help="new folder for the files")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=12.0)
    parser.add_argument("--size", type=int, default=224, metavar="PX", help="width and height of the clip")
    args = parser.parse_args(argv)
    if args.seconds < 1 or args.size < 16:
        raise ValueError(f"a piece needs at least 1 s and 16 pixels, got {args.seconds:g} s and {args.size} pixels")
    if args.folder.exists() and any(args.folder.iterdir()):
        raise ValueError(f"{args.folder} is not empty; name a new folder, nothing is overwritten")
    band = render_band(PartRenderer(SoundLibrary.find()), np.random.default_rng(args.seed), args.seconds)
    if not band.parts:
        raise ValueError(f"seed {args.seed} made a piece without a sound; choose another")
    parts = [band.score.parts[k] for k in band.parts]
    clip = draw_clip(parts, args.seconds, args.seed, DrawnClipConfig(size_px=args.size))
    table = describe(band, clip, args.seed)
    args.folder.mkdir(parents=True, exist_ok=True)
    _write(args.folder, band, clip, table)
    print(f"{args.folder}: {args.seconds:g} s {table['metre']} {table['key']}, {', '.join(p.family for p in parts)}")
    return 0


def _write(folder: Path, band: Band, clip: DrawnClip, table: dict[str, Any]) -> None:
    stems = band.stems
    sf.write(folder / "mix.flac", np.sum(stems, axis=0, dtype=np.float32).T, RATE, subtype="PCM_24")
    for number, (stem, label) in enumerate(zip(stems, band.labels, strict=True), 1):
        sf.write(folder / f"{number:02d}-{label['family']}.flac", stem.T, RATE, subtype="PCM_24")
    pictures = [Image.fromarray(frame) for frame in clip.frames()]
    pictures[0].save(folder / "clip.gif", save_all=True, append_images=pictures[1:], duration=1000 // FPS, loop=0)
    (folder / "piece.json").write_text(json.dumps(table, indent=1, ensure_ascii=False) + "\n", "utf-8")
