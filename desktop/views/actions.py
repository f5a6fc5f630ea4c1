"""Everything that has a key, as one table; menus and buttons are made from it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from PySide6.QtGui import QAction, QKeySequence

from desktop.audio.mixer import Listen
from desktop.views.text import tr

if TYPE_CHECKING:
    from desktop.views.main_window import MainWindow


@dataclass(frozen=True, slots=True)
class Row:
    """One action.

    Attributes:
        name: for the code.
        menu: where it stands.
        words: for the user.
        keys: shortcuts, empty for none.
        do: gets the window.
        toggled: True means it stays down.
    """

    name: str
    menu: str
    words: str
    keys: str
    do: Callable[[MainWindow], object]
    toggled: bool = False


def _zoom(window: MainWindow, factor: float) -> None:
    viewport = window.timeline.viewport
    viewport.zoom(factor, viewport.x(window.studio.listening.position) if factor < 1 else viewport.width / 2)


def _fit(window: MainWindow) -> None:
    selection = window.studio.session.selection
    window.timeline.viewport.fit(*(selection or (0.0, None)))


def _nudge(window: MainWindow, seconds: float) -> None:
    studio = window.studio
    studio.listening.seek(studio.listening.position + round(seconds * max(studio.session.project.rate_hz, 1)))


def _setting(window: MainWindow, name: str) -> None:
    window.studio.settings.set(name, not window.studio.settings.get(name))


def _current(window: MainWindow, do: Callable[[str], object]) -> None:
    if current := window.studio.session.current:
        do(current)


ROWS: tuple[Row, ...] = (
    Row("open", "&File", "Open …", "Ctrl+O", lambda w: w.choose_file()),
    Row("demo", "&File", "Open the demo mix", "", lambda w: w.open_demo()),
    Row("save", "&File", "Save", "Ctrl+S", lambda w: w.save()),
    Row("save_as", "&File", "Save as …", "Ctrl+Shift+S", lambda w: w.save(anew=True)),
    Row("export", "&File", "Export …", "Ctrl+E", lambda w: w.export()),
    Row("copy_path", "&File", "Copy path of the lane", "Ctrl+Shift+C", lambda w: _current(w, w.lane_files.copy_path)),
    Row("reveal", "&File", "Open folder of the lane", "Ctrl+Shift+R", lambda w: _current(w, w.lane_files.reveal)),
    Row(
        "send_back", "&File", "Send the lane back to the DAW", "Ctrl+Shift+D",
        lambda w: _current(w, w.lane_files.send_back),
    ),
    Row("settings", "&File", "Settings …", "Ctrl+,", lambda w: w.show_settings()),
    Row("quit", "&File", "Quit", "Ctrl+Q", lambda w: w.close()),
    Row("undo", "&Edit", "Undo", "Ctrl+Z", lambda w: w.studio.session.undo.undo()),
    Row("redo", "&Edit", "Redo", "Ctrl+Shift+Z", lambda w: w.studio.session.undo.redo()),
    Row(
        "select_all", "&Edit", "Select all", "Ctrl+A",
        lambda w: w.studio.session.select((0, w.studio.session.project.length)),
    ),
    Row("select_none", "&Edit", "Select nothing", "Esc", lambda w: w.studio.session.select_nothing()),
    Row("keep_region", "&Edit", "Keep the region, choose one more", "Ctrl+R", lambda w: w.prompt.keep.click()),
    Row("example", "&Edit", "Add an example …", "Ctrl+Shift+A", lambda w: w.prompt.browse.click()),
    Row("prompt", "&Edit", "Write a prompt", "Ctrl+L", lambda w: w.prompt.text.setFocus()),
    Row("task", "&Edit", "Choose a task", "Ctrl+T", lambda w: w.prompt.task.setFocus()),
    Row("slot", "&Edit", "Choose what is made", "Ctrl+Shift+M", lambda w: w.prompt.choose_slot()),
    Row("ask", "&Edit", "Do it", "Ctrl+Return", lambda w: w.ask(w.prompt.form())),
    Row("advanced", "&Edit", "Advanced", "Ctrl+.", lambda w: w.prompt.fold.toggle()),
    Row(
        "remove", "&Edit", "Remove the lane", "Ctrl+Backspace",
        lambda w: _current(w, w.studio.session.remove_lane),
    ),
    Row("play", "&Play", "Play or pause", "Space", lambda w: w.studio.listening.play_pause()),
    Row("start", "&Play", "To the start", "Home", lambda w: w.studio.listening.seek(0)),
    Row("back", "&Play", "Back a second", "Ctrl+Left", lambda w: _nudge(w, -1.0)),
    Row("forth", "&Play", "On a second", "Ctrl+Right", lambda w: _nudge(w, 1.0)),
    Row(
        "loop", "&Play", "Loop the region", "Ctrl+Shift+L",
        lambda w: w.studio.listening.set_looping(w.actions_by_name["loop"].isChecked()), toggled=True,
    ),
    Row("original", "&Play", "Hear the original", "1", lambda w: w.studio.listening.set_listen(Listen.ORIGINAL)),
    Row("stems", "&Play", "Hear the stems", "2", lambda w: w.studio.listening.set_listen(Listen.STEMS)),
    Row("removed", "&Play", "Hear what was taken out", "3", lambda w: w.studio.listening.set_listen(Listen.REMOVED)),
    Row("mute", "&Play", "Mute the lane", "M", lambda w: w.toggle_lane("mute")),
    Row("solo", "&Play", "Solo the lane", "S", lambda w: w.toggle_lane("solo")),
    Row("lane_up", "&View", "Lane above", "Ctrl+Up", lambda w: w.step_lane(-1)),
    Row("lane_down", "&View", "Lane below", "Ctrl+Down", lambda w: w.step_lane(1)),
    Row("zoom_in", "&View", "Closer", "Ctrl++", lambda w: _zoom(w, 0.5)),
    Row("zoom_out", "&View", "Farther", "Ctrl+-", lambda w: _zoom(w, 2.0)),
    Row("fit", "&View", "Fit region or everything", "Ctrl+0", _fit),
    Row("spectrogram", "&View", "Spectrogram", "W", lambda w: _setting(w, "spectrogram")),
    Row("queue", "&View", "Queue", "Ctrl+J", lambda w: _setting(w, "queue")),
    Row("doctor", "&Help", "Check this machine …", "F2", lambda w: w.show_settings(tab=4)),
    Row("hint", "&Help", "First steps", "F1", lambda w: w.hint.setVisible(not w.hint.isVisible())),
)  # fmt: skip


def make_actions(window: MainWindow) -> dict[str, QAction]:
    """Actions and menus of a window."""
    actions: dict[str, QAction] = {}
    menus = {}
    for row in ROWS:
        action = QAction(tr(row.words), window)
        action.setCheckable(row.toggled)
        if row.keys:
            action.setShortcut(QKeySequence(row.keys))
            action.setToolTip(f"{tr(row.words)} ({row.keys})")
        action.triggered.connect(lambda on, do=row.do: do(window))
        if row.menu not in menus:
            menus[row.menu] = window.menuBar().addMenu(tr(row.menu))
        menus[row.menu].addAction(action)
        window.addAction(action)
        actions[row.name] = action
    undo = window.studio.session.undo
    for name, may, changed in (
        ("undo", undo.canUndo(), undo.canUndoChanged),
        ("redo", undo.canRedo(), undo.canRedoChanged),
    ):
        actions[name].setEnabled(may)
        changed.connect(actions[name].setEnabled)
    undo.undoTextChanged.connect(lambda words: actions["undo"].setText(f"{tr('Undo')} {words}".strip()))
    undo.redoTextChanged.connect(lambda words: actions["redo"].setText(f"{tr('Redo')} {words}".strip()))
    return actions
