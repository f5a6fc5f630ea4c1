"""Rows and columns of widgets in one call."""

from __future__ import annotations

from typing import TypeVar

from PySide6.QtWidgets import QBoxLayout, QHBoxLayout, QLayout, QVBoxLayout, QWidget

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
