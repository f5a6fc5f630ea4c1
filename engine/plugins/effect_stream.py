"""Run effects over a stream of blocks so that what comes out is as long as what went in, and in its place.

Knows no plug-ins: an effect is a function from block to block that may give back less than it got until it is full.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import numpy.typing as npt

from engine.plugins.limits import BLOCK_SAMPLES, LATENCY_LIMIT_S

Block = npt.NDArray[np.float32]
Process = Callable[[Block], Block]


class ExcessiveLatency(Exception):
    """An effect that keeps more sound back than is allowed."""


class NonFiniteOutput(Exception):
    """An effect that makes samples which are no numbers, or infinite."""


class EffectStream:
    """One effect in a stream.

    Args:
        process: float32 (channels, samples) to the same, or less while it is filling.
        wet: 0 the sound as it came, 1 the effect alone.
        lead_samples: silence pushed before the first block, for an effect that drops more of its beginning than it is
            late.
        drop_samples: taken from the beginning, for an effect that is later than it says.
    """

    def __init__(
        self, process: Process, channels: int, rate_hz: int, wet: float, lead_samples: int = 0, drop_samples: int = 0
    ) -> None:
        self._process, self._channels, self._wet = process, channels, np.float32(wet)
        self._limit = int(LATENCY_LIMIT_S * rate_hz)
        self._drop = drop_samples
        self._waiting: Block = np.zeros((channels, lead_samples), np.float32)
        self._dry: Block = np.zeros((channels, 0), np.float32)

    def push(self, block_CN: Block) -> Block:
        """Push sound; returns what is done."""
        self._waiting = np.concatenate([self._waiting, block_CN], axis=1)
        self._dry = np.concatenate([self._dry, block_CN], axis=1)
        done = [np.zeros((self._channels, 0), np.float32)]
        # Blocks of one size only: some effects begin anew, and forget that they are late, when a longer one comes.
        while self._waiting.shape[1] >= BLOCK_SAMPLES:
            done.append(self._mixed(self._take(self._waiting[:, :BLOCK_SAMPLES])))
            self._waiting = self._waiting[:, BLOCK_SAMPLES:]
        return np.concatenate(done, axis=1)

    def finish(self) -> Iterator[Block]:
        """What it still holds.

        Raises:
            ExcessiveLatency: it does not come out.
        """
        pushed = 0
        while self._dry.shape[1]:
            if pushed > self._limit + BLOCK_SAMPLES:
                raise ExcessiveLatency
            lacking = BLOCK_SAMPLES - self._waiting.shape[1]
            silence_CN = np.zeros((self._channels, lacking), np.float32)
            block_CN = np.concatenate([self._waiting, silence_CN], axis=1)
            self._waiting = self._waiting[:, :0]
            pushed += BLOCK_SAMPLES
            yield self._mixed(self._take(block_CN))

    def _take(self, block_CN: Block) -> Block:
        made_CN = self._process(block_CN)
        if not np.isfinite(made_CN).all():
            raise NonFiniteOutput
        dropped = min(self._drop, made_CN.shape[1])
        self._drop -= dropped
        return made_CN[:, dropped:]

    def _mixed(self, made_CN: Block) -> Block:
        made_CN = made_CN[:, : self._dry.shape[1]]  # nothing but silence was pushed for the rest
        count = made_CN.shape[1]
        dry_CN, self._dry = self._dry[:, :count], self._dry[:, count:]
        if self._wet == 1.0:
            return made_CN
        return self._wet * made_CN + (np.float32(1.0) - self._wet) * dry_CN


def run_streams(streams: list[EffectStream], source: Iterator[Block], at: Callable[[int], None]) -> Iterator[Block]:
    """Run a stream through effects, one after the other.

    Args:
        source: float32 (channels, samples).
        at: is told the number of the effect that works from now on.

    Yields:
        As much as went in.

    Raises:
        ExcessiveLatency, NonFiniteOutput: the effect told last keeps sound back, or makes no sound at all.
    """

    def through(block_CN: Block, first: int) -> Block:
        for number in range(first, len(streams)):
            at(number)
            block_CN = streams[number].push(block_CN)
        return block_CN

    for block_CN in source:
        yield through(block_CN, 0)
    for number, stream in enumerate(streams):
        at(number)
        for block_CN in stream.finish():
            yield through(block_CN, number + 1)
            at(number)
