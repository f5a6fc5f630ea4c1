"""Names of weights in checkpoints of laion-clap and open-clip, and what transformers calls them.

Their layers are the same; two things differ beside the names. Attention in one matrix is three here, and open-clip's
projections multiply from the other side. Sizes are read from the shapes. Knows nothing of files.
"""

from __future__ import annotations

import re
from typing import Any

from torch import Tensor

State = dict[str, Tensor]

# laion-clap, in this order, anywhere in the name
CLAP_WORDS = (
    ("audio_branch.", "audio_model.audio_encoder."),
    ("text_branch.", "text_model."),
    ("_projection.0.", "_projection.linear1."),
    ("_projection.2.", "_projection.linear2."),
    (".norm1.", ".layernorm_before."),
    (".norm2.", ".layernorm_after."),
    (".mlp.fc1.", ".intermediate.dense."),
    (".mlp.fc2.", ".output.dense."),
    (".attn.proj.", ".attention.output.dense."),
    (".attn.qkv.", ".attention.self.qkv."),
    (".attn.relative_position", ".attention.self.relative_position"),
    ("audio_encoder.bn0.", "audio_encoder.batch_norm."),
)
# what training left in a checkpoint and no tower needs: the spectrogram's own layers, classifier heads, masks
CLAP_LEFT_OUT = re.compile(
    r"\.(spectrogram_extractor|logmel_extractor|tscam_conv|head)\.|attn_mask$|^(text|audio)_transform\.|"
    r"^logit_scale|position_ids$|relative_position_index$|token_type_ids$|num_batches_tracked$"
)

# open-clip's image tower
CLIP_NAMES = {
    "visual.class_embedding": "vision_model.embeddings.class_embedding",
    "visual.positional_embedding": "vision_model.embeddings.position_embedding.weight",
    "visual.conv1.weight": "vision_model.embeddings.patch_embedding.weight",
    "visual.ln_pre.weight": "vision_model.pre_layrnorm.weight",
    "visual.ln_pre.bias": "vision_model.pre_layrnorm.bias",
    "visual.ln_post.weight": "vision_model.post_layernorm.weight",
    "visual.ln_post.bias": "vision_model.post_layernorm.bias",
    "visual.proj": "visual_projection.weight",
}
CLIP_LAYER = re.compile(r"visual\.transformer\.resblocks\.(\d+)\.(.+)")
CLIP_LAYER_NAMES = {
    "ln_1": "layer_norm1",
    "ln_2": "layer_norm2",
    "mlp.c_fc": "mlp.fc1",
    "mlp.c_proj": "mlp.fc2",
    "attn.out_proj": "self_attn.out_proj",
}
HEAD_WIDTH = 64  # of every attention head of RoBERTa and of the vision transformers


def is_laion_clap(state: State) -> bool:
    """True for a checkpoint of laion-clap."""
    return any("audio_branch." in name for name in state)


def is_open_clip(state: State) -> bool:
    """True for a checkpoint of open-clip with a vision transformer."""
    return "visual.class_embedding" in state and "visual.proj" in state


def clap_from_laion(state: State) -> State:
    """A laion-clap checkpoint with transformers' names.

    Args:
        state: as ``torch.load`` gives it, with or without ``module.`` before every name.
    """
    made: State = {}
    for name, value in state.items():
        name = name.removeprefix("module.")
        if CLAP_LEFT_OUT.search(name):
            continue
        for theirs, ours in CLAP_WORDS:
            name = name.replace(theirs, ours)
        made |= _three(name, value, ".qkv.", (".query.", ".key.", ".value.")) if ".qkv." in name else {name: value}
    return made


def clip_from_open(state: State) -> State:
    """The image tower of an open-clip checkpoint with transformers' names."""
    made: State = {}
    for name, value in state.items():
        if name == "visual.proj":
            made[CLIP_NAMES[name]] = value.T.contiguous()
        elif name in CLIP_NAMES:
            made[CLIP_NAMES[name]] = value
        elif layer := CLIP_LAYER.fullmatch(name):
            made |= _clip_layer(f"vision_model.encoder.layers.{layer[1]}.", layer[2], value)
    return made


def _clip_layer(place: str, name: str, value: Tensor) -> State:
    if name.startswith("attn.in_proj_"):
        parts = ("self_attn.q_proj.", "self_attn.k_proj.", "self_attn.v_proj.")
        return _three(f"{place}in.{name.removeprefix('attn.in_proj_')}", value, "in.", parts)
    part, kind = name.rsplit(".", 1)
    return {f"{place}{CLIP_LAYER_NAMES[part]}.{kind}": value}


def _three(name: str, value: Tensor, word: str, parts: tuple[str, ...]) -> State:
    return {name.replace(word, part): third.contiguous() for part, third in zip(parts, value.chunk(3), strict=True)}


def clap_sizes(state: State) -> dict[str, Any]:
    """Arguments of ``ClapConfig`` for a state with transformers' names."""
    audio, text = "audio_model.audio_encoder.", "text_model."
    stages = _count(state, rf"{re.escape(audio)}layers\.(\d+)\.")
    depths = [_count(state, rf"{re.escape(audio)}layers\.{k}\.blocks\.(\d+)\.") for k in range(stages)]
    tables = [state[f"{audio}layers.{k}.blocks.0.attention.self.relative_position_bias_table"] for k in range(stages)]
    width = state[f"{audio}patch_embed.proj.weight"].shape[0]
    words = state[f"{text}embeddings.word_embeddings.weight"].shape
    fused = any("fusion_model" in name or "mel_conv2d" in name for name in state)
    return {
        "projection_dim": state["text_projection.linear2.weight"].shape[0],
        "text_config": {
            "vocab_size": words[0],
            "hidden_size": words[1],
            "num_hidden_layers": _count(state, rf"{re.escape(text)}encoder\.layer\.(\d+)\."),
            "num_attention_heads": max(1, words[1] // HEAD_WIDTH),
            "intermediate_size": state[f"{text}encoder.layer.0.intermediate.dense.weight"].shape[0],
            "max_position_embeddings": state[f"{text}embeddings.position_embeddings.weight"].shape[0],
        },
        "audio_config": {
            "patch_embeds_hidden_size": width,
            "hidden_size": width * 2 ** (stages - 1),
            "depths": depths,
            "num_attention_heads": [table.shape[1] for table in tables],
            "window_size": (round(tables[0].shape[0] ** 0.5) + 1) // 2,
            "num_mel_bins": state[f"{audio}batch_norm.weight"].shape[0],
            "spec_size": 4 * state[f"{audio}batch_norm.weight"].shape[0],
            "enable_fusion": fused,
            "fusion_type": "aff_2d" if fused else None,
        },
    }


def clip_sizes(state: State) -> dict[str, Any]:
    """Arguments of ``CLIPVisionConfig`` for a state with transformers' names; the activation is not in the weights."""
    patches = state["vision_model.embeddings.patch_embedding.weight"]
    places = state["vision_model.embeddings.position_embedding.weight"].shape[0] - 1
    return {
        "hidden_size": patches.shape[0],
        "patch_size": patches.shape[2],
        "image_size": patches.shape[2] * round(places**0.5),
        "num_hidden_layers": _count(state, r"vision_model\.encoder\.layers\.(\d+)\."),
        "num_attention_heads": max(1, patches.shape[0] // HEAD_WIDTH),
        "intermediate_size": state["vision_model.encoder.layers.0.mlp.fc1.weight"].shape[0],
        "projection_dim": state["visual_projection.weight"].shape[0],
    }


def _count(state: State, pattern: str) -> int:
    found = {int(match[1]) for name in state if (match := re.match(pattern, name))}
    return max(found) + 1 if found else 0
