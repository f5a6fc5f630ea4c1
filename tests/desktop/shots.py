"""Pictures of the window's states: ``python tests/desktop/shots.py [FOLDER]``, under Xvfb or offscreen.

Each picture is a real window over the toy bundle and the demo mix, with a real engine process. With ``--all`` every
state at every size, in both themes and both languages; names are ``STATE-WIDTHxHEIGHT[-200]-THEME-LANGUAGE.png``.
"""

from __future__ import annotations

import itertools
import os
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
WAIT_S = 600.0


STATES = (
    "empty", "loaded", "typed", "tasks", "advanced", "running", "jobs", "result", "regenerate", "restyle", "error",
    "sheet", "export", "settings", "bridge", "machine",
)  # fmt: skip
SIZES = ((1600, 1000, 1), (1280, 720, 1), (800, 500, 2))  # the last is a screen of 1600 x 1000 at 200 %


def main() -> None:
    """Take the pictures of the documents, or with ``--all`` every one; a scale needs a process of its own."""
    words = [word for word in sys.argv[1:] if word != "--all"]
    folder = Path(words[0] if words else ROOT / "resources" / "docs" / "img").resolve()
    folder.mkdir(parents=True, exist_ok=True)
    if not os.environ.get("DISPLAY"):
        os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    sys.path[:0] = [str(ROOT), str(ROOT / "tests")]
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    if "--all" in sys.argv:
        take_all(folder)
    elif os.environ.get("SHOTS"):
        width, height, theme, language = os.environ["SHOTS"].split()
        scale = "-200" if os.environ.get("QT_SCALE_FACTOR") == "2" else ""
        take(
            folder,
            list(STATES),
            (int(width), int(height)),
            theme,
            language,
            f"-{width}x{height}{scale}-{theme}-{language}",
        )
    elif os.environ.get("QT_SCALE_FACTOR") == "2":
        take(folder, ["large"], (960, 640))
    else:
        take(folder, words[1:] or ["empty", "loaded", "running", "result", "regenerate", "settings", "error", "light"])
        if len(words) <= 1:
            subprocess.run(
                [sys.executable, __file__, str(folder)], env={**os.environ, "QT_SCALE_FACTOR": "2"}, check=True
            )


def take_all(folder: Path) -> None:
    """Every state at every size, in both themes and languages."""
    for (width, height, scale), theme, language in itertools.product(SIZES, ("dark", "light"), ("en", "de")):
        wanted = {"SHOTS": f"{width} {height} {theme} {language}", "QT_SCALE_FACTOR": str(scale)}
        subprocess.run([sys.executable, __file__, str(folder)], env={**os.environ, **wanted}, check=True)


def take(
    folder: Path,
    wanted: list[str],
    size: tuple[int, int] = (1360, 850),
    theme: str = "dark",
    language: str = "en",
    ending: str = "",
) -> None:
    """Bring a window into each state and keep a picture of it."""
    from toybundle import write_toy_bundle

    from desktop.app import make_application, translate
    from desktop.link import EngineLink
    from desktop.models.settings import AppSettings
    from desktop.models.workspace import Workspace
    from desktop.views.main_window import MainWindow

    application = make_application()
    translate(application, language)
    with tempfile.TemporaryDirectory() as name:
        own = Path(name)
        settings = AppSettings(own / "settings.ini")
        bundle = write_toy_bundle(own / "toy", hop_samples=320, window_frames=202, senses=("audio", "scene"))
        settings.set("bundle", str(bundle))
        settings.set("theme", theme)
        workspace = Workspace(settings, own / "data", own / "cache", EngineLink())
        window = MainWindow(workspace)
        window.resize(*size)
        window.show()
        Photographer(application, window, folder, wanted, ending).work()
        workspace.document.undo.setClean()
        workspace.document.replace_all(type(workspace.document.project)())
        window.close()


class Photographer:
    """Walks a window through its states."""

    def __init__(self, application, window, folder, wanted, ending):
        self.application, self.window, self.folder, self.wanted = application, window, folder, wanted
        self.ending = ending
        self.workspace = window.workspace

    def work(self):
        """All states, in an order in which each follows from the one before."""
        self.shot("empty")
        self.window.open_demo()
        self.until(lambda: self.workspace.document.project.source is not None)
        self.shot("loaded")
        self.prompt()
        self.ask("isolate", "drums, bass, violin")
        self.until(lambda: any(row.stage and row.fraction > 0.2 for row in self.workspace.jobs.queue.rows))
        self.ask("isolate", "piano")
        self.shot("running")
        self.workspace.settings.set("job_list", True)
        self.shot("jobs")
        self.workspace.settings.set("job_list", False)
        self.until(self.idle)
        self.window.hint.hide()
        self.arrange()
        self.shot("result")
        self.shot("large")
        self.regenerate()
        self.shot("regenerate")
        self.window.ask(self.form("inpaint", "piano", no_region=True))
        self.until(lambda: self.window.banner.isVisible())
        self.window.banner.fold.setChecked(True)
        self.shot("error")
        self.window.banner.hide()
        self.dialogs()
        if "light" in self.wanted:
            self.workspace.settings.set("theme", "light")
            self.workspace.settings.set("spectrogram", True)
            self.shot("light")

    def prompt(self):
        """The list of names, the list of tasks and the advanced options."""
        self.window.hint.hide()
        prompt = self.window.prompt
        prompt.text.line.setFocus()
        prompt.text.setText("drums, ba")
        prompt.text._offer("ba")
        self.shot("typed")
        prompt.text.clear()
        prompt.task.showPopup()
        self.shot("tasks", prompt.task.view().window())
        prompt.task.hidePopup()
        prompt.fold.setChecked(True)
        self.shot("advanced")
        prompt.fold.setChecked(False)

    def dialogs(self):
        """Sheets and dialogs."""
        from desktop.views.dialogs.export_dialog import ExportDialog
        from desktop.views.dialogs.settings_dialog import SettingsDialog
        from desktop.views.dialogs.sheet import Sheet
        from desktop.views.text import tr

        title = tr("Save “{title}” first?").replace("{title}", "mix")
        buttons = (("save", tr("Save")), ("discard", tr("Discard")), ("cancel", tr("Cancel")))
        shown = {
            "sheet": Sheet(self.window, title, tr("Its lanes and takes have changed since it was saved."), buttons)
        }
        shown["export"] = ExportDialog(self.workspace, self.window.lane_actions.files, "", self.window)
        for tab, name in ((2, "settings"), (3, "bridge"), (4, "machine")):
            shown[name] = SettingsDialog(self.workspace, self.window, tab)
        shown["settings"].list.setCurrentRow(0)
        for name, dialog in shown.items():
            if name in self.wanted:
                dialog.show()
                if name == "machine":
                    self.until(lambda: self.workspace.background.busy == 0 or shown["machine"].checks.count())
                self.shot(name, dialog)
            dialog.close()

    def arrange(self):
        """Make the result look as after some listening."""
        document = self.workspace.document
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
        self.window.add_examples([ROOT / "resources" / "docs" / "img" / "loaded.png"])
        self.ask("regenerate", "electric guitar")
        self.until(self.idle)
        self.window.prompt.set_task("restyle")
        self.shot("restyle")
        self.window.prompt.set_task("regenerate")

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
            path = self.folder / f"{name}{self.ending}.png"
            (widget or self.window).grab().save(str(path), "PNG", 0)  # as small as PNG goes
            print(path)


if __name__ == "__main__":
    main()
