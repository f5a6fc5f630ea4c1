"""The program answers as it was recorded: samples, JSON, refusals, help, OSC.md and the first training steps.

Where a change is meant: ``make golden``, and the difference of the recording belongs to the change.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from golden.record import (
    CASES,
    RECORDED,
    REFUSALS,
    RERUN,
    Answers,
    answering,
    curves,
    help_text,
    machine,
    osc_page,
    read,
    sounds,
)

LEVEL_TOLERANCE_DB, QUIET_DB = 1.0, -70.0
RELATIVE, ABSOLUTE = 0.03, 0.05  # of figures that another machine computed
LOSS_TOLERANCE = 0.05
HINT = "if this is meant, run make golden"


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Answers]:
    with answering(tmp_path_factory.mktemp("golden")) as running:
        yield running


@pytest.fixture(scope="module")
def samples() -> dict[str, Any]:
    return read("samples.json")


@pytest.fixture(scope="module")
def texts() -> dict[str, Any]:
    return read("answers.json")


def differences(found: Any, recorded: Any, exact: bool, where: str = "") -> Iterator[str]:
    """Where two JSON values differ; numbers may differ a little unless ``exact``."""
    if isinstance(found, dict) and isinstance(recorded, dict):
        for key in [*recorded, *(key for key in found if key not in recorded)]:
            if key in found and key in recorded:
                yield from differences(found[key], recorded[key], exact, f"{where}.{key}")
            else:
                yield f"{where}.{key} is {'new' if key in found else 'gone'}"
    elif isinstance(found, list) and isinstance(recorded, list) and len(found) == len(recorded):
        for place, pair in enumerate(zip(found, recorded, strict=True)):
            yield from differences(*pair, exact, f"{where}[{place}]")
    elif isinstance(found, float) and isinstance(recorded, float) and not exact:
        if abs(found - recorded) > ABSOLUTE + RELATIVE * abs(recorded):
            yield f"{where} is {found}, not about {recorded}"
    elif found != recorded:
        yield f"{where} is {found!r}, not {recorded!r}"


def unlike(found: dict[str, Any], recorded: dict[str, Any], exact: bool) -> Iterator[str]:
    """Where files of sound differ from what was recorded of them."""
    if found.keys() != recorded.keys():
        yield f"the files are {sorted(found)}, not {sorted(recorded)}"
    for name in found.keys() & recorded.keys():
        one, other = found[name], recorded[name]
        if one["format"] != other["format"]:
            yield f"{name} has format {one['format']}, not {other['format']}"
        elif exact and one["sha256"] != other["sha256"]:
            yield f"{name} has other samples"
        for block, (level, before) in enumerate(zip(one["levels_db"], other["levels_db"], strict=True)):
            if max(level, before) > QUIET_DB and abs(level - before) > LEVEL_TOLERANCE_DB:
                yield f"{name} has {level} dB in block {block}, not {before} dB"


@pytest.mark.parametrize("name", CASES)
def test_a_task_gives_the_recorded_samples_and_says_what_it_said(name, answers, samples, texts):
    exact, found = machine() == samples["machine"], answers.run(name)
    bad = list(unlike(found["files"], samples["cases"][name]["files"], exact))
    if "again" in found:
        bad += unlike(found["again"], samples["cases"][name]["again"], exact)
    bad += differences({key: json.loads(json.dumps(found[key])) for key in texts[name]}, texts[name], exact)
    assert not bad, "\n".join([HINT, *bad])


@pytest.mark.parametrize("name", RERUN)
def test_a_recorded_json_still_makes_the_same_samples(name, answers, samples, texts):
    exact, found = machine() == samples["machine"], answers.rerun_recorded(name, texts[name]["beside"])
    assert not list(unlike(found, samples["cases"][name]["again"], exact))


def test_every_recorded_case_is_still_run(samples, texts):
    assert set(CASES) == set(samples["cases"]) == set(texts)


@pytest.mark.parametrize("line", REFUSALS)
def test_what_cannot_work_is_refused_in_the_recorded_words(line, answers):
    assert answers.refusal(line) == read("refusals.json")[line], HINT


@pytest.mark.slow
@pytest.mark.skipif(sys.version_info[:2] != (3, 11), reason="recorded with Python 3.11; others lay out help otherwise")
def test_help_is_as_recorded():
    assert help_text() == (RECORDED / "help.txt").read_text("utf-8"), HINT


def test_the_page_of_the_bridge_is_as_recorded():
    assert osc_page() == (RECORDED / "OSC.md").read_text("utf-8"), HINT


def test_training_begins_with_the_recorded_losses(tiny_run):
    recorded = read("losses.json")
    if sounds() != recorded["sounds"]:
        pytest.skip("rendered from other instruments than the recording")
    found = curves(json.loads((tiny_run.bundle.parent / "losses.json").read_text("utf-8")))
    if machine() == recorded["machine"]:
        assert found == recorded["curves"], HINT
    for stage, curve in recorded["curves"].items():
        assert found[stage] == pytest.approx(curve, rel=LOSS_TOLERANCE), stage


def test_the_comparison_would_notice():
    """Another sample, level, file, word or figure is a difference."""
    one = {"a.wav": {"sha256": "1", "format": ["WAV"], "levels_db": [-20.0, -90.0]}}
    assert not list(unlike(one, one, exact=True))
    assert list(unlike(one, {"a.wav": one["a.wav"] | {"sha256": "2"}}, exact=True))
    assert not list(unlike(one, {"a.wav": one["a.wav"] | {"sha256": "2"}}, exact=False))
    assert list(unlike(one, {"a.wav": one["a.wav"] | {"levels_db": [-18.0, -90.0]}}, exact=False))
    assert list(unlike(one, {}, exact=False))
    assert list(differences({"a": [1.0, "x"]}, {"a": [1.0, "y"]}, exact=False)) == [".a[1] is 'x', not 'y'"]
    assert not list(differences({"a": 1.01}, {"a": 1.0}, exact=False))
    assert list(differences({"a": 1.01}, {"a": 1.0}, exact=True))
