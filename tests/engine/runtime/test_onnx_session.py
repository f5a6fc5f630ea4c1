"""What a session of ONNX Runtime is opened with, and batches of sizes that never change."""

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from engine.errors import BundleError
from engine.runtime import onnx as runtime
from engine.runtime.backend import PROVIDERS
from engine.runtime.batch_axes import BatchAxes, pad_rows
from engine.runtime.onnx import open_session
from engine.runtime.providers import provider_chain
from engine.runtime.settings import BATCH_SIZES, SessionSettings, padded_rows, settings_for

FIXED = SessionSettings(batch_sizes=BATCH_SIZES)


class Spied:
    """A session that remembers with what sizes it was run."""

    def __init__(self, session):
        self._session, self.sizes = session, []

    def __getattr__(self, name):
        return getattr(self._session, name)

    def run(self, names, inputs, options):
        self.sizes.append({name: len(values) for name, values in inputs.items()})
        return self._session.run(names, inputs, options)


def spied(session):
    session._session = Spied(session._session)
    return session._session


@pytest.mark.parametrize(("rows", "padded"), [(1, 1), (2, 2), (3, 4), (5, 8), (9, 16), (17, 32), (32, 32), (40, 40)])
def test_a_batch_is_padded_to_the_next_size(rows, padded):
    assert padded_rows(rows, BATCH_SIZES) == padded
    assert padded_rows(rows, ()) == rows
    values = np.arange(rows)[:, None]
    assert pad_rows(values, padded)[rows:].tolist() == [[rows - 1]] * (padded - rows)


def test_few_shapes_are_ever_run_and_the_answers_are_those_of_the_rows(toy_bundle):
    plain = open_session(toy_bundle / "encode.onnx", SessionSettings())
    fixed = open_session(toy_bundle / "encode.onnx", FIXED)
    spy = spied(fixed)
    audio = np.random.default_rng(0).standard_normal((11, 1, 4_096)).astype(np.float32)
    for rows in range(1, 12):
        answer = fixed.run({"audio": audio[:rows]})["latents"]
        np.testing.assert_array_equal(answer, plain.run({"audio": audio[:rows]})["latents"])
    assert {sizes["audio"] for sizes in spy.sizes} == {1, 2, 4, 8, 16}


def graph_of_prompts(path, named=True):
    """Answers that have rows of two kinds: prompts and windows."""
    sizes = ["prompts", "batch"] if named else ["some", "more"]
    nodes = [
        helper.make_node("Unsqueeze", ["prompt", "one"], ["prompts_here"]),
        helper.make_node("Add", ["mix", "prompts_here"], ["stem"]),
    ]
    inputs = [
        helper.make_tensor_value_info("mix", TensorProto.FLOAT, ["batch", 3]),
        helper.make_tensor_value_info("prompt", TensorProto.FLOAT, ["prompts", 3]),
    ]
    outputs = [helper.make_tensor_value_info("stem", TensorProto.FLOAT, [*sizes, 3])]
    constants = [helper.make_tensor("one", TensorProto.INT64, [1], [1])]
    model = helper.make_model(
        helper.make_graph(nodes, "toy", inputs, outputs, constants),
        opset_imports=[helper.make_opsetid("", 18)], ir_version=9,
    )  # fmt: skip
    onnx.save(model, path)
    return path


@pytest.mark.parametrize("named", [True, False], ids=["named as inputs", "of unknown meaning"])
def test_prompts_and_windows_are_padded_apart_or_not_at_all(tmp_path, named):
    session = open_session(graph_of_prompts(tmp_path / "toy.onnx", named), FIXED)
    spy = spied(session)
    mix, prompt = np.random.default_rng(1).random((2, 5, 3), np.float32)
    found = session.run({"mix": mix, "prompt": prompt[:3]})["stem"]
    np.testing.assert_array_equal(found, mix[None] + prompt[:3, None])
    assert spy.sizes == [{"mix": 8, "prompt": 4} if named else {"mix": 5, "prompt": 3}]
    assert (BatchAxes.of(session._session) is None) is not named


def test_only_the_outputs_that_are_wanted_are_fetched(toy_bundle):
    session = open_session(toy_bundle / "encode.onnx", SessionSettings())
    audio = np.zeros((1, 1, 4_096), np.float32)
    session._outputs = ["nothing", "latents"]
    assert session.run({"audio": audio}, ("latents",)).keys() == {"latents"}


def test_a_card_is_named_to_its_provider_with_all_limits(tmp_path):
    settings = SessionSettings("cuda", 1, "cuda", True, "tf32", BATCH_SIZES, 6 << 30, capture=True)
    (provider, options), (last, _) = provider_chain(settings, tmp_path / "step.onnx")
    assert (provider, last) == ("CUDAExecutionProvider", "CPUExecutionProvider")
    wanted = {"device_id": "1", "use_tf32": "1", "gpu_mem_limit": str(6 << 30), "enable_cuda_graph": "1"}
    assert wanted.items() <= options.items()


def test_nothing_is_recorded_where_nothing_may_be():
    for settings in (settings_for("cpu"), settings_for("tensorrt")):
        assert not settings.capture
    plain = SessionSettings("cuda", memory="cuda")
    assert all("enable_cuda_graph" not in options for _, options in provider_chain(plain, None))
    assert settings_for("cuda").capture
    assert settings_for("cuda").resident


class Recording:
    """ONNX Runtime's session as far as recording goes: replays what it recorded, wrongly where told so."""

    def __init__(self, session, wrong=False, fails=False):
        self._session, self._wrong, self._fails = session, wrong, fails
        self.numbers = []

    def __getattr__(self, name):
        return getattr(self._session, name)

    def run_with_iobinding(self, binding, options):
        number = options.get_run_config_entry("gpu_graph_id")
        if self._fails and number != "-1":
            raise RuntimeError("operation not permitted when stream is capturing")
        if self._wrong and number != "-1" and number in self.numbers:
            self.numbers.append(number)
            self._session.run_with_iobinding(binding, options)
            there = binding.get_outputs()[0]
            there.update_inplace(np.full(there.shape(), 7, np.float32))
            return
        self.numbers.append(number)
        self._session.run_with_iobinding(binding, options)


@pytest.mark.parametrize("how", [{}, {"wrong": True}, {"fails": True}], ids=["right", "wrong", "refused"])
def test_a_recording_is_used_once_it_gave_what_an_ordinary_run_gives(toy_bundle, monkeypatch, how):
    session = open_session(toy_bundle / "encode.onnx", SessionSettings(resident=True))
    session.captures = True
    monkeypatch.setattr(session, "_session", Recording(session._session, **how))
    values = np.random.default_rng(0).standard_normal((2, 1, 4_096)).astype(np.float32)
    audio, latents = session.put(values), session.keep("latents", (2, 64, 64), np.float32)
    for _ in range(2):
        session.run_resident({"audio": audio}, {"latents": latents}, 5)
        plain = open_session(toy_bundle / "encode.onnx", SessionSettings()).run({"audio": values})["latents"]
        np.testing.assert_array_equal(latents.numpy(), plain)
    expected = {
        "right": (["-1", "5", "5", "5"], True), "wrong": (["-1", "5", "5", "-1", "-1"], False),
        "refused": (["-1", "-1", "-1"], False),
    }  # fmt: skip
    name = next(iter(how), "right").replace("fails", "refused")
    assert (session._session.numbers, session.captures) == expected[name]


def test_an_array_never_goes_into_a_recording(toy_bundle, monkeypatch):
    session = open_session(toy_bundle / "encode.onnx", SessionSettings())
    session.captures, asked = True, []
    real = session._session

    class Watched:
        def run(self, names, inputs, options):
            asked.append(options.get_run_config_entry("gpu_graph_id"))
            return real.run(names, inputs, options)

    monkeypatch.setattr(session, "_session", Watched())
    session.run({"audio": np.zeros((1, 1, 4_096), np.float32)})
    assert asked == ["-1"]


def test_a_graph_that_cannot_be_recorded_is_opened_without(toy_bundle, monkeypatch):
    real, asked = runtime.ort.InferenceSession, []

    def session(source, sess_options, providers, enable_fallback):
        captures = any(options.get("enable_cuda_graph") for _, options in providers)
        asked.append(captures)
        if captures:
            raise RuntimeError("This session cannot use the graph capture feature: not all nodes are on the GPU")
        return real(source, sess_options, providers=["CPUExecutionProvider"], enable_fallback=0)

    monkeypatch.setattr(runtime.ort, "InferenceSession", session)
    monkeypatch.setattr(runtime.ort, "get_available_providers", lambda: list(PROVIDERS.values()))
    opened = open_session(toy_bundle / "step.onnx", settings_for("cuda"))
    assert asked == [True, False]
    assert not opened.captures


def test_an_error_of_a_small_graph_names_no_file(toy_bundle):
    session = open_session(toy_bundle / "encode.onnx", SessionSettings(resident=True))
    with pytest.raises(BundleError, match="joining steps"):
        session.beside(b"no graph")
