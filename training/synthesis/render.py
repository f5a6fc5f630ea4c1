"""Turn parts into sound: SoundFont, note bank, synthesiser voice or drum machine, then effects and a place.

Deterministic by generator.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from training.data.instruments import families
from training.data.sources import (
    BANK_SHARE,
    ELECTRONIC,
    RATE,
    SYNTH_SHARE,
    SYNTH_SHARE_ELECTRONIC,
    NoteBank,
    SoundLibrary,
    Voice,
)
from training.synthesis import drum_machine as drumbox
from training.synthesis import synth
from training.synthesis.effects import Placement, chain, draw_place, put
from training.synthesis.score import Note, ScorePart
from training.typing import Audio, Rng

TAIL_S = 0.4
BANKS_KEPT = 12
WHEEL_RANGE = 12.0  # semitones
WHEEL_STEP_S = 0.008
DRUM_CHANNEL = 9
BENT_CHANNELS = tuple(c for c in range(1, 16) if c != DRUM_CHANNEL)  # notes with a gesture take turns on these
HEARD_ARTICULATIONS = ("pizzicato", "staccato")


@dataclass(frozen=True, slots=True)
class RenderedPart:
    """A rendered part.

    Attributes:
        audio_CN: float32 ``(2, N)`` at 44.1 kHz.
        style: the manner of playing that is really in it, "" when plain.
        place: where it stands between left and right.
    """

    audio_CN: Audio
    style: str
    place: Placement


class PartRenderer:
    """Plays parts at 44.1 kHz. One per process: the SoundFont takes some 340 MB."""

    def __init__(self, sounds: SoundLibrary) -> None:
        import tinysoundfont

        self.sounds = sounds
        self._synth = tinysoundfont.Synth(samplerate=RATE, gain=-6)
        self._font = self._synth.sfload(str(sounds.font))
        self._banks: OrderedDict[str, NoteBank] = OrderedDict()

    def voice(self, rng: Rng, family: str, held_out: bool) -> Voice | None:
        """Choose how a family sounds; None when nothing here plays it."""
        voices = self.sounds.voices(families()[family], held_out)
        kinds = {kind: [v for v in voices if v.kind == kind] for kind in ("synth", "bank", "font")}
        share = SYNTH_SHARE_ELECTRONIC if family in ELECTRONIC else SYNTH_SHARE
        if kinds["synth"] and rng.random() < share:
            pool = kinds["synth"]
        else:
            use_bank = kinds["bank"] and (not kinds["font"] or rng.random() < BANK_SHARE)
            pool = kinds["bank"] if use_bank else kinds["font"]
        return pool[rng.integers(len(pool))] if pool else None

    def dry(self, rng: Rng, part: ScorePart, voice: Voice, seconds: float) -> Audio:
        """The part without effects, float32 ``(2, N)`` at 44.1 kHz."""
        return self._sound(rng, part, voice, seconds)[0]

    def wet(self, rng: Rng, part: ScorePart, voice: Voice, seconds: float) -> Audio:
        """The part through an effect chain of its own, float32 ``(2, N)`` at 44.1 kHz."""
        return self.effected(rng, part, self.dry(rng, part, voice, seconds), seconds)

    def play(self, rng: Rng, part: ScorePart, voice: Voice, seconds: float) -> RenderedPart:
        """The part with effects, standing in a place of its own."""
        audio_CN, style = self._sound(rng, part, voice, seconds)
        place = draw_place(rng, part.family)
        audio_CN = self.effected(rng, part, audio_CN, seconds)
        return RenderedPart(put(place, audio_CN, RATE) if np.any(audio_CN) else audio_CN, voice.style or style, place)

    def effected(self, rng: Rng, part: ScorePart, audio_CN: Audio, seconds: float) -> Audio:
        """Audio ``(2, N)`` at 44.1 kHz through an effect chain as the part's family has, at most ``seconds`` of it."""
        if not np.any(audio_CN):
            return audio_CN
        audio_CN = audio_CN / max(1e-6, float(np.abs(audio_CN).max())) * 0.5
        return np.asarray(chain(rng, part.family)(audio_CN, RATE), dtype=np.float32)[:, : round(seconds * RATE)]

    def _sound(self, rng: Rng, part: ScorePart, voice: Voice, seconds: float) -> tuple[Audio, str]:
        """The sound without effects, and the manner of playing that is in it."""
        if voice.kind == "font":
            return self._font_part(part, voice, seconds), part.style
        if voice.kind == "synth":
            drums = families()[part.family].drums
            mono = (_box_part if drums else _synth_part)(rng, part, voice.name, seconds)
            return np.stack([mono, mono]), part.style
        mono, style = self._bank_part(rng, part, self._bank(voice.name), seconds)
        return np.stack([mono, mono]), style

    def _font_part(self, part: ScorePart, voice: Voice, seconds: float) -> Audio:
        drums = voice.preset[0] == 128
        self._ready(voice, drums)
        total = round(seconds * RATE)
        pieces: list[Audio] = []
        at = 0
        for sample, kind, channel, number, value in sorted(_events(part, drums)):
            if sample >= total:
                break
            if sample > at:
                pieces.append(_frames(self._synth, sample - at))
                at = sample
            if kind == 0:
                self._synth.noteoff(channel, number)
            elif kind == 1:
                self._synth.pitchbend(channel, value)
            else:
                self._synth.noteon(channel, number, value)
        if at < total:
            pieces.append(_frames(self._synth, total - at))
        return np.ascontiguousarray(np.concatenate(pieces).T)

    def _ready(self, voice: Voice, drums: bool) -> None:
        """Silence what still rings and set every channel that may play."""
        self._synth.sounds_off()
        self._synth.generate(2048)
        for channel in (DRUM_CHANNEL,) if drums else (0, *BENT_CHANNELS):
            self._synth.program_select(channel, self._font, *voice.preset, drums)
            self._synth.pitchbend_range(channel, WHEEL_RANGE)
            self._synth.pitchbend(channel, 8192)

    def _bank(self, name: str) -> NoteBank:
        if self.sounds.banks is None:
            raise FileNotFoundError(
                f"no note banks here, so {name} cannot play; set FLUXSTEM_SOUNDS to a sounds folder"
            )
        if name not in self._banks:
            self._banks[name] = NoteBank(self.sounds.banks / name)
            while len(self._banks) > BANKS_KEPT:
                self._banks.popitem(last=False)
        self._banks.move_to_end(name)
        return self._banks[name]

    def _bank_part(self, rng: Rng, part: ScorePart, bank: NoteBank, seconds: float) -> tuple[Audio, str]:
        total = round(seconds * RATE)
        out = np.zeros(total + RATE * 5, dtype=np.float32)
        articulation = bank.articulation_for(part.style)
        if articulation is None and len(bank.articulations) > 1 and rng.random() < 0.8:
            articulation = bank.articulations[rng.integers(len(bank.articulations))]
        for turn, note in enumerate(part.notes):
            chosen = bank.choose(note.midi, note.velocity, articulation, turn)
            if chosen is None:
                if part.role != "percussion":
                    continue
                chosen = bank.percussion_piece(note.midi, turn)
            _add(out, _bank_note(chosen.audio, chosen.midi, note, bank), note)
        return out[:total], articulation if articulation in HEARD_ARTICULATIONS else part.style


def _events(part: ScorePart, drums: bool) -> Iterator[tuple[int, int, int, int, int]]:
    """(sample, 0 off | 1 wheel | 2 on, channel, note, velocity or wheel) of a part."""
    turn = 0
    for note in part.notes:
        start, end = round(note.start_s * RATE), round(note.end_s * RATE)
        channel = DRUM_CHANNEL if drums else 0
        if note.gesture is not None and not drums:
            channel = BENT_CHANNELS[turn % len(BENT_CHANNELS)]
            turn += 1
            yield from _wheel(note, channel)
        loud = round(127 * (note.velocity / 127) ** 2)  # the synth ignores the SF2 default velocity curve
        yield start, 2, channel, note.midi, max(1, loud)
        yield end, 0, channel, note.midi, 0


def _wheel(note: Note, channel: int) -> Iterator[tuple[int, int, int, int, int]]:
    """The wheel's way through one note, where it moves."""
    assert note.gesture is not None  # only notes with a gesture come here
    at_s = np.arange(0, note.length_s, WHEEL_STEP_S)
    wheel = 8192 + np.round(note.gesture.pitch(at_s, note.length_s) / WHEEL_RANGE * 8191)
    last = -1
    for when, value in zip(at_s, np.clip(wheel, 0, 16383).astype(int), strict=True):
        if value != last:
            yield round((note.start_s + when) * RATE), 1, channel, 0, int(value)
            last = int(value)


def _frames(player: object, count: int) -> Audio:
    buffer = player.generate(count)  # type: ignore[attr-defined]
    return np.frombuffer(bytes(buffer), dtype=np.float32).reshape(-1, 2).copy()


def _add(out: Audio, sound: Audio, note: Note) -> None:
    start = round(note.start_s * RATE)
    room = out[start : start + len(sound)]
    room += sound[: len(room)]


def _bank_note(audio: Audio, midi: float, note: Note, bank: NoteBank) -> Audio:
    if bank.drums:
        sound = audio.copy()
    else:
        wanted = round((note.length_s + TAIL_S) * RATE)
        if note.gesture is None:
            ratio = 2 ** ((note.midi - midi) / 12)
            positions = np.arange(min(wanted, int(len(audio) / ratio) - 1)) * ratio
            sound = np.interp(positions, np.arange(len(audio)), audio).astype(np.float32)
        else:
            sound = synth.warp(audio, note.gesture.pitch(np.arange(wanted) / RATE, note.length_s) + note.midi - midi)
        hold = round(note.length_s * RATE)
        if len(sound) > hold:
            release = np.exp(-np.arange(len(sound) - hold) / (0.08 * RATE)).astype(np.float32)
            sound[hold:] *= release
    gain = (note.velocity / 127) ** 1.5 if bank.levelled else 0.6 + 0.4 * note.velocity / 127
    return sound * np.float32(gain)


def _synth_part(rng: Rng, part: ScorePart, name: str, seconds: float) -> Audio:
    patch = synth.patches()[name].turned(rng)
    out = np.zeros(round(seconds * RATE), dtype=np.float32)
    for note in part.notes:
        _add(out, synth.play(rng, patch, note, RATE), note)
    return out


def _box_part(rng: Rng, part: ScorePart, name: str, seconds: float) -> Audio:
    """A drum machine plays the same sound for every stroke on a piece, only louder or softer."""
    machine = drumbox.turned(rng, drumbox.MACHINES[name])
    out = np.zeros(round(seconds * RATE), dtype=np.float32)
    strokes: dict[int, Audio | None] = {}
    for note in part.notes:
        if note.midi not in strokes:
            strokes[note.midi] = drumbox.hit(rng, machine, note.midi, 127, RATE)
        stroke = strokes[note.midi]
        if stroke is not None:
            _add(out, stroke * np.float32((note.velocity / 127) ** 1.5), note)
    return out
