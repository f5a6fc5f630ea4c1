"""Engines on a Ray cluster: one actor for each, which owns a GPU or some cores, and does one file after the other.

The files of the batch must be where every machine sees them under the same path, and so must the results, unless they
go to a URL. Ray's usage statistics are off in this process and in those of the engines; whoever starts the cluster
switches off those of its head: ``ray start --head --disable-usage-stats``.
"""

from __future__ import annotations

import itertools
import logging
import os
import socket
import time
import uuid
from collections import deque
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from engine.batch.find import WorkItem
from engine.batch.local import fetch
from engine.batch.stores import WORK, FolderStore, ResultStore
from engine.batch.work import BatchRequest, ItemOutcome, Watch, failed_outcome, outcome_of
from engine.errors import AudioError, DeviceError, EngineError, HostError, OutputError, RequestError
from engine.host.client import Engine
from engine.version import engine_version

log = logging.getLogger(__name__)

AHEAD = 2  # files of one engine: the one it does, and the next, which waits beside it
TRIES = 3  # of a file whose engine or machine was lost while it was worked on
LOSSES_LIMIT = 1000  # engines that may be lost in a row, without any file done between
STILLBORN_LIMIT = 5  # engines in a row that may die before they are ready, while no other one works
PAUSE_LIMIT_S = 60.0  # between two tries to start engines where they die before they are ready
START_LIMIT_S = 180.0  # for the first engine of a cluster to be ready
USUAL_CORES = 4
KNOCK_LIMIT_S = 10.0
MOST_ENGINES = 10_000
REASON_CHARACTERS = 200
WAIT_S = 1.0
NO_STATISTICS = {"RAY_USAGE_STATS_ENABLED": "0", "RAY_USAGE_STATS_PROMPT_ENABLED": "0"}


class EngineActor:
    """One engine on a machine of the cluster.

    Args:
        cores: threads for its graphs.
    """

    def __init__(self, cores: int) -> None:
        os.environ["FLUXSTEM_THREADS"] = str(cores)
        self._engine = Engine()
        self._name = f"{os.uname().nodename if hasattr(os, 'uname') else 'machine'}:{os.getpid()}"

    def version(self) -> str:
        """Of the engine there; once it answers, the actor is ready."""
        return engine_version()

    def work(self, asked: BatchRequest, item: WorkItem, store: ResultStore, stage: str) -> ItemOutcome:
        """Do one file. Called for the next one meanwhile: that is fetched, decoded, and waits in the engine's queue.

        Args:
            stage: private folder of its results.
        """
        started_s = time.perf_counter()
        fetch(item.source)
        try:
            self._check_shared(item, store)
            with store.workspace(stage) as folder:
                done = self._engine.wait(self._engine.submit(asked.of_file(item, folder)))
                out = f"{store.place}/{item.folder}".rstrip("/")
                return outcome_of(item, stage, done, folder, out, self._name)
        except EngineError as error:
            return failed_outcome(item, error, self._name, time.perf_counter() - started_s)

    def _check_shared(self, item: WorkItem, store: ResultStore) -> None:
        if not os.path.isfile(item.source):
            raise AudioError(
                "the machine of {worker} does not see {path}; put the files on a share that all machines have",
                worker=self._name, path=item.source,
            )  # fmt: skip
        if isinstance(store, FolderStore) and not (Path(store.place) / WORK).is_dir():
            raise OutputError(
                "the machine of {worker} does not see {folder}; choose a share that all machines have, or a URL",
                worker=self._name, folder=store.place,
            )  # fmt: skip


@dataclass(eq=False)
class _PooledActor:
    """One actor and the files that it has; ``ready`` turns true when it has answered."""

    actor: Any
    greeting: Any
    ready: bool = False
    work: dict[Any, tuple[WorkItem, int]] = field(default_factory=dict)  # reference -> file, which try; in order


class ClusterRunner:
    """See ``Runner``.

    Args:
        address: ``auto``, or ``host:port`` of the cluster.
        cores: for one engine; None means ``USUAL_CORES``, or all of a machine that has fewer.
        engines: how many at most; None means as many as fit.
        engines_per_gpu: how many share a GPU: while one reads or writes, another has it.

    Raises:
        RequestError: Ray is not installed, or no cluster answers.
    """

    def __init__(
        self, asked: BatchRequest, store: ResultStore, address: str, cores: int | None = None,
        engines: int | None = None, engines_per_gpu: int = 1,
    ) -> None:  # fmt: skip
        self._asked = asked
        self._store = store
        self._most = engines
        self._ray = _connected(address)
        self._cores, self._gpus = _share(self._ray, cores, asked.request.device, engines_per_gpu)
        self._actor = self._ray.remote(EngineActor)
        self._pool: list[_PooledActor] = []
        self._losses = self._stillborn = 0
        self._next_start_s = 0.0
        self._run = uuid.uuid4().hex[:8]
        self._numbers = itertools.count(1)

    @property
    def engines(self) -> int:
        """How many engines the cluster has room for now."""
        rooms = (_room(node["Resources"], self._cores, self._gpus) for node in self._ray.nodes() if node["Alive"])
        return min(sum(rooms), self._most or MOST_ENGINES)

    def run(self, items: Sequence[WorkItem], watch: Watch) -> Generator[ItemOutcome, None, None]:
        """See ``Runner``."""
        todo = deque((item, 1) for item in items)
        if isinstance(self._store, FolderStore):
            (Path(self._store.place) / WORK).mkdir(parents=True, exist_ok=True)
        try:
            alive_s = time.monotonic()
            while todo or any(pooled.work for pooled in self._pool):
                self._fill_pool(len(todo))
                self._hand_out(todo, watch)
                if any(pooled.ready for pooled in self._pool):
                    alive_s = time.monotonic()
                if time.monotonic() - alive_s > START_LIMIT_S:
                    raise DeviceError(
                        "the cluster gave no engine within {limit_s:g} s; each needs {cores} cores and {gpus} GPUs of "
                        "one machine", limit_s=START_LIMIT_S, cores=self._cores, gpus=self._gpus,
                    )  # fmt: skip
                yield from self._collect(todo)
        finally:
            for pooled in self._pool:
                self._ray.kill(pooled.actor)
            self._ray.shutdown()

    def _fill_pool(self, waiting: int) -> None:
        """As many actors as there is room and work for; those lost are replaced, and new machines get some."""
        if time.monotonic() < self._next_start_s:
            return
        self._next_start_s = time.monotonic() + WAIT_S
        wanted = min(self.engines, waiting + sum(bool(pooled.work) for pooled in self._pool))
        while len(self._pool) < wanted:
            actor = self._actor.options(
                num_cpus=self._cores, num_gpus=self._gpus, max_concurrency=AHEAD, max_restarts=0, max_task_retries=0
            ).remote(self._cores)
            self._pool.append(_PooledActor(actor, actor.version.remote()))

    def _hand_out(self, todo: deque[tuple[WorkItem, int]], watch: Watch) -> None:
        """Give every engine that is ready its next file, at most ``AHEAD``; the others stay in the list here."""
        for depth in range(AHEAD):
            for pooled in self._pool:
                if not pooled.ready or not todo or len(pooled.work) > depth:
                    continue
                item, attempt = todo.popleft()
                stage = f"{WORK}/{self._run}-{next(self._numbers)}"
                pooled.work[pooled.actor.work.remote(self._asked, item, self._store, stage)] = item, attempt
                watch(item, 0.0, "on the cluster")

    def _collect(self, todo: deque[tuple[WorkItem, int]]) -> Iterator[ItemOutcome]:
        """What has ended since; the files of a lost engine go back to the list."""
        waiting = {reference: pooled for pooled in self._pool for reference in pooled.work}
        waiting |= {pooled.greeting: pooled for pooled in self._pool if not pooled.ready}
        if not waiting:
            time.sleep(WAIT_S)
            return
        ended, _ = self._ray.wait(list(waiting), num_returns=1, timeout=WAIT_S)
        for reference in ended:
            pooled = waiting[reference]
            try:
                answer = self._ray.get(reference)
            except self._ray.exceptions.RayActorError as error:
                yield from self._lose(pooled, todo, error)
                continue
            except self._ray.exceptions.RayError as error:  # a fault of ours in the actor, which lives on
                answer = _failed_task(pooled.work.get(reference), error)
            if reference == pooled.greeting:
                self._check_version(answer)
                pooled.ready = True
                self._stillborn = 0
                continue
            item, attempt = pooled.work.pop(reference)
            if answer.error_kind == HostError.__name__ and attempt < TRIES:
                todo.appendleft((item, attempt + 1))
                continue
            self._losses = 0
            yield answer

    def _lose(self, pooled: _PooledActor, todo: deque[tuple[WorkItem, int]], error: Exception) -> Iterator[ItemOutcome]:
        """An engine or its machine is gone: the file it was at is tried again, the one that waited has lost nothing."""
        if pooled not in self._pool:
            return
        self._pool.remove(pooled)
        self._losses += 1
        if self._losses > LOSSES_LIMIT:
            raise DeviceError("the cluster lost {count} engines; look after its machines first", count=self._losses)
        if not pooled.ready:
            self._put_off_the_next(error)
        for number, (item, attempt) in reversed(list(enumerate(pooled.work.values()))):
            if number == 0 and attempt >= TRIES:
                lost = HostError("the engine was lost {count} times while it was at this file", count=attempt)
                yield failed_outcome(item, lost, "")
            else:
                todo.appendleft((item, attempt + (number == 0)))
        log.warning("an engine was lost (%s); its files are given to others", _reason(error))
        pooled.work.clear()

    def _put_off_the_next(self, error: Exception) -> None:
        """An engine died before it was ready; where one machine is at fault, the others go on meanwhile."""
        self._stillborn += 1
        if self._stillborn >= STILLBORN_LIMIT and not any(pooled.ready for pooled in self._pool):
            raise _not_started(error)
        self._next_start_s = time.monotonic() + min(PAUSE_LIMIT_S, WAIT_S * 2**self._stillborn)

    def _check_version(self, there: Any) -> None:
        if there != engine_version():
            raise RequestError(
                "a machine of the cluster has Fluxstem {there}, here is {here}; install the same version everywhere",
                there=there, here=engine_version(),
            )  # fmt: skip


def _failed_task(work: tuple[WorkItem, int] | None, error: Exception) -> ItemOutcome:
    if work is None:
        raise _not_started(error)
    return failed_outcome(work[0], HostError("internal error on the cluster ({error})", error=_reason(error)), "")


def _not_started(error: Exception) -> DeviceError:
    return DeviceError(
        "no engine of the cluster started ({error}); install the same Fluxstem, with its extras, on every machine",
        error=_reason(error),
    )


def _reason(error: Exception) -> str:
    """What Ray says, without the traceback in it."""
    told = [line.strip() for line in str(error).splitlines() if line.strip()]
    return told[-1][:REASON_CHARACTERS] if told else type(error).__name__


def _connected(address: str) -> Any:
    os.environ.update(NO_STATISTICS)
    try:
        import ray
    except ImportError as error:
        raise RequestError(
            "Ray is not installed ({error}); install the extra cluster, as in pipx install 'fluxstem[cpu,cluster]'",
            error=error,
        ) from error
    try:
        _knock(address)
        ray.init(
            address=address, log_to_driver=False, logging_level=logging.ERROR, namespace="fluxstem",
            runtime_env={"env_vars": NO_STATISTICS},
        )  # fmt: skip
    except (OSError, ValueError, RuntimeError) as error:
        why = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise RequestError(
            "no Ray cluster answers at {address} ({why}); start one with ray start --head --disable-usage-stats, "
            "or leave --cluster out", address=address, why=why,
        ) from error  # fmt: skip
    return ray


def _knock(address: str) -> None:
    """Ask for a connection first: Ray itself tries for minutes where nobody listens.

    Raises:
        OSError, ValueError: nobody listens there, or it is no address.
    """
    if address in ("auto", "local"):
        return
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if not host or not port.isdecimal():
        raise ValueError("an address is host:port, as in 10.0.0.1:6379")
    with socket.create_connection((host, int(port)), KNOCK_LIMIT_S):
        pass


def _share(ray: Any, cores: int | None, device: str, engines_per_gpu: int) -> tuple[int, float]:
    """Cores and GPUs of one engine."""
    machines = [node["Resources"] for node in ray.nodes() if node["Alive"]]
    gpus = int(device != "cpu" and any(machine.get("GPU", 0) >= 1 for machine in machines))
    if device in ("cuda", "tensorrt") and not gpus:
        raise DeviceError("no machine of the cluster has a GPU that Ray knows; choose the device cpu")
    most = int(max((machine.get("CPU", 0) for machine in machines if machine.get("GPU", 0) >= gpus), default=0))
    if cores is not None and cores > most:
        raise RequestError(
            "--cores-per-engine {cores} is more than any machine of the cluster has ({most})", cores=cores, most=most
        )
    return cores or max(min(USUAL_CORES, most), 1), gpus / engines_per_gpu


def _room(machine: dict[str, float], cores: int, gpus: float) -> int:
    rooms = int(machine.get("CPU", 0)) // cores
    return min(rooms, int(machine.get("GPU", 0) / gpus + 1e-6)) if gpus else rooms
