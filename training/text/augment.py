"""Small damage to prompts while training: casing, plural s, one-letter typos, filler words."""

from __future__ import annotations

import numpy as np

LETTERS = "abcdefghijklmnopqrstuvwxyz"
TYPO, PLURAL, CASE, FILLER = 0.08, 0.08, 0.1, 0.1  # probabilities
BEFORE = ("please", "hey", "um", "now", "well", "can we have", "let's hear", "try", "ok", "maybe", "i need", "we want")
AFTER = ("please", "thanks", "now", "for me", "if possible", "from the song", "in this track", "ok", "today", "again")


def add_typos(phrase: str, rng: np.random.Generator) -> str:
    """A phrase as a hurried user might type it; most come back unchanged."""
    chance = rng.random(4)
    if chance[0] < PLURAL:
        phrase = phrase.removesuffix("s") if phrase.endswith("s") else phrase + "s"
    if chance[1] < FILLER:
        word = str(rng.choice(BEFORE)) + " " if rng.random() < 0.5 else ""
        phrase = word + phrase if word else f"{phrase} {rng.choice(AFTER)}"
    if chance[2] < TYPO and len(phrase) > 5:
        phrase = _typo(phrase, rng)
    if chance[3] < CASE:
        phrase = phrase.upper() if rng.random() < 0.3 else phrase.title()
    return phrase


def _typo(phrase: str, rng: np.random.Generator) -> str:
    at = int(rng.integers(1, len(phrase) - 1))
    letter = LETTERS[int(rng.integers(len(LETTERS)))]
    edits = (
        phrase[:at] + phrase[at + 1 :],
        phrase[:at] + letter + phrase[at:],
        phrase[:at] + letter + phrase[at + 1 :],
        phrase[:at] + phrase[at + 1] + phrase[at] + phrase[at + 2 :],
    )
    return edits[int(rng.integers(len(edits)))]
