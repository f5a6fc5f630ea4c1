"""What the command-line tests share: sounds on disk, a run of the command line in this process, a look at a folder."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from engine.cli.parser import main
from engine.host.client import Engine


@dataclass(frozen=True)
class Said:
    """What one run of the command line left on the screen."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> dict[str, Any]:
        """The last line on standard output; refuses what JSON does not know."""

        def refuse(word: str) -> None:
            raise AssertionError(f"{word} is not JSON")

        return json.loads(self.out.splitlines()[-1], parse_constant=refuse)


def say(capsys: pytest.CaptureFixture[str], engine: Engine | None, argv: Sequence[object]) -> Said:
    """Run the command line in this process, on an engine that is already there."""
    capsys.readouterr()
    code = main([str(word) for word in argv], engine=engine)
    said = capsys.readouterr()
    return Said(code, said.out, said.err)


def music(seconds: float = 1.0, rate_hz: int = 16_000, channels: int = 1, seed: int = 0) -> np.ndarray:
    """Noise of speech level, float32 (samples, channels), as soundfile wants it."""
    noise = np.random.default_rng(seed).standard_normal((round(seconds * rate_hz), channels))
    return (0.1 * noise).astype(np.float32)


def write_music(path: Path, seconds: float = 1.0, rate_hz: int = 16_000, channels: int = 1, seed: int = 0) -> Path:
    """A float WAV of noise; gives the path back."""
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, music(seconds, rate_hz, channels, seed), rate_hz, subtype="FLOAT")
    return path


def read(path: Path | str) -> np.ndarray:
    """float32 (samples, channels)."""
    return soundfile.read(path, dtype="float32", always_2d=True)[0]


def everything_in(folder: Path) -> dict[str, int]:
    """Every path below a folder, hidden ones too, with its size."""
    return {str(path.relative_to(folder)): path.lstat().st_size for path in sorted(folder.rglob("*"))}


def made(
    capsys: pytest.CaptureFixture[str], engine: Engine, bundle: Path, folder: Path, *words: object
) -> dict[str, Any]:
    """Run a task into ``folder / out`` and give its JSON answer back."""
    said = say(capsys, engine, [*words, "--bundle", bundle, "--out", folder / "out", "--json"])
    assert said.code == 0, said.err
    return said.json
