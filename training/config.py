"""Presets: small frozen dataclasses read from TOML; an unknown key is an error."""

from __future__ import annotations

import json
import re
import tomllib
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from engine.bundle.bundle import SamplerDefaults
from engine.latents import LatentGrid, Slot
from engine.request import OPTIONS
from engine.tasks import TASKS
from training.prompt.config import PromptConfig
from training.scene.config import SceneConfig

PRESETS = Path(__file__).parent / "presets"
NAME = re.compile(r"\w[\w.-]*")  # it becomes part of folders' names


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
    adversarial_weight: float = 0.0  # above 0: discriminators are trained along with the codec
    matching_weight: float = 5.0  # of feature matching, where there are discriminators
    discriminator_width: int = 32
    discriminator_windows: tuple[int, ...] = (2048, 1024, 512, 256, 128)  # of their spectra, samples; EnCodec's
    adversarial_from: float = 0.0  # share of the run after which they count in the codec's loss
    decoder_only: bool = False  # leave encoder and scaling as they were, so that flows and adapters go on fitting
    crop_frames: int = 64
    batch: int = 24
    parts: int = 0  # batches that make one step over all devices; 0: as many as there are processes
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
    objective: str = "clean"  # the network's answer: clean, velocity (MAGE) or v (MGE-LDM); see papers/diffusion.py
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
    fusion: str = "cross-gated"  # how pictures condition the tokens; the others are MAGE's baselines, off is none
    avna: str = "nearest"  # a token's frame: nearest in time, in embedding space, or off: the pooled picture for all
    picture_time: str = "temporal"  # or still: one frame throughout (MAGE's ablation)
    scene_pooling: str = "attention"  # or mean
    mix_filter: bool = True  # the visual-aware mixture audio filter
    batch: int = 16
    parts: int = 0  # batches that make one step over all devices; 0: as many as there are processes
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
    together_share: float = 0.5  # of the mixes are of one piece as it is played; in the others nothing fits
    vary_share: float = 0.0  # of the mixes are made of stems with another speed, equaliser, room and drive
    pool: int = 20_000  # mixes whose latents are kept on disk and met again
    masked_steps: int = 1  # default steps of isolate and remove in the bundle
    masked_start: str = "zeros"  # where they start: zeros, the posterior mean in one step, or noise (the papers)
    additivity_weight: float = 0.0  # above 0: decoded stem and rest are held to add up to the mix
    distil_steps: int = 0  # above 0: generative tasks learn to do in so many steps what --start's run does in more
    teacher_steps: int = 8  # of that run
    adversarial_weight: float = 0.0  # above 0: a critic is trained along with the flow, and judges its second step on
    adversarial_from: float = 0.05  # share of the run after which the critic counts in the flow's loss
    critic_width: int = 96  # of its heads
    critic_rate: float = 4.0  # its learning rate, as a multiple of the flow's
    anchor_weight: float = 0.1  # of the distance to the true latents, where there is a critic
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
        if min(self.adversarial_weight, self.anchor_weight) < 0 or not 0 <= self.adversarial_from < 1:
            raise ValueError("flow adversarial_from must be in 0..1, adversarial_weight and anchor_weight at least 0")
        if self.critic_width < 1 or self.critic_rate <= 0:
            raise ValueError(
                f"flow critic_width must be at least 1 and critic_rate above 0, got {self.critic_width} "
                f"and {self.critic_rate}"
            )
        if not 0 <= self.together_share <= 1:
            raise ValueError(f"flow together_share must be in 0..1, got {self.together_share}")
        if self.distil_steps and (self.teacher_steps % self.distil_steps or self.path != "linear"):
            raise ValueError(
                f"teacher_steps {self.teacher_steps} must be a multiple of distil_steps {self.distil_steps}, "
                "and the path linear"
            )
        if self.picture_dim and self.network == "mge":
            raise ValueError("the network mge sees no pictures; set picture_dim to 0")
        if not 1 <= self.batch <= self.pool:
            raise ValueError(f"flow batch must be at least 1 and at most pool, {self.pool}, got {self.batch}")
        if self.down != self.up:
            raise ValueError(f"down and up must be equal for the long skips, got {self.down} and {self.up}")
        if self.width % self.heads:
            raise ValueError(f"width {self.width} must be a multiple of heads {self.heads}")

    @property
    def width(self) -> int:
        """Width of a token."""
        return self.slot_width * len(self.slots)


SENSES = ("words", "picture", "sound")  # by which a stem can be asked for
# Weights of the tasks within their regime. In the paper's zero-mixture regime everything is made from nothing; here it
# also holds the tasks that know the rest, or part of the stem.
TASK_WEIGHTS = {
    "isolate": 0.74,
    "remove": 0.26,
    "regenerate": 0.22,
    "generate": 0.2,
    "inpaint": 0.16,
    "extend": 0.16,
    "restyle": 0.14,
    "replace": 0.06,
    "arrange": 0.06,
}
GIVEN_WEIGHTS = {
    "words": 0.5,
    "words+picture": 0.17,
    "picture": 0.11,
    "words+sound": 0.11,
    "sound": 0.07,
    "words+picture+sound": 0.04,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class MaskingConfig:
    """What the flow is given in training; the rest is kept from it.

    MAGE (arXiv 2604.09803, 3.3 and A) draws 70 % with the mix given, 20 % without, 10 % with nothing at all, and inside
    the first two text and picture, text alone or picture alone: preset ``mage-music``. AudioX (5.1) hides 0.6 of a
    video's patches, 0.2 of the text's tokens and 0.6 of the audio it is given. By default isolation takes more: at two
    cores' compute it needs all it can get.

    Attributes:
        mixture, zero, unconditional: shares of the regimes: the mix is given, it is not, nothing is.
        stem: share of one more: the stem is given and nothing else (MGE-LDM C). All four sum to 1.
        tasks: weight of every task within its regime.
        given: weight of every set of senses by which the stem is asked for; a set that an example has not is cut down
            to what it has, to words at least.
        mix_words, rest_words: shares of the examples whose mix or rest has words of its own (MGE-LDM 2.2).
        still_share: of the clips that show one frame throughout (MAGE A).
        clip_share: of the mixes whose players are drawn; drawing and seeing takes as long as mixing and encoding.
        twin_share: of the mixes hold two stems of one family and ask by picture for one of them.
        other_slot_share: of the draws of tasks that can make any slot make the mix or the rest, not the stem; the
            papers draw none.
        hide_picture, hide_words, hide_audio: share hidden of a picture's patches, of the words' tokens, of the time of
            the given latents.
    """

    mixture: float = 0.8
    zero: float = 0.17
    unconditional: float = 0.03
    stem: float = 0.0
    tasks: dict[str, float] = field(default_factory=lambda: dict(TASK_WEIGHTS))
    given: dict[str, float] = field(default_factory=lambda: dict(GIVEN_WEIGHTS))
    mix_words: float = 0.2
    rest_words: float = 0.2
    still_share: float = 0.25
    clip_share: float = 0.6
    twin_share: float = 0.12
    other_slot_share: float = 0.1
    hide_picture: float = 0.0
    hide_words: float = 0.0
    hide_audio: float = 0.0

    def __post_init__(self) -> None:
        regimes = (self.mixture, self.zero, self.unconditional, self.stem)
        if min(regimes) < 0 or abs(sum(regimes) - 1) > 1e-6:
            raise ValueError(f"masking mixture, zero, unconditional and stem must sum to 1, got {regimes}")
        for name in ("mix_words", "rest_words", "still_share", "clip_share", "twin_share", "other_slot_share"):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"masking {name} must be in 0..1, got {getattr(self, name)}")
        for name in ("hide_picture", "hide_words", "hide_audio"):
            if not 0 <= getattr(self, name) < 1:
                raise ValueError(f"masking {name} must be at least 0 and below 1, got {getattr(self, name)}")
        for name in ("tasks", "given"):
            weights = getattr(self, name)
            if not weights or min(weights.values()) < 0 or not any(weights.values()):
                raise ValueError(f"masking {name} must hold weights of at least 0, not all of them 0, got {weights}")
        if unknown := {sense for kinds in self.given for sense in kinds.split("+")} - set(SENSES):
            raise ValueError(f"unknown senses {sorted(unknown)} in masking given; choose from {', '.join(SENSES)}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Preset:
    """Everything one model is made by.

    Attributes:
        defaults: task -> fields of ``engine.bundle.manifest.SamplerDefaults`` in its bundle, where they are not those
            of the flow.
    """

    name: str
    sound: SoundConfig
    grid: GridConfig
    codec: CodecConfig
    prompt: PromptConfig
    scene: SceneConfig
    flow: FlowConfig
    masking: MaskingConfig = field(default_factory=MaskingConfig)
    defaults: dict[str, dict[str, Any]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        _check_defaults(self.defaults)
        if not isinstance(self.name, str) or not NAME.fullmatch(self.name):
            raise ValueError(f"a preset's name may hold letters, digits, '.', '_' and '-', got {self.name!r}")
        if self.flow.picture_dim not in (0, self.scene.picture):
            raise ValueError(
                f"flow picture_dim must be 0 or the scene encoder's picture, {self.scene.picture}, "
                f"got {self.flow.picture_dim}"
            )


def _check_defaults(defaults: Any) -> None:
    """Refuse what a bundle's manifest may not say, so that it is not found out after the training."""
    allowed = {f.name for f in fields(SamplerDefaults)}
    if not isinstance(defaults, dict):
        raise ValueError(f"defaults must be tables of a task's defaults, got {defaults!r}")
    for task, row in defaults.items():
        if not isinstance(row, dict):
            raise ValueError(f"defaults {task} must be a table, got {row!r}")
        if task not in TASKS or set(row) - allowed:
            raise ValueError(
                f"defaults {task} cannot have {sorted(row)}; tasks are {', '.join(TASKS)}, "
                f"and each may have {', '.join(sorted(allowed))}"
            )
        for name, value in row.items():
            if said := _wrong_default(name, value):
                raise ValueError(f"defaults {task} {name} must be {said}, got {value!r}")


def _wrong_default(name: str, value: Any) -> str:
    """What a default must be; empty where it is that."""
    if choices := OPTIONS[name].choices:
        return "" if value in choices else " or ".join(choices)
    low, high = OPTIONS[name].limits
    if name == "steps":
        good = type(value) is int and low <= value <= high
        return "" if good else f"a whole number from {low:g} to {high:g}"
    number = isinstance(value, (int, float)) and not isinstance(value, bool) and low <= value <= high
    good = number or (name == "strength" and value is None)
    return "" if good else f"from {low:g} to {high:g}"


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


def preset_of_run(settings: Path) -> Preset:
    """The preset that a run of any stage was begun with, from its ``settings.json``."""
    table = json.loads(settings.read_text("utf-8"))
    table.pop("stage", None)
    return preset_from(table, str(settings))


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
        masking=_read(MaskingConfig, table.get("masking", {}), where),
        defaults=table.get("defaults", {}),
    )


def _read(kind: Any, table: dict[str, Any], where: str) -> Any:
    allowed = [f.name for f in fields(kind)]
    if unknown := set(table) - set(allowed):
        raise ValueError(f"{where}: unknown keys {sorted(unknown)} for {kind.__name__}; allowed are {allowed}")
    return kind(**{key: tuple(value) if isinstance(value, list) else value for key, value in table.items()})
