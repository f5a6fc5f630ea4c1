"""What a decoder makes of real files; it runs in this process here, ``test_sandbox.py`` runs it in its own."""

from __future__ import annotations

import importlib
import io
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from PIL import Image
from showfiles import BLUE, GREEN, RED, halves, plain, png_that_claims, write_animation, write_sound, write_video

from engine.media.audio import loudest_windows
from engine.media.decoder import DecodeSpec, decode, why_unusable
from engine.media.limits import PICTURE_LIMIT_PIXELS, SIDE_LIMIT_PX, SOUND_WINDOWS, UnusableFile

SIZE, TICKS_HZ, RATE_HZ, SAMPLES = 16, 32.0, 16_000, 1600
WHITE, BLACK = (255, 255, 255), (0, 0, 0)


class Shown:
    """What came out, taken apart."""

    def __init__(self, said: dict[str, Any], raw: bytes) -> None:
        self.said = said
        pictures = said.get("frames", 0) * SIZE * SIZE * 3
        self.frames = np.frombuffer(raw[:pictures], np.uint8).reshape(-1, SIZE, SIZE, 3)
        ticks = np.frombuffer(raw[pictures : pictures + 4 * said.get("ticks", 0)], np.int32)
        self.at_ticks = self.frames[ticks] if len(ticks) else self.frames
        heard = raw if said["kind"] == "audio" else b""
        self.windows = np.frombuffer(heard, np.float32).reshape(-1, SAMPLES)


def show(path: Path, **asked: Any) -> Shown:
    usual = {"kind": None, "part_s": (0.0, None), "length_s": None, "size_px": SIZE, "ticks_hz": TICKS_HZ}
    wanted = DecodeSpec(**(usual | {"rate_hz": RATE_HZ, "samples": SAMPLES, "limit_s": 60.0} | asked))
    result = io.BytesIO()
    with path.open("rb") as file:
        said = decode(file, wanted, result)
    return Shown(said, result.getvalue())


def close_to(picture: np.ndarray, colour: tuple[int, int, int], by: int = 12) -> bool:
    return bool(np.abs(picture.reshape(-1, 3).mean(axis=0) - colour).max() < by)


@pytest.mark.parametrize("ending", ["png", "jpg", "gif", "webp", "bmp", "tiff", "ppm", "ico", "jp2", "avif"])
def test_pictures_of_every_usual_kind_are_read(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"picture.{ending}"
    Image.fromarray(halves(RED, BLUE)).save(path)
    shown = show(path)
    assert (shown.said["kind"], shown.said["frames"], shown.said["ticks"]) == ("image", 1, 1)
    assert close_to(shown.frames[0][:6], RED)
    assert close_to(shown.frames[0][-6:], BLUE)


def test_a_picture_is_turned_as_its_exif_says(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # shown a quarter turn clockwise
    Image.fromarray(halves(RED, BLUE)).save(tmp_path / "turned.jpg", exif=exif, quality=95)
    frame = show(tmp_path / "turned.jpg").frames[0]
    assert close_to(frame[:, -6:], RED, 30)
    assert close_to(frame[:, :6], BLUE, 30)


def test_what_is_transparent_is_white(tmp_path: Path) -> None:
    clear = np.dstack([halves(RED, BLUE), np.concatenate([np.full((16, 32), 255), np.zeros((16, 32))])])
    Image.fromarray(clear.astype(np.uint8), "RGBA").save(tmp_path / "clear.png")
    frame = show(tmp_path / "clear.png").frames[0]
    assert close_to(frame[:6], RED)
    assert close_to(frame[-6:], WHITE)


@pytest.mark.parametrize(
    ("name", "values", "mode", "expected"),
    [
        ("sixteen.png", np.full((32, 32), 32_768, np.uint16), "I;16", (128, 128, 128)),
        ("grey.png", np.full((32, 32), 200, np.uint8), "L", (200, 200, 200)),
        ("ink.jpg", np.zeros((32, 32, 4), np.uint8), "CMYK", (255, 255, 255)),
        ("fractions.tiff", np.full((32, 32), 0.5, np.float32), "F", (127, 127, 127)),
        ("bits.png", np.ones((32, 32), bool), "1", (255, 255, 255)),
    ],
)
def test_unusual_numbers_become_the_same_picture(
    tmp_path: Path, name: str, values: np.ndarray, mode: str, expected: tuple[int, int, int]
) -> None:
    image = Image.fromarray(values, "CMYK") if mode == "CMYK" else Image.fromarray(values)
    assert image.mode == mode
    image.save(tmp_path / name)
    assert close_to(show(tmp_path / name).frames[0], expected, 3)


def test_the_whole_of_a_wide_picture_is_kept_with_black_bars(tmp_path: Path) -> None:
    Image.fromarray(plain(RED, 64, 16)).save(tmp_path / "wide.png")
    frame = show(tmp_path / "wide.png").frames[0]
    assert close_to(frame[6:10], RED)
    assert close_to(frame[:6], BLACK)
    assert close_to(frame[10:], BLACK)


@pytest.mark.parametrize("ending", ["gif", "webp", "png"])
def test_an_animation_is_a_video(tmp_path: Path, ending: str) -> None:
    path = write_animation(tmp_path / f"moving.{ending}", [plain(RED), plain(GREEN), plain(BLUE)], shown_ms=500, loop=0)
    shown = show(path)
    assert (shown.said["kind"], shown.said["ticks"], shown.said["loops"]) == ("video", 48, True)
    for second, colour in ((0.25, RED), (0.75, GREEN), (1.25, BLUE)):
        assert close_to(shown.at_ticks[round(second * TICKS_HZ)], colour)
    assert close_to(show(path, kind="image").frames[0], RED)
    assert show(path, kind="image").said["kind"] == "image"


@pytest.mark.parametrize(
    ("name", "codec"), [("a.mp4", "libx264"), ("a.webm", "libvpx-vp9"), ("a.mkv", "libx264"), ("a.avi", "mpeg4")]
)
def test_videos_are_seen_at_the_right_time(tmp_path: Path, name: str, codec: str) -> None:
    frames = [plain(RED)] * 25 + [plain(BLUE)] * 25
    shown = show(write_video(tmp_path / name, frames, codec=codec))
    assert shown.said["kind"] == "video"
    assert abs(shown.said["ticks"] - 64) <= 2
    assert close_to(shown.at_ticks[30], RED)
    assert close_to(shown.at_ticks[34], BLUE)


def test_a_variable_frame_rate_keeps_its_own_times(tmp_path: Path) -> None:
    times = [0, 2, 60, 75]  # of 25 a second: 0, 0.08, 2.4 and 3.0 s
    path = write_video(tmp_path / "slides.mp4", [plain(c) for c in (RED, GREEN, BLUE, RED)], times=times)
    shown = show(path)
    for second, colour in ((0.0, RED), (0.2, GREEN), (2.2, GREEN), (2.6, BLUE), (3.0, RED)):
        assert close_to(shown.at_ticks[round(second * TICKS_HZ)], colour), second


def test_a_part_of_a_video_begins_where_it_says(tmp_path: Path) -> None:
    frames = [plain(RED)] * 50 + [plain(GREEN)] * 25 + [plain(BLUE)] * 25
    path = write_video(tmp_path / "long.mp4", frames)
    shown = show(path, part_s=(2.5, 3.5))
    assert shown.said["ticks"] == 32
    assert close_to(shown.at_ticks[4], GREEN)
    assert close_to(shown.at_ticks[28], BLUE)
    assert show(path, length_s=0.5).said["ticks"] == 16  # no more than is needed
    assert close_to(show(path, kind="image", part_s=(2.2, None)).frames[0], GREEN)
    with pytest.raises(UnusableFile, match="ends before 9 s"):
        show(path, part_s=(9.0, None))


@pytest.mark.parametrize(("degrees", "where"), [(90, np.s_[:, :5]), (-90, np.s_[:, -5:]), (180, np.s_[-5:])])
def test_a_video_is_turned_as_its_display_matrix_says(tmp_path: Path, degrees: float, where: Any) -> None:
    path = write_video(tmp_path / "phone.mp4", [halves(RED, BLUE)] * 10, turn_degrees=degrees)
    assert close_to(show(path).frames[0][where], RED, 30)


def test_sound_is_taken_from_files_and_from_videos(tmp_path: Path) -> None:
    film = write_video(tmp_path / "film.mp4", [plain(RED)] * 25, sound_hz=44_100)
    assert show(film).said["kind"] == "video"
    assert show(film, kind="audio").said == {"kind": "audio", "windows": SOUND_WINDOWS}
    for path in (
        write_sound(tmp_path / "song.m4a", "aac", 48_000),
        write_sound(tmp_path / "song.opus", "libopus", 48_000),
    ):
        assert show(path).said["kind"] == "audio"
        assert show(path).windows.std() > 0.05


def test_the_loudest_windows_of_a_sound_are_heard(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).uniform(-1, 1, 60 * RATE_HZ) * 1e-4
    noise[40 * RATE_HZ : 40 * RATE_HZ + 3 * SAMPLES] *= 5000
    soundfile.write(tmp_path / "rare.wav", noise, RATE_HZ, subtype="FLOAT")
    windows = show(tmp_path / "rare.wav").windows
    assert len(windows) == 3
    assert (windows.std(axis=1) > 0.2).all()
    quiet = show(tmp_path / "rare.wav", part_s=(10.0, 10.1)).windows
    assert quiet.shape == (1, SAMPLES)
    assert 0 < quiet.std() < 1e-3


def test_a_short_sound_is_repeated(tmp_path: Path) -> None:
    click = np.sin(np.arange(400) / 3) * 0.5
    soundfile.write(tmp_path / "click.wav", click, RATE_HZ, subtype="FLOAT")
    [window] = show(tmp_path / "click.wav").windows
    np.testing.assert_allclose(window, np.tile(click, 4), atol=1e-6)


def test_a_sound_without_an_end_is_not_listened_to_for_ever() -> None:
    endless = (np.ones(1000, np.float32) for _ in iter(int, 1))
    with pytest.raises(UnusableFile, match="longer than 1800 s; give a part"):
        loudest_windows(endless, samples=100, rate_hz=10)


def cut_short(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def jpeg(path: Path) -> None:
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (64, 64, 3), np.uint8)).save(path)


def bad_files(tmp_path: Path) -> dict[str, tuple[Path, dict[str, Any], str]]:
    jpeg(tmp_path / "half.jpg")
    cut_short(tmp_path / "half.jpg")
    (tmp_path / "wide.png").write_bytes(png_that_claims(60_000, 60_000))
    (tmp_path / "many.png").write_bytes(png_that_claims(SIDE_LIMIT_PX - 1, PICTURE_LIMIT_PIXELS // 1000))
    (tmp_path / "lie.png").write_bytes(png_that_claims(2000, 2000))
    (tmp_path / "junk.bin").write_bytes(np.random.default_rng(1).bytes(4000))
    cut_short(write_video(tmp_path / "half.mp4", [plain(RED)] * 25))
    soundfile.write(tmp_path / "tone.wav", np.full(8000, 0.1), RATE_HZ)
    soundfile.write(tmp_path / "silent.wav", np.zeros(8000), RATE_HZ)
    soundfile.write(tmp_path / "nan.wav", np.full(8000, np.nan), RATE_HZ, subtype="FLOAT")
    write_video(tmp_path / "mute.mp4", [plain(RED)] * 5)
    Image.fromarray(plain(RED)).save(tmp_path / "red.png")
    rows = {
        "half a JPEG": ("half.jpg", {}, "damaged picture"),
        "a bomb by its sides": ("wide.png", {}, "60000 x 60000 pixels; at most 100 million"),
        "a bomb by its area": ("many.png", {}, "at most 100 million"),
        "a head without a body": ("lie.png", {}, "damaged picture"),
        "noise": ("junk.bin", {}, "no picture, video or sound"),
        "half a video": ("half.mp4", {}, "no picture, video or sound"),
        "a sound as a video": ("tone.wav", {"kind": "video"}, "no picture"),
        "a sound as a picture": ("tone.wav", {"kind": "image"}, "no picture"),
        "silence": ("silent.wav", {}, "silent"),
        "no numbers": ("nan.wav", {}, "no numbers"),
        "a mute video as a sound": ("mute.mp4", {"kind": "audio"}, "holds no sound"),
        "a picture as a sound": ("red.png", {"kind": "audio"}, "holds no sound"),
    }
    return {name: (tmp_path / file, asked, words) for name, (file, asked, words) in rows.items()}


def test_what_cannot_be_used_is_refused_in_words(tmp_path: Path) -> None:
    for name, (path, asked, words) in bad_files(tmp_path).items():
        with pytest.raises(UnusableFile, match=words) as refused:
            show(path, **asked)
        assert len(str(refused.value)) < 200, name


def test_nothing_is_decoded_that_nobody_looks_at(tmp_path: Path) -> None:
    Image.fromarray(plain(RED)).save(tmp_path / "red.png")
    soundfile.write(tmp_path / "tone.wav", np.full(8000, 0.1), RATE_HZ)
    assert show(tmp_path / "red.png", size_px=0, ticks_hz=0.0).said["frames"] == 0
    assert show(tmp_path / "tone.wav", samples=0, rate_hz=0).said["windows"] == 0


@pytest.fixture
def no_pillow(monkeypatch):
    """As where only the base package is installed."""
    monkeypatch.setitem(sys.modules, "PIL", None)
    for name in ("engine.media.image", "engine.media.video", "engine.media.mix_decoder"):
        monkeypatch.delitem(sys.modules, name, raising=False)


def test_without_pillow_videos_and_sounds_are_read_and_pictures_ask_for_it(tmp_path: Path, no_pillow: None) -> None:
    video = write_video(tmp_path / "film.mp4", [plain(RED)] * 10, sound_hz=16_000)
    assert show(video).said["kind"] == "video"
    assert show(video, kind="audio").said["windows"] > 0
    sound = write_sound(tmp_path / "sound.m4a", "aac", 16_000)
    assert show(sound).said["kind"] == "audio"
    (tmp_path / "a.png").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(500))
    with pytest.raises(ImportError, match="PIL") as lacking:
        show(tmp_path / "a.png")
    why = why_unusable(lacking.value)
    assert (
        str(why) == "needs Pillow, which is not installed; install the extra examples: pip install 'fluxstem[examples]'"
    )


def test_without_pillow_the_sound_of_a_video_is_the_mix(tmp_path: Path, no_pillow: None) -> None:
    video = write_video(tmp_path / "film.mp4", [plain(RED)] * 10, sound_hz=16_000)
    write_mix = importlib.import_module("engine.media.mix_decoder").write_mix
    with video.open("rb") as file:
        assert write_mix(file, io.BytesIO())["rate_hz"] == 16_000


def test_another_package_that_is_lacking_is_named() -> None:
    assert str(why_unusable(ImportError("no", name="av.codec"))) == (
        "needs av, which is not installed; install it with pip"
    )
