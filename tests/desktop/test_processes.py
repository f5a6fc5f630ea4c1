"""Whole windows in processes of their own: killed and recovered, two on one project, a trial of the program."""

import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LIMIT_S = 300
# Opens a mix, takes a stem out of it, and says so when that is kept; then it only waits.
AT_WORK = """
import sys
from pathlib import Path
from PySide6.QtCore import QTimer
from desktop import app
from desktop.views.main_window import MainWindow

def begin(window, paths):
    workspace, save_as = window.workspace, Path(sys.argv[2])
    def ask():
        window.prompt.text.setText("violin")
        window.ask(window.prompt.form())
    def look():
        state = workspace.recovery.folder / "session.fluxstem"
        if state.is_file() and '"violin"' in state.read_text() and str(save_as) in (
            workspace.recovery.folder / "saved-as").read_text():
            timer.stop()
            print("kept", len(workspace.document.project.lanes), flush=True)
    timer = QTimer(window)
    timer.timeout.connect(look)
    workspace.opened.connect(ask)
    workspace.jobs.answered.connect(lambda row, lane: workspace.save(save_as))
    workspace.saved.connect(lambda path: (workspace.document.set_lane(
        workspace.document.project.lanes[0].id, "mute", mute=True), timer.start(50)))
    workspace.troubled.connect(lambda words, details: print("trouble", words, flush=True))
    window.open_path(paths[0])

raise SystemExit(app.run([sys.argv[1]], begin))
"""
# Starts as the program does, and says what there is.
AFTERWARDS = """
import json, sys
from desktop import app

def begin(window, paths):
    workspace = window.workspace
    def tell():
        project = workspace.document.project
        found = {"lanes": [lane.name for lane in project.lanes], "mute": [lane.mute for lane in project.lanes],
                 "saved_as": str(workspace.path or ""), "unsaved": workspace.unsaved, "title": project.title,
                 "length": len(workspace.samples(project.source))}
        print(json.dumps(found), flush=True)
        window.leave()
        app.make_application().exit(0)
    workspace.opened.connect(tell)
    workspace.troubled.connect(lambda words, details: (print(json.dumps({"trouble": str(words)}), flush=True),
        window.leave(), app.make_application().exit(0)))
    app.open_first(window, paths)

raise SystemExit(app.run(sys.argv[1:], begin))
"""


@pytest.fixture
def environment(tmp_path, toy_bundle):
    """AppSettings of a user who has the toy bundle."""
    own = tmp_path / "own"
    own.mkdir()
    (own / "settings.ini").write_text(f"[General]\nbundle={toy_bundle}\nseen_hint=true\ndevice=cpu\n")
    return {
        **os.environ, "FLUXSTEM_DESKTOP_DATA": str(own), "QT_QPA_PLATFORM": "offscreen", "OMP_NUM_THREADS": "1",
    }  # fmt: skip


def start(script, environment, *args):
    command = [sys.executable, "-c", script, *map(str, args)]
    return subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True)


def first_line(process):
    """What it says first; a process that says nothing is killed in the end."""
    guard = threading.Timer(LIMIT_S, process.kill)
    guard.start()
    try:
        return process.stdout.readline().strip()
    finally:
        guard.cancel()


def ended(process):
    process.stdout.close()
    return process.wait(LIMIT_S)


def test_a_window_that_is_killed_is_recovered_and_its_project_is_held_by_one_window_only(
    environment, make_wav, tmp_path
):
    mix, place = make_wav("song.wav"), tmp_path / "projects" / "song.fluxstem"
    place.parent.mkdir()
    at_work = start(AT_WORK, environment, mix, place)
    assert first_line(at_work) == "kept 2"

    second = start(AFTERWARDS, environment, place)
    assert f"is open in another Fluxstem window (process {at_work.pid})" in json.loads(first_line(second))["trouble"]
    assert ended(second) == 0

    os.kill(at_work.pid, signal.SIGKILL)
    assert ended(at_work) == -signal.SIGKILL
    mix.unlink()
    third = start(AFTERWARDS, environment)
    found = json.loads(first_line(third))
    assert ended(third) == 0
    assert found == {
        "lanes": ["violin", "Everything else"], "mute": [True, False], "saved_as": str(place), "unsaved": True,
        "title": "song", "length": 16_000,
    }  # fmt: skip


def test_the_trial_of_the_program_takes_a_stem_out_of_the_demo_and_ends_well(environment):
    command = [sys.executable, "-m", "desktop"]
    trial = subprocess.run(
        command, cwd=ROOT, env={**environment, "FLUXSTEM_SMOKE": "1"}, capture_output=True, text=True, check=False,
        timeout=LIMIT_S,
    )  # fmt: skip
    assert trial.returncode == 0, trial.stderr
    assert "a stem came out and sums to the mix exactly" in trial.stderr
    assert "Traceback" not in trial.stderr
