"""The whole command on a bundle whose answers are known, with an adapter beside it."""

import json
import re
import sys

import numpy as np
import pytest
from benchkit import SEPARATOR
from toybundle import write_toy_bundle

from training.data.sources import SoundLibrary
from training.eval import bundle_system, command, conditions, held_stems, model_card, readme, visual_grounding
from training.eval.sets import SetResources
from training.eval.study import StudyContext

pytestmark = pytest.mark.slow

PAIRS = 2  # of players; each is asked eight times, and all but two have a video or a picture decoded


@pytest.fixture(scope="module")
def ran(tmp_path_factory):
    """One run over three sets, one example each, and everything it wrote."""
    if SoundLibrary.find().banks is None:
        pytest.skip("needs the sounds folder with its note banks; Debian's SoundFont has no reserved recording")
    pytest.importorskip("librosa", reason="the extra bench has it")
    folder = tmp_path_factory.mktemp("bench")
    bundle = write_toy_bundle(folder / "toy", senses=("audio", "scene"))
    (folder / "halves.py").write_text(SEPARATOR.replace("{change}", "* 0.5").replace("{check}", ""))
    (folder / "BENCHMARKS.md").write_text(f"before\n{readme.MARKS[0]}\nold\n{readme.MARKS[1]}\nafter\n")
    (folder / "MODELS.md").write_text(f"by hand\n{model_card.MARKS[0]}\nold\n{model_card.MARKS[1]}\n")
    arguments = [str(bundle), "--set", "mage-duet", "--set", "kit", "--set", "absent", "--examples", "1"]
    arguments += ["--seconds", "1", "--set", "conditions", "--set", "seen", "--no-sweeps"]
    arguments += ["--models", str(folder / "MODELS.md"), "--readme", str(folder / "BENCHMARKS.md")]
    arguments += ["--held", str(folder / "held")]
    arguments += ["--separator", f"halves={sys.executable} {folder / 'halves.py'}"]
    arguments += ["--tower", str(folder / "none"), "--out", str(folder / "out")]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(held_stems, "PIECES", 3)
        patch.setattr(held_stems, "_songs", lambda sounds: [])
        patch.setattr(visual_grounding, "PAIRS_PER_EXAMPLE", PAIRS)
        code = command.main(arguments)
    return code, folder, json.loads((folder / "out" / "report.json").read_text("utf-8"))


def test_a_run_leaves_report_figures_plots_and_sounds(ran):
    code, folder, _ = ran
    assert code == 0
    names = {path.name for path in (folder / "out").iterdir()}
    assert {"report.md", "report.json", "bars.png", "stems.png", "examples"} <= names


def test_every_system_answers_every_example(ran):
    _, _, run = ran
    systems = {"toy", "mixture", "silence", "oracle mask", "NMF-MFCC", "HPSS", "halves"}
    for name in ("mage-duet", "kit", "absent"):
        codec = {"toy decoded", "toy codec mask", "toy codec decoded"} if name == "mage-duet" else set()
        assert set(run["values"][name]) == systems | codec
        assert all(len(column) == 1 for row in run["values"][name].values() for column in row.values())


def test_the_bundle_is_measured_through_the_front_door(ran):
    """The toy takes a fixed share of the mix: its level is that share, and its null is bit for bit nothing."""
    row = ran[2]["values"]["absent"]["toy"]
    assert -20 < row["level"][0] < 0
    assert row["null_db"] == [-300]
    assert row["seconds"][0] > 0
    assert row["told right"][0] in (0, 1)


def test_the_short_tables_go_between_their_marks(ran):
    text = (ran[1] / "BENCHMARKS.md").read_text("utf-8")
    assert text.startswith("before\n")
    assert text.endswith("after\n")
    assert re.search(r"^\| `toy` \| -?\d", text, re.M)
    assert re.search(r"^\| asked for \| examples \| toy \|", text, re.M)
    assert "python -m training bench" in text
    assert "--examples 1" in text
    assert not [word for word in ("\nold\n", "--held", "--readme") if word in text]


def test_every_condition_is_tried_and_none_crashes(ran):
    rows = ran[2]["studies"]["conditions"]["bundles"]["toy"]
    assert set(rows) == {row.name for row in conditions.ROWS}
    assert {name for name, row in rows.items() if row["refused"]} == {"nothing"}
    assert not [name for name, row in rows.items() if name != "nothing" and None in row["values"]["SDR"]]


def test_the_pair_of_players_is_asked_both_ways(ran):
    found = ran[2]["studies"]["seen"]
    assert found["pairs"] == PAIRS
    rows = found["bundles"]["toy"]
    assert all(len(pair) == 2 for row in rows.values() for pair in row["margin"])
    words = np.array(rows["text alone"]["margin"])
    np.testing.assert_allclose(words.sum(axis=1), 0, atol=1e-4)  # one answer for both questions
    assert rows["text alone"]["right"] == 0.5


def test_a_bundle_that_cannot_see_says_so_in_its_rows(ran, tmp_path, monkeypatch):
    monkeypatch.setattr(visual_grounding, "PAIRS_PER_EXAMPLE", PAIRS)
    folders = {"blind": write_toy_bundle(tmp_path / "blind")}
    with bundle_system.Engine() as engine:
        context = StudyContext(
            resources=SetResources(),
            embedders=[],
            folders=folders,
            engine=engine,
            examples=1,
            seed=1,
            seconds=1.0,
            cache=tmp_path,
            cache_hz=16_000,
            say=lambda text: None,
        )
        rows = conditions.measure(context)["bundles"]["blind"]
        players = visual_grounding.measure(context)["bundles"]["blind"]
    assert {name for name, row in rows.items() if not row["refused"]} == {"text"}
    assert "takes no videos" in rows["video"]["refused"]
    assert {name for name, row in players.items() if not row["refused"]} == {"text alone"}
    assert "right" not in players["text + video"]


def test_the_page_of_models_keeps_what_is_written_by_hand_and_gets_every_table(ran):
    text = (ran[1] / "MODELS.md").read_text("utf-8")
    assert text.startswith("by hand\n")
    assert "\nold\n" not in text
    for heading in ("## Bundles", "## Separation", "## conditions", "## seen"):
        assert heading in text
    assert re.search(r"^\| toy \| 0\.1 \| 16,000 Hz \|", text, re.M)
    assert "refused. “" in text


def test_a_missing_tower_is_said_and_no_obstacle(ran):
    assert any("prompt towers" in note for note in ran[2]["notes"])
    assert ran[2]["collections"] == []


def test_a_bundle_is_not_worse_than_itself(ran, tmp_path, capsys):
    _, folder, _ = ran
    bundle = str(folder / "toy")
    small = ["--set", "mage-duet", "--examples", "1", "--seconds", "1", "--tower", str(folder / "none")]
    assert command.main(["--compare", bundle, bundle, *small, "--out", str(tmp_path)]) == 0
    assert "NEW is not worse on any set." in capsys.readouterr().out
    report = str(folder / "out" / "report.json")
    assert command.main(["--compare", report, report, "--out", str(tmp_path)]) == 0


def test_a_missing_package_is_said_before_any_work(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(command, "NEEDS", ("librosa", "no_such_package"))
    assert command.main(["small", "--out", str(tmp_path / "out")]) == 2
    assert "the bench needs no_such_package; install the extra bench" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ([], "name at least one bundle"),
        (["no-such-bundle"], "no bundle 'no-such-bundle'"),
        (["small", "--examples", "0"], "--examples, --stems and --seconds must be at least 1"),
        (["small", "--separator", "python x.py"], "NAME=COMMAND"),
    ],
)
def test_a_wrong_request_is_one_sentence_and_two(arguments, complaint, tmp_path, capsys):
    assert command.main([*arguments, "--out", str(tmp_path / "out")]) == 2
    said = capsys.readouterr().err
    assert complaint in said
    assert len(said.strip().splitlines()) == 1
    assert not (tmp_path / "out").exists()
