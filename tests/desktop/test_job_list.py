"""The list of jobs by itself, with a clock of its own."""

import pytest

from desktop.models.job_list import JobList, JobRow


def test_time_left_is_told_from_what_is_done(qtbot):
    now = [100.0]
    jobs = JobList(clock=lambda: now[0])
    row = JobRow(title="x")
    jobs.add(row)
    jobs.started(row.id, "job")
    assert jobs.row(row.id).eta_s(now[0]) is None
    jobs.update(row.id, fraction=0.25)
    now[0] = 110.0
    assert jobs.row(row.id).eta_s(now[0]) == pytest.approx(30.0)
