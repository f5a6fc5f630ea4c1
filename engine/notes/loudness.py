"""How loudly a note was played and when it was let go, measured on its own partials in the sound."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from engine.notes.network import HOP_SAMPLES, RATE_HZ, FloatArray
from engine.notes.note import BEND_STEP_S, NoteEvent

FFT_SAMPLES = 2048
PARTIALS = 6
ATTACK_S = 0.12  # after the onset, in which a note is as loud as it gets
USUAL_VELOCITY, LEAST_VELOCITY = 0.8, 0.1
# A note is let go where it falls by more than this within so many frames: instruments that ring fall more slowly.
RELEASE_DB, RELEASE_FRAMES = 4.0, 8
RELEASE_S = 0.04  # from there to where a key is up
FAINT_DB = 12.0  # below its loudest a note has ended in any case
SHORTEST_S = 0.04


def with_loudness(notes: Sequence[NoteEvent], mono_N: FloatArray) -> tuple[NoteEvent, ...]:
    """The notes with measured velocities and ends.

    A velocity's square is the amplitude, as General MIDI recommends; the loud ones of a stem are at 0.8.

    Args:
        notes: as the network hears them; their ends are too late where they ring or echo.
        mono_N: float32 (samples) at ``RATE_HZ``.
    """
    if not notes:
        return ()
    padded_N = np.pad(mono_N, (FFT_SAMPLES // 2, FFT_SAMPLES))
    ways = [_amplitudes(note, padded_N) for note in notes]
    attack = max(round(ATTACK_S * RATE_HZ / HOP_SAMPLES), 1)
    amplitudes = np.array([float(way_L[:attack].max()) for way_L in ways])
    loud = max(float(np.quantile(amplitudes, 0.9)), 1e-9)
    velocities = np.clip(USUAL_VELOCITY * np.sqrt(amplitudes / loud), LEAST_VELOCITY, 1.0)
    return tuple(
        _until(replace(note, velocity=round(float(velocity), 3)), _end_s(note, way_L))
        for note, velocity, way_L in zip(notes, velocities, ways, strict=True)
    )


def _amplitudes(note: NoteEvent, padded_N: FloatArray) -> FloatArray:
    """Root of the power in a note's first partials, every ``HOP_SAMPLES`` from its start to its end."""
    starts_L = np.arange(int(note.start_s * RATE_HZ), max(int(note.end_s * RATE_HZ), 1), HOP_SAMPLES)
    if not len(starts_L):
        starts_L = np.array([int(note.start_s * RATE_HZ)])
    starts_L = np.minimum(starts_L, len(padded_N) - FFT_SAMPLES)
    frames_LN = padded_N[starts_L[:, None] + np.arange(FFT_SAMPLES)] * np.hanning(FFT_SAMPLES).astype(np.float32)
    power_LF = np.abs(np.fft.rfft(frames_LN, axis=1)) ** 2
    hertz = 440.0 * 2 ** ((note.pitch - 69) / 12) * np.arange(1, PARTIALS + 1)
    bins = np.round(hertz[hertz < RATE_HZ / 2.2] * FFT_SAMPLES / RATE_HZ).astype(int)
    parts = [power_LF[:, max(at - 1, 0) : at + 2].max(axis=1) for at in bins]
    return np.asarray(np.sqrt(np.sum(parts, axis=0) + 1e-12), np.float32)


def _end_s(note: NoteEvent, way_L: FloatArray) -> float:
    """When the note is let go."""
    later_L = np.concatenate([way_L[RELEASE_FRAMES:], np.zeros(min(RELEASE_FRAMES, len(way_L)), np.float32)])
    audible_L = way_L >= way_L.max() * 10 ** (-FAINT_DB / 20)
    held_L = audible_L & (later_L[: len(way_L)] >= way_L * 10 ** (-RELEASE_DB / 20))
    last = int(np.flatnonzero(held_L)[-1]) + 1 if held_L.any() else 1
    last = min(last, int(np.flatnonzero(audible_L)[-1]) + 1)
    return note.start_s + max(last * HOP_SAMPLES / RATE_HZ + RELEASE_S, SHORTEST_S)


def _until(note: NoteEvent, end_s: float) -> NoteEvent:
    """The note with an end that is no later than its own, and with the bends up to there."""
    end_s = round(min(end_s, note.end_s), 4)
    steps = math.ceil((end_s - note.start_s) / BEND_STEP_S)
    return replace(note, end_s=end_s, bends=note.bends[:steps])
