"""The mask decoder's stems as the flow's: at its rate, in mono, a kit as one, and nothing said that cannot be drawn."""

import json

import numpy as np
import pytest

from training.config import load_preset
from training.data.credits import credits
from training.data.stem_cache import StemCache
from training.flow import stems_of_recordings
from training.mask.render import SAMPLES, Row, write_rows
from training.synthesis.render_stems import ensure_cache

TIME_S = np.arange(SAMPLES) / 44_100


def tone(hertz, channels=1):
    return np.stack([0.2 * np.sin(2 * np.pi * hertz * TIME_S)] * channels).astype(np.float32)


@pytest.fixture
def rows(tmp_path):
    kit = {"family": "drums", "source": "bank:k", "piece": "201-3", "part": 1, "kit": "201-3-1"}
    studio = {"family": "violin", "source": "font:0:40", "piece": "101-0", "part": 0, "role": "lead",
              "register": "high", "tempo_bpm": 90.0}  # fmt: skip
    write_rows(tmp_path / "pool", "shard-00000", [
        Row(tone(60), {**kit, "part_name": "kick"}),
        Row(tone(5000), {**kit, "part_name": "hi-hat"}),
        Row(tone(440, 2), studio),
        Row(tone(0), {"family": "flute", "source": "recorded:x", "piece": "x", "part_name": ""}),
    ])  # fmt: skip
    return tmp_path / "pool"


def test_kits_are_whole_stereo_is_mono_and_silence_is_left_out(rows, tmp_path, capsys):
    assert stems_of_recordings.main([str(tmp_path / "cache"), "--stems", str(rows), "--preset", "small"]) == 0
    cache = StemCache(tmp_path / "cache")
    assert capsys.readouterr().out.startswith("2 stems of 12 s at 16000 Hz")
    by_family = {cache.label(k)["family"]: k for k in range(cache.count)}
    assert set(by_family) == {"drums", "violin"}
    assert ensure_cache(load_preset("small"), tmp_path / "cache").count == 2  # nothing else is rendered beside them
    heard = np.abs(np.fft.rfft(cache.audio(by_family["drums"])))
    hertz = np.fft.rfftfreq(cache.samples, 1 / 16_000)
    assert {round(float(h)) for h in hertz[heard > heard.max() / 2]} == {60, 5000}


def test_only_what_the_studio_composed_can_be_drawn(rows, tmp_path):
    stems_of_recordings.main([str(tmp_path / "cache"), "--stems", str(rows)])
    cache = StemCache(tmp_path / "cache")
    labels = {cache.label(k)["family"]: cache.label(k) for k in range(cache.count)}
    assert "part" not in labels["drums"]
    assert labels["violin"] == {"family": "violin", "source": "font:0:40", "piece": "101-0", "part": 0, "role": "lead",
                                "register": "high", "tempo_bpm": 90.0}  # fmt: skip


def test_a_cache_is_not_written_twice(rows, tmp_path):
    stems_of_recordings.main([str(tmp_path / "cache"), "--stems", str(rows)])
    with pytest.raises(ValueError, match="holds stems already"):
        stems_of_recordings.main([str(tmp_path / "cache"), "--stems", str(rows)])


def test_the_credits_of_such_a_cache_name_whose_recordings_were_heard(rows, tmp_path, monkeypatch):
    sounds = tmp_path / "sounds"
    for folder, licence in (("recordings/a-kit", "CC0-1.0"), ("banks/horn", "CC BY 4.0")):
        (sounds / folder).mkdir(parents=True)
        index = {"licence": licence, "attribution": "Somebody", "source": "a site"}
        (sounds / folder / "index.json").write_text(json.dumps(index), "utf-8")
    (sounds / "fluidr3.sf3").touch()
    monkeypatch.setenv("FLUXSTEM_SOUNDS", str(sounds))
    heard = [Row(tone(90), {"family": family, "source": source, "piece": "x", "part_name": ""})
             for family, source in (("drums", "bank:recorded/a-kit:drums"), ("horn", "bank:horn"))]  # fmt: skip
    write_rows(tmp_path / "others", "shard-00000", heard)
    stems_of_recordings.main([str(tmp_path / "cache"), "--stems", str(tmp_path / "others")])
    assert credits(StemCache(tmp_path / "cache")) == [
        "bank horn: CC BY 4.0, Somebody; a site", "recording a-kit: CC0-1.0, Somebody; a site"
    ]  # fmt: skip
    (sounds / "banks" / "horn" / "index.json").unlink()
    with pytest.raises(FileNotFoundError, match="says whose banks/horn is"):
        credits(StemCache(tmp_path / "cache"))
