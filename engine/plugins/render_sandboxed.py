"""``render_file`` behind the walls of the engine's process: for files and chains that somebody else names.

The file is read, and the chain's own process is started, by a process that is confined as the engine's is. Task in on
standard input, one JSON object a line out; when standard input ends, the process stops and cleans up.
"""

from __future__ import annotations

import contextlib
import json
import os
import queue
import subprocess
import sys
import threading
from pathlib import Path
from typing import IO, Any

from engine.bundle.library import user_cache_folder
from engine.confinement import confined_command
from engine.errors import Cancelled, EngineError, HostError, error_of_another_process
from engine.events import Check, Report
from engine.plugins.chain import EffectChain, chain_json, chain_of_json
from engine.plugins.limits import ANSWER_LIMIT_BYTES
from engine.plugins.render import ChainReport
from engine.plugins.render_file import ChainedFile, render_file
from engine.request import Format

LOOK_S = 0.05
LEAVE_LIMIT_S = 5.0  # that it has to clean up before it is killed


def render_file_sandboxed(
    source: str, chain: EffectChain, out: Path, report: Report, check: Check, *, name: str = "",
    wanted: Format = "same", quality: int | None = None,
) -> ChainedFile:  # fmt: skip
    """Render a file as ``render_file`` does, in a confined process of its own.

    Raises:
        AudioError, RequestError, OutputError: as ``render_file``.
        HostError: the process died.
    """
    out.mkdir(parents=True, exist_ok=True)  # before its walls are drawn around it
    task = {
        "source": source, "chain": chain_json(chain), "out": str(out), "name": name, "wanted": wanted,
        "quality": quality,
    }  # fmt: skip
    with subprocess.Popen(
        confined_command(__name__, [str(out), str(user_cache_folder())]), stdin=subprocess.PIPE,
        stdout=subprocess.PIPE, stderr=None if os.environ.get("FLUXSTEM_DEBUG") else subprocess.DEVNULL,
        start_new_session=True,
    ) as process:  # fmt: skip
        assert process.stdin is not None
        assert process.stdout is not None
        lines: queue.Queue[bytes] = queue.Queue()
        ears = threading.Thread(target=_listen, args=(process.stdout, lines), daemon=True)
        ears.start()
        try:
            with contextlib.suppress(OSError):  # it died at once; what it said is read below
                process.stdin.write(json.dumps(task).encode("ascii") + b"\n")
                process.stdin.flush()
            return _result(lines, report, check)
        finally:
            _dismiss(process, ears)


def main() -> None:
    """Do what standard input says."""
    with os.fdopen(os.dup(1), "w", encoding="ascii") as mouth:
        os.dup2(2, 1)  # what libraries print must not get between the lines
        task = json.loads(sys.stdin.readline())
        stop = threading.Event()
        threading.Thread(target=_stop_at_end, args=(stop,), daemon=True).start()

        def say(**values: Any) -> None:
            with contextlib.suppress(OSError):
                print(json.dumps(values, default=str), file=mouth, flush=True)

        def check() -> None:
            if stop.is_set():
                raise Cancelled("nobody waits any more")

        try:
            made = render_file(
                task["source"], chain_of_json(task["chain"], "the chain"), Path(task["out"]),
                lambda fraction, stage: say(progress=[fraction, stage]), check, name=task["name"],
                wanted=task["wanted"], quality=task["quality"],
            )  # fmt: skip
            say(done={
                "path": str(made.path), "sidecar": str(made.sidecar), "chain": chain_json(made.report.chain),
                "notes": made.report.notes, "samples": made.samples, "gain_db": made.gain_db, "rate_hz": made.rate_hz,
            })  # fmt: skip
        except EngineError as error:
            say(failed=[type(error).__name__, error.template or str(error), error.values])


def _stop_at_end(stop: threading.Event) -> None:
    sys.stdin.read()
    stop.set()


def _listen(stream: IO[bytes], lines: queue.Queue[bytes]) -> None:
    """Lines until it ends; then an empty one."""
    for line in iter(lambda: stream.readline(ANSWER_LIMIT_BYTES), b""):
        lines.put(line)
    lines.put(b"")


def _result(lines: queue.Queue[bytes], report: Report, check: Check) -> ChainedFile:
    while True:
        check()
        try:
            line = lines.get(timeout=LOOK_S)
        except queue.Empty:
            continue
        if not line:
            raise HostError("the process that puts the file through its chain died; ask again")
        said = _parsed(line)
        if "progress" in said:
            report(*said["progress"])
        elif "failed" in said:
            raise _error_of(*said["failed"])
        else:
            done = said["done"]
            chain = ChainReport(chain_of_json(done["chain"], "the chain"), tuple(done["notes"]))
            return ChainedFile(
                Path(done["path"]), Path(done["sidecar"]), chain, done["samples"], done["gain_db"], done["rate_hz"]
            )


def _parsed(line: bytes) -> dict[str, Any]:
    """What it says.

    Raises:
        HostError: nothing that makes sense.
    """
    with contextlib.suppress(ValueError, RecursionError):
        said = json.loads(line)
        if isinstance(said, dict):
            return said
    raise HostError("the process that puts the file through its chain died; ask again")


def _error_of(kind: object, template: object = "", values: object = None) -> EngineError:
    told = error_of_another_process(kind, template, values)
    return told or HostError("the process that puts the file through its chain died; ask again")


def _dismiss(process: subprocess.Popen[bytes], ears: threading.Thread) -> None:
    """Let it leave, and clean up before; kill it where it does not."""
    with contextlib.suppress(OSError):
        process.stdin.close()  # type: ignore[union-attr]
    try:
        process.wait(LEAVE_LIMIT_S)
    except subprocess.TimeoutExpired:
        process.kill()
    ears.join(LEAVE_LIMIT_S)
