"""``python -m training mask-mean RUN RUN --out RUN``: the mean of the weights of mask decoders.

Runs that began from one another lie in one valley of the loss, and their mean often separates better than any of them
(Wortsman et al. 2022, arXiv 2203.05482). Judge it like a run of its own: it need not. ``--presence RUN`` takes the
presence head of one of them as it is, for a mean of masks needs no mean of heads, and one head may be the better judge.
A run without a low head counts as one whose head adds nothing.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from training.mask.credits import Heard
from training.mask.low import OUT as LOW_OUT
from training.mask.low import PREFIX as LOW_PREFIX
from training.mask.network import PRESENCE_PREFIX
from training.mask.train import CHECKPOINT
from training.trainer.checkpoints import save_atomically


def mean_of(states: list[dict[str, Tensor]]) -> dict[str, Tensor]:
    """Mean of the weights of each name; what are no floating-point numbers is the last state's.

    Raises:
        ValueError: the states are of different networks.
    """
    last = states[-1]
    shapes = [{name: value.shape for name, value in state.items()} for state in states]
    if any(one != shapes[-1] for one in shapes):
        raise ValueError("these runs are of different networks; give runs that began from one another")
    return {
        name: torch.stack([state[name] for state in states]).mean(0) if value.is_floating_point() else value
        for name, value in last.items()
    }


def with_low_heads(states: list[dict[str, Tensor]]) -> list[dict[str, Tensor]]:
    """The states; where some have a low head, the others get one that adds nothing."""
    heads = [{name: value for name, value in state.items() if name.startswith(LOW_PREFIX)} for state in states]
    head = next((one for one in heads if one), {})
    silent = {name: torch.zeros_like(value) if name.startswith(LOW_OUT) else value for name, value in head.items()}
    return [{**silent, **state} for state in states]


def with_presence_of(state: dict[str, Tensor], other: dict[str, Tensor]) -> dict[str, Tensor]:
    """A network's weights with the presence head of another network of the same kind.

    Raises:
        ValueError: the other's head has other shapes.
    """
    head = {name: value for name, value in other.items() if name.startswith(PRESENCE_PREFIX)}
    mine = {name: value.shape for name, value in state.items() if name.startswith(PRESENCE_PREFIX)}
    if {name: value.shape for name, value in head.items()} != mine:
        raise ValueError("the presence head is of a different network; give a run that began from one of these")
    return {**state, **head}


def main(argv: list[str]) -> int:
    """``python -m training mask-mean``."""
    parser = argparse.ArgumentParser(prog="python -m training mask-mean", description="the mean of mask decoders")
    parser.add_argument("runs", type=Path, nargs="+", help="run folders of mask decoders")
    parser.add_argument("--out", type=Path, required=True, help="run folder to write; must not hold a run")
    parser.add_argument("--presence", type=Path, metavar="RUN", help="run whose presence head is taken as it is")
    args = parser.parse_args(argv)
    if (args.out / CHECKPOINT).exists():
        raise ValueError(f"{args.out} holds a run already; give another folder with --out")
    read: list[dict[str, Any]] = [
        torch.load(run / CHECKPOINT, map_location="cpu", weights_only=True) for run in args.runs
    ]
    merged = {name: mean_of(with_low_heads([state[name] for state in read])) for name in ("weights", "average")}
    shape = max((state["network"] for state in read), key=lambda network: network.get("low", 0))
    if args.presence is not None:
        head = torch.load(args.presence / CHECKPOINT, map_location="cpu", weights_only=True)
        merged = {name: with_presence_of(state, head[name]) for name, state in merged.items()}
    sources = [*args.runs, *([args.presence] if args.presence is not None else [])]
    heard = Heard.together(Heard.read(run / CHECKPOINT) for run in sources)
    args.out.mkdir(parents=True, exist_ok=True)
    save_atomically({**read[-1], "network": shape, **merged, **heard.state()}, args.out / CHECKPOINT)
    print(f"wrote {args.out / CHECKPOINT}, the mean of {len(read)} runs")
    return 0
