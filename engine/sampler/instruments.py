"""The sampler's bundle: which instruments there are, what prompts call them, and their recorded notes.

A bundle is a folder with ``sampler.json`` and one sound file for each instrument, all of whose notes lie in a row;
``python -m export sampler`` writes it.
"""

from __future__ import annotations

import functools
import hashlib
import io
import math
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import soundfile
import soxr

from engine.bundle.hashed_folder import read_hashed, read_object
from engine.bundle.library import find_folder
from engine.errors import BundleDamaged, BundleError, BundleTooNew

FOLDER, DESCRIPTION = "sampler", "sampler.json"  # not a manifest: it is no bundle that a task can name
FORMAT = 1
DESCRIPTION_LIMIT_BYTES = 8 << 20
SOUND_LIMIT_BYTES = 64 << 20  # of the file of one instrument
SOUND_LIMIT_SAMPLES = 1 << 25  # of it, all channels together; 12 minutes of one
CHANNELS_LIMIT = 2
NOTES_LIMIT = 4096  # of one instrument
RELEASE_LIMIT_S = 10.0
LOOP_LEAST_SAMPLES = 8
OPEN_INSTRUMENTS = 4  # decoded ones that are kept, some 10 MB each
KINDS = ("sustained", "decaying", "ringing", "drums")

FloatArray = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class RecordedNote:
    """One recorded note, in samples of the file of its instrument.

    Attributes:
        midi: sounding pitch; of a drum, its key in General MIDI.
        velocity: lowest and highest that it is meant for, 0 to 127.
        start, samples: where it lies.
        attack: samples from there to where an ear hears it begin.
        level_db: RMS of its loudest 0.2 s, dBFS.
        loop: first sample of its loop and the first after it, from ``start`` on; None where it cannot be held.
    """

    midi: float
    velocity: tuple[int, int]
    start: int
    samples: int
    attack: int
    level_db: float
    loop: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class SampledInstrument:
    """One instrument of the bundle.

    Attributes:
        name: in the bundle.
        labels: what prompts call it, most exact first.
        kind: ``sustained`` (held and looped), ``decaying`` (damped when let go), ``ringing``, ``drums``.
        chords: True means that one player plays several notes at once.
        low, high: MIDI numbers between which it is at home.
        release_s: time in which it falls by 8.7 dB once let go.
        file: its sound.
        sha256: of the file.
        rate_hz: of the file.
        licence, credit, source: of the recording.
        notes: by pitch.
    """

    name: str
    labels: tuple[str, ...]
    kind: str
    chords: bool
    low: int
    high: int
    release_s: float
    file: Path
    sha256: str
    rate_hz: int
    licence: str
    credit: str
    source: str
    notes: tuple[RecordedNote, ...]

    @property
    def is_drums(self) -> bool:
        """True means that keys choose pieces of a kit, not pitches."""
        return self.kind == "drums"


@dataclass(frozen=True, slots=True)
class SamplerBundle:
    """All instruments of a folder.

    Attributes:
        folder: where it is.
        version: of the bundle.
        sha256: of its description, which holds the hash of every sound.
        instruments: by name, in the order of the description.
    """

    folder: Path
    version: str
    sha256: str
    instruments: dict[str, SampledInstrument]

    def matching(self, names: Iterable[str]) -> list[SampledInstrument]:
        """Instruments that some words name, best first; empty where none does.

        A label inside the words counts where it stands as words of its own; the longest label wins.

        Args:
            names: English for what a prompt means, most exact first; a whole prompt is one too.
        """
        for words in names:
            text = " ".join(re.findall(r"[^\W_]+", words.lower()))
            found = {
                one.name: (length, -one.labels.index(label))
                for one in self.instruments.values()
                for label in reversed(one.labels)
                if (length := _length_inside(label, text))
            }
            if found:
                longest = max(length for length, _ in found.values())
                best = {name: place for name, (length, place) in found.items() if length == longest}
                return [self.instruments[name] for name in sorted(best, key=lambda name: -best[name])]
        return []


def _length_inside(label: str, text: str) -> int:
    """Letters of a label that stands in a text as words of its own; 0 where it does not."""
    words = " ".join(re.findall(r"[^\W_]+", label.lower()))
    return len(words) if re.search(rf"(?<!\w){re.escape(words)}(?!\w)", text) else 0


@functools.lru_cache(maxsize=4)
def load_sampler(folder: Path | None = None) -> SamplerBundle:
    """Read the description of a sampler; its sounds are read when they are played.

    Args:
        folder: where it is; None looks where bundles are.

    Raises:
        BundleError: there is none, or it cannot be used.
    """
    folder = folder or find_sampler_folder()
    path = folder / DESCRIPTION
    try:
        said, data = read_object(path, DESCRIPTION_LIMIT_BYTES)
        number = said["fluxstem_sampler"]
        if number != FORMAT:
            raise BundleTooNew(
                "{path} has format {number}, this engine reads {known}; update the engine, or install an older sampler",
                path=path, number=number, known=FORMAT,
            )  # fmt: skip
        instruments = {
            str(name): _instrument(folder, str(name), row, int(said["rate_hz"]))
            for name, row in said["instruments"].items()
        }
        return SamplerBundle(folder, str(said["version"]), hashlib.sha256(data).hexdigest(), instruments)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, LookupError, OverflowError) as error:
        raise BundleDamaged(
            "{path} cannot be read ({reason}); install the sampler again", path=path, reason=error
        ) from error


def find_sampler_folder() -> Path:
    """The folder of the sampler.

    Raises:
        BundleError: there is none.
    """
    folder = find_folder(FOLDER, DESCRIPTION)
    if folder is None:
        raise BundleError(
            "the sampler's instruments are not installed; get resources/bundles/{folder} of Fluxstem, or choose the "
            "voice flow", folder=FOLDER,
        )  # fmt: skip
    return folder


def _instrument(folder: Path, name: str, row: dict[str, Any], rate_hz: int) -> SampledInstrument:
    if row["kind"] not in KINDS or not 0 < len(row["notes"]) <= NOTES_LIMIT or not 8_000 <= rate_hz <= 192_000:
        raise ValueError(f"{name} is of no known kind, or has no notes, or too many")
    return SampledInstrument(
        name=name,
        labels=tuple(map(str, row["labels"])),
        kind=str(row["kind"]),
        chords=bool(row["chords"]),
        low=int(row["low"]),
        high=int(row["high"]),
        release_s=_within(row["release_s"], 0.001, RELEASE_LIMIT_S, "release_s"),
        file=folder / Path(str(row["file"])).name,
        sha256=str(row["sha256"]),
        rate_hz=rate_hz,
        licence=str(row["licence"]),
        credit=str(row["credit"]),
        source=str(row["source"]),
        notes=tuple(_note(one) for one in row["notes"]),
    )


def _note(row: dict[str, Any]) -> RecordedNote:
    start, samples, attack = int(row["start"]), int(row["samples"]), int(row["attack"])
    loop = None if row.get("loop") is None else (int(row["loop"][0]), int(row["loop"][1]))
    if start < 0 or samples <= 0 or not 0 <= attack < samples:
        raise ValueError("a note lies outside its file")
    if loop is not None and not (0 <= loop[0] <= loop[1] - LOOP_LEAST_SAMPLES and loop[1] <= samples):
        raise ValueError("a loop lies outside its note, or is too short")
    low, high = row["velocity"]
    midi = _within(row["midi"], 0.0, 127.0, "midi")
    level_db = _within(row["level_db"], -200.0, 20.0, "level_db")
    return RecordedNote(midi, (int(low), int(high)), start, samples, attack, level_db, loop)


def _within(value: object, low: float, high: float, name: str) -> float:
    """A number of the description; what is played for a note is as long as these numbers make it.

    Raises:
        TypeError, ValueError: it is none, or outside what is allowed.
    """
    number = float(value)  # type: ignore[arg-type]
    if not (math.isfinite(number) and low <= number <= high):
        raise ValueError(f"{name} {number:g} is not between {low:g} and {high:g}")
    return number


@functools.lru_cache(maxsize=OPEN_INSTRUMENTS)
def read_sound(instrument: SampledInstrument, rate_hz: int) -> FloatArray:
    """All notes of an instrument in a row, checked against its hash.

    Returns:
        float32 (channels, samples) at ``rate_hz``; places in it are those of ``RecordedNote`` times
        ``rate_hz / instrument.rate_hz``.

    Raises:
        BundleDamaged: the file is missing, too large, cannot be read, or is another one.
    """
    try:
        raw = read_hashed(instrument.file, instrument.sha256, SOUND_LIMIT_BYTES)
        with soundfile.SoundFile(io.BytesIO(raw)) as stream:
            if stream.channels > CHANNELS_LIMIT or stream.frames * stream.channels > SOUND_LIMIT_SAMPLES:
                raise ValueError(f"it holds {stream.frames} samples in {stream.channels} channels, which is too much")
            audio_NC, found_hz = stream.read(dtype="float32", always_2d=True), stream.samplerate
    except (OSError, ValueError, soundfile.SoundFileError) as error:
        raise BundleDamaged(
            "{path} cannot be used ({reason}); install the sampler again", path=instrument.file, reason=error
        ) from error
    if found_hz != instrument.rate_hz or max(one.start + one.samples for one in instrument.notes) > len(audio_NC):
        raise BundleDamaged(
            "{path} is not what {name} describes; install the sampler again", path=instrument.file, name=DESCRIPTION
        )
    if rate_hz != found_hz:
        audio_NC = soxr.resample(audio_NC, found_hz, rate_hz)
    return np.ascontiguousarray(audio_NC.T, np.float32)
