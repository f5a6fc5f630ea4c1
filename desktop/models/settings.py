"""The user's settings, kept between sessions.

One table lists them; other keys in the file are ignored, and invalid values become the default.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, QSettings, Signal

from engine import OPTIONS

RECENT_LIMIT = 10


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
    """``QSettings`` with the defaults and limits of ``KEYS``.

    Args:
        file: where to keep them; None is the user's usual place.

    Signals:
        changed: name and new value.
    """

    changed = Signal(str, object)

    def __init__(self, file: Path | None = None, parent: QObject | None = None) -> None:
        super().__init__(parent)
        if file is None:
            self._kept = QSettings("fluxstem", "fluxstem")
        else:
            self._kept = QSettings(str(file), QSettings.Format.IniFormat)

    def get(self, name: str) -> Any:
        """The value of a row of ``KEYS``."""
        key = KEYS[name]
        value = self._kept.value(name, key.default)
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
            self._kept.setValue(name, value)
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
        """Write them to disk now."""
        self._kept.sync()


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
