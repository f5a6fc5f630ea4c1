"""ONNX Runtime; the only module that imports it and knows its exceptions."""

from __future__ import annotations

import contextlib
import io
import logging
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import onnxruntime as ort

from engine.errors import BundleError, DeviceError
from engine.runtime.backend import Array, FloatArray, OutOfDeviceMemory, opening_graph
from engine.runtime.providers import provider_chain
from engine.runtime.settings import SessionSettings
from engine.runtime.threads import threads

log = logging.getLogger(__name__)

if not hasattr(ort, "InferenceSession"):
    raise ImportError("onnxruntime is an empty folder, as two packages sharing it leave behind; reinstall one")

ort.disable_telemetry_events()  # on Windows they go to the system's event log; see ``engine.telemetry`` for the rest

_OUT_OF_MEMORY = ("out of memory", "failed to allocate", "bad_alloc", "bad allocation", "cudaerrormemoryallocation")
_NO_GRAPH = ("INVALID_PROTOBUF", "INVALID_GRAPH", "Load model", "ModelProto", "NO_SUCHFILE", "NOT_IMPLEMENTED")


class OnnxSession:
    """One graph opened by ONNX Runtime.

    Args:
        session: it.
        path: the file.
        settings: what it was opened with.
    """

    def __init__(self, session: Any, path: Path, settings: SessionSettings) -> None:
        self._session = session
        self._path = path
        self.settings = settings
        self._outputs = [output.name for output in session.get_outputs()]

    @property
    def providers(self) -> list[str]:
        """The execution providers that ONNX Runtime really gave, the preferred one first."""
        return list(self._session.get_providers())

    def run(self, inputs: Mapping[str, Array]) -> dict[str, FloatArray]:
        """See ``engine.runtime.backend.GraphSession``."""
        with onnx_errors(self._path):
            values = self._session.run(self._outputs, dict(inputs))
        return dict(zip(self._outputs, values, strict=True))


def open_session(path: Path, settings: SessionSettings) -> OnnxSession:
    """Open a graph; whether the wanted provider was had stands in ``OnnxSession.providers``.

    Args:
        path: the graph.
        settings: device, precision and limits.

    Raises:
        Exception: whatever ONNX Runtime throws; ``onnx_errors`` translates it.
    """
    options = session_options(settings)
    with opening_graph(settings.kind), _prints_on_stderr():
        session = ort.InferenceSession(
            str(path), sess_options=options, providers=provider_chain(settings, path), enable_fallback=0
        )
    return OnnxSession(session, path, settings)


def session_options(settings: SessionSettings) -> Any:
    """ONNX Runtime's options of a session."""
    options = ort.SessionOptions()
    options.log_severity_level = 3
    options.intra_op_num_threads = threads()
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return options


def built_in_providers() -> list[str]:
    """Execution providers that this ONNX Runtime was built with; whether one works shows when a graph is opened."""
    return list(ort.get_available_providers())


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


def load_nvidia_libraries() -> None:
    """Load CUDA and cuDNN from the packages that hold them, where they are installed."""
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
