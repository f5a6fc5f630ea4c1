"""Compare torch with ONNX Runtime on whole solved trajectories, at batches and inputs other than the traced ones.

One step may agree while eight drift apart, so the answer that counts is the audio after encode, every step and decode.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import torch

from engine.latents import SLOTS, Slot
from engine.tasks import known_mask
from export.graphs import Spec

TOLERANCE = {"fp32": 1e-3, "fp16": 2e-2, "int8": 5e-2}  # by how weights are stored
QUIET = 1e-3  # root mean square below which an answer counts as silence
Run = dict[str, Any]


class Disagreement(RuntimeError):
    """torch and ONNX Runtime gave different outputs."""


class TorchGraph:
    """A graph answered by its torch module."""

    def __init__(self, spec: Spec) -> None:
        self.spec = spec

    def __call__(self, **inputs: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        with torch.no_grad():
            answer: np.ndarray[Any, Any] = self.spec.module(
                **{k: torch.from_numpy(v) for k, v in inputs.items()}
            ).numpy()
        return answer


def session(path: Path) -> onnxruntime.InferenceSession:
    """A graph in ONNX Runtime on the processor."""
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


class OnnxGraph:
    """A graph answered by ONNX Runtime on the processor."""

    def __init__(self, path: Path) -> None:
        self.session = session(path)

    def __call__(self, **inputs: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        answer: np.ndarray[Any, Any] = self.session.run(None, inputs)[0]
        return answer


def sounds(samples: int, rate_hz: int) -> list[np.ndarray[Any, Any]]:
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


def pictures(step: Spec, rows: int) -> list[np.ndarray[Any, Any] | None]:
    """Pictures ``(B,F,P)`` to try: zeros, and one that begins and ends with zeros; None for a step that takes none."""
    if "picture" not in step.inputs:
        return [None]
    frames, features = (int(size) for size in step.inputs["picture"][1:])
    shown = np.random.default_rng(6).standard_normal((rows, frames, features), dtype=np.float32)
    shown[:, : frames // 8] = shown[:, frames - frames // 4 :] = 0
    return [np.zeros_like(shown), shown]


def solve(
    graphs: dict[str, Any],
    audio: np.ndarray[Any, Any],
    task: str,
    steps: int,
    prompt: np.ndarray[Any, Any],
    picture: np.ndarray[Any, Any] | None = None,
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


def check(specs: list[Spec], files: dict[str, Path], rate_hz: int, precision: str, steps: int) -> dict[str, float]:
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
    tolerance = TOLERANCE[precision]
    if not worst <= tolerance:
        raise Disagreement(
            f"torch and ONNX differ by {worst:.2e} (RMS, relative), allowed is {tolerance:.0e}; "
            "nothing was written; export with fp32 weights or look for an operator that changed its meaning"
        )
    return {"tolerance": tolerance, "measured": worst, "steps": float(steps)}


def tokens_of(text: Spec, rows: int) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Tokens (rows, T) and their mask to try a text graph with."""
    count = int(text.inputs["tokens"][1])
    rng = np.random.default_rng(rows)
    mask = np.arange(count)[None] < rng.integers(1, count + 1, size=(rows, 1))
    return np.where(mask, rng.integers(1, 50, size=(rows, count)), 0).astype(np.int64), mask


def difference(wanted: np.ndarray[Any, Any], got: np.ndarray[Any, Any]) -> float:
    """RMS of the difference against RMS of the answer; infinite when either is no number."""
    if not (np.isfinite(wanted).all() and np.isfinite(got).all()):
        return float("inf")
    return _rms(wanted - got) / max(QUIET, _rms(wanted))


def _rms(values: np.ndarray[Any, Any]) -> float:
    return float(np.sqrt(np.square(values, dtype=np.float64).mean()))
