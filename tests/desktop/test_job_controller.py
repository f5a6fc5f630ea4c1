"""Questions: each works on the lane that was chosen when it was asked, and says what it makes where that is no stem."""

import numpy as np
import pytest
import soundfile

from desktop.models.job_list import JobState
from desktop.models.request_builder import draft_request, title_of

WAIT_MS = 120_000


def form(workspace, task, text, **values):
    return draft_request(task=task, text=text, bundle=workspace.settings.get("bundle"), device="cpu", **values)


def wait(workspace, qtbot):
    qtbot.waitUntil(lambda: workspace.jobs.queue.unfinished == 0, timeout=WAIT_MS)


def ask(workspace, qtbot, task, text, **values):
    """Put a question and wait for its answer."""
    row = workspace.jobs.ask(form(workspace, task, text, **values))
    wait(workspace, qtbot)
    assert workspace.jobs.queue.row(row).state is JobState.DONE, workspace.jobs.queue.row(row).message
    return workspace.jobs.queue.row(row)


@pytest.fixture
def asked(opened, qtbot, monkeypatch):
    """A workspace with two lanes of different sound, and what each job's input and rest held when it was sent."""
    ask(opened, qtbot, "isolate", "violin")
    submit, heard = opened.link.submit, []

    def listen(request):
        files = (request.input, request.rest)
        heard.append([soundfile.read(file, dtype="float32")[0] if file else None for file in files])
        return submit(request)

    monkeypatch.setattr(opened.link, "submit", listen)
    opened.heard = heard
    return opened


def test_a_job_that_waits_works_on_the_lane_it_was_asked_about(asked, qtbot):
    violin, rest = asked.document.project.lanes
    rows = [asked.jobs.ask(form(asked, "regenerate", text, slot="rest")) for text in ("drums", "bass")]
    asked.document.set_current(rest.id)
    wait(asked, qtbot)
    assert [asked.jobs.queue.row(row).state for row in rows] == [JobState.DONE, JobState.DONE]
    for input_NC, _ in asked.heard:
        np.testing.assert_array_equal(input_NC, asked.samples(violin.take.audio))


@pytest.mark.parametrize(("task", "slot"), [("regenerate", "mix"), ("inpaint", "rest")])
def test_what_plays_beside_the_lane_is_that_of_the_lane_it_was_asked_about(asked, qtbot, task, slot):
    violin, rest = asked.document.project.lanes
    asked.document.select((4000, 9000))
    asked.document.set_current(violin.id)
    first = asked.jobs.ask(form(asked, "isolate", "drums"))
    second = asked.jobs.ask(form(asked, task, "bass", slot=slot))
    asked.document.set_current(rest.id)
    wait(asked, qtbot)
    assert {asked.jobs.queue.row(row).state for row in (first, second)} == {JobState.DONE}
    without_violin_NC = asked.samples(asked.document.project.source) - asked.samples(violin.take.audio)
    np.testing.assert_allclose(asked.heard[1][0], without_violin_NC, atol=1e-6)


def test_asking_again_after_the_lane_went_away_says_so(asked, qtbot):
    violin = asked.document.project.lanes[0]
    busy = asked.jobs.ask(form(asked, "isolate", "drums"))
    row = asked.jobs.ask(form(asked, "regenerate", "bass", slot="rest"))
    asked.jobs.cancel(row)
    asked.jobs.cancel(busy)
    wait(asked, qtbot)
    asked.document.remove_lane(violin.id)
    asked.jobs.retry(row)
    wait(asked, qtbot)
    again = asked.jobs.queue.rows[-1]
    assert (again.state, str(again.message)) == (JobState.FAILED, "this lane is gone; choose another one")


@pytest.mark.parametrize(("task", "region"), [("inpaint", (4000, 9000)), ("regenerate", None), ("extend", None)])
def test_a_whole_mix_does_not_double_the_stems_that_are_heard(asked, qtbot, task, region):
    violin, rest = asked.document.project.lanes
    told = []
    asked.told.connect(told.append)
    asked.document.select(region)
    ask(asked, qtbot, task, "piano", slot="mix")
    before, mix, after = asked.document.project.lanes
    assert [before, after] == [violin, rest]
    assert mix.mute
    assert asked.document.current == mix.id, "S is about it"
    assert str(told[-1]) == "the new mix is muted because its stems are audible; press S to hear it alone"
    asked.document.set_lane(mix.id, "solo", solo=True)
    project = asked.document.project
    assert [lane.id for lane in project.lanes if project.heard(lane)] == [mix.id]


def test_a_whole_mix_is_heard_where_nothing_else_is(asked, qtbot):
    for lane in asked.document.project.lanes:
        asked.document.set_lane(lane.id, "mute", mute=True)
    asked.document.select((4000, 9000))
    ask(asked, qtbot, "inpaint", "piano", slot="mix")
    assert not asked.document.project.lanes[1].mute


def test_a_piece_made_from_nothing_is_heard_beside_the_others(asked, qtbot):
    ask(asked, qtbot, "generate", "slow jazz", slot="mix", seconds=0.5)
    assert not asked.document.project.lanes[1].mute


def test_a_job_says_what_it_makes_where_that_is_no_stem(opened):
    titles = {
        title_of(form(opened, task, "piano", slot=slot, candidates=count))
        for task, slot, count in (
            ("inpaint", "mix", 1),
            ("generate", "rest", 3),
            ("generate", "", 1),
            ("isolate", "mix", 1),
        )
    }
    assert titles == {
        "inpaint piano · the whole mix", "generate piano × 3 · the others", "generate piano", "isolate piano"
    }  # fmt: skip


def test_the_line_under_the_prompt_says_what_is_made_while_the_choice_is_folded_away(loaded):
    prompt, advanced = loaded.prompt, loaded.prompt.advanced
    prompt.set_task("generate")
    advanced.slot.setCurrentIndex(advanced.slot.findData("mix"))
    prompt.fold.setChecked(False)
    prompt.set_task("inpaint")
    assert prompt.target.toolTip() == "Source: the mix  ·  Output: the whole mix"
    prompt.set_task("isolate")
    assert prompt.target.text() == "Source: the mix"


def test_the_words_about_what_goes_with_it_are_about_the_stem_where_the_others_are_made(loaded):
    prompt, advanced = loaded.prompt, loaded.prompt.advanced
    prompt.set_task("generate")
    assert advanced.rest_words.accessibleName() == "Describe the rest"
    advanced.slot.setCurrentIndex(advanced.slot.findData("rest"))
    assert advanced.rest_words.accessibleName() == advanced._labels["rest_prompt"].text() == "Describe the stem"
    prompt.set_task("isolate")
    assert advanced.rest_words.accessibleName() == "Describe the rest"
