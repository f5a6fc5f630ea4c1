"""What a cache of rendered stems is made of."""

from __future__ import annotations

from dataclasses import dataclass

PIECES_PER_SHARD = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class StemRenderConfig:
    """Settings of one stem cache."""

    folder: str
    rate_hz: int = 16_000
    seconds: float = 12.0
    seed: int = 1
    held_out: bool = False
    songs: bool = True
    pieces_per_shard: int = PIECES_PER_SHARD
