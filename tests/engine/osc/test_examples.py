"""Examples, candidates, several regions and the newer tasks over OSC, with a client that knows OSC only."""

from __future__ import annotations

import os
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
import soundfile
from clihelp import read, write_music
from oschelp import Caller
from PIL import Image
from showfiles import plain
from toybundle import SENSES, write_toy_bundle

from engine import Engine
from engine.osc import Bridge, BridgeClient, BridgeSettings
from engine.osc.paths import REFUSED
from engine.osc.protocol.requests import ROWS
from engine.osc.protocol.specs import at
from engine.osc.transfer import fetch, send_clip

RATE_HZ = 16_000


@pytest.fixture(scope="module")
def toy_engine(tmp_path_factory):
    """As in ``conftest.py``, with a bundle that listens and sees."""
    bundles = tmp_path_factory.mktemp("bundles")
    write_toy_bundle(bundles / "toy", senses=SENSES)
    before = os.environ.get("FLUXSTEM_BUNDLES")
    os.environ["FLUXSTEM_BUNDLES"] = str(bundles)
    with Engine() as engine:
        yield engine
    os.environ.pop("FLUXSTEM_BUNDLES")
    if before is not None:
        os.environ["FLUXSTEM_BUNDLES"] = before


@pytest.fixture
def hum(settings: BridgeSettings) -> Path:
    """A sound that stands for a half of the mix."""
    path = settings.roots[0] / "hum.wav"
    tone = 0.5 * np.sin(2 * np.arcsin(0.25) * np.arange(RATE_HZ))
    soundfile.write(path, tone, RATE_HZ, subtype="FLOAT")
    return path


def say(caller: Caller, task: str, name: str, **values: object) -> tuple:
    """Ask for a task with the values of the table by name, nil for the others; gives what came of it."""
    args = [values.get(arg.name, name if arg.name == "id" else None) for arg in ROWS[at(task)].args]
    caller.say(at(task), *args)
    return caller.until(at("done"), at("fail"))


def share(done: tuple, mix: Path) -> float:
    stem, whole = read(done[3])[:, 0], read(mix)[:, 0]
    return float(stem @ whole / (whole @ whole))


def test_a_sound_alone_says_what_to_look_for(caller, mix, hum):
    done = say(caller, "isolate", "a", input=str(mix), prompt="", audio=str(hum), render="decoded")
    assert done[0] == at("done"), done
    assert share(done, mix) == pytest.approx(0.5, abs=0.01)
    part = say(caller, "isolate", "b", input=str(mix), prompt="", audio=f"{hum}#t=0.2,0.6", render="decoded")
    assert share(part, mix) == pytest.approx(0.5, abs=0.01)


def test_a_sound_can_come_by_wire(bridge, mix, hum):
    with BridgeClient(port=bridge.state.tcp_port, tcp=True) as client:
        clip = send_clip(client, hum)
        made = client.run("isolate", str(mix), "", audio=f"clip:{clip}", candidates=2)
        assert len(made.paths) == 4
        for part, path in (("1", made.paths[0]), ("2", made.paths[1]), ("rest.2", made.paths[3])):
            file = BytesIO()
            assert fetch(client, made.id, part, file) == Path(path).name
            assert file.getvalue() == Path(path).read_bytes()


def test_pictures_obey_the_rules_for_paths(caller, mix, tmp_path, settings):
    outside = tmp_path / "outside.png"
    Image.fromarray(plain((128, 0, 0))).save(outside)
    (settings.roots[0] / "link.png").symlink_to(outside)
    for number, path in enumerate((outside, settings.roots[0] / "link.png", "relative.png", "/etc/passwd")):
        assert say(caller, "isolate", f"p{number}", input=str(mix), prompt="", image=str(path))[2:] == ("path", REFUSED)
    inside = settings.roots[0] / "inside.png"
    inside.write_bytes(outside.read_bytes())
    assert say(caller, "isolate", "in", input=str(mix), prompt="bass", image=str(inside))[0] == at("done")
    (settings.roots[0] / "list.png").write_text("#EXTM3U\n")
    failed = say(caller, "isolate", "no", input=str(mix), prompt="", image=str(settings.roots[0] / "list.png"))
    assert failed[2] == "example"
    assert "playlist" in failed[3]
    assert str(tmp_path) not in failed[3]


def test_candidates_and_regions_give_all_their_files(caller, mix):
    done = say(caller, "regenerate", "k", input=str(mix), prompt="bass", candidates=3)
    assert done[:3] == (at("done"), "k", 3)
    done = say(caller, "isolate", "r", input=str(mix), prompt="bass", regions="0.02-0.1 0.15-0.2")
    assert done[:3] == (at("done"), "r", 4)
    assert [len(read(path)) for path in done[3:7]] == [1280, 1280, 800, 800]
    assert say(caller, "isolate", "x", input=str(mix), prompt="bass", regions="soon")[2] == "request"


def test_the_newer_tasks_are_asked_for_by_name(caller, mix):
    restyled = say(caller, "restyle", "s", input=str(mix), prompt="bass", strength=0.5, mix_prompt="drums")
    assert restyled[0] == at("done"), restyled
    replaced = say(caller, "replace", "w", input=str(mix), prompt="violin", replacement="bass", start=0.05, end=0.2)
    assert replaced[0] == at("done"), replaced
    assert len(read(replaced[3])) == len(read(mix)), "the whole mix comes first"
    arranged = say(caller, "arrange", "v", prompt="bass; violin", seconds=0.3, keep_order=1)
    assert arranged[:2] == (at("done"), "v"), arranged
    assert arranged[2] >= 3


def test_what_is_not_heard_has_a_code_of_its_own_and_is_replaced_anyway(caller, mix):
    asked = {"input": str(mix), "prompt": "kazoo", "replacement": "bass"}
    refused = say(caller, "replace", "n", **asked)
    assert refused[:3] == (at("fail"), "n", "absent")
    assert refused[3].startswith("kazoo is not heard in ")
    done = say(caller, "replace", "o", **asked, anyway=1)
    assert done[0] == at("done"), done


def test_any_slot_can_be_made(caller, mix):
    filled = say(caller, "inpaint", "f", input=str(mix), prompt="bass", start=0.05, end=0.1, slot="mix")
    assert filled[:3] == (at("done"), "f", 1), filled
    np.testing.assert_array_equal(read(filled[3])[:800], read(mix)[:800])
    assert filled[3].endswith(" mix.wav")
    beside = say(caller, "regenerate", "b", input=str(mix), prompt="the band", slot="rest")
    assert beside[3].endswith(" rest.wav"), beside
    refused = say(caller, "generate", "g", prompt="bass", seconds=0.1, slot="drums")
    assert refused[0] != at("done")
    assert "slot" in refused[-1]


def test_a_job_of_examples_survives_the_bridge(toy_engine, settings, tmp_path, hum):
    long = write_music(settings.roots[0] / "long.wav", seconds=2)
    with Bridge(toy_engine, settings) as bridge, BridgeClient(port=bridge.state.udp_port) as client:
        job = client.start("isolate", str(long), "", audio=str(hum), steps=300, regions="0.5-1.0 1.2-1.5")
    hum.unlink()
    with Bridge(toy_engine, settings) as bridge, BridgeClient(port=bridge.state.udp_port) as client:
        assert len(client.wait(job).paths) == 4


def test_what_a_wording_asks_for_comes_first(caller, mix):
    done = say(caller, "isolate", "n", input=str(mix), prompt="no drums", render="decoded")
    assert done[0] == at("done"), done
    assert share(done, mix) == pytest.approx(0.25, abs=0.01), "the rest without the drums"
