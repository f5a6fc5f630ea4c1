"""Notes over a lane: heard by the real process and network, drawn, dragged out as MIDI, heard again when it changes."""

from __future__ import annotations

import noteline
import pytest
import soundfile

WAIT_MS = 120_000


def shown(workspace, qtbot, lane_id):
    workspace.notes.show(lane_id, True)
    qtbot.waitUntil(lambda: bool(workspace.notes.marks(lane_id)) or bool(workspace.troubles), timeout=WAIT_MS)
    assert not workspace.troubles
    return workspace.notes.marks(lane_id)


def test_notes_are_drawn_where_they_sound_and_leave_as_a_midi_file(window, workspace, qtbot, lane, monkeypatch):
    marks = shown(workspace, qtbot, lane.id)
    rate_hz = workspace.document.project.rate_hz
    assert [round(mark.pitch) for mark in marks] == [pitch for _, pitch in noteline.LINE]
    assert [mark.first / rate_hz for mark in marks] == pytest.approx([at_s for at_s, _ in noteline.LINE], abs=0.03)
    view = window.timeline.lanes[lane.id]
    assert view.midi.isVisible()
    with_notes = view.wave.grab().toImage()
    dragged, told = [], []
    workspace.told.connect(lambda message: told.append(str(message)))
    monkeypatch.setattr("desktop.views.note_actions.start_drag", lambda window, paths, *more: dragged.extend(paths))
    view.midi.dragged.emit(False)
    assert "no tempo is known, so the MIDI file of flute has 120" in told
    workspace.tempo.set_tempo(90.0)
    workspace.tempo.set_meter(3)
    workspace.tempo.set_key("D minor")
    view.midi.dragged.emit(False)
    from engine.notes.midi import read_midi, read_tempo

    path = dragged[-1]
    assert path.name == "song - flute.mid"
    settled = read_tempo(path)
    assert (settled.bpm, settled.beats_per_bar, settled.key) == (90.0, 3, "D minor")
    found, _ = read_midi(path)
    assert [note.key for note in found] == [pitch for _, pitch in noteline.LINE]
    workspace.notes.show(lane.id, False)
    assert not view.midi.isVisible()
    assert view.wave.grab().toImage() != with_notes
    assert any(action.text() == "Show notes" for action in window.lane_actions.menu(lane.id).actions())


@pytest.mark.slow
def test_a_lane_that_sounds_different_is_heard_again_and_a_known_one_is_not(
    workspace, qtbot, lane, tmp_path, monkeypatch
):
    before = shown(workspace, qtbot, lane.id)
    workspace.document.set_fades(lane.id, workspace.document.project.rate_hz, 0)
    qtbot.waitUntil(lambda: workspace.notes.marks(lane.id) not in ((), before), timeout=WAIT_MS)
    monkeypatch.setattr("desktop.models.lane_notes.QProcess", None)  # nobody listens any more
    workspace.document.undo.undo()
    assert workspace.notes.marks(lane.id) == before


@pytest.mark.slow
def test_a_lane_without_notes_says_so(workspace, window, qtbot, lane, tmp_path):
    soundfile.write(tmp_path / "quiet.wav", [0.0] * 22_050, 22_050)
    workspace.add_file(tmp_path / "quiet.wav")
    qtbot.waitUntil(lambda: any(one.name == "quiet" for one in workspace.document.project.lanes), timeout=WAIT_MS)
    quiet = next(one for one in workspace.document.project.lanes if one.name == "quiet")
    told = []
    workspace.told.connect(lambda message: told.append(str(message)))
    workspace.notes.show(quiet.id, True)
    qtbot.waitUntil(lambda: "no notes are heard in quiet" in told, timeout=WAIT_MS)
    assert not workspace.notes.has_notes(quiet.id)
