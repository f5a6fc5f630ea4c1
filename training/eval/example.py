"""One question of the bench: a mix, what to take out of it, and the truth."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from training.metrics import mono
from training.synthesis.score import ScorePart
from training.typing import Audio


@dataclass(frozen=True, slots=True, eq=False)
class EvalExample:
    """One stem to take out of one mix; equal to itself alone.

    Attributes:
        set: the set it belongs to.
        number: its place in the set.
        rate_hz: of the audio.
        family: what is asked for: an instrument family, or a piece of a kit.
        prompt: how it is asked for, a phrasing that no training saw as a whole.
        inside: families of all stems; pieces of the kit where one of them is asked for.
        sources: the recordings they were made of.
        mix_CN, stem_CN: float32 ``(C, N)``; the stem is zeros where the family is not in the mix.
        part: the notes of the stem, from which its player can be drawn; None where they are not known.
        label: what its data set, or its file, calls the stem; empty where it has no name but its family.
    """

    set: str
    number: int
    rate_hz: int
    family: str
    prompt: str
    inside: tuple[str, ...]
    sources: tuple[str, ...]
    mix_CN: Audio
    stem_CN: Audio
    part: ScorePart | None = None
    label: str = ""

    @property
    def present(self) -> bool:
        """True means the asked family is in the mix."""
        return self.family in self.inside

    @property
    def name(self) -> str:
        """The family as words: what tasks that make sound are asked for, which refuse "take out the bass"."""
        return self.family.replace("-", " ")

    @property
    def seconds(self) -> float:
        """Length of the mix."""
        return self.mix_CN.shape[-1] / self.rate_hz

    @property
    def rest(self) -> Audio:
        """The mix without the stem."""
        return self.mix_CN - self.stem_CN

    @property
    def truth(self) -> tuple[Audio, Audio]:
        """Stem and rest as mono ``(N,)``."""
        return mono(self.stem_CN), mono(self.rest)


@dataclass(frozen=True, slots=True)
class StemEstimate:
    """What a system made of an example.

    Attributes:
        stem_CN: float32, of the mix's shape.
        extra: figures only this system can give, for example ``seconds``.
        measured: False where the system is not on this machine: then it has a row and no figures.
    """

    stem_CN: Audio
    extra: dict[str, float] = field(default_factory=dict)
    measured: bool = True


class System(Protocol):
    """Anything that can be asked for stems; one that has ``sets`` is asked in those alone.

    Attributes:
        name: heads its rows.
        kind: bundle, bound (knows the truth), blind (cannot hear the prompt) or adapter.
        doc: one line for the report.
    """

    name: str
    kind: str
    doc: str

    def separate(self, examples: Sequence[EvalExample]) -> Iterator[StemEstimate]:
        """Answers to the examples of one set, in order."""


def number_of(name: str) -> int:
    """A word as a number, to seed with."""
    return int.from_bytes(hashlib.blake2b(name.encode(), digest_size=4).digest(), "little")


def digest(examples: Sequence[EvalExample]) -> str:
    """Sixteen hex digits that change when any sample or prompt does."""
    state = hashlib.sha256()
    for example in examples:
        state.update(f"{example.set}|{example.prompt}|{example.rate_hz}|{example.mix_CN.shape}".encode())
        state.update(example.mix_CN.tobytes())
        state.update(example.stem_CN.tobytes())
    return state.hexdigest()[:16]
