"""Questions that wait: each works on the lane that was chosen when it was asked, whatever is chosen when it starts."""

import numpy as np
import pytest
import soundfile

from desktop.models.asking import Form
from desktop.models.job_list import State

WAIT_MS = 120_000


def form(studio, task, text, **values):
    return Form(task=task, text=text, bundle=studio.settings.get("bundle"), device="cpu", **values)


def wait(studio, qtbot):
    qtbot.waitUntil(lambda: studio.desk.jobs.unfinished == 0, timeout=WAIT_MS)


def ask(studio, qtbot, task, text, **values):
    """Put a question and wait for its answer."""
    row = studio.desk.ask(form(studio, task, text, **values))
    wait(studio, qtbot)
    assert studio.desk.jobs.row(row).state is State.DONE, studio.desk.jobs.row(row).message
    return studio.desk.jobs.row(row)


@pytest.fixture
def asked(opened, qtbot, monkeypatch):
    """A studio with two lanes of different sound, and what each job's input and rest held when it was sent."""
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
    violin, rest = asked.session.project.lanes
    rows = [asked.desk.ask(form(asked, "regenerate", text, slot="rest")) for text in ("drums", "bass")]
    asked.session.set_current(rest.id)
    wait(asked, qtbot)
    assert [asked.desk.jobs.row(row).state for row in rows] == [State.DONE, State.DONE]
    for input_NC, _ in asked.heard:
        np.testing.assert_array_equal(input_NC, asked.samples(violin.take.audio))


@pytest.mark.parametrize(("task", "slot"), [("regenerate", "mix"), ("inpaint", "rest")])
def test_what_plays_beside_the_lane_is_that_of_the_lane_it_was_asked_about(asked, qtbot, task, slot):
    violin, rest = asked.session.project.lanes
    asked.session.select((4000, 9000))
    asked.session.set_current(violin.id)
    first = asked.desk.ask(form(asked, "isolate", "drums"))
    second = asked.desk.ask(form(asked, task, "bass", slot=slot))
    asked.session.set_current(rest.id)
    wait(asked, qtbot)
    assert {asked.desk.jobs.row(row).state for row in (first, second)} == {State.DONE}
    without_violin_NC = asked.samples(asked.session.project.source) - asked.samples(violin.take.audio)
    np.testing.assert_allclose(asked.heard[1][0], without_violin_NC, atol=1e-6)


def test_asking_again_after_the_lane_went_away_says_so(asked, qtbot):
    violin = asked.session.project.lanes[0]
    busy = asked.desk.ask(form(asked, "isolate", "drums"))
    row = asked.desk.ask(form(asked, "regenerate", "bass", slot="rest"))
    asked.desk.cancel(row)
    asked.desk.cancel(busy)
    wait(asked, qtbot)
    asked.session.remove_lane(violin.id)
    asked.desk.retry(row)
    wait(asked, qtbot)
    again = asked.desk.jobs.rows[-1]
    assert (again.state, again.message) == (State.FAILED, "this lane is gone; choose another one")
