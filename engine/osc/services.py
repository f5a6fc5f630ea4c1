"""The parts of the bridge that message handlers use, and how they refuse a request."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from concurrent.futures import Executor
from typing import Protocol

from engine import EngineError
from engine.osc.clip_store import ClipError, ClipStore
from engine.osc.job_queue import JobQueue
from engine.osc.job_replies import JobRefused, ReplyValue, error_reply
from engine.osc.removals import Removals
from engine.osc.transport.gate import TokenGate
from engine.osc.transport.sessions import ClientSession, SessionTable
from engine.osc.transport.turns import Turns


class BridgeServices(Protocol):
    """The bridge, for its handlers.

    Attributes:
        sessions: who spoke lately.
        gate: the tokens.
        disk: one thread that may wait for the disk.
        removals: of private folders that nobody needs any more.
        clips: files sent by wire.
        queue: the jobs.
        turns: where long answers are given in steps, so that nobody waits for them.
        refused: messages that could not be used.
    """

    sessions: SessionTable
    gate: TokenGate
    disk: Executor
    removals: Removals
    clips: ClipStore
    queue: JobQueue
    turns: Turns
    refused: int

    @property
    def unanswered(self) -> int:
        """Messages that got no answer: of senders without proof, or lost in a burst."""

    def tell(self, session: ClientSession, address: str, args: tuple[ReplyValue, ...]) -> None:
        """Send one reply."""

    def fail(self, session: ClientSession, id: str, code: str, text: str) -> None:
        """Reply ``fail``: a job or a clip was not accepted."""

    def refuse_job(self, session: ClientSession, id: str, task: str, refusal: tuple[str, str]) -> None:
        """Reply ``fail`` with a code and a text, and remember it for who asks later: a job was not accepted."""

    def forget(self, session: ClientSession) -> None:
        """A client leaves: nothing is sent to it any more, and what it left unfinished is dropped."""

    def port_of(self, session: ClientSession) -> int:
        """The bridge's own port that a client speaks to."""

    def error(self, session: ClientSession, address: str, code: str, text: str) -> None:
        """Reply ``error``: a message is invalid."""

    def set_dump(self, on: bool) -> None:
        """Switch the printing of all messages on or off."""


@contextlib.contextmanager
def refusals(services: BridgeServices, session: ClientSession, id: str) -> Iterator[None]:
    """Turn exceptions of the block into ``fail`` for the job or clip of that id."""
    try:
        yield
    except JobRefused as error:
        services.fail(session, id, error.code, str(error))
    except ClipError as error:
        services.fail(session, id, "clip", str(error))
    except EngineError as error:
        services.fail(session, id, *error_reply(error))
    except OSError as error:
        services.fail(session, id, "output", f"the disk refused ({error.strerror}); make room and send it again")
