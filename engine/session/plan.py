"""What a session holds, whatever the DAW: tracks with one sound each, markers, a tempo. Frozen values."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from pathlib import Path

from engine.errors import RequestError
from engine.notes.time_map import BPM_LIMITS, METER_LIMITS
from engine.sidecar_values import printable

USUAL_BPM = 120.0  # what DAWs start with
REST_COLOUR = "#8a8f98"
PALETTE = ("#4c8dff", "#ff8a3d", "#3fbf7f", "#e0568f", "#a97bff", "#e6b93a", "#35b7c4", "#d9534f")


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionTrack:
    """One track with one sound on it.

    Attributes:
        name: for the user.
        file: the sound.
        rate_hz, channels, samples: of the file; samples are per channel.
        start_samples: where it begins on the timeline, in samples of its own rate.
        container: in the words of libsndfile, as ``WAV``.
        colour: as ``#4c8dff``.
        gain_db, pan, muted: how the track is set; pan from -1 (left) to 1.
    """

    name: str
    file: Path
    rate_hz: int
    channels: int
    samples: int
    start_samples: int = 0
    container: str = "WAV"
    colour: str = REST_COLOUR
    gain_db: float = 0.0
    pan: float = 0.0
    muted: bool = False

    @property
    def start_s(self) -> float:
        """Where it begins, in seconds."""
        return self.start_samples / self.rate_hz

    @property
    def length_s(self) -> float:
        """How long it is, in seconds."""
        return self.samples / self.rate_hz

    @property
    def gain(self) -> float:
        """Linear gain."""
        return float(10 ** (self.gain_db / 20))


@dataclass(frozen=True, slots=True)
class SessionMarker:
    """A named place, in seconds."""

    name: str
    at_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class DawSession:
    """A whole session.

    Attributes:
        title: for the user.
        tracks: from top to bottom, at least one.
        markers: in order of time.
        bpm: quarter notes per minute, the same throughout unless there are ``tempos``.
        beats_per_bar: quarter notes in a bar.
        tempos: changes of tempo, as seconds and quarter notes per minute; the first at 0 s.
        notes: what the user should know, in sentences.
    """

    title: str
    tracks: tuple[SessionTrack, ...]
    markers: tuple[SessionMarker, ...] = ()
    bpm: float = USUAL_BPM
    beats_per_bar: int = 4
    tempos: tuple[tuple[float, float], ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def rate_hz(self) -> int:
        """Rate of the session: that of its first track."""
        return self.tracks[0].rate_hz

    @property
    def length_s(self) -> float:
        """Up to the end of the last sound, in seconds."""
        return max(track.start_s + track.length_s for track in self.tracks)

    def beats(self, seconds: float) -> float:
        """Seconds in quarter notes, by the tempo at each time."""
        changes = self.tempos or ((0.0, self.bpm),)
        ends_s = (*(at_s for at_s, _ in changes[1:]), math.inf)
        passed = 0.0
        for (start_s, bpm), end_s in zip(changes, ends_s, strict=True):
            passed += max(min(seconds, end_s) - start_s, 0.0) * bpm / 60.0
        return passed


def check_session(session: DawSession) -> DawSession:
    """The session with its markers in order, and its texts as every format can hold them.

    Raises:
        RequestError: tempo or meter outside what is allowed, or nothing in it.
    """
    if not session.tracks:
        raise RequestError("there is no stem to put into the session; name at least one result")
    low, high = BPM_LIMITS
    if not low <= session.bpm <= high:
        raise RequestError(
            "a tempo of {bpm:g} is not allowed; give {low:g} to {high:g} beats per minute",
            bpm=session.bpm, low=low, high=high,
        )  # fmt: skip
    if any(not low <= bpm <= high for _, bpm in session.tempos):  # two beats that were heard too near or too far
        tempos = tuple((at_s, min(max(bpm, low), high)) for at_s, bpm in session.tempos)
        session = replace(session, tempos=tempos)
    few, many = METER_LIMITS
    if not few <= session.beats_per_bar <= many:
        raise RequestError(
            "{beats} beats in a bar are not allowed; give {few} to {many}",
            beats=session.beats_per_bar, few=few, many=many,
        )  # fmt: skip
    markers = (replace(marker, name=printable(marker.name)) for marker in session.markers)
    return replace(
        session,
        title=printable(session.title),
        tracks=tuple(replace(track, name=printable(track.name)) for track in session.tracks),
        markers=tuple(sorted(markers, key=lambda marker: marker.at_s)),
    )
