"""Several processes take the steps that one takes: same parts, same gradients, same weights, whoever resumes."""

import contextlib
import json
import os
import socket
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from linefit import STEPS, Line, Rows, train

from training.config import load_preset
from training.flow.train import FlowStage
from training.trainer import precision
from training.trainer.distributed import Distributed, to_device
from training.trainer.trainer import CHECKPOINT, TrainConfig, Trainer, own_parts

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[3]
PATIENCE_S = 1800  # a process that starts torch beside others may take minutes; only one that hangs may fail here


def processes(count: int, call: str) -> list[int]:
    """Run ``linefit.CALL`` in processes that find each other by plain variables; their exit codes."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    script = f"import pathlib, linefit; linefit.{call}"
    base = {**surroundings(), "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port), "WORLD_SIZE": str(count)}
    started = [subprocess.Popen([sys.executable, "-c", script], env={**base, "RANK": str(k)}) for k in range(count)]
    try:
        return [process.wait(timeout=PATIENCE_S) for process in started]
    finally:
        for process in started:
            process.kill()


def surroundings() -> dict[str, str]:
    """Variables of a process that finds the repository and the tests' helpers, with one thread."""
    return {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "tests")]), "OMP_NUM_THREADS": "1"}


def noted(folder: Path, rank: int = 0):
    return json.loads((folder / f"noted-{rank}.json").read_text())


def weights(folder: Path):
    return torch.load(folder / CHECKPOINT, weights_only=True)


def same(one, other, rtol=1e-6):
    """Weights and moving average agree; float32 sums in another order may differ in their last bits."""
    assert one["step"] == other["step"]
    for name, value in one["model"].items():
        torch.testing.assert_close(other["model"][name], value, rtol=rtol, atol=1e-7)
    for value, others in zip(one["average"], other["average"], strict=True):
        torch.testing.assert_close(others, value, rtol=rtol, atol=1e-7)


@pytest.fixture(scope="module")
def two(tmp_path_factory):
    """Two processes, two parts a step, half of the steps; then the folder of the run."""
    folder = tmp_path_factory.mktemp("two")
    call = f"train(pathlib.Path({str(folder)!r}), 2, steps={STEPS // 2})"
    assert processes(2, call) == [0, 0]
    return folder


def test_two_processes_have_the_gradients_of_one_with_the_doubled_batch(two, tmp_path):
    """Tolerance: 1e-5 relative; the mean over 16 rows and the mean of two means over 8 round differently."""
    train(tmp_path / "doubled", 1, steps=STEPS // 2, together=2)
    torch.testing.assert_close(
        torch.tensor(noted(two)["gradient"]), torch.tensor(noted(tmp_path / "doubled")["gradient"]), rtol=1e-5, atol=0
    )
    model = weights(tmp_path / "doubled")["model"]
    torch.testing.assert_close(weights(two)["model"]["weight"], model["weight"], rtol=1e-5, atol=1e-7)


def test_one_process_that_accumulates_takes_the_steps_of_two(two, tmp_path):
    train(tmp_path / "one", 2, steps=STEPS // 2)
    assert noted(two)["losses"] == pytest.approx(noted(tmp_path / "one")["losses"], rel=1e-6)
    same(weights(tmp_path / "one"), weights(two))


def test_every_process_has_its_own_parts_and_none_is_missed(two):
    """Also at the level of whole rounds: what the processes see together is every number once."""
    first, second = noted(two, 0)["seen"], noted(two, 1)["seen"]
    assert first == [0, 2]
    assert second == [1, 3]


def test_a_run_of_two_processes_goes_on_in_one_as_if_never_stopped(two, tmp_path):
    train(tmp_path / "whole", 2)
    (tmp_path / "moved").mkdir()
    (tmp_path / "moved" / CHECKPOINT).write_bytes((two / CHECKPOINT).read_bytes())
    train(tmp_path / "moved", 0, resume=True)  # how many parts a step has, the checkpoint says
    same(weights(tmp_path / "whole"), weights(tmp_path / "moved"))


def test_a_checkpoint_from_before_parts_were_kept_goes_on_with_one_per_process(tmp_path):
    train(tmp_path / "old", 1, steps=2)
    state = weights(tmp_path / "old")
    kept = {name: state[name] for name in ("model", "optimizer", "average", "step", "spent_s")}
    torch.save(kept, tmp_path / "old" / CHECKPOINT)
    again = train(tmp_path / "old", 0, resume=True)
    assert (again.parts, again.step) == (1, STEPS)
    train(tmp_path / "whole", 1)
    same(weights(tmp_path / "whole"), weights(tmp_path / "old"))


def test_a_run_of_one_process_goes_on_in_two_that_torchrun_starts(tmp_path):
    train(tmp_path / "whole", 2)
    train(tmp_path / "run", 2, steps=1)
    script = tmp_path / "go.py"
    script.write_text(
        f"import pathlib, linefit; linefit.train(pathlib.Path({str(tmp_path / 'run')!r}), 0, resume=True)"
    )
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", str(script)]
    subprocess.run(command, check=True, timeout=PATIENCE_S, env=surroundings())
    same(weights(tmp_path / "whole"), weights(tmp_path / "run"))


def test_parts_that_cannot_be_shared_are_refused_by_name():
    distributed = Distributed()
    distributed.size = 4
    with pytest.raises(ValueError, match="6 parts, which 4 processes cannot share evenly; start it with 1, 2, 3, 6"):
        distributed.share(6)


@pytest.mark.parametrize("size", [1, 2, 3, 6])
def test_parts_are_dealt_out_without_overlap_or_gap(size):
    dealt = [n for rank in range(size) for n in own_parts(rank, size, 2, 5, 6)]
    assert sorted(dealt) == list(range(12, 30))
    for rank in range(size):  # and each step's parts belong to that step
        assert [n // 6 for n in own_parts(rank, size, 2, 5, 6)] == sorted([2, 3, 4] * (6 // size))


def test_a_round_of_the_flow_meets_every_mix_once_over_all_processes():
    preset = load_preset("tiny")
    stage = FlowStage.__new__(FlowStage)
    stage.config = replace(preset.flow, pool=96, batch=8)
    met = [[n for part in own_parts(rank, 2, 0, 6, 2) for n in stage._numbers(part)] for rank in (0, 1)]
    assert not set(met[0]) & set(met[1])
    assert sorted(met[0] + met[1]) == list(range(96))


def test_a_batch_goes_to_its_device_whatever_holds_it():
    given = Rows(torch.ones(2, 3), torch.arange(2))
    device = torch.device("meta")
    assert to_device(given, device).values.device == device
    assert to_device([(given.values, "word")], device)[0][0].device == device
    assert to_device({"a": given}, device)["a"].numbers.device == device
    assert to_device(given, torch.device("cpu")) is given


def test_a_run_keeps_the_precision_it_began_with(tmp_path):
    precision.set_precision("bf16")
    try:
        train(tmp_path / "run", 1, steps=1)
        precision.set_precision("fp32")
        run = Trainer(Line(), TrainConfig(steps=STEPS, learning_rate=0.1, ema=0.9), tmp_path / "run")
        assert run.resume()
        assert precision.compute_dtype() is torch.bfloat16
        with pytest.raises(ValueError, match="unknown precision 'fp8'; choose one of auto, fp32, bf16"):
            precision.set_precision("fp8")
    finally:
        precision.set_precision("auto")


def test_subnormal_numbers_are_numbers_again_after_a_run(tmp_path):
    smallest = np.array([np.nextafter(0.0, 1.0)])
    train(tmp_path / "run", 1, steps=1)
    assert (smallest + smallest > 0).all()
    with contextlib.suppress(ZeroDivisionError), precision.flushed_denormals():
        assert (smallest + smallest == 0).all()
        raise ZeroDivisionError
    assert (smallest + smallest > 0).all()
