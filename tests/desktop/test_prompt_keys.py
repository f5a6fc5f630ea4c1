"""The prompt's keys and list: what is typed stays words, Esc closes one thing after the other, Return completes."""

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication

from desktop.app import translate
from desktop.audio.mixer import PlaybackSource
from desktop.models.completion import completions
from desktop.models.job_list import JobState
from engine import TASKS

WAIT_MS = 120_000
KEY = Qt.Key


@pytest.fixture
def prompt(loaded, qtbot):
    """The prompt of a window with a mix and a region, as after Ctrl+L."""
    loaded.activateWindow()
    loaded.workspace.document.select((2000, 9000))
    loaded.actions_by_name["prompt"].trigger()
    qtbot.waitUntil(lambda: loaded.prompt.text.line.hasFocus(), timeout=WAIT_MS)
    return loaded.prompt


def press(qtbot, prompt, *keys):
    for key in keys:
        qtbot.keyClick(prompt.text.line, key)


def names(prompt):
    return [prompt.text.list.item(row).text() for row in range(prompt.text.list.count())]


def test_esc_closes_the_list_then_leaves_the_prompt_then_drops_the_region(loaded, prompt, qtbot):
    document = loaded.workspace.document
    qtbot.keyClicks(prompt.text.line, "bass")
    assert prompt.text.list.isVisible()
    press(qtbot, prompt, KEY.Key_Escape)
    assert not prompt.text.list.isVisible()
    assert document.selection == (2000, 9000)
    assert prompt.text.line.hasFocus()
    press(qtbot, prompt, KEY.Key_Escape)
    assert document.selection == (2000, 9000)
    assert loaded.timeline.hasFocus()
    assert prompt.text.text() == "bass"
    loaded.actions_by_name["select_none"].trigger()
    assert document.selection is None


def test_return_completes_and_a_second_return_runs(loaded, prompt, qtbot):
    qtbot.keyClicks(prompt.text.line, "dru")
    assert names(prompt)[0] == "drums"
    press(qtbot, prompt, KEY.Key_Return)
    assert prompt.text.text() == "drums"
    assert not loaded.workspace.jobs.queue.rows, "completed, not run"
    qtbot.keyClicks(prompt.text.line, ", ba")
    assert prompt.text.tokens == ("drums",)
    press(qtbot, prompt, KEY.Key_Down, KEY.Key_Down, KEY.Key_Return)
    assert prompt.text.text() == "drums, bass guitar", "the third of the list"
    assert not loaded.workspace.jobs.queue.rows
    press(qtbot, prompt, KEY.Key_Return)
    [row] = loaded.workspace.jobs.queue.rows
    assert row.context[0].request.prompts == ("drums", "bass guitar")
    qtbot.waitUntil(lambda: loaded.workspace.jobs.queue.unfinished == 0, timeout=WAIT_MS)
    assert loaded.workspace.jobs.queue.rows[0].state is JobState.DONE


def test_a_finished_name_runs_at_once(loaded, prompt, qtbot):
    qtbot.keyClicks(prompt.text.line, "violin")
    assert prompt.text.list.isVisible()
    press(qtbot, prompt, KEY.Key_Return)
    assert len(loaded.workspace.jobs.queue.rows) == 1
    assert not prompt.text.list.isVisible()


@pytest.mark.parametrize(
    ("typed", "first"),
    [("dru", "drums"), ("ba", "bass"), ("bass", "bass"), ("synth", "synth"), ("guit", "guitar"), ("rhod", "rhodes")],
)
def test_names_come_exact_then_by_their_beginning_then_by_what_they_contain(typed, first):
    found = completions(typed)
    assert found[0] == first
    starts = [name.startswith(typed) for name in found]
    assert starts == sorted(starts, reverse=True)


def test_names_that_the_mix_has_come_first():
    assert completions("ba", heard=("banjo",))[:2] == ["banjo", "bass"]
    assert completions("gei", "de")[0] == "Geige"


def test_german_names_are_completed_in_german(loaded, prompt, qtbot, qapp):
    translate(qapp, "de")
    try:
        qtbot.keyClicks(prompt.text.line, "schla")
        assert names(prompt)[0] == "Schlagzeug"
        press(qtbot, prompt, KEY.Key_Tab)
        assert prompt.text.text() == "Schlagzeug"
        assert completions("flote", "de")[0] == "Flöte"
    finally:
        translate(qapp, "en")


def test_running_closes_the_list_and_the_next_keys_go_to_the_task(loaded, prompt, qtbot):
    qtbot.keyClicks(prompt.text.line, "trumpet")
    assert prompt.text.list.isVisible()
    loaded.actions_by_name["ask"].trigger()
    assert not prompt.text.list.isVisible()
    loaded.actions_by_name["task"].trigger()
    qtbot.keyClicks(QApplication.focusWidget(), "Swap")
    assert prompt.task.currentData() == "replace"
    assert prompt.text.text() == "trumpet"
    assert not any(lane.solo or lane.mute for lane in loaded.workspace.document.project.lanes)


def test_the_ring_of_the_prompt_goes_with_the_focus(loaded, prompt, qtbot):
    qtbot.keyClicks(prompt.text.line, "bass")
    assert prompt.text.property("active")
    loaded.timeline.setFocus()
    assert not prompt.text.list.isVisible()
    assert not prompt.text.property("active")


def test_ctrl_l_replaces_the_old_words(loaded, prompt, qtbot):
    prompt.text.setText("drums, piano")
    loaded.timeline.setFocus()
    loaded.actions_by_name["prompt"].trigger()
    qtbot.keyClicks(prompt.text.line, "xyz")
    assert prompt.text.text() == "xyz"


def test_tokens_are_taken_away_by_click_and_by_backspace(prompt, qtbot):
    prompt.text.setText("drums, bass, ")
    assert prompt.text.tokens == ("drums", "bass")
    prompt.text.buttons[0].click()
    assert prompt.text.text() == "bass"
    press(qtbot, prompt, KEY.Key_Backspace)
    assert prompt.text.text() == ""


def test_up_offers_recent_prompts(loaded, prompt, qtbot):
    qtbot.keyClicks(prompt.text.line, "violin")
    loaded.actions_by_name["ask"].trigger()
    qtbot.waitUntil(lambda: loaded.workspace.jobs.queue.unfinished == 0, timeout=WAIT_MS)
    loaded.actions_by_name["prompt"].trigger()
    prompt.text.clear()
    press(qtbot, prompt, KEY.Key_Up)
    assert names(prompt) == ["violin"]


def test_the_bar_is_as_high_for_every_task(loaded, prompt, qtbot):
    for _ in range(5):
        QApplication.processEvents()
    heights, places = set(), set()
    for task in TASKS:
        prompt.set_task(task)
        QApplication.processEvents()
        heights.add(prompt.height())
        places.add(prompt.text.mapTo(loaded, prompt.text.rect().topLeft()).y())
    assert len(heights) == len(places) == 1


def test_advanced_options_that_are_set_are_seen_while_they_are_folded(prompt):
    prompt.set_task("generate")
    prompt.advanced.candidates.setValue(3)
    assert not prompt.popover.isVisible()
    assert [button.accessibleName() for button in prompt.changes.buttons.values()] == ["Candidates 3"]
    prompt.changes.buttons["candidates"].click()
    assert prompt.form().candidates == 1
    assert not prompt.changes.buttons


def test_advanced_options_open_over_the_window_and_move_nothing(loaded, prompt, qtbot):
    before = loaded.timeline.geometry()
    prompt.fold.setChecked(True)
    QApplication.processEvents()
    assert prompt.popover.isVisible()
    assert loaded.timeline.geometry() == before
    narrowest = min(one.width() for one in prompt.advanced.controls.values() if one.isVisible())
    assert narrowest > 100, "no slivers"
    loaded.actions_by_name["select_none"].trigger()
    assert not prompt.fold.isChecked(), "Esc closes what is open first"
    assert loaded.workspace.document.selection is not None


def test_a_chip_with_a_set_of_stems_runs_it(loaded, qtbot):
    loaded.workspace.document.select(None)
    assert ("stems", "4") in loaded.prompt.offers.buttons
    loaded.prompt.offers.buttons[("stems", "4")].click()
    [row] = loaded.workspace.jobs.queue.rows
    assert row.context[0].request.stems == "4"
    qtbot.waitUntil(lambda: loaded.workspace.jobs.queue.unfinished == 0, timeout=WAIT_MS)


def test_fitting_shows_everything_although_a_region_is_chosen(loaded):
    viewport, document = loaded.timeline.viewport, loaded.workspace.document
    document.select((4000, 6000))
    viewport.zoom(0.1, 10)
    loaded.actions_by_name["fit"].trigger()
    assert viewport.shows_all
    loaded.actions_by_name["fit"].trigger()
    assert not viewport.shows_all, "then the region"
    assert document.selection == (4000, 6000)


def test_space_plays_the_region(loaded, device):
    transport = loaded.workspace.transport
    transport.player.library = lambda: device
    loaded.workspace.document.select((5000, 9000))
    transport.seek(0)
    loaded.actions_by_name["play"].trigger()
    assert 5000 <= transport.position < 9000
    transport.stop()


def test_lanes_that_appear_while_the_mix_plays_do_not_take_its_place(loaded, device, qtbot):
    transport = loaded.workspace.transport
    transport.player.library = lambda: device
    transport.play()
    assert transport.playing
    loaded.prompt.text.setText("violin")
    loaded.actions_by_name["ask"].trigger()
    qtbot.waitUntil(lambda: loaded.workspace.jobs.queue.unfinished == 0, timeout=WAIT_MS)
    assert loaded.workspace.document.project.lanes
    assert transport.listen is PlaybackSource.ORIGINAL
    assert loaded.top.sides[PlaybackSource.ORIGINAL].isChecked()
    transport.stop()


def test_a_region_says_how_long_it_is(loaded, prompt):
    [chip] = prompt.regions.buttons.values()
    assert "(0.4 s)" in chip.text()
    assert prompt.keep.text() == "Add region"
