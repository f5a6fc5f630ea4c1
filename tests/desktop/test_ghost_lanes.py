"""Lanes stand in the window from the question on, fill from left to right, and play where they are filled."""

import threading
from dataclasses import replace

import numpy as np
import pytest
from PySide6.QtCore import QObject, QTimer

from desktop.audio.mixer import PlaybackMixer, PlaybackSource
from desktop.models.job_list import JobState
from desktop.models.request_builder import draft_request
from desktop.models.separation_run import PieceGrid, SeparationRun, pieces_of
from desktop.views.timeline.view_preloader import ViewPreloader
from engine import Request

WAIT_MS = 120_000


@pytest.fixture
def in_pieces(workspace, qtbot, make_wav, monkeypatch):
    """A mix of four seconds whose stems come in four pieces."""
    monkeypatch.setattr("desktop.models.job_controller.grid_of", lambda bundle: PieceGrid(1.0, 1.0))
    monkeypatch.setattr("desktop.models.separation_run.WHOLE_S", 1.0)
    monkeypatch.setattr("desktop.models.separation_run.STRIDES", (1, 1))
    with qtbot.waitSignal(workspace.opened, timeout=WAIT_MS):
        workspace.open(make_wav("song.wav", seconds=4.0))
    return workspace


def ask(workspace, text, task="isolate", **values):
    return workspace.jobs.ask(
        draft_request(task=task, text=text, bundle=workspace.settings.get("bundle"), device="cpu", **values)
    )


def test_lanes_are_there_at_once_with_name_colour_and_job(in_pieces, qtbot):
    row = ask(in_pieces, "drums, violin")
    ghosts = in_pieces.jobs.ghosts
    assert [(one.name, one.row_id, one.filled) for one in ghosts] == [
        ("drums", row, ()), ("violin", row, ()), ("Everything else", row, ())
    ]  # fmt: skip
    assert len({one.colour for one in ghosts}) == 3
    qtbot.waitUntil(lambda: in_pieces.jobs.queue.unfinished == 0, timeout=WAIT_MS)
    lanes = in_pieces.document.project.lanes
    assert [lane.id for lane in lanes] == [one.id for one in ghosts], "they become the lanes"
    assert [lane.colour for lane in lanes] == [one.colour for one in ghosts]
    assert in_pieces.jobs.ghosts == ()


def test_they_fill_from_left_to_right_and_play_where_they_are_filled(in_pieces, qtbot):
    shares, drawn, left, heard, played = [], [], [], [], []

    def look():
        [drums, rest] = in_pieces.jobs.ghosts or (None, None)
        if drums is None or not drums.filled:
            return
        [(first, last)] = drums.filled
        shares.append((first, last, drums.fraction))
        drawn.append(in_pieces.ghost_peaks(drums).levels[0][1].max())
        if in_pieces.ghost_peaks(rest) is not None:
            left.append(in_pieces.ghost_peaks(rest).levels[0][1].max())
        project = in_pieces.document.project
        mixer = PlaybackMixer(project.rate_hz)
        mixer.scene = in_pieces.transport.scene(project)
        assert mixer.scene.listen is (PlaybackSource.STEMS if drums.plays else PlaybackSource.ORIGINAL)
        mixer.jump(0)
        heard.append(drums.plays)
        played.append(np.array_equal(mixer.render(2000), np.array(in_pieces.samples(project.source)[:2000])))

    in_pieces.settings.set("match", False)
    in_pieces.jobs.ghosts_changed.connect(look)
    ask(in_pieces, "drums")
    qtbot.waitUntil(lambda: in_pieces.jobs.queue.unfinished == 0, timeout=WAIT_MS)
    ends = sorted({last for _, last, _ in shares})
    assert len(ends) > 1
    assert ends[-1] == 64_000
    assert {first for first, _, _ in shares} == {0}
    assert any(heard)
    assert all(played), "with what they leave they are the mix, filled or not"
    assert drawn[0] > 0
    assert max(left) > 0
    fractions = [fraction for *_, fraction in shares]
    assert fractions == sorted(fractions)


def test_a_ghost_that_is_soloed_is_heard_alone_and_stays_soloed(in_pieces, qtbot):
    heard = []

    def look():
        ghosts = [one for one in in_pieces.jobs.ghosts if one.plays]
        if ghosts and not ghosts[0].solo:
            in_pieces.jobs.set_ghost(ghosts[0].id, solo=True)
        elif ghosts:
            scene = in_pieces.transport.scene(in_pieces.document.project)
            heard.append({track.key: track.heard for track in scene.tracks})

    in_pieces.jobs.ghosts_changed.connect(look)
    ask(in_pieces, "drums")
    qtbot.waitUntil(lambda: in_pieces.jobs.queue.unfinished == 0, timeout=WAIT_MS)
    drums, rest = in_pieces.document.project.lanes
    assert heard
    assert heard[-1] == {drums.id: True, rest.id: False}
    assert drums.solo


def test_a_lane_on_its_way_is_missing_in_what_the_others_leave(in_pieces, qtbot):
    ask(in_pieces, "violin")
    qtbot.waitUntil(lambda: in_pieces.jobs.queue.unfinished == 0, timeout=WAIT_MS)
    in_pieces.settings.set("match", False)
    sums = []

    def look():
        if any(one.plays for one in in_pieces.jobs.ghosts):
            project = in_pieces.document.project
            mixer = PlaybackMixer(project.rate_hz)
            mixer.scene = in_pieces.transport.scene(project)
            mixer.jump(0)
            sums.append(np.abs(mixer.render(64_000) - np.array(in_pieces.samples(project.source))).max())

    in_pieces.jobs.ghosts_changed.connect(look)
    ask(in_pieces, "drums")
    qtbot.waitUntil(lambda: in_pieces.jobs.queue.unfinished == 0, timeout=WAIT_MS)
    assert sums
    assert max(sums) < 1e-6


def test_what_is_played_of_lanes_on_their_way_stays_the_same_while_later_pieces_are_written(in_pieces, qtbot):
    scenes = []

    def look():
        if any(one.plays for one in in_pieces.jobs.ghosts):
            scene = in_pieces.transport.scene(in_pieces.document.project)
            scenes.append((scene.tracks, [np.array(track.samples_NC[:]) for track in scene.tracks]))

    in_pieces.jobs.ghosts_changed.connect(look)
    ask(in_pieces, "drums, bass")
    qtbot.waitUntil(lambda: in_pieces.jobs.queue.unfinished == 0, timeout=WAIT_MS)
    mix_NC = np.array(in_pieces.samples(in_pieces.document.project.source))
    assert len(scenes) > 2
    assert any(read.any() for _, [*stems, _] in scenes for read in stems)
    for tracks, read in scenes:
        assert all(np.array_equal(track.samples_NC[:], then) for track, then in zip(tracks, read, strict=True))
        assert np.abs(sum(read) - mix_NC).max() < 1e-6


def test_they_are_the_mix_together_while_one_stem_of_a_piece_is_there_and_the_next_not(in_pieces, qtbot, monkeypatch):
    put, between, seen, sums = SeparationRun._put, threading.Event(), threading.Event(), []
    mix_NC = np.array(in_pieces.samples(in_pieces.document.project.source))

    def put_and_wait(run, result, samples_NC):
        put(run, result, samples_NC)
        between.set()
        assert seen.wait(WAIT_MS / 1000)
        seen.clear()

    def look():
        if not between.is_set():
            return
        between.clear()
        in_pieces.jobs._show_ghosts(row)  # as news of the engine's progress does
        if any(one.plays for one in in_pieces.jobs.ghosts):
            tracks = in_pieces.transport.scene(in_pieces.document.project).tracks
            sums.append(np.abs(sum(np.array(track.samples_NC[:]) for track in tracks) - mix_NC).max())
        seen.set()

    monkeypatch.setattr(SeparationRun, "_put", put_and_wait)
    timer = QTimer(in_pieces, interval=5)
    timer.timeout.connect(look)
    timer.start()
    row = ask(in_pieces, "drums, bass")
    qtbot.waitUntil(lambda: in_pieces.jobs.queue.unfinished == 0, timeout=WAIT_MS)
    timer.stop()
    assert sums
    assert max(sums) < 1e-6


def test_a_job_that_is_cancelled_takes_its_lanes_along(in_pieces, qtbot, make_wav):
    with qtbot.waitSignal(in_pieces.opened, timeout=WAIT_MS):
        in_pieces.open(make_wav("long.wav", seconds=50.0))  # so long that it cannot be done before it is cancelled
    cancelled = []

    def look():
        if not cancelled and any(one.filled for one in in_pieces.jobs.ghosts):
            cancelled.append(row)
            in_pieces.jobs.cancel(row)

    in_pieces.jobs.ghosts_changed.connect(look)
    row = ask(in_pieces, "drums")
    qtbot.waitUntil(lambda: cancelled == [row], timeout=WAIT_MS)
    qtbot.waitUntil(lambda: in_pieces.jobs.queue.unfinished == 0, timeout=WAIT_MS)
    assert in_pieces.jobs.ghosts == ()
    assert in_pieces.document.project.lanes == ()
    qtbot.waitUntil(lambda: not list(in_pieces.scratch.rglob("*.wav")), timeout=WAIT_MS)


@pytest.mark.parametrize("task", ["isolate", "regenerate"])
def test_a_job_that_is_cancelled_when_the_engine_is_done_with_it_makes_no_lane(in_pieces, qtbot, task):
    queue = in_pieces.jobs.queue

    def look(*_):
        if queue.row(row).stage == "writing":
            in_pieces.jobs.cancel(row)

    row = ask(in_pieces, "drums", task)
    queue.dataChanged.connect(look)
    qtbot.waitUntil(lambda: queue.unfinished == 0, timeout=WAIT_MS)
    assert queue.row(row).state is JobState.CANCELLED
    assert in_pieces.jobs.ghosts == ()
    assert in_pieces.document.project.lanes == ()
    qtbot.waitUntil(lambda: not list(in_pieces.scratch.rglob("*.wav")), timeout=WAIT_MS)


def test_a_job_that_is_cancelled_when_a_piece_is_done_sends_no_other(in_pieces, qtbot, monkeypatch):
    submit, sent = in_pieces.link.submit, []
    monkeypatch.setattr(in_pieces.link, "cancel", lambda job: None)  # it comes too late for the piece

    def send(request):
        sent.append(request)
        QTimer.singleShot(0, lambda: in_pieces.jobs.cancel(row))
        return submit(request)

    monkeypatch.setattr(in_pieces.link, "submit", send)
    row = ask(in_pieces, "drums")
    qtbot.waitUntil(lambda: in_pieces.jobs.queue.unfinished == 0, timeout=WAIT_MS)
    assert in_pieces.jobs.queue.row(row).state is JobState.CANCELLED
    assert len(sent) == 1
    assert in_pieces.document.project.lanes == ()


def test_another_take_stands_on_its_lane(in_pieces, qtbot):
    ask(in_pieces, "drums")
    qtbot.waitUntil(lambda: in_pieces.jobs.queue.unfinished == 0, timeout=WAIT_MS)
    drums = in_pieces.document.project.lanes[0]
    ask(in_pieces, "drums")
    [ghost] = in_pieces.jobs.ghosts
    assert (ghost.lane_id, ghost.colour) == (drums.id, drums.colour)
    in_pieces.jobs.cancel_all()
    qtbot.waitUntil(lambda: in_pieces.jobs.queue.unfinished == 0, timeout=WAIT_MS)


def test_pieces_begin_where_the_windows_of_the_whole_begin():
    grid = PieceGrid(0.744, 10.0)  # and the ends of two windows of the filter, 128 samples each
    request = Request(task="isolate", prompts=("bass",), input="song.wav")
    whole = pieces_of(request, [(0, 180_000)], 0, 1000, grid)
    assert [first for first, _ in whole] == [0, 11_000, 71_000, 131_000], (
        "context before each, from a window's start on"
    )
    assert [last for _, last in whole] == [11_020, 71_020, 131_020, 180_000], "each reaches a little into the next"
    part = pieces_of(request, [(30_000, 90_000)], 0, 1000, grid)
    assert [first for first, _ in part] == [30_000, 40_000, 80_000]
    assert pieces_of(request, [(0, 30_000)], 0, 1000, grid) == [(0, 30_000)]
    assert len(pieces_of(replace(request, input="song.mp3"), [(0, 180_000)], 0, 1000, grid)) == 1
    assert len(pieces_of(replace(request, candidates=2), [(0, 180_000)], 0, 1000, grid)) == 1


class Made:
    """Stands for a view."""


def test_views_come_as_many_in_a_turn_as_it_has_time_for_and_those_made_ahead_first(qtbot):
    owner, made = QObject(), []

    def make():
        made.append(Made())
        return made[-1]

    ahead = ViewPreloader(make, lambda: len(made) < 2, owner)
    ahead.refill()
    qtbot.waitUntil(lambda: len(ahead) == 2, timeout=WAIT_MS)
    old = Made()
    with qtbot.waitSignal(ahead.more_wanted, timeout=WAIT_MS):
        first = ahead.views(["a", "old", "b", "c"], {"old": old}, 2)
    assert first == {"a": made[0], "old": old, "b": made[1]}
    assert list(first) == ["a", "old", "b"]
    with qtbot.assertNotEmitted(ahead.more_wanted, wait=50):
        second = ahead.views(["a", "old", "b", "c"], first, 2)
    assert second == first | {"c": made[2]}
