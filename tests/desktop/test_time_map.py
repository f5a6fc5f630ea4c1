"""Bars, beats and markers as values."""

import json

import pytest

from desktop.models.markers import Marker, moved, next_name, renamed, with_marker, without_marker
from desktop.models.project import Project, project_from_json, to_json
from engine import TimeMap

STEADY = TimeMap(bpm=120.0, beats_per_bar=4, first_s=0.25)
DRIFTING = TimeMap(bpm=120.0, beats_per_bar=3, first_s=1.0, beats_s=(0.5, 1.0, 1.4, 2.0))


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.25, "1|1"), (0.7499, "1|1"), (0.75, "1|2"), (2.25, "2|1"), (0.0, "0|4"), (-1.75, "0|1"), (60.25, "31|1")],
)
def test_a_steady_tempo_counts_from_bar_one(seconds, words):
    assert STEADY.words(seconds) == words


def test_drifting_beats_are_counted_one_by_one_and_go_on_at_the_usual_tempo():
    assert [DRIFTING.words(seconds) for seconds in (0.5, 1.0, 1.39, 1.4, 2.0, 2.49, 2.5)] == [
        "0|3", "1|1", "1|1", "1|2", "1|3", "1|3", "2|1",
    ]  # fmt: skip


@pytest.mark.parametrize("time_map", [STEADY, DRIFTING])
def test_seconds_and_beats_are_the_reverse_of_each_other(time_map):
    for seconds in (-3.0, 0.0, 0.7, 1.1, 1.9, 7.3):
        assert time_map.seconds_at(time_map.beat_at(seconds)) == pytest.approx(seconds)


def test_beats_of_a_span_and_the_nearest_of_them():
    assert list(STEADY.beats_between(0.3, 1.3)) == [(0.75, 1, 2), (1.25, 1, 3)]
    assert [round(at, 3) for at, _, _ in STEADY.beats_between(0.0, 5.0, 4.0)] == [0.25, 2.25, 4.25]
    assert STEADY.nearest(1.6) == pytest.approx(1.75)
    assert STEADY.nearest(1.6, 4.0) == pytest.approx(2.25)
    assert DRIFTING.nearest(1.3) == pytest.approx(1.4)


def test_bar_one_can_be_put_elsewhere():
    assert STEADY.starting_at(0.5).words(0.5) == "1|1"
    assert DRIFTING.starting_at(1.4).words(1.4) == "1|1"
    assert DRIFTING.starting_at(1.4).beats_s == DRIFTING.beats_s, "a beat was clicked"
    assert DRIFTING.starting_at(1.45).beats_s[2] == pytest.approx(1.45), "the beats were late"


@pytest.mark.parametrize("time_map", [STEADY, DRIFTING])
def test_a_tempo_of_twice_or_half_the_beats_keeps_bar_one(time_map):
    for changed in (time_map.doubled(), time_map.halved()):
        assert changed.words(time_map.first_s) == "1|1"
    assert time_map.doubled().halved().nearest(1.0) == pytest.approx(time_map.nearest(1.0))


@pytest.mark.parametrize(
    "wrong", [{"bpm": 5.0}, {"bpm": 1000.0}, {"bpm": 100.0, "beats_per_bar": 0}, {"bpm": 100.0, "beats_s": (1.0, 1.0)}]
)
def test_nonsense_is_refused(wrong):
    with pytest.raises(ValueError, match=r"beats|tempo|bar"):
        TimeMap(**wrong)


def test_a_project_keeps_tempo_and_markers_and_older_ones_load():
    project = Project(title="a", time_map=DRIFTING, markers=(Marker(at=5, name="verse"),))
    assert project_from_json(json.loads(json.dumps(to_json(project)))) == project
    older = to_json(Project(title="a"))
    del older["time_map"], older["markers"]
    assert project_from_json(older) == Project(title="a")


def test_markers_stay_in_order():
    markers = with_marker(with_marker((), Marker(id="b", at=9, name="1")), Marker(id="a", at=3, name="2"))
    assert [marker.id for marker in markers] == ["a", "b"]
    assert next_name(markers) == "3"
    assert [marker.id for marker in moved(markers, "a", 20)] == ["b", "a"]
    assert renamed(markers, "a", "chorus")[0].name == "chorus"
    assert without_marker(markers, "a") == (markers[1],)
    assert next_name(without_marker(markers, "b")) == "1"
