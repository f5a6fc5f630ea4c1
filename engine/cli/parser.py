"""The command line: what can be typed, and which exit code it ends with.

The commands for tasks are derived from the task table, their options from the options table. Exit codes: 0 done; 1 some
of many files failed; 2 the request, the bundle or the output folder is not usable; 3 the device or the engine failed;
130 stopped by Ctrl-C.
"""

from __future__ import annotations

import argparse
import contextlib
import logging
import os
import sys
import traceback
from collections.abc import Callable, Sequence
from typing import Any, NoReturn

from engine.checks import check_region
from engine.cli import batch, bridge, bundles, commands, mcp, notes, plugins, session
from engine.cli.positionals import prompt_text
from engine.errors import Cancelled, EngineError, RequestError
from engine.host.client import Engine
from engine.options import Kind, Option, by_rule
from engine.places import PlacedRegion, region_of
from engine.request import EXAMPLE_KINDS, OPTIONS
from engine.tasks import TASKS, TaskRule
from engine.version import engine_version

DONE, FAILED, STOPPED = 0, 3, 130

_SEVERAL_FILES = (
    "Several files and folders may be named: what exists is a file, anything else is a prompt. They are done one after "
    "the other. Exit codes: 0 all done, 1 some files failed, 2 refused, 3 the device or the engine failed."
)


def main(argv: Sequence[str] | None = None, engine: Engine | None = None) -> int:
    """Run one command.

    Args:
        argv: words after the program's name; None means those of this process.
        engine: does the work; None means one is made for this command and closed after it.

    Returns:
        The exit code.
    """
    _prepare_streams()
    debug = bool(os.environ.get("FLUXSTEM_DEBUG"))
    try:
        arguments = _parsed(argv)
        if debug := debug or arguments.debug:
            os.environ["FLUXSTEM_DEBUG"] = "1"  # for the engine process
            logging.basicConfig(level=logging.DEBUG, format="%(asctime)s %(name)s: %(message)s")
        command: Callable[[argparse.Namespace, Engine | None], int] = arguments.command
        return command(arguments, engine)
    except (KeyboardInterrupt, Cancelled):
        return _say("cancelled; nothing was written", STOPPED, debug)
    except EngineError as error:
        return _say(str(error), commands.exit_code(error), debug)
    except BrokenPipeError:
        # Whoever read our output has gone; keep Python from complaining about it at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    except Exception as error:
        what = f"internal error ({type(error).__name__}: {error}); run it again with --debug for details"
        return _say(what, FAILED, debug)


def parser() -> argparse.ArgumentParser:
    """The whole command line."""
    top = _Parser(
        prog="fluxstem",
        description="Take a named stem out of a real mix, or make a new one.",
        epilog="For example: fluxstem isolate mix.wav violin --out stems. COMMAND --help tells what a command takes.",
    )
    top.add_argument("--version", action="version", version=f"fluxstem {engine_version()}")
    _add_debug(top)
    top.set_defaults(command=_show_window_or_help(top), debug=False, file=None)
    subparsers = top.add_subparsers(title="commands", metavar="COMMAND", parser_class=_Parser)
    for task, rule in TASKS.items():
        _add_task(subparsers.add_parser(task, help=rule.doc, description=_sentence(rule.doc)), task, rule)
    doc = "do the same to many files: folders, globs; goes on where it was stopped"
    _add_batch(subparsers.add_parser("batch", help=doc, description=_sentence(doc)))
    _add_rerun(subparsers.add_parser("rerun", help="make a result again from the JSON beside it"))
    window = subparsers.add_parser("desktop", help="open the window", description="Open the window.")
    window.add_argument("file", metavar="FILE", nargs="?", help="a mix or a project to open")
    window.set_defaults(command=commands.desktop)
    _add_debug(window)
    doc = "list the installed bundles, add one from a folder or a zip file, remove one"
    sub = subparsers.add_parser("bundles", help=doc, description=_sentence(doc))
    bundles.add_to(sub, _add_debug)
    doc = "scan for plug-ins, list and show them, put a file through a chain of effects"
    sub = subparsers.add_parser("plugins", help=doc, description=_sentence(doc))
    plugins.add_to(sub, _add_debug)
    doc = "put results into a session that a DAW opens, every stem at its place"
    sub = subparsers.add_parser("export-session", help=doc, description=_sentence(doc))
    session.add_to(sub)
    _add_json(sub)
    _add_debug(sub)
    doc = "hear the notes, strokes, tempo and key of a stem, and write them as a MIDI file"
    sub = subparsers.add_parser("notes", help=doc, description=_sentence(doc))
    notes.add_to(sub)
    _add_json(sub)
    _add_debug(sub)
    doc = "check versions, devices, bundles, audio devices and folders"
    sub = subparsers.add_parser("doctor", help=doc, description=_sentence(doc))
    _add_json(sub)
    _add_debug(sub)
    sub.set_defaults(command=commands.doctor)
    sub.add_argument(
        "--build-engines", action="store_true", help="first build the engines of TensorRT, so that no job has to wait"
    )
    sub.add_argument("--embed-engines", action="store_true", help="also write graphs with their engines inside, which "
                     "open faster (EP context); with --build-engines")  # fmt: skip
    sub.add_argument("--bundle", metavar="NAME", default="small", help="whose engines; default %(default)s")
    sub.add_argument(
        "--device", metavar="tensorrt[:N]", default="tensorrt", help="card to build for; default the first"
    )
    doc = "serve an assistant over standard input and output (Model Context Protocol)"
    sub = subparsers.add_parser("mcp", help=doc, description=_sentence(doc))
    mcp.add_to(sub)
    _add_debug(sub)
    for name, add, doc in bridge.COMMANDS:
        sub = subparsers.add_parser(name, help=doc, description=_sentence(doc))
        add(sub)
        _add_debug(sub)
    return top


def _parsed(argv: Sequence[str] | None) -> argparse.Namespace:
    """The arguments; argparse itself takes no prompts after an option that follows other prompts."""
    top = parser()
    arguments, others = top.parse_known_args(argv)
    if others and (not hasattr(arguments, "prompts") or any(word.startswith("-") for word in others)):
        command = f"fluxstem {arguments.task}" if hasattr(arguments, "task") else "fluxstem"
        words = " ".join(others)
        raise RequestError("unrecognized arguments: {words}; see {command} --help", words=words, command=command)
    if others:
        arguments.prompts = [*arguments.prompts, *map(prompt_text, others)]
    return arguments


class _Parser(argparse.ArgumentParser):
    """Complains in one sentence, as the rest of the program does; takes options by their whole names alone.

    ``isolate --rest FILE`` would else be ``--rest-prompt FILE``.
    """

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings, allow_abbrev=False)

    def error(self, message: str) -> NoReturn:
        raise RequestError("{message}; see {command} --help", message=message, command=self.prog)


def _add_task(sub: argparse.ArgumentParser, task: str, rule: TaskRule) -> None:
    """A command for a row of the task table, with an option for each row of the options table that it takes."""
    sub.set_defaults(command=commands.run_task, task=task)
    if rule.input_slot is not None:
        sub.epilog = _SEVERAL_FILES
    for row in OPTIONS.values():
        if row.takes(rule):
            _add_option(sub, row, rule)
    _add_json(sub)
    _add_debug(sub)


def _add_batch(sub: argparse.ArgumentParser) -> None:
    """The command for many files: an option for each row that any of its tasks takes."""
    batch.add_to(sub)
    for row in OPTIONS.values():
        rule = batch.rule_for(row)
        if rule is not None:
            _add_option(sub, row, rule)
    _add_json(sub)
    _add_debug(sub)


def _add_option(sub: argparse.ArgumentParser, row: Option, rule: TaskRule) -> None:
    if row.kind == "example":
        _add_examples(sub, row)
    elif row.flag:
        sub.add_argument(row.flag, dest=row.name, help=_escaped(row.help(rule)), **_settings(row, rule))
    elif metavar := by_rule(row.metavar, rule):
        several: dict[str, Any] = {"nargs": "*"} if row.many else {}
        doc = _escaped(row.help(rule))
        sub.add_argument(row.name, metavar=metavar, help=doc, type=_TYPES.get(row.kind, str), **several)


def _settings(row: Option, rule: TaskRule) -> dict[str, Any]:
    """What argparse is told of an option besides its name and its help."""
    if row.kind == "flag":
        return {"action": "store_true"}
    settings: dict[str, Any] = {"type": _TYPES.get(row.kind, str), "required": row.needs(rule)}
    settings |= {"action": "append", "default": []} if row.many else {"default": row.default}
    if row.numbered:  # argparse could not say it; ``engine.checks`` refuses the others
        return settings | {"metavar": f"{{{','.join(row.choices)}}}[:N]"}
    return settings | ({"choices": row.choices} if row.choices else {"metavar": by_rule(row.metavar, rule)})


def _add_examples(sub: argparse.ArgumentParser, row: Option) -> None:
    """Examples of any kind go with each prompt, or stand alone; each may come several times."""
    sub.add_argument(
        "--prompt-text", dest="prompt_texts", action="append", default=[], type=prompt_text, metavar="TEXT",
        help="another PROMPT; a few words, a caption or a story",
    )  # fmt: skip
    for kind, doc in EXAMPLE_KINDS.items():
        sub.add_argument(
            f"--prompt-{kind}", dest=row.name, action="append", default=[], type=f"{kind}:{{}}".format,
            metavar="FILE", help=f"{doc}; FILE#t=12,20 is a part of it",
        )  # fmt: skip


def _escaped(text: str) -> str:
    return text.replace("%", "%%")


def _add_rerun(sub: argparse.ArgumentParser) -> None:
    sub.description = "Make a result again: the same samples, on the same device."
    sub.add_argument("sidecar", metavar="FILE.json", help="the JSON beside a result")
    sub.add_argument("--out", metavar="DIR", help="folder for the new result; default: beside the JSON")
    sub.add_argument("--input", metavar="FILE", help="where the input is now, if it has moved")
    sub.add_argument("--rest", metavar="FILE", help="where the rest is now, if it has moved")
    sub.add_argument("--bundle", metavar="NAME", help="where the bundle is now, if it has moved")
    sub.add_argument(
        "--device", metavar=f"{{{','.join(OPTIONS['device'].choices)}}}[:N]",
        help="another device than then; samples may differ slightly",
    )  # fmt: skip
    sub.set_defaults(command=commands.rerun)
    _add_json(sub)
    _add_debug(sub)


def _add_json(sub: argparse.ArgumentParser) -> None:
    sub.add_argument("--json", action="store_true", help="last line on standard output is one JSON object")


def _add_debug(sub: argparse.ArgumentParser) -> None:
    sub.add_argument("--debug", action="store_true", default=argparse.SUPPRESS, help="show logs and tracebacks")


def _region(text: str) -> PlacedRegion:
    """A region as it was typed; one in samples is checked when the rate of its file is known."""
    try:
        start, end = region_of(text)
        if not (start.in_samples or end.in_samples):
            check_region((start.number, end.number))
    except RequestError as error:
        raise argparse.ArgumentTypeError(str(error)) from error
    return start, end


_TYPES: dict[Kind, Callable[[str], Any]] = {"whole": int, "number": float, "words": prompt_text, "region": _region}


def _show_window_or_help(top: argparse.ArgumentParser) -> Callable[[argparse.Namespace, Engine | None], int]:
    """What happens without a command: the window where there can be one, else the help."""

    def show(arguments: argparse.Namespace, engine: Engine | None) -> int:
        if commands.can_show_window():
            return commands.desktop(arguments, engine)
        top.print_help()
        return DONE

    return show


def _sentence(doc: str) -> str:
    return doc[0].upper() + doc[1:] + "."


def _say(message: str, code: int, debug: bool) -> int:
    if debug:
        traceback.print_exc()
    with contextlib.suppress(OSError):
        print(f"fluxstem: {' '.join(message.splitlines())}", file=sys.stderr)
    return code


def _prepare_streams() -> None:
    """Whoever started us may have closed one, and file names may hold what the terminal's encoding cannot show."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "w"))  # noqa: SIM115
        reconfigure = getattr(getattr(sys, name), "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="backslashreplace")
