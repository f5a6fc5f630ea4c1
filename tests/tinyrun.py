"""A real bundle in seconds: render, train codec, prompt tower and flow on the ``tiny`` preset, export."""

from dataclasses import dataclass, replace
from pathlib import Path

from export.write import write_bundle
from training.codec.train import train_codec
from training.config import Preset, load_preset
from training.data.cache import StemCache
from training.data.studio import StudioConfig, render_cache
from training.flow.train import train_flow
from training.prompt.train import run as train_prompt


@dataclass(frozen=True)
class TinyRun:
    """Folders of one finished chain of training."""

    preset: Preset
    cache: StemCache
    codec: Path
    prompt: Path
    flow: Path
    bundle: Path


def tiny_cache(folder: Path, pieces: int = 6, shards: int = 1, workers: int = 1, seed: int = 1) -> StemCache:
    """A few rendered pieces, 4 s at 8 kHz, without songs."""
    config = StudioConfig(
        folder=str(folder), rate_hz=8000, seconds=4.0, seed=seed, songs=False, pieces_per_shard=pieces
    )
    render_cache(config, shards, workers, niceness=0)
    return StemCache(folder)


def shorter(preset: Preset, steps: int) -> Preset:
    """The same preset with fewer steps and no wall-clock budget, so that nothing depends on the machine."""
    return replace(
        preset,
        codec=replace(preset.codec, steps=steps, minutes=0.0),
        flow=replace(preset.flow, steps=steps, minutes=0.0),
        prompt=replace(preset.prompt, steps=min(steps, 40)),
    )


def make(folder: Path) -> TinyRun:
    """Run the whole chain."""
    preset = shorter(load_preset("tiny"), steps=60)
    cache = tiny_cache(folder / "cache")
    train_codec(preset, cache, folder / "codec", workers=0)
    train_prompt(preset.prompt, folder / "prompt", folder / "cache")
    train_flow(preset, cache, folder / "codec", folder / "prompt", folder / "flow", workers=0)
    write_bundle(folder / "flow", folder / "tiny", "tiny", "0.0.1", half=True, replace=False)
    return TinyRun(preset, cache, folder / "codec", folder / "prompt", folder / "flow", folder / "tiny")
