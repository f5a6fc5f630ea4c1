"""Euler sampler of the flow, from noise or (SDEdit) from noised latents; known latents stay as they are.

Arrays in, arrays out.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from engine.inference.device_sampler import DeviceLatents, ResidentStart, StepInputs, sample_on_device
from engine.latents import Slot, exchanged
from engine.request import CONDITIONS, Start
from engine.runtime.backend import Array, FloatArray, GraphSession, resident_session

# condition -> input of the step graph, and the slot it is about; None means that the input is about all of them
_INPUTS: dict[str, tuple[str, Slot | None]] = {
    "prompt": ("prompt", Slot.STEM),
    "mix-prompt": ("prompt", Slot.MIX),
    "rest-prompt": ("prompt", Slot.REST),
    "picture": ("picture", None),
}
BoolArray = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class SamplerConfig:
    """Settings of the sampler.

    Attributes:
        steps: Euler steps, at least 1.
        guidance: classifier-free guidance scale; 0 ignores the prompt, 1 applies no guidance.
        start: ``zeros``, which gives the posterior mean in one step, or ``noise``.
        seed: of the noise; candidates count up from it.
        strength: fraction of the path that is integrated; 1 starts from noise, less from ``sdedit_init``.
        guide: conditions that guidance applies to, of ``CONDITIONS``; empty means all. The others are kept in both
            passes.
        slot: which slot the prompt describes; its prompt row and that of the stem change places.
        part: index of the stem within an arrangement; each has its own noise.
        temperature: scale of the noise; below 1 stays nearer to the likeliest result.
    """

    steps: int
    guidance: float
    start: Start
    seed: int
    strength: float = 1.0
    guide: tuple[str, ...] = ()
    slot: Slot = Slot.STEM
    part: int = 0
    temperature: float = 1.0

    @property
    def num_steps(self) -> int:
        """Steps actually taken: those of the path that ``strength`` leaves, none longer than a full step."""
        return math.ceil(self.steps * self.strength - 1e-9)

    @property
    def times(self) -> list[float]:
        """t of the unknown latents before each step, 0 to 1."""
        steps = self.num_steps
        return [float(np.float32(1 - self.strength + self.strength * step / steps)) for step in range(steps)]

    @property
    def dt(self) -> float:
        """Length of a step."""
        return self.strength / max(self.num_steps, 1)


def initial_noise(
    sampling: SamplerConfig,
    windows: Sequence[int],
    shape_SDL: tuple[int, int, int],
    candidates: Sequence[int] | None = None,
) -> FloatArray:
    """Initial state of the unknown latents: zeros or noise.

    Args:
        sampling: kind of start, seed and temperature.
        windows: index of each window in the clip; its noise does not depend on the batch.
        shape_SDL: (slots, latent channels, frames).
        candidates: offset of the seed for each of ``windows``; None means 0.

    Returns:
        float32 (windows, slots, latent channels, frames).
    """
    if sampling.start == "zeros":
        return np.zeros((len(windows), *shape_SDL), np.float32)
    seeds = [sampling.seed + candidate for candidate in candidates or [0] * len(windows)]
    rows = zip(seeds, windows, strict=True)
    noise_BSDL = np.stack(
        [
            np.random.default_rng([seed, window, sampling.part]).standard_normal(shape_SDL, np.float32)
            for seed, window in rows
        ]
    )
    return np.float32(sampling.temperature) * noise_BSDL


def sdedit_init(sampling: SamplerConfig, start_BSDL: FloatArray, z_BSDL: FloatArray) -> FloatArray:
    """Initial state when only part of the path is integrated: existing latents, noised.

    Args:
        sampling: its ``strength`` is how far they are noised.
        start_BSDL: float32, from ``initial_noise``.
        z_BSDL: float32, existing latents; same shape.

    Returns:
        float32, same shape: the point of the straight path between the two at t = 1 - strength.

    Source: Meng et al. 2021, "SDEdit", arXiv:2108.01073, on the path of Lipman et al. 2022 (x_t = (1 - t) noise + t z).
    """
    if sampling.strength == 1:
        return start_BSDL
    share = np.float32(sampling.strength)
    begun_BSDL: FloatArray = (1 - share) * z_BSDL + share * start_BSDL
    return begun_BSDL


def sample(
    graph: GraphSession,
    start_BSDL: FloatArray,
    known_BSL: BoolArray,
    prompt_BSE: FloatArray,
    sampling: SamplerConfig,
    check: Callable[[], None],
    picture_BFP: FloatArray | None = None,
) -> FloatArray:
    """Sample the unknown latents.

    Args:
        graph: one Euler step, (x, t, known, prompt, dt) -> x_next.
        start_BSDL: float32 (windows, slots, latent channels, frames); the known latents, and the
            initial state elsewhere.
        known_BSL: bool (windows, slots, frames); True means given.
        prompt_BSE: float32 (windows, slots, embedding); zeros mean no prompt.
        check: called before every step; raises to stop.
        picture_BFP: float32 (windows, picture frames, picture features), zeros mean no picture; None for a graph
            without that input.

    Returns:
        float32, shape of ``start_BSDL``; equal to it wherever known.

    Source: Lipman et al. 2022, "Flow Matching for Generative Modeling", arXiv:2210.02747; guidance after Ho and
    Salimans 2022, arXiv:2207.12598, outside the graph because an Euler step is affine in the velocity.
    """
    sampled = sample_latents(graph, start_BSDL, known_BSL, prompt_BSE, sampling, check, picture_BFP)
    return sampled.numpy() if isinstance(sampled, DeviceLatents) else sampled


def sample_latents(
    graph: GraphSession,
    start: FloatArray | ResidentStart,
    known_BSL: BoolArray,
    prompt_BSE: FloatArray,
    sampling: SamplerConfig,
    check: Callable[[], None],
    picture_BFP: FloatArray | None = None,
) -> FloatArray | DeviceLatents:
    """The same, where the graph's tensors may stay on its device left there; see ``Codec.decode_slots``.

    The start may be one whose mix is there already, then of such a graph alone.
    """
    resident = resident_session(graph)
    if resident is not None:
        inputs = step_inputs(start, known_BSL, prompt_BSE, sampling, picture_BFP)
        return sample_on_device(resident, inputs, check)
    if isinstance(start, ResidentStart):
        raise TypeError("a start on a device goes into a graph on that device")
    conditions, unconditional = _conditions(prompt_BSE, sampling, picture_BFP)
    x_BSDL = start
    for time in sampling.times:
        check()
        latents = {
            "x": x_BSDL,
            "t": np.where(known_BSL, np.float32(1), np.float32(time)),
            "known": known_BSL,
            "dt": np.full(len(x_BSDL), sampling.dt, np.float32),
        }
        x_BSDL = _cfg_step(graph, latents, conditions, unconditional, sampling.guidance)
    return np.where(known_BSL[:, :, None], start, x_BSDL)


def step_inputs(
    start: FloatArray | ResidentStart,
    known_BSL: BoolArray,
    prompt_BSE: FloatArray,
    sampling: SamplerConfig,
    picture_BFP: FloatArray | None = None,
) -> StepInputs:
    """What the steps on a device are given; arguments as for ``sample``."""
    conditions, unconditional = _conditions(prompt_BSE, sampling, picture_BFP)
    passes: tuple[dict[str, FloatArray], dict[str, FloatArray] | None] = (conditions, unconditional)
    if sampling.guidance == 1:
        passes = conditions, None
    elif sampling.guidance == 0:
        passes = unconditional, None
    return StepInputs(start, known_BSL, *passes, sampling.guidance, sampling.times, sampling.dt)


def _conditions(
    prompt_BSE: FloatArray, sampling: SamplerConfig, picture_BFP: FloatArray | None
) -> tuple[dict[str, FloatArray], dict[str, FloatArray]]:
    """Conditions by input of the step graph, of the conditional and of the unconditional pass."""
    conditions = {"prompt": prompt_BSE} | ({} if picture_BFP is None else {"picture": picture_BFP})
    return conditions, _drop_conditions(conditions, sampling.guide or CONDITIONS, sampling.slot)


def _drop_conditions(
    conditions: Mapping[str, FloatArray], names: Sequence[str], prompt_slot: Slot
) -> dict[str, FloatArray]:
    """Conditions of the unconditional pass: the named ones set to zero."""
    left = {name: value.copy() for name, value in conditions.items()}
    for condition, (name, slot) in _INPUTS.items():
        if condition in names and name in left:
            left[name][:, slice(None) if slot is None else exchanged(slot, prompt_slot)] = 0
    return left


def _cfg_step(
    graph: GraphSession,
    latents: Mapping[str, Array],
    conditions: Mapping[str, FloatArray],
    unconditional: Mapping[str, FloatArray],
    guidance: float,
) -> FloatArray:
    """One Euler step with classifier-free guidance."""
    if guidance == 1:
        return graph.run({**latents, **conditions})["x_next"]
    if guidance == 0:
        return graph.run({**latents, **unconditional})["x_next"]
    both = {name: np.concatenate([value, value]) for name, value in latents.items()}
    both |= {name: np.concatenate([value, unconditional[name]]) for name, value in conditions.items()}
    with_all, without = np.split(graph.run(both)["x_next"], 2)
    pushed: FloatArray = without + np.float32(guidance) * (with_all - without)
    return pushed
