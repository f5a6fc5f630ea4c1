"""Loss of the flow: the clean latents where they are unknown.

Knows nothing of tasks or data.
"""

from __future__ import annotations

import torch
from torch import Tensor

WEIGHT_MAX = 5.0


def latent_loss(clean: Tensor, target: Tensor, t: Tensor, unknown: Tensor) -> tuple[Tensor, Tensor]:
    """Mean squared error of the clean latents over unknown positions, weighted by ``1 / (1 - t)`` up to a cap.

    Args:
        clean, target: ``(B,S,D,L)``.
        t: ``(B,S,L)``.
        unknown: ``(B,S,L)`` bool.

    Returns:
        the loss, and the plain error per row ``(B,)`` for the log.
    """
    error = ((clean - target) ** 2).mean(dim=2)  # (B,S,L)
    weight = torch.clamp(1 / torch.clamp(1 - t, min=1e-3), max=WEIGHT_MAX) * unknown
    plain = (error * unknown).sum(dim=(1, 2)) / unknown.sum(dim=(1, 2)).clamp(min=1)
    return (error * weight).sum() / unknown.sum().clamp(min=1), plain.detach()
