"""From a filled-in prompt to lanes: plan, queue, engine, result. The engine gets one job of this window at a time."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from PySide6.QtCore import QObject, Signal

from desktop.audio.store import AudioStore
from desktop.link import EngineLink
from desktop.message import Message
from desktop.models.background import Background
from desktop.models.document import Document
from desktop.models.job_list import ENDED, JobList, JobRow, JobState, details_of
from desktop.models.project import Project
from desktop.models.project_file import put_file
from desktop.models.request_builder import JobPlan, make_plan, make_request, title_of
from desktop.models.results import PromptResult, collect, lanes_of, others
from engine import AudioError, Done, EngineError, Failed, Request, RequestError

log = logging.getLogger(__name__)


class JobController(QObject):
    """Asks the engine and brings its results into the document.

    Args:
        document: what jobs are about.
        store: keeps the audio.
        background: prepares inputs and reads results.
        link: the engine.
        scratch: this window's folder for temporary files.
        parent: owns it.

    Signals:
        answered: id of the job's row, and of the lane with its result.
        failed: a ``Message`` for the user, and details.
        told: a ``Message`` for the status line.
    """

    answered = Signal(str, str)
    failed = Signal(object, str)
    told = Signal(object)

    def __init__(
        self,
        document: Document,
        store: AudioStore,
        background: Background,
        link: EngineLink,
        scratch: Path,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self.queue = JobList(self)
        self.device = ""
        self.bundle = ""
        self._document, self._store, self._background = document, store, background
        self._link, self._scratch = link, scratch
        link.accepted.connect(self._on_accepted)
        link.progressed.connect(self._on_progress)
        link.finished.connect(self._on_finished)
        link.failed.connect(self._on_failed)
        link.cancelled.connect(self._on_cancelled)

    def ask(self, request: Request) -> str:
        """Put a request into the queue; files, regions and a folder are added.

        Returns:
            Id of the job's row.

        Raises:
            RequestError: something is missing.
        """
        document, project = self._document, self._document.project
        plan = make_plan(project, project.lane(document.current), document.regions, request)
        row = JobRow(title=title_of(request), context=(plan, project))
        self.queue.add(row)
        self.pump()
        return row.id

    def cancel(self, row_id: str) -> None:
        """Cancel a job, or remove it from the queue."""
        row = self.queue.row(row_id)
        if row is None or row.state in ENDED:
            return
        if row.job:
            self.queue.update(row_id, stage="stopping")
            self._link.cancel(row.job)
        else:
            self.queue.update(row_id, state=JobState.CANCELLED)
            self.pump()

    def retry(self, row_id: str) -> None:
        """Queue a failed or cancelled job again."""
        row = self.queue.row(row_id)
        if row is not None and row.state in ENDED and row.context is not None:
            plan, _ = row.context
            self.queue.add(JobRow(title=row.title, context=(plan, self._document.project)))
            self.pump()

    def pump(self) -> None:
        """Send the next job if none from this window is running."""
        row = self.queue.next_waiting()
        if row is None:
            return
        plan, project = row.context
        out = self._folder(row)
        self.queue.update(row.id, state=JobState.RUNNING, stage="preparing", started_s=self.queue.now_s())
        self._background.run(
            lambda: self._prepare(plan, project, out),
            lambda request: self._send(row.id, request),
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
        self._background.run(
            lambda: collect(done, plan, project, self._store, scratch, self._background.check),
            lambda results: self.answered.emit(row.id, self._add_results(results, request, "", row.title)),
            failed,
        )

    def _clip(self, row: JobRow) -> Path | None:
        if row.request is None or not row.request.input:
            return None
        return self._side_folder(row, "clip") / Path(row.request.input).name

    def _keep_clip(self, row: JobRow) -> None:
        clip = self._clip(row)
        if clip is None or row.request is None:
            return
        try:
            clip.parent.mkdir(parents=True, exist_ok=True)
            put_file(Path(str(row.request.input)), clip)
        except OSError as error:
            log.info("the clip of %s could not be kept (%s)", row.title, error)

    def _folder(self, row: JobRow) -> Path:
        return self._scratch / row.id

    def _side_folder(self, row: JobRow, what: str) -> Path:
        """One beside the folder of the results: ``in``, ``clip`` or ``scratch``."""
        return self._scratch / f"{row.id}-{what}"

    def _prepare(self, plan: JobPlan, project: Project, out: Path) -> Request:
        asked = {"input": plan.input, "rest": plan.rest}
        files = {name: self._file(what, plan.source_lane, project, out) for name, what in asked.items()}
        return make_request(plan, project, files, out)

    def _file(self, what: str, lane_id: str, project: Project, out: Path) -> Path | None:
        store = self._store
        if what in ("", "mix"):
            return store.path(project.source) if what and project.source is not None else None
        lane = project.lane(lane_id)
        if lane is None:
            raise RequestError("this lane is gone; choose another one")
        if what == "take":
            return store.path(lane.take.audio)
        return others(project, lane, store, out.with_name(out.name + "-in"), self._background.check)

    def _send(self, row_id: str, request: Request) -> None:
        row = self.queue.row(row_id)
        if row is None or row.state is not JobState.RUNNING:  # cancelled while it was prepared
            self.pump()
            return
        self.queue.update(row_id, request=request)
        try:
            self.queue.started(row_id, self._link.submit(request))
        except EngineError as error:
            self._fail(row_id, type(error).__name__, Message.of(error))

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
        self.queue.update(row.id, fraction=fraction, stage=stage, **values)

    def _on_finished(self, job: str, done: Done) -> None:
        row = self._daw_row(job)
        self.device, self.bundle = done.device, done.bundle
        if row.from_daw:
            self.queue.update(row.id, state=JobState.DONE, fraction=1.0, stage="", done=done)
            return
        plan, project = row.context
        self.queue.update(row.id, stage="showing the result", fraction=1.0)
        scratch = self._side_folder(row, "scratch")
        self._background.run(
            lambda: self._collected(row, done, plan, project, scratch),
            lambda results: self._show(row.id, done, plan, results),
            lambda error: self._fail(row.id, type(error).__name__, Message.of(error)),
        )

    def _collected(self, row: JobRow, done: Done, plan: JobPlan, project: Project, scratch: Path) -> list[PromptResult]:
        try:
            return collect(done, plan, project, self._store, scratch, self._background.check)
        finally:
            self._sweep(row)

    def _show(self, row_id: str, done: Done, plan: JobPlan, results: list[PromptResult]) -> None:
        lane = self._add_results(results, plan.request, plan.lane, title_of(plan.request))
        self.queue.update(row_id, state=JobState.DONE, stage="", done=done)
        self.answered.emit(row_id, lane)
        self.pump()

    def _add_results(self, results: list[PromptResult], request: Request, lane_id: str, text: str) -> str:
        """Add takes to a lane, or lanes of their own; say so where they cannot be heard at once.

        Returns:
            Id of the lane they are on.
        """
        document = self._document
        if lane_id and document.project.lane(lane_id) is not None:
            document.add_takes(lane_id, text, [take for result in results for take in result.stems])
            return lane_id
        project = document.project
        lanes = lanes_of(results, request, any(project.heard(lane) for lane in project.lanes))
        if not lanes:
            return ""
        document.add_lanes(text, lanes)
        shown = next((lane for lane in lanes if not lane.mute), lanes[0])
        document.set_current(shown.id)
        if shown.mute:
            self.told.emit(Message("the new mix is muted because its stems are audible; press S to hear it alone"))
        return shown.id

    def _on_failed(self, job: str, failed: Failed) -> None:
        self._fail(self._daw_row(job).id, failed.kind, Message.of_failed(failed))

    def _fail(self, row_id: str, kind: str, message: Message) -> None:
        row = self.queue.row(row_id)
        if row is None:
            return
        self._sweep(row)
        self.queue.update(row_id, state=JobState.FAILED, message=message, kind=kind)
        details = details_of(replace(row, message=message, kind=kind))
        self.failed.emit(Message("{title} did not work: {reason}", title=row.title, reason=message), details)
        self.pump()

    def _on_cancelled(self, job: str) -> None:
        row = self._daw_row(job)
        self._sweep(row)
        self.queue.update(row.id, state=JobState.CANCELLED, stage="")
        self.pump()

    def _sweep(self, row: JobRow) -> None:
        for path in (self._folder(row), self._side_folder(row, "in"), self._side_folder(row, "scratch")):
            shutil.rmtree(path, ignore_errors=True)
