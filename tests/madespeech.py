"""Speech for tests: vowels of pulses through resonances, a hiss before each."""

from __future__ import annotations

import numpy as np
from scipy.signal import lfilter

from training.data.sources import RATE


def vowel(rng, hertz, seconds, formants):
    """Pulses at a falling pitch through two resonances, with a soft beginning and end."""
    count = round(seconds * RATE)
    phase = np.cumsum(hertz * np.linspace(1.05, 0.95, count)) / RATE
    x = (np.diff(np.floor(phase), prepend=0.0) > 0).astype(float) + 1e-3 * rng.standard_normal(count)
    for centre in formants:
        pole = 0.985 * np.exp(2j * np.pi * centre / RATE)
        x = lfilter([1.0], np.real(np.poly([pole, pole.conjugate()])), x)
    return x / np.abs(x).max() * np.hanning(count) ** 0.3


def speech(hertz=130.0, syllables=5, top_hz=None):
    """Vowels with a hiss before each."""
    rng = np.random.default_rng(4)
    parts = [np.zeros(RATE // 10)]
    for k in range(syllables):
        parts += [0.02 * rng.standard_normal(RATE // 20), 0.5 * vowel(rng, hertz, 0.18, (500 + 90 * k, 1500 - 90 * k))]
    x = np.concatenate([*parts, np.zeros(RATE // 10)])
    if top_hz is not None:
        spectrum = np.fft.rfft(x)
        spectrum[np.fft.rfftfreq(len(x), 1 / RATE) > top_hz] = 0
        x = np.fft.irfft(spectrum, len(x))
    return x.astype(np.float32)
