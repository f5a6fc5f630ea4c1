"""Work in progress: asked about before it is lost, and back after a crash."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from desktop.link import EngineLink
from desktop.models.job_list import JobState
from desktop.models.request_builder import draft_request, plan_from_json, plan_to_json
from desktop.models.settings import AppSettings
from desktop.models.workspace import Workspace
from engine import RequestError

WAIT_MS = 120_000
ROOT = Path(__file__).parents[2]


def form(workspace, text, **values):
    return draft_request(task="isolate", text=text, bundle=workspace.settings.get("bundle"), device="cpu", **values)


KILLED = """
import os, signal, sys
from pathlib import Path
from PySide6.QtCore import QCoreApplication, QTimer
application = QCoreApplication([])
from desktop.link import EngineLink
from desktop.models.request_builder import draft_request
from desktop.models.settings import AppSettings
from desktop.models.workspace import Workspace
data, song, bundle = sys.argv[1:]
settings = AppSettings(Path(data) / "settings.ini")
settings.set("bundle", bundle)
workspace = Workspace(settings, Path(data) / "data", Path(data) / "cache", EngineLink())
jobs = Path(workspace.recovery.folder) / "jobs.json"

def ask():
    for text in ("violin", "drums, bass"):
        workspace.jobs.ask(draft_request(task="isolate", text=text, bundle=bundle, device="cpu", steps=1000))
    workspace.document.select((1000, 5000))

def look():
    if jobs.is_file() and jobs.read_text().count('"plan"') == 2:
        if workspace.link.host_pid:
            os.kill(workspace.link.host_pid, signal.SIGKILL)
        os.kill(os.getpid(), signal.SIGKILL)

workspace.opened.connect(ask)
timer = QTimer(); timer.timeout.connect(look); timer.start(20)
workspace.open(Path(song))
application.exec()
"""


def test_jobs_that_waited_or_ran_are_back_after_a_crash(qtbot, tmp_path, make_wav, toy_bundle):
    song = make_wav("song.wav", seconds=20.0)  # so that its first job is not done before both are on the disk
    killed = subprocess.run(
        [sys.executable, "-c", KILLED, str(tmp_path), str(song), str(toy_bundle)], cwd=ROOT, check=False, timeout=120,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    assert killed.returncode == -signal.SIGKILL
    settings = AppSettings(tmp_path / "settings.ini")
    workspace = Workspace(settings, tmp_path / "data", tmp_path / "cache", EngineLink())
    try:
        [left] = workspace.recovery.left_behind()
        assert [job["title"] for job in left.jobs] == ["isolate violin", "isolate drums, bass"]
        with qtbot.waitSignal(workspace.opened, timeout=WAIT_MS):
            workspace.recover(left)
        assert [row.title for row in workspace.jobs.queue.rows] == ["isolate violin", "isolate drums, bass"]
        assert [ghost.name for ghost in workspace.jobs.ghosts] == ["violin", "Everything else", "drums", "bass"]
        workspace.jobs.cancel_all()
        qtbot.waitUntil(lambda: workspace.jobs.queue.unfinished == 0, timeout=WAIT_MS)
    finally:
        workspace.close()


def test_a_plan_survives_the_disk(opened):
    opened.document.select((1000, 5000))
    opened.jobs.ask(form(opened, "drums, bass", sensitivity=0.7))
    [row] = opened.jobs.queue.rows
    plan = row.context[0]
    assert plan_from_json(plan_to_json(plan)) == plan
    with pytest.raises(RequestError, match="left behind"):
        plan_from_json({"input": "mix"})
    opened.jobs.cancel_all()


def test_closing_asks_while_a_job_runs_and_stays_when_told_so(loaded, qtbot, monkeypatch):
    asked = []

    def choose(parent, title, words, answers, details=""):
        asked.append((title, details))
        return "stay"

    loaded.workspace.jobs.ask(form(loaded.workspace, "violin", steps=1000))
    monkeypatch.setattr("desktop.views.questions.choose", choose)
    assert not loaded.close()
    assert loaded.isVisible()
    assert "violin" in asked[0][1]
    monkeypatch.setattr("desktop.views.questions.choose", lambda *args: "discard")
    assert loaded.close()


def test_another_project_does_not_get_the_lanes_of_the_one_before(opened, qtbot, make_wav):
    with qtbot.waitSignal(opened.opened, timeout=WAIT_MS):
        opened.open(make_wav("long.wav", seconds=20.0))  # so that its job cannot be done before the other is open
    row = opened.jobs.ask(form(opened, "violin", steps=1000))
    with qtbot.waitSignal(opened.opened, timeout=WAIT_MS):
        opened.open(make_wav("other.wav"))
    qtbot.waitUntil(lambda: opened.jobs.queue.unfinished == 0, timeout=WAIT_MS)
    qtbot.waitUntil(lambda: not opened.background.busy, timeout=WAIT_MS)
    assert opened.jobs.queue.row(row).state is JobState.CANCELLED
    assert opened.document.project.lanes == ()
    assert opened.jobs.ghosts == ()
