"""Names of results: safe on every file system, shaped as asked, different from each other, no ending twice."""

import pytest

from engine.audio.file_names import NAME_FIELDS, ResultName, check_template, region_words, result_names
from engine.errors import RequestError

VOCALS = (ResultName("vocals"), ResultName("vocals", "rest"))


@pytest.mark.parametrize("prompt", ["../../etc/passwd", "a/b\\c:d*?", "x" * 500, "…", "\x07bell", ". .", "🎻" * 100])
def test_names_are_safe_whatever_the_prompt(prompt):
    names = result_names("", {"mix": "mix " + "é" * 200}, [ResultName(prompt), ResultName(prompt, "rest")], ".wav")
    assert len(set(names)) == 2
    for name in names:
        assert len(name.encode()) < 240
        assert not set(name) & set('/\\:*?"<>|\x07')
        assert name.endswith(".wav")


@pytest.mark.parametrize(
    ("template", "values", "names"),
    [
        ("", {"mix": "song"}, ["song - vocals.wav", "song - vocals rest.wav"]),
        ("", {"mix": "song", "region": "1-2.5s"}, ["song - vocals 1-2.5s.wav", "song - vocals 1-2.5s rest.wav"]),
        ("{stem} of {mix}", {"mix": "song"}, ["vocals of song.wav", "vocals of song rest.wav"]),
        ("{region} {stem}", {"mix": "song", "region": "0-1s"}, ["0-1s vocals.wav", "0-1s vocals rest.wav"]),
        ("take {n}", {"n": 3}, ["take 3.wav", "take 3 rest.wav"]),
        ("{task} {part}", {"task": "isolate"}, ["isolate.wav", "isolate rest.wav"]),
        ("{mix}", {"mix": "three.wav"}, ["three.wav", "three rest.wav"]),
        ("{mix}.WAV.mp3", {"mix": "a"}, ["a.wav", "a rest.wav"]),
        ("{mix}", {"mix": "CON"}, ["_CON.wav", "CON rest.wav"]),
        ("{mix}", {"mix": "trail . "}, ["trail.wav", "trail rest.wav"]),
    ],
)  # fmt: skip
def test_a_template_shapes_the_names(template, values, names):
    assert result_names(template, values, VOCALS, ".wav") == names


def test_files_of_one_result_never_share_a_name():
    same = [ResultName("drums"), ResultName("drums")]
    assert len(set(result_names("{mix}", {"mix": "a"}, same, ".wav"))) == 2


@pytest.mark.parametrize("template", ["{mix} {year}", "{mix", "{mix!r}", "{n:03}", "a/b", "a\\b", "x" * 101, "..."])
def test_what_cannot_be_a_name_is_refused_in_one_sentence(template):
    with pytest.raises(RequestError) as refused:
        check_template(template)
    assert "\n" not in str(refused.value)


def test_every_field_can_be_named():
    check_template(" ".join(f"{{{field}}}" for field in NAME_FIELDS))


def test_regions_are_told_without_needless_zeros():
    assert region_words(12.5, 20.0) == "12.5-20s"
