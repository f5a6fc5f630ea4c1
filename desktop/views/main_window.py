"""The window: puts the parts together and hands what the user does to the studio."""

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

from desktop.audio.mixer import Listen
from desktop.models.asking import Form
from desktop.models.examples import PATTERNS, check_example
from desktop.models.files_out import demo_mix
from desktop.models.project_file import SUFFIX
from desktop.models.shelf import Shelf
from desktop.models.studio import Studio
from desktop.views.actions import make_actions
from desktop.views.lane_files import LaneFiles
from desktop.views.prompt_bar import PromptBar
from desktop.views.queue_panel import QueuePanel
from desktop.views.small import Banner, Hint, StatusLine, Welcome
from desktop.views.text import local_paths, tr
from desktop.views.theme import dress, palette_for
from desktop.views.timeline import Timeline
from desktop.views.top_bar import TopBar
from engine import EngineError


class MainWindow(QMainWindow):
    """Everything.

    Args:
        studio: the application.
        shelf: the bundles.
    """

    def __init__(self, studio: Studio, shelf: Shelf) -> None:
        super().__init__()
        self.studio: Studio = studio
        self.shelf = shelf
        self._left = False
        self.lane_files: LaneFiles = LaneFiles(self)
        self.palette_in_use = palette_for(str(studio.settings.get("theme")))
        dress(QApplication.instance(), self.palette_in_use)  # type: ignore[arg-type]
        self.setAcceptDrops(True)
        self.resize(1320, 840)
        self.setMinimumSize(900, 560)
        self.actions_by_name: dict[str, QAction] = make_actions(self)
        settings = studio.settings
        self.top = TopBar(self.palette_in_use, self.actions_by_name)
        self.timeline = Timeline(studio, self.palette_in_use)
        self.welcome = Welcome(self.palette_in_use)
        self.banner = Banner(self.palette_in_use)
        self.hint: Hint = Hint(self.palette_in_use)
        self.prompt: PromptBar = PromptBar(
            self.palette_in_use, shelf.choices(), str(settings.get("bundle")), str(settings.get("device"))
        )
        self.queue = QueuePanel(studio.desk.jobs, self.palette_in_use)
        self.status = StatusLine()
        self._lay_out()
        self._connect()
        self.timeline.setFocus()
        self._show_encoders()
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
        self.hint.setVisible(not self.studio.settings.get("seen_hint"))
        self.queue.setVisible(bool(self.studio.settings.get("queue")))
        self.prompt.fold.setChecked(bool(self.studio.settings.get("advanced")))

    def _connect(self) -> None:
        studio, session, listening = self.studio, self.studio.session, self.studio.listening
        studio.troubled.connect(self.banner.show_trouble)
        studio.told.connect(self.status.tell)
        studio.opened.connect(self._show_state)
        studio.place_changed.connect(lambda path: self._show_state())
        session.changed.connect(lambda before, after: self._show_state())
        session.undo.cleanChanged.connect(lambda clean: self._show_state())
        session.selection_changed.connect(lambda selection: self._show_regions())
        session.current_changed.connect(self._show_target)
        listening.moved.connect(self._show_time)
        listening.state_changed.connect(self.top.show_playing)
        listening.listen_changed.connect(lambda listen: self._show_state())
        listening.match_changed.connect(lambda match_db: self._show_state())
        studio.link.host_changed.connect(lambda pid: self._show_status())
        studio.desk.jobs.summary_changed.connect(lambda count: self._show_status())
        self.shelf.changed.connect(self._show_bundles)
        studio.settings.changed.connect(self._on_setting)
        self.top.listened.connect(listening.set_listen)
        self.top.matched.connect(lambda on: studio.settings.set("match", on))
        self.top.volume_changed.connect(lambda volume: studio.settings.set("volume", volume))
        self.top.volume.setValue(round(float(studio.settings.get("volume")) * 100))
        self.timeline.drag_wanted.connect(self.lane_files.drag_out)
        self.timeline.menu_wanted.connect(self.lane_files.show_menu)
        self.prompt.asked.connect(self.ask)
        self.prompt.regions_cleared.connect(session.select_nothing)
        self.prompt.region_dropped.connect(session.drop_region)
        self.prompt.region_kept.connect(session.keep_selection)
        self.prompt.examples_offered.connect(self.add_examples)
        self.prompt.browse_wanted.connect(self.choose_examples)
        self.prompt.bundle_chosen.connect(lambda place: self._show_encoders())
        self.prompt.fold.toggled.connect(lambda on: studio.settings.set("advanced", on))
        self.queue.cancelled.connect(studio.desk.cancel)
        self.queue.retried.connect(studio.desk.retry)
        self.queue.opened.connect(self.open_daw_clip)
        self.hint.closed.connect(self._close_hint)
        self.welcome.open_wanted.connect(self.choose_file)
        self.welcome.demo_wanted.connect(self.open_demo)
        self.welcome.path_wanted.connect(lambda path: self.open_path(Path(path)))
        QGuiApplication.styleHints().colorSchemeChanged.connect(lambda scheme: self.dress())

    # What users do.

    def ask(self, form: Form) -> None:
        """Put what stands in the prompt bar into the queue."""
        self.banner.hide()
        try:
            for path in form.examples:
                check_example(Path(path), self.shelf.words(form.bundle), self.shelf.encoders(form.bundle))
            self.studio.desk.ask(form)
            self.timeline.setFocus()
        except EngineError as error:
            self.studio.fail(error)

    def choose_examples(self) -> None:
        """Ask for files that show what to look for."""
        kinds = f"{tr('Pictures, videos, sounds')} ({PATTERNS})"
        names, _ = QFileDialog.getOpenFileNames(self, tr("Look for what these show"), self._last_folder(), kinds)
        self.add_examples([Path(name) for name in names])

    def add_examples(self, paths: list[Path]) -> None:
        """Take files that show what to look for, as far as the chosen bundle can use them."""
        place = str(self.prompt.bundle.currentData())
        for path in paths:
            try:
                check_example(path, self.shelf.words(place), self.shelf.encoders(place))
                self.prompt.add_example(path)
            except EngineError as error:
                self.studio.fail(error)

    def choose_file(self) -> None:
        """Ask which file to open."""
        name, _ = QFileDialog.getOpenFileName(self, tr("Open a mix or a project"), self._last_folder())
        if name:
            self.open_path(Path(name))

    def open_path(self, path: Path) -> None:
        """Open a file, after asking about what is not saved."""
        if self._may_leave():
            self.banner.hide()
            self.studio.open(path)

    def open_daw_clip(self, row_id: str) -> None:
        """Open what a DAW sent, after asking about what is not saved."""
        if self._may_leave():
            self.banner.hide()
            self.studio.desk.show_daw_result(row_id)

    def open_demo(self) -> None:
        """Open the mix that ships."""
        try:
            self.open_path(demo_mix())
        except EngineError as error:
            self.studio.fail(error)

    def save(self, anew: bool = False) -> None:
        """Save the project; asks for a name when it has none."""
        path = self.studio.path
        if anew or path is None:
            proposed = str(Path(self._last_folder()) / f"{self.studio.session.project.title or 'project'}{SUFFIX}")
            name, _ = QFileDialog.getSaveFileName(self, tr("Save the project"), proposed, f"Fluxstem (*{SUFFIX})")
            if not name:
                return
            path = Path(name)
        self.studio.save(path)

    def export(self, lane_id: str = "") -> None:
        """Show the export dialog."""
        from desktop.views.export_dialog import ExportDialog

        if self.studio.session.project.lanes or self.studio.session.project.source:
            ExportDialog(self.studio, self.lane_files.out, lane_id, self).exec()

    def show_settings(self, tab: int = 0) -> None:
        """Show the settings."""
        from desktop.views.settings_dialog import SettingsDialog

        SettingsDialog(self.studio, self.shelf, self, tab).exec()

    def toggle_lane(self, field: str) -> None:
        """Mute or solo the chosen lane."""
        session = self.studio.session
        lane = session.project.lane(session.current)
        if lane is not None:
            session.set_lane(lane.id, f"{tr(field)} {lane.name}", **{field: not getattr(lane, field)})

    def step_lane(self, by: int) -> None:
        """Choose the lane above or below; above the first is the mix."""
        names = ["", *(lane.id for lane in self.studio.session.project.lanes)]
        place = names.index(self.studio.session.current) + by
        self.studio.session.set_current(names[min(max(place, 0), len(names) - 1)])

    def dress(self) -> None:
        """Put on the theme of the settings."""
        self.palette_in_use = palette_for(str(self.studio.settings.get("theme")))
        dress(QApplication.instance(), self.palette_in_use)  # type: ignore[arg-type]
        for part in (self.top, self.timeline, self.welcome, self.banner, self.hint, self.prompt, self.queue):
            part.dress(self.palette_in_use)
        self._show_state()

    # Qt's events.

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:  # noqa: N802
        """Files may come."""
        if event.mimeData().hasUrls() and event.source() is None:
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:  # noqa: N802
        """The first file becomes the mix; dropped on lanes, files become lanes."""
        event.acceptProposedAction()
        self.drop(local_paths(event.mimeData()), bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier))

    def drop(self, paths: list[Path], as_lanes: bool) -> None:
        """Take files that were dropped."""
        if not paths:
            return
        if as_lanes and self.studio.session.project.rate_hz:
            for path in paths:
                self.studio.add_file(path)
            return
        self.open_path(paths[0])

    def closeEvent(self, event: QCloseEvent) -> None:  # noqa: N802
        """Ask about what is not saved, then stop everything."""
        if self._left:  # Qt may close a window twice
            event.accept()
            return
        if not self._may_leave():
            event.ignore()
            return
        self.leave()
        event.accept()

    def leave(self) -> None:
        """Stop everything without asking; for who has asked already."""
        self._left = True
        self.studio.settings.set("geometry", bytes(self.saveGeometry().data()))
        self.studio.settings.sync()
        self.shelf.close()
        self.studio.session.undo.blockSignals(True)  # its end would be told to a window that is gone
        self.studio.close()

    def _may_leave(self) -> bool:
        if not self.studio.unsaved:
            return True
        buttons = QMessageBox.StandardButton
        answer = QMessageBox.question(
            self,
            tr("Not saved yet"),
            tr("Save the project before going on?"),
            buttons.Save | buttons.Discard | buttons.Cancel,
        )
        if answer is buttons.Save:
            self.save()
            return False  # saving takes its time; the user closes again when it is told
        return bool(answer is buttons.Discard)

    # What models say.

    def _show_state(self) -> None:
        project, listening = self.studio.session.project, self.studio.listening
        has_sound = project.length > 0
        self.stage.setCurrentWidget(self.timeline if has_sound else self.welcome)
        self.welcome.show_recent(list(self.studio.settings.get("recent")))
        star = "*" if self.studio.unsaved else ""
        self.setWindowTitle(f"{project.title}{star} - Fluxstem" if project.title else "Fluxstem")
        listen = listening.listen if project.lanes else Listen.ORIGINAL
        self.top.show_listen(listen, bool(project.lanes), project.source is not None)
        self.top.show_match(bool(self.studio.settings.get("match")), listening.match_db)
        for name in ("play", "start", "loop", "export", "save", "fit", "zoom_in", "zoom_out", "select_all"):
            self.actions_by_name[name].setEnabled(has_sound)
        self._show_target(self.studio.session.current)
        self._show_regions()
        self._show_status()

    def _show_regions(self) -> None:
        session = self.studio.session
        self.prompt.show_regions(session.selection, session.kept, session.project.rate_hz)

    def _show_encoders(self) -> None:
        place = str(self.prompt.bundle.currentData())
        self.prompt.show_encoders(self.shelf.words(place), self.shelf.encoders(place))

    def _show_target(self, current: str) -> None:
        lane = self.studio.session.project.lane(current)
        self.prompt.show_target(lane.name if lane is not None else "")

    def _show_time(self, sample: int) -> None:
        self.top.show_time(sample / max(self.studio.session.project.rate_hz, 1))

    def _show_status(self) -> None:
        desk = self.studio.desk
        self.status.show_engine(self.studio.link.host_pid, desk.device)
        self.status.show_bundle(desk.bundle or self.shelf.words(str(self.studio.settings.get("bundle"))))
        self.status.show_bridge(self.shelf.bridge_words())

    def _show_bundles(self) -> None:
        self.prompt.set_bundles(self.shelf.choices(), str(self.studio.settings.get("bundle")))
        self._show_encoders()
        self._show_status()

    def _on_setting(self, name: str, value: object) -> None:
        if name == "theme":
            self.dress()
        elif name == "queue":
            self.queue.setVisible(bool(value))
        elif name in ("bundle", "device"):
            self._show_bundles()
            self.prompt.device.setCurrentIndex(max(self.prompt.device.findData(self.studio.settings.get("device")), 0))
        elif name == "match":
            self._show_state()

    def _close_hint(self) -> None:
        self.hint.hide()
        self.studio.settings.set("seen_hint", True)

    def _last_folder(self) -> str:
        recent = self.studio.settings.get("recent")
        return str(Path(recent[0]).parent) if recent else str(Path.home())
