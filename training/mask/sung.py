"""``python -m training mask-sung``: stems of pieces with singers, made of recorded speech, for the mask decoder.

There are hundreds of recorded speakers and a handful of recorded singers. Here every speaker may sing: the lead, others
behind it in unison or some steps of the scale away, and choirs. Shards have the form of those of ``mask-stems``; what
is there stays.
"""

from __future__ import annotations

import argparse
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import soundfile as sf

from training.data.instruments import families
from training.data.recordings import RecordedClip, clips
from training.data.sources import RATE, SoundLibrary, Voice
from training.mask.cache import recordings_of
from training.mask.render import SECONDS, RecordedRenderer, Row, kit_rows, mono_rows, write_pieces
from training.synthesis.compose import cast, compose
from training.synthesis.harmony import MODES
from training.synthesis.perform import chords_of
from training.synthesis.score import Note, Score, ScorePart
from training.synthesis.sing import SingingStyle, SpokenPhrase, sing
from training.typing import Audio, Rng

SEED = 401
PIECES = 240
KIND = "sung"  # begins the label of a stem's source
BACKING_SHARE, CHOIR_SHARE = 0.45, 0.15  # of the pieces
MOST_PLAYERS = 4  # beside the singers
BACKING_STEPS = ((2,), (-5,), (0,), (2, -3), (0, 2))  # of the scale above the lead, for each line
DOUBLES = (1, 2, 3)  # voices on every line behind the lead
CHOIR_VOICES = (5, 9)
PHRASES_KEPT = 40  # each takes 16 MB


class SungRenderer(RecordedRenderer):
    """Speakers sing what others would play as vocals and choir.

    Raises:
        ValueError: there is no recorded speech.
    """

    def __init__(self, sounds: SoundLibrary, recordings: Path) -> None:
        super().__init__(sounds, recordings, held_out=False)
        self._spoken = [clip for clip in clips(recordings, held_out=False) if clip.family == "speech"]
        self._phrases: OrderedDict[Path, SpokenPhrase | None] = OrderedDict()
        if not self._spoken:
            raise ValueError(f"there is no recorded speech in {recordings}; singers are made of it")

    def voice(self, rng: Rng, family: str, held_out: bool) -> Voice | None:
        """A source of speakers who can sing for vocals and choir; else as in all other music.

        Raises:
            ValueError: no recorded speaker can sing.
        """
        if family not in ("vocals", "choir"):
            return super().voice(rng, family, held_out)
        spoken = self._spoken
        while spoken:
            source = spoken[int(rng.integers(len(spoken)))].source
            if any(self._phrase(clip) is not None for clip in self._spoken if clip.source == source):
                return Voice(KIND, source)
            spoken = [clip for clip in spoken if clip.source != source]
        raise ValueError("no phrase of the recorded speech has enough syllables to sing")

    def dry(self, rng: Rng, part: ScorePart, voice: Voice, seconds: float) -> Audio:
        """The part without effects, float32 ``(2, N)`` at 44.1 kHz."""
        if voice.kind != KIND:
            return super().dry(rng, part, voice, seconds)
        mono = np.zeros(round(seconds * RATE), dtype=np.float32)
        if part.family == "choir":
            for line in _lines(part.notes, int(rng.integers(*CHOIR_VOICES))):
                mono += _late(rng, self.sung(rng, voice.name, line, seconds))
        else:
            mono += self.sung(rng, voice.name, part.notes, seconds)
        return np.stack([mono, mono])

    def sung(self, rng: Rng, source: str, notes: tuple[Note, ...], seconds: float) -> Audio:
        """A line by one of a source's speakers, float32 (N,).

        Raises:
            ValueError: none of them can sing; ``voice`` names no such source.
        """
        speakers = [clip for clip in self._spoken if clip.source == source]
        for speaker in rng.permutation(len(speakers)):
            phrase = self._phrase(speakers[speaker])
            if phrase is not None:
                return sing(rng, phrase, notes, seconds, SingingStyle.draw(rng))
        raise ValueError(f"none of the {len(speakers)} phrases of {source} has enough syllables to sing")

    def _phrase(self, clip: RecordedClip) -> SpokenPhrase | None:
        """A speaker's phrase; None for one that cannot sing."""
        if clip.path not in self._phrases:
            self._phrases[clip.path] = _analysed(clip)
            while len(self._phrases) > PHRASES_KEPT:
                self._phrases.popitem(last=False)
        return self._phrases[clip.path]


def _analysed(clip: RecordedClip) -> SpokenPhrase | None:
    try:
        return SpokenPhrase.analyse(clip.read().mean(axis=0), RATE, sf.info(clip.path).samplerate)
    except ValueError:
        return None


def _lines(notes: tuple[Note, ...], voices: int) -> list[tuple[Note, ...]]:
    """Chords as lines of single notes, the voices spread over them."""
    chords = [sorted(chord, key=lambda note: note.midi) for chord in chords_of(list(notes))]
    return [tuple(chord[voice % len(chord)] for chord in chords) for voice in range(voices)]


def _late(rng: Rng, mono: Audio) -> Audio:
    """Up to 40 ms late, as one of many voices is, and not as loud as each other."""
    late = int(rng.integers(0, round(0.04 * RATE)))
    return np.pad(mono, (late, 0))[: len(mono)] * np.float32(rng.uniform(0.5, 1.0))


def in_scale(midi: int, steps: int, score: Score) -> int:
    """A MIDI number moved by steps of the piece's scale; what is not in the scale moves as its lower neighbour."""
    mode = MODES[score.mode]
    semitone = (midi - score.tonic) % 12
    degree = max(k for k, above in enumerate(mode) if above <= semitone)
    octaves, wanted = divmod(degree + steps, len(mode))
    return midi + 12 * octaves + mode[wanted] - mode[degree]


def backing(rng: Rng, lead: ScorePart, score: Score) -> list[ScorePart]:
    """Lines behind the lead, which come in after a while, one part for each voice."""
    begins_s = float(rng.choice([0.0, rng.uniform(0.0, 0.5) * score.seconds]))
    notes = [note for note in lead.notes if note.start_s >= begins_s]
    lines = BACKING_STEPS[int(rng.integers(len(BACKING_STEPS)))]
    doubles = int(rng.choice(DOUBLES))
    return [
        replace(lead, notes=tuple(replace(note, midi=in_scale(note.midi, steps, score)) for note in notes))
        for steps in lines
        for _ in range(doubles)
    ]


def sung_piece(renderer: SungRenderer, seed: int, number: int) -> list[Row]:
    """All stems of a piece: the lead, often others behind it or a choir, and who else plays."""
    rng = np.random.default_rng([seed, number])
    table = families()
    able = [family for family in renderer.able() if "voices" not in family.groups]
    singers = [table["vocals"], *([table["choir"]] if rng.random() < CHOIR_SHARE else [])]
    score = compose(rng, SECONDS, [*singers, *(cast(rng, able)[:MOST_PLAYERS] if able else [])])
    piece = f"{seed}-{number}"
    rows: list[Row] = []
    for place, part in enumerate(score.parts):
        voice = renderer.voice(rng, part.family, False)
        if voice is None:
            continue
        label = {"family": part.family, "source": voice.label, "piece": piece, "part": place}
        if part.family == "drums":
            rows += kit_rows(renderer, rng, part, voice, label)
            continue
        name = "lead-vocals" if part.family == "vocals" else ""
        rows += mono_rows(renderer.wet(rng, part, voice, SECONDS), {**label, "part_name": name})
    if rng.random() < BACKING_SHARE:
        rows += _behind(renderer, rng, score, {"family": "vocals", "piece": piece, "part": len(score.parts)})
    return rows


def _behind(renderer: SungRenderer, rng: Rng, score: Score, label: dict[str, Any]) -> list[Row]:
    """The voices behind the lead as one stem; none where they never come in."""
    lead = score.parts[0]
    lines = [line for line in backing(rng, lead, score) if line.notes]
    voice = renderer.voice(rng, "vocals", False)
    if voice is None or not lines:
        return []
    mono = np.sum([_late(rng, renderer.dry(rng, line, voice, SECONDS)[0]) for line in lines], axis=0)
    wet = renderer.effected(rng, lead, np.stack([mono, mono]), SECONDS)
    return mono_rows(wet, {**label, "source": voice.label, "part_name": "backing-vocals"})


def main(argv: list[str]) -> int:
    """Read the command line and render."""
    parser = argparse.ArgumentParser(
        prog="python -m training mask-sung",
        description="render stems of pieces with singers, made of recorded speech, for the mask decoder",
    )
    parser.add_argument("--out", type=Path, required=True, help="folder of the shards")
    parser.add_argument("--pieces", type=int, default=PIECES, help=f"pieces to sing; {PIECES}")
    args = parser.parse_args(argv)

    def renders() -> Callable[[int], list[Row]]:
        sounds = SoundLibrary.find()
        return partial(sung_piece, SungRenderer(sounds, recordings_of(sounds)), SEED)

    write_pieces(args.out, "sung", args.pieces, renders)
    return 0
