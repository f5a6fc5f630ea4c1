"""The window: puts the parts together and hands what the user does to the workspace."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QByteArray
from PySide6.QtGui import (
    QAction,
    QCloseEvent,
    QDragEnterEvent,
    QDragLeaveEvent,
    QDropEvent,
    QGuiApplication,
    QResizeEvent,
)
from PySide6.QtWidgets import (
    QApplication,
    QDialog,
    QMainWindow,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from desktop.models.demo import demo_mix
from desktop.models.examples import check_example
from desktop.models.job_list import ENDED, JobRow
from desktop.models.typed_time import seconds_of
from desktop.models.workspace import Workspace
from desktop.views.actions import make_actions
from desktop.views.file_drops import FileDrops
from desktop.views.job_strip import JobStrip
from desktop.views.lane_actions import LaneActions
from desktop.views.motion import fade_in
from desktop.views.notices import FirstSteps, StageOverlay, StatusLine, TroubleBanner
from desktop.views.peek import Peek
from desktop.views.prompt.prompt_bar import PromptBar
from desktop.views.questions import ask_about_changes, ask_examples, ask_mix, ask_project_place, may_stop
from desktop.views.queue_panel import QueuePanel, row_words
from desktop.views.sentences import said
from desktop.views.speed import SpeedButton
from desktop.views.text import tr
from desktop.views.theme import dress, palette_for
from desktop.views.timeline.meter import LevelMeter
from desktop.views.timeline.sum_lamp import SumLamp
from desktop.views.timeline.timeline import Timeline
from desktop.views.top_bar import TopBar
from desktop.views.welcome import Welcome
from desktop.views.window_state import WindowState
from engine import TASKS, EngineError, Request

SOUND_PAGE = 1  # of the settings
FIRST_SIZE = (1320, 840)
HINT_FROM = 560  # height of the window from which the first steps have room
ROOMY, CLOSE = (14, 10, 14, 12), (8, 4, 8, 5)  # margins around the prompt bar: left, top, right, bottom


class MainWindow(QMainWindow):
    """The main window: top bar, timeline, prompt bar, queue, status line.

    Args:
        workspace: the application.
    """

    def __init__(self, workspace: Workspace) -> None:
        super().__init__()
        self.workspace: Workspace = workspace
        self._left = False
        self._hint_waits = False
        workspace.files.said = said
        self.lane_actions: LaneActions = LaneActions(workspace, workspace.bridge, self, lambda: self.palette_in_use)
        self.palette_in_use = palette_for(str(workspace.settings.get("theme")))
        dress(QApplication.instance(), self.palette_in_use)  # type: ignore[arg-type]
        self.setAcceptDrops(True)
        self._fit_screen()
        self.setMinimumSize(760, 480)
        self.actions_by_name: dict[str, QAction] = make_actions(self, self)
        settings = workspace.settings
        self.top = TopBar(self.palette_in_use, self.actions_by_name)
        self.speed = SpeedButton(workspace.speed)
        self.speed.dress(self.palette_in_use)
        self.top.place_speed(self.speed)
        self.timeline: Timeline = Timeline(workspace, self.palette_in_use)
        self.welcome = Welcome(self.palette_in_use)
        self.banner = TroubleBanner(self.palette_in_use)
        self.hint: FirstSteps = FirstSteps(self.palette_in_use)
        self.prompt: PromptBar = PromptBar(
            self.palette_in_use, workspace.bundles.choices(), str(settings.get("bundle")), str(settings.get("device"))
        )
        self.queue = QueuePanel(workspace.jobs.queue, self.palette_in_use)
        self.jobs = JobStrip(workspace.jobs.queue, self.palette_in_use)
        self.status = StatusLine()
        self.status.place_jobs(self.jobs)
        self._lay_out()
        self._connect()
        self.peek = Peek(self, workspace.transport)
        self.prompt.text.setFocus()
        self.state.show_bundle()
        self.state.show()
        if geometry := settings.get("geometry"):
            self.restoreGeometry(QByteArray(geometry))

    def _lay_out(self) -> None:
        self.stage = QStackedWidget()
        self.stage.addWidget(self.welcome)
        self.stage.addWidget(self.timeline)
        self.overlay = StageOverlay(self.stage)
        self.meter = LevelMeter(self.palette_in_use, wide=True)
        self.top.place_meter(self.meter)
        self.sum = SumLamp(self.workspace, self.palette_in_use)
        self.top.place_sum(self.sum)
        lower = self._lower = QVBoxLayout()
        lower.setSpacing(9)
        for widget in (self.hint, self.banner, self.prompt):
            lower.addWidget(widget)
        column = QVBoxLayout()
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.top)
        column.addWidget(self.stage, 1)
        column.addLayout(lower)
        column.addWidget(self.status)
        whole = QWidget()
        whole.setLayout(column)
        self.setCentralWidget(whole)
        self.hint.setVisible(not self.workspace.settings.get("seen_hint"))
        self.queue.setParent(whole)
        self.queue.setVisible(bool(self.workspace.settings.get("job_list")))
        self.prompt.show_recent(tuple(self.workspace.settings.get("recent_prompts")))

    def _connect(self) -> None:
        workspace, transport = self.workspace, self.workspace.transport
        self.state = WindowState(workspace, self)
        self.drops = FileDrops(self, workspace, self.overlay, self.open_path, self.prompt.form)
        workspace.troubled.connect(self.banner.show_trouble)
        self.banner.sound_wanted.connect(lambda: self.show_settings(SOUND_PAGE))
        workspace.told.connect(self.status.tell)
        workspace.opened.connect(self._on_opened)
        workspace.settings.changed.connect(self._on_setting)
        self.top.listened.connect(transport.set_listen)
        self.top.matched.connect(lambda on: workspace.settings.set("match", on))
        self.timeline.master_level.connect(self.meter.show_level)
        self.meter.cleared.connect(transport.clear_clips)
        self.lane_actions.ask_wanted.connect(self.propose)
        self.top.solo_cleared.connect(self._clear_solo)
        self.top.time.left.connect(self.timeline.setFocus)
        self.top.time.typed.connect(self._go_to)
        self.actions_by_name["loop"].toggled.connect(lambda on: self.top.dress(self.palette_in_use))
        self.top.volume_changed.connect(lambda volume: workspace.settings.set("volume", volume))
        self.top.volume.setValue(round(float(workspace.settings.get("volume")) * 100))
        self.lane_actions.attach(self.timeline)
        self.lane_actions.told.connect(self.status.tell)
        self.lane_actions.export_wanted.connect(self.export)
        self._connect_questions()
        self.hint.closed.connect(self._close_hint)
        self.welcome.open_wanted.connect(self.choose_file)
        self.welcome.demo_wanted.connect(self.open_demo)
        self.welcome.path_wanted.connect(lambda path: self.open_path(Path(path)))
        QGuiApplication.styleHints().colorSchemeChanged.connect(self.dress)

    def _connect_questions(self) -> None:
        """The prompt, and the jobs that come of it."""
        workspace, document = self.workspace, self.workspace.document
        self.prompt.asked.connect(self.ask)
        self.timeline.run_wanted.connect(lambda: self.ask(self.prompt.form()))
        self.prompt.regions_cleared.connect(document.select_nothing)
        self.prompt.region_dropped.connect(document.drop_region)
        self.prompt.region_kept.connect(document.keep_selection)
        self.prompt.examples_offered.connect(self.add_examples)
        self.prompt.browse_wanted.connect(self.choose_examples)
        self.prompt.left.connect(self.timeline.setFocus)
        self.jobs.cancelled.connect(workspace.jobs.cancel)
        self.jobs.opened.connect(self.actions_by_name["queue"].trigger)
        self.queue.cancelled.connect(workspace.jobs.cancel)
        self.queue.retried.connect(workspace.jobs.retry)
        self.queue.opened.connect(self.open_daw_clip)

    # What users do.

    def ask(self, request: Request) -> None:
        """Queue what the prompt bar says."""
        self.banner.hide()
        try:
            bundle = self.workspace.bundles.row(request.bundle)
            for path in request.examples:
                check_example(Path(path), bundle.words, bundle.encoders)
            self.workspace.jobs.ask(request)
            self.prompt.fold.setChecked(False)
            self.timeline.setFocus()
            if words := ", ".join(request.prompts):
                self.workspace.settings.remember_prompt(words)
                self.prompt.show_recent(tuple(self.workspace.settings.get("recent_prompts")))
        except EngineError as error:
            self.workspace.fail(error)

    def propose(self, task: str, lane_id: str) -> None:
        """Fill in a task for a lane, empty for the mix, and let the user say what."""
        document = self.workspace.document
        document.set_current(lane_id)
        document.set_source_lane(lane_id if TASKS[task].masked else "")
        self.prompt.propose(task)

    def choose_examples(self) -> None:
        """Ask for example files."""
        self.add_examples(ask_examples(self, self.workspace.settings))

    def add_examples(self, paths: list[Path]) -> None:
        """Add the example files that the chosen bundle can use."""
        bundle = self.state.chosen_bundle
        for path in paths:
            try:
                check_example(path, bundle.words, bundle.encoders)
                self.prompt.add_example(path)
            except EngineError as error:
                self.workspace.fail(error)

    def choose_file(self) -> None:
        """Ask which file to open."""
        if path := ask_mix(self, self.workspace.settings):
            self.open_path(path)

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
        workspace = self.workspace
        path = None if anew else workspace.path
        if path := path or ask_project_place(self, workspace.settings, workspace.document.project.title):
            workspace.save(path)

    def export(self, lane_id: str = "") -> None:
        """Show the export dialog."""
        from desktop.views.dialogs.export_dialog import ExportDialog

        if self.workspace.document.project.lanes or self.workspace.document.project.source:
            _ask(ExportDialog(self.workspace, self.lane_actions.files, lane_id, self))

    def show_settings(self, tab: int = 0) -> None:
        """Show the settings."""
        from desktop.views.dialogs.settings_dialog import SettingsDialog

        _ask(SettingsDialog(self.workspace, self, tab))

    def toggle_lane(self, field: str) -> None:
        """Mute or solo the current lane."""
        self.workspace.document.switch(self.workspace.document.current, field)

    def step_lane(self, by: int) -> None:
        """Go to the lane above or below; the mix is above the first."""
        names = ["", *(lane.id for lane in self.workspace.document.project.lanes)]
        place = names.index(self.workspace.document.current) + by
        self.workspace.document.set_current(names[min(max(place, 0), len(names) - 1)])

    def dress(self) -> None:
        """Apply the theme chosen in the settings."""
        self.palette_in_use = palette_for(str(self.workspace.settings.get("theme")))
        dress(QApplication.instance(), self.palette_in_use)  # type: ignore[arg-type]
        parts = (self.top, self.timeline, self.welcome, self.banner, self.hint, self.prompt, self.queue, self.jobs)
        self.meter.dress(self.palette_in_use)
        self.sum.dress(self.palette_in_use)
        self.speed.dress(self.palette_in_use)
        for part in parts:
            part.dress(self.palette_in_use)
        self.state.show()

    def escape(self) -> None:
        """Close the list of jobs or the advanced options, else clear the selection."""
        if self.prompt.fold.isChecked():
            self.prompt.fold.setChecked(False)
        elif self.queue.isVisible():
            self.workspace.settings.set("job_list", False)
        elif self.workspace.transport.hears_only:
            self.workspace.transport.hear_only()
        else:
            self.workspace.document.select_nothing()

    # Qt's events.

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802
        """Keep the list of jobs over the status line; a low window spares room for its lanes."""
        super().resizeEvent(event)
        is_low = self.height() < HINT_FROM
        self._lower.setContentsMargins(*(CLOSE if is_low else ROOMY))
        self.prompt.set_low(is_low)
        self._fit_hint()
        self._place_jobs()

    def _fit_hint(self) -> None:
        """The first steps wait while the window is too low for them."""
        low = self.height() < HINT_FROM
        if low and not self.hint.isHidden():
            self.hint.hide()
            self._hint_waits = True
        elif not low and self._hint_waits:
            self._hint_waits = False
            self.hint.setVisible(not self.workspace.settings.get("seen_hint"))

    def _place_jobs(self) -> None:
        self.queue.place(self.status.geometry().right() - 8, self.status.geometry().top() - 6)

    def _fit_screen(self) -> None:
        """A first size that the screen has room for."""
        screen = QGuiApplication.primaryScreen()
        if screen is not None:
            room = screen.availableGeometry()
            self.resize(min(FIRST_SIZE[0], room.width() - 20), min(FIRST_SIZE[1], room.height() - 60))

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:  # noqa: N802
        """A file from another program may be dropped."""
        self.drops.enter(event)

    def dragLeaveEvent(self, event: QDragLeaveEvent) -> None:  # noqa: N802
        """Nothing is dropped."""
        self.drops.leave()

    def dropEvent(self, event: QDropEvent) -> None:  # noqa: N802
        """Files are dropped."""
        self.drops.land(event)

    def _on_opened(self) -> None:
        """Begin anew with the prompt and the list of jobs, and add the lanes that were dropped along."""
        self.prompt.text.clear()
        if not self.workspace.document.project.lanes:
            self.prompt.text.setFocus()
        for row in self.workspace.jobs.queue.rows:
            if row.state in ENDED and not row.from_daw:
                self.workspace.jobs.queue.remove(row.id)
        self.drops.add_lanes_to_come()

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
        if not may_stop(self, [row_words(row) for row in self.workspace.jobs.queue.rows if _is_ours(row)]):
            return False
        if not self.workspace.unsaved:
            return True
        answer = ask_about_changes(self, self.workspace.document.project.title)
        if answer == "save":
            self.save()
            return False  # saving runs in the background; the user closes again afterwards
        return answer == "discard"

    def _clear_solo(self) -> None:
        self.workspace.document.clear_solo()
        self.workspace.transport.hear_only()

    def _go_to(self, words: str) -> None:
        """Go to a time that was typed."""
        seconds = seconds_of(words, self.workspace.tempo.time_map)
        if seconds is None:
            self.status.tell(tr("Type a time as 1:02.5, or bar and beat as 12|3"))
            return
        project = self.workspace.document.project
        sample = min(round(seconds * project.rate_hz), project.length)
        self.workspace.transport.seek(sample)
        self.timeline.viewport.follow(sample)

    def _on_setting(self, name: str, value: object) -> None:
        if name == "theme":
            self.dress()
        elif name == "job_list":
            self.queue.setVisible(bool(value))
            self._place_jobs()
            fade_in(self.queue)
        elif name in ("bundle", "device"):
            self.state.show_bundles()
            self.prompt.advanced.show_device(str(self.workspace.settings.get("device")))
        elif name == "match":
            self.state.show()

    def _close_hint(self) -> None:
        self.hint.hide()
        self.workspace.settings.set("seen_hint", True)


def _ask(dialog: QDialog) -> None:
    """Show a dialog until it is closed; it does not go on listening afterwards."""
    dialog.exec()
    dialog.deleteLater()


def _is_ours(row: JobRow) -> bool:
    """True for a job of this window that has not ended."""
    return not row.from_daw and row.state not in ENDED
