"""Notice a host that hangs: its heartbeat, its steps, and what the system says of it.

A host beats once a second and counts the steps of its work. Four things are noticed, each within the time that stands
in ``WatchLimits``: the process is stopped; it is silent; it beats, but its job makes no step (a graph without an end, a
driver that is stuck); it opens one graph for ever. Time is counted in looks, so that a machine that slept, or a client
that was stopped itself, accuses nobody.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from pathlib import Path

LOOK_S = 0.1  # how often a host at work is looked at
BEAT_S = 1.0  # how often it beats


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchLimits:
    """How long a host at work may be in each state, in seconds.

    Attributes:
        stopped_s: stopped by a signal (Linux tells).
        silent_s: without a word and without using the processor; twice as long where the system does not tell that.
        step_s: without a step of its job, or without a word while it computes.
        cancel_s: to obey a cancel; then it is killed, and the job is cancelled all the same.
    """

    stopped_s: float = 3.0
    silent_s: float = 10.0
    step_s: float = 300.0
    cancel_s: float = 1.5


class HostWatch:
    """What is known of one host, look by look.

    Args:
        limits: how long it may be in each state.
    """

    def __init__(self, pid: int, limits: WatchLimits) -> None:
        self._pid, self._limits = pid, limits
        self._silent_s = self._idle_s = self._still_s = self._stopped_s = 0.0
        self._steps = -1
        self._opening_s = 0.0  # how long the graph that is being opened may take
        self._cpu: float | None = None

    def hear(self, message: dict[str, object]) -> None:
        """Take note of a message; any one is a sign of life."""
        self._silent_s = self._idle_s = 0.0
        opening_s = message.get("opening_s")
        if isinstance(opening_s, (int, float)):
            self._opening_s, self._still_s = float(opening_s), 0.0
        steps = message.get("steps")
        if not isinstance(steps, int):  # an event of a job
            self._still_s = 0.0
        elif steps != self._steps:
            self._steps, self._still_s = steps, 0.0

    def rest(self) -> None:
        """Nothing is asked of the host at the moment."""
        self._silent_s = self._idle_s = self._still_s = self._stopped_s = 0.0

    def look(self, passed_s: float) -> str:
        """Take note of the time, of which a long pause counts as one look.

        Returns:
            Why the host counts as hung, in words; "" while it does not.
        """
        passed_s = min(passed_s, 10 * LOOK_S)
        state, cpu = process_state(self._pid)
        self._silent_s += passed_s
        self._still_s += passed_s
        self._stopped_s = self._stopped_s + passed_s if state == "T" else 0.0
        self._idle_s = self._idle_s + passed_s if cpu is None or cpu == self._cpu else 0.0
        self._cpu = cpu
        patience_s, silent_s = max(self._limits.step_s, self._opening_s), self._limits.silent_s
        if self._stopped_s >= self._limits.stopped_s:
            return f"it was stopped and did not go on within {self._limits.stopped_s:g} s"
        if not self._opening_s and min(self._silent_s, self._idle_s) >= (silent_s if cpu is not None else 2 * silent_s):
            return f"nothing was heard of it for {self._silent_s:.0f} s"
        if self._still_s >= patience_s:
            return f"it made no step within {patience_s:g} s"
        return ""


def process_state(pid: int) -> tuple[str, float | None]:
    """State letter and processor time in clock ticks of a process; ("", None) where the system does not tell."""
    with contextlib.suppress(OSError, ValueError, IndexError):
        fields = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()
        return fields[0].decode("ascii"), float(int(fields[11]) + int(fields[12]))
    return "", None
