"""The shipped bundle edits the shipped mix: restyle leaves a stem step by step, replace keeps the rest."""

from pathlib import Path

import numpy as np
import pytest
import soundfile

from engine.cli import demo
from engine.events import StemResult
from engine.pipeline import Pipeline
from engine.request import Request

RATE_HZ = 44_100
FROM, TO = 8 * RATE_HZ, 11 * RATE_HZ  # drums and bass both play there
FRAME, HOP = 2048, 1024


def read(path: Path | str) -> np.ndarray:
    """float64 (samples, channels)."""
    return soundfile.read(str(path), dtype="float64", always_2d=True)[0]


@pytest.fixture(scope="module")
def parts(tmp_path_factory) -> dict[str, Path]:
    """Three seconds of two of the demo's stems, and of their sum."""
    folder = tmp_path_factory.mktemp("parts")
    stems = {name: soundfile.read(demo.DEMO / f"{name}.flac", start=FROM, stop=TO)[0] for name in ("bass", "drums")}
    sounds = {**stems, "mix": stems["bass"] + stems["drums"]}
    for name, audio_NC in sounds.items():
        soundfile.write(folder / f"{name}.wav", audio_NC, RATE_HZ, subtype="PCM_24")
    return {name: folder / f"{name}.wav" for name in sounds}


@pytest.fixture(scope="module")
def do(small_bundle, tmp_path_factory):
    """One pipeline for all tests here; ``do(task=..., ...)`` gives the one result."""
    pipeline, out = Pipeline(lambda name: small_bundle), tmp_path_factory.mktemp("out")

    def run(**asked) -> StemResult:
        request = Request(out=str(out), device="cpu", **asked)
        [result] = pipeline.run(request, lambda fraction, stage: None, lambda: None).results
        return result

    return run


def spectra(audio_NC: np.ndarray) -> np.ndarray:
    """Size of the spectrum, (frames, bins)."""
    frames = np.lib.stride_tricks.sliding_window_view(audio_NC.mean(axis=1), FRAME)[::HOP]
    return np.abs(np.fft.rfft(frames * np.hanning(FRAME)))


def chroma(audio_NC: np.ndarray) -> np.ndarray:
    """Energy of the twelve pitch classes, frame by frame, each frame of length 1."""
    pitch_hz = np.fft.rfftfreq(FRAME, 1 / RATE_HZ)
    heard = (pitch_hz > 40) & (pitch_hz < 4000)
    classes = np.round(12 * np.log2(pitch_hz[heard] / 440)).astype(int) % 12
    size = spectra(audio_NC)[:, heard]
    found = np.stack([size[:, classes == number].sum(axis=1) for number in range(12)], axis=1)
    return found / np.maximum(np.linalg.norm(found, axis=1, keepdims=True), 1e-9)


def onsets(audio_NC: np.ndarray) -> np.ndarray:
    """How much sets in, frame by frame."""
    return np.maximum(np.diff(np.log(1e-4 + spectra(audio_NC)), axis=0), 0).sum(axis=1)


def same_pitches(one_NC: np.ndarray, other_NC: np.ndarray) -> float:
    """Mean cosine of the chroma of two sounds."""
    return float((chroma(one_NC) * chroma(other_NC)).sum(axis=1).mean())


def same_onsets(one_NC: np.ndarray, other_NC: np.ndarray) -> float:
    """Correlation of the onset curves of two sounds."""
    return float(np.corrcoef(onsets(one_NC), onsets(other_NC))[0, 1])


def test_restyle_goes_from_the_stem_to_a_new_one(do, parts):
    stem, rest = read(parts["bass"]), str(parts["drums"])
    asked = {"prompts": ("synth lead",), "rest": rest, "seed": 5, "steps": 4}
    made = [
        read(do(task="restyle", input=str(parts["bass"]), strength=strength, **asked).stem)
        for strength in (0.0, 0.5, 1.0)
    ]
    np.testing.assert_array_equal(made[0], stem)
    new = read(do(task="regenerate", prompts=("synth lead",), input=rest, seed=5, steps=4).stem)
    inner = slice(1000, -1000)
    assert np.corrcoef(made[2].mean(axis=1)[inner], new.mean(axis=1)[inner])[0, 1] > 0.999
    for likeness in (same_pitches, same_onsets):
        kept = [likeness(stem, one) for one in made]
        assert kept[0] > kept[1] > kept[2], likeness.__doc__


def test_replace_keeps_everything_outside_its_region_and_the_rest_inside(do, parts):
    result = do(
        task="replace", prompts=("drums",), replacement="electric bass", input=str(parts["mix"]),
        region_s=(1.0, 2.0), seed=3, steps=4,
    )  # fmt: skip
    before, after, stem, rest = (read(path) for path in (parts["mix"], result.mix, result.stem, result.rest))
    inside = slice(RATE_HZ, 2 * RATE_HZ)
    np.testing.assert_array_equal(np.delete(after, np.s_[inside], axis=0), np.delete(before, np.s_[inside], axis=0))
    np.testing.assert_array_equal(after - stem, rest)
    assert result.null_db == -300
    assert result.presence > 0.5
    assert (after[inside] != before[inside]).any(axis=1).mean() > 0.9


@pytest.mark.parametrize("prompt", ["vocals and drums", "drums and vocals", "everything else"])
def test_a_voice_and_more_come_out_of_a_short_clip_as_one_stem(do, parts, prompt):
    """An expert answers for voices, in windows longer than those that the mask decoder has for a short clip."""
    result = do(task="isolate", input=str(parts["mix"]), prompts=(prompt,))
    assert np.abs(read(result.stem) + read(result.rest) - read(parts["mix"])).max() == 0
    assert result.presence > 0.5  # drums play throughout
