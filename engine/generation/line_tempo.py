"""Tempo, bars and key of the music around a played line, for the MIDI file that is written with it."""

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
    """Estimates tempo, bars and key lazily: at the first call, which is made only where a line is played.

    Args:
        run: bundle, task and folder of the job; its timer counts the estimate as ``tempo``.
        spec: the input files, and where new sound goes.
    """

    def __init__(self, run: RunContext, spec: OutputSpec) -> None:
        self._run, self._spec = run, spec
        self._heard: list[TimeMap | None] = []

    @property
    def time_map(self) -> TimeMap | None:
        """Bars, beats and key, in seconds from the start of the input; None where no beat is found.

        Raises:
            BundleError: the beat network is not installed, or damaged.
        """
        if not self._heard:
            with self._run.timer.measure("tempo"), self._music() as (music, later_s):
                start_s, stop_s = (at_s + later_s for at_s in self._part_s())
                heard = hear_time_map(music, (start_s, stop_s), self._run.check)
                self._heard.append(None if heard is None else heard.moved(-later_s))
        return self._heard[0]

    def _part_s(self) -> tuple[float, float]:
        """Start and end of the new sound, in seconds from the start of the input."""
        region, rate_hz = self._spec.region, self._spec.input.rate_hz
        first, last = region.spans[0].start, region.spans[-1].stop
        return (region.wanted.start + first) / rate_hz, (region.wanted.start + last) / rate_hz

    @contextlib.contextmanager
    def _music(self) -> Iterator[tuple[AudioInfo, float]]:
        """The file in which the beat is clearest, and the time in it, in seconds, at which the input starts.

        That is the rest, where one was given; for a stem the mix that the JSON beside it names; else the input.
        """
        spec = self._spec
        with contextlib.ExitStack() as held:
            music, later_s = spec.rest or spec.input, 0.0
            if spec.rest is None and self._run.rule.input_slot is Slot.STEM:
                source = stem_source(spec.input.path)
                with contextlib.suppress(AudioError):  # the user did not name this file, and it may be gone
                    if source.mix is not None:
                        music = held.enter_context(
                            open_audio(str(source.mix), self._run.folder, lambda done, stage: None, self._run.check)
                        )
                        later_s = source.start_s
            yield music, later_s
