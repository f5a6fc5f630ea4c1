"""What prompts ask for is what the files hold, with the names and wordings of the bundle that ships."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import soundfile
import toybundle
from toymask import SHORT

from engine.errors import RequestError
from engine.provenance import rerun_request


@pytest.fixture(scope="module")
def knowing(small_bundle, tmp_path_factory) -> str:
    """A bundle of known answers that knows the words of the one that ships: bass is twice violin, drums three times."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(toybundle, "write_asks", lambda path: shutil.copyfile(small_bundle / "asks.json", path))
        folder = tmp_path_factory.mktemp("bundles") / "knowing"
        return str(toybundle.write_toy_bundle(folder, decoder=SHORT, soft=5.0, senses=("asks",)))


@pytest.fixture
def said(run, noise, knowing):
    """``said("isolate", "bass", ...)`` -> the results, on a second of noise."""
    mix = noise(seconds=1.2)

    def ask(task: str, *prompts: str, **more):
        return run(task=task, input=str(mix), prompts=prompts, bundle=knowing, **more).results

    return ask


def samples(path: str) -> np.ndarray:
    return soundfile.read(path)[0]


@pytest.mark.parametrize("prompt", ["bass.", "bass!!", "BASS", "der Bass", "basso", "ベース", "贝斯", "bas"])
def test_the_same_word_in_other_clothes_gives_the_same_samples(said, prompt):
    if prompt == "der Bass":
        [one] = said("isolate", prompt)  # an article is heard, as in training
        assert one.understood == "bass (der Bass)"
        return
    [plain], [other] = said("isolate", "bass"), said("isolate", prompt)
    np.testing.assert_array_equal(samples(plain.stem), samples(other.stem))
    assert other.understood.startswith("bass")


def test_several_sounds_are_one_stem_that_is_their_sum(said):
    violin, bass = said("isolate", "violin", "bass")
    [both] = said("isolate", "violin and bass")
    parts = samples(violin.stem) + samples(bass.stem)
    assert np.abs(samples(both.stem) - parts).max() < 3e-4
    assert np.abs(parts).max() > 0.05
    assert both.understood == "violin and bass"
    assert both.null_db == -300


def test_remove_gives_one_mix_without_either(said):
    [both] = said("remove", "bass", "drums")
    [apart] = said("remove", "bass, drums")
    np.testing.assert_array_equal(samples(both.rest), samples(apart.rest))
    assert both.task == "remove"
    assert both.understood == "the mix without bass and drums (bass, drums)"
    [alone] = said("remove", "bass")
    assert np.std(samples(both.rest)) < np.std(samples(alone.rest))


def test_commas_part_stems(said):
    assert [result.prompt for result in said("isolate", "drums, bass")] == ["drums", "bass"]


def test_an_emoji_is_a_name(said):
    [named], [shown] = said("isolate", "drums"), said("isolate", "🥁")
    np.testing.assert_array_equal(samples(named.stem), samples(shown.stem))
    assert "drums" in Path(shown.stem).name


def test_a_comma_before_what_is_not_meant_stays_out_of_the_name(said):
    [result] = said("isolate", "drums, but not the bass")
    assert result.prompt == "drums"
    assert "drums," not in Path(result.stem).name


def test_what_was_understood_lies_beside_the_result(said):
    [result] = said("isolate", "drumms")
    beside = json.loads(Path(result.sidecar).read_text("utf-8"))
    assert (beside["prompt"], beside["understood"]) == ("drums", "drums (drumms -> drums)")


def test_nonsense_writes_nothing_and_literal_writes_it(said, tmp_path):
    with pytest.raises(RequestError, match="is not understood"):
        said("isolate", "qwertz")
    assert not list((tmp_path / "out").glob("*.wav"))
    [result] = said("isolate", "qwertz", literal=True)
    assert (result.prompt, result.understood) == ("qwertz", "")


@pytest.mark.parametrize("render", ["masked", "flow"])
def test_a_stem_and_the_mix_without_another_come_in_one_call(said, render):
    bass, drumless = said("isolate", "bass", "no drums", render=render)
    [alone], [without] = said("isolate", "bass", render=render), said("remove", "drums", render=render)
    np.testing.assert_array_equal(samples(bass.stem), samples(alone.stem))
    np.testing.assert_array_equal(samples(drumless.rest), samples(without.rest))
    assert (bass.task, drumless.task) == ("isolate", "remove")
    assert "without drums" in Path(drumless.rest).name
    assert Path(drumless.sidecar).stem == Path(drumless.rest).stem
    again = rerun_request(drumless.sidecar)
    assert (again.task, again.prompts) == ("remove", ("drums",))


def test_vocals_and_instrumental_add_up(said):
    vocals, other = said("isolate", "violin", "the rest")
    assert vocals.prompt == "violin"
    assert vocals.null_db == other.null_db == -300


def test_what_is_put_in_its_place_is_told_too(run, noise, small_bundle, tmp_path):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(toybundle, "write_asks", lambda path: shutil.copyfile(small_bundle / "asks.json", path))
        bundle = str(toybundle.write_toy_bundle(tmp_path / "flow", senses=("asks",)))
    mix = str(noise(seconds=0.5))
    [result] = run(task="replace", input=mix, prompts=("voilin",), replacement="trumpt", bundle=bundle).results
    assert result.understood == "violin (voilin -> violin), replaced by trumpet (trumpt -> trumpet)"
