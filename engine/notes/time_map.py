"""Bars and beats: which beat of which bar is at which second. A frozen value."""

from __future__ import annotations

import bisect
import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

BPM_LIMITS = (20.0, 400.0)
METER_LIMITS = (1, 16)
WHOLE = 1e-6  # of a beat; rounding of times must not move a line to the beat before


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeMap:
    """Tempo, meter and key of some music.

    Attributes:
        bpm: beats per minute; with tracked beats their usual tempo, which holds before the first and after the last.
        beats_per_bar: beats in a bar.
        first_s: where bar 1 begins, in seconds; bars before it count 0, -1 and so on.
        beats_s: the beats one by one, ascending, where the tempo drifts; empty for a steady tempo.
        key: as ``A minor``; empty while unknown.
    """

    bpm: float
    beats_per_bar: int = 4
    first_s: float = 0.0
    beats_s: tuple[float, ...] = ()
    key: str = ""

    def __post_init__(self) -> None:
        if not BPM_LIMITS[0] <= self.bpm <= BPM_LIMITS[1]:
            raise ValueError(f"a tempo lies between {BPM_LIMITS[0]:g} and {BPM_LIMITS[1]:g} beats per minute")
        if not METER_LIMITS[0] <= self.beats_per_bar <= METER_LIMITS[1]:
            raise ValueError(f"a bar has {METER_LIMITS[0]} to {METER_LIMITS[1]} beats")
        if any(later <= sooner for sooner, later in zip(self.beats_s, self.beats_s[1:], strict=False)):
            raise ValueError("beats must follow each other in time")

    @property
    def beat_s(self) -> float:
        """Length of a beat at the usual tempo."""
        return 60.0 / self.bpm

    def beat_at(self, seconds: float) -> float:
        """Beats since the start of bar 1, as a number that grows evenly between two beats."""
        return self._tracked(seconds) - self._tracked(self.first_s)

    def seconds_at(self, beat: float) -> float:
        """The reverse of ``beat_at``."""
        return self._untracked(beat + self._tracked(self.first_s))

    def tempos(self, from_s: float = 0.0) -> tuple[tuple[float, float], ...]:
        """Every change of tempo, as seconds and beats per minute; the first at 0 s.

        Beats that are tracked one by one are each a change.

        Args:
            from_s: where the seconds count from.
        """
        changes = [(-math.inf, self.bpm)]
        changes += [(at_s, 60.0 / (next_s - at_s)) for at_s, next_s in itertools.pairwise(self.beats_s)]
        if len(self.beats_s) > 1:
            changes.append((self.beats_s[-1], self.bpm))
        now = max(place for place, (at_s, _) in enumerate(changes) if at_s <= from_s)
        return ((0.0, changes[now][1]), *((at_s - from_s, bpm) for at_s, bpm in changes[now + 1 :]))

    def bar_beat(self, seconds: float) -> tuple[int, int, float]:
        """Bar and beat, both from 1, and the part of the beat that has passed."""
        beat = self.beat_at(seconds) + WHOLE
        whole = math.floor(beat)
        bar, within = divmod(whole, self.beats_per_bar)
        return bar + 1, within + 1, max(beat - whole - WHOLE, 0.0)

    def words(self, seconds: float) -> str:
        """As in ``12|3``."""
        bar, beat, _ = self.bar_beat(seconds)
        return f"{bar}|{beat}"

    def beats_between(self, first_s: float, last_s: float, step: float = 1.0) -> Iterator[tuple[float, int, int]]:
        """Seconds, bar and beat of what begins in a span.

        Args:
            first_s, last_s: the span.
            step: in beats; ``beats_per_bar`` gives bars, 0.25 the quarters of beats.
        """
        place = math.ceil(self.beat_at(first_s) / step - WHOLE)
        while (seconds := self.seconds_at(place * step)) <= last_s:
            bar, within = divmod(math.floor(place * step + WHOLE), self.beats_per_bar)
            yield seconds, bar + 1, within + 1
            place += 1

    def nearest(self, seconds: float, step: float = 1.0) -> float:
        """The nearest multiple of ``step`` beats, in seconds."""
        return self.seconds_at(round(self.beat_at(seconds) / step) * step)

    def starting_at(self, seconds: float) -> TimeMap:
        """A copy whose bar 1 begins elsewhere; tracked beats move along when none of them is near."""
        if not self.beats_s:
            return replace(self, first_s=seconds)
        shift = seconds - self.nearest_tracked(seconds)
        return replace(self, first_s=seconds, beats_s=tuple(beat + shift for beat in self.beats_s))

    def moved(self, by_s: float) -> TimeMap:
        """A copy in which everything comes so many seconds later."""
        return replace(self, first_s=self.first_s + by_s, beats_s=tuple(at_s + by_s for at_s in self.beats_s))

    def from_the_start(self) -> TimeMap:
        """A copy whose bar 1 is the first that begins at 0 s or later."""
        bars = math.floor(-self.beat_at(0.0) / self.beats_per_bar + WHOLE)
        return replace(self, first_s=max(self.seconds_at(-bars * self.beats_per_bar), 0.0))

    def nearest_tracked(self, seconds: float) -> float:
        """The nearest beat, whatever bar 1 is."""
        return self._untracked(round(self._tracked(seconds)))

    def at_tempo(self, bpm: float) -> TimeMap:
        """A copy with a steady tempo."""
        return replace(self, bpm=bpm, beats_s=())

    def doubled(self) -> TimeMap:
        """A copy with twice the beats."""
        between = tuple((a + b) / 2 for a, b in zip(self.beats_s, self.beats_s[1:], strict=False))
        beats_s = tuple(sorted((*self.beats_s, *between)))
        return replace(self, bpm=min(self.bpm * 2, BPM_LIMITS[1]), beats_s=beats_s)

    def halved(self) -> TimeMap:
        """A copy with every other beat, bar 1 among them."""
        odd = round(self._tracked(self.first_s)) % 2
        return replace(self, bpm=max(self.bpm / 2, BPM_LIMITS[0]), beats_s=self.beats_s[odd::2])

    def _tracked(self, seconds: float) -> float:
        """Beats since the first tracked one; since 0 s at a steady tempo."""
        if len(self.beats_s) < 2:
            return seconds / self.beat_s
        if seconds <= self.beats_s[0]:
            return (seconds - self.beats_s[0]) / self.beat_s
        if seconds >= self.beats_s[-1]:
            return len(self.beats_s) - 1 + (seconds - self.beats_s[-1]) / self.beat_s
        place = bisect.bisect_right(self.beats_s, seconds) - 1
        before_s, after_s = self.beats_s[place], self.beats_s[place + 1]
        return place + (seconds - before_s) / (after_s - before_s)

    def _untracked(self, beat: float) -> float:
        if len(self.beats_s) < 2:
            return beat * self.beat_s
        last = len(self.beats_s) - 1
        if beat <= 0:
            return self.beats_s[0] + beat * self.beat_s
        if beat >= last:
            return self.beats_s[-1] + (beat - last) * self.beat_s
        place = math.floor(beat)
        return self.beats_s[place] + (beat - place) * (self.beats_s[place + 1] - self.beats_s[place])
