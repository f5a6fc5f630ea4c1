"""Train the prompt tower: phrases against term prototypes, and phrases against rendered stems.

Three terms in the loss: (1) cross-entropy of a phrase over learned prototypes of all terms makes routing sharp;
(2) multi-positive InfoNCE between phrases and stems, a pair being positive when the stem's family is among the
families of the phrase's term; (3) cross-entropy of a stem over the family prototypes.
Without rendered stems, (1) alone.

Sources: Radford et al. 2021, arXiv:2103.00020 (contrastive towers); Khosla et al. 2020, arXiv:2004.11362 (many
positives).
"""

from __future__ import annotations

import argparse
import logging
import math
from contextlib import ExitStack
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from tokenizers import Tokenizer
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.tensorboard import SummaryWriter
from tqdm import tqdm

from training.config import load_preset
from training.prompt.config import PromptConfig, config_from_table
from training.prompt.model import AudioTower, TextTower
from training.prompt.stems import MelBank, StemKey, choose_stems, open_cache
from training.prompt.tower import save_towers, text_tower
from training.text.augment import add_typos
from training.text.lexicon import Lexicon
from training.text.tokenizer import TOKENIZER_FILE, encode, load_tokenizer, train_tokenizer, training_text
from training.trainer.arguments import RUNS
from training.trainer.checkpoints import save_atomically
from training.trainer.precision import compute_dtype

log = logging.getLogger(__name__)

CHECKPOINT_FILE = "prompt-checkpoint.pt"
UNKNOWN_SHARE = 0.02  # of tokens replaced by the unknown one
WEIGHT_DECAY = 0.05
CLIP_NORM = 1.0
LARGEST_SCALE = 40.0
AUDIO_WEIGHT = 0.3


@dataclass(frozen=True, slots=True)
class PromptRun:
    """Files and losses of a run.

    Attributes:
        folder, tower, tokenizer, checkpoint: where it is.
        losses: loss of each step that this call took.
    """

    folder: Path
    tower: Path
    tokenizer: Path
    checkpoint: Path
    losses: tuple[float, ...]


class ContrastiveTowers(nn.Module):
    """Everything that is trained: both towers, a prototype per term, two temperatures."""

    def __init__(self, config: PromptConfig, vocab: int, terms: int) -> None:
        super().__init__()
        self.text: TextTower = text_tower(config, vocab)
        self.audio = AudioTower(config.embedding)
        self.prototypes = nn.Parameter(torch.randn(terms, config.embedding))
        self.log_scales = nn.Parameter(torch.full((2,), math.log(14.0)))

    def scale(self, which: int) -> Tensor:
        """Inverse temperature: 0 for prototypes, 1 for pairs."""
        return self.log_scales[which].exp().clamp(max=LARGEST_SCALE)


@dataclass(frozen=True, slots=True)
class PromptBatch:
    """One step's data; the audio parts are None in a step without audio."""

    tokens_BT: Tensor
    mask_BT: Tensor
    terms_B: Tensor
    mels: Tensor | None
    families_A: Tensor | None
    positive_BA: Tensor | None


class PromptSampler:
    """Draws batches by step number and seed, so a resumed run sees the same data."""

    def __init__(self, config: PromptConfig, lexicon: Lexicon, tokenizer: Tokenizer, bank: MelBank | None) -> None:
        self.config, self.lexicon, self.tokenizer, self.bank = config, lexicon, tokenizer, bank

    def batch(self, step: int) -> PromptBatch:
        """The batch of a step."""
        rng = np.random.default_rng([self.config.seed, step])
        terms = rng.integers(len(self.lexicon.terms), size=self.config.batch)
        phrases = [add_typos(self.lexicon.phrases(self.lexicon.terms[t], "train", rng), rng) for t in terms]
        tokens_BT, mask_BT = encode(self.tokenizer, phrases, self.config.max_tokens)
        used = int(mask_BT.sum(1).max())
        tokens_BT, mask_BT = tokens_BT[:, :used], mask_BT[:, :used]
        tokens_BT[(rng.random(tokens_BT.shape) < UNKNOWN_SHARE) & mask_BT] = 1
        text = torch.from_numpy(tokens_BT), torch.from_numpy(mask_BT), torch.from_numpy(terms)
        if self.bank is None or step % self.config.audio_every:
            return PromptBatch(*text, None, None, None)
        families = [self.bank.families[i] for i in rng.integers(len(self.bank.families), size=self.config.audio_batch)]
        positive = [[name in self.lexicon.families_of(self.lexicon.terms[t]) for name in families] for t in terms]
        index = torch.tensor([self.lexicon.terms.index(name) for name in families])
        return PromptBatch(*text, self.bank.draw(families, rng), index, torch.tensor(positive))


def loss_of(towers: ContrastiveTowers, batch: PromptBatch, families: int) -> Tensor:
    """The loss of a batch; the first ``families`` prototypes are families, the rest groups."""
    text_BE = F.normalize(towers.text(batch.tokens_BT, batch.mask_BT).float(), dim=-1)
    prototypes = F.normalize(towers.prototypes, dim=-1)
    loss = F.cross_entropy(towers.scale(0) * text_BE @ prototypes.T, batch.terms_B)
    if batch.mels is None or batch.positive_BA is None or batch.families_A is None:
        return loss
    audio_AE = F.normalize(towers.audio.embed_mel(batch.mels).float(), dim=-1)
    named = F.cross_entropy(towers.scale(0) * audio_AE @ prototypes[:families].T, batch.families_A)
    logits_BA = towers.scale(1) * text_BE @ audio_AE.T
    pairs = _many_positives(logits_BA, batch.positive_BA) + _many_positives(logits_BA.T, batch.positive_BA.T)
    return loss + AUDIO_WEIGHT * (named + 0.5 * pairs)


def _many_positives(logits: Tensor, positive: Tensor) -> Tensor:
    """InfoNCE whose target is spread over all positives of a row; rows without one do not count."""
    count = positive.sum(1)
    score = (logits.log_softmax(1) * positive).sum(1) / count.clamp(min=1)
    return -score.sum() / (count > 0).sum().clamp(min=1)


def run(
    config: PromptConfig,
    out_folder: Path,
    cache_folder: Path | None = None,
    resume: Path | None = None,
    stop_after: int | None = None,
) -> PromptRun:
    """Train, or go on training, and write tower, tokenizer, checkpoint and TensorBoard log.

    Args:
        config: sizes and lengths; a resumed run keeps its own.
        out_folder: run folder, made if missing.
        cache_folder: rendered stems; None or an empty one trains on text alone.
        resume: run folder to go on from; the same steps give the same losses as without the break.
        stop_after: stop early after this step, leaving a checkpoint.

    Raises:
        FileNotFoundError: nothing to resume from.
    """
    out_folder.mkdir(parents=True, exist_ok=True)
    lexicon = Lexicon.load()
    state = _read_checkpoint(resume) if resume else None
    config = config_from_table(state["config"]) if state else with_precision(config)
    tokenizer = _tokenizer(config, lexicon, out_folder, resume)
    torch.manual_seed(config.seed)
    towers = ContrastiveTowers(config, tokenizer.get_vocab_size(), len(lexicon.terms))
    optimizer = torch.optim.AdamW(towers.parameters(), config.learning_rate, weight_decay=WEIGHT_DECAY)
    keys = _keys(state["stems"]) if state else None
    bank = _bank(config, lexicon, towers, cache_folder, keys)
    first = 0
    if state:
        towers.load_state_dict(state["towers"])
        optimizer.load_state_dict(state["optimizer"])
        first = state["step"]
    log.info("%d stems of %d families", *(_size(bank)))
    draw = PromptSampler(config, lexicon, tokenizer, bank)
    last = min(config.steps, stop_after or config.steps)
    losses = _train(config, out_folder, towers, optimizer, draw, first, last)
    save_towers(out_folder, config, tokenizer.get_vocab_size(), towers.text, towers.audio)
    return PromptRun(
        out_folder, out_folder / "prompt.pt", out_folder / TOKENIZER_FILE, out_folder / CHECKPOINT_FILE, losses
    )


def _train(
    config: PromptConfig,
    folder: Path,
    towers: ContrastiveTowers,
    optimizer: torch.optim.Optimizer,
    draw: PromptSampler,
    first: int,
    last: int,
) -> tuple[float, ...]:
    losses: list[float] = []
    families = len(draw.lexicon.families)
    with ExitStack() as stack:
        board = stack.enter_context(SummaryWriter(str(folder / "tensorboard"), purge_step=first))
        bar = stack.enter_context(tqdm(total=config.steps, initial=first, desc="prompt", unit="step", disable=None))
        for step in range(first, last):
            rate = _rate(config, step)
            for group in optimizer.param_groups:
                group["lr"] = rate
            batch = draw.batch(step)  # sounds stay float32
            with torch.autocast("cpu", torch.bfloat16, enabled=config.precision == "bf16"):
                loss = loss_of(towers, batch, families)
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            nn.utils.clip_grad_norm_(towers.parameters(), CLIP_NORM)
            optimizer.step()
            losses.append(loss.item())
            bar.update()
            bar.set_postfix(loss=f"{losses[-1]:.3f}", lr=f"{rate:.1e}", refresh=False)
            if step % 10 == 0:
                board.add_scalar("prompt/loss", losses[-1], step)
                board.add_scalar("prompt/learning_rate", rate, step)
            if (step + 1) % config.save_every == 0 or step + 1 == last:
                _save_checkpoint(folder, config, towers, optimizer, draw.bank, step + 1)
                log.info("step %d of %d, loss %.3f, rate %.1e", step + 1, config.steps, losses[-1], rate)
    return tuple(losses)


def with_precision(config: PromptConfig) -> PromptConfig:
    """The config with ``auto`` precision decided for this machine, so that a resumed run keeps it."""
    if config.precision != "auto":
        return config
    return replace(config, precision="bf16" if compute_dtype() is torch.bfloat16 else "fp32")


def _rate(config: PromptConfig, step: int) -> float:
    warm = min(1.0, (step + 1) / (0.05 * config.steps + 1))
    return config.learning_rate * warm * (0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * step / config.steps)))


def _tokenizer(config: PromptConfig, lexicon: Lexicon, folder: Path, resume: Path | None) -> Tokenizer:
    if resume:
        tokenizer = load_tokenizer(resume)
    else:
        tokenizer = train_tokenizer(training_text(lexicon), config.vocab, config.max_tokens)
    tokenizer.save(str(folder / TOKENIZER_FILE))
    return tokenizer


def _bank(
    config: PromptConfig,
    lexicon: Lexicon,
    towers: ContrastiveTowers,
    folder: Path | None,
    keys: dict[str, list[StemKey]] | None,
) -> MelBank | None:
    cache = open_cache(folder)
    if keys is None:
        keys = choose_stems(cache, lexicon.families, config.max_stems, judge=False) if cache else {}
    if not keys:
        return None
    if cache is None:
        raise FileNotFoundError(f"the run was trained on rendered stems, and there are none in {folder}; give --cache")
    return MelBank(cache, towers.audio.log_mel, keys)


def _size(bank: MelBank | None) -> tuple[int, int]:
    return (sum(map(len, bank.keys.values())), len(bank.keys)) if bank else (0, 0)


def _keys(stems: dict[str, list[list[Any]]]) -> dict[str, list[StemKey]]:
    return {family: [(str(piece), int(place)) for piece, place in rows] for family, rows in stems.items()}


def _read_checkpoint(folder: Path) -> dict[str, Any]:
    path = folder / CHECKPOINT_FILE
    if not path.is_file():
        raise FileNotFoundError(f"nothing to resume: no {CHECKPOINT_FILE} in {folder}")
    state: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    return state


def _save_checkpoint(
    folder: Path,
    config: PromptConfig,
    towers: ContrastiveTowers,
    optimizer: torch.optim.Optimizer,
    bank: MelBank | None,
    step: int,
) -> None:
    stems = {family: [list(key) for key in keys] for family, keys in bank.keys.items()} if bank else {}
    state = {"config": asdict(config), "step": step, "stems": stems}
    state |= {"towers": towers.state_dict(), "optimizer": optimizer.state_dict()}
    save_atomically(state, folder / CHECKPOINT_FILE)


def main(argv: list[str] | None = None) -> int:
    """``python -m training prompt``."""
    parser = argparse.ArgumentParser(prog="python -m training prompt", description="Train the prompt tower.")
    parser.add_argument("--preset", default="small", help="name in training/presets, or a TOML file")
    parser.add_argument("--out", type=Path, help="run folder to write (default runs/prompt-PRESET)")
    parser.add_argument("--resume", type=Path, help="run folder to go on from")
    parser.add_argument("--cache", type=Path, help="folder of rendered stems (default runs/cache-PRESET)")
    parser.add_argument("--threads", type=int, default=1, help="processor threads (default 1)")
    options = parser.parse_args(argv)
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    torch.set_num_threads(options.threads)
    name = Path(options.preset).stem
    try:
        done = run(
            load_preset(options.preset).prompt,
            options.out or options.resume or RUNS / f"prompt-{name}",
            options.cache or RUNS / f"cache-{name}",
            options.resume,
        )
    except (ValueError, FileNotFoundError) as error:
        parser.error(str(error))
    log.info("wrote %s; see how it routes: python -m training route --run %s", done.tower, done.folder)
    return 0
