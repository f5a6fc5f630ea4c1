"""A data set with films from its folder to a batch of the flow, masked as MAGE does: the picture is the film's."""

from __future__ import annotations

import logging
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import tinyfilms
import torch
from torch import nn

from training.codec.model import MixWavCodec
from training.config import Preset, load_preset
from training.data.credits import credits
from training.data.datasets.index import main as index
from training.data.mixer import StemCrop, StemMixer
from training.data.sources import SoundLibrary
from training.data.stem_cache import StemCache
from training.flow.encode import encode_latents, preset_mixer
from training.flow.modalities import Modalities, filmed, open_modalities
from training.flow.train import FlowStage
from training.scene.config import FPS, frames_of
from training.scene.model import SceneTower, load_scene, picture_of, save_scene


@pytest.fixture(scope="module", autouse=True)
def no_sounds_to_render_from():
    """Films need none."""

    def find() -> SoundLibrary:
        raise FileNotFoundError("no training sounds")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(SoundLibrary, "find", staticmethod(find))
        yield


@pytest.fixture(scope="module")
def preset() -> Preset:
    """The tiny preset that mixes and hides as ``mage-music`` does; it meets every mix at once."""
    tiny, mage = load_preset("tiny"), load_preset("mage-music")
    flow = replace(tiny.flow, pool=6, batch=6, absent_share=0.0, prompt_dropout=0.0, mix_sources=mage.flow.mix_sources)
    masking = replace(mage.masking, mixture=1.0, zero=0.0, unconditional=0.0, given={"picture": 1.0}, still_share=0.0)
    return replace(tiny, flow=flow, masking=masking)


@pytest.fixture(scope="module")
def eyes(preset, tmp_path_factory) -> Path:
    """A run of a scene encoder that was never trained: only what it is shown matters here."""
    run = tmp_path_factory.mktemp("scene")
    torch.manual_seed(5)
    save_scene(SceneTower(preset.scene, preset.prompt.embedding), run)
    return run


def indexed(folder: Path, tint: int = 0, filmed: bool = True) -> StemCache:
    root = tinyfilms.music(folder / "music", tint, filmed)
    assert index(["--kind", "music", str(root), "--cache", str(folder / "cache"), "--preset", "tiny"]) == 0
    return StemCache(folder / "cache")


@pytest.fixture(scope="module")
def caches(tmp_path_factory) -> tuple[StemCache, StemCache]:
    """One sound, two films."""
    return indexed(tmp_path_factory.mktemp("one")), indexed(tmp_path_factory.mktemp("other"), tint=120)


def stage_of(preset: Preset, cache: StemCache, towers: Path, eyes: Path, pool: Path) -> FlowStage:
    torch.manual_seed(6)
    codec = MixWavCodec(preset.grid, preset.codec).eval()
    modalities = open_modalities(preset, cache, eyes, nn.Identity())
    latents = encode_latents(pool, preset, preset_mixer(preset, cache), codec, modalities)
    return FlowStage(preset, latents, codec, towers)


def test_a_batch_shows_the_film_and_another_film_is_another_picture(caches, preset, untrained_towers, eyes, tmp_path):
    one, other = (
        stage_of(preset, cache, untrained_towers, eyes, tmp_path / str(k)).batch(0) for k, cache in enumerate(caches)
    )
    assert one.picture.shape == (6, frames_of(preset.grid.grid), preset.flow.picture_dim)
    assert (one.picture != 0).any(dim=2).all()
    torch.testing.assert_close(one.latents, other.latents)
    assert not torch.isclose(one.picture, other.picture, atol=1e-3).all(dim=(1, 2)).any()
    assert credits(caches[0]) == []


def test_the_picture_is_what_was_filmed_while_the_stem_sounds(caches, preset, eyes):
    cache, rate_hz = caches[0], preset.grid.rate_hz
    senses = open_modalities(preset, cache, eyes, nn.Identity())
    kinds = [kind for kind, _, _ in tinyfilms.SOLOS]
    count = frames_of(preset.grid.grid)
    for stem in range(cache.count):
        take = StemCrop(stem, int(1.1 * rate_hz), 1.25)
        moments = [1.1 + 1.25 * (k + 0.5) / FPS for k in range(count)]
        frames = filmed(cache.film(stem), moments)
        label, middle = cache.label(stem), frames.shape[1] // 2
        start_s = float(label["piece"].rpartition("-")[2])
        for moment, frame in zip(moments, frames, strict=True):
            shown_s = (int(moment * FPS) + 0.5) / FPS  # 8 frames a second tell the time no better
            wanted = tinyfilms.colour_at(kinds.index(label["label"]), start_s + shown_s)
            assert np.abs(frame[middle, middle].astype(int) - wanted).max() < 10
        features, embedding = senses.picture(np.random.default_rng(0), [take])
        wanted_features, wanted_embedding = picture_of(load_scene(eyes), frames)
        np.testing.assert_array_equal(features, wanted_features)
        np.testing.assert_array_equal(embedding, wanted_embedding)


def test_a_still_is_one_frame_of_the_film_throughout(caches, preset, eyes):
    cache = caches[0]
    senses = open_modalities(
        replace(preset, masking=replace(preset.masking, still_share=1.0)), cache, eyes, nn.Identity()
    )
    count = frames_of(preset.grid.grid)
    frames = filmed(cache.film(0), [(k + 0.5) / FPS for k in range(count)])
    features_of_stills = [picture_of(load_scene(eyes), frames[[k] * count])[0] for k in range(count)]
    for seed in range(4):
        features, _ = senses.picture(np.random.default_rng(seed), [StemCrop(0, 0, 1.0)])
        assert any(np.array_equal(features, still) for still in features_of_stills)
        assert not np.array_equal(features, picture_of(load_scene(eyes), frames)[0])


def test_a_film_shows_nothing_before_and_after_itself(caches):
    film = caches[0].film(0)
    frames = filmed(film, [-0.1, 0.1, len(film) / FPS + 0.01])
    assert [bool(frame.any()) for frame in frames] == [False, True, False]


def test_a_film_of_two_is_no_picture_of_one(caches, preset, eyes):
    senses = open_modalities(preset, caches[0], eyes, nn.Identity())
    assert senses.picture(np.random.default_rng(0), [StemCrop(0, 0, 1.0), StemCrop(2, 0, 1.0)]) is None
    assert senses.picture(np.random.default_rng(0), []) is None


def test_who_wants_pictures_and_has_none_is_told_once(preset, eyes, tmp_path, caplog):
    cache = indexed(tmp_path, filmed=False)
    with caplog.at_level(logging.WARNING):
        senses = open_modalities(preset, cache, eyes, nn.Identity())
        assert senses.picture(np.random.default_rng(0), [StemCrop(0, 0, 1.0)]) is None
        Modalities(preset, cache)  # who does not want any is told nothing
    [record] = caplog.records
    assert record.getMessage().startswith(f"no player in {cache.folder} can be shown, so the network will learn from")


def test_who_has_pictures_is_told_nothing(caches, preset, eyes, caplog):
    with caplog.at_level(logging.WARNING):
        open_modalities(preset, caches[0], eyes, nn.Identity())
    assert not caplog.records


def test_films_of_another_size_are_refused(caches, preset, tmp_path):
    scene = replace(preset.scene, size_px=64)
    save_scene(SceneTower(scene, preset.prompt.embedding), tmp_path)
    with pytest.raises(ValueError, match=r"are 32 pixels wide and the scene encoder sees 64; index the data set again"):
        open_modalities(preset, caches[0], tmp_path, nn.Identity())


def test_twins_may_be_filmed(tmp_path):
    for number in range(2):
        root = tinyfilms.music(tmp_path / str(number), 60 * number)
        for kind, name, _ in tinyfilms.SOLOS:
            for place, ending in (("audio", "mp3"), ("frames", "mp4")):
                target = tmp_path / "music" / place / kind / f"{name}{number}.{ending}"
                target.parent.mkdir(parents=True, exist_ok=True)
                (root / place / kind / f"{name}.{ending}").rename(target)
    words = ["--kind", "music", str(tmp_path / "music"), "--cache", str(tmp_path / "cache"), "--preset", "tiny"]
    assert index(words) == 0
    mix = StemMixer(StemCache(tmp_path / "cache")).twins(np.random.default_rng(0), 10_240)
    assert mix.labels[0]["family"] == mix.labels[1]["family"]
    assert mix.labels[0]["piece"] != mix.labels[1]["piece"]
