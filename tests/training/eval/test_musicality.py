"""Figures of music have known answers: a tone is harmonic, noise is not, a stem in the key and on the beat is heard."""

import numpy as np
import pytest

from training.eval import musicality

pytest.importorskip("librosa", reason="the extra bench has it")
RATE_HZ = 22_050
SECONDS = 6.0
TIME_N = np.arange(round(RATE_HZ * SECONDS)) / RATE_HZ


def tone(midi, rate_hz=RATE_HZ, seconds=SECONDS):
    time_N = np.arange(round(rate_hz * seconds)) / rate_hz
    hz = 440 * 2 ** ((midi - 69) / 12)
    return sum(np.sin(2 * np.pi * k * hz * time_N) / k for k in (1, 2, 3)).astype(np.float32) * np.float32(0.1)


def clicks(period_s, late_s=0.0):
    """Short bursts of noise on a beat."""
    rng, audio = np.random.default_rng(0), np.zeros(len(TIME_N), dtype=np.float32)
    for at_s in np.arange(late_s, SECONDS - 0.1, period_s):
        first = round(at_s * RATE_HZ)
        audio[first : first + 900] += (rng.standard_normal(900) * np.exp(-np.arange(900) / 150)).astype(np.float32)
    return audio * np.float32(0.2)


def test_the_same_pitches_correlate_and_others_do_not():
    chord = tone(60) + tone(64) + tone(67)
    assert musicality.chroma_correlation(tone(48) + tone(52) + tone(55), chord, RATE_HZ) > 0.8
    assert musicality.chroma_correlation(tone(61) + tone(66) + tone(70), chord, RATE_HZ) < 0.1


def test_only_what_sounds_is_compared():
    half = tone(60)
    half[len(half) // 2 :] = 0
    assert musicality.chroma_correlation(half, tone(60), RATE_HZ) > 0.9
    assert np.isnan(musicality.chroma_correlation(np.zeros_like(half), tone(60), RATE_HZ))


def test_onsets_at_the_same_time_correlate():
    assert musicality.onset_correlation(clicks(0.5), clicks(0.5), RATE_HZ) > 0.95
    assert musicality.onset_correlation(clicks(0.5, 0.25), clicks(0.5), RATE_HZ) < 0.2
    assert np.isnan(musicality.onset_correlation(np.zeros_like(clicks(0.5)), clicks(0.5), RATE_HZ))


def test_strokes_between_the_beats_are_not_on_them():
    beat = clicks(0.5)
    assert musicality.beat_alignment(beat, beat, RATE_HZ) > 0.8
    assert musicality.beat_alignment(clicks(0.5, 0.125), beat, RATE_HZ) < 0.35
    assert np.isnan(musicality.beat_alignment(np.zeros_like(beat), beat, RATE_HZ))


@pytest.mark.parametrize("rate_hz", [RATE_HZ, 44_100])
def test_a_tone_is_harmonic_and_noise_is_not(rate_hz):
    noise = np.random.default_rng(0).standard_normal(rate_hz).astype(np.float32) * np.float32(0.1)
    assert musicality.harmonicity(tone(57, rate_hz, 1.0), rate_hz) > 0.95
    assert musicality.harmonicity(noise, rate_hz) < 0.4
    assert np.isnan(musicality.harmonicity(np.zeros(rate_hz, dtype=np.float32), rate_hz))


def test_half_as_loud_is_six_decibels_less():
    assert musicality.loudness_gap_db(tone(60) / 2, tone(60)) == pytest.approx(-6.02, abs=0.01)
    assert np.isnan(musicality.loudness_gap_db(np.zeros(9, dtype=np.float32), tone(60)))
