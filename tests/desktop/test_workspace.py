"""The application without its window, with the toy bundle and the real engine process."""

import os
import signal
import threading
from pathlib import Path

import numpy as np
import pytest
import soundfile

from desktop.audio.mixer import PlaybackSource
from desktop.audio.player import NoOutputDevice
from desktop.models.job_list import JobState, details_of
from desktop.models.lane_files import LaneFiles
from desktop.models.request_builder import draft_request, make_plan
from engine import TASKS, Request, RequestError

WAIT_MS = 120_000


def form(workspace, task="isolate", text="violin", **values):
    return draft_request(task=task, text=text, bundle=workspace.settings.get("bundle"), device="cpu", **values)


def ask(workspace, qtbot, *args, **values):
    """Put a question and wait for its answer."""
    row = workspace.jobs.ask(form(workspace, *args, **values))
    ended = {JobState.DONE, JobState.FAILED, JobState.CANCELLED}
    qtbot.waitUntil(lambda: workspace.jobs.queue.row(row).state in ended, timeout=WAIT_MS)
    return workspace.jobs.queue.row(row)


def test_a_mix_is_opened_and_can_be_heard_at_once(opened):
    project = opened.document.project
    assert (project.title, project.length, project.rate_hz) == ("song", 16_000, 16_000)
    scene = opened.transport.scene(project)
    assert scene.listen is PlaybackSource.ORIGINAL
    np.testing.assert_array_equal(scene.original.samples_NC, opened.samples(project.source))


def test_of_two_files_the_one_that_was_asked_for_last_is_open(workspace, qtbot, make_wav, monkeypatch):
    """However long the first takes: nobody's song is replaced by one he had left."""
    take, is_read = workspace.store.take, threading.Event()

    def slowly(path, *args):
        if path.stem == "first":
            is_read.wait(30)
        ref = take(path, *args)
        if path.stem == "second":
            is_read.set()
        return ref

    monkeypatch.setattr(workspace.store, "take", slowly)
    workspace.open(make_wav("first.wav"))
    workspace.open(make_wav("second.wav"))
    qtbot.waitUntil(lambda: not workspace.background.busy, timeout=WAIT_MS)
    assert workspace.document.project.title == "second"


def test_a_stem_comes_as_a_lane_with_its_rest_and_can_be_undone(opened, qtbot):
    row = ask(opened, qtbot)
    assert row.state is JobState.DONE, row.message
    violin, rest = opened.document.project.lanes
    assert (violin.name, rest.name, violin.mute, rest.mute) == ("violin", "Everything else", False, False)
    mix_NC = opened.samples(opened.document.project.source)
    stem_NC, rest_NC = (np.asarray(opened.sound(lane).samples_NC) for lane in (violin, rest))
    np.testing.assert_array_equal(stem_NC + rest_NC, mix_NC)
    assert violin.take.made.null_db == -300.0
    assert opened.document.current == violin.id
    opened.document.undo.undo()
    assert opened.document.project.lanes == ()
    opened.document.undo.redo()
    assert len(opened.document.project.lanes) == 2
    assert not list(opened.scratch.rglob("*.wav")), "files in between are gone"


def test_several_stems_come_from_one_look(opened, qtbot):
    row = ask(opened, qtbot, text="violin, drums")
    assert row.state is JobState.DONE, row.message
    names = [lane.name for lane in opened.document.project.lanes]
    assert names == ["violin", "drums", "Everything else"]


def test_candidates_are_takes_of_one_lane(opened, qtbot):
    row = ask(opened, qtbot, "generate", "violin", candidates=3, seconds=0.5, seed=7)
    assert row.state is JobState.DONE, row.message
    [lane] = opened.document.project.lanes
    assert lane.active == 0
    assert sorted(take.made.seed for take in lane.takes) == [7, 8, 9]
    fits = [take.made.similarity for take in lane.takes]
    assert fits == sorted(fits, reverse=True), "the best comes first"
    assert {take.audio.rate_hz for take in lane.takes} == {16_000}


@pytest.mark.parametrize("slot", ["mix", "rest"])
def test_the_mix_or_the_others_are_made_where_a_stem_can_be(opened, qtbot, slot):
    row = ask(opened, qtbot, "generate", "violin", slot=slot, seconds=0.5)
    assert row.state is JobState.DONE, row.message
    assert row.request.slot == slot
    [lane] = opened.document.project.lanes
    assert (lane.name, lane.mute, lane.take.audio.samples) == ("violin", False, 8000)


def test_a_gap_in_the_mix_itself_is_filled_and_nothing_else_changes(opened, qtbot):
    opened.document.select((4000, 9000))
    row = ask(opened, qtbot, "inpaint", "violin", slot="mix")
    assert row.state is JobState.DONE, row.message
    [lane] = opened.document.project.lanes
    mix_NC, out_NC = opened.samples(opened.document.project.source), opened.samples(lane.take.audio)
    end = lane.take.start + len(out_NC)
    inside = slice(max(4000 - lane.take.start, 0), 9000 - lane.take.start)
    assert (out_NC[inside] != mix_NC[4000:9000]).any()
    changed_N = (out_NC != mix_NC[lane.take.start : end]).any(axis=1)
    changed_N[inside] = False
    assert not changed_N.any()


def test_what_plays_beside_a_stem_is_made_from_that_stem(opened, qtbot):
    ask(opened, qtbot)
    stem = opened.document.project.lanes[0]
    row = ask(opened, qtbot, "regenerate", "drums", slot="rest")
    assert row.state is JobState.DONE, row.message
    assert row.request.input == str(opened.store.path(stem.take.audio))
    assert [lane.name for lane in opened.document.project.lanes] == ["violin", "drums", "Everything else"]


def test_a_region_is_regenerated_and_the_rest_stays_bit_for_bit(opened, qtbot):
    ask(opened, qtbot)
    lane = opened.document.project.lanes[0]
    before_NC = np.array(opened.samples(lane.take.audio))
    opened.document.select((4000, 9000))
    row = ask(opened, qtbot, "regenerate", "drums")
    assert row.state is JobState.DONE, row.message
    lane = opened.document.project.lane(lane.id)
    after_NC = opened.samples(lane.take.audio)
    assert (len(lane.takes), lane.active) == (2, 1)
    np.testing.assert_array_equal(after_NC[:4000], before_NC[:4000])
    np.testing.assert_array_equal(after_NC[9000:], before_NC[9000:])
    assert np.abs(after_NC[5000:8000] - before_NC[5000:8000]).max() > 1e-3


def test_several_regions_are_worked_on_in_one_job(opened, qtbot):
    ask(opened, qtbot)
    lane = opened.document.project.lanes[0]
    before_NC = np.array(opened.samples(lane.take.audio))
    for region in ((1000, 4000), (9000, 13_000)):
        opened.document.select(region)
        opened.document.keep_selection()
    row = ask(opened, qtbot, "regenerate", "drums")
    assert row.state is JobState.DONE, row.message
    lane = opened.document.project.lane(lane.id)
    assert len(lane.takes) == 2
    assert lane.take.made.regions == ((1000, 4000), (9000, 13_000))
    after_NC = opened.samples(lane.take.audio)
    for first, last in ((0, 1000), (4000, 9000), (13_000, 16_000)):
        np.testing.assert_array_equal(after_NC[first:last], before_NC[first:last])
    for first, last in ((2000, 3000), (10_000, 12_000)):
        assert np.abs(after_NC[first:last] - before_NC[first:last]).max() > 1e-3


def test_stems_of_several_regions_are_one_lane_with_silence_between(opened, qtbot):
    opened.document.select((1000, 4000))
    opened.document.keep_selection()
    opened.document.select((9000, 13_000))
    row = ask(opened, qtbot)
    assert row.state is JobState.DONE, row.message
    violin, rest = opened.document.project.lanes
    assert (violin.take.start, violin.take.audio.samples) == (1000, 12_000)
    mix_NC = opened.samples(opened.document.project.source)
    stem_NC, rest_NC = opened.samples(violin.take.audio), np.asarray(opened.sound(rest).samples_NC)
    np.testing.assert_array_equal(stem_NC[3000:8000], 0)
    np.testing.assert_allclose(stem_NC + rest_NC[1000:13_000], mix_NC[1000:13_000], atol=1e-7)
    np.testing.assert_array_equal(rest_NC[13_000:], mix_NC[13_000:])


def test_where_the_prompt_is_heard_comes_with_the_stem(opened, qtbot):
    ask(opened, qtbot)
    made = opened.document.project.lanes[0].take.made
    assert made.heard, "the engine says it window by window"
    assert min(first for first, _, _ in made.heard) == 0
    assert max(last for _, last, _ in made.heard) == 16_000
    assert max(presence for _, _, presence in made.heard) == pytest.approx(made.presence, abs=0.2)


def test_a_stem_is_restyled_as_a_take_of_its_lane(opened, qtbot):
    ask(opened, qtbot)
    lane = opened.document.project.lanes[0]
    row = ask(opened, qtbot, "restyle", "drums", strength=0.4)
    assert row.state is JobState.DONE, row.message
    assert row.request.strength == 0.4
    lane = opened.document.project.lane(lane.id)
    assert [take.made.task for take in lane.takes] == ["isolate", "restyle"]


def test_a_replacement_comes_with_what_was_left(opened, qtbot):
    with pytest.raises(RequestError, match="what to replace it with"):
        opened.jobs.ask(form(opened, "replace", "violin"))
    row = ask(opened, qtbot, "replace", "violin", replacement="drums")
    assert row.state is JobState.DONE, row.message
    new, left = opened.document.project.lanes
    assert (new.name, left.name) == ("drums", "Everything else")
    assert (new.mute, left.mute) == (False, False), "together they are the new mix"


def test_an_arrangement_is_a_lane_for_each_prompt(opened, qtbot):
    row = ask(opened, qtbot, "arrange", "drums, bass, violin", seconds=0.5)
    assert row.state is JobState.DONE, row.message
    lanes = opened.document.project.lanes
    assert sorted(lane.name for lane in lanes) == ["bass", "drums", "violin"]
    assert not any(lane.mute for lane in lanes)


def test_an_example_says_what_to_look_for(opened, qtbot, make_wav):
    example = make_wav("like this.wav", seconds=0.5)
    row = ask(opened, qtbot, "isolate", "", examples=(str(example),))
    assert row.state is JobState.DONE, row.message
    assert row.title == "isolate like this"
    assert [lane.role for lane in opened.document.project.lanes] == ["stem", "else"]
    assert opened.document.project.lanes[0].name == "like this"


def test_the_cache_is_kept_within_its_limit_by_itself(opened, qtbot, make_wav, monkeypatch):
    monkeypatch.setattr("desktop.models.workspace.TRIM_SPARE_S", 0.0)
    ask(opened, qtbot)
    stale = opened.store.add(make_wav("stale.wav"))
    opened.document.remove_lane(opened.document.project.lanes[0].id)
    needed = {ref.sha256 for ref in opened.document.audio_in_reach}
    opened.settings.set("cache_gb", 1)
    assert opened._trim_soon.isActive()
    opened._trim_soon.setInterval(0)
    monkeypatch.setattr(opened.settings, "get", lambda name: 0)  # no room at all
    opened._trim_soon.start()
    qtbot.waitUntil(lambda: not opened.store.path(stale).exists(), timeout=WAIT_MS)
    qtbot.waitUntil(lambda: not opened.background.busy, timeout=WAIT_MS)
    assert {file.name.split(".")[0] for file in opened.store.cache.iterdir()} == needed
    opened.document.undo.undo()
    assert len(opened.samples(opened.document.project.lanes[0].take.audio)) == 16_000


def test_a_bad_question_is_one_sentence_and_starts_nothing(opened):
    for values, words in (
        ({"text": " "}, "say in a few words"),
        ({"task": "inpaint", "text": "violin"}, "choose one"),
    ):
        with pytest.raises(RequestError, match=words):
            opened.jobs.ask(form(opened, **values))
    assert opened.jobs.queue.rows == ()


@pytest.mark.parametrize("task", TASKS)
def test_every_task_of_the_engine_can_be_planned(opened, task):
    opened.document.select((1000, 5000))
    plan = make_plan(opened.document.project, None, opened.document.regions, form(opened, task, replacement="drums"))
    assert bool(plan.input) == (TASKS[task].input_slot is not None)
    assert bool(plan.regions) == (TASKS[task].makes_s is None)


def test_a_waiting_job_can_be_cancelled_moved_and_asked_again(opened, qtbot):
    rows = [opened.jobs.ask(form(opened, text=text)) for text in ("violin", "drums", "bass")]
    opened.jobs.queue.move(rows[2], -1)
    assert [row.title for row in opened.jobs.queue.rows] == ["isolate violin", "isolate bass", "isolate drums"]
    opened.jobs.cancel(rows[1])
    opened.jobs.cancel(rows[0])
    jobs = opened.jobs.queue
    qtbot.waitUntil(lambda: jobs.unfinished == 0, timeout=WAIT_MS)
    assert jobs.row(rows[1]).state is JobState.CANCELLED
    assert jobs.row(rows[2]).state is JobState.DONE
    opened.jobs.retry(rows[1])
    qtbot.waitUntil(lambda: jobs.unfinished == 0, timeout=WAIT_MS)
    assert jobs.rows[-1].state is JobState.DONE


def test_a_killed_engine_is_told_restarted_and_the_queue_goes_on(opened, qtbot, make_wav):
    with qtbot.waitSignal(opened.opened, timeout=WAIT_MS):
        opened.open(make_wav("long.wav", seconds=20.0))
    many = {"violin": 1000, "drums": None}  # steps: the first is still at work when it is found at work
    first, second = (opened.jobs.ask(form(opened, text=text, steps=steps)) for text, steps in many.items())
    jobs = opened.jobs.queue

    def kill_when_at_work():
        row = jobs.row(first)
        if row.state is JobState.RUNNING and row.job and row.fraction < 1 and opened.link.host_pid:
            if row.stage != "waiting for the engine":
                os.kill(opened.link.host_pid, signal.SIGKILL)
            return row.stage != "waiting for the engine"
        return row.state in (JobState.DONE, JobState.FAILED)

    qtbot.waitUntil(kill_when_at_work, timeout=WAIT_MS)
    qtbot.waitUntil(lambda: jobs.unfinished == 0, timeout=WAIT_MS)
    assert jobs.row(first).state is JobState.FAILED
    assert jobs.row(first).kind == "HostError"
    details = details_of(jobs.row(first))
    assert details.startswith("HostError: ")
    assert "isolate violin; bundle" in details, "what was asked stands there for a report"
    assert jobs.row(second).state is JobState.DONE
    assert any("engine process" in words for words in opened.troubles)


def test_a_job_of_a_daw_stands_in_the_list_marked(opened, qtbot, make_wav, tmp_path):
    request = Request(
        task="isolate", prompts=("bass",), input=str(make_wav("clip.wav")), out=str(tmp_path / "daw"),
        bundle=opened.settings.get("bundle"), device="cpu",
    )  # fmt: skip
    opened.link.engine.submit(request)
    jobs = opened.jobs.queue
    qtbot.waitUntil(lambda: bool(jobs.rows) and jobs.unfinished == 0, timeout=WAIT_MS)
    [row] = jobs.rows
    assert (row.from_daw, row.title, row.state) == (True, "isolate bass", JobState.DONE)
    assert opened.document.project.lanes == (), "what a DAW asks does not touch the open project"


def test_a_clip_of_a_daw_is_opened_with_its_lanes_and_sent_back(workspace, qtbot, make_wav, monkeypatch):
    osc = pytest.importorskip("engine.osc")
    clip = make_wav("clip.wav")
    monkeypatch.setattr("desktop.models.bridge_service.Path.home", lambda: clip.parent)
    bridge = workspace.bridge
    try:
        workspace.settings.set("bridge", "local")
        qtbot.waitUntil(lambda: "UDP" in str(bridge.words) or bool(workspace.troubles), timeout=WAIT_MS)
        assert workspace.troubles == []
        with osc.BridgeClient(port=bridge.port, tcp=True, home=bridge.folder) as daw:
            daw.start("isolate", str(clip), "violin", id="bar 12")
            jobs = workspace.jobs.queue
            qtbot.waitUntil(lambda: bool(jobs.rows) and jobs.rows[-1].state is JobState.DONE, timeout=WAIT_MS)
            row = jobs.rows[-1]
            assert row.from_daw
            theirs = [Path(result.stem) for result in row.done.results]
            with qtbot.waitSignal(workspace.jobs.answered, timeout=WAIT_MS):
                workspace.open_daw_result(row.id)
            project = workspace.document.project
            assert (project.daw, [lane.name for lane in project.lanes]) == ("bar 12", ["violin", "Everything else"])
            np.testing.assert_array_equal(workspace.samples(project.source), soundfile.read(clip, dtype="float32")[0])
            assert all(path.is_file() for path in theirs), "the DAW keeps its own files"
            lane = project.lanes[0]
            path = LaneFiles(workspace.document, workspace.store).rendering(lane.id)()
            told = []
            bridge.send_back(
                project.daw, path, (lane.take.start, lane.take.audio.samples, 16_000), lambda: told.append(1)
            )
            qtbot.waitUntil(lambda: bool(told) or bool(workspace.troubles), timeout=WAIT_MS)
            assert workspace.troubles == []
            message = next(m for m in iter(lambda: daw.receive(30.0), None) if m.address == "/fluxstem/edited")
            assert message.args == ("bar 12", 1, str(path), "0", "16000", 16_000)
    finally:
        bridge.close()


def test_only_what_a_daw_sent_goes_back_to_it(opened, tmp_path):
    bridge = opened.bridge
    with pytest.raises(RequestError, match="did not come from a DAW"):
        bridge.send_back("", tmp_path, (0, 1, 16_000), lambda: None)
    with pytest.raises(RequestError, match="the bridge is off"):
        bridge.send_back("bar 12", tmp_path, (0, 1, 16_000), lambda: None)


def test_a_source_that_is_deleted_while_open_is_no_loss(opened, qtbot, tmp_path):
    (tmp_path / "song.wav").unlink()
    row = ask(opened, qtbot)
    assert row.state is JobState.DONE, row.message


def test_a_file_that_cannot_be_read_is_a_sentence(workspace, qtbot, tmp_path):
    (tmp_path / "broken.wav").write_bytes(b"RIFF" + b"\0" * 100)
    workspace.open(tmp_path / "broken.wav")
    qtbot.waitUntil(lambda: bool(workspace.troubles), timeout=WAIT_MS)
    assert "broken.wav" in workspace.troubles[0]
    assert workspace.document.project.source is None


def test_a_project_is_saved_opened_and_asked_about_when_changed(opened, qtbot, tmp_path):
    ask(opened, qtbot, text="violin, drums")
    assert opened.unsaved
    project = opened.document.project
    with qtbot.waitSignal(opened.saved, timeout=WAIT_MS):
        opened.save(tmp_path / "saved" / "song.fluxstem")
    assert not opened.unsaved
    opened.document.remove_lane(project.lanes[0].id)
    assert opened.unsaved
    with qtbot.waitSignal(opened.saved, timeout=WAIT_MS):
        opened.save()
    with qtbot.waitSignal(opened.opened, timeout=WAIT_MS):
        opened.open(tmp_path / "song.wav")
    with qtbot.waitSignal(opened.opened, timeout=WAIT_MS):
        opened.open(tmp_path / "saved" / "song.fluxstem")
    assert opened.document.project.lanes == project.lanes[1:]


def test_work_is_kept_by_itself_and_can_be_taken_up(opened, qtbot):
    ask(opened, qtbot)
    state = opened.recovery.folder / "session.fluxstem"
    qtbot.waitUntil(lambda: state.is_file() and '"violin"' in state.read_text(), timeout=WAIT_MS)


def test_both_sides_of_a_comparison_are_equally_loud(opened, qtbot):
    ask(opened, qtbot)
    violin = opened.document.project.lanes[0]
    opened.document.set_lane(violin.id, "solo", solo=True)
    qtbot.waitUntil(lambda: opened.transport.match_db != 0.0, timeout=WAIT_MS)
    assert opened.transport.match_db == pytest.approx(12.04, abs=0.2), "the toy's violin is a quarter of the mix"
    opened.transport.set_listen(PlaybackSource.ORIGINAL)
    assert opened.transport.scene(opened.document.project).match == 1.0


def test_without_a_device_playing_says_so_and_all_else_works(opened, qtbot):
    def no_library():
        raise NoOutputDevice("sound cannot be played: PortAudio is missing")

    opened.transport.player.library = no_library
    opened.transport.play()
    assert any("cannot be played" in words for words in opened.troubles)
    assert not opened.transport.playing
    row = ask(opened, qtbot)
    assert row.state is JobState.DONE


def test_a_file_of_another_rate_is_brought_to_the_timeline(opened, qtbot, make_wav):
    opened.add_file(make_wav("other.wav", rate_hz=44_100))
    qtbot.waitUntil(lambda: bool(opened.document.project.lanes), timeout=WAIT_MS)
    audio = opened.document.project.lanes[0].take.audio
    assert audio.rate_hz == 16_000
    assert audio.samples == pytest.approx(16_000, abs=2)
