"""The scene, audio and story encoders of a bundle, read from its graphs, so that further training keeps using them.

A flow that is trained on words alone forgets pictures and sounds. Where there are no pictures to train with, its visual
layers are frozen, and the user is told.
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from torch import nn

from engine.bundle.bundle import Bundle
from training.config import Preset
from training.data.sources import SoundLibrary
from training.data.stem_cache import StemCache
from training.eval.example import EvalExample
from training.finetune.bundle import save_tower
from training.finetune.unpack import unpack_adapters, unpack_prompt, unpack_scene
from training.flow.modalities import Modalities, by_kind, open_modalities
from training.flow.warm_start import FRESH
from training.prompt.adapters import StoryReader, load_adapters
from training.typing import Audio

HEARS = {"audio", "story"}  # graphs of a bundle that takes sounds and long texts


@dataclass(frozen=True, slots=True)
class BundleEncoders:
    """The encoders of a bundle.

    Attributes:
        senses: make pictures and sounds; lack what the bundle lacks, and what cannot be read or shown.
        reader: of long texts; None where there is none.
        missing: what the bundle has and training goes without, and why.
    """

    senses: Modalities
    reader: StoryReader | None
    missing: tuple[str, ...]


def open_all(bundle: Bundle, preset: Preset, stems: StemCache, run: Path, keep: bool = True) -> BundleEncoders:
    """Put a bundle's towers and encoders into a run folder and open them.

    Args:
        preset: it was made by.
        stems: that pictures and sounds are of.
        run: folder they are written to.
        keep: False writes them to a folder that goes again: of several processes only one may write to ``run``.

    Raises:
        ValueError: the text tower is not the preset's.
    """
    if not keep:
        with tempfile.TemporaryDirectory() as folder:
            return open_all(bundle, preset, stems, Path(folder))
    run.mkdir(parents=True, exist_ok=True)
    missing, graphs = [], set(bundle.manifest.graphs)
    audio_encoder: nn.Module | None = None
    reader = scene_run = None
    if graphs >= HEARS:
        try:
            unpack_prompt(bundle, preset, run)
            unpack_adapters(bundle, preset, run)
            audio_encoder, reader = load_adapters(run, run)
        except ValueError as error:
            missing.append(f"sounds and stories ({error})")
    elif half := HEARS & graphs:
        missing.append("sounds (it reads no stories)" if "audio" in half else "stories (it hears no sounds)")
    if reader is None:
        save_tower(bundle, preset, run)
    if preset.flow.picture_dim and "scene" in graphs:
        try:
            unpack_scene(bundle, preset, run)
            if _any(stems, "part"):
                SoundLibrary.find()  # players are drawn from what they play on; films need none
            scene_run = run if _any(stems, "part", "film") else None
            missing += [] if scene_run else ["pictures (no stem's player can be drawn)"]
        except (ValueError, FileNotFoundError) as error:
            missing.append(f"pictures ({error})")
    return BundleEncoders(open_modalities(preset, stems, scene_run, audio_encoder), reader, tuple(missing))


def _any(stems: StemCache, *names: str) -> bool:
    return any(name in stems.label(k) for k in range(stems.count) for name in names)


def freeze_visual_layers(flow: nn.Module, opened: BundleEncoders) -> list[str]:
    """Freeze the flow's visual layers when training has no pictures; returns a message for the user."""
    said = [f"trained without {what}" for what in opened.missing]
    visual = [weights for name, weights in flow.named_parameters() if name.startswith(FRESH)]
    if visual and opened.senses.scene is None:
        for weights in visual:
            weights.requires_grad_(False)
        said.append("no picture is shown, so what the bundle sees with stays as it is")
    return said


def similar_sound(example: EvalExample, stems: StemCache) -> Audio | None:
    """The loudest other part of the stem that an example asks for, float32 ``(N,)``; None where there is none.

    Args:
        example: whose family is in its mix once.
        stems: to take it from; of two of one family in a piece the one of the example's label.
    """
    source = example.sources[example.inside.index(example.family)]
    kin = by_kind(stems).get((example.family, source), [])
    kin = [k for k in kin if stems.label(k).get("label", "") == example.label]
    loud = [float(np.square(stems.audio(k)).mean()) for k in kin]
    return stems.audio(kin[int(np.argmax(loud))]) if kin else None
