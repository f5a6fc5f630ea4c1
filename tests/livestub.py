"""A stand-in for Ableton Live: as much of its object model as a Remote Script touches, after Cycling '74's published
reference (Live 12). Nothing here is Ableton's; what Live itself does with it was not tried.
"""

from __future__ import annotations

import sys
import types
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import soundfile

SCRIPTS = Path(__file__).parents[1] / "resources" / "daw" / "ableton"


@dataclass
class StubMarker:
    """As Live's: seconds of the file, and beats of the clip."""

    sample_time: float
    beat_time: float


@dataclass(eq=False)
class StubClip:
    """An audio clip; beats where it is warped, seconds of the file where not."""

    file_path: str
    loop_start: float
    loop_end: float
    start_time: float = 0.0
    end_time: float = 0.0
    warping: bool = False
    looping: bool = False
    start_marker: float = 0.0
    is_audio_clip: bool = True
    is_arrangement_clip: bool = True
    muted: bool = False
    gain: float = 0.4
    pitch_coarse: int = 0
    pitch_fine: float = 0.0
    warp_mode: int = 0
    name: str = "clip"
    warp_markers: list[StubMarker] = field(default_factory=list)
    canonical_parent: Any = None

    def add_warp_marker(self, marker: StubMarker) -> None:
        self.warp_markers = sorted([*self.warp_markers, marker], key=lambda one: one.beat_time)

    def remove_warp_marker(self, beat_time: float) -> None:
        self.warp_markers = [one for one in self.warp_markers if one.beat_time != beat_time]


@dataclass(eq=False)
class StubSlot:
    """A place for a Session clip."""

    canonical_parent: Any
    clip: StubClip | None = None

    def create_audio_clip(self, path: str) -> None:
        self.clip = self.canonical_parent.made_of(path)


@dataclass(eq=False)
class StubTrack:
    """An audio track."""

    song: StubSong
    name: str = "Audio"
    mute: bool = False
    arrangement_clips: list[StubClip] = field(default_factory=list)
    clip_slots: list[StubSlot] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.clip_slots = [StubSlot(self) for _ in range(4)]

    def made_of(self, path: str) -> StubClip:
        """A clip of a whole file, warped as Live's default does: at the tempo of the set."""
        seconds = soundfile.info(path).duration
        beats = seconds * self.song.tempo / 60
        markers = [StubMarker(0.0, 0.0), StubMarker(seconds, beats), StubMarker(seconds * 2, beats * 2)]
        return StubClip(
            path, 0.0, beats, warping=True, warp_markers=markers, is_arrangement_clip=False, canonical_parent=self
        )

    def create_audio_clip(self, path: str, position: float) -> StubClip:
        clip = self.made_of(path)
        clip.is_arrangement_clip, clip.start_time = True, position
        self.arrangement_clips.append(clip)
        return clip


class StubSong:
    """A set."""

    def __init__(self) -> None:
        self.tempo = 120.0
        self.current_song_time = 0.0
        self.loop_start, self.loop_length = 0.0, 16.0  # of the Arrangement's brace, in beats
        self.view = types.SimpleNamespace(detail_clip=None)
        self.tracks = [StubTrack(self, "Drums"), StubTrack(self, "Song"), StubTrack(self, "Bass")]
        self.undo_steps: list[str] = []

    def create_audio_track(self, index: int) -> None:
        self.tracks.insert(index, StubTrack(self))

    def begin_undo_step(self) -> None:
        self.undo_steps.append("begin")

    def end_undo_step(self) -> None:
        self.undo_steps.append("end")


class StubLive:
    """Live: its version, its set, its status bar, and its main thread, which ``tick`` is.

    Attributes:
        song: the set.
        version: major, minor, bugfix.
        messages, logged: what scripts said.
    """

    def __init__(self, version: tuple[int, int, int] = (12, 0, 5)) -> None:
        self.song, self.version = StubSong(), version
        self.messages: list[str] = []
        self.logged: list[str] = []
        self._due: deque[Callable[[], None]] = deque()

    def get_document(self) -> StubSong:
        return self.song

    def get_major_version(self) -> int:
        return self.version[0]

    def get_minor_version(self) -> int:
        return self.version[1]

    def get_bugfix_version(self) -> int:
        return self.version[2]

    def later(self, ticks: int, call: Callable[[], None]) -> None:
        self._due.append(call)

    def tick(self) -> None:
        """Do once what was asked for."""
        for _ in range(len(self._due)):
            self._due.popleft()()


def load_script(live: StubLive, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The Remote Script as Live makes it, inside the stand-in."""

    class ControlSurface:
        def __init__(self, c_instance: Any) -> None:
            self._c_instance = c_instance

        def schedule_message(self, delay_in_ticks: int, callback: Callable[[], None]) -> None:
            live.later(delay_in_ticks, callback)

        def show_message(self, text: str) -> None:
            live.messages.append(text)

        def log_message(self, text: str) -> None:
            live.logged.append(text)

        def disconnect(self) -> None:
            pass

    application = types.SimpleNamespace(get_application=lambda: live)
    clip = types.SimpleNamespace(WarpMarker=StubMarker)
    modules = {
        "Live": types.SimpleNamespace(Application=application, Clip=clip),
        "ableton": types.ModuleType("ableton"),
        "ableton.v2": types.ModuleType("ableton.v2"),
        "ableton.v2.control_surface": types.SimpleNamespace(ControlSurface=ControlSurface),
    }
    for name, module in modules.items():
        monkeypatch.setitem(sys.modules, name, module)
    monkeypatch.syspath_prepend(str(SCRIPTS))
    for name in [name for name in sys.modules if name == "fluxstem" or name.startswith("fluxstem.")]:
        monkeypatch.delitem(sys.modules, name)
    import fluxstem

    return fluxstem.create_instance(types.SimpleNamespace())
