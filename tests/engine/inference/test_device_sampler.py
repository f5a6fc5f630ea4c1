"""Latents that stay on a device give the plain sampler's answer bit for bit; here the device is the CPU."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from fakecudart import FakeCudart
from toybundle import write_toy_bundle
from toymask import SHORT

from engine.audio.disk_array import DiskArray
from engine.errors import BundleError, Cancelled
from engine.inference import step_graphs
from engine.inference.codec import Codec
from engine.inference.resident_latents import ResidentLatents, WindowStore
from engine.inference.sampler import SamplerConfig, initial_noise, sample, sample_latents
from engine.inference.windows import lay_windows
from engine.latents import SLOTS, Slot
from engine.pipeline import Pipeline
from engine.request import Request
from engine.runtime.backend import OutOfDeviceMemory, resident_session
from engine.runtime.onnx import open_session
from engine.runtime.settings import BATCH_SIZES, SessionSettings
from engine.runtime.transfers import PinnedTransfers, PlainTransfers
from export.step_graphs import begin, finish, gather, guide

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
    assert begin().SerializeToString() == step_graphs.BEGIN
    assert guide().SerializeToString() == step_graphs.GUIDE
    assert finish().SerializeToString() == step_graphs.FINISH
    assert gather().SerializeToString() == step_graphs.GATHER


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

    def __init__(self, transfers=None):
        self.transfers = transfers

    def open(self, path):
        return open_session(path, FIXED, self.transfers)


class Watched(PlainTransfers):
    """Remembers what comes down to the host."""

    def __init__(self):
        self.came_down = []

    def download(self, value, kind, first, last):
        self.came_down.append(tuple(value.shape()))
        return super().download(value, kind, first, last)


@pytest.mark.parametrize("copies", [PlainTransfers, lambda: PinnedTransfers(FakeCudart(), 0)], ids=["plain", "pinned"])
@pytest.mark.parametrize("render", ["masked", "flow", "decoded"])
def test_a_whole_job_on_resident_graphs_writes_the_same_files(mask_bundle, noise, tmp_path, render, copies):
    written, mix = [], noise(seconds=4.0)
    for name, backend in (("plain", None), ("resident", Resident(copies()))):
        out = tmp_path / name
        out.mkdir()
        how = {} if backend is None else {"backend": lambda device, one=backend: one}
        request = Request(
            task="isolate", prompts=("bass",), input=str(mix), out=str(out), render=render, device="cpu",
            bundle=str(mask_bundle), batch_windows=12,
        )  # fmt: skip
        done = Pipeline(lambda name: mask_bundle, **how).run(request, lambda *told: None, lambda: None)
        written.append([Path(path).read_bytes() for path in (done.results[0].stem, done.results[0].rest)])
    assert written[0] == written[1]


class NoArrays:
    """A graph that is only run on tensors of its device."""

    def __init__(self, session):
        self.resident = session

    def run(self, inputs, wanted=()):
        raise AssertionError("arrays went in and came out")


class OnDevice(Resident):
    def open(self, path):
        return super().open(path) if path.stem == "text" else NoArrays(super().open(path))


def test_latents_of_a_job_never_come_down(mask_bundle, noise, tmp_path):
    watched = Watched()
    request = Request(
        task="isolate", prompts=("bass",), input=str(noise(seconds=4.0)), out=str(tmp_path), render="flow",
        bundle=str(mask_bundle), batch_windows=4, guidance=2.0, steps=3,
    )  # fmt: skip
    how = {"backend": lambda device: OnDevice(watched)}
    Pipeline(lambda name: mask_bundle, **how).run(request, lambda *told: None, lambda: None)
    assert set(watched.came_down) <= {(), *((rows, 1, WINDOW * 64) for rows in (2, 4, 8))}  # one number, and sound
    assert any(watched.came_down)


# Each task that makes sound: windows that go on from one another, candidates, guidance, and a part of the path.
MADE = {
    "regenerate": {"task": "regenerate", "candidates": 3, "guidance": 2.0},
    "one step": {"task": "regenerate", "steps": 1, "start": "zeros"},
    "generate": {"task": "generate", "input": None, "seconds": 3.0, "guidance": 1.5, "candidates": 2},
    "inpaint": {"task": "inpaint", "regions_s": ((0.4, 0.9), (1.5, 3.5)), "candidates": 2},
    "a mix": {"task": "inpaint", "region_s": (0.5, 3.0), "slot": "mix"},
    "extend": {"task": "extend", "seconds": 2.5},
    "restyle": {"task": "restyle", "strength": 0.5, "guidance": 3.0, "candidates": 3},
    "replace": {"task": "replace", "replacement": "flute", "strength": 0.7, "region_s": (0.5, 2.5), "candidates": 2},
    "replace by flow": {"task": "replace", "replacement": "flute", "render": "flow"},
    "arrange": {"task": "arrange", "input": None, "seconds": 2.0, "prompts": ("drums", "bass"), "candidates": 2},
}  # fmt: skip


def made(bundle, mix, out, how, backend=None):
    """Bytes of the files of a job that makes sound."""
    out.mkdir()
    given = {"input": str(mix), "prompts": ("bass",), "steps": 3, "seed": 5, "batch_windows": 2, "device": "cpu", **how}
    backends = {} if backend is None else {"backend": lambda device: backend}
    request = Request(out=str(out), bundle=str(bundle), voice="flow", **given)
    done = Pipeline(lambda name: bundle, **backends).run(request, lambda *told: None, lambda: None)
    files = [getattr(one, part) for one in done.results for part in ("stem", "rest", "mix")]
    return [Path(path).read_bytes() for path in files if path]


@pytest.mark.parametrize("how", MADE.values(), ids=MADE)
def test_sound_is_made_on_the_device_bit_for_bit_and_latents_never_come_down(mask_bundle, noise, tmp_path, how):
    watched, mix = Watched(), noise(seconds=4.0)
    plain = made(mask_bundle, mix, tmp_path / "plain", how)
    on_device = made(mask_bundle, mix, tmp_path / "device", how, OnDevice(watched))
    assert plain
    assert plain == on_device
    assert any(shape[-1:] == (WINDOW * 64,) for shape in watched.came_down), "sound comes down"
    assert all(shape[-2:] != (WINDOW, WINDOW) for shape in watched.came_down)


def test_a_latent_that_a_step_left_and_that_is_no_number_names_the_step(toy_bundle, tmp_path, clip_latents):
    _, latents, windows = clip_latents(tmp_path, (7,))
    latents.encode(2, np.full((1, WINDOW * 64), np.nan, np.float32))
    noise, known, prompt = given(1)
    start = dataclasses.replace(latents.start(noise, [windows.starts[2]]), made_by="step")
    with pytest.raises(BundleError, match="step graph answered with values that are no numbers"):
        sample_latents(open_session(toy_bundle / "step.onnx", FIXED), start, known, prompt, sampling(), lambda: None)


def test_a_store_gives_no_window_twice(toy_bundle):
    store = WindowStore(open_session(toy_bundle / "step.onnx", FIXED), 5, (WINDOW, WINDOW))
    assert [store.take(2), store.take(3)] == [1, 3]
    with pytest.raises(IndexError, match="1 more windows"):
        store.take(1)


def test_made_sound_that_the_device_has_no_room_for_goes_through_the_host(mask_bundle, noise, tmp_path):
    class Full(PinnedTransfers):
        def upload(self, value, values):
            if values.ndim == 3 and values.shape[1:] == (WINDOW, WINDOW):
                raise RuntimeError("CUDA failure 2: out of memory")
            super().upload(value, values)

    mix, how = noise(seconds=4.0), MADE["inpaint"]
    plain = made(mask_bundle, mix, tmp_path / "plain", how)
    assert plain == made(mask_bundle, mix, tmp_path / "full", how, Resident(Full(FakeCudart(), 0)))


def test_what_is_known_of_a_mix_is_kept_in_the_cache_from_the_device_too(mask_bundle, noise, tmp_path):
    written, cache = [], str(tmp_path / "cache")
    for name, backend in (("resident", OnDevice()), ("again", OnDevice()), ("plain", None)):
        out = tmp_path / name
        out.mkdir()
        request = Request(
            task="isolate", prompts=("bass",), input=str(noise(seconds=4.0)), out=str(out), render="flow",
            bundle=str(mask_bundle), cache=cache, device="cpu",
        )  # fmt: skip
        how = {} if backend is None else {"backend": lambda device, one=backend: one}
        done = Pipeline(lambda name: mask_bundle, **how).run(request, lambda *told: None, lambda: None)
        written.append(Path(done.results[0].stem).read_bytes())
        assert (done.timings["encode"] > 0) == (name == "resident")
    assert written[0] == written[1] == written[2]


@pytest.fixture
def clip_latents(toy_bundle):
    """Latents of the same clip on disk and on the device, of seven windows, whose batch sizes are given."""
    held = []

    def make(tmp_path, sizes):
        grid_audio = np.random.default_rng(5).standard_normal((7, WINDOW * 64), np.float32)
        windows = lay_windows(6 * 40 + WINDOW, WINDOW, 8, 8)
        assert len(windows.starts) == 7
        plain, there = (open_session(toy_bundle / "encode.onnx", one) for one in (PLAIN, FIXED))
        latents, at = ResidentLatents(there, windows, WINDOW), 0
        rows = DiskArray(tmp_path, WINDOW)
        held.extend([latents, rows])
        for size in sizes:
            latents.encode(at, grid_audio[at : at + size])
            at += size
        for number, z_DL in enumerate(plain.run({"audio": grid_audio[:, None]})["latents"]):
            first, last = windows.own(number)
            rows.append(z_DL[:, first - windows.starts[number] : last - windows.starts[number]].T)
        return rows, latents, windows

    yield make
    for one in held:
        one.close()


@pytest.mark.parametrize("sizes", [(7,), (4, 3), (1, 2, 4)])
@pytest.mark.parametrize("guidance", [1.0, 2.0])
def test_steps_begin_with_the_encoders_own_latents_as_with_those_on_disk(
    toy_bundle, tmp_path, clip_latents, sizes, guidance
):
    rows, latents, windows = clip_latents(tmp_path, sizes)
    plain, there = (open_session(toy_bundle / "step.onnx", one) for one in (PLAIN, FIXED))
    for some in ([0, 1, 2], [3], [4, 5, 6]):
        starts = [windows.starts[one] for one in some]
        noise, _, prompt = given(len(some))
        known = np.zeros((len(some), SLOTS, WINDOW), bool)
        known[:, Slot.MIX] = True
        start = latents.start(noise, starts)
        found = sample_latents(there, start, known, prompt, sampling(guidance=guidance), lambda: None).numpy()
        for row, at in enumerate(starts):
            noise[row, Slot.MIX] = rows.read(at, at + WINDOW).T
        expected = sample(plain, noise, known, prompt, sampling(guidance=guidance), lambda: None)
        np.testing.assert_array_equal(found, expected)
    with latents.onto_disk(tmp_path) as copy:
        np.testing.assert_array_equal(copy.read(0, copy.rows), rows.read(0, rows.rows))


@pytest.mark.parametrize("wrong", [np.nan, np.inf])
def test_no_latent_of_the_encoder_passes_that_is_no_number(toy_bundle, tmp_path, clip_latents, wrong):
    _, latents, windows = clip_latents(tmp_path, (7,))
    audio = np.zeros((1, WINDOW * 64), np.float32)
    audio[0, WINDOW * 32] = wrong  # in a frame that is read from this window
    latents.encode(2, audio)
    noise, known, prompt = given(2)
    step = open_session(toy_bundle / "step.onnx", FIXED)
    sample_latents(step, latents.start(noise, windows.starts[5:7]), known, prompt, sampling(), lambda: None)
    with pytest.raises(BundleError, match="encode graph answered with values that are no numbers"):
        sample_latents(step, latents.start(noise, windows.starts[2:4]), known, prompt, sampling(), lambda: None)
    with pytest.raises(BundleError, match="encode graph answered"):
        latents.onto_disk(tmp_path)


TOO_LARGE = {  # what the device has no room for, and how the job is asked
    "latents": (lambda values: values.ndim == 3 and values.shape[1:] == (WINDOW, WINDOW), {"render": "flow"}),
    "magnitudes": (
        lambda values: values.ndim == 4 and values.shape[1] == 2 and len(values) > 1, {"batch_windows": 16}
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", TOO_LARGE)
def test_what_the_device_has_no_room_for_goes_another_way_to_the_same_samples(what, mask_bundle, noise, tmp_path):
    too_large, asked = TOO_LARGE[what]

    class Full(PinnedTransfers):
        def upload(self, value, values):
            if too_large(values):
                raise RuntimeError("CUDA failure 2: out of memory")
            super().upload(value, values)

    written = []
    for name, copies in (("full", Full(FakeCudart(), 0)), ("room", PlainTransfers())):
        out = tmp_path / name
        out.mkdir()
        request = Request(
            task="isolate", prompts=("bass",), input=str(noise(seconds=4.0)), out=str(out), bundle=str(mask_bundle),
            **asked,
        )  # fmt: skip
        how = {"backend": lambda device, copies=copies: Resident(copies)}
        done = Pipeline(lambda name: mask_bundle, **how).run(request, lambda *told: None, lambda: None)
        written.append(Path(done.results[0].stem).read_bytes())
    assert written[0] == written[1]
