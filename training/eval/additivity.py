"""Do the model's stem and rest add up to its mix? The decoded pair against the decoded mix, before any mask.

Masked isolation hides it: there stem and rest are the user's mix by construction. MGE-LDM (arXiv 2505.23305) lists it
as a limit of its own.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from training.eval.baselines import CODEC_SETS, through_codec
from training.eval.bundle_system import BundleSystem, Engine
from training.eval.example import EvalExample, StemEstimate
from training.metrics import level_db, mono, rms
from training.typing import Audio

INTO_MODEL_RMS = 0.1  # what the engine takes a mix to before it encodes it


@dataclass(frozen=True, slots=True)
class UnmaskedBundle:
    """A bundle's own audio, without the mask; ``additivity`` is the level of mix - stem - rest against the mix, dB."""

    name: str
    bundle: Path
    engine: Engine
    kind: str = "bundle"
    doc: str = "the model's own audio, without the mask"
    sets: tuple[str, ...] = CODEC_SETS

    def separate(self, examples: Sequence[EvalExample]) -> Iterator[StemEstimate]:
        """Answers in order; all mixes go through the codec in one process."""
        bundle = BundleSystem(name=self.name, bundle=self.bundle, engine=self.engine, settings=(("render", "decoded"),))
        pairs = [bundle.decoded(example) for example in examples]
        for (answer, rest_CN), mix in zip(pairs, decoded_mixes(self.bundle, examples), strict=True):
            extra = {**answer.extra, "additivity": additivity(mix, answer.stem_CN, rest_CN)}
            yield StemEstimate(answer.stem_CN, extra)


def decoded_mixes(bundle: Path, examples: Sequence[EvalExample]) -> list[Audio]:
    """The mixes after encoding and decoding, ``(N,)`` each, at their own level."""
    gains = [np.float32(INTO_MODEL_RMS / max(rms(mono(example.mix_CN)), 1e-9)) for example in examples]
    given = [mono(example.mix_CN) * gain for example, gain in zip(examples, gains, strict=True)]
    made = through_codec(bundle, examples, given)
    return [mix_1N[0] / gain for mix_1N, gain in zip(made, gains, strict=True)]


def additivity(mix: Audio, stem_CN: Audio, rest_CN: Audio) -> float:
    """Level of ``mix - stem - rest`` against the mix in dB; all decoded, the mix ``(N,)``."""
    return level_db(mix - mono(stem_CN) - mono(rest_CN), mix)
