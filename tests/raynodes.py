"""A Ray cluster of two machines' worth on this one, in a process of its own: ``python raynodes.py``.

The process says its address in one line of JSON, ends its second node at the line ``end a node``, and everything when
its input is closed. It stays on the loopback address and reports nothing to anybody. ``RayNodes`` starts and steers it.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

SURROUNDINGS = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",  # makes the loopback address that of a node
    "RAY_health_check_period_ms": "500",  # a dead node is noticed within seconds
    "RAY_health_check_timeout_ms": "1000",
    "RAY_health_check_failure_threshold": "3",
    "RAY_OBJECT_STORE_ALLOW_SLOW_STORAGE": "1",  # where /dev/shm is small
    "RAY_ENABLE_RECORD_ACTOR_TASK_LOGGING": "0",
    "RAY_worker_niceness": "0",  # Ray lets everything else on a machine go first, so a busy one would starve it
}
NODE = {"num_cpus": 1, "object_store_memory": 80_000_000, "include_log_monitor": False}


class RayNodes:
    """Two nodes with one core each, run by this file."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, __file__],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
            env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[1])},
        )  # fmt: skip
        self.address = self._answer()["address"]

    def end_a_node(self) -> None:
        """The second node dies at once, with every process on it."""
        self._process.stdin.write("end a node\n")
        self._process.stdin.flush()
        assert self._answer() == {"ended": True}

    def close(self) -> None:
        self._process.stdin.close()
        self._process.wait(60)
        self._process.stdout.close()

    def _answer(self) -> dict:
        line = self._process.stdout.readline()
        assert line, "the Ray nodes did not come up"
        return json.loads(line)


def main() -> None:
    """Start, say where, obey, end."""
    os.environ.update(SURROUNDINGS)
    from ray.cluster_utils import Cluster

    cluster = Cluster()
    nodes = []
    try:
        nodes = [cluster.add_node(include_dashboard=False, **NODE), cluster.add_node(**NODE)]
        print(json.dumps({"address": cluster.address}), flush=True)
        for line in sys.stdin:
            if line.strip() == "end a node":
                cluster.remove_node(nodes[-1], allow_graceful=False)
                print(json.dumps({"ended": True}), flush=True)
    finally:
        cluster.shutdown()


if __name__ == "__main__":
    main()
