"""From a filled-in prompt to lanes: plan, queue, engine, result. The engine gets one job of this window at a time.

A job that takes stems out goes to the engine piece by piece (``desktop.models.separation_run``); any other is one
request. From the question on, the lanes that a job will make stand in ``ghosts``.
"""

from __future__ import annotations

import logging
import shutil
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, Signal

from desktop.audio.peaks import Peaks
from desktop.audio.sounds import PlacedSound, difference, inside
from desktop.audio.store import AudioStore
from desktop.link import EngineLink
from desktop.message import Message
from desktop.models.background import Background
from desktop.models.document import Document
from desktop.models.ghosts import GhostLane, ghosts_of
from desktop.models.job_list import ENDED, JobList, JobRow, JobState, details_of
from desktop.models.lane_sound import LaneSounds, SoundBank
from desktop.models.project import Project, new_id
from desktop.models.project_file import put_file
from desktop.models.request_builder import (
    JobPlan,
    check_words,
    make_plan,
    make_request,
    plan_from_json,
    plan_to_json,
    title_of,
)
from desktop.models.result_lanes import add_made, add_stems, whole_of
from desktop.models.results import PromptResult, collect, lane_for, others
from desktop.models.separation_run import (
    USUAL_GRID,
    FinishedStem,
    PieceGrid,
    SeparationRun,
    grid_of,
    write_sound,
)
from engine import AudioError, Done, EngineError, Failed, Request, RequestError, rule_of

log = logging.getLogger(__name__)

ENGINE_SHARE = 0.97  # of a job; the rest is for its result to be kept and drawn


class JobController(QObject):
    """Asks the engine and brings its results into the document.

    Args:
        background: prepares inputs and reads results.
        scratch: this window's folder for temporary files.
        parent: owns it.

    Signals:
        answered: id of the job's row, and of the lane with its result.
        failed: a ``Message`` for the user, and details.
        told: a ``Message`` for the status line.
        ghosts_changed: a lane on its way came, went or grew.
    """

    answered = Signal(str, str)
    failed = Signal(object, str)
    told = Signal(object)
    ghosts_changed = Signal()

    def __init__(
        self,
        document: Document,
        store: AudioStore,
        sounds: LaneSounds,
        background: Background,
        link: EngineLink,
        scratch: Path,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self.queue = JobList(self)
        self.device = ""
        self._noted: set[str] = set()  # notes of results that were told of
        self.bundle = ""
        self._document, self._store, self._sounds, self._background = document, store, sounds, background
        self._link, self._scratch = link, scratch
        self._ghosts: dict[str, tuple[GhostLane, ...]] = {}  # by row
        self._runs: dict[str, SeparationRun] = {}
        self._cancelled: set[str] = set()  # rows that were cancelled and have not ended yet
        link.accepted.connect(self._on_accepted)
        link.progressed.connect(self._on_progress)
        link.finished.connect(self._on_finished)
        link.failed.connect(self._on_failed)
        link.cancelled.connect(self._on_cancelled)

    @property
    def ghosts(self) -> tuple[GhostLane, ...]:
        """Lanes that are on their way, in the order of their jobs."""
        return tuple(ghost for ghosts in self._ghosts.values() for ghost in ghosts)

    def set_ghost(self, ghost_id: str, **values: Any) -> None:
        """Solo or mute a lane that is on its way."""
        for row_id, ghosts in self._ghosts.items():
            self._ghosts[row_id] = tuple(replace(one, **values) if one.id == ghost_id else one for one in ghosts)
        self.ghosts_changed.emit()

    def ask(self, request: Request) -> str:
        """Put a request into the queue; files, regions and a folder are added.

        Returns:
            Id of the job's row.

        Raises:
            RequestError: something is missing.
        """
        document, project = self._document, self._document.project
        plan = make_plan(project, project.lane(document.current), document.regions, request, document.source_lane)
        document.set_source_lane("")
        return self._queue(title_of(request), plan)

    def ask_for_file(self, path: Path, request: Request) -> str:
        """Put a request about a file that is not open into the queue; its results lie beside the file.

        Returns:
            Id of the job's row.

        Raises:
            RequestError: the task needs more than a file and words.
        """
        rule = rule_of(request.task, request.slot)
        if rule.input_slot is None or rule.span.name == "REQUIRED":
            raise RequestError("{task} cannot be done for several files; open them one by one", task=request.task)
        check_words(request)
        asked = replace(request, input=str(path), out=str(path.parent))
        row = JobRow(title=f"{title_of(request)} ({path.name})", request=asked, context=None, for_file=True)
        self.queue.add(row)
        self.pump()
        return row.id

    def _queue(self, title: str, plan: JobPlan) -> str:
        rate_hz = max(self._document.project.rate_hz, 1)
        regions_s = tuple((first / rate_hz, last / rate_hz) for first, last in plan.regions)
        row = JobRow(title=title, context=(plan, self._document.project), regions_s=regions_s)
        self._ghosts[row.id] = ghosts_of(row.id, plan, self._document.project, self.ghosts)
        self.queue.add(row)
        self.ghosts_changed.emit()
        self.pump()
        return row.id

    def unfinished(self) -> list[dict[str, Any]]:
        """Jobs of this window that wait or run, as JSON values; ``resume`` queues them again."""
        rows = [row for row in self.queue.rows if row.state not in ENDED and row.context is not None]
        return [{"title": row.title, "plan": plan_to_json(row.context[0])} for row in rows]

    def resume(self, jobs: Sequence[dict[str, Any]]) -> None:
        """Queue jobs that a window left behind; those that cannot be read are left out."""
        for job in jobs:
            try:
                self._queue(str(job["title"]), plan_from_json(job["plan"]))
            except (RequestError, KeyError, TypeError) as error:
                log.info("a job that was left behind is not taken up (%s)", error)

    def cancel(self, row_id: str) -> None:
        """Cancel a job, or remove it from the queue; what the engine is done with already is not shown either."""
        row = self.queue.row(row_id)
        if row is None or row.state in ENDED:
            return
        if row.job:
            if row.context is not None and not row.for_file:
                self._cancelled.add(row_id)
            self.queue.update(row_id, stage="stopping")
            self._link.cancel(row.job)
        else:
            self.queue.update(row_id, state=JobState.CANCELLED)
            self._forget(row_id)
            self.pump()

    def cancel_all(self) -> None:
        """Cancel all jobs of this window, those that wait first."""
        rows = [row for row in self.queue.rows if row.state not in ENDED and row.context is not None]
        for row in sorted(rows, key=lambda row: row.state is JobState.RUNNING):
            self.cancel(row.id)

    def retry(self, row_id: str) -> None:
        """Queue a failed or cancelled job again; one whose sound is not heard replaces it all the same."""
        row = self.queue.row(row_id)
        if row is not None and row.state in ENDED and row.for_file and row.request is not None:
            self.queue.add(
                replace(row, id=new_id(), job="", state=JobState.WAITING, fraction=0.0, pace=None, message=None)
            )
            self.pump()
        elif row is not None and row.state in ENDED and row.context is not None:
            plan = row.context[0]
            anyway = row.was_not_heard or plan.request.anyway
            self._queue(row.title, replace(plan, request=replace(plan.request, anyway=anyway)))

    def pump(self) -> None:
        """Send the next job if none from this window is running."""
        row = self.queue.next_waiting()
        if row is None:
            return
        self.queue.update(row.id, state=JobState.RUNNING, stage="preparing", started_s=self.queue.now_s())
        if row.for_file and row.request is not None:
            self._submit(row.id, row.request)
            return
        plan, project = row.context
        out = self._folder(row)
        try:
            bank = self._sounds.bank(self._document.project if plan.source_lane else project)
        except EngineError as error:
            self._fail(row.id, type(error).__name__, Message.of(error))
            return
        self._background.run(
            lambda: self._prepare(plan, project, bank, out),
            lambda prepared: self._send(row.id, *prepared),
            lambda error: self._fail(row.id, type(error).__name__, Message.of(error)),
        )

    def clip_of(self, row: JobRow) -> Path:
        """The clip that a DAW sent for a job; the bridge deletes its own copy when the job ends.

        Raises:
            AudioError: it is gone.
        """
        clip = self._clip(row)
        if clip is None or not clip.is_file():
            raise AudioError("the clip of this job is gone; send it again from the DAW")
        return clip

    def show_daw_result(self, row: JobRow, failed: Callable[[EngineError], None]) -> None:
        """Add lanes for what was made from the clip of a DAW."""
        request, done = row.request, row.done
        if request is None or done is None:
            return
        plan = JobPlan(input="mix", rest="", lane="", regions=(), offset=0, request=request, keep_files=True)
        project, scratch = self._document.project, self._side_folder(row, "scratch")
        check = self._background.check
        if rule_of(request.task, request.slot).masked:
            run = self._run_of(plan, request, project, scratch, USUAL_GRID, asks=False)
            run.inbox.append(done)

            def taken_out() -> list[FinishedStem]:
                run.take_in(check)
                return run.finish(done, self._store, {}, check)

            self._background.run(
                taken_out,
                lambda stems: self.answered.emit(row.id, self._add_stems(row.id, row.title, plan, stems)),
                failed,
            )
            return
        bank = self._sounds.bank(project)
        self._background.run(
            lambda: collect(done, plan, project, bank, self._store, scratch, check),
            lambda results: self.answered.emit(row.id, self._add_made(row.id, results, request, "", row.title)),
            failed,
        )

    def _clip(self, row: JobRow) -> Path | None:
        if row.request is None or not row.request.input:
            return None
        return self._side_folder(row, "clip") / Path(row.request.input).name

    def _keep_clip(self, row: JobRow) -> None:
        """Have a worker copy the clip of a DAW's job, which the bridge deletes when the job ends."""
        clip = self._clip(row)
        if clip is None or row.request is None:
            return
        given = Path(str(row.request.input))

        def copy() -> None:
            try:
                clip.parent.mkdir(parents=True, exist_ok=True)
                put_file(given, clip)
            except OSError as error:
                log.info("the clip of %s could not be kept (%s)", row.title, error)

        self._background.run(copy, lambda nothing: None, lambda error: None)

    def _folder(self, row: JobRow) -> Path:
        return self._scratch / row.id

    def _side_folder(self, row: JobRow, what: str) -> Path:
        """One beside the folder of the results: ``in``, ``clip`` or ``scratch``."""
        return self._scratch / f"{row.id}-{what}"

    def _prepare(self, plan: JobPlan, project: Project, bank: SoundBank, out: Path) -> tuple[Request, PieceGrid]:
        asked = {"input": plan.input, "rest": plan.rest}
        files = {name: self._file(what, plan, project, bank, out) for name, what in asked.items()}
        return make_request(plan, project, files, out), grid_of(plan.request.bundle)

    def _file(self, what: str, plan: JobPlan, project: Project, bank: SoundBank, out: Path) -> Path | None:
        if what in ("", "mix"):
            return self._store.path(project.source) if what and project.source is not None else None
        lane = bank.project.lane(plan.source_lane)
        if lane is None:
            raise RequestError("this lane is gone; choose another one")
        folder, check = out.with_name(out.name + "-in"), self._background.check
        if what == "others":
            return others(bank.project, lane, bank, folder, check)
        take = bank.stored(lane)
        if take is not None and take.start == plan.offset:
            return self._store.path(take.audio)
        sound = bank.heard(lane)
        path = folder / f"{lane.id}.wav"
        write_sound(path, sound.since(plan.offset), project.rate_hz, None, check)
        return path

    def _send(self, row_id: str, request: Request, grid: PieceGrid) -> None:
        row = self.queue.row(row_id)
        if row is None or row.state is not JobState.RUNNING:  # cancelled while it was prepared
            self.pump()
            return
        self.queue.update(row_id, request=request)
        plan, project = row.context
        if rule_of(request.task, request.slot).masked:
            run = self._runs[row_id] = self._run_of(plan, request, project, self._side_folder(row, "scratch"), grid)
            request = run.next_request()
        self._submit(row_id, request)

    def _submit(self, row_id: str, request: Request) -> None:
        try:
            self.queue.started(row_id, self._link.submit(request))
        except EngineError as error:
            self._fail(row_id, type(error).__name__, Message.of(error))

    def _run_of(
        self, plan: JobPlan, request: Request, project: Project, scratch: Path, grid: PieceGrid, asks: bool = True
    ) -> SeparationRun:
        source = project.source
        lane = self._document.project.lane(plan.source_lane) or project.lane(plan.source_lane)
        samples = lane.take.audio.samples if lane is not None else source.samples if source is not None else 1
        span = (plan.offset, plan.offset + samples)
        bits = self._store.bits(source) if source is not None else None
        return SeparationRun(plan, request, span, project.rate_hz, bits, scratch, grid, asks)

    # What the engine says.

    def _on_accepted(self, job: str, request: Request) -> None:
        row = self._daw_row(job)
        if not row.from_daw:
            return
        title = title_of(request)
        self.queue.update(row.id, title=title, request=request)
        self._keep_clip(replace(row, title=title, request=request))

    def _daw_row(self, job: str) -> JobRow:
        row = self.queue.of_job(job)
        if row is None:
            row = JobRow(title="job of a DAW", job=job, from_daw=True)
            self.queue.add(row)
        return row

    def _on_progress(self, job: str, fraction: float, stage: str) -> None:
        row = self._daw_row(job)
        values = {} if row.state is JobState.RUNNING else {"state": JobState.RUNNING, "started_s": self.queue.now_s()}
        if not row.from_daw:
            run = self._runs.get(row.id)
            fraction = ENGINE_SHARE * (run.share(fraction) if run is not None else fraction)
            fraction = max(fraction, row.fraction)
        self.queue.update(row.id, fraction=fraction, stage=stage, **values)
        self._show_ghosts(row.id)

    def _on_finished(self, job: str, done: Done) -> None:
        row = self._daw_row(job)
        self.device, self.bundle = done.device, done.bundle
        notes = dict.fromkeys(note for result in done.results for note in result.notes)
        fresh = [note for note in notes if note not in self._noted]
        if fresh:  # a device that was not used, a file that is cut; once, because every piece of a job has them
            self._noted.update(fresh)
            self.told.emit(Message("{notes}", notes="\n".join(fresh)))
        if row.from_daw or row.for_file:
            self.queue.update(row.id, state=JobState.DONE, fraction=1.0, stage="", done=done)
            self.pump()
            return
        if self._ended_by_cancel(row.id):
            self._sweep_behind(row)
            return
        if row.id in self._runs:
            self._on_piece(row, self._runs[row.id], done)
            return
        plan, _ = row.context
        project, bank = self._document.project, self._sounds.bank(self._document.project)
        self.queue.update(row.id, stage="writing", fraction=ENGINE_SHARE)
        scratch = self._side_folder(row, "scratch")
        self._background.run(
            lambda: self._collected(row, done, plan, project, bank, scratch),
            lambda results: self._show(row.id, done, plan, results),
            lambda error: self._fail(row.id, type(error).__name__, Message.of(error)),
        )

    def _collected(
        self, row: JobRow, done: Done, plan: JobPlan, project: Project, bank: SoundBank, scratch: Path
    ) -> list[PromptResult]:
        try:
            return collect(done, plan, project, bank, self._store, scratch, self._background.check)
        finally:
            self._sweep(row)

    def _show(self, row_id: str, done: Done, plan: JobPlan, results: list[PromptResult]) -> None:
        if not self._ended_by_cancel(row_id):
            self._ended(row_id, done, self._add_made(row_id, results, plan.request, plan.lane, title_of(plan.request)))

    def _ended_by_cancel(self, row_id: str) -> bool:
        """End a job that was cancelled when the engine was done with it, or with a piece of it; True where it was."""
        if row_id not in self._cancelled:
            return False
        self.queue.update(row_id, state=JobState.CANCELLED, stage="")
        self._forget(row_id)
        self.pump()
        return True

    def _ended(self, row_id: str, done: Done, lane: str) -> None:
        self.queue.update(row_id, state=JobState.DONE, stage="", fraction=1.0, done=done)
        self._forget(row_id)
        self.answered.emit(row_id, lane)
        self.pump()

    def _add_made(self, row_id: str, results: list[PromptResult], request: Request, lane_id: str, title: str) -> str:
        """Lanes or takes for what was made; say so where it cannot be heard at once. The id of the lane they are on."""
        lane, is_muted = add_made(self._document, self._ghosts.get(row_id, ()), results, request, lane_id, title)
        if is_muted:
            self.told.emit(Message("the new mix is muted because its stems are audible; press S to hear it alone"))
        return lane

    def _add_stems(self, row_id: str, title: str, plan: JobPlan, stems: list[FinishedStem]) -> str:
        """Lanes or takes for stems that were taken out; the id of the first lane."""
        return add_stems(self._document, self._ghosts.get(row_id, ()), title, plan, stems)

    # Stems that are taken out piece by piece.

    def _on_piece(self, row: JobRow, run: SeparationRun, done: Done) -> None:
        run.inbox.append(done)
        run.done += 1
        last = run.finished
        if last:
            self.queue.update(row.id, stage="writing", fraction=ENGINE_SHARE)
        else:
            self._submit(row.id, run.next_request())
        source = self._document.project.source
        completes = any(ghost.role == "else" for ghost in self._ghosts.get(row.id, ()))
        mix_NC = self._store.samples(source) if completes and source is not None else None

        def take_in() -> None:
            run.take_in(self._background.check)
            if mix_NC is not None:
                run.draw_rest(mix_NC, self._background.check)

        self._background.run(
            take_in,
            lambda nothing: self._on_filled(row.id, run, done, last),
            lambda error: self._fail(row.id, type(error).__name__, Message.of(error)),
        )

    def _on_filled(self, row_id: str, run: SeparationRun, done: Done, last: bool) -> None:
        row = self.queue.row(row_id)
        if row is None:
            return
        if row.state is not JobState.RUNNING:  # it ended while this was read, and was perhaps swept before
            self._sweep_behind(row)
            return
        if last and self._ended_by_cancel(row_id):
            self._sweep_behind(row)
            return
        self._show_ghosts(row_id)
        if not last:
            return
        project, check = self._document.project, self._background.check
        bank, whole = self._sounds.bank(project), whole_of(project, run.plan)
        onto = {
            stem.prompt: bank.missing_in_mix(lane) or bank.heard(lane)
            for stem in run.stems
            if (lane := lane_for(project, stem.prompt, whole)) is not None
        }

        def finish() -> list[FinishedStem]:
            try:
                return run.finish(done, self._store, onto, check)
            finally:
                self._sweep(row)

        def show(stems: list[FinishedStem]) -> None:
            if not self._ended_by_cancel(row_id):
                self._ended(row_id, done, self._add_stems(row_id, title_of(run.request), run.plan, stems))
                for note in run.notes:
                    self.told.emit(note)

        self._background.run(finish, show, lambda error: self._fail(row_id, type(error).__name__, Message.of(error)))

    def _show_ghosts(self, row_id: str) -> None:
        """What is there of the lanes of a job."""
        row, ghosts = self.queue.row(row_id), self._ghosts.get(row_id, ())
        if row is None or not ghosts:
            return
        run = self._runs.get(row_id)
        settled = 0 if run is None else run.settled  # read once, and before the stems: a worker moves all of it on
        stems = [] if run is None else [stem for stem in run.stems if stem.candidate == 0]
        heard = run is not None and settled > run.first  # in the first piece some stems are there and others are not
        shown, filled, played = [], [], []
        for ghost in ghosts:
            values: dict[str, Any] = {"fraction": row.fraction, "stage": row.stage}
            own = [stem for stem in stems if stem.prompt == ghost.prompt] or (stems if len(ghosts) == 1 else [])
            if ghost.role == "stem" and own and run is not None:
                sound = ghost.sound or PlacedSound(own[0].growing.samples_NC, run.first)
                played.append(inside(sound, run.first, settled))
                filled.append(sound)
                values |= {"filled": own[0].filled, "sound": sound, "settled": settled}
                values["played"] = played[-1] if heard else None
            shown.append(replace(ghost, **values))
        source = self._document.project.source
        for at, ghost in enumerate(shown):
            if ghost.role == "else" and filled and source is not None:
                mix = PlacedSound(self._store.samples(source))
                sound = ghost.sound or difference(mix, filled)
                covered = min((one.filled for one in shown if one.role == "stem"), key=len, default=())
                rest = difference(mix, played) if heard else None
                shown[at] = replace(ghost, filled=covered, sound=sound, settled=settled, played=rest)
        self._ghosts[row_id] = tuple(shown)
        self.ghosts_changed.emit()

    def peaks_of(self, ghost: GhostLane) -> Peaks | None:
        """What is drawn of a lane on its way; None where nothing is there."""
        run = self._runs.get(ghost.row_id)
        if ghost.role == "else":
            return run.rest_peaks() if run is not None else None
        stems = [] if run is None else [stem for stem in run.stems if stem.growing.samples_NC is ghost.samples_NC]
        return stems[0].growing.peaks() if stems else None

    def _forget(self, row_id: str) -> None:
        """No lane of a job is on its way any more."""
        self._runs.pop(row_id, None)
        self._cancelled.discard(row_id)
        if self._ghosts.pop(row_id, ()):
            self.ghosts_changed.emit()

    def _on_failed(self, job: str, failed: Failed) -> None:
        self._fail(self._daw_row(job).id, failed.kind, Message.of_failed(failed))

    def _fail(self, row_id: str, kind: str, message: Message) -> None:
        row = self.queue.row(row_id)
        if row is None:
            return
        self._sweep_behind(row)
        self._forget(row_id)
        self.queue.update(row_id, state=JobState.FAILED, message=message, kind=kind)
        details = details_of(replace(row, message=message, kind=kind))
        self.failed.emit(Message("{title} did not work: {reason}", title=row.title, reason=message), details)
        self.pump()

    def _on_cancelled(self, job: str) -> None:
        row = self._daw_row(job)
        self._sweep_behind(row)
        self._forget(row.id)
        self.queue.update(row.id, state=JobState.CANCELLED, stage="")
        self.pump()

    def _sweep_behind(self, row: JobRow) -> None:
        """Delete the files in between by a worker: those of a long song take the disk a while."""
        self._background.run(lambda: self._sweep(row), lambda nothing: None, lambda error: None)

    def _sweep(self, row: JobRow) -> None:
        for path in (self._folder(row), self._side_folder(row, "in"), self._side_folder(row, "scratch")):
            shutil.rmtree(path, ignore_errors=True)
