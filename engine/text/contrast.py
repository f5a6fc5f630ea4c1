"""Wishes that say what is meant by what is not: "not the piano but the guitar", "don't remove the drums".

Each is put as "guitar, not piano" or "the drums", which the grammar knows.
"""

from __future__ import annotations

import re

from engine.text.known_words import KnownWords
from engine.text.phrasing import KEEPING

_ONLY = r"(?:(?:rather|just|only|nur|lieber|plutôt|seulement|juste|uniquement|solo|solamente|soltanto|piuttosto)\s+)?"
_MEANT = rf"(?!{KEEPING}){_ONLY}(?P<meant>.+)"
_DENIED = r"(?!(?:nur|bloß|seulement|uniquement|que|solo|sólo|solamente|soltanto|only|just|merely)\b)(?P<denied>.+?)"

_BOTH = [
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        r"not\s+(?:only|just|merely)\s+(?:the\s+)?(.+?)\s*,?\s+but\s+(?:also\s+)?(?:the\s+)?(.+?)(?:\s+(?:too|as\s+well))?",
        r"nicht\s+(?:nur|bloß)\s+(.+?)\s*,?\s+sondern\s+(?:auch\s+)?(.+)",
        r"(?:non|pas)\s+(?:seulement|uniquement)\s+(.+?)\s*,?\s+mais\s+(?:(?:aussi|également)\s+)?(.+)",
        r"no\s+(?:solo|sólo|solamente)\s+(.+?)\s*,?\s+sino\s+(?:que\s+)?(?:también\s+)?(.+)",
        r"non\s+(?:solo|soltanto)\s+(.+?)\s*,?\s+ma\s+(?:anche\s+)?(.+)",
        r"([^、。]+?)だけ(?:では|じゃ)なく(?:て)?[、,]?(.+?)も?",
    )
]
_CONTRASTS = [
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        rf"(?:not|no)\s+(?:the\s+)?{_DENIED}\s*,?\s+but\s+(?!not?\b){_MEANT}",
        rf"(?:nicht|kein(?:e[mnrs]?)?)\s+{_DENIED}\s*,?\s+sondern\s+(?!auch\b){_MEANT}",
        rf"(?:non\s+)?pas\s+(?:de\s+(?:la\s+|l['’])?|d['’]|du\s+|des\s+)?{_DENIED}\s*,?\s+mais\s+(?!(?:aussi|pas)\b){_MEANT}",
        rf"no\s+{_DENIED}\s*,?\s+sino\s+(?!(?:que|también)\b){_MEANT}",
        rf"non\s+{_DENIED}\s*,?\s+(?:ma|bensì)\s+(?!(?:anche|non)\b){_MEANT}",
        r"(?P<denied>[^、。]+?)(?<!だけ)(?:では|じゃ)(?:なくて|なく|ない)[、,]?(?P<meant>.+)",
        r"(?P<denied>[^、。]+?)(?:なし|無し|抜き)の(?P<meant>.+)",
        r"(?P<meant>[^、。]+)[、,](?:でも|だけど|しかし|ただし)?(?P<denied>[^、。]+?)(?:では|じゃ)(?:ない|なく|なくて)",
        r"(?P<meant>.*?\w)\s*,?\s+[-−–](?P<denied>\w.*)",
    )
]
_REMOVING = (
    r"(?:remove|mute|delete|erase|drop|cut|lose|kill|silence|strip|take|get\s+rid\s+of|filter)(?:\s+(?:out|away|off))?"
)
_UNTOUCHED = [
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        rf"(?:please\s+)?(?:do\s+not|don['’]?t|never)\s+{_REMOVING}\s+(?:the\s+|my\s+)?(?P<meant>.+?)(?:\s+(?:out|away))?",
        r"(?:bitte\s+)?(?:entfern|lösch)\w*\s+(?:bitte\s+)?(?:nicht\s+(?P<meant>.+)|(?P<before>.+)\s+nicht)",
        r"(?:bitte\s+)?(?P<meant>.+?)\s+(?:bitte\s+)?nicht\s+(?:entfernen|löschen|weglassen|stummschalten|(?:he)?raus\w+)",
        r"(?:ne\s+|n['’])(?:enl[eè]v|supprim|retir|coup|[eé]limin)\w*\s+pas\s+(?P<meant>.+)",
        r"ne\s+pas\s+(?:enlever|supprimer|retirer|couper|[eé]liminer)\s+(?P<meant>.+)",
        r"no\s+(?:quit|elimin|borr|silenci|suprim|cort)(?:ar|es?|en)\s+(?P<meant>.+)",
        r"non\s+(?:togli|rimuov|elimin|tagli)\w*\s+(?P<meant>.+)",
    )
]
_TURNS = re.compile(r"\b(?:but|just|only|aber|sondern|nur|mais|seulement|pero|sino|solo|ma)\b", re.IGNORECASE)
_SPOKEN = ((re.compile(r"(?<!\S)w/o(?!\S)", re.IGNORECASE), "without"), (re.compile(r"(?<!\S)w/\s*(?=\w)"), "with "))
_MINUS = re.compile(r"\s*,?\s+[-−–](?=\w)")


def put_plainly(text: str, words: KnownWords) -> str:
    """A wish as one for what is meant, with what is not behind it; the text as it is where it is no such wish.

    Args:
        text: a prompt of isolate or remove.
        words: tell what names a sound; what names none is left as it is.
    """
    for pattern, spoken in _SPOKEN:
        text = pattern.sub(spoken, text)
    if text[:1] in ("-", "−", "–"):
        return _MINUS.sub(", no ", text)
    for pattern in _BOTH:
        if (match := pattern.fullmatch(text)) and all(map(words.names_in, match.groups())):
            return " and ".join(match.groups())
    for pattern in _CONTRASTS:
        if match := pattern.fullmatch(text):
            denied = words.names_in(_MINUS.sub(" and ", match["denied"]))
            if denied and words.names_in(match["meant"]):
                return f"{match['meant'].strip()}, not {' and '.join(denied)}"
    return text


def untouched(text: str, words: KnownWords) -> str:
    """What is not to be removed: of "don't remove the drums" the drums; the text where it says no such thing."""
    for pattern in _UNTOUCHED:
        if match := pattern.fullmatch(text):
            meant: str = next(filter(None, match.groups()))
            if words.names_in(meant) and not _TURNS.search(meant):
                return meant
    return text
