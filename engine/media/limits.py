"""Limits of examples and of their decoder, read on both sides of the process border."""

from __future__ import annotations

PICTURE_LIMIT_PIXELS = 100_000_000
FRAME_LIMIT_PIXELS = 8192 * 4320  # of a video: several are held at once
SIDE_LIMIT_PX = 32_768
LENGTH_LIMIT_S = 1800.0  # of what is looked at or listened to; a part of a longer file may be given
TOO_LONG = "is longer than {limit_s:g} s; give a part of it, as in file#t=60,90"
CHANNELS_LIMIT = 64
LOWEST_RATE_HZ, HIGHEST_RATE_HZ = 1_000, 768_000
TICKS_PER_FRAME = 4  # frames are kept on a finer grid than the model's, so that a window may begin anywhere
SOUND_WINDOWS = 8  # of a sound, the most active ones
ACTIVE_DB = 20.0  # below the loudest window; less is a pause
SILENT_POWER = 1e-9

DECODE_LIMIT_S = 60.0  # wall clock; a video has as much again as it lasts
MEMORY_LIMIT_BYTES = 2 << 30  # address space of the decoder
RESULT_LIMIT_BYTES = 1 << 30

MIX_LIMIT_S = 7200.0  # of processor time that the decoder of a mix gets, half of it; a day of music takes minutes
MIX_STALL_S = 60.0  # without a further sample or byte
MIX_RESULT_BYTES = 1 << 36  # two channels of float32 at 48 kHz for two days


class UnusableFile(Exception):
    """Why a file cannot be used, as words that follow its name in a sentence.

    Args:
        template: the words, with values in braces as for ``str.format``.
        values: what goes into the braces, texts and numbers.

    Attributes:
        template, values: as given.
    """

    def __init__(self, template: str, /, **values: str | float) -> None:
        super().__init__(template.format(**values))
        self.template = template
        self.values = values
