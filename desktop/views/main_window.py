"""The window: puts the parts together and hands what the user does to the workspace."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QByteArray, Qt
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
    QFileDialog,
    QMainWindow,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from desktop.audio.mixer import PlaybackSource
from desktop.models.bundles import BundleRow
from desktop.models.demo import DEMO_PROMPTS, demo_mix, is_demo
from desktop.models.examples import PATTERNS, check_example
from desktop.models.job_list import ENDED, JobRow
from desktop.models.project_file import SUFFIX
from desktop.models.recent_files import recent_looks
from desktop.models.region_presence import heard_in
from desktop.models.typed_time import seconds_of
from desktop.models.workspace import OpeningProgress, Workspace
from desktop.views.actions import make_actions, show_undo
from desktop.views.dialogs.sheet import choose
from desktop.views.job_strip import JobStrip
from desktop.views.lane_actions import LaneActions
from desktop.views.motion import fade_in
from desktop.views.notices import FirstSteps, StageOverlay, StatusLine, TroubleBanner
from desktop.views.peek import Peek
from desktop.views.prompt.prompt_bar import PromptBar
from desktop.views.queue_panel import QueuePanel, row_words
from desktop.views.sentences import said
from desktop.views.speed import SpeedButton
from desktop.views.text import local_paths, tr
from desktop.views.theme import dress, palette_for
from desktop.views.timeline.lane_header import lane_name
from desktop.views.timeline.meter import LevelMeter
from desktop.views.timeline.sum_lamp import SumLamp
from desktop.views.timeline.timeline import Timeline
from desktop.views.top_bar import TopBar
from desktop.views.welcome import Welcome
from engine import TASKS, EngineError, Request

SOUND_PAGE = 1  # of the settings
FIRST_SIZE = (1320, 840)
HINT_FROM = 560  # height of the window from which the first steps have room
ROOMY, CLOSE = (14, 10, 14, 12), (8, 4, 8, 5)  # margins around the prompt bar: left, top, right, bottom
SOUNDS = (
    ".wav", ".flac", ".mp3", ".m4a", ".aac", ".ogg", ".opus", ".aif", ".aiff", ".wma", ".mp4", ".mov", ".mkv", ".webm",
    ".avi",
)  # fmt: skip


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
        self._add_later: tuple[Path, ...] = ()
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
        self._show_bundle()
        self._show_state()
        if geometry := settings.get("geometry"):
            self.restoreGeometry(QByteArray(geometry))

    def _lay_out(self) -> None:
        self.stage = QStackedWidget()
        self.stage.addWidget(self.welcome)
        self.stage.addWidget(self.timeline)
        self.note = StageOverlay(self.stage)
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
        workspace, document, transport = self.workspace, self.workspace.document, self.workspace.transport
        workspace.troubled.connect(self.banner.show_trouble)
        self.banner.sound_wanted.connect(lambda: self.show_settings(SOUND_PAGE))
        workspace.told.connect(self.status.tell)
        for news in (
            workspace.opened, workspace.place_changed, document.changed, document.undo.cleanChanged,
            transport.listen_changed, transport.only_changed, transport.match_changed,
        ):  # fmt: skip
            news.connect(self._show_state)
        workspace.opened.connect(self._on_opened)
        for news in (document.undo.undoTextChanged, document.undo.redoTextChanged):
            news.connect(self._show_undo)
        document.selection_changed.connect(self._show_regions)
        document.current_changed.connect(self._show_target)
        transport.moved.connect(self._show_time)
        transport.state_changed.connect(self.top.show_playing)
        transport.looping_changed.connect(self.actions_by_name["loop"].setChecked)
        workspace.link.host_changed.connect(self._show_status)
        workspace.link.engines_changed.connect(self.status.show_engines)
        workspace.jobs.queue.summary_changed.connect(self._show_status)
        workspace.bundles.changed.connect(self._show_bundles)
        workspace.bridge.changed.connect(self._show_status)
        workspace.settings.changed.connect(self._on_setting)
        self.top.listened.connect(transport.set_listen)
        self.top.matched.connect(lambda on: workspace.settings.set("match", on))
        self.timeline.master_level.connect(self.meter.show_level)
        self.meter.cleared.connect(transport.clear_clips)
        self.lane_actions.ask_wanted.connect(self.propose)
        document.source_lane_changed.connect(self._show_source)
        workspace.opening.connect(self._show_opening)
        workspace.tempo.changed.connect(self._show_place)
        workspace.tempo.changed.connect(self._show_regions)
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
        self.prompt.bundle_chosen.connect(lambda place: self._show_bundle())
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
        sounds = " ".join(f"*{ending}" for ending in SOUNDS)
        kinds = ";;".join(
            (
                f"{tr('Audio, video and projects')} ({sounds} *{SUFFIX})",
                f"{tr('Projects')} (*{SUFFIX})",
                f"{tr('All files')} (*)",
            )
        )
        name, _ = QFileDialog.getOpenFileName(self, tr("Open a mix or a project"), self._last_folder(), kinds)
        if name:
            self.workspace.settings.set("last_folder", str(Path(name).parent))
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
        self._show_state()

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
        """Accept files from other programs, and say what a drop does."""
        if event.mimeData().hasUrls() and event.source() is None:
            event.acceptProposedAction()
            open_now = self.workspace.document.project.length > 0
            names = [path.name for path in local_paths(event.mimeData())]
            words = tr("With Shift it becomes a lane") if len(names) == 1 else tr("With Shift they become lanes")
            more = words if open_now else ""
            self.note.say(f"{tr('Drop to open')} {', '.join(names[:3])}{' …' if len(names) > 3 else ''}", more)

    def dragLeaveEvent(self, event: QDragLeaveEvent) -> None:  # noqa: N802
        """Nothing is dropped."""
        self.note.hide()

    def dropEvent(self, event: QDropEvent) -> None:  # noqa: N802
        """Open the first file; with Shift, add all of them as lanes."""
        event.acceptProposedAction()
        self.note.hide()
        self.drop(local_paths(event.mimeData()), bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier))

    def drop(self, paths: list[Path], as_lanes: bool) -> None:
        """Open dropped files, or add them as lanes; of several, ask once what they are."""
        how = "lanes" if as_lanes and self.workspace.document.project.rate_hz else "project"
        if len(paths) > 1 and how == "project":
            how = self._ask_how(paths)
        if how == "lanes":
            self._add_lanes(paths)
        elif paths and how == "project":
            self._add_later = tuple(paths[1:])
            self.open_path(paths[0])
        elif how == "batch":
            self._do_with_each(paths)

    def _do_with_each(self, paths: list[Path]) -> None:
        """Do what the prompt says with files that are not opened; the results lie beside each."""
        try:
            self.workspace.batch(paths, self.prompt.form())
        except EngineError as error:
            self.workspace.fail(error)

    def _ask_how(self, paths: list[Path]) -> str:
        open_now = self.workspace.document.project.rate_hz > 0
        first = tr("Open {file}, the others as its lanes").replace("{file}", paths[0].name)
        rows = [("project", first)]
        rows += [("lanes", tr("Add all as lanes"))] if open_now else []
        rows += [("batch", tr("Do what the prompt says with each"))]
        title = tr("{count} files were dropped").replace("{count}", str(len(paths)))
        names = "\n".join(path.name for path in paths[:8]) + ("\n…" if len(paths) > 8 else "")
        return choose(self, title, tr("What are they?"), (*rows, ("cancel", tr("Cancel"))), names)

    def _add_lanes(self, paths: Sequence[Path]) -> None:
        for path in paths:
            self.workspace.add_file(path)

    def _on_opened(self) -> None:
        """Add the files that were dropped together with the one that is open now."""
        self.prompt.text.clear()
        if not self.workspace.document.project.lanes:
            self.prompt.text.setFocus()
        for row in self.workspace.jobs.queue.rows:
            if row.state in ENDED and not row.from_daw:
                self.workspace.jobs.queue.remove(row.id)
        paths, self._add_later = self._add_later, ()
        self._add_lanes(paths)

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
        if not self._may_stop_jobs():
            return False
        if not self.workspace.unsaved:
            return True
        title = self.workspace.document.project.title or tr("untitled")
        answer = choose(
            self,
            tr("Save “{title}” first?").replace("{title}", title),
            tr("Its lanes and takes have changed since it was saved."),
            (("save", tr("Save")), ("discard", tr("Discard")), ("cancel", tr("Cancel"))),
        )
        if answer == "save":
            self.save()
            return False  # saving runs in the background; the user closes again afterwards
        return answer == "discard"

    def _may_stop_jobs(self) -> bool:
        """Ask about jobs that run or wait."""
        titles = [row_words(row) for row in self.workspace.jobs.queue.rows if _is_ours(row)]
        if not titles:
            return True
        answer = choose(
            self,
            tr("Stop the work in progress?"),
            tr("These jobs are not done yet:"),
            (("stay", tr("Go on working")), ("discard", tr("Stop and leave")), ("cancel", tr("Cancel"))),
            "\n".join(f"•  {title}" for title in titles[:6]),
        )
        return answer == "discard"

    # What models say.

    def _show_state(self) -> None:
        project, transport = self.workspace.document.project, self.workspace.transport
        has_sound = project.length > 0
        self.stage.setCurrentWidget(self.timeline if has_sound else self.welcome)
        self.welcome.show_recent(list(self.workspace.settings.get("recent")), recent_looks(self.workspace.settings))
        star = "*" if self.workspace.unsaved else ""
        title = self.workspace.path.stem if self.workspace.path is not None else project.title
        self.setWindowTitle(f"{title}{star} - Fluxstem" if title else "Fluxstem")
        listen = transport.listen if project.lanes else PlaybackSource.ORIGINAL
        self.top.show_listen(listen, bool(project.lanes), project.source is not None)
        self.top.show_title(f"{title}{star}" if has_sound else "")
        self.prompt.show_open(has_sound)
        part = (tr("a part of the spectrum"),) if transport.hears_only else ()
        self.top.show_solo(part or tuple(lane_name(lane) for lane in project.lanes if lane.solo))
        self.top.show_match(bool(self.workspace.settings.get("match")), transport.match_db)
        for name in ("play", "start", "loop", "export", "save", "fit", "zoom_in", "zoom_out", "select_all"):
            self.actions_by_name[name].setEnabled(has_sound)
        self._show_target(self.workspace.document.current)
        self._show_regions()
        self._show_status()

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

    def _show_regions(self) -> None:
        document = self.workspace.document
        time_map = self.workspace.tempo.time_map
        self.prompt.show_regions(document.selection, document.kept, document.project.rate_hz, time_map)
        self.prompt.show_heard(heard_in(document.project, document.selection), document.project.source is not None)
        is_new = is_demo(document.project.source_path) and not document.project.lanes
        self.prompt.show_trials(DEMO_PROMPTS if is_new else ())

    def _show_bundle(self) -> None:
        self.prompt.show_bundle(self._chosen_bundle())

    def _chosen_bundle(self) -> BundleRow:
        return self.workspace.bundles.row(str(self.prompt.bundle.currentData()))

    def _show_source(self, lane_id: str) -> None:
        lane = self.workspace.document.project.lane(lane_id)
        self.prompt.show_source(lane.name if lane is not None else "")

    def _show_opening(self, opening: OpeningProgress | None) -> None:
        if opening is None:
            self.note.hide()
        else:
            self.note.say(f"{tr('Opening')} {opening.name}", "", opening.fraction)

    def _show_target(self, current: str) -> None:
        lane = self.workspace.document.project.lane(current)
        self.prompt.show_target(lane.name if lane is not None else "")

    def _show_undo(self) -> None:
        show_undo(self.actions_by_name, self.workspace.document)

    def _show_place(self) -> None:
        self._show_time(self.workspace.transport.position)

    def _show_time(self, sample: int) -> None:
        self.top.show_time(sample / max(self.workspace.document.project.rate_hz, 1))
        self.top.show_bars(self.workspace.tempo.words(sample))

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
        elif name == "job_list":
            self.queue.setVisible(bool(value))
            self._place_jobs()
            fade_in(self.queue)
        elif name in ("bundle", "device"):
            self._show_bundles()
            self.prompt.advanced.show_device(str(self.workspace.settings.get("device")))
        elif name == "match":
            self._show_state()

    def _close_hint(self) -> None:
        self.hint.hide()
        self.workspace.settings.set("seen_hint", True)

    def _last_folder(self) -> str:
        demo = demo_mix().parent
        kept = [str(self.workspace.settings.get("last_folder"))]
        kept += [str(Path(one).parent) for one in self.workspace.settings.get("recent")]
        there = (Path(folder) for folder in kept if folder and Path(folder) != demo)
        return str(next((folder for folder in there if folder.is_dir()), Path.home()))


def _ask(dialog: QDialog) -> None:
    """Show a dialog until it is closed; it does not go on listening afterwards."""
    dialog.exec()
    dialog.deleteLater()


def _is_ours(row: JobRow) -> bool:
    """True for a job of this window that has not ended."""
    return not row.from_daw and row.state not in ENDED
