"""Small things that a designer asked for, in the real window: typeface, recent files, low lanes, names of files."""

import sys

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QFontInfo
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLabel

from desktop.app import allow_files
from desktop.audio.peaks import PeakBuilder
from desktop.models.project import Lane, LaneTake, TakeOrigin
from desktop.models.recent_files import HIGHEST, keep_look, recent_looks
from desktop.models.settings import AppSettings
from desktop.views.dialogs.name_field import NameField
from desktop.views.dialogs.settings_dialog import SettingsDialog
from desktop.views.motion import fade_in
from desktop.views.theme import FAMILIES, drawn, ui_font
from desktop.views.timeline.lane_card import LaneCard
from desktop.views.timeline.lane_header import TWO_ROWS
from desktop.views.welcome import WAVE_SIZE

WAIT_MS = 120_000


@pytest.mark.parametrize("weight", [400, 600])
def test_the_window_brings_its_own_typeface(qapp, weight):
    font = ui_font()
    font.setWeight(font.Weight(weight))
    info = QFontInfo(font)
    assert (info.family(), info.weight()) == (FAMILIES[0], weight)


def test_small_icons_are_drawn_for_their_size(qapp):
    ratio = drawn("snap", "#ffffff", 16).devicePixelRatio()
    assert drawn("snap", "#ffffff", 16).width() == round(16 * ratio)
    small, large = (drawn("snap", "#ffffff", side).toImage() for side in (16, 20))
    assert small != large.scaled(small.size())


def test_a_recent_file_shows_its_length_and_its_waveform(loaded, qtbot):
    path = loaded.workspace.settings.get("recent")[0]
    look = recent_looks(loaded.workspace.settings)[path]
    assert look.seconds == pytest.approx(1.0)
    assert max(look.heights) == 1.0
    words = [label.text() for label in loaded.welcome.findChildren(QLabel)]
    assert any(text.startswith("0:01  ·") for text in words)
    [wave] = [label for label in loaded.welcome.findChildren(QLabel) if label.pixmap().width() >= WAVE_SIZE.width()]
    assert not wave.pixmap().isNull()


def test_looks_of_files_that_are_not_recent_any_more_are_forgotten(tmp_path):
    settings, builder = AppSettings(tmp_path / "settings.ini"), PeakBuilder()
    builder.add(np.linspace(-1, 1, 6400, dtype=np.float32)[:, None])
    peaks = builder.finish()
    settings.set("recent", ["/a.wav"])
    keep_look(settings, "/b.wav", peaks, 6400, 100)
    keep_look(settings, "/a.wav", peaks, 6400, 100)
    looks = recent_looks(settings)
    assert list(looks) == ["/a.wav"]
    assert looks["/a.wav"].seconds == 64.0
    assert looks["/a.wav"].heights[0] == 1.0
    assert looks["/a.wav"].heights[32] <= 1 / HIGHEST
    settings.set("recent_looks", "no json")
    assert recent_looks(settings) == {}


def test_a_name_is_made_of_parts_that_go_away_as_a_whole(qtbot, qapp):
    field = NameField("{track} - {stem}")
    qtbot.addWidget(field)
    field.show()
    assert field.line.text() == "‹Song› - ‹Stem›"
    QTest.keyClick(field.line, Qt.Key.Key_End)
    QTest.keyClick(field.line, Qt.Key.Key_Backspace)
    assert field.template == "{track} - "
    field.chips["nr"].click()
    assert field.template == "{track} - {nr}"
    QTest.keyClick(field.line, Qt.Key.Key_Home)
    QTest.keyClick(field.line, Qt.Key.Key_Delete)
    assert field.template == " - {nr}"
    field.set_template("{nonsense}")
    assert field.template == "{nonsense}"


def test_the_controls_of_a_low_lane_open_on_a_card(loaded, qtbot, make_wav):
    loaded.workspace.add_file(make_wav("drums.wav"))
    document = loaded.workspace.document
    qtbot.waitUntil(lambda: len(document.project.lanes) == 1, timeout=WAIT_MS)
    [lane] = document.project.lanes
    words = "Gain, pan and sensitivity …"
    assert words not in [row.text() for row in loaded.lane_actions.menu(lane.id).actions()]
    document.set_lane(lane.id, "lower", height=TWO_ROWS - 20)
    QApplication.processEvents()
    [row] = [row for row in loaded.lane_actions.menu(lane.id).actions() if row.text() == words]
    row.trigger()
    [card] = loaded.findChildren(LaneCard)
    card.gain.fader.stepped.emit(-2.0)
    card.pan.setValue(card.pan.maximum())
    assert (document.project.lanes[0].gain_db, document.project.lanes[0].pan) == (-2.0, 1.0)
    card.close()


def test_the_ruler_says_what_its_top_is_for_until_a_region_was_made(loaded):
    assert loaded.timeline.ruler._hint
    loaded.workspace.document.select((1000, 4000))
    loaded.workspace.document.select(None)
    assert not loaded.timeline.ruler._hint


def test_what_opens_fades_in_where_the_system_wants_movement_and_else_is_there_at_once(loaded, qtbot):
    effects = (Qt.UIEffect.UI_General, Qt.UIEffect.UI_AnimateMenu, Qt.UIEffect.UI_FadeMenu)
    before = [QApplication.isEffectEnabled(effect) for effect in effects]
    popover = loaded.prompt.popover
    try:
        for wanted in (False, True):
            for effect in effects:
                QApplication.setEffectEnabled(effect, wanted)
            loaded.prompt.fold.setChecked(True)
            assert (popover.graphicsEffect() is not None) == wanted
            qtbot.waitUntil(lambda: popover.graphicsEffect() is None, timeout=WAIT_MS)
            loaded.prompt.fold.setChecked(False)
        assert fade_in(popover) is None, "what is hidden does not appear"
    finally:
        for effect, was in zip(effects, before, strict=True):
            QApplication.setEffectEnabled(effect, was)


def test_a_narrow_bar_shows_the_strength_as_a_figure(loaded):
    loaded.prompt.set_task("restyle")
    loaded.resize(860, 600)
    QApplication.processEvents()
    [figure] = [label for label in loaded.prompt.strength.findChildren(QLabel) if label.isVisible()]
    loaded.prompt.strength.slider.setValue(35)
    assert figure.text() == "35 %"


def test_a_row_of_chips_without_room_for_all_has_arrows_at_its_ends(loaded, qtbot):
    loaded.resize(900, 600)
    strip, arrows = loaded.prompt.strip, loaded.prompt.strip.arrows
    shown = lambda: [button.isVisible() for button in arrows.values()]  # noqa: E731
    names = ("vocals", "electric guitar", "acoustic guitar", "backing vocals", "synth pad", "trumpet")
    loaded.prompt.show_heard(tuple((name, 0.9) for name in names), has_mix=True)
    chips = list(loaded.prompt.offers.buttons.values())
    assert all(chip.width() == chip.sizeHint().width() for chip in chips), "no word is squeezed, not for a moment"
    qtbot.waitUntil(lambda: shown() == [False, True], timeout=WAIT_MS)
    arrows[1].click()
    assert arrows[-1].isVisible()
    for _ in names:
        arrows[1].click()
    assert shown() == [True, False], "that is its end"
    loaded.prompt.show_heard((("vocals", 0.9),), has_mix=False)
    qtbot.waitUntil(lambda: shown() == [False, False], timeout=WAIT_MS)
    assert strip.horizontalScrollBar().value() == 0


@pytest.mark.parametrize("fraction", [None, 0.5], ids=["a drop", "a file that opens"])
def test_words_over_the_window_stay_in_their_place_when_its_size_changes(loaded, fraction):
    stage, note = loaded.stage, loaded.overlay
    note.say("song.wav", "", fraction)
    loaded.resize(loaded.width() + 120, loaded.height() + 90)
    QApplication.processEvents()
    assert (note.geometry().center() - stage.rect().center()).manhattanLength() <= 2
    assert (note.width() > stage.width() - 60) == (fraction is None)


def test_the_grip_of_the_first_lane_says_what_it_is_for_until_something_was_dragged(loaded, qtbot, make_wav):
    loaded.workspace.add_file(make_wav("drums.wav"))
    loaded.workspace.add_file(make_wav("violins.wav"))
    qtbot.waitUntil(lambda: len(loaded.workspace.document.project.lanes) == 2, timeout=WAIT_MS)
    first, second = (loaded.timeline.lanes[lane.id].wave for lane in loaded.workspace.document.project.lanes)
    assert "dots" in first._hint
    assert not second._hint
    with_words = first.grab().toImage()
    loaded.workspace.settings.set("seen_drag", True)
    assert not first._hint
    assert first.grab().toImage() != with_words


def test_the_settings_say_which_bundle_is_in_use_and_offer_the_others(loaded, qtbot):
    dialog = SettingsDialog(loaded.workspace, loaded, 2)
    qtbot.addWidget(dialog)
    rows = loaded.workspace.bundles.rows
    used = loaded.workspace.settings.get("bundle")
    assert rows[dialog.list.currentRow()].place == used
    assert [dialog.list.item(at).text().endswith("in use") for at in range(len(rows))] == [
        row.place == used for row in rows
    ]
    assert not dialog.use.isEnabled()


@pytest.mark.skipif(sys.platform == "win32", reason="there is no such limit")
def test_a_session_may_hold_thousands_of_sounds_open(qapp):
    import resource

    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(before[0], 256), before[1]))
        allow_files()
        assert resource.getrlimit(resource.RLIMIT_NOFILE)[0] >= min(before[1], 8192)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)


def test_many_lanes_that_come_at_once_are_all_shown_though_in_several_turns(loaded, qtbot):
    document = loaded.workspace.document
    audio = document.project.source
    take = LaneTake(audio=audio, made=TakeOrigin(task="import"))
    document.add_lanes("add lanes", [Lane(name=f"part {number}", takes=(take,)) for number in range(12)])
    lanes = document.project.lanes
    qtbot.waitUntil(lambda: list(loaded.timeline.lanes) == [lane.id for lane in lanes], timeout=WAIT_MS)
    names = [view.header.name.text() for view in loaded.timeline.area.views]
    assert names == [lane.name for lane in lanes]
    document.undo.undo()
    assert loaded.timeline.area.views == []


def test_a_narrow_window_leaves_the_room_of_the_bundles_name_to_the_job(loaded):
    shown = []
    for width in (1200, 820, 1200):
        loaded.resize(width, 700)
        QApplication.processEvents()
        shown.append(loaded.status.bundle.isVisible())
    assert shown == [True, False, True]
