"""Terms, the vocabulary of the mask decoder: instrument families, groups of them, drums of a kit, kinds of voices.

Every term has a row in the decoder's table of query vectors, and its index in ``TERMS`` is the number of that row, so
new terms go to the end. The first rows are the families in the order of ``instruments.toml``.
"""

from __future__ import annotations

from typing import Any

from engine.bundle.separation import CascadeSpec, PoolingSpec
from training.data.instruments import families, groups

KIT = ("kick", "snare", "hi-hat", "cymbals", "toms", "claps")
VOICES = ("lead-vocals", "backing-vocals")
FAMILIES = (*families(), "speech")
TERMS: tuple[str, ...] = (*FAMILIES, *groups(), *KIT, *VOICES)

# Basses and synthesisers are in nearly every component of a dense mix: pooled, they lose up to 15 dB of their level.
UNPOOLED = sorted({"bass", "synth", *groups()["bass"], *groups()["synth"]})

POOLING = PoolingSpec(
    components=24,
    confidence=2.0,
    sharpness=2.0,
    alone=list(KIT),
    never=["vocals", "voices", "speech", "choir", "drums", *VOICES, *UNPOOLED],
    most_gain=15.0,
    gain_rank=1,
    gain_low=0.6,
    gain_high=0.8,
)

CASCADES = [CascadeSpec(whole="drums", parts=list(KIT))]

PIECE_OF_NOTE = {  # General MIDI's percussion key map
    **dict.fromkeys((35, 36), "kick"),
    **dict.fromkeys((37, 38, 40), "snare"),
    **dict.fromkeys((42, 44, 46), "hi-hat"),
    **dict.fromkeys((49, 51, 52, 53, 55, 57, 59), "cymbals"),
    **dict.fromkeys((41, 43, 45, 47, 48, 50), "toms"),
    39: "claps",
}


def term_number(term: str) -> int:
    """Row of a term in the query table.

    Raises:
        ValueError: no such term.
    """
    return TERMS.index(term)


def terms_of(label: dict[str, Any]) -> tuple[str, ...]:
    """All terms that name a stem: its family, the groups of that, and its drum of the kit or kind of voice."""
    family = label["family"]
    if family == "other":
        return ()
    wider = tuple(sorted(group for group, members in groups().items() if family in members))
    if family == "speech":
        wider = ("voices",)
    part = label.get("part_name", "")
    return (family, *wider, *((part,) if part in TERMS else ()))
