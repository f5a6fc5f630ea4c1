"""Fixtures of the engine's tests: the toy bundle of ``tests/toybundle.py``, written once, and a pipeline over it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import soundfile

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # the helpers beside the test folders

Noise = Callable[..., Path]
Run = Callable[..., Any]


@pytest.fixture(scope="session")
def toy_bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle with perfect codec and known answers."""
    from toybundle import write_toy_bundle

    return write_toy_bundle(tmp_path_factory.mktemp("bundles") / "toy")


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """One engine process for the tests of a file.

    It may write below the folders of all tests: with the folder of one only, each job would get a process of its own.
    """
    from engine import Engine

    with Engine(writable=[tmp_path_factory.getbasetemp()]) as running:
        yield running


class CheckedPipeline:
    """A pipeline with what its caller owes it, as the engine process does: checks before, a folder around."""

    def __init__(self, pipeline: Any) -> None:
        self._pipeline = pipeline

    def run(self, request: Any, report: Callable[..., None], check: Callable[[], None]) -> Any:
        from engine.checks import check_values
        from engine.host.worker import output_folder

        check_values(request)
        with output_folder(Path(request.out)):
            return self._pipeline.run(request, report, check)


@pytest.fixture(scope="session")
def pipeline(toy_bundle: Path) -> CheckedPipeline:
    """One pipeline for all tests, so that graphs are opened once; bundles are given by path."""
    from engine.pipeline import Pipeline

    return CheckedPipeline(Pipeline(lambda name: toy_bundle if name == "toy" else Path(name)))


@pytest.fixture
def run(pipeline: Any, tmp_path: Path) -> Run:
    """``run(task=..., prompts=..., ...)`` on the toy bundle, results in ``tmp_path / "out"``; gives the outcome."""
    from engine.request import Request

    def do(**asked: Any) -> Any:
        values = {"task": "isolate", "prompts": ("violin",), "out": str(tmp_path / "out"), "bundle": "toy"} | asked
        if isinstance(values.get("input"), Path):
            values["input"] = str(values["input"])
        return pipeline.run(Request(**values), lambda fraction, stage: None, lambda: None)

    return do


@pytest.fixture
def noise(tmp_path: Path) -> Noise:
    """``noise("a.wav", rate_hz=..., channels=..., seconds=..., subtype=..., level=...)`` writes music-like noise."""

    def write(
        name: str = "mix.wav",
        rate_hz: int = 44_100,
        channels: int = 2,
        seconds: float = 0.7,
        subtype: str | None = None,
        level: float = 0.1,
        seed: int = 0,
    ) -> Path:
        path = tmp_path / name
        audio_NC = level * coloured(round(seconds * rate_hz), channels, seed)
        soundfile.write(path, audio_NC, rate_hz, subtype=subtype)
        return path

    return write


def coloured(samples: int, channels: int, seed: int = 0) -> npt.NDArray[np.float64]:
    """Noise of RMS 1 that is stronger at low frequencies, (samples, channels)."""
    spectrum = np.fft.rfft(np.random.default_rng(seed).standard_normal((samples, channels)), axis=0)
    spectrum /= np.sqrt(1 + np.arange(len(spectrum)) / (0.02 * len(spectrum)))[:, None]
    audio_NC = np.fft.irfft(spectrum, n=samples, axis=0)
    return audio_NC / max(float(audio_NC.std()), 1e-9)
