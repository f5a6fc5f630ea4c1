"""The backend: tries devices in order, proves each before it answers, moves on when one fails, and says why.

Everything that touches ONNX Runtime is behind ``DeviceRuntime``, so that a fake (``tests/fakeruntime.py``) can fail in
every way a device can.
"""

from __future__ import annotations

import dataclasses
import logging
import weakref
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

from engine.errors import BundleError, DeviceError, DeviceLost
from engine.request import Device, Precision
from engine.runtime.backend import PROVIDERS, DeviceChanged, GraphSession
from engine.runtime.device_notes import (
    ENDED_PROCESS,
    FIRST_RUN_FAILED,
    IN_FLOAT32,
    NOT_USED,
    OTHER_NUMBERS,
    OTHER_PRECISIONS,
    OTHER_PROVIDER,
    PARTLY_ON_CPU,
    TAKES_NOTHING,
    TOO_FULL,
)  # fmt: skip
from engine.runtime.devices import DeviceChoice, GraphicsCard
from engine.runtime.memory import arena_limit
from engine.runtime.providers import ROWS
from engine.runtime.self_test import InputSpecs, VerdictFile, compare, verdict_key
from engine.runtime.settings import BATCH_SIZES, PRECISIONS_OF, SessionSettings, settings_for
from engine.runtime.tensorrt import CONTEXT, engine_key, is_built, mark_built

log = logging.getLogger(__name__)

_FLOAT32: tuple[Precision, ...] = ("float32",)
HEAVY = ("Conv", "ConvTranspose", "MatMul", "Gemm", "Attention", "LSTM", "GRU", "STFT", "DFT", "Einsum")  # the work


class DeviceSession(GraphSession, Protocol):
    """An opened graph that tells what it is opened on."""

    @property
    def providers(self) -> list[str]:
        """The providers that were really given, the preferred one first."""
        ...

    @property
    def inputs(self) -> InputSpecs:
        """Name -> type and axes."""
        ...

    @property
    def placement(self) -> Mapping[str, Counter[str]]:
        """Provider -> operators that it got, with their numbers; empty where the runtime does not tell."""
        ...

    def shrink(self) -> None:
        """Give memory back that no run uses now."""
        ...


class DeviceRuntime(Protocol):
    """What is between the choice of a device and the runtime."""

    def installed(self, kind: str) -> bool:
        """Whether there is a package for a row of ``providers.ROWS``, working or not."""
        ...

    def missing(self, kind: str, index: int) -> str:
        """Why a device cannot even be tried; "" where it can."""
        ...

    def hardware(self, kind: str) -> tuple[str, ...]:
        """Types of hardware that it runs on here: ``CPU``, ``GPU``, ``NPU``."""
        ...

    def card(self, index: int, fresh: bool = False) -> GraphicsCard | None:
        """The NVIDIA card with a number; ``fresh`` asks again what is free."""
        ...

    def version(self, kind: str) -> str:
        """Of the runtime and the provider."""
        ...

    def open(self, path: Path, settings: SessionSettings) -> DeviceSession:
        """Open a graph; may throw anything."""
        ...

    def nodes_run(self, path: Path, settings: SessionSettings) -> Mapping[str, Counter[str]]:
        """Provider -> operators that it really ran in one run of a graph; may throw anything."""
        ...


class _Unusable(Exception):
    """Why a device is not used for a graph."""


class OnnxBackend:
    """Opens graphs on the fastest device that really works.

    Args:
        device: ``auto`` falls back and says so; anything else is used or refused.
        runtime: opens graphs; None takes ONNX Runtime.
        verdicts: of earlier comparisons with the CPU.
        precision: of the arithmetic; a device that has not got it is refused, and ``auto`` takes the next one.

        embed_engines: TensorRT also writes each graph with its engine inside.

    Attributes:
        notes: what the user should know of devices that were not used, in sentences.
        wants_engines: True means TensorRT is there and its engines are not built yet, so that CUDA answers meanwhile.

    Raises:
        DeviceError: the requested device is not available.
    """

    def __init__(
        self, device: Device, runtime: DeviceRuntime | None = None, verdicts: VerdictFile | None = None,
        precision: Precision = "float32", embed_engines: bool = False,
    ) -> None:  # fmt: skip
        if runtime is None:
            from engine.runtime.onnx_providers import OnnxRuntime

            runtime = OnnxRuntime()
        choice = DeviceChoice.of(device)
        self._runtime, self._verdicts = runtime, verdicts or VerdictFile()
        self._is_explicit = choice.kind != "auto"
        self._asked, self._index = device, choice.index or 0
        self._candidates = [choice.kind] if self._is_explicit else list(ROWS)
        self._opened, self._precision, self._embeds = 0, precision, embed_engines
        self._sessions: list[weakref.ref[DeviceSession]] = []
        self.notes: list[str] = []
        self.wants_engines = False
        self.placements: dict[str, Mapping[str, Counter[str]]] = {}  # by the name of the graph
        if self._is_explicit and self._lacks_precision(choice.kind):
            raise DeviceError(
                "{device} does not compute with {precision}, but with {known}; choose one of these with --precision",
                device=choice.kind, precision=precision, known=", ".join(PRECISIONS_OF.get(choice.kind, _FLOAT32)),
            )  # fmt: skip
        self._drop_impossible()

    @property
    def device(self) -> str:
        """The execution provider in use, read back from the sessions opened so far."""
        return PROVIDERS[self._candidates[0]]

    @property
    def settings(self) -> SessionSettings:
        """What the next graph is opened with."""
        return self._settings_of(self._candidates[0])

    @property
    def card(self) -> GraphicsCard | None:
        """The NVIDIA card in use, with what is free now; None on any other device."""
        return self._runtime.card(self._index, fresh=True) if ROWS[self._candidates[0]].nvidia else None

    @property
    def known_card(self) -> GraphicsCard | None:
        """The same, as it was when it was asked for last."""
        return self._runtime.card(self._index) if ROWS[self._candidates[0]].nvidia else None

    def open(self, path: Path) -> GraphSession:
        """See ``engine.runtime.backend.Backend``.

        Raises:
            DeviceChanged: the device that has the graphs opened before cannot open this one; all are to be opened anew.
            DeviceLost: the device broke down, and only another process can use it again.
        """
        while True:
            kind = self._candidates[0]
            try:
                session = self._tried(kind, path)
            except _Unusable as why:
                moved, self._opened = self._opened > 0, 0
                self._refuse_or_fall_back(kind, str(why), is_told=True)
                if moved:
                    raise DeviceChanged(
                        "{device} cannot open {graph} ({reason}), so that all graphs move to the next device",
                        device=kind, graph=path.name, reason=why,
                    ) from why  # fmt: skip
                continue
            self._opened += 1
            self._sessions.append(weakref.ref(session))
            return session

    def nodes_run(self, path: Path) -> Mapping[str, Counter[str]]:
        """Provider -> operators that it really ran in one run of a graph; empty where that cannot be told."""
        kind = self._candidates[0]
        try:
            return self._runtime.nodes_run(path, self._settings_of(kind))
        except DeviceLost:
            raise
        except Exception as error:  # the profiler of a provider may have faults of its own
            log.info("%s could not be profiled on %s: %s", path.name, kind, _first_line(error))
            return {}

    def shrink(self) -> None:
        """Let every open graph give memory back that none of its runs uses now; the CPU keeps its own."""
        if self._candidates[0] == "cpu":
            return
        for session in [one for ref in self._sessions if (one := ref()) is not None]:
            try:
                session.shrink()
            except DeviceError as error:
                log.info("memory could not be given back: %s", error)

    def give_up_device(self, error: DeviceError) -> bool:
        """Go on on the CPU, after a device had too little memory even for one window.

        Returns:
            False where that was not ours to choose: the device was asked for by name, or is the CPU already.
        """
        if self._is_explicit or self._candidates[0] == "cpu":
            return False
        full = self._candidates[0]
        self._note(TOO_FULL.format(device=full, reason=error))
        self._candidates, self._opened = ["cpu"], 0
        return True

    def _tried(self, kind: str, path: Path) -> DeviceSession:
        settings = self._settings_of(kind)
        if kind == "cpu":
            return self._opened_or_translated(path, settings)
        if kind == "tensorrt" and not self._is_explicit and not is_built(path, settings):
            self.wants_engines = True
            raise _Unusable("its engines are not built yet; CUDA answers meanwhile")
        key = self._verdict_key(kind, path, settings)
        if self._verdicts.find(key) is not None:
            return self._opened_and_checked(kind, path, settings, key)
        if not self._is_explicit and self._verdicts.ends_processes(key):
            raise _Unusable(ENDED_PROCESS.format(graph=path.name))
        with self._verdicts.trial(key):
            return self._opened_and_checked(kind, path, settings, key)

    def _opened_and_checked(self, kind: str, path: Path, settings: SessionSettings, key: str) -> DeviceSession:
        try:
            session = self._runtime.open(_with_engine(path, settings), settings)
        except (DeviceLost, BundleError) as error:
            if isinstance(error, DeviceLost):
                raise
            raise _Unusable(_first_line(error)) from error
        except Exception as error:  # whatever a half-installed CUDA throws, the next provider may work
            raise _Unusable(_first_line(error)) from error
        got = session.providers
        if PROVIDERS[kind] not in got:
            raise _Unusable(OTHER_PROVIDER.format(provider=got[0]))
        self._check_placement(kind, path, session.placement)
        self._check_numbers(kind, path, settings, session, key)
        return session

    def _opened_or_translated(self, path: Path, settings: SessionSettings) -> DeviceSession:
        try:
            return self._runtime.open(path, settings)
        except (BundleError, DeviceError):
            raise
        except Exception as error:
            from engine.runtime.onnx import onnx_errors

            with onnx_errors(path):
                raise error

    def _check_placement(self, kind: str, path: Path, placement: Mapping[str, Counter[str]]) -> None:
        """Refuse a provider that got nothing of a graph; tell of heavy nodes that were left to the CPU."""
        if not placement:
            return
        self.placements[path.name] = placement
        left = {name: count for name in HEAVY if (count := placement.get(PROVIDERS["cpu"], Counter())[name])}
        heavy = sum(left.values())
        every = sum(number for row in placement.values() for name, number in row.items() if name in HEAVY)
        if heavy and not placement.get(PROVIDERS[kind]):
            raise _Unusable(TAKES_NOTHING.format(graph=path.name))
        if heavy:
            operators = ", ".join(left)
            self._note(
                PARTLY_ON_CPU.format(count=heavy, every=every, graph=path.name, device=kind, operators=operators)
            )

    def _verdict_key(self, kind: str, path: Path, settings: SessionSettings) -> str:
        card = self._runtime.card(self._index) if ROWS[kind].nvidia else None
        about = (kind, self._runtime.version(kind), str(self._index), settings.precision) + (
            (card.name, card.driver) if card else ()
        )
        try:
            return verdict_key(path, *about)
        except OSError as error:
            raise BundleError("{graph} cannot be read ({reason})", graph=path.name, reason=error.strerror) from error

    def _check_numbers(
        self, kind: str, path: Path, settings: SessionSettings, session: DeviceSession, key: str
    ) -> None:
        verdict = self._verdicts.find(key)
        if verdict is None:
            try:
                cpu = self._runtime.open(path, settings_for("cpu"))
                verdict = compare(session, cpu, settings.precision)
            except DeviceLost:
                raise
            except Exception as error:
                raise _Unusable(FIRST_RUN_FAILED.format(reason=_first_line(error))) from error
            self._verdicts.keep(key, verdict, graph=path.name, device=kind)
        if verdict.is_good and kind == "tensorrt" and not is_built(path, settings):
            mark_built(path, settings)
        if not verdict.is_good:
            apart, allowed = f"{100 * verdict.error:.3g}", f"{100 * verdict.allowed:g}"
            raise _Unusable(OTHER_NUMBERS.format(output=verdict.output, graph=path.name, error=apart, allowed=allowed))

    def _settings_of(self, kind: str) -> SessionSettings:
        precision: Precision = "float32" if self._lacks_precision(kind) else self._precision
        settings = settings_for(kind, self._index if kind != "cpu" else 0, precision)
        if kind != "cpu" and ROWS[kind].fixed and not settings.batch_sizes:
            settings = dataclasses.replace(settings, batch_sizes=BATCH_SIZES)
        settings = dataclasses.replace(settings, embed_engine=self._embeds and kind == "tensorrt")
        card = self._runtime.card(self._index) if ROWS[kind].nvidia else None
        return settings if card is None else dataclasses.replace(
            settings, memory_limit_bytes=arena_limit(card.free_bytes)
        )  # fmt: skip

    def _drop_impossible(self) -> None:
        """Leave the candidates that may work, the best first."""
        while (kind := self._candidates[0]) != "cpu":
            why = self._runtime.missing(kind, self._index) or self._lacks_precision(kind)
            hardware = ROWS[kind].hardware
            if not why and not self._is_explicit and not set(hardware) & set(self._runtime.hardware(kind)):
                why = "it is only used when it is asked for by name"
                is_told = False
            else:
                is_told = self._runtime.installed(kind)
            if not why:
                return
            self._refuse_or_fall_back(kind, why, is_told)

        if lacks := self._lacks_precision("cpu"):
            self._note(IN_FLOAT32.format(reason=lacks))

    def _lacks_precision(self, kind: str) -> str:
        """Why a device cannot compute with the precision that was asked for; "" where it can."""
        known = PRECISIONS_OF.get(kind, _FLOAT32)
        if self._precision in known:
            return ""
        return OTHER_PRECISIONS.format(device=kind, precision=self._precision, known=", ".join(known))

    def _refuse_or_fall_back(self, kind: str, why: str, is_told: bool) -> None:
        if self._is_explicit:
            raise DeviceError(
                "device {device} cannot be used: {reason}; choose --device auto or cpu", device=self._asked, reason=why
            )
        log.info("not using %s: %s", kind, why)
        if is_told and not (kind == "tensorrt" and self.wants_engines):
            self._note(NOT_USED.format(device=kind, reason=why))
        self._candidates.pop(0)
        if self._candidates[0] != "cpu" and self._runtime.missing(self._candidates[0], self._index):
            self._drop_impossible()

    def _note(self, sentence: str) -> None:
        if sentence not in self.notes:
            self.notes.append(sentence)


def _with_engine(path: Path, settings: SessionSettings) -> Path:
    """The graph, or the one that has its engine inside, where there is one."""
    if settings.kind != "tensorrt" or settings.embed_engine:
        return path
    context = engine_key(path, settings).folder / CONTEXT
    return context if context.is_file() and is_built(path, settings) else path


def _first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
