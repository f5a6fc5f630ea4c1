"""A DAWproject: a ZIP of ``project.xml``, ``metadata.xml`` and the sounds.

Places are in quarter notes, which every program that reads the format understands; sounds are not warped. Source: the
format's own reference, version 1.0 (Bitwig, PreSonus).
"""

from __future__ import annotations

import zipfile
from pathlib import Path
from xml.etree import ElementTree

from engine.session.plan import DawSession, SessionTrack
from engine.version import engine_version

VERSION = "1.0"
_MASTER = "master"
Element = ElementTree.Element


def write_dawproject(session: DawSession, place: Path, files: dict[Path, str], link: bool) -> None:
    """Write a session as one file.

    Args:
        files: name of each sound in the session, different from each other.
        link: True refers to the sounds where they lie, by absolute paths.

    Raises:
        OSError: the disk is full or gone.
    """
    inside = {file: str(file) if link else f"audio/{name}" for file, name in files.items()}
    with zipfile.ZipFile(place, "x", zipfile.ZIP_STORED) as archive:
        archive.writestr("metadata.xml", _text(_metadata(session)), zipfile.ZIP_DEFLATED)
        archive.writestr("project.xml", _text(_project(session, inside, link)), zipfile.ZIP_DEFLATED)
        for file, name in inside.items() if not link else ():
            archive.write(file, name)


def _metadata(session: DawSession) -> Element:
    root = Element("MetaData")
    ElementTree.SubElement(root, "Title").text = session.title
    ElementTree.SubElement(root, "Comment").text = f"Stems by Fluxstem {engine_version()}"
    return root


def _project(session: DawSession, inside: dict[Path, str], link: bool) -> Element:
    root = Element("Project", version=VERSION)
    ElementTree.SubElement(root, "Application", name="Fluxstem", version=engine_version())
    transport = ElementTree.SubElement(root, "Transport")
    _real(transport, "Tempo", session.bpm, "bpm", 20, 999, id="tempo")
    ElementTree.SubElement(
        transport,
        "TimeSignature",
        numerator=str(session.beats_per_bar),
        denominator="4",
        id="meter",
        name="Time signature",
    )
    structure = ElementTree.SubElement(root, "Structure")
    for number, track in enumerate(session.tracks, start=1):
        _track(structure, number, track)
    master = ElementTree.SubElement(
        structure, "Track", contentType="audio notes", loaded="true", id="track-master", name="Master"
    )
    channel = ElementTree.SubElement(master, "Channel", audioChannels="2", role="master", solo="false", id=_MASTER)
    _mixer(channel, "master", False, 0.0, 1.0)
    arrangement = ElementTree.SubElement(root, "Arrangement", id="arrangement")
    lanes = ElementTree.SubElement(arrangement, "Lanes", timeUnit="beats", id="lanes")
    for number, track in enumerate(session.tracks, start=1):
        _clip(lanes, session, number, track, inside[track.file], link)
    if session.markers:
        markers = ElementTree.SubElement(arrangement, "Markers", timeUnit="beats", id="markers")
        for marker in session.markers:
            ElementTree.SubElement(markers, "Marker", time=_number(session.beats(marker.at_s)), name=marker.name)
    _tempo_map(arrangement, session)
    return root


def _tempo_map(arrangement: Element, session: DawSession) -> None:
    """Every change of tempo, held until the next; the schema wants it last."""
    if not session.tempos:
        return
    points = ElementTree.SubElement(
        arrangement, "TempoAutomation", timeUnit="beats", unit="bpm", id="tempo-automation"
    )  # fmt: skip
    ElementTree.SubElement(points, "Target", parameter="tempo")
    for at_s, bpm in session.tempos:
        ElementTree.SubElement(
            points, "RealPoint", time=_number(session.beats(at_s)), value=_number(bpm), interpolation="hold"
        )


def _track(structure: Element, number: int, track: SessionTrack) -> None:
    line = ElementTree.SubElement(
        structure,
        "Track",
        contentType="audio",
        loaded="true",
        id=f"track-{number}",
        name=track.name,
        color=track.colour,
    )
    channel = ElementTree.SubElement(
        line, "Channel", audioChannels=str(min(track.channels, 2)), destination=_MASTER, role="regular", solo="false",
        id=f"channel-{number}",
    )  # fmt: skip
    _mixer(channel, str(number), track.muted, track.pan, track.gain)


def _mixer(channel: Element, name: str, muted: bool, pan: float, gain: float) -> None:
    """Mute, pan and volume, in the order that the schema wants."""
    ElementTree.SubElement(channel, "Mute", value=str(muted).lower(), id=f"mute-{name}", name="Mute")
    _real(channel, "Pan", (pan + 1) / 2, "normalized", 0, 1, id=f"pan-{name}", name="Pan")
    _real(channel, "Volume", gain, "linear", 0, max(2.0, gain), id=f"volume-{name}", name="Volume")


def _real(parent: Element, tag: str, value: float, unit: str, low: float, high: float, **more: str) -> None:
    ElementTree.SubElement(
        parent, tag, value=_number(value), unit=unit, min=_number(low), max=_number(high), attrib=more
    )


def _clip(lanes: Element, session: DawSession, number: int, track: SessionTrack, path: str, link: bool) -> None:
    """A track's one clip: its place in beats, its sound in seconds."""
    lane = ElementTree.SubElement(lanes, "Lanes", track=f"track-{number}", id=f"lane-{number}")
    clips = ElementTree.SubElement(lane, "Clips", id=f"clips-{number}")
    start = session.beats(track.start_s)
    length = session.beats(track.start_s + track.length_s) - start
    clip = ElementTree.SubElement(
        clips, "Clip", time=_number(start), duration=_number(length),
        contentTimeUnit="seconds", playStart="0.0", name=track.name, color=track.colour,
    )  # fmt: skip
    audio = ElementTree.SubElement(
        clip, "Audio", algorithm="raw", channels=str(track.channels), sampleRate=str(track.rate_hz), timeUnit="seconds",
        duration=_number(track.length_s), id=f"audio-{number}",
    )  # fmt: skip
    more = {"external": "true"} if link else {}
    ElementTree.SubElement(audio, "File", path=path, attrib=more)


def _number(value: float) -> str:
    return repr(float(value))


def _text(root: Element) -> bytes:
    ElementTree.indent(root)
    return bytes(ElementTree.tostring(root, encoding="UTF-8", xml_declaration=True))
