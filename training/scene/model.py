"""Frames to picture features in time and one embedding in the prompt space.

    see     frames (B,F,H,W,3) -> hidden (B,F,X): convolutions over the picture and its change since the frame before
    move    hidden (B,F,X) -> hidden (B,F,X): what happens within two frames to either side
    pool    hidden (B,F,X) -> (B,X): temporal scene attention, or the plain mean
    adapt   (B,X) -> embedding (B,E): an MLP into the prompt space

A frame that is black throughout is no picture: its features are zeros and the pooling skips it.

Source: MAGE (arXiv 2604.09803) section 3.2 and appendix A; MusFlow's adapters.
"""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from training.prompt.model import HalvingConv, MlpAdapter, to_unit_scale
from training.scene.config import SceneConfig
from training.trainer.arguments import RUNS
from training.trainer.checkpoints import save_atomically
from training.typing import FloatArray

SCENE_FILE = "scene.pt"
REACH = 2  # frames to either side that a frame's features look at


class SceneTower(nn.Module):
    """Small enough for a laptop's processor; the shapes are in the module's docstring.

    Args:
        embedding: length E of the prompt space.
    """

    def __init__(self, config: SceneConfig, embedding: int) -> None:
        super().__init__()
        self.config, self.embedding = config, embedding
        sizes = [config.width, 2 * config.width, 3 * config.width]
        hidden = 4 * config.width
        self.see = nn.Sequential(ConvStem(6, config.width), *(HalvingConv(a, b) for a, b in pairwise(sizes)))
        self.seen = nn.Linear(2 * sizes[-1], hidden)
        self.move = nn.Conv1d(hidden, hidden, 2 * REACH + 1, padding=REACH)
        self.norm = nn.LayerNorm(hidden)
        self.picture = nn.Linear(hidden, config.picture)
        self.pool = ScenePooling(hidden, config.pooling)
        self.adapt = MlpAdapter(hidden, embedding)

    def forward(self, frames: Tensor) -> tuple[Tensor, Tensor]:
        """See a clip.

        Args:
            frames: float (B,F,H,W,3), 0 to 1; H and W are ``config.size_px``.

        Returns:
            picture features (B,F,P) of unit scale, and the embedding (B,E) of norm sqrt(E); both zeros where there is
            no picture at all.
        """
        batch, count = frames.shape[:2]
        alive = (frames.flatten(2).amax(2) > 0).to(frames.dtype)[:, :, None]  # (B, F, 1)
        maps = self.see(with_change(frames, alive).flatten(0, 1))
        both = torch.cat([maps.mean((2, 3)), maps.amax((2, 3))], 1)
        x = F.gelu(self.seen(both)).reshape(batch, count, -1) * alive
        x = self.norm(x + F.gelu(self.move(x.transpose(1, 2))).transpose(1, 2))
        picture = to_unit_scale(self.picture(x)) * alive
        any_alive = alive.amax(1)
        return picture, to_unit_scale(self.adapt(self.pool(x, alive))) * any_alive


def with_change(frames: Tensor, alive: Tensor) -> Tensor:
    """Frames (B,F,H,W,3) -> (B,F,6,H,W): the picture around zero, and its change since the frame before."""
    x = frames.permute(0, 1, 4, 2, 3)
    both_alive = (alive[:, 1:] * alive[:, :-1])[..., None, None]
    change = torch.cat([torch.zeros_like(x[:, :1]), (x[:, 1:] - x[:, :-1]) * both_alive], 1)
    return torch.cat([2.0 * x - 1.0, 4.0 * change], 2)


class ConvStem(nn.Module):
    """Overlapping patches, a quarter as high and wide: three times cheaper than two layers that halve."""

    def __init__(self, into: int, out: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(into, out, 6, stride=4, padding=1)
        self.norm = nn.GroupNorm(4 if out % 4 == 0 else 1, out)

    def forward(self, x: Tensor) -> Tensor:
        """(B, into, H, W) -> (B, out, H/4, W/4)."""
        return F.gelu(self.norm(self.conv(x)))


class ScenePooling(nn.Module):
    """Hidden frames (B,F,X) -> (B,X), over the frames that are there.

    Source: MAGE 3.2, "Temporal Scene Attention": frames that say most about the scene weigh most.
    """

    def __init__(self, hidden: int, kind: str) -> None:
        super().__init__()
        self.score = nn.Linear(hidden, 1) if kind == "attention" else None

    def forward(self, x: Tensor, alive: Tensor) -> Tensor:
        """Pool ``x`` over frames; ``alive`` (B,F,1) is 1 at frames that count."""
        score = torch.zeros_like(alive) if self.score is None else self.score(x)
        weights = (score + (alive - 1.0) * 1e4).softmax(1)
        return (weights * x).sum(1)


def save_scene(encoder: SceneTower, run: Path) -> Path:
    """Write an encoder into a run folder; returns the file."""
    names = SceneConfig.__dataclass_fields__
    config = {name: getattr(encoder.config, name) for name in names}
    state = {"config": config, "embedding": encoder.embedding, "scene": encoder.state_dict()}
    save_atomically(state, Path(run) / SCENE_FILE)
    return Path(run) / SCENE_FILE


def load_scene(preset_or_run: str | Path) -> SceneTower:
    """Read a trained encoder, frozen, in eval mode.

    Args:
        preset_or_run: a run folder, or the name of a preset whose run is ``runs/scene-NAME``.

    Raises:
        FileNotFoundError: nothing is trained there.
    """
    run = Path(preset_or_run)
    if not (run / SCENE_FILE).is_file() and len(run.parts) == 1:
        run = RUNS / f"scene-{preset_or_run}"
    if not (run / SCENE_FILE).is_file():
        raise FileNotFoundError(f"no {SCENE_FILE} in {run}; train one with: python -m training scene --out {run}")
    state = torch.load(run / SCENE_FILE, map_location="cpu", weights_only=True)
    encoder = SceneTower(SceneConfig(**state["config"]), state["embedding"])
    encoder.load_state_dict(state["scene"])
    return encoder.eval().requires_grad_(False)


def picture_of(encoder: SceneTower, frames: npt.NDArray[np.uint8]) -> tuple[FloatArray, FloatArray]:
    """Features and embedding of one clip.

    Args:
        encoder: as ``load_scene`` gives it.
        frames: uint8 (F,H,W,3).

    Returns:
        features float32 (F,P) and embedding float32 (E,).

    Raises:
        ValueError: frames of another size.
    """
    size = encoder.config.size_px
    if frames.ndim != 4 or frames.shape[1:] != (size, size, 3):
        raise ValueError(f"frames must be (F, {size}, {size}, 3), got {frames.shape}; scale them first")
    with torch.inference_mode():
        picture, embedding = encoder(torch.from_numpy(frames)[None].float() / 255)
    return picture[0].numpy(), embedding[0].numpy()
