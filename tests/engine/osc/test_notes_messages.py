"""A program asks the bridge for the notes of a finished job's stem."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from io import BytesIO
from pathlib import Path

import noteline
import pytest
from oschelp import Caller

from engine import NoteEvent, RequestError, StemAnalysis
from engine.osc import BridgeClient, listening_thread
from engine.osc.notes_handlers import NotesHandlers
from engine.osc.router import MessageRouter
from engine.osc.transfer import fetch


def fetched(bridge, id, part):
    """Name and bytes of a part of a job, sent by wire."""
    with BridgeClient(port=bridge.state.tcp_port, tcp=True) as client:
        stream = BytesIO()
        return fetch(client, id, part, stream), stream.getvalue()


def test_the_notes_of_a_stem_come_one_by_one_and_as_a_midi_file_beside_the_results(bridge, caller, settings, mix):
    song = noteline.write_line(mix.with_name("line.wav"))
    caller.say("/fluxstem/isolate", "one", str(song), "violin")
    assert caller.until("/fluxstem/done", "/fluxstem/fail")[0] == "/fluxstem/done"
    caller.say("/fluxstem/notes/hear", "n", "one", "rest", "notes", 1)
    pitches = []
    while (reply := caller.until("/fluxstem/notes/note", "/fluxstem/notes/heard", "/fluxstem/fail"))[0].endswith(
        "note"
    ):
        assert (reply[1], reply[6]) == ("n", "")
        pitches.append(round(reply[4]))
    address, id, path, kind, count, *_ = reply
    assert (address, id, kind, count) == ("/fluxstem/notes/heard", "n", "notes", len(pitches))
    assert Path(path).parent == settings.out.resolve()
    assert Path(path).read_bytes()[:4] == b"MThd"
    assert fetched(bridge, "one", "notes") == (Path(path).name, Path(path).read_bytes())


def test_what_recorded_instruments_play_is_a_part_of_the_job_and_no_path_of_done(bridge, caller, mix):
    line = noteline.write_line(mix.with_name("line.wav"))
    caller.say("/fluxstem/restyle", "one", str(line), "trumpet", "voice=sampled")
    told = caller.until("/fluxstem/note", "/fluxstem/fail")
    while "the notes that are played are in" not in told[-1]:
        told = caller.until("/fluxstem/note", "/fluxstem/fail", "/fluxstem/done")
    done = caller.until("/fluxstem/done")
    assert done[2] == 1, "a program that takes all paths of done for sounds still may"
    stem = Path(done[3])
    assert told[-1].count(f"{stem.stem}.mid") == 1
    assert fetched(bridge, "one", "midi") == (f"{stem.stem}.mid", stem.with_suffix(".mid").read_bytes())
    _, _, code, text = caller.ask("/fluxstem/notes/hear", "n", "one", "midi")
    assert (code, text) == ("arguments", "the job one has no midi; it has stem")


def test_notes_of_what_is_not_there_are_refused_by_name(caller, mix):
    caller.say("/fluxstem/isolate", "one", str(mix), "violin")
    caller.until("/fluxstem/done")
    for words, code, sentence in (
        (("two",), "id", "there is no job two"),
        (("one", "edited"), "arguments", "has no edited"),
        (("one", "stem", "song"), "arguments", "as is one of auto, notes, drums"),
    ):
        _, id, told, text = caller.ask("/fluxstem/notes/hear", "n", *words)
        assert (id, told) == ("n", code)
        assert sentence in text


@pytest.mark.parametrize(
    ("package", "message", "extra"),
    [
        ("mido", ("/fluxstem/notes/file", "n", "{mix}"), "fluxstem[notes]"),
        ("mido", ("/fluxstem/notes/hear", "n", "one"), "fluxstem[notes]"),
        ("librosa", ("/fluxstem/session/export", "n", "rpp", "one", "song", -1.0), "fluxstem[tempo]"),
    ],
)
def test_what_needs_a_package_that_is_not_installed_is_refused_at_once(
    caller, mix, monkeypatch, package, message, extra
):
    caller.say("/fluxstem/isolate", "one", str(mix), "violin")
    caller.until("/fluxstem/done")
    monkeypatch.setitem(sys.modules, package, None)
    monkeypatch.setattr(listening_thread.ListeningThread, "said", lambda self, command: pytest.fail("it listens"))
    address, *values = message
    _, id, code, text = caller.ask(address, *(str(mix) if one == "{mix}" else one for one in values))
    assert (id, code) == ("n", "request")
    assert extra in text


def test_any_file_inside_the_folders_is_heard_and_one_outside_them_is_refused_as_everywhere(
    caller, settings, tmp_path, mix
):
    song = noteline.write_line(mix.with_name("flute.wav"))
    caller.say("/fluxstem/notes/file", "n", str(song), "notes", 1)
    count = 0
    while (reply := caller.until("/fluxstem/notes/note", "/fluxstem/notes/heard", "/fluxstem/fail"))[0].endswith(
        "note"
    ):
        count += 1
    address, id, path, kind, told, *_ = reply
    assert (address, id, kind, told) == ("/fluxstem/notes/heard", "n", "notes", count)
    assert count == len(noteline.LINE)
    assert Path(path) == settings.out.resolve() / "flute.mid"
    outside = noteline.write_line(tmp_path / "outside.wav")
    mix.with_name("link.wav").symlink_to(outside)
    mix.with_name("words.wav").write_text("no sound at all")
    for named, code in (
        (str(outside), "path"), (str(mix.with_name("link.wav")), "path"), ("/etc/hostname", "path"),
        ("clip:none", "clip"), (str(mix.with_name("words.wav")), "audio"),
    ):  # fmt: skip
        _, id, said, text = caller.ask("/fluxstem/notes/file", "m", named)
        assert (id, said) == ("m", code)
        assert str(settings.home) not in text, "where the bridge keeps it is nobody's business"
    for _ in range(500):  # the last answer may come before its copy is deleted
        left = [name for _, _, names in os.walk(settings.home) for name in names if name.endswith(".wav")]
        if not left:  # unlike a glob, a walk does not mind that a folder goes meanwhile
            break
        time.sleep(0.02)
    assert not left, "nothing of it is left"


def test_thousands_of_notes_keep_nobody_waiting(bridge, caller, mix, monkeypatch):
    """The pong of another client is written between them."""
    notes = tuple(NoteEvent(at / 100, at / 100 + 0.01, 60.0) for at in range(5000))
    heard = StemAnalysis(name="x", kind="notes", length_s=200.0, notes=notes)
    monkeypatch.setattr(NotesHandlers, "_hear", lambda self, path, kind: (heard, Path("x.mid")))
    told = []
    tell = MessageRouter.tell

    def noted(router, session, address, args):
        told.append(address)
        tell(router, session, address, args)

    monkeypatch.setattr(MessageRouter, "tell", noted)
    caller.say("/fluxstem/isolate", "one", str(mix), "violin")
    caller.until("/fluxstem/done")
    caller.say("/fluxstem/notes/hear", "n", "one", "stem", "notes", 1)
    caller.until("/fluxstem/notes/note")
    other = Caller(bridge.state.udp_port)
    assert other.ask("/fluxstem/ping", "x")[0] == "/fluxstem/pong"
    other.socket.close()
    while "/fluxstem/notes/heard" not in told:
        time.sleep(0.01)
    assert told.index("/fluxstem/pong") < told.index("/fluxstem/notes/heard")


@pytest.mark.parametrize(
    ("code", "limit_s", "words"),
    [("while True: print('x' * 1000)", 900.0, "more was heard"), ("import time; time.sleep(60)", 0.3, "too long")],
)
def test_a_listener_that_says_too_much_or_nothing_is_given_up(monkeypatch, code, limit_s, words):
    monkeypatch.setattr(listening_thread, "ANSWER_LIMIT_CHARACTERS", 10_000)
    monkeypatch.setattr(listening_thread, "LISTEN_LIMIT_S", limit_s)

    async def listen() -> str:
        thread = listening_thread.ListeningThread()
        try:
            return await thread.submit(lambda: thread.said([sys.executable, "-c", code]))
        finally:
            thread.close()

    with pytest.raises(RequestError, match=words):
        asyncio.run(listen())
