"""From the values of a message to the request that the engine is asked."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import soundfile

from engine import TASKS, Request, list_bundles
from engine.osc.job_replies import Refused
from engine.osc.journal import JournalEntry
from engine.osc.protocol.requests import EXAMPLE_KINDS, INPUT_ARGUMENTS, PROMPTS_APART, at

_PART = re.compile(r"#t=[0-9.,]+$")
_REGION = re.compile(r"(\d+\.?\d*)-(\d+\.?\d*)")


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
    named = {name: str(entry.asked.get(name, "")) for name in INPUT_ARGUMENTS}
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
