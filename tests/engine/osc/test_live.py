"""The Remote Script for Ableton Live inside a stand-in for Live, with a real bridge and a real engine.

Not run in Live itself: the stand-in follows the published reference of Live's objects, no more.
"""

from __future__ import annotations

import ast
import json
import re
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from clihelp import read, write_music
from livestub import SCRIPTS, StubClip, StubLive, StubMarker, load_script
from oschelp import Caller
from pythonosc.osc_message import OscMessage

from engine import TASKS
from engine.osc import Bridge

RATE_HZ = 16_000
LIMIT_S = 300


@pytest.fixture
def live() -> StubLive:
    return StubLive()


@pytest.fixture
def locked_bridge(toy_engine, settings, monkeypatch) -> Iterator[Bridge]:
    """A bridge as users start it: with its token."""
    monkeypatch.setenv("FLUXSTEM_BRIDGE_HOME", str(settings.home))
    with Bridge(toy_engine, replace(settings, no_token=False)) as bridge:
        yield bridge


@pytest.fixture
def script(live, monkeypatch) -> Iterator[Any]:
    monkeypatch.setenv("FLUXSTEM_LIVE_PORT", "0")
    script = load_script(live, monkeypatch)
    yield script
    script.disconnect()


@pytest.fixture
def orders(script) -> Iterator[Caller]:
    """Whoever sends orders to the script."""
    caller = Caller(script.port)
    yield caller
    caller.socket.close()


@pytest.fixture
def song(tmp_path, settings) -> Path:
    return write_music(tmp_path / "in" / "song.wav", seconds=1.0, rate_hz=RATE_HZ)


def said(live: StubLive, orders: Caller, *states: str) -> tuple[str, str]:
    """Let Live go on until the script says one of these states."""
    orders.socket.settimeout(0.01)
    end_s = time.monotonic() + LIMIT_S
    while time.monotonic() < end_s:
        live.tick()
        try:
            message = OscMessage(orders.socket.recv(65536))
        except TimeoutError:
            continue
        assert message.address == "/fluxstem/live/said"
        state, fraction, text = message.params
        assert 0.0 <= fraction <= 1.0
        orders.heard.append((state, fraction, text))
        if state in states:
            return state, text
    raise AssertionError(f"none of {states}; heard {orders.heard[-5:]}, {live.logged}")


def arranged(live: StubLive, song: Path, **values: Any) -> StubClip:
    """A selected clip on the second track, at beat 17."""
    values = {"loop_start": 0.25, "loop_end": 0.75, "start_time": 17.0, "end_time": 18.0} | values
    clip = StubClip(str(song), canonical_parent=live.song.tracks[1], **values)
    live.song.tracks[1].arrangement_clips.append(clip)
    live.song.view.detail_clip = clip
    return clip


def test_stem_and_rest_of_the_selected_clip_come_onto_new_tracks_at_its_beat(
    live, script, orders, locked_bridge, song, settings
):
    clip = arranged(live, song, pitch_coarse=2, gain=0.7)
    orders.say("/fluxstem/live/run", "isolate", "violin")
    assert said(live, orders, "done", "failed") == ("done", "done: 2 new tracks")
    names = [track.name for track in live.song.tracks]
    assert names[:2] + names[4:] == ["Drums", "Song", "Bass"]
    assert names[2].endswith("violin 0.25-0.75s")
    made = [track.arrangement_clips[0] for track in live.song.tracks[2:4]]
    assert [one.start_time for one in made] == [17.0, 17.0]
    assert not any(one.warping or one.looping for one in made)
    assert [(one.pitch_coarse, one.gain) for one in made] == [(2, 0.7)] * 2
    total = sum(read(one.file_path).astype(np.float64) for one in made)
    assert np.abs(total - read(song)[RATE_HZ // 4 : RATE_HZ * 3 // 4]).max() < 1e-6
    assert clip.muted
    assert not any(track.mute for track in live.song.tracks)
    assert live.song.undo_steps == ["begin", "end"]
    assert any("%" in text for _, _, text in orders.heard), "progress was told"
    assert live.messages[-1] == "Fluxstem: done: 2 new tracks"


def test_a_warped_clip_comes_back_warped_the_same(live, script, orders, locked_bridge, song):
    marks = [StubMarker(0.0, 0.0), StubMarker(0.5, 1.0), StubMarker(1.0, 3.0), StubMarker(1.5, 5.0)]
    arranged(live, song, warping=True, loop_start=0.5, loop_end=2.0, end_time=18.5, warp_markers=marks, warp_mode=4)
    orders.say("/fluxstem/live/run", "isolate", "violin")
    assert said(live, orders, "done", "failed")[0] == "done"
    made = live.song.tracks[2].arrangement_clips[0]
    assert (made.warping, made.warp_mode, made.start_time) == (True, 4, 17.0)
    assert soundfile.info(made.file_path).frames == RATE_HZ // 2
    near = [(round(mark.sample_time, 6), mark.beat_time) for mark in made.warp_markers]
    assert [mark for mark in near if mark[1] in (0.0, 0.5, 1.5)] == [(0.0, 0.0), (0.25, 0.5), (0.5, 1.5)]


def test_a_session_clip_comes_back_in_its_scene_with_its_loop(live, script, orders, locked_bridge, song):
    slot = live.song.tracks[1].clip_slots[2]
    slot.clip = StubClip(
        str(song), 1.0, 2.0, warping=True, looping=True, start_marker=1.5, is_arrangement_clip=False,
        warp_markers=[StubMarker(0.0, 0.0), StubMarker(1.0, 2.0)], canonical_parent=slot,
    )  # fmt: skip
    live.song.view.detail_clip = slot.clip
    orders.say("/fluxstem/live/run", "remove", "violin")
    assert said(live, orders, "done", "failed")[0] == "done"
    new = live.song.tracks[2:4]
    made = new[0].clip_slots[2].clip
    assert (made.looping, made.start_marker) == (True, 0.5)
    assert soundfile.info(made.file_path).frames == RATE_HZ // 2
    assert [track.mute for track in new] == [False, True], "of what is removed only the rest is heard"
    assert "without violin" in new[0].name


CLIP = (RATE_HZ // 4, RATE_HZ * 3 // 4)  # what ``arranged`` plays


@pytest.mark.parametrize(
    ("task", "more", "tracks", "samples"),
    [
        ("regenerate", (), 1, CLIP[1] - CLIP[0]),
        ("replace", ("replacement=muted trumpet seed=3",), 3, CLIP[1] - CLIP[0]),
        ("restyle", ("strength=0.5", "-"), 1, CLIP[1] - CLIP[0]),
        ("inpaint", (), 1, CLIP[1] - CLIP[0]),
        ("extend", ("seconds=0.5",), 1, RATE_HZ * 3 // 2 - CLIP[0]),
        ("generate", ("seconds=0.5",), 1, RATE_HZ // 2),
        ("arrange", ("seconds=0.5",), 3, RATE_HZ // 2),
    ],
)
def test_every_other_task_comes_onto_tracks_too(
    live, script, orders, locked_bridge, song, task, more, tracks, samples
):  # fmt: skip
    """Of a task that hands back the whole file, just what the clip plays is on the track."""
    new = task in ("generate", "arrange")
    live.song.current_song_time, live.song.loop_start, live.song.loop_length = 33.0, 17.25, 0.5
    clip = None if new else arranged(live, song)
    orders.say("/fluxstem/live/run", task, "bass; piano" if task == "arrange" else "piano", *more)
    assert said(live, orders, "done", "failed") == ("done", f"done: {tracks} new tracks")
    made = [track for track in live.song.tracks if track.arrangement_clips and track.arrangement_clips[0] is not clip]
    assert len(made) == tracks
    for track in made:
        [one] = track.arrangement_clips
        assert (one.start_time, one.warping) == (33.0 if new else 17.0, False)
        assert soundfile.info(one.file_path).duration == samples / RATE_HZ
    assert [track.mute for track in made] == [False] + [True] * (tracks - 1)
    if task == "inpaint":  # a quarter of a second is filled, an eighth of one after the clip begins
        was, filled = read(song)[CLIP[0] : CLIP[1]], read(made[0].arrangement_clips[0].file_path)
        assert np.array_equal(filled[: RATE_HZ // 16], was[: RATE_HZ // 16])
        assert not np.array_equal(filled, was)
    if task == "extend":
        kept = read(made[0].arrangement_clips[0].file_path)[: RATE_HZ // 2]
        assert np.array_equal(kept, read(song)[CLIP[0] : CLIP[0] + RATE_HZ // 2])
    if clip is not None:
        assert clip.muted == (task != "regenerate")


def test_a_part_is_cut_out_of_a_wav_to_the_sample(script, tmp_path):
    cut = sys.modules["fluxstem.cut"].cut
    for subtype, channels in (("PCM_16", 1), ("PCM_24", 1), ("FLOAT", 2)):
        path = tmp_path / f"{subtype}.wav"
        soundfile.write(path, np.linspace(-0.5, 0.5, 1000 * channels).reshape(-1, channels), RATE_HZ, subtype=subtype)
        whole, _ = soundfile.read(path, always_2d=True)
        for first, last, kept in ((0, None, whole), (7, 20, whole[7:20]), (990, None, whole[990:])):
            found, rate_hz = soundfile.read(cut(str(path), first, last), always_2d=True)
            np.testing.assert_array_equal(found, kept)
            assert rate_hz == RATE_HZ
    (tmp_path / "x.wav").write_bytes(b"RIFF....AIFFxxxx")
    with pytest.raises(ValueError, match="no WAV"):
        cut(str(tmp_path / "x.wav"), 1, 2)


def test_a_job_is_cancelled_and_another_one_is_taken(live, script, orders, locked_bridge, settings, song):
    write_music(song.with_name("long.wav"), seconds=20.0)
    arranged(live, song.with_name("long.wav"), loop_start=0.0, loop_end=20.0)
    orders.say("/fluxstem/live/run", "isolate", "violin", "render=flow", "steps=1000")
    said(live, orders, "running")
    orders.say("/fluxstem/live/run", "isolate", "bass")
    while "one clip after the other" not in said(live, orders, "running", "failed")[1]:
        pass
    orders.say("/fluxstem/live/cancel")
    assert said(live, orders, "cancelled", "done", "failed") == ("cancelled", "cancelled")
    assert len(live.song.tracks) == 3
    arranged(live, song)
    orders.say("/fluxstem/live/run", "isolate", "violin")
    assert said(live, orders, "done", "failed")[0] == "done"


REFUSED: dict[str, tuple[Callable[[StubLive, Path], Any], tuple[str, ...], str]] = {
    "nothing": (lambda live, song: None, ("isolate", "bass"), "select a clip first"),
    "MIDI": (lambda live, song: arranged(live, song, is_audio_clip=False), ("isolate", "bass"), "MIDI clip"),
    "no file": (lambda live, song: setattr(arranged(live, song), "file_path", ""), ("isolate", "bass"), "no file"),
    "a loop that repeats": (
        lambda live, song: arranged(live, song, looping=True, end_time=30.0), ("isolate", "bass"), "repeats its loop",
    ),
    "too early": (lambda live, song: arranged(live, song, loop_start=-1.0), ("isolate", "bass"), "before its file"),
    "warp unread": (lambda live, song: arranged(live, song, warping=True), ("isolate", "bass"), "warp of this clip"),
    "no task": (arranged, ("polish", "bass"), "there is no task polish"),
    "nothing to fill": (arranged, ("inpaint", "bass"), "loop brace"),
    "no file for a replacement": (lambda live, song: None, ("replace", "bass"), "select a clip first"),
    "no prompt": (arranged, ("isolate",), "say a task and a prompt"),
    "no option": (arranged, ("isolate", "bass", "loud"), "no NAME=VALUE"),
    "an old Live": (arranged, ("isolate", "bass"), "Live 11.3.0, and putting clips onto tracks needs Live 12.0.5"),
}  # fmt: skip


def test_what_cannot_be_done_is_said_and_nothing_is_sent(live, script, orders, song):
    for name, (prepare, words, sentence) in REFUSED.items():
        live.song.view.detail_clip = None
        live.version = (11, 3, 0) if name == "an old Live" else (12, 0, 5)
        prepare(live, song)
        orders.say("/fluxstem/live/run", *words)
        assert sentence in said(live, orders, "failed")[1], name
    orders.say("/fluxstem/live/dance")
    assert "no order" in said(live, orders, "failed")[1]
    orders.throw(b"no OSC")
    said(live, orders, "failed")
    orders.say("/fluxstem/live/cancel")
    assert "nothing to cancel" in said(live, orders, "failed")[1]
    assert len(live.song.tracks) == 3
    assert live.logged == []


def test_what_the_bridge_refuses_reaches_the_status_bar(live, script, orders, locked_bridge, song, tmp_path):
    arranged(live, write_music(tmp_path / "elsewhere.wav"))
    orders.say("/fluxstem/live/run", "isolate", "violin")
    assert "this path cannot be used" in said(live, orders, "done", "failed")[1]
    arranged(live, song)
    orders.say("/fluxstem/live/run", "isolate", "violin", "volume=1")
    assert said(live, orders, "done", "failed")[1] == "isolate takes no volume"
    assert live.messages[-1] == "Fluxstem: isolate takes no volume"


def test_without_a_bridge_live_goes_on_and_it_is_said_in_the_end(live, script, orders, monkeypatch, tmp_path):
    """Nothing waits: with a made-up clock the whole silence passes in no time."""
    monkeypatch.setenv("FLUXSTEM_BRIDGE_HOME", str(tmp_path))
    (tmp_path / "state.json").write_text('{"udp_port": 9}')
    Job = sys.modules["fluxstem.bridge"].Job
    now_s, told = [0.0], list[str]()
    job = Job("isolate", {}, lambda: now_s[0], None, None, told.append)
    assert not job._socket.getblocking()
    assert not script._socket.getblocking()
    while not told:
        now_s[0] += 0.1
        job.poll()
    assert told == ["no Fluxstem bridge answers; start one with: fluxstem bridge"]
    assert 20.0 < now_s[0] < 20.5


def test_the_token_is_never_given_to_a_program_in_between(live, script, locked_bridge, monkeypatch, tmp_path, settings):
    """A nonce names its bridge's port; one that comes from another port is not answered."""
    import socket

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as thief:
        thief.bind(("127.0.0.1", 0))
        home = tmp_path / "copied"
        home.mkdir()
        (home / "token").write_bytes((settings.home / "token").read_bytes())
        (home / "state.json").write_text(f'{{"udp_port": {thief.getsockname()[1]}}}')
        monkeypatch.setenv("FLUXSTEM_BRIDGE_HOME", str(home))
        caller = Caller(locked_bridge.state.udp_port)
        nonce = caller.ask("/fluxstem/hello")[1]
        caller.socket.close()
        told: list[str] = []
        job = sys.modules["fluxstem.bridge"].Job("isolate", {}, time.monotonic, None, None, told.append)
        job.poll()
        _, victim = thief.recvfrom(65536)
        thief.sendto(sys.modules["fluxstem.osc"].encode("/fluxstem/challenge", nonce), victim)
        while not told:
            job.poll()
        assert told == ["what answers there is not your Fluxstem bridge"]
        thief.setblocking(False)
        assert b"auth" not in thief.recv(65536)


MESSAGES = [("/a",), ("/fluxstem/isolate", "id", "ä" * 3, 5, -1, 0.5, None), ("/abc", ""), ("/abcd", "abc", "abcd")]


@pytest.mark.parametrize("message", MESSAGES, ids=str)
def test_its_own_osc_is_what_others_read_and_write(script, message):
    osc = sys.modules["fluxstem.osc"]
    packet = osc.encode(*message)
    there = OscMessage(packet)
    assert (there.address, *there.params) == message
    assert osc.decode(packet) == (message[0], list(message[1:]))
    for end in range(len(packet)):
        try:
            osc.decode(packet[:end])
        except ValueError:
            continue


def test_it_needs_nothing_that_live_cannot_have():
    own = {"Live", "ableton"} | set(sys.stdlib_module_names)
    for path in (SCRIPTS / "fluxstem").glob("*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"), feature_version=(3, 11))
        for node in ast.walk(tree):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) and not node.level else []
            assert {name.split(".")[0] for name in names} <= own, path.name


def test_answers_go_where_max_listens(script, live, orders):
    ear = Caller(script.port)
    orders.say("/fluxstem/live/answer", ear.port)
    live.tick()
    assert ear.next() == ("/fluxstem/live/said", "idle", 0.0, "ready")
    ear.socket.close()
    orders.say("/fluxstem/live/answer", 0)
    assert said(live, orders, "idle") == ("idle", "ready")
    orders.say("/fluxstem/live/answer", "there")
    assert "number of a port" in said(live, orders, "failed")[1]


def test_the_patch_connects_what_is_there_and_gives_orders_that_the_script_knows():
    """Read, not run: there was no Max."""
    patch = json.loads((SCRIPTS / "fluxstem-live.maxpat").read_text(encoding="utf-8"))["patcher"]
    boxes = {one["box"]["id"]: one["box"] for one in patch["boxes"]}
    for one in patch["lines"]:
        (source, outlet), (target, inlet) = one["patchline"]["source"], one["patchline"]["destination"]
        assert outlet < boxes[source]["numoutlets"]
        assert inlet < boxes[target]["numinlets"]
    source = (SCRIPTS / "fluxstem" / "script.py").read_text(encoding="utf-8")
    orders = set(re.findall(r"/fluxstem/live/(\w+)", " ".join(box.get("text", "") for box in boxes.values())))
    assert orders == {"run", "cancel", "answer", "said"}
    assert all(f'"{order}"' in source for order in orders)
    tasks = [word for word in boxes["task"]["items"] if word != ","]
    assert set(tasks) == set(TASKS)
    assert all(f'    "{task}": (' in source for task in tasks)
    assert "udpsend 127.0.0.1 11102" in {box.get("text") for box in boxes.values()}
    assert "PORT = 11102" in source
