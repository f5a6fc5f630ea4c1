"""What the window may and may not import."""

import ast
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def imported(path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or ""


def names_imported(path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def test_models_know_no_widgets_and_only_one_file_holds_the_engine():
    for path in sorted((ROOT / "desktop").rglob("*.py")):
        names = set(imported(path))
        if path.parent.name in ("models", "audio"):
            assert "PySide6.QtWidgets" not in names, path.name
            assert not any(name.startswith("desktop.views") for name in names), path.name
        if path.parent.name == "audio":
            assert not any(name.startswith("PySide6") for name in names), path.name
        assert ("engine.Engine" in names_imported(path)) == (path.name == "link.py"), path.name


WAITS = {  # of Qt, what makes the window wait, and the one file that knows how to do without
    "PySide6.QtCore.QSettings": "settings.py",  # waits for the disk whenever the event loop comes round
    "PySide6.QtWidgets.QProgressBar": "progress_line.py",  # paints the whole window in the middle of other work
}


def test_what_makes_the_window_wait_is_used_by_the_file_that_does_without_waiting_only():
    for path in sorted((ROOT / "desktop").rglob("*.py")):
        used = [name for name, file in WAITS.items() if name in names_imported(path) and path.name != file]
        assert not used, path.name


def test_no_view_hears_what_outlives_it_through_a_lambda():
    """Qt ends the connection of a method with its object; that of a lambda lives as long as the signal's."""
    outlives = re.compile(r"\b(workspace|document|transport|settings|tempo|jobs|model|link|player|undo|styleHints)\b")
    for path in sorted((ROOT / "desktop" / "views").rglob("*.py")):
        calls = [node for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(node, ast.Call)]
        made = [call for call in calls if isinstance(call.func, ast.Attribute) and call.func.attr == "connect"]
        senders = [ast.unparse(call.func.value) for call in made if isinstance(call.args[0], ast.Lambda)]
        assert not [sender for sender in senders if outlives.search(sender)], path.name


def test_the_window_loads_neither_torch_nor_a_runtime():
    code = "import sys, desktop.app; print(' '.join(sorted(m.split('.')[0] for m in sys.modules)))"
    loaded = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert not {"torch", "onnxruntime"} & set(loaded.split())
