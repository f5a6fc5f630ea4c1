"""Pieces with singers made of speech: lead, backing and choir are stems of their own, in key, the same each time."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest
import soundfile
from madespeech import speech

from training.data.credits import credits_of
from training.data.sources import RATE, SoundLibrary, Voice
from training.mask import sung
from training.mask.render import SAMPLES, write_rows
from training.mask.stems import StemPool
from training.synthesis.harmony import MODES
from training.synthesis.score import Note, Score, ScorePart

SOURCE = "readers"
NOTES = tuple(Note(0.5 * k, 0.4, midi, 90) for k, midi in enumerate((60, 62, 64, 65, 67, 69, 71, 72)))
LEAD = ScorePart("vocals", "vocals", NOTES)
SCORE = Score(120.0, 4, 60, "major", 12.0, (LEAD,))


class Synths(SoundLibrary):
    """A library of one drum machine and one synthesiser."""

    def voices(self, family, held_out):
        return [Voice("synth", "dance" if family.drums else family.synths[0])] if family.synths else []


@pytest.fixture(scope="module")
def recordings(tmp_path_factory):
    """A source of two speakers, one of whom never opens the mouth."""
    folder = tmp_path_factory.mktemp("sounds") / "recordings" / SOURCE
    folder.mkdir(parents=True)
    files = []
    for name, audio in (("one", speech()), ("mute", np.full(RATE, 1e-3, np.float32))):
        soundfile.write(folder / f"{name}.wav", audio, RATE)
        files.append({"file": f"{name}.wav", "label": "speech", "speaker": name})
    index = {"kind": "phrases", "licence": "CC0", "attribution": "nobody", "source": "made here", "files": files}
    (folder / "index.json").write_text(json.dumps(index), "utf-8")
    return folder.parent


@pytest.fixture(scope="module")
def renderer(recordings):
    return sung.SungRenderer(Synths(SoundLibrary.find().font, None, None), recordings)


def test_steps_of_the_scale_stay_in_the_scale():
    for mode, semitones in MODES.items():
        score = replace(SCORE, mode=mode)
        for midi in range(48, 84):
            if (midi - score.tonic) % 12 in semitones:
                assert sung.in_scale(midi, 0, score) == midi
                assert (sung.in_scale(midi, 2, score) - score.tonic) % 12 in semitones
                assert 3 <= sung.in_scale(midi, 2, score) - midi <= 4
                assert sung.in_scale(midi, 7, score) == midi + 12
    assert sung.in_scale(60, -5, SCORE) == 52  # a sixth below C: E


@pytest.mark.parametrize("seed", range(6))
def test_backing_sings_with_the_lead_in_the_scale(seed):
    parts = sung.backing(np.random.default_rng(seed), LEAD, SCORE)
    assert 1 <= len(parts) <= max(map(len, sung.BACKING_STEPS)) * max(sung.DOUBLES)
    starts = [note.start_s for note in NOTES]
    for part in parts:
        assert [note.start_s for note in part.notes] == starts[len(starts) - len(part.notes) :]
        assert all((note.midi - SCORE.tonic) % 12 in MODES["major"] for note in part.notes)


def test_a_choir_shares_the_notes_of_its_chords():
    chords = tuple(Note(start, 0.9, midi, 80) for start in (0.0, 1.0) for midi in (60, 64, 67))
    lines = sung._lines(chords, 4)
    assert [[note.midi for note in line] for line in lines] == [[60, 60], [64, 64], [67, 67], [60, 60]]


def test_a_piece_depends_on_its_number_alone_and_every_stem_sounds(renderer, recordings, tmp_path, monkeypatch):
    monkeypatch.setattr(sung, "BACKING_SHARE", 1.0)
    monkeypatch.setattr(sung, "CHOIR_SHARE", 1.0)
    monkeypatch.setattr(sung, "CHOIR_VOICES", (2, 3))
    rows = sung.sung_piece(renderer, 7, 0)
    fresh = sung.SungRenderer(Synths(SoundLibrary.find().font, None, None), recordings)
    again = sung.sung_piece(fresh, 7, 0)
    assert [row.label for row in rows] == [row.label for row in again]
    for one, other in zip(rows, again, strict=True):
        np.testing.assert_array_equal(one.audio_CN, other.audio_CN)
        assert one.audio_CN.shape == (1, SAMPLES)
        assert np.any(one.audio_CN)
    parts = [row.label["part_name"] for row in rows if row.label["family"] == "vocals"]
    assert parts == ["lead-vocals", "backing-vocals"]
    assert [row.label["source"] for row in rows if row.label["family"] == "choir"] == [f"sung:{SOURCE}"]
    write_rows(tmp_path, "sung-0000", rows)
    pool = StemPool([tmp_path])
    assert all(player.recorded for player in pool.by_family["vocals"])


def test_whoever_sings_is_credited(recordings, monkeypatch):
    (recordings.parent / "fluidr3.sf3").touch()
    monkeypatch.setenv("FLUXSTEM_SOUNDS", str(recordings.parent))
    assert credits_of([f"sung:{SOURCE}"]) == [f"recording {SOURCE}: CC0, nobody; made here"]


def test_without_speech_there_are_no_singers(tmp_path):
    with pytest.raises(ValueError, match="no recorded speech"):
        sung.SungRenderer(Synths(SoundLibrary.find().font, None, None), tmp_path)


@pytest.fixture
def mute(tmp_path):
    """A source of speech in which nobody says a word, beside nothing else."""
    folder = tmp_path / "mute"
    folder.mkdir()
    soundfile.write(folder / "mute.wav", np.full(RATE, 1e-3, np.float32), RATE)
    index = {"kind": "phrases", "files": [{"file": "mute.wav", "label": "speech"}]}
    (folder / "index.json").write_text(json.dumps(index), "utf-8")
    return tmp_path


def test_speech_of_which_none_can_sing_is_refused(mute):
    silent = sung.SungRenderer(Synths(SoundLibrary.find().font, None, None), mute)
    with pytest.raises(ValueError, match="no phrase of the recorded speech has enough syllables"):
        silent.voice(np.random.default_rng(1), "vocals", False)
    with pytest.raises(ValueError, match="none of the 1 phrases of mute has enough syllables"):
        silent.dry(np.random.default_rng(1), LEAD, Voice(sung.KIND, "mute"), 2.0)


def test_a_source_that_cannot_sing_is_passed_over(mute, recordings):
    shutil.copytree(recordings / SOURCE, mute / SOURCE)
    mixed = sung.SungRenderer(Synths(SoundLibrary.find().font, None, None), mute)
    singers = {mixed.voice(np.random.default_rng(seed), "vocals", False).name for seed in range(12)}
    assert singers == {SOURCE}
