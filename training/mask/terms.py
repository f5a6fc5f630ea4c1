"""Terms, the vocabulary of the mask decoder: instrument families, groups of them, drums of a kit, kinds of voices.

Every term has a row in the decoder's table of query vectors, and its index in ``TERMS`` is the number of that row, so
new terms go to the end. The first rows are the families in the order of ``instruments.toml``.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from engine.bundle.separation import CascadeSpec, PanningSpec, PoolingSpec
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
)

GAIN_LOW, GAIN_HIGH = 0.6, 0.8  # calibrated presence, between which a timid stem's gain comes in

PANNING = PanningSpec(strength=2.0, again=2.0, again_low=0.6, again_high=0.8)

CASCADES = [CascadeSpec(whole="drums", parts=list(KIT))]

PIECE_OF_NOTE = {  # General MIDI's percussion key map
    **dict.fromkeys((35, 36), "kick"),
    **dict.fromkeys((37, 38, 40), "snare"),
    **dict.fromkeys((42, 44, 46), "hi-hat"),
    **dict.fromkeys((49, 51, 52, 53, 55, 57, 59), "cymbals"),
    **dict.fromkeys((41, 43, 45, 47, 48, 50), "toms"),
    39: "claps",
}


def with_gain(pooling: PoolingSpec | None, most: float) -> PoolingSpec:
    """Pooling with a gain for timid stems, see ``engine.mask_pooling``.

    Args:
        pooling: of a bundle.
        most: on the odds; 1 for none.

    Raises:
        ValueError: masks are not pooled.
    """
    if pooling is None:
        raise ValueError("a gain of timid stems needs pooling, over whose components timidity is measured")
    return replace(pooling, most_gain=most, gain_rank=1, gain_low=GAIN_LOW, gain_high=GAIN_HIGH)


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
