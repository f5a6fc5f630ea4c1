"""A folder of a producer's stems: what changes in it is cut anew, what cannot be read is said."""

import numpy as np
import pytest
import soundfile as sf

from training.data.mixer import StemMixer
from training.data.stem_cache import StemCache, write_shard
from training.finetune.stems import BlendedMixer, JoinedStemCache, read_own

RATE_HZ, SECONDS = 4000, 4.0


def piece(folder, files, seconds=24.0):
    folder.mkdir(parents=True)
    time_s = np.arange(round(seconds * RATE_HZ)) / RATE_HZ
    for name, hertz in files.items():
        sf.write(folder / f"{name}.wav", (0.2 * np.sin(2 * np.pi * hertz * time_s)).astype(np.float32), RATE_HZ)


def sources(cache):
    return {cache.label(k)["source"] for k in range(cache.count)}


def test_stems_of_a_folder_given_before_are_gone(tmp_path):
    piece(tmp_path / "a" / "one", {"bass": 60, "piano": 440})
    piece(tmp_path / "a" / "two", {"bass": 70, "violin": 500})
    piece(tmp_path / "b" / "three", {"bass": 80, "trumpet": 300})
    first = read_own(tmp_path / "a", tmp_path / "run" / "stems", RATE_HZ, SECONDS)
    assert sources(first.train) == sources(first.held) == {"set:folder:one", "set:folder:two"}
    other = read_own(tmp_path / "b", tmp_path / "run" / "stems", RATE_HZ, SECONDS)
    assert sources(other.train) == sources(other.held) == {"set:folder:three"}
    assert other.families == ("electric-bass", "trumpet")
    assert [path.name for path in (tmp_path / "run").iterdir()] == ["stems"]


def test_stems_are_cut_once_and_again_when_one_changes(tmp_path):
    piece(tmp_path / "a" / "one", {"bass": 60, "piano": 440})
    into = tmp_path / "stems"
    assert read_own(tmp_path / "a", into, RATE_HZ, SECONDS).anew
    stamp = (into / "train").stat().st_ino
    assert not read_own(tmp_path / "a", into, RATE_HZ, SECONDS).anew
    assert (into / "train").stat().st_ino == stamp
    piece(tmp_path / "a" / "two", {"bass": 70, "violin": 500})
    assert "violin" in read_own(tmp_path / "a", into, RATE_HZ, SECONDS).families
    assert (into / "train").stat().st_ino != stamp


def test_what_was_cut_stays_when_the_new_folder_cannot_be_cut(tmp_path):
    piece(tmp_path / "a" / "one", {"bass": 60, "piano": 440})
    piece(tmp_path / "silent" / "one", {"bass": 0, "piano": 0})
    read_own(tmp_path / "a", tmp_path / "stems", RATE_HZ, SECONDS)
    with pytest.raises(ValueError, match="are the stems silent"):
        read_own(tmp_path / "silent", tmp_path / "stems", RATE_HZ, SECONDS)
    assert StemCache(tmp_path / "stems" / "train").count
    assert not list(tmp_path.glob(".cut-*"))


def test_a_file_that_cannot_be_read_is_named(tmp_path):
    piece(tmp_path / "a" / "one", {"bass": 60, "flute": 880})
    (tmp_path / "a" / "one" / "piano.wav").write_bytes(b"no sound")
    own = read_own(tmp_path / "a", tmp_path / "stems", RATE_HZ, SECONDS)
    assert len(own.problems) == 1
    assert own.problems[0].startswith("one: piano.wav cannot be read")


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda root: None, "no folder .*; give the folder of your stems with --stems"),
        (lambda root: piece(root / "one", {"bass": 60}), "put the stems of a piece into one folder"),
        (lambda root: root.mkdir(), "holds two sounds or more"),
    ],
)
def test_a_folder_that_holds_no_pieces_is_refused_in_words_that_help(tmp_path, make, said):
    make(tmp_path / "mine")
    with pytest.raises(ValueError, match=said):
        read_own(tmp_path / "mine", tmp_path / "stems", RATE_HZ, SECONDS)


def test_takes_of_blended_mixes_are_numbers_of_the_joined_stems(tmp_path):
    time_s = np.arange(round(SECONDS * RATE_HZ)) / RATE_HZ
    caches = []
    for place, names in (("own", ("bass", "piano")), ("rendered", ("flute", "drums"))):
        tones = [(0.2 * np.sin(2 * np.pi * (200 + 90 * k) * time_s)).astype(np.float32) for k in (0, 1)]
        labels = [{"family": name, "source": place, "piece": f"{place}-0"} for name in names]
        write_shard(tmp_path / place, "shard-00000", tones, labels)  # both shards have one name
        caches.append(StemCache(tmp_path / place))
    blend = BlendedMixer(StemMixer(caches[0]), StemMixer(caches[1]), 0.4)
    assert blend.cache.count == 4
    assert sources(blend.cache) == {"own", "rendered"}
    met = set()
    for seed in range(40):
        mix = blend.draw(np.random.default_rng(seed), 8000)
        assert [blend.cache.label(take.stem) for take in mix.takes] == mix.labels
        met |= {take.stem for take in mix.takes}
    assert met == {0, 1, 2, 3}


def test_rendered_stems_of_another_length_are_refused(tmp_path):
    for place, samples in (("own", 8000), ("rendered", 4000)):
        write_shard(tmp_path / place, "shard-0", [np.ones(samples, np.float32)], [{"family": "bass", "piece": "1"}])
    with pytest.raises(ValueError, match="are 4000 samples long, yours were cut to 8000"):
        JoinedStemCache(StemCache(tmp_path / "own"), StemCache(tmp_path / "rendered"))
