"""A bundle in the making: a hidden folder beside the place of the bundle, renamed into it once it is whole."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

from engine.bundle.bundle import CHECKSUM, MANIFEST, Bundle, Manifest, manifest_to_json, parse_manifest, write_manifest

LIMIT_BYTES = 60_000_000  # of a bundle that ships


def check_free(folder: Path, replaces: bool) -> None:
    """Refuse a folder that exists.

    Raises:
        ValueError: it exists, and ``replaces`` is False.
    """
    if folder.exists() and not replaces:
        raise ValueError(f"{folder} is there already; give another folder or --replace")


@contextmanager
def drafted(folder: Path) -> Iterator[Path]:
    """A new hidden folder that takes the place of ``folder`` when the block ends, and is removed when it fails."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    draft = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", suffix=".partial", dir=folder.parent))
    try:
        yield draft
        move_into_place(draft, folder)
    except BaseException:
        shutil.rmtree(draft, ignore_errors=True)
        raise


def move_into_place(draft: Path, folder: Path) -> None:
    """Rename a finished draft into place, replacing an old bundle; the old one survives a failure.

    Raises:
        OSError: the file system refused; the draft and the old bundle are where they were.
    """
    draft.chmod(0o755)
    if not folder.exists():
        os.replace(draft, folder)
        return
    old = folder.with_name(f".{folder.name}.old")
    shutil.rmtree(old, ignore_errors=True)
    os.replace(folder, old)
    try:
        os.replace(draft, folder)
    except BaseException:
        os.replace(old, folder)
        raise
    shutil.rmtree(old, ignore_errors=True)


def copy_files(base: Bundle, draft: Path, without: Collection[str] = ()) -> None:
    """Copy the files of a bundle, except its manifest, the manifest's hash, and those named in ``without``."""
    for path in base.folder.iterdir():
        if path.is_file() and path.name not in {MANIFEST, CHECKSUM, *without}:
            shutil.copyfile(path, draft / path.name)


def write_checked(draft: Path, manifest: Manifest, label: str) -> None:
    """Write the manifest, unless the reader of bundles would refuse it.

    Raises:
        BundleError: it would; the message names ``label``, and nothing was written.
    """
    text = manifest_to_json(manifest)
    parse_manifest(text.encode(), label)
    write_manifest(draft, text)


def size_bytes(folder: Path) -> int:
    """Of all files in a folder."""
    return sum(path.stat().st_size for path in folder.iterdir())
