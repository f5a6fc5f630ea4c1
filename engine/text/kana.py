"""Japanese syllables as they are compared: one script, no long vowels, no doubled consonants, no V."""

from __future__ import annotations

import re

_RUN = re.compile("[ァ-ヺー]{2,}")
_ALL_KANA = re.compile("[ぁ-ゖァ-ヺー]{2,}")
_HIRAGANA = {code: code + 0x60 for code in range(ord("ぁ"), ord("ゖ") + 1)}
_ALIKE = (("ヴァ", "バ"), ("ヴィ", "ビ"), ("ヴェ", "ベ"), ("ヴォ", "ボ"), ("ヴ", "ブ"), ("ー", ""), ("ッ", ""))


def kana_key(text: str) -> str:
    """A text as it is compared: ``ヴォーカル`` and ``ぼーかる`` are both ``ボカル``."""
    text = text.translate(_HIRAGANA)
    for written, read in _ALIKE:
        text = text.replace(written, read)
    return text


def kana_runs(text: str) -> list[str]:
    """The whole text where it is nothing but kana, then its words in katakana."""
    whole = [text] if _ALL_KANA.fullmatch(text) else []
    return list(dict.fromkeys([*whole, *_RUN.findall(text)]))
