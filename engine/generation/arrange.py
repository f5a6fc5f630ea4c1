"""Arrange: one stem for each prompt, each generated to fit the sum of those before it, and the mix of them all.

In whole-number formats a given rest is part of the sum as it is; of a float32 rest, what lies below the last place of
the sum is rounded off, since no float32 sum could hold it.
Source: MGE-LDM (arXiv 2505.23305) appendix D, iterative generation: regenerate with a growing submixture.
"""

from __future__ import annotations

import contextlib
import math
import re
from collections.abc import Iterable, Iterator
from dataclasses import replace

import numpy as np

from engine.audio.disk_array import DiskArray
from engine.audio.file_names import ResultName
from engine.audio.quantize import NullMeter, clip_to_range, gain_below, headroom, quantize, quantize_sum, share_headroom
from engine.audio.reader import Samples, blocks
from engine.composing.music import Music
from engine.generation.context import (
    FillRegion,
    InpaintContext,
    Powers,
    encode_slots,
    known_latents,
    power_and_peak,
    sum_arrays,
    target_power,
    window_plan,
)
from engine.generation.inpaint import Candidate, sample_candidates
from engine.generation.made_latents import DiskLatents
from engine.generation.replace import LOWEST_GAIN
from engine.generation.sampled import VoiceCandidates, compose, model_rate_mono, music_of
from engine.generation.voice_description import told_of
from engine.inference.clip import SampleRange, gain_into_model, load_mono
from engine.inference.conditioning import Conditioning
from engine.inference.model import resolve_sampling
from engine.inference.output import OutputSpec, RenderedFiles, TaskResult, close_all, null_of, write_tracks
from engine.inference.rerank import fit_score
from engine.inference.run import RunContext
from engine.latents import SLOTS, Slot

# Rhythm comes first, then harmony, so that everything later has something to follow. The first row that has a word of
# the prompt decides; unknown prompts go before the lead.
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


def arrange(run: RunContext, spec: OutputSpec, conditionings: list[Conditioning]) -> Iterator[list[TaskResult]]:
    """Stems that go together, in the order of the prompts; the first result also holds the mix.

    Args:
        spec: length of the result, and a rest to start from, if there is one.
    """
    order = (
        range(len(conditionings)) if run.request.keep_order else generation_order([one.prompt for one in conditionings])
    )
    with contextlib.ExitStack() as held:
        rest, power_C = _start(run.within(0.0, 0.05), spec, held)
        music = music_of(run, spec.rest) if run.request.voice == "sampled" else None
        found: dict[int, list[Candidate]] = {}
        for number, index in enumerate(order):
            share = run.within(0.05, 0.85).nth(number, len(conditionings))
            by_voice = VoiceCandidates([])
            if music is not None:
                by_voice = _sampled_stem(share, spec, power_C, conditionings[index], music)
            found[index] = by_voice.candidates or _ranked(
                replace(one, remarks=by_voice.remarks)
                for one in _next_stem(share, spec, rest, power_C, conditionings[index], number)
            )
            for candidate in found[index]:
                held.enter_context(candidate.audio)
            best = found[index][0]
            heard = model_rate_mono(run, best, held)
            rest = held.enter_context(sum_arrays(run, rest, heard, float(best.gains[0].mean())))
        yield _write(run.within(0.85, 1.0), spec, conditionings, [found[index] for index in range(len(conditionings))])


def generation_order(prompts: list[str]) -> list[int]:
    """Indices of the prompts in the order they are generated: drums, bass, harmony, unknown, lead."""

    def rank(prompt: str) -> int:
        words = set(re.findall(r"\w+", prompt.lower()))
        return ORDER.index(next((name for name, known in PARTS if known & words), ""))

    return sorted(range(len(prompts)), key=lambda index: rank(prompts[index]))


def _start(run: RunContext, spec: OutputSpec, held: contextlib.ExitStack) -> tuple[DiskArray, Powers]:
    """The rest to start from, at the model's rate, and the target power of a stem."""
    channels = spec.format.channels
    if spec.rest is None:
        return held.enter_context(DiskArray(run.folder, 1)), target_power(0.0, channels, run.rule)
    mono = load_mono(run, spec.rest, SampleRange(0, min(spec.rest.samples, spec.region.samples)))
    return held.enter_context(mono.audio), target_power(mono.power * mono.width, channels, run.rule)


def _next_stem(
    run: RunContext, spec: OutputSpec, rest: DiskArray, power_C: Powers, conditioning: Conditioning, number: int
) -> list[Candidate]:
    clip, rate_hz = spec.region.samples, spec.format.rate_hz
    windows = window_plan(run, clip, rate_hz)
    power, _ = power_and_peak(rest, 0, rest.rows)
    gain, fill = gain_into_model(power), (0, windows.frames)
    is_given = power > 0
    given = {Slot.REST: rest} if is_given else {}
    known_SF = known_latents(run.request, windows.frames, (fill,), rest_given=is_given)
    region = FillRegion(SampleRange(0, clip), fill, power_C)
    sampling = replace(resolve_sampling(run.request, run.model.bundle.manifest), part=number)
    with contextlib.ExitStack() as held:
        latents = encode_slots(run.within(0.0, 0.1), given, gain, windows, sampling.strength, (fill,), held)
        context = InpaintContext(None, clip, (region,), latents, known_SF, gain, 0.0, rate_hz, spec.format.channels)
        return sample_candidates(run.within(0.1, 1.0), context, conditioning.prompt_SE, sampling, spec.peak)


def _ranked(candidates: Iterable[Candidate]) -> list[Candidate]:
    return sorted(candidates, key=lambda candidate: -fit_score(candidate.presence, candidate.similarity))


def _sampled_stem(
    run: RunContext, spec: OutputSpec, power_C: Powers, conditioning: Conditioning, music: Music
) -> VoiceCandidates:
    """A stem that recorded instruments play, as long as the result."""
    clip, target = spec.region.samples, spec.format
    region = FillRegion(SampleRange(0, clip), (0, 1), power_C)
    known_SF = np.zeros((SLOTS, 1), np.bool_)
    context = InpaintContext(
        None, clip, (region,), DiskLatents({}), known_SF, 1.0, 0.0, target.rate_hz, target.channels
    )
    return compose(run, music, conditioning, context, spec.peak)


def _write(
    run: RunContext, spec: OutputSpec, conditionings: list[Conditioning], found: list[list[Candidate]]
) -> list[TaskResult]:
    """Write all files side by side: best stems, other candidates, the mix, and the rest where one was given."""
    files = [(one, candidate) for one, candidates in zip(conditionings, found, strict=True) for candidate in candidates]
    names = {str(number): ResultName(one.name) for number, (one, _) in enumerate(files)}
    names["mix"] = ResultName(", ".join(one.name for one in conditionings), "mix")
    if spec.rest is not None:
        names["rest"] = ResultName(conditionings[0].name, "rest")
    best = [candidates[0] for candidates in found]
    rendered = _render(run, spec, [candidate for _, candidate in files], best, names)
    results = []
    for number, (one, candidate) in enumerate(files):
        drafts = {"stem": rendered.files[str(number)]}
        if number == 0:
            drafts |= {what: rendered.files[what] for what in ("mix", "rest") if what in names}
        of_one = RenderedFiles(drafts, rendered.null_db, None, rendered.gain_db)
        alike = candidate.similarity
        results.append(
            TaskResult(
                one.prompt,
                candidate.presence,
                of_one,
                spec,
                candidate.index,
                alike,
                windows=candidate.windows,
                **told_of(run, one, [candidate]),
            )
        )
    return results


def _render(
    run: RunContext, spec: OutputSpec, candidates: list[Candidate], best: list[Candidate], names: dict[str, ResultName]
) -> RenderedFiles:
    bits, gain, lowest = spec.format.bits, 1.0, LOWEST_GAIN if spec.rest is not None else 0.0
    while True:
        meter, room = NullMeter(bits), np.ones(1)

        def tracks(gain: float = gain, meter: NullMeter = meter, room: Samples = room) -> Iterator[list[Samples]]:
            seen = 0
            for rest_CN, made in _layers(run, spec, candidates):
                made = [made_CN * gain for made_CN in made]
                chosen = [made[candidates.index(candidate)] for candidate in best]
                room[0] = min(room[0], headroom(rest_CN, np.sum(chosen, axis=0), bits))
                held = quantize_sum([rest_CN, *share_headroom(chosen, bits, rest_CN)], bits)
                mix_CN, rest_CN, *stems = (clip_to_range(track_CN, bits) for track_CN in (np.sum(held, axis=0), *held))
                meter.add(mix_CN, np.sum(stems, axis=0), rest_CN)
                others = {id(candidate): stem_CN for candidate, stem_CN in zip(best, stems, strict=True)}
                seen += mix_CN.shape[1]
                run.progress(seen / spec.region.samples, "write")
                files = [
                    others.get(id(candidate), quantize(made_CN, bits))
                    for candidate, made_CN in zip(candidates, made, strict=True)
                ]
                yield [*files, mix_CN, *([rest_CN] if "rest" in names else [])]

        drafts, _ = write_tracks(run, tracks(), spec.format, names)
        if room[0] == 1.0 or gain != 1.0:
            return RenderedFiles(drafts, null_of(meter, spec.format), None, 20 * math.log10(gain))
        close_all(drafts)
        gain = max(gain_below(float(room[0])), lowest)


def _layers(run: RunContext, spec: OutputSpec, candidates: list[Candidate]) -> Iterator[tuple[Samples, list[Samples]]]:
    """Block by block the given rest, quantized, and every candidate at its level."""
    clip, target = spec.region.samples, spec.format
    feeds = [candidate.feed(run, target.rate_hz, clip) for candidate in candidates]
    for rest_CN in _rest(spec, clip):
        new = [feed.take(rest_CN.shape[1]).astype(np.float64) for feed in feeds]
        made = [new_KN * candidate.gains[0][:, None] for new_KN, candidate in zip(new, candidates, strict=True)]
        yield clip_to_range(quantize(rest_CN, target.bits), target.bits), made


def _rest(spec: OutputSpec, clip: int) -> Iterator[Samples]:
    done = 0
    if spec.rest is not None:
        done = min(spec.rest.samples, clip)
        yield from blocks(spec.rest, 0, done)
    for at in range(done, clip, 1 << 16):
        yield np.zeros((spec.format.channels, min(1 << 16, clip - at)))
