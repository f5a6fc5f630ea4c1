"""CLAP's two towers as modules with the bundle's inputs, and CLAP as transformers builds it.

    ClapText   tokens (B,T), token_mask (B,T) -> (B, X), unit length
    ClapAudio  audio (B,1,N) at the bundle's rate -> (B, X), unit length; the level does not matter

Source: Wu et al. 2023, arXiv:2211.06687. Text without its projection, RoBERTa's pooled 768 numbers, is what MAGE
(arXiv 2604.09803) conditions on. CLAP through laion-clap itself is in ``package/towers.py``.
"""

from __future__ import annotations

import logging
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from training.pretrained.frontend import ClapMel, Resample, levelled
from training.pretrained.sources import WeightSource

# of laion-clap's own configurations; what a folder says in preprocessor_config.json comes before it
MEL_SETTINGS = {"sampling_rate": 48_000, "hop_length": 480, "fft_window_size": 1024, "max_length_s": 10,
        "frequency_min": 50, "frequency_max": 14_000}  # fmt: skip
MADE_NOT_STORED = re.compile(
    r"(position_ids|token_type_ids|relative_position_index|num_batches_tracked|logit_scale_.)$"
)
State = dict[str, Tensor]
FUSION_ONLY = re.compile(r"(fusion_model|mel_conv2d)\.")


@dataclass(frozen=True, slots=True)
class ClapTowers:
    """A CLAP model, however it was loaded.

    Attributes:
        name: of the checkpoint, for messages.
        mel_settings: settings of the mel spectrogram, named as in ``preprocessor_config.json``.
        filters: mel filters ``(bins, mels)``.
        dim, pooled_dim: length of both towers' answers, and of the text tower's before its projection.
        pad: token that stands where there is none.
        vocabulary: number of tokens.
        longest: most tokens of a prompt.
        text, pooled_text: ids (B,T), mask (B,T) -> (B, dim), or RoBERTa's own (B, pooled_dim).
        audio: log-mel picture (B,1,frames,mels) -> (B, dim).
        folder: where a tokenizer may lie; None where there is none.
    """

    name: str
    mel_settings: dict[str, Any]
    filters: Tensor
    dim: int
    pooled_dim: int
    pad: int
    vocabulary: int
    longest: int
    text: nn.Module
    pooled_text: nn.Module
    audio: nn.Module
    folder: Path | None = None

    def mel(self) -> ClapMel:
        """The front end of the audio tower: samples (B,N) at its own rate -> log-mel picture."""
        settings = self.mel_settings
        longest = settings["sampling_rate"] * settings["max_length_s"]
        return ClapMel(self.filters, settings["fft_window_size"], settings["hop_length"], longest)


class _TextTower(nn.Module):
    def __init__(self, model: Any, pooled: bool) -> None:
        super().__init__()
        self.tower, self.project = model.text_model, None if pooled else model.text_projection

    def forward(self, ids: Tensor, mask: Tensor) -> Tensor:
        pooled = self.tower(input_ids=ids, attention_mask=mask.long()).pooler_output
        return pooled if self.project is None else self.project(pooled)


class _AudioTower(nn.Module):
    def __init__(self, model: Any) -> None:
        super().__init__()
        self.tower, self.project = model.audio_model, model.audio_projection

    def forward(self, mel: Tensor) -> Tensor:
        return self.project(self.tower(input_features=mel).pooler_output)


def load_clap(source: WeightSource) -> ClapTowers:
    """Build the towers of a folder in transformers' layout.

    Raises:
        ValueError: it is no CLAP, or weights are missing.
    """
    from transformers import ClapConfig, ClapFeatureExtractor, ClapModel
    from transformers.utils import logging as notices

    notices.set_verbosity_error()
    sizes = dict(source.settings.get("config.json", {}))
    if sizes.get("model_type") != "clap":
        raise ValueError(
            f"{source.name} is no CLAP in transformers' layout, which has a config.json of model_type clap; "
            "laion-clap's own checkpoints are read with --clap-model"
        )
    fused = bool(sizes["audio_config"].get("enable_fusion", False))
    # Clips are never longer than the tower's window, and fusion is for longer ones: without it the tower is the same.
    sizes = {**sizes, "audio_config": {**sizes["audio_config"], "enable_fusion": False}}
    model = ClapModel(ClapConfig(**sizes))
    needed = {name: value for name, value in source.state.items() if not FUSION_ONLY.search(name)}
    load_whole(model, needed, source.name)
    model.set_attn_implementation("eager")
    mel_settings = MEL_SETTINGS | {
        k: v for k, v in source.settings.get("preprocessor_config.json", {}).items() if k in MEL_SETTINGS
    }
    words, mels = model.eval().requires_grad_(False).config.text_config, model.config.audio_config.num_mel_bins
    theirs = ClapFeatureExtractor(feature_size=mels, **mel_settings)
    return ClapTowers(
        name=source.name,
        mel_settings=mel_settings,
        # a tower with fusion was trained on other filters
        filters=torch.from_numpy(theirs.mel_filters if fused else theirs.mel_filters_slaney),
        dim=int(model.config.projection_dim),
        pooled_dim=int(words.hidden_size),
        pad=int(words.pad_token_id),
        vocabulary=int(words.vocab_size),
        # RoBERTa counts its places from the padding token on
        longest=int(words.max_position_embeddings - words.pad_token_id) - 1,
        text=_TextTower(model, pooled=False),
        pooled_text=_TextTower(model, pooled=True),
        audio=_AudioTower(model),
        folder=source.folder,
    )


def load_whole(model: Any, state: State, name: str) -> None:
    """Put weights into a model of transformers.

    Raises:
        ValueError: some are missing, or of another shape.
    """
    wanted = model.state_dict()
    missing = [key for key in wanted if key not in state and not MADE_NOT_STORED.search(key)]
    wrong = [key for key, value in state.items() if key in wanted and value.shape != wanted[key].shape]
    if missing or wrong:
        both = missing + wrong
        raise ValueError(
            f"{name} lacks weights of the model it says it is: {', '.join(both[:3])}{' ...' * (len(both) > 3)} "
            f"({len(missing)} missing, {len(wrong)} of another shape)"
        )
    fitting = {key: value.float() if value.is_floating_point() else value for key, value in state.items()}
    model.load_state_dict({key: value for key, value in fitting.items() if key in wanted}, strict=False)
    _index_embeddings(model)


class IndexedEmbedding(nn.Module):
    """Rows of a table as ``nn.Embedding`` gives them, whose calls the exporter names as our graphs' output is named."""

    def __init__(self, weight: nn.Parameter) -> None:
        super().__init__()
        self.weight = weight

    def forward(self, numbers: Tensor) -> Tensor:
        return self.weight[numbers]


def _index_embeddings(model: nn.Module) -> None:
    for parent in list(model.modules()):
        for name, child in list(parent.named_children()):
            if isinstance(child, nn.Embedding):
                setattr(parent, name, IndexedEmbedding(child.weight))


class ClapText(nn.Module):
    """The text tower; the shapes are in the module's docstring.

    Args:
        pooled: True gives RoBERTa's pooled output, without CLAP's projection.
    """

    def __init__(self, clap: ClapTowers, pooled: bool = False) -> None:
        super().__init__()
        self.tower, self.pad = clap.pooled_text if pooled else clap.text, clap.pad

    def forward(self, tokens: Tensor, token_mask: Tensor) -> Tensor:
        ids = torch.where(token_mask, tokens, self.pad)
        return F.normalize(self.tower(ids, token_mask), dim=-1)


class ClapAudio(nn.Module):
    """The audio tower behind its front end; the shapes are in the module's docstring.

    Args:
        rate_hz: of the audio it takes.
    """

    def __init__(self, clap: ClapTowers, rate_hz: int) -> None:
        super().__init__()
        self.resample = Resample(rate_hz, clap.mel_settings["sampling_rate"])
        self.mel, self.tower = clap.mel(), clap.audio

    def forward(self, audio: Tensor) -> Tensor:
        return F.normalize(self.tower(self.mel(self.resample(levelled(audio[:, 0])))), dim=-1)


def save_tokenizer(clap: ClapTowers, given: Path | None, path: Path, max_tokens: int) -> None:
    """Write the tower's tokenizer as the bundle wants it, cut at ``max_tokens``.

    Args:
        given: a ``tokenizer.json``, for checkpoints that come as one file.
        max_tokens: of a prompt, begin and end included.

    Raises:
        ValueError: there is none.
    """
    from tokenizers import Tokenizer

    folder = clap.folder
    here = given or (folder / "tokenizer.json" if folder is not None else None)
    if here is not None and here.is_file():
        tokenizer = Tokenizer.from_file(str(here))
    elif folder is not None and (folder / "vocab.json").is_file() and (folder / "merges.txt").is_file():
        from transformers import RobertaTokenizerFast

        logging.getLogger("transformers").setLevel(logging.ERROR)
        tokenizer = RobertaTokenizerFast.from_pretrained(str(folder), local_files_only=True).backend_tokenizer
    else:
        raise ValueError(f"{clap.name} comes without a tokenizer; give RoBERTa's tokenizer.json with --clap-tokenizer")
    tokenizer.no_padding()
    tokenizer.enable_truncation(max_tokens)
    tokenizer.save(str(path))
