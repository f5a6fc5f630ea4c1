"""Distances between collections have known answers; a classifier is believed as far as it was measured."""

import shutil
from dataclasses import replace

import numpy as np
import pytest
import torch
from benchkit import SYSTEMS, ToyEars, a_run, example

from training.eval import embeddings
from training.eval.run import ProgressPrinter, collections
from training.prompt.adapters import AdaptedAudioTower, StoryReader, save_adapters
from training.prompt.tower import load_audio_tower
from training.text.lexicon import Lexicon


def test_the_frechet_distance_of_a_collection_to_itself_is_nothing():
    rows = np.random.default_rng(0).standard_normal((40, 6))
    assert embeddings.frechet(rows, rows) == pytest.approx(0, abs=1e-9)


def test_the_frechet_distance_of_a_shift_is_its_square():
    rows = np.random.default_rng(0).standard_normal((40, 6))
    assert embeddings.frechet(rows + 0.5, rows) == pytest.approx(6 * 0.25)


def test_the_frechet_distance_of_two_normals_is_the_formula():
    rng = np.random.default_rng(1)
    one, other = rng.standard_normal((60_000, 2)) * (1, 2), rng.standard_normal((60_000, 2)) * (3, 2)
    assert embeddings.frechet(one, other) == pytest.approx((1 - 3) ** 2, rel=0.05)


def test_too_few_vectors_have_no_distance():
    assert np.isnan(embeddings.frechet(np.ones((1, 3)), np.ones((5, 3))))


def test_a_stem_is_heard_whole_and_in_windows():
    one = example(0, seconds=6.0)
    heard = embeddings.embed_stem(ToyEars(), one.stem_CN, one.rate_hz)
    assert heard.whole.shape == (16,)
    assert heard.windows.shape == (3, 16)  # 2.56 s every 1.28 s
    assert embeddings.embed_stem(ToyEars(), one.stem_CN[:, :4000], one.rate_hz).windows.shape == (1, 16)


def test_classes_that_agree_do_not_diverge_and_sameness_scores_one():
    shares = np.random.default_rng(0).dirichlet(np.ones(5), size=8)
    assert embeddings.divergence(shares, shares) == pytest.approx(0)
    assert embeddings.divergence(shares[::-1], shares) > 0
    assert embeddings.inception_score(np.repeat(shares[:1], 8, axis=0)) == pytest.approx(1)
    assert embeddings.inception_score(np.eye(5) * 0.96 + 0.008) > 3


def test_a_classifier_knows_its_own_prototypes_and_only_them():
    classifier = embeddings.ZeroShotClassifier(("piano", "cello", "flute"), np.eye(3, 8))
    assert classifier.accuracy(np.eye(3, 8), ["piano", "cello", "flute"]) == 1
    assert classifier.accuracy(np.eye(3, 8), ["cello", "flute", "piano"]) == 0
    np.testing.assert_allclose(classifier.shares(np.eye(3, 8)).sum(axis=1), 1)


def test_the_classifier_takes_its_prototypes_from_training_phrasings():
    classifier = embeddings.ZeroShotClassifier.of(ToyEars(), Lexicon.load())
    assert "violin" in classifier.names
    np.testing.assert_allclose(np.linalg.norm(classifier.prototypes, axis=1), 1)


def test_better_stems_are_nearer_to_the_true_ones():
    run, bench = a_run(count=4, sets=("band",))
    sets = {"band": [example(k) for k in range(4)]}
    found = collections(bench, ToyEars(), None, sets)
    distance = {name: row["FAD"] for name, row in found["systems"].items()}
    assert distance["true stem"] == pytest.approx(0, abs=1e-9)
    assert distance["toy"] < distance["mixture"]
    assert set(distance) == set(run["systems"])
    likeness = {name: np.mean(row["audio-audio, toy ears"]) for name, row in run["values"]["band"].items()}
    assert likeness["toy"] > likeness["mixture"]


def test_a_system_asked_in_some_sets_only_has_no_collection():
    _, bench = a_run(count=2, sets=("band", "duet"))
    examples = {name: [example(k, name) for k in range(2)] for name in ("band", "duet")}
    bench.ask(
        "duet", examples["duet"], [replace(SYSTEMS[0], name="toy, steps 2")], ProgressPrinter(2, lambda text: None)
    )
    classifier = embeddings.ZeroShotClassifier(("piano", "cello"), np.eye(2, 16))
    found = collections(bench, ToyEars(), classifier, examples)
    assert "toy, steps 2" in bench.values["duet"]
    assert set(found["systems"]) == {"true stem", *(one.name for one in SYSTEMS)}
    assert found["systems"]["true stem"]["KL"] == pytest.approx(0, abs=1e-9)
    assert 0 <= found["accuracy"] <= 1


def test_our_towers_hear_timbre_and_not_level(tiny_run):
    towers = embeddings.PromptTowers(tiny_run.prompt)
    clip = np.random.default_rng(0).standard_normal(40_000).astype(np.float32)
    one, softer = towers.audio([clip, clip * np.float32(0.2)])
    assert one @ softer == pytest.approx(1, abs=0.02)
    words = towers.words(["piano", "the drums"])
    assert words.shape == (2, len(one))
    np.testing.assert_allclose(np.linalg.norm(words, axis=1), 1)


def test_a_run_without_towers_is_said(tmp_path):
    with pytest.raises(FileNotFoundError, match="training prompt"):
        embeddings.PromptTowers(tmp_path)


def test_clap_without_weights_is_refused_in_one_sentence(tmp_path):
    pytest.importorskip("transformers", reason="CLAP needs the extra clap")
    with pytest.raises(ValueError, match=r"no CLAP weights"):
        embeddings.ClapEmbedding(tmp_path)


def test_clap_weights_in_a_folder_are_heard(tmp_path):
    """A CLAP of random weights in the layout that published ones have."""
    transformers = pytest.importorskip("transformers", reason="CLAP needs the extra clap")
    write_random_clap(transformers, tmp_path)
    clap = embeddings.ClapEmbedding(tmp_path)
    assert clap.rate_hz == 48_000
    clips = [np.random.default_rng(k).standard_normal(48_000).astype(np.float32) for k in range(2)]
    heard, words = clap.audio(clips), clap.words(["piano", "a cello alone", "drums"])
    assert heard.shape[1] == words.shape[1]
    np.testing.assert_allclose(np.linalg.norm(np.concatenate([heard, words]), axis=1), 1)
    assert abs(heard[0] @ heard[1]) < 1 - 1e-9


def write_random_clap(transformers, folder):
    import json

    words = ["<s>", "<pad>", "</s>", "<unk>", "<mask>", *"abcdefghijklmnopqrstuvwxyz", "Ġ"]
    (folder / "vocab.json").write_text(json.dumps({word: k for k, word in enumerate(words)}))
    (folder / "merges.txt").write_text("#version: 0.2\n")
    tokenizer = transformers.RobertaTokenizer(str(folder / "vocab.json"), str(folder / "merges.txt"))
    extractor = transformers.ClapFeatureExtractor(feature_size=64, max_length_s=2, truncation="rand_trunc")
    transformers.ClapProcessor(extractor, tokenizer).save_pretrained(folder)
    config = transformers.ClapConfig(
        projection_dim=16,
        text_config={"vocab_size": len(words), "hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2,
                     "intermediate_size": 16},
        audio_config={"depths": [1, 1], "num_attention_heads": [1, 2], "patch_embeds_hidden_size": 8, "hidden_size": 16,
                      "num_hidden_layers": 2},
    )  # fmt: skip
    transformers.ClapModel(config).save_pretrained(folder)


def test_towers_out_of_a_bundle_hear_through_the_adapter_beside_them(untrained_towers, tmp_path):
    """An unpacked audio tower has no last layer: without the adapter it would find everything equally like."""
    run = tmp_path / "prompt-toy"
    shutil.copytree(untrained_towers, run)
    state = torch.load(run / "prompt.pt", weights_only=True)
    for name in ("out.weight", "out.bias"):
        state["audio"][name].zero_()
    torch.save(state, run / "prompt.pt")
    with pytest.raises(FileNotFoundError, match="adapters-toy"):
        embeddings.PromptTowers(run)
    (tmp_path / "adapters-toy").mkdir()
    save_adapters(tmp_path / "adapters-toy", AdaptedAudioTower(load_audio_tower(run)), StoryReader(torch.eye(4, 8)), {})
    rng = np.random.default_rng(0)
    tone, noise = np.sin(np.arange(40_960) * 0.1), rng.standard_normal(40_960)
    heard = embeddings.PromptTowers(run).audio([0.1 * tone.astype(np.float32), 0.1 * noise.astype(np.float32)])
    np.testing.assert_allclose(np.linalg.norm(heard, axis=1), 1)
    assert heard[0] @ heard[1] < 0.999
