"""The loss has its least where the mask is right, and a gradient where the network has learnt to be silent."""

import numpy as np
import pytest
import torch

from training.mask.loss import (
    ERROR_FLOOR,
    MOST_QUESTION_WEIGHT,
    MaskBatch,
    bin_weights,
    decibel_loss,
    ideal_mask,
    low_loss,
    separation_loss,
    taught_masks,
    total_loss,
)
from training.mask.low import LOW_BINS

RNG = np.random.default_rng(3)
SHAPE = (2, 64, 32)


def spectrum(scale=1.0):
    return (scale * (RNG.standard_normal(SHAPE) + 1j * RNG.standard_normal(SHAPE))).astype(np.complex64)


def test_the_ideal_mask_is_the_real_gain_that_comes_nearest_to_the_stem():
    stem, mix = spectrum(), spectrum()
    ideal = ideal_mask(mix, stem, np.abs(mix) ** 2)
    best = np.abs(ideal * mix - stem) ** 2
    for gain in (0.0, 0.25, 0.5, 0.75, 1.0):
        assert (best <= np.abs(gain * mix - stem) ** 2 + 1e-4).all()


def test_weights_are_one_in_the_mean_and_no_bin_takes_all_of_them():
    mix = np.abs(spectrum())[None]
    mix[0, 0, 0, 0] = 30.0
    weights = bin_weights(mix, mix**2)
    assert weights.mean() == pytest.approx(1.0, rel=1e-3)
    assert weights.max() < 0.1 * weights.size


def test_a_perfect_mask_of_stems_that_do_not_overlap_costs_next_to_nothing():
    stem, other = spectrum(), spectrum()
    stem[..., 16:] = 0
    other[..., :16] = 0
    logits = torch.full((1, 1, *SHAPE), -12.0)
    logits[..., :16] = 12.0
    _, parts = total_loss(logits, torch.zeros(1, 1, 2), MaskBatch.from_spectra([stem + other], [[stem]]))
    assert parts["stem"] < 0.02


def test_silence_is_the_best_answer_to_what_is_absent():
    mix = spectrum()
    batch = MaskBatch.from_spectra([mix], [[np.zeros_like(mix)]])
    losses = [separation_loss(torch.full((1, 1, *SHAPE), level), batch).item() for level in (-12.0, -3.0, 0.0, 9.0)]
    assert losses == sorted(losses)


def test_a_network_that_is_silent_by_mistake_is_pulled_back_at_full_strength():
    mix = spectrum()
    batch = MaskBatch.from_spectra([mix], [[mix]])
    pulls = []
    for level in (-10.0, 0.0):
        logits = torch.full((1, 1, *SHAPE), level, requires_grad=True)
        separation_loss(logits, batch).sum().backward()
        pulls.append(float(logits.grad.sum()))
    assert pulls[0] < 1.9 * pulls[1] < 0  # the gradient is the mask less the ideal: -1 against -0.5


def test_quiet_stems_weigh_more_but_not_without_end():
    loud, other = spectrum(), spectrum()
    batch = MaskBatch.from_spectra([loud + other], [[loud, 0.05 * loud, 1e-4 * loud, 0 * loud]])
    weights = batch.question_weight[0].tolist()
    assert weights[0] < weights[1] <= weights[2] == pytest.approx(MOST_QUESTION_WEIGHT)
    assert weights[3] == 1.0


def test_presence_is_a_target_of_every_block():
    stem = spectrum()
    stem[:, 32:] = 0
    batch = MaskBatch.from_spectra([stem + spectrum()], [[stem]])
    np.testing.assert_array_equal(batch.present.numpy(), [[[1, 0]]])


def test_the_error_in_decibels_is_that_of_the_masked_mix():
    stem, other = spectrum(), spectrum(0.3)
    mix = stem + other
    batch = MaskBatch.from_spectra([mix], [[stem]])
    logits = torch.logit(batch.ideal.clamp(1e-4, 1 - 1e-4))
    ideal = batch.ideal[0, 0].numpy()
    error = float((np.abs(ideal * mix - stem) ** 2).sum() / (np.abs(stem) ** 2).sum())
    assert decibel_loss(logits, batch).item() == pytest.approx(np.log1p(error / ERROR_FLOOR), abs=0.01)


def test_a_few_loud_bins_of_another_stem_cost_a_quiet_stem_dearly():
    quiet, loud = spectrum(0.1), np.zeros(SHAPE, dtype=np.complex64)
    loud[..., :2] = 10.0
    batch = MaskBatch.from_spectra([quiet + loud], [[quiet]])
    leaking, clean = torch.full((1, 1, *SHAPE), 9.0), torch.full((1, 1, *SHAPE), 9.0)
    leaking[..., :2] = -2.0
    clean[..., :2] = -9.0
    assert decibel_loss(leaking, batch).item() > decibel_loss(clean, batch).item() + 2.0


def test_decibels_count_alike_for_loud_and_quiet_stems():
    stem, other = spectrum(), spectrum()
    stem[..., 16:] = 0
    other[..., :16] = 0
    half = torch.zeros((1, 1, *SHAPE))
    half[..., 16:] = -12.0
    losses = [decibel_loss(half, MaskBatch.from_spectra([g * stem + other], [[g * stem]])).item() for g in (1.0, 0.1)]
    assert losses[0] == pytest.approx(losses[1], rel=0.02)


def test_a_teacher_answers_for_what_is_there_and_not_for_what_is_absent():
    stem, other = spectrum(), spectrum()
    batch = MaskBatch.from_spectra([stem + other], [[stem, np.zeros_like(stem)]])
    taught = torch.full((1, 2, *SHAPE), 2.0)
    targets = taught_masks(batch, taught, 0.75)
    assert torch.allclose(targets[0, 0], 0.25 * batch.ideal[0, 0] + 0.75 * torch.tensor(2.0).sigmoid())
    assert not targets[0, 1].any()
    assert torch.equal(taught_masks(batch, taught, 0.0), batch.ideal)


def test_the_targets_move_the_cross_entropy_alone():
    stem, other = spectrum(), spectrum()
    batch = MaskBatch.from_spectra([stem + other], [[stem]])
    logits, presence = torch.zeros(1, 1, *SHAPE), torch.zeros(1, 1, 2)
    taught = torch.full((1, 1, *SHAPE), 3.0)
    losses = {}
    for level in (0.0, 3.0):
        _, parts = total_loss(logits + level, presence, batch, taught_masks(batch, taught, 1.0))
        _, plain = total_loss(logits + level, presence, batch)
        assert parts["decibels"] == plain["decibels"]
        losses[level] = parts["stem"].item()
    assert losses[3.0] < losses[0.0]  # the least is at the teacher's own answer


def test_the_low_loss_hears_the_lowest_bins_alone_and_punishes_a_bass_that_leaks_into_a_kick():
    kick, bass = spectrum(), spectrum(3.0)
    kick[:, 32:, :LOW_BINS] = 0
    bass[:, :32, :LOW_BINS] = 0
    batch = MaskBatch.from_spectra([kick + bass], [[kick]])
    right = torch.where(torch.arange(64)[:, None] < 32, 12.0, -12.0).expand(1, 1, *SHAPE).clone()
    above, leaking = right.clone(), right.clone()
    above[..., LOW_BINS:] = -12.0
    leaking[..., 32:, :LOW_BINS] = -2.0
    assert low_loss(right, batch).item() < 0.01
    assert torch.equal(low_loss(above, batch), low_loss(right, batch))
    assert low_loss(leaking, batch).item() > 1.0
