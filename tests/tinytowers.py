"""CLAP and CLIP towers of a few thousand weights, made from configuration; nothing is fetched."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from tinysizes import FFT, HOP, MELS, RATE_HZ, SECONDS
from tokenizers import Tokenizer, models, pre_tokenizers, processors, trainers

EARS = {
    "feature_extractor_type": "ClapFeatureExtractor",
    "feature_size": MELS,
    "sampling_rate": RATE_HZ,
    "hop_length": HOP,
    "fft_window_size": FFT,
    "max_length_s": SECONDS,
    "frequency_min": 50,
    "frequency_max": 5000,
    "truncation": "rand_trunc",
    "padding": "repeatpad",
}
WORDS = ["the sound of a violin", "a deep bass guitar", "piano and drums", "flute, played softly", "x y z"]
EPS = 1e-5  # RoBERTa's, as laion-clap has it


def tokenizer() -> Tokenizer:
    """RoBERTa's kind: 0 begins, 1 pads, 2 ends."""
    made = Tokenizer(models.BPE(unk_token="<unk>"))
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.train_from_iterator(
        WORDS, trainers.BpeTrainer(vocab_size=60, special_tokens=["<s>", "<pad>", "</s>", "<unk>"], show_progress=False)
    )
    made.post_processor = processors.TemplateProcessing(single="<s> $A </s>", special_tokens=[("<s>", 0), ("</s>", 2)])
    return made


def clap(folder: Path, fused: bool = False) -> Any:
    """A ``ClapModel`` with random weights, saved as transformers lays it out; the model."""
    from transformers import ClapConfig, ClapModel

    torch.manual_seed(3)
    text = {"vocab_size": 60, "hidden_size": 64, "num_hidden_layers": 2, "num_attention_heads": 1,
            "intermediate_size": 48, "max_position_embeddings": 90, "layer_norm_eps": EPS}  # fmt: skip
    audio = {"patch_embeds_hidden_size": 8, "hidden_size": 16, "depths": [1, 1], "num_attention_heads": [1, 2],
             "spec_size": 4 * MELS, "num_mel_bins": MELS, "window_size": 4, "enable_fusion": fused,
             "fusion_type": "aff_2d" if fused else None}  # fmt: skip
    model = ClapModel(ClapConfig(text_config=text, audio_config=audio, projection_dim=24)).eval()
    with torch.no_grad():
        for weights in model.parameters():  # transformers begins with weights so small that all answers are alike
            if weights.dim() > 1:
                weights.mul_(4.0)
    model.save_pretrained(folder)
    tokenizer().save(str(folder / "tokenizer.json"))
    (folder / "preprocessor_config.json").write_text(json.dumps(EARS))
    return model


def clip(folder: Path) -> Any:
    """A ``CLIPVisionModelWithProjection`` with random weights, saved as transformers lays it out; the model."""
    from transformers import CLIPVisionConfig, CLIPVisionModelWithProjection

    torch.manual_seed(4)
    config = CLIPVisionConfig(
        hidden_size=64, intermediate_size=96, num_hidden_layers=2, num_attention_heads=1, image_size=32, patch_size=8,
        projection_dim=20, hidden_act="quick_gelu",
    )  # fmt: skip
    model = CLIPVisionModelWithProjection(config).eval()
    with torch.no_grad():
        for weights in model.parameters():
            if weights.dim() > 1:
                weights.mul_(4.0)
    model.save_pretrained(folder)
    return model
