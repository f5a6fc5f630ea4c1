"""What a session is opened with: device, precision, batch sizes, memory.

Whoever chooses the device fills in a ``SessionSettings``; ``engine.runtime.onnx`` opens graphs with it, and
``engine.runtime.providers`` turns it into the options of ONNX Runtime's execution providers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import get_args

from engine.request import Precision

PRECISIONS: tuple[Precision, ...] = get_args(Precision)

# What each kind of device can compute with; any other kind float32 alone.
PRECISIONS_OF: dict[str, tuple[Precision, ...]] = {
    "cuda": ("float32", "tf32", "float16"),
    "tensorrt": ("float32", "tf32", "float16", "bfloat16"),
}
CONVERTS_ITSELF = ("tensorrt",)  # kinds that are given graphs in float32 whatever they compute with

# Rows of a batch. Kernels chosen by trial, CUDA graphs and TensorRT engines are made once for each shape, so that there
# are few shapes and a batch between two of them is padded.
BATCH_SIZES = (1, 2, 4, 8, 16, 32)


@dataclass(frozen=True, slots=True)
class SessionSettings:
    """How the graphs of a bundle are opened on one device.

    Attributes:
        kind: a row of ``engine.runtime.backend.PROVIDERS``: ``cpu``, ``cuda``, ...
        index: which device of that kind.
        memory: where tensors that stay between runs are kept, in the words of ONNX Runtime: ``cpu`` or ``cuda``.
        resident: latents stay in that memory over all steps; else every run takes and gives arrays.
        precision: of the arithmetic; weights are converted when a graph is opened.
        batch_sizes: a batch is padded to the next of these; none leaves batches as they are.
        memory_limit_bytes: the provider's arena grows to this at most; None sets no limit.
        embed_engine: TensorRT writes its engine into a copy of the graph, which is opened from then on.
        capture: record CUDA graphs of graphs that allow it, and replay them.
        profile: beginning of the path of a file that tells what ran where; "" writes none.
    """

    kind: str = "cpu"
    index: int = 0
    memory: str = "cpu"
    resident: bool = False
    precision: Precision = "float32"
    batch_sizes: tuple[int, ...] = ()
    memory_limit_bytes: int | None = None
    capture: bool = False
    embed_engine: bool = False
    profile: str = ""


def settings_for(kind: str, index: int = 0, precision: Precision = "float32") -> SessionSettings:
    """The usual settings of a device: on NVIDIA cards tensors stay on the card and batches have fixed sizes."""
    if kind not in ("cuda", "tensorrt"):
        return SessionSettings(kind, index, precision=precision)
    return SessionSettings(kind, index, "cuda", True, precision, BATCH_SIZES, capture=kind == "cuda")


def padded_rows(rows: int, sizes: Sequence[int]) -> int:
    """Rows of the batch that ``rows`` are padded to: the least of ``sizes`` that holds them, else ``rows``."""
    return min((size for size in sizes if size >= rows), default=rows)
