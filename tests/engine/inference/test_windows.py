"""Windows over a clip: every frame is decided once, seams and batches cannot be heard."""

import numpy as np
import pytest
import soundfile
from fakebackend import FakeBackend

from engine.errors import DeviceError
from engine.inference.windows import Batches, OverlapAdd, plan_fill, plan_windows
from engine.pipeline import Pipeline
from engine.request import Request
from engine.runtime.backend import OutOfDeviceMemory

FRAMES = [1, 63, 64, 65, 66, 100, 118, 119, 120, 121, 500, 1_001]
HOP = 4


@pytest.mark.parametrize("frames", FRAMES)
@pytest.mark.parametrize("window", [64, 202, 256])
def test_every_frame_is_decided_by_one_window_that_sees_around_it(frames, window):
    plan = plan_windows(frames, window)
    decided = []
    for index, start in enumerate(plan.starts):
        first, last = plan.own(index)
        decided += range(first, last)
        assert start <= first < last <= start + window
        assert index == 0 or first - start >= plan.context
        assert index == len(plan.starts) - 1 or start + window - last >= plan.context
    assert decided == list(range(plan.frames))
    assert plan.frames >= frames


@pytest.mark.parametrize("frames", FRAMES)
def test_windows_of_one_sound_join_to_that_sound(frames):
    plan = plan_windows(frames, 64)
    audio_KN = np.random.default_rng(0).standard_normal((2, plan.frames * HOP)).astype(np.float32)
    joiner = OverlapAdd(plan, HOP)
    joined = [joiner.add(audio_KN[:, start * HOP : (start + 64) * HOP]) for start in plan.starts]
    np.testing.assert_allclose(np.concatenate(joined, axis=1), audio_KN, atol=1e-6)


def test_windows_that_differ_meet_in_a_cross_fade():
    plan = plan_windows(120, 64)
    joiner = OverlapAdd(plan, 100)
    level_N = np.concatenate([joiner.add(np.full((1, 6_400), i, np.float32)) for i in range(len(plan.starts))], axis=1)[
        0
    ]
    assert (np.diff(level_N) >= 0).all()
    assert np.diff(level_N).max() < 0.02


@pytest.mark.parametrize("span", [(0, 64), (10, 20), (0, 200), (150, 400), (399, 400), (30, 400)])
def test_made_windows_fill_a_span_and_start_with_what_is_known(span):
    plan = plan_fill(400, 64, span)
    assert [frame for making in plan for frame in range(*making.fill)] == list(range(*span))
    for before, making in zip([None, *plan], plan, strict=False):
        assert 0 <= making.start <= making.fill[0] < making.fill[1] <= making.start + 64 <= 400
        assert before is None or making.fill[0] - making.start >= 16


@pytest.mark.parametrize("ripple", [0.0, 0.5])
def test_the_chunk_size_cannot_be_heard(noise, run, tmp_path, ripple):
    from toybundle import write_toy_bundle

    bundle = str(write_toy_bundle(tmp_path / "rippled", ripple=ripple))
    mix = noise(seconds=2.0, subtype="FLOAT")
    stems = []
    for batch in (1, 3, 100):
        [result] = run(input=mix, bundle=bundle, batch_windows=batch).results
        stems.append(soundfile.read(result.stem, dtype="float32")[0])
    np.testing.assert_allclose(stems[1], stems[0], atol=1e-6)
    np.testing.assert_allclose(stems[2], stems[0], atol=1e-6)


def test_what_a_window_gets_wrong_at_its_edges_is_thrown_away(noise, run, tmp_path):
    from toybundle import write_toy_bundle

    bundle = str(write_toy_bundle(tmp_path / "rippled", ripple=0.5))
    mix = noise(rate_hz=16_000, channels=1, seconds=2.0, subtype="FLOAT")
    [result] = run(input=mix, bundle=bundle).results
    stem, whole = (soundfile.read(path, dtype="float32")[0] for path in (result.stem, mix))
    middle = slice(4_096, -4_096)
    # At its very edge a window claims half as much again; what is kept of it is within a third of that.
    assert np.abs(stem - 0.25 * whole)[middle].max() < 0.25 * 0.5 * 0.5 * np.abs(whole).max()
    assert np.abs(np.diff(stem - 0.25 * whole))[middle].max() < 0.1 * np.abs(whole).max()


def test_a_batch_that_does_not_fit_is_halved_until_it_does():
    sizes = []

    def work(batch):
        sizes.append(len(batch))
        if len(batch) > 2:
            raise OutOfDeviceMemory("too much")
        return np.array(batch)

    done = [index for batch, _ in Batches(8).run(range(7), work) for index in batch]
    assert done == list(range(7))
    assert sizes == [7, 3, 1, 1, 1, 1, 1, 1, 1] or max(sizes[2:]) <= 2


def test_a_window_that_does_not_fit_alone_is_a_device_error():
    def work(batch):
        raise OutOfDeviceMemory("too much")

    with pytest.raises(DeviceError, match="too much"):
        list(Batches(4).run(range(4), work))


def test_running_out_of_memory_changes_the_batch_and_not_the_sound(noise, toy_bundle, tmp_path):
    mix = noise(seconds=2.0, subtype="FLOAT")
    stems = []
    for most_rows in (None, 3):
        fake = FakeBackend(hop_samples=64, embedding=8, share=0.25, most_rows=most_rows)
        pipeline = Pipeline(lambda name: toy_bundle, lambda device, fake=fake: fake)
        outcome = pipeline.run(
            Request(task="isolate", prompts=("any",), input=str(mix), out=str(tmp_path), batch_windows=8),
            lambda fraction, stage: None, lambda: None,
        )  # fmt: skip
        assert outcome.device == "FakeExecutionProvider"
        stems.append(soundfile.read(outcome.results[0].stem, dtype="float32")[0])
    np.testing.assert_array_equal(stems[0], stems[1])
