"""Pairs are of identical instruments; the tests over them know what chance is; videos show what they were drawn as."""

from dataclasses import replace

import av
import numpy as np
import pytest
from benchkit import example

from training.data.sources import SoundLibrary
from training.eval import media_prompts, visual_grounding
from training.eval.sets import SetResources
from training.eval.tables import share
from training.metrics import rms
from training.synthesis.score import Note, ScorePart
from training.synthesis.video.clip import FPS


def row(margin):
    return {"margin": np.asarray(margin, dtype=float).tolist(), "refused": ""}


WORDS = row([[3.0, -3.0], [-1.0, 1.0]] * 8)


def test_words_alone_are_chance():
    found = visual_grounding.judge(WORDS, WORDS)
    assert (found["right"], found["swapped"], found["moved"], found["p_chance"]) == (0.5, 0, 0, 1.0)
    assert "better" not in found


def test_always_the_seen_one_is_significant():
    found = visual_grounding.judge(row([[4.0, 2.0]] * 16), WORDS)
    assert (found["right"], found["chosen"], found["swapped"], found["better"]) == (1.0, 16, 16, 16)
    assert found["p_chance"] == found["p_swapped"] == found["p_text"] == pytest.approx(0.5**16)
    assert found["gain_db"] == [3.0] * 16


def test_always_the_other_one_is_not():
    found = visual_grounding.judge(row([[-4.0, -2.0]] * 16), WORDS)
    assert (found["right"], found["chosen"], found["swapped"], found["against"], found["better"]) == (0.0, 0, 0, 16, 0)
    assert found["p_chance"] == found["p_swapped"] == found["p_text"] == 1.0


def test_the_same_answer_for_both_players_counts_for_neither():
    found = visual_grounding.judge(row([[4.0, -4.0]] * 14 + [[1.0, 1.0]] * 2), WORDS)
    assert (found["chosen"], found["moved"], found["swapped"], found["against"]) == (2, 2, 2, 0)
    assert found["p_chance"] == 0.25


def test_pictures_that_flip_the_answer_at_random_are_not_significant():
    rng, alarms = np.random.default_rng(3), 0
    for _ in range(200):
        flipped = row(rng.choice([-1.0, 1.0], size=(60, 1)) * np.ones((1, 2)))
        found = visual_grounding.judge(flipped, row([]))
        alarms += found["p_swapped"] < 0.05
    assert alarms <= 20


def test_a_milder_mask_alone_is_no_gain():
    mild = row([[1.0, -1.0]] * 16)
    found = visual_grounding.judge(mild, WORDS)
    assert (found["better"], found["differs"], found["p_text"]) == (0, 0, 1.0)


def test_a_refused_row_has_no_verdict():
    refused = {"margin": [], "refused": "the bundle takes no pictures"}
    rows = {
        "text alone": WORDS | visual_grounding.judge(WORDS, WORDS),
        "text + video": refused | visual_grounding.judge(refused, WORDS),
    }
    text = "\n".join(visual_grounding.lines({"pairs": 16, "families": ["cello"], "bundles": {"blind": rows}}))
    assert "* text + video: refused. “the bundle takes no pictures”" in text
    assert "This bundle cannot see." in text


def test_a_share_has_an_interval():
    assert share(8, 8) == "100% (63% to 100%)"
    assert share(0, 0) == "-"


def test_a_video_is_what_was_drawn_at_eight_frames_a_second(tmp_path):
    one = example(3)
    notes = tuple(Note(0.3 * k, 0.25, 60 + k, 90) for k in range(4))
    clip = media_prompts.clip_of(replace(one, part=ScorePart("cello", "lead", notes)), 1)
    frames = clip.frames()
    with av.open(str(media_prompts.write_video(frames, tmp_path / "clip.mp4"))) as video:
        stream = video.streams.video[0]
        assert stream.average_rate == FPS
        shown = np.stack([frame.to_ndarray(format="rgb24") for frame in video.decode(stream)])
    assert shown.shape == frames.shape
    assert np.abs(shown.astype(float) - frames).mean() < 4
    assert np.abs(np.diff(frames.astype(float), axis=0)).max() > 50  # somebody moves


def test_a_stem_without_notes_has_no_player():
    with pytest.raises(ValueError, match="no notes"):
        media_prompts.clip_of(example(0), 1)


def test_both_instruments_of_a_pair_are_one_recording():
    if SoundLibrary.find().banks is None:
        pytest.skip("needs the sounds folder with its note banks; Debian's SoundFont has no reserved recording")
    resources = SetResources()
    for pair, again in zip(
        visual_grounding.make_pairs(resources, 2, 4, 1.5),
        visual_grounding.make_pairs(resources, 2, 4, 1.5),
        strict=True,
    ):
        assert len(set(pair.first.sources)) == 1
        assert pair.first.part.family == pair.second.part.family
        assert pair.first.part.notes != pair.second.part.notes
        assert rms(pair.first.stem_CN) == pytest.approx(rms(pair.second.stem_CN), rel=1e-3)
        np.testing.assert_allclose(pair.first.stem_CN + pair.second.stem_CN, pair.first.mix_CN, atol=1e-6)
        np.testing.assert_array_equal(pair.first.mix_CN, again.first.mix_CN)


def test_what_is_shown_is_said_of_each_row_by_name():
    always, never = row([[4.0, 2.0]] * 16), row([[3.0, -3.0]] * 16)
    rows = {
        name: one | visual_grounding.judge(one, WORDS)
        for name, one in (("text + video", never), ("video alone", always))
    }
    words, alone = visual_grounding._verdict(rows).split(". ")
    assert words.startswith("Text + video shows (p < 0.05): nothing;")
    assert alone.startswith("Video alone shows (p < 0.05): that the seen player's stem is taken, that another picture")
    assert alone.endswith("does not show: nothing.")
