"""Refuse a request that cannot work.

``Engine.submit`` checks the values, by the options table, before any process is started; the engine process checks
the files when the turn of the job comes. Both are cheap. What is inside a file is checked where it is read. Every
complaint says what was asked, what is allowed and what to do.
"""

from __future__ import annotations

import itertools
import math
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from engine.audio.file_names import check_template
from engine.errors import AudioError, OutputError, RequestError
from engine.latents import Slot
from engine.media.reference import MediaExample, check_example_files
from engine.optional_packages import check_packages
from engine.options import Kind, Option
from engine.request import OPTIONS, SHORTEST_REGION_S, Request
from engine.stem_sets import with_set_prompts
from engine.tasks import Span, TaskRule, rule_of
from engine.text.encoder import check_prompt

ANSWERS_LIMIT = 256  # each is a few open files until all of them are done
SLACK_S = 5e-4  # a length that was rounded, for display or to whole samples, still fits


def check_values(request: Request) -> None:
    """Check everything that can be told from the request alone, and that the packages are there which it needs.

    Raises:
        RequestError: what was asked, what is allowed, what to do.
    """
    rule = rule_of(request.task, request.slot)
    if not request.prompts and not request.examples and request.stems is None:
        raise RequestError("no prompt given; say in a few words what to look for, for example violin")
    for row in OPTIONS.values():
        _check_taken(row, getattr(request, row.name), request.task, rule)
        check_option(row, getattr(request, row.name))
    check_template(request.name)
    _check_needs(request, rule)
    _check_masks(request)
    _check_voice(request, rule)
    if request.chain_on and not request.chain:
        raise RequestError("there is no chain to be on the {part}; name one", part=request.chain_on)
    _check_sums(request)
    _check_regions(request)
    _check_answers(request)
    check_packages(request)


def check_option(row: Option, value: Any) -> None:
    """Check one value by its row of the options table.

    Raises:
        RequestError: it is not allowed.
    """
    if value == row.default and type(value) is type(row.default):
        return
    if not row.many:
        _CHECKS[row.kind](row, value)
        return
    if not isinstance(value, (tuple, list)):
        raise RequestError("{option} {value!r} is not allowed; give several, in order", option=row.said, value=value)
    if row.most is not None and len(value) > row.most:
        raise RequestError(
            "{count} {option} given; at most {most} fit in one call, so make several calls",
            count=len(value), option=row.said, most=row.most,
        )  # fmt: skip
    for item in value:
        _CHECKS[row.kind](row, item)


def check_files(request: Request) -> None:
    """Check that the files and folders a request names can be used; opens no audio.

    Raises:
        AudioError: an input is missing or not a file.
        ExampleError: an example is missing, or can be none.
        OutputError: results cannot be put where they were asked for.
    """
    for path in (request.input, request.rest, request.notes_file or None):
        if path is not None:
            _check_input(path)
    check_example_files(request.examples)
    _check_output(request.out)
    if request.cache:
        _check_output(request.cache)


def _check_whole(row: Option, value: Any) -> None:
    low, high = row.limits
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise RequestError(
            "{option} {value!r} is not allowed; give a whole number from {low} to {high}",
            option=row.said, value=value, low=low, high=high,
        )  # fmt: skip


def _check_number(row: Option, value: Any) -> None:
    low, high = row.limits
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not low <= value <= high:  # nan fails too
        raise RequestError(
            "{option} {value!r} is not allowed; give a number from {low:g} to {high:g}",
            option=row.said, value=value, low=low, high=high,
        )  # fmt: skip


def _check_choice(row: Option, value: Any) -> None:
    if not row.allows(value):
        choices = ", ".join(row.choices)
        raise RequestError(
            "unknown {option} {value!r}; choose one of {choices}", option=row.said, value=value, choices=choices
        )


def _check_flag(row: Option, value: Any) -> None:
    if not isinstance(value, bool):
        raise RequestError("{option} {value!r} is not allowed; give true or false", option=row.said, value=value)


def _check_text(row: Option, value: Any) -> None:
    if not isinstance(value, str):
        raise RequestError(_WANTED.get(row.kind, _WANTED["words"]), option=row.said, value=value)


_WANTED: dict[Kind, str] = {
    "name": "{option} {value!r} is not allowed; give the name of one",
    "file": "{option} {value!r} is not allowed; give a path",
    "folder": "{option} {value!r} is not allowed; give a path",
    "words": "{option} {value!r} is not allowed; give words",
}


def _check_words(row: Option, value: Any) -> None:
    _check_text(row, value)
    check_prompt(value)


def _check_example(row: Option, value: Any) -> None:
    _check_text(row, value)
    MediaExample.of(value)


def _check_region(row: Option, value: Any) -> None:
    check_region(value)


_CHECKS: dict[Kind, Callable[[Option, Any], None]] = {
    "whole": _check_whole,
    "number": _check_number,
    "flag": _check_flag,
    "choice": _check_choice,
    "words": _check_words,
    "name": _check_text,
    "file": _check_text,
    "folder": _check_text,
    "example": _check_example,
    "region": _check_region,
}


def _check_taken(row: Option, value: Any, task: str, rule: TaskRule) -> None:
    if row.refusal and value not in (row.default, row.idle) and not row.takes(rule):
        able = " or ".join(row.tasks)
        raise RequestError(row.refusal, task=task, option=row.said, able=able, value=value)


def _check_needs(request: Request, rule: TaskRule) -> None:
    task = request.task
    if rule.input_slot is not None and not request.input:
        slot = rule.input_slot.name.lower()
        raise RequestError("{task} needs an audio file (the {slot}); give its path", task=task, slot=slot)
    if rule.span is Span.REQUIRED and not request.regions:
        raise RequestError(
            "{task} needs the region to fill; give start and end in seconds, for example 12.5-20", task=task
        )
    if rule.prompt_slot is Slot.MIX and request.mix_prompt:
        raise RequestError(
            "with the slot mix the prompt itself is about the mix; leave {words!r} out", words=request.mix_prompt
        )
    if rule.replaces and not request.prompts:
        raise RequestError("replace needs to know what to take out; say so in a few words, for example violin")
    if rule.replaces and not (request.replacement or request.examples):
        raise RequestError("replace needs to know what to put in the place; say so in a few words, for example trumpet")


def _check_masks(request: Request) -> None:
    if request.sensitivity != OPTIONS["sensitivity"].default and request.render == "decoded":
        raise RequestError("decoded audio has no mask to be sensitive with; choose the render masked or flow")
    if request.expert and request.render != "masked":
        raise RequestError("experts answer with masks; choose the render masked, or leave the expert out")


def _check_voice(request: Request, rule: TaskRule) -> None:
    if (request.voice == "sampled" or request.notes_file) and rule.answer is not Slot.STEM:
        raise RequestError(
            "recorded instruments play a stem, not the {slot}; leave the slot out, or choose the voice flow",
            slot=rule.answer.name.lower(),
        )  # fmt: skip
    if request.notes_file and request.voice == "flow":
        raise RequestError("only recorded instruments play the notes of a file; choose the voice sampled")


def _check_sums(request: Request) -> None:
    if not request.adds_up:
        return
    if request.chain_on == "rest":
        raise RequestError("stems that add up to the mix leave a stem, not a rest; leave out what the chain is on")
    if request.render == "decoded":
        raise RequestError("decoded audio does not add up to the mix; choose the render masked or flow")
    if request.candidates > 1:
        raise RequestError(
            "stems that add up to the mix are one answer, not {count} candidates; leave the candidates out",
            count=request.candidates,
        )
    if request.stems is not None and request.examples:
        raise RequestError(
            "the set of stems {stems} is known by its names and takes no examples; leave the examples out, or name "
            "the stems one by one", stems=request.stems,
        )  # fmt: skip


def _check_regions(request: Request) -> None:
    if request.region_s is not None and request.regions_s:
        raise RequestError("a region was given twice, as one and in a list; give it once")
    in_order = sorted(request.regions)
    for (start_s, end_s), (next_s, last_s) in itertools.pairwise(in_order):
        if next_s < end_s:
            raise RequestError(
                "regions {start_s:g}-{end_s:g} s and {next_s:g}-{last_s:g} s overlap; give one region for both",
                start_s=start_s, end_s=end_s, next_s=next_s, last_s=last_s,
            )  # fmt: skip


def _check_answers(request: Request) -> None:
    regions = len(request.regions_s) if rule_of(request.task).span is Span.NO else 1  # else all are in one file
    answers = (
        max(len(with_set_prompts(request.stems, request.prompts)) + request.adds_up, 1)
        * max(regions, 1)
        * request.candidates
    )
    if answers > ANSWERS_LIMIT:
        raise RequestError(
            "prompts, regions and candidates make {answers} answers; at most {most} fit in one call, "
            "so make several calls", answers=answers, most=ANSWERS_LIMIT,
        )  # fmt: skip


def check_region(region_s: tuple[float, float]) -> None:
    """Check that a region goes forward and is long enough.

    Raises:
        RequestError: it does not.
    """
    start_s, end_s = region_s
    shortest_s = SHORTEST_REGION_S - SLACK_S
    if not (math.isfinite(start_s) and math.isfinite(end_s) and start_s >= 0 and end_s - start_s >= shortest_s):
        raise RequestError(
            "region {start_s:g}-{end_s:g} s is not allowed; choose a start of 0 or later and an end at least "
            "{shortest_s:g} s after it", start_s=start_s, end_s=end_s, shortest_s=SHORTEST_REGION_S,
        )  # fmt: skip


def _check_input(path: str) -> None:
    if "\0" in path:
        raise AudioError("{path!r} is not a file name; give the path of an audio file", path=path)
    if not os.path.exists(path):
        raise AudioError("there is no file {path}; check the path", path=path)
    if not os.path.isfile(path):
        raise AudioError("{path} is not a file; give the path of an audio file", path=path)
    if not os.access(path, os.R_OK):
        raise AudioError("{path} may not be read; ask for read permission or copy it", path=path)


def absolute(path: str) -> str:
    """The path seen from the root.

    Raises:
        RequestError: it starts in the current folder, and that is gone.
    """
    try:
        return os.path.abspath(path)
    except OSError as error:
        raise RequestError(
            "the current folder is gone, so {path} is nowhere; change to another one", path=path
        ) from error


def _check_output(out: str) -> None:
    if "\0" in out:
        raise OutputError("{out!r} is not a folder name; choose another folder", out=out)
    folder = Path(absolute(out))
    there = next(folder for folder in (folder, *folder.parents) if os.path.lexists(folder))
    if not there.is_dir():
        raise OutputError("cannot write to {out}: {there} is not a folder; choose another folder", out=out, there=there)
    if not os.access(there, os.W_OK | os.X_OK):
        raise OutputError(
            "cannot write to {out}: {there} may not be written to; choose another folder", out=out, there=there
        )
