"""Mask decoders with and without the flow's estimates: fair from the start, and compared question by question."""

import numpy as np
import pytest
import torch

from engine.bundle.bundle import load_bundle
from export.flow_estimate import (
    ARMS,
    FRAMES,
    ArmTrial,
    FlowEstimator,
    audio_of,
    judged,
    prepared,
    samples_of,
    table,
    trained,
    with_estimate,
)
from training.mask.mixing import spectrum_of
from training.mask.network import BINS, NetworkConfig, PromptedUNet
from training.mask.render import SAMPLES, Row, write_rows
from training.mask.stems import StemPool
from training.mask.terms import TERMS, term_number
from training.mask.train import MaskConfig, Training

RNG = np.random.default_rng(3)
TIME_S = np.arange(samples_of(FRAMES)) / 44_100


@pytest.fixture(scope="module")
def stems(tmp_path_factory):
    folder = tmp_path_factory.mktemp("stems")
    time_s = np.arange(SAMPLES) / 44_100
    tones = [0.2 * np.sin(2 * np.pi * hertz * time_s)[None].astype(np.float32) for hertz in (110, 880)]
    named = zip(tones, ("electric-bass", "violin"), strict=True)
    write_rows(folder, "shard-00000", [Row(t, {"family": f, "source": f"bank:{f}", "piece": "a"}) for t, f in named])
    return folder


def test_audio_comes_back_from_its_spectrum():
    wave = (0.3 * np.sin(2 * np.pi * 440 * TIME_S)).astype(np.float32)
    back = audio_of(spectrum_of(wave)[None])[0]
    np.testing.assert_allclose(back[4096:-4096], wave[4096:-4096], atol=2e-3)


def test_the_flow_hears_the_prompt_it_is_given(small_bundle):
    estimator = FlowEstimator(load_bundle(small_bundle))
    mix = (0.2 * np.sin(2 * np.pi * 110 * TIME_S) + 0.05 * RNG.standard_normal(len(TIME_S))).astype(np.float32)
    bass, violin = (estimator.estimate(mix, term_number(term)) for term in ("electric-bass", "violin"))
    assert bass.shape == (2, len(mix))
    assert (bass[0] ** 2).mean() > (violin[0] ** 2).mean()


def test_both_arms_begin_as_the_same_network():
    network = PromptedUNet(NetworkConfig(terms=len(TERMS))).eval()
    wider = with_estimate(network).eval()
    mix, query = torch.rand(1, 2, 64, BINS), network.queries(torch.tensor([[3]]))
    with torch.no_grad():
        torch.testing.assert_close(wider(mix, query, torch.rand(1, 2, 64, BINS))[0], network(mix, query)[0])


@pytest.mark.slow
def test_a_step_teaches_the_flow_s_input_and_both_arms_answer_the_same_questions(stems, small_bundle, tmp_path):
    network = PromptedUNet(NetworkConfig(terms=len(TERMS)))
    Training(network, MaskConfig(), tmp_path).save()
    estimator = FlowEstimator(load_bundle(small_bundle))
    for name, seed, count in (("train", 8_100, 4), ("held", 8_200, 3)):
        prepared(StemPool([stems]), estimator, seed, count, tmp_path / f"{name}.npy")
    trials = [ArmTrial(arm, 1, tmp_path / "mask.pt", [stems], [stems], tmp_path, 1, 1e-3) for arm in ARMS]
    plain, wider = (trained(trial) for trial in trials)
    assert plain.from_estimate is None
    assert wider.from_estimate is not None
    assert wider.from_estimate.weight.abs().max() > 0
    rows = [judged(trial, one) for trial, one in zip(trials, (plain, wider), strict=True)]
    assert [sorted(r) for r in rows[0]] == [sorted(r) for r in rows[1]]


def test_the_table_compares_question_by_question():
    rows = [
        {"arm": arm, "seed": seed, "question": q, "gain_db": 3.0 * q + (0.5 if arm == ARMS[1] else 0.0)}
        for arm in ARMS for seed in (1, 2) for q in range(5)
    ]  # fmt: skip
    rows += [{"arm": arm, "seed": seed, "question": 9, "level_db": -30.0} for arm in ARMS for seed in (1, 2)]
    said = table(rows)
    assert "SI-SDR gain: +0.50 dB (+0.50 to +0.50, 5 questions)" in said
    assert "level of the absent: +0.00 dB" in said
