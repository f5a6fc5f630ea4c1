"""The settings of a bridge and their validation."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from engine import RequestError
from engine.osc.protocol.specs import DEFAULT_PORT
from engine.osc.transport.gate import AllowList

TOKEN_SHORTEST_BYTES = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class BridgeSettings:
    """Settings of a bridge.

    Attributes:
        port: UDP port; the next free one of ten is taken; 0 is any.
        tcp_port: None means the same number.
        lan: True means other machines may speak too; needs a token.
        token: one more secret that is taken, beside the one in the bridge's folder; at least 16 bytes.
        plain_token: True means a token itself is taken from other machines too, without a challenge.
        no_token: True means that every program of this machine may speak without one.
        allow: networks that may speak in LAN mode; empty means private ones.
        roots: folders inputs may lie in.
        out: folder of the results; made when missing.
        bundle: taken when a message names none.
        home: the bridge's own folder; None is the user's.
        owner: who hosts it, for a second one to tell.
        oscquery_port: None means no OSCQuery; 0 is any port.
        zeroconf: True means it is announced on the network.
    """

    port: int = DEFAULT_PORT
    tcp_port: int | None = None
    lan: bool = False
    token: bytes | None = None
    plain_token: bool = False
    no_token: bool = False
    allow: tuple[str, ...] = ()
    roots: tuple[Path, ...] = ()
    out: Path = Path("fluxstem-results")
    bundle: str = "small"
    home: Path | None = None
    owner: str = "bridge"
    oscquery_port: int | None = None
    zeroconf: bool = False


def check_settings(settings: BridgeSettings) -> None:
    """Validate the settings.

    Raises:
        RequestError: what was asked, what is allowed, what to do.
    """
    if settings.lan and (settings.token is None or len(settings.token) < TOKEN_SHORTEST_BYTES):
        raise RequestError(
            "a bridge that is open to the network needs a token of at least {shortest} bytes; "
            "write one into a file and give it with --token-file",
            shortest=TOKEN_SHORTEST_BYTES,
        )
    if settings.token is not None and len(settings.token) < TOKEN_SHORTEST_BYTES:
        raise RequestError(
            "a token needs at least {shortest} bytes; write a longer one into the file", shortest=TOKEN_SHORTEST_BYTES
        )
    if settings.no_token and (settings.lan or settings.token is not None):
        raise RequestError(
            "--no-token lets every program of this machine in, so it goes with neither --lan nor --token-file; "
            "leave one of them out"
        )
    if settings.plain_token and not settings.lan:
        raise RequestError("--plain-token is for other machines, and this one always may; add --lan or leave it out")
    if settings.allow and not settings.lan:
        raise RequestError("networks can be allowed only in LAN mode; add --lan or leave --allow out")
    try:
        AllowList(settings.allow)
    except ValueError as error:
        raise RequestError("{error}; give a network as 192.168.1.0/24", error=error) from None
    for folder in settings.roots:
        if not folder.is_dir():
            raise RequestError("there is no folder {folder}; give a folder that clips may be read from", folder=folder)
