"""One training example of the flow: a mix, the stem that is asked for, and the rest, as audio and names."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from training.data.instruments import families, groups
from training.data.mixer import Mix, StemCrop
from training.data.stem_cache import StemCache
from training.typing import Audio, Rng

GROUP_SHARE = 0.15


@dataclass(frozen=True, slots=True)
class SeparationExample:
    """A mix split into the stem that is asked for and the rest.

    Attributes:
        audio: float32 ``(S, N)``: mix, stem, rest; the mix is their exact sum.
        term: family or group that names the stem; None when nothing in the mix has a name.
        rest: the family that names the rest, when it is a single one.
        inside: families in the mix.
        takes: where the stems of each side come from: those of the stem, those of the rest.
        twins: True means that the term names something in the rest as well.
        together: True means that everything is of one piece, played at one time and speed, so that it fits.
    """

    audio: Audio
    term: str | None
    rest: str | None
    inside: frozenset[str]
    takes: tuple[tuple[StemCrop, ...], tuple[StemCrop, ...]] = ((), ())
    twins: bool = False
    together: bool = False


def terms() -> list[str]:
    """All terms a text prompt can name: families, then groups."""
    return [*families(), *groups()]


def families_of(term: str) -> frozenset[str]:
    """Families a term names: itself, or all of a group."""
    return groups().get(term, frozenset([term]))


def make_example(mix: Mix, rng: Rng) -> SeparationExample:
    """Draw something in the mix to ask for."""
    labels = [label["family"] for label in mix.labels]
    inside = frozenset(labels)
    named = sorted(inside & set(families()))
    term = present_term(rng, named) if named else None
    wanted = families_of(term) if term else frozenset[str]()
    left = inside - wanted
    rest = next(iter(left)) if len(left) == 1 and left <= set(families()) else None
    return _split(mix, [name in wanted for name in labels], term, rest)


def make_twins(mix: Mix) -> SeparationExample:
    """Ask for the first stem of a mix whose second is of the same family (``StemMixer.twins``)."""
    family = str(mix.labels[0]["family"])
    rest = family if len(mix.labels) == 2 else None
    return _split(mix, [place == 0 for place in range(len(mix.labels))], family, rest, twins=True)


def _split(mix: Mix, chosen: list[bool], term: str | None, rest: str | None, twins: bool = False) -> SeparationExample:
    stem, total = mix.stems[chosen].sum(axis=0), mix.mix
    sides = tuple(tuple(t for t, c in zip(mix.takes, chosen, strict=False) if c == side) for side in (True, False))
    inside = frozenset(label["family"] for label in mix.labels)
    audio = np.stack([total, stem, total - stem]).astype(np.float32)
    return SeparationExample(audio, term, rest, inside, (sides[0], sides[1]), twins, is_one_piece(mix))


def is_one_piece(mix: Mix) -> bool:
    """True where all stems of a mix are of one piece, taken at one time and speed: each fits what the others play.

    A mix of one stem is of one piece; a mix that does not say where its stems were taken from is not.
    """
    moments = {(label["piece"], take.first, take.speed) for label, take in zip(mix.labels, mix.takes, strict=False)}
    return len(moments) == 1


def present_term(rng: Rng, named: list[str]) -> str:
    """A family in the mix, or a group that one of them belongs to."""
    family = families()[named[rng.integers(len(named))]]
    if family.groups and rng.random() < GROUP_SHARE:
        return family.groups[rng.integers(len(family.groups))]
    return family.name


def absent_term(rng: Rng, inside: list[str]) -> str:
    """A term that names nothing in the mix; usually not even a relative of anything in it."""
    near = {group for name in inside if name in families() for group in families()[name].groups}
    far = rng.random() < 0.6
    every = terms()
    while True:
        term = every[rng.integers(len(every))]
        wanted = families_of(term)
        if wanted & set(inside) or (far and (term in near or near & set(families()[next(iter(wanted))].groups))):
            continue
        return term


class MixSource(Protocol):
    """Draws mixes: ``training.data.mixer.StemMixer``, or several of them together.

    Attributes:
        cache: where the stems are; a mix's takes refer to it.
        drawn: how, in words, where the preset does not say.
    """

    cache: StemCache
    drawn: str

    def draw(self, rng: Rng, samples: int) -> Mix:
        """As ``StemMixer.draw``."""

    def twins(self, rng: Rng, samples: int) -> Mix | None:
        """As ``StemMixer.twins``."""
