"""How well a part goes with some music: by its pitches, and by when it plays."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from engine.composing.music import STEPS_PER_BEAT, Music
from engine.notes.note import DrumHit, NoteEvent


def harmony_fit(music: Music, notes: Sequence[NoteEvent | DrumHit]) -> float:
    """Share of the harmony of each bar that the part's pitch classes have, 0 to 1.

    It is 1 for drums, and where no harmony was heard. The strongest pitch class of a bar counts 1, the weakest 0, and
    long notes count more.
    """
    pitched = [one for one in notes if isinstance(one, NoteEvent)]
    if not pitched or not len(music.chroma_BP):
        return 1.0
    low_B1, high_B1 = music.chroma_BP.min(axis=1, keepdims=True), music.chroma_BP.max(axis=1, keepdims=True)
    share_BP = (music.chroma_BP - low_B1) / np.maximum(high_B1 - low_B1, 1e-9)
    beats = music.time_map.beats_per_bar
    fits, lengths = [], []
    for one in pitched:
        bar = math.floor(music.beat_of((one.start_s + one.end_s) / 2) / beats) - music.first_bar
        fits.append(float(share_BP[min(max(bar, 0), len(share_BP) - 1), one.key % 12]))
        lengths.append(one.length_s)
    return float(np.average(fits, weights=np.maximum(lengths, 1e-3)))


def rhythm_fit(music: Music, notes: Sequence[NoteEvent | DrumHit]) -> float:
    """How much the part plays in the steps of a bar in which the music does, 0 (the other ones) to 1 (the same)."""
    steps = len(music.groove)
    played_S = np.zeros(steps)
    for one in notes:
        at_s = one.at_s if isinstance(one, DrumHit) else one.start_s
        played_S[round(music.beat_of(at_s) * STEPS_PER_BEAT) % steps] += one.velocity
    groove_S = np.asarray(music.groove)
    if played_S.std() < 1e-9 or groove_S.std() < 1e-9:
        return 0.5
    return float(np.clip((1 + np.corrcoef(played_S, groove_S)[0, 1]) / 2, 0, 1))
