"""Masks of several prompts: from the cache where they are known, else computed and kept there."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence

import numpy as np

from engine.audio.disk_array import DiskArrayUint16
from engine.bundle.separation import SIDES
from engine.inference.conditioning import Conditioning
from engine.inference.masker import DecoderTail, MaskDecoder, Masker
from engine.inference.mix_cache import MixCache, hash_array
from engine.inference.run import RunContext
from engine.separation.flow_estimates import FlowEstimates
from engine.separation.mask_store import StemMasks, compute_masks, has_gate, hear_mix, window_grid
from engine.separation.stereo_section import StereoSection


def stem_masks(
    run: RunContext, mix: StereoSection, masker: Masker, conditionings: Sequence[Conditioning],
    estimates: FlowEstimates, held: contextlib.ExitStack,
) -> list[StemMasks]:  # fmt: skip
    """Masks of several prompts by one masker.

    Args:
        masker: of all the prompts; one that reads the flow's estimates takes a single one.
        estimates: the flow's, for a masker that reads them.
        held: closes the files.
    """
    keys = [_key(run, mix, masker, one) for one in conditionings]
    known = {at: masks for at, key in enumerate(keys) if (masks := _load(run, mix, masker, key, held)) is not None}
    missing = [at for at in range(len(keys)) if at not in known]
    if missing:
        computed = _computed(run, mix, masker, [conditionings[at] for at in missing], estimates, held)
        for at, masks in zip(missing, computed, strict=True):
            known[at] = masks
            if run.cache is not None and keys[at]:
                run.cache.store(keys[at], masks.rows, [] if masks.presence_K is None else masks.presence_K.tolist())
    return [known[at] for at in range(len(keys))]


def wants_estimates(masker: Masker) -> bool:
    """True for a mask decoder that reads the flow's estimates beside the mix."""
    return isinstance(masker, MaskDecoder) and masker.takes_estimate


def _computed(
    run: RunContext, mix: StereoSection, masker: Masker, conditionings: Sequence[Conditioning],
    estimates: FlowEstimates, held: contextlib.ExitStack,
) -> list[StemMasks]:  # fmt: skip
    prompts_PE = np.stack([one.prompt_SE[run.rule.prompt_slot] for one in conditionings])
    if run.cache is not None and isinstance(masker, MaskDecoder) and masker.end is not None:
        heard = held.enter_context(_heard(run.within(0.0, 0.8), run.cache, mix, masker, masker.end))
        return compute_masks(run.within(0.8, 1.0), mix, masker, prompts_PE, held, heard=heard)
    if not wants_estimates(masker):
        return compute_masks(run, mix, masker, prompts_PE, held)
    estimate = estimates.of(run.within(0.0, 0.5), conditionings[0], held)
    return compute_masks(run.within(0.5, 1.0), mix, masker, prompts_PE, held, estimate)


def _heard(
    run: RunContext, cache: MixCache, mix: StereoSection, decoder: MaskDecoder, end: DecoderTail
) -> DiskArrayUint16:
    """What the mask decoder hears before any prompt, from the cache where it is known."""
    end = end.of_frames(window_grid(mix, decoder).frames, decoder.grid.frames)
    key = cache.key("heard", mix.sha256)
    if found := cache.load(key, lambda: DiskArrayUint16(run.folder, end.width)):
        return found[0]
    heard = hear_mix(run, mix, decoder, end)
    cache.store(key, heard)
    return heard


def _key(run: RunContext, mix: StereoSection, masker: Masker, conditioning: Conditioning) -> str:
    """Name of a mask in the cache; "" where it is not kept."""
    if run.cache is None:
        return ""
    name, said = _name(run, masker), conditioning.prompt_SE[run.rule.prompt_slot]
    if wants_estimates(masker):
        if run.examples is not None:
            return ""  # its flow sees their pictures too
        said = conditioning.prompt_SE
    return run.cache.key("masks", mix.sha256, name, run.rule.answer.name, hash_array(said))


def _name(run: RunContext, masker: Masker) -> str:
    experts = {} if run.model.experts is None else run.model.experts.maskers
    names: dict[str, Masker] = {f"expert {name}": one for name, one in experts.items()}
    names |= {f"parts of {one.whole}": one for one in run.model.cascades}
    return next((name for name, one in names.items() if one is masker), "decoder")


def _load(
    run: RunContext, mix: StereoSection, masker: Masker, key: str, held: contextlib.ExitStack
) -> StemMasks | None:
    if run.cache is None or not key:
        return None
    width = SIDES * mix.grid.bins
    found = run.cache.load(key, lambda: DiskArrayUint16(run.folder, width))
    if found is None:
        return None
    rows, presence = found
    return StemMasks(mix.grid, held.enter_context(rows), np.array(presence) if presence else None, has_gate(masker))
