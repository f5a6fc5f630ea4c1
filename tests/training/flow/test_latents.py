"""Latents are encoded first and only read in training; a folder that something else filled is refused."""

import json
import pickle
from dataclasses import replace

import numpy as np
import pytest
import torch

from training.codec.model import MixWavCodec
from training.config import load_preset
from training.data.mixer import StemMixer
from training.data.stem_cache import StemCache, write_shard
from training.flow.encode import LatentEncoder, encode_latents, main
from training.flow.fingerprint import FINGERPRINT_FILE
from training.flow.latent_dataset import LatentDataset
from training.flow.latent_files import MORE

PRESET = load_preset("tiny")
PRESET = replace(PRESET, flow=replace(PRESET.flow, pool=4, batch=4))


def stems(folder, hertz):
    time_s = np.arange(4 * PRESET.grid.rate_hz) / PRESET.grid.rate_hz
    tones = [(0.2 * np.sin(2 * np.pi * hertz * k * time_s)).astype(np.float32) for k in (1, 2)]
    labels = [{"family": name, "source": "x", "piece": "1-0"} for name in ("piano", "violin")]
    write_shard(folder, "shard-00000", tones, labels)
    return StemCache(folder)


def codec(seed):
    torch.manual_seed(seed)
    return MixWavCodec(PRESET.grid, PRESET.codec).eval().requires_grad_(False)


@pytest.fixture
def filled(tmp_path):
    """A folder with two entries encoded, and what it was made of."""
    cache = stems(tmp_path / "stems", 100)
    encoder = LatentEncoder(tmp_path / "pool", PRESET, StemMixer(cache), codec(0))
    for number in (0, 1):
        encoder.encode(number)
    latents, _ = LatentDataset(tmp_path / "pool", PRESET).draw([0, 1], np.random.default_rng(0))
    return tmp_path, cache, latents


def test_the_same_codec_and_stems_find_their_latents_again(filled):
    folder, cache, latents = filled
    assert LatentEncoder(folder / "pool", PRESET, StemMixer(cache), codec(0)).missing() == [2, 3]
    again = encode_latents(folder / "pool", PRESET, StemMixer(cache), codec(0))
    np.testing.assert_array_equal(again.draw([0, 1], np.random.default_rng(0))[0], latents)


def test_another_codec_other_stems_or_another_seed_are_refused_by_name(filled):
    folder, cache, _ = filled
    before = {path.name: path.read_bytes() for path in (folder / "pool").iterdir()}
    other = replace(PRESET, flow=replace(PRESET.flow, seed=99))
    sounding_else = stems(folder / "else", 300)  # the same labels
    for said, preset, mixer, weights in (
        ("another codec; remove that folder", PRESET, StemMixer(cache), codec(1)),
        ("another stems; remove that folder", PRESET, StemMixer(sounding_else), codec(0)),
        ("another pool; remove that folder", other, StemMixer(cache), codec(0)),
    ):
        with pytest.raises(ValueError, match=said):
            encode_latents(folder / "pool", preset, mixer, weights)
    assert {path.name: path.read_bytes() for path in (folder / "pool").iterdir()} == before


def test_a_pool_from_before_this_was_noted_is_taken_with_a_warning(filled, caplog):
    folder, cache, latents = filled
    (folder / "pool" / FINGERPRINT_FILE).unlink()
    again = encode_latents(folder / "pool", PRESET, StemMixer(cache), codec(0))
    np.testing.assert_array_equal(again.draw([0, 1], np.random.default_rng(0))[0], latents)
    assert "nothing says what the latents in" in caplog.text
    assert not (folder / "pool" / FINGERPRINT_FILE).exists()


def test_a_pool_whose_facts_would_outlive_what_goes_with_them_is_refused_whole(filled):
    folder, cache, _ = filled
    (folder / "pool" / FINGERPRINT_FILE).unlink()
    older = [field for field in MORE.descr if field[0] != "together"]
    np.save(folder / "pool" / "more.npy", np.zeros(4, np.dtype(older)))
    before = {path.name: path.read_bytes() for path in (folder / "pool").iterdir()}
    with pytest.raises(ValueError, match=r"more\.npy in .* is gone or of another make; remove that folder"):
        encode_latents(folder / "pool", PRESET, StemMixer(cache), codec(0))
    assert {path.name: path.read_bytes() for path in (folder / "pool").iterdir()} == before


def test_what_an_older_pool_has_not_is_added_and_empty(filled):
    folder, cache, latents = filled
    for name in ("more.npy", "embeddings.npy", "silence.npy"):
        (folder / "pool" / name).unlink()
    again = encode_latents(folder / "pool", PRESET, StemMixer(cache), codec(0))
    np.testing.assert_array_equal(again.draw([0, 1], np.random.default_rng(0))[0], latents)
    assert not any(again.together([0, 1]))


def test_a_loader_process_opens_the_files_itself(filled):
    folder, _, latents = filled
    told = pickle.dumps(LatentDataset(folder / "pool", PRESET))
    assert len(told) < 20_000
    np.testing.assert_array_equal(pickle.loads(told).draw([0, 1], np.random.default_rng(0))[0], latents)


def test_the_command_encodes_what_the_flow_would(tiny_run, tmp_path, capsys):
    words = ["--preset", "tiny", "--cache", tiny_run.cache.folder, "--pool", tmp_path / "pool", "--workers", "0"]
    for run in ("codec", "prompt", "scene", "adapters"):
        words += [f"--{run}", getattr(tiny_run, run)]
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # as the tiny run was trained
    try:
        assert main([str(word) for word in words]) == 0
    finally:
        torch.set_num_threads(threads)
    assert "100 mixes are encoded in" in capsys.readouterr().out
    made = sorted(path.name for path in (tmp_path / "pool").iterdir())
    assert made == sorted(path.name for path in (tiny_run.flow / "pool").iterdir())
    for name in made:
        assert (tmp_path / "pool" / name).read_bytes() == (tiny_run.flow / "pool" / name).read_bytes()


def test_the_note_names_all_that_decides(filled):
    note = json.loads((filled[0] / "pool" / FINGERPRINT_FILE).read_text())
    assert note["scene encoder"] == note["audio encoder"] == "none"
    assert {"codec", "stems", "masking", "mixer", "pool", "grid", "widths"} <= set(note)


def test_an_entry_is_the_same_whoever_encodes_it_and_when(filled):
    folder, cache, _ = filled
    for name, workers in (("pool", 0), ("alone", 0), ("crew", 2)):
        encode_latents(folder / name, PRESET, StemMixer(cache), codec(0), workers=workers)
    for path in (folder / "alone").iterdir():
        for other in ("pool", "crew"):
            assert (folder / other / path.name).read_bytes() == path.read_bytes()


def test_reading_changes_no_file_and_refuses_what_is_not_encoded(filled):
    folder, _, latents = filled
    before = {path.name: (path.read_bytes(), path.stat().st_mtime_ns) for path in (folder / "pool").iterdir()}
    dataset = LatentDataset(folder / "pool", PRESET)
    np.testing.assert_array_equal(dataset.draw([0, 1], np.random.default_rng(0))[0], latents)
    with pytest.raises(ValueError, match=r"mix 2 in .* is not encoded; run `python -m training encode`"):
        dataset[2]
    with pytest.raises(ValueError, match=r"no latents in .*; encode them with `python -m training encode`"):
        LatentDataset(folder / "nowhere", PRESET)
    assert {p.name: (p.read_bytes(), p.stat().st_mtime_ns) for p in (folder / "pool").iterdir()} == before
