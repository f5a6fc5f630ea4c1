"""Places in samples, options by name, and the report of ``fluxstem send``."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile
from clihelp import music, read, say
from oschelp import packed

from engine import OPTIONS, TASKS, RequestError
from engine.media.reference import MediaExample
from engine.osc.journal import JournalEntry
from engine.osc.protocol.arguments import ArgumentError, fit, surplus
from engine.osc.protocol.requests import ROWS
from engine.osc.protocol.specs import at
from engine.osc.protocol.task_arguments import INPUT_ARGUMENTS
from engine.osc.request_builder import build_request
from engine.osc.transport.packets import read_packet

RATE_HZ = 44_100
HOUR = 3600 * RATE_HZ
ISOLATE = ROWS[at("isolate")]
PLACES = [(row.address, arg.name) for row in ROWS.values() for arg in row.args if arg.kind == "place"]
SAID = [  # OSC type, value, and the place it means: in samples, or in seconds
    ("h", 480_001, "480001smp"),
    ("h", 2**40 + 1, "1099511627777smp"),
    ("s", "480001smp", "480001smp"),
    ("i", 8, 8.0),
    ("f", 8.5, 8.5),
    ("d", 8.0625, 8.0625),
    ("s", "8.5", 8.5),
    ("s", "1:08.5", 68.5),
    ("h", 0, "0smp"),
]


@pytest.fixture
def clip(tmp_path, settings) -> Path:
    path = tmp_path / "in" / "clip.wav"
    soundfile.write(path, music(0.25, RATE_HZ), RATE_HZ, subtype="FLOAT")
    return path


@pytest.mark.parametrize(
    "words", [("1001smp", "3002smp"), ("end=3002smp", "start=1001smp"), ("regions=1001smp-3002smp",)]
)
def test_a_place_in_samples_is_that_very_sample(caller, clip, words):
    caller.say("/fluxstem/isolate", "p", str(clip), "bass", *words)
    done = caller.until("/fluxstem/done", "/fluxstem/fail")
    assert (done[0], done[7], done[8]) == ("/fluxstem/done", "1001", "2001"), done
    np.testing.assert_array_equal(read(done[3]) + read(done[4]), read(clip)[1001:3002])


@pytest.mark.parametrize(("address", "name"), PLACES)
def test_every_place_of_the_table_can_be_said_in_samples_or_seconds(address, name):
    row = ROWS[address]
    before = [arg.default if arg.default is not None else "x" for arg in row.args[: row.args.index(_arg(row, name))]]
    kinds = "".join({str: "s", int: "i", float: "f"}[type(value)] for value in before)
    for kind, value, meant in SAID:
        [message] = read_packet(packed(address, *before, value, types=kinds + kind))
        assert fit(row, message.args).by_name[name] == meant, (kind, value)
    [message] = read_packet(packed(address, *before, -1, types=kinds + "h"))
    with pytest.raises(ArgumentError, match=f"for {name}"):
        fit(row, message.args)


def _arg(row, name):
    return next(arg for arg in row.args if arg.name == name)


def test_every_task_that_works_on_a_part_names_it_by_places():
    placed = {address for address, _ in PLACES}
    assert placed == {at(task) for task in TASKS if "region_s" in fields_of(task)}
    for address in placed:
        assert {arg.name for arg in ROWS[address].args} >= {"start", "end", "regions"}


def fields_of(task):
    return {name for name, option in OPTIONS.items() if option.takes(TASKS[task])}


@pytest.mark.parametrize(
    ("types", "begin", "end"), [("hh", 1001, 3002), ("hs", 1001, "3002smp"), ("sh", "1001smp", 3002)]
)
def test_a_64_bit_int_is_that_very_sample(caller, clip, types, begin, end):
    caller.say("/fluxstem/isolate", "p", str(clip), "bass", begin, end, types="sss" + types)
    done = caller.until("/fluxstem/done", "/fluxstem/fail")
    assert (done[0], done[7], done[8]) == ("/fluxstem/done", "1001", "2001"), done
    np.testing.assert_array_equal(read(done[3]) + read(done[4]), read(clip)[1001:3002])


def test_the_part_of_an_example_can_be_in_samples(clip):
    def example(part):
        asked = fit(ISOLATE, ("a", str(clip), "", f"audio={clip}{part}")).by_name
        entry = JournalEntry(id="a", number=1, task="isolate", asked={key: asked[key] for key in asked if key != "id"})
        inputs = dict.fromkeys(INPUT_ARGUMENTS) | {"input": str(clip), "audio": str(clip)}
        return MediaExample.of(build_request(entry, inputs, clip.parent, "small").examples[0]).part_s

    assert [round(at_s * RATE_HZ) for at_s in example("#t=4410smp,8821smp")] == [4410, 8821]
    assert example("#t=0.1,0.2") == (0.1, 0.2)
    with pytest.raises(RequestError, match="no place"):
        example("#t=smp4,5")


@pytest.mark.parametrize("sample", [1, HOUR + 1, 10 * HOUR + 12_345, 2**40 + 1])
@pytest.mark.parametrize("rate_hz", [44_100, 48_000, 88_200, 192_000])
def test_no_sample_of_any_length_is_missed_by_the_way_through_seconds(sample, rate_hz):
    assert round(sample / rate_hz * rate_hz) == sample


@pytest.mark.parametrize("place", ["-5smp", "1.5smp", "smp", "9" * 16 + "smp", "5smpx", "٣smp"])
def test_what_is_no_place_is_refused(place):
    with pytest.raises(ArgumentError, match="for start"):
        fit(ISOLATE, ("a", "/x.wav", "bass", place))


def test_samples_of_a_file_whose_rate_is_not_known_are_refused_with_a_sentence(caller, tmp_path, settings):
    odd = tmp_path / "in" / "odd.m4a"
    odd.write_bytes(b"no sound at all")
    caller.say("/fluxstem/isolate", "odd", str(odd), "bass", "start=100smp", "end=200smp")
    fail = caller.until("/fluxstem/fail", "/fluxstem/done")
    assert fail[:3] == ("/fluxstem/fail", "odd", "request")
    assert "in seconds" in fail[3]


def test_options_by_name_stand_behind_those_that_must_be_given():
    values = fit(ISOLATE, ("a", "/x.wav", "seed=7", 1.5, "seed=3", "regions=1-2 3-4")).by_name
    assert (values["prompt"], values["start"], values["seed"], values["regions"]) == ("seed=7", 1.5, 3, "1-2 3-4")
    assert surplus(ISOLATE, ("a", "/x.wav", "bass", "seed=3")) == 0
    with pytest.raises(ArgumentError, match="for seed"):
        fit(ISOLATE, ("a", "/x.wav", "bass", "seed=soon"))
    assert fit(ROWS[at("ping")], ("echo=1",)).by_name["echo"] == "echo=1", "only tasks have options"


def test_send_keeps_a_report_of_its_job(bridge, settings, capsys, clip, tmp_path):
    report = tmp_path / "report"
    words = ["send", "isolate", clip, "bass", "--report", report, "--home", settings.home, "--set", "start=1000smp"]
    said = say(capsys, None, words)
    assert said.code == 0, said.err
    state, stem, rest = report.read_text(encoding="utf-8").splitlines()
    assert state == f"done 1000 {len(read(clip)) - 1000} {RATE_HZ}"
    assert [stem, rest] == said.out.splitlines()[:2]
    assert not list(tmp_path.glob("report.*"))


def test_the_report_of_a_job_that_is_refused_says_why(bridge, settings, capsys, tmp_path):
    report = tmp_path / "report"
    said = say(capsys, None, ["send", "isolate", "/etc/hosts", "bass", "--report", report, "--home", settings.home])
    assert said.code == 2
    state, why = report.read_text(encoding="utf-8").splitlines()
    assert state == "fail"
    assert why.startswith("this path cannot be used")


def test_a_report_that_cannot_be_written_starts_no_job(bridge, settings, capsys, clip, tmp_path):
    nowhere = tmp_path / "nowhere" / "report"
    said = say(capsys, None, ["send", "isolate", clip, "bass", "--report", nowhere, "--home", settings.home])
    assert said.code == 2
    assert "cannot be written" in said.err
    assert bridge.state is not None
