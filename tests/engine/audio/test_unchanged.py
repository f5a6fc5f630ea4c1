"""Unchanged means unchanged: what a task keeps of the user's file comes back to the last bit, however loud it is."""

import numpy as np
import pytest
import soundfile
from dreaming import dream

from engine.errors import RequestError

RATE_HZ = 44_100
REGION_S = (0.5, 1.0)
INSIDE = slice(round(REGION_S[0] * RATE_HZ), round(REGION_S[1] * RATE_HZ))
REPLACE = {"task": "replace", "replacement": "bass"}


def read(path):
    return soundfile.read(path, dtype="float64", always_2d=True)[0]


def outside(audio_NC):
    return np.delete(audio_NC, INSIDE, axis=0)


@pytest.fixture
def lossy(tmp_path, noise):
    """An Ogg file of a clipped mix: its decoder goes beyond full scale."""
    path = tmp_path / "loud.ogg"
    soundfile.write(path, np.clip(read(noise(seconds=1.5, level=0.1)) * 20, -1, 1), RATE_HZ)
    assert np.abs(read(path)).max() > 1.05
    return path


@pytest.mark.parametrize("last", [1.0, -1.0])
@pytest.mark.parametrize("seed", range(4))
def test_extending_a_file_that_ends_at_full_scale_keeps_every_sample(toy_bundle, tmp_path, last, seed):
    source = tmp_path / "square.wav"
    square_N = np.where(np.arange(RATE_HZ) // 100 % 2, -last, last)  # 440 half waves and a half: it ends at ``last``
    soundfile.write(source, square_N[: RATE_HZ - 50], RATE_HZ, subtype="PCM_16")
    [result] = dream(toy_bundle, tmp_path, task="extend", input=source, seconds=0.5, seed=seed).results
    before = read(source)
    np.testing.assert_array_equal(read(result.stem)[: len(before)], before)
    assert result.gain_db == 0


@pytest.mark.parametrize("asked", [{"task": "inpaint"}, {"task": "restyle"}, REPLACE], ids=lambda asked: asked["task"])
def test_a_lossy_file_over_full_scale_stays_as_it_is_outside_the_region(toy_bundle, lossy, tmp_path, asked):
    [result] = dream(toy_bundle, tmp_path, input=lossy, region_s=REGION_S, **asked).results
    made = result.mix or result.stem
    assert soundfile.info(made).subtype == "FLOAT"
    np.testing.assert_array_equal(outside(read(made)), outside(read(lossy)))


def test_a_lossy_file_below_full_scale_is_still_stored_with_24_bits(toy_bundle, noise, tmp_path):
    quiet = noise("quiet.ogg", seconds=1.5)
    [result] = dream(toy_bundle, tmp_path, task="inpaint", input=quiet, region_s=REGION_S).results
    assert soundfile.info(result.stem).subtype == "PCM_24"


@pytest.mark.parametrize("asked", [{"task": "inpaint"}, {"task": "restyle"}, REPLACE], ids=lambda asked: asked["task"])
@pytest.mark.parametrize("format", ["wav16", "wav24", "flac"])
def test_a_format_that_cannot_hold_the_file_is_refused(run, noise, tmp_path, asked, format):
    mix = noise(seconds=1.5, subtype="FLOAT", level=0.5)
    with pytest.raises(RequestError, match=rf"times full scale, which {format} cannot hold.*choose --format wav32f"):
        run(input=mix, region_s=REGION_S, format=format, **asked)
    assert not (tmp_path / "out").exists()


def test_an_arrangement_keeps_a_rest_over_full_scale(toy_bundle, lossy, tmp_path):
    asked = {"task": "arrange", "rest": str(lossy), "seconds": 1.0}
    [result] = dream(toy_bundle, tmp_path, **asked).results
    assert soundfile.info(result.mix).subtype == "FLOAT"
    np.testing.assert_allclose(read(result.rest), read(lossy)[:RATE_HZ], rtol=0, atol=2.0**-22)
    assert result.null_db == -300
    with pytest.raises(RequestError, match="wav16 cannot hold"):
        dream(toy_bundle, tmp_path, format="wav16", **asked)


@pytest.mark.parametrize("subtype", ["PCM_16", "PCM_24", "PCM_32"])
def test_replacing_nothing_of_a_clipped_master_gives_it_back(run, noise, tmp_path, subtype):
    mix = noise(seconds=1.5)
    soundfile.write(mix, np.clip(read(mix) * 20, -1, 1), RATE_HZ, subtype=subtype)
    assert read(mix).min() == -1
    [result] = run(input=mix, prompts=("drums",), region_s=REGION_S, strength=0.0, **REPLACE).results
    np.testing.assert_array_equal(read(result.mix), read(mix))
    np.testing.assert_array_equal(read(result.stem) + read(result.rest), read(mix))
    assert (result.gain_db, result.null_db) == (0, -300)


@pytest.mark.parametrize("subtype", ["PCM_16", "FLOAT"])
def test_the_null_figure_of_replacing_in_a_clipped_master_is_that_of_the_files(toy_bundle, noise, tmp_path, subtype):
    mix = noise(seconds=1.5)
    soundfile.write(mix, np.clip(read(mix) * 20, -1, 1), RATE_HZ, subtype=subtype)
    [result] = dream(toy_bundle, tmp_path, input=mix, region_s=REGION_S, **REPLACE).results
    np.testing.assert_array_equal(read(result.stem) + read(result.rest), read(result.mix))
    np.testing.assert_array_equal(outside(read(result.mix)), outside(read(mix)))
    assert result.null_db == -300


@pytest.mark.parametrize("asked", [{"task": "inpaint"}, {"task": "restyle"}, REPLACE], ids=lambda asked: asked["task"])
def test_in_a_float_file_over_full_scale_new_sound_is_as_loud_as_what_it_joins(toy_bundle, noise, tmp_path, asked):
    figures = []
    for gain in (0.01, 1.0):
        mix = noise(seconds=1.5, subtype="FLOAT", level=3 * gain)
        [result] = dream(toy_bundle, tmp_path, input=mix, region_s=REGION_S, **asked).results
        figures.append(20 * np.log10(read(result.stem)[INSIDE].std() / gain))
    assert figures[0] == pytest.approx(figures[1], abs=0.5)
