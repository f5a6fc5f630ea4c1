"""Every step of the history can be read in the user's language and gone back to, from the window's Edit menu."""

import pytest
from PySide6.QtWidgets import QMenu

from desktop.app import translate

WAIT_MS = 120_000


@pytest.fixture
def laned(loaded, qtbot, make_wav):
    """The window with a lane whose gain, mute and name were changed."""
    loaded.workspace.add_file(make_wav("violin.wav"))
    document = loaded.workspace.document
    qtbot.waitUntil(lambda: bool(document.project.lanes), timeout=WAIT_MS)
    header = loaded.timeline.lanes[document.project.lanes[0].id].header
    header.gain.changed.emit(-3.0)
    header.gain.changed.emit(-6.0)
    header.mute.click()
    header.name.renamed.emit("viola")
    return loaded


def history_of(window):
    """Rows of the submenu, as they are when it opens."""
    [menu] = [one for one in window.findChildren(QMenu) if one.title() in ("History", "Verlauf")]
    menu.aboutToShow.emit()
    return menu.actions()


def test_every_step_stands_in_the_history_and_can_be_gone_back_to(laned):
    steps = history_of(laned)
    assert [step.text() for step in steps] == [
        "As it was opened", "Add violin", "Gain of violin", "Mute violin", "Rename violin"
    ]  # fmt: skip
    assert [step.isChecked() for step in steps] == [False] * 4 + [True]
    steps[2].trigger()
    [lane] = laned.workspace.document.project.lanes
    assert (lane.gain_db, lane.mute, lane.name) == (-6.0, False, "violin")
    assert laned.actions_by_name["undo"].text() == "Undo: gain of violin"
    assert laned.actions_by_name["redo"].text() == "Redo: mute violin"
    history_of(laned)[4].trigger()
    assert laned.workspace.document.project.lanes[0].name == "viola"


def test_the_history_is_in_the_language_of_the_window(laned, qapp):
    translate(qapp, "de")
    try:
        assert [step.text() for step in history_of(laned)] == [
            "Wie geöffnet", "Violin hinzufügen", "Pegel von violin", "Violin stumm schalten", "Violin umbenennen"
        ]  # fmt: skip
        laned.actions_by_name["undo"].trigger()
        assert laned.actions_by_name["undo"].text() == "Rückgängig: violin stumm schalten"
    finally:
        translate(qapp, "en")


def test_what_the_stems_leave_has_its_german_name_in_the_history_too(loaded, qtbot, qapp):
    loaded.prompt.text.setText("violin")
    loaded.prompt.go.click()
    qtbot.waitUntil(lambda: loaded.workspace.jobs.queue.unfinished == 0, timeout=WAIT_MS)
    document = loaded.workspace.document
    document.switch(document.project.else_lane.id, "solo")
    translate(qapp, "de")
    try:
        assert [step.text() for step in history_of(loaded)][1:] == ["Herauslösen: violin", "Alles andere solo"]
    finally:
        translate(qapp, "en")
