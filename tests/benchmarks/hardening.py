"""Kills, hangs and hostile files in numbers, with real processes on a small bundle.

    python tests/benchmarks/hardening.py media --files 20000    # mutated sounds, pictures and videos, each in a decoder
    python tests/benchmarks/hardening.py bundles --files 2000    # mutated bundles, each opened and run in a process
    python tests/benchmarks/hardening.py kills --moments 200     # kill -9 of the bridge while it works through a queue
    python tests/benchmarks/hardening.py soak --jobs 10000 --every 50  # a kill or a stop of the engine every 50th job

Each prints one JSON object with what was counted and ``ok``; the exit code is 1 when something did not hold. For speed
the fuzzed files are decoded in forks of a process that has loaded the decoders, limited and confined as decoders are;
``--real N`` sends every Nth through the very path of the product.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import psutil
import soundfile

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

from clihelp import write_music  # noqa: E402
from toybundle import write_toy_bundle  # noqa: E402

from engine import Cancelled, Engine, EngineError, HostError, Progress, Request  # noqa: E402
from engine.errors import ExampleError  # noqa: E402

LIMIT_S = 20.0  # of one mutated file; decoders get as much processor time
MIB = 1 << 20
FLAT_BYTES, FLAT_HANDLES = 32 * MIB, 8


def main() -> int:
    """Run one of the checks."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("check", choices=sorted(CHECKS))
    parser.add_argument("--files", type=int, default=20_000)
    parser.add_argument("--real", type=int, default=100, metavar="N")
    parser.add_argument("--moments", type=int, default=200)
    parser.add_argument("--jobs", type=int, default=10_000)
    parser.add_argument("--every", type=int, default=50)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--seconds", type=float, default=float("inf"), help="stop after so long, and count what was done"
    )
    arguments = parser.parse_args()
    began_s = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="fluxstem-hardening-") as folder:
        found = CHECKS[arguments.check](arguments, Path(folder))
    print(json.dumps({"check": arguments.check, **found, "took_s": round(time.monotonic() - began_s, 1)}))
    return 0 if found["ok"] else 1


# Mutated files.


def mutated(raw: bytes, others: list[bytes], dice: random.Random) -> bytes:
    """Another version of a file: bytes, numbers or whole pieces changed, most often near its head."""
    data = bytearray(raw)
    for _ in range(dice.choice((1, 1, 2, 4, 16))):
        at = (
            min(int(dice.expovariate(8 / len(data))), len(data) - 1)
            if dice.random() < 0.7
            else dice.randrange(len(data))
        )
        kind = dice.randrange(7)
        if kind == 0:
            data[at] ^= 1 << dice.randrange(8)
        elif kind == 1:
            data[at] = dice.choice((0, 1, 0x7F, 0x80, 0xFF))
        elif kind == 2:
            number = dice.choice((0, 1, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 0xFFFFFFFE, dice.getrandbits(32)))
            data[at : at + 4] = number.to_bytes(4, dice.choice(("little", "big")))
        elif kind == 3:
            del data[at : at + dice.randrange(1, 64)]
        elif kind == 4:
            data[at:at] = data[at : at + dice.randrange(1, 256)]
        elif kind == 5 and len(data) > 64:
            data = data[: dice.randrange(32, len(data))]
        else:
            other = dice.choice(others)
            begin = dice.randrange(len(other))
            piece = other[begin : begin + dice.randrange(1, 128)]
            data[at : at + len(piece)] = piece
        if not data:
            data = bytearray(raw)
    return bytes(data)


def media_seeds(folder: Path) -> dict[str, bytes]:
    """Small files of many kinds."""
    from PIL import Image
    from showfiles import BLUE, RED, plain, write_animation, write_video
    from soundfiles import sound, with_av

    folder.mkdir()
    small_NC = sound()[:6_000]
    for name, more in {
        "a.wav": {}, "b.flac": {}, "c.ogg": {}, "d.mp3": {}, "e.aiff": {}, "f.caf": {}, "g.w64": {}, "h.au": {},
        "i.wav": {"subtype": "FLOAT"}, "j.wav": {"subtype": "IMA_ADPCM"}, "k.rf64": {"format": "RF64"},
    }.items():  # fmt: skip
        with contextlib.suppress(soundfile.LibsndfileError, TypeError, ValueError):
            soundfile.write(folder / name, small_NC, 44_100, **more)
    with contextlib.suppress(Exception):
        with_av(folder / "l.m4a", "alac", "ipod", sample_format="s16p")
    for suffix in ("png", "jpg", "gif", "webp", "bmp", "tiff", "tga", "ico"):
        with contextlib.suppress(OSError, KeyError, ValueError):
            Image.fromarray(plain(RED)).save(folder / f"picture.{suffix}")
    write_animation(folder / "moving.gif", [plain(RED), plain(BLUE)], shown_ms=100)
    for suffix in ("mp4", "mkv", "avi"):
        with contextlib.suppress(Exception):
            write_video(folder / f"film.{suffix}", [plain(RED)] * 5)
    return {file.name: file.read_bytes() for file in sorted(folder.iterdir()) if file.stat().st_size}


def in_a_fork(work: Callable[[], None]) -> str:
    """What became of a piece of work in a process of its own: ``ended``, ``died SIGNAL`` or ``hung``."""
    child = os.fork()
    if child == 0:
        try:
            with open(os.devnull, "r+b") as nothing:
                os.dup2(nothing.fileno(), 1)
                os.dup2(nothing.fileno(), 2)
            resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
            work()
        except BaseException:
            os._exit(1)
        os._exit(0)
    end_s = time.monotonic() + LIMIT_S
    while time.monotonic() < end_s:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            killed = os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0
            return f"died {signal.Signals(killed).name}" if killed else f"ended {os.WEXITSTATUS(status)}"
        time.sleep(0.001)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return "hung"


def decode_here(path: Path, as_mix: bool) -> None:
    """Decode as the decoder's process does, with its limits."""
    from engine.confinement import confine_decoder
    from engine.media.decoder import DecodeSpec, decode, limit_ourselves
    from engine.media.limits import Unusable
    from engine.media.mix_decoder import write_mix

    wanted = DecodeSpec(
        kind=None, part_s=(0.0, None), length_s=None, size_px=16, ticks_hz=32.0, rate_hz=16_000, samples=1600,
        limit_s=LIMIT_S / 2,
    )  # fmt: skip
    with path.open("rb") as file, tempfile.TemporaryFile() as result:
        limit_ourselves(LIMIT_S / 2)
        confine_decoder()
        with contextlib.suppress(Unusable, Exception):
            write_mix(file, result) if as_mix else decode(file, wanted, result)


def decode_really(path: Path, folder: Path, as_mix: bool) -> str:
    """Decode through the product's own path; gives what came of it."""
    from engine.media.decoder import DecodeSpec
    from engine.media.intake import open_audio
    from engine.media.limits import DECODE_LIMIT_S
    from engine.media.reference import MediaExample
    from engine.media.sandbox import decode_apart

    wanted = DecodeSpec(
        kind=None, part_s=(0.0, None), length_s=None, size_px=16, ticks_hz=32.0, rate_hz=16_000, samples=1600,
        limit_s=DECODE_LIMIT_S,
    )  # fmt: skip
    try:
        if as_mix:
            with open_audio(str(path), folder, lambda done, stage: None, lambda: None):
                return "used"
        example = MediaExample(str(path))
        example.guess_kind()
        with decode_apart(example, wanted, folder, lambda: None):
            return "used"
    except EngineError as error:
        if isinstance(error, ExampleError) and "was given up" in str(error):
            return "given up in time"
        return "refused in one sentence" if "\n" not in str(error) else "refused in several lines"


def media(arguments: argparse.Namespace, folder: Path) -> dict[str, object]:
    """Decode mutated files."""
    import av  # noqa: F401
    from PIL import Image

    import engine.media.audio
    import engine.media.decoder
    import engine.media.image
    import engine.media.mix_decoder
    import engine.media.video  # noqa: F401

    Image.init()
    seeds, dice = media_seeds(folder / "seeds"), random.Random(arguments.seed)
    counts: Counter[str] = Counter()
    real: Counter[str] = Counter()
    slowest_s, end_s, tried = 0.0, time.monotonic() + arguments.seconds, 0
    for number in range(arguments.files):
        if time.monotonic() > end_s:
            break
        name = dice.choice(list(seeds))
        path = folder / f"file{Path(name).suffix}"
        path.write_bytes(mutated(seeds[name], list(seeds.values()), dice))
        as_mix, began_s = bool(number % 2), time.monotonic()
        if arguments.real and number % arguments.real == 0:
            real[decode_really(path, folder, as_mix)] += 1
        else:
            counts[in_a_fork(lambda path=path, as_mix=as_mix: decode_here(path, as_mix))] += 1
        slowest_s = max(slowest_s, time.monotonic() - began_s)
        path.unlink()
        tried += 1
    hangs = counts["hung"]
    died = sum(count for what, count in counts.items() if what.startswith("died"))
    odd = [what for what in real if what not in ("used", "refused in one sentence", "given up in time")]
    return {
        "files": tried, "kinds": len(seeds), "decoders_that_died": died, "hangs": hangs, "by_the_real_path": dict(real),
        "outcomes": dict(counts), "slowest_s": round(slowest_s, 2), "ok": not hangs and not odd and tried > 0,
    }  # fmt: skip


def open_bundle(folder: Path) -> None:
    """Open a bundle and run its text encoder, its codec and its step, with the limits of an engine's process."""
    from engine.bundle.bundle import load_bundle
    from engine.bundle.trust import check_bundle
    from engine.confinement import confine_host
    from engine.inference.model import open_model
    from engine.runtime.select import open_backend
    from engine.text.intent import Intent

    confine_host([])
    bundle = load_bundle(folder, check_hashes=False)
    check_bundle(bundle)
    model = open_model(bundle, open_backend("cpu"))
    model.text.embed([Intent.of("a violin and " + "a" * 500)])
    grid = model.grid
    model.codec.decode(np.zeros((1, grid.latent_channels, grid.window_frames), np.float32))


def bundles(arguments: argparse.Namespace, folder: Path) -> dict[str, object]:
    """Open mutated bundles; most have the right hashes, as whoever makes bundles can see to."""
    import onnxruntime  # noqa: F401

    from engine.bundle.bundle import file_sha256, load_bundle
    from engine.errors import BundleError

    good, dice = folder / "good", random.Random(arguments.seed)
    write_toy_bundle(good)
    files = {file.name: file.read_bytes() for file in good.iterdir()}
    counts: Counter[str] = Counter()
    if (outcome := in_a_fork(lambda: open_bundle(good))) != "ended 0":
        raise SystemExit(f"even the bundle that was not changed does not open: {outcome}")
    passed, end_s, tried = 0, time.monotonic() + arguments.seconds, 0
    for _ in range(arguments.files):
        if time.monotonic() > end_s:
            break
        bad = folder / "bad"
        shutil.copytree(good, bad)
        name = dice.choice([name for name in files if not name.endswith(".sha256")])
        (bad / name).write_bytes(mutated(files[name], list(files.values()), dice))
        if dice.random() < 0.8:
            (bad / "manifest.sha256").unlink(missing_ok=True)
            if name != "manifest.json":
                before, after = file_sha256(good / name), file_sha256(bad / name)
                (bad / "manifest.json").write_bytes(files["manifest.json"].replace(before.encode(), after.encode()))
        try:  # what every client does itself
            load_bundle(bad, check_hashes=False)
            passed += 1
        except BundleError:
            pass
        counts[in_a_fork(lambda bad=bad: open_bundle(bad))] += 1
        shutil.rmtree(bad)
        tried += 1
    return {
        "bundles": tried, "manifests_read": passed, "outcomes": dict(counts), "hangs": counts["hung"],
        "processes_that_died": sum(count for what, count in counts.items() if what.startswith("died")),
        "ok": not counts["hung"] and tried > 0,
    }  # fmt: skip


# A bridge that is killed.


class KilledBridge:
    """A bridge in a process of its own, with what survives it.

    Args:
        folder: holds everything.
    """

    def __init__(self, folder: Path) -> None:
        self.folder, self.inputs, self.out = folder, folder / "in", folder / "out"
        self.inputs.mkdir(parents=True)
        write_toy_bundle(folder / "bundles" / "toy")
        self.mix = write_music(folder / "mix.wav", seconds=0.25)
        self.command = [sys.executable, "-m", "engine", "bridge", "--port", "0", "--json", "--bundle", "toy"]
        self.command += ["--root", str(self.inputs), "--out", str(self.out), "--home", str(folder / "home")]
        self.process: subprocess.Popen[str] | None = None

    def start(self) -> None:
        """Start it, and wait until it listens."""
        self.process = subprocess.Popen(
            self.command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
            env=os.environ | {"FLUXSTEM_BUNDLES": str(self.folder / "bundles")},
        )  # fmt: skip
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            raise SystemExit("the bridge did not start")
        self.state = json.loads(line)

    def kill(self, host_too: bool) -> None:
        """End it at once, and its engine with it or not."""
        assert self.process is not None
        hosts = psutil.Process(self.process.pid).children(recursive=True) if host_too else []
        self.process.kill()
        for host in hosts:
            with contextlib.suppress(psutil.Error):
                host.kill()
        self.process.wait()
        assert self.process.stdout is not None
        self.process.stdout.close()

    @contextlib.contextmanager
    def client(self) -> Iterator[object]:
        """A client over TCP."""
        from engine.osc import BridgeClient

        with BridgeClient(port=self.state["tcp_port"], tcp=True, home=self.folder / "home") as client:
            yield client


def kills(arguments: argparse.Namespace, folder: Path) -> dict[str, object]:
    """Kill the bridge at random moments of a queue; then count what became of the jobs."""
    bridge, dice = KilledBridge(folder), random.Random(arguments.seed)
    accepted: set[str] = set()
    number = killed = 0
    end_s = time.monotonic() + arguments.seconds
    while killed < arguments.moments and time.monotonic() < end_s:
        bridge.start()
        with contextlib.suppress(EngineError, OSError), bridge.client() as client:
            for _ in range(dice.randrange(1, 5)):
                name = f"job{number}"
                number += 1
                shutil.copyfile(bridge.mix, bridge.inputs / f"{name}.wav")
                client.start("isolate", str(bridge.inputs / f"{name}.wav"), "bass", id=name)
                accepted.add(name)
        time.sleep(dice.uniform(0.0, 3.0))
        bridge.kill(host_too=dice.random() < 0.5)
        killed += 1
    bridge.start()
    ends: Counter[str] = Counter()
    with bridge.client() as client:
        for name in sorted(accepted):
            try:
                client.wait(name)
                ends["done"] += 1
            except EngineError as error:
                ends[f"{type(error).__name__}: {error}"] += 1
    bridge.process.send_signal(signal.SIGTERM)
    bridge.process.wait()
    return count_results(bridge, accepted, number) | {
        "kills": killed, "accepted": len(accepted), "ends": dict(ends),
    }  # fmt: skip


def count_results(bridge: KilledBridge, accepted: set[str], sent: int) -> dict[str, object]:
    """Compare the folder of results with what was accepted."""
    there = {file.name for file in bridge.out.iterdir()}
    wanted = {name: {f"{name} - bass.wav", f"{name} - bass rest.wav", f"{name} - bass.json"} for name in accepted}
    # A job whose ack was lost in the kill may have been done: it was not promised, and is no double.
    unpromised = {f"job{k}" for k in range(sent)} - accepted
    known = {file for files in wanted.values() for file in files}
    known |= {f"{name} - bass{end}" for name in unpromised for end in (".wav", " rest.wav", ".json")}
    mix_NC, _ = soundfile.read(bridge.mix, dtype="int32")
    half = []
    for name, files in wanted.items():
        with contextlib.suppress(OSError, soundfile.LibsndfileError):
            stem, rest = (
                soundfile.read(bridge.out / f"{name} - bass{end}.wav", dtype="int32")[0] for end in ("", " rest")
            )
            if not np.array_equal(stem + rest, mix_NC):
                half.append(name)
            continue
        half += [name] if files & there else []
    lost = [name for name, files in wanted.items() if not files <= there]
    return {
        "lost": len(lost), "doubled_or_orphaned": sorted(there - known), "half_files": half,
        "ok": not lost and not half and not there - known,
    }  # fmt: skip


# An engine that is killed and stopped.


def soak(arguments: argparse.Namespace, folder: Path) -> dict[str, object]:
    """Do many jobs, with a kill or a stop of the engine's process every so many; all are accounted for."""
    write_toy_bundle(folder / "toy")
    mix = write_music(folder / "mix.wav", seconds=0.25)
    ends: Counter[str] = Counter()
    strike: list[signal.Signals] = []

    def on_event(event: object) -> None:
        if strike and isinstance(event, Progress) and engine.host_pid is not None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(engine.host_pid, strike.pop())

    us, first = psutil.Process(), (0, 0)
    end_s, done = time.monotonic() + arguments.seconds, 0
    with Engine(on_event) as engine:
        for number in range(arguments.jobs):
            if time.monotonic() > end_s:
                break
            if number and number % arguments.every == 0:
                strike.append(signal.SIGKILL if number // arguments.every % 2 else signal.SIGSTOP)
            out = folder / "out"
            job = engine.submit(
                Request(
                    task="isolate",
                    prompts=("bass",),
                    input=str(mix),
                    out=str(out),
                    bundle=str(folder / "toy"),
                    name=f"{number}",
                )
            )
            try:
                engine.wait(job, 300)
                ends["done"] += 1
            except (HostError, Cancelled) as error:
                ends[type(error).__name__] += 1
            done += 1
            strike.clear()
            if number == arguments.every:
                first = us.memory_info().rss, us.num_fds()
            if number % 200 == 199:
                leftovers = [file.name for file in out.iterdir() if file.name.startswith(".")]
                ends["leftovers"] += len(leftovers)
                shutil.rmtree(out)
                out.mkdir()
        grown, handles = us.memory_info().rss - first[0], us.num_fds() - first[1]
        children = len(us.children())
    accounted = sum(count for what, count in ends.items() if what != "leftovers")
    return {
        "jobs": done, "ends": dict(ends), "memory_grown_mib": round(grown / MIB, 1), "handles_grown": handles,
        "engines_at_the_end": children,
        "ok": accounted == done and not ends["leftovers"] and grown < FLAT_BYTES and handles <= FLAT_HANDLES
        and children == 1,
    }  # fmt: skip


CHECKS = {"media": media, "bundles": bundles, "kills": kills, "soak": soak}

if __name__ == "__main__":
    raise SystemExit(main())
