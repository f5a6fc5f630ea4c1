"""What the kits' scripts send for all nine tasks is done by a real bridge.

SuperCollider and Pure Data are run themselves; the scripts of TouchOSC and Max run outside those programs, and what
they send goes to the bridge. REAPER, Ardour and Live have tests of their own.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from xml.etree import ElementTree
from zlib import decompress

import numpy as np
import pytest
from clihelp import read
from oschelp import LIMIT_S

from engine import TASKS

DAW = Path(__file__).parents[3] / "resources" / "daw"
LUAS = ("lua5.4", "lua5.3", "lua", "ardour7-lua")
PART = ("start=1001smp", "end=3002smp")
FILES = {  # task -> words after the path, as its row of the table wants them
    "isolate": ("bass", *PART),
    "remove": ("bass", *PART),
    "regenerate": ("piano", *PART),
    "restyle": ("trumpet", *PART),
    "replace": ("bass", "trumpet", *PART),
    "inpaint": ("piano", *PART),
    "extend": ("piano", "0.25"),
}
ANEW = {"generate": ("piano", "0.25"), "arrange": ("bass; piano", "0.25")}


def needs(*programs: str) -> str:
    """Where the first of the programs that is installed is; the test is skipped where none is."""
    path = next((path for path in map(shutil.which, programs) if path), None)
    if path is None:
        pytest.skip(f"none of {', '.join(programs)} is installed")
    return path


def said_by(*command: str, **more: object) -> list[str]:
    done = subprocess.run([*map(str, command)], capture_output=True, text=True, check=False, timeout=LIMIT_S, **more)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.splitlines()


def check_all_done(caller, messages: list[list[object]], hearer=None) -> None:
    """Send what a script sent; every job is done, and the part that was named is the part that came.

    Args:
        caller: sends.
        messages: address and arguments.
        hearer: whom the answers come to; None means the caller.
    """
    assert [address for address, *_ in messages] == [f"/fluxstem/{task}" for task in (*FILES, *ANEW)]
    ids = {task: str(message[1]) for task, message in zip((*FILES, *ANEW), messages, strict=True)}
    assert len(set(ids.values())) == len(TASKS), "every job has an id of its own"
    for address, *args in messages:
        caller.say(address, *args)
    caller = hearer or caller
    ended = [caller.until("/fluxstem/done", "/fluxstem/fail") for _ in messages]
    assert [message for message in ended if message[0] == "/fluxstem/fail"] == []
    assert {message[1] for message in ended} == set(ids.values())
    [isolated] = [message for message in ended if message[1] == ids["isolate"]]
    assert isolated[7:9] == ("1001", "2001")


def test_touchosc_asks_for_all_nine_tasks_and_all_are_done(new_caller, mix, tmp_path):
    """It may send from another port than the one it hears on: its script tells the bridge."""
    caller, hearer = new_caller(), new_caller()
    lua = needs(*LUAS)
    root = ElementTree.fromstring(decompress((DAW / "touchosc" / "fluxstem.tosc").read_bytes()))
    properties = {one.find("key").text: one.find("value") for one in root.find("node").find("properties")}
    mine = {
        "path": f"'{mix}'",
        "answers": str(hearer.port),
        "seconds": "'0.25'",
        "options": "{'start=1001smp', 'end=3002smp'}",
    }
    script = properties["script"].text
    for name, value in mine.items():  # as the how-to has the user write them
        script, count = re.subn(rf"^local {name} = \S.*?(?=$|  --)", lambda _, line=f"local {name} = {value}": line,
                                script, flags=re.M)  # fmt: skip
        assert count == 1, name
    whole = script.replace(mine["options"], "{}")
    messages = []
    for text, tasks in ((script, tuple(FILES)[:-1]), (whole, ("extend", *ANEW))):
        path = tmp_path / "run.lua"
        path.write_text(
            "function getMillis () return 12345 end\nfunction getTime () return { 1, 2, 3, 4 } end\n"
            "function sendOSC (message) local words = { message[1] } for _, one in ipairs(message[2]) do "
            "words[#words + 1] = one.value end print(table.concat(words, '\\31')) end\n"
            f"self = {{ children = {{}} }}\n{text}\ninit()\n"
            + "".join(f"onReceiveNotify('{one}', 1)\n" for one in tasks)
        )
        messages += [line.split("\x1f") for line in said_by(lua, path)]
    told = [message for message in messages if message[0] == "/fluxstem/connect"]
    messages = [message for message in messages if message not in told]
    assert [message[1:] for message in told] == [["", str(hearer.port)]] * len(messages), "before each job"
    caller.say(*told[0])
    assert hearer.next()[0] == "/fluxstem/connect.reply"
    for at, message in enumerate(messages):
        message[1] = f"{message[1]}-{at}"  # two runs of one clock
    check_all_done(caller, messages, hearer)


def test_max_asks_for_all_nine_tasks_and_all_are_done(caller, mix):
    node = needs("node")
    stand_in = (
        "var inlets, outlets, messagename; function arrayfromargs(a) { return Array.prototype.slice.call(a) }"
        "function outlet(n) { if (n === 0) console.log(JSON.stringify([].slice.call(arguments, 1))) }"
        "function error(text) { console.log('error ' + text) }"
    )
    asked = [[task, str(mix), *words] for task, words in FILES.items()] + [
        [task, *words] for task, words in ANEW.items()
    ]
    calls = "".join(f"messagename = {json.dumps(task)}; anything({json.dumps(words)[1:-1]});" for task, *words in asked)
    script = (DAW / "max" / "fluxstem.js").read_text(encoding="utf-8")
    check_all_done(caller, [json.loads(line) for line in said_by(node, "-e", f"{stand_in}\n{script}\n{calls}")])


def test_supercollider_has_all_nine_tasks_done(bridge, mix, tmp_path):
    """The class runs in sclang itself, one task after the other."""
    sclang = needs("sclang")
    config = tmp_path / "langconf.yaml"
    config.write_text(f"includePaths:\n    - {DAW / 'supercollider'}\nexcludePaths: []\npostInlineWarnings: false\n")
    part = '(start: "1001smp", end: "3002smp")'
    script = tmp_path / "script.scd"
    script.write_text(f"""
        f = Fluxstem("127.0.0.1", {bridge.state.udp_port}); p = "{mix}";
        ~asks = [
            ["isolate", {{ |d, w| f.isolate(p, "bass", d, w, nil, {part}) }}],
            ["remove", {{ |d, w| f.remove(p, "bass", d, w, nil, {part}) }}],
            ["regenerate", {{ |d, w| f.regenerate(p, "piano", d, w, nil, {part}) }}],
            ["restyle", {{ |d, w| f.restyle(p, "trumpet", d, w, nil, {part}) }}],
            ["replace", {{ |d, w| f.replace(p, "bass", "trumpet", d, w, nil, {part}) }}],
            ["inpaint", {{ |d, w| f.inpaint(p, "piano", "1001smp", "3002smp", d, w) }}],
            ["extend", {{ |d, w| f.extend(p, "piano", 0.25, d, w) }}],
            ["generate", {{ |d, w| f.generate("piano", 0.25, d, w) }}],
            ["arrange", {{ |d, w| f.arrange(["bass", "piano"], 0.25, d, w) }}]
        ];
        ~next = {{ |at|
            (at == ~asks.size).if {{ 0.exit }} {{
                ~asks[at][1].value(
                    {{ |first| ("DONE " ++ ~asks[at][0] ++ " " ++ first).postln; ~next.(at + 1) }},
                    {{ |why| ("WHY " ++ ~asks[at][0] ++ " " ++ why).postln; 1.exit }})
            }}
        }};
        ~next.(0);
    """)
    environment = {**os.environ, "QT_QPA_PLATFORM": "offscreen", "QTWEBENGINE_DISABLE_SANDBOX": "1"}
    environment |= {"HOME": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path / "config"), "XDG_DATA_HOME": ""}
    lines = said_by(sclang, "-l", config, script, env=environment, cwd=tmp_path, stdin=subprocess.DEVNULL)
    done = [line.split(" ", 2)[1:] for line in lines if line.startswith("DONE ")]
    assert [task for task, _ in done] == [*FILES, *ANEW], lines[-5:]
    assert all(Path(path).is_file() for _, path in done)


def test_pure_data_has_all_nine_tasks_done(bridge, mix, tmp_path):
    """The abstraction runs in Pd itself; all are asked at once, each with an id of its own."""
    pd = needs("pd")
    asked = [" ".join([task, str(mix), *words]) for task, words in FILES.items()]
    asked += [" ".join([task, *words]) for task, words in ANEW.items()]
    asked[-1] = asked[-1].replace("; ", "\\\\\\; ".replace(" ", "\\ "))  # as the how-to says
    patch = tmp_path / "test.pd"
    patch.write_text(
        "#N canvas 0 0 600 300 12;\n#X obj 10 10 loadbang;\n#X obj 10 40 t b b;\n"
        f"#X msg 200 70 connect 127.0.0.1 {bridge.state.udp_port};\n"
        "#X msg 10 70 " + " \\, ".join(asked) + ";\n"
        "#X obj 10 110 fluxstem;\n#X obj 10 140 print HEARD;\n#X obj 10 170 route done fail error;\n"
        "#X obj 10 185 t b;\n"
        f"#X obj 10 200 f;\n#X obj 60 200 + 1;\n#X obj 10 215 select {len(asked) - 1};\n#X msg 10 230 \\; pd quit;\n"
        "#X connect 0 0 1 0;\n#X connect 1 0 3 0;\n#X connect 1 1 2 0;\n#X connect 2 0 4 0;\n#X connect 3 0 4 0;\n"
        "#X connect 4 0 5 0;\n#X connect 4 0 6 0;\n#X connect 6 0 7 0;\n#X connect 6 1 7 0;\n#X connect 6 2 7 0;\n"
        "#X connect 7 0 8 0;\n#X connect 8 0 9 0;\n#X connect 9 0 8 1;\n#X connect 8 0 10 0;\n#X connect 10 0 11 0;\n"
    )
    said = subprocess.run(
        [pd, "-nogui", "-noaudio", "-stderr", "-path", str(DAW / "puredata"), str(patch)],
        capture_output=True, text=True, timeout=LIMIT_S, check=False,
    ).stderr  # fmt: skip
    done = [line.split() for line in said.splitlines() if line.startswith("HEARD: done")]
    assert len({words[2] for words in done}) == len(TASKS), said
    stems = sorted((tmp_path / "out").glob("mix*bass*.wav"))
    pairs = [path for path in stems if len(read(path)) == 2001]
    assert pairs, "the part in samples came back"
    assert any(
        np.array_equal(read(one) + read(other), read(mix)[1001:3002])
        for one in pairs
        for other in pairs
        if one != other
    )
