"""Render the demo mix that ships: a real voice over recorded drums, bass and electric piano, with the true stems.

``python -m training demo DIR`` writes ``mix.flac``, a FLAC for each stem that is asked for, and ``demo.json`` with the
prompts and the credits. 44.1 kHz, 16-bit, stereo; the mix is the exact sum of its stems. Everything in it was kept out
of training: the voice is a song's of ``holdout.toml``, the notes are its banks'. The band was composed around the
voice, whose tempo, bar lines and pitches were measured (``SONG``).
"""

from __future__ import annotations

import argparse
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import soundfile as sf

from training.data.credits import credits_of
from training.data.sources import RATE, NoteBank, SoundLibrary, read_stereo
from training.synthesis.effects import Placement, put
from training.synthesis.render import _add, _bank_note
from training.synthesis.score import Note
from training.typing import Audio, Rng

SECONDS = 16.0
FULL_SCALE = 32768
PEAK = 0.89
FADE_S = 0.9
STEPS_PER_BAR = 16


@dataclass(frozen=True, slots=True)
class DemoSong:
    """Source of the voice, and what was measured in it.

    Attributes:
        name, file: of the song and of its stem with the voice.
        tempo_bpm: the drums repeat every 1.817 s (autocorrelation of librosa's onset strength): bars of four at 132.
        first_bar: where the excerpt begins; bar 0 begins with the file.
        bars: how many are played before the last stroke.
    """

    name: str
    file: str
    tempo_bpm: float
    first_bar: int
    bars: int

    @property
    def bar_s(self) -> float:
        """Length of a bar."""
        return 240.0 / self.tempo_bpm


SONG = DemoSong("rubidium", "vox-lead.m4a", 132.0, 27, 8)
LEAD_S = 0.06  # before the first stroke

# The voice leans on G (the song's synth holds it), falls from B flat and C to a long F in every second bar, then from G
# to E flat (pitches by librosa's pyin): G minor, four chords, a bar each. Root of the bass, fifth, chord of the piano.
CHORDS: tuple[tuple[int, int, tuple[int, ...]], ...] = (
    (31, 38, (55, 58, 62, 65)),  # G minor seventh
    (34, 41, (53, 58, 62, 65)),  # B flat
    (39, 34, (51, 58, 62, 67)),  # E flat major seventh
    (29, 36, (53, 58, 60, 63)),  # F, its third held back
)
KICK, SNARE, HAT, HAT_OPEN = 36, 38, 42, 46
SIDES = {KICK: 0.0, SNARE: -0.06, HAT: 0.34, HAT_OPEN: 0.34, 50: 0.25, 47: -0.1, 45: -0.4}


@dataclass(frozen=True, slots=True)
class DemoPlayer:
    """One instrument of the band.

    Attributes:
        prompt: what it is asked for with; its file is called so.
        source: ``bank`` or ``song``, and its name.
        level_db: RMS over the whole mix, against full scale.
        shipped: False leaves its stem out of the folder.
    """

    prompt: str
    source: tuple[str, str]
    level_db: float
    shipped: bool = True


BAND = (
    DemoPlayer("vocals", ("song", SONG.name), -23.0),
    DemoPlayer("drums", ("bank", "gogodze-phu-drums"), -20.5),
    DemoPlayer("bass", ("bank", "electric-bass-yr"), -21.5),
    DemoPlayer("electric piano", ("bank", "wurlitzer-ep200"), -29.0, shipped=False),
)


def render_band(seed: int) -> dict[str, Audio]:
    """Stems by prompt, int16-valued float32 ``(2, N)`` whose sum does not clip."""
    rng = np.random.default_rng(seed)
    sounds = SoundLibrary.find()
    if sounds.banks is None or sounds.songs is None:
        raise FileNotFoundError("the demo needs the sounds folder with its banks and songs; set FLUXSTEM_SOUNDS")
    banks = {p.prompt: NoteBank(sounds.banks / p.source[1]) for p in BAND if p.source[0] == "bank"}
    played = {
        "vocals": _voice(sounds.songs),
        "drums": _drums(rng, banks["drums"]),
        "bass": _bass(rng, banks["bass"]),
        "electric piano": _piano(rng, banks["electric piano"]),
    }
    stems = {}
    for player in BAND:
        audio_CN = _faded(played[player.prompt])
        rms = float(np.sqrt((audio_CN**2).mean()))
        stems[player.prompt] = audio_CN * np.float32(10 ** (player.level_db / 20) / max(rms, 1e-6))
    peak = float(np.abs(sum(stems.values())).max())
    scale = FULL_SCALE * min(1.0, PEAK / peak)
    return {prompt: np.round(stem * scale).astype(np.float32) for prompt, stem in stems.items()}


def _voice(songs: Path) -> Audio:
    """The excerpt of the song's voice, as the artist left it."""
    first = round((SONG.first_bar * SONG.bar_s - LEAD_S) * RATE)
    cut = read_stereo(songs / SONG.name / SONG.file)[:, first : first + round(SECONDS * RATE)].copy()
    cut[:, : round(LEAD_S * RATE)] *= np.linspace(0, 1, round(LEAD_S * RATE), dtype=np.float32)
    return cut


def _at(bar: int, step: float) -> float:
    """Seconds of a sixteenth."""
    return LEAD_S + (bar + step / STEPS_PER_BAR) * SONG.bar_s


def _note(rng: Rng, bar: int, step: float, length: float, midi: int, velocity: int, late_s: float = 0.0) -> Note:
    """A note as a hand would play it: a few milliseconds off, a little louder or softer."""
    start_s = max(0.0, _at(bar, step) + late_s + float(rng.normal(0, 0.004)))
    loud = int(np.clip(velocity + rng.normal(0, 5), 1, 127))
    return Note(start_s, length * SONG.bar_s / STEPS_PER_BAR, midi, loud)


def _drums(rng: Rng, bank: NoteBank) -> Audio:
    """Kick on one and around three, snare on two and four with ghost strokes, eighths on the hats, a fill of toms."""
    notes = []
    for bar in range(SONG.bars):
        fill = bar == SONG.bars - 1
        for step, loud in ((0, 118), (6, 92), (10, 108)) + (((15, 84),) if bar % 2 else ()):
            notes.append(_note(rng, bar, step, 1, KICK, loud))
        for step, loud in ((4, 114), (12, 118), (7, 30), (9, 34)):
            if not (fill and step == 12):
                notes.append(_note(rng, bar, step, 1, SNARE, loud))
        for step in range(0, 12 if fill else 16, 2):
            opened = step == 14 and bar % 2 == 1
            midi = HAT_OPEN if opened or (step == 0 and bar % 4 == 0) else HAT
            notes.append(_note(rng, bar, step, 1, midi, 96 if step % 4 == 0 else 66))
        if fill:
            strokes = ((12, SNARE, 104), (12.5, SNARE, 84), (13, 50, 100), (13.5, 50, 88), (14, 47, 108), (15, 45, 116))
            notes += [_note(rng, bar, step, 1, midi, loud) for step, midi, loud in strokes]
    notes += [_note(rng, SONG.bars, 0, 1, midi, loud) for midi, loud in ((KICK, 122), (HAT_OPEN, 112), (45, 90))]
    out = np.zeros((2, round((SECONDS + 3) * RATE)), dtype=np.float32)
    for turn, note in enumerate(sorted(notes, key=lambda one: one.start_s)):
        chosen = bank.choose(note.midi, note.velocity, None, turn)
        if chosen is not None:
            stroke = _bank_note(chosen.audio, chosen.midi, note, bank)
            for side, channel in zip(
                put(Placement(SIDES[note.midi]), np.stack([stroke, stroke]), RATE), out, strict=True
            ):
                _add(channel, side, note)
    return _through(out, ("compressor", -22.0, 2.5), ("room", 0.18, 0.09))


def _bass(rng: Rng, bank: NoteBank) -> Audio:
    """Fingered: the root with the kick, its fifth on four, a step towards the next root."""
    notes = []
    for bar in range(SONG.bars):
        root, fifth, _ = CHORDS[bar % len(CHORDS)]
        after = CHORDS[(bar + 1) % len(CHORDS)][0]
        line = [(0, 4.5, root, 112), (6, 1.7, root, 92), (8, 1.6, root, 84), (10, 2.0, root, 106), (12, 1.8, fifth, 96)]
        notes += [_note(rng, bar, *one, late_s=0.006) for one in line]
        notes.append(_note(rng, bar, 14, 1.8, after + (2 if after < fifth else -2), 90, late_s=0.006))
    notes.append(_note(rng, SONG.bars, 0, 10, CHORDS[0][0], 112, late_s=0.006))
    mono = np.zeros(round((SECONDS + 3) * RATE), dtype=np.float32)
    for turn, note in enumerate(notes):
        chosen = bank.choose(note.midi, note.velocity, "finger", turn)
        if chosen is not None:
            _add(mono, _bank_note(chosen.audio, chosen.midi, note, bank), note)
    return _through(np.stack([mono, mono]), ("compressor", -24.0, 3.0))


def _piano(rng: Rng, bank: NoteBank) -> Audio:
    """Chords off the beat, left of the middle, with a slow tremolo from side to side."""
    notes = []
    for bar in range(SONG.bars):
        chord = CHORDS[bar % len(CHORDS)][2]
        for step, length, loud in ((0, 5, 78), (6, 3, 62), (11, 4.5, 72)):
            notes += [_note(rng, bar, step + 0.03 * k, length, midi, loud) for k, midi in enumerate(chord)]
    notes += [_note(rng, SONG.bars, 0.03 * k, 12, midi, 74) for k, midi in enumerate(CHORDS[0][2])]
    mono = np.zeros(round((SECONDS + 3) * RATE), dtype=np.float32)
    for turn, note in enumerate(notes):
        chosen = bank.choose(note.midi, note.velocity, None, turn)
        if chosen is not None:
            _add(mono, _bank_note(chosen.audio, chosen.midi, note, bank), note)
    swing = 0.25 * np.sin(2 * np.pi * SONG.tempo_bpm / 120 * np.arange(len(mono)) / RATE)
    sides = np.stack([1.15 + swing, 0.75 - swing]).astype(np.float32)
    return _through(mono[None] * sides, ("room", 0.3, 0.16))


def _through(audio_CN: Audio, *effects: tuple[str, float, float]) -> Audio:
    """Through a compressor (threshold in dB under the peak, ratio) or a room (size, share of it)."""
    import pedalboard as pb

    board: list[Any] = []
    for kind, one, other in effects:
        if kind == "compressor":
            board.append(pb.Compressor(threshold_db=one, ratio=other, attack_ms=8, release_ms=120))
        else:
            board.append(pb.Reverb(room_size=one, damping=0.6, wet_level=other, dry_level=1.0, width=1.0))
    peak = max(1e-6, float(np.abs(audio_CN).max()))
    return np.asarray(pb.Pedalboard(board)(audio_CN / peak, RATE), dtype=np.float32)


def _faded(audio_CN: Audio) -> Audio:
    samples, fade = round(SECONDS * RATE), round(FADE_S * RATE)
    out = np.pad(audio_CN, ((0, 0), (0, max(0, samples - audio_CN.shape[1]))))[:, :samples].astype(np.float32)
    out[:, -fade:] *= np.cos(np.linspace(0, np.pi / 2, fade, dtype=np.float32)) ** 2
    return out


def description(shipped: list[str]) -> dict[str, Any]:
    """What ``demo.json`` says: prompts with the files of their true stems, and whose sounds they are."""
    rows = [
        {"prompt": p.prompt, "credit": credits_of([":".join(p.source)])[0]}
        | ({"reference": f"{p.prompt.replace(' ', '-')}.flac"} if p.prompt in shipped else {})
        for p in BAND
    ]
    return {"mix": "mix.flac", "tempo_bpm": SONG.tempo_bpm, "key": "G minor", "stems": rows}


def main(argv: list[str]) -> int:
    """``python -m training demo``."""
    shipped = [player.prompt for player in BAND if player.shipped]
    parser = argparse.ArgumentParser(prog="python -m training demo", description="render the demo mix and its stems")
    parser.add_argument("folder", type=Path, nargs="?", default=Path("resources/demo"))
    parser.add_argument("--seed", type=int, default=4)
    parser.add_argument("--prompts", nargs="+", default=shipped, choices=[player.prompt for player in BAND])
    args = parser.parse_args(argv)
    stems = render_band(args.seed)
    args.folder.mkdir(parents=True, exist_ok=True)
    _write(args.folder / "mix.flac", np.sum(list(stems.values()), axis=0))
    for prompt in args.prompts:
        _write(args.folder / f"{prompt.replace(' ', '-')}.flac", stems[prompt])
    text = json.dumps(description(args.prompts), indent=1, ensure_ascii=False)
    (args.folder / "demo.json").write_text(text + "\n", "utf-8")
    print(f"{args.folder}: {SECONDS:g} s at {RATE} Hz stereo, {', '.join(stems)}")
    return 0


def _write(path: Path, audio_CN: Audio) -> None:
    sf.write(path, audio_CN.T.astype(np.int16), RATE, subtype="PCM_16")
