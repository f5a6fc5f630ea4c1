"""A mask decoder whose graph counts its frames: whole windows answer as before, short ones as the network does."""

import shutil
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import soundfile
import torch

from engine.bundle.bundle import load_bundle
from engine.bundle.free_axes import free_axes, usual_axes
from engine.bundle.graph_check import check_graph
from engine.bundle.separation import LEAST_FRAMES
from engine.inference.masker import MaskDecoder, magnitudes
from engine.pipeline import Pipeline
from engine.request import Request
from engine.runtime.batch_axes import BatchAxes
from engine.runtime.onnx import open_session, session_options
from engine.runtime.self_test import trial_inputs
from engine.runtime.settings import SessionSettings, settings_for
from export.__main__ import main
from export.free_frames import example_inputs, free_unet_file
from export.mask import MaskGraph, real_mixes
from export.parity import TOLERANCE, difference
from training.finetune.mask import read_mask

FREE = {"frames=512": 512, "frames/2=256": 256, "frames/32=16": 16}


@pytest.fixture(scope="module")
def freed(small_bundle, tmp_path_factory):
    """The shipped bundle's mask decoder and its end, whose frames are free."""
    folder, bundle = tmp_path_factory.mktemp("freed"), load_bundle(small_bundle)
    for name in ("mask", "mask-answer"):
        shutil.copy(bundle.path(f"{name}.onnx"), folder / f"{name}.onnx")
        if not free_axes((folder / f"{name}.onnx").read_bytes()):
            assert free_unet_file(folder / f"{name}.onnx", bundle.manifest.decoder)
    return folder


def test_whole_windows_answer_bit_for_bit_as_before(small_bundle, freed):
    for name in ("mask", "mask-answer"):
        inputs = example_inputs(freed / f"{name}.onnx", 512)
        old, new = (open_session(at / f"{name}.onnx", SessionSettings()).run(inputs) for at in (small_bundle, freed))
        for output, wanted in old.items():
            np.testing.assert_array_equal(new[output], wanted)


@pytest.mark.parametrize("frames", [LEAST_FRAMES, 192])
def test_short_windows_answer_as_the_network_that_was_trained(small_bundle, freed, frames):
    network, adapter, bias = read_mask(load_bundle(small_bundle))
    mix, prompt = real_mixes(2, frames), np.random.default_rng(0).standard_normal((3, 128)).astype(np.float32)
    session = open_session(freed / "mask.onnx", SessionSettings())
    got = session.run({"mix": mix, "prompt": prompt})
    with torch.inference_mode():
        wanted = MaskGraph(network, adapter, bias)(torch.from_numpy(mix), torch.from_numpy(prompt))
    for name, one in zip(("stem", "rest", "presence"), wanted, strict=False):
        assert got[name].shape == tuple(one.shape)
        assert difference(one.numpy(), got[name]) < TOLERANCE["fp16"], name
    end = open_session(freed / "mask-answer.onnx", SessionSettings())
    again = end.run({"mix": mix, "prompt": prompt, "described": got["described"], "plane": got["plane"]})
    assert all(difference(got[name], again[name]) < 1e-5 for name in again)


def test_a_device_with_fixed_shapes_is_given_whole_windows_alone(freed):
    path = freed / "mask.onnx"
    assert free_axes(path.read_bytes()) == FREE
    options = session_options(settings_for("cuda"), free_axes(path.read_bytes()))
    fixed = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    assert [one.shape[2] for one in fixed.get_inputs() if one.name == "mix"] == [512]
    with pytest.raises(Exception, match="512"):
        fixed.run(None, example_inputs(path, LEAST_FRAMES))
    session = open_session(path, SessionSettings(batch_sizes=(1, 2, 4)))
    assert trial_inputs(session.inputs)["mix"].shape == (1, 2, 512, 1024)
    assert BatchAxes.of(session._session) is not None, "windows and prompts are padded as before"


def test_an_old_engine_takes_the_graph_for_what_the_manifest_says(small_bundle, freed):
    for name, graph in load_bundle(small_bundle).manifest.graphs.items():
        if name in ("mask", "mask-answer"):
            check_graph((freed / graph.file).read_bytes(), graph.inputs, graph.outputs)


@pytest.mark.parametrize(("axis", "usual"), [
    ("frames=512", 512), ("frames/32=16", 16), ("batch", "batch"), (7, 7), ("frames", "frames"),
    ("frames=0", "frames=0"), ("myframes=3", "myframes=3"), (None, None),
])  # fmt: skip
def test_what_an_axis_is_else_stands_in_its_name(axis, usual):
    assert usual_axes([axis]) == (usual,)


@pytest.mark.parametrize(
    ("frames", "window"), [(32, 128), (128, 128), (129, 192), (192, 192), (450, 512), (9_000, 512)]
)
def test_a_short_clip_has_a_window_of_as_few_frames_as_hold_it(small_bundle, frames, window):
    decoder = MaskDecoder(None, load_bundle(small_bundle).manifest.decoder)
    assert decoder.grid_for(frames).frames == 512
    decoder.takes_fewer_frames = True
    assert decoder.grid_for(frames).frames == window


@pytest.mark.slow
def test_a_bundle_with_free_frames_answers_short_clips_alike_and_long_ones_bit_for_bit(
    small_bundle, freed, tmp_path, monkeypatch, capsys
):
    made = tmp_path / "free"
    if free_axes((small_bundle / "mask.onnx").read_bytes()):
        shutil.copytree(small_bundle, made)
    else:
        assert main(["frames", str(small_bundle), str(made), "--version", "9.9.9"]) == 0
    assert main(["frames", str(made), str(tmp_path / "again")]) == 2
    assert "has frames that can be freed" in capsys.readouterr().err
    seen = []
    monkeypatch.setattr("engine.inference.masker.magnitudes", lambda audio, grid, into=None: (
        seen.append(grid.frames), magnitudes(audio, grid, into))[1])  # fmt: skip
    audio, rate_hz = soundfile.read("resources/demo/mix.flac")
    for seconds, frames in ((1.0, 128), (3.0, 192), (13.0, 512)):
        mix = tmp_path / f"{seconds:g}.wav"
        soundfile.write(mix, audio[: round(seconds * rate_hz)], rate_hz, subtype="FLOAT")
        stems = {}
        for bundle, cache in ((small_bundle, ""), (made, ""), (made, str(tmp_path / "cache"))):
            seen.clear()
            request = Request(
                task="isolate", prompts=("bass",), input=str(mix), out=str(tmp_path), bundle="any", device="cpu",
                cache=cache,
            )  # fmt: skip
            done = Pipeline(lambda name, one=bundle: one).run(request, lambda *told: None, lambda: None)
            stem, rest = (soundfile.read(path)[0] for path in (done.results[0].stem, done.results[0].rest))
            np.testing.assert_array_equal((stem + rest).astype(np.float32), soundfile.read(mix)[0].astype(np.float32))
            stems[bundle, bool(cache)] = stem
            if bundle == made:
                assert set(seen) == {frames}
        whole, short, kept = stems[small_bundle, False], stems[made, False], stems[made, True]
        if frames == 512:
            np.testing.assert_array_equal(short, whole)
        assert level_db(kept - short, short) < -50, "with what was kept of the mix, as without"


def level_db(error, of):
    return 10 * np.log10((np.square(error).mean() + 1e-12) / (np.square(of).mean() + 1e-12))


def test_benchmarks_count_the_work_of_whole_windows(freed, monkeypatch):
    monkeypatch.syspath_prepend(str(Path(__file__).parents[1] / "benchmarks"))
    from roofline import graph_work

    path = freed / "mask.onnx"
    whole = graph_work(path, {"B": 1, "P": 1})
    quarter = graph_work(path, {"B": 1, "P": 1} | {name: length // 4 for name, length in FREE.items()})
    assert whole.flops == pytest.approx(4 * quarter.flops, rel=0.05)
