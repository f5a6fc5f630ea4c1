"""Notes on recorded instruments sound at their pitch, in time, as loud as asked, for as long as asked."""

import numpy as np
import pytest

from engine.notes.note import BEND_STEP_S, DrumHit, NoteEvent
from engine.sampler.instruments import load_sampler
from engine.sampler.play import between_samples, play_notes
from engine.sampler.register import in_register

RATE_HZ = 44_100


def play(name, notes, seconds=3.0, rate_hz=RATE_HZ):
    instrument = load_sampler().instruments[name]
    return np.concatenate(list(play_notes(instrument, notes, rate_hz, round(seconds * rate_hz))), axis=1)


def pitch(audio_N, near, rate_hz=RATE_HZ):
    """MIDI number of the strongest harmonic series near a pitch."""
    size = 1 << 18
    spectrum = np.abs(np.fft.rfft(audio_N * np.hanning(len(audio_N)), size))
    cents = np.arange(-120, 121)
    candidates = 440 * 2 ** ((near - 69 + cents / 100) / 12)
    summed = sum(np.interp(candidates * k, np.arange(len(spectrum)) * rate_hz / size, spectrum) for k in (1, 2, 3))
    return near + cents[int(np.argmax(summed))] / 100


@pytest.mark.parametrize("name", ["trumpet", "violin", "cello", "flute", "grand piano", "electric bass", "vibraphone"])
@pytest.mark.parametrize("place", [0.2, 0.5, 0.8])
def test_a_note_sounds_at_its_pitch(name, place):
    instrument = load_sampler().instruments[name]
    wanted = round(instrument.low + place * (instrument.high - instrument.low))
    audio_CN = play(name, [NoteEvent(0.0, 1.5, wanted)])
    assert pitch(audio_CN.mean(axis=0)[8000:50_000], wanted) == pytest.approx(wanted, abs=0.35)


def test_a_pitch_between_two_keys_and_a_bend_are_played():
    steady = play("trumpet", [NoteEvent(0.0, 2.0, 65.5)])[0]
    assert pitch(steady[8000:40_000], 65.5) == pytest.approx(65.5, abs=0.2)
    steps = round(2.0 / BEND_STEP_S)
    bent = play("trumpet", [NoteEvent(0.0, 2.0, 65.0, bends=tuple(np.linspace(0, 2, steps)))])[0]
    assert pitch(bent[70_000:84_000], 67) == pytest.approx(66.8, abs=0.4)


def test_half_the_velocity_is_12_db_softer():
    loud, soft = (play("hammond organ", [NoteEvent(0.0, 2.0, 60, v)])[0, 10_000:60_000].std() for v in (0.9, 0.45))
    assert 20 * np.log10(loud / soft) == pytest.approx(12, abs=1.5)


def test_a_note_is_held_for_longer_than_its_recording_and_is_silent_after_it():
    audio_N = play("violin", [NoteEvent(0.5, 6.5, 74)], seconds=8.0)[0]
    levels = [audio_N[round(at * RATE_HZ) : round((at + 0.3) * RATE_HZ)].std() for at in (1.5, 3.5, 5.5, 7.6)]
    assert min(levels[:3]) > 0.25 * max(levels[:3])
    assert levels[3] < 0.01 * max(levels)
    assert audio_N[: round(0.4 * RATE_HZ)].std() < 0.01 * max(levels)


@pytest.mark.parametrize("name", ["grand piano", "trumpet", "acoustic guitar", "drum kit"])
def test_a_note_is_heard_when_it_is_due(name):
    at_s = 1.0
    note = DrumHit(at_s, "snare") if name == "drum kit" else NoteEvent(at_s, 2.0, 62)
    power_N = np.square(play(name, [note]).mean(axis=0))
    envelope_N = np.convolve(power_N, np.ones(441) / 441, "same")
    rise = np.argmax(envelope_N > 0.1 * envelope_N.max()) / RATE_HZ
    assert rise == pytest.approx(at_s, abs=0.05)


def test_the_length_of_the_result_changes_nothing_of_what_sounds():
    notes = [NoteEvent(0.1 * k, 0.1 * k + 0.3, 55 + k) for k in range(40)]
    short, long = play("marimba", notes, seconds=2.0), play("marimba", notes, seconds=7.0)
    np.testing.assert_allclose(short, long[:, : short.shape[1]], atol=1e-6)


@pytest.mark.parametrize("rate_hz", [16_000, 48_000])
def test_the_rate_changes_nothing_of_the_pitch(rate_hz):
    audio_N = play("clarinet", [NoteEvent(0.0, 2.0, 67)], rate_hz=rate_hz)[0]
    assert pitch(audio_N[rate_hz // 4 : rate_hz], 67, rate_hz) == pytest.approx(67, abs=0.3)


def test_reading_between_samples_moves_a_tone_in_time():
    at_N = np.arange(4000)
    tone = np.sin(2 * np.pi * 0.05 * at_N)[None].astype(np.float32)
    moved = between_samples(tone, at_N[100:3900] + 0.37)
    np.testing.assert_allclose(moved[0], np.sin(2 * np.pi * 0.05 * (at_N[100:3900] + 0.37)), atol=2e-3)


def test_a_line_is_moved_by_octaves_into_the_register():
    trumpet = load_sampler().instruments["trumpet"]
    fitted = in_register([NoteEvent(k, k + 1.0, 38 + k) for k in range(5)], trumpet)
    assert fitted.octaves == 1
    assert fitted.folded == 0
    assert [one.pitch for one in fitted.notes] == [50, 51, 52, 53, 54]
    alone = in_register([NoteEvent(0, 9.0, 60), NoteEvent(9, 9.1, 20)], trumpet)
    assert (alone.octaves, alone.folded) == (0, 1)
    assert all(trumpet.low <= one.pitch <= trumpet.high for one in alone.notes)
