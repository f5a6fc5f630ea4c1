"""A foreign separator that is ready to become a bundle: its graph, its stems, on what terms it may be passed on."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import nn

from engine.bundle.separation import EXPERT_KINDS, SIDES
from engine.bundle.separator import LEVEL_DB, SpectrumSpec
from export.graphs import ExportSpec

RATE_HZ = 44_100
OWN_TERMS = "that of the weights"  # the licence of a file of which nobody said anything
MASK_SPECTRUM = SpectrumSpec(fft_samples=4096, hop_samples=1024, bins=1024, frames=512)  # that of the mask graph


@dataclass(frozen=True, slots=True, kw_only=True)
class ForeignSeparator:
    """A separator ready to be written as a bundle.

    Attributes:
        name: of the bundle when no other is given.
        domain: ``spectral`` or ``waveform``.
        stems: names of the outputs.
        network: answers a tensor for each stem, a tuple where there are several; None where ``graph`` is given.
        graph: an ONNX model with the right names and axes; None where ``network`` is given.
        licence, attribution: on what terms it may be passed on.
        source: where the weights came from.
        rate_hz: of what it sees.
        window_samples: of a waveform graph.
        spectrum: of a spectral graph.
        level_db: RMS that the mix is brought to.
        notes: free text.
    """

    name: str
    domain: str
    stems: tuple[str, ...]
    network: nn.Module | None = None
    graph: bytes | None = None
    licence: str
    attribution: tuple[str, ...]
    source: str
    rate_hz: int = RATE_HZ
    window_samples: int = 0
    spectrum: SpectrumSpec | None = None
    level_db: float = LEVEL_DB
    notes: str = ""

    @property
    def shape(self) -> tuple[int, ...]:
        """Of the input and every output, without the batch."""
        if self.spectrum is not None:
            return SIDES, self.spectrum.frames, self.spectrum.bins
        return SIDES, self.window_samples

    def spec(self, graph: str) -> ExportSpec:
        """The graph to export, named ``graph``."""
        assert self.network is not None  # only what is no graph yet is exported
        given = EXPERT_KINDS[self.domain][0]
        axes: list[str | int] = ["B", *self.shape]
        examples = {given: torch.rand(2, *self.shape) * 0.1}
        outputs: dict[str, list[str | int]] = {stem: list(axes) for stem in self.stems}
        return ExportSpec(graph, self.network, examples, {given: list(axes)}, outputs)
