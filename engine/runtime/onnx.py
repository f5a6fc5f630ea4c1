"""ONNX Runtime; the only module that imports it and knows its exceptions."""

from __future__ import annotations

import contextlib
import ctypes
import dataclasses
import io
import json
import logging
import os
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort

from engine.bundle.free_axes import free_axes, usual_axes
from engine.errors import BundleError, DeviceError, DeviceLost
from engine.runtime.backend import PROVIDERS, Array, DeviceTensor, FloatArray, OutOfDeviceMemory, opening_graph
from engine.runtime.batch_axes import BatchAxes, BatchCut
from engine.runtime.faults import fault_of
from engine.runtime.half_graphs import half_graph
from engine.runtime.onnx_plugins import add_plugin, runtime_version
from engine.runtime.onnx_tensor import DeviceMemory, OnnxTensor
from engine.runtime.providers import provider_chain, without_profiles
from engine.runtime.saved_graphs import SavedGraph, is_worth_saving
from engine.runtime.self_test import trial_inputs
from engine.runtime.settings import CONVERTS_ITSELF, SessionSettings
from engine.runtime.threads import threads
from engine.runtime.transfers import Transfers, transfers_for

log = logging.getLogger(__name__)

RECORDINGS = 1_000  # more than there are shapes of a batch
# In the order in which one needs the other; of the package tensorrt-cu13-libs, which puts them where no system looks.
TENSORRT_LIBRARIES = ("libnvinfer.so.10", "libnvinfer_plugin.so.10", "libnvonnxparser.so.10") if os.name != "nt" else (
    "nvinfer_10.dll", "nvinfer_plugin_10.dll", "nvonnxparser_10.dll"
)  # fmt: skip

if not hasattr(ort, "InferenceSession"):
    raise ImportError("onnxruntime is an empty folder, as two packages sharing it leave behind; reinstall one")

ort.disable_telemetry_events()  # on Windows they go to the system's event log; see ``engine.telemetry`` for the rest


class OnnxSession:
    """One graph opened by ONNX Runtime.

    Args:
        path: the file, for messages.
        settings: what it was opened with.
        transfers: copies to the device and back; None takes the quickest there is.
    """

    def __init__(self, session: Any, path: Path, settings: SessionSettings, transfers: Transfers | None = None) -> None:
        self._session = session
        self._path = path
        self.settings = settings
        transfers = transfers or transfers_for(settings.memory, settings.index)
        self._memory = DeviceMemory(settings.memory, settings.index, transfers, self._errors)
        self._outputs = [output.name for output in session.get_outputs()]
        self._axes = BatchAxes.of(session) if settings.batch_sizes else None
        self._kept: dict[tuple[str, tuple[int, ...], type], OnnxTensor] = {}
        self._beside: dict[bytes, OnnxSession] = {}
        self._proven: set[int] = set()  # recordings that gave what an ordinary run gives
        self._first_recording = 0  # added to the numbers; those of tensors that are gone are never used again
        self.captures = settings.capture

    @property
    def providers(self) -> list[str]:
        """The execution providers that ONNX Runtime really gave, the preferred one first."""
        return list(self._session.get_providers())

    @property
    def inputs(self) -> dict[str, tuple[str, tuple[int | str | None, ...]]]:
        """Name -> type and axes, in ONNX Runtime's words."""
        return {one.name: (one.type, usual_axes(one.shape)) for one in self._session.get_inputs()}

    @property
    def placement(self) -> dict[str, Counter[str]]:
        """Provider -> operators that it got, with their numbers; empty on the CPU and where none is told."""
        tell = getattr(self._session, "get_provider_graph_assignment_info", None)  # since ONNX Runtime 1.24
        placed: dict[str, Counter[str]] = {}
        if tell is None or self.settings.kind == "cpu":
            return placed
        for part in tell():
            placed.setdefault(part.ep_name, Counter()).update(node.op_type for node in part.get_nodes())
        return placed

    def end_profile(self) -> str:
        """Path of the file that tells what ran where, see ``SessionSettings.profile``; nothing is added from now on."""
        return str(self._session.end_profiling())

    def shrink(self) -> None:
        """Give memory back that earlier runs needed and none uses now; a run of one row is what it takes.

        A session with recordings keeps its own: their kernels have the addresses inside.
        """
        self._memory.transfers.give_back()
        if self._proven:
            return
        options = ort.RunOptions()
        options.add_run_config_entry("memory.enable_memory_arena_shrinkage", _arena(self.settings))
        options.add_run_config_entry("gpu_graph_id", "-1")
        with onnx_errors(self._path):
            self._session.run(self._outputs, trial_inputs(self.inputs), options)

    @property
    def resident(self) -> OnnxSession | None:
        """Itself where its tensors may stay on the device, see ``engine.runtime.backend.resident_session``."""
        return self if self.settings.resident else None

    @property
    def batch_sizes(self) -> tuple[int, ...]:
        """See ``engine.runtime.backend.ResidentSession``."""
        return self.settings.batch_sizes

    def run(self, inputs: Mapping[str, Array], wanted: Sequence[str] = ()) -> dict[str, FloatArray]:
        """See ``engine.runtime.backend.GraphSession``; a batch is padded to the next of the fixed sizes."""
        names = [name for name in self._outputs if not wanted or name in wanted]
        given, cut = dict(inputs), BatchCut()
        if self._axes is not None:
            given, cut = self._axes.padded(given, self.settings.batch_sizes)
        with onnx_errors(self._path):
            values = self._session.run(names, given, _not_recorded() if self.captures else None)
        return {name: cut.of(name, value) for name, value in zip(names, values, strict=True)}

    def put(self, values: Array) -> OnnxTensor:
        """See ``engine.runtime.backend.ResidentSession``."""
        tensor = self._made(values.shape, values.dtype.type)
        tensor.update(values)
        return tensor

    def host_array(self, shape: tuple[int, ...], kind: type) -> Array:
        """See ``engine.runtime.backend.ResidentSession``."""
        return self._memory.transfers.array(shape, kind)

    def keep(self, name: str, shape: tuple[int, ...], kind: type) -> OnnxTensor:
        """See ``engine.runtime.backend.ResidentSession``."""
        key = (name, shape, kind)
        if key not in self._kept:
            self._kept[key] = self._made(shape, kind)
        return self._kept[key]

    def run_resident(
        self, inputs: Mapping[str, DeviceTensor], outputs: Mapping[str, DeviceTensor], recording: int = 0
    ) -> None:
        """See ``engine.runtime.backend.ResidentSession``; a recording is proven before it is used."""
        if not recording or not self.captures:
            self._run_bound(inputs, outputs, 0)
            return
        recording += self._first_recording
        if recording not in self._proven:
            self._run_bound(inputs, outputs, 0)
            expected = {name: tensor.numpy() for name, tensor in outputs.items()}
            try:
                self._run_bound(inputs, outputs, recording)  # records
                self._run_bound(inputs, outputs, recording)  # replays
                is_same = all(np.array_equal(tensor.numpy(), expected[name]) for name, tensor in outputs.items())
            except DeviceError as error:
                log.info("%s is not recorded: %s", self._path.name, error)
                is_same = False
            if not is_same:
                self.captures = False
                self._run_bound(inputs, outputs, 0)
                return
            self._proven.add(recording)
            return
        self._run_bound(inputs, outputs, recording)

    def run_tensors(
        self, inputs: Mapping[str, DeviceTensor | Array], wanted: Sequence[str] = ()
    ) -> dict[str, DeviceTensor]:
        """See ``engine.runtime.backend.ResidentSession``."""
        names = [name for name in self._outputs if not wanted or name in wanted]
        given = {
            name: one if isinstance(one, OnnxTensor) else self.put(np.asarray(one)) for name, one in inputs.items()
        }
        with self._errors():
            binding = self._session.io_binding()
            for name, tensor in given.items():
                tensor.as_input(binding, name)
            for name in names:
                binding.bind_output(name, self._memory.name, self._memory.index)
            self._session.run_with_iobinding(binding, _not_recorded())
            made = zip(names, binding.get_outputs(), strict=True)
            return {name: OnnxTensor(value, np.float32, self._memory) for name, value in made}

    def beside(self, graph: bytes) -> OnnxSession:
        """See ``engine.runtime.backend.ResidentSession``."""
        if graph not in self._beside:
            kind = "cuda" if self.settings.memory == "cuda" else self.settings.kind  # TensorRT builds for minutes
            settings = dataclasses.replace(
                self.settings, kind=kind, capture=False, batch_sizes=(), precision="float32", embed_engine=False
            )
            with onnx_errors(Path("joining steps")):
                self._beside[graph] = open_session(graph, settings, self._memory.transfers)
        return self._beside[graph]

    def _run_bound(
        self, inputs: Mapping[str, DeviceTensor], outputs: Mapping[str, DeviceTensor], recording: int
    ) -> None:
        with self._errors():
            binding = self._session.io_binding()
            for name, tensor in inputs.items():
                tensor.as_input(binding, name)  # type: ignore[attr-defined]
            for name, tensor in outputs.items():
                tensor.as_output(binding, name)  # type: ignore[attr-defined]
            options = _recorded_as(recording) if recording else _not_recorded()
            self._session.run_with_iobinding(binding, options)

    def _made(self, shape: tuple[int, ...], kind: type) -> OnnxTensor:
        with self._errors():
            made = ort.OrtValue.ortvalue_from_shape_and_type(shape, kind, self._memory.name, self._memory.index)
        return OnnxTensor(made, kind, self._memory)

    @contextlib.contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            with onnx_errors(self._path):
                yield
        except OutOfDeviceMemory:
            self._kept.clear()  # the caller comes again with fewer rows
            self._proven.clear()
            self._first_recording += RECORDINGS
            raise


def _arena(settings: SessionSettings) -> str:
    return f"gpu:{settings.index}" if settings.memory == "cuda" else "cpu:0"


def _recorded_as(number: int) -> Any:
    """Options of a run that records a CUDA graph under this number, or replays it."""
    options = ort.RunOptions()
    options.add_run_config_entry("gpu_graph_id", str(number))
    return options


def _not_recorded() -> Any:
    return _recorded_as(-1)


def open_session(graph: Path | bytes, settings: SessionSettings, transfers: Transfers | None = None) -> OnnxSession:
    """Open a graph; whether the wanted provider was had stands in ``OnnxSession.providers``.

    Where recording CUDA graphs is asked for and the graph does not allow it, because it has nodes that only the CPU
    runs or loops of its own, it is opened without.

    Args:
        graph: a file, or a small graph itself.
        transfers: copies to the device and back; None takes the quickest there is.

    Raises:
        Exception: whatever ONNX Runtime throws; ``onnx_errors`` translates it.
    """
    path = graph if isinstance(graph, Path) else Path("small.onnx")
    if settings.capture:
        try:
            return _opened(graph, path, settings, transfers)
        except Exception as error:  # an ordinary session tells what else is wrong
            log.info("%s cannot be recorded: %s", path.name, _first_line(error))
            settings = dataclasses.replace(settings, capture=False)
    return _opened(graph, path, settings, transfers)


def _opened(
    graph: Path | bytes, path: Path, settings: SessionSettings, transfers: Transfers | None = None
) -> OnnxSession:
    if isinstance(graph, Path) and settings.precision == "float16" and settings.kind not in CONVERTS_ITSELF:
        graph = half_graph(graph)
    with opening_graph(settings.kind), _prints_on_stderr():
        if isinstance(graph, Path) and settings.kind == "cpu" and is_worth_saving(graph):
            return OnnxSession(_opened_as_saved(graph, settings), path, settings, transfers)
        free = free_axes(graph.read_bytes() if isinstance(graph, Path) else graph) if settings.kind != "cpu" else {}
        options = session_options(settings, free)
        providers: list[Any] | None = None
        if PROVIDERS[settings.kind] in ort.get_available_providers():
            providers = provider_chain(settings, path)
        else:
            add_plugin(options, settings, path)
        source = str(graph) if isinstance(graph, Path) else graph
        try:
            session = ort.InferenceSession(source, sess_options=options, providers=providers, enable_fallback=0)
        except Exception as error:
            if settings.kind != "tensorrt" or "profile" not in str(error):
                raise
            # It takes the graph in parts, between which there are shapes that no profile of ours names.
            log.info("%s gets its profiles from its runs: %s", path.name, _first_line(error))
            providers = without_profiles(provider_chain(settings, path))
            session = ort.InferenceSession(source, sess_options=options, providers=providers, enable_fallback=0)
    return OnnxSession(session, path, settings, transfers)


def _opened_as_saved(graph: Path, settings: SessionSettings) -> Any:
    """A session on the CPU from the graph's optimised form; that is made now where there is none."""
    saved, providers = SavedGraph(graph, runtime_version()), provider_chain(settings, graph)
    if saved.is_there():
        options = session_options(settings)
        options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL  # that is done
        try:
            return ort.InferenceSession(str(saved.path), sess_options=options, providers=providers, enable_fallback=0)
        except Exception as error:
            log.info("the optimised form of %s is made again: %s", graph.name, _first_line(error))
            saved.throw_away()
    options = session_options(settings)
    if (partial := saved.begin()) is not None:
        options.optimized_model_filepath = str(partial)
    try:
        return ort.InferenceSession(str(graph), sess_options=options, providers=providers, enable_fallback=0)
    finally:
        saved.finish()


def session_options(settings: SessionSettings, lengths: Mapping[str, int] | None = None) -> Any:
    """ONNX Runtime's options of a session.

    Args:
        lengths: of free axes, which are the only ones then; see ``engine.bundle.free_axes``.
    """
    options = ort.SessionOptions()
    for name, length in (lengths or {}).items():
        options.add_free_dimension_override_by_name(name, length)
    options.log_severity_level = 3
    options.intra_op_num_threads = threads()
    # A pattern is one block for all of a run, taken beside what the first run, which had none, left in the arena.
    options.enable_mem_pattern = settings.kind != "cpu"
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    if settings.profile:
        options.enable_profiling, options.profile_file_prefix = True, settings.profile
    if settings.kind != "cpu":
        options.add_session_config_entry("session.record_ep_graph_assignment_info", "1")
    return options


def nodes_run(graph: Path, settings: SessionSettings) -> dict[str, Counter[str]]:
    """What really ran where: provider -> operators with their numbers, from ONNX Runtime's profile of one run.

    Raises:
        Exception: whatever ONNX Runtime throws; ``onnx_errors`` translates it.
    """
    with tempfile.TemporaryDirectory(prefix="fluxstem-") as folder:
        session = open_session(graph, dataclasses.replace(settings, capture=False, profile=str(Path(folder, "run"))))
        session.run(trial_inputs(session.inputs))
        told = json.loads(Path(session.end_profile()).read_text(encoding="utf-8"))
    found: dict[str, dict[str, str]] = {}
    for event in told:
        if event.get("cat") == "Node" and event["name"].endswith("_kernel_time"):  # once for each run of a node
            found.setdefault(event["args"]["provider"], {})[event["name"]] = event["args"]["op_name"]
    return {provider: Counter(nodes.values()) for provider, nodes in found.items()}


@contextlib.contextmanager
def onnx_errors(graph: Path) -> Iterator[None]:
    """Translate ONNX Runtime's exceptions into those of ``engine.errors``."""
    try:
        yield
    except Exception as error:
        said = str(error)
        fault = fault_of(said)
        if fault == "memory":
            raise OutOfDeviceMemory(
                "{graph} does not fit in memory; close other programs or ask for fewer windows at once",
                graph=graph.name,
            ) from error
        if fault == "lost":
            raise DeviceLost(
                "the device broke down while it ran {graph} ({reason})", graph=graph.name, reason=_first_line(error)
            ) from error
        if fault == "graph":
            raise BundleError(
                "{graph} is no graph this ONNX Runtime can read ({reason})", graph=graph, reason=_first_line(error)
            ) from error
        raise DeviceError("{graph} could not be run: {reason}", graph=graph.name, reason=_first_line(error)) from error


def load_nvidia_libraries() -> list[str]:
    """Load CUDA, cuDNN and TensorRT from the packages that hold them, wherever on Python's path these are.

    ONNX Runtime itself looks for the first two only beside its own package and where the system looks, and so misses
    those that came with PyTorch into another folder; for TensorRT it looks where the system does.

    Returns:
        What is said of libraries that do not load, a line each; none where ONNX Runtime was built without CUDA.
    """
    preload = getattr(ort, "preload_dlls", None)  # since ONNX Runtime 1.21
    if preload is None:
        return []
    for package in filter(None, sys.path):
        for part in sorted(Path(package, "nvidia").glob("cu*/lib")):  # cu13/lib, cudnn/lib
            preload_from = {"cuda": part.parent.name != "cudnn", "cudnn": part.parent.name == "cudnn"}
            with contextlib.redirect_stdout(io.StringIO()):
                preload(**preload_from, msvc=False, directory=str(part))
    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        preload()
    failed = [line for line in said.getvalue().splitlines() if line.startswith("Failed to load")]
    for package in filter(None, sys.path):
        for library in (Path(package, "tensorrt_libs", name) for name in TENSORRT_LIBRARIES):
            try:
                if library.is_file():
                    ctypes.CDLL(str(library))
            except OSError as error:
                failed.append(f"Failed to load {library}: {error}")
    return failed


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
