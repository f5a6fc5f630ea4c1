"""A network with nobody in it: run a command there and write down every name that it tries to look up.

    unshare --user --map-root-user --net --mount python tests/offline.py LOG COMMAND...

Loopback is up and a name server listens on it, which refuses everything; LOG has a line for each name asked for.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

NAMESPACE = ("unshare", "--user", "--map-root-user", "--net", "--mount")
SIOCGIFFLAGS, SIOCSIFFLAGS, IFF_UP = 0x8913, 0x8914, 1


def namespaces_work() -> bool:
    """Whether this machine lets us make one."""
    if shutil.which("unshare") is None or shutil.which("mount") is None:
        return False
    with tempfile.TemporaryDirectory() as folder:
        command = [*NAMESPACE, sys.executable, __file__, f"{folder}/log", "true"]
        return subprocess.run(command, capture_output=True, check=False).returncode == 0


def names_asked_for(log: Path, command: list[str], environment: dict[str, str]) -> tuple[int, list[str]]:
    """Run a command without a network; gives its exit code and the names it looked up."""
    done = subprocess.run(
        [*NAMESPACE, sys.executable, __file__, str(log), *command], env=environment, check=False,
        stdout=subprocess.DEVNULL, timeout=300,
    )  # fmt: skip
    return done.returncode, log.read_text().splitlines()


def main(log: str, *command: str) -> int:
    """Inside the namespace."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        asked = struct.pack("16sh", b"lo", 0)
        flags = struct.unpack("16sh", fcntl.ioctl(probe, SIOCGIFFLAGS, asked))[1]
        fcntl.ioctl(probe, SIOCSIFFLAGS, struct.pack("16sh", b"lo", flags | IFF_UP))
    with tempfile.NamedTemporaryFile("w", suffix=".conf") as resolver:
        resolver.write("nameserver 127.0.0.1\noptions timeout:1 attempts:1\n")
        resolver.flush()
        os.chmod(resolver.name, 0o644)
        subprocess.run(["mount", "--bind", resolver.name, os.path.realpath("/etc/resolv.conf")], check=True)
        server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        server.bind(("127.0.0.1", 53))
        Path(log).touch()
        threading.Thread(target=refuse, args=(server, log), daemon=True).start()
        return subprocess.run(command, check=False).returncode


def refuse(server: socket.socket, log: str) -> None:
    """Answer every question with "refused", and note the name."""
    while True:
        question, address = server.recvfrom(4096)
        labels, at = [], 12
        while at < len(question) and question[at]:
            labels.append(question[at + 1 : at + 1 + question[at]].decode("ascii", "replace"))
            at += 1 + question[at]
        with open(log, "a") as lines:
            lines.write(".".join(labels) + "\n")
        server.sendto(question[:2] + b"\x81\x85" + question[4:], address)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
