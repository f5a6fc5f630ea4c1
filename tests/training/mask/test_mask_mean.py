"""The mean of mask decoders is a run like any other."""

import pytest
import torch

from training.__main__ import main
from training.mask.judge import load_average
from training.mask.network import NetworkConfig, PromptedUNet
from training.mask.terms import TERMS
from training.mask.train import MaskConfig, Training


def run(folder, seed, **settings):
    torch.manual_seed(seed)
    network = PromptedUNet(NetworkConfig(terms=len(TERMS), **settings))
    if network.low is not None:
        torch.nn.init.normal_(network.low.out.weight)
    Training(network, MaskConfig(), folder).save()
    return folder


def test_every_weight_is_the_mean_and_the_run_can_be_trained_on(tmp_path, capsys):
    runs = [run(tmp_path / name, seed) for seed, name in enumerate("ab")]
    assert main(["mask-mean", *map(str, runs), "--out", str(tmp_path / "both")]) == 0
    assert "the mean of 2 runs" in capsys.readouterr().out
    one, other, both = (load_average(folder / "mask.pt") for folder in (*runs, tmp_path / "both"))
    torch.testing.assert_close(both.choose.weight, (one.choose.weight + other.choose.weight) / 2)
    assert not torch.equal(both.choose.weight, other.choose.weight)
    training = Training(PromptedUNet(both.config), MaskConfig(), tmp_path / "on")
    training.start_from(tmp_path / "both" / "mask.pt", optimizer=True)
    torch.testing.assert_close(training.network.choose.weight, both.choose.weight)


def test_the_presence_head_of_one_may_be_kept(tmp_path):
    runs = [run(tmp_path / name, seed) for seed, name in enumerate("ab")]
    both = tmp_path / "both"
    assert main(["mask-mean", *map(str, runs), "--presence", str(runs[0]), "--out", str(both)]) == 0
    one, other, merged = (load_average(folder / "mask.pt") for folder in (*runs, both))
    torch.testing.assert_close(merged.presence_query.weight, one.presence_query.weight)
    assert not torch.equal(one.presence_query.weight, other.presence_query.weight)
    torch.testing.assert_close(merged.choose.weight, (one.choose.weight + other.choose.weight) / 2)


def test_the_presence_head_of_another_kind_of_network_is_refused(tmp_path, capsys):
    runs = [run(tmp_path / "a", 0), run(tmp_path / "b", 1), run(tmp_path / "c", 2, query=32)]
    one, other, foreign = map(str, runs)
    assert main(["mask-mean", one, other, "--presence", foreign, "--out", str(tmp_path / "d")]) == 2
    assert "presence head" in capsys.readouterr().err
    assert not (tmp_path / "d").exists()


@pytest.mark.parametrize(
    ("settings", "out", "words"), [({"describe": 16}, "both", "different networks"), ({}, "a", "holds a run")]
)
def test_what_cannot_be_averaged_is_one_sentence(tmp_path, capsys, settings, out, words):
    runs = [run(tmp_path / "a", 0), run(tmp_path / "b", 1, **settings)]
    assert main(["mask-mean", *map(str, runs), "--out", str(tmp_path / out)]) == 2
    assert words in capsys.readouterr().err


def test_a_run_without_a_low_head_counts_as_one_whose_head_adds_nothing(tmp_path):
    runs = [run(tmp_path / "plain", 0), run(tmp_path / "low", 1, low=16)]
    for order in (runs, runs[::-1]):
        both = tmp_path / f"both-{order[0].name}"
        assert main(["mask-mean", *map(str, order), "--out", str(both)]) == 0
        plain, low, merged = (load_average(folder / "mask.pt") for folder in (*runs, both))
        assert merged.config.low == 16
        torch.testing.assert_close(merged.choose.weight, (plain.choose.weight + low.choose.weight) / 2)
        torch.testing.assert_close(merged.low.into.weight, low.low.into.weight)
        torch.testing.assert_close(merged.low.out.weight, low.low.out.weight / 2)
