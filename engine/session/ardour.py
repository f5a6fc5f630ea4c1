"""An Ardour session: a folder with an XML file and the sounds, as Ardour 7 writes and reads it.

Ardour gives a name to everything by a number, counts time in superclocks, and keeps its own copies of sounds. What is
left out here is what Ardour fills in by itself. Source: sessions saved by Ardour 7.3.
"""

from __future__ import annotations

import itertools
import shutil
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

from engine.errors import RequestError
from engine.session.plan import DawSession, SessionTrack

VERSION = "7002"
SUPERCLOCK = 282_240_000  # a second
TICKS = 1920  # a quarter note
FOLDERS = ("analysis", "dead", "export", "externals", "peaks", "plugins")
MASTER_CHANNELS = 2
_OPAQUE = 0xFF
_CONFIG = {"native-file-data-format": "FormatFloat", "native-file-header-format": "WAVE"}  # of what is recorded
Element = ElementTree.Element
_make = ElementTree.SubElement

_REGION = {
    "muted": "0", "opaque": "1", "locked": "0", "video-locked": "0", "automatic": "0", "import": "0", "external": "0",
    "hidden": "0", "position-locked": "0", "start": "a0", "sync-position": "a0", "stretch": "1", "shift": "1",
    "type": "audio", "layering-index": "0", "envelope-active": "0", "default-fade-in": "0", "default-fade-out": "0",
    "fade-in-active": "0", "fade-out-active": "0", "scale-amplitude": "1",
}  # fmt: skip


def write_ardour(session: DawSession, place: Path, files: dict[Path, str], link: bool) -> None:
    """Write a session as a folder; arguments as for ``write_dawproject``.

    Raises:
        RequestError: sounds are to be left where they lie, or have several rates.
        OSError: the disk is full or gone.
    """
    if link:
        raise RequestError("an Ardour session keeps its sounds inside; leave --link out, or choose dawproject or rpp")
    rates = sorted({track.rate_hz for track in session.tracks})
    if len(rates) > 1:
        raise RequestError(
            "an Ardour session has one sample rate, and these stems have {rates} Hz; put each rate in its own",
            rates=" and ".join(map(str, rates)),
        )
    sounds = place / "interchange" / place.name / "audiofiles"
    sounds.mkdir(parents=True)
    for folder in FOLDERS:
        (place / folder).mkdir()
    for file, name in files.items():
        shutil.copyfile(file, sounds / name)
    root = _Session(session, place.name, files).root
    ElementTree.indent(root)
    text = ElementTree.tostring(root, encoding="UTF-8", xml_declaration=True)
    (place / f"{place.name}.ardour").write_bytes(text + b"\n")


class _Session:
    """Builds the XML, numbering as it goes."""

    def __init__(self, session: DawSession, name: str, files: dict[Path, str]) -> None:
        self._session, self._files = session, files
        self._numbers = itertools.count(1000)
        self._names = list(_free_names(track.name for track in session.tracks))
        self.root = Element("Session", {"version": VERSION, "name": name, "sample-rate": str(session.rate_hz)})
        _make(self.root, "ProgramVersion", {"created-with": "Fluxstem", "modified-with": "Fluxstem"})
        config = _make(self.root, "Config")
        for option, value in _CONFIG.items():
            _make(config, "Option", {"name": option, "value": value})
        _make(_make(self.root, "Metadata"), "title").text = session.title
        sources, regions = _make(self.root, "Sources"), _make(self.root, "Regions")
        self._locations(_make(self.root, "Locations"))
        _make(self.root, "Bundles")
        routes, playlists = _make(self.root, "Routes"), _make(self.root, "Playlists")
        self._master(routes)
        for order, track in enumerate(session.tracks, start=1):
            self._track(routes, playlists, order, track, self._sources(sources, regions, track))
        _make(self.root, "RouteGroups")
        self._tempo(_make(self.root, "TempoMap", {"superclocks-per-second": str(SUPERCLOCK)}))
        self.root.set("id-counter", self._number())

    def _number(self) -> str:
        return str(next(self._numbers))

    def _clocks(self, samples: int) -> str:
        return f"a{samples * SUPERCLOCK // self._session.rate_hz}"

    def _locations(self, locations: Element) -> None:
        end = round(self._session.length_s * self._session.rate_hz)
        marks = [("session", 0, end, "IsSessionRange")]
        for marker in self._session.markers:
            at = round(marker.at_s * self._session.rate_hz)
            marks.append((marker.name, at, at, "IsMark"))
        for name, first, last, flags in marks:
            _make(locations, "Location", {
                "id": self._number(), "name": name, "start": self._clocks(first), "end": self._clocks(last),
                "flags": flags, "locked": "0", "cue": "0",
            })  # fmt: skip

    def _sources(self, sources: Element, regions: Element, track: SessionTrack) -> dict[str, str]:
        """A source for each channel and the region of the whole file; what regions say of it."""
        name = self._files[track.file]
        region = {**_REGION, "name": Path(name).stem, "channels": str(track.channels)}
        for channel in range(track.channels):
            number = self._number()
            _make(sources, "Source", {
                "name": name, "take-id": "", "type": "audio", "flags": "", "id": number, "channel": str(channel),
                "origin": "", "gain": "1",
            })  # fmt: skip
            region |= {f"source-{channel}": number, f"master-source-{channel}": number}
        length = f"{self._clocks(track.samples)}@a0"
        _make(regions, "Region", {**region, "whole-file": "1", "length": length, "id": self._number()})
        return region

    def _master(self, routes: Element) -> None:
        route = self._route(routes, "Master", "MasterOut,OrderSet", 0, "#000000")
        self._ports(route, "Master", "Input", MASTER_CHANNELS, None)
        self._ports(route, "Master", "Output", MASTER_CHANNELS, "system:playback_{}")
        self._amplifier(route, 1.0)
        _make(route, "Processor", {
            "id": self._number(), "name": "Master", "active": "1", "own-input": "1", "own-output": "0",
            "output": "Master", "type": "main-outs", "role": "Main",
        })  # fmt: skip

    def _track(
        self, routes: Element, playlists: Element, order: int, track: SessionTrack, region: dict[str, str]
    ) -> None:
        name, playlist = self._names[order - 1], self._number()
        route = self._route(routes, name, "AudioTrack,OrderSet", order, track.colour)
        route.set("audio-playlist", playlist)
        route.set("mode", "Normal")
        self._ports(route, name, "Input", track.channels, None)
        self._ports(route, name, "Output", max(track.channels, MASTER_CHANNELS), "Master/audio_in {}")
        _make(route, "MuteMaster", {"mute-point": "PostFader,Listen,Main", "muted": str(int(track.muted))})
        _make(route, "Controllable", {
            "name": "mute", "id": self._number(), "flags": "Toggle,RealTime", "value": str(int(track.muted)),
        })  # fmt: skip
        for kind, words in (("diskwriter", f"recorder:{name}"), ("diskreader", f"player:{name}")):
            _make(route, "Processor", {"id": self._number(), "name": words, "active": "1", "type": kind})
        self._amplifier(route, track.gain)
        outs = _make(route, "Processor", {
            "id": self._number(), "name": name, "active": "1", "own-input": "1", "own-output": "0", "output": name,
            "type": "main-outs", "role": "Main",
        })  # fmt: skip
        # A single channel goes to both sides as it is; Ardour's panner would take 3 dB from it.
        bypassed = str(int(track.channels == 1))
        _make(outs, "PannerShell", {"bypassed": bypassed, "user-panner": "", "linked-to-route": "1"})
        line = _make(playlists, "Playlist", {
            "id": playlist, "name": name, "type": "audio", "orig-track-id": str(route.get("id")), "frozen": "0",
            "combine-ops": "0",
        })  # fmt: skip
        length = f"{self._clocks(track.samples)}@{self._clocks(track.start_samples)}"
        _make(line, "Region", {**region, "whole-file": "0", "length": length, "id": self._number()})

    def _route(self, routes: Element, name: str, flags: str, order: int, colour: str) -> Element:
        route = _make(routes, "Route", {
            "version": VERSION, "id": self._number(), "name": name, "default-type": "audio", "strict-io": "1",
            "active": "1", "meter-point": "MeterPostFader", "disk-io-point": "DiskIOPreFader",
            "meter-type": "MeterPeak",
        })  # fmt: skip
        shown = int(colour[1:], 16) << 8 | _OPAQUE
        _make(route, "PresentationInfo", {"order": str(order), "flags": flags, "color": str(shown)})
        return route

    def _ports(self, route: Element, name: str, direction: str, count: int, other: str | None) -> None:
        """Inputs, or outputs connected one to one."""
        ports = _make(route, "IO", {
            "name": name, "id": self._number(), "direction": direction, "default-type": "audio",
        })  # fmt: skip
        side = "in" if direction == "Input" else "out"
        for number in range(1, count + 1):
            port = _make(ports, "Port", {"type": "audio", "name": f"{name}/audio_{side} {number}"})
            if other is not None and number <= MASTER_CHANNELS:
                _make(port, "Connection", {"other": other.format(number)})

    def _amplifier(self, route: Element, gain: float) -> None:
        amplifier = _make(route, "Processor", {"id": self._number(), "name": "Amp", "active": "1", "type": "amp"})
        _make(amplifier, "Controllable", {
            "name": "gaincontrol", "id": self._number(), "flags": "GainLike", "value": repr(gain),
        })  # fmt: skip

    def _tempo(self, tempo_map: Element) -> None:
        start = self._musical_place(0.0)
        tempos = _make(tempo_map, "Tempos")
        for at_s, heard in self._session.tempos or ((0.0, self._session.bpm),):
            bpm = repr(float(heard))
            _make(tempos, "Tempo", {
                "npm": bpm, "enpm": bpm, "note-type": "4", "type": "Tempo::Constant", "active": "1",
                "locked-to-meter": "0", "continuing": "0", "omega": "0", **self._musical_place(at_s),
            })  # fmt: skip
        beats = str(self._session.beats_per_bar)
        _make(_make(tempo_map, "Meters"), "Meter", {"note-value": "4", "divisions-per-bar": beats, **start})
        _make(tempo_map, "MusicTimes")

    def _musical_place(self, at_s: float) -> dict[str, str]:
        """A time as Ardour writes it thrice: superclocks, quarters and ticks, and bar, beat and ticks."""
        ticks = round(self._session.beats(at_s) * TICKS)
        quarters, rest = divmod(ticks, TICKS)
        bar, beat = divmod(quarters, self._session.beats_per_bar)
        return {
            "sclock": str(round(at_s * SUPERCLOCK)),
            "quarters": f"{quarters}:{rest}",
            "bbt": f"{bar + 1}|{beat + 1}|{rest}",
        }


def _free_names(names: Iterator[str]) -> Iterator[str]:
    """Names that Ardour takes: none twice, none that is its own, and without the colon that parts names of ports."""
    taken = {"master", "monitor", "click", "auditioner"}
    for name in names:
        plain = " ".join(name.replace(":", " ").replace("/", " ").split()) or "stem"
        numbered = (plain if number == 1 else f"{plain} {number}" for number in itertools.count(1))
        free = next(one for one in numbered if one.lower() not in taken)
        taken.add(free.lower())
        yield free
