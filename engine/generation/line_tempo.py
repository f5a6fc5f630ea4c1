"""Tempo, bars and key of the music that a line is played in, for the MIDI file beside it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from engine.audio.reader import AudioInfo
from engine.composing.music import hear_time_map
from engine.errors import AudioError
from engine.inference.output import OutputSpec
from engine.inference.run import RunContext
from engine.latents import Slot
from engine.media.intake import open_audio
from engine.notes.stem_source import stem_source
from engine.notes.time_map import TimeMap


class LineTempo:
    """What is heard of the music around a line: once, and only where a line is played.

    Args:
        spec: the input files, and where new sound goes.
    """

    def __init__(self, run: RunContext, spec: OutputSpec) -> None:
        self._run, self._spec = run, spec
        self._heard: list[TimeMap | None] = []

    @property
    def time_map(self) -> TimeMap | None:
        """Bars, beats and key in seconds of the input; None where no beat is heard.

        Raises:
            BundleError: the network that hears beats is not installed, or damaged.
        """
        if not self._heard:
            with self._run.timer.measure("tempo"), self._music() as (music, later_s):
                start_s, stop_s = (at_s + later_s for at_s in self._part_s())
                heard = hear_time_map(music, (start_s, stop_s), self._run.check)
                self._heard.append(None if heard is None else heard.moved(-later_s))
        return self._heard[0]

    def _part_s(self) -> tuple[float, float]:
        """From the first to the last new sound, in seconds of the input."""
        region, rate_hz = self._spec.region, self._spec.input.rate_hz
        first, last = region.spans[0].start, region.spans[-1].stop
        return (region.wanted.start + first) / rate_hz, (region.wanted.start + last) / rate_hz

    @contextlib.contextmanager
    def _music(self) -> Iterator[tuple[AudioInfo, float]]:
        """The file that says most of the beat, and how many seconds later the input's beginning is there.

        That is the rest that was given; for a stem the mix that the JSON beside it names; else the input.
        """
        spec = self._spec
        with contextlib.ExitStack() as held:
            music, later_s = spec.rest or spec.input, 0.0
            if spec.rest is None and self._run.rule.input_slot is Slot.STEM:
                source = stem_source(spec.input.path)
                with contextlib.suppress(AudioError):  # it was not asked for, and may have gone since
                    if source.mix is not None:
                        music = held.enter_context(
                            open_audio(str(source.mix), self._run.folder, lambda done, stage: None, self._run.check)
                        )
                        later_s = source.start_s
            yield music, later_s
