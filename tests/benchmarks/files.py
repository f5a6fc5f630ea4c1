"""Time and memory of opening each kind of file as the mix, and of reading it through.

    python tests/benchmarks/files.py                 # ten minutes of sound of each kind
    python tests/benchmarks/files.py --minutes 60

Prints a row for each kind: until its length is known, until it is read, most memory of the process, and of its decoder
where it has one. The last row is five gigabytes of RF64 of which four seconds are read; its identity is counted as
opening. Each kind has a process of its own.
"""

from __future__ import annotations

import argparse
import concurrent.futures
import multiprocessing
import os
import resource
import struct
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from soundfiles import RATE_HZ, ape, followed_by, half, with_av, with_libsndfile  # noqa: E402

HUGE_BYTES = 5 << 30
REGION = (1000 * RATE_HZ, 1004 * RATE_HZ)
Row = tuple[float, float, float, float, float]  # length s, open s, read s, memory MiB, memory of the decoder MiB


def wrong_count(whole: bytes) -> bytes:
    """An MP3 that says it is seven hours long."""
    at = whole.index(b"Info") + 8
    return whole[:at] + struct.pack(">I", 1_000_000) + whole[at + 4 :]


def unknown_length(whole: bytes) -> bytes:
    """A FLAC that does not say how long it is."""
    at = whole.index(b"fLaC") + 21
    return whole[:at] + bytes([whole[at] & 0xF0]) + bytes(4) + whole[at + 5 :]


def huge(whole: bytes) -> bytes:
    """The header of an RF64 file of five gigabytes."""
    at = whole.index(b"data") + 8
    sizes = struct.pack("<QQQ", HUGE_BYTES + at - 8, HUGE_BYTES, HUGE_BYTES // 4)
    return whole[:20] + sizes + whole[44:at]


KINDS: dict[str, tuple[Callable[..., bytes], tuple[object, ...], Callable[[bytes], bytes]]] = {
    "wav": (with_libsndfile, ("WAV", "PCM_16"), bytes),
    "wav, 200 MB of zeros behind": (with_libsndfile, ("WAV", "PCM_16"), bytes),
    "flac": (with_libsndfile, ("FLAC", "PCM_16"), bytes),
    "flac of unknown length": (with_libsndfile, ("FLAC", "PCM_16"), unknown_length),
    "ogg": (with_libsndfile, ("OGG", "VORBIS"), bytes),
    "mp3": (with_av, ("libmp3lame", "mp3", "fltp"), bytes),
    "mp3 that says seven hours": (with_av, ("libmp3lame", "mp3", "fltp"), wrong_count),
    "mp3, APE tag behind": (with_av, ("libmp3lame", "mp3", "fltp"), followed_by(ape())),
    "mp3, half": (with_av, ("libmp3lame", "mp3", "fltp"), half),
    "m4a AAC": (with_av, ("aac", "ipod", "fltp"), bytes),
    "m4a ALAC": (with_av, ("alac", "ipod", "s16p"), bytes),
    "mka Opus": (with_av, ("libopus", "matroska", "flt"), bytes),
    "wavpack": (with_av, ("wavpack", "wv", "s16p"), bytes),
    "wma": (with_av, ("wmav2", "asf", "fltp"), bytes),
    "rf64 of 5 GB, 4 s of it": (with_libsndfile, ("RF64", "PCM_16"), huge),
}


def main() -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=10.0, help="of sound in each file")
    minutes = parser.parse_args().minutes
    print(f"{'kind':<30}{'file MiB':>9}{'sound s':>9}{'open s':>8}{'read s':>8}{'MiB':>6}{'decoder MiB':>13}")
    start = multiprocessing.get_context("spawn")
    with tempfile.TemporaryDirectory(prefix="fluxstem-files-") as folder:
        for kind in KINDS:
            path = write(kind, Path(folder), round(minutes * 60 * RATE_HZ))
            with concurrent.futures.ProcessPoolExecutor(1, mp_context=start) as pool:
                length_s, open_s, read_s, own, child = pool.submit(measured, path, "5 GB" in kind).result()
            size = path.stat().st_size / (1 << 20)
            print(
                f"{kind:<30}{size:>9.1f}{length_s:>9.1f}{open_s:>8.2f}{read_s:>8.2f}{own:>6.0f}{child:>13.0f}",
                flush=True,
            )
            path.unlink()
    return 0


def write(kind: str, folder: Path, samples: int) -> Path:
    """A file of a kind."""
    make, (first, second, *more), change = KINDS[kind]
    path = folder / "file.bin"
    samples = 1000 if "5 GB" in kind else samples
    if make is with_av:
        rate_hz = 48_000 if first == "libopus" else RATE_HZ
        whole = with_av(path, first, second, sample_format=more[0], samples=samples, rate_hz=rate_hz)
    else:
        whole = with_libsndfile(path, first, second, samples=samples)
    changed = change(whole)
    path.write_bytes(changed)
    if "zeros" in kind:
        os.truncate(path, len(changed) + (200 << 20))
    if "5 GB" in kind:
        os.truncate(path, len(changed) + HUGE_BYTES)
    return path


def measured(path: Path, is_huge: bool) -> Row:
    """Open a file and read it through."""
    from engine.audio.reader import blocks
    from engine.file_hash import content_sha256, sampled_sha256
    from engine.media.intake import open_audio

    before = memory()
    started_s = time.perf_counter()
    with open_audio(str(path), path.parent, lambda done, stage: None, lambda: None) as info:
        if is_huge:
            assert content_sha256(path) is None
            assert sampled_sha256(path)
        open_s = time.perf_counter() - started_s
        started_s = time.perf_counter()
        for _ in blocks(info, *REGION) if is_huge else blocks(info):
            pass
        read_s = time.perf_counter() - started_s
        used = memory() - before
    decoder = 0.0 if info.decoded is None else resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    return info.seconds, open_s, read_s, used, decoder


def memory() -> float:
    """Most memory of this process so far, MiB; Linux."""
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) / 1024


if __name__ == "__main__":
    sys.exit(main())
