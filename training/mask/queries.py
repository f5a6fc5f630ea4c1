"""Fit the adapter from a bundle's prompt space to a mask decoder's queries: ``python -m training mask-queries RUN``.

The decoder was trained on a table of query vectors, one for each term. The adapter classifies a prompt embedding, of
words, a sound or both, over the terms; the query is the mean of the table's rows weighted by these probabilities. So a
query never leaves the convex hull of those the decoder was trained on, and the adapter needs no new fit while the
decoder is trained on.

It is fitted on phrases of each term, on embeddings of stems by the bundle's audio encoder, and on blends of both, in a
minute. Held out: the phrasings that ``lexicon.py`` holds out, one piece in ten, and folders given with ``--held-out``.
Also written: ``terms.json``, the prompt embedding of each term, and ``credits.json``, whose sounds the stems are.
"""

from __future__ import annotations

import argparse
import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import soxr
import torch
from tokenizers import Tokenizer
from torch import Tensor, nn
from torch.nn import functional as F

from engine.bundle.bundle import Bundle, load_bundle
from training.data.instruments import groups
from training.data.sources import RATE
from training.eval.bundle_system import EngineError, locate
from training.finetune.bundle import preset_of, read_audio_encoder, read_tower
from training.mask.credits import FILE as CREDITS_FILE
from training.mask.credits import Heard, heard_in
from training.mask.stems import StemPool
from training.mask.terms import KIT, TERMS, VOICES, term_number
from training.prompt.model import TextTower, to_unit_scale
from training.prompt.tower import embed, load_text_tower
from training.text.augment import add_typos
from training.text.lexicon import Lexicon
from training.trainer.checkpoints import save_atomically

FILE, TERMS_FILE = "queries.pt", "terms.json"
WIDTH = 256
STEPS, BATCH, LEARNING_RATE, WEIGHT_DECAY = 2500, 256, 3e-3, 0.02
NOISE = 0.35  # most noise that is added to an embedding of unit scale
PHRASES = 64  # of each term, half of them with typos
MOST_STEMS = 64  # of each term, one window of each
HELD_OUT_EVERY = 10  # one piece in so many is held out
WIDER_SHARE = 0.25  # of the blends name a stem by one of its groups
QUIET_RMS = 1e-3  # a window below it counts as silent
SEED = 41
Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]


class QueryAdapter(nn.Module):
    """Prompt embeddings (P, E) -> query vectors (P, Q): means of the query table's rows, weighted by a softmax.

    Args:
        table: query vectors (terms, Q) of a decoder.
        embedding: E, the width of prompt embeddings.
    """

    def __init__(self, table: Tensor, embedding: int) -> None:
        super().__init__()
        self.up, self.down = nn.Linear(embedding, WIDTH), nn.Linear(WIDTH, len(table))
        self.table: Tensor
        self.register_buffer("table", table.detach().clone())

    def scores(self, prompt: Tensor) -> Tensor:
        """(P, E) -> logits (P, terms); the norm of an embedding does not matter."""
        found: Tensor = self.down(F.gelu(self.up(to_unit_scale(prompt))))
        return found

    def forward(self, prompt: Tensor) -> Tensor:
        """(P, E) -> (P, Q)."""
        return self.scores(prompt).softmax(-1) @ self.table


@dataclass(frozen=True, slots=True)
class AdapterExamples:
    """What the adapter is fitted on.

    Attributes:
        phrases: embeddings of phrases (n, E).
        phrase_terms: numbers of their terms (n,).
        stems: embeddings of stems (m, E).
        stem_terms: numbers of the narrowest terms that name them (m,).
    """

    phrases: Floats
    phrase_terms: Ints
    stems: Floats
    stem_terms: Ints


def narrowest_term(names: Sequence[str]) -> int:
    """Number of the narrowest of the terms that name a stem: a drum or kind of voice before its family."""
    part = [name for name in names if name in KIT or name in VOICES]
    return term_number(part[0] if part else names[0])


def phrase_embeddings(tower: TextTower, tokenizer: Tokenizer, split: str) -> tuple[Floats, Ints]:
    """Embeddings (n, E) of phrases of every term in a split, ``train`` or ``held``, and the terms' numbers (n,)."""
    lexicon, rng = Lexicon.load(), np.random.default_rng(SEED)
    if split == "held":
        pairs = lexicon.heldout()
    else:
        drawn = [(lexicon.phrases(term, split, rng), term) for term in TERMS for _ in range(PHRASES)]
        pairs = [(add_typos(phrase, rng) if k % 2 else phrase, term) for k, (phrase, term) in enumerate(drawn)]
    rows: Floats = embed(tower, tokenizer, [phrase for phrase, _ in pairs])
    return rows, np.array([term_number(term) for _, term in pairs])


def stem_embeddings(
    pool: StemPool, encode: Callable[[Tensor], Tensor], samples: int, rate_hz: int, held_out: bool | None
) -> tuple[Floats, Ints]:
    """Stems as embeddings of the audio encoder; windows that are silent are left out.

    Args:
        pool: the stems.
        encode: audio (B, samples) at ``rate_hz`` -> (B, E).
        samples, rate_hz: of a window.
        held_out: True takes the pieces held out, False the others, None all.

    Returns:
        embeddings (m, E) and numbers of the narrowest terms (m,).
    """
    rng = np.random.default_rng([SEED, held_out is True])
    by_term: dict[int, list[int]] = {}
    for stem, names in enumerate(pool.names):
        if names and (held_out is None or _is_held_out(pool.labels[stem]["piece"]) == held_out):
            by_term.setdefault(narrowest_term(names), []).append(stem)
    rows, terms = [], []
    for term, stems in sorted(by_term.items()):
        chosen = [stems[k] for k in rng.permutation(len(stems))[:MOST_STEMS]]
        windows = [window for stem in chosen if (window := _window(pool, stem, samples, rate_hz, rng)) is not None]
        if windows:
            with torch.inference_mode():
                rows.append(encode(torch.from_numpy(np.stack(windows))).numpy())
            terms += [term] * len(windows)
    empty: Floats = np.zeros((0, 1), np.float32)
    return (np.concatenate(rows) if rows else empty), np.array(terms, np.int64)


def _is_held_out(piece: str) -> bool:
    return int.from_bytes(hashlib.blake2b(piece.encode(), digest_size=8).digest(), "little") % HELD_OUT_EVERY == 0


def _window(pool: StemPool, stem: int, samples: int, rate_hz: int, rng: np.random.Generator) -> Floats | None:
    """The louder of two windows, mono; None where both are silent."""
    needed = int(np.ceil(samples * RATE / rate_hz))
    found = []
    for _ in range(2):
        first = int(rng.integers(0, max(1, pool.samples - needed + 1)))
        found.append(pool.audio(stem, first, needed).mean(0))
    loudest = max(found, key=lambda audio: float((audio**2).mean()))
    if float(np.sqrt((loudest**2).mean())) < QUIET_RMS:
        return None
    mono = soxr.resample(loudest, RATE, rate_hz, quality="LQ")[:samples].astype(np.float32)
    return np.pad(mono, (0, samples - len(mono)))


def fit(examples: AdapterExamples, table: Tensor, steps: int = STEPS, seed: int = SEED) -> QueryAdapter:
    """Fit an adapter by cross-entropy over the terms.

    Args:
        examples: phrases of every term, and stems of some or none.
        table: query vectors (terms, Q).
    """
    generator, rng = torch.Generator().manual_seed(seed), np.random.default_rng(seed)
    torch.manual_seed(seed)
    adapter = QueryAdapter(table, examples.phrases.shape[1])
    optimizer = torch.optim.AdamW(adapter.parameters(), LEARNING_RATE, weight_decay=WEIGHT_DECAY)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    sampler = _BatchSampler(examples, len(table))
    for _ in range(steps):
        prompts, terms = sampler.batch(rng)
        noise = torch.randn(prompts.shape, generator=generator)
        noise *= NOISE * torch.rand(len(prompts), 1, generator=generator)
        loss = F.cross_entropy(adapter.scores(prompts + noise), terms, label_smoothing=0.005)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        schedule.step()
    return adapter.eval().requires_grad_(False)


class _EmbeddingsByTerm:
    """Embeddings (n, E) and the numbers of their terms (n,), to draw random ones of given terms."""

    def __init__(self, embeddings: Floats, terms: Ints, count: int) -> None:
        self._embeddings = to_unit_scale(torch.from_numpy(embeddings))
        self._order = np.argsort(terms, kind="stable")
        self.counts = np.bincount(terms, minlength=count)
        self._starts = np.cumsum(self.counts) - self.counts
        self.terms = np.flatnonzero(self.counts)  # those that have any

    def draw(self, terms: Ints, rng: np.random.Generator) -> Tensor:
        """A random embedding of each of the terms (B,): (B, E)."""
        chosen = self._starts[terms] + (rng.random(len(terms)) * self.counts[terms]).astype(np.int64)
        return self._embeddings[torch.from_numpy(self._order[chosen])]


class _BatchSampler:
    """Batches in which all terms are equally likely: half phrases, a quarter stems, a quarter blends.

    Without stems all are phrases.
    A blend is a weighted mean of a stem and a phrase, and is labelled with the term of the heavier one.
    """

    def __init__(self, examples: AdapterExamples, terms: int) -> None:
        self._phrases = _EmbeddingsByTerm(examples.phrases, examples.phrase_terms, terms)
        self._stems = _EmbeddingsByTerm(examples.stems, examples.stem_terms, terms)
        wider = {
            term: [term_number(g) for g, members in groups().items() if TERMS[term] in members] for term in range(terms)
        }
        self._wider = [[one for one in wider[term] if self._phrases.counts[one]] for term in range(terms)]

    def batch(self, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
        """Embeddings (B, E) and numbers of terms (B,)."""
        with_sound = BATCH // 4 if len(self._stems.terms) else 0
        phrase_terms = rng.choice(self._phrases.terms, BATCH - 2 * with_sound)
        phrases = self._phrases.draw(phrase_terms, rng)
        if not with_sound:
            return phrases, torch.from_numpy(phrase_terms)
        stem_terms, blended_stem = rng.choice(self._stems.terms, (2, with_sound))
        blended_phrase = np.array([self._term_of_phrase(rng, int(term)) for term in blended_stem])
        weight = rng.uniform(0.0, 1.0, (with_sound, 1)).astype(np.float32)
        share = torch.from_numpy(weight)
        blends = to_unit_scale(
            share * self._phrases.draw(blended_phrase, rng) + (1 - share) * self._stems.draw(blended_stem, rng)
        )
        blend_terms = np.where(weight[:, 0] > 0.5, blended_phrase, blended_stem)
        embeddings = torch.cat([phrases, self._stems.draw(stem_terms, rng), blends])
        return embeddings, torch.from_numpy(np.concatenate([phrase_terms, stem_terms, blend_terms]))

    def _term_of_phrase(self, rng: np.random.Generator, term: int) -> int:
        """The term of the phrase that is blended with a stem: the stem's own, or a group of it."""
        wider = self._wider[term]
        if wider and (not self._phrases.counts[term] or rng.random() < WIDER_SHARE):
            return wider[int(rng.integers(len(wider)))]
        return term


@dataclass(frozen=True, slots=True)
class AdapterAccuracy:
    """How near the queries of some prompts are to the table rows of their terms.

    Attributes:
        count: prompts.
        nearest: share whose nearest row is that of their own term.
        cosine: mean cosine similarity of query and own row, both after subtracting the table's mean.
        distance: mean distance of query and own row, divided by the mean distance of two rows.
    """

    count: int
    nearest: float
    cosine: float
    distance: float


def measure(adapter: QueryAdapter, prompts: Floats, terms: Ints) -> AdapterAccuracy:
    """Evaluate an adapter on prompts (n, E) of known terms (n,)."""
    if not len(terms):
        return AdapterAccuracy(0, 0.0, 0.0, 0.0)
    with torch.inference_mode():
        queries = adapter(torch.from_numpy(prompts))
    table, own = adapter.table, adapter.table[torch.from_numpy(terms)]
    nearest = torch.cdist(queries, table).argmin(1) == torch.from_numpy(terms)
    cosine = F.cosine_similarity(queries - table.mean(0), own - table.mean(0)).mean()
    spread = torch.cdist(table, table).sum() / (len(table) * (len(table) - 1))
    distance = (queries - own).norm(dim=1).mean() / spread
    return AdapterAccuracy(len(terms), float(nearest.float().mean()), float(cosine), float(distance))


def term_embeddings(phrases: Floats, terms: Ints) -> dict[str, list[float]]:
    """Term -> prompt embedding (E,) of norm sqrt(E): the mean direction of its phrases (n, E) of ``terms`` (n,)."""
    directions = phrases / np.linalg.norm(phrases, axis=1, keepdims=True)
    found = {}
    for term, name in enumerate(TERMS):
        mean = directions[terms == term].mean(0)
        found[name] = [round(float(v), 5) for v in mean * (np.sqrt(len(mean)) / np.linalg.norm(mean))]
    return found


def save(
    folder: Path, adapter: QueryAdapter, figures: dict[str, AdapterAccuracy], terms: dict[str, list[float]]
) -> None:
    """Write the adapter, without its table, and the terms into a run folder."""
    state = {name: value for name, value in adapter.state_dict().items() if name != "table"}
    kept = {name: [one.count, one.nearest, one.cosine, one.distance] for name, one in figures.items()}
    save_atomically({"terms": list(TERMS), "adapter": state, "figures": kept}, folder / FILE)
    rows = ",\n".join(f" {json.dumps(term)}: {json.dumps(row)}" for term, row in terms.items())
    (folder / TERMS_FILE).write_text(f"{{\n{rows}\n}}\n", "utf-8")


def load(folder: Path, table: Tensor) -> QueryAdapter:
    """The adapter of a run folder, frozen, with a decoder's table (terms, Q).

    Raises:
        FileNotFoundError: none was fitted there.
        ValueError: the number of its terms is not that of the table's rows.
    """
    path = folder / FILE
    if not path.is_file():
        raise FileNotFoundError(f"no {FILE} in {folder}; fit one with: python -m training mask-queries {folder}")
    state: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    if len(state["terms"]) != len(table):
        raise ValueError(f"{path} knows {len(state['terms'])} terms, the decoder {len(table)}; fit it again")
    adapter = QueryAdapter(table, state["adapter"]["up.weight"].shape[1])
    adapter.load_state_dict(state["adapter"], strict=False)
    return adapter.eval().requires_grad_(False)


def query_table(run: Path) -> Tensor:
    """The table of query vectors (terms, Q) of a run's averaged decoder.

    Raises:
        FileNotFoundError: the run has no decoder.
        ValueError: its terms are others than ours.
    """
    path = run / "mask.pt"
    if not path.is_file():
        raise FileNotFoundError(f"no mask.pt in {run}; train one with: python -m training mask --out {run}")
    state: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True, mmap=True)
    if tuple(state["terms"]) != TERMS:
        raise ValueError(f"{path} was trained on other terms than training/mask/terms.py has; train it anew")
    table: Tensor = state["average"]["queries.weight"].float().clone()
    return table


def run(
    folder: Path, bundle: Bundle, prompt: Path | None, stems: list[Path], held_out: list[Path]
) -> dict[str, AdapterAccuracy]:
    """Fit the adapter of a decoder's run, evaluate it and write it.

    Args:
        folder: of the run.
        bundle: whose prompt space the adapter takes.
        prompt: run of the text tower, where the bundle is to get a new one; None takes the bundle's own.
        stems: folders of stems at 44.1 kHz; none leaves sounds out.
        held_out: more such folders, of recordings that are only evaluated on.
    """
    table = query_table(folder)
    preset = preset_of(bundle, None)
    tower, tokenizer = load_text_tower(prompt) if prompt is not None else read_tower(bundle, preset)
    phrases, phrase_terms = phrase_embeddings(tower, tokenizer, "train")
    held, held_terms = phrase_embeddings(tower, tokenizer, "held")
    empty = (np.zeros((0, phrases.shape[1]), np.float32), np.zeros(0, np.int64))
    trained_on, other_pieces, recordings = empty, empty, empty
    if stems:
        encode, window = read_audio_encoder(bundle, preset), bundle.manifest.encoders["audio"]
        pool = StemPool(stems)
        trained_on, other_pieces = (
            stem_embeddings(pool, encode, window.samples, window.rate_hz, which) for which in (False, True)
        )
        if held_out:
            recordings = stem_embeddings(StemPool(held_out), encode, window.samples, window.rate_hz, None)
    adapter = fit(AdapterExamples(phrases, phrase_terms, *trained_on), table)
    parts = np.isin(held_terms, [term_number(part) for part in Lexicon.load().parts])
    figures = {
        "held-out phrases": measure(adapter, held, held_terms),
        "  of parts": measure(adapter, held[parts], held_terms[parts]),
        "sounds it learnt": measure(adapter, *trained_on),
        "sounds of other pieces": measure(adapter, *other_pieces),
        "held-out recordings": measure(adapter, *recordings),
    }
    save(folder, adapter, figures, term_embeddings(phrases, phrase_terms))
    if stems:
        lines = Heard.together([Heard.read(folder / "mask.pt"), heard_in(stems)]).lines()
        (folder / CREDITS_FILE).write_text(json.dumps(lines, indent=1, ensure_ascii=False) + "\n", "utf-8")
    return figures


def main(argv: list[str]) -> int:
    """``python -m training mask-queries``."""
    parser = argparse.ArgumentParser(prog="python -m training mask-queries", description="fit prompts to query vectors")
    parser.add_argument("run", type=Path, help="run folder of the mask decoder")
    parser.add_argument("--bundle", default="small", help="whose prompt space to come from: its name or folder")
    parser.add_argument("--prompt", type=Path, help="run of a text tower that the bundle is to get in place of its own")
    parser.add_argument("--stems", type=Path, nargs="*", default=[], help="folders of rendered stems at 44.1 kHz")
    parser.add_argument("--held-out", type=Path, nargs="*", default=[], help="the same, only to be judged")
    parser.add_argument("--threads", type=int, default=1, help="processor threads (default 1)")
    args = parser.parse_args(argv)
    torch.set_num_threads(args.threads)
    try:
        bundle = load_bundle(locate(args.bundle))
    except EngineError as error:
        raise ValueError(str(error)) from error
    print(f"{'':24}{'prompts':>8}{'nearest':>9}{'cosine':>8}{'distance':>10}")
    for name, one in run(args.run, bundle, args.prompt, args.stems, args.held_out).items():
        print(f"{name:24}{one.count:8}{one.nearest:9.1%}{one.cosine:8.3f}{one.distance:10.3f}")
    print(f"wrote {args.run / FILE} and {args.run / TERMS_FILE}")
    return 0
