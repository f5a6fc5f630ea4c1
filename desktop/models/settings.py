"""The user's settings, kept between sessions.

One table lists them; other keys in the file are ignored, and invalid values become the default. They are written by a
thread of their own: whatever writes them safely waits for the disk, and the window must not.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, QSettings, Signal
from shiboken6 import delete

from engine import OPTIONS

RECENT_LIMIT = 10
WRITE_AFTER_S = 0.3  # a knob that is dragged is written once


@dataclass(frozen=True, slots=True)
class SettingRow:
    """One row: its default, whose type is its type, and what is allowed (None: anything of that type)."""

    default: Any
    allowed: tuple[Any, ...] | None = None


KEYS: dict[str, SettingRow] = {
    "theme": SettingRow("system", ("system", "dark", "light")),
    "language": SettingRow("system", ("system", "en", "de")),
    "device": SettingRow("auto"),  # one of ``OPTIONS["device"].choices``, or one of several, as ``cuda:1``
    "bundle": SettingRow(OPTIONS["bundle"].default),
    "bundle_folders": SettingRow([]),
    "output": SettingRow(""),
    "ring_frames": SettingRow(1024, (512, 1024, 2048, 4096, 131072)),
    "volume": SettingRow(1.0),
    "match": SettingRow(True),
    "snap": SettingRow(True),
    "snap_to": SettingRow("zero", ("zero", "beat", "bar")),
    "grid": SettingRow(True),
    "click": SettingRow(False),
    "follow": SettingRow("page", ("page", "center", "off")),
    "find_tempo": SettingRow(True),
    "spectrogram": SettingRow(False),
    "bridge": SettingRow("off", ("off", "local", "open", "lan")),
    "bridge_token": SettingRow(""),
    "cache_gb": SettingRow(8, (1, 2, 4, 8, 16, 32, 64)),
    "export_kind": SettingRow("wav24"),
    "export_template": SettingRow("{track} - {stem}"),
    "recent": SettingRow([]),
    "seen_hint": SettingRow(False),
    "seen_region": SettingRow(False),
    "seen_drag": SettingRow(False),
    "recent_looks": SettingRow(""),
    "job_list": SettingRow(False),
    "recent_prompts": SettingRow([]),
    "last_folder": SettingRow(""),
    "bridge_folders": SettingRow([]),
    "geometry": SettingRow(b""),
}


class AppSettings(QObject):
    """Settings with the defaults and limits of ``KEYS``, in the file that ``QSettings`` has for them.

    Args:
        file: where to keep them; None is the user's usual place.

    Signals:
        changed: name and new value.
    """

    changed = Signal(str, object)

    def __init__(self, file: Path | None = None, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._file = file
        self._lock = threading.Lock()  # guards the values
        self._values = self._exchange({})
        self._unwritten: dict[str, Any] = {}
        self._writer: threading.Thread | None = None  # the last that was begun
        self._hurry = threading.Event()

    def get(self, name: str) -> Any:
        """The value of a row of ``KEYS``."""
        key = KEYS[name]
        value = self._values.get(name, key.default)
        try:
            value = _typed(value, key.default)
        except (TypeError, ValueError):
            return key.default
        return value if key.allowed is None or value in key.allowed else key.default

    def set(self, name: str, value: Any) -> None:
        """Change a setting."""
        key = KEYS[name]
        if key.allowed is not None and value not in key.allowed:
            raise ValueError(f"{name} cannot be {value!r}; allowed are {key.allowed}")
        if value != self.get(name):
            with self._lock:
                self._values[name] = value
                is_due = bool(self._unwritten)
                self._unwritten[name] = value
            if not is_due:
                self._writer = threading.Thread(target=self._write, args=(self._writer,), name="fluxstem-settings")
                self._writer.start()
            self.changed.emit(name, value)

    def remember_file(self, path: Path) -> None:
        """Put a file at the head of the recent ones."""
        recent = [str(path), *(one for one in self.get("recent") if one != str(path))]
        self.set("recent", recent[:RECENT_LIMIT])

    def remember_prompt(self, words: str) -> None:
        """Put words at the head of the recent prompts."""
        recent = [words, *(one for one in self.get("recent_prompts") if one != words)]
        self.set("recent_prompts", recent[:RECENT_LIMIT])

    def sync(self) -> None:
        """Write them to disk now, and wait for it."""
        self._hurry.set()
        if self._writer is not None:
            self._writer.join()
        self._hurry.clear()

    def _write(self, before: threading.Thread | None) -> None:
        """Write what was changed, and take over what other windows have written; on a thread of its own."""
        self._hurry.wait(WRITE_AFTER_S)
        if before is not None:
            before.join()
        with self._lock:
            wanted, self._unwritten = self._unwritten, {}
        found = self._exchange(wanted)
        with self._lock:
            self._values = {**found, **wanted, **self._unwritten}

    def _exchange(self, wanted: dict[str, Any]) -> dict[str, Any]:
        """Put values into the file; all values of ``KEYS`` that are there."""
        kept = (
            QSettings("fluxstem", "fluxstem")
            if self._file is None
            else QSettings(str(self._file), QSettings.Format.IniFormat)
        )
        for name, value in wanted.items():
            kept.setValue(name, value)
        found = {name: kept.value(name) for name in KEYS if kept.contains(name)}
        delete(kept)  # which writes it; ``sync`` would keep every Python thread from going on until the disk is done
        return found


def _typed(value: Any, default: Any) -> Any:
    """Convert the text of an INI file."""
    if isinstance(default, bool):
        return value if isinstance(value, bool) else str(value).lower() == "true"
    if isinstance(default, list):
        return [str(one) for one in value] if isinstance(value, list) else [str(value)] if value else []
    if isinstance(default, (int, float)):
        return type(default)(value)
    if isinstance(default, bytes):
        return bytes(value)
    return str(value)
