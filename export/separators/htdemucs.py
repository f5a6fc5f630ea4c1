"""HTDemucs as a waveform graph: the architecture of PyPI ``demucs``, the weights of a checkpoint file.

Its Fourier transforms are done in real arithmetic (``fourier.py``); everything between them is the package's own code.
A checkpoint says which class to build; here that name is only looked at, and the class is always the package's.

Source: Rouard, Massa and Defossez 2023, arXiv 2211.08553 (code: MIT; published weights: for research, as their author
says in issues 327 and 508 of facebookresearch/demucs).
"""

from __future__ import annotations

import json
import math
from fractions import Fraction
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from export.separators.foreign import OWN_TERMS, ForeignSeparator
from export.separators.fourier import RealFourier, frame, overlap_add
from training.trainer.checkpoints import NUMPY_TYPES, as_float_tensors, load_weights, read_checkpoint

CLASS = "demucs.htdemucs.HTDemucs"
OVERLAP = 4
PUBLISHED_LICENCE = "for scientific purposes only, says the author (github.com/facebookresearch/demucs/issues/327)"
ATTRIBUTION = (
    "HTDemucs by Meta Platforms, code MIT: S. Rouard, F. Massa and A. Defossez, Hybrid Transformers for Music Source "
    "Separation, ICASSP 2023, arXiv 2211.08553",
)


class CheckpointStub:
    """Placeholder for the class that a checkpoint names; it has no behaviour."""


def foreign(source: Path | None, download: str = "") -> ForeignSeparator:
    """The separator that a checkpoint holds.

    Args:
        source: a ``.th`` or ``.safetensors`` file of one model.
        download: name of a published model to fetch when there is no ``source``; "" never uses the network.

    Raises:
        ValueError: the package is missing, or the file is not the checkpoint of one HTDemucs.
    """
    if source is None:
        source = _fetch(download)
    elif download:
        raise ValueError("give a checkpoint or --download, not both")
    args, kwargs, state = read(source)
    licence = PUBLISHED_LICENCE if download else OWN_TERMS
    return of_network(build(args, kwargs, state, source.name), f"checkpoint {source.name}", licence)


def of_network(network: Any, source: str, licence: str) -> ForeignSeparator:
    """The separator that is made of an HTDemucs with its weights.

    Args:
        source: where the weights came from.
        licence: of the weights.

    Raises:
        ValueError: it is one of a kind that cannot become a graph.
    """
    if network.audio_channels != 2 or not network.cac or network.wiener_iters:
        raise ValueError("only HTDemucs for two channels with complex spectra as channels can become a graph")
    samples = int(network.segment * network.samplerate)
    stems = tuple(str(name).replace("_", "-") for name in network.sources)
    return ForeignSeparator(
        name="htdemucs",
        domain="waveform",
        stems=stems,
        network=HtdemucsGraph(network.eval().requires_grad_(False), samples),
        licence=licence,
        attribution=ATTRIBUTION,
        source=source,
        rate_hz=int(network.samplerate),
        window_samples=samples,
    )


class HtdemucsGraph(nn.Module):
    """HTDemucs without complex numbers: audio (B, 2, N) -> audio (B, 2, N) of each source.

    Args:
        samples: N, its segment.
    """

    def __init__(self, network: Any, samples: int) -> None:
        super().__init__()
        self.network, self.samples = network, samples
        self.fourier = RealFourier(network.nfft)
        self.register_buffer("window", torch.hann_window(network.nfft), persistent=False)
        self.hop = network.hop_length
        self.edge = self.hop // 2 * 3
        self.frames = math.ceil(samples / self.hop)
        self.scale = network.nfft**-0.5  # the package's transforms are normalised
        # forward of the package calls these four; with them it sees real numbers alone
        network._spec, network._magnitude = self._analyse, _as_channels
        network._mask, network._ispec = _as_parts, self._synthesise
        torch.backends.mha.set_fastpath_enabled(False)  # the fused attention cannot be exported

    def forward(self, audio: Tensor) -> tuple[Tensor, ...]:
        made: Tensor = self.network(audio)
        return tuple(made.unbind(1))

    def _analyse(self, audio: Tensor) -> Tensor:
        """(B, C, N) -> (B, C, 2, bins, frames), real and imaginary; the highest bin is left out, as in the package."""
        after = self.edge + self.frames * self.hop - self.samples
        padded = F.pad(audio, (self.edge, after), mode="reflect")
        framed = frame(padded, self.hop, OVERLAP, self.frames) * self.window
        both = torch.stack(self.fourier.analyse(framed), dim=2)[..., :-1] * self.scale
        return both.transpose(-1, -2)

    def _synthesise(self, parts: Tensor, length: int) -> Tensor:
        """(B, S, C, 2, bins, frames) -> (B, S, C, length)."""
        real, imaginary = F.pad(parts.transpose(-1, -2), (0, 1)).unbind(3)
        framed = self.fourier.synthesise(real, imaginary) * (self.window / (1.5 * self.scale))
        return overlap_add(framed, OVERLAP)[..., self.edge : self.edge + length]


def _as_channels(parts: Tensor) -> Tensor:
    return parts.flatten(1, 2)


def _as_parts(_: Tensor, made: Tensor) -> Tensor:
    return made.unflatten(2, (-1, 2))


def read(path: Path) -> tuple[list[Any], dict[str, Any], dict[str, Tensor]]:
    """Arguments of the network and its weights, from a checkpoint of the package.

    Raises:
        ValueError: the file is no such checkpoint.
    """
    if path.suffix == ".safetensors":
        return _read_safetensors(path)
    allowed = (*NUMPY_TYPES, Fraction, (CheckpointStub, CLASS))
    package = read_checkpoint(path, None, allowed)
    if not isinstance(package, dict) or package.get("klass") is not CheckpointStub:
        raise ValueError(f"{path.name} is not the checkpoint of one HTDemucs; bags of models are files of their own")
    return list(package.get("args", ())), dict(package.get("kwargs", {})), _plain(package.get("state"), path.name)


def _read_safetensors(path: Path) -> tuple[list[Any], dict[str, Any], dict[str, Tensor]]:
    try:
        from safetensors import SafetensorError, safe_open
    except ImportError as error:
        raise ValueError("safetensors is not installed; pip install 'fluxstem[clap]'") from error
    try:
        with safe_open(str(path), framework="pt") as file:
            said = file.metadata() or {}
            state = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        args, kwargs = (_decoded(json.loads(said[key])) for key in ("args", "kwargs"))
    except (OSError, SafetensorError, KeyError, ValueError) as error:
        raise ValueError(f"{path.name} is not the checkpoint of one HTDemucs ({error})") from error
    if said.get("klass") != CLASS:
        raise ValueError(f"{path.name} is a {said.get('klass')}, not {CLASS}")
    return list(args), dict(kwargs), _plain(state, path.name)


def _plain(state: Any, where: str) -> dict[str, Tensor]:
    if isinstance(state, dict) and "__quantized" in state:
        raise ValueError(f"{where} holds packed weights; use a model that is not quantized")
    return as_float_tensors(state, where)


def _decoded(value: Any) -> Any:
    """The package writes fractions as tables."""
    if isinstance(value, dict):
        if value.get("_type") == "fraction":
            return Fraction(int(value["numerator"]), int(value["denominator"]))
        return {key: _decoded(item) for key, item in value.items()}
    return [_decoded(item) for item in value] if isinstance(value, list) else value


def build(args: list[Any], kwargs: dict[str, Any], state: dict[str, Tensor], where: str) -> Any:
    """The package's network with these weights.

    Raises:
        ValueError: the package is missing, or they are not of one HTDemucs.
    """
    architecture = _architecture()
    try:
        network = architecture(*args, **kwargs)
    except (TypeError, ValueError, AssertionError) as error:
        raise ValueError(f"{where} describes no HTDemucs that this demucs can build ({error})") from error
    load_weights(network, state, where)
    return network


def _architecture() -> Any:
    try:
        from demucs.htdemucs import HTDemucs
    except ImportError as error:
        raise ValueError(
            f"demucs cannot be used ({error}); pip install --no-deps 'demucs>=4.1,<4.2' and einops, julius, tqdm"
        ) from error
    return HTDemucs


def _fetch(name: str) -> Path:
    """A published model as the package fetches it; the only place that uses the network."""
    if not name:
        raise ValueError("give the path of a checkpoint, or --download NAME to fetch a published one")
    try:
        from huggingface_hub import hf_hub_download
    except ImportError as error:
        raise ValueError("huggingface_hub is not installed; give the path of a checkpoint") from error
    import yaml
    from demucs.hf import DEFAULT_NAMESPACE, hf_repo_name

    repository = f"{DEFAULT_NAMESPACE}/{hf_repo_name(name)}"
    models = yaml.safe_load(Path(hf_hub_download(repository, f"{name}.yaml")).read_text("utf-8"))["models"]
    if len(models) != 1:
        raise ValueError(f"{name} is a bag of {len(models)} models; fetch one that is a single model, as htdemucs")
    return Path(hf_hub_download(repository, f"{models[0]}.safetensors"))
