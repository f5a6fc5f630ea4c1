"""Whatever file is given as the mix: its true length, or one sentence. Formats, headers, damage, a row each."""

import functools
import struct
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from soundfiles import (
    ID3V1,
    SAMPLES,
    Damage,
    ape,
    followed_by,
    half,
    id3v2,
    patched,
    preceded_by,
    with_av,
    with_libsndfile,
)

from engine.audio.read_tags import read_tags
from engine.audio.reader import UnknownAudio, blocks, probe
from engine.errors import AudioError
from engine.media.intake import open_audio
from engine.media.mix_decoder import write_mix

MP3_FRAME = 1152
ADDED_BY_CODEC = 4096  # what a lossy codec may add at the end, at most
UNKNOWN = b"\xff\xff\xff\xff"

Make = Callable[[Path], bytes]
Expected = int | tuple[int, int] | str | Callable[[Path], int]


@dataclass(frozen=True)
class Case:
    """A file: how it is made, its length in samples (or the least and the most, or the sentence), and its note."""

    name: str
    make: Make
    expected: Expected
    note: str = ""


@functools.cache
def made(folder: Path, kind: str, *asked: object) -> bytes:
    """The bytes of a whole, healthy file; made once."""
    path = folder / f"whole-{kind}-{'-'.join(map(str, asked))}".replace("/", "_")
    if kind == "av":
        codec, container, sample_format, *rest = asked
        has_picture, rate_hz, faststart, samples = (*rest, *(False, 44_100, False, SAMPLES)[len(rest) :])
        return with_av(
            path, codec, container, sample_format=sample_format, samples=samples, rate_hz=rate_hz, film=has_picture,
            options={"movflags": "faststart"} if faststart else {},
        )  # fmt: skip
    container, subtype, samples = asked
    return with_libsndfile(path, container, subtype, samples=samples)


def in_wave(mp3: bytes) -> bytes:
    """An MP3 file in a WAV file, as some recorders and broadcasters store it."""
    kind = struct.pack("<HHIIHHHHIHHH", 0x55, 2, 44_100, 16_000, 1, 0, 12, 1, 2, 418, 1, 1393)
    chunks = b"WAVE" + b"".join(
        name + struct.pack("<I", len(said)) + said + bytes(len(said) % 2)
        for name, said in ((b"fmt ", kind), (b"fact", struct.pack("<I", SAMPLES)), (b"data", mp3))
    )
    return b"RIFF" + struct.pack("<I", len(chunks)) + chunks


def lib(container: str, subtype: str, *damages: Damage, samples: int = SAMPLES) -> Make:
    """A file by libsndfile, with damages."""
    return lambda folder: damaged(made(folder, "lib", container, subtype, samples), damages)


def film(codec: str, container: str, sample_format: str, *rest: object, damages: tuple[Damage, ...] = ()) -> Make:
    """A file by FFmpeg, with damages; ``rest``: pictures, rate, index in front, samples."""
    return lambda folder: damaged(made(folder, "av", codec, container, sample_format, *rest), damages)


def damaged(whole: bytes, damages: tuple[Damage, ...]) -> bytes:
    return functools.reduce(lambda file, damage: damage(file), damages, whole)


def sized(data: bytes, riff: bytes = b""):
    """A WAV file whose data chunk, and whose RIFF where asked for, claims another size."""

    def change(whole: bytes) -> bytes:
        at = whole.index(b"data") + 4
        return patched(4, riff)(patched(at, data)(whole))

    return change


def empty_list(whole: bytes) -> bytes:
    """A WAV file with many bytes of nothing in front of its samples."""
    return whole[:36] + b"LIST" + struct.pack("<I", 60_000) + bytes(60_000) + whole[36:]


def endless_caf(whole: bytes) -> bytes:
    """A CAF file whose samples go on to its end."""
    return patched(whole.index(b"data") + 4, 2 * UNKNOWN)(whole)


def xing(frames: int):
    """An MP3 file whose tag claims another number of frames."""
    return lambda whole: patched(whole.index(b"Info") + 8, struct.pack(">I", frames))(whole)


def vbri(frames: int):
    """An MP3 file with Fraunhofer's tag in the place of the other."""

    def change(whole: bytes) -> bytes:
        at = whole.index(b"Info")
        tag = b"VBRI" + struct.pack(">HHHII", 1, 0, 75, len(whole) - at + 36, frames)
        return whole[:at] + tag.ljust(120, b"\0") + whole[at + 120 :]

    return change


def without_tag(whole: bytes) -> bytes:
    """An MP3 file without its first frame."""
    return whole[whole.index(b"\xff\xfb", whole.index(b"Info")) :]


def in_the_middle(junk: bytes):
    """An MP3 file with something else between two frames."""

    def change(whole: bytes) -> bytes:
        at = whole.index(b"\xff\xfb", len(whole) // 2)
        return whole[:at] + junk + whole[at:]

    return change


def flac_total(samples: int):
    """A FLAC file that claims another length."""

    def change(whole: bytes) -> bytes:
        at = whole.index(b"fLaC") + 21
        return patched(at, ((whole[at] & 0xF0) << 32 | samples).to_bytes(5, "big"))(whole)

    return change


def side_info(whole: bytes) -> bytes:
    """An MP3 file whose first frame looks like sound beside its tag."""
    return patched(whole.index(b"Info") - 9, b"\xff")(whole)


def tag_bytes(size: int):
    """An MP3 file whose tag claims another size."""
    return lambda whole: patched(whole.index(b"Info") + 12, struct.pack(">I", size))(whole)


def huge_chunk(mark: bytes, at: int, size: bytes):
    """A file with a chunk larger than any disk."""
    return lambda whole: patched(whole.index(mark) + at, size)(whole)


def hole(whole: bytes) -> bytes:
    """A file without 3,000 bytes in its middle."""
    return whole[: len(whole) // 2] + whole[len(whole) // 2 + 3_000 :]


def shorter(by: int) -> Damage:
    """A file without its last bytes."""
    return lambda whole: whole[:-by]


def decoded_without_tag(folder: Path) -> int:
    """Samples in all frames of the healthy MP3; nothing is known of delay and padding."""
    whole = made(folder, "av", *MP3)
    return MP3_FRAME * struct.unpack_from(">I", whole, whole.index(b"Info") + 8)[0]


LIST = b"LIST" + struct.pack("<I", 26) + b"INFOINAM" + struct.pack("<I", 14) + b"a title, here\0"
JUNK = np.random.default_rng(1).bytes(5_000)
BEYOND = (SAMPLES, SAMPLES + ADDED_BY_CODEC)
REFUSED = "damaged|not an audio|zero length"
HALF = (SAMPLES // 2 - 4_700, SAMPLES // 2 + 4_700)
LONG = 200_000
SAYS_LONG = "its header says 4.535 s"
SOME = (LONG // 4, LONG * 3 // 4)
BLOCK_LESS = (LONG - 4_096, LONG - 1)
OPUS_ENDS = (SAMPLES, SAMPLES + 312)

SUBTYPES = ("PCM_U8", "PCM_16", "PCM_24", "PCM_32", "FLOAT", "ULAW")
COUNTS = (0, 5, 5_000, 1_000_000)

WAVES = [
    *(Case(f"wav {kind}", lib("WAV", kind), SAMPLES) for kind in SUBTYPES),
    Case("wav ADPCM", lib("WAV", "IMA_ADPCM"), (SAMPLES, SAMPLES + 2_100)),
    Case("wav extensible", lib("WAVEX", "PCM_24"), SAMPLES),
    Case("wav, all sizes 0", lib("WAV", "PCM_16", sized(bytes(4), bytes(4))), SAMPLES),
    Case("wav, data size 0", lib("WAV", "PCM_16", sized(bytes(4))), SAMPLES),
    Case("wav float, data size 0", lib("WAV", "FLOAT", sized(bytes(4), bytes(4))), SAMPLES),
    Case("wav, data size 0, tags behind", lib("WAV", "PCM_16", sized(bytes(4), bytes(4)), followed_by(LIST)), SAMPLES),
    Case("wav, data size -1", lib("WAV", "PCM_16", sized(UNKNOWN, UNKNOWN)), SAMPLES),
    Case("wav, data size -1, tags behind", lib("WAV", "PCM_24", sized(UNKNOWN), followed_by(LIST)), SAMPLES),
    Case("wav, data size 7FFFFFFF", lib("WAV", "PCM_16", sized(b"\xff\xff\xff\x7f")), SAMPLES),
    Case("wav, junk behind", lib("WAV", "PCM_16", followed_by(JUNK)), SAMPLES),
    Case("wav, ID3v1 behind", lib("WAV", "PCM_16", followed_by(ID3V1)), SAMPLES),
    Case("wav, tags behind", lib("WAV", "PCM_16", followed_by(LIST)), SAMPLES),
    Case("wav, ID3v2 in front", lib("WAV", "PCM_16", preceded_by(id3v2())), SAMPLES),
    Case("wav, 60 kB of an empty LIST in front", lib("WAV", "PCM_16", empty_list), SAMPLES),
    Case("wav, MP3 inside", lib("MP3", "MPEG_LAYER_III", in_wave), SAMPLES),
    Case("wav, MP3 inside, tags behind", lib("MP3", "MPEG_LAYER_III", in_wave, followed_by(LIST)), SAMPLES),
    Case("wav, MP3 inside, half", lib("MP3", "MPEG_LAYER_III", in_wave, half), HALF, "its header says 0.680 s"),
    Case("wav, half", lib("WAV", "PCM_16", half), HALF, "its header says 0.680 s"),
    Case("wav 24, half", lib("WAV", "PCM_24", half), HALF, "its header says 0.680 s"),
    Case("wav, half, ID3v2 in front", lib("WAV", "PCM_16", half, preceded_by(id3v2())), HALF, "says 0.680 s"),
    Case("wav, data size -1, ID3v2 in front", lib("WAV", "PCM_24", sized(UNKNOWN), preceded_by(id3v2())), SAMPLES),
    Case("wav, data size 0, ID3v2 in front", lib("WAV", "PCM_24", sized(bytes(4)), preceded_by(id3v2())), SAMPLES),
    Case("wav, cut in its header", lib("WAV", "PCM_16", lambda whole: whole[:30]), "not an audio"),
    Case("wav, nothing but a header", lib("WAV", "PCM_16", lambda whole: whole[:44]), "zero length"),
    Case("wav, no samples", lib("WAV", "PCM_16", lambda whole: sized(bytes(4))(whole[:44])), "zero length"),
    Case("rf64", lib("RF64", "PCM_24"), SAMPLES),
    Case("rf64, all sizes 0", lib("RF64", "PCM_24", patched(20, bytes(24))), SAMPLES),
    Case("rf64, a size beyond any disk", lib("RF64", "PCM_16", huge_chunk(b"ds64", 16, b"\xff" * 8)), SAMPLES),
    Case("rf64, half", lib("RF64", "PCM_24", half), HALF, "its header says 0.680 s"),
    Case("rf64, zeros behind", lib("RF64", "PCM_16", followed_by(bytes(100_000))), SAMPLES),
    Case("w64", lib("W64", "PCM_24"), SAMPLES),
    Case("w64, a chunk beyond any disk", lib("W64", "PCM_16", huge_chunk(b"fmt ", 16, b"\xff" * 8)), REFUSED),
    Case("w64, half", lib("W64", "PCM_16", half), HALF, "its header says 0.680 s"),
    Case("w64, zeros behind", lib("W64", "PCM_16", followed_by(bytes(100_000))), SAMPLES),
    Case("aiff", lib("AIFF", "PCM_16"), SAMPLES),
    Case("aiff 24, half", lib("AIFF", "PCM_24", half), HALF, "its header says 0.680 s"),
    Case("aiff, half, ID3v2 in front", lib("AIFF", "PCM_24", half, preceded_by(id3v2())), HALF, "says 0.680 s"),
    Case("aiff, zeros behind", lib("AIFF", "PCM_16", followed_by(bytes(100_000))), SAMPLES),
    Case("caf", lib("CAF", "PCM_16"), SAMPLES),
    Case("caf, half", lib("CAF", "PCM_16", half), HALF, "its header says 0.680 s"),
    Case("caf, a chunk beyond any disk", lib("CAF", "PCM_16", huge_chunk(b"desc", 4, b"\x7f" * 8)), REFUSED),
    Case("caf, data size -1", lib("CAF", "PCM_16", endless_caf), SAMPLES),
    Case("au", lib("AU", "PCM_16"), SAMPLES),
    Case("au, data size -1", lib("AU", "PCM_16", patched(8, UNKNOWN)), SAMPLES),
    Case("au, half", lib("AU", "PCM_16", half), HALF, "its header says 0.680 s"),
]  # fmt: skip

MP3 = ("libmp3lame", "mp3", "fltp")
MP3S = [
    Case("mp3", film(*MP3), SAMPLES),
    Case("mp3 of 22.05 kHz", film(*MP3, False, 22_050), SAMPLES),
    Case("mp3 by libsndfile", lib("MP3", "MPEG_LAYER_III"), SAMPLES),
    *(Case(f"mp3 that says {count} frames", film(*MP3, damages=(xing(count),)), SAMPLES) for count in COUNTS),
    Case("mp3 whose tag looks like sound", film(*MP3, damages=(side_info,)), SAMPLES),
    Case("mp3 whose tag says too many bytes", film(*MP3, damages=(tag_bytes(0x7F00_0000),)), SAMPLES),
    Case("mp3 whose tag says no bytes", film(*MP3, damages=(tag_bytes(0),)), SAMPLES),
    Case("mp3 with VBRI", film(*MP3, damages=(vbri(3),)), decoded_without_tag),
    Case("mp3 without a tag", film(*MP3, damages=(without_tag,)), decoded_without_tag),
    Case("mp3 without a tag, APE behind", film(*MP3, damages=(without_tag, followed_by(ape()))), decoded_without_tag),
    Case("mp3, ID3v2 in front", film(*MP3, damages=(preceded_by(id3v2()),)), SAMPLES),
    Case("mp3, a picture in ID3v2", film(*MP3, damages=(preceded_by(id3v2(2_000_000)),)), SAMPLES),
    Case("mp3, two ID3v2", film(*MP3, damages=(preceded_by(id3v2() + id3v2(70)),)), SAMPLES),
    Case("mp3, ID3v1 behind", film(*MP3, damages=(followed_by(ID3V1),)), SAMPLES),
    Case("mp3, APE behind", film(*MP3, damages=(followed_by(ape()),)), SAMPLES),
    Case("mp3, APE and ID3v1 behind", film(*MP3, damages=(followed_by(ape() + ID3V1),)), SAMPLES),
    Case("mp3, wrong count, APE and ID3v1", film(*MP3, damages=(xing(9), followed_by(ape() + ID3V1))), SAMPLES),
    Case("mp3, zeros behind", film(*MP3, damages=(followed_by(bytes(3_000_000)),)), SAMPLES),
    Case("mp3, junk behind", film(*MP3, damages=(followed_by(JUNK),)), SAMPLES),
    Case("mp3, junk in the middle", film(*MP3, damages=(in_the_middle(bytes(3_000)),)), SAMPLES),
    Case("mp3, half", film(*MP3, damages=(half,)), HALF, "its header says 0.680 s"),
    Case("mp3, last bytes missing", film(*MP3, damages=(lambda whole: whole[:-100],)), (SAMPLES - 1_200, SAMPLES)),
    Case("mp2", film("mp2", "mp2", "s16"), (SAMPLES, SAMPLES + 1_152)),
]  # fmt: skip

OPUS = ("libopus", "ogg", "flt", False, 48_000)
FLACS = [
    Case("flac", lib("FLAC", "PCM_16"), SAMPLES),
    Case("flac 24", lib("FLAC", "PCM_24"), SAMPLES),
    Case("flac of unknown length", lib("FLAC", "PCM_16", flac_total(0)), SAMPLES),
    Case("flac 24 of unknown length", lib("FLAC", "PCM_24", flac_total(0)), SAMPLES),
    Case("flac of unknown length, ID3v1 behind", lib("FLAC", "PCM_16", flac_total(0), followed_by(ID3V1)), SAMPLES),
    Case("flac of unknown length, APE behind", lib("FLAC", "PCM_16", flac_total(0), followed_by(ape())), SAMPLES),
    Case("flac, ID3v2 in front", lib("FLAC", "PCM_16", preceded_by(id3v2())), SAMPLES),
    Case("flac of unknown length, ID3v2 in front", lib("FLAC", "PCM_16", flac_total(0), preceded_by(id3v2())), SAMPLES),
    Case("flac that says too much", lib("FLAC", "PCM_16", flac_total(90_000)), SAMPLES, "its header says 2.041 s"),
    Case("flac that says too little", lib("FLAC", "PCM_16", flac_total(9_000)), SAMPLES),
    Case("flac, zeros behind", lib("FLAC", "PCM_16", followed_by(bytes(1_000_000))), SAMPLES),
    Case("flac, junk behind", lib("FLAC", "PCM_16", followed_by(JUNK)), SAMPLES),
    Case("flac of unknown length, junk behind", lib("FLAC", "PCM_16", flac_total(0), followed_by(JUNK)), SAMPLES),
    Case("flac, APE behind", lib("FLAC", "PCM_16", followed_by(ape())), SAMPLES),
    Case("flac, a byte missing", lib("FLAC", "PCM_16", shorter(1), samples=LONG), BLOCK_LESS, SAYS_LONG),
    Case("flac, 100 bytes missing", lib("FLAC", "PCM_24", shorter(100), samples=LONG), BLOCK_LESS, SAYS_LONG),
    Case("flac, a hole in the middle", lib("FLAC", "PCM_16", hole), "is damaged"),
    Case("flac, half", lib("FLAC", "PCM_16", half), HALF, "its header says 0.680 s"),
    Case("flac of unknown length, half", lib("FLAC", "PCM_16", flac_total(0), half), HALF, "its end is missing"),
    Case("flac, nothing but a header", lib("FLAC", "PCM_16", lambda whole: whole[:60]), REFUSED),
    Case("flac, a header of 2^36 - 1 samples", lib("FLAC", "PCM_16", flac_total(2**36 - 1), lambda f: f[:60]), REFUSED),
    Case("flac that says 2^36 - 1 samples", lib("FLAC", "PCM_16", flac_total(2**36 - 1)), SAMPLES, "its header says"),
    Case("ogg vorbis", lib("OGG", "VORBIS"), SAMPLES),
    Case("ogg vorbis, half", lib("OGG", "VORBIS", half, samples=LONG), SOME, "its end is missing"),
    Case("ogg vorbis, junk behind", lib("OGG", "VORBIS", followed_by(JUNK)), SAMPLES),
    Case("ogg vorbis, APE behind", lib("OGG", "VORBIS", followed_by(ape())), SAMPLES),
    Case("ogg opus, junk behind", film(*OPUS, damages=(followed_by(JUNK),)), OPUS_ENDS),
    Case("ogg opus, APE and ID3v1 behind", film(*OPUS, damages=(followed_by(ape() + ID3V1),)), OPUS_ENDS),
    Case("ogg opus, half", film(*OPUS, False, LONG, damages=(half,)), SOME, "its end is missing"),
    Case("ogg opus", film(*OPUS), OPUS_ENDS),
]  # fmt: skip

M4A = ("aac", "ipod", "fltp")
OTHERS = [
    Case("m4a AAC", film(*M4A), BEYOND),
    Case("m4a ALAC", film("alac", "ipod", "s16p"), SAMPLES),
    Case("caf ALAC", film("alac", "caf", "s16p"), SAMPLES),
    Case("m4a ALAC 24", film("alac", "ipod", "s32p"), SAMPLES),
    Case("adts", film("aac", "adts", "fltp"), BEYOND),
    Case("adts, ID3v2 in front", film("aac", "adts", "fltp", damages=(preceded_by(id3v2()),)), BEYOND),
    Case("adts, half", film("aac", "adts", "fltp", damages=(half,)), HALF, "its end is missing"),
    Case("mp4, a film", film("aac", "mp4", "fltp", True), BEYOND),
    Case("mov, a film", film("aac", "mov", "fltp", True), BEYOND),
    Case("mov with PCM 24", film("pcm_s24le", "mov", "s32"), SAMPLES),
    Case("mkv, a film with MP3", film("libmp3lame", "matroska", "fltp", True), BEYOND),
    Case("mka with PCM", film("pcm_s16le", "matroska", "s16"), SAMPLES),
    Case("mka with float", film("pcm_f32le", "matroska", "flt"), SAMPLES),
    Case("mka, half", film("pcm_s16le", "matroska", "s16", damages=(half,)), HALF, "its header says"),
    Case("webm, Opus", film("libopus", "webm", "flt", False, 48_000), BEYOND),
    Case("avi, a film", film("pcm_s16le", "avi", "s16", True), SAMPLES),
    Case("mpeg transport stream", film("aac", "mpegts", "fltp"), BEYOND),
    Case("ac3", film("ac3", "ac3", "fltp"), BEYOND),
    Case("eac3", film("eac3", "eac3", "fltp"), BEYOND),
    Case("wavpack", film("wavpack", "wv", "s16p"), SAMPLES),
    Case("wavpack float", film("wavpack", "wv", "fltp"), SAMPLES),
    Case("wavpack, half", film("wavpack", "wv", "s16p", False, 44_100, False, LONG, damages=(half,)), SOME, SAYS_LONG),
    Case("tta", film("tta", "tta", "s16"), SAMPLES),
    Case("tta, half", film("tta", "tta", "s16", False, 44_100, False, LONG, damages=(half,)), SOME, SAYS_LONG),
    Case("wma", film("wmav2", "asf", "fltp"), (SAMPLES - 4_096, SAMPLES + 8_192)),
    Case("m4a, half, index at its end", film(*M4A, damages=(half,)), "not an audio or video file"),
    Case("m4a, half, index in front", film(*M4A, False, 44_100, True, damages=(half,)), HALF, "its header says"),
    Case("a playlist", lambda folder: b"#EXTM3U\nsong.mp3\n", "is a playlist"),
    Case("a PDF", lambda folder: b"%PDF-1.7\n", "is a PDF"),
    Case("a text", lambda folder: b"not a song", "holds text and no sound|not an audio"),
    Case("a picture", lambda folder: b"\x89PNG\r\n\x1a\n" + bytes(500), "is a picture"),
    Case("noise", lambda folder: JUNK, "not an audio"),
    Case("nothing", lambda folder: b"", "0 bytes"),
    Case("zeros", lambda folder: bytes(5_000), "not an audio|no sound"),
]  # fmt: skip
MAY_SAY_MORE = {"mp3, last bytes missing"}
CASES = [*WAVES, *MP3S, *FLACS, *OTHERS]


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("any-file")


def read(path: Path) -> tuple[int, int, tuple[str, ...]]:
    """Samples announced, samples read, notes; what libsndfile cannot read is decoded, in this process."""
    try:
        info = probe(path)
    except UnknownAudio:
        with open_audio(str(path), path.parent, lambda done, stage: None, lambda: None, here) as info:
            return info.samples, sum(block_CN.shape[1] for block_CN in blocks(info)), info.notes
    return info.samples, sum(block_CN.shape[1] for block_CN in blocks(info)), info.notes


def here(main, wanted, file, result, watch):
    """Decode in this process, which takes no second to start."""
    watch()
    return write_mix(file, result)


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_any_file_has_the_length_that_decodes_or_is_refused_in_one_sentence(folder, case):
    whole = case.make(folder)
    path = folder / "the file.bin"
    path.write_bytes(whole)
    expected = case.expected
    if callable(expected):
        expected = expected(folder)
    if isinstance(expected, str):
        with pytest.raises(AudioError, match=expected) as refused:
            read(path)
        assert "\n" not in str(refused.value)
        return
    least, most = (expected, expected) if isinstance(expected, int) else expected
    announced, there, notes = read(path)
    assert announced == there
    assert least <= there <= most
    assert bool(case.note) == bool(notes) or case.name in MAY_SAY_MORE
    assert case.note in " ".join(notes)


MARK = b"\xff\xfb\0\0"  # of a frame of MP3 that cannot be


@pytest.mark.parametrize("behind", [b"", id3v2()], ids=["alone", "behind a tag"])
@pytest.mark.parametrize("wrapped", [bytes, in_wave], ids=["MP3", "WAV"])
def test_marks_of_frames_without_sound_are_not_looked_through_one_by_one(folder, capfd, behind, wrapped):
    """mpg123 says four lines for each mark, and takes seconds for a megabyte."""
    path = folder / "marks.bin"
    path.write_bytes(behind + wrapped(MARK * 1_000))
    with pytest.raises(AudioError):
        read(path)
    assert "Illegal Audio-MPEG-Header" not in capfd.readouterr().err


HEALTHY: dict[str, Make] = {
    **{f"{name} {kind}": lib(name, kind) for name, kind in (
        ("WAV", "PCM_16"), ("WAVEX", "PCM_24"), ("RF64", "PCM_24"), ("W64", "PCM_16"), ("AIFF", "PCM_24"),
        ("CAF", "PCM_16"), ("AU", "PCM_16"), ("FLAC", "PCM_16"), ("OGG", "VORBIS"), ("MP3", "MPEG_LAYER_III"),
    )},
    "opus": film(*OPUS), "mp3": film(*MP3), "m4a": film(*M4A), "alac": film("alac", "ipod", "s16p"),
    "adts": film("aac", "adts", "fltp"), "mka": film("pcm_s16le", "matroska", "s16"),
    "wavpack": film("wavpack", "wv", "s16p"), "wma": film("wmav2", "asf", "fltp"),
    "avi": film("pcm_s16le", "avi", "s16"),
}  # fmt: skip
SIZES = (b"\0\0\0\0", b"\xff\xff\xff\xff", b"\xff\xff\xff\x7f", b"\x7f\xff\xff\xff", b"\x80\0\0\0")


def injured(whole: bytes, chance: np.random.Generator) -> bytes:
    """A file after one accident: sizes, bytes, a cut, a hole, a repetition, something around it."""
    at, length = int(chance.integers(len(whole) - 4)), int(chance.integers(1, 4_000))
    in_head = int(chance.integers(min(400, len(whole) - 4)))
    noisy = bytearray(whole)
    for where in chance.integers(len(whole), size=20):
        noisy[where] = chance.integers(256)
    accidents = (
        patched(in_head, SIZES[chance.integers(len(SIZES))])(whole),
        patched(in_head, chance.bytes(2))(whole),
        bytes(noisy),
        whole[: max(at, 1)],
        whole[:at] + whole[at + length :],
        patched(at, bytes(min(length, len(whole) - at)))(whole),
        whole[:at] + whole[at // 2 :],
        whole[length:],
        whole + chance.bytes(length),
        id3v2() + whole + ape(),
    )
    return accidents[chance.integers(len(accidents))]


def outcome(path: Path) -> tuple[int, int, str]:
    """Samples announced and read, and no words; or none, and the sentence of a refusal."""
    try:
        announced, there, _ = read(path)
    except AudioError as refused:
        return 0, 0, str(refused)
    return announced, there, ""


@pytest.mark.parametrize("kind", HEALTHY)
def test_after_any_accident_a_file_has_one_length_or_is_refused_in_one_sentence(folder, kind):
    whole = HEALTHY[kind](folder)
    chance = np.random.default_rng(list(kind.encode()))
    path = folder / "injured.bin"
    for _ in range(16):
        path.write_bytes(injured(whole, chance))
        read_tags(path)
        announced, there, said = outcome(path)
        assert announced == there < 20 * SAMPLES
        assert (there > 0) != bool(said)
        assert "\n" not in said
