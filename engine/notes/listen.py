"""A process that listens to one file and prints what it heard as JSON, so that whoever asked stays free.

Its only argument is a JSON object: ``what`` is ``tempo`` or ``notes``, ``path`` the file, and for notes the arguments
of ``analyse_stem``. A file that cannot be used is an object with ``error``.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from engine.errors import AudioError, EngineError
from engine.notes.beats import estimate_tempo, estimate_text
from engine.notes.stem_analysis import analyse_stem, analysis_json, opened_audio, stem_kind

# As in engine/media/sandbox.py: the caller's main module and current folder must not reach the new process.
_BOOT = "import sys; r = sys.argv.pop(1); r in sys.path or sys.path.insert(0, r); "
_BOOT += "from engine.notes.listen import main; main()"
_ROOT = str(Path(__file__).resolve().parents[2])


def listening_command(
    what: str, path: Path, kind: str = "auto", mix: Path | None = None, name: str = "", with_tempo: bool = True
) -> list[str]:
    """The program and its arguments.

    Args:
        what: ``tempo`` prints a ``TempoEstimate``, ``notes`` a ``StemAnalysis``.
        path: the file.
        kind, mix, name, with_tempo: as for ``analyse_stem``.
    """
    asked = {
        "what": what, "path": str(path), "kind": kind, "mix": None if mix is None else str(mix), "name": name,
        "with_tempo": with_tempo,
    }  # fmt: skip
    return [sys.executable, "-P", "-c", _BOOT, _ROOT, json.dumps(asked)]


def listening_error(said: str) -> AudioError:
    """The error that such a process printed in the place of an answer."""
    try:
        told = json.loads(said)
        template, values = str(told["error"]), {str(name): value for name, value in told["values"].items()}
        return AudioError(template, **values)
    except (ValueError, LookupError, TypeError, AttributeError):
        return AudioError("the sound could not be listened to; fluxstem notes on the command line tells more")


def main() -> None:
    """Print what is heard in the file that the command line names; ends with 1 where it cannot be used."""
    with contextlib.suppress(AttributeError, OSError):  # playing and separating go first
        os.nice(10)
    asked = json.loads(sys.argv[1])
    try:
        said = _LISTENERS[asked["what"]](asked)
    except EngineError as error:
        values = {
            name: value if isinstance(value, (int, float)) else str(value) for name, value in error.values.items()
        }
        said = json.dumps({"error": error.template, "values": values})
    print(said)
    sys.exit(1 if said.startswith('{"error"') else 0)


def _tempo(asked: dict[str, Any]) -> str:
    with opened_audio(Path(asked["path"])) as info:
        return estimate_text(estimate_tempo(info))


def _notes(asked: dict[str, Any]) -> str:
    mix = Path(asked["mix"]) if asked["mix"] else None
    path, kind = Path(asked["path"]), stem_kind(asked["kind"])
    return json.dumps(analysis_json(analyse_stem(path, kind, mix, asked["with_tempo"], asked["name"])))


_LISTENERS: dict[str, Callable[[dict[str, Any]], str]] = {"tempo": _tempo, "notes": _notes}
