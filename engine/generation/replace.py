"""Replace: edit a mix in place. Take a sound out, make another that fits what is left, put it where the old one was.

Outside the regions every sample stays as it is. Inside, the new mix is the rest plus the new stem, exactly, in the
output format; when the sum would clip, the new stem alone gives way.
"""

from __future__ import annotations

import contextlib
import dataclasses
import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from engine.audio.atomic import Draft
from engine.audio.disk_array import Scratch
from engine.audio.quantize import NullMeter, headroom, in_range, level_db, lowered, on_grid, split, together
from engine.audio.reader import FloatArray, Samples, blocks, resampled, samples_at
from engine.audio.soft_mask import presence
from engine.audio.writer import result_name
from engine.generation.context import Hole, Powers, Scene, frames_of, gain_of, known_of, latents_of, windows_of
from engine.generation.inpaint import Sound, make_sounds
from engine.inference.clip import Feed, Mono, Section, at_user_rate
from engine.inference.conditioning import Asked, replacement_of
from engine.inference.crossfade import edge_weight
from engine.inference.model import walk_of
from engine.inference.output import Answer, Brief, Rendered, close_all, write_tracks
from engine.inference.rerank import best_first
from engine.inference.run import Job, part_of
from engine.latents import Slot
from engine.separation.by_flow import take_by_flow
from engine.separation.by_mask import mask_decoder, take_by_masks
from engine.separation.split import Taken

LOWEST_GAIN = 10 ** (-6 / 20)  # of a new stem that would make the mix clip; single peaks beyond that are cut


@dataclass(frozen=True, slots=True)
class Patch:
    """One region, ready to be put back.

    Attributes:
        taken: the old sound; ``taken.wanted`` is the region.
        sounds: what can take its place, one a candidate, from the start of ``taken.section``.
        energies: of what is taken out, and of the mix, in the region.
    """

    taken: Taken
    sounds: list[Sound]
    energies: tuple[float, float]


@dataclass(frozen=True, slots=True)
class _Parted:
    """A section of the mix taken apart, as the model hears it, and how loud the parts are in the region."""

    stem: Mono
    rest: Mono
    power_C: Powers
    energies: tuple[float, float]


def replace(job: Job, brief: Brief, asked: list[Asked], part: tuple[float, float]) -> Iterator[list[Answer]]:
    """The mix with something else in the place of each prompt, best candidate first.

    Args:
        job: the running request.
        brief: the mix and the regions that may change.
        asked: what is taken out.
        part: share of the progress.
    """
    new = replacement_of(job)
    for number, old in enumerate(asked):
        share = part_of(part, number / len(asked), (number + 1) / len(asked))
        with contextlib.ExitStack() as held:
            patches = []
            for place, span in enumerate(brief.place.spans):
                spans = len(brief.place.spans)
                here = part_of(share, 0.8 * place / spans, 0.8 * (place + 1) / spans)
                patches.append(_patch(job, brief, span, (old, new), held, here))
            count = job.request.candidates
            answers = [
                _written(job, brief, (old, new), patches, k, part_of(share, 0.8 + 0.2 * k / count, 1.0))
                for k in range(count)
            ]
        yield best_first(answers)


def _patch(
    job: Job, brief: Brief, span: Section, names: tuple[Asked, Asked], held: contextlib.ExitStack,
    part: tuple[float, float],
) -> Patch:  # fmt: skip
    old, new = names
    manifest, rate_hz = job.model.bundle.manifest, brief.target.rate_hz
    by_words = dataclasses.replace(job, examples=None)  # the others say how the new sound is, not what to look for
    if (decoder := mask_decoder(job)) is not None:
        taken = take_by_masks(by_words, brief.input, span, old, decoder, held, part_of(part, 0.0, 0.3))
    else:
        taken = take_by_flow(by_words, brief.input, span, old, held, part_of(part, 0.0, 0.3))
    parted = _parted(job, taken)
    walk, section = walk_of(job.request, manifest), taken.section
    with parted.stem.scratch, parted.rest.scratch:
        here = Section(span.start - section.start, span.stop - section.start)
        windows = windows_of(job, section.samples, rate_hz)
        first, last = frames_of(job, here, section.samples, windows.frames, rate_hz)
        context = windows.context  # what is made there is cut off: the edges of the region are well inside
        fill = max(0, first - context), min(windows.frames, last + context)
        known_SF = known_of(job.request, windows.frames, (fill,), rest_given=True)
        given = {Slot.STEM: parted.stem, Slot.REST: parted.rest}
        gain = gain_of(given, known_SF)
        files = {slot: mono.scratch for slot, mono in given.items()}
        latents = latents_of(job, files, gain, windows, walk.strength, held, part_of(part, 0.3, 0.4))
    holes = (Hole(here, fill, parted.power_C),) if walk.strength else ()
    start_s, channels = section.start / rate_hz, brief.target.channels
    scene = Scene(None, section.samples, holes, latents, known_SF, gain, start_s, rate_hz, channels)
    sounds = make_sounds(job, scene, new.prompt_SE, walk, part_of(part, 0.4, 1.0), brief.peak)
    for sound in sounds:
        held.enter_context(sound.audio)
    return Patch(taken, sounds, parted.energies)


def _parted(job: Job, taken: Taken) -> _Parted:
    """Stem and rest of everything that was heard, as the model is to hear them again."""
    info, section, wanted = taken.info, taken.section, taken.wanted
    model_hz = job.model.grid.sample_rate_hz
    stem, rest = Scratch(job.folder, 1), Scratch(job.folder, 1)
    energy_C, energies, powers = np.zeros(info.channels), np.zeros(2), np.zeros(2)

    def both() -> Iterator[Samples]:
        at = section.start
        for pair in taken.pairs(section):
            inside = slice(max(wanted.start - at, 0), max(wanted.stop - at, 0))
            at += pair.mix_CN.shape[1]
            energy_C[:] += np.square(pair.stem_CN[:, inside]).sum(axis=1)
            energies[:] += [np.square(part_CN[:, inside]).sum() for part_CN in (pair.stem_CN, pair.mix_CN)]
            yield np.stack([pair.stem_CN.mean(axis=0), (pair.mix_CN - pair.stem_CN).mean(axis=0)])

    total = samples_at(section.samples, info.rate_hz, model_hz)
    try:
        for both_2N in resampled(both(), 2, info.rate_hz, model_hz, total):
            job.check()
            for scratch, track_N in zip((stem, rest), both_2N, strict=True):
                scratch.append(track_N[:, None])
            powers += np.square(both_2N, dtype=np.float64).sum(axis=1)
    except BaseException:
        stem.close()
        rest.close()
        raise
    stem_power, rest_power = powers / total
    return _Parted(
        Mono(stem, float(stem_power), 1.0),
        Mono(rest, float(rest_power), 1.0),
        energy_C / wanted.samples,
        (float(energies[0]), float(energies[1])),
    )


def _written(
    job: Job, brief: Brief, names: tuple[Asked, Asked], patches: list[Patch], candidate: int, part: tuple[float, float]
) -> Answer:
    old, new = names
    sounds = [patch.sounds[candidate] for patch in patches]
    files = {"mix": "", "stem": "stem", "rest": "rest"}
    title = f"{new.name} for {old.name}"
    wanted = {what: result_name(brief.name, title, brief.target.suffix, word) for what, word in files.items()}
    rendered = _rendered(job, brief, patches, candidate, wanted, part)
    there = _there(patches, job.model.bundle.manifest.presence)
    alike = [sound.similarity for sound in sounds if sound.similarity is not None]
    windows = [_old_in(patch, job.model.bundle.manifest.presence) for patch in patches]
    return Answer(
        old.prompt, there, rendered, brief,
        candidate=candidate,
        similarity=float(np.mean(alike)) if alike else None,
        made=float(np.mean([sound.presence for sound in sounds])),
        windows=tuple(windows),
    )  # fmt: skip


def _there(patches: list[Patch], curve: dict[str, float]) -> float:
    """Whether the old sound is in some regions: as the mask decoder says, else by its level in all of them together."""
    stem, mix = np.sum([patch.energies for patch in patches], axis=0)
    if mix <= 0:
        return 0.0
    said = [patch.taken.presence for patch in patches if patch.taken.presence is not None]
    return max(said) if said else presence(level_db(stem, mix), curve)


def _old_in(patch: Patch, curve: dict[str, float]) -> tuple[float, float, float]:
    """Where a region begins and ends in the mix, in seconds, and whether the old sound is in it."""
    span, rate_hz = patch.taken.wanted, patch.taken.info.rate_hz
    there = _there([patch], curve)
    return round(span.start / rate_hz, 6), round(span.stop / rate_hz, 6), there


def _rendered(
    job: Job, brief: Brief, patches: list[Patch], candidate: int, names: dict[str, str], part: tuple[float, float]
) -> Rendered:
    bits, gain = brief.target.bits, 1.0
    while True:
        meter, energies, room = NullMeter(bits), np.zeros(2), np.ones(1)

        def tracks(
            gain: float = gain, meter: NullMeter = meter, energies: Samples = energies, room: Samples = room
        ) -> Iterator[list[Samples]]:
            seen = 0
            for rest_CN, made_CN, is_inside in _layers(job, brief, patches, candidate):
                room[0] = min(room[0], headroom(rest_CN, made_CN * gain, bits))
                made_CN = in_range(in_range(made_CN * gain, bits), bits, rest_CN)  # alone, and on top of the rest
                rest_CN, stem_CN = together([rest_CN, made_CN], bits)
                mix_CN, stem_CN, rest_CN = (in_range(x_CN, bits) for x_CN in (rest_CN + stem_CN, stem_CN, rest_CN))
                meter.add(mix_CN, stem_CN, rest_CN)
                if is_inside:
                    energies += np.square(stem_CN).sum(), np.square(mix_CN).sum()
                seen += mix_CN.shape[1]
                job.progress(part, seen / brief.input.samples, "write")
                yield [mix_CN, stem_CN, rest_CN]

        drafts: dict[str, Draft]
        drafts, _ = write_tracks(job, tracks(), brief.target, names)
        if room[0] == 1.0 or gain != 1.0:
            level = level_db(*energies) if energies[1] > 0 else None
            return Rendered(drafts, meter.null_db, level, 20 * math.log10(gain))
        close_all(drafts)
        gain = max(lowered(float(room[0])), LOWEST_GAIN)


def _layers(job: Job, brief: Brief, patches: list[Patch], candidate: int) -> Iterator[tuple[Samples, Samples, bool]]:
    """The whole file block by block: what stays, what is new, and whether that is inside a region."""
    info, bits, at = brief.input, brief.target.bits, 0
    for patch in patches:
        for mix_CN in job.clock.each("read", blocks(info, at, patch.taken.wanted.start)):
            yield on_grid(mix_CN, bits), np.zeros_like(mix_CN), False
        for rest_CN, made_CN in _inside(job, brief, patch, patch.sounds[candidate]):
            yield rest_CN, made_CN, True
        at = patch.taken.wanted.stop
    for mix_CN in job.clock.each("read", blocks(info, at, info.samples)):
        yield on_grid(mix_CN, bits), np.zeros_like(mix_CN), False


def _inside(job: Job, brief: Brief, patch: Patch, sound: Sound) -> Iterator[tuple[Samples, Samples]]:
    """One region: the mix without the old stem, on the grid of the format, and the new stem, faded at the edges."""
    info, section, span = brief.input, patch.taken.section, patch.taken.wanted
    bits, at = brief.target.bits, span.start
    made = Feed(at_user_rate(sound.audio, job.model.grid.sample_rate_hz, info.rate_hz, section.samples), 1)
    made.take(span.start - section.start)
    for pair in patch.taken.pairs(span):
        count = pair.mix_CN.shape[1]
        weight_N = edge_weight(np.arange(at, at + count), span, info.rate_hz, Section(0, info.samples))
        at += count
        old_CN, left_CN = split(pair.mix_CN, pair.stem_CN * weight_N, bits, 1.0)
        rest_CN = in_range(left_CN, bits)
        mono_N: FloatArray = made.take(count)[0]
        if sound.gains:
            yield rest_CN, mono_N.astype(np.float64) * sound.gains[0][:, None] * weight_N
        else:
            stem_CN = old_CN + (left_CN - rest_CN)
            held_CN = in_range(stem_CN, bits)
            yield rest_CN + (stem_CN - held_CN), held_CN
