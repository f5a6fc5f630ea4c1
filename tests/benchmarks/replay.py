"""Compare the voices flow and sampled on lines whose truth is known: the same notes on the real target instrument.

    python tests/benchmarks/replay.py --out replay.json            # all 24 lines, minutes; goes on where it stopped
    python tests/benchmarks/replay.py --out replay.json --only 0-7 # some of them, added to those that are there
    python tests/benchmarks/replay.py --out replay.json --table    # print what was measured

A line is composed, played on one instrument and restyled to another. Neither recording is in the sampler that ships:
where the sampler has a note bank, SoundFont and recordings play here, and the other way round. Voices:

    flow      restyle --voice flow, as the bundle does it
    sampled   restyle --voice sampled
    polished  the sampled sound as the start of restyle --voice flow --strength 0.2
    truth     the same notes on the target instrument, a recording of its own: the best that could be had
    old       the line as it was given: the worst

It needs the sounds folder of training (FLUXSTEM_SOUNDS), the extras bench, notes, training, and the bundle small.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import librosa
import mir_eval
import numpy as np
import soundfile

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from engine.bundle.library import find_bundle
from engine.composing.music import music_from_words
from engine.composing.parts import compose_part
from engine.notes.note import NoteEvent
from engine.pipeline import Pipeline
from engine.request import Request
from engine.sampler.instruments import load_sampler
from training.data.sources import RATE, SoundLibrary

SECONDS = 6.0
POLISH = 0.2
HOP = 512
PEAK_S, MEAN_S, ABOVE_MEAN = 0.03, 0.1, 0.07  # an onset is the highest of so much before it, and above the mean around
PLAIN = ("normal", "arco-normal")  # articulations of the recordings
# instrument: SoundFont program, or folder of recordings with the label that is taken; never what the sampler plays
SOUNDS: dict[str, int | tuple[str, str]] = {
    "cello": 42, "french horn": 60, "trombone": 57, "alto saxophone": 65, "bassoon": 70, "acoustic guitar": 25,
    "electric piano": 4, "piano": 0, "vibraphone": 11, "marimba": 12, "harp": 46, "double bass": 32,
    "violin": ("philharmonia", "violin"), "clarinet": ("philharmonia", "clarinet"),
    "trumpet": ("philharmonia", "trumpet"), "flute": ("philharmonia", "flute"), "oboe": ("philharmonia", "oboe"),
}  # fmt: skip
PAIRS = (
    ("violin", "trumpet"), ("cello", "violin"), ("clarinet", "alto saxophone"), ("violin", "french horn"),
    ("trumpet", "flute"), ("french horn", "bassoon"), ("piano", "vibraphone"), ("acoustic guitar", "piano"),
    ("electric piano", "acoustic guitar"), ("alto saxophone", "clarinet"), ("trombone", "cello"),
    ("vibraphone", "marimba"), ("piano", "harp"), ("harp", "electric piano"), ("bassoon", "double bass"),
    ("flute", "violin"), ("clarinet", "trumpet"), ("french horn", "trombone"), ("cello", "bassoon"),
    ("acoustic guitar", "harp"), ("oboe", "trumpet"), ("violin", "clarinet"), ("marimba", "piano"),
    ("trumpet", "oboe"),
)  # fmt: skip
ASKED: tuple[tuple[str, str, dict[str, Any]], ...] = (  # voice, what it is given, what is asked beside the prompt
    ("flow", "old", {}),
    ("sampled", "old", {"voice": "sampled"}),
    ("polished", "sampled", {"strength": POLISH}),
)
VOICES = ("old", "flow", "sampled", "polished", "truth")
DUELS = (("sampled", "flow"), ("polished", "sampled"))
ERRORS = ("level_db", "timbre_db")  # of the figures: less is better
Audio = np.ndarray


def main(argv: list[str]) -> None:
    """Measure, or print what was measured."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True, help="JSON of the results")
    parser.add_argument("--only", default=f"0-{len(PAIRS) - 1}", help="lines to measure, as in 0-7")
    parser.add_argument("--keep", type=Path, help="folder for the sounds, to listen to them")
    parser.add_argument("--table", action="store_true", help="measure nothing, print the table")
    args = parser.parse_args(argv)
    done: dict[str, Any] = json.loads(args.out.read_text("utf-8")) if args.out.exists() else {}
    first, last = (int(part) for part in args.only.split("-"))
    players = None if args.table else Players()
    pipeline = Pipeline(find_bundle)
    for number in () if players is None else range(first, last + 1):
        if str(number) in done:
            continue
        done[str(number)] = measure(number, players, pipeline, args.keep)
        args.out.write_text(json.dumps(done, indent=1) + "\n", encoding="utf-8")
        print(f"{number}: {' to '.join(PAIRS[number])}", flush=True)
    print(table(done))


class Players:
    """Plays notes on recordings that the sampler does not have."""

    def __init__(self) -> None:
        import tinysoundfont

        sounds = SoundLibrary.find()
        self._recordings = sounds.font.parent / "recordings"
        self._synth = tinysoundfont.Synth(samplerate=RATE, gain=-6)
        self._font = self._synth.sfload(str(sounds.font))

    def play(self, name: str, notes: list[NoteEvent]) -> Audio:
        """Mono sound of a line, ``SECONDS`` long."""
        source = SOUNDS[name]
        audio_N = self._from_font(source, notes) if isinstance(source, int) else self._from_notes(source, notes)
        return audio_N * 0.1 / max(float(audio_N.std()), 1e-9)

    def _from_font(self, program: int, notes: list[NoteEvent]) -> Audio:
        self._synth.sounds_off()
        self._synth.generate(2048)
        self._synth.program_select(0, self._font, 0, program, False)
        events = [(one.start_s, 1, one) for one in notes] + [(one.end_s, 0, one) for one in notes]
        at, parts = 0, []
        for when_s, on, one in [*sorted(events, key=lambda event: event[:2]), (SECONDS, 0, notes[0])]:
            if (until := round(when_s * RATE)) > at:
                frames = bytes(self._synth.generate(until - at))
                parts.append(np.frombuffer(frames, np.float32).reshape(-1, 2).mean(axis=1))
                at = until
            if on:
                self._synth.noteon(0, one.key, round(127 * one.velocity**2))
            else:
                self._synth.noteoff(0, one.key)
        return np.concatenate(parts)[: round(SECONDS * RATE)]

    def _from_notes(self, source: tuple[str, str], notes: list[NoteEvent]) -> Audio:
        """Nearest recorded note, resampled, held as long as it was recorded, then let go."""
        folder, label = self._recordings / source[0], source[1]
        rows = [one for one in json.loads((folder / "index.json").read_text("utf-8"))["files"]
                if one["label"] == label and one.get("midi_note") and one["articulation"] in PLAIN]  # fmt: skip
        out_N = np.zeros(round((SECONDS + 4) * RATE))
        for one in notes:
            row = min(rows, key=lambda row: (abs(row["midi_note"] - one.pitch), -row["seconds"]))
            audio_NC, rate_hz = soundfile.read(folder / row["file"], always_2d=True)
            mono_N = librosa.resample(audio_NC.mean(axis=1), orig_sr=rate_hz, target_sr=RATE)
            mono_N = mono_N[int(np.argmax(np.abs(mono_N) > 0.05 * np.abs(mono_N).max())) :]
            ratio = 2 ** ((one.pitch - row["midi_note"]) / 12)
            places_N = np.arange(min(int((len(mono_N) - 1) / ratio), round((one.length_s + 0.4) * RATE))) * ratio
            sound_N = np.interp(places_N, np.arange(len(mono_N)), mono_N) * one.velocity**2
            hold = round(one.length_s * RATE)
            if len(sound_N) > hold:
                sound_N[hold:] *= np.exp(-np.arange(len(sound_N) - hold) / (0.08 * RATE))
            at = round(one.start_s * RATE)
            out_N[at : at + len(sound_N)] += sound_N
        return out_N[: round(SECONDS * RATE)]


def line_of(number: int) -> list[NoteEvent]:
    """Notes of a line, in the register that both instruments have."""
    instruments = [load_sampler().matching([name])[0] for name in PAIRS[number]]
    low, high = max(one.low for one in instruments), min(one.high for one in instruments)
    music = music_from_words("", 100 + number, SECONDS)
    widest = max(instruments, key=lambda one: one.low)
    notes = [one for one in compose_part(music, "lead", widest, SECONDS, number) if isinstance(one, NoteEvent)]
    middle = (low + high) / 2
    shift = 12 * round((middle - float(np.mean([one.pitch for one in notes]))) / 12)
    return [NoteEvent(one.start_s, one.end_s, one.pitch + shift, one.velocity) for one in notes]


def measure(number: int, players: Players, pipeline: Pipeline, keep: Path | None) -> dict[str, dict[str, float]]:
    """Figures of one line for each voice."""
    source, target = PAIRS[number]
    notes = line_of(number)
    truth_N = players.play(target, notes)
    with tempfile.TemporaryDirectory() as scratch:
        folder = keep or Path(scratch)
        folder.mkdir(parents=True, exist_ok=True)
        paths = {name: folder / f"{number:02d}-{name}.wav" for name in VOICES}
        soundfile.write(paths["old"], players.play(source, notes), RATE, subtype="PCM_24")
        soundfile.write(paths["truth"], truth_N, RATE, subtype="PCM_24")
        alike: dict[str, float | None] = {}
        for voice, given, more in ASKED:
            result = restyled(pipeline, paths[given], target, folder, **more)
            Path(result.stem).replace(paths[voice])
            alike[voice] = result.similarity
            if voice == "sampled" and result.made_by != "sampled":
                print(f"  line {number}: {'; '.join(result.notes)}", flush=True)
        heard = {voice: soundfile.read(paths[voice])[0] for voice in VOICES}
    return {
        voice: {**figures(heard[voice], heard["old"], truth_N, notes), "similarity": alike.get(voice)}
        for voice in VOICES
    }  # fmt: skip


def restyled(pipeline: Pipeline, path: Path, target: str, out: Path, **more: Any) -> Any:
    """Result of a restyle."""
    request = Request(task="restyle", input=str(path), prompts=(target,), out=str(out), name="{mix} {stem}", **more)
    return pipeline.run(request, lambda done, stage: None, lambda: None).results[0]


def figures(made_N: Audio, old_N: Audio, truth_N: Audio, notes: list[NoteEvent]) -> dict[str, float]:
    """What is measured of one sound."""
    found_N, true_N = pitches(made_N, notes), np.array([one.pitch for one in notes])
    return {
        "pitch": float(np.corrcoef(found_N, true_N)[0, 1]) if found_N.std() > 1e-6 else 0.0,
        "in_tune": float(np.mean(np.abs(found_N - true_N) < 0.5)),
        "onsets": onset_f1(made_N, notes),
        "level_db": level_error_db(made_N, old_N),
        "timbre_db": timbre_distance_db(made_N, truth_N),
    }


def pitches(made_N: Audio, notes: list[NoteEvent]) -> np.ndarray:
    """The fundamental that YIN finds in the steady part of each note, its median, as a MIDI number."""
    low, high = min(one.pitch for one in notes) - 7, max(one.pitch for one in notes) + 7
    fmin, fmax = (float(librosa.midi_to_hz(pitch)) for pitch in (low, high))
    found_L = librosa.hz_to_midi(librosa.yin(made_N, fmin=fmin, fmax=fmax, sr=RATE, hop_length=HOP))
    spans = [(one.start_s + 0.06, max(min(one.end_s, one.start_s + 0.5), one.start_s + 0.1)) for one in notes]
    frames = [(round(first * RATE / HOP), round(last * RATE / HOP) + 1) for first, last in spans]
    return np.array([np.median(found_L[first:last]) if first < len(found_L) else np.nan for first, last in frames])


def onset_f1(made_N: Audio, notes: list[NoteEvent]) -> float:
    """F1 of detected onsets against the notes' starts, within 50 ms."""
    strength_L = librosa.onset.onset_strength(y=made_N.astype(np.float32), sr=RATE, hop_length=HOP)
    true_s = np.unique([one.start_s for one in notes])
    return float(mir_eval.onset.f_measure(true_s, onsets_at(strength_L) * HOP / RATE, window=0.05)[0])


def onsets_at(strength_L: np.ndarray) -> np.ndarray:
    """Frames of the peaks, by the rule and the settings of ``librosa.onset.onset_detect``.

    Its own ``peak_pick`` is compiled by numba, whose code crashes on some processors.
    """
    span = float(np.ptp(strength_L)) if len(strength_L) else 0.0
    if span <= 0:
        return np.zeros(0, np.intp)
    strength_L = (strength_L - strength_L.min()) / span
    before, around = (int(seconds * RATE / HOP) for seconds in (PEAK_S, MEAN_S))
    found = list[int]()
    for at, strength in enumerate(strength_L):
        is_highest = strength >= strength_L[max(at - before, 0) : at + 1].max()
        mean = strength_L[max(at - around, 0) : at + around + 1].mean()
        if is_highest and strength >= mean + ABOVE_MEAN and (not found or at - found[-1] > before):
            found.append(at)
    return np.array(found, np.intp)


def level_error_db(made_N: Audio, old_N: Audio) -> float:
    """Mean difference of levels in half seconds, where the old sound is louder than -45 dB."""
    step = RATE // 2
    count = min(len(made_N), len(old_N)) // step
    levels = [10 * np.log10(np.square(x_N[: count * step]).reshape(count, step).mean(axis=1) + 1e-9)
              for x_N in (made_N, old_N)]  # fmt: skip
    return float(np.abs(levels[0] - levels[1])[levels[1] > -45].mean())


def timbre_distance_db(made_N: Audio, truth_N: Audio) -> float:
    """Root mean square difference of two average spectra in 40 mel bands, whatever their levels."""
    spectra = []
    for x_N in (made_N, truth_N):
        mel_BL = librosa.feature.melspectrogram(y=x_N.astype(np.float32), sr=RATE, n_mels=40, fmax=16_000)
        mean_B = 10 * np.log10(mel_BL.mean(axis=1) + 1e-7)
        spectra.append(mean_B - mean_B.mean())
    return float(np.sqrt(np.square(spectra[0] - spectra[1]).mean()))


def table(done: dict[str, Any]) -> str:
    """Means over all lines, one row for each voice; then how often one of two is better."""
    if not done:
        return "nothing measured yet"
    columns: tuple[tuple[str, str, Callable[[float], str]], ...] = (
        ("pitch", "pitch correlation", "{:.2f}".format), ("in_tune", "notes in tune", "{:.0%}".format),
        ("onsets", "onset F1", "{:.2f}".format),
        ("level_db", "level error", "{:.1f} dB".format), ("timbre_db", "timbre distance", "{:.1f} dB".format),
        ("similarity", "likeness to the prompt", "{:.2f}".format),
    )  # fmt: skip
    lines = ["| voice | " + " | ".join(title for _, title, _ in columns) + " |", "|---" * (len(columns) + 1) + "|"]
    for voice in VOICES:
        lines.append(f"| {voice} | " + " | ".join(_cells(done, voice, columns)) + " |")
    lines += ["", "| lines in which it is better | " + " | ".join(title for _, title, _ in columns) + " |"]
    lines.append("|---" * (len(columns) + 1) + "|")
    for one, other in DUELS:
        counts = [_better(done, one, other, key) for key, _, _ in columns]
        lines.append(f"| {one} : {other} | " + " | ".join(f"{a} : {b}" for a, b in counts) + " |")
    return "\n".join([f"{len(done)} lines of {SECONDS:g} s, means", "", *lines])


def _better(done: dict[str, Any], one: str, other: str, key: str) -> tuple[int, int]:
    """In how many lines each of two voices is better; where they are alike neither is."""
    sign = -1 if key in ERRORS else 1
    ahead = [sign * (row[one][key] - row[other][key]) for row in done.values()]
    return sum(by > 1e-9 for by in ahead), sum(by < -1e-9 for by in ahead)


def _cells(done: dict[str, Any], voice: str, columns: Any) -> Iterator[str]:
    for key, _, shown in columns:
        values = [row[voice][key] for row in done.values() if row[voice][key] is not None]
        yield shown(float(np.mean(values))) if values else "-"


if __name__ == "__main__":
    main(sys.argv[1:])
