"""One table says what a request can hold: command line, checks, JSON, bundles and the OSC bridge follow its rows."""

from __future__ import annotations

import argparse
import dataclasses
import json
import logging
import re
from dataclasses import dataclass, fields
from typing import Any

import pytest

from engine import OPTIONS, TASKS, Option, Request, RequestError, check_values, request_from_json, request_to_json
from engine.bundle.manifest import SamplerDefaults
from engine.cli.commands import run_task
from engine.cli.parser import parser
from engine.errors import AudioError, EngineError
from engine.events import Done, Failed
from engine.options import option, options_of
from engine.osc.protocol.requests import ROWS
from engine.osc.protocol.task_arguments import NOT_ARGUMENTS, arguments_of
from engine.serialization import error_of, event_from_json, event_to_json, failed_of

NUMBERS = [row for row in OPTIONS.values() if row.kind in ("whole", "number")]
NEEDED = {"input": "mix.wav", "replacement": "trumpet", "regions_s": ((0.5, 1.0),)}
SAMPLES: dict[str, Any] = {  # a value other than the default, by kind
    "flag": True, "words": "violin", "name": "nobody", "file": "a.wav", "folder": "out", "example": "image:a.png",
    "region": (0.5, 1.5),
}  # fmt: skip


def request_for(task: str, /, **more: Any) -> Request:
    """The least that a task can be asked, and more."""
    rule = TASKS[task]
    values: dict[str, Any] = {"task": task, "prompts": ("violin",)}
    values |= {name: value for name, value in NEEDED.items() if OPTIONS[name].needs(rule) or name == "replacement"}
    if not OPTIONS["replacement"].takes(rule):
        del values["replacement"]
    return Request(**values | more)


def sample(row: Option) -> Any:
    if row.choices:
        one = next(choice for choice in reversed(row.choices) if choice != row.default)
    elif row.kind == "whole":
        one = int(row.limits[1])
    else:
        one = row.limits[1] if row.kind == "number" else SAMPLES[row.kind]
    return (one,) if row.many else one


@pytest.fixture(autouse=True)
def wide_terminal(monkeypatch):
    monkeypatch.setenv("COLUMNS", "1000")  # so that no line is broken inside a word


def help_of(task: str) -> str:
    [commands] = [action for action in parser()._actions if isinstance(action, argparse._SubParsersAction)]
    return " ".join(commands.choices[task].format_help().split())


def test_every_field_of_a_request_is_a_row():
    assert [field.name for field in fields(Request) if field.name != "unknown"] == list(OPTIONS)
    for name, row in OPTIONS.items():
        assert row.name == name
        for task in row.tasks:
            assert row.words(TASKS[task]), (name, task)


@pytest.mark.parametrize("task", TASKS)
def test_a_command_has_an_option_for_each_row_it_takes_and_for_no_other(task):
    text, rule = help_of(task), TASKS[task]
    for row in OPTIONS.values():
        for flag in [row.flag.replace("KIND", kind) for kind in ("image", "video", "audio")] if row.flag else []:
            assert bool(re.search(rf"(?<![\w-]){flag}(?![\w-])", text)) == row.takes(rule), row.name
        if row.flag and row.kind != "example" and row.takes(rule):
            assert " ".join(row.help(rule).split()) in text


@pytest.mark.parametrize("row", NUMBERS, ids=lambda row: row.name)
def test_a_number_goes_to_its_limits_and_no_further(row):
    task = row.tasks[0]
    low, high = row.limits
    for good in (low, high):
        check_values(request_for(task, **{row.name: good}))
    for bad in (low - 1, high + 1, float("nan"), "5", True):
        with pytest.raises(RequestError, match=rf"^{row.said} .* is not allowed; give a (whole )?number from"):
            check_values(request_for(task, **{row.name: bad}))


@pytest.mark.parametrize("row", [row for row in OPTIONS.values() if row.choices], ids=lambda row: row.name)
def test_a_choice_is_one_of_its_row(row):
    task = row.tasks[0]
    for bad in ("nonsense", 5):
        with pytest.raises(RequestError, match=rf"unknown {row.said} .*choose one of {row.choices[0]}"):
            check_values(request_for(task, **{row.name: (bad,) if row.many else bad}))


@pytest.mark.parametrize("task", TASKS)
def test_a_task_refuses_what_it_does_not_take(task):
    for row in OPTIONS.values():
        if row.refusal and not row.takes(TASKS[task]):
            with pytest.raises(RequestError, match=f"^{task} (takes no|makes|keeps|puts)"):
                check_values(request_for(task, **{row.name: sample(row)}))


@pytest.mark.parametrize("row", OPTIONS.values(), ids=lambda row: row.name)
def test_json_holds_every_row(row):
    values = {"task": "isolate", "prompts": ("violin",), row.name: sample(row)}
    written = json.loads(json.dumps(request_to_json(Request(**values))))
    assert list(written) == list(OPTIONS)
    assert request_from_json(written) == Request(**values)


@dataclass(frozen=True, slots=True, kw_only=True)
class WarmerRequest(Request):
    """A request with one option more: one field, and nothing else anywhere."""

    warmth: float = option(0.5, "how warm it sounds", low=0.0, high=2.0, metavar="W", takes=lambda rule: rule.masked)


def test_a_new_field_is_a_new_option_everywhere(monkeypatch):
    monkeypatch.setitem(OPTIONS, "warmth", options_of(WarmerRequest)["warmth"])
    assert "--warmth W how warm it sounds; default 0.5" in help_of("isolate")
    assert "--warmth" not in help_of("generate")
    asked = WarmerRequest(task="isolate", prompts=("violin",), input="mix.wav", warmth=1.5)
    check_values(asked)
    assert request_to_json(asked)["warmth"] == 1.5
    with pytest.raises(RequestError, match="warmth 3 is not allowed; give a number from 0 to 2"):
        check_values(dataclasses.replace(asked, warmth=3))
    with pytest.raises(RequestError, match="generate takes no warmth; leave it out, or choose isolate or remove"):
        check_values(WarmerRequest(task="generate", prompts=("violin",), warmth=1.5))


def test_keys_of_another_version_are_kept_and_reported(caplog):
    newer = {"task": "isolate", "prompts": ["violin"], "input": "mix.wav", "warmth": [1, {"a": None}], "colour": "red"}
    with caplog.at_level(logging.INFO):
        request = request_from_json(newer)
    assert "warmth, colour" in caplog.text
    assert request == Request(task="isolate", prompts=("violin",), input="mix.wav")
    written = json.loads(json.dumps(request_to_json(dataclasses.replace(request, seed=3))))
    assert (written["warmth"], written["colour"], written["seed"]) == ([1, {"a": None}], "red", 3)
    assert request_from_json(written).unknown == request.unknown
    check_values(request)


@pytest.mark.parametrize(
    "values",
    [
        {"task": "isolate"},
        {"prompts": ["violin"]},
        {"task": "isolate", "prompts": "violin"},
        {"task": "isolate", "prompts": ["violin"], "region_s": [1]},
        {"task": "isolate", "prompts": ["violin"], "regions_s": [["a", "b"]]},
        {"task": "isolate", "prompts": ["violin"], "bundle": None},
        {"task": "isolate", "prompts": ["violin"], "guide": [1]},
        [],
        None,
    ],
)
def test_what_is_no_request_is_refused_in_one_sentence(values):
    with pytest.raises(RequestError, match=r"^a request (needs|is) "):
        request_from_json(values)


def test_events_of_another_version_are_read():
    done = event_to_json(Done("job", (), 1.0, "cpu", "small")) | {"joules": 7}
    done["results"] = [{
        "prompt": "violin", "stem": "a.wav", "rest": None, "sidecar": "a.json", "null_db": None, "presence": 1.0,
        "gain_db": 0.0, "level_db": None, "colour": "red", "presence_windows": [[0, 1, 0.5]],
    }]  # fmt: skip
    event = event_from_json(json.loads(json.dumps(done)))
    assert isinstance(event, Done)
    assert event.results[0].presence_windows == ((0, 1, 0.5),)


def test_an_error_crosses_the_pipe_with_its_template():
    error = AudioError("there is no file {path}; check the path", path="a {b}.wav")
    assert str(error) == "there is no file a {b}.wav; check the path"
    failed = event_from_json(json.loads(json.dumps(event_to_json(failed_of("job", error)))))
    assert isinstance(failed, Failed)
    again = error_of(failed)
    assert (type(again), str(again)) == (AudioError, str(error))
    assert (again.template, again.values) == (error.template, {"path": "a {b}.wav"})
    assert str(EngineError("a finished {sentence}")) == "a finished {sentence}"


def test_limits_are_the_same_over_osc():
    seen = set()
    for message in ROWS.values():
        if message.task not in TASKS:  # the rendering of files through chains has options of its own
            continue
        for argument, spec in zip(arguments_of(TASKS[message.task]), message.args[1:], strict=True):
            row = OPTIONS[argument.option]
            if row.kind in ("whole", "number"):
                seen.add(row.name)
                assert spec.high == min(row.limits[1], 2**31 - 1), row.name  # an OSC integer has 32 bits
                assert spec.low in (row.limits[0], argument.unset), row.name
    assert seen == {row.name for row in NUMBERS} - set(NOT_ARGUMENTS)


@pytest.mark.parametrize("task", TASKS)
def test_everything_but_what_is_the_bridges_own_business_can_be_said_over_osc(task):
    rule = TASKS[task]
    said = {argument.option for argument in arguments_of(rule)}
    wanted = {row.name for row in OPTIONS.values() if row.takes(rule)} - set(NOT_ARGUMENTS)
    assert wanted - said == set()


def test_a_bundle_can_default_to_what_a_request_can_ask():
    named = {field.name for field in fields(SamplerDefaults)}
    assert named <= set(OPTIONS)


def test_the_command_line_makes_the_request_it_says(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mix.wav").touch()
    words = ["isolate", "mix.wav", "violin", "--region", "1-2", "--guide", "prompt", "--guide", "picture"]
    words += ["--prompt-image", "a.png", "--prompt-text", "bass", "--render", "flow", "--temperature", "0.5"]
    seen: list[Request] = []

    class Listening:
        def submit(self, request: Request) -> str:
            seen.append(request)
            raise RequestError("enough")

        def subscribe(self, on_event: Any) -> Any:
            return lambda: None

    with pytest.raises(RequestError, match="enough"):
        run_task(parser().parse_args(words), Listening())
    assert seen == [
        Request(
            task="isolate", prompts=("violin", "bass"), input="mix.wav", region_s=(1.0, 2.0), render="flow",
            guide=("prompt", "picture"), temperature=0.5, examples=("image:a.png",),
        )
    ]  # fmt: skip
