"""Promises of films: frames in step with the sound in the cache, whole pictures, and damage that costs no sound."""

from __future__ import annotations

import logging
import re

import numpy as np
import pytest
import tinyfilms
from PIL import Image
from tinyfilms import SECONDS, SOLOS, colour_at

from training.config import PRESETS, load_preset
from training.data.datasets import read_dataset
from training.data.datasets.index import main, make_index
from training.data.mixer import MIX_RMS, SOURCE_GAINS, StemMixer
from training.data.stem_cache import FILM, StemCache
from training.data.video import FrameFolder, VideoFile, frames_from
from training.scene.config import FPS
from training.synthesis.render_stems import ensure_cache

TINY = load_preset("tiny")
SIZE = TINY.scene.size_px
FRAMES = round(TINY.sound.seconds * FPS)


@pytest.fixture(scope="module")
def music(tmp_path_factory):
    return tinyfilms.music(tmp_path_factory.mktemp("music"))


@pytest.fixture(scope="module")
def cache(music, tmp_path_factory):
    folder = tmp_path_factory.mktemp("cache")
    assert main(["--kind", "music", str(music), "--cache", str(folder), "--preset", "tiny"]) == 0
    return StemCache(folder)


def test_films_are_kept_for_presets_that_see(music, tmp_path):
    preset = tmp_path / "blind.toml"
    tiny = (PRESETS / "tiny.toml").read_text("utf-8")
    preset.write_text(re.sub(r"(?m)^picture_dim = .*", "picture_dim = 0", tiny), "utf-8")
    assert load_preset(str(preset)).flow.picture_dim == 0
    assert main(["--kind", "music", str(music), "--cache", str(tmp_path / "cache"), "--preset", str(preset)]) == 0
    assert StemCache(tmp_path / "cache").count
    assert not list((tmp_path / "cache").glob(f"*{FILM}"))


def near(pixel: np.ndarray, colour: tuple[int, int, int]) -> bool:
    return bool(np.abs(pixel.astype(int) - colour).max() < 10)


def test_every_moment_of_a_film_is_found_again(music):
    for number, (kind, name, _) in enumerate(SOLOS):
        film = VideoFile.open(music / "frames" / kind / f"{name}.mp4")
        assert film.count == SECONDS * FPS
        for first in (0, 13, 40):
            frames = film.read(first, 20, SIZE)
            assert frames.shape == (20, SIZE, SIZE, 3)
            for k, frame in enumerate(frames):
                assert near(frame[SIZE // 2, SIZE // 2], colour_at(number, (first + k + 0.5) / FPS))
            assert not frames[:, : SIZE // 8 - 1].any()  # bars above a picture of 4 to 3


def test_a_film_that_is_over_shows_nothing(music):
    kind, name, _ = SOLOS[0]
    film = VideoFile.open(music / "frames" / kind / f"{name}.mp4")
    frames = frames_from(film, SECONDS - 1, 2 * FPS, SIZE)
    assert frames[:FPS].any(axis=(1, 2, 3)).all()
    assert not frames[FPS:].any()
    assert not frames_from(film, SECONDS + 3, FPS, SIZE).any()


def test_the_cache_keeps_the_frames_of_every_span_at_its_place(cache):
    assert cache.count == 2 * len(SOLOS)  # two spans of 4 s in 9 s
    assert cache.film_sizes == {SIZE}
    kinds = [kind for kind, _, _ in SOLOS]
    for stem in range(cache.count):
        label, film = cache.label(stem), cache.film(stem)
        assert film.shape == (FRAMES, SIZE, SIZE, 3)
        assert film.dtype == np.uint8
        start_s = float(label["piece"].rpartition("-")[2])
        for k, frame in enumerate(film):
            assert near(frame[SIZE // 2, SIZE // 2], colour_at(kinds.index(label["label"]), start_s + (k + 0.5) / FPS))


def test_a_film_that_is_none_and_a_broken_picture_cost_no_sound(tmp_path, caplog, capsys):
    root = tinyfilms.music(tmp_path / "music", filmed=False)
    films = [root / "frames" / kind / f"{name}.mp4" for kind, name, _ in SOLOS]
    for film in films[1:]:
        film.mkdir(parents=True)
        for k in range(round(SECONDS * FPS)):
            Image.new("RGB", (16, 12), (9, 99, 199)).save(film / f"{k + 1:06d}.jpg")
    films[0].parent.mkdir(parents=True)
    films[0].write_bytes(b"no film")
    (films[1] / "000003.jpg").write_bytes(b"no picture")
    problems = [what for _, what in make_index("music", read_dataset("music", root)).problems]
    assert [problem.startswith("the film v1.mp4 cannot be read") for problem in problems] == [True]
    with caplog.at_level(logging.WARNING):
        assert main(["--kind", "music", str(root), "--cache", str(tmp_path / "cache"), "--preset", "tiny"]) == 0
    assert "accordion/a1 has no picture from 0 s on: the picture 000003.jpg cannot be read" in caplog.text
    cache = StemCache(tmp_path / "cache")
    assert cache.count == 2 * len(SOLOS)
    assert "3 of 6 have a film of 32 x 32 pixels" in capsys.readouterr().out
    seen = {cache.label(k)["piece"] for k in range(cache.count) if cache.film(k) is not None}
    assert seen == {"music-accordion/a1-4", "music-tuba/t1-0", "music-tuba/t1-4"}


def test_films_that_are_gone_are_missed(cache, tmp_path):
    for file in cache.folder.iterdir():
        if not file.name.endswith(FILM):
            (tmp_path / file.name).write_bytes(file.read_bytes())
    with pytest.raises(ValueError, match=r"film\.npy is gone.*index the data set again"):
        StemCache(tmp_path)


def test_frames_of_a_folder_go_on_with_the_last(tmp_path):
    for k in range(3):
        Image.new("RGB", (16, 16), (50 * k, 0, 0)).save(tmp_path / f"{k}.png")
    film = FrameFolder(tuple(sorted(tmp_path.iterdir())))
    assert film.read(1, 4, 16)[:, 8, 8, 0].tolist() == [50, 100, 100, 100]


def test_nothing_is_rendered_into_a_data_set(cache):
    assert ensure_cache(TINY, cache.folder).count == cache.count


def test_averaged_sources_are_of_different_instruments(cache):
    mixer, ratios, levels = StemMixer(cache, sources=2), [], []
    for seed in range(60):
        mix = mixer.draw(np.random.default_rng(seed), 10_240)
        assert len({label["family"] for label in mix.labels}) == len(mix.labels) == len(mix.takes) == 2
        np.testing.assert_allclose(mix.mix, mix.stems.sum(axis=0), atol=1e-6)
        for stem, take in zip(mix.stems, mix.takes, strict=True):  # a gain, and not a polarity
            original = cache.audio(take.stem, take.first, 10_240)
            assert np.corrcoef(stem, original)[0, 1] > 0.99
        loud = np.sqrt((mix.stems**2).mean(axis=1))
        ratios.append(loud[0] / loud[1])
        levels.append(np.sqrt((mix.mix**2).mean()))
    low, high = SOURCE_GAINS
    assert low / high * 0.8 < min(ratios) < 0.6
    assert 1.6 < max(ratios) < high / low * 1.25
    assert MIX_RMS * 0.8 < np.median(levels) < MIX_RMS * 1.25


def test_sources_are_clipped_at_full_scale_before_they_are_averaged():
    class Loud:
        folder, count, samples, pieces = "memory", 2, 8_000, {"a": [0], "b": [1]}

        def label(self, stem: int) -> dict[str, str]:
            return {"family": ("violin", "piano")[stem], "piece": "ab"[stem]}

        def audio(self, stem: int) -> np.ndarray:
            return 0.98 * np.sin(np.arange(self.samples) * (0.1, 0.3)[stem]).astype(np.float32)

    flat = []
    for seed in range(20):
        for stem in StemMixer(Loud(), sources=2).draw(np.random.default_rng(seed), 8_000).stems:
            flat.append(float((np.abs(stem) > 0.999 * np.abs(stem).max()).mean()))
    assert min(flat) < 0.05  # a sine that was not clipped is rarely at its peak
    assert max(flat) > 0.3


def test_one_instrument_makes_no_mix_of_two(tmp_path):
    root = tinyfilms.music(tmp_path / "music", filmed=False)
    for kind, name, _ in SOLOS[1:]:
        (root / "audio" / kind / f"{name}.mp3").unlink()
    assert main(["--kind", "music", str(root), "--cache", str(tmp_path / "cache"), "--preset", "tiny"]) == 0
    with pytest.raises(ValueError, match=r"mixes of 2 different instruments need stems of as many; .* holds violin"):
        StemMixer(StemCache(tmp_path / "cache"), sources=2)
