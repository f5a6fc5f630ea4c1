"""Calibrate presence on mixes of held-out recordings: ``python -m training mask-calibrate RUN --stems FOLDERS``.

Two things hang on the presence of a stem: whether users are told that it "seems not to be there", and the gate that
shuts a stem where it does not sound. The head's logits are moved so that the first is decided at 0.5, and the gate is
put where it costs what sounds as little as possible. Written beside the checkpoint as ``presence.json``, which
``export mask`` reads; with ``--beside`` it is that of several networks together.
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

from training.mask.judge import Case, add_beside, build_cases, load_together, network_masker, spectra
from training.mask.network import BINS, PRESENCE_FRAMES, PromptedNetwork
from training.mask.stems import StemPool
from training.metrics import si_sdr

FILE = "presence.json"
MISSED_SHARE = 0.04  # of what is there may be called absent; 5 in 100 is what users are promised
ABSENT_DB = -30.0  # of what is not there, against the mix
SILENT_DB = -30.0  # SI-SDR of an answer of silence
GATES = ((0.02, 0.1), (0.05, 0.3), (0.1, 0.4), (0.2, 0.5), (0.3, 0.6), (0.4, 0.7))
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """How the logits of presence are read.

    Attributes:
        bias: added to the logits, so that 0.5 decides.
        gate_low, gate_high: presence that shuts and opens the stem.
        missed: share of stems within 25 dB of the mix that are called absent.
        found: share of absent prompts that are called absent.
        absent_db: median level of absent prompts behind the gate, against the mix.
        cost_db: what the gate takes from the median SI-SDR improvement.
        cases: how many were measured.
        networks: that answered together.
    """

    bias: float = 0.0
    gate_low: float = 0.05
    gate_high: float = 0.3
    missed: float = 0.0
    found: float = 0.0
    absent_db: float = 0.0
    cost_db: float = 0.0
    cases: int = 0
    networks: int = 1


@dataclass(frozen=True, slots=True)
class Measured:
    """One answer, in sums over the bins of each block, so that any gate can be tried on it.

    Attributes:
        logits_K: of presence.
        answer_K: power of the answer.
        cross_K: its inner product with the stem; zeros where nothing is there.
        stem, mix: power of all of the stem and of the mix; a stem of 0 is absent.
        before_db: SI-SDR of the mix against the stem.
    """

    logits_K: Floats
    answer_K: Floats
    cross_K: Floats
    stem: float
    mix: float
    before_db: float = 0.0

    @property
    def absent(self) -> bool:
        """True where the answer should be silence."""
        return self.stem == 0

    @property
    def highest(self) -> float:
        """The logit that says whether it is there at all."""
        return float(self.logits_K.max())


def load(run: Path) -> Calibration:
    """The calibration of a run; the plain one where none was made."""
    path = run / FILE
    return Calibration(**json.loads(path.read_text("utf-8"))) if path.is_file() else Calibration()


def save(run: Path, found: Calibration) -> None:
    """Write the calibration of a run."""
    (run / FILE).write_text(json.dumps(asdict(found), indent=1), "utf-8")


def measure(network: PromptedNetwork, cases: Sequence[Case]) -> list[Measured]:
    """Ask the network about every case."""
    masker = network_masker(network)
    return [_measured(case, *masker(torch.from_numpy(case.mix), case.term)) for case in cases]


@torch.no_grad()
def _measured(case: Case, mask: torch.Tensor, presence: torch.Tensor) -> Measured:
    mix, stem = (spectra(torch.from_numpy(audio))[..., :BINS] for audio in (case.mix, case.stem))
    answer = mix * mask[:, : mix.shape[1]]
    likely = presence.double().clamp(1e-9, 1 - 1e-9)[: -(-mix.shape[1] // PRESENCE_FRAMES)]
    power = float(stem.abs().square().sum())
    before_db = si_sdr(case.mix, case.stem) if power else 0.0
    return Measured(
        torch.log(likely / (1 - likely)).numpy(),
        _by_block(answer.abs().square()),
        _by_block((answer * stem.conj()).real),
        power,
        float(mix.abs().square().sum()),
        before_db,
    )


def _by_block(plane: torch.Tensor) -> Floats:
    """(2, T, F) -> sums over sides, bins and the frames of a block, (K)."""
    sums_T = plane.double().sum((0, 2))
    padded = torch.nn.functional.pad(sums_T, (0, -len(sums_T) % PRESENCE_FRAMES))
    found: Floats = padded.unflatten(0, (-1, PRESENCE_FRAMES)).sum(1).numpy()
    return found


def calibrate(measured: Sequence[Measured]) -> Calibration:
    """Choose the bias and the gate.

    Raises:
        ValueError: nothing was there, or nothing was absent.
    """
    there = np.sort([one.highest for one in measured if not one.absent])
    absent = np.sort([one.highest for one in measured if one.absent])
    if not len(there) or not len(absent):
        raise ValueError("presence is calibrated on stems that are there and on some that are not; take more mixes")
    decide = float(np.quantile(there, MISSED_SHARE))
    if float(absent.max()) < decide:  # apart: in the middle
        decide = (float(absent.max()) + decide) / 2
    plain = [gain(one, np.ones_like(one.logits_K)) for one in measured if not one.absent]
    rows = []
    for low, high in GATES:
        opened = [(one, opening(one.logits_K - decide, low, high)) for one in measured]
        gains = [gain(one, open_K) for one, open_K in opened if not one.absent]
        levels = [level_db(one, open_K) for one, open_K in opened if one.absent]
        rows.append((low, high, float(np.median(plain) - np.median(gains)), float(np.median(levels))))
    quiet = [row for row in rows if row[3] <= ABSENT_DB] or rows[-1:]
    low, high, cost_db, absent_db = min(quiet, key=lambda row: row[2])
    return Calibration(
        bias=-decide,
        gate_low=low,
        gate_high=high,
        missed=float((there < decide).mean()),
        found=float((absent < decide).mean()),
        absent_db=absent_db,
        cost_db=cost_db,
        cases=len(measured),
    )


def opening(logits_K: Floats, low: float, high: float) -> Floats:
    """How far the gate is open, 0 to 1, as the engine opens it."""
    x_K = np.clip((1 / (1 + np.exp(-logits_K)) - low) / (high - low), 0, 1)
    smooth_K: Floats = x_K * x_K * (3 - 2 * x_K)
    return smooth_K


def gain(one: Measured, open_K: Floats) -> float:
    """SI-SDR improvement behind a gate, dB; an answer of silence counts as -30."""
    cross, answer = float((open_K * one.cross_K).sum()), float((open_K**2 * one.answer_K).sum())
    left = one.stem * answer - cross**2
    after_db = 10 * np.log10(max(cross**2, 1e-12) / max(left, 1e-12)) if answer > 0 else -np.inf
    return float(max(after_db, SILENT_DB) - one.before_db)


def level_db(one: Measured, open_K: Floats) -> float:
    """Level of an answer behind a gate against its mix, dB; -100 at least."""
    return float(10 * np.log10((open_K**2 * one.answer_K).sum() / one.mix + 1e-10))


def main(argv: list[str] | None = None) -> int:
    """``python -m training mask-calibrate``."""
    parser = argparse.ArgumentParser(prog="python -m training mask-calibrate", description="Calibrate presence.")
    parser.add_argument("run", type=Path, help="folder of the mask decoder's run")
    add_beside(parser, "runs", "RUN")
    parser.add_argument("--stems", type=Path, nargs="+", required=True, help="folders of held-out stems")
    parser.add_argument("--each", type=int, default=24, help="mixes of every kind")
    parser.add_argument("--threads", type=int, default=2)
    args = parser.parse_args(argv)
    torch.set_num_threads(args.threads)
    cases = build_cases(StemPool(args.stems), args.each, seed=17)
    runs = [args.run, *args.beside]
    found = replace(calibrate(measure(load_together([run / "mask.pt" for run in runs]), cases)), networks=len(runs))
    save(args.run, found)
    print(json.dumps(asdict(found)))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
