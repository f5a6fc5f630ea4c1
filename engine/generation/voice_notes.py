"""What a result says of who made its sound, as templates: a window says them in another language.

A note travels as a sentence, in the JSON beside a result and over OSC. Its values are texts.
"""

from __future__ import annotations

from engine.composing.music import NO_HARMONY, NOT_SURE_OF_TIME

NO_INSTRUMENT = "no recorded instrument is called {prompt}, so the flow model made the sound"
NO_WORDS = "a recorded instrument is found by words alone, so the flow model made the sound"
NOT_SURE = "the line could not be written down with confidence ({confidence}), so the flow model made the sound"
STROKES_NOT_SURE = "the strokes were not heard with confidence ({confidence}), so the flow model made the sound"
TOO_FEW_NOTES = "fewer than two notes were heard in the old sound, so the flow model made the sound"
TOO_FEW_STROKES = "fewer than two strokes were heard in the old sound, so the flow model made the sound"
NOT_IN_FILE = "the MIDI file has no notes for the {instrument} there, so a part was composed for it"
NO_BEAT = "no beat was heard in the music, so the MIDI file has 120 beats per minute"
NO_MIDI = "no MIDI file of the notes was written: mido is not installed; install it with: pip install 'fluxstem[notes]'"
OCTAVE_HIGHER = "the {instrument} plays the line an octave higher, where it is at home"
OCTAVES_HIGHER = "the {instrument} plays the line {octaves} octaves higher, where it is at home"
OCTAVE_LOWER = "the {instrument} plays the line an octave lower, where it is at home"
OCTAVES_LOWER = "the {instrument} plays the line {octaves} octaves lower, where it is at home"
FOLDED_ONE = "a note beyond the reach of the {instrument} was moved by octaves"
FOLDED = "{count} notes beyond the reach of the {instrument} were moved by octaves"

VOICE_NOTES = (
    NO_INSTRUMENT, NO_WORDS, NOT_SURE, STROKES_NOT_SURE, TOO_FEW_NOTES, TOO_FEW_STROKES, NOT_IN_FILE, NO_BEAT, NO_MIDI,
    OCTAVE_HIGHER, OCTAVES_HIGHER, OCTAVE_LOWER, OCTAVES_LOWER, FOLDED_ONE, FOLDED, NO_HARMONY, NOT_SURE_OF_TIME,
)  # fmt: skip


def moved_note(instrument: str, octaves: int) -> str:
    """That an instrument plays a line so many octaves higher, or lower where that is negative."""
    one, several = (OCTAVE_HIGHER, OCTAVES_HIGHER) if octaves > 0 else (OCTAVE_LOWER, OCTAVES_LOWER)
    return (one if abs(octaves) == 1 else several).format(instrument=instrument, octaves=abs(octaves))


def folded_note(instrument: str, count: int) -> str:
    """That so many notes of a line were moved by octaves of their own."""
    return (FOLDED_ONE if count == 1 else FOLDED).format(instrument=instrument, count=count)
