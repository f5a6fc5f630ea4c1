"""``python -m training drum-classes``: train the small network that hears strokes on drums and tells which they are.

It learns from parts on every kit and drum machine there is, through effects of their own, alone and over other
instruments: a stem taken out of a mix is never quite clean. ``python -m export notes --drums`` puts it in its place,
and ``tests/benchmarks/strokes.py`` judges it on kits that it never heard.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import nn

from engine.notes.drum_features import BANDS, CONTEXT_FRAMES, DRUMS, FRAME_S, Array, features, mel_bands
from training.data.sources import SoundLibrary, Voice
from training.mask.electronic import MACHINE
from training.notes.drum_kits import DrumPiece, KitRenderer, drawn_part
from training.typing import Rng

HIDDEN, BATCH, MOST_RATE = 96, 1024, 4e-3
TOGETHER = 40  # pieces whose frames are mixed
AWAY_SHARE = 0.35  # of the frames without a stroke near them
NEAR_FRAMES = 3
BESIDE = 0.4  # how much of a stroke the frames beside it are
# Each time that a piece is heard: another level, tilt and bump, in tenfold steps of power.
LEVEL, TILT, BUMP, BUMP_WIDTH = 0.3, 0.25, 0.3, 0.3
RECORDED_TIMES, MACHINE_TIMES = 2, 4  # how much more of recorded kits, and of the machine that is drawn each time
HELD_EVERY = 9  # every ninth kit is kept to choose by


@dataclass(frozen=True, slots=True)
class SeenPiece:
    """What is seen of a piece: float16 bands (bands, frames), and how much of a stroke is where (frames, drums)."""

    bands_BL: np.ndarray
    struck_LD: Array


def main(argv: list[str]) -> int:
    """Render, train, measure on kits that were not learned from, and write the weights."""
    parser = argparse.ArgumentParser(prog="python -m training drum-classes", description=__doc__.split("\n")[0])
    parser.add_argument("file", type=Path, metavar="FILE.npz", help="for the weights")
    parser.add_argument("--pieces", type=int, default=20, help="of each kit, 12 s each; default %(default)s")
    parser.add_argument("--rounds", type=int, default=8, help="over all pieces; default %(default)s")
    parser.add_argument("--kits", type=Path, help="folder of Hydrogen's drum kits, whose free ones are learned too")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args(argv)
    torch.set_num_threads(args.threads)
    renderer = KitRenderer(SoundLibrary.find(), args.kits)
    rng = np.random.default_rng(args.seed)
    learned, held = list[SeenPiece](), list[SeenPiece]()
    for number, voice in enumerate(renderer.kits()):
        is_held = number % HELD_EVERY == HELD_EVERY - 1
        times = args.pieces * (1 if is_held else _times(voice))
        (held if is_held else learned).extend(seen(renderer.piece(rng, voice, drawn_part(rng))) for _ in range(times))
    print(f"{len(learned)} pieces to learn from, {len(held)} of other kits to choose by", flush=True)
    network = train(learned, args.rounds, args.seed)
    tell(network, held)
    write(network, args.file)
    print(f"{args.file}: {args.file.stat().st_size / 1000:.0f} kB, from {len(renderer.kits())} kits and drum machines")
    return 0


def _times(voice: Voice) -> int:
    if voice == MACHINE:
        return MACHINE_TIMES
    return RECORDED_TIMES if voice.kind == "bank" else 1


def seen(piece: DrumPiece) -> SeenPiece:
    """Bands and labels of a piece."""
    bands_BL = mel_bands(piece.mono_N)
    struck_LD = np.zeros((bands_BL.shape[1], len(DRUMS)), np.float32)
    for stroke in piece.strokes:
        at, drum = round(stroke.at_s / FRAME_S), DRUMS.index(stroke.drum)
        for beside, share in ((-1, BESIDE), (1, BESIDE), (0, 1.0)):
            if 0 <= at + beside < len(struck_LD):
                struck_LD[at + beside, drum] = max(share, struck_LD[at + beside, drum])
    return SeenPiece(bands_BL.astype(np.float16), struck_LD)


def train(pieces: Sequence[SeenPiece], rounds: int, seed: int) -> nn.Sequential:
    """A network that says of a frame which drums are struck in it, as logits."""
    if not pieces:
        raise ValueError("no kits were rendered; set FLUXSTEM_SOUNDS to a folder with sounds")
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    network = nn.Sequential(nn.Linear(len(CONTEXT_FRAMES) * BANDS, HIDDEN), nn.ReLU(), nn.Linear(HIDDEN, len(DRUMS)))
    optimizer = torch.optim.AdamW(network.parameters(), lr=MOST_RATE, weight_decay=1e-2)
    for number in range(rounds):
        losses = list[float]()
        groups = list(_grouped(pieces, rng))
        for place, (seen_OV, struck_OD) in enumerate(groups):
            _set_rate(optimizer, (number + place / len(groups)) / rounds)
            for chosen in torch.randperm(len(seen_OV)).split(BATCH):
                loss = nn.functional.binary_cross_entropy_with_logits(network(seen_OV[chosen]), struck_OD[chosen])
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                losses.append(loss.item())
        print(f"round {number + 1} of {rounds}: loss {np.mean(losses):.4f}", flush=True)
    return network.eval()


def _set_rate(optimizer: torch.optim.Optimizer, done: float) -> None:
    """Up for a tenth of the way, then down like a cosine."""
    rate = MOST_RATE * (min(done / 0.1, 1.0) if done < 0.1 else 0.5 * (1 + np.cos(np.pi * (done - 0.1) / 0.9)))
    for group in optimizer.param_groups:
        group["lr"] = max(rate, 1e-5)


def _grouped(pieces: Sequence[SeenPiece], rng: Rng) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """Features and labels of some pieces at a time, each piece sounding a little different."""
    order = rng.permutation(len(pieces))
    for first in range(0, len(order), TOGETHER):
        rows = [_frames(pieces[place], rng) for place in order[first : first + TOGETHER]]
        yield (
            torch.from_numpy(np.concatenate([seen for seen, _ in rows])),
            torch.from_numpy(np.concatenate([struck for _, struck in rows])),
        )


def _frames(piece: SeenPiece, rng: Rng) -> tuple[Array, Array]:
    near_L = np.convolve(piece.struck_LD.max(axis=1), np.ones(2 * NEAR_FRAMES + 1), "same") > 0
    chosen = np.flatnonzero(near_L | (rng.random(len(near_L)) < AWAY_SHARE))
    return features(_equalised(piece.bands_BL.astype(np.float32), rng), chosen), piece.struck_LD[chosen]


def _equalised(bands_BL: Array, rng: Rng) -> Array:
    at_B = np.linspace(-1, 1, len(bands_BL))
    gain_B = rng.normal(-0.1, LEVEL) + rng.normal(0, TILT) * at_B
    gain_B += rng.normal(0, BUMP) * np.exp(-0.5 * ((at_B - rng.uniform(-1, 1)) / BUMP_WIDTH) ** 2)
    return np.asarray(np.log10(1 + (10**bands_BL - 1) * 10 ** gain_B[:, None]), np.float32)


def tell(network: nn.Sequential, held: Sequence[SeenPiece]) -> None:
    """Print how well single frames of kits that were not learned from are told apart."""
    frames = [features(piece.bands_BL.astype(np.float32), np.arange(len(piece.struck_LD))) for piece in held]
    with torch.no_grad():
        said_OD = np.concatenate([network(torch.from_numpy(seen_LV)).numpy() > 0 for seen_LV in frames])
    true_OD = np.concatenate([piece.struck_LD == 1 for piece in held])
    for column, drum in enumerate(DRUMS):
        said, true = said_OD[:, column], true_OD[:, column]
        both = float((said & true).sum())
        precision, recall = both / max(float(said.sum()), 1.0), both / max(float(true.sum()), 1.0)
        print(f"{drum:12} frames: precision {precision:.2f} recall {recall:.2f} of {int(true.sum())}")


def write(network: nn.Sequential, file: Path) -> None:
    """Weights as ``engine.notes.drums`` reads them, in 16 bits."""
    first, _, second = network
    file.parent.mkdir(parents=True, exist_ok=True)
    np.savez(
        file,
        first=first.weight.detach().numpy().T.astype(np.float16),
        first_bias=first.bias.detach().numpy().astype(np.float16),
        second=second.weight.detach().numpy().T.astype(np.float16),
        second_bias=second.bias.detach().numpy().astype(np.float16),
    )
