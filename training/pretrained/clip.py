"""CLIP's image tower over the frames of a clip.

    ClipFrames  frames (B,F,H,W,3), 0 to 1 -> (B, F, X), unit length; zeros where a frame is black, which is no picture

Source: Radford et al. 2021, arXiv:2103.00020. CLIP through open-clip itself is in ``package/towers.py``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from training.pretrained.clap import load_whole
from training.pretrained.sources import WeightSource

MEAN, DEVIATION = (0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711)  # OpenAI's, laion's too


@dataclass(frozen=True, slots=True)
class ClipTower:
    """A CLIP image tower, however it was loaded.

    Attributes:
        name: of the checkpoint, for messages.
        dim: length of what it gives for a frame.
        size_px: height and width of the pictures it takes.
        mean, deviation: of the three colours, as pictures are normalised.
        image: normalised pictures (B,3,S,S) -> (B, dim).
    """

    name: str
    dim: int
    size_px: int
    mean: tuple[float, ...]
    deviation: tuple[float, ...]
    image: nn.Module


class _ImageTower(nn.Module):
    def __init__(self, model: Any) -> None:
        super().__init__()
        self.model = model

    def forward(self, pixels: Tensor) -> Tensor:
        return self.model(pixel_values=pixels).image_embeds


def load_clip(source: WeightSource) -> ClipTower:
    """Build the image tower of a folder in transformers' layout.

    Raises:
        ValueError: it is no CLIP with a vision transformer, or weights are missing.
    """
    from transformers import CLIPVisionConfig, CLIPVisionModelWithProjection
    from transformers.utils import logging as theirs

    theirs.set_verbosity_error()
    config = source.settings.get("config.json", {})
    if "vision_config" in config and config.get("model_type") == "clip":
        sizes = dict(config["vision_config"]) | {"projection_dim": config.get("projection_dim", 512)}
    elif config.get("model_type") in ("clip_vision_model", "clip"):
        sizes = dict(config)
    else:
        raise ValueError(
            f"{source.name} is no CLIP with a vision transformer in transformers' layout, which has a config.json of "
            "model_type clip; open-clip's own checkpoints are read with --clip-model"
        )
    model = CLIPVisionModelWithProjection(CLIPVisionConfig(**sizes))
    wanted = ("vision_model.", "visual_projection.")
    load_whole(model, {name: value for name, value in source.state.items() if name.startswith(wanted)}, source.name)
    model.set_attn_implementation("eager")
    colours = source.settings.get("preprocessor_config.json", {})
    mean, deviation = tuple(colours.get("image_mean", MEAN)), tuple(colours.get("image_std", DEVIATION))
    tower = _ImageTower(model.eval().requires_grad_(False))
    return ClipTower(
        source.name, int(model.config.projection_dim), int(model.config.image_size), mean, deviation, tower
    )


class ClipFrames(nn.Module):
    """The tower, frame by frame; the shapes are in the module's docstring."""

    def __init__(self, clip: ClipTower) -> None:
        super().__init__()
        self.tower = clip.image
        self.mean: Tensor
        self.deviation: Tensor
        self.register_buffer("mean", torch.tensor(clip.mean)[:, None, None])
        self.register_buffer("deviation", torch.tensor(clip.deviation)[:, None, None])

    def forward(self, frames: Tensor) -> Tensor:
        alive = (frames.flatten(2).amax(2) > 0).to(frames.dtype)[:, :, None]  # (B, F, 1)
        pixels = frames.flatten(0, 1).permute(0, 3, 1, 2)
        seen = self.tower((pixels - self.mean) / self.deviation)
        return F.normalize(seen, dim=-1).reshape(-1, frames.shape[1], seen.shape[1]) * alive
