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
from engine import TimeMap

FORMAT = 2  # 1 had a rest for every stem instead of one lane that completes the sum
GAIN_LIMITS_DB = (-60.0, 12.0)
HUES = 8  # of lanes; the palette has each twice, so that a family has a second colour
COLOURS = 2 * HUES
ELSE_COLOUR = COLOURS  # the neutral one after them: what is left is no instrument
MIX = "mix"  # where a stem was taken out of, when that is not another lane
ELSE_NAME = "Everything else"
SEPARATING = frozenset({"isolate", "remove"})  # tasks whose takes are parts of what they were taken out of
NEUTRAL = 0.5  # the sensitivity that leaves a take as the model made it
Regions = tuple[tuple[int, int], ...]  # samples of the project, each first and past the last


def new_id() -> str:
    """A new unique id."""
    return uuid.uuid4().hex[:12]


@dataclass(frozen=True, slots=True, kw_only=True)
class TakeOrigin:
    """How a take was made.

    Attributes:
        task: a row of ``engine.TASKS``, ``import`` for a file that was dropped, or ``chain`` for effects on a take.
        prompt: as asked.
        seed, steps, guidance, bundle, device: of the run; empty or None where there was none.
        presence: 0 to 1, estimated; None without an estimate.
        null_db: what stem and rest leave of the input; None without a rest.
        level_db: against the mix.
        regions: samples of the project that were worked on, each first and past the last; none means all.
        heard: where the model heard the prompt: first sample of the project, past the last, presence 0 to 1.
        similarity: how well a made sound fits the prompt, -1 to 1; None where the bundle cannot hear that.
        chain: the effects that it went through, as JSON with versions and states; empty for none.
        dry_take: id of the take that these effects were put on; empty for none.
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
    chain: str = ""
    dry_take: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class LaneTake:
    """One take on a lane.

    Attributes:
        id: its name in this project.
        audio: in the store.
        start: where it begins on the timeline, in samples of the project.
        made: where it comes from.
        midi: the notes that recorded instruments play in it, as ``PlayedNotes.text`` writes them; empty where they are
            not known.
    """

    id: str = field(default_factory=new_id)
    audio: AudioRef
    start: int = 0
    made: TakeOrigin
    midi: str = ""

    @property
    def is_separated(self) -> bool:
        """True for a part of the sound that it was taken out of, False for what was made or added."""
        return self.made.task in SEPARATING

    @property
    def end(self) -> int:
        """Past its last sample on the timeline."""
        return self.start + self.audio.samples


@dataclass(frozen=True, slots=True, kw_only=True)
class CompPart:
    """A part of a lane in which another take than the active one is heard.

    Attributes:
        first, last: samples of the project, past the last.
        take_id: of the take.
    """

    first: int
    last: int
    take_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BrushEdit:
    """Moves a part of the spectrum from one lane to another.

    Attributes:
        id: its name in this project.
        first, last: samples of the project, past the last.
        low_hz, high_hz: of the band.
        share: how much of it is moved, 0 to 1.
        source, target: ids of the lanes.
        shape: ``rect``, or ``stroke`` for what lies under a round brush.
        points: of a stroke: sample and Hz, one after the other.
        radius: of the brush, in samples and in octaves.
    """

    id: str = field(default_factory=new_id)
    first: int
    last: int
    low_hz: float
    high_hz: float
    share: float = 1.0
    source: str
    target: str
    shape: str = "rect"
    points: tuple[tuple[float, float], ...] = ()
    radius: tuple[float, float] = (0.0, 0.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Lane:
    """One lane under the mix.

    Attributes:
        id: its name in this project.
        name: for the user.
        role: ``stem``, ``else`` for what the stems leave of the mix, or ``rest`` for what one of them left over, in
            projects of format 1.
        colour: index into the palette.
        takes: the oldest first, at least one.
        active: index of the take that is heard.
        gain_db, pan, solo, mute: how it is heard.
        out_of: what it is a part of: ``mix``, or the id of a lane that sounds without it; empty for nothing.
        sensitivity: how much of what is in doubt is its own, 0 (clean) to 1 (full).
        collapsed, height: how it is shown; height in pixels, 0 as it fits.
        fade_in, fade_out: in samples.
        comp: parts in which other takes are heard, in order and apart.
        span: samples of the project, past the last, outside of which it is silent; None for all. Lanes that were
            split have one.
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
    out_of: str = ""
    sensitivity: float = NEUTRAL
    collapsed: bool = False
    height: int = 0
    fade_in: int = 0
    fade_out: int = 0
    comp: tuple[CompPart, ...] = ()
    span: tuple[int, int] | None = None

    def __post_init__(self) -> None:
        low, high = GAIN_LIMITS_DB
        if not self.takes or not 0 <= self.active < len(self.takes):
            raise ValueError(f"lane {self.name!r} has no active take")
        if not low <= self.gain_db <= high or not -1.0 <= self.pan <= 1.0:
            raise ValueError(f"lane {self.name!r} has a gain or pan outside its range")
        if not 0.0 <= self.sensitivity <= 1.0:
            raise ValueError(f"lane {self.name!r} has a sensitivity outside 0 to 1")

    @property
    def take(self) -> LaneTake:
        """The active take."""
        return self.takes[self.active]

    @property
    def is_else(self) -> bool:
        """True for the lane that completes the sum; its own take stands for the mix and is not what it sounds like."""
        return self.role == "else"

    @property
    def taken_out(self) -> LaneTake | None:
        """The take that is missing in what it was taken out of: the active one, or the last that was not made anew."""
        if not self.out_of or self.is_else:
            return None
        separated = [take for take in self.takes[: self.active + 1] if take.is_separated]
        return separated[-1] if separated else next((take for take in self.takes if take.is_separated), None)

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
        key_is_unknown: True once the user has said so, which an estimate does not change.
        markers: named places, in order.
        brush: what was moved from lane to lane, the oldest first.
    """

    title: str = ""
    source: AudioRef | None = None
    source_path: str = ""
    lanes: tuple[Lane, ...] = ()
    rate_hz: int = 0
    daw: str = ""
    time_map: TimeMap | None = None
    key_is_unknown: bool = False
    markers: Markers = ()
    brush: tuple[BrushEdit, ...] = ()

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
        return replace(self, lanes=tuple(lane if other.id == lane.id else other for other in self.lanes))

    def without_lane(self, lane_id: str) -> Project:
        """A copy without a lane; what it gave to or took from others by the brush is undone."""
        brush = tuple(edit for edit in self.brush if lane_id not in (edit.source, edit.target))
        lanes = tuple(lane for lane in self.lanes if lane.id != lane_id)
        gone = self.lane(lane_id)
        if gone is not None and gone.out_of:  # what was split out of it is now split out of what it came from
            lanes = tuple(replace(lane, out_of=gone.out_of) if lane.out_of == lane_id else lane for lane in lanes)
        return replace(self, lanes=lanes, brush=brush)

    def with_else(self) -> Project:
        """A copy in which one lane completes the sum; rests of format 1 that were heard are muted for it."""
        if self.source is None or self.else_lane is not None:
            return self
        take = LaneTake(audio=self.source, made=TakeOrigin(task="else"))
        lane = Lane(name=ELSE_NAME, role="else", colour=ELSE_COLOUR, takes=(take,))
        lanes = tuple(replace(other, mute=True) if other.role == "rest" else other for other in self.lanes)
        return replace(self, lanes=(*lanes, lane))

    @property
    def else_lane(self) -> Lane | None:
        """The lane that completes the sum, or None."""
        return next((lane for lane in self.lanes if lane.is_else), None)

    def parts_of(self, whole: str) -> tuple[Lane, ...]:
        """Lanes that were taken out of the mix or of a lane."""
        return tuple(lane for lane in self.lanes if lane.out_of == whole and not lane.is_else)

    @property
    def soloed(self) -> tuple[Lane, ...]:
        """Lanes that are soloed."""
        return tuple(lane for lane in self.lanes if lane.solo)

    def heard(self, lane: Lane) -> bool:
        """True unless muted, or silenced by another lane's solo."""
        soloed = any(other.solo for other in self.lanes)
        return lane.solo if soloed else not lane.mute

    def colour_for(self, name: str) -> int:
        """Colour of a new lane: one of its family's two that no lane of another name has; else the first least used."""
        wanted = family_colour(name)
        taken = [lane.colour for lane in self.lanes if lane.name.casefold() != name.casefold()]
        for colour in (wanted, wanted + HUES) if wanted is not None else ():
            if colour not in taken:
                return colour
        return min(range(COLOURS), key=lambda colour: (taken.count(colour), colour))

    def with_new_lane(self, lane: Lane) -> Project:
        """A copy with a lane below the others and above what completes the sum, in a colour of its own."""
        lane = replace(lane, colour=self.colour_for(lane.name))
        place = next((at for at, other in enumerate(self.lanes) if other.is_else), len(self.lanes))
        return replace(self, lanes=(*self.lanes[:place], lane, *self.lanes[place:]))


FAMILY_COLOURS = {  # words of a name, in English and German, and the colour that such lanes have
    "drum": 1, "kick": 1, "snare": 1, "hat": 1, "cymbal": 1, "tom": 1, "percussion": 1,
    "schlagzeug": 1, "trommel": 1, "becken": 1, "perkussion": 1, "schlagwerk": 1,
    "bass": 2, "vocal": 0, "voice": 0, "sing": 0, "choir": 0, "gesang": 0, "stimme": 0, "chor": 0,
    "guitar": 3, "gitarre": 3, "piano": 4, "organ": 4, "keys": 4, "keyboard": 4, "klavier": 4, "flügel": 4, "orgel": 4,
    "violin": 5, "cello": 5, "string": 5, "viola": 5, "geige": 5, "bratsche": 5, "streich": 5,
    "synth": 6, "pad": 6,
    "trumpet": 7, "trombone": 7, "horn": 7, "brass": 7, "sax": 7, "clarinet": 7, "flute": 7, "oboe": 7, "bassoon": 7,
    "trompete": 7, "posaune": 7, "bläser": 7, "klarinette": 7, "flöte": 7, "fagott": 7,
}  # fmt: skip


def family_colour(name: str) -> int | None:
    """Colour of the family that a name belongs to, or None."""
    words = name.casefold()
    families = [family for family in FAMILY_COLOURS if family in words]
    return FAMILY_COLOURS[max(families, key=len)] if families else None  # a bassoon is no bass


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
    if data.get("fluxstem_project") == 1:
        lanes = tuple(
            replace(lane, out_of=MIX) if lane.role == "stem" and lane.takes[0].is_separated else lane
            for lane in project.lanes
        )
        project = replace(project, lanes=lanes)
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
    return tuple(_built(kind, item, where) for kind, item in zip(kinds, value, strict=True))


def _plain(kind: Any, value: Any, where: str) -> Any:
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        value = float(value)
    if type(value) is not kind or (kind is float and not math.isfinite(value)):
        raise ValueError(f"{where} must be {kind.__name__}, got {str(value)[:40]!r}")
    return value
