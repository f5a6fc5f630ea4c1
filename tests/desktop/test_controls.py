"""Wheel, trackpad, first start, recent files, the doctor, the bridge's warning: the real window, offscreen."""

import pytest
from PySide6.QtCore import QPoint, QPointF, Qt, QTimer
from PySide6.QtGui import QGuiApplication, QNativeGestureEvent, QPointingDevice, QWheelEvent
from PySide6.QtWidgets import QLabel, QPushButton

from desktop import app
from desktop.views.dialogs.settings_dialog import SettingsDialog

WAIT_MS = 120_000
NONE, CTRL, SHIFT = (
    Qt.KeyboardModifier.NoModifier, Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.ShiftModifier
)  # fmt: skip


def turn(wave, modifiers, x=0, y=0, at=200):
    """Turn a wheel over a waveform; True means it was taken."""
    event = QWheelEvent(
        QPointF(at, 20), wave.mapToGlobal(QPointF(at, 20)), QPoint(), QPoint(x, y),
        Qt.MouseButton.NoButton, modifiers, Qt.ScrollPhase.NoScrollPhase, False,
    )  # fmt: skip
    event.ignore()
    wave.wheelEvent(event)
    return event.isAccepted()


def test_the_wheel_zooms_with_ctrl_scrolls_with_shift_or_sideways_and_else_belongs_to_the_lanes(loaded):
    viewport, wave = loaded.timeline.viewport, loaded.timeline.mix.wave
    whole = viewport.samples_per_pixel
    under = viewport.start + 200 * whole
    assert turn(wave, CTRL, y=480)
    assert viewport.samples_per_pixel < whole / 2
    assert viewport.start + 200 * viewport.samples_per_pixel == pytest.approx(under, abs=1)
    before = viewport.start
    assert turn(wave, SHIFT, y=-120)
    assert viewport.start > before
    before = viewport.start
    assert turn(wave, NONE, x=60)
    assert viewport.start < before
    assert not turn(wave, NONE, y=120)
    assert turn(wave, CTRL, y=-4800)
    assert viewport.samples_per_pixel == pytest.approx(whole)


def test_two_fingers_zoom_at_the_place_between_them(loaded):
    viewport, wave = loaded.timeline.viewport, loaded.timeline.mix.wave
    under, whole = viewport.start + 300 * viewport.samples_per_pixel, viewport.samples_per_pixel
    place = QPointF(300, 20)
    gesture = QNativeGestureEvent(
        Qt.NativeGestureType.ZoomNativeGesture, QPointingDevice.primaryPointingDevice(), 2,
        place, place, wave.mapToGlobal(place), 0.25, QPointF(),
    )  # fmt: skip
    assert wave.event(gesture)
    assert viewport.samples_per_pixel == pytest.approx(whole / 1.25)
    assert viewport.start + 300 * viewport.samples_per_pixel == pytest.approx(under, abs=1)


def test_the_first_start_opens_the_demo_with_three_hints_and_the_next_one_does_not(window, qtbot, monkeypatch):
    with qtbot.waitSignal(window.workspace.opened, timeout=WAIT_MS):
        app.open_first(window, [])
    assert window.workspace.document.project.title == "mix"
    assert window.hint.isVisible()
    assert len(window.hint._numbers) == 3
    window.hint.fine.click()
    assert not window.hint.isVisible()
    assert window.workspace.settings.get("seen_hint")
    opened = []
    monkeypatch.setattr(window, "open_demo", lambda: opened.append("demo"))
    app.open_first(window, [])
    QTimer.singleShot(0, lambda: opened.append("what was asked for later"))
    qtbot.waitUntil(lambda: bool(opened), timeout=WAIT_MS)
    assert opened == ["what was asked for later"]


def test_files_that_were_open_lately_are_offered_in_an_empty_window(loaded, qtbot, make_wav):
    assert [name.rsplit("/")[-1] for name in loaded.workspace.settings.get("recent")] == ["song.wav"]
    [button] = [one for one in loaded.welcome.findChildren(QPushButton) if one.text() == "song.wav"]
    with qtbot.waitSignal(loaded.workspace.opened, timeout=WAIT_MS):
        button.click()


def test_the_folder_of_a_lane_is_opened(loaded, qtbot, monkeypatch, make_wav):
    places = []
    monkeypatch.setattr(
        "desktop.views.lane_actions.QDesktopServices.openUrl", lambda url: places.append(url.toLocalFile())
    )
    loaded.workspace.add_file(make_wav("extra.wav"))
    qtbot.waitUntil(lambda: bool(loaded.workspace.document.project.lanes), timeout=WAIT_MS)
    lane = loaded.workspace.document.project.lanes[0]
    loaded.workspace.document.set_current(lane.id)
    loaded.actions_by_name["reveal"].trigger()
    assert places == [str(loaded.lane_actions.files.rendering(lane.id)().parent)]


def test_the_doctor_reports_in_the_window_and_is_copied(loaded, qtbot):
    dialog = SettingsDialog(loaded.workspace, loaded, 4)
    qtbot.addWidget(dialog)
    qtbot.waitUntil(lambda: "onnxruntime" in dialog.report.toPlainText(), timeout=WAIT_MS)
    [copy] = [button for button in dialog.findChildren(QPushButton) if button.text() == "Copy"]
    copy.click()
    assert QGuiApplication.clipboard().text() == dialog.report.toPlainText()


def test_opening_the_bridge_to_the_network_comes_with_a_warning(loaded, qtbot):
    dialog = SettingsDialog(loaded.workspace, loaded, 3)
    qtbot.addWidget(dialog)
    warnings = [label.text() for label in dialog.findChildren(QLabel) if "Any machine on this network" in label.text()]
    assert len(warnings) == 1
    assert "Use it only on a network you trust" in warnings[0]
    assert dialog.bridges["off"].isChecked(), "nothing listens until somebody asks for it"
