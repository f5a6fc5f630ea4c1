"""From the values of a message to what the engine is asked, and from what it says to the values of a reply.

Knows nothing of sessions, queues or packets.
"""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any, cast

import soundfile

from engine import TASKS, Done, EngineError, Request, list_bundles
from engine.osc.clips import ClipError
from engine.osc.journal import Entry
from engine.osc.paths import PathRefused
from engine.osc.table import NO_FIGURE, at

log = logging.getLogger(__name__)

CODE_OF = {
    "RequestError": "request",
    "AudioError": "audio",
    "BundleError": "bundle",
    "BundleDamaged": "bundle",
    "BundleTooNew": "bundle",
    "OutputError": "output",
    "DeviceError": "device",
    "HostError": "engine",
}


class Refused(Exception):
    """A job that is not taken on; the code is one of ``replies.CODES``."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(text)
        self.code = code


def build_request(entry: Entry, inputs: dict[str, str | None], out: Path, bundle: str) -> Request:
    """What the engine is asked.

    Args:
        entry: the job.
        inputs: private paths of ``input`` and ``rest``, None where there is none.
        out: folder of the results.
        bundle: taken when the message named none.

    Raises:
        Refused: a bundle was named that is not installed.
    """
    asked = entry.asked
    named = str(asked.get("bundle") or bundle)
    if asked.get("bundle") and named not in list_bundles():  # a path would let a sender load what it likes
        raise Refused("bundle", f"no bundle {named[:80]} is installed; see {at('bundles')}")
    return Request(
        task=entry.task,
        prompts=(str(asked["prompt"]),),
        input=inputs["input"],
        rest=inputs["rest"],
        out=str(out),
        region_s=_region_s(asked, inputs["input"]),
        seconds=float(asked["seconds"]) if "seconds" in asked else None,
        bundle=named,
        render=cast(Any, asked.get("render", "masked")),
        steps=int(asked["steps"]) or None,
        guidance=None if float(asked["guidance"]) < 0 else float(asked["guidance"]),
        seed=int(asked["seed"]),
        format=cast(Any, asked["format"]),
    )


def _region_s(asked: dict[str, Any], path: str | None) -> tuple[float, float] | None:
    """The region as the engine wants it: an end of 0 is the end of the file."""
    start_s, end_s = float(asked.get("start", 0.0)), float(asked.get("end", 0.0))
    if path is None or (start_s == 0.0 and end_s == 0.0):
        return None
    if end_s == 0.0:
        try:
            end_s = float(soundfile.info(path).duration)
        except soundfile.LibsndfileError:
            return None  # the engine says what is wrong with the file
    return start_s, end_s


def request_values(request: Request) -> dict[str, Any]:
    """A request as JSON values, for the journal."""
    return {name: getattr(request, name) for name in Request.__dataclass_fields__}


def request_of_values(values: dict[str, Any] | None) -> Request:
    """The request that ``request_values`` took apart."""
    values = dict(values or {})
    values["prompts"] = tuple(values["prompts"])
    if values.get("region_s") is not None:
        values["region_s"] = tuple(values["region_s"])
    return Request(**values)


def done_parts(task: str, done: Done) -> dict[str, str]:
    """The files of a job by part, what the task hands back first; one prompt was asked, so there is one result."""
    result = done.results[0]
    parts = {part: path for part, path in (("stem", result.stem), ("rest", result.rest)) if path}
    return dict(sorted(parts.items(), key=lambda part: part[0].upper() != TASKS[task].answer.name))


def done_reply(task: str, done: Done) -> tuple[Any, ...]:
    """Arguments of ``done`` after the id."""
    result = done.results[0]
    paths = list(done_parts(task, done).values())
    null_db = NO_FIGURE if result.null_db is None else result.null_db
    position = str(result.start_samples), str(result.length_samples)
    return (len(paths), paths, null_db, result.presence, *position, result.rate_hz)


def said(error: BaseException) -> tuple[str, str]:
    """Code and sentence of what kept a job from being taken on."""
    match error:
        case PathRefused():
            return "path", str(error)
        case Refused():
            return error.code, str(error)
        case ClipError():
            return "clip", str(error)
        case EngineError():
            kinds = (kind.__name__ for kind in type(error).__mro__)
            return next((CODE_OF[kind] for kind in kinds if kind in CODE_OF), "internal"), str(error)
        case OSError():
            return "output", f"the input could not be brought into safety ({error.strerror}); make room and ask again"
        case _:
            log.error("a job could not be prepared", exc_info=error)
            return "internal", f"a fault of the bridge ({type(error).__name__}); its log tells more"
