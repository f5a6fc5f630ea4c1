"""What stands beside the project: bundles with their licences, the bridge to DAWs, the state of this machine.

Knows nothing of widgets.
"""

from __future__ import annotations

import importlib
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, Signal

from desktop.models.studio import Studio
from engine import EngineError, RequestError, examine, findings_lines, list_bundles, load_bundle

TOKEN_BYTES = 24


@dataclass(frozen=True, slots=True)
class BundleRow:
    """One bundle: where it is, what it says of itself, what is wrong with it, what kinds of prompts it takes."""

    place: str
    words: str
    licence: str = ""
    attribution: tuple[str, ...] = ()
    trained_on: tuple[str, ...] = ()
    notes: str = ""
    problem: str = ""
    encoders: frozenset[str] = frozenset()


class Shelf(QObject):
    """Bundles, bridge, doctor.

    Args:
        studio: lends its engine, settings and workers.

    Signals:
        changed: bundles or the bridge are others now.
        verified: place of a bundle and a sentence.
        examined: the doctor's report as text.
    """

    changed = Signal()
    verified = Signal(str, str)
    examined = Signal(str)

    def __init__(self, studio: Studio) -> None:
        super().__init__(studio)
        self._studio = studio
        self.rows: tuple[BundleRow, ...] = ()
        self._bridge: Any = None
        self._wanted = "off"
        self._bridge_words = ""
        self.look()
        studio.settings.changed.connect(self._on_setting)
        self._follow_setting()

    # Bundles.

    def look(self) -> None:
        """Read the manifests that are there; they are small."""
        places = [(name, str(folder)) for name, folder in list_bundles().items()]
        places += [(folder, folder) for folder in self._studio.settings.get("bundle_folders")]
        chosen = str(self._studio.settings.get("bundle"))
        if chosen not in [name for name, _ in places]:
            places.append((chosen, chosen))
        self.rows = tuple(_row(name, Path(folder)) for name, folder in dict(places).items())
        self.changed.emit()

    def choices(self) -> dict[str, str]:
        """Words to name of every bundle that can be used."""
        return {row.words: row.place for row in self.rows if not row.problem}

    def words(self, place: str) -> str:
        """Name and version of a bundle."""
        return next((row.words for row in self.rows if row.place == place), place)

    def encoders(self, place: str) -> frozenset[str]:
        """Kinds of prompts a bundle takes: text, audio, scene."""
        return next((row.encoders for row in self.rows if row.place == place), frozenset())

    def add_folder(self, folder: Path) -> None:
        """Take a bundle in.

        Raises:
            EngineError: it is none.
        """
        load_bundle(folder, check_hashes=False)
        folders = list(self._studio.settings.get("bundle_folders"))
        if str(folder) not in folders:
            self._studio.settings.set("bundle_folders", [*folders, str(folder)])
        self.look()

    def verify(self, place: str) -> None:
        """Compare every file of a bundle with its hash."""
        folder = list_bundles().get(place, Path(place))
        self._studio.background.run(
            lambda: load_bundle(folder),
            lambda bundle: self.verified.emit(place, f"{bundle.label}: every file is as its maker left it"),
            lambda error: self.verified.emit(place, str(error)),
        )

    # The machine.

    def examine(self) -> None:
        """Ask the doctor; ``examined`` follows."""
        self._studio.background.run(
            lambda: "\n".join([*findings_lines(examine()), *self._sound_lines()]),
            self.examined.emit,
            lambda error: self.examined.emit(str(error)),
        )

    def _sound_lines(self) -> list[str]:
        """What only a stream that was open can tell."""
        player = self._studio.listening.player
        if player.change_s is None:
            return []
        ring_ms, device_ms = (1000 * part for part in player.change_s)
        words = f"{ring_ms:.0f} ms in the buffer and {device_ms:.0f} ms in the device, as it reports"
        return [f"solo and mute  heard after about {words} ({player.device_name})"]

    # The bridge.

    def send_back(self, daw: str, path: Path, place: tuple[int, int, int], then: Callable[[], None]) -> None:
        """Give the DAW that sent a clip an edited version of what was made of it.

        Args:
            daw: the DAW's own name for the clip.
            path: of the file.
            place: start and length in samples of the clip, and rate in Hz.
            then: called when it was told.

        Raises:
            RequestError: there is no bridge, or the clip came from no DAW.
        """
        bridge = self._bridge
        if not daw:
            raise RequestError("this project did not come from a DAW; drag the lane into it instead")
        if bridge is None:
            raise RequestError("the bridge is off; switch it on in the settings, then send it back again")
        self._studio.background.run(
            lambda: bridge.send_back(daw, path, *place), lambda nothing: then(), self._studio.fail
        )

    def bridge_words(self) -> str:
        """For the status line."""
        return self._bridge_words or "OSC: off"

    @property
    def bridge_port(self) -> int:
        """Where DAWs reach this window over TCP, 0 while there is no bridge."""
        return self._bridge.state.tcp_port or 0 if self._bridge is not None else 0

    def close(self) -> None:
        """Stop the bridge."""
        bridge, self._bridge = self._bridge, None
        self._studio.daw_name_of = lambda job: None
        if bridge is not None:
            bridge.close()

    def _on_setting(self, name: str, value: object) -> None:
        if name == "bridge":
            self._follow_setting()

    def _follow_setting(self) -> None:
        wanted = str(self._studio.settings.get("bridge"))
        if wanted == self._wanted:
            return
        self._wanted = wanted
        self.close()
        self._bridge_words = ""
        if wanted != "off":
            self._bridge_words = "OSC: starting"
            self._studio.background.run(lambda: self._started(wanted == "lan"), self._show_bridge, self._bridge_failed)
        self.changed.emit()

    def _started(self, lan: bool) -> Any:
        try:
            osc = importlib.import_module("engine.osc")
        except ImportError as error:
            raise RequestError(f"the bridge needs the extra osc ({error}); install it and try again") from error
        data = self._studio.store.folder.parent
        token = str(self._studio.settings.get("bridge_token")) or secrets.token_urlsafe(TOKEN_BYTES)
        self._studio.settings.set("bridge_token", token)
        home = Path.home()
        settings = osc.Settings(
            lan=lan,
            token=token.encode() if lan else None,
            roots=(home,) if home.is_dir() else (),
            out=data / "daw",
            bundle=str(self._studio.settings.get("bundle")),
            home=data / "bridge",
            owner="the Fluxstem window",
        )
        bridge = osc.Bridge(self._studio.link.engine, settings)
        bridge.start()
        return bridge

    def _show_bridge(self, bridge: Any) -> None:
        if self._wanted == "off":
            bridge.close()
            return
        self._bridge = bridge
        self._studio.daw_name_of = bridge.name_of
        state = bridge.state
        address = f"OSC: {state.host}, UDP {state.udp_port}, TCP {state.tcp_port}"
        self._bridge_words = f"{address}, open to the network" if state.lan else address
        self.changed.emit()

    def _bridge_failed(self, error: EngineError) -> None:
        self._bridge_words = "OSC: could not start"
        self._wanted = "off"
        self._studio.settings.set("bridge", "off")
        self._studio.fail(error)
        self.changed.emit()


def _row(name: str, folder: Path) -> BundleRow:
    try:
        bundle = load_bundle(folder, check_hashes=False)
    except EngineError as error:
        return BundleRow(name, name, problem=str(error))
    manifest = bundle.manifest
    return BundleRow(
        name,
        bundle.label,
        manifest.licence,
        tuple(manifest.attribution),
        tuple(manifest.trained_on),
        manifest.notes,
        encoders=frozenset(manifest.encoders),
    )
