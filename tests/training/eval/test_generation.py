"""Made stems are judged beside the true ones and another example's; what a bundle cannot do stands in its row."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from benchkit import ToyEars, example

from engine import Request, RequestError
from engine.bundle.bundle import load_bundle
from engine.text.intent import load_grammar, understand
from training.data.instruments import families
from training.eval import bundle_system, generation
from training.eval.study import StudyContext

pytest.importorskip("librosa", reason="the extra bench has it")
ROOT = Path(__file__).resolve().parents[3]
COUNT = 3
SECONDS = 3.0


class Namer:
    """Hears a piano in everything that is loud."""

    names, stems = ("cello", "piano"), 7

    def name(self, audio, rate_hz):
        return "piano" if np.abs(audio).max() > 0.2 else "cello"


@pytest.fixture
def context(monkeypatch, tmp_path):
    """A bundle that gives half the true stem, and one that refuses."""

    def regenerate(self, one):
        if self.name.startswith("blind"):
            raise RequestError("the bundle blind makes nothing")
        return one.stem_CN * np.float32(0.5)

    monkeypatch.setattr(generation, "kept_set", lambda *_: [example(k, seconds=SECONDS) for k in range(COUNT)])
    monkeypatch.setattr(generation, "recogniser_of", lambda context: Namer())
    monkeypatch.setattr(generation, "through_codec", lambda folder, examples, tracks: [e.stem_CN for e in examples])
    for task in ("regenerate", "generate"):
        monkeypatch.setattr(bundle_system.BundleSystem, task, regenerate)
    return StudyContext(
        resources=None,
        embedders=[ToyEars()],
        folders={"toy": tmp_path, "blind": tmp_path},
        engine=None,
        examples=1,
        seed=1,
        seconds=None,
        cache=tmp_path,
        cache_hz=8000,
        say=lambda text: None,
        tries=({"steps": 2},),
    )


def test_a_regenerated_stem_is_held_against_the_true_one(context):
    found = generation.measure("regenerate", context)
    values = found["values"]
    assert values["toy"]["level"] == pytest.approx([-6.02] * COUNT, abs=0.01)
    assert values["true stem"]["level"] == pytest.approx([0] * COUNT, abs=1e-6)
    assert values["true stem"]["agreement"] == [1.0] * COUNT
    assert values["toy"]["agreement"] == [0.0] * COUNT
    assert min(values["true stem"]["harmonicity"]) > 0.9
    assert found["collections"]["true stem"]["toy ears"]["FAD"] == pytest.approx(0, abs=1e-9)
    assert found["collections"]["true stem"]["toy ears"]["sub-FAD"] == pytest.approx(0, abs=1e-6)
    assert found["refused"] == dict.fromkeys(("blind", "blind, steps 2"), "the bundle blind makes nothing")
    text = "\n".join(generation.lines(found))
    assert "| toy | 0% (0% to 71%) | -6.02 (-6.02 to -6.02) |" in text
    assert "of the true stems it names 100% right" in text
    assert "* blind: refused. “the bundle blind makes nothing”" in text
    assert "chroma, own rest | chroma, other rest | chroma, own minus other" in text
    assert "`toy, steps 2` against `toy` with its own settings" in text
    assert f"| harmonicity | {COUNT} |" in text
    assert found["tried"] == {"toy": ["toy, steps 2"], "blind": []}


def test_a_generated_stem_has_no_rest_to_fit(context):
    found = generation.measure("generate", context)
    assert "sub-FAD" not in found["collections"]["toy"]["toy ears"]
    assert not [name for name in found["values"]["toy"] if "rest" in name]
    assert "chroma" not in "\n".join(generation.lines(found))


@pytest.mark.parametrize("task", ["regenerate", "generate"])
def test_what_the_bench_asks_to_be_made_is_never_refused_as_a_wish_to_take_out(task):
    """The wordings of separation, "take out the bass", say to a task that makes sound what is not wanted."""
    grammar = load_grammar(load_bundle(ROOT / "resources" / "bundles" / "small"))
    for family in families():
        asked = Request(task=task, prompts=(replace(example(0), family=family).name,), input="rest.wav", out="out")
        _, intents = understand(asked, grammar)
        assert len(intents) == 1
