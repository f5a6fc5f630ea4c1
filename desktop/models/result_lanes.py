"""What a job made becomes lanes, or takes of lanes; each gets the place of the ghost that stood for it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from desktop.models.document import Document
from desktop.models.ghosts import GhostLane
from desktop.models.project import MIX, Lane, LaneTake, Project
from desktop.models.request_builder import JobPlan, examples_words
from desktop.models.results import PromptResult, lane_for, with_made
from desktop.models.separation_run import FinishedStem
from engine import TASKS, Request, Slot


def whole_of(project: Project, plan: JobPlan) -> str:
    """Id of the lane that stems come out of, or the mix."""
    lane = project.lane(plan.source_lane)
    return MIX if lane is None or lane.is_else else lane.id


def add_made(
    document: Document,
    ghosts: Sequence[GhostLane],
    results: list[PromptResult],
    request: Request,
    lane_id: str,
    title: str,
) -> tuple[str, bool]:
    """Add what was made as takes of a lane, or as lanes of their own.

    Args:
        document: gets them, as one step that can be undone.
        ghosts: lanes that stood for the job.
        results: one for each prompt.
        lane_id: the lane that gets takes; empty, or of a lane that is gone: new lanes.

    Returns:
        Id of the lane they are on, empty for none, and True where it is muted.
    """
    if lane_id and document.project.lane(lane_id) is not None:
        document.add_takes(lane_id, title, [take for result in results for take in result.stems])
        return lane_id, False
    before = document.project
    ids = {result.prompt: found for result in results if (found := _ghost_id(before, ghosts, result.prompt, request))}
    after = with_made(before, results, request, ids)
    document.apply(title, after)
    old = {lane.id: lane for lane in before.lanes}
    fresh = [lane for lane in after.lanes if old.get(lane.id) != lane and not lane.is_else]
    if not fresh:
        return "", False
    shown = next((lane for lane in fresh if not lane.mute), fresh[0])
    document.set_current(shown.id)
    return shown.id, shown.mute


def add_stems(
    document: Document, ghosts: Sequence[GhostLane], title: str, plan: JobPlan, stems: list[FinishedStem]
) -> str:
    """Add stems that were taken out as lanes, or takes of lanes; what they leave completes the sum.

    Args:
        document: gets them, as one step that can be undone.
        ghosts: lanes that stood for the job.
        stems: in the order of the prompts.

    Returns:
        Id of the first lane.
    """
    project, first = document.project, ""
    whole, muted = whole_of(project, plan), TASKS[plan.request.task].answer is Slot.REST
    by_id = {ghost.id: ghost for ghost in ghosts}
    for stem in stems:
        lane = lane_for(project, stem.prompt, whole)
        if lane is not None:
            takes: tuple[LaneTake, ...] = (*lane.takes, *stem.takes)
            project = project.with_lane(replace(lane, takes=takes, active=len(lane.takes), comp=()))
            first = first or lane.id
            continue
        name = stem.prompt or examples_words(plan.request)
        ghost = by_id.get(_ghost_id(document.project, ghosts, name, plan.request))
        lane = Lane(name=name, takes=stem.takes, out_of=whole, mute=muted)
        if ghost is not None:
            lane = replace(lane, id=ghost.id, solo=ghost.solo, mute=ghost.mute or muted)
        project = project.with_new_lane(lane)
        first = first or lane.id
    rate_hz = project.rate_hz or next((stem.takes[0].audio.rate_hz for stem in stems), 0)
    project = replace(project.with_else(), rate_hz=rate_hz)
    rest = next((ghost for ghost in ghosts if ghost.role == "else"), None)
    if rest is not None and document.project.else_lane is None and (made := project.else_lane) is not None:
        project = project.without_lane(made.id).with_lane(replace(made, id=rest.id, solo=rest.solo, mute=rest.mute))
    document.apply(title, project)
    document.set_current(first)
    return first


def _ghost_id(project: Project, ghosts: Sequence[GhostLane], prompt: str, request: Request) -> str:
    """Id of the ghost that stood for a prompt, empty for none that a new lane could take the place of."""
    name = request.replacement.strip() if TASKS[request.task].replaces else prompt
    wanted = [ghost for ghost in ghosts if not ghost.lane_id and ghost.role == "stem"]
    free = [ghost.id for ghost in wanted if project.lane(ghost.id) is None]
    named = [ghost.id for ghost in wanted if name in (ghost.name, ghost.prompt) and ghost.id in free]
    return next(iter(named or (free if len(wanted) == 1 else [])), "")
