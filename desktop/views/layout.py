"""Rows and columns of widgets in one call."""

from __future__ import annotations

from typing import TypeVar

from PySide6.QtCore import QSize, Qt
from PySide6.QtWidgets import QBoxLayout, QFrame, QHBoxLayout, QLayout, QScrollArea, QVBoxLayout, QWidget

TITLE_BAR = 40  # pixels that a system draws above a window, and a little more

Part = QWidget | QLayout | int | tuple[QWidget, int]  # an int is a stretch; a pair is a widget and its stretch
Box = TypeVar("Box", bound=QBoxLayout)


def beside(*parts: Part, spacing: int = 6) -> QHBoxLayout:
    """A horizontal layout."""
    return _filled(QHBoxLayout(), parts, spacing)


def under(parent: QWidget, margins: tuple[int, int, int, int], *parts: Part, spacing: int = 4) -> QVBoxLayout:
    """A vertical layout for a widget; margins are left, top, right, bottom."""
    column = _filled(QVBoxLayout(parent), parts, spacing)
    column.setContentsMargins(*margins)
    return column


def scrolled(inside: QWidget) -> QScrollArea:
    """A widget that scrolls up and down where there is no room for all of it."""
    area = QScrollArea()
    area.setWidgetResizable(True)
    area.setFrameShape(QFrame.Shape.NoFrame)
    area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
    area.setWidget(inside)
    return area


def on_screen(widget: QWidget, wanted: QSize) -> QSize:
    """A size for a window, not larger than its screen has room for."""
    room = widget.screen().availableSize()
    return wanted.boundedTo(QSize(room.width(), room.height() - TITLE_BAR))


def _filled(box: Box, parts: tuple[Part, ...], spacing: int) -> Box:
    box.setSpacing(spacing)
    for part in parts:
        if isinstance(part, QLayout):
            box.addLayout(part)
        elif isinstance(part, int):
            box.addStretch(part)
        elif isinstance(part, tuple):
            box.addWidget(*part)
        else:
            box.addWidget(part)
    return box
