"""The processes that train together: one, or as many as torchrun (or plain variables) started, one device each.

A step of a run is made of numbered *parts*, micro-batches that depend on their number alone. Parts are dealt to the
processes in turn, so every process has its own and none is met twice; how many processes there are changes who
computes what, never what is computed. Built on Hugging Face Accelerate: it chooses device and backend, wraps the model
for data parallel training and holds the communication back until the last part.
"""

from __future__ import annotations

import atexit
import contextlib
import dataclasses
import os
from collections.abc import Iterator
from contextlib import AbstractContextManager
from datetime import timedelta
from typing import Any, cast

import torch
from accelerate import Accelerator, DistributedDataParallelKwargs, InitProcessGroupKwargs
from torch import Tensor, nn

PATIENCE = timedelta(days=1)  # the others wait while the first process renders and encodes


class Distributed:
    """The processes of this run and the device of this one.

    Attributes:
        size: number of processes, one device each.
        rank: number of this process.
        device: where this process computes; the first GPU of its own, else the processor.
    """

    def __init__(self) -> None:
        if int(os.environ.get("WORLD_SIZE", "1")) > 1:
            os.environ.setdefault("LOCAL_RANK", os.environ.get("RANK", "0"))  # started by hand, on one machine
        # A part of the network may sit out a batch (a condition that no example has), and all buffers are constants.
        parallel = DistributedDataParallelKwargs(find_unused_parameters=True, broadcast_buffers=False)
        patient = InitProcessGroupKwargs(timeout=PATIENCE)
        self._accelerator = Accelerator(cpu=not torch.cuda.is_available(), kwargs_handlers=[parallel, patient])
        self.size, self.rank = self._accelerator.num_processes, self._accelerator.process_index
        self.device: torch.device = self._accelerator.device
        if self.size > 1 and self.device.type == "cpu":
            atexit.register(_leave)

    @property
    def first(self) -> bool:
        """True for the process that logs and saves."""
        return self.rank == 0

    def share(self, parts: int) -> int:
        """Number of parts of a step that each process takes.

        Raises:
            ValueError: the processes cannot share them evenly.
        """
        if parts % self.size:
            allowed = ", ".join(str(n) for n in range(1, parts + 1) if parts % n == 0)
            raise ValueError(
                f"a step of this run has {parts} parts, which {self.size} processes cannot share evenly; "
                f"start it with {allowed} processes"
            )
        return parts // self.size

    def parallel(self, module: nn.Module) -> nn.Module:
        """The module on this process's device, its gradients averaged over all processes after each backward pass."""
        return cast(nn.Module, self._accelerator.prepare_model(module))

    def apart(self, module: nn.Module) -> AbstractContextManager[None]:
        """Context in which backward passes only accumulate gradients here, without synchronising."""
        return cast(AbstractContextManager[None], self._accelerator.no_sync(module))

    def mean(self, values: list[float]) -> list[float]:
        """Numbers averaged over all processes; every process gets the same."""
        if self.size == 1:
            return values
        given = torch.tensor(values, dtype=torch.float64, device=self.device)
        return [float(v) for v in self._accelerator.reduce(given, "mean")]

    def agreed(self, value: float) -> float:
        """The first process's value, bit for bit, on every process."""
        if self.size == 1:
            return value
        told = torch.tensor([value if self.first else 0.0], dtype=torch.float64, device=self.device)
        return float(self._accelerator.reduce(told, "sum"))

    @contextlib.contextmanager
    def in_turn(self) -> Iterator[None]:
        """The first process enters first, the others when it has left: for files that it writes and all read."""
        with self._accelerator.main_process_first():
            yield

    def wait(self) -> None:
        """Wait for all processes."""
        self._accelerator.wait_for_everyone()


def to_device(batch: Any, device: torch.device) -> Any:
    """A batch on a device: a tensor, or dataclasses, tuples, lists and dicts of tensors; anything else as it is."""
    if device.type == "cpu":
        return batch
    if isinstance(batch, Tensor):
        return batch.to(device, non_blocking=True)
    if dataclasses.is_dataclass(batch) and not isinstance(batch, type):
        parts = {f.name: to_device(getattr(batch, f.name), device) for f in dataclasses.fields(batch)}
        return dataclasses.replace(batch, **parts)
    if isinstance(batch, (list, tuple)):
        return type(batch)(to_device(value, device) for value in batch)
    if isinstance(batch, dict):
        return {name: to_device(value, device) for name, value in batch.items()}
    return batch


def _leave() -> None:
    if torch.distributed.is_initialized():
        torch.distributed.destroy_process_group()
