"""What an empty window shows."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QDateTime, QLocale, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QFontMetrics, QPainter, QPixmap, QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from desktop.models.recent_files import RecentLook
from desktop.views.text import clock, language, tr
from desktop.views.theme import Palette, drawn

RECENT_SHOWN, RECENT_PIXELS, RECENT_HEIGHT = 4, 440, 50
WAVE_SIZE, WAVE_MARGIN = QSize(128, 30), 12  # pixels
MARK_FROM = 330  # height of the view from which its sign is shown
WORDS_HEIGHT, MARK_HEIGHT = 150, 240  # of what stands above the recent files


class Welcome(QWidget):
    """What an empty window offers.

    Signals:
        open_wanted: choose a file.
        demo_wanted: the demo mix.
        path_wanted: a recent file.
    """

    open_wanted = Signal()
    demo_wanted = Signal()
    path_wanted = Signal(str)

    def __init__(self, palette: Palette) -> None:
        super().__init__()
        self._shown: object = None
        self.mark = QLabel()
        title = QLabel(tr("Drop a mix here"))
        title.setObjectName("title")
        words = QLabel(tr("Any audio or video file. It stays on this machine and is never changed."))
        words.setObjectName("quiet")
        self.open = QPushButton(tr("Open a file …"))
        self.open.setObjectName("go")
        self.open.clicked.connect(self.open_wanted)
        self.demo = QPushButton(tr("Try the demo mix"))
        self.demo.clicked.connect(self.demo_wanted)
        buttons = QHBoxLayout()
        buttons.setSpacing(10)
        buttons.addStretch(1)
        buttons.addWidget(self.open)
        buttons.addWidget(self.demo)
        buttons.addStretch(1)
        self._recent = QVBoxLayout()
        self._recent.setSpacing(2)
        column = QVBoxLayout(self)
        column.setSpacing(8)
        column.addStretch(3)
        for widget in (self.mark, title, words):
            column.addWidget(widget, 0, Qt.AlignmentFlag.AlignHCenter)
        column.addSpacing(12)
        column.addLayout(buttons)
        column.addSpacing(14)
        column.addLayout(self._recent)
        column.addStretch(4)
        self.dress(palette)

    def dress(self, palette: Palette) -> None:
        """Apply a palette."""
        self._palette = palette
        self.mark.setPixmap(drawn("logo", palette.accent, 64))

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802
        """A low window shows no sign, and fewer files."""
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        self.mark.setVisible(self.height() >= MARK_FROM)
        room = self.height() - (WORDS_HEIGHT if self.mark.isHidden() else MARK_HEIGHT)
        for place in range(self._recent.count()):
            item = self._recent.itemAt(place)
            if item is not None and (widget := item.widget()) is not None:
                widget.setVisible((place + 1) * RECENT_HEIGHT <= room)

    def show_recent(self, paths: list[str], looks: dict[str, RecentLook]) -> None:
        """Show the recent files, with length, folder, day and waveform of each."""
        shown = (self._palette.name, tuple((path, looks.get(path)) for path in paths[:RECENT_SHOWN]))
        if shown == self._shown:
            return
        self._shown = shown
        while item := self._recent.takeAt(0):
            widget = item.widget()
            if widget is not None:
                widget.hide()
                widget.deleteLater()
        for path in paths[:RECENT_SHOWN]:
            button = QPushButton(Path(path).name)
            button.setObjectName("recent")
            button.setToolTip(path)
            button.setFixedWidth(RECENT_PIXELS)
            button.clicked.connect(lambda on, path=path: self.path_wanted.emit(path))
            look, room = looks.get(path), RECENT_PIXELS - 24
            if look is not None:
                room -= WAVE_SIZE.width() + WAVE_MARGIN
                wave = QLabel(button)
                wave.setPixmap(wave_picture(look, self._palette.wave, self.devicePixelRatioF()))
                wave.move(RECENT_PIXELS - WAVE_SIZE.width() - WAVE_MARGIN, (RECENT_HEIGHT - WAVE_SIZE.height()) // 2)
                wave.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
            length = f"{clock(look.seconds, 0)}  ·  " if look is not None else ""
            facts = QLabel(button)
            facts.setObjectName("caption")
            facts.setText(recent_words(Path(path), length, facts.fontMetrics(), room))
            facts.move(12, 25)
            facts.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
            self._recent.addWidget(button, 0, Qt.AlignmentFlag.AlignHCenter)
        self._fit()


def wave_picture(look: RecentLook, colour: str, ratio: float) -> QPixmap:
    """The waveform of a recent file, mirrored about its middle."""
    picture = QPixmap(WAVE_SIZE * ratio)
    picture.setDevicePixelRatio(ratio)
    picture.fill(Qt.GlobalColor.transparent)
    painter = QPainter(picture)
    step = WAVE_SIZE.width() / max(len(look.heights), 1)
    for place, height in enumerate(look.heights):
        pixels = max(height * WAVE_SIZE.height(), 1.0)
        painter.fillRect(QRectF(place * step, (WAVE_SIZE.height() - pixels) / 2, step - 0.5, pixels), QColor(colour))
    painter.end()
    return picture


def recent_words(path: Path, length: str, metrics: QFontMetrics, pixels: int) -> str:
    """Length, folder and day of a file; no day where the file is gone."""
    home = str(Path.home())
    folder = str(path.parent)
    folder = f"~{folder[len(home) :]}" if folder.startswith(home) else folder
    day = ""
    try:
        moment = QDateTime.fromSecsSinceEpoch(int(path.stat().st_mtime))
        day = f"  ·  {QLocale(language()).toString(moment.date(), QLocale.FormatType.ShortFormat)}"
    except OSError:
        day = f"  ·  {tr('not there any more')}"
    room = pixels - metrics.horizontalAdvance(length + day)
    return length + metrics.elidedText(folder, Qt.TextElideMode.ElideMiddle, room) + day
