"""Beats and bars of a sound: what the shipped network hears, and what is made of it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

from engine.notes.bar_tracker import track_bars
from engine.notes.beat_network import FRAME_S, RATE_HZ, BeatNetwork
from engine.notes.beats import KEY_NAMES, clear_chroma, estimate_from_text, estimate_tempo, hear_bars, key_of
from engine.notes.calibration import MEASURED, calibrated
from engine.notes.stem_analysis import opened_audio

DEMO = Path(__file__).parents[3] / "resources" / "demo" / "mix.flac"


def said_of(beats_s, firsts_s, seconds, level=0.8):
    """What a network that makes no mistakes would say."""
    said_L2 = np.full((round(seconds / FRAME_S), 2), 0.01)
    for at_s in beats_s:
        said_L2[round(at_s / FRAME_S)] = (0.05, level) if at_s in firsts_s else (level, 0.05)
    return said_L2


@pytest.mark.parametrize(("meter", "bpm"), [(4, 96.0), (3, 132.0), (4, 170.0)])
def test_bars_of_three_and_four_are_found_through_missing_beats(meter, bpm):
    beats_s = [0.3 + 60 / bpm * number for number in range(40)]
    said_L2 = said_of(beats_s, beats_s[::meter], beats_s[-1] + 0.4)
    for at_s in (beats_s[9], beats_s[20], beats_s[21]):
        said_L2[round(at_s / FRAME_S)] = 0.01
    bars = track_bars(said_L2)
    assert bars.beats_per_bar == meter
    assert bars.beats_s[1:39] == pytest.approx(beats_s[1:39], abs=0.045)
    assert [place == 0 for place in bars.places[1:39]] == [number % meter == 0 for number in range(1, 39)]
    assert bars.sure > 0.6


def test_a_tempo_that_drifts_is_followed():
    beats_s = list(0.2 + np.cumsum(np.linspace(0.62, 0.48, 50)))
    bars = track_bars(said_of(beats_s, beats_s[::4], beats_s[-1] + 0.3))
    found_s = np.array([np.abs(bars.beats_s - at_s).min() for at_s in beats_s])
    assert np.quantile(found_s, 0.9) < 0.04


def bars_of_said(said_L2):
    frames = round(len(said_L2) * FRAME_S * 22_050 / 512)
    return hear_bars(said_L2, np.zeros(frames), np.zeros((12, frames)))


def test_every_other_beat_is_tapped_where_the_rest_are_but_halves():
    beats_s = [0.3 + 60 / 168 * number for number in range(60)]
    said_L2 = said_of(beats_s, beats_s[::8], beats_s[-1] + 0.4)
    assert bars_of_said(said_L2).bpm == pytest.approx(168.0, rel=0.01), "all of them are as strong"
    for at_s in beats_s[1::2]:
        said_L2[round(at_s / FRAME_S)] *= 0.6
    heard = bars_of_said(said_L2)
    assert heard.bpm == pytest.approx(84.0, rel=0.01)
    assert heard.first_s == pytest.approx(beats_s[0], abs=0.02)


def test_noise_and_a_held_tone_have_no_beat(tmp_path):
    sounds = {
        "noise": 0.1 * np.random.default_rng(3).standard_normal(10 * RATE_HZ),
        "drone": 0.3 * np.sin(2 * np.pi * 220 * np.arange(10 * RATE_HZ) / RATE_HZ),
    }
    for name, sound_N in sounds.items():
        soundfile.write(tmp_path / f"{name}.wav", sound_N, RATE_HZ)
        with opened_audio(tmp_path / f"{name}.wav") as info:
            assert estimate_tempo(info).time_map is None, name


def test_too_little_has_no_bars():
    assert track_bars(np.zeros((0, 2))) is None
    assert track_bars(np.full((40, 2), 0.01)) is None


def test_the_network_says_the_same_however_a_sound_is_cut():
    rng = np.random.default_rng(0)
    mono_N = 0.1 * rng.standard_normal(3 * RATE_HZ).astype(np.float32)
    mono_N[:: RATE_HZ // 2] += 0.8
    whole, cut = BeatNetwork(), BeatNetwork()
    whole.add(mono_N)
    for part_N in np.split(mono_N, [7, 1_000, 30_001, 50_000]):
        cut.add(part_N)
    said_L2 = whole.said()
    assert len(said_L2) == -(-len(mono_N) // 441)
    assert cut.said() == pytest.approx(said_L2, abs=1e-4)
    assert said_L2.sum(axis=1).max() <= 1.0001
    assert len(BeatNetwork().said()) == 0


def test_beats_bars_and_key_of_the_demo_are_heard():
    with opened_audio(DEMO) as info:
        heard = estimate_tempo(info)
    assert (heard.bpm, heard.beats_per_bar) == (pytest.approx(132.0, abs=0.5), 4)
    assert heard.first_s % (4 * 60 / heard.bpm) == pytest.approx(0.06, abs=0.05)
    assert heard.key in KEY_NAMES


NOTHING_COMPILED = """
import sys, types
from pathlib import Path

def refused(*given, **options):
    raise SystemExit("code that numba compiles was called")

def compiled(*given, **options):
    return refused if given and callable(given[0]) else lambda function: refused

numba = types.ModuleType("numba")
numba.jit = numba.vectorize = numba.guvectorize = numba.stencil = compiled
numba.uint = int
sys.modules["numba"] = numba
from engine.notes.beats import estimate_text, estimate_tempo
from engine.notes.stem_analysis import opened_audio
with opened_audio(Path(sys.argv[1])) as info:
    print(estimate_text(estimate_tempo(info)))
"""


def test_nothing_that_numba_compiles_is_run_for_it_crashes_on_some_processors():
    command = [sys.executable, "-c", NOTHING_COMPILED, str(DEMO)]
    said = subprocess.run(command, capture_output=True, text=True, cwd=DEMO.parents[2])
    assert said.returncode == 0, said.stderr
    assert estimate_from_text(said.stdout).bpm == pytest.approx(132.0, abs=0.5)


def test_silence_has_no_beat_and_no_key(tmp_path):
    soundfile.write(tmp_path / "silence.wav", np.zeros(6 * RATE_HZ), RATE_HZ)
    with opened_audio(tmp_path / "silence.wav") as info:
        heard = estimate_tempo(info)
    assert (heard.bpm, heard.time_map, heard.key, heard.key_confidence) == (0.0, None, "", 0.0)


def test_what_drums_put_into_every_pitch_class_is_no_part_of_the_key():
    chroma_LP = np.tile([3.0, 0, 1, 0, 2, 1, 0, 2, 0, 1, 0, 1], (50, 1))
    assert key_of(clear_chroma(chroma_LP + 40.0))[0] == "C major"
    assert key_of(clear_chroma(np.ones((50, 12)))) == ("", 0.0)
    assert key_of(clear_chroma(np.zeros((0, 12)))) == ("", 0.0)


def test_a_loud_chord_says_no_more_of_the_key_than_many_soft_ones():
    chords = [(np.isin(np.arange(12), keys) * loud, times) for keys, loud, times in (
        ((5, 9, 0), 16.0, 10), ((0, 4, 7), 1.0, 20), ((7, 11, 2), 1.0, 20),
    )]  # fmt: skip
    assert key_of(clear_chroma(np.concatenate([np.tile(one, (times, 1)) for one, times in chords])))[0] == "C major"


@pytest.mark.parametrize(
    "table", [MEASURED.note, MEASURED.stem, *MEASURED.strokes.values(), MEASURED.beats, MEASURED.bars, MEASURED.key]
)
def test_more_evidence_is_never_less_probable(table):
    worth = [calibrated(value, table) for value in np.linspace(-0.1, 1.1, 60)]
    assert worth == sorted(worth)
    assert 0.0 <= worth[0] <= worth[-1] <= 1.0
