"""Train MixWavCodec on single stems and on mixtures: ``python -m training codec``. Knows nothing of flows."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from training.arguments import parse
from training.codec.losses import MelLoss, SpectralLoss, mask_distance
from training.codec.model import MixWavCodec
from training.config import Preset
from training.data.cache import StemCache
from training.data.mix import Mixer
from training.data.studio import ensure_cache
from training.loop import Plan, Run
from training.precision import autocast

WAVE_WEIGHT, SPECTRAL_WEIGHT, MEL_WEIGHT, MASK_WEIGHT = 2.0, 0.7, 0.5, 3.0
PAIR_SHARE = 0.5  # of a batch are stem and rest of one mix, for the masked loss
WAVE_FLOOR = 0.01
SINGLE_SHARE, SILENT_SHARE = 0.55, 0.03
STATISTICS_BATCHES = 40


class CodecStage:
    """Batches and loss of the codec."""

    def __init__(self, preset: Preset, cache: StemCache) -> None:
        self.preset, self.config = preset, preset.codec
        torch.manual_seed(preset.codec.seed)
        self.model: nn.Module = MixWavCodec(preset.grid, preset.codec)
        self.mixer = Mixer(cache)
        self.pairs = max(1, round(preset.codec.batch * PAIR_SHARE / 2))
        self.spectral = SpectralLoss()
        self.mel = MelLoss(preset.grid.rate_hz, size=1024 if preset.grid.rate_hz > 8000 else 512)

    def batch(self, step: int) -> Tensor:
        """Audio ``(B, 1, N)``: stems of some mixes, then their rests, then single stems, mixtures, a little silence."""
        rng = np.random.default_rng([self.config.seed, step])
        samples = self.config.crop_frames * self.preset.grid.hop_samples
        pairs = [self._pair(rng, samples) for _ in range(self.pairs)]
        rows = [self._row(rng, samples) for _ in range(self.config.batch - 2 * self.pairs)]
        stems, rests = [stem for stem, _ in pairs], [rest for _, rest in pairs]
        return torch.from_numpy(np.stack([*stems, *rests, *rows]))[:, None]

    def _pair(self, rng: np.random.Generator, samples: int) -> tuple[Any, Any]:
        mix = self.mixer.draw(rng, samples, count=int(rng.integers(2, 5)))
        return mix.stems[0], mix.stems[1:].sum(axis=0)

    def _row(self, rng: np.random.Generator, samples: int) -> Any:
        kind = rng.random()
        if kind < SILENT_SHARE:
            return np.zeros(samples, dtype=np.float32)
        if kind < SILENT_SHARE + SINGLE_SHARE:
            return self.mixer.single(rng, samples)
        return self.mixer.draw(rng, samples).mix

    def loss(self, batch: Tensor, generator: torch.Generator, progress: float) -> tuple[Tensor, dict[str, float]]:
        """Waveform + spectral + mel distance through noisy latents, and the KL term of the VAE."""
        model = self.model
        assert isinstance(model, MixWavCodec)
        with autocast():
            mean, log_variance = model.encoder(batch)
            mean, log_variance = mean.float(), log_variance.float().clamp(-12, 4)
            deviation = torch.exp(0.5 * log_variance)
            sigma = torch.rand((batch.shape[0], 1, 1), generator=generator) * self.config.noise_max
            scale = mean.detach().std(dim=(0, 2), keepdim=True)
            latents = mean + deviation * torch.randn(mean.shape, generator=generator)
            latents = latents + sigma * scale * torch.randn(mean.shape, generator=generator)
            made = model.decoder(latents).float()
        scale = torch.sqrt((batch**2).mean(dim=2, keepdim=True)) + WAVE_FLOOR
        wave = ((made - batch).abs() / scale).mean()
        masked = mask_distance(made[: 2 * self.pairs, 0], batch[: 2 * self.pairs, 0], self.preset.grid.rate_hz)
        spectral = self.spectral(made[:, 0], batch[:, 0], generator)
        mel = self.mel(made[:, 0], batch[:, 0])
        divergence = 0.5 * (mean**2 + deviation**2 - 1 - log_variance).mean()
        total = WAVE_WEIGHT * wave + SPECTRAL_WEIGHT * spectral + MEL_WEIGHT * mel
        total = total + MASK_WEIGHT * masked + self.config.kl_weight * divergence
        return total, {
            "wave": wave.item(),
            "spectral": spectral.item(),
            "mel": mel.item(),
            "masked": masked.item(),
            "kl": divergence.item(),
        }


@torch.no_grad()
def measure_latents(model: MixWavCodec, stage: CodecStage) -> None:
    """Set the scaling buffers from fresh batches."""
    model.latent_mean.zero_()
    model.latent_std.fill_(1)
    latents = torch.cat([model.encode(stage.batch(10_000_000 + k)) for k in range(STATISTICS_BATCHES)])
    model.latent_mean.copy_(latents.mean(dim=(0, 2)))
    model.latent_std.copy_(latents.std(dim=(0, 2)).clamp(min=1e-3))


def train_codec(preset: Preset, cache: StemCache, folder: Path, resume: bool = False, workers: int = 1) -> Run:
    """Train and leave ``codec.pt`` (weights and scaling) in ``folder``."""
    stage = CodecStage(preset, cache)
    plan = Plan(
        steps=preset.codec.steps,
        minutes=preset.codec.minutes,
        learning_rate=preset.codec.learning_rate,
        ema=0.998,
        seed=preset.codec.seed,
        clip_norm=5.0,
        settings={"stage": "codec", **asdict(preset)},
    )
    run = Run(stage, plan, folder)
    if resume:
        run.resume()
    run.train(workers=workers)
    finish(run, stage, folder)
    return run


def finish(run: Run, stage: CodecStage, folder: Path) -> None:
    """Put the averaged weights and the scaling into ``codec.pt``."""
    model = run.averaged()
    assert isinstance(model, MixWavCodec)
    measure_latents(model, stage)
    torch.save(model.state_dict(), folder / "codec.pt")


def load_codec(preset: Preset, folder: Path) -> MixWavCodec:
    """The trained codec of a run, frozen."""
    model = MixWavCodec(preset.grid, preset.codec)
    model.load_state_dict(torch.load(folder / "codec.pt", map_location="cpu", weights_only=True))
    return model.eval().requires_grad_(False)


def main(argv: list[str]) -> int:
    """``python -m training codec``."""
    asked = parse("codec", "train MixWavCodec", argv)
    cache = ensure_cache(asked.preset, asked.cache)
    train_codec(asked.preset, cache, asked.out, asked.resume, asked.workers)
    print(f"wrote {asked.out / 'codec.pt'}")
    return 0
