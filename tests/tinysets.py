"""Tiny data sets laid out exactly like the originals."""

from __future__ import annotations

import json
from pathlib import Path

import av
import numpy as np
import soundfile as sf
import yaml
from PIL import Image

RATE_HZ = 22_050  # the originals have 44,100; half of it is enough here
SECONDS = 3.0


def tone(hertz: float, seconds: float = SECONDS, rate_hz: int = RATE_HZ, channels: int = 2) -> np.ndarray:
    """A steady tone, float32 ``(N, C)``, that starts and stops softly."""
    at = np.arange(round(seconds * rate_hz)) / rate_hz
    wave = 0.2 * np.sin(2 * np.pi * hertz * at) * np.clip(np.minimum(at, at[-1] - at) / 0.05, 0, 1)
    return np.repeat(wave[:, None], channels, axis=1).astype(np.float32)


def write(path: Path, audio_NC: np.ndarray, rate_hz: int = RATE_HZ) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    sf.write(path, audio_NC, rate_hz)


MUSDB_STEMS = {"drums": 100.0, "bass": 60.0, "other": 700.0, "vocals": 440.0}


def musdb_hq(root: Path) -> Path:
    """``train|test/ARTIST - TITLE/{mixture,drums,bass,other,vocals}.wav``."""
    for split, title in (("train", "Ann - First"), ("train", "Bob - Second"), ("test", "Cid - Third")):
        stems = {name: tone(hertz) for name, hertz in MUSDB_STEMS.items()}
        for name, audio in stems.items():
            write(root / split / title / f"{name}.wav", audio)
        write(root / split / title / "mixture.wav", sum(stems.values()))
    return root


def musdb_mp4(root: Path) -> Path:
    """``train|test/ARTIST - TITLE.stem.mp4`` with five AAC streams: mixture, drums, bass, other, vocals."""
    for split, title in (("train", "Ann - First"), ("test", "Cid - Third")):
        stems = [tone(hertz, rate_hz=44_100) for hertz in MUSDB_STEMS.values()]
        stem_file(root / split / f"{title}.stem.mp4", [sum(stems), *stems])
    return root


def stem_file(path: Path, streams: list[np.ndarray], rate_hz: int = 44_100) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w", format="mp4") as container:
        made = [container.add_stream("aac", rate=rate_hz, layout="stereo") for _ in streams]
        for stream, audio_NC in zip(made, streams, strict=True):
            for first in range(0, len(audio_NC), 1024):
                part = np.ascontiguousarray(audio_NC[first : first + 1024].T)
                frame = av.AudioFrame.from_ndarray(part, format="fltp", layout="stereo")
                frame.sample_rate, frame.pts = rate_hz, first
                container.mux(stream.encode(frame))
            container.mux(stream.encode(None))


MOISES_TRACKS = {
    ("vocals", "lead female singer"): (440.0,),
    ("drums", "kick drum"): (60.0,),
    ("drums", "snare drum"): (180.0, 220.0),
    ("guitar", "distorted electric guitar"): (330.0,),
    ("other", "fx/processed sound, scratches, gun shots, explosions etc"): (1500.0,),
}


def moisesdb(root: Path) -> Path:
    """``PROVIDER/TRACK/data.json`` and ``PROVIDER/TRACK/STEM/ID.wav``."""
    for song in ("0a1b", "2c3d"):
        folder = root / "moisesdb_v0.1" / song
        stems: dict[str, dict] = {}
        for number, ((stem, kind), tones) in enumerate(MOISES_TRACKS.items()):
            row = stems.setdefault(stem, {"id": f"stem-{stem}", "stemName": stem, "tracks": []})
            for k, hertz in enumerate(tones):
                name = f"id-{number}-{k}"
                write(folder / stem / f"{name}.wav", tone(hertz))
                row["tracks"].append(
                    {"id": name, "trackType": kind, "extension": "wav", "has_bleed": kind == "snare drum"}
                )
        table = {"song": f"Song {song}", "artist": "Dee", "genre": "rock", "stems": list(stems.values())}
        (folder / "data.json").write_text(json.dumps(table), "utf-8")
    return root


SLAKH_STEMS = {
    "S00": (30, "Guitar", "Distortion Guitar", False, 330.0),
    "S01": (33, "Bass", "Electric Bass (finger)", False, 80.0),
    "S02": (128, "Drums", "Drums", True, 150.0),
    "S03": (0, "Piano", "Acoustic Grand Piano", False, 523.0),
    "S04": (121, "Sound Effects", "Breath Noise", False, 900.0),
}


def slakh(root: Path) -> Path:
    """``train|validation|test/TrackNNNNN/{metadata.yaml,mix.flac,all_src.mid,MIDI/,stems/S00.flac}``; mono."""
    for split, number in (("train", 1), ("validation", 1501), ("test", 1876)):
        folder = root / split / f"Track{number:05d}"
        stems = {name: tone(hertz, channels=1) for name, (*_, hertz) in SLAKH_STEMS.items()}
        for name, audio in stems.items():
            write(folder / "stems" / f"{name}.flac", audio)
            (folder / "MIDI").mkdir(exist_ok=True)
            (folder / "MIDI" / f"{name}.mid").write_bytes(b"MThd")
        write(folder / "mix.flac", sum(stems.values()))
        (folder / "all_src.mid").write_bytes(b"MThd")
        rows = {
            name: {
                "audio_rendered": True, "inst_class": inst_class, "integrated_loudness": -12.8, "is_drum": drum,
                "midi_program_name": program, "midi_saved": True, "plugin_name": "x.nkm", "program_num": number,
            }
            for name, (number, inst_class, program, drum, _) in SLAKH_STEMS.items()
        }  # fmt: skip
        rows["S05"] = {**rows["S00"], "audio_rendered": False, "midi_saved": False}
        table = {
            "UUID": "1a81", "audio_dir": "stems", "lmd_midi_dir": "x.mid", "midi_dir": "MIDI",
            "normalization_factor": -13.0, "normalized": True, "overall_gain": 0.18, "stems": rows, "target_peak": -1.0,
        }  # fmt: skip
        (folder / "metadata.yaml").write_text(yaml.safe_dump(table), "utf-8")
    return root


MUSIC_VIDEOS = (
    ("acoustic_guitar", "M3dek", 330.0),
    ("violin", "a_b-C", 660.0),
    ("xylophone", "Q9", 880.0),
    ("erhu", "Zz", 500.0),
)


def music(root: Path) -> Path:
    """``audio/CLASS/ID.mp3``, ``frames/CLASS/ID.mp4/000001.jpg`` at 8 a second, ``train.csv`` and ``val.csv``."""
    lines = []
    for k, (kind, name, hertz) in enumerate(MUSIC_VIDEOS):
        (root / "audio" / kind).mkdir(parents=True, exist_ok=True)
        sf.write(root / "audio" / kind / f"{name}.mp3", tone(hertz, 8.0, 11_025, 1), 11_025, format="MP3")
        folder = root / "frames" / kind / f"{name}.mp4"
        folder.mkdir(parents=True)
        for frame in range(64):
            Image.new("RGB", (32, 24), (40 * k, 3 * frame, 120)).save(folder / f"{frame + 1:06d}.jpg")
        lines.append(f"./data/audio/{kind}/{name}.mp3,./data/frames/{kind}/{name}.mp4,64")
    (root / "train.csv").write_text("\n".join(lines[:3]) + "\n", "utf-8")
    (root / "val.csv").write_text(lines[3] + "\n", "utf-8")
    return root


def stem_folders(root: Path) -> Path:
    """``train/SONG/NAME.wav`` named by people, with a mix."""
    parts = {"01_Lead Vocals": 440.0, "02 Drum Kit": 100.0, "Upright_Bass": 60.0, "weird noises": 900.0}
    stems = {name: tone(hertz) for name, hertz in parts.items()}
    for name, audio in stems.items():
        write(root / "train" / "my song" / f"{name}.wav", audio)
    write(root / "train" / "my song" / "mix.wav", sum(stems.values()))
    return root
