"""Takes of recorded instruments bring the notes that are played, through the real engine; nobody listens for them."""

from dataclasses import replace

import noteline
import pytest

from desktop.models.job_list import JobState
from desktop.models.played_notes import PlayedNotes, played_of_text, spliced
from desktop.models.project_file import load_project, save_project
from desktop.models.request_builder import draft_request
from engine import AudioError, DrumHit, NoteEvent, TimeMap
from engine.notes.midi import read_midi, read_tempo

WAIT_MS = 120_000
PITCHES = [pitch for _, pitch in noteline.LINE]
STARTS_S = [at_s for at_s, _ in noteline.LINE]
NOTES = tuple(NoteEvent(at_s, at_s + 0.4, pitch, velocity=0.504) for at_s, pitch in noteline.LINE)


def test_notes_come_back_from_their_text_with_the_bars_they_were_written_in():
    notes = (*NOTES[:-1], replace(NOTES[-1], bends=tuple(0.02 * step for step in range(34))))
    played = PlayedNotes(notes, (DrumHit(0.25, "snare", 0.504),), TimeMap(bpm=96.0, beats_per_bar=3, first_s=0.5))
    again = played_of_text(played.text())
    assert [note.key for note in again.notes] == PITCHES
    assert [note.start_s for note in again.notes] == pytest.approx(STARTS_S, abs=1e-3)
    assert again.notes[-1].bends == pytest.approx(notes[-1].bends, abs=0.03)
    assert again.hits[0].drum == "snare"
    assert (again.time_map.bpm, again.time_map.beats_per_bar) == (96.0, 3)
    assert PlayedNotes().text() == ""
    for damaged in ("no base64", "AAAA"):
        with pytest.raises(AudioError):
            played_of_text(damaged)


def test_new_notes_take_the_place_of_old_ones_where_the_new_sound_is():
    old = PlayedNotes((NoteEvent(0.0, 2.0, 60), NoteEvent(3.0, 4.0, 62)), (DrumHit(1.5, "kick"),))
    new = PlayedNotes((NoteEvent(0.5, 1.5, 72, bends=(0.5,) * 86), NoteEvent(2.5, 3.5, 74)), (DrumHit(1.2, "tom"),))
    both = spliced(new, old, [(1.0, 2.0)])
    assert [(note.start_s, note.end_s, note.pitch) for note in both.notes] == [
        (0.0, 1.0, 60),
        (1.0, 1.5, 72),
        (3.0, 4.0, 62),
    ]
    assert len(both.notes[1].bends) == 43, "half of the note, half of its bends"
    assert [hit.drum for hit in both.hits] == ["tom"]


@pytest.fixture
def restyled(lane, workspace, qtbot):
    """A workspace with a line, and ``restyled(prompt, region=...)``, which has it played again as a take."""
    lane_id = lane.id

    def ask(prompt, region_s=None, voice="sampled"):
        rate_hz = workspace.document.project.rate_hz
        workspace.document.set_current(lane_id)
        workspace.document.select(tuple(round(at_s * rate_hz) for at_s in region_s) if region_s else None)
        bundle = workspace.settings.get("bundle")
        request = draft_request(task="restyle", text=prompt, bundle=bundle, device="cpu", voice=voice)
        row = workspace.jobs.ask(request)
        qtbot.waitUntil(lambda: workspace.jobs.queue.unfinished == 0, timeout=WAIT_MS)
        assert workspace.jobs.queue.row(row).state is JobState.DONE, workspace.jobs.queue.row(row).message
        return workspace.document.project.lane(lane_id)

    return ask


def test_the_notes_that_were_played_are_shown_and_handed_out_and_saved(
    restyled, window, workspace, qtbot, monkeypatch, tmp_path
):
    monkeypatch.setattr("desktop.models.lane_notes.listening_command", None)  # nobody may listen
    lane = restyled("trumpet")
    notes, rate_hz = workspace.notes, workspace.document.project.rate_hz
    notes.show(lane.id, True)
    qtbot.waitUntil(lambda: bool(notes.marks(lane.id)) or bool(workspace.troubles), timeout=WAIT_MS)
    assert not workspace.troubles
    marks = notes.marks(lane.id)
    assert [round(mark.pitch) for mark in marks] == PITCHES
    assert [mark.first / rate_hz for mark in marks] == pytest.approx(STARTS_S, abs=0.05)
    played = played_of_text(lane.take.midi)
    assert [note.start_s for note in played.notes] == pytest.approx([mark.first / rate_hz for mark in marks], abs=1e-3)
    found, _ = read_midi(notes.midi_file(lane.id))
    assert [note.key for note in found] == PITCHES
    workspace.tempo.set_tempo(90.0)
    assert read_tempo(notes.midi_file(lane.id)).bpm == 90.0

    save_project(workspace.document.project, tmp_path / "saved.fluxstem", workspace.store)
    assert load_project(tmp_path / "saved.fluxstem", workspace.store) == workspace.document.project

    workspace.document.set_fades(lane.id, rate_hz // 10, 0)  # the same notes
    qtbot.waitUntil(lambda: notes.marks(lane.id) == marks, timeout=WAIT_MS)
    workspace.document.set_lane(lane.id, "split", span=(marks[1].first, marks[3].first))
    qtbot.waitUntil(lambda: bool(notes.marks(lane.id)), timeout=WAIT_MS)
    assert [round(mark.pitch) for mark in notes.marks(lane.id)] == PITCHES[1:3]


@pytest.mark.slow
def test_a_region_that_is_played_again_joins_the_notes_around_it_and_unknown_ones_are_listened_for(restyled):
    assert restyled("trumpet", region_s=(1.3, 2.2)).take.midi == "", "what is around it was never written down"
    whole = played_of_text(restyled("trumpet").take.midi)
    part = played_of_text(restyled("flute", region_s=(1.3, 2.2)).take.midi)
    outside = [(note.start_s, note.key) for note in whole.notes if not 1.0 < note.start_s < 2.4]
    assert [(note.start_s, note.key) for note in part.notes if not 1.0 < note.start_s < 2.4] == outside
    assert {note.key for note in part.notes} >= {72}
    assert restyled("violin", voice="flow").take.midi == ""


@pytest.mark.slow
def test_the_midi_file_of_a_part_that_was_made_from_words_has_the_tempo_of_the_words(workspace, qtbot, monkeypatch):
    monkeypatch.setattr("desktop.models.lane_notes.listening_command", None)  # nobody may listen
    bundle = workspace.settings.get("bundle")
    asked = {"task": "generate", "text": "bass, 96 bpm", "voice": "sampled", "seconds": 4.0}
    workspace.jobs.ask(draft_request(**asked, bundle=bundle, device="cpu"))
    qtbot.waitUntil(lambda: workspace.jobs.queue.unfinished == 0, timeout=WAIT_MS)
    [lane] = workspace.document.project.lanes
    workspace.notes.show(lane.id, True)
    qtbot.waitUntil(lambda: workspace.notes.has_notes(lane.id), timeout=WAIT_MS)
    assert read_tempo(workspace.notes.midi_file(lane.id)).bpm == 96.0
