"""``python -m training drum-classes``: train the small network that tells which drums an onset is.

It learns from strokes on random pieces of every kit and drum machine there is, through effects of their own, alone and
over other instruments: a stem taken out of a mix is never quite clean. ``python -m export notes --drums`` puts it in
its place.
"""

from __future__ import annotations

import argparse
import functools
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from torch import nn

from engine.notes.drum_features import DRUMS, HOP_SAMPLES, RATE_HZ, Array, features, find_onsets, mel_bands
from training.data.instruments import Family, families
from training.data.sources import RATE, NoteBank, SoundLibrary, Voice
from training.synthesis.compose import compose
from training.synthesis.drum_machine import MACHINES, hit
from training.synthesis.render import PartRenderer
from training.synthesis.score import Note, ScorePart
from training.typing import Rng

# Keys of General MIDI's percussion that are learned, by kind.
KEYS = {
    "kick": (35, 36), "snare": (38, 40, 37, 39), "hi-hat": (42, 44), "open hi-hat": (46,),
    "tom": (41, 43, 45, 47, 48, 50), "cymbal": (49, 51, 57, 53, 59, 55),
}  # fmt: skip
LIKELY = {"kick": 0.28, "snare": 0.24, "hi-hat": 0.34, "open hi-hat": 0.12, "tom": 0.14, "cymbal": 0.12}
KIND = {key: drum for drum, keys in KEYS.items() for key in keys}
SECONDS = 12.0
NEAR_S = 0.035  # from a written stroke to the onset that is its
HIDDEN, ROUNDS, BATCH = 64, 60, 256
RANDOM_SHARE = 0.4  # pieces of strokes at random; the others are composed
OTHERS_SHARE, OTHERS_DB = 0.5, (-30.0, -12.0)  # pieces with something else under the drums, and how far under
HELD_EVERY = 8  # every eighth voice is kept to measure on


@dataclass(frozen=True, slots=True)
class HeardStrokes:
    """Onsets of rendered pieces: float32 features (onsets, values), labels (onsets, drums), and strokes not heard."""

    seen_OV: Array
    struck_OD: Array
    missed: int


def main(argv: list[str]) -> int:
    """Render, train, measure on kits that were not learned from, and write the weights."""
    parser = argparse.ArgumentParser(prog="python -m training drum-classes", description=__doc__.split("\n")[0])
    parser.add_argument("file", type=Path, metavar="FILE.npz", help="for the weights")
    parser.add_argument("--pieces", type=int, default=5, help="of each kit, 12 s each; default %(default)s")
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args(argv)
    renderer = PartRenderer(SoundLibrary.find())
    family = families()["drums"]
    voices = renderer.sounds.voices(family, held_out=False)
    rng = np.random.default_rng(args.seed)
    learned, held = list[HeardStrokes](), list[HeardStrokes]()
    for number, voice in enumerate(voices):
        into = held if number % HELD_EVERY == HELD_EVERY - 1 else learned
        into += [_heard(renderer, rng, family, voice) for _ in range(args.pieces)]
    network = _trained(_joined(learned), args.seed)
    _tell(network, _joined(held))
    first, _, second = network
    args.file.parent.mkdir(parents=True, exist_ok=True)
    np.savez(
        args.file,
        first=first.weight.detach().numpy().T.astype(np.float16),
        first_bias=first.bias.detach().numpy().astype(np.float16),
        second=second.weight.detach().numpy().T.astype(np.float16),
        second_bias=second.bias.detach().numpy().astype(np.float16),
    )
    print(f"{args.file}: {args.file.stat().st_size / 1000:.0f} kB, from {len(voices)} kits and drum machines")
    return 0


def _heard(renderer: PartRenderer, rng: Rng, family: Family, voice: Voice) -> HeardStrokes:
    part = _strokes(rng) if rng.random() < RANDOM_SHARE else compose(rng, SECONDS, [family]).parts[0]
    notes = tuple(note for note in part.notes if _sounds(renderer, rng, voice, note))
    part = replace(part, notes=_one_hat(notes))
    audio_CN = renderer.wet(rng, part, voice, SECONDS)
    mono_N = np.asarray(audio_CN.mean(axis=0), np.float32)
    if rng.random() < OTHERS_SHARE:
        mono_N = _over_others(renderer, rng, mono_N)
    step = RATE // RATE_HZ
    short_N = mono_N[: len(mono_N) // step * step].reshape(-1, step).mean(axis=1)
    if float(np.abs(short_N).max(initial=0.0)) < 1e-6:
        return HeardStrokes(np.zeros((0, 1), np.float32), np.zeros((0, len(DRUMS)), np.float32), 0)
    bands_BL = mel_bands(short_N)
    onsets_O = find_onsets(bands_BL)
    at_O = onsets_O * HOP_SAMPLES / RATE_HZ
    struck_OD, missed = np.zeros((len(onsets_O), len(DRUMS)), np.float32), 0
    for note in part.notes:
        if note.midi not in KIND:
            continue
        near = int(np.abs(at_O - note.start_s).argmin()) if len(at_O) else -1
        if near < 0 or abs(at_O[near] - note.start_s) > NEAR_S:
            missed += 1
        else:
            struck_OD[near, DRUMS.index(KIND[note.midi])] = 1.0
    return HeardStrokes(features(bands_BL, onsets_O), struck_OD, missed)


def _one_hat(notes: tuple[Note, ...]) -> tuple[Note, ...]:
    """Notes in which no closed hi-hat is struck with an open one, as there is but one."""
    open_s = np.array([note.start_s for note in notes if KIND.get(note.midi) == "open hi-hat"])
    return tuple(
        note for note in notes
        if KIND.get(note.midi) != "hi-hat" or not len(open_s) or np.abs(open_s - note.start_s).min() > NEAR_S
    )  # fmt: skip


def _sounds(renderer: PartRenderer, rng: Rng, voice: Voice, note: Note) -> bool:
    """False for a drum that a bank or a machine does not have."""
    if voice.kind == "bank" and renderer.sounds.banks is not None:
        return _bank(renderer.sounds.banks / voice.name).choose(note.midi, note.velocity, None, 0) is not None
    if voice.kind == "synth":
        return hit(rng, MACHINES[voice.name], note.midi, note.velocity, RATE) is not None
    return True


@functools.cache
def _bank(folder: Path) -> NoteBank:
    return NoteBank(folder)


def _strokes(rng: Rng) -> ScorePart:
    """Strokes in an even grid, each on one to three kinds of drums, loud and soft."""
    step_s = rng.uniform(0.11, 0.3)
    chosen = {drum: int(keys[rng.integers(len(keys))]) for drum, keys in KEYS.items()}
    notes = list[Note]()
    for number in range(int((SECONDS - 0.5) / step_s)):
        for drum, likely in LIKELY.items():
            if rng.random() < likely:
                at_s = max(0.05 + number * step_s + rng.normal(0, 0.003), 0.0)
                notes.append(Note(at_s, 0.1, chosen[drum], int(np.clip(rng.normal(78, 28), 15, 127))))
    return ScorePart("drums", "drums", tuple(sorted(notes, key=lambda note: note.start_s)))


def _over_others(renderer: PartRenderer, rng: Rng, mono_N: Array) -> Array:
    """The drums with another instrument far under them, as separation leaves it."""
    names = [name for name, family in families().items() if not family.drums]
    other = families()[names[rng.integers(len(names))]]
    voice = renderer.voice(rng, other.name, held_out=False)
    if voice is None:
        return mono_N
    part = compose(rng, SECONDS, [other]).parts[0]
    under_N = renderer.dry(rng, part, voice, SECONDS).mean(axis=0)[: len(mono_N)]
    gain = 10 ** (rng.uniform(*OTHERS_DB) / 20) * np.abs(mono_N).max() / max(float(np.abs(under_N).max()), 1e-6)
    return np.asarray(mono_N + np.pad(under_N * gain, (0, len(mono_N) - len(under_N))), np.float32)


def _joined(heard: list[HeardStrokes]) -> HeardStrokes:
    full = [one for one in heard if len(one.seen_OV)]
    if not full:
        raise ValueError("not enough kits were rendered; set FLUXSTEM_SOUNDS to a folder with sounds, or ask for more")
    return HeardStrokes(
        np.concatenate([one.seen_OV for one in full]),
        np.concatenate([one.struck_OD for one in full]),
        sum(one.missed for one in heard),
    )


def _trained(heard: HeardStrokes, seed: int) -> nn.Sequential:
    torch.manual_seed(seed)
    network = nn.Sequential(nn.Linear(heard.seen_OV.shape[1], HIDDEN), nn.ReLU(), nn.Linear(HIDDEN, len(DRUMS)))
    seen, struck = torch.from_numpy(heard.seen_OV), torch.from_numpy(heard.struck_OD)
    optimizer = torch.optim.AdamW(network.parameters(), lr=2e-3, weight_decay=1e-2)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, ROUNDS)
    for _ in range(ROUNDS):
        for chosen in torch.randperm(len(seen)).split(BATCH):
            batch = seen[chosen] + 0.05 * torch.randn(len(chosen), seen.shape[1])
            loss = nn.functional.binary_cross_entropy_with_logits(network(batch), struck[chosen])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        schedule.step()
    return network.eval()


def _tell(network: nn.Sequential, held: HeardStrokes) -> None:
    """Print how well strokes on kits that were not learned from are told apart."""
    with torch.no_grad():
        said_OD = (network(torch.from_numpy(held.seen_OV)).numpy() > 0).astype(np.float32)
    strokes = int(held.struck_OD.sum())
    print(f"kits not learned from: {strokes} strokes at {len(said_OD)} onsets, {held.missed} without an onset")
    for column, drum in enumerate(DRUMS):
        said, true = said_OD[:, column], held.struck_OD[:, column]
        both = float((said * true).sum())
        precision, recall = both / max(float(said.sum()), 1.0), both / max(float(true.sum()), 1.0)
        print(f"{drum:12} precision {precision:.2f} recall {recall:.2f} of {int(true.sum())}")
