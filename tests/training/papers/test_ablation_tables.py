"""Every row of every table can be trained; orders are judged against the paper's; the page holds it all."""

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from training.config import load_preset
from training.flow.networks import build_network
from training.papers.ablations import command, pages
from training.papers.ablations.judge import order
from training.papers.ablations.tables import OUR_STEPS, TABLES
from training.papers.ablations.trials import AblationContext, pool_key, preset_of, training_key

ROWS = [(name, variant) for name, table in TABLES.items() for variant in table.variants]


@pytest.fixture
def context(tmp_path):
    stems = SimpleNamespace(folder=tmp_path, count=0)
    nothing = {
        "cache": stems,
        "heldout": stems,
        "start": None,
        "codec": tmp_path,
        "prompt": tmp_path,
        "scene": tmp_path,
    }
    return AblationContext(
        preset=load_preset("tiny"), out=tmp_path, pool=8, examples=4, workers=0, say=lambda text: None, **nothing
    )


@pytest.mark.parametrize(("name", "variant"), ROWS, ids=lambda row: row if isinstance(row, str) else row.name)
def test_every_row_builds_a_network(context, name, variant):
    preset = preset_of(TABLES[name], variant, context)
    assert sum(weight.numel() for weight in build_network(preset).parameters()) > 1000
    for key, value in {**variant.flow, **variant.masking}.items():
        assert value in (getattr(preset.flow, key, None), getattr(preset.masking, key, None))


@pytest.mark.parametrize("name", TABLES)
def test_a_table_compares_with_one_of_its_rows_by_a_figure_of_the_paper(name):
    table = TABLES[name]
    assert table.reference in [variant.name for variant in table.variants]
    assert all(table.paper_figure in variant.paper for variant in table.variants)
    assert len({variant.name for variant in table.variants}) == len(table.variants) >= 2


def test_rows_that_differ_in_sampling_only_share_a_training(context):
    def trainings(name):
        table = TABLES[name]
        return len({training_key(preset_of(table, variant, context), variant) for variant in table.variants})

    assert {name: trainings(name) for name in TABLES} == {
        "fusion": 5, "parts": 3, "picture": 2, "repaint": 2, "norm": 2, "dropout": 2, "guidance": 1, "masking": 3,
    }  # fmt: skip


def test_all_variants_of_a_table_share_a_pool_but_where_inputs_are_masked(context):
    def pools(name):
        return len({pool_key(preset_of(TABLES[name], v, context), context.cache) for v in TABLES[name].variants})

    assert {name: pools(name) for name in TABLES if pools(name) > 1} == {"masking": 2}


def test_the_walks_keep_the_papers_proportions():
    walks = {variant.name: variant.sampling for variant in TABLES["repaint"].variants}
    assert walks["adaptive, T 250"].steps == OUR_STEPS
    assert [(w.steps, w.resamples) for name, w in walks.items() if name != "adaptive, T 250"] == [
        (20, 1), (10, 2), (4, 5), (2, 10), (20, 2), (20, 4),
    ]  # fmt: skip


def rows(still, temporal):
    return {name: {"values": {"SDR": values}, "weights": 1000} for name, values in
            (("still", still), ("temporal", temporal))}  # fmt: skip


def counts(same, other, unsure):
    said = f"{same} stand as in the paper, {other} the other way round, {unsure} cannot be told apart."
    return f"Of {same + other + unsure} pairs of rows {said}"


def test_an_order_like_the_papers_is_said_in_a_sentence():
    assert order(TABLES["picture"], rows([1.0, 2.0, 3.0], [4.0, 5.0, 6.0])) == [counts(1, 0, 0)]


def test_an_order_unlike_the_papers_is_said_with_its_interval():
    assert order(TABLES["picture"], rows([4.0, 5.0, 6.0], [1.0, 2.0, 3.0])) == [
        counts(0, 1, 0),
        "In the paper temporal is better than still; here it is worse (SDR -3.00, -3.00 to -3.00).",
    ]


def test_what_chance_may_have_made_is_not_told_apart():
    assert order(TABLES["picture"], rows([1.0, 9.0, 2.0, 4.0], [2.0, 1.0, 1.9, 3.5])) == [
        counts(0, 0, 1),
        "Not told apart at this budget: temporal and still.",
    ]


def test_where_less_is_better_the_order_turns():
    found = {"group norm": {"values": {"log-mel L1": [2.0, 2.1]}}, "layer norm": {"values": {"log-mel L1": [1.0, 1.1]}}}
    assert "In the paper group norm is better than layer norm; here it is worse" in order(TABLES["norm"], found)[1]


def test_the_page_holds_what_was_run_and_names_what_was_not(tmp_path):
    values = {figure: [1.0, 2.0, 3.0] for figure in pages.FIGURES}
    found = {
        "rows": {name: {"values": values, "weights": 2_000_000} for name in ("still", "temporal")},
        "preset": "tiny", "minutes": 3.0, "steps": 40, "batch": 8, "pool": 16, "examples": 3, "seconds": 240.0,
        "start": "",
    }  # fmt: skip
    pages.save("picture", found, tmp_path)
    assert command.main(["--docs", str(tmp_path / "ABLATIONS.md"), "--out", str(tmp_path), "--preset", "tiny"]) == 0
    text = (tmp_path / "ABLATIONS.md").read_text("utf-8")
    assert (
        "`python -m training ablate --table picture --preset tiny --minutes 3 --pool 16 --examples 3`: 40 steps" in text
    )
    assert "| still | 4.12 | 9.01 | 8.73 | 2.00 (1.00 to 3.00) |" in text
    assert "| temporal | 6.67 | 17.99 | 7.88 |" in text
    assert "Not run yet: fusion, parts, repaint, norm, dropout, guidance, masking." in text


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ([], "name a table with --table"),
        (["--docs", "page.md"], "no table was run into"),
        (["--table", "norm", "--minutes", "0"], "--minutes must be above 0"),
        (["--table", "norm", "--pool", "1"], "--pool and --examples at least 2"),
        (["--table", "norm"], "no codec in"),
    ],
)
def test_a_wrong_request_is_one_sentence(arguments, complaint, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValueError, match=complaint) as caught:
        command.main([*arguments, "--preset", "tiny", "--out", str(tmp_path / "out")])
    assert "\n" not in str(caught.value)
    assert not Path("page.md").exists()


def test_a_cache_without_parts_cannot_be_drawn(context):
    class Old:
        folder, count = Path("old"), 1

        def label(self, stem):
            return {"piece": "1-0"}

    from training.papers.ablations.trials import TrainingBudget, run_table

    with pytest.raises(ValueError, match="the stems in old do not say which part they play"):
        run_table(TABLES["picture"], replace(context, cache=Old(), heldout=Old()), TrainingBudget(1.0))
