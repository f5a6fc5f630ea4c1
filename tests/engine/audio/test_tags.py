"""What belongs to a file stays: tags go in with one library and come out with others, from any format to any other."""

from __future__ import annotations

import base64
import io
import struct
import sys
import zlib
from pathlib import Path

import mutagen
import numpy as np
import pytest
import soundfile
from mutagen import id3
from mutagen.flac import FLAC, Picture
from mutagen.mp4 import MP4, MP4Cover, MP4FreeForm

from engine.audio.formats import KINDS, OutputFormat, format_like
from engine.audio.read_tags import read_tags
from engine.audio.reader import probe
from engine.audio.riff import RiffExtras, moved, read_extras, time_reference
from engine.audio.tags import CoverArt, Tags, has_mutagen, moved_ixml
from engine.audio.writer import open_writer

av = pytest.importorskip("av")

WORDS = {
    "TITLE": "Küste – 夜", "ARTIST": "Ana & Bó", "ALBUM": "Zwölf", "COMMENT": "take 3, nicht laut", "BPM": "128",
    "INITIALKEY": "F#m", "GENRE": "House", "DATE": "2024", "TRACKNUMBER": "3/12", "MY OWN FIELD": "kept",
}  # fmt: skip
TAGGED = [name for name in KINDS if name != "W64"]  # which has no place for tags
COVERLESS = ("CAF",)
IXML = (
    "<BWFXML><SCENE>5</SCENE><SPEED><TIMESTAMP_SAMPLES_SINCE_MIDNIGHT_HI>1</TIMESTAMP_SAMPLES_SINCE_MIDNIGHT_HI>"
    "<TIMESTAMP_SAMPLES_SINCE_MIDNIGHT_LO>4294967290</TIMESTAMP_SAMPLES_SINCE_MIDNIGHT_LO></SPEED>"
    "<BEXT><BWF_TIME_REFERENCE_LOW>100</BWF_TIME_REFERENCE_LOW><BWF_TIME_REFERENCE_HIGH>0</BWF_TIME_REFERENCE_HIGH>"
    "</BEXT><NOTE>blåbær</NOTE></BWFXML>"
).encode()


def png() -> bytes:
    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    head = struct.pack(">IIBBBBB", 1, 1, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(bytes(4))) + chunk(b"IEND", b"")


PNG = png()
TAGS = Tags(tuple(WORDS.items()), (CoverArt(3, "image/png", PNG),))


def tone(samples: int = 30_000, channels: int = 2) -> np.ndarray:
    wave_N = 0.3 * np.sin(2 * np.pi * 440 * np.arange(samples) / 44_100)
    return np.rint(np.stack([wave_N] * channels) * 2**23) / 2**23


def write(path: Path, target: OutputFormat, label: str = "", audio_CN: np.ndarray | None = None) -> Path:
    with path.open("w+b") as stream:
        writer = open_writer(stream, target, label)
        whole_CN = tone(channels=target.channels) if audio_CN is None else audio_CN
        for at in range(0, whole_CN.shape[1], 7_000):
            writer.write(whole_CN[:, at : at + 7_000])
        writer.close()
    return path


def target_of(container: str, tags: Tags = TAGS, bits: int | None = 24, rate_hz: int = 44_100) -> OutputFormat:
    return OutputFormat(container, bits, rate_hz, 2, RiffExtras(), tags)


def file_in(folder: Path, container: str, tags: Tags = TAGS) -> Path:
    return write(folder / f"a{KINDS[container].suffix}", target_of(container, tags))


@pytest.mark.parametrize("container", TAGGED)
def test_all_that_is_written_is_read_again(tmp_path, container):
    found = read_tags(file_in(tmp_path, container))
    assert dict(found.texts) == WORDS
    assert [cover.data for cover in found.covers] == ([] if container in COVERLESS else [PNG])


def by_mutagen(path: Path) -> dict[str, str]:
    """Title, artist, BPM, key and cover as mutagen's own names for each format have them."""
    file = mutagen.File(path)
    names = {
        "ID3": ("TIT2", "TPE1", "TBPM", "TKEY"), "MP4Tags": ("©nam", "©ART", "tmpo", "----:com.apple.iTunes:INITIALKEY")
    }.get(type(file.tags).__name__.removeprefix("_").removesuffix("ID3") or "ID3")  # fmt: skip
    if isinstance(file.tags, id3.ID3):
        names = ("TIT2", "TPE1", "TBPM", "TKEY")
    names = names or ("TITLE", "ARTIST", "BPM", "INITIALKEY")
    values = [file.tags[name] for name in names]
    return {name: text_of(value) for name, value in zip(("TITLE", "ARTIST", "BPM", "INITIALKEY"), values, strict=True)}


def text_of(value: object) -> str:
    first = value[0] if isinstance(value, list) else value
    return bytes(first).decode() if isinstance(first, bytes) else str(first)


@pytest.mark.parametrize("container", [name for name in TAGGED if name not in ("RF64", "CAF")])
def test_mutagen_reads_what_was_written(tmp_path, container):
    found = by_mutagen(file_in(tmp_path, container))
    assert found == {name: WORDS[name] for name in found}


@pytest.mark.parametrize("container", TAGGED)
def test_pyav_reads_the_title_and_the_artist(tmp_path, container):
    with av.open(str(file_in(tmp_path, container))) as file:
        said = {name.lower(): text for name, text in {**file.streams.audio[0].metadata, **file.metadata}.items()}
    assert (said["title"], said["artist"]) == (WORDS["TITLE"], WORDS["ARTIST"])


@pytest.mark.parametrize("container", ["WAV", "RF64", "FLAC", "AIFF", "CAF", "OGG", "OPUS"])
def test_libsndfile_reads_the_title(tmp_path, container):
    with soundfile.SoundFile(file_in(tmp_path, container)) as file:
        assert file.copy_metadata().get("title", WORDS["TITLE"]) == WORDS["TITLE"]
        assert file.frames >= 30_000


@pytest.mark.parametrize("container", [name for name in TAGGED if name not in COVERLESS])
def test_the_title_says_which_part_of_the_mix_it_is(tmp_path, container):
    path = write(tmp_path / f"a{KINDS[container].suffix}", target_of(container), "vocals")
    assert read_tags(path).first("TITLE") == f"{WORDS['TITLE']} (vocals)"
    assert read_tags(path).first("ALBUM") == "Zwölf"


def id3_source() -> id3.ID3:
    tag = id3.ID3()
    for frame in (
        id3.TIT2(3, ["Song"]), id3.TPE1(3, ["One", "Two"]), id3.TBPM(3, ["97.5"]), id3.TKEY(3, ["Am"]),
        id3.TXXX(3, "Mixed by", ["me"]), id3.COMM(3, "eng", "", ["fine"]), id3.COMM(3, "eng", "iTunSMPB", [" 0 0 0"]),
        id3.TXXX(3, "replaygain_track_gain", ["-7 dB"]), id3.TLEN(3, ["4000"]), id3.TSSE(3, ["LAME"]),
        id3.TCON(3, ["(17)"]), id3.USLT(3, "eng", "", "la la"), id3.APIC(3, "image/png", 3, "front", PNG),
    ):  # fmt: skip
        tag.add(frame)
    return tag


def mp3_of_others(path: Path) -> None:
    soundfile.write(path, tone().T, 44_100, format="MP3")
    id3_source().save(path)


def flac_of_others(path: Path) -> None:
    soundfile.write(path, tone().T, 44_100, subtype="PCM_16")
    file = FLAC(path)
    file["title"], file["artist"], file["tempo"], file["key"] = "Song", ["One", "Two"], "97.5", "Am"
    file["mixed by"], file["comment"], file["replaygain_track_gain"], file["genre"] = "me", "fine", "-7 dB", "Rock"
    file["lyrics"] = "la la"
    picture = Picture()
    picture.type, picture.mime, picture.data = 3, "image/png", PNG
    file.add_picture(picture)
    file.save()


def m4a_of_others(path: Path) -> None:
    with av.open(str(path), "w", format="ipod") as file:
        stream = file.add_stream("aac", rate=44_100, layout="stereo")
        frame = av.AudioFrame.from_ndarray(tone().astype(np.float32), format="fltp", layout="stereo")
        frame.sample_rate = 44_100
        for packet in (*stream.encode(frame), *stream.encode(None)):
            file.mux(packet)
    tagged = MP4(path)
    tagged["©nam"], tagged["©ART"], tagged["©cmt"], tagged["©gen"] = "Song", ["One", "Two"], "fine", "Rock"
    tagged["©lyr"] = "la la"
    for name, text in {"initialkey": "Am", "Mixed by": "me", "iTunSMPB": " 0", "BPM": "97.5"}.items():
        tagged[f"----:com.apple.iTunes:{name}"] = MP4FreeForm(text.encode())
    tagged["covr"] = [MP4Cover(PNG, MP4Cover.FORMAT_PNG)]
    tagged.save()


def wav_of_others(path: Path) -> None:
    soundfile.write(path, tone().T, 44_100, subtype="PCM_16")
    tag = io.BytesIO()
    id3_source().save(tag)
    info = b"INFO" + b"".join(
        name + struct.pack("<I", len(text)) + text + b"\0" * (len(text) % 2)
        for name, text in ((b"INAM", b"Song\0"), (b"ISFT", b"A recorder\0"), (b"IKEY", b"Am\0"))
    )
    data = path.read_bytes()
    for name, more in ((b"LIST", info), (b"iXML", IXML), (b"id3 ", tag.getvalue())):
        data += name + struct.pack("<I", len(more)) + more + b"\0" * (len(more) % 2)
    path.write_bytes(data[:4] + struct.pack("<I", len(data) - 8) + data[8:])


SOURCES = {
    "a.mp3": mp3_of_others, "a.flac": flac_of_others, "a.m4a": m4a_of_others, "a.wav": wav_of_others
}  # fmt: skip


@pytest.mark.parametrize("container", TAGGED)
@pytest.mark.parametrize("name", SOURCES)
def test_tags_go_from_any_format_into_any_other(tmp_path, name, container):
    SOURCES[name](tmp_path / name)
    tags = read_tags(tmp_path / name)
    found = read_tags(write(tmp_path / f"b{KINDS[container].suffix}", target_of(container, tags), "bass"))
    assert found.first("TITLE") == "Song (bass)"
    assert found.first("ARTIST").startswith("One")
    assert "Two" in " ".join(text for field, text in found.texts if field == "ARTIST")
    wanted = {"BPM": "97.5", "INITIALKEY": "Am", "MIXED BY": "me", "COMMENT": "fine", "LYRICS": "la la"}
    assert {field: found.first(field) for field in wanted} == wanted
    assert found.first("GENRE") in ("Rock", "Jazz", "")  # 17 is Rock in ID3
    assert [cover.data for cover in found.covers] == ([] if container in COVERLESS else [PNG])
    gone = ("REPLAYGAIN_TRACK_GAIN", "TLEN", "ITUNSMPB", "TSSE", "ENCODER")
    assert not {field for field, _ in found.texts} & set(gone)


def test_the_chunks_of_a_wav_stay_as_they_were(tmp_path):
    wav_of_others(tmp_path / "a.wav")
    tags = read_tags(tmp_path / "a.wav")
    found = read_tags(write(tmp_path / "b.wav", target_of("WAV", tags), "bass"))
    assert found.ixml == IXML
    assert dict(found.info)[b"ISFT"] == b"A recorder\0"
    assert dict(found.info)[b"INAM"] == b"Song (bass)\0"


def test_the_time_reference_of_ixml_moves_with_a_region(tmp_path):
    later = moved_ixml(IXML, 10)
    assert b"<TIMESTAMP_SAMPLES_SINCE_MIDNIGHT_HI>2<" in later  # 32 bits were full
    assert b"<TIMESTAMP_SAMPLES_SINCE_MIDNIGHT_LO>4<" in later
    assert b"<BWF_TIME_REFERENCE_LOW>110<" in later
    assert moved_ixml(later, -10) == IXML
    assert moved_ixml(b"<BWFXML><SCENE>5</SCENE></BWFXML>", 10) == b"<BWFXML><SCENE>5</SCENE></BWFXML>"


def test_a_region_of_a_flac_says_where_it_was_and_a_wav_of_it_too(run, tmp_path):
    soundfile.write(tmp_path / "mix.flac", tone().T, 44_100)
    [part] = run(input=tmp_path / "mix.flac", region_s=(0.2, 0.5)).results
    assert FLAC(part.stem)["time_reference"] == ["8820"]
    [again] = run(input=Path(part.stem), region_s=(0.1, 0.2), format="wav24").results
    assert time_reference(read_extras(Path(again.stem)).bext) == 8_820 + 4_410
    [third] = run(input=Path(part.stem)).results
    assert FLAC(third.rest)["time_reference"] == ["8820"]


def test_stem_and_rest_of_a_song_carry_its_tags(run, tmp_path):
    flac_of_others(tmp_path / "song.flac")
    [result] = run(input=tmp_path / "song.flac", format="mp3").results
    stem, rest = read_tags(Path(result.stem)), read_tags(Path(result.rest))
    assert (stem.first("TITLE"), rest.first("TITLE")) == ("Song (violin)", "Song (without violin)")
    assert stem.first("BPM") == rest.first("BPM") == "97.5"
    assert stem.covers == rest.covers
    assert (result.lossless, result.null_db, result.file_format) == (False, None, "MP3 256 kbit/s")


def test_a_file_without_tags_gets_none(run, noise):
    [result] = run(input=noise("mix.flac")).results
    assert not read_tags(Path(result.stem))
    assert result.lossless


@pytest.mark.parametrize("container", [name for name, kind in KINDS.items() if kind.lossless])
@pytest.mark.parametrize("bits", [16, 24, 32, None])
def test_lossless_files_hold_every_sample(tmp_path, container, bits):
    if container == "FLAC" and bits in (32, None):
        return
    rng = np.random.default_rng(0)
    scale = 2.0 ** ((bits or 24) - 1)
    audio_CN = np.clip(np.rint(rng.uniform(-1.1, 1.1, (2, 20_001)) * scale), -scale, scale - 1) / scale
    path = write(tmp_path / f"a{KINDS[container].suffix}", target_of(container, bits=bits), "bass", audio_CN)
    info = probe(path)
    assert (info.container.removesuffix("EX"), info.samples) == (container, 20_001)
    np.testing.assert_array_equal(soundfile.read(path, always_2d=True, dtype="float64")[0].T, audio_CN)


@pytest.mark.parametrize("container", [name for name, kind in KINDS.items() if not kind.lossless])
@pytest.mark.parametrize("rate_hz", [8_000, 44_100, 47_999, 192_000])
@pytest.mark.parametrize("kbit_s", [64, 320])
def test_lossy_files_have_a_rate_of_their_own_and_the_length_of_the_sound(tmp_path, container, rate_hz, kbit_s):
    target = OutputFormat(container, 24, rate_hz, 2, RiffExtras(), TAGS, kbit_s)
    audio_CN = np.repeat(tone(rate_hz * 2), 1, axis=0)
    path = write(tmp_path / f"a{KINDS[container].suffix}", target, "", audio_CN)
    with av.open(str(path)) as file:
        stream = file.streams.audio[0]
        decoded = sum(frame.samples for frame in file.decode(stream))
        file_hz = stream.rate
    exact = -(-2 * rate_hz * target.file_rate_hz // rate_hz)
    if container == "M4A":
        assert file_hz == target.file_rate_hz
        assert 0 <= decoded - exact <= 2_048  # AAC ends with a whole block
    else:
        info = probe(path)
        assert (info.rate_hz, info.samples) == (target.file_rate_hz, exact)
    assert target.file_rate_hz in KINDS[container].rates_hz


@pytest.mark.parametrize("container", ["MP3", "OGG", "OPUS", "M4A"])
def test_more_kilobits_make_a_larger_file_of_about_that_rate(tmp_path, container):
    rng = np.random.default_rng(0)
    audio_CN = np.cumsum(rng.standard_normal((2, 88_200)), axis=1)
    audio_CN *= 0.3 / np.abs(audio_CN).max()
    audio_CN += 0.02 * rng.standard_normal(audio_CN.shape)
    sizes = []
    for kbit_s in (96, 256):
        target = OutputFormat(container, 24, 44_100, 2, kbit_s=kbit_s)
        path = write(tmp_path / f"{kbit_s}{KINDS[container].suffix}", target, "", audio_CN)
        sizes.append(path.stat().st_size * 8 / 2 / 1000)
    assert sizes[0] < 0.6 * sizes[1]
    assert 0.6 * 256 < sizes[1] < 1.3 * 256


@pytest.mark.parametrize("name", ["mix.aiff", "mix.caf", "mix.w64", "mix.rf64"])
@pytest.mark.parametrize("subtype", ["PCM_16", "PCM_24", "FLOAT"])
def test_same_keeps_the_container_and_the_sum(run, tmp_path, name, subtype):
    source = np.round(0.2 * np.random.default_rng(0).standard_normal((8_000, 2)), 4)
    soundfile.write(tmp_path / name, source, 44_100, subtype=subtype, format=name.split(".")[1].upper())
    [result] = run(input=tmp_path / name).results
    kinds = [soundfile.info(path) for path in (tmp_path / name, result.stem, result.rest)]
    assert len({(kind.format, kind.subtype, kind.frames) for kind in kinds}) == 1
    stem, rest, mix = (soundfile.read(path, dtype="float64")[0] for path in (result.stem, result.rest, tmp_path / name))
    np.testing.assert_array_equal((stem.astype(np.float32) + rest.astype(np.float32)).astype(np.float64), mix)
    assert result.null_db == -300


def test_a_quality_of_what_loses_nothing_is_refused(noise):
    from engine.errors import RequestError

    info = probe(noise("mix.wav"))
    with pytest.raises(RequestError, match="a quality of 128 kbit/s was asked for, and flac loses nothing"):
        format_like(info, "flac", RiffExtras(), quality=128)
    assert format_like(info, "ogg", RiffExtras(), quality=128).kbit_s == 128


@pytest.mark.parametrize("wanted", ["mp3", "ogg", "opus", "m4a"])
def test_lossy_formats_refuse_more_than_two_channels(noise, wanted):
    from engine.errors import RequestError

    with pytest.raises(RequestError, match="holds at most 2 channels, this has 3; choose --format wav24"):
        format_like(probe(noise(channels=3, seconds=0.1)), wanted, RiffExtras())


def damaged() -> dict[str, bytes]:
    whole = io.BytesIO()
    id3_source().save(whole)
    tag = whole.getvalue()
    zeros = bytes(100_000)
    riff = b"RIFF" + struct.pack("<I", 1000) + b"WAVE"
    picture = base64.b64encode(b"no picture")
    return {
        "cut.mp3": tag[: len(tag) // 2],
        "size.mp3": tag[:6] + b"\x7f\x7f\x7f\x7f" + tag[10:],
        "zeros.wav": riff + zeros,
        "list.wav": riff + b"LIST\xff\xff\xff\x7fINFOINAM\xff\xff\xff\xff",
        "id3.wav": riff + b"id3 \x10\0\0\0" + tag[:16],
        "caf.caf": b"caff\0\1\0\0info\0\0\0\0\0\0\0\x08\xff\xff\xff\xffab\0c",
        "form.aiff": b"FORM\0\0\0\0AIFFNAME\0\0\0\x09abc",
        "flac.flac": b"fLaC\x84\0\0\x10" + picture,
        "mp4.m4a": b"\0\0\0\x18ftypM4A " + bytes(200),
        "empty.wav": b"",
        "text.ogg": b"OggS" + bytes(300),
    }


@pytest.mark.parametrize("name", damaged())
def test_damaged_tags_are_left_out_and_never_raise(tmp_path, name):
    (tmp_path / name).write_bytes(damaged()[name])
    assert isinstance(read_tags(tmp_path / name), Tags)


def test_no_bext_is_made_where_nothing_moved():
    assert moved(None, 0) is None


@pytest.fixture
def no_mutagen(monkeypatch):
    """As where the extra tags is not installed."""
    monkeypatch.setitem(sys.modules, "mutagen", None)
    has_mutagen.cache_clear()
    yield
    has_mutagen.cache_clear()


KEPT_WITHOUT_MUTAGEN = {
    "WAV": set(WORDS) - {"MY OWN FIELD"}, "RF64": set(WORDS) - {"MY OWN FIELD"}, "CAF": set(WORDS),
    "AIFF": {"TITLE", "ARTIST", "COMMENT"},
}  # fmt: skip


@pytest.mark.parametrize("container", KINDS)
def test_without_mutagen_every_format_is_written_and_the_log_says_once_what_is_lost(
    tmp_path, no_mutagen, caplog, container
):
    path = file_in(tmp_path, container)
    found = dict(read_tags(path).texts)
    assert found == {name: WORDS[name] for name in KEPT_WITHOUT_MUTAGEN.get(container, ())}
    assert probe(path).samples >= 30_000 if container != "M4A" else path.stat().st_size > 1_000
    said = [record.message for record in caplog.records if "mutagen" in record.message]
    assert len(said) == (container != "CAF")
    assert all("install the extra tags: pip install 'fluxstem[tags]'" in one for one in said)


def test_without_mutagen_the_chunks_of_a_wav_stay(tmp_path, no_mutagen):
    wav_of_others(tmp_path / "a.wav")
    tags = read_tags(tmp_path / "a.wav")
    target = OutputFormat("WAV", 24, 44_100, 2, RiffExtras(bext=moved(None, 4_410)), tags)
    path = write(tmp_path / "b.wav", target, "bass")
    found = read_tags(path)
    assert found.ixml == IXML
    assert dict(found.info) == {b"INAM": b"Song (bass)\0", b"ISFT": b"A recorder\0", b"IKEY": b"Am\0"}
    assert time_reference(read_extras(path).bext) == 4_410
    assert b"id3 " not in path.read_bytes()


@pytest.mark.parametrize("name", SOURCES)
def test_without_mutagen_a_tagged_song_is_taken_apart_all_the_same(run, tmp_path, no_mutagen, name):
    SOURCES[name](tmp_path / name)
    [result] = run(input=tmp_path / name, format="flac").results
    assert not read_tags(Path(result.stem))
    assert result.lossless


@pytest.mark.parametrize("name", damaged())
def test_without_mutagen_damaged_tags_are_left_out_too(tmp_path, no_mutagen, name):
    (tmp_path / name).write_bytes(damaged()[name])
    assert not read_tags(tmp_path / name).covers


def test_a_damaged_id3_chunk_takes_nothing_from_the_others(tmp_path):
    wav_of_others(tmp_path / "a.wav")
    whole = (tmp_path / "a.wav").read_bytes()
    at = whole.index(b"id3 ") + 8
    (tmp_path / "a.wav").write_bytes(whole[:at] + b"no tag" + whole[at + 6 :])
    found = read_tags(tmp_path / "a.wav")
    assert (found.first("TITLE"), found.ixml) == ("Song", IXML)
