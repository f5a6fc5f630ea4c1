"""Settings to try are read from the command line; what the sampler cannot be told is refused in one sentence."""

import pytest

from training.eval.settings import PLAIN_STEPS, kinds, name_of, parse_tries


def test_values_of_one_text_are_combined_and_texts_are_not():
    found = parse_tries(["steps=2,4 guidance=1,1.5", "start=zeros"])
    assert [name_of(one) for one in found] == [
        "steps 2, guidance 1", "steps 2, guidance 1.5", "steps 4, guidance 1", "steps 4, guidance 1.5", "start zeros",
    ]  # fmt: skip
    assert found[1] == {"steps": 2, "guidance": 1.5}


def test_the_same_twice_is_tried_once():
    assert parse_tries(["steps=2,2", "steps=2"]) == ({"steps": 2},)


def test_nothing_said_means_fewer_steps():
    assert parse_tries([]) == PLAIN_STEPS


def test_what_can_be_set_is_what_the_sampler_takes():
    assert kinds()["steps"] is int
    assert kinds()["guidance"] is float
    assert "prompts" not in kinds()
    assert "strength" not in kinds()


@pytest.mark.parametrize("text", ["steps", "colour=2", "steps=two", "steps=1.5", " "])
def test_what_cannot_be_set_is_refused_in_one_sentence(text):
    with pytest.raises(ValueError, match="--try"):
        parse_tries([text])
