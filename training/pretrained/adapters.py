"""``python -m training adapters``: small MLPs that bring CLAP and CLIP into the prompt space of a bundle that exists.

A flow was trained on one prompt space. Another encoder's words, sounds and pictures reach it through an MLP (MusFlow's
"feature alignment"), trained here on pairs: what the other encoder gives, and what the bundle's own would have.

    text     a phrase                    -> the bundle's embedding of it
    audio    a rendered stem             -> the bundle's mean embedding of its instrument's names
    scene    a drawn clip                -> the same of those who are seen to play
    picture  a frame of a drawn clip     -> the bundle's own features of it, where its flow takes pictures

A tenth is held back, whole: phrasings that the lexicon keeps from training, whole pieces, whole clips. How close the
answers come there is printed and kept.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from tokenizers import Tokenizer
from torch import Tensor, nn
from torch.nn import functional as F

from engine.bundle.bundle import Bundle, load_bundle
from training.config import Preset
from training.data.instruments import families
from training.data.stem_cache import StemCache
from training.eval.bundle_system import EngineError, locate
from training.finetune.bundle import preset_of, save_tower
from training.finetune.weights import read_weights
from training.pretrained.arguments import add_towers, check_towers, clap_of, clip_of
from training.pretrained.clap import ClapAudio, ClapText, ClapTowers, save_tokenizer
from training.pretrained.clip import ClipFrames, ClipTower
from training.pretrained.graphs import pooled, unit
from training.prompt.model import MlpAdapter
from training.prompt.tower import embed, load_text_tower
from training.scene.clips import DrawnScene
from training.scene.config import frames_of
from training.scene.model import SceneTower, load_scene
from training.text.lexicon import Lexicon
from training.text.tokenizer import encode
from training.trainer.arguments import RUNS
from training.trainer.checkpoints import save_atomically

FILE = "adapters.pt"
MAX_TOKENS = 77  # laion-clap's
ROWS = 32
BATCH = 256
HELD_EVERY = 10
NAMES = 24  # phrases whose mean names an instrument
LEARNING_RATE, WEIGHT_DECAY = 2e-3, 0.01
QUIET = 1e-5
SEED = 41
Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class EmbeddingPairs:
    """Embeddings by the new encoder and, as targets, by the bundle's own.

    Attributes:
        given: ``(n, X)``.
        wanted: ``(n, E or P)``.
        group: ``(n,)``, number of the phrase, piece or clip that a pair is of; every tenth is held back. None means
            that each pair is one of its own.
    """

    given: Tensor
    wanted: Tensor
    group: Tensor | None = None

    def part(self, held: bool) -> EmbeddingPairs:
        """The pairs held back, or all others."""
        group = torch.arange(len(self.given)) if self.group is None else self.group
        chosen = (group % HELD_EVERY == 0) == held
        return EmbeddingPairs(self.given[chosen], self.wanted[chosen], group[chosen])


@dataclass(frozen=True, slots=True)
class FittedAdapter:
    """A trained adapter and its mean cosine on held-out pairs."""

    adapter: MlpAdapter
    cosine: float


def fit(pairs: EmbeddingPairs, steps: int, seed: int = SEED) -> FittedAdapter:
    """Train an adapter on pairs; the loss is the cosine distance to the target."""
    generator = torch.Generator().manual_seed(seed)
    torch.manual_seed(seed)
    adapter = MlpAdapter(pairs.given.shape[1], pairs.wanted.shape[1])
    train, held = pairs.part(held=False), pairs.part(held=True)
    optimizer = torch.optim.AdamW(adapter.parameters(), lr=LEARNING_RATE, weight_decay=WEIGHT_DECAY)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    for _ in range(steps):
        rows = torch.randint(len(train.given), (min(BATCH, len(train.given)),), generator=generator)
        loss = 1 - F.cosine_similarity(adapter(train.given[rows]), train.wanted[rows]).mean()
        optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        schedule.step()
    adapter.eval().requires_grad_(False)
    return FittedAdapter(adapter, float(F.cosine_similarity(adapter(held.given), held.wanted).mean()))


class PromptTargets:
    """Targets: phrases and instrument names embedded by the bundle's own encoder."""

    def __init__(self, run: Path) -> None:
        self.tower, self.tokenizer = load_text_tower(run)
        self.lexicon = Lexicon.load()
        rng = np.random.default_rng(SEED)
        named = [[self.lexicon.phrases(name, "train", rng) for _ in range(NAMES)] for name in families()]
        self.means = torch.stack([unit(torch.from_numpy(self.embed(phrases))).mean(0) for phrases in named])

    def embed(self, phrases: list[str]) -> Floats:
        """Embeddings ``(n, E)``."""
        return embed(self.tower, self.tokenizer, phrases)


def text_pairs(clap: ClapTowers, tokenizer: Tokenizer, names: PromptTargets, count: int) -> EmbeddingPairs:
    """Phrases of every term in turn; the held-back are of the lexicon's own held-out split."""
    phrases, group = text_phrases(names.lexicon, count)
    tower = ClapText(clap)

    def look(rows: list[str]) -> Tensor:
        tokens, _ = encode(tokenizer, rows, MAX_TOKENS)
        lengths = [len(one.ids) for one in tokenizer.encode_batch(rows)]
        mask = np.arange(MAX_TOKENS)[None] < np.minimum(lengths, MAX_TOKENS)[:, None]  # 0 is a token of RoBERTa's
        used = int(mask.sum(1).max())
        return tower(torch.from_numpy(tokens[:, :used]), torch.from_numpy(mask[:, :used]))

    return EmbeddingPairs(_in_rows(look, phrases), torch.from_numpy(names.embed(phrases)), torch.tensor(group))


def text_phrases(lexicon: Lexicon, count: int) -> tuple[list[str], list[int]]:
    """Phrases and their groups. No phrase that is held back is in training, and every term comes to be held back."""
    rng, terms = np.random.default_rng(SEED), lexicon.terms
    on = (1 - len(terms)) % HELD_EVERY  # with each round, or some terms never had a turn
    group = [k + on * (k // len(terms)) for k in range(count)]
    split = ["train" if number % HELD_EVERY else "held" for number in group]
    return [lexicon.phrases(terms[k % len(terms)], split[k], rng) for k in range(count)], group


def audio_pairs(
    clap: ClapTowers, cache: StemCache, names: PromptTargets, samples: int, rate_hz: int, count: int
) -> EmbeddingPairs:
    """Windows of rendered stems, every family as often as it comes; the stems of a piece are one group."""
    rng, known = np.random.default_rng(SEED), list(families())
    tower = ClapAudio(clap, rate_hz)
    windows, wanted, group = [], [], []
    pieces: dict[str, int] = {}
    for k in rng.permutation(cache.count):
        label = cache.label(int(k))
        first = int(rng.integers(0, max(1, cache.samples - samples + 1)))
        window = cache.audio(int(k), first, samples)
        if label["family"] not in known or float((window**2).mean()) < QUIET:
            continue
        windows.append(np.pad(window, (0, samples - len(window))))
        wanted.append(known.index(label["family"]))
        group.append(pieces.setdefault(label["piece"], len(pieces)))
        if len(windows) == count:
            break
    if len(windows) < HELD_EVERY or len(pieces) < 2:
        raise ValueError(
            f"{cache.folder} holds {len(windows)} stems of {len(pieces)} pieces that sound and have a name, and one "
            "piece is held back; give a fuller --cache"
        )
    given = _in_rows(lambda rows: tower(torch.from_numpy(np.stack(rows))[:, None]), windows)
    return EmbeddingPairs(given, names.means[wanted], torch.tensor(group))


def scene_pairs(
    clip: ClipTower, names: PromptTargets, own: SceneTower | None, frames: int, count: int
) -> tuple[EmbeddingPairs, EmbeddingPairs | None]:
    """Drawn clips, and their frames where the bundle's own encoder tells what it makes of them; a clip is a group."""
    tower = ClipFrames(clip)
    seen, wanted, per_frame, features, group = [], [], [], [], []
    for number in range(count):
        rng = np.random.default_rng([SEED, number])
        drawn = DrawnScene(rng, clip.size_px).film(rng, frames)
        picture = torch.from_numpy(drawn.frames.astype(np.float32) / 255)[None]
        with torch.inference_mode():
            given = tower(picture)
        seen.append(pooled(given)[0])
        wanted.append(torch.from_numpy(drawn.wanted) @ names.means)
        if own is not None:
            size = own.config.size_px
            small = F.interpolate(picture[0].permute(0, 3, 1, 2), size=(size, size), mode="area").permute(0, 2, 3, 1)
            with torch.inference_mode():
                alive = given[0].abs().amax(1) > 0
                per_frame.append(given[0][alive])
                features.append(own(small[None])[0][0][alive])
                group += [number] * int(alive.sum())
    whole = EmbeddingPairs(torch.stack(seen), torch.stack(wanted))
    return whole, EmbeddingPairs(torch.cat(per_frame), torch.cat(features), torch.tensor(group)) if per_frame else None


def _in_rows(look: Callable[[list[Any]], Tensor], items: list[Any]) -> Tensor:
    rows = []
    for at in range(0, len(items), ROWS):
        with torch.inference_mode():
            rows.append(look(items[at : at + ROWS]))
    return torch.cat(rows).clone()


def save_adapters(fitted: dict[str, FittedAdapter], bundle: Bundle, folder: Path) -> Path:
    """Write all adapters into one file of a run folder; returns it."""
    state = {
        "bundle": bundle.label,
        "adapters": {name: one.adapter.state_dict() for name, one in fitted.items()},
        "cosines": {name: one.cosine for name, one in fitted.items()},
    }
    save_atomically(state, folder / FILE)
    return folder / FILE


def load_adapters(folder: Path) -> dict[str, nn.Module]:
    """Adapters by name, frozen.

    Raises:
        FileNotFoundError: none were trained there.
    """
    if not (folder / FILE).is_file():
        raise FileNotFoundError(f"no {FILE} in {folder}; train some with: python -m training adapters --out {folder}")
    made: dict[str, nn.Module] = {}
    for name, state in torch.load(folder / FILE, map_location="cpu", weights_only=True)["adapters"].items():
        adapter = MlpAdapter(state["up.weight"].shape[1], state["down.weight"].shape[0])
        adapter.load_state_dict(state)
        made[name] = adapter.eval().requires_grad_(False)
    return made


def own_scene(bundle: Bundle, preset: Preset, run: Path | None) -> SceneTower | None:
    """The bundle's own encoder of pictures; None where its flow takes none.

    Raises:
        ValueError: its weights cannot be read, or nothing tells where they are.
    """
    if "picture" not in bundle.manifest.graphs["step"].inputs:
        return None
    if run is not None:
        return load_scene(run)
    graph = bundle.manifest.graphs["scene"]
    encoder = SceneTower(preset.scene, bundle.manifest.embedding).eval().requires_grad_(False)
    encoder.load_state_dict(read_weights(bundle.path(graph.file), encoder))
    return encoder


def _arguments(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m training adapters", description="bring other encoders to a bundle")
    parser.add_argument("--bundle", default="small", help="whose prompt space to reach: its name or folder")
    add_towers(parser)
    parser.add_argument("--out", type=Path, help="run folder; runs/encoders-BUNDLE when not given")
    parser.add_argument("--preset", help="that the bundle was trained by, where the bundle does not say")
    parser.add_argument("--cache", type=Path, help="rendered stems; runs/cache-PRESET when not given")
    parser.add_argument("--scene", type=Path, metavar="RUN", help="run of the bundle's scene encoder")
    parser.add_argument("--phrases", type=int, default=6000)
    parser.add_argument("--stems", type=int, default=2000)
    parser.add_argument("--clips", type=int, default=300)
    parser.add_argument("--steps", type=int, default=2000, help="of each adapter")
    args = parser.parse_args(argv)
    check_towers(args, "adapt")
    if min(args.phrases, args.stems, args.clips) < 2 * HELD_EVERY or args.steps < 1:
        raise ValueError(f"--phrases, --stems and --clips must be at least {2 * HELD_EVERY}, --steps at least 1")
    return args


def all_pairs(
    args: argparse.Namespace, bundle: Bundle, preset: Preset, out: Path
) -> Iterator[tuple[str, EmbeddingPairs]]:
    """Pairs of every adapter that was asked for, one after the other."""
    names, grid = PromptTargets(out), bundle.manifest.grid
    clap, clip = clap_of(args), clip_of(args)
    if clap is not None:
        save_tokenizer(clap, args.clap_tokenizer, out / "clap-tokenizer.json", MAX_TOKENS)
        tokenizer = Tokenizer.from_file(str(out / "clap-tokenizer.json"))
        yield "text", text_pairs(clap, tokenizer, names, args.phrases)
        cache = StemCache(args.cache or RUNS / f"cache-{preset.name}")
        yield "audio", audio_pairs(clap, cache, names, grid.window_samples, grid.sample_rate_hz, args.stems)
    if clip is not None:
        whole, frames = scene_pairs(clip, names, own_scene(bundle, preset, args.scene), frames_of(grid), args.clips)
        yield "scene", whole
        if frames is not None:
            yield "picture", frames


def main(argv: list[str]) -> int:
    """``python -m training adapters``."""
    args = _arguments(argv)
    try:
        bundle = load_bundle(locate(args.bundle))
    except EngineError as error:
        raise ValueError(str(error)) from error
    preset = preset_of(bundle, args.preset)
    out = args.out or RUNS / f"encoders-{bundle.manifest.name}"
    out.mkdir(parents=True, exist_ok=True)
    save_tower(bundle, preset, out)
    fitted: dict[str, FittedAdapter] = {}
    for name, pairs in all_pairs(args, bundle, preset, out):
        fitted[name] = fit(pairs, args.steps)
        print(f"{name}: {len(pairs.given)} pairs; cosine to the bundle's own {fitted[name].cosine:.3f} where held back")
    print(f"wrote {save_adapters(fitted, bundle, out)}; python -m export encoders --adapters {out} puts them to use")
    return 0
