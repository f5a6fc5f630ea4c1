"""What the models say, shown in the window: title, places, regions, bundle, engine, what is heard."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from PySide6.QtCore import QObject
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QStackedWidget

from desktop.audio.mixer import PlaybackSource
from desktop.models.bundles import BundleRow
from desktop.models.demo import DEMO_PROMPTS, is_demo
from desktop.models.recent_files import recent_looks
from desktop.models.region_presence import heard_in
from desktop.models.workspace import OpeningProgress, Workspace
from desktop.views.actions import show_undo
from desktop.views.notices import StageOverlay, StatusLine
from desktop.views.prompt.prompt_bar import PromptBar
from desktop.views.text import tr
from desktop.views.timeline.lane_header import lane_name
from desktop.views.timeline.timeline import Timeline
from desktop.views.top_bar import TopBar
from desktop.views.welcome import Welcome

NEED_SOUND = ("play", "start", "loop", "export", "save", "fit", "zoom_in", "zoom_out", "select_all")


class StateTarget(Protocol):
    """Where it is shown: the parts of the main window that are needed."""

    top: TopBar
    timeline: Timeline
    welcome: Welcome
    prompt: PromptBar
    status: StatusLine
    stage: QStackedWidget
    overlay: StageOverlay

    @property
    def actions_by_name(self) -> Mapping[str, QAction]:
        """What ``make_actions`` returned."""

    def setWindowTitle(self, title: str, /) -> None:  # noqa: N802
        """As Qt's."""


class WindowState(QObject):
    """Shows every change of the models from now on.

    Args:
        workspace: whose models are listened to.
        window: shows them.
    """

    def __init__(self, workspace: Workspace, window: StateTarget) -> None:
        super().__init__(window.stage)
        self._workspace, self._window = workspace, window
        document, transport = workspace.document, workspace.transport
        for news in (
            workspace.opened, workspace.place_changed, document.changed, document.undo.cleanChanged,
            transport.listen_changed, transport.only_changed, transport.match_changed,
        ):  # fmt: skip
            news.connect(self.show)
        for news in (document.undo.undoTextChanged, document.undo.redoTextChanged):
            news.connect(self._show_undo)
        for news in (document.selection_changed, workspace.tempo.changed):
            news.connect(self._show_regions)
        for news in (workspace.link.host_changed, workspace.jobs.queue.summary_changed, workspace.bridge.changed):
            news.connect(self._show_status)
        document.current_changed.connect(self._show_target)
        document.source_lane_changed.connect(self._show_source)
        transport.moved.connect(self._show_time)
        workspace.tempo.changed.connect(self._show_place)
        transport.state_changed.connect(window.top.show_playing)
        transport.looping_changed.connect(window.actions_by_name["loop"].setChecked)
        workspace.link.engines_changed.connect(window.status.show_engines)
        workspace.bundles.changed.connect(self.show_bundles)
        workspace.opening.connect(self._show_opening)
        window.prompt.bundle_chosen.connect(lambda place: self.show_bundle())

    @property
    def chosen_bundle(self) -> BundleRow:
        """The bundle that the prompt bar names."""
        return self._workspace.bundles.row(str(self._window.prompt.bundle.currentData()))

    def show(self) -> None:
        """Show all that depends on the project and on what is heard."""
        workspace, window = self._workspace, self._window
        project, transport = workspace.document.project, workspace.transport
        has_sound = project.length > 0
        window.stage.setCurrentWidget(window.timeline if has_sound else window.welcome)
        window.welcome.show_recent(list(workspace.settings.get("recent")), recent_looks(workspace.settings))
        star = "*" if workspace.unsaved else ""
        title = workspace.path.stem if workspace.path is not None else project.title
        window.setWindowTitle(f"{title}{star} - Fluxstem" if title else "Fluxstem")
        listen = transport.listen if project.lanes else PlaybackSource.ORIGINAL
        window.top.show_listen(listen, bool(project.lanes), project.source is not None)
        window.top.show_title(f"{title}{star}" if has_sound else "")
        window.prompt.show_open(has_sound)
        part = (tr("a part of the spectrum"),) if transport.hears_only else ()
        window.top.show_solo(part or tuple(lane_name(lane) for lane in project.lanes if lane.solo))
        window.top.show_match(bool(workspace.settings.get("match")), transport.match_db)
        for name in NEED_SOUND:
            window.actions_by_name[name].setEnabled(has_sound)
        self._show_target(workspace.document.current)
        self._show_regions()
        self._show_status()

    def show_bundles(self) -> None:
        """Show which bundles there are, and the one that the settings name."""
        bundles, settings = self._workspace.bundles, self._workspace.settings
        self._window.prompt.set_bundles(bundles.choices(), str(settings.get("bundle")))
        self.show_bundle()
        self._show_status()

    def show_bundle(self) -> None:
        """Show what the chosen bundle can do."""
        self._window.prompt.show_bundle(self.chosen_bundle)

    def _show_regions(self) -> None:
        document, prompt = self._workspace.document, self._window.prompt
        project, time_map = document.project, self._workspace.tempo.time_map
        prompt.show_regions(document.selection, document.kept, project.rate_hz, time_map)
        prompt.show_heard(heard_in(project, document.selection), project.source is not None)
        prompt.show_trials(DEMO_PROMPTS if is_demo(project.source_path) and not project.lanes else ())

    def _show_source(self, lane_id: str) -> None:
        lane = self._workspace.document.project.lane(lane_id)
        self._window.prompt.show_source(lane.name if lane is not None else "")

    def _show_target(self, current: str) -> None:
        lane = self._workspace.document.project.lane(current)
        self._window.prompt.show_target(lane.name if lane is not None else "")

    def _show_opening(self, opening: OpeningProgress | None) -> None:
        if opening is None:
            self._window.overlay.hide()
        else:
            self._window.overlay.say(f"{tr('Opening')} {opening.name}", "", opening.fraction)

    def _show_undo(self) -> None:
        show_undo(self._window.actions_by_name, self._workspace.document)

    def _show_place(self) -> None:
        self._show_time(self._workspace.transport.position)

    def _show_time(self, sample: int) -> None:
        self._window.top.show_time(sample / max(self._workspace.document.project.rate_hz, 1))
        self._window.top.show_bars(self._workspace.tempo.words(sample))

    def _show_status(self) -> None:
        workspace, status = self._workspace, self._window.status
        status.show_engine(workspace.link.host_pid, workspace.jobs.device)
        own = workspace.bundles.row(str(workspace.settings.get("bundle"))).words
        status.show_bundle(workspace.jobs.bundle or own)
        status.show_bridge(workspace.bridge.words)
