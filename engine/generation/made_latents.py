"""Latents that a generative task is given and makes: on disk, or in the memory of a device from first to last.

Both ways give the same samples; ``given_latents`` takes the device where all of a task fits there.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from engine.audio.disk_array import DiskArray
from engine.audio.reader import FloatArray
from engine.inference.clip import encode_clip, encode_into
from engine.inference.device_sampler import DeviceLatents, ResidentStart
from engine.inference.resident_latents import FramePlaces, ResidentLatents, WindowStore
from engine.inference.run import RunContext
from engine.inference.sampler import BoolArray, SamplerConfig, sdedit_init
from engine.inference.windows import FillWindow, WindowPlan, plan_fill
from engine.latents import SLOTS, Slot
from engine.runtime.backend import OutOfDeviceMemory, resident_session

FRAMES_AT_ONCE = 1 << 14


class Takes(Protocol):
    """Latents of the slot that is made, a take for each candidate: what was given, else zeros, until it is filled."""

    def start(
        self, first: int, candidates: Sequence[int], noise_BSDL: FloatArray, known_BSL: BoolArray,
        sampling: SamplerConfig,
    ) -> FloatArray | ResidentStart:  # fmt: skip
        """The start of one window of some candidates, for ``engine.inference.sampler.sample_latents``.

        Args:
            first: frame at which the window begins.
            noise_BSDL: float32 (candidates, slots, latent channels, frames).
            known_BSL: bool (candidates, slots, frames).
        """
        ...

    def fill(
        self, number: int, window: FillWindow, candidates: Sequence[int], sampled: FloatArray | DeviceLatents
    ) -> None:
        """Keep what was sampled of one window.

        Args:
            number: of the window among those that are filled.
            candidates: consecutive ones.
        """
        ...

    def decoded(self, candidate: int, starts: Sequence[int]) -> FloatArray:
        """Sound of whole windows that begin at some frames, float32 (windows, samples)."""
        ...


class GivenLatents(Protocol):
    """Latents of the given slots."""

    def takes(self, run: RunContext, frames: int, held: contextlib.ExitStack) -> Takes:
        """New takes; those that were asked for before are not used any more.

        Args:
            frames: of the clip.
            held: closes them.
        """
        ...


def given_latents(
    run: RunContext, given: Mapping[Slot, DiskArray], gain: float, windows: WindowPlan,
    fills: Sequence[tuple[int, int]], held: contextlib.ExitStack,
) -> GivenLatents:  # fmt: skip
    """Encode all given slots.

    Args:
        given: mono at the model's rate.
        gain: applied to them.
        windows: the plan over the clip.
        fills: frames that are to be made, ``(first, past the last)``.
        held: closes the latents.
    """
    store = _store(run, len(given), windows, fills)
    if store is None:
        slots: dict[Slot, DiskArray] = {}
        for number, (slot, audio) in enumerate(given.items()):
            slots[slot] = held.enter_context(encode_clip(run.nth(number, len(given)), audio, gain, windows))
        return DiskLatents(slots)
    held.callback(store.close)
    places: dict[Slot, FramePlaces] = {}
    for number, (slot, audio) in enumerate(given.items()):
        encode = run.model.codec.resident_encoder
        assert encode is not None  # as the decoder, see _store
        latents = ResidentLatents(encode, windows, run.model.grid.latent_channels, store)
        encode_into(run.nth(number, len(given)), latents, audio, gain, windows)
        places[slot] = latents.places
    return DeviceSlots(store, places, _made_windows(run, windows, fills))


def _store(run: RunContext, slots: int, windows: WindowPlan, fills: Sequence[tuple[int, int]]) -> WindowStore | None:
    """Room on the device for all that a task is given and makes; None where there is none."""
    step = resident_session(run.model.step)
    shape = run.model.grid.latent_channels, windows.window
    count = slots * len(windows.starts) + _made_windows(run, windows, fills)
    if step is None or run.model.codec.resident_decoder is None or not WindowStore.is_small(count, shape):
        return None
    try:
        return WindowStore(step, count, shape)
    except OutOfDeviceMemory:
        return None


def _made_windows(run: RunContext, windows: WindowPlan, fills: Sequence[tuple[int, int]]) -> int:
    return run.request.candidates * sum(len(plan_fill(windows.frames, windows.window, fill)) for fill in fills)


@dataclass(frozen=True, slots=True)
class DiskLatents:
    """See ``GivenLatents``.

    Attributes:
        slots: one frame per row.
    """

    slots: Mapping[Slot, DiskArray]

    def takes(self, run: RunContext, frames: int, held: contextlib.ExitStack) -> Takes:
        """See ``GivenLatents``."""
        stems = []
        for _ in range(run.request.candidates):
            stems.append(stem := held.enter_context(DiskArray(run.folder, run.model.grid.latent_channels)))
            self._begin(stem, run.rule.answer, frames)
        return _DiskTakes(run, self, stems)

    def read(self, start: int, stop: int, latent_channels: int) -> FloatArray:
        """Latents of some frames, float32 (slots, latent channels, frames); zeros where nothing is given."""
        z_SDL = np.zeros((SLOTS, latent_channels, stop - start), np.float32)
        for slot, latents in self.slots.items():
            z_SDL[slot] = latents.read(start, stop).T
        return z_SDL

    def _begin(self, stem: DiskArray, made: Slot, frames: int) -> None:
        given = self.slots.get(made)
        for at in range(0, frames, FRAMES_AT_ONCE):
            end = min(at + FRAMES_AT_ONCE, frames)
            stem.append(np.zeros((end - at, stem.width), np.float32) if given is None else given.read(at, end))


@dataclass(frozen=True, slots=True)
class _DiskTakes:
    """See ``Takes``."""

    run: RunContext
    given: DiskLatents
    stems: Sequence[DiskArray]

    def start(
        self, first: int, candidates: Sequence[int], noise_BSDL: FloatArray, known_BSL: BoolArray,
        sampling: SamplerConfig,
    ) -> FloatArray:  # fmt: skip
        last = first + noise_BSDL.shape[-1]
        z_SDL = self.given.read(first, last, noise_BSDL.shape[2])
        z_BSDL = np.repeat(z_SDL[None], len(candidates), axis=0)
        z_BSDL[:, self.run.rule.answer] = [self.stems[one].read(first, last).T for one in candidates]
        x_BSDL = sdedit_init(sampling, noise_BSDL, z_BSDL)
        start_BSDL: FloatArray = np.where(known_BSL[:, :, None], z_BSDL, x_BSDL)
        return start_BSDL

    def fill(
        self, number: int, window: FillWindow, candidates: Sequence[int], sampled: FloatArray | DeviceLatents
    ) -> None:
        x_BSDL = sampled.numpy() if isinstance(sampled, DeviceLatents) else sampled
        first, last = window.fill
        for one, z_DL in zip(candidates, x_BSDL[:, self.run.rule.answer], strict=True):
            self.stems[one].put(first, z_DL[:, first - window.start : last - window.start].T)

    def decoded(self, candidate: int, starts: Sequence[int]) -> FloatArray:
        stem, window = self.stems[candidate], self.run.model.grid.window_frames
        return self.run.model.codec.decode(np.stack([stem.read(at, at + window).T for at in starts]))


class DeviceSlots:
    """See ``GivenLatents``.

    Args:
        store: where the latents are, with room for what is made.
        places: of the given slots' frames.
        made_windows: windows that the takes have together.
    """

    def __init__(self, store: WindowStore, places: Mapping[Slot, FramePlaces], made_windows: int) -> None:
        self._store, self._places = store, places
        self._made_from = store.take(made_windows)  # the same for all takes, of which one set is in use at a time

    def takes(self, run: RunContext, frames: int, held: contextlib.ExitStack) -> Takes:
        """See ``GivenLatents``."""
        given = self._places.get(run.rule.answer) or FramePlaces(frames)
        stems = [given.copy() for _ in range(run.request.candidates)]
        return _DeviceTakes(run, self._store, self._places, stems, self._made_from)


@dataclass(frozen=True, slots=True)
class _DeviceTakes:
    """See ``Takes``."""

    run: RunContext
    store: WindowStore
    given: Mapping[Slot, FramePlaces]
    stems: Sequence[FramePlaces]
    made_from: int

    def start(
        self, first: int, candidates: Sequence[int], noise_BSDL: FloatArray, known_BSL: BoolArray,
        sampling: SamplerConfig,
    ) -> ResidentStart:  # fmt: skip
        rows, slots, _, frames = noise_BSDL.shape
        places_BSL2 = np.zeros((rows, slots, frames, 2), np.int64)
        for slot, places in self.given.items():
            places_BSL2[:, slot] = places.read(first, first + frames)
        made = self.run.rule.answer
        places_BSL2[:, made] = [self.stems[one].read(first, first + frames) for one in candidates]
        made_by = "step" if (places_BSL2[:, made, :, 0] >= self.made_from).any() else "encode"
        return ResidentStart(self.store.windows, places_BSL2, noise_BSDL, sampling.strength, made_by)

    def fill(
        self, number: int, window: FillWindow, candidates: Sequence[int], sampled: FloatArray | DeviceLatents
    ) -> None:
        assert isinstance(sampled, DeviceLatents)
        row = self.made_from + number * len(self.stems) + candidates[0]
        sampled.write(self.run.rule.answer, lambda count: self.store.rows(row, count))
        first, last = window.fill
        for place, one in enumerate(candidates):
            self.stems[one].lay(first, last, row + place, first - window.start)

    def decoded(self, candidate: int, starts: Sequence[int]) -> FloatArray:
        codec, window = self.run.model.codec, self.run.model.grid.window_frames
        decoder = codec.resident_decoder
        assert decoder is not None
        places_BL2 = np.stack([self.stems[candidate].read(at, at + window) for at in starts])
        return codec.decode_there(decoder, self.store.gathered(decoder, places_BL2), len(starts))
