"""Promises of produced music for the mask decoder: projects become aligned stems, kits banks, kicks and basses low."""

from __future__ import annotations

import json
import zlib
from pathlib import Path

import numpy as np
import pytest
import soundfile

from training.data import hydrogen, lmms
from training.data.instruments import families
from training.data.sources import RATE
from training.mask.credits import heard_in
from training.mask.electronic import _strokes
from training.mask.render import SAMPLES, write_rows
from training.mask.songs import project_rows
from training.mask.stems import StemPool
from training.mask.terms import KIT
from training.synthesis.electronic import (
    HIGHEST,
    LOWEST,
    bass_line,
    bass_sound,
    draw_bass,
    draw_kick,
    ducking,
    kick,
)
from training.synthesis.score import Note


def track(name: str, plugin: str, at: tuple[int, ...], muted: str = "0") -> str:
    notes = '<note pos="0" len="24" key="57"/>'
    clips = "".join(f'<pattern pos="{pos}" len="192">{notes}</pattern>' for pos in at)
    return f'<track type="0" name="{name}" muted="{muted}"><instrumenttrack>{plugin}</instrumenttrack>{clips}</track>'


def sample(src: str) -> str:
    return f'<instrument name="audiofileprocessor"><audiofileprocessor src="{src}"/></instrument>'


SYNTH = '<instrument name="tripleoscillator"><tripleoscillator/></instrument>'
BEAT = "".join(
    track(name, sample(f"drums/{name}.ogg"), (0,)) for name in ("kick01", "kick02", "hihat_closed01", "shaker01")
)
PROJECT = f"""<lmms-project><head bpm="120"/><song><trackcontainer>
<track type="1" name="Beat" muted="0"><bbtrack><trackcontainer>{BEAT}</trackcontainer></bbtrack>
<bbtco pos="0" len="7680"/></track>
{track("bass", SYNTH, (0, 192, 3840, 4032, 4224, 4416))}
{track("lead", SYNTH, (3840, 4032, 4224, 4416))}
{track("silent", SYNTH, ())}
{track("unused", SYNTH, (0,), muted="1")}
</trackcontainer><fxmixer><fxchannel num="0"><fxchain enabled="1"/></fxchannel>
<fxchannel num="1"><fxchain enabled="1"/></fxchannel></fxmixer></song></lmms-project>"""
NAMED = {"5": "synth-bass"}


@pytest.fixture
def project(tmp_path: Path):
    path = tmp_path / "song.mmpz"
    data = PROJECT.encode()
    path.write_bytes(len(data).to_bytes(4, "big") + zlib.compress(data))
    return lmms.read_project(path)


def test_a_project_is_read_packed_or_plain(tmp_path, project):
    plain = tmp_path / "song.mmp"
    plain.write_text(PROJECT, "utf-8")
    assert lmms.stems_of(lmms.read_project(plain), NAMED) == lmms.stems_of(project, NAMED)
    broken = tmp_path / "broken.mmpz"
    broken.write_bytes(b"no project at all")
    with pytest.raises(ValueError, match=r"broken\.mmpz"):
        lmms.read_project(broken)


def test_a_stem_is_a_piece_of_the_kit_or_a_track_that_sounds(project):
    found = {(s.family, s.part, s.tracks) for s in lmms.stems_of(project, NAMED)}
    assert found == {
        ("drums", "kick", (1, 2)), ("drums", "hi-hat", (3,)), ("percussion", "", (4,)), ("synth-bass", "", (5,)),
        ("other", "", (6,)),
    }  # fmt: skip


def test_a_stem_is_the_project_with_all_other_tracks_muted_and_no_effects_on_the_sum(project):
    alone = lmms.ET.fromstring(lmms.soloed(project, (1, 2)))
    heard = [t.get("name") for t in alone.iter("track") if t.get("type") == "0" and t.get("muted") == "0"]
    assert heard == ["kick01", "kick02"]
    chains = {c.get("num"): c.find("fxchain").get("enabled") for c in alone.iter("fxchannel")}
    assert chains == {"0": "0", "1": "1"}


def test_an_excerpt_is_where_most_tracks_play_and_keeps_the_places_of_the_tracks(project):
    cut = lmms.excerpt(project, 8.0)  # 768 ticks at 120 bpm: from tick 3840 on
    assert [t.get("name") for t in cut.iter("track")] == [t.get("name") for t in project.iter("track")]
    starts = {t.get("name"): [int(p.get("pos")) for p in t.findall("pattern")] for t in cut.iter("track")}
    assert starts["bass"] == starts["lead"] == [0, 192, 384, 576]
    beat = next(cut.iter("bbtco"))
    assert (beat.get("pos"), beat.get("len")) == ("0", "768")
    assert starts["kick01"] == [0]  # the beat itself stays as it is
    whole = lmms.excerpt(project, 500.0)
    assert lmms.ET.tostring(whole) == lmms.ET.tostring(project)


def test_every_project_of_the_table_has_a_licence_an_author_and_families_we_know():
    known = {*families(), "other", *(f"drums/{piece}" for piece in KIT)}
    for name, row in lmms.tables()["projects"].items():
        assert row["licence"] in ("Artistic-2.0", "BSD-2-Clause"), name
        assert row["author"], name
        assert set(row["tracks"].values()) <= known, name
    assert set(lmms.tables()["samples"].values()) <= known


def test_the_spans_of_a_song_are_aligned_balanced_and_hold_a_kit_as_one_player(tmp_path):
    rng = np.random.default_rng(1)
    mono = 0.2 * rng.standard_normal(2 * SAMPLES).astype(np.float32)
    wide = 0.1 * rng.standard_normal((2, 2 * SAMPLES)).astype(np.float32)
    stems = [
        (lmms.ProjectStem("drums", "kick", "kick", (1,)), np.stack([mono, mono])),
        (lmms.ProjectStem("drums", "hi-hat", "hat", (2,)), np.stack([mono, mono]) * np.float32(0.5)),
        (lmms.ProjectStem("synth-bass", "", "bass", (3,)), wide),
    ]
    rows = project_rows("tiny", stems)
    first = [row for row in rows if row.label["piece"] == "tiny-0"]
    assert [row.audio_CN.shape[0] for row in first] == [1, 1, 2]
    np.testing.assert_allclose(first[1].audio_CN, first[0].audio_CN * 0.5, rtol=1e-5)
    gain = first[0].audio_CN[0, :100] / mono[:100]
    np.testing.assert_allclose(first[2].audio_CN[:, :100], wide[:, :100] * gain, rtol=1e-4)
    write_rows(tmp_path, "song-tiny", rows)
    pool = StemPool([tmp_path])
    players = pool.by_piece[f"{tmp_path.name}/tiny-0"]
    assert [(p.family, len(p.stems), p.balanced, p.recorded) for p in players] == [
        ("drums", 2, True, True), ("synth-bass", 1, True, True),
    ]  # fmt: skip


@pytest.fixture
def kit_folder(tmp_path: Path) -> Path:
    rows = ""
    for number, name in enumerate(("Kick Low", "Kick Hard", "Hat Op Dirty", "Hat Ring", "Hand Clap", "Whistle")):
        soundfile.write(tmp_path / f"{number}.wav", np.full(400, 0.1 * (number + 1), dtype=np.float32), RATE)
        layer = f"<layer><filename>{number}.wav</filename></layer>"
        rows += f"<instrument><name>{name}</name><volume>0.5</volume>{layer}</instrument>"
    head = '<drumkit_info xmlns="http://www.hydrogen-music.org/drumkit"><instrumentList>'
    (tmp_path / "drumkit.xml").write_text(f"{head}{rows}</instrumentList></drumkit_info>", "utf-8")
    return tmp_path


def test_a_kit_of_hydrogen_is_a_bank_with_the_pieces_we_have_names_for(kit_folder):
    kit = hydrogen.HydrogenKit(kit_folder)
    assert [note.piece for note in kit.notes] == ["kick", "kick", "hat open", "hat closed", "clap"]
    assert all(float(note.audio.max()) == pytest.approx(0.5, abs=1e-3) for note in kit.notes)
    narrow = kit.narrowed(np.random.default_rng(1))
    assert sorted(note.piece for note in narrow.notes) == ["clap", "hat closed", "hat open", "kick"]
    assert len(kit.notes) == 5


def test_a_kit_sounds_alike_whichever_of_its_pieces_play(kit_folder):
    kit = hydrogen.HydrogenKit(kit_folder)
    low, high = Note(0.0, 0.1, 36, 100), Note(0.5, 0.1, 42, 90)
    for machine in (None, kit):
        both = _strokes(np.random.default_rng(3), (low, high), machine, 1.0)
        apart = [_strokes(np.random.default_rng(3), (note,), machine, 1.0) for note in (low, high)]
        assert np.any(apart[0])
        np.testing.assert_allclose(both[: RATE // 2], apart[0][: RATE // 2], atol=1e-6)


@pytest.mark.parametrize("seed", range(8))
def test_a_kick_is_low_and_ends(seed):
    rng = np.random.default_rng(seed)
    sound = kick(rng, draw_kick(rng), RATE)
    power = np.abs(np.fft.rfft(sound)) ** 2
    hertz = np.fft.rfftfreq(len(sound), 1 / RATE)
    assert float(np.abs(sound).max()) == pytest.approx(1.0, abs=1e-4)
    assert power[hertz < 250].sum() > 0.5 * power.sum()
    assert abs(float(sound[-1])) < 1e-3


@pytest.mark.parametrize("seed", range(12))
def test_a_bass_line_lies_in_the_lowest_octaves_and_within_the_piece(seed):
    rng = np.random.default_rng(seed)
    written = tuple(Note(0.5 * k, 0.4, 40 + k, 90) for k in range(8))
    line = bass_line(rng, written, [0.0, 1.0, 2.0, 3.0], 4.0)
    assert line
    assert all(LOWEST <= note.midi <= HIGHEST for note in line)
    assert all(note.start_s >= 0 and note.length_s > 0 and note.end_s <= 4.01 for note in line)
    sound = bass_sound(rng, draw_bass(rng), line, 4.0, RATE)
    assert sound.shape == (4 * RATE,)
    assert np.any(np.abs(sound) > 0.1)


def test_ducking_is_deepest_at_the_kick_and_gone_before_long():
    for seed in range(6):
        gain = ducking(np.random.default_rng(seed), [0.5, 1.5], 2 * RATE, RATE)
        assert gain.shape == (2 * RATE,)
        assert 0 <= gain.min() < 0.55
        assert gain.max() <= 1 + 1e-9
        assert (
            abs(int(np.argmin(gain)) - RATE // 2) < 0.01 * RATE or abs(int(np.argmin(gain)) - 1.5 * RATE) < 0.01 * RATE
        )
        np.testing.assert_allclose(gain[round(0.95 * RATE) : round(1.4 * RATE)], 1.0)


def test_songs_and_kits_of_the_tables_are_credited(tmp_path):
    stems = [{"source": "song:Saber-FinalStep"}, {"source": "bank:hydrogen/VariBreaks"}]
    (tmp_path / "shard.json").write_text(json.dumps({"stems": stems}), "utf-8")
    lines = heard_in([tmp_path]).lines()
    assert any("Saber Rastikerdar" in line and "BSD-2-Clause" in line for line in lines)
    assert any("Artemiy Pavlov" in line for line in lines)
