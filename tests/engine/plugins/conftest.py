"""Plug-ins for the tests: one built here that behaves as badly as its name says, and those of Debian's zam-plugins."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from pluginhelp import RATE_HZ

from engine.audio.disk_array import DiskArray
from engine.plugins.chain import ChainEffect, EffectChain
from engine.plugins.render import ChainReport, render_rows, rows_of

SOURCE = Path(__file__).parent / "trial_plugin.cpp"
ZAM = Path("/usr/lib/vst3")

Trial = Callable[..., list[Path]]
Render = Callable[..., tuple[np.ndarray, ChainReport]]


@pytest.fixture(autouse=True)
def own_data_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Scans and saved chains of a test are its own."""
    pytest.importorskip("pedalboard", reason="chains need the extra plugins")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setattr("engine.plugins.plugin_library.plugin_folders", lambda: [tmp_path / "vst3"])
    return tmp_path / "data"


@pytest.fixture(scope="session")
def built_plugin(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The shared object of the trial plug-in."""
    if shutil.which("g++") is None:
        pytest.skip("no g++ here to build the trial plug-in with")
    made = tmp_path_factory.mktemp("trial") / "trial.so"
    command = ["g++", "-std=c++17", "-O1", "-shared", "-fPIC", "-fvisibility=hidden", "-o", str(made), str(SOURCE)]
    subprocess.run(command, check=True, capture_output=True, timeout=300)
    return made


@pytest.fixture
def trial(built_plugin: Path, tmp_path: Path) -> Trial:
    """Install trial plug-ins by name into the plug-in folder."""

    def install(*names: str) -> list[Path]:
        bundles = []
        for name in names:
            folder = tmp_path / "vst3" / f"{name}.vst3" / "Contents" / "x86_64-linux"
            folder.mkdir(parents=True, exist_ok=True)
            shutil.copy(built_plugin, folder / f"{name}.so")
            bundles.append(tmp_path / "vst3" / f"{name}.vst3")
        return bundles

    return install


@pytest.fixture
def zam() -> Callable[..., list[Path]]:
    """The paths of plug-ins of zam-plugins."""

    def named(*names: str) -> list[Path]:
        paths = [ZAM / f"{name}.vst3" for name in names]
        for path in paths:
            if not path.exists():
                pytest.skip(f"{path.name} is not installed; apt-get install zam-plugins")
        return paths

    return named


@pytest.fixture
def render(tmp_path: Path) -> Iterator[Render]:
    """Render samples (channels, samples) through a chain."""
    opened: list[DiskArray] = []

    def run(
        effects: tuple[ChainEffect, ...], audio_CN: np.ndarray, tail_s: float = 0.0, **limits_s: float
    ) -> tuple[np.ndarray, ChainReport]:
        given = rows_of([audio_CN], len(audio_CN), tmp_path, lambda: None)
        opened.append(given)
        made, report = render_rows(
            EffectChain(effects, "trial", tail_s), given, RATE_HZ, tmp_path, lambda done: None, lambda: None, limits_s
        )
        opened.append(made)
        return made.read(0, made.rows).T, report

    yield run
    for rows in opened:
        rows.close()
