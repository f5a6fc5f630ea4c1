"""Render a chain: over arrays on disk, block by block, in a process of its own; without what breaks."""

from __future__ import annotations

import base64
import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from engine.audio.disk_array import DiskArray
from engine.errors import RequestError
from engine.optional_packages import require_pedalboard
from engine.plugins.builtin_effects import ParameterSpec
from engine.plugins.chain import ChainEffect, EffectChain, chain_json
from engine.plugins.child import EffectFault, run_chain_process
from engine.plugins.editor import editor_obstacle
from engine.plugins.plugin_library import PluginInfo, find_plugin, parameter_specs, quarantine

log = logging.getLogger(__name__)

Check = Callable[[], None]
OnSamples = Callable[[float], None]  # is told how much is done, 0 to 1


@dataclass(frozen=True, slots=True)
class ChainReport:
    """What really ran.

    Attributes:
        chain: with the version, state and hash that every plug-in had; what broke is off.
        notes: what the user should know, in sentences.
    """

    chain: EffectChain
    notes: tuple[str, ...] = ()

    @property
    def effects(self) -> list[dict[str, Any]]:
        """Name, version and state hash of what ran, as sidecars and projects tell them."""
        return [
            {"name": one.name, "kind": "builtin" if one.builtin else "plugin", "version": one.version,
             "state_sha256": one.state_sha256}
            for one in self.chain.heard
        ]  # fmt: skip


@dataclass(frozen=True, slots=True)
class PluginSettings:
    """One plug-in with its settings read back.

    Attributes:
        effect: with version, state and hash.
        parameters: with what is set as their defaults.
        preset: the bytes of a ``.vstpreset``; empty where it makes none.
    """

    effect: ChainEffect
    parameters: tuple[ParameterSpec, ...]
    preset: bytes


def resolved(chain: EffectChain) -> tuple[EffectChain, dict[str, PluginInfo]]:
    """A chain whose plug-ins are there, and what is known of them; what is off is not looked for.

    Raises:
        RequestError: one is not there, or in quarantine; or pedalboard is not installed.
    """
    if chain.heard:
        require_pedalboard()
    known: dict[str, PluginInfo] = {}
    effects = []
    for effect in chain.effects:
        if effect.plugin and effect.on:
            info = known[effect.plugin] = find_plugin(effect.plugin, effect.file)
            effect = replace(effect, file=info.file)
        effects.append(effect)
    return replace(chain, effects=tuple(effects)), known


def tail_samples(chain: EffectChain, rate_hz: int) -> int:
    """How much longer a result is than what went in."""
    return round(chain.tail_s * rate_hz)


def render_rows(
    chain: EffectChain, source: DiskArray, rate_hz: int, folder: Path, progress: OnSamples, check: Check,
    limits_s: dict[str, float] | None = None,
) -> tuple[DiskArray, ChainReport]:  # fmt: skip
    """Render a chain.

    Args:
        source: a sample per row, a channel per column.
        folder: where the result is kept.
        progress: is told how far it is.
        check: raises to stop.
        limits_s: other limits than usual.

    Returns:
        As many rows as the source has, and the tail; the caller closes them. And what really ran.

    Raises:
        RequestError: a plug-in is not there or is asked for what it does not have, or pedalboard is not installed.
        OutputError: there is no room.
    """
    chain, known = resolved(chain)
    notes = [note for info in known.values() if (note := _delay_note(chain, info))]
    total = source.rows + tail_samples(chain, rate_hz)
    while chain.heard:
        rows = DiskArray(folder, source.width)
        try:
            report = _attempt(chain, source, rows, rate_hz, total, progress, check, limits_s)
            return rows, replace(report, notes=(*notes, *report.notes))
        except EffectFault as fault:
            rows.close()
            chain, note = _without(chain, fault, known)
            notes.append(note)
        except BaseException:
            rows.close()
            raise
    return _copied(source, total, folder), ChainReport(chain, tuple(notes))


def plugin_settings(effect: ChainEffect, check: Check = lambda: None, *, editor: bool = False) -> PluginSettings:
    """Load one plug-in with its settings and read back what is really set.

    Args:
        check: raises to stop.
        editor: True means that its own window is shown, and what is set when it is closed is read.

    Raises:
        RequestError: it is not there, does not take its settings, broke, or there is no screen for its window.
    """
    if editor and (obstacle := editor_obstacle()) is not None:
        raise obstacle
    chain, known = resolved(EffectChain((replace(effect, on=True),)))
    task = {"work": "edit", "chain": chain_json(chain), "editor": editor, "limited": not editor}
    try:
        said = run_chain_process(task, lambda samples: check())
    except EffectFault as fault:
        # What goes wrong with a window may be the screen's fault, and says nothing of the sound.
        if fault.broken and not editor and (info := known.get(effect.plugin)):
            quarantine(info, fault.why)
        raise RequestError("{name} {why}", name=effect.name, why=fault.why) from fault
    [told] = said["effects"]
    now = _with_report(chain.effects[0], told)
    now = replace(now, on=effect.on, parameters={})  # the state has them all
    return PluginSettings(now, parameter_specs(said["parameters"]), base64.b64decode(said["preset"]))


def rows_of(blocks: Iterable[npt.NDArray[np.floating[Any]]], channels: int, folder: Path, check: Check) -> DiskArray:
    """Sound as an array on disk: blocks (channels, samples) to float32 rows.

    Raises:
        OutputError: there is no room.
    """
    rows = DiskArray(folder, channels)
    try:
        for block_CN in blocks:
            check()
            rows.append(np.ascontiguousarray(block_CN.T, np.float32))
    except BaseException:
        rows.close()
        raise
    return rows


def _attempt(
    chain: EffectChain, source: DiskArray, rows: DiskArray, rate_hz: int, total: int, progress: OnSamples, check: Check,
    limits_s: dict[str, float] | None,
) -> ChainReport:  # fmt: skip
    heard = replace(chain, effects=chain.heard)
    task = {
        "work": "render",
        "chain": chain_json(heard),
        "channels": source.width,
        "rate_hz": rate_hz,
        "samples": total,
    }

    def watch(samples: int) -> None:
        check()
        progress(samples / max(total, 1))

    said = run_chain_process(task, watch, source.rewound(), rows.rewound(), limits_s)
    if rows.recount() != total:
        raise EffectFault(0, "gave back another length than it was given", broken=True)
    told = iter(said["effects"])
    notes = list[str]()
    effects = tuple(_reported(one, next(told), notes) if one.on else one for one in chain.effects)
    return ChainReport(replace(chain, effects=effects), tuple(notes))


def _reported(effect: ChainEffect, told: dict[str, Any], notes: list[str]) -> ChainEffect:
    """An effect as it really was; a note where it differs from what was saved."""
    now = _with_report(effect, told)
    if effect.plugin and effect.version and now.version != effect.version:
        notes.append(
            f"{effect.plugin} is version {now.version} now and was {effect.version} when the chain was saved; it may "
            "sound different"
        )
    elif effect.plugin and effect.state_sha256 and now.state_sha256 != effect.state_sha256:
        notes.append(f"{effect.plugin} is not set as it was when the chain was saved (its state has another hash)")
    return now


def _with_report(effect: ChainEffect, told: dict[str, Any]) -> ChainEffect:
    if effect.builtin:
        return replace(effect, version=f"pedalboard {told['version']}", parameters=told["parameters"])
    return replace(
        effect, version=told["version"], state=base64.b64decode(told["state"]), state_sha256=told["state_sha256"]
    )


def _delay_note(chain: EffectChain, info: PluginInfo) -> str:
    """Said only where the plug-in speaks of a delay, or is heard to have one, and the chain does not settle it."""
    settled = any(one.plugin == info.name and one.delay_samples is not None for one in chain.heard)
    return "" if settled else info.delay_note


def _without(chain: EffectChain, fault: EffectFault, known: dict[str, PluginInfo]) -> tuple[EffectChain, str]:
    """The chain without the effect that broke, and the sentence about it.

    Raises:
        RequestError: it did not break, it only cannot do what was asked.
    """
    culprit = chain.heard[min(fault.effect, len(chain.heard) - 1)]
    if not fault.broken:
        raise RequestError("{name} {why}", name=culprit.name, why=fault.why)
    log.warning("%s %s", culprit.name, fault.why)
    quarantined = ""
    if info := known.get(culprit.plugin):
        quarantine(info, fault.why)
        quarantined = "; it is in quarantine until it is scanned again"
    effects = tuple(replace(one, on=False) if one is culprit else one for one in chain.effects)
    return replace(chain, effects=effects), f"{culprit.name} {fault.why} and was left out of the chain{quarantined}"


def _copied(source: DiskArray, total: int, folder: Path) -> DiskArray:
    rows = DiskArray(folder, source.width)
    for at in range(0, total, 1 << 16):
        rows.append(source.read(at, min(at + (1 << 16), total)))
    return rows
