"""The left end of a lane on a fixed grid: name, mute, solo, gain, pan, sensitivity, takes, level, and the grip."""

from __future__ import annotations

from PySide6.QtCore import QPoint, QPointF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QContextMenuEvent, QMouseEvent, QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QApplication, QComboBox, QLabel, QSizePolicy, QToolButton, QVBoxLayout, QWidget

from desktop.message import Message
from desktop.models.document import SWITCHES
from desktop.models.ghosts import GhostLane
from desktop.models.project import NEUTRAL, Lane, LaneTake
from desktop.views.layout import beside
from desktop.views.sentences import task_name
from desktop.views.text import number, percent, tr
from desktop.views.theme import Palette, drawn, icon, mark
from desktop.views.timeline.drag_out import DragHandle
from desktop.views.timeline.gain_field import GainField
from desktop.views.timeline.knob import Knob
from desktop.views.timeline.lane_name import LaneName, ShortenedLabel
from desktop.views.timeline.meter import LevelMeter
from engine import BIT_FOR_BIT_DB

WIDTH = 272
PROGRESS = 3  # pixels
CURRENT_EDGE = 2  # pixels in the accent, beside that of the lane that is worked on
EDGE = 4  # pixels in the lane's colour
GRIP = 20  # pixels of the handle left of all rows
LIKELY_THERE = 0.5
TWO_ROWS, THREE_ROWS = 60, 84  # heights from which the second and the third row are shown
KNOB_WIDTH, KNOB_GAP = 34, 2  # pixels; a name has room under its knob
MARGIN, LOW_MARGIN = 3, 1  # above and below the rows; in a lane of one row
BUTTON_WIDTH, BUTTON_HEIGHT = 24, 22
TAKES_WIDTH = 92


class LaneHeader(QWidget):
    """Shows one lane and tells what is done to it.

    Signals:
        field_changed: a ``Message`` for the history, field and value.
        drag_wanted: the file is to be dragged out; True means what the mix is without it.
        menu_wanted: place on the screen.
        chosen: the lane is to be worked on; with the modifier keys that were held.
        pulled: it is dragged up or down to another place; where the mouse is, on the screen.
        let_go: that drag is over.
        switched: mute or solo of a lane that is on its way, and its new state.
        cancelled: the job that makes this lane is not wanted any more.
        unfolded: all takes are to be shown below the lane, or no longer.
    """

    field_changed = Signal(object, str, object)
    drag_wanted = Signal(bool)
    menu_wanted = Signal(QPoint)
    chosen = Signal(object)
    pulled = Signal(QPoint)
    let_go = Signal()
    switched = Signal(str, bool)
    cancelled = Signal()
    unfolded = Signal(bool)

    def __init__(self, palette: Palette) -> None:
        super().__init__()
        self.setFixedWidth(WIDTH)
        self._palette = palette
        self._lane: Lane | None = None
        self._ghost: GhostLane | None = None
        self._shown: tuple[Lane, Palette, bool] | None = None
        self._colour = palette.lanes[0]
        self._pressed: QPointF | None = None
        self._is_pulled = False
        self._current = False
        self.name, self.caption = LaneName(), ShortenedLabel()
        self.name.renamed.connect(lambda name: self._tell(Message("rename {lane}", lane=self._called), "name", name))
        self.caption.setObjectName("caption")
        mark(self.caption, "warned", False)
        self.grip = DragHandle(
            tr("Drag this stem into your DAW or a folder, as a file; with Ctrl, the mix without it"),
            tr("Drag the file out"),
        )
        self.grip.dragged.connect(self.drag_wanted)
        self.mute = self._switch("M", "mute", tr("Mute"), tr("Mute this lane (M)"))
        self.solo = self._switch("S", "solo", tr("Solo"), tr("Hear this lane alone (S)"))
        self.more = QToolButton()
        self.more.setObjectName("flat")
        self.more.setFixedSize(BUTTON_WIDTH, BUTTON_HEIGHT)
        self.more.setIconSize(QSize(18, 18))
        self.more.setFocusPolicy(Qt.FocusPolicy.ClickFocus)
        self.more.setAccessibleName(tr("More actions for this lane"))
        self.more.setToolTip(tr("What can be done with this lane; a right click does the same"))
        self.more.clicked.connect(self._on_more)
        self.takes = QComboBox()
        self.takes.setFixedWidth(TAKES_WIDTH)
        self.takes.setFocusPolicy(Qt.FocusPolicy.ClickFocus)
        self.takes.setAccessibleName(tr("Take"))
        self.takes.setToolTip(
            tr("The take to play; all takes are kept. The number says how well it fits, from -1 to 1")
        )
        self.takes.activated.connect(self._on_take)
        self.unfold = QToolButton()
        self.unfold.setObjectName("flat")
        self.unfold.setCheckable(True)
        self.unfold.setFixedSize(BUTTON_WIDTH, BUTTON_HEIGHT)
        self.unfold.setIconSize(QSize(16, 16))
        self.unfold.setFocusPolicy(Qt.FocusPolicy.ClickFocus)
        self.unfold.setAccessibleName(tr("Show all takes"))
        self.unfold.setToolTip(tr("Show all takes below the lane, to hear one in one part and one in another"))
        self.unfold.clicked.connect(self.unfolded)
        self._make_knobs(palette)
        self.meter = LevelMeter(palette)
        self._set_stops()
        self._lay_out()

    def _make_knobs(self, palette: Palette) -> None:
        self.gain = GainField()
        self.gain.changed.connect(
            lambda gain_db: self._tell(Message("gain of {lane}", lane=self._called), "gain_db", gain_db)
        )
        self.pan = Knob(palette, (-1.0, 1.0), 0.0, 0.0, pan_words)
        self.pan.setAccessibleName(tr("Pan"))
        self.pan.setToolTip(tr("Left or right; drag up and down, double-click for the middle"))
        self.pan.turned.connect(lambda pan: self._tell(Message("pan of {lane}", lane=self._called), "pan", pan))
        self.sensitivity = Knob(palette, (0.0, 1.0), NEUTRAL, 0.0, sensitivity_words)
        self.sensitivity.setAccessibleName(tr("Sensitivity"))
        self.sensitivity.setToolTip(
            tr("Sensitivity: left is clean, right is full; what one lane gains the rest loses, double-click for usual")
        )
        self.sensitivity.turned.connect(
            lambda amount: self._tell(Message("sensitivity of {lane}", lane=self._called), "sensitivity", amount)
        )
        kept = self.sensitivity.sizePolicy()
        kept.setRetainSizeWhenHidden(True)  # the grid stays where a lane has none
        self.sensitivity.setSizePolicy(kept)
        self.knob_names = QWidget()
        self._knob_labels: list[QLabel] = []
        for words, knob in ((tr("Pan"), self.pan), (tr("Sens."), self.sensitivity)):
            knob.setFixedWidth(KNOB_WIDTH)
            label = QLabel(words)
            label.setObjectName("tiny")
            label.setToolTip(knob.toolTip())
            label.setFixedWidth(KNOB_WIDTH)
            label.setAlignment(Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignTop)
            label.setSizePolicy(kept)
            self._knob_labels.append(label)
        row = beside(*self._knob_labels, spacing=KNOB_GAP)
        row.setContentsMargins(0, 0, 0, 0)
        self.knob_names.setLayout(row)

    def _lay_out(self) -> None:
        top = beside((self.name, 1), self.mute, self.solo, self.more, spacing=4)
        self.knobs, self.facts = QWidget(), QWidget()
        knobs = beside((self.gain, 1), self.pan, self.sensitivity, spacing=KNOB_GAP)
        facts = beside((self.caption, 1), self.takes, self.unfold, self.knob_names, spacing=4)
        for row, widget in ((knobs, self.knobs), (facts, self.facts)):
            row.setContentsMargins(0, 0, 0, 0)
            widget.setLayout(row)
            widget.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        column = QVBoxLayout()
        column.setSpacing(2)
        column.addStretch(1)
        column.addLayout(top)
        column.addWidget(self.knobs)
        column.addWidget(self.facts)
        column.addStretch(1)
        self.grip.setFixedWidth(GRIP)
        whole = self._whole = beside(self.grip, column, self.meter, spacing=0)
        whole.setStretch(1, 1)
        whole.insertSpacing(2, 7)
        whole.setContentsMargins(EDGE + 8, MARGIN, 4, MARGIN)
        self.setLayout(whole)

    def _switch(self, letter: str, kind: str, name: str, tip: str) -> QToolButton:
        button = QToolButton()
        button.setObjectName(kind)
        button.setText(letter)
        button.setCheckable(True)
        button.setFixedSize(BUTTON_WIDTH, BUTTON_HEIGHT)
        button.setFocusPolicy(Qt.FocusPolicy.ClickFocus)
        button.setAccessibleName(name)
        button.setToolTip(tip)
        button.clicked.connect(lambda on: self._on_switch(kind, on))
        return button

    def show_lane(self, lane: Lane, palette: Palette, heard: bool) -> None:
        """Show a lane's state; nothing is done for one that is shown already."""
        shown = (lane, palette, heard)
        if self._shown is not None and all(one is other for one, other in zip(shown, self._shown, strict=True)):
            return
        self._shown = shown
        self._lane, self._ghost = lane, None
        self._palette = palette
        self._colour = palette.lanes[lane.colour]
        self.grip.setPixmap(drawn("drag", palette.faint, 16))
        self.more.setIcon(icon("more", palette.quiet))
        self.more.setToolTip(tr("What can be done with this lane; a right click does the same"))
        self.name.show_name(lane_name(lane), heard)
        words, warned = caption(lane)
        self.caption.set_whole(words)
        mark(self.caption, "warned", warned)
        self.mute.setChecked(lane.mute)
        self.solo.setChecked(lane.solo)
        self.gain.set_db(lane.gain_db)
        for knob, amount in ((self.pan, lane.pan), (self.sensitivity, lane.sensitivity)):
            knob.set_amount(amount)
            knob.dress(palette, self._colour)
        self.meter.dress(palette)
        self.takes.clear()
        for place, take in enumerate(lane.takes):
            self.takes.addItem(f"{tr('Take')} {place + 1}")
            self.takes.setItemData(place, take_words(place + 1, take), Qt.ItemDataRole.ToolTipRole)
        self.takes.setCurrentIndex(lane.active)
        self.takes.setVisible(len(lane.takes) > 1)
        self.unfold.setVisible(len(lane.takes) > 1)
        self.knob_names.setVisible(len(lane.takes) < 2)
        for widget in (self.sensitivity, self._knob_labels[-1]):
            widget.setVisible(lane.taken_out is not None)  # what was not taken out has none
        self.grip.setEnabled(True)
        self._show_rows()
        self.setAccessibleName(f"{tr('Lane')} {lane_name(lane)}")
        self.update()

    def show_ghost(self, ghost: GhostLane, palette: Palette, words: str) -> None:
        """Show a lane that a job is making.

        Args:
            words: how far the job is.
        """
        self._lane, self._ghost, self._shown = None, ghost, None
        self._palette = palette
        self._colour = palette.lanes[ghost.colour]
        self.grip.setPixmap(drawn("drag", palette.line, 16))
        self.grip.setEnabled(False)
        self.more.setIcon(icon("close", palette.quiet))
        self.more.setToolTip(tr("Cancel"))
        self.meter.dress(palette)
        self.name.show_name(tr(ghost.name) if ghost.role == "else" else ghost.name, heard=not ghost.mute)
        self.caption.set_whole(words)
        mark(self.caption, "warned", False)
        self.mute.setChecked(ghost.mute)
        self.solo.setChecked(ghost.solo)
        self.takes.hide()
        self.unfold.hide()
        self.knob_names.hide()
        self.setAccessibleName(f"{tr('Lane')} {ghost.name}")
        self._show_rows()
        self.update()

    def set_current(self, current: bool) -> None:
        """Mark the lane that is worked on; its knobs alone are reached by Tab."""
        if current != self._current:
            self._current = current
            self._set_stops()
            self.update()

    def _set_stops(self) -> None:
        policy = Qt.FocusPolicy.TabFocus if self._current else Qt.FocusPolicy.NoFocus
        for knob in (self.gain.fader, self.pan, self.sensitivity):
            knob.setFocusPolicy(policy)

    def show_unfolded(self, unfolded: bool) -> None:
        """Say whether the takes stand below the lane."""
        self.unfold.setChecked(unfolded)
        self.unfold.setIcon(icon("up" if unfolded else "down", self._palette.quiet))

    def rename(self) -> None:
        """Let the user type a new name."""
        self.name.edit()

    # Qt's events.

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802
        """A low lane shows fewer rows."""
        self._show_rows()

    def _show_rows(self) -> None:
        is_ghost = self._ghost is not None
        margin = MARGIN if self.height() >= TWO_ROWS else LOW_MARGIN
        self._whole.setContentsMargins(EDGE + 8, margin, 4, margin)
        self.knobs.setVisible(self.height() >= TWO_ROWS and not is_ghost)
        self.facts.setVisible(self.height() >= (TWO_ROWS - 8 if is_ghost else THREE_ROWS))

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802
        """Draw the lane's colour along the edge."""
        painter = QPainter(self)
        painter.fillRect(0, 0, EDGE, self.height(), QColor(self._colour))
        if self._current:
            painter.fillRect(EDGE, 0, CURRENT_EDGE, self.height(), QColor(self._palette.accent))
        if self._ghost is not None:
            room = self.width() - EDGE
            painter.fillRect(EDGE, self.height() - PROGRESS, room, PROGRESS, QColor(self._palette.field))
            done = round(room * min(max(self._ghost.fraction, 0.0), 1.0))
            painter.fillRect(EDGE, self.height() - PROGRESS, done, PROGRESS, QColor(self._colour))
        painter.end()

    def mousePressEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        """Make this the current lane, or one of the chosen ones; perhaps pull it elsewhere."""
        if event.button() is Qt.MouseButton.LeftButton:
            self._pressed = event.position()
        self.chosen.emit(event.modifiers())

    def mouseMoveEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        """Pull the lane up or down."""
        if self._pressed is None:
            return
        moved = abs(event.position().y() - self._pressed.y())
        if self._is_pulled or moved >= QApplication.startDragDistance():
            self._is_pulled = True
            self.setCursor(Qt.CursorShape.ClosedHandCursor)
            self.pulled.emit(event.globalPosition().toPoint())

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        """Put it down."""
        if self._is_pulled:
            self.let_go.emit()
        self._pressed, self._is_pulled = None, False
        self.unsetCursor()

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:  # noqa: N802
        """Offer what can be done with the lane."""
        if self._lane is not None or self._ghost is not None:
            self.menu_wanted.emit(event.globalPos())

    def _on_more(self) -> None:
        if self._ghost is not None:
            self.cancelled.emit()
        else:
            self.menu_wanted.emit(self.more.mapToGlobal(QPoint(0, self.more.height())))

    def _on_switch(self, kind: str, on: bool) -> None:
        if self._ghost is not None:
            self.switched.emit(kind, on)
        else:
            self._tell(Message(SWITCHES[kind], lane=self._called), kind, on)

    def _on_take(self, index: int) -> None:
        self._tell(Message("choose a take"), "active", index)

    @property
    def _called(self) -> str:
        return self._lane.name if self._lane is not None else ""

    def _tell(self, words: Message, field: str, value: object) -> None:
        if self._lane is not None:
            self.field_changed.emit(words, field, value)


def lane_name(lane: Lane) -> str:
    """The name for the user; that of the lane which completes the sum is in the user's language."""
    return tr("Everything else") if lane.is_else and lane.name == "Everything else" else lane.name


def caption(lane: Lane) -> tuple[str, bool]:
    """One line about the active take, and whether it is a warning."""
    made = lane.take.made
    if lane.is_else:
        return tr("completes the mix"), False
    if made.null_db is not None and made.null_db > BIT_FOR_BIT_DB:
        return f"{tr('null')} {number(made.null_db, 0)} dB".replace("-", "−"), True
    if made.presence is not None and lane.role == "stem" and lane.take.is_separated:
        if made.presence < LIKELY_THERE:
            return tr("not found"), True
        return tr("heard: {share} %").replace("{share}", f"{made.presence * 100:.0f}"), False
    return (task_name(made.task) if made.task != "import" else tr("added file")), False


def take_words(count: int, take: LaneTake) -> str:
    """Number of the take, and its similarity to the prompt if known."""
    similarity = take.made.similarity
    return f"{tr('Take')} {count}" + (f" · {tr('fit')} {number(similarity, 2)}" if similarity is not None else "")


def pan_words(pan: float) -> str:
    """The pan as L50, C or R50."""
    if abs(pan) < 0.005:
        return "C"
    return f"{'L' if pan < 0 else 'R'}{abs(pan) * 100:.0f}"


def sensitivity_words(amount: float) -> str:
    """The sensitivity in per cent."""
    return percent(amount)
