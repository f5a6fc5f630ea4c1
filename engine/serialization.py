"""Requests and events as JSON: in the pipe between client and host, in the journal, in the sidecars.

One message is one line. Keys that only another version knows are kept, reported in the log, and change nothing.
"""

from __future__ import annotations

import json
import logging
import math
from collections.abc import Callable
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

from engine import errors
from engine.errors import EngineError, RequestError
from engine.events import CancelledJob, Done, Event, Failed, Progress, StemResult
from engine.options import Kind, Option
from engine.request import OPTIONS, Request

log = logging.getLogger(__name__)

READY = "Ready"  # the first thing a host says
BUILDING = "Building"  # how far TensorRT's engines are, which a host builds beside its jobs
EVENTS: dict[str, type[Event]] = {kind.__name__: kind for kind in (Progress, Done, Failed, CancelledJob)}  # of a host


def to_line(message: dict[str, Any]) -> bytes:
    """One message as one line; plain ASCII, so odd file names survive."""
    return json.dumps(message, separators=(",", ":")).encode("ascii") + b"\n"


def from_line(line: bytes) -> dict[str, Any]:
    """The message in a line.

    Raises:
        RequestError: the line is not a JSON object.
    """
    try:
        message = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise RequestError("a message is not JSON ({error}); send one JSON object a line", error=error) from error
    if not isinstance(message, dict):
        kind = type(message).__name__
        raise RequestError("a message is a {kind}; send one JSON object a line", kind=kind)
    return message


def plain(value: Any) -> Any:
    """Dataclasses, tuples and paths as plain JSON values."""
    if is_dataclass(value) and not isinstance(value, type):
        return {f.name: plain(getattr(value, f.name)) for f in fields(value)}
    if isinstance(value, (tuple, list)):
        return [plain(item) for item in value]
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    return str(value) if isinstance(value, (Path, BaseException)) else value


def finite(value: Any) -> Any:
    """The same JSON value with null where a number is not finite, which JSON cannot say."""
    if isinstance(value, dict):
        return {key: finite(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [finite(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def request_to_json(request: Request) -> dict[str, Any]:
    """A request as a JSON object: a key for each row of the options table, and those it was given by others."""
    known = {name: plain(getattr(request, name)) for name in OPTIONS}
    return known | {name: value for name, value in request.unknown.items() if name not in known}


def request_from_json(data: Any) -> Request:
    """The request that ``request_to_json`` wrote, in this version or another.

    Texts, lists and regions are brought into their shape; whether the values can work is ``check_values``' business.

    Raises:
        RequestError: not an object, a value of the wrong kind, or no task and prompts.
    """
    if not isinstance(data, dict):
        kind = type(data).__name__
        raise RequestError("a request is an object with the keys of Request, got a {kind}", kind=kind)
    unknown = {str(name): value for name, value in data.items() if name not in OPTIONS}
    if unknown:
        log.info("a request has %s, which this version does not know; kept, but not acted on", ", ".join(unknown))
    try:
        values = {name: _shaped(OPTIONS[name], value) for name, value in data.items() if name in OPTIONS}
        return Request(**values, unknown=unknown)
    except (TypeError, ValueError, OverflowError) as error:
        raise RequestError(
            "a request needs a task, prompts and a region of two numbers ({error})", error=error
        ) from error


def _shaped(row: Option, value: Any) -> Any:
    """A JSON value as the field of a request holds it.

    Raises:
        TypeError, ValueError, OverflowError: it is of another kind.
    """
    if value is None and row.optional:
        return None
    shape = _SHAPES.get(row.kind)
    if shape is None:
        return value
    if not row.many:
        return shape(row.name, value)
    if not isinstance(value, (list, tuple)) or (shape is _text and not all(isinstance(item, str) for item in value)):
        raise TypeError(f"its {row.name} are no list of texts" if shape is _text else f"its {row.name} are no list")
    return tuple(shape(row.name, item) for item in value)


def _text(name: str, value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"its {name} is no text")
    return value


def _region(name: str, value: Any) -> tuple[float, float]:
    start_s, end_s = value
    return float(start_s), float(end_s)


_TEXTS: tuple[Kind, ...] = ("words", "name", "file", "folder", "example", "choice")
_SHAPES: dict[Kind, Callable[[str, Any], Any]] = {"region": _region, **dict.fromkeys(_TEXTS, _text)}


def event_to_json(event: Event) -> dict[str, Any]:
    """An event as a JSON object that names its kind."""
    return {"event": type(event).__name__, **plain(event)}


def event_from_json(message: dict[str, Any]) -> Event:
    """The event that ``event_to_json`` wrote; keys that this version does not know are left out."""
    kind = EVENTS[message["event"]]
    values = _known(kind, message)
    if kind is Done:
        values["results"] = tuple(map(_result, values["results"]))
    return kind(**values)


def _result(values: dict[str, Any]) -> StemResult:
    windows = tuple(tuple(window) for window in values.get("presence_windows", ()))
    notes = tuple(values.get("notes", ()))
    return StemResult(**{**_known(StemResult, values), "presence_windows": windows, "notes": notes})


def _known(kind: type, values: dict[str, Any]) -> dict[str, Any]:
    names = {f.name for f in fields(kind)}
    return {name: value for name, value in values.items() if name in names}


def failed_of(job: str, error: EngineError) -> Failed:
    """The event that tells of an error; its message is one line."""
    return Failed(job, kind_of(error), " ".join(str(error).splitlines()), error.template, plain(error.values))


def kind_of(error: EngineError) -> str:
    """Name of the class of ``engine.errors`` that an error is, or is derived from."""
    return next(kind.__name__ for kind in type(error).__mro__ if kind.__module__ == errors.__name__)


def error_of(failed: Failed) -> EngineError:
    """The error that an event tells of, ready to be raised."""
    kind = getattr(errors, failed.kind, EngineError)
    error: EngineError = (kind if issubclass(kind, EngineError) else EngineError)(failed.message)
    if failed.template:
        error.template, error.values = failed.template, dict(failed.values)
    return error
