"""The DAW kit is whole, says what was run, and what can be checked of it without its programs is right."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import zlib
from pathlib import Path
from xml.etree import ElementTree

import pytest

from engine import TASKS
from engine.osc.protocol.replies import REPLIES
from engine.osc.protocol.requests import ROWS

ROOT = Path(__file__).parents[3]
DAW = ROOT / "resources" / "daw"
LUAS = ("lua5.4", "lua5.3", "lua", "ardour7-lua")
TEXTS = (".md", ".lua", ".sc", ".pd", ".js", ".py", ".maxpat")
ASKING = {  # a kit's file -> how it writes that it can ask for a task
    "supercollider/Fluxstem.sc": "\t{task} {{ |",
    "touchosc/layout.py": '"{task}"',
    "max/fluxstem.js": '"{task}"',
    "reaper/fluxstem.lua": "  {task} = {{ takes",
    "ardour/fluxstem.lua": "{task} = {{ takes",
}


def test_every_folder_of_the_kit_says_whether_it_was_run_in_a_few_steps():
    folders = sorted(path for path in DAW.iterdir() if path.is_dir())
    kits = {"ardour", "max", "puredata", "reaper", "supercollider", "touchosc"}
    assert kits <= {folder.name for folder in folders}
    shown = (DAW / "README.md").read_text(encoding="utf-8")
    for folder in folders:
        text = (folder / "README.md").read_text(encoding="utf-8")
        assert f"`{folder.name}/`" in shown
        assert re.search(r"^(Run: |\**Not run)", text, re.M), folder
        if folder.name in kits:
            assert text.splitlines()[2].startswith(("Run: ", "Not run")), folder
            assert all(f"\n{number}. " in text for number in range(1, 6)), folder


def test_every_address_the_kit_names_is_a_row_of_the_table():
    named = {
        address.rstrip(".")
        for path in DAW.rglob("*") if path.suffix in TEXTS and "ableton" not in path.parts  # it has its own, too
        for address in re.findall(r"(?<![\w/.])/fluxstem/[a-z][a-z/.]*", path.read_text(encoding="utf-8"))
    }  # fmt: skip
    assert len(named) >= 6
    assert named <= set(ROWS) | set(REPLIES)


@pytest.mark.parametrize("file", ASKING)
def test_every_kit_asks_for_all_tasks(file):
    text = (DAW / file).read_text(encoding="utf-8")
    assert [task for task in TASKS if ASKING[file].format(task=task) not in text] == []


def test_files_that_a_how_to_names_are_there():
    for path in DAW.rglob("README.md"):
        for name in re.findall(r"`([\w-]+\.(?:lua|pd|sc|tosc|maxpat|js|xml|py))`", path.read_text(encoding="utf-8")):
            assert (path.parent / name).is_file(), f"{path}: {name}"


def test_the_touchosc_layout_is_what_its_script_writes_and_its_buttons_ask(tmp_path):
    """TouchOSC's script runs against a stand-in for TouchOSC's functions."""
    root = ElementTree.fromstring(zlib.decompress((DAW / "touchosc" / "fluxstem.tosc").read_bytes()))
    properties = {one.find("key").text: one.find("value") for one in root.find("node").find("properties")}
    names = [
        next(one.find("value").text for one in node.find("properties") if one.find("key").text == "name")
        for node in root.iter("node") if node.get("type") == "BUTTON"
    ]  # fmt: skip
    assert set(TASKS) | {"cancel", "result", "connect"} == set(names)
    lua = next((path for path in map(shutil.which, LUAS) if path), None)
    if lua is None:
        pytest.skip(f"none of {', '.join(LUAS)} is installed")
    script = tmp_path / "run.lua"
    script.write_text(
        "function getMillis () return 12345 end\nfunction getTime () return { 1, 2, 3, 4 } end\n"
        "function sendOSC (message) local words = {} for _, one in ipairs(message[2]) do "
        "words[#words + 1] = one.tag .. ':' .. one.value end print(message[1] .. ' ' .. table.concat(words, ' ')) end\n"
        "self = { children = { progress = { values = {} }, stage = { values = {} }, result = { values = {} } } }\n"
        + properties["script"].text
        + "\ninit()\n"
        + "".join(f"onReceiveNotify('{task}', 1)\n" for task in TASKS)
        + "onReceiveNotify('cancel', 1)\n"
        "onReceiveOSC({ '/fluxstem/progress', { { value = 'a' }, { value = 0.5 }, { value = 'step' } } })\n"
        "onReceiveOSC({ '/fluxstem/done', { { value = 'a' }, { value = 2 }, { value = '/x.wav' } } })\n"
        "print(self.children.stage.values.text, self.children.result.values.text, self.children.progress.values.x)\n"
    )
    said = subprocess.run(
        [lua, str(script)], capture_output=True, text=True, check=True, timeout=60
    ).stdout.splitlines()
    told, (*asked, cancelled, shown) = said[::2][:-1], [line for line in said if "/connect " not in line]
    assert told == ["/fluxstem/connect s: i:11202"] * (len(TASKS) + 1), "where to answer, before each message"
    assert [line.split()[0] for line in asked] == [f"/fluxstem/{task}" for task in TASKS]
    ids = [line.split()[1] for line in asked]
    assert len(set(ids)) == len(TASKS), "every job has an id of its own"
    assert cancelled == f"/fluxstem/cancel {ids[-1]}"
    assert shown.split() == ["done", "/x.wav", "1"]


def test_the_max_patch_is_wired_and_its_script_asks():
    patch = json.loads((DAW / "max" / "fluxstem.maxpat").read_text(encoding="utf-8"))["patcher"]
    boxes = {one["box"]["id"]: one["box"] for one in patch["boxes"]}
    for line in (one["patchline"] for one in patch["lines"]):
        assert line["source"][1] < boxes[line["source"][0]]["numoutlets"]
        assert line["destination"][1] < boxes[line["destination"][0]]["numinlets"]
    node = shutil.which("node")
    if node is None:
        pytest.skip("node is not installed")
    script = (DAW / "max" / "fluxstem.js").read_text(encoding="utf-8")
    stand_in = (
        "var inlets, outlets, messagename; function arrayfromargs(a) { return Array.prototype.slice.call(a) }"
        "function outlet(n) { if (n === 0) console.log(JSON.stringify([].slice.call(arguments, 1))) }"
        "function error(text) { console.log('error ' + text) }"
    )
    calls = "token = 'secret'; connect(11201); messagename = 'isolate'; anything('/a.wav', 'bass', 'seed=3'); cancel();"
    said = subprocess.run([node, "-e", f"{stand_in}\n{script}\n{calls}"], capture_output=True, text=True, check=True,
                          timeout=60).stdout  # fmt: skip
    lines = [json.loads(line) for line in said.splitlines()]
    asked = next(line for line in lines if line[0] == "/fluxstem/isolate")
    assert asked[2:] == ["/a.wav", "bass", "seed=3"]
    assert lines[0] == ["/fluxstem/auth", "", "secret"]
    assert ["/fluxstem/connect", "127.0.0.1", 11201] in lines
    assert lines[-1] == ["/fluxstem/cancel", asked[1]]
