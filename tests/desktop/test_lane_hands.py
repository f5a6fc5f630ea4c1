"""What hands do to lanes in the real window: type, drag, click, right-click, press keys."""

from dataclasses import replace

import pytest
from PySide6.QtCore import QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QContextMenuEvent, QMouseEvent, QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from desktop.models.ghosts import GhostLane
from desktop.models.project import LaneTake, TakeOrigin
from desktop.views.theme import DARK
from desktop.views.timeline.gain_field import db_at, gain_from, place_of
from desktop.views.timeline.lane_view import LOW

WAIT_MS = 120_000
LEFT, NONE = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier


@pytest.fixture
def laned(loaded, qtbot, make_wav):
    """The window with a mix of one second and four lanes."""
    loaded.resize(1280, 800)
    loaded.hint.hide()
    for name in ("drums.wav", "bass.wav", "voice.wav", "a guitar with a name that is far too long for its place.wav"):
        lanes = len(loaded.workspace.document.project.lanes)
        loaded.workspace.add_file(make_wav(name))
        qtbot.waitUntil(lambda n=lanes: len(loaded.workspace.document.project.lanes) == n + 1, timeout=WAIT_MS)
    loaded.workspace.settings.set("snap", False)
    QApplication.processEvents()
    return loaded


@pytest.fixture
def menus(laned, monkeypatch):
    """The menus that are opened: titles of their rows, and the rows."""
    opened = []
    monkeypatch.setattr(laned.lane_actions, "_open", lambda menu, place: opened.append(menu))
    return opened


def lanes_of(window):
    return window.workspace.document.project.lanes


def header_of(window, place):
    return window.timeline.lanes[lanes_of(window)[place].id].header


def right_click(widget, place=None):
    place = place or QPoint(40, 12)
    event = QContextMenuEvent(QContextMenuEvent.Reason.Mouse, place, widget.mapToGlobal(place))
    QApplication.sendEvent(widget, event)


def rows_of(menu):
    """Words of the rows of a menu and of the menus in it."""
    rows = [action.text().split("\t")[0] for action in menu.actions() if action.text()]
    return rows + [row for action in menu.actions() if action.menu() for row in rows_of(action.menu())]


def press(window, key, modifiers=NONE):
    window.timeline.setFocus()
    QApplication.processEvents()
    QTest.keyClick(window.timeline, key, modifiers)


def test_a_name_is_whole_or_ends_in_an_ellipsis_at_any_width(laned):
    for place, lane in enumerate(lanes_of(laned)):
        label = header_of(laned, place).name.label
        shown = label.text()
        assert label.fontMetrics().horizontalAdvance(shown) <= label.contentsRect().width()
        assert shown == lane.name or shown.endswith("…")
    assert header_of(laned, 0).name.text() == "drums"
    assert header_of(laned, 3).name.label.toolTip() == lanes_of(laned)[3].name


def test_a_fader_keeps_its_length_and_every_button_its_place_whatever_is_set(laned):
    header = header_of(laned, 0)
    parts = (header.gain.fader, header.mute, header.solo, header.more, header.pan, header.sensitivity, header.meter)
    before = [part.geometry() for part in parts]
    lane = lanes_of(laned)[0]
    for values in ({"gain_db": -30.6}, {"gain_db": -60.0, "pan": -0.33}, {"name": "x" * 60}, {"mute": True}):
        laned.workspace.document.set_lane(lane.id, "set", **values)
        QApplication.processEvents()
        assert [part.geometry() for part in parts] == before


def test_the_fader_follows_the_law_of_a_mixing_desk():
    assert [db_at(place) for place in (0.0, 0.5, 0.75, 1.0)] == [-60.0, -12.0, 0.0, 12.0]
    assert all(db_at(place_of(gain_db)) == pytest.approx(gain_db) for gain_db in (-50.0, -20.0, -3.0, 6.0))


@pytest.mark.parametrize(
    ("text", "gain_db"), [("-3,5", -3.5), ("+2 dB", 2.0), ("−6", -6.0), ("99", 12.0), ("-inf", -60.0), ("loud", None)]
)
def test_a_gain_is_read_as_people_write_it(text, gain_db):
    assert gain_from(text) == gain_db


def test_a_gain_is_typed_and_escape_takes_back_only_the_typing(laned, qtbot):
    document, field = laned.workspace.document, header_of(laned, 0).gain.text
    document.select((1000, 5000))
    qtbot.mouseClick(field, LEFT)
    field.selectAll()
    qtbot.keyClicks(field, "-4.5")
    qtbot.keyClick(field, Qt.Key.Key_Return)
    assert lanes_of(laned)[0].gain_db == -4.5
    qtbot.mouseClick(field, LEFT)
    field.selectAll()
    qtbot.keyClicks(field, "-9")
    qtbot.keyClick(field, Qt.Key.Key_Escape)
    assert lanes_of(laned)[0].gain_db == -4.5
    assert field.text() == "−4.5 dB"
    assert document.selection == (1000, 5000)


def test_a_fader_is_dragged_finely_with_shift(laned, qtbot):
    fader = header_of(laned, 0).gain.fader
    middle = fader.rect().center()
    qtbot.mousePress(fader, LEFT, pos=middle)
    qtbot.mouseRelease(fader, LEFT, pos=middle)
    assert lanes_of(laned)[0].gain_db == 0, "a press alone changes nothing"
    fader.mousePressEvent(mouse(fader, middle, NONE))
    fader.mouseMoveEvent(mouse(fader, middle - QPoint(20, 0), Qt.KeyboardModifier.ShiftModifier))
    fine = lanes_of(laned)[0].gain_db
    fader.mouseMoveEvent(mouse(fader, middle - QPoint(20, 0), NONE))
    assert lanes_of(laned)[0].gain_db < fine < 0


def mouse(widget, place, modifiers):
    here = QPointF(place)
    return QMouseEvent(
        QEvent.Type.MouseMove if modifiers else QEvent.Type.MouseButtonPress,
        here, QPointF(widget.mapToGlobal(place)), LEFT, LEFT, modifiers,
    )  # fmt: skip


def test_a_right_click_offers_something_on_lanes_headers_and_the_mix(laned, menus):
    timeline = laned.timeline
    view = timeline.lanes[lanes_of(laned)[0].id]
    for widget in (view.wave, view.header, view.header.name, timeline.mix.wave, timeline.mix.header):
        right_click(widget)
    assert len(menus) == 5
    assert {"Rename …", "Remove lane", "Copy path", "Mute", "Solo", "Split further …"} <= set(rows_of(menus[0]))
    assert "Remove lane" in rows_of(menus[2])
    assert "Select all" in rows_of(menus[3])


def test_a_right_click_in_a_region_is_about_the_region(laned, menus, qtbot):
    laned.workspace.document.select((4000, 12_000))
    wave = laned.timeline.mix.wave
    right_click(wave, QPoint(round(laned.timeline.viewport.x(8000)), 20))
    rows = {action.text(): action for action in menus[-1].actions()}
    assert "Play the region" in rows
    rows["Isolate …"].trigger()
    assert laned.prompt.task.currentData() == "isolate"
    assert laned.workspace.document.selection == (4000, 12_000)


def test_a_double_click_renames_where_the_name_stands(laned, qtbot):
    name = header_of(laned, 1).name
    qtbot.mouseDClick(name, LEFT)
    assert name.editing
    qtbot.keyClicks(name.field, "upright")
    qtbot.keyClick(name.field, Qt.Key.Key_Return)
    assert lanes_of(laned)[1].name == "upright"
    assert not name.editing
    name.edit()
    qtbot.keyClicks(name.field, "no")
    qtbot.keyClick(name.field, Qt.Key.Key_Escape)
    assert lanes_of(laned)[1].name == "upright"


def test_delete_removes_the_chosen_lanes_at_once_and_never_while_something_is_typed(laned, qtbot):
    document = laned.workspace.document
    names = [lane.name for lane in lanes_of(laned)]
    qtbot.mouseClick(header_of(laned, 0), LEFT, pos=QPoint(200, 60))
    qtbot.mouseClick(header_of(laned, 2), LEFT, Qt.KeyboardModifier.ControlModifier, QPoint(200, 60))
    assert [document.project.lane(one).name for one in document.chosen] == [names[0], names[2]]
    laned.prompt.text.setFocus()
    qtbot.keyClick(laned.focusWidget() or laned.prompt.text, Qt.Key.Key_Delete)
    assert len(lanes_of(laned)) == 4
    press(laned, Qt.Key.Key_Delete)
    assert [lane.name for lane in lanes_of(laned)] == [names[1], names[3]]
    document.undo.undo()
    assert [lane.name for lane in lanes_of(laned)] == names


def test_a_region_is_made_and_grown_by_keys_alone(laned):
    document, transport = laned.workspace.document, laned.workspace.transport
    transport.seek(4000)
    press(laned, Qt.Key.Key_I)
    transport.seek(9000)
    press(laned, Qt.Key.Key_O)
    assert document.selection == (4000, 9000)
    press(laned, Qt.Key.Key_Right, Qt.KeyboardModifier.ShiftModifier)
    assert document.selection[0] == 4000
    assert document.selection[1] > 9000
    before = transport.position
    press(laned, Qt.Key.Key_Left)
    assert transport.position < before


def test_number_keys_go_to_lanes_and_solo_them(laned):
    document = laned.workspace.document
    press(laned, Qt.Key.Key_3, Qt.KeyboardModifier.ControlModifier)
    assert document.current == lanes_of(laned)[2].id
    press(laned, Qt.Key.Key_2, Qt.KeyboardModifier.AltModifier)
    assert [lane.solo for lane in lanes_of(laned)] == [False, True, False, False]
    press(laned, Qt.Key.Key_9, Qt.KeyboardModifier.AltModifier)
    assert [lane.solo for lane in lanes_of(laned)] == [False, True, False, False]


def test_a_soloed_lane_out_of_sight_shows_itself_and_is_cleared_by_one_click(laned, qtbot):
    document = laned.workspace.document
    document.set_lane(lanes_of(laned)[0].id, "solo", solo=True)
    laned.timeline.area.verticalScrollBar().setValue(10_000)
    lamp = laned.top.lamp_solo
    assert lamp.isVisible()
    lamp.click()
    assert not any(lane.solo for lane in lanes_of(laned))
    assert not lamp.isVisible()


def test_lanes_fill_the_height_that_there_is(laned):
    heights = [view.height() for view in laned.timeline.lanes.values()]
    room = laned.timeline.area.height()
    assert max(heights) - min(heights) <= 1
    assert room - 4 <= sum(heights) <= room
    laned.resize(1280, 560)
    QApplication.processEvents()
    assert all(view.height() >= LOW for view in laned.timeline.lanes.values())
    header = header_of(laned, 0)
    assert header.name.isVisible()
    assert header.mute.isVisible()


def test_a_lane_is_made_higher_at_its_border_and_all_by_alt_and_wheel(laned, qtbot):
    lane = lanes_of(laned)[0]
    view = laned.timeline.lanes[lane.id]
    view.border.pulled.emit(40)
    view.border.let_go.emit()
    assert laned.workspace.document.project.lane(lane.id).height == view.height()
    assert view.height() > laned.timeline.lanes[lanes_of(laned)[1].id].height()
    view.border.reset.emit()
    assert laned.workspace.document.project.lane(lane.id).height == 0
    other = laned.timeline.lanes[lanes_of(laned)[1].id]
    before = other.height()
    where = QPointF(10, 10)
    turn = QWheelEvent(
        where, where, QPoint(), QPoint(0, -120), Qt.MouseButton.NoButton, Qt.KeyboardModifier.AltModifier,
        Qt.ScrollPhase.NoScrollPhase, False,
    )  # fmt: skip
    laned.timeline.area.wheelEvent(turn)
    assert other.height() < before


def test_a_lane_is_pulled_to_another_place(laned):
    names = [lane.name for lane in lanes_of(laned)]
    area, views = laned.timeline.area, laned.timeline.area.views
    inside = area.widget()
    area.pull(views[0], inside.mapToGlobal(QPoint(50, views[2].geometry().bottom())))
    area.put(views[0])
    moved = [names[1], names[2], names[0], names[3]]
    assert [lane.name for lane in lanes_of(laned)] == moved
    laned.workspace.document.set_current(lanes_of(laned)[2].id)
    press(laned, Qt.Key.Key_Up, Qt.KeyboardModifier.AltModifier)
    assert [lane.name for lane in lanes_of(laned)] == [names[1], names[0], names[2], names[3]]


def test_all_lanes_or_the_chosen_ones_are_dragged_out_as_files_in_one_go(laned, qtbot, monkeypatch):
    dragged = []
    monkeypatch.setattr("desktop.views.lane_actions.start_drag", lambda source, paths, *rest: dragged.append(paths))
    laned.timeline.tools.all.dragged.emit(False)
    assert len({path.name for path in dragged[-1]}) == 4
    assert all(path.is_file() for path in dragged[-1])
    document = laned.workspace.document
    document.choose(tuple(lane.id for lane in lanes_of(laned)[:2]))
    header_of(laned, 0).grip.dragged.emit(False)
    assert len(dragged[-1]) == 2
    header_of(laned, 3).grip.dragged.emit(False)
    assert len(dragged[-1]) == 1


def test_a_waveform_is_dragged_out_with_ctrl_and_alt_is_left_to_the_desktop(laned, qtbot):
    view = laned.timeline.lanes[lanes_of(laned)[0].id]
    wanted = []
    view.wave.drag_wanted.connect(lambda: wanted.append(True))
    for modifier, times in ((Qt.KeyboardModifier.AltModifier, 0), (Qt.KeyboardModifier.ControlModifier, 1)):
        qtbot.mousePress(view.wave, LEFT, modifier, QPoint(50, 20))
        assert not wanted, "a press alone drags nothing"
        qtbot.mouseMove(view.wave, QPoint(120, 24))
        qtbot.mouseRelease(view.wave, LEFT, modifier, QPoint(120, 24))
        assert len(wanted) == times


def test_takes_stand_below_their_lane_and_a_swipe_takes_a_part_of_one(laned, qtbot):
    document = laned.workspace.document
    lane = lanes_of(laned)[0]
    document.add_takes(lane.id, "take", [LaneTake(audio=lane.take.audio, made=TakeOrigin(task="regenerate"))])
    header_of(laned, 0).unfold.click()
    rows = laned.timeline.takes[lane.id]
    assert [row.name.isChecked() for row in rows] == [False, True]
    wave = rows[0].wave
    QApplication.processEvents()
    qtbot.mousePress(wave, LEFT, pos=QPoint(100, 8))
    qtbot.mouseMove(wave, QPoint(200, 8))
    qtbot.mouseRelease(wave, LEFT, pos=QPoint(200, 8))
    [part] = document.project.lane(lane.id).comp
    viewport = laned.timeline.viewport
    assert (part.first, part.last) == (viewport.sample(100), viewport.sample(200))
    assert part.take_id == lane.take.id
    rows[0].name.click()
    assert document.project.lane(lane.id).active == 0


def test_a_lamp_stays_lit_after_clipping_until_it_is_clicked(laned, qtbot):
    meter = header_of(laned, 0).meter
    meter.show_level(1.2, 0.5)
    meter.show_level(0.0, 0.0)
    assert meter.clipped
    assert 0 < meter.places[1] < 1, "it falls by and by"
    qtbot.mouseClick(meter, LEFT)
    assert not meter.clipped


def test_a_lane_on_its_way_shows_how_far_it_is_and_is_heard_or_cancelled_like_any_other(laned, qtbot):
    header = header_of(laned, 0)
    ghost = GhostLane(id="g", row_id="r", name="violin", colour=2, region=(0, 1000), fraction=0.4)
    header.show_ghost(ghost, DARK, "40 %")
    told = []
    header.switched.connect(lambda kind, on: told.append((kind, on)))
    header.cancelled.connect(lambda: told.append("cancelled"))
    header.solo.click()
    header.more.click()
    assert told == [("solo", True), "cancelled"]
    before = header.grab().toImage()
    header.show_ghost(replace(ghost, fraction=0.9), DARK, "90 %")
    assert header.grab().toImage() != before
