"""Presets: small frozen dataclasses read from TOML; an unknown key is an error. Knows nothing of torch."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from engine.shapes import LatentGrid, Slot
from training.prompt.config import PromptConfig
from training.scene.config import SceneConfig

PRESETS = Path(__file__).parent / "presets"


@dataclass(frozen=True, slots=True, kw_only=True)
class GridConfig:
    """How latents line up with audio."""

    rate_hz: int
    hop_samples: int
    latent_channels: int
    window_frames: int

    @property
    def grid(self) -> LatentGrid:
        """The same as the engine's own grid."""
        return LatentGrid(self.rate_hz, self.hop_samples, self.latent_channels, self.window_frames)


@dataclass(frozen=True, slots=True, kw_only=True)
class SoundConfig:
    """The rendered stems a model learns from."""

    shards: int = 100  # of 16 pieces each
    seconds: float = 12.0  # length of every stem
    songs: bool = True  # also cut the real songs, where there are any
    seed: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class CodecConfig:
    """MixWavCodec: its shape and one training run of it."""

    kind: str = "spectral"  # spectral (STFT in, inverse STFT out), oobleck (MAGE's) or mel (MusFlow's)
    encoder_width: int = 256
    encoder_blocks: int = 3
    decoder_width: int = 320
    decoder_blocks: int = 5
    base_width: int = 128  # oobleck only, as strides and multiples
    strides: tuple[int, ...] = (4, 4, 4, 5)
    multiples: tuple[int, ...] = (1, 2, 4, 8)
    noise_max: float = 0.25  # latent noise before decoding, uniform from 0
    kl_weight: float = 1e-4
    mask_weight: float = 3.0  # of the masked distance, which the paper has not
    mix_sources: int = 0  # sources of a mixture; 0 draws 1 to 6; 2 is MAGE's
    adversarial_weight: float = 0.0  # above 0: discriminators learn beside the codec
    matching_weight: float = 5.0  # of feature matching, where there are discriminators
    discriminator_width: int = 32
    adversarial_from: float = 0.0  # share of the run after which they begin
    crop_frames: int = 64
    batch: int = 24
    steps: int = 10_000
    minutes: float = 0.0  # wall-clock budget; 0 means steps alone decide
    learning_rate: float = 8e-4
    seed: int = 11

    def __post_init__(self) -> None:
        if self.batch < 2:
            raise ValueError(f"codec batch must be at least 2, a stem and its rest, got {self.batch}")
        if not 0 <= self.adversarial_from < 1 or min(self.adversarial_weight, self.matching_weight) < 0:
            raise ValueError(
                "codec adversarial_from must be in 0..1, adversarial_weight and matching_weight at least 0"
            )
        if self.mix_sources < 0 or self.mix_sources == 1:
            raise ValueError(f"codec mix_sources must be 0 (drawn) or at least 2, got {self.mix_sources}")


FLOW_CHOICES = {
    "token": ("sum", "side"),
    "fusion": ("cross-gated", "additive", "gated-residual", "self-attention", "cross-attention", "off"),
    "avna": ("nearest", "embedding", "off"),
    "picture_time": ("temporal", "still"),
    "scene_pooling": ("attention", "mean"),
    "norm": ("group", "layer"),
    "times": ("start", "uniform"),
    "masked_start": ("zeros", "noise"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowConfig:
    """FluxFormer: its shape and one training run of it."""

    network: str = "flux"  # or mage, mge: the papers' own, to the number; see flow/networks.py
    objective: str = "clean"  # what the network predicts: clean, velocity (MAGE) or v (MGE-LDM); see flow/diffusion.py
    path: str = "linear"  # from noise to latents; or cosine (MGE-LDM)
    norm: str = "group"  # network mge: one group per track, or layer
    times: str = "start"  # half of them t = 0 and near it; or uniform (the papers)
    slots: tuple[str, ...] = ("MIX", "STEM", "REST")
    slot_width: int = 112  # a token has this width per slot
    token: str = "sum"  # or side: the slots' projections side by side (MAGE)
    patch: int = 2  # neighbouring frames that share a token
    down: int = 3
    middle: int = 2
    up: int = 3
    heads: int = 6
    mlp_ratio: int = 3
    positions: str = "rotary"  # or learned (MAGE)
    picture_dim: int = 0  # features of a video frame; 0 makes a network that cannot see
    fusion: str = "cross-gated"  # how a picture speaks to the tokens; the others are MAGE's baselines, off is none
    avna: str = "nearest"  # a token's frame: nearest in time, in embedding space, or off: the pooled picture for all
    picture_time: str = "temporal"  # or still: one frame throughout (MAGE's ablation)
    scene_pooling: str = "attention"  # or mean
    mix_filter: bool = True  # the visual-aware mixture audio filter
    batch: int = 16
    steps: int = 100_000
    minutes: float = 0.0
    learning_rate: float = 7e-4
    schedule: str = "cosine"  # or halving (MAGE)
    clip_norm: float = 1.0
    ema: float = 0.999
    start_share: float = 0.75  # of the draws of isolate and remove have t = 0 exactly: one step is their answer
    start_share_generative: float = 0.25  # of all others
    prompt_dropout: float = 0.1
    absent_share: float = 0.1  # of the questions are for something that is not in the mix
    mix_sources: int = 0  # of a mix; 0 draws 1 to 6; 2 is MAGE's
    vary_share: float = 0.0  # of the mixes are made of stems with another speed, equaliser, room and drive
    pool: int = 20_000  # mixes whose latents are kept on disk and met again
    masked_steps: int = 1  # default steps of isolate and remove in the bundle
    masked_start: str = "zeros"  # where they start: zeros, the posterior mean in one step, or noise (the papers)
    generative_steps: int = 8  # default steps of all other tasks
    guidance: float = 1.0  # default guidance of all tasks; 1 is none
    seed: int = 12

    def __post_init__(self) -> None:
        unknown = set(self.slots) - set(Slot.__members__)
        if unknown:
            raise ValueError(f"unknown slots {sorted(unknown)}; choose from {list(Slot.__members__)}")
        for name, allowed in FLOW_CHOICES.items():
            if getattr(self, name) not in allowed:
                raise ValueError(f"unknown {name} {getattr(self, name)!r}; choose one of {', '.join(allowed)}")
        if self.down != self.up:
            raise ValueError(f"down and up must be equal for the long skips, got {self.down} and {self.up}")
        if self.width % self.heads:
            raise ValueError(f"width {self.width} must be a multiple of heads {self.heads}")

    @property
    def width(self) -> int:
        """Width of a token."""
        return self.slot_width * len(self.slots)


@dataclass(frozen=True, slots=True, kw_only=True)
class Preset:
    """Everything one model is made by."""

    name: str
    sound: SoundConfig
    grid: GridConfig
    codec: CodecConfig
    prompt: PromptConfig
    scene: SceneConfig
    flow: FlowConfig


def load_preset(name: str) -> Preset:
    """Read a preset by name, or from a TOML file.

    Raises:
        ValueError: no such preset, an unknown key, or values that cannot be.
    """
    path = Path(name) if name.endswith(".toml") else PRESETS / f"{name}.toml"
    if not path.is_file():
        known = ", ".join(sorted(p.stem for p in PRESETS.glob("*.toml")))
        raise ValueError(f"no preset {name!r}; choose one of {known} or give a TOML file")
    return preset_from(tomllib.loads(path.read_text("utf-8")), path.name)


def preset_from(table: dict[str, Any], where: str) -> Preset:
    """A preset from plain tables, as a TOML file or a run's settings hold them.

    Raises:
        ValueError: an unknown key, or values that cannot be.
    """
    if unknown := set(table) - {f.name for f in fields(Preset)}:
        raise ValueError(f"{where}: unknown tables {sorted(unknown)}; allowed are {[f.name for f in fields(Preset)]}")
    return Preset(
        name=table["name"],
        sound=_read(SoundConfig, table.get("sound", {}), where),
        grid=_read(GridConfig, table["grid"], where),
        codec=_read(CodecConfig, table.get("codec", {}), where),
        prompt=_read(PromptConfig, table.get("prompt", {}), where),
        scene=_read(SceneConfig, table.get("scene", {}), where),
        flow=_read(FlowConfig, table.get("flow", {}), where),
    )


def _read(kind: Any, table: dict[str, Any], where: str) -> Any:
    allowed = [f.name for f in fields(kind)]
    if unknown := set(table) - set(allowed):
        raise ValueError(f"{where}: unknown keys {sorted(unknown)} for {kind.__name__}; allowed are {allowed}")
    return kind(**{key: tuple(value) if isinstance(value, list) else value for key, value in table.items()})
