"""From a filled-in prompt bar to a request for the engine, by the engine's tables of tasks and options."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

from desktop.models.project import Lane, Project, Regions
from engine import (
    OPTIONS,
    TASKS,
    Request,
    RequestError,
    Slot,
    TaskRule,
    region_fields,
    request_from_json,
    request_to_json,
    rule_of,
)

PROMPT_SEPARATOR = ","
MADE_SEPARATOR = " · "
MADE = {"mix": "the whole mix", "rest": "the others"}  # what is made in the place of a stem


NOTHING_SAID = {
    "isolate": "say in a few words what to look for, for example violin",
    "remove": "say in a few words what to remove, for example vocals",
    "regenerate": "say in a few words what to play instead, for example electric guitar",
    "generate": "say in a few words what to make, for example a slow cello line",
    "inpaint": "say in a few words what plays in the region, for example piano",
    "extend": "say in a few words what to continue, for example synth bass",
    "restyle": "say in a few words what to play it on, for example trumpet",
    "replace": "say in a few words what to replace, for example violin",
    "arrange": "say in a few words who plays in the band, for example drums, bass, piano",
}


def draft_request(task: str, text: str, **options: Any) -> Request:
    """The request that a filled-in prompt bar means, still without files, regions and a folder.

    Args:
        task: a row of ``engine.TASKS``.
        text: the prompt; commas separate several stems where the task takes several.
        options: fields of ``Request``; those that the task does not take are left out.
    """
    rule = TASKS[task]
    values = {name: value for name, value in options.items() if OPTIONS[name].takes(rule)}
    if values.get("slot") == "mix":
        values["mix_prompt"] = ""  # the prompt is about it already
    if values.get("candidates", 1) > 1:
        values["start"] = values.get("start") or "noise"  # from zeros they would all be the same
    several = rule.masked or rule.together
    prompts = (part.strip() for part in (text.split(PROMPT_SEPARATOR) if several else (text,)))
    return Request(task=task, prompts=tuple(filter(None, prompts)), **values)


@dataclass(frozen=True, slots=True, kw_only=True)
class JobPlan:
    """What a job works on, and where its result goes.

    Attributes:
        input: ``mix``, ``take`` of the lane (as it sounds now), ``others`` (the mix without the lane), or empty for
            nothing.
        rest: ``others`` or empty.
        lane: id of the lane that gets new takes; empty for new lanes.
        source_lane: id of the lane that ``take`` and ``others`` are about; empty where neither is asked for.
        regions: samples of the project, each first and past the last, in order and apart; none means all.
        offset: sample of the project at which the input begins.
        request: what was asked, without its files and regions.
        keep_files: True leaves the result files where they are, because the DAW owns them.
    """

    input: str
    rest: str
    lane: str
    regions: Regions
    offset: int
    request: Request
    source_lane: str = ""
    keep_files: bool = False


def make_plan(
    project: Project, lane: Lane | None, regions: Regions, request: Request, source_lane: str = ""
) -> JobPlan:
    """Decide what a request means for a project.

    Args:
        lane: the current one, None for the mix.
        request: as filled in.
        source_lane: id of the lane that a stem is taken out of; empty for the mix.

    Raises:
        RequestError: something is missing; the sentence says what to do.
    """
    rule = rule_of(request.task, request.slot)
    check_words(request)
    if rule.masked and (whole := project.lane(source_lane)) is not None:
        return JobPlan(
            input="take", rest="", lane="", regions=regions, offset=whole.take.start, request=request,
            source_lane=whole.id,
        )  # fmt: skip
    lane = None if lane is not None and lane.is_else else lane  # what the stems leave is no stem
    source = _input_of(rule, project, lane, request.task)
    on_lane = lane is not None and rule.answer is Slot.STEM and rule.input_slot in (Slot.STEM, Slot.REST)
    if rule.span.name == "REQUIRED" and not regions:
        raise RequestError("{task} fills a region; drag over the waveform to choose one", task=request.task)
    takes_regions = rule.input_slot is not None and rule.makes_s is None
    in_mix = lane is not None and project.source is not None and rule.prompt_slot is Slot.STEM
    beside = in_mix and rule.rest_optional and rule.input_slot is not None
    return JobPlan(
        input=source,
        rest="others" if beside else "",
        lane=lane.id if lane is not None and on_lane else "",
        source_lane=lane.id if lane is not None and (beside or source in ("take", "others")) else "",
        regions=regions if takes_regions else (),
        offset=lane.take.start if lane is not None and source == "take" else 0,
        request=request,
    )


def plan_to_json(plan: JobPlan) -> dict[str, Any]:
    """A plan as a JSON object, for jobs that are to come back after a crash."""
    values = {one.name: getattr(plan, one.name) for one in fields(plan) if one.name != "request"}
    return {**values, "request": request_to_json(plan.request)}


def plan_from_json(data: Any) -> JobPlan:
    """The plan that ``plan_to_json`` wrote.

    Raises:
        RequestError: it is none.
    """
    try:
        values = {one.name: data[one.name] for one in fields(JobPlan) if one.name in data}
        regions = tuple((int(first), int(last)) for first, last in values.pop("regions"))
        return JobPlan(**{**values, "regions": regions, "request": request_from_json(values["request"])})
    except (TypeError, ValueError, KeyError) as error:
        raise RequestError("a job that was left behind cannot be read ({reason})", reason=error) from error


def rule_for(task: str, slot: str) -> TaskRule:
    """The row of a task; where it can make another slot than the stem, for that slot."""
    return rule_of(task, slot if TASKS[task].any_slot else "")


def check_words(request: Request) -> None:
    """Check that a request says what it wants.

    Raises:
        RequestError: it does not.
    """
    if not request.prompts and not request.examples and not request.stems:
        raise RequestError(NOTHING_SAID[request.task])
    if TASKS[request.task].replaces and not request.replacement.strip():
        raise RequestError("say what to replace it with too, for example trumpet")


def _input_of(rule: TaskRule, project: Project, lane: Lane | None, task: str) -> str:
    if rule.input_slot is None:
        return ""
    if rule.input_slot is not Slot.MIX and lane is not None:
        return "take" if rule.input_slot is Slot.STEM else "others" if project.source else "take"
    if project.source is None:
        raise RequestError("{task} needs a mix; open or drop an audio file first", task=task)
    return "mix"


def make_request(plan: JobPlan, project: Project, files: dict[str, Path | None], out: Path) -> Request:
    """The request for the engine.

    Args:
        project: for its rate.
        files: ``input`` and ``rest``.
        out: folder for the answer.
    """
    regions_s = [
        (max(first - plan.offset, 0) / project.rate_hz, max(last - plan.offset, 0) / project.rate_hz)
        for first, last in plan.regions
    ]
    paths: dict[str, Any] = {name: str(path) for name, path in files.items() if path}
    return replace(plan.request, **paths, **region_fields(regions_s), out=str(out))


def examples_words(request: Request) -> str:
    """Names of the example files."""
    return ", ".join(Path(path).stem for path in request.examples)


def title_of(request: Request) -> str:
    """The job's title in the queue: task and words, and what is made if that is not a stem."""
    stems = f"{request.stems} stems" if request.stems else ""
    words = ", ".join(filter(None, (stems, *request.prompts))) or examples_words(request)
    words += f" → {request.replacement.strip()}" if TASKS[request.task].replaces else ""
    words += f" × {request.candidates}" if request.candidates > 1 else ""
    made = made_by(request.task, request.slot)
    return f"{request.task} {words}" + (f"{MADE_SEPARATOR}{made}" if made else "")


def made_by(task: str, slot: str) -> str:
    """What a task makes instead of a stem; empty for a stem, and for a task without that choice."""
    return MADE.get(slot, "") if TASKS[task].any_slot else ""
