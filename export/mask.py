"""``python -m export mask RUN BUNDLE OUT``: a bundle's copy with a mask decoder and the embeddings of its terms.

    mask         mix (B,2,T,F), prompt (P,E) -> stem (P,B,2,T,F), rest (P,B,2,T,F), presence (P,B,T/32);
                 a network that takes the flow's estimates has the input estimate (B,2,T,F) too; others also give
                 the encoding of the mix, which no prompt changes: described (B,C,T/2,F/2), plane (B,D,T/32,any)
    mask-answer  mix, described, plane, prompt -> stem, rest, presence: the same graph from the encoding on

``--beside`` exports an ensemble of several networks as one graph, whose logits are the mean of theirs; their encodings
are concatenated, in the channels of ``described`` and in the last axis of ``plane``. Magnitudes go in; soft masks and
presence logits come out. Each of the B windows is encoded once and answers all P prompts.

The run holds ``mask.pt`` (training mask), ``queries.pt``, ``terms.json`` and ``credits.json`` (training mask-queries),
and ``presence.json`` where presence is calibrated (mask-calibrate).
"""

from __future__ import annotations

import argparse
import itertools
import json
import shutil
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx.utils
import torch
from torch import Tensor, nn

from engine.bundle.bundle import FORMAT, Attachment, Bundle, GraphSpec, Manifest, file_sha256, load_bundle
from engine.bundle.free_axes import usual_axes
from engine.bundle.separation import LEAST_FRAMES, MaskDecoderSpec, check_decoder
from export import guard
from export.cpu_session import session
from export.draft import LIMIT_BYTES, check_free, copy_files, drafted, size_bytes, write_checked
from export.free_frames import comparison_lengths, free_file_by_comparison, free_unet_file
from export.graphs import ExportSpec, text_spec
from export.parity import (
    OnnxGraph,
    TorchGraph,
    at_level,
    check_tolerance,
    demo_mix,
    difference,
    tokens_of,
    torch_outputs,
)
from export.storage import PRECISIONS, store
from export.to_onnx import export_graph
from export.upsampling import rewrite_file as replace_transposed_convolutions
from export.write import commit, graph_entry, summary
from training.mask.calibration import FILE as CALIBRATION_FILE
from training.mask.calibration import Calibration
from training.mask.calibration import load as load_calibration
from training.mask.credits import FILE as CREDITS_FILE
from training.mask.judge import FRAMES, add_ensemble_option, load_ensemble, spectra
from training.mask.network import (
    BINS,
    FFT_SAMPLES,
    HOP_SAMPLES,
    PLANE_WIDTH,
    PRESENCE_FRAMES,
    RATE_HZ,
    PromptedNetwork,
    PromptedUNet,
)
from training.mask.queries import TERMS_FILE, QueryAdapter
from training.mask.queries import load as load_queries
from training.mask.terms import CASCADES, PANNING, POOLING
from training.prompt.tower import load_text_tower
from training.text.wordings import ASKS_FILE, asks_json

LEVEL_DB = -21.4  # RMS level of the mixes that the network was trained on, dBFS
TRIALS = ((1, 1), (2, 3), (4, 1))  # (prompts, windows)
ANSWER = "mask-answer"
ENCODING, OUTPUTS = ("described", "plane"), ("stem", "rest", "presence")  # of the mask graph
Floats = npt.NDArray[np.float32]


class MaskGraph(nn.Module):
    """Query adapter and mask network in one module, as it is exported.

    Args:
        network: the averaged network of a run, or an ensemble.
        adapter: prompt embeddings -> query vectors.
        bias: added to the presence logits.
    """

    def __init__(self, network: PromptedNetwork, adapter: QueryAdapter, bias: float = 0.0) -> None:
        super().__init__()
        self.network, self.adapter, self.bias = network.eval(), adapter.eval(), bias

    def forward(self, mix: Tensor, prompt: Tensor, estimate: Tensor | None = None) -> tuple[Tensor, ...]:
        """Magnitudes (B, 2, T, F) and prompts (P, E) -> masks (P, B, 2, T, F) of stem and rest, logits (P, B, T/32).

        Without an estimate also the encoding of the mix, rounded to float16: a cache keeps it so, and then its answers
        are the same.
        """
        described, plane = self.network.encode(mix, estimate)
        if estimate is None:
            described, plane = described.half().float(), plane.half().float()
        query = self.adapter(prompt)[None].expand(mix.shape[0], -1, -1)
        logits, presence = self.network.answer(mix, described, plane, query)
        stem = logits.sigmoid().transpose(0, 1)
        answer = stem, 1 - stem, presence.transpose(0, 1) + self.bias
        return answer if estimate is not None else (*answer, described, plane)


def mask_spec(network: PromptedNetwork, adapter: QueryAdapter, frames: int = FRAMES, bias: float = 0.0) -> ExportSpec:
    """What the exporter needs to write a network's mask graph; ``frames`` are those of a window."""
    embedding = adapter.up.in_features
    plane: list[str | int] = ["B", 2, frames, BINS]
    examples = {"mix": torch.rand(3, 2, frames, BINS), "prompt": torch.randn(2, embedding)}
    inputs: dict[str, list[str | int]] = {"mix": plane, "prompt": ["P", embedding]}
    if network.config.estimate:
        examples["estimate"] = torch.rand(3, 2, frames, BINS)
        inputs["estimate"] = plane
    outputs: dict[str, list[str | int]] = {
        "stem": ["P", *plane],
        "rest": ["P", *plane],
        "presence": ["P", "B", frames // PRESENCE_FRAMES],
    }
    if not network.config.estimate:
        outputs["described"] = ["B", network.config.describe, frames // 2, BINS // 2]
        outputs["plane"] = ["B", PLANE_WIDTH, frames // PRESENCE_FRAMES, network.plane_bins]
    return ExportSpec("mask", MaskGraph(network, adapter, bias), examples, inputs, outputs)


def answer_spec(spec: ExportSpec) -> ExportSpec | None:
    """The mask graph from the encoding on; None where the network takes estimates, and encodes each prompt anew."""
    if "described" not in spec.outputs:
        return None
    encoding = {name: spec.outputs[name] for name in ENCODING}
    outputs = {name: axes for name, axes in spec.outputs.items() if name not in ENCODING}
    return ExportSpec(ANSWER, spec.module, {}, {**spec.inputs, **encoding}, outputs)


def cut_answer(answer: ExportSpec, mask: Path, path: Path) -> None:
    """Cut the answer graph out of a mask graph.

    Args:
        answer: its inputs and outputs.
        mask: the whole graph, as it is stored.
        path: ONNX file to write.
    """
    onnx.utils.extract_model(str(mask), str(path), list(answer.inputs), list(answer.outputs))


def real_mixes(count: int, frames: int = FRAMES) -> Floats:
    """Magnitudes (count, 2, frames, BINS) of windows of the demo's mix, at the level of the training.

    The last of several is silent from its middle on.
    """
    audio = demo_mix(RATE_HZ)
    samples = (frames - 1) * HOP_SAMPLES
    rows = []
    for k in range(count):
        first = k * max(0, audio.shape[1] - samples) // max(1, count - 1)
        cut = np.ascontiguousarray(np.pad(audio, ((0, 0), (0, samples)))[:, first : first + samples])
        if k and k == count - 1:
            cut[:, samples // 2 :] = 0
        rows.append(spectra(torch.from_numpy(at_level(cut, LEVEL_DB))).abs()[:, :frames, :BINS].numpy())
    return np.stack(rows)


def check_mask(
    network: PromptedNetwork, adapter: QueryAdapter, path: Path, prompts: Floats, precision: str, bias: float = 0.0,
    answer: Path | None = None,
) -> float:  # fmt: skip
    """Compare a mask graph with its network on real sound, in short windows too where the graph takes them.

    Args:
        network, adapter: what was exported.
        path: of the graph.
        prompts: embeddings (n, E), n at least 1.
        precision: of the stored weights.
        bias: of the presence logits.
        answer: of the answer graph, which must give the same; None where there is none.

    Returns:
        worst RMS of the difference against RMS of the answer, of all outputs and trials.

    Raises:
        Disagreement: it is over the tolerance.
    """
    graph, plain = session(path), MaskGraph(network, adapter, bias)
    names = [value.name for value in graph.get_outputs()]
    axis = graph.get_inputs()[0].shape[2]
    [frames] = usual_axes([axis])
    lengths = {int(frames or 0)} | ({LEAST_FRAMES} if isinstance(axis, str) else set())
    most, worst = max(windows for _, windows in TRIALS), 0.0
    for (count, windows), mix in itertools.product(TRIALS, [real_mixes(most, length) for length in lengths]):
        given = {"mix": mix[:windows], "prompt": np.resize(prompts, (count, prompts.shape[1])).astype(np.float32)}
        if network.config.estimate:
            given["estimate"] = 0.5 * mix[:windows][::-1].copy()
        expected = torch_outputs(plain, given)
        got = dict(zip(names, graph.run(None, given), strict=True))
        worst = max(worst, *(difference(w, got[n]) for w, n in zip(expected, OUTPUTS, strict=False)))
        if answer is not None:
            kept = {name: got[name] for name in ENCODING} | given
            again = dict(zip(OUTPUTS, session(answer).run(list(OUTPUTS), kept), strict=True))
            worst = max(worst, *(difference(w, again[n]) for w, n in zip(expected, OUTPUTS, strict=False)))
    check_tolerance(worst, precision, "in the mask graph")
    return worst


@dataclass(frozen=True, slots=True, kw_only=True)
class MaskExportConfig:
    """What to put into the new bundle.

    Attributes:
        run: of the mask decoder, with its queries.
        beside: runs of the other members of an ensemble.
        prompt: run of a text tower that takes the place of the bundle's; None keeps words and wordings as they are.
        version: of the new bundle.
        gate_low, gate_high: presence that shuts and opens the stem; None takes those of the run's calibration.
        precision: of the stored weights of the mask graph, one of ``PRECISIONS``.
        frames: of a window, a multiple of 64.
    """

    run: Path
    prompt: Path | None = None
    version: str = "1.0.0"
    gate_low: float | None = None
    gate_high: float | None = None
    precision: str = "fp16"
    frames: int = FRAMES
    beside: tuple[Path, ...] = ()


def write(
    config: MaskExportConfig, base: Bundle, folder: Path, replaces: bool = False, comparison: Path | None = None
) -> Manifest:
    """Write a bundle.

    Args:
        config: what is new.
        base: everything else.
        folder: of the new bundle, which is named for it; must not exist unless ``replaces``.
        replaces: True puts it in the place of an old one, once it is whole.
        comparison: what ``training bench --compare`` wrote; needed to replace a bundle that ships.

    Raises:
        FileNotFoundError: the run lacks a file.
        ValueError: the folder is taken, the parts do not fit together, or the bundle is too large or may not replace.
        export.parity.Disagreement: torch and ONNX differ; nothing was written.
    """
    check_free(folder, replaces)
    fingerprint = guard.wanted_fingerprint(folder, comparison)
    for name in ("mask.pt", CREDITS_FILE, TERMS_FILE):
        if not (config.run / name).is_file():
            raise FileNotFoundError(
                f"no {name} in {config.run}; finish `training mask` and `training mask-queries` first"
            )
    with drafted(folder) as draft:
        manifest = _fill(draft, config, base, folder.name)
        manifest = guard.approve(draft, manifest, fingerprint, comparison)
    return manifest


def _fill(draft: Path, config: MaskExportConfig, base: Bundle, name: str) -> Manifest:
    old, presence = base.manifest, _calibration(config)
    low = presence.gate_low if config.gate_low is None else config.gate_low
    high = presence.gate_high if config.gate_high is None else config.gate_high
    decoder = decoder_entry(low, high, config.frames)
    check_decoder(decoder)  # before anything that takes long
    copy_files(base, draft, {f"{ANSWER}.onnx"})
    parity, graphs = dict(old.parity), dict(old.graphs)
    manifest = replace(old, name=name, version=config.version)
    if config.prompt is not None:
        graphs["text"], parity["text"] = _replace_text_tower(draft, config, config.prompt, old)
        encoder = replace(old.encoders["text"], tokenizer_sha256=file_sha256(draft / old.encoders["text"].tokenizer))
        asks = Attachment(file=ASKS_FILE, sha256=file_sha256(draft / ASKS_FILE))
        manifest = replace(manifest, encoders={**old.encoders, "text": encoder}, asks=asks)
    network = load_ensemble([run / "mask.pt" for run in (config.run, *config.beside)])
    adapter = load_queries(config.run, network.queries.weight)
    terms = _terms(config.run, adapter, old.embedding)
    spec = export_mask(network, adapter, decoder, presence.bias, config.precision, draft / "mask.onnx")
    end = answer_spec(spec)
    graphs["mask"] = graph_entry(spec, draft, config.precision)
    graphs.pop(ANSWER, None)
    cut = None if end is None else draft / f"{ANSWER}.onnx"
    if end is not None and cut is not None:
        cut_answer(end, draft / "mask.onnx", cut)
        graphs[ANSWER] = graph_entry(end, draft, config.precision)
    parity["mask"] = check_mask(network, adapter, draft / "mask.onnx", terms, config.precision, presence.bias, cut)
    shutil.copyfile(config.run / TERMS_FILE, draft / TERMS_FILE)
    credits = _credits(config)
    manifest = replace(
        manifest,
        format=max(old.format, FORMAT),
        attribution=list(dict.fromkeys([*old.attribution, *credits])),
        trained_on=list(dict.fromkeys([*old.trained_on, *(line.split(":", 1)[0] for line in credits)])),
        graphs=graphs,
        decoder=decoder,
        terms=Attachment(file=TERMS_FILE, sha256=file_sha256(draft / TERMS_FILE)),
        pooling=POOLING,
        panning=PANNING,
        cascades=CASCADES,
        parity=parity,
        training_commit=commit(),
    )
    _check_size(draft, base)
    write_checked(draft, manifest, f"the manifest of {config.run}")
    return manifest


def export_mask(
    network: PromptedNetwork, adapter: QueryAdapter, decoder: MaskDecoderSpec, bias: float, precision: str, path: Path
) -> ExportSpec:
    """Write the mask graph of a network; its frame axis is free unless the network takes estimates.

    A plain U-Net's frames are freed by its known shapes, those of any other network by comparison of two exports. Where
    that fails the graph keeps fixed frames.

    Args:
        bias: of the presence logits.
        precision: of the stored weights.
        path: ONNX file to write.

    Returns:
        what the graph takes and gives.
    """
    spec = mask_spec(network, adapter, decoder.frames, bias)
    takes_estimate = "estimate" in spec.inputs
    is_plain_unet = type(network) is PromptedUNet and network.config.plain
    if takes_estimate or is_plain_unet or not _export_free(network, adapter, decoder, bias, path):
        export_graph(spec, path, half=False)
    store(path, precision)
    replace_transposed_convolutions(path)
    if is_plain_unet and not takes_estimate:
        free_unet_file(path, decoder)
    return spec


def _export_free(
    network: PromptedNetwork, adapter: QueryAdapter, decoder: MaskDecoderSpec, bias: float, path: Path
) -> bool:  # fmt: skip
    """Export any network twice and free the frames by comparison; False where that fails."""
    lengths = comparison_lengths(decoder.frames)
    with tempfile.TemporaryDirectory(dir=path.parent) as folder:
        other = Path(folder) / path.name
        for frames, file in zip(lengths, (path, other), strict=True):
            export_graph(mask_spec(network, adapter, frames, bias), file, half=False)
        return free_file_by_comparison(path, other, lengths, decoder)


def decoder_entry(gate_low: float, gate_high: float, frames: int = FRAMES) -> MaskDecoderSpec:
    """The manifest's entry of the mask decoder."""
    return MaskDecoderSpec(
        graph="mask",
        rate_hz=RATE_HZ,
        fft_samples=FFT_SAMPLES,
        hop_samples=HOP_SAMPLES,
        bins=BINS,
        frames=frames,
        presence_frames=PRESENCE_FRAMES,
        level_db=LEVEL_DB,
        gate_low=gate_low,
        gate_high=gate_high,
    )


def _calibration(config: MaskExportConfig) -> Calibration:
    """The calibration of the run; the default one where none was made.

    Raises:
        ValueError: it was made for another number of networks.
    """
    found, runs = load_calibration(config.run), (config.run, *config.beside)
    if (config.run / CALIBRATION_FILE).is_file() and found.networks != len(runs):
        words = f"{config.run} --beside {' '.join(map(str, config.beside))}" if config.beside else str(config.run)
        raise ValueError(
            f"presence is calibrated for {found.networks} networks in {config.run}, not for {len(runs)}; do it again: "
            f"python -m training mask-calibrate {words} --stems FOLDERS"
        )
    return found


def _credits(config: MaskExportConfig) -> list[str]:
    """Credits for the sounds that the networks were trained on."""
    files = [run / CREDITS_FILE for run in (config.run, *config.beside)]
    return [line for path in files if path.is_file() for line in json.loads(path.read_text("utf-8"))]


def _replace_text_tower(draft: Path, config: MaskExportConfig, run: Path, old: Manifest) -> tuple[GraphSpec, float]:
    """Write the text graph, tokenizer and wordings of a run in place of the bundle's.

    Returns:
        the graph's entry in the manifest, and the worst difference from torch.
    """
    encoder = old.encoders["text"]
    tower, _ = load_text_tower(run)
    spec = text_spec(tower, old.embedding)
    if tower.out.out_features != old.embedding or tower.max_tokens != encoder.max_tokens:
        raise ValueError(f"{run} has a text tower of another size than the bundle's; begin it with `training unpack`")
    precision = "fp32" if config.precision == "fp32" else "fp16"  # the tower is small, and all words hang on it
    export_graph(spec, draft / "text.onnx", precision == "fp16")
    worst = 0.0
    for rows in (1, 3):
        tokens, mask = tokens_of(spec, rows)
        both = (one(tokens=tokens, token_mask=mask) for one in (TorchGraph(spec), OnnxGraph(draft / "text.onnx")))
        worst = max(worst, difference(*both))
    check_tolerance(worst, precision, "in the text graph")
    shutil.copyfile(run / "tokenizer.json", draft / encoder.tokenizer)
    (draft / ASKS_FILE).write_text(asks_json(), "utf-8")
    return graph_entry(spec, draft, precision), worst


def _terms(run: Path, adapter: QueryAdapter, embedding: int) -> Floats:
    """Embeddings (terms, E) of ``terms.json``."""
    table: dict[str, Any] = json.loads((run / TERMS_FILE).read_text("utf-8"))
    rows = np.array(list(table.values()), np.float32)
    if rows.shape != (len(adapter.table), embedding):
        raise ValueError(
            f"{run / TERMS_FILE} has {rows.shape[0]} terms of {rows.shape[-1]} numbers, the decoder knows "
            f"{len(adapter.table)} and the bundle's prompts have {embedding}; fit the queries to this bundle"
        )
    return rows


def _check_size(draft: Path, base: Bundle) -> None:
    size, before = size_bytes(draft), size_bytes(base.folder)
    if size > LIMIT_BYTES >= before:
        raise ValueError(
            f"the bundle takes {size / 1e6:.1f} MB, over {LIMIT_BYTES / 1e6:.0f}; store its weights in 8 bits"
        )


def main(argv: list[str]) -> str:
    """Read the command line and write the bundle; a line on it."""
    parser = argparse.ArgumentParser(
        prog="python -m export mask", description="put a mask decoder into a bundle's copy"
    )
    parser.add_argument("run", type=Path, help="run of the mask decoder, with its queries")
    parser.add_argument("base", type=Path, help="folder of the bundle to copy")
    parser.add_argument("bundle", type=Path, help="folder of the new bundle")
    add_ensemble_option(parser, "runs", "RUN")
    parser.add_argument("--prompt", type=Path, metavar="RUN", help="run of a text tower to take in place of its own")
    parser.add_argument("--version", default="1.0.0")
    parser.add_argument("--gate-low", type=float, help="presence that shuts the stem; as calibrated when not given")
    parser.add_argument("--gate-high", type=float, help="presence that opens it; as calibrated when not given")
    parser.add_argument("--precision", choices=list(PRECISIONS), default="fp16", help="of the mask graph on disk")
    parser.add_argument("--replace", action="store_true", help="take the place of an old bundle")
    parser.add_argument("--comparison", type=Path, help="comparison.json of the bench; to replace a bundle that ships")
    args = parser.parse_args(argv)
    config = MaskExportConfig(
        run=args.run, prompt=args.prompt, version=args.version, gate_low=args.gate_low, gate_high=args.gate_high,
        precision=args.precision, beside=tuple(args.beside),
    )  # fmt: skip
    manifest = write(config, load_bundle(args.base), args.bundle, args.replace, args.comparison)
    graph = args.bundle / manifest.graphs["mask"].file
    return (
        f"{summary(args.bundle, manifest)}; the mask graph, {graph.stat().st_size / 1e6:.1f} MB of it, by "
        f"{manifest.parity['mask']:.1e}"
    )
