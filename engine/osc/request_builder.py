"""Build the engine's request from the values of a message."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from engine import (
    EXAMPLE_KINDS,
    IN_SAMPLES,
    TASKS,
    Place,
    Request,
    RequestError,
    example_in_seconds,
    length_of,
    list_bundles,
    list_chains,
    rate_of,
    region_fields,
    region_in_seconds,
    region_of,
    without_part,
)
from engine.osc.chain_renders import RenderRequest
from engine.osc.job_replies import JobRefused
from engine.osc.journal import JournalEntry
from engine.osc.protocol.specs import at
from engine.osc.protocol.task_arguments import INPUT_ARGUMENTS, PROMPTS_APART, arguments_of


def build_request(entry: JournalEntry, inputs: dict[str, str | None], out: Path, bundle: str) -> Request:
    """Build the request of a job.

    Args:
        inputs: private paths of ``input``, ``rest``, ``notes`` and the examples by their kind; None for none.
        bundle: taken when the message named none.

    Raises:
        JobRefused: a bundle was named that is not installed, or regions that are none.
        RequestError: places in samples of a file whose rate is not known.
    """
    asked = entry.asked
    named = str(asked.get("bundle") or bundle)
    if asked.get("bundle") and named not in list_bundles():  # a path would let a sender load what it likes
        raise JobRefused("bundle", f"no bundle {named[:80]} is installed; see {at('bundles')}")
    values: dict[str, Any] = {
        argument.option: argument.value_of(asked[argument.argument_name])
        for argument in arguments_of(TASKS[entry.task])
        if argument.argument_name in asked
    }
    values["chain_on"] = values.get("chain_on") or ""
    for name in ("chain", "chain_before"):
        _check_chain(str(values.get(name, "")))
    values |= region_fields(_regions_s(asked, inputs["input"]))
    values |= {"task": entry.task, "prompts": _prompts(entry), "out": str(out), "bundle": named}
    values |= {name: inputs[name] for name in ("input", "rest")} | {"notes_file": inputs.get("notes")}
    values["examples"] = tuple(
        _example(kind, str(asked[kind]), path) for kind in EXAMPLE_KINDS if (path := inputs.get(kind))
    )
    return Request(**values)


def build_render(entry: JournalEntry, path: str, out: Path) -> RenderRequest:
    """Build the request of a render.

    Args:
        path: private path of its input.

    Raises:
        JobRefused: its chain cannot be used.
    """
    _check_chain(str(entry.asked["chain"]))
    return RenderRequest.of(entry.asked, path, out)


def _check_chain(asked: str) -> None:
    """A chain is named or given; a path would let a sender read what it likes.

    Raises:
        JobRefused: it is something else.
    """
    if asked and not asked.lstrip().startswith("{") and asked not in list_chains():
        raise JobRefused("request", f"no chain {asked[:80]!a} is known; see {at('plugins/chains')}, or send its JSON")


def inputs_of(entry: JournalEntry, spool: Path, pinned: Callable[[str, Path], str]) -> dict[str, str | None]:
    """Pin the files that a message names under private names.

    Args:
        spool: private folder of the job.
        pinned: puts a file into a folder below it, which is made, and gives its private path.

    Returns:
        Private paths by argument, None where there is none.
    """
    named = {name: str(entry.asked.get(name, "")) for name in INPUT_ARGUMENTS}
    named |= {kind: without_part(named[kind])[0] for kind in EXAMPLE_KINDS}
    needed = [name for name, text in named.items() if text or (name == "input" and name in entry.asked)]
    return dict.fromkeys(named) | {name: pinned(named[name], spool / name) for name in needed}


def _prompts(entry: JournalEntry) -> tuple[str, ...]:
    """The prompts of a message; none where it has only an example or a set of stems."""
    text, asked = str(entry.asked["prompt"]), entry.asked
    in_a_set = asked.get("stems", "none") != "none"
    several = TASKS[entry.task].together or in_a_set or asked.get("other")
    found = text.split(PROMPTS_APART) if several else [text]
    named_otherwise = in_a_set or any(asked.get(kind) for kind in EXAMPLE_KINDS)
    return () if named_otherwise and not text.strip() else tuple(prompt.strip() for prompt in found)


def _example(kind: str, text: str, path: str) -> str:
    """An example as the engine takes it; the ends of its part may be in samples of its own sound."""
    return example_in_seconds(f"{kind}:{path}{without_part(text)[1]}")


def _regions_s(asked: dict[str, Any], path: str | None) -> list[tuple[float, float]]:
    """All regions: those of ``regions``, else the one from ``start`` to ``end``, where an end of 0 is the file's."""
    text = str(asked.get("regions", ""))
    try:
        found = [region_of(word) for word in text.split()]
    except RequestError:
        words = "are no regions; give starts and ends in seconds, as 8-16 24-32.5, or in samples, as"
        raise JobRefused("request", f"{text[:80]!a} {words} 352800{IN_SAMPLES}-705600{IN_SAMPLES}") from None
    if found:
        return [region_in_seconds(region, path) for region in found]
    start_s, end_s = _seconds(asked.get("start", 0.0), path), _seconds(asked.get("end", 0.0), path)
    if path is None or (start_s == 0.0 and end_s == 0.0):
        return []
    if end_s == 0.0:
        whole_s = length_of(path)
        if whole_s is None:
            return []  # the engine says what is wrong with the file
        end_s = whole_s
    return [(start_s, end_s)]


def _seconds(place: str | float, path: str | None) -> float:
    """A place of a message in seconds; one in samples is counted at the rate of the input."""
    return Place.of(place).seconds(lambda: rate_of(path)) if isinstance(place, str) else place
