"""Ready-made sets of stems: the prompts that each stands for, and the name of what they leave of the mix."""

from __future__ import annotations

from dataclasses import dataclass

OTHER = "other"  # what a list of stems leaves of the mix, where no set says otherwise


@dataclass(frozen=True, slots=True)
class StemSet:
    """One row of the table.

    Attributes:
        prompts: the stems, in order.
        other: name of the remainder, which is the mix minus all of them.
    """

    prompts: tuple[str, ...]
    other: str = OTHER

    @property
    def names(self) -> tuple[str, ...]:
        """All files of the set."""
        return (*self.prompts, self.other)


STEM_SETS: dict[str, StemSet] = {
    "2": StemSet(("vocals",)),
    "4": StemSet(("vocals", "drums", "bass")),
    "6": StemSet(("vocals", "drums", "bass", "guitar", "piano")),
    "karaoke": StemSet(("vocals",), "instrumental"),
    "drums": StemSet(("kick", "snare", "hats", "cymbals", "toms")),
}


def with_set_prompts(chosen: str | None, prompts: tuple[str, ...]) -> tuple[str, ...]:
    """The prompts of a set, then those of the request that are not among them.

    Args:
        chosen: a row of ``STEM_SETS``; None for none.
    """
    return prompts if chosen is None else tuple(dict.fromkeys((*STEM_SETS[chosen].prompts, *prompts)))


def remainder_name(chosen: str | None, prompts: tuple[str, ...]) -> str:
    """Name of the remainder: that of the set, unless a prompt has it (a separator may know a stem called ``other``)."""
    wanted = OTHER if chosen is None else STEM_SETS[chosen].other
    return next(name for name in (wanted, "remainder", f"{wanted} remainder") if name not in prompts)
