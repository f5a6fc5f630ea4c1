"""Execution providers that come as a library of their own, which ONNX Runtime loads (its plug-in interface)."""

from __future__ import annotations

import importlib
import importlib.metadata
import importlib.util
import logging
from pathlib import Path
from typing import Any

import onnxruntime as ort

from engine.errors import DeviceError
from engine.runtime.backend import PROVIDERS
from engine.runtime.providers import ROWS
from engine.runtime.settings import SessionSettings

log = logging.getLogger(__name__)

_registered: dict[str, str] = {}  # package -> why its library did not load, "" where it did; once in a process


def runtime_version() -> str:
    """Of ONNX Runtime."""
    return str(ort.__version__)


def register_plugin(kind: str) -> str:
    """Have ONNX Runtime load the library of a plug-in provider, once in a process.

    Returns:
        Why it did not; "" where it did.
    """
    module = ROWS[kind].module
    if module not in _registered:
        try:
            package = importlib.import_module(module)
            ort.register_execution_provider_library(module, package.get_library_path())
            _registered[module] = ""
        except Exception as error:  # a library of another version, a driver that is missing
            first = (str(error).strip().splitlines() or [type(error).__name__])[0]
            _registered[module] = f"the library of {module} does not load: {first}"
    return _registered[module]


def plugin_devices(kind: str) -> list[Any]:
    """Devices on which a registered plug-in provider can run, graphics cards first."""
    found = [one for one in ort.get_ep_devices() if one.ep_name == PROVIDERS[kind]]
    order = {"GPU": 0, "NPU": 1}
    return sorted(found, key=lambda one: order.get(str(one.device.type).rpartition(".")[2], 2))


def add_plugin(options: Any, settings: SessionSettings, graph: Path) -> None:
    """Give a session the plug-in provider of its device.

    Raises:
        DeviceError: there is no such device.
    """
    if why := register_plugin(settings.kind):
        raise DeviceError("{reason}", reason=why)
    devices = plugin_devices(settings.kind)
    if settings.index >= len(devices):
        raise DeviceError(
            "there is no {device}:{index}; {count} were found, counted from 0",
            device=settings.kind, index=settings.index, count=len(devices),
        )  # fmt: skip
    options.add_provider_for_devices([devices[settings.index]], ROWS[settings.kind].options(settings, graph))


def has_plugin(kind: str) -> bool:
    """Whether the package of a plug-in provider is installed."""
    module = ROWS[kind].module
    return bool(module) and importlib.util.find_spec(module) is not None


def plugin_version(kind: str) -> str:
    """Version of the package of a plug-in provider, "" without one."""
    try:
        return importlib.metadata.version(ROWS[kind].module.replace("_", "-"))
    except importlib.metadata.PackageNotFoundError:
        return ""
