"""The devices of this machine: what is asked for, which NVIDIA cards there are, how much of their memory is free.

Cards are listed by ``nvidia-smi``, which comes with every driver and needs no library of ours in this process.
"""

from __future__ import annotations

import logging
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from engine.request import Device

log = logging.getLogger(__name__)

QUERY_LIMIT_S = 10.0
VISIBLE = "CUDA_VISIBLE_DEVICES"
NVIDIA_RUNTIMES = ("onnxruntime-gpu", "onnxruntime-ep-nv-tensorrt-rtx")
NUMBERED = ("auto", "cuda", "tensorrt", "rtx")  # devices whose number is that of an NVIDIA card
_FIELDS = ("index", "uuid", "name", "memory.total", "memory.free", "driver_version", "compute_cap")
_MIB = 1 << 20


@dataclass(frozen=True, slots=True)
class DeviceChoice:
    """What a request asks to run on.

    Attributes:
        kind: ``auto``, or a row of ``engine.runtime.providers.ROWS``.
        index: which one of that kind; None leaves the choice to us.
    """

    kind: str
    index: int | None = None

    @classmethod
    def of(cls, device: Device) -> DeviceChoice:
        """Read ``cuda:1``; the text is one that ``engine.checks`` let pass."""
        kind, _, number = device.partition(":")
        return cls(kind, int(number) if number else None)

    def __str__(self) -> str:
        return self.kind if self.index is None else f"{self.kind}:{self.index}"


@dataclass(frozen=True, slots=True)
class GraphicsCard:
    """One NVIDIA card that CUDA may use.

    Attributes:
        index: its number for CUDA, after ``CUDA_VISIBLE_DEVICES``.
        name: as the driver calls it.
        memory_bytes, free_bytes: all of its memory, and what no program has taken.
        driver: version of the driver.
        capability: compute capability, ``9.0``.
    """

    index: int
    name: str
    memory_bytes: int
    free_bytes: int
    driver: str
    capability: str


def list_cards() -> list[GraphicsCard]:
    """The NVIDIA cards of this machine, in CUDA's order; empty where there is no driver or it does not answer."""
    program = _smi()
    if program is None:
        return []
    command = [program, f"--query-gpu={','.join(_FIELDS)}", "--format=csv,noheader,nounits"]
    try:
        told = subprocess.run(command, capture_output=True, text=True, timeout=QUERY_LIMIT_S, check=True).stdout
    except (OSError, subprocess.SubprocessError) as error:
        log.info("the NVIDIA cards could not be listed: %s", error)
        return []
    rows = [[word.strip() for word in line.split(",")] for line in told.splitlines() if line.strip()]
    rows = _visible([row for row in rows if len(row) == len(_FIELDS)])
    return [
        GraphicsCard(number, name, _bytes(total), _bytes(free), driver, capability)
        for number, (_, _, name, total, free, driver, capability) in enumerate(rows)
    ]


def usable_cards() -> int:
    """NVIDIA cards that the installed runtime could use; 0 where it is made for the CPU alone."""
    return len(list_cards()) if any(_is_installed(package) for package in NVIDIA_RUNTIMES) else 0


def card_of(index: int) -> GraphicsCard | None:
    """The card with a number, None where there is none or the driver does not answer."""
    return next((card for card in list_cards() if card.index == index), None)


def pinned(device: Device, index: int) -> Device:
    """The same device on one card, where it does not name one itself."""
    choice = DeviceChoice.of(device)
    if choice.kind not in NUMBERED or choice.index is not None:
        return device
    return str(DeviceChoice(choice.kind, index))


def _visible(rows: list[list[str]]) -> list[list[str]]:
    """The rows that ``CUDA_VISIBLE_DEVICES`` leaves, in its order; as in CUDA, what cannot be found ends the list."""
    wanted = os.environ.get(VISIBLE)
    if wanted is None:
        return rows
    found: list[list[str]] = []
    for word in (word.strip() for word in wanted.split(",")):
        row = next(
            (row for row in rows if word == row[0] or (word.startswith("GPU-") and row[1].startswith(word))), None
        )
        if row is None:
            break
        found.append(row)
    return found


def _is_installed(package: str) -> bool:
    try:
        return bool(metadata.version(package))
    except metadata.PackageNotFoundError:
        return False


def _bytes(mebibytes: str) -> int:
    return int(float(mebibytes)) * _MIB if mebibytes.replace(".", "", 1).isdecimal() else 0  # "[N/A]" on shared memory


def _smi() -> str | None:
    program = shutil.which("nvidia-smi")
    if program is None and sys.platform == "win32":
        place = Path(os.environ.get("SYSTEMROOT", r"C:\Windows"), "System32", "nvidia-smi.exe")
        program = str(place) if place.is_file() else None
    return program
