"""Promises of the adapters: they learn from frozen towers, are judged on what they never heard, say what is missing."""

import numpy as np
import pytest
import torch
from tinyrun import tiny_adapters

from training.prompt import adapt
from training.prompt.adapters import ADAPTERS_FILE, PIECES, AdaptedAudioTower, load_adapters
from training.prompt.model import CLIP_SAMPLES, AudioTower
from training.prompt.tower import load_text_tower
from training.text.captions import CaptionWriter
from training.text.requests import RequestWriter

E = 32


def test_adapters_learn_what_an_untrained_tower_does_not_know(untrained_towers, flutes_and_drums, tmp_path):
    figures = tiny_adapters(untrained_towers, flutes_and_drums, tmp_path)
    assert figures["kept_stems"] >= 2
    assert figures["kept_adapter_top1"] == 1
    assert figures["kept_tower_top1"] < 1
    assert {"mean_recall", "story_recall"} <= set(figures)
    assert "held_out_stems" not in figures
    audio_encoder, reader = load_adapters(tmp_path, untrained_towers)
    state = torch.load(tmp_path / ADAPTERS_FILE, weights_only=True)
    state["ear"] = state.pop("audio")  # as older programs wrote it
    torch.save(state, tmp_path / ADAPTERS_FILE)
    older, _ = load_adapters(tmp_path, untrained_towers)
    assert all(torch.equal(older.state_dict()[name], value) for name, value in audio_encoder.state_dict().items())
    sound = torch.randn(2, CLIP_SAMPLES)
    torch.testing.assert_close(audio_encoder(sound), audio_encoder(0.05 * sound), rtol=1e-3, atol=1e-3)
    assert not audio_encoder(torch.zeros(1, CLIP_SAMPLES)).any()
    read = reader(torch.randn(1, PIECES, E), torch.ones(1, PIECES, dtype=torch.bool))
    torch.testing.assert_close(read.norm(), torch.tensor(E**0.5))


def test_what_is_missing_is_said(untrained_towers, tmp_path):
    with pytest.raises(FileNotFoundError, match="python -m training render"):
        adapt.run(untrained_towers, tmp_path / "nowhere", tmp_path / "out")
    with pytest.raises(FileNotFoundError, match="python -m training adapt"):
        load_adapters(tmp_path, untrained_towers)


def test_real_arithmetic_gives_the_same_spectra():
    tower = AudioTower(E)
    sound = torch.randn(2, CLIP_SAMPLES) * torch.linspace(0, 1, CLIP_SAMPLES)
    wanted = tower.log_mel(sound)
    tower.use_real_arithmetic()
    torch.testing.assert_close(tower.log_mel(sound), wanted, rtol=1e-3, atol=1e-3)
    assert set(AdaptedAudioTower(tower).state_dict()) == set(AdaptedAudioTower(AudioTower(E)).state_dict())


def test_pieces_hold_every_word_and_fit_the_tower(untrained_towers):
    tower, tokenizer = load_text_tower(untrained_towers)
    sentences = ["a short one.", "one that goes on " * 12]
    pieces = adapt.pieces_of(tower, tokenizer, sentences)
    assert " ".join(pieces).split() == " ".join(sentences).split()
    assert all(len(tokenizer.encode(piece).ids) < tower.max_tokens for piece in pieces)


def test_the_halves_of_the_prose_share_nothing_and_fillers_name_no_instrument():
    train, held = adapt.prose("train"), adapt.prose("held")
    assert min(len(train), len(held)) > 100
    assert not set(train) & set(held)
    teller = CaptionWriter(RequestWriter())
    nouns = {"cello", "violin", "drums", "guitar", "piano", "trumpet"}
    for k in range(50):
        filler = teller.filler(np.random.default_rng(k))
        assert "{" not in filler
        assert not nouns & set(filler.lower().split())
