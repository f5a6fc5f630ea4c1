"""The command line does what it says, on real files, with a bundle of real graphs."""

from __future__ import annotations

import argparse
import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import soundfile
from clihelp import everything_in, read, say, write_music
from toybundle import write_toy_bundle
from toymask import SHORT

from engine import TASKS, Progress
from engine.cli import commands

ROOT = Path(__file__).parents[3]
KEYS = {"stem", "rest", "null_db", "presence", "seconds", "device", "bundle"}


def asked(task: str, file: Path) -> list[object]:
    """A sensible call of a task."""
    return {
        "isolate": [task, file, "violin"],
        "remove": [task, file, "violin"],
        "regenerate": [task, file, "bass"],
        "generate": [task, "bass", "--seconds", 0.7],
        "inpaint": [task, file, "bass", "--region", "0.2-0.6"],
        "extend": [task, file, "bass", "--seconds", 0.5],
        "restyle": [task, file, "bass", "--strength", 0.6],
        "replace": [task, file, "violin", "--with", "bass", "--region", "0.2-0.6"],
        "arrange": [task, "bass", "violin", "--seconds", 0.7],
    }[task]


def test_every_task_of_the_table_is_tried_below():
    assert all(asked(task, Path("x")) for task in TASKS)


@pytest.mark.parametrize("task", TASKS)
def test_every_task_writes_files_and_says_so_in_json(task, engine, toy_bundle, tmp_path, capsys):
    mix = write_music(tmp_path / "mix.wav", channels=2)
    said = say(capsys, engine, [*asked(task, mix), "--bundle", toy_bundle, "--out", tmp_path / "out", "--json"])
    assert said.code == 0, said.err
    assert said.err == ""
    answer = said.json
    assert set(answer) >= KEYS
    files = ("stem", "rest", "mix", "sidecar")
    named = {Path(result[key]) for result in answer["results"] for key in files if result[key]}
    assert named == set((tmp_path / "out").iterdir())
    assert all(path.is_absolute() for path in named)
    assert answer["device"].endswith("ExecutionProvider")
    assert "toy" in answer["bundle"]


@pytest.mark.parametrize(("task", "seconds"), [("generate", 10.0), ("extend", 1.0 + 5.0)])
def test_a_task_that_makes_time_knows_how_much_when_not_told(task, seconds, engine, toy_bundle, tmp_path, capsys):
    words = [word for word in asked(task, write_music(tmp_path / "mix.wav")) if not isinstance(word, float)]
    words.remove("--seconds")
    answer = say(capsys, engine, [*words, "--bundle", toy_bundle, "--out", tmp_path, "--json"]).json
    assert soundfile.info(answer["stem"]).duration == seconds
    assert json.loads(Path(answer["sidecar"]).read_text("utf-8"))["seconds"] == TASKS[task].makes_s


@pytest.mark.parametrize("task", ["isolate", "remove"])
def test_stem_and_rest_give_the_mix_back(task, engine, toy_bundle, tmp_path, capsys):
    mix = write_music(tmp_path / "mix.wav", seconds=2, rate_hz=44_100, channels=2)
    said = say(capsys, engine, [task, mix, "violin", "--bundle", toy_bundle, "--out", tmp_path / "out", "--json"])
    answer = said.json
    np.testing.assert_array_equal(read(answer["stem"]) + read(answer["rest"]), read(mix))
    assert answer["null_db"] == -300


def test_several_prompts_give_several_stems(engine, toy_bundle, tmp_path, capsys):
    mix = write_music(tmp_path / "mix.wav")
    argv = ["isolate", mix, "violin", "bass", "drums", "--bundle", toy_bundle, "--out", tmp_path / "out", "--json"]
    answer = say(capsys, engine, argv).json
    assert [result["prompt"] for result in answer["results"]] == ["violin", "bass", "drums"]
    assert {key: answer[key] for key in ("prompt", "stem", "rest", "sidecar")} == {
        key: answer["results"][0][key] for key in ("prompt", "stem", "rest", "sidecar")
    }
    levels = [np.sqrt(np.mean(read(result["stem"]) ** 2)) for result in answer["results"]]
    assert levels[0] < levels[1] < levels[2]


def test_where_a_stem_is_heard_is_told_in_a_few_words(engine, tmp_path, capsys):
    """Loud, faint, loud: sixteen windows and two spans for a reader; JSON keeps them all."""
    bundle, rng = write_toy_bundle(tmp_path / "masking", decoder=SHORT), np.random.default_rng(0)
    mix, level = tmp_path / "mix.wav", np.repeat([0.1, 1e-5, 0.1], 4 * 44_100)
    soundfile.write(mix, level * rng.standard_normal(len(level)), 44_100, subtype="FLOAT")
    argv = ["isolate", mix, "bass", "--bundle", bundle, "--out", tmp_path / "out"]
    said = say(capsys, engine, argv)
    [line] = [line for line in said.out.splitlines() if line.strip().startswith("heard")]
    first, second = re.fullmatch(r"  heard     0-(\d\.\d) s, (\d\.\d)-12 s", line).groups()
    assert 3.5 < float(first) < 5 < 7 < float(second) < 8.5
    windows = say(capsys, engine, [*argv, "--json"]).json["results"][0]["presence_windows"]
    assert len(windows) > 12


@pytest.mark.parametrize(
    ("windows", "said"),
    [
        (((0.0, 0.743, 0.9), (0.743, 1.5, 0.6)), "throughout"),
        (((0.0, 0.743, 0.9), (0.743, 1.486, 0.6), (1.486, 1.5, 0.1)), "throughout"),
        (((0.0, 0.743, 0.1), (0.743, 1.5, 0.2)), "nowhere"),
        (((0.0, 30.0, 0.1), (30.0, 59.96, 1.0), (59.96, 90.25, 1.0), (90.25, 200.0, 0.0)), "30-1:30.2"),
        (tuple((at, at + 1.0, float(at % 2 == 0)) for at in range(18)),
         "0-1 s, 2-3 s, 4-5 s, 6-7 s, 8-9 s, 10-11 s and 3 more"),
    ],
)  # fmt: skip
def test_spans_are_written_as_a_region_is(windows, said):
    assert commands._heard(windows) == said


def test_results_of_several_regions_say_which(engine, toy_bundle, tmp_path, capsys):
    mix = write_music(tmp_path / "mix.wav", seconds=70)
    argv = ["isolate", mix, "bass", "--region", "0-0.5", "--region", "1:02.5-1:05", "--bundle", toy_bundle]
    said = say(capsys, engine, [*argv, "--out", tmp_path / "out"])
    assert [line for line in said.out.splitlines() if line.startswith("bass")] == ["bass, 0-0.5 s", "bass, 1:02.5-1:05"]
    assert {path.name for path in (tmp_path / "out").glob("*bass*.wav")} == {
        *("mix - bass 0-0.5s.wav", "mix - bass 0-0.5s rest.wav"),
        *("mix - bass 62.5-65s.wav", "mix - bass 62.5-65s rest.wav"),
    }


@pytest.mark.parametrize(
    "template", ["{stem}.wav", "{stem}.WAV", "{stem}.flac", "{mix}.wav - {stem}.mp3", "{stem}.wav.wav"]
)
@pytest.mark.parametrize("format", ["wav24", "flac"])
def test_an_ending_in_the_name_is_never_doubled(template, format, engine, toy_bundle, tmp_path, capsys):
    argv = ["isolate", write_music(tmp_path / "mix.wav"), "bass", "--bundle", toy_bundle, "--out", tmp_path / "out"]
    said = say(capsys, engine, [*argv, "--name", template, "--format", format])
    assert said.code == 0, said.err
    ending = "flac" if format == "flac" else "wav"
    names = sorted(path.name for path in (tmp_path / "out").glob("*") if path.suffix != ".json")
    inside = "mix.wav - " if template.startswith("{mix}") else ""
    assert names == [f"{inside}bass rest.{ending}", f"{inside}bass.{ending}"]


def test_prompts_and_options_may_come_in_any_order(engine, toy_bundle, tmp_path, capsys):
    mix, to = write_music(tmp_path / "mix.wav"), ["--bundle", toy_bundle, "--json"]
    for words in (
        ["isolate", mix, "violin", "bass", "--out", tmp_path],
        ["isolate", "--out", tmp_path, mix, "violin", "bass"],
        ["isolate", mix, "--out", tmp_path, "violin", "bass"],
        ["isolate", mix, "violin", "--out", tmp_path, "bass"],
    ):
        answer = say(capsys, engine, [*words, *to]).json
        assert [result["prompt"] for result in answer["results"]] == ["violin", "bass"]


def test_nothing_is_ever_overwritten(engine, toy_bundle, tmp_path, capsys):
    mix = write_music(tmp_path / "mix.wav")
    argv = ["isolate", mix, "violin", "--bundle", toy_bundle, "--out", tmp_path, "--json"]
    first = say(capsys, engine, argv).json
    before = {path: Path(path).read_bytes() for path in (first["stem"], first["rest"], first["sidecar"])}
    second = say(capsys, engine, argv).json
    assert not set(before) & {second["stem"], second["rest"], second["sidecar"]}
    assert before == {path: Path(path).read_bytes() for path in before}
    assert "(2)" in Path(second["stem"]).name
    assert Path(second["sidecar"]).stem == Path(second["stem"]).stem


def test_a_result_and_its_sidecar_share_a_name_whatever_the_format(engine, toy_bundle, tmp_path, capsys):
    mix = write_music(tmp_path / "mix.wav")
    argv = ["isolate", mix, "violin", "violin", "--bundle", toy_bundle, "--out", tmp_path, "--json", "--format"]
    results = [
        result for format in ("wav24", "flac") for result in say(capsys, engine, [*argv, format]).json["results"]
    ]
    assert [Path(result["stem"]).suffix for result in results] == [".wav", ".wav", ".flac", ".flac"]
    assert all(Path(result["stem"]).stem == Path(result["sidecar"]).stem for result in results)


def test_names_may_hold_spaces_and_any_script(engine, toy_bundle, tmp_path, capsys):
    mix = write_music(tmp_path / "Gruß & 日本語 – été" / "my mix 'é\".wav")
    out = tmp_path / "ausgabe ü/δ"
    said = say(capsys, engine, ["isolate", mix, "скрипка", "--bundle", toy_bundle, "--out", out, "--json"])
    assert said.code == 0, said.err
    assert Path(said.json["stem"]).parent == out
    assert Path(said.json["stem"]).is_file()


def test_a_region_changes_nothing_outside_itself(engine, toy_bundle, tmp_path, capsys):
    mix = write_music(tmp_path / "mix.wav", seconds=2)
    argv = ["inpaint", mix, "bass", "--region", "0.5-1.5", "--bundle", toy_bundle, "--out", tmp_path / "o", "--json"]
    stem = read(say(capsys, engine, argv).json["stem"])
    was = read(mix)
    np.testing.assert_array_equal(stem[:8000], was[:8000])
    np.testing.assert_array_equal(stem[24000:], was[24000:])
    assert not np.array_equal(stem[8000:24000], was[8000:24000])


@pytest.mark.parametrize("region", ["62.5-63", "1:02.5-1:03", "0:62.5-1:03", "500000smp-504000smp", "1:02.5-504000smp"])
def test_a_region_is_given_in_seconds_minutes_or_samples(region, engine, toy_bundle, tmp_path, capsys):
    mix = write_music(tmp_path / "mix.wav", seconds=64, rate_hz=8_000)
    argv = ["isolate", mix, "bass", "--region", region, "--bundle", toy_bundle, "--out", tmp_path / "out", "--json"]
    answer = say(capsys, engine, argv).json
    assert (answer["start_samples"], answer["length_samples"], answer["rate_hz"]) == (500_000, 4_000, 8_000)
    np.testing.assert_allclose(read(answer["stem"]) + read(answer["rest"]), read(mix)[500_000:504_000], atol=1e-9)


@pytest.mark.parametrize(
    ("format", "kind"), [("wav16", "PCM_16"), ("wav24", "PCM_24"), ("wav32f", "FLOAT"), ("flac", "PCM_24")]
)
def test_the_format_is_the_one_asked_for(format, kind, engine, toy_bundle, tmp_path, capsys):
    mix = write_music(tmp_path / "mix.wav")
    argv = ["isolate", mix, "violin", "--bundle", toy_bundle, "--out", tmp_path, "--format", format, "--json"]
    assert soundfile.info(say(capsys, engine, argv).json["stem"]).subtype == kind


def test_without_json_a_reader_finds_files_null_figure_and_device(engine, toy_bundle, tmp_path, capsys, monkeypatch):
    mix = write_music(tmp_path / "mix.wav")
    monkeypatch.chdir(tmp_path)
    said = say(capsys, engine, ["isolate", mix, "violin", "kazoo", "--bundle", toy_bundle])
    assert said.code == 0, said.err
    assert "bit for bit" in said.out
    assert "CPUExecutionProvider" in said.out
    assert "seems not to be there" in said.out.split("kazoo")[-1]
    shown = [line.split(maxsplit=1)[1] for line in said.out.splitlines() if line.strip().startswith(("stem ", "rest "))]
    assert len(shown) == 4
    assert all((tmp_path / name).is_file() for name in shown)


def test_a_terminal_gets_a_progress_bar_with_the_time_left(engine, toy_bundle, tmp_path, capsys, monkeypatch):
    mix = write_music(tmp_path / "mix.wav", seconds=4)
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    said = say(capsys, engine, ["isolate", mix, "violin", "--bundle", toy_bundle, "--out", tmp_path, "--json"])
    assert said.code == 0, said.err
    assert "%" in said.err
    assert " left" in said.err
    assert said.json["stem"]


def test_ctrl_c_cancels_cleanly(engine, toy_bundle, tmp_path, capsys):
    mix = write_music(tmp_path / "mix.wav", seconds=20)
    before = everything_in(tmp_path)
    pressed = []

    def press(event):
        # The main thread, which waits, gets a KeyboardInterrupt. One that comes within a callback of the garbage
        # collector, such as Hypothesis has, is lost, so a user would press again.
        if isinstance(event, Progress) and (not pressed or time.monotonic() > pressed[-1] + 10):
            pressed.append(time.monotonic())
            os.kill(os.getpid(), signal.SIGINT)

    unsubscribe = engine.subscribe(press)
    try:
        argv = ["isolate", mix, "violin", "--steps", 1000, "--bundle", toy_bundle, "--out", tmp_path / "out"]
        said = say(capsys, engine, argv)
    finally:
        unsubscribe()
    assert said.code == 130
    assert said.out == ""
    assert len(said.err.splitlines()) == 1
    assert everything_in(tmp_path) == before


def test_the_real_program_in_a_folder_of_its_own(toy_bundle, tmp_path):
    mix = write_music(tmp_path / "mix.wav")
    environment = {**os.environ, "FLUXSTEM_BUNDLES": str(toy_bundle.parent), "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-m", "engine", "isolate", mix.name, "violin", "--bundle", "toy", "--out", "stems", "--json"],
        cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""  # no progress bar, no chatter of libraries, when nobody looks
    answer = json.loads(done.stdout.splitlines()[-1])
    assert set(answer) >= KEYS
    assert Path(answer["stem"]).parent == tmp_path / "stems"


@pytest.mark.skipif(sys.platform in ("win32", "darwin"), reason="file names there are always text")
def test_a_file_name_may_be_any_bytes(engine, toy_bundle, tmp_path, capsys):
    mix = write_music(tmp_path / "mix.wav").rename(tmp_path / "caf\udce9.wav")
    argv = ["isolate", mix, "violin", "--bundle", toy_bundle, "--out", tmp_path / "out", "--json"]
    answer = say(capsys, engine, argv).json
    assert Path(answer["stem"]).name == "caf - violin.wav"
    assert say(capsys, engine, ["rerun", answer["sidecar"]]).code == 0


def test_a_prompt_reaches_us_whatever_the_terminals_encoding(toy_bundle, tmp_path):
    mix = write_music(tmp_path / "mix.wav")
    environment = {**os.environ, "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    command = [sys.executable, "-m", "engine", "isolate", mix, "été"]
    command += ["--bundle", toy_bundle, "--out", tmp_path, "--json"]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["prompt"] == "été"


@pytest.mark.skipif(sys.platform == "win32", reason="a shell is needed")
def test_closed_streams_and_a_folder_that_is_gone_do_no_harm(toy_bundle, tmp_path):
    mix, gone = write_music(tmp_path / "mix.wav"), tmp_path / "gone"
    gone.mkdir()
    words = f"'{sys.executable}' -m engine isolate '{mix}' violin --bundle '{toy_bundle}' --out"
    script = f"cd '{gone}' && rmdir '{gone}' && {words} '{tmp_path}' >&- 2>&-; echo $?; {words} here; echo $?"
    done = subprocess.run(
        ["sh", "-c", script], env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=False
    )
    assert done.stdout.split() == ["0", "2"]
    assert "the current folder is gone" in done.stderr.splitlines()[-1]
    assert (tmp_path / "mix - violin.wav").is_file()


def test_a_user_without_a_home_still_has_the_bundle_that_ships(capsys, monkeypatch):
    def nowhere() -> Path:
        raise RuntimeError("Could not determine home directory.")

    for name in ("XDG_DATA_HOME", "XDG_CACHE_HOME", "LOCALAPPDATA"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(Path, "home", nowhere)
    said = say(capsys, None, ["bundles"])
    assert said.code == 0, said.err
    assert said.out.startswith("small")


def test_no_arguments_where_no_window_can_be_print_the_help(capsys, monkeypatch):
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("sys.platform", "linux")
    said = say(capsys, None, [])
    assert said.code == 0
    assert all(task in said.out for task in TASKS)


def test_bundles_lists_good_and_bad_ones(toy_bundle, tmp_path, capsys, monkeypatch):
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "manifest.json").write_text("{}")
    monkeypatch.setenv("FLUXSTEM_BUNDLES", os.pathsep.join([str(toy_bundle.parent), str(tmp_path)]))
    rows = {row["name"]: row for row in say(capsys, None, ["bundles", "--json"]).json["bundles"]}
    assert rows["toy"]["error"] is None
    assert rows["toy"]["sample_rate_hz"] == 16_000
    assert "format number" in rows["broken"]["error"]
    plain = say(capsys, None, ["bundles"])
    assert "toy  0.1" in plain.out
    assert "broken  cannot be used" in plain.out


def test_doctor_says_what_a_real_session_got(toy_bundle, capsys, monkeypatch):
    monkeypatch.setenv("FLUXSTEM_BUNDLES", str(toy_bundle.parent))
    said = say(capsys, None, ["doctor", "--json"])
    assert said.code == 0, said.out
    findings = said.json
    devices = {row["asked"]: row for row in findings["devices"]}
    assert devices["cpu"] == {"asked": "cpu", "got": "CPUExecutionProvider", "ok": True, "why": None}
    assert devices["auto"]["ok"]
    assert all(row["why"] for row in devices.values() if not row["ok"])
    toy = {"name": "toy", "path": str(toy_bundle), "ok": True, "why": None, "version": "0.1", "signature": "unsigned"}
    assert toy in findings["bundles"]
    assert findings["packages"]["soundfile"]
    assert findings["folders"]["temp"]["ok"]
    assert findings["folders"]["temp"]["free_bytes"] > 0


def test_doctor_says_so_when_no_process_can_be_started(capsys, monkeypatch, tmp_path):
    monkeypatch.setattr(sys, "executable", str(tmp_path / "gone"))
    said = say(capsys, None, ["doctor"])
    assert said.code == 3
    assert "problem: no device can run a graph: no process can be started" in said.out


def test_doctor_tells_each_engine_that_is_built_once(capsys, monkeypatch):
    from engine import doctor
    from engine.cli.commands import _build_engines
    from engine.runtime.engine_build import BuildStep

    steps = [BuildStep(0, 2, under_way="a.onnx")] * 3 + [BuildStep(1, 2, "a.onnx", "", "b.onnx")] * 2
    monkeypatch.setattr(doctor, "build", lambda *asked: iter([*steps, BuildStep(2, 2, "b.onnx", "it has no room")]))
    _build_engines(argparse.Namespace(bundle="small", device="auto", embed_engines=False))
    assert capsys.readouterr().err.splitlines() == [
        "fluxstem: 0 of 2 engines:  begins; each graph takes minutes",
        "fluxstem: 1 of 2 engines: a.onnx built",
        "fluxstem: 2 of 2 engines: b.onnx it has no room",
    ]


def test_doctor_warns_of_two_runtimes_in_one_folder():
    from engine import doctor

    works = {"asked": "cpu", "got": "x", "ok": True, "why": None}
    findings = doctor.examine(version_of=lambda package: "1.31.1", try_devices=lambda: [works])
    assert any("onnxruntime-gpu" in sentence and "uninstall" in sentence for sentence in findings["warnings"])
    assert any(line.startswith("warning: onnxruntime and") for line in doctor.lines(findings))


def test_what_the_doctor_says_can_be_said_in_another_language(monkeypatch, tmp_path):
    """Every line is a template whose values are names, numbers and further templates; English is in no value."""
    from engine import doctor

    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "manifest.json").write_text("{}")
    monkeypatch.setenv("FLUXSTEM_BUNDLES", str(tmp_path))
    monkeypatch.setattr(sys, "executable", str(tmp_path / "gone"))
    findings = json.loads(json.dumps(doctor.examine(version_of=lambda package: "1.31.1")))
    said = list(doctor.sentences(findings))
    assert [str(one) for one in said] == list(doctor.lines(findings))
    problems = [one for one in said if one.template == "problem: {sentence}"]
    inner = problems[0].values["sentence"]
    assert inner.template == "no device can run a graph: {why}"
    assert inner.values["why"].template == "no process can be started to try it in ({reason}: {program})"
    [bundle] = [one for one in said if one.template == "bundle {name}: {why}" and one.values["name"] == "broken"]
    assert "{" in bundle.values["why"].template
    assert bundle.values["why"].template != "{why}"


def test_what_several_stems_add_up_to_is_told_once(engine, toy_bundle, tmp_path, capsys):
    mix = write_music(tmp_path / "mix.wav")
    argv = ["isolate", mix, "bass", "violin", "--other", "--bundle", toy_bundle, "--out", tmp_path / "out"]
    lines = say(capsys, engine, argv).out.splitlines()
    assert [line for line in lines if "null" in line] == ["  null      the sum of all stems is the input, bit for bit"]
