"""Plug-ins and chains over OSC: what can be asked for, and that a message names no file to load."""

import json

import numpy as np
import psutil
import pytest
import soundfile
from clihelp import write_music
from oschelp import Caller

from engine import BUILTINS, ChainEffect, EffectChain, chain_text, list_chains
from engine.osc import Bridge
from engine.osc.protocol.requests import ROWS
from engine.osc.protocol.specs import at

SOFTER = chain_text(EffectChain((ChainEffect(builtin="gain", parameters={"gain_db": -6.0}),)))


def rows(caller, address, *args):
    """The replies before the last one, which says how many there were."""
    found = [caller.ask(address, *args)]
    while not found[-1][0].endswith(".end"):
        found.append(caller.next())
    assert found[-1][1] == len(found) - 1
    return found[:-1]


def asked(**named):
    """The arguments of isolate up to the last one that is named."""
    args = [{"id": "j", **named}.get(arg.name, arg.default) for arg in ROWS[at("isolate")].args]
    last = max(place for place, arg in enumerate(ROWS[at("isolate")].args) if arg.name in named)
    return args[: last + 1]


def test_effects_and_chains_can_be_asked_for(caller):
    assert [row[1] for row in rows(caller, at("plugins/list")) if row[2] == "builtin"] == list(BUILTINS)
    assert [row[1] for row in rows(caller, at("plugins/chains"))] == list(list_chains())
    [cutoff] = rows(caller, at("plugins/show"), "highpass")
    assert cutoff[1:4] == ("cutoff_frequency_hz", "Hz", 20.0)
    assert caller.ask(at("plugins/show"), "nothing of that name")[0] == at("error")


def test_a_scan_says_how_many_there_are(caller):
    pytest.importorskip("pedalboard", reason="chains need the extra plugins")
    assert caller.ask(at("plugins/scan")) == (at("plugins/scanned"), 0, 0)


def test_a_job_goes_through_its_chain(caller, settings):
    pytest.importorskip("pedalboard", reason="chains need the extra plugins")
    mix = write_music(settings.roots[0] / "mix.wav")
    caller.say(at("isolate"), *asked(input=str(mix), prompt="violin", chain=SOFTER))
    answer = caller.until(at("done"), at("fail"))
    assert answer[0] == at("done")
    stem_path = answer[3]
    beside = json.loads(open(stem_path.replace(".wav", ".json"), encoding="ascii").read())  # noqa: SIM115
    assert [one["name"] for one in beside["chain_effects"]] == ["gain"]
    assert np.isfinite(soundfile.read(stem_path)[0]).all()


@pytest.mark.parametrize("chain", ["/etc/passwd", "no-such-chain", "../lo-fi"])
def test_a_path_is_no_chain(chain, caller, settings):
    mix = write_music(settings.roots[0] / "mix.wav")
    caller.say(at("isolate"), *asked(input=str(mix), prompt="violin", chain=chain))
    answer = caller.until(at("done"), at("fail"))
    assert answer[0] == at("fail")
    assert answer[2] == "request"


@pytest.fixture
def take(settings):
    """A second of sound inside the allowed folder."""
    pytest.importorskip("pedalboard", reason="chains need the extra plugins")
    return write_music(settings.roots[0] / "take.wav", seconds=1.0)


def test_a_file_goes_through_a_chain_as_a_job_with_progress(caller, take, settings):
    caller.say(at("plugins/render"), "r", str(take), SOFTER)
    done = caller.until(at("done"), at("fail"))
    assert done[:3] == (at("done"), "r", 1), done
    assert caller.heard[0][:2] == (at("ack"), "r")
    assert [message for message in caller.heard if message[0] == at("progress")]
    before_NC, rate_hz = soundfile.read(take, always_2d=True)
    after_NC, _ = soundfile.read(done[3], always_2d=True)
    np.testing.assert_allclose(after_NC, before_NC * 10 ** (-6 / 20), atol=1e-4)
    assert done[4:9] == (300.0, 1.0, "0", str(len(before_NC)), rate_hz)
    assert json.loads(open(done[3].replace(".wav", ".json"), encoding="ascii").read())["fluxstem_render"] == 1  # noqa: SIM115
    caller.heard.clear()
    again = [caller.ask(at("plugins/render"), "r", str(take), SOFTER), caller.next()]
    assert [message[0] for message in again] == [at("ack"), at("done")], "the same id is the same job"
    assert again[1] == done


def test_a_render_takes_its_tail_name_and_format_by_name(caller, take, settings):
    caller.say(at("plugins/render"), "r", str(take), "lo-fi", "tail=0.5", "format=flac", "name=dusty")
    done = caller.until(at("done"), at("fail"))
    assert done[0] == at("done"), done
    assert done[3] == str(settings.out / "dusty.flac")
    assert soundfile.info(done[3]).frames == soundfile.info(take).frames + soundfile.info(take).samplerate // 2


def test_renders_are_cancelled_while_they_wait_and_while_they_run_and_leave_nothing(caller, settings):
    pytest.importorskip("pedalboard", reason="chains need the extra plugins")
    long = write_music(settings.roots[0] / "long.wav", seconds=600.0)  # so that it cannot be done before
    room = chain_text(EffectChain(tuple(ChainEffect(builtin="reverb") for _ in range(30))))
    caller.say(at("plugins/render"), "running", str(long), room)
    caller.until(at("progress"))
    caller.say(at("plugins/render"), "waiting", str(long), room)
    caller.until(at("ack"))
    assert sorted(row[1:3] for row in rows(caller, at("jobs")) if row[0] == at("jobs.reply")) == [
        ("running", "plugins/render"), ("waiting", "plugins/render"),
    ]  # fmt: skip
    for name in ("waiting", "running"):
        caller.say(at("cancel"), name)
        assert caller.until(at("cancelled"), at("done"), at("fail"))[:2] == (at("cancelled"), name)
    assert not [path for path in settings.out.rglob("*") if path.is_file()]


def test_a_render_whose_process_dies_is_done_again_and_the_bridge_goes_on(caller, settings):
    pytest.importorskip("pedalboard", reason="chains need the extra plugins")
    long = write_music(settings.roots[0] / "long.wav", seconds=60.0)
    caller.say(at("plugins/render"), "r", str(long), chain_text(EffectChain((ChainEffect(builtin="reverb"),) * 30)))
    caller.until(at("progress"))
    own = psutil.Process().children()
    [reader] = [process for process in own if any("render_sandboxed" in word for word in process.cmdline())]
    reader.kill()
    assert caller.until(at("done"), at("fail"))[:3] == (at("done"), "r", 1)
    assert any("died" in message[3] for message in caller.heard if message[0] == at("progress"))
    assert caller.ask(at("ping"), "still here") == (at("pong"), "still here")


@pytest.mark.parametrize(
    ("path", "chain", "code"),
    [
        ("/etc/hostname", "lo-fi", "path"),
        ("{in}/nothing.wav", "lo-fi", "path"),
        ("{in}/take.wav", "/etc/passwd", "request"),
        ("{in}/take.wav", "", "request"),
        ("{in}/take.wav", '{"fluxstem_chain": 1, "effects": [{"builtin": "nothing"}]}', "request"),
        ("{in}/no sound.wav", "lo-fi", "audio"),
    ],
)
def test_a_render_that_cannot_be_done_says_why(caller, take, settings, path, chain, code):
    (settings.roots[0] / "no sound.wav").write_bytes(b"no sound at all")
    caller.say(at("plugins/render"), "bad", path.replace("{in}", str(settings.roots[0])), chain)
    fail = caller.until(at("fail"), at("done"))
    assert fail[:3] == (at("fail"), "bad", code), fail
    assert str(settings.home) not in fail[3]


def test_a_render_that_a_bridge_left_unfinished_is_done_by_the_next_one(toy_engine, settings, take):
    with Bridge(toy_engine, settings) as bridge:
        caller = Caller(bridge.state.udp_port)
        caller.say(at("plugins/render"), "r", str(take), chain_text(EffectChain((ChainEffect(builtin="reverb"),) * 30)))
        caller.until(at("ack"))
        caller.socket.close()
    with Bridge(toy_engine, settings) as bridge:
        caller = Caller(bridge.state.udp_port)
        caller.say(at("result"), "r")
        assert caller.until(at("done"), at("fail"), at("cancelled"))[:3] == (at("done"), "r", 1)
        caller.socket.close()
