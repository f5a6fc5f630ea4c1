"""``python -m export sampler OUT``: real recorded instruments become the bundle that ``--voice sampled`` plays.

Sources are the note banks and the SoundFont of the sounds folder (``training.data.sources``), of which only those are
taken whose licence lets a program pass the sounds on: ``instruments.toml`` beside this file names them. Every
instrument becomes one Ogg Vorbis file with all its notes in a row; ``sampler.json`` says where each begins, what it is,
how it loops, and who is to be thanked.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib
import json
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

from training.data.sources import RATE, SoundLibrary
from training.typing import Audio

HERE = Path(__file__).parent
FORMAT = 1
QUALITY = 0.45  # of Vorbis: 0 is the best, 1 the smallest
LONGEST_S = {"sustained": 2.6, "decaying": 2.8, "ringing": 2.8, "drums": 1.6}
GAP_SAMPLES = 2048  # of silence between two notes, so that no encoder smears one into the next
TAIL_SAMPLES = 64  # kept after the end of a loop, a copy of what follows its beginning, for interpolation
FADE_S = 0.03
FONT_VELOCITY = 96
FONT_STEP = 4  # semitones between two notes taken from the SoundFont
FONT_CREDIT = {
    "licence": "MIT",
    "credit": "FluidR3 GM, Copyright 2000-2002, 2008 Frank Wen; 2008 Toby Smithe",
    "source": "Debian package fluid-soundfont-gm 3.1",
}


@dataclass(frozen=True, slots=True)
class SourceNote:
    """One recorded note on its way into the bundle.

    Attributes:
        audio_NC: float32 (samples, channels) at ``RATE``.
        midi: sounding pitch; of a drum, the number of its piece in General MIDI.
        velocity: lowest and highest that it is meant for, 0 to 127.
        piece: of a drum kit, "" else.
    """

    audio_NC: Audio
    midi: float
    velocity: tuple[int, int] = (0, 127)
    piece: str = ""


def main(argv: list[str]) -> str:
    """Write the bundle; returns a line about it."""
    parser = argparse.ArgumentParser(prog="python -m export sampler", description=__doc__)
    parser.add_argument("out", type=Path, help="folder of the bundle; it must not exist, or be empty")
    parser.add_argument("--only", help="write this instrument alone, to listen to it")
    args = parser.parse_args(argv)
    if args.out.exists() and any(args.out.iterdir()):
        raise FileNotFoundError(f"{args.out} holds something already; name a new folder, or empty it first")
    args.out.mkdir(parents=True, exist_ok=True)
    sounds = SoundLibrary.find()
    if sounds.banks is None:
        raise FileNotFoundError("no note banks here; set FLUXSTEM_SOUNDS to a sounds folder")
    table = tomllib.loads((HERE / "instruments.toml").read_text("utf-8"))
    font = _SoundFontNotes(sounds.font)
    written = {
        name: _write_instrument(args.out, name, row, sounds.banks, font)
        for name, row in table.items() if args.only in (None, name)
    }  # fmt: skip
    (args.out / "sampler.json").write_text(_description(written), encoding="utf-8")
    (args.out / "CREDITS.md").write_text(_credits(written), encoding="utf-8")
    size = sum(file.stat().st_size for file in args.out.iterdir())
    notes = sum(len(one["notes"]) for one in written.values())
    return f"{args.out}: {len(written)} instruments, {notes} notes, {size / 1e6:.1f} MB"


def _description(written: dict[str, Any]) -> str:
    """The JSON of the bundle, a line for each instrument."""
    rows = ",\n".join(f"  {json.dumps(name)}: {json.dumps(row)}" for name, row in written.items())
    return f'{{"fluxstem_sampler": {FORMAT}, "version": "1.0.0", "rate_hz": {RATE}, "instruments": {{\n{rows}\n}}}}\n'


def _write_instrument(out: Path, name: str, row: dict[str, Any], banks: Path, font: _SoundFontNotes) -> dict[str, Any]:
    taken = list(_bank_notes(banks, row) if "bank" in row else font.notes(row))
    kind = row["kind"]
    parts: list[Audio] = []
    notes: list[dict[str, Any]] = []
    at = 0
    for one in taken:
        audio_NC, loop = _prepared(one, kind)
        notes.append(_note_row(one, audio_NC, at, loop))
        gap_NC = np.zeros((GAP_SAMPLES, audio_NC.shape[1]), np.float32)
        parts += [audio_NC, gap_NC]
        at += len(audio_NC) + GAP_SAMPLES
    whole_NC = np.concatenate(parts)
    file = out / f"{name.replace(' ', '-')}.ogg"
    with soundfile.SoundFile(
        file, "w", RATE, whole_NC.shape[1], format="OGG", subtype="VORBIS", compression_level=QUALITY
    ) as stream:
        for first in range(0, len(whole_NC), 1 << 14):  # libsndfile's Vorbis encoder wants small portions
            stream.write(whole_NC[first : first + (1 << 14)])
    index = json.loads((banks / row["bank"] / "index.json").read_text("utf-8")) if "bank" in row else {}
    thanks = FONT_CREDIT if not index else {
        "licence": index["licence"], "credit": index["attribution"], "source": index["source"]
    }  # fmt: skip
    return {
        "labels": row["labels"], "kind": kind, "release_s": row.get("release_s", 0.08), "chords": row["chords"],
        "low": row.get("low", round(min(one.midi for one in taken))),
        "high": row.get("high", round(max(one.midi for one in taken))),
        "file": file.name, "sha256": hashlib.sha256(file.read_bytes()).hexdigest(), **thanks, "notes": notes,
    }  # fmt: skip


def _note_row(one: SourceNote, audio_NC: Audio, at: int, loop: tuple[int, int] | None) -> dict[str, Any]:
    row: dict[str, Any] = {
        "midi": round(one.midi, 2), "velocity": list(one.velocity), "start": at, "samples": len(audio_NC),
        "attack": _attack(audio_NC), "level_db": round(_level_db(audio_NC), 2),
    }  # fmt: skip
    return row | ({"loop": list(loop)} if loop else {}) | ({"piece": one.piece} if one.piece else {})


def _prepared(one: SourceNote, kind: str) -> tuple[Audio, tuple[int, int] | None]:
    """A note cut to length: with a loop where it can be held, else with a fade at its end."""
    audio_NC = one.audio_NC[: round(LONGEST_S[kind] * RATE)].copy()
    loop = _find_loop(audio_NC) if kind == "sustained" else None
    if loop is not None:
        return _looped(audio_NC, loop), loop
    fade = min(len(audio_NC), round(FADE_S * RATE))
    audio_NC[len(audio_NC) - fade :] *= np.linspace(1, 0, fade, dtype=np.float32)[:, None]
    return audio_NC, None


def _find_loop(audio_NC: Audio) -> tuple[int, int] | None:
    """First sample of a loop and the first after it: the two places of the steady part that are most alike."""
    mono_N = audio_NC.mean(axis=1).astype(np.float64)
    window = round(0.05 * RATE)
    first_end, last_end = round(1.2 * RATE), len(mono_N) - window - TAIL_SAMPLES
    if last_end - first_end < window:
        return None
    begins = range(round(0.45 * RATE), round(0.8 * RATE), 1024)
    best = (-1.0, 0, 0)
    tail_N = mono_N[first_end : last_end + window]
    size = 1 << (len(tail_N) + window).bit_length()
    spectrum = np.fft.rfft(tail_N, size)
    energy_N = np.concatenate([[0.0], np.cumsum(tail_N**2)])
    energies = energy_N[window:] - energy_N[:-window]
    for begin in begins:
        piece_N = mono_N[begin : begin + window]
        along_N = np.fft.irfft(spectrum * np.conj(np.fft.rfft(piece_N, size)), size)[: len(energies)]
        alike_N = along_N / np.sqrt(np.maximum(energies * float((piece_N**2).sum()), 1e-12))
        at = int(np.argmax(alike_N))
        best = max(best, (float(alike_N[at]), begin, first_end + at))
    alike, begin, end = best
    return (begin, end) if alike > 0.6 else None


def _looped(audio_NC: Audio, loop: tuple[int, int]) -> Audio:
    """The note up to the end of its loop, the last 80 ms of which fade into what comes before its beginning."""
    begin, end = loop
    fade = min(round(0.08 * RATE), begin)
    risen_N1 = np.linspace(0, 1, fade, dtype=np.float32)[:, None]
    held_NC = audio_NC[:end].copy()
    held_NC[end - fade :] = held_NC[end - fade :] * (1 - risen_N1) + audio_NC[begin - fade : begin] * risen_N1
    return np.concatenate([held_NC, audio_NC[begin : begin + TAIL_SAMPLES]])


def _level_db(audio_NC: Audio) -> float:
    """RMS of the loudest 0.2 s of the first 0.8 s, over all channels, in dBFS."""
    power_N = np.square(audio_NC[: round(0.8 * RATE)], dtype=np.float64).mean(axis=1)
    window = min(len(power_N), round(0.2 * RATE))
    summed_N = np.concatenate([[0.0], np.cumsum(power_N)])
    loudest = float((summed_N[window:] - summed_N[:-window]).max() / window)
    return 10 * float(np.log10(max(loudest, 1e-10)))


def _attack(audio_NC: Audio) -> int:
    """Samples until the note is within 9 dB of its loudest moment: where an ear hears it begin; at most 0.15 s."""
    power_N = np.square(audio_NC[: round(0.4 * RATE)], dtype=np.float64).mean(axis=1)
    window = round(0.006 * RATE)
    smooth_N = np.convolve(power_N, np.ones(window) / window, "same")
    return min(int(np.argmax(smooth_N >= smooth_N.max() / 8)), round(0.15 * RATE))


def _bank_notes(banks: Path, row: dict[str, Any]) -> Iterator[SourceNote]:
    folder = banks / row["bank"]
    index = json.loads((folder / "index.json").read_text("utf-8"))
    wanted = [one for one in index["files"] if row.get("articulation") in (None, one["articulation"])]
    if index["kind"] == "drums":
        yield from _kit_notes(folder, wanted, row)
        return
    kept: dict[tuple[int, int], dict[str, Any]] = {}
    for one in wanted:
        kept.setdefault((one["midi_note"], one["velocity_low"]), one)
    last = -99
    for midi in sorted({midi for midi, _ in kept}):
        if midi - last < row.get("step", 2):
            continue
        last = midi
        for (key, _), one in sorted(kept.items()):
            if key == midi:
                pitch = midi + one.get("tuning_cents", 0) / 100
                yield SourceNote(_read(folder / one["file"], row), pitch, (one["velocity_low"], one["velocity_high"]))


def _kit_notes(folder: Path, files: list[dict[str, Any]], row: dict[str, Any]) -> Iterator[SourceNote]:
    """Of every piece that General MIDI knows, as many strokes as the row says."""
    for piece, midi in row["pieces"].items():
        strokes = [one for one in files if one["piece"] == piece][: row.get("strokes", 4)]
        for one in strokes:
            yield SourceNote(
                _read(folder / one["file"], row), midi, (one["velocity_low"], one["velocity_high"]), piece
            )  # fmt: skip


def _read(path: Path, row: dict[str, Any]) -> Audio:
    audio_NC, rate_hz = soundfile.read(path, dtype="float32", always_2d=True)
    if rate_hz != RATE:
        raise ValueError(f"{path} has {rate_hz} Hz; the banks have {RATE} Hz")
    channels = row.get("channels", 1)
    if channels == 1:
        audio_NC = audio_NC.mean(axis=1, keepdims=True)
    return np.asarray(np.repeat(audio_NC, channels, axis=1) if audio_NC.shape[1] < channels else audio_NC)


class _SoundFontNotes:
    """Single notes of the SoundFont, mono."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._synth: Any = None

    def notes(self, row: dict[str, Any]) -> Iterator[SourceNote]:
        if self._synth is None:
            self._synth = importlib.import_module("tinysoundfont").Synth(samplerate=RATE, gain=-6)
            self._font = self._synth.sfload(str(self._path))
        for midi in range(row["low"], row["high"] + 1, row.get("step", FONT_STEP)):
            audio_NC = self._note(midi, row["program"], LONGEST_S[row["kind"]])
            if np.abs(audio_NC).max() > 1e-3:  # some presets are silent outside their range
                yield SourceNote(audio_NC, midi)

    def _note(self, midi: int, program: int, seconds: float) -> Audio:
        self._synth.sounds_off()
        self._synth.generate(2048)
        self._synth.program_select(0, self._font, 0, program, False)
        self._synth.noteon(0, midi, FONT_VELOCITY)
        frames = bytes(self._synth.generate(round(seconds * RATE)))
        self._synth.noteoff(0, midi)
        audio_NC = np.frombuffer(frames, np.float32).reshape(-1, 2).mean(axis=1, keepdims=True)
        return np.asarray(audio_NC, np.float32)


def _credits(written: dict[str, Any]) -> str:
    lines = [
        "# Credits of the sampler", "",
        "Every recording in this folder, and its terms. The credit line of a CC BY item must stay wherever these",
        "sounds are passed on; for CC0 and Unlicense items it is a courtesy. Changes: cut to at most 2.8 s, sustained",
        "notes looped, mixed to mono but for pianos and kits, stored as Ogg Vorbis.", "",
        "| instrument | licence | credit | source |", "|---|---|---|---|",
    ]  # fmt: skip
    lines += [f"| {name} | {one['licence']} | {one['credit']} | {one['source']} |" for name, one in written.items()]
    return "\n".join(lines) + "\n"
