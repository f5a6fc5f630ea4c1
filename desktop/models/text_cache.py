"""What was heard in a sound, as text beside what else is made from it: known at once, written by a worker."""

from __future__ import annotations

import logging
from pathlib import Path

from desktop.models.background import Background
from desktop.models.project_file import write_whole

log = logging.getLogger(__name__)


class TextCache:
    """Texts by the key of a sound.

    Args:
        folder: the cache; cleaning it finds them.
        suffix: of their files.
        background: writes them, because the window must not wait for a disk.
    """

    def __init__(self, folder: Path, suffix: str, background: Background) -> None:
        self._folder, self._suffix, self._background = folder, suffix, background
        self._known: dict[str, str] = {}

    def get(self, key: str) -> str | None:
        """The text of a sound; None while there is none."""
        if key not in self._known:
            try:
                self._known[key] = self._file(key).read_text(encoding="utf-8")
            except (OSError, ValueError):  # ValueError: it is no text
                return None
        return self._known[key]

    def keep(self, key: str, text: str) -> None:
        """Keep a text; where it cannot be written it lasts as long as the window, and is heard again by the next."""
        self._known[key] = text
        self._background.run(lambda: self._write(key, text), lambda nothing: None, lambda error: None)

    def _write(self, key: str, text: str) -> None:
        try:
            write_whole(self._file(key), text)
        except OSError as error:
            log.info("what was heard could not be kept: %s", error)

    def _file(self, key: str) -> Path:
        return self._folder / f"{key}{self._suffix}"
