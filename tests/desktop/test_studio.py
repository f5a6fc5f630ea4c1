"""The application without its window, with the toy bundle and the real engine process."""

import os
import signal

import numpy as np
import pytest

from desktop.audio.mixer import Listen
from desktop.models.asking import Form, make_plan
from desktop.models.job_list import JobList, JobRow, State
from engine import TASKS, Request, RequestError

WAIT_MS = 120_000


def form(studio, task="isolate", text="violin", **values):
    return Form(task=task, text=text, bundle=studio.settings.get("bundle"), device="cpu", **values)


def ask(studio, qtbot, *args, **values):
    """Put a question and wait for every answer to it."""
    rows = studio.desk.ask(form(studio, *args, **values))
    ended = {State.DONE, State.FAILED, State.CANCELLED}
    qtbot.waitUntil(lambda: all(studio.desk.jobs.row(row).state in ended for row in rows), timeout=WAIT_MS)
    return [studio.desk.jobs.row(row) for row in rows]


def test_a_mix_is_opened_and_can_be_heard_at_once(opened):
    project = opened.session.project
    assert (project.title, project.length, project.rate_hz) == ("song", 16_000, 16_000)
    scene = opened.listening.scene(project)
    assert scene.listen is Listen.ORIGINAL
    np.testing.assert_array_equal(scene.original.samples_NC, opened.samples(project.source))


def test_a_stem_comes_as_a_lane_with_its_rest_and_can_be_undone(opened, qtbot):
    [row] = ask(opened, qtbot)
    assert row.state is State.DONE, row.message
    violin, rest = opened.session.project.lanes
    assert (violin.name, rest.name, violin.mute, rest.mute) == ("violin", "without violin", False, True)
    mix_NC = opened.samples(opened.session.project.source)
    stem_NC, rest_NC = (opened.samples(lane.take.audio) for lane in (violin, rest))
    np.testing.assert_array_equal(stem_NC + rest_NC, mix_NC)
    assert violin.take.made.null_db == -300.0
    assert opened.session.current == violin.id
    opened.session.undo.undo()
    assert opened.session.project.lanes == ()
    opened.session.undo.redo()
    assert len(opened.session.project.lanes) == 2
    assert not list(opened.scratch.rglob("*.wav")), "files in between are gone"


def test_several_stems_come_from_one_look(opened, qtbot):
    [row] = ask(opened, qtbot, text="violin, drums")
    assert row.state is State.DONE, row.message
    names = [lane.name for lane in opened.session.project.lanes]
    assert names == ["violin", "without violin", "drums", "without drums"]


def test_candidates_are_takes_of_one_lane(opened, qtbot):
    rows = ask(opened, qtbot, "generate", "violin", candidates=2, seconds=0.5, seed=7)
    assert [row.state for row in rows] == [State.DONE, State.DONE], [row.message for row in rows]
    [lane] = opened.session.project.lanes
    assert [take.made.seed for take in lane.takes] == [7, 8]
    assert [take.audio.rate_hz for take in lane.takes] == [16_000, 16_000]


def test_a_region_is_regenerated_and_the_rest_stays_bit_for_bit(opened, qtbot):
    ask(opened, qtbot)
    lane = opened.session.project.lanes[0]
    before_NC = np.array(opened.samples(lane.take.audio))
    opened.session.select((4000, 9000))
    [row] = ask(opened, qtbot, "regenerate", "drums")
    assert row.state is State.DONE, row.message
    lane = opened.session.project.lane(lane.id)
    after_NC = opened.samples(lane.take.audio)
    assert (len(lane.takes), lane.active) == (2, 1)
    np.testing.assert_array_equal(after_NC[:4000], before_NC[:4000])
    np.testing.assert_array_equal(after_NC[9000:], before_NC[9000:])
    assert np.abs(after_NC[5000:8000] - before_NC[5000:8000]).max() > 1e-3


def test_a_bad_question_is_one_sentence_and_starts_nothing(opened):
    for values, words in (
        ({"text": " "}, "say in a few words"),
        ({"task": "inpaint", "text": "violin"}, "choose one"),
    ):
        with pytest.raises(RequestError, match=words):
            opened.desk.ask(form(opened, **values))
    assert opened.desk.jobs.rows == ()


@pytest.mark.parametrize("task", TASKS)
def test_every_task_of_the_engine_can_be_planned(opened, task):
    opened.session.select((1000, 5000))
    plan = make_plan(opened.session.project, None, opened.session.selection, form(opened, task))
    assert bool(plan.input) == (TASKS[task].input_slot is not None)


def test_a_waiting_job_can_be_cancelled_moved_and_asked_again(opened, qtbot):
    rows = [opened.desk.ask(form(opened, text=text))[0] for text in ("violin", "drums", "bass")]
    opened.desk.jobs.move(rows[2], -1)
    assert [row.title for row in opened.desk.jobs.rows] == ["isolate violin", "isolate bass", "isolate drums"]
    opened.desk.cancel(rows[1])
    opened.desk.cancel(rows[0])
    jobs = opened.desk.jobs
    qtbot.waitUntil(lambda: jobs.unfinished == 0, timeout=WAIT_MS)
    assert jobs.row(rows[1]).state is State.CANCELLED
    assert jobs.row(rows[2]).state is State.DONE
    opened.desk.retry(rows[1])
    qtbot.waitUntil(lambda: jobs.unfinished == 0, timeout=WAIT_MS)
    assert jobs.rows[-1].state is State.DONE


def test_a_killed_engine_is_told_restarted_and_the_queue_goes_on(opened, qtbot, monkeypatch):
    first, second = (opened.desk.ask(form(opened, text=text))[0] for text in ("violin", "drums"))
    jobs = opened.desk.jobs

    def kill_when_at_work():
        row = jobs.row(first)
        if row.state is State.RUNNING and row.job and row.fraction < 1 and opened.link.host_pid:
            if row.stage != "waiting for the engine":
                os.kill(opened.link.host_pid, signal.SIGKILL)
            return row.stage != "waiting for the engine"
        return row.state in (State.DONE, State.FAILED)

    qtbot.waitUntil(kill_when_at_work, timeout=WAIT_MS)
    qtbot.waitUntil(lambda: jobs.unfinished == 0, timeout=WAIT_MS)
    assert jobs.row(first).state is State.FAILED
    assert jobs.row(first).kind == "HostError"
    assert jobs.row(second).state is State.DONE
    assert any("engine process" in words for words in opened.troubles)


def test_a_job_of_a_daw_stands_in_the_list_marked(opened, qtbot, make_wav, tmp_path):
    request = Request(
        task="isolate", prompts=("bass",), input=str(make_wav("clip.wav")), out=str(tmp_path / "daw"),
        bundle=opened.settings.get("bundle"), device="cpu",
    )  # fmt: skip
    opened.link.engine.submit(request)
    jobs = opened.desk.jobs
    qtbot.waitUntil(lambda: bool(jobs.rows) and jobs.unfinished == 0, timeout=WAIT_MS)
    [row] = jobs.rows
    assert (row.from_daw, row.title, row.state) == (True, "isolate bass", State.DONE)
    assert opened.session.project.lanes == (), "what a DAW asks does not touch the open project"


def test_a_source_that_is_deleted_while_open_is_no_loss(opened, qtbot, tmp_path):
    (tmp_path / "song.wav").unlink()
    [row] = ask(opened, qtbot)
    assert row.state is State.DONE, row.message


def test_a_file_that_cannot_be_read_is_a_sentence(studio, qtbot, tmp_path):
    (tmp_path / "broken.wav").write_bytes(b"RIFF" + b"\0" * 100)
    studio.open(tmp_path / "broken.wav")
    qtbot.waitUntil(lambda: bool(studio.troubles), timeout=WAIT_MS)
    assert "broken.wav" in studio.troubles[0]
    assert studio.session.project.source is None


def test_a_project_is_saved_opened_and_asked_about_when_changed(opened, qtbot, tmp_path):
    ask(opened, qtbot)
    assert opened.unsaved
    project = opened.session.project
    with qtbot.waitSignal(opened.saved, timeout=WAIT_MS):
        opened.save(tmp_path / "saved" / "song.fluxstem")
    assert not opened.unsaved
    opened.session.remove_lane(project.lanes[0].id)
    assert opened.unsaved
    with qtbot.waitSignal(opened.saved, timeout=WAIT_MS):
        opened.save()
    with qtbot.waitSignal(opened.opened, timeout=WAIT_MS):
        opened.open(tmp_path / "song.wav")
    with qtbot.waitSignal(opened.opened, timeout=WAIT_MS):
        opened.open(tmp_path / "saved" / "song.fluxstem")
    assert opened.session.project.lanes == project.lanes[1:]


def test_work_is_kept_by_itself_and_can_be_taken_up(opened, qtbot):
    ask(opened, qtbot)
    state = opened.recovery.folder / "session.fluxstem"
    qtbot.waitUntil(lambda: state.is_file() and '"violin"' in state.read_text(), timeout=WAIT_MS)


def test_both_sides_of_a_comparison_are_equally_loud(opened, qtbot):
    ask(opened, qtbot)
    qtbot.waitUntil(lambda: opened.listening.match_db != 0.0, timeout=WAIT_MS)
    assert opened.listening.match_db == pytest.approx(12.04, abs=0.2), "the toy's violin is a quarter of the mix"
    opened.listening.set_listen(Listen.ORIGINAL)
    assert opened.listening.scene(opened.session.project).match == 1.0


def test_without_a_device_playing_says_so_and_all_else_works(opened, qtbot, monkeypatch):
    def no_library():
        from desktop.audio.player import NoDevice

        raise NoDevice("sound cannot be played: PortAudio is missing")

    monkeypatch.setattr("desktop.audio.player._library", no_library)
    opened.listening.play()
    assert any("cannot be played" in words for words in opened.troubles)
    assert not opened.listening.playing
    [row] = ask(opened, qtbot)
    assert row.state is State.DONE


def test_a_file_of_another_rate_is_brought_to_the_timeline(opened, qtbot, make_wav):
    opened.add_file(make_wav("other.wav", rate_hz=44_100))
    qtbot.waitUntil(lambda: bool(opened.session.project.lanes), timeout=WAIT_MS)
    audio = opened.session.project.lanes[0].take.audio
    assert audio.rate_hz == 16_000
    assert audio.samples == pytest.approx(16_000, abs=2)


def test_time_left_is_told_from_what_is_done(qtbot):
    now = [100.0]
    jobs = JobList(clock=lambda: now[0])
    row = JobRow(title="x")
    jobs.add(row)
    jobs.started(row.id, "job")
    assert jobs.row(row.id).eta_s(now[0]) is None
    jobs.update(row.id, fraction=0.25)
    now[0] = 110.0
    assert jobs.row(row.id).eta_s(now[0]) == pytest.approx(30.0)
