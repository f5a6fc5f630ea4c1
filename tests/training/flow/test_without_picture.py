"""Where there is no picture, no weight that reads pictures moves anything; gates go on following words and time."""

import copy
from dataclasses import replace

import pytest
import torch

from engine.latents import SLOTS, Slot
from training.config import FLOW_CHOICES, load_preset
from training.flow.model import FluxFormer

PRESET = load_preset("tiny")
BY_WORDS = ".by_condition."  # the half of a gate that no picture is needed for


def trained(**changes):
    """A network whose weights are anything but fresh."""
    torch.manual_seed(0)
    model = FluxFormer(PRESET.grid, PRESET.prompt.embedding, replace(PRESET.flow, **changes)).eval()
    for weights in model.parameters():
        torch.nn.init.normal_(weights, std=0.15)
    return model


def drawn_again(model, chosen):
    """A copy with other weights where ``chosen`` says so, and how many those are."""
    other, count = copy.deepcopy(model), 0
    for name, weights in other.named_parameters():
        if chosen(name):
            torch.nn.init.normal_(weights, std=0.3)
            count += 1
    return other, count


def asked():
    dice = torch.Generator().manual_seed(3)
    known = torch.zeros(2, SLOTS, PRESET.grid.window_frames, dtype=torch.bool)
    known[:, Slot.MIX] = True
    x = torch.randn(2, SLOTS, PRESET.grid.latent_channels, PRESET.grid.window_frames, generator=dice)
    return x, torch.where(known, 1.0, 0.5), known, torch.randn(2, SLOTS, PRESET.prompt.embedding, generator=dice)


@pytest.mark.parametrize("avna", FLOW_CHOICES["avna"])
@pytest.mark.parametrize("fusion", FLOW_CHOICES["fusion"])
def test_what_reads_pictures_moves_nothing_without_one(fusion, avna):
    model = trained(fusion=fusion, avna=avna)
    other, count = drawn_again(model, lambda name: name.startswith("scene.") and BY_WORDS not in name)
    picture = torch.randn(2, 10, PRESET.flow.picture_dim, generator=torch.Generator().manual_seed(4))
    assert count
    with torch.no_grad():
        torch.testing.assert_close(other(*asked()), model(*asked()))
        assert (other(*asked(), picture) - model(*asked(), picture)).abs().max() > 1e-3


def test_a_gate_follows_words_and_time_without_a_picture_too():
    model = trained()
    other, count = drawn_again(model, lambda name: BY_WORDS in name)
    assert count
    with torch.no_grad():
        assert (other(*asked()) - model(*asked())).abs().max() > 1e-3
