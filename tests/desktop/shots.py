"""Pictures of the window's main states: ``python tests/desktop/shots.py [FOLDER]``, under Xvfb or offscreen.

Each picture is a real window over the toy bundle and the demo mix, with a real engine process.
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
WAIT_S = 600.0


def main() -> None:
    """Take them all; a scale of 200 % needs a process of its own."""
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else ROOT / "resources" / "docs" / "img").resolve()
    folder.mkdir(parents=True, exist_ok=True)
    if not os.environ.get("DISPLAY"):
        os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    sys.path[:0] = [str(ROOT), str(ROOT / "tests")]
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    if os.environ.get("QT_SCALE_FACTOR") == "2":
        take(folder, ["large"])
        return
    take(folder, sys.argv[2:] or ["empty", "loaded", "running", "result", "regenerate", "settings", "error", "light"])
    if len(sys.argv) <= 2:
        import subprocess

        command = [sys.executable, __file__, str(folder), "large"]
        subprocess.run(command, env={**os.environ, "QT_SCALE_FACTOR": "2"}, check=True)


def take(folder: Path, wanted: list[str]) -> None:
    """Bring a window into each state and keep a picture of it."""
    from toybundle import write_toy_bundle

    from desktop.app import make_application, translate
    from desktop.link import EngineLink
    from desktop.models.settings import AppSettings
    from desktop.models.workspace import Workspace
    from desktop.views.main_window import MainWindow

    application = make_application()
    if "german" in wanted:
        translate(application, "de")
    with tempfile.TemporaryDirectory() as name:
        own = Path(name)
        settings = AppSettings(own / "settings.ini")
        bundle = write_toy_bundle(own / "toy", hop_samples=320, window_frames=202, senses=("audio", "scene"))
        settings.set("bundle", str(bundle))
        settings.set("theme", "dark")
        workspace = Workspace(settings, own / "data", own / "cache", EngineLink())
        window = MainWindow(workspace)
        window.resize(1360, 850)
        if "large" in wanted:
            window.resize(960, 640)
        window.show()
        Photographer(application, window, folder, wanted).work()
        workspace.document.undo.setClean()
        workspace.document.replace_all(type(workspace.document.project)())
        window.close()


class Photographer:
    """Walks a window through its states."""

    def __init__(self, application, window, folder, wanted):
        self.application, self.window, self.folder, self.wanted = application, window, folder, wanted
        self.workspace = window.workspace

    def work(self):
        """All states, in an order in which each follows from the one before."""
        self.shot("empty")
        self.window.open_demo()
        self.until(lambda: self.workspace.document.project.source is not None)
        self.shot("loaded")
        self.ask("isolate", "drums, bass, violin")
        self.until(lambda: any(row.stage and row.fraction > 0.2 for row in self.workspace.jobs.queue.rows))
        self.ask("isolate", "everything")
        self.shot("running")
        self.until(self.idle)
        self.window.hint.hide()
        self.arrange()
        self.shot("result")
        self.shot("large")
        self.regenerate()
        self.shot("regenerate")
        self.shot("german")
        self.window.ask(self.form("inpaint", "piano", no_region=True))
        self.until(lambda: self.window.banner.isVisible())
        self.window.banner.fold.setChecked(True)
        self.shot("error")
        self.window.banner.hide()
        self.workspace.settings.set("theme", "light")
        self.workspace.settings.set("spectrogram", True)
        self.shot("light")
        self.workspace.settings.set("theme", "dark")
        self.workspace.settings.set("spectrogram", False)
        self.settings()

    def arrange(self):
        """Make the result look as after some listening."""
        document = self.workspace.document
        for lane in document.project.lanes:
            if lane.role == "rest":
                document.remove_lane(lane.id)
        lanes = document.project.lanes
        document.set_lane(lanes[1].id, "turn", gain_db=-3.5, pan=-0.3)
        document.set_lane(lanes[3].id, "mute", mute=True)
        document.set_current(lanes[0].id)
        self.workspace.transport.seek(round(4.2 * document.project.rate_hz))
        self.until(self.idle)

    def regenerate(self):
        """A region of a lane made anew."""
        document = self.workspace.document
        rate_hz = document.project.rate_hz
        document.set_current(document.project.lanes[2].id)
        document.select((round(2.5 * rate_hz), round(5.5 * rate_hz)))
        self.window.prompt.set_task("regenerate")
        self.window.prompt.fold.setChecked(True)
        self.window.add_examples([ROOT / "resources" / "docs" / "img" / "loaded.png"])
        self.ask("regenerate", "electric guitar")
        self.until(self.idle)
        self.window.prompt.set_task("restyle")
        self.shot("restyle")
        self.window.prompt.set_task("regenerate")

    def settings(self):
        """The page with the licence card."""
        from desktop.views.dialogs.settings_dialog import SettingsDialog

        dialog = SettingsDialog(self.workspace, self.window, 2)
        dialog.list.setCurrentRow(0)
        dialog.show()
        self.shot("settings", dialog)
        dialog.close()

    def form(self, task, text, no_region=False):
        """Fill the prompt bar."""
        if no_region:
            self.workspace.document.select(None)
        self.window.prompt.set_task(task)
        self.window.prompt.text.setText(text)
        return self.window.prompt.form()

    def ask(self, task, text):
        """Press the button."""
        self.window.ask(self.form(task, text))

    def idle(self):
        """True means nothing is under way; a job that failed has no place in a picture."""
        for row in self.workspace.jobs.queue.rows:
            if row.message:
                raise RuntimeError(f"{row.title}: {row.message}")
        return not self.workspace.jobs.queue.unfinished and not self.workspace.background.busy

    def until(self, true):
        """Let the window live until something is true."""
        import time

        end_s = time.monotonic() + WAIT_S
        while not true():
            if time.monotonic() > end_s:
                raise TimeoutError("the window did not get there")
            self.application.processEvents()
            time.sleep(0.01)

    def shot(self, name, widget=None):
        """Keep a picture, if it is wanted."""
        for _ in range(4):
            self.application.processEvents()
        if name in self.wanted:
            path = self.folder / f"{name}.png"
            (widget or self.window).grab().save(str(path), "PNG", 0)  # as small as PNG goes
            print(path)


if __name__ == "__main__":
    main()
