"""Everything of time above the lanes: overview, tools, ruler and grid, connected with the workspace."""

from __future__ import annotations

from PySide6.QtCore import QObject, QPoint
from PySide6.QtWidgets import QMenu

from desktop.models.marker_edits import MarkerEdits
from desktop.models.project import Project
from desktop.models.viewport import Viewport
from desktop.models.workspace import Workspace
from desktop.views.text import tr
from desktop.views.theme import Palette
from desktop.views.timeline.grid import TimeGrid
from desktop.views.timeline.overview import OverviewContent, OverviewStrip, OverviewThread
from desktop.views.timeline.ruler import Ruler
from desktop.views.timeline.time_tools import TimeTools
from engine import AudioError


class TimeRows(QObject):
    """Owns the rows; whoever makes it puts ``overview``, ``tools`` and ``ruler`` into its layout.

    Args:
        width: pixels of the lanes' headers.
    """

    def __init__(self, workspace: Workspace, viewport: Viewport, palette: Palette, width: int) -> None:
        super().__init__(viewport)
        self._workspace, self._palette = workspace, palette
        self.markers = MarkerEdits(workspace.document)
        self.grid = TimeGrid(viewport)
        self.ruler = Ruler(viewport, palette, self.grid)
        self.overview = OverviewStrip(viewport, palette)
        self.tools = TimeTools(workspace.tempo, workspace.transport, workspace.settings, palette, width)
        self._connect()
        self.show_all()

    def _connect(self) -> None:
        workspace, document, transport = self._workspace, self._workspace.document, self._workspace.transport
        document.changed.connect(self._on_change)
        document.selection_changed.connect(self.show_all)
        transport.moved.connect(self.ruler.set_cursor)
        transport.moved.connect(self.overview.set_cursor)
        transport.looping_changed.connect(self.show_all)
        workspace.audio_grew.connect(self.show_all)
        workspace.tempo.changed.connect(self._show_grid)
        workspace.settings.changed.connect(self._on_setting)
        self.overview.sought.connect(transport.seek)
        self.ruler.sought.connect(transport.seek)
        self.ruler.selected.connect(self._select)
        self.ruler.loop_toggled.connect(lambda: transport.set_looping(not transport.looping))
        self.ruler.marker_moved.connect(lambda marker_id, at: self.markers.move(marker_id, workspace.snapped(at)))
        self.ruler.marker_renamed.connect(self.markers.rename)
        self.ruler.menu_wanted.connect(lambda place, sample, marker_id: self.menu(sample, marker_id).popup(place))

    def dress(self, palette: Palette) -> None:
        """Apply a palette."""
        self._palette = palette
        for part in (self.ruler, self.overview, self.tools):
            part.dress(palette)
        self.show_all()

    def menu(self, sample: int, marker_id: str = "") -> QMenu:
        """What can be done at a place of the ruler."""
        workspace, document, transport = self._workspace, self._workspace.document, self._workspace.transport
        menu = QMenu(self.ruler)
        if marker_id:
            menu.addAction(tr("Rename the marker"), lambda: self.ruler.rename(marker_id))
            menu.addAction(tr("Remove the marker"), lambda: self.markers.remove(marker_id))
            menu.addSeparator()
        else:
            menu.addAction(tr("Add a marker here"), lambda: self.markers.add(workspace.snapped(sample)))
        menu.addAction(tr("Bar 1 begins here"), lambda: workspace.tempo.set_first_beat(sample))
        place = self.ruler.mapToGlobal(QPoint(0, self.ruler.height()))
        menu.addAction(tr("Tempo, bars and key …"), lambda: self.tools.card.open_at(place))
        if document.selection is not None:
            menu.addSeparator()
            words = tr("Stop looping") if transport.looping else tr("Loop the region")
            menu.addAction(words, lambda: transport.set_looping(not transport.looping))
        return menu

    def show_all(self) -> None:
        """Show what the models say."""
        document, project = self._workspace.document, self._workspace.document.project
        self.ruler.set_rate(project.rate_hz)
        self.ruler.set_selection(document.selection, document.kept)
        self.ruler.set_looping(self._workspace.transport.looping)
        self.ruler.set_markers(project.markers)
        if document.selection is not None:
            self._workspace.settings.set("seen_region", True)
        seen = self._workspace.settings.get("seen_region") or project.markers
        self.ruler.set_hint("" if seen else tr("Drag along here to choose a region"))
        self._show_grid()
        self.overview.show_content(self._content(project))

    def _on_change(self, before: Project, after: Project) -> None:
        self.show_all()

    def _select(self, first: int, last: int, done: bool) -> None:
        if done:
            first, last = self._workspace.snapped(first), self._workspace.snapped(last)
        self._workspace.document.select((first, last))

    def _on_setting(self, name: str, value: object) -> None:
        if name == "grid":
            self._show_grid()

    def _show_grid(self) -> None:
        project, workspace = self._workspace.document.project, self._workspace
        self.grid.show_map(workspace.tempo.time_map, project.rate_hz, bool(workspace.settings.get("grid")))

    def _content(self, project: Project) -> OverviewContent:
        colours = self._palette.lanes
        threads = tuple(
            OverviewThread(colours[lane.colour % len(colours)], lane.take.made.heard)
            for lane in project.lanes
            if lane.role == "stem" and lane.take.made.heard
        )
        document, peaks = self._workspace.document, None
        if project.source is not None:
            try:
                peaks = self._workspace.peaks(project.source)
            except AudioError:  # the lanes say so
                peaks = None
        looping = self._workspace.transport.looping
        return OverviewContent(peaks, max(project.length, 1), threads, document.selection, looping, project.markers)
