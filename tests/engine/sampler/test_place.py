"""A sound is put into the place of another: the room is estimated, the tone goes half of the way, time stays."""

import numpy as np
import pytest

from engine.sampler.place import (
    OCTAVES_HZ,
    TONE_LIMIT_DB,
    OctaveMeter,
    RoomSound,
    estimate_room,
    placed,
    placing_filter,
    tone_gains_db,
)

RATE_HZ = 44_100
FLAT = np.zeros(len(OCTAVES_HZ))


def ringing(decay_s, seconds=8.0):
    """Bursts of noise of 0.4 s, every second, in a room; and when they sound."""
    rng = np.random.default_rng(1)
    dry = np.zeros(round(seconds * RATE_HZ))
    spans = [(float(at), at + 0.4) for at in range(int(seconds))]
    for start, end in spans:
        dry[round(start * RATE_HZ) : round(end * RATE_HZ)] = rng.standard_normal(round(0.4 * RATE_HZ))
    at = np.arange(round(decay_s * RATE_HZ))
    tail = rng.standard_normal(len(at)) * 10 ** (-3 * at / len(at))
    tail *= 0.3 / np.sqrt(np.square(tail).sum())
    size = 1 << 20
    wet = np.fft.irfft(np.fft.rfft(dry, size) * np.fft.rfft(tail, size), size)[: len(dry)]
    return dry + wet + 1e-4 * rng.standard_normal(len(dry)), spans


@pytest.mark.parametrize("decay_s", [0.5, 1.2])
def test_the_decay_of_a_room_is_heard_in_the_pauses(decay_s):
    room = estimate_room(*_with_rate(ringing(decay_s)))
    assert room.pauses >= 5
    assert room.decay_s == pytest.approx(decay_s, rel=0.35)


def _with_rate(sound):
    audio_N, spans = sound
    return audio_N, RATE_HZ, spans


def test_without_pauses_a_small_room_is_assumed():
    noise_N = np.random.default_rng(0).standard_normal(RATE_HZ * 3)
    assert estimate_room(noise_N, RATE_HZ, [(0.0, 3.0)]) == RoomSound()
    assert estimate_room(np.zeros(0), RATE_HZ, []) == RoomSound()


@pytest.mark.parametrize("block", [1000, 7777, 30_000])
def test_placing_keeps_time_and_does_not_depend_on_blocks(block):
    click = np.zeros((1, 30_000), np.float32)
    click[0, 9000] = 1.0
    filter_CN = placing_filter(RoomSound(0.3, -15.0), FLAT, RATE_HZ, 2, seed=3)
    parts = (click[:, at : at + block] for at in range(0, 30_000, block))
    out = np.concatenate(list(placed(parts, filter_CN, 30_000)), axis=1)
    assert out.shape == (2, 30_000)
    assert list(np.abs(out).argmax(axis=1)) == [9000, 9000]
    assert np.abs(out[:, :8400]).max() < 1e-3
    added_db = 10 * np.log10(np.square(out).sum(axis=1) - 1)
    np.testing.assert_allclose(added_db, -15.0, atol=1.0)
    whole = np.concatenate(list(placed(iter([click]), filter_CN, 30_000)), axis=1)
    np.testing.assert_allclose(out, whole, atol=1e-6)


def test_the_tone_goes_half_of_the_way_and_at_most_6_db():
    given, wanted = FLAT - 20.0, FLAT - 20.0
    wanted[3], wanted[6] = -12.0, -45.0
    gains = tone_gains_db(wanted, given)
    assert gains[3] > 3.0
    assert gains[6] == -TONE_LIMIT_DB
    assert not tone_gains_db(FLAT - 90.0, given).any()  # an inaudible sound has no tone


def test_a_tone_filter_has_the_gains_it_was_given():
    gains = FLAT.copy()
    gains[5] = -6.0  # 2 kHz
    noise = np.random.default_rng(0).standard_normal((1, RATE_HZ * 4)).astype(np.float32)
    filter_CN = placing_filter(RoomSound(0.2, -60.0), gains, RATE_HZ, 1, seed=0)
    meters = OctaveMeter(RATE_HZ), OctaveMeter(RATE_HZ)
    meters[0].add(noise)
    meters[1].add(np.concatenate(list(placed(iter([noise]), filter_CN, noise.shape[1])), axis=1))
    change = meters[1].octaves_db - meters[0].octaves_db
    assert change[5] - change[2] == pytest.approx(-6.0 + 1.0, abs=1.6)  # the edges of the octave fall less
