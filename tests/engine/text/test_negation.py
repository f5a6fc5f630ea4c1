"""What a text says that it does not mean is not made, not taken out and not looked for, in five languages."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import soundfile
from toybundle import write_toy_bundle

from engine.bundle.bundle import load_bundle
from engine.errors import RequestError
from engine.request import Request
from engine.runtime.select import open_backend
from engine.tasks import TASKS
from engine.text.encoder import PROMPT_LIMIT_CHARACTERS, TextEncoder
from engine.text.grammar import Grammar
from engine.text.intent import Intent, load_grammar, understand

MAKING = sorted(set(TASKS) - {"isolate", "remove", "replace"})
REPLACE = Request(task="replace", prompts=("drums",), input="mix.wav", replacement="trumpet")


def meant_by(request: Request, grammar: Grammar) -> Request:
    """The request as its words mean it."""
    return understand(request, grammar)[0]


@pytest.fixture(scope="module")
def grammar(small_bundle) -> Grammar:
    found = load_grammar(load_bundle(small_bundle))
    assert found is not None
    return found


@pytest.fixture(scope="module")
def hear(small_bundle, grammar):
    """``hear(text, name, ...)``: how near a text is to each name, as the text encoder of the shipped bundle says it."""
    bundle = load_bundle(small_bundle)
    text, graphs = bundle.manifest.encoders["text"], bundle.manifest.graphs
    graph = open_backend("cpu").open(bundle.path(graphs[text.graph].file))
    encoder = TextEncoder(graph, bundle.path(text.tokenizer), text.max_tokens)

    def cosines(prompt: str, *names: str) -> list[float]:
        rows_RE = encoder.embed([Intent.of(text, grammar) for text in (prompt, *names)])
        rows_RE = rows_RE / np.linalg.norm(rows_RE, axis=1, keepdims=True)
        return [float(row_E @ rows_RE[0]) for row_E in rows_RE[1:]]

    return cosines


@pytest.mark.parametrize(
    ("prompt", "meant"),
    [
        ("drums, no cymbals", "drums"),
        ("Drums without cymbals", "Drums"),
        ("drums but no cymbals", "drums"),
        ("drums and no cymbals", "drums"),
        ("drums (no cymbals)", "drums"),
        ("jazz drums – no ride", "jazz drums"),
        ("drums, leave out the cymbals", "drums"),
        ("no vocals, acoustic guitar", "acoustic guitar"),
        ("no drums, just bass", "just bass"),
        ("not a piano but a cello", "a cello"),
        ("the cello, not the violin", "cello"),
        ("drums not wanted, piano", "piano"),
        ("no drums with piano", "piano"),
        ("make a piano, no pedal", "piano"),
        ("neither drums nor bass, a flute", "a flute"),
        ("Klavier ohne Pedal", "Klavier"),
        ("Schlagzeug, keine Becken", "Schlagzeug"),
        ("Bass statt Schlagzeug", "Bass"),
        ("batterie sans cymbales", "batterie"),
        ("batterie, pas de cymbales", "batterie"),
        ("batería sin platillos", "batería"),
        ("guitarra, no bajo", "guitarra"),
        ("ドラム、シンバルなし", "ドラム"),
        ("シンバルなしのドラム", "ドラム"),
        ("ピアノではなくチェロ", "チェロ"),
    ],
)
def test_what_is_not_meant_is_left_out_of_what_is_made(grammar, prompt, meant):
    for task in MAKING:
        once = meant_by(Request(task=task, prompts=(prompt, "oboe"), mix_prompt=prompt), grammar)
        assert (once.prompts, once.mix_prompt, once.rest_prompt) == ((meant, "oboe"), meant, "")
        assert meant_by(once, grammar) == once
    assert meant_by(dataclasses.replace(REPLACE, replacement=prompt), grammar).replacement == meant


@pytest.mark.parametrize(
    "prompt",
    [
        "electric guitar on the left",
        "make a piano",
        "nothing but drums",
        "strip everything except the drums",
        "quita todo menos la batería",
        "enlève tout sauf la batterie",
        "no-nonsense drum groove",
        "brushed drums, nothing else",
        "a sine wave bass",
        "nichts als Schlagzeug",
        "nicht nur Schlagzeug",
        "rien que la batterie",
        "nada más que batería",
        "ドラムだけ",
        "静かなバイオリン",
        "It was a rainy night, nobody spoke, and he did not know why he had come at all. " * 4,
    ],
)
def test_prompts_that_leave_nothing_out_stay_as_they_are(grammar, prompt):
    for task in MAKING:
        assert meant_by(Request(task=task, prompts=(prompt,)), grammar).prompts == (prompt,)


ONLY_UNWANTED = [
    "anything but a piano",
    "no drums",
    "no drums, cymbals or bass",
    "everything except the drums",
    "leave out the drums",
    "I don't want drums",
    "kein Schlagzeug",
    "alles außer dem Schlagzeug",
    "weder Geige noch Cello",
    "pas de batterie",
    "tout sauf la batterie",
    "sin batería",
    "todo menos la batería",
    "ドラムなし",
    "ドラム以外すべて",
    "There was no drum kit. " * 10,
]


@pytest.mark.parametrize("prompt", ONLY_UNWANTED)
def test_a_prompt_that_says_only_what_is_not_wanted_is_refused(grammar, prompt):
    for task in MAKING:
        for words in ({"prompts": (prompt,)}, {"prompts": ("oboe",), "rest_prompt": prompt}):
            with pytest.raises(
                RequestError, match=rf"^{task} makes .* says only what is not wanted; say what is wanted"
            ):
                meant_by(Request(task=task, **words), grammar)
    with pytest.raises(RequestError, match="says only what is not wanted"):
        meant_by(dataclasses.replace(REPLACE, replacement=prompt), grammar)


@pytest.mark.parametrize(
    "prompt",
    [
        "everything except the drums",
        "anything but the drums",
        "the mix without the drums",
        "remove everything but the drums",
        "alles außer dem Schlagzeug",
        "den ganzen Rest ohne Schlagzeug",
        "tout sauf la batterie",
        "todo menos la batería",
        "ドラム以外",
    ],
)
def test_replace_takes_no_complement_out(grammar, prompt):
    with pytest.raises(
        RequestError, match=r"^replace takes a named sound out .* names only what is to stay; name what"
    ):
        meant_by(dataclasses.replace(REPLACE, prompts=(prompt,)), grammar)


@pytest.mark.parametrize(
    ("prompt", "taken"),
    [
        ("drums, no cymbals", "drums"),
        ("the cello, not the violin", "cello"),
        ("no drums", "drums"),
        ("take the drums out", "drums"),
        ("Schlagzeug entfernen", "Schlagzeug"),
        ("the drums and the bass", "the drums and the bass"),
        ("only the drums", "only the drums"),
        ("all the guitars", "all the guitars"),
    ],
)
def test_replace_takes_out_what_is_named(grammar, prompt, taken):
    once = meant_by(dataclasses.replace(REPLACE, prompts=(prompt,)), grammar)
    assert once.prompts == (taken,)
    assert once.rest_prompt == ""


def test_without_wordings_every_prompt_is_taken_as_it_is():
    asked = Request(task="generate", prompts=("no drums",))
    found, intents = understand(asked, None)
    assert found is asked
    assert intents == {"no drums": Intent("generate", "no drums", english="no drums")}


def test_the_engine_makes_what_is_left(pipeline, tmp_path):
    bundle = write_toy_bundle(tmp_path / "heard", senses=("asks",))

    def made(prompt: str) -> np.ndarray:
        asked = Request(task="generate", prompts=(prompt,), seconds=0.5, bundle=str(bundle), out=str(tmp_path / "out"))
        [result] = pipeline.run(asked, lambda fraction, stage: None, lambda: None).results
        assert result.prompt == "drums"
        return soundfile.read(result.stem)[0]

    np.testing.assert_array_equal(made("drums, no violin"), made("drums"))
    with pytest.raises(RequestError, match="says only what is not wanted"):
        made("no drums")


STORIES = {
    "en": (
        "On a wet evening the band came back to the hall. There was no drum kit that night, the drums had been "
        "left at home, nobody wanted drums. Without a piano they played on. Only the bass guitar was heard, and "
        "the oboe didn't stop. Neither the violin nor the viola spoke. The flute and the harp were missing.",
        ["bass guitar", "oboe"],
    ),
    "de": (
        "Es regnete auf den Hafen, und niemand wusste, warum der Abend so lang war. Da war kein Schlagzeug. Niemand "
        "wollte Gitarren. Ohne Klavier ging es weiter, nur die Geigen und ein Cello spielten. Die Trompete fehlte. "
        "Weder Orgel noch Harfe waren da. Nicht nur das Akkordeon, auch die Flügel der Möwen waren grau.",
        ["violin", "cello", "accordion"],
    ),
    "fr": (
        "Il pleuvait sur le port et il n'y avait pas de batterie dans la rue. Personne ne voulait de guitare. Sans "
        "piano, l'orgue et les violons chantaient avec une contrebasse. La trompette ne jouait pas. Une personne "
        "jouait de la flûte traversière dans le bois, sans doute. Ni saxo ni harpe. Rien que le violoncelle.",
        ["organ", "violin", "double bass", "flute", "cello"],
    ),
    "es": (
        "Llovía sobre el puerto y no había batería en la calle. Nadie quería guitarras. Sin piano, el acordeón y los "
        "violonchelos cantaban con bajo y percusión bajo la lluvia, sin embargo. La trompeta no sonaba. Ni órgano ni "
        "flauta. No solo el clarinete sino también la tuba.",
        ["accordion", "cello", "bass", "percussion", "clarinet", "tuba"],
    ),
    "ja": (
        "港に雨が降っていた。人々は傘を閉じて、小さなホールに静かに入ってきた。ドラムはなかった。誰もギターを望まなかった。"
        "チェロが静かに歌い続けた。ピアノとベースなしで、バイオリンが鳴った。オルガンではなくフルートだった。"
        "トランペットがないトロンボーンの曲だった。ハープしかない夜が、ゆっくりと、とても長く続いた。"
        "窓の外では港の明かりが揺れていた。船は一隻も戻らず、海だけが暗く、いつまでも低くうなっていた。夜はまだ明けない。",
        ["cello", "violin", "flute", "trombone", "harp"],
    ),
}


@pytest.mark.parametrize("language", STORIES)
def test_a_story_asks_for_what_it_names_and_means(grammar, hear, language):
    story, names = STORIES[language]
    assert len(story) > 200
    assert grammar.names_in(story) == names
    assert hear(story, " and ".join(names))[0] > 0.3
    near, far = np.mean(hear(story, *names)), np.mean(hear(story, "drums", "piano"))
    assert near > far + 0.1


@pytest.mark.parametrize(
    ("story", "names"),
    [
        ("There were no drums, cymbals or timpani, and the clarinet slept.", ["clarinet"]),
        ("Everyone played except the trombone. Nothing but the tuba.", ["tuba"]),
        ("He did not know that the cello would change his life.", ["cello"]),
        ("There was no sound in the house\n\nthe cello", ["cello"]),
        ("no drums\nno bass, a zither", ["zither"]),
        ("It was not a sin to play the cello.", []),
        ("It was a sin to play the cello.", ["cello"]),
        ("The drums and the bass could not be heard.", []),
        ("Without a piano the cello and the viola sang.", ["cello", "viola"]),
        ("Ohne Klavier oder Harfe und ohne Schlagzeug spielte die Geige.", ["violin"]),
        ("Es gab keine Geigen, sondern ein Klavier.", ["piano"]),
        ("Une guitare et un accordéon, pas un violon.", ["guitar", "accordeon"]),
        ("Geige", []),
        ("Schlagzeug", ["drums"]),
    ],
)
def test_names_in_a_clause_that_negates_them_do_not_count(grammar, story, names):
    assert grammar.names_in(story) == names


def test_a_story_that_names_only_what_it_does_not_mean_is_heard_without_that(grammar, hear):
    rain = "The rain came in from the sea and the lamps went out one after the other along the quay. "
    story = 3 * rain + "There was no drum kit. Nobody wanted drums. " + 2 * rain
    assert grammar.names_in(story) == []
    assert "drum" not in grammar.without_negated(story)
    assert hear(story, "drums")[0] < hear(story.replace("no drum", "a drum").replace("Nobody", "All"), "drums")[0] - 0.3


def test_a_long_text_made_to_be_slow_is_read_in_a_moment(grammar):
    for text in ("no a,", "the drums and ", "n'", "ドラムと", "e ", "no "):
        grammar.names_in((text * PROMPT_LIMIT_CHARACTERS)[:PROMPT_LIMIT_CHARACTERS])
        grammar.without_negated((text * 200)[:200])
