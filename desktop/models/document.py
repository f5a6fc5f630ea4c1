"""The open project with its undo history, selection and current lane."""

from __future__ import annotations

import zlib
from dataclasses import replace
from typing import Any

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QUndoCommand, QUndoStack

from desktop.audio.store import AudioRef
from desktop.models.project import GAIN_LIMITS_DB, Lane, LaneTake, Project, Regions


class Document(QObject):
    """One open project.

    Signals:
        changed: the project before and after.
        selection_changed: ``(first, past the last)`` sample, or None; also when a kept region comes or goes.
        current_changed: id of the lane that is worked on, empty for the mix.
    """

    changed = Signal(object, object)
    selection_changed = Signal(object)
    current_changed = Signal(str)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.undo = QUndoStack(self)
        self._project = Project()
        self._selection: tuple[int, int] | None = None
        self._kept: Regions = ()
        self._current = ""
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

    def replace_all(self, project: Project) -> None:
        """Open another project, with an empty history."""
        self.undo.clear()
        self.undo.setClean()
        self._audio = set()
        self.select_nothing()
        self._show(project)
        self.set_current("")

    def apply(self, text: str, project: Project, merge: str = "") -> None:
        """Make a change that can be undone.

        Args:
            text: for the menu, as ``mute violin``.
            project: afterwards.
            merge: changes with the same word right after each other become one step.
        """
        if project != self._project:
            self.undo.push(_Change(self, text, project, merge))

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
            self._kept = tuple(one for one in self._kept if one != region)
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

    # What users do to lanes.

    def set_lane(self, lane_id: str, text: str, **values: Any) -> None:
        """Change fields of a lane; gain and pan changes in a row merge into one step."""
        lane = self._project.lane(lane_id)
        if lane is None:
            return
        if "gain_db" in values:
            low, high = GAIN_LIMITS_DB
            values["gain_db"] = min(max(float(values["gain_db"]), low), high)
        if "pan" in values:
            values["pan"] = min(max(float(values["pan"]), -1.0), 1.0)
        merge = f"{lane_id}:{','.join(sorted(values))}" if set(values) <= {"gain_db", "pan"} else ""
        self.apply(text, self._project.with_lane(replace(lane, **values)), merge)

    def add_lanes(self, text: str, lanes: list[Lane]) -> None:
        """Add lanes below the others, as one step."""
        project = self._project
        for lane in lanes:
            colour = project.next_colour
            project = project.with_lane(replace(lane, colour=colour))
        rate_hz = project.rate_hz or (lanes[0].take.audio.rate_hz if lanes else 0)
        self.apply(text, replace(project, rate_hz=rate_hz))

    def add_takes(self, lane_id: str, text: str, takes: list[LaneTake]) -> None:
        """Add takes to a lane and activate the first of them."""
        lane = self._project.lane(lane_id)
        if lane is not None and takes:
            lane = replace(lane, takes=(*lane.takes, *takes), active=len(lane.takes))
            self.apply(text, self._project.with_lane(lane))

    def remove_lane(self, lane_id: str) -> None:
        """Remove a lane."""
        lane = self._project.lane(lane_id)
        if lane is not None:
            self.apply(f"remove {lane.name}", self._project.without_lane(lane_id))

    def _show(self, project: Project) -> None:
        before, self._project = self._project, project
        self._audio |= project.audio
        self.changed.emit(before, project)
        self._kept = joined(tuple((a, min(b, project.length)) for a, b in self._kept if a < project.length))
        if self._selection is not None:
            self.select(self._selection)


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

    def __init__(self, document: Document, text: str, after: Project, merge: str) -> None:
        super().__init__(text)
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
