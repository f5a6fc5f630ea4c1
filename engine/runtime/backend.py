"""Protocols of a runtime, and the devices it may use, fastest first.

``onnxruntime`` is behind them, in ``engine.runtime.onnx``; ``engine.runtime.select`` loads it on first use.
"""

from __future__ import annotations

import contextlib
import ctypes
import logging
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from engine.errors import DeviceError
from engine.request import Device

log = logging.getLogger(__name__)

Array = npt.NDArray[Any]
FloatArray = npt.NDArray[np.float32]

# Fastest first; a device is a row: its name, and the provider ONNX Runtime must really have given us.
PROVIDERS: dict[Device, str] = {
    "tensorrt": "TensorrtExecutionProvider",
    "cuda": "CUDAExecutionProvider",
    "cpu": "CPUExecutionProvider",
}
BATCH_WINDOWS: dict[str, int] = {
    "TensorrtExecutionProvider": 16,
    "CUDAExecutionProvider": 16,
    "CPUExecutionProvider": 4,
}


# How long one graph may take to open, in seconds, by device: TensorRT builds an engine first.
OPENING_LIMITS_S: dict[str, float] = {"tensorrt": 1800.0}
OPENING_LIMIT_S = 300.0
ON_OPENING: list[Callable[[float], None]] = []  # told how long an opening may take, and 0 at its end


@contextlib.contextmanager
def opening_graph(device: str) -> Iterator[None]:
    """Tell whoever watches this process that it may be silent for a while, because ONNX Runtime keeps Python's lock."""
    for tell in ON_OPENING:
        tell(OPENING_LIMITS_S.get(device, OPENING_LIMIT_S))
    try:
        yield
    finally:
        for tell in ON_OPENING:
            tell(0.0)


class OutOfDeviceMemory(DeviceError):
    """A run did not fit; the caller halves the batch and tries again."""


class GraphSession(Protocol):
    """One opened graph."""

    def run(self, inputs: Mapping[str, Array]) -> dict[str, FloatArray]:
        """Run the graph once.

        Args:
            inputs: name -> array, as the bundle's manifest says.

        Raises:
            OutOfDeviceMemory: the batch is too large for the device.
            DeviceError: the device refused for another reason.
        """
        ...


class Backend(Protocol):
    """Opens graphs on one device."""

    @property
    def device(self) -> str:
        """The execution provider in use, for example ``CPUExecutionProvider``."""
        ...

    def open(self, path: Path) -> GraphSession:
        """Open one graph.

        Raises:
            DeviceError: the requested device is not available.
            BundleError: the file is not a graph this runtime can read.
        """
        ...


def nvidia_driver_missing() -> str | None:
    """Why no NVIDIA device can be used, or None when the driver's library loads.

    Asking ONNX Runtime for CUDA without a driver makes it print on stdout, and its list of providers only says what it
    was built for; so the driver is looked for first.
    """
    name = "nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1"
    try:
        ctypes.CDLL(name)
    except OSError:
        return f"the NVIDIA driver's {name} cannot be loaded"
    return None


def batch_windows(device: str, asked: int | None) -> int:
    """Windows per run of a graph on ``device``, unless the request says how many."""
    return asked if asked is not None else BATCH_WINDOWS.get(device, 4)
