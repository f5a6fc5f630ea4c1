"""A program asks the bridge for the notes of a finished job's stem."""

from __future__ import annotations

from pathlib import Path

import noteline


def test_the_notes_of_a_stem_come_one_by_one_and_as_a_midi_file_beside_the_results(caller, settings, tmp_path, mix):
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
