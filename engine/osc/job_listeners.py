"""Which clients receive the events of a job: its own listeners, and those that watch all jobs."""

from __future__ import annotations

from collections.abc import Callable

from engine.osc.job import BridgeJob
from engine.osc.job_replies import ReplyValue
from engine.osc.protocol.specs import PROGRESS_PER_S, at
from engine.osc.transport.sessions import ClientSession

SendReply = Callable[[ClientSession, str, tuple[ReplyValue, ...]], None]


class JobListeners:
    """Sends the events of a job to its listeners and watchers.

    Args:
        send: sends one reply to one session.
        watchers: gives the sessions that hear the events of all jobs.
    """

    def __init__(self, send: SendReply, watchers: Callable[[], list[ClientSession]]) -> None:
        self.send = send
        self._watchers = watchers

    def add(self, job: BridgeJob, session: ClientSession) -> None:
        """Add a listener to a job; to a finished one only if the client can still be reached later."""
        if session not in job.listeners and (not job.finished or can_be_reached_later(session)):
            job.listeners.append(session)

    def tell(self, job: BridgeJob, address: str, args: tuple[ReplyValue, ...]) -> None:
        """Send one message to all of them."""
        for session in {one.key: one for one in (*job.listeners, *self._watchers())}.values():
            self.send(session, address, args)

    def progress(self, job: BridgeJob, now_s: float, always: bool = False) -> None:
        """Send the progress of a job, at a limited rate unless ``always``."""
        if always or now_s - job.told_s >= 1 / PROGRESS_PER_S:
            job.told_s = now_s
            self.tell(job, at("progress"), (job.entry.id, job.fraction, job.stage))

    def finished(self, job: BridgeJob) -> None:
        """Send the end of a job."""
        self.tell(job, *job.outcome_message())
        job.listeners = [session for session in job.listeners if can_be_reached_later(session)]

    def repeat(self, session: ClientSession, job: BridgeJob) -> bool:
        """Send the end of a finished job to one client; False when it is not finished."""
        if not job.finished:
            return False
        self.send(session, *job.outcome_message())
        if job.entry.edited:
            self.send(session, *job.edited_message())
        return True


def can_be_reached_later(session: ClientSession) -> bool:
    """Whether a session is still the same client long after its job: a UDP address of another machine may not be."""
    return session.local or session.wire.reliable
