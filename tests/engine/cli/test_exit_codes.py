"""What the program ends with, as the manual says it: 0 done, 1 some failed, 2 refused, 3 the device or the engine."""

from __future__ import annotations

import contextlib
import os
import re
import signal
from pathlib import Path

import pytest
from clihelp import say, write_music
from heldhost import host_held_by

from engine import (
    BundleError,
    Cancelled,
    DeviceError,
    Engine,
    EngineError,
    Event,
    ExampleError,
    HostError,
    OutputError,
    Progress,
    RequestError,
)
from engine.cli import batch, commands, parser

COMMANDS_MD = Path(__file__).parents[3] / "resources" / "docs" / "COMMANDS.md"


def test_the_manual_lists_the_codes_that_there_are():
    listed = {int(code) for code in re.findall(r"^\| (\d+) \|", COMMANDS_MD.read_text("utf-8"), re.MULTILINE)}
    codes = {parser.DONE, commands.SOME_FAILED, commands.REFUSED, commands.DEVICE_FAILED, parser.STOPPED}
    assert listed == codes == {batch.DONE, batch.SOME_FAILED, batch.REFUSED, batch.DEVICE, batch.STOPPED}


@pytest.mark.parametrize(
    ("error", "code"),
    [(RequestError, 2), (BundleError, 2), (OutputError, 2), (ExampleError, 2), (DeviceError, 3), (HostError, 3)],
)
def test_every_kind_of_error_has_its_code(error: type[EngineError], code: int):
    assert commands.exit_code(error("no")) == code


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["isolate", "mix.wav", "bass"], 0),
        (["isolate", "mix.wav", "noise.wav", "bass"], 1),
        (["isolate", "noise.wav", "bass"], 2),
        (["isolate", "noise.wav", "noise.wav", "bass"], 2),
        (["isolate", "mix.wav"], 2),
        (["isolate", "mix.wav", "bass", "--steps", "0"], 2),
        (["isolate", "mix.wav", "bass", "--no-such-option"], 2),
        (["isolate", "mix.wav", "bass", "--bundle", "nowhere"], 2),
        (["isolate", "mix.wav", "bass", "--out", "noise.wav"], 2),
        (["isolate", "mix.wav", "bass", "--device", "cuda"], 3),
        (["isolate", "mix.wav", "mix.wav", "bass", "--device", "cuda"], 3),
        (["no-such-command"], 2),
    ],
)
def test_a_command_ends_with_its_code(words, code, engine, toy_bundle, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_music(Path("mix.wav"), seconds=0.3)
    Path("noise.wav").write_bytes(b"no sound at all")
    more = [] if "--bundle" in words or len(words) == 1 else ["--bundle", toy_bundle]
    more += [] if "--out" in words or len(words) == 1 else ["--out", "out"]
    said = say(capsys, engine, [*words, *more])
    assert said.code == code, said.err
    assert bool(said.err) == (code != 0)
    assert "Traceback" not in said.err


def test_an_engine_that_dies_is_code_3(toy_bundle, tmp_path, capsys):
    mix = write_music(tmp_path / "mix.wav", seconds=0.3)
    held = tmp_path / "held"
    with Engine(host_command=host_held_by(held)) as engine:
        argv = ["isolate", mix, "bass", "--bundle", toy_bundle, "--out", tmp_path / "out"]
        assert say(capsys, engine, argv).code == 0
        held.touch()  # so that the job cannot be done before its engine is dead

        def kill(event: Event) -> None:
            if isinstance(event, Progress) and engine.host_pid:
                with contextlib.suppress(ProcessLookupError):  # it is dead already
                    os.kill(engine.host_pid, signal.SIGKILL)

        engine.subscribe(kill)
        assert say(capsys, engine, argv).code == 3


def test_a_job_that_was_stopped_is_code_130(capsys, monkeypatch):
    def stopped(*_: object) -> int:
        raise Cancelled("stopped")

    monkeypatch.setattr(commands, "doctor", stopped)
    assert say(capsys, None, ["doctor"]).code == 130
