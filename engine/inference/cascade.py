"""A cascade: a whole is taken out of the mix, and its parts out of the whole, as the pieces of a drum kit.

In a full mix a kick drum is a small part of every bin it sounds in, and a mask decoder asked for it alone is unsure of
nearly all of them. With everything but the drums gone, and with the other pieces of the kit as rivals, it is not.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from engine.bundle.separation import CascadeSpec, PoolingSpec
from engine.errors import BundleError
from engine.inference.masker import MaskDecoder, MaskOutput, MixWindows
from engine.inference.terms import TermTable
from engine.mask_pooling import competing_masks
from engine.runtime.backend import FloatArray
from engine.runtime.threads import parallel_for


class CascadedDecoder(MaskDecoder):
    """The mask decoder, run twice: for the whole, then for its parts.

    Attributes:
        whole: the term that is taken out first.
        parts: terms that are taken out of it.

    Args:
        decoder: the bundle's.
        spec: which terms these are.
        pooling: numbers of the components over which the parts compete.
        terms: of the bundle.

    Raises:
        BundleError: the bundle does not know one of the terms.
    """

    def __init__(self, decoder: MaskDecoder, spec: CascadeSpec, pooling: PoolingSpec, terms: TermTable) -> None:
        self.grid, self.takes_fewer_frames, self.at_once = decoder.grid, decoder.takes_fewer_frames, decoder.at_once
        self.whole, self.parts = spec.whole, tuple(spec.parts)
        self._decoder, self._pooling = decoder, pooling
        if missing := [term for term in (self.whole, *self.parts) if term not in terms.terms]:
            raise BundleError("the bundle's terms lack {term}; get the bundle again", term=missing[0])
        self._whole_1E = terms.rows([self.whole])
        self._parts = TermTable(self.parts, terms.rows(self.parts))

    def place(self, excerpt: MixWindows) -> None:
        """See ``MaskDecoder``."""
        self._decoder.place(excerpt)

    def begin(self, excerpt: MixWindows, prompts_PE: FloatArray, with_rest: bool = True) -> Callable[[], MaskOutput]:
        """See ``MaskDecoder``; a prompt is understood as the part whose term is nearest to it."""
        whole = self._decoder.masks(excerpt, self._whole_1E, with_rest=False)
        inner = excerpt.filtered(whole.stem_PB2TF[0])
        fetch = self._decoder.begin(inner, self._parts.embeddings_KE, with_rest=False)
        rows = [self.parts.index(self._parts.nearest(prompt_E) or self.parts[0]) for prompt_E in prompts_PE]

        def answer() -> MaskOutput:
            part = fetch()
            stem_PB2TF = np.empty((len(rows), *part.stem_PB2TF.shape[1:]), np.float32)

            def compete(window: int) -> None:
                magnitude_TF = inner.mix[window].mean(axis=0)
                mask_P2TF = competing_masks(part.stem_PB2TF[:, window], magnitude_TF, self._pooling, rows)
                stem_PB2TF[:, window] = mask_P2TF * whole.stem_PB2TF[0, window]

            parallel_for(compete, range(len(inner.mix)))
            return MaskOutput(stem_PB2TF, None, _both(part.presence_PBK, whole.presence_PBK, rows))

        return answer


def _both(part_QBK: FloatArray | None, whole_1BK: FloatArray | None, rows: list[int]) -> FloatArray | None:
    """Logits that a part and the whole are there: those of what is less sure."""
    if part_QBK is None or whole_1BK is None:
        return None
    logits_PBK: FloatArray = np.minimum(part_QBK[rows], whole_1BK)
    return logits_PBK
