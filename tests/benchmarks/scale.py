"""Songs an hour through ``fluxstem batch`` with one and two workers, on this machine and on a Ray cluster of two nodes.

    python tests/benchmarks/scale.py                       # six songs of three minutes each, the bundle small
    python tests/benchmarks/scale.py --seconds 60 --cluster

Every worker has one thread. The songs are the demo's mix, repeated, each at a level of its own. Counted is the time
from the start of the command to its end, the start of the engines included. The last lines say what one song costs
besides the networks, how large it is on the way in and out, and how many results a second one process puts in their
place: ``tests/benchmarks/scale_cost.py`` takes these.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from raynodes import RayNodes  # noqa: E402

from engine.batch.find import WorkItem  # noqa: E402
from engine.batch.ledger import Ledger  # noqa: E402
from engine.batch.publish import publish  # noqa: E402
from engine.batch.stores import WORK, FolderStore  # noqa: E402
from engine.batch.work import ItemOutcome  # noqa: E402

WORKERS = (1, 2)
PLACED = 300


def write_songs(folder: Path, count: int, seconds: float) -> None:
    """Songs as 16-bit FLAC, no two alike."""
    folder.mkdir()
    audio_NC, rate_hz = soundfile.read(ROOT / "resources" / "demo" / "mix.flac", dtype="float32", always_2d=True)
    samples = round(seconds * rate_hz)
    song_NC = np.tile(audio_NC, (-(-samples // len(audio_NC)), 1))[:samples]
    for number in range(count):
        level = 0.5 + 0.5 * number / count
        soundfile.write(folder / f"song {number}.flac", level * song_NC, rate_hz, subtype="PCM_16")


def batch(songs: Path, out: Path, prompts: list[str], *words: str) -> float:
    """Run the command; its wall time in seconds.

    Raises:
        RuntimeError: a song was not done.
    """
    command = [sys.executable, "-m", "engine", "batch", str(songs), *prompts, "--out", str(out), "--json", *words]
    started_s = time.perf_counter()
    ended = subprocess.run(
        command, cwd=ROOT, env=os.environ | {"FLUXSTEM_THREADS": "1"}, capture_output=True, text=True, check=False
    )
    if ended.returncode:
        raise RuntimeError(f"exit code {ended.returncode}: {ended.stderr}")
    return time.perf_counter() - started_s


def sidecars(out: Path) -> list[dict[str, Any]]:
    """The JSON beside each result."""
    return [json.loads(path.read_bytes()) for path in out.rglob("* - *.json")]


def mebibytes(files: list[Path]) -> float:
    """Size of files together."""
    return sum(file.stat().st_size for file in files) / (1 << 20)


def placed_per_second(folder: Path) -> float:
    """Results of one prompt that a process moves to their place and writes down, a second."""
    names = {"stem": "stem.flac", "rest": "rest.flac", "sidecar": "stem.json"}
    with FolderStore(str(folder)) as store:
        ledger = Ledger(store)
        outcomes = []
        for number in range(PLACED):
            stage = f"{WORK}/{number}"
            with store.workspace(stage) as inside:
                inside.mkdir(parents=True)
                for name in names.values():
                    (inside / name).write_bytes(b"{}")
            item = WorkItem(f"/songs/{number}.flac", f"{number}/song.flac", 1, 1)
            outcomes.append(ItemOutcome(item=item, stage=stage, results=({"prompt": "drums", "files": names},)))
        started_s = time.perf_counter()
        for outcome in outcomes:
            publish(store, ledger, outcome, "asked")
        return PLACED / (time.perf_counter() - started_s)


def main() -> None:
    """Measure and print a line for each case."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--songs", type=int, default=6)
    parser.add_argument("--seconds", type=float, default=180.0, help="length of a song")
    parser.add_argument("--bundle", default="small")
    parser.add_argument("--prompt", dest="prompts", action="append", help="default: drums")
    parser.add_argument("--cluster", action="store_true", help="on Ray too (extra cluster)")
    arguments = parser.parse_args()
    prompts = arguments.prompts or ["drums"]
    print(f"{arguments.songs} songs of {arguments.seconds:g} s, prompts {', '.join(prompts)}, "
          f"bundle {arguments.bundle}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} before")  # fmt: skip
    with tempfile.TemporaryDirectory(prefix="fluxstem-scale-") as folder:
        songs = Path(folder) / "songs"
        write_songs(songs, arguments.songs, arguments.seconds)
        usual = ("--bundle", arguments.bundle, "--device", "cpu")
        cases = {f"this machine, {count}": (*usual, "--jobs", str(count)) for count in WORKERS}
        os.environ["RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"] = "0"  # the loopback address is that of a node
        nodes = RayNodes() if arguments.cluster else None
        try:
            if nodes is not None:
                on_ray = (*usual, "--cluster", nodes.address, "--cores-per-engine", "1")
                cases |= {f"Ray, {count}": (*on_ray, "--jobs", str(count)) for count in WORKERS}
            for name, words in cases.items():
                out = Path(folder) / name
                seconds = batch(songs, out, prompts, *words)
                an_hour = 3600 * arguments.songs / seconds
                print(f"{name} worker{'s' * (name[-1] != '1')}: {seconds:.1f} s, {an_hour:.0f} songs an hour, "
                      f"{arguments.seconds * arguments.songs / seconds:.1f} times real time", flush=True)  # fmt: skip
        finally:
            if nodes is not None:
                nodes.close()
        out = Path(folder) / "this machine, 1"
        told = {one["input"]: one for one in sidecars(out)}.values()  # the same figures are beside each stem of a song
        besides_s = [one["took_s"] - one["timings"].get("separate", 0.0) for one in told]
        size = [mebibytes(list(where.rglob("*.flac"))) / arguments.songs for where in (songs, out)]
        print(f"a song costs {statistics.median(besides_s):.1f} s besides the networks on one core; "
              f"{size[0]:.0f} MiB come in, {size[1]:.0f} MiB go out")  # fmt: skip
        print(f"one process puts {placed_per_second(Path(folder) / 'placed'):.0f} results a second in their place")


if __name__ == "__main__":
    main()
