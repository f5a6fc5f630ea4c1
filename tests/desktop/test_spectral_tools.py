"""On the spectrogram of the real window: its axis, what the pointer reads, and moving a part of it to another lane."""

from itertools import pairwise

import numpy as np
import pytest
import soundfile
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QImage

from desktop.models.readout import note_of
from desktop.views.timeline.frequency_scale import FrequencyScale

WAIT_MS = 120_000
RATE_HZ = 16_000
LEFT = Qt.MouseButton.LeftButton


@pytest.fixture
def toned(window, qtbot, tmp_path):
    """The window with a tone of 440 Hz as mix and as two lanes, drawn as spectrograms."""
    time_N = np.arange(2 * RATE_HZ) / RATE_HZ
    path = tmp_path / "tone.wav"
    soundfile.write(path, 0.5 * np.sin(2 * np.pi * 440 * time_N)[:, None].repeat(2, 1), RATE_HZ)
    window.resize(1280, 800)
    with qtbot.waitSignal(window.workspace.opened, timeout=WAIT_MS):
        window.open_path(path)
    for count in (1, 2):
        window.workspace.add_file(path)
        qtbot.waitUntil(lambda n=count: len(window.workspace.document.project.lanes) == n, timeout=WAIT_MS)
    window.workspace.settings.set("snap", False)
    window.workspace.settings.set("spectrogram", True)
    view = window.timeline.lanes[window.workspace.document.project.lanes[0].id]
    qtbot.waitUntil(lambda: view.wave.scale is not None, timeout=WAIT_MS)
    return window, view.wave


def test_notes_are_named_as_musicians_name_them():
    assert [note_of(hz) for hz in (440.0, 261.63, 445.0)] == [("A4", 0), ("C4", 0), ("A4", 20)]


def test_the_axis_has_labels_apart_from_each_other_at_the_right_height():
    scale = FrequencyScale(44_100, 160)
    labels = scale.labels()
    assert {"100", "1k", "10k"} <= {words for _, words in labels}
    assert all(one - other >= 13 for (one, _), (other, _) in pairwise(labels))
    assert all(scale.hz(scale.y(hz)) == pytest.approx(hz) for hz in (60, 440, 15_000))


def test_the_pointer_reads_time_frequency_note_and_level_where_the_tone_is(toned, qtbot):
    window, wave = toned
    scale = wave.scale
    qtbot.mouseMove(wave, QPoint(wave.width() // 2, round(scale.y(440))))
    words = window.timeline.readout.text()
    assert "Hz" in words
    assert "A4" in words or "G♯4" in words or "A♯4" in words
    tone_db = int(words.rsplit("·", 1)[1].strip().removesuffix(" dB").replace("−", "-"))
    assert tone_db > -40


def test_a_rectangle_asks_where_to_move_what_is_inside(toned, qtbot, monkeypatch):
    window, wave = toned
    document = window.workspace.document
    source, target = document.project.lanes
    menus = []
    monkeypatch.setattr(window.lane_actions, "_open", lambda menu, place: menus.append(menu))
    window.timeline.tools.buttons["rectangle"].click()
    top, bottom = round(wave.scale.y(900)), round(wave.scale.y(200))
    qtbot.mousePress(wave, LEFT, pos=QPoint(100, top))
    qtbot.mouseMove(wave, QPoint(220, bottom))
    qtbot.mouseRelease(wave, LEFT, pos=QPoint(220, bottom))
    assert document.selection is None, "the tool chooses no region"
    menus[0].actions()[0].trigger()
    [edit] = document.project.brush
    viewport = window.timeline.viewport
    assert (edit.source, edit.target, edit.shape) == (source.id, target.id, "rect")
    assert (edit.first, edit.last) == (viewport.sample(100), viewport.sample(220))
    assert edit.low_hz == pytest.approx(200, rel=0.1)
    assert edit.high_hz == pytest.approx(900, rel=0.1)
    document.undo.undo()
    assert not document.project.brush


def test_the_brush_asks_once_then_goes_on_to_the_same_lane(toned, qtbot, monkeypatch):
    window, wave = toned
    document = window.workspace.document
    menus = []
    monkeypatch.setattr(window.lane_actions, "_open", lambda menu, place: menus.append(menu))
    window.timeline.tools.buttons["brush"].click()
    for left in (100, 300):
        qtbot.mousePress(wave, LEFT, pos=QPoint(left, 20))
        qtbot.mouseMove(wave, QPoint(left + 40, 24))
        qtbot.mouseRelease(wave, LEFT, pos=QPoint(left + 40, 24))
        if left == 100:
            menus[0].actions()[0].trigger()
    assert len(menus) == 1
    one, two = document.project.brush
    assert (one.shape, one.target) == (two.shape, two.target) == ("stroke", document.project.lanes[1].id)
    assert len(one.points) >= 2
    assert one.radius[0] > 0
    assert one.low_hz < one.points[0][1] < one.high_hz


def test_tools_for_frequencies_bring_the_spectrogram_and_leave_with_it(toned):
    window, _ = toned
    window.workspace.settings.set("spectrogram", False)
    window.timeline.set_tool("brush")
    assert window.workspace.settings.get("spectrogram")
    window.workspace.settings.set("spectrogram", False)
    assert window.timeline.tool == "region"
    assert window.timeline.tools.buttons["region"].isChecked()


def test_a_region_stands_out_where_the_task_works_and_is_a_thin_line_elsewhere(toned):
    window, wave = toned
    document = window.workspace.document
    window.workspace.settings.set("spectrogram", False)
    other = window.timeline.lanes[document.project.lanes[1].id].wave
    document.set_current(document.project.lanes[0].id)
    plain, plain_other = picture(wave), picture(other)
    document.select((RATE_HZ // 2, RATE_HZ))
    inside = round(window.timeline.viewport.x(0.75 * RATE_HZ))
    outside = round(window.timeline.viewport.x(1.5 * RATE_HZ))
    shown, shown_other = picture(wave), picture(other)
    np.testing.assert_array_equal(shown[4:, inside], plain[4:, inside])
    assert shown[:, outside].sum() < plain[:, outside].sum(), "what is outside is dimmed"
    np.testing.assert_array_equal(shown_other[:, outside], plain_other[:, outside])


def picture(wave):
    image = wave.grab().toImage().convertToFormat(QImage.Format.Format_RGB32)
    return np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), image.width(), 4)[:, :, :3].astype(int)
