"""One file that holds all that ``gpu.py`` needs, for a machine with a GPU and without this repository.

    python tests/benchmarks/gpu.py --pack fluxstem-gpu.pyz    # here
    python fluxstem-gpu.pyz                                   # there, with the options of gpu.py

The file is an archive that Python runs. It unpacks itself once, into a folder of its name beside it, says what Python
lacks there and how that is installed, and runs the checks.
"""

from __future__ import annotations

import tomllib
import zipfile
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
EXTRAS = ("gpu", "half")  # of pyproject.toml; those that the checks need beside the engine's own packages
CHECKED_FILES = ("pyproject.toml", "LICENSE", "resources/demo/mix.flac")
BENCHMARKS = ("gpu.py", "gpu_pack.py", "roofline.py")
STORED = (".onnx", ".flac")  # do not get smaller
MODULES = ("numpy", "onnx", "onnxruntime", "minisign", "rapidfuzz", "soundfile", "soxr", "tokenizers", "tqdm")

_MAIN = '''"""Unpack beside this file, once, and run the checks; see tests/benchmarks/gpu_pack.py."""

import hashlib
import importlib.util
import subprocess
import sys
import zipfile
from pathlib import Path

archive = Path(sys.argv[0]).resolve()
folder = archive.with_suffix("")
with archive.open("rb") as stream:
    digest = hashlib.file_digest(stream, "sha256").hexdigest()
mark = folder / "unpacked.sha256"
if not mark.is_file() or mark.read_text() != digest:
    with zipfile.ZipFile(archive) as packed:
        packed.extractall(folder)
    mark.write_text(digest)
lacking = [name for name in {modules!r} if importlib.util.find_spec(name) is None]
if lacking:
    print(f"Python {{sys.version.split()[0]}} has no {{', '.join(lacking)}}; where there is a network, install them by")
    print(f"  {{sys.executable}} -m pip install -r {{folder / 'requirements.txt'}}")
    sys.exit(3)
command = [sys.executable, str(folder / "tests" / "benchmarks" / "gpu.py"), "--bundle", str(folder / {bundle!r})]
sys.exit(subprocess.call([*command, *sys.argv[1:]]))
'''


def write_pack(path: Path, bundle: Path) -> int:
    """Write the archive; gives its size in bytes.

    Args:
        path: of the file, usually ``*.pyz``.
        bundle: folder of the one bundle that goes along.
    """
    place = f"resources/bundles/{bundle.name}"
    with path.open("wb") as stream:
        stream.write(b"#!/usr/bin/env python3\n")
        with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as packed:
            for file, name in (*_code(), *_bundle_files(bundle, place)):
                kind = zipfile.ZIP_STORED if file.suffix in STORED else zipfile.ZIP_DEFLATED
                packed.write(file, name, kind)
            packed.writestr("requirements.txt", "\n".join(requirements()) + "\n")
            packed.writestr("__main__.py", _MAIN.format(modules=MODULES, bundle=place))
    return path.stat().st_size


def requirements() -> list[str]:
    """What has to be installed there, as pip takes it."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    return [*project["dependencies"], *(line for extra in EXTRAS for line in project["optional-dependencies"][extra])]


def _code() -> Iterator[tuple[Path, str]]:
    for file in sorted((ROOT / "engine").rglob("*")):
        if file.is_file() and "__pycache__" not in file.parts:
            yield file, file.relative_to(ROOT).as_posix()
    for name in (*CHECKED_FILES, *(f"tests/benchmarks/{one}" for one in BENCHMARKS)):
        yield ROOT / name, name


def _bundle_files(bundle: Path, place: str) -> Iterator[tuple[Path, str]]:
    for file in sorted(bundle.iterdir()):
        if file.is_file():
            yield file, f"{place}/{file.name}"
