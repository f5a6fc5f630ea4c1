"""``python -m training.pretrained.package.from_open_clip CHECKPOINT MODEL FOLDER``: runs where open-clip is installed.

    image.pt2  normalised pictures (B,3,S,S) -> (B,X)

MODEL is one of ``open_clip.list_models()`` (``ViT-B-32-quickgelu``, ``ViT-B-16-SigLIP``, ``convnext_base_w``, ...), a
pair ``MODEL:TAG`` that says whose colours the weights were trained with, or a JSON file in the layout of the package's
own configurations. The activation belongs to the name: OpenAI's weights are those of the names with ``quickgelu``.
Source: Ilharco et al. 2021, open-clip-torch 3.3.0.
"""

from __future__ import annotations

import logging
import sys
from collections import Counter
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from training.pretrained.package.capture import capture, run, write


class OpenClipTower(nn.Module):
    """Pictures through the image tower, as ``encode_image`` does."""

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.visual = model.visual

    def forward(self, pixels: Tensor) -> Tensor:
        seen = self.visual(pixels)
        return seen[0] if isinstance(seen, tuple) else seen  # CoCa's gives tokens too


def convert(checkpoint: Path, name: str, folder: Path) -> None:
    """Write the image tower of a checkpoint.

    Raises:
        ValueError: there is no such model, its pictures are not square, or the checkpoint is another's.
    """
    import open_clip

    logging.getLogger().setLevel(logging.ERROR)
    name, tag = named(open_clip, name)
    model = open_clip.create_model(
        name, pretrained=str(checkpoint.resolve()), precision="fp32", pretrained_text=False, weights_only=True
    ).eval()
    size = model.visual.image_size
    height, width = (size, size) if isinstance(size, int) else size
    if height != width:
        raise ValueError(f"{name} takes pictures of {height} x {width}; only square ones can be asked for")
    mean, deviation = colours(open_clip, name, tag)
    pictures = torch.rand(3, height, width, 3, generator=torch.Generator().manual_seed(12))
    pixels = (pictures.permute(0, 3, 1, 2) - mean[:, None, None]) / deviation[:, None, None]
    seen = model.encode_image(pixels, normalize=True)
    capture(OpenClipTower(model), {"pixels": torch.randn(2, 3, height, width)}, folder / "image.pt2")
    settings = {
        "package": f"open-clip-torch {version('open-clip-torch')}", "model": name, "dim": seen.shape[1],
        "size_px": height, "mean": mean.tolist(), "deviation": deviation.tolist(),
    }  # fmt: skip
    write(folder, settings, {"pictures": pictures, "image": seen})


def named(open_clip: Any, name: str) -> tuple[str, str | None]:
    """Name and tag of a model of the package; a JSON file is made known to it first.

    Raises:
        ValueError: there is none, or it cannot be built without fetching.
    """
    if name.endswith(".json"):
        path = Path(name).resolve()
        if not path.is_file():
            raise ValueError(f"nothing at {name}; give a name of open-clip, or a JSON file like its own")
        open_clip.add_model_config(path)
        name = path.stem
    name, _, tag = name.partition(":")
    if name not in open_clip.list_models():
        raise ValueError(f"open-clip has no model {name}; it has, for example, ViT-B-32, ViT-B-32-quickgelu, ViT-L-14")
    if words := open_clip.get_model_config(name)["text_cfg"].get("hf_model_name"):
        raise ValueError(
            f"{name} has {words} for words, which open-clip would fetch; only its own text towers are built"
        )
    tags = open_clip.list_pretrained_tags_by_model(name)
    if tag and tag not in tags:
        raise ValueError(f"open-clip knows no weights {tag} of {name}; it knows {', '.join(tags)}")
    return name, tag or None


def colours(open_clip: Any, name: str, tag: str | None) -> tuple[Tensor, Tensor]:
    """Mean and deviation of red, green and blue: those of a tag, or of most tags of the model, or OpenAI's."""
    tags = [tag] if tag else open_clip.list_pretrained_tags_by_model(name)
    known = [open_clip.get_pretrained_cfg(name, one) for one in tags]
    found = Counter((tuple(one["mean"]), tuple(one["std"])) for one in known)
    usual = (open_clip.OPENAI_DATASET_MEAN, open_clip.OPENAI_DATASET_STD)
    mean, deviation = found.most_common(1)[0][0] if found else usual
    return torch.tensor(mean), torch.tensor(deviation)


if __name__ == "__main__":
    sys.exit(run(convert, sys.argv[1:]))
