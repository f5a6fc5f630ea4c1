"""What is asked for is what is done: edges of regions, prompts without words, examples that stand for words."""

import dataclasses
import json

import numpy as np
import pytest

from engine.checks import check_region, check_values
from engine.cli.commands import _lines
from engine.errors import RequestError
from engine.events import Done, StemResult
from engine.media.reference import MediaExample, examples_of
from engine.request import Request
from engine.tasks import rule_of
from engine.text.grammar import Grammar
from engine.text.intent import understand

REPLACE = Request(task="replace", prompts=("bass",), input="mix.wav", replacement="oud", examples=("x.wav",))


def test_every_region_of_a_hundredth_of_a_second_is_long_enough():
    for hundredth in range(1000):
        check_region((hundredth / 100, (hundredth + 1) / 100))
    with pytest.raises(RequestError, match=r"at least 0\.01 s after"):
        check_region((1.0, 1.009))


@pytest.mark.parametrize("rate_hz", [8_000, 11_025, 44_100])
def test_what_a_region_came_to_in_samples_can_be_asked_for_again(rate_hz):
    for start in np.linspace(0.0, 1.0, 997):
        first, last = round(start * rate_hz), round((start + 0.01) * rate_hz)
        check_region((first / rate_hz, last / rate_hz))


@pytest.mark.parametrize("prompt", ["...", "!", "?!", "- -", "\u201c\u201d", "\u3002"])
def test_a_prompt_of_punctuation_alone_is_refused(prompt):
    with pytest.raises(RequestError, match="the prompt is empty"):
        check_values(Request(task="isolate", prompts=(prompt,), input="mix.wav"))


@pytest.mark.parametrize("prompt", ["808", "♫", "C#", "琴", "a."])
def test_a_letter_a_number_or_a_symbol_is_a_prompt(prompt):
    check_values(Request(task="isolate", prompts=(prompt,), input="mix.wav"))


def test_replace_needs_words_for_what_is_taken_out():
    with pytest.raises(RequestError, match="needs to know what to take out"):
        check_values(dataclasses.replace(REPLACE, prompts=()))


def test_examples_of_replace_that_stand_for_words_are_heard_whatever_their_weight():
    silent = dataclasses.replace(REPLACE, example_weight=0.0)
    assert list(examples_of(silent)) == []
    assert list(examples_of(dataclasses.replace(silent, replacement=""))) == [MediaExample("x.wav")]


def test_many_regions_in_one_file_are_one_answer():
    regions_s = tuple((at / 10, at / 10 + 0.02) for at in range(64))
    asked = {"task": "restyle", "prompts": ("bass",), "input": "mix.wav", "regions_s": regions_s}
    check_values(Request(**asked, candidates=5))
    with pytest.raises(RequestError, match="320 answers"):
        check_values(Request(**(asked | {"task": "isolate"}), candidates=5, start="noise"))


@pytest.mark.parametrize("start_s", [0.0, 0.00005, 1e-9, 12.5, 1e12, 123456.789])
def test_an_example_is_written_as_it_is_read(start_s):
    for end_s in (None, start_s + 2.0):
        example = MediaExample("x.wav", "audio", (start_s, end_s))
        assert MediaExample.of(example.text()).part_s == (start_s, end_s)


WORDINGS = (("everything except the {x}", "remove"), ("no {x}", "remove"), ("the {x}, not the {y}", "isolate"))


def grammar() -> Grammar:
    wordings = [{"say": say, "task": task, "language": "en"} for say, task in WORDINGS]
    return Grammar.read(json.dumps({"wordings": wordings, "nouns": {}, "articles": ["the"]}).encode(), "asks.json")


@pytest.mark.parametrize(
    ("prompt", "task"),
    [
        ("everything except everything except the drums", "isolate"),
        ("everything except the drums", "remove"),
        ("no no drums", "remove"),
        ("the cello, not the violin", "isolate"),
    ],
)
@pytest.mark.parametrize("asked", ["isolate", "remove"])
def test_what_was_sent_on_once_stays_as_it_is(prompt, task, asked):
    wordings = grammar()
    once, intents = understand(Request(task=asked, prompts=(prompt,), input="mix.wav"), wordings)
    again, intents_again = understand(once, wordings)
    assert again == once
    for text, intent in intents.items():
        assert (intents_again[text].task, intents_again[text].english) == (intent.task, intent.english)
    assert set(once.prompts) <= set(intents)
    if asked == "isolate":
        assert once.task == intents[once.prompts[0]].task == task


def told(task: str, level_db: float | None, mix: str | None = None) -> str:
    result = StemResult(
        prompt="bass", stem="a.wav", rest="b.wav", sidecar="a.json", null_db=-300.0, presence=0.0, gain_db=0.0,
        level_db=level_db, mix=mix, similarity=0.2,
    )  # fmt: skip
    return "\n".join(_lines(Done("job", (result,), 1.0, "cpu", "toy"), rule_of(task)))


def test_replace_says_what_is_about_the_old_sound_and_what_about_the_new():
    said = told("replace", -3.0, "mix.wav")
    assert "-3.0 dB against the mix, the new stem" in said
    assert "the old sound seems not to be there" in said
    assert "0.20 of the new stem to its prompt" in said


def test_silence_is_told_as_not_there_and_made_sound_as_faint():
    said = {task: told(task, level_db=None) for task in ("isolate", "remove", "generate")}
    assert "seems not to be there" in said["isolate"]
    assert "seems not to be there" in said["remove"]
    assert "made it very quiet" in said["generate"]
