"""New sound is asked for where the stems of an example fit each other: made of one piece, at one time and speed."""

from dataclasses import replace

import numpy as np
import pytest

from engine.tasks import TASKS
from training.codec.train import load_codec
from training.config import MaskingConfig, load_preset
from training.data.mixer import Mix, StemCrop, StemMixer
from training.data.stem_cache import StemCache
from training.flow.encode import encode_latents, preset_mixer
from training.flow.examples import is_one_piece
from training.flow.latent_dataset import LatentDataset
from training.flow.task_sampler import assign_tasks, sample_task
from training.flow.train import FlowStage

FRAMES = 64
EVEN = MaskingConfig(mixture=0.5, zero=0.5, unconditional=0.0)


def drawn(count, seed=0):
    rng = np.random.default_rng(seed)
    return [sample_task(rng, FRAMES, EVEN) for _ in range(count)]


def made(draws):
    return [not TASKS[draw.task].masked for draw in draws]


def test_new_sound_is_asked_of_one_piece_and_no_draw_is_lost():
    draws = drawn(64)
    together = [bool(k % 4) for k in range(64)]  # three quarters
    asked = assign_tasks(draws, together)
    assert sorted(map(id, asked)) == sorted(map(id, draws))
    assert any(made(asked))
    assert not any(m for m, one in zip(made(asked), together, strict=True) if not one)


def test_where_too_few_are_of_one_piece_the_others_are_asked_too():
    asked = assign_tasks(drawn(32), [False] * 31 + [True])
    assert made(asked)[31]
    assert sum(made(asked)) == sum(made(drawn(32))) > 1


@pytest.mark.parametrize(
    ("pieces", "takes", "one"),
    [
        (("a", "a"), (StemCrop(0, 5, 1.0), StemCrop(1, 5, 1.0)), True),
        (("a",), (StemCrop(0, 5, 1.1),), True),
        (("a", "b"), (StemCrop(0, 5, 1.0), StemCrop(1, 5, 1.0)), False),
        (("a", "a"), (StemCrop(0, 5, 1.0), StemCrop(1, 9, 1.0)), False),
        (("a", "a"), (StemCrop(0, 5, 1.0), StemCrop(1, 5, 1.1)), False),
        (("a", "a"), (), False),
    ],
)
def test_one_piece_is_one_recording_at_one_time_and_speed(pieces, takes, one):
    labels = [{"family": "piano", "piece": piece} for piece in pieces]
    assert is_one_piece(Mix(np.zeros((len(pieces), 8), np.float32), labels, takes)) is one


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_a_preset_says_how_many_mixes_are_of_one_piece(flutes_and_drums, share):
    mixer = StemMixer(StemCache(flutes_and_drums), together=share)
    rng = np.random.default_rng(3)
    found = [is_one_piece(mixer.draw(rng, 8000, count=2)) for _ in range(40)]
    assert np.mean(found) == share


def test_a_share_is_a_share():
    flow = load_preset("tiny").flow
    with pytest.raises(ValueError, match="together_share"):
        replace(flow, together_share=1.5)


def test_a_batch_makes_new_sound_from_one_piece(tiny_run, tmp_path, monkeypatch):
    flow = replace(tiny_run.preset.flow, pool=24, batch=8, picture_dim=0, together_share=0.6)
    preset = replace(tiny_run.preset, flow=flow, masking=replace(tiny_run.preset.masking, mixture=0.67, zero=0.3))
    codec = load_codec(preset, tiny_run.codec)
    latents = encode_latents(tmp_path / "pool", preset, preset_mixer(preset, tiny_run.cache), codec)
    stage = FlowStage(preset, latents, codec, tiny_run.prompt)
    asked, drawer = [], LatentDataset.draw

    def spied(dataset, numbers, rng, masked):
        asked.append((dataset.together(numbers), list(masked)))
        return drawer(dataset, numbers, rng, masked)

    monkeypatch.setattr(LatentDataset, "draw", spied)
    for step in range(9):
        stage.batch(step)
    for together, masked in asked:
        made_apart = sum(not m for m, one in zip(masked, together, strict=True) if not one)
        assert made_apart == max(0, masked.count(False) - sum(together))
    assert any(any(together) and not all(together) for together, _ in asked)
