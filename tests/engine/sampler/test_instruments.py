"""The sampler that ships: what it holds, how words find an instrument, what is said of one that is damaged."""

import hashlib
import json
import os
from dataclasses import replace

import numpy as np
import pytest
import soundfile

from engine.errors import BundleDamaged, BundleTooNew
from engine.sampler import instruments
from engine.sampler.instruments import DESCRIPTION, find_sampler_folder, load_sampler, read_sound

MAY_BE_PASSED_ON = {"MIT", "CC0-1.0", "CC-BY-3.0", "Unlicense"}


def test_what_ships_is_small_hashed_and_credited():
    sampler = load_sampler()
    credits = (sampler.folder / "CREDITS.md").read_text(encoding="utf-8")
    for one in sampler.instruments.values():
        assert hashlib.sha256(one.file.read_bytes()).hexdigest() == one.sha256
        assert one.licence in MAY_BE_PASSED_ON
        assert one.credit in credits
        assert one.low <= one.high
    named = {one.file.name for one in sampler.instruments.values()} | {DESCRIPTION, "CREDITS.md"}
    assert {file.name for file in sampler.folder.iterdir()} == named
    assert sum(file.stat().st_size for file in sampler.folder.iterdir()) < 60e6


@pytest.mark.parametrize(
    ("words", "name"),
    [
        ("trumpet", "trumpet"),
        ("a warm muted trumpet", "muted trumpet"),
        ("bass", "electric bass"),
        ("upright bass", "double bass"),
        ("Rhodes piano", "electric piano"),
        ("piano", "grand piano"),
        ("drums", "drum kit"),
        ("string section, slow", "strings"),
    ],
)
def test_the_longest_label_inside_the_words_finds_the_instrument(words, name):
    assert load_sampler().matching([words])[0].name == name


def test_instruments_of_one_label_are_offered_in_turn():
    names = [one.name for one in load_sampler().matching(["electric piano"])]
    assert names[0] == "electric piano"
    assert "wurlitzer" in names


@pytest.mark.parametrize("words", ["vocals", "a harpist", "", "trumpeter"])
def test_words_that_name_no_instrument_find_none(words):
    assert load_sampler().matching([words]) == []


def copied(tmp_path, **changes):
    described = json.loads((find_sampler_folder() / DESCRIPTION).read_text(encoding="utf-8"))
    described["instruments"] = {"kalimba": described["instruments"]["kalimba"]}
    described["instruments"]["kalimba"] |= changes.pop("kalimba", {})
    (tmp_path / DESCRIPTION).write_text(json.dumps(described | changes), encoding="utf-8")
    sound = find_sampler_folder() / described["instruments"]["kalimba"]["file"]
    (tmp_path / sound.name).write_bytes(sound.read_bytes())
    return tmp_path


def test_a_copy_of_one_instrument_is_a_sampler(tmp_path):
    [kalimba] = load_sampler(copied(tmp_path)).instruments.values()
    assert read_sound(kalimba, 44_100).shape[0] == 1


def test_another_sound_than_the_one_described_is_refused(tmp_path):
    [kalimba] = load_sampler(copied(tmp_path, kalimba={"sha256": "0" * 64})).instruments.values()
    with pytest.raises(BundleDamaged, match="its hash differs"):
        read_sound(kalimba, 44_100)


NOTE = {"midi": 60, "velocity": [0, 127], "start": 0, "samples": 8000, "attack": 0, "level_db": -20.0}


@pytest.mark.parametrize(
    "kalimba",
    [
        {"kind": "unheard"}, {"notes": []}, {"notes": [{"midi": 60}]}, {"labels": None}, {"notes": [NOTE] * 5000},
        *({"release_s": value} for value in (0.0, -1.0, 1e9, float("nan"), float("inf"), "x", None, [1])),
        *({"notes": [NOTE | {"midi": value}]} for value in (-1e9, 1e9, float("nan"), None)),
        *({"notes": [NOTE | {"level_db": value}]} for value in (float("nan"), 1e9, -1e9)),
        *({"notes": [NOTE | {"samples": value}]} for value in (0, -1, float("inf"))),
        *({"notes": [NOTE | {"loop": value}]} for value in ([0, 1], [5, 5], [0, 9000], [-1, 400], [1])),
    ],
)  # fmt: skip
def test_a_description_that_makes_no_sense_is_refused_in_one_sentence(tmp_path, kalimba):
    with pytest.raises(BundleDamaged, match="cannot be read"):
        load_sampler(copied(tmp_path, kalimba=kalimba))


def test_a_newer_sampler_asks_for_a_newer_engine(tmp_path):
    with pytest.raises(BundleTooNew, match="format 2"):
        load_sampler(copied(tmp_path, fluxstem_sampler=2))


@pytest.mark.parametrize("what", ["the description", "the sound"])
def test_what_is_no_plain_file_is_not_read(tmp_path, what):
    folder = copied(tmp_path)
    [kalimba] = load_sampler(folder).instruments.values()
    path = folder / DESCRIPTION if what == "the description" else kalimba.file
    path.unlink()
    os.mkfifo(path)
    load_sampler.cache_clear()
    read_sound.cache_clear()
    with pytest.raises(BundleDamaged, match="is no file"):
        read_sound(next(iter(load_sampler(folder).instruments.values())), 44_100)


def test_a_deeply_nested_description_is_refused_in_one_sentence(tmp_path):
    (tmp_path / DESCRIPTION).write_text('{"a":' + "[" * 200_000)
    with pytest.raises(BundleDamaged, match="cannot be read"):
        load_sampler(tmp_path)


@pytest.mark.parametrize("shape", [(30_000, 3), (100_001, 1)], ids=["channels", "length"])
def test_a_sound_that_unpacks_to_too_much_is_refused(tmp_path, monkeypatch, shape):
    monkeypatch.setattr(instruments, "SOUND_LIMIT_SAMPLES", 100_000)
    [kalimba] = load_sampler(copied(tmp_path)).instruments.values()
    soundfile.write(kalimba.file, np.zeros(shape, np.float32), 44_100, format="FLAC")
    raw = kalimba.file.read_bytes()
    hostile = replace(kalimba, sha256=hashlib.sha256(raw).hexdigest())
    with pytest.raises(BundleDamaged, match="which is too much"):
        read_sound(hostile, 44_100)
