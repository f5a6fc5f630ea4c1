"""Formats of results: which there are, what each can hold, and which one a request means."""

from __future__ import annotations

from dataclasses import dataclass, field

from engine.audio.reader import BITS, FLOATS, AudioInfo
from engine.audio.riff import RiffExtras
from engine.audio.tags import Tags
from engine.errors import RequestError
from engine.request import Format

DEFAULT_KBIT_S = 256
LOSSY_BITS = 24  # of the whole numbers that a lossy encoder is given
AIFF_LIMIT_BYTES = (1 << 32) - (1 << 20)  # its sizes have 32 bits; the rest is for the header and the tags

_MPEG_RATES_HZ = (8_000, 11_025, 12_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000)


@dataclass(frozen=True, slots=True)
class FileKind:
    """One kind of file that can be written.

    Attributes:
        words: its name for people.
        suffix: ending of the file name.
        subtype: of a lossy kind, in the words of libsndfile; "" means lossless.
        most_channels: that it holds.
        rates_hz: the only sample rates that it holds, in order; none means any.
    """

    words: str
    suffix: str
    subtype: str = ""
    most_channels: int = 32
    rates_hz: tuple[int, ...] = ()

    @property
    def lossless(self) -> bool:
        """True means that the samples come back as they were written."""
        return not self.subtype


KINDS: dict[str, FileKind] = {
    "WAV": FileKind("WAV", ".wav"),
    "RF64": FileKind("RF64", ".wav"),
    "W64": FileKind("Wave64", ".w64"),
    "AIFF": FileKind("AIFF", ".aiff"),
    "CAF": FileKind("CAF", ".caf"),
    "FLAC": FileKind("FLAC", ".flac", most_channels=8),
    "MP3": FileKind("MP3", ".mp3", "MPEG_LAYER_III", 2, _MPEG_RATES_HZ),
    "OGG": FileKind("Ogg Vorbis", ".ogg", "VORBIS", 2, (*_MPEG_RATES_HZ, 64_000, 88_200, 96_000, 176_400, 192_000)),
    "OPUS": FileKind("Opus", ".opus", "OPUS", 2, (8_000, 12_000, 16_000, 24_000, 48_000)),
    "M4A": FileKind("AAC in M4A", ".m4a", "AAC", 2, (*_MPEG_RATES_HZ, 64_000, 88_200, 96_000)),
}
_ASKED: dict[Format, tuple[str, int | None]] = {
    "wav16": ("WAV", 16), "wav24": ("WAV", 24), "wav32f": ("WAV", None), "flac": ("FLAC", 24), "aiff": ("AIFF", 24),
    "mp3": ("MP3", LOSSY_BITS), "ogg": ("OGG", LOSSY_BITS), "opus": ("OPUS", LOSSY_BITS), "m4a": ("M4A", LOSSY_BITS),
}  # fmt: skip
_KEPT = {"WAV": "WAV", "WAVEX": "WAV", "RF64": "RF64", "W64": "W64", "AIFF": "AIFF", "CAF": "CAF", "FLAC": "FLAC"}
_SOURCE_DEPTH = ("FLAC", "AIFF")  # asked for by name, they are no deeper than the file they come from
_FLAC_HIGHEST_RATE_HZ = 655_350


@dataclass(frozen=True, slots=True)
class OutputFormat:
    """Format of a result.

    Attributes:
        container: a row of ``KINDS``.
        bits: 16, 24 or 32 for whole numbers, None for float32.
        rate_hz: of the samples; a lossy file that cannot hold it has ``file_rate_hz``.
        channels: of the file.
        extras: Broadcast Wave chunk and loudspeaker positions.
        tags: what the file says of itself.
        kbit_s: of a lossy file, for all channels together.
    """

    container: str
    bits: int | None
    rate_hz: int
    channels: int
    extras: RiffExtras = field(default_factory=RiffExtras)
    tags: Tags = field(default_factory=Tags)
    kbit_s: int = DEFAULT_KBIT_S

    @property
    def kind(self) -> FileKind:
        """Its row of ``KINDS``."""
        return KINDS[self.container]

    @property
    def suffix(self) -> str:
        """Ending of the file name."""
        return self.kind.suffix

    @property
    def lossless(self) -> bool:
        """True means that stem + rest = mix holds for the files as well."""
        return self.kind.lossless

    @property
    def file_rate_hz(self) -> int:
        """Rate of the file: that of the samples, else the next higher one the kind has, else its highest."""
        rates_hz = self.kind.rates_hz
        return next((rate for rate in rates_hz if rate >= self.rate_hz), rates_hz[-1]) if rates_hz else self.rate_hz

    @property
    def words(self) -> str:
        """What it is, for people: ``WAV 24 bit``, ``MP3 256 kbit/s``."""
        if not self.lossless:
            return f"{self.kind.words} {self.kbit_s} kbit/s"
        return f"{self.kind.words} {'32 bit float' if self.bits is None else f'{self.bits} bit'}"


def format_like(
    info: AudioInfo, wanted: Format, extras: RiffExtras, tags: Tags | None = None, *, samples: int = 0,
    quality: int | None = None,
) -> OutputFormat:  # fmt: skip
    """Format of a result made from a file.

    ``same`` keeps container and depth: WAV, RF64, Wave64, AIFF, CAF and FLAC, with 16, 24, 32-bit integers and float as
    they are (8 bits become 16, which holds them). Other files (MP3, Ogg, M4A, video, ...) become WAV, 24-bit where they
    are lossy; ``engine.audio.headroom`` says where they become float32 instead.

    Args:
        samples: of the result, per channel.
        quality: of a lossy format, in kbit/s.

    Raises:
        RequestError: the format cannot hold it, or has no quality.
    """
    if wanted == "same":
        container = _KEPT.get(info.container, "WAV")
        bits = None if info.subtype in FLOATS else BITS.get(info.subtype, 24)
    else:
        container, bits = _ASKED[wanted]
        if container in _SOURCE_DEPTH and info.subtype in BITS:
            bits = min(BITS[info.subtype], 24)
    if container == "FLAC" and bits != 16:
        bits = 24
    made = OutputFormat(container, bits, info.rate_hz, info.channels, extras, tags or Tags(), quality or DEFAULT_KBIT_S)
    return _checked(made, wanted, quality, samples)


def format_for_new(rate_hz: int, channels: int, wanted: Format, quality: int | None = None) -> OutputFormat:
    """Format of a result without an input file; ``same`` means 24-bit WAV.

    Raises:
        RequestError: the format cannot hold it, or has no quality.
    """
    container, bits = _ASKED["wav24" if wanted == "same" else wanted]
    made = OutputFormat(container, bits, rate_hz, channels, kbit_s=quality or DEFAULT_KBIT_S)
    return _checked(made, wanted, quality, 0)


def _checked(made: OutputFormat, wanted: Format, quality: int | None, samples: int) -> OutputFormat:
    kind = made.kind
    if quality is not None and kind.lossless:
        raise RequestError(
            "a quality of {quality} kbit/s was asked for, and {format} loses nothing; leave the quality out, or choose "
            "mp3, ogg, opus or m4a", quality=quality, format=kind.words if wanted == "same" else wanted,
        )  # fmt: skip
    if made.channels > kind.most_channels:
        raise RequestError(
            "{kind} holds at most {most} channels, this has {channels}; choose --format wav24",
            kind=kind.words, most=kind.most_channels, channels=made.channels,
        )  # fmt: skip
    rate_hz = made.rate_hz
    if made.container == "FLAC" and (rate_hz > _FLAC_HIGHEST_RATE_HZ or (rate_hz > 0xFFFF and rate_hz % 10)):
        raise RequestError(
            "FLAC cannot hold a rate of {rate_hz} Hz (up to 65535, or a multiple of 10 up to {highest_hz}); choose "
            "--format wav24", rate_hz=rate_hz, highest_hz=_FLAC_HIGHEST_RATE_HZ,
        )  # fmt: skip
    if made.container == "AIFF" and samples * made.channels * (made.bits or 32) // 8 > AIFF_LIMIT_BYTES:
        raise RequestError("AIFF ends at 4 GB, which this is longer than; choose --format wav24")
    return made
