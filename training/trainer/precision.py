"""Precision of training: bfloat16 autocast where it is faster on this machine, else float32, or as asked.

Decided by a short probe, because the same code runs 8 times faster or 4 times slower in bfloat16 from one CPU to the
next. A run keeps what it began with, on every device that it is resumed on. Float16 is not offered: it needs loss
scaling, and the GPUs that can train this at all have bfloat16.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from functools import cache

import torch

DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16}
CHOICES = ("auto", *DTYPES)

_settled: torch.dtype | None = None


def _matmul_s(dtype: torch.dtype) -> float:
    a, b = torch.ones(512, 512, dtype=dtype), torch.ones(512, 512, dtype=dtype)
    best_s = float("inf")
    for _ in range(6):
        began = time.perf_counter()
        a @ b
        best_s = min(best_s, time.perf_counter() - began)
    return best_s


@cache
def _fastest() -> torch.dtype:
    if torch.cuda.is_available():
        return torch.bfloat16 if torch.cuda.is_bf16_supported(including_emulation=False) else torch.float32
    return torch.bfloat16 if _matmul_s(torch.bfloat16) < _matmul_s(torch.float32) else torch.float32


def compute_dtype() -> torch.dtype:
    """The precision that was set, else ``bfloat16`` where its matrix products are faster, else ``float32``."""
    return _settled or _fastest()


def set_precision(choice: str) -> None:
    """Set the precision of this process: ``fp32``, ``bf16``, or ``auto`` for whichever the probe finds faster.

    Raises:
        ValueError: no such arithmetic.
    """
    global _settled
    if choice not in CHOICES:
        raise ValueError(f"unknown precision {choice!r}; choose one of {', '.join(CHOICES)}")
    _settled = DTYPES.get(choice)


def precision_name() -> str:
    """The precision in use, ``fp32`` or ``bf16``."""
    return next(name for name, dtype in DTYPES.items() if dtype is compute_dtype())


def autocast() -> contextlib.AbstractContextManager[object]:
    """Autocast to :func:`compute_dtype`; nothing where that is float32."""
    if compute_dtype() is torch.float32:
        return contextlib.nullcontext()
    return torch.autocast("cuda" if torch.cuda.is_available() else "cpu", torch.bfloat16)


@contextlib.contextmanager
def flushed_denormals() -> Iterator[None]:
    """Take subnormal numbers for 0 in this thread, which fading sound makes and which cost ten times the time.

    Ends with the block: whoever computes in this thread afterwards counts on IEEE 754.
    """
    torch.set_flush_denormal(True)
    try:
        yield
    finally:
        torch.set_flush_denormal(False)
