"""Files that are dropped on the window: opened, added as lanes, or each done with what the prompt says."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import QWidget

from desktop.models.workspace import Workspace
from desktop.views.notices import StageOverlay
from desktop.views.questions import ask_what_files_are
from desktop.views.text import local_paths, tr
from engine import EngineError, Request

NAMES_SHOWN = 3


class FileDrops:
    """Takes what is dropped.

    Args:
        window: asks what several files are.
        workspace: gets the files.
        overlay: says what a drop does.
        open_path: opens one file, after asking about unsaved changes.
        form: the request that the prompt bar holds.
    """

    def __init__(
        self, window: QWidget, workspace: Workspace, overlay: StageOverlay, open_path: Callable[[Path], None],
        form: Callable[[], Request],
    ) -> None:  # fmt: skip
        self._window, self._workspace, self._overlay = window, workspace, overlay
        self._open_path, self._form = open_path, form
        self._lanes_to_come: tuple[Path, ...] = ()

    def enter(self, event: QDragEnterEvent) -> None:
        """Accept files from other programs, and say what a drop does."""
        if not event.mimeData().hasUrls() or event.source() is not None:
            return
        event.acceptProposedAction()
        names = [path.name for path in local_paths(event.mimeData())]
        words = tr("With Shift it becomes a lane") if len(names) == 1 else tr("With Shift they become lanes")
        shown = ", ".join(names[:NAMES_SHOWN]) + (" …" if len(names) > NAMES_SHOWN else "")
        is_open = self._workspace.document.project.length > 0
        self._overlay.say(f"{tr('Drop to open')} {shown}", words if is_open else "")

    def leave(self) -> None:
        """Nothing is dropped."""
        self._overlay.hide()

    def land(self, event: QDropEvent) -> None:
        """Open the first file; with Shift, add all of them as lanes."""
        event.acceptProposedAction()
        self._overlay.hide()
        self.take(local_paths(event.mimeData()), bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier))

    def take(self, paths: Sequence[Path], as_lanes: bool) -> None:
        """Open dropped files, or add them as lanes; of several, ask once what they are."""
        can_be_lanes = self._workspace.document.project.rate_hz > 0
        how = "lanes" if as_lanes and can_be_lanes else "project"
        if len(paths) > 1 and how == "project":
            how = ask_what_files_are(self._window, paths, can_be_lanes)
        if how == "lanes":
            self._add_lanes(paths)
        elif paths and how == "project":
            self._lanes_to_come = tuple(paths[1:])
            self._open_path(paths[0])
        elif how == "batch":
            self._do_with_each(paths)

    def add_lanes_to_come(self) -> None:
        """Add the files that were dropped together with the one that is open now."""
        paths, self._lanes_to_come = self._lanes_to_come, ()
        self._add_lanes(paths)

    def _do_with_each(self, paths: Sequence[Path]) -> None:
        """Do what the prompt says with files that are not opened; the results lie beside each."""
        try:
            self._workspace.batch(list(paths), self._form())
        except EngineError as error:
            self._workspace.fail(error)

    def _add_lanes(self, paths: Sequence[Path]) -> None:
        for path in paths:
            self._workspace.add_file(path)
