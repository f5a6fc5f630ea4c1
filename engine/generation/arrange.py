"""Arrange: one stem for each prompt, each made to fit the sum of those before it, and the mix of them all.

In whole-number formats a given rest is part of the sum as it is; of a float32 rest, what lies below the last place of
the sum is rounded off, since no float32 sum could hold it.
Source: MGE-LDM (arXiv 2505.23305) appendix D, iterative generation: regenerate with a growing submixture.
Knows nothing of queues or bundles on disk.
"""

from __future__ import annotations

import contextlib
import math
import re
from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from engine.audio.disk_array import Scratch
from engine.audio.quantize import NullMeter, headroom, in_range, lowered, on_grid, sharing, together
from engine.audio.reader import Samples, blocks
from engine.audio.writer import result_name
from engine.generation.context import (
    Hole,
    Powers,
    Scene,
    added,
    known_of,
    latents_of,
    power_and_peak,
    power_to_fit,
    windows_of,
)
from engine.generation.inpaint import Sound, make_sounds
from engine.generation.replace import LOWEST_GAIN
from engine.inference.clip import Feed, Section, at_user_rate, gain_into_model, take_in
from engine.inference.conditioning import Asked
from engine.inference.model import walk_of
from engine.inference.output import Answer, Brief, Rendered, close_all, write_tracks
from engine.inference.rerank import fit
from engine.inference.run import Job, part_of
from engine.latents import Slot

# What carries the time comes first, then what carries the key, so that everything later has something to follow.
# The first row with a word of the prompt decides; what no row knows goes before the lead.
PARTS: tuple[tuple[str, frozenset[str]], ...] = tuple(
    (name, frozenset(words.split()))
    for name, words in (
        ("drums", "drum drums drumkit percussion kick snare hihat hat hats cymbal cymbals tom toms clap claps shaker "
                  "tambourine conga congas bongo bongos beat beats timpani"),
        ("lead", "lead solo melody vocal vocals voice singer sung whistle"),
        ("bass", "bass sub contrabass tuba"),
        ("harmony", "chord chords pad pads piano organ keys keyboard rhodes harpsichord accordion guitar banjo ukulele "
                    "harp strings choir marimba vibraphone celesta brass horns orchestra arpeggio"),
    )
)  # fmt: skip
ORDER = ("drums", "bass", "harmony", "", "lead")


def arrange(job: Job, brief: Brief, asked: list[Asked], part: tuple[float, float]) -> Iterator[list[Answer]]:
    """Stems that go together, in the order of the prompts; the first answer also holds the mix.

    Args:
        job: the running request.
        brief: how long it is to be, and a rest to begin with, if there is one.
        asked: the prompts.
        part: share of the progress.
    """
    order = range(len(asked)) if job.request.keep_order else making_order([one.prompt for one in asked])
    with contextlib.ExitStack() as held:
        rest, power_C = _begin(job, brief, held, part_of(part, 0.0, 0.05))
        found: dict[int, list[Sound]] = {}
        for number, index in enumerate(order):
            share = part_of(part, 0.05 + 0.8 * number / len(asked), 0.05 + 0.8 * (number + 1) / len(asked))
            sounds = _next(job, brief, rest, power_C, asked[index], number, share)
            for sound in sounds:
                held.enter_context(sound.audio)
            found[index] = sorted(sounds, key=lambda sound: -fit(sound.presence, sound.similarity))
            best = found[index][0]
            rest = held.enter_context(added(job, rest, best.audio, float(best.gains[0].mean())))
        yield _written(job, brief, asked, [found[index] for index in range(len(asked))], part_of(part, 0.85, 1.0))


def making_order(prompts: list[str]) -> list[int]:
    """Numbers of the prompts in the order they are made: drums, bass, harmony, what is not known, lead."""

    def rank(prompt: str) -> int:
        words = set(re.findall(r"\w+", prompt.lower()))
        return ORDER.index(next((name for name, known in PARTS if known & words), ""))

    return sorted(range(len(prompts)), key=lambda index: rank(prompts[index]))


def _begin(job: Job, brief: Brief, held: contextlib.ExitStack, part: tuple[float, float]) -> tuple[Scratch, Powers]:
    """What there is before the first stem, at the model's rate, and how loud a stem shall be."""
    channels = brief.target.channels
    if brief.rest is None:
        return held.enter_context(Scratch(job.folder, 1)), power_to_fit(None, channels, job.rule)
    mono = take_in(job, brief.rest, Section(0, min(brief.rest.samples, brief.place.samples)), part)
    return held.enter_context(mono.scratch), power_to_fit(mono, channels, job.rule)


def _next(
    job: Job, brief: Brief, rest: Scratch, power_C: Powers, asked: Asked, number: int, part: tuple[float, float]
) -> list[Sound]:
    clip, rate_hz = brief.place.samples, brief.target.rate_hz
    windows = windows_of(job, clip, rate_hz)
    power, _ = power_and_peak(rest, 0, rest.rows)
    gain, fill = gain_into_model(power), (0, windows.frames)
    is_given = power > 0
    given = {Slot.REST: rest} if is_given else {}
    known_SF = known_of(job.request, windows.frames, (fill,), rest_given=is_given)
    hole = Hole(Section(0, clip), fill, power_C)
    walk = replace(walk_of(job.request, job.model.bundle.manifest), part=number)
    with contextlib.ExitStack() as held:
        latents = latents_of(job, given, gain, windows, walk.strength, held, part_of(part, 0.0, 0.1))
        scene = Scene(None, clip, (hole,), latents, known_SF, gain, 0.0, rate_hz, brief.target.channels)
        return make_sounds(job, scene, asked.prompt_SE, walk, part_of(part, 0.1, 1.0), brief.peak)


def _written(
    job: Job, brief: Brief, asked: list[Asked], found: list[list[Sound]], part: tuple[float, float]
) -> list[Answer]:
    """All files, side by side: the best stems and the others, the mix, and the rest where one was given."""
    files = [(one, sound) for one, sounds in zip(asked, found, strict=True) for sound in sounds]
    begin, suffix = brief.rest.path.stem if brief.rest else None, brief.target.suffix
    names = {str(number): result_name(begin, one.name, suffix) for number, (one, _) in enumerate(files)}
    names["mix"] = result_name(begin, ", ".join(one.name for one in asked), suffix, "mix")
    if brief.rest is not None:
        names["rest"] = result_name(begin, asked[0].name, suffix, "rest")
    best = [sounds[0] for sounds in found]
    rendered = _rendered(job, brief, [sound for _, sound in files], best, names, part)
    answers = []
    for number, (one, sound) in enumerate(files):
        drafts = {"stem": rendered.drafts[str(number)]}
        if number == 0:
            drafts |= {what: rendered.drafts[what] for what in ("mix", "rest") if what in names}
        of_one = Rendered(drafts, rendered.null_db, None, rendered.gain_db)
        alike = sound.similarity
        answers.append(Answer(one.prompt, sound.presence, of_one, brief, sound.candidate, alike, windows=sound.windows))
    return answers


def _rendered(
    job: Job, brief: Brief, sounds: list[Sound], best: list[Sound], names: dict[str, str], part: tuple[float, float]
) -> Rendered:
    bits, gain, lowest = brief.target.bits, 1.0, LOWEST_GAIN if brief.rest is not None else 0.0
    while True:
        meter, room = NullMeter(bits), np.ones(1)

        def tracks(gain: float = gain, meter: NullMeter = meter, room: Samples = room) -> Iterator[list[Samples]]:
            seen = 0
            for rest_CN, made in _layers(job, brief, sounds):
                made = [made_CN * gain for made_CN in made]
                chosen = [made[sounds.index(sound)] for sound in best]
                room[0] = min(room[0], headroom(rest_CN, np.sum(chosen, axis=0), bits))
                held = together([rest_CN, *sharing(chosen, bits, rest_CN)], bits)
                mix_CN, rest_CN, *stems = (in_range(track_CN, bits) for track_CN in (np.sum(held, axis=0), *held))
                meter.add(mix_CN, np.sum(stems, axis=0), rest_CN)
                others = {id(sound): stem_CN for sound, stem_CN in zip(best, stems, strict=True)}
                seen += mix_CN.shape[1]
                job.progress(part, seen / brief.place.samples, "write")
                files = [
                    others.get(id(sound), on_grid(made_CN, bits)) for sound, made_CN in zip(sounds, made, strict=True)
                ]
                yield [*files, mix_CN, *([rest_CN] if "rest" in names else [])]

        drafts, _ = write_tracks(job, tracks(), brief.target, names)
        if room[0] == 1.0 or gain != 1.0:
            return Rendered(drafts, meter.null_db, None, 20 * math.log10(gain))
        close_all(drafts)
        gain = max(lowered(float(room[0])), lowest)


def _layers(job: Job, brief: Brief, sounds: list[Sound]) -> Iterator[tuple[Samples, list[Samples]]]:
    """Block by block what was given, on the grid of the format, and every sound at its level."""
    clip, target, model_hz = brief.place.samples, brief.target, job.model.grid.sample_rate_hz
    feeds = [Feed(at_user_rate(sound.audio, model_hz, target.rate_hz, clip), 1) for sound in sounds]
    for rest_CN in _rest(brief, clip):
        mono = [feed.take(rest_CN.shape[1]).astype(np.float64) for feed in feeds]
        made = [mono_1N * sound.gains[0][:, None] for mono_1N, sound in zip(mono, sounds, strict=True)]
        yield in_range(on_grid(rest_CN, target.bits), target.bits), made


def _rest(brief: Brief, clip: int) -> Iterator[Samples]:
    done = 0
    if brief.rest is not None:
        done = min(brief.rest.samples, clip)
        yield from blocks(brief.rest, 0, done)
    for at in range(done, clip, 1 << 16):
        yield np.zeros((brief.target.channels, min(1 << 16, clip - at)))
