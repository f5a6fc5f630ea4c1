"""A bridge over a real engine with the toy bundle, and callers for it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from clihelp import write_music
from oschelp import Caller

from engine import Engine
from engine.osc import Bridge, BridgeSettings


@pytest.fixture(autouse=True)
def no_plugins_of_this_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A scan that is asked for finds none, and what it writes is the test's own."""
    monkeypatch.setattr("engine.plugins.plugin_library.plugin_folders", lambda: [])
    monkeypatch.setattr("engine.plugins.plugin_library.user_data_folder", lambda: tmp_path / "user")


@pytest.fixture(scope="module")
def toy_engine(toy_bundle: Path, engine: Engine) -> Iterator[Engine]:
    """One engine process for the tests of a file; while it lives, bundles are found by the name ``toy``."""
    before = os.environ.get("FLUXSTEM_BUNDLES")
    os.environ["FLUXSTEM_BUNDLES"] = str(toy_bundle.parent)
    yield engine
    if before is None:
        del os.environ["FLUXSTEM_BUNDLES"]
    else:
        os.environ["FLUXSTEM_BUNDLES"] = before


@pytest.fixture
def settings(tmp_path: Path) -> BridgeSettings:
    """Any port, everything below the test's own folder; callers speak plain OSC, without a token."""
    (tmp_path / "in").mkdir()
    return BridgeSettings(
        port=0, roots=(tmp_path / "in",), out=tmp_path / "out", bundle="toy", home=tmp_path / "home", no_token=True
    )  # fmt: skip


@pytest.fixture
def bridge(toy_engine: Engine, settings: BridgeSettings) -> Iterator[Bridge]:
    with Bridge(toy_engine, settings) as bridge:
        yield bridge


@pytest.fixture
def caller(bridge: Bridge) -> Iterator[Caller]:
    caller = Caller(bridge.state.udp_port)
    yield caller
    caller.socket.close()


@pytest.fixture
def new_caller(bridge: Bridge) -> Iterator[Callable[..., Caller]]:
    made: list[Caller] = []

    def make(host: str = "127.0.0.1") -> Caller:
        made.append(Caller(bridge.state.udp_port, host))
        return made[-1]

    yield make
    for caller in made:
        caller.socket.close()


@pytest.fixture
def mix(tmp_path: Path, settings: BridgeSettings) -> Path:
    """A short clip inside the allowed folder."""
    return write_music(tmp_path / "in" / "mix.wav", seconds=0.25)


@pytest.fixture
def long_mix(tmp_path: Path, settings: BridgeSettings) -> Path:
    """A clip that takes minutes with 1000 steps."""
    return write_music(tmp_path / "in" / "long.wav", seconds=20)
