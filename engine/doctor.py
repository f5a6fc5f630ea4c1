"""Look at everything that has to work on this machine and say what does not, in words a user can act on.

The runtime is tried in a process of its own: drivers print, and may crash. Nothing is changed and nothing is loaded
that a client must not load. What is said of the findings are sentences with values, so that a window can say them in
another language.
"""

from __future__ import annotations

import json
import math
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from importlib import import_module, metadata
from pathlib import Path
from typing import Any

from engine.bundle.bundle import load_bundle
from engine.bundle.library import find_bundle, list_bundles, search_folders, user_cache_folder
from engine.bundle.signature import check_signature, look_at_signature
from engine.bundle.trust import check_contents
from engine.confinement import missing_measures
from engine.errors import BundleError, DeviceError, EngineError, HostError
from engine.request import DEVICES, Device
from engine.runtime.backend import PROVIDERS, DeviceChanged
from engine.runtime.devices import list_cards
from engine.runtime.engine_build import BuildStep, EngineBuild
from engine.runtime.providers import ROWS
from engine.runtime.settings import settings_for
from engine.runtime.tensorrt import is_built
from engine.version import engine_version

PACKAGES = ("numpy", "rapidfuzz", "soundfile", "soxr", "tokenizers", "tqdm")
RUNTIMES = (
    "onnxruntime", "onnxruntime-gpu", "onnxruntime-openvino", "onnxruntime-directml", "onnxruntime-ep-nv-tensorrt-rtx",
    "onnxruntime-ep-openvino", "onnxruntime-ep-webgpu",
)  # fmt: skip
RIVALS = ("onnxruntime", "onnxruntime-gpu")  # share one folder; the last one installed wins
USUAL_DEVICES = ("auto", "cpu", "cuda", "tensorrt")  # told of also where they are not installed
GB = 1e9
PROBE_LIMIT_S = 300.0  # TensorRT may build for a while
_ON_NVIDIA = tuple(kind for kind, row in ROWS.items() if row.nvidia)
_BOOT = "import sys; r = sys.argv[1]; r in sys.path or sys.path.insert(0, r); from engine.doctor import probe; probe()"

# An ONNX model of one Identity node over one float, serialised once: the smallest thing a session can be made of.
_IDENTITY_GRAPH = bytes.fromhex(
    "08083a370a100a017812017922084964656e746974791201675a0f0a0178120a0a0808"
    "0112040a020801620f0a0179120a0a08080112040a02080142040a001011"
)


@dataclass(frozen=True, slots=True)
class Sentence:
    """Something to tell the user; ``str`` is its English.

    Attributes:
        template: the words, with values in braces as for ``str.format``.
        values: what goes into the braces; sentences among them are to be translated as well.
    """

    template: str
    values: Mapping[str, object] = field(default_factory=dict)

    def __str__(self) -> str:
        return self.template.format(**self.values)

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> Sentence:
        """Why a row of the findings is not good."""
        said = row.get("said") or {"template": "{why}", "values": {"why": row["why"]}}
        return cls(said["template"], said["values"])

    @property
    def plain(self) -> dict[str, Any]:
        """As JSON values: ``why`` is the English, ``said`` its template and values."""
        values = {name: str(value) for name, value in self.values.items()}
        return {"why": str(self), "said": {"template": self.template, "values": values}}


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
    cards = [asdict(card) for card in list_cards()]
    folders = {"temp": _look_at_folder(Path(tempfile.gettempdir())), "cache": _look_at_folder(user_cache_folder())}
    findings: dict[str, Any] = {
        "engine_version": engine_version(),
        "python": platform.python_version(),
        "platform": platform.platform(),
        "cpus": os.cpu_count(),
        "packages": packages,
        "cards": cards,
        "devices": devices,
        "placements": next((row.pop("placements") for row in devices if "placements" in row), {}),
        "device_notes": next((row.pop("device_notes") for row in devices if "device_notes" in row), []),
        "engines": _look_at_engines(devices),
        "bundles": bundles,
        "bundle_places": [str(place) for place in search_folders()],
        "audio": audio,
        "folders": folders,
        "confinement": missing_measures(),
    }
    problems, warnings = [[str(one) for one in told(findings)] for told in (_problems, _warnings)]
    return {"ok": not problems, "problems": problems, "warnings": warnings, **findings}


def lines(findings: dict[str, Any]) -> Iterator[str]:
    """The findings for a reader, in English."""
    yield from map(str, sentences(findings))


def sentences(findings: dict[str, Any]) -> Iterator[Sentence]:
    """The findings for a reader, a line each."""
    top = {name: findings[name] for name in ("engine_version", "python", "platform")}
    yield Sentence("fluxstem {engine_version}, Python {python}, {platform}", top)
    installed = ", ".join(f"{name} {version}" for name, version in findings["packages"].items() if version)
    yield Sentence("packages: {packages}", {"packages": installed})
    yield from _device_sentences(findings)
    for row in findings["bundles"]:
        good = Sentence("bundle {name}: good, {version}, {signature}, {path}", row)
        yield good if row["ok"] else Sentence("bundle {name}: {why}", {"name": row["name"], "why": Sentence.of(row)})
    audio = findings["audio"]
    found = Sentence("audio devices: {count}", {"count": len(audio["devices"])})
    yield found if audio["ok"] else Sentence("audio devices: {why}", {"why": Sentence.of(audio)})
    for name, row in findings["folders"].items():
        folder = {"name": name, "path": row["path"]}
        if row["ok"]:
            yield Sentence("{name} folder: {path}, writable", folder)
        else:
            yield Sentence("{name} folder: {path}, {why}", {**folder, "why": Sentence.of(row)})
    missing = findings["confinement"]
    for measure, why in missing.items():
        yield Sentence(
            "confinement of the engine: {measure} is missing, because {why}", {"measure": measure, "why": why}
        )
    if not missing:
        yield Sentence("confinement of the engine: limits, Landlock and seccomp")
    yield from (Sentence("warning: {sentence}", {"sentence": one}) for one in _warnings(findings))
    yield from (Sentence("problem: {sentence}", {"sentence": one}) for one in _problems(findings))
    yield Sentence("all is well" if findings["ok"] else "stems cannot be made here until the problems are solved")


def build(bundle: str, device: Device, embed: bool, at_least_s: float = math.inf) -> Iterator[BuildStep]:
    """Build TensorRT's engines for a bundle in a process of its own; gives how far it is, step by step.

    Args:
        bundle: its name or folder.
        device: with the number of the card.
        embed: also write each graph with its engine inside.
        at_least_s: the last step is given again after so many seconds without another.

    Raises:
        EngineError: the bundle cannot be found, or TensorRT cannot be used.
    """
    try:
        running = EngineBuild(find_bundle(bundle), device, embed=embed)
    except OSError as error:
        raise HostError("the process that builds engines could not be started ({error})", error=error) from error
    try:
        yield from running.steps(at_least_s)
        if not running.is_good:
            raise DeviceError("not every engine could be built: {reason}", reason=running.why or "the process ended")
    finally:
        running.close()


def _device_sentences(findings: dict[str, Any]) -> Iterator[Sentence]:
    for card in findings.get("cards", ()):
        sizes = {name: card[f"{name}_bytes"] / GB for name in ("memory", "free")}
        words = "card {index}: {name}, {memory:.0f} GB, of which {free:.1f} are free, driver {driver}"
        yield Sentence(words, {**card, **sizes})
    for row in findings["devices"]:
        if row["ok"]:
            yield Sentence("device {asked}: works, got {got}", row)
        elif row.get("installed", True) or row["asked"] in USUAL_DEVICES:
            yield Sentence.of(row)
    for graph, placed in findings.get("placements", {}).items():
        yield _graph_sentence(graph, placed)
    yield from (Sentence("note: {sentence}", {"sentence": note}) for note in findings.get("device_notes", ()))
    for row in findings.get("engines", ()):
        yield Sentence("TensorRT's engines of bundle {bundle}: {built} of {count} are built", row)


def _graph_sentence(graph: str, placed: Mapping[str, Mapping[str, int]]) -> Sentence:
    """Which provider ran how many operations of a graph, and the names of those that were left to the CPU."""
    share = ", ".join(f"{sum(operators.values())} on {provider}" for provider, operators in placed.items())
    left = placed.get(PROVIDERS["cpu"], {})
    if not left or len(placed) == 1:
        return Sentence("{graph}: operations {share}", {"graph": graph, "share": share})
    names = ", ".join(f"{name} ({count})" if count > 1 else name for name, count in sorted(left.items()))
    words = "{graph}: operations {share}; left to the CPU: {left}"
    return Sentence(words, {"graph": graph, "share": share, "left": names})


def probe() -> None:
    """Make a real session on every device and print what was got as one JSON line; runs in a process of its own."""
    from engine.runtime.select import open_backend

    folder = next(iter(list_bundles().values()), None)
    graphs = [] if folder is None else sorted(folder.glob("*.onnx"))
    print(json.dumps(try_devices(open_backend, graphs, _is_installed)), flush=True)


def try_devices(
    open_backend: Callable[[Device], Any], graphs: Sequence[Path], is_installed: Callable[[Device], bool]
) -> list[dict[str, Any]]:
    """A row for each device: whether a session on it can be made.

    The row of the first that is not the CPU also has ``placements``, graph -> provider -> operator -> how often it ran
    there, and ``device_notes``, what a user is to know of it once all graphs of a bundle have been opened.

    Args:
        graphs: of the usual bundle.
        is_installed: whether there is a package for a device, working or not.
    """
    rows: list[dict[str, Any]] = []
    is_looked_at = False
    with tempfile.TemporaryDirectory(prefix="fluxstem-") as folder:
        smallest = Path(folder) / "identity.onnx"
        smallest.write_bytes(_IDENTITY_GRAPH)
        for device in DEVICES:
            try:
                backend = open_backend(device)
                backend.open(smallest)
                rows.append({"asked": device, "got": backend.device, "ok": True, "why": None})
            except EngineError as error:
                installed = is_installed(device)
                rows.append({"asked": device, "got": None, "ok": False, "installed": installed, **_why(error).plain})
                continue
            if backend.device != PROVIDERS["cpu"] and not is_looked_at:
                is_looked_at = True
                rows[-1] |= _look_at_graphs(backend, graphs)
    return rows


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
        why = Sentence("the runtime did not answer within {limit_s:g} s", {"limit_s": PROBE_LIMIT_S})
    except OSError as error:
        values = {"reason": error.strerror, "program": sys.executable}
        why = Sentence("no process can be started to try it in ({reason}: {program})", values)
    except (IndexError, ValueError):
        last = (run.stderr.strip().splitlines() or [""])[-1]
        words = "the runtime ended with code {code} ({words})" if last else "the runtime ended with code {code}"
        why = Sentence(words, {"code": run.returncode, "words": last})
    return [{"asked": device, "got": None, "ok": False, **why.plain} for device in DEVICES]


def _is_installed(device: Device) -> bool:
    from engine.runtime.onnx_providers import OnnxRuntime

    return OnnxRuntime().installed(device)


def _look_at_graphs(backend: Any, graphs: Sequence[Path]) -> dict[str, Any]:
    """What each operation of some graphs really ran on, and what is to be told of the devices; opens all of them."""
    placements: dict[str, Any] = {}
    notes: list[str] = []
    waiting = list(graphs)
    while waiting:
        graph = waiting.pop(0)
        try:
            backend.open(graph)
        except DeviceChanged:  # all graphs move to the next device
            placements, waiting = {}, list(graphs)
            continue
        except EngineError as error:
            notes.append(str(error))
            continue
        placed = backend.nodes_run(graph) or backend.placements.get(graph.name, {})
        placements[graph.name] = {provider: dict(operators) for provider, operators in placed.items() if operators}
    return {"placements": placements, "device_notes": [*backend.notes, *notes]}


def _look_at_engines(devices: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """How many graphs of each bundle have an engine; nothing where TensorRT does not work."""
    if not any(row["asked"] == "tensorrt" and row["ok"] for row in devices):
        return []
    settings, rows = settings_for("tensorrt"), []
    for name, folder in list_bundles().items():
        graphs = list(folder.glob("*.onnx"))
        rows.append({"bundle": name, "built": sum(is_built(one, settings) for one in graphs), "count": len(graphs)})
    return rows


def _why(error: EngineError) -> Sentence:
    return Sentence(error.template, error.values) if error.values else Sentence("{error}", {"error": str(error)})


def _look_at_bundle(name: str, folder: Path) -> dict[str, Any]:
    row = {"name": name, "path": str(folder), "ok": True, "why": None, "version": None, "signature": ""}
    try:
        bundle = load_bundle(folder)
        check_signature(bundle)
        check_contents(bundle)
        row |= {"version": bundle.manifest.version, "signature": look_at_signature(folder).words}
    except BundleError as error:
        row |= {"ok": False, **_why(error).plain}
    return row


def _look_at_audio() -> dict[str, Any]:
    """Devices for playback; only a window needs them."""
    try:
        sounddevice = import_module("sounddevice")  # missing, or without its PortAudio library, on many machines
        devices = [str(device["name"]) for device in sounddevice.query_devices()]
        return {"ok": True, "why": None, "devices": devices}
    except ImportError:
        why = Sentence("not looked at; sounddevice is not installed (only playback needs it)")
    except Exception as error:  # OSError without PortAudio, PortAudioError without a sound system
        why = Sentence("cannot be listed ({error}); only playback needs them", {"error": str(error)})
    return {"ok": False, **why.plain, "devices": []}


def _look_at_folder(folder: Path) -> dict[str, Any]:
    there = next(place for place in (folder, *folder.parents) if os.path.exists(place))
    try:
        with tempfile.TemporaryFile(dir=there) as stream:
            stream.write(b"x")
            stream.flush()
        return {"path": str(folder), "ok": True, "why": None, "free_bytes": shutil.disk_usage(there).free}
    except OSError as error:
        why = Sentence("cannot be written to ({reason})", {"reason": error.strerror})
        return {"path": str(folder), "ok": False, **why.plain, "free_bytes": None}


def _problems(findings: dict[str, Any]) -> Iterator[Sentence]:
    if not any(row["ok"] for row in findings["devices"]):
        yield Sentence("no device can run a graph: {why}", {"why": Sentence.of(findings["devices"][0])})
    if not any(row["ok"] for row in findings["bundles"]):
        places = ", ".join(findings["bundle_places"])
        yield Sentence("no usable bundle is installed; looked in {places}", {"places": places})
    temp = findings["folders"]["temp"]
    if not temp["ok"]:
        yield Sentence("the folder for temporary files, {path}, cannot be written to", {"path": temp["path"]})


def _warnings(findings: dict[str, Any]) -> Iterator[Sentence]:
    if all(findings["packages"][name] for name in RIVALS):
        yield Sentence(
            "{packages} are both installed and share one folder, so the last one installed wins; "
            "uninstall both, then install one",
            {"packages": " and ".join(RIVALS)},
        )
    if findings.get("cards") and not any(row["ok"] for row in findings["devices"] if row["asked"] in _ON_NVIDIA):
        yield Sentence("this machine has an NVIDIA card, and no runtime uses it; see DEVICES.md for what to install")
    yield from (Sentence.of(row) for row in findings["bundles"] if not row["ok"])
    cache = findings["folders"]["cache"]
    if not cache["ok"]:
        yield Sentence(
            "the cache folder {path} cannot be written to, so TensorRT has to build every time", {"path": cache["path"]}
        )


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None
