"""How the window looks, measured on its pixels: contrast, one accent, one grid, figures that stand still."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QFont
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractSpinBox,
    QComboBox,
    QDial,
    QLabel,
    QLineEdit,
    QSlider,
    QToolButton,
)

sys.path.insert(0, str(Path(__file__).parent))  # the helper beside this file

from drawn import accent_places, commonest, contrasts, luminance, pixels, rect_in, settle

from desktop.models.ghosts import GhostLane
from desktop.views.dialogs.export_dialog import ExportDialog
from desktop.views.dialogs.settings_dialog import SettingsDialog
from desktop.views.theme import palette_for
from desktop.views.timeline.lane_header import LaneHeader
from desktop.views.timeline.lane_view import LOW

WAIT_MS = 120_000
CONTROLS = (QAbstractButton, QLineEdit, QComboBox, QAbstractSpinBox, QSlider, QDial)
SEEN, READ = 3.0, 4.5  # contrast of a control to what is beside it, of words to their ground; WCAG 2.2
LEAST_PIXELS = 6  # of a control that stand out
ROOM = 2  # pixels around a control that show its ground


@pytest.fixture
def lanes(loaded, qtbot, make_wav):
    """The window with a mix, three lanes, words and a region; nothing has the focus."""
    for name in ("drums.wav", "backing vocals.wav", "bass.wav"):
        loaded.workspace.add_file(make_wav(name))
    document = loaded.workspace.document
    qtbot.waitUntil(lambda: len(document.project.lanes) == 3, timeout=WAIT_MS)
    loaded.hint.hide()
    loaded.prompt.text.setText("drums, bass guitar")
    loaded.resize(1280, 720)
    loaded.timeline.setFocus()
    settle()
    return loaded


def wholly_seen(widget):
    return widget.isVisible() and widget.visibleRegion().boundingRect() == widget.rect()


def outermost(widget):
    """False for the field inside a spin box or a combo box."""
    return not isinstance(widget.parentWidget(), CONTROLS)


def of_kinds(top, kinds):
    found = ((kind, widget) for kind in kinds for widget in top.findChildren(kind))
    return [widget for kind, widget in found if widget.inherits(kind.__name__)]  # PySide takes some others for these


def shown_words(widget):
    style = widget.toolButtonStyle() if isinstance(widget, QToolButton) else None
    only_a_picture = style is Qt.ToolButtonStyle.ToolButtonIconOnly and not widget.icon().isNull()
    return "" if only_a_picture else widget.text()


def called(widget):
    words = getattr(widget, "text", lambda: "")() or widget.accessibleName() or widget.toolTip() or widget.objectName()
    return f"{type(widget).__name__} {words!r}"


def faint_parts(top):
    """Controls that do not stand out from what is beside them, and words that do not stand out from their ground."""
    drawn = pixels(top)
    found = []
    for widget in of_kinds(top, CONTROLS):
        if not (widget.isEnabled() and wholly_seen(widget) and outermost(widget)):
            continue
        area = rect_in(widget, top)
        inside = drawn[area.top() : area.bottom() + 1, area.left() : area.right() + 1]
        around = area.adjusted(-ROOM, -ROOM, ROOM, ROOM).intersected(top.rect())
        ring = drawn[around.top() : around.bottom() + 1, around.left() : around.right() + 1].copy()
        mask = np.ones(ring.shape[:2], bool)
        left, up = area.left() - around.left(), area.top() - around.top()
        mask[up : up + area.height(), left : left + area.width()] = False
        ground = commonest(ring[mask]) if mask.any() else commonest(inside)
        if (contrasts(inside, ground) >= SEEN).sum() < LEAST_PIXELS:
            found.append(f"{called(widget)} at {area.getRect()} is hardly seen")
    for widget in of_kinds(top, (QLabel, QAbstractButton, QComboBox)):
        if not (widget.isEnabled() and wholly_seen(widget)):
            continue
        if not (widget.currentText() if isinstance(widget, QComboBox) else shown_words(widget)):
            continue
        area = rect_in(widget, top)
        inside = drawn[area.top() : area.bottom() + 1, area.left() : area.right() + 1]
        inner = inside[4:-4, 4:-4] if min(inside.shape[:2]) > 16 else inside
        best = contrasts(inner, commonest(inner)).max()
        if best < READ:
            found.append(f"{called(widget)} at {area.getRect()} reads at {best:.1f}")
    return found


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_every_control_is_seen_and_every_word_is_read(lanes, qtbot, theme):
    lanes.workspace.settings.set("theme", theme)
    lanes.workspace.document.select((4000, 9000))
    lanes.prompt.fold.setChecked(True)
    settle()
    assert faint_parts(lanes) == []
    lanes.prompt.fold.setChecked(False)
    dialogs = [SettingsDialog(lanes.workspace, lanes, tab) for tab in (0, 2, 3)]
    dialogs.append(ExportDialog(lanes.workspace, lanes.lane_actions.files, "", lanes))
    for dialog in dialogs:
        qtbot.addWidget(dialog)
        dialog.show()
        settle()
        assert faint_parts(dialog) == [], dialog.windowTitle()
        dialog.close()


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_one_colour_says_what_is_to_be_done(lanes, theme):
    lanes.workspace.settings.set("theme", theme)
    settle()
    allowed = [rect_in(widget, lanes) for widget in (lanes.prompt.go, lanes.top.logo)]
    current = lanes.timeline.lanes.get(lanes.workspace.document.current)
    allowed += [rect_in(current.header, lanes)] if current is not None else []
    found = accent_places(lanes, theme)
    assert found, "the button to run is in the accent"
    assert [place for place in found if not any(area.contains(*place) for area in allowed)][:5] == []


def test_figures_stand_still(lanes):
    header = lanes.timeline.lanes[lanes.workspace.document.project.lanes[0].id].header
    for widget in (
        lanes.top.time, lanes.top.bars, lanes.top.match, lanes.speed, header.gain.text, lanes.timeline.readout,
        lanes.timeline.time.tools.tempo,
    ):  # fmt: skip
        font, metrics = widget.font(), widget.fontMetrics()
        assert font.featureValue(QFont.Tag("tnum")) == 1, called(widget)
        assert len({metrics.horizontalAdvance(digit) for digit in "0123456789"}) == 1, called(widget)


def test_all_headers_stand_on_one_grid(lanes):
    lanes.resize(1600, 1000)
    settle()
    timeline = lanes.timeline
    headers = [view.header for view in timeline.lanes.values()]
    assert all(isinstance(header, LaneHeader) for header in headers)
    for part in ("name", "mute", "solo", "more", "gain", "pan", "sensitivity", "meter"):
        places = {getattr(header, part).mapTo(header, QPoint(0, 0)).x() for header in headers}
        assert len(places) == 1, part
    first = headers[0]
    left = {widget.mapTo(lanes, QPoint(0, 0)).x() for widget in (first.name, first.gain, first.caption)}
    left.add(timeline.title.mapTo(lanes, QPoint(0, 0)).x())
    assert len(left) == 1, "name, gain, facts and the mix begin below each other"


def test_nothing_in_the_top_bar_moves_when_bars_or_a_solo_are_shown(lanes):
    def places():
        settle()
        return {
            name: widget.mapTo(lanes, QPoint(0, 0)).toTuple()
            for name, widget in (
                *lanes.top.buttons.items(), ("time", lanes.top.time), ("match", lanes.top.match), ("sum", lanes.sum),
                ("ruler", lanes.timeline.ruler),
            )
        }  # fmt: skip

    lanes.top.show_bars("")
    before = places()
    lanes.top.show_bars("128|4")
    lane = lanes.workspace.document.project.lanes[0]
    lanes.workspace.document.set_lane(lane.id, "solo", solo=True)
    assert lanes.top.lamp_solo.isVisible()
    assert places() == before


@pytest.mark.parametrize("size", [(1600, 1000), (1280, 720)])
def test_lanes_fit_the_height(lanes, qtbot, make_wav, size):
    lanes.resize(*size)
    settle()
    area = lanes.timeline.area
    count = min(area.height() // LOW, 10)
    for number in range(3, count):
        lanes.workspace.add_file(make_wav(f"lane {number}.wav"))
    qtbot.waitUntil(lambda: len(area.views) == count, timeout=WAIT_MS)
    settle()
    heights = [view.height() for view in area.views]
    assert sum(heights) <= area.height()
    assert min(heights) >= LOW
    assert area.verticalScrollBar().maximum() == 0


def test_a_lane_on_its_way_changes_its_theme_with_the_window(lanes):
    header = LaneHeader(palette_for("light"))
    ghost = GhostLane(id="ghost", row_id="job", name="drums")
    header.show_ghost(ghost, palette_for("light"), "")
    header.resize(header.width(), 80)
    header.show_ghost(ghost, palette_for("dark"), "")
    meter = pixels(header.meter)
    assert luminance(commonest(meter)) < 0.1
