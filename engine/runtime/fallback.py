"""The ONNX Runtime backend: tries devices in order and says why one is not used."""

from __future__ import annotations

import logging
from pathlib import Path

from engine.errors import DeviceError
from engine.request import Device
from engine.runtime.backend import PROVIDERS, nvidia_driver_missing
from engine.runtime.onnx import OnnxSession, built_in_providers, load_nvidia_libraries, onnx_errors, open_session
from engine.runtime.settings import settings_for

log = logging.getLogger(__name__)


class OnnxBackend:
    """Opens sessions on the fastest provider that really works.

    Args:
        device: ``auto`` falls back with a logged reason; anything else is used or refused.

    Raises:
        DeviceError: the requested device is not available.
    """

    def __init__(self, device: Device) -> None:
        self._explicit = device != "auto"
        self._candidates = [device] if self._explicit else list(PROVIDERS)
        self._drop_impossible()

    @property
    def device(self) -> str:
        """The execution provider in use, read back from the sessions opened so far."""
        return PROVIDERS[self._candidates[0]]

    def open(self, path: Path) -> OnnxSession:
        """See ``engine.runtime.backend.Backend``; the provider is read back from the session."""
        while True:
            device = self._candidates[0]
            session, why = self._try(device, path)
            if session is not None:
                return session
            self._refuse_or_fall_back(device, why)

    def _try(self, device: Device, path: Path) -> tuple[OnnxSession | None, str]:
        settings = settings_for(device)
        if device == "cpu":
            with onnx_errors(path):
                return open_session(path, settings), ""
        try:
            session = open_session(path, settings)
        except Exception as error:  # whatever a half-installed CUDA throws, the next provider may work
            return None, (str(error).strip().splitlines() or [type(error).__name__])[0]
        got = session.providers
        if PROVIDERS[device] in got:
            return session, ""
        return None, f"ONNX Runtime gave {got[0]} instead; its CUDA or TensorRT libraries do not load"

    def _drop_impossible(self) -> None:
        built_for = built_in_providers()
        driver = None
        if any(device != "cpu" and PROVIDERS[device] in built_for for device in self._candidates):
            driver = nvidia_driver_missing()
            if driver is None:
                load_nvidia_libraries()
        while self._candidates[0] != "cpu":
            device = self._candidates[0]
            if PROVIDERS[device] not in built_for:
                why = f"this ONNX Runtime was built without {PROVIDERS[device]}; install fluxstem[gpu]"
            elif driver is not None:
                why = driver
            else:
                return
            self._refuse_or_fall_back(device, why)

    def _refuse_or_fall_back(self, device: Device, why: str) -> None:
        if self._explicit:
            raise DeviceError(
                "device {device} cannot be used: {reason}; choose --device auto or cpu", device=device, reason=why
            )
        log.info("not using %s: %s", device, why)
        self._candidates.pop(0)
