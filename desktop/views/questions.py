"""What the window asks: which file to open or save as, what dropped files are, and what becomes of unfinished work."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtWidgets import QFileDialog, QWidget

from desktop.models.demo import demo_mix
from desktop.models.examples import PATTERNS
from desktop.models.project_file import SUFFIX
from desktop.models.settings import AppSettings
from desktop.views.dialogs.sheet import choose
from desktop.views.text import tr

SOUNDS = (
    ".wav", ".flac", ".mp3", ".m4a", ".aac", ".ogg", ".opus", ".aif", ".aiff", ".wma", ".mp4", ".mov", ".mkv", ".webm",
    ".avi",
)  # fmt: skip
FILES_LISTED, JOBS_LISTED = 8, 6


def ask_mix(parent: QWidget, settings: AppSettings) -> Path | None:
    """Ask for a mix or a project; None where nothing is chosen."""
    sounds = " ".join(f"*{ending}" for ending in SOUNDS)
    kinds = ";;".join(
        (
            f"{tr('Audio, video and projects')} ({sounds} *{SUFFIX})",
            f"{tr('Projects')} (*{SUFFIX})",
            f"{tr('All files')} (*)",
        )
    )
    name, _ = QFileDialog.getOpenFileName(parent, tr("Open a mix or a project"), _last_folder(settings), kinds)
    if not name:
        return None
    settings.set("last_folder", str(Path(name).parent))
    return Path(name)


def ask_examples(parent: QWidget, settings: AppSettings) -> list[Path]:
    """Ask for images, videos and sounds that show what to look for."""
    kinds = f"{tr('Images, videos, audio')} ({PATTERNS})"
    names, _ = QFileDialog.getOpenFileNames(parent, tr("Examples of what to look for"), _last_folder(settings), kinds)
    return [Path(name) for name in names]


def ask_project_place(parent: QWidget, settings: AppSettings, title: str) -> Path | None:
    """Ask where to save a project; None where no place is chosen."""
    proposed = str(Path(_last_folder(settings)) / f"{title or 'project'}{SUFFIX}")
    name, _ = QFileDialog.getSaveFileName(parent, tr("Save the project"), proposed, f"Fluxstem (*{SUFFIX})")
    return Path(name) if name else None


def ask_what_files_are(parent: QWidget, paths: Sequence[Path], can_be_lanes: bool) -> str:
    """Ask what several dropped files are: ``project``, ``lanes``, ``batch`` or ``cancel``."""
    rows = [("project", tr("Open {file}, the others as its lanes").replace("{file}", paths[0].name))]
    rows += [("lanes", tr("Add all as lanes"))] if can_be_lanes else []
    rows += [("batch", tr("Do what the prompt says with each"))]
    title = tr("{count} files were dropped").replace("{count}", str(len(paths)))
    names = "\n".join(path.name for path in paths[:FILES_LISTED]) + ("\n…" if len(paths) > FILES_LISTED else "")
    return choose(parent, title, tr("What are they?"), (*rows, ("cancel", tr("Cancel"))), names)


def ask_about_changes(parent: QWidget, title: str) -> str:
    """Ask what becomes of a project that has changed: ``save``, ``discard`` or ``cancel``."""
    return choose(
        parent,
        tr("Save “{title}” first?").replace("{title}", title or tr("untitled")),
        tr("Its lanes and takes have changed since it was saved."),
        (("save", tr("Save")), ("discard", tr("Discard")), ("cancel", tr("Cancel"))),
    )


def may_stop(parent: QWidget, jobs: Sequence[str]) -> bool:
    """Ask whether jobs that run or wait may be stopped; True without any."""
    if not jobs:
        return True
    answer = choose(
        parent,
        tr("Stop the work in progress?"),
        tr("These jobs are not done yet:"),
        (("stay", tr("Go on working")), ("discard", tr("Stop and leave")), ("cancel", tr("Cancel"))),
        "\n".join(f"•  {job}" for job in jobs[:JOBS_LISTED]),
    )
    return answer == "discard"


def _last_folder(settings: AppSettings) -> str:
    demo = demo_mix().parent
    kept = [str(settings.get("last_folder"))]
    kept += [str(Path(one).parent) for one in settings.get("recent")]
    there = (Path(folder) for folder in kept if folder and Path(folder) != demo)
    return str(next((folder for folder in there if folder.is_dir()), Path.home()))
