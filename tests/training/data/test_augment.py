"""Promises of the timbre variations: as long and as loud as before, another sound, the same for the same seed."""

import numpy as np
import pytest

from training.data.augment import PlaybackSpeed, draw_speed, vary_timbre
from training.data.mixer import StemMixer

RATE_HZ = 16_000


def tone(hertz: float, seconds: float = 2.0) -> np.ndarray:
    time_s = np.arange(round(seconds * RATE_HZ)) / RATE_HZ
    return sum(0.1 / k * np.sin(2 * np.pi * k * hertz * time_s) for k in range(1, 6)).astype(np.float32)


def strongest_hz(audio: np.ndarray) -> float:
    spectrum = np.abs(np.fft.rfft(audio * np.hanning(len(audio))))
    return float(np.argmax(spectrum)) * RATE_HZ / len(audio)


@pytest.mark.parametrize("semitones", [-3, 0, 2])
def test_speed_moves_the_pitch_and_keeps_the_length(semitones):
    speed = PlaybackSpeed(2 ** (semitones / 12))
    audio = speed.apply(tone(440)[: speed.needs(16_000)], 16_000)
    assert audio.shape == (16_000,)
    assert strongest_hz(audio) == pytest.approx(440 * speed.ratio, abs=2)


def test_speeds_stay_within_three_semitones():
    ratios = [draw_speed(np.random.default_rng(k)).ratio for k in range(200)]
    assert 2 ** (-3 / 12) <= min(ratios) < 0.9 < 1.1 < max(ratios) <= 2 ** (3 / 12)


def test_recolouring_keeps_level_and_length_and_changes_the_sound():
    audio = tone(330)
    changed = 0
    for seed in range(20):
        other = vary_timbre(np.random.default_rng(seed), audio, RATE_HZ)
        assert other.shape == audio.shape
        assert np.isfinite(other).all()
        assert float((other**2).mean()) == pytest.approx(float((audio**2).mean()), rel=1e-3)
        changed += float(((other - audio) ** 2).mean()) > 0.01 * float((audio**2).mean())
        np.testing.assert_array_equal(other, vary_timbre(np.random.default_rng(seed), audio, RATE_HZ))
    assert changed >= 15  # a flat equaliser may be drawn


def test_silence_stays_silence():
    silence = np.zeros(8000, dtype=np.float32)
    np.testing.assert_array_equal(vary_timbre(np.random.default_rng(1), silence, RATE_HZ), silence)


class _Cache:
    """Two stems of one piece: clicks at the same moments."""

    folder, count, samples = "memory", 2, 48_000

    def __init__(self) -> None:
        self.pieces = {"one": [0, 1]}

    def label(self, stem: int) -> dict[str, str]:
        return {"family": ("violin", "piano")[stem], "piece": "one"}

    def audio(self, stem: int) -> np.ndarray:
        audio = np.zeros(self.samples, dtype=np.float32)
        audio[4_000::8_000] = 0.5
        return audio


def test_stems_of_one_piece_stay_in_time():
    mixer = StemMixer(_Cache(), vary=1.0, rate_hz=RATE_HZ)
    together = 0
    for seed in range(40):
        mix = mixer.draw(np.random.default_rng(seed), 24_000, count=2)
        assert mix.stems.shape == (2, 24_000)
        np.testing.assert_allclose(mix.mix, mix.stems.sum(axis=0), atol=1e-6)
        first, second = (np.abs(stem).argmax() for stem in mix.stems)
        gap = abs(int(first) - int(second)) % 8_000
        together += min(gap, 8_000 - gap) < 40
    assert together >= 15  # about half of the mixes are of one piece; strangers meet by chance only
