"""The arguments of a task's message, derived from the options table of the engine.

Type, range, choices and words are those of ``engine.OPTIONS``. Added here is only how a field of a request is written
in a message: at which place, under which name, and with which value for "the bundle decides".
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from engine import EXAMPLE_KINDS, IN_SAMPLES, OPTIONS, Option, TaskRule
from engine.osc.protocol.specs import ArgSpec, Kind

INPUT_ARGUMENTS = ("input", "rest", "notes", *EXAMPLE_KINDS)  # those that name a file, and the folders it is kept in
PROMPTS_APART = ";"  # between the stems of an arrangement
# The address says the task; the others are the bridge's own business.
NOT_ARGUMENTS = ("task", "out", "batch_windows", "cache", "cache_gb")
INT_LIMIT = 2**31 - 1  # an OSC int has 32 bits

Scalar = str | int | float
_IN_SAMPLES = f"an int64 or 480000{IN_SAMPLES} is in samples"
DocOf = Callable[[TaskRule, Option], str]


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskArgument:
    """How one field of a request is written in a message.

    Attributes:
        option: the field, a row of ``engine.OPTIONS``.
        name: of the argument; "" means that of the field.
        unset: the value that leaves the choice to the bundle; None for a field that always has one of its own.
        default: when the argument is left out, perhaps by the task; None means ``unset``, else the field's own.
        required: True means it must be given.
        takes: whether it is part of a task's message, for those whose place is not the same in all; None means
            wherever the task takes the option.
        doc: words of its own; None means those of the option.
    """

    option: str
    name: str = ""
    unset: Scalar | None = None
    default: Scalar | Callable[[TaskRule], Scalar] | None = None
    required: bool = False
    takes: Callable[[TaskRule], bool] | None = None
    doc: DocOf | None = None

    @property
    def argument_name(self) -> str:
        """The argument's name."""
        return self.name or self.option

    def spec(self, rule: TaskRule) -> ArgSpec:
        """The argument in the message of a task."""
        row = OPTIONS[self.option]
        kind: Kind = "text" if row.many else _KINDS.get(row.kind, "text")
        low, high = _LIMITS.get(row.kind, (row.low, row.high)) if kind != "text" else (None, None)
        if isinstance(self.unset, (int, float)) and low is not None:
            low = min(low, self.unset)
        choices = row.choices if row.kind == "choice" and not row.many and not row.numbered else ()
        if isinstance(self.unset, str) and choices:
            choices = (self.unset, *choices)
        return ArgSpec(
            name=self.argument_name,
            kind=kind,
            doc=(self.doc or self._words)(rule, row),
            unit="" if kind == "text" else row.unit,
            low=low,
            high=None if high is None else min(high, INT_LIMIT),
            default=None if self.required else self._default(rule, row),
            choices=choices,
        )

    def value_of(self, given: Any) -> Any:
        """The value of the field that an argument means."""
        row = OPTIONS[self.option]
        if self.unset is not None and (given == self.unset or (self.unset == -1 and given < 0)):
            return None
        if row.kind == "choice" and row.many:
            return tuple(str(given).replace("_", "-").split())
        return bool(given) if row.kind == "flag" else given

    def _default(self, rule: TaskRule, row: Option) -> Scalar:
        default = self.default(rule) if callable(self.default) else self.default
        found: object = next(one for one in (default, self.unset, row.default) if one is not None)
        if isinstance(found, str | float) or (isinstance(found, int) and not isinstance(found, bool)):
            return found
        return int(found) if isinstance(found, bool) else ""  # no choices at all

    def _words(self, rule: TaskRule, row: Option) -> str:
        text = _spelled(row.words(rule))
        if row.kind == "flag":
            return f"1: {text}"
        if isinstance(self.unset, (int, float)):
            return f"{text}; {self.unset:g} is the bundle's choice"
        return f"{text}; {row.default_words(rule)}" if row.kind in ("choice", "name") and row.otherwise else text


def _spelled(text: str) -> str:
    """Words of the command line, with the names that arguments have in a message."""
    return re.sub(r"--([a-z-]+)", lambda flag: flag[1].replace("-", "_"), text).replace("PROMPT", "prompt")


_KINDS: dict[str, Kind] = {"whole": "whole", "number": "number", "flag": "whole", "region": "place"}
_LIMITS: dict[str, tuple[float | None, float | None]] = {"flag": (0, 1), "region": (0, None)}


def _example(kind: str) -> TaskArgument:
    place = "absolute path, or clip:ID" if kind == "audio" else "absolute path"
    doc = f"{EXAMPLE_KINDS[kind]}; {place}; FILE#t=12,20 is a part of it"
    return TaskArgument(option="examples", name=kind, default="", doc=lambda rule, row: doc)


def _prompt_doc(rule: TaskRule, row: Option) -> str:
    words = f"a few words for each stem, with {PROMPTS_APART} between them" if rule.together else row.words(rule)
    if OPTIONS["other"].takes(rule):
        words += f"; with stems or other, any number of them with {PROMPTS_APART} between"
    return f"{words}; may be empty where there is an example"


def _file_doc(rule: TaskRule, row: Option) -> str:
    return f"{_spelled(row.words(rule))}; absolute path, or clip:ID for a clip sent by wire"


def _start_doc(rule: TaskRule, row: Option) -> str:
    must = OPTIONS["regions_s"].needs(rule)
    where = "where the part to fill begins; give it here or in regions" if must else "where to begin"
    return f"{where}; {_IN_SAMPLES}"


def _end_doc(rule: TaskRule, row: Option) -> str:
    return f"where {'it ends' if OPTIONS['regions_s'].needs(rule) else 'to end'}; 0 is the end; {_IN_SAMPLES}"


def _region(name: str, doc: DocOf) -> TaskArgument:
    return TaskArgument(option="region_s", name=name, default=0.0, doc=doc)


def _text(words: str) -> DocOf:
    return lambda rule, row: words


def _replacement_doc(rule: TaskRule, row: Option) -> str:
    return f"{row.words(rule)}; may be empty where there is an example"


def _quality_doc(rule: TaskRule, row: Option) -> str:
    return f"{row.words(rule)}; 0 is the {row.default_words(rule)}"


def _filters(rule: TaskRule) -> bool:
    return rule.masked


def _makes(rule: TaskRule) -> bool:
    return not rule.masked


# The order is frozen, because OSC tells arguments by their place: what is new comes last. An option that is not listed
# stands after those that are; list it before it is released, so that its place is frozen too.
TASK_ARGUMENTS: tuple[TaskArgument, ...] = (
    TaskArgument(option="input", required=True, doc=_file_doc),
    TaskArgument(option="prompts", name="prompt", required=True, doc=_prompt_doc),
    TaskArgument(option="replacement", required=True, doc=_replacement_doc),
    TaskArgument(option="seconds", default=lambda rule: rule.makes_s or 0.0),
    _region("start", _start_doc),
    _region("end", _end_doc),
    TaskArgument(option="rest", default="", doc=_file_doc),
    TaskArgument(option="seed"),
    TaskArgument(option="steps", unset=0),
    TaskArgument(option="guidance", unset=-1.0),
    TaskArgument(option="render", takes=_filters),
    TaskArgument(option="format", doc=_text("file format of the results; same is the input's")),
    TaskArgument(
        option="bundle", default="", doc=_text("name of an installed bundle; empty is the bridge's choice")
    ),
    TaskArgument(option="regions_s", name="regions", default="", doc=_text("several parts at once, e.g. 8-16 24-32.5, "
                 f"in seconds; instead of start and end; in samples 352800{IN_SAMPLES}-705600{IN_SAMPLES}")),
    TaskArgument(option="strength", unset=-1.0),
    TaskArgument(option="keep_order"),
    TaskArgument(option="candidates", doc=_text("how many versions to make; all of them come, the best first")),
    TaskArgument(option="mix_prompt"),
    TaskArgument(option="rest_prompt"),
    _example("image"),
    _example("video"),
    _example("audio"),
    TaskArgument(option="example_weight", name="weight"),
    TaskArgument(option="slot", default="stem"),
    TaskArgument(option="temperature", unset=-1.0, takes=_makes),
    TaskArgument(option="guide", default="", doc=_text("what guidance applies to, with spaces between: "
                 f"{', '.join(OPTIONS['guide'].choices)}; empty is all of them")),
    TaskArgument(option="start", name="start_from", unset="auto"),
    TaskArgument(option="device", doc=_text(
        f"what to run on: {', '.join(OPTIONS['device'].choices)}; auto is the fastest that works, and a number behind "
        "it chooses one of several, as in cuda:1")),
    TaskArgument(option="temperature", unset=-1.0, takes=_filters),
    TaskArgument(option="sensitivity"),
    TaskArgument(option="expert"),
    TaskArgument(option="render", takes=_makes),
    TaskArgument(option="stems", unset="none"),
    TaskArgument(option="other"),
    TaskArgument(option="quality", unset=0, doc=_quality_doc),
    TaskArgument(option="name"),
    TaskArgument(option="chain", doc=_text("chain of effects that the result goes through: the name of one, see "
                 "plugins/chains, or its JSON; empty is none")),
    TaskArgument(option="chain_on", default="answer", unset="answer", doc=_text("what the chain is on: stem or rest; "
                 "answer is what the task gives")),
    TaskArgument(option="chain_before", doc=_text("chain that the model hears the input through, as chain; empty is "
                 "none")),
    TaskArgument(option="voice", unset="auto"),
    TaskArgument(option="notes_file", name="notes", default="", doc=_text("MIDI file with the notes that recorded "
                 "instruments play, in the place of their own; absolute path, empty is none")),
    TaskArgument(option="precision"),
    TaskArgument(option="literal"),
    TaskArgument(option="anyway"),
)  # fmt: skip


def arguments_of(rule: TaskRule) -> tuple[TaskArgument, ...]:
    """The arguments of a task's message, in order, without the id."""
    listed = {one.option for one in TASK_ARGUMENTS} | set(NOT_ARGUMENTS)
    fresh = (_unlisted(row) for name, row in OPTIONS.items() if name not in listed)
    return tuple(
        one for one in (*TASK_ARGUMENTS, *fresh)
        if OPTIONS[one.option].takes(rule) and (one.takes is None or one.takes(rule))
    )  # fmt: skip


def _unlisted(row: Option) -> TaskArgument:
    """The argument of an option that has no place of its own yet."""
    leaves_open: Scalar = "auto" if row.kind == "choice" else -1 if _KINDS.get(row.kind) else ""
    return TaskArgument(option=row.name, unset=leaves_open if row.optional else None)


def task_args(rule: TaskRule) -> tuple[ArgSpec, ...]:
    """Their rows, as the table of messages shows them."""
    return tuple(argument.spec(rule) for argument in arguments_of(rule))
