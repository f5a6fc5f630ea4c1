"""The two commands of the OSC bridge: ``bridge`` listens, ``send`` is for any program that can run a command.

The bridge itself is loaded when it is needed, because its packages are an extra.
"""

from __future__ import annotations

import argparse
import contextlib
import gc
import json
import logging
import queue
import signal
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from engine.cli.job_report import JobReport, reported
from engine.errors import RequestError
from engine.host.client import Engine
from engine.tasks import TASKS

if TYPE_CHECKING:
    from engine.osc import BridgeClient, BridgeResult, BridgeSettings, BridgeState

DEFAULT_PORT = 11100
LOOPBACK = "127.0.0.1"
LINES_LIMIT = 1000  # that wait to be printed
PRINT_LIMIT_S = 0.5  # at the end
NULL_FLOOR_DB, NO_FIGURE = -300.0, 300.0


def _add_bridge(sub: argparse.ArgumentParser) -> None:
    sub.add_argument("--port", type=int, default=DEFAULT_PORT, metavar="N", help="UDP port; default %(default)s")
    sub.add_argument("--tcp-port", type=int, metavar="N", help="TCP port; default the same number")
    sub.add_argument("--lan", action="store_true", help="let other machines speak too; needs --token-file")
    sub.add_argument("--token-file", metavar="F", help="file with one more secret that is taken, 16 bytes or more, "
                     "beside the token in the bridge's folder; yours alone (chmod 600)")  # fmt: skip
    sub.add_argument("--plain-token", action="store_true", help="take a token itself too, from other machines whose "
                     "clients cannot answer a challenge; whoever listens on the network can read it")  # fmt: skip
    sub.add_argument("--no-token", action="store_true", help="let in every program of this machine without a token, "
                     "for plain OSC apps; then so can every other user of this machine")  # fmt: skip
    sub.add_argument("--allow", action="append", default=[], metavar="CIDR", help="network that may speak in LAN mode, "
                     "as 192.168.1.0/24; default private ones")  # fmt: skip
    sub.add_argument("--root", action="append", default=[], metavar="DIR", help="folder clips may lie in; default "
                     "your home folder")  # fmt: skip
    sub.add_argument("--out", metavar="DIR", help="folder for the results; default Fluxstem in your home folder")
    sub.add_argument("--bundle", metavar="NAME", default="small", help="taken when a message names none")
    sub.add_argument("--home", metavar="DIR", help="folder for journal and state; default in your user data")
    sub.add_argument("--oscquery", type=int, nargs="?", const=0, metavar="PORT", help="serve the table over HTTP")
    sub.add_argument("--zeroconf", action="store_true", help="announce the bridge on the network")
    sub.add_argument("--json", action="store_true", help="first line on standard output is one JSON object")
    sub.set_defaults(command=run_bridge)


def _add_send(sub: argparse.ArgumentParser) -> None:
    tasks = ", ".join(TASKS)
    sub.add_argument("what", metavar="WHAT", help=f"a task ({tasks}), or ping, version, status, bundles, jobs, "
                     "result, cancel, help")  # fmt: skip
    sub.add_argument("words", metavar="WORD", nargs="*", help="of a task: audio file (if it takes one) and prompt; "
                     "else the arguments of the message")  # fmt: skip
    sub.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="another argument of the task, "
                     "as start=1.5; fluxstem send help TASK lists them")  # fmt: skip
    sub.add_argument("--id", help="your own name for the job; the same name again is the same job")
    sub.add_argument("--wait", action="store_true", help="until the job is done; prints where the files are")
    sub.add_argument("--report", metavar="FILE", help="wait, and keep in FILE how the job stands, for scripts that "
                     "look there now and then: waiting, running, done and the paths, or fail and why")  # fmt: skip
    sub.add_argument("--host", default=LOOPBACK, metavar="H", help="where the bridge runs; default this machine")
    sub.add_argument("--port", type=int, metavar="N", help="its port; default the one its state file tells")
    sub.add_argument("--home", metavar="DIR", help="the bridge's folder, with its state file and token")
    sub.add_argument("--tcp", action="store_true", help="speak TCP, which loses nothing")
    sub.add_argument("--token-file", metavar="F", help="file with the token of a bridge on another machine; on this "
                     "one it is read from the bridge's folder")  # fmt: skip
    sub.add_argument("--by-wire", action="store_true", help="send and fetch sound over TCP; so it is for another "
                     "machine; with --wait")  # fmt: skip
    sub.add_argument("--out", metavar="DIR", default=".", help="folder for fetched files; default this one")
    sub.add_argument("--json", action="store_true", help="last line on standard output is one JSON object")
    sub.set_defaults(command=run_send)


COMMANDS: tuple[tuple[str, Callable[[argparse.ArgumentParser], None], str], ...] = (
    ("bridge", _add_bridge, "listen for OSC messages of a DAW until stopped"),
    ("send", _add_send, "ask a running bridge, from any program that can run a command"),
)


def run_bridge(arguments: argparse.Namespace, engine: Engine | None) -> int:
    """``fluxstem bridge``."""
    with _needs_osc():
        from engine.osc import Bridge
    settings = _settings(arguments)
    stop = threading.Event()
    with contextlib.ExitStack() as stack:
        stack.enter_context(_stopped_by_signals(stop))
        is_own = engine is None
        engine = engine or stack.enter_context(Engine())
        bridge = Bridge(engine, settings)
        state = bridge.start()
        if is_own:
            engine.warm(settings.bundle, writable=bridge.writable)
        stack.callback(bridge.close)
        if arguments.json:
            print(json.dumps(asdict(state)), flush=True)
        print("\n".join(_greeting(state, settings, bridge.taken_up)), flush=True)
        stack.enter_context(_lines_printed())
        gc.freeze()  # what is loaded by now stays; looking through it again and again would make pauses
        while not stop.wait(0.5):  # in short waits, because Windows delivers a Ctrl-C only between them
            pass
    return 0


def run_send(arguments: argparse.Namespace, engine: Engine | None) -> int:
    """``fluxstem send``."""
    with _needs_osc():
        from engine.osc import BridgeClient, read_state
    state = read_state(Path(arguments.home) if arguments.home else None) if arguments.host == LOOPBACK else None
    tcp = arguments.tcp or (arguments.what in TASKS and _by_wire(arguments))
    port = arguments.port or ((state.tcp_port if tcp else state.udp_port) if state else DEFAULT_PORT)
    home = Path(arguments.home) if arguments.home else None
    with (
        reported(arguments.report) as report,
        BridgeClient(arguments.host, port, tcp=tcp, token=_token(arguments.token_file), home=home) as bridge,
    ):
        if arguments.what in TASKS:
            return _send_task(bridge, arguments, report)
        return _send_question(bridge, arguments)


def _settings(arguments: argparse.Namespace) -> BridgeSettings:
    from engine.osc import BridgeSettings

    return BridgeSettings(
        port=_port(arguments.port), tcp_port=None if arguments.tcp_port is None else _port(arguments.tcp_port),
        lan=arguments.lan, token=_token(arguments.token_file), plain_token=arguments.plain_token,
        no_token=arguments.no_token, allow=tuple(arguments.allow),
        roots=tuple(map(Path, arguments.root)) or (Path.home(),),
        out=Path(arguments.out) if arguments.out else Path.home() / "Fluxstem",
        bundle=arguments.bundle, home=Path(arguments.home) if arguments.home else None,
        oscquery_port=None if arguments.oscquery is None else _port(arguments.oscquery), zeroconf=arguments.zeroconf,
    )  # fmt: skip


def _greeting(state: BridgeState, settings: BridgeSettings, taken_up: int) -> Iterator[str]:
    from engine.osc.home import TOKEN, default_home

    if settings.port not in (0, state.udp_port):
        yield f"port {settings.port} is taken by {_who_has(settings.port)}; the next free one is used"
    who = "everybody with a token" if state.lan else "this machine only"
    if settings.no_token:
        who += ", without a token"
    yield f"listening on {state.host}, UDP port {state.udp_port} and TCP port {state.tcp_port}, for {who}"
    if state.http_port:
        yield f"OSCQuery at http://{LOOPBACK}:{state.http_port}/"
    if not settings.no_token:
        yield f"the token is in {(settings.home or default_home()) / TOKEN}; --no-token lets plain OSC programs in"
    yield f"clips may lie in {', '.join(str(root) for root in settings.roots)}; results go to {settings.out}"
    if taken_up:
        yield f"{taken_up} unfinished jobs of the last run are done now"


def _who_has(port: int) -> str:
    from engine.osc import BridgeClient

    with contextlib.suppress(Exception), BridgeClient(port=port, token=b"", patience_s=1.0) as bridge:
        words = bridge.ask("/fluxstem/version", answers=("/fluxstem/version.reply",)).args
        version, pid, owner = map(str, words[1:])
        return f"another Fluxstem {version} bridge (process {pid}, {owner})"
    return "another program"


def _send_task(bridge: BridgeClient, arguments: argparse.Namespace, report: JobReport | None) -> int:
    from engine.osc.transfer import send_clip

    takes_file = TASKS[arguments.what].input_slot is not None
    if len(arguments.words) != 1 + takes_file:
        needed = "an audio file and a prompt" if takes_file else "a prompt"
        raise RequestError(
            "send {what} takes {needed}, got {count} words; quote the prompt",
            what=arguments.what, needed=needed, count=len(arguments.words),
        )  # fmt: skip
    *files, prompt = arguments.words
    source = str(Path(files[0]).absolute()) if files else None
    by_wire = _by_wire(arguments)
    if by_wire and source is not None:
        if not Path(source).is_file():
            raise RequestError("there is no file {path}; check the path", path=files[0])
        source = f"clip:{send_clip(bridge, Path(source))}"
    job = bridge.start(arguments.what, source, prompt, id=arguments.id, **_options(arguments.set))
    if not (arguments.wait or by_wire or report):
        print(json.dumps({"id": job}) if arguments.json else job)
        return 0
    made = bridge.wait(job, report.progress) if report else bridge.wait(job)
    paths = _fetched(bridge, made, arguments) if by_wire else list(made.paths)
    if report:
        report.done(made.start_samples, made.length_samples, made.rate_hz, paths)
    if arguments.json:
        print(json.dumps({**asdict(made), "paths": paths}))
    else:
        print("\n".join([*paths, *_figures(made)]))
    return 0


def _figures(made: BridgeResult) -> Iterator[str]:
    if made.null_db != NO_FIGURE:
        exact = made.null_db <= NULL_FLOOR_DB
        yield "null: " + ("stem + rest is the input, bit for bit" if exact else f"{made.null_db:.1f} dB")
    yield f"presence: {made.presence:.2f}"


def _by_wire(arguments: argparse.Namespace) -> bool:
    """Whether sound travels as messages, which needs TCP."""
    return bool(arguments.by_wire) or arguments.host not in (LOOPBACK, "localhost", "::1")


def _fetched(bridge: BridgeClient, made: BridgeResult, arguments: argparse.Namespace) -> list[str]:
    folder = Path(arguments.out)
    folder.mkdir(parents=True, exist_ok=True)
    return [str(_fetch_one(bridge, made, number, folder)) for number in range(1, len(made.paths) + 1)]


def _fetch_one(bridge: BridgeClient, made: BridgeResult, number: int, folder: Path) -> Path:
    """Fetch a file that is whole or not there, and place it beside whatever has its name already."""
    from engine.osc.transfer import fetch

    wanted = folder / Path(made.paths[number - 1]).name
    with tempfile.TemporaryDirectory(dir=folder, prefix=".fluxstem-") as scratch:
        draft = Path(scratch) / "draft"
        with draft.open("xb") as stream:
            fetch(bridge, made.id, str(number), stream)
        return _placed(draft, wanted)


def _placed(draft: Path, wanted: Path) -> Path:
    number = 1
    while True:
        place = wanted if number == 1 else wanted.with_stem(f"{wanted.stem} ({number})")
        try:
            with place.open("xb"):
                pass
        except FileExistsError:
            number += 1
            continue
        return draft.replace(place)


def _send_question(bridge: BridgeClient, arguments: argparse.Namespace) -> int:
    from engine.osc.protocol.requests import ROWS
    from engine.osc.protocol.specs import at

    row = ROWS.get(at(arguments.what))
    if row is None or not row.replies or "/" in arguments.what:
        raise RequestError("there is nothing called {what} to send; see fluxstem send --help", what=arguments.what)
    last = tuple(reply for reply in row.replies if reply.endswith(".end")) or row.replies
    answer = None
    for message in bridge.hear(lambda: bridge.send(row.address, *arguments.words)):
        if message.address in (*row.replies, at("fail"), at("error")):
            print(" ".join([message.address, *map(str, message.args)]))
            answer = message
        if answer is not None and answer.address in (*last, at("fail"), at("error")):
            break
    if answer is None:
        raise RequestError("the bridge did not answer {address}; ask again", address=row.address)
    return 0 if answer.address not in (at("fail"), at("error")) else 2


def _options(pairs: list[str]) -> dict[str, str | bytes | int | float | bool | None]:
    options: dict[str, str | bytes | int | float | bool | None] = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals or name in ("id", "input", "prompt"):
            raise RequestError("--set {pair} is not allowed; give NAME=VALUE, as start=1.5", pair=pair)
        is_path = name in ("rest", "image", "video", "audio") and value and not value.startswith("clip:")
        options[name] = str(Path(value).absolute()) if is_path else value
    return options


def _token(path: str | None) -> bytes | None:
    if path is None:
        return None
    from engine.osc import read_secret

    try:
        return read_secret(Path(path))
    except OSError as error:
        raise RequestError(
            "the token file {path} cannot be read ({why}); check the path", path=path, why=error.strerror
        ) from None


def _port(number: int) -> int:
    if not 0 <= number <= 65535:
        raise RequestError("port {number} is not allowed; give a number from 0 (any) to 65535", number=number)
    return number


class _Printer(logging.Handler):
    """Prints lines from a thread of its own: a terminal that stands still, or a full pipe, must not stop the bridge.

    Args:
        level: of the lines that are printed, and above.
        stream: where to.
    """

    def __init__(self, level: int, stream: TextIO) -> None:
        super().__init__(level)
        self._stream = stream
        self._lines: queue.Queue[str | None] = queue.Queue(LINES_LIMIT)
        self._left_out = 0
        self._thread = threading.Thread(target=self._print, name="fluxstem-lines", daemon=True)
        self._thread.start()

    def emit(self, record: logging.LogRecord) -> None:
        """Take a line; where too many wait, it is left out and counted."""
        try:
            self._lines.put_nowait(self.format(record))
        except queue.Full:
            self._left_out += 1

    def close(self) -> None:
        """Print what can be printed at once."""
        with contextlib.suppress(queue.Full):
            self._lines.put_nowait(None)
        self._thread.join(PRINT_LIMIT_S)
        super().close()

    def _print(self) -> None:
        with contextlib.suppress(OSError, ValueError):  # nobody reads any more
            while (line := self._lines.get()) is not None:
                print(line, file=self._stream, flush=True)
                if self._left_out and self._lines.empty():
                    text = f"{self._left_out} lines were left out, because they came faster than they were read"
                    print(text, file=self._stream, flush=True)
                    self._left_out = 0


@contextlib.contextmanager
def _lines_printed() -> Iterator[None]:
    """One line on the terminal for each job that ends or is refused, and one on standard error for each warning."""
    from engine.osc import JOB_LOG

    jobs, all_of_it = logging.getLogger(JOB_LOG), logging.getLogger("engine")
    printers = {jobs: _Printer(logging.INFO, sys.stdout)}
    if not logging.getLogger().handlers:  # --debug has one, which prints everything
        printers[all_of_it] = _Printer(logging.WARNING, sys.stderr)
    before = jobs.level
    for logger, printer in printers.items():
        logger.addHandler(printer)
    jobs.setLevel(logging.INFO)
    try:
        yield
    finally:
        jobs.setLevel(before)
        for logger, printer in printers.items():
            logger.removeHandler(printer)
            printer.close()


@contextlib.contextmanager
def _stopped_by_signals(stop: threading.Event) -> Iterator[None]:
    """A polite end for whoever stops the process, at whatever line it is: by Ctrl-C or from outside."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {
        number: signal.signal(number, lambda number, frame: stop.set()) for number in (signal.SIGINT, signal.SIGTERM)
    }
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextlib.contextmanager
def _needs_osc() -> Iterator[None]:
    try:
        yield
    except ModuleNotFoundError as error:
        if (error.name or "").split(".")[0] != "pythonosc":
            raise
        raise RequestError("the OSC bridge needs python-osc; install it with: pip install 'fluxstem[osc]'") from None
