"""New parts keep to the chords, the key and the bars of the music they are written for."""

import numpy as np
import pytest

from engine.composing.fit import harmony_fit, rhythm_fit
from engine.composing.music import Chord, Music, chords_of, music_from_words
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
