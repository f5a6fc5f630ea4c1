"""From a filled-in prompt bar to a request for the engine, by the engine's tables of tasks and options."""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path

from desktop.models.project import Lane, Project, Regions
from engine import OPTIONS, TASKS, Request, RequestError, Rule, Slot, region_fields, rule_of

PROMPT_SEPARATOR = ","
MADE_SEPARATOR = " · "
MADE = {"mix": "the whole mix", "rest": "the others"}  # what is made in the place of a stem


@dataclass(frozen=True, slots=True, kw_only=True)
class PromptForm:
    """The prompt bar as filled in.

    Attributes:
        task: a row of ``engine.TASKS``.
        text: the prompt; commas separate several stems.
        others: see ``Request``, with the same defaults; options the task does not take are left out of the request.
    """

    task: str
    text: str
    replacement: str = ""
    examples: tuple[str, ...] = ()
    example_weight: float = OPTIONS["example_weight"].default
    mix_prompt: str = ""
    rest_prompt: str = ""
    seed: int = 0
    steps: int | None = None
    guidance: float | None = None
    guide: tuple[str, ...] = ()
    temperature: float | None = None
    start: str | None = None
    strength: float | None = None
    candidates: int = 1
    seconds: float | None = None
    keep_order: bool = False
    render: str = OPTIONS["render"].default
    sensitivity: float = OPTIONS["sensitivity"].default
    expert: str = ""
    slot: str = ""
    stems: str | None = None
    other: bool = False
    bundle: str = OPTIONS["bundle"].default
    device: str = OPTIONS["device"].default
    format: str = OPTIONS["format"].default


PASSED_ON = tuple(field.name for field in fields(PromptForm) if field.name not in ("task", "text"))


@dataclass(frozen=True, slots=True, kw_only=True)
class JobPlan:
    """What a job works on, and where its result goes.

    Attributes:
        input: ``mix``, ``take`` of the lane, ``others`` (the mix without the lane), or empty for nothing.
        rest: ``others`` or empty.
        lane: id of the lane that gets new takes; empty for new lanes.
        source_lane: id of the lane that ``take`` and ``others`` are about; empty where neither is asked for.
        regions: samples of the project, each first and past the last, in order and apart; none means all.
        offset: sample of the project at which the input begins.
        form: what was asked.
        keep_files: True leaves the result files where they are, because the DAW owns them.
    """

    input: str
    rest: str
    lane: str
    regions: Regions
    offset: int
    form: PromptForm
    source_lane: str = ""
    keep_files: bool = False


def make_plan(project: Project, lane: Lane | None, regions: Regions, form: PromptForm) -> JobPlan:
    """Decide what a form means for a project.

    Raises:
        RequestError: something is missing; the sentence says what to do.
    """
    rule = rule_for(form.task, form.slot)
    _check_words(form)
    source = _input_of(rule, project, lane, form.task)
    on_lane = lane is not None and rule.answer is Slot.STEM and rule.input_slot in (Slot.STEM, Slot.REST)
    if rule.span.name == "REQUIRED" and not regions:
        raise RequestError("{task} fills a region; drag over the waveform to choose one", task=form.task)
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
        form=form,
    )


def rule_for(task: str, slot: str) -> Rule:
    """The row of a task; where it can make another slot than the stem, for that slot."""
    return rule_of(task, slot if TASKS[task].any_slot else "")


def _check_words(form: PromptForm) -> None:
    if not prompts_of(form) and not form.examples and not set_words(form):
        raise RequestError("say in a few words what to look for, for example violin")
    if TASKS[form.task].replaces and not form.replacement.strip():
        raise RequestError("say what to replace it with too, for example trumpet")


def _input_of(rule: Rule, project: Project, lane: Lane | None, task: str) -> str:
    if rule.input_slot is None:
        return ""
    if rule.input_slot is not Slot.MIX and lane is not None:
        return "take" if rule.input_slot is Slot.STEM else "others" if project.source else "take"
    if project.source is None:
        raise RequestError("{task} needs a mix; open or drop an audio file first", task=task)
    return "mix"


def prompts_of(form: PromptForm) -> tuple[str, ...]:
    """The prompts in the text, split at commas where the task takes several."""
    rule = TASKS[form.task]
    if not rule.masked and not rule.together:
        return (form.text.strip(),) if form.text.strip() else ()
    return tuple(part.strip() for part in form.text.split(PROMPT_SEPARATOR) if part.strip())


def make_request(plan: JobPlan, project: Project, files: dict[str, Path | None], out: Path) -> Request:
    """The request for the engine.

    Args:
        plan: what was decided.
        project: for its rate.
        files: ``input`` and ``rest``.
        out: folder for the answer.
    """
    form, task = plan.form, TASKS[plan.form.task]
    values = {name: getattr(form, name) if OPTIONS[name].takes(task) else OPTIONS[name].default for name in PASSED_ON}
    if values["slot"] == "mix":
        values["mix_prompt"] = ""  # the prompt is about it already
    if form.candidates > 1:
        values["start"] = form.start or "noise"  # from zeros they would all be the same
    regions_s = [
        (max(first - plan.offset, 0) / project.rate_hz, max(last - plan.offset, 0) / project.rate_hz)
        for first, last in plan.regions
    ]
    return Request(
        **values,
        **region_fields(regions_s),
        task=form.task,
        prompts=prompts_of(form),
        input=str(files["input"]) if files.get("input") else None,
        rest=str(files["rest"]) if files.get("rest") else None,
        out=str(out),
    )


def examples_words(form: PromptForm) -> str:
    """Names of a form's example files."""
    return ", ".join(Path(path).stem for path in form.examples)


def set_words(form: PromptForm) -> str:
    """The set of stems that a form asks for, as ``4 stems``; empty for none."""
    return f"{form.stems} stems" if form.stems and OPTIONS["stems"].takes(TASKS[form.task]) else ""


def title_of(form: PromptForm) -> str:
    """The job's title in the queue."""
    words = ", ".join(filter(None, (set_words(form), *prompts_of(form)))) or examples_words(form)
    words += f" → {form.replacement.strip()}" if TASKS[form.task].replaces else ""
    words += f" × {form.candidates}" if form.candidates > 1 else ""
    return titled(form.task, words, form.slot)


def titled(task: str, words: str, slot: str) -> str:
    """Task and words, and what is made if that is not a stem."""
    made = made_by(task, slot)
    return f"{task} {words}" + (f"{MADE_SEPARATOR}{made}" if made else "")


def made_by(task: str, slot: str) -> str:
    """What a task makes instead of a stem; empty for a stem, and for a task without that choice."""
    return MADE.get(slot, "") if TASKS[task].any_slot else ""
