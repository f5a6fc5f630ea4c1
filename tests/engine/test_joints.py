"""What is made meets what is kept without a jump, also where a gap was cut out of the file and nothing can be faded."""

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


@pytest.mark.parametrize(("silent", "joint"), [(slice(START, START + 9000), 0), (slice(STOP - 9000, STOP), 1)])
def test_one_silent_edge_is_enough(toy_bundle, tmp_path, silent, joint):
    before, after = filled(toy_bundle, tmp_path, tone(silent))
    assert jumps(before)[joint].max() > 5 * jumps(after)[joint].max()


def test_a_part_that_sounds_at_its_edges_is_faded_and_nothing_else(toy_bundle, tmp_path):
    before, after = filled(toy_bundle, tmp_path, tone())
    np.testing.assert_allclose(jumps(after), jumps(before), atol=5e-3)
    first = after[START] - before[START]
    assert np.abs(first).max() < 2e-3
