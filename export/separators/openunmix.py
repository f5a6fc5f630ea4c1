"""Open-Unmix as a waveform graph: a net for each stem, from checkpoints of yours.

Each net answers magnitudes; a stem's sound is the mix times their share of what all nets answer, which is Open-Unmix
without its expectation-maximisation. Fourier transforms are done in real arithmetic (``fourier.py``).

Source: Stoeter et al. 2019, JOSS 4(41), 1667 (code: MIT; the published weights of umxl are CC BY-NC-SA).
"""

from __future__ import annotations

import json
import sys
import types
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from export.separators.foreign import OWN_TERMS, RATE_HZ, ForeignSeparator
from export.separators.fourier import RealStft
from training.trainer.checkpoints import as_float_tensors, load_weights, read_checkpoint

SUFFIXES = (".pth", ".pt", ".chkpnt")
SETTINGS = "separator.json"
IGNORED = ("stft.window", "transform.0.window", "sample_rate", "num_batches_tracked")
ATTRIBUTION = (
    "Open-Unmix, code MIT: F.-R. Stoeter, S. Uhlich, A. Liutkus and Y. Mitsufuji, Open-Unmix - A Reference "
    "Implementation for Music Source Separation, JOSS 2019, doi:10.21105/joss.01667",
)
PUBLISHED = {"umxhq": "MIT", "umxl": "CC-BY-NC-SA-4.0"}  # name that --download takes: licence of the weights
TINY = 1e-10


class OpenUnmixGraph(nn.Module):
    """Audio (B, 2, N) -> audio (B, 2, N) of each stem.

    Args:
        nets: of the package, one for each stem.
        fft_samples, hop_samples: of their spectra.
        samples: N.
    """

    def __init__(self, nets: list[nn.Module], fft_samples: int, hop_samples: int, samples: int) -> None:
        super().__init__()
        self.nets = nn.ModuleList(nets)
        self.transform = RealStft(fft_samples, hop_samples, samples)

    def forward(self, audio: Tensor) -> tuple[Tensor, ...]:
        real, imaginary = self.transform.analyse(audio)
        magnitude = torch.sqrt(torch.clamp(real.square() + imaginary.square(), min=TINY**2))
        answers = [forward_net(net, magnitude) for net in self.nets]
        whole = torch.maximum(torch.stack(answers).sum(0), magnitude)  # what no net claims belongs to no stem
        shares = [part / (whole + TINY) for part in answers]
        return tuple(self.transform.synthesise(real * share, imaginary * share) for share in shares)


class LayeredLstm(nn.Module):
    """An LSTM of several layers as one for each layer: one node of a graph each, where one for all is traced.

    Frames (T, B, I) -> what the last layer hears (T, B, ways * H); its state at the end is not given.
    """

    def __init__(self, cell: nn.LSTM) -> None:
        super().__init__()
        state = cell.state_dict()
        self.layers = nn.ModuleList()
        for k in range(cell.num_layers):
            inputs = state[f"weight_ih_l{k}"].shape[1]
            layer = nn.LSTM(inputs, cell.hidden_size, batch_first=True, bidirectional=cell.bidirectional)
            layer.load_state_dict({name: state[name.replace("_l0", f"_l{k}")] for name in layer.state_dict()})
            self.layers.append(layer)

    def forward(self, x: Tensor) -> tuple[Tensor, None]:
        heard = x.transpose(0, 1)
        for layer in self.layers:
            heard = layer(heard)[0]
        return heard.transpose(0, 1), None


def forward_net(net: Any, magnitude: Tensor) -> Tensor:
    """Forward pass of a net of the package; (B, C, bins, frames) in and out.

    The same numbers as its own ``forward``, which copies the mix in a way that no graph has.
    """
    x = magnitude.permute(3, 0, 1, 2)
    frames, batch, channels, _ = x.shape
    y = (x[..., : net.nb_bins] + net.input_mean) * net.input_scale
    y = net.bn1(net.fc1(y.reshape(-1, channels * net.nb_bins)))
    y = torch.tanh(y.reshape(frames, batch, net.hidden_size))
    y = torch.cat([y, net.lstm(y)[0]], -1)
    y = torch.relu(net.bn2(net.fc2(y.reshape(-1, y.shape[-1]))))
    y = net.bn3(net.fc3(y)).reshape(frames, batch, channels, net.nb_output_bins)
    y = torch.relu(y * net.output_scale + net.output_mean) * x
    return y.permute(1, 2, 3, 0)


def foreign(source: Path | None, window_s: float = 6.0, download: str = "") -> ForeignSeparator:
    """The separator that a folder of checkpoints holds.

    Args:
        source: folder with a checkpoint for each stem (``vocals.pth``, ``drums.pth``) and ``separator.json``, as the
            package writes them; without that file they are taken to be of 44.1 kHz, 4096 and 1024.
        window_s: seconds of one window of the graph.
        download: name of published weights to fetch when there is no ``source``; "" never uses the network.

    Raises:
        ValueError: the package is missing, or the folder holds no such checkpoints.
    """
    architecture = _architecture()
    if source is None:
        states, settings, said = _fetch(download), {}, f"published weights {download}"
    else:
        if download:
            raise ValueError("give a folder of checkpoints or --download, not both")
        states, settings, said = _read(source)
    fft, hop, rate_hz = (
        int(settings.get(key, usual)) for key, usual in (("nfft", 4096), ("nhop", 1024), ("sample_rate", RATE_HZ))
    )
    samples = round(window_s * rate_hz / hop) * hop
    nets = [_net(architecture, state, fft // 2 + 1, stem) for stem, state in states.items()]
    return ForeignSeparator(
        name="openunmix",
        domain="waveform",
        stems=tuple(states),
        network=OpenUnmixGraph(nets, fft, hop, samples).eval().requires_grad_(False),
        licence=PUBLISHED.get(download, OWN_TERMS),
        attribution=ATTRIBUTION,
        source=said,
        rate_hz=rate_hz,
        window_samples=samples,
        notes="Without the expectation-maximisation of the original.",
    )


def _read(folder: Path) -> tuple[dict[str, dict[str, Tensor]], dict[str, Any], str]:
    if not folder.is_dir():
        raise ValueError(f"{folder} is no folder; give the one with a checkpoint for each stem")
    files = [path for path in sorted(folder.iterdir()) if path.suffix in SUFFIXES]
    states: dict[str, dict[str, Tensor]] = {}
    for path in files:
        held = read_checkpoint(path)
        if isinstance(held, dict) and "state_dict" in held:  # with the optimiser, as it is saved while training
            held = held["state_dict"]
        stem = path.stem.split("-")[0].lower().replace("_", "-")
        if stem in states:
            raise ValueError(f"{folder} holds two checkpoints for {stem}; leave one")
        states[stem] = as_float_tensors(held, path.name)
    if not states:
        raise ValueError(f"{folder} holds no checkpoint; each is named after its stem, as vocals.pth")
    settings = folder / SETTINGS
    try:
        said = json.loads(settings.read_text("utf-8")) if settings.is_file() else {}
    except (OSError, ValueError) as error:
        raise ValueError(f"{settings} cannot be read ({error})") from error
    if said.get("nb_channels", 2) != 2:
        raise ValueError(f"{settings} says {said['nb_channels']} channels; only stereo nets can become a graph")
    return states, said, "checkpoints " + ", ".join(path.name for path in files)


def _net(architecture: Any, state: dict[str, Tensor], bins: int, stem: str) -> nn.Module:
    try:
        hidden, seen = state["fc1.weight"].shape[0], state["input_mean"].shape[0]
        layers = sum(name.startswith("lstm.weight_ih_l") and not name.endswith("reverse") for name in state)
        one_way = not any(name.endswith("_reverse") for name in state)
    except KeyError as error:
        raise ValueError(f"the checkpoint of {stem} is of another network: {error} is missing") from error
    net: nn.Module = architecture(
        nb_bins=bins, nb_channels=2, hidden_size=hidden, nb_layers=layers, unidirectional=one_way, max_bin=seen
    )
    load_weights(net, state, f"the checkpoint of {stem}", ignored=IGNORED)
    net.lstm = LayeredLstm(net.lstm)  # type: ignore[arg-type]  # of the package, which says nothing of types
    return net.eval()


def _architecture() -> Any:
    try:
        try:
            import torchaudio  # noqa: F401
        except (ImportError, OSError):  # the package reads files with it; the network does not need it
            sys.modules["torchaudio"] = types.ModuleType("torchaudio")
        from openunmix.model import OpenUnmix
    except ImportError as error:
        raise ValueError(
            f"openunmix cannot be used ({error}); pip install --no-deps 'openunmix>=1.3,<1.4' and tqdm"
        ) from error
    return OpenUnmix


def _fetch(name: str) -> dict[str, dict[str, Tensor]]:
    """Published weights as the package fetches them; the only place that uses the network."""
    if not name:
        raise ValueError("give the folder of the checkpoints, or --download NAME to fetch published ones")
    if name not in PUBLISHED:
        raise ValueError(f"published weights are {', '.join(PUBLISHED)}, got {name!r}")
    import openunmix

    nets = getattr(openunmix, f"{name}_spec")(pretrained=True)
    return {stem: dict(net.state_dict()) for stem, net in nets.items()}
