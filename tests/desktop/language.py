"""Every text the window may show, and the German file made from it: ``python tests/desktop/language.py``.

The texts are read out of the source: what stands in ``tr("...")``, tables whose rows go through ``tr``, and the
templates of all errors and messages, those of the engine too. Run as a program it prints what has no German yet and
what nobody says any more, then makes the file that Qt reads.
"""

from __future__ import annotations

import ast
import errno
import functools
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from desktop.models.examples import KINDS  # noqa: E402
from desktop.models.job_list import JobState  # noqa: E402
from desktop.views.prompt.advanced import FIELDS  # noqa: E402
from desktop.views.queue_panel import STAGES  # noqa: E402
from desktop.views.sentences import TASK_WORDS  # noqa: E402
from engine import DEVICE_NOTES, OPTIONS, TASKS, VOICE_NOTES  # noqa: E402

RESOURCES = ROOT / "desktop" / "resources"
GERMAN = RESOURCES / "fluxstem_de.ts"
BEATS = ROOT / "engine" / "notes" / "beats.py"  # names the keys that the window shows
TABLES = (
    "ROWS", "SIDES", "STEPS", "HINTS", "DEVICES", "THEMES", "LANGUAGES", "BUFFERS", "BRIDGES", "CHOICES",
    "STATES", "SNAPS", "FOLLOWS",
    "CHOICES_WORDS",
    "FIELDS", "ENDS", "MADE", "WITH", "STAGES", "GROUPS", "TOOLS", "SAYINGS", "PRESETS", "TOKENS", "DEMO_PROMPTS",
    "PARTS", "SOUND_REASONS", "DECODER_REASONS", "NOTHING_SAID",
)  # fmt: skip
CODES = {
    "1",
    "M",
    "S",
    "W",
    "Esc",
    "Home",
    "Space",
    "CPU",
    "CUDA",
    "TensorRT",
    "English",
    "Deutsch",
    "512",
    "1024",
    "2048",
    "WAV 16 bit",
    "WAV 24 bit",
    "WAV 32 bit float",
    "FLAC 24 bit",
    "AIFF 24 bit",
    "MP3",
    "Ogg Vorbis",
    "Opus",
    "AAC (M4A)",
    "TF32",
    "float16",
    "bfloat16",
}

# A shell, scripts and tests read these.
ENGLISH_ONLY = ("batch/", "cli/", "mcp/", "osc/client.py", "osc/transfer.py")
PROGRAMMING = {
    "ValueError",
    "TypeError",
    "AttributeError",
    "IndexError",
    "KeyError",
    "RuntimeError",
    "OSError",
    "FileExistsError",
    "ImportError",
    "AssertionError",
}
PROTOCOL = {"ArgumentError", "ClipError", "PacketError", "FrameError", "BrokenPipeError", "TimeoutError"}
NEVER_SHOWN = {"the window closes", "the export was stopped", "{address}"}
DYNAMIC = {"mute", "solo", "mix", "stem", "rest", "example", "or", "vocals"}  # what tr() is asked for by a variable
SYSTEM_REASONS = {
    os.strerror(number)
    for number in (
        errno.ENOENT, errno.EACCES, errno.EPERM, errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO, errno.EISDIR,
        errno.ENOTDIR, errno.ENAMETOOLONG, errno.EMFILE, errno.EBUSY, errno.EADDRINUSE, errno.ENOTEMPTY,
    )
}  # fmt: skip


def texts() -> set[str]:
    """Every text of the window, and every error of the engine that it may show."""
    found = said_templates() | engine_templates() | option_labels() | SYSTEM_REASONS | DYNAMIC
    found |= {STAGES.get(stage, stage) for stage in stages()}
    for path in sorted((ROOT / "desktop").rglob("*.py")):
        for node in ast.walk(tree_of(path)):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "tr":
                found |= {leaf.value for leaf in ast.walk(node.args[0]) if is_words(leaf)}
            targets = getattr(node, "targets", None) or [getattr(node, "target", None)]
            if getattr(targets[0], "id", "") in TABLES and getattr(node, "value", None) is not None:
                shown = node.value.values if isinstance(node.value, ast.Dict) else [node.value]  # nobody sees a key
                leaves = [leaf for part in shown for leaf in ast.walk(part)]
                found |= {leaf.value for leaf in leaves if is_words(leaf) and is_shown(leaf.value)}
    found |= {*TASK_WORDS.values()} | names_in(tree_of(BEATS))["KEY_NAMES"]
    found |= {state.value for state in JobState} | {kind.plural for kind in KINDS.values()}
    for row in FIELDS:
        option = OPTIONS[row.option]
        found |= set() if row.tip else {option.words(TASKS[task]) for task in option.tasks}
    return found - CODES


def said_templates() -> set[str]:
    """The template of every error and message that models and audio may raise or send."""
    return {text for call in said_calls("desktop") for text in call.templates} - NEVER_SHOWN


def engine_templates() -> set[str]:
    """The template of every error of the engine that can reach the window."""
    found = {text for call in said_calls("engine") for text in call.templates}
    refusals = {row.refusal for row in OPTIONS.values() if row.refusal}
    return (found | refusals | {*DEVICE_NOTES, *VOICE_NOTES}) - NEVER_SHOWN


def option_labels() -> set[str]:
    """How complaints call the options of a request."""
    return {row.said for row in OPTIONS.values()}


def stages() -> set[str]:
    """What a running job may be doing, as the engine and the window's own queue call it."""
    found: set[str] = set()
    for path in (*sources("engine"), *sources("desktop")):
        tree = tree_of(path)
        for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call)):
            if called(call.func) in ("progress", "report") and len(call.args) == 2:
                found |= set(leaves(call.args[1], names_in(tree)))
            found |= {word.value.value for word in call.keywords if word.arg == "stage" and is_words(word.value)}
    return found - {""}


class SaidCall:
    """A place where an error or a message is made.

    Attributes:
        where: file and line.
        templates: what it may say; empty where that is a finished sentence or cannot be told from the source.
    """

    def __init__(self, path: Path, node: ast.Call, named: dict[str, set[str]]) -> None:
        self.where = f"{path.relative_to(ROOT)}:{node.lineno}"
        words_before = ("the example {path} ", "{path} ") if called(node.func) in UNUSABLE else ("",)
        self.templates = {before + words for before in words_before for words in leaves(node.args[0], named)}


@functools.cache
def said_calls(package: str) -> list[SaidCall]:
    """Every error and message of a package that a user may hear of."""
    found = []
    for path in sources(package):
        tree = tree_of(path)
        calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and node.args and is_said(node.func)]
        unknown = [call for call in calls if ast.unparse(call.args[0]) not in KNOWN_ELSEWHERE]
        found += [SaidCall(path, call, names_in(tree)) for call in unknown]
    return found


KNOWN_ELSEWHERE = {
    "template",  # an error or a message made anew from one that was sent
    "error.template",
    "failed.template",
    "failed.message",
    "str(error)",
    "row.refusal",  # of the options table
    "'the example {path} ' + error.template",  # of a decoder
    "'{path} ' + error.template",
}
# Words that the engine puts behind the name of an example or a mix.
UNUSABLE = {"UnusableFile", "DecoderFailed", "NotAContainer", "NoAudioStream"}


def filled_too_early() -> list[str]:
    """Where an error or a message gets a finished sentence in the place of a template and values."""
    return [call.where for package in ("desktop", "engine") for call in said_calls(package) if not call.templates]


def bare_errors() -> list[str]:
    """Where a view shows an error as it came, without asking for its German."""
    found = []
    for path in sorted((ROOT / "desktop" / "views").rglob("*.py")):
        calls = [node for node in ast.walk(tree_of(path)) if isinstance(node, ast.Call)]
        within = {id(call.args[0]) for call in calls if getattr(call.func, "id", "") == "said" and call.args}
        texts_of_errors = [call for call in calls if ast.unparse(call) == "str(error)" and id(call) not in within]
        found += [f"{path.name}:{call.lineno}" for call in texts_of_errors]
    return found


@functools.cache
def sources(package: str) -> list[Path]:
    """The files of a package whose words the window may show."""
    folder = ROOT / package
    paths = sorted(folder.rglob("*.py"))
    if package != "engine":
        return paths
    return [path for path in paths if not path.relative_to(folder).as_posix().startswith(ENGLISH_ONLY)]


@functools.cache
def tree_of(path: Path) -> ast.Module:
    """A file, parsed."""
    return ast.parse(path.read_text(encoding="utf-8"))


@functools.cache
def names_in(tree: ast.Module) -> dict[str, set[str]]:
    """The texts that names of a file stand for: constants, tables, functions, what a loop takes out of a table."""
    named: dict[str, set[str]] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None:
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            for target in targets:
                if isinstance(target, ast.Name):
                    named.setdefault(target.id, set()).update(leaves(node.value, named))
        elif isinstance(node, ast.FunctionDef):
            returned = [
                part.value for part in ast.walk(node) if isinstance(part, ast.Return) and part.value is not None
            ]
            named.setdefault(node.name, set()).update(text for value in returned for text in leaves(value, {}))
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith(("engine", "desktop")):
            path = ROOT / f"{(node.module or '').replace('.', '/')}.py"
            wanted = {alias.name for alias in node.names if alias.name.isupper()}
            if wanted and path.is_file():
                theirs = names_in(tree_of(path))
                named |= {name: theirs[name] for name in wanted if name in theirs}
    for node in ast.walk(tree):
        if isinstance(node, ast.For) and isinstance(node.iter, ast.Name) and node.iter.id in named:
            for part in ast.walk(node.target):
                if isinstance(part, ast.Name):
                    named.setdefault(part.id, set()).update(named[node.iter.id])
    return named


def leaves(node: ast.expr, named: dict[str, set[str]]) -> Iterator[str]:
    """The texts that an expression may be; none where it cannot be told."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    elif isinstance(node, ast.Name):
        yield from named.get(node.id, ())
    elif isinstance(node, ast.IfExp):
        yield from leaves(node.body, named)
        yield from leaves(node.orelse, named)
    elif isinstance(node, ast.Subscript):
        yield from leaves(node.value, named)
    elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        yield from (a + b for a in leaves(node.left, named) for b in leaves(node.right, named))
    elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "get":
        yield from leaves(node.func.value, named)
    elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
        yield from named.get(node.func.id, ())
    elif isinstance(node, ast.Dict):
        for value in node.values:
            yield from leaves(value, named)
    elif isinstance(node, ast.Tuple | ast.List):
        for item in node.elts:
            yield from leaves(item, named)


def called(node: ast.expr) -> str:
    """The name of what is called."""
    return getattr(node, "id", getattr(node, "attr", ""))


def is_said(node: ast.expr) -> bool:
    """True means that a user hears of it: a message, or an error that is no programming error."""
    name = called(node)
    if name in PROGRAMMING | PROTOCOL:
        return False
    named = name.endswith("Error") and name[0].isupper()
    return named or name in {"Message", "Sentence"} | UNUSABLE | engine_errors()


@functools.cache
def engine_errors() -> set[str]:
    """Names of all kinds of ``EngineError``, of the window's too; why a job was cancelled is shown to nobody."""
    classes = [
        node for package in ("engine", "desktop") for path in sources(package) for node in ast.walk(tree_of(path))
        if isinstance(node, ast.ClassDef) and node.name != "Cancelled"
    ]  # fmt: skip
    found, size = {"EngineError"}, 0
    while len(found) > size:
        size = len(found)
        found |= {one.name for one in classes if {base.id for base in one.bases if isinstance(base, ast.Name)} & found}
    return found


def is_words(node: ast.AST) -> bool:
    """True means a text that is not empty."""
    return isinstance(node, ast.Constant) and isinstance(node.value, str) and bool(node.value)


def is_shown(text: str) -> bool:
    """In tables, names for the code and keys stand beside words."""
    return (text[0].isupper() or text[0] == "&" or " " in text) and not text.startswith(("Ctrl", "F1", "F2"))


def translations() -> dict[str, str]:
    """What the German file has."""
    tree = ElementTree.parse(GERMAN)
    pairs = ((one.findtext("source", ""), one.findtext("translation", "")) for one in tree.iter("message"))
    return dict(pairs)


def main() -> None:
    """Say what is missing and what is left over; make the file that Qt reads."""
    wanted, there = texts(), set(translations() if GERMAN.exists() else {})
    for text in sorted(wanted - there):
        print(f"no German: {text!r}")
    for text in sorted(there - wanted):
        print(f"not said any more: {text!r}")
    if GERMAN.exists():
        lrelease = Path(sys.executable).with_name("pyside6-lrelease")
        subprocess.run([lrelease, "-silent", GERMAN, "-qm", GERMAN.with_suffix(".qm")], check=True)


if __name__ == "__main__":
    main()
