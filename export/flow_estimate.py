"""``python -m export mask-estimate``: is a mask decoder better when it also reads the flow's one-step estimates?

Two copies of one checkpoint go on training on the same questions: one reads the mix alone, the other also the
magnitudes of the flow's STEM and REST (one Euler step of a bundle, decoded at its 16 kHz). The extra input begins at
zero, so both begin as the same network. Both then answer the same questions about held-out recordings; the table gives
each seed's medians and, over all seeds, the mean difference question by question with a bootstrap interval.

The estimates are made once and kept (float16); mixes are drawn again from their number.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import soxr
import torch
from scipy import fft
from torch import Tensor

from engine.bundle.bundle import Bundle, load_bundle
from engine.latents import SLOTS, Slot
from engine.tasks import known_mask
from export.cpu_session import session
from training.data.sources import RATE
from training.mask.judge import load_unet
from training.mask.loss import total_loss
from training.mask.mixing import WINDOW, Mixing, Question, Spectrum, spectrum_of
from training.mask.network import BINS, FFT_SAMPLES, HOP_SAMPLES, PromptedUNet, freeze_norms
from training.mask.stems import StemPool
from training.mask.terms import TERMS
from training.mask.train import MaskConfig, collate, learning_rate_at, parameter_groups
from training.metrics import si_sdr
from training.typing import Audio

FRAMES = 192  # 4.5 s: less than one window of the flow
LEVEL_DB = -20.0  # RMS of what the flow hears
TRAIN_SEED, HELD_SEED = 8_100, 8_200
MIXES = 4  # of a step, one question about each
ARMS = ("mix", "mix and flow")
Magnitudes16 = npt.NDArray[np.float16]


def samples_of(frames: int) -> int:
    """Length of audio that ``spectrum_of`` cuts into so many frames."""
    return (frames - 1) * HOP_SAMPLES + FFT_SAMPLES


def audio_of(spectrum: Spectrum) -> Audio:
    """Least-squares inverse of ``spectrum_of``: (C, T, BINS) -> float32 (C, N); bins above are silent."""
    frames = spectrum.shape[1]
    full = np.pad(spectrum, ((0, 0), (0, 0), (0, FFT_SAMPLES // 2 + 1 - BINS)))
    cut = fft.irfft(full, FFT_SAMPLES, axis=2) * WINDOW
    out = np.zeros((spectrum.shape[0], samples_of(frames)), np.float32)
    weight = np.zeros(out.shape[1], np.float32)
    for frame in range(frames):
        here = slice(frame * HOP_SAMPLES, frame * HOP_SAMPLES + FFT_SAMPLES)
        out[:, here] += cut[:, frame]
        weight[here] += WINDOW**2
    return out / np.maximum(weight, 1e-3)


class FlowEstimator:
    """One Euler step of a bundle's flow: a mono mix and a term -> mono stem and rest.

    Args:
        bundle: with a flow and a table of terms.
    """

    def __init__(self, bundle: Bundle) -> None:
        manifest = bundle.manifest
        if manifest.terms is None:
            raise ValueError(f"bundle {manifest.name} has no terms.json; give one with a mask decoder")
        self._encode, self._step, self._decode = (
            session(bundle.path(manifest.graphs[name].file)) for name in ("encode", "step", "decode")
        )
        self._grid, self._embedding = manifest.grid, manifest.embedding
        self._picture = manifest.graphs["step"].inputs.get("picture")
        self._terms = json.loads(bundle.path(manifest.terms.file).read_bytes())

    def estimate(self, mix: Audio, term: int) -> Audio:
        """Stem and rest at 44.1 kHz and at the level of the mix, float32 (2, N); mix is mono (N,)."""
        grid = self._grid
        heard = soxr.resample(mix, RATE, grid.sample_rate_hz).astype(np.float32)
        gain = np.float32(10 ** (LEVEL_DB / 20) / max(1e-6, float(np.sqrt((heard**2).mean()))))
        window = np.zeros((1, 1, grid.window_samples), np.float32)
        window[0, 0, : len(heard)] = heard * gain
        [z] = self._encode.run(["latents"], {"audio": window})
        x = np.zeros((1, SLOTS, *z.shape[1:]), np.float32)
        x[:, Slot.MIX] = z
        known = known_mask("isolate", z.shape[-1])[None]
        prompt = np.zeros((1, SLOTS, self._embedding), np.float32)
        prompt[0, Slot.STEM] = self._terms[TERMS[term]]
        inputs = {"x": x, "t": known.astype(np.float32), "known": known, "dt": np.ones(1, np.float32), "prompt": prompt}
        if self._picture is not None:
            inputs["picture"] = np.zeros((1, *map(int, self._picture[1:])), np.float32)
        [made] = self._step.run(["x_next"], inputs)
        [both] = self._decode.run(["audio"], {"latents": made[0, [Slot.STEM, Slot.REST]]})
        up = np.stack([soxr.resample(one[0, : len(heard)], grid.sample_rate_hz, RATE) for one in both])
        up = np.pad(up, ((0, 0), (0, max(0, len(mix) - up.shape[1]))))[:, : len(mix)]
        return (up / gain).astype(np.float32)


def prepared(pool: StemPool, estimator: FlowEstimator, seed: int, count: int, path: Path) -> None:
    """Write the estimates' magnitudes of so many questions: float16 (count, 2, T, BINS)."""
    mixing = Mixing(pool, FRAMES, seed)
    out = np.lib.format.open_memmap(path, "w+", np.float16, (count, 2, FRAMES, BINS))
    for index in range(count):
        [question] = mixing.questions(index, 1)
        both = estimator.estimate(audio_of(question.mix).mean(0), question.term)
        out[index] = np.stack([np.abs(spectrum_of(one)) for one in both]).astype(np.float16)
    out.flush()


@dataclass(frozen=True, slots=True)
class ArmTrial:
    """One arm with one seed.

    Attributes:
        arm: of ``ARMS``.
        seed: of the order of the questions and the noise on the queries.
        start: checkpoint both arms go on from.
        stems, held: folders of stems for training and for judging.
        folder: of the estimates.
        steps, rate: length and highest rate of the training.
    """

    arm: str
    seed: int
    start: Path
    stems: Sequence[Path]
    held: Sequence[Path]
    folder: Path
    steps: int
    rate: float


def trained(trial: ArmTrial) -> PromptedUNet:
    """The network after its steps, averaged over the last of them."""
    torch.manual_seed(trial.seed)
    network = with_estimate(load_unet(trial.start)) if trial.arm == ARMS[1] else load_unet(trial.start)
    average = [weight.detach().clone() for weight in network.parameters()]
    config = MaskConfig(learning_rate=trial.rate, warmup=20)
    optimizer = torch.optim.AdamW(parameter_groups(network, config), trial.rate, betas=(0.9, 0.98))
    network.train()
    freeze_norms(network)
    for step, (questions, estimate) in enumerate(batches(trial)):
        for group in optimizer.param_groups:
            group["lr"] = learning_rate_at(config, step, step / trial.steps) * group["share"]
        batch, terms = collate(questions)
        query = network.queries(terms)
        query = query + torch.randn_like(query) * config.query_noise * query.detach().std()
        logits, presence = network(batch.mix, query, estimate)
        loss, _ = total_loss(logits, presence, batch)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), config.clip_norm)
        optimizer.step()
        with torch.no_grad():
            for mean, weight in zip(average, network.parameters(), strict=True):
                mean.lerp_(weight, 1 - min(0.98, (1 + step) / (10 + step)))
    with torch.no_grad():
        for mean, weight in zip(average, network.parameters(), strict=True):
            weight.copy_(mean)
    return network.eval()


def with_estimate(network: PromptedUNet) -> PromptedUNet:
    """The same network with an input for the flow's estimates, which begins at zero."""
    wider = PromptedUNet(replace(network.config, estimate=True))
    wider.load_state_dict(network.state_dict(), strict=False)
    return wider


def batches(trial: ArmTrial) -> Iterator[tuple[list[list[Question]], Tensor | None]]:
    """The questions of every step, the same in both arms, and the estimates that belong to them."""
    estimates: Magnitudes16 = np.load(trial.folder / "train.npy", mmap_mode="r")
    mixing = Mixing(StemPool(list(trial.stems)), FRAMES, TRAIN_SEED)
    rng = np.random.default_rng(trial.seed)
    order = np.concatenate([rng.permutation(len(estimates)) for _ in range(-(-trial.steps * MIXES // len(estimates)))])
    for step in range(trial.steps):
        some = order[step * MIXES : (step + 1) * MIXES]
        yield [mixing.questions(int(index), 1) for index in some], _read(estimates, some, trial.arm)


def _read(estimates: Magnitudes16, some: Sequence[int] | npt.NDArray[np.int64], arm: str) -> Tensor | None:
    return torch.from_numpy(estimates[some].astype(np.float32)) if arm == ARMS[1] else None


def judged(trial: ArmTrial, network: PromptedUNet) -> list[dict[str, Any]]:
    """Gain in SI-SDR of every held-out question, dB; of absent ones the level of the answer against the mix, dB."""
    estimates: Magnitudes16 = np.load(trial.folder / "held.npy", mmap_mode="r")
    mixing = Mixing(StemPool(list(trial.held)), FRAMES, HELD_SEED)
    rows: list[dict[str, Any]] = []
    for index in range(len(estimates)):
        [question] = mixing.questions(index, 1)
        with torch.no_grad():
            mix = torch.from_numpy(np.abs(question.mix))[None]
            query = network.queries(torch.tensor([[question.term]]))
            logits, _ = network(mix, query, _read(estimates, [index], trial.arm))
        answer = audio_of(question.mix * logits[0, 0].sigmoid().numpy())
        heard, stem = audio_of(question.mix), audio_of(question.stem)
        row: dict[str, Any] = {"arm": trial.arm, "seed": trial.seed, "question": index}
        if np.abs(question.stem).max() > 0:
            row["gain_db"] = si_sdr(answer, stem) - si_sdr(heard, stem)
        else:
            row["level_db"] = 10 * float(np.log10((answer**2).mean() / (heard**2).mean() + 1e-9))
        rows.append(row)
    return rows


def _run(trial: ArmTrial) -> list[dict[str, Any]]:
    torch.set_num_threads(1)
    return judged(trial, trained(trial))


def table(rows: Sequence[dict[str, Any]]) -> str:
    """Medians of each arm and seed, and the paired difference over all seeds with its 95 % interval."""
    lines = ["| input | seed | SI-SDR gain, dB | absent, dB |", "|---|---|---|---|"]
    for arm in ARMS:
        for seed in sorted({row["seed"] for row in rows}):
            mine = [row for row in rows if (row["arm"], row["seed"]) == (arm, seed)]
            gain, level = (float(np.median([r[key] for r in mine if key in r])) for key in ("gain_db", "level_db"))
            lines.append(f"| {arm} | {seed} | {gain:.2f} | {level:.1f} |")
    by_key = {(row["arm"], row["seed"], row["question"]): row for row in rows}
    for key, what in (("gain_db", "SI-SDR gain"), ("level_db", "level of the absent")):
        pairs = [
            (row["question"], by_key[ARMS[1], row["seed"], row["question"]][key] - row[key])
            for row in rows
            if row["arm"] == ARMS[0] and key in row
        ]
        questions = sorted({question for question, _ in pairs})
        means = np.array([np.mean([one for q, one in pairs if q == question]) for question in questions])
        rng = np.random.default_rng(1)
        drawn = [float(rng.choice(means, len(means)).mean()) for _ in range(2000)]
        low, high = np.quantile(drawn, [0.025, 0.975])
        span = f"{low:+.2f} to {high:+.2f}, {len(means)} questions"
        lines.append(f"\nwith the flow, {what}: {means.mean():+.2f} dB ({span})")
    return "\n".join(lines)


def main(argv: list[str]) -> str:
    """Read the command line and train; the table of what both arms gain."""
    parser = argparse.ArgumentParser(prog="python -m export mask-estimate", description=__doc__.splitlines()[0])
    parser.add_argument("--start", type=Path, required=True, help="mask.pt that both arms go on from")
    parser.add_argument("--bundle", type=Path, required=True, help="whose flow makes the estimates")
    parser.add_argument("--stems", type=Path, nargs="+", required=True, help="stems to train on")
    parser.add_argument("--held", type=Path, nargs="+", required=True, help="held-out stems")
    parser.add_argument("--out", type=Path, required=True, help="folder for estimates and rows")
    parser.add_argument("--questions", type=int, default=1200)
    parser.add_argument("--judge", type=int, default=160, help="held-out questions")
    parser.add_argument("--steps", type=int, default=300)
    parser.add_argument("--rate", type=float, default=5e-4)
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    args = parser.parse_args(argv)
    torch.set_num_threads(1)
    args.out.mkdir(parents=True, exist_ok=True)
    trials = [
        ArmTrial(arm, seed, args.start, args.stems, args.held, args.out, args.steps, args.rate)
        for seed in args.seeds
        for arm in ARMS
    ]
    with multiprocessing.get_context("spawn").Pool(len(ARMS)) as workers:
        sets = (("train", args.stems, TRAIN_SEED, args.questions), ("held", args.held, HELD_SEED, args.judge))
        todo = [(folders, seed, n, args.out / f"{name}.npy", args.bundle) for name, folders, seed, n in sets]
        workers.starmap(_prepare, [one for one in todo if not one[3].is_file()], chunksize=1)
        rows = [row for some in workers.imap(_run, trials) for row in some]
    (args.out / "rows.json").write_text(json.dumps(rows))
    return table(rows)


def _prepare(folders: list[Path], seed: int, count: int, path: Path, bundle: Path) -> None:
    partial = path.with_suffix(".partial.npy")
    prepared(StemPool(folders), FlowEstimator(load_bundle(bundle)), seed, count, partial)
    partial.rename(path)
