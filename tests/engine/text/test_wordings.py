"""What people type is understood, or it is said that it is not: hundreds of wordings, and what each means."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from engine.bundle.bundle import load_bundle
from engine.errors import RequestError
from engine.request import Request
from engine.stem_sets import remainder_name, with_set_prompts
from engine.tasks import TASKS
from engine.text.grammar import Grammar
from engine.text.intent import Intent, load_grammar, understand

TABLE = Path(__file__).with_name("wordings.txt")
ROWS = [
    re.split(r"\s{2,}(?=\S+(?: \S+)*$)", line.rstrip(), maxsplit=1)
    for line in TABLE.read_text("utf-8").splitlines()
    if line and not line.startswith("#")
]


@pytest.fixture(scope="module")
def grammar(small_bundle) -> Grammar:
    found = load_grammar(load_bundle(small_bundle))
    assert found is not None
    return found


def asked(grammar: Grammar, task: str, *prompts: str, **more: object) -> tuple[Request, list[Intent]]:
    request, intents = understand(Request(task=task, prompts=prompts, input="mix.wav", **more), grammar)
    return request, [intents[prompt] for prompt in request.prompts]


def in_short(grammar: Grammar, task: str, *prompts: str) -> str:
    """What prompts mean, as the table writes it."""
    try:
        _, intents = asked(grammar, task, *prompts)
    except RequestError as error:
        return "=" if "is the mix itself" in str(error) else "?" if "is not understood" in str(error) else str(error)
    return " | ".join(
        "-" * one.complement + " + ".join(one.terms or (one.target,)) + (f" !{one.excluded}" if one.excluded else "")
        for one in intents
    )


def test_what_is_made_keeps_the_name_that_is_taken_out_by_another(grammar):
    for prompt, taken_out in (("drum machine", "electronic drums"), ("rhythm section", "drums and bass")):
        assert asked(grammar, "generate", prompt)[0].prompts == (prompt,)
        assert asked(grammar, "remove", prompt)[0].prompts == (taken_out,)
    assert asked(grammar, "generate", "egtr")[0].prompts == ("electric guitar",)


def test_the_table_is_as_long_as_it_should_be():
    assert len(ROWS) >= 93 + 200
    assert all(len(row) == 2 for row in ROWS)


@pytest.mark.parametrize(("prompt", "meant"), ROWS, ids=[row[0].strip() for row in ROWS])
def test_a_wording_is_understood(grammar, prompt, meant):
    assert in_short(grammar, "isolate", prompt) == meant


@pytest.mark.parametrize(
    ("prompt", "said"),
    [
        ("vocals", "vocals"),
        ("Vocals!", "vocals"),
        ("Gesang", "vocals (Gesang)"),
        ("voilin", "violin (voilin -> violin)"),
        ("Schlagzeig", "drums (Schlagzeig -> Schlagzeug)"),
        ("🎤", "vocals (🎤)"),
        ("karaoke", "the mix without vocals (karaoke)"),
        ("guitar, but not the bass", "guitar, not bass (guitar, but not the bass)"),
        ("everything but drums and bass", "the mix without drums and bass (everything but drums and bass)"),
        ("slow ballad", "slow ballad"),
        ("a lonely cello " + "in the rain " * 12, "cello (" + ("a lonely cello " + "in the rain " * 12)[:77] + "...)"),
    ],
)
def test_what_was_understood_is_told(grammar, prompt, said):
    [intent] = asked(grammar, "isolate", prompt)[1]
    assert intent.understood == said


def test_punctuation_and_case_change_nothing_that_is_heard(grammar):
    for group in (
        ("bass", "bass.", "bass!!", "BASS", '"bass"', " Bass "),
        ("die Geige", "Die Geige!"),
        ("🥁", "drums"),
    ):
        assert len({asked(grammar, "isolate", prompt)[1][0].english for prompt in group}) == 1


@pytest.mark.parametrize(
    ("prompts", "meant"),
    [
        (("drums", "bass"), "-drums + bass"),
        (("drums, bass",), "-drums + bass"),
        (("drums and bass",), "-drums + bass"),
        (("drums", "bass", "vocals"), "-drums + bass + vocals"),
        (("no drums",), "-drums"),
        (("instrumental",), "vocals"),
        (("acapella",), "-vocals"),
        (("everything but the drums",), "drums"),
        (("everything",), "="),
        (("drumless",), "-drums"),
    ],
)
def test_remove_gives_the_one_mix_that_lacks_all_of_its_prompts(grammar, prompts, meant):
    assert in_short(grammar, "remove", *prompts) == meant


@pytest.mark.parametrize(
    ("prompts", "meant"),
    [
        (("vocals", "instrumental"), "vocals"),
        (("vocals", "drums", "other"), "vocals | drums"),
        (("vocals, drums, the rest",), "vocals | drums"),
    ],
)
def test_what_the_other_prompts_leave_comes_with_them(grammar, prompts, meant):
    request, _ = asked(grammar, "isolate", *prompts)
    assert request.adds_up
    assert in_short(grammar, "isolate", *prompts) == meant


@pytest.mark.parametrize(
    ("prompts", "name"),
    [
        (("vocals", "instrumental"), "instrumental"),
        (("vocals and karaoke",), "instrumental"),
        (("Gesang", "instrumental"), "other"),
        (("vocals", "the rest"), "other"),
    ],
)
def test_the_remainder_is_called_as_it_was_asked_for(grammar, prompts, name):
    request, _ = asked(grammar, "isolate", *prompts)
    assert remainder_name(request.stems, request.prompts) == name
    again, _ = understand(replace(request, prompts=with_set_prompts(request.stems, request.prompts)), grammar)
    assert again == request


@pytest.mark.parametrize(
    ("task", "prompts", "meant"),
    [
        ("isolate", ("bass", "no drums"), ["bass", "-drums"]),
        ("isolate", ("drumless", "vocals", "everything but the bass"), ["-drums", "vocals", "-bass"]),
        ("isolate", ("drums", "bass", "no drums"), ["drums", "bass"]),  # the rest of the drums is what was asked for
        ("isolate", ("karaoke", "everything but drums", "acapella"), ["-drums", "vocals"]),
        ("remove", ("drums", "bass", "everything except the vocals"), ["-drums and bass", "vocals"]),
    ],
)
def test_something_alone_and_something_left_out_go_in_one_call(grammar, task, prompts, meant):
    request, intents = asked(grammar, task, *prompts)
    assert request.task == "isolate"
    assert [f"{'-' * one.complement}{one.target.removeprefix('the ')}" for one in intents] == meant
    assert [one.task for one in intents] == ["remove" if one.complement else "isolate" for one in intents]


def test_a_mix_that_comes_as_the_rest_of_a_stem_is_told_with_it(grammar):
    _, [drums, bass] = asked(grammar, "isolate", "drums", "bass", "no drums")
    assert (drums.understood, bass.understood) == ("drums (drums, no drums)", "bass")


def test_stems_that_add_up_leave_nothing_out(grammar):
    with pytest.raises(RequestError, match="ask for them in two calls"):
        asked(grammar, "isolate", "bass", "no drums", "the rest")


@pytest.mark.parametrize(
    ("prompt", "near"),
    [("sacksophone", "saxophone"), ("asdfgh", "vocals, drums, bass, guitar or piano"), ("chair", "choir")],
)
@pytest.mark.parametrize("task", sorted(TASKS))
def test_nonsense_is_refused_with_what_comes_near(grammar, task, prompt, near):
    more = {"replacement": "violin"} if task == "replace" else {}
    with pytest.raises(RequestError, match=rf"^'{prompt}' is not understood.*{near}.*--literal"):
        asked(grammar, task, prompt, **more)


def test_what_is_put_in_place_is_understood_too(grammar):
    request, _ = asked(grammar, "replace", "drums", replacement="trumpt")
    assert request.replacement == "trumpet"
    with pytest.raises(RequestError, match="'qwertz' is not understood"):
        asked(grammar, "replace", "drums", replacement="qwertz")


@pytest.mark.parametrize("prompt", ["asdfgh", "voilin", "everything", "drums, bass", "bass!!", "no drums"])
def test_literal_words_are_taken_as_they_are(grammar, prompt):
    request, [intent] = asked(grammar, "isolate", prompt, literal=True)
    assert (request.task, request.prompts, intent.english, intent.understood) == ("isolate", (prompt,), prompt, "")


def test_a_bundle_that_lists_few_names_refuses_nothing():
    few = Grammar([], {"de": {"Geige": "violin"}}, (), ["violin"])
    assert asked(few, "isolate", "asdfgh")[0].prompts == ("asdfgh",)


def test_understood_once_is_understood_for_good(grammar):
    for prompt, _ in ROWS:
        try:
            once, intents = asked(grammar, "isolate", prompt)
        except RequestError:
            continue
        again, same = understand(once, grammar)
        assert again == once, prompt
        assert [same[one.target].english for one in intents] == [one.english for one in intents]
