"""Real tables on the tiny preset: trained, sampled, measured and printed in seconds."""

import json
import re

import numpy as np
import pytest
import torch

from training.flow.warm_start import averaged_weights
from training.papers.ablations import command
from training.papers.ablations.tables import TABLES
from training.papers.ablations.trials import FeatureMaskedStage, _hidden

pytest.importorskip("fast_bss_eval", reason="the extra bench or training has it")


@pytest.fixture(scope="module")
def ran(tiny_run, tmp_path_factory):
    """Three tables, of both bases, two steps each; two of them share a training."""
    folder = tmp_path_factory.mktemp("ablate")
    arguments = ["--preset", "tiny", "--table", "masking", "--table", "repaint", "--table", "norm", "--steps", "2"]
    arguments += ["--workers", "0", "--pool", "8", "--examples", "4", "--start", str(tiny_run.flow)]
    arguments += ["--out", str(folder / "out"), "--docs", str(folder / "page.md")]
    arguments += ["--cache", str(tiny_run.cache.folder), "--heldout", str(tiny_run.cache.folder)]
    for need in ("codec", "prompt", "scene"):
        arguments += [f"--{need}", str(getattr(tiny_run, need))]
    assert command.main(arguments) == 0
    return folder


@pytest.mark.parametrize("name", ["masking", "repaint"])
def test_every_variant_is_measured_on_every_example(ran, name):
    found = json.loads((ran / "out" / f"{name}.json").read_text("utf-8"))
    assert set(found["rows"]) == {variant.name for variant in TABLES[name].variants}
    assert found["steps"] == 2
    for row in found["rows"].values():
        assert {len(column) for column in row["values"].values()} == {4}
        assert np.isfinite(row["values"]["latent error"]).all()
        assert np.isfinite(row["loss"])
    assert len({row["weights"] for row in found["rows"].values()}) == 1


def test_variants_give_different_answers(ran):
    found = json.loads((ran / "out" / "repaint.json").read_text("utf-8"))
    errors = {name: tuple(row["values"]["latent error"]) for name, row in found["rows"].items()}
    assert len(set(errors.values())) == len(errors)


def test_a_training_that_two_tables_need_is_done_once(ran):
    out = ran / "out"
    repaint, norm = (json.loads((out / f"{name}.json").read_text("utf-8"))["rows"] for name in ("repaint", "norm"))
    assert repaint["adaptive, T 250"] == norm["group norm"]
    kept = list(out.glob("*/trained.json"))
    assert len(kept) == 3 + 2 + 2 - 1
    assert len(list(out.glob("*/measured-*.json"))) == 3 + 7 + 2 - 1
    assert {len((path.parent / "log.jsonl").read_text("utf-8").splitlines()) for path in kept} == {1}


def test_tables_with_pictures_begin_with_a_flow_that_cannot_see(ran, tiny_run):
    begun = averaged_weights(ran / "out" / f"blind-{tiny_run.flow.name}")
    seeing = averaged_weights(tiny_run.flow)
    assert set(seeing) - set(begun) == {name for name in seeing if name.startswith("scene.")} != set()
    assert f"--start {tiny_run.flow}`" in (ran / "page.md").read_text("utf-8")


def test_the_page_shows_the_tables_beside_the_papers(ran):
    text = (ran / "page.md").read_text("utf-8")
    assert re.search(r"^\| RePaint T 25, U 10 \| 2\.34 \| 2\.99 \| ", text, re.M)
    assert re.search(r"^\| inputs \| 2\.81 \| ", text, re.M)
    assert text.count("2 steps of 8 for each variant, 8 mixes, measured on 4 held-out ones") == 3


def test_hidden_features_are_zero_in_their_share():
    rows = torch.ones(40, 50, 8)
    hidden = _hidden(np.random.default_rng(0), rows, 0.6)
    assert (hidden == 0).float().mean() == pytest.approx(0.6, abs=0.02)
    assert set(hidden.unique().tolist()) == {0.0, 1.0}
    assert FeatureMaskedStage.batch is not FeatureMaskedStage.__mro__[1].batch
