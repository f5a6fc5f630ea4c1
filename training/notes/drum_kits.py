"""Drum parts on every kit there is, and which drum each stroke is heard as.

What a written key sounds as depends on the kit: one without a ride plays it on its hi-hat, one without toms leaves
them out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import soxr

from engine.notes.drum_features import RATE_HZ
from training.data.hydrogen import PREFIX, HydrogenKit
from training.data.instruments import Family, families
from training.data.sources import RATE, NoteBank, SoundLibrary, Voice
from training.mask.cache import recordings_of
from training.mask.electronic import MACHINE, ElectronicRenderer
from training.synthesis import drum_machine
from training.synthesis.compose import compose
from training.synthesis.grooves import CRASH, HAT, OPEN_HAT, RIDE
from training.synthesis.score import Note, ScorePart
from training.typing import Rng

Array = npt.NDArray[np.float32]

# Keys of General MIDI's percussion that are learned, by kind.
KEYS = {
    "kick": (35, 36), "snare": (38, 40, 37, 39), "hi-hat": (42, 44), "open hi-hat": (46,),
    "tom": (41, 43, 45, 47, 48, 50), "cymbal": (49, 51, 57, 53, 59, 55),
}  # fmt: skip
KIND = {key: drum for drum, keys in KEYS.items() for key in keys}
PIECES = {  # of a recorded kit
    "kick": "kick", "snare": "snare", "side stick": "snare", "rimshot": "snare", "clap": "snare",
    "hat closed": "hi-hat", "hat foot": "hi-hat", "hat open": "open hi-hat", "hat half open": "open hi-hat",
    "tom low": "tom", "tom mid": "tom", "tom high": "tom", "crash": "cymbal", "ride": "cymbal", "splash": "cymbal",
}  # fmt: skip
SECONDS = 12.0
RANDOM_SHARE = 0.4  # of the pieces are strokes at random; the others are composed
LIKELY = {"kick": 0.28, "snare": 0.24, "hi-hat": 0.34, "open hi-hat": 0.14, "tom": 0.16, "cymbal": 0.14}
OPENED_SHARE, OPENED = 0.4, (0.1, 0.6)  # composed pieces with open hi-hats among the closed ones, and how many
RIDDEN_SHARE, CRASHED = 0.15, 0.06  # pieces on the ride in place of the hi-hat; strokes that a crash goes with
OTHERS_SHARE, OTHERS_DB = 0.5, (-30.0, -10.0)  # pieces with something else under the drums, and how far under
FASTER = (
    0.15  # a piece is played faster and higher, or slower and lower, as a kit of other sizes: spread of a logarithm
)


@dataclass(frozen=True, slots=True)
class Stroke:
    """One stroke that sounds: when, and on which of ``KEYS``."""

    at_s: float
    drum: str


@dataclass(frozen=True, slots=True)
class DrumPiece:
    """A drum part that was played: where it comes from, float32 mono at ``RATE_HZ``, and its strokes by time."""

    source: str
    mono_N: Array
    strokes: tuple[Stroke, ...]


class KitRenderer(ElectronicRenderer):
    """Plays drum parts on kits, machines and what the SoundFont has.

    Args:
        sounds: fonts, banks and recordings.
        kit_folder: of kits in Hydrogen's format; None for none of them.
        more_kits: names of further kits there, which may not be learned from.
    """

    def __init__(self, sounds: SoundLibrary, kit_folder: Path | None, more_kits: Sequence[str] = ()) -> None:
        super().__init__(sounds, recordings_of(sounds), kit_folder)
        if kit_folder is not None:
            self._kits |= {name: HydrogenKit(kit_folder / name) for name in more_kits}

    def kits(self) -> list[Voice]:
        """Every kit and drum machine that may be learned from."""
        family = families()["drums"]
        banks = [Voice("bank", name) for name in self.sets.get(family.name, [])]
        banks += [self.hydrogen(name) for name in self._kits]
        return [*self.sounds.voices(family, held_out=False), *banks, MACHINE]

    def hydrogen(self, name: str) -> Voice:
        """A kit in Hydrogen's format."""
        return Voice("bank", PREFIX + name)

    def drum_of(self, voice: Voice, note: Note) -> str:
        """The drum that a note sounds as on a kit; "" where it is none of them, or does not sound."""
        if voice.kind == "font":
            return KIND.get(note.midi, "")
        if voice.kind == "synth":
            return machine_drum(note)
        hydrogen = self._kits.get(voice.name.removeprefix(PREFIX))
        if hydrogen is not None:  # it borrows from a machine what it lacks
            return bank_drum(hydrogen, note) or machine_drum(note)
        return bank_drum(self._bank(voice.name), note)

    def piece(self, rng: Rng, voice: Voice, part: ScorePart, wet: bool = True, turned: bool = True) -> DrumPiece:
        """A part on a kit, as a stem of drums is: often with traces of another instrument.

        Args:
            rng: decides everything.
            voice: the kit.
            part: what is played, in ``SECONDS``.
            wet: through effects of its own.
            turned: higher and faster or lower and slower than it was recorded.
        """
        part = replace(part, notes=tuple(note for note in part.notes if self.drum_of(voice, note)))
        audio_CN = (self.wet if wet else self.dry)(rng, part, voice, SECONDS)
        mono_N = np.asarray(audio_CN.mean(axis=0), np.float32)
        if rng.random() < OTHERS_SHARE:
            mono_N = self._over_others(rng, mono_N)
        faster = float(np.exp(rng.normal(0, FASTER))) if turned else 1.0
        strokes = tuple(Stroke(note.start_s / faster, self.drum_of(voice, note)) for note in part.notes)
        return DrumPiece(voice.label, np.asarray(soxr.resample(mono_N, RATE * faster, RATE_HZ), np.float32), strokes)

    def _over_others(self, rng: Rng, mono_N: Array) -> Array:
        """The drums with another instrument far under them, as separation leaves it."""
        names = [name for name, family in families().items() if not family.drums]
        other: Family = families()[names[rng.integers(len(names))]]
        voice = self.voice(rng, other.name, held_out=False)
        if voice is None:
            return mono_N
        part = compose(rng, SECONDS, [other]).parts[0]
        under_N = self.dry(rng, part, voice, SECONDS).mean(axis=0)[: len(mono_N)]
        gain = 10 ** (rng.uniform(*OTHERS_DB) / 20) * np.abs(mono_N).max() / max(float(np.abs(under_N).max()), 1e-6)
        return np.asarray(mono_N + np.pad(under_N * gain, (0, len(mono_N) - len(under_N))), np.float32)


def drawn_part(rng: Rng) -> ScorePart:
    """A part to learn from, with more of what is rare than music has."""
    return _one_hat(_random_part(rng) if rng.random() < RANDOM_SHARE else _composed_part(rng))


def bank_drum(bank: NoteBank, note: Note) -> str:
    """The drum that a bank of recorded strokes plays a note on; "" for none."""
    chosen = bank.choose(note.midi, note.velocity, None, 0)
    return "" if chosen is None else PIECES.get(chosen.piece, "")


def machine_drum(note: Note) -> str:
    """The drum that a drum machine plays a note on; "" for none."""
    return KIND.get(note.midi, "") if note.midi in drum_machine.PIECES else ""


def _one_hat(part: ScorePart) -> ScorePart:
    """A part in which no closed hi-hat is struck with an open one, as there is but one."""
    open_s = np.array([note.start_s for note in part.notes if KIND.get(note.midi) == "open hi-hat"])
    notes = tuple(
        note for note in part.notes
        if KIND.get(note.midi) != "hi-hat" or not len(open_s) or np.abs(open_s - note.start_s).min() > 0.035
    )  # fmt: skip
    return replace(part, notes=notes)


def _random_part(rng: Rng) -> ScorePart:
    """Strokes in an even grid, each on one to three kinds of drums, loud and soft; some pieces are rich in one kind."""
    step_s = rng.uniform(0.11, 0.3)
    chosen = {drum: int(keys[rng.integers(len(keys))]) for drum, keys in KEYS.items()}
    likely = {drum: min(share * float(np.exp(rng.normal(0, 0.6))), 0.8) for drum, share in LIKELY.items()}
    notes = list[Note]()
    for number in range(int((SECONDS - 0.5) / step_s)):
        for drum, share in likely.items():
            if rng.random() < share:
                at_s = max(0.05 + number * step_s + rng.normal(0, 0.003), 0.0)
                notes.append(Note(at_s, 0.1, chosen[drum], int(np.clip(rng.normal(78, 28), 15, 127))))
    return ScorePart("drums", "drums", tuple(sorted(notes, key=lambda note: note.start_s)))


def _composed_part(rng: Rng) -> ScorePart:
    """A groove, with more open hi-hats, rides and crashes than the composer writes."""
    part = compose(rng, SECONDS, [families()["drums"]]).parts[0]
    opened = float(rng.uniform(*OPENED)) if rng.random() < OPENED_SHARE else 0.0
    rides = rng.random() < RIDDEN_SHARE
    notes = list[Note]()
    for note in part.notes:
        if note.midi == HAT:
            note = replace(note, midi=RIDE if rides else OPEN_HAT if rng.random() < opened else HAT)
        notes.append(note)
        if note.midi in KEYS["kick"] and rng.random() < CRASHED:
            notes.append(replace(note, midi=CRASH))
    return replace(part, notes=tuple(notes))
