"""Stems on disk and the mixes drawn of them."""

import json

import numpy as np
import pytest

from training.mask.mixing import BINS, SILENT_DB, VARIETIES, Mixing, _Shape, _Timbre, spectrum_of
from training.mask.render import SAMPLES, Row, write_rows
from training.mask.stems import StemPool
from training.mask.terms import KIT, TERMS, terms_of

RATE = 44_100


def tone(hertz, channels=1):
    wave = 0.2 * np.sin(2 * np.pi * hertz * np.arange(SAMPLES) / RATE)
    return np.stack([wave] * channels).astype(np.float32)


@pytest.fixture(scope="module")
def pool(tmp_path_factory):
    folder = tmp_path_factory.mktemp("stems")
    rows = [
        Row(tone(110), {"family": "electric-bass", "source": "bank:a", "piece": "one"}),
        Row(tone(440), {"family": "violin", "source": "font:0:40", "piece": "one"}),
        Row(tone(60), {"family": "drums", "source": "bank:k", "piece": "one", "kit": "k1", "part_name": "kick"}),
        Row(tone(5000), {"family": "drums", "source": "bank:k", "piece": "one", "kit": "k1", "part_name": "hi-hat"}),
    ]
    write_rows(folder / "recorded", "shard-00000", rows)
    song = [
        Row(tone(300, 2), {"family": "vocals", "source": "song:x", "piece": "x-0", "part_name": "lead-vocals",
                           "balanced": True}),
        Row(tone(700, 2), {"family": "other", "source": "song:x", "piece": "x-0", "balanced": True}),
    ]  # fmt: skip
    write_rows(folder / "recorded", "song-x", song)
    return StemPool([folder])


def test_stems_come_back_as_they_were_written_mono_and_stereo(pool):
    np.testing.assert_allclose(pool.audio(1, 100, 4000), tone(440)[:, 100:4100], atol=2 / 32767)
    assert pool.audio(4, SAMPLES - 10, 100).shape == (2, 100)
    assert not pool.audio(4, SAMPLES - 10, 100)[:, 10:].any()


def test_a_kit_is_one_player_with_a_stem_for_each_piece(pool):
    kit = pool.by_family["drums"][0]
    assert [pool.names[stem] for stem in kit.stems] == [("drums", "kick"), ("drums", "hi-hat")]
    assert len(pool.by_piece[kit.piece]) == 3


def test_a_stem_is_named_by_family_group_and_part():
    assert terms_of({"family": "violin"}) == ("violin", "bowed strings")
    assert terms_of({"family": "vocals", "part_name": "lead-vocals"}) == ("vocals", "voices", "lead-vocals")
    assert terms_of({"family": "other", "part_name": "kick"}) == ()


def test_every_name_of_a_stem_is_a_term():
    families = [term for term in TERMS if term not in KIT]
    assert {name for family in families for name in terms_of({"family": family}) if family in TERMS} <= {
        *TERMS, *families,
    }  # fmt: skip


def test_a_number_decides_the_mix(pool):
    first, second = Mixing(pool, 64, seed=1), Mixing(pool, 64, seed=1)
    for one, other in zip(first.questions(7, 2), second.questions(7, 2), strict=True):
        np.testing.assert_array_equal(one.mix, other.mix)
        np.testing.assert_array_equal(one.stem, other.stem)
        assert one.term == other.term
    assert not np.array_equal(first.questions(8, 1)[0].mix, one.mix)


def test_what_is_asked_for_is_heard_or_silent(pool):
    mixing = Mixing(pool, 64, seed=2)
    seen = set()
    for index in range(60):
        for question in mixing.questions(index, 2):
            loud = float(np.mean(np.abs(question.stem) ** 2)) / float(np.mean(np.abs(question.mix) ** 2))
            assert loud == 0 or 10 * np.log10(loud) > SILENT_DB - 1
            seen.add((TERMS[question.term], loud > 0))
    assert {("kick", True), ("drums", True), ("violin", True), ("vocals", True)} <= seen
    assert any(not there for _, there in seen)


def test_a_stem_alone_in_its_mix_is_the_mix(pool):
    mixing = Mixing(pool, 64, seed=3)
    alone = [
        q
        for k in range(80)
        for q in mixing.questions(k, 1)
        if np.abs(q.stem).max() > 0 and np.allclose(q.stem, q.mix, atol=1e-4 * np.abs(q.mix).max())
    ]
    assert alone  # single stems are drawn too, and nothing is added to them


def test_a_wider_variety_moves_the_same_players_further(pool):
    def spread(variety):
        curves = [_Shape.draw(np.random.default_rng(k), VARIETIES[variety], 64, plain=False).gains for k in range(40)]
        return float(np.mean([20 * np.log10(np.abs(curve) + 1e-6).std() for curve in curves]))

    assert spread("wide") > 1.2 * spread("usual")
    question = Mixing(pool, 64, seed=4, variety=VARIETIES["wide"]).questions(1, 1)[0]
    assert np.isfinite(question.mix).all()
    assert np.abs(question.mix).max() > 0


def vowel(formant_hz, seconds=1.5):
    """A stem of 80 partials of 110 Hz with one formant, float32 (1, N), that fades."""
    time_s = np.arange(int(seconds * 44100)) / 44100
    partials_hz = 110 * np.arange(1, 81)
    strength = np.exp(-(((partials_hz - formant_hz) / 600) ** 2)) + 0.01
    tone = sum(a * np.sin(2 * np.pi * f * time_s) for a, f in zip(strength, partials_hz, strict=True))
    return (0.01 * tone * np.exp(-2 * time_s)).astype(np.float32)[None]


def test_another_timbre_moves_the_formant_and_leaves_pitch_loudness_and_sides():
    spectrum = np.stack([spectrum_of(channel) for channel in np.concatenate([vowel(2000), 0.5 * vowel(2000)])])
    moved = _Timbre(shift=1.3, contrast=1.0, dynamics=1.0).apply(spectrum)
    hz = np.arange(BINS) * 44100 / 4096

    def centre_hz(one):
        power = (np.abs(one) ** 2).sum((0, 1)) * (hz > 500)
        return float((power * hz).sum() / power.sum())

    assert centre_hz(moved) > 1.15 * centre_hz(spectrum)
    assert np.square(np.abs(moved)).sum() == pytest.approx(np.square(np.abs(spectrum)).sum(), rel=1e-3)
    np.testing.assert_allclose(np.abs(moved[1]), 0.5 * np.abs(moved[0]), rtol=1e-2, atol=1e-4)
    loudest = np.argmax(np.abs(moved[0]).mean(0))
    assert abs(hz[loudest] / 110 - round(hz[loudest] / 110)) < 0.1  # still on a partial
    np.testing.assert_allclose(_Timbre(1.0, 1.0, 1.0).apply(spectrum), spectrum, rtol=1e-4, atol=1e-5)


def test_another_timbre_may_be_livelier():
    spectrum = np.stack([spectrum_of(vowel(2000)[0])])

    def span_db(one):
        frames = 20 * np.log10(np.abs(one).mean((0, 2)))
        return float(frames.max() - frames.min())

    assert span_db(_Timbre(1.0, 1.0, 1.4).apply(spectrum)) > span_db(spectrum) + 2
    silent = np.zeros_like(spectrum)
    assert not _Timbre(1.3, 1.4, 1.4).apply(silent).any()


def test_the_widest_variety_changes_timbres_too(pool):
    shapes = [_Shape.draw(np.random.default_rng(k), VARIETIES["widest"], 64, plain=False) for k in range(40)]
    assert 10 < sum(shape.timbre is not None for shape in shapes) < 40
    assert all(_Shape.draw(np.random.default_rng(k), VARIETIES["wide"], 64, False).timbre is None for k in range(9))
    question = Mixing(pool, 64, seed=4, variety=VARIETIES["widest"]).questions(1, 1)[0]
    assert np.isfinite(question.mix).all()
    assert np.abs(question.mix).max() > 0


def test_a_spectrum_has_the_frames_that_fit():
    assert spectrum_of(tone(440)[0, : 63 * 1024 + 4096]).shape == (64, 1024)


def test_labels_survive_as_json(pool, tmp_path):
    write_rows(tmp_path, "a", [Row(tone(100), {"family": "flute", "source": "s", "piece": "p"})])
    label = json.loads((tmp_path / "a.json").read_text())["stems"][0]
    assert (label["row"], label["channels"], label["family"]) == (0, 1, "flute")


def test_no_stems_is_one_sentence(tmp_path):
    with pytest.raises(ValueError, match="mask-stems"):
        StemPool([tmp_path])
