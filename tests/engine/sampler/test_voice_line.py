"""The line of one voice is heard beneath its partials and what shines through of others."""

import numpy as np
import pytest

from engine.notes.network import LOWEST_KEY, NoteActivations, NoteNetwork
from engine.notes.note import NoteEvent
from engine.sampler.instruments import load_sampler
from engine.sampler.play import play_notes
from engine.sampler.voice_line import line_of, transcribe_line

RATE_HZ = 44_100
LINE = [NoteEvent(0.2 + 0.4 * k, 0.2 + 0.4 * k + 0.37, pitch) for k, pitch in enumerate((40, 43, 45, 45, 38, 40))]


def sound(name, notes, seconds=2.8):
    instrument = load_sampler().instruments[name]
    return np.concatenate(list(play_notes(instrument, notes, RATE_HZ, round(seconds * RATE_HZ))), axis=1).mean(axis=0)


@pytest.mark.parametrize("name", ["electric bass", "cello"])
def test_a_line_is_found_under_soft_chords(name):
    chords = [NoteEvent(0.1 + 0.7 * k, 0.7 + 0.7 * k, pitch) for k in range(4) for pitch in (60, 64, 67)]
    mixed = sound(name, LINE) + 0.15 * sound("electric piano", chords)
    heard = transcribe_line(mixed.astype(np.float32), RATE_HZ, NoteNetwork(), lambda: None)
    assert abs(len(heard) - len(LINE)) <= 2
    for one in LINE:
        near = min(heard, key=lambda other: abs(other.start_s - one.start_s))
        assert near.start_s == pytest.approx(one.start_s, abs=0.1)  # a bow is slow
        assert near.key == one.pitch


def activations(frames=100):
    return [np.zeros((frames, 88), np.float32) for _ in range(2)]


def test_a_key_below_louder_partials_wins_and_an_attack_begins_it_anew():
    frames, onsets = activations()
    key = 45 - LOWEST_KEY
    frames[10:60, key], frames[10:60, key + 12], frames[10:60, key + 19] = 0.5, 0.6, 0.4
    onsets[10, key] = onsets[35, key] = 0.9
    notes = line_of(NoteActivations(frames, onsets, np.zeros((100, 264), np.float32)))
    assert [one.pitch for one in notes] == [45.0, 45.0]
    assert notes[0].end_s == notes[1].start_s


def test_silence_has_no_line():
    frames, onsets = activations()
    assert line_of(NoteActivations(frames, onsets, np.zeros((100, 264), np.float32))) == ()
    assert line_of(NoteActivations(frames[:0], onsets[:0], np.zeros((0, 264), np.float32))) == ()
