"""One request from file to file: open the bundle, read, encode, sample, decode, write; all results or none.

Knows nothing of queues, processes, sidecars or folders.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from engine.audio import AudioInfo, probe
from engine.backend import Backend, batch_windows, open_backend
from engine.bundle import Bundle, check_files, load_bundle
from engine.chunks import Batches
from engine.draft import publish
from engine.isolate import ENCODE, hear, isolate
from engine.job import Clock, Job
from engine.make import make, set_scene
from engine.messages import Device, Request, StemResult
from engine.model import Model, open_model, resolved
from engine.output import Target, target_like, target_new
from engine.place import NEW_CHANNELS, NEW_RATE_HZ, Place, place_of
from engine.render import Answer, close_all
from engine.riff import RiffExtras, moved
from engine.tasks import rule_of

log = logging.getLogger(__name__)

Report = Callable[[float, str], None]
Check = Callable[[], None]

OPEN_MODELS = 2


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a request came to; the files are in place.

    Attributes:
        results: one per prompt, in order; their ``sidecar`` is empty, writing it is the caller's business.
        request: with every default filled in.
        bundle: the checked bundle that ran.
        device: the provider that really ran.
        timings: seconds by stage.
    """

    results: tuple[StemResult, ...]
    request: Request
    bundle: Bundle
    device: str
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
            request: what to do, as ``engine.checks.check_values`` accepts it; its folder exists.
            report: takes a fraction from 0 to 1 and the stage in plain words.
            check: raises ``Cancelled`` to stop; called between windows and sampler steps.

        Raises:
            EngineError: something is wrong with the request, a file, the bundle or the device; nothing was written.
        """
        info = probe(request.input) if request.input is not None else None
        rest = probe(request.rest) if request.rest is not None else None
        bundle = load_bundle(self._find_bundle(request.bundle), check_hashes=False)
        request = resolved(request, bundle.manifest)
        place = place_of(request, info)
        target = _target(request, info, place)
        model = self._model(bundle, request.device, report)
        check()
        batches = Batches(batch_windows(model.device, request.batch_windows))
        job = Job(request, rule_of(request.task), model, Path(request.out), batches, report, check, Clock())
        results = _publish(_answers(job, info, rest, place, target), place, target)
        report(1.0, "done")
        return Outcome(results, request, model.bundle, model.device, dict(job.clock.seconds))

    def _model(self, bundle: Bundle, device: Device, report: Report) -> Model:
        key = (bundle.folder, bundle.sha256, device)
        if key not in self._models:
            report(0.0, "opening the bundle" + _patience(device))
            check_files(bundle)
            model = open_model(bundle, self._backend(device))
            while len(self._models) >= OPEN_MODELS:
                self._models.pop(next(iter(self._models)))
            self._models[key] = model
        self._models[key] = self._models.pop(key)  # the most recent one is last
        return self._models[key]


def _target(request: Request, info: AudioInfo | None, place: Place) -> Target:
    if info is None:
        return target_new(NEW_RATE_HZ, NEW_CHANNELS, request.format)
    extras = RiffExtras(moved(info.extras.bext, place.wanted.start), info.extras.channel_mask)
    return target_like(info, request.format, extras)


def _answers(
    job: Job, info: AudioInfo | None, rest: AudioInfo | None, place: Place, target: Target
) -> Iterator[Answer]:
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
    scene = set_scene(job, info, place, rest, target)
    for (prompt, embedding_E), part in zip(prompts, parts, strict=True):
        yield make(job, scene, prompt, embedding_E, target, part)


def _publish(answers: Iterator[Answer], place: Place, target: Target) -> tuple[StemResult, ...]:
    with contextlib.ExitStack() as drafts:
        finished = []
        for answer in answers:
            drafts.callback(close_all, answer.rendered.drafts)
            finished.append(answer)
        names = publish([answer.rendered.drafts for answer in finished], beside=".json")
    return tuple(
        StemResult(
            prompt=answer.prompt,
            stem=str(paths[0]),
            rest=str(paths[1]) if len(paths) > 1 else None,
            sidecar="",
            null_db=answer.rendered.null_db,
            presence=answer.presence,
            gain_db=answer.rendered.gain_db,
            level_db=answer.rendered.level_db,
            start_samples=place.wanted.start,
            length_samples=place.samples,
            rate_hz=target.rate_hz,
        )
        for answer, paths in zip(finished, names, strict=True)
    )


def _patience(device: Device) -> str:
    return "; building the TensorRT engine takes minutes the first time" if device == "tensorrt" else ""
