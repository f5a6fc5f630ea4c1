"""The mel family: the latents are log-mel frames, and only the way back to audio is learnt.

MusFlow (arXiv 2504.13535) flows over mel spectra where MAGE flows over a VAE's latents; with this family the same flow
does so too. The decoder is the vocoder head of the spectral family (after Vocos, arXiv 2306.00814), not Griffin-Lim: a
head gives phases in one pass and is a plain graph that exports, Griffin-Lim takes tens of transforms there and back for
each window and still leaves the phase of loud partials wrong. MusFlow compresses its mel spectra by a VAE; here a frame
is as short as the number of bands (``latent_channels``) and the hop allow.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from training.codec.losses import mel_bank
from training.codec.spectral import FrameTransform, SpectralDecoder
from training.config import CodecConfig, GridConfig

POWER_MIN = 1e-10
MEL_FLOOR = 1e-3
LOG_VARIANCE = -12.0  # as good as none: there is nothing to draw


class MelEncoder(nn.Module):
    """Audio ``(B,1,N)`` -> log-mel frames and their (constant) log variance ``(B,D,L)``; has no weights."""

    def __init__(self, grid: GridConfig, config: CodecConfig) -> None:
        super().__init__()
        self.transform = FrameTransform(grid.hop_samples)
        self.bank: Tensor
        bank = mel_bank(grid.rate_hz, self.transform.size, grid.latent_channels)
        if empty := int((bank.sum(dim=1) == 0).sum()):
            raise ValueError(
                f"{empty} of {grid.latent_channels} mel bands hold no bin of a {self.transform.size} sample window; "
                "choose fewer latent_channels or a longer hop"
            )
        self.register_buffer("bank", bank, persistent=False)

    def forward(self, audio: Tensor) -> tuple[Tensor, Tensor]:
        real, imaginary = self.transform.analyse(audio[:, 0])  # (B, L, bins)
        magnitude = torch.sqrt(torch.clamp(real**2 + imaginary**2, min=POWER_MIN))
        frames = torch.log(magnitude @ self.bank.T + MEL_FLOOR).transpose(1, 2)
        return frames, torch.full_like(frames, LOG_VARIANCE)


class MelDecoder(SpectralDecoder):
    """Log-mel frames ``(B,D,L)`` -> audio ``(B,1,N)``: the vocoder."""
