"""Graphs in float16 beside those in float32: converted once, kept in the cache folder, the same for all processes.

Inputs, outputs and everything between two runs stay float32, so latents add up over the steps as finely as before. The
converter is ONNX Runtime's own and needs the package ``onnx``.
"""

from __future__ import annotations

import contextlib
import hashlib
import logging
import os
import uuid
from pathlib import Path

from engine.bundle.library import user_cache_folder
from engine.errors import DeviceError
from engine.version import engine_version

log = logging.getLogger(__name__)

FORMAT = 1  # of the conversion; a change of its rules makes all older files unknown
# Encoders of prompts run once a job, in milliseconds, and what they say decides everything after them.
FLOAT32_GRAPHS = ("text", "story", "audio", "scene")
# Sums over many numbers, which float16 would round on the way or could not hold.
FLOAT32_OPERATORS = ("InstanceNormalization", "LayerNormalization", "ReduceMean", "ReduceSum", "Pow", "STFT", "DFT")


def half_graph(graph: Path) -> Path:
    """The same graph in float16, or itself where it is one that stays in float32.

    Raises:
        DeviceError: the converter is not installed, or the folder cannot be written.
    """
    if graph.stem in FLOAT32_GRAPHS:
        return graph
    from engine.runtime.onnx_plugins import runtime_version

    folder = user_cache_folder() / "half"
    said = (FORMAT, engine_version(), runtime_version(), FLOAT32_OPERATORS, _sha256(graph))
    path = folder / f"{graph.stem}-{hashlib.sha256(repr(said).encode()).hexdigest()[:32]}.onnx"
    if not path.exists():
        data = _converted(graph)
        try:
            folder.mkdir(parents=True, exist_ok=True)
            _publish(path, data)
        except OSError as error:
            raise DeviceError(
                "the graph in float16 cannot be kept in {folder} ({reason}); make room there, or choose --precision "
                "float32", folder=folder, reason=error.strerror,
            ) from error  # fmt: skip
    return path


def _converted(graph: Path) -> bytes:
    try:
        import onnx
        from onnxruntime.transformers.float16 import DEFAULT_OP_BLOCK_LIST, convert_float_to_float16
    except ImportError as error:
        raise DeviceError(
            "float16 needs a package that is not installed ({reason}); install fluxstem[half], or choose --precision "
            "float32 or tf32", reason=error,
        ) from error  # fmt: skip
    log.info("converting %s to float16", graph.name)
    blocked = [*DEFAULT_OP_BLOCK_LIST, *FLOAT32_OPERATORS]
    model = convert_float_to_float16(onnx.load(graph), keep_io_types=True, op_block_list=blocked)
    data: bytes = model.SerializeToString()
    return data


def _publish(path: Path, data: bytes) -> None:
    """Write a file under another name and rename it once it is whole; another process may do the same meanwhile."""
    partial = path.with_name(f"{path.stem}.{uuid.uuid4().hex}.partial")
    try:
        partial.write_bytes(data)
        os.replace(partial, path)
    except OSError:
        with contextlib.suppress(OSError):
            partial.unlink(missing_ok=True)
        if not path.exists():  # on Windows a file that another process has open cannot be replaced
            raise


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
