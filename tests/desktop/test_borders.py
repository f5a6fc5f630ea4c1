"""What the window may and may not import."""

import ast
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


def test_the_window_loads_neither_torch_nor_a_runtime():
    code = "import sys, desktop.app; print(' '.join(sorted(m.split('.')[0] for m in sys.modules)))"
    loaded = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert not {"torch", "onnxruntime"} & set(loaded.split())
