"""CLAP and CLIP as graphs: against their torch originals, without a network."""

import os
import pickle
import shutil
import socket

import numpy as np
import onnxruntime
import pytest
import torch

pytest.importorskip("transformers")

import tinytowers
from tinytowers import EARS, FFT, HOP, RATE_HZ, SECONDS

from engine.bundle.bundle import load_bundle
from export.__main__ import main as export
from training.__main__ import main as training
from training.pretrained import sources
from training.pretrained.adapters import EmbeddingPairs, fit, load_adapters
from training.pretrained.clap import ClapAudio, load_clap, save_tokenizer
from training.pretrained.clip import ClipFrames, load_clip
from training.pretrained.convert import read_state
from training.pretrained.frontend import ClapMel, Resample, levelled
from training.pretrained.graphs import pooled
from training.pretrained.sources import open_source
from training.prompt.model import to_unit_scale

BUNDLE_HZ, WINDOW = 8000, 10240  # of the tiny preset


@pytest.fixture(scope="module")
def towers(tmp_path_factory):
    """(folder of a CLAP, its model, folder of a CLIP, its model)."""
    root = tmp_path_factory.mktemp("towers")
    return root / "clap", tinytowers.clap(root / "clap"), root / "clip", tinytowers.clip(root / "clip")


@pytest.fixture(scope="module")
def adapted(tiny_run, towers, tmp_path_factory):
    """(a copy of the tiny bundle with foreign encoders, the run of their adapters)."""
    place = tmp_path_factory.mktemp("adapted")
    shutil.copytree(tiny_run.bundle, place / "mine")
    words = ["adapters", "--bundle", place / "mine", "--clap", towers[0], "--clip", towers[2], "--out", place / "run"]
    words += ["--cache", tiny_run.cache.folder, "--phrases", 60, "--stems", 20, "--clips", 20, "--steps", 30]
    assert training([str(word) for word in words]) == 0
    words = ["encoders", "--clap", towers[0], "--clip", towers[2], "--adapters", place / "run", "--max-tokens", 20]
    assert export([str(word) for word in [*words, "--into", place / "mine"]]) == 0
    return place / "mine", place / "run"


def run(bundle, name, **given):
    session = onnxruntime.InferenceSession(str(bundle / f"{name}.onnx"), providers=["CPUExecutionProvider"])
    return session.run(None, given)


def features(output):
    """Newer releases of transformers wrap features in an output class."""
    return getattr(output, "pooler_output", output)


def close(got, wanted, most=0.02):
    """RMS of the difference against RMS of the answer; 0.02 is what weights in 16 bits may cost."""
    wanted = wanted.numpy()
    assert np.sqrt(np.square(got - wanted).mean()) <= most * np.sqrt(np.square(wanted).mean())


def test_words_become_what_clap_and_its_adapter_make_of_them(towers, adapted):
    """At batches of 1 and 3 and masks of other lengths than the traced, through the tokenizer that the bundle holds."""
    from tokenizers import Tokenizer

    adapter = load_adapters(adapted[1])["text"]
    tokenizer = Tokenizer.from_file(str(adapted[0] / "tokenizer.json"))
    for phrases in (["piano and drums"], ["x", "a deep bass guitar", "the sound of a violin " * 9]):
        tokens = np.zeros((len(phrases), 20), np.int64)
        mask = np.zeros((len(phrases), 20), bool)
        for row, phrase in enumerate(phrases):
            ids = tokenizer.encode(phrase).ids
            tokens[row, : len(ids)], mask[row, : len(ids)] = ids, True
        ids = torch.from_numpy(np.where(mask, tokens, 1))
        theirs = features(towers[1].get_text_features(input_ids=ids, attention_mask=torch.from_numpy(mask).long()))
        [got] = run(adapted[0], "text", tokens=tokens, token_mask=mask)
        close(got, to_unit_scale(adapter(theirs.detach())))


def test_sounds_become_what_clap_and_its_adapter_make_of_them(towers, adapted):
    """Against transformers' own feature extractor; how loud the sound is changes nothing."""
    from transformers import ClapFeatureExtractor

    adapter = load_adapters(adapted[1])["audio"]
    extractor = ClapFeatureExtractor(**EARS)
    rng = np.random.default_rng(0)
    audio = rng.normal(0, 0.1, (3, 1, WINDOW)).astype(np.float32)
    audio[1] = np.sin(np.arange(WINDOW) * 0.3)
    heard = Resample(BUNDLE_HZ, RATE_HZ)(levelled(torch.from_numpy(audio[:, 0]))).numpy()
    mels = extractor(list(heard), sampling_rate=RATE_HZ, return_tensors="pt")["input_features"].float()
    with torch.no_grad():
        theirs = features(towers[1].get_audio_features(input_features=mels))
        wanted = to_unit_scale(adapter(theirs))
    [got] = run(adapted[0], "audio", audio=audio)
    close(got, wanted)
    [quiet] = run(adapted[0], "audio", audio=audio[:1] * 0.01)
    np.testing.assert_allclose(quiet, got[:1], atol=0.01)


def test_frames_become_what_clip_and_its_adapters_make_of_them(towers, adapted):
    """Black frames are no picture: zeros, and they do not count in the whole."""
    manifest = load_bundle(adapted[0]).manifest
    scene = manifest.encoders["scene"]
    rng = np.random.default_rng(1)
    frames = rng.random((3, scene.frames, 32, 32, 3), dtype=np.float32)
    frames[1, 4:] = 0
    frames[2] = 0
    clip = load_clip(open_source(towers[2]))
    mean, deviation = (torch.tensor(v)[:, None, None] for v in (clip.mean, clip.deviation))
    pixels = (torch.from_numpy(frames).flatten(0, 1).permute(0, 3, 1, 2) - mean) / deviation
    with torch.no_grad():
        seen = torch.nn.functional.normalize(towers[3](pixel_values=pixels).image_embeds, dim=-1)
    alive = torch.from_numpy((frames.max(axis=(2, 3, 4)) > 0).astype(np.float32))[:, :, None]
    seen = seen.reshape(3, scene.frames, -1) * alive
    adapters = load_adapters(adapted[1])
    picture, embedding = run(adapted[0], "scene", frames=frames)
    close(picture, to_unit_scale(adapters["picture"](seen)) * alive)
    close(embedding, to_unit_scale(adapters["scene"](pooled(seen))) * alive.amax(1))
    assert not picture[1, 4:].any()
    assert not embedding[2].any()


def test_the_bundle_with_foreign_encoders_is_whole_and_answers(tiny_run, adapted, fluxstem, tones, tmp_path):
    import soundfile as sf

    old, new = load_bundle(tiny_run.bundle).manifest, load_bundle(adapted[0]).manifest
    assert set(new.encoders) == set(old.encoders)
    assert {encoder.dim for encoder in new.encoders.values()} == {old.embedding}
    assert new.graphs["step"].sha256 == old.graphs["step"].sha256
    assert new.encoders["audio"].samples == WINDOW
    assert new.quality == {}
    given = tmp_path / "in.wav"
    sf.write(given, tones(2.0, 22050, 1).T, 22050)
    done, said = fluxstem("isolate", given, "a deep bass guitar", "--bundle", adapted[0], "--out", tmp_path, "--json")
    assert done.returncode == 0, done.stderr
    assert said["null_db"] == -300


def test_the_mel_picture_is_the_one_that_clap_was_trained_on():
    from transformers import ClapFeatureExtractor

    extractor = ClapFeatureExtractor(**EARS)
    filters = torch.from_numpy(extractor.mel_filters_slaney)
    mel = ClapMel(filters, FFT, HOP, RATE_HZ * SECONDS)
    rng = np.random.default_rng(2)
    for samples in (5000, 13_000, RATE_HZ * SECONDS):  # repeated four times, not at all, full
        audio = rng.normal(0, 0.1, samples).astype(np.float32)
        wanted = extractor(audio, sampling_rate=RATE_HZ, return_tensors="np")["input_features"][0]
        got = mel(torch.from_numpy(audio)[None])[0].numpy()
        np.testing.assert_allclose(got, wanted, atol=0.02)  # decibels


@pytest.mark.parametrize(("from_hz", "to_hz"), [(16_000, 48_000), (11_025, 48_000), (48_000, 16_000)])
def test_resampling_keeps_a_tone_and_its_length(from_hz, to_hz):
    tone = torch.sin(2 * torch.pi * 1000 * torch.arange(from_hz) / from_hz)[None].float()
    got = Resample(from_hz, to_hz)(tone)
    wanted = torch.sin(2 * torch.pi * 1000 * torch.arange(got.shape[1]) / to_hz)[None].float()
    assert got.shape[1] == to_hz
    inside = slice(to_hz // 50, -to_hz // 50)
    torch.testing.assert_close(got[:, inside], wanted[:, inside], atol=2e-3, rtol=0)


def test_a_folder_without_a_tokenizer_asks_for_one(towers, tmp_path):
    shutil.copytree(towers[0], tmp_path / "clap", ignore=shutil.ignore_patterns("tokenizer.json"))
    with pytest.raises(ValueError, match="comes without a tokenizer"):
        save_tokenizer(load_clap(open_source(tmp_path / "clap")), None, tmp_path / "t.json", 20)


def test_a_tower_with_fusion_hears_short_clips_as_it_would(tmp_path):
    """Fusion is for clips beyond the window; for shorter ones, whose flag says so, the fused tower is the same."""
    model = tinytowers.clap(tmp_path / "fused", fused=True)
    clap = load_clap(open_source(tmp_path / "fused"))
    mel = torch.randn(2, 1, 201, 16)
    longer = torch.zeros(2, 1, dtype=torch.bool)
    with torch.no_grad():
        wanted = model.audio_model(mel.repeat(1, 4, 1, 1), is_longer=longer).pooler_output
        got = clap.audio.tower(input_features=mel).pooler_output
    torch.testing.assert_close(got, wanted, atol=1e-5, rtol=1e-4)


class Bomb:
    """Makes a file when it is unpickled the careless way."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


def test_a_checkpoint_that_would_run_code_is_refused_and_runs_none(tmp_path, monkeypatch):
    torch.save({"state_dict": {"a": torch.ones(1)}, "more": Bomb(tmp_path / "ran")}, tmp_path / "bad.pt")
    (tmp_path / "worse.pt").write_bytes(pickle.dumps(Bomb(tmp_path / "ran")))
    monkeypatch.setattr(torch, "load", lambda *_args, **_more: pytest.fail("a pickle was read in this process"))
    for name in ("bad.pt", "worse.pt"):
        with pytest.raises(ValueError, match=f"{name} was not taken: it holds more than weights"):
            read_state(tmp_path / name)
    assert not (tmp_path / "ran").exists()


def test_nothing_is_fetched_unless_download_says_so(towers, tmp_path, monkeypatch):
    def no_socket(*_args, **_more):
        raise AssertionError("a socket was opened")

    for variable in sources.OFFLINE:
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setattr(socket, "socket", no_socket)
    monkeypatch.setattr(socket, "create_connection", no_socket)
    monkeypatch.setattr(sources, "download", lambda name: fetched.append(name) or towers[0])
    fetched = []
    load_clap(open_source(towers[0]))
    load_clip(open_source(towers[2]))
    assert os.environ["HF_HUB_OFFLINE"] == "1"
    with pytest.raises(ValueError, match=r"nothing at laion/clap; .* or let it be fetched with --download"):
        open_source("laion/clap")
    assert export(["encoders", "--clap", "laion/clap", "--out", str(tmp_path / "o")]) == 2
    assert fetched == []
    assert open_source("laion/clap", may_download=True).settings["config.json"]["model_type"] == "clap"
    assert fetched == ["laion/clap"]


def test_an_adapter_learns_a_map_and_says_how_well_where_held_back():
    torch.manual_seed(0)
    given = torch.randn(400, 12)
    turned = given @ torch.linalg.qr(torch.randn(12, 12))[0]
    good, none = fit(EmbeddingPairs(given, turned), 300), fit(EmbeddingPairs(given, turned), 1)
    assert good.cosine > 0.8 > none.cosine


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--out", "NEW"], "nothing to export; give --clap, --clip or both"),
        (
            ["--clap", "CLAP", "--into", "BUNDLE"],
            "text: the tower gives 24 numbers, the bundle takes 32; train",
        ),
        (["--clap", "CLIP", "--out", "NEW"], "is no CLAP"),
        (["--clip", "CLAP", "--out", "NEW"], "is no CLIP with a vision transformer"),
        (["--clap", "EMPTY", "--out", "NEW"], "no weights in"),
        (["--clap", "FILE", "--out", "NEW"], "is a single checkpoint; name its architecture with --clap-model"),
        (["--clip", "FILE", "--out", "NEW"], "or give a folder in transformers' layout"),
        (["--clap", "CLAP", "--into", "SHIPPED"], "ships; copy it to a folder of your own"),
        (["--clip", "CLIP", "--graphs", "text", "--out", "NEW"], "needs --clap for text and audio"),
        (["--clap", "CLAP", "--out", "CLAP"], "is there already"),
    ],
)
def test_a_wrong_request_ends_with_one_sentence(tiny_run, towers, small_bundle, tmp_path, capsys, words, said):
    (tmp_path / "empty").mkdir()
    names = {"CLAP": towers[0], "CLIP": towers[2], "BUNDLE": tiny_run.bundle, "SHIPPED": small_bundle}
    names |= {"NEW": tmp_path / "new", "EMPTY": tmp_path / "empty", "FILE": towers[0] / "model.safetensors"}
    assert export(["encoders", *(str(names.get(word, word)) for word in words)]) == 2
    assert said in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["empty"]


@pytest.mark.slow
def test_bare_graphs_come_with_a_list_of_what_they_take(towers, tmp_path):
    import json

    words = ["encoders", "--clip", towers[2], "--out", tmp_path / "o", "--preset", "tiny", "--precision", "fp32"]
    assert export([str(word) for word in words]) == 0
    listed = json.loads((tmp_path / "o" / "encoders.json").read_text())
    assert listed["encoders"]["scene"]["picture_dim"] == 20
    frames = np.random.default_rng(0).random((1, listed["encoders"]["scene"]["frames"], 32, 32, 3), dtype=np.float32)
    picture, _ = run(tmp_path / "o", "scene", frames=frames)
    wanted = ClipFrames(load_clip(open_source(towers[2])))(torch.from_numpy(frames))
    close(picture, to_unit_scale(wanted), most=1e-3)


def test_audio_at_the_bundles_rate_reaches_the_tower(towers):
    clap = load_clap(open_source(towers[0]))
    answer = ClapAudio(clap, BUNDLE_HZ)(torch.randn(2, 1, WINDOW))
    torch.testing.assert_close(answer.norm(dim=1), torch.ones(2))
