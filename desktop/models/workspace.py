"""Everything the window can do, without the window: open, ask, play, undo, save, recover."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import QObject, QTimer, Signal

from desktop.audio.peaks import Peaks
from desktop.audio.snap import nearest_zero
from desktop.audio.sounds import PlacedSound, SoundSamples
from desktop.audio.spectrogram import Spectrogram
from desktop.audio.store import AudioRef, AudioStore
from desktop.link import EngineLink
from desktop.message import Message
from desktop.models.background import Background
from desktop.models.bridge_service import BridgeService
from desktop.models.bundles import BundleLibrary
from desktop.models.diagnostics import Diagnostics
from desktop.models.disk_use import DiskUse, measure_disk
from desktop.models.document import Document
from desktop.models.ghosts import GhostLane
from desktop.models.job_controller import JobController
from desktop.models.lane_files import LaneFiles
from desktop.models.lane_notes import LaneNotes
from desktop.models.lane_pictures import LanePictures
from desktop.models.lane_sound import LaneSounds
from desktop.models.playback_speed import PracticeSpeed
from desktop.models.project import Lane, LaneTake, Project, TakeOrigin
from desktop.models.project_file import SUFFIX, ProjectLock, load_project, save_project
from desktop.models.recent_files import keep_look
from desktop.models.recovery import RecoverableProject, Recovery
from desktop.models.results import at_rate
from desktop.models.settings import AppSettings
from desktop.models.sum_check import SumCheck
from desktop.models.tempo import TempoModel
from desktop.models.transport import Transport
from engine import AudioError, EngineError, OutputError, Request, RequestError

AUTOSAVE_MS = 1500
STREAMED_S = 60.0  # files as long as this are seen and heard before all of them is read
TRIM_MS = 10_000  # after a project was opened or something came out
TRIM_SPARE_S = 600.0


@dataclass(frozen=True, slots=True)
class OpeningProgress:
    """A file that is being opened: its name, and the share of it that is copied."""

    name: str
    fraction: float = 0.0


class Workspace(QObject):
    """The application behind the window: one document, and the services around it.

    Args:
        settings: what the user has chosen.
        data: folder for audio, sessions and scratch files.
        cache: folder for what can be made again.

    Signals:
        troubled: a ``Message`` for the user, and details.
        told: a ``Message`` that is no trouble.
        opened: a project was begun or loaded.
        saved: path of the project file.
        place_changed: path of the project file, empty when there is none.
        opening: an ``OpeningProgress`` while a file is copied, None when that is over.
        audio_grew: hash of a long file that is still read, and how many of its samples are there.
        lane_drawn: id of a lane of which there is a new picture.
        sum_changed: level of what is heard minus the mix, in dB; None where there is nothing to compare.
    """

    troubled = Signal(object, str)
    told = Signal(object)
    opened = Signal()
    saved = Signal(str)
    place_changed = Signal(str)
    opening = Signal(object)
    audio_grew = Signal(str, int)
    lane_drawn = Signal(str)
    sum_changed = Signal(object)

    def __init__(self, settings: AppSettings, data: Path, cache: Path, link: EngineLink) -> None:
        super().__init__()
        self.settings = settings
        self.link = link
        self.scratch = data / "scratch"
        self.store = AudioStore(data / "audio", cache)
        self.background = Background(self)
        self.document = Document(self)
        self.recovery = Recovery(data / "sessions")
        self.sounds = LaneSounds(self.store)
        self.transport = Transport(self.document, self.sounds, self.store, self.background, settings, self)
        self.files = LaneFiles(self.document, self.store, self.sounds)
        self._drawing = Background(self, 1)  # what is seen does not wait for what is read and written
        self.pictures = LanePictures(self.document, self.sounds, self.store, self._drawing, self)
        self.sum_check = SumCheck(self.document, self.sounds, self._drawing, self)
        own_scratch = self.scratch / self.recovery.folder.name
        self.jobs = JobController(self.document, self.store, self.sounds, self.background, link, own_scratch, self)
        self.bundles = BundleLibrary(settings, self.background, self)
        self.bridge = BridgeService(settings, self.background, link, data, self)
        self.tempo = TempoModel(self.document, self.store, settings, self.background, self)
        self.tempo.changed.connect(lambda: self.transport.show_time_map(self.tempo.time_map))
        self.notes = LaneNotes(self.document, self.store, self.sounds, self.tempo, self.files, self.background, self)
        self.notes.told.connect(self.told)
        self.notes.failed.connect(self.fail)
        self.speed = PracticeSpeed(self.transport.player, self)
        self.diagnostics = Diagnostics(self.background, self.transport.player, self)
        self.path: Path | None = None
        self._turns = 0  # how often something was opened
        self._lock: ProjectLock | None = None
        self._peaks: dict[str, Peaks] = {}
        self._spectra: dict[str, Spectrogram] = {}
        self._autosave = QTimer(self)
        self._autosave.setSingleShot(True)
        self._autosave.setInterval(AUTOSAVE_MS)
        self._autosave.timeout.connect(self._keep)
        self._trim_soon = QTimer(self)
        self._trim_soon.setSingleShot(True)
        self._trim_soon.setInterval(TRIM_MS)
        self._trim_soon.timeout.connect(self._trim)
        for news in (self.opened, self.jobs.answered):
            news.connect(self._trim_soon.start)
        settings.changed.connect(lambda name, value: self._trim_soon.start() if name == "cache_gb" else None)
        self.document.changed.connect(lambda before, after: self._autosave.start())
        self.jobs.queue.summary_changed.connect(lambda count: self._autosave.start())
        self.opened.connect(self._keep_look)
        self.pictures.drawn.connect(self.lane_drawn)
        self.sum_check.changed.connect(self.sum_changed)
        self.jobs.ghosts_changed.connect(lambda: self.transport.show_ghosts(self.jobs.ghosts))
        self.transport.told.connect(self.told)
        self.jobs.told.connect(self.told)
        self.jobs.failed.connect(self.troubled)
        self.bridge.failed.connect(self.fail)
        self.transport.stopped.connect(lambda message: self.troubled.emit(message, "") if message else None)

    # Opening.

    def open(self, path: Path) -> None:
        """Open a project, or begin one with an audio or video file."""
        if path.suffix.lower() == SUFFIX:
            self.open_project(path)
            return
        self.opening.emit(OpeningProgress(path.name))
        is_last = self._turn()

        def report(share: float) -> None:
            if is_last():
                self.opening.emit(OpeningProgress(path.name, share))

        def take() -> AudioRef:
            ref = self.store.take(path, self.background.check, report)
            if ref.seconds < STREAMED_S or not self.store.begin(ref):
                self.store.prepare(ref, self.background.check)
            return ref

        def show(ref: AudioRef) -> None:
            if not is_last():
                return
            self.opening.emit(None)
            self._begin(path, ref)
            if self.store.is_undrawn(ref):
                self._read_on(ref)

        def fail(error: EngineError) -> None:
            if is_last():
                self.opening.emit(None)
            self.fail(error)

        self.background.run(take, show, fail)

    def _turn(self) -> Callable[[], bool]:
        """Begin to open something; the answer tells whether nothing else was opened since."""
        turn = self._turns = self._turns + 1
        return lambda: turn == self._turns

    def _read_on(self, ref: AudioRef) -> None:
        """Read the rest of a long file while it is seen and heard."""

        def grew(share: float) -> None:
            self.audio_grew.emit(ref.sha256, round(share * ref.samples))

        def done(nothing: None) -> None:
            self.audio_grew.emit(ref.sha256, ref.samples)
            self.transport.refresh()
            self._keep_look()

        def fail(error: EngineError) -> None:
            if self.document.project.source == ref:
                self._begin_with(Project())
                self.opened.emit()
            self.store.give_up(ref)
            self.fail(error)

        self.background.run(lambda: self.store.prepare(ref, self.background.check, grew), done, fail)

    def open_clip(self, path: Path, title: str, daw: str, then: Callable[[], None]) -> None:
        """Begin a project with a clip that a DAW sent.

        Args:
            title: for the user.
            daw: the DAW's own name for it, to send something back under.
            then: called when it is open.
        """
        is_last = self._turn()

        def show(ref: AudioRef) -> None:
            if not is_last():
                return
            self._settle(None, None)
            self._begin_with(Project(title=title, source=ref, rate_hz=ref.rate_hz, daw=daw))
            self._keep()
            self.opened.emit()
            then()

        self.background.run(lambda: self.store.add(path, self.background.check), show, self.fail)

    def open_daw_result(self, row_id: str) -> None:
        """Begin a project with the clip of a DAW's job, with what was made from it as lanes."""
        row = self.jobs.queue.row(row_id)
        if row is None or row.done is None or row.request is None:
            return
        try:
            clip = self.jobs.clip_of(row)
        except EngineError as error:
            self.fail(error)
            return
        name = self.bridge.name_of(row.job)
        self.open_clip(clip, clip.stem, name, lambda: self.jobs.show_daw_result(row, self.fail))

    def open_project(self, path: Path) -> None:
        """Load a project file."""
        if self.path == path and self._lock is not None:
            return
        try:
            lock = ProjectLock(path)
        except EngineError as error:
            self.fail(error)
            return

        damaged: list[str] = []
        is_last = self._turn()

        def show(project: Project) -> None:
            if not is_last():
                lock.release()
                return
            self._settle(path, lock)
            self._begin_with(project)
            self.settings.remember_file(path)
            self.opened.emit()
            if damaged:
                self.fail(
                    AudioError(
                        "{count} takes of {file} are no longer what was saved ({takes}); they play as they are now, "
                        "so listen to them, or put back an older copy of the audio folder",
                        count=len(damaged), file=path.name, takes=", ".join(damaged),
                    )
                )  # fmt: skip

        def fail(error: EngineError) -> None:
            lock.release()
            self.fail(error)

        self.background.run(lambda: load_project(path, self.store, self.background.check, damaged.extend), show, fail)

    def add_file(self, path: Path) -> None:
        """Add a file as a lane."""
        project = self.document.project

        def read() -> AudioRef:
            ref = self.store.add(path, self.background.check)
            return at_rate(ref, project.rate_hz, self.store, self.scratch, self.background.check)

        def show(ref: AudioRef) -> None:
            if self.document.project.source != project.source:
                asked = "{name} was not added, because another song was opened meanwhile; add it again"
                self.fail(RequestError(asked, name=path.name))
                return
            take = LaneTake(audio=ref, made=TakeOrigin(task="import", prompt=path.name))
            self.document.add_lanes(Message("add {name}", name=path.stem), [Lane(name=path.stem, takes=(take,))])

        self.background.run(read, show, self.fail)

    def batch(self, paths: Sequence[Path], request: Request) -> None:
        """Do the same with several files; the results of each lie beside it, and no lanes are made of them."""
        for path in paths:
            self.jobs.ask_for_file(path, request)

    def disk_use(self, then: Callable[[DiskUse], None]) -> None:
        """Measure what the open project and its history take on the disk, and all that the window keeps."""
        refs = self.document.audio_in_reach
        self.background.run(lambda: measure_disk(self.store, refs), then, self.fail)

    def recover(self, left: RecoverableProject) -> None:
        """Recover the project of a window that did not close."""
        is_last = self._turn()

        def prepare() -> None:
            for ref in left.project.audio:
                self.store.prepare(ref, self.background.check)

        def show(nothing: None) -> None:
            if not is_last():  # it can still be recovered at the next start
                return
            self._settle(None, None)
            self._begin_with(left.project)
            self.document.undo.resetClean()
            if left.saved_as:
                self._take_place(Path(left.saved_as))
            self.recovery.forget(left)
            self.jobs.resume(left.jobs)
            self._keep()
            self.opened.emit()

        self.background.run(prepare, show, self.fail)

    # Saving.

    @property
    def unsaved(self) -> bool:
        """True if closing would lose changes."""
        project = self.document.project
        if self.path is not None:
            return not self.document.undo.isClean()
        return bool(project.lanes)

    def save(self, path: Path | None = None, then: Callable[[], None] = lambda: None) -> None:
        """Save the project, to its own file unless another is given."""
        path = path or self.path
        if path is None:
            self.fail(OutputError("this project has no file yet; choose a name for it"))
            return
        path = path if path.suffix.lower() == SUFFIX else path.with_name(path.name + SUFFIX)
        try:
            lock = None if path == self.path else ProjectLock(path)
        except EngineError as error:
            self.fail(error)
            return
        except OSError:
            self.fail(OutputError("{folder} may not be written to", folder=path.parent))
            return
        project = self.document.project

        def done(nothing: None) -> None:
            if lock is not None:
                self._settle(path, lock)
            if self.document.project == project:
                self.document.undo.setClean()
            self.settings.remember_file(path)
            self.saved.emit(str(path))
            self.told.emit(Message("saved {file}", file=path.name))
            self._keep()
            then()

        def fail(error: EngineError) -> None:
            if lock is not None:
                lock.release()
            self.fail(error)

        self.background.run(lambda: save_project(project, path, self.store, self.background.check), done, fail)

    def close(self) -> None:
        """Shut down; unsaved changes are lost."""
        self._autosave.stop()
        self._trim_soon.stop()
        self.sum_check.close()
        self.bridge.close()
        self.tempo.close()
        self.notes.close()
        self.transport.close()
        self.background.close()
        self._drawing.close()
        self.link.close()
        if self._lock is not None:
            self._lock.release()
        self.recovery.close()
        shutil.rmtree(self.scratch / self.recovery.folder.name, ignore_errors=True)

    # What views ask.

    def peaks(self, ref: AudioRef) -> Peaks:
        """What a waveform is drawn from, kept in memory.

        Raises:
            AudioError: the cache was cleaned meanwhile.
        """
        if self.store.grows(ref):
            return self.store.peaks(ref)
        if ref.sha256 not in self._peaks:
            self._peaks[ref.sha256] = self.store.peaks(ref)
        return self._peaks[ref.sha256]

    def spectrum(self, ref: AudioRef) -> Spectrogram | None:
        """What a spectrogram is drawn from, kept in memory; None while a long file is still read.

        Raises:
            AudioError: as above.
        """
        if self.store.is_undrawn(ref):
            return None
        if ref.sha256 not in self._spectra:
            self._spectra[ref.sha256] = self.store.spectrum(ref)
        return self._spectra[ref.sha256]

    def sound(self, lane: Lane) -> PlacedSound:
        """A lane as it is heard, before gain and pan.

        Raises:
            AudioError: audio is gone from the cache.
        """
        return self.sounds.bank(self.document.project).heard(lane)

    def lane_peaks(self, lane: Lane) -> Peaks | None:
        """What the waveform of a lane is drawn from; None while it is computed, see ``lane_drawn``.

        Raises:
            AudioError: audio is gone from the cache.
        """
        return self.pictures.peaks(lane, lambda other: self.peaks(other.take.audio))

    def lane_spectrum(self, lane: Lane) -> Spectrogram | None:
        """What the spectrogram of a lane is drawn from; otherwise as above."""
        return self.pictures.spectrum(lane, lambda other: self.spectrum(other.take.audio))

    def ghost_peaks(self, ghost: GhostLane) -> Peaks | None:
        """What a lane on its way is drawn from; None where nothing of it is there."""
        return self.jobs.peaks_of(ghost)

    @property
    def sum_db(self) -> float | None:
        """Level of what is heard minus the mix, against the mix; None where there is nothing to compare."""
        return self.sum_check.db

    @property
    def sum_is_exact(self) -> bool:
        """True while what is heard is the mix."""
        return self.sum_check.is_exact

    def make_files(
        self, lane_ids: Sequence[str], then: Callable[[list[Path]], None], complement: bool = False, quiet: bool = False
    ) -> None:
        """Make the files of lanes, or of the mix without each; what has to be written is written by a worker.

        Args:
            then: gets the files; called before this returns where all of them are there already.
            complement: True means what the mix is without each lane.
            quiet: True says nothing of it in the status line.
        """
        try:
            ready = [self.files.at_once(lane_id, complement) for lane_id in lane_ids]
            there = [path for path in ready if path is not None]
            check = self.background.check
            missing = lane_ids if len(there) < len(ready) else ()
            makers = [self.files.rendering(lane_id, complement, check) for lane_id in missing]
        except EngineError as error:
            self.fail(error)
            return
        if not makers:
            then(there)
            return
        if not quiet:
            self.told.emit(Message("writing {count} files …", count=len(makers)))
        self.background.run(lambda: [make() for make in makers], then, self.fail)

    def samples(self, ref: AudioRef) -> SoundSamples:
        """The samples, memory-mapped."""
        return self.store.samples(ref)

    def snapped(self, sample: int) -> int:
        """The nearest beat, bar or zero crossing, as the settings say; the sample itself where none is meant."""
        if not self.settings.get("snap"):
            return sample
        project, time_map, step = self.document.project, self.tempo.time_map, self.settings.get("snap_to")
        if step != "zero" and time_map is not None and project.rate_hz:
            beats = float(time_map.beats_per_bar) if step == "bar" else 1.0
            at = round(time_map.nearest(sample / project.rate_hz, beats) * project.rate_hz)
            return min(max(at, 0), project.length)
        if project.source is None:
            return sample
        return nearest_zero(self.store.samples(project.source), sample, project.source.rate_hz)

    def clean_cache(self, limit_bytes: int, then: Callable[[int], None], spare_s: float = 0.0) -> None:
        """Make room; what any open project or its history needs stays.

        Args:
            limit_bytes: what may stay.
            then: gets the bytes that were freed.
            spare_s: what was used in the last so many seconds stays in any case.
        """
        mine = {ref.sha256 for ref in self.document.audio_in_reach}

        def clean() -> int:
            keep = mine | self.recovery.audio_in_use()
            return self.store.forget_originals(keep, spare_s) + self.store.clean_cache(keep, limit_bytes, spare_s)

        self.background.run(clean, then, self.fail)

    def _trim(self) -> None:
        """Trim the cache to its limit and delete what dead windows left."""
        self.clean_cache(int(self.settings.get("cache_gb")) << 30, lambda freed: None, TRIM_SPARE_S)
        self.background.run(lambda: self.recovery.sweep(self.scratch), lambda nothing: None, self.fail)

    def fail(self, error: EngineError) -> None:
        """Report an error to the user."""
        cause = error.__cause__
        details = f"{type(error).__name__}: {error}" + (f"\n{type(cause).__name__}: {cause}" if cause else "")
        self.troubled.emit(Message.of(error), details)

    def _begin(self, path: Path, ref: AudioRef) -> None:
        self._settle(None, None)
        self._begin_with(Project(title=path.stem, source=ref, source_path=str(path), rate_hz=ref.rate_hz))
        self.settings.remember_file(path)
        self._keep()
        self.opened.emit()

    def _keep_look(self) -> None:
        """Keep length and waveform of what is open for the list of recent files."""
        project = self.document.project
        source, path = project.source, str(self.path or project.source_path)
        if source is not None and not self.store.is_undrawn(source) and path in self.settings.get("recent"):
            try:
                keep_look(self.settings, path, self.peaks(source), source.samples, source.rate_hz)
            except AudioError:  # the lanes say so
                return

    def _begin_with(self, project: Project) -> None:
        """Show another project; what is under way for this one is cancelled."""
        self.jobs.cancel_all()
        self.document.replace_all(project)

    def _settle(self, path: Path | None, lock: ProjectLock | None) -> None:
        self.transport.stop()
        if self._lock is not None:
            self._lock.release()
        self._lock, self.path = lock, path
        self._peaks.clear()
        self._spectra.clear()
        self.place_changed.emit(str(path) if path else "")

    def _take_place(self, path: Path) -> None:
        try:
            self._settle(path, ProjectLock(path))
        except EngineError as error:
            self.fail(error)

    def _keep(self) -> None:
        project, place, jobs = self.document.project, str(self.path or ""), self.jobs.unfinished()
        self.background.run(lambda: self.recovery.keep(project, place, jobs), lambda nothing: None, self.fail)
