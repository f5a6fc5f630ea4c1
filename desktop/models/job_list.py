"""The queue of jobs as a Qt model.

Waiting jobs stay here and go to the engine one at a time, so that they can be put in another order; jobs that a DAW
sent are in the same list.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Any

from PySide6.QtCore import QAbstractListModel, QModelIndex, QObject, QPersistentModelIndex, Qt, Signal

from desktop.message import Message
from desktop.models.project import new_id
from engine import Done, NotHeard, Request

ETA_FROM_FRACTION, ETA_FROM_S = 0.03, 1.0  # of work seen, before the time left is told
KEPT_ROWS = 50


class JobState(Enum):
    """State of a job."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


ENDED = frozenset({JobState.DONE, JobState.FAILED, JobState.CANCELLED})


@dataclass(frozen=True, slots=True, kw_only=True)
class JobRow:
    """One job of the queue.

    Attributes:
        id: its name here.
        job: its name in the engine, empty while it waits here.
        title: for the user.
        request: what is asked; None for a job of a DAW that came before this window looked.
        context: plan and project of the job; None for a job of a DAW.
        from_daw: True means it came over OSC.
        for_file: True means it is about a file that is not open, and its results lie beside that.
        regions_s: parts of the song that it works on, in seconds; none means all.
        state, fraction, stage: how far it is.
        started_s: on the monotonic clock; None before.
        pace: when progress was first seen and how far it was then, and when it was seen last; None before.
        message, kind: of a failure: what to tell the user, and the class of the error.
        done: what came out.
    """

    id: str = field(default_factory=new_id)
    job: str = ""
    title: str
    request: Request | None = None
    context: Any = None
    from_daw: bool = False
    for_file: bool = False
    regions_s: tuple[tuple[float, float], ...] = ()
    state: JobState = JobState.WAITING
    fraction: float = 0.0
    stage: str = ""
    started_s: float | None = None
    pace: tuple[float, float, float] | None = None
    message: Message | None = None
    kind: str = ""
    done: Done | None = None

    @property
    def was_not_heard(self) -> bool:
        """True where it failed because what it was to replace is not heard: asked again, it is replaced anyway."""
        return self.state is JobState.FAILED and self.kind == NotHeard.__name__

    def eta_s(self, now_s: float) -> float | None:
        """Estimated seconds left; None while it is too early to tell, and once they are over.

        The pace is that of the work itself: what passes before the first progress is the engine that starts. Between
        two pieces of news the time runs down.
        """
        if self.state is not JobState.RUNNING or self.pace is None:
            return None
        first_s, first_fraction, last_s = self.pace
        seen_s, done = last_s - first_s, self.fraction - first_fraction
        if done < ETA_FROM_FRACTION or seen_s < ETA_FROM_S:
            return None
        left_s = seen_s * (1 - self.fraction) / done - (now_s - last_s)
        return left_s if left_s > 0 else None

    def moved_to(self, fraction: float, now_s: float) -> JobRow:
        """The same after news of its progress."""
        if fraction <= self.fraction:
            return self
        first_s, first_fraction = (now_s, fraction) if self.pace is None else self.pace[:2]
        return replace(self, fraction=fraction, pace=(first_s, first_fraction, now_s))


def details_of(row: JobRow) -> str:
    """Details of a failure, for a bug report."""
    lines = [f"{row.kind}: {row.message}"]
    if row.request is not None:
        asked = row.request
        what = f"{asked.task} {', '.join(asked.prompts)}".strip()
        lines.append(f"{what}; bundle {asked.bundle}, device {asked.device}, seed {asked.seed}, input {asked.input}")
    if row.stage:
        lines.append(f"{row.stage}, {row.fraction:.0%}")
    return "\n".join(lines)


class JobList(QAbstractListModel):
    """All jobs, oldest first.

    Signals:
        summary_changed: how many wait or run.
    """

    RowRole = Qt.ItemDataRole.UserRole + 1
    summary_changed = Signal(int)

    def __init__(self, parent: QObject | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__(parent)
        self._rows: list[JobRow] = []
        self._clock = clock

    def rowCount(self, parent: QModelIndex | QPersistentModelIndex = QModelIndex()) -> int:  # noqa: N802, B008
        """As of Qt."""
        return 0 if parent.isValid() else len(self._rows)

    def data(self, index: QModelIndex | QPersistentModelIndex, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """As of Qt: the row itself, or its text."""
        if not index.isValid() or not 0 <= index.row() < len(self._rows):
            return None
        row = self._rows[index.row()]
        if role == self.RowRole:
            return row
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.AccessibleTextRole):
            return f"{row.title}, {row.state.value}"
        return None

    @property
    def rows(self) -> tuple[JobRow, ...]:
        """All rows."""
        return tuple(self._rows)

    @property
    def unfinished(self) -> int:
        """Number of jobs that wait or run."""
        return sum(row.state not in ENDED for row in self._rows)

    def now_s(self) -> float:
        """The current time in seconds."""
        return self._clock()

    def row(self, row_id: str) -> JobRow | None:
        """The row with this id, or None."""
        return next((row for row in self._rows if row.id == row_id), None)

    def of_job(self, job: str) -> JobRow | None:
        """The row with this engine job, or None."""
        return next((row for row in self._rows if job and row.job == job), None)

    def next_waiting(self) -> JobRow | None:
        """The next job for the engine; None while one from this window is running."""
        if any(row.state is JobState.RUNNING and not row.from_daw for row in self._rows):
            return None
        return next((row for row in self._rows if row.state is JobState.WAITING and not row.from_daw), None)

    def add(self, row: JobRow) -> None:
        """Put a row at the end."""
        while len(self._rows) >= KEPT_ROWS and (old := next((r for r in self._rows if r.state in ENDED), None)):
            self.remove(old.id)
        place = len(self._rows)
        self.beginInsertRows(QModelIndex(), place, place)
        self._rows.append(row)
        self.endInsertRows()
        self.summary_changed.emit(self.unfinished)

    def update(self, row_id: str, **values: Any) -> None:
        """Change fields of a row."""
        for place, row in enumerate(self._rows):
            if row.id == row_id:
                fraction = values.get("fraction", row.fraction)
                self._rows[place] = replace(row.moved_to(fraction, self._clock()), **values)
                index = self.index(place)
                self.dataChanged.emit(index, index)
                if "state" in values:
                    self.summary_changed.emit(self.unfinished)

    def started(self, row_id: str, job: str) -> None:
        """Mark a job as submitted."""
        self.update(row_id, job=job, state=JobState.RUNNING, started_s=self._clock(), stage="waiting for the engine")

    def remove(self, row_id: str) -> None:
        """Remove a row that has ended or waits."""
        for place, row in enumerate(self._rows):
            if row.id == row_id and row.state is not JobState.RUNNING:
                self.beginRemoveRows(QModelIndex(), place, place)
                del self._rows[place]
                self.endRemoveRows()
                self.summary_changed.emit(self.unfinished)
                return

    def move(self, row_id: str, by: int) -> None:
        """Swap a waiting row with the next waiting one above or below."""
        waiting = [place for place, row in enumerate(self._rows) if row.state is JobState.WAITING and not row.from_daw]
        places = [place for place in waiting if self._rows[place].id == row_id]
        if not places:
            return
        old = waiting.index(places[0])
        new = min(max(old + by, 0), len(waiting) - 1)
        if new == old:
            return
        a, b = waiting[old], waiting[new]
        self._rows.insert(b, self._rows.pop(a))
        low, high = sorted((a, b))
        self.dataChanged.emit(self.index(low), self.index(high))

    def clear_ended(self) -> None:
        """Remove all rows that have ended."""
        for row in [row for row in self._rows if row.state in ENDED]:
            self.remove(row.id)
