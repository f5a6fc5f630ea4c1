"""From what stands in the prompt bar to requests for the engine, by the engine's own task table.

Knows nothing of widgets, queues or processes.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from desktop.models.project import Lane, Project, Regions
from engine import TASKS, Request, RequestError, Rule, Slot, rule_of

CANDIDATES_LIMIT = 8
PROMPT_SEPARATOR = ","
MADE_SEPARATOR = " · "
MADE = {"mix": "the whole mix", "rest": "the others"}  # what is made in the place of a stem


@dataclass(frozen=True, slots=True, kw_only=True)
class PromptForm:
    """What stands in the prompt bar.

    Attributes:
        task: a row of ``engine.TASKS``.
        text: the prompt; several stems are parted by commas.
        replacement: what is to come in the place of the prompt, for tasks that replace.
        examples: paths of pictures, videos or sounds that say what to look for, with the words or alone.
        example_weight: 0 listens to the words only, 1 to the examples only.
        mix_words, rest_words: about the whole, and about what goes with the stem.
        seed, steps, guidance, strength: None means the bundle's default, for the seed 0.
        candidates: how many versions, each with the next seed; the best comes first.
        seconds: to make; None means the task's default.
        render: ``masked``, ``flow`` or ``decoded``.
        slot: ``mix`` or ``rest`` to make that in the place of a stem, for tasks that can.
        bundle, device: as of ``Request``.
    """

    task: str
    text: str
    replacement: str = ""
    examples: tuple[str, ...] = ()
    example_weight: float = 0.5
    mix_words: str = ""
    rest_words: str = ""
    seed: int = 0
    steps: int | None = None
    guidance: float | None = None
    strength: float | None = None
    candidates: int = 1
    seconds: float | None = None
    render: str = "masked"
    slot: str = ""
    bundle: str = "small"
    device: str = "auto"


@dataclass(frozen=True, slots=True, kw_only=True)
class JobPlan:
    """What a job works on, and where its answer goes.

    Attributes:
        input: ``mix``, ``take`` of the lane, ``others`` (the mix without the lane), or empty for nothing.
        rest: ``others`` or empty.
        lane: id of the lane that gets new takes; empty for new lanes.
        source_lane: id of the lane that ``take`` and ``others`` are about; empty where neither is asked for.
        regions: samples of the project, each first and past the last, in order and apart; none means all.
        offset: sample of the project at which the input begins.
        form: what was asked.
        keep_files: True means the answer's files belong to somebody else and stay where they are.
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
    """Decide what a form means for this project.

    Raises:
        RequestError: something is missing; the sentence says what to do.
    """
    rule = rule_for(form.task, form.slot)
    _check_words(form)
    source = _input_of(rule, project, lane, form.task)
    on_lane = lane is not None and rule.answer is Slot.STEM and rule.input_slot in (Slot.STEM, Slot.REST)
    if rule.span.name == "REQUIRED" and not regions:
        raise RequestError(f"{form.task} fills a region; drag over the waveform to choose one")
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
    if not prompts_of(form) and not form.examples:
        raise RequestError("say in a few words what to look for, for example violin")
    if replaces(TASKS[form.task]) and not form.replacement.strip():
        raise RequestError("say what to put in its place too, for example trumpet")


def replaces(rule: Rule) -> bool:
    """True means the task puts something else in the place of its prompt."""
    return rule.input_slot is Slot.MIX and not rule.masked


def _input_of(rule: Rule, project: Project, lane: Lane | None, task: str) -> str:
    if rule.input_slot is None:
        return ""
    if rule.input_slot is not Slot.MIX and lane is not None:
        return "take" if rule.input_slot is Slot.STEM else "others" if project.source else "take"
    if project.source is None:
        raise RequestError(f"{task} needs a mix; open or drop an audio file first")
    return "mix"


def prompts_of(form: PromptForm) -> tuple[str, ...]:
    """The stems that are asked for."""
    rule = TASKS[form.task]
    if not rule.masked and not rule.together:
        return (form.text.strip(),) if form.text.strip() else ()
    return tuple(part.strip() for part in form.text.split(PROMPT_SEPARATOR) if part.strip())


def make_request(plan: JobPlan, project: Project, files: dict[str, Path | None], out: Path) -> Request:
    """What the engine is asked.

    Args:
        plan: what was decided.
        project: for its rate.
        files: ``input`` and ``rest``.
        out: folder for the answer.
    """
    form, rule = plan.form, TASKS[plan.form.task]
    slot = form.slot if rule.any_slot else ""
    regions_s = tuple(
        (max(first - plan.offset, 0) / project.rate_hz, max(last - plan.offset, 0) / project.rate_hz)
        for first, last in plan.regions
    )
    values: dict[str, Any] = {
        "task": form.task,
        "prompts": prompts_of(form),
        "examples": form.examples,
        "example_weight": form.example_weight,
        "mix_prompt": form.mix_words.strip() if slot != "mix" else "",  # the prompt is about it already
        "rest_prompt": form.rest_words.strip(),
        "slot": slot,
        "replacement": form.replacement.strip() if replaces(rule) else "",
        "input": str(files["input"]) if files.get("input") else None,
        "rest": str(files["rest"]) if files.get("rest") else None,
        "out": str(out),
        "region_s": regions_s[0] if len(regions_s) == 1 else None,
        "regions_s": regions_s if len(regions_s) > 1 else (),
        "seconds": form.seconds if rule.makes_s is not None else None,
        "bundle": form.bundle,
        "device": form.device,
        "render": form.render if rule.masked else "masked",
        "steps": form.steps,
        "guidance": form.guidance,
        "strength": form.strength if rule.strength is not None else None,
        "seed": form.seed,
        "candidates": form.candidates,
        "start": "noise" if form.candidates > 1 else None,  # from zeros they would all be the same
    }
    return Request(**values)


def examples_words(form: PromptForm) -> str:
    """What the examples of a form are called."""
    return ", ".join(Path(path).stem for path in form.examples)


def title_of(form: PromptForm) -> str:
    """One line for the queue."""
    words = ", ".join(prompts_of(form)) or examples_words(form)
    words += f" → {form.replacement.strip()}" if replaces(TASKS[form.task]) else ""
    words += f" × {form.candidates}" if form.candidates > 1 else ""
    return titled(form.task, words, form.slot)


def titled(task: str, words: str, slot: str) -> str:
    """The task, the words, and what is made where that is no stem."""
    made = made_by(task, slot)
    return f"{task} {words}" + (f"{MADE_SEPARATOR}{made}" if made else "")


def made_by(task: str, slot: str) -> str:
    """What a task makes in the place of a stem; empty for a stem, and for a task without that choice."""
    return MADE.get(slot, "") if TASKS[task].any_slot else ""
