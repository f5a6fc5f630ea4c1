"""Long prompts are heard in parts; short ones as they always were."""

from __future__ import annotations

import numpy as np
import pytest
from toybundle import EMBEDDING, MAX_TOKENS, tokenizer

from engine.errors import RequestError
from engine.text.embedding import mean_direction
from engine.text.encoder import PROMPT_LIMIT_CHARACTERS, StoryEncoder, TextEncoder, check_prompt
from engine.text.grammar import Grammar
from engine.text.intent import Intent


class Counting:
    """A text graph that points along the number of tokens it was given, and remembers the rows."""

    def __init__(self) -> None:
        self.rows: list[int] = []

    def run(self, inputs):
        counts = inputs["token_mask"].sum(axis=1)
        self.rows += counts.tolist()
        embedding = np.zeros((len(counts), EMBEDDING), np.float32)
        embedding[:, 0], embedding[:, 1] = counts, 1
        return {"embedding": embedding}


class Echo:
    """A story graph that keeps what it was given."""

    def run(self, inputs):
        self.pieces, self.mask = inputs["pieces"], inputs["piece_mask"]
        return {"embedding": self.pieces.sum(axis=1)}


def embed(graph, path, prompts, grammar=None, **more):
    """Embeddings of prompts, each understood on its own."""
    return TextEncoder(graph, path, MAX_TOKENS).embed([Intent.of(prompt, grammar) for prompt in prompts], **more)


@pytest.fixture
def path(tmp_path):
    tokenizer().save(str(tmp_path / "tokenizer.json"))
    return tmp_path / "tokenizer.json"


def test_a_short_prompt_is_one_row_as_the_graph_says_it(path):
    graph = Counting()
    embedding = embed(graph, path, ("bass. drums! violin?", "bass"))
    assert graph.rows == [6, 1]
    assert embedding[:, 0].tolist() == [6, 1]


def test_a_long_prompt_is_heard_sentence_by_sentence(path):
    graph = Counting()
    first, second, third = "bass " * 10, "drums " * 5, "violin " * 19
    [embedding] = embed(graph, path, (f"{first}. {second}\n{third}",))
    assert graph.rows == [11, 5, 9, 10]
    expected = mean_direction(np.array([[count, 1] + [0] * (EMBEDDING - 2) for count in graph.rows], np.float32))
    np.testing.assert_allclose(embedding, expected, rtol=1e-6)
    assert np.linalg.norm(embedding) == pytest.approx(np.sqrt(EMBEDDING))


def test_a_story_that_names_instruments_lies_between_their_names(path):
    graph = Counting()
    grammar = Grammar([], {}, (), ["bass", "bass drums"])
    [embedding] = embed(graph, path, ("the rain fell. " * 20 + "A bass. Bass drums!",), grammar)
    assert graph.rows == [1, 2]
    expected = mean_direction(np.array([[count, 1] + [0] * (EMBEDDING - 2) for count in graph.rows], np.float32))
    np.testing.assert_allclose(embedding, expected, rtol=1e-6)


def test_a_story_lies_between_the_names_it_means_and_no_others(path):
    graph = Counting()
    grammar = Grammar([], {"de": {"geige": "violin"}}, (), ["violin", "bass drums"])
    rain = "Der Regen fiel auf die Stadt. " * 10
    embed(graph, path, (rain + "Ohne bass drums spielte die Geige.",), grammar)
    assert graph.rows == [1]


def test_a_story_that_means_none_of_its_names_is_heard_without_them(path):
    graph, plain = Counting(), Counting()
    grammar = Grammar([], {}, (), ["bass drums"])
    rain = "the rain fell on the harbour. " * 10
    embed(graph, path, (rain + "No bass drums.",), grammar)
    embed(plain, path, (rain.strip(" ."),), grammar)
    assert graph.rows == plain.rows


def test_a_story_of_more_pieces_than_fit_loses_none(path):
    echo = Echo()
    pieces = np.eye(EMBEDDING, dtype=np.float32)[:7]
    whole = StoryEncoder(echo, 3).embed(pieces)
    assert echo.mask.tolist() == [[True, True, True]]
    assert (whole[:7] > 0).all()
    StoryEncoder(echo, 9).embed(pieces)
    assert echo.mask.sum() == 7
    np.testing.assert_array_equal(echo.pieces[0, :7], pieces)


def test_a_story_may_have_thousands_of_words_but_not_no_end():
    check_prompt("once upon a time " * 1000)
    with pytest.raises(RequestError, match=f"at most {PROMPT_LIMIT_CHARACTERS}"):
        check_prompt("a" * (PROMPT_LIMIT_CHARACTERS + 1))


def test_a_long_prompt_can_be_stopped(path):
    class Stopped(Exception):
        pass

    graph, calls = Counting(), []

    def check():
        calls.append(len(graph.rows))
        if graph.rows:
            raise Stopped

    with pytest.raises(Stopped):
        embed(graph, path, ("bass. " * 300,), check=check)
    assert calls == [0, 0, 64]


def test_prompts_of_too_many_sentences_are_refused_before_any_is_heard(path):
    graph = Counting()
    with pytest.raises(RequestError, match="1200 sentences or names; at most 1024"):
        embed(graph, path, ("bass. " * 600, "drums. " * 600))
    assert graph.rows == []
