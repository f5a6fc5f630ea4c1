"""One job that takes stems out, piece by piece from left to right, so that what is done can be seen and heard.

Each piece is a request of its own about a part of the same file; neighbours overlap by a few milliseconds in which one
fades into the other. What the stems leave of the mix is not kept: the window computes it.
"""

from __future__ import annotations

import threading
import uuid
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from pathlib import Path
from typing import Literal

import numpy as np
import soundfile
import soxr

from desktop.audio.growing_stem import GrowingStem
from desktop.audio.peaks import BASE_SAMPLES, PeakBuilder, Peaks, peaks_of_bins
from desktop.audio.read import Check
from desktop.audio.sounds import FADE_S, CompPiece, FloatArray, PlacedSound, SoundSamples, comped, difference, on_grid
from desktop.audio.spectral import window_samples
from desktop.audio.store import AudioStore
from desktop.message import Message
from desktop.models.document import joined
from desktop.models.effects_take import take_with_effects
from desktop.models.project import LaneTake, Regions, TakeOrigin
from desktop.models.request_builder import JobPlan
from engine import (
    BIT_FOR_BIT_DB,
    TASKS,
    Cancelled,
    Done,
    EngineError,
    Request,
    Slot,
    StemResult,
    find_bundle,
    load_bundle,
    read_chain,
    region_fields,
)

WHOLE_S = 30.0  # what is no longer than this is done at once
STRIDES = (4, 12)  # of the model's windows in a piece after the first: so many at least, and at most
PIECES = 3  # after the first, of a file that is neither short nor very long; each costs one window more
OVERLAP_S = 0.02
SEEKABLE = frozenset({".wav", ".flac", ".aiff", ".aif", ".w64", ".rf64", ".caf"})
FORMAT: Literal["wav32f"] = "wav32f"  # of the files in between: no clip guard changes one piece and not the next


@dataclass(frozen=True, slots=True)
class PieceGrid:
    """How the model's windows lie, in seconds.

    Attributes:
        context_s: what is read on each side of a part, beside the ends of two windows of the filter.
        stride_s: from one window to the next.
    """

    context_s: float
    stride_s: float

    def context(self, rate_hz: int) -> int:
        """Samples that are read on each side of a part, as the engine does."""
        return round((self.context_s + 2 * window_samples(rate_hz) / rate_hz) * rate_hz)


USUAL_GRID = PieceGrid(0.75, 10.4)


@dataclass(slots=True)
class StemInProgress:
    """One stem of a job.

    Attributes:
        prompt: as asked.
        candidate: which of several.
        growing: its sound.
        filled: samples of the project that are there.
        results: of the engine, piece by piece.
    """

    prompt: str
    candidate: int
    growing: GrowingStem
    filled: Regions = ()
    results: list[StemResult] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class FinishedStem:
    """A stem that is in the store.

    Attributes:
        prompt: as asked.
        takes: one for each candidate, the best first.
    """

    prompt: str
    takes: tuple[LaneTake, ...]


class SeparationRun:
    """Asks for one piece after the other and puts the answers together.

    Args:
        request: with its files, for the whole.
        span: samples of the project that the input covers, past the last.
        bits: of the mix's samples, None for floats; results are put on that grid.
        folder: for files in between.
        grid: of the model's windows.
        asks: False for an answer to what somebody else asked, as it was asked.
    """

    def __init__(
        self, plan: JobPlan, request: Request, span: tuple[int, int], rate_hz: int, bits: int | None, folder: Path,
        grid: PieceGrid = USUAL_GRID, asks: bool = True,
    ) -> None:  # fmt: skip
        self.plan, self.request, self.span = plan, request, span
        self.stems: list[StemInProgress] = []
        self.pieces = pieces_of(request, plan.regions or (span,), span[0], rate_hz, grid)
        self.done = 0
        self.notes: list[Message] = []  # of the effects, for the user
        self._chain = request.chain if asks else ""  # what somebody else asked for came through it already
        self.inbox: deque[Done] = deque()  # answers to the pieces, the oldest first
        self._lock = threading.Lock()
        self._rest_bins: FloatArray | None = None
        self._rest_peaks: Peaks | None = None
        self._adds_up = request.adds_up or (asks and len(request.prompts) > 1 and request.candidates == 1)
        self._rate_hz, self._bits, self._folder = rate_hz, bits, folder
        regions = plan.regions or (span,)
        self._first, self._last = regions[0][0], regions[-1][1]
        self.settled = self._first  # no later piece changes what lies before this sample
        self._taken = 0
        self._drawn_to = self._first // BASE_SAMPLES * BASE_SAMPLES

    @property
    def first(self) -> int:
        """Sample of the project at which the stems begin."""
        return self._first

    @property
    def finished(self) -> bool:
        """True once all pieces are asked for and answered."""
        return self.done >= len(self.pieces)

    def next_request(self) -> Request:
        """The request for the next piece."""
        first, last = self.pieces[self.done]
        whole = len(self.pieces) == 1 and not self.plan.regions
        offset, rate_hz = self.plan.offset, self._rate_hz
        part = [] if whole else [((first - offset) / rate_hz, (last - offset) / rate_hz)]
        other = self.request.other or (self._adds_up and self.request.stems is None)
        asked = replace(self.request, **region_fields(part), format=FORMAT, other=other, quality=None)
        return replace(asked, chain="", chain_on="")  # the whole stem goes through it in the end, as another take

    def share(self, fraction: float) -> float:
        """How far the whole is while the present piece is so far."""
        sizes = [last - first for first, last in self.pieces]
        return (sum(sizes[: self.done]) + sizes[min(self.done, len(sizes) - 1)] * fraction) / sum(sizes)

    def take_in(self, check: Check) -> None:
        """Put the oldest answer of the inbox in its place. Slow: for a worker."""
        with self._lock:  # the answers are put together in their order, whichever worker comes first
            done = self.inbox.popleft()
            results = list(done.results)
            if self._adds_up:
                results = [one for one in results if one.prompt != results[-1].prompt]  # the remainder is last
            for result in results:
                check()
                file = self._wanted(result)
                if file is not None:
                    self._put(result, self._read(Path(file), result.rate_hz))
            for result in done.results:
                for name in (result.stem, result.rest, result.mix, result.sidecar):
                    if name and not self.plan.keep_files:
                        Path(name).unlink(missing_ok=True)
            self._taken += 1  # the next piece begins inside this one and fades from it
            self.settled = self.pieces[self._taken][0] if self._taken < len(self.pieces) else self._last

    def draw_rest(self, mix_NC: SoundSamples, check: Check) -> None:
        """Bring what is drawn of the rest of the mix as far as all stems are there. Slow: for a worker."""
        with self._lock:
            ends = [stem.filled[-1][1] for stem in self.stems if stem.candidate == 0 and stem.filled]
            if not ends:
                return
            mix = PlacedSound(mix_NC)
            rest = difference(mix, [PlacedSound(stem.growing.samples_NC, self._first) for stem in self.stems])
            if self._rest_bins is None:
                self._rest_bins = np.zeros((Peaks.ROWS, max(-(-len(mix_NC) // BASE_SAMPLES), 1)), np.float32)
            for first in range(self._drawn_to, min(ends), BASE_SAMPLES * 1024):
                check()
                builder = PeakBuilder()
                builder.add(np.array(rest.samples_NC[first : min(first + BASE_SAMPLES * 1024, min(ends))]))
                bins = builder.finish().levels[0]
                begin = first // BASE_SAMPLES
                self._rest_bins[:, begin : begin + bins.shape[1]] = bins
            self._drawn_to = min(ends) // BASE_SAMPLES * BASE_SAMPLES
            self._rest_peaks = peaks_of_bins(self._rest_bins.copy())

    def rest_peaks(self) -> Peaks | None:
        """What is drawn of the rest of the mix; None before anything is."""
        return self._rest_peaks

    def finish(self, done: Done, store: AudioStore, onto: dict[str, PlacedSound], check: Check) -> list[FinishedStem]:
        """Bring all stems into the store. Slow: for a worker.

        Args:
            done: of the last piece.
            onto: by prompt, the sound of a lane into whose regions the new one is spliced.
            check: raises to cancel.
        """
        finished: dict[str, list[LaneTake]] = {}
        for stem in self.stems:
            path, start = stem.growing.finish(), self._first
            old = onto.get(stem.prompt)
            if old is not None and self.plan.regions:
                path, start = self._spliced(stem, old, check)
            ref = store.add(path, check)
            path.unlink(missing_ok=True)
            take = LaneTake(audio=ref, start=start, made=self._origin(stem, done))
            finished.setdefault(stem.prompt, []).append(take)
        if self._chain:
            for prompt, takes in finished.items():
                finished[prompt] = [one for take in takes for one in (*self._with_effects(take, store, check), take)]
        return [FinishedStem(prompt, tuple(takes)) for prompt, takes in finished.items()]

    def _with_effects(self, dry: LaneTake, store: AudioStore, check: Check) -> list[LaneTake]:
        """The same take through the chain that was asked for; none, and a note, where that fails: the stem is kept."""
        folder = self._folder / f"chain-{uuid.uuid4().hex}"
        try:
            wet, report = take_with_effects(dry, read_chain(self._chain), store, folder, check)
        except Cancelled:
            raise
        except EngineError as error:
            self.notes.append(Message("the stem is there without effects: {reason}", reason=Message.of(error)))
            return []
        self.notes += [Message("{note}", note=note) for note in report.notes]
        return [wet]

    def _wanted(self, result: StemResult) -> str | None:
        """The file of what was named: of a wording that leaves something out, what is left."""
        asked, did = TASKS[self.request.task], TASKS.get(result.task or self.request.task)
        turned = did is not None and did.answer is Slot.REST and asked.answer is not Slot.REST
        return result.rest if turned and result.rest else result.stem

    def _read(self, path: Path, rate_hz: int) -> FloatArray:
        samples_NC, _ = soundfile.read(path, dtype="float32", always_2d=True)
        if rate_hz and rate_hz != self._rate_hz:
            samples_NC = soxr.resample(samples_NC, rate_hz, self._rate_hz)
        return np.asarray(samples_NC, np.float32)

    def _stem(self, result: StemResult, channels: int) -> StemInProgress:
        for stem in self.stems:
            if (stem.prompt, stem.candidate) == (result.prompt, result.candidate):
                return stem
        path = self._folder / f"{uuid.uuid4().hex}.wav"
        growing = GrowingStem(path, self._last - self._first, channels, self._rate_hz)
        self.stems.append(StemInProgress(result.prompt, result.candidate, growing))
        return self.stems[-1]

    def _put(self, result: StemResult, samples_NC: FloatArray) -> None:
        """Write a piece; where the one before it reaches into it, fade from that one."""
        stem = self._stem(result, samples_NC.shape[1])
        start = self.plan.offset + round(result.start_samples * self._rate_hz / max(result.rate_hz, 1))
        end = min(start + len(samples_NC), self._last)
        samples_NC = samples_NC[max(self._first - start, 0) : end - start]
        start = max(start, self._first)
        before = next((last for first, last in stem.filled if first < start < last), start)
        common = min(before, end) - start
        if common > 0:
            samples_NC = np.array(samples_NC)
            share_N1 = ((np.arange(common, dtype=np.float32) + 1) / np.float32(common + 1))[:, None]
            old_NC = stem.growing.samples_NC[start - self._first : start - self._first + common]
            samples_NC[:common] = old_NC * (1 - share_N1) + samples_NC[:common] * share_N1
        stem.growing.write(start - self._first, on_grid(samples_NC, self._bits))
        stem.filled = joined((*stem.filled, (start, end)))
        stem.results.append(result)

    def _spliced(self, stem: StemInProgress, old: PlacedSound, check: Check) -> tuple[Path, int]:
        """The old sound of a lane with the new one in its regions."""
        new = PlacedSound(stem.growing.samples_NC, self._first)
        fade = max(round(FADE_S * self._rate_hz), 1)
        sound = comped(old, [CompPiece(new, first, last) for first, last in self.plan.regions], fade)
        path = self._folder / f"{uuid.uuid4().hex}.wav"
        write_sound(path, sound, self._rate_hz, self._bits, check)
        stem.growing.path.unlink(missing_ok=True)
        return path, sound.start

    def _origin(self, stem: StemInProgress, done: Done) -> TakeOrigin:
        request, rate_hz, offset = self.request, self._rate_hz, self.plan.offset
        nulls = [one.null_db for one in stem.results if one.null_db is not None]
        levels = [one.level_db for one in stem.results if one.level_db is not None]
        heard = [
            (offset + round(start_s * rate_hz), offset + round(end_s * rate_hz), presence)
            for one in stem.results
            for start_s, end_s, presence in one.presence_windows
        ]
        return TakeOrigin(
            task=request.task,
            prompt=stem.prompt,
            seed=request.seed + stem.candidate,
            steps=request.steps,
            guidance=request.guidance,
            bundle=done.bundle,
            device=done.device,
            presence=max(one.presence for one in stem.results),
            # On the grid of the mix, what the stems leave of it is exact, whatever the format of the files in between.
            null_db=BIT_FOR_BIT_DB if self._bits is not None else max(nulls) if nulls else None,
            level_db=max(levels) if levels else None,
            regions=self.plan.regions,
            heard=tuple(heard),
            similarity=stem.results[0].similarity,
        )


def write_sound(path: Path, sound: PlacedSound, rate_hz: int, bits: int | None, check: Check) -> None:
    """Write a sound as a float WAV, on the grid of an integer format."""
    samples, channels = sound.samples_NC.shape
    growing_block = 1 << 16
    path.parent.mkdir(parents=True, exist_ok=True)
    with soundfile.SoundFile(path, "w", rate_hz, channels, subtype="FLOAT", format="WAV") as wav:
        for start in range(0, samples, growing_block):
            check()
            wav.write(on_grid(sound.samples_NC[start : start + growing_block], bits))


def pieces_of(
    request: Request, regions: Sequence[tuple[int, int]], origin: int, rate_hz: int, grid: PieceGrid
) -> list[tuple[int, int]]:
    """Parts of the regions, in order; one for each region where the input cannot be read from the middle.

    They begin where the windows of the model would begin if the whole were done at once, so that it makes no
    difference.

    Args:
        regions: samples of the project, past the last.
        origin: sample of the project at which the input begins.
        grid: of the model's windows.
    """
    seekable = Path(request.input or "").suffix.lower() in SEEKABLE
    # A chain before the model is rendered over the whole file, so it is done once and not for every piece.
    divided = seekable and request.candidates == 1 and not request.examples and not request.chain_before
    found: list[tuple[int, int]] = []
    overlap, stride, context = round(OVERLAP_S * rate_hz), grid.stride_s * rate_hz, grid.context(rate_hz)
    for first, last in regions:
        edges = [first]
        if divided and last - first > WHOLE_S * rate_hz:
            begin = max(first - context, origin) + context  # so that the next piece is read from where a window begins
            low, high = STRIDES
            step, edge = min(max(round((last - first) / stride / PIECES), low), high), 1
            while begin + edge * stride < last - stride / 2:
                edges.append(round(begin + edge * stride))
                edge += step
        edges.append(last)
        found += [(low, min(high + overlap, last)) for low, high in pairwise(edges)]
    return found


def grid_of(bundle: str) -> PieceGrid:
    """Windows of a bundle's mask decoder; usual ones for a bundle without it, or one that cannot be read."""
    try:
        decoder = load_bundle(find_bundle(bundle), check_hashes=False).manifest.decoder
    except EngineError:
        return USUAL_GRID
    if decoder is None:
        return USUAL_GRID
    frame_s = decoder.hop_samples / decoder.rate_hz
    # As the engine lays them: half a block of context at each edge of a window, a block of cross-fade.
    return PieceGrid(decoder.presence_frames * frame_s, (decoder.frames - 2 * decoder.presence_frames) * frame_s)
