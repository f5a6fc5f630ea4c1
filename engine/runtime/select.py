"""Open the backend for a device."""

from __future__ import annotations

from engine.errors import DeviceError
from engine.request import Device, Precision
from engine.runtime.backend import Backend


def open_backend(device: Device, precision: Precision = "float32") -> Backend:
    """The ONNX Runtime backend for a device; ``auto`` takes the fastest that really works.

    Raises:
        DeviceError: the requested device is not available, or no runtime is installed.
    """
    try:
        from engine.runtime.fallback import OnnxBackend
    except ImportError as error:
        raise DeviceError(
            "no ONNX Runtime is installed ({reason}); install fluxstem[cpu], or fluxstem[gpu] for NVIDIA cards",
            reason=error,
        ) from error
    return OnnxBackend(device, precision=precision)
