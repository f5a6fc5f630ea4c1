"""What hears drums learns what a kit really plays, and what it learnt is what the engine reads."""

from __future__ import annotations

import json

import numpy as np
import pytest
import soundfile

from engine.notes.drum_features import BANDS, CONTEXT_FRAMES, DRUMS, FRAME_S, mel_bands
from engine.notes.drums import read_weights, said, strokes
from training.data.sources import NoteBank
from training.notes.drum_classes import seen, train, write
from training.notes.drum_kits import DrumPiece, Stroke, bank_drum, drawn_part, machine_drum
from training.synthesis.drum_machine import MACHINES, hit
from training.synthesis.score import Note

HAT, RIDE, LOW_TOM, KICK, CONGA = 42, 51, 45, 36, 63


@pytest.fixture
def small_kit(tmp_path):
    """A bank of a kick, a hi-hat and a conga."""
    rows = []
    for number, piece in enumerate(("kick", "hat closed", "conga high")):
        soundfile.write(tmp_path / f"{number}.wav", np.zeros(100), 44_100)
        rows.append({"file": f"{number}.wav", "midi_note": 60, "velocity_low": 0, "velocity_high": 127, "piece": piece})
    (tmp_path / "index.json").write_text(json.dumps({"kind": "drums", "dynamics": "recorded", "files": rows}))
    return NoteBank(tmp_path)


def test_what_is_learned_is_the_drum_that_a_kit_plays_a_note_on(small_kit):
    played = {midi: bank_drum(small_kit, Note(0.0, 0.1, midi, 100)) for midi in (KICK, HAT, RIDE, LOW_TOM)}
    assert played == {KICK: "kick", HAT: "hi-hat", RIDE: "hi-hat", LOW_TOM: ""}, "it has neither ride nor toms"
    assert machine_drum(Note(0.0, 0.1, RIDE, 100)) == "cymbal"
    assert machine_drum(Note(0.0, 0.1, CONGA, 100)) == ""


def test_no_part_strikes_a_closed_hi_hat_with_an_open_one():
    for seed in range(20):
        notes = drawn_part(np.random.default_rng(seed)).notes
        open_s = [note.start_s for note in notes if note.midi == 46]
        assert all(abs(note.start_s - at_s) > 0.02 for note in notes if note.midi in (42, 44) for at_s in open_s)
        assert [note.start_s for note in notes] == sorted(note.start_s for note in notes)


def machine_piece(seed, name):
    """Kicks, snares and hi-hats of a drum machine."""
    rng = np.random.default_rng(seed)
    mono_N, struck = np.zeros(44_100 * 8), list[Stroke]()
    for number in range(24):
        at_s, midi = 0.2 + 0.3 * number + float(rng.uniform(0, 0.02)), int(rng.choice([36, 38, 42]))
        sound_N = hit(rng, MACHINES[name], midi, int(rng.integers(70, 127)), 44_100)
        first = round(at_s * 44_100)
        mono_N[first : first + len(sound_N)] += sound_N[: len(mono_N) - first]
        struck.append(Stroke(at_s, machine_drum(Note(at_s, 0.1, midi, 100))))
    return DrumPiece(name, mono_N[::2].astype(np.float32), tuple(struck))


def test_what_was_learned_from_some_machines_hears_another_and_is_read_by_the_engine(tmp_path):
    learned = [seen(machine_piece(seed, name)) for seed in range(8) for name in ("analogue", "digital", "dusty")]
    assert learned[0].bands_BL.shape[0] == BANDS
    network = train(learned, 30, 1)
    write(network, tmp_path / "drums.npz")
    weights = read_weights((tmp_path / "drums.npz").read_bytes())
    assert weights[0].shape[0] == BANDS * len(CONTEXT_FRAMES)
    assert weights[3].shape == (len(DRUMS),)
    piece = machine_piece(99, "dance")
    bands_BL = mel_bands(piece.mono_N)
    heard = strokes(bands_BL, said(bands_BL, weights))
    right = [
        any(one.drum == stroke.drum and abs(one.at_s - stroke.at_s) < 2 * FRAME_S for one in heard)
        for stroke in piece.strokes
    ]
    assert np.mean(right) > 0.85
    assert len(heard) < 1.3 * len(piece.strokes)
