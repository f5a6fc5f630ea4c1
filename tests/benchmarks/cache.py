"""What the second prompt for a song costs with and without ``--cache``: one engine, one song, the same two prompts.

    python tests/benchmarks/cache.py --seconds 240

Each case is run in a new engine whose graphs are open already; the song is the demo's mix, repeated.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import numpy as np
import soundfile

from engine import Done, Engine, Request

ROOT = Path(__file__).resolve().parents[2]
FIRST, SECOND = "drums", "bass"


def make_song(seconds: float, path: Path) -> None:
    """Repeat the demo's mix to ``seconds`` and write it as 16-bit WAV."""
    audio_NC, rate_hz = soundfile.read(ROOT / "resources" / "demo" / "mix.flac", dtype="float32", always_2d=True)
    samples = round(seconds * rate_hz)
    repeats = -(-samples // len(audio_NC))
    soundfile.write(path, np.tile(audio_NC, (repeats, 1))[:samples], rate_hz, subtype="PCM_16")


def ask(engine: Engine, song: Path, bundle: str, prompt: str, cache: str) -> Done:
    """Isolate one prompt."""
    out = song.parent / "stems"
    values = {"input": str(song), "out": str(out), "bundle": bundle, "device": "cpu", "cache": cache}
    return engine.wait(engine.submit(Request(task="isolate", prompts=(prompt,), **values)))


def main() -> None:
    """Measure and print a line for each case."""
    parser = argparse.ArgumentParser(description="the second prompt for a song, with and without a cache")
    parser.add_argument("--seconds", type=float, default=240.0, help="length of the song")
    parser.add_argument("--bundle", default="small")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        song, short, cache = (Path(folder) / name for name in ("song.wav", "short.wav", "cache"))
        make_song(arguments.seconds, song)
        make_song(2.0, short)
        for name, kept in (("without a cache", ""), ("with a cache", str(cache))):
            with Engine() as engine:
                ask(engine, short, arguments.bundle, FIRST, "")
                for number, prompt in (("first", FIRST), ("second", SECOND), ("second again", SECOND)):
                    done = ask(engine, song, arguments.bundle, prompt, kept)
                    print(f"{name}, {number} prompt: {done.seconds:.1f} s, masks {done.timings['separate']:.1f} s")
        held = sum(path.stat().st_size for path in cache.iterdir())
        print(f"the cache holds {held / 1e6:.0f} MB of {arguments.seconds:g} s")


if __name__ == "__main__":
    main()
