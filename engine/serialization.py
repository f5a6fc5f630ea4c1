"""Requests and events as JSON: what runs through the pipe between client and host, and what a sidecar holds.

One message is one line. Knows nothing of processes or files.
"""

from __future__ import annotations

import json
from dataclasses import fields
from typing import Any

from engine import errors
from engine.errors import EngineError, RequestError
from engine.messages import Accepted, CancelledJob, Done, Event, Failed, Progress, Request, StemResult, as_json

_TEXTS = {
    "task": False, "input": True, "rest": True, "out": False, "bundle": False,
    "mix_prompt": False, "rest_prompt": False, "replacement": False, "slot": False,
}  # True: may be null  # fmt: skip
READY = "Ready"  # the first thing a host says
EVENTS: dict[str, type[Event]] = {kind.__name__: kind for kind in (Accepted, Progress, Done, Failed, CancelledJob)}


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
        raise RequestError(f"a message is not JSON ({error}); send one JSON object a line") from error
    if not isinstance(message, dict):
        raise RequestError(f"a message is a {type(message).__name__}; send one JSON object a line")
    return message


def request_from_json(data: Any) -> Request:
    """The request in a JSON value, with no key unknown; its values are not checked here.

    Raises:
        RequestError: not an object, or keys that no request has, or none of those it must have.
    """
    if not isinstance(data, dict):
        raise RequestError(f"a request is an object with the keys of Request, got a {type(data).__name__}")
    if unknown := set(data) - {field.name for field in fields(Request)}:
        raise RequestError(f"a request has no {', '.join(sorted(map(str, unknown)))}; see Request for what it has")
    values = dict(data)
    try:
        _check_texts(values)
        values["prompts"] = tuple(values["prompts"])
        for name in ("examples", "guide"):
            values[name] = tuple(values.get(name, ()))
        if values.get("region_s") is not None:
            values["region_s"] = _region(values["region_s"])
        values["regions_s"] = tuple(map(_region, values.get("regions_s", ())))
        return Request(**values)
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise RequestError(f"a request needs a task, prompts and a region of two numbers ({error})") from error


def _region(value: Any) -> tuple[float, float]:
    start_s, end_s = value
    return float(start_s), float(end_s)


def _check_texts(values: dict[str, Any]) -> None:
    for name, may_be_null in _TEXTS.items():
        if not isinstance(values.get(name, ""), str) and not (may_be_null and values[name] is None):
            raise TypeError(f"its {name} is no text")
    for name in ("prompts", "examples", "guide"):
        texts = values[name] if name == "prompts" else values.get(name, ())
        if not isinstance(texts, (list, tuple)) or not all(isinstance(text, str) for text in texts):
            raise TypeError(f"its {name} are no list of texts")


def event_to_json(event: Event) -> dict[str, Any]:
    """An event as a JSON object that names its kind."""
    return {"event": type(event).__name__, **as_json(event)}


def event_from_json(message: dict[str, Any]) -> Event:
    """The event that ``event_to_json`` wrote."""
    values = dict(message)
    kind = EVENTS[values.pop("event")]
    if kind is Done:
        values["results"] = tuple(map(_result, values["results"]))
    return kind(**values)


def _result(values: dict[str, Any]) -> StemResult:
    windows = tuple(tuple(window) for window in values.get("presence_windows", ()))
    return StemResult(**{**values, "presence_windows": windows})


def kind_of(error: EngineError) -> str:
    """Name of the class of ``engine.errors`` that an error is, or is derived from."""
    return next(kind.__name__ for kind in type(error).__mro__ if kind.__module__ == errors.__name__)


def error_of(failed: Failed) -> EngineError:
    """The error that an event tells of, ready to be raised."""
    kind = getattr(errors, failed.kind, EngineError)
    return kind(failed.message) if issubclass(kind, EngineError) else EngineError(failed.message)
