"""Optimised graphs on disk: the same answers, whatever happens to the files."""

import os
import threading

import numpy as np
import pytest

from engine.errors import BundleError
from engine.runtime import saved_graphs
from engine.runtime.onnx import onnx_errors, open_session
from engine.runtime.settings import SessionSettings

CPU = SessionSettings()


@pytest.fixture(autouse=True)
def kept(tmp_path, monkeypatch):
    monkeypatch.setattr(saved_graphs, "user_cache_folder", lambda: tmp_path / "cache")
    monkeypatch.setattr(saved_graphs, "LEAST_BYTES", 1)
    return tmp_path / "cache" / "graphs"


def answer(graph):
    audio = np.random.default_rng(0).standard_normal((2, 1, 4_096)).astype(np.float32)
    return open_session(graph, CPU).run({"audio": audio})["latents"]


def test_a_saved_graph_gives_the_same_answer_bit_for_bit(toy_bundle, kept):
    first = answer(toy_bundle / "encode.onnx")
    [saved] = kept.iterdir()
    made_ns = saved.stat().st_ino
    np.testing.assert_array_equal(answer(toy_bundle / "encode.onnx"), first)
    assert [path.stat().st_ino for path in kept.iterdir()] == [made_ns]


def test_a_damaged_one_is_made_again(toy_bundle, kept):
    first = answer(toy_bundle / "encode.onnx")
    [saved] = kept.iterdir()
    whole = saved.read_bytes()
    for damage in (b"", b"no graph", whole[: len(whole) // 2]):
        saved.write_bytes(damage)
        np.testing.assert_array_equal(answer(toy_bundle / "encode.onnx"), first)
        assert saved.read_bytes() == whole


def test_many_at_once_make_one(toy_bundle, kept):
    answers = []
    openers = [threading.Thread(target=lambda: answers.append(answer(toy_bundle / "encode.onnx"))) for _ in range(4)]
    for opener in openers:
        opener.start()
    for opener in openers:
        opener.join()
    assert len(answers) == 4
    assert all(np.array_equal(one, answers[0]) for one in answers)
    assert len(list(kept.iterdir())) == 1


def test_a_folder_that_cannot_be_written_costs_speed_alone(toy_bundle, kept):
    kept.parent.mkdir()
    kept.write_text("a file in its place")
    assert answer(toy_bundle / "encode.onnx").shape == (2, 64, 64)


def test_what_was_not_used_for_long_goes(toy_bundle, kept):
    answer(toy_bundle / "encode.onnx")
    [old] = kept.iterdir()
    os.utime(old, (1, 1))
    answer(toy_bundle / "encode.onnx")  # it is used again, which keeps it
    other = kept / "step-0.onnx"
    other.write_bytes(b"of an older bundle")
    os.utime(other, (1, 1))
    open_session(toy_bundle / "decode.onnx", CPU)
    assert old.exists()
    assert not other.exists()


def test_a_graph_that_is_none_leaves_nothing(tmp_path, kept):
    broken = tmp_path / "broken.onnx"
    broken.write_bytes(b"not a graph")
    with pytest.raises(BundleError), onnx_errors(broken):
        open_session(broken, CPU)
    assert not list(kept.iterdir())
