"""Train MixWavCodec on single stems and on mixtures: ``python -m training codec``.

``--start RUN`` begins with the codec of another run. With ``decoder_only`` in the preset its encoder and the scaling of
the latents stay, so that a flow that was trained on them still fits: only what latents sound like changes.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from training.codec.adversarial import MultiScaleDiscriminator, discriminator_losses
from training.codec.losses import MelLoss, SpectralLoss, mask_distance
from training.codec.model import MixWavCodec
from training.config import Preset
from training.data.credits import credits
from training.data.mixer import StemMixer
from training.data.stem_cache import StemCache
from training.synthesis.render_stems import ensure_cache
from training.trainer.arguments import parse
from training.trainer.distributed import Distributed
from training.trainer.precision import autocast
from training.trainer.trainer import TrainConfig, Trainer

WAVE_WEIGHT, SPECTRAL_WEIGHT, MEL_WEIGHT = 2.0, 0.7, 0.5
PAIR_SHARE = 0.5  # of a batch are stem and rest of one mix, for the masked loss
WAVE_FLOOR = 0.01
SINGLE_SHARE, SILENT_SHARE = 0.55, 0.03
STATISTICS_BATCHES = 40


EXTRAS = {"start": "begin with the codec of this run; needed where the preset trains the decoder only"}


class CodecStage:
    """Batches and loss of the codec.

    Args:
        preset: shape of the codec and of the run.
        start: finished run whose codec to begin with; None means fresh weights.

    Raises:
        ValueError: the preset trains the decoder only and there is no ``start``.
    """

    def __init__(self, preset: Preset, cache: StemCache, start: Path | None = None) -> None:
        self.preset, self.config = preset, preset.codec
        torch.manual_seed(preset.codec.seed)
        if start is None and preset.codec.decoder_only:
            raise ValueError("decoder_only keeps the encoder of another run; name that run by --start")
        self.codec = MixWavCodec(preset.grid, preset.codec) if start is None else load_codec(preset, start)
        self.codec.requires_grad_(True)
        if preset.codec.decoder_only:
            self.codec.encoder.requires_grad_(False)
        self.critics = critics_of(preset)
        self.model: nn.Module = (
            nn.ModuleDict({"codec": self.codec, "critics": self.critics}) if self.critics else self.codec
        )
        self.mixer = StemMixer(cache, sources=preset.codec.mix_sources)
        self.pairs = max(1, round(preset.codec.batch * PAIR_SHARE / 2))
        self.spectral = SpectralLoss()
        self.mel = MelLoss(preset.grid.rate_hz, size=1024 if preset.grid.rate_hz > 8000 else 512)

    def to(self, device: torch.device) -> None:
        """Move what the loss needs beside the model."""
        self.mel.to(device)

    def batch(self, step: int) -> Tensor:
        """Audio ``(B, 1, N)``: stems of some mixes, then their rests, then single stems, mixtures, a little silence."""
        rng = np.random.default_rng([self.config.seed, step])
        samples = self.config.crop_frames * self.preset.grid.hop_samples
        pairs = [self._pair(rng, samples) for _ in range(self.pairs)]
        rows = [self._row(rng, samples) for _ in range(self.config.batch - 2 * self.pairs)]
        stems, rests = [stem for stem, _ in pairs], [rest for _, rest in pairs]
        return torch.from_numpy(np.stack([*stems, *rests, *rows]))[:, None]

    def _pair(self, rng: np.random.Generator, samples: int) -> tuple[Any, Any]:
        mix = self.mixer.draw(rng, samples, count=self.config.mix_sources or int(rng.integers(2, 5)))
        return mix.stems[0], mix.stems[1:].sum(axis=0)

    def _row(self, rng: np.random.Generator, samples: int) -> Any:
        kind = rng.random()
        if kind < SILENT_SHARE:
            return np.zeros(samples, dtype=np.float32)
        if kind < SILENT_SHARE + SINGLE_SHARE:
            return self.mixer.single(rng, samples)
        return self.mixer.draw(rng, samples, self.config.mix_sources or None).mix

    def loss(self, batch: Tensor, generator: torch.Generator, progress: float) -> tuple[Tensor, dict[str, float]]:
        """Waveform + spectral + mel distance through noisy latents, the KL term of the VAE, and adversarial losses.

        Source: MAGE 3.1: eq. 3 (noise before decoding), eq. 4 (the terms).
        """
        with autocast():
            with torch.set_grad_enabled(not self.config.decoder_only):
                mean, log_variance = self.codec.encoder(batch)
            mean, log_variance = mean.float(), log_variance.float().clamp(-12, 4)
            made = self.codec.decoder(self._noisy(mean, log_variance, generator)).float()
        scale = torch.sqrt((batch**2).mean(dim=2, keepdim=True)) + WAVE_FLOOR
        terms = {
            "wave": (WAVE_WEIGHT, ((made - batch).abs() / scale).mean()),
            "spectral": (SPECTRAL_WEIGHT, self.spectral(made[:, 0], batch[:, 0], generator)),
            "mel": (MEL_WEIGHT, self.mel(made[:, 0], batch[:, 0])),
            "kl": (self.config.kl_weight, 0.5 * (mean**2 + log_variance.exp() - 1 - log_variance).mean()),
        }
        if self.config.mask_weight:
            rows = 2 * self.pairs
            masked = mask_distance(made[:rows, 0], batch[:rows, 0], self.preset.grid.rate_hz)
            terms["masked"] = (self.config.mask_weight, masked)
        if self.critics is not None:
            with autocast():
                own, adversarial, matching = discriminator_losses(self.critics, made, batch)
            heard = float(progress >= self.config.adversarial_from)
            terms["critics"] = (1.0, own)
            terms["adversarial"] = (heard * self.config.adversarial_weight, adversarial)
            terms["matching"] = (heard * self.config.matching_weight, matching)
        total = torch.stack([weight * value for weight, value in terms.values()]).sum()
        return total, {name: value.item() for name, (_, value) in terms.items()}

    def _noisy(self, mean: Tensor, log_variance: Tensor, generator: torch.Generator) -> Tensor:
        """Latents drawn from the posterior, and noise on top: MAGE 3.1 eq. 3, ``sigma`` drawn up to ``noise_max``."""
        sigma = torch.rand((len(mean), 1, 1), generator=generator) * self.config.noise_max
        drawn, noise = (torch.randn(mean.shape, generator=generator) for _ in range(2))
        scale = mean.detach().std(dim=(0, 2), keepdim=True)
        latents = mean + torch.exp(0.5 * log_variance) * drawn.to(mean.device)
        return latents + scale * (sigma * noise).to(mean.device)


def critics_of(preset: Preset) -> MultiScaleDiscriminator | None:
    """The discriminators a preset asks for; None when it asks for none."""
    config = preset.codec
    if not config.adversarial_weight:
        return None
    samples = config.crop_frames * preset.grid.hop_samples
    return MultiScaleDiscriminator(config.discriminator_width, config.discriminator_windows, samples)


@torch.no_grad()
def measure_latents(model: MixWavCodec, stage: CodecStage) -> None:
    """Set the scaling buffers from fresh batches."""
    model.latent_mean.zero_()
    model.latent_std.fill_(1)
    latents = torch.cat([model.encode(stage.batch(10_000_000 + k)) for k in range(STATISTICS_BATCHES)])
    model.latent_mean.copy_(latents.mean(dim=(0, 2)))
    model.latent_std.copy_(latents.std(dim=(0, 2)).clamp(min=1e-3))


def train_codec(
    preset: Preset,
    cache: StemCache,
    folder: Path,
    resume: bool = False,
    workers: int = 1,
    start: Path | None = None,
) -> Trainer:
    """Train and leave ``codec.pt`` (weights and scaling) in ``folder``."""
    stage = CodecStage(preset, cache, start)
    plan = TrainConfig(
        steps=preset.codec.steps,
        parts=preset.codec.parts,
        minutes=preset.codec.minutes,
        learning_rate=preset.codec.learning_rate,
        ema=0.998,
        seed=preset.codec.seed,
        clip_norm=5.0,
        settings={"stage": "codec", **asdict(preset)},
    )
    run = Trainer(stage, plan, folder)
    if resume:
        run.resume()
    run.train(workers=workers)
    if run.distributed.first:
        finish(run, stage, folder)
    return run


def finish(run: Trainer, stage: CodecStage, folder: Path) -> None:
    """Put the averaged weights and the scaling into ``codec.pt``, and beside it what it was trained on."""
    run.averaged()
    if not stage.config.decoder_only:
        measure_latents(stage.codec, stage)
    torch.save(stage.codec.state_dict(), folder / "codec.pt")
    (folder / "credits.json").write_text(json.dumps(credits(stage.mixer.cache), indent=1, ensure_ascii=False), "utf-8")


def load_codec(preset: Preset, folder: Path) -> MixWavCodec:
    """The trained codec of a run, frozen."""
    model = MixWavCodec(preset.grid, preset.codec)
    model.load_state_dict(torch.load(folder / "codec.pt", map_location="cpu", weights_only=True))
    return model.eval().requires_grad_(False)


def main(argv: list[str]) -> int:
    """``python -m training codec``."""
    asked = parse("codec", "train MixWavCodec", argv, extras=EXTRAS)
    with Distributed().in_turn():
        cache = ensure_cache(asked.preset, asked.cache)
    train_codec(asked.preset, cache, asked.out, asked.resume, asked.workers, asked.extras["start"])
    print(f"wrote {asked.out / 'codec.pt'}")
    return 0
