"""The DAW kit is whole, says what was run, and its REAPER script works against a stand-in for REAPER."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
from clihelp import music
from oschelp import LIMIT_S

from engine.osc import Bridge
from engine.osc.protocol.replies import REPLIES
from engine.osc.protocol.requests import ROWS

ROOT = Path(__file__).parents[3]
DAW = ROOT / "resources" / "daw"
LUAS = ("lua5.4", "lua5.3", "lua", "ardour7-lua")

STAND_IN = """
local item = {{}}
local said = {{}}
reaper = {{
  CountSelectedMediaItems = function() return 1 end,
  GetSelectedMediaItem = function() return item end,
  GetUserInputs = function() return true, "bass" end,
  GetActiveTake = function() return item end,
  TakeIsMIDI = function() return false end,
  GetMediaItemTake_Source = function() return item end,
  GetMediaSourceFileName = function() return "{clip}" end,
  GetMediaItemTakeInfo_Value = function(_, name) return name == "D_PLAYRATE" and 1 or 0.25 end,
  GetMediaItemInfo_Value = function(_, name) return name == "D_LENGTH" and 0.5 or 3.75 end,
  GetMediaItem_Track = function() return item end,
  GetMediaTrackInfo_Value = function() return 4.0 end,
  InsertTrackAtIndex = function(index) print("TRACK " .. index) end,
  GetTrack = function() return item end,
  GetSetMediaTrackInfo_String = function(_, _, name) print("NAME " .. name) end,
  AddMediaItemToTrack = function() return item end,
  AddTakeToMediaItem = function() return item end,
  PCM_Source_CreateFromFile = function(path) print("FILE " .. path) return item end,
  SetMediaItemTake_Source = function() end,
  SetMediaItemInfo_Value = function(_, name, value) print(name .. " " .. value) end,
  ExecProcess = function(command)
    local pipe = io.popen(command)
    local output = pipe:read("a")
    local _, _, code = pipe:close()
    return (code or 0) .. "\\n" .. output
  end,
  MB = function(text) print("MESSAGE " .. text) end,
  Undo_BeginBlock = function() end, Undo_EndBlock = function() end, UpdateArrange = function() end,
}}
dofile("{script}")
"""


def test_every_folder_of_the_kit_says_whether_it_was_run_in_a_few_lines():
    folders = sorted(path for path in DAW.iterdir() if path.is_dir())
    assert [folder.name for folder in folders] == ["ardour", "max", "puredata", "reaper", "supercollider", "touchosc"]
    shown = (DAW / "README.md").read_text(encoding="utf-8")
    for folder in folders:
        text = (folder / "README.md").read_text(encoding="utf-8")
        assert text.splitlines()[2].startswith(("Run: ", "Not run")), folder
        assert all(f"\n{number}. " in text for number in range(1, 6)), folder
        assert f"`{folder.name}/`" in shown


def test_every_address_the_kit_names_is_a_row_of_the_table():
    named = {
        address.rstrip(".")
        for path in DAW.rglob("*") if path.is_file()
        for address in re.findall(r"/fluxstem/[a-z][a-z/.]*", path.read_text(encoding="utf-8"))
    }  # fmt: skip
    assert len(named) >= 6
    assert named <= set(ROWS) | set(REPLIES)


def test_the_reaper_script_brings_the_stem_of_an_item_back_to_its_place(toy_engine, settings, tmp_path):
    lua = next((path for path in map(shutil.which, LUAS) if path), None)
    if lua is None:
        pytest.skip(f"none of {', '.join(LUAS)} is installed")
    clip = tmp_path / "in" / "it's a take.wav"
    audio_NC = music(1.0)
    soundfile.write(clip, audio_NC, 16_000, subtype="FLOAT")
    (tmp_path / "bin").mkdir()
    program = tmp_path / "bin" / "fluxstem"
    program.write_text(f'#!/bin/sh\nPYTHONPATH="{ROOT}" exec "{sys.executable}" -m engine "$@"\n')
    program.chmod(0o755)
    script = tmp_path / "run.lua"
    script.write_text(STAND_IN.format(clip=clip, script=DAW / "reaper" / "fluxstem_isolate.lua"))
    path = f"{program.parent}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, "PATH": path, "XDG_DATA_HOME": str(tmp_path / "data")}
    with Bridge(toy_engine, replace(settings, home=tmp_path / "data" / "fluxstem" / "bridge")):
        said = subprocess.run([lua, str(script)], env=environment, capture_output=True, text=True, timeout=LIMIT_S,
                              stdin=subprocess.DEVNULL, check=False)  # fmt: skip
    lines = dict(line.split(" ", 1) for line in said.stdout.splitlines() if " " in line)
    assert "MESSAGE" not in lines, said.stdout + said.stderr
    assert lines["TRACK"] == "4", said.stdout + said.stderr
    assert (lines["NAME"], lines["D_POSITION"], lines["D_LENGTH"]) == ("bass", "3.75", "0.5")
    [rest] = Path(lines["FILE"]).parent.glob("* rest*.wav")
    stem_NC, rest_NC = (soundfile.read(path, dtype="float32", always_2d=True)[0] for path in (lines["FILE"], rest))
    np.testing.assert_array_equal(stem_NC + rest_NC, audio_NC[4000:12_000])
