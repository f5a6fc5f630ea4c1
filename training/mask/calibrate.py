"""Calibrate presence on mixes of held-out recordings: ``python -m training mask-calibrate RUN --stems FOLDERS``.

Presence decides two things: whether users are told that a stem "seems not to be there", and the gate that closes a
stem where it does not sound. The head's logits get a bias, so that the first is decided at 0.5, and the gate's
thresholds are those that cost present stems least. Written as the run's ``training.mask.calibration``; with
``--beside`` it is that of the ensemble.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

from training.mask.calibration import Calibration, save
from training.mask.judge import Case, add_ensemble_option, build_cases, load_ensemble, network_masker, spectra
from training.mask.network import BINS, PRESENCE_FRAMES, PromptedNetwork
from training.mask.stems import StemPool
from training.mask.terms import PANNING

MISSED_SHARE = 0.04  # of present stems may be called absent; 5 in 100 is what users are promised
ABSENT_DB = -30.0  # most level of absent stems behind the gate, against the mix, as a median
GATES = ((0.02, 0.1), (0.05, 0.3), (0.1, 0.4), (0.2, 0.5), (0.3, 0.6), (0.4, 0.7))  # (gate_low, gate_high) to try
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class BlockEnergies:
    """Energies of one answer in the K blocks that a gate acts on: SDR behind any gate follows from them.

    Attributes:
        logits_K: of presence.
        answer_K: energy of the answer.
        cross_K: its inner product with the stem; zeros where that is absent.
        stem, mix: energy of the whole stem and of the whole mix; a stem of 0 is absent.
    """

    logits_K: Floats
    answer_K: Floats
    cross_K: Floats
    stem: float
    mix: float

    @property
    def absent(self) -> bool:
        """True where the answer should be silence."""
        return self.stem == 0

    @property
    def peak_logit(self) -> float:
        """The highest logit, which decides whether the stem is present in the mix at all."""
        return float(self.logits_K.max())


def measure(network: PromptedNetwork, cases: Sequence[Case]) -> list[BlockEnergies]:
    """Run the network on every case."""
    masker = network_masker(network, panning=PANNING)
    return [_block_energies(case, *masker(torch.from_numpy(case.mix), case.term)) for case in cases]


@torch.no_grad()
def _block_energies(case: Case, mask: torch.Tensor, presence: torch.Tensor) -> BlockEnergies:
    mix, stem = (spectra(torch.from_numpy(audio))[..., :BINS] for audio in (case.mix, case.stem))
    answer = mix * mask[:, : mix.shape[1]]
    probability = presence.double().clamp(1e-9, 1 - 1e-9)[: -(-mix.shape[1] // PRESENCE_FRAMES)]
    energy = float(stem.abs().square().sum())
    return BlockEnergies(
        torch.log(probability / (1 - probability)).numpy(),
        _by_block(answer.abs().square()),
        _by_block((answer * stem.conj()).real),
        energy,
        float(mix.abs().square().sum()),
    )


def _by_block(energy: torch.Tensor) -> Floats:
    """(2, T, F) -> sums over channels, bins and the frames of a block, (K)."""
    sums_T = energy.double().sum((0, 2))
    padded = torch.nn.functional.pad(sums_T, (0, -len(sums_T) % PRESENCE_FRAMES))
    found: Floats = padded.unflatten(0, (-1, PRESENCE_FRAMES)).sum(1).numpy()
    return found


def calibrate(measured: Sequence[BlockEnergies]) -> Calibration:
    """Choose the bias and the gate's thresholds.

    The bias puts the decision between present and absent stems where they separate, else where ``MISSED_SHARE`` of the
    present ones are missed. Of the gates behind which absent stems stay below ``ABSENT_DB``, the cheapest is taken. Its
    cost is a mean, for a gate that shuts one stem in twenty altogether leaves the median where it was.

    Raises:
        ValueError: all cases are present, or all are absent.
    """
    present = np.sort([one.peak_logit for one in measured if not one.absent])
    absent = np.sort([one.peak_logit for one in measured if one.absent])
    if not len(present) or not len(absent):
        raise ValueError("presence is calibrated on stems that are there and on some that are not; take more mixes")
    decide = float(np.quantile(present, MISSED_SHARE))
    if float(absent.max()) < decide:  # the two do not overlap
        decide = (float(absent.max()) + decide) / 2
    ungated = np.mean([gated_sdr_db(one, np.ones_like(one.logits_K)) for one in measured if not one.absent])
    rows = []
    for low, high in GATES:
        gated = [(one, gate_gain(one.logits_K - decide, low, high)) for one in measured]
        behind = [gated_sdr_db(one, gain_K) for one, gain_K in gated if not one.absent]
        levels = [gated_level_db(one, gain_K) for one, gain_K in gated if one.absent]
        rows.append((low, high, float(ungated - np.mean(behind)), float(np.median(levels))))
    quiet = [row for row in rows if row[3] <= ABSENT_DB] or rows[-1:]
    low, high, cost_db, absent_db = min(quiet, key=lambda row: row[2])
    return Calibration(
        bias=-decide,
        gate_low=low,
        gate_high=high,
        missed=float((present < decide).mean()),
        found=float((absent < decide).mean()),
        absent_db=absent_db,
        cost_db=cost_db,
        cases=len(measured),
    )


def gate_gain(logits_K: Floats, low: float, high: float) -> Floats:
    """Gain of the gate in each block, 0 closed to 1 open: the smoothstep that the engine applies."""
    position_K = np.clip((1 / (1 + np.exp(-logits_K)) - low) / (high - low), 0, 1)
    smooth_K: Floats = position_K * position_K * (3 - 2 * position_K)
    return smooth_K


def gated_sdr_db(one: BlockEnergies, gain_K: Floats) -> float:
    """SDR of an answer behind a gate, dB: 0 for silence. SI-SDR would not hear a stem that is only turned down."""
    error = one.stem - 2 * float((gain_K * one.cross_K).sum()) + float((gain_K**2 * one.answer_K).sum())
    return float(10 * np.log10(one.stem / max(error, 1e-12)))


def gated_level_db(one: BlockEnergies, gain_K: Floats) -> float:
    """Level of an answer behind a gate against its mix, dB; at least -100."""
    return float(10 * np.log10((gain_K**2 * one.answer_K).sum() / one.mix + 1e-10))


def main(argv: list[str] | None = None) -> int:
    """``python -m training mask-calibrate``."""
    parser = argparse.ArgumentParser(prog="python -m training mask-calibrate", description="Calibrate presence.")
    parser.add_argument("run", type=Path, help="folder of the mask decoder's run")
    add_ensemble_option(parser, "runs", "RUN")
    parser.add_argument("--stems", type=Path, nargs="+", required=True, help="folders of held-out stems")
    parser.add_argument("--each", type=int, default=24, help="mixes of every kind")
    parser.add_argument("--threads", type=int, default=2)
    args = parser.parse_args(argv)
    torch.set_num_threads(args.threads)
    cases = build_cases(StemPool(args.stems), args.each, seed=17)
    runs = [args.run, *args.beside]
    found = replace(calibrate(measure(load_ensemble([run / "mask.pt" for run in runs]), cases)), networks=len(runs))
    save(args.run, found)
    print(json.dumps(asdict(found)))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
