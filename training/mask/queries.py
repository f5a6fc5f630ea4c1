"""From the prompt space of a bundle to the mask decoder's query vectors: ``python -m training mask-queries RUN``.

The decoder was trained on a table of query vectors, one for each term. Whatever prompt comes, words, a sound or both,
the adapter says how much it is of each term, and the query is the mean of the table's rows with these weights. A query
so never leaves what the decoder knows, and the adapter stays right while the decoder goes on learning.

It is fitted on phrases of each term, on stems as the bundle's audio encoder hears them, and on blends of both, in a
minute. Held back: the phrasings that ``lexicon.py`` holds out, one piece in ten, and folders given with ``--held-out``.
Written beside it: ``terms.json``, the prompt embedding of each term, and ``credits.json``, whose sounds the stems are.
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
from training.mask.credits import credits
from training.mask.stems import StemPool
from training.mask.terms import KIT, TERMS, VOICES, number
from training.prompt.model import TextTower, to_unit_scale
from training.prompt.tower import embed, load_text_tower
from training.text.augment import add_typos
from training.text.lexicon import Lexicon
from training.trainer.checkpoints import save_atomically

FILE, TERMS_FILE = "queries.pt", "terms.json"
WIDTH = 256
STEPS, BATCH, RATE_OF_LEARNING, WEIGHT_DECAY = 2500, 256, 3e-3, 0.02
NOISE = 0.35  # of a direction, in the fit
PHRASES = 64  # of each term, half of them damaged
MOST_OF_TERM = 64  # stems of each term that are heard, once each
JUDGED_EVERY = 10  # one piece in so many is held back
WIDER_SHARE = 0.25  # of the blends name a stem by a wider term than its own
QUIET = 1e-3  # RMS below which a window says nothing
SEED = 41
Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]


class QueryAdapter(nn.Module):
    """Prompt embeddings (P, E) -> query vectors (P, Q).

    Args:
        table: query vectors (terms, Q) of a decoder.
    """

    def __init__(self, table: Tensor, embedding: int) -> None:
        super().__init__()
        self.up, self.down = nn.Linear(embedding, WIDTH), nn.Linear(WIDTH, len(table))
        self.table: Tensor
        self.register_buffer("table", table.detach().clone())

    def scores(self, prompt: Tensor) -> Tensor:
        """(P, E) -> logits (P, terms); the length of an embedding does not matter."""
        found: Tensor = self.down(F.gelu(self.up(to_unit_scale(prompt))))
        return found

    def forward(self, prompt: Tensor) -> Tensor:
        """(P, E) -> (P, Q)."""
        return self.scores(prompt).softmax(-1) @ self.table


@dataclass(frozen=True, slots=True)
class Known:
    """What the adapter learns from or is judged on.

    Attributes:
        phrases: embeddings of phrases (n, E); ``named`` (n,) numbers of their terms.
        heard: embeddings of stems (m, E); ``sounds`` (m,) numbers of the narrowest terms that name them.
    """

    phrases: Floats
    named: Ints
    heard: Floats
    sounds: Ints


def narrowest(names: Sequence[str]) -> int:
    """Number of the narrowest of the terms that name a stem: a part before its family."""
    part = [name for name in names if name in KIT or name in VOICES]
    return number(part[0] if part else names[0])


def words(tower: TextTower, tokenizer: Tokenizer, split: str) -> tuple[Floats, Ints]:
    """Phrases of every term in a split: embeddings (n, E) and numbers of terms (n,)."""
    lexicon, rng = Lexicon.load(), np.random.default_rng(SEED)
    if split == "held":
        pairs = lexicon.heldout()
    else:
        drawn = [(lexicon.phrases(term, split, rng), term) for term in TERMS for _ in range(PHRASES)]
        pairs = [(add_typos(phrase, rng) if k % 2 else phrase, term) for k, (phrase, term) in enumerate(drawn)]
    rows: Floats = embed(tower, tokenizer, [phrase for phrase, _ in pairs])
    return rows, np.array([number(term) for _, term in pairs])


def sounds(
    pool: StemPool, listen: Callable[[Tensor], Tensor], samples: int, rate_hz: int, judged: bool | None
) -> tuple[Floats, Ints]:
    """Stems as the audio encoder hears them.

    Args:
        pool: where they are.
        listen: audio (B, samples) at ``rate_hz`` -> (B, E).
        samples, rate_hz: of a window.
        judged: True takes the pieces held back, False the others, None all.

    Returns:
        embeddings (m, E) and numbers of the narrowest terms (m,).
    """
    rng = np.random.default_rng([SEED, judged is True])
    by_term: dict[int, list[int]] = {}
    for stem, names in enumerate(pool.names):
        if names and (judged is None or _held(pool.labels[stem]["piece"]) == judged):
            by_term.setdefault(narrowest(names), []).append(stem)
    rows, terms = [], []
    for term, stems in sorted(by_term.items()):
        chosen = [stems[k] for k in rng.permutation(len(stems))[:MOST_OF_TERM]]
        windows = [window for stem in chosen if (window := _window(pool, stem, samples, rate_hz, rng)) is not None]
        if windows:
            with torch.inference_mode():
                rows.append(listen(torch.from_numpy(np.stack(windows))).numpy())
            terms += [term] * len(windows)
    empty: Floats = np.zeros((0, 1), np.float32)
    return (np.concatenate(rows) if rows else empty), np.array(terms, np.int64)


def _held(piece: str) -> bool:
    return int.from_bytes(hashlib.blake2b(piece.encode(), digest_size=8).digest(), "little") % JUDGED_EVERY == 0


def _window(pool: StemPool, stem: int, samples: int, rate_hz: int, rng: np.random.Generator) -> Floats | None:
    """The louder of two windows, mono; None where both are silent."""
    needed = int(np.ceil(samples * RATE / rate_hz))
    found = []
    for _ in range(2):
        first = int(rng.integers(0, max(1, pool.samples - needed + 1)))
        found.append(pool.audio(stem, first, needed).mean(0))
    loudest = max(found, key=lambda audio: float((audio**2).mean()))
    if float(np.sqrt((loudest**2).mean())) < QUIET:
        return None
    mono = soxr.resample(loudest, RATE, rate_hz, quality="LQ")[:samples].astype(np.float32)
    return np.pad(mono, (0, samples - len(mono)))


def fit(known: Known, table: Tensor, steps: int = STEPS, seed: int = SEED) -> QueryAdapter:
    """Fit an adapter; a quarter of a batch are sounds and a quarter blends, where there are sounds."""
    generator, rng = torch.Generator().manual_seed(seed), np.random.default_rng(seed)
    torch.manual_seed(seed)
    adapter = QueryAdapter(table, known.phrases.shape[1])
    optimizer = torch.optim.AdamW(adapter.parameters(), RATE_OF_LEARNING, weight_decay=WEIGHT_DECAY)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    draw = _Draw(known, len(table))
    for _ in range(steps):
        given, terms = draw.batch(rng)
        noise = torch.randn(given.shape, generator=generator) * (NOISE * torch.rand(len(given), 1, generator=generator))
        loss = F.cross_entropy(adapter.scores(given + noise), terms, label_smoothing=0.005)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        schedule.step()
    return adapter.eval().requires_grad_(False)


class _Rows:
    """Rows by term: any number of random ones at once."""

    def __init__(self, rows: Floats, terms: Ints, count: int) -> None:
        self.rows = to_unit_scale(torch.from_numpy(rows))
        self._order = np.argsort(terms, kind="stable")
        self.counts = np.bincount(terms, minlength=count)
        self._starts = np.cumsum(self.counts) - self.counts
        self.having = np.flatnonzero(self.counts)

    def of(self, terms: Ints, rng: np.random.Generator) -> Tensor:
        """A row of each of the terms (B,): (B, E)."""
        places = self._starts[terms] + (rng.random(len(terms)) * self.counts[terms]).astype(np.int64)
        return self.rows[torch.from_numpy(self._order[places])]


class _Draw:
    """Batches: every term as often as another, of phrases and of sounds."""

    def __init__(self, known: Known, terms: int) -> None:
        self._said, self._heard = _Rows(known.phrases, known.named, terms), _Rows(known.heard, known.sounds, terms)
        wider = {
            term: [number(g) for g, members in groups().items() if TERMS[term] in members] for term in range(terms)
        }
        self._wider = [[one for one in wider[term] if self._said.counts[one]] for term in range(terms)]

    def batch(self, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
        """Embeddings (B, E) and terms (B,)."""
        sounding = BATCH // 4 if len(self._heard.having) else 0
        named = rng.choice(self._said.having, BATCH - 2 * sounding)
        plain = self._said.of(named, rng)
        if not sounding:
            return plain, torch.from_numpy(named)
        alone, mixed = rng.choice(self._heard.having, (2, sounding))
        words_too = np.array([self._words_for(rng, int(term)) for term in mixed])
        weight = rng.uniform(0.0, 1.0, (sounding, 1)).astype(np.float32)
        share = torch.from_numpy(weight)
        blends = to_unit_scale(share * self._said.of(words_too, rng) + (1 - share) * self._heard.of(mixed, rng))
        meant = np.where(weight[:, 0] > 0.5, words_too, mixed)
        rows = torch.cat([plain, self._heard.of(alone, rng), blends])
        return rows, torch.from_numpy(np.concatenate([named, alone, meant]))

    def _words_for(self, rng: np.random.Generator, term: int) -> int:
        """What is said with a sound: its own term, or a wider one."""
        wider = self._wider[term]
        if wider and (not self._said.counts[term] or rng.random() < WIDER_SHARE):
            return wider[int(rng.integers(len(wider)))]
        return term


@dataclass(frozen=True, slots=True)
class Figures:
    """How near the queries of some prompts are to those of their terms.

    Attributes:
        count: prompts.
        nearest: share whose nearest row of the table is their own term's.
        cosine: mean cosine of query and own row, both without the table's mean.
        distance: mean distance of query and own row against that of two rows.
    """

    count: int
    nearest: float
    cosine: float
    distance: float


def measure(adapter: QueryAdapter, prompts: Floats, terms: Ints) -> Figures:
    """Judge an adapter on prompts (n, E) of known terms (n,)."""
    if not len(terms):
        return Figures(0, 0.0, 0.0, 0.0)
    with torch.inference_mode():
        queries = adapter(torch.from_numpy(prompts))
    table, own = adapter.table, adapter.table[torch.from_numpy(terms)]
    nearest = torch.cdist(queries, table).argmin(1) == torch.from_numpy(terms)
    cosine = F.cosine_similarity(queries - table.mean(0), own - table.mean(0)).mean()
    spread = torch.cdist(table, table).sum() / (len(table) * (len(table) - 1))
    distance = (queries - own).norm(dim=1).mean() / spread
    return Figures(len(terms), float(nearest.float().mean()), float(cosine), float(distance))


def term_embeddings(phrases: Floats, named: Ints) -> dict[str, list[float]]:
    """Term -> prompt embedding: the mean direction of its phrases, of norm sqrt(E)."""
    directions = phrases / np.linalg.norm(phrases, axis=1, keepdims=True)
    found = {}
    for term, name in enumerate(TERMS):
        mean = directions[named == term].mean(0)
        found[name] = [round(float(v), 5) for v in mean * (np.sqrt(len(mean)) / np.linalg.norm(mean))]
    return found


def save(folder: Path, adapter: QueryAdapter, figures: dict[str, Figures], terms: dict[str, list[float]]) -> None:
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
        ValueError: it knows other terms than the table has rows.
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
) -> dict[str, Figures]:
    """Fit the adapter of a decoder's run, judge it and write it.

    Args:
        bundle: whose prompt space to come from.
        prompt: run of the text tower, where the bundle is to get a new one; None takes the bundle's own.
        stems: folders of stems at 44.1 kHz; none leaves sounds out.
        held_out: more such folders, of recordings that are only judged.
    """
    table = query_table(folder)
    preset = preset_of(bundle, None)
    tower, tokenizer = load_text_tower(prompt) if prompt is not None else read_tower(bundle, preset)
    phrases, named = words(tower, tokenizer, "train")
    held, held_terms = words(tower, tokenizer, "held")
    nothing = (np.zeros((0, phrases.shape[1]), np.float32), np.zeros(0, np.int64))
    heard, judged, foreign = nothing, nothing, nothing
    if stems:
        ear, encoder = read_audio_encoder(bundle, preset), bundle.manifest.encoders["audio"]
        pool = StemPool(stems)
        heard, judged = (sounds(pool, ear, encoder.samples, encoder.rate_hz, which) for which in (False, True))
        if held_out:
            foreign = sounds(StemPool(held_out), ear, encoder.samples, encoder.rate_hz, None)
    adapter = fit(Known(phrases, named, *heard), table)
    parts = np.isin(held_terms, [number(part) for part in Lexicon.load().parts])
    figures = {
        "held-out phrases": measure(adapter, held, held_terms),
        "  of parts": measure(adapter, held[parts], held_terms[parts]),
        "sounds it learnt": measure(adapter, *heard),
        "sounds of other pieces": measure(adapter, *judged),
        "held-out recordings": measure(adapter, *foreign),
    }
    save(folder, adapter, figures, term_embeddings(phrases, named))
    if stems:
        (folder / CREDITS_FILE).write_text(json.dumps(credits(stems), indent=1, ensure_ascii=False) + "\n", "utf-8")
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
