"""Find what is wrong with a piece, from file headers alone or by reading all of its audio."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from training.data.piece import FileSound, Piece, SoundSource, Stem, mono, sum_of
from training.scene.config import FPS

LENGTHS_DIFFER_S = 0.1
FRAMES_DIFFER = 0.1
SILENT_RMS = 1e-4
SUM_DB = -30.0  # the mix may differ this little from the sum of the stems
BLOCK_S = 30.0
LISTEN_HZ = 8000


def open_stems(files: Sequence[tuple[str, str, Path]]) -> tuple[list[Stem], list[str]]:
    """Open ``(label, term, path)``; what is not there or cannot be read becomes a problem."""
    stems, problems = [], []
    for label, term, path in files:
        sound, problem = open_sound(path)
        if sound is None:
            problems.append(problem)
        else:
            stems.append(Stem(label, term, sound))
    return stems, problems


def open_sound(path: Path) -> tuple[FileSound | None, str]:
    """A sound, or why there is none."""
    if not path.is_file():
        return None, f"{path.name} is missing"
    try:
        return FileSound.open(path), ""
    except ValueError as error:
        return None, str(error)


def header_problems(piece: Piece) -> Iterator[str]:
    """Problems seen in lengths, rates and counts."""
    yield from piece.problems
    if not piece.stems:
        yield "it has no stem that can be read"
        return
    everything: list[tuple[str, SoundSource]] = [(stem.label, stem.sound) for stem in piece.stems]
    everything += [("the mix", piece.mix)] if piece.mix is not None else []
    rates = {sound.rate_hz for _, sound in everything}
    if len(rates) > 1:
        yield f"sample rates differ: {', '.join(f'{rate} Hz' for rate in sorted(rates))}"
    for name, sound in everything:
        short_s = piece.seconds - sound.samples / sound.rate_hz
        if short_s > LENGTHS_DIFFER_S:
            yield f"{name} is {short_s:.1f} s shorter than the longest stem"
    if piece.frames is not None:
        wanted = piece.seconds * FPS
        if abs(piece.frames.count - wanted) > FRAMES_DIFFER * wanted:
            yield f"{piece.frames.count} pictures for {piece.seconds:.1f} s; {round(wanted)} were to be expected"


def heard_problems(piece: Piece) -> Iterator[str]:
    """Problems seen in the samples: silence, NaN, a mix that is not the sum of its stems."""
    if not piece.stems:
        return
    power_S = np.zeros(len(piece.stems))
    off = total = 0.0
    blocks = 0
    whole = sum_of(piece.stems)
    for start_s in np.arange(0.0, piece.seconds, BLOCK_S):
        samples = round(min(BLOCK_S, piece.seconds - start_s) * LISTEN_HZ)
        if samples < 1:
            break
        stems_SN = piece.cut(float(start_s), samples, LISTEN_HZ)
        if not np.isfinite(stems_SN).all():
            yield f"a stem holds numbers that are no sound after {start_s:.0f} s"
            return
        power_S += (stems_SN**2).mean(axis=1)
        if piece.mix is not None and len({s.sound.rate_hz for s in piece.stems}) == 1:
            mix_N = mono(piece.mix, float(start_s), samples, LISTEN_HZ)
            off += float(((mix_N - mono(whole, float(start_s), samples, LISTEN_HZ)) ** 2).sum())
            total += float((mix_N**2).sum())
        blocks += 1
    for stem, power in zip(piece.stems, power_S, strict=True):
        if np.sqrt(power / max(1, blocks)) < SILENT_RMS:
            yield f"{stem.label} is silent"
    if total > 0 and off > 0 and (off_db := 10 * np.log10(off / total)) > SUM_DB:
        yield f"the mix differs from the sum of its stems by {off_db:.0f} dB of its own power"
