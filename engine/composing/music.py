"""What a new part has to go with: bars and beats, key, the chord of each bar, and when in a bar something happens.

Chords are heard as templates on chroma, with a liking for those of the key and for staying (Fujishima 1999; Bello and
Pickens 2005).
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from engine.audio.reader import AudioInfo, blocks, resampled, samples_at
from engine.notes.beat_network import BeatNetwork
from engine.notes.beats import (
    HOP_SAMPLES,
    KEY_HZ,
    KEY_NAMES,
    RATE_HZ,
    SHORTEST_S,
    TONE_HZ,
    TONE_SAMPLES,
    clear_chroma,
    hear_bars,
    key_of,
    pitch_class_bank,
)
from engine.notes.time_map import BPM_LIMITS, TimeMap

ONSET_SAMPLES = 1024  # in the middle of each frame, for its onset
BASS_HZ = 150.0
HEARD_S = 40.0  # at least so much is heard for a tempo
STEPS_PER_BEAT = 4
ROOTS_TO_HZ = 220.0
MAJOR_SCALE, MINOR_SCALE = (0, 2, 4, 5, 7, 9, 11), (0, 2, 3, 5, 7, 8, 10)
QUALITIES: dict[str, tuple[int, ...]] = {"major": (0, 4, 7), "minor": (0, 3, 7)}
IN_KEY = 0.12  # what a chord of the key is liked better, in units of a cosine
ROOT_IN_BASS = 0.45  # what the strongest pitch class of the bass counts as a root
STAYING = 0.05  # and the chord that was there
USUAL_BPM = 100.0
TEMPO_WORDS = {"slow": 72.0, "ballad": 72.0, "fast": 140.0, "quick": 140.0, "upbeat": 126.0, "dance": 124.0}
PROGRESSIONS = {  # roots in steps of the scale, a bar each
    "major": ((0, 4, 5, 3), (0, 5, 3, 4), (0, 3, 4, 3), (5, 3, 0, 4)),
    "minor": ((0, 5, 2, 6), (0, 3, 4, 0), (0, 6, 5, 6), (0, 5, 3, 4)),
}
SWING_WORDS = {"swing", "swung", "shuffle", "shuffled", "jazz", "jazzy", "blues", "bluesy"}
SWUNG = 0.66  # of a beat: where its second eighth comes, for words
SWING_PLACES = 24  # of a beat, in which the second eighth is looked for
STRAIGHT_PLACES, SWUNG_PLACES = (11, 12, 13), (14, 15, 16, 17)
LEAST_SWING = 1.6  # how much more there has to be at a swung place than at the straight one
FEWEST_BARS_TO_END = 4  # shorter parts are loops
STRONG_STEP = 0.3  # of the groove's strongest
CLEAR, CHANGING = 0.12, 0.012  # shares of the chroma: of pitch classes that stand out, of what differs between bars
NO_HARMONY = "no chords were heard in the music, so the part has a row of its own"
NOT_SURE_OF_TIME = "no clear beat was heard in the music, so the part keeps to {bpm} beats per minute of its own"

Array = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Chord:
    """A triad: its root as a pitch class, 0 is C, and whether it is ``major`` or ``minor``."""

    root: int
    quality: str

    @property
    def pitch_classes(self) -> tuple[int, ...]:
        """Root, third and fifth."""
        return tuple((self.root + step) % 12 for step in QUALITIES[self.quality])


@dataclass(frozen=True, slots=True)
class Music:
    """What a part has to go with.

    Attributes:
        time_map: its bars and beats.
        tonic: pitch class of the key, 0 is C.
        mode: ``major`` or ``minor``.
        chords: one for each bar from ``first_bar`` on; they are repeated after the last.
        first_bar: the bar of the first chord; bar 0 begins at ``time_map.first_s``.
        groove: strength of what happens in each step of a bar, 0 to 1; a step is a quarter of a beat.
        chroma_BP: strength of the pitch classes in each bar, for the fit; empty where no harmony was heard.
        remarks: what the user should know, in sentences.
        is_heard: True where it comes from a sound and not from words.
        swing: where in a beat its second eighth comes: 0.5 straight, 0.67 a triplet's last.
        ends: True where a part of it closes on the tonic, and is no loop or middle of a song.
    """

    time_map: TimeMap
    tonic: int
    mode: str
    chords: tuple[Chord, ...]
    first_bar: int
    groove: tuple[float, ...]
    chroma_BP: Array
    remarks: tuple[str, ...] = ()
    is_heard: bool = False
    swing: float = 0.5
    ends: bool = False

    @property
    def density(self) -> float:
        """Share of the steps of a bar in which something happens, 0 to 1."""
        return sum(strength > STRONG_STEP for strength in self.groove) / max(len(self.groove), 1)

    @property
    def scale(self) -> tuple[int, ...]:
        """Pitch classes of the key."""
        steps = MAJOR_SCALE if self.mode == "major" else MINOR_SCALE
        return tuple((self.tonic + step) % 12 for step in steps)

    def chord(self, bar: int) -> Chord:
        """The chord of a bar."""
        return self.chords[(bar - self.first_bar) % len(self.chords)]

    def at(self, bar: int, beat: float) -> float:
        """Seconds at a beat of a bar, both from 0, with the swing of the music."""
        return self.time_map.seconds_at(swung(bar * self.time_map.beats_per_bar + beat, 0.5, self.swing))

    def beat_of(self, seconds: float) -> float:
        """The reverse: beats since bar 0 as they are written, without the swing."""
        return swung(self.time_map.beat_at(seconds), self.swing, 0.5)

    def end_bar(self, seconds: float) -> int | None:
        """The bar in which a part of some seconds closes; None where it does not."""
        whole = [bar for bar in self.bars(seconds) if self.at(bar, 2.0) <= seconds]
        return whole[-1] if self.ends and len(whole) >= FEWEST_BARS_TO_END else None

    def bars(self, seconds: float) -> range:
        """The bars of a part of some seconds, the last of them perhaps cut."""
        beats = self.time_map.beats_per_bar
        first = int(np.floor(self.time_map.beat_at(0.0) / beats + 1e-6))
        last = int(np.ceil(self.time_map.beat_at(seconds) / beats - 1e-6))
        return range(first, max(last, first + 1))


def swung(beat: float, second: float, becomes: float) -> float:
    """A beat whose second half begins elsewhere.

    Args:
        beat: since bar 0.
        second: where in a beat its second half begins, 0 to 1.
        becomes: where it is to begin.
    """
    whole, part = divmod(beat, 1.0)
    if part < second:
        return whole + part * becomes / second
    return whole + 1.0 - (1.0 - part) * (1.0 - becomes) / (1.0 - second)


def hear_music(info: AudioInfo, check: Callable[[], None], seed: int = 0) -> Music:
    """Listen to a file.

    Args:
        check: called between parts of the work; raises to stop.
        seed: decides the chords where none are heard.

    Raises:
        AudioError: the file cannot be decoded.
        BundleError: the network that hears beats is not installed, or damaged.
    """
    network = BeatNetwork()
    chroma_LP, low_LP, key_LP, onset_L, bass_L = _features(info, check, network)
    remarks: tuple[str, ...] = ()
    time_map = _time_map(network, bass_L, chroma_LP)
    if time_map is None:
        time_map, remarks = TimeMap(bpm=USUAL_BPM), (NOT_SURE_OF_TIME.format(bpm=f"{USUAL_BPM:g}"),)
    key = key_of(clear_chroma(key_LP))[0]
    time_map, (tonic, mode) = replace(time_map, key=key), _key(key)
    times_s = np.arange(len(chroma_LP)) * HOP_SAMPLES / RATE_HZ
    beats_L = np.array([time_map.beat_at(float(at_s)) for at_s in times_s])
    bars_L = np.floor(beats_L / time_map.beats_per_bar + 1e-6).astype(int)
    first, last = (int(bars_L[0]), int(bars_L[-1])) if len(bars_L) else (0, 0)
    chroma_BP, low_BP = (_means(values_LP, bars_L, range(first, last + 1)) for values_LP in (chroma_LP, low_LP))
    chords = chords_of(chroma_BP, tonic, mode, low_BP)
    if not has_harmony(chroma_BP):
        chords, chroma_BP = _row_of_chords(tonic, mode, np.random.default_rng(seed)), chroma_BP[:0]
        remarks = (*remarks, NO_HARMONY)
    swing = swing_of(onset_L, beats_L)
    written_L = np.array([swung(float(beat), swing, 0.5) for beat in beats_L])
    groove = _groove(onset_L, written_L, time_map.beats_per_bar)
    return Music(time_map, tonic, mode, chords, first, groove, chroma_BP, remarks, True, swing)


def hear_time_map(info: AudioInfo, part_s: tuple[float, float], check: Callable[[], None]) -> TimeMap | None:
    """Bars, beats and key around a part of a file; None where no beat is heard.

    Args:
        part_s: what they are wanted for; where it is shorter than ``HEARD_S``, more around it is heard.
        check: called between parts of the work; raises to stop.

    Returns:
        The map in seconds of the file, whose first whole bar is bar 1.

    Raises:
        AudioError: the file cannot be decoded.
        BundleError: the network that hears beats is not installed, or damaged.
    """
    start_s, stop_s = widened(part_s, HEARD_S, info.seconds)
    section = round(start_s * info.rate_hz), round(stop_s * info.rate_hz)
    network = BeatNetwork()
    chroma_LP, _, key_LP, _, bass_L = _features(info, check, network, section)
    time_map = _time_map(network, bass_L, chroma_LP)
    if time_map is None:
        return None
    return replace(time_map.moved(start_s).from_the_start(), key=key_of(clear_chroma(key_LP))[0])


def widened(part_s: tuple[float, float], least_s: float, total_s: float) -> tuple[float, float]:
    """A part of a file, and as much around it as makes it so long, if the file is."""
    start_s, stop_s = part_s
    length_s = max(stop_s - start_s, least_s)
    start_s = max(min((start_s + stop_s - length_s) / 2, total_s - length_s), 0.0)
    return start_s, min(start_s + length_s, total_s)


def _time_map(network: BeatNetwork, bass_L: Array, chroma_LP: Array) -> TimeMap | None:
    """Bars and beats; None where no beat is heard."""
    bars = hear_bars(network.said(), bass_L, chroma_LP.T) if len(bass_L) * HOP_SAMPLES >= SHORTEST_S * RATE_HZ else None
    if bars is None or not BPM_LIMITS[0] <= bars.bpm <= BPM_LIMITS[1]:
        return None
    return TimeMap(bpm=bars.bpm, beats_per_bar=bars.beats_per_bar, first_s=bars.first_s, beats_s=bars.drifting_s)


def swing_of(onset_L: Array, beats_L: Array) -> float:
    """Where the second eighth of a beat comes: 0.5 unless what is played there is clearly later.

    Args:
        onset_L: onset strength of each frame.
        beats_L: beat of each frame, with its fraction.
    """
    place_L = np.floor((beats_L % 1.0) * SWING_PLACES + 0.5).astype(int) % SWING_PLACES
    counts_P = np.bincount(place_L, minlength=SWING_PLACES)
    if not counts_P.all():
        return 0.5
    strength_P = np.bincount(place_L, onset_L, SWING_PLACES) / counts_P
    strength_P -= np.median(strength_P)
    straight, late = (float(strength_P[list(places)].max()) for places in (STRAIGHT_PLACES, SWUNG_PLACES))
    if late <= max(LEAST_SWING * straight, 0.25 * float(strength_P.max())):
        return 0.5
    return (SWUNG_PLACES[0] + int(np.argmax(strength_P[list(SWUNG_PLACES)]))) / SWING_PLACES


def _means(values_LP: Array, bars_L: npt.NDArray[np.int_], bars: range) -> Array:
    """Mean of some values over each bar; zeros for a bar that no frame is in."""
    in_bars = (values_LP[bars_L == bar] for bar in bars)
    return np.stack([some_LP.mean(axis=0) if len(some_LP) else np.zeros(values_LP.shape[1]) for some_LP in in_bars])


def music_from_words(words: str, seed: int, seconds: float) -> Music:
    """Music of its own for a part that goes with nothing: tempo and key as the words say, else by the seed.

    Args:
        words: may say ``120 bpm``, ``slow``, ``A minor``, ``waltz``, ``swing``, and ``loop`` for one without an end.
        seed: decides what the words leave open.
    """
    rng = np.random.default_rng(seed)
    text = words.lower()
    said = re.search(r"(\d{2,3}(?:\.\d+)?)\s*bpm", text)
    bpm = float(said[1]) if said else next((v for word, v in TEMPO_WORDS.items() if word in text.split()), 0.0)
    bpm = bpm if 40 <= bpm <= 240 else float(rng.integers(84, 121))
    key = next((name for name in KEY_NAMES if re.search(rf"\b{re.escape(name.lower())}(?!\w)", text)), "")
    tonic, mode = _key(key) if key else (int(rng.integers(12)), "minor" if "sad" in text.split() else
                                         str(rng.choice(["major", "minor"])))  # fmt: skip
    named = KEY_NAMES[tonic + (12 if mode == "minor" else 0)]
    beats = 3 if "waltz" in text.split() else 4
    said_words = set(re.findall(r"[a-z]+", text))
    groove = tuple(1.0 if step % STEPS_PER_BEAT == 0 else 0.4 for step in range(beats * STEPS_PER_BEAT))
    open_ended = Music(
        TimeMap(bpm=bpm, beats_per_bar=beats, key=named), tonic, mode, _row_of_chords(tonic, mode, rng), 0, groove,
        np.zeros((0, 12)), swing=SWUNG if said_words & SWING_WORDS else 0.5,
        ends=not said_words & {"loop", "loops", "looped"},
    )  # fmt: skip
    return replace(open_ended, chords=_closed(open_ended, open_ended.end_bar(seconds)))


def _closed(music: Music, end: int | None) -> tuple[Chord, ...]:
    """The chords up to the bar in which it ends, the last two of them a cadence."""
    if end is None:
        return music.chords
    steps = MAJOR_SCALE if music.mode == "major" else MINOR_SCALE
    cadence = (_diatonic(music.tonic, steps, 4), _diatonic(music.tonic, steps, 0))
    return (*(music.chord(bar) for bar in range(end - 1)), *cadence)


def _row_of_chords(tonic: int, mode: str, rng: np.random.Generator) -> tuple[Chord, ...]:
    """A usual row of chords of a key, a bar each."""
    steps, rows = MAJOR_SCALE if mode == "major" else MINOR_SCALE, PROGRESSIONS[mode]
    return tuple(_diatonic(tonic, steps, degree) for degree in rows[int(rng.integers(len(rows)))])


def has_harmony(chroma_BP: Array) -> bool:
    """Whether pitch classes stand out or change from bar to bar, as those of noise and drums do not."""
    share_BP = chroma_BP / np.maximum(chroma_BP.sum(axis=1, keepdims=True), 1e-9)
    clear = float(np.maximum(share_BP - np.median(share_BP, axis=1, keepdims=True), 0).sum(axis=1).mean())
    inside_BP = share_BP[1:-1] if len(share_BP) > 3 else share_BP  # the first and the last may be cut
    changing = float(np.abs(inside_BP - inside_BP.mean(axis=0)).sum(axis=1).mean()) / 2
    return clear > CLEAR or changing > CHANGING


def _diatonic(tonic: int, steps: tuple[int, ...], degree: int) -> Chord:
    root = steps[degree % 7]
    third = (steps[(degree + 2) % 7] - root) % 12
    return Chord((tonic + root) % 12, "major" if third == 4 else "minor")


def _key(name: str) -> tuple[int, str]:
    """Pitch class and mode of a name of ``KEY_NAMES``; C major for none."""
    place = KEY_NAMES.index(name) if name in KEY_NAMES else 0
    return place % 12, "major" if place < 12 else "minor"


def chords_of(chroma_BP: Array, tonic: int, mode: str, low_BP: Array | None = None) -> tuple[Chord, ...]:
    """The likeliest chord of each bar, over all bars together.

    Args:
        chroma_BP: strength of each pitch class in each bar.
        tonic, mode: the key.
        low_BP: the same of the bass, which mostly has the root; None where it was not heard.
    """
    steps = MAJOR_SCALE if mode == "major" else MINOR_SCALE
    scale = {(tonic + step) % 12 for step in steps}
    chords = [Chord(root, quality) for quality in QUALITIES for root in range(12)]
    templates_KP = np.stack([[1.0 if p in one.pitch_classes else 0.0 for p in range(12)] for one in chords])
    templates_KP /= np.linalg.norm(templates_KP, axis=1, keepdims=True)
    liked_K = np.array([IN_KEY if set(one.pitch_classes) <= scale else 0.0 for one in chords])
    clear_BP = np.maximum(chroma_BP - np.median(chroma_BP, axis=1, keepdims=True), 0)  # drums are in all of them alike
    norm_B1 = np.maximum(np.linalg.norm(clear_BP, axis=1, keepdims=True), 1e-9)
    score_BK = (clear_BP / norm_B1) @ templates_KP.T + liked_K
    if low_BP is not None:
        low_B1 = np.maximum(low_BP.max(axis=1, keepdims=True), 1e-9)
        score_BK += ROOT_IN_BASS * np.stack([(low_BP / low_B1)[:, one.root] for one in chords], axis=1)
    total_K, back = score_BK[0], list[npt.NDArray[np.intp]]()
    for row_K in score_BK[1:]:
        moved_KK = total_K[:, None] + STAYING * np.eye(len(chords))
        back.append(moved_KK.argmax(axis=0))
        total_K = moved_KK.max(axis=0) + row_K
    path = [int(total_K.argmax())]
    for came_K in reversed(back):
        path.append(int(came_K[path[-1]]))
    return tuple(chords[at] for at in reversed(path))


def _features(
    info: AudioInfo, check: Callable[[], None], network: BeatNetwork, section: tuple[int, int] | None = None
) -> tuple[Array, Array, Array, Array, Array]:
    """Chroma, that of the bass and that for the key (frames, 12), onset strength and that of the bass, of every hop.

    The network hears all of it on the way.

    Args:
        section: first sample, and the one past the last; None for all of the file.
    """
    start, stop = section or (0, info.samples)
    total = samples_at(stop - start, info.rate_hz, RATE_HZ)
    mono = (block_CN.mean(axis=0, keepdims=True) for block_CN in blocks(info.as_heard, start, stop))
    bank_FP, low_FP = pitch_class_bank(*TONE_HZ), pitch_class_bank(TONE_HZ[0], ROOTS_TO_HZ)
    window_N, short_N = np.hanning(TONE_SAMPLES), np.hanning(ONSET_SAMPLES)
    middle = slice((TONE_SAMPLES - ONSET_SAMPLES) // 2, (TONE_SAMPLES + ONSET_SAMPLES) // 2)
    bass = round(BASS_HZ * ONSET_SAMPLES / RATE_HZ) + 1
    held_N, before_F = np.zeros(TONE_SAMPLES // 2), np.zeros(ONSET_SAMPLES // 2 + 1)
    chroma, low, keys = [np.zeros((0, 12))], [np.zeros((0, 12))], [np.zeros((0, 12))]
    onsets, basses = [np.zeros(0)], [np.zeros(0)]
    tail = iter([np.zeros((1, TONE_SAMPLES // 2))])  # so that the last frames are heard whole
    sound = _told(resampled(mono, 1, info.rate_hz, RATE_HZ, total), network)
    for block_1N in itertools.chain(sound, tail):
        check()
        held_N = np.concatenate([held_N, block_1N[0]])
        count = (len(held_N) - TONE_SAMPLES) // HOP_SAMPLES + 1
        if count < 1:
            continue
        frames_LN = np.lib.stride_tricks.sliding_window_view(held_N, TONE_SAMPLES)[::HOP_SAMPLES][:count]
        root_LF = np.sqrt(np.abs(np.fft.rfft(frames_LN * window_N)))
        chroma.append(root_LF @ bank_FP)
        low.append(root_LF**2 @ low_FP)
        keys.append(root_LF**2 @ pitch_class_bank(*KEY_HZ))
        level_LF = np.log1p(100 * np.abs(np.fft.rfft(frames_LN[:, middle] * short_N)))
        rise_LF = np.maximum(np.diff(level_LF, axis=0, prepend=before_F[None]), 0)
        onsets.append(rise_LF.sum(axis=1))
        basses.append(rise_LF[:, :bass].sum(axis=1))
        before_F, held_N = level_LF[-1], held_N[count * HOP_SAMPLES :]
    joined_LP = [np.concatenate(rows) for rows in (chroma, low, keys)]
    return joined_LP[0], joined_LP[1], joined_LP[2], np.concatenate(onsets), np.concatenate(basses)


def _told(blocks_1N: Iterable[npt.NDArray[Any]], network: BeatNetwork) -> Iterator[npt.NDArray[Any]]:
    """Blocks that go on once the network has heard them."""
    for block_1N in blocks_1N:
        network.add(np.ascontiguousarray(block_1N[0], np.float32))
        yield block_1N


def _groove(onset_L: Array, beats_L: Array, beats_per_bar: int) -> tuple[float, ...]:
    """How strongly each step of a bar is played, on the average of all bars."""
    steps = beats_per_bar * STEPS_PER_BEAT
    place_L = np.round(beats_L * STEPS_PER_BEAT).astype(int) % steps
    strength_S = np.array(
        [onset_L[place_L == step].mean() if (place_L == step).any() else 0.0 for step in range(steps)]
    )
    strength_S -= strength_S.min()
    return tuple(round(float(v), 3) for v in strength_S / max(float(strength_S.max()), 1e-9))
