"""MixWavCodec: a continuous VAE of audio; three families behind one interface.

    encoder     audio (B, 1, N) -> mean, log variance, both (B, D, L)
    decoder     latents (B, D, L) -> audio (B, 1, N)
    MixWavCodec the two, and the scaling that gives every latent channel mean 0 and deviation 1

Source: MAGE (arXiv 2604.09803) section 3.1 and appendix A.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from training.codec.mel import MelDecoder, MelEncoder
from training.codec.oobleck import OobleckDecoder, OobleckEncoder
from training.codec.spectral import SpectralDecoder, SpectralEncoder
from training.config import CodecConfig, GridConfig

FAMILIES: dict[str, tuple[type[nn.Module], type[nn.Module]]] = {
    "spectral": (SpectralEncoder, SpectralDecoder),
    "oobleck": (OobleckEncoder, OobleckDecoder),
    "mel": (MelEncoder, MelDecoder),
}


class MixWavCodec(nn.Module):
    """Audio to unit-scale latents and back.

    Buffers ``latent_mean`` and ``latent_std`` are ``(D,)``, measured once at the end of training.
    """

    def __init__(self, grid: GridConfig, config: CodecConfig) -> None:
        super().__init__()
        self.grid = grid
        if config.kind not in FAMILIES:
            raise ValueError(f"unknown codec kind {config.kind!r}; choose one of {', '.join(FAMILIES)}")
        encoder, decoder = FAMILIES[config.kind]
        self.encoder, self.decoder = encoder(grid, config), decoder(grid, config)
        self.latent_mean: Tensor
        self.latent_std: Tensor
        self.register_buffer("latent_mean", torch.zeros(grid.latent_channels))
        self.register_buffer("latent_std", torch.ones(grid.latent_channels))

    def encode(self, audio: Tensor) -> Tensor:
        """Audio ``(B, 1, N)`` -> latents ``(B, D, L)`` of unit scale; ``N`` is a whole number of hops."""
        mean, _ = self.encoder(audio)
        return (mean.float() - self.latent_mean[:, None]) / self.latent_std[:, None]

    def decode(self, latents: Tensor) -> Tensor:
        """Latents ``(B, D, L)`` of unit scale -> audio ``(B, 1, N)``."""
        audio: Tensor = self.decoder(latents * self.latent_std[:, None] + self.latent_mean[:, None])
        return audio
