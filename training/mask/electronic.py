"""Pieces of electronic music for the mask decoder: a kit, a bass in the lowest octaves, and who else may play.

Many have the bass, and what else sounds, turned down by every kick, as producers do.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from training.data.hydrogen import PREFIX, HydrogenKit, kits
from training.data.instruments import families
from training.data.sources import RATE, SoundLibrary, Voice
from training.mask.render import SECONDS, RecordedRenderer, Row, fitted, kit_rows
from training.synthesis import drum_machine
from training.synthesis.compose import compose
from training.synthesis.effects import chain
from training.synthesis.electronic import bass_line, bass_sound, draw_bass, draw_kick, ducking, kick
from training.synthesis.render_stems import level
from training.synthesis.score import Note, ScorePart
from training.typing import Audio, Curve

Rng = np.random.Generator
KICKS = (35, 36)
MACHINE = Voice("synth", "drum machine")
KIT_SHARE, MACHINE_SHARE = 0.45, 0.45  # of the drummers; the others are as in all other music
OWN_KICK_SHARE = 0.4  # of the electronic kits get a kick drawn anew
EVERY_BEAT_SHARE = 0.4  # of the pieces have a kick on every beat
DUCKED_SHARE = 0.55
GUESTS = {
    "synth-pad": 0.22, "synth-lead": 0.26, "electric-piano": 0.1, "piano": 0.08, "strings": 0.06, "organ": 0.06,
    "choir": 0.04, "bells": 0.05, "electric-guitar": 0.05, "percussion": 0.08,
}  # fmt: skip
GUEST_COUNTS = (0.2, 0.3, 0.3, 0.2)  # shares of none to three


class ElectronicRenderer(RecordedRenderer):
    """Plays drums on electronic kits and on drum machines drawn for every piece.

    Args:
        kit_folder: of kits in Hydrogen's format; None for drum machines alone.
    """

    def __init__(self, sounds: SoundLibrary, recordings: Path, kit_folder: Path | None) -> None:
        super().__init__(sounds, recordings, held_out=False)
        self._kits = {name: HydrogenKit(kit_folder / name) for name in kits(kit_folder)} if kit_folder else {}

    def drummer(self, rng: Rng) -> Voice:
        """A kit, a drum machine, or what plays drums elsewhere."""
        chance = rng.random()
        if self._kits and chance < KIT_SHARE:
            return Voice("bank", PREFIX + sorted(self._kits)[int(rng.integers(len(self._kits)))])
        other = None if chance < KIT_SHARE + MACHINE_SHARE else self.voice(rng, "drums", False)
        return other or MACHINE

    def dry(self, rng: Rng, part: ScorePart, voice: Voice, seconds: float) -> Audio:
        """The part without effects, float32 ``(2, N)`` at 44.1 kHz."""
        kit = self._kits.get(voice.name.removeprefix(PREFIX))
        if kit is None and voice != MACHINE:
            return super().dry(rng, part, voice, seconds)
        mono = _strokes(rng, part.notes, kit, seconds)
        return np.stack([mono, mono])


def _strokes(rng: Rng, notes: tuple[Note, ...], kit: HydrogenKit | None, seconds: float) -> Audio:
    """One sound for each piece throughout; the generator's state alone decides which."""
    own_kick = kit is None or rng.random() < OWN_KICK_SHARE
    low = kick(rng, draw_kick(rng), RATE)
    narrow = kit.narrowed(rng) if kit is not None else None
    machine = _machine(rng)
    out = np.zeros(round(seconds * RATE), dtype=np.float32)
    sounds: dict[int, Audio | None] = {}
    for note in notes:
        if note.midi not in sounds:
            chosen = narrow.choose(note.midi, note.velocity, None, 0) if narrow is not None else None
            sounds[note.midi] = chosen.audio if chosen else drum_machine.hit(rng, machine, note.midi, 127, RATE)
            if own_kick and note.midi in KICKS:
                sounds[note.midi] = low
        stroke = sounds[note.midi]
        if stroke is not None:
            start = round(note.start_s * RATE)
            room = out[start : start + len(stroke)]
            room += stroke[: len(room)] * np.float32((note.velocity / 127) ** 1.2)
    return out


def _machine(rng: Rng) -> drum_machine.DrumMachine:
    """A drum machine of any character."""
    tune, ring, snap, click = np.exp(rng.normal([0.1, -0.1, 0.0, -0.4], [0.25, 0.4, 0.3, 0.5]))
    bits = int(rng.choice([0, 0, 0, 0, 5, 6, 8]))
    return drum_machine.DrumMachine(float(tune), float(ring), float(snap), float(click), bits)


def electronic_piece(renderer: ElectronicRenderer, seed: int, number: int) -> list[Row]:
    """All stems of a piece; the kit comes piece by piece."""
    rng = np.random.default_rng([seed, number])
    count = int(rng.choice(len(GUEST_COUNTS), p=GUEST_COUNTS))
    guests = [str(name) for name in rng.choice(list(GUESTS), count, replace=False, p=list(GUESTS.values()))]
    score = compose(rng, SECONDS, [families()[name] for name in ("drums", "synth-bass", *guests)])
    drums = score.parts[0]
    if rng.random() < EVERY_BEAT_SHARE:
        drums = _on_every_beat(rng, drums, 60 / score.tempo_bpm)
    kicks_s = sorted(note.start_s for note in drums.notes if note.midi in KICKS)
    duck = ducking(rng, kicks_s, round(SECONDS * RATE), RATE) if rng.random() < DUCKED_SHARE else None
    piece = f"{seed}-{number}"
    voice = renderer.drummer(rng)
    label: dict[str, Any] = {"family": "drums", "source": voice.label, "piece": piece, "part": 0}
    rows = kit_rows(renderer, rng, drums, voice, label)
    rows += _bass(rng, score.parts[1], kicks_s, duck, piece)
    for place, part in enumerate(score.parts[2:], 2):
        guest = renderer.voice(rng, part.family, False)
        if guest is None:
            continue
        mono = level(_ducked(rng, fitted(renderer.wet(rng, part, guest, SECONDS).mean(axis=0)), duck, 0.6))
        if np.any(mono):
            label = {"family": part.family, "source": guest.label, "piece": piece, "part": place}
            rows.append(Row(mono[None], label))
    return rows


def _bass(rng: Rng, part: ScorePart, kicks_s: list[float], duck: Curve | None, piece: str) -> list[Row]:
    notes = bass_line(rng, part.notes, kicks_s, SECONDS)
    mono = bass_sound(rng, draw_bass(rng), notes, SECONDS, RATE)
    if np.any(mono) and rng.random() < 0.5:
        mono = fitted(np.asarray(chain(rng, "synth-bass")(mono[None], RATE), dtype=np.float32)[0])
    mono = level(_ducked(rng, mono, duck, 0.9))
    label = {"family": "synth-bass", "source": "synth:electronic bass", "piece": piece, "part": 1}
    return [Row(mono[None], label)] if np.any(mono) else []


def _ducked(rng: Rng, mono: Audio, duck: Curve | None, share: float) -> Audio:
    return mono * duck.astype(np.float32) if duck is not None and rng.random() < share else mono


def _on_every_beat(rng: Rng, drums: ScorePart, beat_s: float) -> ScorePart:
    """The same part with a kick on every beat, in its own loudness."""
    loud = int(rng.integers(95, 120))
    kicks = [Note(at_s, 0.1, KICKS[1], loud) for at_s in np.arange(0, SECONDS - 0.05, beat_s).tolist()]
    others = [note for note in drums.notes if note.midi not in KICKS]
    return replace(drums, notes=tuple(sorted([*others, *kicks], key=lambda note: note.start_s)))
