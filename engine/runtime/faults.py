"""What an error of ONNX Runtime or of a driver means, by its words: they have no numbers in common."""

from __future__ import annotations

import re
from typing import Literal

Fault = Literal["memory", "lost", "graph", "other"]

_MEMORY = (
    "out of memory", "failed to allocate", "bad_alloc", "bad allocation", "cudaerrormemoryallocation",
    "not enough memory", "cublas_status_alloc_failed", "cudnn_status_alloc_failed", "8007000e",
)  # fmt: skip
# After one of these every call of the process to the device fails, so that only a new process helps. Numbers are those
# of CUDA's driver: illegal address, launch timeout, hardware stack, misaligned address, assert, launch failure, ECC.
_LOST_NUMBERS = (46, 214, 220, 700, 702, 709, 710, 714, 715, 716, 717, 718, 719, 999)
_LOST = (
    "illegal memory access", "illegal address", "unspecified launch failure", "launch timed out", "device-side assert",
    "misaligned address", "uncorrectable ecc", "illegal instruction", "hardware stack error", "context is destroyed",
    "device removed", "device_removed", "device lost", "887a0005", "887a0006", "887a0007", "gpu has fallen off the bus",
)  # fmt: skip
_GRAPH = ("INVALID_PROTOBUF", "INVALID_GRAPH", "Load model", "ModelProto", "NO_SUCHFILE", "NOT_IMPLEMENTED")
_NUMBER = re.compile(r"\bcu(?:da|blas|dnn|fft)\w*\s+(?:failure|error)\s*[:=]?\s*(\d+)", re.IGNORECASE)


def fault_of(said: str) -> Fault:
    """What went wrong.

    Args:
        said: the words of the exception.

    Returns:
        ``memory``: it did not fit, fewer rows may. ``lost``: the device answers no more in this process. ``graph``: the
        file is none that this runtime can read. ``other``: anything else.
    """
    words = said.lower()
    if any(one in words for one in _MEMORY):
        return "memory"
    if any(one in words for one in _LOST) or any(int(number) in _LOST_NUMBERS for number in _NUMBER.findall(said)):
        return "lost"
    return "graph" if any(one in said for one in _GRAPH) else "other"
