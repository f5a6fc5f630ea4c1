"""The other side of a chain's process: start it, watch it, kill it at its limits, read its answer.

A plug-in that aborts, hangs, prints without end or lies costs that process and becomes one sentence.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

from engine.errors import OutputError, RequestError
from engine.media.sandbox import LOOK_S, process_apart, signal_name
from engine.optional_packages import NO_PEDALBOARD, require_pedalboard
from engine.plugins.chain_process import ANSWER, PROGRESS, TASK
from engine.plugins.limits import (
    ANSWER_LIMIT_BYTES,
    LOAD_LIMIT_S,
    SETTLE_LIMIT_S,
    STALL_LIMIT_S,
    START_LIMIT_S,
    WORDS_LIMIT_BYTES,
)

log = logging.getLogger(__name__)

PROGRESS_LIMIT_BYTES = 4096

_LIMITS_S = {
    "start": START_LIMIT_S, "load": LOAD_LIMIT_S, "set": LOAD_LIMIT_S, "render": STALL_LIMIT_S, "end": SETTLE_LIMIT_S,
    "editor": float("inf"),
}  # fmt: skip
_DOING = {
    "start": "before it did anything", "load": "while it was loaded", "set": "while it was set",
    "render": "while it worked", "editor": "in its window", "end": "at its end",
}  # fmt: skip

# What plug-ins look for their settings, their licences and a screen by.
_VARIABLES = (
    "DISPLAY", "XAUTHORITY", "WAYLAND_DISPLAY", "XDG_RUNTIME_DIR", "XDG_DATA_HOME", "XDG_CONFIG_HOME", "XDG_DATA_DIRS",
    "APPDATA", "LOCALAPPDATA", "PROGRAMDATA", "PROGRAMFILES", "COMMONPROGRAMFILES",
)  # fmt: skip

Watch = Callable[[int], None]  # is told how many samples are done; raises to stop


class EffectFault(Exception):
    """An effect did not work; the words follow its name.

    Attributes:
        effect: its place in the task.
        why: the words.
        broken: True means that it broke, False that it cannot do what it was asked to.
    """

    def __init__(self, effect: int, why: str, *, broken: bool) -> None:
        super().__init__(why)
        self.effect, self.why, self.broken = effect, why, broken


def run_chain_process(
    task: dict[str, Any],
    watch: Watch,
    source: IO[bytes] | None = None,
    result: IO[bytes] | None = None,
    limits_s: dict[str, float] | None = None,
) -> dict[str, Any]:
    """Do one task in a process of its own.

    Args:
        task: what ``engine.plugins.chain_process`` is to do.
        watch: called while waiting.
        source, result: raw float32 rows in and out.
        limits_s: other limits than usual, by stage.

    Returns:
        Its answer.

    Raises:
        EffectFault: an effect cannot be used, or broke the process.
        RequestError: pedalboard is not installed, or the process cannot work at all.
    """
    require_pedalboard()
    with contextlib.ExitStack() as stack:
        try:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="fluxstem-chain-")))
            (folder / TASK).write_text(json.dumps({"limited": True, **task}), encoding="ascii")
            words = stack.enter_context(tempfile.TemporaryFile())
            nothing = [] if source and result else [stack.enter_context(open(os.devnull, "r+b"))]
        except OSError as error:
            raise OutputError(
                "there is no room for temporary files ({reason}); make room and try again", reason=error.strerror
            ) from error
        watchdog = _Watchdog(folder / PROGRESS, words, _LIMITS_S | (limits_s or {}))
        files = (source or nothing[0], result or nothing[0])
        main, wanted = "engine.plugins.chain_process", {"folder": str(folder)}
        with process_apart(main, wanted, *files, words, _VARIABLES) as process:
            while True:
                watchdog.look(watch)
                with contextlib.suppress(subprocess.TimeoutExpired):
                    code = process.wait(LOOK_S)
                    break
        return _answer_of(folder / ANSWER, code, watchdog)


class _Watchdog:
    """Reads how far the process is, and holds it to its limits."""

    def __init__(self, file: Path, words: IO[bytes], limits_s: dict[str, float]) -> None:
        self._file, self._words, self._limits_s = file, words, limits_s
        self.stage, self.effect, self._samples = "start", -1, 0
        self._moved_s = time.monotonic()

    def look(self, watch: Watch) -> None:
        """Look once.

        Raises:
            EffectFault: a limit is reached.
            RequestError: it does not even start.
        """
        now_s = time.monotonic()
        if (said := self._read()) != (self.stage, self.effect, self._samples):
            (self.stage, self.effect, self._samples), self._moved_s = said, now_s
        watch(self._samples)
        limit_s = self._limits_s[self.stage]
        if now_s - self._moved_s > limit_s:
            if self.effect < 0:
                raise RequestError(
                    "the process of the chain did not answer for {limit_s:g} s and was given up; try again",
                    limit_s=limit_s,
                )
            raise EffectFault(self.effect, f"did not move for {limit_s:g} s {_DOING[self.stage]}", broken=True)
        if os.fstat(self._words.fileno()).st_size > WORDS_LIMIT_BYTES:
            raise EffectFault(max(self.effect, 0), f"printed over {WORDS_LIMIT_BYTES >> 20} MiB", broken=True)

    def last_words(self) -> str:
        """The last line that was printed, for the log."""
        self._words.seek(max(0, self._words.seek(0, os.SEEK_END) - 400))
        lines = self._words.read().decode("utf-8", "replace").strip().splitlines()
        return "".join(c for c in lines[-1] if c.isprintable())[:200] if lines else ""

    def _read(self) -> tuple[str, int, int]:
        try:
            with self._file.open("rb") as stream:  # a plug-in may write what it likes there
                said = json.loads(stream.read(PROGRESS_LIMIT_BYTES))
            stage, effect, samples = said["stage"], int(said["effect"]), int(said["samples"])
        except (OSError, ValueError, KeyError, TypeError, RecursionError):  # not there yet, or half written
            return self.stage, self.effect, self._samples
        return (stage, effect, samples) if stage in self._limits_s else (self.stage, self.effect, self._samples)


def _answer_of(path: Path, code: int, watchdog: _Watchdog) -> dict[str, Any]:
    watchdog.look(lambda samples: None)  # the last thing it said
    try:
        said = json.loads(path.read_bytes()) if path.stat().st_size <= ANSWER_LIMIT_BYTES else None
    except (OSError, ValueError, RecursionError):
        said = None
    if not isinstance(said, dict):
        how = f"ended its process ({signal_name(-code)})" if code < 0 else f"ended its process (code {code})"
        if watchdog.effect < 0:
            raise RequestError(
                "the process of the chain {how}: {words}; set FLUXSTEM_DEBUG=1 to see more", how=how,
                words=watchdog.last_words() or "it said nothing",
            )  # fmt: skip
        log.warning("%s; the last line it printed: %s", how, watchdog.last_words() or "none")
        raise EffectFault(watchdog.effect, f"{how} {_DOING[watchdog.stage]}", broken=True)
    if said.get("lacking"):  # it is installed and cannot be imported
        raise RequestError(NO_PEDALBOARD)
    if fault := said.get("fault"):
        raise EffectFault(int(fault["effect"]), str(fault["why"]), broken=bool(fault["broken"]))
    return said
