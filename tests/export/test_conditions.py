"""The graphs of scene, sound and story: the same as torch at any batch, and a bundle that holds them fits together."""

import shutil

import numpy as np
import onnx
import onnxruntime
import pytest
import torch

from engine.bundle.bundle import load_bundle
from engine.errors import BundleError
from engine.text.grammar import Grammar
from export.conditions import conditions, largest_difference
from export.write import write_bundle
from training.config import load_preset
from training.prompt.adapters import PIECES, StoryReader, load_adapters
from training.scene.model import SceneTower, save_scene

PRESET = load_preset("tiny")
E = PRESET.prompt.embedding


@pytest.fixture(scope="module")
def exported(tiny_run):
    """Name -> (condition, its ONNX file), weights in 16 bits."""
    found = conditions(PRESET, tiny_run.flow)
    return {one.spec.name: (one, tiny_run.bundle / f"{one.spec.name}.onnx") for one in found}


@pytest.mark.parametrize("name", ["audio", "story", "scene"])
def test_a_condition_answers_as_torch_does_at_batches_that_were_not_traced(exported, name):
    condition, path = exported[name]
    assert {len(next(iter(given.values()))) for given in condition.tries()} == {1, 3}
    assert largest_difference(condition, path) < 5e-3


def test_no_condition_needs_complex_numbers(exported):
    for _, path in exported.values():
        operators = {node.op_type for node in onnx.load(path).graph.node}
        assert not operators & {"STFT", "DFT"}
        assert path.stat().st_size < 4_000_000


def answer(path, **given):
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    return dict(zip([output.name for output in session.get_outputs()], session.run(None, given), strict=True))


def test_how_loud_an_example_is_does_not_matter_and_silence_says_nothing(exported):
    samples = PRESET.grid.grid.window_samples
    noise = np.random.default_rng(0).normal(0, 0.1, (1, 1, samples)).astype(np.float32)
    loud, quiet, silent = (
        answer(exported["audio"][1], audio=audio)["embedding"] for audio in (noise, 0.01 * noise, 0 * noise)
    )
    np.testing.assert_allclose(loud, quiet, atol=2e-3)
    np.testing.assert_allclose(np.linalg.norm(loud), np.sqrt(E), rtol=1e-3)
    assert not silent.any()


def test_a_story_does_not_hear_what_is_masked(exported):
    pieces = np.random.default_rng(1).standard_normal((1, PIECES, E)).astype(np.float32)
    mask = np.arange(PIECES)[None] < 3
    other = np.where(mask[:, :, None], pieces, 9).astype(np.float32)
    first, second = (answer(exported["story"][1], pieces=p, piece_mask=mask)["embedding"] for p in (pieces, other))
    np.testing.assert_allclose(first, second, atol=1e-5)


def test_black_frames_are_no_picture_in_the_graph_too(exported):
    condition, path = exported["scene"]
    frames = condition.tries()[1]["frames"]
    seen = answer(path, frames=frames)
    assert set(seen) == {"picture", "embedding"}
    assert not seen["picture"][2].any()
    assert not seen["embedding"][2].any()
    assert not seen["picture"][1, frames.shape[1] // 2 :].any()
    assert seen["picture"][0].any(axis=1).all()


def test_a_run_without_adapters_exports_its_audio_tower_as_it_is(tiny_run, tmp_path):
    shutil.copy(tiny_run.prompt / "prompt.pt", tmp_path)
    assert [one.spec.name for one in conditions(PRESET, tmp_path)] == ["audio"]
    more = [tiny_run.scene, tiny_run.adapters]
    assert [one.spec.name for one in conditions(PRESET, tmp_path, more)] == ["audio", "story", "scene"]


def test_adapters_of_an_older_make_are_refused_and_others_can_take_their_place(tiny_run, tmp_path):
    shutil.copy(tiny_run.prompt / "prompt.pt", tmp_path)
    state = torch.load(tiny_run.adapters / "adapted.pt", weights_only=True)
    torch.save({**state, "story": {}}, tmp_path / "adapted.pt")
    with pytest.raises(ValueError, match="python -m training adapt"):
        conditions(PRESET, tmp_path)
    assert len(conditions(PRESET, tmp_path, [tiny_run.flow])) == 3


def test_a_story_lies_with_the_instruments_its_pieces_name(tiny_run):
    prototypes = torch.nn.functional.normalize(torch.randn(8, E, generator=torch.Generator().manual_seed(4)), dim=1)
    reader = StoryReader(prototypes)
    torch.nn.init.constant_(reader.log_sharp, 5.0)
    pieces = torch.cat([prototypes[[2, 5]], 0.01 * torch.randn(2, E)])[None] * E**0.5
    with torch.no_grad():
        found = reader(pieces, torch.tensor([[True, True, False, False]]))
    assert set((found @ prototypes.T)[0].topk(2).indices.tolist()) == {2, 5}
    torch.testing.assert_close(found.norm(dim=1), torch.tensor([E**0.5]))
    trained = load_adapters(tiny_run.adapters, tiny_run.prompt)[1]
    assert not trained(pieces, torch.zeros(1, 4, dtype=torch.bool)).any()


def test_a_bundle_with_every_condition_fits_together(tiny_run):
    bundle = load_bundle(tiny_run.bundle)
    assert set(bundle.manifest.encoders) == {"text", "story", "audio", "scene"}
    assert bundle.manifest.encoders["scene"].frames == 10
    assert bundle.manifest.graphs["step"].inputs["picture"] == ["B", 10, PRESET.flow.picture_dim]
    assert {"audio", "story", "scene"} <= set(bundle.manifest.parity)
    asks = Grammar.read(bundle.path(bundle.manifest.asks.file).read_bytes(), "asks.json")
    assert asks.parse("everything except the drums").task == "remove"


@pytest.mark.usefixtures("exported_before")
def test_a_scene_encoder_of_another_prompt_space_makes_no_bundle(tiny_run, tmp_path):
    (tmp_path / "scene").mkdir()
    save_scene(SceneTower(PRESET.scene, E + 8), tmp_path / "scene")
    with pytest.raises(BundleError, match=f"scene must have dim {E}, got {E + 8}"):
        write_bundle(tiny_run.flow, tmp_path / "b", "b", "1", half=True, replace=False, more=[tmp_path / "scene"])
    assert [path.name for path in tmp_path.iterdir()] == ["scene"]
