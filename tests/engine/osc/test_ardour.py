"""The whole way in a real DAW: Ardour 7 exports a region, asks by OSC, and plays what came back in its place."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
from ardoursession import ArdourSession
from clihelp import music
from oschelp import Caller

from engine import read_extras, time_reference
from engine.osc import Bridge

RATE_HZ = 48_000
POSITION = 72_000  # where the clip stands in the session, samples
ROOT = Path(__file__).parents[3]


@pytest.mark.skipif(shutil.which("ardour7-lua") is None, reason="ardour7-lua is not installed")
def test_a_region_of_an_ardour_session_becomes_two_tracks_that_sum_to_it(toy_engine, small_bundle, settings, tmp_path):
    """With the bundle that ships, headless; sum within one step of 24 bits."""
    session = ArdourSession(tmp_path / "in" / "song", RATE_HZ)
    session.create("Clip", "Bass")
    played = tmp_path / "played.wav"
    soundfile.write(played, np.repeat(music(2.0, RATE_HZ), 2, axis=1) * [1.0, 0.5], RATE_HZ, subtype="PCM_24")
    session.place("Clip", played, POSITION)
    frames = soundfile.info(played).frames

    with Bridge(toy_engine, replace(settings, bundle=small_bundle.name)) as bridge:
        watcher = Caller(bridge.state.udp_port)
        watcher.ask("/fluxstem/notify", 1)
        clip = session.folder / "export" / "clip.wav"
        ask = f"""local bridge = ARDOUR.LuaOSC.Address("osc.udp://127.0.0.1:{bridge.state.udp_port}")
            bridge:send("/fluxstem/isolate", "sss", "ardour-1", "{clip}", "bass")"""
        session.export("clip", POSITION, POSITION + frames, then=ask)
        done = watcher.until("/fluxstem/done", "/fluxstem/fail")
        watcher.socket.close()
    assert done[:3] == ("/fluxstem/done", "ardour-1", 2)
    stem, rest = Path(done[3]), Path(done[4])
    assert done[5] == -300.0
    assert (int(done[7]), int(done[8]), done[9]) == (0, frames, RATE_HZ)

    places = [time_reference(read_extras(path).bext) for path in (clip, stem, rest)]
    assert places == [POSITION] * 3, "the time reference says where in the session a file belongs"
    session.place("Bass", stem, places[1])
    session.place("Clip", rest, places[2])
    render = session.render("render", POSITION, POSITION + frames)
    sum_NC, clip_NC = (soundfile.read(path, dtype="int32")[0].astype(np.int64) >> 8 for path in (render, clip))
    assert sum_NC.shape == clip_NC.shape
    assert np.abs(clip_NC).max() > 1000
    assert np.abs(sum_NC - clip_NC).max() <= 1
