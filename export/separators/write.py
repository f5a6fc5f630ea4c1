"""Write a separator bundle: the graph, parity check, hashes, and the manifest last, in a draft that becomes it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch

from engine.bundle.bundle import file_sha256, write_manifest
from engine.bundle.manifest import FORMAT, GraphSpec
from engine.bundle.separation import EXPERT_KINDS, SIDES
from engine.bundle.separator import SEPARATOR, SeparatorManifest, SpectrumSpec, check_separator, separator_to_json
from export import guard
from export.cpu_session import session
from export.draft import check_free, drafted, size_bytes
from export.parity import at_level, check_tolerance, demo_mix, difference, sounds, torch_outputs
from export.separators.foreign import ForeignSeparator
from export.storage import store
from export.to_onnx import export_graph
from export.upsampling import rewrite_file

GRAPH = "separator"
Arrays = list[np.ndarray[Any, Any]]


def write_separator(
    foreign: ForeignSeparator, folder: Path, name: str, version: str, precision: str, replaces: bool = False
) -> SeparatorManifest:
    """Export a foreign separator.

    Args:
        folder: of the bundle; must not exist unless ``replaces``.
        name, version: of the bundle.
        precision: of the stored weights, one of ``PRECISIONS``.
        replaces: True puts it in the place of an old one, once it is whole.

    Raises:
        ValueError: the folder is taken or that of a bundle that ships, or the separator has names or sizes that no
            bundle may have.
        export.parity.Disagreement: torch and ONNX differ; nothing was written.
    """
    check_free(folder, replaces)
    if guard.ships(folder):
        raise ValueError(f"{folder} ships; give a separator a folder of its own")
    with drafted(folder) as draft:
        return _fill(draft, foreign, name, version, precision)


def summary(folder: Path, manifest: SeparatorManifest) -> str:
    """One line on a finished separator bundle."""
    parity = manifest.parity
    return (
        f"{folder}: {manifest.name} {manifest.version}, {manifest.domain}, {', '.join(manifest.stems)}, "
        f"{size_bytes(folder) / 1e6:.1f} MB in {manifest.graph.precision}; differs by {parity['measured']:.1e} "
        f"from the network as it was (allowed {parity['tolerance']:.0e}); licence {manifest.licence}"
    )


def _fill(draft: Path, foreign: ForeignSeparator, name: str, version: str, precision: str) -> SeparatorManifest:
    file = draft / f"{GRAPH}.onnx"
    axes: list[str | int] = ["B", *foreign.shape]
    inputs: dict[str, list[str | int]] = {EXPERT_KINDS[foreign.domain][0]: axes}
    graph = GraphSpec(
        file=file.name, sha256="0" * 64, inputs=inputs, outputs=dict.fromkeys(foreign.stems, axes), precision=precision
    )
    manifest = SeparatorManifest(
        format=FORMAT,
        kind=SEPARATOR,
        name=name,
        version=version,
        licence=foreign.licence,
        attribution=list(foreign.attribution),
        domain=foreign.domain,
        stems=list(foreign.stems),
        rate_hz=foreign.rate_hz,
        graph=graph,
        spectrum=foreign.spectrum,
        window_samples=foreign.window_samples,
        level_db=foreign.level_db,
        source=foreign.source,
        notes=foreign.notes,
    )
    check_separator(manifest)  # before the work
    parity = _make(foreign, file, precision)
    manifest = replace(manifest, graph=replace(graph, sha256=file_sha256(file)), parity=parity)
    write_manifest(draft, separator_to_json(manifest))
    return manifest


def _make(foreign: ForeignSeparator, file: Path, precision: str) -> dict[str, float]:
    """Put the graph into ``file`` and compare it with what it was made from; gives the manifest's ``parity``."""
    given = EXPERT_KINDS[foreign.domain][0]
    real = [{given: real_input(foreign)}]
    if foreign.network is not None:
        spec, trials = foreign.spec(GRAPH), [{given: x} for x in trial_inputs(foreign)] + real
        export_graph(spec, file, half=False)
        wanted = [torch_outputs(spec.module, one) for one in trials]
        _compare(wanted, answers(file, foreign.stems, trials), "fp32", "torch and ONNX")
        wanted = wanted[-1:]
    else:
        assert foreign.graph is not None  # one of both is given
        file.write_bytes(foreign.graph)
        wanted = answers(file, foreign.stems, real)
    store(file, precision)
    rewrite_file(file)
    worst = _compare(wanted, answers(file, foreign.stems, real), precision, f"float32 and {precision}")
    return {"tolerance": check_tolerance(worst, precision), "measured": worst}


def _compare(wanted: list[Arrays], got: list[Arrays], precision: str, what: str) -> float:
    pairs = (pair for one, other in zip(wanted, got, strict=True) for pair in zip(one, other, strict=True))
    worst = max(difference(a, b) for a, b in pairs)
    check_tolerance(worst, precision, what=what)
    return worst


def trial_inputs(foreign: ForeignSeparator) -> Arrays:
    """Inputs the graph was not traced with: batches of 1 and 3 of a chord, noise, silence; the two channels differ."""
    made: Arrays = []
    for mono in sounds(_samples(foreign), foreign.rate_hz):
        stereo = np.concatenate([mono, 0.7 * np.roll(mono, 500, axis=-1)], axis=1).astype(np.float32)
        made.append(stereo if foreign.spectrum is None else magnitudes(stereo, foreign.spectrum))
    return made


def real_input(foreign: ForeignSeparator) -> np.ndarray[Any, Any]:
    """A voice with a band, at the level that the graph is given: what fewer bits cost shows on music alone."""
    audio, count = demo_mix(foreign.rate_hz), _samples(foreign)
    rows = np.stack([np.resize(audio[:, start:], (SIDES, count)) for start in (0, audio.shape[1] // 3)])
    rows = at_level(rows, foreign.level_db)
    return rows if foreign.spectrum is None else magnitudes(rows, foreign.spectrum)


def _samples(foreign: ForeignSeparator) -> int:
    spectrum = foreign.spectrum
    return foreign.window_samples if spectrum is None else (spectrum.frames - 1) * spectrum.hop_samples


def magnitudes(audio_BCN: np.ndarray[Any, Any], spectrum: SpectrumSpec) -> np.ndarray[Any, Any]:
    """Input of a spectral graph: float32 (batch, channels, frames, bins), silence around the sound."""
    flat = torch.from_numpy(audio_BCN.reshape(-1, audio_BCN.shape[-1]))
    window = torch.hann_window(spectrum.fft_samples)
    spectra = torch.stft(
        flat, spectrum.fft_samples, spectrum.hop_samples, window=window, pad_mode="constant", return_complex=True
    )
    shown = spectra.abs()[:, : spectrum.bins, : spectrum.frames].transpose(1, 2).reshape(
        *audio_BCN.shape[:2], spectrum.frames, spectrum.bins
    )  # fmt: skip
    value: np.ndarray[Any, Any] = np.ascontiguousarray(shown.numpy())
    return value


def answers(file: Path, stems: tuple[str, ...], trials: list[dict[str, np.ndarray[Any, Any]]]) -> list[Arrays]:
    """Run a graph in ONNX Runtime, stem by stem.

    Raises:
        ValueError: the file is no graph, or does not run.
    """
    try:
        onnx.checker.check_model(str(file))
        graph = session(file)
        return [graph.run(list(stems), given) for given in trials]
    except Exception as error:  # the runtime has a class of its own for everything that can be wrong with a graph
        raise ValueError(f"{file.name} is no graph that runs ({str(error).splitlines()[0][:200]})") from error
