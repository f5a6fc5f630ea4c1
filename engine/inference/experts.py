"""Experts: separators trained elsewhere that answer some prompts in place of the mask decoder, or beside it.

A spectral expert maps magnitudes to masks; a waveform expert maps audio to audio, from which a mask is computed. Either
way the user's own mix is filtered, so stem and rest still sum to it. The term nearest to a prompt chooses the expert.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from engine.bundle.bundle import Bundle
from engine.bundle.separation import EXPERT_KINDS, ExpertSpec, MaskDecoderSpec
from engine.errors import BundleError, RequestError
from engine.inference.masker import MaskDecoder, Masker, MaskOutput, MixWindows, magnitudes
from engine.inference.terms import TermTable, as_term
from engine.inference.windows import OverlapAdd, lay_windows
from engine.mask_pooling import mean_odds
from engine.runtime.backend import FloatArray, GraphSession
from engine.text.intent import Intent

NOBODY = "none"  # the name that means no expert
CONTEXT, FADE = 16, 64  # of a waveform window: 1/16 at each edge is discarded, 1/64 is cross-faded
SILENT = 1e-8  # magnitude of a bin against full scale, below which the mask is 0


class SpectralExpert:
    """A graph that outputs masks; see ``engine.inference.masker.Masker``.

    Args:
        graph: magnitudes ``mix`` -> a mask for each stem.
        stems: the outputs that can be asked for, one for each entry of a prompt; a single one answers every prompt.
        where: its name, for messages.
    """

    def __init__(self, graph: GraphSession, stems: Sequence[str], where: str) -> None:
        self._graph, self._stems, self._where = graph, tuple(stems), where

    def masks(self, excerpt: MixWindows, prompts_PE: FloatArray) -> MaskOutput:
        """See ``engine.inference.masker.Masker``."""
        answer = self._graph.run({"mix": excerpt.mix})
        wanted = [self._stems[index] for index in _chosen(prompts_PE, len(self._stems))]
        stem_PB2TF = np.clip(np.stack([_numbers(answer[stem], self._where) for stem in wanted]), 0, 1)
        return MaskOutput(stem_PB2TF, None, None)


class WaveformExpert:
    """A graph that outputs audio; see ``engine.inference.masker.Masker``.

    The mask of a bin is the stem's magnitude over the sum of stem's and rest's.

    Args:
        graph: ``audio`` -> audio for each stem.
        stems: the outputs that can be asked for, one for each entry of a prompt; a single one answers every prompt.
        where: its name, for messages.
    """

    def __init__(self, graph: GraphSession, window_samples: int, stems: Sequence[str], where: str) -> None:
        self._graph, self._window, self._stems, self._where = graph, window_samples, tuple(stems), where

    def masks(self, excerpt: MixWindows, prompts_PE: FloatArray) -> MaskOutput:
        """See ``engine.inference.masker.Masker``."""
        wanted = [self._stems[index] for index in _chosen(prompts_PE, len(self._stems))]
        found = self._separated(excerpt.audio_B2N, sorted(set(wanted)))
        masks = {stem: _ratio(audio_B2N, excerpt) for stem, audio_B2N in found.items()}
        stem_PB2TF = np.stack([masks[stem] for stem in wanted])
        return MaskOutput(stem_PB2TF, None, None)

    def _separated(self, audio_B2N: FloatArray, stems: Sequence[str]) -> dict[str, FloatArray]:
        """Audio of some stems, by overlap-add of the graph's windows; their outer context is discarded."""
        samples, window = audio_B2N.shape[2], self._window
        plan = lay_windows(samples, window, window // CONTEXT, max(1, window // FADE))
        padded_B2N = np.pad(audio_B2N, ((0, 0), (0, 0), (0, plan.frames - samples)))
        joiners = {stem: OverlapAdd(plan, 1) for stem in stems}
        parts: dict[str, list[FloatArray]] = {stem: [] for stem in stems}
        for start in plan.starts:
            answer = self._graph.run({"audio": np.ascontiguousarray(padded_B2N[:, :, start : start + window])})
            for stem in stems:
                output_B2N = _numbers(answer[stem], self._where)
                done_KN = joiners[stem].add(output_B2N.reshape(-1, window))
                parts[stem].append(done_KN.reshape(*output_B2N.shape[:2], -1))
        return {stem: np.concatenate(parts[stem], axis=2)[:, :, :samples] for stem in stems}


class BlendedExpert:
    """An expert and the mask decoder together; see ``engine.inference.masker.Masker``.

    Two networks that learnt from different music make different mistakes, so the mean of their log-odds is surer than
    either. The mask decoder says whether the stem is there.

    Args:
        decoder: the other; it reads the mix alone.
        share: weight of the expert, 0 to 1.
    """

    def __init__(self, expert: Masker, decoder: MaskDecoder, share: float) -> None:
        self._expert, self._decoder, self._share = expert, decoder, share

    def masks(self, excerpt: MixWindows, prompts_PE: FloatArray) -> MaskOutput:
        """See ``engine.inference.masker.Masker``."""
        one = self._expert.masks(excerpt, prompts_PE)
        other = self._decoder.masks(excerpt, prompts_PE, with_rest=False)
        return MaskOutput(mean_odds(one.stem_PB2TF, other.stem_PB2TF, self._share), None, other.presence_PBK)


def make_masker(graph: GraphSession, kind: str, axes: Sequence[str | int], stems: Sequence[str], where: str) -> Masker:
    """Wrap a graph as a masker.

    Args:
        graph: opened, or to be opened when it is first run.
        kind: of ``EXPERT_KINDS``.
        axes: of its input, as the manifest says.
        stems: the outputs that can be asked for.
        where: its name, for messages.
    """
    if kind == "spectral":
        return SpectralExpert(graph, stems, where)
    return WaveformExpert(graph, int(axes[-1]), stems, where)


@dataclass(frozen=True, slots=True)
class Experts:
    """The experts of a bundle and the terms that choose between them.

    Attributes:
        rows: from the manifest.
        maskers: by name.
        terms: of the bundle.
    """

    rows: tuple[ExpertSpec, ...]
    maskers: Mapping[str, Masker]
    terms: TermTable

    def masker_for(self, name: str, prompt: str, prompt_E: FloatArray) -> Masker | None:
        """The expert for a prompt; None for the mask decoder.

        Args:
            name: of the requested expert; ``none`` for no expert, "" to choose by the prompt.
            prompt: its words; "" where there are only examples.
        """
        if name:
            return None if name == NOBODY else self.maskers[name]
        term = self.term_of(prompt, prompt_E)
        chosen = next((row.name for row in self.rows if term in row.terms), None)
        return None if chosen is None else self.maskers[chosen]

    def term_of(self, prompt: str, prompt_E: FloatArray) -> str:
        """The term equal to the prompt, else the one with the nearest embedding; "" for an empty prompt."""
        word = as_term(prompt)
        if any(word in row.terms for row in self.rows):
            return word
        return self.terms.named(prompt, prompt_E)


def open_experts(
    bundle: Bundle, graphs: Mapping[str, GraphSession], decoder: MaskDecoder | None, terms: TermTable | None
) -> Experts | None:
    """The experts of a bundle; None where it has none.

    Args:
        graphs: opened, by their key in the manifest.
        decoder: of the bundle, beside which some experts answer.
        terms: of the bundle; None where it has none.
    """
    manifest = bundle.manifest
    if not manifest.experts or terms is None:
        return None
    maskers: dict[str, Masker] = {
        row.name: make_masker(
            graphs[row.graph],
            row.kind,
            manifest.graphs[row.graph].inputs[EXPERT_KINDS[row.kind][0]],
            [row.output],
            f"the expert {row.name}",
        )
        for row in manifest.experts
    }
    for row in manifest.experts:
        if row.share < 1 and decoder is not None:
            maskers[row.name] = BlendedExpert(maskers[row.name], decoder, row.share)
    return Experts(tuple(manifest.experts), maskers, terms)


class SeparatorMasker(MaskDecoder):
    """The graph of a separator bundle, used like a mask decoder."""

    at_once = 1  # such a graph may need gigabytes

    def __init__(self, masker: Masker, grid: MaskDecoderSpec) -> None:
        self.grid, self._masker = grid, masker

    def place(self, excerpt: MixWindows) -> None:
        """The separator takes what it reads of the windows itself, magnitudes or audio."""

    def begin(self, excerpt: MixWindows, prompts_PE: FloatArray, with_rest: bool = True) -> Callable[[], MaskOutput]:
        """See ``engine.inference.masker.MaskDecoder``."""
        answer = self._masker.masks(excerpt, prompts_PE)
        return lambda: answer


class StemNameEncoder:
    """Text encoder of a separator bundle: a prompt is the name of a stem and becomes a one-hot row.

    Args:
        stems: names, as ``lead-vocals``.
        where: name of the bundle, for messages.
    """

    def __init__(self, stems: Sequence[str], where: str) -> None:
        self._stems, self._where = tuple(stems), where

    def embed(self, prompts: Sequence[Intent], check: Any = None) -> FloatArray:
        """One-hot rows of the stems that prompts name; float32 (prompts, stems).

        Args:
            prompts: whose targets are names of stems; case, an article and hyphens do not matter.
            check: ignored; nothing here takes long.

        Raises:
            RequestError: a prompt names no stem.
        """
        rows_PE = np.zeros((len(prompts), len(self._stems)), np.float32)
        for row_E, prompt in zip(rows_PE, (intent.target for intent in prompts), strict=True):
            word = as_term(prompt)
            if word not in self._stems:
                raise RequestError(
                    "{where} is a separator and knows {known}, not {prompt!r}; "
                    "name one of these, or choose another bundle",
                    where=self._where,
                    known=", ".join(self._stems),
                    prompt=prompt[:80],
                )
            row_E[self._stems.index(word)] = 1
        return rows_PE


def check_expert(name: str, bundle: Bundle) -> None:
    """Check that a bundle has an expert of this name.

    Raises:
        RequestError: it has none; the message lists what there is.
    """
    there = [row.name for row in bundle.manifest.experts]
    if name in ("", NOBODY, *there):
        return
    if not there:
        raise RequestError("{bundle} has no experts; leave the expert out", bundle=bundle.label)
    raise RequestError(
        "{bundle} has no expert {name!r}; its experts are {known}; name one of them, or say {nobody}",
        bundle=bundle.label, name=name[:80], known=", ".join(there), nobody=NOBODY,
    )  # fmt: skip


def _chosen(prompts_PE: FloatArray, stems: int) -> list[int]:
    """Index of the stem for each prompt; a masker of a single stem uses it for every prompt."""
    return [0] * len(prompts_PE) if stems == 1 else [int(index) for index in prompts_PE.argmax(axis=1)]


def _ratio(stem_B2N: FloatArray, excerpt: MixWindows) -> FloatArray:
    stem_B2TF = magnitudes(stem_B2N, excerpt.grid)
    rest_B2TF = magnitudes(excerpt.audio_B2N - stem_B2N, excerpt.grid)
    both_B2TF = stem_B2TF + rest_B2TF
    silent = np.float32(SILENT * excerpt.grid.fft_samples / 2)
    mask_B2TF: FloatArray = np.where(both_B2TF > silent, stem_B2TF / np.maximum(both_B2TF, silent), np.float32(0))
    return mask_B2TF


def _numbers(values: FloatArray, where: str) -> FloatArray:
    if not np.isfinite(values).all():
        raise BundleError("{where} answered with values that are no numbers; use another bundle", where=where)
    return values
