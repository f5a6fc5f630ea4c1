"""Write a session in one of the formats, whole or not at all; nothing is overwritten."""

from __future__ import annotations

import itertools
import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from engine.audio.atomic import output_error
from engine.audio.file_names import partial_path, safe_text
from engine.errors import OutputError, RequestError
from engine.session.ardour import write_ardour
from engine.session.dawproject import write_dawproject
from engine.session.plan import DawSession
from engine.session.plan import check_session as checked
from engine.session.reaper import write_reaper
from engine.sidecar_values import printable

Writer = Callable[[DawSession, Path, dict[Path, str], bool], None]


@dataclass(frozen=True, slots=True)
class SessionFormat:
    """One format of sessions.

    Attributes:
        words: for the user.
        suffix: of the file that a DAW opens.
        is_folder: True means that this file lies in a folder of the session's name, with the sounds beside it.
        write: writes a session at a place that is free.
    """

    words: str
    suffix: str
    is_folder: bool
    write: Writer


SESSION_FORMATS: dict[str, SessionFormat] = {
    "dawproject": SessionFormat(
        "DAWproject: Bitwig Studio, Cubase, Studio One", ".dawproject", False, write_dawproject
    ),
    "rpp": SessionFormat("REAPER project", ".rpp", True, write_reaper),
    "ardour": SessionFormat("Ardour session", ".ardour", True, write_ardour),
}


def export_session(session: DawSession, format: str, out: Path | str, *, link: bool = False) -> Path:
    """Write a session.

    Args:
        format: a row of ``SESSION_FORMATS``.
        out: folder and name of the session, with or without the format's ending; a number follows where it is taken.
        link: True refers to the sounds where they lie instead of copying them.

    Returns:
        The file that the DAW opens.

    Raises:
        RequestError: there is no such format, or it cannot hold this session.
        OutputError: nothing can be written there; nothing is left.
    """
    kind = SESSION_FORMATS.get(format)
    if kind is None:
        formats = ", ".join(SESSION_FORMATS)
        raise RequestError("unknown session format {format!r}; choose one of {formats}", format=format, formats=formats)
    session = checked(session)
    wanted = Path(out).absolute()
    name = safe_text(wanted.name.removesuffix(kind.suffix), 150)
    if not name:
        raise RequestError("the session needs a name; give a folder and a name, as songs/mix")
    files = dict(_file_names(session))
    if link and (odd := next((file for file in files if not str(file).isprintable()), None)) is not None:
        raise RequestError("{file} has a name that no project can hold; rename it, or leave --link out", file=repr(odd))
    try:
        wanted.parent.mkdir(parents=True, exist_ok=True)
        return _written(session, kind, wanted.parent, name, files, link)
    except OSError as error:
        raise output_error(wanted.parent, error) from error


def _written(
    session: DawSession, kind: SessionFormat, folder: Path, name: str, files: dict[Path, str], link: bool
) -> Path:
    """Write it in a hidden folder beside its place, then move it there."""
    for number in itertools.count(1):
        title = name if number == 1 else f"{name} ({number})"
        final = folder / (title if kind.is_folder else title + kind.suffix)
        if os.path.lexists(final):
            continue
        draft = partial_path(final)
        try:
            draft.mkdir()
            kind.write(session, draft / final.name, files, link)
            _move(draft / final.name, final, kind.is_folder)
        except FileExistsError:  # taken in the meantime
            if not os.path.lexists(final):
                raise
            continue
        finally:
            shutil.rmtree(draft, ignore_errors=True)
        return final / (title + kind.suffix) if kind.is_folder else final
    raise OutputError("no name is free in {folder}", folder=folder)  # never: numbers do not end


def _move(source: Path, final: Path, is_folder: bool) -> None:
    """Move to a name that is free; a file is never put over another."""
    if is_folder:
        if os.path.lexists(final):
            raise FileExistsError(final)
        os.rename(source, final)
        return
    try:
        os.link(source, final)
    except FileExistsError:
        raise
    except OSError:  # no hard links here
        if os.path.lexists(final):
            raise FileExistsError(final) from None
        os.replace(source, final)


def _file_names(session: DawSession) -> Iterator[tuple[Path, str]]:
    """A name for each sound, none twice, also where case counts for nothing."""
    taken: set[str] = set()
    for file in dict.fromkeys(track.file for track in session.tracks):
        stem, suffix = printable(file.stem), printable(file.suffix)
        names = (f"{stem} ({n}){suffix}" if n > 1 else stem + suffix for n in itertools.count(1))
        name = next(one for one in names if one.lower() not in taken)
        taken.add(name.lower())
        yield file, name
