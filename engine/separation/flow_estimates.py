"""The flow's estimates of stem and rest, for mask decoders that read them beside the mix."""

from __future__ import annotations

import contextlib
from dataclasses import replace

import numpy as np

from engine.audio.disk_array import Scratch
from engine.inference.clip import at_user_rate
from engine.inference.conditioning import Asked
from engine.inference.model import walk_of
from engine.inference.run import Job, part_of
from engine.separation.by_flow import Heard, estimate, hear_section
from engine.separation.stereo_section import Stereo


class Estimates:
    """What the flow hears in a section; the mix is encoded once, when it is first asked.

    Args:
        job: the running request.
        mix: the section.
        kept: closes what all prompts share.
    """

    def __init__(self, job: Job, mix: Stereo, kept: contextlib.ExitStack) -> None:
        self._job, self._mix, self._kept = job, mix, kept
        self._heard: Heard | None = None

    def of(self, asked: Asked, held: contextlib.ExitStack, part: tuple[float, float]) -> Scratch:
        """Stem and rest for one prompt, mono, as loud as in the mix; one sample per row at the decoder's rate.

        Args:
            asked: the prompt.
            held: closes the file.
            part: share of the progress.
        """
        job, mix = self._job, self._mix
        if self._heard is None:
            self._heard = hear_section(job, mix.info, mix.wanted, mix.section, part_of(part, 0.0, 0.4))
            self._kept.enter_context(self._heard.latents)
        plain = replace(
            job.request, task="isolate", steps=1, guidance=1.0, start="zeros", strength=None, temperature=None,
            candidates=1,
        )  # fmt: skip
        walk, rate_hz = walk_of(plain, job.model.bundle.manifest), job.model.grid.sample_rate_hz
        out = held.enter_context(Scratch(job.folder, 2))
        [found] = estimate(job, self._heard, asked.prompt_SE, walk, 1, part_of(part, 0.4, 1.0))
        with found, job.clock.measure("decode"):
            level = np.float32(1 / self._heard.gain)
            for both_2N in at_user_rate(found, rate_hz, mix.grid.rate_hz, mix.audio.rows):
                out.append(both_2N.T * level)
        return out
