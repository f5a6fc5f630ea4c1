"""A real bundle in seconds: render, train every part of the ``tiny`` preset, export. It reads, hears and sees."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from unittest.mock import patch

from engine.bundle.bundle import load_bundle
from export.graphs import ExportSpec
from export.to_onnx import export_graph
from export.write import write_bundle
from training.codec.train import train_codec
from training.config import Preset, load_preset
from training.data.stem_cache import StemCache
from training.flow.train import train_flow
from training.prompt import adapt
from training.prompt.train import run as train_prompt
from training.scene.train import train_scene
from training.synthesis.render_stems import render_cache
from training.synthesis.stem_config import StemRenderConfig

STEPS = 60  # of the codec and the flow
PARTS = ("codec", "prompt", "scene", "adapters", "flow", "tiny")


@dataclass(frozen=True)
class TinyRun:
    """Folders of one finished chain of training."""

    preset: Preset
    cache: StemCache
    codec: Path
    prompt: Path
    scene: Path
    adapters: Path
    flow: Path
    bundle: Path


def tiny_cache(folder: Path, pieces: int = 6, shards: int = 1, workers: int = 1, seed: int = 1) -> StemCache:
    """A few rendered pieces, 4 s at 8 kHz, without songs."""
    config = StemRenderConfig(
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
        scene=replace(preset.scene, steps=min(steps, 10)),
    )


def tiny_adapters(prompt_run: Path, cache_folder: Path, folder: Path) -> dict[str, float]:
    """Adapters of sounds and stories after a few steps on a few texts; the figures that training found."""
    with patch.multiple(adapt, STORIES=8, JUDGED_STORIES=4, STEPS=40):
        return adapt.run(prompt_run, cache_folder, folder)


def opened(folder: Path) -> TinyRun:
    """What ``make`` left in a folder."""
    preset = shorter(load_preset("tiny"), steps=STEPS)
    return TinyRun(preset, StemCache(folder / "cache"), *(folder / part for part in PARTS))


def make(folder: Path) -> TinyRun:
    """Run the whole chain."""
    tiny_cache(folder / "cache")
    made = opened(folder)
    preset, cache = made.preset, made.cache
    train_codec(preset, cache, made.codec, workers=0)
    train_prompt(preset.prompt, made.prompt, cache.folder)
    train_scene(preset, made.prompt, made.scene, workers=0)
    tiny_adapters(made.prompt, cache.folder, made.adapters)
    more = {"scene_run": made.scene, "adapters_run": made.adapters}
    train_flow(preset, cache, made.codec, made.prompt, made.flow, workers=0, **more)
    write_bundle(made.flow, made.bundle, "tiny", "0.0.1", half=True, replace=False)
    return made


def exported_before(bundle: Path) -> Callable[[ExportSpec, Path, bool], None]:
    """An ``export_graph`` that copies the file of a graph which the bundle has in the same shape; all others it traces.

    Tracing takes seconds. The bundle's own parity check still compares every file with the run's weights.
    """
    graphs = load_bundle(bundle).manifest.graphs

    def again(spec: ExportSpec, path: Path, half: bool) -> None:
        had = graphs[spec.name]
        if (had.inputs, had.outputs, had.precision) == (spec.inputs, spec.outputs, "fp16" if half else "fp32"):
            shutil.copyfile(bundle / had.file, path)
        else:
            export_graph(spec, path, half)

    return again
