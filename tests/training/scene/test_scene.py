"""Promises of the scene encoder: shapes and scale, black frames are none, clips whose truth is true, exact resume."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from training.config import load_preset
from training.data.instruments import families
from training.scene.clips import DrawnScene
from training.scene.config import FPS, SceneConfig, frames_of
from training.scene.evaluate import SceneEvaluator, auc, drawn_as, report
from training.scene.model import SceneTower, load_scene, picture_of, save_scene
from training.scene.train import FamilyPhrases, SceneStage, train_scene
from training.synthesis.video import clip
from training.trainer.trainer import TrainConfig, Trainer

PRESET = load_preset("tiny")
CONFIG, EMBEDDING = PRESET.scene, PRESET.prompt.embedding


def encoder(config: SceneConfig = CONFIG) -> SceneTower:
    torch.manual_seed(3)
    return SceneTower(config, EMBEDDING).eval().requires_grad_(False)


def noise(frames: int, seed: int = 0) -> torch.Tensor:
    return torch.from_numpy(np.random.default_rng(seed).random((1, frames, 32, 32, 3), dtype=np.float32))


def test_the_grid_decides_how_many_frames_a_window_has():
    assert frames_of(load_preset("small").grid.grid) == 41
    assert frames_of(load_preset("mage-music").grid.grid) == 47
    assert FPS == clip.FPS


@pytest.mark.parametrize("frames", [1, 2, 10, 41])
def test_features_and_embedding_have_unit_scale(frames):
    picture, embedding = encoder()(noise(frames))
    assert picture.shape == (1, frames, 8)
    torch.testing.assert_close(picture.square().mean(-1), torch.ones(1, frames), rtol=1e-3, atol=0)
    torch.testing.assert_close(embedding.norm(dim=-1), torch.tensor([EMBEDDING**0.5]), rtol=1e-3, atol=0)


def test_black_frames_are_no_picture():
    frames = noise(12)
    frames[:, 8:] = 0
    picture, embedding = encoder()(frames)
    assert not picture[:, 8:].any()
    short, alone = encoder()(frames[:, :8])
    torch.testing.assert_close(picture[:, :8], short)
    torch.testing.assert_close(embedding, alone)
    nothing = encoder()(torch.zeros(1, 5, 32, 32, 3))
    assert not nothing[0].any()
    assert not nothing[1].any()


def test_a_still_has_the_same_features_throughout_and_a_film_has_not():
    still = encoder()(noise(1).expand(-1, 9, -1, -1, -1))[0]
    torch.testing.assert_close(still[:, 2:7], still[:, 2:3].expand(-1, 5, -1))
    assert encoder()(noise(9))[0][:, 2:7].std(dim=1).max() > 0.01


def test_mean_pooling_is_the_baseline_of_attention():
    hidden, alive = torch.randn(2, 6, 32), torch.ones(2, 6, 1)
    pooled = encoder(replace(CONFIG, pooling="mean")).pool(hidden, alive)
    torch.testing.assert_close(pooled, hidden.mean(1))
    assert not torch.allclose(encoder().pool(hidden, alive), hidden.mean(1))


def test_an_encoder_comes_back_from_its_run_as_it_was(tmp_path):
    save_scene(encoder(), tmp_path)
    frames = (255 * noise(5)[0]).to(torch.uint8).numpy()
    for mine, theirs in zip(picture_of(encoder(), frames), picture_of(load_scene(tmp_path), frames), strict=True):
        np.testing.assert_array_equal(mine, theirs)
    with pytest.raises(ValueError, match=r"must be \(F, 32, 32, 3\)"):
        picture_of(encoder(), frames[:, :16])
    with pytest.raises(FileNotFoundError, match="python -m training scene"):
        load_scene(tmp_path / "nowhere")


@pytest.mark.parametrize("number", range(6))
def test_the_truth_about_a_clip_is_what_its_notes_say(number):
    rng = np.random.default_rng(number)
    scene = DrawnScene(rng, 32)
    names = list(families())
    seen = scene.film(rng, 10)
    assert seen.frames.shape == (10, 32, 32, 3)
    assert seen.wanted.sum() == pytest.approx(1)
    assert set(np.flatnonzero(seen.sounding.any(0))) <= {names.index(part.family) for part in scene.parts}
    heard = seen.sounding.any(1)
    assert not seen.energy[~heard].any()
    assert not seen.onset[~heard].any()
    assert seen.energy[heard].min(initial=1) > 0
    if seen.still:
        assert (seen.frames == seen.frames[:1]).all()
    if heard.any():
        np.testing.assert_array_equal(seen.wanted > 0, seen.sounding.any(0))


def test_the_same_number_draws_the_same_clip():
    first, second = (DrawnScene(np.random.default_rng(5), 32).film(np.random.default_rng(6), 4) for _ in range(2))
    np.testing.assert_array_equal(first.frames, second.frames)
    np.testing.assert_array_equal(first.sounding, second.sounding)


def test_the_area_under_a_curve_that_is_known():
    truth = np.array([True, True, False, False])
    assert auc(np.array([3.0, 2.0, 1.0, 0.0]), truth) == 1
    assert auc(np.array([0.0, 1.0, 2.0, 3.0]), truth) == 0
    assert auc(np.zeros(4), truth) == 0.5
    assert drawn_as("violin") == drawn_as("viola") != drawn_as("cello")


def test_what_was_trained_can_be_judged(untrained_towers, tmp_path):
    train_scene(replace(PRESET, scene=replace(CONFIG, steps=2)), untrained_towers, tmp_path, workers=0)
    text = report(SceneEvaluator(tmp_path, untrained_towers, 10), clips=8)
    assert "moving" in text
    assert "twins" in text


def test_a_resumed_run_goes_on_as_if_never_stopped(untrained_towers, tmp_path):
    names = FamilyPhrases(untrained_towers)

    def losses(folder, steps, resume):
        stage = SceneStage(PRESET, names)
        run = Trainer(stage, TrainConfig(steps=20, learning_rate=1e-3, ema=0.9, seed=3, warmup=4), folder)
        assert run.resume() is resume
        for step in range(run.step, steps):
            yield run.descend([stage.batch(step)])[0]
        run.save()

    whole = list(losses(tmp_path / "whole", 6, False))
    first = list(losses(tmp_path / "parts", 3, False))
    assert first + list(losses(tmp_path / "parts", 6, True)) == whole


@pytest.mark.parametrize(
    ("wrong", "said"),
    [({"pooling": "max"}, "attention or mean"), ({"size_px": 50}, "multiple of 16"), ({"batch": 3}, "even")],
)
def test_a_wrong_setting_is_one_sentence(wrong, said):
    with pytest.raises(ValueError, match=said):
        SceneConfig(**wrong)
