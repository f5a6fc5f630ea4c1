"""An arrangement's stems go together: each hears those before it, and their sum is the mix, exactly."""

import numpy as np
import pytest
import soundfile
from dreaming import DreamingBackend, dream

from engine.audio.quantize import clip_to_range, quantize, share_headroom
from engine.errors import RequestError
from engine.generation.arrange import generation_order
from engine.latents import Slot

BAND = ("violin", "bass", "drums")


def read(path):
    return soundfile.read(path, dtype="float64", always_2d=True)[0]


@pytest.mark.parametrize("format", ["wav16", "wav24", "wav32f", "flac"])
def test_the_stems_add_up_to_the_mix_exactly(run, format):
    results = run(task="arrange", prompts=BAND, seconds=1.0, format=format).results
    stems = [read(result.stem) for result in results]
    assert [result.prompt for result in results] == list(BAND)
    assert len({result.mix for result in results}) == 1
    np.testing.assert_array_equal(sum(stems), read(results[0].mix))
    np.testing.assert_array_equal(
        sum(stem.astype(np.float32) for stem in stems), read(results[0].mix).astype(np.float32)
    )
    assert all(np.abs(stem).max() > 1e-3 for stem in stems)
    assert results[0].null_db == -300
    assert stems[0].shape == (44_100, 2)


def test_every_stem_hears_the_sum_of_those_before_it(toy_bundle, tmp_path):
    backend = DreamingBackend()
    dream(toy_bundle, tmp_path, backend, task="arrange", prompts=BAND, seconds=0.2, steps=1)
    heard = [bool(told["known"][:, Slot.REST].all()) for told in backend.told]
    assert heard == [False, True, True]
    assert not any(told["known"][:, [Slot.MIX, Slot.STEM]].any() for told in backend.told)
    rests = [told["x"][0, Slot.REST] for told in backend.told[1:]]
    assert np.corrcoef(rests[0].ravel(), rests[1].ravel())[0, 1] > 0.5  # the first stem is in both


def test_a_later_stem_is_regenerating_against_the_sum_of_those_before_it(run):
    first, second = run(
        task="arrange", prompts=("drums", "bass"), seconds=1.0, format="wav32f", keep_order=True
    ).results
    [alone] = run(task="regenerate", prompts=("bass",), input=first.stem).results
    one, other = read(second.stem), read(alone.stem)
    inner = slice(500, -500)  # the first stem went through a file at another rate, which rings at its ends
    np.testing.assert_allclose((one / one.std())[inner], (other / other.std())[inner], atol=1e-3)


def test_every_stem_has_noise_of_its_own_and_the_first_has_that_of_generate(toy_bundle, tmp_path):
    backend, asked = DreamingBackend(), {"seconds": 0.2, "steps": 1, "seed": 4}
    dream(toy_bundle, tmp_path, backend, task="arrange", prompts=BAND, **asked)
    dream(toy_bundle, tmp_path, backend, task="generate", **asked)
    *stems, alone = [told["x"][0, Slot.STEM] for told in backend.told]
    np.testing.assert_array_equal(stems[0], alone)
    for number, one in enumerate(stems):
        for other in stems[:number]:
            assert abs(np.corrcoef(one.ravel(), other.ravel())[0, 1]) < 0.1


@pytest.mark.parametrize(
    ("prompts", "order"),
    [
        (["violin", "bass", "drums"], [2, 1, 0]),
        (["lead guitar", "a warm pad", "sub bass", "kick and snare"], [3, 2, 1, 0]),
        (["bass drum", "female vocal", "cello", "piano chords"], [0, 3, 2, 1]),
        (["sitar", "oud"], [0, 1]),
    ],
)
def test_what_carries_the_time_is_made_first_and_the_lead_last(prompts, order):
    assert generation_order(prompts) == order


def test_the_order_can_be_kept(toy_bundle, tmp_path):
    firsts = []
    for keep_order in (False, True):
        backend = DreamingBackend()
        asked = {"task": "arrange", "prompts": ("violin", "drums"), "seconds": 0.2, "keep_order": keep_order}
        results = dream(toy_bundle, tmp_path, backend, **asked).results
        assert [result.prompt for result in results] == ["violin", "drums"]
        firsts.append(results)
    levels = [[read(result.stem).std() for result in results] for results in firsts]
    assert levels[0] == pytest.approx(levels[1][::-1], rel=0.2)


@pytest.mark.parametrize("subtype", ["PCM_16", "PCM_24", "FLOAT"])
def test_a_rest_to_begin_with_stays_as_it_is_and_is_part_of_the_sum(run, noise, subtype):
    rest = noise("given.wav", seconds=1.3, channels=1, rate_hz=22_050, subtype=subtype)
    results = run(task="arrange", prompts=("drums", "violin"), rest=str(rest)).results
    total = sum(read(result.stem) for result in results) + read(results[0].rest)
    np.testing.assert_array_equal(total, read(results[0].mix))
    last_place = 2.0**-24 if subtype == "FLOAT" else 0  # where a finer one cannot be part of an exact sum
    np.testing.assert_allclose(read(results[0].rest), read(rest), rtol=0, atol=last_place)
    assert soundfile.info(results[0].mix).samplerate == 22_050


def test_a_loud_rest_makes_the_new_stems_give_way_not_itself(toy_bundle, noise, tmp_path):
    rest = noise("given.wav", seconds=1.0, subtype="PCM_16", level=0.22)
    results = dream(toy_bundle, tmp_path, task="arrange", prompts=BAND, rest=str(rest)).results
    np.testing.assert_array_equal(read(results[0].rest), read(rest))
    total = sum(read(result.stem) for result in results) + read(rest)
    np.testing.assert_array_equal(total, read(results[0].mix))
    assert -6.1 < results[0].gain_db < 0


@pytest.mark.parametrize("subtype", ["PCM_16", "PCM_24"])
def test_around_a_rest_at_full_scale_all_stems_give_way_and_the_sum_stays_exact(toy_bundle, noise, tmp_path, subtype):
    rest, many = noise("given.wav", seconds=0.2), tuple(f"drum {number}" for number in range(16))
    soundfile.write(rest, np.sign(read(rest)), 44_100, subtype=subtype)
    results = dream(toy_bundle, tmp_path, task="arrange", prompts=many, rest=str(rest), steps=1).results
    np.testing.assert_array_equal(sum(read(result.stem) for result in results) + read(rest), read(results[0].mix))
    np.testing.assert_array_equal(read(results[0].rest), read(rest))
    assert results[0].null_db == -300


@pytest.mark.parametrize("bits", [16, 24, 32])
def test_stems_that_share_the_room_stay_in_range_alone_and_together(bits):
    rng = np.random.default_rng(0)
    fixed = quantize(rng.uniform(-1, 1, (2, 5000)), bits)
    fixed[0, :2] = -1, 1 - 2.0 ** (1 - bits)
    tracks = [1.2 * rng.uniform(-1, 1, fixed.shape) for _ in range(7)]
    shared = share_headroom(tracks, bits, fixed)
    for audio in (*shared, sum(shared) + fixed):
        np.testing.assert_array_equal(audio, clip_to_range(quantize(audio, bits), bits))
    fitting = np.abs(sum(tracks) + fixed) < 0.99
    fitting &= np.abs(tracks).max(axis=0) < 0.99
    assert fitting.sum() > 500
    for before, after in zip(tracks, shared, strict=True):
        np.testing.assert_array_equal(after[fitting], quantize(before, bits)[fitting])


def test_what_would_clip_gets_one_gain_for_all_stems(toy_bundle, tmp_path):
    asked = {"task": "arrange", "prompts": ("drums", "bass", "pad", "harp", "lead", "oud", "koto"), "seconds": 0.5}
    results = dream(toy_bundle, tmp_path, format="wav16", **asked).results
    np.testing.assert_array_equal(sum(read(result.stem) for result in results), read(results[0].mix))
    assert len({result.gain_db for result in results}) == 1
    assert results[0].gain_db < 0
    assert 0.9 < np.abs(read(results[0].mix)).max() < 1


def test_candidates_of_an_arrangement_are_kept_and_the_best_are_in_the_mix(toy_bundle, tmp_path):
    results = dream(
        toy_bundle, tmp_path, task="arrange", prompts=("drums", "bass"), seconds=0.5, candidates=2, format="wav32f"
    ).results
    assert [result.prompt for result in results] == ["drums", "drums", "bass", "bass"]
    best = [result for number, result in enumerate(results) if number % 2 == 0]
    np.testing.assert_array_equal(sum(read(result.stem) for result in best), read(results[0].mix))
    assert len({result.stem for result in results}) == 4


def test_an_arrangement_takes_no_region(run, tmp_path):
    with pytest.raises(RequestError, match="arrange takes no region"):
        run(task="arrange", region_s=(0.0, 1.0))
    assert not (tmp_path / "out").exists()
