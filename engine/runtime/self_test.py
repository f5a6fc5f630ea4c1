"""Compare a graph on a device with the same graph on the CPU, once, before a job believes the device.

A provider can open a graph and answer quickly and wrongly: a driver with a fault, a kernel that rounds where it must
not, a plug-in of another version. So each graph is run once on both with the same numbers. The verdict is kept in the
user's cache, by graph, card, driver and versions, so that it costs a second once and nothing later.

A driver may also end the process that tries it, before there is a verdict. So a trial that is under way leaves a mark,
and a device whose trials ended their processes is not tried again for a day.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
import os
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from engine.bundle.library import user_cache_folder
from engine.errors import DeviceLost
from engine.live_process import process_lives
from engine.runtime.backend import Array, GraphSession, resident_session

log = logging.getLogger(__name__)

SEED = 20
LEVEL = 0.1  # of the numbers that are put in, about that of music
TOLERANCES = {"float32": 0.01, "tf32": 0.02, "float16": 0.05, "bfloat16": 0.1}  # RMS of the difference over RMS
TRIAL, LOST = ".trial", ".lost"  # suffixes of marks
DEAD_TRIALS = 2  # that ended without a word
TRIED_AGAIN_S = 24 * 3600.0  # a driver may have been mended meanwhile
FLOOR = 1e-6  # RMS below which an output counts as silence
_TYPES: dict[str, Any] = {
    "tensor(float)": np.float32, "tensor(float16)": np.float16, "tensor(double)": np.float64,
    "tensor(int64)": np.int64, "tensor(int32)": np.int32, "tensor(bool)": np.bool_, "tensor(uint8)": np.uint8,
}  # fmt: skip

InputSpecs = Mapping[str, tuple[str, tuple[int | str | None, ...]]]  # name -> type and axes, in ONNX Runtime's words


class ComparedSession(GraphSession, Protocol):
    """What is compared: a session that knows its inputs."""

    @property
    def inputs(self) -> InputSpecs:
        """Name -> type and axes."""
        ...


@dataclass(frozen=True, slots=True)
class Verdict:
    """How far a device is from the CPU.

    Attributes:
        error: largest RMS of a difference, as a share of the output's RMS; infinity for numbers that are none.
        output: the output in question.
        allowed: the tolerance.
    """

    error: float
    output: str
    allowed: float

    @property
    def is_good(self) -> bool:
        """Whether the device may answer jobs."""
        return self.error <= self.allowed


def trial_inputs(inputs: InputSpecs) -> dict[str, Array]:
    """One row of numbers for each input, the same every time."""
    rng = np.random.default_rng(SEED)
    made: dict[str, Array] = {}
    for name, (kind, axes) in inputs.items():
        shape = tuple(axis if isinstance(axis, int) and axis > 0 else 1 for axis in axes)
        dtype = _TYPES.get(kind, np.float32)
        if dtype is np.bool_:
            made[name] = rng.random(shape) < 0.5
        elif np.issubdtype(dtype, np.integer):
            made[name] = np.ones(shape, dtype)  # a token, or a mask that lets everything through
        else:
            made[name] = (LEVEL * rng.standard_normal(shape)).astype(dtype)
    return made


def compare(device: ComparedSession, cpu: ComparedSession, precision: str) -> Verdict:
    """Run both on the same numbers; where tensors stay on the device, once more on such tensors.

    Args:
        device: the graph on the device in question.
        cpu: the same graph on the CPU.
        precision: of the arithmetic on the device.

    Raises:
        DeviceError: one of them refused.
    """
    inputs = trial_inputs(cpu.inputs)
    expected, answers = cpu.run(inputs), [device.run(inputs)]
    resident = resident_session(device)
    if resident is not None:
        answers.append({name: tensor.numpy() for name, tensor in resident.run_tensors(inputs).items()})
    worst, output = 0.0, ""
    for got in answers:
        for name, wanted in expected.items():
            error = _distance(np.asarray(got[name], np.float64), np.asarray(wanted, np.float64))
            if error > worst or not output:
                worst, output = error, name
    return Verdict(worst, output, TOLERANCES[precision])


def _distance(got: Array, wanted: Array) -> float:
    if got.shape != wanted.shape or not np.isfinite(got).all():
        return float("inf")
    level = float(np.sqrt(np.mean(np.square(wanted))))
    return float(np.sqrt(np.mean(np.square(got - wanted)))) / max(level, FLOOR)


class VerdictFile:
    """The verdicts of earlier comparisons, and the marks of trials, a small file each.

    Args:
        folder: where they are kept; None takes the user's cache.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder or user_cache_folder() / "providers"

    def find(self, key: str) -> Verdict | None:
        """The verdict under a key, None where there is none or it cannot be read."""
        try:
            told = json.loads((self._folder / f"{key}.json").read_text(encoding="utf-8"))
            return Verdict(float(told["error"]), str(told["output"]), float(told["allowed"]))
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def keep(self, key: str, verdict: Verdict, **about: str) -> None:
        """Keep a verdict; where that cannot be, the comparison is made again at the next start."""
        row = {"error": verdict.error, "output": verdict.output, "allowed": verdict.allowed, **about}
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            draft = self._folder / f"{key}.{time.monotonic_ns()}"
            draft.write_text(json.dumps(row), encoding="utf-8")
            draft.replace(self._folder / f"{key}.json")
        except OSError as error:
            log.info("a comparison with the CPU could not be kept: %s", error)

    @contextlib.contextmanager
    def trial(self, key: str) -> Iterator[None]:
        """Mark that a graph is opened and run on a device for the first time; where that ends the process, it stays.

        Raises:
            DeviceLost: the device broke down, so that the process is to be replaced.
        """
        mark = self._folder / f"{key}.{os.getpid()}{TRIAL}"
        with contextlib.suppress(OSError):
            self._folder.mkdir(parents=True, exist_ok=True)
            mark.touch()
        try:
            yield
        except DeviceLost:
            with contextlib.suppress(OSError):
                mark.replace(self._folder / f"{key}{LOST}")
            raise
        except BaseException:
            mark.unlink(missing_ok=True)
            raise
        mark.unlink(missing_ok=True)

    def ends_processes(self, key: str) -> bool:
        """Whether earlier trials of a graph on a device ended their processes: once by its own words, else twice.

        A process may also have been ended by somebody else in the middle of a trial.
        """
        dead = 0
        with contextlib.suppress(OSError):
            for mark in self._folder.glob(f"{key}.*"):
                if mark.suffix not in (TRIAL, LOST):
                    continue
                if time.time() - mark.stat().st_mtime > TRIED_AGAIN_S:
                    mark.unlink(missing_ok=True)
                elif mark.suffix == LOST:
                    return True
                else:
                    pid = mark.stem.rpartition(".")[2]
                    dead += pid.isdecimal() and not process_lives(int(pid))
        return dead >= DEAD_TRIALS


def verdict_key(graph: Path, *about: str) -> str:
    """The name of a verdict: the contents of the graph, and everything else that decides it."""
    digest = hashlib.sha256("\0".join(about).encode())
    digest.update(graph.read_bytes())
    return digest.hexdigest()[:24]
