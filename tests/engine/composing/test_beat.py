"""Tempo, bars and chords of the music that a part is written for."""

from pathlib import Path

import numpy as np
import pytest
import soundfile

from engine.audio.reader import probe
from engine.composing.music import hear_music
from engine.notes.beats import estimate_tempo
from engine.notes.note import DrumHit, NoteEvent
from engine.sampler.instruments import load_sampler
from engine.sampler.play import play_notes

RATE_HZ = 44_100
DEMO = Path(__file__).parents[3] / "resources" / "demo" / "mix.flac"


def heard(tmp_path, parts, seconds):
    mixed = sum(
        np.concatenate(list(play_notes(load_sampler().instruments[name], notes, RATE_HZ, round(seconds * RATE_HZ))), 1)
        .mean(axis=0)
        for name, notes in parts.items()
    )  # fmt: skip
    path = tmp_path / "music.wav"
    soundfile.write(path, 0.5 * mixed / np.abs(mixed).max(), RATE_HZ)
    return hear_music(probe(path), lambda: None)


def beats(bpm, seconds, first_s=0.2):
    beat_s = 60 / bpm
    hits = [DrumHit(first_s + k * beat_s, "snare" if k % 2 else "kick") for k in range(int((seconds - 0.5) / beat_s))]
    return hits + [DrumHit(first_s + k * beat_s / 2, "hi-hat", 0.5) for k in range(int((seconds - 0.5) / beat_s) * 2)]


@pytest.mark.parametrize("bpm", [84.0, 104.0, 132.0])
def test_tempo_bars_and_chords_of_a_band(tmp_path, bpm):
    bar_s, seconds = 240 / bpm, 14.0
    roots = [(45, (57, 60, 64)), (41, (57, 60, 65)), (48, (55, 60, 64)), (43, (55, 59, 62))]  # Am F C G
    piano, bass = [], []
    for bar in range(int(seconds / bar_s)):
        root, chord = roots[bar % 4]
        start = 0.2 + bar * bar_s
        piano += [NoteEvent(start, start + 0.9 * bar_s, key) for key in chord]
        bass += [NoteEvent(start + half * bar_s / 2, start + (half + 0.9) * bar_s / 2, root) for half in (0, 1)]
    music = heard(tmp_path, {"drum kit": beats(bpm, seconds), "grand piano": piano, "electric bass": bass}, seconds)
    assert music.time_map.bpm == pytest.approx(bpm, rel=0.01)
    first = round(0.2 / bar_s + music.time_map.beat_at(0.2) / music.time_map.beats_per_bar)
    assert (music.time_map.beat_at(0.2) + 0.5) % 4 - 0.5 == pytest.approx(0.0, abs=0.1), "bars begin with the chords"
    found = [music.chord(first + bar).root for bar in range(4)]
    assert sum(one == root % 12 for one, (root, _) in zip(found, roots, strict=True)) >= 3


def test_drums_alone_have_a_beat_and_no_chords(tmp_path):
    music = heard(tmp_path, {"drum kit": beats(120.0, 10.0)}, 10.0)
    assert music.time_map.bpm == pytest.approx(120.0, rel=0.01)
    assert not len(music.chroma_BP)
    assert any("no chords were heard" in remark for remark in music.remarks)


def test_what_has_no_beat_keeps_a_tempo_of_its_own(tmp_path):
    path = tmp_path / "noise.wav"
    soundfile.write(path, 0.1 * np.random.default_rng(3).standard_normal(10 * RATE_HZ), RATE_HZ)
    music = hear_music(probe(path), lambda: None)
    assert any("no clear beat was heard" in remark for remark in music.remarks)
    assert music.is_heard


def test_a_part_keeps_to_the_bars_that_are_shown_of_the_music():
    music, shown = hear_music(probe(DEMO), lambda: None).time_map, estimate_tempo(probe(DEMO)).time_map
    assert (music.beats_per_bar, music.bpm) == (shown.beats_per_bar, pytest.approx(shown.bpm, rel=0.002))
    apart = (music.beat_at(shown.first_s) + 0.5) % music.beats_per_bar - 0.5
    assert apart == pytest.approx(0.0, abs=0.05), "their first beats are first beats of each other's bars"


def test_silence_has_no_beats(tmp_path):
    path = tmp_path / "silence.wav"
    soundfile.write(path, np.zeros(6 * RATE_HZ), RATE_HZ)
    assert any("no clear beat was heard" in remark for remark in hear_music(probe(path), lambda: None).remarks)
