"""Prompts about a whole mix, which name no sound or leave one out: instrumental, acapella, drumless, the rest."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum

from engine.text.known_words import KnownWords
from engine.text.normalize import normalize
from engine.text.vocabulary import ACAPELLA, AROUND, INSTRUMENTAL, REMAINDER, WHOLE_MIX, WITHOUT_LEAD

_EDGES = " \t.,;:!?…。！？、，~*_#|\"“”«»„‚‘’`´'–—-"
_WRAPPED = re.compile(r"\(([^()]*)\)|\[([^\[\]]*)\]")
_BEFORE = re.compile(
    r"(?:(?:the|an?|only|just|give me|isolate|extract|make|bitte|nur|solo|eine?|das|die|une?|le|la|il|una?) )+"
)
_AFTER = re.compile(rf"(?: (?:{'|'.join(AROUND)}))+$")
_LESS = re.compile(r"(\w{3,}?) ?less(?: (?:mix|track|version|song|backing track))*")
_FREE = re.compile(r"(.{3,}) free(?: (?:mix|track|version|song))*")


_WITH = re.compile(
    rf"({'|'.join(map(re.escape, INSTRUMENTAL))})(?: (?:version|track|mix))? "
    r"(?:with|incl\w*|mit|avec|con) (?:the |my )?(.+)"
)
_UNFINISHED = re.compile(
    r" (?:but|except(?: for)?|without|minus|besides|ausser|ohne|bis auf|sauf|sans|menos|sin|tranne)$"
)
_BACKING = frozenset({"backing", "background", "backup", "choir", "chor", "choeurs", "coros", "cori", "harmonies"})


class MixTarget(Enum):
    """What a prompt about a whole mix asks for."""

    WITHOUT = "the mix without a sound"
    ALONE = "a sound alone"
    REMAINDER = "what the other prompts leave"
    ALL = "the mix as it is"


@dataclass(frozen=True, slots=True)
class MixRequest:
    """What a prompt asks for, and the English name of the sound it is about, "" where it is about none."""

    about: MixTarget
    sound: str = ""
    turns: bool = True  # False means that "remove it" and "isolate it" are the same: "drumless"


_ROWS = {
    **dict.fromkeys(WHOLE_MIX, MixRequest(MixTarget.ALL)),
    **dict.fromkeys(REMAINDER, MixRequest(MixTarget.REMAINDER)),
    **dict.fromkeys(INSTRUMENTAL, MixRequest(MixTarget.WITHOUT, "vocals")),
    **dict.fromkeys(WITHOUT_LEAD, MixRequest(MixTarget.WITHOUT, "lead vocals")),
    **dict.fromkeys(ACAPELLA, MixRequest(MixTarget.ALONE, "vocals")),
}


def tidied(text: str) -> str:
    """A prompt without spaces, quotes and punctuation around it: ``"bass!!"`` is ``bass``."""
    text = " ".join(text.split())
    inside = _WRAPPED.fullmatch(text)
    return ((inside[1] or inside[2] or "") if inside else text).strip(_EDGES) or text


def mix_request(text: str, words: KnownWords) -> MixRequest | None:
    """What a prompt asks of a whole mix; None for one that names a sound in any other way."""
    key = normalize(tidied(text))
    bare = _BEFORE.sub("", key, count=1) if _BEFORE.match(key) else key
    for form in (key, bare, _AFTER.sub("", key), _AFTER.sub("", bare), _UNFINISHED.sub("", key)):
        if form in _ROWS:
            return _ROWS[form]
    if match := _WITH.fullmatch(bare):
        return MixRequest(MixTarget.WITHOUT, "lead vocals" if _BACKING & set(match[2].split()) else "vocals")
    for pattern in (_LESS, _FREE):
        if match := pattern.fullmatch(bare):
            sound = next((name for name in (f"{match[1]}s", match[1]) if words.english(name)), "")
            if sound:
                return MixRequest(MixTarget.WITHOUT, words.english(sound), turns=False)
    return None
