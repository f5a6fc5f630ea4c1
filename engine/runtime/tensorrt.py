"""TensorRT: its options, and the engines it builds.

An engine is made for one graph, one card, one driver and one version of everything. So each has a folder of its own,
named by a hash of all that, and a new driver or bundle never meets an old engine. Building takes minutes. A folder
counts as built once a whole opening and a comparison with the CPU have succeeded; until then ``auto`` takes CUDA, and
the engines are built beside it (``engine.host.engines_ahead``) or by ``fluxstem doctor --build-engines``.
"""

from __future__ import annotations

import hashlib
import json
import logging
import shutil
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

from engine.bundle.library import user_cache_folder
from engine.runtime.devices import card_of
from engine.runtime.settings import BATCH_SIZES, SessionSettings

log = logging.getLogger(__name__)

BUILT = "built.json"
CONTEXT = "engine_ctx.onnx"  # the graph with its engine inside, where that was asked for
WORKSPACE_BYTES = 4 << 30
WORKSPACE_SHARE = 0.5  # of the card's free memory, where that is less
OPTIMISATION_LEVEL = 3
OLD_S = 90 * 24 * 3600.0
PROMPT_ROWS = 8  # most rows of an axis that counts prompts
_PACKAGES = ("tensorrt-cu13", "tensorrt-cu13-libs", "tensorrt", "onnxruntime-gpu")
_PRECISIONS = {"float16": "trt_fp16_enable", "bfloat16": "trt_bf16_enable"}

Axes = Mapping[str, Sequence[str | int]]


@dataclass(frozen=True, slots=True)
class EngineKey:
    """Everything that an engine depends on; another value of any of it is another engine.

    Attributes:
        graph_sha256: of the ONNX file.
        card, capability, driver: of the card it is built on.
        versions: of TensorRT and ONNX Runtime.
        precision: of the arithmetic.
        batch_sizes: that its profile covers.
    """

    graph_sha256: str
    card: str
    capability: str
    driver: str
    versions: tuple[str, ...]
    precision: str
    batch_sizes: tuple[int, ...]

    @property
    def folder(self) -> Path:
        """Where the engine is kept."""
        text = json.dumps(asdict(self), sort_keys=True).encode()
        return engines_folder() / hashlib.sha256(text).hexdigest()[:20]


def engines_folder() -> Path:
    """Where all engines are kept."""
    return user_cache_folder() / "tensorrt"


def engine_key(graph: Path, settings: SessionSettings) -> EngineKey:
    """The key of a graph's engine on a card as it is now."""
    card = card_of(settings.index)
    with graph.open("rb") as stream:
        sha256 = hashlib.file_digest(stream, "sha256").hexdigest()
    return EngineKey(
        graph_sha256=sha256,
        card=card.name if card else "",
        capability=card.capability if card else "",
        driver=card.driver if card else "",
        versions=tuple(f"{name} {version}" for name in _PACKAGES if (version := _version(name))),
        precision=settings.precision,
        batch_sizes=settings.batch_sizes or BATCH_SIZES,
    )


def is_built(graph: Path, settings: SessionSettings) -> bool:
    """True means that an engine for this very card, driver and graph was built and agreed with the CPU."""
    return (engine_key(graph, settings).folder / BUILT).is_file()


def mark_built(graph: Path, settings: SessionSettings) -> None:
    """Note that an engine is good; where that cannot be kept, it is built anew each time."""
    key = engine_key(graph, settings)
    try:
        key.folder.mkdir(parents=True, exist_ok=True)
        draft = key.folder / f"{BUILT}.{time.monotonic_ns()}"
        draft.write_text(json.dumps({"graph": graph.name, **asdict(key)}, indent=1), encoding="utf-8")
        draft.replace(key.folder / BUILT)
    except OSError as error:
        log.warning("an engine could not be kept: %s", error)


def drop_old_engines() -> int:
    """Remove the folders that no job has opened for months, or that never were finished; gives their number."""
    dropped = 0
    for folder in [one for one in engines_folder().glob("*") if one.is_dir()]:
        newest = max((file.stat().st_mtime for file in folder.rglob("*")), default=folder.stat().st_mtime)
        if time.time() - newest > OLD_S:
            shutil.rmtree(folder, ignore_errors=True)
            dropped += 1
    return dropped


def tensorrt_options(settings: SessionSettings, graph: Path, inputs: Axes | None = None) -> dict[str, str]:
    """Options of the TensorRT provider for one graph.

    Args:
        settings: device, precision, batch sizes and limits.
        graph: the file that is opened.
        inputs: name -> axes; None reads them from the bundle's manifest beside the graph.
    """
    folder = engine_key(graph, settings).folder
    folder.mkdir(parents=True, exist_ok=True)
    card = card_of(settings.index)
    free = settings.memory_limit_bytes or (card.free_bytes if card else 0)
    options = {
        "device_id": str(settings.index),
        "trt_max_workspace_size": str(min(WORKSPACE_BYTES, int(free * WORKSPACE_SHARE)) if free else WORKSPACE_BYTES),
        "trt_builder_optimization_level": str(OPTIMISATION_LEVEL),
        "trt_engine_cache_enable": "1",
        "trt_engine_cache_path": str(folder),
        "trt_engine_cache_prefix": graph.stem,
        "trt_timing_cache_enable": "1",
        "trt_timing_cache_path": str(engines_folder()),
        "trt_context_memory_sharing_enable": "1",
        "trt_force_sequential_engine_build": "1",  # two graphs that are tuned at once spoil each other's times
        "trt_layer_norm_fp32_fallback": "1",
    }
    if settings.precision in _PRECISIONS:
        options[_PRECISIONS[settings.precision]] = "1"
    if settings.embed_engine:
        options |= {
            "trt_dump_ep_context_model": "1",
            "trt_ep_context_embed_mode": "1",
            "trt_ep_context_file_path": str(folder / CONTEXT),
        }
    return options | profile_options(inputs if inputs is not None else manifest_inputs(graph), settings.batch_sizes)


def profile_options(inputs: Axes, sizes: Sequence[int]) -> dict[str, str]:
    """Shapes that an engine is built for: from the least to the greatest of the fixed batches, tuned for one of them.

    Without a profile TensorRT takes the shapes of the first run and builds anew, for minutes, at every other one.

    Args:
        inputs: name -> axes; a text is an axis whose length may change, ``P`` counts prompts and others the batch.
        sizes: the fixed batches; none means ``BATCH_SIZES``.
    """
    sizes = sorted(sizes or BATCH_SIZES)
    lengths = {
        "min": {"B": sizes[0], "P": 1},
        "opt": {"B": sizes[len(sizes) // 2], "P": 1},
        "max": {"B": sizes[-1], "P": PROMPT_ROWS},
    }
    moving = {name: axes for name, axes in inputs.items() if any(isinstance(axis, str) for axis in axes)}
    if not moving:
        return {}
    return {
        f"trt_profile_{which}_shapes": ",".join(
            f"{name}:{'x'.join(str(_length(axis, rows)) for axis in axes)}" for name, axes in moving.items()
        )
        for which, rows in lengths.items()
    }


def manifest_inputs(graph: Path) -> dict[str, list[str | int]]:
    """Inputs of a graph as the manifest beside it tells, name -> axes; none where it does not."""
    try:
        told = json.loads((graph.parent / "manifest.json").read_text(encoding="utf-8"))
        rows = [row for row in _graph_rows(told) if row["file"] == graph.name]
        return {str(name): list(axes) for name, axes in rows[0]["inputs"].items()} if rows else {}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}


def _graph_rows(told: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    found: list[Mapping[str, Any]] = []
    for value in told.values():
        if isinstance(value, dict):
            found += [value] if "inputs" in value and "file" in value else _graph_rows(value)
    return found


def _length(axis: str | int, rows: Mapping[str, int]) -> int:
    return axis if isinstance(axis, int) else rows["P" if axis == "P" else "B"]


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return ""
