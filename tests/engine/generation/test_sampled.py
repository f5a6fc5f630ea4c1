"""Recorded instruments play a line again, or a part of their own; all that holds for made sound holds for theirs."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import mido
import numpy as np
import pytest
import soundfile

from engine.errors import AudioError, NotHeard, RequestError
from engine.notes.midi import midi_bytes, read_midi, read_tempo
from engine.notes.note import DrumHit, NoteEvent
from engine.notes.time_map import TimeMap
from engine.provenance import rerun_request
from engine.sampler.instruments import load_sampler
from engine.sampler.play import play_notes
from export.defaults import change

RATE_HZ = 44_100
LINE = [NoteEvent(0.3 + 0.5 * k, 0.3 + 0.5 * k + 0.42, pitch) for k, pitch in enumerate((57, 60, 64, 62, 60, 59, 57))]


def read(path):
    return soundfile.read(path, dtype="float64", always_2d=True)[0]


@pytest.fixture(scope="module")
def played(tmp_path_factory):
    """Files of lines that the sampler plays, by instrument."""
    folder = tmp_path_factory.mktemp("lines")

    def write(name="cello", notes=LINE, seconds=4.2, level=0.1, file=""):
        path = folder / f"{file or name}.wav"
        if not path.exists():
            instrument = load_sampler().instruments[name]
            mono_N = np.concatenate(list(play_notes(instrument, notes, RATE_HZ, round(seconds * RATE_HZ))), 1).mean(0)
            audio_NC = np.stack([mono_N, 0.5 * mono_N], 1) * level / max(mono_N.std(), 1e-9)
            soundfile.write(path, audio_NC, RATE_HZ, subtype="PCM_24")
        return path

    return write


def _tempos(done):
    """Beats per minute in the MIDI file beside a result."""
    file = mido.MidiFile(done.results[0].midi)
    return [round(mido.tempo2bpm(one.tempo)) for track in file.tracks for one in track if one.type == "set_tempo"]


GROOVE = [
    DrumHit(0.2 + 0.6 * k, drum) for k in range(13) for drum in (("kick" if k % 4 in (0, 2) else "snare"), "hi-hat")
]  # 100 beats per minute
SLOWER = [replace(one, start_s=0.2 + 1.2 * k, end_s=1.1 + 1.2 * k) for k, one in enumerate(LINE)]
WALKING = [replace(one, start_s=0.2 + 0.6 * k, end_s=0.7 + 0.6 * k) for k, one in enumerate(LINE * 2)]


def _grid(path):
    """Beats per minute, beats in a bar, and seconds of the bar marker of a MIDI file."""
    heard = read_tempo(Path(path))
    return heard.bpm, heard.beats_per_bar, heard.first_s


def test_the_midi_of_a_line_played_again_has_the_tempo_of_the_rest_and_its_notes_where_they_sounded(run, played):
    rest = played("rock drum kit", GROOVE, seconds=8.5, file="groove")
    stem = played(notes=SLOWER, seconds=8.5, file="slower")
    [result] = run(task="restyle", input=stem, rest=str(rest), prompts=("trumpet",), voice="sampled").results
    bpm, beats, first_s = _grid(result.midi)
    assert (bpm, beats) == (pytest.approx(100, abs=0.5), 4)
    assert (first_s - 0.2 + 0.3) % 0.6 - 0.3 == pytest.approx(0, abs=0.05), "bars begin on a beat"
    assert_same_line(read_midi(Path(result.midi))[0], SLOWER)
    assert not any("no beat" in note for note in result.notes)


def test_the_midi_of_a_stem_has_the_tempo_of_the_mix_that_its_json_names(run, played, tmp_path):
    mix = played("rock drum kit", GROOVE, seconds=8.5, file="groove")
    stem = tmp_path / "cello.wav"
    soundfile.write(stem, read(played()), RATE_HZ, subtype="PCM_24")
    said = {"fluxstem_sidecar": 1, "stem": stem.name, "prompt": "cello", "input": str(mix), "rate_hz": RATE_HZ}
    stem.with_suffix(".json").write_text(json.dumps(said | {"start_samples": round(1.4 * RATE_HZ)}))
    [result] = run(task="restyle", input=stem, prompts=("trumpet",), voice="sampled").results
    bpm, _, first_s = _grid(result.midi)
    assert bpm == pytest.approx(100, abs=0.5)
    assert (first_s + 1.4 - 0.2 + 0.3) % 0.6 - 0.3 == pytest.approx(0, abs=0.05), "in seconds of the stem"


def test_the_midi_of_what_replaces_something_has_the_tempo_of_the_mix(run, played):
    mix = played("grand piano", WALKING, seconds=8.8, file="walking")
    asked = {"task": "replace", "input": mix, "prompts": ("violin",), "replacement": "trumpet", "voice": "sampled"}
    [result] = run(**asked, region_s=(2.0, 7.0), anyway=True).results
    assert result.made_by == "sampled"
    assert _grid(result.midi)[0] == pytest.approx(100, abs=0.5)
    found_s = np.array([one.start_s for one in read_midi(Path(result.midi))[0]])
    inside_s = [one.start_s for one in WALKING if 2.1 <= one.start_s < 6.9]
    assert [np.abs(found_s - at_s).min() < 0.06 for at_s in inside_s] == [True] * len(inside_s), "in seconds of the mix"


def test_where_no_beat_is_heard_the_midi_says_so(run, played):
    stem = played(notes=LINE[:6], seconds=3.6, file="short")  # too short for a beat
    [result] = run(task="restyle", input=stem, prompts=("trumpet",), voice="sampled").results
    assert _grid(result.midi) == (120.0, 4, 0.0)
    assert any("no beat was heard in the music, so the MIDI file has 120" in note for note in result.notes)


def test_the_tempo_of_a_midi_file_that_is_played_is_kept(run, played, tmp_path):
    beats = TimeMap(bpm=93.0, beats_per_bar=3, first_s=0.4, key="Bb minor")
    file = tmp_path / "edited.mid"
    file.write_bytes(midi_bytes([NoteEvent(0.5, 1.5, 60), NoteEvent(2.0, 3.0, 64)], (), beats))
    for asked in ({"task": "restyle", "input": played()}, {"task": "generate", "seconds": 4.0}):
        [result] = run(**asked, prompts=("flute",), voice="sampled", notes_file=str(file)).results
        found = read_tempo(Path(result.midi))
        assert (found.bpm, found.beats_per_bar, found.key) == (93.0, 3, "Bb minor")
        assert found.first_s == pytest.approx(0.4, abs=0.001)


def assert_same_line(notes, line=LINE):
    assert len(notes) == pytest.approx(len(line), abs=1)
    for one in line:
        near = min(notes, key=lambda other: abs(other.start_s - one.start_s))
        assert near.start_s == pytest.approx(one.start_s, abs=0.06)
        assert (near.key - round(one.pitch)) % 12 == 0


def test_a_line_is_played_again_with_its_notes_in_time_and_as_loud_on_each_channel(run, played):
    [result] = run(task="restyle", input=played(), prompts=("trumpet",), voice="sampled").results
    assert (result.made_by, result.instrument) == ("sampled", "trumpet")
    assert_same_line(read_midi(Path(result.midi))[0])
    made, given = read(result.stem), read(played())
    assert made.shape == given.shape
    for made_N, given_N in zip(made.T, given.T, strict=True):
        assert 20 * np.log10(made_N.std() / given_N.std()) == pytest.approx(0, abs=0.5)
    assert abs(np.corrcoef(made.T[0], given.T[0])[0, 1]) < 0.9  # another sound


def test_only_the_regions_change(run, played):
    [result] = run(task="restyle", input=played(), prompts=("flute",), voice="sampled", regions_s=((1.0, 2.0),)).results
    before, after = read(played()), read(result.stem)
    inside = slice(RATE_HZ, 2 * RATE_HZ)
    changed = np.abs(before - after).max(axis=1) > 0
    assert changed[inside].mean() > 0.5
    changed[inside] = False
    assert not changed.any()


def test_replace_keeps_the_sum_and_everything_outside(run, played):
    [result] = run(
        task="replace", input=played(), prompts=("violin",), replacement="trumpet", voice="sampled", region_s=(0.5, 3.5)
    ).results
    assert result.made_by == "sampled"
    assert result.null_db == -300.0
    before, after = read(played()), read(result.mix)
    np.testing.assert_array_equal(before[: RATE_HZ // 2], after[: RATE_HZ // 2])
    np.testing.assert_array_equal(before[round(3.5 * RATE_HZ) :], after[round(3.5 * RATE_HZ) :])
    np.testing.assert_array_equal(read(result.mix), read(result.stem) + read(result.rest))


def test_a_sound_without_notes_says_so_and_is_made_by_the_flow(run, noise):
    [result] = run(task="restyle", input=noise(seconds=3.0), prompts=("trumpet",), voice="sampled").results
    assert (result.made_by, result.instrument, result.midi) == ("flow", "", None)
    assert any("could not be written down with confidence" in note for note in result.notes)


def test_strokes_that_are_not_sure_say_so_and_are_made_by_the_flow(run, played):
    """A violin is heard as a row of cymbals, none of them likely."""
    [result] = run(task="restyle", input=played("violin"), prompts=("drum machine",), voice="sampled").results
    assert (result.made_by, result.midi) == ("flow", None)
    assert any(note.startswith("the strokes were not heard with confidence (0.") for note in result.notes)


def test_a_single_note_is_no_line_and_its_confidence_is_not_blamed(run, played):
    stem = played(notes=[NoteEvent(0.3, 2.6, 57)], seconds=3.0, file="held")
    [result] = run(task="restyle", input=stem, prompts=("trumpet",), voice="sampled").results
    assert result.made_by == "flow"
    assert any("fewer than two notes were heard" in note for note in result.notes)
    assert not any("confidence" in note for note in result.notes)


@pytest.mark.parametrize("voice", ["flow", "sampled"])
def test_where_nothing_sounds_no_line_is_played_again(run, played, tmp_path, voice):
    path = tmp_path / "begins late.wav"
    audio_NC = read(played())
    audio_NC[:RATE_HZ] = 0
    soundfile.write(path, audio_NC, RATE_HZ, subtype="PCM_24")
    asked = {"task": "restyle", "input": path, "prompts": ("trumpet",), "voice": voice}
    with pytest.raises(RequestError, match=r"^nothing sounds in begins late\.wav, 0\.2-0\.9 s, so there is no line"):
        run(**asked, region_s=(0.2, 0.9))
    assert not list((tmp_path / "out").glob("*"))
    assert run(**asked, regions_s=((0.2, 0.9), (1.5, 3.0))).results, "something sounds in one of them"


def test_what_is_not_heard_is_not_replaced_by_recorded_instruments(run, played, tmp_path):
    asked = {"task": "replace", "input": played(), "prompts": ("kazoo",), "replacement": "trumpet", "voice": "sampled"}
    with pytest.raises(NotHeard, match=r"^kazoo is not heard in cello\.wav "):
        run(**asked)
    assert not list((tmp_path / "out").glob("*"))
    assert run(**asked, anyway=True).results


def test_words_without_an_instrument_say_so_and_are_made_by_the_flow(run, played):
    [result] = run(task="restyle", input=played(), prompts=("kazoo",), voice="sampled").results
    assert result.made_by == "flow"
    assert "no recorded instrument is called 'kazoo', so the flow model made the sound" in result.notes


def test_the_notes_of_a_midi_file_are_played_in_the_place_of_its_own(run, played, tmp_path):
    edited = [NoteEvent(0.5, 1.5, 72), NoteEvent(2.0, 3.0, 76)]
    file = tmp_path / "edited.mid"
    file.write_bytes(midi_bytes(edited))
    [result] = run(task="restyle", input=played(), prompts=("flute",), voice="sampled", notes_file=str(file)).results
    assert_same_line(read_midi(Path(result.midi))[0], edited)
    made_N = read(result.stem)[:, 0]
    quiet, loud = made_N[: RATE_HZ // 3].std(), made_N[RATE_HZ : round(1.4 * RATE_HZ)].std()
    assert quiet < 0.02 * loud


@pytest.mark.parametrize(
    "asked",
    [
        {"task": "restyle", "prompts": ("flute",), "region_s": (3.2, 4.0)},
        {"task": "replace", "prompts": ("violin",), "replacement": "flute", "region_s": (3.2, 4.0), "anyway": True},
        {"task": "regenerate", "prompts": ("flute",), "region_s": (3.2, 4.0)},
        {"task": "restyle", "prompts": ("drum machine",), "region_s": (3.2, 4.0)},
    ],
)
def test_a_midi_file_without_notes_where_they_are_to_be_played_is_refused(run, played, tmp_path, asked):
    """Its own notes in their place would not be what was asked for."""
    file = tmp_path / "early.mid"
    file.write_bytes(midi_bytes([NoteEvent(0.5, 1.5, 60), NoteEvent(1.5, 2.0, 62)]))
    with pytest.raises(
        RequestError, match=r"early\.mid has no notes for the (flute|drum machine) from 3\.20 to 4\.00 s"
    ):
        run(**asked, input=played(), voice="sampled", notes_file=str(file))
    assert not list((tmp_path / "out").glob("*"))


def test_a_melody_has_no_strokes_and_strokes_are_no_melody(run, played, tmp_path):
    file = tmp_path / "drums.mid"
    file.write_bytes(midi_bytes([], GROOVE))
    with pytest.raises(RequestError, match="has no notes for the flute"):
        run(task="restyle", input=played(), prompts=("flute",), notes_file=str(file))


def test_drums_of_a_midi_file_may_be_on_any_channel_where_there_is_nothing_else(run, tmp_path):
    """As some DAWs export them."""
    track = mido.MidiTrack()
    for key in (36, 38, 42, 36, 38):
        track += [mido.Message("note_on", note=key, velocity=100), mido.Message("note_off", note=key, time=240)]
    mido.MidiFile(tracks=[track], ticks_per_beat=480).save(tmp_path / "one.mid")
    asked = {"task": "generate", "prompts": ("drum kit",), "seconds": 2.0, "notes_file": str(tmp_path / "one.mid")}
    [result] = run(**asked).results
    heard = [(round(hit.at_s, 2), hit.drum) for hit in read_midi(Path(result.midi))[1]]
    assert heard == [(0.0, "kick"), (0.25, "snare"), (0.5, "hi-hat"), (0.75, "kick"), (1.0, "snare")]


def test_of_an_arrangement_those_play_the_file_whom_it_has_notes_for_and_the_others_say_that_they_do_not(run, tmp_path):
    line = [NoteEvent(0.5 * k, 0.5 * k + 0.4, pitch) for k, pitch in enumerate((40, 43, 45, 47))]
    (tmp_path / "bass.mid").write_bytes(midi_bytes(line))
    asked = {"task": "arrange", "prompts": ("drums", "bass"), "seconds": 3.0, "notes_file": str(tmp_path / "bass.mid")}
    drums, bass = run(**asked).results
    assert [note.key for note in read_midi(Path(bass.midi))[0]] == [40, 43, 45, 47]
    assert "the MIDI file has no notes for the drum kit there, so a part was composed for it" in drums.notes
    assert read_midi(Path(drums.midi))[1]


def test_a_file_that_is_no_midi_is_refused_and_nothing_is_written(run, played, tmp_path):
    file = tmp_path / "notes.mid"
    file.write_bytes(b"MThd nothing")
    with pytest.raises(AudioError, match="not a MIDI file"):
        run(task="restyle", input=played(), prompts=("flute",), voice="sampled", notes_file=str(file))
    assert not list((tmp_path / "out").glob("*"))


def test_the_sidecar_says_who_played_and_makes_the_same_again(run, pipeline, toy_bundle, played):
    asked = {"task": "restyle", "prompts": ("trumpet",), "voice": "sampled", "bundle": str(toy_bundle)}
    [result] = run(input=played(), **asked).results
    said = json.loads(Path(result.sidecar).read_text(encoding="utf-8"))
    assert (said["voice"], said["made_by"], said["instrument"]) == ("sampled", "sampled", "trumpet")
    assert said["midi"] == Path(result.midi).name
    assert said["sampler_sha256"] == load_sampler().sha256
    request = rerun_request(result.sidecar)
    [again] = pipeline.run(request, lambda fraction, stage: None, lambda: None).results
    np.testing.assert_array_equal(read(again.stem), read(result.stem))


def test_drums_are_played_again_as_strokes(run, played):
    hits = [DrumHit(0.25 + 0.5 * k, "snare" if k % 2 else "kick") for k in range(8)]
    [result] = run(
        task="restyle", input=played("rock drum kit", hits), prompts=("drum machine",), voice="sampled"
    ).results
    assert result.instrument == "drum machine"
    heard = sorted(one.at_s for one in read_midi(Path(result.midi))[1])
    assert np.mean([min(abs(at - one.at_s) for at in heard) < 0.05 for one in hits]) > 0.7


def test_a_new_part_goes_with_the_chords_and_the_best_fit_comes_first(run, played):
    chords = [(57, 60, 64), (53, 57, 60), (48, 52, 55), (55, 59, 62)] * 2
    rest = [NoteEvent(k * 1.0 + 0.5 * half, k * 1.0 + 0.5 * half + 0.45, pitch)
            for k, chord in enumerate(chords) for half in (0, 1) for pitch in chord]  # fmt: skip
    path = played("grand piano", rest, seconds=8.0)
    results = run(
        task="regenerate", input=path, prompts=("electric bass",), voice="sampled", candidates=3, start="noise"
    ).results
    fits = [one.fit for one in results]
    assert fits == sorted(fits, reverse=True)
    assert fits[0] > 0.5
    assert {one.made_by for one in results} == {"sampled"}
    assert len({read(one.stem).tobytes() for one in results}) == 3


def test_a_part_of_a_region_goes_with_what_is_there(run, played):
    early, late = (57, 60, 64), (51, 55, 58)  # A minor, then E flat major
    rest = [NoteEvent(k / 2, k / 2 + 0.45, pitch) for k in range(16) for pitch in (early if k < 8 else late)]
    path = played("grand piano", rest, seconds=8.0, file="two chords")
    asked = {"task": "regenerate", "input": path, "prompts": ("electric bass",), "voice": "sampled"}
    [result] = run(**asked, region_s=(4.0, 8.0)).results
    assert result.length_samples == 4 * RATE_HZ
    notes = read_midi(Path(result.midi))[0]
    assert all(4.0 <= one.start_s < 8.0 for one in notes), "as the input counts them"
    in_chord = [one.key % 12 in {pitch % 12 for pitch in late} for one in notes]
    assert np.mean(in_chord) > 0.6


def test_a_part_from_the_prompt_alone_has_the_tempo_of_its_words(run):
    [result] = run(task="generate", prompts=("drums, 120 bpm",), voice="sampled", seconds=4.0).results
    assert result.made_by == "sampled"
    assert _tempos(run(task="generate", prompts=("bass, 96 bpm",), voice="sampled", seconds=4.0)) == [96]
    assert _tempos(run(task="generate", prompts=("drums, 150 bpm",), voice="sampled", seconds=4.0)) == [150]
    snares = [one.at_s for one in read_midi(Path(result.midi))[1] if one.drum == "snare"]
    assert min(abs(at - 0.5) for at in snares) < 0.03


def test_an_arrangement_adds_up(run):
    results = run(task="arrange", prompts=("drums", "bass", "piano"), voice="sampled", seconds=3.0).results
    assert [one.instrument for one in results] == ["drum kit", "electric bass", "grand piano"]
    assert results[0].null_db == -300.0
    np.testing.assert_allclose(read(results[0].mix), sum(read(one.stem) for one in results), atol=2**-15)


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"task": "restyle", "input": "a.wav", "voice": "flow", "notes_file": "a.mid"}, "choose the voice sampled"),
        ({"task": "generate", "slot": "mix", "notes_file": "a.mid"}, "recorded instruments play a stem, not the mix"),
        ({"task": "generate", "slot": "mix", "voice": "sampled"}, "recorded instruments play a stem, not the mix"),
        ({"task": "inpaint", "input": "a.wav", "region_s": (0.1, 0.2), "voice": "sampled"}, "takes no voice"),
        ({"task": "isolate", "input": "a.wav", "voice": "sampled"}, "takes no voice"),
        ({"task": "restyle", "input": "a.wav", "voice": "sung"}, "unknown voice 'sung'; choose one of flow, sampled"),
    ],
)
def test_what_recorded_instruments_cannot_do_is_refused(run, asked, said):
    with pytest.raises(RequestError, match=said):
        run(**asked)


@pytest.fixture(scope="module")
def choosing(toy_bundle, tmp_path_factory):
    """A bundle whose new parts are played by recorded instruments, unless a request says otherwise."""
    folder = tmp_path_factory.mktemp("choosing") / "toy"
    shutil.copytree(toy_bundle, folder)
    change(folder, {"voice": "sampled"}, ["generate", "regenerate"])
    return str(folder)


@pytest.mark.parametrize(
    ("asked", "maker"),
    [
        ({"prompts": ("bass, 96 bpm",)}, "sampled"),
        ({"prompts": ("bass, 96 bpm",), "voice": "flow"}, "flow"),
        ({"prompts": ("bass, 96 bpm",), "steps": 2}, "flow"),
        ({"prompts": ("bass, 96 bpm",), "start": "noise", "candidates": 2}, "sampled"),
        ({"prompts": ("everybody plays",), "slot": "mix"}, "flow"),
        ({"prompts": ("rain on a tin roof",), "literal": True}, "flow"),
    ],
)
def test_a_bundle_says_who_plays_new_parts_where_words_alone_ask(run, choosing, asked, maker):
    [result, *_] = run(task="generate", seconds=2.0, **{"bundle": choosing, **asked}).results
    assert result.made_by == maker
    assert json.loads(Path(result.sidecar).read_text("utf-8"))["made_by"] == maker


def test_a_task_without_a_choice_of_voice_may_be_told_the_one_it_has(run, played):
    """As the JSON beside every result does."""
    [result] = run(task="isolate", input=played(), prompts=("cello",), voice="flow").results
    assert result.made_by == ""


def test_a_bundle_that_says_nothing_leaves_it_to_the_flow(run):
    [result] = run(task="generate", seconds=2.0, prompts=("bass, 96 bpm",)).results
    assert result.made_by == "flow"


def test_notes_of_a_file_are_played_without_naming_a_voice(run, played, tmp_path):
    file = tmp_path / "line.mid"
    file.write_bytes(midi_bytes(LINE))
    [result] = run(task="restyle", input=played(), prompts=("flute",), notes_file=str(file)).results
    assert (result.made_by, result.instrument) == ("sampled", "flute")
