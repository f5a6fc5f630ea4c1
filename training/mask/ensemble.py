"""Ensemble: several mask networks, of any architecture, as one whose logits are the mean of theirs.

Weights can be averaged only within one architecture (``mask-mean``), logits always; the mean of mask logits is the
geometric mean of the masks' odds. Queries, descriptions and planes of the members are concatenated, so that an ensemble
is evaluated, calibrated and exported like a single network.

Source: Uhlich et al. 2017, "Improving music source separation based on deep neural networks through data augmentation
and network blending", doi:10.1109/ICASSP.2017.7952158.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from training.mask.network import NetworkConfig, PromptedNetwork


class Ensemble(PromptedNetwork):
    """Networks of the same terms as one; the widths in its ``config`` are the sums of theirs.

    Args:
        members: two or more.

    Raises:
        ValueError: they have different terms, or one takes estimates.
    """

    def __init__(self, members: Sequence[PromptedNetwork]) -> None:
        configs = [member.config for member in members]
        if len({config.terms for config in configs}) > 1 or any(config.estimate for config in configs):
            raise ValueError("networks that answer together must know the same terms, and take no estimates")
        query, describe = sum(config.query for config in configs), sum(config.describe for config in configs)
        super().__init__(NetworkConfig(query=query, terms=configs[0].terms, describe=describe))
        table = torch.cat([member.queries.weight.detach() for member in members], dim=1)
        self.queries = nn.Embedding.from_pretrained(table)
        self.members = nn.ModuleList(members)
        self.plane_bins = sum(member.plane_bins for member in members)

    def encode(self, mix: Tensor, estimate: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """See ``PromptedNetwork``: descriptions are concatenated in their channels, planes in their last axis."""
        described, planes = zip(*(member.encode(mix) for member in self.networks()), strict=True)
        return torch.cat(described, dim=1), torch.cat(planes, dim=3)

    def answer(self, mix: Tensor, described: Tensor, plane: Tensor, query: Tensor) -> tuple[Tensor, Tensor]:
        """Mean logits of the members for queries (B, K, Q), see ``PromptedNetwork.answer``."""
        members = self.networks()
        parts = zip(
            described.split([member.config.describe for member in members], dim=1),
            plane.split([member.plane_bins for member in members], dim=3),
            query.split([member.config.query for member in members], dim=2),
            strict=True,
        )
        (logits, presence), *others = (member.answer(mix, *part) for member, part in zip(members, parts, strict=True))
        for more_logits, more_presence in others:
            logits, presence = logits + more_logits, presence + more_presence
        return logits / len(members), presence / len(members)

    def networks(self) -> list[PromptedNetwork]:
        """The members, with their type."""
        return [member for member in self.members if isinstance(member, PromptedNetwork)]


def ensemble_of(members: Sequence[PromptedNetwork]) -> PromptedNetwork:
    """A single network as it is, several as an ensemble."""
    return members[0] if len(members) == 1 else Ensemble(members).eval()
