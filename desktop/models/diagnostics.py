"""The report on this machine: what ``fluxstem doctor`` finds, and how fast the sound device answers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from PySide6.QtCore import QObject, Signal

from desktop.audio.player import AudioPlayer
from desktop.message import Message
from desktop.models.background import Background
from engine import EngineError, Sentence, examine, findings_sentences

LEAST_FREE_BYTES = 2 << 30  # below it a long song may not fit
GB = 1 << 30


@dataclass(frozen=True, slots=True)
class CheckRow:
    """One thing that was examined.

    Attributes:
        name: ``engine``, ``sound``, ``bundle`` or ``disk``.
        good: True means it works.
        words: what was found, or what is wrong.
    """

    name: str
    good: bool
    words: Message


class Diagnostics(QObject):
    """Examines the machine.

    Args:
        player: has measured the sound device.
        parent: owns it.

    Signals:
        examined: the report, a ``Message`` for each line.
        checked: a ``CheckRow`` for each part of the machine; none where the examination itself failed.
        cards_found: name of each NVIDIA card, in CUDA's order.
    """

    cards_found = Signal(object)
    examined = Signal(object)
    checked = Signal(object)

    def __init__(
        self,
        background: Background,
        player: AudioPlayer,
        parent: QObject | None = None,
        look: Callable[[], dict[str, Any]] = examine,
    ) -> None:
        super().__init__(parent)
        self._background, self._player, self._look = background, player, look

    def examine(self) -> None:
        """Start; ``examined`` and ``checked`` follow."""
        self._background.run(self._look, self._show, self._fail)

    def _fail(self, error: EngineError) -> None:
        self.checked.emit(())
        self.examined.emit((Message.of(error),))

    def _show(self, findings: dict[str, Any]) -> None:
        self.checked.emit(check_rows(findings))
        self.cards_found.emit(tuple(str(card["name"]) for card in findings.get("cards", ())))
        found = map(Message.of_finding, findings_sentences(findings))
        self.examined.emit((*found, *self.sound_lines()))

    def sound_lines(self) -> list[Message]:
        """The delay of solo and mute; nothing before something was played."""
        if self._player.change_s is None:
            return []
        ring_ms, device_ms = (1000 * part for part in self._player.change_s)
        return [
            Message(
                "solo and mute: heard after about {ring_ms:.0f} ms in the buffer and {device_ms:.0f} ms in the device, "
                "as it reports ({device})",
                ring_ms=ring_ms,
                device_ms=device_ms,
                device=self._player.device_name,
            )
        ]


def check_rows(findings: dict[str, Any]) -> tuple[CheckRow, ...]:
    """The findings of ``engine.examine``, one row for each part of the machine."""
    devices = [row for row in findings["devices"] if row["ok"]]
    bundles = [row for row in findings["bundles"] if row["ok"]]
    audio = findings["audio"]
    engine = Message(
        "works on {devices}",
        devices=", ".join(dict.fromkeys(str(row["got"]).removesuffix("ExecutionProvider") for row in devices)),
    )
    if not devices:
        engine = Message(
            "no device can run a model: {reason}", reason=Message.of_finding(Sentence.of(findings["devices"][0]))
        )
    sound = Message("{count} devices", count=len(audio["devices"]))
    if not audio["devices"]:
        sound = Message("no output device; everything but playback works")
    bundle = Message("{names}", names=", ".join(f"{row['name']} {row['version']}" for row in bundles))
    if not bundles:
        bundle = Message("no bundle can be used; add one under Bundles")
    return (
        CheckRow("engine", bool(devices), engine),
        CheckRow("sound", bool(audio["devices"]), sound),
        CheckRow("bundle", bool(bundles), bundle),
        _disk_row(findings["folders"]),
    )


def _disk_row(folders: dict[str, Any]) -> CheckRow:
    closed = next((row for row in folders.values() if not row["ok"]), None)
    if closed is not None:
        return CheckRow("disk", False, Message("{folder} cannot be written to", folder=closed["path"]))
    free_bytes = folders["temp"]["free_bytes"]
    return CheckRow("disk", free_bytes >= LEAST_FREE_BYTES, Message("{free:.0f} GB free", free=free_bytes / GB))
