"""Every text the window may show, and the German file made from it: ``python tests/desktop/language.py``."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from desktop.models.examples import KINDS  # noqa: E402
from desktop.models.job_list import JobState  # noqa: E402
from desktop.views.prompt.advanced import FIELDS  # noqa: E402
from engine import OPTIONS, TASKS  # noqa: E402

RESOURCES = ROOT / "desktop" / "resources"
GERMAN = RESOURCES / "fluxstem_de.ts"
TABLES = (
    "ROWS", "SIDES", "STEPS", "HINTS", "DEVICES", "THEMES", "LANGUAGES", "BUFFERS", "BRIDGES", "CHOICES",
    "CHOICES_WORDS",
    "FIELDS", "ENDS", "MADE", "WITH", "STAGES",
)  # fmt: skip
CODES = {
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
}


def texts() -> set[str]:
    """Templates, what stands in ``tr("...")``, tables whose rows go through ``tr``, and the engine's tasks."""
    found = said_templates()
    for path in sorted((ROOT / "desktop").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "tr":
                found |= {leaf.value for leaf in ast.walk(node.args[0]) if is_words(leaf)}
            targets = getattr(node, "targets", None) or [getattr(node, "target", None)]
            if getattr(targets[0], "id", "") in TABLES and getattr(node, "value", None) is not None:
                shown = node.value.values if isinstance(node.value, ast.Dict) else [node.value]  # nobody sees a key
                leaves = [leaf for part in shown for leaf in ast.walk(part)]
                found |= {leaf.value for leaf in leaves if is_words(leaf) and is_shown(leaf.value)}
    found |= {task.capitalize() for task in TASKS} | {rule.doc for rule in TASKS.values()}
    found |= {state.value for state in JobState} | {kind.plural for kind in KINDS.values()}
    for row in FIELDS:
        option = OPTIONS[row.option]
        found |= set() if row.tip else {option.words(TASKS[task]) for task in option.tasks}
    return found - CODES


def said_templates() -> set[str]:
    """The template of every error and message that models and audio may raise or send."""
    found: set[str] = set()
    for path in sorted((ROOT / "desktop").rglob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        named = {
            node.targets[0].id: node.value.value
            for node in tree.body
            if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and is_words(node.value)
        }
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and node.args and is_said(node.func):
                first = node.args[0]
                found.add(named.get(first.id, "") if isinstance(first, ast.Name) else getattr(first, "value", ""))
    return {text for text in found if text and isinstance(text, str)} - {"the window closes", "the export was stopped"}


def filled_too_early() -> list[str]:
    """Where an error or a message gets a finished sentence in the place of a template and values."""
    return [
        f"{path.name}:{node.lineno}"
        for path in sorted((ROOT / "desktop").rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and node.args and is_said(node.func) and isinstance(node.args[0], ast.JoinedStr)
    ]


def bare_errors() -> list[str]:
    """Where a view shows an error as it came, without asking for its German."""
    found = []
    for path in sorted((ROOT / "desktop" / "views").rglob("*.py")):
        calls = [node for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(node, ast.Call)]
        within = {id(call.args[0]) for call in calls if getattr(call.func, "id", "") == "said" and call.args}
        texts_of_errors = [call for call in calls if ast.unparse(call) == "str(error)" and id(call) not in within]
        found += [f"{path.name}:{call.lineno}" for call in texts_of_errors]
    return found


def is_said(called: ast.expr) -> bool:
    """True means that a user hears of it: a message, or an error that is no programming error."""
    name = getattr(called, "id", "")
    return name in ("NoDevice", "Message") or (name.endswith("Error") and name not in ("ValueError", "TypeError"))


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
    """Say what is missing; make the file that Qt reads."""
    for text in sorted(texts() - set(translations() if GERMAN.exists() else {})):
        print(f"{text!r}")
    if GERMAN.exists():
        lrelease = Path(sys.executable).with_name("pyside6-lrelease")
        subprocess.run([lrelease, "-silent", GERMAN, "-qm", GERMAN.with_suffix(".qm")], check=True)


if __name__ == "__main__":
    main()
