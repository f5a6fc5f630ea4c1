"""Processes of one run agree: when its time is over, where it goes on, and what its parts count."""

import pytest
import torch
from linefit import train
from rankrun import together
from ranks import FlowParts, flow_step

from training.trainer import precision

pytestmark = pytest.mark.slow


def call(name, folder, *more):
    return f"ranks.{name}({', '.join([f'pathlib.Path({str(folder)!r})', *map(str, more)])})"


def test_a_run_that_ends_by_the_clock_ends_at_one_step_in_all_processes(tmp_path):
    ended = together(*[call("by_the_clock", tmp_path, 0.003)] * 2)
    assert [code for code, _ in ended] == [0, 0], ended
    first, second = (torch.load(tmp_path / f"left-{rank}.pt", weights_only=True) for rank in (0, 1))
    assert first["step"] == second["step"] > 0
    assert first["rates"] == second["rates"]
    assert torch.equal(first["weight"], second["weight"])


def test_processes_that_find_different_checkpoints_all_refuse_in_one_sentence(tmp_path):
    """As on two machines that do not see one folder: one of them has nothing to go on from."""
    train(tmp_path / "one", 2, steps=3)
    ended = together(call("go_on", tmp_path / "one"), call("go_on", tmp_path / "other"))
    for code, said in ended:
        assert code != 0
        assert "the run's folder must be one that all machines see" in said


@pytest.fixture(scope="module")
def doubled(tmp_path_factory):
    """Loss and gradients of one process with all rows of both parts in one batch."""
    folder = tmp_path_factory.mktemp("doubled")
    before = precision.precision_name()
    try:
        flow_step(folder, 1, together=2)
    finally:
        precision.set_precision(before)
    return torch.load(folder / "flow-0.pt", weights_only=True)


def test_parts_of_the_flow_count_by_what_is_unknown_in_them():
    stage = FlowParts()
    first, second = stage.batch(0), stage.batch(1)
    assert stage.weight(first) == float((~first.known).sum())
    assert stage.weight(first) != stage.weight(second)  # else the tests below could not fail


@pytest.mark.parametrize("processes", [1, 2])
def test_two_parts_of_the_flow_have_the_gradients_of_the_doubled_batch(processes, doubled, tmp_path):
    """Tolerance: 1e-5 of the gradients' size; float32 sums in another order."""
    ended = together(*[call("flow_step", tmp_path, 2)] * processes)
    assert [code for code, _ in ended] == [0] * processes, ended
    for rank in range(processes):
        found = torch.load(tmp_path / f"flow-{rank}.pt", weights_only=True)
        assert found["loss"] == pytest.approx(doubled["loss"], rel=1e-5)
        wrong = (found["gradients"] - doubled["gradients"]).norm() / doubled["gradients"].norm()
        assert wrong < 1e-5
