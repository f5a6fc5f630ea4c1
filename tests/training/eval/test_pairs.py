"""Two ways of making are compared example by example, and only what is beyond chance is called better or worse."""

import numpy as np
import pytest

from training.eval import pairs

COUNT = 40


def side(agreement=0.5, chroma=0.0, distance=0.4):
    """Figures of many examples; what differs between examples is the same in every side."""
    rng = np.random.default_rng(0)
    luck, spread = rng.random(COUNT), rng.normal(0, 0.3, COUNT)
    return {
        "values": {
            "agreement": [float(one < agreement) for one in luck],
            "harmonicity": list(0.5 + spread),
            "chroma, own": list(spread + chroma),
            "chroma, other": list(spread),
            "text-audio, toy": list(spread),
        },
        "collections": {
            "toy": {"FAD": distance, "FAD draws": list(distance + 0.05 * rng.random(60)), "clips": float(COUNT)}
        },
    }


def rows(old, new):
    return {row["figure"]: row for row in pairs.differences(old, new)}


def test_the_same_twice_is_neither_better_nor_worse():
    found = rows(side(), side())
    assert set(found) == {
        "instrument agreement", "harmonicity", "chroma, own minus other", "text-audio, toy", "FAD, toy",
    }  # fmt: skip
    for row in found.values():
        assert row["verdict"] == ""
        assert row["difference"] == pytest.approx((0, 0, 0), abs=1e-9)


def test_what_is_better_beyond_chance_is_said_and_the_other_way_round():
    old, new = side(), side(agreement=0.9, chroma=0.2, distance=0.2)
    changed = ("instrument agreement", "chroma, own minus other", "FAD, toy")
    assert {name: rows(old, new)[name]["verdict"] for name in changed} == dict.fromkeys(changed, "better")
    assert {name: rows(new, old)[name]["verdict"] for name in changed} == dict.fromkeys(changed, "worse")
    assert rows(old, new)["FAD, toy"]["difference"][0] == pytest.approx(-0.2)
    assert rows(old, new)["harmonicity"]["verdict"] == ""


def test_a_share_is_compared_by_its_mean():
    row = rows(side(), side(agreement=0.9))["instrument agreement"]
    assert row["difference"][0] == pytest.approx(row["new"] - row["old"])
    assert row["new"] == pytest.approx(np.mean(side(agreement=0.9)["values"]["agreement"]))


def test_what_a_report_wrote_as_null_does_not_count():
    old, new = side(), side()
    new["values"]["harmonicity"][0] = None
    assert rows(old, new)["harmonicity"]["examples"] == COUNT - 1


def test_old_and_new_are_of_their_own_examples_and_the_difference_of_those_that_both_have():
    row = pairs.difference("x", [1.0, 2.0, 9.0], [2.0, 4.0, None])
    assert (row["old"], row["new"], row["examples"]) == (2.0, 3.0, 2)
    assert row["difference"][0] == 1.5


def test_other_numbers_of_examples_are_not_compared():
    new = side()
    new["values"]["agreement"] = new["values"]["agreement"][1:]
    assert "instrument agreement" not in rows(side(), new)


def test_the_table_says_which_is_which():
    text = "\n".join(pairs.lines(pairs.differences(side(), side(distance=0.2)), "8 steps", "2 steps"))
    assert "| figure | examples | 8 steps | 2 steps | difference |" in text
    assert "| FAD, toy | 40 | 0.40 | 0.20 | -0.20 (" in text
    assert "**better**" in text
