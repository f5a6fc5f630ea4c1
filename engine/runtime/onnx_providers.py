"""The real ``DeviceRuntime``: what ONNX Runtime and its packages have on this machine."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import onnxruntime as ort

from engine.runtime.backend import PROVIDERS, nvidia_driver_missing
from engine.runtime.devices import GraphicsCard, list_cards
from engine.runtime.onnx import OnnxSession, load_nvidia_libraries, nodes_run, open_session
from engine.runtime.onnx_plugins import has_plugin, plugin_devices, plugin_version, register_plugin
from engine.runtime.providers import ROWS
from engine.runtime.settings import SessionSettings


class OnnxRuntime:
    """See ``engine.runtime.fallback.DeviceRuntime``."""

    def __init__(self) -> None:
        self._cards: list[GraphicsCard] | None = None
        self._is_loaded = False

    def installed(self, kind: str) -> bool:
        """Whether there is a package for it, working or not."""
        return PROVIDERS[kind] in ort.get_available_providers() or has_plugin(kind)

    def missing(self, kind: str, index: int) -> str:
        """Why the device cannot even be tried; "" where it can."""
        row, provider = ROWS[kind], PROVIDERS[kind]
        if not self.installed(kind):
            return f"this ONNX Runtime was built without {provider}; install {row.install}"
        if row.nvidia and (why := nvidia_driver_missing()):
            return why
        if row.nvidia and not self._is_loaded:
            self._is_loaded = True
            load_nvidia_libraries()
        if provider in ort.get_available_providers():
            return ""
        if why := register_plugin(kind):
            return why
        devices = plugin_devices(kind)
        if not devices:
            return f"{row.module} finds no hardware on this machine that it supports"
        if index >= len(devices):
            return f"{row.module} finds {len(devices)} devices, and {index} is not among them, counted from 0"
        return ""

    def hardware(self, kind: str) -> tuple[str, ...]:
        """Types of hardware that it runs on here."""
        if PROVIDERS[kind] in ort.get_available_providers():
            return ROWS[kind].hardware if ROWS[kind].nvidia else ("CPU",)
        return tuple(str(one.device.type).rpartition(".")[2] for one in plugin_devices(kind))

    def card(self, index: int, fresh: bool = False) -> GraphicsCard | None:
        """The NVIDIA card with a number; ``fresh`` asks again what is free."""
        if self._cards is None or fresh:
            self._cards = list_cards()
        return next((card for card in self._cards if card.index == index), None)

    def version(self, kind: str) -> str:
        """Version of ONNX Runtime and, for a plug-in, of its package."""
        return f"{ort.__version__} {plugin_version(kind)}" if has_plugin(kind) else str(ort.__version__)

    def open(self, path: Path, settings: SessionSettings) -> OnnxSession:
        """Open a graph."""
        return open_session(path, settings)

    def nodes_run(self, path: Path, settings: SessionSettings) -> Mapping[str, Counter[str]]:
        """Provider -> operators that it really ran, in one run."""
        return nodes_run(path, settings)
