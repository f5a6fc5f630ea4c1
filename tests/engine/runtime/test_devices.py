"""Whatever a device does, a job ends well or with a sentence: a fake device that fails in every way, and the tables."""

import json
import os
import re
import stat
import subprocess
import sys
import time
import tomllib
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
from fakeruntime import DeviceFault, FakeRuntime

from engine import doctor
from engine.errors import DeviceError, DeviceLost
from engine.pipeline import Pipeline
from engine.request import DEVICES, Request
from engine.runtime import devices, onnx_plugins, tensorrt
from engine.runtime.backend import PROVIDERS
from engine.runtime.device_notes import DEVICE_NOTES
from engine.runtime.devices import VISIBLE, DeviceChoice, GraphicsCard, list_cards, pinned
from engine.runtime.fallback import OnnxBackend
from engine.runtime.faults import fault_of
from engine.runtime.memory import RESERVE_BYTES, BatchMemory, arena_limit, fitting_windows
from engine.runtime.onnx_providers import OnnxRuntime
from engine.runtime.providers import ROWS, provider_chain
from engine.runtime.self_test import Verdict, VerdictFile, compare, verdict_key
from engine.runtime.settings import BATCH_SIZES, settings_for

CUDA, CPU = PROVIDERS["cuda"], PROVIDERS["cpu"]
CARD = GraphicsCard(0, "Card", 8 << 30, 6 << 30, "580.1", "8.9")


@pytest.fixture(autouse=True)
def own_cache(monkeypatch, tmp_path):
    for name in ("XDG_CACHE_HOME", "LOCALAPPDATA", "HOME"):
        monkeypatch.setenv(name, str(tmp_path / "cache"))


@pytest.fixture
def mix(tmp_path):
    noise = 0.1 * np.random.default_rng(3).standard_normal(40_000)
    soundfile.write(tmp_path / "mix.wav", noise.astype(np.float32), 16_000, subtype="FLOAT")
    return tmp_path / "mix.wav"


class Machine:
    """A pipeline on a machine with these devices, and the backend that the last job had."""

    def __init__(self, bundle, folder, faults, cards=()):
        self.runtime = FakeRuntime(faults, OnnxRuntime(), cards)
        self.backends = []
        self.verdicts = VerdictFile(folder / "verdicts")
        self.pipeline = Pipeline(lambda name: bundle, self.open)
        self.out = folder / "out"

    def open(self, device):
        self.backends.append(OnnxBackend(device, self.runtime, self.verdicts))
        return self.backends[-1]

    def job(self, mix, device="auto", **how):
        self.out.mkdir(exist_ok=True)
        asked = {"task": "isolate", "render": "flow", **how}
        request = Request(prompts=("violin",), input=str(mix), out=str(self.out), device=device, bundle="toy", **asked)
        return self.pipeline.run(request, lambda fraction, stage: None, lambda: None)


# What fails -> where auto ends, and words of the note that the user gets; None for no note.
AUTO = {
    "nothing": (DeviceFault(), CUDA, None),
    "missing": (DeviceFault(missing="the driver is too old"), CPU, "cuda was not used: the driver is too old"),
    "libraries": (DeviceFault(gives=CPU), CPU, f"ONNX Runtime gave {CPU} instead"),
    "version": (DeviceFault(opens=0), CPU, "cudnn64_9 is of version 8, and 9 is needed"),
    "in the middle of opening": (DeviceFault(opens=2), CPU, "cudnn64_9"),
    "no node": (DeviceFault(takes_none=True), CPU, "it takes no node of"),
    "some nodes": (DeviceFault(leaves=("Conv",)), CUDA, "1 of 4 large operations of"),
    "few rows": (DeviceFault(most_rows=4), CUDA, None),
    "first run": (DeviceFault(memory_runs=0), CPU, "its first run failed"),
    "memory at step k": (DeviceFault(memory_runs=10), CPU, "cuda has too little free memory"),
    "wrong numbers": (DeviceFault(wrong=0.5), CPU, "differs from the CPU's by"),
    "wrong numbers in its own memory": (DeviceFault(wrong_there=0.5), CPU, "differs from the CPU's by"),
    "no numbers": (DeviceFault(wrong=float("nan")), CPU, "differs from the CPU's by inf"),
}


@pytest.mark.parametrize("fault", AUTO, ids=str)
def test_auto_ends_on_a_device_that_works_and_tells_why(fault, toy_bundle, tmp_path, mix):
    given, provider, words = AUTO[fault]
    done = Machine(toy_bundle, tmp_path, {"cuda": given}).job(mix)
    assert done.device == provider
    notes = done.results[0].notes
    assert not notes if words is None else any(words in note for note in notes), notes
    assert all("\n" not in note for note in notes)
    said = [re.sub(r"\\{\w+\\}", ".+", re.escape(template)) for template in DEVICE_NOTES]
    assert all(any(re.fullmatch(one, note) for one in said) for note in notes), "what no window could translate"
    assert json.loads(Path(done.results[0].sidecar).read_text())["provider"] == provider
    expected = Machine(toy_bundle, tmp_path / "cpu" if (tmp_path / "cpu").mkdir() is None else tmp_path, {}).job(mix)
    for part in ("stem", "rest"):
        got, wanted = (soundfile.read(getattr(one.results[0], part))[0] for one in (done, expected))
        np.testing.assert_array_equal(got, wanted)


@pytest.mark.parametrize("runs", range(1, 12))
def test_memory_that_is_full_at_any_step_ends_on_the_cpu_with_the_same_samples(runs, toy_bundle, tmp_path, mix):
    """Comparisons take the first runs, then encoder, steps and decoder, all on tensors that stay on the device."""
    machine = Machine(toy_bundle, tmp_path, {"cuda": DeviceFault(memory_runs=runs)})
    done = machine.job(mix)
    assert done.device == CPU
    assert machine.runtime.runs["cuda"] > runs
    words = ("its first run failed", "cuda has too little free memory")
    assert any(word in note for note in done.results[0].notes for word in words)
    expected = Machine(toy_bundle, tmp_path, {}).job(mix)
    for part in ("stem", "rest"):
        got, wanted = (soundfile.read(getattr(one.results[0], part))[0] for one in (done, expected))
        np.testing.assert_array_equal(got, wanted)


EXPLICIT = ("missing", "libraries", "version", "in the middle of opening", "no node", "first run", "wrong numbers")


@pytest.mark.parametrize("fault", EXPLICIT)
def test_a_device_that_was_asked_for_is_had_or_refused_in_one_sentence(fault, toy_bundle, tmp_path, mix):
    machine = Machine(toy_bundle, tmp_path, {"cuda": AUTO[fault][0]})
    with pytest.raises(DeviceError, match=r"device cuda:0 cannot be used: .*; choose --device auto or cpu") as refused:
        machine.job(mix, "cuda:0")
    assert "\n" not in str(refused.value)
    assert not list(machine.out.glob("*.wav"))


@pytest.mark.parametrize("device", ["auto", "cuda"])
def test_a_device_that_breaks_down_ends_the_job_as_lost_and_leaves_nothing(device, toy_bundle, tmp_path, mix):
    machine = Machine(toy_bundle, tmp_path, {"cuda": DeviceFault(lost_runs=10)})
    with pytest.raises(DeviceLost):
        machine.job(mix, device)
    assert not list(machine.out.glob("*.wav"))


def test_when_one_graph_cannot_be_opened_all_of_them_move(toy_bundle, tmp_path, mix):
    machine = Machine(toy_bundle, tmp_path, {"cuda": DeviceFault(opens=2)})
    assert machine.job(mix).device == CPU
    opened = machine.runtime.opened
    assert opened["cuda"] == 3  # two, and the one that was refused
    graphs = len(json.loads((toy_bundle / "manifest.json").read_text())["graphs"])
    assert opened["cpu"] >= graphs + 2  # every graph, and two comparisons


def test_fewer_windows_are_remembered_by_the_next_job(toy_bundle, tmp_path, mix):
    machine = Machine(toy_bundle, tmp_path, {"cuda": DeviceFault(most_rows=2)})
    machine.job(mix)
    tried = machine.runtime.runs["cuda"]
    machine.job(mix)
    assert machine.runtime.runs["cuda"] - tried < tried - len(machine.runtime.opened)
    sidecar = max(machine.out.glob("*.json"), key=lambda path: path.stat().st_mtime)
    assert json.loads(sidecar.read_text())["batch_windows"] in (1, 2)


def test_a_comparison_is_made_once_and_again_for_another_graph(toy_bundle, tmp_path, mix):
    first = Machine(toy_bundle, tmp_path, {"cuda": DeviceFault()})
    first.job(mix)
    second = Machine(toy_bundle, tmp_path, {"cuda": DeviceFault()})
    second.job(mix)
    assert first.runtime.opened["cpu"] > 0
    assert second.runtime.opened["cpu"] == 0
    other = tmp_path / "other.onnx"
    other.write_bytes((toy_bundle / "encode.onnx").read_bytes() + b"\n")
    keys = {verdict_key(path, "cuda", version) for path in (other, toy_bundle / "encode.onnx") for version in "12"}
    assert len(keys) == 4


def test_tensorrt_waits_for_its_engines_while_cuda_answers(toy_bundle, tmp_path, mix):
    machine = Machine(toy_bundle, tmp_path, {"tensorrt": DeviceFault(opening_s=0.01), "cuda": DeviceFault()})
    done = machine.job(mix)
    assert done.device == CUDA
    assert not done.results[0].notes
    assert machine.runtime.opened["tensorrt"] == 0
    assert machine.pipeline.wants_engines == (toy_bundle, "auto", "float32")
    built = OnnxBackend("tensorrt", machine.runtime, machine.verdicts)
    for graph in toy_bundle.glob("*.onnx"):
        built.open(graph)
    machine.pipeline.forget_models()
    assert machine.job(mix).device == PROVIDERS["tensorrt"]
    assert machine.pipeline.wants_engines is None


def test_a_full_card_is_not_tried_by_auto(toy_bundle, tmp_path, mix):
    full = replace(CARD, free_bytes=1 << 20)
    machine = Machine(toy_bundle, tmp_path, {"cuda": DeviceFault()}, [full])
    done = machine.job(mix)
    assert done.device == CPU
    assert any("0.0 GB free" in note and "the CPU is used" in note for note in done.results[0].notes)


def test_a_provider_that_is_only_used_by_name_stays_out_of_auto(toy_bundle, tmp_path, mix):
    machine = Machine(toy_bundle, tmp_path, {"coreml": DeviceFault()})
    assert machine.job(mix).device == CPU
    assert machine.job(mix, "coreml").device == PROVIDERS["coreml"]


def test_every_device_that_can_be_asked_for_is_a_row_with_a_provider(toy_bundle):
    assert set(DEVICES) - {"auto"} == set(ROWS) == set(PROVIDERS)
    for kind in ROWS:
        [first, *others] = provider_chain(settings_for(kind), toy_bundle / "encode.onnx")
        assert first[0] == PROVIDERS[kind]
        assert kind == "cpu" or others[-1][0] == CPU


@pytest.mark.parametrize(
    ("said", "fault"),
    [
        ("Failed to allocate memory for requested buffer of size 4294967296", "memory"),
        ("CUDA failure 2: out of memory ; GPU=0 ; hostname=x", "memory"),
        ("CUDNN failure 4: CUDNN_STATUS_ALLOC_FAILED", "memory"),
        ("CUDA failure 700: an illegal memory access was encountered ; GPU=0", "lost"),
        ("CUDA error 719: unspecified launch failure", "lost"),
        ("CUDA failure 999 ; GPU=1", "lost"),
        ("DXGI_ERROR_DEVICE_REMOVED 887A0005", "lost"),
        ("CUDA failure 1: invalid argument", "other"),
        ("[ONNXRuntimeError] : 7 : INVALID_PROTOBUF : Load model from x failed", "graph"),
        ("Got invalid dimensions for input: audio", "other"),
    ],
)
def test_what_an_error_means_is_read_from_its_words(said, fault):
    assert fault_of(said) == fault


def test_a_device_and_its_number_are_read_and_written():
    assert DeviceChoice.of("cuda:1") == DeviceChoice("cuda", 1)
    assert DeviceChoice.of("auto") == DeviceChoice("auto")
    assert str(DeviceChoice("cuda", 1)) == "cuda:1"
    assert [pinned(device, 2) for device in ("auto", "cuda", "cuda:0", "cpu")] == ["auto:2", "cuda:2", "cuda:0", "cpu"]


@pytest.fixture
def smi(tmp_path, monkeypatch):
    """A stand-in for the driver's program on the path."""

    def install(*lines):
        script = tmp_path / "bin" / "nvidia-smi"
        script.parent.mkdir(exist_ok=True)
        script.write_text("#!/bin/sh\n" + "".join(f"echo '{line}'\n" for line in lines))
        script.chmod(script.stat().st_mode | stat.S_IXUSR)
        monkeypatch.setenv("PATH", f"{script.parent}:/usr/bin:/bin")

    return install


def test_the_cards_are_those_that_the_driver_names_and_cuda_may_see(smi, monkeypatch):
    monkeypatch.delenv(VISIBLE, raising=False)
    smi("0, GPU-aa, NVIDIA One, 8192, 6144, 580.10, 8.9", "1, GPU-bb, NVIDIA Two, 16384, [N/A], 580.10, 12.0", "noise")
    assert list_cards() == [
        GraphicsCard(0, "NVIDIA One", 8 << 30, 6 << 30, "580.10", "8.9"),
        GraphicsCard(1, "NVIDIA Two", 16 << 30, 0, "580.10", "12.0"),
    ]
    for visible, names in {"1": ["NVIDIA Two"], "GPU-bb,0": ["NVIDIA Two", "NVIDIA One"], "7,0": [], "": []}.items():
        monkeypatch.setenv(VISIBLE, visible)
        assert [card.name for card in list_cards()] == names
    smi("NVIDIA-SMI has failed because it could not communicate with the driver")
    assert list_cards() == []


def test_as_many_windows_as_fit_are_taken_from_the_fixed_sizes():
    each = 100 << 20
    rooms = {0: 0, RESERVE_BYTES + each - 1: 0, RESERVE_BYTES + each: 1, RESERVE_BYTES + 5 * each: 4, 1 << 40: 32}
    for free, windows in rooms.items():
        assert fitting_windows(free, each) == windows
    assert arena_limit(0) is None
    assert 0 < arena_limit(8 << 30) < 8 << 30
    memory = BatchMemory()
    memory.end("bundle", "device", 16, 4)
    assert [memory.begin("bundle", "device", 16), memory.begin("bundle", "other", 16)] == [4, 16]


def test_tensorrt_gets_a_profile_of_the_fixed_batches_and_a_folder_for_each_engine(toy_bundle, monkeypatch):
    monkeypatch.setattr(tensorrt, "card_of", lambda index: CARD)
    graph = toy_bundle / "encode.onnx"
    settings = settings_for("tensorrt")
    options = tensorrt.tensorrt_options(settings, graph)
    assert options["trt_profile_min_shapes"] == "audio:1x1x4096"
    assert options["trt_profile_max_shapes"] == f"audio:{BATCH_SIZES[-1]}x1x4096"
    assert int(options["trt_max_workspace_size"]) <= CARD.free_bytes // 2
    assert "trt_fp16_enable" not in options
    assert tensorrt.tensorrt_options(replace(settings, precision="float16"), graph)["trt_fp16_enable"] == "1"
    assert tensorrt.tensorrt_options(replace(settings, precision="bfloat16"), graph)["trt_bf16_enable"] == "1"
    embedded = tensorrt.tensorrt_options(replace(settings, embed_engine=True), graph)
    assert embedded["trt_ep_context_embed_mode"] == embedded["trt_dump_ep_context_model"] == "1"
    folders = {
        tensorrt.engine_key(graph, settings).folder,
        tensorrt.engine_key(toy_bundle / "step.onnx", settings).folder,
    }
    for changed in ({"driver": "590.2"}, {"name": "Other card"}, {"capability": "9.0"}):
        monkeypatch.setattr(tensorrt, "card_of", lambda index, changed=changed: replace(CARD, **changed))
        folders.add(tensorrt.engine_key(graph, settings).folder)
    assert len(folders) == 5
    assert all(isinstance(value, str) for value in options.values())


def test_old_engines_are_dropped_and_new_ones_stay(toy_bundle, monkeypatch):
    graph, settings = toy_bundle / "encode.onnx", settings_for("tensorrt")
    assert not tensorrt.is_built(graph, settings)
    tensorrt.mark_built(graph, settings)
    assert tensorrt.is_built(graph, settings)
    assert tensorrt.drop_old_engines() == 0
    later_s = time.time() + 2 * tensorrt.OLD_S
    monkeypatch.setattr(tensorrt.time, "time", lambda: later_s)
    assert tensorrt.drop_old_engines() == 1
    assert not tensorrt.is_built(graph, settings)


def test_the_comparison_sees_a_number_that_is_off(toy_bundle, tmp_path):
    path = toy_bundle / "encode.onnx"
    for wrong, good in ((0.0, True), (1e-4, True), (0.05, False), (float("inf"), False)):
        runtime = FakeRuntime({"cuda": DeviceFault(wrong=wrong)}, OnnxRuntime())
        device, cpu = (runtime.open(path, settings_for(kind)) for kind in ("cuda", "cpu"))
        assert compare(device, cpu, "float32").is_good is good
    kept = VerdictFile(tmp_path / "kept")
    assert kept.find("key") is None
    kept.keep("key", Verdict(float("inf"), "audio", 0.01), device="cuda")
    assert not kept.find("key").is_good


def test_a_session_gives_memory_back_and_answers_as_before(toy_bundle):
    session = OnnxRuntime().open(toy_bundle / "encode.onnx", settings_for("cpu"))
    inputs = {"audio": np.random.default_rng(0).random((4, 1, 4096)).astype(np.float32)}
    before = session.run(inputs)
    session.shrink()
    np.testing.assert_array_equal(session.run(inputs)["latents"], before["latents"])
    assert session.placement == {}
    assert isinstance(session.placement, dict)
    assert Counter() == sum(session.placement.values(), Counter())
    assert devices.card_of(999) is None


@pytest.mark.parametrize("library", [None, b"this is no library"], ids=["missing", "damaged"])
def test_a_plug_in_whose_library_does_not_load_is_told_of_and_another_device_answers(
    library, toy_bundle, tmp_path, mix, monkeypatch
):
    """The package is there, as pip would have it, and ONNX Runtime itself refuses its library."""
    there = tmp_path / "packages" / "onnxruntime_ep_webgpu"
    there.mkdir(parents=True)
    path = there / "libonnxruntime_providers_webgpu.so"
    if library is not None:
        path.write_bytes(library)
    (there / "__init__.py").write_text(f"def get_library_path():\n    return {str(path)!r}\n")
    monkeypatch.syspath_prepend(there.parent)
    monkeypatch.setattr(onnx_plugins, "_registered", {})
    monkeypatch.setitem(sys.modules, there.name, sys)  # so that what is imported here is forgotten afterwards
    del sys.modules[there.name]
    pipeline = Pipeline(lambda name: toy_bundle)
    request = Request(
        task="isolate", prompts=("violin",), input=str(mix), out=str(tmp_path), render="flow", bundle="toy"
    )
    done = pipeline.run(request, lambda fraction, stage: None, lambda: None)
    assert done.device == CPU
    [note] = done.results[0].notes
    assert note.startswith("webgpu was not used: the library of onnxruntime_ep_webgpu does not load: ")
    with pytest.raises(DeviceError, match="device webgpu cannot be used: the library of onnxruntime_ep_webgpu"):
        pipeline.run(replace(request, device="webgpu"), lambda fraction, stage: None, lambda: None)


def test_a_provider_of_a_plug_in_is_a_row_and_its_package_is_its_install(toy_bundle):
    project = tomllib.loads((Path(__file__).resolve().parents[3] / "pyproject.toml").read_text("utf-8"))["project"]
    extras = project["optional-dependencies"]
    for kind, row in ROWS.items():
        if row.module:
            assert row.install == f"fluxstem[{kind}]"
            assert any(line.startswith(row.module.replace("_", "-")) for line in extras[kind]), kind


def doctors_findings(bundle, folder, faults):
    """What the doctor says of a machine with these devices, and the rows it says it from."""

    def open_backend(device):
        return OnnxBackend(device, FakeRuntime(faults, OnnxRuntime()), VerdictFile(folder / "verdicts"))

    graphs = [bundle / f"{name}.onnx" for name in ("encode", "step")]
    rows = doctor.try_devices(open_backend, graphs, lambda device: device in faults)
    findings = doctor.examine(lambda package: "1", lambda: json.loads(json.dumps(rows)))
    return findings, list(doctor.lines(findings))


# How a device treats the graphs of a bundle -> what the doctor says of it.
GRAPHS_TOLD = {
    "takes all": (DeviceFault(), [f"encode.onnx: operations 3 on {CUDA}"]),
    "leaves some": (
        DeviceFault(leaves=("Conv", "Shape")),
        [f"encode.onnx: operations 3 on {CUDA}, 2 on {CPU}; left to the CPU: Conv, Shape",
         "note: 1 of 4 large operations of step.onnx run on the CPU (Conv), because cuda did not take them"],
    ),
    "says one thing and does another": (
        DeviceFault(hides=("LSTM",)), [f"step.onnx: operations 3 on {CUDA}, 1 on {CPU}; left to the CPU: LSTM"]
    ),
    "fails in the middle": (
        DeviceFault(opens=2),
        ["note: cuda was not used: cudnn64_9 is of version 8, and 9 is needed", "encode.onnx: operations "],
    ),
    "gives wrong numbers": (DeviceFault(wrong=0.5), ["differs from the CPU's by"]),
}  # fmt: skip


@pytest.mark.parametrize("how", GRAPHS_TOLD, ids=str)
def test_the_doctor_names_what_each_operation_really_ran_on(how, toy_bundle, tmp_path):
    fault, expected = GRAPHS_TOLD[how]
    findings, lines = doctors_findings(toy_bundle, tmp_path, {"cuda": fault})
    assert all(any(words in line for line in lines) for words in expected), lines
    assert "placements" not in findings["devices"][0]


def test_a_machine_without_a_card_has_no_graph_looked_at(toy_bundle, tmp_path):
    findings, _ = doctors_findings(toy_bundle, tmp_path, {})
    assert findings["placements"] == {}
    assert findings["device_notes"] == []


def test_a_profile_of_a_real_run_names_every_node_that_ran(toy_bundle):
    ran = OnnxRuntime().nodes_run(toy_bundle / "encode.onnx", settings_for("cpu"))
    assert list(ran) == [CPU]
    assert sum(ran[CPU].values()) >= 1
    assert all(name.isidentifier() for name in ran[CPU])


def test_a_profiler_that_fails_leaves_what_the_runtime_said_before(toy_bundle, tmp_path):
    class NoProfile(FakeRuntime):
        def nodes_run(self, path, settings):
            raise RuntimeError("no profiler here")

    backend = OnnxBackend("cuda", NoProfile({"cuda": DeviceFault()}, OnnxRuntime()), VerdictFile(tmp_path / "v"))
    backend.open(toy_bundle / "encode.onnx")
    assert backend.nodes_run(toy_bundle / "encode.onnx") == {}
    assert backend.placements["encode.onnx"][CUDA]


def test_a_device_that_breaks_down_whenever_it_is_tried_is_left_alone_by_the_next_process(toy_bundle, tmp_path, mix):
    broken = {"cuda": DeviceFault(lost_runs=0)}
    with pytest.raises(DeviceLost):
        Machine(toy_bundle, tmp_path, broken).job(mix)
    done = Machine(toy_bundle, tmp_path, broken).job(mix)  # the process that takes the other's place
    assert done.device == CPU
    assert any("it ended the engine's process when" in note for note in done.results[0].notes)
    with pytest.raises(DeviceLost):  # who asks for it by name gets it
        Machine(toy_bundle, tmp_path, broken).job(mix, "cuda")


def test_a_trial_that_ends_its_process_without_a_word_counts_and_one_under_way_does_not(toy_bundle, tmp_path):
    verdicts = VerdictFile(tmp_path)
    script = "import os, sys; from engine.runtime.self_test import VerdictFile; from pathlib import Path\n"
    script += "with VerdictFile(Path(sys.argv[1])).trial('key'): os._exit(1)"
    for _ in range(2):
        assert not verdicts.ends_processes("key")
        subprocess.run([sys.executable, "-c", script, str(tmp_path)], check=False)
    assert verdicts.ends_processes("key")
    assert not verdicts.ends_processes("another")
    for mark in tmp_path.glob("key.*"):
        os.utime(mark, (0, 0))
    assert not verdicts.ends_processes("key"), "a day later it is tried again"
    assert not list(tmp_path.glob("key.*"))
    with verdicts.trial("key"), verdicts.trial("other"):
        assert not verdicts.ends_processes("key")
    with pytest.raises(ValueError, match="wrong"), verdicts.trial("key"):
        raise ValueError("wrong")
    assert not list(tmp_path.iterdir())


MAKING = {"task": "regenerate", "candidates": 4, "guidance": 2.0, "steps": 2, "render": "masked"}


@pytest.mark.parametrize("fault", [
    DeviceFault(most_rows=4), DeviceFault(most_rows=2), *(DeviceFault(memory_runs=runs) for runs in range(6, 16)),
], ids=str)  # fmt: skip
def test_memory_that_is_full_while_sound_is_made_changes_no_sample(fault, toy_bundle, tmp_path, mix):
    """Fewer candidates at once, or from the beginning on the CPU; what was kept on the card before is not lost."""
    done = Machine(toy_bundle, tmp_path, {"cuda": fault}).job(mix, **MAKING)
    assert done.device == (CUDA if fault.most_rows else CPU)
    (tmp_path / "cpu").mkdir()
    expected = Machine(toy_bundle, tmp_path / "cpu", {}).job(mix, **MAKING)
    assert len(done.results) == 4
    for got, wanted in zip(done.results, expected.results, strict=True):
        np.testing.assert_array_equal(*(soundfile.read(one.stem)[0] for one in (got, wanted)))
