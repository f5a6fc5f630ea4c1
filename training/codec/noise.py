"""Quality of decoded audio against noise on its latents: ``python -m training noise RUN --out PNG``.

A flow's latents are never quite those of real audio; this says how much error a codec forgives. MAGE (arXiv 2604.09803)
section 3.1 eq. 3 trains the decoder on noisy latents for that reason. Audio is drawn from the run's stem cache with a
seed that no training step has: single sources, and mixtures of two. With audio
embeddings (``--tower``, ``--musicnn``) the Fréchet distance between what went in and what came out is told too.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from training.codec.model import MixWavCodec
from training.codec.train import load_codec
from training.config import Preset, load_preset, preset_of_run
from training.data.mixer import StemMixer
from training.data.stem_cache import StemCache
from training.eval.embeddings import AudioEmbedding, MusicnnEmbedding, PromptTowers, Vectors, embed_stem, frechet
from training.metrics import Interval, log_mel_l1, median_interval, si_sdr
from training.trainer.arguments import RUNS
from training.typing import Audio

LEVELS = (0.0, 0.05, 0.1, 0.2, 0.3, 0.5, 0.8, 1.2)  # deviations of a latent channel over real audio
SEED = 4_000_001
KINDS = ("single", "mixture")
FIGURES = {"SI-SDR": "SI-SDR, dB", "log-mel L1": "log-mel L1"}


@dataclass(frozen=True, slots=True)
class NoisePoint:
    """Figures of one kind of audio at one level of noise.

    Attributes:
        kind: of ``KINDS``.
        noise: deviations of a latent channel.
        figures: medians and 95 % intervals by name, of ``FIGURES``.
        distances: Fréchet distance between input and output by the name of the embedding.
    """

    kind: str
    noise: float
    figures: dict[str, Interval]
    distances: dict[str, float] = field(default_factory=dict)


def run_preset(run: Path, named: str = "") -> Preset:
    """The preset a run of any stage was trained by, or the one that is named: a run out of a bundle has no settings.

    Raises:
        FileNotFoundError: the folder is not a run, and no preset is named.
    """
    if named:
        return load_preset(named)
    path = run / "settings.json"
    if not path.is_file():
        raise FileNotFoundError(f"no settings.json in {run}; give the folder of a codec or flow run, or --preset")
    return preset_of_run(path)


def clips(preset: Preset, cache: StemCache, kind: str, count: int) -> Audio:
    """Audio of a window's length, ``(B, N)``."""
    rng = np.random.default_rng([SEED, KINDS.index(kind)])
    mixer, samples = StemMixer(cache), preset.grid.grid.window_samples
    drawn = [mixer.single(rng, samples) if kind == "single" else mixer.draw(rng, samples, 2).mix for _ in range(count)]
    whole: Audio = np.stack(drawn)
    return whole


@torch.no_grad()
def noisy_round(codec: MixWavCodec, audio: Audio, noise: float) -> Audio:
    """Audio ``(B, N)`` through the codec, with Gaussian noise on its unit-scale latents; the same draw at any level."""
    generator = torch.Generator().manual_seed(SEED)
    rows: list[Tensor] = []
    for row in torch.from_numpy(audio)[:, None, None]:
        latents = codec.encode(row)
        rows.append(codec.decode(latents + noise * torch.randn(latents.shape, generator=generator))[0, 0])
    made: Audio = torch.stack(rows).numpy()
    return made


def measure(
    codec: MixWavCodec, preset: Preset, cache: StemCache, count: int,
    levels: Sequence[float] = LEVELS, embeddings: Sequence[AudioEmbedding] = (),
) -> list[NoisePoint]:  # fmt: skip
    """Every kind of audio at every level of noise.

    Args:
        codec: with the preset's grid.
        preset: of the codec's run.
        cache: where the audio comes from.
        count: clips of each kind.
        levels: deviations of the noise on a latent channel.
        embeddings: for Fréchet distances; none leaves them out.
    """
    points, rate_hz = [], preset.grid.rate_hz
    for kind in KINDS:
        audio = clips(preset, cache, kind, count)
        true = {model.name: _embedded(model, audio, rate_hz) for model in embeddings}
        for noise in levels:
            made = noisy_round(codec, audio, noise)
            pairs = list(zip(made, audio, strict=True))
            figures = {
                "SI-SDR": median_interval([si_sdr(m, a) for m, a in pairs]),
                "log-mel L1": median_interval([log_mel_l1(m, a, rate_hz) for m, a in pairs]),
            }
            distances = {model.name: frechet(_embedded(model, made, rate_hz), true[model.name]) for model in embeddings}
            points.append(NoisePoint(kind, noise, figures, distances))
    return points


def _embedded(model: AudioEmbedding, audio: Audio, rate_hz: int) -> Vectors:
    """Windows of all clips ``(B, N)`` as embeddings ``(windows, E)``."""
    return np.concatenate([embed_stem(model, clip[None], rate_hz).windows for clip in audio])


def table(points: list[NoisePoint]) -> str:
    """The figures as a Markdown table."""
    distances = [f"FAD, {name}" for name in points[0].distances]
    lines = [
        f"| {' | '.join(['audio', 'noise', *FIGURES.values(), *distances])} |",
        "|---|---|" + "---|" * (len(FIGURES) + len(distances)),
    ]
    for point in points:
        cells = [f"{m:.2f} ({low:.2f} to {high:.2f})" for m, low, high in (point.figures[name] for name in FIGURES)]
        cells += [f"{distance:.3f}" for distance in point.distances.values()]
        lines.append(f"| {point.kind} | {point.noise:g} | {' | '.join(cells)} |")
    return "\n".join(lines)


def draw(points: list[NoisePoint], title: str, path: Path) -> None:
    """The figures as a picture, one panel for each."""
    from matplotlib.figure import Figure  # without pyplot: no window, nothing global

    figure = Figure(figsize=(8.0, 3.2), dpi=110, layout="constrained")
    for place, (name, label) in enumerate(FIGURES.items()):
        axes = figure.add_subplot(1, len(FIGURES), place + 1)
        for kind in KINDS:
            mine = [point for point in points if point.kind == kind]
            middle, low, high = (np.array([point.figures[name][k] for point in mine]) for k in range(3))
            reach = np.maximum([middle - low, high - middle], 0)
            axes.errorbar([point.noise for point in mine], middle, reach, marker="o", capsize=3, label=kind)
        axes.set_xlabel("noise on latents (deviations)", fontsize=8)
        axes.set_ylabel(f"{label} (median, 95 %)", fontsize=8)
        axes.legend(fontsize=7)
    figure.suptitle(title, fontsize=9)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, format="png")


def main(argv: list[str]) -> int:
    """``python -m training noise``."""
    parser = argparse.ArgumentParser(prog="python -m training noise", description="quality against latent noise")
    parser.add_argument("run", type=Path, help="finished run with a codec.pt: of the codec, or of a flow")
    parser.add_argument("--out", type=Path, required=True, metavar="PNG", help="picture to write")
    parser.add_argument("--preset", default="", help="name or TOML file, for a run unpacked from a bundle")
    parser.add_argument("--cache", type=Path, help="stem cache; runs/cache-PRESET when not given")
    parser.add_argument("--clips", type=int, default=24, help="of each kind of audio")
    parser.add_argument("--levels", type=float, nargs="+", default=LEVELS, help="of noise, in deviations of a channel")
    parser.add_argument("--tower", type=Path, metavar="RUN", help="run of the prompt towers, for a Fréchet distance")
    parser.add_argument("--musicnn", type=Path, metavar="FILE", help="musicnn's wheel or folder, for another one")
    asked = parser.parse_args(argv)
    if asked.clips < 1:
        raise ValueError(f"--clips must be at least 1, got {asked.clips}")
    preset = run_preset(asked.run, asked.preset)
    if not (asked.run / "codec.pt").is_file():
        raise FileNotFoundError(f"no codec.pt in {asked.run}; let `python -m training codec --resume RUN` finish first")
    codec = load_codec(preset, asked.run)
    embeddings: list[AudioEmbedding] = [PromptTowers(asked.tower)] if asked.tower else []
    embeddings += [MusicnnEmbedding(asked.musicnn)] if asked.musicnn else []
    cache = StemCache(asked.cache or RUNS / f"cache-{preset.name}")
    points = measure(codec, preset, cache, asked.clips, asked.levels, embeddings)
    sys.stdout.write(f"{asked.clips} clips of each kind; median and 95 % interval\n\n{table(points)}\n")
    draw(points, f"{preset.name}: decoded audio against noise on its latents", asked.out)
    sys.stdout.write(f"\nwrote {asked.out}\n")
    return 0
