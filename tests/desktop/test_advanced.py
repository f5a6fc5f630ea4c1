"""The advanced options: the same as the engine's, and only what makes sense."""

from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtWidgets import QLabel

from desktop.models.bundles import BundleRow
from desktop.models.project import Project
from desktop.models.request_builder import JobPlan, draft_request, make_request
from desktop.views.prompt.advanced import FIELDS
from desktop.views.prompt.controls import NumberBox, SeedField, WholeBox
from engine import OPTIONS, TASKS, Request, check_values

ELSEWHERE = {  # set beside the advanced options, or decided by the project and its selection
    "task", "prompts", "replacement", "strength", "examples", "input", "rest", "region_s", "regions_s", "out",
    "batch_windows", "cache", "cache_gb",
}  # fmt: skip
EVERYTHING = {
    "seed": 2**40, "steps": 1000, "guidance": 20.0, "guide": ("prompt",), "temperature": 0.5, "start": "noise",
    "strength": 0.5, "candidates": 2, "seconds": 600.0, "keep_order": True, "sensitivity": 0.9, "expert": "none",
    "format": "flac", "mix_prompt": "jazz", "rest_prompt": "drums", "replacement": "trumpet",
}  # fmt: skip


def plan_of(request):
    source = "mix" if TASKS[request.task].input_slot is not None else ""
    regions = ((100, 8000),) if TASKS[request.task].span.name == "REQUIRED" else ()
    return JobPlan(input=source, rest="", lane="", regions=regions, offset=0, request=request)


@pytest.mark.parametrize("task", TASKS)
def test_what_a_task_does_not_take_is_left_out_of_its_request(task):
    draft = draft_request(task, "violin", **EVERYTHING)
    request = make_request(plan_of(draft), Project(rate_hz=16_000), {"input": Path("mix.wav")}, Path("out"))
    if request.input is not None and TASKS[task].input_slot is None:
        request = replace(request, input=None)
    check_values(request)
    for name in EVERYTHING:
        taken = OPTIONS[name].takes(TASKS[task])
        assert getattr(request, name) == (EVERYTHING[name] if taken else OPTIONS[name].default), name


def test_every_option_of_the_engine_can_be_set_in_the_window():
    assert {row.option for row in FIELDS} == set(OPTIONS) - ELSEWHERE


def test_controls_have_the_limits_of_the_engine(window):
    for name, control in window.prompt.advanced.controls.items():
        if isinstance(control, (WholeBox, NumberBox)):
            low, high = OPTIONS[name].limits
            assert control.maximum() == high, name
            control.setValue(control.minimum())
            assert (control.chosen is None) == OPTIONS[name].optional, name
            control.setValue(low)
            assert control.chosen == pytest.approx(low), name
    seed = window.prompt.advanced.seed
    assert isinstance(seed, SeedField)
    seed.setText(str(2**63 - 1))
    assert window.prompt.form().seed == 2**63 - 1
    seed.setText(str(2**63))
    assert not seed.hasAcceptableInput()
    seed.setText("")
    assert window.prompt.form().seed == 0


def test_untouched_controls_ask_for_nothing(window):
    form = window.prompt.form()
    assert form == Request(task="isolate", prompts=(), bundle=form.bundle, device="cpu")


def test_candidates_are_not_offered_where_a_mask_decoder_has_one_answer(window):
    prompt, advanced = window.prompt, window.prompt.advanced
    prompt.fold.setChecked(True)
    advanced.candidates.setValue(4)
    prompt.show_bundle(BundleRow("small", "small 3", has_mask_decoder=True, experts=("drums by others",)))
    assert not advanced.candidates.isVisible()
    assert prompt.form().candidates == 1
    assert [advanced.expert.itemData(row) for row in range(3)] == ["", "none", "drums by others"]
    advanced.render_choice.setCurrentIndex(advanced.render_choice.findData("flow"))
    assert advanced.candidates.isVisible()
    assert not advanced.expert.isVisible(), "experts answer with masks"
    assert prompt.form().candidates == 4
    advanced.render_choice.setCurrentIndex(advanced.render_choice.findData("masked"))
    prompt.set_task("generate")
    assert advanced.candidates.isVisible()


def test_why_what_is_left_takes_no_effects_stands_where_they_are_chosen(window):
    prompt, advanced = window.prompt, window.prompt.advanced
    chain = advanced.controls["chain"]
    prompt.fold.setChecked(True)
    prompt.set_task("isolate")
    chain.setCurrentIndex(chain.findData("lo-fi"))
    assert (chain.isVisible(), chain.isEnabled(), prompt.form().chain) == (True, True, "lo-fi")
    prompt.set_task("remove")
    assert (chain.isVisible(), chain.isEnabled(), prompt.form().chain) == (True, False, "")
    assert "no take" in chain.toolTip()
    assert [
        label.text() for label in advanced.findChildren(QLabel) if label.isVisible() and "take" in label.text()
    ] == ["Not on what is left, which has no take"]
    prompt.set_task("isolate")
    assert chain.isEnabled()
    assert "no take" not in chain.toolTip()
    assert prompt.form().chain == "lo-fi"
