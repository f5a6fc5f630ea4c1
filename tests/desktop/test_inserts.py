"""Effects on a lane: what the window shows of a chain, and the take that is made through it."""

import json
import sys
from dataclasses import replace

import numpy as np
import pytest

from desktop.models.effects_take import CHAIN_TASK
from desktop.models.insert_chain import InsertChain, dry_take
from desktop.models.job_list import JobState
from desktop.models.project import Lane, LaneTake, TakeOrigin
from desktop.models.request_builder import draft_request
from desktop.models.separation_run import USUAL_GRID, pieces_of
from desktop.views.inserts import InsertsDialog, ParameterSlider
from engine import (
    BUILTINS,
    ChainEffect,
    EffectChain,
    ParameterSpec,
    RequestError,
    chain_of_json,
    chain_text,
    plugin_settings,
)

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


GAIN = chain_text(EffectChain((ChainEffect(builtin="gain", parameters={"gain_db": -6.0}),)))


def ask(workspace, qtbot, task, **values):
    request = draft_request(task=task, text="violin", bundle=workspace.settings.get("bundle"), device="cpu", **values)
    row = workspace.jobs.ask(request)
    qtbot.waitUntil(lambda: workspace.jobs.queue.unfinished == 0, timeout=WAIT_MS)
    assert workspace.jobs.queue.row(row).state is JobState.DONE, workspace.jobs.queue.row(row).message
    return workspace.document.project.lanes[0]


def test_a_stem_with_effects_after_comes_as_a_take_beside_the_dry_one(opened, qtbot):
    pytest.importorskip("pedalboard", reason="chains need the extra plugins")
    lane = ask(opened, qtbot, "isolate", chain=GAIN)
    assert [take.made.task for take in lane.takes] == [CHAIN_TASK, "isolate"]
    assert lane.active == 0, "what was asked for is heard"
    assert dry_take(lane) == lane.takes[1]
    wet_NC, dry_NC = (opened.samples(take.audio) for take in lane.takes)
    assert np.abs(dry_NC).max() > 0
    np.testing.assert_allclose(wet_NC, dry_NC * 10 ** (-6 / 20), atol=1e-5)


def test_effects_before_change_what_the_model_hears_and_the_file_is_done_in_one_piece(opened, qtbot, make_wav):
    pytest.importorskip("pedalboard", reason="chains need the extra plugins")
    lane = ask(opened, qtbot, "remove", chain_before=GAIN)
    assert [take.made.task for take in lane.takes] == ["remove"]
    request = draft_request(task="isolate", text="violin", bundle="small", device="cpu")
    request = replace(request, input=str(make_wav("long.wav", seconds=0.1)))
    span = (0, 300 * 44_100)
    assert len(pieces_of(request, [span], 0, 44_100, USUAL_GRID)) > 1
    assert pieces_of(replace(request, chain_before="de-ess"), [span], 0, 44_100, USUAL_GRID) == [span]


def test_a_stem_whose_effects_are_gone_is_kept_and_it_is_said(opened, qtbot):
    pytest.importorskip("pedalboard", reason="chains need the extra plugins")
    told = []
    opened.jobs.told.connect(lambda message: told.append(str(message)))
    lane = ask(opened, qtbot, "isolate", chain=chain_text(EffectChain((ChainEffect(plugin="No Such Plug-in"),))))
    assert [take.made.task for take in lane.takes] == ["isolate"]
    assert any("without effects" in words and "No Such Plug-in" in words for words in told), told


@pytest.mark.parametrize(
    ("task", "offered"), [("isolate", {"chain", "chain_before"}), ("remove", {"chain_before"}), ("generate", {"chain"})]
)
def test_the_options_offer_the_chains_that_a_task_can_have(window, task, offered):
    advanced = window.prompt.advanced
    window.prompt.set_task(task)
    window.prompt.fold.setChecked(True)
    shown = {name for name in ("chain", "chain_before") if advanced.controls[name].isVisible()}
    assert {name for name in shown if advanced.controls[name].isEnabled()} == offered
    assert all(advanced.controls[name].toolTip() for name in shown), "one that is off says why"
    box = advanced.controls["chain"]
    box.setCurrentIndex(box.findData("lo-fi"))
    assert advanced.values()["chain"] == ("lo-fi" if "chain" in offered else "")


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere there is always a screen")
@pytest.mark.parametrize("screen", ["", ":77"])
def test_the_button_of_a_plug_ins_own_window_says_why_there_can_be_none(opened, lane, qtbot, monkeypatch, screen):
    monkeypatch.setenv("DISPLAY", screen)
    dialog = InsertsDialog(opened, lane.id)
    qtbot.addWidget(dialog)
    assert dialog.editor.isEnabled() == bool(screen)
    assert ("X11" in dialog.editor.toolTip()) == (not screen)
    dialog._on_working(False)
    assert dialog.editor.isEnabled() == bool(screen)
    dialog.close()
    if not screen:
        with pytest.raises(RequestError, match="X11"):
            plugin_settings(ChainEffect(plugin="any"), editor=True)
