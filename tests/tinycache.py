"""The tiny run, trained once for all test processes and kept until a source that it depends on changes.

``python tests/tinycache.py`` trains it where there is none. Kept runs lie in ``~/.cache/fluxstem-tests``, each named
by a hash of everything that trains, exports and reads them, so a changed line makes a new one.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib.metadata
import json
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
SOURCES = ("engine", "export", "training", "tests/tinyrun.py", "tests/tinycache.py", "tests/golden/record.py")
PACKAGES = (
    "torch",
    "numpy",
    "onnx",
    "onnxruntime",
    "onnxscript",
    "pedalboard",
    "scipy",
    "soundfile",
    "soxr",
    "tokenizers",
)
SOUNDS = (ROOT.parent / "shared" / "sounds", Path("/usr/share/sounds/sf2"))
KEPT_RUNS = 3
LOSSES = "losses.json"
DONE = "done"


def kept_run() -> Path:
    """Folder of a finished tiny run of these very sources; trained first where there is none."""
    home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "fluxstem-tests"
    home.mkdir(parents=True, exist_ok=True)
    folder = home / key()
    with locked(home / "lock"):
        if not (folder / DONE).is_file():
            shutil.rmtree(folder, ignore_errors=True)
            for old in sorted(home.glob("*/"), key=lambda kept: kept.stat().st_mtime)[: 1 - KEPT_RUNS]:
                shutil.rmtree(old)
            train(folder)
        os.utime(folder)  # those not used for longest go first
    return folder


def key() -> str:
    """Hash of sources, packages, sounds and processor."""
    state = hashlib.sha256()
    for source in SOURCES:
        path = ROOT / source
        files = sorted(path.rglob("*")) if path.is_dir() else [path]
        for file in files:
            if file.is_file() and file.suffix not in (".pyc", ".md"):
                state.update(f"{file.relative_to(ROOT)}\0".encode() + file.read_bytes())
    for folder in (*SOUNDS, Path(os.environ.get("FLUXSTEM_SOUNDS") or "none")):
        files = sorted(folder.rglob("*")) if folder.is_dir() else []
        state.update(repr([(str(file), file.stat().st_size) for file in files]).encode())
    packages = [importlib.metadata.version(name) for name in PACKAGES]
    state.update(repr([packages, sys.version, platform.machine(), platform.processor()]).encode())
    return state.hexdigest()[:20]


def train(folder: Path) -> None:
    """A tiny run in a process of its own, with one thread, so that its figures do not depend on the cores."""
    surroundings = {
        **os.environ,
        "OMP_NUM_THREADS": "1",
        "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "tests")]),
    }
    words = [sys.executable, str(Path(__file__).resolve()), str(folder)]
    done = subprocess.run(words, cwd=ROOT, env=surroundings, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"the tiny run could not be trained:\n{done.stderr[-4000:]}")


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    """One process at a time, where the system can say so."""
    try:
        import fcntl
    except ImportError:  # Windows
        yield
        return
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def fill(run: Path) -> None:
    """Train a run into a folder, with the loss of every step."""
    import tinyrun
    from golden.record import losses

    with losses() as found:
        tinyrun.make(run)
    (run / LOSSES).write_text(json.dumps(found), "utf-8")
    (run / DONE).touch()


if __name__ == "__main__":
    if len(sys.argv) > 1:
        fill(Path(sys.argv[1]))
    else:
        kept_run()
