"""A task that makes a stem makes a whole mix or a rest as well: its row holds with the slots exchanged."""

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile
from dreaming import DreamingBackend, dream

from engine.errors import RequestError
from engine.generation.context import ALONE_DB, PARTS_DB
from engine.latents import Slot, exchanged
from engine.provenance import rerun_request
from engine.request import Request
from engine.tasks import SLOT_NAMES, TASKS, known_mask, rule_of

RATE_HZ = 44_100
ANY_SLOT = [task for task, rule in TASKS.items() if rule.any_slot]
SPAN = (10, 20)


def read(path):
    return soundfile.read(path, dtype="float64", always_2d=True)[0]


def level_db(audio_NC):
    return 20 * np.log10(np.sqrt(np.square(audio_NC).mean()))


def made(result, slot):
    """The one file of a result, which is called by what it is."""
    files = {"mix": result.mix, "stem": result.stem, "rest": result.rest}
    path = files.pop(slot)
    assert not any(files.values())
    assert (f" {slot}" in Path(path).stem) == (slot != "stem")
    return path


def test_these_tasks_make_any_slot():
    assert ANY_SLOT == ["regenerate", "generate", "inpaint", "extend"]


@pytest.mark.parametrize("task", ANY_SLOT)
@pytest.mark.parametrize("slot", SLOT_NAMES)
@pytest.mark.parametrize("rest_given", [True, False])
def test_what_is_known_moves_with_the_slot(task, slot, rest_given):
    own = known_mask(task, 40, SPAN, rest_given)
    order = [exchanged(track, SLOT_NAMES[slot]) for track in Slot]
    np.testing.assert_array_equal(known_mask(task, 40, SPAN, rest_given, slot=slot), own[order])
    assert rule_of(task, slot).answer is SLOT_NAMES[slot]


@pytest.mark.parametrize("task", ANY_SLOT)
def test_the_stem_is_what_is_made_when_nothing_else_is_said(task):
    assert rule_of(task, "stem") == rule_of(task) == TASKS[task]


@pytest.mark.parametrize("slot", SLOT_NAMES)
def test_a_whole_band_is_as_loud_as_its_parts_together(run, slot):
    [result] = run(task="generate", prompts=("slow ballad, piano and strings",), seconds=1.0, slot=slot).results
    expected_db = ALONE_DB + PARTS_DB[SLOT_NAMES[slot]] - PARTS_DB[Slot.STEM]
    assert level_db(read(made(result, slot))) == pytest.approx(expected_db, abs=0.3)


def test_the_parts_of_a_piece_add_up_in_level():
    power = {slot: 10 ** (part_db / 10) for slot, part_db in PARTS_DB.items()}
    assert power[Slot.STEM] + power[Slot.REST] == pytest.approx(power[Slot.MIX])


@pytest.mark.parametrize(("slot", "given"), [("rest", Slot.STEM), ("mix", Slot.REST), ("stem", Slot.REST)])
def test_an_accompaniment_is_made_to_the_stem_that_is_given(run, tmp_path, slot, given):
    violin = tmp_path / "violin.wav"
    tone_N = 0.1 * np.sin(2 * np.pi * 440 * np.arange(RATE_HZ) / RATE_HZ)
    soundfile.write(violin, np.stack([tone_N, tone_N], axis=1), RATE_HZ, subtype="PCM_24")
    [result] = run(task="regenerate", prompts=("the band around it",), input=violin, slot=slot).results
    audio_NC = read(made(result, slot))
    assert audio_NC.shape == read(violin).shape
    against_db = PARTS_DB[SLOT_NAMES[slot]] - PARTS_DB[given]
    assert level_db(audio_NC) - level_db(read(violin)) == pytest.approx(against_db, abs=0.5)


@pytest.mark.parametrize("slot", SLOT_NAMES)
@pytest.mark.parametrize("subtype", ["PCM_16", "FLOAT"])
def test_a_gap_is_filled_and_nothing_outside_it_moves(run, noise, slot, subtype):
    song, regions_s = noise("song.wav", seconds=3.0, subtype=subtype), ((0.5, 1.0), (2.0, 2.5))
    [result] = run(task="inpaint", input=song, regions_s=regions_s, slot=slot).results
    before, after = read(song), read(made(result, slot))
    changed = np.zeros(len(before), bool)
    for start_s, end_s in regions_s:
        inside = slice(round(start_s * RATE_HZ), round(end_s * RATE_HZ))
        changed[inside] = True
        assert (after[inside] != before[inside]).any(axis=1).mean() > 0.95
        assert abs(level_db(after[inside]) - level_db(before)) < 1.5
    np.testing.assert_array_equal(after[~changed], before[~changed])
    assert soundfile.info(made(result, slot)).subtype == subtype


@pytest.mark.parametrize("slot", ["mix", "rest"])
def test_a_mix_or_a_rest_goes_on_after_its_end(run, noise, slot):
    song, other = noise("song.wav", seconds=1.0, subtype="PCM_24"), noise("other.wav", seconds=2.0, seed=5)
    [result] = run(task="extend", input=song, rest=str(other), seconds=1.0, slot=slot).results
    before, after = read(song), read(made(result, slot))
    assert len(after) == 2 * len(before)
    np.testing.assert_array_equal(after[: len(before)], before)
    assert np.abs(after[len(before) :]).max() > 1e-3


@pytest.mark.parametrize("slot", SLOT_NAMES)
def test_words_and_files_go_where_the_slot_says(toy_bundle, noise, tmp_path, slot):
    backend, asked = DreamingBackend(), SLOT_NAMES[slot]
    song, other = noise("song.wav", seconds=0.4), noise("other.wav", seconds=0.4, seed=5)
    words = {"prompts": ("violin",), "rest_prompt": "drums"}
    more = {"input": song, "rest": str(other), "region_s": (0.1, 0.2), "steps": 1, "slot": slot}
    dream(toy_bundle, tmp_path, backend, task="inpaint", **words, **more)
    [told] = backend.told
    beside = exchanged(Slot.REST, asked)
    neither = ({*Slot} - {asked, beside}).pop()
    said = told["prompt"][0].any(axis=1)
    assert (said[asked], said[beside], said[neither]) == (True, True, False)
    known = told["known"][0]
    assert known[asked].any()
    assert not known[asked].all()
    assert known[beside].all()
    assert not known[neither].any()
    frames = np.flatnonzero(known[asked])[:5]
    assert np.abs(told["x"][0, asked][:, frames]).max() > 0


def test_guidance_pushes_towards_the_prompt_wherever_its_words_are(toy_bundle, tmp_path):
    for slot, asked in SLOT_NAMES.items():
        backend = DreamingBackend()
        dream(
            toy_bundle, tmp_path, backend, task="generate", rest_prompt="drums", seconds=0.2, steps=1, slot=slot,
            guidance=2.0, guide=("prompt",),
        )  # fmt: skip
        [told] = backend.told
        heard, unheard = (prompt_SE.any(axis=1) for prompt_SE in told["prompt"])
        assert heard[asked]
        assert not unheard[asked]
        assert heard.sum() - unheard.sum() == 1


def test_candidates_and_windows_are_those_of_a_stem(toy_bundle, noise, tmp_path):
    song = noise(seconds=9.0, subtype="PCM_24")
    asked = {"task": "inpaint", "input": song, "regions_s": ((0.5, 1.0), (7.0, 7.5)), "candidates": 2, "slot": "mix"}
    results = dream(toy_bundle, tmp_path, **asked).results
    one, other = (read(made(result, "mix")) for result in results)
    differ = (one != other).any(axis=1)
    times_s = np.arange(len(one)) / RATE_HZ
    inside = ((times_s >= 0.5) & (times_s < 1.0)) | ((times_s >= 7.0) & (times_s < 7.5))
    assert differ[inside].mean() > 0.9
    assert not differ[~inside].any()


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"task": "generate", "slot": "drums"}, "unknown slot 'drums'; choose one of mix, stem, rest"),
        ({"task": "isolate", "slot": "mix"}, "isolate takes no slot; leave 'mix' out, or choose one of regenerate"),
        ({"task": "restyle", "slot": "stem"}, "restyle takes no slot"),
        ({"task": "arrange", "slot": "mix"}, "arrange takes no slot"),
        ({"task": "generate", "slot": "mix", "mix_prompt": "slow"}, "prompt itself is about the mix; leave 'slow' out"),
        ({"task": "regenerate", "slot": "rest", "input": None}, r"needs an audio file \(the stem\)"),
        ({"task": "inpaint", "slot": "mix", "region_s": (0.1, 0.2), "input": None}, r"audio file \(the mix\)"),
        ({"task": "regenerate", "slot": "rest", "rest": "a.wav"}, "regenerate takes no rest file"),
    ],
)
def test_what_makes_no_sense_is_refused_in_one_sentence(run, noise, tmp_path, asked, words):
    needs_file = TASKS[asked["task"]].input_slot is not None
    with pytest.raises(RequestError, match=words) as refused:
        run(**({"input": noise() if needs_file else None} | asked))
    assert "\n" not in str(refused.value)
    assert not (tmp_path / "out").exists()


def test_the_command_line_makes_a_mix_that_can_be_made_again(toy_bundle, noise, tmp_path, capsys):
    from engine.cli.parser import main

    song = noise("song.wav", seconds=1.0, subtype="PCM_24")
    more = ["--slot", "mix", "--region", "0.3-0.5", "--bundle", str(toy_bundle), "--json"]
    assert main(["inpaint", str(song), "violin", "--out", str(tmp_path / "out"), *more]) == 0
    shown = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert (shown["stem"], shown["rest"]) == (None, None)
    sidecar = json.loads(Path(shown["sidecar"]).read_text())
    assert (sidecar["slot"], sidecar["mix"]) == ("mix", "song - violin mix.wav")
    assert rerun_request(shown["sidecar"]).slot == "mix"
    assert main(["rerun", shown["sidecar"], "--out", str(tmp_path / "again"), "--json"]) == 0
    again = json.loads(capsys.readouterr().out.splitlines()[-1])
    np.testing.assert_array_equal(read(again["mix"]), read(shown["mix"]))


def test_the_command_line_refuses_a_slot_where_there_is_none(capsys):
    from engine.cli.parser import main

    assert main(["isolate", "mix.wav", "violin", "--slot", "rest"]) == 2
    assert "unrecognized arguments: --slot" in capsys.readouterr().err
    assert main(["generate", "violin", "--slot", "drums"]) == 2
    assert "choose from" in capsys.readouterr().err


def test_help_says_which_file_a_slot_wants(capsys):
    from engine.cli.parser import main

    for task, words in {
        "regenerate": "new stem has to fit; with --slot rest, the stem",
        "inpaint": "audio file with the stem; with --slot mix, the mix; with --slot rest, the rest",
    }.items():
        with pytest.raises(SystemExit):
            main([task, "--help"])
        assert words in " ".join(capsys.readouterr().out.split())


@pytest.mark.parametrize("slot", ["", "rest"])
def test_a_result_of_one_region_is_made_again_alone(toy_bundle, noise, tmp_path, slot):
    from engine.host.client import Engine

    song = noise("song.wav", seconds=2.0, subtype="PCM_24")
    asked = {"task": "regenerate", "prompts": ("violin",), "input": str(song), "bundle": str(toy_bundle)}
    asked["regions_s"] = ((0.2, 0.5), (1.0, 1.4))
    with Engine() as engine:
        both = engine.wait(engine.submit(Request(**asked, out=str(tmp_path), slot=slot)))
        again = engine.wait(engine.submit(rerun_request(both.results[1].sidecar, out=str(tmp_path / "again"))))
    [one] = again.results
    np.testing.assert_array_equal(read(one.stem or one.rest), read(both.results[1].stem or both.results[1].rest))
