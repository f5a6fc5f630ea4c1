"""The loss is computed in real numbers and is what the complex formula says."""

import numpy as np
import pytest
import torch

from training.mask.loss import FLOOR, QUIET, ROOT_WEIGHT, Planes, presence_target, separation_loss, total_loss

RNG = np.random.default_rng(3)


def spectrum(scale=1.0, shape=(2, 64, 32)):
    return (scale * (RNG.standard_normal(shape) + 1j * RNG.standard_normal(shape))).astype(np.complex64)


def by_hand(mask, mix, target):
    """The formula of the docstring, with complex numbers."""
    error = np.sqrt(np.mean(np.abs(mask * mix - target) ** 2))
    level, wanted = np.sqrt(np.mean(np.abs(mix) ** 2)), np.sqrt(np.mean(np.abs(target) ** 2))
    linear = error / np.sqrt(level * max(wanted, FLOOR * level))
    difference = np.sqrt(mask * np.abs(mix) + QUIET) - np.sqrt(np.abs(target) + QUIET)
    roots = np.sqrt(np.mean(difference**2))
    mix_root, target_root = np.sqrt(np.abs(mix) + QUIET).mean(), np.sqrt(np.abs(target) + QUIET).mean()
    return linear + ROOT_WEIGHT * roots / max(np.sqrt(mix_root * target_root), 0.2 * mix_root)


@pytest.mark.parametrize("stem_scale", [1.0, 0.05, 0.0])
def test_real_planes_give_the_complex_error_for_stem_and_rest(stem_scale):
    stem, other = spectrum(stem_scale), spectrum()
    mix = stem + other
    mask = RNG.uniform(0, 1, mix.shape).astype(np.float32)
    planes = Planes.of([mix], [stem])
    cross = planes.cross
    got = separation_loss(torch.from_numpy(mask)[None], planes.mix, cross, planes.stem)
    assert got.item() == pytest.approx(by_hand(mask, mix, stem), rel=1e-3)
    rest = separation_loss(torch.from_numpy(mask)[None], planes.mix, planes.mix.square() - cross, planes.rest)
    assert rest.item() == pytest.approx(by_hand(mask, mix, other), rel=1e-3)


def test_a_perfect_mask_of_stems_that_do_not_overlap_costs_next_to_nothing():
    stem, other = spectrum(), spectrum()
    stem[..., 16:] = 0
    other[..., :16] = 0
    planes = Planes.of([stem + other], [stem])
    logits = torch.full((1, 4, 64, 32), -12.0)
    logits[:, :2, :, :16] = 12.0
    logits[:, 2:, :, 16:] = 12.0
    _, parts = total_loss(logits, torch.zeros(1, 2), planes)
    assert parts["stem"] < 0.02
    assert parts["rest"] < 0.02


def test_silence_is_the_best_answer_to_what_is_absent():
    mix = spectrum()
    planes = Planes.of([mix], [np.zeros_like(mix)])
    losses = [
        separation_loss(torch.full((1, 2, 64, 32), level), planes.mix, planes.cross, planes.stem).item()
        for level in (0.0, 0.1, 0.5, 1.0)
    ]
    assert losses == sorted(losses)


def test_presence_is_told_block_by_block():
    stem = spectrum()
    stem[:, 32:] = 0
    planes = Planes.of([stem + spectrum()], [stem])
    np.testing.assert_array_equal(presence_target(planes.mix, planes.stem).numpy(), [[1, 0]])
