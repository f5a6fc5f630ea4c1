"""Measure a prompt tower: which term is nearest to each held-out phrasing?

A term's prototype is the mean text embedding of its *training* phrasings; a phrase lands on the term with the nearest
prototype, of all families, groups and parts. *Strict*: it must be the phrase's own term. *Lenient*: its term, a family
inside that group, a group that holds that family, or what a part is a part of and the other way round. What
is held out and how is told in ``lexicon.py``.
"""

from __future__ import annotations

import argparse
import logging
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from training.prompt.stems import MelBank, choose_stems, open_cache
from training.prompt.tower import embed, load_audio_tower, load_text_tower
from training.text.lexicon import Lexicon, PhrasePool
from training.trainer.arguments import RUNS

log = logging.getLogger(__name__)

PHRASES_PER_PROTOTYPE = 200
WORST = 10
JUDGED_STEMS = 1500
GOAL = 0.95


@dataclass(frozen=True, slots=True)
class RouteScore:
    """Shares of phrases that landed right, and (phrase, its term, where it landed) for all that did not."""

    count: int
    strict: float
    lenient: float
    wrong: tuple[tuple[str, str, str], ...]


@dataclass(frozen=True, slots=True)
class RoutingReport:
    """All figures of the route command.

    Attributes:
        held: the whole held-out half.
        bare: only its phrasings without a template ("fiddle").
        framed: only those with one.
        unseen: nouns whose word never occurs in training.
        audio: share of unseen stems whose nearest family prototype is their own, and how many; None without stems.
    """

    held: RouteScore
    bare: RouteScore
    framed: RouteScore
    unseen: RouteScore
    audio: tuple[float, int] | None


class TermRouter:
    """Prototypes of all terms under a tower."""

    def __init__(self, run: Path, lexicon: Lexicon) -> None:
        self.lexicon = lexicon
        self.tower, self.tokenizer = load_text_tower(run)
        means = [self.embed(_thinned(lexicon.pools[term, "train"])).mean(0) for term in lexicon.terms]
        stacked = np.stack(means)
        self.prototypes: np.ndarray = stacked / np.linalg.norm(stacked, axis=1, keepdims=True)

    def embed(self, phrases: list[str]) -> np.ndarray:
        """Embeddings (n, E)."""
        return embed(self.tower, self.tokenizer, phrases)

    def land(self, phrases: list[str]) -> list[str]:
        """Nearest term of each phrase."""
        return [self.lexicon.terms[i] for i in (self.embed(phrases) @ self.prototypes.T).argmax(1)]

    def score(self, pairs: Sequence[tuple[str, str]]) -> RouteScore:
        """Score (phrase, term) pairs."""
        landed = self.land([phrase for phrase, _ in pairs])
        rows = [(phrase, term, where) for (phrase, term), where in zip(pairs, landed, strict=True)]
        wrong = tuple(row for row in rows if row[1] != row[2])
        far = sum(not self._near(term, where) for _, term, where in wrong)
        count = max(1, len(pairs))
        return RouteScore(len(pairs), 1 - len(wrong) / count, 1 - far / count, wrong)

    def _near(self, term: str, where: str) -> bool:
        members, parts = self.lexicon.families_of, self.lexicon.parts
        in_part = parts.get(term) == where or parts.get(where) == term
        return in_part or members(term) < members(where) or members(where) < members(term)


def route(run: Path, cache_folder: Path | None = None) -> RoutingReport:
    """Measure a run's tower.

    Args:
        run: folder with prompt.pt and tokenizer.json.
        cache_folder: rendered stems to judge the audio tower on; None leaves that out.
    """
    lexicon = Lexicon.load()
    router = TermRouter(run, lexicon)
    held = lexicon.heldout()
    entries = {phrase for term in lexicon.terms for phrase in lexicon.pools[term, "held"].bare}
    bare = [pair for pair in held if pair[0] in entries]
    framed = [pair for pair in held if pair[0] not in entries]
    audio = _audio_accuracy(run, router, cache_folder)
    score = router.score
    return RoutingReport(score(held), score(bare), score(framed), score(lexicon.unseen()), audio)


def _audio_accuracy(run: Path, router: TermRouter, cache_folder: Path | None) -> tuple[float, int] | None:
    cache = open_cache(cache_folder)
    if cache is None:
        return None
    families = router.lexicon.families
    keys = choose_stems(cache, families, JUDGED_STEMS, judge=True)
    if not keys:
        return None
    tower = load_audio_tower(run)
    bank = MelBank(cache, tower.log_mel, keys)
    rng = np.random.default_rng(0)
    right = total = 0
    for family, own in keys.items():
        with torch.inference_mode():
            heard = tower.embed_mel(bank.draw([family] * len(own), rng)).numpy()
        landed = (heard @ router.prototypes[: len(families)].T).argmax(1)
        right += int((landed == families.index(family)).sum())
        total += len(own)
    return right / total, total


def _thinned(pool: PhrasePool) -> list[str]:
    """All bare training phrasings and evenly spaced framed ones."""
    step = max(1, len(pool.framed) // PHRASES_PER_PROTOTYPE)
    return [*pool.bare, *pool.framed[::step]]


def report(routing: RoutingReport) -> str:
    """The figures as text."""
    rows = [("held-out half", routing.held), ("  bare entries", routing.bare), ("  in a template", routing.framed)]
    rows.append(("unseen nouns", routing.unseen))
    lines = [f"{'':<18}{'phrases':>8}{'strict':>9}{'lenient':>9}"]
    lines += [f"{name:<18}{s.count:>8}{s.strict:>9.1%}{s.lenient:>9.1%}" for name, s in rows]
    reached = "reached" if routing.held.strict >= GOAL else "missed"
    lines.append(f"goal: {GOAL:.0%} strict on the held-out half: {reached}")
    if routing.audio:
        share, stems = routing.audio
        lines.append(f"audio to text: {share:.1%} of {stems} unseen stems land on their family")
    lines.append("worst confusions (asked for, landed on, times, for example):")
    count = Counter((term, where) for _, term, where in routing.held.wrong)
    example = {(term, where): phrase for phrase, term, where in reversed(routing.held.wrong)}
    lines += [f"  {t:<17}{w:<17}{n:>3}  {example[t, w]}" for (t, w), n in count.most_common(WORST)]
    return "\n".join(lines)


def main(argv: list[str] | None = None) -> int:
    """``python -m training route``."""
    parser = argparse.ArgumentParser(prog="python -m training route", description="Where do unseen phrasings land?")
    parser.add_argument("--preset", default="small", help="names the default run and cache (default small)")
    parser.add_argument("--run", "--out", type=Path, help="run folder to judge (default runs/prompt-PRESET)")
    parser.add_argument("--cache", type=Path, help="folder of rendered stems (default runs/cache-PRESET)")
    parser.add_argument("prompts", nargs="*", help="prompts to route instead, for example 'the rhodes'")
    options = parser.parse_args(argv)
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    torch.set_num_threads(1)
    name = Path(options.preset).stem
    run = options.run or RUNS / f"prompt-{name}"
    try:
        if options.prompts:
            for prompt, where in zip(
                options.prompts, TermRouter(run, Lexicon.load()).land(options.prompts), strict=True
            ):
                log.info("%s -> %s", prompt, where)
        else:
            log.info("%s", report(route(run, options.cache or RUNS / f"cache-{name}")))
    except FileNotFoundError as error:
        parser.error(str(error))
    return 0
