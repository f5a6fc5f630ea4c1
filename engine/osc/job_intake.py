"""Accept a job: copy its inputs into the spool, then build its request."""

from __future__ import annotations

import contextlib
import shutil
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

from engine import Cancelled, Request, request_to_json
from engine.osc.chain_renders import RenderRequest, render_to_json
from engine.osc.clip_store import ClipError, ClipStore
from engine.osc.home import Home
from engine.osc.journal import JournalEntry
from engine.osc.paths import PathRefused, Roots, pin
from engine.osc.protocol.specs import RENDER
from engine.osc.request_builder import build_render, build_request, inputs_of

CLIP_PREFIX = "clip:"


class JobIntake:
    """Runs on the disk thread, one job after the other, so jobs keep the order they came in.

    Args:
        roots: where inputs may lie.
        bundle: taken when a message names none.
    """

    def __init__(self, home: Home, roots: Roots, clips: ClipStore, out: Path, bundle: str) -> None:
        self._home = home
        self._roots = roots
        self._clips = clips
        self._out = out
        self._bundle = bundle
        self._closed = threading.Event()

    def close(self) -> None:
        """Give up what is being copied; from any thread."""
        self._closed.set()

    def take(self, entry: JournalEntry) -> tuple[JournalEntry, Request | RenderRequest]:
        """Accept a job.

        Returns:
            Its entry with request and spool folder, not yet in the journal; and the request.

        Raises:
            PathRefused, ClipError, JobRefused, OSError: it cannot be done; nothing is left.
        """
        spool = self._home.new_spool()
        marks: dict[str, str] = {}

        def pinned(text: str, folder: Path) -> str:
            marks[text] = self._mark(text)
            return self._pinned(text, folder)

        try:
            inputs = inputs_of(entry, spool, pinned)
            request, values = self._request(entry, inputs)
        except BaseException:
            shutil.rmtree(spool, ignore_errors=True)
            raise
        return replace(entry, request=values, spool=str(spool), inputs=marks), request

    def _request(
        self, entry: JournalEntry, inputs: dict[str, str | None]
    ) -> tuple[Request | RenderRequest, dict[str, Any]]:
        """The request of a job, and the same as JSON values."""
        if entry.task == RENDER:
            render = build_render(entry, str(inputs["input"]), self._out)
            return render, render_to_json(render)
        request = build_request(entry, inputs, self._out, self._bundle)
        return request, request_to_json(request)

    def kept(self, text: str) -> Path:
        """A private copy of a file that a message named, by the rules of a job's input.

        Returns:
            The copy, whose name is the file's; its folder lies in a spool folder of its own, which the caller removes.

        Raises:
            PathRefused, ClipError, OSError: it cannot be used.
        """
        return Path(self._pinned(text, self._home.new_spool() / "input"))

    def changed(self, entry: JournalEntry) -> bool:
        """Whether a file that a finished job was made from is another one today; one that is gone is no other."""
        for text, mark in entry.inputs.items():
            with contextlib.suppress(PathRefused, ClipError, OSError):
                if self._mark(text) != mark:
                    return True
        return False

    def _mark(self, text: str) -> str:
        if text.startswith(CLIP_PREFIX):
            return self._clips.mark(text.removeprefix(CLIP_PREFIX))
        return self._roots.mark(text)

    def _pinned(self, text: str, folder: Path) -> str:
        if text.startswith(CLIP_PREFIX):
            return str(self._clips.pin(text.removeprefix(CLIP_PREFIX), folder))
        return str(pin(self._roots, text, folder, self._check))

    def _check(self) -> None:
        if self._closed.is_set():
            raise Cancelled("the bridge is closed")
