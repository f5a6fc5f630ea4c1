"""Open a bundle for training: its preset, and its codec, text tower and flow as torch modules and files."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer
from torch import Tensor, nn
from torch.nn.utils import parametrize

from engine.bundle.bundle import Bundle
from engine.latents import SLOTS, Slot
from training.codec.model import MixWavCodec
from training.config import Preset, load_preset, preset_from
from training.finetune.weights import check_same, read_weights
from training.flow.networks import build_network
from training.prompt.adapters import AdaptedAudioTower
from training.prompt.model import AudioTower, TextTower
from training.prompt.tower import TOWER_FILE, text_tower
from training.scene.config import frames_of
from training.trainer.checkpoints import save_atomically

SETTINGS = "settings.json"
AUDIO_WEIGHTS = "ear."  # how the names of the audio encoder's weights begin in the graphs of bundles


def preset_of(bundle: Bundle, given: str | None) -> Preset:
    """The preset a bundle was trained by.

    Taken from ``given``, else from the bundle's own recipe, else from the log beside a bundle that ships
    (``NAME-log``), else the preset of the bundle's name.

    Raises:
        ValueError: none of them is there, or it makes another grid.
    """
    log = bundle.folder.resolve().parent / f"{bundle.folder.resolve().name}-log" / SETTINGS
    if given is not None:
        preset = load_preset(given)
    elif bundle.manifest.recipe:
        preset = _preset(bundle.manifest.recipe, bundle.label)
    elif log.is_file():
        settings = json.loads(log.read_text("utf-8"))
        preset = _preset({name: value for name, value in settings.items() if name != "stage"}, log.name)
    else:
        preset = load_preset(bundle.manifest.name)
    if preset.grid.grid != bundle.manifest.grid:
        raise ValueError(
            f"preset {preset.name} makes {preset.grid.grid}, {bundle.label} was made for {bundle.manifest.grid}; "
            "give the preset that it was trained by with --preset"
        )
    return preset


def _preset(tables: dict[str, Any], where: str) -> Preset:
    try:
        return preset_from(dict(tables), where)
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"{where} holds no preset that can be read ({error}); give it with --preset") from error


def read_codec(bundle: Bundle, preset: Preset) -> MixWavCodec:
    """The bundle's codec, frozen.

    Raises:
        ValueError: the preset is not the bundle's.
    """
    codec = MixWavCodec(preset.grid, preset.codec)
    for module in codec.modules():
        if parametrize.is_parametrized(module, "weight"):  # the graphs hold weight and norm folded into one
            parametrize.remove_parametrizations(module, "weight")
    manifest = bundle.manifest
    encode, decode = (bundle.path(manifest.graphs[name].file) for name in ("encode", "decode"))
    codec.encoder.load_state_dict(read_weights(encode, codec.encoder, "codec.encoder."))
    codec.decoder.load_state_dict(read_weights(decode, codec.decoder, "codec.decoder."))
    codec.latent_mean.copy_(torch.tensor(manifest.latent_mean))
    codec.latent_std.copy_(torch.tensor(manifest.latent_std))
    codec.eval().requires_grad_(False)
    generator = torch.Generator().manual_seed(2)
    audio = 0.1 * torch.randn(1, 1, manifest.grid.window_samples, generator=generator)
    check_same(encode, _CodecHalf(codec.encode), {"audio": audio})
    check_same(decode, _CodecHalf(codec.decode), {"latents": codec.encode(audio)})
    return codec


def read_flow(bundle: Bundle, preset: Preset) -> nn.Module:
    """The bundle's flow.

    Raises:
        ValueError: the preset is not the bundle's.
    """
    flow: nn.Module = build_network(preset).eval()
    path = bundle.path(bundle.manifest.graphs["step"].file)
    flow.load_state_dict(read_weights(path, flow, "flow."))
    check_same(path, _FullStep(flow), _question(preset))
    return flow


def read_tower(bundle: Bundle, preset: Preset) -> tuple[TextTower, Tokenizer]:
    """The bundle's text tower and its tokenizer.

    Raises:
        ValueError: the preset is not the bundle's.
    """
    encoder = bundle.manifest.encoders["text"]
    tokenizer = Tokenizer.from_file(str(bundle.path(encoder.tokenizer)))
    tower = text_tower(preset.prompt, tokenizer.get_vocab_size()).eval()
    path = bundle.path(bundle.manifest.graphs["text"].file)
    tower.load_state_dict(read_weights(path, tower))
    mask = torch.arange(encoder.max_tokens)[None] < 5
    tokens = torch.where(mask, 3 + torch.arange(encoder.max_tokens)[None], 0)
    check_same(path, tower, {"tokens": tokens, "token_mask": mask})
    return tower, tokenizer


def read_audio_encoder(bundle: Bundle, preset: Preset) -> AdaptedAudioTower:
    """The bundle's audio encoder; its tower's own last layer, which no graph holds, is zero.

    Raises:
        ValueError: the preset is not the bundle's.
    """
    encoder = AdaptedAudioTower(AudioTower(preset.prompt.embedding)).eval()
    last = encoder.tower.out
    encoder.tower.out = nn.Identity()  # type: ignore[assignment]  # not in the graph
    path = bundle.path(bundle.manifest.graphs["audio"].file)
    encoder.load_state_dict(read_weights(path, encoder, AUDIO_WEIGHTS))
    samples = bundle.manifest.encoders["audio"].samples
    audio = 0.1 * torch.randn(1, 1, samples, generator=torch.Generator().manual_seed(2))
    check_same(path, _AudioTowerGraph(encoder), {"audio": audio})
    encoder.tower.out = last
    with torch.no_grad():
        last.weight.zero_()
        last.bias.zero_()
    return encoder


def save_tower(bundle: Bundle, preset: Preset, run: Path) -> None:
    """Put the bundle's text tower and tokenizer into a run folder, where training looks for them.

    Raises:
        ValueError: the preset is not the bundle's.
    """
    tower, tokenizer = read_tower(bundle, preset)
    shutil.copyfile(bundle.path(bundle.manifest.encoders["text"].tokenizer), run / "tokenizer.json")
    state = {"config": asdict(preset.prompt), "vocab": tokenizer.get_vocab_size(), "text": tower.state_dict()}
    save_atomically(state, run / TOWER_FILE)


class _CodecHalf(nn.Module):
    """The encoder or the decoder of a codec as a module with one input."""

    def __init__(self, way: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.way = way

    def forward(self, **given: Tensor) -> Tensor:
        (value,) = given.values()
        return self.way(value)


class _FullStep(nn.Module):
    """One step from t = 0 to t = 1, which gives the clean latents on every path."""

    def __init__(self, flow: nn.Module) -> None:
        super().__init__()
        self.flow = flow

    def forward(
        self, x: Tensor, t: Tensor, known: Tensor, prompt: Tensor, dt: Tensor, picture: Tensor | None = None
    ) -> Tensor:
        clean = self.flow(x, t, known, prompt) if picture is None else self.flow(x, t, known, prompt, picture)
        return torch.where(known[:, :, None], x, clean)


def _question(preset: Preset) -> dict[str, Tensor]:
    """Inputs of the step graph: isolate from noise, with a prompt, and a picture where it takes one."""
    generator = torch.Generator().manual_seed(2)
    frames = preset.grid.window_frames
    known = torch.zeros(1, SLOTS, frames, dtype=torch.bool)
    known[:, Slot.MIX] = True
    inputs = {
        "x": torch.randn(1, SLOTS, preset.grid.latent_channels, frames, generator=generator),
        "t": known.float(),
        "known": known,
        "prompt": torch.randn(1, SLOTS, preset.prompt.embedding, generator=generator),
        "dt": torch.ones(1),
    }
    if preset.flow.picture_dim:
        inputs["picture"] = torch.randn(1, frames_of(preset.grid.grid), preset.flow.picture_dim, generator=generator)
    return inputs


class _AudioTowerGraph(nn.Module):
    """The audio graph: takes sound with a channel axis."""

    def __init__(self, encoder: AdaptedAudioTower) -> None:
        super().__init__()
        self.encoder = encoder

    def forward(self, audio: torch.Tensor) -> torch.Tensor:
        embedding: torch.Tensor = self.encoder(audio[:, 0])
        return embedding
