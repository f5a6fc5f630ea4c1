"""``python -m export songs BUNDLE [BUNDLE ...]``: how well separators take the voice out of real songs.

The mix is the sum of a song's stems, the truth the sum of its voices. Of each song the windows with most voice are
filtered by the masks of each bundle and by the ideal ratio; SDR and SI-SDR are printed, and how far each bundle is from
the first.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np
import torch

from engine.bundle.bundle import Bundle, load_bundle
from engine.bundle.separator import SeparatorManifest, SpectrumSpec
from export.cpu_session import session
from export.parity import at_level
from export.separators.write import magnitudes
from training.data.sources import SoundLibrary, read_stereo
from training.metrics import sdr, si_sdr

VOICES = ("vox", "bgvox")  # files that begin like this are sung
TOP_FROM_HZ = 8_000  # above the last bin a frame has the mean of its mask from here up
RATE_HZ = 44_100
Floats = np.ndarray[Any, Any]


def measure(bundles: list[Bundle], songs: list[Path], windows: int) -> dict[str, list[tuple[float, float]]]:
    """(SDR, SI-SDR) in dB of the voice, window by window; by bundle, and of the mix and the ideal ratio mask.

    Args:
        bundles: spectral separators of 44.1 kHz with the stem ``vocals``.
        songs: folders with ``index.json`` and stems.
        windows: of each song, those with most voice.

    Raises:
        ValueError: a bundle is none of those.
    """
    separators = {bundle.folder.name: _spectral(bundle) for bundle in bundles}
    graphs = {
        bundle.folder.name: session(bundle.path(separators[bundle.folder.name][0].graph.file)) for bundle in bundles
    }
    grid = separators[bundles[0].folder.name][1]
    samples = (grid.frames - 1) * grid.hop_samples
    found: dict[str, list[tuple[float, float]]] = {}
    for song in songs:
        mix, voice = read_song(song)
        for start in loudest(voice, samples, windows):
            cut = slice(start, start + samples)
            mix_2N, voice_2N = mix[:, cut], voice[:, cut]
            answers = {"mix": mix_2N}
            for name, (separator, spectrum) in separators.items():
                shown = magnitudes(at_level(mix_2N, separator.level_db)[None], spectrum)
                [mask] = graphs[name].run(["vocals"], {"mix": shown})
                answers[name] = filtered(mix_2N, mask[0], spectrum)
            answers["ideal ratio"] = filtered(mix_2N, _ideal(mix_2N, voice_2N, grid), None)
            for name, made in answers.items():
                found.setdefault(name, []).append((sdr(made, voice_2N), si_sdr(made, voice_2N)))
    return found


def _spectral(bundle: Bundle) -> tuple[SeparatorManifest, SpectrumSpec]:
    separator = bundle.separator
    if separator is None or separator.spectrum is None or "vocals" not in separator.stems:
        raise ValueError(f"{bundle.label} is no spectral separator with the stem vocals")
    if separator.rate_hz != RATE_HZ:
        raise ValueError(f"{bundle.label} hears at {separator.rate_hz} Hz, the songs are taken at {RATE_HZ}")
    return separator, separator.spectrum


def read_song(folder: Path) -> tuple[Floats, Floats]:
    """Mix and voice of a song, float32 (2, samples)."""
    rows = json.loads((folder / "index.json").read_text("utf-8"))["stems"]
    stems = [(row["file"].startswith(VOICES), read_stereo(folder / row["file"], RATE_HZ)) for row in rows]
    mix, voice = np.zeros((2, 2, max(stem.shape[1] for _, stem in stems)), np.float32)
    for is_voice, stem in stems:
        mix[:, : stem.shape[1]] += stem
        if is_voice:
            voice[:, : stem.shape[1]] += stem
    return mix, voice


def loudest(voice: Floats, samples: int, count: int) -> list[int]:
    """Starts of the windows with most voice, apart from each other and in order."""
    starts = np.arange(0, voice.shape[1] - samples, samples)
    energy = [float(np.square(voice[:, start : start + samples]).sum()) for start in starts]
    return sorted(int(starts[k]) for k in np.argsort(energy)[::-1][:count])


def filtered(mix: Floats, mask: Floats, spectrum: SpectrumSpec | None) -> Floats:
    """Sound (2, samples) whose spectra are those of the mix times a mask (2, frames, bins)."""
    fft, hop = (4096, 1024) if spectrum is None else (spectrum.fft_samples, spectrum.hop_samples)
    window = torch.hann_window(fft)
    spectra = torch.stft(torch.from_numpy(mix), fft, hop, window=window, pad_mode="constant", return_complex=True)
    whole = torch.zeros(2, fft // 2 + 1, spectra.shape[2])
    gains = torch.from_numpy(np.ascontiguousarray(mask.transpose(0, 2, 1)))
    top = min(round(TOP_FROM_HZ * fft / RATE_HZ), gains.shape[1] - 1)
    whole[:, : gains.shape[1]] = gains
    whole[:, gains.shape[1] :] = gains[:, top:].mean(dim=1, keepdim=True)
    made: Floats = torch.istft(spectra * whole, fft, hop, window=window, length=mix.shape[1]).numpy()
    return made


def _ideal(mix: Floats, voice: Floats, spectrum: SpectrumSpec) -> Floats:
    stem, rest = magnitudes(np.stack([voice, mix - voice]).astype(np.float32), spectrum)
    mask: Floats = stem / (stem + rest + 1e-9)
    return mask


def lines(found: dict[str, list[tuple[float, float]]], first: str) -> list[str]:
    """The figures for a reader."""
    said = []
    for name, rows in found.items():
        both = np.array(rows)
        apart = both - np.array(found[first])
        said.append(
            f"{name:24}  SDR {np.median(both[:, 0]):6.2f} (mean {both[:, 0].mean():6.2f})  "
            f"SI-SDR {np.median(both[:, 1]):6.2f} (mean {both[:, 1].mean():6.2f})  "
            f"against {first}: SDR {apart[:, 0].mean():+.3f} on average, {np.abs(apart[:, 0]).max():.3f} at most"
        )
    return said


def main(argv: list[str]) -> str:
    """Read the command line and measure; a line for each bundle."""
    parser = argparse.ArgumentParser(prog="python -m export songs", description="separators on voices of real songs")
    parser.add_argument("bundles", nargs="+", type=Path, help="folders of separator bundles")
    parser.add_argument("--songs", type=Path, help="folder of songs; that of the training sounds when not given")
    parser.add_argument("--only", action="append", default=[], metavar="SONG", help="this one; may be given again")
    parser.add_argument("--windows", type=int, default=5, help="of each song; default %(default)s")
    args = parser.parse_args(argv)
    place = args.songs or SoundLibrary.find().songs or Path("songs")
    songs = [
        path.parent for path in sorted(place.glob("*/index.json")) if not args.only or path.parent.name in args.only
    ]
    if not songs:
        raise ValueError(f"there is no song in {place}; give another folder with --songs")
    bundles = [load_bundle(folder) for folder in args.bundles]
    found = measure(bundles, songs, args.windows)
    return "\n".join([f"{len(found['mix'])} windows of {len(songs)} songs", *lines(found, bundles[0].folder.name)])
