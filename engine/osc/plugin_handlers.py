"""Plug-ins as messages: which there are, what can be set on them, which chains a job may name; a scan when asked for.

What is known stands in a cache, so asking is quick. A scan loads strangers' code in processes of its own and takes its
time; it runs on a thread beside the bridge, one at a time.
"""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from engine import BUILTINS, Cancelled, EngineError, ParameterSpec, list_chains, load_plugin_library, scan_plugins
from engine.osc.protocol.arguments import Values
from engine.osc.protocol.specs import MessageSpec, at
from engine.osc.services import BridgeServices
from engine.osc.transport.sessions import ClientSession
from engine.osc.transport.turns import Work

if TYPE_CHECKING:
    from engine import PluginLibrary

KNOWN_FOR_S = 1.0  # reading what is known takes moments, which a burst of questions would add up


class PluginHandlers:
    """One method for each ``plugins/`` message."""

    def __init__(self, services: BridgeServices) -> None:
        self._services = services
        self._loop = asyncio.get_running_loop()
        self._scanner = ThreadPoolExecutor(1, thread_name_prefix="fluxstem-osc-scan")
        self._closed = threading.Event()
        self._scanning = False
        self._library: PluginLibrary | None = None
        self._read_s = 0.0
        self.by_address = {
            at("plugins/list"): self._on_list,
            at("plugins/show"): self._on_show,
            at("plugins/chains"): self._on_chains,
            at("plugins/scan"): self._on_scan,
        }

    def close(self) -> None:
        """Give a scan up; what it found until then is kept."""
        self._closed.set()
        self._scanner.shutdown(wait=True, cancel_futures=True)

    def _on_list(self, session: ClientSession, spec: MessageSpec, values: Values) -> Work:
        library = self._known()
        rows = [(one.name, "plugin", one.version, one.error) for one in library.plugins]
        rows += [(file.name, "quarantine", "", f"it {file.quarantine}") for file in library.quarantined]
        rows += [(name, "builtin", "", row.doc) for name, row in BUILTINS.items()]
        for row in rows:
            self._services.tell(session, at("plugins/list.reply"), row)
            yield session.wire.crowded
        self._services.tell(session, at("plugins/list.end"), (len(rows),))

    def _on_show(self, session: ClientSession, spec: MessageSpec, values: Values) -> Work:
        name = values.text("name")
        found = [one.parameters for one in self._known().plugins if one.name == name]
        if name in BUILTINS:
            found.append(BUILTINS[name].parameters)
        if not found:
            text = f"no effect {name[:80]} is known; see {at('plugins/list')} and {at('plugins/scan')}"
            self._services.error(session, spec.address, "plugin", text)
            return
        for row in found[0]:
            self._services.tell(session, at("plugins/show.reply"), _parameter(row))
            yield session.wire.crowded
        self._services.tell(session, at("plugins/show.end"), (len(found[0]),))

    def _on_chains(self, session: ClientSession, spec: MessageSpec, values: Values) -> Work:
        names = list(list_chains())
        for name in names:
            self._services.tell(session, at("plugins/chains.reply"), (name,))
            yield session.wire.crowded
        self._services.tell(session, at("plugins/chains.end"), (len(names),))

    def _on_scan(self, session: ClientSession, spec: MessageSpec, values: Values) -> None:
        if self._scanning:
            self._services.error(session, spec.address, "full", "a scan is under way; wait for its end")
            return
        self._scanning = True
        again = bool(values.whole("again"))
        done = self._loop.run_in_executor(self._scanner, lambda: scan_plugins(again=again, check=self._check))
        done.add_done_callback(lambda ended: self._scanned(session, spec, ended))

    def _scanned(self, session: ClientSession, spec: MessageSpec, ended: asyncio.Future[PluginLibrary]) -> None:
        self._scanning, self._library = False, None
        if self._closed.is_set() or ended.cancelled():
            return
        error = ended.exception()
        if error is None:
            library = ended.result()
            counts = (len(library.plugins), len(library.quarantined))
            self._services.tell(session, at("plugins/scanned"), counts)
        else:
            text = str(error) if isinstance(error, EngineError) else f"a fault of the scan ({type(error).__name__})"
            self._services.error(session, spec.address, "plugin", text)

    def _known(self) -> PluginLibrary:
        now_s = self._loop.time()
        if self._library is None or now_s - self._read_s > KNOWN_FOR_S:
            self._library, self._read_s = load_plugin_library(), now_s
        return self._library

    def _check(self) -> None:
        if self._closed.is_set():
            raise Cancelled("the bridge is closed")


def _parameter(row: ParameterSpec) -> tuple[str, str, float, float, str, str]:
    low, high = (0.0, 1.0) if row.low is None or row.high is None else (row.low, row.high)
    return row.name, row.unit, float(low), float(high), str(row.default), ", ".join(row.choices)
