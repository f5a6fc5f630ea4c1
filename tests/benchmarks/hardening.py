"""Kills, hangs and hostile input in numbers, with real processes on a small bundle.

    python tests/benchmarks/hardening.py fuzz       # 1,000,000 packets, 20,000 media files, 2,000 bundles
    python tests/benchmarks/hardening.py kills      # kill -9 of the bridge at 200 moments of a queue
    python tests/benchmarks/hardening.py soak       # 10,000 jobs, a kill or a stop of the engine's process every 50th

``packets``, ``media`` and ``bundles`` are the parts of ``fuzz``. With ``--state FILE`` a check goes on where it
stopped: figures add up over its runs, and a run that has nothing left to do prints them. Prints one JSON object with
what was counted, what must not happen (``faults``) and ``ok``; the exit code is 1 when there is a fault, or nothing was
done.

Files are taken one after the other by processes with the limits and walls of the product's (``tests/hostilefiles.py``
says which); ``--real N`` sends every Nth by the very path of the product, with a process for each file.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from argparse import Namespace
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests"), str(ROOT / "tests" / "benchmarks")]
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # processes are forked, and none needs more

import osc  # noqa: E402
from hostilefiles import BundleLane, MediaLane, load_decoders, media_seeds  # noqa: E402
from killing import StruckEngine, kill_bridges  # noqa: E402
from tally import Tally, TallyFile, in_lanes  # noqa: E402

FUZZ = ("media", "bundles", "packets")
PACKETS_EACH = 50_000  # by one bridge
CPUS = os.cpu_count() or 1


@dataclass(frozen=True, slots=True)
class Part:
    """Where one run of a check begins and ends.

    Attributes:
        folder: for whatever it needs.
        done: how many were done by earlier runs.
        left: how many are left to do.
        end_s: by ``time.monotonic``; it ends soon after that.
        asked: the command line.
    """

    folder: Path
    done: int
    left: int
    end_s: float
    asked: Namespace

    @property
    def seed(self) -> str:
        """Of this run; no two runs of one state file have the same."""
        return f"{self.asked.seed}.{self.done}"

    def share(self, lane: int, lanes: int) -> int:
        """How many of what is left are for one of several processes."""
        return self.left // lanes + (lane < self.left % lanes)


def main() -> int:
    """Run one of the checks."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("check", choices=["fuzz", *CHECKS])
    for name, check in CHECKS.items():
        parser.add_argument(f"--{check.option}", type=int, default=check.wanted, help=f"of {name}; default %(default)s")
    parser.add_argument("--real", type=int, default=200, metavar="N")
    parser.add_argument("--every", type=int, default=50, metavar="N", help="of soak: strike the engine every Nth job")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--lanes", type=int, default=0, help="processes side by side; default by the check")
    parser.add_argument("--state", type=Path, help="file that keeps the figures between runs")
    parser.add_argument(
        "--seconds", type=float, default=float("inf"), help="stop after so long, and count what was done"
    )
    asked = parser.parse_args()
    state, end_s = TallyFile(asked.state), time.monotonic() + asked.seconds
    names = FUZZ if asked.check == "fuzz" else (asked.check,)
    with tempfile.TemporaryDirectory(prefix="fluxstem-hardening-") as folder:
        for name in names:
            check = CHECKS[name]
            done = state.get(name).counts[check.counted]
            part = Part(Path(folder) / name, done, getattr(asked, check.option) - done, end_s, asked)
            if part.left > 0 and time.monotonic() < end_s:
                part.folder.mkdir()
                began_s = time.monotonic()
                tally = check.run(part)
                tally.see("longest_run_s", time.monotonic() - began_s)
                tally.counts["seconds"] += round(time.monotonic() - began_s)
                state.add(name, tally)
    found = state.printed(names)
    done = [state.get(name).counts[CHECKS[name].counted] for name in names]
    ok = all(done) and all(one["ok"] for one in found.values())
    whole = all(count >= getattr(asked, CHECKS[name].option) for name, count in zip(names, done, strict=True))
    print(json.dumps({**found, "complete": whole, "ok": ok}, indent=1))
    return 0 if ok else 1


def packets(part: Part) -> Tally:
    """Mutated packets, a tenth of them over TCP, each lot against a new bridge."""
    tally, done, lot_s = Tally(), part.done, 0.0
    while done < part.done + part.left and time.monotonic() + lot_s < part.end_s:
        began_s = time.monotonic()
        folder = part.folder / str(done)
        folder.mkdir()
        count = int(1.02 * min(PACKETS_EACH, part.done + part.left - done)) + 1  # a few of them are left out
        lot = Namespace(packets=count, batch=25, seed=part.asked.seed * 1_000_003 + done)
        found = osc.fuzz(folder, lot)
        done, lot_s = done + found["packets"], time.monotonic() - began_s
        tally.counts["packets"] += found["packets"]
        tally.counts.update({name: found[name] for name in ("over_tcp", "pings", "refused", "unanswered")})
        tally.see("ping_worst_ms", found["ping_worst_ms"])
        tally.see("echo_worst_ms", found["echo_worst_ms"])
        tally.see("ping_median_worst_lot_ms", found["ping_median_ms"])
        tally.see("memory_grown_mib", found["memory_grown_mib"])
        if not found["ok"]:
            wrong = ("alive", "tracebacks", "ping_worst_ms", "echo_worst_ms", "memory_grown_mib", "took_s")
            tally.faults.append(f"seed {lot.seed}: { ({name: found[name] for name in wrong}) }")
    return tally


def media(part: Part) -> Tally:
    """Mutated sounds, pictures and videos."""
    load_decoders()
    seeds = media_seeds(part.folder / "seeds")

    def work(lane: int, lanes: int) -> Tally:
        one = MediaLane(part.folder / f"lane{lane}", seeds)
        for number in range(part.done + lane, part.done + part.left, lanes):
            if time.monotonic() > part.end_s:
                break
            real = part.asked.real
            one.try_one(number, part.seed, really=bool(real) and number // 2 % max(real // 2, 1) == 0)
        one.close()
        return one.tally

    lanes = part.asked.lanes or CPUS
    tally = in_lanes(lanes, lambda lane: work(lane, lanes))
    tally.see("kinds", len(seeds))
    return tally


def bundles(part: Part) -> Tally:
    """Mutated bundles."""
    import onnxruntime  # noqa: F401  # loaded once for all lanes

    def work(lane: int, lanes: int) -> Tally:
        one = BundleLane(part.folder / f"lane{lane}")
        for number in range(part.done + lane, part.done + part.left, lanes):
            if time.monotonic() > part.end_s:
                break
            one.try_one(number, part.seed)
        one.close()
        return one.tally

    lanes = part.asked.lanes or CPUS
    return in_lanes(lanes, lambda lane: work(lane, lanes))


def kills(part: Part) -> Tally:
    """A bridge that is killed; several of them, as each waits most of the time."""
    lanes = min(part.asked.lanes or 3 * CPUS, part.left)

    def work(lane: int) -> Tally:
        seed = part.asked.seed * 1_000_003 + part.done + lane
        return kill_bridges(part.folder / f"lane{lane}", part.share(lane, lanes), seed, part.end_s)

    return in_lanes(lanes, work)


def soak(part: Part) -> Tally:
    """An engine that is killed and stopped; several of them, as those that are stopped wait to be noticed."""
    lanes = min(part.asked.lanes or 3 * CPUS, part.left)

    def work(lane: int) -> Tally:
        folder = part.folder / f"lane{lane}"
        folder.mkdir()
        return StruckEngine(folder, part.asked.every).work(part.share(lane, lanes), part.end_s)

    return in_lanes(lanes, work)


@dataclass(frozen=True, slots=True)
class Check:
    """One check.

    Attributes:
        run: does a part of it.
        counted: what its tally counts.
        option: of the command line, how many are wanted.
        wanted: unless the command line says otherwise.
    """

    run: Callable[[Part], Tally]
    counted: str
    option: str
    wanted: int


CHECKS = {
    "packets": Check(packets, "packets", "packets", 1_000_000),
    "media": Check(media, "files", "files", 20_000),
    "bundles": Check(bundles, "bundles", "bundles", 2_000),
    "kills": Check(kills, "kills", "moments", 200),
    "soak": Check(soak, "jobs", "jobs", 10_000),
}

if __name__ == "__main__":
    raise SystemExit(main())
