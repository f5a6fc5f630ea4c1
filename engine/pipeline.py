"""One request from file to file: open the bundle, read, encode, sample, decode, write; all results or none.

Knows nothing of queues, processes or sidecars.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from engine.audio import AudioInfo, probe
from engine.backend import Backend, batch_windows, open_backend
from engine.bundle import load_bundle
from engine.chunks import Batches
from engine.clips import Section
from engine.draft import output_error, publish
from engine.errors import RequestError
from engine.isolate import ENCODE, hear, isolate
from engine.job import Clock, Job
from engine.make import make, set_scene
from engine.messages import Device, Request, StemResult
from engine.model import Model, open_model
from engine.output import Target, target_like, target_new
from engine.prompts import check_prompt
from engine.render import Rendered, close_all
from engine.riff import RiffExtras, moved
from engine.tasks import Span, rule_of

log = logging.getLogger(__name__)

Report = Callable[[float, str], None]
Check = Callable[[], None]
Finished = tuple[Rendered, StemResult]

EXTEND_S, GENERATE_S = 5.0, 10.0
NEW_RATE_HZ, NEW_CHANNELS = 44_100, 2  # of a clip that no file went into
OPEN_MODELS = 2


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a request came to; the files are in place.

    Attributes:
        results: one per prompt, in order; their ``sidecar`` is empty, writing it is the caller's business.
        device: the provider that really ran.
        bundle: its name and version.
        timings: seconds by stage.
    """

    results: tuple[StemResult, ...]
    device: str
    bundle: str
    timings: dict[str, float] = field(default_factory=dict)


class Pipeline:
    """Answers requests one after the other; the graphs of recent bundles stay open.

    Args:
        find_bundle: name or path of a bundle -> its folder.
        backend: opens graphs on a device.
    """

    def __init__(self, find_bundle: Callable[[str], Path], backend: Callable[[Device], Backend] = open_backend) -> None:
        self._find_bundle = find_bundle
        self._backend = backend
        self._models: dict[tuple[Path, str, Device], Model] = {}

    def run(self, request: Request, report: Report, check: Check) -> Outcome:
        """Do one request.

        Args:
            request: what to do.
            report: takes a fraction from 0 to 1 and the stage in plain words.
            check: raises ``Cancelled`` to stop; called between windows and sampler steps.

        Raises:
            EngineError: something is wrong with the request, a file, the bundle or the device; nothing was written.
        """
        rule = rule_of(request.task)
        for prompt in request.prompts:
            check_prompt(prompt)
        if not request.prompts:
            raise RequestError("no prompt given; say in a few words what to look for, for example violin")
        if rule.input_slot is not None and request.input is None:
            raise RequestError(f"{request.task} needs an audio file; give its path")
        info = probe(request.input) if rule.input_slot is not None and request.input is not None else None
        rest = probe(request.rest) if rule.rest_optional and request.rest is not None else None
        place = _place(request, info)
        target = _target(request, info, place)
        model = self._model(request, report)
        check()
        batches = Batches(batch_windows(model.device, request.batch_windows))
        with _folder(Path(request.out)) as folder:
            job = Job(request, rule, model, folder, batches, report, check, Clock())
            results = _publish(_answers(job, info, rest, place, target))
        report(1.0, "done")
        return Outcome(results, model.device, model.label, dict(job.clock.seconds))

    def _model(self, request: Request, report: Report) -> Model:
        bundle = load_bundle(self._find_bundle(request.bundle), check_hashes=False)
        key = (bundle.folder, bundle.sha256, request.device)
        if key not in self._models:
            report(0.0, "opening the bundle" + _patience(request.device))
            model = open_model(load_bundle(bundle.folder), self._backend(request.device))
            while len(self._models) >= OPEN_MODELS:
                self._models.pop(next(iter(self._models)))
            self._models[key] = model
        self._models[key] = self._models.pop(key)  # the most recent one is last
        return self._models[key]


@dataclass(frozen=True, slots=True)
class Place:
    """Where in time a request works, in samples of the result's rate.

    Attributes:
        wanted: the part of the input that is worked on.
        span: what is made, from the start of the result; unused by tasks that only filter.
        offset: samples the result starts after the input.
    """

    wanted: Section
    span: Section
    offset: int = 0


def _place(request: Request, info: AudioInfo | None) -> Place:
    rule = rule_of(request.task)
    if info is None:
        length = round((request.seconds or GENERATE_S) * NEW_RATE_HZ)
        return Place(Section(0, 0), Section(0, length))
    whole = Section(0, info.samples)
    if rule.span is Span.END:
        added = max(1, round((request.seconds or EXTEND_S) * info.rate_hz))
        return Place(whole, Section(info.samples, info.samples + added))
    if request.region_s is None:
        if rule.span is Span.REQUIRED:
            raise RequestError(f"{request.task} needs the region to fill; give start and end in seconds")
        return Place(whole, whole)
    region = _region(request.region_s, info)
    if rule.span is Span.REQUIRED:
        return Place(whole, region)
    return Place(region, Section(0, region.samples), region.start)


def _region(region_s: tuple[float, float], info: AudioInfo) -> Section:
    start_s, end_s = region_s
    slack_s = 5e-4  # a length that was rounded for display still fits
    if not (0 <= start_s < end_s <= info.seconds + slack_s and start_s < info.seconds):
        raise RequestError(
            f"region {start_s:g}-{end_s:g} s does not fit {info.path.name}; choose a start before the end, "
            f"both between 0 and {info.seconds:.3f} s"
        )
    start = round(start_s * info.rate_hz)
    stop = min(round(end_s * info.rate_hz), info.samples)
    if start >= stop:
        raise RequestError(f"region {start_s:g}-{end_s:g} s holds not a single sample; choose a longer one")
    return Section(start, stop)


def _target(request: Request, info: AudioInfo | None, place: Place) -> Target:
    if info is None:
        return target_new(NEW_RATE_HZ, NEW_CHANNELS, request.format)
    extras = RiffExtras(moved(info.extras.bext, place.offset), info.extras.channel_mask)
    return target_like(info, request.format, extras)


def _answers(
    job: Job, info: AudioInfo | None, rest: AudioInfo | None, place: Place, target: Target
) -> Iterator[Finished]:
    embeddings_PE = job.model.text.embed(job.request.prompts)
    prompts = list(zip(job.request.prompts, embeddings_PE, strict=True))
    share = (1 - ENCODE[1]) / len(prompts)
    parts = [(ENCODE[1] + i * share, ENCODE[1] + (i + 1) * share) for i in range(len(prompts))]
    if job.rule.masked and info is not None:
        heard = hear(job, info, place.wanted)
        with heard.latents:
            for (prompt, embedding_E), part in zip(prompts, parts, strict=True):
                yield isolate(job, heard, prompt, embedding_E, target, part)
        return
    scene = set_scene(job, info, place.wanted, place.span, rest, target)
    for (prompt, embedding_E), part in zip(prompts, parts, strict=True):
        yield make(job, scene, prompt, embedding_E, target, part)


def _publish(answers: Iterator[Finished]) -> tuple[StemResult, ...]:
    with contextlib.ExitStack() as drafts:
        finished = []
        for rendered, result in answers:
            drafts.callback(close_all, rendered.drafts)
            finished.append((rendered, result))
        names = publish([rendered.drafts for rendered, _ in finished])
    return tuple(
        replace(result, stem=str(paths[0]), rest=str(paths[1]) if len(paths) > 1 else None)
        for (_, result), paths in zip(finished, names, strict=True)
    )


@contextlib.contextmanager
def _folder(out: Path) -> Iterator[Path]:
    made = []
    try:
        for folder in [folder for folder in (*reversed(out.parents), out) if not folder.exists()]:
            folder.mkdir(exist_ok=True)
            made.append(folder)
        yield out
    except BaseException as error:
        for folder in reversed(made):
            with contextlib.suppress(OSError):  # something else was put there meanwhile
                folder.rmdir()
        if isinstance(error, OSError):
            raise output_error(out, error) from error
        raise


def _patience(device: Device) -> str:
    return "; building the TensorRT engine takes minutes the first time" if device == "tensorrt" else ""
