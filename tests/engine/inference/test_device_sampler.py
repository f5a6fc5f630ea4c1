"""Latents that stay on a device give the plain sampler's answer bit for bit; here the device is the CPU."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from toybundle import write_toy_bundle
from toymask import SHORT

from engine.errors import BundleError, Cancelled
from engine.inference import step_graphs
from engine.inference.codec import Codec
from engine.inference.sampler import SamplerConfig, initial_noise, sample, sample_latents
from engine.latents import SLOTS, Slot
from engine.pipeline import Pipeline
from engine.request import Request
from engine.runtime.backend import OutOfDeviceMemory, resident_session
from engine.runtime.onnx import open_session
from engine.runtime.settings import BATCH_SIZES, SessionSettings
from export.step_graphs import finish, guide

PLAIN = SessionSettings()
RESIDENT = SessionSettings(resident=True)
FIXED = dataclasses.replace(RESIDENT, batch_sizes=BATCH_SIZES)
WINDOW = 64


def sampling(**how):
    return SamplerConfig(**{"steps": 4, "guidance": 1.0, "start": "noise", "seed": 3, **how})


def opened(bundle, settings):
    return [open_session(bundle / f"{name}.onnx", settings) for name in ("step", "encode", "decode")]


def given(rows, seed=0):
    """Start, known latents and prompts of some windows of the toy bundle; a third of the latents is known."""
    rng = np.random.default_rng(seed)
    start = initial_noise(sampling(), range(rows), (SLOTS, WINDOW, WINDOW))
    known = rng.random((rows, SLOTS, WINDOW)) < 1 / 3
    return start, known, rng.random((rows, SLOTS, 8), np.float32)


@pytest.mark.parametrize("settings", [RESIDENT, FIXED], ids=["as given", "fixed sizes"])
@pytest.mark.parametrize("how", [
    {"steps": 1, "start": "zeros"}, {"guidance": 0.0}, {"guidance": 2.5}, {"guidance": 2.5, "guide": ("prompt",)},
    {"strength": 0.6, "guidance": 3.0}, {"strength": 0.0},
])  # fmt: skip
def test_steps_on_the_device_are_the_plain_steps_bit_for_bit(toy_bundle, how, settings):
    plain, there = (open_session(toy_bundle / "step.onnx", one) for one in (PLAIN, settings))
    assert resident_session(plain) is None
    assert resident_session(there) is there
    for rows in (1, 3, 5):  # the second and third are padded where sizes are fixed
        expected, found = (sample(graph, *given(rows), sampling(**how), check=lambda: None) for graph in (plain, there))
        np.testing.assert_array_equal(found, expected)


def test_one_batch_after_another_shares_nothing_but_memory(toy_bundle):
    plain, there = (open_session(toy_bundle / "step.onnx", one) for one in (PLAIN, FIXED))
    for rows, seed, guidance in ((3, 0, 2.0), (3, 1, 2.0), (4, 2, 1.0), (2, 3, 1.0), (3, 0, 2.0)):
        how = sampling(guidance=guidance)
        expected, found = (sample(graph, *given(rows, seed), how, lambda: None) for graph in (plain, there))
        np.testing.assert_array_equal(found, expected)


def test_what_is_decoded_on_the_device_is_what_is_decoded_from_arrays(toy_bundle):
    sounds = []
    for settings in (PLAIN, FIXED):
        step, encode, decode = opened(toy_bundle, settings)
        latents = sample_latents(step, *given(3), sampling(guidance=2.0), lambda: None)
        sounds.append(Codec(encode, decode).decode_slots(latents, (Slot.STEM, Slot.REST)))
    assert sounds[0].shape == (2, 3, WINDOW * 64)
    np.testing.assert_array_equal(*sounds)


def test_a_stop_is_noticed_between_steps_on_the_device(toy_bundle):
    asked = []

    def check():
        asked.append(None)
        if len(asked) == 3:
            raise Cancelled("stopped")

    with pytest.raises(Cancelled):
        sample(open_session(toy_bundle / "step.onnx", RESIDENT), *given(1), sampling(steps=10), check)
    assert len(asked) == 3


def test_no_number_that_comes_from_the_device_passes(toy_bundle):
    start, known, prompt = given(1)
    start[0, Slot.STEM], known[0, Slot.STEM] = np.nan, True
    step, encode, decode = opened(toy_bundle, RESIDENT)
    latents = sample_latents(step, start, known, prompt, sampling(), lambda: None)
    with pytest.raises(BundleError, match="decode graph answered with values that are no numbers"):
        Codec(encode, decode).decode_slots(latents, (Slot.STEM,))


def test_the_small_graphs_are_those_that_are_written_down():
    assert guide().SerializeToString() == step_graphs.GUIDE
    assert finish().SerializeToString() == step_graphs.FINISH


def test_tensors_keep_their_address_until_memory_runs_out(toy_bundle, monkeypatch):
    session = open_session(toy_bundle / "step.onnx", RESIDENT)
    first = session.keep("x", (2, 3), np.float32)
    first.update(np.ones((2, 3), np.float32))
    assert session.keep("x", (2, 3), np.float32) is first
    assert session.keep("x", (4, 3), np.float32) is not first

    class Full:
        def io_binding(self):
            raise RuntimeError("CUDA failure 2: out of memory")

    monkeypatch.setattr(session, "_session", Full())
    with pytest.raises(OutOfDeviceMemory):
        session.run_resident({}, {})
    assert session.keep("x", (2, 3), np.float32) is not first


@pytest.fixture(scope="module")
def mask_bundle(tmp_path_factory):
    return write_toy_bundle(tmp_path_factory.mktemp("bundles") / "soft", decoder=SHORT, soft=20.0)


class Resident:
    """A backend whose graphs keep their tensors, on the CPU."""

    device = "CPUExecutionProvider"

    def open(self, path):
        return open_session(path, FIXED)


@pytest.mark.parametrize("render", ["masked", "flow", "decoded"])
def test_a_whole_job_on_resident_graphs_writes_the_same_files(mask_bundle, noise, tmp_path, render):
    written, mix = [], noise(seconds=4.0)
    for name, backend in (("plain", None), ("resident", lambda device: Resident())):
        out = tmp_path / name
        out.mkdir()
        how = {} if backend is None else {"backend": backend}
        request = Request(
            task="isolate", prompts=("bass",), input=str(mix), out=str(out), render=render, device="cpu",
            bundle=str(mask_bundle), batch_windows=12,
        )  # fmt: skip
        done = Pipeline(lambda name: mask_bundle, **how).run(request, lambda *told: None, lambda: None)
        written.append([Path(path).read_bytes() for path in (done.results[0].stem, done.results[0].rest)])
    assert written[0] == written[1]
