"""Any separator as a system: a command that is given a folder of jobs and leaves a stem for each.

    COMMAND ... FOLDER

``FOLDER/jobs.json`` is a list of ``{"mix": file, "stem": file, "prompt": words, "family": name, "rate_hz": int}``. The
command reads every mix (WAV), writes every stem as WAV beside it, at the same rate and length, with the mix's channels
or one, and ends with 0. It runs once for each set, so it loads its weights once for all jobs. What it is written in,
and where it is installed, is its own business.
"""

from __future__ import annotations

import json
import shlex
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile as sf

from training.eval.example import EvalExample, StemEstimate
from training.typing import Audio

JOBS = "jobs.json"
LAST_WORDS = 300  # characters of a failed command's complaint that are shown


@dataclass(frozen=True, slots=True)
class CommandSeparator:
    """A separator behind a command."""

    name: str
    command: tuple[str, ...]
    kind: str = "adapter"
    doc: str = "a separator given on the command line"

    def separate(self, examples: Sequence[EvalExample]) -> Iterator[StemEstimate]:
        """Answers in order.

        Raises:
            ValueError: the command failed, or left out or misshaped a stem.
        """
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            write_jobs(folder, examples)
            began = time.perf_counter()
            self._run(folder)
            each_s = (time.perf_counter() - began) / max(1, len(examples))
            for k, example in enumerate(examples):
                yield StemEstimate(self._read(folder / f"stem-{k:04d}.wav", example), {"seconds": each_s})

    def _run(self, folder: Path) -> None:
        try:
            done = subprocess.run([*self.command, str(folder)], capture_output=True, text=True, check=False)
        except OSError as error:
            raise ValueError(f"separator {self.name}: {self.command[0]} cannot be started: {error.strerror}") from error
        if done.returncode:
            raise ValueError(
                f"separator {self.name} ended with {done.returncode}: {done.stderr.strip()[-LAST_WORDS:] or 'no word'}"
            )

    def _read(self, path: Path, example: EvalExample) -> Audio:
        if not path.is_file():
            raise ValueError(f"separator {self.name} left no {path.name}; it must write the stem of every job")
        audio_NC, rate_hz = sf.read(path, dtype="float32", always_2d=True)
        channels, samples = example.mix_CN.shape
        if rate_hz != example.rate_hz or len(audio_NC) != samples or audio_NC.shape[1] not in (1, channels):
            raise ValueError(
                f"separator {self.name} gave {len(audio_NC)} samples in {audio_NC.shape[1]} channels at {rate_hz} Hz; "
                f"the mix has {samples} in {channels} at {example.rate_hz}, and the stem must too (or one channel)"
            )
        stem_CN: Audio = np.broadcast_to(audio_NC.T, example.mix_CN.shape).copy()
        return stem_CN


def write_jobs(folder: Path, examples: Sequence[EvalExample]) -> None:
    """Write the mixes and the list of jobs."""
    jobs = []
    for k, example in enumerate(examples):
        sf.write(folder / f"mix-{k:04d}.wav", example.mix_CN.T, example.rate_hz, subtype="FLOAT")
        jobs.append(
            {
                "mix": f"mix-{k:04d}.wav",
                "stem": f"stem-{k:04d}.wav",
                "prompt": example.prompt,
                "family": example.family,
                "rate_hz": example.rate_hz,
            }
        )
    (folder / JOBS).write_text(json.dumps(jobs, indent=1), "utf-8")


def parse_separator(text: str) -> CommandSeparator:
    """An adapter from ``NAME=COMMAND`` on the command line.

    Raises:
        ValueError: not of that form.
    """
    name, mark, command = text.partition("=")
    parts = tuple(shlex.split(command))
    if not mark or not name.strip() or not parts:
        raise ValueError(f"--separator takes NAME=COMMAND, for example mine='python mine.py', got {text!r}")
    return CommandSeparator(name.strip(), parts)
