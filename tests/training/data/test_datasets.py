"""Promises of the readers: tiny folders laid out like the originals give pieces with the right labels and sound."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import tinysets

from training.data.datasets import KINDS, read_dataset
from training.data.datasets.index import main, make_index
from training.data.datasets.labels import family_of, term_of_words
from training.data.instruments import families, groups
from training.data.mixer import StemMixer
from training.data.piece import OTHER
from training.data.stem_cache import StemCache

MAKERS = {
    "musdb": tinysets.musdb_hq,
    "moisesdb": tinysets.moisesdb,
    "slakh": tinysets.slakh,
    "music": tinysets.music,
    "folder": tinysets.stem_folders,
}


@pytest.fixture(scope="module")
def roots(tmp_path_factory) -> dict[str, Path]:
    made = {kind: make(tmp_path_factory.mktemp(kind)) for kind, make in MAKERS.items()}
    return {**made, "stem.mp4": tinysets.musdb_mp4(tmp_path_factory.mktemp("mp4"))}


def pitch_hz(audio_N: np.ndarray, rate_hz: int) -> float:
    spectrum = np.abs(np.fft.rfft(audio_N * np.hanning(len(audio_N))))
    return float(np.argmax(spectrum)) * rate_hz / len(audio_N)


def test_every_kind_has_a_test_here():
    assert set(MAKERS) == set(KINDS)


@pytest.mark.parametrize("kind", KINDS)
def test_every_reader_gives_pieces_of_one_type_without_problems(kind, roots):
    pieces = list(read_dataset(kind, roots[kind]))
    index = make_index(kind, pieces, listen=True)
    expected = {"snare drum"} if kind == "moisesdb" else set()  # that one is marked as bleeding
    assert len({piece.name for piece in pieces}) == len(pieces)
    assert all("bleeding" in problem for _, problem in index.problems) if expected else index.problems == []
    for piece in pieces:
        assert piece.seconds == pytest.approx(8.0 if kind == "music" else tinysets.SECONDS, abs=0.2)
        stems_SN = piece.cut(0.5, 8000, 16_000)
        assert stems_SN.shape == (len(piece.stems), 8000)
        assert stems_SN.dtype == np.float32
        assert all(stem.term in {*families(), *groups(), OTHER} for stem in piece.stems)


@pytest.mark.parametrize("layout", ["musdb", "stem.mp4"])
def test_musdb_of_both_kinds(roots, layout):
    pieces = list(read_dataset("musdb", roots[layout]))
    assert {piece.split for piece in pieces} == {"train", "test"}
    assert pieces[0].name == "Ann - First"
    for piece in pieces:
        assert [(s.label, s.term) for s in piece.stems] == [
            ("drums", "drums"), ("bass", "bass"), ("other", "other"), ("vocals", "vocals"),
        ]  # fmt: skip
        for stem, hertz in zip(piece.stems, tinysets.MUSDB_STEMS.values(), strict=True):
            rate = stem.sound.rate_hz
            for start_s in (0.3, 1.7):  # a span in the middle is the same sound
                middle = stem.sound.read(round(start_s * rate), rate)
                assert middle.shape == (2, rate)
                assert pitch_hz(middle[0], rate) == pytest.approx(hertz, abs=2)
        assert piece.mix is not None


def test_the_folder_of_one_split_will_do(roots):
    assert [(p.name, p.split) for p in read_dataset("musdb", roots["musdb"] / "test")] == [("Cid - Third", "test")]
    assert [p.split for p in read_dataset("slakh", roots["slakh"] / "validation")] == ["validation"]


def test_a_span_of_a_stem_file_is_where_it_was_written(tmp_path):
    rate = 44_100
    clicks = np.zeros((rate * 4, 2), dtype=np.float32)
    for second in (1, 2, 3):
        clicks[second * rate : second * rate + 200] = 0.8
    tinysets.stem_file(tmp_path / "train" / "c.stem.mp4", [clicks] * 5)
    [piece] = read_dataset("musdb", tmp_path)
    for second in (1, 2, 3):
        span = piece.stems[0].sound.read(round((second - 0.25) * rate), rate // 2)[0]
        assert abs(int(np.argmax(np.abs(span) > 0.3)) - rate // 4) < 80


def test_moisesdb_sums_tracks_of_one_kind(roots):
    piece = next(iter(read_dataset("moisesdb", roots["moisesdb"])))
    terms = {stem.label: stem.term for stem in piece.stems}
    assert terms["lead female singer"] == "vocals"
    assert terms["distorted electric guitar"] == "distorted-guitar"
    assert terms["kick drum"] == terms["snare drum"] == "drums"
    assert list(terms.values()).count(OTHER) == 1
    assert len(piece.stems) == len(tinysets.MOISES_TRACKS)
    snare = next(s for s in piece.stems if s.label == "snare drum")
    spectrum = np.abs(np.fft.rfft(snare.sound.read(10_000, tinysets.RATE_HZ)[0]))
    assert sorted(np.argsort(spectrum)[-2:]) == [180, 220]
    assert "Dee - Song 0a1b" in piece.name


def test_slakh_knows_instruments_splits_and_what_was_never_rendered(roots):
    pieces = {piece.split: piece for piece in read_dataset("slakh", roots["slakh"])}
    assert set(pieces) == {"train", "validation", "test"}
    stems = [(s.label, s.term) for s in pieces["train"].stems]
    assert stems == [
        ("Distortion Guitar", "distorted-guitar"), ("Electric Bass (finger)", "electric-bass"), ("Drums", "drums"),
        ("Acoustic Grand Piano", "piano"), ("Breath Noise", "other"),
    ]  # fmt: skip


def test_slakh_without_folders_for_splits_goes_by_numbers(roots, tmp_path):
    for split in ("train", "validation", "test"):
        for track in (roots["slakh"] / split).iterdir():
            shutil.copytree(track, tmp_path / track.name)
    assert [p.split for p in read_dataset("slakh", tmp_path)] == ["train", "validation", "test"]


def test_music_has_pictures_in_step(roots):
    pieces = {piece.name: piece for piece in read_dataset("music", roots["music"])}
    guitar = pieces["acoustic_guitar/M3dek"]
    assert (guitar.split, guitar.stems[0].term) == ("train", "acoustic-guitar")
    assert pieces["erhu/Zz"].split == "validation"
    assert pieces["xylophone/Q9"].stems[0].term == "marimba"
    frames = guitar.frames.read(8, 4, 16)
    assert frames.shape == (4, 16, 16, 3)
    assert abs(int(frames[0, 8, 8, 1]) - 24) < 6  # frame 8 was painted 3 * 8
    assert (guitar.frames.read(63, 3, 16)[0] == guitar.frames.read(63, 3, 16)[2]).all()


def test_a_folder_of_stems_is_understood_by_its_file_names(roots):
    [piece] = read_dataset("folder", roots["folder"])
    assert piece.split == "train"
    assert {s.label: s.term for s in piece.stems} == {
        "01_Lead Vocals": "vocals", "02 Drum Kit": "drums", "Upright_Bass": "double-bass", "weird noises": "other",
    }  # fmt: skip
    assert piece.mix is not None


@pytest.mark.parametrize(
    ("words", "term"),
    [("Gtr_Electric Guitar 2", "electric-guitar"), ("bass", "bass"), ("VIOLIN (1)", "violin"), ("xyz", "other")],
)
def test_file_names_are_read_by_the_longest_noun(words, term):
    assert term_of_words(words) == term


def test_every_label_leads_to_a_family_a_cache_may_name():
    for term in (*families(), *groups(), OTHER):
        assert family_of(term) in {*families(), OTHER}
    assert family_of("bass") == "electric-bass"


DAMAGE = {
    "musdb": ("train/Ann - First/bass.wav", "Ann - First: bass.wav is missing"),
    "moisesdb": ("moisesdb_v0.1/0a1b/guitar/id-3-0.wav", "guitar/id-3-0.wav is missing"),
    "slakh": ("train/Track00001/mix.flac", "Track00001: mix.flac is missing"),
    "music": ("audio/violin/a_b-C.mp3", "violin/a_b-C: a_b-C.mp3 is missing"),
}


@pytest.mark.parametrize("kind", DAMAGE)
def test_a_missing_file_is_a_problem_and_not_the_end(kind, roots, tmp_path, capsys):
    file, sentence = DAMAGE[kind]
    root = tmp_path / "copy"
    shutil.copytree(roots[kind], root)
    (root / file).unlink()
    assert main(["--kind", kind, str(root)]) == 0
    assert sentence in capsys.readouterr().out


def test_headers_tell_lengths_rates_and_rubbish(roots, tmp_path):
    root = tmp_path / "hq"
    shutil.copytree(roots["musdb"], root)
    tinysets.write(root / "train" / "Ann - First" / "bass.wav", tinysets.tone(60, 1.0))
    tinysets.write(root / "train" / "Bob - Second" / "bass.wav", tinysets.tone(60, rate_hz=16_000), 16_000)
    (root / "test" / "Cid - Third" / "vocals.wav").write_bytes(b"no sound")
    (root / "test" / "Dot - Fourth.stem.mp4").write_bytes(b"no film")
    problems = [f"{name}: {what}" for name, what in make_index("musdb", read_dataset("musdb", root)).problems]
    for sentence in (
        "Ann - First: bass is 2.0 s shorter than the longest stem",
        "Bob - Second: sample rates differ: 16000 Hz, 22050 Hz",
        "Cid - Third: vocals.wav cannot be read",
        "Dot - Fourth: Dot - Fourth.stem.mp4 cannot be read",
        "Dot - Fourth: it has no stem that can be read",
    ):
        assert any(problem.startswith(sentence) for problem in problems), (sentence, problems)


def test_listening_tells_silence_and_a_wrong_mix(roots, tmp_path):
    root = tmp_path / "hq"
    shutil.copytree(roots["musdb"], root)
    tinysets.write(root / "train" / "Ann - First" / "bass.wav", np.zeros_like(tinysets.tone(60)))
    problems = [what for _, what in make_index("musdb", read_dataset("musdb", root), listen=True).problems]
    assert "bass is silent" in problems
    assert any(problem.startswith("the mix differs from the sum of its stems by -6 dB") for problem in problems)


def test_the_command_reports_hours_labels_and_problems(roots, tmp_path, capsys):
    assert main(["--kind", "slakh", str(roots["slakh"]), "--json", str(tmp_path / "i.json")]) == 0
    out = capsys.readouterr().out
    assert "slakh: 3 pieces, 0.00 h of mixes" in out
    assert "Distortion Guitar" in out
    assert "-> distorted-guitar" in out
    assert "without a family of ours, part of mixes only: Breath Noise" in out
    assert "problems: none" in out
    table = json.loads((tmp_path / "i.json").read_text("utf-8"))
    assert table["hours"] == pytest.approx(9 / 3600)
    assert table["splits"]["train"]["pieces"] == 1


def test_mistakes_are_one_sentence(tmp_path, roots):
    with pytest.raises(ValueError, match="unknown kind of data set 'slak'; choose one of musdb, moisesdb"):
        next(read_dataset("slak", tmp_path))
    with pytest.raises(ValueError, match=r"no folder .*give the folder that the data set was unpacked into"):
        next(read_dataset("slakh", tmp_path / "no"))
    with pytest.raises(ValueError, match="nothing of kind slakh in"):
        next(read_dataset("slakh", tmp_path))
    with pytest.raises(ValueError, match="no piece of split 'nope'"):
        main(["--kind", "slakh", str(roots["slakh"]), "--split", "nope"])


def test_training_pieces_can_be_cut_into_a_cache(roots, tmp_path):
    assert main(["--kind", "musdb", str(roots["musdb"]), "--cache", str(tmp_path), "--preset", "tiny"]) == 0
    cache = StemCache(tmp_path)
    labels = [cache.label(k) for k in range(cache.count)]
    assert len(cache.pieces) == 2  # the test song is not among them
    assert {label["family"] for label in labels} == {"drums", "electric-bass", "other", "vocals"}
    mix = StemMixer(cache).draw(np.random.default_rng(0), cache.samples // 2)
    assert np.abs(mix.mix).max() > 0.01
