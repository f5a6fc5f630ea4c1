"""What a hijacked host or decoder cannot do, tried in processes that are confined as they are."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from engine import EffectChain, confinement, listening_command, render_file_sandboxed
from engine.audio.probe import rate_and_length
from engine.confinement import missing_measures
from engine.doctor import sentences

ROOT = Path(__file__).parents[2]
confined_here = pytest.mark.skipif(bool(missing_measures()), reason=f"not all is had here: {missing_measures()}")

# Each line is tried in the confined process; it prints for each whether it was done or refused.
_TRY = """
import contextlib, ctypes, errno, fcntl, json, os, socket, subprocess, sys, tempfile, threading
from engine.confinement import confine_decoder, confine_host
out, private, port = sys.argv[2], sys.argv[3], int(sys.argv[4])
confine_host([out]) if sys.argv[1] == "host" else confine_decoder()
def called(*words):
    got = ctypes.CDLL(None, use_errno=True).syscall(*words)
    if got == 0:
        os._exit(9)  # the child of a fork that should not be
    if got < 0:
        raise OSError(ctypes.get_errno(), "refused")
def tried(what):
    try:
        exec(what, globals())
        return "done"
    except OSError as error:
        by_number = "called" in what or "ioctl" in what
        return "refused" + (f" ({errno.errorcode[error.errno]})" if by_number else "")
print(json.dumps([tried(line) for line in json.loads(sys.argv[5])]))
"""


@confined_here
@pytest.mark.parametrize("role", ["confine_host([])", "confine_decoder()"])
def test_both_measures_are_taken_in_a_fresh_process(role):
    code = f"from engine.confinement import *; {role}; print(open('/proc/self/status').read())"
    run = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert run.stderr == ""
    assert "Seccomp:\t2" in run.stdout, "a filter is in force"
    assert "NoNewPrivs:\t1" in run.stdout


@confined_here
def test_no_program_is_started_to_find_the_c_library():
    code = """
import sys
from engine.confinement import confine_decoder
started = []
sys.addaudithook(lambda event, args: started.append(args) if event in ("subprocess.Popen", "os.fork") else None)
confine_decoder()
print(started)
"""
    run = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert run.stdout == "[]\n", run.stderr


def tried(role: str, lines: dict[str, str], tmp_path: Path) -> dict[str, str]:
    """What became of each line: ``done`` or ``refused``."""
    out, private = tmp_path / "out", tmp_path / "private"
    out.mkdir()
    private.mkdir()
    (private / "diary").write_text("secret")
    with socket.create_server(("127.0.0.1", 0)) as server:
        arguments = [role, str(out), str(private), str(server.getsockname()[1]), json.dumps(list(lines))]
        place = {"TMPDIR": str(out)}  # which the host may write to, as to its folders
        done = subprocess.run(
            [sys.executable, "-c", _TRY, *arguments], cwd=ROOT, env=os.environ | place, capture_output=True, text=True,
            timeout=120, check=False,
        )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return dict(zip(lines, json.loads(done.stdout.splitlines()[-1]), strict=True))


HOST = {
    "open(out + '/result.wav', 'w').write('x')": "done",
    "os.mkdir(out + '/deeper'); os.rename(out + '/result.wav', out + '/deeper/result.wav')": "done",
    "os.link(f'/proc/self/fd/{os.open(out, os.O_TMPFILE | os.O_RDWR)}', out + '/named', follow_symlinks=True, "
    "src_dir_fd=0)": "done",
    "open(private + '/diary').read()": "done",
    "open('/dev/null', 'w').write('x')": "done",
    "subprocess.run([sys.executable, '-c', ''], check=True)": "done",
    "tempfile.TemporaryFile().close()": "done",
    "open(private + '/diary', 'a')": "refused",
    "open(private + '/new', 'w')": "refused",
    "os.unlink(private + '/diary')": "refused",
    "os.rename(private + '/diary', out + '/diary')": "refused",
    "os.mkdir(private + '/folder')": "refused",
    "os.symlink('/', private + '/link')": "refused",
    "socket.create_connection(('127.0.0.1', port))": "refused",
    "socket.socket(socket.AF_INET, socket.SOCK_DGRAM)": "refused",
    "socket.socket(socket.AF_INET6)": "refused",
    "os.kill(os.getppid(), 15)": "refused",
    # A fork into namespaces of its own, by the system calls themselves; and typing into somebody's terminal.
    "called(56 if os.uname().machine == 'x86_64' else 220, 0x10020000 | 17, 0, 0, 0, 0)": "refused (EPERM)",
    "called(435, 0, 0)": "refused (ENOSYS)",
    "called(272 if os.uname().machine == 'x86_64' else 97, 0x10000000)": "refused (EPERM)",
    "fcntl.ioctl(os.open('/dev/null', os.O_RDONLY), 0x5412, b'x')": "refused (EPERM)",
}
DECODER = {
    "threading.Thread(target=int).start()": "done",
    "import encodings.punycode": "done",
    "open(private + '/diary').read()": "refused",
    "open(out + '/result.wav', 'w')": "refused",
    "os.listdir(private)": "refused",
    "socket.socket(socket.AF_INET)": "refused",
    "socket.socket(socket.AF_UNIX)": "refused",
    "subprocess.run(['true'])": "refused",
    "os.fork()": "refused",
    "os.kill(os.getppid(), 15)": "refused",
    "os.chmod(private, 0o777)": "refused",
    "os.unlink(private + '/diary')": "refused",
}


@confined_here
@pytest.mark.parametrize(("role", "lines"), [("host", HOST), ("decoder", DECODER)], ids=["host", "decoder"])
def test_a_confined_process_does_what_it_needs_and_nothing_else(role, lines, tmp_path):
    assert tried(role, lines, tmp_path) == lines
    assert (tmp_path / "private" / "diary").read_text() == "secret"


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such limits")
def test_a_host_gets_no_more_memory_and_files_than_it_is_allowed():
    code = (
        "import json, resource; from engine.confinement import confine_host; confine_host([]); "
        "print(json.dumps([resource.getrlimit(r)[0] for r in "
        "(resource.RLIMIT_DATA, resource.RLIMIT_NOFILE, resource.RLIMIT_CORE, resource.RLIMIT_NPROC)]))"
    )
    run = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    memory, files, core, tasks = json.loads(run.stdout.splitlines()[-1])
    assert 0 < files <= confinement.FILES_LIMIT
    assert core == 0
    assert 0 < tasks <= confinement.TASKS_LIMIT
    if sys.platform == "linux":
        assert 0 < memory <= os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


def test_what_is_missing_is_named_with_its_reason(monkeypatch):
    monkeypatch.setenv(confinement.SWITCH, "off")
    missing = missing_measures()
    assert {"Landlock", "seccomp"} <= set(missing)
    if sys.platform == "linux":
        assert confinement.SWITCH in missing["seccomp"]
    monkeypatch.delenv(confinement.SWITCH)
    monkeypatch.setattr(confinement, "find_spec", lambda name: None if name == "seccompy" else object())
    if sys.platform == "linux":
        assert "seccompy is not installed" in missing_measures()["seccomp"]


def test_the_doctor_tells_what_is_missing():
    findings = {
        "engine_version": "", "python": "", "platform": "", "packages": {"onnxruntime": None, "onnxruntime-gpu": None},
        "devices": [{"asked": "cpu", "got": "CPU", "ok": True, "why": None}], "bundles": [], "bundle_places": [],
        "audio": {"ok": True, "devices": []}, "ok": True,
        "folders": {name: {"path": "/", "ok": True, "why": None} for name in ("temp", "cache")},
        "confinement": {"Landlock": "the kernel does not offer it"},
    }  # fmt: skip
    said = [str(one) for one in sentences(findings)]
    assert "confinement of the engine: Landlock is missing, because the kernel does not offer it" in said
    said = [str(one) for one in sentences(findings | {"confinement": {}})]
    assert "confinement of the engine: limits, Landlock and seccomp" in said


# Processes that read strangers' files beside the engine's own: their commands, with another ``main`` in them.
_PEEK = """
import json, os, socket, sys
def main():
    said = []
    for what in (lambda: socket.create_server(("127.0.0.1", 0)), lambda: open(os.environ["PRIVATE"] + "/new", "w")):
        try:
            what()
            said.append("done")
        except OSError:
            said.append("refused")
    print(json.dumps(said))
"""


@confined_here
@pytest.mark.parametrize("module", ["engine.notes.listen", "engine.audio.probe", "engine.plugins.render_sandboxed"])
def test_whatever_reads_a_strangers_file_is_confined_as_the_engine_is(module, tmp_path, monkeypatch):
    (tmp_path / "peek.py").write_text(_PEEK)
    private = tmp_path / "private"
    private.mkdir()
    commands = []

    def kept(command, **how):
        commands.append(list(command))
        raise OSError("not started")

    monkeypatch.setattr(subprocess, "Popen", kept)
    monkeypatch.setattr(subprocess, "run", kept)
    path = tmp_path / "x.mp3"
    path.write_bytes(b"no sound")
    for ask in (
        lambda: commands.append(listening_command("notes", path)),
        lambda: rate_and_length(path),
        lambda: render_file_sandboxed(str(path), EffectChain(), tmp_path / "out", lambda *news: None, lambda: None),
    ):
        with contextlib.suppress(OSError):
            ask()
    monkeypatch.undo()
    [command] = [one for one in commands if module in one]
    command[command.index(module)] = "peek"
    place = {"PYTHONPATH": str(tmp_path), "PRIVATE": str(private), "TMPDIR": str(tmp_path / "out")}
    run = subprocess.run(command, cwd=ROOT, env=os.environ | place, capture_output=True, text=True, check=True)
    assert json.loads(run.stdout) == ["refused", "refused"]
