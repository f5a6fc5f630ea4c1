"""The arguments of a message, checked against its row of the table.

Numbers are taken as any OSC type can say them, because TouchOSC sends everything as float, and others as text; what
comes out is of one type.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from engine import IN_SAMPLES, Place, RequestError
from engine.osc.protocol.specs import (
    ID_LIMIT_CHARACTERS,
    OSC_TYPE,
    TEXT_LIMIT_CHARACTERS,
    ArgSpec,
    Kind,
    MessageSpec,
    ReplySpec,
    signature,
)
from engine.osc.transport.packets import Int64, Value

Plain = str | int | float | bytes


class ArgumentError(ValueError):
    """The arguments do not fit their row; the message names what is expected."""


@dataclass(frozen=True, slots=True)
class Values:
    """Arguments by name, each of its declared type."""

    by_name: dict[str, Plain]

    def text(self, name: str) -> str:
        """A text or an id."""
        value = self.by_name[name]
        return value if isinstance(value, str) else str(value)

    def whole(self, name: str) -> int:
        """A whole number."""
        value = self.by_name[name]
        return value if isinstance(value, int) else 0

    def blob(self, name: str) -> bytes:
        """Bytes."""
        value = self.by_name[name]
        return value if isinstance(value, bytes) else b""


def fit(spec: MessageSpec, args: tuple[Value, ...]) -> Values:
    """The arguments of a message by name, defaults filled in; what comes after the last one is left out.

    The last ones of a task may be said by name, as texts ``NAME=VALUE``, in any order.

    Raises:
        ArgumentError: too few, or one that is not what its row says.
    """
    found: dict[str, Plain] = {}
    args, named = _placed_and_named(spec, args)
    for place, arg in enumerate(spec.args):
        if arg.name in named:
            found[arg.name] = _fitted(spec, arg, named[arg.name])
        elif place < len(args) and not (args[place] is None and arg.default is not None):
            found[arg.name] = _fitted(spec, arg, args[place])
        elif arg.default is not None:
            found[arg.name] = arg.default
        else:
            raise ArgumentError(f"{spec.address} takes {signature(spec.args)}; got {_counted(len(args))}")
    return Values(found)


def surplus(spec: MessageSpec, args: tuple[Value, ...]) -> int:
    """How many arguments a message has that its row does not."""
    return max(len(_placed_and_named(spec, args)[0]) - len(spec.args), 0)


def _placed_and_named(spec: MessageSpec, args: tuple[Value, ...]) -> tuple[tuple[Value, ...], dict[str, str]]:
    """Arguments by place, and those of a task that are said by name behind them."""
    optional = spec.defaults if spec.task else {}
    named: dict[str, str] = {}
    place = len(args)
    while place > len(spec.args) - len(optional):
        last = args[place - 1]
        name, equals, value = last.partition("=") if isinstance(last, str) else ("", "", "")
        if not equals or name not in optional:
            break
        named.setdefault(name, value)
        place -= 1
    return args[:place], named


def id_in(args: tuple[Value, ...]) -> str:
    """The id that a message with bad arguments most likely meant, "" for none."""
    try:
        return _id(args[0]) if args else ""
    except ValueError:
        return ""


def spread(reply: ReplySpec, args: tuple[Plain | tuple[Plain, ...], ...]) -> tuple[str, tuple[Plain, ...]]:
    """Type letters and values of a reply, each of the type its row declares; a repeated argument comes as a tuple."""
    types, values = "", []
    for arg, value in zip(reply.args, args, strict=True):
        for one in value if isinstance(value, tuple) else (value,):
            types += OSC_TYPE[arg.kind]
            values.append(_declared(arg, one))
    return types, tuple(values)


def _declared(arg: ArgSpec, value: Plain) -> Plain:
    match OSC_TYPE[arg.kind]:
        case "s":
            return printable(str(value))
        case "i":
            return int(value)
        case "f":
            return float(value)
        case _:
            return value


def printable(text: str) -> str:
    """The text without control characters, which a terminal might obey."""
    return "".join(c if c.isprintable() else " " for c in text)


def _fitted(spec: MessageSpec, arg: ArgSpec, value: Value) -> Plain:
    try:
        fitted = _CHECKS[arg.kind](value)
    except ValueError:
        raise ArgumentError(_complaint(spec, arg, value)) from None
    if isinstance(fitted, (int, float)):
        if (arg.low is not None and fitted < arg.low) or (arg.high is not None and fitted > arg.high):
            raise ArgumentError(f"{_complaint(spec, arg, value)}; {arg.name} goes {_range(arg)}")
    elif arg.choices and fitted not in arg.choices:
        raise ArgumentError(f"{_complaint(spec, arg, value)}; {arg.name} is one of {', '.join(arg.choices)}")
    return fitted


def _complaint(spec: MessageSpec, arg: ArgSpec, value: Value) -> str:
    got = f"{len(value)} bytes" if isinstance(value, bytes) else ascii(value)[:60]
    return f"{spec.address} takes {signature(spec.args)}; got {got} for {arg.name}"


def _range(arg: ArgSpec) -> str:
    low = "" if arg.low is None else f"from {arg.low:g} "
    return low + ("up" if arg.high is None else f"to {arg.high:g}")


def _counted(count: int) -> str:
    return f"{count} argument" if count == 1 else f"{count} arguments"


def _number(value: Value) -> float:
    if value is None or isinstance(value, bytes):
        raise ValueError
    if isinstance(value, str) and (len(value) > 40 or "_" in value):
        raise ValueError
    number = float(value)
    if not math.isfinite(number):
        raise ValueError
    return number


def _place(value: Value) -> str | float:
    """Seconds, or a text that counts samples; the rate is that of a file that is not open yet.

    A 64-bit int counts samples as such a text does, and becomes one; any other number is seconds.
    """
    if isinstance(value, Int64):
        value = f"{int(value)}{IN_SAMPLES}"
    if isinstance(value, str):
        try:
            place = Place.of(value)
        except RequestError:  # any other way to write a number
            return _number(value)
        return f"{int(place.number)}{IN_SAMPLES}" if place.in_samples else place.number
    return _number(value)


def _whole(value: Value) -> int:
    return int(value) if isinstance(value, int) else round(_number(value))


def _text(value: Value) -> str:
    """A text; a number is the text of its figures, because Pure Data and Max make a number of the prompt 808."""
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        number = _number(value)
        value = f"{number:.0f}" if number == round(number) else f"{number:.7g}"
    if not isinstance(value, str) or len(value) > TEXT_LIMIT_CHARACTERS:
        raise ValueError
    return value


def _id(value: Value) -> str:
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        number = _number(value)
        value = str(round(number)) if number == round(number) else str(value)
    if not isinstance(value, str) or not 0 < len(value) <= ID_LIMIT_CHARACTERS or not value.isprintable():
        raise ValueError
    return value


def _blob(value: Value) -> bytes:
    if not isinstance(value, bytes):
        raise ValueError
    return value


_CHECKS: dict[Kind, Callable[[Value], Plain]] = {
    "id": _id,
    "text": _text,
    "whole": _whole,
    "number": _number,
    "place": _place,
    "blob": _blob,
}
