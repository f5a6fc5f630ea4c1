"""Ensemble: mask decoders of any kinds that answer together, by the mean of their logits.

The weights of networks of different kinds have no mean (``mask-mean``), but their answers have one: the mean of the
masks' logits is the geometric mean of their odds. Its queries, descriptions and planes are those of its members side
by side, so that it is asked, judged, calibrated and exported like one network.

Source: Uhlich et al. 2017, "Improving music source separation based on deep neural networks through data augmentation
and network blending", doi:10.1109/ICASSP.2017.7952158.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from training.mask.network import NetworkConfig, Prompted


class Ensemble(Prompted):
    """Networks of the same terms as one; ``config`` tells its widths, which are the sums of theirs.

    Args:
        members: two or more.

    Raises:
        ValueError: they know different terms, or one takes estimates.
    """

    def __init__(self, members: Sequence[Prompted]) -> None:
        configs = [member.config for member in members]
        if len({config.terms for config in configs}) > 1 or any(config.estimate for config in configs):
            raise ValueError("networks that answer together must know the same terms, and take no estimates")
        query, describe = sum(config.query for config in configs), sum(config.describe for config in configs)
        super().__init__(NetworkConfig(query=query, terms=configs[0].terms, describe=describe))
        table = torch.cat([member.queries.weight.detach() for member in members], dim=1)
        self.queries = nn.Embedding.from_pretrained(table)
        self.members = nn.ModuleList(members)
        self.plane_bins = sum(member.plane_bins for member in members)

    def hear(self, mix: Tensor, estimate: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """See ``Prompted``: descriptions side by side in their channels, planes in their last axis."""
        heard = [member.hear(mix) for member in self.networks()]
        return torch.cat([one for one, _ in heard], dim=1), torch.cat([one for _, one in heard], dim=3)

    def answer(self, mix: Tensor, described: Tensor, plane: Tensor, query: Tensor) -> tuple[Tensor, Tensor]:
        """Means of the answers to queries (B, K, Q), see ``Prompted.forward``."""
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

    def networks(self) -> list[Prompted]:
        """Its members."""
        return [member for member in self.members if isinstance(member, Prompted)]


def together(members: Sequence[Prompted]) -> Prompted:
    """One network as it is, several as an ensemble."""
    return members[0] if len(members) == 1 else Ensemble(members).eval()
