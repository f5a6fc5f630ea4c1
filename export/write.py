"""Write a bundle: graphs, parity check, hashes, and the manifest last, in a draft that becomes the bundle."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import asdict
from dataclasses import replace as replaced
from pathlib import Path

import torch

from engine.bundle.bundle import (
    FORMAT,
    Attachment,
    EncoderSpec,
    GraphSpec,
    Manifest,
    SamplerDefaults,
    file_sha256,
)
from engine.latents import Slot
from engine.tasks import TASKS
from export import guard
from export.conditions import EncoderGraph, conditions, largest_difference
from export.draft import LIMIT_BYTES, check_free, drafted, size_bytes, write_checked
from export.graphs import ExportSpec, specs
from export.parity import check, check_tolerance
from export.to_onnx import export_graph
from training.config import Preset, preset_of_run
from training.prompt.tower import load_text_tower
from training.text.wordings import ASKS_FILE, asks_json

LICENCE = "CC-BY-4.0"
PARITY_STEPS = 8


def read_preset(run: Path) -> Preset:
    """The preset a run was trained by.

    Raises:
        ValueError: the folder is not a finished flow run.
    """
    if not (run / "flow.pt").is_file() or not (run / "settings.json").is_file():
        raise ValueError(
            f"{run} is not a finished flow run (no flow.pt); finish `python -m training flow --out {run}` first"
        )
    return preset_of_run(run / "settings.json")


def write_bundle(
    run: Path,
    folder: Path,
    name: str,
    version: str,
    half: bool,
    replace: bool,
    comparison: Path | None = None,
    more: Sequence[Path] = (),
) -> Manifest:
    """Export a run.

    Args:
        folder: where the bundle goes; must not exist unless ``replace``.
        name, version: of the bundle.
        half: True stores weights in 16 bits.
        replace: True puts the new bundle in the place of an old one, once it is whole.
        comparison: what ``training bench --compare`` wrote; needed to replace a bundle that ships.
        more: runs of a scene encoder and of adapters to take in the place of the flow run's own.

    Raises:
        BundleError: the parts do not fit together, for example a scene encoder and a flow of different sizes.
        ValueError: not a run, the folder is taken, the bundle is too large, or it may not replace the one that ships.
        export.parity.Disagreement: torch and ONNX differ; nothing was written.
    """
    check_free(folder, replace)
    wanted = guard.wanted_fingerprint(folder, comparison)
    preset = read_preset(run)
    with drafted(folder) as draft:
        manifest = _fill(draft, run, preset, name, version, half, more)
        manifest = guard.approve(draft, manifest, wanted, comparison)
    return manifest


def _fill(
    draft: Path, run: Path, preset: Preset, name: str, version: str, half: bool, more: Sequence[Path]
) -> Manifest:
    precision = "fp16" if half else "fp32"
    graphs, extra = specs(preset, run), conditions(preset, run, more)
    files = {spec.name: draft / f"{spec.name}.onnx" for spec in [*graphs, *(one.spec for one in extra)]}
    for spec in [*graphs, *(one.spec for one in extra)]:
        export_graph(spec, files[spec.name], half)
    parity = check(graphs, files, preset.grid.rate_hz, precision, PARITY_STEPS)
    for one in extra:
        worst = largest_difference(one, files[one.spec.name])
        check_tolerance(worst, precision, f"in the {one.spec.name} graph")
        parity[one.spec.name] = worst
    shutil.copyfile(run / "tokenizer.json", draft / "tokenizer.json")
    (draft / ASKS_FILE).write_text(asks_json(), "utf-8")
    size = size_bytes(draft)
    if size > LIMIT_BYTES and preset.name == "small":
        raise ValueError(f"the bundle takes {size / 1e6:.1f} MB, over {LIMIT_BYTES / 1e6:.0f}; choose a smaller preset")
    manifest = _manifest(draft, run, preset, graphs, extra, parity, name, version, precision)
    write_checked(draft, manifest, f"the manifest of {run}")
    return manifest


def _manifest(
    draft: Path,
    run: Path,
    preset: Preset,
    graphs: list[ExportSpec],
    extra: list[EncoderGraph],
    parity: dict[str, float],
    name: str,
    version: str,
    precision: str,
) -> Manifest:
    codec = torch.load(run / "codec.pt", map_location="cpu", weights_only=True)
    tower, _ = load_text_tower(run)
    grid = preset.grid
    credits: list[str] = json.loads((run / "credits.json").read_text("utf-8"))
    return Manifest(
        format=FORMAT,
        name=name,
        version=version,
        licence=LICENCE,
        attribution=credits,
        trained_on=[line.split(":", 1)[0] for line in credits],
        sample_rate_hz=grid.rate_hz,
        hop_samples=grid.hop_samples,
        channels=1,
        latent_channels=grid.latent_channels,
        window_frames=grid.window_frames,
        latent_mean=[round(float(v), 6) for v in codec["latent_mean"]],
        latent_std=[round(float(v), 6) for v in codec["latent_std"]],
        slots=[slot.name for slot in Slot],
        embedding=preset.prompt.embedding,
        graphs={spec.name: graph_entry(spec, draft, precision) for spec in [*graphs, *(one.spec for one in extra)]},
        encoders={
            "text": EncoderSpec(
                graph="text",
                kind="text",
                dim=preset.prompt.embedding,
                tokenizer="tokenizer.json",
                tokenizer_sha256=file_sha256(draft / "tokenizer.json"),
                max_tokens=tower.max_tokens,
            ),
            **{one.spec.name: one.encoder for one in extra},
        },
        asks=Attachment(file=ASKS_FILE, sha256=file_sha256(draft / ASKS_FILE)),
        defaults={task: task_defaults(task, preset) for task in TASKS},
        mask=MASK,
        presence=PRESENCE,
        parity=parity,
        training_commit=commit(),
        recipe=asdict(preset),
    )


MASK = {"power": 0.7, "floor_db": -80.0, "bias_db": 0.0}
PRESENCE = {"midpoint_db": -20.0, "slope_db": 3.0}  # found against wrongly found on held-out mixes: training/LOG.md


def graph_entry(spec: ExportSpec, draft: Path, precision: str) -> GraphSpec:
    """The manifest's entry for a graph in ``draft``."""
    file = f"{spec.name}.onnx"
    return GraphSpec(
        file=file,
        sha256=file_sha256(draft / file),
        inputs=spec.inputs,
        outputs=spec.outputs,
        precision=precision,
    )


def task_defaults(task: str, preset: Preset) -> SamplerDefaults:
    """The sampler defaults of a task in a bundle of this preset."""
    flow, rule = preset.flow, TASKS[task]
    plain = SamplerDefaults(steps=flow.generative_steps, guidance=flow.guidance, start="noise", strength=rule.strength)
    if rule.masked:
        plain = SamplerDefaults(steps=flow.masked_steps, guidance=flow.guidance, start=flow.masked_start)
    return replaced(plain, **preset.defaults.get(task, {}))


def commit() -> str:
    """The commit of this code, or nothing where there is no repository."""
    try:
        done = subprocess.run(["git", "rev-parse", "HEAD"], capture_output=True, text=True, check=True, timeout=10)
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout.strip()


def summary(folder: Path, manifest: Manifest) -> str:
    """One line on a finished bundle."""
    return (
        f"{folder}: {manifest.name} {manifest.version}, {size_bytes(folder) / 1e6:.1f} MB, "
        f"torch and ONNX differ by {manifest.parity['measured']:.1e} (allowed {manifest.parity['tolerance']:.0e})"
    )
