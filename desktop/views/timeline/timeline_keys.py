"""Keys of the timeline itself: they count only while it has the focus, so they never reach what is being typed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from PySide6.QtCore import Qt, SignalInstance
from PySide6.QtGui import QKeyEvent

from desktop.models.viewport import Viewport
from desktop.models.workspace import Workspace

STEPS_IN_SIGHT = 40  # an arrow moves the cursor by this part of what is seen
NUMBERS = range(1, 10)
NONE, SHIFT, CTRL, ALT = (
    Qt.KeyboardModifier.NoModifier,
    Qt.KeyboardModifier.ShiftModifier,
    Qt.KeyboardModifier.ControlModifier,
    Qt.KeyboardModifier.AltModifier,
)


class KeyTarget(Protocol):
    """What keys work on: the parts of the timeline that they need."""

    viewport: Viewport

    @property
    def workspace(self) -> Workspace:
        """Whose project is shown."""

    def rename(self, lane_id: str) -> None:
        """Let the user type a new name."""

    @property
    def run_wanted(self) -> SignalInstance:
        """Emitted where what the prompt says is to be done."""

    def show_menu_of_current(self) -> None:
        """Open the menu of the current lane."""

    def reveal(self, lane_id: str) -> None:
        """Scroll a lane into sight."""


def _move(by: int, grow: bool) -> Callable[[KeyTarget], None]:
    def do(target: KeyTarget) -> None:
        workspace = target.workspace
        document, transport = workspace.document, workspace.transport
        step = max(round(target.viewport.span / STEPS_IN_SIGHT), 1)
        before = transport.position
        selection = document.selection
        if grow and selection is not None and before not in selection:
            before = selection[1]  # a region that was dragged grows at its end
        to = min(max(before + by * step, 0), document.project.length)
        if grow:
            fixed = before
            if selection is not None:
                fixed = selection[0] if before == selection[1] else selection[1]
            document.select((fixed, to))
        transport.seek(to)
        target.viewport.follow(to)

    return do


def _edge(is_end: bool) -> Callable[[KeyTarget], None]:
    """The region begins, or ends, at the cursor; the other end stays, or is that of the song."""

    def do(target: KeyTarget) -> None:
        document = target.workspace.document
        here = target.workspace.snapped(target.workspace.transport.position)
        first, last = document.selection or (0, document.project.length)
        if is_end:
            document.select((first if first < here else 0, here))
        else:
            document.select((here, last if last > here else document.project.length))

    return do


def _step(by: int, also: bool) -> Callable[[KeyTarget], None]:
    def do(target: KeyTarget) -> None:
        document = target.workspace.document
        names = ["", *(lane.id for lane in document.project.lanes)]
        before = document.chosen
        place = names.index(document.current) + by
        to = names[min(max(place, 0), len(names) - 1)]
        document.set_current(to)
        if also and to:
            document.choose((*before, to))
        target.reveal(to)

    return do


def _shift(by: int) -> Callable[[KeyTarget], None]:
    def do(target: KeyTarget) -> None:
        document = target.workspace.document
        names = [lane.id for lane in document.project.lanes]
        if document.current in names:
            document.move_lane(document.current, max(names.index(document.current) + by, 0))

    return do


def _nth(number: int, solo: bool) -> Callable[[KeyTarget], None]:
    def do(target: KeyTarget) -> None:
        document = target.workspace.document
        if number > len(document.project.lanes):
            return
        lane = document.project.lanes[number - 1]
        if solo:
            document.switch(lane.id, "solo")
        else:
            document.set_current(lane.id)
            target.reveal(lane.id)

    return do


def _remove(target: KeyTarget) -> None:
    document = target.workspace.document
    document.remove_lanes(document.chosen or ((document.current,) if document.current else ()))


def _rename(target: KeyTarget) -> None:
    if current := target.workspace.document.current:
        target.rename(current)


KEYS: dict[tuple[Qt.KeyboardModifier, Qt.Key], Callable[[KeyTarget], None]] = {
    (NONE, Qt.Key.Key_Delete): _remove,
    (NONE, Qt.Key.Key_Backspace): _remove,
    (NONE, Qt.Key.Key_Return): lambda target: target.run_wanted.emit(),
    (NONE, Qt.Key.Key_Enter): lambda target: target.run_wanted.emit(),
    (NONE, Qt.Key.Key_F4): _rename,
    (NONE, Qt.Key.Key_Menu): lambda target: target.show_menu_of_current(),
    (SHIFT, Qt.Key.Key_F10): lambda target: target.show_menu_of_current(),
    (NONE, Qt.Key.Key_Left): _move(-1, grow=False),
    (NONE, Qt.Key.Key_Right): _move(1, grow=False),
    (SHIFT, Qt.Key.Key_Left): _move(-1, grow=True),
    (SHIFT, Qt.Key.Key_Right): _move(1, grow=True),
    (NONE, Qt.Key.Key_I): _edge(is_end=False),
    (NONE, Qt.Key.Key_O): _edge(is_end=True),
    (NONE, Qt.Key.Key_Up): _step(-1, also=False),
    (NONE, Qt.Key.Key_Down): _step(1, also=False),
    (SHIFT, Qt.Key.Key_Up): _step(-1, also=True),
    (SHIFT, Qt.Key.Key_Down): _step(1, also=True),
    (ALT, Qt.Key.Key_Up): _shift(-1),
    (ALT, Qt.Key.Key_Down): _shift(1),
    **{(CTRL, Qt.Key(Qt.Key.Key_0 + number)): _nth(number, solo=False) for number in NUMBERS},
    **{(ALT, Qt.Key(Qt.Key.Key_0 + number)): _nth(number, solo=True) for number in NUMBERS},
}


def press(target: KeyTarget, event: QKeyEvent) -> bool:
    """Do what a key means.

    Returns:
        False if it means nothing here.
    """
    modifiers = event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier
    do = KEYS.get((modifiers, Qt.Key(event.key())))
    if do is None:
        return False
    do(target)
    return True
