"""Files for other programs: lanes under names that say what they are, and what an export writes."""

from __future__ import annotations

from pathlib import Path

from desktop.audio.export import FIELDS, ExportFile, file_name
from desktop.audio.mixer import Track
from desktop.audio.store import AudioStore
from desktop.models.document import Document
from desktop.models.project import Lane, Project
from desktop.models.project_file import put_file
from engine import AudioError, OutputError, RequestError

ROUND_NUMBERS = "{:02d}"


def name_values(project: Project, lane: Lane | None, number: int) -> dict[str, str]:
    """Values for the fields of a name template."""
    values = {
        "track": project.title or "untitled",
        "stem": lane.name if lane is not None else "mix",
        "take": str(lane.active + 1) if lane is not None else "1",
        "bundle": (lane.take.made.bundle if lane is not None else "") or "none",
        "nr": ROUND_NUMBERS.format(number),
    }
    assert set(values) == set(FIELDS)
    return values


class LaneFiles:
    """Stored audio under readable names.

    Args:
        document: whose lanes.
        store: where their audio is.
    """

    def __init__(self, document: Document, store: AudioStore) -> None:
        self._document, self._store = document, store

    def file_of(self, lane_id: str) -> Path:
        """A file with a lane's take, bit for bit as the engine wrote it; made when missing.

        Raises:
            RequestError: there is no such lane.
            AudioError: its audio is gone.
            OutputError: the folder for it cannot be written to.
        """
        project = self._document.project
        lane = project.lane(lane_id)
        if lane is None:
            raise RequestError("this lane is gone; choose another one")
        source = self._store.path(lane.take.audio)
        if not source.is_file():
            raise AudioError("the audio of {lane} is gone from the disk; make it again", lane=lane.name)
        folder = self._store.folder.parent / "out" / lane.take.audio.sha256[:12]
        path = folder / (file_name("{track} - {stem}", name_values(project, lane, 1)) + lane.take.audio.suffix)
        try:
            folder.mkdir(parents=True, exist_ok=True)
            put_file(source, path)
        except OSError as error:
            raise OutputError(
                "cannot write to {folder} ({reason}); make room there", folder=folder, reason=error.strerror or error
            ) from error
        return path

    def parts(self, what: str, lanes: list[str], template: str) -> tuple[list[ExportFile], Track | None]:
        """What an export writes.

        Args:
            what: ``lanes`` (each on its own), ``mix`` (what is heard, added up) or ``minus`` (the mix without the
                chosen lanes).
            lanes: ids of the chosen ones.
            template: of the names.

        Returns:
            The files, and what their sum is held against where they are meant to sum to it.

        Raises:
            RequestError: nothing is chosen, or the template makes no name.
            AudioError: audio is gone.
        """
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
            return [ExportFile(file_name(template, name_values(project, None, 1)), tracks)], None
        if what == "minus":
            if source is None:
                raise RequestError("this project has no mix to subtract from; choose the stems instead")
            taken = tuple(self._track(lane, sign=-1.0) for lane in chosen)
            values = name_values(project, chosen[0], 1)
            values["stem"] = "without " + " and ".join(lane.name for lane in chosen)
            return [ExportFile(file_name(template, values), (source, *taken))], None
        parts = [
            ExportFile(file_name(template, name_values(project, lane, number)), (self._track(lane),))
            for number, lane in enumerate(chosen, 1)
        ]
        return parts, source if sums_to_mix(chosen) else None

    def _source(self, project: Project) -> Track | None:
        return Track("mix", self._store.samples(project.source)) if project.source is not None else None

    def _track(self, lane: Lane, sign: float = 1.0) -> Track:
        samples_NC = self._store.samples(lane.take.audio)
        return Track(lane.id, samples_NC, lane.take.start, sign * lane.gain, lane.pan)


def sums_to_mix(lanes: list[Lane]) -> bool:
    """True for a stem and its rest, both unchanged: they should sum to the mix."""
    if len(lanes) != 2 or {lane.role for lane in lanes} != {"stem", "rest"}:
        return False
    one, two = lanes
    untouched = all(lane.gain_db == 0 and lane.pan == 0 for lane in lanes)
    return untouched and one.take.made == two.take.made and not one.take.made.regions
