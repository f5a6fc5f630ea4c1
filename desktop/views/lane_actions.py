"""What can be done with the file of a lane: drag it out, copy its path, show it, send it back; and the lane's menu."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QObject, QPoint, QUrl, Signal
from PySide6.QtGui import QColor, QDesktopServices, QGuiApplication, QPixmap
from PySide6.QtWidgets import QMenu, QWidget

from desktop.models.bridge_service import BridgeService
from desktop.models.lane_files import LaneFiles
from desktop.models.workspace import Workspace
from desktop.views.text import tr
from desktop.views.theme import Palette
from desktop.views.timeline.lane_header import start_drag
from engine import EngineError


class LaneActions(QObject):
    """Hands the files of lanes to other programs.

    Args:
        workspace: whose lanes.
        bridge: the way back to the DAW.
        window: where drags and menus start.
        palette: returns the colours in use.

    Signals:
        told: news for the status line.
        export_wanted: id of the lane to export.
        rename_wanted: id of the lane to rename.
    """

    told = Signal(str)
    export_wanted = Signal(str)
    rename_wanted = Signal(str)

    def __init__(
        self, workspace: Workspace, bridge: BridgeService, window: QWidget, palette: Callable[[], Palette]
    ) -> None:
        super().__init__(window)
        self._workspace, self._bridge, self._window, self._palette = workspace, bridge, window, palette
        self.files = LaneFiles(workspace.document, workspace.store)

    def drag_out(self, lane_id: str) -> None:
        """Drag the file of a lane into another program."""
        if path := self._file_of(lane_id):
            start_drag(self._window, [path], "wave", self._palette())

    def copy_path(self, lane_id: str) -> None:
        """Put the path of a lane's file on the clipboard."""
        if path := self._file_of(lane_id):
            QGuiApplication.clipboard().setText(str(path))
            self.told.emit(tr("path copied"))

    def reveal(self, lane_id: str) -> None:
        """Open the folder of a lane's file."""
        if path := self._file_of(lane_id):
            QDesktopServices.openUrl(QUrl.fromLocalFile(str(path.parent)))

    def send_back(self, lane_id: str) -> None:
        """Send a lane back to the DAW its clip came from."""
        project = self._workspace.document.project
        lane, path = project.lane(lane_id), self._file_of(lane_id)
        if lane is None or path is None:
            return
        place = (lane.take.start, lane.take.audio.samples, lane.take.audio.rate_hz)
        try:
            self._bridge.send_back(project.daw, path, place, lambda: self.told.emit(tr("sent back to the DAW")))
        except EngineError as error:
            self._workspace.fail(error)

    def menu(self, lane_id: str) -> QMenu:
        """The context menu of a lane."""
        document = self._workspace.document
        menu = QMenu(self._window)
        menu.addAction(tr("Copy path"), lambda: self.copy_path(lane_id))
        menu.addAction(tr("Open in folder"), lambda: self.reveal(lane_id))
        menu.addAction(tr("Export …"), lambda: self.export_wanted.emit(lane_id))
        back = menu.addAction(tr("Send back to the DAW"), lambda: self.send_back(lane_id))
        back.setEnabled(bool(document.project.daw))
        back.setToolTip("" if back.isEnabled() else tr("For clips that a DAW sent over OSC"))
        menu.setToolTipsVisible(True)
        menu.addSeparator()
        colours = menu.addMenu(tr("Colour"))
        for number, colour in enumerate(self._palette().lanes):
            swatch = QPixmap(16, 16)
            swatch.fill(QColor(colour))
            action = colours.addAction(f"{tr('Colour')} {number + 1}")
            action.setIcon(swatch)
            action.triggered.connect(lambda on, n=number: document.set_lane(lane_id, tr("change a colour"), colour=n))
        menu.addAction(tr("Rename …"), lambda: self.rename_wanted.emit(lane_id))
        menu.addSeparator()
        menu.addAction(tr("Remove lane"), lambda: document.remove_lane(lane_id))
        return menu

    def show_menu(self, lane_id: str, place: QPoint) -> None:
        """Open the context menu of a lane."""
        self.menu(lane_id).exec(place)

    def _file_of(self, lane_id: str) -> Path | None:
        try:
            return self.files.file_of(lane_id)
        except EngineError as error:
            self._workspace.fail(error)
            return None
