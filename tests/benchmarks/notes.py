"""How well notes, strokes, beats and keys are heard, on composed pieces whose notes are known.

    python tests/benchmarks/notes.py --pieces 12
    python tests/benchmarks/notes.py --pieces 0 --keys 60    # keys alone, of pieces in major and minor

Every piece is played on the shared font and note banks through effects of its own; each stem is heard alone, tempo and
key in the mix. Note F1 counts an onset within 50 ms and half a semitone, with offsets also an end within 20 % of the
length; beat F1 is that of mir_eval, 70 ms, and beats at any level are its AMLt, to which half and twice the tempo are
right too. The truth of a stroke is the drum that the kit plays it on. A second table is the reliability of the
program's confidences, a third their calibration error. Needs the extras notes, tempo, bench and training.
"""

from __future__ import annotations

import argparse
import functools
import tempfile
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path

import mir_eval
import numpy as np
import soundfile
from reliability import Claim, calibration_error, reliability_rows

from engine.notes.beats import TempoEstimate, estimate_tempo
from engine.notes.calibration import EVIDENCE, MEASURED, Table
from engine.notes.drum_features import DRUMS
from engine.notes.drums import hear_drums
from engine.notes.network import NoteNetwork
from engine.notes.note import DrumHit, NoteEvent
from engine.notes.stem_analysis import opened_audio
from engine.notes.transcribe import transcribe
from training.data.instruments import families
from training.data.sources import RATE, NoteBank, SoundLibrary
from training.notes.drum_kits import KIND, bank_drum, machine_drum
from training.synthesis.band import Band, render_band
from training.synthesis.compose import compose
from training.synthesis.harmony import draw_frame
from training.synthesis.render import PartRenderer
from training.synthesis.score import Note, Score, ScorePart

ONSET_S, OFFSET_SHARE = 0.05, 0.2
TONICS = ("C", "C#", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B")
# Modes that a key of major or minor names rightly; the others have no right answer here.
KEYS = {"major": "major", "minor": "minor", "harmonic minor": "minor", "melodic minor": "minor"}

STROKE, STEM, NOTE = "a stroke", "a stem's notes (F1)", "a note"
BEATS, BARS, KEY = "the beats, at any level (AMLt)", "the bars (downbeat F1)", "the key"

Scores = dict[str, list[float]]
Claims = dict[str, list[Claim]]


def main() -> None:
    """Compose, play, listen, compare; print a table."""
    parser = argparse.ArgumentParser(description="how well notes, strokes, beats and keys are heard")
    parser.add_argument("--pieces", type=int, default=12)
    parser.add_argument("--keys", type=int, default=0, help="further pieces of which the key alone is heard")
    parser.add_argument("--seconds", type=float, default=24.0, help="of each piece")
    parser.add_argument("--seed", type=int, default=100)
    arguments = parser.parse_args()
    renderer, network = PartRenderer(SoundLibrary.find()), NoteNetwork()
    lines: Scores = defaultdict(list)
    music: Scores = defaultdict(list)
    claims: Claims = defaultdict(list)
    for number in range(arguments.pieces):
        seed = arguments.seed + number
        band = render_band(renderer, np.random.default_rng(seed), arguments.seconds)
        for part, source, stem_CN in stems_of(band):
            for name, value in score_stem(renderer, part, source, stem_CN, network, claims, f"piece {seed}"):
                lines[name].append(value)
        for name, value in score_mix(band, seed, arguments.seconds, claims):
            music[name].append(value)
    for number, band in tonal_pieces(renderer, arguments.seed, arguments.keys, arguments.seconds):
        for name, value in score_key(band.score, estimated_tempo(np.sum(band.stems, axis=0)), claims, f"keys {number}"):
            music[name].append(value)
    print(f"{arguments.pieces} pieces of {arguments.seconds:g} s")
    print("| what | stems or pieces | mean |\n|---|---|---|")
    for name, values in [*sorted(lines.items()), *sorted(music.items())]:
        print(f"| {name} | {len(values)} | {np.mean(values):.2f} |")
    print_reliability(claims)


def print_reliability(claims: Claims) -> None:
    """Print reliability tables and calibration errors of the program's confidences."""
    judged = {
        name: ([confidence_of(name, one) for one in some], [one.true for one in some]) for name, some in claims.items()
    }
    print("\n| confidence in | said | how many | said on average | true |\n|---|---|---|---|---|")
    for name, (confidences, true) in judged.items():
        for row in reliability_rows(confidences, true):
            print(f"| {name} | {row} |")
    print("\n| confidence in | how many | off on average |\n|---|---|---|")
    for name, (confidences, true) in judged.items():
        print(f"| {name} | {len(confidences)} | {calibration_error(confidences, true):.2f} |")


def confidence_of(name: str, claim: Claim) -> float:
    """The confidence that the program shows."""
    return claim.confidence(table_of(name, claim.kind))


def table_of(name: str, kind: str) -> Table:
    """The program's calibration table for a kind of claims."""
    plain = {STEM: MEASURED.stem, NOTE: MEASURED.note, BEATS: MEASURED.beats, BARS: MEASURED.bars, KEY: MEASURED.key}
    return plain[name] if name in plain else MEASURED.strokes[kind]


def stems_of(band: Band) -> Iterator[tuple[ScorePart, str, np.ndarray]]:
    """Each part of a piece, what plays it, and its sound, float32 (2, samples) at ``RATE``."""
    for number, label, stem_CN in zip(band.parts, band.labels, band.stems, strict=True):
        yield band.score.parts[number], label["source"], stem_CN


def tonal_pieces(renderer: PartRenderer, seed: int, count: int, seconds: float) -> Iterator[tuple[int, Band]]:
    """Pieces in major and minor with something that has a pitch, by number, which no other seed below 10,000 has."""
    found, number = 0, 10_000 + seed
    while found < count:
        number += 1
        if compose(np.random.default_rng(number), seconds).mode not in KEYS:
            continue
        band = render_band(renderer, np.random.default_rng(number), seconds)
        if any(not families()[band.score.parts[part].family].drums for part in band.parts):
            found += 1
            yield number, band


def score_stem(
    renderer: PartRenderer, part: ScorePart, source: str, stem_CN: np.ndarray, network: NoteNetwork, claims: Claims,
    piece: str,
) -> Iterator[tuple[str, float]]:  # fmt: skip
    """Scores of a stem by name; adds its claims to ``claims``."""
    if families()[part.family].drums:
        if part.role == "drums":
            true = [(note.start_s, _drum_of(renderer, source, note)) for note in part.notes]
            yield from _score_drums([(at_s, drum) for at_s, drum in true if drum], stem_CN, claims, piece)
        return
    heard = transcribe(stem_CN, RATE, network, calibration=EVIDENCE)
    if not part.notes:
        return
    true = _intervals([NoteEvent(n.start_s, n.end_s, n.midi) for n in part.notes])
    found = _intervals(heard.notes)
    kind = "chords" if _sounds_together(part) else "lines"
    for name, share in (("onsets", None), ("onsets and offsets", OFFSET_SHARE)):
        *_, f1, _ = mir_eval.transcription.precision_recall_f1_overlap(
            *true, *found, onset_tolerance=ONSET_S, offset_ratio=share
        )
        yield f"note F1, {kind}, {name}", f1
        if share is None:
            claim = Claim(piece, float(np.mean(heard.sure or (0.0,))), f1, heard.confidence)
            claims[STEM].append(claim)
            yield f"confidence, {kind}", confidence_of(STEM, claim)
    matched = mir_eval.transcription.match_notes(*true, *found, onset_tolerance=ONSET_S, offset_ratio=None)
    right = {place for _, place in matched}
    claims[NOTE] += [Claim(piece, sure, float(place in right)) for place, sure in enumerate(heard.sure)]
    precision, recall, *_ = mir_eval.transcription.precision_recall_f1_overlap(
        *true, *found, onset_tolerance=ONSET_S, offset_ratio=None
    )
    yield f"note precision, {kind}", precision
    yield f"note recall, {kind}", recall


def _intervals(notes: tuple[NoteEvent, ...] | list[NoteEvent]) -> tuple[np.ndarray, np.ndarray]:
    """Spans and pitches in Hz, as mir_eval takes them."""
    spans = np.array([(note.start_s, max(note.end_s, note.start_s + 0.01)) for note in notes]).reshape(-1, 2)
    return spans, 440.0 * 2 ** ((np.array([note.pitch for note in notes]) - 69) / 12)


def _sounds_together(part: ScorePart) -> bool:
    """True for a part with chords."""
    starts = sorted(round(note.start_s, 2) for note in part.notes)
    return len(set(starts)) < 0.8 * len(starts)


def _drum_of(renderer: PartRenderer, source: str, note: Note) -> str:
    """The drum that a note sounds as on what played it; "" where it does not sound."""
    kind, _, name = source.partition(":")
    if kind == "bank" and renderer.sounds.banks is not None:
        return bank_drum(_bank(renderer.sounds.banks / name), note)
    return machine_drum(note) if kind == "synth" else KIND.get(note.midi, "")


@functools.cache
def _bank(folder: Path) -> NoteBank:
    return NoteBank(folder)


def _score_drums(
    struck: list[tuple[float, str]], stem_CN: np.ndarray, claims: Claims, piece: str
) -> Iterator[tuple[str, float]]:
    if not struck:
        return
    hits = hear_drums(stem_CN, RATE, calibration=EVIDENCE)
    claims[STROKE] += stroke_claims(struck, hits, piece)
    for drum in DRUMS:
        true = np.array(sorted({at_s for at_s, kind in struck if kind == drum}))
        found_s = np.array([hit.at_s for hit in hits if hit.drum == drum])
        if len(true):
            yield f"stroke F1, {drum}", mir_eval.onset.f_measure(true, found_s)[0] if len(found_s) else 0.0
    true = np.array(sorted({at_s for at_s, _ in struck}))
    found = np.array(sorted({hit.at_s for hit in hits}))
    yield "stroke F1, any drum", mir_eval.onset.f_measure(true, found)[0]


def stroke_claims(struck: Sequence[tuple[float, str]], hits: Sequence[DrumHit], piece: str) -> Iterator[Claim]:
    """A claim for each detected stroke, whose confidence is the evidence."""
    for drum in DRUMS:
        true = np.array(sorted({at_s for at_s, kind in struck if kind == drum}))
        found = [hit for hit in hits if hit.drum == drum]
        pairs = mir_eval.util.match_events(true, np.array([hit.at_s for hit in found]), ONSET_S) if len(true) else ()
        right = {place for _, place in pairs}
        for place, hit in enumerate(found):
            yield Claim(piece, hit.confidence, float(place in right), kind=drum)


def score_mix(band: Band, seed: int, seconds: float, claims: Claims) -> Iterator[tuple[str, float]]:
    """Scores of a mix by name; adds its claims to ``claims``."""
    piece = f"piece {seed}"
    frame, *_ = draw_frame(np.random.default_rng(seed), seconds)
    beats = [frame.clock.at(beat) for beat in range(int(frame.clock.total_beats) + 1)]
    heard = estimated_tempo(np.sum(band.stems, axis=0))
    time_map = heard.time_map
    found = list(time_map.beats_between(0.0, seconds)) if time_map is not None else []
    true_s = np.array([at for at in beats if at < seconds])
    beats_s = _trimmed([at for at, *_ in found])
    beat_f1 = mir_eval.beat.f_measure(mir_eval.beat.trim_beats(true_s), beats_s)
    any_level = mir_eval.beat.continuity(mir_eval.beat.trim_beats(true_s), beats_s)[3] if len(beats_s) > 1 else 0.0
    yield "beat F1", beat_f1
    yield "beats at any level (AMLt)", any_level
    if time_map is not None:
        claims[BEATS].append(Claim(piece, heard.bpm_confidence, any_level))
    yield f"beat F1, {'in 4/4' if frame.metre == '4/4' else 'in 3/4, 6/8 and 7/8'}", beat_f1
    bars = true_s[:: frame.beats]
    downbeats = [at for at, _, beat in found if beat == 1]
    downbeat_f1 = mir_eval.beat.f_measure(mir_eval.beat.trim_beats(bars), _trimmed(downbeats))
    yield "downbeat F1", downbeat_f1
    if time_map is not None:
        claims[BARS].append(Claim(piece, heard.downbeat_confidence, downbeat_f1))
    yield from score_key(band.score, heard, claims, piece)


def score_key(score: Score, heard: TempoEstimate, claims: Claims, piece: str) -> Iterator[tuple[str, float]]:
    """Scores of a key by name; adds its claim to ``claims``. None where there is no right answer."""
    if score.mode not in KEYS:
        return
    true = f"{TONICS[score.tonic % 12]} {KEYS[score.mode]}"
    yield "key, exact", float(heard.key == true)
    if heard.key:
        claims[KEY].append(Claim(piece, heard.key_confidence, float(heard.key == true)))
    yield "key, weighted", mir_eval.key.evaluate(true, heard.key)["Weighted Score"] if heard.key else 0.0


def _trimmed(times_s: list[float]) -> np.ndarray:
    return mir_eval.beat.trim_beats(np.array(times_s))


def estimated_tempo(mix_CN: np.ndarray) -> TempoEstimate:
    """Tempo, bars and key of a mix, whose confidences are uncalibrated evidence."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "mix.wav"
        soundfile.write(path, mix_CN.T, RATE, subtype="FLOAT")
        with opened_audio(path) as info:
            return estimate_tempo(info, EVIDENCE)


if __name__ == "__main__":
    main()
