"""What each command does: make a request, wait for it with a progress bar, show what came out."""

from __future__ import annotations

import argparse
import contextlib
import importlib
import importlib.util
import itertools
import json
import os
import shutil
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from engine.batch.find import find_items, has_audio
from engine.cli.positionals import prompt_text, told_apart
from engine.errors import BundleError, Cancelled, EngineError, OutputError, RequestError
from engine.events import BIT_FOR_BIT_DB, Done, Event, Progress, StemResult
from engine.host.client import Engine
from engine.places import PlacedRegion, request_in_seconds
from engine.provenance import rerun_request
from engine.request import OPTIONS, Request
from engine.serialization import finite, kind_of, plain
from engine.tasks import TaskRule, rule_of

SOME_FAILED, REFUSED, DEVICE_FAILED = 1, 2, 3  # exit codes
CANCEL_LIMIT_S = 20.0
LOOK_AT_BUILD_S = 0.5
LIKELY_THERE = 0.5
SHOWN_SPANS = 6
Windows = tuple[tuple[float, float, float], ...]  # (start_s, end_s, presence)
FAINT = "the model made it very quiet and it was lifted; try more --steps or other words"


def run_task(arguments: argparse.Namespace, engine: Engine | None) -> int:
    """A row of the task table, for one file or for several in order."""
    values = {name: value for name, value in vars(arguments).items() if name in OPTIONS}
    values |= {name: tuple(value) for name, value in values.items() if OPTIONS[name].many}
    regions = values.pop("regions_s", ())
    inputs = list[str]()
    if values.get("input") is not None:
        inputs, values["prompts"] = _inputs_and_prompts((values["input"], *values["prompts"]), values["out"])
        values["input"] = inputs[0]
    values["prompts"] += tuple(arguments.prompt_texts)
    request = Request(**values)
    if len(inputs) < 2:
        return _run(request_in_seconds(request, regions), engine, arguments.json)
    return _run_each(request, regions, inputs, engine, arguments.json)


def rerun(arguments: argparse.Namespace, engine: Engine | None) -> int:
    """``fluxstem rerun``."""
    request = rerun_request(
        arguments.sidecar, out=arguments.out, input=arguments.input, rest=arguments.rest, bundle=arguments.bundle
    )
    if arguments.device is not None:
        request = replace(request, device=arguments.device)
    if request.unknown:
        names = ", ".join(request.unknown)
        print(f"fluxstem: {arguments.sidecar} also says {names}, which this version does not know; that is kept, and "
              "changes nothing", file=sys.stderr)  # fmt: skip
    return _run(request, engine, arguments.json)


def doctor(arguments: argparse.Namespace, engine: Engine | None) -> int:
    """``fluxstem doctor``."""
    from engine.doctor import examine, lines

    if arguments.build_engines:
        _build_engines(arguments)
    findings = examine()
    if arguments.json:
        _print_json(findings)
    else:
        print("\n".join(lines(findings)))
    return 0 if findings["ok"] else 3


def _build_engines(arguments: argparse.Namespace) -> None:
    """Build TensorRT's engines, with a line for each graph on standard error, and one that moves in a terminal.

    Raises:
        EngineError: TensorRT cannot be used, or an engine could not be built.
    """
    from tqdm import tqdm

    from engine.doctor import build

    last, size = None, shutil.get_terminal_size()  # as of ``_progress_bar``
    layout = "{desc} {n_fmt} of {total_fmt} |{bar:20}| {elapsed}"
    with tqdm(total=1, disable=None, leave=False, bar_format=layout, ncols=size.columns, nrows=size.lines) as line:
        for step in build(arguments.bundle, arguments.device, arguments.embed_engines, LOOK_AT_BUILD_S):
            if step != last:
                outcome = step.why or "built" if step.graph else "begins; each graph takes minutes"
                said = f"fluxstem: {step.done} of {step.count} engines: {step.graph} {outcome}"
                tqdm.write(said, file=sys.stderr)
                sys.stderr.flush()
            last, line.total, line.n = step, step.count, step.done
            line.set_description_str(f"building {step.under_way}", refresh=False)
            line.refresh()


def desktop(arguments: argparse.Namespace, engine: Engine | None) -> int:
    """``fluxstem desktop``: hand over to the window, which is named here and nowhere imported."""
    try:
        window = importlib.import_module("desktop.app")
    except ImportError as error:
        advice = "install it with the extra desktop, for example pipx install 'fluxstem[cpu,desktop]'"
        raise RequestError("the window is not installed ({error}); {advice}", error=error, advice=advice) from error
    if not _has_screen():
        raise RequestError("the window needs a screen and there is none here; use a command instead, see --help")
    return int(window.run([arguments.file] if arguments.file else []))


def can_show_window() -> bool:
    """True means the window is installed and there is a screen for it."""
    return _has_screen() and importlib.util.find_spec("PySide6") is not None


def _has_screen() -> bool:
    """Qt ends the whole process where it finds none, so this is asked first."""
    named = any(os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"))
    return named or sys.platform in ("win32", "darwin")


def _inputs_and_prompts(words: Sequence[str], out: str) -> tuple[list[str], tuple[str, ...]]:
    """Files, in order, and prompts: what exists is a file or a folder, what does not is a prompt.

    Where nothing exists, the first word is the file: that it is not there is told where it is opened. A folder without
    audio in it that is named by a bare word is a prompt.

    Raises:
        AudioError: a word looks like a path, and nothing is there.
    """
    paths, prompts = told_apart(words)
    for path in [path for path in paths if os.path.basename(path) == path and os.path.isdir(path)]:
        if not has_audio(path):
            paths.remove(path)
            prompts = [prompt_text(word) for word in words if word not in paths]
    if not paths:
        return [words[0]], tuple(map(prompt_text, words[1:]))
    files: list[str] = []
    for path in paths:
        files += [path] if os.path.isfile(path) else [item.source for item in find_items([path], out)]
    return list(dict.fromkeys(files)), tuple(prompts)


def _run(request: Request, engine: Engine | None, as_json_line: bool) -> int:
    with contextlib.ExitStack() as stack:
        engine = engine or stack.enter_context(Engine())
        done = _finish(engine, request)
    if as_json_line:
        _print_json(summary(done))
    else:
        print("\n".join(_lines(done, rule_of(request.task))))
    return 0


def _run_each(
    request: Request, regions: Sequence[PlacedRegion], inputs: Sequence[str], engine: Engine | None, as_json_line: bool
) -> int:  # fmt: skip
    """The same for several files, one after the other in one engine; those that work are finished.

    Returns:
        0 when all are done, ``SOME_FAILED`` when some are; when none is, what the last failure alone would return.
    """
    told, codes = list[dict[str, Any]](), list[int]()
    with contextlib.ExitStack() as stack:
        engine = engine or stack.enter_context(Engine())
        for number, path in enumerate(inputs, start=1):
            try:
                asked = request_in_seconds(replace(request, input=path), regions)
                done = _finish(engine, asked, f"{number}/{len(inputs)} ")
            except Cancelled:
                raise
            except EngineError as error:
                codes.append(exit_code(error))
                told.append({"input": path, "error": str(error), "kind": kind_of(error)})
                print(f"fluxstem: {_shown(path)}: {' '.join(str(error).splitlines())}", file=sys.stderr)
                continue
            codes.append(0)
            told.append({"input": path, **summary(done)})
            if not as_json_line:
                print(
                    "\n".join([_shown(path), *(f"  {line}" for line in _lines(done, rule_of(request.task)))]),
                    flush=True,
                )
    failed = sum(code != 0 for code in codes)
    if as_json_line:
        _print_json({"files": told, "failed": failed})
    elif failed:
        print(f"{len(codes) - failed} of {len(codes)} files done")
    return 0 if not failed else SOME_FAILED if failed < len(codes) else codes[-1]


def exit_code(error: EngineError) -> int:
    """What the program ends with after an error: 2 for what can be asked otherwise, 3 for the device or the engine."""
    return REFUSED if isinstance(error, (RequestError, BundleError, OutputError)) else DEVICE_FAILED


def _finish(engine: Engine, request: Request, which: str = "") -> Done:
    """Wait for a request; Ctrl-C cancels it, and a second one ends the engine process at once."""
    with _progress_bar(engine, which):
        job = engine.submit(request)
        try:
            done = engine.wait(job)
        except KeyboardInterrupt:
            engine.cancel(job)
            try:
                done = engine.wait(job, CANCEL_LIMIT_S)  # it may have been finished already
            except (TimeoutError, KeyboardInterrupt):
                engine.close(limit_s=0.0)
                raise Cancelled("the device was busy and had to be stopped") from None
    for note in dict.fromkeys(note for result in done.results for note in result.notes):
        print(f"fluxstem: {note}", file=sys.stderr)
    return done


@contextlib.contextmanager
def _progress_bar(engine: Engine, which: str = "") -> Iterator[None]:
    """A bar with the time left on a terminal, nothing elsewhere; ``which`` stands before the stage."""
    if not sys.stderr.isatty():
        yield
        return
    from tqdm import tqdm

    layout = "{desc:<24.24} {percentage:3.0f}% |{bar}| {elapsed} elapsed, {remaining} left"
    size = shutil.get_terminal_size()  # 80 x 24 where the terminal does not know, and tqdm would show nothing
    with tqdm(
        desc="starting",
        total=1.0,
        bar_format=layout,
        leave=False,
        file=sys.stderr,
        ncols=size.columns,
        nrows=size.lines,
    ) as bar:

        def show(event: Event) -> None:
            if isinstance(event, Progress):
                bar.set_description_str(which + event.stage, refresh=False)
                bar.update(max(event.fraction - bar.n, 0.0))

        unsubscribe = engine.subscribe(show)
        try:
            yield
        finally:
            unsubscribe()


def summary(done: Done) -> dict[str, Any]:
    """What ``--json`` prints: the first result at the top, all of them under ``results``."""
    first = done.results[0]
    return {
        "stem": first.stem,
        "rest": first.rest,
        "mix": first.mix,
        "null_db": first.null_db,
        "presence": first.presence,
        "seconds": round(done.seconds, 3),
        "device": done.device,
        "bundle": done.bundle,
        "prompt": first.prompt,
        "understood": first.understood,
        "sidecar": first.sidecar,
        "level_db": first.level_db,
        "gain_db": first.gain_db,
        "candidate": first.candidate,
        "similarity": first.similarity,
        "made_by": first.made_by,
        "instrument": first.instrument,
        "midi": first.midi,
        "fit": first.fit,
        "start_samples": first.start_samples,
        "length_samples": first.length_samples,
        "rate_hz": first.rate_hz,
        "timings": {stage: round(seconds, 4) for stage, seconds in done.timings.items()},
        "results": plain(done.results),
    }


def _lines(done: Done, rule: TaskRule) -> Iterator[str]:
    regions = [_region_of(result) for result in done.results]
    several = len(set(regions)) > 1
    for result, region, following in zip(done.results, regions, [*regions[1:], ""], strict=True):
        as_worded = (
            f" ({result.task})" if result.task and rule_of(result.task) != rule and not result.understood else ""
        )
        where = f", {region}" if several else ""
        sum_follows = region == following and not result.rest  # what all stems add up to is told below the last
        yield (result.understood or result.prompt or "like the examples") + as_worded + where
        yield from (f"  {line}" for line in _result_lines(result, rule, with_null=not sum_follows))
    yield f"{done.seconds:.1f} s on {done.device} with bundle {done.bundle}"


def _result_lines(result: StemResult, rule: TaskRule, with_null: bool) -> Iterator[str]:
    is_swap = bool(result.mix) and not rule.together
    sought, alike = ("the old sound", "of the new stem to its prompt") if is_swap else ("it", "to the prompt")
    files = {"mix": result.mix, "stem": result.stem, "rest": result.rest}
    asked = rule_of(result.task).answer.name.lower() if result.task else "stem"
    for part in sorted(files, key=lambda part: (part != "mix", part != asked)):  # what was asked for comes first
        if path := files[part]:
            yield f"{part:<9} {_shown(path)}"
    if result.null_db is not None and with_null:
        exact = result.null_db <= BIT_FOR_BIT_DB
        parts = "stem + rest" if result.rest and not rule.together else "the sum of all stems"
        whole = "mix" if result.mix else "input"
        yield "null      " + (f"{parts} is the {whole}, bit for bit" if exact else f"{result.null_db:.1f} dB")
    if result.level_db is not None:
        level = f"{result.level_db:.1f} dB against the mix" if result.level_db > BIT_FOR_BIT_DB else "silence"
        yield f"level     {level}" + (", the new stem" if is_swap else "")
    if result.level_db is not None or result.presence < LIKELY_THERE:
        made = not rule.masked and result.level_db is None and not is_swap
        means = FAINT if made else f"{sought} seems not to be there"
        yield f"presence  {result.presence:.2f}" + ("" if result.presence >= LIKELY_THERE else f": {means}")
    if len(result.presence_windows) > 1:
        yield f"heard     {_heard(result.presence_windows)}"
    if result.instrument:
        yield f"made by   recorded {result.instrument}, which plays notes"
    elif result.made_by:
        yield "made by   the flow model"
    if result.midi:
        yield f"notes     {_shown(result.midi)}"
    if result.fit is not None:
        yield f"fit       {result.fit:.2f} to the music that was given"
    if result.similarity is not None:
        yield f"similar   {result.similarity:.2f} {alike}, as the model hears it"
    if result.gain_db:
        on = "on what is new alone" if result.mix else "on stem and rest alike"
        yield f"gain      {result.gain_db:.2f} dB {on}, so that nothing clips"


def _region_of(result: StemResult) -> str:
    """The part of the file that a result covers, as ``--region`` takes it."""
    if not result.rate_hz:  # of a program older than regions of results
        return ""
    start, end = result.start_samples, result.start_samples + result.length_samples
    return _times(start / result.rate_hz, end / result.rate_hz)


def _heard(windows: Windows) -> str:
    """Where a stem is heard, in a few words; ``--json`` tells it window by window.

    Neighbouring windows become one span, as ``--region`` takes it.
    """
    spans = []
    for there, some in itertools.groupby(windows, key=lambda window: window[2] >= LIKELY_THERE):
        same = list(some)
        if there:
            spans.append((same[0][0], same[-1][1]))
    if not spans:
        return "nowhere"
    if len(spans) == 1 and _times(*spans[0]) == _times(windows[0][0], windows[-1][1]):
        return "throughout"
    told = ", ".join(_times(*span) for span in spans[:SHOWN_SPANS])
    return told + (f" and {len(spans) - SHOWN_SPANS} more" if len(spans) > SHOWN_SPANS else "")


def _times(start_s: float, end_s: float) -> str:
    return f"{_time(start_s)}-{_time(end_s)}" + (" s" if end_s < 60 else "")


def _time(seconds: float) -> str:
    """``12.5``, or ``1:05.2`` from a minute on."""
    tenths = round(seconds * 10)
    minutes, rest = divmod(tenths, 600)
    text = f"{rest / 10:04.1f}" if minutes else f"{rest / 10:.1f}"
    return (f"{minutes}:" if minutes else "") + text.removesuffix(".0")


def _shown(path: str) -> str:
    """A path as short as it can be typed from here."""
    with contextlib.suppress(ValueError, OSError):  # another drive, a current folder that is gone
        relative = os.path.relpath(path)
        return relative if len(relative) < len(path) else path
    return path


def _print_json(value: dict[str, Any]) -> None:
    print(json.dumps(finite(value), allow_nan=False), flush=True)
