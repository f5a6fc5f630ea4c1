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


def laion_names(state: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """The weights of a ``ClapModel`` under the names that laion-clap's checkpoints have."""
    made: dict[str, torch.Tensor] = {"logit_scale_a": torch.ones(()), "audio_branch.head.weight": torch.ones(3, 4)}
    made["audio_branch.spectrogram_extractor.stft.conv_real.weight"] = torch.ones(3, 1, 4)
    for name, value in state.items():
        if name.endswith(("position_ids", "token_type_ids", "relative_position_index")) or "logit_scale" in name:
            continue
        audio = name.startswith("audio_model.")
        name = name.replace("audio_model.audio_encoder.", "audio_branch.").replace("text_model.", "text_branch.")
        name = name.replace("_projection.linear1.", "_projection.0.").replace("_projection.linear2.", "_projection.2.")
        if audio:
            if ".attention.self.query." in name:
                kinds = ("query", "key", "value")
                rows = [state[_in_audio(name).replace("query", kind)] for kind in kinds]
                made[name.replace("attention.self.query", "attn.qkv")] = torch.cat(rows)
                continue
            if ".attention.self.key." in name or ".attention.self.value." in name:
                continue
            for ours, theirs in (
                ("attention.output.dense", "attn.proj"),
                ("attention.self.relative", "attn.relative"),
                ("layernorm_before", "norm1"),
                ("layernorm_after", "norm2"),
                ("intermediate.dense", "mlp.fc1"),
                ("output.dense", "mlp.fc2"),
                ("batch_norm", "bn0"),
            ):
                name = name.replace(ours, theirs)
        made[name] = value
    return {f"module.{name}": value for name, value in made.items()}


def _in_audio(name: str) -> str:
    return name.replace("audio_branch.", "audio_model.audio_encoder.")


def open_clip_names(state: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """The weights of a ``CLIPVisionModelWithProjection`` under the names that open-clip's checkpoints have."""
    made: dict[str, torch.Tensor] = {"logit_scale": torch.ones(()), "token_embedding.weight": torch.ones(5, 4)}
    front = "vision_model."
    for name, value in state.items():
        if name.endswith("position_ids"):
            continue
        if name == "visual_projection.weight":
            made["visual.proj"] = value.T
        elif ".q_proj." in name:
            rows = [state[name.replace("q_proj", part)] for part in ("q_proj", "k_proj", "v_proj")]
            place = name.split(".self_attn.")[0].replace(f"{front}encoder.layers", "visual.transformer.resblocks")
            made[f"{place}.attn.in_proj_{name.rsplit('.', 1)[1]}"] = torch.cat(rows)
        elif ".k_proj." not in name and ".v_proj." not in name:
            for ours, theirs in (
                (f"{front}embeddings.class_embedding", "visual.class_embedding"),
                (f"{front}embeddings.position_embedding.weight", "visual.positional_embedding"),
                (f"{front}embeddings.patch_embedding", "visual.conv1"),
                (f"{front}pre_layrnorm", "visual.ln_pre"),
                (f"{front}post_layernorm", "visual.ln_post"),
                (f"{front}encoder.layers", "visual.transformer.resblocks"),
                ("self_attn.out_proj", "attn.out_proj"),
                ("layer_norm1", "ln_1"),
                ("layer_norm2", "ln_2"),
                ("mlp.fc1", "mlp.c_fc"),
                ("mlp.fc2", "mlp.c_proj"),
            ):
                name = name.replace(ours, theirs)
            made[name] = value
    return made
