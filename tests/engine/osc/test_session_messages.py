"""A DAW asks for a session of the stems it had made, by the ids of its jobs alone."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import rpp
import soundfile


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
    caller.say("/fluxstem/isolate", "one", str(mix.with_name("clicks.wav")), "violin")
    assert caller.until("/fluxstem/done", "/fluxstem/fail")[0] == "/fluxstem/done"
    caller.say("/fluxstem/session/export", "s", "rpp", "one", "song", -1.0)
    reply = caller.until("/fluxstem/session/exported", "/fluxstem/fail")
    assert reply[0] == "/fluxstem/session/exported", reply
    assert reply[4] == pytest.approx(112, abs=0.5)
    assert "1|1" in Path(reply[2]).read_text(encoding="utf-8")


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
