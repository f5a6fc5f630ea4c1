"""Hears of what leaves this machine: connections of this process, and what telemetry of any process wrote."""

from __future__ import annotations

import functools
import socket
from pathlib import Path

LOCAL_HOSTS = {"localhost", "127.0.0.1", "::1", "", "None", "0.0.0.0", "::", socket.gethostname()}
LOCAL_HOSTS |= {"224.0.0.251", "ff02::fb"}  # mDNS stays in the network; a bridge that was asked to announces itself
TELEMETRY = (".cache/Microsoft", ".onnxruntime", "Library/Caches/Microsoft")  # below a home, where ONNX Runtime writes


@functools.cache
def own_addresses() -> frozenset[str]:
    """Addresses of this machine on its network; a program that speaks to itself may use them."""
    try:
        return frozenset(str(found[4][0]) for found in socket.getaddrinfo(socket.gethostname(), None))
    except OSError:
        return frozenset()


class Outside:
    """Hears of every socket that Python opens, in whatever thread or library, and keeps the hosts outside."""

    EVENTS = ("socket.connect", "socket.sendto", "socket.getaddrinfo", "socket.gethostbyname")

    def __init__(self) -> None:
        self.seen: list[str] = []

    def __call__(self, event: str, arguments: tuple[object, ...]) -> None:
        if event not in self.EVENTS:
            return
        address = arguments[1] if event in self.EVENTS[:2] else arguments
        host = str(address[0]).split("%")[0] if isinstance(address, tuple) and address else ""
        if host not in LOCAL_HOSTS and not host.startswith("127.") and host not in own_addresses():
            self.seen.append(host)


def telemetry_files(home: Path) -> dict[Path, int]:
    """What telemetry wrote below a home: file -> when, in ns."""
    found = [path for place in TELEMETRY if (home / place).exists() for path in (home / place).rglob("*")]
    return {path: path.stat().st_mtime_ns for path in found if path.is_file()}
