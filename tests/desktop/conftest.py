"""Fixtures of the window's tests: no screen, no device, folders of their own, the toy bundle, a workspace."""

from __future__ import annotations

import contextlib
import os
import types

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")  # without it Qt ends the whole process where there is no screen

from collections.abc import Callable, Iterator
from pathlib import Path

import noteline
import numpy as np
import numpy.typing as npt
import pytest
import soundfile

from desktop.link import EngineLink
from engine import Accepted, CancelledJob, Done, Engine, EngineError, Event, Failed

RATE_HZ = 16_000
WAIT_MS = 120_000


@pytest.fixture(scope="session")
def toy_bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle with perfect codec and known answers, that listens and sees."""
    from toybundle import write_toy_bundle

    return write_toy_bundle(tmp_path_factory.mktemp("bundles") / "toy", senses=("audio", "scene"))


@pytest.fixture(autouse=True)
def closed_widgets_are_gone(qapp) -> Iterator[None]:
    """Without an event loop nothing is deleted later, and all widgets there are get the style of each new window."""
    from PySide6.QtCore import QCoreApplication, QEvent

    yield
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)


@pytest.fixture
def make_wav(tmp_path: Path) -> Callable[..., Path]:
    """``make_wav("mix.wav", seconds=..., rate_hz=..., channels=..., level=...)`` writes noise and gives its path."""

    def write(
        name: str = "mix.wav", seconds: float = 1.0, rate_hz: int = RATE_HZ, channels: int = 2, level: float = 0.1
    ) -> Path:
        rng = np.random.default_rng(len(name))
        path = tmp_path / name
        audio_NC = level * rng.standard_normal((round(seconds * rate_hz), channels))
        soundfile.write(path, np.clip(audio_NC, -1, 1), rate_hz, subtype="FLOAT" if path.suffix == ".wav" else None)
        return path

    return write


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """The engine of a file's windows: its process starts with the first job, and may write where any test may."""
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("OMP_NUM_THREADS", "1")
        with Engine(writable=[tmp_path_factory.getbasetemp()], behind=True) as running:
            yield running


@pytest.fixture
def link(engine: Engine) -> Iterator[EngineLink]:
    """A window's link to that engine; what a test left undone is cancelled before the next one."""
    left: set[str] = set()

    def note(event: Event) -> None:
        if isinstance(event, Accepted):
            left.add(event.job)
        elif isinstance(event, Done | Failed | CancelledJob):
            left.discard(event.job)

    stop_noting = engine.subscribe(note)
    made = EngineLink(engine)
    yield made
    made.close()
    for job in tuple(left):
        engine.cancel(job)
    for job in tuple(left):
        with contextlib.suppress(EngineError):
            engine.wait(job)
    stop_noting()


@pytest.fixture
def workspace(qtbot, tmp_path: Path, toy_bundle: Path, link: EngineLink) -> Iterator[object]:
    """The application without its window, with the toy bundle and the real engine process."""
    from desktop.models.settings import AppSettings
    from desktop.models.workspace import Workspace

    settings = AppSettings(tmp_path / "settings.ini")
    settings.set("bundle", str(toy_bundle))
    settings.set("find_tempo", False)  # a process that listens to every test's noise would slow them all down
    made = Workspace(settings, tmp_path / "data", tmp_path / "cache", link)
    made.troubles = []
    made.troubled.connect(lambda words, details: made.troubles.append(str(words)))
    yield made
    made.close()


@pytest.fixture
def opened(workspace, qtbot, make_wav):
    """A workspace with a mix of one second."""
    with qtbot.waitSignal(workspace.opened, timeout=WAIT_MS):
        workspace.open(make_wav("song.wav"))
    return workspace


class FakeDevice:
    """Stands in for the sounddevice library: an output that reads only when a test says so.

    Attributes:
        stream: the one that was opened last.
    """

    PortAudioError = RuntimeError

    def __init__(self) -> None:
        self.stream: types.SimpleNamespace | None = None

    def OutputStream(self, *, callback: Callable[..., None], **asked: object) -> types.SimpleNamespace:  # noqa: N802
        nothing = lambda: None  # noqa: E731
        self._callback = callback
        self.stream = types.SimpleNamespace(
            start=nothing, abort=nothing, close=nothing, active=True, latency=0.01, device=0
        )
        return self.stream

    def query_devices(self, device: int | None = None) -> object:
        row = {"name": "fake", "max_output_channels": 2}
        return [row] if device is None else row

    def read(self, frames: int) -> npt.NDArray[np.float32]:
        """What the device plays next."""
        out_NC = np.zeros((frames, 2), np.float32)
        self._callback(out_NC, frames, None, None)
        return out_NC


@pytest.fixture
def device() -> FakeDevice:
    """Something to play through that makes no sound and never hurries; give it to a player as its ``library``."""
    return FakeDevice()


@pytest.fixture
def window(workspace, qtbot, monkeypatch):
    """The real window over that workspace; nobody is asked about what is not saved."""
    from desktop.views.main_window import MainWindow

    monkeypatch.setattr("desktop.views.questions.choose", lambda *args: "discard")
    made = MainWindow(workspace)
    qtbot.addWidget(made)
    made.prompt.device.setCurrentIndex(made.prompt.device.findData("cpu"))
    made.show()
    yield made
    made.close()


@pytest.fixture
def loaded(window, qtbot, make_wav):
    """The window with a mix of one second."""
    with qtbot.waitSignal(window.workspace.opened, timeout=WAIT_MS):
        window.open_path(make_wav("song.wav"))
    return window


@pytest.fixture
def lane(window, workspace, qtbot, tmp_path):
    """A window with a mix and a lane whose notes are known."""
    with qtbot.waitSignal(workspace.opened, timeout=WAIT_MS):
        workspace.open(noteline.write_line(tmp_path / "song.wav"))
    workspace.add_file(noteline.write_line(tmp_path / "flute.wav"))
    qtbot.waitUntil(lambda: len(workspace.document.project.lanes) > 0, timeout=WAIT_MS)
    return next(lane for lane in workspace.document.project.lanes if not lane.is_else)
