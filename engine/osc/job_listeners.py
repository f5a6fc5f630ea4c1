"""Who is told about which job: its own listeners, and the sessions that watch all jobs."""

from __future__ import annotations

from collections.abc import Callable

from engine.osc.job import BridgeJob
from engine.osc.job_replies import ReplyValue
from engine.osc.protocol.specs import PROGRESS_PER_S, at
from engine.osc.transport.sessions import ClientSession

SendReply = Callable[[ClientSession, str, tuple[ReplyValue, ...]], None]


class JobListeners:
    """Sends what happens to a job to everybody who wants to hear it.

    Args:
        send: sends one reply to one session.
        watchers: gives the sessions that hear the events of all jobs.
    """

    def __init__(self, send: SendReply, watchers: Callable[[], list[ClientSession]]) -> None:
        self.send = send
        self._watchers = watchers

    def add(self, job: BridgeJob, session: ClientSession) -> None:
        """From now on the session hears of the job; of a finished one only where it can be told later."""
        if session not in job.listeners and (not job.finished or can_hear_later(session)):
            job.listeners.append(session)

    def tell(self, job: BridgeJob, address: str, args: tuple[ReplyValue, ...]) -> None:
        """Tell all of them one thing."""
        for session in {id(one): one for one in (*job.listeners, *self._watchers())}.values():
            self.send(session, address, args)

    def progress(self, job: BridgeJob, now_s: float, always: bool = False) -> None:
        """Tell how far a job is, but not too often unless ``always``."""
        if always or now_s - job.told_s >= 1 / PROGRESS_PER_S:
            job.told_s = now_s
            self.tell(job, at("progress"), (job.entry.id, job.fraction, job.stage))

    def finished(self, job: BridgeJob) -> None:
        """Tell how a job ended."""
        self.tell(job, *job.outcome_message())
        job.listeners = [session for session in job.listeners if can_hear_later(session)]

    def repeat(self, session: ClientSession, job: BridgeJob) -> bool:
        """Tell one session how a finished job ended; False when it is not finished."""
        if not job.finished:
            return False
        self.send(session, *job.outcome_message())
        if job.entry.edited:
            self.send(session, *job.edited_message())
        return True


def can_hear_later(session: ClientSession) -> bool:
    """Whether a session is still the same client long after its job: a UDP address of another machine may not be."""
    return session.local or session.wire.reliable
