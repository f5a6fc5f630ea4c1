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
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from engine.errors import Cancelled, RequestError
from engine.events import BIT_FOR_BIT_DB, Done, Event, Progress, StemResult
from engine.host.client import Engine
from engine.provenance import rerun_request
from engine.request import OPTIONS, Request, region_fields
from engine.serialization import finite, plain
from engine.tasks import Rule, rule_of

CANCEL_LIMIT_S = 20.0
LIKELY_THERE = 0.5
SHOWN_WINDOWS = 12
Windows = tuple[tuple[float, float, float], ...]  # (start_s, end_s, presence)
FAINT = "the model made it very quiet and it was lifted; try more --steps or other words"


def run_task(arguments: argparse.Namespace, engine: Engine | None) -> int:
    """A row of the task table."""
    values = {name: value for name, value in vars(arguments).items() if name in OPTIONS}
    values |= {name: tuple(value) for name, value in values.items() if OPTIONS[name].many}
    values["prompts"] += tuple(arguments.prompt_texts)
    request = Request(**values | region_fields(values.get("regions_s", ())))
    return _run(request, engine, arguments.json)


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

    findings = examine()
    if arguments.json:
        _print_json(findings)
    else:
        print("\n".join(lines(findings)))
    return 0 if findings["ok"] else 3


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


def _run(request: Request, engine: Engine | None, as_json_line: bool) -> int:
    with contextlib.ExitStack() as stack:
        engine = engine or stack.enter_context(Engine())
        done = _finish(engine, request)
    if as_json_line:
        _print_json(summary(done))
    else:
        print("\n".join(_lines(done, rule_of(request.task))))
    return 0


def _finish(engine: Engine, request: Request) -> Done:
    """Wait for a request; Ctrl-C cancels it, and a second one ends the engine process at once."""
    with _progress_bar(engine):
        job = engine.submit(request)
        try:
            return engine.wait(job)
        except KeyboardInterrupt:
            engine.cancel(job)
            try:
                return engine.wait(job, CANCEL_LIMIT_S)  # it may have been finished already
            except (TimeoutError, KeyboardInterrupt):
                engine.close(limit_s=0.0)
                raise Cancelled("the device was busy and had to be stopped") from None


@contextlib.contextmanager
def _progress_bar(engine: Engine) -> Iterator[None]:
    """A bar with the time left on a terminal, nothing elsewhere."""
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
                bar.set_description_str(event.stage, refresh=False)
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
        "sidecar": first.sidecar,
        "level_db": first.level_db,
        "gain_db": first.gain_db,
        "candidate": first.candidate,
        "similarity": first.similarity,
        "start_samples": first.start_samples,
        "length_samples": first.length_samples,
        "rate_hz": first.rate_hz,
        "timings": {stage: round(seconds, 4) for stage, seconds in done.timings.items()},
        "results": plain(done.results),
    }


def _lines(done: Done, rule: Rule) -> Iterator[str]:
    for result in done.results:
        as_worded = f" ({result.task})" if result.task and rule_of(result.task) != rule else ""
        yield (result.prompt or "like the examples") + as_worded
        yield from (f"  {line}" for line in _result_lines(result, rule))
    yield f"{done.seconds:.1f} s on {done.device} with bundle {done.bundle}"


def _result_lines(result: StemResult, rule: Rule) -> Iterator[str]:
    is_swap = bool(result.mix) and not rule.together
    sought, alike = ("the old sound", "of the new stem to its prompt") if is_swap else ("it", "to the prompt")
    if result.mix:
        yield f"mix       {_shown(result.mix)}"
    if result.stem:
        yield f"stem      {_shown(result.stem)}"
    if result.rest:
        yield f"rest      {_shown(result.rest)}"
    if result.null_db is not None:
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
        yield "windows   " + ", ".join(
            f"{there:.2f} {first:g}-{last:g} s" for first, last, there in _spans(result.presence_windows)
        )
    if result.similarity is not None:
        yield f"similar   {result.similarity:.2f} {alike}, as the model hears it"
    if result.gain_db:
        on = "on what is new alone" if result.mix else "on stem and rest alike"
        yield f"gain      {result.gain_db:.2f} dB {on}, so that nothing clips"


def _spans(windows: Windows) -> Windows:
    """Windows as one line can hold them: where there are many, neighbours that say the same become one."""
    if len(windows) <= SHOWN_WINDOWS:
        return windows
    spans = []
    for _, some in itertools.groupby(windows, key=lambda window: window[2] >= LIKELY_THERE):
        same = list(some)
        spans.append((same[0][0], same[-1][1], max(there for *_, there in same)))
    return tuple(spans)


def _shown(path: str) -> str:
    """A path as short as it can be typed from here."""
    with contextlib.suppress(ValueError, OSError):  # another drive, a current folder that is gone
        relative = os.path.relpath(path)
        return relative if len(relative) < len(path) else path
    return path


def _print_json(value: dict[str, Any]) -> None:
    print(json.dumps(finite(value), allow_nan=False), flush=True)
