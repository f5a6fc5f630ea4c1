"""The network that hears notes comes out of the wheel of basic-pitch, and out of nothing else."""

from __future__ import annotations

import json
import shutil
import zipfile
from pathlib import Path

import pytest

from engine.notes.network import checked_bytes
from export.__main__ import main
from export.notes import GRAPH, PAPERS

SHIPPED = Path(__file__).resolve().parents[2] / "resources" / "bundles" / "notes"


def wheel(path: Path, graph: bytes) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(GRAPH, graph)
        for name, inside in PAPERS.items():
            archive.writestr(inside, (SHIPPED / name).read_bytes())
    return path


def test_the_folder_that_ships_is_what_the_wheel_gives(tmp_path, capsys):
    made = wheel(tmp_path / "basic_pitch.whl", (SHIPPED / "notes.onnx").read_bytes())
    (tmp_path / "notes").mkdir()
    shutil.copy(SHIPPED / "beats.onnx", tmp_path / "notes")  # of another wheel; what is there stays
    assert main(["notes", str(made), str(tmp_path / "notes"), "--drums", str(SHIPPED / "drums.npz")]) == 0
    for name in ("notes.onnx", "drums.npz", "beats.onnx", "notes.json", "LICENSE", "NOTICE"):
        assert (tmp_path / "notes" / name).read_bytes() == (SHIPPED / name).read_bytes()
    for name in json.loads((SHIPPED / "notes.json").read_text())["files"]:
        assert checked_bytes(tmp_path / "notes", name)


@pytest.mark.parametrize("graph", [b"another graph", None])
def test_another_wheel_is_refused_in_one_sentence(tmp_path, capsys, graph):
    made = tmp_path / "other.whl"
    wheel(made, graph) if graph is not None else made.write_bytes(b"no archive")
    assert main(["notes", str(made), str(tmp_path / "notes")]) == 2
    assert capsys.readouterr().err.count("\n") == 1
    assert not (tmp_path / "notes").exists()
