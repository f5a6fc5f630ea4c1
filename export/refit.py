"""``python -m export refit RUN BUNDLE OUT``: a bundle's copy with the flow, or the codec's decoder, of a run.

For a part that was trained further on the bundle's own other parts: every other file is copied as it is, so only the
new graph is checked against torch: a step on whole trajectories through the bundle's codec, a decoder on the latents
of what the bundle's encoder hears, which must be those that the run's own encoder gives.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from engine.bundle.bundle import FORMAT, Bundle, Manifest, load_bundle, manifest_to_json, write_manifest
from engine.latents import SLOTS, Slot
from export import guard
from export.draft import check_free, copy_files, drafted
from export.graphs import ExportSpec, codec_specs, step_spec
from export.parity import OnnxGraph, TorchGraph, check_tolerance, difference, pictures, solve, sounds
from export.to_onnx import export_graph
from export.write import PARITY_STEPS, commit, graph_entry, read_preset, summary
from training.codec.train import load_codec
from training.config import preset_of_run
from training.flow.train import load_flow
from training.trainer.arguments import SETTINGS


@dataclass(frozen=True, slots=True)
class ReplaceablePart:
    """A part of a bundle that a run can take the place of.

    Attributes:
        what: the part, in a manifest's notes.
        specs: the new graphs of a run: the one that takes its place, then those of the run's other parts.
        check: compares the new graph with torch in the draft's folder; what a manifest says of parity from then on.
    """

    what: str
    specs: Callable[[Path], list[ExportSpec]]
    check: Callable[[list[ExportSpec], Path, Manifest], dict[str, float]]


def refit(
    run: Path,
    base: Bundle,
    folder: Path,
    version: str = "1.0.0",
    replaces: bool = False,
    comparison: Path | None = None,
) -> Manifest:
    """Write a bundle.

    Args:
        run: folder with ``flow.pt`` or ``codec.pt``, ``settings.json`` and ``credits.json``, as a run of the flow or of
            the codec's decoder alone leaves them.
        base: the bundle whose other graphs are kept.
        folder: of the new bundle, which is named for it; must not exist unless ``replaces``.
        replaces: True puts it in the place of an old one, once it is whole.
        comparison: what ``training bench --compare`` wrote; needed to replace a bundle that ships.

    Raises:
        ValueError: not a run, one of another bundle, the folder is taken, or the bundle may not replace the one there.
        export.parity.Disagreement: torch and ONNX differ; nothing was written.
    """
    check_free(folder, replaces)
    wanted = guard.wanted_fingerprint(folder, comparison)
    part = PARTS[_stage(run)]
    specs = part.specs(run)
    with drafted(folder) as draft:
        manifest = _fill(draft, part, specs, base, run, folder.name, version)
        manifest = guard.approve(draft, manifest, wanted, comparison)
    return manifest


def _stage(run: Path) -> str:
    """The stage that a run is of; ``flow`` where it does not say."""
    path = run / SETTINGS
    stage = json.loads(path.read_text("utf-8")).get("stage", "flow") if path.is_file() else "flow"
    if stage not in PARTS:
        raise ValueError(f"{run} is a run of {stage}; a bundle can be refitted with a run of {' or '.join(PARTS)}")
    return str(stage)


def _fill(
    draft: Path, part: ReplaceablePart, specs: list[ExportSpec], base: Bundle, run: Path, name: str, version: str
) -> Manifest:
    old, spec = base.manifest, specs[0]
    graph = old.graphs[spec.name]
    if spec.inputs != graph.inputs or spec.outputs != graph.outputs:
        raise ValueError(
            f"the run's {spec.name} graph takes {spec.inputs}, that of {base.label} {graph.inputs}; "
            "the run was trained from another bundle"
        )
    copy_files(base, draft, {graph.file})
    export_graph(spec, draft / f"{spec.name}.onnx", half=graph.precision == "fp16")
    credits: list[str] = json.loads((run / "credits.json").read_text("utf-8"))
    manifest = replace(
        old,
        format=max(old.format, FORMAT),
        name=name,
        version=version,
        attribution=list(dict.fromkeys([*old.attribution, *credits])),
        graphs={**old.graphs, spec.name: graph_entry(spec, draft, graph.precision)},
        parity={**old.parity, **part.check(specs, draft, old)},  # all other graphs are those that were compared
        quality={},
        training_commit=commit(),
        notes=f"The {part.what} was trained further from {base.label}. {old.notes}".strip(),
    )
    write_manifest(draft, manifest_to_json(manifest))
    return manifest


def _step(run: Path) -> list[ExportSpec]:
    preset = read_preset(run)
    return [step_spec(preset, load_flow(preset, run))]


def _decoder(run: Path) -> list[ExportSpec]:
    if not (run / "codec.pt").is_file():
        raise ValueError(
            f"{run} is not finished (no codec.pt); let `python -m training codec --resume {run}` end first"
        )
    preset = preset_of_run(run / SETTINGS)
    encode, decode = codec_specs(preset, load_codec(preset, run))
    return [decode, encode]


def check_decoder(specs: list[ExportSpec], folder: Path, manifest: Manifest) -> dict[str, float]:
    """Compare a decoder with torch, and the run's encoder with the bundle's, whose latents it must know.

    Raises:
        ValueError: the run's encoder gives other latents than the bundle's.
        Disagreement: the decoders differ by more than the tolerance.
    """
    decode, encode = specs
    ours, theirs = OnnxGraph(folder / manifest.graphs["encode"].file), TorchGraph(encode)
    allowed = check_tolerance(0.0, manifest.graphs["encode"].precision)
    worst = 0.0
    for audio in sounds(manifest.grid.window_samples, manifest.sample_rate_hz):
        latents = ours(audio=audio)
        apart = difference(theirs(audio=audio), latents)
        if not apart <= allowed:
            raise ValueError(
                f"the run's encoder gives other latents than that of {manifest.name} (difference {apart:.3g}, "
                f"{allowed:g} allowed); train the decoder alone, from the bundle's own codec (decoder_only, --start)"
            )
        made = [graph(latents=latents) for graph in (TorchGraph(decode), OnnxGraph(folder / "decode.onnx"))]
        worst = max(worst, difference(*made))
    tolerance = check_tolerance(worst, manifest.graphs["decode"].precision)
    return {"tolerance": tolerance, "measured": max(worst, manifest.parity.get("measured", 0.0))}


def _check_step(specs: list[ExportSpec], folder: Path, manifest: Manifest) -> dict[str, float]:
    return check_step(specs[0], folder, manifest)


PARTS = {  # by the stage of the run
    "flow": ReplaceablePart("flow", _step, _check_step),
    "codec": ReplaceablePart("codec's decoder", _decoder, check_decoder),
}


def check_step(spec: ExportSpec, folder: Path, manifest: Manifest) -> dict[str, float]:
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
    parser = argparse.ArgumentParser(
        prog="python -m export refit", description="put a run's flow or decoder into a bundle's copy"
    )
    parser.add_argument("run", type=Path, help="run of the flow or of the codec that began with the bundle's weights")
    parser.add_argument("base", type=Path, help="folder of the bundle it began with")
    parser.add_argument("bundle", type=Path, help="folder of the new bundle")
    parser.add_argument("--version", default="1.0.0")
    guard.add_arguments(parser)
    args = parser.parse_args(argv)
    manifest = refit(args.run, load_bundle(args.base), args.bundle, args.version, args.replace, args.comparison)
    return summary(args.bundle, manifest)
