"""What is known of each field of a request: its kind, range, default, words, and which tasks take it.

The rows themselves are the fields of ``engine.request.Request``; the command line, the OSC bridge, the window, the
checks, the JSON and the docs are derived from them. A new option is one new field there.
"""

import types
from collections.abc import Callable
from dataclasses import MISSING, dataclass, field, fields, replace
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from engine.tasks import TASKS, TaskRule

Kind = Literal["whole", "number", "flag", "choice", "words", "name", "file", "folder", "example", "region"]
Words = str | Callable[[TaskRule], str]  # the same for every task, or by its row

_KINDS: dict[Any, Kind] = {int: "whole", float: "number", bool: "flag"}


def _every_task(rule: TaskRule) -> bool:
    return True


def _no_task(rule: TaskRule) -> bool:
    return False


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """One row of the table.

    Attributes:
        name: of the field of ``Request``.
        kind: ``words`` are in the user's language, a ``name`` is one of something, a ``region`` is two times in
            seconds, an ``example`` is a file as ``engine.media.reference`` reads it.
        doc: a few words, without the default.
        default: the value of a request that says nothing; None for a field that must be given.
        optional: True means the value may be None, which leaves the choice to the bundle or the task.
        many: True means a tuple of values, in order.
        most: how many of them at most; None means any number.
        low, high: range of a number, both ends included; None means open.
        choices: the only texts allowed; empty means any.
        numbered: a choice may be followed by the number of one of several, from 0: ``cuda:1``.
        unit: of a number, "" for none.
        label: how complaints call it; "" means its name.
        otherwise: what happens when it is left out, in words.
        takes: whether a task takes it, by its row.
        needs: whether a task cannot do without it.
        refusal: template of what is said to a task that does not take it, with ``task``, ``option``, ``able`` (the
            tasks that do) and ``value``; "" means that it is ignored there.
        idle: a value that says what such a task does anyway, so that it may be given to it; None means there is none.
        flag: spelling on the command line; "" means that it stands without one, or, without a metavar, not at all.
        metavar: placeholder for the value in a help text.
    """

    name: str = ""
    kind: Kind = "words"
    doc: Words = ""
    default: Any = None
    optional: bool = False
    many: bool = False
    most: int | None = None
    low: float | None = None
    high: float | None = None
    choices: tuple[str, ...] = ()
    numbered: bool = False
    unit: str = ""
    label: str = ""
    otherwise: Words | None = None
    takes: Callable[[TaskRule], bool] = _every_task
    needs: Callable[[TaskRule], bool] = _no_task
    refusal: str = "{task} takes no {option}; leave it out, or choose {able}"
    idle: Any = None
    flag: str | None = None
    metavar: Words = ""

    @property
    def said(self) -> str:
        """How complaints call it."""
        return self.label or self.name

    def allows(self, value: Any) -> bool:
        """Whether a text is one of its choices."""
        if self.numbered and isinstance(value, str):
            name, colon, number = value.partition(":")
            return name in self.choices and (not colon or (number.isascii() and number.isdecimal() and len(number) < 4))
        return value in self.choices

    @property
    def tasks(self) -> tuple[str, ...]:
        """The tasks that take it."""
        return tuple(task for task, rule in TASKS.items() if self.takes(rule))

    @property
    def limits(self) -> tuple[float, float]:
        """Lowest and highest number.

        Raises:
            ValueError: it has none.
        """
        if self.low is None or self.high is None:
            raise ValueError(f"{self.name} has no limits")
        return self.low, self.high

    def words(self, rule: TaskRule) -> str:
        """What it is, for a task."""
        return by_rule(self.doc, rule)

    def default_words(self, rule: TaskRule) -> str:
        """What happens when it is left out, for a task; "" where that says itself."""
        if self.otherwise is not None:
            return by_rule(self.otherwise, rule)
        return "" if self.kind == "flag" or self.default in (None, "", ()) else f"default {self.default}"

    def help(self, rule: TaskRule) -> str:
        """Both in one line, as the command line shows them."""
        return "; ".join(words for words in (self.words(rule), self.default_words(rule)) if words)


def by_rule(words: Words, rule: TaskRule) -> str:
    """Words that may depend on the task."""
    return words if isinstance(words, str) else words(rule)


def option(default: Any, doc: Words, /, **row: Any) -> Any:
    """A field of a request, with its row of the table. Kind and choices may be left to the type of the field.

    Args:
        default: ``MISSING`` for a field that must be given.
        row: the other attributes of ``Option``.
    """
    return field(default=default, metadata={"option": Option(doc=doc, **row)})


def options_of(request: type) -> dict[str, Option]:
    """The table: field -> row, in the order of the fields."""
    hints = get_type_hints(request)
    return {
        one.name: _completed(one.metadata["option"], one.name, one.default, hints[one.name])
        for one in fields(request)
        if "option" in one.metadata
    }


def _completed(row: Option, name: str, default: Any, hint: Any) -> Option:
    """A row with what name, default and type of its field say."""
    optional = get_origin(hint) in (Union, types.UnionType) and type(None) in get_args(hint)
    if optional:
        [hint] = [arg for arg in get_args(hint) if arg is not type(None)]
    many = get_origin(hint) is tuple and get_args(hint)[-1] is Ellipsis
    item = get_args(hint)[0] if many else hint
    choices = row.choices or (get_args(item) if get_origin(item) is Literal else ())
    kind: Kind = "choice" if choices else _KINDS.get(item, row.kind)
    return replace(
        row,
        name=name,
        kind=kind,
        default=None if default is MISSING else default,
        optional=optional,
        many=many,
        choices=tuple(choices),
        flag=f"--{name.replace('_', '-')}" if row.flag is None else row.flag,
    )
