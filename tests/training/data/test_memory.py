"""Memory does not grow with the work: mixing, and the note banks a renderer keeps."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
from tinyrun import tiny_cache

from training.data.mixer import StemMixer
from training.data.sources import SoundLibrary
from training.synthesis.render import BANKS_KEPT, PartRenderer


def test_mixing_takes_no_more_memory_the_longer_it_goes_on(tmp_path):
    mixer = StemMixer(tiny_cache(tmp_path, pieces=2))
    mixer.draw(np.random.default_rng(0), 16_000)
    tracemalloc.start()
    try:
        peaks = []
        for _ in range(3):
            tracemalloc.reset_peak()
            for number in range(60):
                mixer.draw(np.random.default_rng(number), 16_000)
            peaks.append(tracemalloc.get_traced_memory()[1])
    finally:
        tracemalloc.stop()
    assert max(peaks) < min(peaks) * 1.2 + 100_000


@pytest.mark.skipif(SoundLibrary.find().banks is None, reason="needs the note banks of a sounds folder")
def test_a_renderer_keeps_a_bounded_number_of_banks(renderer: PartRenderer):
    names = sorted(p.name for p in SoundLibrary.find().banks.iterdir() if (p / "index.json").is_file())
    small = [n for n in names if n not in ("sonic-pi-one-shots", "salamander-grand-piano")][: BANKS_KEPT + 4]
    for name in small:
        renderer._bank(name)
    assert len(renderer._banks) == BANKS_KEPT
    assert list(renderer._banks)[-1] == small[-1]
