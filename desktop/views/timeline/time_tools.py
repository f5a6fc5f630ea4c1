"""The corner left of the ruler: tempo, key, grid, snapping, click and how the lanes follow the cursor."""

from __future__ import annotations

from PySide6.QtCore import QPoint, QSize
from PySide6.QtGui import QAction, QActionGroup
from PySide6.QtWidgets import QMenu, QToolButton, QWidget

from desktop.models.settings import AppSettings
from desktop.models.tempo import TempoModel
from desktop.models.transport import Transport
from desktop.views.layout import beside
from desktop.views.text import short_number, tr
from desktop.views.theme import Palette, icon, number_font
from desktop.views.timeline.ruler import HEIGHT
from desktop.views.timeline.tempo_card import LIKELY, SURE, TempoCard, sure_words

SIDE = 24
SNAPS = (("zero", "Snap to zero crossings"), ("beat", "Snap to beats"), ("bar", "Snap to bars"))
FOLLOWS = (("page", "Follow page by page"), ("center", "Keep the cursor in the middle"), ("off", "Do not follow"))


class TimeTools(QWidget):
    """Buttons for time.

    Args:
        tempo: whose tempo and key are shown.
        transport: for bar 1 at the cursor.
        settings: ``grid``, ``snap``, ``snap_to``, ``click``, ``follow``.
        width: pixels, that of the lanes' headers.
    """

    def __init__(
        self, tempo: TempoModel, transport: Transport, settings: AppSettings, palette: Palette, width: int
    ) -> None:
        super().__init__()
        self.setObjectName("bar")
        self.setFixedSize(width, HEIGHT)
        self._tempo, self._settings = tempo, settings
        self.card = TempoCard(tempo, transport, self)
        self.tempo = self._chip(tr("Tempo"))
        self.key = self._chip(tr("Key"))
        self.grid = self._switch("grid", tr("Bars and beats over the lanes"))
        self.click = self._switch("click", tr("Click on every beat (C)"))
        self.snap = self._switch("snap", tr("Snap the ends of regions"))
        self.snap.setMenu(self._menu("snap_to", SNAPS))
        self.snap.setPopupMode(QToolButton.ToolButtonPopupMode.DelayedPopup)
        self.follow = self._button(tr("Follow the cursor"))
        self.follow.setMenu(self._menu("follow", FOLLOWS))
        self.follow.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        row = beside(self.tempo, self.key, 1, self.grid, self.snap, self.click, self.follow, spacing=3)
        row.setContentsMargins(1, 4, 8, 5)  # so that the tempo stands below the tools
        self.setLayout(row)
        tempo.changed.connect(self.show_tempo)
        settings.changed.connect(self._show_settings)
        self._show_settings()
        self.dress(palette)
        self.show_tempo()

    def _chip(self, name: str) -> QToolButton:
        button = QToolButton()
        button.setObjectName("tempo")
        button.setFont(number_font(10.0))
        button.setAccessibleName(name)
        button.clicked.connect(lambda on: self.card.open_at(button.mapToGlobal(QPoint(0, button.height() + 2))))
        return button

    def _button(self, name: str) -> QToolButton:
        button = QToolButton()
        button.setObjectName("tool")
        button.setFixedSize(SIDE, SIDE)
        button.setIconSize(QSize(16, 16))
        button.setAccessibleName(name)
        button.setToolTip(name)
        return button

    def _switch(self, name: str, words: str) -> QToolButton:
        button = self._button(words)
        button.setCheckable(True)
        button.clicked.connect(lambda on: self._settings.set(name, on))
        return button

    def _menu(self, name: str, rows: tuple[tuple[str, str], ...]) -> QMenu:
        menu = QMenu(self)
        group = QActionGroup(menu)
        for value, words in rows:
            action = QAction(tr(words), menu)
            action.setCheckable(True)
            action.setData(value)
            action.triggered.connect(lambda on, value=value: self._choose(name, value))
            group.addAction(action)
            menu.addAction(action)
        return menu

    def _choose(self, name: str, value: str) -> None:
        if name == "snap_to":
            self._settings.set("snap", True)
        self._settings.set(name, value)

    def dress(self, palette: Palette) -> None:
        """Apply a palette."""
        for name in ("grid", "snap", "click", "follow"):
            button: QToolButton = getattr(self, name)
            on = button.isChecked()
            button.setIcon(icon(name, palette.on_lit if on else palette.text, palette.faint))
        self._palette = palette

    def show_tempo(self) -> None:
        """Show tempo and key; an unsure estimate has a question mark."""
        tempo = self._tempo
        time_map, estimate = tempo.time_map, tempo.estimate
        unsure = estimate is not None and not tempo.settled
        waiting = tempo.state in ("waiting", "working")
        self.tempo.setText("… BPM" if waiting else "— BPM")
        if time_map is not None:
            doubt = "?" if unsure and estimate is not None and estimate.bpm_confidence < SURE else ""
            self.tempo.setText(f"{short_number(round(time_map.bpm, 1))} BPM{doubt}")
        guessed = unsure and estimate is not None and estimate.key_confidence < LIKELY
        self.key.setText(short_key(tempo.key) + ("?" if guessed else ""))
        self.key.setVisible(bool(tempo.key))
        self.tempo.setToolTip(self.card.told or tr("Tempo, bars and key"))
        told = tr(tempo.key)
        if unsure and estimate is not None and estimate.key:
            told = f"{told}: {sure_words(estimate.key_confidence)}"
        self.key.setToolTip(told)
        for button in (self.grid, self.click):
            button.setEnabled(time_map is not None)

    def _show_settings(self) -> None:
        settings = self._settings
        for name in ("grid", "snap", "click"):
            getattr(self, name).setChecked(bool(settings.get(name)))
        for button, name in ((self.snap, "snap_to"), (self.follow, "follow")):
            for action in button.menu().actions():
                action.setChecked(action.data() == settings.get(name))
                if action.isChecked():
                    button.setToolTip(f"{action.text()}" + (f" ({tr('hold for more')})" if name == "snap_to" else ""))
        if hasattr(self, "_palette"):
            self.dress(self._palette)


def short_key(key: str) -> str:
    """As musicians write it in English, ``Am`` or ``F#``; in other languages as it is said."""
    said = tr(key) if key else ""
    if said != key:
        return said
    tonic, _, mode = key.partition(" ")
    return tonic + ("m" if mode == "minor" else "")
