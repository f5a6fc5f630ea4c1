"""Promises of singing made of speech: the notes are the part's, in the speaker's register; silence stays silent."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import pyworld
from madespeech import speech

from training.data.sources import RATE
from training.synthesis.score import Note
from training.synthesis.sing import SingingStyle, SpokenPhrase, sing

PLAIN = SingingStyle(
    glide_s=0.03, vibrato_semitones=0.0, vibrato_hz=5.0, vibrato_from_s=0.3, wander_semitones=0.0, bright_db=0.0,
    tract=1.0, transpose=0.0, first=0,
)  # fmt: skip
NOTES = tuple(Note(0.3 + 0.6 * k, 0.5, midi, 90) for k, midi in enumerate((60, 64, 67, 62)))


@pytest.fixture(scope="module")
def phrase():
    return SpokenPhrase.analyse(speech(), RATE)


def test_every_vowel_becomes_a_syllable_with_its_vowel_inside_it(phrase):
    assert len(phrase.syllables) == 5
    for one in phrase.syllables:
        assert one.start <= one.opens < one.closes <= one.end
    assert phrase.pitch == pytest.approx(69 + 12 * np.log2(130 / 440), abs=0.7)


def test_a_voice_sings_the_notes_in_the_octave_where_it_is_at_home(phrase):
    found = sing(np.random.default_rng(1), phrase, NOTES, 3.0, PLAIN)
    assert found.shape == (3 * RATE,)
    assert found.dtype == np.float32
    f0_hz, at_s = pyworld.harvest(found.astype(np.float64), RATE, f0_floor=70.0, f0_ceil=600.0)
    octaves = set()
    for note in NOTES:
        held = (at_s > note.start_s + 0.15) & (at_s < note.end_s - 0.15) & (f0_hz > 0)
        off = 69 + 12 * np.log2(np.median(f0_hz[held]) / 440) - note.midi
        octaves.add(round(off / 12))
        assert off == pytest.approx(12 * round(off / 12), abs=0.3)
    assert octaves == {-1}  # the speaker's pitch is that of MIDI note 48


def test_between_notes_and_without_notes_there_is_silence(phrase):
    found = sing(np.random.default_rng(1), phrase, (NOTES[0], NOTES[3]), 3.0, PLAIN)
    loud = float(np.sqrt((found[round(0.4 * RATE) : round(0.7 * RATE)] ** 2).mean()))
    assert np.sqrt((found[round(1.0 * RATE) : round(1.8 * RATE)] ** 2).mean()) < 1e-3 * loud
    assert not np.any(sing(np.random.default_rng(1), phrase, (), 1.0, PLAIN))


def test_the_same_generator_sings_the_same(phrase):
    style = SingingStyle.draw(np.random.default_rng(2))
    one, again = (sing(np.random.default_rng(3), phrase, NOTES, 3.0, style) for _ in range(2))
    assert np.array_equal(one, again)
    assert not np.array_equal(one, sing(np.random.default_rng(3), phrase, NOTES, 3.0, PLAIN))


def test_a_longer_vocal_tract_has_lower_formants(phrase):
    centres = []
    for tract in (0.9, 1.1):
        found = sing(np.random.default_rng(1), phrase, NOTES, 3.0, replace(PLAIN, tract=tract))
        power = np.abs(np.fft.rfft(found)) ** 2
        hertz = np.fft.rfftfreq(len(found), 1 / RATE)
        band = (hertz > 200) & (hertz < 4000)
        centres.append(float((power * hertz)[band].sum() / power[band].sum()))
    assert centres[1] < 0.95 * centres[0]


def test_above_the_band_of_a_narrow_recording_there_is_breath_that_falls():
    narrow = speech(top_hz=7_900.0)
    levels = {}
    for recorded in (None, 16_000):
        phrase = SpokenPhrase.analyse(narrow, RATE, recorded)
        found = sing(np.random.default_rng(1), phrase, NOTES, 3.0, PLAIN)
        power = np.abs(np.fft.rfft(found)) ** 2
        hertz = np.fft.rfftfreq(len(found), 1 / RATE)
        bands = [power[(hertz > low) & (hertz < low + 2000)].mean() for low in (5_000, 8_500, 15_000)]
        levels[recorded] = 10 * np.log10(np.array(bands) / bands[0])
    assert levels[16_000][1] > levels[None][1] + 10
    assert levels[16_000][2] < levels[16_000][1] < 0


def test_what_has_no_syllables_is_refused():
    noise = (0.1 * np.random.default_rng(0).standard_normal(RATE)).astype(np.float32)
    for audio in (noise, np.zeros(RATE, np.float32)):
        with pytest.raises(ValueError, match="needs 3 syllables to sing"):
            SpokenPhrase.analyse(audio, RATE)
