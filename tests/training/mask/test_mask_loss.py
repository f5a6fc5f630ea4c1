"""The loss is computed in real numbers and is what the complex formula says."""

import numpy as np
import pytest
import torch

from training.mask.loss import FLOOR, ROOT_WEIGHT, Planes, separation_loss, total_loss

RNG = np.random.default_rng(3)
SHAPE = (2, 64, 32)


def spectrum(scale=1.0):
    return (scale * (RNG.standard_normal(SHAPE) + 1j * RNG.standard_normal(SHAPE))).astype(np.complex64)


def by_hand(mask, mix, target):
    """The distances of the docstring, with complex numbers."""
    error = np.sqrt(np.mean(np.abs(mask * mix - target) ** 2))
    level, wanted = np.sqrt(np.mean(np.abs(mix) ** 2)), np.sqrt(np.mean(np.abs(target) ** 2))
    linear = error / np.sqrt(level * max(wanted, FLOOR * level))
    roots = np.mean((np.sqrt(mask * np.abs(mix)) - np.sqrt(np.abs(target))) ** 2)
    mix_mean, target_mean = np.abs(mix).mean(), np.abs(target).mean()
    scale = np.sqrt(mix_mean * max(target_mean, 0.04 * mix_mean))
    return linear + ROOT_WEIGHT * np.sqrt(roots / scale)


def logit(mask):
    return torch.from_numpy(np.log(mask / (1 - mask)).astype(np.float32))


@pytest.mark.parametrize("stem_scale", [1.0, 0.05, 0.0])
def test_real_planes_give_the_complex_error(stem_scale):
    stem, other = spectrum(stem_scale), spectrum()
    mask = RNG.uniform(0.01, 0.99, SHAPE)
    planes = Planes.of([stem + other], [[stem, other]])
    got = separation_loss(logit(mask)[None, None].expand(1, 2, -1, -1, -1), planes)
    assert got[0, 0].item() == pytest.approx(by_hand(mask, stem + other, stem), rel=2e-3)
    assert got[0, 1].item() == pytest.approx(by_hand(mask, stem + other, other), rel=2e-3)


def test_a_perfect_mask_of_stems_that_do_not_overlap_costs_next_to_nothing():
    stem, other = spectrum(), spectrum()
    stem[..., 16:] = 0
    other[..., :16] = 0
    logits = torch.full((1, 1, *SHAPE), -12.0)
    logits[..., :16] = 12.0
    _, parts = total_loss(logits, torch.zeros(1, 1, 2), Planes.of([stem + other], [[stem]]))
    assert parts["stem"] < 0.02


def test_silence_is_the_best_answer_to_what_is_absent():
    mix = spectrum()
    planes = Planes.of([mix], [[np.zeros_like(mix)]])
    losses = [separation_loss(torch.full((1, 1, *SHAPE), level), planes).item() for level in (-12.0, -3.0, 0.0, 9.0)]
    assert losses == sorted(losses)


def test_presence_is_told_block_by_block():
    stem = spectrum()
    stem[:, 32:] = 0
    planes = Planes.of([stem + spectrum()], [[stem]])
    np.testing.assert_array_equal(planes.there.numpy(), [[[1, 0]]])
