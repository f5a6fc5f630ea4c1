"""Translation and formatting of texts."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QCoreApplication, QLocale, QMimeData
from PySide6.QtGui import QKeySequence

CONTEXT = "Fluxstem"


def tr(text: str) -> str:
    """The text in the user's language."""
    return QCoreApplication.translate(CONTEXT, text)


def language() -> str:
    """Two letters of the language that the window is in."""
    return tr("en")


def key_words(keys: str) -> str:
    """A shortcut as it is written on the user's keyboard: ``Del``, in German ``Entf``."""
    return QKeySequence(keys).toString(QKeySequence.SequenceFormat.NativeText)


def number(value: float, digits: int = 1, sign: bool = False) -> str:
    """A number as the user's language writes it: ``+1.5``, in German ``+1,5``."""
    words = QLocale(language()).toString(float(value), "f", digits).replace("-", "−")
    return f"+{words}" if sign and value > 0 else words


def decibels(level_db: float, lowest_db: float = -60.0) -> str:
    """A level with its unit; the lowest one is silence."""
    return "−∞ dB" if level_db <= lowest_db else f"{number(level_db, 1, abs(level_db) >= 0.05)} dB"


def percent(share: float) -> str:
    """A share of one in per cent, as ``98 %``."""
    return f"{number(100 * share, 0)} %"


def short_number(value: float) -> str:
    """A number without the noughts that say nothing: ``97.5``, in German ``97,5``."""
    return QLocale(language()).toString(float(value), "g", 6)


def kilohertz(rate_hz: float) -> str:
    """A sample rate with its unit: ``44.1 kHz``, in German ``44,1 kHz``."""
    return f"{short_number(rate_hz / 1000)} kHz"


def size_words(size: int) -> str:
    """Bytes as people say them: ``12 MB``, ``1.25 GB``."""
    return f"{number(size / 1e9, 2)} GB" if size >= 1e9 else f"{number(size / 1e6, 0 if size >= 1e7 else 1)} MB"


def clock(seconds: float, digits: int = 3) -> str:
    """Format a time as ``1:02.345``."""
    minutes, rest = divmod(max(seconds, 0.0), 60)
    width = 3 + digits if digits else 2
    return f"{int(minutes)}:{rest:0{width}.{digits}f}"


def local_paths(mime: QMimeData) -> list[Path]:
    """The local files in a drag."""
    return [Path(url.toLocalFile()) for url in mime.urls() if url.isLocalFile()]
