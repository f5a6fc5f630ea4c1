"""Notes of lanes in the window: the menu's words, the notes over the sound, and the MIDI file that is dragged out."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QFileDialog, QMenu, QWidget

from desktop.models.lane_files import LaneFiles
from desktop.models.lane_notes import LaneNotes
from desktop.models.project import Lane
from desktop.models.workspace import Workspace
from desktop.views.text import tr
from desktop.views.theme import Palette
from desktop.views.timeline.drag_out import start_drag
from desktop.views.timeline.timeline import Timeline
from engine import EngineError, write_new


class NoteActions(QObject):
    """Shows notes on lanes and hands them out.

    Args:
        window: where drags and dialogs start.
        palette: returns the colours in use.
    """

    def __init__(self, workspace: Workspace, window: QWidget, palette: Callable[[], Palette]) -> None:
        super().__init__(window)
        self._workspace, self._window, self._palette = workspace, window, palette
        self._timeline: Timeline | None = None
        self.notes: LaneNotes = workspace.notes
        self._files: LaneFiles = workspace.files

    def attach(self, timeline: Timeline) -> None:
        """Serve a timeline."""
        self._timeline = timeline
        self.notes.changed.connect(self._show)

    def add_to(self, menu: QMenu, lane: Lane) -> None:
        """The entries of a lane's menu."""
        shown = self.notes.is_shown(lane.id)
        action = menu.addAction(tr("Show notes"))
        action.setCheckable(True)
        action.setChecked(shown)
        action.setToolTip(tr("What was played, as a piano roll over the sound; the tab MIDI drags it into a DAW"))
        action.triggered.connect(lambda on: self.notes.show(lane.id, not shown))
        if shown and self.notes.has_notes(lane.id):
            menu.addAction(tr("Save notes as MIDI …"), lambda: self.save(lane.id))

    def drag(self, lane_id: str) -> None:
        """Drag the notes of a lane into another program, as a MIDI file."""
        path = self._file(lane_id)
        if path is not None:
            start_drag(self._window, [path], "stack", self._palette())

    def save(self, lane_id: str) -> None:
        """Ask where the notes of a lane go, and write them there."""
        made = self._file(lane_id)
        if made is None:
            return
        wanted = str(self._files.export_folder() / made.name)
        chosen, _ = QFileDialog.getSaveFileName(self._window, tr("Save notes as MIDI …"), wanted, "MIDI (*.mid)")
        if not chosen:
            return
        try:
            Path(chosen).unlink(missing_ok=True)  # the dialog has asked about that
            write_new(Path(chosen), ".mid", made.read_bytes())
        except EngineError as error:
            self._workspace.fail(error)

    def _file(self, lane_id: str) -> Path | None:
        try:
            return self.notes.midi_file(lane_id)
        except EngineError as error:
            self._workspace.fail(error)
            return None

    def _show(self, lane_id: str) -> None:
        view = self._timeline.lanes.get(lane_id) if self._timeline is not None else None
        if view is None:
            return
        marks = self.notes.marks(lane_id)
        view.wave.show_notes(marks)
        view.show_midi_tab(bool(marks), lambda: self.drag(lane_id))
