"""Refuse a request that cannot work, before any process is started or any file is opened.

Everything here is cheap: values first, then whether the files are there. What is inside a file is checked where it is
read. Every complaint says what was asked, what is allowed and what to do.
"""

from __future__ import annotations

import itertools
import math
import os
from collections.abc import Iterable
from pathlib import Path
from typing import get_args

from engine.bundle.bundle import load_bundle
from engine.bundle.library import find_bundle
from engine.errors import AudioError, OutputError, RequestError
from engine.latents import Slot
from engine.media.reference import Example, check_example_files
from engine.messages import (
    CONDITIONS,
    GUIDANCE_LIMIT,
    STEPS_LIMIT,
    TEMPERATURE_LIMIT,
    Device,
    Format,
    Render,
    Request,
    Start,
)
from engine.tasks import TASKS, Rule, Span, rule_of
from engine.text.encoder import check_prompt

PROMPTS_LIMIT = 64
EXAMPLES_LIMIT = 16
REGIONS_LIMIT = 64
CANDIDATES_LIMIT = 32
ANSWERS_LIMIT = 256  # each is a few open files until all of them are done
SEED_LIMIT = 2**63 - 1
SECONDS_LIMIT = 600.0
BATCH_LIMIT_WINDOWS = 4096
SHORTEST_REGION_S = 0.01
EVEN = 0.5  # the sensitivity that leaves masks as they are
SLACK_S = 5e-4  # a length that was rounded, for display or to whole samples, still fits


def check_request(request: Request) -> None:
    """Both kinds of checks below.

    Raises:
        RequestError, AudioError, BundleError, OutputError: one clear sentence.
    """
    check_values(request)
    check_files(request)


def check_values(request: Request) -> None:
    """Check everything that can be told from the request alone; touches no disk.

    Raises:
        RequestError: what was asked, what is allowed, what to do.
    """
    rule = rule_of(request.task, request.slot)
    _check_prompts(request)
    _check_choices(request)
    _check_numbers(request)
    _check_fit(request, rule)
    _check_time(request, rule)
    _check_answers(request)


def check_files(request: Request) -> None:
    """Check that the files and folders a request names can be used; opens no audio.

    Raises:
        AudioError: an input is missing or not a file.
        ExampleError: an example is missing, or can be none.
        BundleError: no such bundle, or its manifest makes no sense.
        OutputError: results cannot be put where they were asked for.
    """
    for path in (request.input, request.rest):
        if path is not None:
            _check_input(path, "an audio file")
    check_example_files(request.examples)
    load_bundle(find_bundle(request.bundle), check_hashes=False)
    _check_output(request.out)


def _check_prompts(request: Request) -> None:
    if not request.prompts and not request.examples:
        raise RequestError("no prompt given; say in a few words what to look for, for example violin")
    for what, given, limit in (
        ("prompts", request.prompts, PROMPTS_LIMIT),
        ("examples", request.examples, EXAMPLES_LIMIT),
        ("regions", request.regions_s, REGIONS_LIMIT),
    ):
        if len(given) > limit:
            raise RequestError(f"{len(given)} {what} given; at most {limit} fit in one call, so make several calls")
    for prompt in request.prompts:
        check_prompt(prompt)
    for example in request.examples:
        Example.of(example)
    for words in (request.mix_prompt, request.rest_prompt, request.replacement):
        if words:
            check_prompt(words)


def _check_choices(request: Request) -> None:
    _check_choice("device", request.device, get_args(Device))
    _check_choice("render", request.render, get_args(Render))
    _check_choice("format", request.format, get_args(Format))
    if request.start is not None:
        _check_choice("start", request.start, get_args(Start))
    for condition in request.guide:
        _check_choice("condition to guide by", condition, CONDITIONS)


def _check_expert(request: Request, rule: Rule) -> None:
    if not isinstance(request.expert, str):
        raise RequestError(f"expert {request.expert!r} is not allowed; give the name of one")
    if request.expert and not (rule.masked or request.task == "replace"):
        able = " or ".join(name for name, row in TASKS.items() if row.masked)
        raise RequestError(f"{request.task} takes no expert; leave it out, or choose {able}")
    if request.expert and request.render != "masked":
        raise RequestError("experts answer with masks; choose the render masked, or leave the expert out")


def _check_choice(what: str, value: object, allowed: Iterable[str]) -> None:
    allowed = list(allowed)
    if value not in allowed:
        raise RequestError(f"unknown {what} {value!r}; choose one of {', '.join(allowed)}")


def _check_numbers(request: Request) -> None:
    if request.steps is not None:
        _check_whole("steps", request.steps, 1, STEPS_LIMIT)
    if request.batch_windows is not None:
        _check_whole("batch_windows", request.batch_windows, 1, BATCH_LIMIT_WINDOWS)
    _check_whole("candidates", request.candidates, 1, CANDIDATES_LIMIT)
    _check_whole("seed", request.seed, 0, SEED_LIMIT)
    _check_range("example_weight", request.example_weight, 0.0, 1.0)
    _check_range("sensitivity", request.sensitivity, 0.0, 1.0)
    if request.strength is not None:
        _check_range("strength", request.strength, 0.0, 1.0)
    if request.guidance is not None:
        _check_range("guidance", request.guidance, 0.0, GUIDANCE_LIMIT)
    if request.temperature is not None:
        _check_range("temperature", request.temperature, 0.0, TEMPERATURE_LIMIT)
    if request.seconds is not None:
        _check_range("seconds", request.seconds, SHORTEST_REGION_S, SECONDS_LIMIT)


def _check_whole(what: str, value: object, low: int, high: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise RequestError(f"{what} {value!r} is not allowed; give a whole number from {low} to {high}")


def _check_range(what: str, value: object, low: float, high: float) -> None:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not low <= value <= high:  # nan fails too
        raise RequestError(f"{what} {value!r} is not allowed; give a number from {low:g} to {high:g}")


def _check_fit(request: Request, rule: Rule) -> None:
    task = request.task
    if rule.input_slot is None and request.input is not None:
        raise RequestError(f"{task} makes sound from the prompt alone and takes no file; leave {request.input} out")
    if rule.input_slot is not None and not request.input:
        raise RequestError(f"{task} needs an audio file (the {rule.input_slot.name.lower()}); give its path")
    if rule.prompt_slot is Slot.MIX and request.mix_prompt:
        raise RequestError(f"with the slot mix the prompt itself is about the mix; leave {request.mix_prompt!r} out")
    if request.rest is not None and not rule.rest_optional:
        raise RequestError(f"{task} takes no rest file; leave it out")
    if request.strength is not None and rule.strength is None:
        raise RequestError(f"{task} takes no strength; leave it out, or choose restyle or replace")
    if request.sensitivity != EVEN and not rule.masked:
        able = " or ".join(name for name, row in TASKS.items() if row.masked)
        raise RequestError(f"{task} takes no sensitivity; leave it out, or choose {able}")
    if request.sensitivity != EVEN and request.render == "decoded":
        raise RequestError("decoded audio has no mask to be sensitive with; choose the render masked or flow")
    _check_expert(request, rule)
    if task == "replace" and not request.prompts:
        raise RequestError("replace needs to know what to take out; say so in a few words, for example violin")
    if task == "replace" and not (request.replacement or request.examples):
        raise RequestError("replace needs to know what to put in the place; say so in a few words, for example trumpet")
    if task != "replace" and request.replacement:
        raise RequestError(f"{task} puts nothing in the place of its prompt; leave the replacement out")
    if task != "arrange" and request.keep_order:
        raise RequestError(f"{task} makes its stems apart, in the order of the prompts; leave the order out")


def _check_time(request: Request, rule: Rule) -> None:
    task = request.task
    makes_length = rule.makes_s is not None
    if not makes_length and request.seconds is not None:
        raise RequestError(f"{task} keeps the length of its file; leave seconds out, or give a region")
    if makes_length and request.regions:
        raise RequestError(f"{task} takes no region; leave it out")
    if rule.span is Span.REQUIRED and not request.regions:
        raise RequestError(f"{task} needs the region to fill; give start and end in seconds, for example 12.5-20")
    if request.region_s is not None and request.regions_s:
        raise RequestError("a region was given twice, as one and in a list; give it once")
    for region_s in request.regions:
        check_region(region_s)
    in_order = sorted(request.regions)
    for (start_s, end_s), (next_s, last_s) in itertools.pairwise(in_order):
        if next_s < end_s:
            raise RequestError(
                f"regions {start_s:g}-{end_s:g} s and {next_s:g}-{last_s:g} s overlap; give one region for both"
            )


def _check_answers(request: Request) -> None:
    regions = len(request.regions_s) if rule_of(request.task).span is Span.NO else 1  # else all are in one file
    answers = max(len(request.prompts), 1) * max(regions, 1) * request.candidates
    if answers > ANSWERS_LIMIT:
        raise RequestError(
            f"prompts, regions and candidates make {answers} answers; at most {ANSWERS_LIMIT} fit in one call, "
            "so make several calls"
        )


def check_region(region_s: tuple[float, float]) -> None:
    """Check that a region goes forward and is long enough.

    Raises:
        RequestError: it does not.
    """
    start_s, end_s = region_s
    shortest_s = SHORTEST_REGION_S - SLACK_S
    if not (math.isfinite(start_s) and math.isfinite(end_s) and start_s >= 0 and end_s - start_s >= shortest_s):
        raise RequestError(
            f"region {start_s:g}-{end_s:g} s is not allowed; choose a start of 0 or later and an end at least "
            f"{SHORTEST_REGION_S:g} s after it"
        )


def _check_input(path: str, wanted: str) -> None:
    if "\0" in path:
        raise AudioError(f"{path!r} is not a file name; give the path of {wanted}")
    if not os.path.exists(path):
        raise AudioError(f"there is no file {path}; check the path")
    if not os.path.isfile(path):
        raise AudioError(f"{path} is not a file; give the path of {wanted}")
    if not os.access(path, os.R_OK):
        raise AudioError(f"{path} may not be read; ask for read permission or copy it")


def absolute(path: str) -> str:
    """The path seen from the root.

    Raises:
        RequestError: it starts in the current folder, and that is gone.
    """
    try:
        return os.path.abspath(path)
    except OSError as error:
        raise RequestError(f"the current folder is gone, so {path} is nowhere; change to another one") from error


def _check_output(out: str) -> None:
    if "\0" in out:
        raise OutputError(f"{out!r} is not a folder name; choose another folder")
    folder = Path(absolute(out))
    there = next(folder for folder in (folder, *folder.parents) if os.path.lexists(folder))
    if not there.is_dir():
        raise OutputError(f"cannot write to {out}: {there} is not a folder; choose another folder")
    if not os.access(there, os.W_OK | os.X_OK):
        raise OutputError(f"cannot write to {out}: {there} may not be written to; choose another folder")
