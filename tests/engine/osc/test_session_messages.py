"""A DAW asks for a session of the stems it had made, by the ids of its jobs alone."""

from __future__ import annotations

from pathlib import Path

import rpp


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
