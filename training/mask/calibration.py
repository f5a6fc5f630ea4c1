"""``presence.json`` of a run of the mask decoder: how its presence is read, which ``export mask`` and judges go by."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

FILE = "presence.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """How presence logits are read, and how well that works.

    Attributes:
        bias: added to the logits, so that a presence of 0.5 decides.
        gate_low, gate_high: presence at which the gate is closed and fully open.
        missed: share of stems within 25 dB of the mix that are called absent (false negatives).
        found: share of absent stems that are called absent (true negatives).
        absent_db: median level of absent stems behind the gate, against the mix.
        cost_db: what the gate takes from the SDR of present stems, as a mean.
        cases: how many were measured.
        networks: members of the ensemble; 1 is a single network.
    """

    bias: float = 0.0
    gate_low: float = 0.05
    gate_high: float = 0.3
    missed: float = 0.0
    found: float = 0.0
    absent_db: float = 0.0
    cost_db: float = 0.0
    cases: int = 0
    networks: int = 1


def load(run: Path) -> Calibration:
    """The calibration of a run; the default one where none was made."""
    path = run / FILE
    return Calibration(**json.loads(path.read_text("utf-8"))) if path.is_file() else Calibration()


def save(run: Path, found: Calibration) -> None:
    """Write the calibration of a run."""
    (run / FILE).write_text(json.dumps(asdict(found), indent=1), "utf-8")


def bias_of(checkpoints: Sequence[Path]) -> float:
    """Bias of the presence logits of some checkpoints that answer together; 0 where that was not calibrated.

    Args:
        checkpoints: ``mask.pt`` in the folders of their runs; the first one's folder holds the calibration.
    """
    found = load(checkpoints[0].parent)
    return found.bias if found.networks == len(checkpoints) else 0.0
