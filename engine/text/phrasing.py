"""How a wish is put: what stands around it without meaning anything, and how several sounds are listed."""

from __future__ import annotations

import re
from collections.abc import Sequence

from engine.text.known_words import KnownWords
from engine.text.mix_requests import mix_request
from engine.text.negation import language_of, negated_spans
from engine.text.normalize import normalize
from engine.text.vocabulary import POLITE_AFTER, POLITE_BEFORE

AND = re.compile(
    r"\s*,\s*(?:(?:and|und|et|y|e|plus)\s+)?|"
    r"\s+(?:and|or|nor|und|oder|noch|et|ou|ni|y|o|e|né|plus)\s+|\s*[&+＋/、と和]\s*",
    re.IGNORECASE,
)
_COMMA = re.compile(r"\s*[,;/|、，]\s*(?:(?:and|und|et|y|e)\s+)?", re.IGNORECASE)
_BEFORE = re.compile(
    rf"(?:{'|'.join(map(re.escape, sorted(POLITE_BEFORE, key=len, reverse=True)))})[\s,]+", re.IGNORECASE
)
_AFTER = re.compile(
    rf"[\s,]+(?:{'|'.join(map(re.escape, POLITE_AFTER))})$|"
    rf"(?:{'|'.join(word for word in POLITE_AFTER if not word.isascii() and word > 'ぁ')})$",
    re.IGNORECASE,
)
_OF_THE_MIX = re.compile(
    r"\s+(?:from|of|in|out of|aus|von|im|de|du|del|dal|della|dalla)(?:\s+(?:the|this|that|my|dem|diesem|der|la|le|el|"
    r"ce|cette|esta|questa))?\s+(?:song|mix|track|music|recording|file|audio|lied|stück|musik|chanson|morceau|musique|"
    r"canción|mezcla|pista|canzone|brano)$|\s+(?:out|(?:backing )?(?:track|version|mix))$",
    re.IGNORECASE,
)
_AGAIN = re.compile(
    r"\s*,?\s+(?:(?:and|or|und|oder|et|ou|y|o|e)\s+)?"
    r"(?:no|not|without|nor|ohne|kein\w*|noch|sans|pas de|sin|ni|senza|né)\s+(?:the\s+|any\s+)?",
    re.IGNORECASE,
)
KEEPING = r"(?:keep|leave|behalt\w*|lass\w*|gard\w*|laiss\w*|dej\w*|mant\w*|tieni)\s"
_BUT_WITH = r"(?:but|aber|mais|pero|ma)\s+(?:with|mit|avec|con)\s"
_KEPT = re.compile(
    rf"\s*[,;]?\s+(?:(?:(?:and|but|und|aber|et|mais|y|pero|e|ma)\s+)?{KEEPING}|{_BUT_WITH}).*$", re.IGNORECASE
)
_JUST = re.compile(
    r"(?:no|without|ohne|kein\w*|sans|pas de|sin|senza) .+?[,;]? (?:(?:but|and|aber|sondern|mais|pero|ma) )?"
    r"(?:just|only|nur|seulement|juste|solo|solamente|soltanto) (?:the )?(.+)",
    re.IGNORECASE,
)
_MINUS = re.compile(r"[-−–](?=\w)")
_LISTED_BARE = frozenset({"vocals", "drums", "bass", "guitar", "piano", "other"})


def without_manners(text: str) -> str:
    """A wish without "can you", "please" and the like; the whole text where nothing else is in it."""
    before = None
    bare = text
    while bare != before:
        before = bare
        match = _BEFORE.match(bare)
        bare = _AFTER.sub("", bare[match.end() :] if match else bare).strip()
    return bare or text


def only_wanted(text: str) -> str:
    """What is wanted alone: of "no drums, just the bass" it is "bass"."""
    match = _JUST.fullmatch(text)
    return match[1] if match else text


def spelled_minus(text: str) -> str:
    """``-drums`` as ``no drums``."""
    return _MINUS.sub("no ", text, count=1) if _MINUS.match(text) else text


def removed_names(phrase: str) -> str:
    """What a wording of remove names: of "drums, no bass" and "drums nor bass please" it is "drums and bass"."""
    phrase = _AGAIN.sub(" and ", without_manners(_KEPT.sub("", phrase)))
    bare = _OF_THE_MIX.sub("", phrase).strip()
    return without_manners(bare) if bare else phrase


def listed(text: str, words: KnownWords) -> list[str]:
    """The parts of "drums, bass and piano", if each names a sound of its own; "warm, dusty piano" is one.

    "and" alone joins sounds to one stem, but a whole mix is never joined: "vocals and instrumental" are two.
    """
    if _are_bare_names(text, words):
        return list(words.names_in(text)) + [word for word in text.split() if mix_request(word, words) is not None]
    parts = [part for part in _COMMA.split(text) if part]
    if len(parts) > 1:
        last = [part for part in AND.split(parts[-1]) if part]
        if len(last) > 1 and not words.english(parts[-1]) and all(_is_plain_name(part, words) for part in last):
            parts[-1:] = last
    else:
        parts = [part for part in AND.split(text) if part]
        if all(mix_request(part, words) is None for part in parts):
            return [text]
    return parts if all(_is_plain_name(part, words) for part in parts) else [text]


def _are_bare_names(text: str, words: KnownWords) -> bool:
    """True for "vocals drums bass other", where only spaces part the usual stems."""
    said = normalize(text).split()
    few = len(said) > 1 and len(set(said)) == len(said) and set(said) <= _LISTED_BARE
    return few and not words.english(text) and mix_request(text, words) is None


def _is_plain_name(part: str, words: KnownWords) -> bool:
    if mix_request(part, words) is not None or words.is_sound(part):
        return True
    key = normalize(part)
    return bool(words.names_in(part)) and not negated_spans(key, language_of(key), short=True)


def joined(names: Sequence[str]) -> str:
    """Several sounds as one target."""
    return " and ".join(dict.fromkeys(names))
