"""A fake runtime for tests: graphs in NumPy with known answers; files are not read, only their names matter.

The codec is a reshape and therefore perfect: a latent frame is ``hop_samples`` audio samples. The flow is straight, so
any number of Euler steps lands on STEM = ``share`` of MIX (or half of that of REST), REST = what is left.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np

from engine.errors import BundleError
from engine.latents import Slot
from engine.runtime.backend import Array, FloatArray, OutOfDeviceMemory

Run = Callable[[Mapping[str, Array]], dict[str, FloatArray]]


class FakeSession:
    """One graph; refuses batches above a limit, as a small device would."""

    def __init__(self, run: Run, most_rows: int | None) -> None:
        self._run = run
        self._most_rows = most_rows

    def run(self, inputs: Mapping[str, Array], wanted: Sequence[str] = ()) -> dict[str, FloatArray]:
        """See ``engine.runtime.backend.GraphSession``."""
        rows = len(next(iter(inputs.values())))
        if self._most_rows is not None and rows > self._most_rows:
            raise OutOfDeviceMemory(
                "{rows} windows do not fit; close other programs or ask for fewer windows at once", rows=rows
            )
        return self._run(inputs)


class FakeBackend:
    """A device that is always available.

    Args:
        hop_samples: samples per latent frame; also the number of latent channels.
        embedding: length of a prompt embedding, at least 2; its first number over its second is the share.
        share: of the mix that every prompt gets.
        most_rows: rows that fit in one run; None for any number.
    """

    device = "FakeExecutionProvider"

    def __init__(self, hop_samples: int, embedding: int, share: float, most_rows: int | None = None) -> None:
        self._hop = hop_samples
        self._embedding = embedding
        self._share = share
        self._most_rows = most_rows

    def open(self, path: Path) -> FakeSession:
        """See ``engine.runtime.backend.Backend``; ``path`` need not exist."""
        graphs: dict[str, Run] = {
            "encode": self._encode,
            "decode": self._decode,
            "step": self._step,
            "text": self._text,
        }
        if path.stem not in graphs:
            raise BundleError("the fake backend knows {known}, not {graph}", known=", ".join(graphs), graph=path.stem)
        return FakeSession(graphs[path.stem], self._most_rows)

    def _encode(self, inputs: Mapping[str, Array]) -> dict[str, FloatArray]:
        audio_B1N = inputs["audio"]
        frames_BLD = audio_B1N.reshape(len(audio_B1N), -1, self._hop)
        return {"latents": np.ascontiguousarray(frames_BLD.transpose(0, 2, 1))}

    def _decode(self, inputs: Mapping[str, Array]) -> dict[str, FloatArray]:
        z_BDL = inputs["latents"]
        return {"audio": z_BDL.transpose(0, 2, 1).reshape(len(z_BDL), 1, -1)}

    def _step(self, inputs: Mapping[str, Array]) -> dict[str, FloatArray]:
        x_BSDL, known_BS1L = inputs["x"], inputs["known"][:, :, None]
        given_BSDL = np.where(known_BS1L, x_BSDL, 0)
        asked_BE = inputs["prompt"][:, Slot.STEM]
        share_B11 = (asked_BE[:, 0] / np.maximum(asked_BE[:, 1], 1e-6))[:, None, None]
        mix_known = known_BS1L[:, Slot.MIX]
        stem_BDL = share_B11 * (given_BSDL[:, Slot.MIX] + 0.5 * given_BSDL[:, Slot.REST])
        rest_BDL = np.where(mix_known, given_BSDL[:, Slot.MIX] - stem_BDL, 0)
        end_BSDL = np.stack([stem_BDL + given_BSDL[:, Slot.REST], stem_BDL, rest_BDL], axis=1)
        left_BS1L = np.maximum(1 - inputs["t"][:, :, None], 1e-6)
        moved_BSDL = x_BSDL + inputs["dt"][:, None, None, None] * (end_BSDL - x_BSDL) / left_BS1L
        return {"x_next": np.where(known_BS1L, x_BSDL, moved_BSDL).astype(np.float32)}

    def _text(self, inputs: Mapping[str, Array]) -> dict[str, FloatArray]:
        embedding_BE = np.zeros((len(inputs["tokens"]), self._embedding), np.float32)
        embedding_BE[:, 0], embedding_BE[:, 1] = self._share, 1
        return {"embedding": embedding_BE}
