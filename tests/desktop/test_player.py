"""Playback through a real PortAudio stream into a file, by ALSA's file plugin: no sound card is needed."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

ROOT = Path(__file__).parents[2]
RATE_HZ = 48_000
ASOUNDRC = """
pcm.!default {{ type plug slave {{ pcm taped format FLOAT_LE channels 2 rate 48000 }} }}
pcm.taped {{ type file slave.pcm null file "{tape}" format raw }}
pcm.null {{ type null }}
ctl.!default {{ type null }}
"""
NO_CARD = """
pcm.!default { type hw card 77 }
ctl.!default { type hw card 77 }
"""
PLAY = """
import sys, threading
import numpy as np
from desktop.audio.mixer import PlaybackScene, Track
from desktop.audio.player import NoOutputDevice, AudioPlayer

ended = threading.Event()
player = AudioPlayer(lambda end: (print(end.message, flush=True), ended.set()))
samples_NC = np.load(sys.argv[1])
player.ring_frames = 1 << 17
player.show(PlaybackScene(tracks=(Track("a", samples_NC),), length=len(samples_NC)), 48000)
try:
    player.play()
except NoOutputDevice as error:
    print(f"no device: {error}")
    raise SystemExit(3)
ended.wait(60)
player.stop()
"""


def play(tmp_path, asoundrc, samples_NC, script=PLAY):
    """Play in a process of its own, for PortAudio looks at the configuration once."""
    (tmp_path / "asoundrc").write_text(asoundrc)
    np.save(tmp_path / "sound.npy", samples_NC)
    environment = {**os.environ, "ALSA_CONFIG_PATH": str(tmp_path / "asoundrc")}
    command = [sys.executable, "-c", script, str(tmp_path / "sound.npy")]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=120)


@pytest.mark.skipif(sys.platform != "linux", reason="ALSA is part of Linux")
def test_what_is_played_is_bit_for_bit_what_is_in_the_lane(tmp_path):
    pytest.importorskip("sounddevice", exc_type=OSError)
    samples_NC = np.random.default_rng(0).uniform(0.01, 0.9, (RATE_HZ, 2)).astype(np.float32)  # no frame is silence
    done = play(tmp_path, ASOUNDRC.format(tape=tmp_path / "tape.raw"), samples_NC)
    assert done.returncode == 0, done.stdout + done.stderr
    taped_NC = np.fromfile(tmp_path / "tape.raw", np.float32).reshape(-1, 2)
    heard_NC = taped_NC[taped_NC.any(axis=1)]  # silence before, after and where the machine was too slow
    np.testing.assert_array_equal(heard_NC, samples_NC)


@pytest.mark.skipif(sys.platform != "linux", reason="ALSA is part of Linux")
def test_without_a_device_the_player_says_so(tmp_path):
    pytest.importorskip("sounddevice", exc_type=OSError)
    done = play(tmp_path, NO_CARD, np.ones((100, 2), np.float32))
    assert done.returncode == 3, done.stdout + done.stderr
    assert "sound cannot be played" in done.stdout


MUTE = """
import sys, threading, time
import numpy as np
from desktop.audio.mixer import PlaybackScene, Track
from desktop.audio.player import AudioPlayer

player = AudioPlayer(lambda end: None)
samples_NC = np.load(sys.argv[1])

def scene(heard):
    return PlaybackScene(tracks=(Track("a", samples_NC, heard=heard),), length=len(samples_NC))

def wait_for(frames):
    while player.position < frames:
        time.sleep(0.001)

player.show(scene(True), 48000)
player.play()
wait_for(20_000)
at = player.position
player.show(scene(False), 48000)
wait_for(at + 20_000)
print(at, *player.change_s)
player.stop()
"""


@pytest.mark.skipif(sys.platform != "linux", reason="ALSA is part of Linux")
def test_a_mute_reaches_the_device_within_30_ms_of_sound_and_without_a_click(tmp_path):
    pytest.importorskip("sounddevice", exc_type=OSError)
    halves_NC = np.full((60 * RATE_HZ, 2), 0.5, np.float32)
    done = play(tmp_path, ASOUNDRC.format(tape=tmp_path / "tape.raw"), halves_NC, MUTE)
    assert done.returncode == 0, done.stdout + done.stderr
    at, ring_s, device_s = (float(word) for word in done.stdout.split())
    taped_N = np.fromfile(tmp_path / "tape.raw", np.float32)[::2]
    heard_N = taped_N[taped_N > 0]  # silence where the machine was slower than the device, which does not wait
    changed = int(np.flatnonzero(heard_N < 0.5)[0])
    assert 0 <= changed - at < 0.030 * RATE_HZ
    assert np.abs(np.diff(heard_N)).max() < 1e-3
    assert 0 < ring_s < 0.015
    assert device_s > 0


BREAKS = """
pcm.!default {{ type plug slave {{ pcm taped format FLOAT_LE channels 2 rate 48000 }} }}
pcm.taped {{ type file slave.pcm null file "{tape}" format raw }}
pcm.headphones {{ type plug slave {{ pcm breaking format FLOAT_LE channels 2 rate 48000 }} }}
pcm.breaking {{ type file slave.pcm null file "|head -c 200000 > /dev/null" format raw }}
pcm.null {{ type null }}
ctl.!default {{ type null }}
"""
PLAY_ON = """
import sys
from pathlib import Path
from PySide6.QtCore import QCoreApplication, QTimer
from desktop.link import EngineLink
from desktop.models.settings import AppSettings
from desktop.models.workspace import Workspace

application = QCoreApplication([])
own = Path(sys.argv[1]).parent
settings = AppSettings(own / "settings.ini")
settings.set("output", "headphones")
settings.set("ring_frames", 131072)
workspace = Workspace(settings, own / "data", own / "cache", EngineLink())
transport, tape, seen = workspace.transport, own / "tape.raw", []

def watch():
    if seen and tape.is_file() and tape.stat().st_size > 3_000_000:
        print("plays", transport.playing, transport.player.device_name, flush=True)
        print("place", seen[0], transport.position, flush=True)
        workspace.close()
        application.quit()

def told(words):
    if "device" in str(words):
        seen.append(transport.position)
        print(words, flush=True)

timer = QTimer()
timer.timeout.connect(watch)
workspace.opened.connect(lambda: (transport.play(), timer.start(20)))
workspace.told.connect(told)
workspace.troubled.connect(lambda words, details: (print("trouble", words, flush=True), application.exit(2)))
workspace.open(own / "sound.wav")
raise SystemExit(application.exec())
"""


@pytest.mark.skipif(sys.platform != "linux", reason="ALSA is part of Linux")
def test_when_a_device_goes_away_another_one_plays_on_from_there(tmp_path):
    pytest.importorskip("sounddevice", exc_type=OSError)
    samples_NC = np.random.default_rng(0).uniform(0.01, 0.9, (30 * RATE_HZ, 2)).astype(np.float32)
    soundfile.write(tmp_path / "sound.wav", samples_NC, RATE_HZ, subtype="FLOAT")
    done = play(tmp_path, BREAKS.format(tape=tmp_path / "tape.raw"), samples_NC[:1], PLAY_ON)
    assert done.returncode == 0, done.stdout + done.stderr
    words, plays, place = done.stdout.splitlines()[-3:]
    assert words.startswith("the audio device is gone; playback continues on")
    assert plays.startswith("plays True")
    assert "headphones" not in plays
    first, later = (int(number) for number in place.split()[1:])
    assert 20_000 < first < later
    taped_NC = np.fromfile(tmp_path / "tape.raw", np.float32)
    taped_NC = taped_NC[: len(taped_NC) // 2 * 2].reshape(-1, 2)
    heard_NC = taped_NC[taped_NC.any(axis=1)]
    begin = int(np.flatnonzero((samples_NC == heard_NC[0]).all(axis=1))[0])
    assert begin > 0, "it did not begin again"
    np.testing.assert_array_equal(heard_NC[:20_000], samples_NC[begin : begin + 20_000])
