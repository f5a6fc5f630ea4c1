"""A flow that goes nowhere: what it starts from is what it makes, so seeds, strength and regions can be told apart."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from fakebackend import FakeBackend

from engine.events import Done
from engine.latents import Slot
from engine.pipeline import Pipeline
from engine.request import Request
from engine.runtime.backend import Array, FloatArray


class DreamingBackend(FakeBackend):
    """Isolates a share of the mix as the fake does; what has no mix to go by stays as it starts."""

    def __init__(self) -> None:
        super().__init__(hop_samples=64, embedding=8, share=0.5)
        self.told: list[dict[str, Array]] = []

    def _step(self, inputs: Mapping[str, Array]) -> dict[str, FloatArray]:
        self.told.append({name: value.copy() for name, value in inputs.items()})
        if inputs["known"][:, Slot.MIX].all():
            return super()._step(inputs)
        return {"x_next": inputs["x"]}


def dream(bundle: Path, out: Path, backend: DreamingBackend | None = None, **asked: Any) -> Done:
    """Do a request with the dreaming backend on the toy bundle's grid."""
    out.mkdir(exist_ok=True)
    values = {"prompts": ("violin",), "out": str(out), "start": "noise"} | asked
    if "input" in asked:
        values["input"] = str(asked["input"])
    run = Pipeline(lambda name: bundle, lambda device: backend or DreamingBackend()).run
    return run(Request(**values), lambda fraction, stage: None, lambda: None)


def alike(one_NC: np.ndarray, other_NC: np.ndarray) -> float:
    """Correlation of two sounds, -1 to 1, whatever their levels."""
    return float(np.corrcoef(one_NC.mean(axis=1), other_NC.mean(axis=1))[0, 1])
