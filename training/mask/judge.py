"""Evaluate the mask decoder on held-out recordings: gains in SI-SDR and SDR by kind of mix, leakage of absent stems."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from engine.bundle.separation import PanningSpec, PoolingSpec
from engine.mask_panning import StereoPlaces, pan_mask, second_share
from engine.mask_pooling import (
    competing_masks,
    gain_of_frames,
    lift,
    mean_odds,
    pooled_masks,
    sureness,
    tilt_mask,
)
from training.data.instruments import families
from training.eval.held_stems import PAN, placed
from training.mask.band_split import build_network
from training.mask.calibration import bias_of
from training.mask.ensemble import ensemble_of
from training.mask.mixing import MIX_RMS, WINDOW
from training.mask.network import (
    BINS,
    FFT_SAMPLES,
    HOP_SAMPLES,
    PRESENCE_FRAMES,
    NetworkConfig,
    PromptedNetwork,
    PromptedUNet,
)
from training.mask.stems import Player, StemPool
from training.mask.terms import CASCADES, KIT, PANNING, POOLING, TERMS, VOICES, term_number, with_gain
from training.metrics import sdr, si_sdr

Audio = np.ndarray[Any, np.dtype[np.float32]]
Masker = Callable[[torch.Tensor, int], tuple[torch.Tensor, torch.Tensor]]  # mix (2, N), term -> mask, presence
FRAMES = 512  # of a window
TOP_BINS = 280  # from 8 kHz on; their mean is the mask above the band
SAMPLES = 11 * 44_100  # of a mix
QUIET_DB = -25.0  # stems below this against the mix are not asked for


@dataclass(frozen=True, slots=True)
class Case:
    """A mix and the stem that is asked of it.

    Attributes:
        kind: of mix; cases are summed up by it.
        term: number of the term.
        mix, stem: float32 (2, N); the stem is zeros where it is absent.
        source: of the stem; "" where it is absent.
    """

    kind: str
    term: int
    mix: Audio
    stem: Audio
    source: str


def build_cases(pool: StemPool, each: int, seed: int = 5, spread: float = PAN) -> list[Case]:
    """Cases of held-out mixes, the same for a seed: two and four stems, kits, vocals and drums of songs, absent terms.

    Args:
        pool: the held-out stems.
        each: rounds; a round draws one mix of every kind.
        spread: how far to the sides a player may be, from 0 to 1.
    """
    rng, other_rng = np.random.default_rng(seed), np.random.default_rng(seed + 1)
    cases: list[Case] = []
    songs = sorted(piece for piece, members in pool.by_piece.items() if members[0].balanced)
    for k in range(each):
        for size, kind in ((2, "duet"), (4, "band")):
            names: list[str] = []
            while len(names) < size:
                family = sorted(set(pool.by_family) - {"other", "speech", "vocals", "drums"} - set(names))
                names.append("drums" if size == 4 and not names and k % 2 else str(rng.choice(family)))
            players = [_random_player(rng, pool, name) for name in names]
            cases += cases_of_mix(rng, pool, players, kind, names, spread=spread)
        kits = [player for player in pool.by_family.get("drums", []) if len(_kit_pieces(pool, player)) > 1]
        if kits:
            kit = kits[int(rng.integers(len(kits)))]
            cases += cases_of_mix(rng, pool, [kit], "kit", _kit_pieces(pool, kit), spread=spread)
            cases += _kit_in_band(other_rng, pool, kit, spread)
        if songs:
            members = pool.by_piece[songs[int(rng.integers(len(songs)))]]
            names = sorted({n for p in members for s in p.stems for n in pool.names[s]} & {"vocals", "drums"})
            for name in names:
                cases += cases_of_mix(rng, pool, list(members), f"song-{name}", [name], balanced=True)
    return cases


def _kit_in_band(rng: np.random.Generator, pool: StemPool, kit: Player, spread: float) -> list[Case]:
    """The drums of a kit, one by one, in a mix with a bass and two more."""
    melodic = sorted(set(pool.by_family) - {"other", "speech", "drums", "percussion"})
    basses = [name for name in melodic if "bass" in families()[name].groups]
    names = dict.fromkeys(str(rng.choice(kind)) for kind in (basses or melodic, melodic, melodic))
    players = [kit, *(_random_player(rng, pool, name) for name in names)]
    found = cases_of_mix(rng, pool, players, "kit-in-band", _kit_pieces(pool, kit), spread=spread)
    return [case for case in found if case.source]


def _kit_pieces(pool: StemPool, player: Player) -> list[str]:
    """The drums of a kit that have stems of their own."""
    return [name for name in KIT if any(name in pool.names[stem] for stem in player.stems)]


def _random_player(rng: np.random.Generator, pool: StemPool, family: str) -> Player:
    players = pool.by_family[family]
    return players[int(rng.integers(len(players)))]


def cases_of_mix(
    rng: np.random.Generator, pool: StemPool, players: list[Player], kind: str, names: list[str],
    balanced: bool = False, spread: float = PAN,
) -> list[Case]:  # fmt: skip
    """A case for each of the terms ``names`` that is loud enough in a mix of players, and one for an absent term.

    Args:
        balanced: True keeps the artists' own balance and leaves the absent term out, for nobody says what a song lacks.
        spread: how far to the sides a player may be, from 0 to 1.

    Returns:
        none where the mix is silent.
    """
    stems, scale = placed(rng, pool, players, SAMPLES, balanced, spread)
    if not stems:
        return []
    mix = np.sum([audio for _, audio in stems], axis=0)
    cases = []
    present = {n for stem, _ in stems for n in pool.names[stem]}
    for name in names:
        stem = np.sum([audio for k, audio in stems if name in pool.names[k]], axis=0) * scale
        if 20 * np.log10(float(np.sqrt((stem**2).mean())) / 0.12 + 1e-9) > QUIET_DB:
            cases.append(
                Case(kind, term_number(name), mix * scale, stem, str(pool.labels[players[0].stems[0]]["source"]))
            )
    unsure = {*KIT, *VOICES, "percussion"}  # a drum loop or a song may hold these unlabelled
    away = [term for term in TERMS if term not in present | unsure]
    if not balanced:
        cases.append(Case(f"absent-{kind}", term_number(away[int(rng.integers(len(away)))]), mix * scale, mix * 0, ""))
    return cases


def spectra(audio: torch.Tensor) -> torch.Tensor:
    """(2, N) -> complex (2, T, 2049), zero-padded at the ends as Spleeter does."""
    window = torch.from_numpy(WINDOW)
    found = torch.stft(
        audio, FFT_SAMPLES, HOP_SAMPLES, window=window, center=True, pad_mode="constant", return_complex=True
    )
    return found.transpose(1, 2)


def apply_mask(audio: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """Filter audio (2, N) by a mask (2, T, 1024); above the mask's band the mean of its top bins applies."""
    spectrum = spectra(audio)
    above = mask[..., -TOP_BINS:].mean(-1, keepdim=True).expand(-1, -1, FFT_SAMPLES // 2 + 1 - BINS)
    whole = torch.cat([mask, above], dim=-1)
    window = torch.from_numpy(WINDOW)
    product = (spectrum * whole[:, : spectrum.shape[1]]).transpose(1, 2)
    return torch.istft(product, FFT_SAMPLES, HOP_SAMPLES, window=window, center=True, length=audio.shape[-1])


def judge(masker: Masker, cases: list[Case]) -> list[dict[str, Any]]:
    """Evaluate a masker.

    Returns:
        a row for each case: ``level_db`` of the answer against the mix, ``presence``, and unless the stem is absent
        ``off_db`` of the answer's level from the stem's and the gains over the unprocessed mix ``si_sdri`` and
        ``sdri``, dB.
    """
    rows = []
    for case in cases:
        mix = torch.from_numpy(case.mix)
        with torch.no_grad():
            mask, presence = masker(mix, case.term)
            answer = apply_mask(mix, mask).numpy()
        level = 20 * np.log10(float(np.sqrt((answer**2).mean())) / float(np.sqrt((case.mix**2).mean())) + 1e-9)
        row: dict[str, Any] = {"kind": case.kind, "term": TERMS[case.term], "source": case.source, "level_db": level}
        row["presence"] = float(presence.max())
        if not case.kind.startswith("absent"):
            row["si_sdri"] = si_sdr(answer, case.stem) - si_sdr(case.mix, case.stem)
            row["off_db"] = 20 * np.log10(float(np.sqrt((answer**2).mean() / (case.stem**2).mean())) + 1e-9)
            row["sdri"] = sdr(answer, case.stem) - sdr(case.mix, case.stem)
        rows.append(row)
    return rows


def network_masker(
    network: PromptedNetwork, pooling: PoolingSpec | None = POOLING, bias: float = 0.0,
    panning: PanningSpec | None = None,
) -> Masker:  # fmt: skip
    """A network as a masker.

    Args:
        network: in evaluation mode.
        pooling: pools the masks as the engine does by this entry of a bundle; None leaves them as they are.
        bias: on the logits of presence, as calibrated.
        panning: lets places in the stereo image decide as the engine does by this entry; None does not.
    """

    def answers(magnitudes: torch.Tensor, terms: Sequence[int]) -> tuple[torch.Tensor, torch.Tensor]:
        logits, presence = network(magnitudes[None], network.queries(torch.tensor([list(terms)])))
        return logits[0].sigmoid().detach(), (presence[0] + bias).sigmoid().detach()

    def cascaded(magnitudes: torch.Tensor, term: int, spec: PoolingSpec) -> tuple[torch.Tensor, torch.Tensor] | None:
        cascade = next((one for one in CASCADES if TERMS[term] in one.parts), None)
        if cascade is None:
            return None
        whole, there = answers(magnitudes, [term_number(cascade.whole)])
        inner = magnitudes * whole[0]
        inner *= lift(float(magnitudes.square().mean()), float(inner.square().mean()))
        parts, heard = answers(inner, [term_number(part) for part in cascade.parts])
        at = cascade.parts.index(TERMS[term])
        [mask_2TF] = competing_masks(parts.numpy(), inner.mean(0).numpy(), spec, [at])
        return torch.from_numpy(mask_2TF) * whole[0], torch.minimum(there[0], heard[at])

    def masker(mix: torch.Tensor, term: int) -> tuple[torch.Tensor, torch.Tensor]:
        level = MIX_RMS / max(1e-6, float(mix.square().mean().sqrt()))
        magnitudes = spectra(mix * level).abs()[..., :BINS]
        padded = torch.nn.functional.pad(magnitudes, (0, 0, 0, -magnitudes.shape[1] % FRAMES))
        mix_2TF = padded.numpy()
        if pooling is not None and (found := cascaded(padded, term, pooling)) is not None:
            return torch.from_numpy(panned(found[0].numpy(), mix_2TF)), found[1]
        masks, presences = answers(padded, [term])
        mask_2TF = masks[0].numpy()
        if pooling is None or TERMS[term] in pooling.never:
            return torch.from_numpy(panned(mask_2TF, mix_2TF)), presences[0]
        [(pooled_TF, timid)] = pooled_masks(mask_2TF.mean(axis=0)[None], mix_2TF.mean(axis=0), pooling)
        pooled_only = TERMS[term] in pooling.alone
        stereo = np.stack([pooled_TF, pooled_TF]) if pooled_only else mean_odds(mask_2TF, pooled_TF)
        presence_K = presences[0].double().numpy()
        gain = timid if sureness(presence_K, pooling).any() else 1.0
        gain_T = gain_of_frames(gain, presence_K, PRESENCE_FRAMES, pooling)
        share = 0.0 if panning is None or pooled_only else second_share(float(presence_K.max()), panning)
        return torch.from_numpy(tilt_mask(panned(stereo, mix_2TF, share), gain_T[:, None])), presences[0]

    def panned(mask_2TF: Audio, mix_2TF: Audio, share: float = 0.0) -> Audio:
        if panning is not None:
            pan_mask(mask_2TF, StereoPlaces(mix_2TF), panning, share)
        return mask_2TF

    return masker


def summary(rows: list[dict[str, Any]]) -> dict[str, dict[str, float]]:
    """Medians of the rows' figures by kind of mix."""
    found: dict[str, dict[str, float]] = {}
    for kind in sorted({row["kind"] for row in rows}):
        of_kind = [row for row in rows if row["kind"] == kind]
        found[kind] = {"n": len(of_kind)}
        for key in ("si_sdri", "sdri", "level_db", "off_db", "presence"):
            values = [row[key] for row in of_kind if key in row]
            if values:
                found[kind][key] = round(float(np.median(values)), 2)
    return found


def load_average(path: Path) -> PromptedNetwork:
    """The averaged network of a run.

    Raises:
        ValueError: its terms are not the first of today's, so its rows would answer for something else.
    """
    state = torch.load(path, map_location="cpu", weights_only=True)
    if (terms := state.get("terms", [])) != list(TERMS[: len(terms)]):
        raise ValueError(f"{path} was trained on other terms than training/mask/terms.py lists; give another run")
    network = build_network(NetworkConfig(**state["network"]))
    network.load_state_dict(state["average"])
    return network.eval()


def load_ensemble(paths: Sequence[Path]) -> PromptedNetwork:
    """The averaged network of one run, or the ensemble of several.

    Raises:
        ValueError: they have different terms, or one of several takes estimates.
    """
    return ensemble_of([load_average(path) for path in paths])


def add_ensemble_option(parser: argparse.ArgumentParser, what: str = "checkpoints", metavar: str = "MASK_PT") -> None:
    """Add the option ``--beside``: further members of an ensemble."""
    parser.add_argument(
        "--beside", type=Path, nargs="+", default=[], metavar=metavar,
        help=f"more {what}, of any kinds of network: the mean of all logits answers",
    )  # fmt: skip


def add_panning_option(parser: argparse.ArgumentParser) -> None:
    """Add the option ``--no-panning``."""
    parser.add_argument("--no-panning", action="store_true", help="let places in the stereo image decide nothing")


def load_unet(path: Path) -> PromptedUNet:
    """The averaged network of a run of a plain U-Net.

    Raises:
        ValueError: it is band-split or recurrent.
    """
    network = load_average(path)
    if not isinstance(network, PromptedUNet) or network.config.recurrent:
        raise ValueError(f"{path} is of a band-split or recurrent network; give one of a plain U-Net")
    return network


def main(argv: list[str] | None = None) -> int:
    """``python -m training.mask.judge RUN/mask.pt --stems FOLDERS``."""
    parser = argparse.ArgumentParser(prog="python -m training mask-judge")
    parser.add_argument("checkpoint", type=Path)
    add_ensemble_option(parser)
    parser.add_argument("--stems", type=Path, nargs="+", required=True)
    parser.add_argument("--each", type=int, default=8)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rows", type=Path)
    parser.add_argument("--plain", action="store_true", help="judge masks as the network gives them")
    parser.add_argument("--timid-gain", type=float, default=1.0, help="most gain on the odds of timid masks; 1, none")
    add_panning_option(parser)
    parser.add_argument("--spread", type=float, default=PAN, help=f"how far to the sides players are, 0 to 1; {PAN}")
    args = parser.parse_args(argv)
    torch.set_num_threads(args.threads)
    checkpoints = [args.checkpoint, *args.beside]
    pooling = None if args.plain else with_gain(POOLING, args.timid_gain)
    panning = None if args.plain or args.no_panning else PANNING
    masker = network_masker(load_ensemble(checkpoints), pooling, bias_of(checkpoints), panning)
    rows = judge(masker, build_cases(StemPool(args.stems), args.each, spread=args.spread))
    for kind, figures in summary(rows).items():
        print(kind, figures)
    if args.rows:
        args.rows.write_text(json.dumps(rows, indent=1))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
