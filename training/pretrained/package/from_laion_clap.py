"""``python -m training.pretrained.package.from_laion_clap CHECKPOINT MODEL FOLDER``: runs beside laion-clap.

    text.pt2   tokens (B,77), token_mask (B,77) -> projected (B,512), pooled (B,768)
    audio.pt2  log-mel picture (B,1,1001,64) in decibels -> (B,512)

MODEL is one of ``clap_module.list_models()`` whose audio encoder is an HTSAT, ``HTSAT-tiny`` or ``HTSAT-base``. Whether
the checkpoint was trained with feature fusion is read from its weights. Source: Wu et al. 2023, arXiv:2211.06687;
laion-clap 1.1.7.

Three things of the package are gone round. ``import laion_clap`` fetches tokenizers, so its inner package
``clap_module`` is imported alone. ``create_model`` fetches RoBERTa's weights, which the checkpoint replaces anyway, so
RoBERTa is made from its sizes. ``window_reverse`` turns the batch into a number, which a program cannot, so the tower
is captured with the same function in whole numbers; the answers to the questions were given before.
"""

from __future__ import annotations

import importlib.util
import re
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from training.pretrained.package.capture import capture, loaded, run, weights, write

TEXT = "roberta"  # of every checkpoint that was published
ROBERTA = {"vocab_size": 50_265, "hidden_size": 768, "num_hidden_layers": 12, "num_attention_heads": 12,
           "intermediate_size": 3072, "max_position_embeddings": 514, "type_vocab_size": 1,
           "layer_norm_eps": 1e-5, "pad_token_id": 1, "bos_token_id": 0, "eos_token_id": 2}  # fmt: skip
HEAD_WIDTH = 64
TOKENS = 77  # as hook.py pads them
MADE = re.compile(r"(position_ids|token_type_ids|relative_position_index|num_batches_tracked|attn_mask)$|^logit_scale_")
FUSION = "fusion_model."
FUSION_TYPE = "aff_2d"  # hook.py's


class LaionTextTower(nn.Module):
    """Words through RoBERTa: with CLAP's projection, and pooled without it."""

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.branch, self.project = model.text_branch, model.text_projection

    def forward(self, tokens: Tensor, token_mask: Tensor) -> tuple[Tensor, Tensor]:
        pooled = self.branch(input_ids=tokens, attention_mask=token_mask.long())["pooler_output"]
        return self.project(pooled), pooled


class LaionAudioTower(nn.Module):
    """The log-mel picture through HTSAT, as its ``forward`` takes it from there for clips within the window."""

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.branch, self.project = model.audio_branch, model.audio_projection

    def forward(self, mel: Tensor) -> Tensor:
        normal = self.branch.bn0(mel.transpose(1, 3)).transpose(1, 3)
        seen = self.branch.forward_features(self.branch.reshape_wav2img(normal), longer_idx=[])
        return self.project(seen["embedding"])


def convert(checkpoint: Path, name: str, folder: Path) -> None:
    """Write both towers of a checkpoint.

    Raises:
        ValueError: there is no such model, or the checkpoint is another's.
    """
    inner = inner_package()
    state = weights(checkpoint)
    model, config = build(inner, name, sizes_of_text(state), fused=any(FUSION in key for key in state))
    loaded(model, state, name, lambda key: MADE.search(key) is not None)
    audio, filters = config["audio_cfg"], mel_filters(model, config["audio_cfg"])
    asked = questions(model, audio, filters)
    inner.htsat.window_reverse = window_reverse
    index_embeddings(model.text_branch)
    tokens = torch.full((2, TOKENS), 3)
    capture(LaionTextTower(model), {"tokens": tokens, "token_mask": tokens > 0}, folder / "text.pt2")
    frames, bands = audio["clip_samples"] // audio["hop_size"] + 1, audio["mel_bins"]
    capture(LaionAudioTower(model), {"mel": torch.randn(2, 1, frames, bands)}, folder / "audio.pt2")
    ears = {"sampling_rate": audio["sample_rate"], "hop_length": audio["hop_size"],
            "fft_window_size": audio["window_size"], "max_length_s": audio["clip_samples"] // audio["sample_rate"],
            "frequency_min": audio["fmin"], "frequency_max": audio["fmax"]}  # fmt: skip
    text = model.text_branch.config
    settings = {
        "package": f"laion-clap {version('laion-clap')}", "model": name, "fused": model.enable_fusion, "ears": ears,
        "dim": model.joint_embed_shape, "pooled_dim": text.hidden_size, "vocabulary": text.vocab_size,
        "pad": text.pad_token_id, "tokens": TOKENS,
    }  # fmt: skip
    write(folder, settings, asked)


def inner_package() -> Any:
    """``clap_module``, imported as the package itself imports it, without its front door."""
    found = importlib.util.find_spec("laion_clap")
    if found is None or not found.submodule_search_locations:
        raise ImportError("laion-clap is not installed in this Python")
    sys.path.append(found.submodule_search_locations[0])
    import clap_module
    import clap_module.htsat

    return clap_module


def build(inner: Any, name: str, text: dict[str, int], fused: bool) -> tuple[Any, dict[str, Any]]:
    """The package's model by name with its configuration, weights at random.

    Raises:
        ValueError: there is no such model with an HTSAT audio encoder.
    """
    from transformers import RobertaConfig, RobertaModel

    known = [model for model in inner.list_models() if model.startswith("HTSAT")]
    if name not in known:
        raise ValueError(f"laion-clap has no model {name} with an HTSAT audio encoder; it has {', '.join(known)}")

    class RobertaFromConfig:
        """RoBERTa from its sizes, where the package would fetch it."""

        @staticmethod
        def from_pretrained(_name: str) -> Any:
            return RobertaModel(RobertaConfig(**ROBERTA | text, attn_implementation="eager"))

    inner.model.RobertaModel = RobertaFromConfig
    model, config = inner.create_model(
        name, TEXT, enable_fusion=fused, fusion_type=FUSION_TYPE if fused else "None", device=torch.device("cpu")
    )
    return model.eval(), config


def sizes_of_text(state: dict[str, Tensor]) -> dict[str, int]:
    """RoBERTa's sizes as far as the checkpoint tells them, else those of ``roberta-base``.

    Raises:
        ValueError: its words went through something else.
    """
    words = state.get("text_branch.embeddings.word_embeddings.weight")
    if words is None or "text_branch.embeddings.position_embeddings.weight" not in state:
        raise ValueError("the checkpoint is no CLAP with RoBERTa for words, as the published ones are")
    layers = {int(found[1]) for key in state if (found := re.match(r"text_branch\.encoder\.layer\.(\d+)\.", key))}
    return {
        "vocab_size": words.shape[0],
        "hidden_size": words.shape[1],
        "num_hidden_layers": len(layers),
        "num_attention_heads": max(1, words.shape[1] // HEAD_WIDTH),
        "intermediate_size": state["text_branch.encoder.layer.0.intermediate.dense.weight"].shape[0],
        "max_position_embeddings": state["text_branch.embeddings.position_embeddings.weight"].shape[0],
    }


def mel_filters(model: Any, audio: dict[str, Any]) -> Tensor:
    """The filters that the tower was trained on, ``(bins, mels)``: its own, or torchaudio's where it has fusion."""
    if not model.enable_fusion:
        return model.audio_branch.logmel_extractor.melW.detach().clone()
    bins = np.linspace(0, audio["sample_rate"] / 2, audio["window_size"] // 2 + 1)
    low, high = (2595 * np.log10(1 + hertz / 700) for hertz in (audio["fmin"], audio["fmax"]))
    corners = 700 * (10 ** (np.linspace(low, high, audio["mel_bins"] + 2) / 2595) - 1)
    widths, slopes = np.diff(corners), corners[None] - bins[:, None]
    down, up = -slopes[:, :-2] / widths[:-1], slopes[:, 2:] / widths[1:]
    return torch.from_numpy(np.maximum(0, np.minimum(down, up))).float()


def questions(model: Any, audio: dict[str, Any], filters: Tensor) -> dict[str, Tensor]:
    """Test inputs of several lengths, with the answers of the package's own methods.

    A tower with fusion is given the mel picture as ``training/data.py`` stacks it for clips within the window.
    """
    random = torch.Generator().manual_seed(11)
    text = model.text_branch.config
    mask = torch.arange(TOKENS)[None] < torch.tensor([TOKENS, 1, 20])[:, None]
    tokens = torch.where(mask, torch.randint(3, text.vocab_size, mask.shape, generator=random), text.pad_token_id)
    sounds = 0.1 * torch.randn(3, audio["clip_samples"], generator=random)
    sounds[1] = 0.3 * torch.sin(torch.arange(audio["clip_samples"]) * 0.07)
    mel = log_mel(sounds, audio, filters) if model.enable_fusion else torch.zeros(3, 1, 1)
    given = [
        {"waveform": sound, "longer": torch.tensor([False]), "mel_fusion": one.expand(4, -1, -1)}
        for sound, one in zip(sounds, mel, strict=True)
    ]
    return {
        "tokens": tokens, "token_mask": mask, "sounds": sounds, "filters": filters,
        "text": model.get_text_embedding({"input_ids": tokens, "attention_mask": mask.long()}),
        "audio": model.get_audio_embedding(given),
    }  # fmt: skip


def log_mel(sounds: Tensor, audio: dict[str, Any], filters: Tensor) -> Tensor:
    """(B,N) -> (B,frames,mels) in decibels: ``get_mel`` of ``training/data.py``, without torchaudio."""
    size = audio["window_size"]
    waves = torch.stft(sounds, size, audio["hop_size"], window=torch.hann_window(size), return_complex=True)
    return 10 * torch.log10((waves.abs().square().transpose(1, 2) @ filters).clamp(min=1e-10))


def window_reverse(windows: Tensor, window_size: int, H: int, W: int) -> Tensor:
    """``clap_module.htsat.window_reverse`` for any batch: (B*windows,size,size,C) -> (B,H,W,C)."""
    down, across = H // window_size, W // window_size
    count = windows.shape[0] // (down * across)
    parts = windows.view(count, down, across, window_size, window_size, -1).permute(0, 1, 3, 2, 4, 5)
    return parts.contiguous().view(count, H, W, -1)


class LaionEmbedding(nn.Module):
    """Rows of a table, looked up by indexing: a call of ``nn.Embedding`` would take the name of the graph's output."""

    def __init__(self, table: nn.Embedding) -> None:
        super().__init__()
        self.weight = table.weight

    def forward(self, numbers: Tensor) -> Tensor:
        return self.weight[numbers]


def index_embeddings(model: nn.Module) -> None:
    """Put ``LaionEmbedding`` in the place of every embedding table."""
    for parent in list(model.modules()):
        for name, child in list(parent.named_children()):
            if isinstance(child, nn.Embedding):
                setattr(parent, name, LaionEmbedding(child))


if __name__ == "__main__":
    sys.exit(run(convert, sys.argv[1:]))
