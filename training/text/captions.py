"""Captions and stories: long texts about a piece, built from its facts and from nothing else.

A caption says what is played; a story says what it feels like, with the players as things and people in it. The same
facts give both, as in MusFlow's quadruples of picture, story, caption and music. Wordings listed as held are for
validation alone and open every held text.

Source: MusFlow (arXiv 2504.13535), "MMusSet".
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from training.data.instruments import families
from training.synthesis.harmony import BRIGHT_MODES
from training.text.lexicon import LEXICON
from training.text.requests import RequestWriter, StemFacts
from training.typing import Rng

STORIES = LEXICON.with_name("lexicon_stories.toml")
KEYS = ("C", "C sharp", "D", "E flat", "E", "F", "F sharp", "G", "A flat", "A", "B flat", "B")
SLOW_BPM, FAST_BPM = 80.0, 130.0
COUNTS = {1: "solo", 2: "duet", 3: "trio", 4: "quartet"}
DETAIL_SHARE = 0.5


@dataclass(frozen=True, slots=True)
class PieceFacts:
    """Facts of a whole piece.

    Attributes:
        tempo_bpm: quarter notes a minute.
        metre: for example 3/4.
        mode: key of ``harmony.MODES``.
        tonic: MIDI number of the key note.
        stems: what is known of every stem.
    """

    tempo_bpm: float
    metre: str
    mode: str
    tonic: int
    stems: tuple[StemFacts, ...]

    @classmethod
    def of(cls, labels: Sequence[Mapping[str, Any]], levels_db: Sequence[float | None] | None = None) -> PieceFacts:
        """From the labels of one piece of a cache.

        Raises:
            ValueError: the labels are of an older cache, which does not know tempo and key.
        """
        if "tempo_bpm" not in labels[0]:
            raise ValueError(
                "these stems were rendered before tempo and key were kept in their labels; "
                "render a new cache with `python -m training render` for captions and stories"
            )
        levels = levels_db or [None] * len(labels)
        stems = tuple(StemFacts.of(label, level) for label, level in zip(labels, levels, strict=True))
        first = labels[0]
        return cls(first["tempo_bpm"], first["metre"], first["mode"], first["tonic"], stems)

    @property
    def light(self) -> str:
        """bright or dark."""
        return "bright" if self.mode in BRIGHT_MODES else "dark"

    @property
    def pace(self) -> str:
        """slow, steady or fast."""
        return "slow" if self.tempo_bpm < SLOW_BPM else "fast" if self.tempo_bpm > FAST_BPM else "steady"

    @property
    def key(self) -> str:
        """For example "E flat minor"."""
        return f"{KEYS[self.tonic % 12]} {self.mode}"


class CaptionWriter:
    """Writes captions and stories."""

    def __init__(self, asker: RequestWriter) -> None:
        self._asker = asker

    def caption(self, rng: Rng, piece: PieceFacts, split: str) -> str:
        """A text on what is played, 20 to 120 words."""
        table = _table()["caption"]
        said = self._fill(rng, piece)
        parts = [_pick(rng, table, "opening", split).format(**said)]
        for stem in self._shuffled(rng, piece):
            parts.append(self._line(rng, table["stem"], stem, parts))
            details = [
                table["detail"][word] for word in (stem.position, stem.register, stem.style) if word in table["detail"]
            ]
            if details and rng.random() < DETAIL_SHARE:
                parts.append(_one(rng, details[int(rng.integers(len(details)))]))
        parts.append(_pick(rng, table, "closing", split).format(**said))
        return _joined(parts)

    def story(self, rng: Rng, piece: PieceFacts, split: str) -> str:
        """A text on what it feels like, 40 to 150 words, without keys, tempi or parts."""
        table = _table()["story"]
        time = _pick(rng, table, "time", split)
        parts = [
            _pick(rng, table["opening"], piece.light, split).format(time=time),
            _one(rng, table["middle"][piece.pace]),
        ]
        for stem in self._shuffled(rng, piece):
            parts.append(self._line(rng, table["figure"], stem, parts))
        parts.append(_pick(rng, table["closing"], piece.light, split))
        return _joined(parts)

    def filler(self, rng: Rng) -> str:
        """A sentence that names nothing musical."""
        table = _table()["filler"]
        sentence = re.sub(r"\{(\w)\}", lambda match: _one(rng, table[match[1]]), _one(rng, table["sentence"]))
        return sentence[0].upper() + sentence[1:]

    def _fill(self, rng: Rng, piece: PieceFacts) -> dict[str, str]:
        table = _table()
        return {
            "mood": _one(rng, table["mood"][f"{piece.light} {piece.pace}"]),
            "tempo": _one(rng, table["tempo"][piece.pace]),
            "metre": _one(rng, table["metre"][piece.metre]),
            "key": piece.key,
            "bpm": str(round(piece.tempo_bpm)),
            "count": COUNTS.get(len(piece.stems), "ensemble piece"),
        }

    def _shuffled(self, rng: Rng, piece: PieceFacts) -> list[StemFacts]:
        return [piece.stems[k] for k in rng.permutation(len(piece.stems))]

    def _line(self, rng: Rng, table: Mapping[str, list[str]], stem: StemFacts, said: Sequence[str]) -> str:
        """A sentence about a stem, in a wording that was not used yet where there is one."""
        noun = "something without a name"
        if stem.family in families():
            nouns = self._asker.plain_nouns(stem.family)
            noun = f"the {nouns[int(rng.integers(len(nouns)))]}"
        wordings = table.get(stem.role) or table["other"]
        fresh = [w for w in wordings if not any(_same_wording(w, part) for part in said)]
        return _one(rng, fresh or wordings).format(noun=noun)


def _same_wording(wording: str, sentence: str) -> bool:
    before, _, after = wording.partition("{noun}")
    return sentence.startswith(before) and sentence.endswith(after)


def _joined(parts: Sequence[str]) -> str:
    text = " ".join(part[0].upper() + part[1:] for part in parts)
    return re.sub(r"\b([Aa]) (?=[aeiou])", r"\1n ", text)


@cache
def _table() -> dict[str, Any]:
    return tomllib.loads(STORIES.read_text("utf-8"))


def _one(rng: Rng, wordings: Sequence[str]) -> str:
    return wordings[int(rng.integers(len(wordings)))]


def _pick(rng: Rng, table: Mapping[str, Any], key: str, split: str) -> str:
    wordings: list[str] = table[f"{key}_held"] if split == "held" else table[key]
    return _one(rng, wordings)
