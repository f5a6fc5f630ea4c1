"""Compare torch with ONNX Runtime on whole solved trajectories, at batches and inputs other than the traced ones.

One step may agree while eight drift apart, so the answer that counts is the audio after encode, every step and decode.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import soundfile
import soxr
import torch
from torch import nn

from engine.latents import SLOTS, Slot
from engine.tasks import known_mask
from export.cpu_session import session
from export.graphs import ExportSpec

TOLERANCE = {"fp32": 1e-3, "fp16": 2e-2, "int8": 5e-2}  # by how weights are stored
QUIET = 1e-3  # root mean square below which an answer counts as silence
DEMO = Path(__file__).resolve().parents[1] / "resources" / "demo" / "mix.flac"
Run = dict[str, Any]
AnyArray = np.ndarray[Any, Any]


class Disagreement(RuntimeError):
    """torch and ONNX Runtime gave different outputs."""


class TorchGraph:
    """A graph answered by its torch module."""

    def __init__(self, spec: ExportSpec) -> None:
        self.spec = spec

    def __call__(self, **inputs: AnyArray) -> AnyArray:
        return torch_outputs(self.spec.module, inputs)[0]


def torch_outputs(module: nn.Module, inputs: dict[str, AnyArray]) -> list[AnyArray]:
    """Every output of a module, given NumPy arrays by the names of its arguments."""
    with torch.inference_mode():
        answer = module(**{name: torch.from_numpy(value) for name, value in inputs.items()})
    return [value.numpy() for value in (answer if isinstance(answer, tuple) else (answer,))]


class OnnxGraph:
    """A graph answered by ONNX Runtime on the processor."""

    def __init__(self, path: Path) -> None:
        self.session = session(path)

    def __call__(self, **inputs: AnyArray) -> AnyArray:
        answer: AnyArray = self.session.run(None, inputs)[0]
        return answer


def sounds(samples: int, rate_hz: int) -> list[AnyArray]:
    """Inputs ``(B, 1, N)`` the graphs were not traced with: noise, silence, a chord with clicks; batches of 1 and 3."""
    rng = np.random.default_rng(9)
    time_s = np.arange(samples) / rate_hz
    chord = sum(np.sin(2 * np.pi * f * time_s) for f in (110.0, 277.2, 659.3)) * 0.08 * np.exp(-time_s)
    chord[:: rate_hz // 2] += 0.5
    # A floor of -70 dBFS, as recordings have: in a bin without any sound the phase is rounding error, and a codec that
    # looks at phase makes two right answers out of it.
    chord += rng.normal(0, 3e-4, samples)
    noise = rng.normal(0, 0.1, samples)
    rows = np.stack([noise, np.zeros(samples), chord]).astype(np.float32)[:, None]
    return [rows[2:], rows]


def demo_mix(rate_hz: int) -> AnyArray:
    """The mix of the demo, float32 (2, N): weights in few bits must be judged on music."""
    audio_NC, own_hz = soundfile.read(str(DEMO), dtype="float32", always_2d=True)
    audio = np.asarray(soxr.resample(audio_NC, own_hz, rate_hz), np.float32).T
    return np.resize(audio, (2, audio.shape[1]))


def at_level(audio: AnyArray, level_db: float) -> AnyArray:
    """Audio scaled to an RMS level in dB, silence left alone."""
    return np.asarray(audio * np.float32(10 ** (level_db / 20) / max(1e-6, _rms(audio))))


def pictures(step: ExportSpec, rows: int) -> list[AnyArray | None]:
    """Pictures ``(B,F,P)`` to try: zeros, and one that begins and ends with zeros; None for a step that takes none."""
    if "picture" not in step.inputs:
        return [None]
    frames, features = (int(size) for size in step.inputs["picture"][1:])
    shown = np.random.default_rng(6).standard_normal((rows, frames, features), dtype=np.float32)
    shown[:, : frames // 8] = shown[:, frames - frames // 4 :] = 0
    return [np.zeros_like(shown), shown]


def solve(
    graphs: dict[str, Any],
    audio: AnyArray,
    task: str,
    steps: int,
    prompt: AnyArray,
    picture: AnyArray | None = None,
) -> Run:
    """Encode, walk every step, decode; returns latents and audio. ``picture`` is None where the step takes none."""
    latents = graphs["encode"](audio=audio)
    batch, channels, frames = latents.shape
    span = (frames // 3, frames) if task in ("inpaint", "extend") else None
    known = np.broadcast_to(known_mask(task, frames, span), (batch, SLOTS, frames)).copy()
    noise = np.random.default_rng(3).standard_normal((batch, SLOTS, channels, frames), dtype=np.float32)
    x = np.where(known[:, :, None], latents[:, None], noise).astype(np.float32)
    for step in range(steps):
        t = np.where(known, 1.0, step / steps).astype(np.float32)
        dt = np.full(batch, 1 / steps, dtype=np.float32)
        seen = {} if picture is None else {"picture": picture}
        x = graphs["step"](x=x, t=t, known=known, prompt=prompt, dt=dt, **seen)
    return {"latents": x, "audio": graphs["decode"](latents=np.ascontiguousarray(x[:, Slot.STEM]))}


def check(
    specs: list[ExportSpec], files: dict[str, Path], rate_hz: int, precision: str, steps: int
) -> dict[str, float]:
    """Compare every graph and whole trajectories.

    Returns:
        ``tolerance`` and ``measured``: RMS of the difference against RMS of the answer, worst of all trials.

    Raises:
        Disagreement: it is over the tolerance.
    """
    by_torch = {spec.name: TorchGraph(spec) for spec in specs}
    by_onnx = {name: OnnxGraph(path) for name, path in files.items()}
    text = next(spec for spec in specs if spec.name == "text")
    worst = 0.0
    for rows in (1, 3):
        tokens, mask = tokens_of(text, rows)
        wanted, got = (graphs["text"](tokens=tokens, token_mask=mask) for graphs in (by_torch, by_onnx))
        worst = max(worst, difference(wanted, got))
    step = next(spec for spec in specs if spec.name == "step")
    samples = int(next(s for s in specs if s.name == "encode").inputs["audio"][2])
    embedding = int(text.outputs["embedding"][1])
    for audio in sounds(samples, rate_hz):
        prompt = np.zeros((len(audio), SLOTS, embedding), dtype=np.float32)
        prompt[:, Slot.STEM] = np.random.default_rng(4).standard_normal(embedding)
        for task, count in (("isolate", 1), ("isolate", 4), ("regenerate", steps), ("extend", steps)):
            for picture in pictures(step, len(audio)):
                runs = [solve(graphs, audio, task, count, prompt, picture) for graphs in (by_torch, by_onnx)]
                worst = max(worst, *(difference(runs[0][key], runs[1][key]) for key in runs[0]))
    advice = "; export with fp32 weights or look for an operator that changed its meaning"
    tolerance = check_tolerance(worst, precision, advice=advice)
    return {"tolerance": tolerance, "measured": worst, "steps": float(steps)}


def check_tolerance(
    worst: float, precision: str, where: str = "(RMS, relative)", what: str = "torch and ONNX", advice: str = ""
) -> float:
    """The largest difference that is allowed for weights stored in a precision.

    Raises:
        Disagreement: ``worst`` is over it, or no number.
    """
    tolerance = TOLERANCE[precision]
    if not worst <= tolerance:
        raise Disagreement(
            f"{what} differ by {worst:.2e} {where}, allowed is {tolerance:.0e}; nothing was written{advice}"
        )
    return tolerance


def tokens_of(text: ExportSpec, rows: int) -> tuple[AnyArray, AnyArray]:
    """Tokens (rows, T) and their mask to try a text graph with."""
    count = int(text.inputs["tokens"][1])
    rng = np.random.default_rng(rows)
    mask = np.arange(count)[None] < rng.integers(1, count + 1, size=(rows, 1))
    return np.where(mask, rng.integers(1, 50, size=(rows, count)), 0).astype(np.int64), mask


def difference(wanted: AnyArray, got: AnyArray) -> float:
    """RMS of the difference against RMS of the answer; infinite when either is no number."""
    if not (np.isfinite(wanted).all() and np.isfinite(got).all()):
        return float("inf")
    return _rms(wanted - got) / max(QUIET, _rms(wanted))


def _rms(values: AnyArray) -> float:
    return float(np.sqrt(np.square(values, dtype=np.float64).mean()))
