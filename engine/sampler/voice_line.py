"""The line of one voice, of what the note network says: the likeliest way from key to key, over all of it at once.

A stem that was taken out of a mix holds traces of the others; note by note they look like notes. A player of one line
plays one note at a time, and knowing that leaves most of them out.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import soxr

from engine.notes.decode import FRAME_S, pitch_way
from engine.notes.loudness import with_loudness
from engine.notes.network import LOWEST_KEY, RATE_HZ, NoteActivations, NoteNetwork
from engine.notes.note import NoteEvent

PARTIALS = ((12, 0.35), (19, 0.25), (24, 0.15))  # semitones above a key, and how much they speak for it
SILENCE = 0.1  # what silence is worth in a frame; a key is worth its activation and that of its partials
STEP = 1.0  # what it costs to go to another key, and half of it to silence and back
ONSET = 0.3  # least onset that a note is said to begin at, which its frames may follow late
LATE_S = 0.17
LEAST_SURE = 0.22
FAINT = 0.11  # velocity of what is 34 dB below the loud notes: no part of the line
ATTACK = 0.55  # least onset that begins the same key anew
SHORTEST_S, APART_S = 0.07, 0.1
LOUD = 0.7  # peak that the network is given
SMOOTH_FRAMES = 7  # over which the way of a pitch is averaged
BENT, MOST_BENT = 0.25, 1.5  # semitones: less is no bend, more is a trace of something else

FloatArray = npt.NDArray[np.float32]


def transcribe_line(
    mono_N: FloatArray, rate_hz: int, network: NoteNetwork, check: Callable[[], None]
) -> tuple[NoteEvent, ...]:
    """Notes of a sound of one voice, one after the other, as loud as they are in it.

    Args:
        mono_N: float32 (samples).
        check: called between runs; raises to stop.
    """
    heard_N = mono_N if rate_hz == RATE_HZ else np.asarray(soxr.resample(mono_N, rate_hz, RATE_HZ), np.float32)
    heard_N = heard_N * np.float32(LOUD / max(float(np.abs(heard_N).max(initial=0.0)), 1e-9))
    length_s = len(mono_N) / rate_hz
    notes = line_of(network.hear(heard_N, check))
    inside = [replace(one, end_s=min(one.end_s, length_s)) for one in notes if one.start_s < length_s - SHORTEST_S]
    loud = with_loudness(inside, heard_N)  # it lets go of a note early, and the network late
    ends_s = [(one.end_s + other.end_s) / 2 for one, other in zip(inside, loud, strict=True)]
    loud = tuple(replace(one, end_s=round(end_s, 4)) for one, end_s in zip(loud, ends_s, strict=True))
    return tuple(one for one in loud if one.velocity >= FAINT)


def line_of(heard: NoteActivations) -> tuple[NoteEvent, ...]:
    """Notes of one voice, one after the other; their velocity is how sure the network is of them."""
    frames_LK = np.asarray(heard.frames_LK, np.float32)
    if not len(frames_LK):
        return ()
    spans = _spans(_likeliest(_with_partials(frames_LK)), heard.onsets_LK)
    ends = [*(start for _, start, _ in spans), len(frames_LK)][1:]
    notes = []
    for (key, start, stop), limit in zip(spans, ends, strict=True):
        stop = min(stop, limit)
        sure = round(float(min(frames_LK[start:stop, key].mean(), 1.0)), 3) if stop > start else 0.0
        if sure >= LEAST_SURE and (stop - start) * FRAME_S >= SHORTEST_S:
            off, bends = _bends(heard.contours_LB[start:stop], key)
            pitch = round(LOWEST_KEY + key + off, 2)
            notes.append(NoteEvent(round(start * FRAME_S, 4), round(stop * FRAME_S, 4), pitch, sure, bends, sure))
    return tuple(notes)


def _spans(path: npt.NDArray[np.intp], onsets_LK: FloatArray) -> list[tuple[int, int, int]]:
    """Key, first frame and the one past the last of each note: a note begins at the onset that is near to it."""
    edges = [0, *(np.flatnonzero(np.diff(path)) + 1).tolist(), len(path)]
    spans = list[tuple[int, int, int]]()
    for first, last in itertools.pairwise(edges):
        key = int(path[first])
        if key == onsets_LK.shape[1]:  # silence
            continue
        earliest = max(first - round(LATE_S / FRAME_S), spans[-1][1] + 1 if spans else 0)
        near_L = onsets_LK[earliest : first + 3, key]
        begun = earliest + int(near_L.argmax()) if near_L.max(initial=0.0) >= ONSET else first
        spans += [(key, start, stop) for start, stop in _attacks(onsets_LK, key, begun, last)]
    return spans


def _bends(contours_LB: FloatArray, key: int) -> tuple[float, tuple[float, ...]]:
    """How far a note is off its key, and the way of its pitch from there; no way where it is steady."""
    way_L = pitch_way(contours_LB, key)
    off = float(np.clip(np.median(way_L), -0.5, 0.5)) if len(way_L) else 0.0
    padded_L = np.pad(way_L - off, SMOOTH_FRAMES // 2, mode="edge")
    smooth_L = np.convolve(padded_L, np.ones(SMOOTH_FRAMES) / SMOOTH_FRAMES, "valid")
    if not BENT < float(np.abs(smooth_L).max(initial=0.0)) < MOST_BENT:
        return off, ()
    return off, tuple(round(float(bend), 3) for bend in smooth_L)


def _with_partials(frames_LK: FloatArray) -> FloatArray:
    """How much speaks for each key in each frame: it and its partials, as a share of what could."""
    summed_LK = frames_LK.copy()
    for above, weight in PARTIALS:
        summed_LK[:, :-above] += np.float32(weight) * frames_LK[:, above:]
    return np.asarray(summed_LK / (1 + sum(weight for _, weight in PARTIALS)), np.float32)


def _likeliest(worth_LK: FloatArray) -> npt.NDArray[np.intp]:
    """The way through keys and silence (the last number) that is worth most."""
    silent_L1 = np.full((len(worth_LK), 1), SILENCE, np.float32)
    worth_LS = np.concatenate([worth_LK, silent_L1], axis=1)
    states = worth_LS.shape[1]
    cost_SS = np.full((states, states), STEP, np.float32)
    cost_SS[-1, :] = cost_SS[:, -1] = STEP / 2
    np.fill_diagonal(cost_SS, 0.0)
    total_S, back_LS = worth_LS[0], np.zeros(worth_LS.shape, np.intp)
    for at in range(1, len(worth_LS)):
        coming_SS = total_S[:, None] - cost_SS
        back_LS[at] = coming_SS.argmax(axis=0)
        total_S = coming_SS.max(axis=0) + worth_LS[at]
    path = np.zeros(len(worth_LS), np.intp)
    path[-1] = int(total_S.argmax())
    for at in range(len(path) - 1, 0, -1):
        path[at - 1] = back_LS[at, path[at]]
    return path


def _attacks(onsets_LK: FloatArray, key: int, first: int, last: int) -> list[tuple[int, int]]:
    """Parts of a span of one key that begin with an attack of their own."""
    octave = min(key + 12, onsets_LK.shape[1] - 1)
    attack_L = np.maximum(onsets_LK[first:last, key], onsets_LK[first:last, octave])
    starts = [first]
    for at in range(1, last - first - 1):
        is_peak = attack_L[at] >= ATTACK and attack_L[at] >= attack_L[at - 1] and attack_L[at] > attack_L[at + 1]
        if is_peak and (first + at - starts[-1]) * FRAME_S >= APART_S:
            starts.append(first + at)
    return list(zip(starts, [*starts[1:], last], strict=True))
