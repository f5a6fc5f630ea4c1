"""How many weights a preset has, part by part: ``python -m training count --preset NAME``.

Networks are built without memory (on torch's meta device), so the largest preset costs no more than the smallest.
"""

from __future__ import annotations

import argparse
import sys

import torch
from torch import nn

from training.codec.model import MixWavCodec
from training.codec.train import critics_of
from training.config import Preset, load_preset
from training.flow.networks import build
from training.prompt.model import AudioTower
from training.prompt.tower import text_tower
from training.scene.model import SceneEncoder


def networks(preset: Preset) -> dict[str, nn.Module]:
    """Every network of a preset, without values; what only training needs is marked so in its name."""
    prompt = preset.prompt
    with torch.device("meta"):
        codec = MixWavCodec(preset.grid, preset.codec)
        found: dict[str, nn.Module | None] = {
            "codec: encoder": codec.encoder,
            "codec: decoder": codec.decoder,
            "codec: discriminators (training only)": critics_of(preset),
            "prompt: text": text_tower(prompt, prompt.vocab),
            "prompt: audio": AudioTower(prompt.embedding),
            "scene": SceneEncoder(preset.scene, prompt.embedding) if preset.flow.picture_dim else None,
            "flow": build(preset),
        }
    return {name: network for name, network in found.items() if network is not None}


def weights(network: nn.Module) -> int:
    """Number of trained values."""
    return sum(parameter.numel() for parameter in network.parameters())


def parts(network: nn.Module) -> dict[str, int]:
    """Number of trained values by child, those without any left out."""
    counted = {name: weights(child) for name, child in network.named_children()}
    own = weights(network) - sum(counted.values())
    return {name: count for name, count in {**counted, "own": own}.items() if count}


def table(preset: Preset) -> str:
    """All counts as text."""
    found = networks(preset)
    lines = [f"{preset.name}: {'weights':>{44 - len(preset.name)}}"]
    lines += [f"{name:38} {weights(network):>14,}" for name, network in found.items()]
    shipped = sum(weights(network) for name, network in found.items() if "training only" not in name)
    lines += [f"{'in all, without what only trains':38} {shipped:>14,}", "", "the flow by part"]
    lines += [f"  {name:36} {count:>14,}" for name, count in parts(found["flow"]).items()]
    return "\n".join(lines)


def main(argv: list[str]) -> int:
    """``python -m training count``."""
    parser = argparse.ArgumentParser(prog="python -m training count", description="count a preset's weights")
    parser.add_argument("--preset", default="small", help="name, or path of a TOML file")
    sys.stdout.write(table(load_preset(parser.parse_args(argv).preset)) + "\n")
    return 0
