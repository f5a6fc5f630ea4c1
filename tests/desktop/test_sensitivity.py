"""Sensitivity, brush, comping and fades: heard at once, without the model, and the sum stays the mix."""

import numpy as np
import pytest
import soundfile

from desktop.audio.export import mixed_blocks
from desktop.audio.sounds import CompPiece, PlacedSound, comped, faded
from desktop.audio.spectral import BrushedSounds, BrushMove, BrushShape, tilted
from desktop.audio.store import AudioStore
from desktop.models.document import Document
from desktop.models.lane_sound import LaneSounds
from desktop.models.project import BrushEdit, Lane, LaneTake, Project, TakeOrigin
from desktop.models.sum_check import heard_tracks

RATE_HZ = 44_100
SAMPLES = 2 * RATE_HZ
GRID = 2.0**23


def tone(hz, level=0.2):
    time_N = np.arange(SAMPLES) / RATE_HZ
    return np.repeat((level * np.sin(2 * np.pi * hz * time_N))[:, None], 2, axis=1).astype(np.float32)


@pytest.fixture
def stems(tmp_path):
    """A store with a mix of two tones, each a stem that has a tenth of the other; a project of both and its sounds."""
    store = AudioStore(tmp_path / "audio", tmp_path / "cache")
    low_NC, high_NC = (np.rint(one * GRID) / GRID for one in (tone(300), tone(5000)))

    def put(name, audio_NC):
        soundfile.write(tmp_path / name, audio_NC, RATE_HZ, subtype="PCM_24")
        return store.add(tmp_path / name)

    source = put("mix.wav", low_NC + high_NC)
    low = put("low.wav", np.rint((0.98 * low_NC + 0.1 * high_NC) * GRID) / GRID)
    made = TakeOrigin(task="isolate", prompt="low")
    lane = Lane(name="low", takes=(LaneTake(audio=low, made=made),), out_of="mix")
    project = Project(title="mix", source=source, rate_hz=RATE_HZ, lanes=(lane,)).with_else()
    document = Document()
    document.replace_all(project)
    return store, document, LaneSounds(store), low_NC, high_NC


def level_of(audio_NC, hz):
    """Amplitude of a tone."""
    inside_N = np.asarray(audio_NC)[RATE_HZ // 4 : -RATE_HZ // 4, 0].astype(np.float64)
    time_N = np.arange(len(inside_N)) / RATE_HZ
    return 2 * abs(np.mean(inside_N * np.exp(-2j * np.pi * hz * time_N)))


def heard(document, sounds):
    project = document.project
    return np.concatenate(list(mixed_blocks(heard_tracks(project, sounds), project.length, lambda: None)))


def sound(document, sounds, number):
    return np.asarray(sounds.bank(document.project).heard(document.project.lanes[number]).samples_NC)


def test_sensitivity_moves_what_is_in_doubt_and_the_sum_is_exact(stems):
    store, document, sounds, *_ = stems
    low = document.project.lanes[0]
    mix_NC = np.array(store.samples(document.project.source))
    bleed = {}
    for value in (0.0, 0.5, 1.0):
        document.set_lane(low.id, "sensitivity", sensitivity=value)
        stem_NC = sound(document, sounds, 0)
        bleed[value] = level_of(stem_NC, 5000)
        np.testing.assert_array_equal(heard(document, sounds), mix_NC)
        assert level_of(stem_NC, 300) == pytest.approx(0.196, abs=0.03), "what is surely its own stays"
    assert bleed[0.0] < 0.01
    assert bleed[0.5] == pytest.approx(0.02, abs=1e-3)
    assert bleed[1.0] > 0.08
    document.set_lane(low.id, "sensitivity", sensitivity=0.5)
    np.testing.assert_array_equal(sound(document, sounds, 0), store.samples(low.take.audio)), "bit for bit again"


def test_turns_of_the_knob_are_one_step_of_the_history(stems):
    _, document, *_ = stems
    low = document.project.lanes[0]
    for value in (0.6, 0.7, 2.0):
        document.set_lane(low.id, "sensitivity", sensitivity=value)
    assert document.project.lanes[0].sensitivity == 1.0
    assert [str(words) for words in document.history] == ["sensitivity"]
    document.go_to(0)
    assert document.project.lanes[0].sensitivity == 0.5


@pytest.mark.parametrize("block", [128, 5000, SAMPLES])
def test_a_sound_comes_out_the_same_wherever_reading_begins(block):
    stem, whole = PlacedSound(tone(300) + tone(5000, 0.02)), PlacedSound(tone(300) + tone(5000))
    samples = tilted(stem, whole, 0.8, RATE_HZ).samples_NC
    all_NC = samples[:]
    for first in (0, 1, 4095, 30_001, SAMPLES - 100):
        np.testing.assert_array_equal(samples[first : first + block], all_NC[first : first + block])


def test_a_rectangle_moves_its_band_to_another_lane_and_nothing_else(stems):
    store, document, sounds, *_ = stems
    low, rest = document.project.lanes
    mix_NC = np.array(store.samples(document.project.source))
    before = [sound(document, sounds, 0), sound(document, sounds, 1)]
    first, last = RATE_HZ // 2, RATE_HZ
    document.add_brush(BrushEdit(first=first, last=last, low_hz=3000, high_hz=8000, source=rest.id, target=low.id))
    after = [sound(document, sounds, 0), sound(document, sounds, 1)]
    np.testing.assert_array_equal(heard(document, sounds), mix_NC)
    middle = slice(first + 8000, last - 8000)
    for was_NC, is_NC in zip(before, after, strict=True):
        np.testing.assert_array_equal(is_NC[: first - 5000], was_NC[: first - 5000])
        np.testing.assert_array_equal(is_NC[last + 5000 :], was_NC[last + 5000 :])
    np.testing.assert_allclose(after[0][middle], before[0][middle] + tone(5000, 0.18)[middle], atol=2e-3)
    document.undo.undo()
    np.testing.assert_array_equal(sound(document, sounds, 0), before[0])


def test_a_stroke_moves_only_what_lies_under_the_brush(stems):
    store, document, sounds, *_ = stems
    low, rest = document.project.lanes
    points = tuple((float(at), 5000.0) for at in range(RATE_HZ // 2, RATE_HZ, 4000))
    stroke = BrushEdit(
        first=RATE_HZ // 2, last=RATE_HZ, low_hz=2500, high_hz=10_000, source=low.id, target=rest.id, shape="stroke",
        points=points, radius=(4000.0, 0.5),
    )  # fmt: skip
    document.add_brush(stroke)
    inside_NC = sound(document, sounds, 0)[RATE_HZ // 2 + 8000 : RATE_HZ - 8000]
    assert np.abs(inside_NC).max() == pytest.approx(0.196, abs=0.01), "its own tone is left, the other is gone"
    np.testing.assert_array_equal(heard(document, sounds), np.array(store.samples(document.project.source)))
    document.remove_brush(document.project.brush[0].id)
    np.testing.assert_array_equal(sound(document, sounds, 0), store.samples(low.take.audio))


def test_what_one_stroke_has_moved_the_next_can_move_back(stems):
    _, document, sounds, *_ = stems
    low, rest = document.project.lanes
    before = sound(document, sounds, 0)
    for source, target in ((low, rest), (rest, low)):
        document.add_brush(
            BrushEdit(first=0, last=SAMPLES, low_hz=3000, high_hz=8000, source=source.id, target=target.id)
        )
    after = sound(document, sounds, 0)
    assert level_of(after, 5000) == pytest.approx(0.2, abs=0.01), "all of that band came back with the second stroke"
    assert level_of(after, 300) == pytest.approx(level_of(before, 300), abs=1e-3)


def test_the_sum_of_what_a_brush_changes_is_silence():
    sounds = [PlacedSound(tone(300)), PlacedSound(tone(5000))]
    move = BrushMove(BrushShape(10_000, 60_000, 100, 1000, 0.5), 0, 1)
    brushed = BrushedSounds(sounds, [move], RATE_HZ, 2)
    one, two = (brushed.change(number).read(0, SAMPLES, 2) for number in (0, 1))
    assert np.abs(one).max() > 0.05
    np.testing.assert_allclose(one + two, 0, atol=1e-7)


def test_another_take_is_heard_in_a_region_and_the_sum_stays(stems, tmp_path):
    store, document, sounds, low_NC, _ = stems
    soundfile.write(tmp_path / "second.wav", low_NC, RATE_HZ, subtype="PCM_24")
    second = LaneTake(audio=store.add(tmp_path / "second.wav"), made=TakeOrigin(task="isolate", prompt="low"))
    low = document.project.lanes[0]
    document.add_takes(low.id, "again", [second])
    document.set_lane(low.id, "choose", active=0)
    document.comp(low.id, second.id, 20_000, 60_000)
    lane_NC = sound(document, sounds, 0)
    first_NC = store.samples(low.take.audio)
    np.testing.assert_array_equal(lane_NC[:20_000], first_NC[:20_000])
    np.testing.assert_array_equal(lane_NC[21_000:59_000], low_NC.astype(np.float32)[21_000:59_000])
    np.testing.assert_array_equal(lane_NC[60_000:], first_NC[60_000:])
    assert np.abs(np.diff(lane_NC[19_500:20_500, 0])).max() < 0.2, "no step at the edge"
    np.testing.assert_array_equal(heard(document, sounds), np.array(store.samples(document.project.source)))
    document.comp(low.id, low.take.id, 30_000, 40_000)
    assert [(part.first, part.last) for part in document.project.lanes[0].comp] == [(20_000, 30_000), (40_000, 60_000)]
    document.clear_comp(low.id)
    np.testing.assert_array_equal(sound(document, sounds, 0), first_NC)


def test_a_fade_is_heard_in_its_lane_and_not_in_the_others(stems):
    store, document, sounds, *_ = stems
    low = document.project.lanes[0]
    rest_NC = sound(document, sounds, 1)
    document.set_fades(low.id, 1000, 2000)
    lane_NC, plain_NC = sound(document, sounds, 0), store.samples(low.take.audio)
    assert lane_NC[0].tolist() == [0, 0]
    assert lane_NC[-1].tolist() == [0, 0]
    np.testing.assert_array_equal(lane_NC[1000:-2001], plain_NC[1000:-2001])
    np.testing.assert_allclose(lane_NC[500], plain_NC[500] * 0.5, atol=1e-7)
    np.testing.assert_array_equal(sound(document, sounds, 1), rest_NC)


def test_pieces_and_fades_are_the_same_in_every_block():
    under, over = PlacedSound(tone(300), 100), PlacedSound(tone(5000))
    both = faded(comped(under, [CompPiece(over, 20_000, 30_000)], 441), 5000, 5000).samples_NC
    all_NC = both[:]
    for first in (0, 19_990, 20_100, 29_990):
        np.testing.assert_array_equal(both[first : first + 333], all_NC[first : first + 333])


def test_removing_a_lane_takes_its_strokes_back(stems):
    _, document, *_ = stems
    low, rest = document.project.lanes
    document.add_brush(BrushEdit(first=0, last=SAMPLES, low_hz=3000, high_hz=8000, source=low.id, target=rest.id))
    document.remove_lane(low.id)
    assert document.project.brush == ()
    assert document.project.lanes == (), "nothing is left to complete"
    document.undo.undo()
    assert len(document.project.brush) == 1


def test_lanes_are_moved_duplicated_chosen_and_cleared_of_solo(stems):
    _, document, *_ = stems
    low, rest = document.project.lanes
    document.duplicate_lane(low.id)
    copy = document.project.lanes[1]
    assert (copy.name, copy.mute, copy.out_of) == ("low 2", True, "")
    document.move_lane(copy.id, 0)
    assert [lane.name for lane in document.project.lanes] == ["low 2", "low", "Everything else"]
    document.set_lane(low.id, "solo", solo=True)
    assert document.project.soloed == (document.project.lane(low.id),)
    document.clear_solo()
    assert document.project.soloed == ()
    document.choose((rest.id, copy.id))
    assert document.chosen == (copy.id, rest.id)
    document.toggle_chosen(rest.id)
    assert document.chosen == (copy.id,)
    document.set_current(low.id)
    assert document.chosen == (low.id,)
    document.remove_lanes((copy.id, low.id))
    assert document.project.lanes == ()
    document.go_to(1)
    assert [lane.name for lane in document.project.lanes] == ["low", "low 2", "Everything else"]


def test_a_rectangle_of_the_spectrum_is_heard_alone(opened, qtbot):
    opened.settings.set("match", False)
    opened.transport.hear_only("", (4000, 12_000), (2000.0, 4000.0))
    scene = opened.transport.scene(opened.document.project)
    only_NC = np.asarray(scene.original.samples_NC)
    assert np.abs(only_NC[:2000]).max() == 0
    assert np.abs(only_NC[6000:10_000]).max() > 1e-3
    power_F = np.square(np.abs(np.fft.rfft(only_NC[5000:11_000, 0])))
    hz_F = np.fft.rfftfreq(6000, 1 / 16_000)
    inside_F = (hz_F > 1900) & (hz_F < 4100)
    assert power_F[~inside_F].sum() < 0.01 * power_F[inside_F].sum()
    opened.transport.hear_only()
    plain = opened.transport.scene(opened.document.project).original.samples_NC
    np.testing.assert_array_equal(plain, opened.samples(opened.document.project.source))


def test_playing_measures_every_lane_and_all_of_them_together():
    from desktop.audio.mixer import PlaybackMixer, PlaybackScene, Track

    mixer = PlaybackMixer(RATE_HZ)
    quiet, loud = Track("quiet", tone(300, 0.25)), Track("loud", tone(300, 0.8), gain=1.5)
    mixer.scene = PlaybackScene(tracks=(quiet, loud), length=SAMPLES)
    mixer.jump(0)
    mixer.render(RATE_HZ)
    levels = mixer.take_levels()
    assert levels["quiet"] == pytest.approx([0.25, 0.25], abs=0.01)
    assert levels["loud"] == pytest.approx([1.2, 1.2], abs=0.01)
    assert levels[""] == pytest.approx([1.45, 1.45], abs=0.02)
    assert mixer.take_levels() == {}


def test_a_lane_that_is_split_sounds_as_before(stems):
    store, document, sounds, *_ = stems
    low = document.project.lanes[0]
    before_NC = np.array(store.samples(low.take.audio))
    document.split_lane(low.id, 30_000)
    one, two, rest = document.project.lanes
    assert (one.id, one.name, two.name, two.out_of) == (low.id, "low", "low 2", "mix")
    halves = [sound(document, sounds, number) for number in (0, 1)]
    assert not halves[0][30_000:].any()
    assert not halves[1][:30_000].any()
    np.testing.assert_array_equal(halves[0] + halves[1], before_NC)
    np.testing.assert_array_equal(heard(document, sounds), np.array(store.samples(document.project.source)))
    document.set_lane(two.id, "mute", mute=True)
    document.split_lane(two.id, 30_000)
    document.split_lane(rest.id, 40_000)
    assert len(document.project.lanes) == 3, "nothing to split there"
    document.set_lane(one.id, "sensitivity", sensitivity=1.0)
    document.set_lane(two.id, "mute", mute=False)
    np.testing.assert_array_equal(heard(document, sounds), np.array(store.samples(document.project.source)))


def test_what_the_stems_leave_does_not_wear_their_presence(stems):
    _, document, *_ = stems
    assert document.project.else_lane.take.made.heard == ()


def test_projects_with_brush_comp_and_split_come_back_as_they_were(stems):
    import json

    from desktop.models.project import project_from_json, to_json

    _, document, *_ = stems
    low, rest = document.project.lanes
    document.add_brush(BrushEdit(first=0, last=9, low_hz=1.0, high_hz=2.0, source=low.id, target=rest.id))
    document.split_lane(low.id, 30_000)
    document.set_lane(low.id, "sensitivity", sensitivity=0.25)
    assert project_from_json(json.loads(json.dumps(to_json(document.project)))) == document.project
