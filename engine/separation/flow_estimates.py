"""The flow's estimates of stem and rest, for mask decoders that read them beside the mix."""

from __future__ import annotations

import contextlib
from dataclasses import replace

import numpy as np

from engine.audio.disk_array import DiskArray
from engine.inference.clip import at_user_rate
from engine.inference.conditioning import Conditioning
from engine.inference.model import resolve_sampling
from engine.inference.run import RunContext
from engine.separation.by_flow import EncodedMix, encode_section, estimate_stems
from engine.separation.stereo_section import StereoSection


class FlowEstimates:
    """The flow's estimates of stem and rest in a section; the mix is encoded once, on first use.

    Args:
        kept: closes the latents that all prompts share.
    """

    def __init__(self, mix: StereoSection, kept: contextlib.ExitStack) -> None:
        self._mix, self._kept = mix, kept
        self._encoded: EncodedMix | None = None

    def of(self, run: RunContext, conditioning: Conditioning, held: contextlib.ExitStack) -> DiskArray:
        """Stem and rest for one prompt, mono, at the level of the mix; one sample per row at the masker's rate.

        Args:
            held: closes the file.
        """
        mix = self._mix
        if self._encoded is None:
            self._encoded = encode_section(run.within(0.0, 0.4), mix.info, mix.wanted, mix.section)
            self._kept.enter_context(self._encoded.latents)
        plain = replace(
            run.request, task="isolate", steps=1, guidance=1.0, start="zeros", strength=None, temperature=None,
            candidates=1,
        )  # fmt: skip
        sampling, rate_hz = resolve_sampling(plain, run.model.bundle.manifest), run.model.grid.sample_rate_hz
        out = held.enter_context(DiskArray(run.folder, 2))
        [found] = estimate_stems(run.within(0.4, 1.0), self._encoded, conditioning.prompt_SE, sampling, 1)
        with found, run.timer.measure("decode"):
            level = np.float32(1 / self._encoded.gain)
            for both_2N in at_user_rate(found, rate_hz, mix.grid.rate_hz, mix.audio.rows):
                out.append(both_2N.T * level)
        return out
