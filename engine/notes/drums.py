"""Strokes of a drum kit: where something new begins, and which drums it is.

A small network tells from the mel bands around an onset which drums were struck together; ``training drum-classes``
makes it.
"""

from __future__ import annotations

import functools
import io
import zipfile
import zlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import soxr

from engine.errors import BundleDamaged
from engine.notes.calibration import STROKE, calibrated
from engine.notes.drum_features import (
    DRUMS,
    FFT_SAMPLES,
    HOP_SAMPLES,
    RATE_HZ,
    Array,
    features,
    find_onsets,
    mel_bands,
    mel_bank,
)
from engine.notes.network import checked_bytes, find_notes_folder
from engine.notes.note import DrumHit

WEIGHTS = "drums.npz"
WEIGHTS_LIMIT_BYTES = 16 << 20  # unpacked
# From which probability on it was struck; rare ones are held back by the network itself.
LEAST_SURE = {"kick": 0.5, "snare": 0.45, "hi-hat": 0.35, "open hi-hat": 0.3, "tom": 0.35, "cymbal": 0.35}
LEAST_LIKELIEST = 0.3  # of the likeliest drum at an onset, which is struck even below that; less is no stroke
HATS = ("hi-hat", "open hi-hat")  # one instrument: never both at once
APART_S = 0.03  # strokes on one drum are never nearer
# A drum's own bands, by which its loudness is measured, in Hz.
OWN_HZ = {
    "kick": (35, 130), "snare": (150, 4000), "hi-hat": (6000, 11_000), "open hi-hat": (5000, 11_000),
    "tom": (70, 400), "cymbal": (3000, 11_000),
}  # fmt: skip


def hear_drums(audio_CN: npt.NDArray[np.floating], rate_hz: int, only: Sequence[str] = ()) -> tuple[DrumHit, ...]:
    """The strokes in a sound, by time.

    Args:
        audio_CN: float (channels, samples), full scale at 1.
        rate_hz: its sample rate.
        only: kinds of drums that can be in it; empty for all.

    Raises:
        BundleError: the weights are not installed, or damaged.
    """
    mono_N = np.atleast_2d(np.asarray(audio_CN, np.float32)).mean(axis=0)
    if rate_hz != RATE_HZ and len(mono_N):
        mono_N = np.asarray(soxr.resample(mono_N, rate_hz, RATE_HZ), np.float32)
    if len(mono_N) < FFT_SAMPLES or float(np.abs(mono_N).max()) < 1e-6:
        return ()
    bands_BL = mel_bands(mono_N)
    onsets_O = find_onsets(bands_BL)
    if not len(onsets_O):
        return ()
    said_OD = classify(features(bands_BL, onsets_O), drum_weights(find_notes_folder()))
    return tuple(_hits(bands_BL, onsets_O, said_OD, only or DRUMS))


def classify(features_OV: Array, weights: Sequence[Array]) -> Array:
    """Probability of each of ``DRUMS`` at each onset; weights are those of a network with one hidden layer."""
    first_VH, bias_H, second_HD, bias_D = weights
    hidden_OH = np.maximum(features_OV @ first_VH + bias_H, 0)
    return np.asarray(1 / (1 + np.exp(-(hidden_OH @ second_HD + bias_D))), np.float32)


@functools.cache
def drum_weights(folder: Path) -> tuple[Array, ...]:
    """The network's weights.

    Raises:
        BundleError: they are not there, or not what the folder's description says.
    """
    path, raw = folder / WEIGHTS, checked_bytes(folder, WEIGHTS)
    try:
        with zipfile.ZipFile(io.BytesIO(raw)) as archive:
            if sum(one.file_size for one in archive.infolist()) > WEIGHTS_LIMIT_BYTES:
                raise ValueError(f"it unpacks to more than {WEIGHTS_LIMIT_BYTES} bytes")
        with np.load(io.BytesIO(raw), allow_pickle=False) as kept:
            return tuple(kept[name].astype(np.float32) for name in ("first", "first_bias", "second", "second_bias"))
    except (
        OSError, ValueError, KeyError, MemoryError, EOFError, RuntimeError, zlib.error, zipfile.BadZipFile,
    ) as error:  # fmt: skip
        raise BundleDamaged("{path} cannot be read ({reason}); install it again", path=path, reason=error) from error


def _hits(bands_BL: Array, onsets_O: npt.NDArray[np.intp], said_OD: Array, only: Sequence[str]) -> list[DrumHit]:
    levels = {drum: _own_growth(bands_BL, onsets_O, drum) for drum in only}
    least = LEAST_LIKELIEST if set(only) == set(DRUMS) else 0.0  # of a stem of hi-hats, all onsets are hi-hats
    last_s, hits = dict.fromkeys(only, -1.0), list[DrumHit]()
    for number, frame in enumerate(onsets_O):
        at_s = round(float(frame) * HOP_SAMPLES / RATE_HZ, 4)
        sure = {drum: float(said_OD[number, DRUMS.index(drum)]) for drum in only}
        best = max(sure, key=lambda drum: sure[drum])
        struck = {drum for drum in only if sure[drum] >= (least if drum == best else LEAST_SURE[drum])}
        if struck.issuperset(HATS):
            struck.remove(min(HATS, key=lambda drum: sure[drum]))
        for drum in (drum for drum in only if drum in struck):
            if at_s - last_s[drum] >= APART_S:
                last_s[drum] = at_s
                hits.append(DrumHit(at_s, drum, levels[drum][number], calibrated(sure[drum], STROKE)))
    return hits


def _own_growth(bands_BL: Array, onsets_O: npt.NDArray[np.intp], drum: str) -> list[float]:
    """Velocity at each onset: the power in a drum's own bands; the loud ones are at 0.8, its square is amplitude."""
    low, high = OWN_HZ[drum]
    bank_BF, hertz_F = mel_bank(), np.fft.rfftfreq(FFT_SAMPLES, 1 / RATE_HZ)
    middle_B = hertz_F[bank_BF.argmax(axis=1)]
    own_BL = bands_BL[(middle_B >= low) & (middle_B <= high)]
    places_OX = np.clip(onsets_O[:, None] + np.arange(4), 0, bands_BL.shape[1] - 1)
    power_O = (10 ** own_BL[:, places_OX] - 1).sum(axis=0).max(axis=1)
    loud = max(float(np.quantile(power_O, 0.9)), 1e-9)
    return [round(float(v), 3) for v in np.clip(0.8 * (power_O / loud) ** 0.25, 0.1, 1.0)]
