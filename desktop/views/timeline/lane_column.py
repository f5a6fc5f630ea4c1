"""The lanes below each other: as high as the window allows, and moved up and down by hand."""

from __future__ import annotations

from PySide6.QtCore import QPoint, Qt, Signal
from PySide6.QtGui import QColor, QResizeEvent, QWheelEvent
from PySide6.QtWidgets import QFrame, QScrollArea, QVBoxLayout, QWidget

from desktop.views.theme import Palette
from desktop.views.timeline.lane_view import FOLDED, HIGH, LOW, LaneView, fitted

MARK = 3  # pixels of the line that shows where a lane will be put
WHEEL_STEP = 10  # pixels


class LaneColumn(QScrollArea):
    """Scrolls over lanes.

    Signals:
        put_down: the lane that was pulled, and its new place from the top.
    """

    put_down = Signal(object, int)

    def __init__(self, palette: Palette) -> None:
        super().__init__()
        self.setWidgetResizable(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self._views: list[LaneView] = []
        self._wanted: dict[LaneView, int] = {}
        self._below: dict[LaneView, list[QWidget]] = {}
        self._every = 0
        self._column = QVBoxLayout()
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(0)
        self._column.addStretch(1)
        inside = self._inside = QWidget()
        inside.setLayout(self._column)
        self.setWidget(inside)
        self._mark = QFrame(inside)
        self._mark.hide()
        self._pulled_to: int | None = None
        self.dress(palette)

    @property
    def views(self) -> list[LaneView]:
        """The lanes from top to bottom."""
        return list(self._views)

    def dress(self, palette: Palette) -> None:
        """Apply a palette."""
        self._mark.setStyleSheet(f"background: {QColor(palette.accent).name()};")

    def adopt(self, view: LaneView) -> None:
        """Take in a view that is to be shown later, and style it here, where it stays: a new parent styles it anew."""
        view.setParent(self._inside)
        view.hide()  # else it is shown with the first lanes, as every child is that nobody hid
        view.ensurePolished()

    def show_views(self, rows: list[tuple[LaneView, int, list[QWidget]]]) -> None:
        """Show lanes in an order.

        Args:
            rows: each with the height that is wanted, 0 for as it fits, and what stands below it.
        """
        widgets = [one for view, _, below in rows for one in (view, *below)]
        for place in reversed(range(self._column.count())):
            item = self._column.itemAt(place)
            widget = item.widget() if item is not None else None
            if widget is not None and widget not in widgets:
                self._column.removeWidget(widget)
                widget.hide()
                widget.deleteLater()
        for place, widget in enumerate(widgets):
            if self._column.indexOf(widget) != place:
                self._column.removeWidget(widget)
                self._column.insertWidget(place, widget)
            widget.show()
        self._views = [view for view, _, _ in rows]
        self._wanted = {view: wanted for view, wanted, _ in rows}
        self._below = {view: below for view, _, below in rows}
        self.fit()

    def fit(self) -> None:
        """Give every lane its height."""
        below = sum(widget.sizeHint().height() for widgets in self._below.values() for widget in widgets)
        wanted = [self._wanted[view] for view in self._views]
        for view, height in zip(self._views, fitted(self.height() - below, wanted, self._every), strict=True):
            view.set_height(height)

    def pull(self, view: LaneView, place: QPoint) -> None:
        """Show where a lane would be put.

        Args:
            place: of the mouse, on the screen.
        """
        inside = self._inside
        y = inside.mapFromGlobal(place).y()
        middles = [one.geometry().center().y() for one in self._views]
        to = sum(middle < y for middle in middles)
        line = self._views[to].y() if to < len(self._views) else self._bottom()
        self._mark.setGeometry(0, max(line - MARK // 2, 0), inside.width(), MARK)
        self._mark.raise_()
        self._mark.show()
        self._pulled_to = to
        self.ensureVisible(0, y, 0, FOLDED)

    def put(self, view: LaneView) -> None:
        """The lane is let go."""
        to, self._pulled_to = self._pulled_to, None
        self._mark.hide()
        if to is None or view not in self._views:
            return
        own = self._views.index(view)
        to -= to > own
        if to != own:
            self.put_down.emit(view, to)

    def _bottom(self) -> int:
        last = self._views[-1] if self._views else None
        return last.geometry().bottom() if last is not None else 0

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802
        """Fit the lanes to the new height."""
        super().resizeEvent(event)
        self.fit()

    def wheelEvent(self, event: QWheelEvent) -> None:  # noqa: N802
        """Alt changes the height of all lanes."""
        if not event.modifiers() & Qt.KeyboardModifier.AltModifier or not self._views:
            super().wheelEvent(event)
            return
        turn = event.angleDelta().y() or event.angleDelta().x()  # with Alt some systems turn it sideways
        now = self._every or next((one.height() for one in self._views if not self._wanted[one]), LOW)
        self._every = min(max(now + (WHEEL_STEP if turn > 0 else -WHEEL_STEP), FOLDED), 2 * HIGH)
        self.fit()
        event.accept()
