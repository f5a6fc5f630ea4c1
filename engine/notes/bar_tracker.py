"""Beats and bars out of what a network says of each moment: the likeliest way through bars of one meter.

Source: Krebs, Boeck and Widmer 2015, An Efficient State-Space Model for Joint Tempo and Meter Tracking: a state is a
place in a bar at a tempo; places move on by one a frame, and tempos change at beats, the less likely the more.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from engine.notes.beat_network import BEAT, FIRST, FRAME_S

SLOWEST_BPM, FASTEST_BPM = 55.0, 215.0
METERS = (3, 4)
STEADINESS = 100.0  # how much less likely another tempo is
BEAT_SHARE = 16  # the first so-manieth of a beat is where it sounds
LEAST = 1e-6  # probability

Array = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class TrackedBars:
    """Beats and bars.

    Attributes:
        beats_s: the beats.
        places: of each beat in its bar, 0 is the first.
        beats_per_bar: of all bars.
        firsts: how much of what the network says at each beat speaks for the first of a bar, 0 to 1.
        strengths: all that it says at each beat, 0 to 1.
        sure: mean of that.
        clear: how much more that is than what it says at any time: noise has beats too, but none that stand out.
    """

    beats_s: Array
    places: npt.NDArray[np.intp]
    beats_per_bar: int
    firsts: Array
    strengths: Array
    sure: float
    clear: float


def track_bars(said_L2: npt.NDArray[np.floating]) -> TrackedBars | None:
    """The likeliest beats and bars; None where there is not one whole beat.

    Args:
        said_L2: float (frames, 2), as ``BeatNetwork.said`` returns it.
    """
    heard_L2: Array = np.clip(said_L2.astype(np.float64), LEAST, 1 - LEAST)
    if len(heard_L2) < 2 * _Tempos.longest():
        return None
    tracked = [_in_meter(heard_L2, meter) for meter in METERS]
    _, frames, places, meter = max(tracked, key=lambda one: one[0])
    if len(frames) < 2:
        return None
    any_L = heard_L2.sum(axis=1)
    near = [slice(max(at - 1, 0), at + 3) for at in frames]
    any_B = np.minimum([any_L[place].max() for place in near], 1.0)
    firsts_B = np.array([heard_L2[place, FIRST].max() for place in near]) / any_B
    beats_s = np.array([_between(any_L, at) * FRAME_S for at in frames])
    sure = float(any_B.mean())
    return TrackedBars(beats_s, places, meter, firsts_B, any_B, sure, sure - float(any_L.mean()))


class _Tempos:
    """Lengths of a beat in frames, and where the states of each begin."""

    @staticmethod
    def longest() -> int:
        return int(np.ceil(60 / SLOWEST_BPM / FRAME_S))

    def __init__(self) -> None:
        self.frames_I = np.arange(int(60 / FASTEST_BPM / FRAME_S), self.longest() + 1)
        self.first_I = np.concatenate([[0], np.cumsum(self.frames_I)[:-1]])
        self.last_I = self.first_I + self.frames_I - 1
        self.states = int(self.frames_I.sum())
        self.sounds_S = np.concatenate([np.arange(count) * BEAT_SHARE < count for count in self.frames_I])
        likely_II = np.exp(-STEADINESS * np.abs(self.frames_I[None] / self.frames_I[:, None] - 1))
        self.change_II = np.log(likely_II / likely_II.sum(axis=1, keepdims=True))


def _in_meter(
    said_L2: Array, meter: int
) -> tuple[float, npt.NDArray[np.intp], npt.NDArray[np.intp], int]:  # fmt: skip
    """How likely a meter is, and its beats' frames and places."""
    tempos = _Tempos()
    beat_L, first_L = np.log(said_L2[:, BEAT]), np.log(said_L2[:, FIRST])
    none_L = np.log(np.clip(1 - said_L2.sum(axis=1), LEAST, 1) / (BEAT_SHARE - 1))
    total_MS = np.full((meter, tempos.states), -np.log(meter * tempos.states))
    came_LMI = np.zeros((len(said_L2), meter, len(tempos.frames_I)), np.int8)
    for at in range(len(said_L2)):
        coming_MII = np.roll(total_MS[:, tempos.last_I], 1, axis=0)[:, :, None] + tempos.change_II
        came_LMI[at] = coming_MII.argmax(axis=1)
        total_MS[:, 1:] = total_MS[:, :-1]  # a place further
        total_MS[:, tempos.first_I] = coming_MII.max(axis=1)
        total_MS += none_L[at]
        total_MS[0, tempos.sounds_S] += first_L[at] - none_L[at]
        total_MS[1:, tempos.sounds_S] += beat_L[at] - none_L[at]
    place, state = divmod(int(total_MS.argmax()), tempos.states)
    tempo = int(np.searchsorted(tempos.first_I, state, "right")) - 1
    frames, places, at = list[int](), list[int](), len(said_L2) - 1 - (state - int(tempos.first_I[tempo]))
    while at >= 0:
        frames.append(at)
        places.append(place)
        tempo = int(came_LMI[at, place, tempo])
        place = (place - 1) % meter
        at -= int(tempos.frames_I[tempo])
    return float(total_MS.max()), np.array(frames[::-1], np.intp), np.array(places[::-1], np.intp), meter


def _between(values_L: Array, at: int) -> float:
    """The top of the values within two frames of a place, between frames by a parabola."""
    first, last = max(at - 1, 1), min(at + 4, len(values_L) - 1)
    if last <= first:
        return float(at)
    top = first + int(np.argmax(values_L[first:last]))
    before, here, after = values_L[top - 1 : top + 2]
    bend = before - 2 * here + after
    if here <= max(before, after) or bend >= 0:
        return float(at)
    return top + float(0.5 * (before - after) / bend)
