"""Kits in their pieces, every kit of the sound library as often as every other.

A decoder that hears five recorded kits learns five kick drums, not what a kick drum is: on an unknown kit it gives a
third of the kick. The kits of the SoundFont and the drum machines are other thirty.
"""

from __future__ import annotations

import numpy as np

from training.data.instruments import families
from training.mask.render import SECONDS, RecordedRenderer, Row, kit_rows
from training.synthesis.compose import compose


def kit_piece(renderer: RecordedRenderer, seed: int, number: int) -> list[Row]:
    """One kit alone, a stem for each of its pieces; the number decides which kit and what it plays."""
    rng = np.random.default_rng([seed, number])
    drums = families()["drums"]
    voices = renderer.sounds.voices(drums, renderer.held_out)
    voice = voices[number % len(voices)]
    rows: list[Row] = []
    for place, part in enumerate(compose(rng, SECONDS, [drums]).parts):
        label = {"family": "drums", "source": voice.label, "piece": f"kits-{seed}-{number}", "part": place}
        rows += kit_rows(renderer, rng, part, voice, label)
    return rows
