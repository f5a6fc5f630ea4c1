"""FluxFormer: a U-shaped transformer over the latent frames of the slots; it predicts the clean latents.

    SlotTokens          slots (B,S,D,L), time, known -> tokens (B, L/patch, W)
    ConditionEmbedding  prompt (B,S,E), time, pooled picture -> one vector (B, C) and one prepended token (B, 1, W)
    VisualControl       picture (B,F,P) -> control of the tokens; only where the preset has pictures (flow/visual.py)
    FluxBlock           attention and MLP, each scaled and shifted by the condition
    FluxFormer          down blocks, middle blocks, up blocks with long skips; out: clean latents (B,S,D,L)

Source: MAGE (arXiv 2604.09803) section 3.2 and appendix A; time per slot: MGE-LDM (arXiv 2505.23305) section 3.3.
The clean latents are predicted and the velocity follows from them: better than predicting the velocity at this size.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from engine.latents import SLOTS, Slot
from training.config import FlowConfig, GridConfig
from training.flow.visual import TokenPictures, VisualControl

CONDITION = 128
TIME_WAVES = 16
TIME_LEFT_MIN = 1e-2  # 1 - t is never taken smaller than this


class SlotTokens(nn.Module):
    """Slots in one token, side by side (MAGE) or each over its whole width; ``patch`` frames share a token.

    Side by side, two thirds of the token are empty while only the mix is known; summed, the mix has all of it.
    """

    def __init__(self, grid: GridConfig, config: FlowConfig) -> None:
        super().__init__()
        self.patch, self.used = config.patch, [int(Slot[name]) for name in config.slots]
        self.side_by_side = config.token == "side"
        width = config.slot_width if self.side_by_side else config.width
        self.inward = nn.ModuleList(nn.Linear(config.patch * (grid.latent_channels + 2), width) for _ in self.used)

    def forward(self, x: Tensor, t: Tensor, known: Tensor) -> Tensor:
        """X ``(B,S,D,L)``, t and known ``(B,S,L)`` float -> tokens ``(B, L/patch, W)``."""
        # The noise at t = 0 says nothing about the answer: weighting by t keeps it out of sight there.
        rows = torch.cat([x * t[:, :, None], t[:, :, None], known[:, :, None]], dim=2)
        folded = fold(rows, self.patch)  # (B, S, L/patch, patch * (D + 2))
        parts = [layer(folded[:, slot]) for layer, slot in zip(self.inward, self.used, strict=True)]
        return torch.cat(parts, dim=2) if self.side_by_side else torch.stack(parts).sum(dim=0)


def fold(x: Tensor, patch: int) -> Tensor:
    """``(B,S,D,L)`` -> ``(B, S, L/patch, patch*D)``."""
    batch, slots, channels, frames = x.shape
    return x.transpose(2, 3).reshape(batch, slots, frames // patch, patch * channels)


def unfold(x: Tensor, patch: int) -> Tensor:
    """``(B, S, L/patch, patch*D)`` -> ``(B,S,D,L)``."""
    batch, slots, tokens, width = x.shape
    return x.reshape(batch, slots, tokens * patch, width // patch).transpose(2, 3)


class ConditionEmbedding(nn.Module):
    """Prompt and time as one vector, and the prompt as a token of its own that is added to all others too."""

    def __init__(self, embedding: int, config: FlowConfig) -> None:
        super().__init__()
        self.prompt = nn.Linear(SLOTS * embedding, CONDITION)
        self.time = nn.Linear(2 * TIME_WAVES, CONDITION)
        self.mix = nn.Linear(CONDITION, CONDITION)
        self.token = nn.Linear(SLOTS * embedding, config.width)

    def forward(self, prompt: Tensor, time: Tensor, seen: Tensor | None) -> tuple[Tensor, Tensor]:
        """Prompt ``(B,S,E)``, time ``(B,)``, seen ``(B, C)`` or None -> condition ``(B, C)``, token ``(B, 1, W)``."""
        flat = prompt.flatten(1)
        frequencies = torch.exp(torch.arange(TIME_WAVES, device=time.device) * (math.log(100) / TIME_WAVES))
        angles = time[:, None] * frequencies * math.pi
        waves = torch.cat([torch.sin(angles), torch.cos(angles)], dim=1)
        told = self.prompt(flat) + self.time(waves)
        condition = self.mix(F.silu(told if seen is None else told + seen))
        return F.silu(condition), self.token(flat)[:, None]


class FluxBlock(nn.Module):
    """Attention and MLP over tokens, ``(B, T, W) -> (B, T, W)``, each scaled and shifted by the condition."""

    def __init__(self, config: FlowConfig) -> None:
        super().__init__()
        width = config.width
        self.heads = config.heads
        self.norm = nn.LayerNorm(width, elementwise_affine=False)
        self.modulate = nn.Linear(CONDITION, 4 * width)
        self.queries_keys_values = nn.Linear(width, 3 * width)
        self.gather = nn.Linear(width, width)
        self.widen = nn.Linear(width, config.mlp_ratio * width)
        self.narrow = nn.Linear(config.mlp_ratio * width, width)
        for layer in (self.modulate, self.gather, self.narrow):
            nn.init.zeros_(layer.bias)
        nn.init.zeros_(self.modulate.weight)
        nn.init.normal_(self.gather.weight, std=0.02)
        nn.init.normal_(self.narrow.weight, std=0.02)

    def forward(self, x: Tensor, condition: Tensor, turn: tuple[Tensor, Tensor] | None) -> Tensor:
        scale_a, shift_a, scale_m, shift_m = self.modulate(condition)[:, None].chunk(4, dim=2)
        x = x + self._attend(self.norm(x) * (1 + scale_a) + shift_a, turn)
        y = self.norm(x) * (1 + scale_m) + shift_m
        return x + self.narrow(F.gelu(self.widen(y), approximate="tanh"))

    def _attend(self, x: Tensor, turn: tuple[Tensor, Tensor] | None) -> Tensor:
        batch, tokens, width = x.shape
        parts = self.queries_keys_values(x).reshape(batch, tokens, 3, self.heads, width // self.heads)
        queries, keys, values = parts.permute(2, 0, 3, 1, 4).unbind(0)  # (B, heads, T, W/heads)
        if turn is not None:
            queries, keys = rotate(queries, turn), rotate(keys, turn)
        # written out: faster than the fused kernel on CPUs, and a plain graph for export
        weights = torch.softmax(queries @ keys.transpose(2, 3) / math.sqrt(width // self.heads), dim=3)
        return self.gather((weights @ values).transpose(1, 2).reshape(batch, tokens, width))


def rotate(x: Tensor, turn: tuple[Tensor, Tensor]) -> Tensor:
    """Rotary positions (arXiv 2104.09864) on ``(B, heads, T, W)``."""
    cosine, sine = turn
    first, second = x.chunk(2, dim=3)
    return torch.cat([first * cosine - second * sine, second * cosine + first * sine], dim=3)


class FluxFormer(nn.Module):
    """The flow's network.

    ``forward`` gives the clean latents; slots the preset does not model come back as they are.
    """

    def __init__(self, grid: GridConfig, embedding: int, config: FlowConfig) -> None:
        super().__init__()
        if grid.window_frames % config.patch:
            raise ValueError(f"window of {grid.window_frames} frames must be a multiple of the patch {config.patch}")
        self.patch, self.used = config.patch, [int(Slot[name]) for name in config.slots]
        self.picture_dim = config.picture_dim
        self.tokens = SlotTokens(grid, config)
        self.condition = ConditionEmbedding(embedding, config)
        self.down = nn.ModuleList(FluxBlock(config) for _ in range(config.down))
        self.middle = nn.ModuleList(FluxBlock(config) for _ in range(config.middle))
        self.joins = nn.ModuleList(nn.Linear(2 * config.width, config.width) for _ in range(config.up))
        self.up = nn.ModuleList(FluxBlock(config) for _ in range(config.up))
        self.norm = nn.LayerNorm(config.width)
        side = len(self.used) * config.patch * grid.latent_channels
        self.outward = nn.Linear(config.width, side)
        self.straight = nn.Linear(side, side, bias=False)  # a linear answer from the given latents
        nn.init.zeros_(self.outward.weight)
        nn.init.zeros_(self.straight.weight)
        self.scene = None
        if config.picture_dim:
            self.scene = VisualControl(grid, config, CONDITION, config.down + config.middle + config.up)
        count = grid.window_frames // config.patch + 1  # the prompt's token comes first
        if config.positions == "learned":
            self.position = nn.Parameter(0.02 * torch.randn(1, count, config.width))
        elif config.positions == "rotary":
            self.position = None
            self._make_turn(count, config.width // config.heads)
        else:
            raise ValueError(f"unknown positions {config.positions!r}; choose rotary or learned")

    def _make_turn(self, count: int, head_width: int) -> None:
        half = head_width // 2
        angles = torch.outer(torch.arange(count).float(), 1 / 1000 ** (torch.arange(half).float() / half))
        self.register_buffer("cosine", torch.cos(angles), persistent=False)
        self.register_buffer("sine", torch.sin(angles), persistent=False)

    def forward(self, x: Tensor, t: Tensor, known: Tensor, prompt: Tensor, picture: Tensor | None = None) -> Tensor:
        """Clean latents.

        Args:
            x: latents on the way, ``(B,S,D,L)``; clean where known.
            t: time of every position, ``(B,S,L)``; 1 where known, the same elsewhere.
            known: ``(B,S,L)`` bool, True means given.
            prompt: ``(B,S,E)``; zeros mean no prompt.
            picture: ``(B,F,P)``; frames of zeros mean no picture, None means none at all. A network that cannot see
                must be given None.

        Returns:
            ``(B,S,D,L)`` float32.
        """
        given = known.to(x.dtype)
        sight = self._see(x * t[:, :, None], picture)
        seen = None if self.scene is None or sight is None else self.scene.look(sight.pooled)
        condition, first = self.condition(prompt, t.amin(dim=(1, 2)), seen)
        heard = self._filtered(x, given, sight, condition)
        h = torch.cat([first, self.tokens(heard, t, given) + first], dim=1)
        if self.position is not None:
            h = h + self.position
        h = self._walk(h, condition, sight)
        straight = fold((heard * t[:, :, None])[:, self.used], self.patch).transpose(1, 2).flatten(2)
        answer = self.outward(self.norm(h[:, 1:])) + self.straight(straight)
        answer = answer.reshape(*answer.shape[:2], len(self.used), -1).transpose(1, 2)
        clean = unfold(answer, self.patch).float()
        if len(self.used) == SLOTS:
            return clean
        whole = [clean[:, self.used.index(slot)] if slot in self.used else x[:, slot] for slot in range(SLOTS)]
        return torch.stack(whole, dim=1)

    def _see(self, x: Tensor, picture: Tensor | None) -> TokenPictures | None:
        if self.scene is None:
            if picture is not None:
                raise ValueError("this network cannot see; leave out the picture, or train a preset with a picture_dim")
            return None
        rows = fold(x[:, self.used], self.patch).transpose(1, 2).flatten(2)
        picture = x.new_zeros(len(x), 1, self.picture_dim) if picture is None else picture
        return self.scene.see(picture, rows)

    def _filtered(self, x: Tensor, given: Tensor, sight: TokenPictures | None, condition: Tensor) -> Tensor:
        """``x (B,S,D,L)`` with the given mix filtered by what is seen."""
        if self.scene is None or self.scene.filter is None or sight is None:
            return x
        mix = self.scene.filter(x[:, Slot.MIX], given[:, Slot.MIX], sight.tokens[:, 1:], condition)
        return torch.cat([mix[:, None], x[:, 1:]], dim=1)

    def _walk(self, h: Tensor, condition: Tensor, sight: TokenPictures | None) -> Tensor:
        """Tokens ``(B,T,W)`` through all blocks and their skips."""
        turn = (self.cosine, self.sine) if self.position is None else None
        skips = []
        for place, block in enumerate((*self.down, *self.middle, *self.up)):
            behind = place - len(self.down) - len(self.middle)
            if behind >= 0:
                h = self.joins[behind](torch.cat([h, skips.pop()], dim=2))
            if self.scene is not None and sight is not None:
                h = self.scene.fusions[place](h, sight, condition)
            h = block(h, condition, turn)
            if place < len(self.down):
                skips.append(h)
        return h


def velocity(clean: Tensor, x: Tensor, t: Tensor) -> Tensor:
    """Velocity that leads from ``x`` at ``t`` to ``clean`` at 1: ``(clean - x) / (1 - t)``, all ``(B,S,D,L)``."""
    return (clean - x) / torch.clamp(1 - t[:, :, None], min=TIME_LEFT_MIN)
