"""Hear the tempo of a file, with the extra ``tempo``.

Source: beats by dynamic programming (Ellis 2007) as in librosa; the tempo is the slope of a line through them.
"""

from __future__ import annotations

import importlib
from pathlib import Path

import numpy as np
import soundfile
import soxr

from engine.errors import AudioError, RequestError

RATE_HZ, LONGEST_S, FEWEST_BEATS = 22_050, 300.0, 8
WHOLE = 0.002  # a tempo this near to a whole number is that number


def hear_bpm(path: Path) -> float:
    """Beats per minute of the first minutes of a file.

    Raises:
        RequestError: librosa is not installed, or no steady beat is heard.
        AudioError: the file cannot be read.
    """
    try:
        beat = importlib.import_module("librosa.beat")
    except ImportError as error:
        raise RequestError(
            "hearing the tempo needs librosa; install it with: pip install 'fluxstem[tempo]', or give --tempo a number"
        ) from error
    try:
        with soundfile.SoundFile(path) as stream:
            audio_NC = stream.read(round(LONGEST_S * stream.samplerate), dtype="float32", always_2d=True)
            mono_N = soxr.resample(audio_NC.mean(axis=1), stream.samplerate, RATE_HZ)
    except soundfile.LibsndfileError as error:
        raise AudioError("{path} cannot be read ({why}); give --tempo a number", path=path, why=error) from error
    _, beats_s = beat.beat_track(y=mono_N, sr=RATE_HZ, units="time", trim=False)
    if len(beats_s) < FEWEST_BEATS:
        raise RequestError("no steady beat is heard in {path}; give --tempo a number", path=path)
    beat_s = float(np.polyfit(np.arange(len(beats_s)), beats_s, 1)[0])
    bpm = 60.0 / beat_s
    return float(round(bpm)) if abs(bpm - round(bpm)) < WHOLE * bpm else round(bpm, 2)
