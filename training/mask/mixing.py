"""Mixes and questions for the mask decoder, drawn and augmented on the fly as spectra.

A *player* is one stem, or a drum kit in its pieces. Its stems are cut, resampled to another speed, overdriven,
equalised, panned and put in a room. A coherent mix takes players of one piece at one speed and time; others mix players
of unrelated pieces. Each stem is augmented by itself, and a bus compressor is one gain curve on all of them, so the
stems sum to the mix.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import soxr
from numpy.lib.stride_tricks import sliding_window_view
from scipy import fft

from training.data.augment import _room
from training.data.instruments import families, groups
from training.data.sources import RATE
from training.mask.network import BINS, FFT_SAMPLES, HOP_SAMPLES
from training.mask.stems import Player, StemPool
from training.mask.terms import KIT, TERMS, VOICES, term_number
from training.typing import Audio

Rng = np.random.Generator
Spectrum = np.ndarray[Any, np.dtype[np.complex64]]
WINDOW = (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(FFT_SAMPLES) / FFT_SAMPLES)).astype(np.float32)

SIZES, SIZE_SHARES = (1, 2, 3, 4, 5, 6), (0.04, 0.3, 0.24, 0.22, 0.12, 0.08)
COHERENT_SHARE = 0.5
RECORDED_SHARE = 0.7  # of the players drawn by family, where a family has recorded ones
HARD_SHARE = 0.3  # of the players after the first are of the same group as one before
ABSENT_SHARE = 0.2
SILENT_DB = -45.0  # a stem below this against the mix counts as absent
EQ_BANDS = 9
LOW_SHARE, LOW_HZ, LOW_DB = 0.3, (60.0, 200.0), 10.0  # a low shelf: how often, its corner, and at most how much
GROOVE_SHARE = 0.15  # of the incoherent mixes begin with a drum kit and a bass, which share the lowest octaves
ENVELOPE_TERMS = 24  # cosines that make a spectral envelope: the finest has peaks 900 Hz apart
ENVELOPE_FLOOR_B = -7  # below the loudest bin, in powers of ten of power: 70 dB
MOST_SHIFT_OCTAVES, MOST_STRETCH = 0.4, 0.5  # of a changed timbre
MOST_GAIN_LOG = 2.3  # 20 dB
MIX_RMS = 0.085  # -21.4 dBFS
WEIGHTS = {
    "drums": 2.5, "electric-bass": 1.6, "vocals": 1.6, "piano": 1.6, "acoustic-guitar": 1.5, "electric-guitar": 1.6,
    "double-bass": 1.2, "synth-bass": 1.2, "violin": 1.2, "speech": 0.5, "percussion": 1.2, "kalimba": 0.5, "koto": 0.5,
    "steel-drum": 0.5, "timpani": 0.5, "sitar": 0.5, "harmonica": 0.6, "harpsichord": 0.6, "other": 0.6,
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Variety:
    """How strong the augmentation of players is; shares are probabilities.

    Attributes:
        speed_share, speed_semitones: of another speed, and the largest change of it.
        eq_share, eq_db: of an equaliser, and the standard deviation of the gain of each band.
        sweep_share: of an equaliser that moves from one curve to another over the mix.
        room_share, drive_share: of a room, and of overdrive.
        timbre_share: of a changed timbre: ``_Timbre``.
    """

    speed_share: float = 0.5
    speed_semitones: float = 3.0
    eq_share: float = 0.8
    eq_db: float = 4.0
    sweep_share: float = 0.0
    room_share: float = 0.25
    drive_share: float = 0.12
    timbre_share: float = 0.0


WIDE = Variety(
    speed_share=0.7, speed_semitones=6.0, eq_share=0.9, eq_db=7.0, sweep_share=0.3, room_share=0.4, drive_share=0.2
)
VARIETIES = {"usual": Variety(), "wide": WIDE, "widest": replace(WIDE, timbre_share=0.6)}


@dataclass(frozen=True, slots=True)
class Question:
    """A mix and the term that is asked of it.

    Attributes:
        mix: complex64 (2, T, BINS).
        stem: what the term names in it, the same shape; zeros for what is absent.
        term: number of the term.
    """

    mix: Spectrum
    stem: Spectrum
    term: int


class Mixing:
    """Draws mixes, and questions about them.

    Args:
        pool: the stems.
        frames: T, of a mix.
        seed: with the number of a mix it decides everything.
        absent: share of the questions that ask for what is not in the mix.
        variety: how strong the augmentation is.
    """

    def __init__(
        self,
        pool: StemPool,
        frames: int,
        seed: int,
        absent: float = ABSENT_SHARE,
        variety: Variety = VARIETIES["usual"],
    ) -> None:
        self.pool, self.frames, self.seed, self.absent, self.variety = pool, frames, seed, absent, variety
        self.samples = (frames - 1) * HOP_SAMPLES + FFT_SAMPLES
        self._families = sorted(pool.by_family)
        weights = np.array([WEIGHTS.get(name, 1.0) for name in self._families])
        self._weights = weights / weights.sum()
        self._pieces = [piece for piece, players in sorted(pool.by_piece.items()) if len(players) > 1]
        songs = [piece for piece in self._pieces if pool.by_piece[piece][0].balanced]
        self._songs, self._scored = songs, [piece for piece in self._pieces if not pool.by_piece[piece][0].balanced]
        self._recorded = {
            name: [p for p in players if p.recorded] for name, players in pool.by_family.items()
        }  # fmt: skip
        self._groups = groups()
        self._basses = [name for name in self._families if name.endswith("bass")]

    def questions(self, index: int, count: int) -> list[Question]:
        """``count`` questions about mix number ``index``; the same whenever they are drawn.

        Raises:
            ValueError: eight mixes in a row were silent.
        """
        rng = np.random.default_rng([self.seed, index])
        for _ in range(8):
            found = self._drawn(rng, count)
            if found:
                return found
        raise ValueError("eight mixes in a row were silent; the stems cannot be right")

    def _drawn(self, rng: Rng, count: int) -> list[Question]:
        players, coherent = self._cast(rng)
        stems = self._sound(rng, players, coherent)
        mix = np.sum([spectrum for _, spectrum in stems], axis=0)
        power = float(np.mean(np.abs(mix) ** 2))
        if power < 1e-6:
            return []
        # A Hann frame has 3/8 N of the power of its samples in every bin on average, and all of it in the lower half.
        rms = np.sqrt(power / (2 * 0.375 * FFT_SAMPLES))
        gain = np.float32(MIX_RMS * 10 ** (rng.normal(0, 3.0) / 20) / rms) * _bus(rng, mix)
        found: list[Question] = []
        terms: set[int] = set()
        for _ in range(4 * count):
            term = self._asked(rng, stems, power)
            if term in terms or len(found) == count:
                continue
            terms.add(term)
            named = [s for k, s in stems if TERMS[term] in self.pool.names[k]]
            stem = np.sum(named, axis=0) if named else np.zeros_like(mix)
            found.append(Question(mix * gain, stem * gain, term))
        while len(found) < count:
            found.append(found[0])
        return found

    def _cast(self, rng: Rng) -> tuple[list[Player], bool]:
        size = int(rng.choice(SIZES, p=SIZE_SHARES))
        if rng.random() < COHERENT_SHARE:
            pool = self._songs if self._songs and rng.random() < 0.35 else self._scored
            piece = self.pool.by_piece[pool[int(rng.integers(len(pool)))]]
            whole = piece[0].balanced and rng.random() < 0.5
            chosen = list(piece) if whole else [piece[k] for k in rng.permutation(len(piece))[: max(2, size)]]
            if not whole and rng.random() < 0.35:
                chosen.append(self._player(rng, self._family(rng)))
            return chosen, True
        names: list[str] = []
        if size > 1 and rng.random() < GROOVE_SHARE:
            names = ["drums", str(rng.choice(self._basses))]
        while len(names) < size:
            wider = [n for n in names if n not in ("drums", "other", "speech")]
            if wider and rng.random() < HARD_SHARE:
                names.append(self._relative(rng, wider[int(rng.integers(len(wider)))]))
            else:
                names.append(self._family(rng))
        return [self._player(rng, name) for name in names], False

    def _family(self, rng: Rng) -> str:
        return self._families[int(rng.choice(len(self._families), p=self._weights))]

    def _relative(self, rng: Rng, name: str) -> str:
        kin = sorted({m for members in self._groups.values() if name in members for m in members} - {name})
        kin = [m for m in kin if m in self.pool.by_family]
        return kin[int(rng.integers(len(kin)))] if kin else self._family(rng)

    def _player(self, rng: Rng, family: str) -> Player:
        recorded = self._recorded[family]
        pool = recorded if recorded and rng.random() < RECORDED_SHARE else self.pool.by_family[family]
        return pool[int(rng.integers(len(pool)))]

    def _sound(self, rng: Rng, players: list[Player], coherent: bool) -> list[tuple[int, Spectrum]]:
        """Every stem as it sounds in the mix, complex64 (2, T, BINS)."""
        piece = players[0].piece
        shared = (self._speed(rng), int(rng.integers(0, self.pool.samples)))
        whole = coherent and players[0].balanced and rng.random() < 0.6
        found = []
        for player in players:
            same = coherent and player.piece == piece
            speed, at = shared if same else (self._speed(rng), int(rng.integers(0, self.pool.samples)))
            gain = 1.0 if whole and same else float(10 ** (np.clip(rng.normal(0, 5.0), -14, 10) / 20))
            gain *= float(rng.choice([-1.0, 1.0])) if not same else 1.0
            shape = _Shape.draw(rng, self.variety, self.frames, plain=whole and same)
            kit_spread = 0.0 if whole and same else 2.0
            for stem in player.stems:
                audio = self._cut(stem, at, speed)
                if float(np.abs(audio).max()) < 1e-4:
                    continue
                own = gain * float(10 ** (rng.normal(0, kit_spread) / 20)) if len(player.stems) > 1 else gain
                found.append((stem, shape.apply(rng, audio) * np.float32(own)))
        return found or [(players[0].stems[0], np.zeros((2, self.frames, BINS), dtype=np.complex64))]

    def _cut(self, stem: int, at: int, speed: float) -> Audio:
        """``(C, samples)`` of a stem from a place near ``at``, at another speed."""
        needed = self.samples if speed == 1.0 else int(np.ceil(self.samples * speed)) + 8
        first = at % max(1, self.pool.samples - needed + 1)
        audio = self.pool.audio(stem, first, needed)
        if speed != 1.0:
            audio = np.stack([soxr.resample(channel, speed, 1.0, quality="LQ") for channel in audio])
        audio = audio[:, : self.samples].astype(np.float32)
        return np.pad(audio, ((0, 0), (0, self.samples - audio.shape[1])))

    def _speed(self, rng: Rng) -> float:
        most = self.variety.speed_semitones
        return float(2 ** (rng.uniform(-most, most) / 12)) if rng.random() < self.variety.speed_share else 1.0

    def _asked(self, rng: Rng, stems: list[tuple[int, Spectrum]], power: float) -> int:
        """Number of a term that names something audible, or of one that is absent."""
        there: dict[str, float] = {}
        for stem, spectrum in stems:
            loud = float(np.mean(np.abs(spectrum) ** 2))
            for name in self.pool.names[stem]:
                there[name] = there.get(name, 0.0) + loud
        audible = [name for name, loud in there.items() if 10 * np.log10(max(loud, 1e-12) / power) > SILENT_DB]
        if not audible or rng.random() < self.absent:
            return self._absent(rng, set(there))
        kinds = [
            [n for n in audible if n in families() or n == "speech"],
            [n for n in audible if n in self._groups],
            [n for n in audible if n in KIT or n in VOICES],
        ]
        shares = np.array([0.66, 0.12, 0.22]) * [bool(kind) for kind in kinds]
        kind = kinds[int(rng.choice(3, p=shares / shares.sum()))]
        return term_number(kind[int(rng.integers(len(kind)))])

    def _absent(self, rng: Rng, there: set[str]) -> int:
        """Number of a term that names nothing in the mix; often of the same group as something that is in it."""
        away = [t for t in TERMS if t not in there]
        if "drums" in there:  # a drum loop may hold these unlabelled
            away = [t for t in away if t not in KIT and t != "percussion"]
        if there & {"vocals", "voices"}:
            away = [t for t in away if t not in VOICES]
        kin = {m for name in there for members in self._groups.values() if name in members for m in members}
        near = sorted(kin & set(away))
        pool = near if near and rng.random() < 0.4 else away
        return term_number(pool[int(rng.integers(len(pool)))])


@dataclass(frozen=True, slots=True)
class _Timbre:
    """Another instrument of the same kind: the spectral envelope of every frame, moved and stretched.

    An equaliser is one filter for all notes; this one follows them, as the body of another instrument or the throat of
    another singer does.

    Attributes:
        shift: factor by which the envelope moves up in frequency; partials stay where they are.
        contrast: factor of the envelope's deviations from flat, in decibels.
        dynamics: factor of the frames' deviations from the mean level, in decibels.
    """

    shift: float
    contrast: float
    dynamics: float

    @staticmethod
    def draw(rng: Rng) -> _Timbre:
        shift = 2 ** rng.uniform(-MOST_SHIFT_OCTAVES, MOST_SHIFT_OCTAVES)
        contrast, dynamics = 1 + rng.uniform(-MOST_STRETCH, MOST_STRETCH, size=2)
        return _Timbre(float(shift), float(contrast), float(dynamics))

    def apply(self, spectrum: Spectrum) -> Spectrum:
        """(C, T, BINS) -> the same, as loud as before."""
        power = np.mean(np.abs(spectrum) ** 2, axis=0)
        log = 0.5 * np.log(power + float(power.max()) * 10**ENVELOPE_FLOOR_B + 1e-12)
        envelope = fft.dct(log, axis=1, norm="forward")[:, :ENVELOPE_TERMS].astype(np.float32)
        envelope[:, 1:] *= 2
        moved = envelope * np.float32(self.contrast)
        level = envelope[:, 0]
        loud = np.average(level, weights=power.sum(1) + 1e-12)
        moved[:, 0] = loud + (level - loud) * self.dynamics
        change = moved @ _cosines(self.shift) - envelope @ _cosines(1.0)
        gain = np.exp(change.clip(-MOST_GAIN_LOG, MOST_GAIN_LOG))
        gain *= np.sqrt(power.sum() / ((power * gain**2).sum() + 1e-12))
        changed: Spectrum = spectrum * gain
        return changed


def _cosines(shift: float) -> Audio:
    """The cosines of an envelope's terms at every bin, (ENVELOPE_TERMS, BINS), moved up in frequency by a factor."""
    bins = np.minimum((np.arange(BINS) + 0.5) / shift, BINS)
    return np.cos(np.pi / BINS * np.arange(ENVELOPE_TERMS)[:, None] * bins).astype(np.float32)


@dataclass(frozen=True, slots=True)
class _Shape:
    """The augmentation of one player: overdrive, room, timbre, equaliser, pan and width."""

    drive: float
    rooms: tuple[Audio, ...]
    gains: np.ndarray[Any, np.dtype[np.complex64]]  # (2, 1 or T, BINS): channel gains with the equaliser in them
    timbre: _Timbre | None = None

    @staticmethod
    def draw(rng: Rng, variety: Variety, frames: int, plain: bool) -> _Shape:
        if plain:
            return _Shape(0.0, (), np.ones((2, 1, BINS), dtype=np.complex64))
        drive = float(10 ** (rng.uniform(2, 14) / 20)) if rng.random() < variety.drive_share else 0.0
        rooms: tuple[Audio, ...] = ()
        if rng.random() < variety.room_share:
            rooms = (_room(rng, RATE), _room(rng, RATE)) if rng.random() < 0.5 else (_room(rng, RATE),)
        db = variety.eq_db
        curve = (_equaliser(rng, db) if rng.random() < variety.eq_share else np.ones(BINS))[None]
        if variety.sweep_share and rng.random() < variety.sweep_share:
            along = np.linspace(0, 1, frames)[:, None]
            curve = curve ** (1 - along) * _equaliser(rng, db)[None] ** along
        side = float(rng.uniform(-0.9, 0.9)) if rng.random() < 0.6 else float(rng.normal(0, 0.05))
        angle = (np.clip(side, -1, 1) + 1) * np.pi / 4
        pan = np.sqrt(2) * np.array([np.cos(angle), np.sin(angle)])
        gains = pan[:, None, None] * curve
        if rng.random() < 0.25:  # a spaced pair of microphones: one channel is delayed, and equalised a little
            late_s = rng.uniform(-0.0012, 0.0012)
            turn = np.exp(-2j * np.pi * np.arange(BINS) * (RATE / FFT_SAMPLES) * late_s)
            gains = gains * np.stack([np.ones(BINS), turn * _equaliser(rng, db) ** 0.5])[:, None]
        changed = variety.timbre_share and rng.random() < variety.timbre_share
        return _Shape(drive, rooms, gains.astype(np.complex64), _Timbre.draw(rng) if changed else None)

    def apply(self, rng: Rng, audio_CN: Audio) -> Spectrum:
        """(1 or 2, N) -> spectrum (2, T, BINS)."""
        loud = float(np.sqrt((audio_CN**2).mean()))
        if self.drive:
            peak = float(np.abs(audio_CN).max())
            audio_CN = np.tanh(audio_CN * np.float32(self.drive / peak)).astype(np.float32)
            audio_CN *= np.float32(loud / max(1e-6, float(np.sqrt((audio_CN**2).mean()))))
        if self.rooms:
            count = max(len(self.rooms), audio_CN.shape[0])
            audio_CN = np.stack(
                [_convolved(audio_CN[c % len(audio_CN)], self.rooms[c % len(self.rooms)]) for c in range(count)]
            )
            audio_CN *= np.float32(loud / max(1e-6, float(np.sqrt((audio_CN**2).mean()))))
        spectrum = np.stack([spectrum_of(channel) for channel in audio_CN])
        if self.timbre is not None:
            spectrum = self.timbre.apply(spectrum)
        return (spectrum * self.gains).astype(np.complex64)


def spectrum_of(mono: Audio) -> Spectrum:
    """Frames of the signal as it is, nothing padded: complex64 (T, BINS)."""
    frames = sliding_window_view(mono, FFT_SAMPLES)[::HOP_SAMPLES] * WINDOW
    return fft.rfft(frames, axis=1)[:, :BINS].astype(np.complex64)


def _convolved(mono: Audio, room: Audio) -> Audio:
    size = fft.next_fast_len(len(mono) + len(room), real=True)
    out: Audio = fft.irfft(fft.rfft(mono, size) * fft.rfft(room, size), size)[: len(mono)].astype(np.float32)
    return out


def _equaliser(rng: Rng, deviation_db: float) -> np.ndarray[Any, np.dtype[np.float64]]:
    log_hz = np.linspace(np.log(50.0), np.log(16000.0), EQ_BANDS)
    curve_db = rng.normal(0, deviation_db, size=EQ_BANDS)
    bins_hz = np.maximum(np.arange(BINS) * (RATE / FFT_SAMPLES), 1.0)
    whole_db = np.interp(np.log(bins_hz), log_hz, curve_db)
    if rng.random() < LOW_SHARE:
        turn_hz = float(np.exp(rng.uniform(*np.log(LOW_HZ))))
        whole_db += float(rng.uniform(-LOW_DB, LOW_DB)) / (1 + (bins_hz / turn_hz) ** 4)
    return np.asarray(10 ** (whole_db / 20))


def _bus(rng: Rng, mix: Spectrum) -> Audio:
    """Gain of a bus compressor for every frame, (1, T, 1); ones for half of the mixes."""
    frames = mix.shape[1]
    if rng.random() < 0.5:
        return np.ones((1, frames, 1), dtype=np.float32)
    loud_db = 10 * np.log10(np.mean(np.abs(mix) ** 2, axis=(0, 2)) + 1e-9)
    loud_db = np.convolve(np.pad(loud_db, 2, mode="edge"), np.ones(5) / 5, mode="valid")
    over = np.maximum(0.0, loud_db - np.quantile(loud_db, float(rng.uniform(0.2, 0.8))))
    return (10 ** (-over * float(rng.uniform(0.2, 0.7)) / 20))[None, :, None].astype(np.float32)
