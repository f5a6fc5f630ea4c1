"""Pictures of the window's states, each a real window over the toy bundle and the demo mix, with a real engine process.

``python tests/desktop/shots.py [FOLDER [STATE ...]]`` takes those of the documents. With ``--all`` it takes every
state (or those named) at every size, in both themes and both languages, as
``STATE-WIDTHxHEIGHT[-200]-THEME-LANGUAGE.png``. Dialogs, lists and menus lie where they lie on the screen. Under Xvfb
or offscreen; a scale and a language need a process of their own, all else is drawn by one window.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PySide6.QtGui import QPixmap
    from PySide6.QtWidgets import QApplication, QDialog, QWidget

    from desktop.views.main_window import MainWindow
    from engine import Request

ROOT = Path(__file__).resolve().parents[2]
SCREEN_FILE = "screen.json"
WAIT_S = 900.0
STATES = (
    "empty", "recent", "drop", "loaded", "typed", "tasks", "advanced", "running", "jobs", "result", "many", "menu",
    "spectrum", "tempo", "regenerate", "takes", "restyle", "replace", "error", "sheet", "export", "general", "sound",
    "settings", "bridge", "machine",
)  # fmt: skip
SIZES = {1: ((1600, 1000), (1280, 720)), 2: ((800, 500),)}  # the last is a screen of 1600 x 1000 at 200 %
THEMES, LANGUAGES = ("dark", "light"), ("en", "de")
OF_DOCUMENTS = ("empty", "loaded", "running", "result", "regenerate", "error", "settings", "light")
DOCUMENT_SIZE, LARGE_SIZE = (1360, 850), (960, 640)
DOCUMENT_BYTES, DOCUMENT_COLOURS = 200_000, (256, 160, 96, 64)  # the first number that is small enough
ALONE = ("settings",)  # in the documents, without the window behind it
RECENT = ("Sunday session.wav", "Harbour lights (rough mix 3).flac", "Interview 2025-03-14.mp4", "old demo.fluxstem")

RECENT_WAVES = (
    "122334455667889aabbabcdcbaab9899aabbccddeeffeddccbbaa99887665432",
    "4a8c6b9d7a8c6b9d7a8c6bad8bac9daebfaebd9cab8c7b9d7a8c6b9d7a8c5a31",
    "1526173152361724153627183141526173625143617251436271524361725142",
)  # of recent files, as they are kept among the settings


@dataclass(frozen=True, slots=True)
class Look:
    """A size of the window, a theme, and how names of its pictures end."""

    size: tuple[int, int]
    theme: str
    ending: str = ""


def main() -> None:
    """Take the pictures of the documents, or with ``--all`` every one."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", nargs="?", type=Path, default=ROOT / "resources" / "docs" / "img")
    parser.add_argument("states", nargs="*")
    parser.add_argument("--all", action="store_true", help="every size, theme and language")
    parser.add_argument("--language", help=argparse.SUPPRESS)  # of a process of its own
    given = parser.parse_args()
    folder = given.folder.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    sys.path[:0] = [str(ROOT), str(ROOT / "tests")]
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    scale = int(os.environ.get("QT_SCALE_FACTOR", "1"))
    if given.all and given.language is None:
        for scale in SIZES:
            for language in LANGUAGES:
                again(folder, scale, "--all", "--language", language, states=given.states)
    elif given.all:
        take(folder, tuple(given.states) or STATES, looks_of(scale, given.language), given.language)
    else:
        states = tuple(given.states) or OF_DOCUMENTS
        take(folder, states, [Look(LARGE_SIZE if scale == 2 else DOCUMENT_SIZE, "dark")], "en")
        if not given.states:
            again(folder, 2, states=["large"])


def again(folder: Path, scale: int, *words: str, states: list[str]) -> None:
    """Run this file in a process of its own; it leaves its pictures in the folder."""
    subprocess.run(
        [sys.executable, __file__, str(folder), *states, *words],
        env={name: words for name, words in os.environ.items() if not words.endswith(SCREEN_FILE)}
        | {"QT_SCALE_FACTOR": str(scale)},  # without the screen of this process, whose file may be gone
        check=True,
    )


def looks_of(scale: int, language: str) -> list[Look]:
    """Every size and theme of a scale."""
    more = f"-{100 * scale}" if scale > 1 else ""
    return [
        Look(size, theme, f"-{size[0]}x{size[1]}{more}-{theme}-{language}") for size in SIZES[scale] for theme in THEMES
    ]


def take(folder: Path, states: tuple[str, ...], looks: list[Look], language: str) -> None:
    """Bring a window into each state and keep pictures of it."""
    with tempfile.TemporaryDirectory() as name:
        own = Path(name)
        if not os.environ.get("DISPLAY") and "QT_QPA_PLATFORM" not in os.environ:
            os.environ["QT_QPA_PLATFORM"] = f"offscreen:configfile={screen_file(own)}"
        from toybundle import write_toy_bundle

        from desktop.app import make_application, translate
        from desktop.link import EngineLink
        from desktop.models.settings import AppSettings
        from desktop.models.workspace import Workspace
        from desktop.views.main_window import MainWindow

        application = make_application()
        translate(application, language)
        settings = AppSettings(own / "settings.ini")
        bundle = write_toy_bundle(own / "toy", hop_samples=320, window_frames=202, senses=("audio", "scene"))
        settings.set("bundle", str(bundle))
        settings.set("theme", looks[0].theme)
        workspace = Workspace(settings, own / "data", own / "cache", EngineLink())
        window = MainWindow(workspace)
        window.resize(*looks[0].size)
        window.show()
        try:
            Photographer(application, window, folder, states, looks, own).work()
        finally:
            window.leave()
            window.close()


def screen_file(folder: Path) -> Path:
    """A screen of 1600 x 1000 for Qt's offscreen platform, whose own is smaller than the window."""
    screen = {"name": "screen", "x": 0, "y": 0, "width": 1600, "height": 1000, "logicalDpi": 96, "dpr": 1}
    path = folder / SCREEN_FILE
    path.write_text(json.dumps({"screens": [screen | {"logicalBaseDpi": 96}]}))
    return path


class Photographer:
    """Walks a window through its states.

    Args:
        application, window: of Qt.
        folder: for the pictures.
        states: whose pictures are wanted.
        looks: each state is taken in all of them.
        own: a folder for files that are needed on the way.
    """

    def __init__(
        self,
        application: QApplication,
        window: MainWindow,
        folder: Path,
        states: tuple[str, ...],
        looks: list[Look],
        own: Path,
    ) -> None:
        self.application, self.window, self.folder, self.states, self.looks = application, window, folder, states, looks
        self.own = own
        self.workspace = window.workspace
        self.document, self.prompt = window.workspace.document, window.prompt

    def work(self) -> None:
        """All states, in an order in which each follows from the one before."""
        self.welcome()
        self.window.open_demo()
        self.until(lambda: self.document.project.source is not None)
        self.until(self.idle)
        self.shot("loaded")
        self.fill_prompt()
        self.run_jobs()
        self.results()
        self.regions()
        self.window.ask(self.form("inpaint", "piano", no_region=True))
        self.until(lambda: self.window.banner.isVisible())
        self.window.banner.fold.setChecked(True)
        self.shot("error")
        self.window.banner.hide()
        self.prompt.set_task("isolate")
        self.prompt.text.clear()
        self.dialogs()

    def welcome(self) -> None:
        """The empty window, with and without recent files, and while something is dragged over it."""
        self.shot("empty")
        kept = [self.own / name for name in RECENT]
        for path in kept[:3]:
            path.touch()
        self.workspace.settings.set("recent", [str(path) for path in kept])
        looks = zip(kept[:3], (222.4, 187.0, 1834.5), RECENT_WAVES, strict=True)
        self.workspace.settings.set("recent_looks", json.dumps({str(path): rest for path, *rest in looks}))
        self.window.state.show()
        self.shot("recent")
        from desktop.views.text import tr

        self.window.overlay.say(f"{tr('Drop to open')} mix.flac", tr("With Shift it becomes a lane"))
        self.shot("drop")
        self.window.overlay.hide()

    def fill_prompt(self) -> None:
        """The list of names, the list of tasks and the advanced options."""
        self.window.hint.hide()
        field, task = self.prompt.text, self.prompt.task
        field.line.setFocus()
        field.setText("drums, ba")
        self.shot("typed", before=lambda: field._offer("ba"))
        field.clear()
        self.shot("tasks", before=task.showPopup, after=task.hidePopup)
        self.prompt.fold.setChecked(True)
        self.shot("advanced")
        self.prompt.fold.setChecked(False)

    def run_jobs(self) -> None:
        """A job under way and one that waits, begun anew for every look; then both to their end."""
        self.shot("running", before=self.begin_jobs, after=self.cancel_jobs)
        self.workspace.settings.set("job_list", True)
        self.shot("jobs", before=self.begin_jobs, after=self.cancel_jobs)
        self.workspace.settings.set("job_list", False)
        self.begin_jobs()
        self.until(self.idle)

    def begin_jobs(self) -> None:
        """Ask twice, and wait until the first job has done a part."""
        self.ask("isolate", "drums, bass, violin")
        self.until(lambda: any(row.stage and row.fraction > 0.2 for row in self.workspace.jobs.queue.rows))
        self.ask("isolate", "piano")

    def cancel_jobs(self) -> None:
        """Leave no job behind."""
        for row in self.workspace.jobs.queue.rows:
            self.workspace.jobs.cancel(row.id)
        self.until(lambda: not self.workspace.jobs.queue.unfinished)
        self.workspace.jobs.queue.clear_ended()

    def results(self) -> None:
        """Lanes after some listening; many of them, their menu, the spectrogram and the tempo."""
        document, lanes = self.document, self.document.project.lanes
        document.set_lane(lanes[1].id, "turn", gain_db=-3.5, pan=-0.3)
        document.set_lane(lanes[2].id, "mute", mute=True)
        document.set_current(lanes[0].id)
        self.prompt.text.clear()
        self.workspace.transport.seek(round(4.2 * document.project.rate_hz))
        self.until(self.idle)
        self.shot("result")
        self.shot("large")
        if "many" in self.states:
            self.many()
        timeline, actions = self.window.timeline, self.window.lane_actions
        first = timeline.lanes[lanes[0].id].header
        menu = actions.menu(lanes[0].id)
        self.shot("menu", before=lambda: menu.popup(first.more.mapToGlobal(first.more.rect().bottomLeft())))
        menu.close()
        tools = timeline.time.tools
        self.shot("tempo", before=tools.tempo.click)
        tools.card.close()
        self.workspace.settings.set("spectrogram", True)
        document.select((round(6 * document.project.rate_hz), round(9 * document.project.rate_hz)))
        self.shot("spectrum")
        if "light" in self.states:
            document.select(None)
            self.workspace.settings.set("theme", "light")
            self.shot("light", as_it_is=True)
            self.workspace.settings.set("theme", self.looks[0].theme)
        self.workspace.settings.set("spectrogram", False)
        document.select(None)

    def many(self) -> None:
        """Ten lanes, one of them heard alone; afterwards as before."""
        document = self.document
        before = document.history_index
        self.ask("isolate", "vocals, electric guitar, synth pad, trumpet, backing vocals")
        self.until(self.idle)
        lanes = document.project.lanes
        document.set_lane(lanes[-2].id, "solo", solo=True)
        document.choose((lanes[4].id, lanes[5].id))
        self.prompt.text.clear()
        self.shot("many")
        document.go_to(before)
        document.set_current(document.project.lanes[0].id)

    def regions(self) -> None:
        """A region of a lane made anew, its takes, and the tasks with more to fill in."""
        document, rate_hz = self.document, self.document.project.rate_hz
        lane = document.project.lanes[1]
        document.set_current(lane.id)
        document.select((round(2.5 * rate_hz), round(5.5 * rate_hz)))
        self.prompt.set_task("regenerate")
        self.window.add_examples([ROOT / "resources" / "docs" / "img" / "loaded.png"])
        self.ask("regenerate", "electric guitar")
        self.until(self.idle)
        self.shot("regenerate")
        self.window.timeline.show_takes(lane.id, True)
        self.shot("takes")
        self.window.timeline.show_takes(lane.id, False)
        for task, words in (("restyle", "trumpet"), ("replace", "violin")):
            self.form(task, words)
            self.shot(task)

    def dialogs(self) -> None:
        """Sheets and dialogs."""
        from desktop.views.dialogs.export_dialog import ExportDialog
        from desktop.views.dialogs.settings_dialog import SettingsDialog
        from desktop.views.dialogs.sheet import Sheet
        from desktop.views.text import tr

        title = tr("Save “{title}” first?").replace("{title}", "mix")
        buttons = (("save", tr("Save")), ("discard", tr("Discard")), ("cancel", tr("Cancel")))
        words = tr("Its lanes and takes have changed since it was saved.")
        made: dict[str, Callable[[], QDialog]] = {
            "sheet": lambda: Sheet(self.window, title, words, buttons),
            "export": lambda: ExportDialog(self.workspace, self.window.lane_actions.files, "", self.window),
        }
        for tab, name in enumerate(("general", "sound", "settings", "bridge", "machine")):
            made[name] = lambda tab=tab: SettingsDialog(self.workspace, self.window, tab)  # type: ignore[misc]
        for name, make in made.items():
            if name in self.states:
                self.shot_of_dialog(name, make)

    def shot_of_dialog(self, name: str, make: Callable[[], QDialog]) -> None:
        """A dialog made anew for every look, as it is when somebody opens it."""
        shown: list[QDialog] = []

        def begin() -> None:
            dialog = make()
            shown.append(dialog)
            dialog.show()
            if name == "machine":
                self.until(lambda: dialog.checks.count() > 0 and not self.workspace.background.busy)  # type: ignore[attr-defined]

        def end() -> None:
            shown.pop().close()

        self.shot(name, before=begin, after=end)

    def form(self, task: str, text: str, no_region: bool = False) -> Request:
        """Fill the prompt bar."""
        if no_region:
            self.document.select(None)
        self.prompt.set_task(task)
        self.prompt.text.setText(text)
        return self.prompt.form()

    def ask(self, task: str, text: str) -> None:
        """Press the button."""
        self.window.ask(self.form(task, text))

    def idle(self) -> bool:
        """True means nothing is under way; a job that failed has no place in a picture."""
        for row in self.workspace.jobs.queue.rows:
            if row.message:
                raise RuntimeError(f"{row.title}: {row.message}")
        listening = self.workspace.tempo.state in ("waiting", "working")
        return not self.workspace.jobs.queue.unfinished and not self.workspace.background.busy and not listening

    def until(self, true: Callable[[], bool]) -> None:
        """Let the window live until something is true."""
        end_s = time.monotonic() + WAIT_S
        while not true():
            if time.monotonic() > end_s:
                rows = [(row.title, row.state, row.stage) for row in self.workspace.jobs.queue.rows]
                raise TimeoutError(f"the window did not get there: {rows}, busy {self.workspace.background.busy}")
            self.application.processEvents()
            time.sleep(0.005)

    def settle(self) -> None:
        """Let everything that has changed be drawn, and what was deleted go."""
        self.turn()
        self.until(lambda: not self.workspace.background.busy)
        self.turn()

    def turn(self) -> None:
        """A few turns of the event loop."""
        from PySide6.QtCore import QEvent

        for _ in range(4):
            self.application.processEvents()
            self.application.sendPostedEvents(None, QEvent.Type.DeferredDelete.value)

    def shot(
        self,
        name: str,
        before: Callable[[], object] | None = None,
        after: Callable[[], object] | None = None,
        as_it_is: bool = False,
    ) -> None:
        """Keep a picture of every look, if the state is wanted.

        Args:
            name: of the state.
            before, after: called around every picture, to open and close what a change of size would close.
            as_it_is: keep the theme that is on.
        """
        if name not in self.states:
            return
        for look in self.looks:
            if not as_it_is:
                self.workspace.settings.set("theme", look.theme)
            self.window.resize(*look.size)
            self.to_corner()
            self.settle()
            if before is not None:
                before()
                self.settle()
            path = self.folder / f"{name}{look.ending}.png"
            picture = self.picture(alone=name in ALONE and not look.ending)
            picture.save(str(path), "PNG", 60)
            if not look.ending:
                make_small(path)
            print(path.name, flush=True)
            if after is not None:
                after()

    def to_corner(self) -> None:
        """Put the window where the screen ends, so that lists and menus open as on a screen of its size."""
        room = self.window.screen().availableGeometry()
        self.window.move(room.width() - self.window.width(), room.height() - self.window.height())

    def picture(self, alone: bool) -> QPixmap:
        """The window and what lies over it, or what lies over it alone."""
        from PySide6.QtGui import QPainter

        over: list[QWidget] = [
            widget for widget in self.application.topLevelWidgets() if widget.isVisible() and widget is not self.window
        ]
        if alone and over:
            return over[0].grab()
        picture = self.window.grab()
        painter = QPainter(picture)
        for widget in over:
            painter.drawPixmap(widget.pos() - self.window.pos(), widget.grab())
        painter.end()
        return picture


def make_small(path: Path) -> None:
    """Few colours make a picture that a document can carry."""
    from PIL import Image

    with Image.open(path) as picture:
        whole = picture.convert("RGB")
    for colours in DOCUMENT_COLOURS:
        small = whole.quantize(colours, Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE)  # keeps rare ones
        small.save(path, optimize=True)
        if path.stat().st_size <= DOCUMENT_BYTES:
            break


if __name__ == "__main__":
    main()
