"""Which engines a cluster gets, and what becomes of files when engines die; a stand-in for Ray, which takes seconds."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from engine.batch import cluster
from engine.batch.cluster import STILLBORN_LIMIT, TRIES, ClusterRunner
from engine.batch.find import WorkItem
from engine.batch.stores import FolderStore
from engine.batch.work import BatchRequest, ItemOutcome
from engine.errors import DeviceError, RequestError
from engine.request import Request
from engine.version import engine_version

ITEMS = [WorkItem(f"/songs/{number}.wav", f"{number}.wav", 1, 1) for number in range(6)]


class ActorDied(Exception):
    """As ``ray.exceptions.RayActorError``."""


class TaskFailed(Exception):
    """As ``ray.exceptions.RayTaskError``."""


@dataclass(eq=False)
class Reference:
    """What a call gives at once."""

    actor: int
    ask: Callable[[], Any]


class StandIn:
    """What the runner needs of Ray. Each actor answers at once, or raises what ``answers`` gives for it.

    Args:
        machines: their resources.
        answer: number of the actor from 1, name of the method, file -> its answer.
    """

    exceptions = SimpleNamespace(RayActorError=ActorDied, RayError=(ActorDied, TaskFailed))

    def __init__(self, machines: Iterable[dict[str, float]], answer: Callable[..., Any]) -> None:
        self._machines = list(machines)
        self._answer = answer
        self._made = itertools.count(1)
        self.options_of: list[dict[str, Any]] = []
        self.dead: set[int] = set()

    def nodes(self) -> list[dict[str, Any]]:
        return [{"Alive": True, "Resources": machine} for machine in self._machines]

    def remote(self, kind: type) -> Any:
        def options(**values: Any) -> Any:
            self.options_of.append(values)
            return SimpleNamespace(remote=lambda cores: self._actor())

        return SimpleNamespace(options=options)

    def _actor(self) -> Any:
        number = next(self._made)

        def call(name: str) -> Any:
            return SimpleNamespace(
                remote=lambda *values: Reference(
                    number, lambda: self._answer(number, name, values[1] if values else None)
                )
            )

        return SimpleNamespace(version=call("version"), work=call("work"))

    def wait(self, references: list[Any], num_returns: int, timeout: float) -> tuple[list[Any], list[Any]]:
        return references[:1], references[1:]

    def get(self, reference: Any) -> Any:
        if reference.actor in self.dead:
            raise ActorDied("its actor is dead")
        try:
            return reference.ask()
        except ActorDied:
            self.dead.add(reference.actor)
            raise

    def kill(self, actor: Any) -> None:
        pass

    def shutdown(self) -> None:
        pass


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., list[ItemOutcome]]:
    """Do ``ITEMS`` on a stand-in."""
    monkeypatch.setattr(cluster, "WAIT_S", 1e-4)

    def do(ray: StandIn, device: str = "cpu", **settings: Any) -> list[ItemOutcome]:
        monkeypatch.setattr(cluster, "_connected", lambda address: ray)
        asked = BatchRequest(Request(task="isolate", prompts=("violin",), device=device), "asked")
        runner = ClusterRunner(asked, FolderStore(str(tmp_path)), "auto", **settings)
        return list(runner.run(ITEMS, lambda item, fraction, stage: None))

    return do


def well(actor: int, name: str, item: WorkItem | None) -> Any:
    """An engine that does everything."""
    return ItemOutcome(item=item, worker=str(actor)) if item else engine_version()


MACHINES = [
    ("four cores each", [{"CPU": 8}, {"CPU": 3}], {}, 2, 4, 0),
    ("as many cores as told", [{"CPU": 8}, {"CPU": 3}], {"cores": 1}, 6, 1, 0),
    ("small machines", [{"CPU": 2}, {"CPU": 2}], {}, 2, 2, 0),
    ("at most", [{"CPU": 2}, {"CPU": 2}], {"engines": 1}, 1, 2, 0),
    ("a GPU each", [{"CPU": 16, "GPU": 2}, {"CPU": 64}], {"device": "auto"}, 2, 4, 1),
    ("engines that share a GPU", [{"CPU": 16, "GPU": 1}], {"device": "auto", "engines_per_gpu": 3}, 3, 4, 1 / 3),
    ("cores that run out before the GPU", [{"CPU": 4, "GPU": 1}], {"device": "auto", "engines_per_gpu": 2}, 1, 4, 0.5),
    ("no GPU wanted", [{"CPU": 4, "GPU": 1}], {"engines_per_gpu": 2}, 1, 4, 0),
]


@pytest.mark.parametrize(
    ("machines", "settings", "engines", "cores", "gpus"), [case[1:] for case in MACHINES],
    ids=[case[0] for case in MACHINES],
)  # fmt: skip
def test_every_engine_has_cores_or_a_share_of_a_gpu(machines, settings, engines, cores, gpus, run):
    ray = StandIn(machines, well)
    assert sorted(outcome.item.target for outcome in run(ray, **settings)) == [item.target for item in ITEMS]
    assert [(one["num_cpus"], one["num_gpus"]) for one in ray.options_of] == [(cores, gpus)] * engines


@pytest.mark.parametrize(("settings", "kind", "says"), [
    ({"device": "cuda"}, DeviceError, "GPU"), ({"cores": 9}, RequestError, "--cores-per-engine 9"),
])  # fmt: skip
def test_what_no_machine_has_is_refused(settings, kind, says, run):
    with pytest.raises(kind, match=says):
        run(StandIn([{"CPU": 8}], well), **settings)


def test_where_no_engine_starts_the_batch_ends_and_says_why(run):
    def broken(actor: int, name: str, item: WorkItem | None) -> Any:
        raise ActorDied("The actor died because of an error:\n  Traceback\nModuleNotFoundError: No module named 'soxr'")

    ray = StandIn([{"CPU": 4}], broken)
    with pytest.raises(DeviceError, match=r"\(ModuleNotFoundError: No module named 'soxr'\)"):
        run(ray)
    assert len(ray.options_of) == STILLBORN_LIMIT


def test_one_broken_machine_keeps_no_file_from_being_done(run):
    def half(actor: int, name: str, item: WorkItem | None) -> Any:
        if actor % 2 == 0:
            raise ActorDied("no disk")
        return well(actor, name, item)

    outcomes = run(StandIn([{"CPU": 4}, {"CPU": 4}], half))
    assert sorted(outcome.item.target for outcome in outcomes) == [item.target for item in ITEMS]
    assert not any(outcome.error for outcome in outcomes)


def test_a_file_that_kills_every_engine_is_given_up_and_the_others_are_done_once(run):
    tried = []

    def deadly(actor: int, name: str, item: WorkItem | None) -> Any:
        if item is not None:
            tried.append(item.target)
        if item == ITEMS[2]:
            raise ActorDied("out of memory")
        return well(actor, name, item)

    outcomes = run(StandIn([{"CPU": 4}], deadly))
    assert sorted(outcome.item.target for outcome in outcomes) == [item.target for item in ITEMS]
    assert [outcome.item for outcome in outcomes if outcome.error] == [ITEMS[2]]
    assert tried.count("2.wav") == TRIES
    assert all(tried.count(item.target) == 1 for item in ITEMS if item != ITEMS[2])
