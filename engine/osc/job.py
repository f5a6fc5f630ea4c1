"""One job, as long as the bridge remembers it."""

from __future__ import annotations

from dataclasses import dataclass, field

from engine.osc.job_replies import ReplyValue, reply_args
from engine.osc.journal import JournalEntry
from engine.osc.protocol.replies import REPLIES
from engine.osc.protocol.specs import at
from engine.osc.transport.sessions import ClientSession


@dataclass(slots=True, eq=False)
class BridgeJob:
    """One job.

    Attributes:
        entry: as it stands in the journal.
        state: ``preparing``, ``waiting``, ``running`` or ``finished``.
        engine_job: the engine's own name for it.
        fraction: how far it is, 0 to 1.
        stage: what is being done, in words.
        cancel_asked: True means a client wants it stopped.
        told_s: when its progress was last told.
        listeners: who is told.
    """

    entry: JournalEntry
    state: str = "preparing"
    engine_job: str | None = None
    fraction: float = 0.0
    stage: str = "waiting"
    cancel_asked: bool = False
    told_s: float = float("-inf")
    listeners: list[ClientSession] = field(default_factory=list)

    @property
    def finished(self) -> bool:
        """True means it ended, however."""
        return self.state == "finished"

    def outcome_message(self) -> tuple[str, tuple[ReplyValue, ...]]:
        """Address and arguments that tell how it ended."""
        address = at(self.entry.outcome or "progress")
        args = reply_args(self.entry.id, self.entry.reply)
        return address, args + ("",) * (len(REPLIES[address].args) - len(args))  # texts that an older bridge left out

    def edited_message(self) -> tuple[str, tuple[ReplyValue, ...]]:
        """Address and arguments that give back the version edited by hand."""
        return at("edited"), reply_args(self.entry.id, self.entry.edited)
