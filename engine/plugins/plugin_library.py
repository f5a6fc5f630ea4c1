"""Which plug-ins there are: folders, scanning in processes of their own, and the cache of what was found.

A plug-in that breaks its process goes into quarantine: it is not loaded again until its file changes or the user says
so. A chain loads only what a scan found, so that a file from elsewhere cannot name code to run. The engine's process,
which may write next to nothing, can add to the quarantine but not to what is loaded.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import sys
import uuid
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from engine.bundle.library import user_data_folder
from engine.errors import OutputError, RequestError
from engine.optional_packages import require_pedalboard
from engine.plugins.builtin_effects import ParameterSpec
from engine.plugins.child import EffectFault, run_chain_process

VARIABLE = "FLUXSTEM_PLUGINS"
CACHE_FORMAT = 1
ENDINGS = (".vst3", ".component") if sys.platform == "darwin" else (".vst3",)
DEPTH = 4  # of folders below a plug-in folder
SCAN_LIMITS_S = {"load": 30.0, "set": 30.0}

OnFound = Callable[["PluginFile", int, int], None]  # a file, its number from 1, and how many there are


@dataclass(frozen=True, slots=True, kw_only=True)
class PluginInfo:
    """One plug-in, as it said of itself when it was scanned.

    Attributes:
        name, maker, version, category: as it calls itself.
        file: where it is.
        channels: it takes at a time, 2 or 1; 0 where it takes neither, and cannot be in a chain.
        is_effect: False for an instrument.
        parameters: with ranges and units.
        delay_samples: how late it says it is.
        heard_delay_samples: how late a click came out at 44.1 kHz; None where none did.
        error: why it cannot be used; "" where it can.
    """

    name: str
    file: str
    maker: str = ""
    version: str = ""
    category: str = ""
    channels: int = 0
    is_effect: bool = True
    parameters: tuple[ParameterSpec, ...] = ()
    delay_samples: int = 0
    heard_delay_samples: int | None = None
    error: str = ""

    @property
    def is_usable(self) -> bool:
        """True means a chain can hold it."""
        return not self.error and self.is_effect and self.channels > 0

    @property
    def delay_note(self) -> str:
        """A sentence where a click came out at another time than the plug-in says; "" where all is well."""
        heard = self.heard_delay_samples
        if heard is None or heard == self.delay_samples:
            return ""
        return (
            f"{self.name} says that it is {self.delay_samples} samples late, and a click came out {heard} late; if "
            f"that is not its effect, set delay_samples to {heard}"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class PluginFile:
    """One file with plug-ins in it, as it was scanned.

    Attributes:
        path: of the file or bundle.
        stamp: changes when the file does.
        plugins: what is in it.
        quarantine: why it is not loaded any more, words that follow its name; "" for one that is.
    """

    path: str
    stamp: str
    plugins: tuple[PluginInfo, ...] = ()
    quarantine: str = ""

    @property
    def name(self) -> str:
        """Of the file, without its ending."""
        return Path(self.path).stem


@dataclass(frozen=True, slots=True)
class PluginLibrary:
    """What scans have found.

    Attributes:
        files: path -> file.
    """

    files: dict[str, PluginFile] = field(default_factory=dict)

    @property
    def plugins(self) -> tuple[PluginInfo, ...]:
        """All plug-ins that are not in quarantine, by name."""
        found = [one for file in self.files.values() if not file.quarantine for one in file.plugins]
        return tuple(sorted(found, key=lambda one: (one.name.lower(), one.file)))

    @property
    def quarantined(self) -> tuple[PluginFile, ...]:
        """Files that are not loaded any more."""
        return tuple(file for file in self.files.values() if file.quarantine)


def plugin_folders() -> list[Path]:
    """Folders searched for plug-ins: those of ``$FLUXSTEM_PLUGINS``, then the system's; not all need exist."""
    asked = [Path(part) for part in os.environ.get(VARIABLE, "").split(os.pathsep) if part]
    home = Path(os.path.expanduser("~"))
    if sys.platform == "darwin":
        places = [
            base / "Library/Audio/Plug-Ins" / kind for base in (home, Path("/")) for kind in ("VST3", "Components")
        ]
    elif sys.platform == "win32":
        places = [
            Path(os.environ.get(name, "")) / below
            for name, below in (("LOCALAPPDATA", "Programs/Common/VST3"), ("COMMONPROGRAMFILES", "VST3"))
            if os.environ.get(name)
        ]
    else:
        places = [home / ".vst3", Path("/usr/lib/vst3"), Path("/usr/local/lib/vst3")]
    return [*asked, *places]


def find_plugin_files(folders: Iterable[Path]) -> list[Path]:
    """Files and bundles with a plug-in's ending; a folder may be one itself."""
    return sorted({path for folder in folders for path in _below(folder, DEPTH)})


def load_plugin_library() -> PluginLibrary:
    """What scans have found so far; a cache that cannot be read is an empty one."""
    files = dict(_cached().files)
    for path, file in files.items():
        mark = _mark_of(path)
        with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
            said = json.loads(mark.read_bytes())
            if said["stamp"] == file.stamp and not file.quarantine:
                files[path] = replace(file, quarantine=str(said["why"]))
    return PluginLibrary(files)


def scan_plugins(
    places: Iterable[Path] | None = None, *, again: bool = False, found: OnFound = lambda *news: None,
    check: Callable[[], None] = lambda: None,
) -> PluginLibrary:  # fmt: skip
    """Look for plug-ins and load each once, in a process of its own; what is known and unchanged is not loaded.

    Args:
        places: folders, or plug-ins; None means ``plugin_folders``, and forgets what is not there any more.
        again: True means that all are loaded again, those in quarantine too.
        found: is told of every file.
        check: raises to stop; what was found until then is kept.

    Returns:
        Everything known afterwards.

    Raises:
        RequestError: pedalboard is not installed.
        OutputError: the cache cannot be written.
    """
    require_pedalboard()
    library = _cached()
    paths = find_plugin_files(plugin_folders() if places is None else places)
    known = dict(library.files)
    if places is None:
        known = {path: file for path, file in known.items() if os.path.exists(path)}
    try:
        for number, path in enumerate(paths, 1):
            check()
            before = known.get(str(path))
            if again or before is None or before.stamp != stamp_of(path):
                known[str(path)] = scan_file(path, check)
                with contextlib.suppress(OSError):
                    _mark_of(str(path)).unlink()
            found(known[str(path)], number, len(paths))
    finally:
        _save(PluginLibrary(known))
    return load_plugin_library()


def scan_file(path: Path, check: Callable[[], None]) -> PluginFile:
    """Load one file in a process of its own and describe what is in it; one that breaks goes into quarantine.

    Raises:
        RequestError: pedalboard is not installed.
    """
    stamp = stamp_of(path)
    task = {"work": "describe", "file": str(path)}
    try:
        said = run_chain_process(task, lambda samples: check(), limits_s=SCAN_LIMITS_S)
    except EffectFault as fault:
        return PluginFile(path=str(path), stamp=stamp, quarantine=fault.why)
    return PluginFile(path=str(path), stamp=stamp, plugins=tuple(_plugin(row, path) for row in said["plugins"]))


def find_plugin(name: str, file: str = "") -> PluginInfo:
    """The plug-in that a chain names.

    Args:
        name: as it calls itself.
        file: where it was; it is looked for by its name where it is not there any more.

    Raises:
        RequestError: no scan has found it, it is in quarantine, or it cannot be in a chain.
    """
    found = _looked_up(name, file)
    if found is None:  # perhaps it was installed since
        stem = Path(file).stem if file else name
        likely = [path for path in find_plugin_files(plugin_folders()) if path.stem in (stem, name)]
        if likely:
            with contextlib.suppress(OutputError):  # of the engine's process, which may not write there
                scan_plugins(likely)
        found = _looked_up(name, file)
    if found is None:
        raise RequestError(
            "no plug-in {name} was found; install it and run fluxstem plugins scan, or take it out of the chain",
            name=name,
        )
    if not found.is_usable:
        why = found.error or ("is an instrument" if not found.is_effect else "takes neither one channel nor two")
        raise RequestError("the plug-in {name} cannot be in a chain: it {why}", name=name, why=why)
    return found


def quarantine(info: PluginInfo, why: str) -> None:
    """Remember that a plug-in broke its process."""
    mark = _mark_of(info.file)
    told = {"path": info.file, "stamp": stamp_of(Path(info.file)), "why": why}
    with contextlib.suppress(OSError):  # it breaks again next time, which costs no more than now
        mark.parent.mkdir(parents=True, exist_ok=True)
        mark.write_text(json.dumps(told) + "\n", encoding="ascii")


def quarantine_folder() -> Path:
    """Where it is kept what broke; it may not exist yet."""
    return user_data_folder() / "quarantine"


def stamp_of(path: Path) -> str:
    """A text that changes when a plug-in does: times and sizes of the files of a bundle."""
    files = sorted(path.rglob("*")) if path.is_dir() else [path]
    stats = []
    for file in files[:1000]:
        with contextlib.suppress(OSError):
            found = file.stat()
            if not file.is_dir():
                stats.append(f"{file.relative_to(path) if file != path else ''}:{found.st_mtime_ns}:{found.st_size}")
    return "|".join(stats)[:20_000]


def _looked_up(name: str, file: str) -> PluginInfo | None:
    library = load_plugin_library()
    for one in library.quarantined:
        same_name = name in (one.name, *(plugin.name for plugin in one.plugins))
        if same_name and file in ("", one.path) and one.stamp == stamp_of(Path(one.path)):
            raise RequestError(
                "the plug-in {name} is in quarantine: it {why}; fluxstem plugins scan --again {path} gives it another "
                "try", name=name, why=one.quarantine, path=one.path,
            )  # fmt: skip
    able = [one for one in library.plugins if one.name == name and os.path.exists(one.file)]
    return next((one for one in able if one.file == file), able[0] if able else None)


def _below(folder: Path, depth: int) -> Iterator[Path]:
    if folder.suffix.lower() in ENDINGS:
        if folder.exists():
            yield folder.resolve()
        return
    if depth:
        with contextlib.suppress(OSError):
            for inner in sorted(folder.iterdir()):
                if inner.suffix.lower() in ENDINGS or inner.is_dir():
                    yield from _below(inner, depth - 1)


def _cached() -> PluginLibrary:
    try:
        data = json.loads(_cache_file().read_bytes())
        if data["fluxstem_plugins"] != CACHE_FORMAT:
            return PluginLibrary()
        return PluginLibrary({row["path"]: _file_of(row) for row in data["files"]})
    except (OSError, ValueError, KeyError, TypeError):
        return PluginLibrary()


def _mark_of(path: str) -> Path:
    return quarantine_folder() / f"{hashlib.sha256(os.fsencode(path)).hexdigest()[:32]}.json"


def _cache_file() -> Path:
    return user_data_folder() / "plugins.json"


def _save(library: PluginLibrary) -> None:
    path = _cache_file()
    data = {"fluxstem_plugins": CACHE_FORMAT, "files": [asdict(file) for file in library.files.values()]}
    draft = path.with_name(f"{path.name}.{uuid.uuid4().hex}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        draft.write_text(json.dumps(data, indent=1) + "\n", encoding="ascii")
        os.replace(draft, path)
    except OSError as error:
        draft.unlink(missing_ok=True)
        raise OutputError(
            "cannot write {path} ({reason}); make room or choose another data folder", path=path, reason=error.strerror
        ) from error


def _file_of(row: dict[str, Any]) -> PluginFile:
    plugins = tuple(
        PluginInfo(**{**one, "parameters": tuple(ParameterSpec(**{**spec, "choices": tuple(spec["choices"])})
                                                 for spec in one["parameters"])})
        for one in row["plugins"]
    )  # fmt: skip
    return PluginFile(**{**row, "plugins": plugins})


def _plugin(row: dict[str, Any], path: Path) -> PluginInfo:
    """A plug-in out of what its process said."""
    if "error" in row:
        return PluginInfo(name=str(row["name"]), file=str(path), error=str(row["error"]))
    heard = row["heard_delay_samples"]
    return PluginInfo(
        name=str(row["name"]), file=str(path), maker=str(row["maker"]), version=str(row["version"]),
        category=str(row["category"]), channels=int(row["channels"]), is_effect=bool(row["is_effect"]),
        parameters=parameter_specs(row["parameters"]), delay_samples=int(row["delay_samples"]),
        heard_delay_samples=None if heard is None else int(heard),
    )  # fmt: skip


def parameter_specs(rows: list[dict[str, Any]]) -> tuple[ParameterSpec, ...]:
    """Parameters as a chain's process tells them; their defaults are what is set."""
    return tuple(
        ParameterSpec(
            row["name"], row["unit"], row["low"], row["high"],
            bool(row["value"]) if row["is_flag"] else row["value"], row["step"], tuple(row["choices"]), row["label"],
        )
        for row in rows
    )  # fmt: skip
