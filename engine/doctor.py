"""Look at everything that has to work on this machine and say what does not, in words a user can act on.

The runtime is tried in a process of its own: drivers print, and may crash. Nothing is changed and nothing is loaded
that a client must not load.
"""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from importlib import import_module, metadata
from pathlib import Path
from typing import Any, get_args

from engine.bundle.bundle import load_bundle
from engine.bundle.library import list_bundles, search_folders, user_cache_folder
from engine.errors import BundleError, EngineError
from engine.request import Device
from engine.version import engine_version

PACKAGES = ("numpy", "soundfile", "soxr", "tokenizers", "tqdm")
RUNTIMES = ("onnxruntime", "onnxruntime-gpu", "onnxruntime-ep-nv-tensorrt-rtx")
RIVALS = ("onnxruntime", "onnxruntime-gpu")  # share one folder; the last one installed wins
PROBE_LIMIT_S = 300.0  # TensorRT may build for a while
_BOOT = "import sys; r = sys.argv[1]; r in sys.path or sys.path.insert(0, r); from engine.doctor import probe; probe()"

# An ONNX model of one Identity node over one float, serialised once: the smallest thing a session can be made of.
_IDENTITY_GRAPH = bytes.fromhex(
    "08083a370a100a017812017922084964656e746974791201675a0f0a0178120a0a0808"
    "0112040a020801620f0a0179120a0a08080112040a02080142040a001011"
)


def examine(
    version_of: Callable[[str], str | None] | None = None, try_devices: Callable[[], list[dict[str, Any]]] | None = None
) -> dict[str, Any]:
    """All findings as JSON values.

    Args:
        version_of: version of an installed package, None where it is not installed; None asks Python.
        try_devices: a row for each device; None tries them.

    Returns:
        ``ok`` tells whether stems can be made here; ``problems`` and ``warnings`` are sentences for the user.
    """
    packages = {name: (version_of or _version)(name) for name in (*PACKAGES, *RUNTIMES)}
    devices = (try_devices or _try_devices)()
    bundles = [_look_at_bundle(name, folder) for name, folder in list_bundles().items()]
    audio = _look_at_audio()
    folders = {"temp": _look_at_folder(Path(tempfile.gettempdir())), "cache": _look_at_folder(user_cache_folder())}
    findings: dict[str, Any] = {
        "engine_version": engine_version(),
        "python": platform.python_version(),
        "platform": platform.platform(),
        "cpus": os.cpu_count(),
        "packages": packages,
        "devices": devices,
        "bundles": bundles,
        "bundle_places": [str(place) for place in search_folders()],
        "audio": audio,
        "folders": folders,
    }
    problems, warnings = list(_problems(findings)), list(_warnings(findings))
    return {"ok": not problems, "problems": problems, "warnings": warnings, **findings}


def lines(findings: dict[str, Any]) -> Iterator[str]:
    """The findings for a reader."""
    yield f"fluxstem {findings['engine_version']}, Python {findings['python']}, {findings['platform']}"
    installed = (f"{name} {version}" for name, version in findings["packages"].items() if version)
    yield "packages: " + ", ".join(installed)
    for row in findings["devices"]:
        yield f"device {row['asked']}: works, got {row['got']}" if row["ok"] else str(row["why"])
    for row in findings["bundles"]:
        yield f"bundle {row['name']}: " + (f"good, {row['version']}, {row['path']}" if row["ok"] else row["why"])
    audio = findings["audio"]
    yield "audio devices: " + (f"{len(audio['devices'])}" if audio["ok"] else audio["why"])
    for name, row in findings["folders"].items():
        yield f"{name} folder: {row['path']}, " + ("writable" if row["ok"] else row["why"])
    yield from (f"warning: {sentence}" for sentence in findings["warnings"])
    yield from (f"problem: {sentence}" for sentence in findings["problems"])
    yield "all is well" if findings["ok"] else "stems cannot be made here until the problems are solved"


def probe() -> None:
    """Make a real session on every device and print what was got as one JSON line; runs in a process of its own."""
    from engine.runtime.select import open_backend

    rows = []
    with tempfile.TemporaryDirectory(prefix="fluxstem-") as folder:
        graph = Path(folder) / "identity.onnx"
        graph.write_bytes(_IDENTITY_GRAPH)
        for device in get_args(Device):
            try:
                backend = open_backend(device)
                backend.open(graph)
                rows.append({"asked": device, "got": backend.device, "ok": True, "why": None})
            except EngineError as error:
                rows.append({"asked": device, "got": None, "ok": False, "why": str(error)})
    print(json.dumps(rows), flush=True)


def _try_devices() -> list[dict[str, Any]]:
    root = str(Path(__file__).resolve().parent.parent)
    try:
        run = subprocess.run(
            [sys.executable, "-P", "-c", _BOOT, root],
            capture_output=True,
            text=True,
            timeout=PROBE_LIMIT_S,
            check=False,
        )
        rows: list[dict[str, Any]] = json.loads(run.stdout.splitlines()[-1])
        return rows
    except subprocess.TimeoutExpired:
        why = f"the runtime did not answer within {PROBE_LIMIT_S:g} s"
    except OSError as error:
        why = f"no process can be started to try it in ({error.strerror}: {sys.executable})"
    except (IndexError, ValueError):
        words = run.stderr.strip().splitlines()
        why = f"the runtime ended with code {run.returncode}" + (f" ({words[-1]})" if words else "")
    return [{"asked": device, "got": None, "ok": False, "why": why} for device in get_args(Device)]


def _look_at_bundle(name: str, folder: Path) -> dict[str, Any]:
    row = {"name": name, "path": str(folder), "ok": True, "why": None, "version": None}
    try:
        row["version"] = load_bundle(folder).manifest.version
    except BundleError as error:
        row |= {"ok": False, "why": str(error)}
    return row


def _look_at_audio() -> dict[str, Any]:
    """Devices for playback; only a window needs them."""
    try:
        sounddevice = import_module("sounddevice")  # missing, or without its PortAudio library, on many machines
        devices = [str(device["name"]) for device in sounddevice.query_devices()]
        return {"ok": True, "why": None, "devices": devices}
    except ImportError:
        return {
            "ok": False,
            "why": "not looked at; sounddevice is not installed (only playback needs it)",
            "devices": [],
        }
    except Exception as error:  # OSError without PortAudio, PortAudioError without a sound system
        return {"ok": False, "why": f"cannot be listed ({error}); only playback needs them", "devices": []}


def _look_at_folder(folder: Path) -> dict[str, Any]:
    there = next(place for place in (folder, *folder.parents) if os.path.exists(place))
    try:
        with tempfile.TemporaryFile(dir=there) as stream:
            stream.write(b"x")
            stream.flush()
        return {"path": str(folder), "ok": True, "why": None}
    except OSError as error:
        return {"path": str(folder), "ok": False, "why": f"cannot be written to ({error.strerror})"}


def _problems(findings: dict[str, Any]) -> Iterator[str]:
    if not any(row["ok"] for row in findings["devices"]):
        yield "no device can run a graph: " + str(findings["devices"][0]["why"])
    if not any(row["ok"] for row in findings["bundles"]):
        yield "no usable bundle is installed; looked in " + ", ".join(findings["bundle_places"])
    if not findings["folders"]["temp"]["ok"]:
        yield f"the folder for temporary files, {findings['folders']['temp']['path']}, cannot be written to"


def _warnings(findings: dict[str, Any]) -> Iterator[str]:
    if all(findings["packages"][name] for name in RIVALS):
        yield (
            f"{' and '.join(RIVALS)} are both installed and share one folder, so the last one installed wins; "
            "uninstall both, then install one"
        )
    for row in findings["bundles"]:
        if not row["ok"]:
            yield str(row["why"])
    if not findings["folders"]["cache"]["ok"]:
        cache = findings["folders"]["cache"]["path"]
        yield f"the cache folder {cache} cannot be written to, so TensorRT has to build every time"


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None
