"""What a long check found, added up over its parts: over processes that work side by side, and over runs."""

from __future__ import annotations

import json
import os
import sys
import tempfile
import traceback
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(slots=True)
class Tally:
    """Findings of one check.

    Attributes:
        counts: what was done and what came of it.
        worst: the largest of each figure.
        faults: what must not happen, in words; none means that all held.
    """

    counts: Counter[str] = field(default_factory=Counter)
    worst: dict[str, float] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)

    def __iadd__(self, other: Tally) -> Tally:
        self.counts.update(other.counts)
        for name, value in other.worst.items():
            self.see(name, value)
        self.faults += other.faults
        return self

    def see(self, name: str, value: float) -> None:
        """Take note of a figure whose largest value matters."""
        self.worst[name] = max(round(value, 3), self.worst.get(name, 0.0))

    def values(self) -> dict[str, Any]:
        """As JSON values; ``tally_of`` reads them."""
        return {"counts": dict(self.counts), "worst": self.worst, "faults": self.faults}

    def printed(self) -> dict[str, Any]:
        """As it is printed."""
        return {**dict(sorted(self.counts.items())), **self.worst, "faults": self.faults[:20], "ok": not self.faults}


def tally_of(values: dict[str, Any]) -> Tally:
    """The tally of JSON values."""
    return Tally(Counter(values["counts"]), dict(values["worst"]), list(values["faults"]))


def in_lanes(lanes: int, work: Callable[[int], Tally]) -> Tally:
    """Run the same work in several processes at once, each forked from this one, and add up what they find.

    Args:
        lanes: how many.
        work: takes the number of its lane, from 0.
    """
    with tempfile.TemporaryDirectory(prefix="fluxstem-lanes-") as folder:
        found = Path(folder)
        children = [_lane(lambda lane=lane: work(lane), found / str(lane)) for lane in range(lanes)]
        total = Tally()
        for lane, child in enumerate(children):
            _, status = os.waitpid(child, 0)
            if status:
                total.faults.append(f"lane {lane} of the check itself ended with status {status}")
            else:
                total += tally_of(json.loads((found / str(lane)).read_text()))
    return total


def _lane(work: Callable[[], Tally], result: Path) -> int:
    child = os.fork()
    if child:
        return child
    code = 1
    try:
        result.write_text(json.dumps(work().values()))
        code = 0
    except BaseException:
        traceback.print_exc()
        sys.stderr.flush()
    finally:
        os._exit(code)


class TallyFile:
    """Keeps tallies by check over several runs.

    Args:
        path: a JSON file, made when missing; None keeps nothing.
    """

    def __init__(self, path: Path | None) -> None:
        self._path = path
        there = path is not None and path.exists()
        self._values: dict[str, Any] = json.loads(path.read_text()) if there and path is not None else {}

    def get(self, check: str) -> Tally:
        """What was found so far."""
        return tally_of(self._values[check]) if check in self._values else Tally()

    def add(self, check: str, more: Tally) -> None:
        """Add a run, and write it down."""
        total = self.get(check)
        total += more
        self._values[check] = total.values()
        if self._path is not None:
            fresh = self._path.with_suffix(".new")
            fresh.write_text(json.dumps(self._values, indent=1))
            os.replace(fresh, self._path)

    def printed(self, checks: Sequence[str]) -> dict[str, Any]:
        """The tallies of some checks, by name."""
        return {check: self.get(check).printed() for check in checks}
