"""The low end of electronic music: random kicks and basses for every piece, their lines, and ducking.

Below 120 Hz a kick and a sub bass are both a low sine; only their times and shapes tell them apart. So they are drawn
wide here, often overlapping. Deterministic by generator.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from training.synthesis.score import Gesture, Note
from training.synthesis.synth import SynthPatch, play
from training.typing import Audio, Curve, Rng

LONGEST_KICK_S = 2.5
LOWEST, HIGHEST = 26, 40  # MIDI range of a sub bass: 37 to 82 Hz


@dataclass(frozen=True, slots=True)
class KickShape:
    """One kick drum: a sine that falls.

    Attributes:
        hertz: where the sine comes to rest.
        fall, fall_s: how many times higher it starts, and how fast it comes down.
        ring_s: decay to 1/e.
        drive: how hard it is overdriven; 1 hardly.
        click, click_s: level and length of the noise at the onset.
    """

    hertz: float
    fall: float
    fall_s: float
    ring_s: float
    drive: float
    click: float
    click_s: float


# name: (share, then the range of every field of KickShape in its order)
Range = tuple[float, float]
KICKS: dict[str, tuple[float, tuple[Range, Range, Range, Range, Range, Range, Range]]] = {
    "long": (0.35, ((36, 60), (1.3, 3.0), (0.01, 0.05), (0.25, 0.9), (0.7, 2.5), (0.0, 0.3), (0.001, 0.004))),
    "dance": (0.35, ((44, 66), (3.5, 9.0), (0.012, 0.04), (0.08, 0.25), (1.0, 4.0), (0.1, 0.8), (0.001, 0.006))),
    "soft": (0.15, ((40, 58), (1.5, 4.0), (0.02, 0.06), (0.06, 0.2), (0.5, 1.2), (0.0, 0.1), (0.002, 0.01))),
    "hard": (0.15, ((42, 70), (4.0, 12.0), (0.015, 0.06), (0.15, 0.4), (4.0, 20.0), (0.2, 1.0), (0.001, 0.008))),
}

# name: (share, patch before its knobs are turned, hardest overdrive)
BASSES: dict[str, tuple[float, SynthPatch, float]] = {
    "sine": (0.25, SynthPatch(engine="table", wave="sine", attack_s=0.008, sustain=0.95, release_s=0.08), 1.5),
    "booming": (
        0.2,
        SynthPatch(engine="table", wave="sine", attack_s=0.003, decay_s=0.9, sustain=0.05, release_s=0.15),
        4.0,
    ),
    "triangle": (0.1, SynthPatch(engine="table", wave="triangle", open_hz=400, closed_hz=250, sustain=0.9), 2.0),
    "dark saw": (
        0.2,
        SynthPatch(engine="table", wave="saw", open_hz=500, closed_hz=140, resonance=1.8, filter_s=0.2, sustain=0.8),
        2.0,
    ),
    "dark square": (0.1, SynthPatch(engine="table", wave="square", open_hz=350, closed_hz=160, sustain=0.9), 1.5),
    "wide saw": (
        0.08,
        SynthPatch(
            engine="table", wave="saw", unison=3, detune_cents=20, open_hz=700, closed_hz=300, sustain=0.95
        ),
        2.5,
    ),
    "fm": (0.07, SynthPatch(engine="fm", ratio=1.0, index=1.5, index_s=0.25, sustain=0.8), 1.5),
}  # fmt: skip
LINES = {"held": 0.35, "written": 0.25, "with the kick": 0.25, "between kicks": 0.15}


@dataclass(frozen=True, slots=True)
class BassVoice:
    """A bass as one piece has it: patch, overdrive, and a slide into every note in semitones and seconds."""

    patch: SynthPatch
    drive: float
    slide: tuple[float, float]


def draw_kick(rng: Rng) -> KickShape:
    """A kick drum of a kind drawn by its share."""
    shares = np.array([share for share, _ in KICKS.values()])
    ranges = list(KICKS.values())[int(rng.choice(len(KICKS), p=shares / shares.sum()))][1]
    return KickShape(*(float(rng.uniform(*span)) for span in ranges))


def kick(rng: Rng, shape: KickShape, rate: int) -> Audio:
    """One stroke, float32 ``(N,)``, full scale 1."""
    at = np.arange(round(min(LONGEST_KICK_S, shape.ring_s * 6) * rate)) / rate
    turns = shape.hertz * (at + (shape.fall - 1) * shape.fall_s * (1 - np.exp(-at / shape.fall_s)))
    body = np.tanh(shape.drive * np.sin(2 * np.pi * turns) * np.exp(-at / shape.ring_s)) / np.tanh(shape.drive)
    tap = 0.4 * shape.click * np.exp(-at / shape.click_s) * rng.standard_normal(len(at))
    sound = (body + tap) * np.clip((at[-1] - at) / 0.01, 0, 1)
    return np.asarray(sound / max(float(np.abs(sound).max()), 1e-6), dtype=np.float32)


def draw_bass(rng: Rng) -> BassVoice:
    """A bass of a kind drawn by its share, its knobs turned."""
    shares = np.array([share for share, *_ in BASSES.values()])
    _, patch, hardest = list(BASSES.values())[int(rng.choice(len(BASSES), p=shares / shares.sum()))]
    slides = rng.random() < (0.6 if patch.sustain < 0.1 else 0.12)
    slide = (float(rng.uniform(3, 24)), float(rng.uniform(0.015, 0.07))) if slides else (0.0, 0.0)
    return BassVoice(patch.turned(rng), float(rng.uniform(0.3, hardest)), slide)


def bass_sound(rng: Rng, voice: BassVoice, notes: tuple[Note, ...], seconds: float, rate: int) -> Audio:
    """All notes of a bass, float32 ``(seconds,)``."""
    out = np.zeros(round(seconds * rate), dtype=np.float32)
    semitones, over_s = voice.slide
    for note in notes:
        if semitones:
            note = replace(note, gesture=Gesture(start_semitones=semitones, start_s=over_s))
        sound = play(rng, voice.patch, note, rate)
        start = round(note.start_s * rate)
        room = out[start : start + len(sound)]
        room += sound[: len(room)]
    peak = max(float(np.abs(out).max()), 1e-6)
    return np.asarray(np.tanh(voice.drive * out / peak) / np.tanh(voice.drive) * 0.7, dtype=np.float32)


def bass_line(rng: Rng, written: tuple[Note, ...], kicks_s: list[float], seconds: float) -> tuple[Note, ...]:
    """A written bass line in the register of a sub bass, held long, or tied to the kicks."""
    if not written:
        return ()
    kind = str(rng.choice(list(LINES), p=list(LINES.values())))
    low = tuple(replace(note, midi=_lowered(note.midi), gesture=None) for note in written)
    if kind == "written":
        return low
    if kind == "held" or len(kicks_s) < 2:
        return _held(low, float(rng.choice([0.4, 0.9, 1.8])), seconds)
    ends_s = [*kicks_s[1:], seconds]
    starts_s = kicks_s if kind == "with the kick" else [(a + b) / 2 for a, b in zip(kicks_s, ends_s, strict=True)]
    share = float(rng.uniform(0.5, 1.0))
    notes = []
    for start_s, kick_s, end_s in zip(starts_s, kicks_s, ends_s, strict=True):
        sounding = [note for note in low if note.start_s <= start_s + 0.02] or [low[0]]
        length_s = max(0.08, min(2.5, share * (end_s - kick_s) * (1.0 if kind == "with the kick" else 0.5)))
        notes.append(replace(sounding[-1], start_s=start_s, length_s=length_s))
    return tuple(notes)


def _held(low: tuple[Note, ...], apart_s: float, seconds: float) -> tuple[Note, ...]:
    """Every note that begins some time after the one before, held until the next."""
    kept: list[Note] = []
    for note in low:
        if not kept or note.start_s - kept[-1].start_s >= apart_s:
            kept.append(note)
    ends_s = [*(note.start_s for note in kept[1:]), seconds]
    return tuple(
        replace(note, length_s=max(0.1, end_s - note.start_s - 0.01)) for note, end_s in zip(kept, ends_s, strict=True)
    )


def _lowered(midi: int) -> int:
    """The same note name between ``LOWEST`` and ``HIGHEST``."""
    while midi > HIGHEST:
        midi -= 12
    while midi < LOWEST:
        midi += 12
    return midi


def ducking(rng: Rng, kicks_s: list[float], samples: int, rate: int) -> Curve:
    """Gain of what a compressor turns down at every kick, ``(samples,)`` from 0 to 1."""
    depth, back_s, bend = float(rng.uniform(0.5, 1.0)), float(rng.uniform(0.08, 0.4)), float(rng.uniform(0.7, 2.5))
    at = np.arange(round(back_s * rate)) / (back_s * rate)
    dip = 1 - depth * (1 - at) ** bend
    attack = round(0.004 * rate)
    gain = np.ones(samples)
    for kick_s in kicks_s:
        start = round(kick_s * rate)
        room = gain[start : start + len(dip)]
        np.minimum(room, dip[: len(room)], out=room)
    smooth: Curve = np.convolve(
        np.pad(gain, (attack // 2, attack - attack // 2 - 1), mode="edge"), np.ones(attack) / attack, "valid"
    )
    return smooth
