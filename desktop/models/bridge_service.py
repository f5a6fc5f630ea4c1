"""The OSC bridge of the window: a DAW sends clips to its engine, and gets files back."""

from __future__ import annotations

import importlib
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, Signal

from desktop.link import EngineLink
from desktop.message import Message
from desktop.models.background import Background
from desktop.models.settings import AppSettings
from engine import EngineError, RequestError

TOKEN_BYTES = 24
OFF = Message("DAW bridge: off")


class BridgeService(QObject):
    """Starts and stops the bridge as the settings say.

    Args:
        settings: off, this machine (without a token: open), or the network; and the token of the network.
        background: starts it, and talks to DAWs.
        link: the engine it shares.
        data: folder for its files.
        parent: owns it.

    Signals:
        changed: it started, stopped or failed.
        failed: the error.
    """

    changed = Signal()
    failed = Signal(object)

    def __init__(
        self, settings: AppSettings, background: Background, link: EngineLink, data: Path, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._settings, self._background, self._link, self._data = settings, background, link, data
        self._bridge: Any = None
        self._wanted = "off"
        self._asked = 0  # how often a bridge was started; one that was not the last to be asked for is closed
        self._words = OFF
        settings.changed.connect(lambda name, value: self._follow_setting() if name == "bridge" else None)
        settings.changed.connect(lambda name, value: self._restart() if name == "bridge_folders" else None)
        self._follow_setting()

    @property
    def words(self) -> Message:
        """Where DAWs reach this window, for the status line."""
        return self._words

    @property
    def port(self) -> int:
        """TCP port, 0 while there is no bridge."""
        return self._bridge.state.tcp_port or 0 if self._bridge is not None else 0

    @property
    def folder(self) -> Path:
        """The bridge's own folder, with the token that its clients read."""
        return self._data / "bridge"

    def name_of(self, job: str) -> str:
        """The DAW's own name for the clip of a job, empty if it has none."""
        return (self._bridge.name_of(job) or "") if self._bridge is not None else ""

    def send_back(self, daw: str, path: Path, place: tuple[int, int, int], then: Callable[[], None]) -> None:
        """Give the DAW that sent a clip an edited version of what was made from it.

        Args:
            daw: the DAW's own name for the clip.
            place: start and length in samples of the clip, and rate in Hz.
            then: called when the DAW was told.

        Raises:
            RequestError: there is no bridge, or the clip did not come from a DAW.
        """
        bridge = self._bridge
        if not daw:
            raise RequestError("this project did not come from a DAW; drag the lane into it instead")
        if bridge is None:
            raise RequestError("the bridge is off; switch it on in the settings, then send it back again")
        self._background.run(lambda: bridge.send_back(daw, path, *place), lambda nothing: then(), self.failed.emit)

    def close(self) -> None:
        """Stop the bridge."""
        bridge, self._bridge = self._bridge, None
        if bridge is not None:
            bridge.close()

    def _restart(self) -> None:
        """Begin again with other folders, if there is a bridge."""
        if self._wanted != "off":
            self._wanted = "off"
            self._follow_setting()

    def _follow_setting(self) -> None:
        wanted = str(self._settings.get("bridge"))
        if wanted == self._wanted:
            return
        self._wanted = wanted
        self.close()
        self._words = OFF
        if wanted != "off":
            self._words = Message("DAW bridge: starting")
            asked = self._asked = self._asked + 1
            self._background.run(
                lambda: self._started(wanted),
                lambda bridge: self._show(asked, bridge),
                lambda error: self._fail(asked, error),
            )
        self.changed.emit()

    def _started(self, wanted: str) -> Any:
        try:
            osc = importlib.import_module("engine.osc")
        except ImportError as error:
            raise RequestError(
                "the bridge needs the extra osc ({reason}); install it and try again", reason=error
            ) from error
        token = str(self._settings.get("bridge_token")) or secrets.token_urlsafe(TOKEN_BYTES)
        self._settings.set("bridge_token", token)
        home, more = Path.home(), [Path(folder) for folder in self._settings.get("bridge_folders")]
        settings = osc.BridgeSettings(
            lan=wanted == "lan",
            token=token.encode() if wanted == "lan" else None,
            no_token=wanted == "open",
            roots=tuple(folder for folder in (home, *more) if folder.is_dir()),
            out=self._data / "daw",
            bundle=str(self._settings.get("bundle")),
            home=self.folder,
            owner="the Fluxstem window",
        )
        bridge = osc.Bridge(self._link.engine, settings)
        bridge.start()
        return bridge

    def _show(self, asked: int, bridge: Any) -> None:
        if self._wanted == "off" or asked != self._asked:  # another one was chosen meanwhile
            bridge.close()
            return
        self._bridge = bridge
        state = bridge.state
        address = f"OSC: {state.host}, UDP {state.udp_port}, TCP {state.tcp_port}"
        self._words = Message("{address}, open to the network" if state.lan else "{address}", address=address)
        self.changed.emit()

    def _fail(self, asked: int, error: EngineError) -> None:
        if asked != self._asked:
            return
        self._words = Message("DAW bridge: could not start")
        self._wanted = "off"
        self._settings.set("bridge", "off")
        self.failed.emit(error)
        self.changed.emit()
