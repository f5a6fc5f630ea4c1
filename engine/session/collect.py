"""From result files to a session: the JSON beside a result says what it is of and where it belongs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from engine.audio.file_names import region_words
from engine.audio.read_tags import read_tags
from engine.audio.reader import AudioInfo, UnknownAudio, probe
from engine.audio.riff import time_reference
from engine.errors import AudioError, RequestError
from engine.notes.beats import TempoEstimate
from engine.notes.time_map import BPM_LIMITS, TimeMap
from engine.provenance import SIDECAR_LIMIT_BYTES, read_sidecar
from engine.session.plan import PALETTE, REST_COLOUR, USUAL_BPM, DawSession, SessionMarker, SessionTrack
from engine.session.plan import check_session as checked
from engine.sidecar_values import beside, file_of, number_of, text_of, whole_of
from engine.tasks import TASKS

GAIN_LIMIT_DB = 100.0  # of what a clip guard took
_PARTS = ("stem", "rest", "mix")  # of a result, as a sidecar names its files
_MUTED_RESTS = (
    "several stems of one mix overlap, so what each of them left over is muted (together it would be the mix again and "
    "again); isolate with --other to get one remainder that adds up"
)
_MUTED_VERSIONS = "of several versions of a stem the first is heard; the others are muted"
_NO_TEMPO = "the stems say no tempo, so the session has {bpm:g} beats per minute; give one with --tempo"


@dataclass(frozen=True, slots=True)
class _ResultFile:
    """A file, what it is of its result, and what the result's JSON says; an empty record where there is none."""

    file: Path
    part: str
    record: dict[str, Any]

    @property
    def prompt(self) -> str:
        return text_of(self.record, "prompt")

    @property
    def source(self) -> str:
        """What it was made from: equal for results of one mix."""
        return text_of(self.record, "input_sha256") or text_of(self.record, "input") or str(self.file)

    @property
    def task(self) -> str:
        return text_of(self.record, "task")


def session_of(
    paths: Sequence[Path | str],
    *,
    title: str = "",
    bpm: float | None = None,
    beats_per_bar: int | None = None,
    markers: Sequence[SessionMarker] = (),
    heard: TempoEstimate | None = None,
    heard_in: Path | None = None,
) -> DawSession:
    """The session of some results.

    Args:
        paths: stems, JSONs beside results (all files of that result), or folders of results. What a named stem left
            over comes with it. A file that no JSON speaks of begins where its Broadcast Wave chunk says, counted from
            the earliest such file, else at 0.
        title: "" means the name of the mix.
        bpm: None takes the tempo that the files' tags say, else 120, which is noted.
        beats_per_bar: quarter notes in a bar; None takes those that were heard, else 4.
        markers: beside those of the regions that were worked on.
        heard: tempo, bars and key of the music, as ``hear_tempo`` finds them; a tempo that drifts becomes a tempo map,
            bar 1 and the key markers.
        heard_in: the file that was listened to; the seconds of one that lies in the session begin where it does. None
            means the mix, which begins with the session.

    Raises:
        AudioError: a file is missing, or is not audio that a DAW reads.
        RequestError: a JSON is no sidecar, there is nothing, or tempo or meter are not allowed.
    """
    found = list(_without_twins(one for path in paths for one in _named(Path(path))))
    if not found:
        raise RequestError("there is no stem to put into the session; name at least one result")
    infos = [_probed(one.file) for one in found]
    origin = min((time_reference(i.extras.bext) for f, i in zip(found, infos, strict=True) if not f.record), default=0)
    tracks = [_track(one, info, origin) for one, info in zip(found, infos, strict=True)]
    tracks, notes = _told_apart(found, tracks)
    time_map = heard.time_map if heard is not None and bpm is None else None
    if time_map is not None:
        time_map = time_map.moved(_start_s(tracks, heard_in))
        bpm = time_map.bpm
        beats_per_bar = time_map.beats_per_bar if beats_per_bar is None else beats_per_bar
        markers = (*markers, *_heard_markers(time_map))
    if bpm is None and (bpm := _tagged_bpm(one.file for one in found)) is None:
        bpm, notes = USUAL_BPM, (*notes, _NO_TEMPO.format(bpm=USUAL_BPM))
    return checked(
        DawSession(
            title=title or _title(found[0]),
            tracks=tuple(tracks),
            markers=(*markers, *_region_markers(found, tracks)),
            bpm=bpm,
            beats_per_bar=4 if beats_per_bar is None else beats_per_bar,
            tempos=time_map.tempos() if time_map is not None and time_map.beats_s else (),
            notes=notes,
        )
    )


def _start_s(tracks: Sequence[SessionTrack], file: Path | None) -> float:
    """Where a file begins in a session; 0 where it is none of its sounds."""
    return next((track.start_s for track in tracks if file is not None and track.file == file.absolute()), 0.0)


def _heard_markers(time_map: TimeMap) -> Iterator[SessionMarker]:
    """Where bar 1 begins, with the key."""
    name = f"1|1 {time_map.key}".strip()
    yield SessionMarker(name, max(time_map.first_s, 0.0))


def music_of(paths: Sequence[Path | str], input_stays: bool = True) -> Path:
    """The file to hear the tempo in: the mix of the first result where it is still there, else its rest, else itself.

    Args:
        paths: as ``session_of`` takes them.
        input_stays: False where the mix was a copy that is removed after the job, as the bridge's are.

    Raises:
        AudioError, RequestError: as ``session_of``.
    """
    first = next((one for path in paths for one in _named(Path(path))), None)
    if first is None:
        raise RequestError("there is no stem to put into the session; name at least one result")
    if input_stays and (source := file_of(first.record, "input")) is not None:
        return source
    rest = beside(first.file, first.record.get("rest"))
    return rest if rest is not None and rest.is_file() else first.file


def _named(path: Path) -> Iterator[_ResultFile]:
    """What one path of the user means."""
    if path.is_dir():
        records = list(_sidecars(path))
        if not records:
            raise RequestError(
                "there is no result in the folder {path}; name stems, or the JSON beside them", path=path
            )
        for sidecar, record in records:
            yield from _files_of(sidecar, record)
    elif path.suffix.lower() == ".json":
        yield from _files_of(path, read_sidecar(path))
    else:
        yield from _with_its_rest(path)


def _with_its_rest(path: Path) -> Iterator[_ResultFile]:
    for _, record in _sidecars(path.parent, first=path.stem):
        part = next((part for part in _PARTS if record.get(part) == path.name), None)
        if part is not None:
            yield _ResultFile(path, part, record)
            rest = beside(path, record.get("rest")) if part == "stem" else None
            if rest is not None and rest.is_file():
                yield _ResultFile(rest, "rest", record)
            return
    yield _ResultFile(path, "", {})


def _files_of(sidecar: Path, record: dict[str, Any]) -> Iterator[_ResultFile]:
    """Every file of a result, the stem first."""
    for part in _PARTS:
        file = beside(sidecar, record.get(part))
        if file is None:
            continue
        if not file.is_file():
            raise AudioError(
                "the {part} {file} that {name} speaks of is gone; put it back, or name the other files alone",
                part=part, file=file.name, name=sidecar.name,
            )  # fmt: skip
        yield _ResultFile(file, part, record)


def _sidecars(folder: Path, first: str = "") -> Iterator[tuple[Path, dict[str, Any]]]:
    """JSONs of results in a folder, that of the name ``first`` before the others."""
    for path in sorted(folder.glob("*.json"), key=lambda one: (one.stem != first, one.name)):
        try:
            if path.stat().st_size <= SIDECAR_LIMIT_BYTES:
                yield path, read_sidecar(path)
        except (RequestError, OSError):  # any other JSON
            continue


def _without_twins(found: Iterator[_ResultFile]) -> Iterator[_ResultFile]:
    seen: set[Path] = set()
    for one in found:
        place = one.file.absolute()
        if place not in seen:
            seen.add(place)
            yield replace(one, file=place)


def _probed(path: Path) -> AudioInfo:
    try:
        return probe(path)
    except UnknownAudio as error:
        raise AudioError(
            "{path} is of a kind that DAWs do not share; make it again with --format wav24 or flac", path=path
        ) from error


def _track(one: _ResultFile, info: AudioInfo, origin: int) -> SessionTrack:
    start, rate_hz = whole_of(one.record, "start_samples"), whole_of(one.record, "rate_hz") or info.rate_hz
    if not one.record:
        start = max(time_reference(info.extras.bext) - origin, 0)
    masked = TASKS[one.task].masked if one.task in TASKS else False
    return SessionTrack(
        name=_track_name(one),
        file=one.file,
        rate_hz=info.rate_hz,
        channels=info.channels,
        samples=info.samples,
        start_samples=round(start * info.rate_hz / rate_hz),
        container=info.container,
        # What the clip guard took from stem and rest alike, the session gives back: a DAW's own sum does not clip.
        gain_db=-number_of(one.record, "gain_db", GAIN_LIMIT_DB) + 0.0 if masked else 0.0,
    )


def _track_name(one: _ResultFile) -> str:
    if one.part == "mix":
        return "mix"
    if not one.prompt:
        return one.file.stem
    return f"without {one.prompt}" if one.part == "rest" else one.prompt


def _told_apart(found: list[_ResultFile], tracks: list[SessionTrack]) -> tuple[list[SessionTrack], tuple[str, ...]]:
    """The tracks with colours, and muted where they would make the same music sound twice."""
    notes: dict[str, None] = {}
    made, versions, colours = list[SessionTrack](), set[tuple[object, ...]](), dict[str, str]()
    for number, (one, track) in enumerate(zip(found, tracks, strict=True)):
        version = (one.source, one.part, one.prompt, track.start_samples, one.task)
        others = [
            other.part == "stem" and other.source == one.source and _overlap(track, tracks[at])
            for at, other in enumerate(found)
            if at != number and other.record is not one.record
        ]
        muted = False
        if one.record and version in versions:
            muted, notes[_MUTED_VERSIONS] = True, None
        elif one.part == "rest" and any(others):
            muted, notes[_MUTED_RESTS] = True, None
        elif one.part == "mix":
            muted = any(other.part == "stem" and other.source == one.source for other in found)
        versions.add(version)
        plain = one.part in ("rest", "mix")
        colour = REST_COLOUR if plain else colours.setdefault(track.name, PALETTE[len(colours) % len(PALETTE)])
        made.append(replace(track, muted=muted, colour=colour))
    return made, tuple(notes)


def _overlap(one: SessionTrack, other: SessionTrack) -> bool:
    return one.start_s < other.start_s + other.length_s and other.start_s < one.start_s + one.length_s


def _region_markers(found: list[_ResultFile], tracks: list[SessionTrack]) -> Iterator[SessionMarker]:
    """A marker where each region begins that was worked on."""
    seen: set[str] = set()
    for one, track in zip(found, tracks, strict=True):
        words = region_words(track.start_s, track.start_s + track.length_s)
        if (one.record.get("region_s") or one.record.get("regions_s")) and words not in seen:
            seen.add(words)
            yield SessionMarker(words, track.start_s)


def _tagged_bpm(files: Iterator[Path]) -> float | None:
    low, high = BPM_LIMITS
    for file in files:
        try:
            bpm = float(read_tags(file).first("BPM").replace(",", "."))
        except ValueError:
            continue
        if low <= bpm <= high:
            return bpm
    return None


def _title(one: _ResultFile) -> str:
    return Path(text_of(one.record, "input")).stem or one.file.stem
