"""The choice of a task: what takes apart, what makes new, each with a line that says what it does."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QModelIndex, QPersistentModelIndex, QRect, QSize, Qt
from PySide6.QtGui import QColor, QFont, QKeyEvent, QPainter, QStandardItem, QStandardItemModel
from PySide6.QtWidgets import QComboBox, QListView, QStyle, QStyledItemDelegate, QStyleOptionViewItem

from desktop.views.sentences import TASK_WORDS
from desktop.views.text import tr
from desktop.views.theme import Palette
from engine import TASKS

GROUPS = (
    ("Take apart", ("isolate", "remove")),
    ("Make new", ("inpaint", "extend", "regenerate", "restyle", "replace", "generate", "arrange")),
)
SAYINGS = {  # one line each, for the list
    "isolate": "Take named sounds out of the mix; they add up to it again",
    "remove": "The mix without a named sound",
    "inpaint": "Play something else in the region, fitting what is around it",
    "extend": "Go on after the end",
    "regenerate": "A new part that fits the music",
    "restyle": "The same notes on another instrument",
    "replace": "One sound of the mix for another",
    "generate": "A sound from words alone",
    "arrange": "Several parts that fit each other",
}
ROW_HEIGHT, HEADING_HEIGHT, LIST_WIDTH = 44, 26, 440
DOC_ROLE = Qt.ItemDataRole.UserRole + 1


class TaskBox(QComboBox):
    """Chooses a task; letters typed into it choose, and are no shortcuts."""

    def __init__(self, palette: Palette) -> None:
        super().__init__()
        self.setObjectName("task")
        view = QListView()
        view.setMinimumWidth(LIST_WIDTH)
        self.setView(view)
        self._rows = _TaskRows(palette)
        view.setItemDelegate(self._rows)
        self.setModel(self._model())
        self.setCurrentIndex(self.findData(next(iter(TASKS))))
        self.setMaxVisibleItems(self.count())

    def _model(self) -> QStandardItemModel:
        model = QStandardItemModel(self)
        for heading, tasks in GROUPS:
            row = QStandardItem(tr(heading))
            row.setFlags(Qt.ItemFlag.NoItemFlags)
            model.appendRow(row)
            for task in tasks:
                row = QStandardItem(tr(TASK_WORDS[task]))
                row.setData(task, Qt.ItemDataRole.UserRole)
                row.setData(tr(SAYINGS[task]), DOC_ROLE)
                row.setToolTip(tr(SAYINGS[task]))
                row.setData(f"{tr(TASK_WORDS[task])}: {tr(SAYINGS[task])}", Qt.ItemDataRole.AccessibleTextRole)
                model.appendRow(row)
        return model

    def dress(self, palette: Palette) -> None:
        """Apply a palette."""
        self._rows.palette = palette

    def event(self, event: QEvent) -> bool:
        """Letters and Home belong to the box, not to shortcuts of one key."""
        if event.type() is QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent):
            plain = event.modifiers() in (Qt.KeyboardModifier.NoModifier, Qt.KeyboardModifier.ShiftModifier)
            if plain and event.key() != Qt.Key.Key_Escape and event.key() < Qt.Key.Key_F1:
                event.accept()
                return True
            if plain and event.key() in (Qt.Key.Key_Home, Qt.Key.Key_End):
                event.accept()
                return True
        return super().event(event)


class _TaskRows(QStyledItemDelegate):
    """Draws a heading, or a task over its line."""

    def __init__(self, palette: Palette) -> None:
        super().__init__()
        self.palette = palette

    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> QSize:  # noqa: N802
        """As of Qt."""
        return QSize(LIST_WIDTH, ROW_HEIGHT if index.data(Qt.ItemDataRole.UserRole) else HEADING_HEIGHT)

    def paint(
        self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        """As of Qt."""
        colours, rect, line = self.palette, QRect(option.rect), painter.fontMetrics().height()
        painter.save()
        if not index.data(Qt.ItemDataRole.UserRole):
            painter.setPen(QColor(colours.quiet))
            painter.drawText(rect.adjusted(10, 0, 0, -2), Qt.AlignmentFlag.AlignBottom, str(index.data()))
            painter.restore()
            return
        marked = bool(option.state & QStyle.StateFlag.State_Selected)
        if marked:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(colours.accent))
            painter.drawRoundedRect(rect.adjusted(2, 1, -2, -1), 5, 5)
        painter.setPen(QColor(colours.on_accent if marked else colours.text))
        font = painter.font()
        font.setWeight(QFont.Weight.DemiBold)
        painter.setFont(font)
        painter.drawText(rect.left() + 18, rect.top() + 4 + painter.fontMetrics().ascent(), str(index.data()))
        painter.setPen(QColor(colours.on_accent if marked else colours.quiet))
        font.setWeight(QFont.Weight.Normal)
        font.setPointSizeF(font.pointSizeF() - 1)
        painter.setFont(font)
        metrics = painter.fontMetrics()
        doc = metrics.elidedText(str(index.data(DOC_ROLE)), Qt.TextElideMode.ElideRight, rect.width() - 30)
        painter.drawText(rect.left() + 18, rect.top() + 5 + line + metrics.ascent(), doc)
        painter.restore()
