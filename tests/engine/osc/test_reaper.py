"""The REAPER script of the kit, against a stand-in for REAPER (``reaper.lua``), a real bridge, a real ``fluxstem``."""

from __future__ import annotations

import functools
import http.server
import json
import os
import re
import shutil
import subprocess
import sys
import threading
import urllib.request
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
from clihelp import music
from oschelp import LIMIT_S

from engine.osc import Bridge

ROOT = Path(__file__).parents[3]
KIT = ROOT / "resources" / "daw" / "reaper"
LUAS = ("lua5.4", "lua5.3", "lua")
RATE_HZ = 16_000
SHOWN_PLACE = "/where/fluxstem"  # where the user says that the program is


@dataclass(frozen=True)
class Performance:
    """What the stand-in told: its lines, and the items of the project at the end."""

    lines: tuple[str, ...]

    def all(self, word: str) -> list[str]:
        return [line.removeprefix(f"{word} ") for line in self.lines if line.startswith(f"{word} ")]

    @property
    def items(self) -> list[dict[str, str]]:
        names = ("track", "named", "position", "length", "offset", "file", "volume", "pitch", "channels", "take")
        return [dict(zip(names, line.split("|"), strict=True)) for line in self.all("ITEM")]


def lua_of(value: object) -> str:
    """A value as Lua writes it."""
    match value:
        case dict():
            return "{" + ", ".join(f"[{lua_of(key)}] = {lua_of(item)}" for key, item in value.items()) + "}"
        case list():
            return "{" + ", ".join(map(lua_of, value)) + "}"
        case bool() | None:
            return {True: "true", False: "false", None: "nil"}[value]
        case str():
            return json.dumps(value)
        case _:
            return repr(value)


@pytest.fixture
def clip(tmp_path: Path, settings) -> Path:
    path = tmp_path / "in" / "it's a take.wav"
    soundfile.write(path, music(1.0, channels=2), RATE_HZ, subtype="FLOAT")
    return path


@pytest.fixture
def perform(toy_engine, settings, tmp_path) -> Callable[..., Performance]:
    """``perform(answer, items, **scene)`` runs the script once; the program is not on the path, the user shows it."""
    lua = next((path for path in map(shutil.which, LUAS) if path), None)
    if lua is None:
        pytest.skip(f"none of {', '.join(LUAS)} is installed")
    program = tmp_path / "fluxstem"
    program.write_text(f'#!/bin/sh\nPYTHONPATH="{ROOT}" exec "{sys.executable}" -m engine "$@"\n')
    program.chmod(0o755)
    (tmp_path / "resources").mkdir()

    def run(answer: str | None, items: list[dict[str, object]], **scene: object) -> Performance:
        scene |= {"answer": answer, "items": items, "commands": {SHOWN_PLACE: str(program)}}
        scene |= {"resources": str(tmp_path / "resources")}
        scene.setdefault("remembered", {"fluxstem.program": SHOWN_PLACE})
        script = tmp_path / "run.lua"
        script.write_text(
            f'dofile("{Path(__file__).with_name("reaper.lua")}")\n'
            + "".join(f"SCENE.{name} = {lua_of(value)}\n" for name, value in scene.items())
            + f'perform("{KIT / "fluxstem.lua"}")\n'
        )
        environment = {**os.environ, "XDG_DATA_HOME": str(tmp_path / "data")}
        with Bridge(toy_engine, replace(settings, home=tmp_path / "data" / "fluxstem" / "bridge")):
            said = subprocess.run([lua, str(script)], env=environment, capture_output=True, text=True, timeout=LIMIT_S,
                                  stdin=subprocess.DEVNULL, check=False)  # fmt: skip
        assert said.returncode == 0, said.stdout + said.stderr
        return Performance(tuple(said.stdout.splitlines()))

    return run


def read(path: str | Path) -> np.ndarray:
    return soundfile.read(path, dtype="float32", always_2d=True)[0]


def test_stem_and_rest_come_on_new_tracks_at_the_place_of_the_item_and_sum_to_it(perform, clip):
    """The program is shown once and remembered; the item's gain, pitch and channels go to what comes in its place."""
    item = {"file": str(clip), "name": "take 1", "track": 2, "D_POSITION": 3.75, "D_LENGTH": 0.5, "D_STARTOFFS": 0.25}
    item |= {"D_VOL": 0.5, "D_PITCH": 2.0, "I_CHANMODE": 1}
    done = perform("isolate|bass||10|y", [item], tracks=3, files=[SHOWN_PLACE], remembered={})
    assert not [line for line in done.all("MESSAGE") if "not found" not in line], done.lines
    assert f"program {SHOWN_PLACE}" in done.all("REMEMBERED")
    assert any(line.startswith("bass of take 1: ") for line in done.all("SHOWN")), "it shows how far it is"
    assert done.all("UNDO") == ["begins", "Fluxstem: isolate bass"]
    old, stem, rest = done.items
    assert [one["track"] for one in (old, stem, rest)] == ["2", "3", "4"]
    assert (stem["named"], rest["named"]) == ("bass", "take 1 (rest)")
    for one in (stem, rest):
        assert (float(one["position"]), float(one["length"]), float(one["offset"])) == (3.75, 0.5, 0.0)
        assert (one["volume"], one["pitch"], one["channels"]) == ("0.5", "2", "1")
    np.testing.assert_array_equal(read(stem["file"]) + read(rest["file"]), read(clip)[4000:12_000])
    assert not done.all("ASKED")[2:], "what is remembered is not asked for again"


def test_a_place_between_two_samples_stays_where_it_is(perform, clip):
    item = {"file": str(clip), "D_POSITION": 1.0, "D_LENGTH": 0.25, "D_STARTOFFS": 1000.25 / RATE_HZ, "D_PLAYRATE": 2.0}
    done = perform("remove|bass||10|n", [item])
    _, mix = done.items
    assert float(mix["offset"]) == pytest.approx(0.25 / RATE_HZ, abs=1e-9)
    assert read(mix["file"]).shape[0] == 8001, "half a second of the file, and the two samples it begins and ends in"


@pytest.mark.parametrize(
    ("answer", "scene", "seconds"),
    [
        ("replace|bass|trumpet||y", {}, 1.0),
        ("restyle|trumpet|||y", {}, 1.0),
        ("inpaint|piano|||y", {"selection": [2.25, 2.5]}, 1.0),
        ("extend|piano||0.5|y", {}, 1.5),
        ("regenerate|piano|||y", {}, 1.0),
        ("generate|piano||0.5|y", {"cursor": 7.5}, 0.5),
        ("arrange|bass;piano||0.5|y", {"cursor": 7.5}, 0.5),
    ],
)
def test_every_kind_of_task_brings_its_files(perform, clip, answer, scene, seconds):
    anew = answer.startswith(("generate", "arrange"))
    items = [] if anew else [{"file": str(clip), "D_POSITION": 2.0, "D_LENGTH": 1.0}]
    done = perform(answer, items, **scene)
    assert not done.all("MESSAGE"), done.lines
    made = done.items[len(items) :]
    assert len(made) == (3 if answer.startswith(("replace", "arrange")) else 1)
    if answer.startswith("arrange"):
        assert [one["named"] for one in made] == ["bass;piano", "bass", "piano"]
    for one in made:
        assert float(one["position"]) == (2.0 if items else 7.5)
        assert soundfile.info(one["file"]).duration == pytest.approx(seconds, abs=1e-3)
    assert float(made[0]["length"]) == pytest.approx(seconds, abs=1e-3)


def test_what_cannot_be_respected_is_refused_by_its_name_without_a_job(perform, clip):
    good = {"file": str(clip), "D_LENGTH": 0.5}
    bad = {
        "it is MIDI": {"midi": True},
        "reversed, or a section": {"source_type": "SECTION"},
        "stretch markers": {"stretch_markers": 2},
        "take effects": {"fx": 1},
        "take envelopes": {"envelopes": 1},
        "begins before its file": {"D_STARTOFFS": -0.5},
        "repeats its file": {"D_LENGTH": 3.0},
        "nothing of its file": {"D_STARTOFFS": 2.0, "B_LOOPSRC": 0},
        "it has no take": {"empty": True},
    }
    done = perform("isolate|bass||10|y", [good | one for one in bad.values()])
    for word, message in zip(bad, done.all("MESSAGE"), strict=True):
        assert word in message
    assert not [line for line in done.all("RUN") if "isolate" in line]


@pytest.mark.parametrize(
    ("answer", "word"),
    [
        ("isolat|bass||10|y", "no such task"),
        ("isolate| ||10|y", "what you want"),
        ("replace|bass|||y", "in its place"),
        ("generate|bass||soon|y", "how many seconds"),
    ],
)
def test_a_form_that_says_too_little_is_answered_with_what_is_missing(perform, clip, answer, word):
    [message] = perform(answer, [{"file": str(clip), "D_LENGTH": 0.5}]).all("MESSAGE")
    assert word in message


def test_what_the_bridge_refuses_is_told_in_its_own_words(perform, tmp_path):
    outside = tmp_path / "elsewhere.wav"
    soundfile.write(outside, music(0.25), RATE_HZ, subtype="FLOAT")
    done = perform("isolate|bass||10|y", [{"file": str(outside), "name": "far", "D_LENGTH": 0.25}])
    [message] = done.all("MESSAGE")
    assert message.startswith("far: this path cannot be used")
    assert len(done.items) == 1


@pytest.mark.parametrize("key", [27, -1])
def test_escape_and_closing_the_window_cancel(perform, clip, key):
    items = [{"file": str(clip), "D_LENGTH": 0.5}] * 2
    done = perform("isolate|bass||10|y", items, keys={3: key})
    assert len(done.items) == 2, "nothing is brought in"
    [cancel] = [line for line in done.all("RUN") if '"cancel"' in line]
    started = [line for line in done.all("RUN") if '"isolate"' in line]
    assert len(started) == 1, "the second job never starts"
    assert re.search(r'"--id" "([^"]+)"', started[0])[1] in cancel
    assert not done.all("MESSAGE")


def test_the_reapack_index_names_the_script_and_its_version():
    index = ElementTree.parse(KIT / "index.xml").getroot()
    [package] = index.iter("reapack")
    [version] = package.iter("version")
    [source] = version.iter("source")
    assert source.get("main") == "main"
    script = (KIT / package.get("name")).read_text(encoding="utf-8")
    assert index.get("version") == "1"
    assert f"-- @version {version.get('name')}\n" in script
    assert f"-- @description {package.get('desc')}\n" in script
    assert source.text == f"http://127.0.0.1:8000/{package.get('name')}", "as the how-to serves it"


def wrote(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, str(KIT / "index.py"), *words], capture_output=True, text=True, check=False)


def test_the_index_is_written_for_any_address_and_what_it_names_is_the_script():
    assert wrote("http://127.0.0.1:8000").stdout == (KIT / "index.xml").read_text(encoding="utf-8")
    assert '<source main="main">https://example.org/a%20b/fluxstem.lua<' in wrote("https://example.org/a%20b/").stdout
    [source] = ElementTree.fromstring(wrote().stdout).iter("source")
    with urllib.request.urlopen(source.text) as script:
        assert script.read() == (KIT / "fluxstem.lua").read_bytes()
    for bad in ("fluxstem.invalid", "https://", "https://x.org/<a>", "ftp://x.org"):
        said = wrote(bad)
        assert said.returncode == 1
        assert "is no address" in said.stderr


def test_the_index_that_ships_can_be_loaded_from_this_machine_as_the_how_to_says(tmp_path):
    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *words: object) -> None: ...

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(KIT))) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        here = f"http://127.0.0.1:{server.server_port}"
        with urllib.request.urlopen(f"{here}/index.xml") as index:
            [source] = ElementTree.fromstring(index.read()).iter("source")
        with urllib.request.urlopen(source.text.replace("http://127.0.0.1:8000", here)) as script:
            assert script.read() == (KIT / "fluxstem.lua").read_bytes()
        server.shutdown()
