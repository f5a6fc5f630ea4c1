"""The bundle: a folder with ``manifest.json``, ONNX graphs and a tokenizer; all that export hands to the engine.

No pickle, no Python, no path outside the folder; every file is checked against its SHA-256 before use. The layout
and all limits are documented in ``resources/docs/BUNDLE.md``.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from engine.bundle.manifest import (
    FORMAT,
    Attachment,
    EncoderSpec,
    GraphSpec,
    Manifest,
    SamplerDefaults,
    manifest_to_json,
    named_files,
    parse_manifest,
)
from engine.bundle.separation import ExpertSpec, MaskDecoderSpec
from engine.bundle.separator import SeparatorManifest, is_separator, parse_separator
from engine.errors import BundleDamaged, BundleError

__all__ = [
    "CHECKSUM",
    "FORMAT",
    "MANIFEST",
    "Attachment",
    "Bundle",
    "EncoderSpec",
    "ExpertSpec",
    "GraphSpec",
    "Manifest",
    "MaskDecoderSpec",
    "SamplerDefaults",
    "check_files",
    "file_sha256",
    "load_bundle",
    "manifest_to_json",
    "parse_manifest",
    "read_bundle",
    "read_named",
    "write_manifest",
]

MANIFEST = "manifest.json"
CHECKSUM = "manifest.sha256"  # one line of sha256sum; a bundle without it is taken at its word
SIGNATURE = "manifest.json.minisig"  # of whoever made it; see ``engine.bundle.signature``
MANIFEST_LIMIT_BYTES = 1 << 20
BUNDLE_LIMIT_BYTES = 4 << 30


@dataclass(frozen=True, slots=True)
class Bundle:
    """A checked bundle on disk."""

    folder: Path
    manifest: Manifest
    sha256: str  # of manifest.json, which holds the hashes of everything else
    separator: SeparatorManifest | None = None  # what a bundle that is a separator alone says of itself

    @property
    def label(self) -> str:
        """Its name and version."""
        return f"{self.manifest.name} {self.manifest.version}"

    def path(self, file: str) -> Path:
        """Path of a file named by the manifest."""
        return self.folder / file


def file_sha256(path: Path) -> str:
    """SHA-256 of a file, lower-case hex."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def write_manifest(folder: Path, text: str) -> None:
    """Write ``manifest.json`` and its hash into a bundle folder; the manifest last and atomically.

    A signature of the manifest before it goes.
    """
    (folder / SIGNATURE).unlink(missing_ok=True)
    partial = folder / f".{MANIFEST}.partial"
    partial.write_text(text, "utf-8")
    (folder / CHECKSUM).write_text(f"{file_sha256(partial)}  {MANIFEST}\n", "ascii")
    os.replace(partial, folder / MANIFEST)


def load_bundle(folder: Path | str, check_hashes: bool = True) -> Bundle:
    """Read and check a bundle.

    Args:
        check_hashes: False skips reading the graphs (for a quick listing).

    Raises:
        BundleError: there is no bundle, it cannot be read, or its manifest is invalid.
        BundleTooNew: its format is newer than ``FORMAT``.
        BundleDamaged: a file is missing or its hash differs.
    """
    folder = Path(folder)
    path = folder / MANIFEST
    if not os.path.isfile(path):
        raise BundleError(
            "no bundle at {folder}; a bundle is a folder with a {manifest}", folder=folder, manifest=MANIFEST
        )
    with _readable(folder):
        if path.stat().st_size > MANIFEST_LIMIT_BYTES:
            raise BundleError(
                "{path} is over {manifest_limit_bytes} bytes, which no manifest is; get the bundle again",
                path=path,
                manifest_limit_bytes=MANIFEST_LIMIT_BYTES,
            )
        with path.open("rb") as stream:
            raw = stream.read(MANIFEST_LIMIT_BYTES)
        _check_manifest_hash(folder, raw)
    bundle = read_bundle(raw, folder)
    if check_hashes:
        check_files(bundle)
    return bundle


def read_bundle(raw: bytes, folder: Path) -> Bundle:
    """A bundle from the bytes of its manifest; no other file is read.

    Args:
        raw: of ``manifest.json``.

    Raises:
        BundleError: the manifest is invalid.
        BundleTooNew: its format is newer than ``FORMAT``.
    """
    where, sha256 = str(folder / MANIFEST), hashlib.sha256(raw).hexdigest()
    if not is_separator(raw):
        return Bundle(folder, parse_manifest(raw, where), sha256)
    separator = parse_separator(raw, where)
    return Bundle(folder, separator.as_manifest(), sha256, separator)


def check_files(bundle: Bundle) -> None:
    """Compare every file with the manifest.

    Raises:
        BundleDamaged: a file is missing or its hash differs.
        BundleError: they are too large, or cannot be read.
    """
    left = BUNDLE_LIMIT_BYTES
    for file, sha256 in named_files(bundle.manifest):
        path = _plain_file(bundle, file)
        with _readable(bundle.folder):
            left -= path.stat().st_size
            if left < 0:
                raise _too_large(bundle, file, BUNDLE_LIMIT_BYTES)
            found = file_sha256(path)
        if found != sha256:
            raise _differs(bundle, file)


def read_named(bundle: Bundle, file: str, sha256: str, limit_bytes: int) -> bytes:
    """The bytes of a file of a bundle, of which the hash is right.

    Args:
        file, sha256: as the manifest says.
        limit_bytes: how large it may be.

    Raises:
        BundleDamaged: it is missing or its hash differs.
        BundleError: it is too large, or cannot be read.
    """
    with _readable(bundle.folder), _plain_file(bundle, file).open("rb") as stream:
        raw = stream.read(limit_bytes + 1)
    if len(raw) > limit_bytes:
        raise _too_large(bundle, file, limit_bytes)
    if hashlib.sha256(raw).hexdigest() != sha256:
        raise _differs(bundle, file)
    return raw


def _plain_file(bundle: Bundle, file: str) -> Path:
    path = bundle.path(file)
    if not path.is_file():  # a pipe or a device is none
        raise BundleDamaged(
            "bundle {name}: {file} is missing; get the bundle again", name=bundle.manifest.name, file=file
        )
    return path


def _differs(bundle: Bundle, file: str) -> BundleDamaged:
    return BundleDamaged(
        "bundle {name}: {file} differs from its hash; get the bundle again", name=bundle.manifest.name, file=file
    )


def _too_large(bundle: Bundle, file: str, limit_bytes: int) -> BundleError:
    return BundleError(
        "bundle {name}: {file} is too large, at most {limit_mb} MiB are read; choose another bundle",
        name=bundle.manifest.name, file=file, limit_mb=limit_bytes >> 20,
    )  # fmt: skip


@contextlib.contextmanager
def _readable(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise BundleError(
            "bundle {folder} cannot be read ({reason}); check that it may be read", folder=folder, reason=error.strerror
        ) from error


def _check_manifest_hash(folder: Path, raw: bytes) -> None:
    path = folder / CHECKSUM
    if not path.is_file():
        return
    with path.open("rb") as stream:
        said = stream.read(64)
    if said != hashlib.sha256(raw).hexdigest().encode("ascii"):
        raise BundleDamaged(
            "bundle {name}: {manifest} differs from its hash; get the bundle again", name=folder.name, manifest=MANIFEST
        )
