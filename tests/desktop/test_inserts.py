"""Effects on a lane: what the window shows of a chain, and the take that is made through it."""

import json

import numpy as np
import pytest

from desktop.models.insert_chain import CHAIN_TASK, InsertChain, dry_take
from desktop.models.project import Lane, LaneTake, TakeOrigin
from desktop.views.inserts import InsertsDialog, ParameterSlider
from engine import BUILTINS, ParameterSpec, chain_of_json

WAIT_MS = 120_000


@pytest.fixture
def lane(opened, tmp_path, monkeypatch):
    """A lane with one take: the mix itself."""
    pytest.importorskip("pedalboard", reason="chains need the extra plugins")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "user"))
    project = opened.document.project
    take = LaneTake(audio=project.source, made=TakeOrigin(task="import"))
    made = Lane(name="bass", takes=(take,))
    opened.document.apply("add", project.with_lane(made))
    return made


@pytest.fixture
def chain(opened, lane):
    made = InsertChain(opened, lane.id)
    yield made
    made.close()


def test_a_take_with_effects_comes_beside_the_dry_one(chain, opened, lane, qtbot):
    chain.add_builtin("gain")
    chain.set_parameter(0, "gain_db", -6.0)
    with qtbot.waitSignal(chain.told, timeout=WAIT_MS):
        chain.apply()
    after = opened.document.project.lane(lane.id)
    assert [take.made.task for take in after.takes] == ["import", CHAIN_TASK]
    assert after.active == 1
    assert dry_take(after) == lane.take
    dry_NC, wet_NC = (opened.samples(take.audio) for take in after.takes)
    np.testing.assert_allclose(wet_NC, dry_NC * 10 ** (-6 / 20), atol=1e-5)
    saved = chain_of_json(json.loads(after.take.made.chain), "it")
    assert saved.effects[0].parameters == {"gain_db": -6.0}
    assert saved.effects[0].version.startswith("pedalboard")
    opened.document.undo.undo()
    assert opened.document.project.lane(lane.id) == lane


def test_effects_go_on_the_dry_take_again_not_on_one_another(chain, opened, lane, qtbot):
    for gain_db in (-6.0, -12.0):
        chain.set_chain(chain_of_json({"fluxstem_chain": 1, "effects": [
            {"builtin": "gain", "parameters": {"gain_db": gain_db}}]}, "it"))  # fmt: skip
        with qtbot.waitSignal(chain.told, timeout=WAIT_MS):
            chain.apply()
    takes = opened.document.project.lane(lane.id).takes
    dry_NC, last_NC = opened.samples(takes[0].audio), opened.samples(takes[2].audio)
    np.testing.assert_allclose(last_NC, dry_NC * 10 ** (-12 / 20), atol=1e-5)
    again = InsertChain(opened, lane.id)  # opened later, it shows what the lane went through
    assert again.chain.effects[0].parameters["gain_db"] == -12.0
    again.close()


def test_two_chains_are_kept_apart(chain):
    chain.add_builtin("gain")
    chain.copy_to_other()
    chain.set_parameter(0, "gain_db", 3.0)
    chain.hear_side(1)
    assert chain.chain.effects[0].parameters == {}
    chain.hear_side(0)
    assert chain.chain.effects[0].parameters == {"gain_db": 3.0}


def test_slots_are_ordered_switched_and_removed(chain):
    for name in ("gain", "highpass", "limiter"):
        chain.add_builtin(name)
    chain.move(2, -1)
    chain.switch(0, False)
    chain.remove(2)
    assert [(one.name, one.on) for one in chain.chain.effects] == [("gain", False), ("limiter", True)]
    chain.move(0, -1)
    assert [one.name for one in chain.chain.effects] == ["gain", "limiter"]


def test_a_saved_chain_is_found_by_its_name(chain, qtbot):
    chain.add_builtin("reverb")
    with qtbot.waitSignal(chain.told, timeout=WAIT_MS):
        chain.save_chain("my room")
    assert "my room" in chain.chain_names()
    chain.set_chain(chain_of_json({"fluxstem_chain": 1, "effects": []}, "it"))
    chain.open_chain("my room")
    assert [one.name for one in chain.chain.effects] == ["reverb"]


def test_every_builtin_shows_a_control_for_each_parameter(opened, lane, qtbot):
    dialog = InsertsDialog(opened, lane.id)
    qtbot.addWidget(dialog)
    for at, (name, row) in enumerate(BUILTINS.items()):
        dialog.model.add_builtin(name)
        dialog.list.setCurrentRow(at)
        assert dialog.form.rowCount() == 1 + len(row.parameters)
    dialog.close()


def test_a_typed_value_moves_the_slider_and_the_slider_the_value(qtbot):
    heard = []
    slider = ParameterSlider(ParameterSpec("cutoff", "Hz", 20.0, 20_000.0, 200.0), heard.append)
    qtbot.addWidget(slider)
    assert slider.field.suffix() == " Hz"
    assert slider.slider.value() == pytest.approx(333, abs=2)  # a third of three decades
    slider.field.setValue(2_000.0)
    assert slider.slider.value() == pytest.approx(667, abs=2)
    slider.slider.setValue(1000)
    assert heard[-1] == pytest.approx(20_000.0)


def test_the_lane_menu_opens_the_effects(loaded, qtbot, monkeypatch):
    opened = []
    monkeypatch.setattr(
        "desktop.views.lane_actions.show_inserts", lambda workspace, lane_id, window: opened.append(lane_id)
    )
    project = loaded.workspace.document.project
    lane = Lane(name="bass", takes=(LaneTake(audio=project.source, made=TakeOrigin(task="import")),))
    loaded.workspace.document.apply("add", project.with_lane(lane))
    [effects] = [action for action in loaded.lane_actions.menu(lane.id).actions() if action.text() == "Effects …"]
    effects.trigger()
    assert opened == [lane.id]
