"""Walk the flow to t=1 with Euler steps, from noise or part of the way from what is there, leaving known latents alone.

Knows nothing of audio, tasks or files: arrays in, arrays out.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from engine.latents import Slot, exchanged
from engine.request import CONDITIONS, Start
from engine.runtime.backend import Array, FloatArray, GraphSession

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
    """How to walk.

    Attributes:
        steps: Euler steps, at least 1.
        guidance: 0 ignores the prompt, 1 follows it plainly, more pushes towards it.
        start: ``zeros``, the posterior mean in one step, or ``noise``.
        seed: of the noise; candidates count up from it.
        strength: the share of the way that is walked; 1 begins at the start, less begins at ``sdedit_init``.
        guide: the conditions that guidance pushes towards, of ``CONDITIONS``; none named means all of them. The
            others are heard as they are.
        slot: what the prompt is about; words for the stem and for this slot change places.
        part: number of the piece's part that is made; each has noise of its own.
        temperature: what the noise is multiplied by; below 1 the walk stays nearer to the likeliest answer.
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
        """Steps of the share that is walked, none longer than one of the whole way."""
        return math.ceil(self.steps * self.strength - 1e-9)


def initial_noise(
    sampling: SamplerConfig,
    windows: Sequence[int],
    shape_SDL: tuple[int, int, int],
    candidates: Sequence[int] | None = None,
) -> FloatArray:
    """Where the unknown latents begin.

    Args:
        walk: kind of start and seed.
        windows: number of each window in the clip; a window's noise does not depend on its batch.
        shape_SDL: (slots, latent channels, frames).
        candidates: what is added to the seed, for each of ``windows``; None adds nothing.

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
    """Where the unknown latents begin when only a share of the way is walked.

    Args:
        walk: its strength is the share.
        start_BSDL: float32, what ``initial_noise`` gave.
        z_BSDL: float32, latents of what is there already; same shape.

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
    """Fill in the unknown latents.

    Args:
        graph: one Euler step, (x, t, known, prompt, dt) -> x_next.
        start_BSDL: float32 (windows, slots, latent channels, frames); given latents where known, the start elsewhere.
        known_BSL: bool (windows, slots, frames); True means given.
        prompt_BSE: float32 (windows, slots, embedding); zeros mean no prompt.
        walk: how many steps, and how hard the prompt pushes.
        check: called before every step; raises to stop.
        picture_BFP: float32 (windows, picture frames, picture features), zeros mean no picture; None for a graph that
            has no input for it.

    Returns:
        float32, shape of ``start_BSDL``; equal to it wherever known.

    Source: Lipman et al. 2022, "Flow Matching for Generative Modeling", arXiv:2210.02747; guidance after Ho and
    Salimans 2022, arXiv:2207.12598, outside the graph because an Euler step is affine in the velocity.
    """
    conditions: dict[str, FloatArray] = {"prompt": prompt_BSE} | (
        {} if picture_BFP is None else {"picture": picture_BFP}
    )
    unconditional = _drop_conditions(conditions, sampling.guide or CONDITIONS, sampling.slot)
    x_BSDL, steps = start_BSDL, sampling.num_steps
    for step in range(steps):
        check()
        time = np.float32(1 - sampling.strength + sampling.strength * step / steps)
        latents = {
            "x": x_BSDL,
            "t": np.where(known_BSL, np.float32(1), time),
            "known": known_BSL,
            "dt": np.full(len(x_BSDL), sampling.strength / steps, np.float32),
        }
        x_BSDL = _cfg_step(graph, latents, conditions, unconditional, sampling.guidance)
    return np.where(known_BSL[:, :, None], start_BSDL, x_BSDL)


def _drop_conditions(
    conditions: Mapping[str, FloatArray], names: Sequence[str], prompt_slot: Slot
) -> dict[str, FloatArray]:
    """The inputs of a step that does not hear the named conditions; zeros mean that nothing is said."""
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
    """One step, pushed away from the step that is taken when ``unheard`` stands in the place of ``conditions``."""
    if guidance == 1:
        return graph.run({**latents, **conditions})["x_next"]
    if guidance == 0:
        return graph.run({**latents, **unconditional})["x_next"]
    both = {name: np.concatenate([value, value]) for name, value in latents.items()}
    both |= {name: np.concatenate([value, unconditional[name]]) for name, value in conditions.items()}
    with_all, without = np.split(graph.run(both)["x_next"], 2)
    pushed: FloatArray = without + np.float32(guidance) * (with_all - without)
    return pushed
