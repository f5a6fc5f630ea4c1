"""One request from file to file: open the bundle, read, answer each prompt, write; all results or none."""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from engine.audio.atomic import AtomicFile, publish
from engine.audio.formats import OutputFormat, format_for_new, format_like
from engine.audio.headroom import PEAK_LIMIT, peak_of_new, with_enough_headroom
from engine.audio.read_tags import read_tags
from engine.audio.reader import AudioInfo
from engine.audio.riff import RiffExtras, moved
from engine.audio.tags import Tags
from engine.bundle.bundle import Bundle, load_bundle
from engine.bundle.separator import TASKS_OF_ALL
from engine.chaining import Finish, RequestChains
from engine.errors import EngineError, RequestError
from engine.events import Check, Done, Report, StemResult
from engine.generation.arrange import arrange
from engine.generation.generate import make
from engine.generation.replace import replace
from engine.inference.conditioning import Conditioning, prompt_conditionings
from engine.inference.experts import check_expert
from engine.inference.media_prompt import open_examples
from engine.inference.mix_cache import open_cache
from engine.inference.model import Model, fill_defaults, no_flow
from engine.inference.open_models import ModelKey, OpenModels
from engine.inference.output import OutputSpec, TaskResult, close_all, name_files
from engine.inference.regions import NEW_CHANNELS, NEW_RATE_HZ, EditRegion, edit_regions
from engine.inference.run import RunContext, StageTimer
from engine.media.intake import OpenAudio, open_audio, open_inputs
from engine.provenance import Provenance, hash_inputs, write_sidecars
from engine.receipt import Receipt
from engine.request import OPTIONS, Device, Precision, Request
from engine.runtime.backend import Backend, OutOfDeviceMemory
from engine.runtime.select import open_backend
from engine.sampler.instruments import load_sampler
from engine.separation.by_flow import encode_mix, isolate, isolate_together
from engine.separation.by_mask import mask_decoder, separate, separate_together
from engine.separation.together import check_adds_up
from engine.stem_sets import with_set_prompts
from engine.tasks import rule_of
from engine.text.intent import Intent, load_grammar, understand
from engine.warming import WarmingRun, run_masks, warming_runs


class Pipeline:
    """Answers requests one after the other; the graphs of recent bundles stay open.

    Args:
        find_bundle: name or path of a bundle -> its folder.
        backend: opens graphs on a device.
        open_file: opens the sound of a file.
    """

    def __init__(
        self, find_bundle: Callable[[str], Path], backend: Callable[..., Backend] = open_backend,
        open_file: OpenAudio = open_audio,
    ) -> None:  # fmt: skip
        self._find_bundle = find_bundle
        self._open_file = open_file
        self._models = OpenModels(backend)
        self._warming: dict[ModelKey, tuple[Model, deque[WarmingRun]]] = {}

    def run(
        self, request: Request, report: Report, check: Check, job: str = "", receipt: Receipt | None = None
    ) -> Done:
        """Do one request.

        Args:
            request: what to do, as ``engine.checks.check_values`` accepts it; its folder exists.
            report: takes a fraction from 0 to 1 and the stage in plain words.
            check: raises ``Cancelled`` to stop; called between windows and sampler steps.
            job: its name in the result.
            receipt: is told what is named, right before.

        Returns:
            What was made, by place, then by prompt, then by candidate, the best first; sidecars are written.

        Raises:
            EngineError: something is wrong with the request, a file, the bundle or the device; nothing was written.
        """
        return self._models.carried_out(lambda: self._carry_out(request, report, check, job, receipt))

    def warm(self, bundle: str, device: Device) -> None:
        """Open a bundle and run what every job begins with, so that the first job does not wait for it.

        Raises:
            EngineError: the bundle or the device cannot be used.
        """
        opened = load_bundle(self._find_bundle(bundle), check_hashes=False)
        model = self._models.get(opened, device, lambda *told: None)
        _, intents = understand(Request(task="isolate", prompts=("drums",)), load_grammar(opened))
        model.text.embed(list(intents.values()))
        run_masks(model, 1, 1)

    def warm_on(self) -> bool:
        """Run one more batch of a size that jobs may have, where a device prepares something for each.

        Returns:
            False where nothing is left to run.
        """
        there = self._models.on_cards()
        self._warming = {key: (model, self._warming_of(key, model, sizes)) for key, (model, sizes) in there.items()}
        for _, runs in self._warming.values():
            if runs:
                self._warm_one(runs)
                if not runs:
                    self.rest()  # the largest batch took more than a job may need
                return True
        return False

    def _warming_of(self, key: ModelKey, model: Model, sizes: Sequence[int]) -> deque[WarmingRun]:
        """What is left to run of a model; all of it where it was opened anew."""
        known = self._warming.get(key)
        return known[1] if known is not None and known[0] is model else deque(warming_runs(model, sizes))

    @staticmethod
    def _warm_one(runs: deque[WarmingRun]) -> None:
        run = runs.popleft()
        try:
            run.do()
        except OutOfDeviceMemory:  # a job halves its batch; here those that are not smaller are left out
            kept = [smaller for smaller in runs if smaller.windows < run.windows]
            runs.clear()
            runs.extend(kept)
        except EngineError:
            runs.clear()  # a job that meets it tells
            raise

    def rest(self) -> None:
        """Nothing is asked for at the moment: let the devices have memory back that no graph needs now."""
        self._models.rest()

    def forget_models(self) -> None:
        """Open all graphs anew for the next job, because there is a better device by now."""
        self._warming.clear()
        self._models.forget()

    @property
    def wants_engines(self) -> tuple[Path, Device, Precision] | None:
        """Bundle, device and precision of the last job, where TensorRT could be used once its engines are built."""
        return self._models.wants_engines

    def _carry_out(
        self, request: Request, report: Report, check: Check, job: str, receipt: Receipt | None
    ) -> Done:  # fmt: skip
        started_s, timer = time.perf_counter(), StageTimer()
        chains = RequestChains.of(request)
        with (
            open_inputs(request, report, check, self._open_file) as (info, rest, report),
            chains.heard(info, rest, Path(request.out), report, check) as (info, rest, report),
        ):
            results, made = self._answer(request, info, rest, report, check, timer, receipt, chains)
            made = dataclasses.replace(made, took_s=time.perf_counter() - started_s, timings=dict(timer.seconds))
            results = write_sidecars(results, made)
        report(1.0, "done")
        return Done(job, results, time.perf_counter() - started_s, made.device, made.bundle.label, made.timings)

    def _answer(
        self, request: Request, info: AudioInfo | None, rest: AudioInfo | None, report: Report, check: Check,
        timer: StageTimer, receipt: Receipt | None, chains: RequestChains,
    ) -> tuple[tuple[StemResult, ...], Provenance]:  # fmt: skip
        """Results in their place, without sidecars, and what these will say."""
        bundle = load_bundle(self._find_bundle(request.bundle), check_hashes=False)
        request = dataclasses.replace(request, prompts=with_set_prompts(request.stems, request.prompts))
        request, intents = understand(request, load_grammar(bundle))
        request = fill_defaults(_as_long_as(request, rest), bundle.manifest)
        _check_separator(request, bundle)
        check_expert(request.expert, bundle)
        _check_candidates(request, bundle)
        check_adds_up(request)
        rate_hz = rest.rate_hz if rest is not None and rule_of(request.task).together else NEW_RATE_HZ
        regions = edit_regions(request, info, rate_hz)
        request = with_enough_headroom(request, info, rest, check)
        tags = Tags() if (source := info or rest) is None else read_tags(source.path)
        targets = [_target(request, info, rest, region, tags) for region in regions]  # refused before anything is done
        with timer.measure("open"):
            model = self._models.get(bundle, request.device, report, request.precision)
        check()
        batches = self._models.batches(model, request)
        request = dataclasses.replace(request, batch_windows=(begun := batches.size))
        out, rule = Path(request.out), rule_of(request.task, request.slot)
        ends_s = max(region.wanted.start + region.samples for region in regions) / (info.rate_hz if info else rate_hz)
        if request.examples:
            report(0.0, "looking at the examples")
        with open_examples(model, request, ends_s, out, check) as examples:
            with timer.measure("hash"):
                hashes = hash_inputs(request)
            cache = open_cache(request, model.bundle.sha256, model.device)
            run = RunContext(request, rule, model, out, batches, report, check, timer, examples, intents, cache)
            drafts = [chains.drafting(target) for target in targets]
            answers = _answers(chains.share(run), info, rest, regions, drafts)
            finish = functools.partial(chains.finish, run, target=targets[0])
            results = _publish(answers, request, receipt, finish)
        self._models.keep_batches(model, begun, batches)
        notes = tuple(note for file in (info, rest) if file is not None for note in file.notes) + tuple(chains.notes)
        notes += self._models.notes()
        results = tuple(_told(result, intents, request.replacement, notes) for result in results)
        if any("sampled" in result.made_by for result in results):
            hashes["sampler_sha256"] = load_sampler().sha256
        return results, Provenance(chains.applied(request), model.bundle, hashes, model.device, chains=chains.told)


def _as_long_as(request: Request, rest: AudioInfo | None) -> Request:
    """An arrangement around a file is as long as the file when not told otherwise."""
    if rest is None or request.seconds is not None or not rule_of(request.task).together:
        return request
    most_s = OPTIONS["seconds"].limits[1]
    if rest.seconds > most_s:
        raise RequestError(
            "{name} is {seconds:.0f} s long and {task} makes at most {most_s:g} s; say how many seconds to make",
            name=rest.path.name, seconds=rest.seconds, task=request.task, most_s=most_s,
        )  # fmt: skip
    return dataclasses.replace(request, seconds=rest.seconds)


def _check_separator(request: Request, bundle: Bundle) -> None:
    if bundle.separator is None:
        return
    if request.task not in TASKS_OF_ALL or request.render != "masked":
        raise no_flow(bundle.label)
    if request.examples or request.mix_prompt or request.rest_prompt:
        raise RequestError(
            "{bundle} is a separator and knows {stems}; name one of these and nothing else",
            bundle=bundle.label, stems=", ".join(bundle.separator.stems),
        )  # fmt: skip


def _check_candidates(request: Request, bundle: Bundle) -> None:
    if request.candidates == 1:
        return
    if rule_of(request.task).masked and request.render == "masked" and bundle.manifest.decoder is not None:
        raise RequestError(
            "the mask decoder of {bundle} has one answer to a prompt, so {count} candidates would all be the same; "
            "leave the candidates out, or choose the render flow", bundle=bundle.label, count=request.candidates,
        )  # fmt: skip
    if request.start == "zeros":
        raise RequestError(
            "{count} candidates that start from zeros would all be the same; "
            "give --start noise too, or leave the candidates out", count=request.candidates,
        )  # fmt: skip


def _target(
    request: Request, info: AudioInfo | None, rest: AudioInfo | None, region: EditRegion, tags: Tags
) -> OutputFormat:
    source = info or rest
    if source is None:
        return format_for_new(NEW_RATE_HZ, NEW_CHANNELS, request.format, request.quality)
    extras = RiffExtras()
    if info is not None:
        start = region.wanted.start
        bext = info.extras.bext or moved(None, tags.time_reference)
        extras, tags = RiffExtras(moved(bext, start), info.extras.channel_mask), tags.moved(start)
    return format_like(source, request.format, extras, tags, samples=region.samples, quality=request.quality)


def _answers(
    run: RunContext, info: AudioInfo | None, rest: AudioInfo | None, regions: tuple[EditRegion, ...],
    targets: list[OutputFormat],
) -> Iterator[list[TaskResult]]:  # fmt: skip
    """What becomes of each prompt in each place, one after the other; candidates together, best first."""
    conditionings = prompt_conditionings(run)
    answer = _ANSWERED_BY.get(run.request.task, _isolated if run.rule.masked else make)
    peak = PEAK_LIMIT if run.rule.masked else peak_of_new((info, rest), targets[0].bits, run.check)
    for number, (region, target) in enumerate(zip(regions, targets, strict=True)):
        spec = OutputSpec(info, rest, region, target, peak)
        yield from answer(run.nth(number, len(regions)), spec, conditionings)


def _isolated(run: RunContext, spec: OutputSpec, conditionings: list[Conditioning]) -> Iterator[list[TaskResult]]:
    if (decoder := mask_decoder(run)) is not None:
        if run.request.adds_up:
            yield separate_together(run, spec, conditionings, decoder)
        else:
            yield from separate(run, spec, conditionings, decoder)
        return
    mix = encode_mix(run.within(0.0, 0.2), spec.input, spec.region.wanted)
    with mix.latents:
        if run.request.adds_up:
            yield isolate_together(run.within(0.2, 1.0), mix, conditionings, spec)
            return
        for number, conditioning in enumerate(conditionings):
            yield isolate(run.within(0.2, 1.0).nth(number, len(conditionings)), mix, conditioning, spec)


_ANSWERED_BY = {"replace": replace, "arrange": arrange}  # tasks put together from others


def _publish(
    answers: Iterator[list[TaskResult]], request: Request, receipt: Receipt | None, finish: Finish
) -> tuple[StemResult, ...]:
    task = request.task
    with contextlib.ExitStack() as drafts:
        groups_of_answers, finished = list[list[TaskResult]](), list[TaskResult]()
        for group in answers:
            for answer in group:
                drafts.callback(close_all, answer.files)
            groups_of_answers.append(group)
        for answer in finish(groups_of_answers):
            drafts.callback(close_all, answer.files)
            finished.append(answer)
        for number, answer in enumerate(finished, 1):
            name_files(dataclasses.replace(request, task=_task_of(answer, task)), number, answer)
        groups: list[list[AtomicFile]] = [list(answer.files.values()) for answer in finished]
        if receipt is not None:
            receipt.naming(Path(request.out), [draft.stream for group in groups for draft in group])
        names = publish(groups, beside=".json")
    files_of_answers = [
        dict(zip(answer.files, map(str, paths), strict=True)) for answer, paths in zip(finished, names, strict=True)
    ]
    of_all = files_of_answers[0].items() if rule_of(task).together else ()
    shared = {part: file for part, file in of_all if part not in ("stem", "midi")}
    return tuple(
        _result(_task_of(answer, task), answer, files | shared)
        for answer, files in zip(finished, files_of_answers, strict=True)
    )


def _task_of(answer: TaskResult, task: str) -> str:
    """What was done for one prompt: of those of isolate some may want the mix without something."""
    return "remove" if task == "isolate" and next(iter(answer.rendered.files)) == "rest" else task


def _told(
    result: StemResult, intents: Mapping[str, Intent], replacement: str, notes: tuple[str, ...]
) -> StemResult:  # fmt: skip
    intent = intents.get(result.prompt)
    understood = result.understood if intent is None else intent.understood
    put_in = intents[replacement].understood if replacement in intents else ""
    understood += f", replaced by {put_in}" if understood and put_in else ""
    return dataclasses.replace(result, understood=understood, notes=(*notes, *result.notes))


def _result(task: str, answer: TaskResult, files: dict[str, str]) -> StemResult:
    return StemResult(
        prompt=answer.prompt,
        stem=files.get("stem"),
        rest=files.get("rest"),
        sidecar="",
        null_db=answer.rendered.null_db,
        presence=answer.presence,
        gain_db=answer.rendered.gain_db,
        level_db=answer.rendered.level_db,
        start_samples=answer.spec.region.wanted.start,
        length_samples=answer.spec.region.samples,
        rate_hz=answer.spec.format.rate_hz,
        mix=files.get("mix"),
        candidate=answer.candidate,
        similarity=answer.similarity,
        presence_windows=answer.windows,
        task=task,
        lossless=answer.spec.format.lossless,
        file_format=answer.spec.format.words,
        notes=answer.remarks,
        made_by=answer.made_by,
        instrument=answer.instrument,
        midi=files.get("midi"),
        fit=answer.fit,
    )
