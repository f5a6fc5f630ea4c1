"""A fake ``DeviceRuntime`` for tests: devices that are not there and fail in every way, over the real runtime's CPU.

Every graph is really opened and run, on the CPU, so that the numbers of a device without fault are right. Where tensors
stay on the real device they stay in the fake one's memory, which is the host's.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from engine.errors import DeviceLost
from engine.runtime.backend import (
    PROVIDERS,
    Array,
    DeviceTensor,
    FloatArray,
    OutOfDeviceMemory,
    ResidentSession,
    resident_session,
)
from engine.runtime.devices import GraphicsCard
from engine.runtime.fallback import DeviceRuntime, DeviceSession
from engine.runtime.providers import ROWS
from engine.runtime.self_test import InputSpecs
from engine.runtime.settings import SessionSettings, padded_rows, settings_for


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceFault:
    """How a device fails; by default it works.

    Attributes:
        missing: why it cannot be tried, in words.
        gives: the provider that its sessions really have; "" for the right one.
        opens: how many graphs it opens before it refuses, as a library of a wrong version would; None for any number.
        opening_s: how long it takes to open a graph, in seconds.
        most_rows: rows of a run that fit; None for any number.
        memory_runs: runs after which its memory is full; None for never.
        lost_runs: runs after which it breaks down; None for never.
        wrong: what is added to every number that it gives.
        wrong_there: what is added to the tensors that stay in its memory alone.
        leaves: operators that it leaves to the CPU.
        hides: operators that it says it takes, and that then run on the CPU.
        takes_none: True means it takes no node of any graph.
    """

    missing: str = ""
    gives: str = ""
    opens: int | None = None
    opening_s: float = 0.0
    most_rows: int | None = None
    memory_runs: int | None = None
    lost_runs: int | None = None
    wrong: float = 0.0
    wrong_there: float = 0.0
    leaves: tuple[str, ...] = ()
    hides: tuple[str, ...] = ()
    takes_none: bool = False


class FakeRuntime:
    """See ``engine.runtime.fallback.DeviceRuntime``.

    Args:
        devices: the devices of this machine and how they fail, by rows of ``providers.ROWS``.
    """

    def __init__(
        self, devices: Mapping[str, DeviceFault], cpu: DeviceRuntime, cards: Sequence[GraphicsCard] = ()
    ) -> None:
        self._devices, self._cpu, self._cards = dict(devices), cpu, list(cards)
        self.opened: Counter[str] = Counter()  # graphs by device
        self.runs: Counter[str] = Counter()
        self.shapes: dict[str, set[tuple[int, ...]]] = {}  # of batches of all inputs that were run, by graph

    def installed(self, kind: str) -> bool:
        """See ``DeviceRuntime``."""
        return kind == "cpu" or kind in self._devices

    def missing(self, kind: str, index: int) -> str:
        """See ``DeviceRuntime``."""
        if kind not in self._devices:
            return f"this runtime was built without {PROVIDERS[kind]}; install {ROWS[kind].install}"
        return self._devices[kind].missing

    def hardware(self, kind: str) -> tuple[str, ...]:
        """See ``DeviceRuntime``."""
        return ROWS[kind].hardware

    def card(self, index: int, fresh: bool = False) -> GraphicsCard | None:
        """See ``DeviceRuntime``."""
        return next((card for card in self._cards if card.index == index), None)

    def version(self, kind: str) -> str:
        """See ``DeviceRuntime``."""
        return "1.0"

    def open(self, path: Path, settings: SessionSettings) -> DeviceSession:
        """See ``DeviceRuntime``."""
        here = settings_for("cpu")
        if settings.kind != "cpu":
            here = replace(here, resident=settings.resident, batch_sizes=settings.batch_sizes)
        real = self._cpu.open(path, here)
        self.opened[settings.kind] += 1
        if settings.kind == "cpu":
            return real
        fault = self._devices[settings.kind]
        time.sleep(fault.opening_s)
        if fault.opens is not None and self.opened[settings.kind] > fault.opens:
            raise RuntimeError("cudnn64_9 is of version 8, and 9 is needed\n  in a stack trace that nobody wants")
        shapes = self.shapes.setdefault(path.stem, set())
        return _FaultySession(real, settings, fault, self.runs, shapes)

    def nodes_run(self, path: Path, settings: SessionSettings) -> Mapping[str, Counter[str]]:
        """See ``DeviceRuntime``."""
        session = self.open(path, settings)
        if settings.kind != "cpu" and self._devices[settings.kind].hides:
            hidden = Counter(dict.fromkeys(self._devices[settings.kind].hides, 1))
            return {PROVIDERS[settings.kind]: Counter({"MatMul": 3}), PROVIDERS["cpu"]: hidden}
        return session.placement


class _FaultySession:
    """A graph on a device with a fault; see ``engine.runtime.fallback.DeviceSession``."""

    def __init__(
        self, real: DeviceSession, settings: SessionSettings, fault: DeviceFault, runs: Counter[str],
        shapes: set[tuple[int, ...]],
    ) -> None:  # fmt: skip
        self._real, self._kind, self._fault, self._runs = real, settings.kind, fault, runs
        self._sizes, self._shapes = settings.batch_sizes, shapes

    @property
    def providers(self) -> list[str]:
        """See ``DeviceSession``."""
        return [self._fault.gives or PROVIDERS[self._kind], PROVIDERS["cpu"]]

    @property
    def inputs(self) -> InputSpecs:
        """See ``DeviceSession``."""
        return self._real.inputs

    @property
    def placement(self) -> dict[str, Counter[str]]:
        """See ``DeviceSession``."""
        left = Counter(dict.fromkeys(self._fault.leaves, 1))
        if self._fault.takes_none:
            return {PROVIDERS["cpu"]: Counter({"Conv": 1})}
        return {PROVIDERS[self._kind]: Counter({"MatMul": 3}), PROVIDERS["cpu"]: left}

    @property
    def resident(self) -> ResidentSession | None:
        """See ``engine.runtime.backend.resident_session``."""
        real = resident_session(self._real)
        return None if real is None else _FaultyResident(real, self, self._fault.wrong_there)

    def shrink(self) -> None:
        """See ``DeviceSession``."""

    def run(self, inputs: Mapping[str, Array], wanted: Sequence[str] = ()) -> dict[str, FloatArray]:
        """See ``DeviceSession``."""
        self.fail_or_go_on({name: len(values) for name, values in inputs.items()})
        return {name: value + self._fault.wrong for name, value in self._real.run(inputs, wanted).items()}

    def fail_or_go_on(self, rows_of: Mapping[str, int]) -> None:
        """Count a run of so many rows of each input, and fail it where the device does."""
        fault, number, rows = self._fault, self._runs[self._kind], next(iter(rows_of.values()))
        self._shapes.add(tuple(padded_rows(rows_of[name], self._sizes) for name in sorted(rows_of)))
        self._runs[self._kind] += 1
        if fault.lost_runs is not None and number >= fault.lost_runs:
            raise DeviceLost(
                "the device broke down while it ran {graph} ({reason})", graph="a graph", reason="CUDA 719"
            )
        too_many = fault.most_rows is not None and rows > fault.most_rows
        if too_many or (fault.memory_runs is not None and number >= fault.memory_runs):
            raise OutOfDeviceMemory("{rows} windows do not fit", rows=rows)


class _FaultyResident:
    """The same, for tensors that stay on the device; see ``engine.runtime.backend.ResidentSession``."""

    def __init__(self, real: ResidentSession, session: _FaultySession, wrong: float) -> None:
        self._real, self._session, self._wrong = real, session, wrong
        self.batch_sizes = real.batch_sizes
        self.put, self.keep, self.host_array, self.beside = real.put, real.keep, real.host_array, real.beside

    def run(self, inputs: Mapping[str, Array], wanted: Sequence[str] = ()) -> dict[str, FloatArray]:
        """See ``GraphSession``."""
        return self._session.run(inputs, wanted)

    def run_resident(
        self, inputs: Mapping[str, DeviceTensor], outputs: Mapping[str, DeviceTensor], recording: int = 0
    ) -> None:
        """See ``ResidentSession``."""
        self._session.fail_or_go_on({name: one.shape[0] for name, one in inputs.items()})
        self._real.run_resident(inputs, outputs, recording)

    def run_tensors(
        self, inputs: Mapping[str, DeviceTensor | Array], wanted: Sequence[str] = ()
    ) -> dict[str, DeviceTensor]:
        """See ``ResidentSession``."""
        self._session.fail_or_go_on({name: one.shape[0] for name, one in inputs.items()})
        given = self._real.run_tensors(inputs, wanted)
        if self._wrong:
            for tensor in given.values():
                tensor.update(tensor.numpy() + self._wrong)
        return given
