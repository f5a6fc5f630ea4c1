"""From words to lanes and files in the real window, as a producer goes: say it, see it, hear it, take it."""

from pathlib import Path

import numpy as np
import soundfile
from PySide6.QtCore import QEvent, QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QContextMenuEvent, QDragEnterEvent, QDropEvent, QGuiApplication, QPainter
from PySide6.QtWidgets import QApplication, QMenu, QWidget

from desktop.models.job_list import JobState
from desktop.models.separation_run import PieceGrid
from engine import TASKS, TimeMap

WAIT_MS = 120_000
LEFT = Qt.MouseButton.LeftButton


def run(window, qtbot, words, task="isolate", replacement=""):
    """Fill in the prompt, press the button, wait; the lanes that there are then."""
    window.prompt.set_task(task)
    window.prompt.text.setText(words)
    window.prompt.replacement.setText(replacement)
    window.prompt.go.click()
    jobs = window.workspace.jobs.queue
    qtbot.waitUntil(lambda: bool(jobs.rows) and jobs.unfinished == 0, timeout=WAIT_MS)
    assert jobs.rows[-1].state is JobState.DONE, jobs.rows[-1].message
    return window.workspace.document.project.lanes


def drop_on(widget, *paths):
    """Let files fall on a widget."""
    mime = mime_of(*paths)  # the event does not keep it
    event = QDropEvent(
        QPointF(9, 9), Qt.DropAction.CopyAction, mime, LEFT, Qt.KeyboardModifier.NoModifier, QEvent.Type.Drop
    )
    widget.dropEvent(event)


def mime_of(*paths):
    mime = QMimeData()
    mime.setUrls([QUrl.fromLocalFile(str(path)) for path in paths])
    return mime


def right_click(widget):
    place = QPoint(40, 12)
    event = QContextMenuEvent(QContextMenuEvent.Reason.Mouse, place, widget.mapToGlobal(place))
    QApplication.sendEvent(widget, event)


def names(window):
    """The lanes as they are read from top to bottom."""
    return [view.header.name.text() for view in window.timeline.area.views]


def test_four_prompts_are_four_lanes_and_one_that_completes_the_mix_and_all_are_in_sight(loaded, qtbot):
    loaded.resize(1600, 1000)
    loaded.hint.hide()
    run(loaded, qtbot, "violin, drums, bass, vocals")
    assert names(loaded) == ["violin", "drums", "bass", "vocals", "Everything else"]
    QApplication.processEvents()
    area = loaded.timeline.area
    assert area.verticalScrollBar().maximum() == 0, "none is out of sight"
    qtbot.waitUntil(lambda: loaded.workspace.sum_is_exact, timeout=WAIT_MS)
    assert loaded.sum.words == "= mix"
    rest = loaded.workspace.document.project.else_lane
    menu = loaded.lane_actions.menu(rest.id)
    [fold] = [row for row in menu.actions() if row.text() == "Fold"]
    before = loaded.timeline.lanes[rest.id].height()
    fold.trigger()
    QApplication.processEvents()
    assert loaded.timeline.lanes[rest.id].height() < before
    drums = loaded.workspace.document.project.lanes[1]
    loaded.timeline.lanes[drums.id].header.mute.click()
    qtbot.waitUntil(lambda: loaded.sum.words.endswith(" dB"), timeout=WAIT_MS)
    loaded.sum.click()
    assert loaded.sum.card.isVisible()
    assert loaded.sum.card.reasons.text() == "Drums is not heard."
    loaded.sum.card.hide()


def test_the_same_prompt_again_is_a_take_and_its_job_says_where_it_worked(loaded, qtbot):
    run(loaded, qtbot, "drums")
    loaded.workspace.document.select((4000, 12_000))
    lanes = run(loaded, qtbot, "drums")
    assert names(loaded) == ["drums", "Everything else"]
    assert len(lanes[0].takes) == 2
    loaded.workspace.settings.set("job_list", True)
    titles = [card.title.text() for card in loaded.queue.cards.values()]
    assert titles == ["Isolate: drums", "Isolate: drums  ·  0:00.2 – 0:00.8"]


def test_a_swap_beside_stems_doubles_nothing(loaded, qtbot):
    run(loaded, qtbot, "violin, drums")
    loaded.workspace.document.set_current("")
    loaded.workspace.document.select((4000, 12_000))
    lanes = run(loaded, qtbot, "violin", task="replace", replacement="bass")
    assert names(loaded) == ["violin", "drums", "Everything else"]
    assert len(lanes[0].takes) == 2
    assert not any(lane.mute for lane in lanes)
    qtbot.waitUntil(lambda: not loaded.workspace.background.busy, timeout=WAIT_MS)
    qtbot.wait(400)
    qtbot.waitUntil(lambda: not loaded.workspace.background.busy, timeout=WAIT_MS)
    assert abs(loaded.workspace.transport.match_db) < 3, "twice the song would be 6 dB"


def test_what_is_not_in_the_song_is_said_and_not_made_loud(loaded, qtbot):
    kazoo = run(loaded, qtbot, "kazoo")[0]
    header = loaded.timeline.lanes[kazoo.id].header
    assert header.caption.text() == "not found"
    header.solo.click()
    qtbot.wait(400)
    qtbot.waitUntil(lambda: not loaded.workspace.background.busy, timeout=WAIT_MS)
    assert loaded.top.match.text() == "Match"


def test_a_stem_is_split_further_from_its_menu(loaded, qtbot):
    drums = run(loaded, qtbot, "drums")[0]
    [split] = [row for row in loaded.lane_actions.menu(drums.id).actions() if row.text() == "Split further …"]
    split.trigger()
    assert loaded.prompt.target.toolTip().startswith("Source: drums")
    run(loaded, qtbot, "violin")
    assert names(loaded) == ["drums", "violin", "Everything else"]
    qtbot.waitUntil(lambda: loaded.workspace.sum_is_exact, timeout=WAIT_MS)


def test_lanes_fill_in_the_window_while_their_job_goes_on(window, qtbot, make_wav, monkeypatch):
    monkeypatch.setattr("desktop.models.job_controller.grid_of", lambda bundle: PieceGrid(1.0, 1.0))
    monkeypatch.setattr("desktop.models.separation_run.WHOLE_S", 1.0)
    monkeypatch.setattr("desktop.models.separation_run.STRIDES", (1, 1))
    with qtbot.waitSignal(window.workspace.opened, timeout=WAIT_MS):
        window.open_path(make_wav("song.wav", seconds=4.0))
    seen, views = [], {}

    def look():
        views.update(window.timeline.ghosts)
        for view in window.timeline.ghosts.values():
            region, filled = view.wave._filled
            picture = view.wave.picture
            seen.append((view.header.caption.text(), region, filled, picture is not None))

    window.workspace.jobs.ghosts_changed.connect(look)
    run(window, qtbot, "drums")
    parts = {filled for _, _, filled, drawn in seen if filled and drawn}
    assert len(parts) > 1, "it grew in sight"
    assert {region for _, region, _, _ in seen} == {(0, 64_000)}
    assert any(" %" in words for words, *_ in seen)
    assert not window.timeline.ghosts
    assert window.timeline.lanes == views, "nothing is made anew for the answer, which would keep the window waiting"
    [drums, _] = window.timeline.lanes.values()
    assert drums.border.isVisible()
    drums.header.gain.fader.stepped.emit(-2.0)
    drums.header.mute.click()
    assert (window.workspace.document.project.lanes[0].gain_db, window.workspace.document.project.lanes[0].mute) == (
        -2.0,
        True,
    )


def test_opening_is_told_in_the_middle_and_no_longer_when_it_is_over(window, qtbot, make_wav, tmp_path):
    told, overlay = [], window.overlay
    window.workspace.opening.connect(lambda opening: told.append((overlay.isVisible(), overlay.title.text())))
    with qtbot.waitSignal(window.workspace.opened, timeout=WAIT_MS):
        window.open_path(make_wav("song.wav"))
    assert told[0] == (True, "Opening song.wav")
    assert not window.overlay.isVisible()
    assert window.status.told.text() == ""
    (tmp_path / "broken.wav").write_bytes(b"x" * 500)
    window.open_path(tmp_path / "broken.wav")
    qtbot.waitUntil(lambda: window.banner.isVisible(), timeout=WAIT_MS)
    assert not window.overlay.isVisible()


def test_the_prompt_has_the_focus_first(window, qtbot):
    assert window.focusWidget() is window.prompt.text.line


def test_the_first_window_fits_the_screen(window):
    room = QGuiApplication.primaryScreen().availableGeometry()
    assert window.width() <= room.width()
    assert window.height() <= room.height()
    assert window.minimumWidth() <= 800
    assert window.minimumHeight() <= 500


def test_tab_goes_to_the_knobs_of_the_current_lane_only(loaded, qtbot):
    loaded.resize(1280, 900)
    lanes = run(loaded, qtbot, "violin, drums")
    loaded.workspace.document.set_current(lanes[1].id)
    QApplication.processEvents()
    for lane in lanes:
        header = loaded.timeline.lanes[lane.id].header
        stops = [one for one in header.findChildren(QWidget) if one.focusPolicy() & Qt.FocusPolicy.TabFocus.value]
        assert len([one for one in stops if one.isVisible()]) == (3 if lane is lanes[1] else 0)


def test_home_in_the_task_box_goes_to_its_first_task(loaded, qtbot):
    loaded.activateWindow()
    loaded.workspace.transport.seek(5000)
    loaded.prompt.set_task("replace")
    loaded.actions_by_name["task"].trigger()
    qtbot.waitUntil(loaded.prompt.task.hasFocus, timeout=WAIT_MS)
    qtbot.keyClick(loaded.prompt.task, Qt.Key.Key_Home)
    assert loaded.prompt.task.currentData() == next(iter(TASKS))
    assert loaded.workspace.transport.position == 5000


def test_no_label_of_the_ruler_is_cut_off(loaded, qtbot, monkeypatch):
    drawn = []

    class Recorder(QPainter):
        def drawText(self, place, words, *rest):  # noqa: N802
            if isinstance(place, QPointF):
                end = place.x() + self.fontMetrics().horizontalAdvance(words)
                drawn.append((end, loaded.timeline.ruler.width()))
            super().drawText(place, words, *rest)

    monkeypatch.setattr("desktop.views.timeline.ruler.QPainter", Recorder)
    tempo = loaded.workspace.tempo
    tempo.set_tempo(240.0)
    assert isinstance(tempo.time_map, TimeMap)
    for width in (1280, 1100, 987, 900):
        loaded.resize(width, 700)
        for factor in (1.0, 0.37, 0.61):
            loaded.timeline.viewport.zoom(factor, 0)
            loaded.timeline.ruler.grab()
    assert drawn
    assert [(end, width) for end, width in drawn if end > width] == []


def test_a_dragged_region_is_told_over_and_files_over_the_window_say_what_a_drop_does(loaded, make_wav, qtbot):
    mime = mime_of(*(make_wav(name) for name in ("one.wav", "two.wav")))
    event = QDragEnterEvent(QPoint(9, 9), Qt.DropAction.CopyAction, mime, LEFT, Qt.KeyboardModifier.NoModifier)
    loaded.dragEnterEvent(event)
    assert loaded.overlay.isVisible()
    assert "one.wav" in loaded.overlay.title.text()
    assert "Shift" in loaded.overlay.words.text()


def test_files_that_were_open_lately_stand_in_the_menu(loaded):
    [recent] = [one for one in loaded.findChildren(QMenu) if one.title() == "Open recent"]
    recent.aboutToShow.emit()
    assert recent.actions()[0].text().startswith("song.wav")


def test_the_mix_without_a_stem_is_dragged_with_ctrl(loaded, qtbot, monkeypatch):
    dragged = []
    monkeypatch.setattr("desktop.views.lane_actions.start_drag", lambda source, paths, *rest: dragged.extend(paths))
    monkeypatch.setattr("desktop.views.lane_actions.QGuiApplication.mouseButtons", lambda: LEFT)
    violin = run(loaded, qtbot, "violin")[0]
    loaded.timeline.lanes[violin.id].header.grip.dragged.emit(True)
    qtbot.waitUntil(lambda: bool(dragged), timeout=WAIT_MS)
    rest = loaded.workspace.document.project.else_lane
    np.testing.assert_array_equal(
        soundfile.read(dragged[0], dtype="float32")[0], loaded.workspace.sound(rest).samples_NC
    )


def test_a_song_is_dropped_taken_apart_soloed_and_dragged_out_in_four_actions(window, qtbot, make_wav, monkeypatch):
    dragged = []
    monkeypatch.setattr("desktop.views.lane_actions.start_drag", lambda source, paths, *rest: dragged.extend(paths))
    with qtbot.waitSignal(window.workspace.opened, timeout=WAIT_MS):
        drop_on(window, make_wav("song.wav"))  # one
    window.prompt.offers.buttons[("stems", "4")].click()  # two
    jobs = window.workspace.jobs.queue
    qtbot.waitUntil(lambda: jobs.unfinished == 0, timeout=WAIT_MS)
    assert jobs.rows[-1].state is JobState.DONE, jobs.rows[-1].message
    lanes = window.workspace.document.project.lanes
    assert [lane.role for lane in lanes] == ["stem"] * (len(lanes) - 1) + ["else"]
    assert len(lanes) == 4
    header = window.timeline.lanes[lanes[1].id].header
    header.solo.click()  # three
    assert window.workspace.document.project.soloed == (window.workspace.document.project.lanes[1],)
    qtbot.mousePress(header.grip, LEFT, pos=QPoint(2, 2))  # four
    qtbot.mouseMove(header.grip, QPoint(60, 40))
    assert [Path(path).is_file() for path in dragged] == [True]


def test_return_on_the_lanes_runs_what_the_prompt_says(loaded, qtbot):
    loaded.prompt.text.setText("violin")
    loaded.timeline.setFocus()
    qtbot.keyClick(loaded.timeline, Qt.Key.Key_Return)
    jobs = loaded.workspace.jobs.queue
    assert jobs.rows[-1].context[0].request.prompts == ("violin",)
    qtbot.waitUntil(lambda: jobs.unfinished == 0, timeout=WAIT_MS)


def test_a_right_click_is_answered_by_lanes_on_their_way_and_by_takes_too(loaded, qtbot, monkeypatch):
    menus = []
    monkeypatch.setattr(loaded.lane_actions, "_open", lambda menu, place: menus.append(menu))
    loaded.prompt.text.setText("violin")
    loaded.prompt.go.click()
    [ghost, _] = loaded.workspace.jobs.ghosts
    right_click(loaded.timeline.ghosts[ghost.id].header)
    rows = {action.text(): action for action in menus[-1].actions()}
    rows["Solo"].trigger()
    assert loaded.workspace.jobs.ghosts[0].solo
    rows["Cancel"].trigger()
    jobs = loaded.workspace.jobs.queue
    qtbot.waitUntil(lambda: jobs.unfinished == 0, timeout=WAIT_MS)
    assert jobs.rows[-1].state is JobState.CANCELLED
    violin = run(loaded, qtbot, "violin")[0]
    run(loaded, qtbot, "violin")
    loaded.timeline.show_takes(violin.id, True)
    QApplication.processEvents()
    right_click(loaded.timeline.takes[violin.id][0].wave)
    rows = {action.text(): action for action in menus[-1].actions()}
    rows["Hear this take"].trigger()
    assert loaded.workspace.document.project.lane(violin.id).active == 0
    rows["Hide the other takes"].trigger()
    assert violin.id not in loaded.timeline.takes


def test_the_device_gets_a_lane_with_sensitivity_and_fades_bit_for_bit(loaded, qtbot, device):
    workspace = loaded.workspace
    workspace.settings.set("match", False)
    workspace.transport.player.library = lambda: device
    violin = run(loaded, qtbot, "violin")[0]
    workspace.document.set_lane(violin.id, "sensitivity", sensitivity=0.8)
    workspace.document.set_fades(violin.id, 1000, 1000)
    workspace.document.switch(violin.id, "solo")
    loaded.actions_by_name["start"].trigger()
    loaded.actions_by_name["play"].trigger()
    got_NC = np.concatenate([device.read(256) for _ in range(3)])
    lane = workspace.document.project.lane(violin.id)
    np.testing.assert_array_equal(got_NC, workspace.sound(lane).samples_NC[:768])
    assert np.abs(got_NC).max() > 0
    workspace.transport.stop()
