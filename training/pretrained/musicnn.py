"""musicnn: a tagger that has heard 19,000 pieces of real music, and its weights as PyPI has them.

    Musicnn             log-mel spectra (B,T,96) -> tags (B,50) and what they are told by (B,200)
    log_mel             audio at 16 kHz -> what it hears

Source: Pons & Serra 2019, musicnn: pre-trained convolutional neural networks for music audio tagging, arXiv:1909.06654;
layers in Pons et al. 2018, arXiv:1711.02520. The weights (ISC licence) lie in the package ``musicnn`` as a TensorFlow
checkpoint; nothing else of the package is used. ``MTT`` heard MagnaTagATune, ``MSD`` the Million Song Dataset.
"""

from __future__ import annotations

import hashlib
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from training.pretrained.tensorflow import checkpoint_arrays

RATE_HZ, FFT_SAMPLES, HOP_SAMPLES, BANDS = 16_000, 512, 256, 96
HASHES = {  # SHA-256 of the numbers
    "MTT_musicnn": "041f3935e981a65cea739842d30c188d3a7d2adf4410955c8668eb3de4a5acab",
    "MSD_musicnn": "8579734ee6388f799ed0def4bbd0d1fdcbeaf213ef2a9dc860917bd76a303de6",
}
TIMBRAL = (38, 67)  # bands that a filter of timbre spans: 0.4 and 0.7 of all
TEMPORAL = (128, 64, 32)  # frames that a filter of rhythm spans
WIDTHS = (204, 51, 64)  # channels: of timbre, of rhythm, of the middle
EPSILON = 1e-3


def log_mel(audio_N: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
    """Audio ``(N,)`` at 16 kHz -> ``(T, 96)``: log10(10000 p + 1) of the powers p in Slaney's mel bands."""
    import librosa

    power = librosa.feature.melspectrogram(
        y=np.asarray(audio_N, np.float32), sr=RATE_HZ, n_fft=FFT_SAMPLES, hop_length=HOP_SAMPLES, n_mels=BANDS
    )
    return np.log10(10_000 * power.T + 1).astype(np.float32)


class _Layer(nn.Module):
    """A convolution, ReLU, then a norm: the order of musicnn."""

    def __init__(self, inside: int, outside: int, size: tuple[int, int]) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inside, outside, size)
        self.norm = nn.BatchNorm2d(outside, eps=EPSILON)

    def forward(self, x: Tensor) -> Tensor:
        answer: Tensor = self.norm(F.relu(self.conv(x)))
        return answer


class Musicnn(nn.Module):
    """Log-mel spectra ``(B, T, 96)`` -> tags ``(B, 50)`` in 0..1, in the package's order, and the layer before them."""

    def __init__(self) -> None:
        super().__init__()
        wide, narrow, middle = WIDTHS
        self.input_norm = nn.BatchNorm2d(1, eps=EPSILON)
        self.timbral = nn.ModuleList(_Layer(1, wide, (7, bands)) for bands in TIMBRAL)
        self.temporal = nn.ModuleList(_Layer(1, narrow, (frames, 1)) for frames in TEMPORAL)
        front = wide * len(TIMBRAL) + narrow * len(TEMPORAL)
        self.middle = nn.ModuleList(_Layer(1, middle, (7, size)) for size in (front, middle, middle))
        pooled = 2 * (front + 3 * middle)
        self.pool_norm, self.dense = nn.BatchNorm1d(pooled, eps=EPSILON), nn.Linear(pooled, 200)
        self.dense_norm, self.tags = nn.BatchNorm1d(200, eps=EPSILON), nn.Linear(200, 50)

    def forward(self, mel_BTF: Tensor) -> tuple[Tensor, Tensor]:
        x = self.input_norm(mel_BTF[:, None])
        planes = [layer(F.pad(x, (0, 0, 3, 3))).amax(dim=3) for layer in self.timbral]
        for layer, frames in zip(self.temporal, TEMPORAL, strict=True):
            before = (frames - 1) // 2
            planes.append(layer(F.pad(x, (0, 0, before, frames - 1 - before))).amax(dim=3))
        features = [torch.cat(planes, dim=1)]  # (B, C, T)
        for number, layer in enumerate(self.middle):
            before_BCT = features[-1]
            found = layer(F.pad(before_BCT.transpose(1, 2)[:, None], (0, 0, 3, 3)))[..., 0]
            features.append(found + before_BCT if number else found)
        whole = torch.cat(features, dim=1)
        pooled = torch.stack([whole.amax(dim=2), whole.mean(dim=2)], dim=2).flatten(1)
        heard = self.dense_norm(F.relu(self.dense(self.pool_norm(pooled))))
        return torch.sigmoid(self.tags(heard)), heard


def load_musicnn(package: Path, name: str = "MTT_musicnn") -> Musicnn:
    """The network with its weights.

    Args:
        package: wheel of ``musicnn`` 0.1.0 (``pip download --no-deps musicnn``), or the folder it was unpacked to.
        name: of the weights, one of ``HASHES``.

    Raises:
        ValueError: no such weights in it, or others than these.
    """
    try:
        index, numbers = (_read(package, f"{name}/{part}") for part in (".index", ".data-00000-of-00001"))
    except (OSError, KeyError, zipfile.BadZipFile) as error:
        raise ValueError(
            f"no weights {name} in {package} ({error}); fetch them by: pip download --no-deps musicnn==0.1.0"
        ) from error
    if hashlib.sha256(numbers).hexdigest() != HASHES[name]:
        raise ValueError(f"the weights {name} in {package} are others than those of musicnn 0.1.0")
    network = Musicnn()
    network.load_state_dict(_named(checkpoint_arrays(index, numbers), network))
    return network.eval().requires_grad_(False)


def _read(package: Path, file: str) -> bytes:
    if package.is_dir():
        return (package / file).read_bytes()
    with zipfile.ZipFile(package) as wheel:
        return wheel.read(f"musicnn/{file}")


def _named(arrays: dict[str, npt.NDArray[np.float32]], network: Musicnn) -> dict[str, Tensor]:
    """TensorFlow numbers its layers in the order in which they were built."""
    layers = [*network.timbral, *network.temporal, *network.middle]
    norms = [network.input_norm, *(layer.norm for layer in layers), network.pool_norm, network.dense_norm]
    weighted = {"conv2d": [layer.conv for layer in layers], "dense": [network.dense, network.tags]}
    names = {module: name for name, module in network.named_modules()}
    state: dict[str, Tensor] = {}
    for number, norm in enumerate(norms):
        source = _numbered("batch_normalization", number)
        for ours, theirs in (("weight", "gamma"), ("bias", "beta"), ("running_mean", "moving_mean"),
                             ("running_var", "moving_variance")):  # fmt: skip
            state[f"{names[norm]}.{ours}"] = torch.from_numpy(arrays[f"{source}/{theirs}"])
        state[f"{names[norm]}.num_batches_tracked"] = torch.tensor(0)
    for kind, modules in weighted.items():
        for number, module in enumerate(modules):
            source = _numbered(kind, number)
            kernel = arrays[f"{source}/kernel"]
            turned = kernel.transpose(3, 2, 0, 1) if kernel.ndim == 4 else kernel.T
            state[f"{names[module]}.weight"] = torch.from_numpy(np.ascontiguousarray(turned))
            state[f"{names[module]}.bias"] = torch.from_numpy(arrays[f"{source}/bias"])
    return state


def _numbered(kind: str, number: int) -> str:
    return f"{kind}_{number}" if number else kind
