"""Training examples from pieces: MGE-LDM's triplets and MAGE's averaged duets. Knows nothing of models."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from training.data.piece import OTHER, Audio, Pictures, Piece

Rng = np.random.Generator
TRIES = 10  # MGE-LDM: so many draws for a span where the source is not silent
SILENT_RMS = 1e-3
DUET_HZ, DUET_SAMPLES = 11_025, 64_640  # MAGE
DUET_GAINS = (0.5, 1.5)  # Sound of Pixels, whose protocol MAGE follows
DUET_FRAMES = 47  # at 8 a second


@dataclass(frozen=True, slots=True)
class Triplet:
    """A mix, one source of it, and the rest; ``mix == rest + source`` exactly.

    Attributes:
        mix, rest, source: float32 ``(N,)``.
        stem: number of the source in its piece.
        start_s: where in the piece.
        silent: True means no span was found where the source sounds.
    """

    mix: Audio
    rest: Audio
    source: Audio
    stem: int
    start_s: float
    silent: bool


def triplet(rng: Rng, piece: Piece, samples: int, rate_hz: int, stem: int | None = None) -> Triplet:
    """Draw a source and a span of a piece.

    Args:
        rng: decides everything.
        piece: with at least one stem.
        samples: length at ``rate_hz``.
        rate_hz: of the answer.
        stem: a source to take; None draws one.

    Raises:
        ValueError: the piece has no stems.

    Source: MGE-LDM (arXiv 2505.23305) appendix E.1, "Data Construction".
    """
    if not piece.stems:
        raise ValueError(f"{piece.name} has no stems to make a triplet of")
    chosen = int(rng.integers(len(piece.stems))) if stem is None else stem
    latest_s = max(0.0, piece.seconds - samples / rate_hz)
    for _ in range(TRIES):
        start_s = float(rng.uniform(0, latest_s))
        stems_SN = piece.cut(start_s, samples, rate_hz)
        silent = bool(np.sqrt((stems_SN[chosen] ** 2).mean()) < SILENT_RMS)
        if not silent:
            break
    rest = np.delete(stems_SN, chosen, axis=0).sum(axis=0, dtype=np.float32)
    return Triplet(rest + stems_SN[chosen], rest, stems_SN[chosen], chosen, start_s, silent)


@dataclass(frozen=True, slots=True)
class Duet:
    """Two solos averaged.

    Attributes:
        mix: float32 ``(N,)``, the mean of the two solos.
        sources: float32 ``(2, N)``, as they are in the mix: half the solos. Their sum is the mix.
        labels: what the data set calls the two.
        terms: our families or groups for them.
        frames: pictures of each, uint8 ``(2, F, H, W, 3)``; None when either has none.
    """

    mix: Audio
    sources: Audio
    labels: tuple[str, str]
    terms: tuple[str, str]
    frames: npt.NDArray[np.uint8] | None


class Duets:
    """Draws averaged duets of two different instruments from solos.

    Args:
        pieces: solos, one stem each; others are left out.
        samples, rate_hz: of every duet; MAGE's where not given.
        size_px: width and height of the pictures.

    Raises:
        ValueError: fewer than two instruments.

    Source: MAGE (arXiv 2604.09803) appendix A, "Optimization and Data Construction".
    """

    def __init__(
        self, pieces: Sequence[Piece], samples: int = DUET_SAMPLES, rate_hz: int = DUET_HZ, size_px: int = 224
    ) -> None:
        self._samples, self._rate_hz, self._size_px = samples, rate_hz, size_px
        self._solos: dict[str, list[Piece]] = {}
        for piece in pieces:
            if len(piece.stems) == 1 and piece.stems[0].term != OTHER:
                self._solos.setdefault(piece.stems[0].label, []).append(piece)
        if len(self._solos) < 2:
            raise ValueError(f"a duet needs solos of two instruments, got {sorted(self._solos) or 'none'}")

    def draw(self, rng: Rng) -> Duet:
        """Two solos of different instruments, each scaled by 0.5 to 1.5, clipped to full scale and averaged."""
        kinds = sorted(self._solos)
        chosen = [kinds[k] for k in rng.permutation(len(kinds))[:2]]
        pieces = [self._solos[kind][int(rng.integers(len(self._solos[kind])))] for kind in chosen]
        halves, frames = [], []
        for piece in pieces:
            start_s = float(rng.uniform(0, max(0.0, piece.seconds - self._samples / self._rate_hz)))
            solo = piece.cut(start_s, self._samples, self._rate_hz)[0] * np.float32(rng.uniform(*DUET_GAINS))
            halves.append(np.clip(solo, -1, 1) / np.float32(2))
            frames.append(self._pictures(piece, start_s))
        sources = np.stack(halves)
        shown = np.stack([f for f in frames if f is not None]) if all(f is not None for f in frames) else None
        a, b = (piece.stems[0] for piece in pieces)
        return Duet(sources[0] + sources[1], sources, (a.label, b.label), (a.term, b.term), shown)

    def _pictures(self, piece: Piece, start_s: float) -> Pictures | None:
        if piece.frames is None:
            return None
        count = -(-self._samples * round(piece.frames.fps) // self._rate_hz)
        return piece.frames.read(int(start_s * piece.frames.fps), count, self._size_px)
