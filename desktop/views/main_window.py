"""The window: puts the parts together and hands what the user does to the workspace."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QByteArray, Qt
from PySide6.QtGui import QAction, QCloseEvent, QDragEnterEvent, QDropEvent, QGuiApplication
from PySide6.QtWidgets import (
    QApplication,
    QFileDialog,
    QHBoxLayout,
    QMainWindow,
    QMessageBox,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from desktop.audio.mixer import PlaybackSource
from desktop.models.bundles import BundleRow
from desktop.models.demo import demo_mix
from desktop.models.examples import PATTERNS, check_example
from desktop.models.project_file import SUFFIX
from desktop.models.workspace import Workspace
from desktop.views.actions import make_actions
from desktop.views.lane_actions import LaneActions
from desktop.views.notices import FirstSteps, StatusLine, TroubleBanner
from desktop.views.prompt.prompt_bar import PromptBar
from desktop.views.queue_panel import QueuePanel
from desktop.views.text import local_paths, tr
from desktop.views.theme import dress, palette_for
from desktop.views.timeline.timeline import Timeline
from desktop.views.top_bar import TopBar
from desktop.views.welcome import Welcome
from engine import EngineError, Request


class MainWindow(QMainWindow):
    """The main window: top bar, timeline, prompt bar, queue, status line.

    Args:
        workspace: the application.
    """

    def __init__(self, workspace: Workspace) -> None:
        super().__init__()
        self.workspace: Workspace = workspace
        self._left = False
        self.lane_actions: LaneActions = LaneActions(workspace, workspace.bridge, self, lambda: self.palette_in_use)
        self.palette_in_use = palette_for(str(workspace.settings.get("theme")))
        dress(QApplication.instance(), self.palette_in_use)  # type: ignore[arg-type]
        self.setAcceptDrops(True)
        self.resize(1320, 840)
        self.setMinimumSize(900, 560)
        self.actions_by_name: dict[str, QAction] = make_actions(self, self)
        settings = workspace.settings
        self.top = TopBar(self.palette_in_use, self.actions_by_name)
        self.timeline: Timeline = Timeline(workspace, self.palette_in_use)
        self.welcome = Welcome(self.palette_in_use)
        self.banner = TroubleBanner(self.palette_in_use)
        self.hint: FirstSteps = FirstSteps(self.palette_in_use)
        self.prompt: PromptBar = PromptBar(
            self.palette_in_use, workspace.bundles.choices(), str(settings.get("bundle")), str(settings.get("device"))
        )
        self.queue = QueuePanel(workspace.jobs.queue, self.palette_in_use)
        self.status = StatusLine()
        self._lay_out()
        self._connect()
        self.timeline.setFocus()
        self._show_bundle()
        self._show_state()
        if geometry := settings.get("geometry"):
            self.restoreGeometry(QByteArray(geometry))

    def _lay_out(self) -> None:
        self.stage = QStackedWidget()
        self.stage.addWidget(self.welcome)
        self.stage.addWidget(self.timeline)
        lower = QVBoxLayout()
        lower.setContentsMargins(14, 10, 14, 12)
        lower.setSpacing(9)
        for widget in (self.hint, self.banner, self.prompt):
            lower.addWidget(widget)
        left = QVBoxLayout()
        left.setSpacing(0)
        left.addWidget(self.stage, 1)
        left.addLayout(lower)
        middle = QHBoxLayout()
        middle.setSpacing(0)
        middle.addLayout(left, 1)
        middle.addWidget(self.queue)
        column = QVBoxLayout()
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.top)
        column.addLayout(middle, 1)
        column.addWidget(self.status)
        whole = QWidget()
        whole.setLayout(column)
        self.setCentralWidget(whole)
        self.hint.setVisible(not self.workspace.settings.get("seen_hint"))
        self.queue.setVisible(bool(self.workspace.settings.get("queue")))
        self.prompt.fold.setChecked(bool(self.workspace.settings.get("advanced")))

    def _connect(self) -> None:
        workspace, document, transport = self.workspace, self.workspace.document, self.workspace.transport
        workspace.troubled.connect(self.banner.show_trouble)
        workspace.told.connect(self.status.tell)
        workspace.opened.connect(self._show_state)
        workspace.place_changed.connect(lambda path: self._show_state())
        document.changed.connect(lambda before, after: self._show_state())
        document.undo.cleanChanged.connect(lambda clean: self._show_state())
        document.selection_changed.connect(lambda selection: self._show_regions())
        document.current_changed.connect(self._show_target)
        transport.moved.connect(self._show_time)
        transport.state_changed.connect(self.top.show_playing)
        transport.listen_changed.connect(lambda listen: self._show_state())
        transport.match_changed.connect(lambda match_db: self._show_state())
        workspace.link.host_changed.connect(lambda pid: self._show_status())
        workspace.jobs.queue.summary_changed.connect(lambda count: self._show_status())
        workspace.bundles.changed.connect(self._show_bundles)
        workspace.bridge.changed.connect(self._show_status)
        workspace.settings.changed.connect(self._on_setting)
        self.top.listened.connect(transport.set_listen)
        self.top.matched.connect(lambda on: workspace.settings.set("match", on))
        self.top.volume_changed.connect(lambda volume: workspace.settings.set("volume", volume))
        self.top.volume.setValue(round(float(workspace.settings.get("volume")) * 100))
        self.timeline.drag_wanted.connect(self.lane_actions.drag_out)
        self.timeline.menu_wanted.connect(self.lane_actions.show_menu)
        self.lane_actions.told.connect(self.status.tell)
        self.lane_actions.export_wanted.connect(self.export)
        self.lane_actions.rename_wanted.connect(self.timeline.rename)
        self.prompt.asked.connect(self.ask)
        self.prompt.regions_cleared.connect(document.select_nothing)
        self.prompt.region_dropped.connect(document.drop_region)
        self.prompt.region_kept.connect(document.keep_selection)
        self.prompt.examples_offered.connect(self.add_examples)
        self.prompt.browse_wanted.connect(self.choose_examples)
        self.prompt.bundle_chosen.connect(lambda place: self._show_bundle())
        self.prompt.fold.toggled.connect(lambda on: workspace.settings.set("advanced", on))
        self.queue.cancelled.connect(workspace.jobs.cancel)
        self.queue.retried.connect(workspace.jobs.retry)
        self.queue.opened.connect(self.open_daw_clip)
        self.hint.closed.connect(self._close_hint)
        self.welcome.open_wanted.connect(self.choose_file)
        self.welcome.demo_wanted.connect(self.open_demo)
        self.welcome.path_wanted.connect(lambda path: self.open_path(Path(path)))
        QGuiApplication.styleHints().colorSchemeChanged.connect(lambda scheme: self.dress())

    # What users do.

    def ask(self, request: Request) -> None:
        """Queue what the prompt bar says."""
        self.banner.hide()
        try:
            bundle = self.workspace.bundles.row(request.bundle)
            for path in request.examples:
                check_example(Path(path), bundle.words, bundle.encoders)
            self.workspace.jobs.ask(request)
            self.timeline.setFocus()
        except EngineError as error:
            self.workspace.fail(error)

    def choose_examples(self) -> None:
        """Ask for example files."""
        kinds = f"{tr('Images, videos, audio')} ({PATTERNS})"
        names, _ = QFileDialog.getOpenFileNames(self, tr("Examples of what to look for"), self._last_folder(), kinds)
        self.add_examples([Path(name) for name in names])

    def add_examples(self, paths: list[Path]) -> None:
        """Add the example files that the chosen bundle can use."""
        bundle = self._chosen_bundle()
        for path in paths:
            try:
                check_example(path, bundle.words, bundle.encoders)
                self.prompt.add_example(path)
            except EngineError as error:
                self.workspace.fail(error)

    def choose_file(self) -> None:
        """Ask which file to open."""
        name, _ = QFileDialog.getOpenFileName(self, tr("Open a mix or a project"), self._last_folder())
        if name:
            self.open_path(Path(name))

    def open_path(self, path: Path) -> None:
        """Open a file, after asking about unsaved changes."""
        if self._may_leave():
            self.banner.hide()
            self.workspace.open(path)

    def open_daw_clip(self, row_id: str) -> None:
        """Open the clip of a DAW, after asking about unsaved changes."""
        if self._may_leave():
            self.banner.hide()
            self.workspace.open_daw_result(row_id)

    def open_demo(self) -> None:
        """Open the demo mix."""
        try:
            self.open_path(demo_mix())
        except EngineError as error:
            self.workspace.fail(error)

    def save(self, anew: bool = False) -> None:
        """Save the project; asks for a name when it has none."""
        path = self.workspace.path
        if anew or path is None:
            proposed = str(Path(self._last_folder()) / f"{self.workspace.document.project.title or 'project'}{SUFFIX}")
            name, _ = QFileDialog.getSaveFileName(self, tr("Save the project"), proposed, f"Fluxstem (*{SUFFIX})")
            if not name:
                return
            path = Path(name)
        self.workspace.save(path)

    def export(self, lane_id: str = "") -> None:
        """Show the export dialog."""
        from desktop.views.dialogs.export_dialog import ExportDialog

        if self.workspace.document.project.lanes or self.workspace.document.project.source:
            ExportDialog(self.workspace, self.lane_actions.files, lane_id, self).exec()

    def show_settings(self, tab: int = 0) -> None:
        """Show the settings."""
        from desktop.views.dialogs.settings_dialog import SettingsDialog

        SettingsDialog(self.workspace, self, tab).exec()

    def toggle_lane(self, field: str) -> None:
        """Mute or solo the current lane."""
        document = self.workspace.document
        lane = document.project.lane(document.current)
        if lane is not None:
            document.set_lane(lane.id, f"{tr(field)} {lane.name}", **{field: not getattr(lane, field)})

    def step_lane(self, by: int) -> None:
        """Go to the lane above or below; the mix is above the first."""
        names = ["", *(lane.id for lane in self.workspace.document.project.lanes)]
        place = names.index(self.workspace.document.current) + by
        self.workspace.document.set_current(names[min(max(place, 0), len(names) - 1)])

    def dress(self) -> None:
        """Apply the theme chosen in the settings."""
        self.palette_in_use = palette_for(str(self.workspace.settings.get("theme")))
        dress(QApplication.instance(), self.palette_in_use)  # type: ignore[arg-type]
        for part in (self.top, self.timeline, self.welcome, self.banner, self.hint, self.prompt, self.queue):
            part.dress(self.palette_in_use)
        self._show_state()

    # Qt's events.

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:  # noqa: N802
        """Accept files from other programs."""
        if event.mimeData().hasUrls() and event.source() is None:
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:  # noqa: N802
        """Open the first file; with Shift, add all of them as lanes."""
        event.acceptProposedAction()
        self.drop(local_paths(event.mimeData()), bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier))

    def drop(self, paths: list[Path], as_lanes: bool) -> None:
        """Open dropped files, or add them as lanes."""
        if not paths:
            return
        if as_lanes and self.workspace.document.project.rate_hz:
            for path in paths:
                self.workspace.add_file(path)
            return
        self.open_path(paths[0])

    def closeEvent(self, event: QCloseEvent) -> None:  # noqa: N802
        """Ask about unsaved changes, then shut down."""
        if self._left:  # Qt may close a window twice
            event.accept()
            return
        if not self._may_leave():
            event.ignore()
            return
        self.leave()
        event.accept()

    def leave(self) -> None:
        """Shut down without asking."""
        self._left = True
        self.workspace.settings.set("geometry", bytes(self.saveGeometry().data()))
        self.workspace.settings.sync()
        self.workspace.document.undo.blockSignals(True)  # its end would be told to a window that is gone
        self.workspace.close()

    def _may_leave(self) -> bool:
        if not self.workspace.unsaved:
            return True
        buttons = QMessageBox.StandardButton
        answer = QMessageBox.question(
            self,
            tr("Unsaved changes"),
            tr("Save the project first?"),
            buttons.Save | buttons.Discard | buttons.Cancel,
        )
        if answer is buttons.Save:
            self.save()
            return False  # saving runs in the background; the user closes again afterwards
        return bool(answer is buttons.Discard)

    # What models say.

    def _show_state(self) -> None:
        project, transport = self.workspace.document.project, self.workspace.transport
        has_sound = project.length > 0
        self.stage.setCurrentWidget(self.timeline if has_sound else self.welcome)
        self.welcome.show_recent(list(self.workspace.settings.get("recent")))
        star = "*" if self.workspace.unsaved else ""
        self.setWindowTitle(f"{project.title}{star} - Fluxstem" if project.title else "Fluxstem")
        listen = transport.listen if project.lanes else PlaybackSource.ORIGINAL
        self.top.show_listen(listen, bool(project.lanes), project.source is not None)
        self.top.show_match(bool(self.workspace.settings.get("match")), transport.match_db)
        for name in ("play", "start", "loop", "export", "save", "fit", "zoom_in", "zoom_out", "select_all"):
            self.actions_by_name[name].setEnabled(has_sound)
        self._show_target(self.workspace.document.current)
        self._show_regions()
        self._show_status()

    def _show_regions(self) -> None:
        document = self.workspace.document
        self.prompt.show_regions(document.selection, document.kept, document.project.rate_hz)

    def _show_bundle(self) -> None:
        self.prompt.show_bundle(self._chosen_bundle())

    def _chosen_bundle(self) -> BundleRow:
        return self.workspace.bundles.row(str(self.prompt.bundle.currentData()))

    def _show_target(self, current: str) -> None:
        lane = self.workspace.document.project.lane(current)
        self.prompt.show_target(lane.name if lane is not None else "")

    def _show_time(self, sample: int) -> None:
        self.top.show_time(sample / max(self.workspace.document.project.rate_hz, 1))

    def _show_status(self) -> None:
        workspace, jobs = self.workspace, self.workspace.jobs
        self.status.show_engine(workspace.link.host_pid, jobs.device)
        self.status.show_bundle(jobs.bundle or workspace.bundles.row(str(workspace.settings.get("bundle"))).words)
        self.status.show_bridge(workspace.bridge.words)

    def _show_bundles(self) -> None:
        self.prompt.set_bundles(self.workspace.bundles.choices(), str(self.workspace.settings.get("bundle")))
        self._show_bundle()
        self._show_status()

    def _on_setting(self, name: str, value: object) -> None:
        if name == "theme":
            self.dress()
        elif name == "queue":
            self.queue.setVisible(bool(value))
        elif name in ("bundle", "device"):
            self._show_bundles()
            self.prompt.device.setCurrentIndex(
                max(self.prompt.device.findData(self.workspace.settings.get("device")), 0)
            )
        elif name == "match":
            self._show_state()

    def _close_hint(self) -> None:
        self.hint.hide()
        self.workspace.settings.set("seen_hint", True)

    def _last_folder(self) -> str:
        recent = self.workspace.settings.get("recent")
        return str(Path(recent[0]).parent) if recent else str(Path.home())
