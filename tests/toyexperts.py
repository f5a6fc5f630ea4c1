"""Separators whose answers are known, as ONNX graphs and as bundles, and toy bundles that name them as experts.

A spectral toy's mask of a stem is a fixed share everywhere, a waveform toy's sound is a fixed share of the mix; the
first and last samples of a waveform toy's window are wrong, as an estimate without context might be.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import helper
from toybundle import EMBEDDING, SHARES, write_toy_bundle
from toygraph import FLOAT, model, save
from toymask import SHORT

from engine.bundle.bundle import file_sha256, write_manifest
from engine.bundle.separation import ExpertSpec, MaskDecoderSpec
from engine.bundle.separator import SEPARATOR, SeparatorManifest, SpectrumSpec, separator_to_json

WINDOW_SAMPLES = 40_000  # of a waveform toy: less than one window of the mask decoder
DULL_SAMPLES = 500


def spectral_graph(shares: dict[str, float], grid: MaskDecoderSpec = SHORT) -> onnx.ModelProto:
    """mix (B, 2, T, F) -> a mask (B, 2, T, F) for each stem."""
    plane = ["B", 2, grid.frames, grid.bins]
    nodes = [helper.make_node("Mul", ["mix", "nothing"], ["zeros"])]
    nodes += [helper.make_node("Add", ["zeros", f"{stem}.share"], [stem]) for stem in shares]
    constants = {"nothing": np.float32(0)} | {f"{stem}.share": np.float32(value) for stem, value in shares.items()}
    return model(nodes, [("mix", FLOAT, plane)], [(stem, FLOAT, plane) for stem in shares], constants)


def waveform_graph(shares: dict[str, float], samples: int = WINDOW_SAMPLES) -> onnx.ModelProto:
    """audio (B, 2, N) -> audio (B, 2, N) of each stem."""
    axes = ["B", 2, samples]
    edges_N = np.ones(samples, np.float32)
    edges_N[:DULL_SAMPLES] = edges_N[-DULL_SAMPLES:] = -1
    nodes = [helper.make_node("Mul", ["audio", "edges"], ["heard"])]
    nodes += [helper.make_node("Mul", ["heard", f"{stem}.share"], [stem]) for stem in shares]
    constants = {"edges": edges_N} | {f"{stem}.share": np.float32(value) for stem, value in shares.items()}
    return model(nodes, [("audio", FLOAT, axes)], [(stem, FLOAT, axes) for stem in shares], constants)


def write_separator(
    folder: Path, domain: str = "spectral", shares: dict[str, float] | None = None, **over: Any
) -> Path:
    """Write a separator bundle and give its folder back; ``over`` replaces entries of the manifest, even wrongly."""
    folder.mkdir(parents=True, exist_ok=True)
    shares = {"vocals": 0.3, "drums": 0.6} if shares is None else shares
    spectral = domain == "spectral"
    grid = SpectrumSpec(
        fft_samples=SHORT.fft_samples, hop_samples=SHORT.hop_samples, bins=SHORT.bins, frames=SHORT.frames
    )
    manifest = SeparatorManifest(
        format=4,
        kind=SEPARATOR,
        name=folder.name,
        version="0.1",
        licence="CC0-1.0",
        attribution=["nobody"],
        domain=domain,
        stems=list(shares),
        rate_hz=SHORT.rate_hz,
        graph=save(spectral_graph(shares) if spectral else waveform_graph(shares), folder / "separator.onnx"),
        spectrum=grid if spectral else None,
        window_samples=0 if spectral else WINDOW_SAMPLES,
    )
    write_manifest(folder, json.dumps(json.loads(separator_to_json(manifest)) | over))
    return folder


def write_bundle_with_experts(folder: Path, experts: list[ExpertSpec], graphs: dict[str, onnx.ModelProto]) -> Path:
    """A toy bundle with a mask decoder, the toy's words as terms, and experts."""
    folder.mkdir(parents=True, exist_ok=True)
    terms = {word: [share, 1.0, *[0.0] * (EMBEDDING - 2)] for word, share in SHARES.items()}
    (folder / "terms.json").write_text(json.dumps(terms))
    write_toy_bundle(folder, decoder=SHORT)
    said = json.loads((folder / "manifest.json").read_text())
    for name, graph in graphs.items():
        row = save(graph, folder / f"{name}.onnx")
        said["graphs"][name] = {key: getattr(row, key) for key in ("file", "sha256", "inputs", "outputs", "precision")}
    said["experts"] = [{key: getattr(expert, key) for key in ExpertSpec.__slots__} for expert in experts]
    said["terms"] = {"file": "terms.json", "sha256": file_sha256(folder / "terms.json")}
    write_manifest(folder, json.dumps(said))
    return folder


def expert(name: str, kind: str, terms: list[str], output: str = "vocals", graph: str = "") -> ExpertSpec:
    """A row of the manifest."""
    return ExpertSpec(
        name=name, graph=graph or f"expert-{name}", kind=kind, terms=terms, output=output, licence="CC0-1.0",
        attribution=["nobody"],
    )  # fmt: skip
