"""Examples of real recordings: players out of the held-out stems, put together by set.

What is asked for takes turns through everything the stems can play, so that figures by family have something of each.
Every second mix is of one piece, where the players go together; the others are of players that never met.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from training.data.instruments import families, groups
from training.data.sources import RATE
from training.eval.example import EvalExample, number_of
from training.eval.held_stems import GAIN_DB, placed
from training.mask.stems import Player, StemPool
from training.mask.terms import KIT
from training.metrics import level_db, rms
from training.text.lexicon import Lexicon
from training.typing import Audio

Rng = np.random.Generator
T = TypeVar("T")
PEAK = 0.95
QUIET_DB = -25.0  # a stem, or what is left without it, below this against the mix is not asked for
QUIET_RMS, LEVEL_RMS = 1e-4, 0.08
NO_FAMILY = ("other", "speech")  # never asked for
KICK, HATS = "kick", "hi-hat"
# how pieces of a kit are asked for where the lexicon has no words for them
WORDS = {
    "kick": ("kick drum", "the bass drum", "kick"),
    "snare": ("snare drum", "the snare", "snare"),
    "hi-hat": ("hi-hats", "the hi-hat", "hihat"),
    "cymbals": ("cymbals", "the cymbals"),
    "toms": ("toms", "the tom toms"),
    "claps": ("hand claps", "claps"),
}


@dataclass(frozen=True, slots=True)
class MixRecipe:
    """Who plays in a mix, and what is asked for.

    Attributes:
        players: of the mix.
        asked: a family or a piece of a kit.
        balanced: level and place stay as they are.
        pieces: of a kit, which alone are heard; empty means everything is.
        levelled: the pieces are about equally loud, whatever they are in the kit.
    """

    players: tuple[Player, ...]
    asked: str
    balanced: bool = False
    pieces: tuple[str, ...] = ()
    levelled: bool = False


class HeldOutStems:
    """The held-out stems, sorted for drawing.

    Args:
        lexicon: how things are asked for.
    """

    def __init__(self, pool: StemPool, lexicon: Lexicon) -> None:
        self.pool, self.lexicon = pool, lexicon
        free = [player for player in pool.players if not player.balanced]
        self.by_family: dict[str, list[Player]] = {}
        for player in free:
            if player.family not in NO_FAMILY:
                self.by_family.setdefault(player.family, []).append(player)
        self.able = _shuffled(self.by_family)
        self.pieces: dict[str, list[Player]] = {}
        for player in free:
            self.pieces.setdefault(player.piece, []).append(player)
        spans: dict[str, list[Player]] = {}
        for player in pool.players:
            if player.balanced:
                spans.setdefault(player.piece, []).append(player)
        self.spans = [members for _, members in sorted(spans.items()) if len(members) > 1]
        self.kits = [kit for kit in self.by_family.get("drums", []) if len(self.parts(kit)) > 1]

    def source(self, player: Player) -> str:
        """Where a player's stems come from."""
        return str(self.pool.labels[player.stems[0]]["source"])

    def parts(self, player: Player) -> tuple[str, ...]:
        """The pieces of a kit that a player's stems are."""
        names = {name for stem in player.stems for name in self.pool.names[stem]}
        return tuple(name for name in KIT if name in names)

    def player(self, rng: Rng, family: str) -> Player:
        """Any player of a family."""
        return _one(rng, self.by_family[family])

    def together(self, rng: Rng, family: str, least: int) -> list[Player]:
        """The players of a piece in which the family plays with others, of ``least`` families; empty where none is."""
        found = [
            members
            for _, members in sorted(self.pieces.items())
            if any(p.family == family for p in members) and len({p.family for p in members} - set(NO_FAMILY)) >= least
        ]
        return list(_one(rng, found)) if found else []

    def phrase(self, term: str, rng: Rng) -> str:
        """A held-out phrasing."""
        if (term, "held") in self.lexicon.pools:
            return self.lexicon.phrases(term, "held", rng)
        return _one(rng, WORDS[term])


def example(material: HeldOutStems, name: str, number: int, samples: int, rng: Rng) -> EvalExample | None:
    """One example of a set; None when what is asked for, or all else, is too quiet to be judged.

    Raises:
        ValueError: the held-out stems have nothing for this set.
    """
    recipe = MIX_RECIPES[name](material, number, rng)
    pool = material.pool
    stems, gain = placed(rng, pool, recipe.players, samples, recipe.balanced)
    heard = [
        (stem, audio * gain) for stem, audio in stems if not recipe.pieces or set(pool.names[stem]) & set(recipe.pieces)
    ]
    heard = _levelled(rng, heard) if recipe.levelled else heard
    if not heard:
        return None
    mix_CN = np.sum([audio for _, audio in heard], axis=0, dtype=np.float32)
    gain = np.float32(min(1.0, PEAK / max(1e-9, float(np.abs(mix_CN).max()))))
    named = [audio for stem, audio in heard if recipe.asked in pool.names[stem]]
    stem_CN = np.sum(named, axis=0, dtype=np.float32) if named else np.zeros_like(mix_CN)
    rest_CN = np.sum([audio for stem, audio in heard if recipe.asked not in pool.names[stem]], axis=0, dtype=np.float32)
    if named and min(level_db(stem_CN, mix_CN), level_db(np.broadcast_to(rest_CN, mix_CN.shape), mix_CN)) < QUIET_DB:
        return None
    playing = [*(player.family for player in recipe.players), *([recipe.asked] if named else [])]
    inside = recipe.pieces or tuple(dict.fromkeys(playing))
    return EvalExample(
        set=name, number=number, rate_hz=RATE, family=recipe.asked, prompt=material.phrase(recipe.asked, rng),
        inside=inside, sources=tuple(sorted({pool.labels[stem]["source"] for stem, _ in heard})),
        mix_CN=(mix_CN * gain).astype(np.float32), stem_CN=(stem_CN * gain).astype(np.float32),
    )  # fmt: skip


def _levelled(rng: Rng, heard: list[tuple[int, Audio]]) -> list[tuple[int, Audio]]:
    """Stems at one level, give or take; those that are silent here are left out."""
    loud = [(stem, audio, rms(audio)) for stem, audio in heard if rms(audio) > QUIET_RMS]
    spread_db = [float(rng.uniform(-GAIN_DB, GAIN_DB)) for _ in loud]
    return [
        (stem, (audio * (LEVEL_RMS * 10 ** (db / 20) / level)).astype(np.float32))
        for (stem, audio, level), db in zip(loud, spread_db, strict=True)
    ]


def _duet(material: HeldOutStems, number: int, rng: Rng) -> MixRecipe:
    return _group(material, number, rng, [[]])


def _band(material: HeldOutStems, number: int, rng: Rng) -> MixRecipe:
    return _group(material, number, rng, [["drums"], _basses(material), []])


def _dense(material: HeldOutStems, number: int, rng: Rng) -> MixRecipe:
    return _group(material, number, rng, [["drums"], _basses(material), [], [], [], []], strangers=True)


def _group(
    material: HeldOutStems, number: int, rng: Rng, wanted: list[list[str]], strangers: bool = False
) -> MixRecipe:
    """The next family in turn, with players of other families.

    Args:
        wanted: families that each of the others should be of; [] means any.
        strangers: True never takes them from one piece.
    """
    rounds, turn = divmod(number, len(material.able))
    asked, pool = material.able[turn], material.by_family
    if (number + rounds) % 2 == 0 and not strangers and (members := material.together(rng, asked, len(wanted) + 1)):
        pool = {}
        for player in members:
            if player.family not in NO_FAMILY:
                pool.setdefault(player.family, []).append(player)
    chosen = [_one(rng, pool[asked])]
    for names in wanted:
        taken = {player.family for player in chosen}
        left = [name for name in sorted(pool) if name not in taken]
        if not left:
            raise ValueError("the bench's sets need held-out recordings of more families; set FLUXSTEM_SOUNDS")
        fitting = [] if taken & set(names) else [name for name in left if name in names]
        chosen.append(_one(rng, pool[_one(rng, fitting or left)]))
    return MixRecipe(tuple(chosen), asked)


def _basses(material: HeldOutStems) -> list[str]:
    return [name for name in material.able if "bass" in families()[name].groups]


def _relatives(material: HeldOutStems, number: int, rng: Rng) -> MixRecipe:
    kin = {name: _kin(material, name) for name in material.able}
    able = [name for name in material.able if kin[name]]
    if not able:
        raise ValueError("the set same-family needs held-out recordings of two instruments of one group")
    asked = able[number % len(able)]
    return MixRecipe((material.player(rng, asked), material.player(rng, _one(rng, kin[asked]))), asked)


def _kin(material: HeldOutStems, name: str) -> list[str]:
    """Families that can play here and share a group with this one."""
    near = {member for members in groups().values() if name in members for member in members}
    return sorted(near & set(material.by_family) - {name})


def _song(family: str) -> Callable[[HeldOutStems, int, Rng], MixRecipe]:
    """A span of a song in which the family plays with others; the songs take turns, long and short ones alike."""

    def recipe(material: HeldOutStems, number: int, rng: Rng) -> MixRecipe:
        songs: dict[str, list[list[Player]]] = {}
        for span in material.spans:
            if {family} < {player.family for player in span}:
                songs.setdefault(material.source(span[0]), []).append(span)
        if not songs:
            raise ValueError(f"the set song-{family} needs a reserved song and none is here; set FLUXSTEM_SOUNDS")
        found = songs[sorted(songs)[number % len(songs)]]
        return MixRecipe(tuple(_one(rng, found)), family, balanced=True)

    return recipe


def _kick_and_hats(material: HeldOutStems, number: int, rng: Rng) -> MixRecipe:
    kits = [kit for kit in material.kits if {KICK, HATS} <= set(material.parts(kit))]
    if not kits:
        raise ValueError("the set kit needs a held-out kit with a kick drum and hi-hats")
    return MixRecipe((_one(rng, kits),), (KICK, HATS)[number % 2], pieces=(KICK, HATS), levelled=True)


def _kit_piece(material: HeldOutStems, number: int, rng: Rng) -> MixRecipe:
    terms = [term for term in KIT if any(term in material.parts(kit) for kit in material.kits)]
    if not terms:
        raise ValueError("the set kit-piece needs a held-out kit")
    asked = terms[number % len(terms)]
    kit = _one(rng, [kit for kit in material.kits if asked in material.parts(kit)])
    return MixRecipe((kit,), asked, pieces=material.parts(kit))


def _kit_in_band(material: HeldOutStems, number: int, rng: Rng) -> MixRecipe:
    """A piece of a kit that plays with a bass and two more; the usual pieces take turns."""
    terms = [term for term in (KICK, "snare", HATS) if any(term in material.parts(kit) for kit in material.kits)]
    basses = _basses(material)
    if not terms or not basses:
        raise ValueError("the set kit-in-band needs a held-out kit and basses")
    asked = terms[number % len(terms)]
    kit = _one(rng, [kit for kit in material.kits if asked in material.parts(kit)])
    chosen = [_one(rng, basses)]
    while len(chosen) < 3:
        chosen.append(_one(rng, [name for name in material.able if name not in ("drums", "percussion", *chosen)]))
    return MixRecipe((kit, *(material.player(rng, name) for name in chosen)), asked)


def _absent(material: HeldOutStems, number: int, rng: Rng) -> MixRecipe:
    """Duets, bands and songs by turns; what is asked for is no relative of anything there."""
    kinds: list[Callable[[HeldOutStems, int, Rng], MixRecipe]] = [_duet, _band]
    kinds += [_song("vocals")] if material.spans else []
    base = kinds[number % len(kinds)](material, number, rng)
    inside = {player.family for player in base.players}
    near = {group for name in inside & set(families()) for group in families()[name].groups}
    far = [name for name, family in families().items() if name not in inside and not near & set(family.groups)]
    return MixRecipe(base.players, _one(rng, far), base.balanced)


MIX_RECIPES: dict[str, Callable[[HeldOutStems, int, Rng], MixRecipe]] = {
    "duet": _duet,
    "band": _band,
    "dense": _dense,
    "same-family": _relatives,
    "song-vocals": _song("vocals"),
    "song-drums": _song("drums"),
    "kit": _kick_and_hats,
    "kit-piece": _kit_piece,
    "kit-in-band": _kit_in_band,
    "absent": _absent,
}


def _one(rng: Rng, pool: Sequence[T]) -> T:
    return pool[int(rng.integers(len(pool)))]


def _shuffled(names: dict[str, list[Player]]) -> list[str]:
    """All families in a fixed, non-alphabetical order, so that a few examples already vary."""
    return sorted(names, key=number_of)
