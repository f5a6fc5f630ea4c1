"""Train the scene encoder on drawn clips: when the shown players sound, and who they are in the prompt space.

Of each frame: whether each family sounds, whether anybody does, onsets, energy. Of each clip: the families seen playing
against the prompt tower's prototypes, and the embedding of a phrase that asks for them. Needs a trained prompt tower.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from training.config import Preset
from training.data.instruments import families
from training.prompt.tower import embed, load_text_tower
from training.scene.clips import DrawnScene, LabelledClip
from training.scene.config import frames_of
from training.scene.model import SceneTower, save_scene
from training.text.lexicon import Lexicon
from training.trainer.arguments import parse
from training.trainer.precision import autocast
from training.trainer.trainer import TrainConfig, Trainer

HEADS_FILE = "heads.pt"
PHRASES = 48  # of each family, whose embeddings are targets
SCALE = 12.0  # inverse temperature over prototypes
SOUND_WEIGHT, FAMILY_WEIGHT, ONSET_WEIGHT, ENERGY_WEIGHT, NAME_WEIGHT, PHRASE_WEIGHT = 2.0, 12.0, 1.0, 2.0, 0.7, 1.0


@dataclass(frozen=True, slots=True)
class SceneBatch:
    """One step's clips: frames uint8 (B,F,H,W,3), and the labels as in ``LabelledClip``, a phrase's embedding."""

    frames: Tensor
    sounding: Tensor
    onset: Tensor
    energy: Tensor
    wanted: Tensor
    phrase: Tensor


class SceneHeads(nn.Module):
    """The encoder with heads on its features, which only training needs."""

    def __init__(self, encoder: SceneTower) -> None:
        super().__init__()
        self.encoder = encoder
        self.heads = nn.Linear(encoder.config.picture, len(families()) + 3)

    def read(self, picture: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Features (B,F,P) -> logits of families (B,F,families), of anybody, of onsets, and energy, each (B,F)."""
        out = self.heads(picture)
        return out[..., 3:], out[..., 0], out[..., 1], out[..., 2]


class FamilyPhrases:
    """Embeddings of training phrases of every family, unit length, and their means."""

    def __init__(self, prompt_run: Path) -> None:
        tower, tokenizer = load_text_tower(prompt_run)
        lexicon, rng = Lexicon.load(), np.random.default_rng(17)
        self.phrases = np.stack(
            [
                embed(tower, tokenizer, [lexicon.phrases(name, "train", rng) for _ in range(PHRASES)])
                for name in families()
            ]
        )  # (families, PHRASES, E)
        self.phrases /= np.linalg.norm(self.phrases, axis=-1, keepdims=True)
        self.means = self.phrases.mean(1)
        self.means /= np.linalg.norm(self.means, axis=-1, keepdims=True)

    def draw(self, rng: np.random.Generator, wanted: np.ndarray) -> np.ndarray:
        """A phrase of each wanted family, their weighted mean: float32 (E,), unit length."""
        chosen = self.phrases[np.arange(len(self.phrases)), rng.integers(PHRASES, size=len(self.phrases))]
        mean: np.ndarray = wanted @ chosen
        return (mean / np.linalg.norm(mean)).astype(np.float32)


class SceneStage:
    """Batches and loss of the scene encoder."""

    def __init__(self, preset: Preset, names: FamilyPhrases) -> None:
        self.config, self.names = preset.scene, names
        self.count = min(self.config.crop_frames, frames_of(preset.grid.grid))
        torch.manual_seed(self.config.seed)
        encoder = SceneTower(self.config, names.means.shape[1])
        self.model: SceneHeads = SceneHeads(encoder).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.means = torch.from_numpy(names.means)

    def to(self, device: torch.device) -> None:
        """Move what the loss needs beside the model."""
        self.means = self.means.to(device)

    def batch(self, step: int) -> SceneBatch:
        """Clips of a step."""
        rng = np.random.default_rng([self.config.seed, step])
        scenes = [DrawnScene(rng, self.config.size_px) for _ in range(self.config.batch // 2)]
        seen = [scene.film(rng, self.count) for scene in scenes for _ in range(2)]
        return stack_clips(seen, [self.names.draw(rng, one.wanted) for one in seen])

    def loss(self, batch: SceneBatch, generator: torch.Generator, progress: float) -> tuple[Tensor, dict[str, float]]:
        """Errors of the heads and of the embedding, weighted."""
        with autocast():
            picture, embedding = self.model.encoder(batch.frames.float() / 255)
            by_family, anybody, onset, energy = self.model.read(picture)
        heard = batch.sounding.amax(-1)
        unit = F.normalize(embedding.float(), dim=-1)
        parts = {
            "sounding": SOUND_WEIGHT * F.binary_cross_entropy_with_logits(anybody.float(), heard),
            "families": FAMILY_WEIGHT * F.binary_cross_entropy_with_logits(by_family.float(), batch.sounding),
            "onset": ONSET_WEIGHT * F.binary_cross_entropy_with_logits(onset.float(), batch.onset),
            "energy": ENERGY_WEIGHT * F.mse_loss(energy.float(), batch.energy),
            "names": NAME_WEIGHT * F.cross_entropy(SCALE * unit @ self.means.T, batch.wanted),
            "phrase": PHRASE_WEIGHT * (1 - (unit * batch.phrase).sum(-1)).mean(),
        }
        return torch.stack(list(parts.values())).sum(), {name: part.item() for name, part in parts.items()}


def stack_clips(seen: list[LabelledClip], phrases: list[np.ndarray]) -> SceneBatch:
    """Stack clips into a batch."""

    def side(rows: list[np.ndarray]) -> Tensor:
        return torch.from_numpy(np.stack(rows))

    return SceneBatch(
        side([one.frames for one in seen]),
        side([one.sounding for one in seen]),
        side([one.onset for one in seen]),
        side([one.energy for one in seen]),
        side([one.wanted for one in seen]),
        side(phrases),
    )


def train_scene(preset: Preset, prompt_run: Path, folder: Path, resume: bool = False, workers: int = 1) -> Trainer:
    """Train and leave ``scene.pt`` (averaged weights) in ``folder``."""
    config = preset.scene
    plan = TrainConfig(
        steps=config.steps,
        minutes=config.minutes,
        learning_rate=config.learning_rate,
        ema=config.ema,
        seed=config.seed,
        warmup=min(50, config.steps // 10 + 1),
        settings={"stage": "scene", **asdict(preset)},
    )
    run = Trainer(SceneStage(preset, FamilyPhrases(prompt_run)), plan, folder)
    if resume:
        run.resume()
    run.train(workers=workers)
    if run.distributed.first:
        watcher = run.averaged()
        assert isinstance(watcher, SceneHeads)
        save_scene(watcher.encoder, folder)
        torch.save(watcher.heads.state_dict(), folder / HEADS_FILE)
    return run


def load_heads(encoder: SceneTower, run: Path) -> SceneHeads:
    """A trained encoder with the heads that were trained with it, frozen.

    Raises:
        FileNotFoundError: the run has no heads.
    """
    path = Path(run) / HEADS_FILE
    if not path.is_file():
        raise FileNotFoundError(f"no {HEADS_FILE} in {run}; train a scene encoder with: python -m training scene")
    watcher = SceneHeads(encoder)
    watcher.heads.load_state_dict(torch.load(path, map_location="cpu", weights_only=True))
    return watcher.eval().requires_grad_(False)


def main(argv: list[str]) -> int:
    """``python -m training scene``."""
    asked = parse("scene", "train the scene encoder on drawn clips", argv, needs=("prompt",))
    train_scene(asked.preset, asked.runs["prompt"], asked.out, asked.resume, asked.workers)
    print(f"wrote {asked.out / 'scene.pt'}; see what it sees: python -m training watch --run {asked.out}")
    return 0
