"""ONNX Runtime; the only module that imports it and knows its exceptions."""

from __future__ import annotations

import contextlib
import io
import logging
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import onnxruntime as ort

from engine.bundle.library import user_cache_folder
from engine.errors import BundleError, DeviceError
from engine.request import Device
from engine.runtime.backend import (
    PROVIDERS,
    Array,
    FloatArray,
    OutOfDeviceMemory,
    nvidia_driver_missing,
    opening_graph,
)
from engine.runtime.threads import threads

log = logging.getLogger(__name__)

if not hasattr(ort, "InferenceSession"):
    raise ImportError("onnxruntime is an empty folder, as two packages sharing it leave behind; reinstall one")

ort.disable_telemetry_events()  # on Windows they go to the system's event log; see ``engine.telemetry`` for the rest

_OUT_OF_MEMORY = ("out of memory", "failed to allocate", "bad_alloc", "bad allocation", "cudaerrormemoryallocation")
_NO_GRAPH = ("INVALID_PROTOBUF", "INVALID_GRAPH", "Load model", "ModelProto", "NO_SUCHFILE", "NOT_IMPLEMENTED")


class OnnxSession:
    """One graph opened by ONNX Runtime."""

    def __init__(self, session: Any, path: Path) -> None:
        self._session = session
        self._path = path
        self._outputs = [output.name for output in session.get_outputs()]

    def run(self, inputs: Mapping[str, Array]) -> dict[str, FloatArray]:
        """See ``engine.runtime.backend.GraphSession``."""
        with onnx_errors(self._path):
            values = self._session.run(self._outputs, dict(inputs))
        return dict(zip(self._outputs, values, strict=True))


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
        self._cache = user_cache_folder() / "tensorrt"
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
                return OnnxSession(session, path)
            self._refuse_or_fall_back(device, why)

    def _try(self, device: Device, path: Path) -> tuple[Any | None, str]:
        if device == "cpu":
            with onnx_errors(path):
                return self._session(device, path), ""
        try:
            session = self._session(device, path)
        except Exception as error:  # whatever a half-installed CUDA throws, the next provider may work
            return None, _first_line(error)
        got = session.get_providers()
        if PROVIDERS[device] in got:
            return session, ""
        return None, f"ONNX Runtime gave {got[0]} instead; its CUDA or TensorRT libraries do not load"

    def _session(self, device: Device, path: Path) -> Any:
        options = ort.SessionOptions()
        options.log_severity_level = 3
        options.intra_op_num_threads = threads()
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        with opening_graph(device), _prints_on_stderr():
            return ort.InferenceSession(
                str(path), sess_options=options, providers=self._providers(device), enable_fallback=0
            )

    def _providers(self, device: Device) -> list[Any]:
        cuda = (
            PROVIDERS["cuda"],
            {"cudnn_conv_algo_search": "HEURISTIC", "use_tf32": "0", "arena_extend_strategy": "kSameAsRequested"},
        )
        if device == "cpu":
            return [PROVIDERS["cpu"]]
        if device == "cuda":
            return [cuda, PROVIDERS["cpu"]]
        self._cache.mkdir(parents=True, exist_ok=True)
        engines = {
            "trt_engine_cache_enable": "True",
            "trt_engine_cache_path": str(self._cache),
            "trt_timing_cache_enable": "True",
            "trt_timing_cache_path": str(self._cache),
        }
        return [(PROVIDERS["tensorrt"], engines), cuda, PROVIDERS["cpu"]]

    def _drop_impossible(self) -> None:
        built_for = ort.get_available_providers()
        driver = None
        if any(device != "cpu" and PROVIDERS[device] in built_for for device in self._candidates):
            driver = nvidia_driver_missing()
            if driver is None:
                _load_nvidia_libraries()
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


@contextlib.contextmanager
def onnx_errors(graph: Path) -> Iterator[None]:
    """Translate ONNX Runtime's exceptions into those of ``engine.errors``."""
    try:
        yield
    except Exception as error:
        said = str(error)
        if any(words in said.lower() for words in _OUT_OF_MEMORY):
            raise OutOfDeviceMemory(
                "{graph} does not fit in memory; close other programs or ask for fewer windows at once",
                graph=graph.name,
            ) from error
        if any(words in said for words in _NO_GRAPH):
            raise BundleError(
                "{graph} is no graph this ONNX Runtime can read ({reason})", graph=graph, reason=_first_line(error)
            ) from error
        raise DeviceError("{graph} could not be run: {reason}", graph=graph.name, reason=_first_line(error)) from error


def _load_nvidia_libraries() -> None:
    preload = getattr(ort, "preload_dlls", None)  # since ONNX Runtime 1.21
    if preload is not None:
        with _prints_on_stderr():
            preload()


@contextlib.contextmanager
def _prints_on_stderr() -> Iterator[None]:
    # ONNX Runtime prints its troubles on stdout, where --json puts one object and nothing else.
    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        yield
    if said.getvalue().strip():
        log.info("ONNX Runtime: %s", said.getvalue().strip())


def _first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
