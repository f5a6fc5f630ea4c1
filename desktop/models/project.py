"""A project: a mix, and lanes with takes. Frozen values; every change makes a new project."""

from __future__ import annotations

import dataclasses
import math
import types
import typing
import uuid
from dataclasses import dataclass, field, replace
from typing import Any

from desktop.audio.store import AudioRef
from desktop.models.markers import Markers
from desktop.models.time_map import TimeMap

FORMAT = 1
GAIN_LIMITS_DB = (-60.0, 12.0)
COLOURS = 8  # entries of the palette that lanes walk through
Regions = tuple[tuple[int, int], ...]  # samples of the project, each first and past the last


def new_id() -> str:
    """A new unique id."""
    return uuid.uuid4().hex[:12]


@dataclass(frozen=True, slots=True, kw_only=True)
class TakeOrigin:
    """How a take was made.

    Attributes:
        task: a row of ``engine.TASKS``, or ``import`` for a file that was dropped.
        prompt: as asked.
        seed, steps, guidance, bundle, device: of the run; empty or None where there was none.
        presence: 0 to 1, estimated; None without an estimate.
        null_db: what stem and rest leave of the input; None without a rest.
        level_db: against the mix.
        regions: samples of the project that were worked on, each first and past the last; none means all.
        heard: where the model heard the prompt: first sample of the project, past the last, presence 0 to 1.
        similarity: how well a made sound fits the prompt, -1 to 1; None where the bundle cannot hear that.
    """

    task: str
    prompt: str = ""
    seed: int = 0
    steps: int | None = None
    guidance: float | None = None
    bundle: str = ""
    device: str = ""
    presence: float | None = None
    null_db: float | None = None
    level_db: float | None = None
    regions: Regions = ()
    heard: tuple[tuple[int, int, float], ...] = ()
    similarity: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LaneTake:
    """One take on a lane.

    Attributes:
        id: its name in this project.
        audio: in the store.
        start: where it begins on the timeline, in samples of the project.
        made: where it comes from.
    """

    id: str = field(default_factory=new_id)
    audio: AudioRef
    start: int = 0
    made: TakeOrigin


@dataclass(frozen=True, slots=True, kw_only=True)
class Lane:
    """One lane under the mix.

    Attributes:
        id: its name in this project.
        name: for the user.
        role: ``stem``, or ``rest`` for what an isolation left over.
        colour: index into the palette.
        takes: the oldest first, at least one.
        active: index of the take that is heard.
        gain_db, pan, solo, mute: how it is heard.
    """

    id: str = field(default_factory=new_id)
    name: str
    role: str = "stem"
    colour: int = 0
    takes: tuple[LaneTake, ...]
    active: int = 0
    gain_db: float = 0.0
    pan: float = 0.0
    solo: bool = False
    mute: bool = False

    def __post_init__(self) -> None:
        low, high = GAIN_LIMITS_DB
        if not self.takes or not 0 <= self.active < len(self.takes):
            raise ValueError(f"lane {self.name!r} has no active take")
        if not low <= self.gain_db <= high or not -1.0 <= self.pan <= 1.0:
            raise ValueError(f"lane {self.name!r} has a gain or pan outside its range")

    @property
    def take(self) -> LaneTake:
        """The active take."""
        return self.takes[self.active]

    @property
    def gain(self) -> float:
        """Linear gain; the lowest setting is silence."""
        return 0.0 if self.gain_db <= GAIN_LIMITS_DB[0] else 10 ** (self.gain_db / 20)


@dataclass(frozen=True, slots=True, kw_only=True)
class Project:
    """A whole project, as it is saved.

    Attributes:
        title: name of the mix, without suffix.
        source: the mix; None for an empty project or one that began from nothing.
        source_path: where the mix was opened from, for the user; it may be gone.
        lanes: from top to bottom.
        rate_hz: of the timeline; 0 while there is no sound.
        daw: the DAW's own name for the clip when it came over OSC.
        time_map: tempo, meter and key that the user has settled; None leaves them to the estimate.
        markers: named places, in order.
    """

    title: str = ""
    source: AudioRef | None = None
    source_path: str = ""
    lanes: tuple[Lane, ...] = ()
    rate_hz: int = 0
    daw: str = ""
    time_map: TimeMap | None = None
    markers: Markers = ()

    @property
    def length(self) -> int:
        """Samples up to the end of the last sound."""
        ends = [lane.take.start + lane.take.audio.samples for lane in self.lanes]
        return max([self.source.samples if self.source else 0, *ends])

    @property
    def audio(self) -> set[AudioRef]:
        """All stored audio it refers to."""
        refs = {take.audio for lane in self.lanes for take in lane.takes}
        return refs | ({self.source} if self.source else set())

    def lane(self, lane_id: str) -> Lane | None:
        """The lane with this id, or None."""
        return next((lane for lane in self.lanes if lane.id == lane_id), None)

    def with_lane(self, lane: Lane) -> Project:
        """A copy with a lane replaced, or added at the end."""
        if self.lane(lane.id) is None:
            return replace(self, lanes=(*self.lanes, lane))
        return replace(self, lanes=tuple(lane if one.id == lane.id else one for one in self.lanes))

    def without_lane(self, lane_id: str) -> Project:
        """A copy without a lane."""
        return replace(self, lanes=tuple(one for one in self.lanes if one.id != lane_id))

    def heard(self, lane: Lane) -> bool:
        """True unless muted, or silenced by another lane's solo."""
        soloed = any(one.solo for one in self.lanes)
        return lane.solo if soloed else not lane.mute

    @property
    def next_colour(self) -> int:
        """The first of the least used colours."""
        used = [lane.colour for lane in self.lanes]
        return min(range(COLOURS), key=lambda colour: (used.count(colour), colour))


def to_json(value: Any) -> Any:
    """Plain JSON values of a project or a part of it."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: to_json(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if isinstance(value, (list, tuple)):
        return [to_json(item) for item in value]
    return value


def project_from_json(data: Any) -> Project:
    """Read a project from JSON values.

    Raises:
        ValueError: it makes no sense; the message says where.
    """
    if not isinstance(data, dict):
        raise ValueError("a project is a JSON object")
    project: Project = _built(Project, data, "project")
    return project


def _built(kind: Any, value: Any, where: str) -> Any:
    origin = typing.get_origin(kind)
    if origin in (typing.Union, types.UnionType):
        options = [option for option in typing.get_args(kind) if option is not type(None)]
        return None if value is None else _built(options[0], value, where)
    if origin is tuple:
        return _built_tuple(typing.get_args(kind), value, where)
    if dataclasses.is_dataclass(kind):
        if not isinstance(value, dict):
            raise ValueError(f"{where} must be an object")
        hints = typing.get_type_hints(kind)
        known = {name: item for name, item in value.items() if name in hints}
        try:
            return kind(**{name: _built(hints[name], item, f"{where}.{name}") for name, item in known.items()})  # type: ignore[operator]
        except TypeError as error:
            raise ValueError(f"{where} is not complete ({error})") from error
    return _plain(kind, value, where)


def _built_tuple(kinds: tuple[Any, ...], value: Any, where: str) -> Any:
    if not isinstance(value, list):
        raise ValueError(f"{where} must be a list")
    if len(kinds) == 2 and kinds[1] is Ellipsis:
        return tuple(_built(kinds[0], item, f"{where}[{place}]") for place, item in enumerate(value))
    if len(kinds) != len(value):
        raise ValueError(f"{where} must have {len(kinds)} entries")
    return tuple(_built(one, item, where) for one, item in zip(kinds, value, strict=True))


def _plain(kind: Any, value: Any, where: str) -> Any:
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        value = float(value)
    if type(value) is not kind or (kind is float and not math.isfinite(value)):
        raise ValueError(f"{where} must be {kind.__name__}, got {str(value)[:40]!r}")
    return value
