"""Render what the mask decoder trains on: pieces played on recorded notes, kits piece by piece, clips, songs.

Shards are ``NAME.npy``, int16 ``(rows, N)`` at 44.1 kHz, and ``NAME.json`` with a label per stem, written last. A
stereo stem takes two rows. Every shard depends on its number and the seed alone.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from training.data.instruments import Family, families
from training.data.recordings import PREFIX, RecordedBank, RecordedClip, note_sets
from training.data.sources import RATE, NoteBank, SoundLibrary, Voice, read_stereo
from training.mask.terms import PIECE_OF_NOTE
from training.synthesis.compose import cast, compose
from training.synthesis.effects import chain
from training.synthesis.render import PartRenderer
from training.synthesis.render_stems import STEM_RMS, level
from training.synthesis.score import ScorePart
from training.typing import Audio

Rng = np.random.Generator
SECONDS = 12.0
SAMPLES = round(SECONDS * RATE)
RECORDED_SHARE = 0.85  # of the parts that a recording can play
DRUMS_SHARE = 0.65  # of the pieces have a kit
PIECES_PER_SHARD = 12
QUIET_RMS = 2e-3
PARTS = {
    "kick drum": "kick", "hi-hats": "hi-hat", "crash cymbal": "cymbals", "lead vocals": "lead-vocals",
    "backing vocals": "backing-vocals", "vocals with echo": "backing-vocals",
}  # fmt: skip
CLIP_ROUNDS = 2.0  # how often every second of a short phrase is used, in chains of another order


@dataclass(frozen=True, slots=True)
class Row:
    """One stem before it is written: float32 ``(C, SAMPLES)`` and its label."""

    audio_CN: Audio
    label: dict[str, Any]


class RecordedRenderer(PartRenderer):
    """Plays parts on recorded notes where there are any, else as the studio does."""

    def __init__(self, sounds: SoundLibrary, recordings: Path, held_out: bool) -> None:
        super().__init__(sounds)
        self.recordings, self.held_out = recordings, held_out
        self.sets = note_sets(recordings, held_out)

    def voice(self, rng: Rng, family: str, held_out: bool) -> Voice | None:
        """A recording of the family, mostly; None when nothing here plays it."""
        row = families()[family]
        banks = [v for v in self.sounds.voices(row, held_out) if v.kind == "bank"]
        banks += [Voice("bank", name) for name in self.sets.get(family, [])]
        if banks and (held_out or rng.random() < RECORDED_SHARE):
            return banks[rng.integers(len(banks))]
        return super().voice(rng, family, held_out)

    def able(self) -> list[Family]:
        """Families that a recording plays."""
        return [
            f
            for f in families().values()
            if f.name in self.sets or any(v.kind == "bank" for v in self.sounds.voices(f, self.held_out))
        ]

    def _bank(self, name: str) -> NoteBank:
        if not name.startswith(PREFIX):
            return super()._bank(name)
        if name not in self._banks:
            self._banks[name] = RecordedBank(self.recordings, name, self.held_out)
        self._banks.move_to_end(name)
        return self._banks[name]


def render_piece(renderer: RecordedRenderer, seed: int, number: int) -> list[Row]:
    """All stems of a piece; a kit comes as one stem for each of its pieces."""
    rng = np.random.default_rng([seed, number])
    able = renderer.able()
    players = cast(rng, able)
    drums = families()["drums"]
    if rng.random() < DRUMS_SHARE and drums not in players and len(players) < 7:
        players.append(drums)
    voices = families()["vocals"]
    if rng.random() < 0.12 and "vocals" in renderer.sets:
        players.append(voices)
    rows: list[Row] = []
    for place, part in enumerate(compose(rng, SECONDS, players).parts):
        voice = renderer.voice(rng, part.family, renderer.held_out)
        if voice is None:
            continue
        label = {"family": part.family, "source": voice.label, "piece": f"{seed}-{number}", "part": place}
        play = kit_rows if part.family == "drums" else _part
        rows += play(renderer, rng, part, voice, label)
    return rows


def _part(renderer: RecordedRenderer, rng: Rng, part: ScorePart, voice: Voice, label: dict[str, Any]) -> list[Row]:
    return mono_rows(renderer.wet(rng, part, voice, SECONDS), label)


def mono_rows(audio_CN: Audio, label: dict[str, Any]) -> list[Row]:
    """One mono stem at a stem's level; none where it is silent."""
    mono = level(fitted(audio_CN.mean(axis=0)))
    return [Row(mono[None], label)] if np.any(mono) else []


def kit_rows(renderer: RecordedRenderer, rng: Rng, part: ScorePart, voice: Voice, label: dict[str, Any]) -> list[Row]:
    """Every piece of the kit through the same effects; their sum has the level of a stem."""
    seed = int(rng.integers(2**31))
    stems: dict[str, Audio] = {}
    for name in sorted({PIECE_OF_NOTE.get(note.midi, "") for note in part.notes}):
        notes = tuple(note for note in part.notes if PIECE_OF_NOTE.get(note.midi, "") == name)
        alone = renderer.dry(np.random.default_rng([seed, 1]), replace(part, notes=notes), voice, SECONDS)
        if np.any(alone):
            stems[name] = fitted(alone.mean(axis=0))
    if not stems:
        return []
    peak = max(float(np.abs(audio).max()) for audio in stems.values())
    for name, audio in stems.items():
        board = chain(np.random.default_rng([seed, 2]), "drums")
        stems[name] = fitted(np.asarray(board(audio[None] * np.float32(0.5 / peak), RATE), dtype=np.float32)[0])
    total = np.sum(list(stems.values()), axis=0)
    whole = level(total)
    loud = float(np.abs(total).max())
    gain = np.float32(float(np.abs(whole).max()) / max(loud, 1e-6))
    return [
        Row(audio[None] * gain, {**label, "kit": f"{label['piece']}-{label['part']}", "part_name": name})
        for name, audio in stems.items()
        if np.any(audio)
    ]


def fitted(mono: Audio) -> Audio:
    """Cut or padded to ``SAMPLES``."""
    return np.pad(mono[:SAMPLES], (0, max(0, SAMPLES - len(mono)))).astype(np.float32)


def clip_rows(found: list[RecordedClip], seed: int) -> Iterator[list[Row]]:
    """Clips as stems: phrases of one player in chains with pauses, long ones in spans, stems of a song together."""
    rng = np.random.default_rng([seed, 77])
    alone: dict[tuple[str, str, str], list[RecordedClip]] = {}
    together: dict[str, list[RecordedClip]] = {}
    for clip in found:
        if clip.group:
            together.setdefault(clip.group, []).append(clip)
        else:
            alone.setdefault((clip.source, clip.label, clip.voice), []).append(clip)
    for (source, label, voice), members in sorted(alone.items()):
        sounds = [clip.read() for clip in members]
        total_s = sum(sound.shape[1] for sound in sounds) / RATE
        rows = []
        for k in range(int(np.clip(round(total_s * CLIP_ROUNDS / SECONDS), 1, 60))):
            chain_CN = _chained(rng, sounds, max(s.shape[0] for s in sounds))
            named = {"family": members[0].family, "source": f"recorded:{source}", "words": label}
            named["piece"] = f"{source}-{label}-{voice}-{k}"
            named["part_name"] = "lead-vocals" if members[0].family == "vocals" else ""
            rows.append(Row(_levelled(chain_CN), named))
        yield rows
    for group, members in sorted(together.items()):
        aligned = [(clip.family, "", clip.label, clip.read()) for clip in members]
        yield list(spans(aligned, f"recorded:{members[0].source}", group.replace("/", "-")))


def song_rows(folder: Path) -> list[Row]:
    """A song of the songs folder, stem by stem in stereo, in spans that overlap by half."""
    from training.synthesis.songs import family_of

    index = json.loads((folder / "index.json").read_text("utf-8"))
    named = []
    for stem in index["stems"]:
        part = PARTS.get(stem["label"], "")
        named.append((family_of(stem), part, stem["label"], read_stereo(folder / stem["file"])))
    return list(spans(named, f"song:{folder.name}", folder.name))


def spans(
    named: list[tuple[str, str, str, Audio]], source: str, piece: str, kits: bool = False, step: int = SAMPLES // 2
) -> Iterator[Row]:
    """Aligned stems in spans of ``SAMPLES``; the balance between them stays.

    Args:
        named: family, part, words and audio ``(1 or 2, N)`` of every stem.
        source: where they come from.
        kits: the stems of the drums are the pieces of one player's kit.
        step: from one span to the next; spans overlap by half unless told.
    """
    longest = max(audio.shape[1] for *_, audio in named)
    for first in range(0, max(1, longest - SAMPLES + 1), step):
        cuts = [(f, p, w, a[:, first : first + SAMPLES]) for f, p, w, a in named]
        loud = [
            (f, p, w, np.pad(a, ((0, 0), (0, SAMPLES - a.shape[1]))))
            for f, p, w, a in cuts
            if a.shape[1] and float(np.sqrt((a**2).mean())) > QUIET_RMS
        ]
        if not loud:
            continue
        both = [np.broadcast_to(a, (2, SAMPLES)) for *_, a in loud]
        total = float(np.sqrt(np.mean(np.sum(both, axis=0) ** 2)))
        gain = np.float32(min(0.15 / max(total, 1e-6), 0.98 / max(float(np.abs(a).max()) for a in both)))
        for k, (family, part, words, audio) in enumerate(loud):
            label = {"family": family, "source": source, "piece": f"{piece}-{first}", "part": k, "words": words}
            kit = {"kit": f"{piece}-{first}"} if kits and family == "drums" else {}
            yield Row(audio * gain, {**label, **kit, "part_name": part, "balanced": True})


def _chained(rng: Rng, sounds: list[Audio], channels: int) -> Audio:
    """A chain of ``SAMPLES`` from sounds in a drawn order, with pauses; a long one gives a span of itself."""
    out = np.zeros((channels, SAMPLES), dtype=np.float32)
    at = 0
    order = list(rng.permutation(len(sounds)))
    while at < SAMPLES:
        sound = sounds[order.pop(0)] if order else sounds[int(rng.integers(len(sounds)))]
        if sound.shape[1] > SAMPLES - at:
            first = int(rng.integers(0, sound.shape[1] - (SAMPLES - at) + 1)) if at == 0 else 0
            sound = sound[:, first : first + SAMPLES - at]
        out[:, at : at + sound.shape[1]] += np.broadcast_to(sound, (channels, sound.shape[1]))
        at += sound.shape[1] + int(rng.uniform(0.0, 0.5) * RATE)
    return out


def _levelled(audio_CN: Audio) -> Audio:
    mono = audio_CN.mean(axis=0)
    rms = float(np.sqrt((mono**2).mean()))
    if rms < 1e-5:
        return np.zeros_like(audio_CN)
    return audio_CN * np.float32(min(STEM_RMS / rms, 0.98 / float(np.abs(audio_CN).max())))


def write_pieces(folder: Path, kind: str, pieces: int, renders: Callable[[], Callable[[int], list[Row]]]) -> None:
    """Render numbered pieces into whole shards ``KIND-0000`` and so on, where they are not there yet.

    Args:
        pieces: how many at least.
        renders: makes what renders a piece from its number; called only where a shard is missing.
    """
    piece_rows: Callable[[int], list[Row]] | None = None
    for shard in range(-(-pieces // PIECES_PER_SHARD)):
        name = f"{kind}-{shard:04d}"
        if (folder / f"{name}.json").is_file():
            continue
        piece_rows = piece_rows or renders()
        first = shard * PIECES_PER_SHARD
        rows = [row for number in range(first, first + PIECES_PER_SHARD) for row in piece_rows(number)]
        write_rows(folder, name, rows)
        print(f"{kind} shard {shard}: {len(rows)} stems", flush=True)


def write_rows(folder: Path, name: str, rows: list[Row]) -> None:
    """Write a shard, whole or not at all."""
    folder.mkdir(parents=True, exist_ok=True)
    data, labels, at = [], [], 0
    for row in rows:
        labels.append({**row.label, "row": at, "channels": int(row.audio_CN.shape[0])})
        data += [np.clip(np.round(channel * 32767), -32768, 32767).astype(np.int16) for channel in row.audio_CN]
        at += row.audio_CN.shape[0]
    if not data:
        return
    partial = folder / f".{name}.npy.partial"
    with partial.open("wb") as stream:
        np.save(stream, np.stack(data))
    os.replace(partial, folder / f"{name}.npy")
    text = folder / f".{name}.json.partial"
    text.write_text(json.dumps({"stems": labels}, ensure_ascii=False), "utf-8")
    os.replace(text, folder / f"{name}.json")
