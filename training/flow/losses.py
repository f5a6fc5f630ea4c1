"""Losses of the flow: the clean latents where they are unknown; stem and rest that add up to the mix."""

from __future__ import annotations

from typing import Protocol

import torch
from torch import Tensor

from engine.latents import Slot
from training.codec.losses import spectrum

SPECTRA = (256, 1024)  # window lengths in samples
QUIET = 1e-3  # mean magnitude below which a mix counts as silent


class LatentDecoder(Protocol):
    """Decodes latents to audio."""

    def decode(self, latents: Tensor) -> Tensor:
        """Latents ``(B,D,L)`` -> audio ``(B,1,N)``."""


def latent_loss(clean: Tensor, target: Tensor, weight: Tensor, unknown: Tensor) -> tuple[Tensor, Tensor]:
    """Weighted mean squared error of the clean latents over unknown positions.

    Args:
        clean, target: ``(B,S,D,L)``.
        weight: ``(B,S,L)``, of every position; see ``diffusion.error_weight``.
        unknown: ``(B,S,L)`` bool.

    Returns:
        the loss, and the plain error per row ``(B,)`` for the log.
    """
    error = ((clean - target) ** 2).mean(dim=2)  # (B,S,L)
    plain = (error * unknown).sum(dim=(1, 2)) / unknown.sum(dim=(1, 2)).clamp(min=1)
    return (error * weight * unknown).sum() / unknown.sum().clamp(min=1), plain.detach()


def additivity_loss(decoder: LatentDecoder, clean: Tensor, frames: int = 32) -> Tensor:
    """How far decoded stem and rest are from adding up to the decoded mix, relative to the mix.

    MGE-LDM (arXiv 2505.23305) lists as a limit that nothing holds its three tracks together; this does, in the sound,
    where they add up, and not in the latents, where they do not. Distances are of complex spectra, so phase counts.

    Args:
        decoder: has ``decode``, latents ``(B,D,L)`` -> audio ``(B,1,N)``.
        clean: ``(B,S,D,L)``; the first ``frames`` frames are listened to.
        frames: how many.
    """
    mix, stem, rest = (decoder.decode(clean[:, slot, :, :frames])[:, 0] for slot in (Slot.MIX, Slot.STEM, Slot.REST))
    apart = torch.zeros((), device=clean.device)
    for size in SPECTRA:
        missing, whole = (spectrum(audio, size).abs().mean() for audio in (stem + rest - mix, mix))
        apart = apart + missing / whole.clamp(min=QUIET) / len(SPECTRA)
    return apart
