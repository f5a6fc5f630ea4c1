"""Graphs in float16: the same answer to what float16 can hold, converted once, whatever else goes on."""

import threading

import numpy as np
import pytest

from engine.errors import DeviceError
from engine.inference.sampler import SamplerConfig, initial_noise, sample
from engine.latents import SLOTS
from engine.runtime import half_graphs
from engine.runtime.half_graphs import half_graph
from engine.runtime.onnx import open_session
from engine.runtime.settings import PRECISIONS_OF, SessionSettings

HALF = SessionSettings(precision="float16")


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setattr(half_graphs, "user_cache_folder", lambda: tmp_path / "cache")
    return tmp_path / "cache" / "half"


def test_a_trajectory_of_guided_steps_in_float16_ends_where_that_in_float32_does(toy_bundle, cache):
    rng = np.random.default_rng(0)
    how = SamplerConfig(steps=8, guidance=2.5, start="noise", seed=1)
    given = (
        initial_noise(how, [0, 1], (SLOTS, 64, 64)),
        rng.random((2, SLOTS, 64)) < 0.3,
        rng.random((2, SLOTS, 8), np.float32),
    )
    full, half = (
        sample(open_session(toy_bundle / "step.onnx", settings), *given, how, lambda: None)
        for settings in (SessionSettings(), HALF)
    )
    assert half.dtype == np.float32
    assert 10 * np.log10((full**2).sum() / ((full - half) ** 2).sum()) > 50
    assert not np.array_equal(full, half)  # it was another graph
    assert [path.name.partition("-")[0] for path in cache.iterdir()] == ["step"]


def test_a_graph_is_converted_once_by_however_many(toy_bundle, cache, monkeypatch):
    converted, real = [], half_graphs._converted

    def slowly(graph):
        converted.append(graph)
        return real(graph)

    monkeypatch.setattr(half_graphs, "_converted", slowly)
    first = half_graph(toy_bundle / "encode.onnx")
    others = [threading.Thread(target=half_graph, args=(toy_bundle / "encode.onnx",)) for _ in range(3)]
    for other in others:
        other.start()
    for other in others:
        other.join()
    assert half_graph(toy_bundle / "encode.onnx") == first
    assert len(converted) == 1
    first.unlink()
    half_graph(toy_bundle / "encode.onnx")
    assert len(converted) == 2
    assert len(list(cache.iterdir())) == 1


def test_another_graph_of_the_same_name_is_another_file(toy_bundle, tmp_path):
    other = tmp_path / "encode.onnx"
    other.write_bytes((toy_bundle / "decode.onnx").read_bytes())
    assert half_graph(other) != half_graph(toy_bundle / "encode.onnx")


def test_encoders_of_prompts_stay_in_float32(toy_bundle):
    assert half_graph(toy_bundle / "text.onnx") == toy_bundle / "text.onnx"


def test_what_cannot_be_converted_is_told_in_one_sentence(toy_bundle, cache, monkeypatch):
    cache.parent.mkdir()
    cache.write_text("a file in its place")
    with pytest.raises(DeviceError, match=r"float16 cannot be kept in .*; make room there"):
        half_graph(toy_bundle / "encode.onnx")
    cache.unlink()
    monkeypatch.setitem(__import__("sys").modules, "onnx", None)
    with pytest.raises(DeviceError, match=r"install fluxstem\[half\], or choose --precision float32 or tf32"):
        half_graph(toy_bundle / "encode.onnx")


def test_no_kind_of_device_is_promised_what_it_has_not():
    assert "bfloat16" not in PRECISIONS_OF["cuda"]  # there is no converter
    assert "cpu" not in PRECISIONS_OF
