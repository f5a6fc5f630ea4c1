"""The effects on a lane: two chains to compare, their settings, presets, and a take made through the one that is heard.

A chain never changes the take it is made from: what comes out is another take of the lane, so hearing with and without
is a change of the take. What the lanes add up to is then no longer the mix, and the lamp of the sum says so.
"""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass, replace
from pathlib import Path

from PySide6.QtCore import QObject, Signal

from desktop.message import Message
from desktop.models.background import Background
from desktop.models.effects_take import take_with_effects
from desktop.models.project import Lane, LaneTake
from desktop.models.workspace import Workspace
from engine import (
    BUILTINS,
    ChainEffect,
    ChainReport,
    EffectChain,
    EngineError,
    OutputError,
    ParameterSpec,
    PluginInfo,
    PluginLibrary,
    PluginSettings,
    chain_json,
    list_chains,
    load_plugin_library,
    plugin_settings,
    read_chain,
    read_preset,
    scan_plugins,
    user_chains_folder,
)

SIDE_NAMES = ("A", "B")


@dataclass(frozen=True, slots=True)
class InsertSlot:
    """One effect of a chain, and what can be set on it.

    Attributes:
        effect: as the chain holds it.
        parameters: with what is set as their defaults.
    """

    effect: ChainEffect
    parameters: tuple[ParameterSpec, ...]


class InsertChain(QObject):
    """The chains of one lane.

    Signals:
        changed: the slots, or which chain is heard.
        plugins_changed: a scan has found others.
        working_changed: True while a take is made, a scan runs or a plug-in's own window is open.
        told: what came of it, for the user.
    """

    changed = Signal()
    plugins_changed = Signal()
    working_changed = Signal(bool)
    told = Signal(object)

    def __init__(self, workspace: Workspace, lane_id: str, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._workspace, self.lane_id = workspace, lane_id
        # Of its own: a plug-in's window may stay open for an hour, and must not keep others waiting.
        self._background = Background(self)
        self._background.busy_changed.connect(lambda count: self.working_changed.emit(count > 0))
        self._library = load_plugin_library()
        self._sides: list[tuple[InsertSlot, ...]] = [(), ()]
        self._tails_s = [0.0, 0.0]
        self.side = 0
        saved = "" if self.lane is None else self.lane.take.made.chain
        if saved:
            self.set_chain(read_chain(saved))
            self.copy_to_other()

    @property
    def lane(self) -> Lane | None:
        """The lane, None where it is gone."""
        return self._workspace.document.project.lane(self.lane_id)

    @property
    def slots(self) -> tuple[InsertSlot, ...]:
        """The effects of the chain that is heard, in order."""
        return self._sides[self.side]

    @property
    def tail_s(self) -> float:
        """How long echoes may ring on."""
        return self._tails_s[self.side]

    @property
    def chain(self) -> EffectChain:
        """The chain that is heard."""
        return EffectChain(tuple(slot.effect for slot in self.slots), "", self.tail_s)

    @property
    def plugins(self) -> tuple[PluginInfo, ...]:
        """Plug-ins that a chain can hold."""
        return tuple(one for one in self._library.plugins if one.is_usable)

    @property
    def working(self) -> bool:
        """True while something is under way."""
        return self._background.busy > 0

    def close(self) -> None:
        """Give up what is under way."""
        self._background.close()

    def set_chain(self, chain: EffectChain) -> None:
        """Hear another chain in the place of this one."""
        self._tails_s[self.side] = chain.tail_s
        self._set(tuple(self._slot_of(effect) for effect in chain.effects))
        for at, slot in enumerate(self.slots):
            if slot.effect.plugin and slot.effect.state:
                self._read_back(at, slot.effect)

    def hear_side(self, side: int) -> None:
        """Hear chain A (0) or B (1)."""
        if side != self.side:
            self.side = side
            self.changed.emit()

    def copy_to_other(self) -> None:
        """Make the other chain the same as this one."""
        self._sides[1 - self.side], self._tails_s[1 - self.side] = self.slots, self.tail_s

    def add_builtin(self, name: str) -> None:
        """Put a built-in effect at the end."""
        self._set((*self.slots, self._slot_of(ChainEffect(builtin=name))))

    def add_plugin(self, info: PluginInfo) -> None:
        """Put a plug-in at the end."""
        self._set((*self.slots, self._slot_of(ChainEffect(plugin=info.name, file=info.file, version=info.version))))

    def remove(self, at: int) -> None:
        """Take an effect out."""
        self._set((*self.slots[:at], *self.slots[at + 1 :]))

    def move(self, at: int, by: int) -> None:
        """Move an effect up (-1) or down (1)."""
        to = at + by
        if 0 <= to < len(self.slots):
            slots = list(self.slots)
            slots[at], slots[to] = slots[to], slots[at]
            self._set(tuple(slots))

    def switch(self, at: int, on: bool) -> None:
        """Switch an effect on or off."""
        self._change(at, replace(self.slots[at].effect, on=on))

    def set_wet(self, at: int, wet: float) -> None:
        """Set how much of an effect is heard, 0 to 1."""
        self._change(at, replace(self.slots[at].effect, wet=min(max(wet, 0.0), 1.0)))

    def set_tail(self, tail_s: float) -> None:
        """Set how long echoes may ring on; 0 cuts them."""
        self._tails_s[self.side] = tail_s

    def set_parameter(self, at: int, name: str, value: float | bool | str) -> None:
        """Set one parameter of an effect."""
        slot = self.slots[at]
        effect = replace(slot.effect, parameters={**slot.effect.parameters, name: value}, state_sha256="")
        rows = tuple(replace(row, default=value) if row.name == name else row for row in slot.parameters)
        self._put(at, InsertSlot(effect, rows), quietly=True)

    def open_preset(self, at: int, path: Path) -> None:
        """Set a plug-in by a ``.vstpreset``."""
        try:
            effect = replace(self.slots[at].effect, state=read_preset(path), state_sha256="", parameters={})
        except EngineError as error:
            self._workspace.fail(error)
            return
        self._read_back(at, effect)

    def save_preset(self, at: int, path: Path) -> None:
        """Write the settings of a plug-in as a ``.vstpreset``."""
        effect = self.slots[at].effect

        def write() -> Path:
            settings = plugin_settings(effect, self._background.check)
            if not settings.preset:
                raise OutputError("{name} makes no .vstpreset; save a chain instead", name=effect.name)
            return _write(path, settings.preset)

        self._background.run(write, self._saved, self._workspace.fail)

    def open_editor(self, at: int) -> None:
        """Show a plug-in's own window, in its own process; what is set there is taken over when it is closed."""
        self._read_back(at, self.slots[at].effect, editor=True)

    def save_chain(self, name: str) -> None:
        """Keep the chain under a name, for all projects and tasks."""
        path = user_chains_folder() / f"{name}.json"
        text = json.dumps(chain_json(replace(self.chain, name=name)), indent=1) + "\n"
        self._background.run(lambda: _write(path, text.encode("ascii")), self._saved, self._workspace.fail)

    def open_chain(self, name: str) -> None:
        """Take a chain by its name, or a file."""
        try:
            self.set_chain(read_chain(name))
        except EngineError as error:
            self._workspace.fail(error)

    def chain_names(self) -> tuple[str, ...]:
        """Chains with a name."""
        return tuple(list_chains())

    def scan(self) -> None:
        """Look for plug-ins."""

        def done(library: PluginLibrary) -> None:
            self._library = library
            self.plugins_changed.emit()
            self.told.emit(Message("{count} plug-ins found", count=len(self.plugins)))

        self._background.run(lambda: scan_plugins(check=self._background.check), done, self._workspace.fail)

    def apply(self) -> None:
        """Make a take of the lane through the chain that is heard."""
        lane = self.lane
        if lane is None or not self.chain.heard:
            return
        dry = dry_take(lane)
        chain, scratch = self.chain, self._workspace.scratch / f"chain-{uuid.uuid4().hex}"
        store, check = self._workspace.store, self._background.check

        def make() -> tuple[LaneTake, ChainReport]:
            return take_with_effects(dry, chain, store, scratch, check)

        def show(made: tuple[LaneTake, ChainReport]) -> None:
            take, report = made
            words = Message("put effects on {lane}", lane=lane.name)
            self._workspace.document.add_takes(self.lane_id, words, [take])
            for note in report.notes:
                self.told.emit(Message("{note}", note=note))
            if not report.notes:
                self.told.emit(Message("the take with effects is there; the one without them is the take before it"))

        self._background.run(make, show, self._workspace.fail)

    def _slot_of(self, effect: ChainEffect) -> InsertSlot:
        if effect.builtin:
            rows = BUILTINS[effect.builtin].parameters
        else:
            rows = next((one.parameters for one in self._library.plugins if one.name == effect.plugin), ())
        said = effect.parameters
        return InsertSlot(effect, tuple(replace(row, default=said.get(row.name, row.default)) for row in rows))

    def _read_back(self, at: int, effect: ChainEffect, editor: bool = False) -> None:
        """Ask a plug-in what is set on it, and show that."""
        side = self.side

        def show(settings: PluginSettings) -> None:
            slots = self._sides[side]
            now = slots[at].effect if at < len(slots) else None
            if now is not None and now.plugin == effect.plugin:  # it may have been switched or mixed meanwhile
                slot = InsertSlot(replace(settings.effect, on=now.on, wet=now.wet), settings.parameters)
                self._sides[side] = (*slots[:at], slot, *slots[at + 1 :])
                self.changed.emit()

        check = self._background.check
        self._background.run(lambda: plugin_settings(effect, check, editor=editor), show, self._workspace.fail)

    def _change(self, at: int, effect: ChainEffect) -> None:
        self._put(at, replace(self.slots[at], effect=effect))

    def _put(self, at: int, slot: InsertSlot, quietly: bool = False) -> None:
        self._sides[self.side] = (*self.slots[:at], slot, *self.slots[at + 1 :])
        if not quietly:
            self.changed.emit()

    def _set(self, slots: tuple[InsertSlot, ...]) -> None:
        self._sides[self.side] = slots
        self.changed.emit()

    def _saved(self, path: Path) -> None:
        self.told.emit(Message("saved as {path}", path=path))
        self.changed.emit()


def dry_take(lane: Lane) -> LaneTake:
    """The take that a chain is put on: the active one, or of one made through a chain the one it was made from."""
    take = lane.take
    return next((one for one in lane.takes if take.made.dry_take and one.id == take.made.dry_take), take)


def _write(path: Path, data: bytes) -> Path:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    except OSError as error:
        raise OutputError(
            "cannot write to {folder} ({reason}); make room there", folder=path.parent, reason=error.strerror or error
        ) from error
    return path
