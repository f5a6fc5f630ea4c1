"""Which axis of a graph's inputs and outputs counts the rows of a batch, and padding it to a fixed size."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from engine.bundle.free_axes import usual_axes
from engine.runtime.backend import Array
from engine.runtime.settings import padded_rows


@dataclass(frozen=True, slots=True)
class BatchCut:
    """What brings the outputs of a padded run back to the rows that were asked for.

    Attributes:
        by_output: by output, ``(axis, rows)`` of each axis that was padded.
    """

    by_output: Mapping[str, tuple[tuple[int, int], ...]] = field(default_factory=dict)

    def of(self, name: str, values: Array) -> Array:
        """An output without the padding."""
        for axis, rows in self.by_output.get(name, ()):
            values = values.take(range(rows), axis=axis)
        return values


@dataclass(frozen=True, slots=True)
class BatchAxes:
    """The axes of a graph that have names instead of sizes.

    Attributes:
        inputs: by input, the name of its first axis.
        outputs: by output, ``(axis, name)`` of every axis with a name.
    """

    inputs: Mapping[str, str]
    outputs: Mapping[str, tuple[tuple[int, str], ...]]

    @classmethod
    def of(cls, session: Any) -> BatchAxes | None:
        """Those of an ONNX Runtime session; None where an output has an axis of unknown meaning, or none is a batch."""
        named = {one.name: one.shape[0] for one in session.get_inputs() if one.shape and isinstance(one.shape[0], str)}
        outputs = {
            name: tuple((axis, str(size)) for axis, size in enumerate(axes) if not isinstance(size, int))
            for name, axes in ((one.name, usual_axes(one.shape)) for one in session.get_outputs())
        }
        if not named or any(name not in named.values() for axes in outputs.values() for _, name in axes):
            return None
        return cls(named, outputs)

    def padded(self, inputs: Mapping[str, Array], sizes: Sequence[int]) -> tuple[dict[str, Array], BatchCut]:
        """Inputs whose batches have one of the fixed sizes, the last row repeated, and the way back.

        Args:
            inputs: by name.
            sizes: of batches; one beyond all of them stays as it is.
        """
        rows = {name: len(inputs[key]) for key, name in self.inputs.items() if key in inputs}
        wanted = {name: padded_rows(count, sizes) for name, count in rows.items()}
        if wanted == rows:
            return dict(inputs), BatchCut()
        out = {
            key: pad_rows(values, wanted[self.inputs[key]]) if key in self.inputs else values
            for key, values in inputs.items()
        }
        cuts = {
            key: tuple((axis, rows[name]) for axis, name in axes if wanted[name] != rows[name])
            for key, axes in self.outputs.items()
        }
        return out, BatchCut(cuts)


def pad_rows(values: Array, rows: int) -> Array:
    """An array with its last row repeated until there are ``rows``."""
    if len(values) == rows:
        return values
    return np.concatenate([values, np.repeat(values[-1:], rows - len(values), axis=0)])
