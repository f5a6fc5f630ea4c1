"""The list of jobs by itself, with a clock of its own."""

import pytest

from desktop.models.job_list import JobList, JobRow, JobState


@pytest.fixture
def running():
    """A list with one running job, its id, and a clock to turn."""
    now = [100.0]
    jobs = JobList(clock=lambda: now[0])
    row = JobRow(title="x")
    jobs.add(row)
    jobs.started(row.id, "job")

    def at(second, **values):
        now[0] = second
        if values:
            jobs.update(row.id, **values)
        return jobs.row(row.id).eta_s(second)

    return at


def test_time_left_is_told_from_the_pace_of_the_work_and_not_from_the_engine_that_starts(running):
    assert running(100.0) is None
    assert running(130.0, fraction=0.1) is None, "half a minute of loading says nothing of the pace"
    assert running(140.0, fraction=0.3) == pytest.approx(35.0)
    assert running(150.0, fraction=0.5) == pytest.approx(25.0)


def test_time_left_runs_down_between_two_pieces_of_news_and_is_not_told_once_it_is_over(running):
    running(110.0, fraction=0.2)
    assert running(120.0, fraction=0.4) == pytest.approx(30.0)
    assert running(129.0) == pytest.approx(21.0), "it does not climb while nothing is heard of the job"
    assert running(151.0) is None, "never 0:00 for a job that goes on"
    assert running(152.0, state=JobState.DONE, fraction=1.0) is None
