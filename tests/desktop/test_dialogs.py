"""The window's own sheets, the export dialog, the doctor's page, the bridge's folders, recent files and drops."""

import zipfile
from dataclasses import replace

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel, QPushButton
from shiboken6 import delete

from desktop.message import Message
from desktop.models.diagnostics import check_rows
from desktop.models.job_list import JobRow, JobState
from desktop.models.markers import Marker
from desktop.views.dialogs.export_dialog import ExportDialog
from desktop.views.dialogs.settings_dialog import SettingsDialog
from desktop.views.dialogs.sheet import Sheet
from desktop.views.main_window import MainWindow
from desktop.views.sentences import sentence
from engine import SESSION_FORMATS, AudioError, TimeMap

WAIT_MS = 120_000
FINDINGS = {
    "devices": [{"asked": "cpu", "got": "CPUExecutionProvider", "ok": True, "why": None}],
    "bundles": [{"name": "small", "version": "1.4.0", "ok": True, "why": None}],
    "audio": {"ok": False, "why": "not looked at", "devices": []},
    "folders": {name: {"path": "/tmp", "ok": True, "why": None, "free_bytes": 3 << 30} for name in ("temp", "cache")},
}


def test_a_sheet_answers_with_its_buttons_and_esc_is_the_last(qtbot):
    buttons = (("save", "Save"), ("discard", "Discard"), ("cancel", "Cancel"))
    sheet = Sheet(None, "Save “song” first?", "It has changed.", buttons)
    qtbot.addWidget(sheet)
    sheet.show()
    assert sheet.buttons["save"].isDefault()
    qtbot.keyClick(sheet, Qt.Key.Key_Escape)
    assert sheet.answer == "cancel"
    sheet.buttons["discard"].click()
    assert sheet.answer == "discard"


def test_leaving_with_work_in_progress_asks_and_names_it(loaded, monkeypatch):
    asked = []
    monkeypatch.setattr("desktop.views.questions.choose", lambda *args: asked.append(args) or "stay")
    loaded.workspace.jobs.queue.add(JobRow(title="isolate drums", state=JobState.RUNNING))
    assert not loaded._may_leave()
    [(_, title, _, _, details)] = asked
    assert title == "Stop the work in progress?"
    assert "Isolate: drums" in details
    loaded.workspace.jobs.queue.update(loaded.workspace.jobs.queue.rows[0].id, state=JobState.DONE)
    assert loaded._may_leave()


def test_the_running_job_is_seen_while_the_list_is_closed(loaded):
    jobs = loaded.workspace.jobs.queue
    assert not loaded.queue.isVisible()
    jobs.add(JobRow(title="inpaint piano", state=JobState.RUNNING, fraction=0.4, stage="mask"))
    jobs.add(JobRow(title="isolate drums"))
    assert loaded.jobs.bar.isVisible()
    assert loaded.jobs.bar.value() == 400
    assert loaded.jobs.words.text().startswith("Fill the gap: piano")
    assert loaded.jobs.words.text().endswith("+1")
    loaded.actions_by_name["queue"].trigger()
    assert loaded.queue.isVisible()
    loaded.escape()
    assert not loaded.queue.isVisible()
    for row in jobs.rows:
        jobs.update(row.id, state=JobState.DONE)
    assert not loaded.jobs.bar.isVisible()


def test_the_doctor_has_a_row_for_each_part_of_the_machine(loaded, qtbot):
    dialog = SettingsDialog(loaded.workspace, loaded)
    qtbot.addWidget(dialog)
    dialog._show_checks(())
    assert dialog.verdict.text() == "Something is missing", "nothing could be examined"
    dialog._show_checks(check_rows(FINDINGS))
    texts = [dialog.checks.itemAtPosition(row, 0).widget().text() for row in range(4)]
    assert texts == ["✓", "×", "✓", "✓"]
    assert dialog.verdict.text() == "Something is missing"
    assert dialog.report.isHidden(), "the log is under Details"
    dialog.fold.click()
    assert not dialog.report.isHidden()


def test_a_disk_that_is_nearly_full_gets_a_cross():
    full = {"temp": FINDINGS["folders"]["temp"] | {"free_bytes": 1 << 30}}
    *_, disk = check_rows(FINDINGS | {"folders": full})
    assert (disk.name, disk.good, str(disk.words)) == ("disk", False, "1 GB free")


def test_a_window_or_dialog_that_is_gone_is_told_nothing(workspace, qtbot, make_wav):
    window, dialog = MainWindow(workspace), SettingsDialog(workspace, None)
    assert workspace.background.busy, "the disk is being measured for the dialog"
    delete(dialog)
    delete(window)
    with qtbot.captureExceptions() as raised:
        with qtbot.waitSignal(workspace.opened, timeout=WAIT_MS):
            workspace.open(make_wav("song.wav"))
        workspace.document.apply(Message("add {name}", name="a"), replace(workspace.document.project, title="a"))
        workspace.document.undo.undo()
        workspace.settings.set("theme", "light")
        qtbot.waitUntil(lambda: not workspace.background.busy, timeout=WAIT_MS)
    assert raised == []


def test_folders_for_clips_of_daws_are_set_in_the_settings(loaded, qtbot, tmp_path):
    dialog = SettingsDialog(loaded.workspace, loaded, 3)
    qtbot.addWidget(dialog)
    dialog.add_bridge_folder(str(tmp_path))
    assert loaded.workspace.settings.get("bridge_folders") == [str(tmp_path)]
    assert dialog.folders.item(0).text() == str(tmp_path)
    [remove] = [button for button in dialog.findChildren(QPushButton) if button.text() == "Remove the folder"]
    remove.click()
    assert loaded.workspace.settings.get("bridge_folders") == []


def test_a_bundle_says_first_what_it_takes(loaded, qtbot):
    dialog = SettingsDialog(loaded.workspace, loaded, 2)
    qtbot.addWidget(dialog)
    assert dialog.card.text().startswith("Prompts: words")


def test_exports_go_beside_the_song_and_then_its_folder_is_opened(loaded, qtbot, make_wav, monkeypatch):
    places = []
    monkeypatch.setattr(
        "desktop.views.dialogs.export_dialog.QDesktopServices.openUrl", lambda url: places.append(url.toLocalFile())
    )
    loaded.workspace.add_file(make_wav("extra.wav"))
    qtbot.waitUntil(lambda: bool(loaded.workspace.document.project.lanes), timeout=WAIT_MS)
    loaded.workspace.document.select((4000, 12_000))
    dialog = ExportDialog(loaded.workspace, loaded.lane_actions.files, "", loaded)
    qtbot.addWidget(dialog)
    folder = make_wav("extra.wav").parent
    assert dialog.folder.text() == str(folder)
    assert dialog.go.isDefault()
    assert "0:01.0" in dialog.facts.text()
    dialog.region_only.setChecked(True)
    assert "0:00.5" in dialog.facts.text()
    with qtbot.waitSignal(dialog.exported, timeout=WAIT_MS) as caught:
        dialog.go.click()
    assert caught.args[0].paths[0].parent == folder
    assert dialog.show_folder.isDefault()
    assert not dialog.go.isDefault()
    dialog.show_folder.click()
    assert places == [str(folder)]


def test_an_export_can_be_a_session_with_the_lanes_own_gains(loaded, qtbot, make_wav, tmp_path):
    loaded.workspace.add_file(make_wav("extra.wav"))
    document = loaded.workspace.document
    qtbot.waitUntil(lambda: bool(document.project.lanes), timeout=WAIT_MS)
    lane = replace(document.project.lanes[-1], gain_db=-6.0, pan=0.5)
    document.apply(Message("gain of {lane}"), document.project.with_lane(lane))
    dialog = ExportDialog(loaded.workspace, loaded.lane_actions.files, lane.id, loaded)
    qtbot.addWidget(dialog)
    dialog.folder.setText(str(tmp_path / "daw"))
    dialog.kind.setCurrentIndex(dialog.kind.findData("rpp"))
    assert dialog.preview.text().endswith(".rpp")
    with qtbot.waitSignal(dialog.exported, timeout=WAIT_MS) as caught:
        dialog.go.click()
    [place] = caught.args[0].paths
    text = place.read_text(encoding="utf-8")
    assert f'NAME "{lane.name}"' in text
    assert "VOLPAN 0.5011872336 0.5 " in text
    assert [path.name for path in (tmp_path / "daw").iterdir()] == [place.parent.name], "no scratch is left"


@pytest.mark.parametrize("format", list(SESSION_FORMATS))
def test_a_session_of_any_format_has_the_tempo_map_the_markers_and_the_key(loaded, qtbot, make_wav, tmp_path, format):
    loaded.workspace.add_file(make_wav("extra.wav"))
    document = loaded.workspace.document
    qtbot.waitUntil(lambda: bool(document.project.lanes), timeout=WAIT_MS)
    drifting = TimeMap(bpm=240.0, beats_s=(0.0, 0.3, 0.5), first_s=0.0, key="D minor")
    markers = (Marker(id="m", at=4000, name="Chorus"),)
    document.apply(Message("tempo"), replace(document.project, time_map=drifting, markers=markers))
    dialog = ExportDialog(loaded.workspace, loaded.lane_actions.files, document.project.lanes[-1].id, loaded)
    qtbot.addWidget(dialog)
    dialog.folder.setText(str(tmp_path / "daw"))
    dialog.kind.setCurrentIndex(dialog.kind.findData(format))
    with qtbot.waitSignal(dialog.exported, timeout=WAIT_MS) as caught:
        dialog.go.click()
    [place] = caught.args[0].paths
    if format == "dawproject":
        with zipfile.ZipFile(place) as archive:
            text = archive.read("project.xml").decode("utf-8")
    else:
        text = place.read_text(encoding="utf-8")
    assert "Chorus" in text
    assert "1|1 D minor" in text, "also where bar 1 is at the very beginning"
    assert "200.0" in text, "the beat of 0.3 s"


def test_recent_files_say_where_they_are(loaded, tmp_path):
    facts = [label.text() for label in loaded.welcome.findChildren(QLabel) if "·" in label.text()]
    assert len(facts) == 1


def test_several_dropped_files_are_asked_about_once(window, qtbot, make_wav, monkeypatch):
    asked = []
    monkeypatch.setattr("desktop.views.questions.choose", lambda *args: asked.append(args) or "project")
    with qtbot.waitSignal(window.workspace.opened, timeout=WAIT_MS):
        window.drops.take([make_wav("mix.wav"), make_wav("extra one.wav"), make_wav("two.wav")], as_lanes=False)
    qtbot.waitUntil(lambda: len(window.workspace.document.project.lanes) == 2, timeout=WAIT_MS)
    assert len(asked) == 1
    assert asked[0][1] == "3 files were dropped"
    monkeypatch.setattr("desktop.views.questions.choose", lambda *args: "discard")


@pytest.mark.parametrize("answer", ["cancel"])
def test_several_dropped_files_can_be_declined(window, make_wav, monkeypatch, answer):
    monkeypatch.setattr("desktop.views.questions.choose", lambda *args: answer)
    window.drops.take([make_wav("mix.wav"), make_wav("two.wav")], as_lanes=False)
    assert window.workspace.document.project.source is None
    monkeypatch.setattr("desktop.views.questions.choose", lambda *args: "discard")


def test_a_lane_alone_lights_a_lamp_that_clears_it(loaded, qtbot, make_wav):
    loaded.workspace.add_file(make_wav("extra.wav"))
    document = loaded.workspace.document
    qtbot.waitUntil(lambda: bool(document.project.lanes), timeout=WAIT_MS)
    document.set_lane(document.project.lanes[0].id, "solo", solo=True)
    assert loaded.top.lamp_solo.isVisible()
    assert "extra" in loaded.top.lamp_solo.toolTip()
    loaded.top.lamp_solo.click()
    assert not document.project.lanes[0].solo
    assert not loaded.top.lamp_solo.isVisible()


def test_nothing_in_the_top_bar_moves_when_the_match_changes(loaded):
    loaded.top.show_match(True, 0.0)
    before = [button.pos() for button in loaded.top.buttons.values()]
    loaded.top.show_match(True, -12.3)
    loaded.top.layout().activate()
    assert [button.pos() for button in loaded.top.buttons.values()] == before


def test_another_song_begins_with_empty_words_and_its_own_jobs(loaded, qtbot, make_wav):
    loaded.prompt.text.setText("drums")
    loaded.workspace.jobs.queue.add(JobRow(title="isolate drums", state=JobState.DONE))
    with qtbot.waitSignal(loaded.workspace.opened, timeout=WAIT_MS):
        loaded.open_path(make_wav("other.wav"))
    assert loaded.prompt.text.text() == ""
    assert loaded.workspace.jobs.queue.rows == ()


def test_the_title_is_the_name_of_the_project_file(loaded, qtbot, make_wav, tmp_path):
    loaded.workspace.add_file(make_wav("extra.wav"))
    qtbot.waitUntil(lambda: bool(loaded.workspace.document.project.lanes), timeout=WAIT_MS)
    with qtbot.waitSignal(loaded.workspace.saved, timeout=WAIT_MS):
        loaded.workspace.save(tmp_path / "mysong.fluxstem")
    assert loaded.windowTitle() == "mysong - Fluxstem"


def test_names_of_files_keep_their_spelling_at_the_head_of_a_sentence():
    error = AudioError("{file} is empty (0 bytes); choose a file with sound in it", file="broken.wav")
    assert sentence(error).startswith("broken.wav is empty")
