"""Build the TensorRT engines of a bundle, in a process of its own: it takes minutes, and needs Python's lock.

Standard output has a line of JSON for each graph. The process leaves when its standard input is closed, so that it does
not outlive whoever started it.
"""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from engine.bundle.bundle import load_bundle
from engine.bundle.trust import check_bundle
from engine.errors import EngineError
from engine.request import Device, Precision
from engine.runtime.devices import DeviceChoice
from engine.runtime.fallback import DeviceRuntime, OnnxBackend
from engine.runtime.settings import PRECISIONS
from engine.runtime.tensorrt import drop_old_engines

_BOOT = "import sys; r = sys.argv[1]; r in sys.path or sys.path.insert(0, r); "
_BOOT += "from engine.runtime.engine_build import main; main(sys.argv[2:])"
NICE = 10
LOOK_S = 0.2


@dataclass(frozen=True, slots=True)
class BuildStep:
    """How far a build is.

    Attributes:
        done, count: graphs that are finished, and all of them.
        graph: the one that was finished last, "" before the first.
        why: why it has no engine, "" where it has one.
        under_way: the graph that is built now, "" after the last.
    """

    done: int
    count: int
    graph: str = ""
    why: str = ""
    under_way: str = ""


ON_STEP: list[Callable[[BuildStep], None]] = []  # told of each step of a build of this process; 0 of 0 is its end


def build_engines(
    folder: Path, device: Device, tell: Callable[[BuildStep], None], embed: bool = False,
    precision: Precision = "float32", runtime: DeviceRuntime | None = None,
) -> bool:  # fmt: skip
    """Build the engine of every graph of a bundle and compare it with the CPU; those that are there stay.

    Args:
        device: ``tensorrt``, or another device with the number of a card, which is then taken.
        tell: is told how far it is.
        embed: also write each graph with its engine inside (EP context), which opens faster.
        runtime: opens graphs; None takes ONNX Runtime.

    Returns:
        Whether all graphs have one.

    Raises:
        EngineError: the bundle cannot be used, or TensorRT is not there.
    """
    bundle = load_bundle(folder)
    check_bundle(bundle)
    index = DeviceChoice.of(device).index
    tensorrt = str(DeviceChoice("tensorrt", index))
    backend = OnnxBackend(tensorrt, runtime, precision=precision, embed_engines=embed)
    drop_old_engines()
    graphs = sorted(folder.glob("*.onnx"))
    is_whole = True
    names = [*(graph.name for graph in graphs), ""]
    tell(BuildStep(0, len(graphs), under_way=names[0]))
    for number, graph in enumerate(graphs, start=1):
        why = ""
        try:
            backend.open(graph)
        except EngineError as error:
            is_whole, why = False, str(error)
        tell(BuildStep(number, len(graphs), graph.name, why, names[number]))
    return is_whole


class EngineBuild:
    """A build in a process of its own.

    Args:
        precision, embed: see ``build_engines``.
        command: runs it; None runs this module.

    Attributes:
        step: how far it is.
        why: why it failed, "" while it did not.

    Raises:
        OSError: no process can be started.
    """

    def __init__(
        self, folder: Path, device: Device, precision: Precision = "float32", embed: bool = False,
        command: list[str] | None = None,
    ) -> None:  # fmt: skip
        root = str(Path(__file__).resolve().parents[2])
        command = command or [sys.executable, "-P", "-c", _BOOT, root]
        self.step, self.why = BuildStep(0, 0), ""
        self._process = subprocess.Popen(
            [*command, str(folder), device, precision, *(["embed"] if embed else [])],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
        )  # fmt: skip
        self._reader = threading.Thread(target=self._read, name="fluxstem-engines", daemon=True)
        self._reader.start()

    @property
    def is_over(self) -> bool:
        """Whether it has ended."""
        return self._process.poll() is not None and not self._reader.is_alive()

    @property
    def is_good(self) -> bool:
        """Whether it has ended with an engine for every graph."""
        return self.is_over and self._process.returncode == 0

    def steps(self, at_least_s: float = math.inf) -> Iterator[BuildStep]:
        """How far it is, whenever that changes and at least every so many seconds, until it ends."""
        last, told_s = self.step, time.monotonic()
        while not self.is_over:
            self._reader.join(min(LOOK_S, at_least_s))
            if self.step != last or time.monotonic() - told_s >= at_least_s:
                last, told_s = self.step, time.monotonic()
                yield last

    def close(self) -> None:
        """End it."""
        if self._process.stdin is not None:
            self._process.stdin.close()
        self._process.kill()
        self._process.wait()

    def _read(self) -> None:
        for line in self._process.stdout or ():
            try:
                told: dict[str, Any] = json.loads(line)
                self.why = told.pop("failed", "") or self.why
                self.step = BuildStep(**told) if told else self.step
                self.why = self.step.why or self.why
                self._tell(self.step)
            except (ValueError, TypeError):  # whatever a library prints
                continue
        self._process.wait()
        self._tell(BuildStep(0, 0))

    @staticmethod
    def _tell(step: BuildStep) -> None:
        for tell in ON_STEP:
            tell(step)


def main(words: list[str]) -> None:
    """Build, for the words that ``EngineBuild`` appends to its command; never returns."""
    out = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # libraries print
    threading.Thread(target=_leave_with_parent, daemon=True).start()
    if hasattr(os, "nice"):
        os.nice(NICE)

    def tell(row: dict[str, Any]) -> None:
        print(json.dumps(row), file=out, flush=True)

    try:
        folder, device, precision, *others = words
        wanted = next(one for one in PRECISIONS if one == precision)
        good = build_engines(Path(folder), device, lambda step: tell(asdict(step)), "embed" in others, wanted)
    except EngineError as error:
        tell({"failed": " ".join(str(error).splitlines())})
        good = False
    os._exit(0 if good else 1)


def _leave_with_parent() -> None:
    sys.stdin.read()
    os._exit(1)
