"""From what stands in the prompt bar to requests for the engine, by the engine's own task table.

Knows nothing of widgets, queues or processes.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from desktop.models.project import Lane, Project
from engine import TASKS, Request, RequestError, Rule, Slot

REQUEST_FIELDS = frozenset(field.name for field in fields(Request))
CANDIDATES_LIMIT = 8
PROMPT_SEPARATOR = ","


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """What stands in the prompt bar.

    Attributes:
        task: a row of ``engine.TASKS``.
        text: the prompt; several stems are parted by commas.
        seed, steps, guidance, strength: None means the bundle's default, for the seed 0.
        candidates: how many versions, each with the next seed.
        seconds: to make; None means the task's default.
        render: ``masked`` or ``decoded``.
        bundle, device: as of ``Request``.
    """

    task: str
    text: str
    seed: int = 0
    steps: int | None = None
    guidance: float | None = None
    strength: float | None = None
    candidates: int = 1
    seconds: float | None = None
    render: str = "masked"
    bundle: str = "small"
    device: str = "auto"


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What a job works on, and where its answer goes.

    Attributes:
        input: ``mix``, ``take`` of the lane, ``others`` (the mix without the lane), or empty for nothing.
        rest: ``others`` or empty.
        lane: id of the lane that gets new takes; empty for new lanes.
        region: samples of the project; None for all.
        offset: sample of the project at which the input begins.
        form: what was asked.
        batch: the same for all candidates of one question.
    """

    input: str
    rest: str
    lane: str
    region: tuple[int, int] | None
    offset: int
    form: Form
    batch: str = ""


def make_plan(project: Project, lane: Lane | None, selection: tuple[int, int] | None, form: Form) -> Plan:
    """Decide what a form means for this project.

    Raises:
        RequestError: something is missing; the sentence says what to do.
    """
    rule = TASKS[form.task]
    if not prompts_of(form):
        raise RequestError("say in a few words what to look for, for example violin")
    source = _input_of(rule, project, lane, form.task)
    on_lane = lane is not None and rule.answer is Slot.STEM and rule.input_slot in (Slot.STEM, Slot.REST)
    needs_span = rule.span.name == "REQUIRED"
    if needs_span and selection is None:
        raise RequestError(f"{form.task} fills a region; drag over the waveform to choose one")
    takes_region = rule.input_slot is not None and rule.makes_s is None
    offset = lane.take.start if lane is not None and source == "take" else 0
    return Plan(
        input=source,
        rest="others" if rule.rest_optional and lane is not None and project.source is not None else "",
        lane=lane.id if lane is not None and on_lane else "",
        region=selection if takes_region else None,
        offset=offset,
        form=form,
    )


def _input_of(rule: Rule, project: Project, lane: Lane | None, task: str) -> str:
    if rule.input_slot is None:
        return ""
    if rule.input_slot is not Slot.MIX and lane is not None:
        return "take" if rule.input_slot is Slot.STEM else "others" if project.source else "take"
    if project.source is None:
        raise RequestError(f"{task} needs a mix; open or drop an audio file first")
    return "mix"


def prompts_of(form: Form) -> tuple[str, ...]:
    """The stems that are asked for."""
    if not TASKS[form.task].masked:
        return (form.text.strip(),) if form.text.strip() else ()
    return tuple(part.strip() for part in form.text.split(PROMPT_SEPARATOR) if part.strip())


def make_request(plan: Plan, project: Project, seed: int, files: dict[str, Path | None], out: Path) -> Request:
    """What the engine is asked.

    Args:
        plan: what was decided.
        project: for its rate.
        seed: of this candidate.
        files: ``input`` and ``rest``.
        out: folder for the answer.
    """
    form = plan.form
    region_s = None
    if plan.region is not None and project.rate_hz:
        region_s = tuple(max(edge - plan.offset, 0) / project.rate_hz for edge in plan.region)
    values: dict[str, Any] = {
        "task": form.task,
        "prompts": prompts_of(form),
        "input": str(files["input"]) if files.get("input") else None,
        "rest": str(files["rest"]) if files.get("rest") else None,
        "out": str(out),
        "region_s": region_s,
        "seconds": form.seconds if TASKS[form.task].makes_s is not None else None,
        "bundle": form.bundle,
        "device": form.device,
        "render": form.render if TASKS[form.task].masked else "masked",
        "steps": form.steps,
        "guidance": form.guidance,
        "seed": seed,
    }
    if "strength" in REQUEST_FIELDS and form.strength is not None:
        values["strength"] = form.strength
    return Request(**values)


def title_of(form: Form, seed: int) -> str:
    """One line for the queue."""
    words = ", ".join(prompts_of(form))
    return f"{form.task} {words}" + (f", seed {seed}" if form.candidates > 1 else "")
