"""The command line: what can be typed, and which exit code it ends with.

The commands for tasks are derived from the task table. Exit codes: 0 done; 2 the request, the bundle or the output
folder is not usable; 3 the device or the engine failed; 130 stopped by Ctrl-C. Knows nothing of audio or graphs.
"""

from __future__ import annotations

import argparse
import contextlib
import logging
import os
import re
import sys
import traceback
from collections.abc import Callable, Sequence
from typing import Any, NoReturn, get_args

from engine.checks import check_region
from engine.cli import bridge, bundles, commands
from engine.errors import BundleError, Cancelled, EngineError, OutputError, RequestError
from engine.host.client import Engine
from engine.messages import CONDITIONS, Device, Format, Render, Start
from engine.tasks import SLOT_NAMES, TASKS, Rule, Span, rule_of
from engine.version import engine_version

DONE, REFUSED, FAILED, STOPPED = 0, 2, 3, 130

_TIME = r"\s*(?:(\d+):)?(\d+\.?\d*|\.\d+)\s*"  # seconds, or minutes:seconds
_REGION = re.compile(f"{_TIME}-{_TIME}")
_REGION_HELP = {  # text, and whether it must be given
    Span.NO: ("seconds to work on, as 12.5-20.0 or 1:05-1:20, one result for each --region; default all", False),
    Span.OPTIONAL: ("seconds to change, as 12.5-20.0 or 1:05-1:20; may be given several times; default all", False),
    Span.REQUIRED: ("seconds to fill, as 12.5-20.0 or 1:05-1:20; may be given several times", True),
}
_EXAMPLES_HELP = {
    "image": "picture of what to look for; of a video, its first frame",
    "video": "video that runs beside the input and shows who plays when",
    "audio": "sound like the one to look for; of a video, its sound",
}
_WHAT_IS_GIVEN = {"MIX": "the mix", "STEM": "the stem", "REST": "the music the new stem is to fit"}


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
    except (RequestError, BundleError, OutputError) as error:
        return _say(str(error), REFUSED, debug)
    except EngineError as error:
        return _say(str(error), FAILED, debug)
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
    _add_rerun(subparsers.add_parser("rerun", help="make a result again from the JSON beside it"))
    window = subparsers.add_parser("desktop", help="open the window", description="Open the window.")
    window.add_argument("file", metavar="FILE", nargs="?", help="a mix or a project to open")
    window.set_defaults(command=commands.desktop)
    _add_debug(window)
    doc = "list the installed bundles, add one from a folder or a zip file, remove one"
    sub = subparsers.add_parser("bundles", help=doc, description=_sentence(doc))
    bundles.add_to(sub, _add_debug)
    doc = "check versions, devices, bundles, audio devices and folders"
    sub = subparsers.add_parser("doctor", help=doc, description=_sentence(doc))
    _add_json(sub)
    _add_debug(sub)
    sub.set_defaults(command=commands.doctor)
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
        raise RequestError(f"unrecognized arguments: {' '.join(others)}; see {command} --help")
    if others:
        arguments.prompts = [*arguments.prompts, *map(_words, others)]
    return arguments


class _Parser(argparse.ArgumentParser):
    """Complains in one sentence, as the rest of the program does; takes options by their whole names alone.

    ``isolate --rest FILE`` would else be ``--rest-prompt FILE``.
    """

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings, allow_abbrev=False)

    def error(self, message: str) -> NoReturn:
        raise RequestError(f"{message}; see {self.prog} --help")


def _add_task(sub: argparse.ArgumentParser, task: str, rule: Rule) -> None:
    sub.set_defaults(command=commands.run_task, task=task)
    if rule.input_slot is not None:
        slot = rule.input_slot.name
        doc = f"audio file with {_WHAT_IS_GIVEN[slot]}{_other_inputs(task, rule)}"
        sub.add_argument("input", metavar=slot, help=doc)
    sub.add_argument(
        "prompts", metavar="PROMPT", nargs="*", type=_words, help="a few words, as violin; one result for each"
    )
    if task == "replace":
        doc = "what to put in the place, in a few words, as trumpet"
        sub.add_argument("--with", dest="replacement", metavar="PROMPT", type=_words, default="", help=doc)
    if rule.strength is not None:
        doc = f"0 keeps the old sound, 1 makes it new; default: the bundle's, else {rule.strength:g}"
        sub.add_argument("--strength", type=float, metavar="S", help=doc)
    if rule.together:
        doc = "make the stems in the order they are named, not drums, bass, harmony, lead"
        sub.add_argument("--keep-order", action="store_true", help=doc)
    if rule.any_slot:
        doc = "what to make, and what PROMPT is about: a whole mix, a stem, or the rest around a stem; default stem"
        sub.add_argument("--slot", choices=list(SLOT_NAMES), default="", help=doc)
    if rule.rest_optional:
        doc = "audio file with the music the stem is to fit" + ("; with --slot rest, the stem" if rule.any_slot else "")
        sub.add_argument("--rest", metavar="FILE", help=doc)
    if rule.makes_s is not None:
        doc = f"how many seconds to make; default {rule.makes_s:g}" + (
            ", or as many as --rest" if rule.together else ""
        )
        sub.add_argument("--seconds", type=float, metavar="S", help=doc)
    else:
        doc, needed = _REGION_HELP[rule.span]
        sub.add_argument("--region", type=_region, required=needed, action="append", metavar="A-B", help=doc)
    if rule.masked:
        sub.add_argument(
            "--render",
            choices=get_args(Render),
            default="masked",
            help="masked: your own audio, filtered; flow: filtered by what the flow hears; decoded: the model's own "
            "audio; default %(default)s",
        )
        doc = "how much goes to the stem where the mask is in doubt: 0 makes it clean, 1 full; default %(default)s"
        sub.add_argument("--sensitivity", type=float, default=0.5, metavar="S", help=doc)
        doc = "separator of the bundle that answers, or none; default: the one that knows the prompt, if any"
        sub.add_argument("--expert", metavar="NAME", default="", help=doc)
    _add_choices(sub)
    _add_json(sub)
    _add_debug(sub)


def _other_inputs(task: str, rule: Rule) -> str:
    """What the file is where another slot is made."""
    turned = {name: rule_of(task, name).input_slot for name in SLOT_NAMES if rule.any_slot}
    others = {name: slot.name.lower() for name, slot in turned.items() if slot is not None and slot != rule.input_slot}
    return "".join(f"; with --slot {name}, the {given}" for name, given in others.items())


def _add_choices(sub: argparse.ArgumentParser) -> None:
    sub.add_argument("--out", metavar="DIR", default=".", help="folder for the results; default this one")
    sub.add_argument(
        "--bundle", metavar="NAME", default="small", help="name or folder of a bundle; default %(default)s"
    )
    sub.add_argument("--device", choices=get_args(Device), default="auto", help="default: the fastest that works")
    sub.add_argument("--format", choices=get_args(Format), default="same", help="of the results; default: the input's")
    sub.add_argument("--steps", type=int, metavar="N", help="sampler steps; default: the bundle's for this task")
    sub.add_argument("--guidance", type=float, metavar="W", help="how hard the prompt pushes: 0 not at all, 1 plainly")
    doc = "what --guidance pushes towards; may be given several times; default all of them"
    sub.add_argument("--guide", choices=CONDITIONS, action="append", default=[], help=doc)
    doc = "of the noise sound is made from: less is safer, more is wilder, 1 as in training; default: the bundle's; "
    doc += "1 for several candidates"
    sub.add_argument("--temperature", type=float, metavar="T", help=doc)
    sub.add_argument("--start", choices=get_args(Start), help="where the sampler starts; default: the bundle's")
    _add_examples(sub)
    sub.add_argument(
        "--mix-prompt", type=_words, metavar="TEXT", default="", help="words for the whole, as slow ballad"
    )
    sub.add_argument("--rest-prompt", type=_words, metavar="TEXT", default="", help="words for what goes with the stem")
    doc = "make K results for each prompt, from K seeds, and give all of them, the best first; default %(default)s"
    sub.add_argument("--candidates", type=int, default=1, metavar="K", help=doc)
    sub.add_argument("--seed", type=int, default=0, metavar="S", help="same seed, same result; default %(default)s")


def _add_examples(sub: argparse.ArgumentParser) -> None:
    """Examples of any kind go with each prompt, or stand alone; each may come several times."""
    sub.add_argument(
        "--prompt-text", dest="prompt_texts", action="append", default=[], type=_words, metavar="TEXT",
        help="another PROMPT; a few words, a caption or a story",
    )  # fmt: skip
    for kind, doc in _EXAMPLES_HELP.items():
        sub.add_argument(
            f"--prompt-{kind}", dest="examples", action="append", default=[], type=f"{kind}:{{}}".format,
            metavar="FILE", help=f"{doc}; FILE#t=12,20 is a part of it",
        )  # fmt: skip
    doc = "where there are words too: 0 listens to the words, 1 to the examples only; default %(default)s"
    sub.add_argument("--example-weight", type=float, default=0.5, metavar="W", help=doc)


def _add_rerun(sub: argparse.ArgumentParser) -> None:
    sub.description = "Make a result again: the same samples, on the same device."
    sub.add_argument("sidecar", metavar="FILE.json", help="the JSON beside a result")
    sub.add_argument("--out", metavar="DIR", help="folder for the new result; default: beside the JSON")
    sub.add_argument("--input", metavar="FILE", help="where the input is now, if it has moved")
    sub.add_argument("--rest", metavar="FILE", help="where the rest is now, if it has moved")
    sub.add_argument("--bundle", metavar="NAME", help="where the bundle is now, if it has moved")
    sub.add_argument("--device", choices=get_args(Device), help="another device than then; samples may differ slightly")
    sub.set_defaults(command=commands.rerun)
    _add_json(sub)
    _add_debug(sub)


def _add_json(sub: argparse.ArgumentParser) -> None:
    sub.add_argument("--json", action="store_true", help="last line on standard output is one JSON object")


def _add_debug(sub: argparse.ArgumentParser) -> None:
    sub.add_argument("--debug", action="store_true", default=argparse.SUPPRESS, help="show logs and tracebacks")


def _region(text: str) -> tuple[float, float]:
    match = _REGION.fullmatch(text)
    if match is None:
        raise argparse.ArgumentTypeError(
            f"{text!r} is not a region; give start and end in seconds, as 12.5-20.0, or as 1:05-1:20"
        )
    region_s = int(match[1] or 0) * 60 + float(match[2]), int(match[3] or 0) * 60 + float(match[4])
    try:
        check_region(region_s)
    except RequestError as error:
        raise argparse.ArgumentTypeError(str(error)) from error
    return region_s


def _words(text: str) -> str:
    """The prompt, also where Python took the bytes of a UTF-8 terminal for another encoding's."""
    try:
        return os.fsencode(text).decode("utf-8")
    except UnicodeError:
        return text


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
