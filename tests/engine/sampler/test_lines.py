"""What a network heard becomes what a player can play."""

from engine.notes.note import NoteEvent
from engine.sampler.lines import SEVERAL_VOICES, as_line, joined, overlap, playable, without_bleed, without_ghosts


def test_a_less_sure_octave_or_twelfth_of_a_note_is_no_note():
    low = NoteEvent(0.0, 1.0, 60, confidence=0.7)
    octave, twelfth = (NoteEvent(0.02, 0.6, 60 + step, confidence=0.4) for step in (12, 19))
    assert without_ghosts([low, octave, twelfth]) == (low,)


def test_an_octave_that_is_as_sure_and_a_third_that_is_not_stay():
    low = NoteEvent(0.0, 1.0, 60, confidence=0.7)
    octave, third = NoteEvent(0.0, 1.0, 72, confidence=0.65), NoteEvent(0.0, 1.0, 64, confidence=0.4)
    assert without_ghosts([low, octave, third]) == (low, octave, third)


def test_a_note_cut_in_two_is_one_and_a_note_struck_again_is_two():
    first, rest = NoteEvent(0.0, 0.5, 60, 0.8), NoteEvent(0.5, 0.9, 60, 0.5)
    assert joined([first, rest]) == (NoteEvent(0.0, 0.9, 60, 0.8),)
    again = NoteEvent(0.5, 0.9, 60, 0.8)
    assert joined([first, again]) == (first, again)


def test_a_line_lets_go_of_a_note_when_the_next_begins_and_keeps_chords():
    notes = [NoteEvent(0.0, 0.8, 60), NoteEvent(0.01, 0.9, 64), NoteEvent(0.5, 1.0, 62)]
    first, third, last = as_line(notes)
    assert first.end_s == third.end_s == 0.52
    assert last.end_s == 1.0


def test_nothing_stays_nothing():
    assert playable([]) == as_line([]) == ()


def test_what_shines_through_is_left_out_and_a_chord_stays():
    line, trace = NoteEvent(0.0, 1.0, 40, 0.8), NoteEvent(0.2, 0.8, 63, 0.3)
    assert without_bleed([line, trace]) == (line,)
    chord = [NoteEvent(0.0, 1.0, pitch, velocity) for pitch, velocity in ((60, 0.8), (64, 0.6), (67, 0.7))]
    assert without_bleed(chord) == tuple(chord)
    assert overlap([line]) == 0.0
    assert overlap(chord) > SEVERAL_VOICES
