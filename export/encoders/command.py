"""``python -m export encoders``: CLAP's text and audio towers and CLIP's image tower become graphs of a bundle.

``--into BUNDLE`` puts them in the place of the bundle's own encoders; ``--out DIR`` writes the bare graphs with a list
of what they take. Each graph is compared with torch at shapes and masks other than the traced ones.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from engine.bundle.bundle import (
    FORMAT,
    Bundle,
    EncoderSpec,
    GraphSpec,
    file_sha256,
    load_bundle,
    manifest_to_json,
    write_manifest,
)
from export.conditions import Arrays, EncoderGraph, encoder_entry, frames_to_try, largest_difference
from export.draft import copy_files, drafted
from export.encoders.graphs import GRAPHS, EncoderTarget, audio_spec, scene_spec, text_spec
from export.graphs import ExportSpec
from export.guard import ships
from export.parity import TOLERANCE, check_tolerance, sounds
from export.to_onnx import export_graph
from export.write import graph_entry, summary
from training.config import load_preset
from training.pretrained.adapters import MAX_TOKENS, load_adapters
from training.pretrained.arguments import add_towers, check_towers, clap_of, clip_of
from training.pretrained.clap import save_tokenizer

LIST = "encoders.json"
TOKENIZER = "tokenizer.json"


@dataclass(frozen=True, slots=True)
class ExportedGraphs:
    """Exported graphs, their manifest entries, and their largest difference from torch."""

    graphs: dict[str, GraphSpec]
    encoders: dict[str, EncoderSpec]
    difference: float


def inputs_to_try(spec: ExportSpec, wanted: EncoderTarget, vocabulary: int) -> list[Arrays]:
    """Inputs that the graph was not traced with: other batches, masks of every length, silence, black frames."""
    rng = np.random.default_rng(7)
    if spec.name == "audio":
        return [{"audio": audio} for audio in sounds(wanted.grid.window_samples, wanted.grid.sample_rate_hz)]
    if spec.name == "scene":
        _, frames, size, _, _ = spec.inputs["frames"]
        return frames_to_try(int(frames), int(size))
    count = int(spec.inputs["tokens"][1])
    masks = [np.arange(count)[None] < np.array(lengths)[:, None] for lengths in ([count], [1, count // 2, 3])]
    return [
        {"tokens": np.where(mask, rng.integers(3, vocabulary, size=mask.shape), 0).astype(np.int64), "token_mask": mask}
        for mask in masks
    ]


def make(folder: Path, args: argparse.Namespace, wanted: EncoderTarget) -> ExportedGraphs:
    """Write the graphs that were asked for, and the tokenizer that goes with words, into a folder.

    Raises:
        ValueError: the towers do not fit, or nothing was asked for.
        Disagreement: torch and ONNX differ.
    """
    adapters = load_adapters(args.adapters) if args.adapters else {}
    clap, clip = clap_of(args), clip_of(args)
    towers: dict[str, Any] = {"text": clap, "audio": clap, "scene": clip}
    specs: dict[str, Callable[[Any, EncoderTarget, Any], ExportSpec]] = {
        "text": text_spec,
        "audio": audio_spec,
        "scene": scene_spec,
    }
    graphs, encoders, worst = {}, {}, 0.0
    for name in (name for name in args.graphs if towers[name] is not None):
        spec = specs[name](towers[name], wanted, adapters)
        file = folder / f"{name}.onnx"
        export_graph(spec, file, args.precision == "fp16")
        if name == "text" and clap is not None:
            save_tokenizer(clap, args.clap_tokenizer, folder / TOKENIZER, wanted.max_tokens)
        words = clap.vocabulary if clap else 0
        one = EncoderGraph(spec, _encoder(spec, folder, wanted), partial(inputs_to_try, spec, wanted, words))
        worst = max(worst, largest_difference(one, file))
        graphs[name], encoders[name] = graph_entry(spec, folder, args.precision), one.encoder
    check_tolerance(worst, args.precision, advice="; export with --precision fp32")
    if not graphs:
        raise ValueError(f"--graphs {' '.join(args.graphs)} needs --clap for text and audio, --clip for scene")
    return ExportedGraphs(graphs, encoders, worst)


def _encoder(spec: ExportSpec, folder: Path, wanted: EncoderTarget) -> EncoderSpec:
    if spec.name != "text":
        return encoder_entry(spec, wanted.grid.sample_rate_hz)
    return EncoderSpec(
        graph="text", kind="text", dim=int(spec.outputs["embedding"][1]), tokenizer=TOKENIZER,
        tokenizer_sha256=file_sha256(folder / TOKENIZER), max_tokens=wanted.max_tokens,
    )  # fmt: skip


def into_bundle(base: Bundle, args: argparse.Namespace) -> str:
    """Put the graphs in the place of a bundle's own; the bundle stays as it was until the new one is whole."""
    if ships(base.folder):
        raise ValueError(f"{base.folder} ships; copy it to a folder of your own and give that")
    old = base.manifest
    picture = old.graphs["step"].inputs.get("picture")
    features = int(picture[2]) if picture else None
    wanted = EncoderTarget(old.grid, old.embedding, features, args.max_tokens, args.pooled_text)
    with drafted(base.folder) as draft:
        copy_files(base, draft)
        made = make(draft, args, wanted)
        names = [str(name) for name in (args.clap, args.clip) if name]
        parity = {**old.parity, "measured": max(old.parity["measured"], made.difference)}
        parity["tolerance"] = max(old.parity["tolerance"], TOLERANCE[args.precision])
        manifest = replace(
            old,
            format=max(old.format, FORMAT),
            graphs={**old.graphs, **made.graphs},
            encoders={**old.encoders, **made.encoders},
            parity=parity,
            quality={},
            notes=f"{old.notes} Prompts through {', '.join(Path(name).name for name in names)}.".strip(),
        )
        write_manifest(draft, manifest_to_json(manifest))
        load_bundle(draft)
    return summary(base.folder, manifest)


def into_folder(folder: Path, args: argparse.Namespace) -> str:
    """Write the bare graphs, and a list of what they take."""
    if folder.exists():
        raise ValueError(f"{folder} is there already; give another folder")
    wanted = EncoderTarget(load_preset(args.preset).grid.grid, None, None, args.max_tokens, args.pooled_text)
    with drafted(folder) as draft:
        made = make(draft, args, wanted)
        listed = {
            part: {name: asdict(one) for name, one in getattr(made, part).items()} for part in ("graphs", "encoders")
        }
        (draft / LIST).write_text(json.dumps(listed, indent=1) + "\n", "utf-8")
    return f"{folder}: {', '.join(made.graphs)}; torch and ONNX differ by {made.difference:.1e}"


def main(argv: list[str]) -> str:
    """Read the command line and write the graphs; a line on them."""
    parser = argparse.ArgumentParser(prog="python -m export encoders", description="turn CLAP and CLIP into graphs")
    add_towers(parser)
    place = parser.add_mutually_exclusive_group(required=True)
    place.add_argument("--into", type=Path, metavar="BUNDLE", help="put them into this bundle")
    place.add_argument("--out", type=Path, metavar="DIR", help="write the bare graphs there")
    parser.add_argument("--adapters", type=Path, metavar="RUN", help="run of `python -m training adapters`")
    parser.add_argument("--graphs", nargs="+", choices=GRAPHS, default=list(GRAPHS), help="only these")
    parser.add_argument("--pooled-text", action="store_true", help="words without CLAP's projection (MAGE's 768)")
    parser.add_argument("--max-tokens", type=int, default=MAX_TOKENS)
    parser.add_argument("--preset", default="mage-music", help="with --out: whose rate and window audio and clips have")
    parser.add_argument("--precision", choices=["fp16", "fp32"], default="fp16", help="of the weights on disk")
    args = parser.parse_args(argv)
    check_towers(args, "export")
    return into_bundle(load_bundle(args.into), args) if args.into else into_folder(args.out, args)
