"""What the lanes of a project sound like: takes, and what is computed from them while it is read.

A lane that was taken out of the mix, or of another lane, is missing there. So whatever take is chosen, whatever the
sensitivity and the brush do, all lanes of one sum add up to the mix.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence

from desktop.audio.sounds import (
    FADE_S,
    CompPiece,
    ComputedSamples,
    FloatArray,
    PlacedSound,
    SoundSamples,
    comped,
    difference,
    faded,
    inside,
    on_grid,
    total,
)
from desktop.audio.spectral import BrushedSounds, BrushMove, BrushShape, tilted
from desktop.audio.store import AudioRef, AudioStore
from desktop.models.project import MIX, NEUTRAL, BrushEdit, Lane, LaneTake, Project

Key = Hashable  # equal keys sound the same


class LaneSounds:
    """Makes the sounds of lanes and keeps those of the project that was looked at last.

    Args:
        store: where takes are.
    """

    def __init__(self, store: AudioStore) -> None:
        self._store = store
        self._known: dict[Key, PlacedSound] = {}
        self._project: Project | None = None
        self._bank: SoundBank | None = None

    def bank(self, project: Project) -> SoundBank:
        """The sounds of a project; for the window's thread.

        Raises:
            AudioError: audio is gone from the cache.
        """
        if self._bank is None or project is not self._project:
            bits = self._store.bits(project.source) if project.source is not None else None
            self._bank, self._project = SoundBank(project, self._store.samples, bits, self._known), project
            used = self._bank.prepare()
            self._known = {key: sound for key, sound in self._known.items() if key in used}
        return self._bank


class SoundBank:
    """The sounds of one project.

    Args:
        bits: of the mix's samples, so that what is computed stays on their grid; None for floats.
        known: sounds by key; those that are made are added.
    """

    def __init__(
        self,
        project: Project,
        samples_of: Callable[[AudioRef], SoundSamples],
        bits: int | None,
        known: dict[Key, PlacedSound],
    ) -> None:
        self._project, self._samples_of, self._bits, self._known = project, samples_of, bits, known
        self._used: set[Key] = set()
        self._fade = max(round(FADE_S * project.rate_hz), 1)
        ids = {lane.id for lane in project.lanes}
        self._brush = tuple(edit for edit in project.brush if {edit.source, edit.target} <= ids)

    @property
    def project(self) -> Project:
        """Whose sounds they are."""
        return self._project

    def prepare(self) -> set[Key]:
        """Make the sounds of all lanes.

        Returns:
            The keys of all that is used.
        """
        for lane in self._project.lanes:
            self.heard(lane)
        return self._used

    def heard(self, lane: Lane) -> PlacedSound:
        """A lane as it is heard before gain and pan."""
        sound = self._before_fades(lane)
        if not lane.fade_in and not lane.fade_out:
            return sound
        return self._made(self.key(lane), lambda: faded(sound, lane.fade_in, lane.fade_out))

    def key(self, lane: Lane) -> Key:
        """Equal for lanes that sound the same before gain and pan."""
        return ("faded", self._net_key(lane), lane.fade_in, lane.fade_out)

    def stored(self, lane: Lane) -> LaneTake | None:
        """The take that a lane sounds like as it is; None where it is computed."""
        parts = self._project.parts_of(lane.id)
        brushed = any(lane.id in (edit.source, edit.target) for edit in self._brush)
        moved = lane.sensitivity != NEUTRAL and lane.take is lane.taken_out
        computed = lane.is_else or parts or brushed or moved or lane.comp or lane.span or lane.fade_in or lane.fade_out
        return None if computed else lane.take

    def mix(self) -> PlacedSound:
        """The mix; only for a project that has one."""
        return self._source()

    def mix_without(self, lane: Lane) -> PlacedSound:
        """The mix without what was taken out of it for a lane; all of it for one that is no part of it."""
        top = lane
        while (parent := self._project.lane(top.out_of)) is not None:
            top = parent
        taken = self.missing_in_mix(lane) if top.out_of == MIX else None
        return self._source() if taken is None else difference(self._source(), [taken])

    def missing_in_mix(self, lane: Lane) -> PlacedSound | None:
        """What of a lane is missing in what it was taken out of; None for one that was not taken out."""
        return self._gross(lane) if lane.taken_out is not None else None

    # Sounds, from takes upwards. ``gross`` is what is missing in the whole; ``net`` is that without its own parts.

    def _before_fades(self, lane: Lane) -> PlacedSound:
        if lane.is_else:
            return self._else()
        if lane.taken_out is not None and lane.take.is_separated:
            return self._without_parts(lane, self._gross(lane))
        made = self._comped(lane, lane.take, lane.takes)
        changes = self._changes_of(lane.id)
        return self._sum(self._net_key(lane), [made, *changes]) if changes else made

    def _else(self) -> PlacedSound:
        source = self._source()
        parts = [sound for lane in self._project.parts_of(MIX) if (sound := self.missing_in_mix(lane)) is not None]
        return self._made(self._else_key(), lambda: difference(source, parts))

    def _gross(self, lane: Lane) -> PlacedSound:
        sound = self._unbrushed(lane)
        family = self._family(lane)
        changes = [change for one in family for change in self._changes_of(one)]
        return self._sum(self._gross_key(lane), [sound, *changes]) if changes else sound

    def _unbrushed(self, lane: Lane) -> PlacedSound:
        """The part that was taken out, with its sensitivity."""
        taken = lane.taken_out
        if taken is None:
            return self._comped(lane, lane.take, lane.takes)
        sound = self._comped(lane, taken, [take for take in lane.takes if take.is_separated])
        if lane.sensitivity == NEUTRAL:
            return sound
        whole = self._whole_of(lane)
        return self._made(
            self._unbrushed_key(lane),
            lambda: self._gridded(tilted(sound, whole, lane.sensitivity, self._project.rate_hz)),
        )

    def _whole_of(self, lane: Lane) -> PlacedSound:
        parent = self._project.lane(lane.out_of)
        return self._source() if parent is None else self._unbrushed(parent)

    def _without_parts(self, lane: Lane, sound: PlacedSound) -> PlacedSound:
        parts = [self._gross(one) for one in self._project.parts_of(lane.id) if one.taken_out is not None]
        return self._made(("net", self._net_key(lane)), lambda: difference(sound, parts)) if parts else sound

    def _comped(self, lane: Lane, under: LaneTake, takes: Sequence[LaneTake]) -> PlacedSound:
        by_id = {take.id: take for take in takes}
        parts = [part for part in lane.comp if part.take_id in by_id and part.take_id != under.id]
        if not parts:
            return self._inside_span(lane, under, self._take(under))
        pieces = [CompPiece(self._take(by_id[part.take_id]), part.first, part.last) for part in parts]
        key = ("comp", self._take_key(under), tuple((self._take_key(by_id[p.take_id]), p.first, p.last) for p in parts))
        sound = self._made(key, lambda: self._gridded(comped(self._take(under), pieces, self._fade)))
        return self._inside_span(lane, under, sound)

    def _inside_span(self, lane: Lane, under: LaneTake, sound: PlacedSound) -> PlacedSound:
        if lane.span is None:
            return sound
        first, last = lane.span
        key = ("span", self._take_key(under), self._comp_key(lane))
        return self._made(key, lambda: inside(sound, first, last))

    def _take(self, take: LaneTake) -> PlacedSound:
        return self._made(self._take_key(take), lambda: PlacedSound(self._samples_of(take.audio), take.start))

    def _source(self) -> PlacedSound:
        source = self._project.source
        if source is None:
            raise ValueError("a project without a mix has nothing to take out of")
        return self._made(("mix", source.sha256), lambda: PlacedSound(self._samples_of(source)))

    # The brush.

    def _changes_of(self, lane_id: str) -> list[PlacedSound]:
        """What the brush adds to a lane itself."""
        lanes = self._brushed_lanes()
        if lane_id not in lanes:
            return []
        number = lanes.index(lane_id)
        key = ("change", number, self._brush_key())
        if key in self._known:
            return [self._made(key, lambda: self._known[key])]
        sounds = [self._net_before_brush(lane) for one in lanes if (lane := self._project.lane(one)) is not None]
        moves = [BrushMove(shape_of(edit), lanes.index(edit.source), lanes.index(edit.target)) for edit in self._brush]
        channels = max(sound.samples_NC.shape[1] for sound in sounds)
        brushed = BrushedSounds(sounds, moves, self._project.rate_hz, channels)
        for at in range(len(lanes)):
            self._known[("change", at, self._brush_key())] = brushed.change(at)
        return [self._made(key, lambda: self._known[key])]

    def _brushed_lanes(self) -> list[str]:
        return list(dict.fromkeys(one for edit in self._brush for one in (edit.source, edit.target)))

    def _net_before_brush(self, lane: Lane) -> PlacedSound:
        if lane.is_else:
            source = self._source()
            parts = [self._unbrushed(one) for one in self._project.parts_of(MIX) if one.taken_out is not None]
            return difference(source, parts)
        if lane.taken_out is not None and lane.take.is_separated:
            parts = [self._unbrushed(one) for one in self._project.parts_of(lane.id) if one.taken_out is not None]
            sound = self._unbrushed(lane)
            return difference(sound, parts) if parts else sound
        return self._comped(lane, lane.take, lane.takes)

    def _family(self, lane: Lane) -> list[str]:
        """A lane and all that was split out of it."""
        return [lane.id, *(one for part in self._project.parts_of(lane.id) for one in self._family(part))]

    # Keys.

    def _take_key(self, take: LaneTake) -> Key:
        return ("take", take.audio.sha256, take.start)

    def _comp_key(self, lane: Lane) -> Key:
        takes = tuple(self._take_key(take) for take in lane.takes)
        return (takes, lane.active, tuple((part.first, part.last, part.take_id) for part in lane.comp), lane.span)

    def _unbrushed_key(self, lane: Lane) -> Key:
        parent = self._project.lane(lane.out_of)
        whole = () if lane.sensitivity == NEUTRAL else self._unbrushed_key(parent) if parent else ("mix",)
        return ("unbrushed", self._comp_key(lane), lane.sensitivity, whole, self._mix_key())

    def _mix_key(self) -> Key:
        return self._project.source.sha256 if self._project.source is not None else ""

    def _gross_key(self, lane: Lane) -> Key:
        family = set(self._family(lane))
        brushed = any({edit.source, edit.target} & family for edit in self._brush)
        return ("gross", self._unbrushed_key(lane), self._brush_key() if brushed else (), lane.id if brushed else "")

    def _net_key(self, lane: Lane) -> Key:
        if lane.is_else:
            return self._else_key()
        parts = tuple(self._gross_key(one) for one in self._project.parts_of(lane.id))
        return ("net", self._gross_key(lane), parts)

    def _else_key(self) -> Key:
        return ("else", self._mix_key(), tuple(self._gross_key(lane) for lane in self._project.parts_of(MIX)))

    def _brush_key(self) -> Key:
        brushed = self._brushed_lanes()
        lanes = [lane for lane in self._project.lanes if lane.out_of or lane.id in brushed]
        return (self._brush, tuple(self._unbrushed_key(lane) for lane in lanes))

    def _made(self, key: Key, make: Callable[[], PlacedSound]) -> PlacedSound:
        self._used.add(key)
        if key not in self._known:
            self._known[key] = make()
        return self._known[key]

    def _sum(self, key: Key, parts: list[PlacedSound]) -> PlacedSound:
        return self._made(("sum", key), lambda: self._gridded(total(parts)))

    def _gridded(self, sound: PlacedSound) -> PlacedSound:
        """The same on the grid of the mix, and kept for a while once it was computed."""
        samples, bits = sound.samples_NC, self._bits

        def compute(first: int, last: int) -> FloatArray:
            return on_grid(samples[first:last], bits)

        return PlacedSound(ComputedSamples(len(samples), samples.shape[1], compute, kept=True), sound.start)


def shape_of(edit: BrushEdit) -> BrushShape:
    """Where an edit works."""
    points = edit.points if edit.shape == "stroke" else ()
    return BrushShape(edit.first, edit.last, edit.low_hz, edit.high_hz, edit.share, points, edit.radius)
