"""Promises of drawn clips: they follow the notes, the same seed draws the same, the question has an answer."""

from __future__ import annotations

import numpy as np
import pytest

from training.data.instruments import families
from training.data.sources import SoundLibrary
from training.synthesis.render_stems import render_piece
from training.synthesis.score import Note, ScorePart
from training.synthesis.stem_config import StemRenderConfig
from training.synthesis.video.clip import FPS, DrawnClipConfig, clip_of_labels, draw_clip
from training.synthesis.video.motion import PlayerMotion, look_of

CALM = DrawnClipConfig(size_px=96, moving_camera=False, distractions=0, idlers=0)
BUSY = DrawnClipConfig(size_px=96, distractions=3, idlers=2)
SECONDS = 6.0


def alternating(family: str, turn: int, step_s: float = 0.25, pitch: int | None = None) -> ScorePart:
    """Plays in every other second."""
    row = families()[family]
    middle = 38 if row.drums else (row.low + row.high) // 2
    notes = [
        Note(second + k * step_s, step_s * 0.95, (pitch or middle) + k % 3, 100)
        for second in range(turn, int(SECONDS), 2)
        for k in range(int(1 / step_s))
    ]
    return ScorePart(family, "lead", tuple(notes))


def motion_in(clip, part: int, frames: np.ndarray, frame: int) -> float:
    """Mean change of the pixels around a player from the frame before."""
    left, top, right, bottom = clip.box(part, frame)
    change = np.abs(frames[frame].astype(int) - frames[frame - 1].astype(int))
    return float(change[top:bottom, left:right].mean())


def test_which_of_two_violins_is_bowing_now_has_an_answer():
    for seed in range(4):
        clip = draw_clip([alternating("violin", 0), alternating("violin", 1)], SECONDS, seed, CALM)
        frames = clip.frames()
        right = total = 0
        for frame in range(1, clip.count):
            playing, before = clip.playing(frame), clip.playing(frame - 1)
            if len(playing) == 1 and playing == before:
                moves = [motion_in(clip, part, frames, frame) for part in (0, 1)]
                right += int(np.argmax(moves)) == playing[0]
                total += 1
                assert clip.side(0, frame) != clip.side(1, frame)
        assert total > 25
        assert right == total


@pytest.mark.parametrize("family", families())
def test_every_family_moves_when_it_sounds_and_rests_when_it_does_not(family):
    clip = draw_clip([alternating(family, 0)], SECONDS, 1, CALM)
    frames = clip.frames()
    moving, resting = [], []
    for frame in range(1, clip.count):
        playing = clip.playing(frame), clip.playing(frame - 1)
        if playing == ((0,), (0,)):
            moving.append(motion_in(clip, 0, frames, frame))
        elif playing == ((), ()):
            resting.append(motion_in(clip, 0, frames, frame))
    assert len(moving) > 8
    assert len(resting) > 8
    assert min(moving) > max(resting) == 0.0


def test_frames_come_at_eight_a_second_and_repeat_with_the_seed():
    parts = [alternating("cello", 0), alternating("drums", 1), alternating("flute", 0)]
    clip = draw_clip(parts, SECONDS, 5, BUSY)
    frames = clip.frames()
    assert frames.shape == (SECONDS * FPS, 96, 96, 3)
    assert frames.dtype == np.uint8
    assert FPS == 8
    np.testing.assert_array_equal(draw_clip(parts, SECONDS, 5, BUSY).frames(), frames)
    np.testing.assert_array_equal(clip.frames(10, 5), frames[10:15])
    assert (draw_clip(parts, SECONDS, 6, BUSY).frames(0, 1) != frames[0]).any()


def test_camera_distractions_and_idlers_are_there_and_say_nothing():
    parts = [alternating("violin", 0), alternating("violin", 1)]
    idlers, distractions, moves = set(), set(), set()
    for seed in range(30):
        clip = draw_clip(parts, SECONDS, seed, BUSY)
        idlers.add(sum(actor.part is None for actor in clip.actors))
        distractions |= {thing.kind for thing in clip.distractions}
        moves.add(clip.camera.start != clip.camera.end)
        for frame in range(clip.count):
            assert set(clip.playing(frame)) <= {0, 1}
            for part in (0, 1):
                left, top, right, bottom = clip.box(part, frame)
                assert 0 <= left < right <= 96
                assert 0 <= top < bottom <= 96
    assert idlers == {0, 1, 2}
    assert distractions == {"ball", "lamp", "bird", "dancer", "pendulum"}
    assert moves == {True}


def test_an_idler_never_moves():
    silent = PlayerMotion("violin", ())
    assert len({silent.pose(at / 10) for at in range(50)}) == 1
    assert not silent.sounding(0, 100)


def test_a_still_is_one_frame_throughout():
    clip = draw_clip([alternating("piano", 0)], SECONDS, 2, BUSY)
    still = clip.still(7)
    assert still.shape == clip.frames().shape
    assert (still == clip.frames(7, 1)).all()


def test_who_plays_is_what_the_notes_say():
    clip = draw_clip([alternating("violin", 0), alternating("drums", 1)], SECONDS, 0, CALM)
    assert clip.playing(3) == (0,)
    assert clip.playing(FPS + 3) == (1,)
    silent = draw_clip([ScorePart("violin", "lead", (Note(2.0, 0.5, 70, 90),))], SECONDS, 0, CALM)
    assert silent.playing(0) == ()
    assert silent.playing(2 * FPS) == (0,)


def test_every_family_has_a_look():
    assert {look_of(name) for name in families()} == {"bowed", "plucked", "blown", "keys", "struck", "bars", "sung"}


def test_the_clip_of_a_cached_piece_shows_who_is_heard(renderer):
    config = StemRenderConfig(folder="", rate_hz=8000, seconds=4.0, seed=3)
    stems, labels = render_piece(renderer, config, 2)
    clip = clip_of_labels(labels, SoundLibrary.find(), config, seed=1)
    loud_S = np.stack([np.abs(stem).reshape(clip.count, -1).max(axis=1) for stem in stems])
    for k in range(len(stems)):
        silent = [frame for frame in range(clip.count) if k not in clip.playing(frame)]
        heard = [frame for frame in range(clip.count) if k in clip.playing(frame)]
        assert not silent or loud_S[k, heard].mean() > loud_S[k, silent].mean()
    with pytest.raises(ValueError, match="render a new one"):
        clip_of_labels([{"piece": "1-0"}], SoundLibrary.find(), config, seed=1)


def test_a_clip_of_nothing_is_refused():
    with pytest.raises(ValueError, match=r"needs a part and at least 0\.125 s, got 0 parts"):
        draw_clip([], 4.0, 0)
