"""Takes are compared without their names, equally loud, and nothing changes until one is chosen."""

import random

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel

from desktop.models.project import LaneTake, TakeOrigin
from desktop.views.dialogs.blind_dialog import BlindDialog

WAIT_MS = 120_000
LEVELS = (0.1, 0.2, 0.05)


@pytest.fixture
def taken(loaded, qtbot, make_wav, device):
    """The window with a lane of three takes, and a device that is read by the tests."""
    workspace = loaded.workspace
    workspace.transport.player.library = lambda: device
    refs = [workspace.store.add(make_wav(f"{level}.wav", level=level)) for level in LEVELS]
    workspace.add_file(make_wav("0.1.wav", level=0.1))
    qtbot.waitUntil(lambda: bool(workspace.document.project.lanes), timeout=WAIT_MS)
    lane = workspace.document.project.lanes[0]
    takes = [LaneTake(audio=ref, made=TakeOrigin(task="regenerate")) for ref in refs[1:]]
    workspace.document.add_takes(lane.id, "more", takes)
    workspace.document.set_lane(lane.id, "first", active=0)
    return loaded


def track_of(window):
    lane = window.workspace.document.project.lanes[0]
    tracks = window.workspace.transport.scene(window.workspace.document.project).tracks
    return next(track for track in tracks if track.key.startswith(lane.id))


def test_letters_play_takes_equally_loud_and_none_is_active_before_one_is_chosen(taken, qtbot):
    workspace = taken.workspace
    lane = workspace.document.project.lanes[0]
    dialog = BlindDialog(workspace, lane, taken, random.Random(3))
    qtbot.addWidget(dialog)
    dialog.show()
    with qtbot.waitSignal(dialog.comparison.ready, timeout=WAIT_MS):
        pass
    steps, levels, sounds = workspace.document.history_index, [], []
    for letter in ("A", "B", "C"):
        dialog.letters[letter].click()
        assert workspace.transport.playing
        track = track_of(taken)
        levels.append(track.gain * float(np.std(np.asarray(track.samples_NC))))
        sounds.append(np.asarray(track.samples_NC))
        shown = [label.text() for label in dialog.findChildren(QLabel)] + [
            one.text() for one in dialog.letters.values()
        ]
        assert not any("Take " in words for words in shown), "no name is to be seen"
    assert max(levels) / min(levels) < 1.05
    assert sorted(round(float(np.std(sound)), 2) for sound in sounds) == sorted(LEVELS)
    assert workspace.document.project.lanes[0].active == 0
    assert workspace.document.history_index == steps
    dialog.go.click()
    active = workspace.document.project.lanes[0].active
    np.testing.assert_array_equal(sounds[2], workspace.samples(workspace.document.project.lanes[0].take.audio))
    assert dialog.letters["C"].text() == f"C: Take {active + 1}"
    assert str(active + 1) in dialog.heading.text()
    assert not workspace.transport.on_trial
    assert track_of(taken).gain == 1.0


def test_esc_leaves_all_as_it_was(taken, qtbot):
    lane = taken.workspace.document.project.lanes[0]
    [takes] = [one.menu() for one in taken.lane_actions.menu(lane.id).actions() if one.text() == "Takes"]
    [row] = [one for one in takes.actions() if one.text() == "Compare takes blind …"]
    row.trigger()
    [dialog] = taken.findChildren(BlindDialog)
    qtbot.keyClick(dialog, Qt.Key.Key_B)
    assert taken.workspace.transport.on_trial
    qtbot.keyClick(dialog, Qt.Key.Key_Escape)
    assert not taken.workspace.transport.on_trial
    assert taken.workspace.document.project.lanes[0] == lane
    taken.workspace.transport.stop()


def test_the_order_is_another_one_every_time(taken, qtbot):
    lane = taken.workspace.document.project.lanes[0]
    orders = set()
    for seed in range(12):
        dialog = BlindDialog(taken.workspace, lane, taken, random.Random(seed))
        qtbot.addWidget(dialog)
        orders.add(tuple(dialog.comparison._order.values()))
        dialog.reject()
    assert len(orders) > 3
