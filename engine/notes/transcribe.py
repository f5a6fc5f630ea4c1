"""Pitched notes of a sound: the network over all of it, notes of what it says, and how loudly each was played."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import soxr

from engine.notes.calibration import MEASURED, ConfidenceTables, calibrated, onset_strengths
from engine.notes.decode import DecodeSettings, decode
from engine.notes.loudness import with_loudness
from engine.notes.network import HOP_SAMPLES, RATE_HZ, FloatArray, NoteNetwork
from engine.notes.note import NoteEvent, Transcription

SILENT_DB = -55.0  # against the loudest moment: nothing is expected to be written down there
SURE = 0.75  # mean activation of notes that are certainly there
COVERED = 0.6  # of what sounds, by notes that are sure; less of it lowers the confidence
SURE_ENOUGH = 0.35  # below this confidence, notes and strokes are called uncertain, and nobody plays them again


def transcribe(
    audio_CN: npt.NDArray[np.floating],
    rate_hz: int,
    network: NoteNetwork | None = None,
    settings: DecodeSettings | None = None,
    check: Callable[[], None] = lambda: None,
    calibration: ConfidenceTables = MEASURED,
) -> Transcription:
    """Notes of a sound, in tune and in time.

    Args:
        audio_CN: float (channels, samples), full scale at 1.
        rate_hz: its sample rate.
        network: opened before; None opens the one that is installed.
        settings: what counts as a note.
        check: called now and then; raises to stop.
        calibration: what confidences are made by.

    Raises:
        BundleError: the network is not installed, or is damaged.
        DeviceError: there is no ONNX Runtime, or it refused.
    """
    mono_N = _mono(audio_CN, rate_hz)
    length_s = audio_CN.shape[-1] / rate_hz
    peak = float(np.abs(mono_N).max(initial=0.0))
    if peak < 1e-6:
        return Transcription(length_s=length_s)
    mono_N = mono_N * np.float32(0.7 / peak)  # it was trained on sounds that are loud
    heard = (network or NoteNetwork()).hear(mono_N, check)
    notes = decode(heard, settings)
    notes = tuple(replace(note, end_s=min(note.end_s, length_s)) for note in notes if note.start_s < length_s)
    strengths = onset_strengths(notes, heard)
    covered = min(covered_surely(notes, frame_levels(mono_N)) / COVERED, 1.0)
    confidence = round(covered * calibrated(float(np.mean(strengths)), calibration.stem), 2) if notes else 0.0
    sure = tuple(calibrated(strength, calibration.note) for strength in strengths)
    return Transcription(with_loudness(notes, mono_N), confidence, length_s, sure)


def _mono(audio_CN: npt.NDArray[np.floating], rate_hz: int) -> FloatArray:
    mono_N = np.atleast_2d(np.asarray(audio_CN, np.float32)).mean(axis=0)
    if rate_hz == RATE_HZ or not len(mono_N):
        return np.ascontiguousarray(mono_N)
    return np.asarray(soxr.resample(mono_N, rate_hz, RATE_HZ), np.float32)


def frame_levels(mono_N: FloatArray) -> FloatArray:
    """Level of each frame of ``HOP_SAMPLES``, in dB against the loudest."""
    whole = len(mono_N) // HOP_SAMPLES
    if not whole:
        return np.zeros(0, np.float32)
    power_L = np.square(mono_N[: whole * HOP_SAMPLES]).reshape(whole, HOP_SAMPLES).mean(axis=1)
    return np.asarray(10 * np.log10(power_L / max(float(power_L.max()), 1e-12) + 1e-12), np.float32)


def covered_surely(notes: Sequence[NoteEvent], level_L: FloatArray) -> float:
    """How sure the network is that keys sound, times how much of what sounds the notes cover, 0 to 1."""
    loud_L = level_L > SILENT_DB
    if not notes or not loud_L.any():
        return 0.0
    covered_L = np.zeros(len(level_L), bool)
    for note in notes:
        covered_L[int(note.start_s * RATE_HZ / HOP_SAMPLES) : int(note.end_s * RATE_HZ / HOP_SAMPLES) + 1] = True
    power_L = 10 ** (level_L / 20)  # amplitudes: a quiet passage counts less, and still counts
    covered = float(power_L[covered_L & loud_L].sum() / power_L[loud_L].sum())
    lengths = np.array([note.length_s for note in notes])
    sure = float((np.array([note.confidence for note in notes]) * lengths).sum() / lengths.sum())
    return round(covered * min(sure / SURE, 1.0), 2)
