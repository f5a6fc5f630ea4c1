"""Notes of stems: what the shipped network hears, what becomes of it as MIDI and JSON, and what is refused."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import struct
import subprocess
import sys

import mido
import noteline
import numpy as np
import onnx
import pytest
import soundfile
from clihelp import say

from engine import (
    AudioError,
    BundleDamaged,
    BundleError,
    StemAnalysis,
    TempoEstimate,
    TimeMap,
    analysis_of_json,
    listening_command,
    listening_error,
    midi_bytes,
)
from engine.cli.notes import analysis_lines
from engine.notes import midi as midi_module
from engine.notes import network as network_module
from engine.notes.decode import DecodeSettings, decode
from engine.notes.listen import heard_apart
from engine.notes.midi import read_midi, read_tempo
from engine.notes.network import NoteActivations, NoteNetwork, find_notes_folder
from engine.notes.note import DRUM_KEYS, DrumHit, NoteEvent
from engine.notes.stem_analysis import analyse_stem, analysis_json
from engine.notes.stem_source import StemSource, stem_source
from engine.notes.transcribe import transcribe

RATE_HZ = noteline.RATE_HZ


@pytest.fixture(scope="module")
def network():
    return NoteNetwork()


def test_a_line_is_heard_in_tune_and_in_time_at_any_rate_and_however_long_it_is(network):
    for seconds, rate_hz in ((3.5, RATE_HZ), (9.0, 2 * RATE_HZ)):
        audio_CN = np.repeat(noteline.line(seconds=seconds), rate_hz // RATE_HZ, axis=1)
        heard = transcribe(audio_CN, rate_hz, network)
        assert [note.key for note in heard.notes] == [pitch for _, pitch in noteline.LINE]
        starts = [note.start_s for note in heard.notes]
        assert starts == pytest.approx([at_s for at_s, _ in noteline.LINE], abs=0.03)
        assert all(note.length_s == pytest.approx(0.4, abs=0.12) for note in heard.notes)
        assert all(abs(note.pitch - note.key) < 0.15 and not note.bends for note in heard.notes)
        assert heard.confidence > 0.7
        assert heard.length_s == pytest.approx(seconds)


def test_a_pitch_between_keys_and_a_pitch_that_moves_are_measured(network):
    [between] = transcribe(noteline.line([(0.5, 69.3)], length_s=0.8), RATE_HZ, network).notes
    assert between.pitch == pytest.approx(69.3, abs=0.1)
    [bent] = transcribe(noteline.line([(0.5, 69)], length_s=1.0, bend=0.8), RATE_HZ, network).notes
    way = bent.pitch + np.array(bent.bends)
    assert way[3] == pytest.approx(69.05, abs=0.25)
    assert way[-6] == pytest.approx(69.7, abs=0.25)


def test_a_louder_note_has_a_higher_velocity(network):
    audio_CN = noteline.line([(0.5, 60), (1.5, 64)])
    audio_CN[:, :RATE_HZ] *= 0.25
    soft, loud = transcribe(audio_CN, RATE_HZ, network).notes
    assert soft.velocity == pytest.approx(loud.velocity / 2, rel=0.2), "its square is the amplitude"


def test_chords_have_all_their_notes(network):
    chord = [(0.5, 60), (0.5, 64), (0.5, 67), (1.5, 57), (1.5, 60), (1.5, 65)]
    heard = transcribe(noteline.line(chord, length_s=0.8), RATE_HZ, network)
    assert {(round(note.start_s * 2) / 2, note.key) for note in heard.notes} >= set(chord)


def test_silence_and_noise_have_no_confident_notes(network):
    assert transcribe(np.zeros((2, RATE_HZ), np.float32), RATE_HZ, network).notes == ()
    assert transcribe(np.zeros((2, 0), np.float32), RATE_HZ, network).confidence == 0.0
    noise_CN = 0.1 * np.random.default_rng(0).standard_normal((1, 3 * RATE_HZ)).astype(np.float32)
    assert transcribe(noise_CN, RATE_HZ, network).confidence < 0.35


def test_notes_without_an_onset_are_found_from_their_strongest_frame_and_short_ones_are_not_notes():
    frames_LK, nothing_LK = np.zeros((80, 88), np.float32), np.zeros((80, 88), np.float32)
    frames_LK[20:50, 40] = 0.6
    frames_LK[60:63, 10] = 0.9
    heard = NoteActivations(frames_LK, nothing_LK, np.zeros((80, 264), np.float32))
    [note] = decode(heard, DecodeSettings())
    assert note.key == 61
    assert (note.start_s, note.end_s) == pytest.approx((20 * 256 / RATE_HZ, 50 * 256 / RATE_HZ), abs=0.001)
    assert decode(heard, DecodeSettings(keys=(21, 50))) == ()


@pytest.mark.parametrize(
    "time_map", [None, TimeMap(bpm=97.3, beats_s=(0.3, 0.9, 1.6, 2.2), first_s=0.3, key="Eb minor")]
)
def test_a_midi_file_gives_back_notes_bends_and_strokes_at_their_seconds(tmp_path, time_map):
    bends = tuple(round(0.02 * step, 2) for step in range(40))
    notes = (NoteEvent(0.5, 0.97, 60, 0.5, bends), NoteEvent(1.25, 1.5, 64, 0.8), NoteEvent(1.25, 2.5, 67, 1.0, bends))
    hits = tuple(DrumHit(0.1 + number / 3, drum, 0.7) for number, drum in enumerate(DRUM_KEYS))
    path = tmp_path / "line.mid"
    path.write_bytes(midi_bytes(notes, hits, time_map, "Flügel"))
    found, strokes = read_midi(path)
    assert [(note.key, note.start_s, note.end_s) for note in found] == [
        (note.key, pytest.approx(note.start_s, abs=0.001), pytest.approx(note.end_s, abs=0.001)) for note in notes
    ]
    for was, now in zip(notes, found, strict=True):
        assert now.velocity == pytest.approx(was.velocity, abs=0.005)
        assert now.bends[: len(was.bends)] == pytest.approx(was.bends, abs=0.03)
    assert [(hit.drum, hit.at_s) for hit in strokes] == [(hit.drum, pytest.approx(hit.at_s, abs=0.001)) for hit in hits]


@pytest.mark.parametrize(
    "time_map",
    [
        TimeMap(bpm=132.0, beats_per_bar=3, first_s=0.0655, key="C# major"),
        TimeMap(bpm=97.3, beats_s=(0.31, 0.9, 1.62, 2.2, 2.9), first_s=0.9, key="Eb minor"),
    ],
)
def test_a_midi_file_gives_back_tempo_meter_key_and_where_bar_one_is(tmp_path, time_map):
    path = tmp_path / "line.mid"
    path.write_bytes(midi_bytes([NoteEvent(0.5, 0.9, 60)], (), time_map))
    found = read_tempo(path)
    assert (found.beats_per_bar, found.key) == (time_map.beats_per_bar, time_map.key)
    assert found.first_s == pytest.approx(time_map.first_s, abs=0.001)
    assert found.bpm == pytest.approx(time_map.bpm, abs=0.001)
    for at_s in (0.0, 0.5, 1.1, 2.0, 3.5):
        assert found.beat_at(at_s) == pytest.approx(time_map.beat_at(at_s), abs=0.01)


def test_a_key_is_written_where_no_beat_is_heard(tmp_path):
    heard = StemAnalysis(name="pad", kind="notes", length_s=2.0, notes=(NoteEvent(0.5, 0.9, 60),),
                         tempo=TempoEstimate(key="Bb minor"))  # fmt: skip
    assert heard.time_map is None
    path = tmp_path / "pad.mid"
    path.write_bytes(heard.midi_bytes())
    found = read_tempo(path)
    assert (found.bpm, found.key) == (120.0, "Bb minor")


def test_a_file_that_begins_within_the_music_marks_its_first_whole_bar(tmp_path):
    path = tmp_path / "late.mid"
    path.write_bytes(midi_bytes([NoteEvent(0.5, 0.9, 60)], (), TimeMap(bpm=120.0, first_s=-2.5)))
    [marker] = [one for track in mido.MidiFile(path).tracks for one in track if one.type == "marker"]
    assert (marker.text, marker.time) == ("3|1", round(1.5 * 2 * 960))
    assert read_tempo(path).first_s == pytest.approx(1.5)


def test_beats_that_no_midi_file_can_have_change_no_seconds(tmp_path):
    path = tmp_path / "fast.mid"
    path.write_bytes(midi_bytes([NoteEvent(2.0, 3.0, 60)], (), TimeMap(bpm=120.0, beats_s=(0.5, 0.55, 0.6, 9.0))))
    [note] = read_midi(path)[0]
    assert (note.start_s, note.end_s) == (pytest.approx(2.0, abs=0.001), pytest.approx(3.0, abs=0.001))


def test_a_midi_file_without_a_tempo_that_music_has_names_none(tmp_path):
    path = tmp_path / "x.mid"
    mido.MidiFile(tracks=[mido.MidiTrack([mido.Message("note_on", note=60, time=10)])]).save(path)
    assert read_tempo(path) is None
    mido.MidiFile(tracks=[mido.MidiTrack([mido.MetaMessage("set_tempo", tempo=7)])]).save(path)
    assert read_tempo(path) is None


@pytest.mark.parametrize("content", [b"", b"not a midi file", b"MThd\0\0\0\6\0\1\0\1\1\xe0MTrk\0\0\xff\xff"])
def test_what_is_no_midi_file_gets_one_sentence(tmp_path, content):
    path = tmp_path / "x.mid"
    path.write_bytes(content)
    with pytest.raises(AudioError, match="not a MIDI file"):
        read_midi(path)
    with pytest.raises(AudioError, match="cannot be opened"):
        read_midi(tmp_path / "none.mid")


def test_the_command_writes_midi_and_one_line_of_json_and_overwrites_nothing(tmp_path, capsys):
    stem, out = noteline.write_line(tmp_path / "flute.wav"), tmp_path / "out" / "flute.mid"
    for name in ("flute.mid", "flute (2).mid"):
        run = say(capsys, None, ["notes", stem, "--midi", out, "--json", "--no-tempo"])
        assert (run.code, run.json["midi"]) == (0, str(out.with_name(name)))
    assert [round(note["pitch"]) for note in run.json["notes"]] == [pitch for _, pitch in noteline.LINE]
    assert (run.json["kind"], run.json["name"], run.json["tempo"]) == ("notes", "flute", None)
    assert (run.json["beats_s"], run.json["downbeats_s"]) == ([], [])
    assert [note.key for note in read_midi(out)[0]] == [pitch for _, pitch in noteline.LINE]
    assert [note.key for note in analysis_of_json(run.out).notes] == [pitch for _, pitch in noteline.LINE]


def test_a_stem_without_notes_says_so_and_what_is_no_sound_is_refused(tmp_path, capsys):
    soundfile.write(tmp_path / "quiet.wav", np.zeros(RATE_HZ), RATE_HZ)
    run = say(capsys, None, ["notes", tmp_path / "quiet.wav", "--no-tempo"])
    assert run.code == 0
    assert "no notes are heard in quiet" in run.err
    assert run.out.startswith("quiet: 0 notes")
    (tmp_path / "words.wav").write_text("no sound at all")
    for path in ("words.wav", "none.wav"):
        run = say(capsys, None, ["notes", tmp_path / path, "--json"])
        assert (run.code, run.out) == (2, "")
        assert run.err.count("\n") == 1
        assert path in run.err


def test_where_the_mix_is_gone_the_tempo_is_heard_in_what_the_stem_left(tmp_path):
    stem, rest = (noteline.write_line(tmp_path / name) for name in ("stem.wav", "rest.wav"))
    record = {
        "fluxstem_sidecar": 1, "stem": "stem.wav", "rest": "rest.wav", "prompt": "flute", "rate_hz": 1000,
        "input": str(tmp_path / "private copy of a bridge.wav"), "start_samples": 2500,
    }  # fmt: skip
    stem.with_suffix(".json").write_text(json.dumps(record))
    assert stem_source(stem) == StemSource("flute", rest, 0.0)
    assert stem_source(rest).mix is None
    rest.unlink()
    assert stem_source(stem) == StemSource("flute")


def test_a_sound_without_a_beat_is_named_and_a_midi_file_of_its_stem_has_120(tmp_path, capsys):
    pytest.importorskip("librosa")
    stem, mix = (noteline.write_line(tmp_path / name) for name in ("stem.wav", "whole song.wav"))  # too short for one
    run = say(capsys, None, ["notes", stem, "--mix", mix])
    assert run.code == 0
    assert "no beat is heard in whole song.wav, so a MIDI file of the notes has 120 beats per minute" in run.err


def test_a_stem_is_called_what_its_json_says_and_tempo_is_that_of_its_mix(tmp_path, monkeypatch):
    stem = noteline.write_line(tmp_path / "stem.wav")
    mix = noteline.write_line(tmp_path / "mix.wav")
    record = {
        "fluxstem_sidecar": 1, "stem": "stem.wav", "prompt": "flute", "input": str(mix), "rate_hz": 1000,
        "start_samples": 2500,
    }  # fmt: skip
    (tmp_path / "stem.json").write_text(json.dumps(record))
    asked = []

    def listen(info):
        asked.append(info.path)
        return TempoEstimate(bpm=100.0, beats_s=(1.0, 1.6), first_s=1.0, key="A minor")

    monkeypatch.setattr("engine.notes.stem_analysis.estimate_tempo", listen)
    monkeypatch.setattr("engine.notes.stem_analysis.can_estimate", lambda: True)
    heard = analyse_stem(stem)
    assert (heard.name, asked) == ("flute", [mix])
    assert (heard.tempo.first_s, heard.tempo.beats_s) == (-1.5, (-1.5, -0.9)), "in seconds of the stem"
    assert any(line.startswith("bars      of 4 from 0.90 s") for line in analysis_lines(heard)), "none before it begins"
    said = analysis_json(heard)
    assert said["downbeats_s"][0] == pytest.approx(0.9)
    assert analysis_of_json(json.dumps(said)) == heard


def test_a_network_that_is_damaged_or_missing_is_named(tmp_path, monkeypatch):
    copy = shutil.copytree(find_notes_folder(), tmp_path / "notes")
    (copy / "notes.onnx").write_bytes((copy / "notes.onnx").read_bytes()[:-1] + b"x")
    with pytest.raises(BundleDamaged, match="not the file that"):
        NoteNetwork(copy)
    (copy / "notes.json").write_text("[]")
    with pytest.raises(BundleDamaged, match="cannot be read"):
        NoteNetwork(copy)
    monkeypatch.setattr(network_module, "find_folder", lambda *asked: None)
    with pytest.raises(BundleError, match="python -m export notes"):
        NoteNetwork()


def midi_file(path, track, ticks_per_beat=96):
    track += b"\x00\xff\x2f\x00"
    head = b"MThd" + struct.pack(">IHHH", 6, 0, 1, ticks_per_beat)
    path.write_bytes(head + b"MTrk" + struct.pack(">I", len(track)) + track)
    return path


BENT = b"\x00\xe0\x00\x10"  # the wheel away from its middle


@pytest.mark.parametrize(
    "track",
    [
        BENT + b"\x00\x90\x3c\x40" + b"\xff\xff\xff\x7f\x80\x3c\x00",  # a note of months, in 40 bytes
        b"\x00\xff\x51\x03\xff\xff\xff" + b"\x00\x90\x3c\x40" + b"\xff\xff\xff\x7f\x80\x3c\x00",
        b"\x00\x90\x3c\x40\x01\x80\x3c\x00" * 2100,
        BENT + b"\x00\x90\x3c\x40" * 2000 + b"\x83\xff\x7f\x80\x3c\x00" + b"\x00\x3c\x00" * 1999,
    ],
    ids=["a bent note of months", "a slow tempo", "a crowd of notes", "many long bends"],
)
def test_a_small_file_cannot_ask_for_hours_of_work(tmp_path, monkeypatch, track):
    monkeypatch.setattr(midi_module, "BENDS_LIMIT", 200_000)  # lower than usual, for speed
    monkeypatch.setattr(midi_module, "NOTES_LIMIT", 2000)
    with pytest.raises(AudioError, match="holds more than is read"):
        read_midi(midi_file(tmp_path / "crowd.mid", track))


def test_a_pipe_is_no_midi_file(tmp_path):
    os.mkfifo(tmp_path / "pipe.mid")
    with pytest.raises(AudioError, match="not a file"):
        read_midi(tmp_path / "pipe.mid")


def test_a_graph_that_must_not_be_run_is_refused_also_with_the_right_hash(tmp_path):
    copy = shutil.copytree(find_notes_folder(), tmp_path / "notes")
    described = json.loads((copy / "notes.json").read_text())
    model = onnx.load(copy / "notes.onnx")
    model.graph.node[0].op_type = "Loop"
    onnx.save(model, copy / "notes.onnx")
    described["files"]["notes.onnx"] = hashlib.sha256((copy / "notes.onnx").read_bytes()).hexdigest()
    (copy / "notes.json").write_text(json.dumps(described))
    with pytest.raises(BundleError, match="it uses the operator Loop"):
        NoteNetwork(copy)


@pytest.mark.parametrize("name", ["notes.json", "notes.onnx"])
def test_what_is_no_plain_file_in_the_folder_of_the_network_is_not_read(tmp_path, name):
    copy = shutil.copytree(find_notes_folder(), tmp_path / "notes")
    (copy / name).unlink()
    os.mkfifo(copy / name)
    with pytest.raises(BundleDamaged, match="is no file"):
        NoteNetwork(copy)
    (copy / "notes.json").unlink()
    (copy / "notes.json").write_text("[" * 200_000)
    with pytest.raises(BundleDamaged, match="nested too deeply"):
        NoteNetwork(copy)


def test_the_process_that_listens_tells_errors_as_one_sentence(tmp_path):
    done = subprocess.run(
        listening_command("notes", tmp_path / "none.wav"), capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert str(listening_error(done.stdout)) == f"there is no file {tmp_path / 'none.wav'}; check the path"
    assert "fluxstem notes" in str(listening_error("Traceback"))


@pytest.mark.parametrize(
    "told",
    [
        "Traceback", "[" * 100_000, "[]", "{}", '{"error": 5, "values": {}, "kind": "AudioError"}',
        '{"error": "{x.__class__}", "values": {"x": "y"}, "kind": "AudioError"}',
        '{"error": "{x:>999999999}", "values": {"x": "y"}, "kind": "AudioError"}',
        '{"error": "{y}", "values": {"x": "y"}, "kind": "AudioError"}',
        '{"error": "boo", "values": [], "kind": "AudioError"}',
        '{"error": "boo", "values": {"x": 1}, "kind": "SystemExit"}',
        '{"error": "boo", "values": {"x": 1}, "kind": "re"}',
    ],
)  # fmt: skip
def test_a_hijacked_listener_can_say_nothing_but_sentences(told):
    assert "fluxstem notes" in str(listening_error(told))


def test_a_hijacked_listener_is_not_listened_to_without_an_end(monkeypatch):
    monkeypatch.setattr("engine.notes.listen.ANSWER_LIMIT_CHARACTERS", 1 << 16)
    with pytest.raises(AudioError, match="could not be listened to"):
        heard_apart([sys.executable, "-c", "while True: print('[' * 1000)"])
