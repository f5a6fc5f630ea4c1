"""Sound without a window: kept by hash, drawn, mixed, measured, written."""

import hashlib
import os
import time

import numpy as np
import pytest
import soundfile

from desktop.audio.export import FORMATS, LOSSLESS, ExportFile, export, file_name
from desktop.audio.loudness import SILENT_LUFS, loudness_lufs
from desktop.audio.mixer import RAMP_S, PlaybackMixer, PlaybackScene, PlaybackSource, Track
from desktop.audio.peaks import BASE_SAMPLES, PeakBuilder, raw_columns
from desktop.audio.player import fill, renew
from desktop.audio.ring import Ring
from desktop.audio.snap import nearest_zero
from desktop.audio.spectrogram import BANDS, HOP_SAMPLES, Spectrogram, band_edges_hz, make_spectrogram, with_zooms
from desktop.audio.store import AudioStore
from engine import AudioError, OutputError, RequestError

RATE_HZ = 16_000


def nothing(*args):
    pass


def noise(samples, channels=2, seed=0, level=0.1):
    return (level * np.random.default_rng(seed).standard_normal((samples, channels))).astype(np.float32)


@pytest.fixture
def store(tmp_path):
    return AudioStore(tmp_path / "audio", tmp_path / "cache")


def test_stored_audio_is_named_by_its_bytes_and_outlives_its_source(store, make_wav):
    path = make_wav(seconds=0.5)
    wanted, _ = soundfile.read(path, dtype="float32", always_2d=True)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    ref = store.add(path)
    path.unlink()
    assert ref.sha256 == digest
    assert store.path(ref).is_file()
    np.testing.assert_array_equal(store.samples(ref), wanted)


def test_the_cache_can_be_made_again(store, make_wav):
    ref = store.add(make_wav("mix.flac", seconds=0.3))
    before = np.array(store.samples(ref))
    assert store.clean_cache(keep=set()) > 0
    fresh = AudioStore(store.folder, store.cache)
    with pytest.raises(AudioError, match="open the file again"):
        fresh.samples(ref)
    fresh.prepare(ref)
    np.testing.assert_array_equal(fresh.samples(ref), before)


def test_what_is_in_use_is_not_cleaned_away(store, make_wav):
    ref = store.add(make_wav(seconds=0.3))
    assert store.clean_cache(keep={ref.sha256}) == 0
    assert store.peaks(ref).levels[0].shape[1] == -(-ref.samples // BASE_SAMPLES)


def test_what_was_used_lately_stays_and_the_oldest_goes_first(store, make_wav):
    refs = [store.add(make_wav(name)) for name in ("oldest.wav", "old.wav", "fresh.wav")]
    for age_s, ref in zip((3000, 2000), refs[:2], strict=True):
        for file in (store.path(ref), *store.cache.glob(f"{ref.sha256}.*")):
            os.utime(file, (time.time() - age_s,) * 2)

    def left():
        return [len(list(store.cache.glob(f"{ref.sha256}.*"))) for ref in refs]

    whole = sum(file.stat().st_size for file in store.cache.iterdir())
    store.clean_cache(set(), whole - 1, spare_s=600)
    assert left() == [1, 2, 2]
    store.clean_cache(set(), 0, spare_s=600)
    assert left() == [0, 0, 2]
    store.forget_originals({refs[0].sha256}, spare_s=600)
    assert [store.path(ref).exists() for ref in refs] == [True, False, True]


@pytest.mark.parametrize("suffix", ["flac", "ogg", "mp3"])
def test_the_usual_formats_are_read(store, make_wav, suffix):
    ref = store.add(make_wav(f"mix.{suffix}", seconds=0.5, rate_hz=44_100))
    assert (ref.rate_hz, ref.channels) == (44_100, 2)
    assert ref.samples == pytest.approx(22_050, abs=2400)


def test_sound_of_a_video_is_read(store, tmp_path):
    av = pytest.importorskip("av")
    path = tmp_path / "clip.m4a"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("aac", rate=44_100, layout="stereo")
        frame = av.AudioFrame.from_ndarray(noise(44_100).T.copy(), format="fltp", layout="stereo")
        frame.sample_rate = 44_100
        for packet in [*stream.encode(frame), *stream.encode(None)]:
            container.mux(packet)
    ref = store.add(path)
    assert (ref.suffix, ref.rate_hz, ref.channels) == (".wav", 44_100, 2)
    assert ref.samples == pytest.approx(44_100, abs=4096)


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("gone.wav", None, "no file"),
        ("empty.wav", b"", "empty"),
        ("text.wav", b"this is no sound" * 40, "cannot be read|not audio"),
        ("picture.png", b"\x89PNG\r\n\x1a\n" + b"\0" * 64, "not audio|no sound"),
    ],
)
def test_what_is_no_sound_is_refused_in_one_sentence(store, tmp_path, name, content, words):
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(AudioError, match=words) as caught:
        store.add(path)
    assert "\n" not in str(caught.value)
    assert not list(store.folder.glob("*")), "nothing half written"


def test_a_file_without_room_for_it_is_refused_before_anything_is_written(store, make_wav, monkeypatch):
    monkeypatch.setattr("shutil.disk_usage", lambda path: type("Usage", (), {"free": 1000})())
    with pytest.raises(OutputError, match="MB are free"):
        store.add(make_wav(seconds=0.2))
    assert not list(store.cache.glob("*"))


@pytest.mark.parametrize("portion", [1, 100, 256, 5000])
@pytest.mark.parametrize("samples_per_pixel", [256.0, 300.5, 4096.0])
def test_peaks_hold_the_extremes_of_every_pixel(portion, samples_per_pixel):
    samples_NC = noise(20_000)
    builder = PeakBuilder()
    for start in range(0, len(samples_NC), portion):
        builder.add(samples_NC[start : start + portion])
    peaks = builder.finish()
    columns = peaks.columns(0.0, samples_per_pixel, 4)
    exact = raw_columns(samples_NC, 0.0, samples_per_pixel, 4)
    assert (columns[0] <= exact[0] + 1e-6).all()
    assert (columns[1] >= exact[1] - 1e-6).all()


def test_peaks_are_empty_beside_the_sound():
    builder = PeakBuilder()
    builder.add(np.ones((1000, 1), np.float32))
    columns = builder.finish().columns(-512.0, 256.0, 12)
    assert not columns[:, :2].any()
    assert (columns[1, 2:5] == 1).all()
    assert not columns[:, 7:].any()


def test_a_tone_lights_its_own_band():
    time_N = np.arange(RATE_HZ) / RATE_HZ
    spectrum_BT = make_spectrogram((0.5 * np.sin(2 * np.pi * 1000 * time_N)).astype(np.float32)[:, None], RATE_HZ)
    band = int(spectrum_BT[:, 8].argmax())
    edges = band_edges_hz(RATE_HZ)
    assert spectrum_BT.shape[0] == BANDS
    assert edges[band - 1] <= 1000 <= edges[band + 2]


def test_every_zoom_of_a_spectrogram_keeps_what_is_loudest(tmp_path):
    columns = 5001
    finest_BT = np.random.default_rng(0).integers(0, 255, (BANDS, columns)).astype(np.uint8)
    with_zooms(finest_BT).save(tmp_path / "bands")
    spectrum = Spectrogram.load(tmp_path / "bands", samples=columns * HOP_SAMPLES - 5)
    assert [level.shape[1] for level in spectrum.levels] == [5001, 1251, 313]
    np.testing.assert_array_equal(spectrum.levels[0], finest_BT)
    np.testing.assert_array_equal(spectrum.levels[2][:, 10], finest_BT[:, 160:176].max(axis=1))
    assert spectrum.level_for(4 * HOP_SAMPLES)[0] == 4 * HOP_SAMPLES
    with pytest.raises(ValueError, match="not whole"):
        Spectrogram.load(tmp_path / "bands", samples=9 * HOP_SAMPLES)


@pytest.mark.parametrize("rate_hz", [44_100, 48_000])
def test_loudness_agrees_with_a_known_meter(rate_hz):
    pyloudnorm = pytest.importorskip("pyloudnorm")
    samples_NC = noise(rate_hz * 3, level=0.2) * np.linspace(0.02, 1, rate_hz * 3, dtype=np.float32)[:, None]
    wanted = pyloudnorm.Meter(rate_hz).integrated_loudness(samples_NC)
    assert loudness_lufs(samples_NC, rate_hz) == pytest.approx(wanted, abs=0.15)


def test_silence_has_the_loudness_of_silence():
    assert loudness_lufs(np.zeros((RATE_HZ, 2), np.float32), RATE_HZ) == SILENT_LUFS


def scene(**values):
    samples_NC = values.pop("samples_NC", noise(8000))
    return PlaybackScene(original=Track("original", samples_NC), length=len(samples_NC), **values)


def test_a_lane_alone_at_unity_is_played_bit_for_bit():
    stem_NC = noise(8000, seed=1)
    mixer = PlaybackMixer(RATE_HZ)
    mixer.scene = scene(tracks=(Track("a", stem_NC),))
    mixer.jump(0)
    np.testing.assert_array_equal(np.concatenate([mixer.render(n) for n in (1, 999, 7000)]), stem_NC)


def test_removed_is_the_original_minus_what_is_heard():
    mix_NC, stem_NC = noise(8000), noise(8000, seed=1)
    mixer = PlaybackMixer(RATE_HZ)
    mixer.scene = scene(samples_NC=mix_NC, tracks=(Track("a", stem_NC),), listen=PlaybackSource.REMOVED)
    mixer.jump(0)
    np.testing.assert_allclose(mixer.render(8000), mix_NC - stem_NC, atol=1e-7)


def test_a_mono_lane_and_an_offset_land_where_they_belong():
    stem_NC = noise(1000, channels=1, seed=2)
    mixer = PlaybackMixer(RATE_HZ)
    mixer.scene = scene(tracks=(Track("a", stem_NC, start=500),))
    mixer.jump(0)
    out_NC = mixer.render(2000)
    assert not out_NC[:500].any()
    np.testing.assert_array_equal(out_NC[500:1500], np.repeat(stem_NC, 2, axis=1))
    assert not out_NC[1500:].any()


def test_a_loop_repeats_exactly_its_samples():
    mix_NC = noise(8000)
    mixer = PlaybackMixer(RATE_HZ)
    mixer.scene = scene(samples_NC=mix_NC, listen=PlaybackSource.ORIGINAL, loop=(1000, 1700))
    mixer.jump(1000)
    np.testing.assert_array_equal(mixer.render(1500), np.concatenate([mix_NC[1000:1700]] * 3)[:1500])


@pytest.mark.parametrize("rate_hz", [44_100, 48_000, 96_000])
@pytest.mark.parametrize("change", ["mute", "solo", "original"])
def test_switching_makes_no_step_above_minus_60_db(rate_hz, change):
    ones_NC = np.ones((rate_hz, 2), np.float32)
    tracks = (Track("a", ones_NC), Track("b", ones_NC * 0, heard=True))
    mixer = PlaybackMixer(rate_hz)
    mixer.scene = PlaybackScene(original=Track("original", ones_NC * 0), tracks=tracks, length=rate_hz)
    mixer.jump(0)
    heard = [mixer.render(333)]
    for on in (False, True, False):
        if change == "original":
            mixer.scene = PlaybackScene(
                mixer.scene.original, tracks, PlaybackSource.STEMS if on else PlaybackSource.ORIGINAL, length=rate_hz
            )
        else:
            mixer.scene = PlaybackScene(
                mixer.scene.original, (Track("a", ones_NC, heard=on), tracks[1]), length=rate_hz
            )
        heard.append(mixer.render(round(RAMP_S * rate_hz) + 77))
    out_NC = np.concatenate(heard)
    step_db = 20 * np.log10(np.abs(np.diff(out_NC, axis=0)).max())
    assert step_db < -60.0
    assert out_NC.min() == 0.0
    assert out_NC.max() == 1.0


@pytest.mark.parametrize("ring_frames", [512, 1024, 4096])
def test_solo_is_heard_within_15_ms_of_playing_time_whatever_the_buffer(ring_frames):
    rate_hz, ones_NC = 44_100, np.ones((44_100, 2), np.float32)
    mixer, ring = PlaybackMixer(rate_hz), Ring(ring_frames, 2)
    block_NC = np.zeros((64, 2), np.float32)
    heard = []

    def play(blocks):
        for _ in range(blocks):
            ring.read_into(block_NC)
            heard.append(block_NC.copy())
            fill(ring, mixer)

    mixer.scene = PlaybackScene(tracks=(Track("a", ones_NC),), length=rate_hz)
    mixer.jump(0)
    fill(ring, mixer)
    play(100)
    mixer.scene = PlaybackScene(tracks=(Track("a", ones_NC, heard=False),), length=rate_hz)
    renew(ring, mixer)
    play(100)
    out_NC = np.concatenate(heard)
    changed = int(np.flatnonzero(out_NC[:, 0] != 1)[0])
    assert 100 * 64 < changed < 100 * 64 + 0.015 * rate_hz
    assert np.abs(np.diff(out_NC[:, 0])).max() < 1e-3, "no click"
    assert not out_NC[-1].any()


def test_making_the_waiting_sound_anew_changes_no_sample_where_nothing_changed():
    data_NC = noise(20_000)
    mixer, ring, heard = PlaybackMixer(RATE_HZ), Ring(1024, 2), []
    mixer.scene = scene(samples_NC=data_NC, listen=PlaybackSource.ORIGINAL)
    mixer.jump(0)
    block_NC = np.zeros((100, 2), np.float32)
    for number in range(200):
        fill(ring, mixer)
        if number % 3 == 0:
            renew(ring, mixer)
        ring.read_into(block_NC)
        heard.append(block_NC.copy())
    np.testing.assert_array_equal(np.concatenate(heard), data_NC)


def test_a_ring_gives_back_what_was_put_in():
    ring, data_NC, out = Ring(100, 2), noise(1000), []
    place = 0
    while place < len(data_NC) or ring.filled:
        part = data_NC[place : place + min(ring.free, 37)]
        ring.write(part)
        place += len(part)
        block_NC = np.empty((23, 2), np.float32)
        count = ring.read_into(block_NC)
        assert not block_NC[count:].any()
        out.append(block_NC[:count].copy())
    np.testing.assert_array_equal(np.concatenate(out), data_NC)


def test_snapping_finds_the_nearest_zero():
    time_N = np.arange(2000)
    samples_NC = np.sin(2 * np.pi * time_N / 200).astype(np.float32)[:, None]
    assert nearest_zero(samples_NC, 512, RATE_HZ) == pytest.approx(500, abs=1)
    assert nearest_zero(np.ones((2000, 1), np.float32), 512, RATE_HZ) == 512


@pytest.mark.parametrize("kind", FORMATS)
def test_every_format_is_written_and_read_again(tmp_path, kind):
    mix_NC, stem_NC = noise(4000), noise(4000, seed=1)
    parts = [
        ExportFile("a", (Track("a", stem_NC),)),
        ExportFile("b", (Track("m", mix_NC), Track("a", stem_NC, gain=-1.0))),
    ]
    done = export(parts, Track("m", mix_NC), kind, tmp_path / "out", (RATE_HZ, 4000), nothing, nothing)
    assert [path.suffix for path in done.paths] == [FORMATS[kind].suffix] * 2
    assert soundfile.info(done.paths[0]).samplerate == RATE_HZ
    assert done.gain_db == 0.0
    if kind in LOSSLESS:
        assert done.null_db < -75.0


def test_floats_null_to_the_last_bit_that_floats_have(tmp_path):
    mix_NC = noise(4000)
    stem_NC = (mix_NC * 0.5).astype(np.float32)
    parts = [
        ExportFile("a", (Track("a", stem_NC),)),
        ExportFile("b", (Track("m", mix_NC), Track("a", stem_NC, gain=-1.0))),
    ]
    done = export(parts, Track("m", mix_NC), "wav32f", tmp_path, (RATE_HZ, 4000), nothing, nothing)
    assert done.null_db == -300.0


def test_one_gain_for_all_files_when_one_of_them_would_clip(tmp_path):
    loud_NC, calm_NC = noise(4000, level=2.0), noise(4000, seed=1)
    parts = [ExportFile("loud", (Track("a", loud_NC),)), ExportFile("calm", (Track("b", calm_NC),))]
    done = export(parts, None, "wav24", tmp_path, (RATE_HZ, 4000), nothing, nothing)
    gain = 10 ** (done.gain_db / 20)
    assert gain < 1.0
    for path, wanted_NC in zip(done.paths, (loud_NC, calm_NC), strict=True):
        out_NC, _ = soundfile.read(path, dtype="float64", always_2d=True)
        np.testing.assert_allclose(out_NC, wanted_NC * gain, atol=2e-7)


def test_nothing_is_overwritten_and_nothing_is_left_of_a_failure(tmp_path):
    parts = [ExportFile("a", (Track("a", noise(400)),))]
    first = export(parts, None, "wav16", tmp_path, (RATE_HZ, 400), nothing, nothing).paths[0]
    second = export(parts, None, "wav16", tmp_path, (RATE_HZ, 400), nothing, nothing).paths[0]
    assert (first.name, second.name) == ("a.wav", "a (2).wav")
    blocked = tmp_path / "file"
    blocked.write_text("here")
    with pytest.raises(OutputError, match="choose another folder"):
        export(parts, None, "wav16", blocked, (RATE_HZ, 400), nothing, nothing)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a (2).wav", "a.wav", "file"]


@pytest.mark.parametrize(
    ("template", "wanted"),
    [("{track} - {stem}", "song - violin"), ("{nr:0>2} {stem}", "07 violin"), ("../{stem}:/x", "_violin__x")],
)
def test_names_come_from_templates_and_stay_in_their_folder(template, wanted):
    values = {"track": "song", "stem": "violin", "take": "1", "bundle": "small", "nr": "7"}
    assert file_name(template, values) == wanted


@pytest.mark.parametrize("template", ["{nobody}", "{", "{stem.__class__.x}", " . "])
def test_a_template_that_cannot_be_used_is_refused(template):
    with pytest.raises(RequestError, match="template"):
        file_name(template, {"track": "song", "stem": "violin", "take": "1", "bundle": "small", "nr": "7"})
