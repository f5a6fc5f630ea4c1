"""Build the network of a preset: ours, MAGE's or MGE-LDM's. All answer the same call with clean latents."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from training.config import FlowConfig, GridConfig, Preset
from training.flow.model import FluxFormer
from training.papers.diffusion import check_objective, to_clean
from training.papers.mage import MageFormer
from training.papers.mge import MgeFormer


class FluxByObjective(FluxFormer):
    """FluxFormer whose own answer is the velocity (MAGE 3.2 eq. 6) or v; ``forward`` still gives the clean latents."""

    def __init__(self, grid: GridConfig, embedding: int, config: FlowConfig) -> None:
        super().__init__(grid, embedding, config)
        self.objective, self.path = config.objective, config.path

    def forward(self, x: Tensor, t: Tensor, known: Tensor, *conditions: Tensor) -> Tensor:
        """Clean latents ``(B,S,D,L)``; arguments as in FluxFormer. Slots out of use come back as they are."""
        clean = to_clean(self.objective, self.path, super().forward(x, t, known, *conditions), x, t)
        slots = range(x.shape[1])
        return torch.stack([clean[:, slot] if slot in self.used else x[:, slot] for slot in slots], dim=1)


def build_network(preset: Preset) -> nn.Module:
    """The untrained network of a preset: ``(x, t, known, prompt, ...) -> clean (B,S,D,L)``.

    Raises:
        ValueError: an unknown network, objective or path, or an objective on a path it is not defined on.
    """
    config = preset.flow
    check_objective(config.objective, config.path)
    flux = FluxFormer if config.objective == "clean" else FluxByObjective
    networks: dict[str, type[nn.Module]] = {"flux": flux, "mage": MageFormer, "mge": MgeFormer}
    if config.network not in networks:
        raise ValueError(f"unknown network {config.network!r}; choose one of {', '.join(networks)}")
    return networks[config.network](preset.grid, preset.prompt.embedding, config)


def predicted_slots(config: FlowConfig) -> tuple[str, ...]:
    """Names of the slots that a network predicts; in MAGE's the mix is a condition only."""
    return ("STEM",) if config.network == "mage" else config.slots
