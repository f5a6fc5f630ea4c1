"""A Ray cluster of two machines' worth on this one, in a process of its own: ``python raynodes.py``.

It says its address in one line of JSON, ends its second node at the line ``end a node``, and everything when its input
is closed. It stays on the loopback address and reports nothing to anybody.
"""

from __future__ import annotations

import json
import os
import sys

SURROUNDINGS = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",  # makes the loopback address that of a node
    "RAY_health_check_period_ms": "500",  # a dead node is noticed within seconds
    "RAY_health_check_timeout_ms": "1000",
    "RAY_health_check_failure_threshold": "3",
    "RAY_OBJECT_STORE_ALLOW_SLOW_STORAGE": "1",  # where /dev/shm is small
    "RAY_ENABLE_RECORD_ACTOR_TASK_LOGGING": "0",
}
NODE = {"num_cpus": 1, "object_store_memory": 80_000_000, "include_log_monitor": False}


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
