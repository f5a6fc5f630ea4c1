"""A mask decoder cuts the user's own mix: any rate, any length, exact sums, and the same answer however it is run."""

import contextlib
import itertools
import json
import threading
import types
from pathlib import Path

import numpy as np
import pytest
import soundfile
from toybundle import SHARES, write_toy_bundle
from toymask import SHORT, weights

import engine.separation.by_mask
from engine.audio.stft import window_samples
from engine.errors import Cancelled, NotHeard, RequestError
from engine.events import BIT_FOR_BIT_DB
from engine.pipeline import Pipeline
from engine.provenance import rerun_request
from engine.request import Request
from engine.runtime.backend import PROVIDERS
from engine.runtime.onnx import open_session
from engine.runtime.settings import SessionSettings
from engine.separation.stereo_section import shares_of

RATE_HZ, N, HOP = SHORT.rate_hz, SHORT.fft_samples, SHORT.hop_samples
WINDOW_SAMPLES = SHORT.frames * HOP
OPEN = np.tanh(5)  # a loud block's presence in the toy


def read(path):
    return soundfile.read(path, dtype="float64", always_2d=True)[0]


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    """A toy whose masks are the same wherever there is sound."""
    return str(write_toy_bundle(tmp_path_factory.mktemp("bundles") / "plain", decoder=SHORT))


@pytest.fixture(scope="module")
def soft(tmp_path_factory):
    """A toy whose masks depend on the mix in their own frame and bin."""
    return str(write_toy_bundle(tmp_path_factory.mktemp("bundles") / "soft", decoder=SHORT, soft=20.0))


def spectra(audio_NC, n, hop):
    """Spectra with their middles on whole hops, (channels, frames, bins)."""
    window_N = np.hanning(n + 1)[:-1]
    hops = len(audio_NC) // hop + 3
    padded = np.pad(audio_NC, ((n // 2, hops * hop + n), (0, 0)))
    frames = np.stack([padded[at * hop : at * hop + n] for at in range(hops)])
    return np.fft.rfft(frames * window_N[:, None], axis=1).transpose(2, 0, 1)


def resynthesised(spectra_CLF, n, hop, samples):
    window_N = np.hanning(n + 1)[:-1]
    out = np.zeros((spectra_CLF.shape[1] * hop + 2 * n, len(spectra_CLF)))
    for at, frame_CF in enumerate(spectra_CLF.transpose(1, 0, 2)):
        out[at * hop : at * hop + n] += (np.fft.irfft(frame_CF, n=n) * window_N).T / 1.5
    return out[n // 2 : n // 2 + samples]


def reference(mix_NC, share, soft):
    """The whole answer at once, at 44.1 kHz stereo, from nothing but NumPy."""
    gain = 10 ** (SHORT.level_db / 20) / np.sqrt(np.mean(mix_NC**2))
    found_CLF = spectra(mix_NC, N, HOP)
    loud_CLF = np.abs(found_CLF[:, :, : SHORT.bins]) * gain
    mask_CLF = share * weights(SHORT)[:, None] * loud_CLF / (loud_CLF + soft + 1e-9)
    top = int(np.ceil(8_000 * N / RATE_HZ))
    above_CL1 = mask_CLF[:, :, top:].mean(axis=2, keepdims=True)
    whole_CLF = np.concatenate([mask_CLF, np.repeat(above_CL1, N // 2 + 1 - SHORT.bins, axis=2)], axis=2)
    return resynthesised(found_CLF * whole_CLF, N, HOP, len(mix_NC))


@pytest.mark.parametrize("seconds", [3.0, 11.0])
def test_the_stream_is_what_one_look_at_everything_gives(run, noise, soft, seconds):
    mix = noise(seconds=seconds, subtype="FLOAT")
    [result] = run(input=mix, bundle=soft, prompts=("drums",)).results
    inside = slice(N + 8 * HOP, -N - 8 * HOP)  # the toy's windows are dull at their ends, also at those of the file
    expected = reference(read(mix), SHARES["drums"], 20.0)
    assert np.abs(expected[inside]).max() > 0.05
    np.testing.assert_allclose(read(result.stem)[inside], expected[inside], atol=2e-5)


@pytest.mark.parametrize(("task", "share"), [("isolate", 0.5), ("remove", 0.25)])
@pytest.mark.parametrize("rate_hz", [22_050, 44_100, 48_000, 96_000])
@pytest.mark.parametrize("channels", [1, 2, 6])
def test_every_rate_and_channel_gets_its_mask(run, tmp_path, plain, task, share, rate_hz, channels):
    """A tone at 1 kHz and one at 5 kHz in each channel: their gains are known."""
    time_s = np.arange(3 * rate_hz) / rate_hz
    tones = [0.05 * np.sin(2 * np.pi * f * time_s) for f in (1_000, 5_000)]
    mix = tmp_path / "mix.wav"
    soundfile.write(mix, np.repeat(np.sum(tones, axis=0)[:, None], channels, axis=1), rate_hz, subtype="FLOAT")
    [result] = run(task=task, input=mix, prompts=("bass",), bundle=plain).results
    inside = slice(rate_hz, 2 * rate_hz)
    expected = shares_of(channels) @ np.array([[1.0, 0.5], [0.8, 0.25]]) * share
    for channel_N, gains in zip(read(result.stem)[inside].T, expected, strict=True):
        found = [2 * np.abs(np.mean(channel_N * np.exp(-2j * np.pi * f * time_s[inside]))) for f in (1_000, 5_000)]
        np.testing.assert_allclose(np.array(found) / 0.05, gains, atol=2e-3)
    np.testing.assert_allclose(read(result.stem) + read(result.rest), read(mix), atol=1e-7)


def test_above_the_last_bin_the_top_of_the_band_decides(run, tmp_path, plain):
    time_s = np.arange(3 * RATE_HZ) / RATE_HZ
    tones = sum(0.05 * np.sin(2 * np.pi * f * time_s) for f in (1_000, 9_500, 16_000))
    soundfile.write(tmp_path / "mix.wav", tones, RATE_HZ, subtype="FLOAT")
    [result] = run(input=tmp_path / "mix.wav", prompts=("everything",), bundle=plain).results
    inside = slice(RATE_HZ, 2 * RATE_HZ)
    heard = 2 * np.abs(np.mean(read(result.stem)[inside, 0] * np.exp(-2j * np.pi * 16_000 * time_s[inside]))) / 0.05
    assert 0.2 < heard <= 0.376  # at most the mean of both sides; less where there is nothing in the band


@pytest.mark.parametrize("subtype", ["PCM_16", "PCM_24", "FLOAT"])
@pytest.mark.parametrize("samples", [1, 2_205, WINDOW_SAMPLES, 3 * WINDOW_SAMPLES + 1])
@pytest.mark.parametrize("task", ["isolate", "remove"])
def test_any_length_adds_up_exactly(run, tmp_path, plain, task, samples, subtype):
    mix = tmp_path / "mix.wav"
    audio = np.round(np.random.default_rng(0).uniform(-0.5, 0.5, (samples, 2)) * 2**15) / 2**15
    soundfile.write(mix, audio, RATE_HZ, subtype=subtype)
    [result] = run(task=task, input=mix, prompts=("bass",), bundle=plain).results
    stem, rest = read(result.stem), read(result.rest)
    assert len(stem) == len(rest) == samples
    np.testing.assert_array_equal(stem + rest, read(mix))
    assert result.null_db == BIT_FOR_BIT_DB
    assert result.presence_windows[0][0] == 0
    assert result.presence_windows[-1][1] == pytest.approx(samples / RATE_HZ, abs=1e-6)


def test_remove_believes_the_mask_of_the_rest(run, noise, plain):
    mix = noise(seconds=3.0, subtype="FLOAT")
    taken = read(run(task="isolate", input=mix, prompts=("bass",), bundle=plain).results[0].stem)
    removed = read(run(task="remove", input=mix, prompts=("bass",), bundle=plain).results[0].stem)
    np.testing.assert_allclose(removed, taken / 2, atol=1e-5)


@pytest.mark.parametrize("task", ["isolate", "remove"])
def test_sensitivity_moves_sound_between_stem_and_rest(run, noise, soft, task):
    mix, levels = noise(seconds=3.0, subtype="PCM_24"), []
    for sensitivity in (0.0, 0.3, 0.5, 0.8, 1.0):
        [result] = run(task=task, input=mix, prompts=("bass",), bundle=soft, sensitivity=sensitivity).results
        np.testing.assert_array_equal(read(result.stem) + read(result.rest), read(mix))
        levels.append(result.level_db)
    assert levels == sorted(levels)
    assert levels[-1] - levels[0] > 6
    [plainly] = run(task=task, input=mix, prompts=("bass",), bundle=soft).results
    assert plainly.level_db == levels[2]


def test_the_odds_are_moved_by_18_db_at_most(run, noise, plain):
    mix = noise(rate_hz=RATE_HZ, seconds=3.0, subtype="FLOAT")
    inside = slice(RATE_HZ, 2 * RATE_HZ)
    even, full = (
        read(run(input=mix, prompts=("violin",), bundle=plain, sensitivity=s).results[0].stem)[inside, 0]
        for s in (0.5, 1.0)
    )
    low = np.abs(np.fft.rfft(full)[500:1_500]).mean() / np.abs(np.fft.rfft(even)[500:1_500]).mean() * 0.25
    odds = 0.25 / 0.75 * 10 ** (18 / 20)
    assert low == pytest.approx(odds / (1 + odds), abs=5e-3)


@pytest.mark.parametrize("task", ["isolate", "remove"])
def test_the_gate_gives_what_is_not_there_to_the_rest(run, noise, plain, task):
    mix = noise(seconds=5.0, subtype="PCM_24")
    [result] = run(task=task, input=mix, prompts=("kazoo",), bundle=plain).results
    assert not read(result.stem).any()
    np.testing.assert_array_equal(read(result.rest), read(mix))
    assert result.presence < 0.02


def test_the_gate_opens_and_shuts_in_time(run, tmp_path, plain):
    """Loud, faint, loud: in the faint part the toy hears nothing of the stem."""
    rng, loud = np.random.default_rng(0), np.repeat([1.0, 1e-4, 1.0], 4 * RATE_HZ)[:, None]
    mix = tmp_path / "mix.wav"
    soundfile.write(mix, 0.1 * loud * rng.standard_normal((len(loud), 2)), RATE_HZ, subtype="FLOAT")
    [result] = run(input=mix, prompts=("bass",), bundle=plain).results
    stem, audio = read(result.stem), read(mix)
    faint, first = slice(round(5.5 * RATE_HZ), round(6.5 * RATE_HZ)), slice(RATE_HZ, 3 * RATE_HZ)
    assert np.std(stem[faint]) < 1e-3 * np.std(audio[faint])
    assert np.std(stem[first]) > 0.1 * np.std(audio[first])
    np.testing.assert_allclose(stem + read(result.rest), audio, atol=1e-7)
    there = {round(start_s): one for start_s, _, one in result.presence_windows}
    assert there[1] > 0.9 > 0.1 > there[6]
    assert result.presence > 0.9


def test_a_long_file_has_longer_windows_of_presence(run, noise, plain, monkeypatch):
    monkeypatch.setattr(engine.separation.by_mask, "WINDOWS_LIMIT", 3)
    [result] = run(input=noise(seconds=7.0), prompts=("bass",), bundle=plain).results
    assert len(result.presence_windows) == 3
    assert (result.presence_windows[0][0], result.presence_windows[-1][1]) == (0, 7)
    assert all(end_s == start_s for (_, end_s, _), (start_s, _, _) in itertools.pairwise(result.presence_windows))


def test_several_prompts_are_what_each_is_alone(run, noise, soft):
    mix = noise(seconds=7.0, subtype="PCM_24")
    prompts = ("bass", "violin", "kazoo", "drums", "everything")
    together = run(input=mix, prompts=prompts, bundle=soft).results
    assert [result.prompt for result in together] == list(prompts)
    for result in together:
        [alone] = run(input=mix, prompts=(result.prompt,), bundle=soft).results
        np.testing.assert_array_equal(read(alone.stem), read(result.stem))
        assert alone.presence_windows == result.presence_windows


def test_batches_cannot_be_heard(run, noise, soft):
    mix = noise(seconds=9.0, subtype="PCM_24")
    one, many = (run(input=mix, bundle=soft, batch_windows=windows).results[0] for windows in (1, 16))
    np.testing.assert_array_equal(read(one.stem), read(many.stem))


class Meeting:
    """A backend on whose mask graph the first two runs wait for each other, for a while."""

    device = PROVIDERS["cpu"]

    def __init__(self, patience_s):
        self.meeting, self.met = threading.Barrier(2, timeout=patience_s), []

    def open(self, path):
        session = open_session(path, SessionSettings())
        return self.met_on(session) if path.stem == "mask" else session

    def met_on(self, session):
        def run(inputs, wanted=()):
            if len(self.met) < 2:
                with contextlib.suppress(threading.BrokenBarrierError):
                    self.meeting.wait()
                self.met.append(not self.meeting.broken)
            return session.run(inputs, wanted)

        return types.SimpleNamespace(run=run)


@pytest.mark.parametrize(("seconds", "meet"), [(10.5, True), (4.0, False)])
def test_windows_of_a_long_clip_are_in_work_two_at_a_time_and_give_the_same(noise, tmp_path, soft, seconds, meet):
    backend, mix, written = Meeting(60.0 if meet else 0.5), str(noise(seconds=seconds)), []
    for how in ({"backend": lambda device: backend}, {}):
        out = tmp_path / str(len(written))
        out.mkdir()
        asked = {} if how else {"batch_windows": 4096}  # all of them in one run
        request = Request(
            task="isolate", prompts=("bass",), input=mix, out=str(out), bundle=soft, device="cpu", **asked
        )
        done = Pipeline(Path, **how).run(request, lambda *told: None, lambda: None)
        written.append([Path(getattr(done.results[0], part)).read_bytes() for part in ("stem", "rest")])
    assert written[0] == written[1]
    assert all(backend.met) == meet


def test_a_region_is_the_same_part_of_the_whole(run, noise, plain):
    mix = noise(seconds=9.0, subtype="PCM_24")
    [whole] = run(input=mix, prompts=("bass",), bundle=plain).results
    [part] = run(input=mix, prompts=("bass",), bundle=plain, region_s=(2.5, 6.0)).results
    inside = slice(round(2.5 * RATE_HZ), round(6.0 * RATE_HZ))
    np.testing.assert_array_equal(read(part.stem) + read(part.rest), read(mix)[inside])
    np.testing.assert_allclose(read(part.stem), read(whole.stem)[inside], atol=1e-4)
    assert (part.presence_windows[0][0], part.presence_windows[-1][1]) == (2.5, 6.0)


def test_a_clip_guard_asks_for_the_filter_again_and_not_for_the_masks(run, noise, plain):
    mix = noise(seconds=3.0, subtype="FLOAT", level=0.6)
    [result] = run(input=mix, prompts=("everything",), bundle=plain, format="wav24").results
    gain = 10 ** (result.gain_db / 20)
    assert result.gain_db < 0
    assert np.abs(read(result.stem) + read(result.rest) - gain * read(mix)).max() <= 2 * 2.0**-23


def test_digital_silence_gives_silence_and_no_presence(run, tmp_path, plain):
    soundfile.write(tmp_path / "silence.wav", np.zeros((20_000, 2)), RATE_HZ, subtype="PCM_24")
    [result] = run(input=tmp_path / "silence.wav", prompts=("bass",), bundle=plain).results
    assert not read(result.stem).any()
    assert not read(result.rest).any()
    assert (result.presence, result.level_db, result.null_db) == (0, None, BIT_FOR_BIT_DB)


@pytest.mark.parametrize("calls", range(2, 9))
def test_a_cancelled_job_leaves_nothing(pipeline, noise, tmp_path, plain, calls):
    asked = []

    def check():
        asked.append(None)
        if len(asked) >= calls:
            raise Cancelled("stopped")

    values = {"input": str(noise(seconds=9.0)), "out": str(tmp_path / "out"), "bundle": plain}
    with pytest.raises(Cancelled):
        pipeline.run(Request(task="isolate", prompts=("bass", "drums"), **values), lambda f, s: None, check)
    assert [path.name for path in tmp_path.iterdir()] == ["mix.wav"]


def test_progress_only_ever_rises(pipeline, noise, tmp_path, plain):
    seen = []
    values = {"input": str(noise(seconds=9.0)), "out": str(tmp_path / "out"), "bundle": plain}
    asked = Request(task="isolate", prompts=("bass", "drums"), **values)
    pipeline.run(asked, lambda fraction, stage: seen.append((fraction, stage)), lambda: None)
    fractions = [fraction for fraction, _ in seen]
    assert fractions == sorted(fractions)
    assert fractions[-1] == 1.0
    assert {"read", "separate", "mask"} <= {stage for _, stage in seen}


def test_the_flow_is_left_alone_unless_it_is_asked(run, noise, plain, toy_bundle):
    mix = noise(seconds=3.0, subtype="PCM_24")
    outcome = run(input=mix, prompts=("bass",), bundle=plain)
    assert outcome.timings["step"] == outcome.timings["encode"] == 0
    assert outcome.timings["separate"] > 0
    for render in ("flow", "decoded"):
        new, old = (run(input=mix, prompts=("bass",), bundle=one, render=render) for one in (plain, str(toy_bundle)))
        assert new.timings["step"] > 0
        np.testing.assert_array_equal(read(new.results[0].stem), read(old.results[0].stem))


def test_a_bundle_without_a_mask_decoder_answers_by_the_flow(run, noise):
    mix = noise(seconds=3.0, subtype="PCM_24")
    masked, flow = (run(input=mix, prompts=("bass",), render=render).results[0] for render in ("masked", "flow"))
    np.testing.assert_array_equal(read(masked.stem), read(flow.stem))
    clean, full = (run(input=mix, prompts=("bass",), sensitivity=s).results[0] for s in (0.0, 1.0))
    assert clean.level_db < masked.level_db < full.level_db
    np.testing.assert_array_equal(read(full.stem) + read(full.rest), read(mix))


def test_replace_takes_the_old_stem_out_by_masks(run, noise, plain):
    mix = noise(seconds=4.0, subtype="PCM_24")
    asked = {"task": "replace", "replacement": "violin", "region_s": (1.0, 3.0), "bundle": plain}
    outcome = run(input=mix, prompts=("bass",), **asked)
    [result] = outcome.results
    assert outcome.timings["separate"] > 0
    assert result.presence > 0.9
    before, rest, stem, whole = read(mix), read(result.rest), read(result.stem), read(result.mix)
    outside = np.r_[0:RATE_HZ, 3 * RATE_HZ : 4 * RATE_HZ]
    np.testing.assert_array_equal(whole[outside], before[outside])
    np.testing.assert_array_equal(rest + stem, whole)
    with pytest.raises(NotHeard, match=r"^kazoo is not heard in mix\.wav, 1-3 s \(presence 0\.0[012] of 1\)"):
        run(input=mix, prompts=("kazoo",), **asked)
    [absent] = run(input=mix, prompts=("kazoo",), anyway=True, **asked).results
    assert absent.presence < 0.02


def test_one_of_several_prompts_that_is_not_heard_is_told_before_anything_is_made(pipeline, noise, tmp_path, plain):
    stages = set()
    values = {"input": str(noise(seconds=4.0)), "out": str(tmp_path / "out"), "bundle": plain, "replacement": "violin"}
    asked = Request(task="replace", prompts=("bass", "kazoo"), **values)
    with pytest.raises(NotHeard, match=r"^kazoo is not heard"):
        pipeline.run(asked, lambda fraction, stage: stages.add(stage), lambda: None)
    assert "separate" in stages
    assert not stages & {"encode", "step", "write"}
    assert [path.name for path in tmp_path.iterdir()] == ["mix.wav"]


def test_one_answer_has_no_candidates(run, noise, plain, tmp_path):
    with pytest.raises(RequestError, match="one answer to a prompt, so 3 candidates would all be the same"):
        run(input=noise(), bundle=plain, candidates=3)
    assert not (tmp_path / "out").exists()
    assert len(run(input=noise(), bundle=plain, candidates=2, render="flow").results) == 2


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"task": "generate", "seconds": 1.0, "sensitivity": 0.6}, "generate takes no sensitivity"),
        ({"task": "replace", "replacement": "violin", "sensitivity": 0.6}, "choose isolate or remove"),
        ({"sensitivity": 1.1}, "a number from 0 to 1"),
        ({"sensitivity": float("nan")}, "a number from 0 to 1"),
        ({"sensitivity": 0.6, "render": "decoded"}, "no mask to be sensitive with"),
    ],
)
def test_a_sensitivity_that_cannot_be_is_refused(run, noise, asked, said):
    if asked.get("task") != "generate":
        asked = {"input": noise(), **asked}
    with pytest.raises(RequestError, match=said):
        run(**asked)


def test_the_sidecar_tells_how_it_was_rendered(run, noise, plain, tmp_path):
    [result] = run(input=noise(seconds=3.0, subtype="PCM_24"), prompts=("bass",), bundle=plain, sensitivity=0.8).results
    assert json.loads(Path(result.sidecar).read_text())["sensitivity"] == 0.8
    again = rerun_request(result.sidecar, out=str(tmp_path / "again"))
    assert (again.sensitivity, again.render) == (0.8, "masked")


def test_what_it_sounds_like_is_told_from_the_stem_itself(run, noise, tmp_path_factory):
    bundle = write_toy_bundle(tmp_path_factory.mktemp("bundles") / "ears", senses=("audio",), decoder=SHORT)
    [result] = run(input=noise(seconds=3.0), prompts=("bass",), bundle=str(bundle)).results
    assert -1 <= result.similarity <= 1


def test_a_mask_decoder_may_read_what_the_flow_hears(run, noise, plain, tmp_path_factory):
    """This one takes the share of the flow's estimates; the toy's flow hears the right share in all it hears."""
    bundle = write_toy_bundle(tmp_path_factory.mktemp("bundles") / "both", decoder=SHORT, estimate=True)
    mix = noise(rate_hz=16_000, channels=1, seconds=4.0, subtype="FLOAT")
    outcome = run(input=mix, prompts=("bass", "violin"), bundle=str(bundle), region_s=(1.0, 3.0))
    assert outcome.timings["step"] > 0
    alone = run(input=mix, prompts=("bass", "violin"), bundle=plain, region_s=(1.0, 3.0))
    for result, expected in zip(outcome.results, alone.results, strict=True):
        np.testing.assert_allclose(read(result.stem), read(expected.stem), atol=3e-3)
        np.testing.assert_allclose(read(result.stem) + read(result.rest), read(mix)[16_000:48_000], atol=1e-7)


def test_windows_of_analysis_do_not_depend_on_the_decoder():
    assert window_samples(RATE_HZ) == N
