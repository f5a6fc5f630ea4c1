"""The decoder's process: what goes wrong in it ends it alone, and becomes one sentence."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import psutil
import pytest
import soundfile
from PIL import Image
from showfiles import BLUE, RED, plain, write_animation, write_video

from engine.errors import Cancelled, ExampleError, RequestError
from engine.media.decoder import DecodeSpec
from engine.media.reference import MediaExample
from engine.media.sandbox import DecodedMedia, decode_apart


def decode(path: Path | str, folder: Path, check=lambda: None, limit_s: float = 60.0) -> DecodedMedia:
    example = MediaExample.of(str(path))
    wanted = DecodeSpec(
        kind=example.kind, part_s=example.part_s, length_s=None, size_px=16, ticks_hz=32.0, rate_hz=16_000,
        samples=1600, limit_s=limit_s,
    )  # fmt: skip
    return decode_apart(example, wanted, folder, check)


@pytest.fixture
def film(tmp_path: Path) -> Path:
    return write_video(tmp_path / "film.mp4", [plain(RED)] * 5)


def nothing_left(folder: Path, but: set[str]) -> bool:
    return {path.name for path in folder.iterdir()} == but and not psutil.Process().children()


def test_a_file_is_decoded_in_a_process_of_its_own(film: Path, tmp_path: Path) -> None:
    before = set(sys.modules)
    with decode(film, tmp_path) as found:
        assert (found.kind, found.frames > 0, found.ticks) == ("video", True, len(found.shown()))
        assert found.frame(int(found.shown()[-1]))[8, 8].tolist() == pytest.approx(RED, abs=6)
    assert "engine.media.video" not in set(sys.modules) - before
    assert nothing_left(tmp_path, {"film.mp4"})


def test_a_decoder_that_is_killed_midway_is_one_sentence(film: Path, tmp_path: Path) -> None:
    def kill() -> None:
        for child in psutil.Process().children():
            child.kill()

    with pytest.raises(ExampleError, match=r"film\.mp4 broke its decoder \(it was ended by SIGKILL\)"):
        decode(film, tmp_path, check=kill)
    assert nothing_left(tmp_path, {"film.mp4"})


def test_a_decoder_is_given_up_at_its_time_limit(film: Path, tmp_path: Path) -> None:
    with pytest.raises(ExampleError, match=r"was not decoded within 0\.01 s and was given up"):
        decode(film, tmp_path, limit_s=0.01)
    assert nothing_left(tmp_path, {"film.mp4"})


def test_a_wish_to_stop_ends_the_decoder(film: Path, tmp_path: Path) -> None:
    def stop() -> None:
        raise Cancelled("stop")

    with pytest.raises(Cancelled):
        decode(film, tmp_path, check=stop)
    assert nothing_left(tmp_path, {"film.mp4"})


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such limits")
def test_a_decoder_takes_no_more_memory_than_it_is_given() -> None:
    code = "import numpy; from engine.media import decoder; decoder.limit_ourselves(9); numpy.ones(3 << 30, bool)"
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert ended.returncode == 1
    assert "MemoryError" in ended.stderr


def test_damaged_bytes_are_decoded_or_refused_and_nothing_else(film: Path, tmp_path: Path) -> None:
    dice, said = np.random.default_rng(0), []
    Image.fromarray(plain(RED)).save(tmp_path / "a.png")
    write_animation(tmp_path / "a.gif", [plain(RED), plain(BLUE)], shown_ms=100)
    soundfile.write(tmp_path / "a.flac", np.sin(np.arange(4000)) * 0.1, 16_000)
    for source in (film, tmp_path / "a.png", tmp_path / "a.gif", tmp_path / "a.flac"):
        raw = bytearray(source.read_bytes())
        for place in dice.integers(12, len(raw), 20):
            raw[place] = dice.integers(256)
        source.write_bytes(raw)
        try:
            with decode(source, tmp_path) as found:
                said.append(found.kind)
        except ExampleError as error:
            said.append(str(error))
    assert len(said) == 4
    assert all(one in ("image", "video", "audio") or (str(tmp_path) in one and "\n" not in one) for one in said)


def test_names_are_not_believed_and_links_that_lead_nowhere_are_refused(tmp_path: Path) -> None:
    (tmp_path / "loop.png").symlink_to(tmp_path / "loop.png")
    (tmp_path / "gone.png").symlink_to(tmp_path / "nowhere.png")
    (tmp_path / "folder.png").mkdir()
    (tmp_path / "empty.png").write_bytes(b"")
    os.mkfifo(tmp_path / "pipe.png")
    with (tmp_path / "huge.png").open("wb") as huge:
        huge.truncate(5 << 30)
    with (tmp_path / "large.png").open("wb") as large:
        large.write(b"\x89PNG\r\n\x1a\n")
        large.truncate(600 << 20)
    for name, words in (
        ("loop.png", "cannot be opened"),
        ("gone.png", "no file"),
        ("folder.png", "not a file|cannot be opened"),
        ("empty.png", "empty"),
        ("pipe.png", "not a file"),
        ("huge.png", "5120 MiB; at most 4096"),
        ("large.png", "picture .* has 600 MiB; at most 512"),
    ):
        with pytest.raises(ExampleError, match=words):
            MediaExample.of(str(tmp_path / name)).guess_kind()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("hello, this is no picture\n", "holds text"),
        ("#EXTM3U\n#EXTINF:1,\nsegment.ts\n", "playlist"),
        ("[playlist]\nFile1=song.mp3\n", "playlist"),
        ("ffconcat version 1.0\nfile 'secret.mp4'\n", "list of files"),
        ('<?xml version="1.0"?>\n<svg xmlns="x"><image href="file:///secret"/></svg>', "SVG"),
        ('<?xml version="1.0"?><MPD></MPD>', "playlist"),
        ("%PDF-1.7\n", "PDF"),
        ("%!PS-Adobe\n(run) run\n", "PostScript"),
        ("http://example.org/film.mp4", "holds text"),
    ],
)
def test_what_could_make_a_decoder_open_something_else_is_refused(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "picture.png"
    path.write_text(text)
    with pytest.raises(ExampleError, match=words):
        MediaExample.of(str(path)).guess_kind()


@pytest.mark.parametrize("name", ["http://example.org/a.mp4", "concat:a.mp4|b.mp4", "rtsp://example.org/a"])
def test_addresses_are_only_names_of_files_that_are_not_there(name: str) -> None:
    with pytest.raises(ExampleError, match=r"no file|cannot be opened"):
        MediaExample.of(name).guess_kind()


def test_an_example_says_its_kind_and_its_part() -> None:
    assert MediaExample.of("a.wav") == MediaExample("a.wav")
    assert MediaExample.of("audio:a b.mp4#t=1.5") == MediaExample("a b.mp4", "audio", (1.5, None))
    assert MediaExample.of("video:/x/a#t=3,8") == MediaExample("/x/a", "video", (3.0, 8.0))
    assert MediaExample.of("image:a#t=,8") == MediaExample("a", "image", (0.0, 8.0))
    assert MediaExample.of("C:\\a.wav#1") == MediaExample("C:\\a.wav#1")
    for text in ("a.wav", "audio:a b.mp4#t=1.5", "video:/x/a#t=3,8", "image:a#t=0,8"):
        assert MediaExample.of(text).text() == text


@pytest.mark.parametrize("text", ["", "audio:", "a.wav#t=8,3", "a\0b"])
def test_an_example_that_names_nothing_is_refused(text: str) -> None:
    with pytest.raises(RequestError):
        MediaExample.of(text)
