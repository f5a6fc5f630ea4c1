"""Install bundles into the user's folder, and remove them.

A bundle comes as a folder or as a zip file. Only files that its manifest names are copied, and only if their hash is
right; nothing else in the folder or zip file is touched, so no path in there is ever followed.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import shutil
import stat
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO, Protocol

from engine.bundle.bundle import (
    BUNDLE_LIMIT_BYTES,
    CHECKSUM,
    MANIFEST,
    MANIFEST_LIMIT_BYTES,
    SIGNATURE,
    Bundle,
    load_bundle,
    read_bundle,
)
from engine.bundle.library import find_bundle, list_bundles, user_data_folder
from engine.bundle.manifest import FILES_LIMIT, named_files
from engine.bundle.signature import SIGNATURE_LIMIT_BYTES
from engine.bundle.trust import check_bundle
from engine.errors import BundleDamaged, BundleError, OutputError

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
ENTRIES_LIMIT = 4096
CHUNK_BYTES = 1 << 20
ENCRYPTED = 0x1


def user_bundles() -> Path:
    """Folder that bundles are installed into; it may not exist yet."""
    return user_data_folder() / "bundles"


def add_bundle(source: Path | str, name: str = "", replace: bool = False) -> tuple[str, Bundle]:
    """Copy a bundle into the user's folder.

    Args:
        source: a bundle's folder, or a zip file of one.
        name: to install it as; "" for its own.
        replace: True replaces an installed bundle of the same name.

    Returns:
        Its name, and the installed bundle.

    Raises:
        BundleError: it is not a bundle, a file is missing or differs from its hash, or the name is taken.
        OutputError: it cannot be written.
    """
    path = Path(source)
    with _opened(path) as given:
        with given.stream(MANIFEST) as stream:
            raw = stream.read(MANIFEST_LIMIT_BYTES + 1)
        if len(raw) > MANIFEST_LIMIT_BYTES:
            raise BundleError(
                "{path} is over {manifest_limit_bytes} bytes, which no manifest is; get the bundle again",
                path=f"{MANIFEST} in {path}", manifest_limit_bytes=MANIFEST_LIMIT_BYTES,
            )  # fmt: skip
        bundle = read_bundle(raw, path)
        name = name or bundle.manifest.name
        target = _place(name, bundle, replace)
        if target is None:
            return name, load_bundle(find_bundle(name))
        try:
            _copy(given, bundle, raw, target)
        except OSError as error:
            raise OutputError(
                "{folder} cannot be written to ({reason}); free some space", folder=target.parent, reason=error.strerror
            ) from error
    return name, load_bundle(target)


def remove_bundle(name: str) -> Path:
    """Delete a bundle from the user's folder.

    Raises:
        BundleError: there is none of that name.
        OutputError: it cannot be deleted.
    """
    folder = user_bundles() / name
    if not NAME.fullmatch(name) or not os.path.isfile(folder / MANIFEST) or folder.is_symlink():
        there = list_bundles().get(name)
        if there is not None:
            raise BundleError(
                "no bundle {name!r} in {folder}; {there} was not added with this command",
                name=name[:80], folder=user_bundles(), there=there,
            )  # fmt: skip
        raise BundleError("no bundle {name!r} in {folder}", name=name[:80], folder=user_bundles())
    try:
        shutil.rmtree(folder)
    except OSError as error:
        raise OutputError(
            "{folder} cannot be deleted ({reason}); close what uses it", folder=folder, reason=error.strerror
        ) from error
    return folder


class _BundleSource(Protocol):
    def stream(self, file: str) -> contextlib.AbstractContextManager[BinaryIO]:
        """Open a file of the bundle by its plain name."""
        ...


class _Folder:
    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @contextlib.contextmanager
    def stream(self, file: str) -> Iterator[BinaryIO]:
        path = self._folder / file
        if not path.is_file():
            raise _missing(file, self._folder)
        with path.open("rb") as stream:
            yield stream


class _Zip:
    """A zip file with the bundle at its top, or in its only folder."""

    def __init__(self, archive: zipfile.ZipFile, path: Path) -> None:
        self._archive, self._path = archive, path
        rows = archive.infolist()
        if len(rows) > ENTRIES_LIMIT:
            raise BundleError(
                "{file} holds over {entries_limit} files, which no bundle does",
                file=path.name,
                entries_limit=ENTRIES_LIMIT,
            )
        tops = [row.filename for row in rows if row.filename.count("/") < 2 and row.filename.split("/")[-1] == MANIFEST]
        if len(tops) != 1:
            raise BundleError(
                "{file} holds {count} bundles; a zip file of one bundle is needed", file=path.name, count=len(tops)
            )
        self._top = tops[0].removesuffix(MANIFEST)

    @contextlib.contextmanager
    def stream(self, file: str) -> Iterator[BinaryIO]:
        rows = [row for row in self._archive.infolist() if row.filename == self._top + file]
        if len(rows) != 1:
            raise _missing(file, self._path)
        kind = stat.S_IFMT(rows[0].external_attr >> 16)
        plain = rows[0].compress_type in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
        if rows[0].flag_bits & ENCRYPTED or kind not in (0, stat.S_IFREG) or not plain:
            raise BundleError(
                "{file} in {archive} is no plain file; make the zip file again", file=file, archive=self._path.name
            )
        with self._archive.open(rows[0]) as stream:
            yield stream  # type: ignore[misc]  # reads bytes, as much as is asked for


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[_BundleSource]:
    if path.is_dir():
        yield _Folder(path)
        return
    if not path.is_file():
        raise BundleError("no bundle at {path}; give the folder of one, or a zip file", path=path)
    try:
        with zipfile.ZipFile(path) as archive:
            yield _Zip(archive, path)
    # What zipfile lets through of damaged files, beside its own errors: OSError for a place that no file has.
    except (
        zipfile.BadZipFile, zipfile.LargeZipFile, zlib.error, NotImplementedError, EOFError, OSError, RuntimeError,
        ValueError,
    ) as error:  # fmt: skip
        raise BundleError(
            "{file} is no zip file that can be read ({reason}); get it again", file=path.name, reason=error
        ) from error


def _place(name: str, bundle: Bundle, replace: bool) -> Path | None:
    """Where to install the bundle; None where it is installed already."""
    if not NAME.fullmatch(name):
        raise BundleError("{name!r} cannot be the name of a folder; give it another with --name", name=name[:80])
    target = user_bundles() / name
    there = list_bundles().get(name)
    if there is None:
        return target
    if load_bundle(there, check_hashes=False).sha256 == bundle.sha256:
        return None
    if there.resolve() != target.resolve():
        raise BundleError(
            "a bundle {name} is installed in {there}, and would be found first; give another --name",
            name=name,
            there=there,
        )
    if not replace:
        raise BundleError("a bundle {name} was added before; give --replace, or another --name", name=name)
    return target


def _copy(given: _BundleSource, bundle: Bundle, raw: bytes, target: Path) -> None:
    files = named_files(bundle.manifest)
    if len(files) > FILES_LIMIT:
        raise BundleError(
            "{bundle} names {count} files; at most {files_limit} are allowed",
            bundle=bundle.label,
            count=len(files),
            files_limit=FILES_LIMIT,
        )
    target.parent.mkdir(parents=True, exist_ok=True)
    draft = Path(tempfile.mkdtemp(prefix=f".{target.name}.", suffix=".partial", dir=target.parent))
    try:
        left = BUNDLE_LIMIT_BYTES
        for file, sha256 in files:
            left -= _copy_file(given, file, sha256, draft / file, left)
        (draft / CHECKSUM).write_text(f"{bundle.sha256}  {MANIFEST}\n", "ascii")
        (draft / MANIFEST).write_bytes(raw)
        with contextlib.suppress(BundleDamaged), given.stream(SIGNATURE) as stream:  # most have none
            (draft / SIGNATURE).write_bytes(stream.read(SIGNATURE_LIMIT_BYTES))
        check_bundle(replace(bundle, folder=draft))
        draft.chmod(0o755)
        if target.exists():
            shutil.rmtree(target)
        os.replace(draft, target)
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _copy_file(given: _BundleSource, file: str, sha256: str, to: Path, limit_bytes: int) -> int:
    """Copy one file, checking its hash; returns its size."""
    digest, size = hashlib.sha256(), 0
    with given.stream(file) as stream, to.open("wb") as out:
        # the sizes that a zip file states are not trusted, so the bytes are counted
        while chunk := stream.read(CHUNK_BYTES):
            size += len(chunk)
            if size > limit_bytes:
                raise BundleError(
                    "the bundle unpacks to over {limit_gb} GiB; no bundle is that large",
                    limit_gb=BUNDLE_LIMIT_BYTES >> 30,
                )
            digest.update(chunk)
            out.write(chunk)
    if digest.hexdigest() != sha256:
        raise BundleDamaged("{file} differs from its hash; get the bundle again", file=file)
    return size


def _missing(file: str, where: Path) -> BundleError:
    if file == MANIFEST:
        return BundleError(
            "no bundle at {where}; a bundle is a folder with a {manifest}", where=where, manifest=MANIFEST
        )
    return BundleDamaged("{file} is missing in {where}; get the bundle again", file=file, where=where)
