"""Warm start: load a run's averaged weights into a new network, which may add visual conditioning.

Weights that the run lacks keep their initial values, which make an identity (flow/visual.py), so the new network begins
with the old one's answers.
"""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor, nn

from training.trainer.trainer import CHECKPOINT

FLOW_FILE = "flow.pt"
FRESH = ("scene.",)  # parts that the run may lack
FLOW_PREFIX, CRITIC_PREFIX = "flow.", "critic."  # of the names in a checkpoint that holds both networks


def averaged_weights(run: Path) -> dict[str, Tensor]:
    """The moving average of the weights of a run's flow, by name; an unfinished run gives that of its last checkpoint.

    Weights that were frozen in the run have no average and are given as they are. A critic is left out.

    Raises:
        FileNotFoundError: the folder holds no flow.
        ValueError: its checkpoint is of something else.
    """
    if not (run / CHECKPOINT).is_file():
        if not (run / FLOW_FILE).is_file():
            raise FileNotFoundError(f"no {CHECKPOINT} and no {FLOW_FILE} in {run}; give the folder of a flow run")
        return dict(torch.load(run / FLOW_FILE, map_location="cpu", weights_only=True))
    return _without_critic(_averaged(run))


def _without_critic(weights: dict[str, Tensor]) -> dict[str, Tensor]:
    if not any(name.startswith(CRITIC_PREFIX) for name in weights):
        return weights
    return {name.removeprefix(FLOW_PREFIX): value for name, value in weights.items() if name.startswith(FLOW_PREFIX)}


def _averaged(run: Path) -> dict[str, Tensor]:
    state = torch.load(run / CHECKPOINT, map_location="cpu", weights_only=True)
    weights, average = dict(state["model"]), state["average"]
    if not average:
        return weights
    names = state.get("averaged", list(weights))  # older checkpoints do not say; mostly they averaged everything
    if [value.shape for value in average] == [weights[name].shape for name in names]:
        return weights | dict(zip(names, average, strict=True))
    if not _finished(run):
        raise ValueError(f"the averaged weights in {run} do not fit its network; start from another checkpoint")
    return dict(torch.load(run / FLOW_FILE, map_location="cpu", weights_only=True))


def _finished(run: Path) -> bool:
    """True where the flow was written after the last checkpoint."""
    flow = run / FLOW_FILE
    return flow.is_file() and flow.stat().st_mtime_ns >= (run / CHECKPOINT).stat().st_mtime_ns


def load_start_weights(model: nn.Module, run: Path) -> list[str]:
    """Load a run's averaged weights into ``model``.

    Returns:
        names of the weights that are new in ``model`` and keep their fresh start.

    Raises:
        FileNotFoundError: the folder holds no flow.
        ValueError: the run's network is of another shape.
    """
    given, wanted = averaged_weights(Path(run)), model.state_dict()
    if unknown := sorted(set(given) - set(wanted)):
        raise ValueError(f"the preset has no place for {_some(unknown)} of {run}; start with the preset it was made by")
    new = sorted(set(wanted) - set(given))
    if missing := [name for name in new if not name.startswith(FRESH)]:
        raise ValueError(f"{run} lacks {_some(missing)}, which the preset needs; start with the preset it was made by")
    if other := [name for name in given if given[name].shape != wanted[name].shape]:
        first = other[0]
        raise ValueError(
            f"{first} is {tuple(given[first].shape)} in {run} and {tuple(wanted[first].shape)} in the preset; "
            "only a picture may be new, so keep width, blocks, slots, patch, latents and embedding"
        )
    model.load_state_dict(given, strict=False)
    return new


def _some(names: list[str]) -> str:
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
