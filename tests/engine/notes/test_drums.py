"""Strokes on drums: where they are, which drum it is, and what else a stem of drums says."""

from __future__ import annotations

import hashlib
import json
import random
import shutil
from pathlib import Path

import noteline
import numpy as np
import pytest
import soundfile

from engine import BundleDamaged
from engine.notes.drum_features import BANDS
from engine.notes.drums import HATS, drum_weights, hear_drums, with_usual_treble
from engine.notes.network import find_notes_folder
from engine.notes.note import NoteEvent
from engine.notes.stem_analysis import analyse_stem
from engine.sampler.instruments import load_sampler
from engine.sampler.play import play_notes

RATE_HZ = noteline.RATE_HZ
DEMO_DRUMS = Path(__file__).parents[3] / "resources" / "demo" / "drums.flac"
TIMES_S = tuple(0.5 + 0.4 * number for number in range(8))


def struck(sound_N, seconds=4.0, times_s=TIMES_S):
    out_N = np.zeros(round(seconds * RATE_HZ))
    for at_s in times_s:
        first = round(at_s * RATE_HZ)
        out_N[first : first + len(sound_N)] += sound_N
    return out_N[None].astype(np.float32)


def kick():
    at_s = np.arange(round(0.3 * RATE_HZ)) / RATE_HZ
    return 0.8 * np.sin(2 * np.pi * (50 * at_s + 4 * (1 - np.exp(-at_s / 0.02)))) * np.exp(-at_s / 0.09)


def hat():
    at_s = np.arange(round(0.1 * RATE_HZ)) / RATE_HZ
    noise_N = np.random.default_rng(1).standard_normal(len(at_s))
    return 0.2 * np.diff(np.diff(noise_N, prepend=0.0), prepend=0.0) * np.exp(-at_s / 0.02)


def test_strokes_are_found_within_ten_milliseconds_and_in_a_held_tone_are_none():
    hits = hear_drums(struck(kick()), RATE_HZ)
    assert [hit.at_s for hit in hits if hit.drum == "kick"] == pytest.approx(TIMES_S, abs=0.01)
    held_CN = noteline.line([(0.5, 57)], seconds=4.0, length_s=3.0)
    assert [hit for hit in hear_drums(held_CN, RATE_HZ) if hit.at_s > 0.7] == []


def test_drums_that_are_struck_together_are_at_the_same_moment():
    hits = hear_drums(struck(kick()) + struck(hat()), RATE_HZ)
    times = {drum: [hit.at_s for hit in hits if hit.drum == drum] for drum in ("kick", "hi-hat")}
    assert len(times["kick"]) == len(times["hi-hat"]) == len(TIMES_S)
    assert times["kick"] == times["hi-hat"]


@pytest.mark.parametrize(("sound", "drum"), [(kick, "kick"), (hat, "hi-hat")])
def test_a_kick_and_a_hi_hat_are_told_apart(sound, drum):
    hits = hear_drums(struck(sound()), RATE_HZ)
    assert [hit.at_s for hit in hits if hit.drum == drum] == pytest.approx(TIMES_S, abs=0.012)
    assert sum(hit.drum != drum for hit in hits) <= 1
    assert all(0.5 < hit.confidence <= 1.0 for hit in hits if hit.drum == drum)


def test_soft_hi_hats_between_loud_kicks_are_heard():
    both_CN = struck(kick()) + struck(0.5 * hat(), times_s=tuple(at_s + 0.2 for at_s in TIMES_S))
    hits = hear_drums(both_CN, RATE_HZ)
    assert [hit.at_s for hit in hits if hit.drum == "hi-hat"] == pytest.approx([at + 0.2 for at in TIMES_S], abs=0.02)
    assert [hit.at_s for hit in hits if hit.drum == "kick"] == pytest.approx(TIMES_S, abs=0.02)
    assert len({hit.at_s for hit in hits if hit.drum in ("hi-hat", "open hi-hat")}) == len(TIMES_S)


def test_hi_hats_of_a_dull_kit_are_heard():
    audio_NC, rate_hz = soundfile.read(DEMO_DRUMS, always_2d=True)
    hertz_F = np.fft.rfftfreq(len(audio_NC), 1 / rate_hz)
    octaves_F = np.clip(np.log2(np.maximum(hertz_F, 1) / 2000) / np.log2(2.5), 0, 1)
    shelf_F1 = 10 ** (-12 / 20 * octaves_F)[:, None]  # 12 dB less from 5 kHz on
    dull_NC = np.fft.irfft(np.fft.rfft(audio_NC, axis=0) * shelf_F1, len(audio_NC), axis=0)
    hits = hear_drums(dull_NC.T, rate_hz)
    assert sum(hit.drum in HATS for hit in hits) >= 16


def test_treble_is_given_to_dull_kits_alone():
    rng = np.random.default_rng(0)
    bands_BL = rng.uniform(0.0, 0.4, (BANDS, 200)).astype(np.float32)
    np.testing.assert_array_equal(with_usual_treble(bands_BL), bands_BL)  # nothing is up there
    for loud, is_dull in ((1.0, True), (2.0, False)):
        bands_BL[38:, ::10] = loud
        brighter_BL = with_usual_treble(bands_BL)
        np.testing.assert_allclose(brighter_BL[:20], bands_BL[:20], atol=1e-6)  # below 2 kHz
        assert (brighter_BL[44, 0] > bands_BL[44, 0] + 0.3) == is_dull
        if not is_dull:
            np.testing.assert_array_equal(brighter_BL, bands_BL)


def test_damaged_weights_are_named_also_with_the_right_hash(tmp_path):
    copy = shutil.copytree(find_notes_folder(), tmp_path / "notes")
    whole, described = (copy / "drums.npz").read_bytes(), json.loads((copy / "notes.json").read_text())
    dice, refused = random.Random(1), 0
    for _ in range(40):
        raw = bytearray(whole)
        for _ in range(30):
            raw[dice.randrange(len(raw))] = dice.randrange(256)
        (copy / "drums.npz").write_bytes(raw[: dice.choice((len(raw), dice.randrange(len(raw))))])
        described["files"]["drums.npz"] = hashlib.sha256((copy / "drums.npz").read_bytes()).hexdigest()
        (copy / "notes.json").write_text(json.dumps(described))
        drum_weights.cache_clear()
        try:
            drum_weights(copy)
        except BundleDamaged:
            refused += 1
    drum_weights.cache_clear()
    assert refused > 20


def test_weights_of_another_network_are_named(tmp_path):
    copy = shutil.copytree(find_notes_folder(), tmp_path / "notes")
    shapes = {"first": (336, 64), "first_bias": (64,), "second": (64, 6), "second_bias": (6,)}
    np.savez(copy / "drums.npz", **{name: np.zeros(shape, np.float16) for name, shape in shapes.items()})
    described = json.loads((copy / "notes.json").read_text())
    described["files"]["drums.npz"] = hashlib.sha256((copy / "drums.npz").read_bytes()).hexdigest()
    (copy / "notes.json").write_text(json.dumps(described))
    with pytest.raises(BundleDamaged, match="its network hears other things"):
        drum_weights(copy)


def test_silence_has_no_strokes_and_an_empty_sound_neither():
    assert hear_drums(np.zeros((2, RATE_HZ), np.float32), RATE_HZ) == ()
    assert hear_drums(np.zeros((2, 10), np.float32), 44_100) == ()


@pytest.mark.parametrize(("name", "kinds"), [("song - snare.wav", {"snare"}), ("song - drums.wav", None)])
def test_a_stem_of_drums_is_heard_as_drums_and_one_of_a_single_drum_as_that_drum(tmp_path, name, kinds):
    soundfile.write(tmp_path / name, struck(kick())[0], RATE_HZ)
    heard = analyse_stem(tmp_path / name, with_tempo=False)
    assert (heard.kind, heard.notes) == ("drums", ())
    assert len(heard.hits) >= len(TIMES_S)
    assert kinds is None or {hit.drum for hit in heard.hits} == kinds


def test_strokes_that_are_uncertain_are_called_so(tmp_path):
    """A violin is heard as a row of cymbals."""
    line = [NoteEvent(0.3 + 0.5 * k, 0.72 + 0.5 * k, pitch) for k, pitch in enumerate((57, 60, 64, 62, 60, 59, 57))]
    sound = np.concatenate(list(play_notes(load_sampler().instruments["violin"], line, RATE_HZ, 4 * RATE_HZ)), axis=1)
    soundfile.write(tmp_path / "violin.wav", 0.3 * sound.T / np.abs(sound).max(), RATE_HZ)
    heard = analyse_stem(tmp_path / "violin.wav", "drums", with_tempo=False)
    assert heard.hits
    assert heard.confidence < 0.35
    assert heard.said == (
        f"the strokes of violin are uncertain ({heard.confidence:.2f} of 1); check them before you use them",
    )
    soundfile.write(tmp_path / "quiet.wav", np.zeros(RATE_HZ), RATE_HZ)
    [said] = analyse_stem(tmp_path / "quiet.wav", "drums", with_tempo=False).said
    assert said.startswith("no strokes are heard in quiet")
