"""Promises of the composer, counted over many pieces."""

from collections import Counter

import numpy as np
import pytest

from training.data.instruments import families
from training.synthesis import grooves
from training.synthesis.compose import cast, compose
from training.synthesis.harmony import (
    FASTEST_BPM,
    METRES,
    MODES,
    SLOWEST_BPM,
    VOCABULARIES,
    BeatClock,
    draw_frame,
)
from training.synthesis.perform import STYLES
from training.synthesis.writers import WRITERS

PIECES = 400
SECONDS = 12.0


@pytest.fixture(scope="module")
def pieces():
    return [compose(np.random.default_rng([7, k]), SECONDS) for k in range(PIECES)]


def test_every_metre_mode_and_chord_vocabulary_is_used(pieces):
    assert {p.metre for p in pieces} == set(METRES) == {"4/4", "3/4", "6/8", "7/8"}
    assert {p.mode for p in pieces} == set(MODES)
    assert {p.harmony for p in pieces} == set(VOCABULARIES)
    assert len({p.tonic % 12 for p in pieces}) == 12


def test_every_role_is_written(pieces):
    roles = {part.role for piece in pieces for part in piece.parts}
    assert roles == {"bass", "lead", "chords", "pad", "arpeggio", "riff", "drums", "percussion"}


def test_melodies_have_phrases_that_come_back_and_breathe():
    returning = breathing = steady = 0
    for seed in range(60):
        frame, tempo_bpm, end_bpm = draw_frame(np.random.default_rng(seed), 16.0)
        if tempo_bpm != end_bpm:
            continue  # bars of a drifting piece are never quite the same
        notes = WRITERS["lead"](np.random.default_rng(seed), frame, families()["violin"])
        starts = np.array([n.start_s for n in notes])
        bars = []
        for bar in range(min(8, frame.bars)):
            first, last = frame.at(bar, 0) - 1e-6, frame.at(bar + 1, 0) - 1e-6
            bars.append(tuple(np.round(starts[(starts >= first) & (starts < last)] - first, 2)))
        steady += 1
        returning += any(bars[k] and bars[k] in bars[k + 1 :] for k in range(len(bars)))
        breathing += min(map(len, bars)) < max(map(len, bars))
    assert steady > 30
    assert returning > 0.9 * steady
    assert breathing > 0.7 * steady


def test_tempi_reach_from_50_to_200(pieces):
    tempi = [p.tempo_bpm for p in pieces]
    assert min(tempi) >= SLOWEST_BPM == 50
    assert max(tempi) <= FASTEST_BPM == 200
    assert min(tempi) < 60
    assert max(tempi) > 180


def test_some_pieces_drift(pieces):
    drifting = [p for p in pieces if p.end_bpm != p.tempo_bpm]
    assert 0.2 < len(drifting) / PIECES < 0.5
    assert all(abs(p.end_bpm / p.tempo_bpm - 1) < 0.3 for p in drifting)


def test_a_drifting_clock_goes_from_one_tempo_to_the_other():
    clock = BeatClock(0.5, 0.4, 40)
    beats = np.diff([clock.at(b) for b in range(41)])
    assert abs(beats[0] - 0.5) < 0.003
    assert abs(beats[-1] - 0.4) < 0.003
    assert (np.diff(beats) < 0).all()
    assert BeatClock(0.5, 0.5, 40).at(7) == 3.5


def test_solos_duos_and_bands(pieces):
    shapes = Counter(p.shape for p in pieces)
    assert all(shapes[shape] > 20 for shape in ("solo", "duo", "band"))
    assert all((len(p.parts) == 1) == (p.shape == "solo") for p in pieces)
    assert max(len(p.parts) for p in pieces) == 7


def test_lines_are_doubled_in_unison_and_octaves(pieces):
    found = Counter()
    for piece in pieces:
        for part in piece.parts:
            if part.doubles is None:
                continue
            model = piece.parts[part.doubles]
            if len(part.notes) == len(model.notes):
                assert sorted(n.midi - part.interval for n in part.notes) == sorted(n.midi for n in model.notes)
            starts = np.array([n.start_s for n in model.notes])
            assert np.median([np.abs(starts - n.start_s).min() for n in part.notes]) < 0.03
            found[part.interval] += 1
    assert all(found[interval] > 0 for interval in (0, 12, -12))


def test_two_of_one_family_play_at_once(pieces):
    twins = 0
    for piece in pieces:
        by_family = [p for p in piece.parts if [q.family for q in piece.parts].count(p.family) > 1]
        twins += bool(by_family) and any(
            all(p.sounding(at, at + 0.5) for p in by_family) for at in np.arange(0, SECONDS, 0.5)
        )
    assert twins > PIECES * 0.08


def test_players_come_late_leave_early_and_rest(pieces):
    parts = [part for piece in pieces for part in piece.parts]
    late = sum(part.notes[0].start_s > 0.25 * SECONDS for part in parts)
    early = sum(max(n.end_s for n in part.notes) < 0.75 * SECONDS for part in parts)
    gaps = sum(longest_gap_s(part.notes) > 2.5 for part in parts)
    assert min(late, early, gaps) > 0.03 * len(parts)


def longest_gap_s(notes) -> float:
    ends = np.maximum.accumulate([n.end_s for n in notes])
    return max((b.start_s - end for end, b in zip(ends, notes[1:], strict=False)), default=0.0)


def test_some_bands_fall_silent_together(pieces):
    silent = 0
    for piece in pieces:
        if len(piece.parts) > 1:
            inner = np.arange(1.0, SECONDS - 2, 0.1)
            silent += any(not any(p.sounding(at, at + 0.7) for p in piece.parts) for at in inner)
    assert silent >= 5


def test_every_manner_of_playing_is_heard(pieces):
    assert {part.style for piece in pieces for part in piece.parts} == {"", *STYLES}


def test_every_part_has_notes_within_the_piece(pieces):
    for piece in pieces:
        for part in piece.parts:
            assert part.notes
            assert all(0 <= n.start_s < SECONDS and n.length_s > 0 and 1 <= n.velocity <= 127 for n in part.notes)
            assert [n.start_s for n in part.notes] == sorted(n.start_s for n in part.notes)


def test_every_metre_has_grooves_and_every_groove_can_fill():
    assert len(grooves.GROOVES) >= 20
    assert {beats for beats, _ in grooves.GROOVES.values()} == {beats for beats, _, _ in METRES.values()}
    for beats in (3, 4, 6, 7):
        kit = grooves.pick(np.random.default_rng(beats), beats)
        fills = [
            hits
            for seed in range(40)
            if (hits := kit.bar(np.random.default_rng(seed), 3)) != kit.bar(np.random.default_rng(seed), 2)
        ]
        toms = {grooves.HIGH_TOM, grooves.MID_TOM, grooves.LOW_TOM}
        assert any(piece in toms for hits in fills for beat, piece, _ in hits if beat >= beats - 1)


def test_beats_of_a_bar_last_what_the_metre_says():
    for seed in range(60):
        frame, tempo_bpm, end_bpm = draw_frame(np.random.default_rng(seed), 8.0)
        beats, quarters, _ = METRES[frame.metre]
        if tempo_bpm == end_bpm:
            assert frame.at(1, 0) == pytest.approx(beats * quarters * 60 / tempo_bpm)


def test_a_cast_can_be_drawn_from_any_list_of_families():
    able = [families()[name] for name in ("cello", "harp")]
    for seed in range(30):
        assert {f.name for f in cast(np.random.default_rng(seed), able)} <= {"cello", "harp"}
