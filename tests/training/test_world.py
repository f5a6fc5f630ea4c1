"""Two processes that average their gradients take the step that one process takes with both batches."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import torch

from training.loop import Plan, Run

ROOT = Path(__file__).parents[2]
STEPS = 4


class Line:
    """Fit a line; batch ``n`` depends on ``n`` alone. ``together`` puts that many numbers into one batch."""

    def __init__(self, together: int) -> None:
        torch.manual_seed(0)
        self.model = torch.nn.Linear(3, 1)
        self.together = together

    def batch(self, step: int) -> torch.Tensor:
        """``(8 * together, 3)``."""
        numbers = range(step * self.together, (step + 1) * self.together)
        return torch.cat([torch.randn(8, 3, generator=torch.Generator().manual_seed(n)) for n in numbers])

    def loss(self, batch: torch.Tensor, generator: torch.Generator, progress: float):
        return (self.model(batch) - batch.sum(dim=1, keepdim=True)).pow(2).mean(), {}


def train(folder: Path, together: int) -> Run:
    run = Run(Line(together), Plan(steps=STEPS, learning_rate=0.1, warmup=1, clip_norm=1e9), folder)
    run.train(workers=0, quiet=True)
    return run


def test_two_processes_take_the_step_of_one_with_both_batches(tmp_path):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    script = f"import test_world, pathlib; test_world.train(pathlib.Path({str(tmp_path / 'two')!r}), 1)"
    base = {**os.environ, "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port), "WORLD_SIZE": "2"}
    paths = os.pathsep.join([str(ROOT), str(Path(__file__).parent)])
    ranks = [
        subprocess.Popen([sys.executable, "-c", script], env={**base, "RANK": str(rank), "PYTHONPATH": paths})
        for rank in (0, 1)
    ]
    assert [process.wait(timeout=120) for process in ranks] == [0, 0]
    together = train(tmp_path / "one", 2)
    two = torch.load(tmp_path / "two" / "checkpoint.pt", weights_only=True)
    assert two["step"] == STEPS
    for name, value in together.stage.model.state_dict().items():
        torch.testing.assert_close(two["model"][name], value, rtol=1e-5, atol=1e-6)
