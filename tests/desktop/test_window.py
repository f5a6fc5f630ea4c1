"""The real window, offscreen, with the toy bundle and the real engine process."""

from pathlib import Path

import numpy as np
import pytest
import soundfile
from PySide6.QtCore import QEvent, QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDropEvent, QGuiApplication
from PySide6.QtWidgets import QAbstractButton, QComboBox, QLineEdit, QSlider, QSpinBox, QWidget
from toybundle import write_toy_bundle

from desktop.audio.mixer import PlaybackSource
from desktop.models.job_list import JobState
from desktop.views.actions import ROWS
from desktop.views.dialogs.export_dialog import ExportDialog
from desktop.views.dialogs.settings_dialog import SettingsDialog
from desktop.views.theme import DARK, LIGHT
from desktop.views.timeline.drag_out import file_mime
from engine import OPTIONS, TASKS

WAIT_MS = 120_000


def type_and_run(window, qtbot, text):
    """As a user would: into the field, then Return."""
    window.prompt.text.setFocus()
    window.prompt.text.clear()
    qtbot.keyClicks(window.prompt.text, text)
    qtbot.keyClick(window.prompt.text, Qt.Key.Key_Return)
    jobs = window.workspace.jobs.queue
    qtbot.waitUntil(lambda: bool(jobs.rows) and jobs.unfinished == 0, timeout=WAIT_MS)
    return jobs.rows[-1]


def test_an_empty_window_offers_to_open_something(window):
    assert window.stage.currentWidget() is window.welcome
    assert not window.actions_by_name["play"].isEnabled()


def test_from_a_prompt_to_a_lane_and_back(loaded, qtbot):
    row = type_and_run(loaded, qtbot, "violin")
    assert row.state is JobState.DONE, row.message
    assert len(loaded.timeline.lanes) == 2
    assert not loaded.banner.isVisible()
    loaded.actions_by_name["undo"].trigger()
    assert not loaded.timeline.lanes
    loaded.actions_by_name["redo"].trigger()
    assert len(loaded.timeline.lanes) == 2
    assert "CPU" in loaded.status.engine.text()


def test_a_job_can_be_cancelled_from_its_card(loaded, qtbot, make_wav):
    loaded.prompt.text.setText("violin")
    loaded.prompt.go.click()
    loaded.prompt.text.setText("drums")
    loaded.prompt.go.click()
    first, second = loaded.workspace.jobs.queue.rows
    loaded.workspace.settings.set("job_list", True)
    loaded.queue.cards[second.id].stop.click()
    loaded.queue.cards[first.id].stop.click()
    jobs = loaded.workspace.jobs.queue
    qtbot.waitUntil(lambda: jobs.unfinished == 0, timeout=WAIT_MS)
    assert jobs.row(second.id).state is JobState.CANCELLED
    assert not loaded.queue.cards[second.id].retry.isHidden()


def test_what_is_not_heard_is_told_and_replaced_anyway_from_its_card(loaded, qtbot):
    loaded.prompt.set_task("replace")
    loaded.prompt.replacement.setText("bass")
    refused = type_and_run(loaded, qtbot, "kazoo")
    assert refused.state is JobState.FAILED
    assert "kazoo is not heard in" in loaded.banner.words.text()
    assert not loaded.timeline.lanes
    loaded.workspace.settings.set("job_list", True)
    again = loaded.queue.cards[refused.id].retry
    assert again.toolTip() == "Replace it anyway"
    again.click()
    jobs = loaded.workspace.jobs.queue
    qtbot.waitUntil(lambda: jobs.unfinished == 0, timeout=WAIT_MS)
    assert jobs.rows[-1].state is JobState.DONE, jobs.rows[-1].message
    assert loaded.workspace.document.project.lanes[0].name == "bass"


def test_comparing_switches_what_is_heard(loaded, qtbot):
    type_and_run(loaded, qtbot, "violin")
    for listen, button in loaded.top.sides.items():
        button.click()
        assert loaded.workspace.transport.listen is listen
        assert button.isChecked()
    loaded.actions_by_name["original"].trigger()
    assert loaded.top.sides[PlaybackSource.ORIGINAL].isChecked()


def test_solo_mute_gain_and_pan_reach_the_mixer(loaded, qtbot):
    type_and_run(loaded, qtbot, "violin")
    violin, rest = loaded.workspace.document.project.lanes
    header = loaded.timeline.lanes[rest.id].header
    header.solo.click()
    header.gain.set_db(-6.0)
    header.gain.changed.emit(-6.0)
    header.pan.setValue(150)
    tracks = {track.key: track for track in loaded.workspace.transport.scene(loaded.workspace.document.project).tracks}
    assert (tracks[violin.id].heard, tracks[rest.id].heard) == (False, True)
    assert tracks[rest.id].gain == pytest.approx(10 ** (-6 / 20))
    assert tracks[rest.id].pan == 0.5


def test_dragging_over_the_waveform_chooses_a_region(loaded, qtbot):
    loaded.workspace.settings.set("snap", False)
    wave = loaded.timeline.mix.wave
    left, right = QPoint(wave.width() // 4, 20), QPoint(wave.width() // 2, 20)
    qtbot.mousePress(wave, Qt.MouseButton.LeftButton, pos=left)
    qtbot.mouseMove(wave, right)
    qtbot.mouseRelease(wave, Qt.MouseButton.LeftButton, pos=right)
    viewport = loaded.timeline.viewport
    assert loaded.workspace.document.selection == (viewport.sample(left.x()), viewport.sample(right.x()))
    [chip] = loaded.prompt.regions.buttons.values()
    chip.click()
    assert loaded.workspace.document.selection is None


def test_regions_can_be_kept_and_dropped_one_by_one(loaded, qtbot):
    document = loaded.workspace.document
    for region in ((1000, 3000), (2500, 4000), (9000, 12_000)):
        document.select(region)
        loaded.actions_by_name["keep_region"].trigger()
    assert document.regions == ((1000, 4000), (9000, 12_000)), "what overlaps is one"
    document.select((14_000, 15_000))
    assert len(loaded.prompt.regions.buttons) == 3
    loaded.prompt.regions.buttons[(1000, 4000)].click()
    assert document.regions == ((9000, 12_000), (14_000, 15_000))
    loaded.actions_by_name["select_none"].trigger()
    assert document.regions == ()


def drop_on(widget, *paths):
    """Let files fall on a widget."""
    mime = QMimeData()
    mime.setUrls([QUrl.fromLocalFile(str(path)) for path in paths])
    event = QDropEvent(
        QPointF(9, 9), Qt.DropAction.CopyAction, mime, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier,
        QEvent.Type.Drop,
    )  # fmt: skip
    widget.dropEvent(event)


def test_examples_that_are_dropped_on_the_prompt_become_part_of_it(loaded, qtbot, make_wav, tmp_path):
    picture = tmp_path / "stage.png"
    loaded.grab().scaled(8, 8).save(str(picture))
    sound = make_wav("like this.wav")
    drop_on(loaded.prompt, picture, sound)
    assert loaded.prompt.form().examples == (str(picture), str(sound))
    assert not loaded.banner.isVisible()
    assert loaded.workspace.document.project.title == "song", "an example is not opened"
    loaded.prompt.examples.buttons[picture].click()
    assert loaded.prompt.form().examples == (str(sound),)


def test_what_a_bundle_cannot_use_is_refused_with_the_reason(loaded, qtbot, tmp_path):
    words_only = write_toy_bundle(tmp_path / "words-only")
    loaded.workspace.bundles.add_folder(words_only)
    loaded.prompt.set_bundles(loaded.workspace.bundles.choices(), str(words_only))
    assert not loaded.prompt.browse.isEnabled()
    assert "words only" in loaded.prompt.browse.toolTip()
    for name, words in (
        ("a.png", "accepts no images"),
        ("a.wav", "accepts no audio files"),
        ("a.txt", "not an image, video"),
    ):
        (tmp_path / name).write_bytes(b"x")
        drop_on(loaded.prompt, tmp_path / name)
        assert words in loaded.banner.words.text()
    assert loaded.prompt.form().examples == ()


@pytest.mark.parametrize("task", TASKS)
def test_every_task_shows_its_own_controls(loaded, task):
    rule = TASKS[task]
    loaded.prompt.set_task(task)
    loaded.prompt.fold.setChecked(True)
    advanced = loaded.prompt.advanced
    shown = {
        loaded.prompt.strength: rule.strength is not None,
        loaded.prompt.replacement: task == "replace",
        advanced.seconds: rule.makes_s is not None,
        advanced.render_choice: OPTIONS["render"].takes(rule),
        advanced.slot: rule.any_slot,
        advanced.seed: True,
    }
    assert {field: field.isVisible() for field in shown} == shown
    assert loaded.prompt.form().strength is None, "nobody moved it: the bundle decides"


def test_what_is_made_is_chosen_by_key_and_changes_what_is_worked_on(loaded, qtbot):
    prompt = loaded.prompt
    prompt.set_task("isolate")
    loaded.actions_by_name["slot"].trigger()
    assert not prompt.fold.isChecked(), "isolating leaves no choice"
    prompt.set_task("generate")
    loaded.actions_by_name["slot"].trigger()
    assert prompt.advanced.slot.isVisible()
    assert prompt.advanced.slot.hasFocus() or loaded.focusWidget() is prompt.advanced.slot
    qtbot.keyClick(prompt.advanced.slot, Qt.Key.Key_Down)
    assert prompt.form().slot == "mix"
    assert not prompt.advanced.mix_words.isVisible(), "the prompt is about the mix already"
    prompt.set_task("isolate")
    prompt.text.setText("violin")
    loaded.ask(prompt.form())
    assert loaded.workspace.jobs.queue.rows[-1].context[0].request.slot == ""
    qtbot.waitUntil(lambda: loaded.workspace.jobs.queue.unfinished == 0, timeout=WAIT_MS)
    assert loaded.workspace.jobs.queue.rows[-1].state is JobState.DONE, "a task without a choice ignores it"


def test_settings_say_how_soon_solo_and_mute_are_heard(loaded, qtbot, monkeypatch):
    player = loaded.workspace.transport.player
    dialog = SettingsDialog(loaded.workspace, loaded, 1)
    qtbot.addWidget(dialog)
    assert "Play something" in dialog._delay_words()
    player._stream_rate_hz, player._device_s = 48_000, 0.012
    player._ring.largest_read = 256
    assert "about 26 ms: 14 in the buffer, 12 in the device" in dialog._delay_words()
    assert "14 ms in the buffer and 12 ms in the device" in str(loaded.workspace.diagnostics.sound_lines()[0])


def test_a_click_moves_the_cursor(loaded, qtbot):
    wave = loaded.timeline.mix.wave
    qtbot.mouseClick(wave, Qt.MouseButton.LeftButton, pos=QPoint(100, 20))
    assert loaded.workspace.transport.position == loaded.timeline.viewport.sample(100)


def test_zooming_keeps_the_place_under_the_mouse_and_reaches_single_samples(loaded):
    viewport = loaded.timeline.viewport
    for _ in range(40):
        before = viewport.start + 300 * viewport.samples_per_pixel
        viewport.zoom(0.7, 300)
        assert viewport.start + 300 * viewport.samples_per_pixel == pytest.approx(before, abs=1)
        assert not loaded.timeline.mix.wave.grab().isNull()
    assert viewport.samples_per_pixel < 0.1
    viewport.fit()
    assert viewport.start == 0


def test_trouble_is_a_sentence_with_a_fold(loaded, qtbot):
    loaded.prompt.text.setText("")
    loaded.prompt.go.click()
    assert loaded.banner.isVisible()
    assert loaded.banner.words.text().startswith("Say in a few words")
    assert not loaded.banner.details.isVisible()
    loaded.banner.fold.click()
    assert loaded.banner.details.isVisible()


def test_a_lane_is_dragged_out_as_a_real_file(loaded, qtbot):
    type_and_run(loaded, qtbot, "violin")
    lane = loaded.workspace.document.project.lanes[0]
    mime = file_mime([loaded.lane_actions.files.rendering(lane.id)()])
    path = Path(mime.urls()[0].toLocalFile())
    assert path.name == "song - violin.wav"
    out_NC, rate_hz = soundfile.read(path, dtype="float32", always_2d=True)
    np.testing.assert_array_equal(out_NC, loaded.workspace.samples(lane.take.audio))
    assert rate_hz == lane.take.audio.rate_hz


def test_the_handle_starts_the_drag(loaded, qtbot, monkeypatch):
    type_and_run(loaded, qtbot, "violin")
    lane = loaded.workspace.document.project.lanes[0]
    dragged = []
    monkeypatch.setattr("desktop.views.lane_actions.start_drag", lambda source, paths, *rest: dragged.extend(paths))
    grip = loaded.timeline.lanes[lane.id].header.grip
    qtbot.mousePress(grip, Qt.MouseButton.LeftButton, pos=QPoint(2, 2))
    qtbot.mouseMove(grip, QPoint(60, 40))
    assert [path.is_file() for path in dragged] == [True]


def test_the_path_of_a_lane_can_be_copied(loaded, qtbot):
    type_and_run(loaded, qtbot, "violin")
    loaded.actions_by_name["copy_path"].trigger()
    assert Path(QGuiApplication.clipboard().text()).is_file()


def test_a_dropped_file_is_opened(window, qtbot, make_wav):
    with qtbot.waitSignal(window.workspace.opened, timeout=WAIT_MS):
        drop_on(window, make_wav("dropped.flac"))
    assert window.workspace.document.project.title == "dropped"


def test_export_writes_what_its_preview_says_and_shows_the_null(loaded, qtbot, tmp_path):
    type_and_run(loaded, qtbot, "violin")
    dialog = ExportDialog(loaded.workspace, loaded.lane_actions.files, "", loaded)
    qtbot.addWidget(dialog)
    dialog.all.click()
    dialog.kind.setCurrentIndex(dialog.kind.findData("wav32f"))
    dialog.name.set_template("{nr} {track} {stem}")
    dialog.folder.setText(str(tmp_path / "out"))
    names = dialog.preview.text().splitlines()
    assert names == ["01 song violin.wav", "02 song Everything else.wav"]
    with qtbot.waitSignal(dialog.exported, timeout=WAIT_MS) as caught:
        dialog.go.click()
    assert [path.name for path in caught.args[0].paths] == names
    assert caught.args[0].null_db == -300.0
    assert "exactly" in dialog.answer.text()


@pytest.mark.parametrize(("choice", "wanted"), [("mix", ["song mix.wav"]), ("minus", ["song without violin.wav"])])
def test_one_file_of_all_or_of_all_but_some(loaded, qtbot, choice, wanted):
    type_and_run(loaded, qtbot, "violin")
    dialog = ExportDialog(
        loaded.workspace, loaded.lane_actions.files, loaded.workspace.document.project.lanes[0].id, loaded
    )
    qtbot.addWidget(dialog)
    dialog.name.set_template("{track} {stem}")
    dialog.what[choice].click()
    assert dialog.preview.text().splitlines() == wanted
    dialog.name.set_template("{nonsense}")
    assert not dialog.go.isEnabled()
    assert "allowed are" in dialog.preview.text()


def test_settings_change_the_theme_and_show_licences(loaded, qtbot):
    dialog = SettingsDialog(loaded.workspace, loaded)
    qtbot.addWidget(dialog)
    loaded.workspace.settings.set("theme", "light")
    assert loaded.palette_in_use is LIGHT
    loaded.workspace.settings.set("theme", "dark")
    assert loaded.palette_in_use is DARK
    names = [row.words for row in loaded.workspace.bundles.rows]
    dialog.list.setCurrentRow(names.index("toy 0.1"))
    assert "CC0-1.0" in dialog.card.text()
    with qtbot.waitSignal(loaded.workspace.bundles.verified, timeout=WAIT_MS):
        loaded.workspace.bundles.verify(loaded.workspace.settings.get("bundle"))
    assert "matches its hash" in dialog.card.text()


def test_a_folder_that_is_no_bundle_is_refused(loaded, qtbot, tmp_path):
    dialog = SettingsDialog(loaded.workspace, loaded, 2)
    qtbot.addWidget(dialog)
    dialog.add_bundle(tmp_path)
    assert "no bundle at" in dialog.card.text()
    assert loaded.workspace.settings.get("bundle_folders") == []


def test_the_bridge_is_hosted_and_says_where(loaded, qtbot):
    pytest.importorskip("pythonosc")
    loaded.workspace.settings.set("bridge", "local")
    qtbot.waitUntil(lambda: "UDP" in loaded.status.bridge.text() or bool(loaded.workspace.troubles), timeout=WAIT_MS)
    assert loaded.workspace.troubles == []
    assert "127.0.0.1" in loaded.status.bridge.text()
    loaded.workspace.settings.set("bridge", "off")
    assert loaded.status.bridge.text() == "DAW bridge: off"


def test_everything_that_can_be_used_has_a_name_and_can_be_reached_by_keys(loaded, qtbot):
    type_and_run(loaded, qtbot, "violin")
    kinds = (QAbstractButton, QComboBox, QLineEdit, QSlider, QSpinBox)
    nameless, unreachable, unexplained = [], [], []
    for widget in loaded.findChildren(QWidget):
        inside = widget.parent() is not None and isinstance(widget.parent(), (QComboBox, QLineEdit, QSpinBox))
        if not isinstance(widget, kinds) or inside or widget.objectName().startswith("qt_"):
            continue
        if "ScrollBar" in type(widget).__name__:
            continue
        text = widget.text() if isinstance(widget, QAbstractButton) else ""
        if not (widget.accessibleName() or text):
            nameless.append(f"{type(widget).__name__} in {type(widget.parent()).__name__}")
        if loaded.prompt.isAncestorOf(widget):
            if widget.focusPolicy() == Qt.FocusPolicy.NoFocus:
                unreachable.append(widget.accessibleName())
            if not widget.toolTip():
                unexplained.append(widget.accessibleName() or text)
    assert not nameless
    assert not unreachable
    assert not unexplained


def test_no_key_is_given_twice():
    keys = [row.keys for row in ROWS if row.keys]
    assert len(keys) == len(set(keys))


@pytest.mark.parametrize("palette", [DARK, LIGHT], ids=lambda palette: palette.name)
def test_what_is_read_stands_out_from_what_is_behind_it(palette):
    """WCAG 2.2: 4.5 to 1 for text, 3 to 1 for shapes."""
    for surface in (palette.base, palette.panel, palette.raised):
        assert contrast(palette.text, surface) >= 7
        assert contrast(palette.quiet, surface) >= 4.5
        assert contrast(palette.accent, surface) >= 3
    assert contrast(palette.on_accent, palette.accent) >= 4.5
    assert all(contrast(colour, palette.base) >= 3 for colour in palette.lanes)


def contrast(one, two):
    light, dark = sorted((luminance(one), luminance(two)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def luminance(colour):
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
