"""Export to files: one common gain for all stems, complete files or none, nothing overwritten."""

from __future__ import annotations

import math
import os
import re
import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import soundfile

from desktop.audio.mixer import Track, add_track, pan_gains
from desktop.audio.read import BLOCK_SAMPLES, Check
from engine import BIT_FOR_BIT_DB, OutputError, RequestError

FloatArray = npt.NDArray[np.float32]
Report = Callable[[float], None]

FIELDS = ("track", "stem", "take", "bundle", "nr")
_FORBIDDEN = re.compile(r'[<>:"/\\|?*\x00-\x1f]')
NAME_LIMIT_BYTES = 180


@dataclass(frozen=True, slots=True)
class FileFormat:
    """One file format: label, suffix, libsndfile's container and subtype, bits (None: float, no limit)."""

    words: str
    suffix: str
    container: str
    subtype: str
    bits: int | None


FORMATS: dict[str, FileFormat] = {
    "wav24": FileFormat("WAV 24 bit", ".wav", "WAV", "PCM_24", 24),
    "wav32f": FileFormat("WAV 32 bit float", ".wav", "WAV", "FLOAT", None),
    "wav16": FileFormat("WAV 16 bit", ".wav", "WAV", "PCM_16", 16),
    "flac": FileFormat("FLAC 24 bit", ".flac", "FLAC", "PCM_24", 24),
    "ogg": FileFormat("OGG Vorbis", ".ogg", "OGG", "VORBIS", 24),
    "mp3": FileFormat("MP3", ".mp3", "MP3", "MPEG_LAYER_III", 24),
}
LOSSLESS = frozenset({"wav16", "wav24", "wav32f", "flac"})


@dataclass(frozen=True, slots=True)
class ExportFile:
    """One file to write.

    Attributes:
        name: without suffix.
        tracks: what is added up; gains and pans as in the mixer, ``heard`` does not matter.
    """

    name: str
    tracks: tuple[Track, ...]


@dataclass(frozen=True, slots=True)
class ExportResult:
    """What was written.

    Attributes:
        paths: in the order asked.
        gain_db: common gain on all of them, 0 unless something would have clipped.
        null_db: what the sum of the files leaves of the original; None when they are not meant to sum to it.
    """

    paths: tuple[Path, ...]
    gain_db: float
    null_db: float | None


def file_name(template: str, values: dict[str, str]) -> str:
    """A name from a template as ``{track} - {stem}``.

    Raises:
        RequestError: the template names something that is not there, or nothing is left of it.
    """
    try:
        name = template.format_map(values)
    except (KeyError, ValueError, IndexError, AttributeError) as error:
        allowed = ", ".join(f"{{{field}}}" for field in FIELDS)
        raise RequestError(
            "the name template {template} cannot be used ({reason}); allowed are {allowed}",
            template=repr(template),
            reason=error,
            allowed=allowed,
        ) from error
    name = _FORBIDDEN.sub("_", name).strip(" .")
    name = name.encode("utf-8")[:NAME_LIMIT_BYTES].decode("utf-8", "ignore")
    if not name:
        raise RequestError("the name template makes no name; put at least one letter into it")
    return name


def export(
    parts: Sequence[ExportFile],
    original: Track | None,
    kind_name: str,
    folder: Path,
    grid: tuple[int, int],
    report: Report,
    check: Check,
) -> ExportResult:
    """Write all parts. Slow: for a worker.

    Args:
        original: what their sum is held against; None when they are not meant to sum to it.
        kind_name: a row of ``FORMATS``.
        folder: made when missing.
        grid: rate in Hz and length in samples of every file.
        report: called with the fraction that is done.
        check: called between blocks; raises to cancel.

    Raises:
        OutputError: the folder cannot be written to, or the disk is full; nothing was left there.
    """
    kind = FORMATS[kind_name]
    length = grid[1]
    gain = _common_gain(parts, length, kind, check)
    drafts: list[Path] = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for number, part in enumerate(parts):
            draft = folder / f".{uuid.uuid4().hex}{kind.suffix}.part"
            drafts.append(draft)
            _write(draft, part, kind, gain, grid, _share(report, number, len(parts)), check)
        null_db = _null_db(drafts, original, gain, length, check) if kind_name in LOSSLESS and original else None
        paths = tuple(_publish(draft, folder, part.name, kind) for draft, part in zip(drafts, parts, strict=True))
    except (OSError, soundfile.LibsndfileError) as error:
        raise OutputError(
            "cannot write to {folder} ({reason}); make room there or choose another folder",
            folder=folder,
            reason=getattr(error, "strerror", None) or error,
        ) from error
    finally:
        for draft in drafts:
            draft.unlink(missing_ok=True)
    return ExportResult(paths, 20 * math.log10(gain), null_db)


def mixed_blocks(tracks: Sequence[Track], length: int, check: Check) -> Iterator[FloatArray]:
    """The sum of tracks in blocks, float32 (samples, channels); at most two channels."""
    channels = max((min(track.samples_NC.shape[1], 2) for track in tracks), default=1)
    panned = any(track.pan for track in tracks)
    channels = 2 if panned else channels
    for start in range(0, length, BLOCK_SAMPLES):
        check()
        out_NC = np.zeros((min(BLOCK_SAMPLES, length - start), 2), np.float32)
        for track in tracks:
            add_track(out_NC, track, start, (np.float32(track.gain) * pan_gains(track.pan))[None, :])
        yield out_NC[:, :channels]


def _share(report: Report, number: int, count: int) -> Report:
    """Progress of one file as a share of the whole."""
    return lambda share: report((number + share) / count)


def _common_gain(parts: Sequence[ExportFile], length: int, kind: FileFormat, check: Check) -> float:
    """The common gain: below 1 only if a sample would clip."""
    if kind.bits is None:
        return 1.0
    peak = 0.0
    for part in parts:
        for block_NC in mixed_blocks(part.tracks, length, check):
            peak = max(peak, float(np.abs(block_NC).max(initial=0.0)))
    ceiling = 1.0 - 2.0 ** (1 - kind.bits)
    return min(1.0, ceiling / peak) if peak > ceiling else 1.0


def _write(
    draft: Path, part: ExportFile, kind: FileFormat, gain: float, grid: tuple[int, int], report: Report, check: Check
) -> None:
    rate_hz, length = grid
    writer: soundfile.SoundFile | None = None
    done = 0
    try:
        for block_NC in mixed_blocks(part.tracks, length, check):
            if writer is None:
                writer = soundfile.SoundFile(
                    draft, "w", rate_hz, block_NC.shape[1], subtype=kind.subtype, format=kind.container
                )
            writer.write(_rounded(block_NC * np.float32(gain), kind))
            done += len(block_NC)
            report(done / max(length, 1))
    finally:
        if writer is not None:
            writer.close()


def _rounded(block_NC: FloatArray, kind: FileFormat) -> npt.NDArray[np.float64] | FloatArray:
    """Round to the format's steps, so that libsndfile stores the values unchanged."""
    if kind.bits is None:
        return block_NC
    steps = 2.0 ** (kind.bits - 1)
    return np.clip(np.round(block_NC.astype(np.float64) * steps), -steps, steps - 1) / steps


def _null_db(drafts: Sequence[Path], original: Track, gain: float, length: int, check: Check) -> float:
    left, whole = 0.0, 0.0
    streams = [soundfile.SoundFile(draft) for draft in drafts]
    try:
        for mix_NC in mixed_blocks([original], length, check):
            total_NC = np.zeros((len(mix_NC), 2))
            for stream in streams:
                block_NC = stream.read(len(mix_NC), dtype="float64", always_2d=True)
                total_NC[: len(block_NC)] += block_NC
            wanted_NC = mix_NC.astype(np.float64) * gain
            left += float(np.square(total_NC[:, : mix_NC.shape[1]] - wanted_NC).sum())
            whole += float(np.square(wanted_NC).sum())
    finally:
        for stream in streams:
            stream.close()
    if left == 0.0 or whole == 0.0:
        return BIT_FOR_BIT_DB
    return max(10 * math.log10(left / whole), BIT_FOR_BIT_DB)


def _publish(draft: Path, folder: Path, name: str, kind: FileFormat) -> Path:
    """Rename a draft to the first free name."""
    for number in range(1, 10_000):
        final = folder / (f"{name}{kind.suffix}" if number == 1 else f"{name} ({number}){kind.suffix}")
        try:
            os.link(draft, final)
        except FileExistsError:
            continue
        except OSError:  # no hard links on this file system
            if final.exists():
                continue
            os.replace(draft, final)
        return final
    raise OutputError(
        "{folder} already holds ten thousand files called {name}; choose another name", folder=folder, name=name
    )
