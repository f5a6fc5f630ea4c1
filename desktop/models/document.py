"""The open project with its undo history, selection and current lane."""

from __future__ import annotations

import zlib
from dataclasses import replace
from typing import Any

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QUndoCommand, QUndoStack

from desktop.audio.store import AudioRef
from desktop.message import Message
from desktop.models.project import GAIN_LIMITS_DB, BrushEdit, CompPart, Lane, LaneTake, Project, Regions, new_id

SWITCHES = {"mute": "mute {lane}", "solo": "solo {lane}"}  # fields that are on or off, and how the history says it
KNOBS = frozenset({"gain_db", "pan", "sensitivity", "height"})  # turns of one of them in a row are one step


class Document(QObject):
    """One open project.

    Signals:
        changed: the project before and after.
        selection_changed: ``(first, past the last)`` sample, or None; also when a kept region comes or goes.
        current_changed: id of the lane that is worked on, empty for the mix.
        chosen_changed: ids of all chosen lanes.
        source_lane_changed: id of the lane that stems are taken out of, empty for the mix.
    """

    changed = Signal(object, object)
    selection_changed = Signal(object)
    current_changed = Signal(str)
    chosen_changed = Signal(object)
    source_lane_changed = Signal(str)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.undo = QUndoStack(self)
        self._project = Project()
        self._selection: tuple[int, int] | None = None
        self._kept: Regions = ()
        self._current = ""
        self._chosen: tuple[str, ...] = ()
        self._source_lane = ""
        self._audio: set[AudioRef] = set()

    @property
    def audio_in_reach(self) -> set[AudioRef]:
        """Stored audio that the project or its history needs."""
        return set(self._audio)

    @property
    def project(self) -> Project:
        """The current state."""
        return self._project

    @property
    def selection(self) -> tuple[int, int] | None:
        """First sample and past the last; None if nothing is selected."""
        return self._selection

    @property
    def kept(self) -> Regions:
        """Regions kept beside the selection, in order."""
        return self._kept

    @property
    def regions(self) -> Regions:
        """All regions to work on, in order and disjoint; none means the whole length."""
        return joined((*self._kept, *((self._selection,) if self._selection else ())))

    @property
    def current(self) -> str:
        """Id of the current lane, empty for the mix."""
        return self._current if self._project.lane(self._current) else ""

    @property
    def chosen(self) -> tuple[str, ...]:
        """Ids of all chosen lanes, from top to bottom."""
        return tuple(lane.id for lane in self._project.lanes if lane.id in self._chosen)

    @property
    def source_lane(self) -> str:
        """Id of the lane that stems are taken out of, empty for the mix."""
        return self._source_lane if self._project.lane(self._source_lane) else ""

    @property
    def history(self) -> tuple[Message, ...]:
        """What was done, the oldest first, with what was undone at its end."""
        commands = (self.undo.command(at) for at in range(self.undo.count()))
        return tuple(command.words for command in commands if isinstance(command, _Change))

    @property
    def history_index(self) -> int:
        """How many steps of the history are done."""
        return self.undo.index()

    def go_to(self, index: int) -> None:
        """Undo or redo until so many steps of the history are done."""
        self.undo.setIndex(min(max(index, 0), self.undo.count()))

    def replace_all(self, project: Project) -> None:
        """Open another project, with an empty history."""
        self.undo.clear()
        self.undo.setClean()
        self._audio = set()
        self.select_nothing()
        self._show(project)
        self.set_current("")
        self.set_source_lane("")

    @property
    def undo_words(self) -> Message | None:
        """What undoing takes back; None where there is nothing."""
        done = self.history[: self.history_index]
        return done[-1] if done else None

    @property
    def redo_words(self) -> Message | None:
        """What redoing brings again; None where there is nothing."""
        undone = self.history[self.history_index :]
        return undone[0] if undone else None

    def apply(self, words: Message | str, project: Project, merge: str = "") -> None:
        """Make a change that can be undone.

        Args:
            words: for the menu, as ``mute violin``; a plain text is the title of a job, or is said as it is.
            project: afterwards.
            merge: changes with the same word right after each other become one step.
        """
        if project != self._project:
            words = words if isinstance(words, Message) else Message("{title}", title=words)
            self.undo.push(_Change(self, words, project, merge))

    def select(self, selection: tuple[int, int] | None) -> None:
        """Select a region; None means the whole length."""
        if selection is not None:
            first, last = sorted(max(0, min(edge, self._project.length)) for edge in selection)
            selection = (first, last) if last > first else None
        if selection != self._selection:
            self._selection = selection
            self.selection_changed.emit(selection)

    def keep_selection(self) -> None:
        """Keep the selection as a region and clear it, so that another can be selected."""
        if self._selection is not None:
            self._kept, self._selection = self.regions, None
            self.selection_changed.emit(None)

    def drop_region(self, region: tuple[int, int]) -> None:
        """Drop a kept region."""
        if region in self._kept:
            self._kept = tuple(kept for kept in self._kept if kept != region)
            self.selection_changed.emit(self._selection)

    def select_nothing(self) -> None:
        """Clear the selection and the kept regions."""
        if self._selection is not None or self._kept:
            self._selection, self._kept = None, ()
            self.selection_changed.emit(None)

    def set_current(self, lane_id: str) -> None:
        """Make a lane the current one."""
        if lane_id != self._current:
            self._current = lane_id
            self.current_changed.emit(self.current)
        self.choose((lane_id,) if lane_id else ())

    def choose(self, lane_ids: tuple[str, ...]) -> None:
        """Choose several lanes; the current one stays."""
        before, self._chosen = self.chosen, tuple(lane_ids)
        if self.chosen != before:
            self.chosen_changed.emit(self.chosen)

    def toggle_chosen(self, lane_id: str) -> None:
        """Add a lane to the chosen ones, or take it away."""
        others = tuple(chosen for chosen in self.chosen if chosen != lane_id)
        self.choose(others if lane_id in self.chosen else (*others, lane_id))

    def set_source_lane(self, lane_id: str) -> None:
        """Take stems out of a lane from now on; empty for the mix."""
        if lane_id != self._source_lane:
            self._source_lane = lane_id
            self.source_lane_changed.emit(self.source_lane)

    # What users do to lanes.

    def set_lane(self, lane_id: str, words: Message | str, **values: Any) -> None:
        """Change fields of a lane; changes of one knob in a row merge into one step."""
        lane = self._project.lane(lane_id)
        if lane is None:
            return
        if "gain_db" in values:
            low, high = GAIN_LIMITS_DB
            values["gain_db"] = min(max(float(values["gain_db"]), low), high)
        if "pan" in values:
            values["pan"] = min(max(float(values["pan"]), -1.0), 1.0)
        if "sensitivity" in values:
            values["sensitivity"] = min(max(float(values["sensitivity"]), 0.0), 1.0)
        merge = f"{lane_id}:{','.join(sorted(values))}" if set(values) <= KNOBS else ""
        self.apply(words, self._project.with_lane(replace(lane, **values)), merge)

    def switch(self, lane_id: str, field: str, on: bool | None = None) -> None:
        """Mute or solo a lane, or no longer; without ``on``, the other way round."""
        lane = self._project.lane(lane_id)
        if lane is not None:
            on = not getattr(lane, field) if on is None else on
            self.set_lane(lane_id, Message(SWITCHES[field], lane=lane.name), **{field: on})

    def add_lanes(self, words: Message | str, lanes: list[Lane]) -> None:
        """Add lanes below the others, as one step."""
        project = self._project
        for lane in lanes:
            project = project.with_new_lane(lane)
        rate_hz = project.rate_hz or (lanes[0].take.audio.rate_hz if lanes else 0)
        self.apply(words, replace(project, rate_hz=rate_hz))

    def add_takes(self, lane_id: str, words: Message | str, takes: list[LaneTake]) -> None:
        """Add takes to a lane and activate the first of them."""
        lane = self._project.lane(lane_id)
        if lane is not None and takes:
            lane = replace(lane, takes=(*lane.takes, *takes), active=len(lane.takes), comp=())
            self.apply(words, self._project.with_lane(lane))

    def remove_lane(self, lane_id: str) -> None:
        """Remove a lane."""
        self.remove_lanes((lane_id,))

    def remove_lanes(self, lane_ids: tuple[str, ...]) -> None:
        """Remove lanes, as one step; the last stem takes along the lane that completed its sum."""
        project = self._project
        gone = [lane for lane_id in lane_ids if (lane := project.lane(lane_id)) is not None]
        for lane in gone:
            project = project.without_lane(lane.id)
        rest = project.else_lane
        if rest is not None and not any(lane.out_of for lane in project.lanes):
            project = project.without_lane(rest.id)
        if gone:
            self.apply(Message("remove {lanes}", lanes=", ".join(lane.name for lane in gone)), project)

    def move_lane(self, lane_id: str, to: int) -> None:
        """Move a lane to another place, counted from the top."""
        lane = self._project.lane(lane_id)
        if lane is None:
            return
        others = [other for other in self._project.lanes if other.id != lane_id]
        others.insert(min(max(to, 0), len(others)), lane)
        self.apply(Message("move {lane}", lane=lane.name), replace(self._project, lanes=tuple(others)))

    def duplicate_lane(self, lane_id: str) -> None:
        """Add a copy of a lane below it; it comes muted and is no part of the sum, so nothing is doubled."""
        lane = self._project.lane(lane_id)
        if lane is None or lane.is_else:
            return
        lanes = list(self._project.lanes)
        copy = replace(lane, id=new_id(), name=f"{lane.name} 2", mute=True, solo=False, out_of="")
        lanes.insert(lanes.index(lane) + 1, copy)
        self.apply(Message("duplicate {lane}", lane=lane.name), replace(self._project, lanes=tuple(lanes)))

    def split_lane(self, lane_id: str, sample: int) -> None:
        """Make two lanes of one, which together sound as it did; one out of which others were split stays whole."""
        lane = self._project.lane(lane_id)
        if lane is None or lane.is_else or self._project.parts_of(lane_id):
            return
        first, last = lane.span or (min(take.start for take in lane.takes), max(take.end for take in lane.takes))
        if not first < sample < last:
            return
        halves = [
            replace(lane, span=(first, sample), fade_out=0),
            replace(lane, span=(sample, last), fade_in=0, id=new_id(), name=f"{lane.name} 2"),
        ]
        place = self._project.lanes.index(lane)
        lanes = (*self._project.lanes[:place], *halves, *self._project.lanes[place + 1 :])
        self.apply(Message("split {lane}", lane=lane.name), replace(self._project, lanes=lanes))

    def clear_solo(self) -> None:
        """Let all lanes be heard that are not muted."""
        lanes = tuple(replace(lane, solo=False) for lane in self._project.lanes)
        self.apply(Message("clear solo"), replace(self._project, lanes=lanes))

    def set_fades(self, lane_id: str, fade_in: int, fade_out: int) -> None:
        """Fade a lane in and out, in samples."""
        lane = self._project.lane(lane_id)
        if lane is not None:
            most = lane.take.audio.samples
            first, last = (min(max(fade, 0), most) for fade in (fade_in, fade_out))
            self.set_lane(lane_id, Message("fade {lane}", lane=lane.name), fade_in=first, fade_out=last)

    def comp(self, lane_id: str, take_id: str, first: int, last: int) -> None:
        """Hear another take of a lane in a region; the active take there takes away what was put over it."""
        lane = self._project.lane(lane_id)
        if lane is None or last <= first or all(take.id != take_id for take in lane.takes):
            return
        parts = [piece for part in lane.comp for piece in _outside(part, first, last)]
        if take_id != lane.take.id:
            parts.append(CompPart(first=first, last=last, take_id=take_id))
        comp = tuple(sorted(parts, key=lambda part: part.first))
        self.set_lane(lane_id, Message("comp {lane}", lane=lane.name), comp=comp)

    def clear_comp(self, lane_id: str) -> None:
        """Hear the active take alone."""
        lane = self._project.lane(lane_id)
        if lane is not None and lane.comp:
            self.set_lane(lane_id, Message("comp {lane}", lane=lane.name), comp=())

    def add_brush(self, edit: BrushEdit) -> None:
        """Move a part of the spectrum from one lane to another."""
        names = [
            lane.name for lane_id in (edit.source, edit.target) if (lane := self._project.lane(lane_id)) is not None
        ]
        if len(names) == 2 and edit.source != edit.target and edit.last > edit.first:
            words = Message("brush {lane} to {target}", lane=names[0], target=names[1])
            self.apply(words, replace(self._project, brush=(*self._project.brush, edit)))

    def remove_brush(self, edit_id: str) -> None:
        """Take back one stroke of the brush."""
        brush = tuple(edit for edit in self._project.brush if edit.id != edit_id)
        self.apply(Message("take back a brush stroke"), replace(self._project, brush=brush))

    def clear_brush(self) -> None:
        """Take back all strokes of the brush."""
        self.apply(Message("take back all brush strokes"), replace(self._project, brush=()))

    def _show(self, project: Project) -> None:
        before, self._project = self._project, project
        self._audio |= project.audio
        self.changed.emit(before, project)
        self._kept = joined(tuple((a, min(b, project.length)) for a, b in self._kept if a < project.length))
        if self._selection is not None:
            self.select(self._selection)


def _outside(part: CompPart, first: int, last: int) -> list[CompPart]:
    """What is left of a part outside a region."""
    sides = ((part.first, min(part.last, first)), (max(part.first, last), part.last))
    return [replace(part, first=low, last=high) for low, high in sides if high > low]


def joined(regions: Regions) -> Regions:
    """Regions in order, with those that touch or overlap merged."""
    apart: list[tuple[int, int]] = []
    for first, last in sorted(regions):
        if apart and first <= apart[-1][1]:
            apart[-1] = (apart[-1][0], max(last, apart[-1][1]))
        else:
            apart.append((first, last))
    return tuple(apart)


class _Change(QUndoCommand):
    """Holds the project before and after: values are frozen, so both cost nothing."""

    def __init__(self, document: Document, words: Message, after: Project, merge: str) -> None:
        super().__init__(str(words))
        self.words = words
        self._document = document
        self._before = document.project
        self._after = after
        self._merge = merge

    def id(self) -> int:
        """Qt merges commands with equal ids; -1 means never."""
        return zlib.crc32(self._merge.encode()) & 0x7FFFFFFF if self._merge else -1

    def mergeWith(self, other: QUndoCommand) -> bool:  # noqa: N802
        """Merge with the next command of the same kind."""
        if not isinstance(other, _Change) or other._merge != self._merge:
            return False
        self._after = other._after
        return True

    def undo(self) -> None:
        """Undo."""
        self._document._show(self._before)

    def redo(self) -> None:
        """Redo."""
        self._document._show(self._after)
