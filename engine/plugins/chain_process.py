"""The process of a chain: loads effects, renders sound, describes a plug-in or shows its window; then it ends.

The one place that imports pedalboard. A folder holds the task (``task.json``), how far it is (``progress``), and the
answer (``answer.json``); sound comes in as raw float32 rows on standard input and goes out on standard output. What
plug-ins print goes to standard error, which nobody parses. A plug-in that brings this process down brings down
nothing else.
"""

from __future__ import annotations

import base64
import contextlib
import ctypes
import json
import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from engine.plugins.builtin_effects import BUILTINS
from engine.plugins.chain import ChainEffect, chain_of_json, is_preset, state_hash
from engine.plugins.effect_stream import Block, EffectStream, ExcessiveLatency, NonFiniteOutput, Process, run_streams
from engine.plugins.limits import (
    BLOCK_SAMPLES,
    CPU_LIMIT_S,
    LATENCY_LIMIT_S,
    MEMORY_LIMIT_BYTES,
    PSEUDO_PARAMETERS,
)

TASK, PROGRESS, ANSWER = "task.json", "progress", "answer.json"
PROBE_RATE_HZ, PROBE_SAMPLES = 44_100, 512  # the same for every file, so that a state's hash is too
CLICK_SAMPLES, CLICK_AT, CLICK = 65_536, 16_384, 0.25
CHOICES_LIMIT = 200  # of a parameter; more are a number with steps


class UnusableEffect(Exception):
    """An effect that cannot be used as asked; the words follow its name."""


@dataclass(slots=True)
class _Reporter:
    """Where this process tells what it does."""

    folder: Path
    file: BinaryIO
    parent: int

    def tell(self, stage: str, effect: int, samples: int = 0) -> None:
        """Say what comes next, before it is begun: it may not end."""
        if os.getppid() != self.parent:
            raise SystemExit(1)  # nobody waits any more
        line = json.dumps({"stage": stage, "effect": effect, "samples": samples}).encode("ascii")
        self.file.seek(0)
        self.file.write(line.ljust(128))

    def answer(self, said: dict[str, Any]) -> None:
        """Leave the answer, whole or not at all."""
        draft = self.folder / "draft"
        draft.write_text(json.dumps(said), encoding="ascii")
        os.replace(draft, self.folder / ANSWER)


def main() -> None:
    """Do what the task says."""
    folder = Path(json.loads(sys.argv[1])["folder"])
    task = json.loads((folder / TASK).read_bytes())
    _limit_ourselves(task["limited"])
    with (
        (folder / PROGRESS).open("wb", buffering=0) as file,
        os.fdopen(os.dup(0), "rb") as source,
        os.fdopen(os.dup(1), "wb") as result,
    ):
        os.dup2(2, 1)  # what plug-ins print must not get into the sound
        reporter = _Reporter(folder, file, os.getppid())
        reporter.tell("start", -1)
        try:
            said = _WORK[task["work"]](task, reporter, source, result)
            result.flush()
        except ImportError as error:
            if error.name != "pedalboard":
                raise
            said = {"lacking": True}
        reporter.answer(said)
    os._exit(0)  # some plug-ins crash while they are taken down, when all is done


def _render(task: dict[str, Any], reporter: _Reporter, source: BinaryIO, result: BinaryIO) -> dict[str, Any]:
    channels, rate_hz, total = task["channels"], task["rate_hz"], task["samples"]
    chain = chain_of_json(task["chain"], "the chain")
    streams, reports, at = list[EffectStream](), list[dict[str, Any]](), 0
    try:
        for at, effect in enumerate(chain.effects):
            reporter.tell("load", at)
            instances = _Instances(effect, channels)
            reporter.tell("set", at)
            reports.append(instances.report(rate_hz))
            streams.append(instances.stream(rate_hz))
        done = 0

        def working(number: int) -> None:
            nonlocal at
            at = number
            reporter.tell("render", number, done)

        for block_CN in run_streams(streams, _blocks(source, channels, total), working):
            result.write(np.ascontiguousarray(block_CN.T).data)
            done += block_CN.shape[1]
        reporter.tell("end", -1, done)
    except UnusableEffect as error:
        return _fault(at, str(error), broken=False)
    except NonFiniteOutput:
        return _fault(at, "made samples that are no numbers", broken=True)
    except ExcessiveLatency:
        return _fault(at, f"keeps more than {LATENCY_LIMIT_S:g} s of sound back", broken=True)
    except (ValueError, TypeError, RuntimeError, OSError, MemoryError) as error:
        return _fault(at, f"did not work ({_words(error)})", broken=True)
    return {"effects": reports}


def _describe(task: dict[str, Any], reporter: _Reporter, source: BinaryIO, result: BinaryIO) -> dict[str, Any]:
    """Every plug-in in a file: what it is called, what can be set, how late it is."""
    pedalboard = _pedalboard()
    reporter.tell("load", 0)
    kind = pedalboard.AudioUnitPlugin if task["file"].endswith(".component") else pedalboard.VST3Plugin
    try:
        names = kind.get_plugin_names_for_file(task["file"])
    except (ImportError, RuntimeError, ValueError) as error:
        if isinstance(error, ImportError) and error.name == "pedalboard":
            raise
        return _fault(0, f"holds nothing that can be loaded ({_words(error).rpartition(': ')[2]})", broken=True)
    found = []
    for number, name in enumerate(names):
        reporter.tell("load", number)
        try:
            plugin = pedalboard.load_plugin(task["file"], plugin_name=name)
            effect = ChainEffect(plugin=name, file=task["file"])
            channels = next((count for count in (2, 1) if _takes(plugin, count)), 0)
            row: dict[str, Any] = {
                "name": name, "maker": plugin.manufacturer_name, "version": plugin.version,
                "category": plugin.category, "is_effect": bool(plugin.is_effect), "channels": channels,
                "parameters": _parameters(plugin), "delay_samples": int(plugin.reported_latency_samples),
                "heard_delay_samples": None,
            }  # fmt: skip
            if channels and plugin.is_effect:
                reporter.tell("set", number)
                row["heard_delay_samples"] = _heard_delay(effect, channels)
        except (ImportError, RuntimeError, ValueError, UnusableEffect) as error:
            row = {"name": name, "error": _words(error)}
        found.append(row)
    return {"plugins": found}


def _edit(task: dict[str, Any], reporter: _Reporter, source: BinaryIO, result: BinaryIO) -> dict[str, Any]:
    """Set one plug-in, show its own window where that is asked for, and hand out what is set then."""
    effect = chain_of_json(task["chain"], "the chain").effects[0]
    try:
        reporter.tell("load", 0)
        instances = _Instances(effect, 2)
        reporter.tell("set", 0)
        instances.settle()
        plugin = instances.plugins[0]
        if task["editor"]:
            reporter.tell("editor", 0)
            handler = _forgiving_x11()  # kept alive while the window is open
            plugin.show_editor()
            del handler
            reporter.tell("set", 0)
            instances.settle()
        preset = bytes(plugin.preset_data) if effect.plugin and hasattr(plugin, "preset_data") else b""
        return {
            "effects": [instances.report(PROBE_RATE_HZ)], "parameters": _parameters(plugin) if effect.plugin else [],
            "preset": base64.b64encode(preset).decode("ascii"),
        }  # fmt: skip
    except UnusableEffect as error:
        return _fault(0, str(error), broken=False)
    except (ValueError, TypeError, RuntimeError, OSError, ImportError) as error:
        if isinstance(error, ImportError) and error.name == "pedalboard":
            raise
        return _fault(0, f"did not work ({_words(error)})", broken=not task["editor"])


_WORK: dict[str, Callable[[dict[str, Any], _Reporter, BinaryIO, BinaryIO], dict[str, Any]]] = {
    "render": _render,
    "describe": _describe,
    "edit": _edit,
}


class _Instances:
    """One effect, as many times as the channels need: one that takes fewer gets one instance for each group.

    Raises:
        UnusableEffect: it cannot be used as asked.
    """

    def __init__(self, effect: ChainEffect, channels: int) -> None:
        self.effect, self._channels = effect, channels
        first = _loaded(effect)
        width = next((count for count in _widths(channels) if _takes(first, count)), 0)
        if not width:
            raise UnusableEffect("takes neither one channel nor two")
        self._width = width
        count = -(-channels // width)
        self.plugins = [first, *(_loaded(effect) for _ in range(count - 1))]

    def settle(self) -> None:
        """Let one block pass: only then do plug-ins hand out the state that was set."""
        silence = np.zeros((self._width, PROBE_SAMPLES), np.float32)
        for plugin in self.plugins:
            plugin.process(silence, PROBE_RATE_HZ, buffer_size=PROBE_SAMPLES, reset=False)

    def report(self, rate_hz: int) -> dict[str, Any]:
        """What is really set: name, version, state, parameters, and how late it says it is."""
        self.settle()
        plugin = self.plugins[0]
        if self.effect.builtin:
            names = [row.name for row in BUILTINS[self.effect.builtin].parameters]
            return {"parameters": {name: _plain(getattr(plugin, name)) for name in names}, "version": _version()}
        plugin.process(np.zeros((self._width, PROBE_SAMPLES), np.float32), rate_hz, buffer_size=PROBE_SAMPLES)
        late = int(plugin.reported_latency_samples)
        if late > LATENCY_LIMIT_S * rate_hz or late < 0:
            raise UnusableEffect(f"says that it is {late} samples late, which cannot be")
        state = bytes(plugin.raw_state)
        return {
            "version": str(plugin.version), "state": base64.b64encode(state).decode("ascii"),
            "state_sha256": state_hash(state), "delay_samples": late,
            "parameters": {row["name"]: row["value"] for row in _parameters(plugin)},
        }  # fmt: skip

    def stream(self, rate_hz: int) -> EffectStream:
        """The effect, ready for the first block."""
        for plugin in self.plugins:
            plugin.reset()
        lead = drop = 0
        if self.effect.delay_samples is not None and self.effect.plugin:
            told = int(self.plugins[0].reported_latency_samples)
            lead, drop = max(told - self.effect.delay_samples, 0), max(self.effect.delay_samples - told, 0)
        return EffectStream(self._process(rate_hz), self._channels, rate_hz, self.effect.wet, lead, drop)

    def _process(self, rate_hz: int) -> Process:
        channels, width = self._channels, self._width
        spare = len(self.plugins) * width - channels  # the last channel is given twice, and its two sides are averaged

        def process(block_CN: Block) -> Block:
            given_CN = np.concatenate([block_CN, np.repeat(block_CN[-1:], spare, axis=0)]) if spare else block_CN
            parts = [
                np.atleast_2d(plugin.process(np.ascontiguousarray(given_CN[at * width : (at + 1) * width]), rate_hz,
                                             buffer_size=BLOCK_SAMPLES, reset=False))
                for at, plugin in enumerate(self.plugins)
            ]  # fmt: skip
            parts = [part if part.shape[0] == width else np.zeros((width, 0), np.float32) for part in parts]
            shortest = min(part.shape[1] for part in parts)
            made_CN: Block = np.concatenate([part[:, :shortest] for part in parts]).astype(np.float32, copy=False)
            if spare:
                made_CN[channels - 1] = made_CN[channels - 1 :].mean(axis=0)
            return made_CN[:channels]

        return process


def _widths(channels: int) -> tuple[int, ...]:
    """How many channels an effect is offered at a time, the best first."""
    return (2, 1) if channels == 2 else (1, 2)


def _loaded(effect: ChainEffect) -> Any:
    """An effect with its settings.

    Raises:
        UnusableEffect: a setting is not allowed.
    """
    pedalboard = _pedalboard()
    if effect.builtin:
        row = BUILTINS[effect.builtin]
        if (kind := getattr(pedalboard, row.class_name, None)) is None:
            raise UnusableEffect(f"needs a newer pedalboard than {_version()}; update the extra plugins")
        return kind(**{one.name: effect.parameters.get(one.name, one.default) for one in row.parameters})
    try:
        plugin = pedalboard.load_plugin(effect.file, plugin_name=effect.plugin)
    except ValueError as error:
        raise UnusableEffect(f"cannot be loaded ({_words(error)})") from error
    if not plugin.is_effect:
        raise UnusableEffect("is an instrument; a chain takes effects")
    if effect.state:
        _restore(plugin, effect.state)
    known = plugin.parameters
    for name, value in effect.parameters.items():
        if name not in known:
            names = ", ".join(key for key in known if key not in PSEUDO_PARAMETERS)
            raise UnusableEffect(f"has no parameter {name!r}; it has {names[:600]}")
        try:
            setattr(plugin, name, value)
        except (ValueError, TypeError, AttributeError) as error:
            if not _is_meter(plugin, name):  # saved with the others, and not to be set
                raise UnusableEffect(f"does not take {name}={value!r}: {_words(error)}") from error
    return plugin


def _is_meter(plugin: Any, name: str) -> bool:
    return name.startswith(("gain_reduction", "output_level"))


def _restore(plugin: Any, state: bytes) -> None:
    try:
        if is_preset(state):
            with tempfile.TemporaryDirectory() as folder:
                path = Path(folder) / "given.vstpreset"
                path.write_bytes(state)
                plugin.load_preset(str(path))
            # Some plug-ins sound as the preset says and still show the parameters of before; a state reaches both.
            if any(_takes(plugin, count) for count in (2, 1)):
                plugin.raw_state = bytes(plugin.raw_state)
        else:
            plugin.raw_state = state
    except (ValueError, RuntimeError, OSError) as error:
        raise UnusableEffect(f"does not take its saved state: {_words(error)}") from error


def _takes(plugin: Any, channels: int) -> bool:
    try:
        plugin.process(np.zeros((channels, PROBE_SAMPLES), np.float32), PROBE_RATE_HZ, buffer_size=PROBE_SAMPLES)
    except ValueError:
        return False
    plugin.reset()
    return True


def _parameters(plugin: Any) -> list[dict[str, Any]]:
    """What can be set, with ranges and units; without what hosts use among themselves."""
    rows = []
    for name, one in plugin.parameters.items():
        if name in PSEUDO_PARAMETERS:
            continue
        low, high, step = one.range
        choices = [] if one.type is not str else [str(value) for value in one.valid_values][:CHOICES_LIMIT]
        rows.append({
            "name": name, "label": str(one.name), "unit": str(one.units or one.label or ""), "value":
            _plain(getattr(plugin, name)), "low": low, "high": high, "step": step, "choices": choices,
            "is_flag": one.type is bool,
        })  # fmt: skip
    return rows


def _plain(value: Any) -> float | bool | str:
    """A value of pedalboard, some of which are numbers with units, as JSON has it."""
    if isinstance(value, (bool, np.bool_)) or type(value).__name__ == "WrappedBool":
        return bool(value)
    return float(value) if isinstance(value, (int, float)) else str(value)


def _heard_delay(effect: ChainEffect, channels: int) -> int | None:
    """How late a click comes out, all told, in samples at the probe's rate; None where none comes."""
    instances = _Instances(effect, channels)
    instances.settle()
    said = int(instances.plugins[0].reported_latency_samples)
    if not 0 <= said <= LATENCY_LIMIT_S * PROBE_RATE_HZ:
        return None
    stream = instances.stream(PROBE_RATE_HZ)
    click_CN = np.zeros((channels, CLICK_SAMPLES), np.float32)
    click_CN[:, CLICK_AT] = CLICK
    pieces = np.split(click_CN, CLICK_SAMPLES // BLOCK_SAMPLES, axis=1)
    try:
        made_CN = np.concatenate(list(run_streams([stream], iter(pieces), lambda number: None)), axis=1)
    except (ExcessiveLatency, NonFiniteOutput):
        return None
    loudest = np.abs(made_CN).max(axis=0)
    peak = int(loudest.argmax())
    return peak - CLICK_AT + said if loudest[peak] >= CLICK / 100 else None


def _forgiving_x11() -> Any:
    """Let X11 go on after an error, where it would end the process: the host code asks for windows that are not there.

    Returns:
        The handler, which has to live as long as there are windows; None elsewhere than on X11.
    """
    if sys.platform != "linux":
        return None
    try:
        library = ctypes.CDLL("libX11.so.6")
    except OSError:
        return None
    handler = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p)(lambda display, event: 0)
    library.XSetErrorHandler(handler)
    return handler


def _blocks(source: BinaryIO, channels: int, total: int) -> Iterator[Block]:
    """The sound, then silence up to the whole length."""
    row_bytes = 4 * channels
    for at in range(0, total, BLOCK_SAMPLES):
        count = min(BLOCK_SAMPLES, total - at)
        rows = np.zeros((count, channels), np.float32)
        data = source.read(count * row_bytes)
        whole = len(data) // row_bytes
        rows[:whole] = np.frombuffer(data[: whole * row_bytes], np.float32).reshape(-1, channels)
        yield np.ascontiguousarray(rows.T)


def _version() -> str:
    return str(_pedalboard().__version__)


def _pedalboard() -> Any:
    """The package, which some of what it holds has no types for."""
    import pedalboard

    package: Any = pedalboard
    return package


def _words(error: BaseException) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return (lines[-1] if lines else type(error).__name__)[:400].rstrip(".")


def _fault(effect: int, why: str, *, broken: bool) -> dict[str, Any]:
    return {"fault": {"effect": effect, "why": why, "broken": broken}}


def _limit_ourselves(limited: bool) -> None:
    """Limit memory and processor time, so that this ends even when its parent is gone."""
    try:
        import resource
    except ImportError:  # Windows; there the caller's clock alone ends it
        return
    limits = [(resource.RLIMIT_CORE, 0)]
    if limited:
        limits += [(resource.RLIMIT_AS, MEMORY_LIMIT_BYTES), (resource.RLIMIT_CPU, CPU_LIMIT_S)]
    for what, limit in limits:
        with contextlib.suppress(ValueError, OSError):  # a lower limit is there already
            resource.setrlimit(what, (limit, limit))
