"""Presence: calibrated on answers whose truth is known, and trained without touching the masks."""

import json
from dataclasses import asdict

import numpy as np
import pytest
import torch

from engine.inference.component_pooling import ComponentPooling
from engine.inference.terms import TermTable
from engine.mask_panning import StereoPlaces, pan_mask, second_share
from engine.mask_pooling import gain_of_frames, mean_gain, sureness, tilt_mask
from training.mask.calibrate import (
    BlockEnergies,
    _block_energies,
    calibrate,
    gate_gain,
    gated_level_db,
    gated_sdr_db,
)
from training.mask.calibration import FILE, Calibration, bias_of, load, save
from training.mask.judge import Case, apply_mask, network_masker, spectra
from training.mask.mixing import MIX_RMS, Question
from training.mask.network import BINS, PATCH_VALUES, PRESENCE_FRAMES, NetworkConfig, PromptedUNet, freeze_norms
from training.mask.terms import PANNING, POOLING, TERMS, with_gain
from training.mask.train import MaskConfig, Training
from training.metrics import sdr

SAMPLES = 4 * 32 * 1024
RNG = np.random.default_rng(2)
BOLD = with_gain(POOLING, 15.0)


def measured(logit, absent):
    """An answer whose presence has one logit in every block; what is not there leaks at 20 dB below the mix."""
    blocks = np.ones(5)
    if absent:
        return BlockEnergies(logit * blocks, 0.002 * blocks, 0 * blocks, 0.0, 1.0)
    return BlockEnergies(logit * blocks, 0.1 * blocks, 0.09 * blocks, 0.5, 1.0)


def noise(low_hz, high_hz):
    """Noise in one band, float32 (2, N)."""
    spectrum = np.fft.rfft(RNG.standard_normal((2, SAMPLES)))
    hertz = np.fft.rfftfreq(SAMPLES, 1 / 44_100)
    return (0.1 * np.fft.irfft(np.where((hertz >= low_hz) & (hertz < high_hz), spectrum, 0))).astype(np.float32)


def timid_network():
    """Says 0.27 of every bin."""
    torch.manual_seed(3)
    network = PromptedUNet(NetworkConfig(terms=len(TERMS), attention=0, dense=False)).eval()
    with torch.no_grad():
        network.choose.weight.zero_()
        network.choose.bias.zero_().view(PATCH_VALUES, -1)[:, -1] = -1.0
    return network


def test_figures_by_block_are_those_of_the_sound():
    stem, other = noise(0, 6000), noise(4000, 10_000)
    mask = torch.zeros(2, SAMPLES // 1024 + 1, 1024)
    mask[..., :465] = 0.9  # 5 kHz
    mask[:, 64:, :465] = 0.4
    one = _block_energies(Case("duet", 0, stem + other, stem, ""), mask, torch.full((5,), 0.5))
    answer = apply_mask(torch.from_numpy(stem + other), mask).numpy()
    assert gated_sdr_db(one, np.ones(5)) == pytest.approx(sdr(answer, stem), abs=0.3)
    assert gated_sdr_db(one, np.zeros(5)) == pytest.approx(0)
    level = 20 * np.log10(np.sqrt((answer**2).mean()) / np.sqrt(((stem + other) ** 2).mean()))
    assert gated_level_db(one, np.ones(5)) == pytest.approx(level, abs=0.3)


def test_the_bias_parts_what_is_there_from_what_is_not():
    found = calibrate([*(measured(2 + k / 10, False) for k in range(6)), *(measured(-k / 10, True) for k in range(6))])
    assert -2 < found.bias < 0
    assert (found.missed, found.found, found.cases) == (0, 1, 12)
    assert found.absent_db <= -30
    assert found.cost_db == pytest.approx(0, abs=0.2)


def test_where_both_overlap_few_of_what_is_there_are_missed():
    there = [measured(k / 50, False) for k in range(50)]
    absent = [measured(k / 50 - 0.8, True) for k in range(50)]
    found = calibrate([*there, *absent])
    assert found.missed <= 0.05
    assert 0.7 < found.found < 0.95


def test_a_gate_that_shuts_few_stems_altogether_is_not_cheap_because_most_gain_a_little():
    leaking = np.array([4.0, 4.0, 4.0, 4.0, -0.3])  # in its last block only the leakage sounds, and presence knows it
    energies = np.array([0.1, 0.1, 0.1, 0.1, 0.002])
    most = [BlockEnergies(leaking, energies, np.array([0.09] * 4 + [0.0]), 0.4, 1.0) for _ in range(57)]
    unsure = [measured(logit, False) for logit in (-0.6, 0.0, 0.6)]
    absent = [*(measured(-6 + k / 10, True) for k in range(20)), measured(2.0, True)]
    found = calibrate([*most, *unsure, *absent])
    assert found.missed <= 0.05
    assert found.absent_db <= -30
    shut = gate_gain(np.array([-0.6 + found.bias]), found.gate_low, found.gate_high)
    assert float(shut[0]) > 0.8  # nobody's stem vanishes for the sake of a tenth of a decibel elsewhere


def test_presence_needs_both_kinds_of_answers():
    with pytest.raises(ValueError, match="take more mixes"):
        calibrate([measured(1, False)])


def test_a_gate_is_shut_below_and_open_above():
    gain_K = gate_gain(np.array([-9.0, 0.0, 9.0]), 0.3, 0.7)
    assert gain_K == pytest.approx([0, 0.5, 1])


def test_a_run_without_a_calibration_has_the_plain_one(tmp_path):
    assert load(tmp_path) == Calibration()
    (tmp_path / FILE).write_text(json.dumps(asdict(Calibration(bias=-1.5, cases=3))))
    assert load(tmp_path).bias == -1.5


def test_a_bias_holds_for_as_many_networks_as_it_was_made_for(tmp_path):
    runs = [tmp_path / name / "mask.pt" for name in "ab"]
    runs[0].parent.mkdir()
    assert bias_of(runs) == 0
    save(runs[0].parent, Calibration(bias=0.7, networks=2))
    assert bias_of(runs) == 0.7
    assert bias_of(runs[:1]) == 0


@pytest.mark.parametrize("panning", [None, PANNING])
@pytest.mark.parametrize("bias", [-6.0, 0.0, 6.0])
def test_masks_are_judged_as_the_engine_makes_them(bias, panning):
    network = timid_network()
    if panning is not None:  # masks that follow what is heard on either side
        torch.nn.init.normal_(network.choose.weight, std=0.2)
    audio = torch.from_numpy(noise(100, 8000))
    term = TERMS.index("piano")
    mask, presence = network_masker(network, BOLD, bias, panning)(audio, term)
    level = MIX_RMS / float(audio.square().mean().sqrt())
    mix_2TF = spectra(audio * level).abs()[..., :BINS]
    mix_2TF = torch.nn.functional.pad(mix_2TF, (0, 0, 0, -mix_2TF.shape[1] % 512))
    with torch.no_grad():
        logits, heard = network(mix_2TF[None], network.queries(torch.tensor([[term]])))
    stem_PB2TF = logits.sigmoid().numpy().transpose(1, 0, 2, 3, 4).copy()
    pooling = ComponentPooling(BOLD, TermTable(("piano",), np.ones((1, 3), np.float32)))
    timid_PB = pooling.pool(stem_PB2TF, mix_2TF[None].numpy(), np.ones((1, 3), np.float32))
    if panning is not None:
        before_2TF = stem_PB2TF[0, 0].copy()
        share = second_share(float((heard[0, 0] + bias).sigmoid().max()), panning)
        assert share == {-6.0: 0, 6.0: 1}.get(bias, share)
        pan_mask(stem_PB2TF[0, 0], StereoPlaces(mix_2TF.numpy()), panning, share)
        assert np.abs(stem_PB2TF[0, 0] - before_2TF).max() > 0.001
    presence_K = (heard[0, 0].double() + bias).sigmoid().numpy()
    gain = mean_gain(timid_PB[0].astype(float), sureness(presence_K, BOLD).mean(keepdims=True))
    gain_T = gain_of_frames(gain, presence_K, PRESENCE_FRAMES, BOLD)
    assert bias < 6 or gain_T.max() > 1
    np.testing.assert_allclose(mask.numpy(), tilt_mask(stem_PB2TF[0, 0], gain_T[:, None]), atol=1e-5)
    np.testing.assert_allclose(presence.numpy(), presence_K, atol=1e-5)


def test_training_presence_alone_leaves_the_masks_as_they_are(tmp_path):
    torch.manual_seed(3)
    trained = Training(PromptedUNet(NetworkConfig(terms=4, attention=0, dense=False)), MaskConfig(), tmp_path / "masks")
    trained.save()
    network = PromptedUNet(NetworkConfig(terms=4, attention=0, dense=False))
    training = Training(network, MaskConfig(presence_only=True, frames=64, warmup=1), tmp_path / "presence")
    training.start_from(tmp_path / "masks" / "mask.pt", optimizer=False)
    before = {name: weight.clone() for name, weight in training.average.state_dict().items()}
    freeze_norms(network)
    training.train_step([questions()], 1e-2)
    changed = {name for name, weight in training.network.state_dict().items() if not torch.equal(weight, before[name])}
    assert changed
    assert all(name.startswith("presence_") for name in changed)


def questions():
    mix = (RNG.standard_normal((2, 64, 1024)) + 1j * RNG.standard_normal((2, 64, 1024))).astype(np.complex64)
    return [Question(mix, mix if k else mix * 0, k) for k in range(2)]
