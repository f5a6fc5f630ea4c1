"""What further training opens, draws and says, without a bundle: films, frozen eyes, files of several processes."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from training.config import load_preset
from training.data.mixer import StemMixer
from training.data.sources import SoundLibrary
from training.data.stem_cache import StemCache, write_shard
from training.eval.example import EvalExample
from training.finetune import command, senses
from training.finetune.stems import BlendedMixer, OwnStems, drop_pool, questions

PRESET = load_preset("tiny")
SAMPLES = 16_000


def stems(folder, labels, films=None):
    rng = np.random.default_rng(0)
    audio = [(0.1 * rng.standard_normal(SAMPLES)).astype(np.float32) for _ in labels]
    write_shard(folder, "shard-0", audio, labels, films)
    return StemCache(folder)


def label(family, piece="a-1", **more):
    return {"family": family, "source": "x", "piece": piece, **more}


@pytest.fixture
def opened(monkeypatch, tmp_path):
    """``open_all`` of a bundle of given graphs, with nothing but files put into its folder; no sounds are found."""
    used = []

    def put(name):
        def unpack(bundle, preset, folder):
            used.append(folder)
            (folder / name).write_text("x")

        return unpack

    def find():
        raise FileNotFoundError("no training sounds")

    for name in ("prompt", "adapters", "scene"):
        monkeypatch.setattr(senses, f"unpack_{name}", put(name))
    monkeypatch.setattr(senses, "save_tower", put("prompt"))
    monkeypatch.setattr(senses, "load_adapters", lambda run, prompt_run: (None, "reader"))
    monkeypatch.setattr(senses, "open_modalities", lambda preset, stems, scene_run, audio_encoder: scene_run)
    monkeypatch.setattr(SoundLibrary, "find", staticmethod(find))

    def open_graphs(graphs, cache, **more):
        bundle = SimpleNamespace(manifest=SimpleNamespace(graphs=dict.fromkeys(graphs)))
        return senses.open_all(bundle, PRESET, cache, tmp_path / "run", **more), used

    return open_graphs


def test_films_need_no_sounds_to_render_from(opened, tmp_path):
    film = np.zeros((8, 4, 4, 3), np.uint8)
    found, _ = opened({"text", "scene"}, stems(tmp_path / "films", [label("flute", film=0)], [film]))
    assert found.senses == tmp_path / "run"
    assert found.missing == ()


def test_drawn_players_need_them_and_that_is_said(opened, tmp_path):
    found, _ = opened({"text", "scene"}, stems(tmp_path / "drawn", [label("flute", part=0)]))
    assert found.senses is None
    assert found.missing == ("pictures (no training sounds)",)


@pytest.mark.parametrize(("graph", "said"), [("audio", "sounds"), ("story", "stories")])
def test_a_bundle_that_only_hears_or_only_reads_goes_without_and_says_so(opened, tmp_path, graph, said):
    found, _ = opened({"text", graph}, stems(tmp_path / "stems", [label("flute")]))
    assert found.reader is None
    assert [one.partition(" ")[0] for one in found.missing] == [said]
    assert opened({"text", "audio", "story"}, stems(tmp_path / "stems", [label("flute")]))[0].missing == ()


def test_one_process_keeps_the_files_and_the_others_leave_none(opened, tmp_path):
    cache = stems(tmp_path / "stems", [label("flute")])
    found, used = opened({"text", "audio", "story"}, cache, keep=False)
    assert found.reader == "reader"
    assert not (tmp_path / "run").exists()
    assert not any(folder.exists() for folder in used)
    opened({"text", "audio", "story"}, cache)
    assert {path.name for path in (tmp_path / "run").iterdir()} == {"prompt", "adapters"}


def test_a_sound_that_asks_is_of_the_file_that_is_asked_for(tmp_path):
    kinds = [label("electric-guitar", label="guitar left"), label("electric-guitar", label="guitar right")]
    cache = stems(tmp_path / "two", kinds)
    example = EvalExample("x", 0, 8000, "electric-guitar", "guitar", ("electric-guitar",), ("x",), *np.zeros((2, 1, 8)))
    for place, one in enumerate(kinds):
        sound = senses.similar_sound(replace(example, label=one["label"]), cache)
        np.testing.assert_array_equal(sound, cache.audio(place))
    assert senses.similar_sound(replace(example, label="guitar third"), cache) is None


def test_questions_say_which_file_they_ask_for(tmp_path):
    cache = stems(tmp_path / "band", [label("flute", label="my flute"), label("drums", label="kit")])
    for one in questions(cache, 4, SAMPLES, 8000):
        assert one.label == {"flute": "my flute", "drums": "kit"}[one.family]


def test_mixes_of_so_many_sources_have_no_more_even_where_both_kinds_meet(tmp_path):
    own = stems(tmp_path / "own", [label(name, source="mine") for name in ("bass", "flute", "piano")])
    rendered = stems(tmp_path / "rendered", [label(name, piece="1-0") for name in ("drums", "violin", "organ")])
    blend = BlendedMixer(StemMixer(own), StemMixer(rendered), 0.2, sources=2)
    met = set()
    for seed in range(60):
        mix = blend.draw(np.random.default_rng(seed), 8000)
        assert len(mix.labels) == 2
        met.add(frozenset(one["source"] for one in mix.labels))
    assert frozenset({"mine", "x"}) in met


def test_the_share_of_whole_pieces_is_the_presets(tmp_path):
    preset = replace(PRESET, flow=replace(PRESET.flow, together_share=0.9))
    cache = stems(tmp_path / "own", [label("bass"), label("flute")])
    asked = SimpleNamespace(share=0.4)
    blend = command.blend_of(asked, preset, cache, cache)
    assert blend.own.together == blend.rendered.together == 0.9


@pytest.mark.parametrize(("anew", "resume", "kept"), [(True, False, False), (False, False, True), (True, True, True)])
def test_latents_of_stems_that_are_gone_go_with_them(tmp_path, anew, resume, kept):
    cache = stems(tmp_path / "own", [label("bass")])
    (tmp_path / "run" / "pool").mkdir(parents=True)
    drop_pool(OwnStems(cache, cache, (), (), anew=anew), tmp_path / "run" / "pool", resume)
    assert (tmp_path / "run" / "pool").is_dir() is kept


def test_the_table_says_why_nothing_was_asked_for():
    row = {"mixes": 2, **dict.fromkeys(("before", "after", "gain"), (1.0, 0.5, 1.5))}
    by_sound = command.table({command.YOURS: row, command.BY_SOUND: {"mixes": 0}})
    assert "| 0 | no other part of these stems was learnt | - | - |" in by_sound
    nothing = command.table({command.YOURS: {"mixes": 0}, command.BY_SOUND: {"mixes": 0}})
    assert nothing.count("| 0 | nothing sounds together | - | - |") == 2
