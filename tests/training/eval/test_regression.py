"""The guard: worse beyond chance fails, chance does not, and reports of different examples are not compared."""

import json
from copy import deepcopy

import numpy as np
import pytest
from benchkit import a_run

from training.eval import command, regression, report

COUNT = 12


@pytest.fixture(scope="module")
def base():
    run, _ = a_run(count=2)
    rng = np.random.default_rng(0)
    for name, row in run["sets"].items():
        row["examples"] = row["examples"] * (COUNT // 2)
        figure = "level" if name == "absent" else "SDR"
        run["values"][name] = {"toy": {figure: list(rng.normal(6, 3, COUNT))}}
    return run


def shifted(run, name, figure, by_db, spread_db=0.3):
    moved = deepcopy(run)
    noise = np.random.default_rng(1).normal(by_db, spread_db, COUNT)
    moved["values"][name]["toy"][figure] = list(np.array(run["values"][name]["toy"][figure]) + noise)
    return moved


@pytest.mark.parametrize(
    ("name", "figure", "by_db", "passed"),
    [
        ("band", "SDR", -1.0, False),
        ("band", "SDR", 0.0, True),
        ("band", "SDR", +1.0, True),
        ("absent", "level", +1.0, False),
        ("absent", "level", -1.0, True),
    ],
)
def test_worse_beyond_its_interval_fails_and_better_does_not(base, name, figure, by_db, passed):
    verdict = regression.compare(base, shifted(base, name, figure, by_db))
    assert verdict["passed"] is passed
    assert verdict["rows"][name]["worse"] is not passed
    assert ("is worse on " + name in regression.markdown(verdict)) is not passed


@pytest.mark.parametrize(("by_db", "passed"), [(-2.0, True), (0.0, True), (+2.0, False)])
def test_a_bundle_must_not_be_worse_than_the_teacher_it_began_with(base, by_db, passed):
    measured = deepcopy(base)
    own = np.array(base["values"]["band"]["toy"]["SDR"])
    spread = np.random.default_rng(2).normal(by_db, 0.3, COUNT)
    measured["values"]["band"][regression.TEACHER] = {"SDR": list(own + spread)}
    verdict = regression.compare(base, measured)
    assert verdict["passed"] is passed
    assert verdict["teacher"]["band"]["worse"] is not passed
    assert ("is worse than Spleeter" in regression.markdown(verdict)) is not passed
    assert "| band, old: Spleeter |" in regression.markdown(verdict)


def test_a_small_loss_within_a_wide_spread_is_chance(base):
    assert regression.compare(base, shifted(base, "band", "SDR", -0.2, spread_db=4.0))["passed"]


def test_the_pairs_decide_not_the_medians(base):
    """Every example loses half a dB: far less than the examples differ, and yet no chance."""
    verdict = regression.compare(base, shifted(base, "band", "SDR", -0.5, spread_db=0.1))
    assert not verdict["passed"]
    assert verdict["rows"]["band"]["difference"][0] == pytest.approx(-0.5, abs=0.1)


def test_an_answer_that_fell_silent_is_worse(base):
    silent = deepcopy(base)
    silent["values"]["band"]["toy"]["SDR"][3] = float("nan")
    verdict = regression.compare(base, silent)
    assert not verdict["passed"]
    assert verdict["rows"]["band"]["lost"] == 1


def test_reports_of_different_examples_are_not_compared(base):
    other = deepcopy(base)
    other["sets"]["band"]["digest"] = "0" * 16
    with pytest.raises(ValueError, match="different examples of band"):
        regression.compare(base, other)
    with pytest.raises(ValueError, match="no set in common"):
        regression.compare(base, {**other, "sets": {}})


def with_made(run, agreement, names=("toy", "toy, steps 2")):
    """The run with a study of made sound: so many stems are named right."""
    made = deepcopy(run)
    rows = {name: {"agreement": [float(k < agreement) for k in range(COUNT)]} for name in names}
    study = {"digest": "d", "tried": {"toy": list(names[1:])}, "values": rows}
    made["studies"] = {"regenerate": {**study, "collections": {name: {} for name in names}}}
    return made


def test_made_sound_is_compared_too_and_decides_nothing(base):
    verdict = regression.compare(with_made(base, COUNT), with_made(base, 2))
    assert verdict["passed"]
    assert set(verdict["made"]) == {"regenerate", "regenerate, steps 2"}
    [row] = verdict["made"]["regenerate"]
    assert (row["figure"], row["verdict"]) == ("instrument agreement", "worse")
    assert row["difference"][0] == pytest.approx(2 / COUNT - 1)
    assert "| instrument agreement | 12 | 1.00 | 0.17 | -0.83 (" in regression.markdown(verdict)
    assert regression.compare(base, with_made(base, 2))["made"] == {}


def test_made_sound_alone_passes_nothing(base):
    old, new = ({**with_made(base, count), "sets": {}} for count in (3, 4))
    verdict = regression.compare(old, new)
    assert not verdict["passed"]
    assert "cannot take the place of OLD" in regression.markdown(verdict)


def test_made_sound_of_other_examples_is_not_compared(base):
    other = with_made(base, 3)
    other["studies"]["regenerate"]["digest"] = "e"
    with pytest.raises(ValueError, match="different examples of regenerate"):
        regression.compare(with_made(base, 3), other)


def test_additivity_is_compared_where_both_have_it(base):
    old, new = deepcopy(base), deepcopy(base)
    for run, level in ((old, -10.0), (new, -16.0)):
        run["values"]["band"]["toy decoded"] = {"additivity": [level + 0.01 * k for k in range(COUNT)]}
    verdict = regression.compare(old, new)
    [row] = verdict["additivity"]
    assert row["difference"] == pytest.approx((-6, -6, -6))
    assert row["verdict"] == "better"
    assert "before the mask; lower is better" in regression.markdown(verdict)
    assert regression.compare(base, new)["additivity"] == []


@pytest.mark.parametrize(("by_db", "code"), [(-1.0, 1), (0.5, 0)])
def test_the_command_ends_with_one_when_new_is_worse(base, tmp_path, capsys, by_db, code):
    for name, run in (("old", base), ("new", shifted(base, "band", "SDR", by_db))):
        report.write_json(run, tmp_path / f"{name}.json")
    files = [str(tmp_path / "old.json"), str(tmp_path / "new.json")]
    assert command.main(["--compare", *files, "--out", str(tmp_path / "out")]) == code
    assert "| band | SDR | 12 |" in capsys.readouterr().out
    assert json.loads((tmp_path / "out" / regression.FILE).read_text())["passed"] is (code == 0)


@pytest.mark.parametrize("text", ["{", "[]", '{"format": 99}'])
def test_what_is_no_report_is_refused_in_one_sentence(tmp_path, capsys, text):
    path = tmp_path / "report.json"
    path.write_text(text)
    assert command.main(["--compare", str(path), str(path), "--out", str(tmp_path / "out")]) == 2
    assert len(capsys.readouterr().err.strip().splitlines()) == 1
    assert not (tmp_path / "out").exists()
