"""What is made meets what is kept without a jump, whatever the part held before."""

import numpy as np
import pytest
import soundfile
from dreaming import dream

RATE_HZ = 44_100
START, STOP = 22_050 + 37, 44_100 + 11  # neither at a zero of the tone
LOUD = 0.5


def tone(silent=slice(0, 0), channels=1):
    tone_N = LOUD * np.cos(2 * np.pi * 220 * np.arange(2 * RATE_HZ) / RATE_HZ)
    tone_N[silent] = 0
    return np.stack([tone_N, -0.6 * tone_N][:channels], axis=1)


def filled(toy_bundle, tmp_path, audio_NC, subtype="PCM_24"):
    source = tmp_path / "gap.wav"
    soundfile.write(source, audio_NC, RATE_HZ, subtype=subtype)
    region = (START / RATE_HZ, STOP / RATE_HZ)
    [result] = dream(toy_bundle, tmp_path, task="inpaint", input=source, region_s=region).results
    return soundfile.read(source, always_2d=True)[0], soundfile.read(result.stem, always_2d=True)[0]


def jumps(audio_NC):
    """Steps from sample to sample at both joints, per channel."""
    return np.abs(np.diff(audio_NC, axis=0))[[START - 1, STOP - 1]]


@pytest.mark.parametrize("subtype", ["PCM_16", "PCM_24", "FLOAT"])
@pytest.mark.parametrize("channels", [1, 2])
def test_a_silent_gap_is_filled_without_a_jump(toy_bundle, tmp_path, channels, subtype):
    before, after = filled(toy_bundle, tmp_path, tone(slice(START, STOP), channels), subtype)
    slope = 2 * np.pi * 220 / RATE_HZ * LOUD  # the tone's own steps
    assert jumps(before).max() > 5 * slope
    assert jumps(after).max() < 1.2 * slope
    outside = np.r_[0:START, STOP : len(before)]
    np.testing.assert_array_equal(after[outside], before[outside])
    assert np.abs(after[START + 2000 : STOP - 2000]).max() > 0


@pytest.mark.parametrize(
    "gap",
    [slice(START, STOP), slice(START, START + 9000), slice(STOP - 9000, STOP), slice(START + 200, STOP - 300)],
    ids=["as asked", "silent first", "silent last", "smaller than asked"],
)
def test_what_a_part_held_before_is_not_heard(toy_bundle, tmp_path, gap):
    (tmp_path / "whole").mkdir()
    before, after = filled(toy_bundle, tmp_path, tone(gap))
    whole, same = filled(toy_bundle, tmp_path / "whole", tone())
    assert np.abs(before - whole).max() > 0.4
    np.testing.assert_allclose(after, same, atol=1e-3)


def test_one_muted_channel_does_not_jump(toy_bundle, tmp_path):
    audio_NC = tone(channels=2)
    audio_NC[START:STOP, 0] = 0
    before, after = filled(toy_bundle, tmp_path, audio_NC)
    assert jumps(before)[:, 0].max() > 5 * jumps(after)[:, 0].max()


def test_dither_in_a_gap_does_not_count_as_sound(toy_bundle, tmp_path):
    audio_NC = tone(slice(START, STOP))
    audio_NC[START:STOP, 0] = np.random.default_rng(0).integers(-1, 2, STOP - START) / 2**15
    before, after = filled(toy_bundle, tmp_path, audio_NC, "PCM_16")
    assert jumps(before).max() > 5 * jumps(after).max()


def test_a_part_near_the_end_is_mirrored_from_the_little_there_is(toy_bundle, tmp_path):
    source = tmp_path / "end.wav"
    audio_NC = tone()
    soundfile.write(source, audio_NC, RATE_HZ, subtype="PCM_24")
    region = (1.0, 2 - 50 / RATE_HZ)
    [result] = dream(toy_bundle, tmp_path, task="inpaint", input=source, region_s=region).results
    after = soundfile.read(result.stem, always_2d=True)[0]
    np.testing.assert_array_equal(after[-50:], soundfile.read(source, always_2d=True)[0][-50:])
    assert np.abs(np.diff(after[-60:], axis=0)).max() < 0.1


def test_restyling_is_faded_from_the_stem_itself(toy_bundle, tmp_path):
    source = tmp_path / "tone.wav"
    soundfile.write(source, tone(), RATE_HZ, subtype="PCM_24")
    region = (START / RATE_HZ, STOP / RATE_HZ)
    [result] = dream(toy_bundle, tmp_path, task="restyle", input=source, region_s=region).results
    before, after = (soundfile.read(path, always_2d=True)[0] for path in (source, result.stem))
    near = slice(START, START + 20)  # a twentieth of the way into the fade
    assert np.abs(after[near] - before[near]).max() < 0.05
