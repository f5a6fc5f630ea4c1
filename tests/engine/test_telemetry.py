"""Nothing phones home: no identifier of the machine is made, and nobody outside it is spoken to."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from clihelp import everything_in, write_music
from offline import names_asked_for, namespaces_work
from outside import Outside, telemetry_files

from engine.telemetry import VARIABLE

ROOT = Path(__file__).parents[2]
MODULES_WITH_RUNTIME = (
    "engine.runtime.onnx", "engine.runtime.onnx_plugins", "engine.runtime.onnx_providers", "export.cpu_session"
)  # fmt: skip


@pytest.fixture
def bare(tmp_path: Path, toy_bundle: Path) -> dict[str, str]:
    """The environment of a user who has just been made: an empty home, nothing set."""
    (tmp_path / "home").mkdir()
    (tmp_path / "temporary").mkdir()
    return {
        "PATH": os.environ["PATH"], "HOME": str(tmp_path / "home"), "TMPDIR": str(tmp_path / "temporary"),
        "FLUXSTEM_BUNDLES": str(toy_bundle.parent),
    }  # fmt: skip


def job(tmp_path: Path) -> list[str]:
    mix = write_music(tmp_path / "mix.wav", seconds=0.25)
    words = ["isolate", str(mix), "bass", "--bundle", "toy", "--out", str(tmp_path / "out")]
    return [sys.executable, "-m", "engine", *words]


def test_a_job_makes_no_identifier_of_the_machine(bare, tmp_path):
    subprocess.run(job(tmp_path), cwd=ROOT, env=bare, check=True, capture_output=True)
    assert everything_in(tmp_path / "out")
    made = [path for place in ("home", "temporary") for path in (tmp_path / place).rglob("*") if path.is_file()]
    assert not [path for path in made if "Microsoft" in path.parts or path.name in (".ses", "deviceid")], made
    assert not telemetry_files(tmp_path / "home")


def test_a_job_and_the_doctor_ask_no_name_server_for_anybody(bare, tmp_path, monkeypatch):
    if not namespaces_work():
        pytest.skip("this machine does not let the test make a network of its own")
    monkeypatch.chdir(ROOT)
    look_up = [sys.executable, "-c", "import socket; socket.gethostbyname('control.example')"]
    assert names_asked_for(tmp_path / "control", look_up, bare)[1], "the control has to be seen"
    for number, command in enumerate((job(tmp_path), [sys.executable, "-m", "engine", "doctor"])):
        code, names = names_asked_for(tmp_path / f"names {number}", command, bare)
        assert (code, names) == (0, [])


@pytest.mark.parametrize("module", MODULES_WITH_RUNTIME)
def test_telemetry_is_off_before_onnx_runtime_is_imported(module):
    code = (
        "import builtins, importlib, os, sys\n"
        "real = builtins.__import__\n"
        "def watched(name, *rest, **named):\n"
        f"    if name == 'onnxruntime' and name not in sys.modules: print(os.environ.get('{VARIABLE}'))\n"
        "    return real(name, *rest, **named)\n"
        "builtins.__import__ = watched\n"
        f"importlib.import_module({module!r})\n"
    )
    said = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env=os.environ | {VARIABLE: "0"},
        check=True,
        capture_output=True,
        text=True,
    )
    assert said.stdout.split()[:1] == ["1"], said


def test_every_module_that_imports_onnx_runtime_is_in_the_list_above():
    found = {
        ".".join(path.relative_to(ROOT).with_suffix("").parts)
        for package in ("engine", "export", "desktop", "training")
        for path in (ROOT / package).rglob("*.py")
        if any(line.startswith(("import onnxruntime", "from onnxruntime")) for line in path.read_text().splitlines())
    }
    assert found == set(MODULES_WITH_RUNTIME)


def test_the_audit_of_the_whole_suite_sees_what_leaves_this_machine():
    audit = Outside()
    for event, arguments in (
        ("socket.connect", (None, ("192.0.2.7", 443))),
        ("socket.sendto", (None, ("2001:db8::7", 53, 0, 0))),
        ("socket.getaddrinfo", ("mobile.events.data.microsoft.com", 443, 0, 0, 0)),
    ):
        audit(event, arguments)
    assert audit.seen == ["192.0.2.7", "2001:db8::7", "mobile.events.data.microsoft.com"]
    for event, arguments in (
        ("socket.connect", (None, ("127.0.0.1", 443))),
        ("socket.connect", (None, "/tmp/socket")),
        ("socket.getaddrinfo", ("localhost", 1, 0, 0, 0)),
        ("open", ("192.0.2.7", "r", 0)),
    ):
        audit(event, arguments)
    assert len(audit.seen) == 3
