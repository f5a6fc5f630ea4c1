"""All actions in one table; menus, buttons and shortcuts are made from it."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QMainWindow, QMenu, QWidget
from shiboken6 import isValid

from desktop.audio.mixer import PlaybackSource
from desktop.message import Message
from desktop.models.document import Document
from desktop.models.transport import Transport
from desktop.models.workspace import Workspace
from desktop.views.lane_actions import LaneActions
from desktop.views.prompt.prompt_bar import PromptBar
from desktop.views.sentences import said
from desktop.views.text import key_words, tr
from desktop.views.timeline.timeline import Timeline
from engine import Request


class ActionTarget(Protocol):
    """What actions work on: the parts of the main window that they need."""

    workspace: Workspace
    prompt: PromptBar
    timeline: Timeline
    lane_actions: LaneActions

    @property
    def hint(self) -> QWidget:
        """The first steps."""

    @property
    def actions_by_name(self) -> Mapping[str, QAction]:
        """What ``make_actions`` returned."""

    def ask(self, request: Request) -> None:
        """Put a request into the queue."""

    def choose_file(self) -> None:
        """Ask which file to open."""

    def open_path(self, path: Path) -> None:
        """Open a file."""

    def open_demo(self) -> None:
        """Open the demo mix."""

    def save(self, anew: bool = False) -> None:
        """Save the project."""

    def export(self, lane_id: str = "") -> None:
        """Show the export dialog."""

    def show_settings(self, tab: int = 0) -> None:
        """Show the settings."""

    def toggle_lane(self, field: str) -> None:
        """Mute or solo the current lane."""

    def step_lane(self, by: int) -> None:
        """Go to the lane above or below."""

    def escape(self) -> None:
        """Close what is open, else clear the selection."""

    def close(self) -> bool:
        """Quit."""


HISTORY_SHOWN = 40  # steps in the menu


@dataclass(frozen=True, slots=True)
class ActionRow:
    """One action.

    Attributes:
        name: for the code.
        menu: the menu it is in.
        words: for the user.
        keys: shortcut, empty for none.
        do: called with the main window.
        toggled: True for an action that stays checked.
    """

    name: str
    menu: str
    words: str
    keys: str
    do: Callable[[ActionTarget], object]
    toggled: bool = False


def _document(target: ActionTarget) -> Document:
    return target.workspace.document


def _transport(target: ActionTarget) -> Transport:
    return target.workspace.transport


def _zoom(target: ActionTarget, factor: float) -> None:
    viewport = target.timeline.viewport
    viewport.zoom(factor, viewport.x(_transport(target).position) if factor < 1 else viewport.width / 2)


def _fit(target: ActionTarget) -> None:
    """The whole length; where that is shown already and a region is chosen, the region."""
    viewport, selection = target.timeline.viewport, _document(target).selection
    viewport.fit(*(selection if selection is not None and viewport.shows_all else (0.0, None)))


def _raise(target: ActionTarget, factor: float) -> None:
    viewport = target.timeline.viewport
    viewport.set_gain(viewport.gain * factor)


def _nudge(target: ActionTarget, seconds: float) -> None:
    transport, project = _transport(target), _document(target).project
    transport.seek(transport.position + round(seconds * max(project.rate_hz, 1)))


def _flip_setting(target: ActionTarget, name: str) -> None:
    settings = target.workspace.settings
    settings.set(name, not settings.get(name))


def _with_current(target: ActionTarget, do: Callable[[str], object]) -> None:
    if current := _document(target).current:
        do(current)


def _listen(source: PlaybackSource) -> Callable[[ActionTarget], object]:
    return lambda target: _transport(target).set_listen(source)


ROWS: tuple[ActionRow, ...] = (
    ActionRow("open", "&File", "Open …", "Ctrl+O", lambda w: w.choose_file()),
    ActionRow("demo", "&File", "Open the demo mix", "", lambda w: w.open_demo()),
    ActionRow("save", "&File", "Save", "Ctrl+S", lambda w: w.save()),
    ActionRow("save_as", "&File", "Save as …", "Ctrl+Shift+S", lambda w: w.save(anew=True)),
    ActionRow("export", "&File", "Export …", "Ctrl+E", lambda w: w.export()),
    ActionRow(
        "copy_path", "&File", "Copy path of the lane", "Ctrl+Shift+C",
        lambda w: _with_current(w, w.lane_actions.copy_path),
    ),
    ActionRow(
        "reveal", "&File", "Open folder of the lane", "Ctrl+Shift+R",
        lambda w: _with_current(w, w.lane_actions.reveal),
    ),
    ActionRow(
        "send_back", "&File", "Send the lane back to the DAW", "Ctrl+Shift+D",
        lambda w: _with_current(w, w.lane_actions.send_back),
    ),
    ActionRow("settings", "&File", "Settings …", "Ctrl+,", lambda w: w.show_settings()),
    ActionRow("quit", "&File", "Quit", "Ctrl+Q", lambda w: w.close()),
    ActionRow("undo", "&Edit", "Undo", "Ctrl+Z", lambda w: _document(w).undo.undo()),
    ActionRow("redo", "&Edit", "Redo", "Ctrl+Shift+Z", lambda w: _document(w).undo.redo()),
    ActionRow(
        "select_all", "&Edit", "Select all", "Ctrl+A",
        lambda w: _document(w).select((0, _document(w).project.length)),
    ),
    ActionRow("select_none", "&Edit", "Clear the selection", "Esc", lambda w: w.escape()),
    ActionRow("keep_region", "&Edit", "Keep the region and choose another", "Ctrl+R", lambda w: w.prompt.keep.click()),
    ActionRow("example", "&Edit", "Add an example …", "Ctrl+Shift+A", lambda w: w.prompt.browse.click()),
    ActionRow("prompt", "&Edit", "Write a prompt", "Ctrl+L", lambda w: w.prompt.text.select_all()),
    ActionRow("task", "&Edit", "Choose a task", "Ctrl+T", lambda w: w.prompt.task.setFocus()),
    ActionRow("slot", "&Edit", "Choose the output", "Ctrl+Shift+M", lambda w: w.prompt.choose_slot()),
    ActionRow("ask", "&Edit", "Run", "Ctrl+Return", lambda w: w.ask(w.prompt.form())),
    ActionRow("advanced", "&Edit", "Advanced", "Ctrl+.", lambda w: w.prompt.fold.toggle()),
    ActionRow(
        "remove", "&Edit", "Remove the lane", "Ctrl+Backspace",
        lambda w: _with_current(w, _document(w).remove_lane),
    ),
    ActionRow("play", "&Play", "Play or pause", "Space", lambda w: _transport(w).play_pause()),
    ActionRow("start", "&Play", "Go to the start", "Home", lambda w: _transport(w).seek(0)),
    ActionRow("back", "&Play", "Back one second", "Ctrl+Left", lambda w: _nudge(w, -1.0)),
    ActionRow("forth", "&Play", "Forward one second", "Ctrl+Right", lambda w: _nudge(w, 1.0)),
    ActionRow(
        "loop", "&Play", "Loop the region", "L",
        lambda w: _transport(w).set_looping(w.actions_by_name["loop"].isChecked()), toggled=True,
    ),
    ActionRow("click", "&Play", "Click on every beat", "C", lambda w: _flip_setting(w, "click")),
    ActionRow("slower", "&Play", "Slower", "Ctrl+Alt+Left", lambda w: w.workspace.speed.step(-1)),
    ActionRow("faster", "&Play", "Faster", "Ctrl+Alt+Right", lambda w: w.workspace.speed.step(1)),
    ActionRow("usual_speed", "&Play", "Usual speed and pitch", "Ctrl+Alt+0", lambda w: w.workspace.speed.reset()),
    ActionRow(
        "marker", "&Play", "Add a marker at the cursor", "Shift+M",
        lambda w: w.timeline.time.markers.add(_transport(w).position),
    ),
    ActionRow(
        "next_marker", "&Play", "Next marker", "Ctrl+Shift+Right",
        lambda w: _transport(w).seek(w.timeline.time.markers.after(_transport(w).position)),
    ),
    ActionRow(
        "previous_marker", "&Play", "Marker before", "Ctrl+Shift+Left",
        lambda w: _transport(w).seek(w.timeline.time.markers.before(_transport(w).position)),
    ),
    ActionRow("original", "&Play", "Hear the original", "1", _listen(PlaybackSource.ORIGINAL)),
    ActionRow("stems", "&Play", "Hear the stems", "2", _listen(PlaybackSource.STEMS)),
    ActionRow("removed", "&Play", "Hear the delta", "3", _listen(PlaybackSource.REMOVED)),
    ActionRow("mute", "&Play", "Mute the lane", "M", lambda w: w.toggle_lane("mute")),
    ActionRow("solo", "&Play", "Solo the lane", "S", lambda w: w.toggle_lane("solo")),
    ActionRow("lane_up", "&View", "Lane above", "Ctrl+Up", lambda w: w.step_lane(-1)),
    ActionRow("lane_down", "&View", "Lane below", "Ctrl+Down", lambda w: w.step_lane(1)),
    ActionRow("zoom_in", "&View", "Zoom in", "Ctrl++", lambda w: _zoom(w, 0.5)),
    ActionRow("zoom_out", "&View", "Zoom out", "Ctrl+-", lambda w: _zoom(w, 2.0)),
    ActionRow("fit", "&View", "Fit everything, then the region", "Ctrl+0", _fit),
    ActionRow("taller_waves", "&View", "Taller waveforms", "Ctrl+Alt+Up", lambda w: _raise(w, 2.0)),
    ActionRow("flatter_waves", "&View", "Flatter waveforms", "Ctrl+Alt+Down", lambda w: _raise(w, 0.5)),
    ActionRow("grid", "&View", "Bars and beats over the lanes", "G", lambda w: _flip_setting(w, "grid")),
    ActionRow("snapping", "&View", "Snap the ends of regions", "N", lambda w: _flip_setting(w, "snap")),
    ActionRow("spectrogram", "&View", "Spectrogram", "W", lambda w: _flip_setting(w, "spectrogram")),
    ActionRow("queue", "&View", "Jobs", "Ctrl+J", lambda w: _flip_setting(w, "job_list")),
    ActionRow("doctor", "&Help", "Check this machine …", "F2", lambda w: w.show_settings(tab=4)),
    ActionRow("hint", "&Help", "First steps", "F1", lambda w: w.hint.setVisible(not w.hint.isVisible())),
)  # fmt: skip


def _fill_recent(menu: QMenu, target: ActionTarget) -> None:
    menu.clear()
    for path in target.workspace.settings.get("recent"):
        place = Path(path)
        menu.addAction(f"{place.name}   {place.parent}", functools.partial(target.open_path, place))
    menu.setEnabled(not menu.isEmpty())


def _fill_history(menu: QMenu, document: Document) -> None:
    """Every step, the last one checked; a click goes back or forth to it."""
    menu.clear()
    steps = (tr("As it was opened"), *(_step_words(words) for words in document.history))
    for index, words in enumerate(steps[-HISTORY_SHOWN:], max(len(steps) - HISTORY_SHOWN, 0)):
        action = menu.addAction(words, functools.partial(document.go_to, index))
        action.setCheckable(True)
        action.setChecked(index == document.history_index)


def _step_words(words: Message) -> str:
    text = said(words)
    return text[:1].upper() + text[1:]


def show_undo(actions: Mapping[str, QAction], document: Document) -> None:
    """Name the steps that Undo and Redo would take."""
    if not isValid(document.undo):  # a stack tells of its own end too
        return
    for name, what, words in (("undo", tr("Undo"), document.undo_words), ("redo", tr("Redo"), document.redo_words)):
        actions[name].setText(what if words is None else f"{what}: {said(words)}")


def make_actions(parent: QMainWindow, target: ActionTarget) -> dict[str, QAction]:
    """Actions by name, put into the menus of a window."""
    actions: dict[str, QAction] = {}
    menus = {}
    for row in ROWS:
        action = QAction(tr(row.words), parent)
        action.setCheckable(row.toggled)
        if row.keys:
            action.setShortcut(QKeySequence(row.keys))
            action.setToolTip(f"{tr(row.words)} ({key_words(row.keys)})")
        action.triggered.connect(lambda on, do=row.do: do(target))
        if row.menu not in menus:
            menus[row.menu] = parent.menuBar().addMenu(tr(row.menu))
        menus[row.menu].addAction(action)
        parent.addAction(action)
        actions[row.name] = action
    recent = QMenu(tr("Open recent"), parent)
    recent.aboutToShow.connect(lambda: _fill_recent(recent, target))
    menus["&File"].insertMenu(actions["demo"], recent)
    history = QMenu(tr("History"), parent)
    history.aboutToShow.connect(lambda: _fill_history(history, _document(target)))
    menus["&Edit"].insertMenu(actions["select_all"], history)
    undo = _document(target).undo
    for name, may, changed in (
        ("undo", undo.canUndo(), undo.canUndoChanged),
        ("redo", undo.canRedo(), undo.canRedoChanged),
    ):
        actions[name].setEnabled(may)
        changed.connect(actions[name].setEnabled)
    return actions
