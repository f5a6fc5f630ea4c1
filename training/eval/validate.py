"""Measure a bundle on mixes of recordings that no training mix held: ``python -m training validate BUNDLE``.

The bundle is used as a user would: files through the engine's front door. Prompts are held-out phrasings. Beside our
result stand the mix itself, the ratio mask of the true stems, and the same mask after the bundle's codec.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import soundfile as sf

from engine import Engine, Request
from engine.bundle.bundle import load_bundle
from training.config import load_preset
from training.data.mixer import Mixer
from training.data.sources import Audio
from training.data.stem_cache import StemCache
from training.eval.baselines import codec_round
from training.eval.bundle_system import read
from training.flow.examples import absent_term
from training.metrics import Figures, bss, level_db, median_interval, ratio_mask
from training.synthesis.render_stems import ensure_cache
from training.text.lexicon import Lexicon
from training.trainer.arguments import RUNS

SECONDS = 5.0  # at most a window of the bundle, so that the codec oracle is one run too
STEPS = (1, 2, 4)
QUIET_RMS = 0.008
ROWS = ("mix", *(f"masked, {n} step" for n in STEPS), *(f"decoded, {n} step" for n in STEPS),
        "codec oracle mask", "oracle mask")  # fmt: skip


@dataclass(frozen=True, slots=True)
class Trial:
    """One stem to take out of one mix."""

    stems: int
    family: str
    prompt: str
    absent_prompt: str
    mix: Audio
    stem: Audio

    @property
    def rest(self) -> Audio:
        """The mix without the stem."""
        return self.mix - self.stem


def trials(mixer: Mixer, lexicon: Lexicon, samples: int, stems: int, count: int, seed: int) -> Iterator[Trial]:
    """Mixes whose stems all sound and are of different families; one stem of each is asked for."""
    made = 0
    number = 0
    while made < count:
        number += 1
        rng = np.random.default_rng([seed, stems, number])
        mix = mixer.draw(rng, samples, stems)
        named = [label["family"] for label in mix.labels]
        loud = np.sqrt((mix.stems**2).mean(axis=1)) > QUIET_RMS
        if len(set(named)) < stems or "other" in named or not loud.all():
            continue
        k = int(rng.integers(stems))
        prompt = lexicon.phrases(named[k], "held", rng)
        absent = lexicon.phrases(absent_term(rng, named), "held", rng)
        made += 1
        yield Trial(stems, named[k], prompt, absent, mix.mix, mix.stems[k])


def ours(engine: Engine, trial: Trial, folder: Path, bundle: str, rate_hz: int) -> tuple[dict[str, Figures], float]:
    """Figures of our result by steps and rendering, and the level of an absent prompt against the mix in dB."""
    path = folder / "mix.wav"
    sf.write(path, trial.mix, rate_hz, subtype="FLOAT")
    figures: dict[str, Figures] = {}
    for render in ("masked", "decoded"):
        for steps in STEPS:
            request = Request(
                task="isolate", prompts=(trial.prompt,), input=str(path), out=str(folder), bundle=bundle,
                render=render, steps=steps, start="zeros",
            )  # fmt: skip
            result = engine.wait(engine.submit(request)).results[0]
            stem, rest = read(result.stem)[0], read(result.rest)[0]
            figures[f"{render}, {steps} step"] = bss(trial.stem, trial.rest, stem, rest)
    request = Request(task="isolate", prompts=(trial.absent_prompt,), input=str(path), out=str(folder), bundle=bundle)
    missing = engine.wait(engine.submit(request)).results[0]
    quiet_db = level_db(read(missing.stem)[0], trial.mix)
    for file in folder.iterdir():
        file.unlink()
    return figures, quiet_db


def measure(bundle: Path, cache: StemCache, mixes: int, seed: int) -> dict[str, Any]:
    """All figures of a bundle: by row, number of stems and family."""
    manifest = load_bundle(bundle).manifest
    rate_hz = manifest.sample_rate_hz
    mixer, lexicon = Mixer(cache), Lexicon.load()
    samples = min(round(SECONDS * rate_hz), manifest.grid.window_samples)
    asked = [t for stems in (2, 4) for t in trials(mixer, lexicon, samples, stems, mixes, seed)]
    found: list[tuple[Trial, dict[str, Figures]]] = []
    absent: list[float] = []
    with tempfile.TemporaryDirectory() as name, Engine() as engine:
        folder = Path(name)
        decoded = codec_round(bundle, [part for t in asked for part in (t.stem, t.rest)])
        for k, trial in enumerate(asked):
            figures, quiet_db = ours(engine, trial, folder, str(bundle.resolve()), rate_hz)
            figures["mix"] = bss(trial.stem, trial.rest, trial.mix, trial.mix)
            made = ratio_mask(trial.mix, decoded[2 * k], decoded[2 * k + 1], rate_hz)
            figures["codec oracle mask"] = bss(trial.stem, trial.rest, made, trial.mix - made)
            true = ratio_mask(trial.mix, trial.stem, trial.rest, rate_hz)
            figures["oracle mask"] = bss(trial.stem, trial.rest, true, trial.mix - true)
            found.append((trial, figures))
            absent.append(quiet_db)
            print(f"\r{k + 1} of {len(asked)} mixes", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    return summary(found, absent, manifest.name)


def summary(found: list[tuple[Trial, dict[str, Figures]]], absent: list[float], name: str) -> dict[str, Any]:
    """Medians with intervals, and improvement over the mix."""
    rows: dict[str, Any] = {}
    for stems in (2, 4):
        chosen = [figures for trial, figures in found if trial.stems == stems]
        for row in ROWS:
            entry = {key: median_interval([f[row][key] for f in chosen]) for key in ("SDR", "SIR", "SAR", "SI-SDR")}
            entry["SDRi"] = median_interval([f[row]["SDR"] - f["mix"]["SDR"] for f in chosen])
            rows[f"{stems} stems: {row}"] = entry
    families: dict[str, list[float]] = {}
    for trial, figures in found:
        families.setdefault(trial.family, []).append(figures["masked, 1 step"]["SDR"] - figures["mix"]["SDR"])
    return {
        "bundle": name,
        "mixes": len(found),
        "rows": rows,
        "families": {k: {"n": len(v), "SDRi": round(float(np.median(v)), 2)} for k, v in sorted(families.items())},
        "absent_db": median_interval(absent),
    }


def table(report: dict[str, Any]) -> str:
    """The report as Markdown."""
    lines = [
        f"`{report['bundle']}`, {report['mixes']} mixes of held-out recordings, medians in dB (95 % interval of SDRi)",
        "",
        "| system | SDR | SIR | SAR | SI-SDR | SDR improvement |",
        "|---|---|---|---|---|---|",
    ]
    for row, entry in report["rows"].items():
        cells = " | ".join(f"{entry[key][0]:.2f}" for key in ("SDR", "SIR", "SAR", "SI-SDR"))
        middle, low, high = entry["SDRi"]
        lines.append(f"| {row} | {cells} | {middle:.2f} ({low:.2f} to {high:.2f}) |")
    lines += ["", "| family | mixes | median SDR improvement |", "|---|---|---|"]
    lines += [f"| {name} | {row['n']} | {row['SDRi']:.2f} |" for name, row in report["families"].items()]
    middle, low, high = report["absent_db"]
    lines += ["", f"Absent prompts: {middle:.1f} dB against the mix ({low:.1f} to {high:.1f})."]
    return "\n".join(lines)


def main(argv: list[str]) -> int:
    """``python -m training validate``."""
    parser = argparse.ArgumentParser(prog="python -m training validate", description="measure a bundle")
    parser.add_argument("bundle", type=Path, help="bundle folder")
    parser.add_argument("--preset", default="small", help="whose held-out stems to use")
    parser.add_argument(
        "--cache", type=Path, help="held-out stems; runs/heldout-PRESET when not given, rendered if missing"
    )
    parser.add_argument("--mixes", type=int, default=60, help="mixes of two stems, and as many of four")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path, help="also write the figures as JSON")
    args = parser.parse_args(argv)
    preset = load_preset(args.preset)
    cache = ensure_cache(preset, args.cache or RUNS / f"heldout-{preset.name}", held_out=True)
    report = measure(args.bundle, cache, args.mixes, args.seed)
    print(table(report))
    if args.out:
        args.out.write_text(json.dumps(report, indent=1), "utf-8")
    return 0
