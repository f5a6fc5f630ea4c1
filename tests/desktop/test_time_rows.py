"""The rows of time over the lanes of the real window: ruler, loop brace, markers, overview, grid, tools."""

import itertools
from dataclasses import replace

import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QImage, QWheelEvent

from engine import TempoEstimate
from engine.notes.calibration import MEASURED, calibrated

RATE_HZ = 16_000


@pytest.fixture
def rows(loaded):
    """Of a window with a mix of one second at 240 beats a minute: a beat is 4000 samples."""
    loaded.workspace.settings.set("snap", False)
    loaded.workspace.tempo.set_tempo(240.0)
    return loaded.timeline.time


def drag(qtbot, widget, first, last, y):
    qtbot.mousePress(widget, Qt.MouseButton.LeftButton, pos=QPoint(round(first), y))
    qtbot.mouseMove(widget, QPoint(round((first + last) / 2), y))
    qtbot.mouseMove(widget, QPoint(round(last), y))
    qtbot.mouseRelease(widget, Qt.MouseButton.LeftButton, pos=QPoint(round(last), y))


def near(viewport, sample):
    return pytest.approx(sample, abs=viewport.samples_per_pixel * 3)


def test_dragging_along_the_top_of_the_ruler_makes_a_region_and_its_ends_and_middle_move_it(loaded, rows, qtbot):
    ruler, view, document = rows.ruler, loaded.timeline.viewport, loaded.workspace.document
    drag(qtbot, ruler, view.x(4000), view.x(8000), 5)
    assert document.selection == (near(view, 4000), near(view, 8000))
    drag(qtbot, ruler, view.x(8000), view.x(12_000), 5)
    assert document.selection == (near(view, 4000), near(view, 12_000))
    drag(qtbot, ruler, view.x(6000), view.x(7000), 5)
    assert document.selection == (near(view, 5000), near(view, 13_000))
    drag(qtbot, ruler, view.x(9000), view.x(900_000), 5)
    assert document.selection[1] == near(view, 16_000)
    assert document.selection[1] - document.selection[0] == near(view, 8000), "it stops at the end as a whole"


def test_the_brace_snaps_when_it_is_let_go(loaded, rows, qtbot):
    loaded.workspace.settings.set("snap", True)
    loaded.workspace.settings.set("snap_to", "beat")
    view = loaded.timeline.viewport
    drag(qtbot, rows.ruler, view.x(4300), view.x(7700), 5)
    assert loaded.workspace.document.selection == (4000, 8000)


def test_a_double_click_on_the_brace_loops_and_the_button_shows_it(loaded, rows, qtbot):
    document, transport, view = loaded.workspace.document, loaded.workspace.transport, loaded.timeline.viewport
    document.select((4000, 8000))
    place = QPoint(round(view.x(6000)), 5)
    for on in (True, False):
        qtbot.mouseDClick(rows.ruler, Qt.MouseButton.LeftButton, pos=place)
        qtbot.mouseRelease(rows.ruler, Qt.MouseButton.LeftButton, pos=place)
        assert transport.looping is on
        assert loaded.actions_by_name["loop"].isChecked() is on
    assert transport.scene(document.project).loop is None


def test_a_click_below_the_brace_seeks(loaded, rows, qtbot):
    qtbot.mouseClick(rows.ruler, Qt.MouseButton.LeftButton, pos=QPoint(200, 30))
    assert loaded.workspace.transport.position == loaded.timeline.viewport.sample(200)


def test_markers_are_added_moved_named_gone_to_and_removed(loaded, rows, qtbot):
    document, view, ruler = loaded.workspace.document, loaded.timeline.viewport, rows.ruler
    loaded.workspace.transport.seek(4000)
    loaded.actions_by_name["marker"].trigger()
    [marker] = document.project.markers
    assert (marker.at, marker.name) == (4000, "1")
    drag(qtbot, ruler, view.x(4000) + 3, view.x(9000) + 3, 5)
    assert document.project.markers[0].at == near(view, 9000)
    at = document.project.markers[0].at
    place = QPoint(round(view.x(at)) + 3, 5)
    qtbot.mouseDClick(ruler, Qt.MouseButton.LeftButton, pos=place)
    [editor] = [one for one in ruler.children() if one.objectName() == "markerName"]
    editor.setText("chorus")
    qtbot.keyClick(editor, Qt.Key.Key_Return)
    assert document.project.markers[0].name == "chorus"
    loaded.workspace.transport.seek(0)
    loaded.actions_by_name["next_marker"].trigger()
    assert loaded.workspace.transport.position == at
    loaded.actions_by_name["previous_marker"].trigger()
    assert loaded.workspace.transport.position == 0
    rows.markers.remove(marker.id)
    assert document.project.markers == ()
    document.undo.undo()
    assert document.project.markers[0].name == "chorus"


def test_the_menu_of_the_ruler_offers_what_can_be_done_there(loaded, rows):
    rows.markers.add(4000)
    words = lambda menu: [action.text() for action in menu.actions() if action.text()]  # noqa: E731
    assert "Add a marker here" in words(rows.menu(8000))
    assert "Remove the marker" in words(rows.menu(4000, loaded.workspace.document.project.markers[0].id))
    next(one for one in rows.menu(2000).actions() if one.text() == "Bar 1 begins here").trigger()
    assert loaded.workspace.tempo.words(2000) == "1|1"


def test_bars_and_beats_are_ruled_and_drawn_over_every_lane(loaded, rows):
    view, wave = loaded.timeline.viewport, loaded.timeline.mix.wave
    assert [(line.bar, line.beat) for line in rows.grid.lines() if line.level][:5] == [
        (1, 1), (1, 2), (1, 3), (1, 4), (2, 1),
    ]  # fmt: skip
    x = round(view.x(4000))

    def column():
        picture = wave.grab().toImage().convertToFormat(QImage.Format.Format_RGB32)
        return [picture.pixelColor(x, y).lightness() for y in range(2, 30)]

    with_grid = column()
    loaded.workspace.settings.set("grid", False)
    without = column()
    assert sum(with_grid) > sum(without)
    loaded.workspace.settings.set("grid", True)
    assert column() == with_grid


def test_lines_keep_their_distance_at_every_zoom(loaded, rows):
    view = loaded.timeline.viewport
    for _ in range(60):
        xs = [line.x for line in rows.grid.lines()]
        assert all(b - a >= 14.9 for a, b in itertools.pairwise(xs))
        assert len(xs) < view.width / 14
        assert not rows.ruler.grab().isNull()
        view.zoom(0.75, 300)


def test_the_frame_in_the_overview_moves_and_zooms_what_the_lanes_show(loaded, rows, qtbot):
    view, strip = loaded.timeline.viewport, rows.overview
    view.show_span(4000, 8000)
    frame = strip.frame
    assert (frame.left(), frame.right()) == (
        pytest.approx(strip.pixel_of(4000), abs=2),
        pytest.approx(strip.pixel_of(8000), abs=2),
    )
    drag(qtbot, strip, frame.center().x(), frame.center().x() + strip.pixel_of(2000), 12)
    assert view.start == near(view, 6000)
    assert view.span == near(view, 4000)
    start = view.start
    drag(qtbot, strip, strip.frame.right(), strip.pixel_of(8000), 12)
    assert view.start == pytest.approx(start, abs=1), "only the end was moved"
    assert view.span == pytest.approx(2000, abs=100)
    drag(qtbot, strip, strip.pixel_of(1000), strip.pixel_of(1000) + 1, 12)
    assert view.start == pytest.approx(0, abs=100), "a click elsewhere brings it there"


def test_the_overview_shows_the_song_its_markers_and_the_region(loaded, rows):
    plain = rows.overview.grab().toImage()
    assert len({plain.pixel(x, y) for x in range(0, plain.width(), 3) for y in range(plain.height())}) > 3
    loaded.workspace.document.select((4000, 8000))
    assert rows.overview.grab().toImage() != plain
    loaded.workspace.document.select(None)
    rows.markers.add(8000)
    assert rows.overview.grab().toImage() != plain


def test_the_view_follows_by_page_in_the_middle_or_not_at_all(loaded, rows, monkeypatch):
    view, timeline, transport = loaded.timeline.viewport, loaded.timeline, loaded.workspace.transport
    monkeypatch.setattr(type(transport), "playing", property(lambda self: True))
    for mode, start in (("off", 4000), ("page", 10_000 - 0.05 * 4000), ("center", 8000)):
        view.show_span(4000, 8000)
        loaded.workspace.settings.set("follow", mode)
        transport.moved.emit(10_000)
        assert view.start == near(view, start), mode
    assert timeline.viewport is view


def test_waves_can_be_made_taller(loaded, rows, qtbot):
    wave, view = loaded.timeline.mix.wave, loaded.timeline.viewport
    flat = wave.grab().toImage()
    loaded.actions_by_name["taller_waves"].trigger()
    assert view.gain > 1
    assert wave.grab().toImage() != flat
    loaded.actions_by_name["flatter_waves"].trigger()
    assert view.gain == 1
    assert wave.grab().toImage() == flat
    turn = QWheelEvent(
        QPointF(50, 20), wave.mapToGlobal(QPointF(50, 20)), QPoint(), QPoint(0, 120), Qt.MouseButton.NoButton,
        Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier, Qt.ScrollPhase.NoScrollPhase, False,
    )  # fmt: skip
    wave.wheelEvent(turn)
    assert view.gain > 1


def test_tempo_and_key_are_shown_with_their_doubt_and_changed_in_the_card(loaded, qtbot):
    tempo, tools = loaded.workspace.tempo, loaded.timeline.time.tools
    assert tools.tempo.text() == "— BPM"
    assert not tools.click.isEnabled()
    tempo.estimate = TempoEstimate(
        bpm=97.5, bpm_confidence=0.3, downbeat_confidence=0.9, key="F# minor", key_confidence=0.5
    )
    tempo._say("done")
    assert (tools.tempo.text(), tools.key.text()) == ("97.5 BPM?", "F#m")
    assert "a guess (30 %)" in tools.tempo.toolTip()
    assert "likely (50 %)" in tools.key.toolTip()
    tools.tempo.click()
    card = tools.card
    assert card.isVisible()
    card.twice.click()
    assert tempo.time_map.bpm == 195.0
    assert tools.tempo.text() == "195 BPM"
    card.bpm.setValue(120.0)
    card.meter.setValue(3)
    card.key.setCurrentIndex(card.key.findData("C major"))
    card.key.activated.emit(card.key.currentIndex())
    assert (tempo.time_map.bpm, tempo.time_map.beats_per_bar, tempo.key) == (120.0, 3, "C major")
    card.key.setCurrentIndex(card.key.findData(""))
    card.key.activated.emit(card.key.currentIndex())
    assert (tempo.key, card.key.currentText(), tools.key.isVisible()) == ("", "unknown", False)
    card.back.click()
    assert (tools.key.text(), card.key.currentData()) == ("F#m", "F# minor")
    assert tools.tempo.text() == "97.5 BPM?"
    card.hide()


def test_no_confidence_is_called_more_than_it_is_worth(loaded):
    tempo, tools = loaded.workspace.tempo, loaded.timeline.time.tools
    best = calibrated(1.0, MEASURED.key)
    tempo.estimate = TempoEstimate(
        bpm=97.5, bpm_confidence=0.79, downbeat_confidence=0.81, key="F# minor", key_confidence=best
    )
    tempo._say("done")
    assert f"likely ({round(100 * best)} %)" in tools.key.toolTip(), "no key is right in four of five cases"
    assert "likely (79 %)" in tools.tempo.toolTip()
    assert "sure (81 %)" in tools.tempo.toolTip()
    assert (tools.tempo.text(), tools.key.text()) == ("97.5 BPM?", "F#m")
    tempo.estimate = replace(tempo.estimate, key_confidence=0.44)
    tempo._say("done")
    assert tools.key.text() == "F#m?", "wrong more often than right"


def test_tools_switch_settings_and_settings_switch_tools(loaded):
    tools, settings = loaded.timeline.time.tools, loaded.workspace.settings
    loaded.workspace.tempo.set_tempo(120.0)
    for name in ("grid", "snap", "click"):
        before = bool(settings.get(name))
        getattr(tools, name).click()
        assert settings.get(name) is not before
        settings.set(name, before)
        assert getattr(tools, name).isChecked() is before
    for button, name, value in ((tools.snap, "snap_to", "bar"), (tools.follow, "follow", "center")):
        next(one for one in button.menu().actions() if one.data() == value).trigger()
        assert settings.get(name) == value
