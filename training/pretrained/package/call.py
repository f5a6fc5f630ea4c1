"""Run a package in its own Python to export the towers of a checkpoint, then load them and check their answers.

    towers(LAION_CLAP, checkpoint, "HTSAT-tiny") -> Answer: captured towers, settings, questions with answers

``make laion-clap`` and ``make open-clip`` make the environments.
"""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from training.pretrained.package.capture import ASKED, SETTINGS

ROOT = Path(__file__).resolve().parents[3]
OFFLINE = {"HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1"}
TIMEOUT_S = 3600
PYTHONS = ("bin/python", "Scripts/python.exe")


@dataclass(frozen=True, slots=True)
class Package:
    """A package with towers.

    Attributes:
        name: on the registry.
        extra: of this project, whose environment it has; also the name of the target of ``make``.
        option: that names its Python.
        converter: module that runs there.
        graphs: what it writes.
    """

    name: str
    extra: str
    option: str
    converter: str
    graphs: tuple[str, ...]

    @property
    def folder(self) -> Path:
        """Where ``make`` puts its environment."""
        return ROOT / f".{self.extra}-venv"


LAION_CLAP = Package(
    "laion-clap", "laion-clap", "--clap-python", "training.pretrained.package.from_laion_clap", ("text", "audio")
)
OPEN_CLIP = Package(
    "open-clip-torch", "open-clip", "--clip-python", "training.pretrained.package.from_open_clip", ("image",)
)


class CapturedTower(nn.Module):
    """An exported program as a module; it has no training mode."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.program = torch.export.load(path).module(check_guards=False)

    def train(self, mode: bool = True) -> CapturedTower:
        """Record the mode only; an exported program cannot switch."""
        self.training = mode
        return self

    def forward(self, *inputs: Tensor) -> Any:
        return self.program(*inputs)


@dataclass(frozen=True, slots=True)
class PackageTowers:
    """Towers exported by a package.

    Attributes:
        towers: by name, frozen.
        settings: sizes and what else the converter wrote.
        asked: questions and the package's own answers, by name.
    """

    towers: dict[str, CapturedTower]
    settings: dict[str, Any]
    asked: dict[str, Tensor]


def python_of(package: Package, given: Path | None) -> Path:
    """The Python that a package is asked in.

    Raises:
        ValueError: there is none.
    """
    if given is not None:
        if not given.is_file():
            raise ValueError(f"nothing at {given}; {package.option} takes the Python that has {package.name}")
        return given
    for name in PYTHONS:
        if (package.folder / name).is_file():
            return package.folder / name
    raise ValueError(
        f"{package.name} needs an environment of its own: make it with `make {package.extra}`, or install "
        f"'.[{package.extra}]' into another and name its Python with {package.option}"
    )


def towers(package: Package, checkpoint: str, model: str, python: Path | None = None) -> PackageTowers:
    """Towers of a checkpoint, made by the package itself.

    Args:
        package: LAION_CLAP or OPEN_CLIP.
        checkpoint: file with weights, ``.safetensors`` or a pickle of nothing but weights.
        model: name that the package knows the architecture by.
        python: that has the package; its environment's own when not given.

    Raises:
        ValueError: the package, the model or the checkpoint is not there, or they do not go together.
    """
    if not Path(checkpoint).is_file():
        raise ValueError(f"nothing at {checkpoint}; {package.name} is given a checkpoint file")
    interpreter = python_of(package, python)
    model = str(Path(model).resolve()) if model.endswith(".json") else model
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as place:
        command = [str(interpreter.absolute()), "-m", package.converter, str(Path(checkpoint).resolve()), model, place]
        done = subprocess.run(
            command, capture_output=True, text=True, cwd=ROOT, env=os.environ | OFFLINE, timeout=TIMEOUT_S, check=False
        )
        folder = Path(place)
        if done.returncode or not (folder / SETTINGS).is_file():
            why = done.stderr.strip().splitlines()[-1] if done.stderr.strip() else f"exit code {done.returncode}"
            raise ValueError(f"{package.name} did not take {Path(checkpoint).name}: {why}")
        settings = json.loads((folder / SETTINGS).read_text("utf-8"))
        asked = torch.load(folder / ASKED, map_location="cpu", weights_only=True)
        return PackageTowers({name: CapturedTower(folder / f"{name}.pt2") for name in package.graphs}, settings, asked)


def check_answer(name: str, got: Tensor, wanted: Tensor, most: float) -> float:
    """Largest difference between two unit-length embeddings.

    Raises:
        ValueError: it is more than ``most``.
    """
    away = float((got - wanted).abs().max())
    if not away <= most:
        raise ValueError(f"{name} answers {away:.1e} from what its package says; {most:.0e} is allowed")
    return away
