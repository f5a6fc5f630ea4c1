"""The top bar: files, undo, transport, A/B comparison, volume."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QAction, QResizeEvent
from PySide6.QtWidgets import (
    QButtonGroup,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QSizePolicy,
    QSlider,
    QSpacerItem,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from desktop.audio.mixer import PlaybackSource
from desktop.views.match_button import MatchButton
from desktop.views.text import clock, decibels, tr
from desktop.views.theme import Palette, drawn, icon, number_font
from desktop.views.time_field import TimeField

SIDES = (
    (PlaybackSource.ORIGINAL, "Original", "The original mix (1); held, only as long"),
    (PlaybackSource.STEMS, "Stems", "The audible lanes (2); held, only as long"),
    (PlaybackSource.REMOVED, "Delta", "The delta: the mix minus the audible lanes (3); held, only as long"),
)
VOLUME_STEPS = 100
LEVELS, SEGMENT_PADDING = 6, 28
METER_WIDTHS, VOLUME_WIDTHS = (120, 56), (86, 56)  # in a wide window and in a narrow one
NAME_WIDTH = 150
SIDE, EXPORT_PADDING = 32, 26  # pixels of a button, and around its sign and its word
CELL_LEVELS = {"meter": 3, "speed": 5}  # cells that hide from a level on; speed has keys


class TopBar(QWidget):
    """Buttons for actions, and what goes with listening.

    Args:
        palette: colours.
        actions: by name: open, save, undo, redo, start, play, loop, export, queue, settings.

    Signals:
        listened: which of ``PlaybackSource``.
        matched: True for equal loudness.
        volume_changed: 0 to 1.
        solo_cleared: no lane is to be heard alone any more.
    """

    solo_cleared = Signal()
    listened = Signal(object)
    matched = Signal(bool)
    volume_changed = Signal(float)

    def __init__(self, palette: Palette, actions: dict[str, QAction]) -> None:
        super().__init__()
        self.setObjectName("bar")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._actions = actions
        self.buttons: dict[str, QToolButton] = {}
        self.logo = QLabel()
        self.name = QLabel("Fluxstem")
        self.name.setObjectName("heading")
        self.name.setFixedWidth(NAME_WIDTH)  # so that nothing beside it moves
        self.time = TimeField()
        self.bars = QLabel(tr("no bars"))
        self.bars.setObjectName("caption")
        self.bars.setFont(number_font(9.5))
        self.bars.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.bars.setAccessibleName(tr("Bar and beat"))
        self.lamp_solo = self._lamp()
        self._cells: dict[str, QHBoxLayout] = {}
        self.sides: dict[PlaybackSource, QPushButton] = {}
        group = QButtonGroup(self)
        self._segments = QHBoxLayout()
        self._segments.setSpacing(0)
        for place, (listen, words, tip) in enumerate(SIDES):
            button = QPushButton(tr(words))
            button.setObjectName("segment")
            button.setProperty("place", ("first", "middle", "last")[place])
            button.setCheckable(True)
            button.setSizePolicy(QSizePolicy.Policy.Minimum, QSizePolicy.Policy.Fixed)
            button.ensurePolished()
            button.setMinimumWidth(button.fontMetrics().horizontalAdvance(button.text()) + SEGMENT_PADDING)
            button.setToolTip(tr(tip))
            button.clicked.connect(lambda on, listen=listen: self.listened.emit(listen))
            group.addButton(button)
            self._segments.addWidget(button)
            self.sides[listen] = button
        self.match = MatchButton(palette)
        self.match.toggled.connect(self.matched)
        self.volume = QSlider(Qt.Orientation.Horizontal)
        self.volume.setRange(0, VOLUME_STEPS)
        self.volume.setFixedWidth(86)
        self.volume.setAccessibleName(tr("Volume"))
        self.volume.setToolTip(tr("Playback volume; files are not changed"))
        self.volume.valueChanged.connect(lambda value: self.volume_changed.emit(value / VOLUME_STEPS))
        self.speaker = QLabel()
        self._lay_out()
        self.dress(palette)

    def _lamp(self) -> QPushButton:
        """The lamp that says that lanes play alone, and keeps its place while it is dark."""
        lamp = QPushButton(tr("Solo"))
        lamp.setObjectName("lamp")
        lamp.clicked.connect(self.solo_cleared)
        kept = lamp.sizePolicy()
        kept.setRetainSizeWhenHidden(True)
        lamp.setSizePolicy(kept)
        lamp.hide()
        return lamp

    def _lay_out(self) -> None:
        row = self._row = QHBoxLayout(self)
        row.setContentsMargins(14, 8, 12, 8)
        row.setSpacing(6)
        row.addWidget(self.logo)
        row.addWidget(self.name)
        self._gap = QSpacerItem(14, 0)
        row.addItem(self._gap)
        for name in ("open", "save", "undo", "redo"):
            row.addWidget(self._button(name))
        row.addStretch(1)
        for name in ("start", "play", "loop"):
            row.addWidget(self._button(name))
        self._add_cell("speed")
        times = QVBoxLayout()
        times.setSpacing(0)
        times.addWidget(self.time)
        times.addWidget(self.bars)
        row.addLayout(times)
        row.addSpacing(4)
        row.addLayout(self._segments)
        row.addWidget(self.match)
        self._add_cell("sum")
        row.addWidget(self.lamp_solo)
        row.addStretch(1)
        self._add_cell("meter")
        row.addWidget(self.speaker)
        row.addWidget(self.volume)
        row.addSpacing(8)
        for name in ("export", "queue", "settings"):
            row.addWidget(self._button(name))

    def _add_cell(self, name: str) -> None:
        cell = self._cells[name] = QHBoxLayout()
        cell.setContentsMargins(0, 0, 0, 0)
        self._row.addLayout(cell)

    def place_speed(self, widget: QWidget) -> None:
        """Put the speed beside the loop button."""
        self._cells["speed"].addWidget(widget)

    def place_sum(self, widget: QWidget) -> None:
        """Put the lamp of the sum beside the match."""
        self._cells["sum"].addWidget(widget)

    def place_meter(self, widget: QWidget) -> None:
        """Put the level meter before the volume."""
        self._cells["meter"].addWidget(widget)

    def _button(self, name: str) -> QToolButton:
        button = QToolButton()
        action = self._actions[name]
        action.setIconText(action.text().replace("&", "").removesuffix("…").strip())
        button.setDefaultAction(action)
        button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonIconOnly)
        button.setAccessibleName(action.text().replace("&", ""))
        button.setFixedSize(SIDE, SIDE)
        self.buttons[name] = button
        return button

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802
        """In a narrow window, hide names before controls, and controls that have a key before the others."""
        self._fit()

    def _fit(self) -> None:
        for level in range(LEVELS):
            self._show_level(level)
            self._row.invalidate()
            if self._row.minimumSize().width() <= self.width():
                return

    def _show_level(self, level: int) -> None:
        """Show as much as there is room for: 0 is everything, each level less."""
        self.name.setVisible(level < 1)
        self.logo.setVisible(level < 2)
        narrow = int(level > 0)
        self.volume.setFixedWidth(VOLUME_WIDTHS[narrow])
        for of_volume in (self.volume, self.speaker):
            of_volume.setVisible(level < 4)
        for cell, until in CELL_LEVELS.items():
            for place in range(self._cells[cell].count()):
                item = self._cells[cell].itemAt(place)
                if item is not None and (widget := item.widget()) is not None:
                    widget.setVisible(level < until)
                    if cell == "meter":
                        widget.setFixedWidth(METER_WIDTHS[narrow])
        for name in ("undo", "redo", "start"):
            self.buttons[name].setVisible(level < 4)
        self.lamp_solo.setText(tr("Solo") if level < 2 else "S")
        self._name_export(level < 2)
        self._gap.changeSize(14 if level < 1 else 2, 0)
        self._row.setSpacing(6 if level < 1 else 3 if level < LEVELS - 1 else 1)
        self._row.setContentsMargins(*((14, 6, 12, 6) if level < 2 else (8, 6, 8, 6)))

    def _name_export(self, named: bool) -> None:
        """Where the work ends has its word beside its sign while there is room."""
        button, style = self.buttons["export"], Qt.ToolButtonStyle
        button.setToolButtonStyle(style.ToolButtonTextBesideIcon if named else style.ToolButtonIconOnly)
        words = button.fontMetrics().horizontalAdvance(button.text())
        button.setFixedWidth(button.iconSize().width() + words + EXPORT_PADDING if named else SIDE)

    def dress(self, palette: Palette) -> None:
        """Apply a palette."""
        self._palette = palette
        self.match.dress(palette)
        self.logo.setPixmap(drawn("logo", palette.accent, 26))
        self.speaker.setPixmap(drawn("volume", palette.quiet, 18))
        for name, action in self._actions.items():
            if name in self.buttons:
                checked = action.isCheckable() and action.isChecked()
                action.setIcon(icon(name, palette.on_lit if checked else palette.text, palette.faint))

    def show_playing(self, playing: bool) -> None:
        """Show the pause icon while playing."""
        self._actions["play"].setIcon(icon("pause" if playing else "play", self._palette.text, self._palette.faint))

    def show_title(self, title: str) -> None:
        """Show the name of what is open; without one, that of the program."""
        words = title or "Fluxstem"
        self.name.setText(self.name.fontMetrics().elidedText(words, Qt.TextElideMode.ElideRight, NAME_WIDTH))
        self.name.setToolTip(title)

    def show_time(self, seconds: float) -> None:
        """Show the playback position."""
        self.time.show_time(clock(seconds))

    def show_bars(self, words: str) -> None:
        """Show bar and beat under the time; empty while nobody knows them."""
        self.bars.setText(words or tr("no bars"))

    def show_solo(self, names: tuple[str, ...]) -> None:
        """Light the lamp while lanes are heard alone."""
        self.lamp_solo.setVisible(bool(names))
        words = f"{tr('Heard alone')}: {', '.join(names)}. {tr('Click to hear all lanes again')}"
        self.lamp_solo.setToolTip(words)
        self.lamp_solo.setAccessibleName(words)

    def show_listen(self, listen: PlaybackSource, has_lanes: bool, has_mix: bool) -> None:
        """Check the source that is playing; disable those that cannot be."""
        for side, button in self.sides.items():
            button.setChecked(side is listen)
            button.setEnabled(
                has_mix if side is PlaybackSource.ORIGINAL else has_lanes and (has_mix or side is PlaybackSource.STEMS)
            )

    def show_match(self, on: bool, match_db: float) -> None:
        """Show the gain that matches the stems to the original."""
        self.match.setEnabled(self.sides[PlaybackSource.STEMS].isEnabled())
        self.match.blockSignals(True)
        self.match.setChecked(on)
        self.match.blockSignals(False)
        self.match.show_figure(decibels(match_db) if on and abs(match_db) >= 0.05 else "")
