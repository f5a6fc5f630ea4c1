"""Walk the flow from t=0 to t=1 with Euler steps, leaving known latents alone.

Knows nothing of audio, tasks or files: arrays in, arrays out.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from engine.backend import FloatArray, GraphSession
from engine.messages import Start

BoolArray = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Walk:
    """How to walk.

    Attributes:
        steps: Euler steps, at least 1.
        guidance: 0 ignores the prompt, 1 follows it plainly, more pushes towards it.
        start: ``zeros``, the posterior mean in one step, or ``noise``.
        seed: of the noise.
    """

    steps: int
    guidance: float
    start: Start
    seed: int


def start_latents(walk: Walk, windows: Sequence[int], shape_SDL: tuple[int, int, int]) -> FloatArray:
    """Where the unknown latents begin.

    Args:
        walk: kind of start and seed.
        windows: number of each window in the clip; a window's noise does not depend on its batch.
        shape_SDL: (slots, latent channels, frames).

    Returns:
        float32 (windows, slots, latent channels, frames).
    """
    if walk.start == "zeros":
        return np.zeros((len(windows), *shape_SDL), np.float32)
    rows = [np.random.default_rng([walk.seed, window]).standard_normal(shape_SDL, np.float32) for window in windows]
    return np.stack(rows)


def sample(
    graph: GraphSession,
    start_BSDL: FloatArray,
    known_BSL: BoolArray,
    prompt_BSE: FloatArray,
    walk: Walk,
    check: Callable[[], None],
) -> FloatArray:
    """Fill in the unknown latents.

    Args:
        graph: one Euler step, (x, t, known, prompt, dt) -> x_next.
        start_BSDL: float32 (windows, slots, latent channels, frames); given latents where known, the start elsewhere.
        known_BSL: bool (windows, slots, frames); True means given.
        prompt_BSE: float32 (windows, slots, embedding); zeros mean no prompt.
        walk: how many steps, and how hard the prompt pushes.
        check: called before every step; raises to stop.

    Returns:
        float32, shape of ``start_BSDL``; equal to it wherever known.

    Source: Lipman et al. 2022, "Flow Matching for Generative Modeling", arXiv:2210.02747; guidance after Ho and
    Salimans 2022, arXiv:2207.12598, outside the graph because an Euler step is affine in the velocity.
    """
    x_BSDL = start_BSDL
    for step in range(walk.steps):
        check()
        time = np.float32(step / walk.steps)
        t_BSL = np.where(known_BSL, np.float32(1), time)
        dt_B = np.full(len(x_BSDL), 1 / walk.steps, np.float32)
        x_BSDL = _guided(graph, x_BSDL, t_BSL, known_BSL, prompt_BSE, dt_B, walk.guidance)
    return np.where(known_BSL[:, :, None], start_BSDL, x_BSDL)


def _guided(
    graph: GraphSession,
    x_BSDL: FloatArray,
    t_BSL: FloatArray,
    known_BSL: BoolArray,
    prompt_BSE: FloatArray,
    dt_B: FloatArray,
    guidance: float,
) -> FloatArray:
    inputs = {"x": x_BSDL, "t": t_BSL, "known": known_BSL, "prompt": prompt_BSE, "dt": dt_B}
    if guidance == 1:
        return graph.run(inputs)["x_next"]
    if guidance == 0:
        return graph.run({**inputs, "prompt": np.zeros_like(prompt_BSE)})["x_next"]
    both = {name: np.concatenate([value, value]) for name, value in inputs.items()}
    both["prompt"][len(x_BSDL) :] = 0
    with_prompt, without = np.split(graph.run(both)["x_next"], 2)
    pushed: FloatArray = without + np.float32(guidance) * (with_prompt - without)
    return pushed
