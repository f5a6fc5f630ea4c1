"""The sampler on a device: latents stay in its memory from the encoder to the decoded sound.

Only noise, the conditions and, step by step, the time go up; only finished latents or sound come down. Guidance is
one small graph between two steps. Each tensor keeps its address for every shape, so that a step can be recorded once
and replayed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from engine.inference.numbers import no_numbers
from engine.inference.step_graphs import BEGIN, FINISH, GUIDE
from engine.latents import Slot
from engine.runtime.backend import Array, DeviceTensor, FloatArray, ResidentSession
from engine.runtime.batch_axes import pad_rows
from engine.runtime.settings import padded_rows


@dataclass(frozen=True, slots=True)
class ResidentStart:
    """The start of a batch whose latents are on the device; see ``engine.inference.resident_latents``.

    Attributes:
        latents: float32 (windows, latent channels, frames of a window).
        places_BSL2: int64 (windows, slots, frames, 2): window and frame in ``latents`` of every frame of the batch.
        noise_BSDL: float32 (windows, slots, latent channels, frames).
        strength: share of the noise in what is not known, 0 to 1; the rest of it is the latents.
        made_by: the graph that made the latents.
    """

    latents: DeviceTensor
    places_BSL2: Array
    noise_BSDL: FloatArray
    strength: float = 1.0
    made_by: str = "encode"


@dataclass(frozen=True, slots=True)
class StepInputs:
    """What the steps of one batch are given.

    Attributes:
        start: float32 (windows, slots, latent channels, frames), or what gathers it on the device.
        known_BSL: bool (windows, slots, frames).
        conditions: by input of the step graph, one row per window.
        unconditional: the same for the second pass of guidance; None where there is one pass.
        guidance: its scale.
        times: of the unknown latents at each step, 0 to 1.
        dt: length of a step.
    """

    start: FloatArray | ResidentStart
    known_BSL: Array
    conditions: Mapping[str, FloatArray]
    unconditional: Mapping[str, FloatArray] | None
    guidance: float
    times: Sequence[float]
    dt: float


class DeviceLatents:
    """Sampled latents in the memory of a device.

    Args:
        step: the graph that made them.
        last: its last result; with two passes, both.
        start, known: what it was given.
        rows: windows that were asked for; the tensors may have more.
    """

    def __init__(
        self, step: ResidentSession, last: DeviceTensor, start: DeviceTensor, known: DeviceTensor, rows: int
    ) -> None:
        self._step, self._rows = step, rows
        self._given = {"x": last, "start": start, "known": known}

    def numpy(self) -> FloatArray:
        """All slots, float32 (windows, slots, latent channels, frames); equal to the start wherever known."""
        latents, _ = self._finished([Slot.MIX])
        return latents.numpy(self._rows)

    def decoded(self, decode: ResidentSession, slots: Sequence[Slot]) -> FloatArray:
        """Sound of some slots.

        Args:
            decode: the codec's graph, on the same device.

        Returns:
            float32 (slots, windows, samples of a window).
        """
        _, tracks = self._finished(slots)
        audio_K1N = decode.run_tensors({"latents": tracks})["audio"].numpy()
        whole_SBN: FloatArray = audio_K1N[:, 0].reshape(len(slots), -1, audio_K1N.shape[-1])
        return whole_SBN[:, : self._rows]

    def write(self, slot: Slot, into: Callable[[int], DeviceTensor]) -> None:
        """Copy one slot to where later windows and the decoder read it.

        Args:
            into: given how many rows there are with the padding, float32 (rows, latent channels, frames) to overwrite.
        """
        self._finished([slot], into(self._given["start"].shape[0]))

    def _finished(self, slots: Sequence[Slot], tracks: DeviceTensor | None = None) -> tuple[DeviceTensor, DeviceTensor]:
        rows, _, channels, frames = shape = self._given["start"].shape
        latents = self._step.keep("finished", shape, np.float32)
        if tracks is None:
            tracks = self._step.keep("tracks", (rows * len(slots), channels, frames), np.float32)
        chosen = self._step.keep("slots", (len(slots),), np.int64)
        chosen.update(np.array(slots, np.int64))
        self._step.beside(FINISH).run_resident({**self._given, "slots": chosen}, {"latents": latents, "tracks": tracks})
        return latents, tracks


def sample_on_device(step: ResidentSession, inputs: StepInputs, check: Callable[[], None]) -> DeviceLatents:
    """Sample the unknown latents of a batch; see ``engine.inference.sampler.sample``.

    Args:
        check: called before every step; raises to stop.
    """
    rows = len(inputs.known_BSL)
    padded = padded_rows(rows, step.batch_sizes)
    passes = 1 if inputs.unconditional is None else 2
    known_BSL = pad_rows(inputs.known_BSL, padded)

    def upload(name: str, values: Array) -> DeviceTensor:
        tensor = step.keep(f"{name} in {passes}", values.shape, values.dtype.type)
        tensor.update(values)
        return tensor

    known = upload("known at the end", known_BSL)
    start, now = _begun(step, inputs.start, known, passes, upload)
    both_known = np.concatenate([known_BSL] * passes)
    fixed = {"known": upload("known", both_known)}
    fixed["dt"] = upload("dt", np.full(passes * padded, inputs.dt, np.float32))
    for name, values in inputs.conditions.items():
        halves = [values] if inputs.unconditional is None else [values, inputs.unconditional[name]]
        fixed[name] = upload(name, np.concatenate([pad_rows(half, padded) for half in halves]))
    after = step.keep(f"x_next in {passes}", now.shape, np.float32)
    time = step.keep(f"t in {passes}", both_known.shape, np.float32)
    guidance = upload("guidance", np.array(inputs.guidance, np.float32))
    for number, at in enumerate(inputs.times):
        check()
        time.update(np.where(both_known, np.float32(1), np.float32(at)))
        # With one pass the two tensors change places at every step, so there are two recordings for a shape.
        recording = 4 * padded + (2 if passes == 2 else number % 2)
        step.run_resident({"x": now, "t": time, **fixed}, {"x_next": after}, recording)
        if passes == 2:
            step.beside(GUIDE).run_resident({"x_next": after, "guidance": guidance}, {"x": now})
        else:
            now, after = after, now
    return DeviceLatents(step, now, start, known, rows)


def _begun(
    step: ResidentSession, given: FloatArray | ResidentStart, known: DeviceTensor, passes: int,
    upload: Callable[[str, Array], DeviceTensor],
) -> tuple[DeviceTensor, DeviceTensor]:  # fmt: skip
    """The start, and the same once for each pass, for the first step to read.

    Raises:
        BundleError: there is a NaN or infinity among the latents that are gathered.
    """
    padded = known.shape[0]
    if not isinstance(given, ResidentStart):
        start_BSDL = pad_rows(given, padded)
        return upload("start", start_BSDL), upload("x", np.concatenate([start_BSDL] * passes))
    shape = (padded, *given.noise_BSDL.shape[1:])
    start = step.keep(f"start in {passes}", shape, np.float32)
    now = step.keep(f"x in {passes}", (passes * padded, *shape[1:]), np.float32)
    unsound = step.keep("unsound", (), np.float32)
    noised = np.float32(given.strength)
    gathered = {
        "windows": given.latents,
        "places": upload("places", pad_rows(given.places_BSL2, padded)),
        "noise": upload("noise", pad_rows(given.noise_BSDL, padded)),
        "known": known,
        "kept": upload("kept", np.array(1 - noised)),
        "noised": upload("noised", np.array(noised)),
        "passes": upload("passes", np.array([passes, 1, 1, 1], np.int64)),
    }
    step.beside(BEGIN).run_resident(gathered, {"start": start, "x": now, "unsound": unsound})
    if unsound.numpy() != 0:
        raise no_numbers(given.made_by)
    return start, now
