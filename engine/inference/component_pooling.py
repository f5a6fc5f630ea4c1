"""Which masks of a decoder are pooled over the components of a mix: the terms of the bundle decide."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from engine.bundle.separation import PoolingSpec
from engine.inference.terms import TermTable
from engine.mask_pooling import mean_odds, pooled_masks
from engine.runtime.backend import FloatArray
from engine.runtime.threads import parallel_for


@dataclass(frozen=True, slots=True)
class ComponentPooling:
    """Which prompts are pooled, and how; see ``engine.mask_pooling``.

    Attributes:
        spec: of the bundle.
        terms: of the bundle.
    """

    spec: PoolingSpec
    terms: TermTable

    def pool(self, stem_PB2TF: FloatArray, mix_B2TF: FloatArray, prompts_PE: FloatArray) -> FloatArray:
        """Pool the masks of some prompts, where they are.

        Args:
            stem_PB2TF: the decoder's masks, float32 (prompts, windows, 2, frames, bins), 0 to 1; masks of voices stay.
            mix_B2TF: magnitudes of the mix, float32 (windows, 2, frames, bins).
            prompts_PE: float32 (prompts, embedding).

        Returns:
            how timid each mask is, float32 (prompts, windows), see ``engine.mask_pooling.timidity``; 1 where it stays.
        """
        manners = [self._manner(prompt_E) for prompt_E in prompts_PE]
        asked = [row for row, manner in enumerate(manners) if manner is not None]
        timid_PB = np.ones(stem_PB2TF.shape[:2], np.float32)
        if not asked:
            return timid_PB

        def work(window: int) -> None:
            magnitude_TF = mix_B2TF[window].mean(axis=0)
            middles = (stem_PB2TF[row, window].mean(axis=0) for row in asked)
            for row, (pooled_TF, timid) in zip(asked, pooled_masks(middles, magnitude_TF, self.spec), strict=True):
                timid_PB[row, window] = timid
                if manners[row] == "alone":
                    stem_PB2TF[row, window] = pooled_TF
                else:
                    stem_PB2TF[row, window] = mean_odds(stem_PB2TF[row, window], pooled_TF)

        parallel_for(work, range(stem_PB2TF.shape[1]))
        return timid_PB

    def keeps_own(self, prompt_E: FloatArray) -> bool:
        """True for a prompt whose pooled mask and the decoder's own answer together."""
        return self._manner(prompt_E) == "both"

    def _manner(self, prompt_E: FloatArray) -> str | None:
        """``alone``: the pooled mask; ``both``: it and the decoder's; None: the decoder's alone."""
        term = self.terms.nearest(prompt_E)
        return None if term in self.spec.never else "alone" if term in self.spec.alone else "both"
