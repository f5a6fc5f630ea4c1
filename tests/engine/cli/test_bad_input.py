"""Bad input gets exit code 2, one clear sentence, and nothing is written, not even the folder for the results."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import soundfile
from clihelp import everything_in, music, say, write_music

from engine.bundle.bundle import write_manifest

ROOT = Path(__file__).parents[3]


@dataclass(frozen=True)
class Case:
    """One row: what is wrong, how to ask for it in a folder, and words the answer must hold."""

    name: str
    ask: Callable[[Path], list[object]]
    says: tuple[str, ...]


def sound(folder: Path, data: np.ndarray, rate_hz: int = 16_000) -> Path:
    path = folder / "mix.wav"
    soundfile.write(path, data, rate_hz, subtype="FLOAT")
    return path


def raw(folder: Path, name: str, content: bytes) -> Path:
    path = folder / name
    path.write_bytes(content)
    return path


def with_value(value: float) -> np.ndarray:
    data = music(0.5)
    data[1234] = value
    return data


def good(folder: Path) -> Path:
    return write_music(folder / "mix.wav")


def cut_short(folder: Path) -> Path:
    whole = good(folder).read_bytes()
    return raw(folder, "cut.flac", b"fLaC" + whole[:40])


BAD_FILES = [
    Case("missing file", lambda f: ["isolate", f / "gone.wav", "violin"], ("gone.wav", "check the path")),
    Case("folder without audio", lambda f: ["isolate", f, "violin"], ("no audio in",)),
    Case("not audio", lambda f: ["isolate", raw(f, "a.wav", b"plain words, no sound" * 99), "violin"], ("a.wav",)),
    Case("damaged audio", lambda f: ["isolate", cut_short(f), "violin"], ("cut.flac",)),
    Case("empty file", lambda f: ["isolate", raw(f, "empty.wav", b""), "violin"], ("empty.wav",)),
    Case("zero length", lambda f: ["isolate", sound(f, np.zeros((0, 1))), "violin"], ("mix.wav",)),
    Case("NaN sample", lambda f: ["isolate", sound(f, with_value(np.nan)), "violin"], ("mix.wav",)),
    Case("Inf sample", lambda f: ["isolate", sound(f, with_value(np.inf)), "violin"], ("mix.wav",)),
    Case("1e30 sample", lambda f: ["isolate", sound(f, with_value(1e30)), "violin"], ("over 1e+10", "0.077 s")),
    Case("1 Hz", lambda f: ["isolate", sound(f, music(0.1), 1), "violin"], ("1 Hz",)),
    Case("1 MHz", lambda f: ["isolate", sound(f, music(0.1), 1_000_000), "violin"], ("1000000 Hz",)),
    Case("33 channels", lambda f: ["isolate", sound(f, music(0.1, channels=33)), "violin"], ("33",)),
    Case("bad rest", lambda f: ["extend", good(f), "bass", "--seconds", 1, "--rest", f / "no.wav"], ("no.wav",)),
    Case("samples of no file", lambda f: ["isolate", f / "no.wav", "oboe", "--region", "0smp-9smp"], ("no.wav",)),
    Case("region outside", lambda f: ["isolate", good(f), "violin", "--region", "0.5-9"], ("0.5-9", "1.000 s")),
]

BAD_WORDS = [
    Case("region backwards", lambda f: ["isolate", good(f), "violin", "--region", "3-2"], ("region 3-2",)),
    Case("region of nothing", lambda f: ["isolate", good(f), "violin", "--region", "2-2"], ("region 2-2",)),
    Case("region of words", lambda f: ["isolate", good(f), "violin", "--region", "chorus"], ("'chorus'", "12.5-20.0")),
    Case("region of no samples", lambda f: ["isolate", good(f), "violin", "--region", "9smp-9smp"], ("not allowed",)),
    Case("region of half samples", lambda f: ["isolate", good(f), "violin", "--region", "1.5smp-9smp"], ("480000smp",)),
    Case("no region", lambda f: ["inpaint", good(f), "violin"], ("--region",)),
    Case("no prompt", lambda f: ["isolate", good(f)], ("no prompt given",)),
    Case("empty prompt", lambda f: ["isolate", good(f), ""], ("the prompt is empty",)),
    Case("blank prompt", lambda f: ["isolate", good(f), " \t "], ("the prompt is empty",)),
    Case("prompt nobody sees", lambda f: ["isolate", good(f), "\u200b"], ("the prompt is empty",)),
    Case("prompt of bytes", lambda f: ["isolate", good(f), "caf\udce9"], ("bytes that are no characters",)),
    Case("long prompt", lambda f: ["isolate", good(f), "violin " * 2858], ("20006 characters", "at most")),
    Case("steps 0", lambda f: ["isolate", good(f), "violin", "--steps", 0], ("steps 0", "1 to 1000")),
    Case("steps 1001", lambda f: ["isolate", good(f), "violin", "--steps", 1001], ("steps 1001", "1 to 1000")),
    Case("steps many", lambda f: ["isolate", good(f), "violin", "--steps", "many"], ("--steps", "many")),
    Case("guidance nan", lambda f: ["isolate", good(f), "violin", "--guidance", "nan"], ("guidance nan", "0 to 20")),
    Case("hot", lambda f: ["generate", "violin", "--temperature", 2.1], ("temperature 2.1", "0 to 2")),
    Case("guidance 21", lambda f: ["isolate", good(f), "violin", "--guidance", 21], ("guidance 21", "0 to 20")),
    Case("seed -1", lambda f: ["isolate", good(f), "violin", "--seed", -1], ("seed -1",)),
    Case("seconds 0", lambda f: ["generate", "violin", "--seconds", 0], ("seconds 0",)),
    Case("seconds inf", lambda f: ["generate", "violin", "--seconds", "inf"], ("seconds inf",)),
    Case("strength 2", lambda f: ["restyle", good(f), "oboe", "--strength", 2], ("strength 2.0", "0 to 1")),
    Case("strength nan", lambda f: ["restyle", good(f), "oboe", "--strength", "nan"], ("strength nan", "0 to 1")),
    Case("strength of what", lambda f: ["isolate", good(f), "oboe", "--strength", 1], ("--strength",)),
    Case("replace by nothing", lambda f: ["replace", good(f), "violin"], ("what to put in the place",)),
    Case("replace nothing", lambda f: ["replace", good(f), "--with", "oboe"], ("no prompt given",)),
    Case("candidates 0", lambda f: ["generate", "oboe", "--candidates", 0], ("candidates 0", "1 to 32")),
    Case(
        "alike candidates",
        lambda f: ["isolate", good(f), "oboe", "--candidates", 2, "--start", "zeros"],
        ("--start noise",),
    ),
    Case(
        "regions overlap",
        lambda f: ["isolate", good(f), "oboe", "--region", "0-0.5", "--region", "0.4-0.9"],
        ("0-0.5 s", "overlap"),
    ),
    Case("guide", lambda f: ["isolate", good(f), "oboe", "--guide", "taste"], ("taste", "mix-prompt")),
    Case("arrange a region", lambda f: ["arrange", "oboe", "--region", "0-1"], ("--region",)),
    Case("device", lambda f: ["isolate", good(f), "violin", "--device", "abacus"], ("abacus", "cpu")),
    Case("format", lambda f: ["isolate", good(f), "violin", "--format", "wma"], ("wma", "wav24")),
    Case("render", lambda f: ["isolate", good(f), "violin", "--render", "both"], ("both", "masked")),
    Case("sensitivity 2", lambda f: ["isolate", good(f), "violin", "--sensitivity", 2], ("sensitivity 2.0", "0 to 1")),
    Case("numb", lambda f: ["remove", good(f), "violin", "--sensitivity", "nan"], ("sensitivity nan", "0 to 1")),
    Case("sensitive of what", lambda f: ["generate", "violin", "--sensitivity", 1], ("--sensitivity",)),
    Case(
        "sensitive without a mask",
        lambda f: ["isolate", good(f), "violin", "--sensitivity", 1, "--render", "decoded"],
        ("no mask to be sensitive with",),
    ),
    Case("option", lambda f: ["isolate", good(f), "violin", "--loud"], ("--loud",)),
]


@pytest.mark.parametrize("case", BAD_FILES + BAD_WORDS, ids=lambda case: case.name)
def test_bad_input_is_refused_in_one_sentence_and_nothing_is_written(case, engine, toy_bundle, tmp_path, capsys):
    argv = [*case.ask(tmp_path), "--bundle", toy_bundle, "--out", tmp_path / "new" / "folder", "--json"]
    before = everything_in(tmp_path)
    said = say(capsys, engine, argv)
    assert_refused(said.code, said.out, said.err)
    for words in case.says:
        assert words in said.err
    assert everything_in(tmp_path) == before


def test_a_sealed_bundle_is_as_good_as_before(engine, toy_bundle, tmp_path, capsys):
    bundle = changed_copy(toy_bundle, tmp_path, seal)
    said = say(capsys, engine, ["isolate", good(tmp_path), "violin", "--bundle", bundle, "--out", tmp_path / "out"])
    assert said.code == 0, said.err


def assert_refused(code: int, out: str, err: str) -> None:
    assert code == 2, err
    assert out == ""
    [sentence] = err.splitlines()
    assert sentence.startswith("fluxstem: ")
    assert "Traceback" not in err
    assert len(sentence) < 600


def test_the_same_holds_for_the_real_program(toy_bundle, tmp_path):
    mix = sound(tmp_path, with_value(np.nan))
    before = everything_in(tmp_path)
    command = [
        sys.executable,
        "-m",
        "engine",
        "isolate",
        mix,
        "violin",
        "--bundle",
        toy_bundle,
        "--out",
        tmp_path / "x",
    ]
    done = subprocess.run(list(map(str, command)), cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)
    assert_refused(done.returncode, done.stdout, done.stderr)
    assert everything_in(tmp_path) == before


def test_an_unknown_command_is_refused(capsys):
    said = say(capsys, None, ["seperate", "mix.wav", "violin"])
    assert_refused(said.code, said.out, said.err)
    assert "seperate" in said.err
    assert "isolate" in said.err


def test_an_unknown_bundle_lists_what_is_installed(toy_bundle, tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("FLUXSTEM_BUNDLES", str(toy_bundle.parent))
    said = say(capsys, None, ["isolate", good(tmp_path), "violin", "--bundle", "huge", "--out", tmp_path / "out"])
    assert_refused(said.code, said.out, said.err)
    assert "'huge'" in said.err
    assert "toy" in said.err


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere there is no file that every user fails to read")
def test_a_bundle_that_cannot_be_read_is_refused(engine, tmp_path, capsys):
    (tmp_path / "bundle").mkdir()
    (tmp_path / "bundle" / "manifest.json").symlink_to("/proc/self/mem")
    mix = good(tmp_path)
    said = say(capsys, engine, ["isolate", mix, "violin", "--bundle", tmp_path / "bundle", "--out", tmp_path / "out"])
    assert_refused(said.code, said.out, said.err)
    assert "cannot be read (Input/output error)" in said.err


def test_a_place_for_bundles_that_cannot_be_looked_at_holds_none(capsys, monkeypatch):
    monkeypatch.setenv("FLUXSTEM_BUNDLES", "x" * 5000)
    said = say(capsys, None, ["bundles"])
    assert said.code == 0, said.err
    assert said.out.startswith("small")


def test_a_bundle_name_that_no_disk_can_hold_is_refused(engine, tmp_path, capsys):
    said = say(capsys, engine, ["isolate", good(tmp_path), "violin", "--bundle", "x" * 5000])
    assert_refused(said.code, said.out, said.err)
    assert "no bundle" in said.err


def changed_copy(toy_bundle: Path, folder: Path, change: Callable[[Path], object]) -> Path:
    copy = folder / "bundle"
    shutil.copytree(toy_bundle, copy)
    change(copy)
    return copy


def flip_one_byte(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def seal(bundle: Path) -> None:
    write_manifest(bundle, (bundle / "manifest.json").read_text("utf-8").replace("nothing", "nothing at all " * 99))


def changed(**values: object) -> Callable[[Path], None]:
    def change(bundle: Path) -> None:
        manifest = bundle / "manifest.json"
        manifest.write_text(json.dumps(json.loads(manifest.read_text("utf-8")) | values), "utf-8")

    return change


BUNDLES: list[tuple[str, Callable[[Path], object], str]] = [
    ("flipped byte in a graph", lambda b: flip_one_byte(b / "step.onnx"), "step.onnx differs"),
    ("flipped byte in the tokenizer", lambda b: flip_one_byte(b / "tokenizer.json"), "tokenizer.json differs"),
    ("flipped byte in the credits", lambda b: (seal(b), flip_one_byte(b / "manifest.json")), "manifest.json differs"),
    ("missing graph", lambda b: (b / "text.onnx").unlink(), "text.onnx is missing"),
    ("newer format", changed(format=99, wonders=True), "99"),
    ("format of nothing", changed(format=0), "format number"),
    ("format of truth", changed(format=True), "format number"),
    ("mask of words", changed(mask={"power": "much"}), "mask.power must be a number"),
    ("mask of nothing", changed(mask=None), "not a usable manifest"),
    ("steps of words", changed(defaults={"isolate": {"steps": "8", "guidance": 1, "start": "zeros"}}), "isolate.steps"),
    ("wild guidance", changed(defaults={"isolate": {"steps": 8, "guidance": 99, "start": "zeros"}}), "from 0 to 20"),
    ("start of words", changed(defaults={"isolate": {"steps": 8, "guidance": 1, "start": "here"}}), "zeros or noise"),
    ("another grid", changed(hop_samples=65), "audio of encode must have the axes"),
    ("two channels", changed(channels=2), "channels must be 1"),
    ("version of nothing", changed(version=None), "version must be a text"),
    ("endless nesting", lambda b: (b / "manifest.json").write_text("[" * 100_000), "not JSON"),
    ("manifest is no JSON", lambda b: (b / "manifest.json").write_text("{oh"), "not JSON"),
    ("manifest of nothing", lambda b: (b / "manifest.json").write_text("{}"), "manifest"),
]


@pytest.mark.parametrize(("name", "change", "says"), BUNDLES, ids=[row[0] for row in BUNDLES])
def test_a_bad_bundle_is_refused(name, change, says, engine, toy_bundle, tmp_path, capsys):
    bundle = changed_copy(toy_bundle, tmp_path, change)
    mix = good(tmp_path)
    before = everything_in(tmp_path)
    said = say(capsys, engine, ["isolate", mix, "violin", "--bundle", bundle, "--out", tmp_path / "out"])
    assert_refused(said.code, said.out, said.err)
    assert says in said.err
    assert everything_in(tmp_path) == before


@pytest.mark.parametrize("out", ["taken", "taken/deeper", "n" * 300, "/proc/fluxstem", "/dev/null/x"])
def test_a_folder_that_cannot_be_written_to_is_refused(out, engine, toy_bundle, tmp_path, capsys):
    if out.startswith("/") and not Path(out).parent.exists():
        pytest.skip(f"no {Path(out).parent} on this system")
    mix = good(tmp_path)
    (tmp_path / "taken").write_text("a file, not a folder")
    before = everything_in(tmp_path)
    said = say(capsys, engine, ["isolate", mix, "violin", "--bundle", toy_bundle, "--out", tmp_path / out])
    assert_refused(said.code, said.out, said.err)
    assert "another folder" in said.err
    assert everything_in(tmp_path) == before


@pytest.mark.parametrize("format", ["wav32f", "flac"])
def test_a_full_disk_is_refused_and_nothing_remains(format, toy_bundle, tmp_path, capsys):
    resource = pytest.importorskip("resource")  # how large a file may grow; the engine process inherits it
    mix = write_music(tmp_path / "mix.wav", seconds=8)
    before = everything_in(tmp_path)
    argv = ["isolate", mix, "violin", "--bundle", toy_bundle, "--out", tmp_path / "out", "--format", format]
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, hard))
    try:
        said = say(capsys, None, argv)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert_refused(said.code, said.out, said.err)
    assert "cannot write to" in said.err
    assert everything_in(tmp_path) == before


def test_killed_in_the_middle_leaves_no_file(toy_bundle, tmp_path):
    mix = write_music(tmp_path / "mix.wav", seconds=20)
    before = everything_in(tmp_path)
    command = [sys.executable, "-m", "engine", "isolate", mix, "violin", "--steps", 1000]
    command += ["--bundle", toy_bundle, "--out", tmp_path / "out", "--debug"]
    with subprocess.Popen(list(map(str, command)), cwd=ROOT, stderr=subprocess.PIPE, text=True) as program:
        assert program.stderr is not None
        assert any("starts: Request" in line for line in program.stderr)
        program.kill()
        program.stderr.read()  # ends when the engine process, which shares it, has noticed and left
    assert everything_in(tmp_path) == before


def test_what_a_killed_run_left_is_swept_by_the_next_run_in_that_folder(engine, toy_bundle, tmp_path, capsys):
    out = tmp_path / "out"
    out.mkdir()
    with subprocess.Popen([sys.executable, "-c", ""]) as dead:
        pass
    stale = raw(out, f".mix - violin.wav.{dead.pid}.partial", b"half a file")
    alive = raw(out, f".mix - violin.wav.{os.getpid()}.partial", b"somebody is still writing this")
    other = raw(out, ".notes.partial", b"not ours")
    said = say(capsys, engine, ["isolate", good(tmp_path), "violin", "--bundle", toy_bundle, "--out", out])
    assert said.code == 0, said.err
    assert not stale.exists()
    assert alive.exists()
    assert other.exists()
