"""A producer's own stems: cut, part of each piece held back, mixed with rendered ones so that nothing is forgotten."""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from training.data.datasets.folder import SOUNDS, read
from training.data.datasets.index import CutConfig, cut_piece, starts_of
from training.data.mixer import Mix, StemMixer, balance
from training.data.piece import Piece
from training.data.stem_cache import StemCache
from training.eval.example import EvalExample
from training.text.lexicon import Lexicon
from training.typing import Audio, Rng

KIND = "folder"
HELD_SHARE = 0.2  # of every piece, from its end
TRIES = 40
QUIET_RMS = 0.008
CUT = "cut.txt"  # beside the two caches: what they were cut from


@dataclass(frozen=True, slots=True)
class OwnStems:
    """The stems of a folder.

    Attributes:
        train, held: what is learnt from, and what only the report hears.
        families: instruments among them that have a name of ours.
        unnamed: file names that none of ours is in.
        problems: what could not be read, and why.
        anew: True means that they were cut just now, in the place of any that were there.
    """

    train: StemCache
    held: StemCache
    families: tuple[str, ...]
    unnamed: tuple[str, ...]
    problems: tuple[str, ...] = ()
    anew: bool = False


def read_own(folder: Path, into: Path, rate_hz: int, seconds: float) -> OwnStems:
    """Cut a folder of stems into two caches, ``into/train`` and ``into/held``.

    Args:
        folder: folders of files named for what they hold, as ``training.data.datasets.folder`` reads them.
        into: folder of the two caches; cut anew, and replaced when that is done, if the folder has changed since.
        rate_hz, seconds: of every cut stem.

    Raises:
        ValueError: nothing to learn from, or too little to hold some of it back.
    """
    pieces, problems = _pieces(folder)
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
    state = f"{rate_hz} Hz, {seconds:g} s, {_state(folder)}"
    anew = not (into / CUT).is_file() or (into / CUT).read_text("utf-8") != state
    if anew:
        _cut(folder, pieces, held, CutConfig(into, rate_hz, seconds, KIND), state)
    train = StemCache(into / "train")
    families = {train.label(k)["family"] for k in range(train.count)} - {"other"}
    return OwnStems(train, StemCache(into / "held"), tuple(sorted(families)), unnamed, problems, anew)


def drop_pool(own: OwnStems, pool: Path, resume: bool) -> None:
    """Remove the latents of stems that are there no more; a run that is resumed keeps them, and refuses them itself."""
    if own.anew and not resume and pool.is_dir():
        shutil.rmtree(pool)


def _pieces(folder: Path) -> tuple[list[Piece], tuple[str, ...]]:
    """The pieces of a folder that have stems, and what of it cannot be read."""
    if not folder.is_dir():
        raise ValueError(f"no folder {folder}; give the folder of your stems with --stems")
    everything = list(read(folder))
    problems = tuple(f"{piece.name}: {problem}" for piece in everything for problem in piece.problems)
    if pieces := [piece for piece in everything if piece.stems]:
        return pieces, problems
    if problems:
        raise ValueError(f"no sound in {folder} can be read ({problems[0]})")
    raise ValueError(
        f"no folder in {folder} holds two sounds or more ({', '.join(SOUNDS)}); "
        "put the stems of a piece into one folder, each in a file of its own"
    )


def _state(folder: Path) -> str:
    """Sixteen hex digits that change when a sound in a folder does, or is added or taken away."""
    said = hashlib.sha256()
    for path in sorted(path for path in folder.rglob("*") if path.suffix.lower() in SOUNDS):
        said.update(f"{path.relative_to(folder)}|{path.stat().st_size}|{path.stat().st_mtime_ns}\n".encode())
    return said.hexdigest()[:16]


def _cut(folder: Path, pieces: list[Piece], held: list[set[float]], cutting: CutConfig, state: str) -> None:
    """Cut pieces into ``train`` and ``held`` of the cutting's folder, in the place of what is there."""
    into = cutting.folder
    into.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=into.parent, prefix=".cut-") as made:
        for name in ("train", "held"):
            part = replace(cutting, folder=Path(made) / "new" / name)
            part.folder.mkdir(parents=True)
            for number, piece in enumerate(pieces):
                starts = [s for s in starts_of(piece, cutting.seconds) if (s in held[number]) == (name == "held")]
                cut_piece(piece, number, part, starts)
            cache = StemCache(part.folder)
            if not cache.count:
                raise ValueError(f"nothing in {folder} sounds where it was cut ({name}); are the stems silent?")
            if name == "train" and all(cache.label(k)["family"] == "other" for k in range(cache.count)):
                raise ValueError(f"no stem in {folder} that is named for an instrument sounds; add one that does")
        (Path(made) / "new" / CUT).write_text(state, "utf-8")
        if into.exists():
            os.rename(into, Path(made) / "old")
        os.rename(Path(made) / "new", into)


class JoinedStemCache(StemCache):
    """Two caches under one numbering: the producer's stems, then the rendered ones.

    Raises:
        ValueError: their stems are not of one length.
    """

    def __init__(self, own: StemCache, rendered: StemCache) -> None:
        if own.samples != rendered.samples:
            raise ValueError(
                f"the stems in {rendered.folder} are {rendered.samples} samples long, yours were cut to {own.samples}; "
                "give stems that were rendered with the bundle's preset, or leave --cache out"
            )
        super().__init__(own.folder)
        self.folder, self._seen = rendered.folder, set()  # shards of both may be called the same
        self.refresh()


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


class BlendedMixer:
    """Draws mixes mostly of the producer's stems, the rest of rendered stems, and some of both.

    Args:
        rendered: stems of everything else the model knows; None when there are no sounds to render from.
        share: of the mixes that are made of rendered stems alone.
        sources: stems of every mix, fewer where a piece holds fewer; None draws their number. Unlike a ``StemMixer`` of
            ``sources`` this one takes stems of one family too, and balances their levels as in any other mix.

    Attributes:
        cache: of all stems; a mix's takes are of it.
        drawn: how, in words.
    """

    def __init__(self, own: StemMixer, rendered: StemMixer | None, share: float, sources: int | None = None) -> None:
        self.own, self.rendered, self.share, self.sources = own, rendered, share, sources
        self.cache = own.cache if rendered is None else JoinedStemCache(own.cache, rendered.cache)
        self.drawn = f"{share:g} of them rendered" if rendered else "your own stems alone"

    def draw(self, rng: Rng, samples: int, count: int | None = None) -> Mix:
        """One mix, as ``StemMixer.draw`` gives it."""
        count = count or self.sources
        kind = rng.random()
        if self.rendered is None:
            return self.own.draw(rng, samples, count)
        if kind < self.share:
            return self._behind(self.rendered.draw(rng, samples, count))
        if kind < self.share + (1 - self.share) / 3:  # a stem of theirs in company that it never had
            others = max(1, count - 1) if count else int(rng.integers(1, 4))
            mine, theirs = self.own.draw(rng, samples, 1), self.rendered.draw(rng, samples, others)
            stems: Audio = np.concatenate([mine.stems, theirs.stems])
            mix = balance(rng, stems, [*mine.labels, *theirs.labels])
            return replace(mix, takes=(*mine.takes, *self._behind(theirs).takes))
        return self.own.draw(rng, samples, count)

    def twins(self, rng: Rng, samples: int) -> Mix | None:
        """Two stems of one family that only a picture tells apart; rendered, for their players can be drawn."""
        found = self.rendered.twins(rng, samples) if self.rendered else None
        return found and self._behind(found)

    def _behind(self, mix: Mix) -> Mix:
        """A rendered mix whose stem numbers follow those of the producer's stems."""
        first = self.own.cache.count
        return replace(mix, takes=tuple(replace(take, stem=first + take.stem) for take in mix.takes))


def questions(cache: StemCache, count: int, samples: int, rate_hz: int, seed: int = 3) -> Iterator[EvalExample]:
    """Stems to take out of mixes of a cache: at most ``count``, fewer where too little sounds together.

    Prompts are held-out phrasings. Stems that are in a mix twice, or have no name, are company and not asked for.
    """
    mixer, lexicon = StemMixer(cache), Lexicon.load()
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
        yield EvalExample(
            cache.folder.name, made, rate_hz, names[k], prompt, tuple(names), sources, mix.mix[None],
            mix.stems[k][None], label=mix.labels[k].get("label", ""),
        )  # fmt: skip
        made += 1
        if made == count:
            return
