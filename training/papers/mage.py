"""MageFormer: FluxFormer with MAGE's own interface, to the number.

    MageTokens     target on its way and mix, both (B,D,L) -> tokens (B,L,W): each projected to W / 2, side by side
    MageCondition  text (B,E) -> one prepended token (B,1,W); time and pooled picture -> a vector for the adaptive norm
    MageFormer     tokens with learned positions through FluxFormer's blocks; out: the velocity of the target alone

The mix is a condition here, never something to make: where it is not given it is zeros. Asked for what it does not
model, MageFormer answers with the target for the whole mix, and leaves the rest as it is.

Source: MAGE (arXiv 2604.09803) section 3.2 and appendix A.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from engine.latents import Slot
from training.config import FlowConfig, GridConfig
from training.flow.model import CONDITION, TIME_WAVES, FluxFormer
from training.papers.diffusion import to_clean


class MageTokens(nn.Module):
    """Target and mix latents, both ``(B,D,L)`` -> tokens ``(B,L,W)``."""

    def __init__(self, grid: GridConfig, config: FlowConfig) -> None:
        super().__init__()
        self.target = nn.Linear(grid.latent_channels, config.slot_width)
        self.mix = nn.Linear(grid.latent_channels, config.slot_width)

    def forward(self, target: Tensor, mix: Tensor) -> Tensor:
        return torch.cat([self.target(target.transpose(1, 2)), self.mix(mix.transpose(1, 2))], dim=2)


class MageCondition(nn.Module):
    """Text as a token; time and the pooled picture as one vector."""

    def __init__(self, embedding: int, config: FlowConfig) -> None:
        super().__init__()
        self.token = nn.Linear(embedding, config.width)
        self.time = nn.Linear(2 * TIME_WAVES, CONDITION)
        self.mix = nn.Linear(CONDITION, CONDITION)

    def forward(self, text: Tensor, time: Tensor, seen: Tensor | None) -> tuple[Tensor, Tensor]:
        """Text ``(B,E)``, time ``(B,)``, seen ``(B,C)`` or None -> condition ``(B,C)``, token ``(B,1,W)``."""
        frequencies = torch.exp(torch.arange(TIME_WAVES, device=time.device) * (math.log(100) / TIME_WAVES))
        angles = time[:, None] * frequencies * math.pi
        told = self.time(torch.cat([torch.sin(angles), torch.cos(angles)], dim=1))
        condition = self.mix(F.silu(told if seen is None else told + seen))
        return F.silu(condition), self.token(text)[:, None]


class MageFormer(FluxFormer):
    """``forward`` gives the clean latents, as FluxFormer's; the network itself answers by velocity."""

    def __init__(self, grid: GridConfig, embedding: int, config: FlowConfig) -> None:
        if config.slots != ("MIX", "STEM") or config.patch != 1 or config.positions != "learned":
            raise ValueError('the network mage has slots ["MIX", "STEM"], patch 1 and learned positions')
        super().__init__(grid, embedding, config)
        self.objective, self.path = config.objective, config.path
        self.tokens = MageTokens(grid, config)
        self.condition = MageCondition(embedding, config)
        self.outward = nn.Linear(config.width, grid.latent_channels)
        nn.init.zeros_(self.outward.weight)
        del self.straight  # MAGE has no short cut from the mix to the answer

    def forward(self, x: Tensor, t: Tensor, known: Tensor, prompt: Tensor, picture: Tensor | None = None) -> Tensor:
        """Clean latents ``(B,S,D,L)`` float32; arguments as in FluxFormer."""
        given = known.to(x.dtype)
        present = x * given[:, :, None]
        sight = self._see(present, picture)
        seen = None if self.scene is None or sight is None else self.scene.look(sight.pooled)
        condition, text = self.condition(prompt[:, Slot.STEM], t[:, Slot.STEM].amin(dim=1), seen)
        mix = self._filtered(present, given, sight, condition)[:, Slot.MIX]
        h = torch.cat([text, self.tokens(x[:, Slot.STEM], mix)], dim=1) + self.position
        h = self._walk(h, condition, sight)
        answer = self.outward(self.norm(h[:, 1:])).transpose(1, 2).float()[:, None]  # (B, 1, D, L)
        target = slice(int(Slot.STEM), int(Slot.STEM) + 1)
        clean = to_clean(self.objective, self.path, answer, x[:, target], t[:, target])[:, 0]
        mix_clean = torch.where(known[:, Slot.MIX, None], x[:, Slot.MIX], clean)
        return torch.stack([mix_clean, clean, x[:, Slot.REST]], dim=1)
