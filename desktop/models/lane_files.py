"""Files for other programs: lanes under names that say what they are, and what an export writes."""

from __future__ import annotations

import hashlib
import os
import uuid
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from desktop.audio.export import FIELDS, ExportFile, file_name
from desktop.audio.mixer import Track
from desktop.audio.read import Check, keep_going
from desktop.audio.sounds import PlacedSound
from desktop.audio.store import AudioStore
from desktop.message import Message
from desktop.models.document import Document
from desktop.models.lane_sound import LaneSounds
from desktop.models.project import ELSE_NAME, Lane, Project
from desktop.models.project_file import put_file
from desktop.models.separation_run import write_sound
from engine import AudioError, OutputError, RequestError

ROUND_NUMBERS = "{:02d}"


def name_values(
    project: Project, lane: Lane | None, number: int, said: Callable[[Message], str] = str
) -> dict[str, str]:
    """Values for the fields of a name template.

    Args:
        project, lane, number: what the file is of; no lane means the mix.
        said: words that are the window's own in the user's language.
    """
    values = {
        "track": project.title or said(Message("untitled")),
        "stem": stem_name(lane, said) if lane is not None else "mix",
        "take": str(lane.active + 1) if lane is not None else "1",
        "bundle": (lane.take.made.bundle if lane is not None else "") or "none",
        "nr": ROUND_NUMBERS.format(number),
    }
    assert set(values) == set(FIELDS)
    return values


def stem_name(lane: Lane, said: Callable[[Message], str] = str) -> str:
    """The name of a lane for a file; that of the lane which completes the sum is in the user's language."""
    return said(Message(ELSE_NAME)) if lane.is_else and lane.name == ELSE_NAME else lane.name


class LaneFiles:
    """Sounds of lanes as files with readable names.

    Args:
        store: where their audio is.
        sounds: of the lanes; None makes them of the store's.

    Attributes:
        said: puts the window's own words in names into the user's language.
    """

    def __init__(self, document: Document, store: AudioStore, sounds: LaneSounds | None = None) -> None:
        self._document, self._store = document, store
        self._sounds = sounds or LaneSounds(store)
        self.said: Callable[[Message], str] = str

    def at_once(self, lane_id: str, complement: bool = False) -> Path | None:
        """The file of a lane, or of the mix without it, where it takes no time: it is there, or a link makes it.

        A stored take is linked, bit for bit as it was made.

        Returns:
            None where ``rendering`` has to write it.

        Raises:
            RequestError: there is no such lane.
            AudioError: its audio is gone.
        """
        path, source, _ = self._planned(lane_id, complement)
        if path.is_file():
            return path
        if source is None:
            return None
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            os.link(source, path)
        except OSError:
            return None
        return path

    def rendering(self, lane_id: str, complement: bool = False, check: Check = keep_going) -> Callable[[], Path]:
        """What makes the file of a lane, or of the mix without it, for a worker.

        Raises:
            As ``at_once``; what is returned raises OutputError where the folder cannot be written to.
        """
        rate_hz = self._document.project.rate_hz
        path, source, sound = self._planned(lane_id, complement)

        def write() -> None:
            if source is not None:
                put_file(source, path)
                return
            fresh = path.with_name(f".{uuid.uuid4().hex}.part")
            try:
                write_sound(fresh, sound, rate_hz, None, check)
                os.replace(fresh, path)
            finally:
                fresh.unlink(missing_ok=True)

        return lambda: self._placed(path, write)

    def _planned(self, lane_id: str, complement: bool) -> tuple[Path, Path | None, PlacedSound]:
        """Where the file goes, the stored file that it equals if there is one, and its sound."""
        project = self._document.project
        lane = project.lane(lane_id)
        if lane is None:
            raise RequestError("this lane is gone; choose another one")
        if complement and project.source is None:
            raise RequestError("this project has no mix to subtract from; choose the stems instead")
        bank = self._sounds.bank(project)
        take = None if complement else bank.stored(lane)
        values = name_values(project, lane, 1, self.said)
        if complement:
            values["stem"] = self._without([lane])
        name = file_name("{track} - {stem}", values)
        if take is not None:
            source = self._store.path(take.audio)
            if not source.is_file():
                raise AudioError("the audio of {lane} is gone from the disk; make it again", lane=lane.name)
            return self._out(take.audio.sha256) / (name + take.audio.suffix), source, bank.heard(lane)
        sound = bank.mix_without(lane) if complement else bank.heard(lane)
        key = repr(("without" if complement else "lane", bank.key(lane)))
        return self._out(hashlib.sha256(key.encode()).hexdigest()) / f"{name}.wav", None, sound

    def export_folder(self) -> Path:
        """Where results go unless another folder is chosen: beside the file that was opened, else at home."""
        place = Path(self._document.project.source_path)
        beside = place.parent if place.name else Path.home()
        return beside if beside.is_dir() and os.access(beside, os.W_OK) else Path.home()

    def _out(self, name: str) -> Path:
        return self._store.folder.parent / "out" / name[:12]

    @staticmethod
    def _placed(path: Path, write: Callable[[], None]) -> Path:
        """The file, written unless it is there."""
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            if not path.is_file():
                write()
        except OSError as error:
            raise OutputError(
                "cannot write to {folder} ({reason}); make room there",
                folder=path.parent,
                reason=error.strerror or error,
            ) from error
        return path

    def parts(
        self, what: str, lanes: list[str], template: str, region: tuple[int, int] | None = None
    ) -> tuple[list[ExportFile], Track | None]:
        """What an export writes.

        Args:
            what: ``lanes`` (each on its own), ``mix`` (what is heard, added up) or ``minus`` (the mix without the
                chosen lanes).
            lanes: ids of the chosen ones.
            region: samples of the project, past the last; None for all.

        Returns:
            The files, and what their sum is held against where they are meant to sum to it.

        Raises:
            RequestError: nothing is chosen, or the template makes no name.
            AudioError: audio is gone.
        """
        files, original = self._parts(what, lanes, template)
        if region is None:
            return files, original
        moved = [
            replace(file, tracks=tuple(replace(track, start=track.start - region[0]) for track in file.tracks))
            for file in files
        ]
        return moved, None if original is None else replace(original, start=original.start - region[0])

    def _parts(self, what: str, lanes: list[str], template: str) -> tuple[list[ExportFile], Track | None]:
        project = self._document.project
        chosen = [lane for lane in project.lanes if lane.id in lanes]
        if not chosen and what != "mix":
            raise RequestError("no stem is selected; tick at least one")
        source = self._source(project)
        if what == "mix":
            heard = [lane for lane in project.lanes if project.heard(lane)]
            tracks = tuple(self._track(lane) for lane in heard) or ((source,) if source else ())
            if not tracks:
                raise RequestError("nothing is audible; unmute a lane first")
            return [ExportFile(file_name(template, name_values(project, None, 1, self.said)), tracks)], None
        if what == "minus":
            if source is None:
                raise RequestError("this project has no mix to subtract from; choose the stems instead")
            taken = tuple(self._track(lane, sign=-1.0) for lane in chosen)
            values = name_values(project, chosen[0], 1, self.said)
            values["stem"] = self._without(chosen)
            return [ExportFile(file_name(template, values), (source, *taken))], None
        parts = [
            ExportFile(file_name(template, name_values(project, lane, number, self.said)), (self._track(lane),))
            for number, lane in enumerate(chosen, 1)
        ]
        return parts, source if sums_to_mix(project, chosen) else None

    def _without(self, lanes: list[Lane]) -> str:
        names = f" {self.said(Message('and'))} ".join(stem_name(lane, self.said) for lane in lanes)
        return self.said(Message("without {names}", names=names))

    def _source(self, project: Project) -> Track | None:
        return Track("mix", self._store.samples(project.source)) if project.source is not None else None

    def _track(self, lane: Lane, sign: float = 1.0) -> Track:
        sound = self._sounds.bank(self._document.project).heard(lane)
        return Track(lane.id, sound.samples_NC, sound.start, sign * lane.gain, lane.pan)


def sums_to_mix(project: Project, lanes: list[Lane]) -> bool:
    """True for all lanes of the one sum, as they are in the mix: they should sum to it."""
    ids = {lane.id for lane in lanes}
    whole = {lane.id for lane in project.lanes if lane.out_of or lane.is_else}
    rest = project.else_lane
    untouched = all(lane.gain_db == 0 and lane.pan == 0 and not lane.fade_in and not lane.fade_out for lane in lanes)
    return (
        rest is not None
        and ids == whole
        and untouched
        and all(lane.is_else or lane.take.is_separated for lane in lanes)
    )
