"""The bench's sets: mixes by seed, made of recordings reserved for measuring (``training/data/holdout.toml``).

Every example depends on the seed, its set and its number alone. A mix is the exact sum of its stems. Most sets are
mixed from held-out stems (``recordings.py``); those that need the notes of a stem are composed here, piece by piece.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path

import numpy as np
import soxr

from training.data.instruments import families
from training.data.sources import RATE, SoundLibrary
from training.eval import recordings
from training.eval.example import EvalExample, number_of
from training.eval.held_stems import held_pool, refuse_unreserved
from training.metrics import rms
from training.synthesis.compose import compose
from training.synthesis.render import PartRenderer
from training.synthesis.render_stems import level
from training.synthesis.score import ScorePart
from training.text.lexicon import Lexicon
from training.typing import Audio

Rng = np.random.Generator
QUIET_RMS = 0.008
PEAK = 0.95
LEVEL_SPREAD_DB = 3.0
TRIES = 60
MUSIC_RATE_HZ, MUSIC_SAMPLES = 11_025, 64_640  # the duet protocol of MAGE
# eleven solo instruments stand in for the eleven classes of MUSIC; three of them are MUSIC's own
SOLO = (
    "acoustic-guitar", "cello", "double-bass", "electric-bass", "electric-guitar", "electric-piano", "harp", "piano",
    "saxophone", "trombone", "vibraphone",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class BenchSet:
    """One row of the table of sets.

    Attributes:
        rate_hz, channels, seconds: of every mix.
        stems: how many a mix has; 0 means as many as sound.
        doc: one line for the report.
        usual: False measures it only when it is named; studies take their stems from it.
    """

    rate_hz: int
    channels: int
    seconds: float
    stems: int
    doc: str
    usual: bool = True


SETS: dict[str, BenchSet] = {
    "duet": BenchSet(RATE, 2, 8.0, 2, "two recorded players, of one piece or of two, 44.1 kHz stereo"),
    "band": BenchSet(RATE, 2, 8.0, 4, "four recorded players: a kit, a bass and two more, 44.1 kHz stereo"),
    "same-family": BenchSet(RATE, 2, 8.0, 2, "two recorded players of one group of instruments, 44.1 kHz stereo"),
    "song-vocals": BenchSet(RATE, 2, 8.0, 0, "the voices of a real song, in its own balance, 44.1 kHz stereo"),
    "song-drums": BenchSet(RATE, 2, 8.0, 0, "the drums of a real song, in its own balance, 44.1 kHz stereo"),
    "kit": BenchSet(RATE, 2, 8.0, 2, "kick drum against hi-hats of one recorded kit, 44.1 kHz stereo"),
    "kit-piece": BenchSet(RATE, 2, 8.0, 0, "one piece out of a whole recorded kit, 44.1 kHz stereo"),
    "kit-in-band": BenchSet(
        RATE, 2, 8.0, 0, "kick, snare or hi-hats of a recorded kit among a bass and two more, 44.1 kHz stereo",
    ),
    "absent": BenchSet(RATE, 2, 8.0, 0, "a duet, a band or a song, asked for something it does not have"),
    "dense": BenchSet(RATE, 2, 8.0, 7, "seven recorded players, 44.1 kHz stereo", usual=False),
    "mage-duet": BenchSet(
        MUSIC_RATE_HZ, 1, MUSIC_SAMPLES / MUSIC_RATE_HZ, 2,
        "two of eleven solo instruments, averaged, 64,640 samples at 11,025 Hz (the protocol of MAGE on MUSIC)",
    ),
    "composed-band": BenchSet(
        RATE, 2, 5.0, 4, "a composed band on recorded notes: drums, a bass and two more, 44.1 kHz stereo", usual=False,
    ),
}  # fmt: skip


class SetResources:
    """Sounds, lexicon, renderer and held-out stems that sets are made with, each loaded at first use.

    Args:
        stems: folder of the held-out stems; ``runs/bench-stems`` when not given.
        say: takes a line for the user.
        songs: folder of LMMS's songs, to be drawn from as well; see ``held_pool``.
    """

    def __init__(
        self, stems: Path | None = None, say: Callable[[str], None] = lambda text: None, songs: Path | None = None
    ) -> None:
        self.sounds = SoundLibrary.find()
        self.lexicon = Lexicon.load()
        self.reserved = reserved_families(self.sounds)
        self._stems, self._say, self._songs = stems, say, songs
        self._renderer: PartRenderer | None = None
        self._material: recordings.HeldOutStems | None = None

    @property
    def renderer(self) -> PartRenderer:
        """The renderer, loaded at first use."""
        if self._renderer is None:
            self._renderer = PartRenderer(self.sounds)
        return self._renderer

    @property
    def material(self) -> recordings.HeldOutStems:
        """The held-out stems, read at first use and rendered where missing."""
        if self._material is None:
            self._material = recordings.HeldOutStems(held_pool(self._stems, self._say, self._songs), self.lexicon)
        return self._material


def reserved_families(sounds: SoundLibrary) -> tuple[str, ...]:
    """Families that a reserved recording plays.

    Raises:
        ValueError: no reserved recording is on this machine.
    """
    found = tuple(name for name, family in families().items() if sounds.voices(family, held_out=True))
    if not found:
        raise ValueError(
            "the bench needs the recordings named in training/data/holdout.toml and none is here; set FLUXSTEM_SOUNDS"
        )
    return found


def make_set(
    resources: SetResources, name: str, count: int, seed: int, seconds: float | None = None
) -> list[EvalExample]:
    """Make a set.

    Args:
        resources: what to make it with.
        name: a row of ``SETS``.
        seconds: length of the mixes; None means the set's own. ``mage-duet`` has a length that its protocol fixes.

    Raises:
        ValueError: no such set, or the recordings for it are not here.
    """
    if name not in SETS:
        raise ValueError(f"unknown set {name!r}; choose one of {', '.join(SETS)}")
    samples = MUSIC_SAMPLES if name == "mage-duet" else round((seconds or SETS[name].seconds) * SETS[name].rate_hz)
    return [_first_good(resources, name, number, samples, seed) for number in range(count)]


kept_set = lru_cache(maxsize=1)(make_set)  # for the studies of one run, most of which take the same examples


def _first_good(resources: SetResources, name: str, number: int, samples: int, seed: int) -> EvalExample:
    for attempt in range(TRIES):
        rng = np.random.default_rng([seed, number_of(name), number, attempt])
        example = _MAKERS[name](resources, name, number, samples, rng)
        if example is not None:
            refuse_unreserved(example.sources)
            return example
    raise ValueError(f"no example {number} of {name} has stems that all sound; choose longer --seconds")


@dataclass(frozen=True, slots=True)
class RenderedStems:
    """The stems of one composed piece.

    Attributes:
        stems: float32 ``(2, N)`` each, at about equal active level.
        sources: the recordings they are made of.
        parts: the notes they play.
    """

    stems: list[Audio]
    sources: tuple[str, ...]
    parts: tuple[ScorePart, ...]


def play(
    resources: SetResources, rng: Rng, chosen: list[str], samples: int, rate_hz: int, twins: bool = False
) -> RenderedStems | None:
    """Compose and play one piece; None when a stem of it is silent or no reserved recording plays it.

    Args:
        resources: what to play it with.
        chosen: families, one part each.
        samples, rate_hz: of the stems.
        twins: True gives all parts one recording and no effects, so that nothing but the notes tells them apart.
    """
    seconds = samples / rate_hz + 0.1
    score = compose(rng, seconds, [families()[name] for name in chosen])
    stems, sources = [], []
    voice = None
    for part in score.parts:
        voice = voice if twins and voice else resources.renderer.voice(rng, part.family, True)
        if voice is None:
            return None
        sound = resources.renderer.dry if twins else resources.renderer.wet
        audio_CN = sound(rng, part, voice, seconds)
        audio_CN = audio_CN if rate_hz == RATE else soxr.resample(audio_CN.T, RATE, rate_hz).T
        audio_CN = np.pad(audio_CN, ((0, 0), (0, max(0, samples - audio_CN.shape[1]))))[:, :samples]
        loud = level(audio_CN.mean(axis=0))
        gain = rms(loud) / max(rms(audio_CN.mean(axis=0)), 1e-9) * 10 ** (rng.uniform(-1, 1) * LEVEL_SPREAD_DB / 20)
        stems.append((audio_CN * np.float32(gain)).astype(np.float32))
        sources.append(voice.label)
    return RenderedStems(stems, tuple(sources), score.parts) if all(rms(stem) > QUIET_RMS for stem in stems) else None


def _placed(rng: Rng, stem_CN: Audio) -> Audio:
    """A stem somewhere between left and right, at equal power."""
    angle = float(rng.uniform(0.15, 0.85)) * np.pi / 2
    sides = np.array([[np.cos(angle)], [np.sin(angle)]], dtype=np.float32) * np.float32(np.sqrt(2))
    placed: Audio = stem_CN * sides
    return placed


def _example(
    resources: SetResources, name: str, number: int, rng: Rng, inside: list[str], stems: list[Audio],
    sources: tuple[str, ...], asked: int | None = None, parts: tuple[ScorePart, ...] = (),
) -> EvalExample:  # fmt: skip
    mix_CN = np.sum(stems, axis=0, dtype=np.float32)
    gain = np.float32(min(1.0, PEAK / max(1e-9, float(np.abs(mix_CN).max()))))
    stems = [stem * gain for stem in stems]
    k = int(rng.integers(len(stems))) if asked is None else asked
    return EvalExample(
        set=name, number=number, rate_hz=SETS[name].rate_hz, family=inside[k],
        prompt=resources.lexicon.phrases(inside[k], "held", rng), inside=tuple(inside), sources=sources,
        mix_CN=np.sum(stems, axis=0, dtype=np.float32), stem_CN=stems[k], part=parts[k] if parts else None,
    )  # fmt: skip


def _duet(resources: SetResources, name: str, number: int, samples: int, rng: Rng) -> EvalExample | None:
    able = [family for family in SOLO if family in resources.reserved]
    chosen = [able[k] for k in rng.permutation(len(able))[:2]]
    made = play(resources, rng, chosen, samples, MUSIC_RATE_HZ)
    if made is None:
        return None
    halves = [stem_CN.mean(axis=0, keepdims=True) / np.float32(2) for stem_CN in made.stems]
    return _example(resources, name, number, rng, chosen, halves, made.sources, parts=made.parts)


def _composed(
    choose: Callable[[SetResources, Rng], list[str]],
    resources: SetResources,
    name: str,
    number: int,
    samples: int,
    rng: Rng,
) -> EvalExample | None:
    chosen = choose(resources, rng)
    made = play(resources, rng, chosen, samples, SETS[name].rate_hz)
    if made is None:
        return None
    placed = [_placed(rng, stem) for stem in made.stems]
    return _example(resources, name, number, rng, chosen, placed, made.sources, parts=made.parts)


def band_of(count: int, resources: SetResources, rng: Rng) -> list[str]:
    """Families of a band: drums, a bass, and others up to ``count``."""
    low = [name for name in resources.reserved if "bass" in families()[name].groups]
    base = ["drums", low[rng.integers(len(low))]]
    others = [name for name in resources.reserved if name not in base and (count > 4 or name not in low)]
    return base + [others[k] for k in rng.permutation(len(others))[: count - 2]]


def _mixed(resources: SetResources, name: str, number: int, samples: int, rng: Rng) -> EvalExample | None:
    return recordings.example(resources.material, name, number, samples, rng)


_MAKERS: dict[str, Callable[[SetResources, str, int, int, Rng], EvalExample | None]] = {
    **dict.fromkeys(recordings.MIX_RECIPES, _mixed),
    "mage-duet": _duet,
    "composed-band": partial(_composed, partial(band_of, SETS["composed-band"].stems)),
}
