"""Drum machines of our own: every piece of a kit from sweeps, noise and clashing squares, tuned per machine.

Deterministic by generator.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.signal import butter, sosfilt

from training.typing import Audio, Curve, Rng

METAL_HZ = (263.0, 400.0, 421.0, 474.0, 587.0, 845.0)


@dataclass(frozen=True, slots=True)
class DrumMachine:
    """The character of one drum machine: multipliers on every piece.

    Attributes:
        tune: pitch of everything.
        ring: length of everything.
        snap: share of noise against tone.
        click: strength of the first milliseconds.
        bits: steps of the converter; 0 means none to be heard.
    """

    tune: float
    ring: float
    snap: float
    click: float
    bits: int


MACHINES = {
    "analogue": DrumMachine(1.0, 1.2, 0.8, 0.3, 0),
    "dance": DrumMachine(1.05, 0.9, 1.0, 0.7, 0),
    "digital": DrumMachine(1.2, 0.6, 1.1, 1.0, 0),
    "dusty": DrumMachine(0.9, 0.7, 1.2, 0.6, 6),
    "toy": DrumMachine(1.5, 0.45, 0.9, 0.8, 5),
}

# GM number: (model, pitch in Hz, length in seconds)
PIECES: dict[int, tuple[str, float, float]] = {
    35: ("kick", 45, 0.5), 36: ("kick", 52, 0.45), 37: ("click", 1700, 0.04), 38: ("snare", 185, 0.22),
    39: ("clap", 1100, 0.25), 40: ("snare", 210, 0.18), 41: ("tom", 75, 0.4), 42: ("hat", 8000, 0.05),
    43: ("tom", 90, 0.4), 44: ("hat", 7000, 0.08), 45: ("tom", 105, 0.38), 46: ("hat", 7500, 0.45),
    47: ("tom", 130, 0.35), 48: ("tom", 155, 0.33), 49: ("cymbal", 4500, 1.4), 50: ("tom", 180, 0.3),
    51: ("cymbal", 6000, 0.9), 54: ("shaker", 9000, 0.12), 56: ("cowbell", 560, 0.3), 60: ("tom", 330, 0.16),
    61: ("tom", 240, 0.2), 62: ("tom", 300, 0.08), 63: ("tom", 290, 0.25), 64: ("tom", 200, 0.28),
    69: ("shaker", 6500, 0.09), 70: ("shaker", 8000, 0.05), 75: ("click", 2500, 0.05), 76: ("click", 1500, 0.07),
    77: ("click", 1100, 0.08),
}  # fmt: skip


def turned(rng: Rng, machine: DrumMachine) -> DrumMachine:
    """The same machine with its parameters varied a little."""
    shift = np.exp(rng.normal(0, [0.08, 0.2, 0.15, 0.3]))
    return DrumMachine(
        float(machine.tune * shift[0]),
        float(machine.ring * shift[1]),
        float(machine.snap * shift[2]),
        float(machine.click * shift[3]),
        machine.bits,
    )


def hit(rng: Rng, machine: DrumMachine, piece: int, velocity: int, rate: int) -> Audio | None:
    """One stroke, float32 ``(N,)``, full scale about 1; None when the machine has no such piece."""
    if piece not in PIECES:
        return None
    model, hertz, length_s = PIECES[piece]
    hertz, length_s = hertz * machine.tune, length_s * machine.ring
    at = np.arange(round(min(2.0, length_s * 3) * rate)) / rate
    sound = MODELS[model](rng, machine, min(hertz, rate / 5), length_s, at, rate)
    sound = sound * np.clip((at[-1] - at) / 0.005, 0, 1)
    if machine.bits:
        sound = np.round(sound * 2**machine.bits) / 2**machine.bits
    return (sound * (velocity / 127) ** 1.5).astype(np.float32)


def _noise(rng: Rng, at: Curve, low_hz: float, high_hz: float, rate: int) -> Curve:
    sos = butter(2, [low_hz, min(high_hz, rate * 0.45)], btype="bandpass", fs=rate, output="sos")
    filtered: Curve = sosfilt(sos, rng.standard_normal(len(at)))
    return filtered


def _sweep(hertz: float, fall: float, fall_s: float, at: Curve) -> Curve:
    """A sine that starts ``fall`` times higher and comes down."""
    turns = hertz * (at + (fall - 1) * fall_s * (1 - np.exp(-at / fall_s)))
    wave: Curve = np.sin(2 * np.pi * turns)
    return wave


def _metal(machine: DrumMachine, at: Curve) -> Curve:
    return sum((np.sign(np.sin(2 * np.pi * f * machine.tune * 1.7 * at)) for f in METAL_HZ), np.zeros(len(at))) / 6


def _kick(rng: Rng, machine: DrumMachine, hertz: float, length_s: float, at: Curve, rate: int) -> Curve:
    tap = machine.click * np.exp(-at / 0.003) * rng.standard_normal(len(at)) * 0.4
    return np.tanh(1.3 * _sweep(hertz, 4.0, 0.03, at) * np.exp(-at / (length_s * 0.5))) + tap


def _tom(rng: Rng, machine: DrumMachine, hertz: float, length_s: float, at: Curve, rate: int) -> Curve:
    skin = 0.15 * machine.snap * np.exp(-at / 0.02) * rng.standard_normal(len(at))
    return 0.8 * _sweep(hertz, 1.6, 0.05, at) * np.exp(-at / (length_s * 0.5)) + skin


def _snare(rng: Rng, machine: DrumMachine, hertz: float, length_s: float, at: Curve, rate: int) -> Curve:
    body = (_sweep(hertz, 1.5, 0.02, at) + 0.6 * _sweep(hertz * 1.78, 1.3, 0.02, at)) * np.exp(-at / (length_s * 0.3))
    wires = _noise(rng, at, 1200, 9000, rate) * np.exp(-at / (length_s * 0.45))
    return 0.4 * body + 0.7 * machine.snap * wires


def _clap(rng: Rng, machine: DrumMachine, hertz: float, length_s: float, at: Curve, rate: int) -> Curve:
    hands = sum((np.where(at >= d, np.exp(-(at - d) / 0.006), 0.0) for d in (0, 0.011, 0.023)), np.zeros(len(at)))
    tail = np.where(at >= 0.03, np.exp(-(at - 0.03) / (length_s * 0.35)), 0.0)
    return _noise(rng, at, hertz * 0.6, hertz * 2.5, rate) * (0.6 * hands + 0.7 * tail) * 1.5


def _hat(rng: Rng, machine: DrumMachine, hertz: float, length_s: float, at: Curve, rate: int) -> Curve:
    sos = butter(2, hertz * 0.8, btype="highpass", fs=rate, output="sos")
    clash = sosfilt(sos, 1.2 * _metal(machine, at) + 0.5 * machine.snap * rng.standard_normal(len(at)))
    return 0.8 * clash * np.exp(-at / (length_s * 0.45))


def _cymbal(rng: Rng, machine: DrumMachine, hertz: float, length_s: float, at: Curve, rate: int) -> Curve:
    sos = butter(2, hertz * 0.6, btype="highpass", fs=rate, output="sos")
    clash = sosfilt(sos, _metal(machine, at) + 0.8 * rng.standard_normal(len(at)))
    return 0.6 * clash * (0.7 * np.exp(-at / (length_s * 0.4)) + 0.3 * np.exp(-at / 0.03))


def _cowbell(rng: Rng, machine: DrumMachine, hertz: float, length_s: float, at: Curve, rate: int) -> Curve:
    pair = np.sign(np.sin(2 * np.pi * hertz * at)) + np.sign(np.sin(2 * np.pi * hertz * 1.48 * at))
    sos = butter(1, [hertz * 0.9, hertz * 4], btype="bandpass", fs=rate, output="sos")
    ringing: Curve = 0.5 * sosfilt(sos, pair) * np.exp(-at / (length_s * 0.4))
    return ringing


def _click(rng: Rng, machine: DrumMachine, hertz: float, length_s: float, at: Curve, rate: int) -> Curve:
    return 0.8 * np.sin(2 * np.pi * hertz * at) * np.exp(-at / (length_s * 0.3))


def _shaker(rng: Rng, machine: DrumMachine, hertz: float, length_s: float, at: Curve, rate: int) -> Curve:
    rise = np.clip(at / (length_s * 0.3), 0, 1)
    return _noise(rng, at, hertz * 0.6, hertz * 1.6, rate) * rise * np.exp(-at / (length_s * 0.5))


MODELS = {
    "kick": _kick, "tom": _tom, "snare": _snare, "clap": _clap, "hat": _hat, "cymbal": _cymbal, "cowbell": _cowbell,
    "click": _click, "shaker": _shaker,
}  # fmt: skip
