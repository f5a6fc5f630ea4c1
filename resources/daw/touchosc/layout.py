"""Write ``fluxstem.tosc``, the layout for TouchOSC: ``python resources/daw/touchosc/layout.py``.

A layout is XML (``lexml`` 3, which every TouchOSC since 1.0 reads) in a zlib stream. One script at its root sends the
messages, so that each job gets an id of its own; the controls are a label or a text field, and a button for each task.
"""

from __future__ import annotations

import uuid
import zlib
from collections.abc import Iterable
from pathlib import Path
from xml.sax.saxutils import escape

WIDTH, HEIGHT, ROW, GAP = 640, 960, 56, 8
SPACE = uuid.UUID("5b0f6a0e-6c1e-4f53-9a5e-3f6d1e0c9a11")
HERE = Path(__file__).parent

# What the user writes into the script's table: the document has no text fields of its own in every version.
SCRIPT = """-- Write here what the buttons ask for. Places are seconds, or samples as '480000smp'.
local path = '/music/clip.wav'
local prompt = 'bass'
local replacement = 'trumpet'
local seconds = '10'
local options = {}  -- more by name, as {'start=480000smp', 'end=960000smp', 'seed=3'}; OSC.md lists them
local token = ''    -- the line in the file `token` of the bridge; '' for a bridge that wants none
local answers = 11202  -- the receive port of this connection, so that the bridge knows where to answer

local last = ''
local number = 0

local function texts (...)
  local tagged = {}
  for _, text in ipairs({...}) do tagged[#tagged + 1] = { tag = 's', value = tostring(text) } end
  return tagged
end

local function prove ()
  if token ~= '' then sendOSC({ '/fluxstem/auth', texts('', token) }) end
  sendOSC({ '/fluxstem/connect', { { tag = 's', value = '' }, { tag = 'i', value = answers } } })
end

-- The words of a task after its id.
local WORDS = {
  isolate = function () return { path, prompt } end,
  remove = function () return { path, prompt } end,
  regenerate = function () return { path, prompt } end,
  restyle = function () return { path, prompt } end,
  replace = function () return { path, prompt, replacement } end,
  inpaint = function () return { path, prompt } end,
  extend = function () return { path, prompt, seconds } end,
  generate = function () return { prompt, seconds } end,
  arrange = function () return { prompt, seconds } end,
}

local function ask (task)
  number = number + 1
  last = string.format('touchosc-%d-%d', getMillis(), number) .. string.format('-%06d', math.random(0, 999999))
  local words = WORDS[task]()
  for _, option in ipairs(options) do words[#words + 1] = option end
  prove()
  sendOSC({ '/fluxstem/' .. task, texts(last, table.unpack(words)) })
end

function init ()
  local time = getTime()
  math.randomseed(getMillis() + 1000 * (time[4] or 0) + (time[3] or 0) + 60 * (time[2] or 0))
end

-- A button calls this with its name.
function onReceiveNotify (name, value)
  if WORDS[name] then
    ask(name)
  elseif name == 'cancel' or name == 'result' then
    prove()
    sendOSC({ '/fluxstem/' .. name, texts(last) })
  elseif name == 'connect' then
    prove()
    sendOSC({ '/fluxstem/notify', { { tag = 'i', value = 1 } } })
  end
end

function onReceiveOSC (message, connections)
  local address, arguments = message[1], message[2]
  local function show (name, argument)
    if argument then self.children[name].values.text = tostring(argument.value) end
  end
  if address == '/fluxstem/progress' then
    self.children.progress.values.x = arguments[2].value
    show('stage', arguments[3])
  elseif address == '/fluxstem/done' then
    self.children.progress.values.x = 1
    show('stage', { value = 'done' })
    show('result', arguments[3])
  elseif address == '/fluxstem/fail' or address == '/fluxstem/error' then
    show('stage', { value = 'fail' })
    show('result', arguments[#arguments])
  elseif address == '/fluxstem/cancelled' then
    show('stage', { value = 'cancelled' })
  end
end
"""
TASKS = ("isolate", "remove", "replace", "restyle", "regenerate", "inpaint", "extend", "generate", "arrange")
BUTTONS = (*TASKS, "cancel", "result", "connect")
BUTTON = """function onValueChanged (key)
  if key == 'x' and self.values.x == 1 then self.parent:notify(self.name, 1) end
end
"""

Property = tuple[str, str, str]  # type letter, key, value as XML


def text(key: str, value: str) -> Property:
    """A text property."""
    return "s", key, f"<![CDATA[{value}]]>"


def frame(x: float, y: float, width: float, height: float) -> Property:
    """Where a control is, in points."""
    return "r", "frame", f"<x>{x:g}</x><y>{y:g}</y><w>{width:g}</w><h>{height:g}</h>"


def colour(red: float, green: float, blue: float) -> Property:
    """Its colour, each part 0 to 1."""
    return "c", "color", f"<r>{red:g}</r><g>{green:g}</g><b>{blue:g}</b><a>1</a>"


def node(
    kind: str, name: str, properties: Iterable[Property], values: dict[str, str], children: Iterable[str] = ()
) -> str:
    """A control and what is in it."""
    named = sorted([text("name", name), *properties], key=lambda one: one[1])
    shown = "".join(
        f"<property type='{letter}'><key><![CDATA[{key}]]></key><value>{value}</value></property>"
        for letter, key, value in named
    )
    state = "".join(
        f"<value><key><![CDATA[{key}]]></key><locked>0</locked><lockedDefaultCurrent>0</lockedDefaultCurrent>"
        f"<default><![CDATA[{value}]]></default><defaultPull>0</defaultPull></value>"
        for key, value in values.items()
    )
    inner = "".join(children)
    inside = f"<children>{inner}</children>" if inner else ""
    return (
        f"<node ID='{uuid.uuid5(SPACE, name)}' type='{kind}'><properties>{shown}</properties>"
        f"<values>{state}</values>{inside}</node>"
    )


def label(name: str, shown: str, place: Property) -> str:
    """A line of text."""
    look = (place, colour(0.2, 0.2, 0.25), ("i", "textSize", "20"), ("b", "background", "1"), ("b", "interactive", "0"))
    return node("LABEL", name, look, {"text": escape(shown), "touch": "false"})


def button(name: str, place: Property) -> str:
    """A button with its name on it."""
    hue = colour(0.7, 0.3, 0.3) if name == "cancel" else colour(0.25, 0.5, 0.35)
    pressed = node("BUTTON", name, (place, hue, text("script", BUTTON), ("i", "buttonType", "0")),
                   {"x": "0", "touch": "false"})  # fmt: skip
    look = (place, colour(1, 1, 1), ("i", "textSize", "20"), ("b", "background", "0"), ("b", "interactive", "0"))
    return pressed + node("LABEL", f"{name} label", look, {"text": name, "touch": "false"})


def layout() -> str:
    """The whole document."""
    width = (WIDTH - 4 * GAP) / 3
    controls = [label("title", "Fluxstem", frame(GAP, GAP, WIDTH - 2 * GAP, ROW))]
    for number, name in enumerate(BUTTONS):
        row, column = divmod(number, 3)
        place = frame(GAP + column * (width + GAP), 2 * GAP + ROW + row * (2 * ROW + GAP), width, 2 * ROW)
        controls.append(button(name, place))
    below = 2 * GAP + ROW + (len(BUTTONS) + 2) // 3 * (2 * ROW + GAP)
    bar = frame(GAP, below, WIDTH - 2 * GAP, ROW)
    controls.append(node("FADER", "progress", (bar, colour(0.3, 0.6, 0.4), ("b", "interactive", "0"),
                    ("i", "orientation", "1")), {"x": "0", "touch": "false"}))  # fmt: skip
    controls.append(label("stage", "", frame(GAP, below + ROW + GAP, WIDTH - 2 * GAP, ROW)))
    controls.append(label("result", "", frame(GAP, below + 2 * (ROW + GAP), WIDTH - 2 * GAP, ROW)))
    root = (frame(0, 0, WIDTH, HEIGHT), colour(0.1, 0.1, 0.1), text("script", SCRIPT))
    whole = node("GROUP", "fluxstem", root, {"touch": "false"}, controls)
    return f"<?xml version='1.0' encoding='UTF-8'?><lexml version='3'>{whole}</lexml>"


def main() -> None:
    """Write it beside this file."""
    (HERE / "fluxstem.tosc").write_bytes(zlib.compress(layout().encode("utf-8"), 9))


if __name__ == "__main__":
    main()
