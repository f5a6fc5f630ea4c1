"""Which device runs is found out, not believed."""

import logging
import subprocess
import sys

import numpy as np
import pytest
from fakebackend import FakeBackend

from engine.errors import BundleError, DeviceError
from engine.latents import SLOTS
from engine.runtime import onnx as backend
from engine.runtime import onnx_providers
from engine.runtime.backend import PROVIDERS, batch_windows, nvidia_driver_missing
from engine.runtime.select import open_backend

CPU = PROVIDERS["cpu"]
no_gpu = pytest.mark.skipif(nvidia_driver_missing() is None, reason="there is an NVIDIA driver here")


class Session:
    """What ONNX Runtime gives when the CUDA libraries do not load: a session, on the CPU."""

    def __init__(self, path, sess_options, providers, enable_fallback):
        self.asked = [provider if isinstance(provider, str) else provider[0] for provider in providers]

    def get_providers(self):
        return [CPU]

    def get_inputs(self):
        return []

    def get_outputs(self):
        return []


@pytest.fixture
def gpu_build_without_libraries(monkeypatch):
    monkeypatch.setattr(backend.ort, "get_available_providers", lambda: list(PROVIDERS.values()))
    monkeypatch.setattr(backend.ort, "InferenceSession", Session)
    monkeypatch.setattr(backend.ort, "preload_dlls", lambda: print("Failed to load libcublas"))
    monkeypatch.setattr(onnx_providers, "nvidia_driver_missing", lambda: None)


def test_auto_takes_what_the_session_really_got_and_says_why(gpu_build_without_libraries, tmp_path, caplog, capfd):
    caplog.set_level(logging.INFO)
    (tmp_path / "any.onnx").write_bytes(b"any")
    opened = open_backend("auto")
    opened.open(tmp_path / "any.onnx")
    assert opened.device == CPU
    assert "not using cuda: ONNX Runtime gave CPUExecutionProvider instead" in caplog.text
    assert capfd.readouterr().out == ""


@pytest.mark.parametrize("device", ["cuda", "tensorrt"])
def test_a_device_asked_for_by_name_is_had_or_refused(gpu_build_without_libraries, tmp_path, device):
    (tmp_path / "any.onnx").write_bytes(b"any")
    with pytest.raises(DeviceError, match=f"device {device} cannot be used: .*; choose --device auto or cpu"):
        open_backend(device).open(tmp_path / "any.onnx")


def test_a_graph_that_cannot_be_read_is_no_fault_of_the_device(gpu_build_without_libraries, tmp_path):
    with pytest.raises(BundleError, match=r"gone\.onnx cannot be read"):
        open_backend("cuda").open(tmp_path / "gone.onnx")


@no_gpu
@pytest.mark.parametrize("device", ["cuda", "tensorrt"])
def test_without_a_driver_the_gpu_is_refused_in_one_sentence(device):
    with pytest.raises(DeviceError) as refused:
        open_backend(device)
    assert "\n" not in str(refused.value)


@no_gpu
def test_without_a_driver_auto_runs_on_the_cpu_and_stdout_stays_clean(toy_bundle):
    code = (
        "import sys; from pathlib import Path; from engine.runtime.select import open_backend;"
        f"b = open_backend('auto'); b.open(Path({str(toy_bundle / 'encode.onnx')!r})); sys.stderr.write(b.device)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == ""
    assert done.stderr.endswith(CPU)


def test_a_damaged_graph_is_a_bundle_error(tmp_path):
    (tmp_path / "broken.onnx").write_bytes(b"not a graph")
    with pytest.raises(BundleError, match=r"broken\.onnx"):
        open_backend("cpu").open(tmp_path / "broken.onnx")


def test_a_wrong_shape_is_told_as_ours(toy_bundle):
    session = open_backend("cpu").open(toy_bundle / "encode.onnx")
    with pytest.raises(DeviceError, match=r"encode\.onnx could not be run"):
        session.run({"audio": np.zeros((1, 1, 7), np.float32)})


def test_the_fake_agrees_with_the_toy_bundle(toy_bundle):
    rng = np.random.default_rng(0)
    known = np.zeros((2, SLOTS, 64), np.bool_)
    known[:, 0] = True
    inputs = {
        "x": rng.standard_normal((2, SLOTS, 64, 64)).astype(np.float32), "t": known.astype(np.float32), "known": known,
        "prompt": rng.random((2, SLOTS, 8)).astype(np.float32), "dt": np.full(2, 0.5, np.float32),
    }  # fmt: skip
    fake = FakeBackend(hop_samples=64, embedding=8, share=0.25)
    for name, values in {"step": inputs, "encode": {"audio": rng.random((2, 1, 4_096)).astype(np.float32)}}.items():
        path = toy_bundle / f"{name}.onnx"
        real, made = open_backend("cpu").open(path).run(values), fake.open(path).run(values)
        assert real.keys() == made.keys()
        for key, value in real.items():
            np.testing.assert_allclose(made[key], value, atol=1e-5)


def test_the_number_of_windows_at_once_can_be_asked_for():
    assert batch_windows(CPU, 7) == 7
    assert batch_windows(CPU, None) >= 1
