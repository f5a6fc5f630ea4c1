"""The null promise: stem and rest as written add up to the input as read."""

from pathlib import Path

import numpy as np
import pytest
import soundfile

from engine.audio.quantize import quantize_pair
from engine.events import BIT_FOR_BIT_DB

FULL_24 = 2.0**-23


def read(path, dtype="float32"):
    return soundfile.read(path, dtype=dtype, always_2d=True)[0]


def added(result):
    return read(result.stem) + read(result.rest)


@pytest.mark.parametrize("subtype", ["PCM_16", "PCM_24"])
@pytest.mark.parametrize(
    ("rate_hz", "channels"), [(8_000, 1), (22_050, 2), (44_100, 2), (48_000, 6), (96_000, 1), (11_025, 2)]
)
def test_stem_plus_rest_is_the_input_bit_for_bit(run, noise, subtype, rate_hz, channels):
    mix = noise(rate_hz=rate_hz, channels=channels, subtype=subtype, seconds=0.5)
    [result] = run(input=mix).results
    np.testing.assert_array_equal(added(result), read(mix))
    assert result.null_db == BIT_FOR_BIT_DB
    for path in (result.stem, result.rest):
        info = soundfile.info(path)
        assert (info.samplerate, info.channels, info.subtype) == (rate_hz, channels, subtype)
        assert info.frames == soundfile.info(mix).frames


@pytest.mark.parametrize("source", ["PCM_16", "PCM_24"])
def test_float_files_of_an_integer_mix_add_up_bit_for_bit(run, noise, source):
    mix = noise(subtype=source)
    [result] = run(input=mix, format="wav32f").results
    np.testing.assert_array_equal(added(result), read(mix))
    assert result.null_db == BIT_FOR_BIT_DB
    assert soundfile.info(result.stem).subtype == "FLOAT"


def test_a_float_mix_of_24_bit_values_adds_up_bit_for_bit(run, noise, tmp_path):
    audio = np.round(read(noise(channels=2), "float64") / FULL_24) * FULL_24
    soundfile.write(tmp_path / "grid.wav", audio, 44_100, subtype="FLOAT")
    [result] = run(input=tmp_path / "grid.wav").results
    np.testing.assert_array_equal(added(result), audio.astype(np.float32))


def test_any_float_mix_is_off_by_less_than_half_a_unit_of_the_larger_part(run, noise):
    mix = noise(subtype="FLOAT", level=0.6)
    [result] = run(input=mix, prompts=("bass",)).results
    stem, rest, whole = read(result.stem), read(result.rest), read(mix)
    larger = np.maximum(np.abs(stem), np.abs(rest))
    assert (np.abs((stem + rest).astype(float) - whole) <= np.spacing(larger) / 2).all()
    assert result.null_db <= -140
    assert soundfile.info(result.stem).subtype == "FLOAT"


def test_where_two_float32_numbers_can_add_up_exactly_they_do():
    rng = np.random.default_rng(0)
    mix = rng.standard_normal((1, 20_000)).astype(np.float32).astype(np.float64)
    stem, rest = quantize_pair(mix, mix * rng.uniform(-0.9, 1.9, mix.shape), None, 1.0)
    np.testing.assert_array_equal(stem.astype(np.float32) + rest.astype(np.float32), mix.astype(np.float32))


def test_32_bit_integers_add_up_exactly(run, noise):
    mix = noise(subtype="PCM_32")
    [result] = run(input=mix).results
    assert soundfile.info(result.stem).subtype == "PCM_32"
    parts = [read(path, "int32").astype(np.int64) for path in (result.stem, result.rest)]
    np.testing.assert_array_equal(sum(parts), read(mix, "int32"))
    assert result.null_db == BIT_FOR_BIT_DB


def test_a_lossy_mix_is_off_by_at_most_one_step_of_24_bits(run, noise):
    mix = noise("mix.ogg")
    [result] = run(input=mix).results
    assert soundfile.info(result.stem).subtype == "PCM_24"
    assert np.abs(added(result).astype(float) - read(mix)).max() <= FULL_24
    assert result.null_db < -100


def test_a_region_adds_up_to_that_part_of_the_input(run, noise):
    mix = noise(seconds=2.0, subtype="PCM_24")
    [result] = run(input=mix, region_s=(0.5, 1.25)).results
    np.testing.assert_array_equal(added(result), read(mix)[22_050:55_125])


def test_a_region_is_the_same_part_of_the_whole_result(run, noise):
    mix = noise(seconds=2.0, subtype="PCM_24")
    [whole] = run(input=mix).results
    [part] = run(input=mix, region_s=(0.5, 1.25)).results
    np.testing.assert_allclose(read(part.stem), read(whole.stem)[22_050:55_125], atol=1e-4)


def test_float_beyond_full_scale_passes_untouched(run, noise):
    mix = noise(subtype="FLOAT", level=0.5)
    assert np.abs(read(mix)).max() > 1.5
    [result] = run(input=mix).results
    assert result.gain_db == 0
    np.testing.assert_allclose(added(result), read(mix), atol=1e-6)
    np.testing.assert_allclose(read(result.stem), 0.25 * read(mix), atol=1e-4)


def test_integers_that_would_clip_get_one_common_gain_and_say_so(run, noise):
    mix = noise(subtype="FLOAT", level=0.5)
    [result] = run(input=mix, prompts=("everything",), format="wav24").results
    gain = 10 ** (result.gain_db / 20)
    assert -20 < result.gain_db < -3
    assert np.abs(read(result.stem)).max() < 1
    assert np.abs(added(result) - gain * read(mix)).max() <= 2 * FULL_24


def test_a_mix_at_full_scale_needs_no_gain(run, tmp_path):
    square = np.sign(np.sin(np.arange(30_000) / 30)).astype(np.float64)
    soundfile.write(tmp_path / "full.wav", square, 44_100, subtype="PCM_16")
    [result] = run(input=tmp_path / "full.wav").results
    assert result.gain_db == 0
    np.testing.assert_array_equal(added(result), read(tmp_path / "full.wav"))


def test_decoded_audio_states_its_honest_null_figure(run, noise):
    [result] = run(input=noise(rate_hz=16_000, channels=1), render="decoded").results
    assert -200 < result.null_db < -70  # this codec is perfect; both files are rounded to 16 bits


@pytest.mark.parametrize("seconds", [0.2, 0.001])
def test_short_files_work(run, noise, seconds):
    mix = noise(seconds=seconds, subtype="PCM_16")
    [result] = run(input=mix).results
    np.testing.assert_array_equal(added(result), read(mix))


def test_digital_silence_gives_silence_and_no_presence(run, tmp_path):
    soundfile.write(tmp_path / "silence.wav", np.zeros((20_000, 2)), 44_100, subtype="PCM_24")
    [result] = run(input=tmp_path / "silence.wav").results
    assert not read(result.stem).any()
    assert not read(result.rest).any()
    assert result.presence == 0
    assert result.level_db is None
    assert result.null_db == BIT_FOR_BIT_DB


def test_names_with_spaces_and_other_alphabets_work(run, noise):
    [result] = run(input=noise("Моя песня é 音楽.wav"), prompts=("violín / “solo”",)).results
    assert Path(result.stem).name == "Моя песня é 音楽 - violín “solo”.wav"
    assert Path(result.rest).exists()
