"""Replace: edit a mix in place. Separate a stem, generate another that fits the rest, put it where the old one was.

What is not heard is not replaced, unless the request says so: a new sound would come on top of the music.
Outside the regions every sample stays as it is. Inside, the new mix is rest plus new stem, exactly, in the output
format; where the sum would clip, only the new stem is turned down.
"""

from __future__ import annotations

import contextlib
import dataclasses
import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from engine.audio.disk_array import DiskArray
from engine.audio.file_names import ResultName
from engine.audio.quantize import (
    NullMeter,
    clip_to_range,
    gain_below,
    headroom,
    level_db,
    quantize,
    quantize_pair,
    quantize_sum,
)
from engine.audio.reader import FloatArray, Samples, blocks, resampled, samples_at
from engine.audio.soft_mask import presence
from engine.bundle.separation import LEVEL_PRESENCE
from engine.errors import NotHeard
from engine.generation.context import (
    FillRegion,
    InpaintContext,
    Powers,
    common_gain,
    encode_slots,
    fill_frames,
    known_latents,
    window_plan,
)
from engine.generation.inpaint import Candidate, sample_candidates
from engine.generation.line_tempo import LineTempo
from engine.generation.made_latents import DiskLatents
from engine.generation.sampled import LineSource, VoiceCandidates, plays_one_voice, replay
from engine.generation.voice_description import place_of, told_of
from engine.inference.clip import MonoClip, SampleRange
from engine.inference.conditioning import Conditioning, replacement_conditioning
from engine.inference.crossfade import edge_weight
from engine.inference.model import resolve_sampling
from engine.inference.output import (
    OutputSpec,
    RenderedFiles,
    ResultDraft,
    TaskResult,
    close_all,
    null_of,
    write_tracks,
)
from engine.inference.rerank import rank_candidates
from engine.inference.run import RunContext
from engine.latents import SLOTS, Slot
from engine.separation.by_flow import split_by_flow
from engine.separation.by_mask import mask_decoder, split_by_masks
from engine.separation.split import SeparatedSection

LOWEST_GAIN = 10 ** (-6 / 20)  # of a new stem that would make the mix clip; peaks beyond that are clipped
HEARD = 0.5  # presence from which on a stem counts as there, for which the mask decoder is calibrated
SILENT_DB = -30.0  # against the mix: a stem whose presence nobody estimated counts as absent below it


@dataclass(frozen=True, slots=True)
class RegionEdit:
    """One region with its replacements.

    Attributes:
        old: what was there.
        candidates: new stems, from the start of ``separated.section``.
    """

    old: OldStem
    candidates: list[Candidate]

    @property
    def separated(self) -> SeparatedSection:
        """The old stem; ``separated.wanted`` is the region."""
        return self.old.separated


@dataclass(frozen=True, slots=True)
class OldStem:
    """What is to be replaced in one region.

    Attributes:
        separated: the stem as it was taken out.
        split: it and the rest, as the model hears them.
    """

    separated: SeparatedSection
    split: SplitSection


@dataclass(frozen=True, slots=True)
class SplitSection:
    """Stem and rest of a section as mono at the model's rate, and their levels in the region."""

    stem: MonoClip
    rest: MonoClip
    power_C: Powers
    energies: tuple[float, float]


def replace(run: RunContext, spec: OutputSpec, conditionings: list[Conditioning]) -> Iterator[list[TaskResult]]:
    """The mix with each prompt replaced, best candidate first.

    Args:
        spec: the mix and the spans that may change.
    """
    new, tempo = replacement_conditioning(run), LineTempo(run, spec)
    with contextlib.ExitStack() as kept:
        found = []
        for number, old in enumerate(conditionings):
            share = run.within(0.0, 0.3).nth(number, len(conditionings))
            found.append(_old_stems(share, spec, old, kept))
            _check_heard(run, spec, (old, new), found[-1])
        for number, (old, stems) in enumerate(zip(conditionings, found, strict=True)):
            share = run.within(0.3, 1.0).nth(number, len(conditionings))
            with contextlib.ExitStack() as held:
                edits = [
                    _edit_region(share.within(0.0, 0.7).nth(index, len(stems)), spec, stem, (old, new), tempo, held)
                    for index, stem in enumerate(stems)
                ]
                count = run.request.candidates
                results = [
                    _write(share.within(0.7 + 0.3 * k / count, 1.0), spec, (old, new), edits, k) for k in range(count)
                ]
            yield rank_candidates(results)


def _old_stems(
    run: RunContext, spec: OutputSpec, conditioning: Conditioning, held: contextlib.ExitStack
) -> list[OldStem]:
    """What a prompt names, taken out of each region."""
    by_words = dataclasses.replace(run, examples=None)  # examples describe the new sound, not the old one
    stems, spans = list[OldStem](), spec.region.spans
    for index, span in enumerate(spans):
        share = by_words.nth(index, len(spans))
        if (decoder := mask_decoder(run)) is not None:
            separated = split_by_masks(share.within(0.0, 0.8), spec.input, span, conditioning, decoder, held)
        else:
            separated = split_by_flow(share.within(0.0, 0.8), spec.input, span, conditioning, held)
        split = _split_section(share.within(0.8, 1.0), separated)
        held.enter_context(split.stem.audio)
        held.enter_context(split.rest.audio)
        stems.append(OldStem(separated, split))
    return stems


def _check_heard(
    run: RunContext, spec: OutputSpec, names: tuple[Conditioning, Conditioning], stems: list[OldStem]
) -> None:
    """Refuse to replace what is heard in none of the regions, before anything is made."""
    there = _old_presence(stems, run.model.bundle.manifest.presence)
    if run.request.anyway or there >= HEARD or not _is_absent(stems):
        return
    old, new = names
    raise NotHeard(
        "{prompt} is not heard in {place} (presence {presence:.2f} of 1), so nothing was replaced; name what does play "
        "there, or add --anyway to have {new} in its place all the same",
        prompt=old.prompt, place=place_of(run.request, spec.input), presence=there, new=new.name,
    )  # fmt: skip


def _is_absent(stems: list[OldStem]) -> bool:
    """True where low presence means absent: where it is calibrated, else where the stem is all but silent."""
    if any(one.separated.presence is not None for one in stems):
        return True
    stem, mix = np.sum([one.split.energies for one in stems], axis=0)
    return bool(mix <= 0 or level_db(stem, mix) < SILENT_DB)


def _edit_region(
    run: RunContext, spec: OutputSpec, old: OldStem, names: tuple[Conditioning, Conditioning], tempo: LineTempo,
    held: contextlib.ExitStack,
) -> RegionEdit:  # fmt: skip
    new, separated, parts = names[1], old.separated, old.split
    manifest, rate_hz, span = run.model.bundle.manifest, spec.format.rate_hz, old.separated.wanted
    by_voice = VoiceCandidates([])
    sampling, section = resolve_sampling(run.request, manifest), separated.section
    with parts.stem.audio, parts.rest.audio:
        if run.request.voice == "sampled":
            by_voice = _played_again(run.within(0.15, 1.0), spec, separated, names, parts.power_C, tempo)
            if by_voice.candidates:
                for candidate in by_voice.candidates:
                    held.enter_context(candidate.audio)
                return RegionEdit(old, by_voice.candidates)
        here = SampleRange(span.start - section.start, span.stop - section.start)
        windows = window_plan(run, section.samples, rate_hz)
        first, last = fill_frames(run, here, section.samples, windows.frames, rate_hz)
        margin = windows.context  # generated but cut off, so that the edges of the region are well inside
        fill = max(0, first - margin), min(windows.frames, last + margin)
        known_SF = known_latents(run.request, windows.frames, (fill,), rest_given=True)
        given = {Slot.STEM: parts.stem, Slot.REST: parts.rest}
        gain = common_gain(given, known_SF)
        files = {slot: mono.audio for slot, mono in given.items()}
        latents = encode_slots(run.within(0.0, 0.15), files, gain, windows, sampling.strength, (fill,), held)
    regions = (FillRegion(here, fill, parts.power_C),) if sampling.strength else ()
    start_s, channels = section.start / rate_hz, spec.format.channels
    context = InpaintContext(None, section.samples, regions, latents, known_SF, gain, start_s, rate_hz, channels)
    candidates = sample_candidates(run.within(0.15, 1.0), context, new.prompt_SE, sampling, spec.peak)
    for candidate in candidates:
        held.enter_context(candidate.audio)
    told = [dataclasses.replace(candidate, remarks=by_voice.remarks) for candidate in candidates]
    return RegionEdit(old, told)


def _played_again(
    run: RunContext,
    spec: OutputSpec,
    separated: SeparatedSection,
    names: tuple[Conditioning, Conditioning],
    power_C: Powers,
    tempo: LineTempo,
) -> VoiceCandidates:
    """The old stem's line on recorded instruments, from the start of the section."""
    section, rate_hz = separated.section, spec.format.rate_hz
    here = SampleRange(separated.wanted.start - section.start, separated.wanted.stop - section.start)
    known_SF = np.zeros((SLOTS, 1), np.bool_)
    region = FillRegion(here, (0, 1), power_C)
    context = InpaintContext(
        None, section.samples, (region,), DiskLatents({}), known_SF, 1.0, section.start / rate_hz, rate_hz,
        spec.format.channels,
    )  # fmt: skip
    one_voice = plays_one_voice(run, names[0])
    old = LineSource(
        lambda: (pair.stem_CN for pair in separated.pairs(section)), rate_hz, section.samples, one_voice, tempo
    )
    return replay(run, old, names[1], context, spec.peak)


def _split_section(run: RunContext, separated: SeparatedSection) -> SplitSection:
    """Stem and rest of the separated section as mono at the model's rate."""
    info, section, wanted = separated.info, separated.section, separated.wanted
    model_hz = run.model.grid.sample_rate_hz
    stem, rest = DiskArray(run.folder, 1), DiskArray(run.folder, 1)
    energy_C, energies, powers = np.zeros(info.channels), np.zeros(2), np.zeros(2)

    def both() -> Iterator[Samples]:
        at = section.start
        for pair in separated.pairs(section):
            inside = slice(max(wanted.start - at, 0), max(wanted.stop - at, 0))
            at += pair.mix_CN.shape[1]
            energy_C[:] += np.square(pair.stem_CN[:, inside]).sum(axis=1)
            energies[:] += [np.square(part_CN[:, inside]).sum() for part_CN in (pair.stem_CN, pair.mix_CN)]
            yield np.stack([pair.stem_CN.mean(axis=0), (pair.mix_CN - pair.stem_CN).mean(axis=0)])

    total = samples_at(section.samples, info.rate_hz, model_hz)
    try:
        for both_2N in resampled(both(), 2, info.rate_hz, model_hz, total):
            run.check()
            for scratch, track_N in zip((stem, rest), both_2N, strict=True):
                scratch.append(track_N[:, None])
            powers += np.square(both_2N, dtype=np.float64).sum(axis=1)
    except BaseException:
        stem.close()
        rest.close()
        raise
    stem_power, rest_power = powers / total
    return SplitSection(
        MonoClip(stem, float(stem_power), 1.0),
        MonoClip(rest, float(rest_power), 1.0),
        energy_C / wanted.samples,
        (float(energies[0]), float(energies[1])),
    )


def _write(
    run: RunContext, spec: OutputSpec, names: tuple[Conditioning, Conditioning], edits: list[RegionEdit], index: int
) -> TaskResult:
    old, new = names
    candidates = [edit.candidates[index] for edit in edits]
    swap = f"{new.name} for {old.name}"
    wanted = {
        "mix": ResultName(swap),
        "stem": ResultName(swap, "stem", new.name),
        "rest": ResultName(swap, "rest", f"without {old.name}"),
    }
    rendered = _render(run, spec, edits, index, wanted)
    there = _old_presence([edit.old for edit in edits], run.model.bundle.manifest.presence)
    alike = [candidate.similarity for candidate in candidates if candidate.similarity is not None]
    windows = [_presence_window(edit, run.model.bundle.manifest.presence) for edit in edits]
    return TaskResult(
        old.prompt, there, rendered, spec,
        candidate=index,
        similarity=float(np.mean(alike)) if alike else None,
        made=float(np.mean([candidate.presence for candidate in candidates])),
        windows=tuple(windows),
        **told_of(run, new, candidates),
    )  # fmt: skip


def _old_presence(stems: list[OldStem], curve: dict[str, float]) -> float:
    """Presence of the old stem in some regions, by the mask decoder and as ``isolate`` says it, else from its level."""
    stem, mix = np.sum([one.split.energies for one in stems], axis=0)
    if mix <= 0:
        return 0.0
    said = [one.separated.presence for one in stems if one.separated.presence is not None]
    if not said:
        return presence(level_db(stem, mix), curve)
    if all(one.separated.is_gated for one in stems):
        return max(said)
    return min(max(said), presence(level_db(stem, mix), LEVEL_PRESENCE))


def _presence_window(edit: RegionEdit, curve: dict[str, float]) -> tuple[float, float, float]:
    """``(start_s, end_s, presence)`` of the old stem in one region, in seconds of the mix."""
    span, rate_hz = edit.separated.wanted, edit.separated.info.rate_hz
    there = _old_presence([edit.old], curve)
    return round(span.start / rate_hz, 6), round(span.stop / rate_hz, 6), there


def _render(
    run: RunContext, spec: OutputSpec, edits: list[RegionEdit], index: int, names: dict[str, ResultName]
) -> RenderedFiles:
    bits, gain = spec.format.bits, 1.0
    while True:
        meter, energies, room = NullMeter(bits), np.zeros(2), np.ones(1)

        def tracks(
            gain: float = gain, meter: NullMeter = meter, energies: Samples = energies, room: Samples = room
        ) -> Iterator[list[Samples]]:
            seen = 0
            for rest_CN, made_CN, is_inside in _layers(run, spec, edits, index):
                room[0] = min(room[0], headroom(rest_CN, made_CN * gain, bits))
                made_CN = clip_to_range(
                    clip_to_range(made_CN * gain, bits), bits, rest_CN
                )  # by itself, and added to the rest
                rest_CN, stem_CN = quantize_sum([rest_CN, made_CN], bits)
                mix_CN, stem_CN, rest_CN = (clip_to_range(x_CN, bits) for x_CN in (rest_CN + stem_CN, stem_CN, rest_CN))
                meter.add(mix_CN, stem_CN, rest_CN)
                if is_inside:
                    energies += np.square(stem_CN).sum(), np.square(mix_CN).sum()
                seen += mix_CN.shape[1]
                run.progress(seen / spec.input.samples, "write")
                yield [mix_CN, stem_CN, rest_CN]

        drafts: dict[str, ResultDraft]
        drafts, _ = write_tracks(run, tracks(), spec.format, names)
        if room[0] == 1.0 or gain != 1.0:
            level = level_db(*energies) if energies[1] > 0 else None
            return RenderedFiles(drafts, null_of(meter, spec.format), level, 20 * math.log10(gain))
        close_all(drafts)
        gain = max(gain_below(float(room[0])), LOWEST_GAIN)


def _layers(
    run: RunContext, spec: OutputSpec, edits: list[RegionEdit], index: int
) -> Iterator[tuple[Samples, Samples, bool]]:
    """The whole file block by block: rest, new stem, and whether the block is inside a region."""
    info, bits, at = spec.input, spec.format.bits, 0
    for edit in edits:
        for mix_CN in run.timer.each("read", blocks(info, at, edit.separated.wanted.start)):
            yield quantize(mix_CN, bits), np.zeros_like(mix_CN), False
        for rest_CN, made_CN in _inside(run, spec, edit, edit.candidates[index]):
            yield rest_CN, made_CN, True
        at = edit.separated.wanted.stop
    for mix_CN in run.timer.each("read", blocks(info, at, info.samples)):
        yield quantize(mix_CN, bits), np.zeros_like(mix_CN), False


def _inside(
    run: RunContext, spec: OutputSpec, edit: RegionEdit, candidate: Candidate
) -> Iterator[tuple[Samples, Samples]]:
    """One region: the quantized mix without the old stem, and the new stem, faded at the edges."""
    info, section, span = spec.input, edit.separated.section, edit.separated.wanted
    bits, at = spec.format.bits, span.start
    made = candidate.feed(run, info.rate_hz, section.samples)
    made.take(span.start - section.start)
    for pair in edit.separated.pairs(span):
        count = pair.mix_CN.shape[1]
        weight_N = edge_weight(np.arange(at, at + count), span, info.rate_hz, SampleRange(0, info.samples))
        at += count
        old_CN, left_CN = quantize_pair(pair.mix_CN, pair.stem_CN * weight_N, bits, 1.0)
        rest_CN = clip_to_range(left_CN, bits)
        new_KN: FloatArray = made.take(count)  # one row, or one for each channel
        if candidate.gains:
            yield rest_CN, new_KN.astype(np.float64) * candidate.gains[0][:, None] * weight_N
        else:
            stem_CN = old_CN + (left_CN - rest_CN)
            held_CN = clip_to_range(stem_CN, bits)
            yield rest_CN + (stem_CN - held_CN), held_CN
