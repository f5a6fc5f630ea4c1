"""A chain of effects as a value, and as the JSON it is kept in.

A request names a chain by the name of one that ships or that the user saved, by the path of a file, or by the JSON
itself; sidecars and projects hold the JSON, so that they need no other file.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import math
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from engine.bundle.library import user_data_folder
from engine.errors import RequestError
from engine.plugins.builtin_effects import BUILTINS
from engine.plugins.limits import CHAIN_LIMIT_BYTES, EFFECTS_LIMIT, LATENCY_LIMIT_S, TAIL_LIMIT_S

FORMAT = 1
ENDING = ".json"
_SAMPLES_LIMIT = int(LATENCY_LIMIT_S * 384_000)
Setting = float | bool | str


@dataclass(frozen=True, slots=True)
class ChainEffect:
    """One effect of a chain: a built-in or a plug-in.

    Attributes:
        builtin: a row of ``BUILTINS``; "" for a plug-in.
        plugin: name of a plug-in; "" for a built-in.
        file: where the plug-in was found; it is looked up by its name where it is not there any more.
        version: of the plug-in when this was saved, "" where that is not known.
        state: all of the plug-in's settings, as it hands them out; empty means those it starts with.
        state_sha256: of the state that the plug-in really had, "" where that is not known.
        parameters: set after the state, by pedalboard's names.
        wet: 0 the sound as it came, 1 the effect alone.
        on: False means that it is left out.
        delay_samples: how late it really is, where what the plug-in says of itself is wrong; None believes it.
    """

    builtin: str = ""
    plugin: str = ""
    file: str = ""
    version: str = ""
    state: bytes = b""
    state_sha256: str = ""
    parameters: Mapping[str, Setting] = field(default_factory=dict)
    wet: float = 1.0
    on: bool = True
    delay_samples: int | None = None

    @property
    def name(self) -> str:
        """What people call it."""
        return self.builtin or self.plugin

    def __hash__(self) -> int:
        return hash(json.dumps(_effect_json(self), sort_keys=True))


@dataclass(frozen=True, slots=True)
class EffectChain:
    """Effects in order.

    Attributes:
        effects: the first is heard first.
        name: for people.
        tail_s: how much longer the result is than what went in, so that echoes can ring out; 0 cuts them.
    """

    effects: tuple[ChainEffect, ...] = ()
    name: str = ""
    tail_s: float = 0.0

    @property
    def heard(self) -> tuple[ChainEffect, ...]:
        """The effects that are on."""
        return tuple(one for one in self.effects if one.on)

    @property
    def words(self) -> str:
        """The chain in a few words."""
        return self.name or ", ".join(one.name for one in self.heard) or "nothing"


def chain_json(chain: EffectChain) -> dict[str, Any]:
    """A chain as JSON; what says nothing is left out."""
    effects = [_effect_json(one) for one in chain.effects]
    return {"fluxstem_chain": FORMAT, "name": chain.name, "tail_s": chain.tail_s, "effects": effects}


def chain_text(chain: EffectChain) -> str:
    """The same as one line, as requests carry it."""
    return json.dumps(chain_json(chain), separators=(",", ":"), sort_keys=True)


def chain_of_json(data: object, source: str, folder: Path | None = None) -> EffectChain:
    """A chain out of its JSON.

    Args:
        data: what stands in the file.
        source: what complaints call it.
        folder: presets named in the chain are files in it; None allows none.

    Raises:
        RequestError: it is none, or of a newer program.
    """
    if not isinstance(data, dict) or type(number := data.get("fluxstem_chain")) is not int or number < 1:
        raise RequestError('{chain} is not a chain; it needs "fluxstem_chain": 1 and "effects"', chain=source)
    if number > FORMAT:
        raise RequestError(
            "{chain} has chain format {number}, this program reads up to {newest}; update the program",
            chain=source, number=number, newest=FORMAT,
        )  # fmt: skip
    rows = data.get("effects")
    if not isinstance(rows, list) or len(rows) > EFFECTS_LIMIT:
        raise RequestError("{chain} needs a list of at most {most} effects", chain=source, most=EFFECTS_LIMIT)
    unknown = set(data) - {"fluxstem_chain", "name", "tail_s", "effects"}
    if unknown:
        raise _unknown(source, unknown)
    tail_s = _number(data.get("tail_s", 0.0), "tail_s", 0.0, TAIL_LIMIT_S, source)
    effects = tuple(_effect(row, f"effect {at} of {source}", folder) for at, row in enumerate(rows, 1))
    return EffectChain(effects, _text(data, "name", source), tail_s)


def read_chain(asked: str) -> EffectChain:
    """The chain that a request names.

    Args:
        asked: JSON, the path of a file, or the name of a chain that ships or that the user saved.

    Raises:
        RequestError: there is none, or it is not usable.
    """
    if asked.lstrip().startswith("{"):
        return chain_of_json(_parsed(asked.encode("utf-8", "surrogatepass"), "the chain"), "the chain")
    path = chain_path(asked)
    try:
        size = path.stat().st_size
        data = b"" if size > CHAIN_LIMIT_BYTES or not path.is_file() else path.read_bytes()
    except OSError as error:
        raise RequestError("the chain {path} cannot be read ({reason}); check that it may be read", path=path,
                           reason=error.strerror) from error  # fmt: skip
    if not data:
        raise RequestError(
            "the chain {path} is empty, no file, or over {most} bytes", path=path, most=CHAIN_LIMIT_BYTES
        )
    chain = chain_of_json(_parsed(data, str(path)), str(path), path.parent)
    return chain if chain.name else replace(chain, name=path.stem)


def chain_path(asked: str) -> Path:
    """The file of a chain.

    Raises:
        RequestError: there is none; the message lists the names there are.
    """
    known = list_chains()
    if asked in known:
        return known[asked]
    if asked and "\0" not in asked and os.path.isfile(asked):
        return Path(asked)
    raise RequestError(
        "there is no chain {chain!r}; name a file or one of {known}", chain=asked[:80], known=", ".join(known)
    )


def list_chains() -> dict[str, Path]:
    """Chains with a name: those that ship, and what the user saved; the user's come first."""
    found: dict[str, Path] = {}
    for place in (user_chains_folder(), *_shipped()):
        if place.is_dir():
            for path in sorted(place.glob(f"*{ENDING}")):
                found.setdefault(path.stem, path)
    return dict(sorted(found.items()))


def user_chains_folder() -> Path:
    """Where the chains are that the user saves under a name; it may not exist yet."""
    return user_data_folder() / "chains"


def state_hash(state: bytes) -> str:
    """Hash of a plug-in's state."""
    return hashlib.sha256(state).hexdigest()


def _shipped() -> tuple[Path, ...]:
    beside_the_code = Path(__file__).resolve().parents[2] / "resources" / "chains"
    return beside_the_code, Path(sys.prefix) / "share" / "fluxstem" / "chains"


def _effect_json(effect: ChainEffect) -> dict[str, Any]:
    told: dict[str, Any] = {
        "builtin": effect.builtin,
        "plugin": effect.plugin,
        "file": effect.file,
        "version": effect.version,
        "state": base64.b64encode(effect.state).decode("ascii"),
        "state_sha256": effect.state_sha256,
        "parameters": dict(effect.parameters),
        "wet": effect.wet,
        "on": effect.on,
        "delay_samples": effect.delay_samples,
    }
    silent: dict[str, Any] = {"wet": 1.0, "on": True, "parameters": {}, "delay_samples": None}
    return {name: value for name, value in told.items() if value != silent.get(name, "")}


_KNOWN = {
    "builtin", "plugin", "file", "version", "state", "state_sha256", "preset", "parameters", "wet", "on",
    "delay_samples",
}  # fmt: skip


def _effect(row: object, source: str, folder: Path | None) -> ChainEffect:
    if not isinstance(row, dict):
        raise RequestError("{effect} is no object; name a builtin or a plugin", effect=source)
    if unknown := set(row) - _KNOWN:
        raise _unknown(source, unknown)
    builtin, plugin = _text(row, "builtin", source), _text(row, "plugin", source)
    if bool(builtin) == bool(plugin):
        raise RequestError("{effect} has to name either a builtin or a plugin", effect=source)
    parameters = row.get("parameters", {})
    if not isinstance(parameters, dict) or not all(_is_setting(value) for value in parameters.values()):
        raise RequestError("the parameters of {effect} are no names with numbers or texts", effect=source)
    if builtin:
        _check_builtin(builtin, parameters, source)
    delay = row.get("delay_samples")
    if delay is not None and (type(delay) is not int or not 0 <= delay <= _SAMPLES_LIMIT):
        raise RequestError("delay_samples {value!r} of {effect} is not allowed; give a whole number from 0 to {most}",
                           value=delay, effect=source, most=_SAMPLES_LIMIT)  # fmt: skip
    if not isinstance(row.get("on", True), bool):
        raise RequestError("on {value!r} of {effect} is not allowed; give true or false", value=row["on"],
                           effect=source)  # fmt: skip
    return ChainEffect(
        builtin, plugin, _text(row, "file", source), _text(row, "version", source), _state(row, source, folder),
        _text(row, "state_sha256", source), parameters, _number(row.get("wet", 1.0), "wet", 0.0, 1.0, source),
        row.get("on", True), delay,
    )  # fmt: skip


def _state(row: Mapping[str, Any], source: str, folder: Path | None) -> bytes:
    """The state that stands in a chain, or the bytes of the preset that it names."""
    preset, text = _text(row, "preset", source), _text(row, "state", source)
    if preset and text:
        raise RequestError("{effect} has a state and a preset; leave one of them out", effect=source)
    if not preset:
        try:
            return base64.b64decode(text, validate=True)
        except (binascii.Error, ValueError) as error:
            raise RequestError("the state of {effect} is not base64", effect=source) from error
    if folder is None or os.path.basename(preset) != preset:
        raise RequestError(
            "the preset {preset} of {effect} has to be a file beside the chain's own file", preset=preset,
            effect=source,
        )  # fmt: skip
    return read_preset(folder / preset)


def read_preset(path: Path) -> bytes:
    """The bytes of a ``.vstpreset``.

    Raises:
        RequestError: it cannot be read, or is none.
    """
    try:
        with path.open("rb") as file:
            data = file.read(CHAIN_LIMIT_BYTES + 1)
    except OSError as error:
        raise RequestError(
            "the preset {path} cannot be read ({reason}); check the path", path=path, reason=error.strerror
        ) from error
    if not is_preset(data) or len(data) > CHAIN_LIMIT_BYTES:
        raise RequestError("{path} is not a .vstpreset of at most {most} bytes", path=path, most=CHAIN_LIMIT_BYTES)
    return data


def is_preset(state: bytes) -> bool:
    """True for the bytes of a ``.vstpreset``; a plug-in's own state begins otherwise.

    Source: Steinberg's VST 3 preset format: ``VST3``, then a version, then the class id.
    """
    return state.startswith(b"VST3") and len(state) >= 48


def _check_builtin(name: str, parameters: Mapping[str, Any], source: str) -> None:
    if name not in BUILTINS:
        raise RequestError("{effect} names the builtin {name!r}; choose one of {known}", effect=source, name=name,
                           known=", ".join(BUILTINS))  # fmt: skip
    for key, value in parameters.items():
        row = BUILTINS[name].parameter(key)
        if row is None:
            known = ", ".join(one.name for one in BUILTINS[name].parameters)
            raise RequestError("{name} in {effect} has no parameter {key!r}; it has {known}", name=name, effect=source,
                               key=key, known=known)  # fmt: skip
        if row.low is None or row.high is None:
            if not isinstance(value, bool):
                raise RequestError("{key} {value!r} of {effect} is not allowed; give true or false", key=key,
                                   value=value, effect=source)  # fmt: skip
        else:
            _number(value, key, row.low, row.high, source)


def _number(value: object, name: str, low: float, high: float, source: str) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not low <= value <= high:
        raise RequestError(
            "{name} {value!r} of {chain} is not allowed; give a number from {low:g} to {high:g}",
            name=name, value=value, chain=source, low=low, high=high,
        )  # fmt: skip
    return float(value)


def _text(row: Mapping[str, Any], name: str, source: str) -> str:
    value = row.get(name, "")
    if not isinstance(value, str) or "\0" in value:
        raise RequestError("the {name} of {chain} is no text", name=name, chain=source)
    return value


def _is_setting(value: object) -> bool:
    return isinstance(value, (str, bool)) or (isinstance(value, (int, float)) and math.isfinite(value))


def _unknown(source: str, names: set[Any]) -> RequestError:
    return RequestError("{chain} says {names}, which no chain has; leave it out", chain=source,
                        names=", ".join(sorted(map(str, names))))  # fmt: skip


def _parsed(data: bytes, source: str) -> object:
    if len(data) > CHAIN_LIMIT_BYTES:
        raise RequestError("{chain} is over {most} bytes", chain=source, most=CHAIN_LIMIT_BYTES)
    try:
        parsed: object = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise RequestError("{chain} is not JSON ({error})", chain=source, error=error) from error
    return parsed
