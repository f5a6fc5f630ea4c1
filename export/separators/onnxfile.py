"""Wrap an existing ONNX separator: the user supplies what the file lacks, and it gets a bundle's names.

    waveform    audio (B, 2, N) -> (B, S, 2, N), or an output (B, 2, N) for each stem
    spectra     (B, 4, bins, frames) -> (B, S, 4, bins, frames), or an output for each stem, as SCNet and MDX-Net have
                them: left real, left imaginary, right real, right imaginary; the transforms are put around the graph
    masks       magnitudes (B, 2, frames, bins) -> masks in the same way, on the grid of the mask decoder

The weights are kept as they are in the file unless another precision is asked for.
"""

from __future__ import annotations

import argparse
import tempfile
from dataclasses import dataclass
from pathlib import Path

import onnx
import torch
from onnx import TensorProto, compose, helper
from torch import Tensor, nn

from engine.bundle.separation import EXPERT_KINDS, SIDES, Axes
from engine.bundle.separator import STEM_NAME, SpectrumSpec
from export.graphs import ExportSpec
from export.separators.foreign import RATE_HZ, ForeignSeparator
from export.separators.fourier import RealStft
from export.to_onnx import export_graph

PARTS = 2 * SIDES  # real and imaginary of both sides
LIMIT_BYTES = 1 << 30


@dataclass(frozen=True, slots=True, kw_only=True)
class OnnxDescription:
    """The user's description of an ONNX file.

    Attributes:
        stems: in the order of its outputs, or of the stem axis of its only one.
        rate_hz: of the sound it takes.
        input: its name; "" for the only one.
        window_samples: where the file leaves N open.
        spectrum: window, hop, bins and frames, where it takes spectra.
        masks: True means that it takes magnitudes and answers masks.
        licence, credits: of the weights.
    """

    stems: tuple[str, ...]
    rate_hz: int = RATE_HZ
    input: str = ""
    window_samples: int = 0
    spectrum: tuple[int, int, int, int] | None = None
    masks: bool = False
    licence: str = ""
    credits: tuple[str, ...] = ()

    @classmethod
    def of(cls, args: argparse.Namespace) -> OnnxDescription:
        """From the command line."""
        return cls(
            stems=args.stems,
            rate_hz=args.rate,
            input=args.input,
            window_samples=args.window,
            spectrum=args.spectrum,
            masks=args.masks,
            licence=args.licence,
            credits=tuple(args.credit),
        )


def foreign(source: Path | None, said: OnnxDescription) -> ForeignSeparator:
    """Read a separator from an ONNX file.

    Args:
        source: the file; its weights are inside.
        said: what it does not say itself.

    Raises:
        ValueError: it is no such file, or what was said does not fit it.
    """
    if source is None or not source.is_file():
        raise ValueError(f"there is no ONNX file {source or ''}; give its path".replace("  ", " "))
    if not said.licence:
        raise ValueError("say on what terms the weights may be passed on: --licence MIT")
    if bad := [stem for stem in said.stems if not STEM_NAME.fullmatch(stem)] or not said.stems:
        raise ValueError(f"name the stems in lower case, in their order: --stems vocals,drums; got {bad or 'none'}")
    model = _read(source)
    spectrum = SpectrumSpec(**dict(zip(_SPECTRUM, said.spectrum, strict=True))) if said.spectrum else None
    if said.masks and spectrum is None:
        raise ValueError("a graph that answers masks needs its grid: --spectrum FFT,HOP,BINS,FRAMES")
    samples = 0
    if spectrum is None:
        samples = _samples(model, said)
        shape: tuple[int, ...] = (SIDES, samples)
    elif said.masks:
        shape = (SIDES, spectrum.frames, spectrum.bins)
    else:
        samples = (spectrum.frames - 1) * spectrum.hop_samples
        shape = (PARTS, spectrum.bins, spectrum.frames)
    domain = "spectral" if said.masks else "waveform"
    given = EXPERT_KINDS[domain][0] if spectrum is None or said.masks else "spectra"
    if given == "spectra":
        assert spectrum is not None  # there are spectra only where there is one
        planes = tuple(f"{stem}.plane" for stem in said.stems)
        model = rename_graph(model, said.input, given, planes, shape)
        model = wrap_transforms(model, planes, said.stems, spectrum, samples)
    else:
        model = rename_graph(model, said.input, given, said.stems, shape)
    return ForeignSeparator(
        name=source.stem.lower(),
        domain=domain,
        stems=said.stems,
        graph=model.SerializeToString(),
        licence=said.licence,
        attribution=said.credits or (f"{source.name}: {said.licence}",),
        source=f"ONNX file {source.name}",
        rate_hz=said.rate_hz,
        window_samples=0 if said.masks else samples,
        spectrum=spectrum if said.masks else None,
    )


_SPECTRUM = ("fft_samples", "hop_samples", "bins", "frames")


def _read(path: Path) -> onnx.ModelProto:
    if path.stat().st_size > LIMIT_BYTES:
        raise ValueError(f"{path.name} is over {LIMIT_BYTES >> 20} MiB")
    try:
        model = onnx.load(str(path), load_external_data=False)
        is_whole = all(tensor.data_location != TensorProto.EXTERNAL for tensor in model.graph.initializer)
        if is_whole:  # else the checker complains of what it calls no regular file
            onnx.checker.check_model(model)
    except Exception as error:  # protobuf and the checker have classes of their own
        raise ValueError(f"{path.name} is no ONNX file ({str(error).splitlines()[0][:160]})") from error
    if not is_whole:
        raise ValueError(
            f"{path.name} has its weights in a file beside it; make one file of both, as by "
            f"""python -c "import onnx; onnx.save(onnx.load('{path.name}'), 'whole.onnx')", and give that"""
        )
    for node in model.graph.node:
        if node.domain not in ("", "ai.onnx"):
            raise ValueError(f"{path.name} needs operators of {node.domain}; only those of ONNX itself run everywhere")
    return model


def _samples(model: onnx.ModelProto, said: OnnxDescription) -> int:
    """N of a waveform graph: of the file, or as the user says."""
    sizes = _sizes(_input(model, said.input))
    found = sizes[-1] if sizes else 0
    if found and said.window_samples and found != said.window_samples:
        raise ValueError(f"the file takes {found} samples, --window says {said.window_samples}")
    if not (found or said.window_samples):
        raise ValueError("the file leaves open how many samples it takes; say it: --window SAMPLES")
    return found or said.window_samples


def _input(model: onnx.ModelProto, name: str) -> onnx.ValueInfoProto:
    weights = {tensor.name for tensor in model.graph.initializer}
    inputs = [value for value in model.graph.input if value.name not in weights]
    chosen = [value for value in inputs if value.name == name] if name else inputs
    if len(chosen) != 1 or len(inputs) != 1:
        there = ", ".join(value.name for value in inputs)
        raise ValueError(f"the file must take one input{f', {name}' if name else ''}; it takes {there}")
    return chosen[0]


def _sizes(value: onnx.ValueInfoProto) -> list[int]:
    return [axis.dim_value for axis in value.type.tensor_type.shape.dim]


def rename_graph(
    model: onnx.ModelProto, name: str, given: str, stems: tuple[str, ...], shape: tuple[int, ...]
) -> onnx.ModelProto:
    """Give a graph the names and axes of a bundle; a single output of all stems is split.

    Args:
        name: of its input; "" for the only one.
        shape: of the input and every output, without the batch.

    Raises:
        ValueError: inputs and outputs are others than were said.
    """
    taken = _input(model, name)
    sizes = _sizes(taken)
    if len(sizes) != len(shape) + 1 or any(size and size != want for size, want in zip(sizes[1:], shape, strict=True)):
        raise ValueError(f"the input {taken.name} has the axes {sizes}, where what was said makes it B, {shape}")
    model = compose.add_prefix(model, "foreign.")
    graph = model.graph
    before = _input(model, f"foreign.{taken.name}" if name else "").name
    outputs = [value.name for value in graph.output]
    nodes = [helper.make_node("Identity", [given], [before]), *graph.node]
    if len(outputs) == len(stems) and len(stems) > 1:
        nodes += [helper.make_node("Identity", [old], [stem]) for old, stem in zip(outputs, stems, strict=True)]
    elif len(outputs) == 1:
        nodes += _split_stems(graph, outputs[0], stems, shape)
    else:
        raise ValueError(f"the file has {len(outputs)} outputs for {len(stems)} stems; name them all, in their order")
    axes: Axes = ["B", *shape]
    weights = [value for value in graph.input if value.name != before]
    del graph.node[:], graph.input[:], graph.output[:], graph.value_info[:]
    graph.node.extend(nodes)
    graph.input.extend([helper.make_tensor_value_info(given, TensorProto.FLOAT, axes), *weights])
    graph.output.extend(helper.make_tensor_value_info(stem, TensorProto.FLOAT, axes) for stem in stems)
    del model.metadata_props[:]
    return model


def _split_stems(
    graph: onnx.GraphProto, output: str, stems: tuple[str, ...], shape: tuple[int, ...]
) -> list[onnx.NodeProto]:
    sizes = _sizes(graph.output[0])
    rank = len(sizes)
    if rank == len(shape) + 1 and len(stems) == 1:
        return [helper.make_node("Identity", [output], [stems[0]])]
    if rank and rank != len(shape) + 2:
        raise ValueError(f"the output {output} has {rank} axes; it must have a batch, the stems and {len(shape)} more")
    if rank and sizes[1] not in (0, len(stems)):
        raise ValueError(f"the output {output} holds {sizes[1]} stems, {len(stems)} are named; name them all")
    graph.initializer.extend(helper.make_tensor(f"stem.{k}", TensorProto.INT64, [], [k]) for k in range(len(stems)))
    return [helper.make_node("Gather", [output, f"stem.{k}"], [stem], axis=1) for k, stem in enumerate(stems)]


class SpectrogramFrontEnd(nn.Module):
    """Audio (B, 2, N) -> spectra (B, 4, bins, frames)."""

    def __init__(self, transform: RealStft, bins: int) -> None:
        super().__init__()
        self.transform, self.bins = transform, bins

    def forward(self, audio: Tensor) -> Tensor:
        both = torch.stack(self.transform.analyse(audio), dim=2)
        return both[..., : self.bins, :].flatten(1, 2)


class SpectrogramBackEnd(nn.Module):
    """Spectra (B, S, 4, bins, frames) -> audio (B, 2, N) of every stem."""

    def __init__(self, transform: RealStft, bins: int) -> None:
        super().__init__()
        self.transform, self.missing = transform, transform.fourier.bins - bins

    def forward(self, spectra: Tensor) -> tuple[Tensor, ...]:
        parts = nn.functional.pad(spectra.unflatten(2, (SIDES, 2)), (0, 0, 0, self.missing))
        audio: Tensor = self.transform.synthesise(parts[:, :, :, 0], parts[:, :, :, 1])
        return tuple(audio.unbind(1))


def wrap_transforms(
    model: onnx.ModelProto, planes: tuple[str, ...], stems: tuple[str, ...], spectrum: SpectrumSpec, samples: int
) -> onnx.ModelProto:
    """Wrap a graph over spectra in the transforms: audio in, audio out.

    Args:
        model: takes ``spectra``.
        stems: what these are called as sound.
    """
    transform = RealStft(spectrum.fft_samples, spectrum.hop_samples, samples)
    plane = (PARTS, spectrum.bins, spectrum.frames)
    audio: Axes = ["B", SIDES, samples]
    front = ExportSpec(
        "front",
        SpectrogramFrontEnd(transform, spectrum.bins),
        {"audio": torch.zeros(2, SIDES, samples)},
        {"audio": audio},
        {"spectra": ["B", *plane]},
    )
    back = ExportSpec(
        "back", SpectrogramBackEnd(transform, spectrum.bins), {"spectra": torch.zeros(2, len(stems), *plane)},
        {"spectra": ["B", len(stems), *plane]}, dict.fromkeys(stems, audio),
    )  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        ends = [_exported(spec, Path(folder)) for spec in (front, back)]
    _stack(model.graph, planes, plane)
    opset = max(one.opset_import[0].version for one in (model, *ends))
    parts = [_of_opset(one, opset) for one in (ends[0], model, ends[1])]
    for one in parts:
        one.ir_version = max(other.ir_version for other in parts)
    before, inner, after = parts
    whole = compose.merge_models(before, inner, [("front.spectra", "spectra")])
    whole = compose.merge_models(whole, after, [("stack", "back.spectra")])
    names = {f"back.{stem}": stem for stem in stems} | {"front.audio": "audio"}
    for node in whole.graph.node:
        for values in (node.input, node.output):
            for k, name in enumerate(values):
                values[k] = names.get(name, name)
    for value in (*whole.graph.input, *whole.graph.output):
        value.name = names.get(value.name, value.name)
    onnx.checker.check_model(whole)
    return whole


def _exported(spec: ExportSpec, folder: Path) -> onnx.ModelProto:
    file = folder / f"{spec.name}.onnx"
    export_graph(spec, file, half=False)
    return compose.add_prefix(onnx.load(str(file)), f"{spec.name}.")


def _stack(graph: onnx.GraphProto, stems: tuple[str, ...], plane: tuple[int, ...]) -> None:
    """One output ``stack`` (B, S, ...) in the place of one for each stem."""
    graph.initializer.append(helper.make_tensor("stem.axis", TensorProto.INT64, [1], [1]))
    graph.node.extend(helper.make_node("Unsqueeze", [stem, "stem.axis"], [f"{stem}.one"]) for stem in stems)
    graph.node.append(helper.make_node("Concat", [f"{stem}.one" for stem in stems], ["stack"], axis=1))
    del graph.output[:]
    graph.output.append(helper.make_tensor_value_info("stack", TensorProto.FLOAT, ["B", len(stems), *plane]))


def _of_opset(model: onnx.ModelProto, opset: int) -> onnx.ModelProto:
    if model.opset_import[0].version != opset:
        return onnx.version_converter.convert_version(model, opset)
    return model
