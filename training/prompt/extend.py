"""Teach a trained text tower the lexicon's parts and leave all else where it is: ``python -m training extend``.

A flow was trained on one prompt space, so a tower that knows more must still answer everything old as before. A copy of
the old tower is the teacher. Each part ("kick drum") gets a place of its own: ``PARENT_COSINE`` along what it is a part
of, and the rest along a direction that hardly any old term uses, at a right angle to those of the other parts. A flow
that knows the whole alone thus hears the whole. The loss of a step:

    anchor   mean square of new minus old embedding, over old phrases, descriptions, captions, stories and plain prose;
             some of the phrases stand among words of prose, so that a word never seen with a name moves none
    place    the same, of a part's phrases to the part's place
    name     cross-entropy of a part's phrase over the places of all terms

What is held out of training here is what ``lexicon.py`` holds out; ``python -m training route`` judges both halves.
Step and seed decide a batch, so a resumed run ends as one without a break.
"""

from __future__ import annotations

import argparse
import logging
import math
import shutil
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from tqdm import tqdm

from training.prompt.adapt import prose
from training.prompt.model import TextTower, to_unit_scale
from training.prompt.tower import TOWER_FILE, embed, load_text_tower
from training.prompt.train import CLIP_NORM, UNKNOWN_SHARE
from training.text.augment import add_typos
from training.text.captions import CaptionWriter, PieceFacts
from training.text.lexicon import Lexicon, normal_form
from training.text.requests import RequestWriter, StemFacts
from training.text.tokenizer import TOKENIZER_FILE, encode
from training.trainer.checkpoints import save_atomically
from training.typing import Rng

log = logging.getLogger(__name__)

CHECKPOINT_FILE = "extend-checkpoint.pt"
PARENT_COSINE = 0.75  # old terms of one group have 0.4 to 0.6 with each other
SCALE = 14.0
ANCHOR_WEIGHT = 8.0
PHRASES = 48  # whose mean is where a term is
JUDGED_EVERY = 8  # held-out phrases are compared with where they were
LENGTHS = 4  # parts of a batch, by length: short texts are not padded to the longest
AMONG_SHARE = 0.4  # of the phrases are surrounded by words that name nothing
OTHER_SHARE = 0.25  # of the old texts are sentences, not phrases of a term


@dataclass(frozen=True, slots=True, kw_only=True)
class ExtendConfig:
    """Settings of one run.

    Attributes:
        steps: of training.
        old, new: texts of a step that stay where they are, and phrases of parts.
        learning_rate: at the start; falls to zero on a cosine.
        save_every: steps between checkpoints.
        seed: the same seed, start and machine give the same tower.
    """

    steps: int = 600
    old: int = 64
    new: int = 48
    learning_rate: float = 1e-3
    save_every: int = 50
    seed: int = 7


def places(lexicon: Lexicon, prototypes: np.ndarray, seed: int) -> np.ndarray:
    """Where every term is to be: unit rows (terms, E), families and groups first.

    Args:
        prototypes: unit rows (families and groups, E), where the teacher has them.
        seed: decides the parts' own directions.
    """
    size = prototypes.shape[1]
    _, _, directions = np.linalg.svd(prototypes)
    least = directions[size // 2 :]  # hardly used by what is there
    own: list[np.ndarray] = []
    rows = list(prototypes)
    rng = np.random.default_rng(seed)
    for whole in lexicon.parts.values():
        parent = prototypes[lexicon.terms.index(whole)]
        away = rng.standard_normal(len(least)) @ least
        basis, _ = np.linalg.qr(np.stack([parent, *own]).T)
        away = away - basis @ (basis.T @ away)
        own.append(away / np.linalg.norm(away))
        rows.append(PARENT_COSINE * parent + math.sqrt(1 - PARENT_COSINE**2) * own[-1])
    unit_TE: np.ndarray = np.stack(rows).astype(np.float32)
    return unit_TE


class ExtensionTexts:
    """Draws the texts of a step."""

    def __init__(self, lexicon: Lexicon, config: ExtendConfig) -> None:
        self.lexicon, self.config = lexicon, config
        self._asker = RequestWriter(lexicon)
        self._teller = CaptionWriter(self._asker)
        self._prose = prose("train")
        names = {
            word for pool in lexicon.pools.values() for phrase in pool.bare for word in normal_form(phrase).split()
        }
        said = {word.strip(",'-").lower() for sentence in self._prose for word in sentence.split()}
        self._words = sorted(word for word in said - names if word.isalpha())

    def draw(self, step: int) -> tuple[list[str], list[str], np.ndarray]:
        """Old texts, phrases of parts, and the numbers (new,) of these parts' terms."""
        rng = np.random.default_rng([self.config.seed, step])
        first = len(self.lexicon.wide)
        terms = rng.integers(first, len(self.lexicon.terms), size=self.config.new)
        new = [self._phrase(rng, self.lexicon.terms[t]) for t in terms]
        return [self._old(rng) for _ in range(self.config.old)], new, terms

    def _old(self, rng: Rng) -> str:
        if rng.random() < OTHER_SHARE:
            return self._sentence(rng)
        wide = self.lexicon.wide
        return self._phrase(rng, wide[int(rng.integers(len(wide)))])

    def _phrase(self, rng: Rng, term: str) -> str:
        phrase = add_typos(self.lexicon.phrases(term, "train", rng), rng)
        if rng.random() >= AMONG_SHARE:
            return phrase
        before, after = ([str(rng.choice(self._words)) for _ in range(rng.integers(0, 3))] for _ in range(2))
        return " ".join([*before, phrase, *after])

    def _sentence(self, rng: Rng) -> str:
        kind = rng.random()
        if kind < 0.3:
            return self._prose[int(rng.integers(len(self._prose)))]
        if kind < 0.4:
            return self._teller.filler(rng)
        names = rng.choice(self.lexicon.families, size=3, replace=False)
        stems = tuple(StemFacts(str(name), "lead", str(rng.choice(["high", "low"]))) for name in names)
        if kind < 0.6:
            ask = self._asker.draw(rng, stems, "train")
            return ask.phrase if ask is not None else self._teller.filler(rng)
        piece = PieceFacts(float(rng.uniform(60, 160)), "4/4", str(rng.choice(["major", "minor"])), 60, stems)
        told = self._teller.caption(rng, piece, "train") if kind < 0.8 else self._teller.story(rng, piece, "train")
        sentences = [sentence for sentence in told.split(". ") if sentence]
        return sentences[int(rng.integers(len(sentences)))]


class TowerExtension:
    """Trains a copy of a tower to know the parts."""

    def __init__(self, start: Path, config: ExtendConfig) -> None:
        self.config = config
        lexicon = Lexicon.load()
        self.teacher, self.tokenizer = load_text_tower(start)
        self.teacher.requires_grad_(False)
        self.tower: TextTower = load_text_tower(start)[0].train()
        self.places = torch.from_numpy(places(lexicon, self._prototypes(lexicon), config.seed))
        self.texts = ExtensionTexts(lexicon, config)
        self.optimizer = torch.optim.AdamW(self.tower.parameters(), config.learning_rate, weight_decay=0.0)
        self.step = 0

    def _prototypes(self, lexicon: Lexicon) -> np.ndarray:
        """Unit rows (families and groups, E): where the teacher has them."""
        rng = np.random.default_rng(self.config.seed)
        rows = [[lexicon.phrases(term, "train", rng) for _ in range(PHRASES)] for term in lexicon.wide]
        embeddings = embed(self.teacher, self.tokenizer, [phrase for row in rows for phrase in row])
        means = embeddings.reshape(len(rows), PHRASES, -1).mean(1)
        unit: np.ndarray = means / np.linalg.norm(means, axis=1, keepdims=True)
        return unit

    def train_step(self) -> dict[str, float]:
        """One optimizer step; returns the terms of the loss."""
        old, new, terms = self.texts.draw(self.step)
        config, rng = self.config, np.random.default_rng([self.config.seed, self.step, 1])
        tokens_BT, mask_BT = self._tokens([*old, *new])
        tokens_BT[torch.from_numpy(rng.random(tuple(tokens_BT.shape)) < UNKNOWN_SHARE) & mask_BT] = 1
        for group in self.optimizer.param_groups:
            group["lr"] = config.learning_rate * 0.5 * (1 + math.cos(math.pi * self.step / config.steps))
        embeddings = _by_length(self.tower, tokens_BT, mask_BT)
        with torch.no_grad():
            wanted = _by_length(self.teacher, tokens_BT[: len(old)], mask_BT[: len(old)])
        numbers = torch.from_numpy(terms)
        anchor = (embeddings[: len(old)] - wanted).square().mean()
        place = (embeddings[len(old) :] - to_unit_scale(self.places[numbers])).square().mean()
        name = F.cross_entropy(SCALE * F.normalize(embeddings[len(old) :], dim=-1) @ self.places.T, numbers)
        loss: Tensor = ANCHOR_WEIGHT * anchor + place + name
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(self.tower.parameters(), CLIP_NORM)
        self.optimizer.step()
        self.step += 1
        return {"anchor": anchor.item(), "place": place.item(), "name": name.item()}

    def _tokens(self, texts: Sequence[str]) -> tuple[Tensor, Tensor]:
        tokens_BT, mask_BT = encode(self.tokenizer, texts, self.tower.max_tokens)
        return torch.from_numpy(tokens_BT), torch.from_numpy(mask_BT)

    def save(self, folder: Path) -> None:
        """Write a checkpoint."""
        state = {"config": asdict(self.config), "step": self.step, "text": self.tower.state_dict()}
        save_atomically(state | {"optimizer": self.optimizer.state_dict()}, folder / CHECKPOINT_FILE)

    def resume(self, folder: Path) -> None:
        """Load a checkpoint.

        Raises:
            FileNotFoundError: there is none.
            ValueError: it was made with other settings.
        """
        path = folder / CHECKPOINT_FILE
        if not path.is_file():
            raise FileNotFoundError(f"nothing to resume: no {CHECKPOINT_FILE} in {folder}")
        state: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
        if state["config"] != asdict(self.config):
            raise ValueError(f"{path} was made with {state['config']}; resume it with the same steps and seed")
        self.tower.load_state_dict(state["text"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.step = state["step"]


def _by_length(tower: TextTower, tokens_BT: Tensor, mask_BT: Tensor) -> Tensor:
    """Embeddings (B, E) of texts of all lengths."""
    used = mask_BT.sum(1)
    embeddings = torch.zeros(len(tokens_BT), tower.out.out_features)
    for rows in used.argsort(stable=True).chunk(LENGTHS):
        size = max(1, int(used[rows].max()))
        embeddings = embeddings.index_put((rows,), tower(tokens_BT[rows, :size], mask_BT[rows, :size]))
    return embeddings


def run(start: Path, out: Path, config: ExtendConfig, resume: bool = False, stop_after: int | None = None) -> float:
    """Train, or go on, and write a run folder that has the towers and the tokenizer.

    Args:
        start: run folder of the tower to begin with, as ``prompt`` or ``unpack`` leave it.
        out: run folder, made if missing.
        resume: True goes on from the checkpoint in ``out``.
        stop_after: stop early after this step, leaving a checkpoint.

    Returns:
        mean cosine of new and old embeddings over held-out phrases of old terms.

    Raises:
        FileNotFoundError: nothing to start from or to resume.
        ValueError: the checkpoint was made with other settings.
    """
    torch.manual_seed(config.seed)
    extension = TowerExtension(start, config)
    out.mkdir(parents=True, exist_ok=True)
    if resume:
        extension.resume(out)
    last = min(config.steps, stop_after or config.steps)
    with tqdm(total=config.steps, initial=extension.step, desc="extend", unit="step", disable=None) as bar:
        while extension.step < last:
            parts = extension.train_step()
            bar.update()
            if extension.step % config.save_every == 0 or extension.step == last:
                extension.save(out)
                log.info("step %d of %d, %s", extension.step, config.steps, parts)
    state: dict[str, Any] = torch.load(start / TOWER_FILE, map_location="cpu", weights_only=True)
    save_atomically(state | {"text": extension.tower.state_dict()}, out / TOWER_FILE)
    if start.resolve() != out.resolve():
        shutil.copyfile(start / TOKENIZER_FILE, out / TOKENIZER_FILE)
    return kept_cosine(extension)


def kept_cosine(extension: TowerExtension) -> float:
    """Mean cosine of new and old embeddings over held-out phrases of families and groups."""
    lexicon = extension.texts.lexicon
    wide = set(lexicon.wide)
    phrases = [phrase for phrase, term in lexicon.heldout() if term in wide][::JUDGED_EVERY]
    new, old = (
        embed(tower.eval(), extension.tokenizer, phrases) for tower in (extension.tower, extension.teacher)
    )  # fmt: skip
    return float((new * old).sum(1).mean() / new.shape[1])


def main(argv: list[str] | None = None) -> int:
    """``python -m training extend``."""
    parser = argparse.ArgumentParser(prog="python -m training extend", description="teach a text tower the parts")
    parser.add_argument("--start", type=Path, required=True, help="run folder of a trained tower, as unpack leaves it")
    parser.add_argument("--out", type=Path, required=True, help="run folder to write")
    parser.add_argument("--resume", action="store_true", help="go on from the checkpoint in --out")
    parser.add_argument("--steps", type=int, default=600)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--threads", type=int, default=1, help="processor threads (default 1)")
    options = parser.parse_args(argv)
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    torch.set_num_threads(options.threads)
    config = ExtendConfig(steps=options.steps, seed=options.seed)
    cosine = run(options.start, options.out, config, options.resume)
    log.info("old held-out phrases have cosine %.4f with where they were", cosine)
    log.info("wrote %s; see how it routes: python -m training route --run %s", options.out / TOWER_FILE, options.out)
    return 0
