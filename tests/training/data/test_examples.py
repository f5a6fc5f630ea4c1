"""Promises of triplets and duets: exact sums, the papers' numbers, pictures beside the sound."""

from __future__ import annotations

import numpy as np
import pytest
import tinysets

from training.data.datasets import read_dataset
from training.data.examples import DUET_FRAMES, DUET_HZ, DUET_SAMPLES, Duets, triplet
from training.data.piece import ArraySound, Piece, Stem


def piece_of(*stems_N: np.ndarray, rate_hz: int = 8000) -> Piece:
    sounds = [ArraySound(np.asarray(s, dtype=np.float32)[None], rate_hz) for s in stems_N]
    return Piece("p", "", tuple(Stem(f"s{k}", "piano", sound) for k, sound in enumerate(sounds)))


def test_a_triplet_is_rest_and_source():
    rng = np.random.default_rng(0)
    piece = piece_of(*(rng.standard_normal(16_000) * 0.1 for _ in range(4)))
    seen = set()
    for seed in range(30):
        one = triplet(np.random.default_rng(seed), piece, 4000, 8000)
        np.testing.assert_array_equal(one.mix, one.rest + one.source)
        first = round(one.start_s * 8000)
        whole = piece.stems[one.stem].sound.read(first, 4000)[0]
        np.testing.assert_array_equal(one.source, whole)
        seen.add(one.stem)
    assert seen == {0, 1, 2, 3}


def test_a_triplet_looks_for_a_span_where_the_source_sounds():
    late = np.zeros(80_000)
    late[40_000:] = 0.1 * np.sin(np.arange(40_000))
    piece = piece_of(late, np.ones(80_000) * 0.1)
    found = [triplet(np.random.default_rng(seed), piece, 4000, 8000, stem=0) for seed in range(40)]
    assert sum(one.silent for one in found) <= 1  # ten tries at even odds
    never = piece_of(np.zeros(80_000), late)
    assert triplet(np.random.default_rng(0), never, 4000, 8000, stem=0).silent


def test_a_piece_without_stems_makes_no_triplet():
    with pytest.raises(ValueError, match="p has no stems"):
        triplet(np.random.default_rng(0), piece_of(), 100, 8000)


def test_a_piece_shorter_than_the_span_is_padded():
    one = triplet(np.random.default_rng(0), piece_of(np.ones(1000) * 0.2, np.ones(1000) * 0.1), 4000, 8000)
    assert one.mix.shape == (4000,)
    assert not one.mix[1000:].any()


@pytest.fixture(scope="module")
def solos(tmp_path_factory):
    return list(read_dataset("music", tinysets.music(tmp_path_factory.mktemp("music"))))


def test_a_duet_has_the_numbers_of_the_paper(solos):
    duet = Duets(solos, size_px=16).draw(np.random.default_rng(1))
    assert (DUET_SAMPLES, DUET_HZ, DUET_FRAMES) == (64_640, 11_025, 47)
    assert duet.mix.shape == (64_640,)
    assert duet.sources.shape == (2, 64_640)
    assert duet.frames.shape == (2, 47, 16, 16, 3)


def test_a_duet_is_the_mean_of_two_different_instruments(solos):
    duets = Duets(solos, samples=11_025, size_px=8)
    levels = []
    for seed in range(30):
        duet = duets.draw(np.random.default_rng(seed))
        np.testing.assert_array_equal(duet.mix, duet.sources[0] + duet.sources[1])
        assert duet.labels[0] != duet.labels[1]
        assert np.abs(duet.sources).max() <= 0.5
        levels += [float(np.abs(source).max()) for source in duet.sources]
    assert min(levels) < 0.07  # half of a tone of 0.2, scaled by 0.5 to 1.5
    assert max(levels) > 0.13


def test_the_pictures_belong_to_the_sounds(solos):
    duet = Duets(solos, samples=11_025, size_px=8).draw(np.random.default_rng(2))
    colours = {kind: 40 * k for k, (kind, _, _) in enumerate(tinysets.MUSIC_VIDEOS)}
    for label, frames in zip(duet.labels, duet.frames, strict=True):
        assert abs(int(frames[0, 4, 4, 0]) - colours[label]) < 8


def test_one_instrument_makes_no_duet(solos):
    with pytest.raises(ValueError, match=r"solos of two instruments, got \['violin'\]"):
        Duets([piece for piece in solos if piece.stems[0].label == "violin"])
