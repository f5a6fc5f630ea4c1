"""What one training run of the prompt tower may change. Everything else is code."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class PromptConfig:
    """Sizes and training lengths of both towers.

    Attributes:
        embedding: length E of an embedding.
        width, depth, heads: of the text transformer; width is a multiple of heads.
        vocab: most tokens the tokenizer may have.
        max_tokens: length T of the token input; longer prompts are cut.
        steps, batch: training steps and phrases in each.
        audio_batch: rendered stems in each step.
        audio_every: a step sees audio when its number divides by this; audio costs ten times the text.
        learning_rate: peak of a warm-up and cosine decay.
        precision: ``bf16`` (autocast), ``fp32``, or ``auto``: whichever a short probe finds faster;
            decided when a run begins and kept when it is resumed.
        max_stems: most rendered stems whose spectrograms are held in memory.
        save_every: steps between checkpoints.
        seed: the same seed, data and machine give the same run.
    """

    embedding: int = 128
    width: int = 160
    depth: int = 2
    heads: int = 4
    vocab: int = 2000
    max_tokens: int = 32
    steps: int = 1500
    batch: int = 128
    audio_batch: int = 32
    audio_every: int = 3
    learning_rate: float = 1e-3
    precision: str = "auto"
    max_stems: int = 1500
    save_every: int = 250
    seed: int = 7

    def __post_init__(self) -> None:
        if self.width % self.heads:
            raise ValueError(f"prompt width must be a multiple of heads, got {self.width} and {self.heads}")
        if self.precision not in ("auto", "bf16", "fp32"):
            raise ValueError(f"prompt precision must be auto, bf16 or fp32, got {self.precision!r}")
        if min(self.steps, self.batch, self.audio_batch, self.audio_every, self.max_tokens, self.save_every) < 1:
            raise ValueError("prompt steps, batch sizes, audio_every, max_tokens and save_every must be at least 1")


def config_from_table(table: dict[str, Any]) -> PromptConfig:
    """Build a config from a preset's ``[prompt]`` table.

    Raises:
        ValueError: a key is unknown or a value makes no sense.
    """
    known = {field.name for field in fields(PromptConfig)}
    unknown = sorted(set(table) - known)
    if unknown:
        raise ValueError(f"unknown keys in [prompt]: {', '.join(unknown)}; known: {', '.join(sorted(known))}")
    return PromptConfig(**table)
