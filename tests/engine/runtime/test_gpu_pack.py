"""The one file that takes the checks of a GPU to another machine; here that is this one, and its device the CPU."""

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="module")
def pack(toy_bundle, tmp_path_factory):
    path = tmp_path_factory.mktemp("there") / "fluxstem-gpu.pyz"
    command = [sys.executable, "tests/benchmarks/gpu.py", "--pack", str(path), "--bundle", str(toy_bundle)]
    said = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=True).stdout
    assert "python fluxstem-gpu.pyz" in said
    return path


def run(pack, *options, python=(sys.executable,)):
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    command = [*python, str(pack), *options]
    return subprocess.run(
        command, cwd=pack.parent, env=environment, capture_output=True, text=True, timeout=150, check=False
    )


def test_the_packed_checks_run_where_there_is_no_repository(pack):
    ran = run(pack, "--device", "cpu", "--only", "session", "step", "transfers", "latents")
    told = json.loads((pack.parent / "gpu.json").read_text())
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert {name: row["outcome"] for name, row in told["checks"].items()} == {
        "session": "proved", "step": "proved", "transfers": "proved", "latents": "proved",
    }  # fmt: skip
    opened = told["checks"]["session"]["figures"]["opened_s"]
    assert set(opened) == {f"{name}.onnx" for name in ("encode", "step", "decode", "text")}
    unpacked = pack.with_suffix("")
    assert (unpacked / "engine" / "runtime" / "onnx.py").is_file()
    before = (unpacked / "unpacked.sha256").stat().st_mtime_ns
    assert run(pack, "--device", "cpu", "--only", "transfers").returncode == 0
    assert (unpacked / "unpacked.sha256").stat().st_mtime_ns == before  # once


def test_a_machine_without_a_card_is_told_so(pack):
    ran = run(pack, "--only", "session")
    assert ran.returncode == 3
    assert "nothing can be proved here" in ran.stdout


def test_a_python_without_the_packages_is_told_what_to_install(pack):
    ran = run(pack, python=(sys.executable, "-S"))
    assert ran.returncode == 3
    assert "numpy, onnx, onnxruntime" in ran.stdout
    listed = pack.with_suffix("") / "requirements.txt"
    assert f"-m pip install -r {listed}" in ran.stdout
    lines = listed.read_text().splitlines()
    assert any(line.startswith("onnxruntime-gpu[cuda,cudnn]") for line in lines)
    assert not any(line.startswith("fluxstem") for line in lines)


def test_nothing_but_the_checks_goes_along(pack):
    with zipfile.ZipFile(pack) as packed:
        names = packed.namelist()
    assert {name.split("/")[0] for name in names} == {
        "engine", "resources", "tests", "pyproject.toml", "LICENSE", "requirements.txt", "__main__.py",
    }  # fmt: skip
    assert [name for name in names if name.startswith("tests/")] == [
        "tests/benchmarks/gpu.py", "tests/benchmarks/gpu_pack.py", "tests/benchmarks/roofline.py",
    ]  # fmt: skip
    assert not any("__pycache__" in name for name in names)
