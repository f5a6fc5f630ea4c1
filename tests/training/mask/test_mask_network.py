"""The network begins as the U-Net whose weights it takes, answers any length, and learns."""

import numpy as np
import pytest
import torch

from training.mask.band_split import PromptedBandSplit, build_network
from training.mask.judge import load_average, load_unet
from training.mask.low import DILATIONS, LOW_BINS
from training.mask.mixing import Question
from training.mask.network import NetworkConfig, freeze_norms, load_spleeter
from training.mask.train import MaskConfig, Training, learning_rate_at, load_teacher, main

MIX = torch.rand(1, 2, 64, 1024)


def network(**settings):
    torch.manual_seed(1)
    return build_network(NetworkConfig(terms=5, query=16, **settings)).eval()


BANDS = {"bands": 32}


@pytest.mark.parametrize("settings", [{}, {"dense": False, "attention": 0}, {"recurrent": True}, {"low": 24}, BANDS])
def test_every_mix_is_asked_its_own_questions(settings):
    with torch.no_grad():
        logits, presence = network(**settings)(MIX.repeat(2, 1, 2, 1), torch.randn(2, 3, 16))
    assert logits.shape == (2, 3, 2, 128, 1024)
    assert presence.shape == (2, 3, 4)


@pytest.mark.parametrize("settings", [{}, BANDS])
def test_a_question_is_answered_the_same_whatever_else_is_asked(settings):
    query = torch.randn(1, 3, 16)
    with torch.no_grad():
        net = network(**settings)
        for ours, theirs in zip(net(MIX, query[:, 1:2]), net(MIX, query), strict=True):
            torch.testing.assert_close(ours[:, 0], theirs[:, 1], atol=1e-5, rtol=1e-4)


def test_dense_layers_attention_recurrence_and_the_low_head_begin_as_identity():
    with torch.no_grad():
        rich, query = network(recurrent=True, low=24), torch.randn(1, 1, 16)
        plain = network(dense=False, attention=0)
        plain.load_state_dict(rich.state_dict(), strict=False)
        torch.testing.assert_close(rich(MIX, query)[0], plain(MIX, query)[0])


def test_the_low_head_hears_what_sounds_above_and_changes_the_lowest_bins_alone():
    net = network(low=24)
    described = torch.rand(1, net.config.describe, 64, 512)
    with torch.no_grad():
        for layer in (net.low.out, *(block.out for block in net.low.blocks)):
            torch.nn.init.normal_(layer.weight)
        mix = torch.rand(1, 2, 128, 1024)
        answer = net.low(mix, described)
        torch.testing.assert_close(answer[..., LOW_BINS // 2 :], described[..., LOW_BINS // 2 :])
        above = described.clone()
        above[:, :, 30, 300:] += 1
        moved = (net.low(mix, above) - answer)[..., : LOW_BINS // 2].abs().amax((0, 1, 3))
    assert moved[30 + sum(DILATIONS)] > 0
    assert moved[31 + sum(DILATIONS) :].max() == 0


def test_a_band_split_network_describes_each_patch_from_its_own_bins():
    net = network(**BANDS)
    assert isinstance(net, PromptedBandSplit)
    louder = MIX.clone()
    louder[..., 60:64, 900:902] += 30.0
    with torch.no_grad():
        for block in net.blocks:  # without recurrence a token changes its own patches alone
            for out in block.outs:
                out.weight.zero_()
        moved = (net.encode(louder)[0] - net.encode(MIX)[0]).abs().mean((0, 1))
    assert moved[30:32, 450].min() > 3 * moved[:20].mean()


def test_an_estimate_changes_nothing_before_training():
    with torch.no_grad():
        net, query = network(estimate=True), torch.randn(1, 1, 16)
        torch.testing.assert_close(net(MIX, query, torch.rand(1, 2, 64, 1024))[0], net(MIX, query)[0])


def test_spleeters_weights_are_taken_but_for_the_end():
    net = network()
    weights = {}
    for name, value in net.state_dict().items():
        part, _, rest = name.partition(".")
        level, _, leaf = rest.partition(".")
        if part in ("down", "up", "down_norm", "up_norm"):
            theirs = {"down": f"down{int(level) + 1}_conv.1", "up": f"up{int(level) + 1}.0",
                      "down_norm": f"down{int(level) + 1}_act.0", "up_norm": f"up{int(level) + 1}.3"}[part]  # fmt: skip
            weights[f"{theirs}.{leaf}"] = torch.rand_like(value.float())
    load_spleeter(net, weights)
    torch.testing.assert_close(net.state_dict()["up.4.weight"], weights["up5.0.weight"])
    torch.testing.assert_close(net.state_dict()["down_norm.3.running_mean"], weights["down4_act.0.running_mean"])


def test_training_brings_the_loss_down_and_a_checkpoint_goes_on(tmp_path):
    rng = np.random.default_rng(0)
    low = np.zeros((2, 64, 1024), np.complex64)
    low[..., :200] = 5 * rng.standard_normal((2, 64, 200))
    high = np.zeros_like(low)
    high[..., 300:500] = 5 * rng.standard_normal((2, 64, 200))
    questions = [[Question(low + high, low, 0), Question(low + high, high, 1)]]
    net = network(dense=False, attention=0)
    net.train()
    freeze_norms(net)
    training = Training(net, MaskConfig(), tmp_path)
    losses = [training.train_step(questions, 2e-3) for _ in range(12)]
    assert losses[-1]["stem"] < 0.9 * losses[0]["stem"]
    assert losses[-1]["decibels"] < losses[0]["decibels"] - 0.1
    training.save()
    again = Training(network(dense=False, attention=0), MaskConfig(), tmp_path)
    again.start_from(tmp_path / "mask.pt", optimizer=True)
    assert again.step == 12
    for ours, theirs in zip(again.average.parameters(), training.average.parameters(), strict=True):
        torch.testing.assert_close(ours, theirs)


def test_a_pupil_follows_its_teacher_and_the_teacher_stays_as_it_is(tmp_path):
    rng = np.random.default_rng(0)
    stem, other = (5 * (rng.standard_normal((2, 64, 1024)) + 0j).astype(np.complex64) for _ in range(2))
    questions = [[Question(stem + other, stem, 0)]]
    teacher = network(dense=False, attention=0)
    before = {name: value.clone() for name, value in teacher.state_dict().items()}
    mix = torch.from_numpy(np.abs(stem + other))[None]
    with torch.no_grad():
        taught = teacher(mix, teacher.queries(torch.tensor([[0]])))[0].sigmoid()
    distances = {}
    for share in (0.0, 1.0):
        torch.manual_seed(5)
        pupil = network(dense=False, attention=0)
        pupil.train()
        freeze_norms(pupil)
        training = Training(pupil, MaskConfig(teacher_share=share, warmup=1), tmp_path, teacher)
        for _ in range(15):
            training.train_step(questions, 2e-3)
        with torch.no_grad():
            answer = pupil(mix, pupil.queries(torch.tensor([[0]])))[0].sigmoid()
        distances[share] = float((answer - taught).abs().mean())
    assert distances[1.0] < 0.9 * distances[0.0]
    for name, value in teacher.state_dict().items():
        assert torch.equal(value, before[name]), name


def test_a_teacher_must_know_the_terms_of_today(tmp_path):
    Training(network(), MaskConfig(), tmp_path).save()
    with pytest.raises(ValueError, match="know 5 of"):
        load_teacher([tmp_path / "mask.pt"])
    state = torch.load(tmp_path / "mask.pt", weights_only=True)
    torch.save(state | {"terms": ["piano", *state["terms"][1:]][::-1]}, tmp_path / "mask.pt")
    with pytest.raises(ValueError, match="trained on other terms"):
        load_average(tmp_path / "mask.pt")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--teacher", "t.pt", "--presence-only"], "give one of both"),
        (["--teacher-share", "0.5"], "name one with --teacher"),
    ],
)
def test_options_that_would_be_ignored_are_refused(tmp_path, capsys, options, said):
    with pytest.raises(SystemExit):
        main(["--out", str(tmp_path), "--stems", str(tmp_path), *options])
    assert said in capsys.readouterr().err


def test_a_share_is_a_share():
    with pytest.raises(ValueError, match="from 0 to 1"):
        MaskConfig(teacher_share=7.0)


def test_a_length_that_the_network_cannot_halve_six_times_is_refused():
    with pytest.raises(ValueError, match="multiple of 64"):
        MaskConfig(frames=100)


def test_the_rate_warms_up_and_falls():
    config = MaskConfig(warmup=10)
    assert learning_rate_at(config, 0, 0.0) < learning_rate_at(config, 9, 0.0) == pytest.approx(config.learning_rate)
    assert learning_rate_at(config, 100, 1.0) < 0.05 * config.learning_rate


@pytest.mark.parametrize("settings", [BANDS, {"recurrent": True}])
def test_other_networks_are_judged_and_not_taken_for_a_plain_unet(tmp_path, settings):
    Training(network(**settings), MaskConfig(), tmp_path).save()
    assert load_average(tmp_path / "mask.pt").config == network(**settings).config
    with pytest.raises(ValueError, match="band-split or recurrent network; give one of a plain U-Net"):
        load_unet(tmp_path / "mask.pt")
