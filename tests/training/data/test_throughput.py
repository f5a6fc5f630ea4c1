"""Promises of the studio's speed and size: figures are printed, memory does not grow with the work."""

from __future__ import annotations

import re
import tracemalloc

import numpy as np
import pytest
from tinyrun import tiny_cache

from training.data.mixer import Mixer
from training.data.sources import Sounds
from training.data.throughput import main
from training.synthesis.render import BANKS_KEPT, Renderer


def test_the_command_prints_every_figure(capsys):
    assert main(["--preset", "tiny", "--workers", "1", "2", "--shards", "2", "--pieces", "1"]) == 0
    out = capsys.readouterr().out
    for pattern in (
        r"1 worker: \d+ stems, [\d.]+ s of sound per second on the clock \(1\.00 times 1\)",
        r"2 workers: \d+ stems, .* largest worker \d+ MB",
        r"mix, from cached stems: \d+ s per second of a core",
        r"draw, clips of \d+ frames: \d+ s per second of a core",
        r"memory of this process at most \d+ MB",
    ):
        assert re.search(pattern, out), (pattern, out)
    one, two = (int(n) for n in re.findall(r"workers?: (\d+) stems", out))
    assert one == two > 0


def test_no_worker_at_all_is_one_sentence():
    with pytest.raises(ValueError, match="must be at least 1"):
        main(["--workers", "0"])


def test_mixing_takes_no_more_memory_the_longer_it_goes_on(tmp_path):
    mixer = Mixer(tiny_cache(tmp_path, pieces=2))
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


@pytest.mark.skipif(Sounds.find().banks is None, reason="needs the note banks of a sounds folder")
def test_a_renderer_keeps_a_bounded_number_of_banks(renderer: Renderer):
    names = sorted(p.name for p in Sounds.find().banks.iterdir() if (p / "index.json").is_file())
    small = [n for n in names if n not in ("sonic-pi-one-shots", "salamander-grand-piano")][: BANKS_KEPT + 4]
    for name in small:
        renderer._bank(name)
    assert len(renderer._banks) == BANKS_KEPT
    assert list(renderer._banks)[-1] == small[-1]
