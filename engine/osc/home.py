"""The bridge's folder: its lock, its state file, its journal and its spool.

One bridge at a time holds the folder, by a lock that dies with the process; so there is one bridge, and one engine, for
one user.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import uuid
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import BinaryIO

from engine import RequestError, user_data_folder

LOCK, STATE, JOURNAL, SPOOL = "lock", "state.json", "journal.jsonl", "spool"


@dataclass(frozen=True, slots=True, kw_only=True)
class BridgeState:
    """Contents of the state file: where a bridge listens.

    Attributes:
        pid: its process.
        owner: ``bridge``, or the program it runs inside.
        host: address it listens on.
        udp_port, tcp_port: its ports.
        http_port: of OSCQuery; None when that is off.
        lan: True means it wants a token.
    """

    pid: int
    owner: str
    host: str
    udp_port: int
    tcp_port: int
    http_port: int | None = None
    lan: bool = False


def default_home() -> Path:
    """The bridge's folder in the user's data."""
    return user_data_folder() / "bridge"


def read_state(home: Path | None = None) -> BridgeState | None:
    """Where this user's bridge listens, None without a state file. It may have died since; ask it."""
    try:
        values = json.loads(((home or default_home()) / STATE).read_bytes())
        return BridgeState(**{one.name: values[one.name] for one in fields(BridgeState) if one.name in values})
    except (OSError, ValueError, TypeError):
        return None


class Home:
    """The folder of a running bridge, locked.

    Args:
        folder: made when missing.

    Raises:
        RequestError: another bridge holds it; the sentence says which.
        OSError: it cannot be made.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._lock: BinaryIO = (folder / LOCK).open("ab")
        try:
            _lock(self._lock)
        except OSError:
            self._lock.close()
            raise _taken_by(read_state(folder)) from None
        self.spool.mkdir(mode=0o700, exist_ok=True)

    @property
    def journal(self) -> Path:
        """The file of the journal."""
        return self.folder / JOURNAL

    @property
    def spool(self) -> Path:
        """Folder of private copies of inputs, and of clips sent by wire."""
        return self.folder / SPOOL

    def new_spool(self) -> Path:
        """An unused name in the spool."""
        return self.spool / uuid.uuid4().hex

    def sweep(self, keep: set[str]) -> None:
        """Remove spool folders that no job needs.

        Args:
            keep: folders that are needed.
        """
        for folder in self.spool.iterdir():
            if str(folder) not in keep:
                shutil.rmtree(folder, ignore_errors=True)

    def announce(self, state: BridgeState) -> None:
        """Write the state file, whole or not at all."""
        fresh = self.folder / (STATE + ".new")
        fresh.write_text(json.dumps(asdict(state)), encoding="utf-8")
        os.replace(fresh, self.folder / STATE)

    def close(self) -> None:
        """Remove the state file and release the lock."""
        with contextlib.suppress(OSError):
            (self.folder / STATE).unlink()
        self._lock.close()


def _taken_by(state: BridgeState | None) -> RequestError:
    if state is None:
        return RequestError("another Fluxstem bridge of yours is just starting; wait for it, or stop it")
    return RequestError(
        "a Fluxstem bridge is running already: process {pid} ({owner}) on UDP port {udp_port}, TCP port {tcp_port}; "
        "use that one, or stop it first",
        pid=state.pid, owner=state.owner, udp_port=state.udp_port, tcp_port=state.tcp_port,
    )  # fmt: skip


if os.name == "nt":
    import msvcrt

    def _lock(stream: BinaryIO) -> None:
        msvcrt.locking(stream.fileno(), msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined, unused-ignore]

else:
    import fcntl

    def _lock(stream: BinaryIO) -> None:
        fcntl.flock(stream.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
