"""A DAW asks for a session of the stems it had made, by the ids of its jobs alone."""

from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
import pytest
import rpp
import soundfile

from engine import session_of
from engine.osc import session_handlers
from engine.osc.session_handlers import WAITING_LIMIT


def test_results_become_a_session_beside_them(caller, mix, settings):
    caller.say("/fluxstem/isolate", "one", str(mix), "violin", 0.05, 0.2)
    assert caller.until("/fluxstem/done", "/fluxstem/fail")[0] == "/fluxstem/done"
    caller.say("/fluxstem/session/export", "s", "rpp", "one", "song", 90.0)
    address, id, path, tracks, tempo, notes = caller.until("/fluxstem/session/exported", "/fluxstem/fail")
    assert (address, id, tracks, tempo, notes) == ("/fluxstem/session/exported", "s", 2, 90.0, "")
    assert Path(path) == settings.out.resolve() / "song" / "song.rpp"
    project = rpp.loads(Path(path).read_text(encoding="utf-8"))
    tracks = [one for one in project if isinstance(one, rpp.Element) and one.tag == "TRACK"]
    places = [item.find("POSITION") for track in tracks for item in track if isinstance(item, rpp.Element)]
    assert [round(float(place[1]), 6) for place in places] == [0.05, 0.05]


def test_a_session_can_have_the_tempo_that_is_heard(caller, mix, settings):
    pytest.importorskip("librosa")
    stroke_N = np.random.default_rng(0).standard_normal(2000) * np.exp(-np.arange(2000) / 400)
    sound_N = np.zeros(12 * 22_050)
    for beat in range(22):
        sound_N[round(beat * 22_050 * 60 / 112) :][:2000] += 0.5 * stroke_N
    soundfile.write(mix.with_name("clicks.wav"), sound_N, 22_050)
    caller.say("/fluxstem/isolate", "one", str(mix.with_name("clicks.wav")), "violin", 2.0, 12.0)
    assert caller.until("/fluxstem/done", "/fluxstem/fail")[0] == "/fluxstem/done"
    caller.say("/fluxstem/session/export", "s", "rpp", "one", "song", -1.0)
    reply = caller.until("/fluxstem/session/exported", "/fluxstem/fail")
    assert reply[0] == "/fluxstem/session/exported", reply
    assert reply[4] == pytest.approx(112, abs=0.5)
    [marker] = [one.split() for one in Path(reply[2]).read_text("utf-8").splitlines() if "1|1" in one]
    assert float(marker[2]) >= 2.0, "on the timeline of the mix, where the part begins after two seconds"


def test_what_cannot_become_a_session_is_refused_by_name(caller, mix):
    caller.say("/fluxstem/isolate", "one", str(mix), "violin")
    caller.until("/fluxstem/done")
    for words, code, sentence in (
        (("rpp", "two", "song"), "id", "there is no job two"),
        (("rpp", " ; ", "song"), "id", "at least one finished job"),
        (("rpp", "one", "../song"), "arguments", "not the name of a session"),
        (("als", "one", "song"), "arguments", "format is one of dawproject, rpp, ardour"),
        (("rpp", "one", "song", 5.0), "request", "a tempo of 5 is not allowed"),
    ):
        _, id, told, text = caller.ask("/fluxstem/session/export", "s", *words)
        assert (id, told) == ("s", code)
        assert sentence in text


def test_no_name_of_a_session_leads_out_of_the_folder_of_results(caller, mix, settings):
    caller.say("/fluxstem/isolate", "one", str(mix), "violin")
    caller.until("/fluxstem/done")
    before = set(settings.out.parent.iterdir())
    for name in ("..", ".", "/x", "a/b", "", "a\\..\\b", "a\x1b[2Jb", "x" * 3000):
        caller.say("/fluxstem/session/export", "s", "rpp", "one", name)
        reply = caller.until("/fluxstem/session/exported", "/fluxstem/fail")
        if reply[0] == "/fluxstem/session/exported":  # what is odd in it is none of the folder's name
            assert Path(reply[2]).parents[1] == settings.out.resolve()
            assert Path(reply[2]).name.isprintable()
    assert set(settings.out.parent.iterdir()) == before


def test_only_so_many_sessions_wait_to_be_written_and_each_request_is_answered(caller, mix, monkeypatch):
    caller.say("/fluxstem/isolate", "one", str(mix), "violin")
    caller.until("/fluxstem/done")
    asked, go_on = WAITING_LIMIT + 3, threading.Event()

    def slow(*args, **options):
        go_on.wait(60)
        return session_of(*args, **options)

    monkeypatch.setattr(session_handlers, "session_of", slow)
    for number in range(asked):
        caller.say("/fluxstem/session/export", f"s{number}", "rpp", "one", "song")
    refused = [caller.until("/fluxstem/fail") for _ in range(asked - WAITING_LIMIT)]
    assert {one[2] for one in refused} == {"full"}
    go_on.set()
    for _ in range(WAITING_LIMIT):
        caller.until("/fluxstem/session/exported")
    caller.say("/fluxstem/session/export", "again", "rpp", "one", "song")
    assert caller.until("/fluxstem/session/exported")[1] == "again"
