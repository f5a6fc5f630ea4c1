"""The mix from any file, through the decoder's own process: exact, bounded, stopped when asked, and told of."""

from __future__ import annotations

import contextlib
import importlib.util
import json
import os
import struct
import sys
from pathlib import Path

import numpy as np
import psutil
import pytest
import soundfile
from showfiles import plain, write_video
from soundfiles import SAMPLES, half, sound, with_av, with_libsndfile
from toybundle import SENSES, write_toy_bundle

from engine import file_hash
from engine.audio.layout import scan_layout
from engine.audio.reader import blocks, probe
from engine.audio.riff import read_extras
from engine.errors import AudioError, Cancelled, RequestError
from engine.host.worker import Worker
from engine.media.intake import open_audio
from engine.media.reference import with_input_as_example, with_path
from engine.provenance import hash_inputs, rerun_request
from engine.request import Request

HUGE_BYTES = 5 << 30
READ_CALLS_LIMIT = 400  # what a walk in small steps through megabytes of zeros takes thousands of


def quiet(done: float, stage: str) -> None:
    """Nobody looks at the progress."""


def keep_going() -> None:
    """Nobody asks to stop."""


def whole(info) -> np.ndarray:
    return np.concatenate(list(blocks(info)), axis=1)


@pytest.fixture
def m4a(tmp_path: Path) -> Path:
    """Lossless, so that every sample is known."""
    with_av(tmp_path / "memo.m4a", "alac", "ipod", sample_format="s16p")
    return tmp_path / "memo.m4a"


@pytest.fixture
def film(tmp_path: Path) -> Path:
    with_av(tmp_path / "film.mov", "pcm_s16le", "mov", sample_format="s16", film=True)
    return tmp_path / "film.mov"


def test_every_sample_of_an_m4a_is_the_one_that_was_saved(m4a, tmp_path):
    seen = []
    with open_audio(str(m4a), tmp_path, lambda done, stage: seen.append(done), keep_going) as info:
        np.testing.assert_array_equal(whole(info), sound().T)
        part_CN = np.concatenate(list(blocks(info, 5_001, 20_002)), axis=1)
        np.testing.assert_array_equal(part_CN, sound().T[:, 5_001:20_002])
        assert (info.container, info.subtype, info.samples) == ("MP4", "PCM_16", SAMPLES)
    assert seen
    assert max(seen) <= 1.0
    assert [path.name for path in tmp_path.iterdir()] == ["memo.m4a"]


def test_integers_of_32_bits_stay_what_they_are(tmp_path):
    values_NC = np.random.default_rng(3).integers(-(2**31), 2**31, (5_000, 2))
    with_av(tmp_path / "deep.mka", "pcm_s32le", "matroska", sample_format="s32", values=values_NC.astype(np.int32))
    with open_audio(str(tmp_path / "deep.mka"), tmp_path, quiet, keep_going) as info:
        assert info.subtype == "PCM_32"
        np.testing.assert_array_equal(whole(info).T * 2.0**31, values_NC)


def test_the_sound_of_a_film_is_taken_apart_and_the_sum_is_exact(run, film):
    [result] = run(input=film, format="wav24").results
    assert result.null_db == -300
    assert soundfile.info(result.stem).frames == SAMPLES


def test_decoding_is_stopped_when_asked_and_leaves_nothing(m4a, tmp_path):
    def stop() -> None:
        raise Cancelled("enough")

    with pytest.raises(Cancelled), open_audio(str(m4a), tmp_path, quiet, stop):
        pass
    assert [path.name for path in tmp_path.iterdir()] == ["memo.m4a"]
    assert not psutil.Process().children()


def test_a_decoder_that_is_killed_midway_is_one_sentence(m4a, tmp_path):
    def kill() -> None:
        for child in psutil.Process().children():
            child.kill()

    killed = pytest.raises(AudioError, match=r"memo\.m4a broke its decoder \(it was ended by SIGKILL\)")
    with killed, open_audio(str(m4a), tmp_path, quiet, kill):
        pass


def test_without_pyav_the_sentence_says_what_to_install(m4a, tmp_path, monkeypatch):
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "av" else find(name))
    lacking = pytest.raises(AudioError, match=r"needs PyAV.*install it with pip install av")
    with lacking, open_audio(str(m4a), tmp_path, quiet, keep_going):
        pass


def test_a_result_says_that_its_input_is_cut(run, toy_bundle, tmp_path):
    path = tmp_path / "cut.wav"
    path.write_bytes(half(with_libsndfile(path, "WAV", "PCM_16")))
    [result] = run(input=path, bundle=str(toy_bundle)).results
    assert result.notes == ("cut.wav holds 0.340 s of sound; its header says 0.680 s",)
    assert json.loads(Path(result.sidecar).read_text())["notes"] == list(result.notes)
    rerun_request(result.sidecar)


def test_a_healthy_file_has_nothing_to_say(run, noise):
    [result] = run(input=noise()).results
    assert result.notes == ()
    assert "notes" not in json.loads(Path(result.sidecar).read_text())


def test_the_picture_of_the_input_itself_can_be_the_prompt(tmp_path):
    path = write_video(tmp_path / "film.mp4", [plain((128, 0, 0))] * 30, sound_hz=16_000)
    bundle = write_toy_bundle(tmp_path / "sensing", senses=SENSES)
    asked = Request(
        task="isolate", prompts=(), input=str(path), examples=("video:same",), bundle=str(bundle), render="flow",
        out=str(tmp_path / "out"), format="wav24",
    )  # fmt: skip
    [result] = Worker()("job", asked, quiet, keep_going).results
    said = json.loads(Path(result.sidecar).read_text())
    assert said["examples"] == [f"video:{path}"]
    assert said["examples_sha256"] == [said["input_sha256"]]
    assert result.level_db > -20


def test_same_stands_for_the_input_and_for_nothing_where_there_is_none():
    asked = Request(task="isolate", prompts=(), input="/x/film.mov", examples=("video:same#t=1,2", "hum.wav"))
    assert with_input_as_example(asked).examples == ("video:/x/film.mov#t=1,2", "hum.wav")
    assert with_path("video:same", os.path.abspath) == "video:same"
    assert with_path("video:./same", lambda path: "/y/" + path) == "video:/y/./same"
    with pytest.raises(RequestError, match="the example same is the input, and generate was given none"):
        with_input_as_example(Request(task="generate", prompts=(), examples=("image:same",)))


@pytest.mark.parametrize("offset", [0.3, -0.05])
@pytest.mark.parametrize("render", ["masked", "flow"])
@pytest.mark.parametrize("channels", [1, 2, 6])
def test_a_constant_offset_stays_in_the_rest(run, tmp_path, offset, render, channels):
    audio_NC = 0.5 * sound(channels=channels) + offset
    soundfile.write(tmp_path / "dc.wav", audio_NC, 44_100, subtype="PCM_24")
    [result] = run(input=tmp_path / "dc.wav", render=render).results
    stem_NC, rest_NC = (soundfile.read(path, always_2d=True)[0] for path in (result.stem, result.rest))
    np.testing.assert_allclose(stem_NC.mean(axis=0), 0, atol=1e-3)
    np.testing.assert_allclose(rest_NC.mean(axis=0), offset, atol=2e-3)
    assert np.abs(stem_NC[:50]).max() < 0.2  # no step where the file begins
    assert result.null_db == -300


def huge_rf64(path: Path) -> Path:
    """Five gigabytes of which the disk holds a few blocks."""
    head = bytearray(with_libsndfile(path, "RF64", "PCM_16"))
    at = head.index(b"data") + 8
    sizes = struct.pack("<QQQ", HUGE_BYTES + at - 8, HUGE_BYTES, HUGE_BYTES // 4)
    sizes_at = head.index(b"ds64") + 8
    head[sizes_at : sizes_at + 24] = sizes
    with path.open("wb") as file:
        file.write(head[:at])
        file.truncate(at + HUGE_BYTES)
        file.seek(at + 1000 * 44_100 * 4)
        file.write(head[at:])
    return path


def test_a_huge_file_is_known_by_its_size_and_samples_of_it(run, toy_bundle, tmp_path):
    path = huge_rf64(tmp_path / "huge.wav")
    [result] = run(input=path, bundle=str(toy_bundle), region_s=(1000.0, 1000.5)).results
    np.testing.assert_array_equal(
        np.add(*(soundfile.read(file, dtype="int16", always_2d=True)[0] for file in (result.stem, result.rest))),
        np.rint(sound() * 32768)[:22_050],
    )
    said = json.loads(Path(result.sidecar).read_text())
    assert said["input_sha256"] is None
    assert said["input_sampled_sha256"] == file_hash.sampled_sha256(path)
    assert rerun_request(result.sidecar).unknown == {}
    with path.open("r+b") as file:
        file.truncate(HUGE_BYTES)
    with pytest.raises(AudioError, match="is no longer the one"):
        rerun_request(result.sidecar)


def test_a_file_of_ordinary_size_is_hashed_whole(noise):
    path = noise()
    asked = Request(task="isolate", prompts=("violin",), input=str(path))
    assert set(hash_inputs(asked)) == {"input_sha256", "rest_input_sha256", "examples_sha256"}
    assert file_hash.sampled_sha256(path) is None


def test_a_wav_above_four_gigabytes_whose_size_wrapped_is_read_whole(tmp_path):
    head = with_libsndfile(tmp_path / "wrapped.wav", "WAV", "PCM_16")[:44]
    there = (1 << 32) + 88_200
    head = head[:4] + struct.pack("<I", (there + 36) % (1 << 32)) + head[8:40] + struct.pack("<I", 88_200)
    with (tmp_path / "wrapped.wav").open("wb") as file:
        file.write(head)
        file.truncate(44 + there)
        file.seek(44 + there - 4)
        file.write(struct.pack("<hh", 1234, -4321))
    info = probe(tmp_path / "wrapped.wav")
    assert info.samples == there // 4
    last_CN = np.concatenate(list(blocks(info, info.samples - 10)), axis=1)
    np.testing.assert_array_equal(last_CN[:, -1] * 32768, [1234, -4321])


@pytest.mark.parametrize("container", ["WAV", "RF64", "W64", "AIFF", "FLAC"])
def test_gigabytes_of_zeros_behind_the_sound_cost_nothing(tmp_path, container, count_reads):
    path = tmp_path / "padded"
    size = len(with_libsndfile(path, container, "PCM_16"))
    os.truncate(path, size + (3 << 30))
    with count_reads() as calls:
        scan_layout(path)
        read_extras(path)
    assert calls() < READ_CALLS_LIMIT
    info = probe(path)
    assert info.samples == SAMPLES
    np.testing.assert_array_equal(whole(info), sound().T)


@pytest.fixture
def count_reads():
    """Counts the calls into Python's input and output while a block runs."""

    @contextlib.contextmanager
    def counting():
        count = 0

        def look(frame, event, function):
            nonlocal count
            if event == "c_call" and getattr(function, "__name__", "") in ("read", "seek", "readinto"):
                count += 1

        sys.setprofile(look)
        try:
            yield lambda: count
        finally:
            sys.setprofile(None)

    return counting
