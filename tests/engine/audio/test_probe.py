"""Rate and length of a file without opening it: by its header in Python, else by a confined process."""

from __future__ import annotations

import struct
import subprocess
from pathlib import Path

import numpy as np
import pytest
import soundfile

from engine import RequestError, length_of, rate_of
from engine.audio import probe
from engine.audio.probe import rate_and_length

ROOT = Path(__file__).parents[3]
FORMATS = [
    ("WAV", "PCM_16"), ("WAV", "PCM_24"), ("WAV", "FLOAT"), ("WAVEX", "PCM_24"), ("RF64", "PCM_16"), ("FLAC", "PCM_24"),
]  # fmt: skip
OTHERS = [("AIFF", "PCM_16"), ("OGG", "VORBIS")]


def written(path: Path, container: str, subtype: str, rate_hz: int = 44_100) -> Path:
    soundfile.write(path, np.zeros((12_345, 2), np.float32), rate_hz, format=container, subtype=subtype)
    return path


@pytest.mark.parametrize(("container", "subtype"), FORMATS)
def test_what_daws_write_is_read_without_another_process(tmp_path, monkeypatch, container, subtype):
    monkeypatch.setattr(probe, "_asked_apart", lambda path: pytest.fail("a process was started"))
    assert rate_and_length(written(tmp_path / "x", container, subtype)) == (44_100, 12_345)


@pytest.mark.parametrize(("container", "subtype"), OTHERS)
def test_a_strangers_file_is_opened_by_a_confined_process_and_not_here(tmp_path, monkeypatch, container, subtype):
    path, commands = written(tmp_path / "x", container, subtype, 48_000), []
    run = subprocess.run
    monkeypatch.setattr(soundfile, "SoundFile", lambda *args, **kwargs: pytest.fail("it was opened here"))
    monkeypatch.setattr(subprocess, "run", lambda command, **how: commands.append(command) or run(command, **how))
    assert rate_of(str(path)) == 48_000
    assert any("confine_host" in word for word in commands[0])
    if container != "OGG":  # whose length libsndfile estimates from its end
        assert length_of(str(path)) == pytest.approx(12_345 / 48_000)


def test_a_length_that_the_header_only_claims_is_not_believed(tmp_path):
    path = written(tmp_path / "x.wav", "WAV", "PCM_16")
    raw = bytearray(path.read_bytes())
    raw[40:44] = struct.pack("<I", 1 << 30)
    path.write_bytes(raw)
    assert rate_and_length(path) == (44_100, 12_345)


@pytest.mark.parametrize("raw", [b"", b"RIFF\0\0\0\0WAVEfmt \x10\0\0\0"])
def test_what_is_no_sound_has_no_rate_and_costs_one_sentence(tmp_path, raw):
    path = tmp_path / "x.wav"
    path.write_bytes(raw)
    assert length_of(str(path)) is None
    with pytest.raises(RequestError, match="is not known before it is decoded"):
        rate_of(str(path))


def test_neither_bridge_nor_server_can_open_a_sound_by_itself():
    """Their processes are not confined: what strangers send must not meet a decoder there."""
    for folder in ("osc", "mcp"):
        for file in (ROOT / "engine" / folder).rglob("*.py"):
            assert "import soundfile" not in file.read_text(encoding="utf-8"), file


def test_no_file_at_all_has_no_length(tmp_path):
    for path in (tmp_path, tmp_path / "none.wav", "x" * 5000, "a\0b"):
        assert length_of(str(path)) is None
