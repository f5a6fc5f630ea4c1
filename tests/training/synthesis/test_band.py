"""Promises of a whole piece: exact sums, levels like music's, everything about it true and written down."""

from __future__ import annotations

import json

import numpy as np
import pytest
import soundfile as sf
from PIL import Image

from training.data.instruments import families, holdout
from training.data.loudness import loudness_lufs
from training.data.sources import RATE, SoundLibrary
from training.synthesis.band import MIX_LUFS, PEAK, level_stems, render_band
from training.synthesis.preview import main
from training.text.requests import understand


@pytest.fixture(scope="module")
def band(renderer):
    trio = [families()[name] for name in ("drums", "synth-bass", "violin")]
    return render_band(renderer, np.random.default_rng(3), 6.0, trio)


def test_levels_look_like_music(band):
    mix = np.sum(band.stems, axis=0)
    assert np.abs(mix).max() <= PEAK + 1e-6
    assert loudness_lufs(mix, RATE) <= MIX_LUFS[1] + 0.1
    assert all(-45 < level < -12 for level in band.levels_lufs)


def test_levels_are_drawn_within_their_bounds():
    rng = np.random.default_rng(0)
    noise = [rng.standard_normal((2, RATE * 2)).astype(np.float32) * s for s in (1e-3, 0.1, 5.0)]
    for seed in range(10):
        levelled = level_stems(np.random.default_rng(seed), noise)
        loud = loudness_lufs(np.sum(levelled, axis=0), RATE)
        assert MIX_LUFS[0] - 0.1 <= loud <= MIX_LUFS[1] + 0.1
        spread = [loudness_lufs(stem, RATE) for stem in levelled]
        assert max(spread) - min(spread) <= 16.1
    assert level_stems(rng, []) == []


def test_stems_are_stereo_and_stand_where_their_labels_say(band):
    for stem, label in zip(band.stems, band.labels, strict=True):
        assert stem.shape == (2, RATE * 6)
        power = np.square(stem).sum(axis=1)
        balance_db = 10 * np.log10(power[1] / power[0])
        if abs(label["side"]) > 0.4 and not label["source"].startswith("font"):  # the font's own stereo leans, too
            assert np.sign(balance_db) == np.sign(label["side"])


def test_the_mix_is_the_exact_sum_in_24_bits(band):
    for stem in band.stems:
        np.testing.assert_array_equal(stem * 2**23, np.round(stem * 2**23))


def test_the_same_seed_gives_the_same_piece(renderer, band):
    trio = [families()[name] for name in ("drums", "synth-bass", "violin")]
    again = render_band(renderer, np.random.default_rng(3), 6.0, trio)
    assert again.labels == band.labels
    for one, two in zip(again.stems, band.stems, strict=True):
        np.testing.assert_array_equal(one, two)


def test_no_training_piece_holds_a_reserved_recording(renderer):
    cellist = [families()["cello"], families()["harp"]]
    sources = [
        label["source"]
        for seed in range(6)
        for label in render_band(renderer, np.random.default_rng(seed), 1.0, cellist).labels
    ]
    assert sources
    assert not any(holdout().reserves(source) for source in sources)
    if SoundLibrary.find().banks is not None:
        kept = render_band(renderer, np.random.default_rng(1), 1.0, cellist, held_out=True)
        assert all(holdout().reserves(label["source"]) for label in kept.labels)


def test_the_command_writes_sound_pictures_and_words(tmp_path, capsys):
    folder = tmp_path / "piece"
    assert main([str(folder), "--seed", "4", "--seconds", "3", "--size", "48"]) == 0
    table = json.loads((folder / "piece.json").read_text("utf-8"))
    mix, rate = sf.read(folder / "mix.flac", dtype="float64")
    stems = [sf.read(path, dtype="float64")[0] for path in sorted(folder.glob("[0-9]*.flac"))]
    assert rate == RATE
    assert len(stems) == len(table["stems"]) > 0
    np.testing.assert_array_equal(np.sum(stems, axis=0), mix)
    with Image.open(folder / "clip.gif") as clip:
        assert clip.size == (48, 48)
        assert clip.n_frames > 1
    assert len(table["caption"].split()) > 10
    assert len(table["story"].split()) > 20
    for request in table["requests"]:
        assert understand(request["text"]).task == request["task"]
    assert table["metre"] in capsys.readouterr().out
    with pytest.raises(ValueError, match="is not empty; name a new folder"):
        main([str(folder)])
    with pytest.raises(ValueError, match="at least 1 s"):
        main([str(tmp_path / "other"), "--seconds", "0"])
