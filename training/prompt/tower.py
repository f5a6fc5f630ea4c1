"""A trained prompt tower on disk: ``prompt.pt`` (weights, configuration) and ``tokenizer.json``."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from tokenizers import Tokenizer

from training.prompt.config import PromptConfig, config_from_table
from training.prompt.model import AudioTower, TextTower
from training.text.tokenizer import encode, load_tokenizer
from training.trainer.checkpoints import save_atomically

TOWER_FILE = "prompt.pt"
EMBED_ROWS = 512  # phrases in one forward pass


def text_tower(config: PromptConfig, vocab: int) -> TextTower:
    """A fresh text tower for a tokenizer of ``vocab`` tokens."""
    return TextTower(vocab, config.max_tokens, config.embedding, config.width, config.depth, config.heads)


def save_towers(run: Path, config: PromptConfig, vocab: int, text: TextTower, audio: AudioTower) -> Path:
    """Write both towers into a run folder; returns the file."""
    state = {"config": asdict(config), "vocab": vocab, "text": text.state_dict(), "audio": audio.state_dict()}
    save_atomically(state, run / TOWER_FILE)
    return run / TOWER_FILE


def load_text_tower(run: Path) -> tuple[TextTower, Tokenizer]:
    """Read a run's text tower, in eval mode, and its tokenizer.

    Raises:
        FileNotFoundError: the run has no trained prompt tower.
    """
    state = _read(Path(run))
    tower = text_tower(config_from_table(state["config"]), state["vocab"])
    tower.load_state_dict(state["text"])
    return tower.eval(), load_tokenizer(Path(run))


def load_audio_tower(run: Path) -> AudioTower:
    """Read a run's audio tower, in eval mode."""
    state = _read(Path(run))
    tower = AudioTower(config_from_table(state["config"]).embedding)
    tower.load_state_dict(state["audio"])
    return tower.eval()


def embed(tower: TextTower, tokenizer: Tokenizer, phrases: list[str]) -> np.ndarray:
    """Embeddings of phrases, float32 (n, E), each of norm sqrt(E)."""
    rows = [np.zeros((0, tower.out.out_features), dtype=np.float32)]
    for at in range(0, len(phrases), EMBED_ROWS):
        tokens_BT, mask_BT = encode(tokenizer, phrases[at : at + EMBED_ROWS], tower.max_tokens)
        used = max(1, int(mask_BT.sum(1).max()))
        with torch.inference_mode():
            rows.append(tower(torch.from_numpy(tokens_BT[:, :used]), torch.from_numpy(mask_BT[:, :used])).numpy())
    return np.concatenate(rows)


def _read(run: Path) -> dict[str, Any]:
    path = run / TOWER_FILE
    if not path.is_file():
        raise FileNotFoundError(f"no {TOWER_FILE} in {run}; train one with: python -m training prompt --out {run}")
    state: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    return state
