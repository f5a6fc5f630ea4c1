"""Look into a ``tokenizer.json`` before it is used: no pattern in it may take for ever, no rule may blow a text up."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

FILE_LIMIT_BYTES = 64 << 20
PATTERN_LIMIT_CHARACTERS = 512
PATTERNS_LIMIT = 32
REPLACEMENTS_LIMIT = 8
CONTENT_LIMIT_CHARACTERS = 8
UNBOUNDED_REPEAT = 64  # {n,m} with more than this counts as unbounded


def check_tokenizer(raw: bytes) -> None:
    """Check the bytes of a tokenizer.

    Raises:
        ValueError: it must not be used; the message says why.
    """
    if len(raw) > FILE_LIMIT_BYTES:
        raise ValueError(f"it has over {FILE_LIMIT_BYTES} bytes")
    try:
        data = json.loads(raw)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"it is not JSON ({error})") from error
    if not isinstance(data, dict):
        raise ValueError("it is not a JSON object")
    parts = ("normalizer", "pre_tokenizer", "post_processor", "decoder")
    rules = [rule for part in parts for rule in _rules(data.get(part))]
    patterns = [pattern for rule in rules for pattern in _patterns(rule)]
    if len(patterns) > PATTERNS_LIMIT:
        raise ValueError(f"it has over {PATTERNS_LIMIT} patterns")
    for pattern in patterns:
        check_pattern(pattern)
    replacing = [rule for rule in rules if rule.get("type") in ("Replace", "Prepend")]
    if len(replacing) > REPLACEMENTS_LIMIT:
        raise ValueError(f"it replaces in over {REPLACEMENTS_LIMIT} places")
    for rule in replacing:
        if len(str(rule.get("content", rule.get("prepend", "")))) > CONTENT_LIMIT_CHARACTERS:
            raise ValueError(f"it replaces something by more than {CONTENT_LIMIT_CHARACTERS} characters")


def check_pattern(pattern: str) -> None:
    """Check that a pattern cannot try very many ways through a text.

    An alternative has one unbounded repeat at most, and what is repeated holds neither repeats nor alternatives.

    Raises:
        ValueError: it is too long, refers back, or repeats too much.
    """
    if len(pattern) > PATTERN_LIMIT_CHARACTERS:
        raise ValueError(f"a pattern has over {PATTERN_LIMIT_CHARACTERS} characters")
    groups = [_OpenGroup()]
    closed: _OpenGroup | None = None  # the group that a quantifier here would repeat
    at = 0
    while at < len(pattern):
        character, following = pattern[at], pattern[at + 1 : at + 2]
        if (repeat := _repeat(pattern, at)) is not None:
            length, endless = repeat
            if closed is not None and closed.holds_choices and character != "?":
                raise ValueError(f"the pattern {pattern[:60]!r} repeats what has several ways")
            groups[-1].repeat(endless)
            at, closed = at + length, None
            if groups[-1].endless > 1:
                raise ValueError(f"the pattern {pattern[:60]!r} repeats too much")
            continue
        closed = None
        if character == "\\":
            if following.isdigit() or following in ("k", "g", "X"):
                raise ValueError(f"the pattern {pattern[:60]!r} refers back")
            braces = following in ("p", "P", "x", "u") and pattern[at + 2 : at + 3] == "{"
            at = (pattern.find("}", at) + 1 or len(pattern)) if braces else at + 2
            continue
        if character == "[":
            at = _after_class(pattern, at)
            continue
        if character == "(":
            groups.append(_OpenGroup())
            if following == "?":  # what kind of group it is
                at += 1
        elif character == "|":
            groups[-1].begin_alternative()
        elif character == ")":
            if len(groups) == 1:
                raise ValueError(f"the pattern {pattern[:60]!r} is not well formed")
            closed = groups.pop()
            groups[-1].take_in(closed)
            if groups[-1].endless > 1:
                raise ValueError(f"the pattern {pattern[:60]!r} repeats too much")
        at += 1


@dataclass(slots=True)
class _OpenGroup:
    """A group of a pattern as far as it has been read.

    Attributes:
        endless: unbounded repeats of the alternative at hand.
        most_endless: of the alternatives before it.
        holds_choices: True where a text can go through it in several ways.
    """

    endless: int = 0
    most_endless: int = 0
    holds_choices: bool = False

    def begin_alternative(self) -> None:
        self.most_endless, self.endless = max(self.most_endless, self.endless), 0
        self.holds_choices = True

    def repeat(self, endless: int) -> None:
        self.endless += endless
        self.holds_choices = True

    def take_in(self, inner: _OpenGroup) -> None:
        self.endless += max(inner.endless, inner.most_endless)
        self.holds_choices = self.holds_choices or inner.holds_choices


def _repeat(pattern: str, at: int) -> tuple[int, int] | None:
    """Length of the quantifier at a place, and 1 where it has no bound worth the name; None where there is none."""
    character = pattern[at]
    if character in "*+":
        return 1 + (pattern[at + 1 : at + 2] in ("?", "+")), 1
    if character == "?":
        return 1 + (pattern[at + 1 : at + 2] in ("?", "+")), 0
    if character == "{" and (end := pattern.find("}", at)) > 0:
        low, comma, high = pattern[at + 1 : end].partition(",")
        if (low or high) and all(part.isdigit() or not part for part in (low, high)):
            most = int(high) if high else (UNBOUNDED_REPEAT + 1 if comma else int(low))
            return end + 1 - at, int(most > UNBOUNDED_REPEAT)
    return None


def _after_class(pattern: str, at: int) -> int:
    """Where a bracketed class ends that begins at a place."""
    depth = 0
    while at < len(pattern):
        if pattern[at] == "\\":
            at += 1
        elif pattern[at] == "[":
            depth += 1
        elif pattern[at] == "]":
            depth -= 1
            if depth == 0:
                return at + 1
        at += 1
    return at


def _rules(value: Any) -> Iterator[dict[str, Any]]:
    """All objects with a type, however deep."""
    if isinstance(value, dict):
        if "type" in value:
            yield value
        for inner in value.values():
            yield from _rules(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _rules(inner)


def _patterns(rule: dict[str, Any]) -> Iterator[str]:
    pattern = rule.get("pattern")
    if isinstance(pattern, dict) and "Regex" in pattern:
        yield str(pattern["Regex"])
