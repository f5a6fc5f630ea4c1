"""Audio to its few loudest windows. Runs in the decoder process; memory does not grow with the file.

Windows do not overlap; the loudest are kept, and those much quieter than the loudest are dropped as pauses. Audio
shorter than a window is repeated until it fills one, as CLAP does (Wu et al. 2023, arXiv 2211.06687, section 3.3).
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from typing import BinaryIO

import numpy as np
import numpy.typing as npt
import soundfile

from engine.audio.reader import BLOCK_SAMPLES, resampled, samples_at
from engine.media.limits import (
    ACTIVE_DB,
    CHANNELS_LIMIT,
    HIGHEST_RATE_HZ,
    LENGTH_LIMIT_S,
    LOWEST_RATE_HZ,
    SILENT_POWER,
    SOUND_WINDOWS,
    TOO_LONG,
    UnusableFile,
)

Floats = npt.NDArray[np.float32]


def read_audio(file: BinaryIO, rate_hz: int, part_s: tuple[float, float | None]) -> Iterator[Floats] | None:
    """Read a part of an audio file as mono at a rate, block by block; None when libsndfile cannot.

    Raises:
        UnusableFile: its rate or number of channels is not supported.
    """
    file.seek(0)
    try:
        stream = soundfile.SoundFile(file)
    except (soundfile.LibsndfileError, TypeError, ValueError, RuntimeError):
        return None
    if not LOWEST_RATE_HZ <= stream.samplerate <= HIGHEST_RATE_HZ or stream.channels > CHANNELS_LIMIT:
        raise UnusableFile(
            "has {channels} channels at {rate_hz} Hz; at most {limit} channels at {low} to {high} Hz are read, "
            "so convert it",
            channels=stream.channels, rate_hz=stream.samplerate,
            limit=CHANNELS_LIMIT, low=LOWEST_RATE_HZ, high=HIGHEST_RATE_HZ,
        )  # fmt: skip
    return _mono(stream, rate_hz, part_s)


def cut(blocks: Iterator[Floats], rate_hz: int, part_s: tuple[float, float | None]) -> Iterator[Floats]:
    """Cut a part out of a stream that begins at the start of its file."""
    at, (first, last) = 0, (round(part_s[0] * rate_hz), None if part_s[1] is None else round(part_s[1] * rate_hz))
    for block_N in blocks:
        yield block_N[max(first - at, 0) : None if last is None else max(last - at, 0)]
        at += len(block_N)
        if last is not None and at >= last:
            return


def loudest_windows(blocks: Iterator[Floats], samples: int, rate_hz: int) -> Floats:
    """The loudest windows, in order of time.

    Args:
        blocks: mono.
        rate_hz: of both.

    Returns:
        float32 (1 to ``SOUND_WINDOWS``, samples).

    Raises:
        UnusableFile: it is empty, silent, too long, or has NaN or infinity in it.
    """
    kept: list[tuple[float, int, Floats]] = []
    held_N: Floats = np.zeros(0, np.float32)
    before_N = held_N
    number, total = 0, 0

    def keep(window_N: Floats) -> None:
        nonlocal number
        power = float(np.square(window_N, dtype=np.float64).mean())
        if not np.isfinite(power):
            raise UnusableFile("has samples that are no numbers; repair it or save it again")
        heapq.heappush(kept, (power, -number, window_N))
        number += 1
        if len(kept) > SOUND_WINDOWS:
            heapq.heappop(kept)

    for block_N in blocks:
        total += len(block_N)
        if total > LENGTH_LIMIT_S * rate_hz:
            raise UnusableFile(TOO_LONG, limit_s=LENGTH_LIMIT_S)
        held_N = np.concatenate([held_N, block_N])
        while len(held_N) >= samples:
            before_N, held_N = held_N[:samples], held_N[samples:]
            keep(before_N)
    if len(held_N):
        whole_N = np.concatenate([before_N, held_N])
        keep(whole_N[-samples:] if len(whole_N) >= samples else np.resize(whole_N, samples))
    if not kept:
        raise UnusableFile("has no samples there; give a part with sound in it")
    return _active(kept)


def _active(kept: list[tuple[float, int, Floats]]) -> Floats:
    highest = max(kept)[0]
    if highest < SILENT_POWER:
        raise UnusableFile("is silent there; give a part with sound in it")
    least = highest * 10 ** (-ACTIVE_DB / 10)
    return np.stack([window_N for power, _, window_N in sorted(kept, key=lambda one: -one[1]) if power >= least])


def _mono(stream: soundfile.SoundFile, rate_hz: int, part_s: tuple[float, float | None]) -> Iterator[Floats]:
    first = min(round(part_s[0] * stream.samplerate), stream.frames)
    last = stream.frames if part_s[1] is None else min(round(part_s[1] * stream.samplerate), stream.frames)
    wanted = samples_at(max(last - first, 0), stream.samplerate, rate_hz)

    def source() -> Iterator[npt.NDArray[np.float64]]:
        left = last - first
        if first:
            stream.seek(first)
        while left > 0:
            try:
                block_NC = stream.read(min(left, BLOCK_SAMPLES), "float32", always_2d=True)
            except soundfile.LibsndfileError as error:
                reason = str(error).strip().rstrip(".")
                raise UnusableFile("is damaged ({reason}); save it again", reason=reason) from error
            if not len(block_NC):
                return
            left -= len(block_NC)
            yield block_NC.mean(axis=1, dtype=np.float64)[None]

    if wanted > LENGTH_LIMIT_S * rate_hz:
        raise UnusableFile(TOO_LONG, limit_s=LENGTH_LIMIT_S)
    with stream:
        for block_1N in resampled(source(), 1, stream.samplerate, rate_hz, wanted):
            yield block_1N[0]
