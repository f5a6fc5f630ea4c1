"""Protocols of a runtime, and the devices it may use, fastest first.

``onnxruntime`` is behind them, in ``engine.runtime.onnx``; ``engine.runtime.select`` loads it on first use.
"""

from __future__ import annotations

import contextlib
import ctypes
import logging
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from engine.errors import DeviceError
from engine.request import Device
from engine.runtime.device_notes import NO_DRIVER

log = logging.getLogger(__name__)

Array = npt.NDArray[Any]
FloatArray = npt.NDArray[np.float32]

# Fastest first; a device is a row: its name, and the provider ONNX Runtime must really have given us.
PROVIDERS: dict[Device, str] = {
    "tensorrt": "TensorrtExecutionProvider",
    "cuda": "CUDAExecutionProvider",
    "rtx": "NvTensorRTRTXExecutionProvider",
    "openvino": "OpenVINOExecutionProvider",
    "webgpu": "WebGpuExecutionProvider",
    "coreml": "CoreMLExecutionProvider",
    "directml": "DmlExecutionProvider",
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


class DeviceChanged(DeviceError):
    """The graphs have to be opened anew, on the device that the backend chose instead; no job ends with it."""


class GraphSession(Protocol):
    """One opened graph."""

    def run(self, inputs: Mapping[str, Array], wanted: Sequence[str] = ()) -> dict[str, FloatArray]:
        """Run the graph once.

        Args:
            inputs: name -> array, as the bundle's manifest says.
            wanted: outputs that are needed; none means all. More may come back.

        Raises:
            OutOfDeviceMemory: the batch is too large for the device.
            DeviceError: the device refused for another reason.
        """
        ...


class DeviceTensor(Protocol):
    """An array in the memory of a device."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Its axes."""
        ...

    def update(self, values: Array) -> None:
        """Overwrite it with an array of its shape; it stays where it is.

        Raises:
            DeviceError: the device refused, or does not answer.
        """
        ...

    def rows(self, first: int, last: int) -> DeviceTensor:
        """Some of its rows, in the same memory, for a graph to read or to overwrite."""
        ...

    def numpy(self, rows: int | None = None) -> Array:
        """A copy in the host's memory.

        Args:
            rows: how many of the first ones; None for all.

        Raises:
            DeviceError: the device does not answer.
        """
        ...


class ResidentSession(GraphSession, Protocol):
    """A graph whose inputs and outputs may stay in the memory of its device."""

    @property
    def batch_sizes(self) -> tuple[int, ...]:
        """Rows of a batch that this session is made for; none means any number."""
        ...

    def put(self, values: Array) -> DeviceTensor:
        """A new tensor on the device with these values."""
        ...

    def host_array(self, shape: tuple[int, ...], kind: type) -> Array:
        """An array in the host's memory that is quickly put on the device; what is in it is not defined."""
        ...

    def keep(self, name: str, shape: tuple[int, ...], kind: type) -> DeviceTensor:
        """The tensor of this name, shape and type, made on first use; it is the same one, at the same address, later.

        Args:
            name: its meaning to the caller.
            kind: NumPy type of its numbers.
        """
        ...

    def run_resident(
        self, inputs: Mapping[str, DeviceTensor], outputs: Mapping[str, DeviceTensor], recording: int = 0
    ) -> None:
        """Run the graph on tensors of the device; the outputs are overwritten.

        Args:
            inputs: by name.
            outputs: by name.
            recording: number of these very tensors from 1 on; where the device can, the run is recorded as a CUDA graph
                under this number and replayed. 0 never is.

        Raises:
            OutOfDeviceMemory: it does not fit; what ``keep`` held is freed.
            DeviceError: the device refused for another reason.
        """
        ...

    def run_tensors(
        self, inputs: Mapping[str, DeviceTensor | Array], wanted: Sequence[str] = ()
    ) -> dict[str, DeviceTensor]:
        """Run the graph on tensors of the device or arrays; the outputs are new tensors of the device.

        Args:
            inputs: by name; batches are as given.
            wanted: outputs that are needed; none means all.

        Raises:
            OutOfDeviceMemory: it does not fit; what ``keep`` held is freed.
            DeviceError: the device refused for another reason.
        """
        ...

    def beside(self, graph: bytes) -> ResidentSession:
        """A small graph on the same device; the same one for the same bytes.

        Args:
            graph: an ONNX model.
        """
        ...


def resident_session(graph: GraphSession) -> ResidentSession | None:
    """The graph as one whose tensors may stay on its device; None where arrays go in and come out."""
    found: ResidentSession | None = getattr(graph, "resident", None)
    return found


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
        return NO_DRIVER.format(library=name)
    return None


def batch_windows(device: str, asked: int | None) -> int:
    """Windows per run of a graph on ``device``, unless the request says how many."""
    return asked if asked is not None else BATCH_WINDOWS.get(device, 4)
