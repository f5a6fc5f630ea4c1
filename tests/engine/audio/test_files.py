"""Files in and out: every usual kind, refusals in one sentence, nothing half-written, nothing overwritten."""

import os
import struct
import threading
from pathlib import Path

import numpy as np
import pytest
import soundfile

from engine.audio.atomic import AtomicFile, publish
from engine.audio.disk_array import DiskArray
from engine.audio.formats import OutputFormat, format_for_new, format_like
from engine.audio.reader import blocks, probe, resampled, samples_at
from engine.audio.riff import RiffExtras, moved, read_extras, time_reference
from engine.audio.writer import open_writer
from engine.errors import AudioError, OutputError, RequestError

BEXT = b"a take".ljust(338, b"\0") + struct.pack("<Q", 123_456_789_012) + bytes(256) + b"A=PCM\r\n\0"


def write(path, audio_CN, target):
    with path.open("w+b") as stream:
        writer = open_writer(stream, target)
        writer.write(audio_CN)
        writer.close()


def whole(path):
    return np.concatenate(list(blocks(probe(path))), axis=1)


@pytest.mark.parametrize(
    ("name", "subtype", "container", "bits"),
    [
        ("a.wav", "PCM_U8", "WAV", 16), ("a.wav", "PCM_16", "WAV", 16), ("a.wav", "PCM_24", "WAV", 24),
        ("a.wav", "PCM_32", "WAV", 32), ("a.wav", "FLOAT", "WAV", None), ("a.wav", "DOUBLE", "WAV", None),
        ("a.flac", "PCM_16", "FLAC", 16), ("a.flac", "PCM_24", "FLAC", 24), ("a.aiff", "PCM_16", "AIFF", 16),
        ("a.aiff", "PCM_24", "AIFF", 24), ("a.ogg", None, "WAV", 24), ("a.mp3", None, "WAV", 24),
    ],
)  # fmt: skip
def test_same_keeps_the_depth_of_every_usual_file(run, noise, name, subtype, container, bits):
    mix = noise(name, subtype=subtype, seconds=0.4)
    [result] = run(input=mix).results
    info = soundfile.info(result.stem)
    assert info.format in (container, f"{container}EX")
    assert info.subtype == ("FLOAT" if bits is None else f"PCM_{bits}")
    assert (info.samplerate, info.channels, info.frames) == (44_100, 2, soundfile.info(mix).frames)
    assert np.abs(whole(result.stem) - 0.25 * whole(mix)).max() < 1e-3


@pytest.mark.parametrize(
    ("wanted", "subtype"), [("wav16", "PCM_16"), ("wav24", "PCM_24"), ("wav32f", "FLOAT"), ("flac", "PCM_24")]
)
def test_a_format_asked_for_is_the_format_written(run, noise, wanted, subtype):
    [result] = run(input=noise(subtype="FLOAT", seconds=0.3), format=wanted).results
    assert soundfile.info(result.stem).subtype == subtype


@pytest.mark.parametrize("channels", [1, 2, 3, 6, 8, 32])
def test_any_number_of_channels_works(run, noise, channels):
    [result] = run(input=noise(channels=channels, seconds=0.2, subtype="PCM_24")).results
    assert soundfile.info(result.rest).channels == channels


def test_flac_with_nine_channels_is_refused(run, noise):
    with pytest.raises(RequestError, match="FLAC holds at most 8 channels, this has 9"):
        run(input=noise(channels=9, seconds=0.1), format="flac")


@pytest.mark.parametrize("rate_hz", [4_000, 22_050, 384_000])
def test_rates_within_the_limits_work(run, noise, rate_hz):
    [result] = run(input=noise(rate_hz=rate_hz, channels=1, seconds=0.2, subtype="PCM_16")).results
    assert result.null_db == -300


@pytest.mark.parametrize("rate_hz", [1, 3_999, 384_001, 1_000_000])
def test_other_rates_are_refused(tmp_path, rate_hz):
    soundfile.write(tmp_path / "odd.wav", np.zeros(100), rate_hz)
    with pytest.raises(AudioError, match=f"sample rate of {rate_hz} Hz; allowed are 4000 to 384000 Hz"):
        probe(tmp_path / "odd.wav")


def test_files_that_cannot_be_worked_on_are_refused_in_one_sentence(tmp_path):
    soundfile.write(tmp_path / "many.wav", np.zeros((10, 33)), 44_100)
    soundfile.write(tmp_path / "none.wav", np.zeros((0, 2)), 44_100)
    (tmp_path / "empty.wav").touch()
    (tmp_path / "text.wav").write_text("this is not audio")
    (tmp_path / "text.raw").write_text("nor is this")
    for name, why in {
        "gone.wav": "there is no file", "many.wav": "33 channels; at most 32", "none.wav": "zero length",
        "empty.wav": "0 bytes", "text.wav": "not an audio file", "text.raw": "not an audio file", ".": "not a file",
    }.items():  # fmt: skip
        with pytest.raises(AudioError, match=why) as refused:
            probe(tmp_path / name)
        assert "\n" not in str(refused.value)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_samples_that_are_no_numbers_are_refused_with_their_place(run, tmp_path, bad):
    audio = np.zeros((44_100, 2))
    audio[22_050, 1] = bad
    soundfile.write(tmp_path / "bad.wav", audio, 44_100, subtype="FLOAT")
    with pytest.raises(AudioError, match=r"not a number or infinite at 0\.500 s"):
        run(input=tmp_path / "bad.wav")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("name", ["a.ogg", "a.mp3", "a.wav", "a.flac"])
def test_a_part_of_a_file_is_that_part_of_the_whole(noise, name):
    path = noise(name)
    info = probe(path)
    part = np.concatenate(list(blocks(info, 5_001, 20_002)), axis=1)
    np.testing.assert_array_equal(part, whole(path)[:, 5_001:20_002])


@pytest.mark.parametrize("rate_hz", [8_000, 11_025, 44_100, 96_000])
def test_resampling_there_and_back_keeps_length_and_time(rate_hz):
    samples = rate_hz + 13
    sine_1N = np.sin(2 * np.pi * 440 * np.arange(samples) / rate_hz)[None]
    there = resampled(
        iter([sine_1N[:, :5_000], sine_1N[:, 5_000:]]), 1, rate_hz, 16_000, samples_at(samples, rate_hz, 16_000)
    )
    back_1N = np.concatenate(
        list(resampled((block.astype(np.float64) for block in there), 1, 16_000, rate_hz, samples)), axis=1
    )
    assert back_1N.shape == sine_1N.shape
    np.testing.assert_allclose(back_1N[:, 1_000:-1_000], sine_1N[:, 1_000:-1_000], atol=1e-4)


@pytest.mark.parametrize("bits", [16, 24, 32, None])
@pytest.mark.parametrize("channels", [1, 2, 6])
def test_what_is_written_is_read_back_exactly(tmp_path, bits, channels):
    rng = np.random.default_rng(0)
    audio_CN = rng.uniform(-1, 0.99, (channels, 1_001))
    scale = 2.0 ** ((bits or 24) - 1)
    audio_CN = np.rint(audio_CN * scale) / scale
    if bits is None:
        audio_CN = (3 * audio_CN).astype(np.float32).astype(np.float64)
    target = OutputFormat("WAV", bits, 48_000, channels, RiffExtras(None, 0x3F if channels == 6 else 0))
    write(tmp_path / "a.wav", audio_CN, target)
    np.testing.assert_array_equal(soundfile.read(tmp_path / "a.wav", always_2d=True)[0].T, audio_CN)
    assert read_extras(tmp_path / "a.wav").channel_mask == target.extras.channel_mask


def test_the_time_reference_of_a_broadcast_wave_is_kept(run, tmp_path):
    audio_CN = np.rint(np.random.default_rng(0).uniform(-0.5, 0.5, (2, 44_100)) * 2**23) / 2**23
    write(tmp_path / "take.wav", audio_CN, OutputFormat("WAV", 24, 44_100, 2, RiffExtras(BEXT)))
    [result] = run(input=tmp_path / "take.wav").results
    for path in (result.stem, result.rest):
        assert read_extras(Path(path)).bext == BEXT
    [part] = run(input=tmp_path / "take.wav", region_s=(0.25, 0.75)).results
    assert time_reference(read_extras(Path(part.stem)).bext) == 123_456_789_012 + 11_025


def test_a_region_says_where_it_was_even_if_the_input_did_not(run, noise):
    mix = noise()
    [result] = run(input=mix, region_s=(0.2, 0.5)).results
    assert time_reference(read_extras(Path(result.stem)).bext) == 8_820
    [result] = run(input=mix).results
    assert read_extras(Path(result.stem)).bext is None


def test_a_chunk_that_did_not_move_stays_as_it_was():
    assert moved(None, 0) is None
    assert moved(BEXT, 0) == BEXT


def test_unknown_formats_are_chosen_for_new_clips():
    assert format_for_new(44_100, 2, "same").bits == 24
    assert format_for_new(44_100, 2, "wav32f").bits is None


def test_flac_refuses_rates_it_cannot_hold(noise):
    with pytest.raises(RequestError, match="FLAC cannot hold a rate of 96001 Hz"):
        format_like(probe(noise(rate_hz=96_001, seconds=0.1)), "flac", RiffExtras())


def test_nothing_is_ever_overwritten_even_when_many_finish_at_once(tmp_path):
    def finish(number):
        draft = AtomicFile(tmp_path / "same.wav")
        draft.stream.write(str(number).encode())
        draft.seal()
        names.append(publish([[draft]])[0][0])
        draft.close()

    names = []
    threads = [threading.Thread(target=finish, args=(i,)) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(names)) == 8
    assert sorted(path.read_text() for path in tmp_path.iterdir()) == [str(i) for i in range(8)]


@pytest.mark.parametrize("nameless", [True, False])
def test_an_unfinished_file_is_gone_when_it_is_forgotten(tmp_path, monkeypatch, nameless):
    if not nameless:
        monkeypatch.delattr(os, "O_TMPFILE", raising=False)
    draft = AtomicFile(tmp_path / "a.wav")
    draft.stream.write(b"half")
    draft.close()
    assert list(tmp_path.iterdir()) == []
    draft = AtomicFile(tmp_path / "a.wav")
    draft.stream.write(b"whole")
    draft.seal()
    publish([[draft]])
    draft.close()
    assert [path.name for path in tmp_path.iterdir()] == ["a.wav"]


@pytest.mark.parametrize("broken", [False, True])
def test_without_hard_links_a_file_is_moved_to_a_name_that_was_free(tmp_path, monkeypatch, broken):
    def refuse(*args, **kwargs):
        raise OSError(95, "Operation not supported")

    monkeypatch.delattr(os, "O_TMPFILE", raising=False)
    monkeypatch.setattr(os, "link", refuse)
    if broken:
        monkeypatch.setattr(os, "replace", refuse)
    (tmp_path / "a.wav").write_bytes(b"old")
    draft = AtomicFile(tmp_path / "a.wav")
    draft.stream.write(b"new")
    draft.seal()
    if broken:
        with pytest.raises(OutputError, match="Operation not supported"):
            publish([[draft]])
    else:
        assert publish([[draft]]) == [[tmp_path / "a (2).wav"]]
    draft.close()
    left = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert left == {"a.wav": b"old"} | ({} if broken else {"a (2).wav": b"new"})


def test_files_that_belong_together_get_the_same_number(tmp_path):
    (tmp_path / "a rest.wav").touch()
    drafts = [AtomicFile(tmp_path / name) for name in ("a.wav", "a rest.wav")]
    for draft in drafts:
        draft.seal()
    [names] = publish([drafts])
    for draft in drafts:
        draft.close()
    assert [name.name for name in names] == ["a (2).wav", "a rest (2).wav"]
    assert not (tmp_path / "a.wav").exists()


@pytest.mark.parametrize("wanted", ["wav24", "flac"])
def test_a_full_disk_is_one_sentence_and_leaves_nothing(noise, run, tmp_path, monkeypatch, wanted):
    import resource

    mix = noise(seconds=1.0, subtype="PCM_24")
    limit = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (150_000, limit[1]))
    try:
        with pytest.raises(OutputError, match=r"cannot write to .*; make room"):
            run(input=mix, format=wanted)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limit)
    assert not (tmp_path / "out").exists()


def test_scratch_rows_come_back_and_what_was_never_written_is_zero(tmp_path):
    with DiskArray(tmp_path, 3) as scratch:
        assert list(tmp_path.iterdir()) == []
        rows_NK = np.arange(12, dtype=np.float32).reshape(4, 3)
        scratch.append(rows_NK)
        scratch.append(rows_NK)
        np.testing.assert_array_equal(scratch.read(3, 6), np.concatenate([rows_NK, rows_NK])[3:6])
        np.testing.assert_array_equal(scratch.read(-2, 1), [[0, 0, 0], [0, 0, 0], [0, 1, 2]])
        assert not scratch.read(8, 10).any()
