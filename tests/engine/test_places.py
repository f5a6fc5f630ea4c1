"""Places as users write them: seconds, minutes, samples; one parser for every way to ask."""

from __future__ import annotations

import pytest
import soundfile
from clihelp import music

from engine import AudioError, Place, RequestError, example_in_seconds, rate_of, region_in_seconds, region_of
from engine.audio.probe import rate_and_length
from engine.media.reference import MediaExample

RATE_HZ = 44_100


@pytest.fixture
def sound(tmp_path):
    path = tmp_path / "clip #t=1.wav"
    soundfile.write(path, music(0.5, RATE_HZ), RATE_HZ)
    return str(path)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("12.5", 12.5), ("12.", 12.0), (".5", 0.5), (" 1:05 ", 65.0), ("61:02.5", 3662.5), ("0", 0.0), ("4410smp", 0.1)],
)
def test_a_place_is_seconds_minutes_or_samples(text, seconds):
    assert Place.of(text).seconds(lambda: RATE_HZ) == seconds


@pytest.mark.parametrize("text", ["", "x", "-1", "1e3", "nan", "1:2:3", "1.5smp", "smp", "5 smp", "1:05smp", "٣"])
def test_what_is_no_place_is_refused_with_the_three_ways_to_say_one(text):
    with pytest.raises(RequestError, match=r"12\.5 or 1:05, or samples, as 480000smp"):
        Place.of(text)


def test_seconds_need_no_file(tmp_path):
    assert region_in_seconds(region_of("0:01 - 2.5"), str(tmp_path / "gone.wav")) == (1.0, 2.5)


def test_samples_are_those_of_the_file(sound):
    assert region_in_seconds(region_of("1001smp-1:00"), sound) == (1001 / RATE_HZ, 60.0)
    assert round(region_in_seconds(region_of("999999999999999smp-1:00"), sound)[0] * RATE_HZ) == 999_999_999_999_999


def test_of_many_places_in_a_file_its_rate_is_asked_for_once_until_it_changes(tmp_path, monkeypatch):
    """Of a kind whose rate only another process tells."""
    path, asked = tmp_path / "clip.aiff", []
    monkeypatch.setattr("engine.places.rate_and_length", lambda path: asked.append(path) or rate_and_length(path))
    for rate_hz in (RATE_HZ, 48_000):
        soundfile.write(path, music(0.1 * rate_hz / RATE_HZ, RATE_HZ), rate_hz)
        regions = [region_in_seconds(region_of(f"{start}smp-{start + 1}smp"), str(path)) for start in range(50)]
        assert regions == [(start / rate_hz, (start + 1) / rate_hz) for start in range(50)]
    assert len(asked) == 2
    monkeypatch.setattr("engine.places.rate_and_length", lambda path: asked.append(path))
    soundfile.write(path, music(0.3, RATE_HZ), RATE_HZ)
    for _ in range(2):  # it was not told in time; that is not remembered
        with pytest.raises(RequestError, match="is not known"):
            rate_of(str(path))
    assert len(asked) == 4


def test_samples_of_no_file_and_of_one_without_a_rate_are_refused(tmp_path):
    film = tmp_path / "film.mp4"
    film.write_bytes(b"no header that says a rate")
    with pytest.raises(RequestError, match=r"film\.mp4 is not known.*in seconds"):
        rate_of(str(film))
    with pytest.raises(RequestError, match="which file"):
        rate_of(None)
    with pytest.raises(AudioError, match="there is no file"):
        rate_of(str(tmp_path / "gone.wav"))


@pytest.mark.parametrize(
    ("part", "part_s"),
    [
        ("#t=4410smp,8820smp", (0.1, 0.2)),
        ("#t=,8820smp", (0.0, 0.2)),
        ("#t=0:04,1:05.5", (4.0, 65.5)),
        ("#t=12,20", (12.0, 20.0)),
        ("#t=441smp", (0.01, None)),
        ("", (0.0, None)),
    ],
)
def test_the_part_of_an_example_may_be_in_samples_too(sound, part, part_s):
    for text, input in ((f"audio:{sound}{part}", None), (f"audio:same{part}", sound)):
        found = MediaExample.of(example_in_seconds(text, input))
        assert (found.part_s, found.path) == (part_s, "same" if input else sound)
