"""What the window tells the user: what went wrong, the first steps, the status line."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from desktop.audio.player import SoundTrouble
from desktop.message import Message
from desktop.views.motion import fade_in
from desktop.views.progress_line import ProgressLine
from desktop.views.sentences import said, sentence
from desktop.views.text import tr
from desktop.views.theme import Palette, drawn, icon

TOLD_MS = 6000
STATUS_HEIGHT = 30
BUNDLE_FROM = 900  # pixels of width
SCRIM_MARGIN = 12
STEPS = (
    ("Say what you want to hear", "Type an instrument, such as drum kit, and press Return."),
    ("Compare with 1, 2 and 3", "Compare with the original (1, 2, 3), solo, mute, loop a region."),
    ("Drag a lane out by its dots", "Drag a lane by its handle into your DAW: it is a real file."),
)


class TroubleBanner(QFrame):
    """One sentence about what went wrong, with details to unfold.

    Signals:
        sound_wanted: the sound settings are to be shown.
    """

    sound_wanted = Signal()

    def __init__(self, palette: Palette) -> None:
        super().__init__()
        self.setObjectName("banner")
        self.sign, self.words, self.details = QLabel(), QLabel(), QLabel()
        self.words.setWordWrap(True)
        self.words.setAccessibleName(tr("What went wrong"))
        self.details.setWordWrap(True)
        self.details.setObjectName("caption")
        self.details.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.fold = QPushButton(tr("Details"))
        self.fold.setObjectName("link")
        self.fold.setCheckable(True)
        self.fold.toggled.connect(self.details.setVisible)
        self.sound = QPushButton(tr("Sound settings …"))
        self.sound.clicked.connect(self.sound_wanted)
        self.close_button = QToolButton()
        self.close_button.setObjectName("small")
        self.close_button.setFixedSize(24, 24)
        self.close_button.setIconSize(QSize(16, 16))
        self.close_button.setAccessibleName(tr("Close this message"))
        self.close_button.clicked.connect(self.hide)
        row = QHBoxLayout()
        row.addWidget(self.sign)
        row.addWidget(self.words, 1)
        row.addWidget(self.fold)
        row.addWidget(self.sound)
        row.addWidget(self.close_button)
        column = QVBoxLayout(self)
        column.setContentsMargins(14, 8, 8, 8)
        column.addLayout(row)
        column.addWidget(self.details)
        self.dress(palette)
        self.hide()

    def dress(self, palette: Palette) -> None:
        """Apply a palette."""
        self.sign.setPixmap(drawn("warning", palette.danger, 20))
        self.close_button.setIcon(icon("close", palette.quiet))

    def show_trouble(self, message: Message, details: str) -> None:
        """Show what went wrong."""
        self.words.setText(sentence(message))
        self.details.setText(details)
        self.details.hide()
        self.fold.setChecked(False)
        self.fold.setVisible(bool(details))
        self.sound.setVisible(isinstance(message, SoundTrouble))
        self.show()


class StageOverlay(QFrame):
    """Words over the window: what a drop does, all over it; which file is being opened, in its middle."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.title, self.words = QLabel(), QLabel()
        self.title.setObjectName("heading")
        self.words.setObjectName("quiet")
        self.bar = ProgressLine()
        self.bar.setRange(0, 1000)
        self.bar.setTextVisible(False)
        self.bar.setFixedWidth(260)
        column = QVBoxLayout(self)
        column.setContentsMargins(26, 18, 26, 18)
        column.setSpacing(6)
        column.addStretch(1)
        for widget in (self.title, self.words, self.bar):
            column.addWidget(widget, 0, Qt.AlignmentFlag.AlignHCenter)
        column.addStretch(1)
        self._covers = True
        parent.installEventFilter(self)
        self.hide()

    def say(self, title: str, words: str, fraction: float | None = None) -> None:
        """Show words, with a bar where a share from 0 to 1 is given."""
        self.title.setText(self.title.fontMetrics().elidedText(title, Qt.TextElideMode.ElideMiddle, 420))
        self.words.setText(words)
        self.words.setVisible(bool(words))
        self.bar.setVisible(fraction is not None)
        self.bar.setValue(round((fraction or 0.0) * 1000))
        self._covers = fraction is None
        self.setObjectName("scrim" if self._covers else "popover")
        self.style().unpolish(self)
        self.style().polish(self)
        self.adjustSize()
        self._place()
        self.raise_()
        opens = self.isHidden()
        self.show()
        if opens:
            fade_in(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802
        """Keep its place while the window changes its size."""
        if event.type() is QEvent.Type.Resize and not self.isHidden():
            self._place()
        return super().eventFilter(watched, event)

    def _place(self) -> None:
        parent = self.parentWidget()
        if parent is None:
            return
        if self._covers:
            self.setGeometry(parent.rect().adjusted(SCRIM_MARGIN, SCRIM_MARGIN, -SCRIM_MARGIN, -SCRIM_MARGIN))
        else:
            self.move(parent.rect().center() - self.rect().center())


class FirstSteps(QFrame):
    """Three first steps for new users.

    Signals:
        closed: it was read.
    """

    closed = Signal()

    def __init__(self, palette: Palette) -> None:
        super().__init__()
        self.setObjectName("card")
        row = QHBoxLayout(self)
        row.setContentsMargins(18, 5, 8, 5)
        row.setSpacing(10)
        self._numbers = []
        for number, (title, words) in enumerate(STEPS, 1):
            digit, step = QLabel(str(number)), QLabel(tr(title))
            digit.setObjectName("heading")
            for label in (digit, step):
                label.setToolTip(tr(words))
            row.addWidget(digit)
            row.addWidget(step)
            row.addStretch(1)
            self._numbers.append(digit)
        self.fine = QPushButton(tr("Got it"))
        self.fine.clicked.connect(self.closed)
        row.addWidget(self.fine, 0, Qt.AlignmentFlag.AlignVCenter)
        self.dress(palette)

    def dress(self, palette: Palette) -> None:
        """Apply a palette."""
        for digit in self._numbers:
            digit.setStyleSheet(f"color: {palette.quiet}")


class StatusLine(QWidget):
    """The engine, bundle and bridge in use, and the latest news."""

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("status")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setFixedHeight(STATUS_HEIGHT)
        self.told, self.engine, self.bundle, self.bridge = QLabel(), QLabel(), QLabel(), QLabel()
        self.engines = QLabel()
        self.engines.hide()
        row = QHBoxLayout(self)
        row.setContentsMargins(8, 2, 14, 2)
        row.setSpacing(18)
        self._row = row
        row.addWidget(self.told, 1)
        row.addWidget(self.engines)
        for name, label in (
            (tr("Engine"), self.engine), (tr("Bundle"), self.bundle), (tr("DAW bridge"), self.bridge)
        ):  # fmt: skip
            label.setAccessibleName(name)
            row.addWidget(label)
        for label in (self.told, self.engines, self.engine, self.bundle, self.bridge):
            label.setObjectName("caption")
        self._fade = QTimer(self)
        self._fade.setSingleShot(True)
        self._fade.timeout.connect(lambda: self.told.setText(""))

    def place_jobs(self, strip: QWidget) -> None:
        """Put the job strip at the left end."""
        self._row.insertWidget(0, strip)

    def tell(self, news: Message | str) -> None:
        """Show something that may be missed, for a while.

        Args:
            news: a message, or words in the user's language.
        """
        words = news if isinstance(news, str) else said(news)
        self.told.setText(words[:1].upper() + words[1:])
        self._fade.start(TOLD_MS)

    def show_engine(self, host_pid: int, device: str) -> None:
        """Show the device that was actually used."""
        if not host_pid:
            self.engine.setText(tr("Engine starts when needed"))
        else:
            self.engine.setText(f"{tr('Engine')}: {device.removesuffix('ExecutionProvider') or tr('ready')}")
        self.engine.setToolTip(f"{tr('process')} {host_pid}" if host_pid else "")

    def show_engines(self, done: int, count: int) -> None:
        """Show how far TensorRT's engines are, which are built beside the jobs; nothing for 0 of 0."""
        self.engines.setText(tr("building TensorRT engines: {done} of {count}").format(done=done, count=count))
        self.engines.setToolTip(tr("CUDA answers until they are ready"))
        self.engines.setVisible(count > 0)

    def show_bundle(self, bundle: str) -> None:
        """Show the bundle in use."""
        self.bundle.setText(f"{tr('Bundle')}: {bundle}")

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802
        """In a narrow window the job needs the room of the bundle's name."""
        super().resizeEvent(event)
        self.bundle.setVisible(self.width() >= BUNDLE_FROM)

    def show_bridge(self, words: Message) -> None:
        """Show where DAWs reach this window."""
        self.bridge.setText(said(words))
