"""What needs a package that is not installed is refused before any work, in one sentence, with exit code 2."""

import sys

import noteline
import pytest
from clihelp import say

from engine.errors import RequestError
from engine.notes.stem_analysis import analyse_stem
from engine.plugins.chain import ChainEffect, EffectChain
from engine.plugins.render_file import render_file

LACKING = (  # an option of a task, the package that it needs, what is said
    ({"task": "restyle", "voice": "sampled", "notes_file": "none.mid"}, "mido", r"fluxstem\[notes\]"),
    ({"chain": "none"}, "pedalboard", r"fluxstem\[plugins\]"),
    ({"chain_before": "none"}, "pedalboard", r"fluxstem\[plugins\]"),
    ({"format": "m4a"}, "av", "pip install av"),
)


SOUND = "no sound at all.wav"


@pytest.fixture
def without(monkeypatch):
    """``without("mido")``: as if a package were not installed."""
    return lambda package: monkeypatch.setitem(sys.modules, package, None)


@pytest.mark.parametrize(("asked", "package", "said"), LACKING)
def test_a_request_that_needs_a_package_is_refused_before_its_files_are_looked_at(run, without, asked, package, said):
    without(package)
    with pytest.raises(RequestError, match=said):
        run(input="no such file.wav", **asked)


@pytest.mark.parametrize(
    ("argv", "package", "said"),
    [
        (["notes", SOUND, "--midi", "out.mid"], "mido", "fluxstem[notes]"),
        (["notes", SOUND, "--mix", "mix.wav"], "librosa", "fluxstem[tempo]"),
        (["plugins", "scan"], "pedalboard", "fluxstem[plugins]"),
        (["isolate", SOUND, "drums", "--chain", "none"], "pedalboard", "fluxstem[plugins]"),
        (["isolate", SOUND, "drums", "--format", "m4a"], "av", "pip install av"),
        (["restyle", SOUND, "oboe", "--voice", "sampled", "--notes", "a.mid"], "mido", "fluxstem[notes]"),
    ],
)
def test_a_command_that_needs_a_package_ends_with_2_before_it_opens_anything(
    capsys, without, tmp_path, monkeypatch, argv, package, said
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / SOUND).write_text("words")  # opened, it would be refused by its name
    without(package)
    run = say(capsys, None, argv)
    assert run.code == 2
    assert said in run.err
    assert SOUND not in run.err
    assert run.err.count("\n") == 1


def test_a_session_whose_tempo_is_to_be_heard_needs_librosa_first(capsys, without, tmp_path):
    stem = noteline.write_line(tmp_path / "flute.wav")
    without("librosa")
    run = say(capsys, None, ["export-session", "--format", "rpp", stem, tmp_path / "mix", "--tempo", "listen"])
    assert (run.code, run.err.count("\n")) == (2, 1)
    assert "fluxstem[tempo]" in run.err
    assert "or give --tempo a number" in run.err
    assert not (tmp_path / "mix").exists()


def test_a_file_is_not_read_for_a_chain_that_cannot_run(without, tmp_path):
    without("pedalboard")
    chain = EffectChain((ChainEffect(builtin="Reverb"),))
    with pytest.raises(RequestError, match="chains need pedalboard"):
        render_file("no such file.wav", chain, tmp_path / "out", lambda done, stage: None, lambda: None)
    assert not (tmp_path / "out").exists()


def test_recorded_instruments_play_without_mido_and_say_that_no_midi_file_was_written(run, without, tmp_path):
    without("mido")
    [result] = run(task="generate", prompts=("drums, 120 bpm",), voice="sampled", seconds=3.0).results
    assert (result.made_by, result.midi) == ("sampled", None)
    assert any("no MIDI file" in note and "fluxstem[notes]" in note for note in result.notes)


def test_notes_alone_need_neither_mido_nor_librosa(without, tmp_path):
    without("mido")
    without("librosa")
    heard = analyse_stem(noteline.write_line(tmp_path / "flute.wav"))
    assert len(heard.notes) == len(noteline.LINE)
    assert heard.tempo is None
    assert "fluxstem[tempo]" in " ".join(heard.said)
