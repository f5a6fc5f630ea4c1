"""Effects for one stem, all by pedalboard: amplifier, tone, dynamics, distortion, reverberation, panning.

Deterministic by generator.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from training.typing import Audio, Rng

AMPLIFIED = {  # family: chance of an amplifier, drive in dB from and to
    "distorted-guitar": (1.0, 8.0, 28.0),
    "electric-guitar": (0.35, 0.0, 14.0),
    "electric-bass": (0.4, 0.0, 10.0),
    "electric-piano": (0.2, 0.0, 12.0),
    "organ": (0.3, 0.0, 14.0),
    "harmonica": (0.25, 4.0, 16.0),
    "clavinet": (0.25, 0.0, 12.0),
}
CENTRED = ("electric-bass", "double-bass", "synth-bass", "drums", "vocals", "tuba")
EAR_DELAY_S = 0.0006


@dataclass(frozen=True, slots=True)
class Placement:
    """Where a stem stands: -1 left, 0 middle, 1 right."""

    side: float


def chain(rng: Rng, family: str) -> Any:
    """A pedalboard for one stem: each row of the table below may or may not be in it."""
    import pedalboard as pb

    board: list[Any] = []
    for effect in (_amp, _saturation, _shelves, _peak, _compressor, _modulation, _delay, _room):
        board += effect(rng, family, pb)
    return pb.Pedalboard(board)


def draw_place(rng: Rng, family: str) -> Placement:
    """A place for a stem of this family: low and loud instruments near the middle."""
    if family in CENTRED and rng.random() < 0.8:
        return Placement(float(np.clip(rng.normal(0, 0.04), -0.14, 0.14)))
    return Placement(float(rng.uniform(-0.9, 0.9)))


def put(place: Placement, audio_CN: Audio, rate_hz: int) -> Audio:
    """Pan a stem: level, a moment's delay and a duller far ear, float32 ``(2, N)``."""
    import pedalboard as pb

    angle = (place.side + 1) * np.pi / 4
    gains = np.sqrt(2) * np.array([np.cos(angle), np.sin(angle)])
    sides = []
    for channel, gain in enumerate(gains):
        board: list[Any] = [pb.Gain(gain_db=float(20 * np.log10(max(gain, 1e-3))))]
        if (place.side > 0.15) == (channel == 0) and abs(place.side) > 0.15:  # this is the far ear
            board.append(pb.Delay(delay_seconds=EAR_DELAY_S * abs(place.side), feedback=0.0, mix=1.0))
            board.append(pb.HighShelfFilter(cutoff_frequency_hz=4000.0, gain_db=-4.0 * abs(place.side)))
        sides.append(pb.Pedalboard(board)(audio_CN[channel], rate_hz))
    return np.stack(sides).astype(np.float32)


def _amp(rng: Rng, family: str, pb: Any) -> list[Any]:
    chance, low_db, high_db = AMPLIFIED.get(family, (0.02, 0.0, 8.0))
    if rng.random() >= chance:
        return []
    return [
        pb.HighpassFilter(cutoff_frequency_hz=float(rng.uniform(60, 120))),
        pb.Distortion(drive_db=float(rng.uniform(low_db, high_db))),
        pb.PeakFilter(cutoff_frequency_hz=float(rng.uniform(1200, 3000)), gain_db=float(rng.uniform(0, 6)), q=0.8),
        pb.LowpassFilter(cutoff_frequency_hz=float(rng.uniform(3500, 6500))),  # a loudspeaker
        pb.LowpassFilter(cutoff_frequency_hz=float(rng.uniform(4500, 8000))),
    ]


def _saturation(rng: Rng, family: str, pb: Any) -> list[Any]:
    if rng.random() >= 0.12:
        return []
    if rng.random() < 0.1:
        return [pb.Bitcrush(bit_depth=float(rng.uniform(6, 11)))]
    return [pb.Distortion(drive_db=float(rng.uniform(1, 8)))]


def _shelves(rng: Rng, family: str, pb: Any) -> list[Any]:
    if rng.random() >= 0.55:
        return []
    low_hz, high_hz = float(rng.uniform(90, 400)), float(rng.uniform(1500, 7000))
    return [
        pb.LowShelfFilter(cutoff_frequency_hz=low_hz, gain_db=float(rng.normal(0, 4))),
        pb.HighShelfFilter(cutoff_frequency_hz=high_hz, gain_db=float(rng.normal(0, 5))),
    ]


def _peak(rng: Rng, family: str, pb: Any) -> list[Any]:
    if rng.random() >= 0.35:
        return []
    hertz = float(np.exp(rng.uniform(np.log(200), np.log(5000))))
    return [pb.PeakFilter(cutoff_frequency_hz=hertz, gain_db=float(rng.normal(0, 5)), q=float(rng.uniform(0.4, 2)))]


def _compressor(rng: Rng, family: str, pb: Any) -> list[Any]:
    if rng.random() >= 0.4:
        return []
    return [pb.Compressor(threshold_db=float(rng.uniform(-30, -14)), ratio=float(rng.uniform(2, 6)))]


def _modulation(rng: Rng, family: str, pb: Any) -> list[Any]:
    chance = rng.random()
    if chance < 0.12:
        return [pb.Chorus(rate_hz=float(rng.uniform(0.3, 2)), depth=float(rng.uniform(0.1, 0.4)), mix=0.4)]
    return [pb.Phaser(rate_hz=float(rng.uniform(0.2, 1.5)), mix=0.4)] if chance < 0.15 else []


def _delay(rng: Rng, family: str, pb: Any) -> list[Any]:
    if rng.random() >= 0.12:
        return []
    echo_s, feedback = float(rng.uniform(0.12, 0.5)), float(rng.uniform(0.1, 0.4))
    return [pb.Delay(delay_seconds=echo_s, feedback=feedback, mix=0.25)]


def _room(rng: Rng, family: str, pb: Any) -> list[Any]:
    if rng.random() >= 0.5:
        return []
    return [
        pb.Reverb(
            room_size=float(rng.uniform(0.05, 0.8)),
            damping=float(rng.uniform(0.2, 0.9)),
            wet_level=float(rng.uniform(0.03, 0.3)),
            dry_level=float(rng.uniform(0.6, 0.9)),
        )
    ]
