"""Plain synthesis: wavetables with a filter sweep, FM pairs, plucked strings and ringing bars, one note at a time.

The patches are the table ``synth.toml``; every part turns their knobs a little. Deterministic by generator. Knows
nothing of families, parts or effects.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, fields, replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from scipy.signal import lfilter

from training.synthesis.score import Note
from training.typing import Audio, Curve, Rng

TABLE = 2048
TABLE_HARMONICS = 120
LONGEST_RING_S = 4.0
VOWELS_HZ = {"ah": (730, 1090, 2440), "oh": (570, 840, 2410), "ee": (270, 2290, 3010), "oo": (300, 870, 2240)}


@dataclass(frozen=True, slots=True, kw_only=True)
class SynthPatch:
    """One voice; times in seconds.

    Attributes:
        engine: ``table`` (oscillators and a filter), ``fm``, ``pluck`` or ``bars``.
        wave: table: saw, square, pulse, triangle, sine, drawbars, or a vowel.
        drawbars: levels of harmonics, for ``wave = "drawbars"``.
        unison, detune_cents: table: how many oscillators, spread how far.
        open_hz, closed_hz, filter_s: table: cutoff at the onset and after the filter's decay.
        resonance: table: peak at the cutoff, as a factor.
        ratio, index, index_s: fm: modulator over carrier, depth in radians, decay of the depth.
        damping: pluck: 0 (rings) to 1 (dull).
        partials, partial_gains: bars: frequencies over the first one, and levels.
        ring_s: pluck, bars: decay to one thousandth.
        noise: breath or pick at the onset, as a share.
        attack_s, decay_s, sustain, release_s: the loudness curve.
    """

    engine: str
    wave: str = "saw"
    drawbars: tuple[float, ...] = ()
    unison: int = 1
    detune_cents: float = 0.0
    open_hz: float = 8000.0
    closed_hz: float = 3000.0
    filter_s: float = 0.3
    resonance: float = 1.0
    ratio: float = 1.0
    index: float = 2.0
    index_s: float = 0.5
    damping: float = 0.5
    partials: tuple[float, ...] = ()
    partial_gains: tuple[float, ...] = ()
    ring_s: float = 1.5
    noise: float = 0.0
    attack_s: float = 0.005
    decay_s: float = 0.2
    sustain: float = 0.7
    release_s: float = 0.1

    def turned(self, rng: Rng) -> SynthPatch:
        """The same voice with its parameters varied a little."""

        def near(value: float, spread: float) -> float:
            return float(value * np.exp(rng.normal(0, spread)))

        return replace(
            self,
            detune_cents=near(self.detune_cents, 0.4),
            open_hz=near(self.open_hz, 0.4),
            closed_hz=near(self.closed_hz, 0.4),
            filter_s=near(self.filter_s, 0.5),
            resonance=max(1.0, near(self.resonance, 0.3)),
            index=near(self.index, 0.35),
            index_s=near(self.index_s, 0.4),
            damping=float(np.clip(near(self.damping, 0.3), 0.02, 0.98)),
            ring_s=near(self.ring_s, 0.25),
            noise=near(self.noise, 0.4),
            attack_s=near(self.attack_s, 0.3),
            release_s=near(self.release_s, 0.4),
        )


@cache
def patches() -> dict[str, SynthPatch]:
    """All patches by name.

    Raises:
        ValueError: an unknown engine or key in the table.
    """
    table = tomllib.loads(Path(__file__).with_name("synth.toml").read_text("utf-8"))
    return {name: _patch(name, row) for name, row in table.items()}


def _patch(name: str, row: dict[str, Any]) -> SynthPatch:
    if unknown := set(row) - {f.name for f in fields(SynthPatch)}:
        raise ValueError(f"synth.toml: unknown keys {sorted(unknown)} in {name!r}")
    if row["engine"] not in ENGINES:
        raise ValueError(f"synth.toml: unknown engine {row['engine']!r} in {name!r}; choose one of {list(ENGINES)}")
    return SynthPatch(**{key: tuple(value) if isinstance(value, list) else value for key, value in row.items()})


def play(rng: Rng, patch: SynthPatch, note: Note, rate: int) -> Audio:
    """One note with its release, float32 ``(N,)``, full scale about 1 at velocity 127."""
    length = round((note.length_s + patch.release_s * 3) * rate)
    hertz = 440 * 2 ** ((note.midi - 69) / 12)
    bend = _bend(note, length, rate)
    sound = ENGINES[patch.engine](rng, patch, hertz, bend, note, rate)[:length]
    if patch.noise:
        burst = rng.standard_normal(length) * np.exp(-np.arange(length) / (0.02 * rate))
        sound = sound + patch.noise * burst[: len(sound)]
    gain = (note.velocity / 127) ** 1.5
    return (sound * _loudness(patch, note, len(sound), rate) * gain).astype(np.float32)


def warp(audio: Audio, semitones: Curve) -> Audio:
    """Read a sound faster or slower so that its pitch follows a curve, one value per sample of the answer."""
    positions = np.cumsum(2 ** (semitones / 12))
    positions = positions[: np.searchsorted(positions, len(audio) - 1)]
    return np.interp(positions, np.arange(len(audio)), audio).astype(np.float32)


def _bend(note: Note, length: int, rate: int) -> Curve | None:
    return None if note.gesture is None else note.gesture.pitch(np.arange(length) / rate, note.length_s)


def _phase(hertz: float, bend: Curve | None, length: int, rate: int) -> Curve:
    """Running phase in turns."""
    if bend is None:
        return np.arange(length) * (hertz / rate)
    turns: Curve = np.cumsum(2 ** (bend / 12)) * (hertz / rate)
    return turns


def _loudness(patch: SynthPatch, note: Note, length: int, rate: int) -> Curve:
    at = np.arange(length) / rate
    rise = np.clip(at / max(patch.attack_s, 1e-4), 0, 1)
    fall = patch.sustain + (1 - patch.sustain) * np.exp(-np.maximum(at - patch.attack_s, 0) / patch.decay_s)
    gone = np.exp(-np.maximum(at - note.length_s, 0) / max(patch.release_s, 1e-3))
    curve: Curve = rise * fall * gone * np.clip((length / rate - at) / 0.005, 0, 1)  # no click where it is cut
    return curve


def _spectrum(patch: SynthPatch, hertz: float, cutoff_hz: float, count: int) -> Curve:
    n = np.arange(1, count + 1)
    shapes = {
        "saw": 1 / n,
        "square": (n % 2) / n,
        "pulse": np.sin(np.pi * n * 0.22) / n,
        "triangle": (n % 2) / n**2 * np.where(n % 4 == 1, 1, -1),
        "sine": (n == 1) * 1.0,
        "drawbars": np.pad(np.asarray(patch.drawbars, dtype=float), (0, max(0, count - len(patch.drawbars))))[:count],
    }
    if patch.wave in VOWELS_HZ:
        peaks = [np.exp(-(((n * hertz - f) / (0.12 * f + 60)) ** 2)) for f in VOWELS_HZ[patch.wave]]
        level = peaks[0] + 0.5 * peaks[1] + 0.25 * peaks[2] + 0.02
        return level / n**0.5
    filtered = 1 / np.sqrt(1 + (n * hertz / cutoff_hz) ** 4)
    peak = 1 + (patch.resonance - 1) * np.exp(-((np.log2(n * hertz / cutoff_hz) / 0.25) ** 2))
    level = shapes[patch.wave] * filtered * peak
    return level


def _wavetable(patch: SynthPatch, hertz: float, cutoff_hz: float, rate: int) -> Curve:
    """One period without anything above half the rate, and its first sample again."""
    count = int(np.clip(0.45 * rate / hertz, 1, TABLE_HARMONICS))
    bins = np.zeros(TABLE // 2 + 1, dtype=complex)
    bins[1 : count + 1] = -0.5j * TABLE * _spectrum(patch, hertz, cutoff_hz, count)
    period = np.fft.irfft(bins, TABLE)
    return np.append(period, period[0])


def _table(rng: Rng, patch: SynthPatch, hertz: float, bend: Curve | None, note: Note, rate: int) -> Curve:
    length = round((note.length_s + patch.release_s * 3) * rate)
    hard = 0.5 + 0.5 * note.velocity / 127  # a hard touch opens the filter
    bright = _wavetable(patch, hertz, max(patch.open_hz * hard, hertz), rate)
    dark = _wavetable(patch, hertz, max(patch.closed_hz * hard, hertz), rate)
    scale = 0.6 / max(float(np.abs(bright).max()), float(np.abs(dark).max()), 1e-9)
    sweep = np.exp(-np.arange(length) / (patch.filter_s * rate))
    total = np.zeros(length)
    for k in range(patch.unison):
        spread = 0.0 if patch.unison == 1 else (2 * k / (patch.unison - 1) - 1) * patch.detune_cents / 1200
        at = (_phase(hertz * 2**spread, bend, length, rate) + rng.random()) % 1 * TABLE
        whole = at.astype(np.int64)
        part = at - whole
        low = dark[whole] * (1 - part) + dark[whole + 1] * part
        high = bright[whole] * (1 - part) + bright[whole + 1] * part
        total += sweep * high + (1 - sweep) * low
    return total * scale / patch.unison**0.5


def _fm(rng: Rng, patch: SynthPatch, hertz: float, bend: Curve | None, note: Note, rate: int) -> Curve:
    length = round((note.length_s + patch.release_s * 3) * rate)
    turns = _phase(hertz, bend, length, rate)
    safe = max(0.0, (0.45 * rate / hertz - 1) / max(patch.ratio, 0.5) - 1)  # side bands that still fit
    depth = min(patch.index * (0.3 + 0.9 * note.velocity / 127), safe)
    fading = depth * (0.15 + 0.85 * np.exp(-np.arange(length) / (patch.index_s * rate)))
    return 0.7 * np.sin(2 * np.pi * turns + fading * np.sin(2 * np.pi * patch.ratio * turns))


def _pluck(rng: Rng, patch: SynthPatch, hertz: float, bend: Curve | None, note: Note, rate: int) -> Curve:
    """A string: noise going round a delay line that dulls it.

    Source: Karplus and Strong 1983, "Digital Synthesis of Plucked-String and Drum Timbres".
    """
    length = min(round((note.length_s + patch.release_s * 3) * rate), round(LONGEST_RING_S * rate))
    whole = max(2, round(rate / hertz - 0.5))
    sound = np.zeros(whole * (length // whole + 2) + 1)
    dulled = lfilter([1 - patch.damping * 0.8], [1, -patch.damping * 0.8], rng.standard_normal(whole))
    sound[1 : whole + 1] = dulled - dulled.mean()
    keep = 10 ** (-3 / (patch.ring_s * hertz)) * 0.5
    for first in range(whole + 1, len(sound) - whole, whole):
        sound[first : first + whole] = keep * (
            sound[first - whole : first] + sound[first - whole - 1 : first - 1]
        )  # the mean of neighbours: half a sample late, and duller each time round
    tuning = 12 * np.log2(hertz * (whole + 0.5) / rate)
    curve = np.full(length, tuning) if bend is None else bend[:length] + tuning
    played = warp(sound[1:].astype(np.float32), curve).astype(np.float64)
    return played * 0.7 / max(float(np.abs(played).max()), 1e-9)


def _bars(rng: Rng, patch: SynthPatch, hertz: float, bend: Curve | None, note: Note, rate: int) -> Curve:
    """Something struck: partials that need not be harmonic, high ones dying first."""
    length = round((note.length_s + patch.release_s * 3) * rate)
    turns = _phase(hertz, bend, length, rate)
    at = np.arange(length) / rate
    total = np.zeros(length)
    for partial, gain in zip(patch.partials, patch.partial_gains, strict=True):
        if partial * hertz > 0.45 * rate:
            continue
        hard = gain * (note.velocity / 127) ** (0.3 * partial**0.5)
        decay = 6.9 / patch.ring_s * partial**0.7
        total += hard * np.exp(-at * decay) * np.sin(2 * np.pi * (partial * turns + rng.random()))
    return 0.7 * total / max(sum(patch.partial_gains), 1e-9)


ENGINES = {"table": _table, "fm": _fm, "pluck": _pluck, "bars": _bars}
