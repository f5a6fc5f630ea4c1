"""Real songs as stems: cut into pieces of the cache's length, aligned, with labels in our own families."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from training.data.instruments import holdout
from training.data.sources import SoundLibrary, read_any
from training.data.stem_cache import write_shard
from training.synthesis.stem_config import StemRenderConfig
from training.typing import Audio

OVERLAP = 0.5
QUIET_RMS = 2e-3
# the artists' words -> our families; stems of any other kind stay in the mix but cannot be asked for
BY_LABEL = {
    "synth bass": "synth-bass", "piano": "piano", "organ sweep": "organ", "keys": "electric-piano",
    "synth pad": "synth-pad", "synth pad melody": "synth-pad", "mallets": "marimba",
}  # fmt: skip
BY_FAMILY = {"vocals": "vocals", "drums": "drums", "synth": "synth-lead"}
UNNAMED = "other"
MIXED = ("pad-bass.m4a",)  # two instruments in one stem


def family_of(stem: dict[str, Any]) -> str:
    """Our family of a song's stem, ``other`` when it has none."""
    if stem["file"] in MIXED:
        return UNNAMED
    return BY_LABEL.get(stem["label"]) or BY_FAMILY.get(stem["family"], UNNAMED)


def song_stems(folder: Path, rate_hz: int) -> list[tuple[str, Audio]]:
    """Stems of a song by family, mono at ``rate_hz``; stems of one family are summed."""
    index = json.loads((folder / "index.json").read_text("utf-8"))
    sums: dict[str, Audio] = {}
    for stem in index["stems"]:
        audio = read_any(folder / stem["file"], rate_hz)
        name = family_of(stem)
        held = sums.get(name, np.zeros(0, dtype=np.float32))
        length = max(len(held), len(audio))
        sums[name] = np.pad(held, (0, length - len(held))) + np.pad(audio, (0, length - len(audio)))
    return sorted(sums.items())


def cut_songs(config: StemRenderConfig) -> None:
    """Add every allowed song to the cache as pieces; songs keep the artists' balance between stems."""
    sounds = SoundLibrary.find()
    if sounds.songs is None:
        return
    for folder in sorted(p for p in sounds.songs.iterdir() if (p / "index.json").is_file()):
        name = f"song-{folder.name}"
        wanted = (folder.name in holdout().songs) == config.held_out
        if not wanted or (Path(config.folder) / f"{name}.json").is_file():
            continue
        stems, labels = _cut(folder, config)
        if not config.held_out:
            holdout().refuse(label["source"] for label in labels)
        write_shard(Path(config.folder), name, stems, labels)


def _cut(folder: Path, config: StemRenderConfig) -> tuple[list[Audio], list[dict[str, Any]]]:
    named = song_stems(folder, config.rate_hz)
    size = round(config.seconds * config.rate_hz)
    longest = max(len(audio) for _, audio in named)
    stems: list[Audio] = []
    labels: list[dict[str, Any]] = []
    for first in range(0, longest - size, round(size * (1 - OVERLAP))):
        cuts = [(name, audio[first : first + size]) for name, audio in named if len(audio) >= first + size]
        loud = [(name, cut) for name, cut in cuts if float(np.sqrt((cut**2).mean())) > QUIET_RMS]
        if not loud:
            continue
        total = float(np.sqrt(np.mean(np.sum([cut for _, cut in loud], axis=0) ** 2)))
        peak = max(float(np.abs(cut).max()) for _, cut in loud)
        gain = np.float32(min(0.15 / max(total, 1e-6), 0.98 / peak))
        for name, cut in loud:
            stems.append(cut * gain)
            labels.append(
                {"family": name, "role": "", "register": "", "source": f"song:{folder.name}",
                 "piece": f"{folder.name}-{first}"}
            )  # fmt: skip
    return stems, labels
