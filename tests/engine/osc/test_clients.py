"""Real programs speak to the bridge: liblo's oscsend, SuperCollider's sclang, Pure Data."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from clihelp import read
from oschelp import LIMIT_S, Caller

from engine.osc import Bridge
from engine.osc.protocol.specs import DEFAULT_PORT
from engine.osc.transport.sockets import PORTS_TRIED

DAW = Path(__file__).parents[3] / "resources" / "daw"


def needs(program: str) -> str:
    """Where a program is; the test is skipped where it is not."""
    path = shutil.which(program)
    if path is None:
        pytest.skip(f"{program} is not installed")
    return path


@pytest.fixture
def watcher(new_caller) -> Caller:
    """Hears the events of all jobs."""
    caller = new_caller()
    assert caller.ask("/fluxstem/notify", 1) == ("/fluxstem/notify.reply", 1)
    return caller


def oscsend(url: str, *words: object) -> None:
    subprocess.run([needs("oscsend"), url, *map(str, words)], check=True, timeout=LIMIT_S)


@pytest.mark.parametrize("protocol", ["udp", "tcp"])
@pytest.mark.parametrize(("types", "start"), [("i", 0), ("f", 0.0), ("d", 0.0), ("h", 0), ("s", "0.0"), ("F", None)])
def test_oscsend_starts_a_job_whatever_type_its_numbers_have(bridge, watcher, mix, protocol, types, start):
    port = bridge.state.tcp_port if protocol == "tcp" else bridge.state.udp_port
    number = () if start is None else (start,)
    oscsend(f"osc.{protocol}://127.0.0.1:{port}", "/fluxstem/isolate", "sss" + types, "lo", mix, "bass", *number)
    done = watcher.until("/fluxstem/done", "/fluxstem/fail")
    assert done[:3] == ("/fluxstem/done", "lo", 2)
    assert all(Path(path).is_file() for path in done[3:5])


def test_oscsend_gets_its_ids_as_numbers_across(bridge, watcher, mix):
    oscsend(f"osc.udp://127.0.0.1:{bridge.state.udp_port}", "/fluxstem/isolate", "iss", 17, mix, "bass")
    assert watcher.until("/fluxstem/done", "/fluxstem/fail")[:2] == ("/fluxstem/done", "17")


@pytest.fixture
def sclang(tmp_path) -> Iterator[Callable[[str], subprocess.Popen[str]]]:
    """Start a script with the kit's class."""
    program = needs("sclang")
    config = tmp_path / "langconf.yaml"
    config.write_text(f"includePaths:\n    - {DAW / 'supercollider'}\nexcludePaths: []\npostInlineWarnings: false\n")
    environment = {**os.environ, "QT_QPA_PLATFORM": "offscreen", "QTWEBENGINE_DISABLE_SANDBOX": "1"}
    environment |= {"HOME": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path / "config"), "XDG_DATA_HOME": ""}
    running: list[subprocess.Popen[str]] = []

    def start(code: str) -> subprocess.Popen[str]:
        script = tmp_path / "script.scd"
        script.write_text(code)
        running.append(
            subprocess.Popen(
                [program, "-l", str(config), str(script)], env=environment, text=True, stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, cwd=tmp_path,  # without XDG_DATA_HOME it writes here
            )
        )  # fmt: skip
        return running[-1]

    yield start
    for process in running:
        process.kill()
        process.communicate()


def test_supercollider_gets_a_stem_with_the_kits_class_and_the_token_it_finds(
    toy_engine, settings, sclang, mix, tmp_path
):
    """The bridge wants its token; places are in samples, options by name, and a job can be cancelled by its id."""
    home = tmp_path / ".local" / "share" / "fluxstem" / "bridge"
    with Bridge(toy_engine, replace(settings, home=home, no_token=False)) as bridge:
        said = sclang(f"""
            f = Fluxstem("127.0.0.1", {bridge.state.udp_port});
            f.isolate("{mix}", "bass",
                {{ |stem, rest| ("STEM=" ++ stem).postln; ("REST=" ++ rest).postln;
                   f.arrange(["bass", "piano"], 0.25, {{ |all| ("MADE=" ++ all).postln;
                       f.isolate("/etc/passwd", "bass", nil, {{ |why| ("WHY=" ++ why).postln; 0.exit }}) }},
                       {{ |why| ("WHY=" ++ why).postln; 1.exit }}) }},
                {{ |why| ("WHY=" ++ why).postln; 1.exit }}, nil, (start: "1001smp", end: "3002smp", seed: 3));
        """).communicate(timeout=LIMIT_S)[0]
    lines = dict(
        line.split("=", 1) for line in said.splitlines() if line.startswith(("STEM=", "REST=", "MADE=", "WHY="))
    )
    assert lines["WHY"].startswith("this path cannot be used"), said
    np.testing.assert_array_equal(read(lines["STEM"]) + read(lines["REST"]), read(mix)[1001:3002])
    assert Path(lines["MADE"]).is_file()


def test_supercollider_over_tcp_and_with_true_and_nil(bridge, sclang, watcher, mix):
    sclang(f"""
        n = NetAddr("127.0.0.1", {bridge.state.tcp_port});
        n.tryConnectTCP({{
            n.sendMsg("/fluxstem/isolate", \\sc, "{mix}", "bass", nil, false);
        }}, {{ 1.exit }}, 20);
    """)
    assert watcher.until("/fluxstem/done", "/fluxstem/fail")[:2] == ("/fluxstem/done", "sc")


def test_pure_data_gets_stems_through_the_kits_abstraction_with_ids_of_its_own(toy_engine, settings, mix, tmp_path):
    """The bridge wants its token, which is read from its file; places are in samples, options by name."""
    program = needs("pd")
    patch = tmp_path / "test.pd"
    with Bridge(toy_engine, replace(settings, no_token=False)) as bridge:
        patch.write_text(f"""#N canvas 0 0 600 300 12;
#X obj 10 10 loadbang;
#X obj 10 40 t b b b;
#X msg 200 70 connect 127.0.0.1 {bridge.state.udp_port};
#X msg 200 95 token-file {settings.home / "token"};
#X msg 10 70 isolate {mix} bass start=1001smp end=3002smp seed=3 \\, generate 808 0.25 \\, result;
#X obj 10 110 fluxstem;
#X obj 10 140 print HEARD;
#X obj 10 170 route done fail error;
#X obj 10 185 t b;
#X obj 10 200 f;
#X obj 60 200 + 1;
#X obj 10 215 select 1;
#X msg 10 230 \\; pd quit;
#X connect 0 0 1 0;
#X connect 1 0 4 0;
#X connect 1 1 3 0;
#X connect 1 2 2 0;
#X connect 2 0 5 0;
#X connect 3 0 5 0;
#X connect 4 0 5 0;
#X connect 5 0 6 0;
#X connect 5 0 7 0;
#X connect 7 0 8 0;
#X connect 7 1 8 0;
#X connect 7 2 8 0;
#X connect 8 0 9 0;
#X connect 9 0 10 0;
#X connect 10 0 9 1;
#X connect 9 0 11 0;
#X connect 11 0 12 0;
""")
        said = subprocess.run(
            [program, "-nogui", "-noaudio", "-stderr", "-path", str(DAW / "puredata"), str(patch)],
            capture_output=True, text=True, timeout=LIMIT_S, check=False,
        ).stderr  # fmt: skip
    done = [line.split() for line in said.splitlines() if line.startswith("HEARD: done")]
    assert len(done) == 2, said
    assert len({words[2] for words in done}) == 2, "every job has an id of its own"
    assert all(words[2].startswith("pd-") for words in done)
    assert "error:" not in said
    stems = list((tmp_path / "out").glob("mix*.wav"))
    assert len(stems) == 2
    np.testing.assert_array_equal(sum(read(path) for path in stems), read(mix)[1001:3002])


def test_the_ports_of_known_programs_are_left_alone():
    """Ardour, AbletonOSC, scsynth, sclang and TouchOSC listen on these."""
    taken = {3819, 3820, 11000, 11001, 57110, 57120, 8000, 9000}
    assert not taken & set(range(DEFAULT_PORT, DEFAULT_PORT + PORTS_TRIED))
