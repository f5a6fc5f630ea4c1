"""Pictures, videos and sounds as prompts, from file to file on real graphs with known answers."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from clihelp import read, say, write_music
from PIL import Image
from showfiles import plain, write_animation, write_video
from toybundle import OTHER_SHARE, SENSES, write_toy_bundle

from engine import TASKS, Request
from engine.errors import ExampleError, RequestError
from engine.provenance import rerun_request
from engine.text.embedding import cosine_similarity, mean_direction

RATE_HZ = 16_000
WINDOW_S = 4096 / RATE_HZ
HALF_RED, BLACK = (128, 0, 0), (0, 0, 1)  # all black would be no picture
VIOLIN, BASS = 0.25, 0.5  # shares of the toy bundle
RED = 128 / 255


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_toy_bundle(tmp_path_factory.mktemp("bundles") / "sensing", senses=SENSES)


@pytest.fixture
def mix(tmp_path: Path) -> Path:
    return write_music(tmp_path / "mix.wav", seconds=8 * WINDOW_S)


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    Image.fromarray(plain(HALF_RED)).save(tmp_path / "half-red.png")
    return tmp_path / "half-red.png"


@pytest.fixture
def hum(tmp_path: Path) -> Path:
    """A sound whose brightness is a half: the share of the bass."""
    tone = 0.5 * np.sin(2 * np.arcsin(BASS / 2) * np.arange(RATE_HZ))
    soundfile.write(tmp_path / "hum.wav", tone, RATE_HZ, subtype="FLOAT")
    return tmp_path / "hum.wav"


@pytest.fixture
def film(tmp_path: Path) -> Path:
    """Nothing red for a second, then half red to the end of the mix."""
    frames = [plain(BLACK)] * 25 + [plain(HALF_RED)] * 30
    return write_video(tmp_path / "film.mp4", frames)


@pytest.fixture
def share(run: Callable[..., Any], mix: Path, bundle: Path) -> Callable[..., np.ndarray]:
    """``share(...)``: how much of the mix is in the stem, second by second in sixteenths."""

    def of(**asked: Any) -> np.ndarray:
        given = {"input": mix, "bundle": str(bundle), "render": "decoded"} | asked
        [result] = run(**given).results
        stem, whole = read(result.stem)[:, 0], read(mix)[:, 0]
        blocks = len(whole) // 1000
        stem, whole = (x[: 1000 * blocks].reshape(blocks, 1000) for x in (stem, whole))
        return (stem * whole).sum(axis=1) / (whole * whole).sum(axis=1)

    return of


def between(shares: tuple[float, ...], weights: tuple[float, ...] | None = None) -> float:
    """The share a blend of directions (share, 1) stands for."""
    blend = mean_direction(np.array([[share, 1.0] for share in shares], np.float32), weights)
    return float(blend[0] / blend[1])


def test_a_sound_says_what_to_look_for(share, hum):
    np.testing.assert_allclose(share(prompts=(), examples=(str(hum),)), BASS, atol=0.01)


def test_words_and_sounds_are_blended_by_weight(share, hum):
    for weight in (0.25, 0.5, 1.0):
        expected = between((VIOLIN, BASS), (1 - weight, weight))
        found = share(prompts=("violin",), examples=(str(hum),), example_weight=weight)
        np.testing.assert_allclose(found, expected, atol=0.01)


def test_a_weight_of_zero_is_the_words_alone_bit_for_bit(run, mix, bundle, hum):
    asked = {"input": mix, "bundle": str(bundle), "prompts": ("violin",)}
    [alone] = run(**asked).results
    [heard] = run(**asked, examples=(str(hum),), example_weight=0.0).results
    np.testing.assert_array_equal(read(alone.stem), read(heard.stem))


def test_a_picture_says_what_to_look_for_and_is_seen_all_the_time(share, picture):
    found = share(prompts=(), examples=(str(picture),))
    np.testing.assert_allclose(found, RED * (1 + RED), atol=0.01)


def test_a_video_is_seen_on_the_time_line_of_the_input(share, film):
    found = share(prompts=("violin",), examples=(str(film),), example_weight=1e-9)
    second = RATE_HZ // 1000
    np.testing.assert_allclose(found[: second - 2], VIOLIN, atol=0.01)
    np.testing.assert_allclose(found[second + 2 :], VIOLIN * (1 + RED), atol=0.01)


def test_a_region_sees_its_own_part_of_the_video(share, film, run, mix, bundle):
    asked = {"input": mix, "bundle": str(bundle), "render": "decoded", "prompts": ("violin",), "example_weight": 1e-9}
    [result] = run(**asked, examples=(str(film),), region_s=(1.25, 1.75)).results
    stem, whole = read(result.stem)[:, 0], read(mix)[20_000:28_000, 0]
    assert (stem @ whole) / (whole @ whole) == pytest.approx(VIOLIN * (1 + RED), abs=0.01)


def test_an_animation_that_loops_is_seen_again_and_again(share, tmp_path):
    frames = [plain(BLACK), plain(HALF_RED)]
    looping = write_animation(tmp_path / "loop.gif", frames, shown_ms=250, loop=0)
    found = share(prompts=("violin",), examples=(str(looping),), example_weight=1e-9)
    for sixteenth in range(1, len(found), 4):  # the middle of what is shown for four of them
        expected = VIOLIN * (1 + (RED if sixteenth % 8 > 4 else 0))
        assert found[sixteenth] == pytest.approx(expected, abs=0.01), sixteenth


def test_several_examples_are_blended(share, hum, picture):
    found = share(prompts=(), examples=(str(hum), str(picture)))
    np.testing.assert_allclose(found, between((BASS, RED)) * (1 + RED), atol=0.01)


COMBINATIONS = (("text",), ("image",), ("audio",), ("text", "image"), ("text", "audio"), ("image", "audio"),
                ("text", "video"), ("video", "audio"), ("text", "image", "video", "audio"))  # fmt: skip


@pytest.mark.parametrize(("task", "given"), list(zip(TASKS, COMBINATIONS, strict=True)), ids=lambda value: str(value))
def test_every_task_takes_any_combination(task, given, run, mix, bundle, hum, picture, film):
    files = {"image": f"image:{picture}", "video": f"video:{film}", "audio": f"audio:{hum}"}
    asked = {
        "prompts": ("violin",) if "text" in given or task == "replace" else (),
        "examples": tuple(files[kind] for kind in given if kind in files),
        "input": mix if TASKS[task].input_slot is not None else None,
        "bundle": str(bundle),
    }
    asked |= {"seconds": 0.3} if TASKS[task].makes_s is not None else {}
    asked |= {"region_s": (0.5, 0.9)} if task in ("inpaint", "restyle", "replace") else {}
    results = run(task=task, **asked).results
    assert all(np.isfinite(read(result.stem)).all() and result.similarity is not None for result in results)


@pytest.mark.parametrize(
    ("senses", "kind", "words"),
    [
        ((), "picture", "takes no pictures as examples, so half-red.png cannot be used; it takes words"),
        ((), "hum", "takes no sounds as examples, so hum.wav cannot be used; it takes words"),
        (("audio",), "film", "takes no videos.* film.mp4 cannot be used; it takes words and sounds"),
        (("scene",), "hum", "takes no sounds .* it takes words, pictures and videos"),
    ],
)
def test_a_bundle_says_what_it_can_take(senses, kind, words, run, mix, tmp_path, request):
    example = request.getfixturevalue(kind)
    poor = write_toy_bundle(tmp_path / "poor", senses=senses)
    with pytest.raises(ExampleError, match=words):
        run(input=mix, bundle=str(poor), examples=(str(example),))
    assert not (tmp_path / "out").exists()


def test_a_video_can_be_heard_by_a_bundle_that_cannot_see(run, mix, tmp_path):
    loud = write_video(tmp_path / "loud.mp4", [plain(HALF_RED)] * 10, sound_hz=44_100)
    ear = write_toy_bundle(tmp_path / "ear", senses=("audio",))
    [result] = run(input=mix, bundle=str(ear), prompts=(), examples=(f"audio:{loud}",)).results
    assert result.similarity is not None


def test_a_damaged_example_leaves_nothing_behind(run, mix, bundle, tmp_path):
    (tmp_path / "half.png").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(50))
    with pytest.raises(ExampleError, match=r"half\.png is a damaged picture|half\.png is no picture"):
        run(input=mix, bundle=str(bundle), examples=(str(tmp_path / "half.png"),))
    assert not (tmp_path / "out").exists()


def test_a_black_picture_alone_asks_for_nothing(run, mix, bundle, tmp_path):
    Image.fromarray(plain((0, 0, 0))).save(tmp_path / "black.png")
    with pytest.raises(ExampleError, match="nothing but black"):
        run(input=mix, bundle=str(bundle), prompts=(), examples=(str(tmp_path / "black.png"),))


def test_a_story_of_many_sentences_is_heard_as_a_whole(share, tmp_path):
    story = "The bass walks through the rain. " + "Then somebody plays the violin for a long while. " * 25
    assert len(story.split()) > 200
    np.testing.assert_allclose(share(prompts=(story,)), (BASS + 6 * 0.25) / 7, atol=0.01)  # its first piece decides


def test_wordings_are_sent_to_the_task_they_ask_for(run, mix, bundle):
    for task, prompt, done, phrase, share in (
        ("isolate", "everything except the drums", "remove", "drums", 0.75),
        ("isolate", "no drums", "remove", "drums", 0.75),
        ("isolate", "alles außer Schlagzeug", "remove", "Schlagzeug", 0.75),
        ("remove", "everything except the drums", "isolate", "drums", 0.75),
        ("isolate", "only the drums", "isolate", "only the drums", (0.75 + 2 * OTHER_SHARE) / 3),
    ):
        [result] = run(task=task, prompts=(prompt,), input=mix, bundle=str(bundle)).results
        assert (result.task, result.prompt) == (done, phrase), prompt
        kept = read(result.rest)[:, 0] @ read(mix)[:, 0] / (read(mix)[:, 0] @ read(mix)[:, 0])
        assert kept == pytest.approx(1 - share, abs=0.02), prompt


def test_what_is_not_meant_is_said_of_the_rest(run, mix, bundle):
    [result] = run(prompts=("the violin, not the bass",), input=mix, bundle=str(bundle)).results
    asked = rerun_request(result.sidecar)
    assert (asked.task, asked.prompts, asked.rest_prompt) == ("isolate", ("violin",), "bass")


def test_one_call_answers_a_prompt_for_a_stem_and_one_for_the_mix_without_another(run, mix, bundle):
    without, alone = run(prompts=("no drums", "only the bass"), input=mix, bundle=str(bundle)).results
    assert [Path(one).exists() for one in (without.rest, alone.stem)] == [True, True]
    assert (without.prompt, alone.prompt) == ("drums", "only the bass")


def test_likeness_is_the_cosine_and_says_nothing_of_nothing():
    vectors = np.array([[2.0, 0.0], [0.0, 3.0], [-1.0, 0.0], [0.0, 0.0]], np.float32)
    np.testing.assert_allclose(cosine_similarity(vectors, np.array([5.0, 0.0], np.float32)), [1, 0, -1, 0], atol=1e-6)
    assert not mean_direction(vectors[[0, 2]]).any()


def test_the_shell_takes_examples_and_a_rerun_checks_them(engine, bundle, mix, hum, picture, tmp_path, capsys):
    command = ["isolate", mix, "--prompt-text", "violin", "--prompt-audio", hum, "--prompt-image", picture]
    said = say(capsys, engine, [*command, "--bundle", bundle, "--out", tmp_path / "out", "--json"])
    assert said.code == 0, said.err
    sidecar = Path(said.json["sidecar"])
    data = json.loads(sidecar.read_text())
    assert data["examples"] == [f"audio:{hum}", f"image:{picture}"]
    again = say(capsys, engine, ["rerun", sidecar, "--out", tmp_path / "again", "--json"])
    assert again.code == 0, again.err
    np.testing.assert_array_equal(read(said.json["stem"]), read(again.json["stem"]))
    Image.fromarray(plain(BLACK)).save(picture)
    with pytest.raises(RequestError, match=r"half-red\.png.* no longer the one"):
        rerun_request(sidecar)
    picture.unlink()
    with pytest.raises(RequestError, match=r"half-red\.png.* is gone"):
        rerun_request(sidecar)


class Recorder:
    """An engine that only writes down what it is asked."""

    def __init__(self) -> None:
        self.requests: list[Request] = []

    def submit(self, request: Request, look: bool = False) -> str:
        self.requests.append(request)
        raise RequestError("written down")


@pytest.mark.parametrize("task", TASKS)
def test_every_task_has_the_flags(task, toy_bundle, mix, hum, picture, film, capsys):
    recorder = Recorder()
    words = [task, *([mix] if TASKS[task].input_slot is not None else []), "--bundle", toy_bundle]
    words += ["--region", "0.2-0.6"] if task == "inpaint" else []
    words += ["--with", "bass"] if task == "replace" else []
    flags = ["--prompt-text", "a", "--prompt-image", picture, "--prompt-video", film]
    flags += ["--prompt-audio", f"{hum}#t=0.1,0.5"]
    said = say(capsys, recorder, [*words, *flags, "--prompt-text", "b", "--example-weight", 0.7])
    assert "written down" in said.err
    [request] = recorder.requests
    assert request.prompts == ("a", "b")
    assert request.examples == (f"image:{picture}", f"video:{film}", f"audio:{hum}#t=0.1,0.5")
    assert request.example_weight == 0.7


def test_a_picture_of_the_new_sound_changes_nothing_of_what_is_taken_out(run, mix, bundle, picture):
    asked = {"task": "replace", "prompts": ("violin",), "replacement": "bass", "input": mix, "bundle": str(bundle)}
    [plainly] = run(**asked).results
    [shown] = run(**asked, examples=(str(picture),)).results
    np.testing.assert_array_equal(read(shown.rest), read(plainly.rest))
