"""Places in samples, options by name, and the report of ``fluxstem send``."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile
from clihelp import music, read, say

from engine.osc.protocol.arguments import ArgumentError, fit, surplus
from engine.osc.protocol.requests import ROWS
from engine.osc.protocol.specs import at

RATE_HZ = 44_100
HOUR = 3600 * RATE_HZ
ISOLATE = ROWS[at("isolate")]


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
