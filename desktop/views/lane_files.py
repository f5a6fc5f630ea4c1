"""What can be done with the file of a lane: drag it out, copy its path, show it, send it back; and the lane's menu."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QPoint, QUrl
from PySide6.QtGui import QColor, QDesktopServices, QGuiApplication, QPixmap
from PySide6.QtWidgets import QMenu

from desktop.models.files_out import FilesOut
from desktop.views.lane_header import LaneHeader, start_drag
from desktop.views.text import tr
from engine import EngineError

if TYPE_CHECKING:
    from desktop.views.main_window import MainWindow


class LaneFiles:
    """Hands files to other programs.

    Args:
        window: whose lanes.
    """

    def __init__(self, window: MainWindow) -> None:
        self._window = window
        self.out = FilesOut(window.studio)

    def drag_out(self, lane_id: str) -> None:
        """Drag the file of a lane into another program."""
        if path := self._file_of(lane_id):
            start_drag(self._window, [path], "wave", self._window.palette_in_use)

    def copy_path(self, lane_id: str) -> None:
        """Put the path of a lane's file on the clipboard."""
        if path := self._file_of(lane_id):
            QGuiApplication.clipboard().setText(str(path))
            self._window.status.tell(tr("path copied"))

    def reveal(self, lane_id: str) -> None:
        """Open the folder a lane's file is in."""
        if path := self._file_of(lane_id):
            QDesktopServices.openUrl(QUrl.fromLocalFile(str(path.parent)))

    def send_back(self, lane_id: str) -> None:
        """Hand a lane to the DAW that its clip came from."""
        window, project = self._window, self._window.studio.session.project
        lane, path = project.lane(lane_id), self._file_of(lane_id)
        if lane is None or path is None:
            return
        place = (lane.take.start, lane.take.audio.samples, lane.take.audio.rate_hz)
        try:
            window.shelf.send_back(project.daw, path, place, lambda: window.status.tell(tr("sent back to the DAW")))
        except EngineError as error:
            window.studio.fail(error)

    def menu(self, lane_id: str) -> QMenu:
        """What can be done with a lane."""
        window, session = self._window, self._window.studio.session
        menu = QMenu(window)
        menu.addAction(tr("Copy path"), lambda: self.copy_path(lane_id))
        menu.addAction(tr("Open in folder"), lambda: self.reveal(lane_id))
        menu.addAction(tr("Export …"), lambda: window.export(lane_id))
        back = menu.addAction(tr("Send back to the DAW"), lambda: self.send_back(lane_id))
        back.setEnabled(bool(session.project.daw))
        back.setToolTip("" if back.isEnabled() else tr("For clips that a DAW sent over OSC"))
        menu.setToolTipsVisible(True)
        menu.addSeparator()
        colours = menu.addMenu(tr("Colour"))
        for number, colour in enumerate(window.palette_in_use.lanes):
            swatch = QPixmap(16, 16)
            swatch.fill(QColor(colour))
            action = colours.addAction(f"{tr('Colour')} {number + 1}")
            action.setIcon(swatch)
            action.triggered.connect(lambda on, n=number: session.set_lane(lane_id, tr("change a colour"), colour=n))
        header = window.timeline.lanes[lane_id].header
        if isinstance(header, LaneHeader):
            menu.addAction(tr("Rename …"), header.rename)
        menu.addSeparator()
        menu.addAction(tr("Remove lane"), lambda: session.remove_lane(lane_id))
        return menu

    def show_menu(self, lane_id: str, place: QPoint) -> None:
        """Open the menu of a lane."""
        self.menu(lane_id).exec(place)

    def _file_of(self, lane_id: str) -> Path | None:
        try:
            return self.out.file_of(lane_id)
        except EngineError as error:
            self._window.studio.fail(error)
            return None
