"""musicnn: real weights out of its package hear what sounds, without TensorFlow."""

from pathlib import Path

import numpy as np
import pytest
import soundfile
import soxr
import torch

from training.eval.embeddings import EmbeddingModel, MusicnnEmbedding, embed_stem, likeness_to_words
from training.pretrained.musicnn import RATE_HZ, load_musicnn, log_mel
from training.pretrained.tensorflow import checkpoint_arrays

ROOT = Path(__file__).resolve().parents[3]
PACKAGE = ROOT / ".packages" / "musicnn"
DRUMS, VOCAL = 5, 13  # places of tags in the package's list for MTT

FRAMES = 187  # 3 s, what it was trained on


@pytest.fixture(scope="module")
def package():
    if not (PACKAGE / "MTT_musicnn").is_dir():
        pytest.skip("no weights of musicnn in .packages: `make test` puts them there, where they can be fetched")
    return PACKAGE


def demo(stem):
    audio, rate_hz = soundfile.read(ROOT / "resources" / "demo" / f"{stem}.flac", always_2d=True)
    return soxr.resample(audio.mean(axis=1), rate_hz, RATE_HZ)


def test_it_hears_drums_in_drums_and_a_voice_in_a_voice(package):
    network = load_musicnn(package)
    heard = {}
    for stem in ("drums", "vocals", "bass"):
        mel = log_mel(demo(stem))
        cuts = np.stack([mel[at : at + FRAMES] for at in range(0, len(mel) - FRAMES, FRAMES)])
        heard[stem] = network(torch.from_numpy(cuts))[0].mean(dim=0)
    assert max(heard, key=lambda stem: heard[stem][DRUMS]) == "drums"
    assert max(heard, key=lambda stem: heard[stem][VOCAL]) == "vocals"


def test_as_an_ear_it_tells_stems_apart_and_knows_no_words(package):
    ear = MusicnnEmbedding(package)
    assert not isinstance(ear, EmbeddingModel)
    audio = {stem: demo(stem) for stem in ("drums", "vocals")}
    early, late, other = (
        embed_stem(ear, part, RATE_HZ).whole
        for part in (audio["drums"][:80_000], audio["drums"][80_000:160_000], audio["vocals"][:80_000])
    )
    assert early @ late > early @ other
    assert likeness_to_words(ear, "drums", early) == {}


def test_a_file_that_is_not_the_package_is_refused_in_a_sentence(tmp_path):
    (tmp_path / "x.whl").write_bytes(b"not a wheel")
    for wrong in (tmp_path / "x.whl", tmp_path / "none.whl", tmp_path):
        with pytest.raises(ValueError, match=r"no weights MTT_musicnn in .*; fetch them by: pip download"):
            load_musicnn(wrong)


def test_other_weights_under_its_name_are_refused(tmp_path):
    (tmp_path / "MTT_musicnn").mkdir()
    for part in (".index", ".data-00000-of-00001"):
        (tmp_path / "MTT_musicnn" / part).write_bytes(b"other")
    with pytest.raises(ValueError, match=r"are others than those of musicnn 0\.1\.0"):
        load_musicnn(tmp_path)


def test_a_damaged_index_is_refused_wherever_it_is_damaged(package):
    index = (package / "MTT_musicnn" / ".index").read_bytes()
    numbers = (package / "MTT_musicnn" / ".data-00000-of-00001").read_bytes()
    whole = checkpoint_arrays(index, numbers)
    assert whole["conv2d/kernel"].shape == (7, 38, 1, 204)
    with pytest.raises(ValueError, match="not the index"):
        checkpoint_arrays(index[:-8] + bytes(8), numbers)
    with pytest.raises(ValueError, match="do not fill"):
        checkpoint_arrays(index, numbers[: len(numbers) // 2])
    rng = np.random.default_rng(0)
    for _ in range(200):
        bad = bytearray(index)
        bad[int(rng.integers(len(index) - 8))] ^= 1 << int(rng.integers(8))
        try:
            found = checkpoint_arrays(bytes(bad), numbers)
        except ValueError:
            continue
        assert all(np.isfinite(array.shape).all() for array in found.values())
