"""Strokes of a drum kit: when they are, and which drums.

A small network says of every moment, from the mel bands around it, which drums are struck there; a stroke is where that
is highest. ``training drum-classes`` makes the network.
"""

from __future__ import annotations

import functools
import io
import zipfile
import zlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import soxr

from engine.errors import BundleDamaged
from engine.notes.calibration import MEASURED, ConfidenceTables, calibrated
from engine.notes.drum_features import (
    BANDS,
    CONTEXT_FRAMES,
    DRUMS,
    FFT_SAMPLES,
    FRAME_S,
    RATE_HZ,
    Array,
    features,
    mel_bands,
    mel_bank,
)
from engine.notes.network import checked_bytes, find_notes_folder
from engine.notes.note import DrumHit

Places = npt.NDArray[np.intp]  # frames

WEIGHTS = "drums.npz"
WEIGHTS_LIMIT_BYTES = 16 << 20  # unpacked
# From which probability on it was struck; rare ones are held back by the network itself.
LEAST_SURE = {"kick": 0.35, "snare": 0.4, "tom": 0.25, "cymbal": 0.2}
HATS, LEAST_SURE_OF_HATS = ("hi-hat", "open hi-hat"), 0.35  # one instrument: never both at once
LEAST_OPEN = 0.5  # of what is sure to be a hi-hat
LEAST_OF_ONE_KIND = 0.15  # of anything, in a stem of one kind of drum
# Where hi-hats are. A kit is given the usual treble where its loud moments have less, if they have any at all there.
TREBLE_HZ, TREBLE_FROM_HZ = (5000, 11_000), 2000
LEAST_TREBLE, USUAL_TREBLE, LOUD_MOMENTS = 0.75, 1.5, 0.98
PEAK_FRAMES = 3  # to either side, in which strokes on one drum are one
TOGETHER_FRAMES = 2  # strokes on several drums that are no further apart are one moment
BATCH_FRAMES = 4096  # that are seen at once
# A drum's own bands, by which its loudness is measured, in Hz.
OWN_HZ = {
    "kick": (35, 130), "snare": (150, 4000), "hi-hat": (6000, 11_000), "open hi-hat": (5000, 11_000),
    "tom": (70, 400), "cymbal": (3000, 11_000),
}  # fmt: skip


def hear_drums(
    audio_CN: npt.NDArray[np.floating], rate_hz: int, only: Sequence[str] = (), calibration: ConfidenceTables = MEASURED
) -> tuple[DrumHit, ...]:
    """The strokes in a sound, by time.

    Args:
        audio_CN: float (channels, samples), full scale at 1.
        rate_hz: its sample rate.
        only: kinds of drums that can be in it; empty for all.
        calibration: what confidences are made by.

    Raises:
        BundleError: the weights are not installed, or damaged.
    """
    mono_N = np.atleast_2d(np.asarray(audio_CN, np.float32)).mean(axis=0)
    if rate_hz != RATE_HZ and len(mono_N):
        mono_N = np.asarray(soxr.resample(mono_N, rate_hz, RATE_HZ), np.float32)
    if len(mono_N) < FFT_SAMPLES or float(np.abs(mono_N).max()) < 1e-6:
        return ()
    bands_BL = mel_bands(mono_N)
    said_LD = said(bands_BL, drum_weights(find_notes_folder()))
    return tuple(strokes(bands_BL, said_LD, only or DRUMS, calibration))


def strokes_confidence(hits: Sequence[DrumHit]) -> float:
    """The share of some strokes that is to be expected right, 0 to 1; 0 where there are none."""
    return round(float(np.mean([hit.confidence for hit in hits])), 2) if hits else 0.0


def said(bands_BL: Array, weights: Sequence[Array]) -> Array:
    """Probability that each of ``DRUMS`` is struck in each frame, float32 (frames, drums).

    Args:
        bands_BL: as ``mel_bands`` gives them.
        weights: those of a network with one hidden layer.
    """
    first_VH, bias_H, second_HD, bias_D = weights
    bands_BL = with_usual_treble(bands_BL)
    parts = []
    for first in range(0, bands_BL.shape[1], BATCH_FRAMES):
        frames = np.arange(first, min(first + BATCH_FRAMES, bands_BL.shape[1]))
        hidden_LH = np.maximum(features(bands_BL, frames) @ first_VH + bias_H, 0)
        parts.append(1 / (1 + np.exp(-(hidden_LH @ second_HD + bias_D))))
    return np.concatenate(parts).astype(np.float32)


def with_usual_treble(bands_BL: Array) -> Array:
    """Bands of a dull kit made brighter, for its hi-hats are lost beside the kick; all others as they are.

    Args:
        bands_BL: as ``mel_bands`` gives them.
    """
    middle_B = _middles_hz()
    treble_L = bands_BL[(middle_B >= TREBLE_HZ[0]) & (middle_B <= TREBLE_HZ[1])].max(axis=0)
    loud = float(np.quantile(treble_L, LOUD_MOMENTS)) if len(treble_L) else 0.0
    if not LEAST_TREBLE <= loud < USUAL_TREBLE:
        return bands_BL
    octaves_B = np.log2(middle_B / TREBLE_FROM_HZ) / np.log2(TREBLE_HZ[0] / TREBLE_FROM_HZ)
    gain_B = 10 ** ((USUAL_TREBLE - loud) * np.clip(octaves_B, 0, 1))
    return np.asarray(np.log10(1 + (10**bands_BL - 1) * gain_B[:, None]), np.float32)


@functools.cache
def _middles_hz() -> npt.NDArray[np.float64]:
    """The middle of each mel band."""
    return np.asarray(np.fft.rfftfreq(FFT_SAMPLES, 1 / RATE_HZ)[mel_bank().argmax(axis=1)])


@functools.cache
def drum_weights(folder: Path) -> tuple[Array, ...]:
    """The network's weights.

    Raises:
        BundleError: they are not there, or not what the folder's description says.
    """
    path, raw = folder / WEIGHTS, checked_bytes(folder, WEIGHTS)
    try:
        return read_weights(raw)
    except (
        OSError, ValueError, KeyError, MemoryError, EOFError, RuntimeError, zlib.error, zipfile.BadZipFile,
    ) as error:  # fmt: skip
        raise BundleDamaged("{path} cannot be read ({reason}); install it again", path=path, reason=error) from error


def read_weights(raw: bytes) -> tuple[Array, ...]:
    """The weights in a file of ``training drum-classes``.

    Raises:
        ValueError: it is too large, or of a network that hears other things; what is damaged raises as NumPy does.
    """
    with zipfile.ZipFile(io.BytesIO(raw)) as archive:
        if sum(one.file_size for one in archive.infolist()) > WEIGHTS_LIMIT_BYTES:
            raise ValueError(f"it unpacks to more than {WEIGHTS_LIMIT_BYTES} bytes")
    with np.load(io.BytesIO(raw), allow_pickle=False) as kept:
        weights = tuple(kept[name].astype(np.float32) for name in ("first", "first_bias", "second", "second_bias"))
    hidden = weights[0].shape[-1] if weights[0].ndim else 0
    wanted = ((len(CONTEXT_FRAMES) * BANDS, hidden), (hidden,), (hidden, len(DRUMS)), (len(DRUMS),))
    if tuple(one.shape for one in weights) != wanted:
        raise ValueError("its network hears other things")
    return weights


def strokes(
    bands_BL: Array, said_LD: Array, only: Sequence[str] = DRUMS, calibration: ConfidenceTables = MEASURED
) -> list[DrumHit]:
    """Strokes by time.

    Args:
        bands_BL: as ``mel_bands`` gives them.
        said_LD: as ``said`` gives them.
        only: kinds of drums that there can be.
        calibration: what confidences are made by.
    """
    tables = calibration.strokes
    found = _of_some_kinds(said_LD, only) if set(only) != set(DRUMS) else _of_all_kinds(said_LD)
    levels = {drum: _own_growth(bands_BL, found[drum], drum) for drum in found if len(found[drum])}
    sure = {(drum, at): _sure(said_LD[at], drum) for drum, places in found.items() for at in places.tolist()}
    moments = _moments(said_LD, sure)
    hits = [
        DrumHit(round(moments[drum, at] * FRAME_S, 4), drum, level, calibrated(sure[drum, at], tables[drum]))
        for drum, places in levels.items()
        for at, level in zip(found[drum].tolist(), places, strict=True)
    ]
    return sorted(hits, key=lambda hit: (hit.at_s, DRUMS.index(hit.drum)))


def _of_all_kinds(said_LD: Array) -> dict[str, Places]:
    """Frames of the strokes on each drum."""
    found = {drum: _peaks(said_LD[:, DRUMS.index(drum)], least) for drum, least in LEAST_SURE.items()}
    hats_LD = said_LD[:, [DRUMS.index(drum) for drum in HATS]]
    places = _peaks(hats_LD.sum(axis=1), LEAST_SURE_OF_HATS)
    is_open = hats_LD[places, 1] > LEAST_OPEN * hats_LD[places].sum(axis=1)
    return found | {HATS[0]: places[~is_open], HATS[1]: places[is_open]}


def _of_some_kinds(said_LD: Array, only: Sequence[str]) -> dict[str, Places]:
    """The same where all that is struck is one of some kinds: of a stem of hi-hats, everything is a hi-hat."""
    places = _peaks(said_LD.max(axis=1), LEAST_OF_ONE_KIND)
    columns = [DRUMS.index(drum) for drum in only]
    near = [said_LD[max(at - 1, 0) : at + 2, columns].max(axis=0) for at in places]
    kinds = np.array([int(one.argmax()) for one in near], np.intp)
    return {drum: places[kinds == number] for number, drum in enumerate(only)}


def _sure(said_D: Array, drum: str) -> float:
    """How sure a stroke is; of a hi-hat, that it is one at all."""
    kinds = HATS if drum in HATS else (drum,)
    return min(float(said_D[[DRUMS.index(kind) for kind in kinds]].sum()), 1.0)


def _peaks(said_L: Array, least: float) -> Places:
    """Frames that are the highest around and at least so high, ascending."""
    padded_L = np.pad(said_L, PEAK_FRAMES, mode="edge")
    highest_L = np.lib.stride_tricks.sliding_window_view(padded_L, 2 * PEAK_FRAMES + 1).max(axis=1)
    places = np.flatnonzero((said_L >= highest_L) & (said_L >= least))
    return places[np.diff(places, prepend=-PEAK_FRAMES - 1) > PEAK_FRAMES]


def _moments(said_LD: Array, sure: dict[tuple[str, int], float]) -> dict[tuple[str, int], float]:
    """When each stroke is, in frames and parts of them; those of one moment are exactly together.

    Args:
        said_LD: as ``said`` gives them.
        sure: how sure each stroke is, by its drum and frame.
    """
    moments: dict[tuple[str, int], float] = {}
    for drum, at in sorted(sure, key=lambda one: -sure[one]):  # the surest tells the time
        near = [one for one in moments if abs(one[1] - at) <= TOGETHER_FRAMES and one[0] != drum]
        moments[drum, at] = moments[near[0]] if near else _between(said_LD[:, DRUMS.index(drum)], at)
    return moments


def _between(said_L: Array, at: int) -> float:
    """Where between frames a stroke is, by how much is said of the frames beside it."""
    near_L = said_L[max(at - 1, 0) : at + 2]
    return float((near_L * np.arange(max(at - 1, 0), max(at - 1, 0) + len(near_L))).sum() / max(near_L.sum(), 1e-9))


def _own_growth(bands_BL: Array, onsets_O: Places, drum: str) -> list[float]:
    """Velocity at each onset: the power in a drum's own bands; the loud ones are at 0.8, its square is amplitude."""
    low, high = OWN_HZ[drum]
    middle_B = _middles_hz()
    own_BL = bands_BL[(middle_B >= low) & (middle_B <= high)]
    places_OX = np.clip(onsets_O[:, None] + np.arange(4), 0, bands_BL.shape[1] - 1)
    power_O = (10 ** own_BL[:, places_OX] - 1).sum(axis=0).max(axis=1)
    loud = max(float(np.quantile(power_O, 0.9)), 1e-9)
    return [round(float(v), 3) for v in np.clip(0.8 * (power_O / loud) ** 0.25, 0.1, 1.0)]
