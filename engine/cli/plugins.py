"""``fluxstem plugins``: scan for plug-ins, list and show them, save and edit their settings, render a chain."""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from engine.errors import OutputError, RequestError
from engine.host.client import Engine
from engine.plugins.builtin_effects import BUILTINS, ParameterSpec
from engine.plugins.chain import ChainEffect, EffectChain, chain_json, list_chains, read_chain, read_preset
from engine.plugins.plugin_library import (
    PluginFile,
    PluginInfo,
    find_plugin,
    find_plugin_files,
    load_plugin_library,
    plugin_folders,
    scan_plugins,
)
from engine.plugins.render import PluginSettings, plugin_settings
from engine.plugins.render_file import render_file
from engine.request import OPTIONS
from engine.serialization import finite

SOME_FAILED = 1  # an exit code: it was done, but without an effect that broke


def add_to(sub: argparse.ArgumentParser, add_debug: Callable[[argparse.ArgumentParser], None]) -> None:
    """Give ``plugins`` its arguments; without any it lists."""
    sub.set_defaults(command=_list)
    sub.add_argument("--json", action="store_true", help="last line on standard output is one JSON object")
    verbs = sub.add_subparsers(title="what to do", metavar="scan|list|show|render", parser_class=type(sub))
    made = [_add_scan(verbs), _add_list(verbs), _add_show(verbs), _add_render(verbs)]
    add_debug(sub)
    for verb in made:
        add_debug(verb)
        verb.add_argument("--json", action="store_true", default=argparse.SUPPRESS, help=argparse.SUPPRESS)


def _add_scan(verbs: Any) -> argparse.ArgumentParser:
    verb: argparse.ArgumentParser = verbs.add_parser(
        "scan", help="look for plug-ins, and load each new one in a process of its own"
    )
    verb.add_argument("places", metavar="PATH", nargs="*", help="plug-ins or folders; default: the system's folders")
    verb.add_argument("--again", action="store_true", help="load those that are known too, and those in quarantine")
    verb.set_defaults(command=_scan)
    return verb


def _add_list(verbs: Any) -> argparse.ArgumentParser:
    verb: argparse.ArgumentParser = verbs.add_parser("list", help="list plug-ins, built-in effects and chains")
    verb.set_defaults(command=_list)
    return verb


def _add_show(verbs: Any) -> argparse.ArgumentParser:
    verb: argparse.ArgumentParser = verbs.add_parser(
        "show", help="show what can be set on an effect, or what is in a chain"
    )
    verb.add_argument("name", metavar="NAME|FILE", help="plug-in, built-in effect, or chain")
    verb.add_argument("--preset", metavar="FILE", help="set it by this .vstpreset first")
    verb.add_argument(
        "--set", metavar="PARAMETER=VALUE", dest="settings", action="append", default=[],
        help="set it so first; repeat it for several",
    )  # fmt: skip
    verb.add_argument("--editor", action="store_true", help="show its own window, until it is closed")
    verb.add_argument("--save-preset", metavar="FILE", help="write what is set then as a .vstpreset")
    verb.add_argument("--save-chain", metavar="FILE", help="write what is set then as a chain of this one effect")
    verb.set_defaults(command=_show)
    return verb


def _add_render(verbs: Any) -> argparse.ArgumentParser:
    verb: argparse.ArgumentParser = verbs.add_parser("render", help="put an audio file through a chain")
    verb.add_argument("input", metavar="IN", help="audio file")
    verb.add_argument("--chain", metavar="FILE|NAME", required=True, help="the chain, as a file or by its name")
    verb.add_argument("--out", metavar="DIR", default=".", help="folder for the result; default: the current one")
    verb.add_argument("--name", metavar="NAME", default="", help="of the result; default: IN - CHAIN")
    verb.add_argument("--format", choices=OPTIONS["format"].choices, default="same", help="default: that of IN")
    verb.add_argument("--quality", type=int, metavar="K", help="bit rate of mp3, ogg, opus and m4a files, in kbit/s")
    verb.add_argument("--tail", type=float, metavar="S",
                      help="seconds that echoes may ring on; 0 cuts them; default: what the chain says")  # fmt: skip
    verb.set_defaults(command=_render)
    return verb


def _scan(arguments: argparse.Namespace, engine: Engine | None) -> int:
    places = [Path(place) for place in arguments.places]
    for place in places:
        if not find_plugin_files([place]):
            raise RequestError("no plug-in is at {path}; give a .vst3 or a folder with some", path=place)
    seen = list[PluginFile]()

    def found(file: PluginFile, number: int, count: int) -> None:
        seen.append(file)
        if not arguments.json:
            print(f"{number}/{count} {_file_line(file)}", flush=True)

    scan_plugins(places or None, again=arguments.again, found=found)
    if arguments.json:
        return _print({"files": [asdict(file) for file in seen]})
    if not seen:
        print("no plug-in was found; looked in " + ", ".join(map(str, plugin_folders())))
    return 0


def _file_line(file: PluginFile) -> str:
    if file.quarantine:
        return f"{file.path}: in quarantine, it {file.quarantine}"
    names = ", ".join(one.name if one.is_usable else f"{one.name} (not usable)" for one in file.plugins)
    notes = "".join(f"\n  {one.delay_note}" for one in file.plugins if one.delay_note)
    return f"{file.path}: {names or 'no plug-in in it'}{notes}"


def _list(arguments: argparse.Namespace, engine: Engine | None) -> int:
    library, chains = load_plugin_library(), list_chains()
    if arguments.json:
        return _print({
            "plugins": [asdict(one) for one in library.plugins],
            "quarantine": [{"path": one.path, "why": one.quarantine} for one in library.quarantined],
            "builtins": {name: row.doc for name, row in BUILTINS.items()},
            "chains": {name: str(path) for name, path in chains.items()},
            "folders": [str(folder) for folder in plugin_folders()],
        })  # fmt: skip
    for one in library.plugins:
        channels = {1: "mono", 2: "stereo"}.get(one.channels, "not usable")
        print(f"{one.name}  {one.version}  {one.maker}  {one.category}  {channels}  {one.file}")
    if not library.plugins:
        print("no plug-in is known; fluxstem plugins scan looks for them")
    for file in library.quarantined:
        print(f"{file.name}  in quarantine: it {file.quarantine}  {file.path}")
    print(f"built-in effects: {', '.join(BUILTINS)}")
    print(f"chains: {', '.join(chains)}")
    return 0


def _show(arguments: argparse.Namespace, engine: Engine | None) -> int:
    name = arguments.name
    if name in BUILTINS:
        return _show_builtin(name, arguments)
    if name in list_chains() or (os.path.isfile(name) and not find_plugin_files([Path(name)])):
        told = chain_json(read_chain(name))
        if arguments.json:
            return _print(told)
        print(json.dumps(told, indent=1))
        return 0
    info = _plugin_of(name)
    state = read_preset(Path(arguments.preset)) if arguments.preset else b""
    effect = ChainEffect(plugin=info.name, file=info.file, state=state, parameters=_settings(arguments, info))
    settings = plugin_settings(effect, editor=arguments.editor)
    _save_settings(arguments, settings)
    if arguments.json:
        return _print({
            **asdict(info), "parameters": [asdict(row) for row in settings.parameters],
            "state_sha256": settings.effect.state_sha256,
        })  # fmt: skip
    print(f"{info.name} {settings.effect.version}, {info.maker}, {info.category}; {info.file}")
    late = "" if info.heard_delay_samples is None else f"; a click comes out {info.heard_delay_samples} samples late"
    print(f"says it is {info.delay_samples} samples late{late}; state {settings.effect.state_sha256[:12]}")
    for row in settings.parameters:
        print(f"  {_parameter_line(row)}")
    return 0


def _show_builtin(name: str, arguments: argparse.Namespace) -> int:
    row = BUILTINS[name]
    if arguments.json:
        return _print({"name": name, "doc": row.doc, "parameters": [asdict(one) for one in row.parameters]})
    print(f"{name}: {row.doc}")
    for one in row.parameters:
        print(f"  {_parameter_line(one)}")
    return 0


def _parameter_line(row: ParameterSpec) -> str:
    value = f"{row.default:g}" if isinstance(row.default, float) else str(row.default)
    unit = f" {row.unit}" if row.unit else ""
    if row.choices:
        span = f"one of {', '.join(row.choices[:12])}" + (" ..." if len(row.choices) > 12 else "")
    else:
        span = "true or false" if row.low is None or row.high is None else f"{row.low:g} to {row.high:g}{unit}"
    return f"{row.name} = {value}{unit}  ({span})"


def _plugin_of(name: str) -> PluginInfo:
    """The plug-in of that name, or the first one in that file, which is scanned if need be."""
    path = Path(name)
    if files := find_plugin_files([path]):
        library = scan_plugins(files)
        file = library.files[str(files[0])]
        if file.plugins:
            return find_plugin(file.plugins[0].name, file.path)
        return find_plugin(file.name, file.path)
    return find_plugin(name)


def _settings(arguments: argparse.Namespace, info: PluginInfo) -> dict[str, float | bool | str]:
    known = {row.name: row for row in info.parameters}
    found: dict[str, float | bool | str] = {}
    for text in arguments.settings:
        name, is_said, value = text.partition("=")
        if not is_said:
            raise RequestError("{text!r} sets nothing; write PARAMETER=VALUE", text=text)
        if name not in known:
            raise RequestError("{name} has no parameter {key!r}; it has {known}", name=info.name, key=name,
                               known=", ".join(known))  # fmt: skip
        found[name] = _value(value, known[name])
    return found


def _value(text: str, row: ParameterSpec) -> float | bool | str:
    if row.choices:
        return text
    if isinstance(row.default, bool):
        return text.lower() in ("1", "true", "on", "yes")
    try:
        return float(text)
    except ValueError:
        raise RequestError("{name} takes a number, not {text!r}", name=row.name, text=text) from None


def _save_settings(arguments: argparse.Namespace, settings: PluginSettings) -> None:
    if arguments.save_preset:
        if not settings.preset:
            raise RequestError("{name} makes no .vstpreset; save a chain instead", name=settings.effect.name)
        _write(arguments.save_preset, settings.preset)
    if arguments.save_chain:
        told = chain_json(EffectChain((settings.effect,), settings.effect.name))
        _write(arguments.save_chain, (json.dumps(told, indent=1) + "\n").encode("ascii"))


def _write(path: str, data: bytes) -> None:
    try:
        with open(path, "xb") as file:
            file.write(data)
    except FileExistsError as error:
        raise OutputError("{path} is there already; choose another name", path=path) from error
    except OSError as error:
        raise OutputError("cannot write {path} ({reason}); choose another place", path=path,
                          reason=error.strerror) from error  # fmt: skip


def _render(arguments: argparse.Namespace, engine: Engine | None) -> int:
    chain = read_chain(arguments.chain)
    if arguments.tail is not None:
        chain = read_chain(json.dumps({**chain_json(chain), "tail_s": arguments.tail}))
    with _bar() as report:
        made = render_file(
            arguments.input, chain, Path(arguments.out), report, lambda: None, name=arguments.name,
            wanted=arguments.format, quality=arguments.quality,
        )  # fmt: skip
    for note in made.report.notes:
        print(f"fluxstem: {note}", file=sys.stderr)
    left_out = len(made.report.chain.heard) < len(chain.heard)
    if arguments.json:
        _print({
            "output": str(made.path), "sidecar": str(made.sidecar), "samples": made.samples, "gain_db": made.gain_db,
            "effects": made.report.effects, "notes": list(made.report.notes),
        })  # fmt: skip
    else:
        print(f"{made.path}")
        print(f"  effects   {', '.join(_effect_words(one) for one in made.report.effects) or 'none'}")
        if made.gain_db:
            print(f"  gain      {made.gain_db:.2f} dB, so that nothing clips")
    return SOME_FAILED if left_out else 0


def _effect_words(row: dict[str, Any]) -> str:
    return f"{row['name']} {row['version']}" if row["kind"] == "plugin" else str(row["name"])


@contextlib.contextmanager
def _bar() -> Iterator[Callable[[float, str], None]]:
    """A bar on a terminal, nothing elsewhere."""
    if not sys.stderr.isatty():
        yield lambda done, stage: None
        return
    from tqdm import tqdm

    with tqdm(total=1.0, leave=False, bar_format="{desc:<24.24} {percentage:3.0f}% |{bar}|", file=sys.stderr) as bar:

        def show(done: float, stage: str) -> None:
            bar.set_description_str(stage, refresh=False)
            bar.update(max(done - bar.n, 0.0))

        yield show


def _print(value: dict[str, Any]) -> int:
    print(json.dumps(finite(value), allow_nan=False), flush=True)
    return 0
