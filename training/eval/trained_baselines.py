"""Known separators trained on our audio: HTDemucs's and Open-Unmix's architectures, in small sizes.

    python -m training.eval.trained_baselines train KIND CACHE OUT.pt --minutes M     random weights -> a checkpoint
    python -m training.eval.trained_baselines answer OUT.pt FOLDER                    a bench adapter, see adapter.py

Runs alone, in an environment that has ``demucs`` or ``openunmix``: nothing else of ours imports them. They have no
prompt: each has one output for each family of the bench, and is asked for the family. They train on mixes of the same
cache of stems as the flow does. Knows nothing of bundles.

Sources: Rouard et al. 2023, arXiv:2211.08553 (HTDemucs); Stoeter et al. 2019, JOSS 4(41), 1667 (Open-Unmix).
"""

from __future__ import annotations

import argparse
import json
import sys
import time
import types
from pathlib import Path
from typing import Any

import numpy as np
import soundfile as sf
import soxr
import torch
from torch import Tensor, nn

from training.data.instruments import families, holdout
from training.data.mixer import Mixer
from training.data.stem_cache import StemCache
from training.eval.adapter import JOBS

CROP_S = 3.0
BATCH = 4
LEARNING_RATE = 1e-3
FFT, HOP = 1024, 256
OTHER = "other"
PRINT_EVERY_S = 20.0


def outputs() -> tuple[str, ...]:
    """Families a rival can give: those that a reserved recording plays, and one output for all else."""
    kept = holdout().banks
    return (*(name for name, family in families().items() if kept & set(family.banks)), "vocals", "synth-lead", OTHER)


class Htdemucs(nn.Module):
    """HTDemucs, about a million weights: mix ``(B, N)`` -> sources ``(B, S, N)``."""

    def __init__(self, names: tuple[str, ...], rate_hz: int) -> None:
        from demucs.htdemucs import HTDemucs

        super().__init__()
        self.net = HTDemucs(
            list(names), audio_channels=1, channels=16, nfft=FFT, depth=4, t_layers=1, t_heads=4,
            samplerate=rate_hz, segment=CROP_S,
        )  # fmt: skip

    def forward(self, mix_BN: Tensor) -> Tensor:
        made: Tensor = self.net(mix_BN[:, None])[:, :, 0]
        return made

    def loss(self, mix_BN: Tensor, stems_BSN: Tensor, step: int) -> Tensor:
        """L1 on the waveforms, as HTDemucs is trained."""
        return (self(mix_BN) - stems_BSN).abs().mean()


class OpenUnmixes(nn.Module):
    """One small Open-Unmix for each source, as in the original; mix ``(B, N)`` -> sources ``(B, S, N)``."""

    def __init__(self, names: tuple[str, ...], rate_hz: int) -> None:
        try:
            import torchaudio  # noqa: F401
        except (ImportError, OSError):  # the package reads files with it; the network itself does not need it
            sys.modules["torchaudio"] = types.ModuleType("torchaudio")
        from openunmix.model import OpenUnmix

        super().__init__()
        self.nets = nn.ModuleList(
            OpenUnmix(nb_bins=FFT // 2 + 1, nb_channels=1, hidden_size=64, nb_layers=2) for _ in names
        )
        self.register_buffer("window", torch.hann_window(FFT), persistent=False)

    def forward(self, mix_BN: Tensor) -> Tensor:
        spectra_BFT = self._stft(mix_BN)
        size_BSFT = torch.stack([net(spectra_BFT.abs()[:, None])[:, 0] for net in self.nets], dim=1)
        share_BSFT = size_BSFT / size_BSFT.sum(dim=1, keepdim=True).clamp(min=1e-8)
        flat = (share_BSFT * spectra_BFT[:, None]).flatten(0, 1)
        window: Tensor = self.window  # type: ignore[assignment]
        made = torch.istft(flat, FFT, HOP, window=window, length=mix_BN.shape[-1])
        return made.unflatten(0, share_BSFT.shape[:2])

    def loss(self, mix_BN: Tensor, stems_BSN: Tensor, step: int) -> Tensor:
        """Squared error of the magnitudes, as Open-Unmix is trained; a step trains one source."""
        source = step % len(self.nets)
        made_BFT = self.nets[source](self._stft(mix_BN).abs()[:, None])[:, 0]
        return (made_BFT - self._stft(stems_BSN[:, source]).abs()).square().mean()

    def _stft(self, audio_BN: Tensor) -> Tensor:
        window: Tensor = self.window  # type: ignore[assignment]
        return torch.stft(audio_BN, FFT, HOP, window=window, return_complex=True)


KINDS: dict[str, Any] = {"htdemucs": Htdemucs, "openunmix": OpenUnmixes}


def draw(mixer: Mixer, names: tuple[str, ...], step: int, samples: int) -> tuple[Tensor, Tensor]:
    """Mixes ``(B, N)`` and their stems by output ``(B, S, N)``; the step decides everything."""
    rng = np.random.default_rng([7, step])
    stems_BSN = np.zeros((BATCH, len(names), samples), dtype=np.float32)
    for row in stems_BSN:
        mix = mixer.draw(rng, samples)
        for stem_N, label in zip(mix.stems, mix.labels, strict=True):
            row[names.index(label["family"] if label["family"] in names else OTHER)] += stem_N
    return torch.from_numpy(stems_BSN.sum(axis=1)), torch.from_numpy(stems_BSN)


def train(kind: str, cache: StemCache, rate_hz: int, path: Path, minutes: float) -> dict[str, float]:
    """Train for a given wall time and write a checkpoint.

    Returns:
        steps taken, number of weights, wall seconds, and the mean loss of the first and the last tenth of the steps.

    Raises:
        ValueError: the cache holds a recording that is reserved for measuring.
    """
    holdout().refuse(cache.label(k)["source"] for k in range(cache.count))
    torch.manual_seed(0)
    torch.set_flush_denormal(True)
    names, mixer = outputs(), Mixer(cache)
    net = KINDS[kind](names, rate_hz)
    optimizer = torch.optim.AdamW(net.parameters(), LEARNING_RATE)
    samples = min(round(CROP_S * rate_hz), cache.samples)
    began, losses, said_s = time.perf_counter(), [], 0.0
    while (gone_s := time.perf_counter() - began) < minutes * 60 or len(losses) < 2:
        for group in optimizer.param_groups:  # cosine over the budget, as the flow's
            group["lr"] = LEARNING_RATE * max(
                0.02, 0.5 * (1 + np.cos(np.pi * min(1.0, gone_s / (minutes * 60 + 1e-9))))
            )
        loss = net.loss(*draw(mixer, names, len(losses), samples), len(losses))
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(net.parameters(), 5.0)
        optimizer.step()
        losses.append(float(loss.detach()))
        if gone_s - said_s > PRINT_EVERY_S:
            said_s = gone_s
            left_s = minutes * 60 - gone_s
            print(f"{kind}: step {len(losses)}, loss {np.mean(losses[-50:]):.5f}, {left_s:.0f} s to go", flush=True)
    tenth = max(1, len(losses) // 10)
    facts = {
        "steps": float(len(losses)),
        "weights": float(sum(p.numel() for p in net.parameters())),
        "seconds": time.perf_counter() - began,
        "first_loss": float(np.mean(losses[:tenth])),
        "last_loss": float(np.mean(losses[-tenth:])),
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    state = {"kind": kind, "names": list(names), "rate_hz": rate_hz, "facts": facts, "weights": net.state_dict()}
    torch.save(state, path)
    return facts


def answer(path: Path, folder: Path) -> None:
    """Do the jobs in a folder; a family without an output of its own gets the one for all else."""
    state = torch.load(path, map_location="cpu", weights_only=True)
    names, model_hz = tuple(state["names"]), int(state["rate_hz"])
    net = KINDS[state["kind"]](names, model_hz)
    net.load_state_dict(state["weights"])
    net.eval()
    for job in json.loads((folder / JOBS).read_text("utf-8")):
        audio_NC, rate_hz = sf.read(folder / job["mix"], dtype="float32", always_2d=True)
        mix = torch.from_numpy(soxr.resample(audio_NC.mean(axis=1), rate_hz, model_hz).astype(np.float32))
        source = names.index(job["family"] if job["family"] in names else OTHER)
        with torch.inference_mode():
            made = torch.cat([net(part[None])[0, source] for part in _pieces(mix, model_hz)])[: len(mix)].numpy()
        stem = soxr.resample(made, model_hz, rate_hz)[: len(audio_NC)]
        sf.write(folder / job["stem"], np.pad(stem, (0, len(audio_NC) - len(stem))), rate_hz, subtype="FLOAT")


def _pieces(mix: Tensor, rate_hz: int) -> list[Tensor]:
    """Cut into pieces of the trained length, the last one filled with zeros."""
    size = round(CROP_S * rate_hz)
    return [nn.functional.pad(part, (0, size - len(part))) for part in mix.split(size)]


def main(argv: list[str]) -> int:
    """``train`` or ``answer``."""
    parser = argparse.ArgumentParser(
        prog="python -m training.eval.trained_baselines", description="separators to compare with"
    )
    verbs = parser.add_subparsers(dest="verb", required=True)
    first = verbs.add_parser("train", help="train one on a stem cache")
    first.add_argument("kind", choices=list(KINDS))
    first.add_argument("cache", type=Path)
    first.add_argument("out", type=Path)
    first.add_argument("--minutes", type=float, required=True)
    first.add_argument("--rate-hz", type=int, default=16_000, help="of the cache")
    second = verbs.add_parser("answer", help="do a folder of jobs")
    second.add_argument("checkpoint", type=Path)
    second.add_argument("folder", type=Path)
    args = parser.parse_args(argv)
    try:
        if args.verb == "answer":
            answer(args.checkpoint, args.folder)
        else:
            print(json.dumps(train(args.kind, StemCache(args.cache), args.rate_hz, args.out, args.minutes)))
    except (ValueError, ImportError, OSError) as error:
        print(f"rivals: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
