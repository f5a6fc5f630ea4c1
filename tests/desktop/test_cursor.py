"""Where the cursor stands while sound that waits is made anew, and how soon a change is said to be heard."""

import gc
import threading
import weakref

import numpy as np
import pytest

from desktop.audio.mixer import PlaybackMixer, PlaybackScene, Track
from desktop.audio.player import AudioPlayer, fill, renew
from desktop.audio.ring import Ring
from desktop.models.request_builder import draft_request
from desktop.views.dialogs.settings_dialog import SettingsDialog

RATE_HZ = 48_000
WAIT_S = 60.0
WAIT_MS = 120_000


class Watched:
    """Sound that calls ``on_read`` whenever a part of it is taken."""

    shape = (RATE_HZ, 2)

    def __init__(self, on_read):
        self.on_read = on_read

    def __len__(self):
        return RATE_HZ

    def __getitem__(self, part):
        self.on_read()
        return np.ones((part.stop - part.start, 2), np.float32)


def scene(sound, gain=1.0):
    return PlaybackScene(tracks=(Track("a", sound, gain=gain),), length=RATE_HZ)


@pytest.fixture
def player(device):
    made = AudioPlayer(lambda ended: None, library=lambda: device)
    made.ring_frames = 4096
    yield made
    made.stop()


def test_the_cursor_stays_where_the_sound_is_while_a_fader_is_dragged(player, device):
    seen, done = [], threading.Event()

    def look():
        if threading.current_thread().name == "fluxstem-mixer":
            seen.append(player.position)
            done.set()

    player.show(scene(Watched(look)), RATE_HZ)
    player.play()
    device.read(512)
    at = player.position
    assert at == 512
    assert done.wait(WAIT_S), "what was read is filled up again"
    for step in range(1, 5):
        done.clear()
        player.show(scene(Watched(look), gain=1 - step / 10), RATE_HZ)
        assert done.wait(WAIT_S), "what waits is made anew"
    assert set(seen) == {at}


def test_a_pause_keeps_the_place_that_is_heard(player, device):
    begun = threading.Event()

    def hold_on():
        if threading.current_thread().name == "fluxstem-mixer":
            begun.set()
            player._leave.wait(WAIT_S)  # until the pause has begun

    player.show(scene(np.ones((RATE_HZ, 2), np.float32)), RATE_HZ)
    player.play()
    device.read(96)  # less than a portion: nothing is filled up
    player.show(scene(Watched(hold_on), gain=0.5), RATE_HZ)
    assert begun.wait(WAIT_S)
    player.stop()
    assert player.position == 96


def test_lanes_that_are_gone_are_let_go_when_playing_stops(player, device):
    sound_NC = np.ones((RATE_HZ, 2), np.float32)
    gone = weakref.ref(sound_NC)
    player.show(scene(sound_NC), RATE_HZ)
    player.play()
    player.stop()
    player.show(PlaybackScene(), RATE_HZ)
    del sound_NC
    gc.collect()
    assert gone() is None


def test_a_change_does_not_click_when_the_device_hurries_while_the_sound_is_made_anew():
    mixer, ring, heard = PlaybackMixer(RATE_HZ), Ring(4096, 2), []
    hurries = []

    def read(frames):
        block_NC = np.zeros((frames, 2), np.float32)
        assert ring.read_into(block_NC) == frames
        heard.append(block_NC)

    def hurry():
        if hurries:
            read(hurries.pop())

    mixer.scene = scene(Watched(hurry))
    mixer.jump(0)
    fill(ring, mixer)
    read(256)
    fill(ring, mixer)
    for gain, frames in ((0.0, [700]), (1.0, [256, 512, 900]), (0.5, [3500])):
        hurries.extend(frames)
        mixer.scene = scene(Watched(hurry), gain)
        renew(ring, mixer)
        assert not hurries
        for _ in range(16):
            fill(ring, mixer)
            read(256)
    sound_N = np.concatenate(heard)[:, 0]
    assert np.abs(np.diff(sound_N)).max() < 1e-3
    assert sound_N.min() == 0.0
    assert sound_N[-1] == 0.5


def test_settings_and_the_doctor_open_after_all_sound_was_taken_back(window, device, qtbot):
    workspace = window.workspace
    workspace.transport.player.library = lambda: device
    form = draft_request(
        task="generate", text="violin", seconds=0.5, bundle=workspace.settings.get("bundle"), device="cpu"
    )
    workspace.jobs.ask(form)
    qtbot.waitUntil(lambda: workspace.jobs.queue.unfinished == 0, timeout=WAIT_MS)
    workspace.transport.play()
    device.read(64)
    workspace.transport.stop()
    before = workspace.transport.player.change_s
    workspace.document.undo.undo()
    assert workspace.document.project.rate_hz == 0
    dialog = SettingsDialog(workspace, window, 1)
    qtbot.addWidget(dialog)
    assert "A change is heard" in dialog._delay_words()
    assert workspace.transport.player.change_s == before
    assert "in the buffer" in str(window.workspace.diagnostics.sound_lines()[0])
