"""The bridge's folder: its lock, its token, its state file, its journal and its spool; all of it for the user alone.

One bridge at a time holds the folder, by a lock that dies with the process; so there is one bridge, and one engine, for
one user.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import secrets
import shutil
import stat
import uuid
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import BinaryIO

from engine import RequestError, user_data_folder

log = logging.getLogger(__name__)

LOCK, STATE, JOURNAL, SPOOL, TOKEN = "lock", "state.json", "journal.jsonl", "spool", "token"
RECEIPTS, RECEIPT = "receipts", "receipt"
TOKEN_RANDOM_BYTES = 24
TOKEN_LIMIT_BYTES = 4096


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


def receipt_of(spool: str) -> Path:
    """The receipt of the job with that spool folder; the engine may write beside it, but not where inputs are."""
    return Path(spool).parents[1] / RECEIPTS / Path(spool).name / RECEIPT


def default_home() -> Path:
    """The bridge's folder in the user's data."""
    return user_data_folder() / "bridge"


def read_state(home: Path | None = None) -> BridgeState | None:
    """Where this user's bridge listens, None without a state file. It may have died since; ask it."""
    try:
        values = json.loads(((home or default_home()) / STATE).read_bytes())
        return BridgeState(**{one.name: values[one.name] for one in fields(BridgeState) if one.name in values})
    except (OSError, ValueError, TypeError, RecursionError):
        return None


class Home:
    """The folder of a running bridge, locked.

    Args:
        folder: made when missing.

    Raises:
        RequestError: another bridge holds it; the sentence says which. Or it belongs to another user.
        OSError: it cannot be made.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        _make_private(folder)
        self._lock: BinaryIO = os.fdopen(_private(str(folder / LOCK), os.O_WRONLY | os.O_CREAT | os.O_APPEND), "ab")
        try:
            _lock(self._lock)
        except OSError:
            self._lock.close()
            raise _taken_by(read_state(folder)) from None
        try:
            for private in (self.spool, folder / RECEIPTS):
                private.mkdir(mode=0o700, exist_ok=True)
            self.token = self._own_token()
        except BaseException:
            self._lock.close()
            raise

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
        receipts = {str(receipt_of(folder).parent) for folder in keep if folder}
        for folder in (*self.spool.iterdir(), *(self.folder / RECEIPTS).iterdir()):
            if str(folder) not in keep | receipts:
                shutil.rmtree(folder, ignore_errors=True)

    def announce(self, state: BridgeState) -> None:
        """Write the state file, whole or not at all."""
        fresh = self.folder / (STATE + ".new")
        with open(fresh, "w", encoding="utf-8", opener=_private) as stream:
            stream.write(json.dumps(asdict(state)))
        os.replace(fresh, self.folder / STATE)

    def close(self) -> None:
        """Remove the state file and release the lock."""
        with contextlib.suppress(OSError):
            (self.folder / STATE).unlink()
        self._lock.close()

    def _own_token(self) -> bytes:
        """The token of this folder; made once, so that who has written it down can go on using it."""
        path = self.folder / TOKEN
        found = read_token(self.folder)
        if found is not None:
            return found
        fresh = path.with_suffix(".new")
        with contextlib.suppress(FileNotFoundError):
            fresh.unlink()
        token = f"fluxstem-{secrets.token_hex(TOKEN_RANDOM_BYTES)}"  # a word in every program: it starts with a letter
        with open(fresh, "x", encoding="ascii", opener=_private) as stream:
            stream.write(token + "\n")
        os.replace(fresh, path)
        return token.encode("ascii")


def read_token(home: Path | None = None) -> bytes | None:
    """The token of this user's bridge, as its own clients read it; None where there is none, or no secret one."""
    try:
        return read_secret((home or default_home()) / TOKEN) or None
    except (OSError, RequestError):
        return None


def read_secret(path: Path) -> bytes:
    """The secret in a file, without white space around it.

    Raises:
        RequestError: it is not a plain file of the user's own, or others may read it.
        OSError: it cannot be read.
    """
    number = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0))
    with os.fdopen(number, "rb") as stream:
        found = os.fstat(number)
        if not stat.S_ISREG(found.st_mode):
            raise RequestError("{path} is no plain file; give a file with the token", path=path)
        if hasattr(os, "geteuid") and (found.st_uid not in (0, os.geteuid()) or found.st_mode & 0o077):
            raise RequestError(
                "the token in {path} is no secret, because other users may read or change it; "
                "make it yours alone: chmod 600 {path}", path=path,
            )  # fmt: skip
        return stream.read(TOKEN_LIMIT_BYTES).strip()


def _make_private(folder: Path) -> None:
    """Nobody else may look into the folder.

    Raises:
        RequestError: it belongs to somebody else.
    """
    if not hasattr(os, "geteuid"):
        return
    found = folder.stat()
    if found.st_uid != os.geteuid():
        raise RequestError("the folder {folder} belongs to another user; choose another with --home", folder=folder)
    if found.st_mode & 0o077:
        log.warning("%s could be read by other users; it is private now", folder)
        folder.chmod(0o700)


def _private(path: str, flags: int) -> int:
    """Opens a file that only the user may read; for ``open``."""
    return os.open(path, flags | getattr(os, "O_NOFOLLOW", 0), 0o600)


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
