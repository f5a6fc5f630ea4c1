"""Turn parts into sound: SoundFont or note bank, then an effect chain that suits the family.

Deterministic by generator. Knows nothing of mixing, caches or models.
"""

from __future__ import annotations

from collections import OrderedDict

import numpy as np

from training.data.compose import Note, Part
from training.data.instruments import families
from training.data.sources import BANK_SHARE, RATE, Audio, NoteBank, Sounds, Voice

Rng = np.random.Generator
TAIL_S = 0.4
BANKS_KEPT = 12


class Renderer:
    """Plays parts at 44.1 kHz. One per process: the SoundFont takes some 340 MB."""

    def __init__(self, sounds: Sounds) -> None:
        import tinysoundfont

        self.sounds = sounds
        self._synth = tinysoundfont.Synth(samplerate=RATE, gain=-6)
        self._font = self._synth.sfload(str(sounds.font))
        self._banks: OrderedDict[str, NoteBank] = OrderedDict()

    def voice(self, rng: Rng, family: str, held_out: bool) -> Voice | None:
        """Choose how a family sounds; None when nothing here plays it."""
        voices = self.sounds.voices(families()[family], held_out)
        banks = [v for v in voices if v.kind == "bank"]
        fonts = [v for v in voices if v.kind == "font"]
        pool = banks if banks and (not fonts or rng.random() < BANK_SHARE) else fonts
        return pool[rng.integers(len(pool))] if pool else None

    def dry(self, rng: Rng, part: Part, voice: Voice, seconds: float) -> Audio:
        """The part without effects, float32 ``(2, N)`` at 44.1 kHz."""
        if voice.kind == "font":
            return self._font_part(part, voice, seconds)
        mono = self._bank_part(rng, part, self._bank(voice.name), seconds)
        return np.stack([mono, mono])

    def wet(self, rng: Rng, part: Part, voice: Voice, seconds: float) -> Audio:
        """The part through an effect chain of its own, float32 ``(2, N)`` at 44.1 kHz."""
        audio_CN = self.dry(rng, part, voice, seconds)
        if not np.any(audio_CN):
            return audio_CN
        audio_CN = audio_CN / max(1e-6, float(np.abs(audio_CN).max())) * 0.5
        return np.asarray(effects(rng, part.family)(audio_CN, RATE), dtype=np.float32)[:, : round(seconds * RATE)]

    def _font_part(self, part: Part, voice: Voice, seconds: float) -> Audio:
        synth = self._synth
        drums = voice.preset[0] == 128
        channel = 9 if drums else 0
        synth.sounds_off()
        synth.generate(2048)
        synth.program_select(channel, self._font, *voice.preset, drums)
        events: list[tuple[int, int, int, int]] = []
        for note in part.notes:
            start, end = round(note.start_s * RATE), round((note.start_s + note.length_s) * RATE)
            loud = round(127 * (note.velocity / 127) ** 2)  # the synth ignores the SF2 default velocity curve
            events += [(start, 1, note.midi, max(1, loud)), (end, 0, note.midi, 0)]
        total = round(seconds * RATE)
        pieces: list[Audio] = []
        at = 0
        for sample, on, midi, velocity in sorted(events):
            if sample >= total:
                break
            if sample > at:
                pieces.append(_frames(synth, sample - at))
                at = sample
            if on:
                synth.noteon(channel, midi, velocity)
            else:
                synth.noteoff(channel, midi)
        if at < total:
            pieces.append(_frames(synth, total - at))
        return np.ascontiguousarray(np.concatenate(pieces).T)

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

    def _bank_part(self, rng: Rng, part: Part, bank: NoteBank, seconds: float) -> Audio:
        total = round(seconds * RATE)
        out = np.zeros(total + RATE * 5, dtype=np.float32)
        articulation = None
        if len(bank.articulations) > 1 and rng.random() < 0.8:
            articulation = bank.articulations[rng.integers(len(bank.articulations))]
        for turn, note in enumerate(part.notes):
            chosen = bank.choose(note.midi, note.velocity, articulation, turn)
            if chosen is None:
                if part.role != "percussion":
                    continue
                chosen = bank.percussion_piece(note.midi, turn)
            sound = _play(chosen.audio, chosen.midi, note, bank)
            start = round(note.start_s * RATE)
            out[start : start + len(sound)] += sound
        return out[:total]


def _frames(synth: object, count: int) -> Audio:
    buffer = synth.generate(count)  # type: ignore[attr-defined]
    return np.frombuffer(bytes(buffer), dtype=np.float32).reshape(-1, 2).copy()


def _play(audio: Audio, midi: float, note: Note, bank: NoteBank) -> Audio:
    if bank.drums:
        sound = audio.copy()
    else:
        ratio = 2 ** ((note.midi - midi) / 12)
        wanted = round((note.length_s + TAIL_S) * RATE)
        positions = np.arange(min(wanted, int(len(audio) / ratio) - 1)) * ratio
        sound = np.interp(positions, np.arange(len(audio)), audio).astype(np.float32)
        hold = round(note.length_s * RATE)
        if len(sound) > hold:
            release = np.exp(-np.arange(len(sound) - hold) / (0.08 * RATE)).astype(np.float32)
            sound[hold:] *= release
    gain = (note.velocity / 127) ** 1.5 if bank.levelled else 0.6 + 0.4 * note.velocity / 127
    return sound * np.float32(gain)


def effects(rng: Rng, family: str) -> object:
    """A pedalboard chain for one stem: tone, dynamics, dirt, space."""
    import pedalboard as pb

    chain: list[object] = []
    if family == "distorted-guitar" or (family == "electric-guitar" and rng.random() < 0.15):
        chain.append(pb.Distortion(drive_db=float(rng.uniform(8, 28))))
        chain.append(pb.LowpassFilter(cutoff_frequency_hz=float(rng.uniform(3500, 7500))))
    elif rng.random() < 0.1:
        chain.append(pb.Distortion(drive_db=float(rng.uniform(2, 10))))
    if rng.random() < 0.55:
        chain.append(
            pb.LowShelfFilter(cutoff_frequency_hz=float(rng.uniform(90, 400)), gain_db=float(rng.normal(0, 4)))
        )
        chain.append(
            pb.HighShelfFilter(cutoff_frequency_hz=float(rng.uniform(1500, 7000)), gain_db=float(rng.normal(0, 5)))
        )
    if rng.random() < 0.35:
        chain.append(
            pb.PeakFilter(
                cutoff_frequency_hz=float(np.exp(rng.uniform(np.log(200), np.log(5000)))),
                gain_db=float(rng.normal(0, 5)),
                q=float(rng.uniform(0.4, 2)),
            )
        )
    if rng.random() < 0.4:
        chain.append(pb.Compressor(threshold_db=float(rng.uniform(-30, -14)), ratio=float(rng.uniform(2, 6))))
    if rng.random() < 0.12:
        chain.append(pb.Chorus(rate_hz=float(rng.uniform(0.3, 2)), depth=float(rng.uniform(0.1, 0.4)), mix=0.4))
    if rng.random() < 0.12:
        chain.append(
            pb.Delay(delay_seconds=float(rng.uniform(0.12, 0.5)), feedback=float(rng.uniform(0.1, 0.4)), mix=0.25)
        )
    if rng.random() < 0.5:
        chain.append(
            pb.Reverb(
                room_size=float(rng.uniform(0.05, 0.8)),
                damping=float(rng.uniform(0.2, 0.9)),
                wet_level=float(rng.uniform(0.03, 0.3)),
                dry_level=float(rng.uniform(0.6, 0.9)),
            )
        )
    return pb.Pedalboard(chain)
