"""An ensemble of networks of different kinds answers with the mean of their logits, whoever asks."""

import json

import numpy as np
import pytest
import torch

from training.__main__ import main
from training.mask.band_split import build_network
from training.mask.judge import load_average, load_ensemble, network_masker
from training.mask.network import NetworkConfig
from training.mask.render import SAMPLES, Row, write_rows
from training.mask.terms import TERMS
from training.mask.train import MaskConfig, Training

MIX = torch.rand(2, 2, 64, 1024, generator=torch.Generator().manual_seed(8))
BANDS = {"bands": 16, "query": 24, "describe": 8}
WIDER = {"bands": 24, "query": 32, "describe": 16}


def run(folder, seed, **settings):
    torch.manual_seed(seed)
    Training(build_network(NetworkConfig(**{"terms": len(TERMS), **settings})), MaskConfig(), folder).save()
    return folder / "mask.pt"


@pytest.fixture(scope="module")
def checkpoints(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs")
    return [run(folder / "bands", 1, **BANDS), run(folder / "unet", 2, attention=0, dense=False)]


@torch.no_grad()
def test_masks_and_presence_are_the_means_of_both_networks_logits(checkpoints):
    both, alone = load_ensemble(checkpoints), [load_average(path) for path in checkpoints]
    terms = torch.tensor([[3, 7, 3], [0, 1, 2]])
    masks, presence = zip(*(network(MIX, network.queries(terms)) for network in alone), strict=True)
    got = both(MIX, both.queries(terms))
    torch.testing.assert_close(got[0], (masks[0] + masks[1]) / 2)
    torch.testing.assert_close(got[1], (presence[0] + presence[1]) / 2)
    assert (masks[0] - masks[1]).abs().max() > 0.01


@torch.no_grad()
def test_answers_from_the_encoding_are_those_of_the_whole_network(checkpoints):
    both = load_ensemble(checkpoints)
    described, plane = both.encode(MIX)
    assert described.shape == (2, both.config.describe, 32, 512)
    assert plane.shape == (2, 256, 2, both.plane_bins)
    query = both.queries(torch.tensor([[5], [6]]))
    for one, other in zip(both.answer(MIX, described, plane, query), both(MIX, query), strict=True):
        torch.testing.assert_close(one, other)


def test_one_checkpoint_is_the_network_itself(checkpoints):
    ours, theirs = load_ensemble(checkpoints[:1]).state_dict(), load_average(checkpoints[0]).state_dict()
    assert list(ours) == list(theirs)


@pytest.mark.parametrize("settings", [{"terms": 4, **BANDS}, {"estimate": True, "dense": False, "attention": 0}])
def test_networks_that_cannot_answer_the_same_question_are_refused(checkpoints, tmp_path, settings):
    with pytest.raises(ValueError, match="must know the same terms, and take no estimates"):
        load_ensemble([checkpoints[0], run(tmp_path, 3, **settings)])


def test_both_are_judged_as_one(tmp_path, capsys):
    rng = np.random.default_rng(4)
    rows = [
        Row(0.1 * rng.standard_normal((1, SAMPLES)).astype(np.float32), {"family": name, "source": name, "piece": name})
        for name in ("violin", "flute", "electric-bass", "cello")
    ]
    write_rows(tmp_path / "stems", "shard-00000", rows)
    paths = [run(tmp_path / "a", 1, **BANDS), run(tmp_path / "b", 2, **WIDER)]
    asked = ["--stems", str(tmp_path / "stems"), "--each", "1", "--threads", "1", "--plain"]
    found = {}
    for name, beside in (("a", []), ("b", []), ("both", ["--beside", str(paths[1])])):
        out = tmp_path / f"{name}.json"
        assert main(["mask-judge", str(paths[name == "b"]), *beside, *asked, "--rows", str(out)]) == 0
        found[name] = np.array([row["presence"] for row in json.loads(out.read_text())])
    assert "duet" in capsys.readouterr().out
    assert (found["both"] <= np.maximum(found["a"], found["b"])).all()
    assert all(np.abs(found["both"] - found[name]).max() > 1e-4 for name in "ab")


@torch.no_grad()
def test_the_mask_of_both_has_the_geometric_mean_of_their_odds(checkpoints):
    audio = 0.1 * torch.randn(2, 44_100, generator=torch.Generator().manual_seed(6))
    odds = [
        mask / (1 - mask)
        for paths in (checkpoints[:1], checkpoints[1:], checkpoints)
        for mask, _ in [network_masker(load_ensemble(paths), None)(audio, 4)]
    ]
    torch.testing.assert_close(odds[2], (odds[0] * odds[1]).sqrt(), rtol=1e-3, atol=1e-4)
