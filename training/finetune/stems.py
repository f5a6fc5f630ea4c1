"""A producer's own stems: cut, part of each piece held back, mixed with rendered ones so that nothing is forgotten."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from training.bench.example import Example
from training.data.cache import StemCache
from training.data.datasets import read_dataset
from training.data.datasets.index import Cutting, cut_piece, starts_of
from training.data.mix import Mix, Mixer, Rng, balance
from training.data.piece import Piece
from training.data.sources import Audio
from training.prompt.lexicon import Lexicon

KIND = "folder"
HELD_SHARE = 0.2  # of every piece, from its end
TRIES = 40
QUIET_RMS = 0.008


@dataclass(frozen=True, slots=True)
class Own:
    """The stems of a folder.

    Attributes:
        train, held: what is learnt from, and what only the report hears.
        families: instruments among them that have a name of ours.
        unnamed: file names that none of ours is in.
    """

    train: StemCache
    held: StemCache
    families: tuple[str, ...]
    unnamed: tuple[str, ...]


def read_own(folder: Path, into: Path, rate_hz: int, seconds: float) -> Own:
    """Cut a folder of stems into two caches, ``into/train`` and ``into/held``.

    Args:
        folder: folders of files named for what they hold, as ``training.data.datasets.folder`` reads them.
        into: folder of the two caches; what was cut before is kept.
        rate_hz, seconds: of every cut stem.

    Raises:
        ValueError: nothing to learn from, or too little to hold some of it back.
    """
    pieces = [piece for piece in read_dataset(KIND, folder) if piece.stems]
    named = {stem.label: stem.term for piece in pieces for stem in piece.stems}
    unnamed = tuple(sorted(label for label, term in named.items() if term == "other"))
    if len(unnamed) == len(named):
        raise ValueError(
            f"no file in {folder} is named for an instrument ({', '.join(unnamed[:5])}); "
            "rename them for what they hold, for example 'bass.wav'"
        )
    held = _held_back(pieces, seconds)
    if not any(held):
        raise ValueError(
            f"{folder} holds less than two spans of {seconds:g} s, so nothing can be held back to judge by; add stems"
        )
    caches = {}
    for name in ("train", "held"):
        cutting = Cutting(into / name, rate_hz, seconds, KIND)
        cutting.folder.mkdir(parents=True, exist_ok=True)
        for number, piece in enumerate(pieces):
            starts = [s for s in starts_of(piece, seconds) if (s in held[number]) == (name == "held")]
            cut_piece(piece, number, cutting, starts)
        caches[name] = StemCache(cutting.folder)
        if not caches[name].count:
            raise ValueError(f"nothing in {folder} sounds where it was cut ({name}); are the stems silent?")
    labels = [caches["train"].label(k)["family"] for k in range(caches["train"].count)]
    families = tuple(sorted(set(labels) - {"other"}))
    if not families:
        raise ValueError(f"no stem in {folder} that is named for an instrument sounds; add one that does")
    return Own(caches["train"], caches["held"], families, unnamed)


def _held_back(pieces: list[Piece], seconds: float) -> list[set[float]]:
    """Starts held back, by piece: the last fifth of each; where pieces are too short for that, a fifth of them."""
    held = []
    for piece in pieces:
        starts = starts_of(piece, seconds)
        held.append(set(starts[len(starts) - max(1, round(HELD_SHARE * len(starts))) :]) if len(starts) > 1 else set())
    if not any(held) and len(pieces) > 1:
        for number in range(0, len(pieces), max(2, round(1 / HELD_SHARE))):
            held[number] = set(starts_of(pieces[number], seconds))
    return held


class Blend:
    """Draws mixes: most from the producer's stems, the others from rendered ones; now and then from both.

    Args:
        own: the producer's stems.
        rendered: stems of everything else the model knows; None when there are no sounds to render from.
        share: of the mixes that are made of rendered stems alone.
    """

    def __init__(self, own: Mixer, rendered: Mixer | None, share: float) -> None:
        self.own, self.rendered, self.share = own, rendered, share

    def draw(self, rng: Rng, samples: int, count: int | None = None) -> Mix:
        """One mix, as ``Mixer.draw`` gives it."""
        kind = rng.random()
        if self.rendered is None:
            return self.own.draw(rng, samples, count)
        if kind < self.share:  # their places are those of another cache than the producer's
            return replace(self.rendered.draw(rng, samples, count), takes=())
        if kind < self.share + (1 - self.share) / 3:  # a stem of theirs in company that it never had
            both = self.own.draw(rng, samples, 1), self.rendered.draw(rng, samples, int(rng.integers(1, 4)))
            stems: Audio = np.concatenate([mix.stems for mix in both])
            return balance(rng, stems, [label for mix in both for label in mix.labels])
        return self.own.draw(rng, samples, count)


def questions(cache: StemCache, count: int, samples: int, rate_hz: int, seed: int = 3) -> Iterator[Example]:
    """Stems to take out of mixes of a cache: at most ``count``, fewer where too little sounds together.

    Prompts are held-out phrasings. Stems that are in a mix twice, or have no name, are company and not asked for.
    """
    mixer, lexicon = Mixer(cache), Lexicon.load()
    made = 0
    for number in range(count * TRIES):
        rng = np.random.default_rng([seed, number])
        mix = mixer.draw(rng, min(samples, cache.samples))
        names = [label["family"] for label in mix.labels]
        loud = np.sqrt((mix.stems**2).mean(axis=1)) > QUIET_RMS
        asked = [k for k, name in enumerate(names) if name != "other" and names.count(name) == 1 and loud[k]]
        if len(names) < 2 or not asked or loud.sum() < 2:
            continue
        k = asked[int(rng.integers(len(asked)))]
        prompt = lexicon.phrases(names[k], "held", rng)
        sources = tuple(label["source"] for label in mix.labels)
        yield Example(
            cache.folder.name, made, rate_hz, names[k], prompt, tuple(names), sources, mix.mix[None], mix.stems[k][None]
        )
        made += 1
        if made == count:
            return
