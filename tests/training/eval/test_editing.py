"""Every task that makes or edits sound has a study; each is run here through a real engine on the toy bundle."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from benchkit import RATE_HZ, ToyEars, example
from toybundle import write_toy_bundle

from engine.tasks import TASKS
from training.data.sources import SoundLibrary
from training.eval import arrange, bundle_system, full_mix, inpainting, recast_queries, replacement, restyle
from training.eval.sets import SETS
from training.eval.studies import STUDIES
from training.eval.study import StudyContext
from training.text.lexicon import Lexicon

pytestmark = pytest.mark.slow

pytest.importorskip("librosa", reason="the extra bench has it")
COUNT = 2
SECONDS = 3.0


class Namer:
    """Hears a piano in everything that is loud."""

    names, stems = ("cello", "piano"), 7

    def name(self, audio, rate_hz):
        return "piano" if np.abs(audio).max() > 0.05 else "cello"


def a_piece(number):
    """Four tones that sound one after the other again and again."""
    time_N = np.arange(round(RATE_HZ * SECONDS)) / RATE_HZ
    turns = (np.sin(2 * np.pi * hz * (1 + 0.1 * number) * time_N) for hz in (110, 220, 330, 440))
    stems = tuple((0.1 * tone * (time_N * (k + 2) % 1 < 0.5))[None].astype(np.float32) for k, tone in enumerate(turns))
    return arrange.ComposedBand(
        ("drums", "double-bass", "piano", "cello"), ("drums", "bass", "violin", "cello"), stems, RATE_HZ
    )


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    """What every study of an edit finds."""
    folder = tmp_path_factory.mktemp("edits")
    bundle = write_toy_bundle(folder / "toy", sample_rate_hz=RATE_HZ)
    examples = [example(k, seconds=SECONDS) for k in range(COUNT)]
    asked = [recast_queries.RecastTarget("cello", "violin", one.stem_CN[:, ::-1]) for one in examples]
    with pytest.MonkeyPatch.context() as patch, bundle_system.Engine() as engine:
        for module in (inpainting, recast_queries, full_mix):
            patch.setattr(module, "kept_set", lambda *_: examples)
        for module in (arrange, replacement, inpainting, restyle, full_mix):
            patch.setattr(module, "recogniser_of", lambda context: Namer())
        for module in (replacement, restyle):
            patch.setattr(module, "recast_targets", lambda context, given: asked)
        patch.setattr(arrange, "make_pieces", lambda *_: tuple(a_piece(k) for k in range(COUNT)))
        context = StudyContext(
            resources=SimpleNamespace(lexicon=Lexicon.load()),
            embedders=[ToyEars()],
            folders={"toy": bundle},
            engine=engine,
            examples=1,
            seed=1,
            seconds=None,
            cache=folder,
            cache_hz=RATE_HZ,
            say=lambda text: None,
            stems=COUNT,
        )
        names = ("inpaint", "extend", "restyle", "replace", "arrange", "whole-band")
        return {name: STUDIES[name].measure(context) for name in names}


def test_every_task_is_measured():
    by_sets = {"isolate", "remove"}  # one and the same answer, taken apart; the sets of separation measure it
    assert set(TASKS) - by_sets <= set(STUDIES)
    assert not set(STUDIES) & set(SETS)


def test_nothing_is_refused_and_every_study_has_its_table(found):
    for name, one in found.items():
        text = "\n".join(STUDIES[name].lines(one))
        assert text.startswith(f"## {name}\n")
        assert "refused" not in text
        assert "toy" in text
        assert "codec alone" in text


@pytest.mark.parametrize("task", ["inpaint", "extend"])
def test_a_filled_gap_leaves_all_else_as_it_was(found, task):
    rows = found[task]["values"]
    assert {"true stem", "silence", "the sound before again", "toy", "toy, without the rest"} <= set(rows)
    assert ("cross-fade before to after" in rows) is (task == "inpaint")
    for name in rows:
        assert rows[name]["changed"] == [0.0] * COUNT
    assert rows["true stem"]["log-mel"] == [0.0] * COUNT
    assert max(rows["true stem"]["step"]) <= 0
    assert min(rows["silence"]["log-mel"]) > max(rows["toy, codec alone"]["log-mel"])
    assert max(rows["silence"]["level"]) < -40


def test_restyle_of_no_strength_is_the_stem_and_the_figures_say_so(found):
    rows = found["restyle"]["values"]
    assert rows["toy, strength 0"]["difference"] == [-np.inf] * COUNT
    assert rows["toy, strength 0"]["chroma"] == pytest.approx([1] * COUNT)
    assert min(rows["toy, strength 1"]["difference"]) > -30
    assert min(found["restyle"]["same"]["toy"]) > 20
    assert "| toy, strength 0 | bit for bit |" in "\n".join(restyle.lines(found["restyle"]))


def test_replace_changes_its_region_and_its_stem_only(found):
    rows = found["replace"]["values"]
    assert rows["toy"]["outside"] == rows["toy"]["sum"] == [0.0] * COUNT
    assert max(rows["toy"]["rest"]) < -100
    assert "outside" not in rows["true stem"]
    assert rows["true stem"]["level"] == pytest.approx([0] * COUNT, abs=1e-6)
    assert rows["true stem"]["old"] == [1.0] * COUNT


def test_a_change_that_nobody_asked_for_is_counted():
    one = example(0, seconds=SECONDS)
    mix_CN, left_CN = one.mix_CN.copy(), one.rest[:, 7200:16800]
    first, last = (round(at * RATE_HZ) for at in replacement.region_of(one))
    same = replacement.unwanted_changes(one, mix_CN, one.stem_CN, mix_CN - one.stem_CN, one.rest[:, first:last])
    assert (same["outside"], same["rest"]) == (0, -np.inf)
    assert left_CN.shape[1] == last - first
    mix_CN[:, 10] += 0.1
    mix_CN[0, 9000] += 0.1
    changed = replacement.unwanted_changes(
        one, mix_CN, one.stem_CN, one.mix_CN - one.stem_CN, one.stem_CN[:, first:last]
    )
    assert changed["outside"] == 2
    assert changed["sum"] >= 3
    assert changed["rest"] > -10


def test_a_click_and_a_jump_in_level_are_seen():
    time_N = np.arange(4 * RATE_HZ) / RATE_HZ
    stem_CN = (0.2 * np.sin(2 * np.pi * 200 * time_N))[None].astype(np.float32)
    gap = inpainting.InpaintGap(RATE_HZ + 11, 2 * RATE_HZ + 7, False, RATE_HZ)
    true = inpainting.join(stem_CN, stem_CN, gap)
    assert (true["changed"], true["seam"], true["level"], true["log-mel"]) == (0, 0, 0, 0)
    half = inpainting.join(gap.put(stem_CN, gap.inside(stem_CN) * np.float32(0.5)), stem_CN, gap)
    assert half["seam"] == pytest.approx(6.02, abs=0.01)
    click = stem_CN.copy()
    click[:, gap.first] = 0.9
    assert inpainting.join(click, stem_CN, gap)["step"] > 20
    assert inpainting.join(click, stem_CN, gap)["changed"] == 0
    moved = stem_CN.copy()
    moved[:, 5] += 1
    assert inpainting.join(moved, stem_CN, gap)["changed"] == 1


def test_where_the_truth_is_silent_nothing_is_said_of_a_step():
    gap = inpainting.InpaintGap(RATE_HZ, 2 * RATE_HZ, False, RATE_HZ)
    silent_CN = np.zeros((1, 4 * RATE_HZ), dtype=np.float32)
    made_CN = gap.put(silent_CN, 0.2 * np.ones((1, RATE_HZ), dtype=np.float32))
    assert np.isnan([inpainting.join(made_CN, silent_CN, gap)[name] for name in ("seam", "step", "level")]).all()
    half_CN = silent_CN.copy()  # something sounds at the second edge
    half_CN[0, 2 * RATE_HZ - 100 :] = 0.1 * np.sin(np.arange(2 * RATE_HZ + 100))
    assert inpainting.join(half_CN, half_CN, gap)["step"] == pytest.approx(0, abs=1)


def test_the_cheap_ways_do_what_their_names_say():
    stem_CN = np.arange(100, dtype=np.float32)[None]
    gap = inpainting.InpaintGap(30, 70, False, 100)
    assert not inpainting.silence(stem_CN, gap)[:, 30:70].any()
    again = inpainting.repetition(stem_CN, gap)
    np.testing.assert_array_equal(again[0, 30:60], stem_CN[0, :30])
    faded = inpainting.crossfade(stem_CN, gap)
    assert faded[0, 30] == again[0, 30]
    assert faded[0, 69] == stem_CN[0, 79]  # the forty samples from 70 on are thirty, so they begin again
    for filled in (again, faded):
        np.testing.assert_array_equal(np.delete(filled, np.s_[30:70], 1), np.delete(stem_CN, np.s_[30:70], 1))


def test_a_band_is_judged_by_those_before(found):
    rows = found["arrange"]["values"]
    assert {"true band", "toy, codec alone", "toy"} == set(rows)
    for row in rows.values():
        assert len(row["level"]) == COUNT * arrange.PARTS
        assert np.isnan(row["level"][:: arrange.PARTS]).all()
        assert np.isfinite(row["level"][1 :: arrange.PARTS]).all()
        assert np.isnan(row["chroma, own"][1])
        assert np.isfinite(row["chroma, own"][2])


def test_the_whole_band_is_made_in_four_ways(found):
    ways = found["whole-band"]["ways"]
    assert set(ways) == set(full_mix.WAYS)
    for name, way in ways.items():
        assert {"true one", "another's", "toy", "toy, codec alone"} == set(way["rows"])
        assert way["rows"]["true one"]["values"]["log-mel"] == [0.0] * COUNT
        assert way["rows"]["true one"]["collections"]["toy ears"]["FAD"] == pytest.approx(0, abs=1e-9)
        assert ("chroma, own" in way["rows"]["toy"]["values"]) is name.startswith("regenerate")
    one = replace(example(0), inside=("piano", "cello", "drums"))
    assert full_mix.WAYS["generate rest"].names(one) == ("cello", "drums")
    assert full_mix.WAYS["generate mix"].names(one) == ("piano", "cello", "drums")


def test_several_instruments_are_a_list_in_words():
    said = full_mix.words(Lexicon.load(), ("piano", "cello", "drums"))
    assert said.count(",") == 1
    assert " and " in said


def test_what_takes_a_place_is_pitched_and_was_not_there():
    if SoundLibrary.find().banks is None:
        pytest.skip("needs the sounds folder with its note banks; Debian's SoundFont has no reserved recording")
    from training.eval.sets import SetResources

    one = example(1, seconds=1.5)
    context = SimpleNamespace(resources=SetResources(), seed=1)
    [wish], [again] = recast_queries.recast_targets(context, [one]), recast_queries.recast_targets(context, [one])
    assert wish.family not in one.inside
    assert wish.family != "drums"
    assert wish.real_CN.shape[1] == one.mix_CN.shape[1]
    np.testing.assert_array_equal(wish.real_CN, again.real_CN)
