"""The preset with the paper's numbers trains one step and exports: its whole path, narrowed to a sixteenth.

Rate, window, hop, latents, slots and text stay the paper's, so every graph has its shapes; only what is inside is
narrow. ``tests/training/papers/test_mage_numbers.py`` looks at the network in its full width.
"""

from dataclasses import replace

import numpy as np
import onnxruntime
import pytest

from engine.bundle.bundle import load_bundle
from export.write import write_bundle
from training.codec.train import train_codec
from training.config import load_preset
from training.data.stem_cache import StemCache
from training.flow.train import train_flow
from training.prompt.train import run as train_prompt
from training.scene.train import train_scene
from training.synthesis.render_stems import render_cache
from training.synthesis.stem_config import StemRenderConfig

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def one_step():
    """The preset with one step of everything, and narrow layers."""
    preset = load_preset("mage-music")
    return replace(
        preset,
        codec=replace(preset.codec, steps=1, batch=2, crop_frames=4, base_width=8, discriminator_width=4),
        scene=replace(preset.scene, steps=1, batch=2, crop_frames=2, width=8),
        prompt=replace(preset.prompt, steps=1, batch=8, audio_batch=2, width=32, depth=1, heads=2, vocab=400),
        flow=replace(preset.flow, steps=1, batch=1, pool=1, ema=0.0, slot_width=32, down=1, up=1, heads=4),
    )


def test_the_preset_of_the_paper_trains_one_step_and_exports(one_step, tmp_path):
    config = StemRenderConfig(
        folder=str(tmp_path / "cache"), rate_hz=11_025, seconds=6.0, songs=False, pieces_per_shard=2
    )
    render_cache(config, 1, 1, niceness=0)
    cache = StemCache(tmp_path / "cache")
    train_codec(one_step, cache, tmp_path / "codec", workers=0)
    train_prompt(one_step.prompt, tmp_path / "prompt", None)
    train_scene(one_step, tmp_path / "prompt", tmp_path / "scene", workers=0)
    runs = [tmp_path / name for name in ("codec", "prompt", "flow")]
    train_flow(one_step, cache, *runs, workers=0, scene_run=tmp_path / "scene")
    write_bundle(tmp_path / "flow", tmp_path / "mage-music", "mage-music", "0", half=False, replace=False)
    manifest = load_bundle(tmp_path / "mage-music").manifest
    assert manifest.parity["measured"] < 1e-3  # weights of 32 bits
    grid = manifest.grid
    assert (grid.sample_rate_hz, grid.window_samples, grid.hop_samples) == (11_025, 64_640, 320)
    assert (grid.window_frames, grid.latent_channels, manifest.embedding) == (202, 128, 768)
    assert {defaults.steps for defaults in manifest.defaults.values()} == {2}
    folder = tmp_path / "mage-music"
    encode = onnxruntime.InferenceSession(str(folder / "encode.onnx"), providers=["CPUExecutionProvider"])
    [latents] = encode.run(None, {"audio": np.zeros((1, 1, 64_640), np.float32)})
    assert latents.shape == (1, 128, 202)
