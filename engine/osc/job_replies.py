"""What is said of a job: codes and sentences of what failed, paths and figures of what was made."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

from engine import TASKS, Done, EngineError, StemResult
from engine.osc.clip_store import ClipError
from engine.osc.paths import PathRefused
from engine.osc.protocol.arguments import Plain
from engine.osc.protocol.specs import NO_FIGURE, at
from engine.osc.protocol.task_arguments import INPUT_ARGUMENTS

log = logging.getLogger(__name__)

ReplyValue = Plain | tuple[Plain, ...]

CODE_OF = {
    "RequestError": "request",
    "AudioError": "audio",
    "ExampleError": "example",
    "NotHeard": "absent",
    "BundleError": "bundle",
    "BundleDamaged": "bundle",
    "BundleTooNew": "bundle",
    "OutputError": "output",
    "DeviceError": "device",
    "DeviceLost": "device",
    "HostError": "engine",
    "HostHung": "engine",
}


class JobRefused(Exception):
    """A job that is not taken on; the code is one of ``replies.CODES``."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(text)
        self.code = code


def error_reply(error: BaseException) -> tuple[str, str]:
    """Code and sentence of what kept a job from being taken on."""
    match error:
        case PathRefused():
            return "path", str(error)
        case JobRefused():
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


def reply_args(id: str, args: tuple[Any, ...]) -> tuple[ReplyValue, ...]:
    """Arguments as they are sent, the id first; lists come from the journal."""
    return (id, *(tuple(value) if isinstance(value, list) else value for value in args))


def done_reply(task: str, done: Done) -> tuple[Any, ...]:
    """Arguments of ``done`` after the id."""
    result = done.results[0]
    paths = list(sounds_of(done_parts(task, done)).values())
    null_db = NO_FIGURE if result.null_db is None else result.null_db
    position = str(result.start_samples), str(result.length_samples)
    understood = "; ".join(dict.fromkeys(one.understood for one in done.results if one.understood))
    return (len(paths), paths, null_db, result.presence, *position, result.rate_hz, understood)


def done_parts(task: str, done: Done) -> dict[str, str]:
    """The files of a job by part, answer by answer, the best first; what the task hands back stands before the rest.

    A MIDI file of the notes that an answer plays is its part ``midi``.
    """
    parts: dict[str, str] = {}
    for number, result in enumerate(done.results, start=1):
        rule = TASKS.get(result.task or task)  # None for what is no task: a render has one file, its stem
        answer = rule.answer.name if rule else "STEM"
        files = {"mix": result.mix, "stem": result.stem, "rest": result.rest}
        for part in sorted(files, key=lambda part: (part != "mix", part.upper() != answer)):
            path = files[part]
            if path and path not in parts.values():
                parts[_numbered(part, number)] = path
        if result.midi:
            parts[_numbered("midi", number)] = result.midi
    return parts


def _numbered(part: str, answer: int) -> str:
    return part if answer == 1 else f"{part}.{answer}"


def sounds_of(parts: dict[str, str]) -> dict[str, str]:
    """The sounds that a job made, as ``done`` names them: without MIDI files and what was edited by hand."""
    return {part: path for part, path in parts.items() if part.partition(".")[0] not in ("edited", "midi", "notes")}


def about_midi(result: StemResult) -> tuple[str, ...]:
    """Where the notes of an answer are, as a sentence; none where it has no MIDI file."""
    if not result.midi:
        return ()
    return (f"the notes that are played are in {Path(result.midi).name}, beside the sound; {at('clip/get')} has them",)


def part_of(parts: dict[str, str], asked: str) -> str | None:
    """The file of a finished job by the name of the part, or by its number among the paths of ``done``."""
    paths = list(sounds_of(parts).values())
    number = int(asked) if asked.isdecimal() and len(asked) < 5 else 0
    return parts.get(asked) or (paths[number - 1] if 0 < number <= len(paths) else None)


def without_folders(text: str, spool: str) -> str:
    """A sentence of the engine without the names of a job's private folders."""
    for folder in INPUT_ARGUMENTS if spool else ():
        text = text.replace(f"{Path(spool) / folder}/", "")
    return text
