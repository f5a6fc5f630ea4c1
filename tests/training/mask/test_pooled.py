"""Training pools masks as the engine does, and its gradient reaches the bins that decide about a component."""

import numpy as np
import pytest
import torch

from engine.mask_pooling import pooled_masks as engine_pooled
from training.mask.pooled import factorised, pooled_masks
from training.mask.terms import POOLING

FRAMES, BINS = 64, 1024
RNG = np.random.default_rng(11)


def two_things():
    """A mix of two things that never share a bin or a frame: a low one with a click, and a high one."""
    mix = np.full((FRAMES, BINS), 1e-4, np.float32)
    mix[::8, :40] += 1.0  # boom
    mix[::8, 600:640] += 1.0  # and its click
    mix[4::8, 100:140] += 1.0
    mask = np.full((1, FRAMES, BINS), 0.1, np.float32)
    mask[:, ::8, :40] = 0.5  # not sure of the boom
    mask[:, ::8, 600:640] = 0.95  # sure of the click
    return mix, mask


def test_a_click_decides_about_its_boom_in_training_as_in_the_engine():
    mix, mask = two_things()
    torch.manual_seed(0)
    ours = pooled_masks(torch.from_numpy(mask)[None], torch.from_numpy(mix)[None], POOLING)[0, 0].numpy()
    theirs = engine_pooled(mask, mix, POOLING)[0]
    for pooled in (ours, theirs):
        assert pooled[::8, :40].min() > 0.9
        assert pooled[4::8, 100:140].max() < 0.1


def test_the_gradient_of_a_boom_reaches_its_click():
    mix, mask = two_things()
    torch.manual_seed(0)
    masks = torch.from_numpy(mask)[None].requires_grad_()
    pooled_masks(masks, torch.from_numpy(mix)[None], POOLING)[0, 0, ::8, :40].sum().backward()
    click, other = masks.grad[0, 0, ::8, 600:640].abs(), masks.grad[0, 0, 4::8, 100:140].abs()
    assert click.mean() > 10 * other.mean()


@pytest.mark.parametrize("batch", [1, 3])
def test_the_factorisation_comes_near_the_mix(batch):
    torch.manual_seed(0)
    truth = torch.rand(batch, 50, 4) ** 6 @ torch.rand(batch, 4, FRAMES) ** 6
    one, six = ((torch.matmul(*factorised(truth, count)) - truth).norm() for count in (1, 6))
    assert six < 0.7 * one
