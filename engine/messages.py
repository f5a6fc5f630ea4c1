"""What crosses the border between a client and the engine process: frozen values, nothing else.

Audio travels as a path, never inside a message.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields, is_dataclass
from typing import Any, Literal

Render = Literal["masked", "flow", "decoded"]
Device = Literal["auto", "cpu", "cuda", "tensorrt"]
Start = Literal["zeros", "noise"]
Format = Literal["same", "wav16", "wav24", "wav32f", "flac"]

CONDITIONS = ("prompt", "mix-prompt", "rest-prompt", "picture")  # what can be said besides the audio that is given

STEPS_LIMIT = 1000
GUIDANCE_LIMIT = 20.0
TEMPERATURE_LIMIT = 2.0

BIT_FOR_BIT_DB = -300.0  # a null figure that means equal, not merely close; also the level of silence


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One thing to do. Everything that decides the samples of the result is in here.

    Attributes:
        task: a row of ``engine.TASKS``.
        prompts: what to look for, one stem each; several share one encoding of the input. May be empty when there are
            ``examples``.
        input: path of the mix (isolate, remove, replace), the rest (regenerate) or the stem (inpaint, extend,
            restyle); None to generate or arrange. With a ``slot``, STEM and that slot change places here.
        rest: path of a rest that goes with the stem, for tasks whose row allows it; of a stem that goes with the rest
            where ``slot`` is rest.
        out: folder the results go to; made when missing.
        region_s: ``(start, end)`` in seconds, the part to work on; None means all of it.
        regions_s: several parts in one call, in order and apart; instead of ``region_s``.
        seconds: length to make: of the clip (generate) or of what is added (extend); None means the task's default.
        bundle: name of an installed bundle or path of a bundle folder.
        device: where to run; ``auto`` takes the fastest that really works.
        render: ``masked`` filters the user's own mix by the bundle's mask decoder, ``flow`` filters it by what the flow
            hears in it, ``decoded`` gives the flow's own audio. A bundle without a mask decoder answers ``masked`` as
            ``flow``.
        steps, guidance, start: of the flow; None means the bundle's default for the task.
        seed: the same seed gives the same samples on the same device.
        format: ``same`` keeps the input's bit depth (24-bit WAV where the input has none).
        batch_windows: windows per run of a graph; None means chosen from the device.
        examples: paths of picture, video or sound files; with each prompt they say what to look for.
        example_weight: 0 listens to the words only, 1 to the examples only, where both are given.
        mix_prompt, rest_prompt: words for the whole and for what goes with what is made.
        strength: restyle, replace: 0 keeps the stem, 1 makes it new; None means the bundle's default for the task.
        replacement: replace: what to put in the place of the prompt.
        candidates: answers to make per prompt, from ``seed``, ``seed + 1`` and so on; all are kept, best first.
        guide: the conditions that ``guidance`` pushes towards, of ``CONDITIONS``; none named means all of them.
        keep_order: arrange: True makes the stems in the order of the prompts, not drums, bass, harmony, lead.
        slot: regenerate, generate, inpaint, extend: what to make, ``mix``, ``stem`` or ``rest``; prompts and examples
            are about that. "" means what the task's row says, the stem.
        temperature: how loud the noise is that sound is made from: 1 as in training, less is safer, and seeds differ
            less; None means the bundle's default for the task.
        sensitivity: isolate, remove: how much goes to the stem where the mask is in doubt, 0 (a clean stem) to 1 (a
            full one); 0.5 leaves the mask as it is.
        expert: isolate, remove: name of the bundle's expert that answers, ``none`` for the mask decoder; "" means the
            expert whose term is nearest to the prompt, the mask decoder where there is none.
    """

    task: str
    prompts: tuple[str, ...]
    input: str | None = None
    rest: str | None = None
    out: str = "."
    region_s: tuple[float, float] | None = None
    seconds: float | None = None
    bundle: str = "small"
    device: Device = "auto"
    render: Render = "masked"
    steps: int | None = None
    guidance: float | None = None
    start: Start | None = None
    seed: int = 0
    format: Format = "same"
    batch_windows: int | None = None
    examples: tuple[str, ...] = ()
    example_weight: float = 0.5
    mix_prompt: str = ""
    rest_prompt: str = ""
    strength: float | None = None
    replacement: str = ""
    candidates: int = 1
    regions_s: tuple[tuple[float, float], ...] = ()
    keep_order: bool = False
    guide: tuple[str, ...] = ()
    slot: str = ""
    temperature: float | None = None
    sensitivity: float = 0.5
    expert: str = ""

    @property
    def regions(self) -> tuple[tuple[float, float], ...]:
        """All regions that were asked for, one or several; none means the whole clip."""
        return self.regions_s or (() if self.region_s is None else (self.region_s,))


@dataclass(frozen=True, slots=True, kw_only=True)
class StemResult:
    """What one prompt gave.

    Attributes:
        prompt: the prompt as asked.
        stem: path of the stem, None when the task has none to give.
        rest: path of the rest, None when the task has none to give.
        sidecar: path of the JSON that re-runs it.
        null_db: level of (stem + rest - input) against the input; ``BIT_FOR_BIT_DB`` means equal; None without a rest.
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


@dataclass(frozen=True, slots=True)
class Accepted:
    """The job is in the queue."""

    job: str


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


@dataclass(frozen=True, slots=True)
class Failed:
    """The job failed; nothing of it was left behind.

    Attributes:
        kind: name of the error class in ``engine.errors``.
        message: one sentence for the user.
    """

    job: str
    kind: str
    message: str


@dataclass(frozen=True, slots=True)
class CancelledJob:
    """The job was stopped because the caller asked for it; nothing of it was left behind."""

    job: str


Event = Accepted | Progress | Done | Failed | CancelledJob


def as_json(value: Any) -> Any:
    """Dataclasses and tuples as plain JSON values."""
    if is_dataclass(value) and not isinstance(value, type):
        return {f.name: as_json(getattr(value, f.name)) for f in fields(value)}
    if isinstance(value, (tuple, list)):
        return [as_json(item) for item in value]
    if isinstance(value, dict):
        return {str(key): as_json(item) for key, item in value.items()}
    return value
