"""``python -m export refit RUN BUNDLE OUT``: a bundle's copy with the flow of a run in place of its own.

For a flow that was trained further on a bundle's own codec and encoders: every other file is copied as it is, so only
the step graph is checked against torch, on whole trajectories through the bundle's codec.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import replace
from pathlib import Path

import numpy as np

from engine.bundle.bundle import FORMAT, Bundle, Manifest, load_bundle, manifest_to_json, write_manifest
from engine.latents import SLOTS, Slot
from export.draft import check_free, copy_files, drafted
from export.graphs import Spec, step_spec
from export.parity import OnnxGraph, TorchGraph, check_tolerance, difference, pictures, solve, sounds
from export.to_onnx import export_graph
from export.write import PARITY_STEPS, commit, graph_entry, read_preset, summary
from training.flow.train import load_flow


def refit(run: Path, base: Bundle, folder: Path, version: str = "1.0.0", replaces: bool = False) -> Manifest:
    """Write a bundle.

    Args:
        run: folder with ``flow.pt``, ``settings.json`` and ``credits.json``, as a flow run leaves them.
        base: the bundle whose other graphs are kept.
        folder: of the new bundle, which is named for it; must not exist unless ``replaces``.
        version: of the new bundle.
        replaces: True puts it in the place of an old one, once it is whole.

    Raises:
        ValueError: not a run, or the folder is taken.
        export.parity.Disagreement: torch and ONNX differ; nothing was written.
    """
    check_free(folder, replaces)
    preset = read_preset(run)
    spec = step_spec(preset, load_flow(preset, run))
    with drafted(folder) as draft:
        return _fill(draft, spec, base, run, folder.name, version)


def _fill(draft: Path, spec: Spec, base: Bundle, run: Path, name: str, version: str) -> Manifest:
    old = base.manifest
    step = old.graphs["step"]
    if spec.inputs != step.inputs or spec.outputs != step.outputs:
        raise ValueError(
            f"the run's step graph takes {spec.inputs}, that of {base.label} {step.inputs}; "
            "the run was trained from another bundle"
        )
    copy_files(base, draft, {step.file})
    export_graph(spec, draft / "step.onnx", half=step.precision == "fp16")
    credits: list[str] = json.loads((run / "credits.json").read_text("utf-8"))
    manifest = replace(
        old,
        format=max(old.format, FORMAT),
        name=name,
        version=version,
        attribution=list(dict.fromkeys([*old.attribution, *credits])),
        graphs={**old.graphs, "step": graph_entry(spec, draft, step.precision)},
        parity=check_step(spec, draft, old),
        quality={},
        training_commit=commit(),
        notes=f"The flow was trained further from {base.label}. {old.notes}".strip(),
    )
    write_manifest(draft, manifest_to_json(manifest))
    return manifest


def check_step(spec: Spec, folder: Path, manifest: Manifest) -> dict[str, float]:
    """Compare the step with torch over whole trajectories; both go through the bundle's own codec.

    Raises:
        Disagreement: they differ by more than the tolerance.
    """
    codec = {name: OnnxGraph(folder / manifest.graphs[name].file) for name in ("encode", "decode")}
    both = [{**codec, "step": step} for step in (TorchGraph(spec), OnnxGraph(folder / "step.onnx"))]
    worst = 0.0
    for audio in sounds(manifest.grid.window_samples, manifest.sample_rate_hz):
        prompt = np.zeros((len(audio), SLOTS, manifest.embedding), dtype=np.float32)
        prompt[:, Slot.STEM] = np.random.default_rng(4).standard_normal(manifest.embedding)
        for task, steps in (("isolate", 1), ("regenerate", PARITY_STEPS)):
            for picture in pictures(spec, len(audio)):
                runs = [solve(graphs, audio, task, steps, prompt, picture) for graphs in both]
                worst = max(worst, *(difference(runs[0][key], runs[1][key]) for key in runs[0]))
    tolerance = check_tolerance(worst, manifest.graphs["step"].precision)
    return {"tolerance": tolerance, "measured": worst, "steps": float(PARITY_STEPS)}


def main(argv: list[str]) -> str:
    """Read the command line and write the bundle; a line on it."""
    parser = argparse.ArgumentParser(prog="python -m export refit", description="put a run's flow into a bundle's copy")
    parser.add_argument("run", type=Path, help="flow run that began with the bundle's weights")
    parser.add_argument("base", type=Path, help="folder of the bundle it began with")
    parser.add_argument("bundle", type=Path, help="folder of the new bundle")
    parser.add_argument("--version", default="1.0.0")
    parser.add_argument("--replace", action="store_true", help="take the place of an old bundle")
    args = parser.parse_args(argv)
    manifest = refit(args.run, load_bundle(args.base), args.bundle, args.version, args.replace)
    return summary(args.bundle, manifest)
