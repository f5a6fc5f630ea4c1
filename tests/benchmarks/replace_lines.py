"""Replace a line by recorded instruments in the demo and in real songs, and compare it with the line that was sung.

    python tests/benchmarks/replace_lines.py                       # the demo and three songs: minutes
    python tests/benchmarks/replace_lines.py --old violin --with trumpet

Of every song it mixes 30 s of its stems and replaces the ten seconds with most of the lead voice. A note is right where
its pitch is the median that pYIN finds in the true voice meanwhile, octaves aside, within 0.7 semitones; *by chance* is
the mean of the same notes moved by one to eleven semitones. Voiced time is that of the true voices. It needs the sounds
folder of training (FLUXSTEM_SOUNDS), the extras bench, notes, training, and the bundle small.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import librosa
import numpy as np
import soundfile

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from engine.bundle.library import find_bundle
from engine.errors import EngineError
from engine.notes.midi import read_midi
from engine.notes.note import NoteEvent
from engine.pipeline import Pipeline
from engine.request import Request
from training.data.sources import SoundLibrary, read_stereo

SONGS = ("hydrogen", "lithium", "potassium")
SECONDS, REGION_S = 30.0, (5.0, 15.0)
PITCH_RATE_HZ, HOP = 22_050, 256
WITHIN = 0.7  # semitones
LEAD, VOICES = "lead vocals", "vocals"  # label and family of stems
RATE_HZ = 44_100
Audio = np.ndarray


def main(argv: list[str]) -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--old", default="vocals", help="what is replaced")
    parser.add_argument("--with", dest="new", default="trumpet", help="what takes its place")
    parser.add_argument("--keep", type=Path, help="folder for the sounds, to listen to them")
    args = parser.parse_args(argv)
    pipeline = Pipeline(find_bundle)
    print("| mix | made by | notes | right | by chance | voiced time with a note | louder than the voice | elsewhere |")
    print("|---|---|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as scratch:
        folder = args.keep or Path(scratch)
        for name, mix_NC, voice_N, rate_hz in mixes():
            out = folder / name
            out.mkdir(parents=True, exist_ok=True)
            soundfile.write(out / "mix.wav", mix_NC, rate_hz, subtype="PCM_24")
            print(
                f"| {name} | " + " | ".join(row(pipeline, out, args.old, args.new, voice_N, rate_hz)) + " |", flush=True
            )


def mixes() -> Iterator[tuple[str, Audio, Audio, int]]:
    """Name, mix (N, C), true voice (N,) and rate of each."""
    demo = Path(__file__).resolve().parents[2] / "resources" / "demo"
    mix_NC, rate_hz = soundfile.read(demo / "mix.flac", always_2d=True)
    yield "demo", mix_NC, soundfile.read(demo / "vocals.flac", always_2d=True)[0].mean(axis=1), rate_hz
    songs = SoundLibrary.find().songs
    for name in SONGS if songs is not None else ():
        stems = json.loads((songs / name / "index.json").read_text("utf-8"))["stems"]
        sounds = [read_stereo(songs / name / one["file"], RATE_HZ) for one in stems]
        first = max(0, fullest(sounds[[one["label"] for one in stems].index(LEAD)]) - round(REGION_S[0] * RATE_HZ))
        length = round(SECONDS * RATE_HZ)
        cut = [np.pad(one, ((0, 0), (0, first + length)))[:, first : first + length] for one in sounds]
        total = np.sum(cut, axis=0)
        scale = 0.5 / np.abs(total).max()
        voice = np.sum([one for one, row in zip(cut, stems, strict=True) if row["family"] == VOICES], axis=0)
        yield name, (scale * total).T, scale * voice.mean(axis=0), RATE_HZ


def fullest(audio_CN: Audio) -> int:
    """First sample of the region's length, in half seconds, in which most half seconds are above -40 dB."""
    half = RATE_HZ // 2
    count = audio_CN.shape[1] // half
    loud_K = np.square(audio_CN[:, : count * half]).mean(axis=0).reshape(count, half).mean(axis=1) > 1e-4
    wide = round(2 * (REGION_S[1] - REGION_S[0]))
    sums = np.convolve(loud_K, np.ones(wide), "valid")
    return int(np.argmax(sums)) * half


def row(pipeline: Pipeline, out: Path, old: str, new: str, voice_N: Audio, rate_hz: int) -> list[str]:
    """What is printed of one mix; where nothing was made, why."""
    request = Request(task="replace", input=str(out / "mix.wav"), prompts=(old,), replacement=new, voice="sampled",
                      region_s=REGION_S, out=str(out))  # fmt: skip
    try:
        [result] = pipeline.run(request, lambda done, stage: None, lambda: None).results
    except EngineError as error:
        return [str(error), *["-"] * 6]
    mix_NC, made_NC = (soundfile.read(path, always_2d=True)[0] for path in (out / "mix.wav", result.mix))
    first, last = (round(at_s * rate_hz) for at_s in REGION_S)
    same = np.array_equal(mix_NC[:first], made_NC[:first]) and np.array_equal(mix_NC[last:], made_NC[last:])
    notes = [one for one in read_midi(Path(result.midi))[0] if one.end_s > one.start_s] if result.midi else []
    stem_N = soundfile.read(result.stem, always_2d=True)[0].mean(axis=1)
    level = decibels(stem_N[first:last] if len(stem_N) > last else stem_N) - decibels(voice_N[first:last])
    return [result.made_by or "-", str(len(notes)), *compared(notes, voice_N[first:last], rate_hz),
            f"{level:+.1f} dB", "unchanged" if same else "CHANGED"]  # fmt: skip


def compared(notes: list[NoteEvent], voice_N: Audio, rate_hz: int) -> list[str]:
    """Notes that are right, by chance, and the share of the voiced time in which a note sounds."""
    mono_N = librosa.resample(voice_N, orig_sr=rate_hz, target_sr=PITCH_RATE_HZ)
    pitch_L, voiced_L, _ = librosa.pyin(mono_N, fmin=65, fmax=1000, sr=PITCH_RATE_HZ, hop_length=HOP)
    midi_L = librosa.hz_to_midi(np.where(voiced_L, pitch_L, np.nan))
    spans = [
        tuple(int((at_s - REGION_S[0]) * PITCH_RATE_HZ / HOP) for at_s in (one.start_s, one.end_s)) for one in notes
    ]
    sounds_L, differences = np.zeros(len(midi_L), bool), list[float]()
    for one, (first, last) in zip(notes, spans, strict=True):
        sounds_L[max(first, 0) : last] = True
        heard = midi_L[max(first, 0) : last]
        if np.isfinite(heard).any():
            differences.append(float(one.pitch - np.nanmedian(heard)))
    if not differences or not voiced_L.any():
        return ["-", "-", "-"]
    right = [octaves_apart(np.array(differences) + step) for step in range(12)]
    covered = float(sounds_L[voiced_L].mean())
    return [f"{right[0]:.0%} of {len(differences)}", f"{np.mean(right[1:]):.0%}", f"{covered:.0%}"]


def octaves_apart(differences: Audio) -> float:
    """Share of differences in semitones that are whole octaves, nearly."""
    return float(np.mean(np.abs((differences + 6) % 12 - 6) < WITHIN))


def decibels(audio: Audio) -> float:
    return float(10 * np.log10(np.square(audio).mean() + 1e-12))


if __name__ == "__main__":
    main(sys.argv[1:])
