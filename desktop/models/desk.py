"""The way of a question: form, plan, queue, engine, answer. One of ours is at the engine at a time.

Knows nothing of widgets.
"""

from __future__ import annotations

import logging
import shutil
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from desktop.models.answers import Answer, collect, others
from desktop.models.asking import PROMPT_SEPARATOR, Form, Plan, make_plan, make_request, title_of, titled
from desktop.models.job_list import ENDED, JobList, JobRow, State, details_of
from desktop.models.project import Project
from desktop.models.project_file import put_file
from engine import AudioError, Done, EngineError, Request, RequestError, check_request

if TYPE_CHECKING:
    from desktop.link import EngineLink
    from desktop.models.studio import Studio

log = logging.getLogger(__name__)


class Desk(QObject):
    """Takes questions.

    Args:
        studio: what they are about.
        link: the engine.

    Signals:
        answered: id of the row in the queue and of the lane with the answer.
    """

    answered = Signal(str, str)

    def __init__(self, studio: Studio, link: EngineLink) -> None:
        super().__init__(studio)
        self.jobs = JobList(self)
        self.device = ""
        self.bundle = ""
        self._studio = studio
        self._link = link
        self._sending: JobRow | None = None
        link.submitted.connect(self._on_submitted)
        link.progressed.connect(self._on_progress)
        link.finished.connect(self._on_finished)
        link.failed.connect(self._on_failed)
        link.cancelled.connect(self._on_cancelled)

    def ask(self, form: Form) -> str:
        """Put a question into the queue.

        Returns:
            Id of its row.

        Raises:
            RequestError: something is missing.
        """
        session = self._studio.session
        project = session.project
        plan = make_plan(project, project.lane(session.current), session.regions, form)
        row = JobRow(title=title_of(form), context=(plan, project))
        self.jobs.add(row)
        self.pump()
        return row.id

    def cancel(self, row_id: str) -> None:
        """Stop a job, or take it out of the queue."""
        row = self.jobs.row(row_id)
        if row is None or row.state in ENDED:
            return
        if row.job:
            self.jobs.update(row_id, stage="stopping")
            self._link.cancel(row.job)
        else:
            self.jobs.update(row_id, state=State.CANCELLED)
            self.pump()

    def retry(self, row_id: str) -> None:
        """Ask again what failed or was cancelled."""
        row = self.jobs.row(row_id)
        if row is not None and row.state in ENDED and row.context is not None:
            plan, _ = row.context
            self.jobs.add(JobRow(title=row.title, context=(plan, self._studio.session.project)))
            self.pump()

    def pump(self) -> None:
        """Give the engine the next job when it has none of ours."""
        row = self.jobs.next_waiting()
        if row is None:
            return
        plan, project = row.context
        out = self._folder(row)
        self.jobs.update(row.id, state=State.RUNNING, stage="preparing", started_s=self.jobs.now_s())
        self._studio.background.run(
            lambda: self._prepare(plan, project, out),
            lambda request: self._send(row.id, request),
            lambda error: self._fail(row.id, type(error).__name__, str(error)),
        )

    def show_daw_result(self, row_id: str) -> None:
        """Begin a project with the clip of a DAW, with what was made of it as lanes."""
        row = self.jobs.row(row_id)
        if row is None or row.done is None or row.request is None:
            return
        clip = self._clip(row)
        if clip is None or not clip.is_file():
            self._studio.fail(AudioError("the clip of this job is gone; send it again from the DAW"))
            return
        name = self._studio.daw_name_of(row.job) or ""
        self._studio.open_clip(clip, clip.stem, name, lambda: self._show_daw_lanes(row))

    def _show_daw_lanes(self, row: JobRow) -> None:
        request, done, studio = row.request, row.done, self._studio
        if request is None or done is None:
            return
        form = Form(
            task=request.task, text=PROMPT_SEPARATOR.join(request.prompts), replacement=request.replacement,
            seed=request.seed, steps=request.steps, guidance=request.guidance, bundle=request.bundle,
            slot=request.slot,
        )  # fmt: skip
        plan = Plan(input="mix", rest="", lane="", regions=(), offset=0, form=form, keep_files=True)
        project = studio.session.project
        scratch = self._folder(row).with_name(row.id + "-scratch")
        studio.background.run(
            lambda: collect(done, plan, project, studio.store, scratch, studio.background.check),
            lambda answers: self.answered.emit(row.id, studio.add_answers(answers, form, "", row.title)),
            studio.fail,
        )

    def _clip(self, row: JobRow) -> Path | None:
        """Where the input of a DAW's job is kept; the bridge throws its own away when the job is done."""
        if row.request is None or not row.request.input:
            return None
        return self._folder(row).with_name(row.id + "-clip") / Path(row.request.input).name

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
        return self._studio.scratch / self._studio.recovery.folder.name / row.id

    def _prepare(self, plan: Plan, project: Project, out: Path) -> Request:
        asked = {"input": plan.input, "rest": plan.rest}
        files = {name: self._file(what, plan.source_lane, project, out) for name, what in asked.items()}
        request = make_request(plan, project, files, out)
        check_request(request)
        return request

    def _file(self, what: str, lane_id: str, project: Project, out: Path) -> Path | None:
        store = self._studio.store
        if what in ("", "mix"):
            return store.path(project.source) if what and project.source is not None else None
        lane = project.lane(lane_id)
        if lane is None:
            raise RequestError("this lane is gone; choose another one")
        if what == "take":
            return store.path(lane.take.audio)
        return others(project, lane, store, out.with_name(out.name + "-in"), self._studio.background.check)

    def _send(self, row_id: str, request: Request) -> None:
        row = self.jobs.row(row_id)
        if row is None or row.state is not State.RUNNING:  # cancelled while it was prepared
            self.pump()
            return
        self.jobs.update(row_id, request=request)
        self._sending = self.jobs.row(row_id)
        try:
            self._link.submit(request)
        except EngineError as error:
            self._fail(row_id, type(error).__name__, str(error))
        finally:
            self._sending = None

    # What the engine says.

    def _on_submitted(self, job: str, request: Request) -> None:
        if self._sending is not None:  # a direct call, from within _send
            self.jobs.started(self._sending.id, job)
            return
        title = titled(request.task, ", ".join(request.prompts), request.slot)
        row = self._daw_row(job)
        self.jobs.update(row.id, title=title, request=request)
        self._keep_clip(replace(row, title=title, request=request))

    def _daw_row(self, job: str) -> JobRow:
        row = self.jobs.of_job(job)
        if row is None:
            row = JobRow(title="job of a DAW", job=job, from_daw=True)
            self.jobs.add(row)
        return row

    def _on_progress(self, job: str, fraction: float, stage: str) -> None:
        row = self._daw_row(job)
        values = {} if row.state is State.RUNNING else {"state": State.RUNNING, "started_s": self.jobs.now_s()}
        self.jobs.update(row.id, fraction=fraction, stage=stage, **values)

    def _on_finished(self, job: str, done: Done) -> None:
        row = self._daw_row(job)
        self.device, self.bundle = done.device, done.bundle
        if row.from_daw:
            self.jobs.update(row.id, state=State.DONE, fraction=1.0, stage="", done=done)
            return
        plan, project = row.context
        self.jobs.update(row.id, stage="showing the result", fraction=1.0)
        studio = self._studio
        scratch = self._folder(row).with_name(row.id + "-scratch")
        studio.background.run(
            lambda: self._collected(row, done, plan, project, scratch),
            lambda answers: self._show(row.id, done, plan, answers),
            lambda error: self._fail(row.id, type(error).__name__, str(error)),
        )

    def _collected(self, row: JobRow, done: Done, plan: Plan, project: Project, scratch: Path) -> list[Answer]:
        try:
            return collect(done, plan, project, self._studio.store, scratch, self._studio.background.check)
        finally:
            self._sweep(row)

    def _show(self, row_id: str, done: Done, plan: Plan, answers: list[Answer]) -> None:
        lane = self._studio.add_answers(answers, plan.form, plan.lane, title_of(plan.form))
        self.jobs.update(row_id, state=State.DONE, stage="", done=done)
        self.answered.emit(row_id, lane)
        self.pump()

    def _on_failed(self, job: str, kind: str, message: str) -> None:
        self._fail(self._daw_row(job).id, kind, message)

    def _fail(self, row_id: str, kind: str, message: str) -> None:
        row = self.jobs.row(row_id)
        if row is None:
            return
        self._sweep(row)
        self.jobs.update(row_id, state=State.FAILED, message=message, kind=kind)
        words = f"{row.title} did not work: {message}"
        details = details_of(replace(row, message=message, kind=kind))
        self._studio.troubled.emit(words[:1].upper() + words[1:], details)
        self.pump()

    def _on_cancelled(self, job: str) -> None:
        row = self._daw_row(job)
        self._sweep(row)
        self.jobs.update(row.id, state=State.CANCELLED, stage="")
        self.pump()

    def _sweep(self, row: JobRow) -> None:
        folder = self._folder(row)
        for path in (folder, folder.with_name(folder.name + "-in"), folder.with_name(folder.name + "-scratch")):
            shutil.rmtree(path, ignore_errors=True)
