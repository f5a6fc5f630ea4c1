"""Translation and formatting of texts."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QCoreApplication, QMimeData

CONTEXT = "Fluxstem"


def tr(text: str) -> str:
    """The text in the user's language."""
    return QCoreApplication.translate(CONTEXT, text)


def clock(seconds: float, digits: int = 3) -> str:
    """Format a time as ``1:02.345``."""
    minutes, rest = divmod(max(seconds, 0.0), 60)
    width = 3 + digits if digits else 2
    return f"{int(minutes)}:{rest:0{width}.{digits}f}"


def local_paths(mime: QMimeData) -> list[Path]:
    """The local files in a drag."""
    return [Path(url.toLocalFile()) for url in mime.urls() if url.isLocalFile()]
