"""Let the place of a stem in the stereo image decide about bins that a mask is unsure of.

Players are placed between left and right, and wherever one of them sounds alone, the two channels have the ratio of its
place, at every frequency and at all times. A mask decoder hears this ratio bin by bin, but does not know beforehand
which place is whose. Here its own mask says so: the magnitudes of the mix are counted by place, once weighted by the
mask and once by what it leaves, and the logarithm of the ratio of the two distributions is added to the log-odds of
every bin at that place. Where the mask was timid but right on the whole, the stem comes out louder and cleaner.

Not every mix is like that: a synthesiser may be narrow below and wide above, and then a place says nothing, or
something false. So every band of frequencies is asked whether the places as all *other* bands have them foretell its
own mask. The slope of that regression is about 1 where players have their places, and near 0 where they have not; it is
how much the places are believed.

Sources: the ratio of two channels as a mask, Yilmaz and Rickard 2004, doi:10.1109/TSP.2004.828896. That a mask learns
the places itself, and the test across bands, are ours.

Axes of names here: T frames, F bins, G bands, P places.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from engine.bundle.separation import PanningSpec
from engine.mask_pooling import tilt_mask

FloatArray = npt.NDArray[np.float32]
Doubles = npt.NDArray[np.float64]
PLACES = 200  # from left to right
SPREAD = 1.5  # standard deviation, in places, by which counts are smoothed
FLOOR = 0.02  # of each distribution lies evenly on all places: one that is empty proves nothing
OCTAVES = 6  # bands: everything below the lowest of so many octaves, and these
MOST_LOG = 60.0  # of a factor, so that its products are numbers
EPSILON = 1e-9


class StereoPlaces:
    """Where in the stereo image each bin of a window lies.

    Args:
        mix_2TF: magnitudes of left and right, float32 (2, frames, bins).

    Attributes:
        are_one: True where both channels are the same, and places tell nothing.
    """

    def __init__(self, mix_2TF: FloatArray) -> None:
        left_TF, right_TF = mix_2TF
        self.are_one = bool(np.array_equal(left_TF, right_TF))
        if self.are_one:
            return
        angle_TF = np.arctan2(right_TF, left_TF)  # 0 for silence, which weighs nothing
        self._place_TF = np.minimum((angle_TF * np.float32(2 / np.pi * PLACES)).astype(np.int32), PLACES - 1)
        self._loud_TF = np.hypot(left_TF, right_TF)
        self._cells = (self._place_TF + PLACES * _bands(mix_2TF.shape[2])).ravel()
        self._mix_GP = self._counted(self._loud_TF)

    def of_stem(self, mask_2TF: FloatArray) -> Doubles:
        """Magnitudes of the mix through a mask, by band and place; not for places that are one.

        Args:
            mask_2TF: float32 (2, frames, bins), 0 to 1.
        """
        return self._counted(self._loud_TF * mask_2TF.mean(axis=0))

    def trust(self, stem_GP: Doubles) -> float:
        """How far the places of a stem are believed, 0 to 1; see ``believed``."""
        return believed(stem_GP, self._mix_GP)

    def odds(self, stem_GP: Doubles, strength: float) -> FloatArray:
        """Factor on the odds of every bin of a mask, float32 (frames, bins).

        Args:
            stem_GP: of the stem, from ``of_stem``.
            strength: factor on the log-odds that places give.
        """
        says_P = _log_ratio(stem_GP.sum(axis=0), self._mix_GP.sum(axis=0))
        factor_P = np.exp(np.clip(strength * says_P, -MOST_LOG, MOST_LOG)).astype(np.float32)
        found: FloatArray = factor_P[self._place_TF]
        return found

    def _counted(self, weight_TF: FloatArray) -> Doubles:
        """Weights summed up by band and place, smoothed over places, (bands, places)."""
        counts = np.bincount(self._cells, weight_TF.ravel(), (OCTAVES + 1) * PLACES)
        return counts.reshape(OCTAVES + 1, PLACES) @ _SMOOTHING


def believed(stem_GP: Doubles, mix_GP: Doubles) -> float:
    """How far the places that other bands have foretell the mask of a band: from 0 (not at all) to 1.

    Args:
        stem_GP: magnitudes of the mix through the mask, by band and place.
        mix_GP: those of the mix.

    Returns:
        the slope of the mask over what places say, by least squares with a mean for each band, in units of log-odds.
    """
    together = spread = 0.0
    for own_P, mix_P, others_P, whole_P in zip(
        stem_GP, mix_GP, stem_GP.sum(axis=0) - stem_GP, mix_GP.sum(axis=0) - mix_GP, strict=True
    ):
        loud = float(mix_P.sum())
        if loud <= EPSILON:
            continue
        says_P = _log_ratio(others_P, whole_P)
        says_P = says_P - float(mix_P @ says_P) / loud
        share = float(own_P.sum()) / loud
        together += float(own_P @ says_P)
        spread += float(mix_P @ says_P**2) * share * (1 - share)
    return float(np.clip(together / (spread + EPSILON), 0, 1))


def _log_ratio(stem_P: Doubles, mix_P: Doubles) -> Doubles:
    """Logarithm of how much likelier a place is for the stem than for the rest."""
    rest_P = np.maximum(mix_P - stem_P, 0)
    shares = [counts_P / (counts_P.sum() + EPSILON) + FLOOR / PLACES for counts_P in (stem_P, rest_P)]
    ratio_P: Doubles = np.log(shares[0] / shares[1])
    return ratio_P


def pan_mask(mask_2TF: FloatArray, places: StereoPlaces, spec: PanningSpec, share: float = 0.0) -> None:
    """Let places decide about a mask, in place.

    A second round asks the places of the mask that the first one made, which knows them better. How far they are
    believed is still what the network's own mask says, for the first round has moved all bands by the same places.

    Args:
        mask_2TF: of the stem, float32 (2, frames, bins), 0 to 1.
        places: of the same window of the mix.
        spec: of the bundle.
        share: how much of the second round this stem gets, 0 to 1; see ``second_share``.
    """
    if places.are_one:
        return
    stem_GP = places.of_stem(mask_2TF)
    trust = places.trust(stem_GP)
    if trust <= 0:
        return
    mask_2TF[:] = tilt_mask(mask_2TF, places.odds(stem_GP, spec.strength * trust))
    if spec.again * share > 0:
        mask_2TF[:] = tilt_mask(mask_2TF, places.odds(places.of_stem(mask_2TF), spec.again * share * trust))


def second_share(presence: float, spec: PanningSpec) -> float:
    """How much of the second round a stem gets, 0 to 1: places make what is not there louder too.

    Args:
        presence: of the stem in the window, the highest of its blocks, 0 to 1.
        spec: of the bundle.
    """
    x = min(max((presence - spec.again_low) / (spec.again_high - spec.again_low), 0.0), 1.0)
    return x * x * (3 - 2 * x)


def _bands(bins: int) -> npt.NDArray[np.int32]:
    """Number of the band of every bin: octaves below the last bin, and one band for what is below them."""
    starts = [bins >> octave for octave in range(OCTAVES, 0, -1)]
    return np.searchsorted(starts, np.arange(bins), side="right").astype(np.int32)


def _smoothing() -> Doubles:
    """Each place's share of the counts of every other, (places, places); what is counted is kept."""
    apart = np.arange(PLACES)[:, None] - np.arange(PLACES)
    kernel = np.exp(-0.5 * (apart / SPREAD) ** 2)
    shares: Doubles = kernel / kernel.sum(axis=1, keepdims=True)
    return shares


_SMOOTHING = _smoothing()
