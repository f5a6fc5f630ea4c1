"""The files of a batch: folders and globs are searched, and the tree they lie in is mirrored below the results."""

from __future__ import annotations

import glob
import json
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath

from engine.checks import absolute
from engine.errors import AudioError, RequestError
from engine.sidecar_values import beside

SIDECAR_LIMIT_BYTES = 1 << 20

# What counts as audio in a folder or a glob; a file that is named by itself is taken whatever it is called.
AUDIO_ENDINGS = frozenset({
    ".aac", ".ac3", ".aif", ".aifc", ".aiff", ".ape", ".au", ".avi", ".bwf", ".caf", ".eac3", ".flac", ".m4a", ".m4b",
    ".m4v", ".mka", ".mkv", ".mov", ".mp3", ".mp4", ".oga", ".ogg", ".opus", ".rf64", ".snd", ".tta", ".w64", ".wav",
    ".wave", ".webm", ".wma", ".wv",
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class WorkItem:
    """One file of a batch.

    Attributes:
        source: absolute path.
        target: where it lies below the folder of the batch, with forward slashes; its results go beside that place.
        size: bytes.
        mtime_ns: when it was last written, nanoseconds; anybody can set it.
        ctime_ns: when it or what is known of it last changed, nanoseconds; on Windows when it was made.
    """

    source: str
    target: str
    size: int
    mtime_ns: int
    ctime_ns: int = 0

    @property
    def folder(self) -> str:
        """Folder of its results, below that of the batch; "" for that folder itself."""
        return self.target.rpartition("/")[0]


def find_items(paths: Sequence[str], out: str, made: frozenset[str] = frozenset()) -> list[WorkItem]:
    """All audio files that paths stand for, in order of their targets, each once.

    The tree below the deepest folder that holds everything named is mirrored: of one folder or glob, what lies in it.
    Hidden files are left out, and results: what lies in ``out`` where that lies deeper, what earlier runs ``made``, and
    what a JSON beside it calls a result.

    Args:
        paths: files, folders (searched with all folders in them) and globs (``**`` reaches into folders).
        out: folder of the results; a URL lies nowhere here.
        made: absolute paths of results.

    Raises:
        AudioError: a path is nowhere, or there is no audio in it.
        RequestError: paths on different drives.
    """
    searched = [_searched(path) for path in paths]
    base = _common([base for base, _, _ in searched])
    results = os.path.realpath(out) + os.sep if "://" not in out else os.devnull
    is_below = results.startswith(os.path.realpath(base).rstrip(os.sep) + os.sep) and not _same(base, results)
    made |= _made_in({os.path.dirname(file) for _, files, named in searched if not named for file in files})
    items: dict[str, WorkItem] = {}
    for _, files, named in searched:
        for source in files:
            real = os.path.realpath(source)
            if named or not (real in made or (is_below and real.startswith(results))):
                items.setdefault(real, _item(source, base))
    if not items:
        raise AudioError("there is no audio in {paths} besides the results", paths=", ".join(paths))
    return sorted(items.values(), key=lambda item: item.target)


def has_audio(folder: str) -> bool:
    """True means that there is audio in a folder or below it."""
    return next(_walk(folder), None) is not None


def _made_in(folders: Iterable[str]) -> frozenset[str]:
    """Results in these folders, by the JSON beside each; absolute, without links."""
    made = set[str]()
    for folder in folders:
        for sidecar in Path(folder).glob("*.json"):
            files = (beside(sidecar, name) for name in _files_of(sidecar))
            made |= {os.path.realpath(file) for file in files if file is not None}
    return frozenset(made)


def _files_of(sidecar: Path) -> list[str]:
    try:
        if not sidecar.is_file() or sidecar.stat().st_size > SIDECAR_LIMIT_BYTES:  # no pipe, and no device without end
            return []
        data = json.loads(sidecar.read_bytes())
    except (OSError, ValueError, RecursionError):
        return []
    named = [data.get(part) for part in ("stem", "rest", "mix")] if isinstance(data, dict) else []
    is_sidecar = bool(named) and "fluxstem_sidecar" in data
    return [name for name in named if is_sidecar and isinstance(name, str)]


def is_glob(word: str) -> bool:
    """Whether a word is a pattern for paths rather than a path that exists."""
    return glob.has_magic(word) and not os.path.lexists(word)


def _item(source: str, base: str) -> WorkItem:
    try:
        found = os.stat(source)
    except OSError as error:
        raise AudioError(
            "{path} cannot be opened ({reason}); check that it may be read", path=source, reason=error.strerror
        ) from error
    target = PurePath(os.path.relpath(source, base)).as_posix()
    return WorkItem(source, target, found.st_size, found.st_mtime_ns, found.st_ctime_ns)


def _same(one: str, other: str) -> bool:
    return os.path.realpath(one) == other.rstrip(os.sep)


def _searched(path: str) -> tuple[str, list[str], bool]:
    """The folder that a path, folder or glob speaks of, its files, and whether it is the name of one file."""
    whole = absolute(path)
    if is_glob(path):
        base, pattern = _fixed_part(whole)
        hits = sorted(glob.glob(os.path.join(glob.escape(base), pattern), recursive=True))
        files = [file for hit in hits for file in (_walk(hit) if os.path.isdir(hit) else [hit])]
        files = [file for file in files if _is_audio(file)]
    elif os.path.isdir(whole):
        base, files = whole, list(_walk(whole))
    elif os.path.exists(whole):
        return os.path.dirname(whole), [whole], True
    else:
        raise AudioError("there is no file {path}; check the path", path=path)
    if not files:
        raise AudioError(
            "there is no audio in {path}; looked for files that end in {endings}",
            path=path, endings=", ".join(sorted(AUDIO_ENDINGS)),
        )  # fmt: skip
    return base, files, False


def _fixed_part(whole: str) -> tuple[str, str]:
    """The folder that a glob begins with, whatever characters are in its name, and the pattern below it."""
    base = Path(whole)
    while not base.is_dir():
        base = base.parent
    return str(base), os.path.relpath(whole, base)


def _walk(folder: str) -> Iterator[str]:
    """Audio files of a folder and the folders in it, through links too, but never around in a circle."""
    seen: set[tuple[int, int]] = set()
    for here, folders, files in os.walk(folder, followlinks=True):
        about = os.stat(here)
        if (about.st_dev, about.st_ino) in seen:
            folders.clear()
            continue
        seen.add((about.st_dev, about.st_ino))
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        yield from (path for name in sorted(files) if _is_audio(path := os.path.join(here, name)))


def _is_audio(path: str) -> bool:
    name = os.path.basename(path)
    return not name.startswith(".") and os.path.splitext(name)[1].lower() in AUDIO_ENDINGS and os.path.isfile(path)


def _common(folders: Sequence[str]) -> str:
    try:
        return os.path.commonpath(folders)
    except ValueError as error:
        raise RequestError(
            "{paths} lie on different drives; make one call for each drive", paths=", ".join(folders)
        ) from error
