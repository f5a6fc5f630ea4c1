"""The task table: which latents are known, and which slot is handed back.

Training draws from these rows and the engine answers them, so the model is trained on exactly what can be asked.
Source: MGE-LDM (arXiv 2505.23305) sections 3.2 and D; MAGE (arXiv 2604.09803) section 3.3; AudioX inpainting and
completion.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum

import numpy as np
import numpy.typing as npt

from engine.errors import RequestError
from engine.latents import SLOTS, Slot, exchanged

BoolArray = npt.NDArray[np.bool_]

SLOT_NAMES = {slot.name.lower(): slot for slot in Slot}  # as requests name them


class KnownPart(Enum):
    """How much of one slot's latents is known."""

    NONE = "none"
    ALL = "all"
    OUTSIDE = "outside the span"


class Span(Enum):
    """What a task needs to be told about time."""

    NO = "fills the whole clip"
    REQUIRED = "fills the asked span"
    OPTIONAL = "fills the asked span, or the whole clip"
    END = "fills from the end of the clip on"


@dataclass(frozen=True, slots=True)
class TaskRule:
    """One row of the task table.

    Attributes:
        mix, stem, rest: how much of each slot is known.
        answer: the slot handed back.
        span: whether the task needs a span of time.
        input_slot: the slot the user's file is encoded into; None when no file is needed.
        doc: one line for the user.
        rest_optional: True means that ``rest_slot`` is known only when the user gives a file for it.
        masked: True means the user's own mix is filtered (masked isolation); False means decoded audio is the answer.
        makes_s: seconds it makes when not told how many; None means the result is as long as the file.
        strength: how far from the given stem the made one may go when neither request nor bundle say, 0 to 1; None
            means that the task starts from no stem.
        made_of: the tasks it is put together from; none means it is one of its own.
        together: True means the prompts of one request make one piece; False means each has an answer of its own.
        any_slot: True means that a request may have it make the mix or the rest in the place of the stem.
        prompt_slot: the slot that the words of a prompt are about.
        rest_slot: the slot of the file, and of the words, for what goes with what is made.
    """

    mix: KnownPart
    stem: KnownPart
    rest: KnownPart
    answer: Slot
    span: Span
    input_slot: Slot | None
    doc: str
    rest_optional: bool = False
    masked: bool = False
    makes_s: float | None = None
    strength: float | None = None
    made_of: tuple[str, ...] = ()
    together: bool = False
    any_slot: bool = False
    prompt_slot: Slot = Slot.STEM
    rest_slot: Slot = Slot.REST

    @property
    def replaces(self) -> bool:
        """True means that another sound comes in the place of the one that the prompt names."""
        return "isolate" in self.made_of

    def given(self, slot: Slot) -> KnownPart:
        """How much of a slot is known."""
        return {Slot.MIX: self.mix, Slot.STEM: self.stem, Slot.REST: self.rest}[slot]


_ALL, _NONE, _OUT = KnownPart.ALL, KnownPart.NONE, KnownPart.OUTSIDE
_MIX, _STEM, _REST = Slot.MIX, Slot.STEM, Slot.REST

# fmt: off
TASKS: dict[str, TaskRule] = {
    #                      known of mix, stem, rest  answer span           input
    "isolate":    TaskRule(_ALL,  _NONE, _NONE,      _STEM, Span.NO,       _MIX,  "take the named stem out of the mix",
                           masked=True),
    "remove":     TaskRule(_ALL,  _NONE, _NONE,      _REST, Span.NO,       _MIX,  "give the mix without the named stem",
                           masked=True),
    "regenerate": TaskRule(_NONE, _NONE, _ALL,       _STEM, Span.NO,       _REST,
                           "make a new stem that fits the music you give", any_slot=True),
    "generate":   TaskRule(_NONE, _NONE, _NONE,      _STEM, Span.NO,       None,  "make a stem from the prompt alone",
                           any_slot=True, makes_s=10.0),
    "inpaint":    TaskRule(_NONE, _OUT,  _ALL,       _STEM, Span.REQUIRED, _STEM,
                           "fill a gap in a stem and keep the rest of it", any_slot=True, rest_optional=True),
    "extend":     TaskRule(_NONE, _OUT,  _ALL,       _STEM, Span.END,      _STEM, "continue a stem after its end",
                           any_slot=True, rest_optional=True, makes_s=5.0),
    # Starts at t = 1 - strength from the stem's own latents mixed with noise, so inside the span nothing is known.
    "restyle":    TaskRule(_NONE, _OUT,  _ALL,       _STEM, Span.OPTIONAL, _STEM,
                           "play a stem on another instrument, as close to the old sound as you like",
                           rest_optional=True, strength=0.6),
    # The new stem knows the true rest and nothing of the old stem but where it starts from, so that it can differ.
    "replace":    TaskRule(_NONE, _NONE, _ALL,       _STEM, Span.OPTIONAL, _MIX,
                           "replace one sound in the mix by another", strength=1.0,
                           made_of=("isolate", "restyle")),
    "arrange":    TaskRule(_NONE, _NONE, _ALL,       _STEM, Span.NO,       None,
                           "make a stem for each prompt, each fitting those before it", rest_optional=True,
                           makes_s=10.0, made_of=("regenerate",), together=True),
}
# fmt: on


def rule_of(task: str, slot: str = "") -> TaskRule:
    """The row of ``task``, for the slot that is to be made.

    Args:
        task: a row of ``TASKS``.
        slot: of ``SLOT_NAMES``: STEM and this slot change places throughout the row; "" leaves the row as it is.

    Raises:
        RequestError: there is no such task, or it does not make that slot.
    """
    try:
        rule = TASKS[task]
    except KeyError:
        tasks = ", ".join(TASKS)
        raise RequestError("unknown task {task!r}; choose one of {tasks}", task=task, tasks=tasks) from None
    if slot == "":
        return rule
    if not rule.any_slot:
        able = ", ".join(name for name, row in TASKS.items() if row.any_slot)
        raise RequestError(
            "{task} takes no slot; leave {slot!r} out, or choose one of {able}", task=task, slot=slot, able=able
        )
    if slot not in SLOT_NAMES:
        raise RequestError("unknown slot {slot!r}; choose one of {slots}", slot=slot, slots=", ".join(SLOT_NAMES))
    return turned(rule, SLOT_NAMES[slot])


def turned(rule: TaskRule, asked: Slot) -> TaskRule:
    """A row with STEM and another slot in each other's place."""
    source = rule.input_slot
    return replace(
        rule,
        mix=rule.given(exchanged(Slot.MIX, asked)),
        stem=rule.given(exchanged(Slot.STEM, asked)),
        rest=rule.given(exchanged(Slot.REST, asked)),
        answer=exchanged(rule.answer, asked),
        input_slot=None if source is None else exchanged(source, asked),
        prompt_slot=exchanged(rule.prompt_slot, asked),
        rest_slot=exchanged(rule.rest_slot, asked),
    )


def known_mask(
    task: str, frames: int, span: tuple[int, int] | None = None, rest_given: bool = True, slot: str = ""
) -> BoolArray:
    """Which latents are given for ``task``.

    Args:
        task: a row of ``TASKS``.
        frames: latent frames in the clip.
        span: frames to fill, ``(first, past the last)``; needed by tasks whose row says so, the whole clip for those
            where it is optional.
        rest_given: False means the caller has no REST for a row where it is optional.
        slot: what is made, see ``rule_of``.

    Returns:
        bool ``(slots, frames)``; True means given.

    Raises:
        RequestError: unknown task or slot, or a span that is missing or does not fit.
    """
    rule = rule_of(task, slot)
    if rule.span is Span.OPTIONAL and span is None:
        span = (0, frames)
    if rule.span is not Span.NO and span is None:
        raise RequestError("{task} needs a span to fill; give one inside the clip", task=task)
    if span is not None and not 0 <= span[0] < span[1] <= frames:
        raise RequestError(
            "span {first}-{last} does not fit a clip of {frames} frames; choose a start before the end",
            first=span[0], last=span[1], frames=frames,
        )  # fmt: skip
    known = np.zeros((SLOTS, frames), dtype=np.bool_)
    for track in Slot:
        given = rule.given(track)
        if track is rule.rest_slot and rule.rest_optional and not rest_given:
            continue
        if given is not KnownPart.NONE:
            known[track] = True
        if given is KnownPart.OUTSIDE and span is not None:
            known[track, span[0] : span[1]] = False
    return known
