"""Which arithmetic trains fastest here: bfloat16 autocast where the processor has matrix units for it, else float32.

Decided by a short probe, because the same code runs 8 times faster or 4 times slower in bfloat16 from one CPU to the
next. Knows nothing of models.
"""

from __future__ import annotations

import contextlib
import time
from functools import cache

import torch


def _matmul_s(dtype: torch.dtype) -> float:
    a, b = torch.ones(512, 512, dtype=dtype), torch.ones(512, 512, dtype=dtype)
    best_s = float("inf")
    for _ in range(6):
        began = time.perf_counter()
        a @ b
        best_s = min(best_s, time.perf_counter() - began)
    return best_s


@cache
def compute_dtype() -> torch.dtype:
    """``bfloat16`` where it multiplies matrices faster than ``float32``, else ``float32``."""
    if torch.cuda.is_available():
        return torch.bfloat16
    return torch.bfloat16 if _matmul_s(torch.bfloat16) < _matmul_s(torch.float32) else torch.float32


def autocast() -> contextlib.AbstractContextManager[object]:
    """Autocast to :func:`compute_dtype`; nothing where that is float32."""
    if compute_dtype() is torch.float32:
        return contextlib.nullcontext()
    return torch.autocast("cuda" if torch.cuda.is_available() else "cpu", torch.bfloat16)
