"""Emoji of instruments, as the names they stand for."""

from __future__ import annotations

import re
import unicodedata

from engine.text.vocabulary import EMOJI

_JOINERS = "\ufe0e\ufe0f\u200d"
_SKINS = "\U0001f3fb-\U0001f3ff"
_PEOPLE = "\U0001f468\U0001f469\U0001f9d1"  # "man singer" is a man, a joiner and a microphone
_ONE = re.compile(rf"[{_PEOPLE}]?[{_SKINS}]?[{_JOINERS}]?([{''.join(EMOJI)}])[{_SKINS}]?[{_JOINERS}]*")


def spelled_out(text: str) -> str:
    """A text with names in the place of emoji; several in a row are a list. Other pictures say nothing of a sound."""
    if not any(sign in text for sign in EMOJI):
        return _without_pictures(text)
    said = _ONE.sub(lambda match: f" {EMOJI[match[1]]}{_NEXT}", text)
    said = re.sub(rf"{_NEXT}(?=\s*(?:{'|'.join(set(EMOJI.values()))}){_NEXT})", ",", said)
    said = " ".join(said.replace(_NEXT, " ").split())
    return _without_pictures(re.sub(r"\b(\w+)(?: \1\b)+", r"\1", said))  # of "drums" and a drum


def _without_pictures(text: str) -> str:
    left = "".join(sign for sign in text if unicodedata.category(sign) != "So")
    return left if any(map(str.isalnum, left)) else text


_NEXT = "\x1f"  # marks where an emoji ended
