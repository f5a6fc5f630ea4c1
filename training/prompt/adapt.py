"""Train the adapters of sounds and stories against the frozen towers, and measure how often each finds its term.

What the towers hear and read is computed once and held in memory; the adapters are then trained on it in seconds.
A sound is right when its nearest term, of all families and groups, is its own family; the loss is the cross-entropy
over the terms' mean text embeddings, and the distance to a phrase that asks for it.
"""

from __future__ import annotations

import argparse
import logging
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from pydoc_data import topics

import numpy as np
import numpy.typing as npt
import torch
from tokenizers import Tokenizer
from torch import Tensor, nn
from torch.nn import functional as F

from training.config import load_preset
from training.prompt.adapters import PIECES, AdaptedAudioTower, StoryReader, save_adapters
from training.prompt.model import TextTower
from training.prompt.route import TermRouter
from training.prompt.stems import MelBank, choose_stems, open_cache
from training.prompt.tower import embed, load_audio_tower
from training.text.captions import CaptionWriter, PieceFacts
from training.text.lexicon import Lexicon, digest
from training.text.requests import RequestWriter, StemFacts
from training.trainer.arguments import RUNS
from training.typing import FloatArray

log = logging.getLogger(__name__)

CROPS = 2  # of each training stem
MOST_STEMS, MOST_JUDGED = 2000, 600
STORIES, JUDGED_STORIES = 1600, 200
PLAYERS = (0.45, 0.25, 0.2, 0.1)  # share of stories with 1, 2, 3, 4 of them
STORY_WORDS = (40, 260)  # with sentences about other things
PLANTED_SHARE = 0.6  # of the stories name their players in the middle of such a sentence
PROSE_SHARE = 0.6  # of the other sentences were not written for this
ARTICLES = ("the", "a", "his", "her", "an old", "that", "their", "some", "my")
STEPS, BATCH, RATE, WEIGHT_DECAY = 600, 128, 2e-3, 0.05
SCALE = 14.0
TOP = 5
SEED = 41


@dataclass(frozen=True, slots=True)
class EncodedStems:
    """Stems through the frozen tower: inputs of its last layer (n, X), its own embeddings (n, E), families (n,)."""

    features: FloatArray
    embeddings: FloatArray
    families: npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class EncodedStories:
    """Long texts through the frozen tower: embeddings of pieces (n, K, E), masks (n, K), families (n, families)."""

    pieces: FloatArray
    mask: npt.NDArray[np.bool_]
    named: FloatArray


class TermEmbeddings:
    """Unit prototypes of families, then groups, and unit embeddings of training phrases."""

    def __init__(self, prompt_run: Path) -> None:
        self.lexicon = Lexicon.load()
        self.router = TermRouter(prompt_run, self.lexicon)
        rng = np.random.default_rng(SEED)
        names = self.lexicon.families
        phrases = [[self.lexicon.phrases(name, "train", rng) for _ in range(32)] for name in names]
        self.phrases = np.stack([_unit(self.router.embed(row)) for row in phrases])  # (families, 32, E)

    @property
    def prototypes(self) -> FloatArray:
        """Unit rows (families and groups, E)."""
        rows: FloatArray = self.router.prototypes[: len(self.lexicon.wide)].astype(np.float32)
        return rows


def encode_stems(
    audio_encoder: AdaptedAudioTower, cache_folder: Path, words: TermEmbeddings, judge: bool, crops: int, most: int
) -> EncodedStems | None:
    """Run the frozen tower over stems.

    Args:
        judge: True takes pieces that training never sees.
        crops: of each stem.

    Returns:
        features and embeddings; None where there are no stems.
    """
    cache = open_cache(cache_folder)
    if cache is None:
        return None
    keys = choose_stems(cache, words.lexicon.families, most, judge)
    if not keys:
        return None
    bank = MelBank(cache, audio_encoder.tower.log_mel, keys)
    rng = np.random.default_rng([SEED, judge])
    features, embeddings, families = [], [], []
    for number, name in enumerate(words.lexicon.families):
        for _ in keys.get(name, ()):
            with torch.inference_mode():
                of_name = audio_encoder.tower.features(bank.draw([name] * crops, rng))
                features.append(of_name.numpy())
                embeddings.append(audio_encoder.tower.out(of_name).numpy())
            families += [number] * crops
    return EncodedStems(np.concatenate(features), np.concatenate(embeddings), np.array(families))


def encode_stories(words: TermEmbeddings, count: int, split: str) -> EncodedStories:
    """Make stories and captions and read their pieces with the frozen text tower."""
    asker = RequestWriter(words.lexicon)
    teller = CaptionWriter(asker)
    router, names = words.router, words.lexicon.families
    texts: list[list[str]] = []
    named = np.zeros((count, len(names)), np.float32)
    for number in range(count):
        rng = np.random.default_rng([SEED, number, split == "held"])
        chosen = rng.choice(len(names), size=1 + int(rng.choice(len(PLAYERS), p=PLAYERS)), replace=False)
        named[number, chosen] = 1.0 / len(chosen)
        players = [names[k] for k in chosen]
        planted = rng.random() < PLANTED_SHARE
        said = _planted(rng, asker, players, split) if planted else _told(rng, teller, players, split)
        texts.append(_among_others(rng, teller, said, split))
    rows = [pieces_of(router.tower, router.tokenizer, text) for text in texts]
    flat = embed(router.tower, router.tokenizer, [piece for row in rows for piece in row])
    pieces = np.zeros((count, PIECES, flat.shape[1]), np.float32)
    mask = np.zeros((count, PIECES), np.bool_)
    at = 0
    for number, row in enumerate(rows):
        used = min(len(row), PIECES)
        pieces[number, :used], mask[number, :used] = flat[at : at + used], True
        at += len(row)
    return EncodedStories(pieces, mask, named)


def _told(rng: np.random.Generator, teller: CaptionWriter, families: Sequence[str], split: str) -> list[str]:
    """Sentences of a caption or a story of these players."""
    roles = ("lead", "chords", "pad", "bass", "arpeggio", "riff", "other")
    stems = tuple(StemFacts(name, "drums" if name == "drums" else str(rng.choice(roles))) for name in families)
    piece = PieceFacts(float(rng.uniform(60, 160)), "4/4", str(rng.choice(["major", "minor"])), 60, stems)
    told = teller.caption(rng, piece, split) if rng.random() < 0.3 else teller.story(rng, piece, split)
    return [sentence.strip() + "." for sentence in told.split(".") if sentence.strip()]


def _planted(rng: np.random.Generator, asker: RequestWriter, families: Sequence[str], split: str) -> list[str]:
    """A sentence about something else for each player, with its name somewhere in it."""
    sentences = []
    for name in families:
        nouns = asker.nouns(name)
        words = str(rng.choice(prose(split))).split()
        at = int(rng.integers(len(words)))
        noun = nouns[int(rng.integers(len(nouns)))]
        sentences.append(" ".join([*words[:at], str(rng.choice(ARTICLES)), noun, *words[at:]]))
    return sentences


def _among_others(rng: np.random.Generator, teller: CaptionWriter, said: list[str], split: str) -> list[str]:
    """Insert unrelated sentences between those given."""
    sentences = list(said)
    wanted = int(rng.integers(*STORY_WORDS))
    while sum(len(sentence.split()) for sentence in sentences) < wanted:
        other = str(rng.choice(prose(split))) if rng.random() < PROSE_SHARE else teller.filler(rng)
        sentences.insert(int(rng.integers(len(sentences) + 1)), other)
    return sentences


@cache
def prose(split: str) -> tuple[str, ...]:
    """Unrelated sentences, from the manual that comes with Python; half are held out."""
    text = "\n\n".join(topics.topics.values())
    sentences = [" ".join(sentence.split()) for sentence in re.split(r"(?<=[.])\s+|\n\n", text)]
    plain = [text for text in sentences if 5 < len(text.split()) < 25 and re.fullmatch(r"[A-Z][\w ,;'-]+\.", text)]
    return tuple(text for text in plain if ("held" if digest(text) & 1 else "train") == split)


def pieces_of(tower: TextTower, tokenizer: Tokenizer, sentences: Sequence[str]) -> list[str]:
    """Sentences; those too long for the tower are halved until they fit."""
    pieces: list[str] = []
    for sentence in sentences:
        words = sentence.split()
        long = len(tokenizer.encode(sentence).ids) >= tower.max_tokens and len(words) > 1
        half = len(words) // 2
        pieces += pieces_of(tower, tokenizer, [" ".join(words[:half]), " ".join(words[half:])]) if long else [sentence]
    return pieces


def train_audio_adapter(audio_encoder: AdaptedAudioTower, stems: EncodedStems, words: TermEmbeddings) -> None:
    """Fit the audio adapter."""
    features, families = torch.from_numpy(stems.features), torch.from_numpy(stems.families)
    prototypes, phrases = torch.from_numpy(words.prototypes), torch.from_numpy(words.phrases)
    balance = 1.0 / torch.bincount(families, minlength=len(phrases)).clamp(min=1)[families].float()

    def loss(generator: torch.Generator) -> Tensor:
        rows = torch.multinomial(balance, BATCH, replacement=True, generator=generator)
        drawn = torch.randint(phrases.shape[1], (BATCH,), generator=generator)
        embeddings = F.normalize(audio_encoder.adapt(F.dropout(features[rows], 0.2)), dim=-1)
        asked = phrases[families[rows], drawn]
        named = F.cross_entropy(SCALE * embeddings @ prototypes.T, families[rows], label_smoothing=0.05)
        return named + (1 - (embeddings * asked).sum(-1)).mean()

    _fit(audio_encoder.adapt, loss)


def train_story_adapter(reader: StoryReader, told: EncodedStories, words: TermEmbeddings) -> None:
    """Fit the story adapter."""
    pieces, mask, named = (torch.from_numpy(values) for values in (told.pieces, told.mask, told.named))
    prototypes = torch.from_numpy(words.prototypes[: named.shape[1]])

    def loss(generator: torch.Generator) -> Tensor:
        rows = torch.randint(len(pieces), (BATCH,), generator=generator)
        embeddings = F.normalize(reader(pieces[rows], mask[rows]), dim=-1)
        wanted = F.normalize(named[rows] @ prototypes, dim=-1)
        distance = (1 - (embeddings * wanted).sum(-1)).mean()
        return F.cross_entropy(SCALE * embeddings @ prototypes.T, named[rows]) + distance

    _fit(reader, loss)


def _fit(model: nn.Module, loss_of: object) -> None:
    assert callable(loss_of)
    optimizer = torch.optim.AdamW(model.parameters(), RATE, weight_decay=WEIGHT_DECAY)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, RATE, STEPS, pct_start=0.1)
    generator = torch.Generator().manual_seed(SEED)
    for _ in range(STEPS):
        loss = loss_of(generator)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()


def retrieval(embeddings: FloatArray, families: npt.NDArray[np.int64], words: TermEmbeddings) -> tuple[float, float]:
    """Share of sounds whose own family is the nearest of all terms, and one of the five nearest."""
    order = np.argsort(-(_unit(embeddings) @ words.prototypes.T), axis=1)
    rank = (order == families[:, None]).argmax(1)
    return float((rank == 0).mean()), float((rank < TOP).mean())


def recall(scores: FloatArray, named: FloatArray) -> float:
    """Recall of the families a text names among as many nearest ones; both arguments are (n, families)."""
    shares = []
    for score, wanted in zip(scores, named, strict=True):
        count = int((wanted > 0).sum())
        shares.append((wanted[np.argsort(-score)[:count]] > 0).mean())
    return float(np.mean(shares))


def _unit(rows: FloatArray) -> FloatArray:
    scaled: FloatArray = rows / np.maximum(np.linalg.norm(rows, axis=-1, keepdims=True), 1e-9)
    return scaled


def run(prompt_run: Path, cache_folder: Path, out_folder: Path, held_out: Path | None = None) -> dict[str, float]:
    """Train, evaluate and save both adapters.

    Args:
        cache_folder: rendered stems; pieces kept for judging are not trained on.
        out_folder: run folder, made if missing.
        held_out: stems of recordings that no training has; None judges on kept pieces alone.

    Returns:
        shares by name: ``tower`` is the audio tower's own answer, ``adapter`` the adapter's; ``mean`` the plain mean of
        a text's pieces, ``story`` the adapter's.

    Raises:
        FileNotFoundError: there are no stems to train on.
    """
    words = TermEmbeddings(prompt_run)
    audio_encoder = AdaptedAudioTower(load_audio_tower(prompt_run)).eval().requires_grad_(False)
    audio_encoder.adapt.requires_grad_(True)
    torch.manual_seed(SEED)
    trained_on = encode_stems(audio_encoder, cache_folder, words, False, CROPS, MOST_STEMS)
    if trained_on is None:
        raise FileNotFoundError(f"no stems in {cache_folder}; render some with: python -m training render")
    train_audio_adapter(audio_encoder, trained_on, words)
    figures: dict[str, float] = {}
    for name, folder, most in (("kept", cache_folder, MOST_JUDGED), ("held_out", held_out, 10 * MOST_JUDGED)):
        stems = encode_stems(audio_encoder, folder, words, True, 1, most) if folder is not None else None
        if stems is None:
            continue
        with torch.inference_mode():
            adapted = audio_encoder.adapt(torch.from_numpy(stems.features)).numpy()
        for network, embeddings in (("tower", stems.embeddings), ("adapter", adapted)):
            top1, top5 = retrieval(embeddings, stems.families, words)
            figures |= {f"{name}_{network}_top1": top1, f"{name}_{network}_top5": top5}
        figures[f"{name}_stems"] = len(stems.families)
    reader = StoryReader(torch.from_numpy(words.prototypes[: len(words.lexicon.families)]))
    train_story_adapter(reader, encode_stories(words, STORIES, "train"), words)
    told = encode_stories(words, JUDGED_STORIES, "held")
    prototypes = words.prototypes[: told.named.shape[1]]
    with torch.inference_mode():
        read = reader(torch.from_numpy(told.pieces), torch.from_numpy(told.mask)).numpy()
    figures["mean_recall"] = recall(told.pieces.sum(1) @ prototypes.T, told.named)
    figures["story_recall"] = recall(read @ prototypes.T, told.named)
    out_folder.mkdir(parents=True, exist_ok=True)
    save_adapters(out_folder, audio_encoder, reader, figures)
    return figures


def main(argv: list[str]) -> int:
    """``python -m training adapt``."""
    parser = argparse.ArgumentParser(prog="python -m training adapt", description="train the prompt adapters")
    parser.add_argument("--preset", default="small")
    parser.add_argument("--prompt", type=Path, help="run of the towers; runs/prompt-PRESET when not given")
    parser.add_argument("--cache", type=Path, help="stems; runs/cache-PRESET when not given")
    parser.add_argument("--held-out", type=Path, help="stems of held-out recordings (default runs/heldout-PRESET)")
    parser.add_argument("--out", type=Path, help="folder of the run; runs/adapters-PRESET when not given")
    options = parser.parse_args(argv)
    name = load_preset(options.preset).name
    torch.set_num_threads(1)
    out = options.out or RUNS / f"adapters-{name}"
    figures = run(
        options.prompt or RUNS / f"prompt-{name}",
        options.cache or RUNS / f"cache-{name}",
        out,
        options.held_out or RUNS / f"heldout-{name}",
    )
    for key, value in figures.items():
        print(f"{key:<22}{value:>8.0f}" if key.endswith("stems") else f"{key:<22}{value:>8.1%}")
    print(f"wrote {out / 'adapted.pt'}")
    return 0
