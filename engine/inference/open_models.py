"""The models that are open, and what to do when the device of one fails in the middle of a job."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from engine.bundle.bundle import Bundle
from engine.bundle.trust import check_bundle
from engine.errors import DeviceError
from engine.events import Report
from engine.inference.model import Model, open_model
from engine.inference.windows import Batches
from engine.request import Device, Precision, Request
from engine.runtime.backend import Backend, DeviceChanged, OutOfDeviceMemory, batch_windows
from engine.runtime.memory import BatchMemory, fitting_windows, give_back_freed, window_bytes

log = logging.getLogger(__name__)

OPEN_MODELS = 2
Result = TypeVar("Result")
ModelKey = tuple[Path, str, Device, Precision]  # folder and hash of the bundle


class OpenModels:
    """Opens bundles and keeps the latest; on another device, where the one of ``auto`` fails.

    Args:
        backend: opens graphs on a device, with a precision.
    """

    def __init__(self, backend: Callable[..., Backend]) -> None:
        self._backend = backend
        self._models: dict[ModelKey, Model] = {}
        self._backends: dict[ModelKey, Backend] = {}
        self._fits: dict[ModelKey, int] = {}  # windows that the free memory has room for; 0 for none
        self._memory = BatchMemory()
        self._used: ModelKey | None = None

    def get(self, bundle: Bundle, device: Device, report: Report, precision: Precision = "float32") -> Model:
        """The bundle with its graphs open.

        Raises:
            BundleError: it cannot be used.
            DeviceError: the device that was asked for cannot be had.
        """
        key = (bundle.folder, bundle.sha256, device, precision)
        if key not in self._models:
            report(0.0, "opening the bundle" + _patience(device))
            check_bundle(bundle)
            model = self._opened(key, bundle)
            give_back_freed()
            while len(self._models) >= OPEN_MODELS:
                self.forget(next(iter(self._models)))
            self._models[key] = model
        self._models[key] = self._models.pop(key)  # the most recent one is last
        self._used = key
        return self._models[key]

    def carried_out(self, job: Callable[[], Result]) -> Result:
        """Do a job, again from its beginning where ``auto`` has to leave a device in the middle of it.

        The files of a try that failed are gone before the next one begins.

        Raises:
            EngineError: whatever else the job raises.
        """
        while True:
            self._used = None
            try:
                return job()
            except DeviceChanged as error:
                log.info("the job begins anew: %s", error)
                self._close_used()
            except OutOfDeviceMemory as error:
                if not self._gave_up(error):
                    raise
                log.info("the job begins anew on the CPU: %s", error)
                self._close_used()

    def notes(self) -> tuple[str, ...]:
        """What the user should know of the devices that the last job did not use, in sentences."""
        backend = self._backends.get(self._used) if self._used is not None else None
        return tuple(getattr(backend, "notes", ()))

    def batches(self, model: Model, request: Request) -> Batches:
        """Windows at once for a job: as asked, else as many as fit and as did before.

        Raises:
            OutOfDeviceMemory: not even one window fits the free memory of the card.
        """
        if request.batch_windows is not None:
            return Batches(request.batch_windows)
        usual = batch_windows(model.device, None)
        if self._used is not None:
            usual = self._fitting(self._used, model, usual)
        return Batches(self._memory.begin(*self._place(self._used, model), usual))

    def _fitting(self, key: ModelKey, model: Model, usual: int) -> int:
        """``usual``, or on a card what its free memory has room for; asked once, when the graphs have been opened."""
        card = None if key in self._fits else getattr(self._backends.get(key), "card", None)
        if card is not None and card.free_bytes:
            self._fits[key] = fitting_windows(card.free_bytes, window_bytes(model.bundle.manifest))
            if not self._fits[key] and key[2].startswith("auto"):
                free = card.free_bytes / 1e9
                del self._fits[key]
                raise OutOfDeviceMemory(
                    "{card} has {free:.1f} GB free, and one window of {bundle} takes more; close other programs, or "
                    "choose --device cpu", card=card.name, free=free, bundle=model.bundle.label,
                )  # fmt: skip
        return max(self._fits.get(key, usual), 1)

    def keep_batches(self, model: Model, begun: int, batches: Batches) -> None:
        """Remember how many windows at once a job ended with, and that fewer fitted than it began with."""
        self._memory.end(*self._place(self._used, model), begun, batches.size)

    def on_cards(self) -> dict[ModelKey, tuple[Model, tuple[int, ...]]]:
        """Open models whose batches have fixed sizes, the latest first, and the sizes that jobs may have.

        Those that earlier jobs had on such a device, in whatever process, come first.
        """
        found: dict[ModelKey, tuple[Model, tuple[int, ...]]] = {}
        for key, model in reversed(self._models.items()):
            settings = getattr(self._backends.get(key), "settings", None)
            sizes = () if settings is None else settings.batch_sizes
            if not sizes:
                continue
            try:
                most = self._fitting(key, model, batch_windows(model.device, None))
            except OutOfDeviceMemory:
                continue  # a job goes on on the CPU
            place = self._place(key, model)
            most = self._memory.begin(*place, most)
            used = [size for size in self._memory.used(*place) if size in sizes and size <= most]
            found[key] = model, tuple(dict.fromkeys([*used, *(size for size in sizes if size <= most)]))
        return found

    def _place(self, key: ModelKey | None, model: Model) -> tuple[str, str]:
        """Bundle and device, as what worked is remembered by; a card by its name and driver."""
        card = getattr(self._backends.get(key), "known_card", None) if key is not None else None
        device = model.device if card is None else f"{model.device} {card.name} {card.driver}"
        return model.bundle.sha256, device

    def forget(self, key: ModelKey | None = None) -> None:
        """Close a model, or all of them, so that the next job opens its graphs anew."""
        for one in [key] if key is not None else list(self._models):
            self._models.pop(one, None)
            self._backends.pop(one, None)
            self._fits.pop(one, None)

    def rest(self) -> None:
        """Give memory back between jobs, on devices whose memory other programs want too."""
        for backend in self._backends.values():
            shrink = getattr(backend, "shrink", None)
            if shrink is not None:
                shrink()

    @property
    def wants_engines(self) -> tuple[Path, Device, Precision] | None:
        """Bundle, device and precision of the last job, where TensorRT could be used once its engines are built."""
        backend = self._backends.get(self._used) if self._used is not None else None
        if self._used is None or not getattr(backend, "wants_engines", False):
            return None
        return self._used[0], self._used[2], self._used[3]

    def _opened(self, key: ModelKey, bundle: Bundle) -> Model:
        precision = () if key[3] == "float32" else (key[3],)
        backend = self._backends.get(key) or self._backend(key[2], *precision)
        self._backends[key] = backend
        while True:
            try:
                return open_model(bundle, backend)
            except DeviceChanged as error:
                log.info("opening the graphs anew: %s", error)
            except DeviceError:
                self._backends.pop(key, None)
                raise

    def _gave_up(self, error: OutOfDeviceMemory) -> bool:
        backend = self._backends.get(self._used) if self._used is not None else None
        give_up = getattr(backend, "give_up_device", None)
        return give_up is not None and bool(give_up(error))

    def _close_used(self) -> None:
        """Close the model of the job; its backend stays, because it knows which devices are left."""
        if self._used is not None:
            self._models.pop(self._used, None)
            self._fits.pop(self._used, None)


def _patience(device: Device) -> str:
    return "; building the TensorRT engine takes minutes the first time" if device.startswith("tensorrt") else ""
