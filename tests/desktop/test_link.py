"""A window's link to an engine that others use too."""

from __future__ import annotations

from desktop.link import EngineLink
from engine import Request

WAIT_MS = 120_000


def test_links_to_one_engine_hear_every_job_until_they_are_closed_and_leave_it_running(
    qtbot, engine, link, make_wav, toy_bundle, tmp_path
):
    other, told = EngineLink(engine), []
    other.finished.connect(lambda job, done: told.append(job))
    request = Request(
        task="isolate", prompts=("violin",), input=str(make_wav()), out=str(tmp_path / "out"), bundle=str(toy_bundle),
        device="cpu",
    )  # fmt: skip
    with qtbot.waitSignal(link.finished, timeout=WAIT_MS):
        first = link.submit(request)
    qtbot.waitUntil(lambda: told == [first], timeout=WAIT_MS)
    other.close()
    with qtbot.waitSignal(link.finished, timeout=WAIT_MS) as second:
        link.submit(request)
    assert second.args[1].results[0].stem
    assert told == [first]
