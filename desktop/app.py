"""The program: folders, language, settings, studio and window, put together once.

``run`` is what ``fluxstem`` calls when it is given no command.
"""

from __future__ import annotations

import gc
import logging
import os
import sys
from collections.abc import Callable, Sequence
from importlib import resources
from pathlib import Path

from PySide6.QtCore import QLibraryInfo, QLocale, QTimer, QTranslator
from PySide6.QtWidgets import QApplication

from desktop.link import EngineLink
from desktop.message import Message
from desktop.models.recovery import RecoverableProject
from desktop.models.settings import AppSettings
from desktop.models.workspace import Workspace
from desktop.smoke import begin
from desktop.views.main_window import MainWindow
from desktop.views.text import tr
from engine import EngineError, user_cache_folder, user_data_folder

log = logging.getLogger(__name__)

READY = "Fluxstem is ready"
FILES = 8192  # that may be open at once; a take takes two
SMOKE_VARIABLE = "FLUXSTEM_SMOKE"  # see desktop.smoke
SWITCH_S = 0.0005  # after so long a busy thread lets the window's go on; Python's 5 ms add up to many for one picture
DATA_VARIABLE = "FLUXSTEM_DESKTOP_DATA"  # one folder for everything the window keeps: tests, frozen trials


def run(argv: Sequence[str] = (), first: Callable[[MainWindow, list[Path]], None] | None = None) -> int:
    """Show the window until it is closed.

    Args:
        argv: at most one path, of a mix or a project.
        first: called with the window and that path once it is shown; None means ``open_first``.

    Returns:
        The exit code.
    """
    logging.basicConfig(
        level=logging.DEBUG if os.environ.get("FLUXSTEM_DEBUG") else logging.INFO,
        format="%(asctime)s %(name)s: %(message)s",
    )
    allow_files()
    application = make_application()
    own = os.environ.get(DATA_VARIABLE)
    data, cache = (Path(own), Path(own) / "cache") if own else (user_data_folder(), user_cache_folder() / "desktop")
    settings = AppSettings(Path(own) / "settings.ini" if own else None)
    translate(application, str(settings.get("language")))
    link = EngineLink()
    try:
        workspace = Workspace(settings, data, cache, link)
    except EngineError as error:
        log.error("%s", error)
        return 2
    window = MainWindow(workspace)
    window.show()
    if os.environ.get(SMOKE_VARIABLE):
        begin(window, application)
    else:
        (first or open_first)(window, [Path(name) for name in argv[:1]])
    workspace.transport.warm()
    link.warm(str(settings.get("bundle")), str(settings.get("device")), (data, cache))
    log.info(READY)
    return int(application.exec())


def allow_files() -> None:
    """Let this process hold many files open: every sound of a project stays mapped, and macOS allows 256."""
    try:
        import resource
    except ImportError:  # Windows, which has no such limit
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = FILES if hard == resource.RLIM_INFINITY else min(FILES, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def make_application() -> QApplication:
    """The ``QApplication`` of this process."""
    application = QApplication.instance()
    if not isinstance(application, QApplication):
        application = QApplication(sys.argv[:1])
    application.setApplicationName("Fluxstem")
    application.setDesktopFileName("fluxstem")
    spare_modules()
    sys.setswitchinterval(min(sys.getswitchinterval(), SWITCH_S))
    return application


def spare_modules() -> None:
    """Leave what was loaded so far out of every later collection of garbage: to look through it takes 30 ms."""
    gc.collect()
    gc.freeze()


def translate(application: QApplication, language: str) -> None:
    """Install the translations for ``system`` or a two-letter language."""
    wanted = QLocale.system().name()[:2] if language == "system" else language
    QLocale.setDefault(QLocale(wanted))  # of fields for numbers
    for old in application.findChildren(QTranslator):
        application.removeTranslator(old)
        old.deleteLater()
    for name, folder in (
        (f"fluxstem_{wanted}", str(resources.files("desktop.resources"))),
        (f"qtbase_{wanted}", QLibraryInfo.path(QLibraryInfo.LibraryPath.TranslationsPath)),
    ):
        translator = QTranslator(application)
        if translator.load(name, folder):
            application.installTranslator(translator)


def open_first(window: MainWindow, paths: list[Path]) -> None:
    """Open the given file, else recover a project, else at the first start the demo."""
    left = window.workspace.recovery.left_behind()
    if paths:
        QTimer.singleShot(0, lambda: window.open_path(paths[0].absolute()))
    elif left:
        QTimer.singleShot(0, lambda: _offer(window, left[0]))
    elif not window.workspace.settings.get("seen_hint"):
        QTimer.singleShot(0, window.open_demo)


def _offer(window: MainWindow, left: RecoverableProject) -> None:
    window.workspace.recover(left)
    title = left.project.title or tr("untitled")
    message = Message("Fluxstem ended before {title} was closed; here is its last state", title=title)
    window.workspace.told.emit(message)
