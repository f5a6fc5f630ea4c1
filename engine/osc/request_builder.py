"""From the values of a message to what the engine is asked, and from what it says to the values of a reply.

Knows nothing of sessions, queues or packets.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import soundfile

from engine import TASKS, Done, EngineError, Request, list_bundles
from engine.osc.clip_pieces import ClipError
from engine.osc.journal import JournalEntry
from engine.osc.paths import PathRefused
from engine.osc.protocol.requests import EXAMPLE_KINDS, NO_FIGURE, PROMPTS_APART, at

log = logging.getLogger(__name__)

_FILES = ("input", "rest", *EXAMPLE_KINDS)  # arguments that name a file, and folders of the spool
_PART = re.compile(r"#t=[0-9.,]+$")
_REGION = re.compile(r"(\d+\.?\d*)-(\d+\.?\d*)")

CODE_OF = {
    "RequestError": "request",
    "AudioError": "audio",
    "ExampleError": "example",
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


def build_request(entry: JournalEntry, inputs: dict[str, str | None], out: Path, bundle: str) -> Request:
    """What the engine is asked.

    Args:
        entry: the job.
        inputs: private paths of ``input``, ``rest`` and the examples by their kind, None where there is none.
        out: folder of the results.
        bundle: taken when the message named none.

    Raises:
        Refused: a bundle was named that is not installed, or regions that are none.
    """
    asked = entry.asked
    regions_s = _regions_s(str(asked.get("regions", "")))
    candidates = int(asked.get("candidates", 1))
    named = str(asked.get("bundle") or bundle)
    if asked.get("bundle") and named not in list_bundles():  # a path would let a sender load what it likes
        raise Refused("bundle", f"no bundle {named[:80]} is installed; see {at('bundles')}")
    return Request(
        task=entry.task,
        prompts=_prompts(entry),
        input=inputs["input"],
        rest=inputs["rest"],
        out=str(out),
        region_s=None if regions_s else _region_s(asked, inputs["input"]),
        regions_s=regions_s,
        seconds=float(asked["seconds"]) if "seconds" in asked else None,
        bundle=named,
        render=cast(Any, asked.get("render", "masked")),
        steps=int(asked["steps"]) or None,
        guidance=None if float(asked["guidance"]) < 0 else float(asked["guidance"]),
        seed=int(asked["seed"]),
        format=cast(Any, asked["format"]),
        examples=tuple(_example(kind, str(asked[kind]), path) for kind in EXAMPLE_KINDS if (path := inputs.get(kind))),
        example_weight=float(asked.get("weight", 0.5)),
        mix_prompt=str(asked.get("mix_prompt", "")),
        rest_prompt=str(asked.get("rest_prompt", "")),
        strength=None if float(asked.get("strength", -1)) < 0 else float(asked["strength"]),
        temperature=None if float(asked.get("temperature", -1)) < 0 else float(asked["temperature"]),
        replacement=str(asked.get("replacement", "")),
        candidates=candidates,
        start="noise" if candidates > 1 else None,  # from zeros they would all be the same
        keep_order=bool(asked.get("keep_order", 0)),
        slot=str(asked.get("slot", "")),
    )


def inputs_of(entry: JournalEntry, spool: Path, pinned: Callable[[str, Path], str]) -> dict[str, str | None]:
    """Bring the files a message names into safety.

    Args:
        entry: the job.
        spool: private folder of the job.
        pinned: puts a file into a folder below it, which is made, and gives its private path.

    Returns:
        Private paths by argument, None where there is none.
    """
    named = {name: str(entry.asked.get(name, "")) for name in _FILES}
    named |= {kind: _PART.sub("", named[kind]) for kind in EXAMPLE_KINDS}
    needed = [name for name, text in named.items() if text or (name == "input" and name in entry.asked)]
    return dict.fromkeys(named) | {name: pinned(named[name], spool / name) for name in needed}


def _prompts(entry: JournalEntry) -> tuple[str, ...]:
    """The prompts of a message; none where it has only an example."""
    said = str(entry.asked["prompt"])
    found = said.split(PROMPTS_APART) if TASKS[entry.task].together else [said]
    exemplified = any(entry.asked.get(kind) for kind in EXAMPLE_KINDS)
    return () if exemplified and not said.strip() else tuple(prompt.strip() for prompt in found)


def _example(kind: str, text: str, path: str) -> str:
    part = _PART.search(text)
    return f"{kind}:{path}{part[0] if part else ''}"


def _regions_s(text: str) -> tuple[tuple[float, float], ...]:
    found = [_REGION.fullmatch(word) for word in text.split()]
    if not all(found):
        raise Refused("request", f"{text[:80]!a} are no regions; give starts and ends in seconds, as 8-16 24-32.5")
    return tuple((float(match[1]), float(match[2])) for match in found if match)


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
    for name in ("prompts", "region_s", "examples", "guide"):
        if values.get(name) is not None:
            values[name] = tuple(values[name])
    values["regions_s"] = tuple(map(tuple, values.get("regions_s", ())))
    return Request(**values)


def done_parts(task: str, done: Done) -> dict[str, str]:
    """The files of a job by part, answer by answer, the best first; what the task hands back stands before the rest."""
    parts: dict[str, str] = {}
    for number, result in enumerate(done.results, start=1):
        answer = TASKS[result.task or task].answer.name
        files = {"mix": result.mix, "stem": result.stem, "rest": result.rest}
        for part in sorted(files, key=lambda part: (part != "mix", part.upper() != answer)):
            path = files[part]
            if path and path not in parts.values():
                parts[part if number == 1 else f"{part}.{number}"] = path
    return parts


def part_of(parts: dict[str, str], asked: str) -> str | None:
    """The file of a finished job by the name of the part, or by its number among the paths of ``done``."""
    paths = [path for part, path in parts.items() if part != "edited"]
    number = int(asked) if asked.isdecimal() and len(asked) < 5 else 0
    return parts.get(asked) or (paths[number - 1] if 0 < number <= len(paths) else None)


def without_folders(text: str, spool: str) -> str:
    """A sentence of the engine without the names of a job's private folders."""
    for folder in _FILES if spool else ():
        text = text.replace(f"{Path(spool) / folder}/", "")
    return text


def reply_args(name: str, args: tuple[Any, ...]) -> tuple[Any, ...]:
    """Arguments as they are sent, after the id; lists come from the journal."""
    return (name, *(tuple(value) if isinstance(value, list) else value for value in args))


def done_reply(task: str, done: Done) -> tuple[Any, ...]:
    """Arguments of ``done`` after the id."""
    result = done.results[0]
    paths = list(done_parts(task, done).values())
    null_db = NO_FIGURE if result.null_db is None else result.null_db
    position = str(result.start_samples), str(result.length_samples)
    return (len(paths), paths, null_db, result.presence, *position, result.rate_hz)


def error_reply(error: BaseException) -> tuple[str, str]:
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
