"""``python -m training unpack --bundle small``: the run folders that a bundle was exported from, out of its graphs.

Whoever has only the bundle can train its parts further (``flow --start``, ``adapt``) and export them again.
A graph holds what the engine needs and no more: the audio tower's own last layer, which the adapter took the place of,
stays zero, and neither optimiser nor the scene encoder's training heads come back.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from collections.abc import Callable
from pathlib import Path

import onnx
import torch
from torch import nn
from torch.nn.utils import parametrize

from engine.bundle.bundle import Bundle, load_bundle
from training.codec.model import MixWavCodec
from training.config import Preset
from training.eval.bundle_system import EngineError, locate
from training.finetune.bundle import preset_of, read_audio_encoder, read_codec, read_flow, read_tower, save_tower
from training.finetune.graph_values import values_of
from training.finetune.mask import unpack_mask
from training.finetune.weights import check_same, read_weights
from training.flow.warm_start import FLOW_FILE
from training.prompt.adapters import StoryReader, save_adapters
from training.prompt.tower import save_towers
from training.scene.config import frames_of
from training.scene.model import SceneTower, save_scene
from training.trainer.arguments import RUNS


def unpack_codec(bundle: Bundle, preset: Preset, run: Path) -> None:
    """``codec.pt``; weight norm is put back on where the preset has it."""
    plain = read_codec(bundle, preset).state_dict()
    codec = MixWavCodec(preset.grid, preset.codec)
    for name, module in codec.named_modules():
        if parametrize.is_parametrized(module, "weight"):
            module.weight = plain.pop(f"{name}.weight")
    codec.load_state_dict(plain, strict=False)
    torch.save(codec.state_dict(), run / "codec.pt")


def unpack_prompt(bundle: Bundle, preset: Preset, run: Path) -> None:
    """``prompt.pt`` and ``tokenizer.json``; with the audio tower where the bundle listens."""
    save_tower(bundle, preset, run)
    if "audio" in bundle.manifest.graphs:
        tower, tokenizer = read_tower(bundle, preset)
        save_towers(run, preset.prompt, tokenizer.get_vocab_size(), tower, read_audio_encoder(bundle, preset).tower)


def unpack_adapters(bundle: Bundle, preset: Preset, run: Path) -> None:
    """``adapted.pt``."""
    save_adapters(run, read_audio_encoder(bundle, preset), _reader(bundle), {})


def unpack_scene(bundle: Bundle, preset: Preset, run: Path) -> None:
    """``scene.pt``."""
    encoder = SceneTower(preset.scene, preset.prompt.embedding).eval()
    path = bundle.path(bundle.manifest.graphs["scene"].file)
    encoder.load_state_dict(read_weights(path, encoder))
    size = preset.scene.size_px
    frames = torch.rand(1, frames_of(preset.grid.grid), size, size, 3, generator=torch.Generator().manual_seed(2))
    check_same(path, _FirstOutput(encoder), {"frames": frames})
    save_scene(encoder, run)


def unpack_flow(bundle: Bundle, preset: Preset, run: Path) -> None:
    """``flow.pt``."""
    torch.save(read_flow(bundle, preset).state_dict(), run / FLOW_FILE)


def unpack_mask_decoder(bundle: Bundle, preset: Preset, run: Path) -> None:
    """``mask.pt``, ``queries.pt`` and what is exported with them; no preset says how a mask decoder is made."""
    del preset
    unpack_mask(bundle, run)


PARTS: dict[str, tuple[str, Callable[[Bundle, Preset, Path], None]]] = {
    "codec": ("encode", unpack_codec),  # name of the run: a graph that the bundle must have for it, how it is done
    "prompt": ("text", unpack_prompt),
    "adapters": ("story", unpack_adapters),
    "scene": ("scene", unpack_scene),
    "flow": ("step", unpack_flow),
    "mask": ("mask", unpack_mask_decoder),
}


class _FirstOutput(nn.Module):
    """Gives the first output of a module, the one that is compared with the graph."""

    def __init__(self, inner: nn.Module) -> None:
        super().__init__()
        self.inner = inner

    def forward(self, **given: torch.Tensor) -> torch.Tensor:
        answers = self.inner(*given.values())
        first: torch.Tensor = answers[0]
        return first


def _reader(bundle: Bundle) -> StoryReader:
    path = bundle.path(bundle.manifest.graphs["story"].file)
    stored = values_of(onnx.load(str(path)).graph)
    reader = StoryReader(torch.tensor(stored["prototypes"])).eval()
    reader.load_state_dict(
        {
            "prototypes": torch.tensor(stored["prototypes"]),
            "bias": torch.tensor(stored["bias"]),
            "log_sharp": torch.tensor(stored["exp"]).log(),  # the exporter has taken the power already
            "log_firm": torch.tensor(stored["exp_1"]).log(),
        }
    )
    generator = torch.Generator().manual_seed(2)
    pieces = torch.randn(1, bundle.manifest.encoders["story"].pieces, bundle.manifest.embedding, generator=generator)
    check_same(path, reader, {"pieces": pieces, "piece_mask": torch.arange(pieces.shape[1])[None] < 5})
    return reader


def unpack(bundle: Bundle, preset: Preset, out: Path) -> dict[str, Path]:
    """Write the run folders of everything a bundle holds; returns them by stage.

    Raises:
        ValueError: a folder is there already, or the preset is not the bundle's; then nothing is written.
    """
    name = preset.name
    wanted = {stage: out / f"{stage}-{name}" for stage, (graph, _) in PARTS.items() if graph in bundle.manifest.graphs}
    if taken := [str(run) for run in wanted.values() if run.exists()]:
        raise ValueError(f"{', '.join(taken)} is there already; give another folder with --out")
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out, prefix=".unpack-") as made:
        for stage, run in wanted.items():
            folder = Path(made) / run.name
            folder.mkdir()
            PARTS[stage][1](bundle, preset, folder)
        for run in wanted.values():
            os.rename(Path(made) / run.name, run)
    return wanted


def main(argv: list[str]) -> int:
    """``python -m training unpack``."""
    parser = argparse.ArgumentParser(prog="python -m training unpack", description="run folders out of a bundle")
    parser.add_argument("--bundle", default="small", help="name of an installed bundle, or its folder")
    parser.add_argument("--preset", help="that the bundle was trained by, where the bundle does not say")
    parser.add_argument("--out", type=Path, default=RUNS, help="the run folders are made in it (default: runs)")
    options = parser.parse_args(argv)
    try:
        bundle = load_bundle(locate(options.bundle))
    except EngineError as error:
        raise ValueError(str(error)) from error
    for stage, run in unpack(bundle, preset_of(bundle, options.preset), options.out).items():
        print(f"{stage:9}{run}")
    return 0
