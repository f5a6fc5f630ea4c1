"""What the engine says of a job: accepted, how far it is, done, failed or cancelled. Frozen values, nothing else.

Audio travels as a path, never inside a message.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from engine.request import Request

Report = Callable[[float, str], None]  # takes how far a job is, 0 to 1, and the stage in plain words
Check = Callable[[], None]  # raises Cancelled once the caller asked to stop
BIT_FOR_BIT_DB = -300.0  # a null figure that means equal, not merely close; also the level of silence


@dataclass(frozen=True, slots=True, kw_only=True)
class StemResult:
    """What one prompt gave.

    Attributes:
        prompt: the prompt as asked.
        stem: path of the stem, None when the task has none to give.
        rest: path of the rest, None when the task has none to give.
        sidecar: path of the JSON that re-runs it.
        null_db: level of (stem + rest - input) against the input; ``BIT_FOR_BIT_DB`` means equal; None without a rest,
            and where the files are lossy.
        presence: 0 (not there) to 1 (there), estimated.
        gain_db: common gain of stem and rest, 0 unless a clip guard was needed; replace lowers the new stem alone.
        level_db: level of the stem against the mix, dB.
        start_samples: where the files begin in the input, in samples of the input; 0 but for a region.
        length_samples: length of the files, samples per channel.
        rate_hz: of the files; that of the input where there is one.
        mix: path of the sum of everything, for tasks that make one (replace, arrange).
        candidate: which of the candidates; its seed is the request's plus this. Results come best first.
        similarity: how well the made sound fits the prompt, -1 to 1; None where the bundle cannot hear that.
        presence_windows: ``(start_s, end_s, presence)`` in seconds of the input, window by window of what was taken out
            or made; of replace region by region, of the old sound. None for a restyle that changes nothing.
        task: what was done; the wording of a prompt may ask for another task than the request does.
        lossless: True where the files hold every sample as it was made; only then stem + rest is the input.
        file_format: of the files, in words: ``WAV 24 bit``, ``MP3 256 kbit/s``.
        notes: what the user should know of the files that went in, in sentences: one that is cut, for example.
        understood: what the prompt was understood as, ``vocals (Gesang)``; "" where nothing was looked up.
        made_by: what made new sound: ``flow``, the model, or ``sampled``, recorded instruments; "" where none was made.
        instrument: the recorded instrument that plays; "" for none.
        midi: path of a MIDI file of the notes that it plays; None where they are not known.
        fit: 0 to 1, how well a new part goes with the rest; None where that was not measured.
    """

    prompt: str
    stem: str | None
    rest: str | None
    sidecar: str
    null_db: float | None
    presence: float
    gain_db: float
    level_db: float | None
    start_samples: int = 0
    length_samples: int = 0
    rate_hz: int = 0
    mix: str | None = None
    candidate: int = 0
    similarity: float | None = None
    presence_windows: tuple[tuple[float, float, float], ...] = ()
    task: str = ""
    lossless: bool = True
    file_format: str = ""
    understood: str = ""
    notes: tuple[str, ...] = ()
    made_by: str = ""
    instrument: str = ""
    midi: str | None = None
    fit: float | None = None


@dataclass(frozen=True, slots=True)
class Accepted:
    """The job is in the queue.

    Attributes:
        request: what is done; its values are checked, its paths absolute.
    """

    job: str
    request: Request


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a job is.

    Attributes:
        fraction: 0 to 1.
        stage: plain words, for example ``encode`` or ``building the TensorRT engine, first time only``.
    """

    job: str
    fraction: float
    stage: str


@dataclass(frozen=True, slots=True)
class Done:
    """The job is finished and its files are in place.

    Attributes:
        seconds: wall time of the job.
        device: the provider that really ran, for example ``CPUExecutionProvider``.
        bundle: name and version of the bundle.
        timings: seconds by stage (prompt, read, encode, step, decode, separate, mask, write).
    """

    job: str
    results: tuple[StemResult, ...]
    seconds: float
    device: str
    bundle: str
    timings: dict[str, float] = field(default_factory=dict)

    def lies_in(self, folder: Path) -> bool:
        """True when all files lie in a folder; a hijacked process could name others, to have them read or removed."""
        files = [
            file
            for result in self.results
            for file in (result.stem, result.rest, result.mix, result.midi, result.sidecar)
            if file
        ]
        return all(Path(file).parent == folder for file in files)


@dataclass(frozen=True, slots=True)
class Failed:
    """The job failed; nothing of it was left behind.

    Attributes:
        kind: name of the error class in ``engine.errors``.
        message: one sentence for the user.
        template, values: of that error, for a window that speaks another language.
    """

    job: str
    kind: str
    message: str
    template: str = ""
    values: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class CancelledJob:
    """The job was stopped because the caller asked for it; nothing of it was left behind."""

    job: str


Event = Accepted | Progress | Done | Failed | CancelledJob
