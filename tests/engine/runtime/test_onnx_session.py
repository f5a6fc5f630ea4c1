"""What a session of ONNX Runtime is opened with, and batches of sizes that never change."""

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from engine.errors import BundleError
from engine.inference.step_graphs import GUIDE
from engine.runtime import onnx as runtime
from engine.runtime.backend import PROVIDERS, OutOfDeviceMemory
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


def test_a_recording_keeps_its_memory_and_none_outlives_its_tensors(toy_bundle, monkeypatch):
    session = open_session(toy_bundle / "encode.onnx", SessionSettings(resident=True))
    session.captures = True
    watched = Recording(session._session)
    monkeypatch.setattr(session, "_session", watched)
    audio, latents = session.put(np.zeros((1, 1, 4_096), np.float32)), session.keep("out", (1, 64, 64), np.float32)
    monkeypatch.setattr(
        watched, "run", lambda *given: pytest.fail("memory under a recording is given back"), raising=False
    )
    session.run_resident({"audio": audio}, {"latents": latents}, 5)
    session.shrink()

    def full(binding, options):
        raise RuntimeError("Failed to allocate memory for requested buffer")

    real, watched.run_with_iobinding = watched.run_with_iobinding, full
    with pytest.raises(OutOfDeviceMemory):
        session.run_resident({"audio": audio}, {"latents": latents}, 5)
    watched.run_with_iobinding = real
    fresh = session.keep("out", (1, 64, 64), np.float32)
    assert fresh is not latents
    session.run_resident({"audio": audio}, {"latents": fresh}, 5)
    assert watched.numbers == ["-1", "5", "5", "-1", "1005", "1005"], "a new number for new tensors, proven again"


def test_tensorrt_takes_shapes_from_runs_where_it_takes_a_graph_in_parts(toy_bundle, monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    real, asked = runtime.ort.InferenceSession, []

    def session(source, sess_options, providers, enable_fallback):
        asked.append([name for name in providers[0][1] if name.startswith("trt_profile_")])
        if asked[-1]:
            raise RuntimeError("User needs to provide all the dynamic shape inputs with associated profiles")
        return real(source, sess_options, providers=["CPUExecutionProvider"], enable_fallback=0)

    monkeypatch.setattr(runtime.ort, "InferenceSession", session)
    monkeypatch.setattr(runtime.ort, "get_available_providers", lambda: list(PROVIDERS.values()))
    open_session(toy_bundle / "step.onnx", settings_for("tensorrt"))
    assert [len(names) for names in asked] == [3, 0]


def test_small_graphs_beside_an_engine_of_tensorrt_run_on_cuda(toy_bundle, monkeypatch):
    session = open_session(toy_bundle / "encode.onnx", SessionSettings())
    session.settings = settings_for("tensorrt", 1)
    opened = []
    monkeypatch.setattr(runtime, "open_session", lambda graph, settings, transfers: opened.append(settings))
    session.beside(GUIDE)
    assert (opened[0].kind, opened[0].index, opened[0].memory) == ("cuda", 1, "cuda")
    assert not opened[0].capture


def test_libraries_of_nvidia_are_found_anywhere_on_the_path(tmp_path, monkeypatch):
    torch, own = tmp_path / "torch", tmp_path / "own"
    for folder in (torch / "nvidia" / "cu13" / "lib", torch / "nvidia" / "cudnn" / "lib", own / "tensorrt_libs"):
        folder.mkdir(parents=True)
    for name in runtime.TENSORRT_LIBRARIES:
        (own / "tensorrt_libs" / name).touch()
    asked, loaded = [], []

    def preload(cuda=True, cudnn=True, msvc=True, directory=None):
        asked.append((cuda, cudnn, directory))
        print("Failed to load libcublas.so.13: not there" if directory is None else "Failed to load another")

    def load(path):
        loaded.append(path)
        if "parser" in path:
            raise OSError("libcudart.so.13 is missing")

    monkeypatch.setattr(runtime.sys, "path", ["", str(torch), str(own)])
    monkeypatch.setattr(runtime.ort, "preload_dlls", preload)
    monkeypatch.setattr(runtime.ctypes, "CDLL", load)
    failed = runtime.load_nvidia_libraries()
    nvidia = torch / "nvidia"
    assert asked == [(True, False, str(nvidia / "cu13" / "lib")), (False, True, str(nvidia / "cudnn" / "lib")),
                     (True, True, None)]  # fmt: skip
    assert loaded == [str(own / "tensorrt_libs" / name) for name in runtime.TENSORRT_LIBRARIES]
    assert [line.partition(": ")[2] for line in failed] == ["not there", "libcudart.so.13 is missing"]


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
