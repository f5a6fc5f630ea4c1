"""A process that listens to one file and prints what it heard as JSON, so that whoever asked stays free.

It is confined as the engine's process is, for the file comes from strangers. Its last argument is a JSON object:
``what`` is ``tempo`` or ``notes``, ``path`` the file, and for notes the arguments of ``analyse_stem``. A file that
cannot be used is an object with ``error``.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from engine.bundle.library import user_cache_folder
from engine.confinement import confined_command
from engine.errors import AudioError, EngineError, error_of_another_process
from engine.notes.beats import estimate_tempo, estimate_text
from engine.notes.stem_analysis import analyse_stem, analysis_json, opened_audio, stem_kind

ANSWER_LIMIT_CHARACTERS = 64 << 20  # a process that reads strangers' files may say anything


def listening_command(
    what: str, path: Path, kind: str = "auto", mix: Path | None = None, name: str = "", with_tempo: bool = True,
    behind: bool = True,
) -> list[str]:  # fmt: skip
    """The program and its arguments.

    Args:
        what: ``tempo`` prints a ``TempoEstimate``, ``notes`` a ``StemAnalysis``.
        kind, mix, name, with_tempo: as for ``analyse_stem``.
        behind: True lets every other program go first, so that a window plays and separates meanwhile.
    """
    # What librosa compiles is kept where only such processes read it: a hijacked one could leave its own there.
    cache = user_cache_folder() / "listening"
    with contextlib.suppress(OSError):  # then it compiles anew each time
        cache.mkdir(mode=0o700, parents=True, exist_ok=True)
    asked = {
        "what": what, "path": os.path.abspath(path), "kind": kind, "mix": None if mix is None else os.path.abspath(mix),
        "name": name, "with_tempo": with_tempo, "cache": str(cache), "behind": behind,
    }  # fmt: skip
    return [*confined_command(__name__, [str(cache)]), json.dumps(asked)]


def heard_apart(command: list[str]) -> str:
    """What such a process prints; for callers that have nothing else to do.

    Raises:
        EngineError: the file cannot be used, or the network cannot be run.
    """
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            said = process.stdout.read(ANSWER_LIMIT_CHARACTERS)
            if len(said) == ANSWER_LIMIT_CHARACTERS:  # half an answer is none
                process.kill()
        except BaseException:
            process.kill()
            raise
    if process.returncode != 0:
        raise listening_error(said)
    return said


def listening_error(said: str) -> EngineError:
    """The error that such a process printed in the place of an answer."""
    told = None
    with contextlib.suppress(ValueError, RecursionError):
        told = json.loads(said)
    told = told if isinstance(told, dict) else {}
    error = error_of_another_process(told.get("kind"), told.get("error"), told.get("values"))
    return error or AudioError("the sound could not be listened to; fluxstem notes on the command line tells more")


def main() -> None:
    """Print what is heard in the file that the command line names; ends with 1 where it cannot be used."""
    asked = json.loads(sys.argv[-1])
    if asked["behind"]:
        with contextlib.suppress(AttributeError, OSError):
            os.nice(10)
    with contextlib.ExitStack() as stack:
        cache = asked["cache"]
        if not os.access(cache, os.W_OK):
            cache = stack.enter_context(tempfile.TemporaryDirectory(prefix="fluxstem-listening-"))
        os.environ["NUMBA_CACHE_DIR"] = cache
        try:
            said, code = _LISTENERS[asked["what"]](asked), 0
        except EngineError as error:
            values = {
                name: value if isinstance(value, (int, float)) else str(value) for name, value in error.values.items()
            }
            said, code = json.dumps({"error": error.template, "values": values, "kind": type(error).__name__}), 1
        print(said)
    sys.exit(code)


def _tempo(asked: dict[str, Any]) -> str:
    with opened_audio(Path(asked["path"])) as info:
        return estimate_text(estimate_tempo(info))


def _notes(asked: dict[str, Any]) -> str:
    mix = Path(asked["mix"]) if asked["mix"] else None
    path, kind = Path(asked["path"]), stem_kind(asked["kind"])
    return json.dumps(analysis_json(analyse_stem(path, kind, mix, asked["with_tempo"], asked["name"])))


_LISTENERS: dict[str, Callable[[dict[str, Any]], str]] = {"tempo": _tempo, "notes": _notes}
