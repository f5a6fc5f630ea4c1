"""The top bar: files, undo, transport, A/B comparison, volume."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QAction, QResizeEvent
from PySide6.QtWidgets import QButtonGroup, QHBoxLayout, QLabel, QPushButton, QSizePolicy, QSlider, QToolButton, QWidget

from desktop.audio.mixer import PlaybackSource
from desktop.views.text import clock, tr
from desktop.views.theme import Palette, drawn, icon, number_font

SIDES = (
    (PlaybackSource.ORIGINAL, "Original", "The original mix (1)"),
    (PlaybackSource.STEMS, "Stems", "The audible lanes (2)"),
    (PlaybackSource.REMOVED, "Removed", "What was removed: the mix minus the audible lanes (3)"),
)
VOLUME_STEPS = 100
ROOMY_PIXELS, SNUG_PIXELS = 1120, 1020


class TopBar(QWidget):
    """Buttons for actions, and what goes with listening.

    Args:
        palette: colours.
        actions: by name: open, save, undo, redo, start, play, loop, export, queue, settings.

    Signals:
        listened: which of ``PlaybackSource``.
        matched: True for equal loudness.
        volume_changed: 0 to 1.
    """

    listened = Signal(object)
    matched = Signal(bool)
    volume_changed = Signal(float)

    def __init__(self, palette: Palette, actions: dict[str, QAction]) -> None:
        super().__init__()
        self.setObjectName("bar")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._actions = actions
        self._match = 0.0  # dB
        self.buttons: dict[str, QToolButton] = {}
        self.logo = QLabel()
        self.name = QLabel("Fluxstem")
        self.name.setObjectName("heading")
        self.time = QLabel("0:00.000")
        self.time.setFont(number_font(14))
        self.time.setMinimumWidth(104)
        self.time.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.time.setAccessibleName(tr("Playback position"))
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
            button.setToolTip(tr(tip))
            button.clicked.connect(lambda on, listen=listen: self.listened.emit(listen))
            group.addButton(button)
            self._segments.addWidget(button)
            self.sides[listen] = button
        self.match = QToolButton()
        self.match.setText(tr("Match"))
        self.match.setCheckable(True)
        self.match.setToolTip(tr("Play both sides equally loud, so that neither seems better just for being louder"))
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

    def _lay_out(self) -> None:
        row = self._row = QHBoxLayout(self)
        row.setContentsMargins(14, 8, 12, 8)
        row.setSpacing(6)
        row.addWidget(self.logo)
        row.addWidget(self.name)
        row.addSpacing(14)
        for name in ("open", "save", "undo", "redo"):
            row.addWidget(self._button(name))
        row.addStretch(1)
        for name in ("start", "play", "loop"):
            row.addWidget(self._button(name))
        row.addWidget(self.time)
        row.addSpacing(8)
        row.addLayout(self._segments)
        row.addWidget(self.match)
        row.addStretch(1)
        row.addWidget(self.speaker)
        row.addWidget(self.volume)
        row.addSpacing(8)
        for name in ("export", "queue", "settings"):
            row.addWidget(self._button(name))

    def _button(self, name: str) -> QToolButton:
        button = QToolButton()
        button.setDefaultAction(self._actions[name])
        button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonIconOnly)
        button.setAccessibleName(self._actions[name].text().replace("&", ""))
        button.setFixedSize(32, 32)
        self.buttons[name] = button
        return button

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802
        """In a narrow window, hide names before controls."""
        roomy = self.width() >= ROOMY_PIXELS
        self.name.setVisible(roomy)
        self.logo.setVisible(roomy or self.width() >= SNUG_PIXELS)
        self.volume.setFixedWidth(86 if roomy else 56)
        self._row.setSpacing(6 if roomy else 4)
        self._show_match()

    def dress(self, palette: Palette) -> None:
        """Apply a palette."""
        self._palette = palette
        self.logo.setPixmap(drawn("logo", palette.accent, 26))
        self.speaker.setPixmap(drawn("volume", palette.quiet, 18))
        for name, action in self._actions.items():
            if name in self.buttons:
                checked = action.isCheckable() and action.isChecked()
                action.setIcon(icon(name, palette.accent if checked else palette.text, palette.faint))

    def show_playing(self, playing: bool) -> None:
        """Show the pause icon while playing."""
        self._actions["play"].setIcon(icon("pause" if playing else "play", self._palette.text, self._palette.faint))

    def show_time(self, seconds: float) -> None:
        """Show the playback position."""
        self.time.setText(clock(seconds))

    def show_listen(self, listen: PlaybackSource, has_lanes: bool, has_mix: bool) -> None:
        """Check the source that is playing; disable those that cannot be."""
        for side, button in self.sides.items():
            button.setChecked(side is listen)
            button.setEnabled(
                has_mix if side is PlaybackSource.ORIGINAL else has_lanes and (has_mix or side is PlaybackSource.STEMS)
            )

    def show_match(self, on: bool, match_db: float) -> None:
        """Show the gain that matches the stems to the original."""
        self._match = match_db if on else 0.0
        self.match.blockSignals(True)
        self.match.setChecked(on)
        self.match.blockSignals(False)
        self._show_match()

    def _show_match(self) -> None:
        shown = abs(self._match) >= 0.05 and self.width() >= SNUG_PIXELS
        self.match.setText(f"{tr('Match')} {self._match:+.1f} dB" if shown else tr("Match"))
