"""However many stems are taken out, in whatever order: all lanes together are the mix."""

import numpy as np
import pytest

from desktop.audio.export import mixed_blocks
from desktop.models.job_list import JobState
from desktop.models.request_builder import draft_request
from desktop.models.separation_run import PieceGrid
from desktop.models.sum_check import heard_tracks

WAIT_MS = 120_000


def ask(workspace, qtbot, text, task="isolate", **values):
    request = draft_request(task=task, text=text, bundle=workspace.settings.get("bundle"), device="cpu", **values)
    row = workspace.jobs.ask(request)
    qtbot.waitUntil(lambda: workspace.jobs.queue.unfinished == 0, timeout=WAIT_MS)
    assert workspace.jobs.queue.row(row).state is JobState.DONE, workspace.jobs.queue.row(row).message
    return workspace.jobs.queue.row(row)


def heard(workspace):
    """What comes out of the lanes, float32 (samples, channels)."""
    project = workspace.document.project
    return np.concatenate(list(mixed_blocks(heard_tracks(project, workspace.sounds), project.length, lambda: None)))


def mix(workspace):
    return np.array(workspace.samples(workspace.document.project.source))


def sound(workspace, name):
    [lane] = [lane for lane in workspace.document.project.lanes if lane.name == name]
    return np.asarray(workspace.sound(lane))


def names(workspace):
    return [lane.name for lane in workspace.document.project.lanes]


def lane(workspace, name):
    return next(one for one in workspace.document.project.lanes if one.name == name)


def near(one_NC, two_NC, step=2.0**-24):
    np.testing.assert_allclose(one_NC, two_NC, atol=step, rtol=0)


def test_several_prompts_are_as_many_lanes_and_one_that_completes_the_mix(opened, qtbot):
    ask(opened, qtbot, "violin, drums")
    assert names(opened) == ["violin", "drums", "Everything else"]
    assert not any(one.mute for one in opened.document.project.lanes)
    near(heard(opened), mix(opened))
    ask(opened, qtbot, "bass")
    assert names(opened) == ["violin", "drums", "bass", "Everything else"], "there is one of it, below the others"
    near(heard(opened), mix(opened))


def test_sums_of_a_file_of_whole_numbers_are_exact(workspace, qtbot, make_wav, tmp_path):
    import soundfile

    audio_NC, rate_hz = soundfile.read(make_wav("song.wav"), dtype="float32")
    soundfile.write(tmp_path / "song24.wav", audio_NC, rate_hz, subtype="PCM_24")
    with qtbot.waitSignal(workspace.opened, timeout=WAIT_MS):
        workspace.open(tmp_path / "song24.wav")
    ask(workspace, qtbot, "violin, drums")
    ask(workspace, qtbot, "bass")
    np.testing.assert_array_equal(heard(workspace), mix(workspace))
    qtbot.waitUntil(lambda: workspace.sum_db == -300.0, timeout=WAIT_MS)


def test_the_same_prompt_again_is_a_take_of_the_same_lane(opened, qtbot):
    ask(opened, qtbot, "drums")
    first = lane(opened, "drums")
    ask(opened, qtbot, "Drums")
    assert names(opened) == ["drums", "Everything else"]
    assert len(lane(opened, "drums").takes) == 2
    assert lane(opened, "drums").id == first.id
    near(heard(opened), mix(opened))


def test_the_same_prompt_for_a_region_is_spliced_into_its_lane(opened, qtbot):
    ask(opened, qtbot, "drums")
    before_NC = np.array(opened.samples(lane(opened, "drums").take.audio))
    opened.document.select((4000, 9000))
    ask(opened, qtbot, "drums", sensitivity=1.0)
    assert names(opened) == ["drums", "Everything else"]
    drums = lane(opened, "drums")
    after_NC = opened.samples(drums.take.audio)
    assert (len(drums.takes), drums.take.start, drums.take.made.regions) == (2, 0, ((4000, 9000),))
    np.testing.assert_array_equal(after_NC[:4001], before_NC[:4001])
    np.testing.assert_array_equal(after_NC[9000:], before_NC[9000:])
    assert np.abs(after_NC[5000:8000] - before_NC[5000:8000]).max() > 1e-3
    near(heard(opened), mix(opened))


def test_another_region_of_a_lane_is_added_to_it(opened, qtbot):
    for region in ((1000, 4000), (9000, 13_000)):
        opened.document.select(region)
        ask(opened, qtbot, "drums")
    drums = lane(opened, "drums")
    assert (drums.take.start, drums.take.audio.samples) == (1000, 12_000)
    np.testing.assert_array_equal(opened.samples(drums.take.audio)[3000:8000], 0)
    near(heard(opened), mix(opened))


def test_a_replacement_takes_the_place_of_its_stem_and_doubles_nothing(opened, qtbot):
    ask(opened, qtbot, "violin, drums")
    others_NC = heard(opened) - np.asarray(opened.sound(lane(opened, "violin")).samples_NC)
    opened.document.select((4000, 9000))
    opened.document.set_current("")
    ask(opened, qtbot, "violin", task="replace", replacement="bass")
    assert names(opened) == ["violin", "drums", "Everything else"]
    violin = lane(opened, "violin")
    assert [take.made.task for take in violin.takes] == ["isolate", "replace"]
    new_NC = np.asarray(opened.sound(violin).samples_NC)
    near(heard(opened) - new_NC, others_NC, 2e-7)
    near(heard(opened)[9000:], mix(opened)[9000:])
    near(heard(opened)[:4000], mix(opened)[:4000])
    assert np.abs(heard(opened)[5000:8000] - mix(opened)[5000:8000]).max() > 1e-3
    qtbot.waitUntil(lambda: opened.sum_db is not None and not opened.sum_is_exact, timeout=WAIT_MS)


def test_a_replacement_alone_is_one_lane_with_what_is_left(opened, qtbot):
    row = ask(opened, qtbot, "violin", task="replace", replacement="drums")
    assert row.state is JobState.DONE
    assert names(opened) == ["drums", "Everything else"]
    made = lane(opened, "drums")
    assert made.take.made.task == "replace"
    opened.document.set_lane(made.id, "choose a take", active=0)
    near(heard(opened), mix(opened)), "its first take is what was there"


def test_what_is_removed_is_muted_and_the_others_are_heard(opened, qtbot):
    ask(opened, qtbot, "drums", task="remove")
    assert [(one.name, one.mute) for one in opened.document.project.lanes] == [
        ("drums", True),
        ("Everything else", False),
    ]
    near(heard(opened), mix(opened) - np.asarray(opened.sound(lane(opened, "drums")).samples_NC), 1e-7)


def test_a_lane_is_split_further_and_the_sum_stays(opened, qtbot):
    ask(opened, qtbot, "drums")
    drums = lane(opened, "drums")
    whole_NC = np.array(opened.samples(drums.take.audio))
    opened.document.set_source_lane(drums.id)
    ask(opened, qtbot, "violin")
    assert names(opened) == ["drums", "violin", "Everything else"]
    violin = lane(opened, "violin")
    assert violin.out_of == drums.id
    parts = [np.asarray(opened.sound(one).samples_NC) for one in (lane(opened, "drums"), violin)]
    near(parts[0] + parts[1], whole_NC, 1e-7)
    assert np.abs(parts[1]).max() > 1e-3
    near(heard(opened), mix(opened))
    assert opened.document.source_lane == "", "the next question is about the mix again"
    opened.document.remove_lane(violin.id)
    near(np.asarray(opened.sound(lane(opened, "drums")).samples_NC), whole_NC)


def test_a_second_pass_over_a_lane_is_a_take_of_it(opened, qtbot):
    ask(opened, qtbot, "drums")
    opened.document.set_source_lane(lane(opened, "drums").id)
    ask(opened, qtbot, "drums")
    assert names(opened) == ["drums", "Everything else"]
    assert len(lane(opened, "drums").takes) == 2
    near(heard(opened), mix(opened))


def test_what_the_others_leave_can_be_split_further(opened, qtbot):
    ask(opened, qtbot, "violin")
    opened.document.set_source_lane(lane(opened, "Everything else").id)
    ask(opened, qtbot, "drums")
    assert names(opened) == ["violin", "drums", "Everything else"]
    assert lane(opened, "drums").out_of == "mix"
    near(heard(opened), mix(opened))


@pytest.mark.parametrize("pieces", [1, 4])
def test_a_stem_that_comes_in_pieces_is_the_stem(opened, qtbot, monkeypatch, pieces):
    grid = PieceGrid(1.0 / pieces, 1.0 / pieces)
    monkeypatch.setattr("desktop.models.job_controller.grid_of", lambda bundle: grid)
    monkeypatch.setattr("desktop.models.separation_run.WHOLE_S", 1.0 / pieces)
    monkeypatch.setattr("desktop.models.separation_run.STRIDES", (1, 1))
    ask(opened, qtbot, "drums, violin")
    near(heard(opened), mix(opened))
    share_NC = np.asarray(opened.sound(lane(opened, "drums")).samples_NC) / mix(opened)
    assert abs(float(np.median(share_NC)) - 0.75) < 0.02


def test_the_lamp_says_when_what_is_heard_is_not_the_mix(opened, qtbot):
    ask(opened, qtbot, "drums")
    qtbot.waitUntil(lambda: opened.sum_is_exact, timeout=WAIT_MS)
    opened.document.set_lane(lane(opened, "drums").id, "mute", mute=True)
    assert opened.sum_db is None, "nothing is said of what is not measured yet"
    qtbot.waitUntil(lambda: opened.sum_db is not None, timeout=WAIT_MS)
    assert opened.sum_db == pytest.approx(-2.5, abs=0.3), "the toy's drums are three quarters of the mix"
    opened.document.undo.undo()
    qtbot.waitUntil(lambda: opened.sum_is_exact, timeout=WAIT_MS)


def test_a_stem_that_is_not_there_is_not_lifted(opened, qtbot):
    ask(opened, qtbot, "kazoo")
    kazoo = lane(opened, "kazoo")
    assert kazoo.take.made.presence < 0.5
    opened.document.set_lane(kazoo.id, "solo", solo=True)
    qtbot.wait(600)
    qtbot.waitUntil(lambda: not opened.background.busy, timeout=WAIT_MS)
    assert opened.transport.match_db == 0.0
