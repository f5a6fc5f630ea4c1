"""Examples and a run of the bench made of tones, for tests that need no recording and no model."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from training.eval import report
from training.eval.baselines import FunctionBaseline
from training.eval.embeddings import Vectors
from training.eval.example import EvalExample, digest
from training.eval.run import BenchResults, ProgressPrinter, about

SEPARATOR = """
import json, pathlib, sys
import soundfile as sf
folder = pathlib.Path(sys.argv[1])
for job in json.loads((folder / "jobs.json").read_text()):
    {check}
    audio_NC, rate_hz = sf.read(folder / job["mix"], dtype="float32")
    assert rate_hz == job["rate_hz"]
    sf.write(folder / job["stem"], audio_NC {change}, rate_hz, subtype="FLOAT")
"""
RATE_HZ = 8000
SECONDS = 1.2
SYSTEMS = (
    FunctionBaseline(
        "toy", "bundle", "the true stem with a little of the rest", lambda e: e.stem_CN + np.float32(0.1) * e.rest
    ),
    FunctionBaseline("mixture", "bound", "the mix", lambda e: e.mix_CN),
    FunctionBaseline("silence", "bound", "nothing", lambda e: np.zeros_like(e.mix_CN)),
    FunctionBaseline("half", "blind", "half the mix", lambda e: e.mix_CN * np.float32(0.5)),
)


def example(number: int, name: str = "band", present: bool = True, seconds: float = SECONDS) -> EvalExample:
    """A low tone (piano) and a high one (cello); the piano is asked for, or a flute that is not there."""
    rng = np.random.default_rng([number, len(name)])
    time_N = np.arange(round(RATE_HZ * seconds)) / RATE_HZ
    low, high = (np.sin(2 * np.pi * hz * (1 + 0.02 * number) * time_N) for hz in (300, 1700))
    noise_SCN = 0.02 * rng.standard_normal((2, 2, len(time_N)))
    stem_CN, rest_CN = ((0.3 * (x + n_CN)).astype(np.float32) for x, n_CN in zip((low, high), noise_SCN, strict=True))
    return EvalExample(
        set=name, number=number, rate_hz=RATE_HZ, family="piano" if present else "flute",
        prompt="the piano" if present else "a flute", inside=("piano", "cello"), sources=("bank:bright-piano",),
        mix_CN=stem_CN + rest_CN, stem_CN=stem_CN if present else np.zeros_like(stem_CN),
    )  # fmt: skip


class ToyEars:
    """Sixteen bands of the spectrum as an embedding; words are a fixed vector each."""

    name, rate_hz = "toy ears", RATE_HZ

    def audio(self, clips: Sequence[np.ndarray]) -> Vectors:
        bands = [[part.mean() for part in np.array_split(np.abs(np.fft.rfft(clip)) + 1e-6, 16)] for clip in clips]
        return np.array(bands) / np.linalg.norm(bands, axis=1, keepdims=True)

    def words(self, phrases: Sequence[str]) -> Vectors:
        rows = np.stack([np.random.default_rng(list(phrase.encode())).standard_normal(16) for phrase in phrases])
        return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def a_run(count: int = 3, sets: Sequence[str] = ("band", "absent")) -> tuple[dict[str, Any], BenchResults]:
    """A run over toy systems, as the report takes it, and the bench that made it."""
    bench = BenchResults([ToyEars()], keep=2)
    made = {name: [example(k, name, name != "absent") for k in range(count)] for name in sets}
    progress = ProgressPrinter(count * len(sets) * len(SYSTEMS), lambda text: None)
    for name, examples in made.items():
        bench.ask(name, examples, SYSTEMS, progress)
    run = {
        "format": report.FORMAT,
        "sets": {name: report.set_facts(examples, digest(examples)) for name, examples in made.items()},
        "bundles": {"toy": {"name": "toy", "version": "1.0.0", "fingerprint": "f"}},
        "systems": about(SYSTEMS),
        "sweeps": {},
        "values": bench.values,
        "collections": [],
        "studies": {},
        "mir_eval": {},
        "notes": [],
    }
    return run, bench
