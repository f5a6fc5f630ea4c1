"""Notes of what the network says: onsets, how long each key sounds on, and the way its pitch goes.

Source: Bittner et al. 2022 (arXiv 2203.09893), section 2.3: a note begins at a peak of the onsets and ends where its
key falls silent; what is left sounding after that becomes notes too, from its strongest frame outwards (Salamon and
Gomez 2012).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from engine.notes.network import BINS_PER_KEY, HOP_SAMPLES, LOWEST_KEY, RATE_HZ, FloatArray, NoteActivations
from engine.notes.note import NoteEvent

FRAME_S = HOP_SAMPLES / RATE_HZ
SLIDE_S, SLIDE_SEMITONES = 0.07, 0.7  # within which one note goes on as another
GHOST_S = 0.1  # by which a partial may begin sooner or end later than its note
REACH_BINS = 5  # to either side of a key within which its pitch is looked for
STEADY_SEMITONES = 0.15  # a pitch that stays this near to its middle has no bends
NEAR_FRAMES = 2  # of an onset, within which it counts as its peak
PARTIALS = (12, 19, 24, 28, 31, 34, 36)  # semitones of the partials 2 to 8 above their fundamental
RISE_FRAMES = 2  # over which a key that grows louder counts as an onset


@dataclass(frozen=True, slots=True, kw_only=True)
class DecodeSettings:
    """What counts as a note.

    Attributes:
        onset: least activation of an onset.
        again: least activation of the onset of a key that sounds already: echoes and tremolo are weaker.
        frame: least activation of a key that sounds.
        sure: least mean activation of a note.
        ghost: a note below this that lies on a partial of a surer one is that partial.
        shortest_s: shorter notes are dropped.
        gap_frames: frames for which a key may fall below ``frame`` and still be the same note.
        keys: lowest and highest MIDI number.
    """

    onset: float = 0.5
    again: float = 0.65
    frame: float = 0.3
    sure: float = 0.42
    ghost: float = 0.6
    shortest_s: float = 0.07
    gap_frames: int = 11
    keys: tuple[int, int] = (21, 108)


def decode(heard: NoteActivations, settings: DecodeSettings | None = None) -> tuple[NoteEvent, ...]:
    """Notes of activations, by start and pitch; their velocity is how sure the network is of them."""
    settings = settings or DecodeSettings()
    notes = [_note(heard, *span) for span in sorted(_spans(heard, settings))]
    notes = [note for note in _joined(notes, heard, settings) if note.confidence >= settings.sure]
    return tuple(note for note in notes if note.confidence >= settings.ghost or not _is_partial(note, notes))


def _spans(heard: NoteActivations, settings: DecodeSettings) -> Iterator[tuple[int, int, int]]:
    """(first frame, key's column, frame past the last) of every note."""
    low, high = settings.keys[0] - LOWEST_KEY, settings.keys[1] - LOWEST_KEY
    inside_K = np.zeros(heard.frames_LK.shape[1], bool)
    inside_K[max(low, 0) : high + 1] = True
    left_LK = np.where(inside_K, heard.frames_LK, 0.0)
    onsets_LK = np.where(inside_K, with_rises(heard.onsets_LK, heard.frames_LK), 0.0)
    shortest = max(round(settings.shortest_s / FRAME_S), 1)
    for start, key in reversed(_peaks(onsets_LK, settings.onset)):
        near_L = slice(max(start - NEAR_FRAMES, 0), start + NEAR_FRAMES + 1)
        sounds = start > NEAR_FRAMES and heard.frames_LK[start - NEAR_FRAMES : start, key].min() >= settings.frame
        if sounds and heard.onsets_LK[near_L, key].max() < settings.again:
            continue
        end = _end(left_LK[:, key], start + 1, settings)
        if end - start > shortest:
            _take(left_LK, start, end, key)
            yield start, key, end
    yield from _unstarted(left_LK, settings, shortest)


def with_rises(onsets_LK: FloatArray, frames_LK: FloatArray) -> FloatArray:
    """Onsets, and frames that grow louder from one to the next, brought to the same height."""
    rises = []
    for back in range(1, RISE_FRAMES + 1):
        before_LK = np.concatenate([np.repeat(frames_LK[:1], back, axis=0), frames_LK])[: len(frames_LK)]
        rises.append(frames_LK - before_LK)
    rise_LK = np.maximum(np.min(rises, axis=0), 0.0)
    rise_LK[:RISE_FRAMES] = 0.0
    highest = float(rise_LK.max(initial=0.0))
    if highest <= 0.0:
        return onsets_LK
    return np.asarray(np.maximum(onsets_LK, rise_LK * (onsets_LK.max() / highest)), np.float32)


def _peaks(values_LK: FloatArray, least: float) -> list[tuple[int, int]]:
    """(frame, key) of every peak in time, by time."""
    padded = np.pad(values_LK, ((1, 1), (0, 0)), constant_values=-1.0)
    peak_LK = (values_LK >= least) & (values_LK > padded[:-2]) & (values_LK >= padded[2:])
    return [(int(at), int(key)) for at, key in np.argwhere(peak_LK)]


def _end(left_L: FloatArray, at: int, settings: DecodeSettings) -> int:
    """The frame past the last in which a key sounds, from a frame on."""
    below = 0
    for frame in range(at, len(left_L)):
        below = below + 1 if left_L[frame] < settings.frame else 0
        if below > settings.gap_frames:
            return frame + 1 - below
    return len(left_L) - below


def _take(left_LK: FloatArray, start: int, end: int, key: int) -> None:
    """What a note explains, its neighbours' share with it, is no further note."""
    left_LK[start:end, max(key - 1, 0) : key + 2] = 0.0


def _unstarted(left_LK: FloatArray, settings: DecodeSettings, shortest: int) -> Iterator[tuple[int, int, int]]:
    """Notes whose onset nothing showed: from the strongest frame that is left in both directions."""
    candidates = np.argwhere(left_LK > settings.frame)
    strongest_first = np.argsort(left_LK[tuple(candidates.T)], kind="stable")[::-1]
    for at, key in candidates[strongest_first]:
        if left_LK[at, key] <= settings.frame:  # a note before took it
            continue
        end = _end(left_LK[:, key], at, settings)
        start = at + 1 - _end(left_LK[at::-1, key], 0, settings)
        _take(left_LK, start, end, key)
        if end - start > shortest:
            yield int(start), int(key), int(end)


def _note(heard: NoteActivations, start: int, key: int, end: int) -> NoteEvent:
    sure = float(heard.frames_LK[start:end, key].mean())
    way_L = pitch_way(heard.contours_LB[start:end], key)
    middle = float(np.median(way_L)) if len(way_L) else 0.0
    way_L = way_L - middle
    bends = (
        ()
        if not len(way_L) or np.quantile(np.abs(way_L), 0.9) < STEADY_SEMITONES
        else tuple(round(float(b), 3) for b in way_L)
    )
    pitch = round(LOWEST_KEY + key + middle, 2)
    confidence = round(min(sure, 1.0), 3)
    return NoteEvent(round(start * FRAME_S, 4), round(end * FRAME_S, 4), pitch, confidence, bends, confidence)


def _joined(notes: Sequence[NoteEvent], heard: NoteActivations, settings: DecodeSettings) -> list[NoteEvent]:
    """Notes by start, where one that slides on into the next key without an onset is one note with bends."""
    made = list[NoteEvent]()
    for note in notes:
        before = next((place for place in reversed(range(len(made))) if _slides_into(made[place], note)), None)
        at = round(note.start_s / FRAME_S)
        onsets_L = heard.onsets_LK[max(at - NEAR_FRAMES, 0) : at + NEAR_FRAMES + 1, note.key - LOWEST_KEY]
        if before is None or onsets_L.max(initial=0.0) >= settings.again:
            made.append(note)
            continue
        first = made[before]
        way = [first.pitch + bend for bend in _bends(first)][: max(at - round(first.start_s / FRAME_S), 1)]
        way += [note.pitch + bend for bend in _bends(note)]
        bends = tuple(round(pitch - first.pitch, 3) for pitch in way)
        made[before] = replace(first, end_s=note.end_s, bends=bends)
    return made


def _slides_into(note: NoteEvent, later: NoteEvent) -> bool:
    """True where a note ends as a later one begins, at nearly the same pitch."""
    meets = abs(later.start_s - note.end_s) <= SLIDE_S and later.start_s > note.start_s and later.key != note.key
    return meets and abs(note.pitch + _bends(note)[-1] - later.pitch - _bends(later)[0]) <= SLIDE_SEMITONES


def _bends(note: NoteEvent) -> tuple[float, ...]:
    """The bends, zeros for none."""
    return note.bends or (0.0,) * max(round(note.length_s / FRAME_S), 1)


def _is_partial(note: NoteEvent, notes: Sequence[NoteEvent]) -> bool:
    """True where a surer note sounds throughout that has a partial there."""
    return any(
        other.confidence > note.confidence
        and other.start_s <= note.start_s + GHOST_S
        and other.end_s >= note.end_s - GHOST_S
        and any(abs(note.pitch - other.pitch - partial) < 0.6 for partial in PARTIALS)
        for other in notes
    )


def pitch_way(contours_LB: FloatArray, key: int) -> FloatArray:
    """Semitones against a key in each frame: the strongest bin near it, between bins by the centre of mass."""
    centre = key * BINS_PER_KEY + 1  # a key's own bin is the middle one of its three
    first = max(centre - REACH_BINS, 0)
    near_LB = contours_LB[:, first : centre + REACH_BINS + 1]
    offsets_B = np.arange(first, first + near_LB.shape[1]) - centre
    weighted_LB = near_LB * np.exp(-0.5 * (offsets_B / REACH_BINS) ** 2)
    top_L = weighted_LB.argmax(axis=1)
    around_LB = np.abs(np.arange(near_LB.shape[1])[None] - top_L[:, None]) <= 1
    mass_LB = np.where(around_LB, near_LB, 0.0)
    total_L = mass_LB.sum(axis=1)
    way_L = (mass_LB * offsets_B).sum(axis=1) / np.maximum(total_L, 1e-6) / BINS_PER_KEY
    return np.where(total_L > 1e-3, way_L, 0.0)
