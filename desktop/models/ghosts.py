"""Lanes that are on their way: they stand in the window from the question on, and fill while their job goes on."""

from __future__ import annotations

from dataclasses import dataclass

from desktop.audio.sounds import PlacedSound, SoundSamples
from desktop.models.project import ELSE_COLOUR, ELSE_NAME, MIX, Project, Regions, new_id
from desktop.models.request_builder import JobPlan, examples_words
from desktop.models.results import lane_for
from engine import STEM_SETS, TASKS, Slot, rule_of


@dataclass(frozen=True, slots=True, kw_only=True)
class GhostLane:
    """A lane, or a take of a lane, that a job is making.

    Attributes:
        id: of the lane that it becomes.
        row_id: of the job.
        prompt: as asked.
        name, colour, role: of the lane.
        lane_id: of the lane that gets a take; empty for a new lane.
        region: samples of the project that are worked on, past the last.
        fraction, stage: how far the job is.
        filled: where it sounds already.
        sound: what is there, silent where it is not filled; None before anything is.
        settled: sample of the project before which no worker changes it any more.
        played: what is there before that sample, so that nothing changes while it is played; None until all lanes of
            the job have something there, for only together are they the mix.
        solo, mute: as the user wants to hear it.
    """

    id: str
    row_id: str
    prompt: str = ""
    name: str
    colour: int = 0
    role: str = "stem"
    lane_id: str = ""
    region: tuple[int, int] = (0, 0)
    fraction: float = 0.0
    stage: str = ""
    filled: Regions = ()
    sound: PlacedSound | None = None
    settled: int = 0
    played: PlacedSound | None = None
    solo: bool = False
    mute: bool = False

    @property
    def samples_NC(self) -> SoundSamples | None:  # noqa: N802
        """What is there, silent where it is not filled."""
        return None if self.sound is None else self.sound.samples_NC

    @property
    def start(self) -> int:
        """Sample of the project at which it begins."""
        return self.region[0] if self.sound is None else self.sound.start

    @property
    def plays(self) -> bool:
        """True for a new lane of which a part can be heard."""
        return bool(self.filled) and self.played is not None and not self.lane_id


def ghosts_of(row_id: str, plan: JobPlan, project: Project, waiting: tuple[GhostLane, ...]) -> tuple[GhostLane, ...]:
    """The lanes that a job will make, or make a take of, before anything of them is there.

    Args:
        waiting: lanes of other jobs that are on their way.
    """
    request, rule = plan.request, TASKS[plan.request.task]
    regions = plan.regions or ((0, project.length),)
    region = (regions[0][0], regions[-1][1])
    taken_out = rule_of(request.task, request.slot).masked
    whole = project.lane(plan.source_lane)
    out_of = MIX if whole is None or whole.is_else else whole.id
    names = request.prompts or (examples_words(request),)
    if request.stems is not None:
        names = tuple(dict.fromkeys((*STEM_SETS[request.stems].prompts, *request.prompts)))
    if rule.replaces:
        names = (request.replacement.strip(),)
    found = []
    for name in names:
        lane = project.lane(plan.lane) if plan.lane else None
        if taken_out:
            lane = lane_for(project, name, out_of)
        elif rule.replaces:
            lane = lane_for(project, request.prompts[0] if request.prompts else "", MIX)
        found.append(
            GhostLane(
                id=new_id(), row_id=row_id, prompt=name, name=name if lane is None else lane.name,
                colour=project.colour_for(name) if lane is None else lane.colour,
                lane_id="" if lane is None else lane.id, region=region, mute=taken_out and rule.answer is Slot.REST,
            )
        )  # fmt: skip
    completes = taken_out and project.source is not None and project.else_lane is None
    if completes and all(ghost.role != "else" for ghost in waiting):
        rest = GhostLane(id=new_id(), row_id=row_id, name=ELSE_NAME, colour=ELSE_COLOUR, role="else", region=region)
        found.append(rest)
    return tuple(found)
