"""Content-addressed audio store: originals by SHA-256, and a cache of samples, peaks and spectrograms.

Originals lie in ``folder`` and never change; everything in ``cache`` may be deleted at any time. Files are written
beside their place and renamed, so a name that exists is whole.
"""

from __future__ import annotations

import contextlib
import hashlib
import math
import os
import re
import shutil
import stat
import struct
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import soundfile

from desktop.audio.peaks import BASE_SAMPLES, PeakBuilder, Peaks, peaks_of_bins
from desktop.audio.read import Check, FloatArray, blocks, check_file, convert, keep_going, readable
from desktop.audio.sounds import ComputedSamples, SoundSamples
from desktop.audio.spectrogram import Spectrogram, make_spectrogram, with_zooms
from engine import AudioError, OutputError

COPY_BYTES = 1 << 20
TELL_S = 0.3  # between two news of a sound that grows
Report = Callable[[float], None]  # gets a share from 0 to 1
INTEGER, IEEE_FLOAT, EXTENSIBLE = 1, 3, 0xFFFE  # formats of a WAV
PLAIN_KINDS: dict[tuple[int, int], np.dtype[Any]] = {
    (IEEE_FLOAT, 32): np.dtype("<f4"),
    (INTEGER, 16): np.dtype("<i2"),
}  # that are played from the file itself
WHOLE_NUMBER = np.float32(2.0**-15)  # float32 of one step of int16, as libsndfile reads it
INTEGER_BITS = {"PCM_S8": 8, "PCM_U8": 8, "PCM_16": 16, "PCM_24": 24}  # those that float32 holds without rounding


def no_report(share: float) -> None:
    """For nobody who wants to know."""


_SHA = re.compile(r"[0-9a-f]{64}")
_SUFFIX = re.compile(r"\.[a-z0-9]{1,8}")


@dataclass(frozen=True, slots=True)
class AudioRef:
    """One audio file in a store.

    Attributes:
        sha256: of its bytes, lower-case hex.
        suffix: with the dot, lower case.
        rate_hz, channels, samples: its grid; samples is per channel.
    """

    sha256: str
    suffix: str
    rate_hz: int
    channels: int
    samples: int

    def __post_init__(self) -> None:
        if not _SHA.fullmatch(self.sha256) or not _SUFFIX.fullmatch(self.suffix):
            raise ValueError(f"{self.sha256[:20]!r}{self.suffix[:10]!r} is no name of stored audio")
        if min(self.rate_hz, self.channels, self.samples) < 1:
            raise ValueError("stored audio has a rate, channels and samples")

    @property
    def file(self) -> str:
        """File name in the store."""
        return self.sha256 + self.suffix

    @property
    def seconds(self) -> float:
        """Length in seconds."""
        return self.samples / self.rate_hz


@dataclass(frozen=True, slots=True, eq=False)
class GrowingSound:
    """A sound that is still read.

    Attributes:
        file: where its samples go.
        samples_NC: all of them, silent where they are not there yet.
        bins: of its peaks, likewise.
    """

    file: Path
    samples_NC: SoundSamples
    bins: FloatArray

    def show(self, builder: PeakBuilder) -> None:
        """Take over what is there by now."""
        bins = builder.so_far()
        self.bins[:, : bins.shape[1]] = bins[:, : self.bins.shape[1]]


class AudioStore:
    """A folder of originals and a folder of what is made from them.

    Args:
        cache: samples, peaks and spectra.
    """

    def __init__(self, folder: Path, cache: Path) -> None:
        self.folder = folder
        self.cache = cache
        self._mapped: dict[str, SoundSamples] = {}
        self._bits: dict[str, int | None] = {}
        self._growing: dict[str, GrowingSound] = {}
        self._undrawn: set[str] = set()  # sounds whose spectrogram is under way
        self._verified: dict[str, tuple[int, int]] = {}  # size and time of originals whose bytes were found right

    def add(self, path: Path, check: Check = keep_going) -> AudioRef:
        """Take a copy of a file's sound and prepare it for drawing and playing. Slow: for a worker.

        Raises:
            AudioError: the file cannot be used.
            OutputError: the disk is full or may not be written to.
        """
        ref = self.take(path, check)
        self.prepare(ref, check)
        return ref

    def take(self, path: Path, check: Check = keep_going, report: Report = no_report) -> AudioRef:
        """Take a copy of a file's sound, and no more; raises as ``add``. ``report`` gets how much of it is copied."""
        check_file(path)
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            self.cache.mkdir(parents=True, exist_ok=True)
            if readable(path):
                return self._take(path, path.suffix.lower(), check, report)
            decoded = self._fresh(self.folder)
            try:
                convert(path, decoded, check)
                return self._take(decoded, ".wav", check, report)
            finally:
                decoded.unlink(missing_ok=True)
        except OSError as error:
            raise OutputError(
                "cannot keep a copy of {file} in {folder} ({reason}); make room on that disk and open it again",
                file=path.name,
                folder=self.folder,
                reason=error.strerror or error,
            ) from error

    def holds(self, ref: AudioRef, check: Check = keep_going) -> bool:
        """Whether the original is here and its bytes are those of its name. Slow at first: for a worker."""
        try:
            found = os.stat(self.path(ref), follow_symlinks=False)
        except OSError:
            return False
        seen = found.st_size, found.st_mtime_ns
        if not stat.S_ISREG(found.st_mode):
            return False
        if self._verified.get(ref.sha256) != seen:
            if _sha256(self.path(ref), check) != ref.sha256:
                return False
            self._verified[ref.sha256] = seen
        return True

    def adopt(self, source: Path, ref: AudioRef, check: Check = keep_going) -> AudioRef:
        """Take a copy of a file that claims to be a stored original. Slow: for a worker.

        It goes by the hash that its bytes have, whatever its name, so nothing can take the place of another sound.

        Args:
            source: a plain file; links are not followed.
            ref: what it claims to be.
            check: called regularly; raises to cancel.

        Returns:
            What it is: ``ref``, or another sound of the same grid, where its bytes are others than were stored.

        Raises:
            AudioError: it is gone, a link, or so damaged that it cannot be used in the place of the other.
            OSError: there is no room for it.
        """
        name = ref.file[:12]
        try:
            number = os.open(source, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0))
        except OSError as error:
            raise AudioError(
                "the audio {name}… cannot be opened ({reason})", name=name, reason=error.strerror
            ) from error
        fresh = self._fresh(self.folder)
        try:
            with os.fdopen(number, "rb") as stream, fresh.open("wb") as target:
                if not stat.S_ISREG(os.fstat(stream.fileno()).st_mode):
                    raise AudioError("the audio {name}… is no plain file; put the right one there", name=name)
                digest = hashlib.sha256()
                while part := stream.read(COPY_BYTES):
                    check()
                    digest.update(part)
                    target.write(part)
            if digest.hexdigest() == ref.sha256:
                found = ref
            else:
                found = replace(ref, sha256=digest.hexdigest())
                if _grid_of(fresh) != (ref.rate_hz, ref.channels, ref.samples):
                    raise AudioError(
                        "the audio {name}… of this project is damaged and cannot be read; put back an older copy of it",
                        name=name,
                    )
            self._put(fresh, found, check)
            return found
        finally:
            fresh.unlink(missing_ok=True)

    def _put(self, fresh: Path, ref: AudioRef, check: Check) -> None:
        """Give a file, whose bytes are right, its name; what has the name wrongly goes, and what was made from it."""
        if self.holds(ref, check):
            return
        if self.path(ref).exists():
            for made in (self._samples_file(ref), self._peaks_file(ref), self._spectrum_file(ref)):
                made.unlink(missing_ok=True)
            self._mapped.pop(ref.sha256, None)
            self._bits.pop(ref.sha256, None)
        os.replace(fresh, self.path(ref))

    def begin(self, ref: AudioRef) -> bool:
        """Let a sound be played and drawn while ``prepare`` still reads it: silent and empty where it is not yet.

        Returns:
            False where all of it is there already.

        Raises:
            OutputError: there is no room for it.
        """
        if ref.sha256 in self._growing or self._peaks_file(ref).is_file():
            return False
        try:
            self.cache.mkdir(parents=True, exist_ok=True)
            self._check_room(ref)
            file = self._fresh(self.cache)
            samples_NC = self._mapped_wav(ref)
            if samples_NC is None:
                with file.open("wb") as stream:
                    stream.truncate(ref.samples * ref.channels * 4)
                samples_NC = np.memmap(file, np.float32, "r", shape=(ref.samples, ref.channels))
        except OSError as error:
            raise self._no_room(error) from error
        bins = np.zeros((Peaks.ROWS, max(-(-ref.samples // BASE_SAMPLES), 1)), np.float32)
        self._growing[ref.sha256] = GrowingSound(file, samples_NC, bins)
        return True

    def path(self, ref: AudioRef) -> Path:
        """Path of the original."""
        return self.folder / ref.file

    def prepare(self, ref: AudioRef, check: Check = keep_going, grew: Report = no_report) -> None:
        """Make samples, peaks and spectrum unless they are there. Slow: for a worker.

        Args:
            check: called regularly; raises to cancel.
            grew: gets the share that can be drawn and played, after ``begin``.

        Raises:
            AudioError: the original is gone or damaged.
            OutputError: there is no room for them.
        """
        mapped = self._mapped_wav(ref) is not None
        made = (self._peaks_file(ref), self._spectrum_file(ref), *(() if mapped else (self._samples_file(ref),)))
        if all(file.is_file() for file in made):
            for file in (*made, self.path(ref)):
                with contextlib.suppress(OSError):
                    os.utime(file)  # it was used; see clean_cache
            return
        self.cache.mkdir(parents=True, exist_ok=True)
        self._check_room(ref)
        if not self.path(ref).is_file():
            raise AudioError(
                "the audio {name}… of this project is gone; put its folder back beside it", name=ref.file[:12]
            )
        growing = self._growing.get(ref.sha256)
        samples_file = self._fresh(self.cache) if growing is None else growing.file
        fresh = [self._fresh(self.cache), self._fresh(self.cache), samples_file]
        try:
            peaks = self._decode(ref, None if mapped else samples_file, check, growing, grew)
            peaks.save(fresh[0])
            if not mapped:
                os.replace(samples_file, self._samples_file(ref))
            os.replace(fresh[0], self._peaks_file(ref))
            self._undrawn.add(ref.sha256)
            self._growing.pop(ref.sha256, None)
            grew(1.0)
            with_zooms(make_spectrogram(self.samples(ref), ref.rate_hz, check)).save(fresh[1])
            os.replace(fresh[1], self._spectrum_file(ref))
        except OSError as error:
            raise self._no_room(error) from error
        finally:
            self._undrawn.discard(ref.sha256)
            for new in fresh:
                new.unlink(missing_ok=True)

    def _no_room(self, error: OSError) -> OutputError:
        return OutputError(
            "cannot write to the cache {folder} ({reason}); make room",
            folder=self.cache,
            reason=error.strerror or error,
        )

    def samples(self, ref: AudioRef) -> SoundSamples:
        """The sound, mapped from disk: float32 (samples, channels).

        Raises:
            AudioError: it is not prepared.
        """
        if ref.sha256 in self._mapped:
            return self._mapped[ref.sha256]
        if ref.sha256 in self._growing:
            return self._growing[ref.sha256].samples_NC
        try:
            samples_NC = self._mapped_wav(ref)
            if samples_NC is None:
                samples_NC = np.memmap(self._samples_file(ref), np.float32, "r", shape=(ref.samples, ref.channels))
            return self._mapped.setdefault(ref.sha256, samples_NC)
        except (OSError, ValueError) as error:
            raise AudioError("the decoded audio is gone from the cache; open the file again") from error

    def peaks(self, ref: AudioRef) -> Peaks:
        """What a waveform is drawn from.

        Raises:
            AudioError: it is not prepared.
        """
        if (growing := self._growing.get(ref.sha256)) is not None:
            return peaks_of_bins(growing.bins.copy())
        try:
            return Peaks.load(self._peaks_file(ref), ref.samples)
        except (OSError, ValueError) as error:
            raise AudioError("the waveform is gone from the cache; open the file again") from error

    def spectrum(self, ref: AudioRef) -> Spectrogram:
        """What a spectrogram is drawn from.

        Raises:
            AudioError: it is not prepared.
        """
        try:
            return Spectrogram.load(self._spectrum_file(ref), ref.samples)
        except (OSError, ValueError) as error:
            raise AudioError("the spectrogram is gone from the cache; open the file again") from error

    def give_up(self, ref: AudioRef) -> None:
        """Forget a sound that could not be read to its end; until then it stays as far as it is there."""
        self._growing.pop(ref.sha256, None)

    def is_undrawn(self, ref: AudioRef) -> bool:
        """True while the spectrogram of a sound is not made yet."""
        return ref.sha256 in self._growing or ref.sha256 in self._undrawn

    def grows(self, ref: AudioRef) -> bool:
        """True while a sound is still read, see ``begin``."""
        return ref.sha256 in self._growing

    def bits(self, ref: AudioRef) -> int | None:
        """Bits of the samples of an integer format; None for floats and lossy files."""
        if ref.sha256 not in self._bits:
            try:
                self._bits[ref.sha256] = INTEGER_BITS.get(soundfile.info(str(self.path(ref))).subtype)
            except soundfile.LibsndfileError:
                return None
        return self._bits[ref.sha256]

    def cache_bytes(self) -> int:
        """Bytes of originals and cache together."""
        return sum(size for folder in (self.folder, self.cache) for _, size, _ in _files_by_use(folder))

    def clean_cache(self, keep: set[str], limit_bytes: int = 0, spare_s: float = 0.0) -> int:
        """Remove what can be made again, what was not used for longest first, until ``limit_bytes`` are left.

        Args:
            keep: hashes that are in use.
            limit_bytes: what may stay.
            spare_s: what was used in the last so many seconds stays in any case.

        Returns:
            Bytes that were freed.
        """
        files = _files_by_use(self.cache)
        return _remove(files, keep, sum(size for _, size, _ in files) - limit_bytes, spare_s)

    def forget_originals(self, keep: set[str], spare_s: float = 0.0) -> int:
        """Remove originals that are not in use; saved projects have their own copies. Otherwise as ``clean_cache``."""
        files = _files_by_use(self.folder)
        return _remove(files, keep, sum(size for _, size, _ in files), spare_s)

    def _take(self, path: Path, suffix: str, check: Check, report: Report) -> AudioRef:
        with soundfile.SoundFile(path) as stream:
            rate_hz, channels, samples = stream.samplerate, stream.channels, stream.frames
        fresh, size, copied = self._fresh(self.folder), max(path.stat().st_size, 1), 0
        try:
            digest = hashlib.sha256()
            with path.open("rb") as source, fresh.open("wb") as target:
                while part := source.read(COPY_BYTES):
                    check()
                    digest.update(part)
                    target.write(part)
                    copied += len(part)
                    report(min(copied / size, 1.0))
            ref = AudioRef(digest.hexdigest(), suffix or ".wav", rate_hz, channels, samples)
            self._put(fresh, ref, check)
        finally:
            fresh.unlink(missing_ok=True)
        return ref

    def _decode(
        self, ref: AudioRef, target: Path | None, check: Check, growing: GrowingSound | None, grew: Report
    ) -> Peaks:
        """Write the samples unless they can be mapped; a damaged file is padded with silence to its promised length."""
        builder, left, told_s = PeakBuilder(), ref.samples, time.monotonic()
        with open(target or os.devnull, "r+b" if target and growing else "wb") as stream:
            for block_NC in self._all_blocks(ref, check):
                left -= len(block_NC)
                stream.write(np.ascontiguousarray(block_NC).tobytes())
                builder.add(block_NC)
                if growing is not None and time.monotonic() - told_s > TELL_S:
                    stream.flush()
                    growing.show(builder)
                    grew(1 - left / ref.samples)
                    told_s = time.monotonic()
        return builder.finish()

    def _all_blocks(self, ref: AudioRef, check: Check) -> Iterator[FloatArray]:
        left = ref.samples
        for block_NC in blocks(self.path(ref), check):
            yield block_NC[:left]
            left -= len(block_NC[:left])
        while left > 0:
            silence_NC = np.zeros((min(left, 1 << 16), ref.channels), np.float32)
            left -= len(silence_NC)
            yield silence_NC

    def _check_room(self, ref: AudioRef) -> None:
        needed = ref.samples * ref.channels * 4 + (32 << 20)
        free = shutil.disk_usage(self.cache).free
        if free < needed:
            raise OutputError(
                "opening this file needs {needed} MB in {folder}, and {free} MB are free; clean the "
                "cache in the settings or make room",
                needed=needed >> 20,
                folder=self.cache,
                free=free >> 20,
            )

    def _mapped_wav(self, ref: AudioRef) -> SoundSamples | None:
        """The samples in the original itself where it holds them plainly, so that no copy of them is needed."""
        if ref.suffix != ".wav":
            return None
        try:
            with self.path(ref).open("rb") as stream:
                found = plain_samples(stream)
            if found is None:
                return None
            kind, place = found
            size = ref.samples * ref.channels * kind.itemsize
            if place % kind.itemsize or self.path(ref).stat().st_size < place + size:
                return None
            stored_NC = np.memmap(self.path(ref), kind, "r", place, (ref.samples, ref.channels))
            if kind == np.float32:
                return stored_NC
            return ComputedSamples(
                ref.samples, ref.channels, lambda first, last: np.asarray(stored_NC[first:last]) * WHOLE_NUMBER
            )
        except (OSError, ValueError):
            return None

    def _samples_file(self, ref: AudioRef) -> Path:
        return self.cache / f"{ref.sha256}.f32"

    def _peaks_file(self, ref: AudioRef) -> Path:
        return self.cache / f"{ref.sha256}.wave"

    def _spectrum_file(self, ref: AudioRef) -> Path:
        return self.cache / f"{ref.sha256}.bands"

    @staticmethod
    def _fresh(folder: Path) -> Path:
        return folder / f"{uuid.uuid4().hex}.part"


def plain_samples(stream: BinaryIO) -> tuple[np.dtype[Any], int] | None:
    """Kind and place of the samples of a WAV of float32 or int16; None for any other file."""
    riff, _, wave = struct.unpack("<4sI4s", stream.read(12).ljust(12, b"\0"))
    if (riff, wave) != (b"RIFF", b"WAVE"):
        return None
    kind: np.dtype[Any] | None = None
    while len(head := stream.read(8)) == 8:
        name, size = struct.unpack("<4sI", head)
        if name == b"data":
            return None if kind is None else (kind, stream.tell())
        body = stream.read(size + size % 2)
        if name == b"fmt " and len(body) >= 16:
            code, bits = struct.unpack_from("<H", body, 0)[0], struct.unpack_from("<H", body, 14)[0]
            if code == EXTENSIBLE and len(body) >= 26:
                code = struct.unpack_from("<H", body, 24)[0]
            kind = PLAIN_KINDS.get((code, bits))
    return None


def _sha256(path: Path, check: Check) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while part := stream.read(COPY_BYTES):
            check()
            digest.update(part)
    return digest.hexdigest()


def _grid_of(path: Path) -> tuple[int, int, int] | None:
    """Rate, channels and samples of a file; None where it is no sound."""
    try:
        with soundfile.SoundFile(path) as stream:
            return stream.samplerate, stream.channels, stream.frames
    except (soundfile.LibsndfileError, OSError, ValueError):
        return None


def _files_by_use(folder: Path) -> list[tuple[float, int, Path]]:
    """When each file of a folder was last used, its size, its path; what was not used for longest comes first."""
    found = []
    for file in folder.glob("*"):
        with contextlib.suppress(OSError):  # another window may clean up too
            if file.is_file():
                found.append((file.stat().st_mtime, file.stat().st_size, file))
    return sorted(found, key=lambda kept: kept[0])


def _remove(files: list[tuple[float, int, Path]], keep: set[str], wanted_bytes: int, spare_s: float) -> int:
    """Remove files from the front until enough is freed; says how much was."""
    youngest_s = time.time() - spare_s if spare_s else math.inf
    freed = 0
    for used_s, size, file in files:
        if freed >= wanted_bytes:
            break
        if file.name.split(".")[0] not in keep and used_s < youngest_s:
            freed += size
            file.unlink(missing_ok=True)
    return freed
