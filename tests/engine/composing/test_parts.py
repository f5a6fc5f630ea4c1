"""New parts keep to the chords, the key and the bars of the music they are written for."""

from dataclasses import replace

import numpy as np
import pytest

from engine.composing.fit import harmony_fit, rhythm_fit
from engine.composing.music import Chord, Music, chords_of, music_from_words, swing_of, swung
from engine.composing.parts import compose_part, role_of
from engine.notes.note import DrumHit
from engine.notes.time_map import TimeMap
from engine.sampler.instruments import load_sampler

CHORDS = (Chord(9, "minor"), Chord(5, "major"), Chord(0, "major"), Chord(7, "major"))  # Am F C G


def music(groove=None):
    chroma = np.array([[1.0 if p in chord.pitch_classes else 0.1 for p in range(12)] for chord in CHORDS * 2])
    beats = TimeMap(bpm=120.0, first_s=0.0)
    return Music(beats, 0, "major", CHORDS, 0, groove or (1.0, 0.0, 0.4, 0.0) * 4, chroma, (), True)


def instrument(name):
    return load_sampler().instruments[name]


@pytest.mark.parametrize(
    ("prompt", "name", "role"),
    [
        ("drums", "drum kit", "drums"), ("upright bass", "double bass", "bass"), ("piano", "grand piano", "chords"),
        ("piano arpeggio", "grand piano", "arpeggio"), ("strings", "strings", "pad"), ("trumpet", "trumpet", "lead"),
        ("violin pad", "violin", "lead"), ("piano melody", "grand piano", "lead"),
    ],
)  # fmt: skip
def test_the_role_is_what_the_prompt_says_or_what_the_instrument_does(prompt, name, role):
    assert role_of(prompt, instrument(name)) == role


def test_a_bass_line_has_the_root_of_the_chord_on_the_first_beat():
    for seed in range(5):
        notes = compose_part(music(), "bass", instrument("electric bass"), 16.0, seed)
        for bar in range(8):
            first = min(notes, key=lambda one: abs(one.start_s - 2.0 * bar))
            assert first.key % 12 == CHORDS[bar % 4].root
        assert all(28 <= one.key <= 48 for one in notes)


@pytest.mark.parametrize(("role", "name"), [("chords", "grand piano"), ("pad", "strings"), ("arpeggio", "harp")])
def test_chords_hold_nothing_but_tones_of_the_chord(role, name):
    for one in compose_part(music(), role, instrument(name), 16.0, 3):
        assert one.key % 12 in CHORDS[int((one.start_s + 0.05) // 2) % 4].pitch_classes


def test_a_melody_stays_in_the_key():
    notes = compose_part(music(), "lead", instrument("flute"), 16.0, 1)
    assert len(notes) > 8
    assert {one.key % 12 for one in notes} <= set(music().scale)


def test_drums_have_a_backbeat():
    hits = compose_part(music(), "drums", instrument("drum kit"), 16.0, 2)
    snares = [one.at_s for one in hits if isinstance(one, DrumHit) and one.drum == "snare"]
    for beat_s in (0.5, 1.5, 2.5, 3.5):
        assert min(abs(at - beat_s) for at in snares) < 0.03


@pytest.mark.parametrize("role", ["bass", "chords", "pad", "arpeggio", "lead", "drums"])
def test_a_part_is_the_same_for_a_seed_another_for_another_and_stays_inside_its_length(role):
    name = {"drums": "drum kit", "bass": "electric bass", "lead": "flute"}.get(role, "grand piano")
    one, again, other = (compose_part(music(), role, instrument(name), 7.3, seed) for seed in (1, 1, 4))
    assert one == again != other
    ends = [note.at_s if isinstance(note, DrumHit) else note.end_s for note in one]
    assert max(ends) <= 7.3 + 1e-6


def test_what_is_written_for_the_music_fits_better_than_the_same_part_elsewhere():
    notes = compose_part(music(), "chords", instrument("grand piano"), 16.0, 0)
    away = [type(one)(one.start_s, one.end_s, one.pitch + 1, one.velocity) for one in notes]
    assert harmony_fit(music(), notes) > 0.9 > 0.5 > harmony_fit(music(), away)
    offbeat = music(groove=(0.0, 1.0, 0.0, 0.4) * 4)
    assert rhythm_fit(music(), notes) > rhythm_fit(offbeat, notes)


def test_chords_are_heard_in_a_noisy_chroma():
    rng = np.random.default_rng(0)
    chroma = music().chroma_BP + 0.3 * rng.random((8, 12))
    assert chords_of(chroma, 0, "major") == CHORDS * 2


def test_words_say_tempo_and_key_and_the_seed_says_the_rest():
    said = music_from_words("slow cello in D minor", 0, 10.0)
    assert (said.time_map.bpm, said.tonic, said.mode) == (72.0, 2, "minor")
    assert music_from_words("bass, 93 bpm", 0, 10.0).time_map.bpm == 93.0
    assert len({music_from_words("bass", seed, 10.0).tonic for seed in range(8)}) > 1
    assert not said.is_heard


def test_the_notes_a_melody_stands_on_belong_to_the_chord():
    for seed in range(6):
        for one in compose_part(music(), "lead", instrument("flute"), 16.0, seed):
            if one.length_s > 0.5:  # more than a beat
                assert one.key % 12 in CHORDS[int((one.start_s + 0.05) // 2) % 4].pitch_classes


def test_a_pad_holds_on_what_two_chords_share():
    notes = compose_part(music(), "pad", instrument("strings"), 8.0, 0)
    shared = [one for one in notes if one.length_s > 2.5]
    assert {one.key % 12 for one in shared} >= {9}, "Am and F share A"
    for one in shared:
        bars = range(round(one.start_s / 2), round(one.end_s / 2))
        assert all(one.key % 12 in CHORDS[bar % 4].pitch_classes for bar in bars)


@pytest.mark.parametrize("role", ["bass", "chords", "pad", "arpeggio", "lead", "drums"])
def test_a_part_of_its_own_ends_on_the_tonic_and_a_loop_does_not_end(role):
    name = {"drums": "drum kit", "bass": "electric bass", "lead": "flute"}.get(role, "grand piano")
    said = music_from_words("120 bpm, C major", 3, 15.0)
    end_s = said.at(said.end_bar(15.0), 0.0)
    assert end_s == 14.0
    notes = compose_part(said, role, instrument(name), 15.0, 3)
    last = [one for one in notes if (one.at_s if isinstance(one, DrumHit) else one.start_s) > end_s - 0.05]
    if role == "drums":
        assert {one.drum for one in last} == {"kick", "cymbal"}
    else:
        held = [one for one in notes if one.end_s > end_s + 0.5]
        assert held
        assert {one.key % 12 for one in held} <= {0, 4, 7}
        assert all(one.end_s == pytest.approx(15.0, abs=0.05) for one in held)
    loop = music_from_words("120 bpm, C major loop", 3, 15.0)
    assert loop.end_bar(15.0) is None
    notes = compose_part(loop, role, instrument(name), 15.0, 3)
    starts = [one.at_s if isinstance(one, DrumHit) else one.end_s for one in notes]
    assert max(starts) > 14.4


def test_swing_is_heard_and_played():
    beats = np.arange(0.0, 32.0, 0.02)
    onsets = np.zeros(len(beats))
    for place, late in ((0.0, 0.5), (0.66, 0.66)):
        for beat in range(32):
            onsets[np.abs(beats - beat - place).argmin()] = 1.0
        assert swing_of(onsets, beats) == pytest.approx(late, abs=0.03)
    swings = replace(music(), swing=0.66)
    for one in compose_part(swings, "arpeggio", instrument("harp"), 16.0, 3):
        assert abs(one.start_s * 2 - round(one.start_s * 2)) < 0.05 or one.start_s * 2 % 1 == pytest.approx(
            0.66, abs=0.05
        )
    for beat in (0.0, 0.3, 0.66, 1.9, -0.2):
        assert swung(swung(beat, 0.5, 0.66), 0.66, 0.5) == pytest.approx(beat)


def test_a_fill_leads_to_a_cymbal_and_a_guitar_is_strummed():
    hits = compose_part(music(), "drums", instrument("drum kit"), 32.0, 2)
    cymbals = [one.at_s for one in hits if one.drum == "cymbal"]
    fills = {int(one.at_s // 2) for one in hits if one.drum == "tom"}
    assert fills
    assert all(any(abs(at - 2 * (bar + 1)) < 0.03 for at in cymbals) for bar in fills if bar < 15)
    strums = compose_part(music(), "chords", instrument("acoustic guitar"), 4.0, 1)
    first = [one.start_s for one in strums if one.start_s < 0.2]
    assert len(first) >= 3
    assert max(first) - min(first) > 0.01
