"""Loss of the flow: the clean latents where they are unknown.

Knows nothing of tasks or data.
"""

from __future__ import annotations

from torch import Tensor


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
